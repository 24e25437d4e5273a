//! `bytes`: what Python code calls.

use super::Bytes;
use crate::object::buffer::Buffer;
use crate::object::{PyResult, Slots, TypeDef, TypeFlags, Value};
use crate::vm::Vm;

/// `bytes`.
pub static BYTES: TypeDef = TypeDef::new::<Bytes>("bytes")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::BYTES_SUBCLASS).union(TypeFlags::MATCH_SELF))
    .itemsize(1)
    .cpython_size(33, 1)
    .slots(Slots {
        repr: Some(|vm, v| Ok(vm.new_str(&taipan_base::repr::of_bytes(b(v).as_slice())))),
        hash: Some(|_, v| Ok(b(v).hash())),
        len: Some(|_, v| Ok(b(v).as_slice().len())),
        // SAFETY: bytes never change and the view keeps the object alive.
        buffer: Some(|_, v, _| Ok(unsafe {
            Buffer::bytes(v.clone(), b(v).as_slice().as_ptr().cast_mut(), b(v).as_slice().len(), true, None)
        })),
        ..Slots::NONE
    });

fn b(v: &Value) -> &crate::object::Py<Bytes> {
    v.downcast::<Bytes>().expect("bytes")
}

/// Bytes of an object without `__bytes__`: a buffer or an iterable of integers.
pub fn from_object(vm: &mut Vm, v: &Value) -> PyResult<Vec<u8>> {
    vm.bytes_like(v)
}
