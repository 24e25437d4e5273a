//! Who refers weakly to which object: a side table, so that objects without weak references carry nothing for them.
//!
//! The table maps an object's address to its weak reference objects, newest first as in CPython (`Objects/weakrefobject.c`);
//! the header flag `WEAKREFED` says that an entry exists.

use super::header::{Header, flag};
use super::value::{Py, Value};
use crate::types::weakref::WeakRef;
use std::cell::RefCell;

struct Table(RefCell<rustc_hash::FxHashMap<usize, Vec<*const Header>>>);
// SAFETY: guarded by the GIL (I1).
unsafe impl Sync for Table {}

static TABLE: Table = Table(RefCell::new(rustc_hash::FxHashMap::with_hasher(rustc_hash::FxBuildHasher)));

/// Registers `weak` (a weak reference object, held without a count) as referring to `target`.
pub fn register(target: &Value, weak: &Py<WeakRef>) {
    let Some(h) = target.header() else { return };
    h.set(flag::WEAKREFED);
    TABLE.0.borrow_mut().entry(target.word()).or_default().push(weak.as_value().as_ptr());
}

/// Forgets `weak`, which is dying or was cleared.
pub fn unregister(target: *const Header, weak: *const Header) {
    let mut table = TABLE.0.borrow_mut();
    if let Some(list) = table.get_mut(&(target as usize)) {
        list.retain(|&w| !std::ptr::eq(w, weak));
        if list.is_empty() {
            table.remove(&(target as usize));
            // SAFETY: the target is live as long as an entry exists.
            unsafe { (*target).unset(flag::WEAKREFED) };
        }
    }
}

/// The live weak references to `target`, oldest first.
pub fn references(target: &Value) -> Vec<Py<WeakRef>> {
    let table = TABLE.0.borrow();
    let list = table.get(&target.word()).map(Vec::as_slice).unwrap_or(&[]);
    // SAFETY: an entry is removed before its weak reference object ends; a dying one (count 0) is left out.
    list.iter()
        .filter(|&&w| unsafe { (*w).rc.get() != 0 })
        .map(|&w| unsafe { Py::from_value_unchecked(Value::from_header(w)) })
        .collect()
}

/// Clears the weak references to a dying object when none has a callback; returns whether one has.
///
/// # Safety
/// `h` is a live object; the GIL is held.
pub unsafe fn clear_without_callbacks(h: *mut Header) -> bool {
    let any = {
        let table = TABLE.0.borrow();
        let Some(list) = table.get(&(h as usize)) else { return false };
        // SAFETY: entries are live weak reference objects.
        list.iter().any(|&w| unsafe { WeakRef::at(w).has_callback() })
    };
    if !any {
        clear(h);
    }
    any
}

/// Clears every weak reference to `h`; returns those with a callback, in the order CPython calls them (newest first).
pub fn clear(h: *mut Header) -> Vec<Py<WeakRef>> {
    let list = TABLE.0.borrow_mut().remove(&(h as usize)).unwrap_or_default();
    // SAFETY: `h` and the entries are live.
    unsafe {
        (*h).unset(flag::WEAKREFED);
        let mut out = Vec::new();
        for &w in list.iter().rev() {
            WeakRef::at(w).forget_target();
            if WeakRef::at(w).has_callback() && (*w).rc.get() != 0 {
                out.push(Py::from_value_unchecked(Value::from_header(w)));
            }
        }
        out
    }
}
