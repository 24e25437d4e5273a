//! `_signal` (`Modules/signalmodule.c`): Python functions as handlers of signals. They run in the main thread, at its next
//! safepoint.

use crate::system::{blocking_or_raise, int, store_numbers};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use taipan_runtime::builtins::global::Global;
use taipan_runtime::host::threads::{self, Disposition, NSIG};
use taipan_runtime::host::{self, process};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::{Vm, gil};

static NUMBERS: &[(&str, i64)] = &[
    ("ITIMER_PROF", 2),
    ("ITIMER_REAL", 0),
    ("ITIMER_VIRTUAL", 1),
    ("NSIG", 65),
    ("SIGABRT", 6),
    ("SIGALRM", 14),
    ("SIGBUS", 7),
    ("SIGCHLD", 17),
    ("SIGCLD", 17),
    ("SIGCONT", 18),
    ("SIGFPE", 8),
    ("SIGHUP", 1),
    ("SIGILL", 4),
    ("SIGINT", 2),
    ("SIGIO", 29),
    ("SIGIOT", 6),
    ("SIGKILL", 9),
    ("SIGPIPE", 13),
    ("SIGPOLL", 29),
    ("SIGPROF", 27),
    ("SIGPWR", 30),
    ("SIGQUIT", 3),
    ("SIGRTMAX", 64),
    ("SIGRTMIN", 34),
    ("SIGSEGV", 11),
    ("SIGSTKFLT", 16),
    ("SIGSTOP", 19),
    ("SIGSYS", 31),
    ("SIGTERM", 15),
    ("SIGTRAP", 5),
    ("SIGTSTP", 20),
    ("SIGTTIN", 21),
    ("SIGTTOU", 22),
    ("SIGURG", 23),
    ("SIGUSR1", 10),
    ("SIGUSR2", 12),
    ("SIGVTALRM", 26),
    ("SIGWINCH", 28),
    ("SIGXCPU", 24),
    ("SIGXFSZ", 25),
    ("SIG_BLOCK", 0),
    ("SIG_DFL", 0),
    ("SIG_IGN", 1),
    ("SIG_SETMASK", 2),
    ("SIG_UNBLOCK", 1),
];

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_signal")
    .doc("Handlers of signals, written in Python.")
    .functions(&[
        MethodDef::function(
            "default_int_handler",
            "($module, signalnum, frame, /)",
            "Raise KeyboardInterrupt.",
            F2(|vm, _, _| Err(vm.raise_with(&exc::KEYBOARD_INTERRUPT, &[]))),
        ),
        MethodDef::function(
            "signal",
            "($module, signalnum, handler, /)",
            "Set a handler; give the old.",
            F2(set_handler),
        ),
        MethodDef::function(
            "getsignal",
            "($module, signalnum, /)",
            "The handler of a signal.",
            F1(|vm, n| {
                let n = number(vm, n)?;
                Ok(handler(n))
            }),
        ),
        MethodDef::function(
            "raise_signal",
            "($module, signalnum, /)",
            "Send a signal to this process.",
            F1(|vm, n| {
                let n = vm.to_i32(n)?;
                process::raise(n).map_err(|e| vm.os_error(e))?;
                vm.check_signals()?;
                Ok(none())
            }),
        ),
        MethodDef::function(
            "strsignal",
            "($module, signalnum, /)",
            "The system's text for a signal.",
            F1(|vm, n| {
                let n = number(vm, n)?;
                Ok(threads::strsignal(n).map_or_else(none, |s| vm.new_str(&s)))
            }),
        ),
        MethodDef::function(
            "alarm",
            "($module, seconds, /)",
            "SIGALRM after some seconds.",
            F1(|vm, n| {
                let n = vm.to_i32(n)?;
                Ok(int(threads::alarm(n as u32)))
            }),
        ),
        MethodDef::function(
            "pause",
            "($module, /)",
            "Wait for a signal.",
            F0(|vm| {
                vm.allow_threads(threads::pause);
                vm.check_signals()?;
                Ok(none())
            }),
        ),
        MethodDef::function(
            "setitimer",
            "($module, which, seconds, interval=0.0, /)",
            "Signals after some seconds and at intervals; give the old times.",
            N(|vm, a| {
                let arg = |i: usize| a[i].clone().unwrap_or_else(|| Float::new(0.0));
                let which = vm.to_i32(&arg(0))?;
                let (first, interval) = (vm.to_f64(&arg(1))?, vm.to_f64(&arg(2))?);
                let r = threads::setitimer(which, first, interval);
                timer(vm, r)
            }),
        ),
        MethodDef::function(
            "getitimer",
            "($module, which, /)",
            "Times of a timer.",
            F1(|vm, which| {
                let which = vm.to_i32(which)?;
                timer(vm, threads::getitimer(which))
            }),
        ),
        MethodDef::function(
            "siginterrupt",
            "($module, signalnum, flag, /)",
            "Whether calls are interrupted.",
            F2(|vm, n, on| {
                let n = number(vm, n)?;
                let on = vm.to_i32(on)? != 0;
                threads::siginterrupt(n, on).map_err(|e| vm.os_error(e))?;
                Ok(none())
            }),
        ),
        MethodDef::function(
            "set_wakeup_fd",
            "($module, fd, /, *, warn_on_full_buffer=True)",
            "The descriptor that gets a byte for every signal; give the old.",
            N(set_wakeup_fd),
        ),
        MethodDef::function(
            "pthread_kill",
            "($module, thread_id, signalnum, /)",
            "Signal a thread.",
            F2(|vm, t, n| {
                let (t, n) = (vm.to_i64(t)? as u64, vm.to_i32(n)?);
                threads::kill_thread(t, n).map_err(|e| vm.os_error(e))?;
                vm.check_signals()?;
                Ok(none())
            }),
        ),
        MethodDef::function(
            "pthread_sigmask",
            "($module, how, mask, /)",
            "Change the mask; give the old.",
            F2(|vm, how, mask| {
                let how = vm.to_i32(how)?;
                let signals = signals(vm, mask)?;
                let old = threads::sigmask(how, &signals).map_err(|e| vm.os_error(e))?;
                vm.check_signals()?;
                set_of(vm, &old)
            }),
        ),
        MethodDef::function(
            "sigpending",
            "($module, /)",
            "Signals that wait.",
            F0(|vm| {
                let all = threads::pending().map_err(|e| vm.os_error(e))?;
                set_of(vm, &all)
            }),
        ),
        MethodDef::function(
            "sigwait",
            "($module, sigset, /)",
            "Wait for one of the signals.",
            F1(|vm, set| {
                let all = signals(vm, set)?;
                blocking_or_raise(vm, || threads::sigwait(&all)).map(int)
            }),
        ),
        MethodDef::function(
            "valid_signals",
            "($module, /)",
            "All signals of the system.",
            F0(|vm| {
                let all: Vec<i32> = (1..NSIG as i32).filter(|n| !(32..=33).contains(n)).collect();
                set_of(vm, &all)
            }),
        ),
    ])
    .init(init);

/// A list of handlers by signal: a function, `SIG_DFL` (0), `SIG_IGN` (1), or `None` for a foreign one.
static HANDLERS: Global = Global::new();
/// `signal.ItimerError`
static ITIMER_ERROR: Global = Global::new();
static READY: AtomicBool = AtomicBool::new(false);

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    store_numbers(module, NUMBERS);
    let default_int = module.lookup_text("default_int_handler").unwrap_or_else(none);
    if !READY.swap(true, Relaxed) {
        let mut all = vec![none()];
        for n in 1..NSIG as i32 {
            all.push(match threads::disposition(n) {
                Ok(Disposition::Default) => int(0),
                Ok(Disposition::Ignore) => int(1),
                _ => none(),
            });
        }
        if all[libc::SIGINT as usize].as_small() == Some(0) {
            all[libc::SIGINT as usize] = default_int;
            let _ = threads::set_disposition(libc::SIGINT, Disposition::Python);
        }
        HANDLERS.set(Some(List::from_vec(all).into()));
        gil::set_signal_runner(run_handlers);
    }
    let error = match ITIMER_ERROR.get() {
        Some(e) => e,
        None => {
            let type_class = taipan_runtime::types::typeobject::TYPE.value();
            let (name, dict) = (vm.new_str("ItimerError"), Dict::new_object());
            let module_name = vm.new_str("signal");
            dict.store_text("__module__", module_name);
            let bases = Tuple::from_vec(vec![exc::OS_ERROR.value()]).into();
            let e = vm.call(&type_class, &[name, bases, dict.into()])?;
            ITIMER_ERROR.set(Some(e.clone()));
            e
        }
    };
    module.store_text("ItimerError", error);
    Ok(())
}

fn number(vm: &mut Vm, v: &Value) -> PyResult<i32> {
    let n = vm.to_i32(v)?;
    if (1..NSIG as i32).contains(&n) { Ok(n) } else { Err(vm.value_error("signal number out of range")) }
}

fn handler(n: i32) -> Value {
    HANDLERS.get().and_then(|l| l.downcast::<List>()?.item(n as usize)).unwrap_or_else(none)
}

/// Whether a signal has a handler that does something.
pub fn is_handled(_: &mut Vm, n: i32) -> bool {
    let h = handler(n);
    !h.is_small() && !h.is_none()
}

/// Runs the handlers of signals that arrived.
fn run_handlers(vm: &mut Vm) -> PyResult<()> {
    if !gil::is_main(vm) {
        return Ok(());
    }
    let arrived = threads::take_arrived();
    for (i, &n) in arrived.iter().enumerate() {
        let h = handler(n);
        if h.is_small() || h.is_none() {
            let text = vm.new_str(&format!("Signal {n} ignored due to race condition"));
            let _ = vm.raise_with(&exc::OS_ERROR, &[text]);
            vm.unraisable(None, Some("Exception ignored while calling signal handler"));
            continue;
        }
        let frame = vm.frame_object(0).map_or_else(none, Into::into);
        if let Err(r) = vm.call(&h, &[int(n), frame]) {
            arrived[i + 1..].iter().for_each(|&n| threads::simulate(n));
            return Err(r);
        }
    }
    Ok(())
}

fn set_handler(vm: &mut Vm, n: &Value, to: &Value) -> PyResult {
    if !gil::is_main(vm) {
        return Err(vm.value_error("signal only works in main thread of the main interpreter"));
    }
    let n = number(vm, n)?;
    let plain = if vm.callable(to) { None } else { Int::read(to).and_then(|i| i.to_i64()) };
    let disposition = match plain {
        None if vm.callable(to) => Disposition::Python,
        Some(0) => Disposition::Default,
        Some(1) => Disposition::Ignore,
        _ => {
            return Err(vm.type_error("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"));
        }
    };
    vm.check_signals()?;
    threads::set_disposition(n, disposition).map_err(|e| vm.os_error(e))?;
    let old = handler(n);
    let new = plain.map_or_else(|| to.clone(), int);
    if let Some(l) = HANDLERS.get() {
        vm.set_item(&l, &int(n), &new)?;
    }
    Ok(old)
}

fn timer(vm: &mut Vm, r: Result<(f64, f64), i32>) -> PyResult {
    match r {
        Ok((first, interval)) => Ok(Tuple::from_vec(vec![Float::new(first), Float::new(interval)]).into()),
        Err(e) => {
            let class = ITIMER_ERROR.get().unwrap_or_else(|| exc::OS_ERROR.value());
            let text = vm.new_str(&host::strerror(e));
            let error = vm.call(&class, &[int(e), text])?;
            Err(vm.raise(error))
        }
    }
}

fn set_wakeup_fd(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    if !gil::is_main(vm) {
        return Err(vm.value_error("set_wakeup_fd only works in main thread of the main interpreter"));
    }
    let fd = vm.to_i32(&a[0].clone().unwrap_or_else(none))?;
    if fd >= 0 && !host::is_open(fd) {
        return Err(vm.os_error(libc::EBADF));
    }
    if fd >= 0 {
        let flags = host::files::fcntl(fd, libc::F_GETFL, 0).map_err(|e| vm.os_error(e))?;
        if flags & libc::O_NONBLOCK == 0 {
            return Err(vm.value_error(format!("the fd {fd} must be in non-blocking mode")));
        }
    }
    Ok(int(threads::set_wakeup(fd)))
}

fn signals(vm: &mut Vm, v: &Value) -> PyResult<Vec<i32>> {
    let items = vm.collect(v)?;
    let mut out = Vec::with_capacity(items.len());
    for i in items {
        let i = vm.index(&i)?;
        match i.as_small() {
            Some(n) if (1..NSIG as i64).contains(&n) => out.push(n as i32),
            Some(n) => {
                return Err(vm.value_error(format!("signal number {n} out of range [1; {}]", NSIG - 1)));
            }
            None => return Err(vm.value_error(format!("signal number out of range [1; {}]", NSIG - 1))),
        }
    }
    Ok(out)
}

fn set_of(vm: &mut Vm, all: &[i32]) -> PyResult {
    let all: Vec<Value> = all.iter().map(|&n| int(n)).collect();
    vm.new_set(&all)
}
