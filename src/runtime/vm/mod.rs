//! The machine: threads, frames, the running copy of code, handlers, calls and unwinding.
//!
//! [`Vm`] is one thread's state and the permission to touch objects: `&Vm` to look inside, `&mut Vm` to change them, run
//! Python code or give up the GIL.

pub mod args;
pub mod bind;
pub mod call;
pub mod crash;
pub mod errors;
pub mod frame;
pub mod gil;
pub mod handlers;
pub mod ops;
pub mod running;
pub mod watch;

use crate::object::{Py, Value};
use crate::types::str::Str;
use std::sync::atomic::AtomicU32;

/// A word of the evaluation stack or a local: 0 (empty), a small integer, an owned pointer, or a borrowed pointer (bit 1).
pub type Word = usize;

/// Bits of the breaker word: what function entries and backward jumps must attend to.
pub mod breaker {
    /// Another thread waits for the GIL.
    pub const GIL: u32 = 1;
    /// A signal arrived (main thread).
    pub const SIGNAL: u32 = 2;
    /// The collector should run.
    pub const GC: u32 = 4;
    /// An exception was thrown into the thread from outside.
    pub const ASYNC_EXC: u32 = 8;
    /// A debugger wants the thread to stop.
    pub const PAUSE: u32 = 32;
    /// Calls that another thread queued for this one.
    pub const PENDING: u32 = 64;
    /// Probes have to be brought up to date in the code of this frame.
    pub const PROBES: u32 = 128;
}

/// The exception that a thread or a generator is handling (`sys.exception()`).
pub struct ExcItem {
    /// It, if any.
    pub value: Option<Value>,
    /// The item of whoever resumed the generator.
    pub previous: *mut ExcItem,
}

/// One thread's state.
#[repr(C)]
pub struct Vm {
    /// The innermost frame.
    pub(crate) frame: *mut frame::Frame,
    /// First free word above the innermost frame; valid while native code runs.
    pub(crate) sp: *mut Word,
    /// End of the stack.
    pub(crate) stack_limit: *mut Word,
    /// See [`breaker`].
    pub breaker: AtomicU32,
    /// Python frames below which `RecursionError` is raised.
    pub(crate) depth_left: i32,
    /// The pending exception.
    pub(crate) error: Option<Value>,
    /// The exceptions being handled: one item for the thread and one for each running generator, innermost first.
    pub(crate) exc_info: *mut ExcItem,
    /// The outermost item of [`Vm::exc_info`].
    pub(crate) exc_base: Box<ExcItem>,
    /// The next unwinding adds no traceback entry for the frame it starts in.
    pub(crate) skip_traceback: bool,
    /// `RERAISE` set the place to report back to this canonical offset.
    pub(crate) reraise_lasti: Option<i32>,
    /// See [`handlers::Registers`].
    pub(crate) registers: handlers::Registers,
    pub(crate) stack_base: *mut Word,
    /// Lowest address the native stack may reach.
    pub(crate) native_limit: usize,
    /// Number of the thread, as `threading.get_ident()` gives it.
    pub ident: u64,
    /// Containers whose `repr` is in progress.
    pub(crate) reprs: Vec<usize>,
    /// The thread's `contextvars` context.
    pub context: Option<Value>,
    /// Hooks set by `sys.set_asyncgen_hooks`: first iteration, finaliser.
    pub asyncgen_hooks: (Option<Value>, Option<Value>),
    /// `sys.set_coroutine_origin_tracking_depth`.
    pub coroutine_origin_depth: u32,
    /// The thread-state dictionary (`threading.local` and friends keep data here).
    pub dict: Option<Value>,
    /// An exception another thread asked this one to raise.
    pub(crate) async_exc: Option<Value>,
    /// Trace and profile functions of this thread.
    pub hooks: crate::probe::ThreadHooks,
}

impl Vm {
    /// The interned string with this text.
    pub fn intern(&mut self, text: &str) -> Py<Str> {
        crate::types::str::intern::intern_str(text)
    }

    /// A string object with this text.
    pub fn new_str(&mut self, text: &str) -> Value {
        Str::from_rust(text).into()
    }

    /// Raises `RecursionError` when the native stack is nearly used up; for native code that recurses through Python
    /// objects. `what` follows "maximum recursion depth exceeded".
    #[inline]
    pub fn check_recursion(&mut self, what: &str) -> crate::object::PyResult<()> {
        let here = 0u8;
        if (&raw const here as usize) < self.native_limit {
            return Err(self.recursion_error(format!("maximum recursion depth exceeded{what}")));
        }
        Ok(())
    }

    /// The exception being handled: that of the innermost generator or thread that handles one.
    pub fn handled(&self) -> Option<&Value> {
        let mut item = self.exc_info;
        while !item.is_null() {
            // SAFETY: items live as long as they are linked (I6).
            let i = unsafe { &*item };
            if i.value.is_some() {
                return i.value.as_ref();
            }
            item = i.previous;
        }
        None
    }

    /// Marks a container's `repr` as in progress; false when it already is (a recursive container).
    pub fn enter_repr(&mut self, v: &Value) -> bool {
        if self.reprs.contains(&v.word()) {
            return false;
        }
        self.reprs.push(v.word());
        true
    }

    /// Ends what [`Vm::enter_repr`] began.
    pub fn leave_repr(&mut self, v: &Value) {
        self.reprs.retain(|&w| w != v.word());
    }
}
