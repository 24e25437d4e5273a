//! The `%` operator of str and bytes: its templates, and the layout of its conversions (docs: "printf-style String
//! Formatting").
//!
//! The caller iterates over [`Template`], fetches arguments and raises what concerns them; a [`Conversion`] lays out.

use super::spec::FormatError;
use crate::float::{Code, Style, to_text};
use crate::int::BigInt;
use crate::text::{Builder, Text, Unit};

/// Width or precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Written as digits.
    Given(usize),
    /// `*`: the next argument, an integer.
    Argument,
}

/// A conversion: `%[(key)][flags][width][.precision][length]type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion<'a, U> {
    /// The mapping key.
    pub key: Option<&'a [U]>,
    /// `-`, also when a width from an argument is negative.
    pub left: bool,
    /// `+`
    pub plus: bool,
    /// A space.
    pub blank: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
    /// Least width.
    pub width: Option<Amount>,
    /// Digits or characters.
    pub precision: Option<Amount>,
    /// The type's code point, 0 where `problem` came before it.
    pub kind: u32,
    /// Where the type stands in the template.
    pub index: usize,
    /// An error to raise once key, width and precision have been fetched as far as they go.
    pub problem: Option<FormatError>,
}

/// Literal text, or a conversion. `%%` is literal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a, U> {
    /// Text to copy.
    Literal(&'a [U]),
    /// A value to fetch and lay out.
    Conversion(Conversion<'a, U>),
}

/// Iterates over a template.
#[derive(Clone, Debug)]
pub struct Template<'a, U> {
    whole: &'a [U],
    at: usize,
    bytes: bool,
}

impl<'a, U: Unit> Template<'a, U> {
    /// Of a string.
    pub fn of_str(template: &'a [U]) -> Template<'a, U> {
        Template { whole: template, at: 0, bytes: false }
    }

    fn peek(&self) -> Option<u8> {
        self.whole.get(self.at).map(|unit| u8::try_from(unit.cp()).unwrap_or(0xFF))
    }

    fn accept(&mut self, c: u8) -> bool {
        let found = self.peek() == Some(c);
        self.at += usize::from(found);
        found
    }

    /// The key behind `(`, with nested parentheses; `None` without its end.
    fn key(&mut self) -> Option<&'a [U]> {
        let (start, mut depth) = (self.at, 1);
        while depth > 0 {
            match self.peek()? {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        Some(&self.whole[start..self.at - 1])
    }

    /// Digits or `*`; `Err` when the number does not fit.
    fn amount(&mut self, most: usize) -> Result<Option<Amount>, ()> {
        if self.accept(b'*') {
            return Ok(Some(Amount::Argument));
        }
        let mut value: Option<usize> = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let next = value.unwrap_or(0).checked_mul(10).and_then(|high| high.checked_add(usize::from(digit - b'0')));
            value = Some(next.filter(|&next| next <= most).ok_or(())?);
            self.at += 1;
        }
        Ok(value.map(Amount::Given))
    }

    fn flags(&mut self, conversion: &mut Conversion<'a, U>) {
        while let Some(flag) = self.peek() {
            match flag {
                b'-' => conversion.left = true,
                b'+' => conversion.plus = true,
                b' ' => conversion.blank = true,
                b'#' => conversion.alternate = true,
                b'0' => conversion.zero = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// Everything between the key and the type.
    fn middle(&mut self, conversion: &mut Conversion<'a, U>) -> Result<(), FormatError> {
        self.flags(conversion);
        conversion.width = self.amount(isize::MAX as usize).map_err(|()| FormatError::value("width too big"))?;
        if self.accept(b'.') {
            let too_big = if self.bytes { "prec too big" } else { "precision too big" };
            let precision = self.amount(i32::MAX as usize).map_err(|()| FormatError::value(too_big))?;
            conversion.precision = Some(precision.unwrap_or(Amount::Given(0)));
        }
        if let Some(b'h' | b'l' | b'L') = self.peek() {
            self.at += 1;
        }
        if self.at >= self.whole.len() {
            return Err(FormatError::value("incomplete format"));
        }
        Ok(())
    }

    /// A conversion, behind its percent sign.
    fn conversion(&mut self) -> Result<Conversion<'a, U>, FormatError> {
        let mut conversion = Conversion {
            key: None,
            left: false,
            plus: false,
            blank: false,
            alternate: false,
            zero: false,
            width: None,
            precision: None,
            kind: 0,
            index: 0,
            problem: None,
        };
        if self.accept(b'(') {
            conversion.key = Some(self.key().ok_or_else(|| FormatError::value("incomplete format key"))?);
        }
        match self.middle(&mut conversion) {
            Ok(()) => {
                (conversion.kind, conversion.index) = (self.whole[self.at].cp(), self.at);
                self.at += 1;
            }
            Err(problem) => conversion.problem = Some(problem),
        }
        Ok(conversion)
    }
}

impl<'a> Template<'a, u8> {
    /// Of a bytes object.
    pub fn of_bytes(template: &'a [u8]) -> Template<'a, u8> {
        Template { whole: template, at: 0, bytes: true }
    }
}

impl<'a, U: Unit> Iterator for Template<'a, U> {
    type Item = Result<Piece<'a, U>, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.whole.get(self.at..).filter(|rest| !rest.is_empty())?;
        let percent = rest.iter().position(|unit| unit.cp() == u32::from(b'%'));
        match percent {
            Some(0) => {
                self.at += 1;
                if self.accept(b'%') {
                    return Some(Ok(Piece::Literal(&rest[1..2])));
                }
                let conversion = self.conversion();
                if conversion.as_ref().map_or(true, |conversion| conversion.problem.is_some()) {
                    self.at = self.whole.len();
                }
                Some(conversion.map(Piece::Conversion))
            }
            literal => {
                let literal = &rest[..literal.unwrap_or(rest.len())];
                self.at += literal.len();
                Some(Ok(Piece::Literal(literal)))
            }
        }
    }
}

/// Flags, width and precision of a conversion once arguments are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Layout {
    /// Fill on the right.
    pub left: bool,
    /// Show a plus.
    pub plus: bool,
    /// Show a space instead of a plus.
    pub blank: bool,
    /// `0x` and the like; the point of floats.
    pub alternate: bool,
    /// Fill with zeros.
    pub zero: bool,
    /// Least width.
    pub width: usize,
    /// Digits or characters.
    pub precision: Option<usize>,
}

impl<U: Unit> Conversion<'_, U> {
    /// The layout; `width` and `precision` are the arguments where [`Amount::Argument`] asks for them. A negative width
    /// means left, a negative precision 0.
    pub fn layout(&self, width: Option<isize>, precision: Option<i32>) -> Layout {
        let width = match self.width {
            Some(Amount::Given(width)) => width as isize,
            _ => width.unwrap_or(0),
        };
        let precision = match self.precision {
            Some(Amount::Given(precision)) => Some(precision),
            Some(Amount::Argument) => Some(precision.map_or(0, |precision| precision.max(0) as usize)),
            None => None,
        };
        Layout {
            left: self.left || width < 0,
            plus: self.plus,
            blank: self.blank,
            alternate: self.alternate,
            zero: self.zero,
            width: width.unsigned_abs(),
            precision,
        }
    }

    /// The error for a type that does not exist. (For bytes, CPython cannot word characters beyond ASCII.)
    pub fn unsupported(&self, bytes: bool) -> FormatError {
        if bytes && self.kind >= 0x80 {
            return FormatError::Overflow("character argument not in range(0x110000)");
        }
        let shown = match char::from_u32(self.kind) {
            Some(c) if bytes || matches!(c, ' '..='~') => c,
            _ => '?',
        };
        let (kind, index) = (self.kind, self.index);
        FormatError::value(&format!("unsupported format character '{shown}' (0x{kind:x}) at index {index}"))
    }
}

/// `%d`, `%i`, `%u`, `%o`, `%x`, `%X` of an integer; `kind` is the letter.
pub fn format_int(n: &BigInt, kind: u8, layout: Layout) -> String {
    let (base, prefix) = match kind {
        b'o' => (8, "0o"),
        b'x' => (16, "0x"),
        b'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut text = n.to_text(base);
    if kind == b'X' {
        text.make_ascii_uppercase();
    }
    let digits = text.trim_start_matches('-');
    let zeros = layout.precision.unwrap_or(0).saturating_sub(digits.len());
    let digits = "0".repeat(zeros) + digits;
    let prefix = if layout.alternate { prefix } else { "" };
    pad_number(n.is_negative(), prefix, &digits, layout)
}

/// `%e`, `%f`, `%g` and their capitals; `kind` is the letter.
pub fn format_float(x: f64, kind: u8, layout: Layout) -> String {
    let precision = layout.precision.unwrap_or(6);
    let code = match kind.to_ascii_lowercase() {
        b'e' => Code::Exponent(precision),
        b'f' => Code::Fixed(precision),
        _ => Code::General(precision),
    };
    let style = Style { alternate: layout.alternate, upper: kind.is_ascii_uppercase(), ..Style::default() };
    let text = to_text(x, code, style);
    match text.strip_prefix('-') {
        Some(digits) => pad_number(true, "", digits, layout),
        None => pad_number(false, "", &text, layout),
    }
}

fn pad_number(negative: bool, prefix: &str, digits: &str, layout: Layout) -> String {
    let sign = match (negative, layout.plus, layout.blank) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let missing = layout.width.saturating_sub(sign.len() + prefix.len() + digits.len());
    if layout.left {
        return format!("{sign}{prefix}{digits}{}", " ".repeat(missing));
    }
    if layout.zero {
        return format!("{sign}{prefix}{}{digits}", "0".repeat(missing));
    }
    format!("{}{sign}{prefix}{digits}", " ".repeat(missing))
}

/// `%s`, `%r`, `%a` of a finished text: cut to the precision, filled with spaces.
pub fn format_text<U: Unit>(text: &[U], layout: Layout) -> Text {
    let kept = layout.precision.map_or(text, |precision| &text[..precision.min(text.len())]);
    pad_text(kept, layout)
}

/// `%c` of a character: no precision.
pub fn format_char(cp: u32, layout: Layout) -> Text {
    pad_text(&[cp], layout)
}

fn pad_text<U: Unit>(text: &[U], layout: Layout) -> Text {
    let missing = layout.width.saturating_sub(text.len());
    let mut out = Builder::with_capacity(text.len() + missing);
    if !layout.left {
        out.push_n(u32::from(b' '), missing);
    }
    out.push_units(text);
    if layout.left {
        out.push_n(u32::from(b' '), missing);
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(template: &str) -> Conversion<'_, u8> {
        match Template::of_str(template.as_bytes()).next() {
            Some(Ok(Piece::Conversion(conversion))) => conversion,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parses() {
        let conversion = only("%(a(b))-#010.*lx");
        assert_eq!(conversion.key, Some(&b"a(b)"[..]));
        assert_eq!((conversion.width, conversion.precision), (Some(Amount::Given(10)), Some(Amount::Argument)));
        assert!(conversion.left && conversion.alternate && conversion.zero && !conversion.plus);
        assert_eq!((conversion.kind, conversion.index), (u32::from(b'x'), 15));
        assert_eq!(only("%5").problem, Some(FormatError::value("incomplete format")));
        assert_eq!(Template::of_str(b"%(a").next(), Some(Err(FormatError::value("incomplete format key"))));
        let pieces: Vec<_> = Template::of_str(b"a%%b").collect();
        assert_eq!(pieces, [Ok(Piece::Literal(&b"a"[..])), Ok(Piece::Literal(b"%")), Ok(Piece::Literal(b"b"))]);
    }

    #[test]
    fn lays_out() {
        let layout = only("%#010.4x").layout(None, None);
        assert_eq!(format_int(&BigInt::from(-255), b'x', layout), "-0x00000ff");
        assert_eq!(format_int(&BigInt::from(5), b'd', only("%-+5d").layout(None, None)), "+5   ");
        assert_eq!(format_float(f64::INFINITY, b'f', only("%06f").layout(None, None)), "000inf");
        assert_eq!(format_text(b"abc", only("%*.2s").layout(Some(-4), None)), Text::from("ab  "));
    }
}
