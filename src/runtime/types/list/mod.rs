//! `list`: the payload and what other Rust code does with it; `methods` has what Python code calls.

pub mod iter;
pub mod methods;
pub mod slicing;
pub mod sort;

use crate::object::buf::Buf;
use crate::object::typedef::{Payload, Visit};
use crate::object::{Py, TypeDef, Value};
pub use methods::LIST;

/// Payload of `list`.
pub struct List {
    /// The items.
    pub items: Buf<Value>,
}

// SAFETY: made by `TypeDef::new::<List>`; traverse visits each item.
unsafe impl Payload for List {
    const DEF: &'static TypeDef = &LIST;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.items.iter().rev().for_each(visit);
    }
    fn clear(&mut self) {
        end_items(&mut self.items);
    }
}

/// Takes all items out of a list and lets them end, the last one first.
fn end_items(items: &mut Buf<Value>) {
    std::mem::take(items).truncate(0);
}

impl Drop for List {
    /// From the last item to the first, as `list_dealloc` (`Objects/listobject.c`) does.
    fn drop(&mut self) {
        self.items.truncate(0);
    }
}

impl List {
    /// A list of these items.
    pub fn from_vec(items: Vec<Value>) -> Py<List> {
        crate::object::instance::new(List { items: items.into() })
    }
    /// An empty list.
    pub fn empty() -> Py<List> {
        crate::object::instance::new(List { items: Buf::new() })
    }
}

impl Py<List> {
    /// Number of items.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        // SAFETY: a plain read under the GIL (I1).
        unsafe { (&(*self.payload_ptr()).items).len() }
    }
    /// The item at `index`, if there.
    #[inline(always)]
    pub fn item(&self, index: usize) -> Option<Value> {
        // SAFETY: cloning runs no Python code.
        unsafe { (&(*self.payload_ptr()).items).get(index).cloned() }
    }
    /// Appends.
    #[inline]
    pub fn push(&self, v: Value) {
        // SAFETY: pushing runs no Python code.
        unsafe { (*self.payload_ptr()).items.push(v) }
    }
    /// The items, cloned.
    pub fn to_vec(&self) -> Vec<Value> {
        // SAFETY: cloning runs no Python code.
        unsafe { (*self.payload_ptr()).items.to_vec() }
    }
}
