//! Templates of `str.format`: literal text and replacement fields, and the names in the fields.
//!
//! Both are iterators, because CPython formats what comes before an error, with all its effects, before it raises.

use super::spec::FormatError;
use crate::text::Unit;
use crate::unicode;

/// A replacement field as it stands in the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a, U> {
    /// Between `{` and `!`, `:` or `}`; take it apart with [`FieldName::parse`].
    pub name: &'a [U],
    /// The code point behind `!`.
    pub conversion: Option<u32>,
    /// Behind `:`.
    pub spec: &'a [U],
    /// Whether the specification contains fields itself.
    pub nested: bool,
}

/// Literal text (may be empty), then a field unless it ends with a doubled brace or at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a, U> {
    /// Text to copy; a doubled brace is already one.
    pub literal: &'a [U],
    /// The field behind it.
    pub field: Option<Field<'a, U>>,
}

/// Iterates over a template (`_string.formatter_parser`). After an error it is not to be asked again.
#[derive(Clone, Debug)]
pub struct Template<'a, U> {
    rest: &'a [U],
}

fn is<U: Unit>(unit: Option<&U>, c: u8) -> bool {
    unit.is_some_and(|unit| unit.cp() == u32::from(c))
}

fn place_of<U: Unit>(units: &[U], wanted: &[u8]) -> Option<usize> {
    units.iter().position(|unit| wanted.iter().any(|&c| unit.cp() == u32::from(c)))
}

impl<'a, U: Unit> Template<'a, U> {
    /// The pieces of a template.
    pub fn new(template: &'a [U]) -> Template<'a, U> {
        Template { rest: template }
    }

    fn piece(&mut self) -> Result<Piece<'a, U>, FormatError> {
        let Some(brace) = place_of(self.rest, b"{}") else {
            return Ok(Piece { literal: std::mem::take(&mut self.rest), field: None });
        };
        let (at_brace, next) = (self.rest[brace], self.rest.get(brace + 1));
        let doubled = next == Some(&at_brace);
        if is(Some(&at_brace), b'}') && !doubled {
            return Err(FormatError::value("Single '}' encountered in format string"));
        }
        if next.is_none() {
            return Err(FormatError::value("Single '{' encountered in format string"));
        }
        if doubled {
            let literal = &self.rest[..brace + 1];
            self.rest = &self.rest[brace + 2..];
            return Ok(Piece { literal, field: None });
        }
        let literal = &self.rest[..brace];
        self.rest = &self.rest[brace + 1..];
        Ok(Piece { literal, field: Some(self.field()?) })
    }

    fn take(&mut self) -> Option<U> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// A field, behind its opening brace.
    fn field(&mut self) -> Result<Field<'a, U>, FormatError> {
        let (name, end) = self.name()?;
        let mut field = Field { name, conversion: None, spec: &[], nested: false };
        match end {
            Some(b'}') => return Ok(field),
            Some(b'!') => {
                let Some(conversion) = self.take() else {
                    return Err(FormatError::value("end of string while looking for conversion specifier"));
                };
                field.conversion = Some(conversion.cp());
                match self.take() {
                    None => {}
                    Some(unit) if is(Some(&unit), b'}') => return Ok(field),
                    Some(unit) if is(Some(&unit), b':') => {}
                    Some(_) => return Err(FormatError::value("expected ':' after conversion specifier")),
                }
            }
            Some(_) => {}
            None => return Err(FormatError::value("expected '}' before end of string")),
        }
        (field.spec, field.nested) = self.spec()?;
        Ok(field)
    }

    /// The field's name and what ended it; brackets hide everything up to the closing one.
    fn name(&mut self) -> Result<(&'a [U], Option<u8>), FormatError> {
        let whole = self.rest;
        let mut at = 0;
        while at < whole.len() {
            let cp = whole[at].cp();
            at += 1;
            match u8::try_from(cp).unwrap_or(0) {
                b'{' => return Err(FormatError::value("unexpected '{' in field name")),
                b'[' => at += place_of(&whole[at..], b"]").unwrap_or(whole.len() - at),
                end @ (b'}' | b':' | b'!') => {
                    self.rest = &whole[at..];
                    return Ok((&whole[..at - 1], Some(end)));
                }
                _ => {}
            }
        }
        self.rest = &[];
        Ok((whole, None))
    }

    /// The specification up to its closing brace, and whether fields are nested in it.
    fn spec(&mut self) -> Result<(&'a [U], bool), FormatError> {
        let (whole, mut depth, mut nested) = (self.rest, 1, false);
        for (at, unit) in whole.iter().enumerate() {
            if is(Some(unit), b'{') {
                (depth, nested) = (depth + 1, true);
            } else if is(Some(unit), b'}') {
                depth -= 1;
            }
            if depth == 0 {
                self.rest = &whole[at + 1..];
                return Ok((&whole[..at], nested));
            }
        }
        Err(FormatError::value("unmatched '{' in format spec"))
    }
}

impl<'a, U: Unit> Iterator for Template<'a, U> {
    type Item = Result<Piece<'a, U>, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let piece = self.piece();
        if piece.is_err() {
            self.rest = &[];
        }
        Some(piece)
    }
}

/// The first part of a field name: which argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First<'a, U> {
    /// Nothing: the next in order.
    Auto,
    /// A positional argument.
    Index(usize),
    /// A keyword argument.
    Name(&'a [U]),
}

/// A step from the argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a, U> {
    /// `.name`
    Attribute(&'a [U]),
    /// `[3]`
    Index(usize),
    /// `[key]`
    Key(&'a [U]),
}

/// A field name: first part and steps (`_string.formatter_field_name_split`).
#[derive(Clone, Debug)]
pub struct FieldName<'a, U> {
    /// Which argument.
    pub first: First<'a, U>,
    /// What to do with it; errors come as they are met.
    pub steps: Steps<'a, U>,
}

/// The steps behind the first part of a field name.
#[derive(Clone, Debug)]
pub struct Steps<'a, U> {
    rest: &'a [U],
}

/// The number that a name is, if it is only decimal digits.
fn number<U: Unit>(name: &[U]) -> Result<Option<usize>, FormatError> {
    let mut value: usize = 0;
    for unit in name {
        let Some(digit) = unicode::decimal(unit.cp(), Default::default()) else { return Ok(None) };
        let next = value.checked_mul(10).and_then(|high| high.checked_add(usize::from(digit)));
        match next.filter(|&next| isize::try_from(next).is_ok()) {
            Some(next) => value = next,
            None => return Err(FormatError::value("Too many decimal digits in format string")),
        }
    }
    Ok((!name.is_empty()).then_some(value))
}

impl<'a, U: Unit> FieldName<'a, U> {
    /// Takes a name apart.
    pub fn parse(name: &'a [U]) -> Result<FieldName<'a, U>, FormatError> {
        let (first, rest) = name.split_at(place_of(name, b".[").unwrap_or(name.len()));
        let first = match number(first)? {
            Some(index) => First::Index(index),
            None if first.is_empty() => First::Auto,
            None => First::Name(first),
        };
        Ok(FieldName { first, steps: Steps { rest } })
    }
}

impl<'a, U: Unit> Steps<'a, U> {
    fn step(&mut self) -> Result<Step<'a, U>, FormatError> {
        let (kind, after) = self.rest.split_at(1);
        let step = if is(kind.first(), b'.') {
            let (name, rest) = after.split_at(place_of(after, b".[").unwrap_or(after.len()));
            self.rest = rest;
            Step::Attribute(name)
        } else if is(kind.first(), b'[') {
            let Some(end) = place_of(after, b"]") else {
                return Err(FormatError::value("Missing ']' in format string"));
            };
            self.rest = &after[end + 1..];
            let key = &after[..end];
            number(key)?.map_or(Step::Key(key), Step::Index)
        } else {
            return Err(FormatError::value("Only '.' or '[' may follow ']' in format field specifier"));
        };
        match step {
            Step::Attribute([]) | Step::Key([]) => Err(FormatError::value("Empty attribute in format string")),
            step => Ok(step),
        }
    }
}

impl<'a, U: Unit> Iterator for Steps<'a, U> {
    type Item = Result<Step<'a, U>, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let step = self.step();
        if step.is_err() {
            self.rest = &[];
        }
        Some(step)
    }
}

/// Numbering of fields: automatic (`{}`) or manual (`{0}`), not both in one template and its nested ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbering {
    manual: Option<bool>,
    next: usize,
}

impl Numbering {
    /// The index of a positional argument, `None` for a keyword argument.
    pub fn index<U>(&mut self, first: &First<'_, U>) -> Result<Option<usize>, FormatError> {
        let (manual, given) = match first {
            First::Auto => (false, None),
            First::Index(index) => (true, Some(*index)),
            First::Name(_) => return Ok(None),
        };
        if *self.manual.get_or_insert(manual) != manual {
            return Err(FormatError::value(if manual {
                "cannot switch from automatic field numbering to manual field specification"
            } else {
                "cannot switch from manual field specification to automatic field numbering"
            }));
        }
        if given.is_none() {
            self.next += 1;
        }
        Ok(Some(given.unwrap_or(self.next.wrapping_sub(1))))
    }
}

/// The error for a conversion that is not `r`, `s` or `a`.
pub fn unknown_conversion(conversion: u32) -> FormatError {
    match char::from_u32(conversion) {
        Some(c @ '!'..='~') => FormatError::value(&format!("Unknown conversion specifier {c}")),
        _ => FormatError::value(&format!("Unknown conversion specifier \\x{conversion:x}")),
    }
}

/// `ValueError: Max string recursion exceeded`: fields in the specification of a nested field.
pub fn too_deep() -> FormatError {
    FormatError::value("Max string recursion exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_names() {
        let template = b"a{{b}}{x[0].y!r:>{w}}c";
        let pieces: Result<Vec<_>, _> = Template::new(&template[..]).collect();
        let pieces = pieces.unwrap();
        assert_eq!(pieces.iter().map(|piece| piece.literal).collect::<Vec<_>>(), [&b"a{"[..], b"b}", b"", b"c"]);
        let field = pieces[2].field.unwrap();
        assert_eq!((field.conversion, field.spec, field.nested), (Some(u32::from(b'r')), &b">{w}"[..], true));
        let name = FieldName::parse(field.name).unwrap();
        assert_eq!(name.first, First::Name(&b"x"[..]));
        let steps: Result<Vec<_>, _> = name.steps.collect();
        assert_eq!(steps.unwrap(), [Step::Index(0), Step::Attribute(&b"y"[..])]);
    }

    #[test]
    fn numbering_does_not_switch() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.index(&First::<u8>::Auto), Ok(Some(0)));
        assert_eq!(numbering.index(&First::Name(b"a")), Ok(None));
        assert_eq!(numbering.index(&First::<u8>::Auto), Ok(Some(1)));
        assert!(numbering.index(&First::<u8>::Index(0)).is_err());
    }
}
