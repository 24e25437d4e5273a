//! `float(text)`: whitespace, sign, underscores between digits, digits of any script, `inf` and `nan`.

use crate::text::{Unit, is_ascii_space};
use crate::unicode;

/// `float(text)` for a string; `None` is `ValueError: could not convert string to float: {repr}`.
pub fn parse<U: Unit>(text: &[U]) -> Option<f64> {
    if let Some(bytes) = U::as_bytes(text).filter(|bytes| bytes.is_ascii()) {
        return parse_bytes(bytes);
    }
    parse_bytes(&unicode::decimal_and_space_to_ascii(text))
}

/// `float(bytes)`.
pub fn parse_bytes(text: &[u8]) -> Option<f64> {
    let text = trim(text);
    if !text.contains(&b'_') {
        return parse_plain(text);
    }
    parse_plain(&without_underscores(text)?)
}

/// A float literal of the language (already checked by the tokenizer), without a trailing `j`.
pub fn parse_literal(text: &str) -> Option<f64> {
    parse_bytes(text.as_bytes())
}

/// The text without whitespace around it (C's idea of whitespace).
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let space = |byte: &u8| is_ascii_space(u32::from(*byte));
    let start = text.iter().position(|byte| !space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !space(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// The text without underscores, each of which must stand between two digits.
pub(super) fn without_underscores(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
    let fine = text.iter().enumerate().all(|(at, &byte)| {
        byte != b'_' || (digit(at.checked_sub(1).and_then(|before| text.get(before))) && digit(text.get(at + 1)))
    });
    fine.then(|| text.iter().copied().filter(|&byte| byte != b'_').collect())
}

/// Sign, digits, point, exponent, or a word; nothing around them.
pub fn parse_plain(text: &[u8]) -> Option<f64> {
    let (length, value) = parse_prefix(text)?;
    (length == text.len()).then_some(value)
}

/// The longest start that is a float, and its value.
pub(super) fn parse_prefix(text: &[u8]) -> Option<(usize, f64)> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let negative = text.first() == Some(&b'-');
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        let (length, value) = word(&text[sign..])?;
        return Some((sign + length, if negative { -value } else { value }));
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let exponent_sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let start = end + 1 + exponent_sign;
        let count = if start <= text.len() { digits(start) } else { 0 };
        if count > 0 {
            end = start + count;
        }
    }
    let value = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
    Some((end, value))
}

fn word(text: &[u8]) -> Option<(usize, f64)> {
    let starts = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    if starts("infinity") {
        Some((8, f64::INFINITY))
    } else if starts("inf") {
        Some((3, f64::INFINITY))
    } else if starts("nan") {
        Some((3, f64::from_bits(0x7FF8 << 48)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses() {
        for (text, expected) in [
            ("1_000.5", 1000.5),
            (" .5\n", 0.5),
            ("5.", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(parse_bytes(text.as_bytes()), Some(expected), "{text}");
        }
        for text in ["", ".", "1_", "_1", "1._5", "1e", "e5", "1__0", "infi", "0x1", "1 2", "+-1"] {
            assert_eq!(parse_bytes(text.as_bytes()), None, "{text}");
        }
        assert!(parse_bytes(b"-nan").is_some_and(|x| x.is_nan() && x.is_sign_negative()));
    }
}
