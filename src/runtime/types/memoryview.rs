//! `memoryview`: a view of another object's memory.

use crate::object::buffer::Buffer;
use crate::object::{TypeDef, TypeFlags};

/// Payload of `memoryview`.
pub struct MemoryView {
    /// The view; gone after `release()`.
    pub buffer: Option<Buffer>,
}
crate::payload!(MemoryView, MEMORYVIEW,
    traverse(self, visit) { self.buffer.iter().for_each(|b| visit(&b.owner)) },
    clear(self) { drop(self.buffer.take()) });

/// `memoryview`.
pub static MEMORYVIEW: TypeDef =
    TypeDef::new::<MemoryView>("memoryview").flags(TypeFlags::HAVE_GC).cpython_size(144, 8);
