//! `_thread` (`Modules/_threadmodule.c`): threads, locks, thread-local data.

mod handle;
mod local;
mod lock;

use crate::system::int;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use taipan_runtime::host::threads;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value, boolean, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::structseq::StructSeq;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_thread")
    .doc("Threads and locks: what threading stands on.")
    .functions(&[
        MethodDef::function(
            "start_new_thread",
            "($module, function, args, kwargs={}, /)",
            "Start a thread that calls a function; give its identity.",
            N(handle::start_new_thread),
        ),
        MethodDef::function(
            "start_new",
            "($module, function, args, kwargs={}, /)",
            "Older name of start_new_thread.",
            N(handle::start_new_thread),
        ),
        MethodDef::function(
            "start_joinable_thread",
            "($module, function, handle=None, daemon=True)",
            "Start a thread that can be waited for; give its handle.",
            N(handle::start_joinable_thread),
        ),
        MethodDef::function(
            "_make_thread_handle",
            "($module, ident, /)",
            "A handle of a thread that runs already.",
            F1(handle::make_thread_handle),
        ),
        MethodDef::function(
            "_shutdown",
            "($module, /)",
            "Wait for all threads that are no daemons.",
            F0(handle::shutdown),
        ),
        MethodDef::function("allocate_lock", "($module, /)", "A new lock.", F0(|_| Ok(lock::new_lock()))),
        MethodDef::function("allocate", "($module, /)", "Older name of allocate_lock.", F0(|_| Ok(lock::new_lock()))),
        MethodDef::function("get_ident", "($module, /)", "Identity of this thread.", F0(|vm| Ok(int(vm.ident as i64)))),
        MethodDef::function(
            "get_native_id",
            "($module, /)",
            "The kernel's number of this thread.",
            F0(|_| Ok(int(threads::native_id()))),
        ),
        MethodDef::function(
            "_get_main_thread_ident",
            "($module, /)",
            "Identity of the main thread.",
            F0(|_| Ok(int(handle::main_ident() as i64))),
        ),
        MethodDef::function(
            "_is_main_interpreter",
            "($module, /)",
            "Whether this is the main interpreter.",
            F0(|_| Ok(boolean(true))),
        ),
        MethodDef::function(
            "daemon_threads_allowed",
            "($module, /)",
            "Whether daemon threads are allowed.",
            F0(|_| Ok(boolean(true))),
        ),
        MethodDef::function(
            "_count",
            "($module, /)",
            "How many threads run that were started here.",
            F0(|_| Ok(int(handle::running() as i64))),
        ),
        MethodDef::function("exit", "($module, /)", "End this thread.", F0(exit)),
        MethodDef::function("exit_thread", "($module, /)", "Older name of exit.", F0(exit)),
        MethodDef::function(
            "interrupt_main",
            "($module, signum=2, /)",
            "As if a signal had come.",
            N(|vm, a| {
                let signal = match &a[0] {
                    Some(v) => vm.to_i32(v)?,
                    None => libc::SIGINT,
                };
                if !(1..threads::NSIG as i32).contains(&signal) {
                    return Err(vm.value_error("signal number out of range"));
                }
                if crate::signal::is_handled(vm, signal) {
                    threads::simulate(signal);
                    vm.check_signals()?;
                }
                Ok(none())
            }),
        ),
        MethodDef::function(
            "stack_size",
            "($module, size=0, /)",
            "Stack size of new threads; give the old.",
            N(stack_size),
        ),
        MethodDef::function(
            "set_name",
            "($module, name)",
            "Name this thread for the system.",
            N(|vm, a| {
                let v = a[0].clone().unwrap_or_else(none);
                let name = vm.expect_str(&v, "set_name() argument 'name'")?.to_rust().into_owned();
                let name = name.split('\0').next().unwrap_or_default();
                threads::set_name(name);
                taipan_runtime::vm::watch::named(name);
                Ok(none())
            }),
        ),
        MethodDef::function(
            "_get_name",
            "($module, /)",
            "The system's name of this thread.",
            F0(|vm| Ok(vm.new_str(&threads::name()))),
        ),
        MethodDef::function(
            "_excepthook",
            "($module, exc_info, /)",
            "Report an exception of a thread.",
            F1(excepthook),
        ),
    ])
    .types(&[&lock::LOCK, &lock::RLOCK, &handle::HANDLE, &local::LOCAL])
    .init(init);

static HOOK_ARGS: StructSeq = StructSeq::new(
    "_thread._ExceptHookArgs",
    "What threading.excepthook() is given.",
    &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("thread", "Thread"),
    ],
    4,
);

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    handle::note_main(vm);
    module.store_text("error", exc::RUNTIME_ERROR.value());
    module.store_text("LockType", lock::LOCK.value());
    module.store_text("TIMEOUT_MAX", Float::new(9223372036.0));
    module.store_text("_NAME_MAXLEN", int(15));
    let class = HOOK_ARGS.class(vm)?;
    module.store_text("_ExceptHookArgs", class);
    Ok(())
}

fn exit(vm: &mut Vm) -> PyResult {
    Err(vm.raise_with(&exc::SYSTEM_EXIT, &[]))
}

/// Puts threads and locks in order in a child process, where only the calling thread goes on.
pub fn after_fork_child(vm: &mut Vm) {
    handle::after_fork_child(vm);
}

static STACK_SIZE: AtomicI64 = AtomicI64::new(0);

/// Bytes of a new thread's native stack.
fn native_stack() -> usize {
    match STACK_SIZE.load(Relaxed) {
        0 => 16 << 20,
        n => n as usize,
    }
}

fn stack_size(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let old = STACK_SIZE.load(Relaxed);
    if let Some(v) = &a[0] {
        let n = vm.to_i64(v)?;
        if n < 0 {
            return Err(vm.value_error("size must be 0 or a positive value"));
        }
        if n != 0 && n < 32768 {
            return Err(vm.value_error(format!("size not valid: {n} bytes")));
        }
        STACK_SIZE.store(n, Relaxed);
    }
    Ok(int(old))
}

/// `threading.excepthook`: writes the traceback to `sys.stderr`; `SystemExit` is no error.
fn excepthook(vm: &mut Vm, args: &Value) -> PyResult {
    let class = HOOK_ARGS.class(vm)?;
    if !vm.is_instance(args, class.as_value())? {
        return Err(vm.type_error("_thread._excepthook argument type must be ExceptHookArgs"));
    }
    let value = vm.get_attr_text(args, "exc_value")?;
    if vm.is_kind(&value, &exc::SYSTEM_EXIT) {
        return Ok(none());
    }
    let thread = vm.get_attr_text(args, "thread")?;
    let name = if thread.is_none() { int(vm.ident as i64) } else { vm.get_attr_text(&thread, "name")? };
    let name = vm.str(&name)?.to_rust().into_owned();
    let stderr = match taipan_runtime::builtins::sys::get(vm, "stderr").filter(|s| !s.is_none()) {
        Some(s) => s,
        None if thread.is_none() => return Ok(none()),
        // What the thread noted when it was made.
        None => match vm.get_attr_text(&thread, "_stderr")? {
            s if s.is_none() => return Ok(none()),
            s => s,
        },
    };
    let text = vm.new_str(&format!("Exception in thread {name}:\n"));
    vm.call_method(&stderr, "write", &[text])?;
    if !value.is_none() {
        exc::print::display(vm, &value);
    }
    vm.call_method(&stderr, "flush", &[])?;
    Ok(none())
}
