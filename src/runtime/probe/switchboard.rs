//! Who listens to what: tools, their events for all code, their callbacks, and all code objects there are.
//!
//! Tools 0 … 5 are those of `sys.monitoring`, 6 is `sys.setprofile`, 7 `sys.settrace`; native tools have the numbers from 8
//! on. A change of events brings the probes of all running copies up to date at once, so that the copies themselves need no
//! version check when they are entered.

use super::events::{Event, EventSet, UNGROUPED};
use super::native::Listener;
use crate::object::{Py, Value};
use crate::types::code::Code;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A set of tools, one bit for each.
pub type Tools = u16;
/// Number of tools.
pub const TOOLS: usize = 16;
/// Tools of `sys.monitoring`.
pub const PYTHON_TOOLS: usize = 6;
/// The tool behind `sys.setprofile`.
pub const PROFILE: usize = 6;
/// The tool behind `sys.settrace`.
pub const TRACE: usize = 7;
/// The first native tool.
pub const FIRST_NATIVE: usize = 8;
/// Tools that call Python functions.
pub const CALLS_PYTHON: Tools = 0xFF;

/// The tools that listen to each event.
pub type Masks = [Tools; UNGROUPED];

/// A callback of `sys.monitoring`.
#[derive(Clone)]
pub struct Callback {
    /// What is called.
    pub function: Value,
    /// Registered for the deprecated `BRANCH`: `DISABLE` concerns both ways.
    pub both_branches: bool,
}

/// State of the switchboard.
pub struct Switchboard {
    /// Events for all code.
    pub global: Masks,
    /// Callbacks of the tools of `sys.monitoring`.
    pub callbacks: [[Option<Callback>; 19]; PYTHON_TOOLS],
    /// Their names; a tool with a name is in use.
    pub names: [Option<Value>; PYTHON_TOOLS],
    /// Listeners of native tools.
    pub native: [Option<&'static Listener>; TOOLS],
    /// All code objects (payload addresses).
    pub codes: rustc_hash::FxHashSet<usize>,
    /// Called with each new code object.
    pub on_code: Vec<fn(&Py<Code>)>,
    /// Called when a thread begins (true) or ends.
    pub on_thread: Vec<fn(&mut crate::vm::Vm, bool)>,
}

struct Place(RefCell<Switchboard>);
// SAFETY: reached with the GIL held only (I1).
unsafe impl Sync for Place {}

static BOARD: std::sync::LazyLock<Place> = std::sync::LazyLock::new(|| {
    Place(RefCell::new(Switchboard {
        global: [0; UNGROUPED],
        callbacks: std::array::from_fn(|_| std::array::from_fn(|_| None)),
        names: Default::default(),
        native: Default::default(),
        codes: Default::default(),
        on_code: Vec::new(),
        on_thread: Vec::new(),
    }))
});

/// Some tool listens to some event in all code: new running copies get probes.
static ANY: AtomicBool = AtomicBool::new(false);

/// Looks at or changes the state; nothing in `f` may come back here.
pub fn with<R>(f: impl FnOnce(&mut Switchboard) -> R) -> R {
    f(&mut BOARD.0.borrow_mut())
}

/// Whether new running copies need probes.
pub fn any() -> bool {
    ANY.load(Relaxed)
}

/// Tools that listen to an event in all code.
pub fn listeners(e: Event) -> Tools {
    with(|b| b.global[e as usize])
}

/// Events of a tool in all code.
pub fn events_of(tool: usize) -> EventSet {
    with(|b| of_masks(&b.global, tool))
}

/// Events of a tool in some masks.
pub fn of_masks(masks: &Masks, tool: usize) -> EventSet {
    let bits = (0..UNGROUPED).filter(|&e| masks[e] & 1 << tool != 0).fold(0, |s, e| s | 1 << e);
    EventSet(bits)
}

/// Sets a tool's events in some masks.
pub fn set_in(masks: &mut Masks, tool: usize, events: EventSet) {
    for (e, m) in masks.iter_mut().enumerate() {
        *m = *m & !(1 << tool) | ((events.0 >> e & 1) as Tools) << tool;
    }
}

/// Sets the events of a tool for all code.
pub fn set_events(tool: usize, events: EventSet) {
    if events_of(tool) == events {
        return;
    }
    with(|b| {
        set_in(&mut b.global, tool, events);
        ANY.store(b.global.iter().any(|&m| m != 0), Relaxed);
    });
    refresh_all();
    activate_threads();
}

/// Brings the probes of all code that has run up to date.
pub fn refresh_all() {
    for code in all_codes() {
        if code.has_run() {
            super::patches::refresh(&code);
        }
    }
}

/// The events that the unwinder reports rather than instructions.
fn unwinding() -> bool {
    with(|b| b.global[super::events::LOCAL..].iter().any(|&m| m != 0))
}

/// Tells every thread whether exceptions are reported.
fn activate_threads() {
    let active = unwinding();
    // SAFETY: the GIL is held: no state ends or is used elsewhere meanwhile.
    for t in unsafe { crate::vm::gil::threads() } {
        // SAFETY: as above.
        unsafe { (*t).hooks.active = active };
    }
}

/// The hooks of a new thread.
pub fn thread_starts(vm: &mut crate::vm::Vm) {
    vm.hooks.active = unwinding();
    for f in with(|b| b.on_thread.clone()) {
        f(vm, true);
    }
}

/// A thread ends.
pub fn thread_ends(vm: &mut crate::vm::Vm) {
    for f in with(|b| b.on_thread.clone()) {
        f(vm, false);
    }
    let had = vm.hooks.trace.take().is_some() | vm.hooks.profile.take().is_some();
    if had {
        super::trace::update_events();
    }
}

/// Handles to all code objects.
pub fn all_codes() -> Vec<Py<Code>> {
    with(|b| b.codes.iter().map(|&p| handle(p)).collect())
}

fn handle(payload: usize) -> Py<Code> {
    let word = payload - std::mem::offset_of!(crate::object::value::Obj<Code>, payload);
    // SAFETY: a code object is in the set as long as it lives.
    unsafe { Py::from_value_unchecked(Value::from_header(word as *const crate::object::header::Header)) }
}

/// A code object was made.
pub fn code_made(code: &Py<Code>) {
    let hooks = with(|b| {
        b.codes.insert(code.payload_ptr() as usize);
        b.on_code.clone()
    });
    for f in hooks {
        f(code);
    }
}

/// A code object ends.
pub fn code_ends(code: &Code) {
    with(|b| b.codes.remove(&(code as *const Code as usize)));
    let probes = code.probes.replace(std::ptr::null_mut());
    if !probes.is_null() {
        // SAFETY: made by `Box::into_raw` and taken out of the code object just now.
        drop(unsafe { Box::from_raw(probes) });
    }
}
