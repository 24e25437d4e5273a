//! Integers as text in bases 2 to 36.

use super::BigInt;

/// Appends the digits of a machine word in a base of 2 to 36, lower case, with a sign if negative.
pub fn format_i64(n: i64, base: u32, out: &mut String) {
    use std::fmt::Write;
    if base == 10 {
        // writing to a string cannot fail
        let _ = write!(out, "{n}");
        return;
    }
    let mut digits = [0u8; 65];
    let (mut start, mut rest, base) = (digits.len(), n.unsigned_abs(), u64::from(base));
    loop {
        start -= 1;
        digits[start] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % base) as usize];
        rest /= base;
        if rest == 0 {
            break;
        }
    }
    if n < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    out.push_str(std::str::from_utf8(&digits[start..]).unwrap_or_default());
}

impl BigInt {
    /// The digits in a base of 2 to 36, lower case, with a sign if negative and no prefix. CPython limits only bases
    /// that are not powers of two: ask [`decimal_digits_exceed`] first.
    pub fn to_text(&self, base: u32) -> String {
        if let Some(n) = self.to_i64() {
            let mut out = String::with_capacity(20);
            format_i64(n, base, &mut out);
            return out;
        }
        self.0.in_radix(base as u8).to_string()
    }
}

/// Whether `str(n)` has more decimal digits than `limit` (`sys.get_int_max_str_digits()`, 0: no limit), so that CPython
/// refuses it. Small numbers are never refused: the limit is at least 640.
pub fn decimal_digits_exceed(n: &BigInt, limit: usize) -> bool {
    let bits = n.bit_length();
    // the number of digits but for one or two; only a close call is worth a power of ten
    let estimate = bits as f64 * std::f64::consts::LOG10_2;
    if limit == 0 || estimate + 2.0 < limit as f64 {
        return false;
    }
    if estimate - 2.0 > limit as f64 {
        return true;
    }
    match BigInt::pow10(limit as u64) {
        Ok(bound) => n.abs() >= bound,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_exact() {
        let bound = BigInt::pow10(4300).unwrap();
        assert!(decimal_digits_exceed(&bound, 4300));
        assert!(!decimal_digits_exceed(&bound.sub(&BigInt::ONE), 4300));
        assert!(!decimal_digits_exceed(&bound.mul(&bound), 0));
        assert_eq!(BigInt::from(i64::MIN).to_text(36), "-1y2p0ij32e8e8");
    }
}
