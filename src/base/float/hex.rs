//! `float.hex` and `float.fromhex`.

use super::parse::trim;
use crate::int::round_to_f64;

/// `x.hex()`
pub fn hex(x: f64) -> String {
    if !x.is_finite() {
        return super::repr(x);
    }
    let sign = if x.is_sign_negative() { "-" } else { "" };
    if x == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = x.to_bits();
    let (biased, fraction) = ((bits >> 52 & 0x7FF) as i32, bits & ((1 << 52) - 1));
    let (lead, exponent) = if biased == 0 { (0, -1022) } else { (1, biased - 1023) };
    format!("{sign}0x{lead}.{fraction:013x}p{exponent:+}")
}

/// Why a text is no hexadecimal float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromHexError {
    /// `ValueError`: not of the form.
    Invalid,
    /// `OverflowError`: beyond the largest float.
    TooLarge,
    /// `ValueError`: absurdly many digits.
    TooLong,
}

impl FromHexError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            FromHexError::Invalid => "invalid hexadecimal floating-point string",
            FromHexError::TooLarge => "hexadecimal value too large to represent as a float",
            FromHexError::TooLong => "hexadecimal string too long to convert to float",
        }
    }
}

/// `float.fromhex(text)` for the text's UTF-8.
pub fn from_hex(text: &[u8]) -> Result<f64, FromHexError> {
    let text = trim(text);
    let (negative, body) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value = magnitude(body)?;
    Ok(if negative { -value } else { value })
}

fn magnitude(body: &[u8]) -> Result<f64, FromHexError> {
    if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") {
        return Ok(f64::INFINITY);
    }
    if body.eq_ignore_ascii_case(b"nan") {
        return Ok(f64::from_bits(0x7FF8 << 48));
    }
    let body = match body {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        _ => body,
    };
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let whole = digits(body);
    let (mut rest, mut fraction): (&[u8], &[u8]) = (&body[whole..], &[]);
    if let [b'.', after @ ..] = rest {
        let count = digits(after);
        (fraction, rest) = after.split_at(count);
    }
    let count = whole + fraction.len();
    if count == 0 {
        return Err(FromHexError::Invalid);
    }
    if count > (i64::MAX / 8) as usize {
        return Err(FromHexError::TooLong);
    }
    let (exponent, after) = exponent(rest)?;
    let value = scaled(body[..whole].iter().chain(fraction), exponent - 4 * fraction.len() as i64)?;
    // an overflow is reported before anything that should not follow
    if after.is_empty() { Ok(value) } else { Err(FromHexError::Invalid) }
}

/// The exponent behind `p`, 0 without one, and what follows; far outside of any float's range it is cut off.
fn exponent(text: &[u8]) -> Result<(i64, &[u8]), FromHexError> {
    let digits = match text {
        [b'p' | b'P', rest @ ..] => rest,
        _ => return Ok((0, text)),
    };
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, digits),
    };
    let (digits, after) = digits.split_at(digits.iter().take_while(|byte| byte.is_ascii_digit()).count());
    if digits.is_empty() {
        return Err(FromHexError::Invalid);
    }
    const FAR: i64 = i64::MAX / 4;
    let value = digits.iter().fold(0i64, |value, digit| (value.saturating_mul(10) + i64::from(digit - b'0')).min(FAR));
    Ok((if negative { -value } else { value }, after))
}

/// Hexadecimal digits times a power of two.
fn scaled<'a>(digits: impl Iterator<Item = &'a u8>, exponent: i64) -> Result<f64, FromHexError> {
    let (mut mantissa, mut dropped, mut sticky) = (0u64, 0i64, false);
    for &byte in digits {
        let digit = u64::from((byte as char).to_digit(16).unwrap_or(0));
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
        } else {
            dropped += 4;
            sticky |= digit != 0;
        }
    }
    round_to_f64(mantissa, exponent.saturating_add(dropped), sticky).ok_or(FromHexError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        assert_eq!(hex(0.1), "0x1.999999999999ap-4");
        assert_eq!(hex(-5e-324), "-0x0.0000000000001p-1022");
        assert_eq!(from_hex(b" 0x1.8p1 "), Ok(3.0));
        assert_eq!(from_hex(b".8"), Ok(0.5));
        assert_eq!(from_hex(b"0x1p-1075"), Ok(0.0));
        assert_eq!(from_hex(b"0x1.00000000000001p-1075"), Ok(5e-324));
        assert_eq!(from_hex(b"0x1p1024"), Err(FromHexError::TooLarge));
        assert_eq!(from_hex(b"0x"), Err(FromHexError::Invalid));
        assert_eq!(from_hex(b"1p"), Err(FromHexError::Invalid));
    }
}
