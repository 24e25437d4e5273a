//! What `TextIOWrapper.tell()` gives: a byte position, and how to get from there to the character meant.
//!
//! One integer, packed as CPython packs it on 64-bit machines with low bytes first, so that simple positions are plain
//! byte offsets: 8 bytes of position, 4 each of decoder flags, bytes to feed and characters to skip, and one that says
//! whether the end of the input must be signalled.

use taipan_base::int::BigInt;
use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::int::{Int, IntRef, methods::convert};
use taipan_runtime::vm::Vm;

/// The parts of a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cookie {
    /// Position in the bytes, where the decoder has nothing left over.
    pub start: i64,
    /// Flags of the decoder there.
    pub flags: i32,
    /// Bytes to give to the decoder from there.
    pub feed: i32,
    /// Characters to skip of what it gives.
    pub skip: i32,
    /// Whether it must be told that the input ends.
    pub need_eof: bool,
}

const LENGTH: usize = 21;

impl Cookie {
    /// The integer.
    pub fn pack(&self) -> Value {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&self.start.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.flags.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.feed.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.skip.to_le_bytes());
        bytes[20] = self.need_eof as u8;
        Int::from_big(BigInt::from_le_bytes(&bytes, false))
    }

    /// Reads an integer that is not negative.
    pub fn unpack(vm: &mut Vm, v: &Value) -> PyResult<Cookie> {
        let v = convert(vm, v)?;
        let number = Int::read(&v).map_or_else(BigInt::default, IntRef::to_big);
        let bytes = match number.to_le_bytes(LENGTH, false) {
            Ok(b) => b,
            Err(_) => return Err(vm.overflow_error("int too big to convert")),
        };
        Ok(Cookie::from_bytes(&bytes))
    }

    fn from_bytes(bytes: &[u8]) -> Cookie {
        let four = |at: usize| i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let start = (four(0) as u32 as u64) | (four(4) as u32 as u64) << 32;
        Cookie { start: start as i64, flags: four(8), feed: four(12), skip: four(16), need_eof: bytes[20] != 0 }
    }

    /// Whether it is the very start, where codecs are reset rather than set.
    pub fn is_start(&self) -> bool {
        self.start == 0 && self.flags == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        let c = Cookie { start: 0x1_2345_6789, flags: 3, feed: 2, skip: 77, need_eof: true };
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&c.start.to_le_bytes());
        (bytes[8], bytes[12], bytes[16], bytes[20]) = (3, 2, 77, 1);
        assert_eq!(Cookie::from_bytes(&bytes), c);
    }
}
