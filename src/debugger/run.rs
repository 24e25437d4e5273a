//! A program under the debugger: the server starts before its first line, and says at its end how it ended.

use taipan_runtime::vm::Vm;
use tui::dap::{EventBody, ExitedEvent, ProcessEvent, TerminatedEvent};

use super::Debugger;
use super::dap::server::Server;

/// A program and the server that shows it.
pub struct Debugged {
    server: Option<Server>,
    /// Wait for a client before the first line.
    wait: bool,
    /// The program's name for clients.
    name: String,
}

impl Debugged {
    /// A program to be served by `server`.
    pub fn new(server: Server, wait: bool, name: String) -> Debugged {
        Debugged { server: Some(server), wait, name }
    }

    /// Begins to accept clients. What they ask waits until the interpreter is up.
    pub fn listen(&mut self) {
        let Some(server) = self.server.take() else { return };
        spawn("taipan-dap", move || server.serve(super::the()));
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) {
    if let Err(e) = std::thread::Builder::new().name(name.to_owned()).spawn(body) {
        tracing::error!("no thread {name}: {e}");
    }
}

impl Debugged {
    /// The interpreter is up; the program's first line runs next.
    pub fn before(&mut self, vm: &mut Vm) {
        let debugger: &'static Debugger = super::the();
        debugger.install(vm);
        self.listen();
        if self.wait {
            debugger.wait_for_client(vm);
        }
        spawn("taipan-desk", move || debugger.desk.attend(debugger));
        debugger.send(&EventBody::Process(ProcessEvent {
            name: self.name.clone(),
            system_process_id: Some(i64::from(std::process::id())),
            is_local_process: Some(true),
            start_method: Some("launch".to_owned()),
        }));
        debugger.enter_program(vm);
    }

    /// The program's main code is over.
    pub fn main_done(&mut self, vm: &mut Vm) {
        super::the().main_done(vm);
    }

    /// The program is over.
    pub fn after(&mut self, status: i32) {
        let debugger = super::the();
        debugger.send(&EventBody::Exited(ExitedEvent { exit_code: i64::from(status) }));
        debugger.send(&EventBody::Terminated(TerminatedEvent::default()));
        debugger.desk.flush();
    }
}
