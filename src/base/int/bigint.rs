//! The integer of any size: a thin skin over `dashu`, so that no other file knows the crate.
//!
//! Values up to 128 bits live inline. Operations that could ask for absurd amounts of memory return
//! [`IntError::TooLarge`] beforehand, where CPython raises `MemoryError`; the crate underneath would panic.

use std::fmt;

use dashu_int::fast_div::ConstDivisor;
use dashu_int::ops::{Abs, BitTest, DivRem, ExtendedGcd, Gcd, SquareRoot, UnsignedAbs};
use dashu_int::{IBig, Sign, UBig};

/// Results of more bits than this (16 GiB) are refused.
pub const MAX_BITS: u64 = 1 << 37;

/// Why an operation on integers has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntError {
    /// `ZeroDivisionError: division by zero`.
    DivisionByZero,
    /// `MemoryError`: the result would have more than [`MAX_BITS`] bits.
    TooLarge,
    /// `OverflowError: too many digits in integer`: a shift count of 2**63 or more.
    TooManyDigits,
    /// `OverflowError: integer division result too large for a float`.
    QuotientTooLarge,
    /// `OverflowError: int too large to convert to float`.
    FloatOverflow,
}

impl IntError {
    /// CPython's message (empty for a memory error).
    pub fn message(self) -> &'static str {
        match self {
            IntError::DivisionByZero => "division by zero",
            IntError::TooLarge => "",
            IntError::TooManyDigits => "too many digits in integer",
            IntError::QuotientTooLarge => "integer division result too large for a float",
            IntError::FloatOverflow => "int too large to convert to float",
        }
    }
}

/// Why `pow(base, exponent, modulus)` has no result; both are `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowModError {
    /// The modulus is zero.
    ZeroModulus,
    /// A negative exponent asks for an inverse that does not exist.
    NotInvertible,
}

impl PowModError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            PowModError::ZeroModulus => "pow() 3rd argument cannot be 0",
            PowModError::NotInvertible => "base is not invertible for the given modulus",
        }
    }
}

/// An integer of any size.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BigInt(pub(super) IBig);

macro_rules! from_primitive {
    ($($t:ty),*) => {$(
        impl From<$t> for BigInt {
            fn from(n: $t) -> BigInt {
                BigInt(IBig::from(n))
            }
        }
    )*};
}
from_primitive!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, bool);

impl From<IBig> for BigInt {
    fn from(n: IBig) -> BigInt {
        BigInt(n)
    }
}

impl From<BigInt> for IBig {
    fn from(n: BigInt) -> IBig {
        n.0
    }
}

impl fmt::Debug for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What an integer is.
impl BigInt {
    /// Zero.
    pub const ZERO: BigInt = BigInt(IBig::ZERO);
    /// One.
    pub const ONE: BigInt = BigInt(IBig::ONE);

    /// The value as `i64`, if it fits.
    #[inline]
    pub fn to_i64(&self) -> Option<i64> {
        i64::try_from(&self.0).ok()
    }

    /// The value as `u64`, if it fits.
    pub fn to_u64(&self) -> Option<u64> {
        u64::try_from(&self.0).ok()
    }

    /// The value as `i128`, if it fits.
    pub fn to_i128(&self) -> Option<i128> {
        i128::try_from(&self.0).ok()
    }

    /// The value as `u128`, if it fits.
    pub fn to_u128(&self) -> Option<u128> {
        u128::try_from(&self.0).ok()
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.sign() == Sign::Negative && !self.0.is_zero()
    }

    /// Whether the lowest bit is set.
    pub fn is_odd(&self) -> bool {
        self.0.bit(0)
    }

    /// `n.bit_length()`: bits of the magnitude.
    pub fn bit_length(&self) -> u64 {
        (&self.0).unsigned_abs().bit_len() as u64
    }

    /// `n.bit_count()`: ones in the magnitude.
    pub fn bit_count(&self) -> u64 {
        (&self.0).unsigned_abs().count_ones() as u64
    }

    /// Zero bits below the lowest set bit of the magnitude; `None` for zero.
    pub fn trailing_zeros(&self) -> Option<u64> {
        self.0.trailing_zeros().map(|n| n as u64)
    }

    /// Bytes held outside of the value itself (0 up to 128 bits).
    pub fn heap_bytes(&self) -> usize {
        let (_, words) = self.0.as_sign_words();
        if words.len() <= 2 { 0 } else { std::mem::size_of_val(words) }
    }

    /// The magnitude in digits of so many bits (1 to 32), lowest first; zero has none. CPython's own digits have 30 bits,
    /// marshal's 15.
    pub fn magnitude_digits(&self, bits: u32) -> Vec<u32> {
        let (_, words) = self.0.as_sign_words();
        let (mut digits, mut pending, mut held) = (Vec::new(), 0u128, 0u32);
        for &word in words {
            pending |= u128::from(word) << held;
            held += 64;
            while held >= bits {
                digits.push((pending & ((1u128 << bits) - 1)) as u32);
                pending >>= bits;
                held -= bits;
            }
        }
        if held > 0 {
            digits.push(pending as u32);
        }
        while digits.last() == Some(&0) {
            digits.pop();
        }
        digits
    }

    /// The inverse of [`BigInt::magnitude_digits`].
    pub fn from_digits(negative: bool, digits: &[u32], bits: u32) -> BigInt {
        let (mut words, mut pending, mut held) = (Vec::with_capacity(digits.len() / 2 + 1), 0u128, 0u32);
        for &digit in digits {
            pending |= u128::from(digit) << held;
            held += bits;
            if held >= 64 {
                words.push(pending as u64);
                pending >>= 64;
                held -= 64;
            }
        }
        words.push(pending as u64);
        BigInt(IBig::from_parts(Sign::from(negative), UBig::from_words(&words)))
    }

    /// The 64-bit words of the magnitude, lowest first, and the sign.
    pub fn words(&self) -> (bool, &[u64]) {
        let (_, words) = self.0.as_sign_words();
        (self.is_negative(), words)
    }
}

/// Ring operations; all by reference.
impl BigInt {
    /// `a + b`
    pub fn add(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 + &other.0)
    }

    /// `a - b`
    pub fn sub(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 - &other.0)
    }

    /// `a * b`
    pub fn mul(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 * &other.0)
    }

    /// `-a`
    pub fn neg(&self) -> BigInt {
        BigInt(-&self.0)
    }

    /// `abs(a)`
    pub fn abs(&self) -> BigInt {
        BigInt((&self.0).abs())
    }

    /// `~a`
    pub fn invert(&self) -> BigInt {
        BigInt(!&self.0)
    }

    /// `a & b`
    pub fn bit_and(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 & &other.0)
    }

    /// `a | b`
    pub fn bit_or(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 | &other.0)
    }

    /// `a ^ b`
    pub fn bit_xor(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 ^ &other.0)
    }

    /// `a << n`
    pub fn shl(&self, n: u64) -> Result<BigInt, IntError> {
        if self.is_zero() {
            return Ok(BigInt::ZERO);
        }
        if n >= 1 << 63 {
            return Err(IntError::TooManyDigits);
        }
        if n + self.bit_length() > MAX_BITS {
            return Err(IntError::TooLarge);
        }
        Ok(BigInt(&self.0 << n as usize))
    }

    /// `a << n` for a count of any size, which must not be negative.
    pub fn shl_big(&self, n: &BigInt) -> Result<BigInt, IntError> {
        self.shl(n.to_u64().unwrap_or(u64::MAX))
    }

    /// `a >> n`, rounding towards minus infinity.
    pub fn shr(&self, n: u64) -> BigInt {
        if n >= self.bit_length() {
            return if self.is_negative() { BigInt::from(-1) } else { BigInt::ZERO };
        }
        BigInt(&self.0 >> n as usize)
    }

    /// `divmod(a, b)`
    pub fn div_mod(&self, other: &BigInt) -> Result<(BigInt, BigInt), IntError> {
        if other.is_zero() {
            return Err(IntError::DivisionByZero);
        }
        let (mut quotient, mut rest) = (&self.0).div_rem(&other.0);
        if !rest.is_zero() && rest.sign() != other.0.sign() {
            quotient -= IBig::ONE;
            rest += &other.0;
        }
        Ok((BigInt(quotient), BigInt(rest)))
    }

    /// `a // b`
    pub fn floor_div(&self, other: &BigInt) -> Result<BigInt, IntError> {
        Ok(self.div_mod(other)?.0)
    }

    /// `a % b`
    pub fn modulo(&self, other: &BigInt) -> Result<BigInt, IntError> {
        if other.is_zero() {
            return Err(IntError::DivisionByZero);
        }
        let mut rest = &self.0 % &other.0;
        if !rest.is_zero() && rest.sign() != other.0.sign() {
            rest += &other.0;
        }
        Ok(BigInt(rest))
    }

    /// Quotient and remainder to the nearest, ties to the even quotient: what `round(int, -n)` is made of.
    pub fn div_mod_near(&self, other: &BigInt) -> Result<(BigInt, BigInt), IntError> {
        let (quotient, rest) = self.div_mod(other)?;
        let twice = rest.mul(&BigInt::from(2));
        let order = if other.is_negative() { other.0.cmp(&twice.0) } else { twice.0.cmp(&other.0) };
        if order.is_gt() || (order.is_eq() && quotient.is_odd()) {
            return Ok((quotient.add(&BigInt::ONE), rest.sub(other)));
        }
        Ok((quotient, rest))
    }
}

/// Number theory.
impl BigInt {
    /// `a ** n` for a non-negative exponent.
    pub fn pow(&self, n: u64) -> Result<BigInt, IntError> {
        let bits = self.bit_length();
        if bits <= 1 {
            let negative = self.is_negative() && !n.is_multiple_of(2);
            return Ok(BigInt::from(if n == 0 { 1 } else { bits as i64 * if negative { -1 } else { 1 } }));
        }
        if (bits - 1).checked_mul(n).is_none_or(|least| least > MAX_BITS) {
            return Err(IntError::TooLarge);
        }
        Ok(BigInt(self.0.pow(n as usize)))
    }

    /// `a ** n` for an exponent of any size, which must not be negative.
    pub fn pow_big(&self, n: &BigInt) -> Result<BigInt, IntError> {
        match n.to_u64() {
            Some(n) => self.pow(n),
            None if self.bit_length() <= 1 => self.pow(2 + u64::from(n.is_odd())),
            None => Err(IntError::TooLarge),
        }
    }

    /// `pow(a, n, m)`; the result has the sign of `m`.
    pub fn pow_mod(&self, exponent: &BigInt, modulus: &BigInt) -> Result<BigInt, PowModError> {
        if modulus.is_zero() {
            return Err(PowModError::ZeroModulus);
        }
        let positive = modulus.abs();
        if positive == BigInt::ONE {
            return Ok(BigInt::ZERO);
        }
        let base = if exponent.is_negative() { self.invert_mod(&positive)? } else { self.residue_of(&positive)? };
        let ring = ConstDivisor::new((&positive.0).unsigned_abs());
        let power = ring.reduce(base.0).pow(&(&exponent.0).unsigned_abs());
        let result = BigInt(IBig::from(power.residue()));
        Ok(if modulus.is_negative() && !result.is_zero() { result.add(modulus) } else { result })
    }

    /// The residue, which must be taken before the ring sees the number: dashu 0.6.2 reduces two words by one wrongly.
    fn residue_of(&self, modulus: &BigInt) -> Result<BigInt, PowModError> {
        self.modulo(modulus).map_err(|_| PowModError::ZeroModulus)
    }

    /// The inverse modulo a positive number above one, between 0 and the modulus.
    fn invert_mod(&self, modulus: &BigInt) -> Result<BigInt, PowModError> {
        let residue = self.residue_of(modulus)?;
        if residue.is_zero() {
            return Err(PowModError::NotInvertible);
        }
        let (gcd, inverse, _) = (&residue.0).gcd_ext(&modulus.0);
        if !gcd.is_one() {
            return Err(PowModError::NotInvertible);
        }
        BigInt(inverse).residue_of(modulus)
    }

    /// `math.gcd(a, b)`
    pub fn gcd(&self, other: &BigInt) -> BigInt {
        if self.is_zero() || other.is_zero() {
            return self.add(other).abs();
        }
        BigInt(IBig::from((&self.0).gcd(&other.0)))
    }

    /// `math.lcm(a, b)`
    pub fn lcm(&self, other: &BigInt) -> BigInt {
        if self.is_zero() || other.is_zero() {
            return BigInt::ZERO;
        }
        let part = BigInt(&self.0 / IBig::from((&self.0).gcd(&other.0)));
        part.mul(other).abs()
    }

    /// Floor of the square root; `None` for a negative number.
    pub fn isqrt(&self) -> Option<BigInt> {
        (!self.is_negative()).then(|| BigInt(IBig::from((&self.0).unsigned_abs().sqrt())))
    }

    /// `10 ** n`
    pub fn pow10(n: u64) -> Result<BigInt, IntError> {
        BigInt::from(10).pow(n)
    }
}
