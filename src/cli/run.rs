//! Running a program: plainly, or with a tool that looks on.

use super::help;
use super::nearest::nearest;
use super::python::{self, Plan, Program, Tell, holds_main};
use super::table::COMMANDS;
use crate::places;
use crate::profiler::follow::Family;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use taipan_runtime::import::embedded::STDLIB_DIR;
use taipan_runtime::object::{PyResult, Value, boolean, none};
use taipan_runtime::probe::ending::{self, Ending};
use taipan_runtime::start;
use taipan_runtime::types::exceptions::BaseException;
use taipan_runtime::types::exceptions::print::print_uncaught;
use taipan_runtime::types::traceback::Traceback;
use taipan_runtime::vm::{Vm, crash};

/// What a tool does around a program.
pub trait Watch: Send {
    /// The interpreter is up; the program's first line runs next.
    fn before(&mut self, vm: &mut Vm);
    /// Whether [`Watch::before`] comes before the program's text is compiled, so that an error in it is seen.
    fn sees_compilation(&self) -> bool {
        false
    }
    /// The program's main code is over; threads, `atexit` functions and streams are not yet.
    fn main_done(&mut self, _vm: &mut Vm) {}
    /// The program is over, threads and `atexit` functions included; its modules are still there.
    fn before_teardown(&mut self, _vm: &mut Vm) {}
    /// The program is over and its streams are flushed.
    fn after(&mut self, vm: &mut Vm, status: i32);
    /// Called instead of the other ends when no line of the program has run: it has a syntax error, or is not there.
    fn nothing_ran(&mut self) {}
    /// Whether the tool wants to hear of [`Watch::ends_early`] and [`Watch::in_child`].
    fn sees_endings(&self) -> bool {
        false
    }
    /// Whether deadly signals wait for it then.
    fn sees_signals(&self) -> bool {
        true
    }
    /// Called instead of the other ends when the process is about to end while the program is in the middle of something.
    fn ends_early(&mut self, _vm: &mut Vm, _how: Ending) {}
    /// This process is a child that the program forked off: who watches over it.
    fn in_child(self: Box<Self>, _vm: &mut Vm) -> Option<Box<dyn Watch>> {
        None
    }
}

/// A run that nobody watches.
pub struct Unwatched;

impl Watch for Unwatched {
    fn before(&mut self, _: &mut Vm) {}
    fn after(&mut self, _: &mut Vm, _: i32) {}
}

/// Who watches over this process. Taken out while it works, so that an end that comes then finds nobody.
static WATCH: Mutex<Option<Box<dyn Watch>>> = Mutex::new(None);
static BEGUN: AtomicBool = AtomicBool::new(false);

fn watch() -> MutexGuard<'static, Option<Box<dyn Watch>>> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(what: impl FnOnce(&mut dyn Watch)) {
    let taken = watch().take();
    if let Some(mut w) = taken {
        what(&mut *w);
        *watch() = Some(w);
    }
}

/// The program's first line is next; once.
fn begin(vm: &mut Vm) {
    if BEGUN.swap(true, Relaxed) {
        return;
    }
    tell(|w| {
        w.before(vm);
        if w.sees_endings() {
            listen(w.sees_signals());
        }
    });
}

fn listen(signals: bool) {
    let ends = |vm: &mut Vm, how| {
        let taken = watch().take();
        if let Some(mut w) = taken {
            w.ends_early(vm, how);
        }
    };
    let child = |vm: &mut Vm| {
        let taken = watch().take();
        let next = taken.and_then(|w| w.in_child(vm));
        if let Some(w) = next.as_ref().filter(|w| w.sees_endings()) {
            listen(w.sees_signals());
        }
        *watch() = next;
    };
    if let Err(e) = ending::listen(ending::Listener { signals, ends, child }) {
        tracing::warn!("the tool will not see a signal's end of the program: {e}");
    }
}

/// The exit status that an early end stands for: minus its number for a signal.
pub fn status_of(how: Ending) -> i32 {
    match how {
        Ending::Exit(status) => status,
        Ending::Signal(signal) => -signal,
        Ending::Replaced => 0,
    }
}

/// How a program ended early, for reports.
pub fn said(how: Ending) -> String {
    match how {
        Ending::Exit(status) => format!("ended by os._exit({status})"),
        Ending::Signal(signal) => match nix::sys::signal::Signal::try_from(signal) {
            Ok(name) => format!("ended by {name}"),
            Err(_) => format!("ended by signal {signal}"),
        },
        Ending::Replaced => "until another program took its place (exec)".to_owned(),
    }
}

/// `taipan` without a command word; the error is a usage error's line.
pub fn main(args: &[String]) -> Result<i32, String> {
    let mut plan = python::parse(args)?;
    if let Some(tell) = plan.tell {
        match tell {
            Tell::Overview => help::show(&help::overview()),
            Tell::Options => help::show(&help::python_options()),
            Tell::Environment => help::show(&help::environment()),
            Tell::XOptions => help::show(&help::xoptions()),
            Tell::All => help::show(&[help::python_options(), help::environment(), help::xoptions()].join("\n")),
        }
        return Ok(0);
    }
    if plan.version > 0 {
        help::show(&help::version(plan.version));
        return Ok(0);
    }
    if matches!(plan.program, Program::None) && !at_a_prompt() {
        plan.program = Program::Stdin;
    }
    check(&plan.program).map_err(|e| e + &meant_command(&plan.program))?;
    super::diagnostics::start(false)?;
    let command = plan.config.orig_argv.clone();
    let watch = match Family::of_this_process() {
        Some(family) => super::profile::child(family, command),
        None => Box::new(Unwatched),
    };
    run(plan, watch)
}

/// `taipan porfile script.py`: the command that was probably meant, for a script that does not exist.
fn meant_command(program: &Program) -> String {
    let Program::File(f) = program else { return String::new() };
    let near = nearest(f, COMMANDS.iter().map(|c| c.name));
    near.map(|n| format!("; did you mean `taipan {n}`?")).unwrap_or_default()
}

/// Tests that a script can be read, before anything runs; the error is CPython's line.
pub fn check(program: &Program) -> Result<(), String> {
    let Program::File(f) = program else { return Ok(()) };
    let full = std::path::absolute(f).map(|p| p.to_string_lossy().into_owned()).unwrap_or_else(|_| f.clone());
    if std::path::Path::new(f).is_dir() {
        let main = ["__main__.py", "__main__.pyc"].iter().any(|m| std::path::Path::new(f).join(m).exists());
        return if main { Ok(()) } else { Err(format!("can't find '__main__' module in '{f}'")) };
    }
    match std::fs::File::open(f) {
        Ok(_) => Ok(()),
        Err(e) => {
            let errno = e.raw_os_error().unwrap_or(0);
            Err(format!("can't open file '{full}': [Errno {errno}] {}", reason(&e)))
        }
    }
}

/// The operating system's text for an error.
pub fn reason(e: &std::io::Error) -> String {
    e.raw_os_error().map_or_else(|| e.to_string(), taipan_runtime::host::strerror)
}

/// The word with which a crashing process starts itself afresh to name the functions of its native stack.
pub const NATIVE_STACK: &str = "--native-stack";

/// Runs a program with a tool around it; gives its exit status.
pub fn run(plan: Plan, who: Box<dyn Watch>) -> Result<i32, String> {
    crash::report_bugs(c"--native-stack");
    let environment =
        !plan.config.ignore_environment && std::env::var_os("PYTHONFAULTHANDLER").is_some_and(|v| !v.is_empty());
    if environment || plan.config.dev_mode || plan.config.xoptions.iter().any(|(name, _)| name == "faulthandler") {
        crash::enable(2, true);
    }
    let source = read(&plan)?;
    places::start(match &plan.program {
        Program::File(f) => Some(f),
        _ => None,
    });
    taipan_runtime::import::register_native(taipan_stdlib::table::MODULES);
    let frames = traced_frames(&plan.config)?;
    let vm = start::boot(plan.config);
    *watch() = Some(who);
    let outcome = start::initialize(vm).and_then(|()| {
        trace_allocations(vm, frames)?;
        if watch().as_ref().is_some_and(|w| w.sees_compilation()) {
            begin(vm);
        }
        execute(vm, &plan.program, source)
    });
    if outcome.is_err() && !has_begun(vm) {
        ending::stop_listening();
        let taken = watch().take();
        if let Some(mut w) = taken {
            w.nothing_ran();
        }
    }
    let asks = !matches!(plan.program, Program::None) && taipan_runtime::builtins::sys::config::config().inspect;
    let outcome = if asks { inspect(vm, outcome) } else { outcome };
    tell(|w| w.main_done(vm));
    let status = start::finish_with(vm, outcome, |vm| tell(|w| w.before_teardown(vm)));
    ending::stop_listening();
    tell(|w| w.after(vm, status));
    start::end_as_interrupted();
    Ok(status)
}

/// Whether the traceback of the pending exception shows that the program itself has run: a frame of `__main__`, or of a
/// file that is not the library's.
fn has_begun(vm: &mut Vm) -> bool {
    let main = start::main_module(vm).ok().map(|m| m.dict.clone());
    let first = vm.pending().and_then(|e| e.downcast::<BaseException>()).and_then(|e| e.traceback(vm));
    let mut at = first.and_then(|t| t.into_py::<Traceback>().ok());
    while let Some(t) = at {
        let frame = &t.get(vm).frame;
        let file = frame.code().filename.to_rust();
        let library = file.starts_with(STDLIB_DIR) || file.starts_with("<frozen ");
        let of_main = main.as_ref().is_some_and(|m| m.as_value().is(frame.function().globals.as_value()));
        if !library || of_main {
            return true;
        }
        at = t.next(vm);
    }
    false
}

/// `-X tracemalloc`, `PYTHONTRACEMALLOC`: how many frames of each allocation are recorded; 0: none are.
fn traced_frames(config: &taipan_runtime::builtins::sys::Config) -> Result<i64, String> {
    let option = config.xoptions.iter().rev().find(|(name, _)| name == "tracemalloc").map(|(_, value)| value.clone());
    let environment =
        || std::env::var("PYTHONTRACEMALLOC").ok().filter(|v| !v.is_empty() && !config.ignore_environment);
    let (text, name) = match option {
        Some(value) => (value.unwrap_or_else(|| "1".to_owned()), "-X tracemalloc=NFRAME"),
        None => (environment().unwrap_or_else(|| "0".to_owned()), "PYTHONTRACEMALLOC"),
    };
    match text.parse() {
        Ok(n) if (0..=65535).contains(&n) => Ok(n),
        _ => Err(format!("{name}: invalid number of frames")),
    }
}

fn trace_allocations(vm: &mut Vm, frames: i64) -> PyResult<()> {
    if frames == 0 {
        return Ok(());
    }
    let module = vm.import("_tracemalloc")?;
    vm.call_method(&module, "start", &[Value::small_unchecked(frames)]).map(|_| ())
}

fn read(plan: &Plan) -> Result<Vec<u8>, String> {
    let mut source = match &plan.program {
        Program::Command(c) => c.clone().into_bytes(),
        Program::Module(_) => Vec::new(),
        Program::File(f) if holds_main(f) => Vec::new(),
        Program::File(f) => std::fs::read(f).map_err(|e| format!("can't read '{f}': {}", reason(&e)))?,
        Program::None if at_a_prompt() => Vec::new(),
        Program::Stdin | Program::None => {
            let mut b = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut b)
                .map_err(|e| format!("<stdin>: {}", reason(&e)))?;
            b
        }
    };
    if plan.skip_first_line {
        // The newline stays, so that line numbers do.
        let end = source.iter().position(|c| *c == b'\n').unwrap_or(source.len());
        source.drain(..end);
    }
    Ok(source)
}

fn execute(vm: &mut Vm, program: &Program, source: Vec<u8>) -> PyResult<()> {
    match program {
        Program::None if at_a_prompt() => prompt(vm, true),
        Program::Command(_) => run_text(vm, &source, "<string>"),
        Program::Stdin | Program::None => run_text(vm, &source, "<stdin>"),
        Program::File(f) if holds_main(f) => run_module(vm, "__main__", false),
        Program::File(f) => {
            let main = start::main_module(vm)?;
            // Absolute since Python 3.9; `sys.argv[0]` stays as given.
            let full = std::path::absolute(f).map_or_else(|_| f.clone(), |p| p.to_string_lossy().into_owned());
            let file = vm.new_str(&full);
            main.dict.store_text("__file__", file);
            run_text(vm, &source, &full)
        }
        Program::Module(m) => run_module(vm, m, true),
    }
}

fn run_text(vm: &mut Vm, source: &[u8], name: &str) -> PyResult<()> {
    let main = start::prepare(vm, source, name)?;
    begin(vm);
    start::run_prepared(vm, &main)
}

/// Whether commands come from a person.
fn at_a_prompt() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// A prompt with the names of `__main__`: that of the library's `code`.
fn prompt(vm: &mut Vm, banner: bool) -> PyResult<()> {
    use taipan_runtime::builtins::sys::{config, info};
    let text = match banner && !config::config().quiet {
        true => format!(
            "Python {} on linux\nType \"help\", \"copyright\", \"credits\" or \"license\" for more information.",
            info::version_text()
        ),
        false => String::new(),
    };
    let names = start::main_module(vm)?.dict.clone().into_value();
    let code = vm.import("code")?;
    let (banner, exit) = (vm.new_str(&text), vm.new_str(""));
    vm.call_method(&code, "interact", &[banner, none(), names, exit]).map(|_| ())
}

/// `-i`: the prompt after a program, whose uncaught exception is shown first.
fn inspect(vm: &mut Vm, outcome: PyResult<()>) -> PyResult<()> {
    if outcome.is_err() {
        let e = vm.take_error();
        print_uncaught(vm, e);
    }
    prompt(vm, false)
}

/// `runpy` finds and runs a module as `__main__`; `alter` puts its file into `sys.argv[0]`.
fn run_module(vm: &mut Vm, name: &str, alter: bool) -> PyResult<()> {
    start::main_module(vm)?;
    begin(vm);
    let runpy = vm.import("runpy")?;
    let name = vm.new_str(name);
    vm.call_method(&runpy, "_run_module_as_main", &[name, boolean(alter)]).map(|_| ())
}
