//! Functions of `sys` that look into the machine: counts, sizes, limits, frames, exceptions, tracing.

use super::info::ASYNCGEN_HOOKS;
use crate::name;
use crate::object::{Py, PyResult, TypeFlags, Value, boolean, none};
use crate::types::dict::Dict;
use crate::types::exceptions as exc;
use crate::types::int::Int;
use crate::types::int::methods::MAX_STR_DIGITS;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// A function that does nothing: there is no such cache.
pub fn nothing(_: &mut Vm) -> PyResult {
    Ok(none())
}

/// `False`
pub fn no(_: &mut Vm) -> PyResult {
    Ok(boolean(false))
}

/// `True`
pub fn yes(_: &mut Vm) -> PyResult {
    Ok(boolean(true))
}

// ---- exceptions and the end -----------------------------------------------------------------------------------------

/// `sys.exception()`
pub fn exception(vm: &mut Vm) -> PyResult {
    Ok(vm.handled().cloned().unwrap_or_else(none))
}

/// `sys.exc_info()`
pub fn exc_info(vm: &mut Vm) -> PyResult {
    let parts = match vm.handled().cloned() {
        Some(e) => [e.class_value(), e.clone(), exc::traceback_of(&e)],
        None => [none(), none(), none()],
    };
    Ok(Tuple::from_slice(&parts).into())
}

/// `sys.exit(status=None)`
pub fn exit(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let status = a.first().cloned().flatten().filter(|s| !s.is_none());
    // A tuple is the arguments of SystemExit, as for any exception raised by class and value.
    let args: Vec<Value> = match &status {
        Some(s) => match s.downcast::<Tuple>() {
            Some(t) => t.items().to_vec(),
            None => vec![s.clone()],
        },
        None => Vec::new(),
    };
    Err(vm.raise_with(&exc::SYSTEM_EXIT, &args))
}

static FINALIZING: AtomicBool = AtomicBool::new(false);

/// Tells that the interpreter is ending.
pub fn set_finalizing() {
    FINALIZING.store(true, Ordering::Relaxed);
}

/// Whether the interpreter is ending.
pub fn finalizing() -> bool {
    FINALIZING.load(Ordering::Relaxed)
}

/// `sys.is_finalizing()`
pub fn is_finalizing(_: &mut Vm) -> PyResult {
    Ok(boolean(finalizing()))
}

// ---- objects --------------------------------------------------------------------------------------------------------

/// `sys.getrefcount(object)`: the argument itself is borrowed and does not count.
pub fn getrefcount(_: &mut Vm, v: &Value) -> PyResult {
    let count = v.header().map_or(crate::object::header::IMMORTAL, |h| {
        if h.is_immortal() { crate::object::header::IMMORTAL } else { h.rc.get() }
    });
    Ok(Int::from_i64(count as i64))
}

/// `sys.getsizeof(object[, default])`: CPython's bytes, so that advice holds where the program will run.
pub fn getsizeof(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    static SIGNATURE: crate::vm::args::Signature =
        crate::vm::args::Signature::new("getsizeof", "(object, default=None)");
    let a = args.bind(vm, &SIGNATURE)?;
    let Some(object) = &a[0] else { return Err(vm.system_error("getsizeof(): unbound argument")) };
    match sizeof(vm, object) {
        Ok(n) => Ok(Int::from_u64(n)),
        Err(r) => match &a[1] {
            Some(default) if vm.error_is(&exc::TYPE_ERROR) => {
                vm.clear_error();
                Ok(default.clone())
            }
            _ => Err(r),
        },
    }
}

/// What `sys.getsizeof` reports: `__sizeof__` and the headers in front of the object.
pub fn sizeof(vm: &mut Vm, v: &Value) -> PyResult<u64> {
    let name = v.class().payload.name();
    let Some(f) = vm.lookup_special(v, "__sizeof__")? else {
        return Err(vm.type_error(format!("Type {name} doesn't define __sizeof__")));
    };
    let size = vm.call(&f, &[])?;
    let Some(size) = Int::read(&size) else { return Err(vm.type_error("an integer is required")) };
    match size.to_i64() {
        Some(n) if n >= 0 => Ok(n as u64 + header_bytes(v)),
        Some(_) => Err(vm.value_error("__sizeof__() should return >= 0")),
        None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

/// What CPython puts in front of an object: 16 bytes for the collector, 16 for a managed dictionary or weak references.
fn header_bytes(v: &Value) -> u64 {
    let class = &v.class().payload;
    let collected = match v.downcast::<crate::object::Type>() {
        Some(t) => t.get_type().payload.has(TypeFlags::HEAP),
        None => class.has(TypeFlags::HAVE_GC),
    };
    let mut bytes = if collected { 16 } else { 0 };
    if class.has(TypeFlags::HEAP) {
        let base = crate::types::typeobject::builtin_base(v.class()).flags;
        let added = |flag: TypeFlags| class.has(flag) && !base.contains(flag);
        if added(TypeFlags::HAS_DICT) || added(TypeFlags::WEAKREFABLE) {
            bytes += 16;
        }
    }
    bytes
}

/// `sys.intern(string)`
pub fn intern(vm: &mut Vm, v: &Value) -> PyResult {
    match (v.downcast_exact::<Str>(), v.downcast::<Str>()) {
        (Some(s), _) => Ok(crate::types::str::intern::intern(s.clone()).into()),
        (None, Some(_)) => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("can't intern {name}")))
        }
        (None, None) => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("intern() argument must be str, not {name}")))
        }
    }
}

/// `sys._is_interned(string)`
pub fn is_interned(vm: &mut Vm, v: &Value) -> PyResult {
    let s = vm.expect_str(v, "_is_interned() argument")?;
    Ok(boolean(s.is_interned()))
}

/// `sys._is_immortal(op)`
pub fn is_immortal(_: &mut Vm, v: &Value) -> PyResult {
    Ok(boolean(v.header().is_none_or(|h| h.is_immortal())))
}

/// `sys.getallocatedblocks()`
pub fn getallocatedblocks(_: &mut Vm) -> PyResult {
    Ok(Value::from_usize(crate::object::heap::allocated_blocks()))
}

/// `sys.getunicodeinternedsize()`
pub fn getunicodeinternedsize(_: &mut Vm, _: &[Option<Value>]) -> PyResult {
    Ok(Value::from_usize(crate::types::str::intern::count()))
}

/// `sys._debugmallocstats()`
pub fn debugmallocstats(vm: &mut Vm) -> PyResult {
    let blocks = crate::object::heap::allocated_blocks();
    if let Some(out) = exc::print::Sink::stderr(vm) {
        out.write(vm, &format!("{blocks} blocks allocated in the Python heap\n"));
    }
    Ok(none())
}

/// `sys._clear_type_descriptors(type)`: removes `__dict__` and `__weakref__` from a class that was replaced.
pub fn clear_type_descriptors(vm: &mut Vm, v: &Value) -> PyResult {
    let Some(class) = v.downcast::<crate::object::Type>() else {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("_clear_type_descriptors() argument must be type, not {name}")));
    };
    let t = class.get_type();
    if !t.payload.has(TypeFlags::HEAP) {
        return Err(vm.type_error("argument is immutable"));
    }
    for name in [name!("__dict__"), name!("__weakref__")] {
        drop(t.payload.dict().remove_str(name));
    }
    crate::types::typeobject::modified(t);
    Ok(none())
}

// ---- encodings and limits -------------------------------------------------------------------------------------------

/// `sys.getdefaultencoding()`
pub fn getdefaultencoding(vm: &mut Vm) -> PyResult {
    Ok(vm.intern("utf-8").into())
}

/// `sys.getfilesystemencoding()`
pub fn getfilesystemencoding(vm: &mut Vm) -> PyResult {
    Ok(vm.intern("utf-8").into())
}

/// `sys.getfilesystemencodeerrors()`
pub fn getfilesystemencodeerrors(vm: &mut Vm) -> PyResult {
    Ok(vm.intern("surrogateescape").into())
}

static DLOPEN_FLAGS: AtomicI32 = AtomicI32::new(libc::RTLD_NOW);

/// `sys.getdlopenflags()`
pub fn getdlopenflags(_: &mut Vm) -> PyResult {
    Ok(Value::small_unchecked(DLOPEN_FLAGS.load(Ordering::Relaxed) as i64))
}

/// `sys.setdlopenflags(flags)`: kept for those who ask; native extension modules are not loaded.
pub fn setdlopenflags(vm: &mut Vm, v: &Value) -> PyResult {
    let flags = vm.to_i32(v)?;
    DLOPEN_FLAGS.store(flags, Ordering::Relaxed);
    Ok(none())
}

/// Limit of digits in conversions between `int` and text; 0: none.
pub fn max_str_digits() -> usize {
    MAX_STR_DIGITS.load(Ordering::Relaxed)
}

/// `sys.get_int_max_str_digits()`
pub fn get_int_max_str_digits(_: &mut Vm) -> PyResult {
    Ok(Value::from_usize(max_str_digits()))
}

/// `sys.set_int_max_str_digits(maxdigits)`
pub fn set_int_max_str_digits(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(v)] = a else { return Err(vm.system_error("set_int_max_str_digits(): unbound argument")) };
    let n = vm.to_i32(v)?;
    if n != 0 && n < 640 {
        return Err(vm.value_error("maxdigits must be >= 640 or 0 for unlimited"));
    }
    MAX_STR_DIGITS.store(n as usize, Ordering::Relaxed);
    Ok(none())
}

/// `sys._get_cpu_count_config()`: -1 when nothing was configured.
pub fn cpu_count_config(_: &mut Vm) -> PyResult {
    Ok(Value::small_unchecked(super::config::config().cpu_count.unwrap_or(-1)))
}

/// `sys.getrecursionlimit()`
pub fn getrecursionlimit(vm: &mut Vm) -> PyResult {
    Ok(Value::small_unchecked(vm.recursion_limit() as i64))
}

/// `sys.setrecursionlimit(limit)`
pub fn setrecursionlimit(vm: &mut Vm, v: &Value) -> PyResult {
    let limit = vm.to_i32(v)?;
    if limit < 1 {
        return Err(vm.value_error("recursion limit must be greater or equal than 1"));
    }
    if !vm.set_recursion_limit(limit) {
        let depth = vm.recursion_limit() - vm.depth_left;
        return Err(vm.recursion_error(format!(
            "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
        )));
    }
    Ok(none())
}

/// `sys.getswitchinterval()`
pub fn getswitchinterval(vm: &mut Vm) -> PyResult {
    Ok(vm.new_float(crate::vm::gil::switch_interval()))
}

/// `sys.setswitchinterval(interval)`
pub fn setswitchinterval(vm: &mut Vm, v: &Value) -> PyResult {
    let seconds = vm.to_f64(v)?;
    if seconds.is_nan() || seconds <= 0.0 {
        return Err(vm.value_error("switch interval must be strictly positive"));
    }
    crate::vm::gil::set_switch_interval(seconds.min(4e3));
    Ok(none())
}

// ---- frames ---------------------------------------------------------------------------------------------------------

fn depth_argument(vm: &mut Vm, a: &[Option<Value>]) -> PyResult<usize> {
    match a.first() {
        Some(Some(v)) => Ok(vm.to_i32(v)?.max(0) as usize),
        _ => Ok(0),
    }
}

/// `sys._getframe(depth=0)`
pub fn getframe(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let depth = depth_argument(vm, a)?;
    let Some(frame) = vm.frame_object(depth) else {
        return Err(vm.value_error("call stack is not deep enough"));
    };
    super::audit::audit(vm, "sys._getframe", std::slice::from_ref(frame.as_value()))?;
    Ok(frame.into())
}

/// `sys._getframemodulename(depth=0)`
pub fn getframemodulename(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let depth = depth_argument(vm, a)?;
    super::audit::audit(vm, "sys._getframemodulename", &[Value::from_usize(depth)])?;
    Ok(vm.frame_object(depth).map_or_else(none, |f| f.function().rest.borrow().module.clone()))
}

/// The states of the threads that wait while this one holds the GIL.
fn other_threads(vm: &Vm) -> Vec<&'static mut Vm> {
    // SAFETY: the GIL is held: no other thread uses its state, nor ends, before this function's caller gives it up.
    let all = unsafe { crate::vm::gil::threads() };
    let others = all.into_iter().filter(|&t| !std::ptr::eq(t, vm));
    // SAFETY: as above; each state is listed once and this thread's own is left out.
    others.map(|t| unsafe { &mut *t }).collect()
}

/// `sys._current_frames()`
pub fn current_frames(vm: &mut Vm) -> PyResult {
    super::audit::audit(vm, "sys._current_frames", &[])?;
    let out = Dict::new_object();
    if let Some(frame) = vm.frame_object(0) {
        out.set_item(vm, &Int::from_u64(vm.ident), frame.into())?;
    }
    for t in other_threads(vm) {
        if let Some(frame) = t.frame_object(0) {
            out.set_item(vm, &Int::from_u64(t.ident), frame.into())?;
        }
    }
    Ok(out.into())
}

/// `sys._current_exceptions()`
pub fn current_exceptions(vm: &mut Vm) -> PyResult {
    super::audit::audit(vm, "sys._current_exceptions", &[])?;
    let out = Dict::new_object();
    let own = vm.handled().cloned().unwrap_or_else(none);
    out.set_item(vm, &Int::from_u64(vm.ident), own)?;
    for t in other_threads(vm) {
        let e = t.handled().cloned().unwrap_or_else(none);
        out.set_item(vm, &Int::from_u64(t.ident), e)?;
    }
    Ok(out.into())
}

// ---- tracing --------------------------------------------------------------------------------------------------------

fn function_or_none(v: &Value) -> Option<Value> {
    (!v.is_none()).then(|| v.clone())
}

/// `sys.settrace(function)`
pub fn settrace(vm: &mut Vm, v: &Value) -> PyResult {
    super::audit::audit(vm, "sys.settrace", &[])?;
    crate::probe::trace::set_trace(vm, function_or_none(v));
    Ok(none())
}

/// `sys._settraceallthreads(function)`
pub fn settrace_all(vm: &mut Vm, v: &Value) -> PyResult {
    for t in other_threads(vm) {
        crate::probe::trace::set_trace(t, function_or_none(v));
    }
    settrace(vm, v)
}

/// `sys.gettrace()`
pub fn gettrace(vm: &mut Vm) -> PyResult {
    Ok(vm.hooks.trace.clone().unwrap_or_else(none))
}

/// `sys.setprofile(function)`
pub fn setprofile(vm: &mut Vm, v: &Value) -> PyResult {
    super::audit::audit(vm, "sys.setprofile", &[])?;
    crate::probe::trace::set_profile(vm, function_or_none(v));
    Ok(none())
}

/// `sys._setprofileallthreads(function)`
pub fn setprofile_all(vm: &mut Vm, v: &Value) -> PyResult {
    for t in other_threads(vm) {
        crate::probe::trace::set_profile(t, function_or_none(v));
    }
    setprofile(vm, v)
}

/// `sys.getprofile()`
pub fn getprofile(vm: &mut Vm) -> PyResult {
    Ok(vm.hooks.profile.clone().unwrap_or_else(none))
}

/// `sys.call_tracing(func, args)`
pub fn call_tracing(vm: &mut Vm, f: &Value, args: &Value) -> PyResult {
    let Some(args) = args.downcast::<Tuple>().cloned() else {
        let name = args.class().payload.name();
        return Err(vm.type_error(format!("call_tracing() argument 2 must be tuple, not {name}")));
    };
    let depth = std::mem::take(&mut vm.hooks.in_python);
    let r = vm.call(f, args.items());
    vm.hooks.in_python = depth;
    r
}

/// `sys.activate_stack_trampoline(backend)`: no backend exists.
pub fn activate_stack_trampoline(vm: &mut Vm, backend: &Value) -> PyResult {
    let text = vm.expect_str(backend, "activate_stack_trampoline() argument")?.to_rust().into_owned();
    match text.as_str() {
        "perf" | "perf_jit" => Err(vm.value_error("perf trampoline not available")),
        _ => Err(vm.value_error(format!("invalid backend: {text}"))),
    }
}

/// `sys.remote_exec(pid, script)`: other processes cannot be entered.
pub fn remote_exec(vm: &mut Vm, _: &[Option<Value>]) -> PyResult {
    Err(vm.runtime_error("Remote debugging is not supported on this platform"))
}

// ---- coroutines and asynchronous generators -------------------------------------------------------------------------

/// `sys.set_coroutine_origin_tracking_depth(depth)`
pub fn set_origin_depth(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(v)] = a else {
        return Err(vm.system_error("set_coroutine_origin_tracking_depth(): unbound argument"));
    };
    let depth = vm.to_i32(v)?;
    if depth < 0 {
        return Err(vm.value_error("depth must be >= 0"));
    }
    vm.coroutine_origin_depth = depth as u32;
    Ok(none())
}

/// `sys.get_coroutine_origin_tracking_depth()`
pub fn get_origin_depth(vm: &mut Vm) -> PyResult {
    Ok(Value::small_unchecked(vm.coroutine_origin_depth as i64))
}

/// `sys.set_asyncgen_hooks([firstiter] [, finalizer])`
pub fn set_asyncgen_hooks(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    static SIGNATURE: crate::vm::args::Signature =
        crate::vm::args::Signature::new("this function", "(firstiter=None, finalizer=None)");
    for (k, _) in args.keywords() {
        if !k.is_text("firstiter") && !k.is_text("finalizer") {
            let k = k.to_rust();
            return Err(vm.type_error(format!("this function got an unexpected keyword argument '{k}'")));
        }
    }
    let a = args.bind(vm, &SIGNATURE)?;
    for (name, value) in ["firstiter", "finalizer"].iter().zip(&a) {
        if let Some(v) = value.as_ref().filter(|v| !v.is_none() && !vm.callable(v)) {
            let got = v.class().payload.name();
            return Err(vm.type_error(format!("callable {name} expected, got {got}")));
        }
    }
    if let Some(v) = &a[1] {
        super::audit::audit(vm, "sys.set_asyncgen_hooks_finalizer", &[])?;
        vm.asyncgen_hooks.1 = function_or_none(v);
    }
    if let Some(v) = &a[0] {
        super::audit::audit(vm, "sys.set_asyncgen_hooks_firstiter", &[])?;
        vm.asyncgen_hooks.0 = function_or_none(v);
    }
    Ok(none())
}

/// `sys.get_asyncgen_hooks()`
pub fn get_asyncgen_hooks(vm: &mut Vm) -> PyResult {
    let hooks = [vm.asyncgen_hooks.0.clone(), vm.asyncgen_hooks.1.clone()].map(|h| h.unwrap_or_else(none));
    ASYNCGEN_HOOKS.make(vm, hooks.to_vec())
}

/// A handle to a dictionary value, for callers that keep one.
pub fn dict_value(d: &Py<Dict>) -> Value {
    d.as_value().clone()
}
