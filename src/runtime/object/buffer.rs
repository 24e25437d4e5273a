//! The buffer protocol: a view of an object's memory that keeps the object alive (PEP 3118, `Doc/c-api/buffer.rst`).

use super::value::Value;

/// What the caller of an exporter needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferRequest {
    /// The memory will be written.
    pub writable: bool,
}

impl BufferRequest {
    /// Reading only.
    pub const READ: BufferRequest = BufferRequest { writable: false };
    /// Reading and writing.
    pub const WRITE: BufferRequest = BufferRequest { writable: true };
}

/// An exported view; dropping it releases the export.
pub struct Buffer {
    /// First byte of the first item.
    pub ptr: *mut u8,
    /// Bytes in all, as if contiguous.
    pub len: usize,
    /// Writing is forbidden.
    pub readonly: bool,
    /// Bytes of an item.
    pub itemsize: usize,
    /// Struct-style format of an item (`"B"` for bytes).
    pub format: std::borrow::Cow<'static, str>,
    /// Items in each dimension.
    pub shape: Vec<usize>,
    /// Bytes from one item to the next in each dimension.
    pub strides: Vec<isize>,
    /// The exporter.
    pub owner: Value,
    /// Called once when the view is released (to count exports down).
    pub on_release: Option<fn(&Value)>,
}

impl Buffer {
    /// A one-dimensional view of bytes.
    ///
    /// # Safety
    /// `ptr` is valid for `len` bytes as long as `owner` lives and its export is counted.
    pub unsafe fn bytes(
        owner: Value,
        ptr: *mut u8,
        len: usize,
        readonly: bool,
        on_release: Option<fn(&Value)>,
    ) -> Buffer {
        Buffer {
            ptr,
            len,
            readonly,
            itemsize: 1,
            format: "B".into(),
            shape: vec![len],
            strides: vec![1],
            owner,
            on_release,
        }
    }

    /// Whether the items lie one after the other in C order.
    pub fn is_contiguous(&self) -> bool {
        let mut expect = self.itemsize as isize;
        for (n, s) in self.shape.iter().zip(&self.strides).rev() {
            if *n > 1 && *s != expect {
                return false;
            }
            expect *= *n as isize;
        }
        true
    }

    /// The memory of a contiguous view.
    pub fn as_slice<'a>(&'a self, _vm: &'a crate::vm::Vm) -> &'a [u8] {
        debug_assert!(self.is_contiguous());
        // SAFETY: the exporter keeps the memory valid while exported; `&Vm` excludes writers (I5).
        unsafe { if self.len == 0 { &[] } else { std::slice::from_raw_parts(self.ptr, self.len) } }
    }

    /// The memory of a contiguous, writable view.
    pub fn as_mut_slice<'a>(&'a mut self, _vm: &'a mut crate::vm::Vm) -> &'a mut [u8] {
        debug_assert!(self.is_contiguous() && !self.readonly);
        // SAFETY: as above; `&mut Vm` excludes other borrows (I5).
        unsafe { if self.len == 0 { &mut [] } else { std::slice::from_raw_parts_mut(self.ptr, self.len) } }
    }

    /// A copy of the memory in C order, whatever the strides.
    pub fn to_vec(&self, vm: &crate::vm::Vm) -> Vec<u8> {
        if self.is_contiguous() {
            return self.as_slice(vm).to_vec();
        }
        let mut out = Vec::with_capacity(self.len);
        self.collect(0, self.ptr, &mut out);
        out
    }

    fn collect(&self, dim: usize, at: *mut u8, out: &mut Vec<u8>) {
        // SAFETY: the exporter's shape and strides stay inside its memory.
        unsafe {
            if dim == self.shape.len() {
                out.extend_from_slice(std::slice::from_raw_parts(at, self.itemsize));
                return;
            }
            for i in 0..self.shape[dim] {
                self.collect(dim + 1, at.offset(self.strides[dim] * i as isize), out);
            }
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(f) = self.on_release {
            f(&self.owner);
        }
    }
}
