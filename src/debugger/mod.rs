//! The debugger inside the program's process: breakpoints, stepping, inspection, evaluation, served to clients that
//! speak the Debug Adapter Protocol.
//!
//! Who does what: a thread without the GIL reads requests ([`dap::server`]) and puts them on the [`desk::Desk`]. A Python
//! thread that stops keeps the GIL, so that everything stands still, and serves the requests itself ([`room`]). While
//! the program runs, the desk's own thread takes the GIL for a moment instead (a breakpoint set on the fly). Events come
//! from native probes ([`Debugger::event`]); what nobody asked for costs nothing.
//!
//! Rooms: [`breakpoints`], [`stepping`], [`exceptions`] decide when to stop; [`inspect`] and [`evaluate`] say what is
//! there; [`sources`] and [`threads`] name things; [`dap`] is the wire.

pub mod breakpoints;
pub mod budget;
pub mod dap;
pub mod desk;
pub mod evaluate;
pub mod exceptions;
pub mod inspect;
pub mod room;
pub mod run;
pub mod sources;
pub mod stepping;
pub mod threads;
pub mod watched;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use taipan_runtime::object::{MethodDef, NativeFn, PyResult, Value, none};
use taipan_runtime::probe::native::{self, Answer, Event, EventSet, Hit, Tool};
use taipan_runtime::types::code::Code;
use taipan_runtime::types::method::BuiltinFunction;
use taipan_runtime::vm::args::Args;
use taipan_runtime::vm::{Vm, breaker, gil};
use tui::dap::{self as protocol, EventBody};

use breakpoints::{Breakpoints, Verdict};
use exceptions::Filters;
use room::{Reason, Resume, Room};
use stepping::{Kind, Progress, Step};
use threads::Threads;
use watched::Watched;

/// The debugger of this process.
pub struct Debugger {
    /// Requests on their way to whoever holds the GIL, and answers on their way out.
    pub desk: desk::Desk,
    /// The numbers that clients know threads by.
    pub threads: Threads,
    breakpoints: Mutex<Breakpoints>,
    watched: Mutex<Watched>,
    /// Thread, frame and line of a jump: that line's event tells nothing new.
    jumped: Mutex<Option<(u64, native::FrameId, u32)>>,
    filters: Mutex<Filters>,
    step: Mutex<Option<Step>>,
    /// The exception last stopped at, by identity: it is not reported again on its way out.
    reported: Mutex<Option<Value>>,
    tool: OnceLock<Tool>,
    just_my_code: AtomicBool,
    pause_wanted: AtomicBool,
    stop_on_entry: AtomicBool,
    /// The process that has the server; a forked child has not.
    process: AtomicU32,
}

static DEBUGGER: OnceLock<Debugger> = OnceLock::new();

/// What `breakpoint()` calls while a program is debugged.
static HOOK: MethodDef = MethodDef::function(
    "breakpointhook",
    "($module, /, *args, **kws)",
    "Stop in the debugger, if one is connected.",
    NativeFn::V(breakpoint_called),
);

fn breakpoint_called(vm: &mut Vm, _: &Args<'_>) -> PyResult {
    native::unobserved(vm, |vm| the().stop(vm, Reason::Statement));
    Ok(none())
}

/// The debugger of this process, made at first use.
pub fn the() -> &'static Debugger {
    DEBUGGER.get_or_init(|| Debugger {
        desk: desk::Desk::new(),
        threads: Threads::default(),
        breakpoints: Mutex::default(),
        watched: Mutex::default(),
        jumped: Mutex::new(None),
        filters: Mutex::default(),
        step: Mutex::new(None),
        reported: Mutex::new(None),
        tool: OnceLock::new(),
        just_my_code: AtomicBool::new(true),
        pause_wanted: AtomicBool::new(false),
        stop_on_entry: AtomicBool::new(false),
        process: AtomicU32::new(std::process::id()),
    })
}

/// A lock that a panic elsewhere does not poison for good.
pub(crate) fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Debugger {
    /// Connects the debugger to the interpreter. Once, before the program's first line.
    pub fn install(&'static self, vm: &mut Vm) {
        let Some(tool) = native::register(|vm, hit| the().event(vm, hit)) else { return };
        if self.tool.set(tool).is_err() {
            return;
        }
        native::on_code_created(code_created);
        native::on_thread(|vm, started| the().thread_changed(vm, started));
        taipan_runtime::probe::set_pauser(|vm| the().paused(vm));
        // `breakpoint()` means this debugger, unless the user has named another.
        if std::env::var("PYTHONBREAKPOINT").ok().filter(|v| !v.is_empty()).is_none() {
            let module = vm.intern("sys");
            taipan_runtime::builtins::sys::set(vm, HOOK.name, BuiltinFunction::of_module(&HOOK, &module).into());
        }
        self.threads.number(vm.ident);
    }

    fn tool(&self) -> Tool {
        *self.tool.get().expect("installed before anything can happen")
    }

    /// Whether library code is passed over.
    pub fn just_my_code(&self) -> bool {
        self.just_my_code.load(SeqCst)
    }

    /// What `launch` and `attach` say of the session.
    pub fn configure(&self, just_my_code: Option<bool>, stop_on_entry: bool) {
        self.just_my_code.store(just_my_code.unwrap_or(true), SeqCst);
        self.stop_on_entry.fetch_or(stop_on_entry, SeqCst);
    }

    /// Sends an event to the client, if there is one.
    pub fn send(&self, body: &EventBody) {
        self.desk.send_event(body);
    }

    // ---- events of the program ---------------------------------------------------------------------------------------

    fn event(&self, vm: &mut Vm, hit: &Hit<'_>) -> PyResult<Answer> {
        match hit.event {
            Event::Line => self.line(vm, hit),
            Event::Raise | Event::Reraise => {
                if let Some(e) = hit.value {
                    self.raised(vm, e, hit);
                }
            }
            _ => {
                if self.progress(vm, hit) == Progress::Stop {
                    self.stop(vm, Reason::Step);
                }
            }
        }
        Ok(Answer::Go)
    }

    /// A line is about to run: breakpoints first, then the step.
    fn line(&self, vm: &mut Vm, hit: &Hit<'_>) {
        let jumped = lock(&self.jumped).take();
        if let Some((thread, frame, line)) = jumped {
            if thread != vm.ident {
                *lock(&self.jumped) = jumped;
            } else if line == hit.line && vm.innermost().is_some_and(|f| f.id() == frame) {
                // The user has stood on it since the jump.
                return;
            }
        }
        let mut reason = None;
        if hit.data.is_some() {
            reason = self.breakpoint_hit(vm, hit.line);
        }
        let changed = self.changed(vm, hit.line);
        if reason.is_none() {
            reason = changed;
        }
        let progress = self.progress(vm, hit);
        if reason.is_none() && progress == Progress::Stop {
            reason = Some(Reason::Step);
        }
        if let Some(reason) = reason {
            self.stop(vm, reason);
        }
    }

    fn breakpoint_hit(&self, vm: &mut Vm, line: u32) -> Option<Reason> {
        let code = vm.innermost()?.code();
        let here = lock(&self.breakpoints).at(&code, line);
        let mut ids = Vec::new();
        let mut problem = None;
        let mut of_function = true;
        for b in here {
            match b.hit(vm, &code) {
                Verdict::Pass => continue,
                Verdict::Stop => {}
                Verdict::Broken(why) => problem = Some(why),
                Verdict::Log(text) => {
                    self.log(&code.filename.to_rust(), line, text);
                    continue;
                }
            }
            of_function &= b.is_function();
            ids.push(b.id);
        }
        (!ids.is_empty()).then_some(Reason::Breakpoint { ids, of_function, problem })
    }

    /// Compares watched places with what they held at the last line.
    fn changed(&self, vm: &mut Vm, line: u32) -> Option<Reason> {
        // Nothing that runs code of the program may happen while this is locked.
        let (changes, ended) = {
            let mut watched = lock(&self.watched);
            if watched.is_empty() {
                return None;
            }
            let code = vm.innermost()?.code();
            watched.compare(vm, &code, line)
        };
        for (id, label) in ended {
            let message = Some(format!("{label}: the call has ended"));
            let breakpoint = protocol::Breakpoint { id: Some(id), message, ..Default::default() };
            let reason = "removed".to_owned();
            self.send(&EventBody::Breakpoint(protocol::BreakpointEvent { reason, breakpoint }));
            self.update_events(vm);
        }
        let (mut ids, mut texts) = (Vec::new(), Vec::new());
        for mut change in changes {
            if change.holds(vm) && lock(&self.watched).counts(change.id) {
                ids.push(change.id);
                texts.push(change.text);
            }
        }
        (!ids.is_empty()).then(|| Reason::Data { ids, text: texts.join("; ") })
    }

    /// Prints a log point's message in the client.
    fn log(&self, filename: &str, line: u32, text: String) {
        self.send(&EventBody::Output(protocol::OutputEvent {
            category: Some("console".to_owned()),
            output: text + "\n",
            source: Some(sources::describe(filename)),
            line: Some(i64::from(line)),
            ..Default::default()
        }));
    }

    fn progress(&self, vm: &mut Vm, hit: &Hit<'_>) -> Progress {
        let mut step = lock(&self.step);
        let Some(s) = step.as_mut() else { return Progress::On };
        let progress = s.event(vm, self.tool(), hit);
        if progress == Progress::Lost {
            let mut over = step.take();
            drop(step);
            if let Some(s) = &mut over {
                s.end(vm, self.tool());
            }
            self.update_events(vm);
        }
        progress
    }

    fn raised(&self, vm: &mut Vm, e: &Value, hit: &Hit<'_>) {
        if lock(&self.reported).as_ref().is_some_and(|r| r.is(e)) {
            return;
        }
        let filter = lock(&self.filters).decide(vm, e, hit, self.just_my_code());
        if let Some(filter) = filter {
            *lock(&self.reported) = Some(e.clone());
            self.stop(vm, Reason::Exception { exception: e.clone(), filter, after: false });
            // The debugger must not keep it alive; its identity would be enough, but could be used again.
            if lock(&self.filters).is_empty() {
                *lock(&self.reported) = None;
            }
        }
    }

    /// The program's main code is over: an exception that nobody foresaw to be uncaught is shown now.
    pub fn main_done(&self, vm: &mut Vm) {
        let Some(e) = vm.pending().cloned() else { return };
        let known = lock(&self.reported).take().is_some_and(|r| r.is(&e));
        let wanted = lock(&self.filters).want_uncaught(vm, &e);
        if known || !wanted {
            return;
        }
        vm.aside(|vm| {
            self.stop(vm, Reason::Exception { exception: e, filter: exceptions::Filter::Uncaught, after: true });
        });
    }

    fn thread_changed(&self, vm: &mut Vm, started: bool) {
        if desk::is_helper() {
            return;
        }
        let id = self.threads.number(vm.ident);
        let reason = if started { "started" } else { "exited" }.to_owned();
        self.send(&EventBody::Thread(protocol::ThreadEvent { reason, thread_id: protocol::ThreadId(id) }));
        if !started {
            self.threads.forget(vm.ident);
            let mut step = lock(&self.step);
            if step.as_ref().is_some_and(|s| s.is_of(vm)) {
                let mut over = step.take();
                drop(step);
                if let Some(s) = &mut over {
                    s.end(vm, self.tool());
                }
                self.update_events(vm);
            }
        }
    }

    // ---- pause -------------------------------------------------------------------------------------------------------

    /// Asks the program to stop wherever it is. Needs no GIL.
    pub fn ask_pause(&'static self) {
        self.pause_wanted.store(true, SeqCst);
        gil::request_all(breaker::PAUSE);
        // Threads that wait in native code (a read, a sleep) reach no safe point: then somebody else stops the world.
        let waiting = std::thread::Builder::new().name("taipan-pause".to_owned()).spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(150));
            if self.pause_wanted.load(SeqCst) {
                desk::with_gil(|vm| {
                    let _ = self.paused(vm);
                });
            }
        });
        if let Err(e) = waiting {
            tracing::warn!("no thread to pause with: {e}");
        }
    }

    /// A thread is at a safe point and somebody asked for a pause.
    fn paused(&self, vm: &mut Vm) -> PyResult<()> {
        budget::at_safe_point(vm)?;
        if self.pause_wanted.swap(false, SeqCst) {
            native::unobserved(vm, |vm| vm.aside(|vm| self.stop(vm, Reason::Pause)));
        }
        Ok(())
    }

    // ---- stopping ----------------------------------------------------------------------------------------------------

    /// Stops the program here and serves the client until it lets the program go on.
    fn stop(&self, vm: &mut Vm, reason: Reason) {
        if self.process.load(SeqCst) != std::process::id() || !self.desk.has_client() {
            return;
        }
        self.desk.take_turn(vm);
        let step = lock(&self.step).take();
        let (kind, returned) = step.map_or((None, None), |mut s| {
            s.end(vm, self.tool());
            (Some(s.kind), s.returned.take())
        });
        self.pause_wanted.store(false, SeqCst);
        self.update_events(vm);
        let reason = match (reason, kind) {
            (Reason::Step, Some(Kind::Entry)) => Reason::Entry,
            (reason, _) => reason,
        };
        let mut room = Room::new(vm, reason, returned);
        self.send(&EventBody::Stopped(room.announcement(vm, self)));
        let resume = room.serve(vm, self);
        drop(room);
        self.desk.end_turn();
        self.resume(vm, resume);
    }

    fn resume(&self, vm: &mut Vm, resume: Resume) {
        match resume {
            Resume::Continue => {}
            Resume::Step(kind, thread, call) => self.begin_step(vm, kind, thread, call),
            Resume::Detach => self.let_go(vm),
        }
    }

    fn begin_step(&self, vm: &mut Vm, kind: Kind, thread: u64, call: Option<u32>) {
        let step = Step::begin(vm, self.tool(), kind, thread, call, self.just_my_code());
        *lock(&self.step) = Some(step);
        self.update_events(vm);
    }

    /// Waits until a client has set its breakpoints, before the program's first line.
    pub fn wait_for_client(&self, vm: &mut Vm) {
        self.desk.take_turn(vm);
        while let Resume::Detach = Room::waiting().serve(vm, self) {
            // One that left before it was done: the next one may do better.
            self.let_go(vm);
        }
        self.desk.end_turn();
    }

    /// Arms the stop at the program's first line, if it was asked for.
    pub fn enter_program(&self, vm: &mut Vm) {
        if self.stop_on_entry.swap(false, SeqCst) {
            let thread = vm.ident;
            self.begin_step(vm, Kind::Entry, thread, None);
        }
    }

    /// The client is gone: the program goes on as if there were no debugger.
    pub fn let_go(&self, vm: &mut Vm) {
        lock(&self.breakpoints).clear(vm, self.tool());
        lock(&self.watched).clear();
        *lock(&self.filters) = Filters::default();
        *lock(&self.reported) = None;
        if let Some(mut s) = lock(&self.step).take() {
            s.end(vm, self.tool());
        }
        self.update_events(vm);
    }

    /// Asks the interpreter for the events that the step and the filters need, and for no others.
    fn update_events(&self, vm: &mut Vm) {
        let mut events = lock(&self.step).as_ref().map_or(EventSet::NONE, Step::global_events);
        if !lock(&self.filters).is_empty() {
            events = events.and(Event::Raise);
        }
        if !lock(&self.watched).is_empty() {
            events = events.and(Event::Line);
        }
        native::set_events(vm, self.tool(), events);
    }

    // ---- what requests change ----------------------------------------------------------------------------------------

    /// Replaces the breakpoints of a source.
    pub fn set_line_breakpoints(
        &self,
        vm: &mut Vm,
        wanted: &protocol::SetBreakpointsArguments,
    ) -> Vec<protocol::Breakpoint> {
        lock(&self.breakpoints).set_lines(vm, self.tool(), wanted)
    }

    /// Replaces the breakpoints on functions.
    pub fn set_function_breakpoints(
        &self,
        vm: &mut Vm,
        wanted: &[protocol::FunctionBreakpoint],
    ) -> Vec<protocol::Breakpoint> {
        lock(&self.breakpoints).set_functions(vm, self.tool(), wanted)
    }

    /// Whether a place can be watched.
    pub fn data_info(
        &self,
        vm: &mut Vm,
        room: &mut Room,
        a: &protocol::DataBreakpointInfoArguments,
    ) -> protocol::DataBreakpointInfoBody {
        watched::info(vm, &self.watched, room, a)
    }

    /// Replaces the data breakpoints.
    pub fn set_data_breakpoints(&self, vm: &mut Vm, wanted: &[protocol::DataBreakpoint]) -> Vec<protocol::Breakpoint> {
        let answers = lock(&self.watched).set(vm, wanted);
        self.update_events(vm);
        answers
    }

    /// The innermost frame of this thread has been moved to a line.
    pub fn jumped_to(&self, vm: &Vm, line: u32) {
        *lock(&self.jumped) = vm.innermost().map(|f| (vm.ident, f.id(), line));
    }

    /// Replaces the exception filters.
    pub fn set_filters(&self, vm: &mut Vm, wanted: &protocol::SetExceptionBreakpointsArguments) {
        *lock(&self.filters) = Filters::new(wanted);
        self.update_events(vm);
    }
}

/// A code object was made: breakpoints that wait for it get their probes.
fn code_created(code: &taipan_runtime::object::Py<Code>) {
    let Some(debugger) = DEBUGGER.get() else { return };
    // Compiling happens while the debugger evaluates, too: never while the breakpoints are being changed.
    let Ok(mut breakpoints) = debugger.breakpoints.try_lock() else { return };
    let news = breakpoints.code_made(code, debugger.tool());
    drop(breakpoints);
    for breakpoint in news {
        let reason = "changed".to_owned();
        debugger.send(&EventBody::Breakpoint(protocol::BreakpointEvent { reason, breakpoint }));
    }
}
