//! The life of the interpreter: what happens before the first line of a program and after its last.
//!
//! Order at start as in CPython (`Python/pylifecycle.c`): types, `sys` and `builtins`, `importlib`, then `encodings`,
//! standard streams and `site`. At the end: threads are waited for, `atexit` runs, streams are flushed.

use crate::builtins::sys::{self, Config};
use crate::object::{Py, PyResult, Value, none};
use crate::types::dict::Dict;
use crate::types::exceptions::{self as exc, print};
use crate::types::function::Function;
use crate::types::module::Module;
use crate::vm::Vm;

/// Makes the interpreter: attaches the calling thread as the main thread and gives its handle.
pub fn boot(config: Config) -> &'static mut Vm {
    sys::configure(with_locale(config));
    let digits = sys::config::config().int_max_str_digits;
    crate::types::int::methods::MAX_STR_DIGITS.store(digits.max(0) as usize, std::sync::atomic::Ordering::Relaxed);
    crate::host::library::install(&crate::import::embedded::TREE);
    let vm = crate::vm::gil::attach();
    crate::types::typeobject::ready::ready_all(crate::types::table::TYPES);
    crate::types::typeobject::ready::ready_all(exc::ALL);
    exc::group::finish_types();
    crate::types::template::finish_types(vm);
    vm
}

/// Takes over the user's locale; the C locale switches the UTF-8 mode on, unless it was switched off (PEP 540).
fn with_locale(mut config: Config) -> Config {
    let is_c = crate::host::locale::adopt();
    let given = config.xoptions.iter().any(|(name, _)| name == "utf8")
        || !config.ignore_environment && crate::host::env("PYTHONUTF8").is_some_and(|v| !v.is_empty());
    config.utf8_mode |= is_c && !given;
    config
}

/// Makes `sys`, `builtins`, the import system, the standard streams and, unless switched off, runs `site`.
pub fn initialize(vm: &mut Vm) -> PyResult<()> {
    sys::module(vm)?;
    crate::builtins::module(vm)?;
    for (name, fd) in [("stdin", 0), ("stdout", 1), ("stderr", 2)] {
        let stream = crate::types::stdprinter::on_fd(fd);
        sys::set(vm, name, stream.clone());
        sys::set(vm, &format!("__{name}__"), stream);
    }
    let mut names: Vec<&str> = crate::import::native_modules().map(|m| m.name).chain(["builtins", "sys"]).collect();
    names.sort_unstable();
    let names = names.into_iter().map(|n| vm.intern(n).into()).collect();
    sys::set(vm, "builtin_module_names", crate::types::tuple::Tuple::from_vec(names).into());
    crate::import::install(vm)?;
    install_signals(vm)?;
    vm.import("encodings")?;
    crate::stdio::open_all(vm)?;
    if !sys::config::config().warnoptions.is_empty() && vm.import("warnings").is_err() {
        crate::host::stderr("'import warnings' failed; traceback:\n");
        let e = vm.take_error();
        print::print_uncaught(vm, e);
    }
    if !sys::config::config().no_site {
        vm.import("site")?;
    }
    if let Some(first) = &sys::config::config().first_path {
        let (path, first) = (sys::get(vm, "path").unwrap_or_else(none), vm.new_str(first));
        vm.call_method(&path, "insert", &[Value::small_unchecked(0), first])?;
    }
    crate::import::library::started();
    stress(vm);
    Ok(())
}

/// Ways to run that must not change what a program does, for tests: `TAIPAN_DEBUG=probes` puts a native probe on every
/// event of all code, `TAIPAN_DEBUG=gc-stress` collects at every safepoint that follows an allocation.
fn stress(vm: &mut Vm) {
    use crate::probe::{events, native};
    match std::env::var("TAIPAN_DEBUG").as_deref() {
        Ok("probes") => {
            let all = events::Event::ALL.iter().fold(events::EventSet::NONE, |set, e| set.with(e.set()));
            if let Some(tool) = native::register(|_, _| Ok(native::Answer::Go)) {
                native::set_events(vm, tool, all);
            }
        }
        Ok("gc-stress") => crate::object::gc::set_stress(),
        _ => {}
    }
}

/// SIGPIPE and SIGXFSZ become errors of the calls that meet them, SIGINT raises `KeyboardInterrupt`
/// (`_PySignal_Init` of `Modules/signalmodule.c`).
fn install_signals(vm: &mut Vm) -> PyResult<()> {
    use crate::host::threads::{Disposition, set_disposition};
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        let _ = set_disposition(signal, Disposition::Ignore);
    }
    if crate::import::find_native("_signal").is_some() {
        // Importing it notes the dispositions found and installs the handler of SIGINT.
        vm.import("_signal")?;
    }
    Ok(())
}

/// `__main__`, made at first use.
pub fn main_module(vm: &mut Vm) -> PyResult<Py<Module>> {
    let modules = sys::modules(vm)?;
    if let Some(m) = modules.lookup_text("__main__") {
        if let Ok(m) = m.into_py::<Module>() {
            return Ok(m);
        }
    }
    let name: Value = vm.intern("__main__").into();
    let m = Module::new_object(&name, none());
    let builtins = crate::builtins::module(vm)?;
    m.dict.store_text("__builtins__", builtins);
    modules.store_text("__main__", m.clone());
    Ok(m)
}

/// Compiles and runs a source text as `__main__`.
pub fn run_source(vm: &mut Vm, source: &[u8], filename: &str) -> PyResult<()> {
    let main = prepare(vm, source, filename)?;
    run_prepared(vm, &main)
}

/// Compiles a source text as `__main__`: what [`run_prepared`] runs.
pub fn prepare(vm: &mut Vm, source: &[u8], filename: &str) -> PyResult<Py<Function>> {
    let text = match taipan_syntax::decode_source(source, filename) {
        Ok(s) => s.text,
        Err(e) => return Err(vm.syntax_error(&e)),
    };
    if filename == "<string>" {
        // Tracebacks show the lines of `-c`.
        print::source::register(filename, &text);
    }
    let how = crate::builtins::code::How::new(taipan_syntax::Mode::Exec, filename);
    let code = vm.compile(&text, &how)?;
    let main = main_module(vm)?;
    let dict: Py<Dict> = main.dict.clone();
    Ok(Function::new(vm, code, dict, None))
}

/// Runs what [`prepare`] made.
pub fn run_prepared(vm: &mut Vm, main: &Py<Function>) -> PyResult<()> {
    let dict = main.globals.clone();
    vm.run_code(main, dict.as_value()).map(|_| ())
}

/// Ends the program: waits for threads, runs `atexit`, flushes the streams. Gives the exit status for the outcome of its
/// main code; an uncaught exception is printed.
pub fn finish(vm: &mut Vm, outcome: PyResult<()>) -> i32 {
    finish_with(vm, outcome, |_| ())
}

/// As [`finish`]; `look` is called when the program is over and its modules are still there.
pub fn finish_with(vm: &mut Vm, outcome: PyResult<()>, look: impl FnOnce(&mut Vm)) -> i32 {
    let mut status = match outcome {
        Ok(()) => 0,
        Err(_) => report(vm),
    };
    let modules = sys::modules(vm).ok();
    if let Some(t) = modules.as_ref().and_then(|m| m.lookup_text("threading")) {
        if vm.call_method(&t, "_shutdown", &[]).is_err() {
            let e = vm.take_error();
            print::print_uncaught(vm, e);
        }
    }
    if let Some(a) = modules.as_ref().and_then(|m| m.lookup_text("atexit")) {
        if vm.call_method(&a, "_run_exitfuncs", &[]).is_err() {
            vm.clear_error();
        }
    }
    // What cannot be written is reported once (`Py_FinalizeEx`).
    let flushed = crate::stdio::flush_all(vm);
    vm.run_ends();
    look(vm);
    crate::builtins::sys::machine::set_finalizing();
    crate::finish::end_modules(vm);
    if !flushed || !crate::stdio::flush_all(vm) {
        status = 120;
    }
    status
}

/// Prints the pending exception as uncaught; gives the exit status (`SystemExit` decides its own).
fn report(vm: &mut Vm) -> i32 {
    let e = vm.take_error();
    if vm.is_kind(&e, &exc::SYSTEM_EXIT) {
        return print::exit_status(vm, &e);
    }
    let interrupted = vm.is_kind(&e, &exc::KEYBOARD_INTERRUPT);
    print::print_uncaught(vm, e);
    INTERRUPTED.store(interrupted, std::sync::atomic::Ordering::Relaxed);
    if interrupted { 130 } else { 1 }
}

static INTERRUPTED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Ends the process by SIGINT when an uncaught `KeyboardInterrupt` ended the program, so that shells see what happened
/// (`exit_sigint` of `Modules/main.c`); otherwise does nothing.
pub fn end_as_interrupted() {
    use crate::host::{process, threads};
    if INTERRUPTED.load(std::sync::atomic::Ordering::Relaxed) {
        let _ = threads::set_disposition(libc::SIGINT, threads::Disposition::Default);
        let _ = process::getpid().and_then(|pid| process::kill(pid, libc::SIGINT));
    }
}
