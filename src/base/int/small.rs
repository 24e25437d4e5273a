//! Arithmetic on machine words with Python's rules: `None` means that the result needs a [`super::BigInt`].

/// `a // b`, rounding towards minus infinity; `b` must not be zero. Only `i64::MIN // -1` overflows.
#[inline]
pub fn floor_div(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

/// `a % b` with the sign of `b`; `b` must not be zero.
#[inline]
pub fn modulo(a: i64, b: i64) -> i64 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

/// `a << n`, `None` when bits would be lost.
#[inline]
pub fn shl(a: i64, n: u64) -> Option<i64> {
    if a == 0 {
        return Some(0);
    }
    let n = u32::try_from(n).ok().filter(|&n| n < 63)?;
    let shifted = a << n;
    (shifted >> n == a).then_some(shifted)
}

/// `a >> n`, rounding towards minus infinity.
#[inline]
pub fn shr(a: i64, n: u64) -> i64 {
    a >> n.min(63)
}

/// `a ** n` for a non-negative exponent.
pub fn pow(a: i64, n: u64) -> Option<i64> {
    match a {
        0 => Some(i64::from(n == 0)),
        1 => Some(1),
        -1 => Some(if n.is_multiple_of(2) { 1 } else { -1 }),
        _ => a.checked_pow(u32::try_from(n).ok()?),
    }
}

/// `a / b`, correctly rounded; `b` must not be zero. `None` when an operand is not exactly a float.
#[inline]
pub fn true_div(a: i64, b: i64) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    (a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT).then(|| a as f64 / b as f64)
}

/// Greatest common divisor.
pub fn gcd(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 {
        return a | b;
    }
    let shift = (a | b).trailing_zeros();
    let (mut a, mut b) = (a >> a.trailing_zeros(), b);
    loop {
        b >>= b.trailing_zeros();
        if a > b {
            std::mem::swap(&mut a, &mut b);
        }
        b -= a;
        if b == 0 {
            return a << shift;
        }
    }
}

/// `hash(n)`: the residue modulo 2**61 - 1 with the sign of `n`, and -2 instead of -1 (docs: "Hashing of numeric types").
#[inline]
pub fn hash(n: i64) -> i64 {
    let residue = (n.unsigned_abs() % super::HASH_MODULUS) as i64;
    let signed = if n < 0 { -residue } else { residue };
    if signed == -1 { -2 } else { signed }
}

/// `n.bit_length()`.
#[inline]
pub fn bit_length(n: i64) -> u32 {
    64 - n.unsigned_abs().leading_zeros()
}

/// Floor of the square root.
pub fn isqrt(n: u64) -> u64 {
    n.isqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_rules() {
        assert_eq!((floor_div(-7, 2), modulo(-7, 2)), (Some(-4), 1));
        assert_eq!((floor_div(7, -2), modulo(7, -2)), (Some(-4), -1));
        assert_eq!((floor_div(i64::MIN, -1), modulo(i64::MIN, -1)), (None, 0));
        assert_eq!((floor_div(-6, 2), modulo(-6, 2)), (Some(-3), 0));
    }

    #[test]
    fn shifts_and_powers() {
        assert_eq!(shl(1, 62), Some(1 << 62));
        assert_eq!(shl(-1, 62), Some(-1 << 62));
        assert_eq!((shl(2, 62), shl(0, u64::MAX), shl(1, 64)), (None, Some(0), None));
        assert_eq!((shr(-1, 500), shr(5, 1)), (-1, 2));
        assert_eq!(
            (pow(-1, u64::MAX), pow(3, 39), pow(3, 40), pow(0, 0)),
            (Some(-1), Some(3i64.pow(39)), None, Some(1))
        );
    }

    #[test]
    fn gcd_and_hash() {
        assert_eq!((gcd(12, 18), gcd(0, 5), gcd(5, 0), gcd(0, 0)), (6, 5, 5, 0));
        assert_eq!((hash(-1), hash(-2), hash((1 << 61) - 1), hash(1 << 61)), (-2, -2, 0, 1));
    }
}
