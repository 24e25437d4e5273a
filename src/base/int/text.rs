//! Integers as text in bases 2 to 36.

use super::BigInt;

/// Appends the digits of a machine word in a base of 2 to 36, lower case, with a sign if negative.
pub fn format_i64(n: i64, base: u32, out: &mut String) {
    out.push_str(Digits::of(n, base).as_str());
}

/// The digits of a machine integer, without an allocation.
pub struct Digits {
    text: [u8; 65],
    start: usize,
}

impl Digits {
    /// The digits of `n` in a base of 2 to 36, lower case, with a sign if negative.
    pub fn of(n: i64, base: u32) -> Digits {
        let mut digits = Digits { text: [b'0'; 65], start: 65 };
        let rest = n.unsigned_abs();
        // Division by a constant is a multiplication or a shift.
        match base {
            10 => digits.fill(rest, 10),
            16 => digits.fill(rest, 16),
            8 => digits.fill(rest, 8),
            2 => digits.fill(rest, 2),
            base => digits.fill(rest, u64::from(base)),
        }
        if n < 0 {
            digits.start -= 1;
            digits.text[digits.start] = b'-';
        }
        digits
    }

    #[inline(always)]
    fn fill(&mut self, mut rest: u64, base: u64) {
        loop {
            self.start -= 1;
            self.text[self.start] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % base) as usize];
            rest /= base;
            if rest == 0 {
                return;
            }
        }
    }

    /// The text, sign included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[self.start..]
    }

    /// As [`Digits::as_bytes`].
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
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
