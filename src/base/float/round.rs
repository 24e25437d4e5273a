//! `round`, `as_integer_ratio` and `is_integer`.

use crate::int::{BigInt, FromFloatError};

/// Why a float is no ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatioError {
    /// `OverflowError: cannot convert Infinity to integer ratio`
    Infinity,
    /// `ValueError: cannot convert NaN to integer ratio`
    NaN,
}

impl RatioError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            RatioError::Infinity => "cannot convert Infinity to integer ratio",
            RatioError::NaN => "cannot convert NaN to integer ratio",
        }
    }
}

/// `x.as_integer_ratio()`: numerator and denominator in lowest terms.
pub fn as_integer_ratio(x: f64) -> Result<(BigInt, BigInt), RatioError> {
    if x.is_nan() {
        return Err(RatioError::NaN);
    }
    if x.is_infinite() {
        return Err(RatioError::Infinity);
    }
    if x == 0.0 {
        return Ok((BigInt::ZERO, BigInt::ONE));
    }
    let (mantissa, exponent) = crate::int::decompose(x.abs());
    let zeros = mantissa.trailing_zeros();
    let (odd, exponent) = (BigInt::from(mantissa >> zeros), i64::from(exponent) + i64::from(zeros));
    let power = |n: i64| BigInt::ONE.shl(n.max(0) as u64).unwrap_or(BigInt::ONE);
    let numerator = odd.mul(&power(exponent));
    Ok((if x < 0.0 { numerator.neg() } else { numerator }, power(-exponent)))
}

/// `x.is_integer()`
pub fn is_integer(x: f64) -> bool {
    x.is_finite() && x.fract() == 0.0
}

/// `round(x)`: the nearest integer, ties to even.
pub fn round_to_int(x: f64) -> Result<BigInt, FromFloatError> {
    BigInt::from_f64(x.round_ties_even())
}

/// `round(x, digits)`: the exact value rounded to so many decimal places, ties to even; negative counts round to tens,
/// hundreds, … `None` is `OverflowError: rounded value too large to represent`.
pub fn round_to_digits(x: f64, digits: i64) -> Option<f64> {
    // beyond these nothing changes, or nothing is left
    const MOST: i64 = 323;
    const LEAST: i64 = -308;
    if !x.is_finite() || x == 0.0 || digits > MOST {
        return Some(x);
    }
    if digits < LEAST {
        return Some(0.0 * x);
    }
    if digits >= 0 {
        return format!("{x:.*}", digits as usize).parse().ok();
    }
    let magnitude = round_to_tens(x.abs(), digits.unsigned_abs())?;
    Some(magnitude.copysign(x))
}

fn round_to_tens(x: f64, zeros: u64) -> Option<f64> {
    let unit = BigInt::pow10(zeros).ok()?;
    // twice the value plus a mark for what lies behind the point keeps comparisons with the half exact
    let doubled = BigInt::from_f64(x).ok()?.mul(&BigInt::from(2)).add(&BigInt::from(x.fract() != 0.0));
    let (quotient, rest) = doubled.div_mod(&unit.mul(&BigInt::from(2))).ok()?;
    let up = rest > unit || (rest == unit && quotient.is_odd());
    quotient.add(&BigInt::from(up)).mul(&unit).to_f64().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding() {
        assert_eq!(round_to_digits(2.675, 2), Some(2.67));
        assert_eq!(round_to_digits(25.0, -1), Some(20.0));
        assert_eq!(round_to_digits(25.5, -1), Some(30.0));
        assert_eq!(round_to_digits(-0.4, 0).map(f64::to_bits), Some((-0.0f64).to_bits()));
        assert_eq!(round_to_digits(1.7e308, -308), None);
        assert_eq!(round_to_int(2.5), Ok(BigInt::from(2)));
        assert_eq!(as_integer_ratio(-0.75), Ok((BigInt::from(-3), BigInt::from(4))));
    }
}
