//! Interned strings: one object for each name, so that names compare by identity (`sys.intern`).
//!
//! Interned strings here are immortal: they are names of code, shapes and types. The table is open addressing over the
//! strings' own hashes.

use super::Str;
use crate::object::Py;
use crate::object::header::Header;
use crate::object::value::Value;

static mut TABLE: Option<hashbrown::HashTable<*const Header>> = None;
static mut LATIN1: [Option<Py<Str>>; 256] = [const { None }; 256];
static mut EMPTY: Option<Py<Str>> = None;

fn table() -> &'static mut hashbrown::HashTable<*const Header> {
    // SAFETY: guarded by the GIL (I1); no borrow outlives a function of this module.
    unsafe { (*(&raw mut TABLE)).get_or_insert_with(hashbrown::HashTable::new) }
}

fn payload(h: *const Header) -> &'static Str {
    // SAFETY: the table holds immortal strings only.
    unsafe { &*Py::<Str>::from_value_unchecked(Value::from_word(h as usize)).payload_ptr() }
}

/// The interned string with the text of `s` (an exact `str`), which is `s` itself when the text is new.
pub fn intern(s: Py<Str>) -> Py<Str> {
    if s.is_interned() {
        return s;
    }
    let hash = s.hash() as u64;
    if let Some(&h) = table().find(hash, |&h| payload(h).same(&s)) {
        // SAFETY: the table holds live strings.
        return unsafe { Py::from_value_unchecked(Value::from_header(h)) };
    }
    let s = if s.as_value().is_exact::<Str>() { s } else { s.slice(0, s.len()) };
    s.interned.set(true);
    super::immortalize(&s);
    table().insert_unique(hash, s.as_value().as_ptr(), |&h| payload(h).hash() as u64);
    s
}

/// The interned string with this text.
pub fn intern_str(text: &str) -> Py<Str> {
    if text.is_ascii() {
        let hash = crate::types::hash::hash_bytes(text.as_bytes());
        if let Some(&h) = table().find(hash as u64, |&h| payload(h).as_ascii() == Some(text)) {
            // SAFETY: the table holds live strings.
            return unsafe { Py::from_value_unchecked(Value::from_header(h)) };
        }
    }
    intern(Str::from_rust(text))
}

/// The interned string with the text of `s`, if there is one (a lookup that must not grow the table).
pub fn find(s: &Str) -> Option<Py<Str>> {
    let h = *table().find(s.hash() as u64, |&h| payload(h).same(s))?;
    // SAFETY: the table holds live strings.
    Some(unsafe { Py::from_value_unchecked(Value::from_header(h)) })
}

/// The empty string.
pub fn empty() -> Py<Str> {
    // SAFETY: guarded by the GIL.
    unsafe { (*(&raw mut EMPTY)).get_or_insert_with(|| intern(Str::latin1_uncached(None, &[], true))).clone() }
}

/// The one-character string of a code point below 256.
#[inline]
pub fn latin1(c: u8) -> Py<Str> {
    // SAFETY: guarded by the GIL.
    unsafe {
        let cell = &mut (*(&raw mut LATIN1))[c as usize];
        match cell {
            Some(s) => s.clone(),
            None => cell.insert(intern(Str::latin1_uncached(None, &[c], c < 128))).clone(),
        }
    }
}

/// Number of interned strings.
pub fn count() -> usize {
    table().len()
}
