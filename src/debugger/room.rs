//! A stop: what the client may ask while everything stands still, answered by the thread that stopped.
//!
//! Handles (frames, containers of variables) live in the room and end with it, so nothing of the program is kept alive
//! by the debugger when it runs on.

use taipan_runtime::object::{Py, Value};
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::vm::{Vm, gil};
use tui::dap::{self, EventBody, Request, Response, request as r};

use super::dap::answer::{self, reply};
use super::desk::{self, Order};
use super::exceptions::{self, Filter};
use super::inspect::Child;
use super::stepping::Kind;
use super::{Debugger, evaluate};

/// Why the program stopped.
pub enum Reason {
    /// A step is done.
    Step,
    /// The program's first line.
    Entry,
    /// The user asked for it.
    Pause,
    /// The program called `breakpoint()`.
    Statement,
    /// The user moved the program to another line.
    Goto,
    /// Breakpoints were hit.
    Breakpoint {
        /// Which.
        ids: Vec<i64>,
        /// All of them are breakpoints on functions.
        of_function: bool,
        /// Why a condition could not be evaluated.
        problem: Option<String>,
    },
    /// Values of watched places are others now.
    Data {
        /// The breakpoints.
        ids: Vec<i64>,
        /// What changed, from what to what, where.
        text: String,
    },
    /// An exception is raised.
    Exception {
        /// It.
        exception: Value,
        /// For which filter.
        filter: Filter,
        /// Its frames have ended already: the traceback has them.
        after: bool,
    },
}

/// How the program goes on.
pub enum Resume {
    /// To the next reason to stop.
    Continue,
    /// A step of the thread with this ident; into the call at this offset, if one was chosen.
    Step(Kind, u64, Option<u32>),
    /// Without a debugger.
    Detach,
}

/// What a reference to variables stands for.
#[derive(Clone)]
pub enum Handle {
    /// The locals of a frame.
    Locals(usize),
    /// The globals of a frame.
    Globals(usize),
    /// The variables that a frame's function took from around it.
    Closure(usize),
    /// What the function last left returned.
    Returned,
    /// Names put together under one heading.
    Group(Vec<Child>, Option<usize>),
    /// The parts of a value: it, the expression that gives it, the frame where it was read.
    Value(Value, Option<String>, Option<usize>),
    /// A property: reading it runs code of the program.
    Property(Value, String, Option<usize>),
}

/// A frame that the client knows.
#[derive(Clone)]
pub struct Seen {
    /// The frame.
    pub frame: Py<FrameObject>,
    /// Its line, when that is not the frame's own (in a traceback).
    pub line: Option<u32>,
    /// Byte offset of the instruction.
    pub offset: i32,
    /// Whether it is the innermost of its thread.
    pub innermost: bool,
}

/// See the module.
pub struct Room {
    /// Why; absent while the program has not started.
    pub reason: Option<Reason>,
    /// The thread that is looked at first.
    pub thread: u64,
    /// Function and value that the step saw returned.
    pub returned: Option<(String, Value)>,
    /// Frames by number.
    pub frames: Vec<Seen>,
    /// What references stand for.
    pub handles: Vec<Handle>,
    /// Where frames of each thread begin and end in `frames`.
    listed: Vec<(u64, std::ops::Range<usize>)>,
}

impl Room {
    /// A stop of this thread.
    pub fn new(vm: &mut Vm, reason: Reason, returned: Option<(String, Value)>) -> Room {
        // A helper that paused a waiting program stands for the main thread.
        let thread = if desk::is_helper() { gil::main_ident(vm) } else { vm.ident };
        Room { reason: Some(reason), thread, returned, frames: Vec::new(), handles: Vec::new(), listed: Vec::new() }
    }

    /// The time before the program's first line.
    pub fn waiting() -> Room {
        Room { reason: None, thread: 0, returned: None, frames: Vec::new(), handles: Vec::new(), listed: Vec::new() }
    }

    /// Whether the program has begun.
    pub fn is_stop(&self) -> bool {
        self.reason.is_some()
    }

    /// The exception stopped at, and for which filter.
    pub fn exception(&self) -> Option<(Value, Filter)> {
        match &self.reason {
            Some(Reason::Exception { exception, filter, .. }) => Some((exception.clone(), *filter)),
            _ => None,
        }
    }

    /// The `stopped` event of this stop.
    pub fn announcement(&self, vm: &mut Vm, debugger: &Debugger) -> dap::StoppedEvent {
        let mut event = dap::StoppedEvent {
            thread_id: Some(dap::ThreadId(debugger.threads.number(self.thread))),
            all_threads_stopped: Some(true),
            ..dap::StoppedEvent::default()
        };
        let word = match &self.reason {
            Some(Reason::Step) | None => "step",
            Some(Reason::Entry) => "entry",
            Some(Reason::Pause) => "pause",
            Some(Reason::Statement) => "breakpoint",
            Some(Reason::Goto) => "goto",
            Some(Reason::Breakpoint { ids, of_function, problem }) => {
                event.hit_breakpoint_ids = Some(ids.clone());
                event.text = problem.clone();
                if *of_function { "function breakpoint" } else { "breakpoint" }
            }
            Some(Reason::Data { ids, text }) => {
                event.hit_breakpoint_ids = Some(ids.clone());
                event.text = Some(text.clone());
                "data breakpoint"
            }
            Some(Reason::Exception { exception, .. }) => {
                event.description = Some("Paused on exception".to_owned());
                event.text = Some(evaluate::exception_text(vm, exception));
                "exception"
            }
        };
        event.reason = word.to_owned();
        event
    }

    /// The frames of a thread as a range of `frames`, innermost first.
    pub fn frames_of(&mut self, vm: &mut Vm, thread: u64) -> std::ops::Range<usize> {
        if let Some((_, range)) = self.listed.iter().find(|(t, _)| *t == thread) {
            return range.clone();
        }
        let start = self.frames.len();
        let after = matches!(self.reason, Some(Reason::Exception { after: true, .. }));
        if after && thread == self.thread {
            let exception = self.exception().map(|(e, _)| e);
            self.frames.extend(exception.map_or_else(Vec::new, |e| traceback_frames(vm, &e)));
        } else {
            let found = vm.with_threads(|t| {
                if t.ident != thread {
                    return Vec::new();
                }
                let views = t.frame_views().enumerate();
                views
                    .map(|(n, f)| Seen { frame: f.object(), line: f.line(), offset: f.offset(), innermost: n == 0 })
                    .collect()
            });
            let shown = |s: &Seen| !s.frame.code().filename.to_rust().starts_with("<frozen importlib");
            self.frames.extend(found.into_iter().flatten().filter(shown));
        }
        let range = start..self.frames.len();
        self.listed.push((thread, range.clone()));
        range
    }

    /// The frame with a client's number.
    pub fn frame(&self, id: dap::FrameId) -> Option<&Seen> {
        usize::try_from(id.0 - 1).ok().and_then(|i| self.frames.get(i))
    }

    /// A reference for a handle.
    pub fn refer(&mut self, handle: Handle) -> dap::VariablesReference {
        self.handles.push(handle);
        dap::VariablesReference(self.handles.len() as i64)
    }

    /// The handle behind a reference.
    pub fn handle(&self, reference: dap::VariablesReference) -> Option<Handle> {
        usize::try_from(reference.0 - 1).ok().and_then(|i| self.handles.get(i).cloned())
    }

    /// Forgets frames and values: the program was changed by the user.
    pub fn forget_frames(&mut self) {
        self.frames.clear();
        self.listed.clear();
        self.handles.clear();
    }

    /// Serves until the client lets the program go on.
    pub fn serve(&mut self, vm: &mut Vm, debugger: &Debugger) -> Resume {
        loop {
            match debugger.desk.next() {
                Order::Gone => return Resume::Detach,
                Order::LetRun => return Resume::Continue,
                Order::Request(request) => {
                    let (response, resume) = self.answer(vm, debugger, &request);
                    debugger.desk.answer(response);
                    if let Some(resume) = resume {
                        return resume;
                    }
                    if matches!(self.reason, Some(Reason::Goto)) && request.command == "goto" {
                        let event = self.announcement(vm, debugger);
                        debugger.send(&EventBody::Stopped(event));
                    }
                }
            }
        }
    }

    fn answer(&mut self, vm: &mut Vm, debugger: &Debugger, request: &Request) -> (Response, Option<Resume>) {
        let started = self.is_stop();
        let go = |kind: Option<Kind>, thread: dap::ThreadId, call: Option<u32>| {
            let thread = debugger.threads.ident(thread.0).unwrap_or(self.thread);
            kind.map_or(Resume::Continue, |k| Resume::Step(k, thread, call))
        };
        match request.command.as_str() {
            "configurationDone" => {
                let response = reply::<r::ConfigurationDone>(request, |_| Ok(Default::default()));
                (response, (!started).then_some(Resume::Continue))
            }
            "continue" if started => {
                let body = dap::ContinueBody { all_threads_continued: Some(true) };
                (reply::<r::Continue>(request, |_| Ok(body)), Some(Resume::Continue))
            }
            "next" if started => step(request, |id, _| go(Some(Kind::Over), id, None)),
            "stepIn" if started => step(request, |id, call| go(Some(Kind::In), id, call)),
            "stepOut" if started => step(request, |id, _| go(Some(Kind::Out), id, None)),
            "pause" => (reply::<r::Pause>(request, |_| Ok(Default::default())), None),
            _ => (answer::answer(vm, debugger, Some(self), request), None),
        }
    }
}

fn step(request: &Request, go: impl FnOnce(dap::ThreadId, Option<u32>) -> Resume) -> (Response, Option<Resume>) {
    match request.parse::<r::Next>() {
        Ok(arguments) => {
            let call = arguments.target_id.and_then(|t| u32::try_from(t).ok());
            (request.ok::<r::Next>(&Default::default()), Some(go(arguments.thread_id, call)))
        }
        Err(e) => (request.error(e.to_string()), None),
    }
}

/// The frames of an exception's traceback, innermost first.
fn traceback_frames(vm: &mut Vm, e: &Value) -> Vec<Seen> {
    let mut found = Vec::new();
    let mut next = exceptions::traceback_of(vm, e);
    while let Some(tb) = next {
        let (frame, offset) = {
            let t = tb.get(vm);
            (t.frame.clone(), t.lasti)
        };
        let line = tb.line(vm);
        found.push(Seen { frame, line, offset, innermost: false });
        next = tb.next(vm);
    }
    found.reverse();
    if let Some(first) = found.first_mut() {
        first.innermost = true;
    }
    found
}

/// An order that arrives while the program runs; the caller holds the GIL for this moment.
pub fn serve_while_running(vm: &mut Vm, debugger: &Debugger, order: Order) {
    match order {
        Order::Gone => debugger.let_go(vm),
        Order::LetRun => {}
        Order::Request(request) => {
            let response = match request.command.as_str() {
                "configurationDone" => reply::<r::ConfigurationDone>(&request, |_| Ok(Default::default())),
                "continue" => {
                    reply::<r::Continue>(&request, |_| Ok(dap::ContinueBody { all_threads_continued: Some(true) }))
                }
                _ => answer::answer(vm, debugger, None, &request),
            };
            debugger.desk.answer(response);
        }
    }
}
