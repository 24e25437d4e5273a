//! What comes from the adapter: answers are led to what asked for them, events to what they change.

use crate::app::console::Mark;
use crate::app::dialog::{Choice, Chosen, Dialog, Picker};
use crate::app::session::{Pending, Phase};
use crate::app::tree::last_line;
use crate::app::{App, Pane};
use crate::dap::request as r;
use crate::dap::{
    EventBody, GotoArguments, Incoming, Message, OutputEvent, Request, Response, SourceBody, StepInTargetsBody,
    ThreadEvent, Variable,
};
use crate::msg::Effect;
use crate::widgets::line_editor::LineEditor;

impl App {
    /// Something came from the adapter.
    pub(super) fn incoming(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Message(Message::Event(event)) => match event.parse() {
                Ok(body) => self.event(body),
                Err(e) => self.console.add(Mark::Error, format!("malformed event {}: {e}", event.event)),
            },
            Incoming::Message(Message::Response(response)) => {
                if let Some(pending) = self.session.resolve(response.request_seq) {
                    self.answer(pending, &response);
                }
            }
            Incoming::Message(Message::Request(request)) => self.refuse(&request),
            Incoming::Malformed(why) => self.console.add(Mark::Error, why),
            Incoming::Closed(why) => self.closed(why),
        }
    }

    /// An adapter may ask things of its client; this one offers none of them.
    fn refuse(&mut self, request: &Request) {
        let mut answer = request.error(format!("{} is not offered by this client", request.command));
        answer.seq = self.session.register(Pending::End);
        self.session.resolve(answer.seq);
        self.effect(Effect::Send(answer.into()));
    }

    fn closed(&mut self, why: Option<String>) {
        match self.session.phase {
            Phase::Starting => {
                let why = why.unwrap_or_else(|| "it hung up".to_owned());
                self.failed(format!("the debugger did not answer: {why}"));
            }
            Phase::Running | Phase::Stopped => self.finish(),
            Phase::Finished | Phase::Failed(_) => {}
        }
    }

    fn event(&mut self, event: EventBody) {
        match event {
            EventBody::Initialized(_) => self.configure(),
            EventBody::Stopped(stopped) => self.stopped(stopped),
            EventBody::Continued(_) => self.runs(),
            EventBody::Exited(exited) => self.session.exit_code = Some(exited.exit_code),
            EventBody::Terminated(_) => self.finish(),
            EventBody::Thread(thread) => self.thread_changed(&thread),
            EventBody::Output(output) => self.output(&output),
            EventBody::Breakpoint(changed) => self.breakpoint_changed(&changed),
            EventBody::Capabilities(changed) => self.capabilities_changed(changed.capabilities),
            EventBody::Invalidated(_) => self.refresh_values(),
            EventBody::Module(_) | EventBody::LoadedSource(_) | EventBody::Process(_) | EventBody::Other(..) => {}
        }
    }

    fn capabilities_changed(&mut self, changed: crate::dap::Capabilities) {
        if !changed.exception_breakpoint_filters.is_empty() {
            self.breakpoints.offer_filters(&changed.exception_breakpoint_filters);
        }
        // The event carries only what changed; what it does not name stays as it was.
        let mut all = serde_json::to_value(&self.session.capabilities).unwrap_or_default();
        let new = serde_json::to_value(&changed).unwrap_or_default();
        if let (Some(all), Some(new)) = (all.as_object_mut(), new.as_object()) {
            all.extend(new.clone());
        }
        if let Ok(merged) = serde_json::from_value(all) {
            self.session.capabilities = merged;
        }
    }

    fn thread_changed(&mut self, event: &ThreadEvent) {
        if event.reason == "exited" {
            self.session.threads.retain(|t| t.thread.id != event.thread_id);
        } else {
            self.session.thread_mut(event.thread_id);
        }
    }

    /// Text from the adapter. What the program prints comes over its terminal, if it has one of ours; what then still
    /// arrives as its output was printed by log points.
    fn output(&mut self, event: &OutputEvent) {
        match event.category.as_deref() {
            Some("telemetry") => {}
            Some("stdout" | "stderr") if !self.has_terminal() => {
                self.terminal.write_text(&event.output);
                self.output_unseen = true;
            }
            Some("stdout" | "stderr") => self.console.add(Mark::Log, &event.output),
            Some("important") => self.console.add(Mark::Error, &event.output),
            _ if event.output.trim().is_empty() => {}
            _ => {
                let mark = if event.line.is_some() || event.source.is_some() { Mark::Log } else { Mark::Note };
                self.console.add(mark, &event.output);
            }
        }
    }

    fn answer(&mut self, pending: Pending, response: &Response) {
        match pending {
            Pending::Initialize => match response.parse::<r::Initialize>() {
                Ok(capabilities) => self.initialize_answered(capabilities),
                Err(e) => self.failed(e),
            },
            Pending::Start if !response.success => self.failed(response.error_text()),
            Pending::ConfigurationDone if response.success => {
                if self.session.phase == Phase::Starting {
                    self.runs();
                }
            }
            Pending::Breakpoints(numbers) => self.breakpoints_set(&numbers, response),
            Pending::Threads => self.threads_known(response),
            Pending::StackTrace(epoch, thread, choose) => self.stack_known(epoch, thread, choose, response),
            Pending::Scopes(epoch) => self.scopes_known(epoch, response),
            Pending::Children(pane, tree, node) => self.children_known(pane, tree, node, response),
            Pending::Watch(tree, index) => self.watch_known(tree, index, response),
            Pending::Evaluate(items) => self.evaluated(items, response),
            Pending::FullValue => {
                if let (Ok(body), Some(Dialog::Text(view))) = (response.parse::<r::Evaluate>(), &mut self.dialog) {
                    view.text = body.result;
                }
            }
            Pending::Items => self.items_known(response),
            Pending::SetValue => match response.success {
                true => self.refresh_values(),
                false => self.problem(response.error_text()),
            },
            Pending::Resume(what) if !response.success => {
                self.set_phase(Phase::Stopped);
                self.problem(format!("{what}: {}", response.error_text()));
            }
            Pending::GotoTargets(line) => self.goto_targets_known(line, response),
            Pending::SourceText(key) => {
                let text = response.parse::<r::SourceText>().map(|SourceBody { content, .. }| content);
                self.file_read(key, text);
            }
            Pending::Completions(line) => self.completions_known(&line, response),
            Pending::ExceptionInfo(epoch) => self.exception_known(epoch, response),
            Pending::StepInTargets => self.step_targets_known(response),
            Pending::DataInfo(name) => self.data_info_known(&name, response),
            Pending::Pause | Pending::Goto | Pending::ExceptionBreakpoints | Pending::ConfigurationDone
                if !response.success =>
            {
                self.problem(response.error_text());
            }
            Pending::Start
            | Pending::ConfigurationDone
            | Pending::Resume(_)
            | Pending::Pause
            | Pending::Goto
            | Pending::ExceptionBreakpoints
            | Pending::End => {}
        }
    }

    fn goto_targets_known(&mut self, line: i64, response: &Response) {
        let targets = match response.parse::<r::GotoTargets>() {
            Ok(body) => body.targets,
            Err(e) => return self.problem(e),
        };
        let (Some(target), Some(thread_id)) = (targets.first(), self.session.thread) else {
            return self.problem(format!("cannot jump to line {line}"));
        };
        let arguments = GotoArguments { thread_id, target_id: target.id };
        self.request::<r::Goto>(&arguments, Pending::Goto);
    }

    fn step_targets_known(&mut self, response: &Response) {
        let targets = match response.parse::<r::StepInTargets>() {
            Ok(StepInTargetsBody { targets }) => targets,
            Err(e) => return self.problem(e),
        };
        if targets.is_empty() {
            return self.problem("no call on this line to step into");
        }
        let choices = targets.into_iter().map(|t| Choice { label: t.label.clone(), value: Chosen::StepTarget(t) });
        self.dialog = Some(Dialog::Picker(Picker {
            title: "Step into",
            editor: LineEditor::default(),
            choices: choices.collect(),
            cursor: Default::default(),
        }));
    }

    fn evaluated(&mut self, items: bool, response: &Response) {
        match response.parse::<r::Evaluate>() {
            Ok(body) => {
                if !body.result.is_empty() {
                    self.console.add(Mark::Result, &body.result);
                }
                if items && body.variables_reference.has_children() {
                    let arguments = crate::dap::VariablesArguments {
                        variables_reference: body.variables_reference,
                        ..Default::default()
                    };
                    self.request::<r::Variables>(&arguments, Pending::Items);
                }
            }
            // A traceback that leads nowhere but to what was typed says no more than its last line.
            Err(e) if e.matches("\n  File ").count() <= 1 => self.console.add(Mark::Error, last_line(&e)),
            Err(e) => self.console.add(Mark::Error, e),
        }
    }

    fn items_known(&mut self, response: &Response) {
        let Ok(body) = response.parse::<r::Variables>() else { return };
        let hidden = |v: &&Variable| !(v.name.starts_with("__") || v.name.ends_with(" variables"));
        let width = body.variables.iter().filter(hidden).map(|v| v.name.chars().count()).max().unwrap_or(0).min(24);
        for v in body.variables.iter().filter(hidden) {
            self.console.add(Mark::Result, format!("  {:width$}  {}", v.name, v.value));
        }
    }

    fn completions_known(&mut self, line: &str, response: &Response) {
        if let Ok(body) = response.parse::<r::Completions>()
            && self.console.editor.text() == line
        {
            self.console.propose(body.targets);
            if self.console.completion.is_none() && self.console.editor.text() == line {
                self.note("nothing to complete");
            }
        }
    }

    /// The pane whose trees hold this one's nodes.
    pub(super) fn tree_pane(&mut self, pane: Pane) -> &mut crate::app::tree::TreePane {
        if pane == Pane::Watches { &mut self.watches } else { &mut self.variables }
    }
}
