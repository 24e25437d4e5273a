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
    sys::configure(config);
    let vm = crate::vm::gil::attach();
    crate::types::typeobject::ready::ready_all(crate::types::table::TYPES);
    crate::types::typeobject::ready::ready_all(exc::ALL);
    exc::group::finish_types();
    vm
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
    if has_streams() {
        vm.import("encodings")?;
    }
    open_streams(vm)?;
    // `site` and what it imports stand on files.
    if !sys::config::config().no_site && has_streams() {
        vm.import("site")?;
    }
    Ok(())
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

/// Whether the native `_io` has all that the standard streams stand on.
fn has_streams() -> bool {
    crate::import::find_native("_io").is_some_and(|m| {
        ["_io.TextIOWrapper", "_io.FileIO", "_io.BufferedWriter"].iter().all(|n| m.types.iter().any(|t| t.name == *n))
    })
}

/// Opens `sys.stdin`, `sys.stdout` and `sys.stderr` (`init_sys_streams` of `Python/pylifecycle.c`). Without the native
/// `_io` the plain streams of the beginning stay.
fn open_streams(vm: &mut Vm) -> PyResult<()> {
    if !has_streams() {
        return Ok(());
    }
    let io = vm.import("io")?;
    let open = vm.get_attr_text(&io, "open")?;
    let builtins = crate::builtins::dict();
    builtins.store_text("open", open);
    for (name, fd) in [("stdin", 0), ("stdout", 1), ("stderr", 2)] {
        let stream = open_stream(vm, &io, name, fd)?;
        sys::set(vm, name, stream.clone());
        sys::set(vm, &format!("__{name}__"), stream);
    }
    Ok(())
}

/// One standard stream; `None` when its descriptor is closed.
fn open_stream(vm: &mut Vm, io: &Value, name: &str, fd: i32) -> PyResult {
    if !crate::host::is_open(fd) {
        return Ok(none());
    }
    let unbuffered = sys::config::config().unbuffered;
    let reading = fd == 0;
    let mode = vm.new_str(if reading { "rb" } else { "wb" });
    let buffering = Value::small_unchecked(if unbuffered && !reading { 0 } else { -1 });
    let t = crate::types::tuple::Tuple::from_vec(vec![vm.intern("closefd").into()]);
    let open = vm.get_attr_text(io, "open")?;
    let all = [Value::small_unchecked(fd as i64), mode, buffering, crate::object::boolean(false)];
    let binary = vm.call_kw(&open, &crate::vm::args::Args::new(&all, Some(&t)))?;
    let raw = if unbuffered && !reading { binary.clone() } else { vm.get_attr_text(&binary, "raw")? };
    let shown = vm.new_str(&format!("<{name}>"));
    vm.set_attr_text(&raw, "name", &shown)?;
    let tty = crate::host::is_terminal(fd);
    let encoding = vm.new_str("utf-8");
    let errors = vm.new_str(if fd == 2 {
        "backslashreplace"
    } else if sys::config::config().utf8_mode {
        "surrogateescape"
    } else {
        "strict"
    });
    let wrapper = vm.get_attr_text(io, "TextIOWrapper")?;
    let newline = vm.new_str("\n");
    let newline = if reading { none() } else { newline };
    let line = crate::object::boolean(!reading && (fd == 2 || tty));
    let through = crate::object::boolean(unbuffered);
    let stream = vm.call(&wrapper, &[binary, encoding, errors, newline, line, through])?;
    let mode = vm.new_str(if reading { "r" } else { "w" });
    vm.set_attr_text(&stream, "mode", &mode)?;
    Ok(stream)
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
    let text = match taipan_syntax::decode_source(source, filename) {
        Ok(s) => s.text,
        Err(e) => return Err(vm.syntax_error(&e, None)),
    };
    let how = crate::builtins::code::How::new(taipan_syntax::Mode::Exec, filename);
    let code = vm.compile(&text, &how)?;
    let main = main_module(vm)?;
    let dict: Py<Dict> = main.dict.clone();
    let f = Function::new(vm, code, dict.clone(), None);
    vm.run_code(&f, dict.as_value()).map(|_| ())
}

/// Ends the program: waits for threads, runs `atexit`, flushes the streams. Gives the exit status for the outcome of its
/// main code; an uncaught exception is printed.
pub fn finish(vm: &mut Vm, outcome: PyResult<()>) -> i32 {
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
    for name in ["stdout", "stderr"] {
        if let Some(s) = sys::get(vm, name).filter(|s| !s.is_none()) {
            if vm.call_method(&s, "flush", &[]).is_err() {
                let e = vm.take_error();
                if name == "stdout" {
                    let _ = e;
                    status = if status == 0 { 120 } else { status };
                }
            }
        }
    }
    vm.run_ends();
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
    if interrupted { 130 } else { 1 }
}
