//! Setting breakpoints and telling the adapter about them: for each source all at once, as the protocol has it.

use crate::app::App;
use crate::app::breakpoints::{Breakpoint, Target};
use crate::app::session::Pending;
use crate::app::sources::SourceKey;
use crate::dap::request as r;
use crate::dap::{
    BreakpointEvent, DataBreakpoint, FunctionBreakpoint, Response, SetBreakpointsArguments,
    SetDataBreakpointsArguments, SetExceptionBreakpointsArguments, SetFunctionBreakpointsArguments, Source,
    SourceBreakpoint, StoppedEvent,
};

/// A row of the list of breakpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakpointRow {
    /// The breakpoint with this number.
    Breakpoint(usize),
    /// The exception kind at this place.
    Filter(usize),
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl App {
    /// The rows of the list: breakpoints by number, then the kinds of exceptions.
    pub fn breakpoint_rows(&self) -> Vec<BreakpointRow> {
        let breakpoints = self.breakpoints.listed().map(|b| BreakpointRow::Breakpoint(b.number));
        breakpoints.chain((0..self.breakpoints.filters.len()).map(BreakpointRow::Filter)).collect()
    }

    /// Sets a breakpoint on a line of a source (from 1), or removes the one that is there.
    pub(super) fn toggle_breakpoint(&mut self, key: SourceKey, line: usize) {
        match self.breakpoints.at(&key, line).map(|b| b.number) {
            Some(number) => self.remove_breakpoint(number),
            None => {
                self.breakpoints.add(Target::Line(key.clone(), line));
                self.send_breakpoints_of(&Target::Line(key, line));
            }
        }
    }

    /// Removes a breakpoint.
    pub(super) fn remove_breakpoint(&mut self, number: usize) {
        if let Some(gone) = self.breakpoints.remove(number) {
            self.send_breakpoints_of(&gone.target);
        }
    }

    /// Changes a breakpoint.
    pub(super) fn change_breakpoint(&mut self, number: usize, change: impl FnOnce(&mut Breakpoint)) {
        let Some(b) = self.breakpoints.get_mut(number) else { return };
        change(b);
        b.verified = None;
        let target = b.target.clone();
        self.send_breakpoints_of(&target);
    }

    /// Tells the adapter about all breakpoints of the same kind and source as `target`.
    pub(super) fn send_breakpoints_of(&mut self, target: &Target) {
        if !self.session.configured || !self.session.is_alive() {
            return;
        }
        match target {
            Target::Line(key, _) => self.send_line_breakpoints(key),
            Target::Function(_) => self.send_function_breakpoints(),
            Target::Data(..) => self.send_data_breakpoints(),
        }
    }

    /// Tells the adapter about all breakpoints and exception kinds.
    pub(super) fn send_all_breakpoints(&mut self) {
        for key in self.breakpoints.sources() {
            self.send_line_breakpoints(&key);
        }
        if self.session.capabilities.supports_function_breakpoints {
            self.send_function_breakpoints();
        }
        self.send_exception_filters();
    }

    fn enabled(&self, wanted: impl Fn(&Target) -> bool) -> Vec<Breakpoint> {
        self.breakpoints.list.iter().filter(|b| b.enabled && wanted(&b.target)).cloned().collect()
    }

    fn send_line_breakpoints(&mut self, key: &SourceKey) {
        let set = self.enabled(|t| matches!(t, Target::Line(k, _) if k == key));
        let breakpoints = set.iter().map(|b| SourceBreakpoint {
            line: if let Target::Line(_, line) = b.target { line as i64 } else { 0 },
            column: None,
            condition: some(&b.condition),
            hit_condition: some(&b.hit),
            log_message: some(&b.log),
        });
        let source = match key {
            SourceKey::File(path) => {
                Source { name: Some(key.name()), path: Some(path.display().to_string()), ..Default::default() }
            }
            SourceKey::Reference(reference, name) => {
                Source { name: Some(name.clone()), source_reference: Some(*reference), ..Default::default() }
            }
        };
        let arguments = SetBreakpointsArguments { source, breakpoints: breakpoints.collect(), source_modified: None };
        self.request::<r::SetBreakpoints>(&arguments, Pending::Breakpoints(numbers(&set)));
    }

    fn send_function_breakpoints(&mut self) {
        let set = self.enabled(|t| matches!(t, Target::Function(_)));
        let breakpoints = set.iter().map(|b| FunctionBreakpoint {
            name: if let Target::Function(name) = &b.target { name.clone() } else { String::new() },
            condition: some(&b.condition),
            hit_condition: some(&b.hit),
        });
        let arguments = SetFunctionBreakpointsArguments { breakpoints: breakpoints.collect() };
        self.request::<r::SetFunctionBreakpoints>(&arguments, Pending::Breakpoints(numbers(&set)));
    }

    fn send_data_breakpoints(&mut self) {
        let set = self.enabled(|t| matches!(t, Target::Data(..)));
        let breakpoints = set.iter().map(|b| DataBreakpoint {
            data_id: if let Target::Data(id, _) = &b.target { id.clone() } else { String::new() },
            access_type: Some("write".to_owned()),
            condition: some(&b.condition),
            hit_condition: some(&b.hit),
        });
        let arguments = SetDataBreakpointsArguments { breakpoints: breakpoints.collect() };
        self.request::<r::SetDataBreakpoints>(&arguments, Pending::Breakpoints(numbers(&set)));
    }

    /// Tells the adapter which kinds of exceptions to stop at.
    pub(super) fn send_exception_filters(&mut self) {
        if !self.session.configured || !self.session.is_alive() {
            return;
        }
        let on = self.breakpoints.filters.iter().filter(|f| f.on).map(|f| f.filter.filter.clone());
        let arguments = SetExceptionBreakpointsArguments { filters: on.collect(), filter_options: Vec::new() };
        self.request::<r::SetExceptionBreakpoints>(&arguments, Pending::ExceptionBreakpoints);
    }

    /// Turns an exception kind on or off; `word` is part of its id.
    pub(super) fn toggle_filter(&mut self, word: &str) {
        let exact = self.breakpoints.filters.iter().position(|f| f.filter.filter == word);
        let near = || self.breakpoints.filters.iter().position(|f| f.filter.filter.contains(word));
        match exact.or_else(near) {
            Some(at) => self.toggle_filter_at(at),
            None => self.problem(format!("this debugger cannot stop at {word} exceptions")),
        }
    }

    /// Turns the exception kind at this place on or off.
    pub(super) fn toggle_filter_at(&mut self, at: usize) {
        let Some(filter) = self.breakpoints.filters.get_mut(at) else { return };
        filter.on = !filter.on;
        let text = format!("{}: {}", filter.filter.label, if filter.on { "stops" } else { "does not stop" });
        self.send_exception_filters();
        self.note(text);
    }

    pub(super) fn breakpoints_set(&mut self, numbers: &[usize], response: &Response) {
        let body = match response.parse::<r::SetBreakpoints>() {
            Ok(body) => body,
            Err(e) => {
                for &number in numbers {
                    if let Some(b) = self.breakpoints.get_mut(number) {
                        (b.verified, b.message) = (Some(false), e.clone());
                    }
                }
                return self.problem(e);
            }
        };
        for (&number, answer) in numbers.iter().zip(&body.breakpoints) {
            self.breakpoints.confirm(number, answer);
        }
        let mut set = numbers.iter().filter_map(|&n| self.breakpoints.get(n));
        let failed = set.rfind(|b| b.verified == Some(false) && !b.message.is_empty());
        if let Some(b) = failed {
            self.problem(format!("breakpoint {}: {}", b.number, b.message));
        }
    }

    pub(super) fn breakpoint_changed(&mut self, event: &BreakpointEvent) {
        let id = event.breakpoint.id;
        let Some(number) = self.breakpoints.list.iter().find(|b| id.is_some() && b.server_id == id).map(|b| b.number)
        else {
            return;
        };
        if event.reason == "removed" {
            self.breakpoints.remove(number);
        } else {
            self.breakpoints.confirm(number, &event.breakpoint);
        }
    }

    /// At a stop: takes away temporary breakpoints that the adapter says were hit, and those of "run to cursor".
    /// True if one of the latter stood somewhere.
    pub(super) fn drop_spent_breakpoints(&mut self, event: &StoppedEvent) -> bool {
        let ran_to_cursor = self.breakpoints.list.iter().any(|b| b.hidden);
        let hit = event.hit_breakpoint_ids.clone().unwrap_or_default();
        self.drop_breakpoints(|b| b.hidden || (b.temporary && b.server_id.is_some_and(|id| hit.contains(&id))));
        ran_to_cursor
    }

    /// The same for adapters that do not say which ones were hit: those that stand where the program stopped.
    pub(super) fn drop_temporary_breakpoints_here(&mut self) {
        let reason = self.session.stop.as_ref().map_or("", |s| s.reason.as_str());
        let (true, Some(top)) = (reason.contains("breakpoint"), self.session.frames().first().cloned()) else { return };
        let source = self.frame_source(&top);
        self.drop_breakpoints(|b| {
            let here = match &b.target {
                Target::Line(key, line) => {
                    Some(key) == source.as_ref() && b.actual_line.unwrap_or(*line) as i64 == top.line
                }
                Target::Function(name) => name.rsplit('.').next() == top.name.rsplit('.').next(),
                Target::Data(..) => false,
            };
            b.temporary && here
        });
    }

    fn drop_breakpoints(&mut self, spent: impl Fn(&Breakpoint) -> bool) {
        let numbers: Vec<usize> = self.breakpoints.list.iter().filter(|b| spent(b)).map(|b| b.number).collect();
        for number in numbers {
            self.remove_breakpoint(number);
        }
    }

    pub(super) fn data_info_known(&mut self, name: &str, response: &Response) {
        match response.parse::<r::DataBreakpointInfo>() {
            Ok(info) => match info.data_id {
                Some(id) => {
                    let target = Target::Data(id, name.to_owned());
                    self.breakpoints.add(target.clone());
                    self.send_breakpoints_of(&target);
                    self.note(format!("stops when {name} changes"));
                }
                None => self.problem(info.description),
            },
            Err(e) => self.problem(e),
        }
    }
}

fn numbers(set: &[Breakpoint]) -> Vec<usize> {
    set.iter().map(|b| b.number).collect()
}
