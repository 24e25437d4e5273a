//! The format specification: `[[fill]align][sign][z][#][0][width][grouping][.precision[grouping]][type]`.

use crate::text::{Builder, Text, Unit};
use crate::unicode;

/// Why something cannot be formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// `ValueError` with this message.
    Value(Text),
    /// `OverflowError` with this message.
    Overflow(&'static str),
    /// `MemoryError`: the text would be longer than memory.
    Memory,
}

/// Asks for a width's memory before the text is made: a failed allocation later would end the process.
fn room_for(width: usize) -> Result<(), FormatError> {
    const SURELY_THERE: usize = 1 << 20;
    // Text is made in units of four bytes at most.
    let bytes = width.saturating_mul(4);
    if bytes <= SURELY_THERE || Vec::<u8>::new().try_reserve_exact(bytes).is_ok() {
        Ok(())
    } else {
        Err(FormatError::Memory)
    }
}

impl FormatError {
    pub(super) fn value(message: &str) -> FormatError {
        FormatError::Value(Text::from(message))
    }

    /// The message.
    pub fn message(&self) -> Text {
        match self {
            FormatError::Value(message) => message.clone(),
            FormatError::Overflow(message) => Text::from(*message),
            FormatError::Memory => Text::from(""),
        }
    }
}

/// Where the value stands in its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Center,
    /// `=`: fill between sign and digits.
    AfterSign,
}

impl Align {
    fn from_cp(cp: u32) -> Option<Align> {
        Some(match char::from_u32(cp)? {
            '<' => Align::Left,
            '>' => Align::Right,
            '^' => Align::Center,
            '=' => Align::AfterSign,
            _ => return None,
        })
    }
}

/// How the sign of a number shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `-`: only a minus.
    Minus,
    /// `+`: always.
    Plus,
    /// A space instead of a plus.
    Space,
}

/// What separates groups of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Commas.
    Comma,
    /// Underscores (every four digits for binary, octal and hexadecimal).
    Underscore,
}

impl Grouping {
    pub(super) fn separator(self) -> u32 {
        match self {
            Grouping::Comma => u32::from(b','),
            Grouping::Underscore => u32::from(b'_'),
        }
    }
}

/// A parsed specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Fills the field; a space unless given.
    pub fill: u32,
    /// Place in the field, given or the type's default.
    pub align: Align,
    /// Given sign.
    pub sign: Option<Sign>,
    /// `z`: no negative zero.
    pub no_negative_zero: bool,
    /// `#`
    pub alternate: bool,
    /// Least width of the field.
    pub width: Option<usize>,
    /// Grouping of the whole digits.
    pub grouping: Option<Grouping>,
    /// Digits, or characters of a string.
    pub precision: Option<usize>,
    /// Grouping of the digits behind the point.
    pub fraction_grouping: Option<Grouping>,
    /// The type's letter; `None`: left out (or NUL where NUL means that).
    pub kind: Option<u32>,
    /// A NUL was written as type: the same as none for floats, unknown for others.
    pub nul: bool,
}

struct Scanner<'a, U> {
    units: &'a [U],
    at: usize,
}

impl<U: Unit> Scanner<'_, U> {
    fn peek(&self, ahead: usize) -> Option<u32> {
        self.units.get(self.at + ahead).map(|unit| unit.cp())
    }

    fn accept(&mut self, expected: u8) -> bool {
        let found = self.peek(0) == Some(u32::from(expected));
        self.at += usize::from(found);
        found
    }

    /// A number in decimal digits of any script; `None` without digits.
    fn number(&mut self) -> Result<Option<usize>, FormatError> {
        let mut value: Option<usize> = None;
        while let Some(digit) = self.peek(0).and_then(|cp| unicode::decimal(cp, Default::default())) {
            let next = value.unwrap_or(0).checked_mul(10).and_then(|high| high.checked_add(usize::from(digit)));
            match next.filter(|&next| isize::try_from(next).is_ok()) {
                Some(next) => value = Some(next),
                None => return Err(FormatError::value("Too many decimal digits in format string")),
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn sign(&mut self) -> Option<Sign> {
        let sign = match char::from_u32(self.peek(0)?)? {
            ' ' => Sign::Space,
            '+' => Sign::Plus,
            '-' => Sign::Minus,
            _ => return None,
        };
        self.at += 1;
        Some(sign)
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, FormatError> {
        let comma = self.accept(b',');
        if self.accept(b'_') {
            return if comma { Err(both_separators()) } else { self.underscore() };
        }
        Ok(comma.then_some(Grouping::Comma))
    }

    fn underscore(&mut self) -> Result<Option<Grouping>, FormatError> {
        if self.peek(0) == Some(u32::from(b',')) { Err(both_separators()) } else { Ok(Some(Grouping::Underscore)) }
    }
}

fn both_separators() -> FormatError {
    FormatError::value("Cannot specify both ',' and '_'.")
}

/// A type letter as messages show it.
fn shown(kind: u32) -> String {
    match char::from_u32(kind) {
        Some(c @ '!'..='~') => c.to_string(),
        _ => format!("\\x{kind:x}"),
    }
}

pub(super) fn unknown_code(kind: u32, type_name: &str) -> FormatError {
    FormatError::value(&format!("Unknown format code '{}' for object of type '{type_name}'", shown(kind)))
}

fn invalid<U: Unit>(spec: &[U], type_name: &str) -> FormatError {
    let mut message = Builder::new();
    message.push_str("Invalid format specifier '");
    message.push_units(spec);
    message.push_str("' for object of type '");
    message.push_str(type_name);
    message.push_str("'");
    FormatError::Value(message.finish())
}

impl Spec {
    /// Parses a specification. `default_kind` and `default_align` are the type's own; `type_name` goes into messages.
    pub fn parse<U: Unit>(
        spec: &[U],
        default_kind: Option<u8>,
        default_align: Align,
        type_name: &str,
    ) -> Result<Spec, FormatError> {
        let mut scan = Scanner { units: spec, at: 0 };
        let (mut fill, mut align) = (None, None);
        if let Some(given) = scan.peek(1).and_then(Align::from_cp) {
            (fill, align) = (scan.peek(0), Some(given));
            scan.at = 2;
        } else if let Some(given) = scan.peek(0).and_then(Align::from_cp) {
            align = Some(given);
            scan.at = 1;
        }
        let sign = scan.sign();
        let no_negative_zero = scan.accept(b'z');
        let alternate = scan.accept(b'#');
        if fill.is_none() && scan.accept(b'0') {
            fill = Some(u32::from(b'0'));
            if align.is_none() && default_align == Align::Right {
                align = Some(Align::AfterSign);
            }
        }
        let width = scan.number()?;
        let grouping = scan.grouping()?;
        let (mut precision, mut fraction_grouping) = (None, None);
        if scan.accept(b'.') {
            precision = scan.number()?;
            fraction_grouping = scan.grouping()?;
            if precision.is_none() && fraction_grouping.is_none() {
                return Err(FormatError::value("Format specifier missing precision"));
            }
        }
        let kind = match &spec[scan.at..] {
            [] => default_kind.map(u32::from),
            [kind] => Some(kind.cp()),
            _ => return Err(invalid(spec, type_name)),
        };
        room_for(width.unwrap_or(0))?;
        check_grouping(grouping, kind, b"defgEG%F\0", b"boxX")?;
        if kind == Some(u32::from(b'n')) {
            check_grouping(fraction_grouping, kind, b"", b"")?;
        }
        Ok(Spec {
            fill: fill.unwrap_or(u32::from(b' ')),
            align: align.unwrap_or(default_align),
            sign,
            no_negative_zero,
            alternate,
            width,
            grouping,
            precision,
            fraction_grouping,
            kind: kind.filter(|&kind| kind != 0),
            nul: kind == Some(0),
        })
    }

    /// The type's letter where it is a byte, 0 where it was left out.
    pub(super) fn letter(&self) -> u8 {
        self.kind.map_or(0, |kind| u8::try_from(kind).unwrap_or(u8::MAX))
    }

    /// The error for a type that the object does not have.
    pub(super) fn unknown(&self, type_name: &str) -> FormatError {
        unknown_code(self.kind.unwrap_or(0), type_name)
    }

    /// The value between its fill.
    pub(super) fn pad(&self, value: &Text) -> Text {
        let missing = self.width.unwrap_or(0).saturating_sub(value.len());
        let left = match self.align {
            Align::Left => 0,
            Align::Center => missing / 2,
            Align::Right | Align::AfterSign => missing,
        };
        let mut out = Builder::with_capacity(value.len() + missing);
        out.push_n(self.fill, left);
        out.push_text(value);
        out.push_n(self.fill, missing - left);
        out.finish()
    }
}

fn check_grouping(
    grouping: Option<Grouping>,
    kind: Option<u32>,
    any: &[u8],
    underscore_only: &[u8],
) -> Result<(), FormatError> {
    let (Some(grouping), Some(kind)) = (grouping, kind) else { return Ok(()) };
    let among = |kinds: &[u8]| kinds.iter().any(|&one| u32::from(one) == kind);
    if among(any) || (grouping == Grouping::Underscore && among(underscore_only)) {
        return Ok(());
    }
    let separator = if grouping == Grouping::Comma { ',' } else { '_' };
    Err(FormatError::value(&format!("Cannot specify '{separator}' with '{}'.", shown(kind))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts() {
        let spec = Spec::parse("x^+z#20,.3_f".as_bytes(), None, Align::Right, "float").unwrap();
        assert_eq!((spec.fill, spec.align, spec.sign), (u32::from(b'x'), Align::Center, Some(Sign::Plus)));
        assert!(spec.no_negative_zero && spec.alternate);
        assert_eq!((spec.width, spec.precision), (Some(20), Some(3)));
        assert_eq!((spec.grouping, spec.fraction_grouping), (Some(Grouping::Comma), Some(Grouping::Underscore)));
        assert_eq!(spec.letter(), b'f');
    }
}
