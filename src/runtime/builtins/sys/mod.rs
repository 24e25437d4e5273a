//! The `sys` module: what the interpreter tells about itself, and its hooks.
//!
//! The rooms: `config` (how the process was started), `info` (the structures `flags`, `version_info` …), `hooks`
//! (display, excepthook, unraisable, breakpoint), `audit`, `machine` (sizes, counts, limits, frames, tracing), `names`
//! (the standard library's module names).

pub mod audit;
pub mod config;
pub mod hooks;
pub mod info;
mod jit;
pub mod machine;
pub mod names;

use super::global::Global;
use crate::import::ModuleDef;
use crate::object::typedef::MethodDef;
use crate::object::{NativeFn, Py, PyResult, Value};
use crate::types::dict::Dict;
use crate::vm::Vm;
use NativeFn::{F0, F1, F2, F3, N, V};
pub use config::{Config, configure, optimization_level};
pub use names::is_stdlib_module;

/// The `sys` module.
pub static MODULE: ModuleDef = ModuleDef::new("sys")
    .doc("Objects used or maintained by the interpreter, and functions that interact strongly with it.")
    .functions(FUNCTIONS)
    .init(init);

static OBJECT: Global = Global::new();
static DICT: Global = Global::new();
static MODULES: Global = Global::new();

/// The module, made at first use and entered into `sys.modules`.
pub fn module(vm: &mut Vm) -> PyResult {
    super::single(vm, &OBJECT, &MODULE)
}

/// The dictionary of imported modules, whatever the program has bound to `sys.modules` since.
pub fn modules(_: &mut Vm) -> PyResult<Py<Dict>> {
    if let Some(Ok(d)) = MODULES.get().map(Value::into_py::<Dict>) {
        return Ok(d);
    }
    let d = Dict::new_object();
    drop(MODULES.set(Some(d.clone().into())));
    Ok(d)
}

/// An attribute of the module; `None`: the module does not exist yet, or the program deleted the attribute.
pub fn get(_: &mut Vm, name: &str) -> Option<Value> {
    DICT.get()?.downcast::<Dict>()?.lookup_text(name)
}

/// Sets an attribute of the module.
pub fn set(_: &mut Vm, name: &str, value: Value) {
    if let Some(d) = DICT.get() {
        if let Some(d) = d.downcast::<Dict>() {
            d.store_text(name, value);
        }
    }
}

/// The module's dictionary; before the module exists, an empty one.
pub fn dict() -> Py<Dict> {
    match DICT.get().map(Value::into_py::<Dict>) {
        Some(Ok(d)) => d,
        _ => Dict::new_object(),
    }
}

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    drop(DICT.set(Some(dict.clone().into())));
    let modules = modules(vm)?;
    dict.store_text("modules", modules);
    info::init(vm, dict)?;
    config::init(vm, dict)?;
    hooks::init(vm, dict)?;
    let monitoring = crate::import::make_native(vm, &crate::probe::monitoring::MODULE)?;
    dict.store_text("monitoring", monitoring);
    let jit = crate::import::make_native(vm, &jit::MODULE)?;
    dict.store_text("_jit", jit);
    Ok(())
}

const fn row(name: &'static str, signature: &'static str, doc: &'static str, function: NativeFn) -> MethodDef {
    MethodDef::function(name, signature, doc, function)
}

/// The functions of the module.
pub static FUNCTIONS: &[MethodDef] = &[
    row("addaudithook", "($module, /, hook)", "Adds a new audit hook callback.", N(audit::addaudithook)),
    row(
        "audit",
        "($module, event, /, *args)",
        "Passes the event to any hooks that are attached.",
        V(audit::audit_function),
    ),
    row(
        "breakpointhook",
        "($module, /, *args, **kwargs)",
        "This hook function is called by built-in breakpoint().",
        V(hooks::breakpointhook),
    ),
    row(
        "_clear_internal_caches",
        "($module, /)",
        "Clear all internal performance-related caches.",
        F0(machine::nothing),
    ),
    row("_clear_type_cache", "($module, /)", "Clear the internal type lookup cache.", F0(machine::nothing)),
    row(
        "_current_frames",
        "($module, /)",
        "Return a dict mapping each thread's thread id to its current stack frame.",
        F0(machine::current_frames),
    ),
    row(
        "_current_exceptions",
        "($module, /)",
        "Return a dict mapping each thread's identifier to its current raised exception.",
        F0(machine::current_exceptions),
    ),
    row(
        "displayhook",
        "($module, object, /)",
        "Print an object to sys.stdout and also save it in builtins._",
        F1(hooks::displayhook),
    ),
    row("exception", "($module, /)", "Return the current exception.", F0(machine::exception)),
    row(
        "exc_info",
        "($module, /)",
        "Return current exception information: (type, value, traceback).",
        F0(machine::exc_info),
    ),
    row(
        "excepthook",
        "($module, exctype, value, traceback, /)",
        "Handle an exception by displaying it with a traceback on sys.stderr.",
        F3(hooks::excepthook),
    ),
    row("exit", "($module, status=None, /)", "Exit the interpreter by raising SystemExit(status).", N(machine::exit)),
    row(
        "getdefaultencoding",
        "($module, /)",
        "The encoding that str.encode and bytes.decode use when none is named.",
        F0(machine::getdefaultencoding),
    ),
    row(
        "getdlopenflags",
        "($module, /)",
        "Return the current value of the flags that are used for dlopen calls.",
        F0(machine::getdlopenflags),
    ),
    row(
        "getallocatedblocks",
        "($module, /)",
        "Return the number of memory blocks currently allocated.",
        F0(machine::getallocatedblocks),
    ),
    row(
        "getunicodeinternedsize",
        "($module, /, *, _only_immortal=False)",
        "Return the number of elements of the unicode interned dictionary",
        N(machine::getunicodeinternedsize),
    ),
    row(
        "getfilesystemencoding",
        "($module, /)",
        "Return the encoding used to convert Unicode filenames to OS filenames.",
        F0(machine::getfilesystemencoding),
    ),
    row(
        "getfilesystemencodeerrors",
        "($module, /)",
        "Return the error mode used for Unicode to OS filename conversion.",
        F0(machine::getfilesystemencodeerrors),
    ),
    row("getrefcount", "($module, object, /)", "Return the reference count of object.", F1(machine::getrefcount)),
    row(
        "getrecursionlimit",
        "($module, /)",
        "Return the current value of the recursion limit.",
        F0(machine::getrecursionlimit),
    ),
    row("getsizeof", "", "The size of an object in bytes, as CPython 3.14 would give it.", V(machine::getsizeof)),
    row("_getframe", "($module, depth=0, /)", "Return a frame object from the call stack.", N(machine::getframe)),
    row(
        "_getframemodulename",
        "($module, /, depth=0)",
        "Return the name of the module for a calling frame.",
        N(machine::getframemodulename),
    ),
    row(
        "_is_immortal",
        "($module, op, /)",
        "Return True if the given object is \"immortal\" per PEP 683.",
        F1(machine::is_immortal),
    ),
    row("intern", "($module, string, /)", "``Intern'' the given string.", F1(machine::intern)),
    row(
        "_is_interned",
        "($module, string, /)",
        "Return True if the given string is \"interned\".",
        F1(machine::is_interned),
    ),
    row("is_finalizing", "($module, /)", "Return True if Python is exiting.", F0(machine::is_finalizing)),
    row(
        "setswitchinterval",
        "($module, interval, /)",
        "Set the ideal thread switching delay inside the Python interpreter.",
        F1(machine::setswitchinterval),
    ),
    row(
        "getswitchinterval",
        "($module, /)",
        "Return the current thread switch interval.",
        F0(machine::getswitchinterval),
    ),
    row(
        "setdlopenflags",
        "($module, flags, /)",
        "Set the flags used by the interpreter for dlopen calls.",
        F1(machine::setdlopenflags),
    ),
    row("setprofile", "($module, function, /)", "Set the profiling function.", F1(machine::setprofile)),
    row(
        "_setprofileallthreads",
        "($module, function, /)",
        "Set the profiling function in all running threads.",
        F1(machine::setprofile_all),
    ),
    row(
        "getprofile",
        "($module, /)",
        "Return the profiling function set with sys.setprofile.",
        F0(machine::getprofile),
    ),
    row(
        "setrecursionlimit",
        "($module, limit, /)",
        "Set the maximum depth of the Python interpreter stack to n.",
        F1(machine::setrecursionlimit),
    ),
    row("settrace", "($module, function, /)", "Set the global debug tracing function.", F1(machine::settrace)),
    row(
        "_settraceallthreads",
        "($module, function, /)",
        "Set the global debug tracing function in all running threads.",
        F1(machine::settrace_all),
    ),
    row(
        "gettrace",
        "($module, /)",
        "Return the global debug tracing function set with sys.settrace.",
        F0(machine::gettrace),
    ),
    row(
        "call_tracing",
        "($module, func, args, /)",
        "Call func(*args), while tracing is enabled.",
        F2(machine::call_tracing),
    ),
    row(
        "_debugmallocstats",
        "($module, /)",
        "Print summary info about the state of the allocator to stderr.",
        F0(machine::debugmallocstats),
    ),
    row(
        "set_coroutine_origin_tracking_depth",
        "($module, /, depth)",
        "Enable or disable origin tracking for coroutine objects in this thread.",
        N(machine::set_origin_depth),
    ),
    row(
        "get_coroutine_origin_tracking_depth",
        "($module, /)",
        "How many frames of a coroutine's creation are kept (0: none).",
        F0(machine::get_origin_depth),
    ),
    row(
        "set_asyncgen_hooks",
        "",
        "Sets what is called when an asynchronous generator is first iterated, and when it is about to be finalised.",
        V(machine::set_asyncgen_hooks),
    ),
    row(
        "get_asyncgen_hooks",
        "($module, /)",
        "Return the installed asynchronous generators hooks.",
        F0(machine::get_asyncgen_hooks),
    ),
    row(
        "activate_stack_trampoline",
        "($module, backend, /)",
        "Activate stack profiler trampoline *backend*.",
        F1(machine::activate_stack_trampoline),
    ),
    row(
        "deactivate_stack_trampoline",
        "($module, /)",
        "Deactivate the current stack profiler trampoline backend.",
        F0(machine::nothing),
    ),
    row(
        "is_stack_trampoline_active",
        "($module, /)",
        "Return *True* if a stack profiler trampoline is active.",
        F0(machine::no),
    ),
    row(
        "is_remote_debug_enabled",
        "($module, /)",
        "Return True if remote debugging is enabled, False otherwise.",
        F0(machine::no),
    ),
    row(
        "remote_exec",
        "($module, /, pid, script)",
        "Executes a file containing Python code in a given remote Python process.",
        N(machine::remote_exec),
    ),
    row("unraisablehook", "($module, unraisable, /)", "Handle an unraisable exception.", F1(hooks::unraisablehook)),
    row(
        "get_int_max_str_digits",
        "($module, /)",
        "How many decimal digits conversions between int and str may have (0: any number).",
        F0(machine::get_int_max_str_digits),
    ),
    row(
        "set_int_max_str_digits",
        "($module, /, maxdigits)",
        "Sets how many decimal digits conversions between int and str may have (0: any number).",
        N(machine::set_int_max_str_digits),
    ),
    row(
        "_get_cpu_count_config",
        "($module, /)",
        "Private function for getting PyConfig.cpu_count",
        F0(machine::cpu_count_config),
    ),
    row(
        "_clear_type_descriptors",
        "($module, type, /)",
        "Takes the descriptors of __dict__ and __weakref__ out of a class (for dataclasses with slots).",
        F1(machine::clear_type_descriptors),
    ),
    row("_is_gil_enabled", "($module, /)", "Return True if the GIL is currently enabled.", F0(machine::yes)),
];
