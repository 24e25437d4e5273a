//! A stop, and everything that is then asked: threads, frames, scopes, variables, watches, the exception.

use crate::app::console::Mark;
use crate::app::session::{Pending, Phase, Stop, ThreadView};
use crate::app::tree::Wanted;
use crate::app::{App, Pane, stack};
use crate::commands;
use crate::dap::request as r;
use crate::dap::{
    EvaluateArguments, FrameArguments, Response, StackTraceArguments, StackTraceBody, StepArguments, StoppedEvent,
    ThreadArguments, ThreadId, VariablesArguments,
};

/// At most this many frames are asked for at once: deep recursion has thousands.
const FRAMES: i64 = 100;

impl App {
    /// The program stopped.
    pub(super) fn stopped(&mut self, event: StoppedEvent) {
        // Another thread stopped too, because of the first: the user goes on looking at that one.
        if let (true, Some(true), Some(id)) = (self.is_stopped(), event.preserve_focus_hint, event.thread_id)
            && self.session.thread.is_some_and(|t| t != id)
        {
            let thread = self.session.thread_mut(id);
            (thread.stopped, thread.frames) = (true, None);
            return;
        }
        let first = !std::mem::replace(&mut self.session.stopped_once, true);
        self.session.epoch += 1;
        // After a long wait nobody remembers which keys were pressed before it.
        if self.now.saturating_sub(self.session.phase_since) > 1_000 {
            self.session.queued.clear();
        }
        self.set_phase(Phase::Stopped);
        let all = event.all_threads_stopped.unwrap_or(false);
        for thread in &mut self.session.threads {
            thread.stopped |= all;
            thread.frames = None;
        }
        // Why a breakpoint stopped, where its place alone does not say it: what changed, a condition that fails.
        if let Some(text) = event.text.as_ref().filter(|_| event.reason.ends_with("breakpoint")) {
            self.console.add(Mark::Note, text.clone());
        }
        let words = event.text.as_ref().or(event.description.as_ref());
        self.session.stop =
            Some(Stop { text: words.cloned().unwrap_or_default(), exception: None, reason: event.reason.clone() });
        if event.reason != "step" {
            self.session.walk = None;
        }
        let thread = event.thread_id.or(self.session.thread).unwrap_or_default();
        self.session.thread = Some(thread);
        self.session.thread_mut(thread).stopped = true;
        if self.drop_spent_breakpoints(&event)
            && event.reason == "breakpoint"
            && let Some(stop) = &mut self.session.stop
        {
            stop.reason = if first { "entry" } else { "cursor" }.to_owned();
        }
        self.ask_stack(thread, true);
        if self.session.walk.is_none() {
            self.request::<r::Threads>(&Default::default(), Pending::Threads);
        }
        if event.reason == "exception" && self.session.capabilities.supports_exception_info_request {
            let arguments = ThreadArguments { thread_id: thread, single_thread: None };
            self.request::<r::ExceptionInfo>(&arguments, Pending::ExceptionInfo(self.session.epoch));
        }
    }

    /// Asks for the frames of a thread; `choose` selects one of them then.
    pub(super) fn ask_stack(&mut self, thread: ThreadId, choose: bool) {
        let levels = self.session.capabilities.supports_delayed_stack_trace_loading.then_some(FRAMES);
        let arguments = StackTraceArguments { thread_id: thread, start_frame: Some(0), levels };
        self.request::<r::StackTrace>(&arguments, Pending::StackTrace(self.session.epoch, thread, choose));
    }

    pub(super) fn threads_known(&mut self, response: &Response) {
        let Ok(body) = response.parse::<r::Threads>() else { return };
        let all_stopped = self.session.threads.iter().all(|t| t.stopped);
        let old = std::mem::take(&mut self.session.threads);
        self.session.threads = body
            .threads
            .into_iter()
            .map(|thread| match old.iter().find(|o| o.thread.id == thread.id) {
                Some(known) => ThreadView { thread, ..known.clone() },
                None => ThreadView { thread, stopped: all_stopped, frames: None, total: 0 },
            })
            .collect();
        // The thread that stopped is never lost, even if the adapter forgot to list it.
        for known in old {
            if Some(known.thread.id) == self.session.thread
                && !self.session.threads.iter().any(|t| t.thread.id == known.thread.id)
            {
                self.session.threads.push(known);
            }
        }
    }

    pub(super) fn stack_known(&mut self, epoch: u64, thread: ThreadId, choose: bool, response: &Response) {
        if epoch != self.session.epoch {
            return;
        }
        let body = match response.parse::<r::StackTrace>() {
            Ok(body) => body,
            Err(_) if !self.is_stopped() => return,
            Err(e) => return self.problem(e),
        };
        let StackTraceBody { stack_frames, total_frames } = body;
        let total = total_frames.and_then(|n| usize::try_from(n).ok()).unwrap_or(stack_frames.len());
        let view = self.session.thread_mut(thread);
        view.total = total.max(stack_frames.len());
        view.frames = Some(stack_frames);
        if !choose {
            return;
        }
        if self.walk_goes_on() {
            return;
        }
        self.session.thread = Some(thread);
        self.drop_temporary_breakpoints_here();
        let frames = self.session.frames();
        let with_source = frames.iter().position(|f| self.frame_source(f).is_some());
        self.select_frame(with_source.unwrap_or(0));
        self.run_typed_ahead();
        self.run_queued();
    }

    /// Continues the walk in progress; false if there is none or it is at its end.
    fn walk_goes_on(&mut self) -> bool {
        let Some(walk) = &self.session.walk else { return false };
        let (Some(view), Some(top)) = (self.session.current_thread(), self.session.frames().first()) else {
            return false;
        };
        let same_function = view.total == walk.depth && source_path(top) == walk.source.as_ref().and_then(path_of);
        if view.total >= walk.depth && !(same_function && top.line > walk.line) {
            let arguments = StepArguments { thread_id: view.thread.id, ..Default::default() };
            self.set_phase(Phase::Running);
            self.request::<r::Next>(&arguments, Pending::Resume("until"));
            return true;
        }
        self.session.walk = None;
        self.request::<r::Threads>(&Default::default(), Pending::Threads);
        false
    }

    /// Looks at a frame of the current thread.
    pub(crate) fn select_frame(&mut self, index: usize) {
        self.session.frame = index;
        if let Some(row) = stack::current_row(self) {
            self.stack_cursor.selected = row;
        }
        let Some(frame) = self.session.current_frame().cloned() else {
            self.variables.clear();
            return;
        };
        match self.frame_source(&frame) {
            Some(key) => {
                let line = usize::try_from(frame.line).ok().filter(|&l| l > 0);
                self.show_source(key, line);
            }
            None => self.note(format!("{} has no source to show", frame.name)),
        }
        let depth = self.session.current_thread().map_or(0, |t| t.total) - index;
        let key = format!("{:?} {depth} {} {:?}", self.session.thread, frame.name, source_path(&frame));
        self.variables.begin(key, 1);
        let arguments = FrameArguments { frame_id: frame.id };
        self.request::<r::Scopes>(&arguments, Pending::Scopes(self.session.epoch));
        self.watches.begin(String::new(), self.watch_expressions.len());
        self.ask_watches();
    }

    /// Reads the values of the current frame again, after something may have changed them.
    pub(crate) fn refresh_values(&mut self) {
        let (true, Some(frame_id)) = (self.is_stopped(), self.session.frame_id()) else { return };
        self.variables.begin_again(1);
        self.request::<r::Scopes>(&FrameArguments { frame_id }, Pending::Scopes(self.session.epoch));
        self.refresh_watches();
    }

    /// Evaluates the watched expressions again.
    pub(crate) fn refresh_watches(&mut self) {
        if self.is_stopped() {
            self.watches.begin_again(self.watch_expressions.len().max(1));
            if self.watch_expressions.is_empty() {
                self.watches.clear();
            }
            self.ask_watches();
        }
    }

    fn ask_watches(&mut self) {
        let Some(id) = self.watches.next.as_ref().map(|(tree, _)| tree.id) else { return };
        let frame_id = self.session.frame_id();
        for (index, expression) in self.watch_expressions.clone().into_iter().enumerate() {
            let context = Some("watch".to_owned());
            let arguments = EvaluateArguments { expression, frame_id, context, format: None };
            self.request::<r::Evaluate>(&arguments, Pending::Watch(id, index));
        }
    }

    pub(super) fn watch_known(&mut self, tree: u64, index: usize, response: &Response) {
        let Some(expression) = self.watch_expressions.get(index).cloned() else { return };
        if !response.success && !self.is_stopped() {
            return;
        }
        let value = response.parse::<r::Evaluate>();
        let wanted = self.watches.set_watch(tree, &expression, value);
        self.ask_children(Pane::Watches, wanted);
        self.watches.arrived(tree);
    }

    pub(super) fn scopes_known(&mut self, epoch: u64, response: &Response) {
        if epoch != self.session.epoch {
            return;
        }
        let Some(id) = self.variables.next.as_ref().map(|(tree, _)| tree.id) else { return };
        match response.parse::<r::Scopes>() {
            Ok(body) => {
                let wanted = self.variables.set_scopes(id, &body.scopes);
                self.ask_children(Pane::Variables, wanted);
            }
            Err(_) if !self.is_stopped() => return,
            Err(e) => self.problem(e),
        }
        self.variables.arrived(id);
    }

    /// Sends the requests for children that a tree wants.
    pub(crate) fn ask_children(&mut self, pane: Pane, wanted: impl IntoIterator<Item = Wanted>) {
        for w in wanted {
            let arguments = VariablesArguments {
                variables_reference: w.reference,
                filter: w.range.map(|_| "indexed".to_owned()),
                start: w.range.map(|r| r.0),
                count: w.range.map(|r| r.1),
                format: None,
            };
            self.request::<r::Variables>(&arguments, Pending::Children(pane, w.tree, w.node));
        }
    }

    pub(super) fn children_known(&mut self, pane: Pane, tree: u64, node: usize, response: &Response) {
        let variables = match response.parse::<r::Variables>() {
            Ok(body) => body.variables,
            // The program runs on meanwhile: what was asked for is not wanted any more.
            Err(_) if !self.is_stopped() => return,
            Err(e) => {
                self.problem(e);
                Vec::new()
            }
        };
        let wanted = self.tree_pane(pane).set_children(tree, node, variables);
        self.ask_children(pane, wanted);
        self.tree_pane(pane).arrived(tree);
    }

    pub(super) fn exception_known(&mut self, epoch: u64, response: &Response) {
        if epoch == self.session.epoch
            && let Ok(info) = response.parse::<r::ExceptionInfo>()
            && let Some(stop) = &mut self.session.stop
        {
            stop.exception = Some(info);
            if let Some(line) = stop.exception_line() {
                self.console.add(Mark::Error, line);
            }
        }
    }

    /// Carries out the next command that the user gave before the program started.
    fn run_typed_ahead(&mut self) {
        while self.is_stopped() && !self.config.commands.is_empty() {
            let line = self.config.commands.remove(0);
            self.console.add(Mark::Typed, &line);
            match commands::parse_line(&line) {
                Ok(list) => list.into_iter().for_each(|c| self.run_command(c)),
                Err(e) => self.console.add(Mark::Error, e),
            }
        }
    }
}

fn path_of(source: &crate::dap::Source) -> Option<String> {
    source.path.clone()
}

fn source_path(frame: &crate::dap::StackFrame) -> Option<String> {
    frame.source.as_ref().and_then(path_of)
}
