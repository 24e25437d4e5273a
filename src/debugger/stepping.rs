//! Stepping: what must happen in which frame before the program stops again.
//!
//! A step listens in one frame only: to its lines, and to its end. Calls that it makes run at full speed. When the frame
//! ends, the step goes on in its caller, at the instruction behind the call, so that the user sees what came back. A
//! coroutine that waits does not end: the step stays with it while others run.

use taipan_bytecode::CodeFlags;
use taipan_runtime::object::{Py, Value};
use taipan_runtime::probe::native::{self, Event, EventSet, FrameId, Hit, Tool};
use taipan_runtime::types::code::Code;
use taipan_runtime::vm::Vm;

use super::sources;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To the next line, of a called function if there is one.
    In,
    /// To the next line of this frame.
    Over,
    /// To the caller.
    Out,
    /// To the first line of the user's code at all.
    Entry,
}

/// A step under way.
pub struct Step {
    /// What the user asked for.
    pub kind: Kind,
    thread: u64,
    frame: Option<FrameId>,
    at: At,
    just_my_code: bool,
    /// The call to step into: byte offset of its instruction in the frame's code; calls before it are passed over.
    call: Option<u32>,
    /// Code objects with events of ours.
    codes: Vec<Value>,
    /// Function and value that the step saw returned.
    pub returned: Option<(String, Value)>,
}

/// Where in its frame the step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// At the next line.
    Line,
    /// At the next instruction: the frame was returned to.
    Instruction,
    /// Not in it: when it is left.
    Nowhere,
}

/// What an event means for the step.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing yet.
    On,
    /// The step is done: stop here.
    Stop,
    /// The step is over without a place to stop at.
    Lost,
}

const LINES: EventSet = EventSet::NONE.and(Event::Line).and(Event::PyReturn).and(Event::PyYield);
const ENDS: EventSet = EventSet::NONE.and(Event::PyReturn).and(Event::PyYield);

impl Step {
    /// Begins a step of this thread from the frame so many levels up.
    pub fn begin(vm: &mut Vm, tool: Tool, kind: Kind, thread: u64, call: Option<u32>, just_my_code: bool) -> Step {
        let at = if kind == Kind::Out { At::Nowhere } else { At::Line };
        let mut step = Step { kind, thread, frame: None, at, just_my_code, call, codes: Vec::new(), returned: None };
        if kind == Kind::Entry {
            return step;
        }
        let start = vm.with_threads(|t| (t.ident == thread).then(|| t.innermost().map(|f| (f.id(), f.code()))));
        if let Some((id, code)) = start.into_iter().flatten().flatten().next() {
            step.frame = Some(id);
            step.listen(vm, tool, &code, if kind == Kind::Out { ENDS } else { LINES });
            if call.is_some() {
                step.listen(vm, tool, &code, EventSet::NONE.and(Event::Instruction));
            }
        }
        step
    }

    /// The events that this step needs from all code.
    pub fn global_events(&self) -> EventSet {
        match self.kind {
            Kind::In | Kind::Entry => EventSet::NONE.and(Event::PyStart).and(Event::PyResume).and(Event::PyUnwind),
            Kind::Over | Kind::Out => EventSet::NONE.and(Event::PyUnwind),
        }
    }

    fn listen(&mut self, vm: &mut Vm, tool: Tool, code: &Py<Code>, events: EventSet) {
        let all = native::local_events(vm, tool, code).with(events);
        native::set_local_events(vm, tool, code, all);
        if !self.codes.iter().any(|c| c.is(code.as_value())) {
            self.codes.push(code.as_value().clone());
        }
    }

    /// Takes out what the step put into code.
    pub fn end(&mut self, vm: &mut Vm, tool: Tool) {
        for code in std::mem::take(&mut self.codes) {
            if let Some(code) = code.downcast::<Code>() {
                native::set_local_events(vm, tool, code, EventSet::NONE);
            }
        }
    }

    /// Whether the step concerns this thread.
    pub fn is_of(&self, vm: &Vm) -> bool {
        vm.ident == self.thread
    }

    fn is_here(&self, vm: &Vm) -> bool {
        self.is_of(vm) && self.frame.is_some() && vm.innermost().map(|f| f.id()) == self.frame
    }

    fn concerns(&self, code: &Py<Code>) -> bool {
        let own = sources::is_user_code(&code.filename.to_rust());
        own || !self.just_my_code && self.kind != Kind::Entry
    }

    /// An event of the innermost frame.
    pub fn event(&mut self, vm: &mut Vm, tool: Tool, hit: &Hit<'_>) -> Progress {
        let value = hit.value;
        match hit.event {
            Event::Instruction if self.call == Some(hit.offset) && self.is_here(vm) => {
                // The calls before it are made: what is entered now is wanted.
                self.call = None;
                Progress::On
            }
            Event::Line if self.is_here(vm) && self.at == At::Line => Progress::Stop,
            Event::Instruction if self.is_here(vm) && self.at == At::Instruction => Progress::Stop,
            Event::PyReturn if self.is_here(vm) => self.leave(vm, tool, At::Instruction, value),
            Event::PyYield if self.is_here(vm) && !waits(vm) => self.leave(vm, tool, At::Instruction, value),
            // What a handler does first belongs to no line of the program.
            Event::PyUnwind if self.is_here(vm) => self.leave(vm, tool, At::Line, None),
            Event::PyStart | Event::PyResume if matches!(self.kind, Kind::In | Kind::Entry) && self.is_of(vm) => {
                if self.call.is_none() {
                    self.enter(vm, tool);
                }
                Progress::On
            }
            _ => Progress::On,
        }
    }

    /// A frame was entered: the step goes on there, if it is of interest.
    fn enter(&mut self, vm: &mut Vm, tool: Tool) {
        let Some((id, code)) = vm.innermost().map(|f| (f.id(), f.code())) else { return };
        if self.concerns(&code) {
            self.frame = Some(id);
            self.at = At::Line;
            self.listen(vm, tool, &code, LINES);
        }
    }

    /// The frame ends: the step goes on in its caller.
    fn leave(&mut self, vm: &mut Vm, tool: Tool, at: At, value: Option<&Value>) -> Progress {
        let Some(here) = vm.innermost() else { return Progress::Lost };
        let name = here.code().name.to_rust().into_owned();
        self.returned = value.filter(|_| !name.starts_with("<module")).map(|v| (name, v.clone()));
        let mut caller = here.parent();
        while let Some(f) = caller.filter(|f| !self.concerns(&f.code())) {
            caller = f.parent();
        }
        let Some((id, code)) = caller.map(|f| (f.id(), f.code())) else {
            self.frame = None;
            return if matches!(self.kind, Kind::In | Kind::Entry) { Progress::On } else { Progress::Lost };
        };
        self.frame = Some(id);
        self.at = at;
        let events = if at == At::Line { LINES } else { EventSet::NONE.and(Event::Instruction) };
        self.listen(vm, tool, &code, events);
        Progress::On
    }
}

/// Whether the innermost frame is a coroutine's: its `yield` waits for something, and it will go on.
fn waits(vm: &Vm) -> bool {
    let waiting = CodeFlags::COROUTINE | CodeFlags::ITERABLE_COROUTINE;
    vm.innermost().is_some_and(|f| f.code().canonical.flags.intersects(waiting))
}
