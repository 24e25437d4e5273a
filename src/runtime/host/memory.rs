//! Memory mapped from files, or from nowhere: `mmap(2)` and what can be done with a mapping.

use super::{check, errno};

/// Mapped memory; it is unmapped at the end.
pub struct Mapping {
    start: *mut u8,
    len: usize,
    writable: bool,
}

// SAFETY: the mapping is memory like any other; its owner's lock (the GIL) guards it.
unsafe impl Send for Mapping {}

impl Mapping {
    /// `mmap(2)` with `PROT_*` and `MAP_*`; descriptor -1 for anonymous memory.
    pub fn new(len: usize, protection: i32, flags: i32, fd: i32, offset: i64) -> Result<Mapping, i32> {
        // A fixed address could take memory away from its owners.
        let flags = flags & !(libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE);
        // SAFETY: the system chooses the address.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(errno());
        }
        Ok(Mapping { start: start.cast(), len, writable: protection & libc::PROT_WRITE != 0 })
    }

    /// Bytes mapped.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The memory.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped for reading at that length until dropped. Other processes may change it: bytes of any value
        // are valid, and nothing is concluded from reading one twice.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// The memory, to be written; it must be mapped so.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        assert!(self.writable, "a writable mapping");
        // SAFETY: as above, and mapped for writing.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }

    /// `msync(2)` of a part.
    pub fn flush(&self, at: usize, len: usize) -> Result<i32, i32> {
        // SAFETY: the part lies inside the mapping.
        check(unsafe { libc::msync(self.part(at, len), len, libc::MS_SYNC) })
    }

    /// `madvise(2)` about a part.
    pub fn advise(&self, at: usize, len: usize, advice: i32) -> Result<i32, i32> {
        // SAFETY: the part lies inside the mapping.
        check(unsafe { libc::madvise(self.part(at, len), len, advice) })
    }

    fn part(&self, at: usize, len: usize) -> *mut libc::c_void {
        assert!(at <= self.len && len <= self.len - at, "inside the mapping");
        // SAFETY: just checked.
        unsafe { self.start.add(at).cast() }
    }

    /// `mremap(2)`: another length, perhaps at another place.
    pub fn resize(&mut self, len: usize) -> Result<(), i32> {
        // SAFETY: `&mut self` says that nobody holds on to the memory.
        let start = unsafe { libc::mremap(self.start.cast(), self.len, len, libc::MREMAP_MAYMOVE) };
        if start == libc::MAP_FAILED {
            return Err(errno());
        }
        (self.start, self.len) = (start.cast(), len);
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nobody else knows it.
        unsafe { libc::munmap(self.start.cast(), self.len) };
    }
}
