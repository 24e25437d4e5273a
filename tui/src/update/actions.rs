//! What the keys do.

use crate::app::breakpoints::Target;
use crate::app::dialog::{Dialog, Prompt, Purpose, Question, TextView};
use crate::app::session::{Pending, Phase};
use crate::app::sources::SourceKey;
use crate::app::stack::StackRow;
use crate::app::{App, Pane, stack};
use crate::dap::request as r;
use crate::dap::{
    Command, DataBreakpointInfoArguments, EvaluateArguments, FrameArguments, GotoTargetsArguments, Source,
    StepArguments, ThreadArguments, ThreadId,
};
use crate::keys::Action as A;
use crate::msg::Effect;
use crate::theme::Theme;
use crate::widgets::line_editor::LineEditor;

use super::breakpoints::BreakpointRow;

impl App {
    /// Does what a key stands for.
    pub(super) fn act(&mut self, action: A) {
        if matches!(action, A::StepOver | A::StepIn | A::StepOut | A::Continue) && self.is_queued(action) {
            return;
        }
        match action {
            A::StepOver => self.step::<r::Next>("next"),
            A::StepIn => self.step::<r::StepIn>("step"),
            A::StepIntoTarget => self.ask_step_targets(),
            A::StepOut => self.step::<r::StepOut>("return"),
            A::Continue => self.run_on::<r::Continue>("continue"),
            A::StepBack => self.back::<r::StepBack>(),
            A::ReverseContinue => self.run_backwards(),
            A::Pause => self.pause(),
            A::RunToCursor => self.run_to_cursor(),
            A::JumpToCursor => self.jump(self.view.at.cursor + 1),
            A::Restart => self.ask_restart(),
            A::Quit => self.ask_quit(),
            A::FrameUp => self.move_frame(1),
            A::FrameDown => self.move_frame(-1),
            A::ToggleBreakpoint => self.with_cursor_line(|app, key, line| app.toggle_breakpoint(key, line)),
            A::EditBreakpoint => self.with_cursor_line(App::edit_breakpoint_at),
            A::ToggleRaised => self.toggle_filter("raised"),
            A::ToggleUncaught => self.toggle_filter("uncaught"),
            A::ShowException => self.show_exception(),
            A::CurrentLine => self.show_current_line(),
            A::SearchNext => self.search_again(false),
            A::SearchPrevious => self.search_again(true),
            A::EditFile => self.edit_file(),
            A::Theme => {
                self.theme_choice = self.theme_choice.next();
                self.theme = Theme::new(self.theme_choice, self.depth);
                self.note(format!("colours: {}", self.theme_choice.name()));
            }
            A::Redraw => self.effect(Effect::Redraw),
            A::Suspend => self.effect(Effect::Suspend),
            A::WiderSide => self.side_extra += 2,
            A::NarrowerSide => self.side_extra -= 2,
            A::TallerBottom => self.bottom_extra += 1,
            A::ShorterBottom => self.bottom_extra -= 1,
            A::SetValue
            | A::WatchVariable
            | A::BreakOnChange
            | A::ToggleSpecial
            | A::EditWatch
            | A::Delete
            | A::ToggleEnabled
            | A::EditListedBreakpoint => self.act_on_row(action),
            A::Up
            | A::Down
            | A::Left
            | A::Right
            | A::PageUp
            | A::PageDown
            | A::Top
            | A::Bottom
            | A::Activate
            | A::Expand
            | A::Collapse
            | A::ScrollBack
            | A::ScrollForward => self.act_on_view(action),
            _ => self.act_on_screen(action),
        }
    }

    /// Focus, prompts, dialogs.
    fn act_on_screen(&mut self, action: A) {
        match action {
            A::CommandLine => self.open_console(""),
            A::PrintPrompt => self.open_console("p "),
            A::AddWatch => self.prompt(Purpose::Watch, ""),
            A::GotoLine => self.prompt(Purpose::GotoLine, ""),
            A::Search => self.prompt(Purpose::Search(self.view.at.cursor), ""),
            A::Filter => self.prompt(Purpose::Filter, &self.variables.filter.clone()),
            A::OpenFile => self.open_file_picker(),
            A::Help => self.dialog = Some(Dialog::Help(TextView::new("Keys", ""))),
            A::Zoom => self.zoomed = !self.zoomed,
            A::FocusNext => self.cycle_focus(1),
            A::FocusPrevious => self.cycle_focus(Pane::ALL.len() - 1),
            A::Focus(pane) => self.focus(pane),
            A::FocusSource | A::LeaveTerminal => {
                self.zoomed &= self.focus == Pane::Source && action == A::LeaveTerminal;
                self.terminal.scroll_to_end();
                self.focus(Pane::Source);
            }
            _ => {}
        }
    }

    fn cycle_focus(&mut self, by: usize) {
        let at = Pane::ALL.iter().position(|&p| p == self.focus).unwrap_or(0);
        let mut next = Pane::ALL[(at + by) % Pane::ALL.len()];
        if next == Pane::Watches && self.watch_expressions.is_empty() {
            next = Pane::ALL[(at + 2 * by) % Pane::ALL.len()];
        }
        self.focus(next);
    }

    fn prompt(&mut self, purpose: Purpose, text: &str) {
        self.dialog = Some(Dialog::Prompt(Prompt { purpose, editor: LineEditor::new(text) }));
    }

    pub(super) fn open_console(&mut self, text: &str) {
        if !text.is_empty() {
            self.console.editor.set(text);
        }
        self.focus(Pane::Console);
    }

    /// The thread that can make a step; tells the user why if there is none.
    fn stopped_thread(&mut self) -> Option<ThreadId> {
        match &self.session.phase {
            Phase::Stopped => return self.session.thread,
            Phase::Running if self.focus == Pane::Console => self.problem("the program is running: Ctrl-C pauses it"),
            Phase::Running => self.note("the program is running: Ctrl-C pauses it, o lets you type into it"),
            Phase::Starting => self.note("the program is starting"),
            Phase::Finished => self.note("the program has ended: R starts it anew, q leaves"),
            Phase::Failed(_) => self.note("there is no program: R tries again, q leaves"),
        }
        None
    }

    /// Whether a step was asked for a moment ago and has not arrived; then `action` is done when it has, so that keys
    /// pressed fast are not lost.
    fn is_queued(&mut self, action: A) -> bool {
        let session = &mut self.session;
        let soon = self.now.saturating_sub(session.phase_since) < 1_000 && session.stepping;
        if session.phase != Phase::Running || !soon || session.queued.len() >= 20 {
            return false;
        }
        session.queued.push_back(action);
        true
    }

    /// At a stop: does the next thing that was asked for meanwhile. A stop for another reason than a step ends all.
    pub(super) fn run_queued(&mut self) {
        if self.session.stop.as_ref().is_none_or(|s| s.reason != "step") {
            self.session.queued.clear();
        }
        if let Some(action) = self.session.queued.pop_front() {
            self.act(action);
        }
    }

    fn step<C: Command<Arguments = StepArguments>>(&mut self, word: &'static str) {
        let Some(thread_id) = self.stopped_thread() else { return };
        self.session.walk = None;
        self.runs();
        self.session.stepping = true;
        let arguments = StepArguments { thread_id, ..Default::default() };
        self.request::<C>(&arguments, Pending::Resume(word));
    }

    fn run_on<C: Command<Arguments = ThreadArguments>>(&mut self, word: &'static str) {
        let Some(thread_id) = self.stopped_thread() else { return };
        self.session.walk = None;
        self.runs();
        self.request::<C>(&ThreadArguments { thread_id, single_thread: None }, Pending::Resume(word));
    }

    fn back<C: Command<Arguments = StepArguments>>(&mut self) {
        if !self.session.capabilities.supports_step_back {
            return self.problem("this debugger cannot go back");
        }
        self.step::<C>("back");
    }

    fn run_backwards(&mut self) {
        if !self.session.capabilities.supports_step_back {
            return self.problem("this debugger cannot run backwards");
        }
        self.run_on::<r::ReverseContinue>("run backwards");
    }

    fn pause(&mut self) {
        match self.session.phase {
            Phase::Running => {
                let first = self.session.threads.first().map(|t| t.thread.id);
                let thread_id = self.session.thread.or(first).unwrap_or(ThreadId(1));
                self.session.walk = None;
                self.session.queued.clear();
                self.request::<r::Pause>(&ThreadArguments { thread_id, single_thread: None }, Pending::Pause);
                self.note("pausing at the next line of Python");
            }
            Phase::Stopped if self.session.is_evaluating() => {
                let thread_id = self.session.thread.unwrap_or(ThreadId(1));
                self.request::<r::Pause>(&ThreadArguments { thread_id, single_thread: None }, Pending::Pause);
                self.note("interrupting what was typed");
            }
            Phase::Stopped => self.note("the program is not running: c continues, q leaves"),
            _ => self.ask_quit(),
        }
    }

    fn ask_step_targets(&mut self) {
        if self.stopped_thread().is_none() {
            return;
        }
        if !self.session.capabilities.supports_step_in_targets_request {
            return self.problem("this debugger cannot list the calls of a line");
        }
        // Only the innermost frame can step, whichever is looked at.
        if let Some(frame_id) = self.session.frames().first().map(|f| f.id) {
            self.request::<r::StepInTargets>(&FrameArguments { frame_id }, Pending::StepInTargets);
        }
    }

    /// Steps into the call that the user chose.
    pub(super) fn step_into(&mut self, target: i64) {
        let Some(thread_id) = self.stopped_thread() else { return };
        self.runs();
        let arguments = StepArguments { thread_id, target_id: Some(target), ..Default::default() };
        self.request::<r::StepIn>(&arguments, Pending::Resume("step"));
    }

    fn run_to_cursor(&mut self) {
        if let Some(key) = self.view.key.clone() {
            self.run_to(key, self.view.at.cursor + 1);
        }
    }

    /// Runs to a line by a breakpoint that goes away at the next stop.
    pub(super) fn run_to(&mut self, key: SourceKey, line: usize) {
        if self.stopped_thread().is_none() {
            return;
        }
        let target = Target::Line(key, line);
        self.breakpoints.add_hidden(target.clone());
        self.send_breakpoints_of(&target);
        self.run_on::<r::Continue>("run to cursor");
    }

    /// Goes on at another line of the source shown.
    pub(super) fn jump(&mut self, line: usize) {
        if self.stopped_thread().is_none() {
            return;
        }
        if !self.session.capabilities.supports_goto_targets_request {
            return self.problem("this debugger cannot jump");
        }
        let Some(path) = self.view.key.as_ref().and_then(SourceKey::path) else {
            return self.problem("can jump within files only");
        };
        let source = Source { path: Some(path.display().to_string()), ..Default::default() };
        let line = line as i64;
        let arguments = GotoTargetsArguments { source, line, column: None };
        self.request::<r::GotoTargets>(&arguments, Pending::GotoTargets(line));
    }

    pub(super) fn ask_restart(&mut self) {
        if self.session.is_alive() && self.session.initialized {
            self.dialog = Some(Dialog::Confirm(Question::Restart));
        } else {
            self.restart();
        }
    }

    pub(super) fn ask_quit(&mut self) {
        if self.session.is_alive() && self.session.initialized {
            self.dialog = Some(Dialog::Confirm(Question::Quit));
        } else {
            self.leave();
        }
    }

    /// Looks at a frame that is `delta` nearer to the start of the program.
    pub(super) fn move_frame(&mut self, delta: isize) {
        if !self.is_stopped() {
            self.stopped_thread();
            return;
        }
        let len = self.session.frames().len();
        let wanted = self.session.frame.saturating_add_signed(delta).min(len.saturating_sub(1));
        if wanted == self.session.frame {
            self.note(if delta > 0 { "this is the outermost frame" } else { "this is the innermost frame" });
        } else {
            self.select_frame(wanted);
        }
    }

    fn with_cursor_line(&mut self, f: impl FnOnce(&mut App, SourceKey, usize)) {
        match self.view.key.clone() {
            Some(key) if self.source_len() > 0 => f(self, key, self.view.at.cursor + 1),
            _ => self.problem("no source is shown"),
        }
    }

    pub(super) fn show_exception(&mut self) {
        let Some(stop) = self.session.stop.as_ref().filter(|s| s.reason == "exception" && self.is_stopped()) else {
            return self.note("the program did not stop for an exception");
        };
        let mut text = stop.exception_line().unwrap_or_default();
        if stop.is_post_mortem() {
            text.push_str("\n\nNobody catches it: the program is about to end.");
        }
        if let Some(details) = stop.exception.as_ref().and_then(|e| e.details.as_ref()) {
            if let Some(trace) = details.stack_trace.as_ref().filter(|t| !t.trim().is_empty()) {
                text = format!("{text}\n\nTraceback:\n{}", trace.trim_end());
            }
            let mut inner: Vec<_> = details.inner_exception.iter().flatten().collect();
            while let Some(e) = inner.pop() {
                let name = e.full_type_name.as_deref().or(e.type_name.as_deref()).unwrap_or("exception");
                text = format!("{text}\n\ncaused by {name}: {}", e.message.as_deref().unwrap_or(""));
                inner.extend(e.inner_exception.iter().flatten());
            }
        }
        self.dialog = Some(Dialog::Text(TextView::new("Exception", text)));
    }

    fn show_current_line(&mut self) {
        self.focus(Pane::Source);
        if self.is_stopped() && self.session.current_frame().is_some() {
            let frame = self.session.current_frame().cloned().unwrap_or_default();
            if let Some(key) = self.frame_source(&frame) {
                self.view.center = true;
                self.show_source(key, usize::try_from(frame.line).ok());
            }
        } else {
            self.note("the program does not stand at any line now");
        }
    }

    /// Puts the cursor on the next place found.
    pub(super) fn search_again(&mut self, backwards: bool) {
        let Some(key) = &self.view.key else { return };
        if self.view.search.is_empty() {
            return self.note("/ searches");
        }
        let lines = self.sources.lines(key);
        match self.view.find(lines, backwards) {
            Some(line) => self.view.go(line + 1, lines.len()),
            None => self.problem(format!("not found: {}", self.view.search)),
        }
    }

    fn edit_file(&mut self) {
        match self.view.key.as_ref().and_then(SourceKey::path).cloned() {
            Some(path) => self.effect(Effect::Edit(path, self.view.at.cursor + 1)),
            None => self.problem("no file is shown"),
        }
    }

    /// Moving and opening, in whichever pane has the keys.
    fn act_on_view(&mut self, action: A) {
        let page = self.page(self.focus) as isize;
        let delta = match action {
            A::Up => -1,
            A::Down => 1,
            A::PageUp => -page,
            A::PageDown => page,
            A::Top => isize::MIN,
            A::Bottom => isize::MAX,
            _ => 0,
        };
        match (self.focus, action) {
            (Pane::Source, A::Left) => self.view.at.left = self.view.at.left.saturating_sub(8),
            (Pane::Source, A::Right) => self.view.at.left += 8,
            (Pane::Output, A::ScrollBack) => self.terminal.scroll_by(page),
            (Pane::Output, A::ScrollForward) => self.terminal.scroll_by(-page),
            (pane @ (Pane::Variables | Pane::Watches), A::Activate | A::Expand | A::Collapse) => {
                self.open_node(pane, action);
            }
            (Pane::Stack, A::Activate) => self.look_at_row(),
            (Pane::Breakpoints, A::Activate) => self.show_listed_breakpoint(),
            (pane, _) => self.move_cursor(pane, delta),
        }
    }

    /// Moves the cursor of a pane.
    pub(super) fn move_cursor(&mut self, pane: Pane, delta: isize) {
        match pane {
            Pane::Source => {
                let len = self.source_len();
                self.view.step(delta, len);
            }
            Pane::Variables => self.variables.cursor.step(delta, self.variables.visible().len()),
            Pane::Watches => self.watches.cursor.step(delta, self.watches.visible().len()),
            Pane::Stack => {
                let len = stack::rows(self).len();
                self.stack_cursor.step(delta, len);
            }
            Pane::Breakpoints => {
                let len = self.breakpoint_rows().len();
                self.breakpoint_cursor.step(delta, len);
            }
            Pane::Output | Pane::Console => {}
        }
    }

    /// Opens or closes the node under the cursor; what cannot be opened is shown in full.
    pub(super) fn open_node(&mut self, pane: Pane, action: A) {
        let Some(node) = self.tree_pane(pane).selected().cloned() else { return };
        let open = match action {
            A::Expand => true,
            A::Collapse => false,
            _ => !node.open,
        };
        if !node.is_expandable() && action == A::Activate {
            let title = format!("{}: {}", node.name, node.type_name);
            self.dialog = Some(Dialog::Text(TextView::new(title.trim_end_matches(": "), node.value)));
            if let (true, Some(expression)) = (self.session.capabilities.supports_clipboard_context, node.evaluate_name)
            {
                // The tree has values cut short; this context asks for all of it.
                let context = Some("clipboard".to_owned());
                let arguments =
                    EvaluateArguments { expression, frame_id: self.session.frame_id(), context, format: None };
                self.request::<r::Evaluate>(&arguments, Pending::FullValue);
            }
        } else if action == A::Collapse && !node.open {
            self.tree_pane(pane).go_to_parent();
        } else {
            let wanted = self.tree_pane(pane).set_open(open);
            self.ask_children(pane, wanted);
        }
    }

    /// Looks at the frame or thread under the cursor of the stack.
    pub(super) fn look_at_row(&mut self) {
        match stack::rows(self).get(self.stack_cursor.selected) {
            Some(&StackRow::Frame(thread, index)) => {
                self.session.thread = Some(thread);
                self.select_frame(index);
            }
            Some(&StackRow::Thread(thread)) => {
                if self.session.threads.iter().any(|t| t.thread.id == thread && t.stopped) {
                    self.session.thread = Some(thread);
                    self.ask_stack(thread, true);
                } else {
                    self.note("this thread is running: there is nothing to look at");
                }
            }
            Some(StackRow::More(count)) => self.note(format!("{count} more frames are not shown")),
            None => {}
        }
    }

    fn show_listed_breakpoint(&mut self) {
        match self.breakpoint_rows().get(self.breakpoint_cursor.selected) {
            Some(BreakpointRow::Filter(at)) => self.toggle_filter_at(*at),
            Some(&BreakpointRow::Breakpoint(number)) => {
                let Some(b) = self.breakpoints.get(number) else { return };
                if let Target::Line(key, line) = b.target.clone() {
                    let line = b.actual_line.unwrap_or(line);
                    self.show_source(key, Some(line));
                } else {
                    self.edit_breakpoint(number);
                }
            }
            None => {}
        }
    }

    /// What keys do to the selected row of a list.
    fn act_on_row(&mut self, action: A) {
        match action {
            A::ToggleSpecial => self.variables.show_special = !self.variables.show_special,
            A::SetValue => match self.variables.selected() {
                Some(node) if !node.is_scope => {
                    let value = node.value.clone();
                    self.prompt(Purpose::SetValue, &value);
                }
                _ => self.note("choose a variable first"),
            },
            A::WatchVariable => {
                let expression = self.variables.selected().filter(|n| !n.is_scope);
                let expression = expression.map(|n| n.evaluate_name.clone().unwrap_or_else(|| n.name.clone()));
                match expression {
                    Some(expression) => self.add_watch(&expression),
                    None => self.note("choose a variable first"),
                }
            }
            A::BreakOnChange => self.ask_break_on_change(),
            A::EditWatch => {
                if let Some(index) = self.watches.selected_root() {
                    let text = self.watch_expressions[index].clone();
                    self.prompt(Purpose::EditWatch(index), &text);
                }
            }
            A::Delete if self.focus == Pane::Watches => {
                if let Some(index) = self.watches.selected_root() {
                    self.remove_watch(index);
                }
            }
            A::Delete | A::ToggleEnabled | A::EditListedBreakpoint => self.act_on_breakpoint(action),
            _ => {}
        }
    }

    fn act_on_breakpoint(&mut self, action: A) {
        match (self.breakpoint_rows().get(self.breakpoint_cursor.selected).copied(), action) {
            (Some(BreakpointRow::Filter(at)), A::ToggleEnabled) => self.toggle_filter_at(at),
            (Some(BreakpointRow::Filter(_)), _) => self.note("space turns it on or off"),
            (Some(BreakpointRow::Breakpoint(n)), A::Delete) => self.remove_breakpoint(n),
            (Some(BreakpointRow::Breakpoint(n)), A::ToggleEnabled) => {
                self.change_breakpoint(n, |b| b.enabled = !b.enabled)
            }
            (Some(BreakpointRow::Breakpoint(n)), _) => self.edit_breakpoint(n),
            (None, _) => {}
        }
    }

    fn ask_break_on_change(&mut self) {
        let Some(node) = self.variables.selected().filter(|n| !n.is_scope).cloned() else {
            return self.note("choose a variable first");
        };
        if !self.session.capabilities.supports_data_breakpoints {
            return self.problem("this debugger cannot stop when a value changes");
        }
        let parent = node.parent.map(|p| self.variables.tree.nodes[p].reference);
        let arguments = DataBreakpointInfoArguments {
            variables_reference: parent,
            name: node.name.clone(),
            frame_id: self.session.frame_id(),
        };
        let label = node.evaluate_name.unwrap_or(node.name);
        self.request::<r::DataBreakpointInfo>(&arguments, Pending::DataInfo(label));
    }

    /// Stops when what an expression names is given another value.
    pub(super) fn watch_for_change(&mut self, name: String) {
        if !self.session.capabilities.supports_data_breakpoints {
            return self.problem("this debugger cannot stop when a value changes");
        }
        if !self.is_stopped() {
            return self.problem("only while the program has stopped");
        }
        let frame_id = self.session.frame_id();
        let arguments = DataBreakpointInfoArguments { variables_reference: None, name: name.clone(), frame_id };
        self.request::<r::DataBreakpointInfo>(&arguments, Pending::DataInfo(name));
    }

    /// Watches an expression.
    pub(super) fn add_watch(&mut self, expression: &str) {
        let expression = expression.trim();
        if expression.is_empty() {
            return;
        }
        if !self.watch_expressions.iter().any(|e| e == expression) {
            self.watch_expressions.push(expression.to_owned());
        }
        self.refresh_watches();
    }

    /// Watches an expression no longer.
    pub(super) fn remove_watch(&mut self, index: usize) {
        self.watch_expressions.remove(index);
        self.refresh_watches();
        if self.watch_expressions.is_empty() && self.focus == Pane::Watches {
            self.focus(Pane::Variables);
        }
    }
}
