//! What `_tracemalloc` reads of the allocation sites: one trace for each recorded block that lives.
//!
//! Sizes are CPython's where the whole object is one block there and here (`bytes` and `str`, whose sizes programs
//! compare); else those really taken.

use super::sites;
use crate::object::Value;
use crate::object::header::Header;
use crate::object::heap::{Block, Space};
use crate::types::bytes::Bytes;
use crate::types::str::Str;
use crate::vm::Vm;

/// A recorded block.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    /// Its site.
    pub site: u32,
    /// Its size, in bytes.
    pub size: usize,
}

/// The traces of all recorded blocks.
pub fn live(vm: &Vm) -> Vec<Trace> {
    let mut out = Vec::new();
    sites::live_blocks(vm, |b| out.push(Trace { site: b.site, size: size_of_block(b) }));
    out
}

fn size_of_block(b: &Block) -> usize {
    if b.space != Space::Objects {
        return b.size;
    }
    let header = b.address.cast::<Header>();
    // SAFETY: a live block of the object space starts with a header; one without a type is not an object yet.
    if unsafe { (*header).typ.get().is_null() || (*header).rc.get() == 0 } {
        return b.size;
    }
    // SAFETY: as above: the object lives, and keeps living until the handle is dropped.
    let v = unsafe { Value::from_header(header) };
    if let Some(s) = v.downcast_exact::<Str>() {
        let kind = s.kind() as usize;
        return if s.is_ascii() { 41 + s.len() } else { 56 + (s.len() + 1) * kind };
    }
    match v.downcast_exact::<Bytes>() {
        Some(s) => 33 + s.as_slice().len(),
        None => b.size,
    }
}
