//! Probes for native tools (debugger, profiler, coverage): events without a Python call.
//!
//! A tool registers once, with one listener, and then asks for events: in all code ([`set_events`]), in one code object
//! ([`set_local_events`]), at the lines or instructions it names ([`insert_line`], [`insert_offset`]). The listener gets
//! `&mut Vm` and a [`Hit`]; the frame concerned is the innermost one, `vm.innermost()`. What no tool asks for costs
//! nothing; what is taken out leaves the running copy as it was.
//!
//! Stepping is made of these: "line events in this frame" are local `LINE` events of its code (and of its callers' code for
//! stepping out of it), "into" adds `PY_START` everywhere; the listener compares `vm.ident` and the frame's identity.

pub use super::caught::{Catcher, will_be_caught};
pub use super::events::{Event, EventSet};
pub use super::patches::Point;
pub use super::view::{FrameId, FrameView};

use super::patches;
use super::switchboard::{self, FIRST_NATIVE, TOOLS};
use crate::object::{Py, PyResult, Value};
use crate::types::code::Code;
use crate::vm::Vm;

/// What happened. The frame is the innermost one of the thread.
#[derive(Clone, Copy)]
pub struct Hit<'a> {
    /// Which event. A breakpoint of [`insert_offset`] comes as [`Event::Instruction`].
    pub event: Event,
    /// Unit of the running copy.
    pub unit: u32,
    /// Byte offset in the canonical code.
    pub offset: u32,
    /// The line, for line events; else 0.
    pub line: u32,
    /// Where jumps and branches go: a byte offset.
    pub to: u32,
    /// The value returned or yielded, the exception, or the callable.
    pub value: Option<&'a Value>,
    /// First argument of a call.
    pub first: Option<&'a Value>,
    /// The tool's own number of the breakpoint hit, if it has one there.
    pub data: Option<usize>,
}

/// What a listener answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Go on listening.
    Go,
    /// Do not report this event at this place any more (until [`restart_events`]).
    Disable,
}

/// A tool's listener; an error is raised in the program, at the place of the event.
pub type Listener = dyn Fn(&mut Vm, &Hit<'_>) -> PyResult<Answer> + Send + Sync;

/// A native tool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tool(usize);

impl Tool {
    /// Its number among all tools.
    pub fn number(self) -> usize {
        self.0
    }
}

/// Registers a tool; `None` when all eight places are taken. Tools stay for the life of the process.
pub fn register(listener: impl Fn(&mut Vm, &Hit<'_>) -> PyResult<Answer> + Send + Sync + 'static) -> Option<Tool> {
    switchboard::with(|b| {
        let free = (FIRST_NATIVE..TOOLS).find(|&t| b.native[t].is_none())?;
        b.native[free] = Some(Box::leak(Box::new(listener)));
        Some(Tool(free))
    })
}

/// Events that the tool wants from all code and all threads. `RAISE`, `RERAISE`, `EXCEPTION_HANDLED`, `PY_UNWIND` and
/// `PY_THROW` come from the unwinder; the others are probes.
pub fn set_events(_: &mut Vm, tool: Tool, events: EventSet) {
    switchboard::set_events(tool.0, events);
}

/// The tool's events in all code.
pub fn events(_: &Vm, tool: Tool) -> EventSet {
    switchboard::events_of(tool.0)
}

/// Events that the tool wants from one code object (those tied to instructions).
pub fn set_local_events(_: &mut Vm, tool: Tool, code: &Py<Code>, events: EventSet) {
    patches::change(code, |p| switchboard::set_in(&mut p.local, tool.0, events));
}

/// The tool's events in one code object.
pub fn local_events(_: &Vm, tool: Tool, code: &Py<Code>) -> EventSet {
    patches::of(code).map_or(EventSet::NONE, |p| switchboard::of_masks(&p.local, tool.0))
}

/// Forgets every `Disable` that tools answered.
pub fn restart_events(_: &mut Vm) {
    patches::restart_all();
}

/// Puts a breakpoint on a line of a code object (not of the code nested in it): false when the line has no code there.
/// It is hit whenever a line event would occur for the line. `data` comes back in [`Hit::data`].
pub fn insert_line(code: &Py<Code>, line: u32, tool: Tool, data: usize) -> bool {
    if !lines_of(code).contains(&line) {
        return false;
    }
    patches::change(code, |p| p.lines.entry(line).or_default().push(Point { tool: tool.0, data }));
    true
}

/// Takes out what [`insert_line`] put in.
pub fn remove_line(code: &Py<Code>, line: u32, tool: Tool, data: usize) {
    let point = Point { tool: tool.0, data };
    patches::change(code, |p| {
        if let Some(points) = p.lines.get_mut(&line) {
            points.retain(|q| *q != point);
            if points.is_empty() {
                p.lines.remove(&line);
            }
        }
    });
}

/// Puts a breakpoint on the instruction at a canonical byte offset.
pub fn insert_offset(code: &Py<Code>, offset: u32, tool: Tool, data: usize) {
    patches::change(code, |p| p.offsets.entry(offset).or_default().push(Point { tool: tool.0, data }));
}

/// Takes out what [`insert_offset`] put in.
pub fn remove_offset(code: &Py<Code>, offset: u32, tool: Tool, data: usize) {
    let point = Point { tool: tool.0, data };
    patches::change(code, |p| {
        if let Some(points) = p.offsets.get_mut(&offset) {
            points.retain(|q| *q != point);
            if points.is_empty() {
                p.offsets.remove(&offset);
            }
        }
    });
}

/// Lines of a code object where a breakpoint can stand, in growing order.
pub fn lines_of(code: &Py<Code>) -> Vec<u32> {
    let running = code.running();
    let layout = super::lines::Layout::of(running);
    let kinds = super::lines::starts(running, &layout).kinds;
    let mut out: Vec<u32> = (0..running.unit_count())
        .filter(|&u| kinds[u] != super::lines::NO)
        .map(|u| running.line_of_unit(u))
        .filter(|&l| l != 0)
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// All code objects there are.
pub fn all_code(_: &Vm) -> Vec<Py<Code>> {
    switchboard::all_codes()
}

/// Calls `f` with every code object that is made from now on, nested ones first. `f` must not run Python code; it may
/// insert breakpoints.
pub fn on_code_created(f: fn(&Py<Code>)) {
    switchboard::with(|b| b.on_code.push(f));
}

/// Calls `f` on each new thread before it runs Python code (`true`), and when it ends (`false`).
pub fn on_thread(f: fn(&mut Vm, bool)) {
    switchboard::with(|b| b.on_thread.push(f));
}

/// Runs `f` with the tool's and all other native tools' events off in this thread: for evaluating expressions.
pub fn unobserved<R>(vm: &mut Vm, f: impl FnOnce(&mut Vm) -> R) -> R {
    vm.hooks.in_native += 1;
    let r = f(vm);
    vm.hooks.in_native -= 1;
    r
}
