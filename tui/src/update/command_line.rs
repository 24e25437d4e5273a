//! What the commands of the console do.

use std::path::Path;

use crate::app::breakpoints::{Breakpoint, Target};
use crate::app::console::Mark;
use crate::app::dialog::{Dialog, Question};
use crate::app::session::{Pending, Phase, Walk};
use crate::app::sources::SourceKey;
use crate::app::{App, Pane};
use crate::commands::{self, Command, Location, Place, Temporary, Which};
use crate::dap::request as r;
use crate::dap::{CompletionsArguments, EvaluateArguments, StepArguments};
use crate::keys::Action;
use crate::msg::Effect;

impl App {
    /// Enter was pressed in the console.
    pub(super) fn submit_console(&mut self) {
        let (mut line, fresh) = self.console.submit();
        if fresh {
            self.effect(Effect::Remember(line.clone()));
        }
        if line.is_empty() {
            line = self.console.last_command.clone();
        }
        if line.is_empty() {
            return;
        }
        self.console.add(Mark::Typed, &line);
        self.console.last_command.clear();
        match commands::parse_line(&line) {
            Ok(list) => {
                // As in pdb, an empty line repeats the last command; as there is no harm in it, only those that move.
                if list.iter().all(repeats) {
                    self.console.last_command = line;
                }
                for command in list {
                    self.run_command(command);
                    if let Some(status) = self.status.take() {
                        let mark = if status.tone == crate::app::Tone::Problem { Mark::Error } else { Mark::Note };
                        self.console.add(mark, status.text);
                    }
                }
            }
            Err(e) => self.console.add(Mark::Error, e),
        }
    }

    /// Carries out a command.
    pub(super) fn run_command(&mut self, command: Command) {
        match command {
            Command::Step => self.act(Action::StepIn),
            Command::Next => self.act(Action::StepOver),
            Command::Return => self.act(Action::StepOut),
            Command::Continue => self.act(Action::Continue),
            Command::Back => self.act(Action::StepBack),
            Command::ReverseContinue => self.act(Action::ReverseContinue),
            Command::Pause => self.act(Action::Pause),
            Command::Until(line) => self.until(line),
            Command::Jump(line) => self.jump(line),
            Command::Restart => self.ask_restart(),
            Command::Quit => self.ask_quit(),
            Command::Break(Some(place), temporary) => self.command_break(place, temporary == Temporary::Yes),
            Command::Break(None, _) => self.list_breakpoints(),
            Command::LogPoint(place) => self.command_log(place),
            Command::Clear(None) => self.dialog = Some(Dialog::Confirm(Question::ClearBreakpoints)),
            Command::Clear(Some(which)) => self.each_breakpoint(&which, App::remove_breakpoint),
            Command::Enable(which) => self.each_breakpoint(&which, |a, n| a.change_breakpoint(n, |b| b.enabled = true)),
            Command::Disable(which) => {
                self.each_breakpoint(&which, |a, n| a.change_breakpoint(n, |b| b.enabled = false));
            }
            Command::Condition(which, text) => {
                self.each_breakpoint(&[which], |a, n| a.change_breakpoint(n, |b| b.condition = text.clone()));
            }
            Command::Ignore(which, count) => {
                let hit = if count == 0 { String::new() } else { format!("> {count}") };
                self.each_breakpoint(&[which], |a, n| a.change_breakpoint(n, |b| b.hit = hit.clone()));
            }
            Command::Frames(delta) => self.move_frame(delta),
            Command::List(line) => self.command_list(line),
            Command::Open(file) => {
                let key = SourceKey::File(self.absolute(Path::new(&file)));
                self.show_source(key, None);
            }
            Command::Exceptions => self.show_exception(),
            other => self.run_question(other),
        }
    }

    /// Commands that ask for something.
    fn run_question(&mut self, command: Command) {
        match command {
            Command::Where => self.print_stack(),
            Command::Args => self.print_arguments(),
            Command::ReturnValue => self.print_return_value(),
            Command::Print(expression) => self.evaluate(expression, false),
            Command::PrettyPrint(expression) => self.evaluate(expression, true),
            Command::WhatIs(expression) => self.evaluate(format!("type({expression})"), false),
            Command::Execute(statement) => {
                self.evaluate(statement, false);
                self.refresh_values();
            }
            Command::Display(Some(expression)) => self.add_watch(&expression),
            Command::Display(None) => {
                for text in self.watch_expressions.clone() {
                    self.console.add(Mark::Result, text);
                }
            }
            Command::Undisplay(Some(expression)) => {
                match self.watch_expressions.iter().position(|e| *e == expression) {
                    Some(index) => self.remove_watch(index),
                    None => self.problem(format!("not watched: {expression}")),
                }
            }
            Command::Undisplay(None) => {
                self.watch_expressions.clear();
                self.refresh_watches();
            }
            Command::Watch(name) => self.watch_for_change(name),
            Command::Help(topic) => self.print_help(topic.as_deref()),
            _ => {}
        }
    }

    fn evaluate(&mut self, expression: String, items: bool) {
        match self.session.phase {
            Phase::Stopped => {}
            Phase::Running => return self.problem("the program is running: Ctrl-C pauses it"),
            _ => return self.problem("there is no program to ask"),
        }
        let context = Some("repl".to_owned());
        let arguments = EvaluateArguments { expression, frame_id: self.session.frame_id(), context, format: None };
        self.request::<r::Evaluate>(&arguments, Pending::Evaluate(items));
    }

    fn until(&mut self, line: Option<usize>) {
        if let (Some(line), Some(key)) = (line, self.view.key.clone()) {
            return self.run_to(key, line);
        }
        let top = self.session.frames().first().cloned();
        if let (true, Some(top), Some(view)) = (self.is_stopped(), top, self.session.current_thread()) {
            let arguments = StepArguments { thread_id: view.thread.id, ..Default::default() };
            self.session.walk = Some(Walk { depth: view.total, line: top.line, source: top.source });
            self.runs();
            self.request::<r::Next>(&arguments, Pending::Resume("until"));
        } else {
            self.act(Action::StepOver);
        }
    }

    /// The target that a place of a command means.
    fn target(&self, location: &Location) -> Option<Target> {
        Some(match location {
            Location::Line(line) => Target::Line(self.view.key.clone()?, *line),
            Location::FileLine(file, line) => {
                let plain = self.absolute(Path::new(file));
                // As in pdb the ending may be left out, and a file that is known by its name need not be spelt out.
                let with_py = self.absolute(Path::new(&format!("{file}.py")));
                let known = |p: &&SourceKey| p.path().is_some_and(|p| p.ends_with(file));
                let key = match self.sources.keys().find(known) {
                    Some(key) if !plain.exists() => key.clone(),
                    _ if !plain.exists() && with_py.exists() => SourceKey::File(with_py),
                    _ => SourceKey::File(plain),
                };
                Target::Line(key, *line)
            }
            Location::Function(name) => Target::Function(name.clone()),
        })
    }

    fn add_breakpoint(&mut self, place: &Place, change: impl FnOnce(&mut Breakpoint)) {
        let Some(target) = self.target(&place.location) else {
            return self.problem("no source is shown, so a line alone says nothing");
        };
        if matches!(target, Target::Function(_))
            && self.session.initialized
            && !self.session.capabilities.supports_function_breakpoints
        {
            return self.problem("this debugger has no breakpoints on functions");
        }
        let known = match &target {
            Target::Line(key, line) => self.breakpoints.at(key, *line).map(|b| b.number),
            other => self.breakpoints.list.iter().find(|b| b.target == *other).map(|b| b.number),
        };
        let number = known.unwrap_or_else(|| self.breakpoints.add(target.clone()));
        self.change_breakpoint(number, change);
        let what = self.describe(number);
        self.note(format!("breakpoint {number}: {what}"));
    }

    fn command_break(&mut self, place: Place, temporary: bool) {
        let condition = place.extra.clone().unwrap_or_default();
        self.add_breakpoint(&place, |b| {
            b.condition = condition;
            b.temporary = temporary;
        });
    }

    fn command_log(&mut self, place: Place) {
        let message = place.extra.clone().unwrap_or_default();
        // Quotes around the message are for the eye.
        let message = message.trim_matches(|c| c == '"' || c == '\'').to_owned();
        self.add_breakpoint(&place, |b| b.log = message);
    }

    /// A breakpoint in words.
    pub fn describe(&self, number: usize) -> String {
        let Some(b) = self.breakpoints.get(number) else { return String::new() };
        let place = match &b.target {
            Target::Line(key, line) => format!("{}:{}", key.name(), b.actual_line.unwrap_or(*line)),
            Target::Function(name) => format!("{name}()"),
            Target::Data(_, name) => format!("{name} changes"),
        };
        let details = b.details();
        if details.is_empty() { place } else { format!("{place} {details}") }
    }

    fn list_breakpoints(&mut self) {
        let listed: Vec<(usize, bool)> = self.breakpoints.listed().map(|b| (b.number, b.enabled)).collect();
        if listed.is_empty() {
            self.console.add(Mark::Note, "no breakpoints");
        }
        for (number, enabled) in listed {
            let off = if enabled { "" } else { "  (off)" };
            self.console.add(Mark::Result, format!("{number:>3}  {}{off}", self.describe(number)));
        }
    }

    fn each_breakpoint(&mut self, which: &[Which], f: impl Fn(&mut App, usize)) {
        for w in which {
            let number = match w {
                Which::Number(n) => self.breakpoints.get(*n).filter(|b| !b.hidden).map(|b| b.number),
                Which::At(file, line) => match self.target(&Location::FileLine(file.clone(), *line)) {
                    Some(Target::Line(key, line)) => self.breakpoints.at(&key, line).map(|b| b.number),
                    _ => None,
                },
            };
            match (number, w) {
                (Some(number), _) => f(self, number),
                (None, Which::Number(n)) => self.problem(format!("there is no breakpoint {n}")),
                (None, Which::At(file, line)) => self.problem(format!("there is no breakpoint at {file}:{line}")),
            }
        }
    }

    fn command_list(&mut self, line: Option<usize>) {
        match (line, self.view.key.clone()) {
            (Some(line), Some(key)) => {
                self.view.center = true;
                self.show_source(key, Some(line));
            }
            _ => {
                let focus = self.focus;
                self.act(Action::CurrentLine);
                self.focus(focus);
            }
        }
    }

    fn print_stack(&mut self) {
        let frames = self.session.frames();
        let current = self.session.frame;
        let lines: Vec<String> = frames
            .iter()
            .enumerate()
            .rev()
            .map(|(i, f)| {
                let mark = if i == current { '>' } else { ' ' };
                let place = self.frame_source(f).map_or(String::new(), |k| format!("  {}:{}", k.name(), f.line));
                format!("{mark} {}{place}", f.name)
            })
            .collect();
        let text = if lines.is_empty() { "the program has no stack now".to_owned() } else { lines.join("\n") };
        self.console.add(Mark::Result, text);
    }

    /// The protocol does not tell arguments from other locals, so all of them are printed.
    fn print_arguments(&mut self) {
        let shown = self.variables.locals().filter(|n| !n.is_special);
        let lines: Vec<String> = shown.map(|n| format!("{} = {}", n.name, n.value)).collect();
        let text = if lines.is_empty() { "no variables".to_owned() } else { lines.join("\n") };
        self.console.add(Mark::Result, text);
    }

    fn print_return_value(&mut self) {
        let returned = |n: &&crate::app::tree::Node| n.name.starts_with("(return)");
        let text = self.variables.locals().find(returned).map(|n| format!("{} = {}", n.name, n.value));
        self.console.add(Mark::Result, text.unwrap_or_else(|| "no function has just returned".to_owned()));
    }

    fn print_help(&mut self, topic: Option<&str>) {
        if let Some(topic) = topic {
            let text = match commands::find(topic) {
                Some(row) => format!("{} {}\n    {}", row.names.join(", "), row.usage, row.help),
                None => format!("no command is called {topic}; what is no command is evaluated as Python"),
            };
            return self.console.add(Mark::Result, text);
        }
        self.act(Action::Help);
    }

    pub(super) fn ask_completions(&mut self) {
        if !self.session.capabilities.supports_completions_request || !self.is_stopped() {
            return self.note("nothing to complete now");
        }
        let line = self.console.editor.text().to_owned();
        let before = &line[..self.console.editor.cursor()];
        // The adapter knows expressions, not commands: a leading `p ` is ours.
        let skip = match before.split_once(' ') {
            Some((word, _)) if commands::find(word).is_some() => word.len() + 1,
            _ => usize::from(before.starts_with('!')),
        };
        let text = before[skip..].to_owned();
        let column = text.encode_utf16().count() as i64 + 1;
        let arguments = CompletionsArguments { frame_id: self.session.frame_id(), text, column, line: None };
        self.request::<r::Completions>(&arguments, Pending::Completions(line));
        self.focus(Pane::Console);
    }
}

/// Whether an empty line may repeat a command.
fn repeats(command: &Command) -> bool {
    matches!(
        command,
        Command::Step
            | Command::Next
            | Command::Return
            | Command::Continue
            | Command::Until(None)
            | Command::Frames(_)
            | Command::Back
    )
}
