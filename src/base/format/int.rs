//! `int.__format__`

use super::number::{self, Groups, Parts};
use super::spec::{Align, FormatError, Spec};
use super::{Locale, float};
use crate::int::BigInt;
use crate::text::{Builder, Text, Unit};

/// `format(n, spec)` for an integer; `type_name` (`int`, `bool` or a subclass's) goes into messages. An empty
/// specification is `str(n)`, which the caller knows better. The limit on decimal digits is the caller's affair, too.
pub fn format_int<U: Unit>(n: &BigInt, spec: &[U], type_name: &str, locale: &Locale) -> Result<Text, FormatError> {
    let spec = Spec::parse(spec, Some(b'd'), Align::Right, type_name)?;
    match spec.letter() {
        _ if spec.nul => Err(spec.unknown(type_name)),
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'%' => {
            let x = n.to_f64().map_err(|error| FormatError::Overflow(error.message()))?;
            float::format_parsed(x, &spec, type_name, locale)
        }
        b'b' | b'c' | b'd' | b'o' | b'x' | b'X' | b'n' => whole(n, &spec, locale),
        _ => Err(spec.unknown(type_name)),
    }
}

fn whole(n: &BigInt, spec: &Spec, locale: &Locale) -> Result<Text, FormatError> {
    if spec.precision.is_some() {
        return Err(FormatError::value("Precision not allowed in integer format specifier"));
    }
    if spec.no_negative_zero {
        return Err(FormatError::value("Negative zero coercion (z) not allowed in integer format specifier"));
    }
    let mut out = Builder::new();
    let letter = spec.letter();
    if letter == b'c' {
        let rest = [character(n, spec)?];
        let parts = Parts { negative: false, prefix: "", digits: "", point: false, fraction: "", rest: &rest };
        number::push(&parts, spec, &Groups::new(spec, 3, None), &mut out);
        return Ok(out.finish());
    }
    let (base, prefix, group_size) = match letter {
        b'b' => (2, "0b", 4),
        b'o' => (8, "0o", 4),
        b'x' => (16, "0x", 4),
        b'X' => (16, "0X", 4),
        _ => (10, "", 3),
    };
    let mut digits = n.to_text(base);
    if letter == b'X' {
        digits.make_ascii_uppercase();
    }
    let parts = Parts {
        negative: n.is_negative(),
        prefix: if spec.alternate { prefix } else { "" },
        digits: digits.trim_start_matches('-'),
        point: false,
        fraction: "",
        rest: &[],
    };
    number::push(&parts, spec, &Groups::new(spec, group_size, (letter == b'n').then_some(locale)), &mut out);
    Ok(out.finish())
}

/// The character of the `c` type.
fn character(n: &BigInt, spec: &Spec) -> Result<u32, FormatError> {
    if spec.sign.is_some() {
        return Err(FormatError::value("Sign not allowed with integer format specifier 'c'"));
    }
    if spec.alternate {
        return Err(FormatError::value("Alternate form (#) not allowed with integer format specifier 'c'"));
    }
    let value = n.to_i64().ok_or(FormatError::Overflow("Python int too large to convert to C long"))?;
    u32::try_from(value)
        .ok()
        .filter(|&cp| cp <= crate::text::MAX_CODE_POINT)
        .ok_or(FormatError::Overflow("%c arg not in range(0x110000)"))
}
