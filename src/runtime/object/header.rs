//! The 16 bytes every heap object starts with, and the counting of references.
//!
//! Layout: a 32-bit reference count, 32 bits of flags and shape, the type. The count is not atomic: the GIL guards it
//! (invariant I1 of `ARCHITECTURE.md`). A count with its top bit set is immortal and never written.

use super::typedef::TypeObj;
use std::cell::Cell;

/// Count of an immortal object (types, singletons, interned names and constants).
pub const IMMORTAL: u32 = 0xC000_0000;

/// Flags in the low byte of [`Header::meta`]; the upper 24 bits hold the shape id.
pub mod flag {
    /// The generation of a container: 0 to 2, or [`PERMANENT`].
    pub const AGE: u32 = 3;
    /// Age of what `gc.freeze()` moved to the permanent generation.
    pub const PERMANENT: u32 = 3;
    /// `__del__` has run (PEP 442: at most once).
    pub const FINALIZED: u32 = 4;
    /// Weak references to the object exist.
    pub const WEAKREFED: u32 = 8;
    /// The object waits in the finalisation queue.
    pub const QUEUED: u32 = 16;
    /// A debugger watches writes to the object.
    pub const WATCHED: u32 = 32;
    /// The collector need not look at the container: a tuple of objects that hold nothing it looks after.
    pub const UNTRACKED: u32 = 64;
    /// A container in a block larger than pools serve (`heap::SMALL_MAX`).
    pub const LARGE: u32 = 128;
    /// [`LARGE`] for a container of so many bytes that needs it.
    pub const fn of_size(bytes: usize) -> u32 {
        if bytes > crate::object::heap::SMALL_MAX { LARGE } else { 0 }
    }
    /// All flag bits.
    pub const MASK: u32 = 0xFF;
    /// Where the shape id starts.
    pub const SHAPE_SHIFT: u32 = 8;
}

/// The first 16 bytes of every heap object.
#[repr(C)]
pub struct Header {
    /// Reference count; see [`IMMORTAL`].
    pub rc: Cell<u32>,
    /// Flags (low 8 bits, see [`flag`]) and shape id (upper 24 bits).
    pub meta: Cell<u32>,
    /// The object's type; null only in a freed block.
    pub typ: Cell<*const TypeObj>,
}

impl Header {
    /// A header for an object that lives in a `static` and is never freed.
    pub const fn immortal(typ: *const TypeObj) -> Header {
        Header { rc: Cell::new(IMMORTAL), meta: Cell::new(0), typ: Cell::new(typ) }
    }

    /// Whether the count is never written.
    #[inline(always)]
    pub fn is_immortal(&self) -> bool {
        (self.rc.get() as i32) < 0
    }

    /// Counts one reference up.
    #[inline(always)]
    pub fn incref(&self) {
        let rc = self.rc.get();
        if (rc as i32) >= 0 {
            self.rc.set(rc + 1);
        }
    }

    /// Whether `bit` of [`flag`] is set.
    #[inline(always)]
    pub fn has(&self, bit: u32) -> bool {
        self.meta.get() & bit != 0
    }

    /// Sets `bit` of [`flag`].
    #[inline(always)]
    pub fn set(&self, bit: u32) {
        self.meta.set(self.meta.get() | bit);
    }

    /// Clears `bit` of [`flag`].
    #[inline(always)]
    pub fn unset(&self, bit: u32) {
        self.meta.set(self.meta.get() & !bit);
    }

    /// The shape id of an instance; 0 for objects without attribute slots.
    #[inline(always)]
    pub fn shape_id(&self) -> u32 {
        self.meta.get() >> flag::SHAPE_SHIFT
    }

    /// Replaces the shape id.
    #[inline(always)]
    pub fn set_shape_id(&self, id: u32) {
        self.meta.set((self.meta.get() & flag::MASK) | (id << flag::SHAPE_SHIFT));
    }
}

/// Counts one reference down and ends the object when it was the last.
///
/// # Safety
/// `h` points to a live object of which the caller gives up one counted reference (I1), with the GIL held.
#[inline(always)]
pub unsafe fn decref(h: *mut Header) {
    // SAFETY: by the caller's promise `h` is live.
    unsafe {
        let rc = (*h).rc.get();
        if (rc as i32) < 0 {
            return;
        }
        (*h).rc.set(rc.wrapping_sub(1));
        if rc == 1 {
            super::finalize::last_reference_gone(h);
        }
    }
}
