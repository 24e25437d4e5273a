//! Integers to floats and back, correctly rounded (half to even), and the exact quotient of two integers.

use std::cmp::Ordering;

use dashu_int::ops::UnsignedAbs;

use super::{BigInt, IntError};

/// Why a float has no integer value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromFloatError {
    /// `OverflowError: cannot convert float infinity to integer`
    Infinity,
    /// `ValueError: cannot convert float NaN to integer`
    NaN,
}

impl FromFloatError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            FromFloatError::Infinity => "cannot convert float infinity to integer",
            FromFloatError::NaN => "cannot convert float NaN to integer",
        }
    }
}

/// Mantissa and exponent of a finite non-negative float: the value is `mantissa * 2**exponent`.
pub(crate) fn decompose(x: f64) -> (u64, i32) {
    let bits = x.to_bits();
    let (biased, fraction) = ((bits >> 52 & 0x7FF) as i32, bits & ((1 << 52) - 1));
    if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) }
}

/// The float nearest to `mantissa * 2**exponent`, ties to even; `sticky` says that the true value lies a little above
/// (less than one unit of the mantissa). `None` when it overflows. With `sticky`, the mantissa must have at least 55
/// bits unless it is below the smallest subnormal anyway.
pub fn round_to_f64(mantissa: u64, exponent: i64, sticky: bool) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    let bits = 64 - i64::from(mantissa.leading_zeros());
    if exponent + bits > 1024 {
        return None;
    }
    // position of the last bit that is kept
    let last = (exponent + bits - 53).max(-1074);
    let drop = last - exponent;
    let kept = match drop {
        ..=0 => mantissa << -drop,
        1..=64 => round_half_even(mantissa, drop as u32, sticky),
        _ => 0,
    };
    if kept == 1 << 53 && last == 971 {
        return None;
    }
    // a carry into the 54th bit moves into the exponent field by itself
    let field = if kept >> 52 == 0 { 0 } else { (last + 1074) as u64 };
    Some(f64::from_bits((field << 52) + kept))
}

/// `n / 2**drop` to the nearest integer, ties to even, for 1 ≤ drop ≤ 64.
fn round_half_even(n: u64, drop: u32, sticky: bool) -> u64 {
    let wide = u128::from(n);
    let (kept, rest, half) = ((wide >> drop) as u64, wide & ((1 << drop) - 1), 1u128 << (drop - 1));
    let up = match rest.cmp(&half) {
        Ordering::Greater => true,
        Ordering::Equal => sticky || kept & 1 == 1,
        Ordering::Less => false,
    };
    kept + u64::from(up)
}

impl BigInt {
    /// `float(n)`
    pub fn to_f64(&self) -> Result<f64, IntError> {
        let (negative, words) = self.words();
        let magnitude = match *words {
            [] => Some(0.0),
            [low] => round_to_f64(low, 0, false),
            _ => {
                let skip = self.bit_length() - 64;
                let top = self.abs().shr(skip).to_u64().unwrap_or(u64::MAX);
                let sticky = self.trailing_zeros().is_some_and(|zeros| zeros < skip);
                round_to_f64(top, skip as i64, sticky)
            }
        };
        let magnitude = magnitude.ok_or(IntError::FloatOverflow)?;
        Ok(if negative { -magnitude } else { magnitude })
    }

    /// `int(x)`: towards zero.
    pub fn from_f64(x: f64) -> Result<BigInt, FromFloatError> {
        if x.is_nan() {
            return Err(FromFloatError::NaN);
        }
        if x.is_infinite() {
            return Err(FromFloatError::Infinity);
        }
        let whole = x.trunc();
        if whole.abs() < 9e18 {
            return Ok(BigInt::from(whole as i64));
        }
        let (mantissa, exponent) = decompose(whole.abs());
        let magnitude = BigInt(dashu_int::IBig::from(mantissa) << exponent.unsigned_abs() as usize);
        Ok(if x < 0.0 { magnitude.neg() } else { magnitude })
    }

    /// `a / b`: the float nearest to the exact quotient.
    pub fn true_div(&self, other: &BigInt) -> Result<f64, IntError> {
        if other.is_zero() {
            return Err(IntError::DivisionByZero);
        }
        let magnitude = quotient(&self.abs(), &other.abs()).ok_or(IntError::QuotientTooLarge)?;
        Ok(if self.is_negative() != other.is_negative() { -magnitude } else { magnitude })
    }

    /// Compares with a float exactly; `None` for a NaN.
    pub fn partial_cmp_f64(&self, x: f64) -> Option<Ordering> {
        if x.is_nan() {
            return None;
        }
        if x.is_infinite() {
            return Some(if x > 0.0 { Ordering::Less } else { Ordering::Greater });
        }
        let whole = BigInt::from_f64(x).ok()?;
        Some(self.cmp(&whole).then_with(|| 0.0f64.total_cmp(&(x.fract() + 0.0))))
    }

    /// The integer's value as `(mantissa, exponent)` like C's `frexp`: 0.5 ≤ mantissa < 1, for `math.log` of big numbers.
    pub fn frexp(&self) -> (f64, u64) {
        if self.is_zero() {
            return (0.0, 0);
        }
        let bits = self.bit_length();
        let skip = bits.saturating_sub(64);
        let top = self.abs().shr(skip).to_u64().unwrap_or(u64::MAX);
        let sticky = self.trailing_zeros().is_some_and(|zeros| zeros < skip);
        let width = bits - skip;
        let fraction = round_to_f64(top, -(width as i64), sticky).unwrap_or(1.0);
        let (fraction, exponent) = if fraction == 1.0 { (0.5, bits + 1) } else { (fraction, bits) };
        (if self.is_negative() { -fraction } else { fraction }, exponent)
    }
}

/// `a / b` for magnitudes, `None` on overflow.
fn quotient(a: &BigInt, b: &BigInt) -> Option<f64> {
    if a.is_zero() {
        return Some(0.0);
    }
    let gap = a.bit_length() as i64 - b.bit_length() as i64;
    if gap > 1025 {
        return None;
    }
    if gap < -1076 {
        return Some(0.0);
    }
    // scale so that the integer quotient has 56 or 57 bits
    let scale = gap - 56;
    let (a, b) = ((&a.0).unsigned_abs(), (&b.0).unsigned_abs());
    let (numerator, denominator) = if scale < 0 { (a << (-scale) as usize, b) } else { (a, b << scale as usize) };
    let whole = &numerator / &denominator;
    let exact = &whole * &denominator == numerator;
    round_to_f64(u64::try_from(&whole).ok()?, scale, !exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_the_range() {
        let top = BigInt::from_f64(f64::MAX).unwrap();
        assert_eq!(top.to_f64(), Ok(f64::MAX));
        let half = BigInt::ONE.shl(970).unwrap();
        assert_eq!(top.add(&half).sub(&BigInt::ONE).to_f64(), Ok(f64::MAX));
        assert_eq!(top.add(&half).to_f64(), Err(IntError::FloatOverflow));
        let tiny = BigInt::ONE.shl(1074).unwrap();
        assert_eq!(BigInt::ONE.true_div(&tiny), Ok(5e-324));
        assert_eq!(BigInt::ONE.true_div(&tiny.mul(&BigInt::from(2))), Ok(0.0));
        assert_eq!(BigInt::from(3).true_div(&tiny.mul(&BigInt::from(2))), Ok(1e-323));
        assert_eq!(BigInt::from(0).true_div(&BigInt::from(-5)).map(f64::to_bits), Ok((-0.0f64).to_bits()));
    }

    #[test]
    fn compares_with_floats_exactly() {
        let n = BigInt::from((1i64 << 53) + 1);
        assert_eq!(n.partial_cmp_f64(9007199254740992.0), Some(Ordering::Greater));
        assert_eq!(BigInt::from(1).partial_cmp_f64(1.5), Some(Ordering::Less));
        assert_eq!(BigInt::from(-1).partial_cmp_f64(-1.5), Some(Ordering::Greater));
        assert_eq!(BigInt::ZERO.partial_cmp_f64(-0.0), Some(Ordering::Equal));
        assert_eq!(BigInt::ZERO.partial_cmp_f64(f64::NAN), None);
    }
}
