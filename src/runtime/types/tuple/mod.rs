//! `tuple`: items lie behind the fixed part of the object; `methods` has what Python code calls.

pub mod methods;

use crate::object::header::{Header, flag};
use crate::object::heap::{self, Space};
use crate::object::typedef::{Payload, Visit};
use crate::object::value::{Frozen, Obj, StaticObj};
use crate::object::{Py, Type, TypeDef, Value};
pub use methods::TUPLE;
use std::cell::Cell;

/// Payload of `tuple`; the items follow it in memory.
#[repr(C)]
pub struct Tuple {
    len: usize,
}

static EMPTY: StaticObj<Tuple> = StaticObj::new(TUPLE.object(), Tuple { len: 0 });

// SAFETY: made by `TypeDef::new::<Tuple>`; traverse visits each item.
unsafe impl Payload for Tuple {
    const DEF: &'static TypeDef = &TUPLE;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.items().iter().rev().for_each(visit);
    }
    fn var_len(&self) -> usize {
        self.len
    }
}
impl Frozen for Tuple {}

impl Drop for Tuple {
    fn drop(&mut self) {
        let n = self.len;
        // SAFETY: the items are initialised and end with the tuple.
        unsafe {
            let p = (self as *mut Tuple).add(1).cast::<Value>();
            for i in (0..n).rev() {
                std::ptr::drop_in_place(p.add(i));
            }
        }
    }
}

impl Tuple {
    /// The items.
    #[inline(always)]
    pub fn items(&self) -> &[Value] {
        // SAFETY: `len` items follow the fixed part.
        unsafe { std::slice::from_raw_parts((self as *const Tuple).add(1).cast(), self.len) }
    }
    /// Number of items.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }
    /// The empty tuple.
    pub fn empty() -> Py<Tuple> {
        // SAFETY: the static has the layout of `Tuple`.
        unsafe { Py::from_value_unchecked(EMPTY.value()) }
    }
    /// A tuple of these items.
    pub fn from_vec(items: Vec<Value>) -> Py<Tuple> {
        if items.is_empty() {
            return Tuple::empty();
        }
        let n = items.len();
        let items = std::mem::ManuallyDrop::new(items);
        // SAFETY: the items are moved into the tuple; the vector's memory is freed without them.
        unsafe {
            let t = Tuple::from_raw(items.as_ptr(), n);
            let mut items = std::mem::ManuallyDrop::into_inner(items);
            items.set_len(0);
            t
        }
    }
    /// A tuple of clones of these items.
    pub fn from_slice(items: &[Value]) -> Py<Tuple> {
        if items.is_empty() {
            return Tuple::empty();
        }
        for v in items {
            std::mem::forget(v.clone());
        }
        // SAFETY: each item was counted once for the tuple.
        unsafe { Tuple::from_raw(items.as_ptr(), items.len()) }
    }
    /// A tuple that takes over `n` (at least one) items at `items`.
    ///
    /// # Safety
    /// The items are owned by the caller, who forgets them.
    #[inline]
    pub unsafe fn from_raw(items: *const Value, n: usize) -> Py<Tuple> {
        // SAFETY: header, length and items are written before anything sees the object (I4).
        unsafe {
            let bytes = size_of::<Obj<Tuple>>() + n * 8;
            let h = heap::alloc(Space::Objects, bytes).cast::<Header>();
            h.write(Header { rc: 1.into(), meta: flag::of_size(bytes).into(), typ: Cell::new(TUPLE.object()) });
            let obj = h.cast::<Obj<Tuple>>();
            (&raw mut (*obj).payload).write(Tuple { len: n });
            std::ptr::copy_nonoverlapping(items, (&raw mut (*obj).payload).add(1).cast(), n);
            crate::object::gc::allocated();
            Py::from_value_unchecked(Value::from_word(h as usize))
        }
    }
    /// An instance of a tuple subclass with these items.
    pub fn of_class(class: &Py<Type>, items: Vec<Value>) -> Py<Tuple> {
        if std::ptr::eq(class.get_type(), TUPLE.object()) {
            return Tuple::from_vec(items);
        }
        // SAFETY: as `from_raw`; the extra words were zeroed.
        unsafe {
            let n = items.len();
            let h = crate::object::instance::raw(class.get_type(), n);
            let obj = h.cast::<Obj<Tuple>>();
            (&raw mut (*obj).payload).write(Tuple { len: n });
            let items = std::mem::ManuallyDrop::new(items);
            std::ptr::copy_nonoverlapping(items.as_ptr(), (&raw mut (*obj).payload).add(1).cast(), n);
            let mut items = std::mem::ManuallyDrop::into_inner(items);
            items.set_len(0);
            Py::from_value_unchecked(Value::from_word(h as usize))
        }
    }
}
