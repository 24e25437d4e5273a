//! `complex.__format__`

use super::Locale;
use super::float::{checked_precision, push_text};
use super::spec::{Align, FormatError, Sign, Spec};
use crate::float::complex::Complex;
use crate::float::{Code, Style, to_text};
use crate::text::{Builder, Text, Unit};

/// `format(z, spec)` for a complex number; `type_name` goes into messages. An empty specification is `str(z)`.
pub fn format_complex<U: Unit>(z: Complex, spec: &[U], type_name: &str, locale: &Locale) -> Result<Text, FormatError> {
    let spec = Spec::parse(spec, None, Align::Right, type_name)?;
    let letter = spec.letter();
    if !matches!(letter, 0 | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'n') {
        return Err(spec.unknown(type_name));
    }
    if spec.fill == u32::from(b'0') {
        return Err(FormatError::value("Zero padding is not allowed in complex format specifier"));
    }
    if spec.align == Align::AfterSign {
        return Err(FormatError::value("'=' alignment flag is not allowed in complex format specifier"));
    }
    let given = checked_precision(&spec)?;
    let precision = given.unwrap_or(6);
    let code = match letter {
        b'e' | b'E' => Code::Exponent(precision),
        b'f' | b'F' => Code::Fixed(precision),
        0 => given.map_or(Code::Repr, Code::General),
        _ => Code::General(precision),
    };
    let style = Style {
        alternate: spec.alternate,
        upper: letter.is_ascii_uppercase(),
        no_negative_zero: spec.no_negative_zero,
        ..Style::default()
    };
    // without a type the layout is that of repr: parentheses, and a zero real part left out
    let only_imaginary = letter == 0 && z.re == 0.0 && z.re.is_sign_positive();
    let parentheses = letter == 0 && !only_imaginary;
    let unpadded = Spec { width: None, ..spec.clone() };
    let signed = Spec { sign: Some(Sign::Plus), ..unpadded.clone() };
    let locale = (letter == b'n').then_some(locale);
    let mut out = Builder::new();
    if parentheses {
        out.push_str("(");
    }
    if !only_imaginary {
        push_text(&to_text(z.re, code, style), &unpadded, locale, &mut out);
    }
    let imaginary_spec = if only_imaginary { &unpadded } else { &signed };
    push_text(&to_text(z.im, code, style), imaginary_spec, locale, &mut out);
    out.push_str(if parentheses { "j)" } else { "j" });
    Ok(spec.pad(&out.finish()))
}
