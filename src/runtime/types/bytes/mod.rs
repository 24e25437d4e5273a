//! `bytes`: the payload and what other Rust code does with it; `methods` has what Python code calls.

pub mod iter;
pub mod methods;
pub mod percent;
pub mod room;
pub(crate) mod shared;

use crate::object::buffer::BufferRequest;
use crate::object::header::Header;
use crate::object::heap::{self, Space};
use crate::object::typedef::Payload;
use crate::object::value::{Frozen, Obj};
use crate::object::{Py, PyResult, Type, TypeDef, Value};
use crate::vm::Vm;
pub use methods::BYTES;
pub use shared::hex_digits;
use std::cell::Cell;

/// Payload of `bytes`; the bytes follow it in memory.
#[repr(C)]
pub struct Bytes {
    /// Cached hash; -1: not computed.
    hash: Cell<i64>,
    len: usize,
}

// SAFETY: made by `TypeDef::new::<Bytes>`; nothing is owned.
unsafe impl Payload for Bytes {
    const DEF: &'static TypeDef = &BYTES;
    fn var_len(&self) -> usize {
        self.len + 1
    }
}
impl Frozen for Bytes {}

impl Bytes {
    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes follow the fixed part.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).add(1).cast(), self.len) }
    }
    /// Hash, as `hash()` gives it.
    pub fn hash(&self) -> i64 {
        if self.hash.get() == -1 {
            self.hash.set(super::hash::hash_bytes(self.as_slice()));
        }
        self.hash.get()
    }
    fn build(class: Option<&Py<Type>>, data: &[u8]) -> Py<Bytes> {
        // SAFETY: header, fixed part and bytes (with a zero behind them, for C) are written before anything sees the
        // object (I4).
        unsafe {
            let items = data.len() + 1;
            let h = match class {
                Some(c) if !std::ptr::eq(c.get_type(), BYTES.object()) => {
                    crate::object::instance::raw(c.get_type(), items)
                }
                _ => {
                    let size = (size_of::<Obj<Bytes>>() + items).next_multiple_of(8);
                    let h = heap::alloc(Space::Objects, size).cast::<Header>();
                    h.write(Header { rc: 1.into(), meta: 0.into(), typ: Cell::new(BYTES.object()) });
                    h
                }
            };
            let obj = h.cast::<Obj<Bytes>>();
            (&raw mut (*obj).payload).write(Bytes { hash: Cell::new(-1), len: data.len() });
            let p = (&raw mut (*obj).payload).add(1).cast::<u8>();
            std::ptr::copy_nonoverlapping(data.as_ptr(), p, data.len());
            *p.add(data.len()) = 0;
            Py::from_value_unchecked(Value::from_word(h as usize))
        }
    }
    /// A bytes object with a copy of `data`; the empty and one-byte ones are shared.
    pub fn from_slice(data: &[u8]) -> Py<Bytes> {
        match data {
            [] => shared(256),
            [b] => shared(*b as usize),
            _ => Bytes::build(None, data),
        }
    }
    /// An instance of `class`, `bytes` or a subclass.
    pub fn of_class(class: &Py<Type>, data: &[u8]) -> Py<Bytes> {
        if std::ptr::eq(class.get_type(), BYTES.object()) {
            Bytes::from_slice(data)
        } else {
            Bytes::build(Some(class), data)
        }
    }
}

/// One-byte objects by their byte, and the empty one at 256.
fn shared(i: usize) -> Py<Bytes> {
    static mut SHARED: [Option<Py<Bytes>>; 257] = [const { None }; 257];
    // SAFETY: guarded by the GIL (I1).
    unsafe {
        let cell = &mut (*(&raw mut SHARED))[i];
        cell.get_or_insert_with(|| if i == 256 { Bytes::build(None, &[]) } else { Bytes::build(None, &[i as u8]) })
            .clone()
    }
}

/// Whether the value is a `bytes` or `bytearray` (or a subclass).
pub fn is_bytes_or_bytearray(v: &Value) -> bool {
    v.downcast::<Bytes>().is_some() || v.downcast::<super::bytearray::ByteArray>().is_some()
}

/// `bytes(v)` for what is no integer and no string: a buffer, `__bytes__`, or an iterable of integers
/// (`PyObject_Bytes`).
pub fn bytes_of_object(vm: &mut Vm, v: &Value) -> PyResult<Vec<u8>> {
    if let Some(b) = v.downcast::<Bytes>() {
        return Ok(b.as_slice().to_vec());
    }
    if let Some(f) = vm.lookup_special(v, "__bytes__")? {
        let r = vm.call0(&f)?;
        return match r.downcast::<Bytes>() {
            Some(b) => Ok(b.as_slice().to_vec()),
            None => {
                let name = r.class().payload.name();
                Err(vm.type_error(format!("__bytes__ returned non-bytes (type {name})")))
            }
        };
    }
    methods::from_object(vm, v)
}

impl Vm {
    /// A copy of the memory of a bytes-like object.
    pub fn bytes_like(&mut self, v: &Value) -> PyResult<Vec<u8>> {
        if let Some(b) = v.downcast::<Bytes>() {
            return Ok(b.as_slice().to_vec());
        }
        Ok(self.buffer(v, BufferRequest::READ)?.to_vec(self))
    }
}
