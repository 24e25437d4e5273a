//! Debugs a script on CPython: `cargo run --example debugpy -- python3 script.py args…`, where that Python has debugpy.
//!
//! Shows how a foreign debug adapter is used: it is started on the program's terminal, listens on a port of its own
//! choosing and is asked to attach.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use taipan_tui::dap::{AttachArguments, Endpoint};
use taipan_tui::theme::ThemeChoice;
use taipan_tui::{Config, Spawn, Start, StartRequest, run};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [python, script, arguments @ ..] = words.as_slice() else {
        eprintln!("usage: debugpy python script [argument…]");
        return ExitCode::from(2);
    };
    let mut command: Vec<_> =
        [python, "-X", "frozen_modules=off", "-m", "debugpy", "--listen", "127.0.0.1:{port}"].map(Into::into).to_vec();
    command.extend(["--wait-for-client", script].map(Into::into));
    command.extend(arguments.iter().map(Into::into));
    let attach = AttachArguments { just_my_code: Some(true), stop_on_entry: true, ..Default::default() };
    let endpoint = Endpoint::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
    let config = Config {
        start: Start::Spawn(Spawn { command, env: Vec::new(), cwd: None, endpoint }),
        request: StartRequest::Attach(attach),
        adapter_id: "debugpy".to_owned(),
        title: script.clone(),
        script: Some(PathBuf::from(script)),
        cwd: std::env::current_dir().unwrap_or_default(),
        theme: ThemeChoice::from_env(),
        commands: Vec::new(),
        history: None,
        state: None,
        mouse: true,
    };
    match run(config) {
        Ok(code) => ExitCode::from(code.clamp(0, 255) as u8),
        Err(e) => {
            eprintln!("debugpy: {e}");
            ExitCode::from(2)
        }
    }
}
