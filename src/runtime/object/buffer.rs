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

    /// Whether the items lie one after the other in Fortran order.
    pub fn is_fortran_contiguous(&self) -> bool {
        let mut expect = self.itemsize as isize;
        let in_order = self.shape.iter().zip(&self.strides).all(|(&n, &s)| {
            let fits = n <= 1 || s == expect;
            expect *= n as isize;
            fits
        });
        in_order || self.len == 0
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

    /// Distance in bytes from the first item to the one at these indices.
    fn distance(&self, at: &[usize]) -> isize {
        assert!(at.len() == self.shape.len() && at.iter().zip(&self.shape).all(|(i, n)| i < n), "inside the shape");
        at.iter().zip(&self.strides).map(|(&i, &s)| i as isize * s).sum()
    }

    /// The bytes of the item at these indices, each inside its dimension.
    pub fn item<'a>(&'a self, at: &[usize], _vm: &'a crate::vm::Vm) -> &'a [u8] {
        // SAFETY: the exporter keeps the memory valid while exported and the indices are inside the shape; `&Vm`
        // excludes writers (I5).
        unsafe { std::slice::from_raw_parts(self.ptr.offset(self.distance(at)), self.itemsize) }
    }

    /// The same, to be written; the view must be writable.
    pub fn item_mut<'a>(&'a self, at: &[usize], _vm: &'a mut crate::vm::Vm) -> &'a mut [u8] {
        assert!(!self.readonly, "a writable view");
        // SAFETY: as `item`; `&mut Vm` excludes other borrows (I5).
        unsafe { std::slice::from_raw_parts_mut(self.ptr.offset(self.distance(at)), self.itemsize) }
    }

    /// A view of a part of the first dimension: item `start` first, then every `step`th, `count` in all. It counts no
    /// export: `owner` keeps the memory alive.
    pub fn part(&self, start: usize, step: isize, count: usize, owner: Value) -> Buffer {
        assert!(!self.shape.is_empty() && (count == 0 || start < self.shape[0]), "inside the shape");
        let last = start as isize + step * (count as isize - 1).max(0);
        assert!(count == 0 || (0..self.shape[0] as isize).contains(&last), "inside the shape");
        let (mut shape, mut strides) = (self.shape.clone(), self.strides.clone());
        let skip = if count == 0 { 0 } else { start as isize * strides[0] };
        (shape[0], strides[0]) = (count, strides[0] * step);
        Buffer {
            // SAFETY: the first item of the part is inside the memory (or the part is empty and the pointer unmoved).
            ptr: unsafe { self.ptr.offset(skip) },
            len: shape.iter().product::<usize>() * self.itemsize,
            readonly: self.readonly,
            itemsize: self.itemsize,
            format: self.format.clone(),
            shape,
            strides,
            owner,
            on_release: None,
        }
    }

    /// The same memory seen as items of another size and format, contiguous in C order; this view must be contiguous and
    /// `shape` must cover it exactly.
    pub fn recast(
        &self,
        format: std::borrow::Cow<'static, str>,
        itemsize: usize,
        shape: Vec<usize>,
        owner: Value,
    ) -> Buffer {
        assert!(self.is_contiguous() && shape.iter().product::<usize>() * itemsize == self.len, "covers the memory");
        let mut strides = vec![itemsize as isize; shape.len()];
        for i in (1..shape.len()).rev() {
            strides[i - 1] = strides[i] * shape[i] as isize;
        }
        Buffer {
            ptr: self.ptr,
            len: self.len,
            readonly: self.readonly,
            itemsize,
            format,
            shape,
            strides,
            owner,
            on_release: None,
        }
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
