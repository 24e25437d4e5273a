//! `bytearray`: a mutable sequence of bytes.

use crate::object::buf::Buf;
use crate::object::{TypeDef, TypeFlags};

/// Payload of `bytearray`.
pub struct ByteArray {
    /// The bytes.
    pub data: Buf<u8>,
    /// Exported views; while there are any, the size is fixed.
    pub exports: usize,
}
crate::payload!(ByteArray, BYTEARRAY);

/// `bytearray`.
pub static BYTEARRAY: TypeDef =
    TypeDef::new::<ByteArray>("bytearray").flags(TypeFlags::BASETYPE.union(TypeFlags::MATCH_SELF)).cpython_size(56, 0);
