//! `int(text, base)`: whitespace, sign, prefix, underscores, digits of any script.

use dashu_int::IBig;

use super::BigInt;
use crate::text::{Unit, is_ascii_space};
use crate::unicode;

/// Why a text is no integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseIntError {
    /// `ValueError: int() base must be >= 2 and <= 36, or 0`
    BadBase,
    /// `ValueError: invalid literal for int() with base {base}: {repr}`
    Invalid {
        /// The base as given.
        base: u32,
    },
    /// `ValueError: Exceeds the limit (… digits) for integer string conversion: value has … digits; use …`
    TooManyDigits {
        /// Digits in the text.
        digits: usize,
        /// The limit as given.
        limit: usize,
    },
}

impl ParseIntError {
    /// CPython's message; `repr` is the text's, for the invalid literal.
    pub fn message(self, repr: &str) -> String {
        match self {
            ParseIntError::BadBase => "int() base must be >= 2 and <= 36, or 0".into(),
            ParseIntError::Invalid { base } => format!("invalid literal for int() with base {base}: {repr}"),
            ParseIntError::TooManyDigits { digits, limit } => format!(
                "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; \
                 use sys.set_int_max_str_digits() to increase the limit"
            ),
        }
    }
}

/// `int(text, base)` for a string. `limit` is `sys.get_int_max_str_digits()` (0: none); it concerns only bases that are
/// not powers of two.
pub fn parse<U: Unit>(text: &[U], base: u32, limit: usize) -> Result<BigInt, ParseIntError> {
    if let Some(bytes) = U::as_bytes(text).filter(|bytes| bytes.is_ascii()) {
        return parse_bytes(bytes, base, limit);
    }
    parse_bytes(&unicode::decimal_and_space_to_ascii(text), base, limit)
}

/// `int(bytes, base)` for ASCII text.
pub fn parse_bytes(text: &[u8], base: u32, limit: usize) -> Result<BigInt, ParseIntError> {
    if base == 1 || base > 36 {
        return Err(ParseIntError::BadBase);
    }
    let invalid = ParseIntError::Invalid { base };
    let text = trim(text);
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (radix, digits, must_be_zero) = prefix(text, base);
    let value = digits_value(digits, radix, limit).map_err(|error| error.unwrap_or(invalid))?;
    if must_be_zero && !value.is_zero() {
        return Err(invalid);
    }
    Ok(if negative { value.neg() } else { value })
}

/// The value of an integer literal of the language (already checked by the tokenizer): prefix and underscores allowed.
pub fn parse_literal(text: &str, limit: usize) -> Result<BigInt, ParseIntError> {
    parse_bytes(text.as_bytes(), 0, limit)
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_ascii_space(u32::from(*first))
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_ascii_space(u32::from(*last))
    {
        text = rest;
    }
    text
}

/// The radix to use, the text behind a prefix, and whether only zero is allowed (`00` with base 0).
fn prefix(text: &[u8], base: u32) -> (u32, &[u8], bool) {
    let named = match text {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    if named != 0 && (base == 0 || base == named) {
        let digits = &text[2..];
        return (named, digits.strip_prefix(b"_").unwrap_or(digits), false);
    }
    if base == 0 { (10, text, text.first() == Some(&b'0')) } else { (base, text, false) }
}

fn digit_value(digit: u8) -> u32 {
    match digit {
        b'0'..=b'9' => u32::from(digit - b'0'),
        b'a'..=b'z' => u32::from(digit - b'a') + 10,
        b'A'..=b'Z' => u32::from(digit - b'A') + 10,
        _ => u32::MAX,
    }
}

/// The value of digits with single underscores between them. `Err(None)`: not that.
fn digits_value(digits: &[u8], radix: u32, limit: usize) -> Result<BigInt, Option<ParseIntError>> {
    let (mut value, mut small, mut count, mut after_digit) = (0i64, true, 0usize, false);
    for &digit in digits {
        if digit == b'_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = digit_value(digit);
        if digit >= radix {
            return Err(None);
        }
        match value.checked_mul(i64::from(radix)).and_then(|high| high.checked_add(i64::from(digit))) {
            Some(sum) => value = sum,
            None => small = false,
        }
        count += 1;
        after_digit = true;
    }
    if !after_digit {
        return Err(None);
    }
    if limit > 0 && count > limit && !radix.is_power_of_two() {
        return Err(Some(ParseIntError::TooManyDigits { digits: count, limit }));
    }
    if small {
        return Ok(BigInt::from(value));
    }
    let plain: String = digits.iter().filter(|&&digit| digit != b'_').map(|&digit| digit as char).collect();
    IBig::from_str_radix(&plain, radix).map(BigInt).map_err(|_| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, base: u32) -> Result<String, ParseIntError> {
        let units: Vec<u32> = text.chars().map(|c| c as u32).collect();
        parse(&units, base, 4300).map(|n| n.to_text(10))
    }

    #[test]
    fn rules_of_int() {
        for (text, base, expected) in [
            (" \n-1_000\t", 10, "-1000"),
            ("0x_fF", 0, "255"),
            ("0b1", 16, "177"),
            ("00_0", 0, "0"),
            ("z", 36, "35"),
            ("\u{85}\u{665}\u{a0}", 10, "5"),
            ("123456789012345678901234567890", 10, "123456789012345678901234567890"),
        ] {
            assert_eq!(value(text, base).as_deref(), Ok(expected), "{text:?} {base}");
        }
        for (text, base) in
            [("", 10), ("0_", 10), ("_0", 10), ("1__0", 10), ("0x", 0), ("01", 0), ("0x__f", 0), ("- 1", 10)]
        {
            assert_eq!(value(text, base), Err(ParseIntError::Invalid { base }), "{text:?}");
        }
        assert_eq!(value("\u{1c}5", 10), Err(ParseIntError::Invalid { base: 10 }));
        assert_eq!(value("1", 37), Err(ParseIntError::BadBase));
        assert_eq!(value(&"1".repeat(4301), 10), Err(ParseIntError::TooManyDigits { digits: 4301, limit: 4300 }));
    }
}
