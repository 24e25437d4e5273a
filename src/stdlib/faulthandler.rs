//! `faulthandler` (`Modules/faulthandler.c`): Python stacks on signals, faults and timeouts. What writes them is
//! `vm::crash`.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;
use taipan_runtime::builtins::global::Global;
use taipan_runtime::builtins::sys;
use taipan_runtime::host::process;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::Py;
use taipan_runtime::object::typedef::{
    MethodDef,
    NativeFn::{F0, F1, N},
};
use taipan_runtime::object::{PyResult, Value, boolean, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::vm::{Vm, crash};

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("faulthandler")
    .doc("faulthandler module.")
    .functions(&[
        MethodDef::function(
            "enable",
            "($module, /, file=sys.stderr, all_threads=True)",
            "Enable the fault handler.",
            N(enable),
        ),
        MethodDef::function("disable", "($module, /)", "Disable the fault handler.", F0(disable)),
        MethodDef::function("is_enabled", "($module, /)", "Check if the handler is enabled.", F0(is_enabled)),
        MethodDef::function(
            "dump_traceback",
            "($module, /, file=sys.stderr, all_threads=True)",
            "Dump the traceback of the current thread, or of all threads if all_threads is True, into file.",
            N(dump_traceback),
        ),
        MethodDef::function(
            "dump_c_stack",
            "($module, /, file=sys.stderr)",
            "Dump the C stack of the current thread.",
            N(dump_c_stack),
        ),
        MethodDef::function(
            "dump_traceback_later",
            "($module, /, timeout, repeat=False, file=sys.stderr, exit=False)",
            "Dump the traceback of all threads in timeout seconds,\nor each timeout seconds if repeat is True. If exit \
             is True, call _exit(1) which is not safe.",
            N(dump_traceback_later),
        ),
        MethodDef::function(
            "cancel_dump_traceback_later",
            "($module, /)",
            "Cancel the previous call to dump_traceback_later().",
            F0(cancel_later),
        ),
        MethodDef::function(
            "register",
            "($module, /, signum, file=sys.stderr, all_threads=True, chain=False)",
            "Register a handler for the signal 'signum': dump the traceback of the current thread, or of all threads if \
             all_threads is True, into file.",
            N(register),
        ),
        MethodDef::function(
            "unregister",
            "($module, signum, /)",
            "Unregister the handler of the signal 'signum' registered by register().",
            F1(unregister),
        ),
        MethodDef::function(
            "_read_null",
            "($module, /)",
            "Read from NULL, raise a SIGSEGV or SIGBUS signal depending on the platform.",
            F0(|_| Ok(Value::from_usize(crash::read_null().into()))),
        ),
        MethodDef::function("_sigsegv", "($module, release_gil=False, /)", "Raise a SIGSEGV signal.", N(sigsegv)),
        MethodDef::function("_sigfpe", "($module, /)", "Raise a SIGFPE signal.", F0(|vm| send(vm, libc::SIGFPE))),
        MethodDef::function("_sigabrt", "($module, /)", "Raise a SIGABRT signal.", F0(|_| process::abort())),
        MethodDef::function(
            "_stack_overflow",
            "($module, /)",
            "Recursive call to raise a stack overflow.",
            F0(|_| Ok(Value::from_usize(crash::overflow_stack(0)))),
        ),
    ])
    .init(init);

fn init(_: &mut Vm, _: &Py<Dict>) -> PyResult<()> {
    Ok(())
}

/// The files that reports go to, kept open: those of `enable`, `dump_traceback_later`, and of `register` by signal.
static ENABLED: Global = Global::new();
static LATER: Global = Global::new();
static REGISTERED: Global = Global::new();

/// The descriptor of a `file` argument: a descriptor, an object with `fileno`, or by default `sys.stderr`. Text that the
/// file holds back is flushed first.
fn descriptor(vm: &mut Vm, file: Option<&Value>) -> PyResult<(i32, Value)> {
    let file = match file.filter(|f| !f.is_none()) {
        Some(f) => f.clone(),
        None => match sys::get(vm, "stderr") {
            None => return Err(vm.runtime_error("unable to get sys.stderr")),
            Some(f) if f.is_none() => return Err(vm.runtime_error("sys.stderr is None")),
            Some(f) => f,
        },
    };
    let invalid = "file is not a valid file descriptor";
    if vm.is_kind(&file, &taipan_runtime::types::int::INT) {
        let fd = vm.to_i32(&file).ok().filter(|fd| *fd >= 0);
        return match fd {
            Some(fd) => Ok((fd, none())),
            None => {
                vm.clear_error();
                Err(vm.value_error(invalid))
            }
        };
    }
    let number = vm.call_method(&file, "fileno", &[])?;
    let fd = if vm.is_kind(&number, &taipan_runtime::types::int::INT) { vm.to_i32(&number)? } else { -1 };
    if fd < 0 {
        return Err(vm.runtime_error("file.fileno() is not a valid file descriptor"));
    }
    if vm.call_method(&file, "flush", &[]).is_err() {
        vm.clear_error();
    }
    Ok((fd, file))
}

fn truth(vm: &mut Vm, v: Option<&Value>, default: bool) -> PyResult<bool> {
    match v {
        Some(v) => vm.truth(v),
        None => Ok(default),
    }
}

fn enable(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let all = truth(vm, a[1].as_ref(), true)?;
    let (fd, file) = descriptor(vm, a[0].as_ref())?;
    if !crash::enable(fd, all) {
        return Err(vm.runtime_error("unable to install the signal handlers"));
    }
    drop(ENABLED.set(Some(file)));
    Ok(none())
}

fn disable(_: &mut Vm) -> PyResult {
    let was = crash::disable();
    drop(ENABLED.set(None));
    Ok(boolean(was))
}

fn is_enabled(_: &mut Vm) -> PyResult {
    Ok(boolean(crash::is_enabled()))
}

fn dump_traceback(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let all = truth(vm, a[1].as_ref(), true)?;
    let (fd, _file) = descriptor(vm, a[0].as_ref())?;
    crash::dump_here(vm, fd, all);
    vm.check_signals()?;
    Ok(none())
}

fn dump_c_stack(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let (fd, _file) = descriptor(vm, a[0].as_ref())?;
    crash::dump_native(&mut crash::Out::new(fd));
    vm.check_signals()?;
    Ok(none())
}

// ---- signals ----------------------------------------------------------------------------------------------------------

fn send(vm: &mut Vm, signal: i32) -> PyResult {
    process::raise(signal).map_err(|e| vm.os_error(e))?;
    Ok(none())
}

fn sigsegv(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    if truth(vm, a[0].as_ref(), false)? {
        vm.allow_threads(|| process::raise(libc::SIGSEGV)).map_err(|e| vm.os_error(e))?;
        return Ok(none());
    }
    send(vm, libc::SIGSEGV)
}

fn signal_number(vm: &mut Vm, v: &Value) -> PyResult<i32> {
    let n = vm.to_i32(v)?;
    if crash::FATAL.iter().any(|(s, _)| *s == n) {
        return Err(vm.runtime_error(format!("signal {n} cannot be registered, use enable() instead")));
    }
    if !(1..65).contains(&n) {
        return Err(vm.value_error("signal number out of range"));
    }
    Ok(n)
}

fn registered_files() -> Py<Dict> {
    if let Some(Ok(d)) = REGISTERED.get().map(Value::into_py::<Dict>) {
        return d;
    }
    let d = Dict::new_object();
    drop(REGISTERED.set(Some(d.clone().into())));
    d
}

fn register(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let number = a[0].clone().unwrap_or_else(none);
    let signal = signal_number(vm, &number)?;
    let all = truth(vm, a[2].as_ref(), true)?;
    let chain = truth(vm, a[3].as_ref(), false)?;
    let (fd, file) = descriptor(vm, a[1].as_ref())?;
    crash::register(signal, fd, all, chain).map_err(|e| vm.os_error(e))?;
    registered_files().store_text(&signal.to_string(), file);
    Ok(none())
}

fn unregister(vm: &mut Vm, number: &Value) -> PyResult {
    let signal = signal_number(vm, number)?;
    let was = crash::unregister(signal);
    let name = vm.intern(&signal.to_string());
    drop(registered_files().remove_str(&name));
    Ok(boolean(was))
}

// ---- a report after some time -----------------------------------------------------------------------------------------

/// The watchdog of `dump_traceback_later`: stops when told so.
struct Watchdog {
    cancelled: Mutex<bool>,
    wake: Condvar,
}

static WATCHDOG: Mutex<Option<Arc<Watchdog>>> = Mutex::new(None);

fn cancel_later(_: &mut Vm) -> PyResult {
    stop_watchdog();
    drop(LATER.set(None));
    Ok(none())
}

fn stop_watchdog() {
    if let Some(old) = WATCHDOG.lock().take() {
        *old.cancelled.lock() = true;
        old.wake.notify_all();
    }
}

/// `Timeout (0:00:00.300000)!`
fn words(timeout: Duration) -> String {
    let (s, us) = (timeout.as_secs(), timeout.subsec_micros());
    let fraction = if us == 0 { String::new() } else { format!(".{us:06}") };
    format!("Timeout ({}:{:02}:{:02}{fraction})!\n", s / 3600, s / 60 % 60, s % 60)
}

fn dump_traceback_later(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let seconds = a[0].clone().unwrap_or_else(none);
    let seconds = vm.to_f64(&seconds)?;
    let repeat = truth(vm, a[1].as_ref(), false)?;
    let exit = truth(vm, a[3].as_ref(), false)?;
    if seconds.is_nan() || seconds <= 0.0 {
        return Err(vm.value_error("timeout must be greater than 0"));
    }
    if seconds > 4_294_967.0 {
        return Err(vm.overflow_error("timeout value is too large"));
    }
    let timeout = Duration::from_micros((seconds * 1e6) as u64);
    let (fd, file) = descriptor(vm, a[2].as_ref())?;
    stop_watchdog();
    drop(LATER.set(Some(file)));
    let dog = Arc::new(Watchdog { cancelled: Mutex::new(false), wake: Condvar::new() });
    *WATCHDOG.lock() = Some(Arc::clone(&dog));
    let body = move || {
        let mut cancelled = dog.cancelled.lock();
        loop {
            dog.wake.wait_for(&mut cancelled, timeout);
            if *cancelled {
                return;
            }
            crash::Out::new(fd).put(&words(timeout));
            crash::dump_from_outside(fd);
            if exit {
                process::exit_now(1);
            }
            if !repeat {
                return;
            }
        }
    };
    match std::thread::Builder::new().name("faulthandler".to_owned()).spawn(body) {
        Ok(_) => Ok(none()),
        Err(_) => Err(vm.runtime_error("unable to start watchdog thread")),
    }
}
