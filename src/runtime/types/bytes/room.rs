//! Bytes being read: a `bytes` object under construction, which the operating system writes into, so that nothing is
//! copied between a file and the object.

use super::{BYTES, Bytes};
use crate::host::files;
use crate::object::Py;
use crate::object::header::Header;
use crate::object::heap::{self, Space};
use crate::object::value::{Obj, Value};
use std::cell::Cell;

/// Memory of a `bytes` object that nobody sees yet.
pub struct Room {
    /// The block; its type word is null, so that no walk over the heap takes it for an object.
    block: *mut u8,
    len: usize,
    filled: usize,
}

/// Size of the block of an object with so many bytes (and a zero behind them).
fn block_size(len: usize) -> usize {
    (size_of::<Obj<Bytes>>() + len + 1).next_multiple_of(8)
}

impl Room {
    /// Room for `len` bytes; nothing when there is not enough memory.
    pub fn new(len: usize) -> Option<Room> {
        if len > isize::MAX as usize / 2 || len > 1 << 26 && Vec::<u8>::new().try_reserve_exact(len).is_err() {
            return None;
        }
        // SAFETY: the GIL is held by whoever makes objects (I1); the type word is cleared before anything looks.
        let block = unsafe {
            let p = heap::alloc(Space::Objects, block_size(len));
            p.cast::<Header>().write(Header { rc: 1.into(), meta: 0.into(), typ: Cell::new(std::ptr::null()) });
            p
        };
        Some(Room { block, len, filled: 0 })
    }

    /// Bytes filled so far.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Bytes still free.
    pub fn free(&self) -> usize {
        self.len - self.filled
    }

    fn bytes(&self) -> *mut u8 {
        // SAFETY: the bytes follow the fixed part.
        unsafe { self.block.add(size_of::<Obj<Bytes>>()) }
    }

    /// Makes room for `more` bytes behind those there are; false when there is not enough memory.
    pub fn grow(&mut self, more: usize) -> bool {
        let Some(mut larger) = Room::new(self.len + more) else { return false };
        larger.extend(self.as_slice());
        std::mem::swap(self, &mut larger);
        true
    }

    /// What was filled.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `filled` bytes are initialised.
        unsafe { std::slice::from_raw_parts(self.bytes(), self.filled) }
    }

    /// Appends bytes, for which there must be room.
    pub fn extend(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.free(), "there is room");
        // SAFETY: there is room, in memory that is nobody else's.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.bytes().add(self.filled), bytes.len()) };
        self.filled += bytes.len();
    }

    /// `read(2)` of at most `most` bytes behind those there are. Needs no GIL. Gives their number, or the error number.
    pub fn read(&mut self, fd: i32, most: usize) -> Result<usize, i32> {
        let most = most.min(self.free());
        // SAFETY: there is room for so many bytes.
        let n = unsafe { files::read_raw(fd, self.bytes().add(self.filled), most) }?;
        self.filled += n;
        Ok(n)
    }

    /// The object.
    pub fn finish(mut self) -> Py<Bytes> {
        let (old, new) = (block_size(self.len), block_size(self.filled));
        if self.filled <= 1 {
            return Bytes::from_slice(self.as_slice());
        }
        // SAFETY: the block was allocated with `old` bytes and is given up for the new one; header, fixed part and the
        // zero behind the bytes are written before anything sees the object (I4).
        unsafe {
            if old != new {
                self.block = heap::realloc(Space::Objects, self.block, old, new);
            }
            let obj = self.block.cast::<Obj<Bytes>>();
            (&raw mut (*obj).payload).write(Bytes { hash: Cell::new(-1), len: self.filled });
            *self.bytes().add(self.filled) = 0;
            (*obj).header.typ.set(BYTES.object());
            let word = self.block as usize;
            std::mem::forget(self);
            Py::from_value_unchecked(Value::from_word(word))
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: the block was allocated with this size and nobody else knows it.
        unsafe { heap::free(Space::Objects, self.block, block_size(self.len)) }
    }
}
