//! Frames on a thread's stack: locals, then the frame's header, then its evaluation stack.
//!
//! The callee's locals start at the caller's arguments, so a call moves nothing. Frame objects (`sys._getframe`) are made
//! only when someone looks; the line is computed from `ip`, never stored.
//!
//! Words of locals and of the evaluation stack: 0 is empty; bit 0 a small integer; otherwise a pointer, owned unless bit 1
//! says borrowed (I7). A borrowed word in a callee's local was borrowed from the caller's local by `LOAD_FAST_BORROW` and
//! passed as an argument; the caller cannot change its local before the callee ends, and writes from outside
//! (`f_locals`) keep the old value alive.

use super::running::{Running, Unit};
use super::{Vm, Word};
use crate::object::{Py, Value};
use crate::types::frame::FrameObject;
use crate::types::function::Function;

/// Bits of [`Frame::flags`]; any of them makes the return take the slow road.
pub mod flags {
    /// The frame owns a reference to its function (otherwise the caller's stack does).
    pub const OWNS_FUNC: u32 = 1;
    /// A frame object exists.
    pub const HAS_OBJECT: u32 = 2;
    /// The frame lives in a generator.
    pub const GENERATOR: u32 = 4;
    /// The frame has a namespace mapping (module or class body, `exec`).
    pub const NAMESPACE: u32 = 8;
    /// The result goes nowhere: the frame is an `__init__` whose instance is the result.
    pub const INIT: u32 = 16;
    /// Extra references (bound arguments kept alive) lie in the overwritten list of the frame object.
    pub const KEEPS: u32 = 64;
}

/// The header of an activation.
#[repr(C)]
pub struct Frame {
    /// Code being run.
    pub running: *const Running,
    /// The function; borrowed from the caller's stack unless `OWNS_FUNC`.
    pub func: *const Function,
    /// Who called.
    pub prev: *mut Frame,
    /// Where the caller goes on.
    pub ret_ip: *const Unit,
    /// Where the result goes: the caller's slot that held the callable.
    pub ret_sp: *mut Word,
    /// Locals, cells and free variables.
    pub fp: *mut Word,
    /// Present instruction; valid while the frame is not the one running in registers.
    pub ip: *const Unit,
    /// Namespace mapping of module and class bodies (owned word), 0 for functions.
    pub namespace: Word,
    /// The frame object (owned word), 0 when nobody looked.
    pub object: Word,
    /// For a generator's frame: where the thread's stack is free while it runs.
    pub top: *mut Word,
    /// See [`flags`].
    pub flags: u32,
    /// Node of the allocation context tree; 0 when tracking is off or not computed yet.
    pub node: u32,
    /// The native callable that the instruction at `ip` calls, when it is a call of one: written before such calls and
    /// never cleared. See `vm::watch`.
    pub native: std::mem::MaybeUninit<usize>,
}

/// Words a frame header takes.
pub const FRAME_WORDS: usize = size_of::<Frame>() / 8;

impl Frame {
    /// Bottom of the evaluation stack.
    #[inline(always)]
    pub fn stack(this: *mut Frame) -> *mut Word {
        // SAFETY: the evaluation stack follows the header.
        unsafe { this.add(1).cast() }
    }
    /// The function.
    ///
    /// # Safety
    /// `this` is a live frame.
    #[inline(always)]
    pub unsafe fn function<'a>(this: *mut Frame) -> &'a Function {
        // SAFETY: a live frame's function is alive.
        unsafe { &*(*this).func }
    }
    /// The present line.
    ///
    /// # Safety
    /// `this` is a live frame with its `ip` saved.
    pub unsafe fn line(this: *mut Frame) -> Option<u32> {
        // SAFETY: by the caller's promise.
        unsafe { (*(*this).running).line_of((*this).ip) }
    }
}

/// Whether `f` is the thread's base: the frame below the outermost one, which runs nothing.
#[inline(always)]
pub fn at_base(f: *const Frame) -> bool {
    // SAFETY: a thread's frames are live while linked, the base as long as the thread.
    unsafe { (*f).running.is_null() }
}

/// Whether a word is an owned pointer.
#[inline(always)]
pub fn is_owned(w: Word) -> bool {
    w & 3 == 0
}

/// The word without its borrowed bit.
#[inline(always)]
pub fn strip(w: Word) -> Word {
    w & !((!w & 1) << 1)
}

/// The word with the borrowed bit set (small integers stay as they are).
#[inline(always)]
pub fn borrowed(w: Word) -> Word {
    w | ((!w & 1) << 1)
}

/// An owned copy of a non-empty word.
///
/// # Safety
/// The word is live.
#[inline(always)]
pub unsafe fn owned(w: Word) -> Word {
    // SAFETY: a pointer word is live.
    unsafe {
        if w & 1 == 0 {
            let p = (w & !2) as *const crate::object::header::Header;
            (*p).incref();
            return w & !2;
        }
    }
    w
}

/// Makes a word owned if it was borrowed; an owned one stays.
///
/// # Safety
/// The word is live or 0.
#[inline(always)]
pub unsafe fn keep(w: Word) -> Word {
    // SAFETY: a borrowed pointer is live.
    unsafe { if w & 3 == 2 { owned(w) } else { w } }
}

/// Gives up a word: an owned pointer is counted down.
///
/// # Safety
/// The word is not used again. It may be 0.
#[inline(always)]
pub unsafe fn release(w: Word) {
    // SAFETY: an owned word carries one reference.
    unsafe {
        if w & 3 == 0 && w != 0 {
            crate::object::header::decref(w as *mut _);
        }
    }
}

/// Whether giving up the word ends its object.
///
/// # Safety
/// The word is live or 0.
#[inline(always)]
pub unsafe fn is_last(w: Word) -> bool {
    // SAFETY: an owned word points to a live object.
    unsafe { w & 3 == 0 && w != 0 && (*(w as *const crate::object::header::Header)).rc.get() == 1 }
}

/// Gives up a word that [`is_last`] refused: nothing ends, no native code is called.
///
/// # Safety
/// As [`release`]; the word is not the last reference.
#[inline(always)]
pub unsafe fn give_up_shared(w: Word) {
    // SAFETY: an owned word points to a live object.
    unsafe {
        if w & 3 == 0 && w != 0 {
            let h = &*(w as *const crate::object::header::Header);
            let rc = h.rc.get();
            if rc as i32 > 0 {
                h.rc.set(rc - 1);
            }
        }
    }
}

/// A new handle to what a word refers to.
///
/// # Safety
/// The word is live and not 0.
#[inline(always)]
pub unsafe fn value_of(w: Word) -> Value {
    // SAFETY: by the caller's promise.
    unsafe { Value::from_word(owned(w)) }
}

impl Vm {
    /// Where the thread's stack is free while native code runs.
    #[inline(always)]
    pub fn top(&self) -> *mut Word {
        // SAFETY: the innermost frame is live.
        unsafe { if (*self.frame).flags & flags::GENERATOR != 0 { (*self.frame).top } else { self.sp } }
    }

    /// The innermost Python frame.
    pub fn current_frame(&self) -> Option<*mut Frame> {
        (!at_base(self.frame)).then_some(self.frame)
    }

    /// The frame object of the frame `depth` levels up; `None` past the outermost.
    pub fn frame_object(&mut self, depth: usize) -> Option<Py<FrameObject>> {
        let mut f = self.frame;
        for _ in 0..depth {
            if at_base(f) {
                return None;
            }
            // SAFETY: frames of a thread are live while linked.
            f = unsafe { (*f).prev };
        }
        // SAFETY: as above.
        (!at_base(f)).then(|| unsafe { crate::types::frame::object_of(f) })
    }

    /// Globals of the innermost Python frame.
    pub fn globals(&self) -> Option<Py<crate::types::dict::Dict>> {
        // SAFETY: frames of a thread are live while linked.
        (!at_base(self.frame)).then(|| unsafe { Frame::function(self.frame).globals.clone() })
    }

    /// `locals()` of the innermost Python frame.
    pub fn locals(&mut self) -> Option<crate::object::PyResult> {
        let f = self.frame;
        if at_base(f) {
            return None;
        }
        // SAFETY: frames of a thread are live while linked.
        Some(unsafe { crate::types::frame::locals_of(self, f) })
    }

    /// The line the innermost Python frame is at.
    pub fn current_line(&self) -> Option<u32> {
        // SAFETY: native code runs, so the innermost frame's `ip` is saved.
        if at_base(self.frame) { None } else { unsafe { Frame::line(self.frame) } }
    }
}

/// What `super()` without arguments finds in the calling function.
pub enum ZeroArgSuper {
    /// No Python frame.
    NoFrame,
    /// The function has no parameters.
    NoArguments,
    /// The first argument was deleted.
    Deleted,
    /// The function does not mention `__class__` or `super`.
    NoClassCell,
    /// The class is not made yet.
    EmptyClassCell,
    /// Both.
    Found {
        /// The class being defined around the function.
        class: Value,
        /// The first argument.
        object: Value,
    },
}

impl Vm {
    /// Class and first argument of the innermost Python function, for `super()`.
    pub fn zero_arg_super(&mut self) -> ZeroArgSuper {
        if at_base(self.frame) {
            return ZeroArgSuper::NoFrame;
        }
        // SAFETY: the innermost frame is live.
        let o = unsafe { crate::types::frame::object_of(self.frame) };
        let code = o.code().clone();
        if code.canonical.argcount == 0 {
            return ZeroArgSuper::NoArguments;
        }
        let Some(object) = o.local(0) else { return ZeroArgSuper::Deleted };
        let Some(i) = (0..code.local_names.len()).rev().find(|&i| {
            code.canonical.localspluskinds[i].contains(taipan_bytecode::LocalKind::FREE)
                && code.local_names[i].is_text("__class__")
        }) else {
            return ZeroArgSuper::NoClassCell;
        };
        match o.local(i) {
            Some(class) => ZeroArgSuper::Found { class, object },
            None => ZeroArgSuper::EmptyClassCell,
        }
    }
}
