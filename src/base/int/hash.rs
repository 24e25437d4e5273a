//! Hashes of numbers: equal numbers of different types hash alike (docs: "Hashing of numeric types").
//!
//! The value is reduced modulo the Mersenne prime 2**61 - 1, the sign is kept, and -1, which means "error" in C, becomes
//! -2. A NaN hashes by identity, which is the caller's affair.

use dashu_int::UBig;
use dashu_int::ops::UnsignedAbs;

use super::{BigInt, small};

/// `sys.hash_info.modulus`
pub const HASH_MODULUS: u64 = (1 << HASH_BITS) - 1;
/// Bits of the modulus.
pub const HASH_BITS: u32 = 61;
/// `sys.hash_info.inf`
pub const HASH_INF: i64 = 314_159;
/// `sys.hash_info.imag`
pub const HASH_IMAG: i64 = 1_000_003;

impl BigInt {
    /// `hash(n)`
    pub fn hash(&self) -> i64 {
        if let Some(n) = self.to_i64() {
            return small::hash(n);
        }
        signed((&self.0).unsigned_abs().residue(), self.is_negative())
    }
}

trait Residue {
    fn residue(&self) -> u64;
}

impl Residue for UBig {
    /// The value modulo 2**61 - 1.
    fn residue(&self) -> u64 {
        self.as_words().iter().rev().fold(0, |high, &word| {
            let value = (u128::from(high) << 64) | u128::from(word);
            (value % u128::from(HASH_MODULUS)) as u64
        })
    }
}

fn signed(residue: u64, negative: bool) -> i64 {
    let value = if negative { -(residue as i64) } else { residue as i64 };
    if value == -1 { -2 } else { value }
}

/// `hash(x)` of a float; `None` for a NaN, which hashes by the identity of its object.
pub fn hash_real(x: f64) -> Option<i64> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { HASH_INF } else { -HASH_INF });
    }
    let (mantissa, exponent) = super::decompose(x.abs());
    // multiplication by two is a rotation of 61 bits
    let turn = exponent.rem_euclid(HASH_BITS as i32) as u32;
    let residue = mantissa % HASH_MODULUS;
    let rotated = ((residue << turn) & HASH_MODULUS) | (residue >> (HASH_BITS - turn));
    Some(signed(rotated % HASH_MODULUS, x < 0.0))
}

/// `hash(z)` of a complex number from the hashes of its parts.
pub fn hash_complex(real: i64, imag: i64) -> i64 {
    let value = (real as u64).wrapping_add((HASH_IMAG as u64).wrapping_mul(imag as u64)) as i64;
    if value == -1 { -2 } else { value }
}

/// `hash(Fraction(numerator, denominator))` in lowest terms: numerator times the inverse of the denominator.
pub fn hash_fraction(numerator: &BigInt, denominator: &BigInt) -> i64 {
    let modulus = BigInt::from(HASH_MODULUS);
    let inverse = match denominator.pow_mod(&BigInt::from(HASH_MODULUS - 2), &modulus) {
        Ok(inverse) if !inverse.is_zero() => inverse,
        _ => return if numerator.is_negative() { -HASH_INF } else { HASH_INF },
    };
    let residue = (&numerator.0).unsigned_abs().residue();
    let product = u128::from(residue) * u128::from(inverse.to_u64().unwrap_or(0)) % u128::from(HASH_MODULUS);
    signed(product as u64, numerator.is_negative())
}
