//! One client's session: its handshake, what is answered at once, and what goes to the desk.

use std::io::{Read, Write};
use std::sync::Mutex;

use crossbeam_channel::{Receiver, Sender, unbounded};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tui::dap::{Empty, EventBody, LaunchArguments, Message, MessageReader, Request, request as r, write_message};

use super::answer::reply;
use crate::debugger::desk::{Order, Outgoing};
use crate::debugger::{Debugger, budget, lock};

/// What a client must show before it may do anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Nothing: it is known to be the program's owner.
    Open,
    /// This token, in `launch` or `attach`.
    Token(String),
    /// It may do nothing.
    Closed,
}

/// Who waits for a `launch` request that names the program.
static LAUNCH: Mutex<Option<Sender<LaunchArguments>>> = Mutex::new(None);

/// The next `launch` request's arguments arrive here.
pub fn await_launch() -> Receiver<LaunchArguments> {
    let (sender, receiver) = unbounded();
    *lock(&LAUNCH) = Some(sender);
    receiver
}

/// Talks with a client until it leaves.
pub fn converse(debugger: &'static Debugger, reader: impl Read, writer: impl Write + Send + 'static, gate: Gate) {
    let (outgoing, to_write) = unbounded();
    let writing =
        std::thread::Builder::new().name("taipan-dap-out".to_owned()).spawn(move || write_all(writer, &to_write));
    if let Err(e) = writing {
        tracing::warn!("no thread for a client: {e}");
        return;
    }
    debugger.desk.connect(outgoing);
    let mut session = Session { debugger, gate, launched: false, over: false };
    let mut reader = MessageReader::new(reader);
    while !session.over {
        match reader.read() {
            Ok(Some(Message::Request(request))) => session.request(request),
            Ok(Some(_)) => {}
            Err(e) if e.is_recoverable() => tracing::warn!("{e}"),
            Ok(None) => break,
            Err(e) => {
                tracing::warn!("{e}");
                break;
            }
        }
    }
    debugger.desk.disconnect();
}

/// Body of the writing thread: ends with the session or when the client is gone.
fn write_all(mut writer: impl Write, messages: &Receiver<Outgoing>) {
    for outgoing in messages {
        match outgoing {
            Outgoing::Message(message) => {
                if write_message(&mut writer, &message).is_err() {
                    return;
                }
            }
            // The one who waits may have given up.
            Outgoing::Flush(done) => drop(done.send(())),
        }
    }
}

struct Session {
    debugger: &'static Debugger,
    gate: Gate,
    /// The client started the program, rather than joining it.
    launched: bool,
    over: bool,
}

impl Session {
    fn request(&mut self, request: Request) {
        let desk = &self.debugger.desk;
        tracing::debug!(command = request.command, "request");
        match request.command.as_str() {
            "initialize" => desk.answer(reply::<r::Initialize>(&request, |_| Ok(super::capabilities()))),
            "launch" | "attach" => self.begin(&request),
            _ if self.gate != Gate::Open && request.command != "disconnect" => {
                desk.answer(request.error("not before launch or attach"));
            }
            "pause" => {
                desk.answer(reply::<r::Pause>(&request, |_| Ok(Empty::default())));
                if desk.is_stopped() {
                    budget::interrupt();
                } else {
                    self.debugger.ask_pause();
                }
            }
            "cancel" => {
                budget::interrupt();
                desk.answer(reply::<r::Cancel>(&request, |_| Ok(Empty::default())));
            }
            "terminate" => {
                desk.answer(reply::<r::Terminate>(&request, |_| Ok(Empty::default())));
                end_program(Signal::SIGTERM);
                // A handler of the program's own can only run when the program does.
                desk.let_run();
            }
            "disconnect" => self.disconnect(&request),
            _ => desk.put(Order::Request(request)),
        }
    }

    /// `launch` and `attach`: the program is there or is now named; the client may configure.
    fn begin(&mut self, request: &Request) {
        let desk = &self.debugger.desk;
        let arguments = match request.parse::<r::Launch>() {
            Ok(a) => a,
            Err(e) => return desk.answer(request.error(e.to_string())),
        };
        match &self.gate {
            Gate::Open => {}
            Gate::Token(token) if arguments.extra.get("token").and_then(|t| t.as_str()) == Some(token) => {
                self.gate = Gate::Open;
            }
            Gate::Token(_) => return desk.answer(request.error("the token that taipan printed is needed")),
            Gate::Closed => {
                let why = "this connection is not known to be yours: start taipan with --token and give that";
                return desk.answer(request.error(why));
            }
        }
        self.launched = request.command == "launch";
        self.debugger.configure(arguments.just_my_code, arguments.stop_on_entry);
        if let Some(waiting) = lock(&LAUNCH).take() {
            if arguments.program.is_none() && arguments.module.is_none() && arguments.code.is_none() {
                *lock(&LAUNCH) = Some(waiting);
                return desk.answer(request.error("launch needs a program, a module or code"));
            }
            // The receiver waits for exactly this.
            let _ = waiting.send(arguments);
        }
        desk.answer(request.ok::<r::Launch>(&Empty::default()));
        desk.send_event(&EventBody::Initialized(Empty::default()));
    }

    fn disconnect(&mut self, request: &Request) {
        let desk = &self.debugger.desk;
        let arguments = request.parse::<r::Disconnect>().unwrap_or_default();
        desk.answer(request.ok::<r::Disconnect>(&Empty::default()));
        desk.flush();
        self.over = true;
        if arguments.terminate_debuggee.unwrap_or(self.launched) && self.gate == Gate::Open {
            end_program(Signal::SIGTERM);
            // One that handles the signal by going on gets a moment, then the end.
            std::thread::sleep(std::time::Duration::from_millis(500));
            end_program(Signal::SIGKILL);
        }
    }
}

fn end_program(signal: Signal) {
    if let Err(e) = kill(Pid::this(), signal) {
        tracing::warn!("cannot end the program: {e}");
    }
}
