//! `float.__format__`

use super::Locale;
use super::number::{self, Groups, Parts};
use super::spec::{Align, FormatError, Spec};
use crate::float::{Code, Style, to_text};
use crate::text::{Builder, Text, Unit};

/// `format(x, spec)` for a float; `type_name` goes into messages. An empty specification is `str(x)`.
pub fn format_float<U: Unit>(x: f64, spec: &[U], type_name: &str, locale: &Locale) -> Result<Text, FormatError> {
    let spec = Spec::parse(spec, None, Align::Right, type_name)?;
    format_parsed(x, &spec, type_name, locale)
}

/// The same with a parsed specification, as integers need it.
pub(super) fn format_parsed(x: f64, spec: &Spec, type_name: &str, locale: &Locale) -> Result<Text, FormatError> {
    let letter = spec.letter();
    let code = code(spec, letter, type_name)?;
    let percent = letter == b'%';
    let style = Style {
        alternate: spec.alternate,
        dot_zero: letter == 0,
        upper: letter.is_ascii_uppercase(),
        no_negative_zero: spec.no_negative_zero,
    };
    let mut text = to_text(if percent { x * 100.0 } else { x }, code, style);
    if percent {
        text.push('%');
    }
    let mut out = Builder::with_capacity(text.len());
    push_text(&text, spec, (letter == b'n').then_some(locale), &mut out);
    Ok(out.finish())
}

fn code(spec: &Spec, letter: u8, type_name: &str) -> Result<Code, FormatError> {
    if !matches!(letter, 0 | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'n' | b'%') {
        return Err(spec.unknown(type_name));
    }
    let given = checked_precision(spec)?;
    let precision = given.unwrap_or(6);
    Ok(match letter {
        b'e' | b'E' => Code::Exponent(precision),
        b'f' | b'F' | b'%' => Code::Fixed(precision),
        0 => given.map_or(Code::Repr, Code::General),
        _ => Code::General(precision),
    })
}

/// The precision, which must fit into C's `int`.
pub(super) fn checked_precision(spec: &Spec) -> Result<Option<usize>, FormatError> {
    match spec.precision {
        Some(precision) if i32::try_from(precision).is_err() => Err(FormatError::value("precision too big")),
        precision => Ok(precision),
    }
}

/// Takes a formatted float apart and lays it out.
pub(super) fn push_text(text: &str, spec: &Spec, locale: Option<&Locale>, out: &mut Builder) {
    let (negative, body) = text.strip_prefix('-').map_or((false, text), |body| (true, body));
    let digit_count = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = body.split_at(digit_count(body));
    let (point, after) = after.strip_prefix('.').map_or((false, after), |after| (true, after));
    let (fraction, rest) = after.split_at(if point { digit_count(after) } else { 0 });
    let rest: Vec<u32> = rest.bytes().map(u32::from).collect();
    let parts = Parts { negative, prefix: "", digits, point, fraction, rest: &rest };
    number::push(&parts, spec, &Groups::new(spec, 3, locale), out);
}
