//! Probes: what observes a running program, and the switchboard of who listens to what.
//!
//! `sys.settrace`, `sys.setprofile` and `sys.monitoring` are faces of the same mechanism: events become probes in running
//! copies of code. Nothing here is consulted by a program that nobody watches.

pub mod sites;

use crate::object::{Py, PyResult, Value};
use crate::types::frame::FrameObject;
use crate::vm::Vm;
use crate::vm::frame::Frame;
use crate::vm::running::{Running, Unit};

/// A probe's listener failed: the exception is pending.
pub const FAILED: u32 = u32::MAX;
/// A listener moved the frame to another instruction.
pub const MOVED: u32 = u32::MAX - 1;

/// Probes installed on one code object.
pub struct CodeProbes {
    /// What sits at each unit that has a probe.
    pub units: rustc_hash::FxHashMap<u32, Vec<Listener>>,
}

/// What a probe does when it is hit: a native function of a tool.
#[derive(Clone, Copy)]
pub struct Listener {
    /// Called before the instruction; an error is raised there.
    pub before: fn(&mut Vm, &Running, u32, usize) -> PyResult<()>,
    /// The listener's own number.
    pub data: usize,
}

/// Trace and profile functions of a thread.
#[derive(Default)]
pub struct ThreadHooks {
    /// Any of them is set, so frames and exceptions are reported.
    pub active: bool,
    /// `sys.gettrace()`
    pub trace: Option<Value>,
    /// `sys.getprofile()`
    pub profile: Option<Value>,
}

/// The opcode a probe displaced at a unit, if one sits there.
pub fn displaced(running: &Running, at: *const Unit) -> Option<u16> {
    // SAFETY: `at` is a unit of the copy.
    unsafe {
        if (*at).op != crate::vm::handlers::opcode::PROBE {
            return None;
        }
    }
    running.displaced.borrow().get(&(running.index_of(at) as u32)).copied()
}

/// A probe at `ip` was hit: tells its listeners; gives the opcode to run, or [`FAILED`] or [`MOVED`].
#[inline(never)]
pub fn hit(vm: &mut Vm, ip: *const Unit) -> u32 {
    // SAFETY: the innermost frame is live.
    let running = unsafe { &*(*vm.frame).running };
    let index = running.index_of(ip) as u32;
    // SAFETY: the code object owns the running copy.
    let probes = unsafe { (*running.code).probes.get() };
    if !probes.is_null() {
        // SAFETY: probes live as long as the code object.
        let listeners = unsafe { (*probes).units.get(&index).cloned().unwrap_or_default() };
        for l in listeners {
            if (l.before)(vm, running, index, l.data).is_err() {
                return FAILED;
            }
            // SAFETY: the innermost frame is live.
            if unsafe { (*vm.frame).ip } != ip {
                return MOVED;
            }
        }
    }
    running.displaced.borrow().get(&index).map_or_else(|| unsafe { (*ip).op } as u32, |&op| op as u32)
}

/// A sampling request arrived: calls the sampler, if one is installed.
pub fn sample(vm: &mut Vm) {
    if let Some(f) = SAMPLER.get() {
        f(vm);
    }
}

static SAMPLER: std::sync::OnceLock<fn(&mut Vm)> = std::sync::OnceLock::new();
static PAUSER: std::sync::OnceLock<fn(&mut Vm) -> PyResult<()>> = std::sync::OnceLock::new();

/// Installs the function that takes a sample at a safepoint (once in a process).
pub fn set_sampler(f: fn(&mut Vm)) {
    let _ = SAMPLER.set(f);
}

/// Installs the function that a pause request calls at a safepoint (once in a process).
pub fn set_pauser(f: fn(&mut Vm) -> PyResult<()>) {
    let _ = PAUSER.set(f);
}

/// A debugger asked the thread to stop.
pub fn pause(vm: &mut Vm) -> PyResult<()> {
    match PAUSER.get() {
        Some(f) => f(vm),
        None => Ok(()),
    }
}

/// A frame is entered from native code while hooks are active.
pub fn entering(_vm: &mut Vm, _frame: *mut Frame) -> PyResult<()> {
    Ok(())
}

/// An exception passes through a frame while hooks are active.
pub fn exception(_vm: &mut Vm, _frame: *mut Frame) {}

/// Unwinding moved a frame to its handler while hooks are active.
pub fn jumped(_vm: &mut Vm, _frame: *mut Frame, _from: *const Unit, _to: *const Unit) {}

/// A traced frame ends by an exception.
pub fn unwound(_vm: &mut Vm, _frame: *mut Frame) {}

/// A traced frame returns the word below `sp`.
pub fn returned(_vm: &mut Vm, _frame: *mut Frame, _sp: *mut crate::vm::Word) -> PyResult<()> {
    Ok(())
}

/// A traced frame yields the word below `sp`.
pub fn yielded(_vm: &mut Vm, _frame: *mut Frame, _sp: *mut crate::vm::Word) -> PyResult<()> {
    Ok(())
}

/// `f_lineno` was assigned.
pub fn jump_to_line(vm: &mut Vm, _frame: &Py<FrameObject>, _line: Option<&Value>) -> PyResult<()> {
    Err(vm.value_error("f_lineno can only be set in a trace function"))
}

/// `f_trace` or `f_trace_opcodes` of a frame changed.
pub fn frame_trace_changed(_vm: &mut Vm, _frame: &Py<FrameObject>) {}
