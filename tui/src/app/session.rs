//! Where the debugging session stands: the program's state, its threads and frames, and which answers are awaited.

use std::collections::{HashMap, VecDeque};

use crate::dap::{Capabilities, ExceptionInfoBody, FrameId, Source, StackFrame, Thread, ThreadId};
use crate::keys::Action;
use crate::msg::ProcessEnd;

use super::Pane;
use super::sources::SourceKey;

/// What the program is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It is being started, or its adapter has not answered yet.
    Starting,
    /// It runs.
    Running,
    /// It stands still and can be looked at.
    Stopped,
    /// It has ended.
    Finished,
    /// It could not be started, or the connection broke; the text says why.
    Failed(String),
}

/// Why the program stopped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stop {
    /// The protocol's word: `step`, `breakpoint`, `exception`, …
    pub reason: String,
    /// The adapter's own words, if any.
    pub text: String,
    /// The exception, at a stop for one.
    pub exception: Option<ExceptionInfoBody>,
}

impl Stop {
    /// Whether the program stopped for an exception that nobody will catch: it is about to die.
    pub fn is_post_mortem(&self) -> bool {
        self.reason == "exception"
            && self.exception.as_ref().is_some_and(|e| matches!(e.break_mode.as_str(), "unhandled" | "userUnhandled"))
    }

    /// Type and message of the exception in one line, if that is why it stopped.
    pub fn exception_line(&self) -> Option<String> {
        if self.reason != "exception" {
            return None;
        }
        let Some(info) = &self.exception else {
            return Some(self.text.clone());
        };
        // Some adapters add remarks of their own behind the type's name.
        let id = info.exception_id.split_whitespace().next().unwrap_or("");
        let id = id.rsplit('.').next().unwrap_or(id);
        let message = info.description.clone().or_else(|| info.details.as_ref().and_then(|d| d.message.clone()));
        Some(match message.filter(|m| !m.is_empty()) {
            Some(m) if m.starts_with(id) => m,
            Some(m) => format!("{id}: {m}"),
            None => id.to_owned(),
        })
    }
}

/// A thread of the program.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadView {
    /// The thread.
    pub thread: Thread,
    /// Whether it stands still.
    pub stopped: bool,
    /// Its frames, innermost first, if they were asked for since it stopped.
    pub frames: Option<Vec<StackFrame>>,
    /// How many frames it has altogether.
    pub total: usize,
}

/// A walk of single steps that ends below a line or when the function returns: pdb's `until`.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// How many frames the thread had at the start.
    pub depth: usize,
    /// The line not to stop at or above.
    pub line: i64,
    /// The source of that line.
    pub source: Option<Source>,
}

/// What an answer is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Pending {
    /// `initialize`.
    Initialize,
    /// `launch` or `attach`.
    Start,
    /// `configurationDone`.
    ConfigurationDone,
    /// `setBreakpoints` or its relatives: the numbers of the breakpoints, in order.
    Breakpoints(Vec<usize>),
    /// `setExceptionBreakpoints`.
    ExceptionBreakpoints,
    /// `threads`.
    Threads,
    /// `stackTrace` of a thread, at this stop; true if the frame to look at is to be chosen by it.
    StackTrace(u64, ThreadId, bool),
    /// `scopes`, at this stop.
    Scopes(u64),
    /// `variables`: children of a node in a tree of a pane.
    Children(Pane, u64, usize),
    /// `evaluate`: a root of a watch tree.
    Watch(u64, usize),
    /// `evaluate` for the console; true if the value's items are to be printed too.
    Evaluate(bool),
    /// `evaluate` for the text being shown: the whole value.
    FullValue,
    /// `variables` for the console.
    Items,
    /// `setVariable` or `setExpression`.
    SetValue,
    /// A request that makes the program run; the word says what was asked for.
    Resume(&'static str),
    /// `pause`.
    Pause,
    /// `gotoTargets` for a line.
    GotoTargets(i64),
    /// `goto`.
    Goto,
    /// `source`.
    SourceText(SourceKey),
    /// `completions` for the console line as it was.
    Completions(String),
    /// `exceptionInfo`, at this stop.
    ExceptionInfo(u64),
    /// `stepInTargets`.
    StepInTargets,
    /// `dataBreakpointInfo` for a variable of this name.
    DataInfo(String),
    /// `terminate` or `disconnect`.
    End,
}

/// The state of the session.
#[derive(Debug)]
pub struct Session {
    /// Counts the starts; what comes from an earlier one is ignored.
    pub generation: u32,
    /// What the program is doing.
    pub phase: Phase,
    /// Since when, in milliseconds.
    pub phase_since: u64,
    /// What the adapter can do.
    pub capabilities: Capabilities,
    /// Whether the breakpoints were sent.
    pub configured: bool,
    /// Whether `initialize` was answered.
    pub initialized: bool,
    /// The threads known.
    pub threads: Vec<ThreadView>,
    /// The thread looked at.
    pub thread: Option<ThreadId>,
    /// The frame looked at: its place in that thread's frames.
    pub frame: usize,
    /// Why the program stopped last, while it stands.
    pub stop: Option<Stop>,
    /// Counts the stops; what was asked at an earlier one is ignored.
    pub epoch: u64,
    /// The exit code that the adapter reported.
    pub exit_code: Option<i64>,
    /// How the process ended.
    pub process_end: Option<ProcessEnd>,
    /// The walk in progress.
    pub walk: Option<Walk>,
    /// Whether the program has ever stopped.
    pub stopped_once: bool,
    /// Whether the program runs because of a step.
    pub stepping: bool,
    /// What was asked for while a step was on its way.
    pub queued: VecDeque<Action>,
    last_seq: i64,
    pending: HashMap<i64, Pending>,
}

impl Session {
    /// A session that has not begun.
    pub fn new() -> Session {
        Session {
            generation: 0,
            phase: Phase::Starting,
            phase_since: 0,
            capabilities: Capabilities::default(),
            configured: false,
            initialized: false,
            threads: Vec::new(),
            thread: None,
            frame: 0,
            stop: None,
            epoch: 0,
            exit_code: None,
            process_end: None,
            walk: None,
            stopped_once: false,
            stepping: false,
            queued: VecDeque::new(),
            last_seq: 0,
            pending: HashMap::new(),
        }
    }

    /// The session that follows this one.
    pub fn next(&self, now: u64) -> Session {
        let generation = self.generation + 1;
        Session { generation, phase_since: now, epoch: self.epoch + 1, ..Session::new() }
    }

    /// Whether the answer to something typed is still to come.
    pub fn is_evaluating(&self) -> bool {
        self.pending.values().any(|p| matches!(p, Pending::Evaluate(_)))
    }

    /// Remembers what the answer to a new request is for; returns the request's number.
    pub fn register(&mut self, pending: Pending) -> i64 {
        self.last_seq += 1;
        self.pending.insert(self.last_seq, pending);
        self.last_seq
    }

    /// What the answer to request `seq` is for.
    pub fn resolve(&mut self, seq: i64) -> Option<Pending> {
        self.pending.remove(&seq)
    }

    /// The thread looked at.
    pub fn current_thread(&self) -> Option<&ThreadView> {
        let id = self.thread?;
        self.threads.iter().find(|t| t.thread.id == id)
    }

    /// The thread with this id, made known if it was not.
    pub fn thread_mut(&mut self, id: ThreadId) -> &mut ThreadView {
        let at = self.threads.iter().position(|t| t.thread.id == id).unwrap_or_else(|| {
            let thread = Thread { id, name: format!("thread {}", id.0) };
            self.threads.push(ThreadView { thread, stopped: false, frames: None, total: 0 });
            self.threads.len() - 1
        });
        &mut self.threads[at]
    }

    /// The frames of the thread looked at, innermost first.
    pub fn frames(&self) -> &[StackFrame] {
        self.current_thread().and_then(|t| t.frames.as_deref()).unwrap_or(&[])
    }

    /// The frame looked at.
    pub fn current_frame(&self) -> Option<&StackFrame> {
        self.frames().get(self.frame)
    }

    /// The id of the frame looked at.
    pub fn frame_id(&self) -> Option<FrameId> {
        self.current_frame().map(|f| f.id)
    }

    /// Whether there is a program that has not ended.
    pub fn is_alive(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Running | Phase::Stopped)
    }

    /// How the program ended, in words, and whether that was well.
    pub fn ending(&self) -> (String, bool) {
        match (&self.process_end, self.exit_code) {
            (Some(ProcessEnd::Signal(name)), _) => (format!("ended by signal {name}"), false),
            (_, Some(0)) | (Some(ProcessEnd::Code(0)), None) => ("finished".to_owned(), true),
            (_, Some(code)) => (format!("finished with exit code {code}"), false),
            (Some(ProcessEnd::Code(code)), None) => (format!("finished with exit code {code}"), false),
            (None, None) => ("finished".to_owned(), true),
        }
    }

    /// The exit code to leave with: the program's own, 128 and more for a signal as shells have it.
    pub fn final_code(&self) -> i32 {
        match (&self.process_end, self.exit_code) {
            (_, Some(code)) => code as i32,
            (Some(ProcessEnd::Code(code)), None) => *code,
            (Some(ProcessEnd::Signal(_)), None) => 128,
            (None, None) => 0,
        }
    }
}

impl Default for Session {
    fn default() -> Self {
        Session::new()
    }
}
