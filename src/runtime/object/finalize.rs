//! The end of objects: dropping the last reference never runs Python code.
//!
//! An object whose end may run Python code (`__del__`, a weak reference's callback) goes to a queue that the eval loop
//! drains before the next instruction. Chains of containers are ended with bounded native recursion: beyond a depth,
//! objects wait in the same place. Order follows CPython's `subtype_dealloc`: `__del__`, then weak references, then the
//! attributes.

use super::header::{Header, flag};
use super::typedef::TypeFlags;
use std::cell::Cell;

const MAX_DEPTH: u32 = 64;

/// State of the ends in progress; guarded by the GIL.
pub struct Ends {
    depth: Cell<u32>,
    /// Containers whose end waits for the native stack to unwind.
    later: std::cell::RefCell<Vec<*mut Header>>,
    /// Objects whose `__del__` or weak reference callbacks must run, oldest first; each carries one reference.
    queue: std::cell::RefCell<Vec<*mut Header>>,
    /// Set whenever the queue is not empty; tested by the eval loop after slow paths.
    pub pending: Cell<bool>,
}
// SAFETY: guarded by the GIL (I1).
unsafe impl Sync for Ends {}

/// The one instance.
pub static ENDS: Ends = Ends {
    depth: Cell::new(0),
    later: std::cell::RefCell::new(Vec::new()),
    queue: std::cell::RefCell::new(Vec::new()),
    pending: Cell::new(false),
};

/// When instances of classes with a `__del__` were made: blocks are used again in any order, so addresses do not tell.
struct Births(std::cell::RefCell<(u64, rustc_hash::FxHashMap<usize, u64>)>);
// SAFETY: guarded by the GIL (I1).
unsafe impl Sync for Births {}

static BIRTHS: Births =
    Births(std::cell::RefCell::new((0, rustc_hash::FxHashMap::with_hasher(rustc_hash::FxBuildHasher))));

/// An instance of a class with a finaliser was made.
#[cold]
pub fn born(h: *const Header) {
    let (count, births) = &mut *BIRTHS.0.borrow_mut();
    *count += 1;
    births.insert(h as usize, *count);
}

/// An instance of a class with a finaliser ends.
#[cold]
pub fn buried(h: *const Header) {
    BIRTHS.0.borrow_mut().1.remove(&(h as usize));
}

/// Brings objects into the order in which they were made, as far as that was noted; the others come first.
pub fn by_age(objects: &mut [&super::value::Value]) {
    let births = &BIRTHS.0.borrow().1;
    objects.sort_by_key(|v| births.get(&v.word()).copied().unwrap_or(0));
}

/// Called when the count of `h` reached zero.
///
/// # Safety
/// `h` is a live object without references; the GIL is held.
#[inline(never)]
pub unsafe fn last_reference_gone(h: *mut Header) {
    // SAFETY: by the caller's promise; a live object keeps its type alive (I2).
    unsafe {
        let typ = &*(*h).typ.get();
        let flags = typ.payload.flags.get();
        if !flags.intersects(TypeFlags::HAS_FINALIZER | TypeFlags::HAVE_GC) && !(*h).has(flag::WEAKREFED) {
            // It holds no container, so nothing can nest.
            (typ.payload.dealloc.get())(h);
            return;
        }
        if flags.contains(TypeFlags::HAS_FINALIZER) && !(*h).has(flag::FINALIZED) || (*h).has(flag::WEAKREFED) {
            if needs_queue(h) {
                enqueue(h);
                return;
            }
        }
        end_now(h);
    }
}

/// Whether ending `h` may run Python code. Weak references without a callback are cleared on the spot when no `__del__`
/// is to run first.
unsafe fn needs_queue(h: *mut Header) -> bool {
    // SAFETY: as `last_reference_gone`.
    unsafe {
        let typ = &*(*h).typ.get();
        if typ.payload.flags.get().contains(TypeFlags::HAS_FINALIZER)
            && !(*h).has(flag::FINALIZED)
            && !((*typ.payload.layout.get()).ops.ends_quietly)(h)
        {
            return true;
        }
        (*h).has(flag::WEAKREFED) && super::weak::clear_without_callbacks(h)
    }
}

/// Puts a dying object into the queue; the queue holds one reference.
unsafe fn enqueue(h: *mut Header) {
    // SAFETY: the object is live; the reference belongs to the queue.
    unsafe {
        (*h).rc.set(1);
        (*h).set(flag::QUEUED);
    }
    ENDS.queue.borrow_mut().push(h);
    ENDS.pending.set(true);
}

/// Takes all objects whose end needs Python code, oldest first; the caller owns the references the queue held. What their
/// code lets end goes to the queue anew, and is due before the rest of these: as deep as CPython's `tp_dealloc` nests.
pub fn take_queued() -> Vec<super::value::Value> {
    ENDS.pending.set(false);
    let all = std::mem::take(&mut *ENDS.queue.borrow_mut());
    // SAFETY: the queue owned one counted reference to each.
    let own = |h: *mut Header| unsafe {
        (*h).unset(flag::QUEUED);
        super::value::Value::from_word(h as usize)
    };
    all.into_iter().map(own).collect()
}

/// Ends an object whose Python code has run or that has none.
///
/// # Safety
/// As [`last_reference_gone`].
pub unsafe fn end_now(h: *mut Header) {
    // SAFETY: as above.
    unsafe {
        let depth = ENDS.depth.get();
        let typ = &*(*h).typ.get();
        if depth >= MAX_DEPTH && typ.payload.flags.get().contains(TypeFlags::HAVE_GC) {
            ENDS.later.borrow_mut().push(h);
            return;
        }
        ENDS.depth.set(depth + 1);
        (typ.payload.dealloc.get())(h);
        ENDS.depth.set(depth);
        if depth == 0 {
            loop {
                let next = ENDS.later.borrow_mut().pop();
                let Some(next) = next else { break };
                ENDS.depth.set(1);
                let typ = &*(*next).typ.get();
                (typ.payload.dealloc.get())(next);
                ENDS.depth.set(0);
            }
        }
    }
}
