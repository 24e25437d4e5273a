//! `str.__format__`

use super::spec::{Align, FormatError, Sign, Spec};
use crate::text::{Builder, Text, Unit};

/// `format(text, spec)` for a string; `type_name` goes into messages. An empty specification is `str(text)`.
pub fn format_str<T: Unit, U: Unit>(text: &[T], spec: &[U], type_name: &str) -> Result<Text, FormatError> {
    let spec = Spec::parse(spec, Some(b's'), Align::Left, type_name)?;
    if spec.letter() != b's' {
        return Err(spec.unknown(type_name));
    }
    let refuse = match spec.sign {
        Some(Sign::Space) => Some("Space not allowed in string format specifier"),
        Some(_) => Some("Sign not allowed in string format specifier"),
        None if spec.no_negative_zero => Some("Negative zero coercion (z) not allowed in string format specifier"),
        None if spec.alternate => Some("Alternate form (#) not allowed in string format specifier"),
        None if spec.align == Align::AfterSign => Some("'=' alignment not allowed in string format specifier"),
        None => None,
    };
    if let Some(message) = refuse {
        return Err(FormatError::value(message));
    }
    let kept = spec.precision.map_or(text, |precision| &text[..precision.min(text.len())]);
    let mut value = Builder::with_capacity(kept.len());
    value.push_units(kept);
    Ok(spec.pad(&value.finish()))
}
