//! A growable array whose memory comes from the Python heap, so that allocation tracking sees list items, dict tables
//! and the like.

use super::heap::{self, Space};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// A vector in the Python heap.
pub struct Buf<T> {
    ptr: NonNull<T>,
    len: usize,
    cap: usize,
}

impl<T> Buf<T> {
    /// An empty one; allocates nothing.
    pub const fn new() -> Buf<T> {
        Buf { ptr: NonNull::dangling(), len: 0, cap: 0 }
    }
    /// Room for exactly `cap` items.
    pub fn with_capacity(cap: usize) -> Buf<T> {
        let mut b = Buf::new();
        b.set_capacity(cap);
        b
    }
    /// Items it has room for.
    #[inline(always)]
    pub fn capacity(&self) -> usize {
        self.cap
    }
    /// Makes room for exactly `cap` items (at least the length).
    pub fn set_capacity(&mut self, cap: usize) {
        let cap = cap.max(self.len);
        if cap == self.cap {
            return;
        }
        // SAFETY: the buffer owns `self.cap` items' worth of memory; the GIL is held by whoever holds objects (I1).
        unsafe {
            if cap == 0 {
                heap::free(Space::Raw, self.ptr.as_ptr().cast(), self.cap * size_of::<T>());
                self.ptr = NonNull::dangling();
            } else {
                let old = if self.cap == 0 { std::ptr::null_mut() } else { self.ptr.as_ptr().cast() };
                let p = heap::realloc_raw(old, self.cap * size_of::<T>(), cap * size_of::<T>());
                self.ptr = NonNull::new_unchecked(p.cast());
            }
        }
        self.cap = cap;
    }
    /// Makes room for `more` items with CPython's list growth (`Objects/listobject.c`, `list_resize`).
    #[inline]
    pub fn reserve(&mut self, more: usize) {
        if self.len + more > self.cap {
            self.grow(self.len + more);
        }
    }
    #[inline(never)]
    fn grow(&mut self, need: usize) {
        let mut cap = (need + (need >> 3) + 6) & !3;
        if need.saturating_sub(self.len) > cap - need {
            cap = (need + 3) & !3;
        }
        self.set_capacity(cap);
    }
    /// Appends.
    #[inline]
    pub fn push(&mut self, item: T) {
        if self.len == self.cap {
            self.grow(self.len + 1);
        }
        // SAFETY: there is room.
        unsafe { self.ptr.as_ptr().add(self.len).write(item) };
        self.len += 1;
    }
    /// Appends where there is room.
    ///
    /// # Safety
    /// The length is below the capacity.
    #[inline(always)]
    pub unsafe fn push_within(&mut self, item: T) {
        debug_assert!(self.len < self.cap);
        // SAFETY: by the caller's promise.
        unsafe { self.ptr.as_ptr().add(self.len).write(item) };
        self.len += 1;
    }
    /// Takes the last item.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        // SAFETY: the item was initialised and is now out of the length.
        Some(unsafe { self.ptr.as_ptr().add(self.len).read() })
    }
    /// Inserts before `index` (at most the length).
    pub fn insert(&mut self, index: usize, item: T) {
        assert!(index <= self.len);
        self.reserve(1);
        // SAFETY: there is room for one more.
        unsafe {
            let p = self.ptr.as_ptr().add(index);
            std::ptr::copy(p, p.add(1), self.len - index);
            p.write(item);
        }
        self.len += 1;
    }
    /// Removes and gives the item at `index`.
    pub fn remove(&mut self, index: usize) -> T {
        assert!(index < self.len);
        // SAFETY: the item is initialised; the rest moves down.
        unsafe {
            let p = self.ptr.as_ptr().add(index);
            let item = p.read();
            std::ptr::copy(p.add(1), p, self.len - index - 1);
            self.len -= 1;
            item
        }
    }
    /// Replaces items `start..end` by others; gives the old ones.
    pub fn splice(&mut self, start: usize, end: usize, items: Vec<T>) -> Vec<T> {
        assert!(start <= end && end <= self.len);
        // SAFETY: the old items are moved out, the tail is moved, the gap is filled.
        unsafe {
            let mut old = Vec::with_capacity(end - start);
            std::ptr::copy_nonoverlapping(self.ptr.as_ptr().add(start), old.as_mut_ptr(), end - start);
            old.set_len(end - start);
            let tail = self.len - end;
            self.len = start;
            if start + items.len() + tail > self.cap {
                let len = self.len;
                // Growth must keep the tail: count it as live while the buffer moves.
                self.len = end + tail;
                self.grow(start + items.len() + tail);
                self.len = len;
            }
            let p = self.ptr.as_ptr();
            std::ptr::copy(p.add(end), p.add(start + items.len()), tail);
            let n = items.len();
            let mut items = std::mem::ManuallyDrop::new(items);
            std::ptr::copy_nonoverlapping(items.as_ptr(), p.add(start), n);
            items.set_len(0);
            std::mem::ManuallyDrop::drop(&mut items);
            self.len = start + n + tail;
            old
        }
    }
    /// Appends all, with exact room when the buffer was empty.
    pub fn extend_vec(&mut self, items: Vec<T>) {
        if self.cap == 0 {
            self.set_capacity(items.len());
        }
        let len = self.len;
        self.splice(len, len, items);
    }
    /// Drops items from `len` on.
    pub fn truncate(&mut self, len: usize) {
        while self.len > len {
            drop(self.pop());
        }
    }
    /// Sets the length.
    ///
    /// # Safety
    /// Items up to `len` are initialised and `len` is at most the capacity.
    pub unsafe fn set_len(&mut self, len: usize) {
        self.len = len;
    }
    /// Pointer to the first item.
    #[inline(always)]
    pub fn as_ptr(&self) -> *const T {
        self.ptr.as_ptr()
    }
    /// All items, leaving the buffer empty.
    pub fn take(&mut self) -> Vec<T> {
        let len = self.len;
        let out = self.splice(0, len, Vec::new());
        self.set_capacity(0);
        out
    }
}

impl<T: Copy> Buf<T> {
    /// Appends copies of all items.
    pub fn extend_from_slice(&mut self, items: &[T]) {
        self.reserve(items.len());
        // SAFETY: there is room, and the items lie in memory of another owner.
        unsafe { std::ptr::copy_nonoverlapping(items.as_ptr(), self.ptr.as_ptr().add(self.len), items.len()) };
        self.len += items.len();
    }

    /// Cuts off, or fills with copies of `item`, up to `len`.
    pub fn resize(&mut self, len: usize, item: T) {
        if len > self.len {
            self.reserve(len - self.len);
            // SAFETY: there is room.
            unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr().add(self.len).cast(), len - self.len) }
                .fill(std::mem::MaybeUninit::new(item));
        }
        self.len = len;
    }
}

impl<T> Default for Buf<T> {
    fn default() -> Self {
        Buf::new()
    }
}

impl<T> From<Vec<T>> for Buf<T> {
    fn from(v: Vec<T>) -> Buf<T> {
        let mut b = Buf::with_capacity(v.len());
        b.extend_vec(v);
        b
    }
}

impl<T> FromIterator<T> for Buf<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

impl<T> Deref for Buf<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` items are initialised.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Buf<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: `len` items are initialised.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> Drop for Buf<T> {
    fn drop(&mut self) {
        // First to last, as dictionaries and sets end; a list takes its items out from the end itself.
        let n = std::mem::take(&mut self.len);
        // SAFETY: the items are initialised and out of the length now.
        unsafe { std::ptr::drop_in_place(std::ptr::slice_from_raw_parts_mut(self.ptr.as_ptr(), n)) };
        self.set_capacity(0);
    }
}
