//! `taipan debug`: a program in the terminal debugger, or served to another client of the Debug Adapter Protocol.
//!
//! In the terminal, this process is the client; the program runs in a process of its own, on a pseudo-terminal, which is
//! this command again with `--dap`. There is no other way in: every client speaks to the same server.

use std::ffi::OsString;
use std::path::PathBuf;

use taipan_runtime::probe::ending::Ending;
use taipan_runtime::vm::Vm;
use taipan_syntax::{Mode, ParseOptions};
use tui::dap::{Endpoint, LaunchArguments};
use tui::{Config, PrivateDirectory};

use super::Invocation;
use super::python::{self, Plan, Program};
use crate::debugger::dap::server::{Address, Server};
use crate::debugger::dap::session;
use crate::debugger::run::Debugged;
use crate::debugger::{self, sources};

/// Runs the command; gives the exit status, or a usage error's line.
pub fn run(mut invocation: Invocation) -> Result<i32, String> {
    let plan = invocation.plan.take().filter(|p| !matches!(p.program, Program::None));
    match (invocation.get("dap").map(str::to_owned), plan) {
        (Some(address), plan) => serve(&invocation, &address, plan),
        (None, None) => Err(format!("debug needs a program: {}", invocation.command.usage())),
        (None, Some(plan)) => in_terminal(&invocation, plan),
    }
}

fn is_on(invocation: &Invocation, option: &str) -> bool {
    invocation.get(option).is_some()
}

impl super::run::Watch for Debugged {
    fn before(&mut self, vm: &mut Vm) {
        Debugged::before(self, vm);
    }
    fn sees_compilation(&self) -> bool {
        true
    }
    fn main_done(&mut self, vm: &mut Vm) {
        Debugged::main_done(self, vm);
    }
    fn after(&mut self, _: &mut Vm, status: i32) {
        Debugged::after(self, status);
    }
    fn sees_endings(&self) -> bool {
        true
    }
    // A program that has stopped must still be killed by a signal, and clients see that for themselves.
    fn sees_signals(&self) -> bool {
        false
    }
    fn ends_early(&mut self, _: &mut Vm, how: Ending) {
        if let Ending::Exit(status) = how {
            Debugged::after(self, status);
        }
    }
}

// ---- the program's side ----------------------------------------------------------------------------------------------

fn serve(invocation: &Invocation, address: &str, plan: Option<Plan>) -> Result<i32, String> {
    let server = Server::bind(&Address::parse(address)?, invocation.get("token").map(str::to_owned))?;
    if !is_on(invocation, "quiet") {
        eprintln!("{}", server.announcement());
    }
    let name = plan.as_ref().map_or_else(|| "launch".to_owned(), |p| title(&p.program));
    let wait = is_on(invocation, "wait") || plan.is_none();
    let mut debugged = Debugged::new(server, wait, name);
    let plan = match plan {
        Some(plan) => plan,
        None => {
            let launch = session::await_launch();
            debugged.listen();
            let arguments = launch.recv().map_err(|_| "the debugger's connection ended".to_owned())?;
            launched_plan(&arguments)?
        }
    };
    debugger::the().configure(None, is_on(invocation, "stop-on-entry"));
    if let Program::Command(text) = &plan.program {
        sources::remember_text("<string>", text.clone());
    }
    super::run::run(plan, Box::new(debugged))
}

/// The command line that a `launch` request stands for.
fn launched_plan(a: &LaunchArguments) -> Result<Plan, String> {
    if let Some(cwd) = &a.cwd {
        std::env::set_current_dir(cwd).map_err(|e| format!("{cwd}: {e}"))?;
    }
    let mut words = vec!["taipan".to_owned()];
    match (&a.program, &a.module, &a.code) {
        (Some(program), _, _) => words.push(program.clone()),
        (None, Some(module), _) => words.extend(["-m".to_owned(), module.clone()]),
        (None, None, code) => words.extend(["-c".to_owned(), code.clone().unwrap_or_default()]),
    }
    words.extend(a.args.iter().cloned());
    let plan = python::parse(&words)?;
    super::run::check(&plan.program)?;
    Ok(plan)
}

// ---- the user's side -------------------------------------------------------------------------------------------------

fn title(program: &Program) -> String {
    match program {
        Program::File(f) => {
            PathBuf::from(f).file_name().map_or_else(|| f.clone(), |n| n.to_string_lossy().into_owned())
        }
        Program::Module(m) => format!("-m {m}"),
        Program::Command(_) => "-c".to_owned(),
        _ => "-".to_owned(),
    }
}

fn in_terminal(invocation: &Invocation, plan: Plan) -> Result<i32, String> {
    if matches!(plan.program, Program::Stdin) {
        return Err("the debugger needs the terminal: give the program as a file".to_owned());
    }
    if has_syntax_error(&plan.program) {
        // There is nothing to step through; the program says what is wrong, as it would without a debugger.
        return super::run::run(plan, Box::new(super::run::Unwatched));
    }
    let directory = PrivateDirectory::new().map_err(|e| format!("no place for the debugger's socket: {e}"))?;
    let socket = directory.path().join("dap");
    let this = std::env::current_exe().map_err(|e| format!("this program's own file is not known: {e}"))?;
    let mut command: Vec<OsString> = vec![this.into(), "debug".into(), "--dap".into()];
    command.push(format!("unix:{}", socket.display()).into());
    command.extend(["--wait", "--quiet"].map(OsString::from));
    command.extend(invocation.rest.iter().map(OsString::from));
    let mut launch = LaunchArguments { stop_on_entry: !is_on(invocation, "run"), ..LaunchArguments::default() };
    launch.just_my_code = is_on(invocation, "all-code").then_some(false);
    match &plan.program {
        Program::File(f) => {
            let full = std::path::absolute(f).map_or_else(|_| f.clone(), |p| p.to_string_lossy().into_owned());
            launch.program = Some(full);
        }
        Program::Module(m) => launch.module = Some(m.clone()),
        Program::Command(c) => launch.code = Some(c.clone()),
        _ => {}
    }
    launch.args = plan.config.argv.iter().skip(1).cloned().collect();
    let mut config = Config::launch(command, Endpoint::Unix(socket), launch);
    config.title = title(&plan.program);
    config.commands = invocation.options.iter().filter(|(o, _)| o.long == "command").map(|(_, v)| v.clone()).collect();
    if let Some(state) = state_directory() {
        config.history = Some(state.join("debug-history"));
        config.state = Some(state.join("debug").join(file_name_for(&config)));
    }
    tui::run(config).map_err(|e| e.to_string())
}

fn has_syntax_error(program: &Program) -> bool {
    let (text, name) = match program {
        Program::File(f) if f.ends_with(".py") => match std::fs::read(f) {
            Ok(bytes) => match taipan_syntax::decode_source(&bytes, f) {
                Ok(source) => (source.text, f.clone()),
                Err(_) => return true,
            },
            Err(_) => return false,
        },
        Program::Command(c) => (c.clone(), "<string>".to_owned()),
        _ => return false,
    };
    let options = ParseOptions { mode: Mode::Exec, filename: name.clone(), ..ParseOptions::default() };
    match taipan_syntax::parse(&text, &options) {
        Ok(parsed) => taipan_compiler::compile(parsed.module, &name, &Default::default()).is_err(),
        Err(_) => true,
    }
}

/// Where this user's programs keep what they want to find again (XDG base directories).
fn state_directory() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/state"));
    named.or_else(home).map(|d| d.join("taipan"))
}

/// The name of the file that keeps this program's breakpoints: its path without the slashes.
fn file_name_for(config: &Config) -> String {
    let place = match &config.script {
        Some(script) => script.to_string_lossy().into_owned(),
        None => format!("{}/{}", config.cwd.display(), config.title),
    };
    let plain: String = place.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let tail = plain.char_indices().rev().nth(199).map_or(0, |(i, _)| i);
    plain[tail..].trim_start_matches('-').to_owned()
}
