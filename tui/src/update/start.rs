//! The life of a session: start, handshake, configuration, end, restart.

use crate::app::App;
use crate::app::Pane;
use crate::app::breakpoints::Target;
use crate::app::console::Mark;
use crate::app::session::{Pending, Phase};
use crate::app::sources::SourceKey;
use crate::config::StartRequest;
use crate::dap::request::{Attach, ConfigurationDone, Disconnect, Initialize, Launch};
use crate::dap::{Capabilities, DisconnectArguments, InitializeArguments};
use crate::msg::{Effect, ProcessEnd};

impl App {
    /// Begins a session: the first one or the next.
    pub(crate) fn start(&mut self) {
        self.session = self.session.next(self.now);
        self.breakpoints.forget_answers();
        self.variables.clear();
        self.watches.clear();
        self.effect(Effect::Start(self.session.generation));
    }

    /// Starts the program anew.
    pub(crate) fn restart(&mut self) {
        if !self.has_terminal() {
            self.problem("this program was not started from here, so it cannot be started anew from here");
            return;
        }
        self.say_goodbye();
        self.effect(Effect::Stop);
        self.terminal.clear();
        self.sources.clear();
        if let Some(key) = self.view.key.clone().or_else(|| self.config.script.clone().map(SourceKey::File)) {
            self.show_source(key, None);
        }
        self.console.add(Mark::Note, format!("{} starts anew", self.config.title));
        self.start();
    }

    /// Leaves: ends the program if it was started from here.
    pub(crate) fn leave(&mut self) {
        let code = if self.session.phase == Phase::Finished { self.session.final_code() } else { 0 };
        self.say_goodbye();
        let kept = self.kept();
        self.effect(Effect::Keep(kept));
        self.effect(Effect::Stop);
        self.effect(Effect::Quit(code));
    }

    /// Tells the adapter that this is the end.
    fn say_goodbye(&mut self) {
        if self.session.is_alive() && self.session.initialized {
            let terminate_debuggee = Some(self.has_terminal());
            let arguments = DisconnectArguments { terminate_debuggee, ..Default::default() };
            self.request::<Disconnect>(&arguments, Pending::End);
        }
    }

    /// The adapter was reached.
    pub(super) fn connected(&mut self) {
        let arguments = InitializeArguments {
            client_id: Some("taipan".to_owned()),
            client_name: Some("Taipan".to_owned()),
            adapter_id: self.config.adapter_id.clone(),
            lines_start_at1: Some(true),
            columns_start_at1: Some(true),
            path_format: Some("path".to_owned()),
            supports_variable_type: true,
            supports_variable_paging: true,
            supports_invalidated_event: true,
            ..Default::default()
        };
        self.request::<Initialize>(&arguments, Pending::Initialize);
    }

    /// The adapter told what it can do.
    pub(super) fn initialize_answered(&mut self, capabilities: Capabilities) {
        self.breakpoints.offer_filters(&capabilities.exception_breakpoint_filters);
        self.session.capabilities = capabilities;
        self.session.initialized = true;
        match self.config.request.clone() {
            StartRequest::Launch(arguments) => self.request::<Launch>(&arguments, Pending::Start),
            StartRequest::Attach(arguments) => self.request::<Attach>(&arguments, Pending::Start),
        }
    }

    /// The adapter wants the breakpoints.
    pub(super) fn configure(&mut self) {
        if std::mem::replace(&mut self.session.configured, true) {
            return;
        }
        self.stop_on_entry_when_attaching();
        self.send_all_breakpoints();
        if self.session.capabilities.supports_configuration_done_request {
            self.request::<ConfigurationDone>(&Default::default(), Pending::ConfigurationDone);
        } else {
            self.runs();
        }
    }

    /// `attach` knows no stop on entry; a hidden breakpoint at the script's first statement does the same.
    fn stop_on_entry_when_attaching(&mut self) {
        let StartRequest::Attach(attach) = &self.config.request else { return };
        let (true, Some(script)) = (attach.stop_on_entry, self.config.script.clone()) else { return };
        let key = SourceKey::File(self.absolute(&script));
        let lines = self.sources.lines(&key);
        let code = |l: &String| !l.trim().is_empty() && !l.trim_start().starts_with('#');
        let line = lines.iter().position(code).unwrap_or(0) + 1;
        self.breakpoints.add_hidden(Target::Line(key, line));
    }

    /// The program runs.
    pub(super) fn runs(&mut self) {
        if matches!(self.session.phase, Phase::Starting | Phase::Stopped) {
            self.set_phase(Phase::Running);
        }
        self.session.stepping = false;
        for thread in &mut self.session.threads {
            thread.stopped = false;
        }
    }

    pub(crate) fn set_phase(&mut self, phase: Phase) {
        if self.session.phase != phase {
            self.session.phase = phase;
            self.session.phase_since = self.now;
        }
    }

    /// The program could not be started, or the connection broke.
    pub(super) fn failed(&mut self, why: String) {
        self.console.add(Mark::Error, &why);
        self.set_phase(Phase::Failed(why));
        // What the program or the interpreter said stands in its output.
        self.bottom = if self.terminal.is_used() { Pane::Output } else { Pane::Console };
    }

    /// The process ended.
    pub(super) fn process_ended(&mut self, end: ProcessEnd) {
        self.session.process_end = Some(end);
        if matches!(self.session.phase, Phase::Running | Phase::Stopped) {
            self.finish();
        } else if self.session.phase == Phase::Starting {
            let (how, _) = self.session.ending();
            self.failed(format!("the program {how} before the debugger could be reached; see its output"));
        }
    }

    /// The session is over.
    pub(super) fn finish(&mut self) {
        if !matches!(self.session.phase, Phase::Finished | Phase::Failed(_)) {
            self.set_phase(Phase::Finished);
        }
        self.session.threads.clear();
        self.session.walk = None;
        self.variables.clear();
        self.watches.clear();
    }
}
