//! The eval loop: one handler function for each opcode, in files by family; dispatch is one macro.
//!
//! In release builds a handler ends by calling the next one in tail position, which LLVM turns into a jump: the machine's
//! registers (`ip`, `sp`, `fp`, the thread, the table of handlers) stay in the processor's. In debug builds the same macro
//! stores them in the thread and returns to a trampoline. The rules that keep a handler a jump: slow paths are functions
//! of their own that return a word or are themselves tail-called; nothing with a destructor is alive at the tail call; no
//! address of a local escapes; at most six integer arguments (`tests/dispatch.rs` disassembles the release build).
//!
//! A handler that calls native code on any path saves the machine's registers at its start, on every path. So what is hot
//! calls nothing: its slow road is another handler (never inlined), and an object whose last reference it holds ends in
//! one, too (`give_up`).
//!
//! Below the safe handles, words are raw (see `vm::frame`): every handler takes the words an instruction pops and leaves
//! those it pushes; on failure all words stay on the stack for the unwinder. The invariants cited are those of
//! `ARCHITECTURE.md`.

#[macro_use]
mod macros;
pub mod arith;
pub mod attr;
pub mod build;
pub mod call;
pub mod control;
pub mod define;
pub mod except;
pub mod gen_;
pub mod global;
pub mod item;
pub mod matching;
pub mod opcode;
pub mod stack;
pub mod unwind;

use super::running::Unit;
use super::{Vm, Word};

/// A handler; the arguments are the machine's registers.
pub type Handler = unsafe extern "sysv64" fn(*const Unit, *mut Word, *mut Word, *mut Vm, *const Entry) -> Word;

/// An entry of a table of handlers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Entry(pub Handler);

/// What a handler returns to the trampoline of debug builds to go on; never a value.
pub const CONTINUE: Word = usize::MAX - 1;

/// Registers kept in the thread between handlers in debug builds.
#[derive(Clone, Copy)]
pub struct Registers {
    /// Next instruction.
    pub ip: *const Unit,
    /// First free word of the evaluation stack.
    pub sp: *mut Word,
    /// Locals.
    pub fp: *mut Word,
}

impl Registers {
    /// No registers yet.
    pub const EMPTY: Registers = Registers { ip: std::ptr::null(), sp: std::ptr::null_mut(), fp: std::ptr::null_mut() };
}

/// Runs from `ip` until an `EXIT` unit: gives the result word, or 0 when an exception is pending.
///
/// # Safety
/// The registers describe the innermost frame of `vm`.
pub unsafe fn enter(vm: *mut Vm, ip: *const Unit, sp: *mut Word, fp: *mut Word) -> Word {
    // SAFETY: by the caller's promise; every unit's opcode is below the table's length.
    unsafe {
        let table = opcode::TABLE.as_ptr();
        #[cfg(not(debug_assertions))]
        {
            ((*table.add((*ip).op as usize)).0)(ip, sp, fp, vm, table)
        }
        #[cfg(debug_assertions)]
        {
            (*vm).registers = Registers { ip, sp, fp };
            loop {
                let r = (*vm).registers;
                let w = ((*table.add((*r.ip).op as usize)).0)(r.ip, r.sp, r.fp, vm, table);
                if w != CONTINUE {
                    return w;
                }
            }
        }
    }
}

/// As [`enter`], raising the pending exception at `ip` first.
///
/// # Safety
/// As [`enter`]; an exception is pending.
pub unsafe fn enter_raising(vm: *mut Vm, ip: *const Unit, sp: *mut Word, fp: *mut Word) -> Word {
    // SAFETY: by the caller's promise.
    unsafe {
        let w = unwind::unwind(ip, sp, fp, vm, opcode::TABLE.as_ptr());
        #[cfg(debug_assertions)]
        if w == CONTINUE {
            let r = (*vm).registers;
            return enter(vm, r.ip, r.sp, r.fp);
        }
        w
    }
}
