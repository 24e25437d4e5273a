//! `int.to_bytes` and `int.from_bytes`.

use dashu_int::ops::UnsignedAbs;
use dashu_int::{IBig, UBig};

use super::BigInt;

/// Why an integer has no such bytes; both are `OverflowError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToBytesError {
    /// A negative number, and not `signed`.
    Negative,
    /// More bytes needed.
    TooBig,
}

impl ToBytesError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            ToBytesError::Negative => "can't convert negative int to unsigned",
            ToBytesError::TooBig => "int too big to convert",
        }
    }
}

impl BigInt {
    /// `n.to_bytes(length, "little", signed=…)`; reverse the result for big endian.
    pub fn to_le_bytes(&self, length: usize, signed: bool) -> Result<Vec<u8>, ToBytesError> {
        let negative = self.is_negative();
        if negative && !signed {
            return Err(ToBytesError::Negative);
        }
        // -128 has the seven bits of 127 in two's complement
        let magnitude = if negative { self.invert() } else { self.clone() };
        if magnitude.bit_length() + u64::from(signed) > length as u64 * 8 && !(self.is_zero() && length == 0) {
            return Err(ToBytesError::TooBig);
        }
        let mut bytes = (&magnitude.0).unsigned_abs().to_le_bytes().into_vec();
        bytes.resize(length, 0);
        if negative {
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
        }
        Ok(bytes)
    }

    /// `n.to_bytes(length, "big", signed=…)`
    pub fn to_be_bytes(&self, length: usize, signed: bool) -> Result<Vec<u8>, ToBytesError> {
        let mut bytes = self.to_le_bytes(length, signed)?;
        bytes.reverse();
        Ok(bytes)
    }

    /// `int.from_bytes(bytes, "little", signed=…)`
    pub fn from_le_bytes(bytes: &[u8], signed: bool) -> BigInt {
        if signed && bytes.last().is_some_and(|&top| top >= 0x80) {
            let inverted: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
            return BigInt(!IBig::from(UBig::from_le_bytes(&inverted)));
        }
        BigInt(IBig::from(UBig::from_le_bytes(bytes)))
    }

    /// `int.from_bytes(bytes, "big", signed=…)`
    pub fn from_be_bytes(bytes: &[u8], signed: bool) -> BigInt {
        if signed && bytes.first().is_some_and(|&top| top >= 0x80) {
            let inverted: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
            return BigInt(!IBig::from(UBig::from_be_bytes(&inverted)));
        }
        BigInt(IBig::from(UBig::from_be_bytes(bytes)))
    }

    /// The value modulo 2**64, as two's complement: what C's masking conversions give.
    pub fn to_u64_wrapping(&self) -> u64 {
        let (negative, words) = self.words();
        let low = words.first().copied().unwrap_or(0);
        if negative { low.wrapping_neg() } else { low }
    }
}
