//! Calls and returns.
//!
//! Before a call the stack holds the callable, `self` or 0, and the arguments. A Python function's locals start at its
//! first argument; the callable's slot stays the caller's (it owns the function while the call runs) and later holds the
//! result. Python-to-Python calls, `__init__` and operators implemented in Python do not recurse on the native stack: the
//! callee's frame remembers where to go on (`ret_ip`), which may be an internal unit such as `RESULT`.

use super::arith::{quicken, type_of, warm};
use super::opcode::{self as op, BACKOFF};
use super::stack::end_0;
use super::unwind::{return_slow, unwind};
use crate::object::header::Header;
use crate::object::typedef::NativeFn;
use crate::object::value::Obj;
use crate::object::{Py, PyResult, Raised, TypeFlags, TypeObj, Value};
use crate::types::dict::Dict;
use crate::types::function::{FUNCTION, Function};
use crate::types::list::List;
use crate::types::method::{
    BUILTIN_FUNCTION, BoundMethod, BuiltinFunction, METHOD, METHOD_DESCRIPTOR, MethodDescriptor,
};
use crate::types::singletons;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::args::Args;
use crate::vm::bind::{bind, cached_plan};
use crate::vm::call::invoke;
use crate::vm::frame::{Frame, flags, give_up_shared, is_last, keep, owned, release, strip};
use crate::vm::ops::BinOp;
use crate::vm::running::{Running, Unit};
use crate::vm::{Vm, Word};
use smallvec::SmallVec;

use keywords::{call_ex_told, call_kw_told};
pub use keywords::{call_function_ex, call_kw, call_kw_py, call_py_defaults};
pub use native::{call_builtin_f1, call_builtin_f2, call_method_f1, call_method_f2};
pub use operators::{binary_op_py, binary_py_deopt, result, result_not_implemented, specialize_binary_py};

struct StaticUnit(Unit);
// SAFETY: never written.
unsafe impl Sync for StaticUnit {}

static EXIT_UNIT: StaticUnit = StaticUnit(Unit { op: op::EXIT, arg: 0, cache: 0 });
static RESULT_UNIT: StaticUnit = StaticUnit(Unit { op: op::RESULT, arg: 0, cache: 0 });
static RESULT_ATTR_UNIT: StaticUnit = StaticUnit(Unit { op: op::RESULT_BOOL, arg: 0, cache: 0 });

/// Where a frame entered from native code returns to.
pub fn exit_unit() -> *const Unit {
    &raw const EXIT_UNIT.0
}
/// Where a property getter's frame returns to.
pub fn result_attr_unit() -> *const Unit {
    &raw const RESULT_ATTR_UNIT.0
}

handler!(
    /// Leaves the eval loop with the result.
    exit(ip, sp, fp, vm, t) { *sp.sub(1) });

/// Pushes a frame whose first `argc` locals are in place at `locals`. Null when the stack or the depth is used up.
///
/// # Safety
/// `locals` is on the thread's stack with the arguments; the caller's `ip` is saved.
#[inline(always)]
pub unsafe fn push_frame(
    vm: *mut Vm,
    func: *const Function,
    locals: *mut Word,
    argc: usize,
    ret_ip: *const Unit,
    ret_sp: *mut Word,
    frame_flags: u32,
) -> *mut Frame {
    // SAFETY: by the caller's promise.
    unsafe { push_running(vm, func, (*func).running(), locals, argc, ret_ip, ret_sp, frame_flags) }
}

/// As [`push_frame`] with the running copy at hand. Calls nothing, so that handlers need not save the machine's registers.
///
/// # Safety
/// As [`push_frame`].
#[inline(always)]
pub unsafe fn push_running(
    vm: *mut Vm,
    func: *const Function,
    running: *const Running,
    locals: *mut Word,
    argc: usize,
    ret_ip: *const Unit,
    ret_sp: *mut Word,
    frame_flags: u32,
) -> *mut Frame {
    // SAFETY: by the caller's promise.
    unsafe {
        let nlocals = (*running).nlocals;
        if locals.add((*running).frame_words()) > (*vm).stack_limit || (*vm).depth_left <= 0 {
            return std::ptr::null_mut();
        }
        let mut i = argc;
        while i < nlocals {
            // Volatile, lest the loop becomes a call of memset: there are few of them.
            locals.add(i).write_volatile(0);
            i += 1;
        }
        let frame = locals.add(nlocals).cast::<Frame>();
        frame.write(Frame {
            running,
            func,
            prev: (*vm).frame,
            ret_ip,
            ret_sp,
            fp: locals,
            ip: (*running).start(),
            namespace: 0,
            object: 0,
            top: std::ptr::null_mut(),
            flags: frame_flags,
            node: 0,
            native: std::mem::MaybeUninit::uninit(),
        });
        (*vm).depth_left -= 1;
        // A signal handler that looks at this thread finds frames complete.
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::Release);
        (*vm).frame = frame;
        frame
    }
}

/// Where the arguments of a Python call must lie: in place, or copied to the thread's stack when the caller is a
/// generator (whose own stack is elsewhere).
#[inline(always)]
unsafe fn landing(vm: *mut Vm, args: *mut Word, n: usize) -> *mut Word {
    // SAFETY: as `push_frame`.
    unsafe {
        let frame = (*vm).frame;
        if (*frame).flags & flags::GENERATOR == 0 {
            return args;
        }
        let top = (*frame).top;
        if top.add(n) <= (*vm).stack_limit {
            std::ptr::copy_nonoverlapping(args, top, n);
        }
        top
    }
}

/// Raises for a failed [`push_frame`].
#[cold]
#[inline(never)]
pub unsafe fn too_deep(vm: &mut Vm) -> Raised {
    vm.recursion_limit_reached()
}

/// Goes on in the innermost frame from its start.
macro_rules! enter_frame {
    ($frame:expr, $vm:expr, $t:expr) => {{
        let frame = $frame;
        next!((*frame).ip, Frame::stack(frame), (*frame).fp, $vm, $t)
    }};
}

handler!(overflow(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let _ = too_deep(&mut *vm);
    jump!(unwind, ip, sp, fp, vm, t)
});

// ---- CALL -----------------------------------------------------------------------------------------------------------

const CALL_UNITS: usize = 3;

handler!(
/// `CALL`: the generic form, which specialises itself.
call(ip, sp, fp, vm, t) {
    if warm(ip) && specialize_call(&mut *vm, ip, sp) {
        next!(ip, sp, fp, vm, t)
    }
    jump!(call_generic, ip, sp, fp, vm, t)
});

handler!(call_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = 4;
    quicken(ip, taipan_bytecode::Op::CALL as u16);
    jump!(call_generic, ip, sp, fp, vm, t)
});

/// What a generic call came to.
enum Called {
    /// The result replaced callable and arguments.
    Done(*mut Word),
    /// A Python frame was pushed.
    Entered(*mut Frame),
    /// An exception is pending; the stack is as it was.
    Failed,
}

handler!(
/// Any call.
call_generic(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    match call_any(&mut *vm, sp, (*ip).arg as usize, ip.add(CALL_UNITS)) {
        Called::Done(new_sp) => next_settled!(ip.add(CALL_UNITS), new_sp, fp, vm, t),
        Called::Entered(frame) => enter_frame!(frame, vm, t),
        Called::Failed => jump!(unwind, ip, sp, fp, vm, t),
    }
});

#[inline(never)]
unsafe fn call_any(vm: &mut Vm, sp: *mut Word, argc: usize, ret_ip: *const Unit) -> Called {
    // SAFETY: as the handler.
    unsafe { call_told(vm, sp, argc, ret_ip, |_, r| r) }
}

/// `told` hears how a call of something native came out while callable and arguments are still on the stack.
#[inline(always)]
unsafe fn call_told(vm: &mut Vm, sp: *mut Word, argc: usize, ret_ip: *const Unit, told: impl Told) -> Called {
    // SAFETY: the callable and the arguments stay on the stack through the call.
    unsafe {
        let slot = sp.sub(argc + 2);
        unpack_bound_method(slot);
        let has_self = *slot.add(1) != 0;
        let (args, n) = if has_self { (slot.add(1), argc + 1) } else { (slot.add(2), argc) };
        if type_of(*slot) == FUNCTION.object() as *const TypeObj {
            *slot = keep(*slot);
            let func = &raw const (*((*slot & !2) as *const Obj<Function>)).payload;
            let frame = bind(vm, func, args, n, &[], ret_ip, slot, 0);
            return if frame.is_null() { Called::Failed } else { Called::Entered(frame) };
        }
        let r = call_words(vm, *slot, args, n, None);
        finish(slot, sp, told(vm, r))
    }
}

/// Hears of the outcome of a call, and may change it.
trait Told: FnOnce(&mut Vm, Result<Value, Raised>) -> Result<Value, Raised> {}
impl<F: FnOnce(&mut Vm, Result<Value, Raised>) -> Result<Value, Raised>> Told for F {}

/// Releases callable and arguments, leaving the result.
unsafe fn finish(slot: *mut Word, sp: *mut Word, r: Result<Value, Raised>) -> Called {
    // SAFETY: all words from `slot` to `sp` are live.
    unsafe {
        let Ok(v) = r else { return Called::Failed };
        let mut p = sp;
        while p > slot {
            p = p.sub(1);
            release(*p);
        }
        *slot = v.into_word();
        Called::Done(slot.add(1))
    }
}

/// If the callable is a bound method without `self` beside it, replaces it by its function and puts `self` beside.
///
/// # Safety
/// `slot` holds the callable of a call whose `self` slot and arguments lie above it.
pub unsafe fn unpack_bound_method(slot: *mut Word) {
    // SAFETY: the slot after the callable is the `self` slot.
    unsafe {
        if *slot.add(1) == 0 && type_of(*slot) == METHOD.object() as *const TypeObj {
            let old = *slot;
            let m = &(*((old & !2) as *const Obj<BoundMethod>)).payload;
            *slot.add(1) = owned(m.self_value.word());
            *slot = owned(m.function.word());
            release(old);
        }
    }
}

/// Calls any callable with words of the stack as arguments (which stay there).
///
/// # Safety
/// The words are live, and `vm.sp` is above them.
pub unsafe fn call_words(
    vm: &mut Vm,
    callable: Word,
    args: *mut Word,
    n: usize,
    kwnames: Option<&Py<Tuple>>,
) -> Result<Value, Raised> {
    // SAFETY: by the caller's promise.
    unsafe {
        let c = strip(callable);
        let callable = Value::ref_from_word(&c);
        crate::vm::watch::calling_any(vm, callable);
        with_args(vm, args, n, kwnames, |vm, a| vm.call_args(callable, a))
    }
}

/// Shows words of the stack as arguments: borrowed marks are taken off and put back afterwards.
///
/// # Safety
/// As [`call_words`].
#[inline(always)]
pub unsafe fn with_args<R>(
    vm: &mut Vm,
    args: *mut Word,
    n: usize,
    kwnames: Option<&Py<Tuple>>,
    f: impl FnOnce(&mut Vm, &Args<'_>) -> R,
) -> R {
    // SAFETY: after the marks are off, each word has the form of a `Value`; nobody drops them through the slice.
    unsafe {
        let mut marks = 0u64;
        for i in 0..n {
            let w = *args.add(i);
            if w & 3 == 2 {
                if i < 64 {
                    marks |= 1 << i;
                    *args.add(i) = w & !2;
                } else {
                    *args.add(i) = owned(w);
                }
            }
        }
        let slice = std::slice::from_raw_parts(args.cast::<Value>().cast_const(), n);
        let r = f(vm, &Args::new(slice, kwnames));
        while marks != 0 {
            let i = marks.trailing_zeros() as usize;
            *args.add(i) |= 2;
            marks &= marks - 1;
        }
        r
    }
}

unsafe fn specialize_call(vm: &mut Vm, ip: *const Unit, sp: *mut Word) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let argc = (*ip).arg as usize;
        let slot = sp.sub(argc + 2);
        let callable = *slot;
        let ty = type_of(callable);
        let p = callable & !2;
        let has_self = *slot.add(1) != 0;
        let new = if ty == FUNCTION.object() as *const TypeObj {
            let f = &(*(p as *const Obj<Function>)).payload;
            let r = &*f.running();
            let version = f.version_for_cache();
            if r.simple && r.argcount == argc + has_self as usize && version != 0 {
                (*ip.cast_mut()).cache = version;
                op::CALL_PY_EXACT
            } else if let (Some(plan), true) = (cached_plan(f, argc + has_self as usize, &[]), version != 0) {
                (*ip.cast_mut()).cache = version;
                Unit::set_word(ip.add(2), plan.1);
                op::CALL_PY_DEFAULTS
            } else {
                op::CALL_PY_GENERAL
            }
        } else if ty == METHOD.object() as *const TypeObj && !has_self {
            op::CALL_BOUND_METHOD
        } else if ty == BUILTIN_FUNCTION.object() as *const TypeObj {
            let f = &(*(p as *const Obj<BuiltinFunction>)).payload;
            if std::ptr::eq(f.def, crate::builtins::len_def()) && argc == 1 && !has_self {
                op::CALL_LEN
            } else if std::ptr::eq(f.def, crate::builtins::isinstance_def()) && argc == 2 && !has_self {
                op::CALL_ISINSTANCE
            } else if f.self_value.is_none() && !has_self {
                match (f.def.function, argc) {
                    (NativeFn::F1(_), 1) => op::CALL_BUILTIN_F1,
                    (NativeFn::F2(_), 2) => op::CALL_BUILTIN_F2,
                    _ => op::CALL_BUILTIN,
                }
            } else {
                op::CALL_NATIVE
            }
        } else if ty == METHOD_DESCRIPTOR.object() as *const TypeObj && has_self {
            let f = &(*(p as *const Obj<MethodDescriptor>)).payload;
            if argc == 1 && std::ptr::eq(f.def, crate::types::list::methods::append_def()) {
                op::CALL_LIST_APPEND
            } else {
                match (f.def.function, argc) {
                    (NativeFn::F1(_), 0) => op::CALL_METHOD_F1,
                    (NativeFn::F2(_), 1) => op::CALL_METHOD_F2,
                    _ => op::CALL_METHOD_DESCRIPTOR,
                }
            }
        } else if p == crate::types::typeobject::TYPE.object() as *const TypeObj as Word && argc == 1 && !has_self {
            op::CALL_TYPE_1
        } else if !has_self && class_with_python_init(vm, p, ip, argc) {
            op::CALL_CLASS_INIT
        } else {
            op::CALL_NATIVE
        };
        quicken(ip, new);
        true
    }
}

handler!(
/// A Python function with exactly its positional parameters.
call_py_exact(ip, sp, fp, vm, t) {
    let argc = (*ip).arg as usize;
    let slot = sp.sub(argc + 2);
    let callable = *slot;
    if type_of(callable) != FUNCTION.object() as *const TypeObj {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let func = &raw const (*((callable & !2) as *const Obj<Function>)).payload;
    if (*func).version.get() != (*ip).cache {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let has_self = (*slot.add(1) != 0) as usize;
    let n = argc + has_self;
    let running = (*func).running.get();
    if (*running).argcount != n {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    if (*(*vm).frame).flags & flags::GENERATOR != 0 {
        jump!(call_py_exact_landing, ip, sp, fp, vm, t)
    }
    (*(*vm).frame).ip = ip;
    let frame = push_running(vm, func, running, slot.add(2 - has_self), n, ip.add(CALL_UNITS), slot, 0);
    if frame.is_null() {
        jump!(overflow, ip, sp, fp, vm, t)
    }
    enter_frame!(frame, vm, t)
});

// The same in a generator, after all checks: the arguments move to the thread's stack.
handler!(call_py_exact_landing(ip, sp, fp, vm, t) {
    let argc = (*ip).arg as usize;
    let slot = sp.sub(argc + 2);
    let func = &raw const (*((*slot & !2) as *const Obj<Function>)).payload;
    let has_self = (*slot.add(1) != 0) as usize;
    let n = argc + has_self;
    (*(*vm).frame).ip = ip;
    let locals = landing(vm, slot.add(2 - has_self), n);
    let frame = push_frame(vm, func, locals, n, ip.add(CALL_UNITS), slot, 0);
    if frame.is_null() {
        jump!(overflow, ip, sp, fp, vm, t)
    }
    enter_frame!(frame, vm, t)
});

handler!(
/// A Python function, arguments bound by the general rules.
call_py_general(ip, sp, fp, vm, t) {
    let argc = (*ip).arg as usize;
    let slot = sp.sub(argc + 2);
    if type_of(*slot) != FUNCTION.object() as *const TypeObj {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    jump!(call_generic, ip, sp, fp, vm, t)
});

handler!(
/// A bound method object: its function and `self` take its place, then the call is made.
call_bound_method(ip, sp, fp, vm, t) {
    let argc = (*ip).arg as usize;
    let slot = sp.sub(argc + 2);
    if *slot.add(1) != 0 || type_of(*slot) != METHOD.object() as *const TypeObj {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let method = *slot;
    let m = &(*((method & !2) as *const Obj<BoundMethod>)).payload;
    let f = m.function.word();
    if type_of(f) != FUNCTION.object() as *const TypeObj || is_last(method) {
        jump!(call_generic, ip, sp, fp, vm, t)
    }
    let func = &raw const (*(f as *const Obj<Function>)).payload;
    let running = (*func).running.get();
    let in_generator = (*(*vm).frame).flags & flags::GENERATOR != 0;
    if running.is_null() || !(*running).simple || (*running).argcount != argc + 1 || in_generator {
        jump!(call_generic, ip, sp, fp, vm, t)
    }
    *slot.add(1) = owned(m.self_value.word());
    *slot = owned(f);
    give_up_shared(method);
    (*(*vm).frame).ip = ip;
    let frame = push_running(vm, func, running, slot.add(1), argc + 1, ip.add(CALL_UNITS), slot, 0);
    if frame.is_null() {
        jump!(overflow, ip, sp, fp, vm, t)
    }
    enter_frame!(frame, vm, t)
});

macro_rules! native_handler {
    ($(#[$m:meta])* $name:ident, $work:path) => {
        handler!($(#[$m])* $name(ip, sp, fp, vm, t) {
            save!(vm, ip, sp);
            match $work(&mut *vm, sp, (*ip).arg as usize) {
                Some(Called::Done(new_sp)) => next_settled!(ip.add(CALL_UNITS), new_sp, fp, vm, t),
                Some(_) => jump!(unwind, ip, sp, fp, vm, t),
                None => jump!(call_deopt, ip, sp, fp, vm, t),
            }
        });
    };
}

native_handler!(
    /// A builtin function of a module.
    call_builtin, builtin_work);
#[inline(never)]
unsafe fn builtin_work(vm: &mut Vm, sp: *mut Word, argc: usize) -> Option<Called> {
    // SAFETY: callable and arguments stay on the stack through the call.
    unsafe {
        let slot = sp.sub(argc + 2);
        let callable = *slot;
        if *slot.add(1) != 0 || type_of(callable) != BUILTIN_FUNCTION.object() as *const TypeObj {
            return None;
        }
        let f = &(*((callable & !2) as *const Obj<BuiltinFunction>)).payload;
        if f.self_value.is_some() {
            return None;
        }
        crate::vm::watch::calling(vm, f.def);
        let args = slot.add(2);
        let r = match (f.def.function, argc) {
            (NativeFn::F1(f), 1) => f(vm, Value::ref_from_word(&strip(*args))),
            (NativeFn::F2(f), 2) => {
                f(vm, Value::ref_from_word(&strip(*args)), Value::ref_from_word(&strip(*args.add(1))))
            }
            _ => with_args(vm, args, argc, None, |vm, a| invoke(vm, f.def, a)),
        };
        Some(finish(slot, sp, r))
    }
}

native_handler!(
    /// A method of a builtin type, `self` beside it.
    call_method_descriptor, descriptor_work);
#[inline(never)]
unsafe fn descriptor_work(vm: &mut Vm, sp: *mut Word, argc: usize) -> Option<Called> {
    // SAFETY: callable and arguments stay on the stack through the call.
    unsafe {
        let slot = sp.sub(argc + 2);
        let args = slot.add(1);
        if *args == 0 || type_of(*slot) != METHOD_DESCRIPTOR.object() as *const TypeObj {
            return None;
        }
        let f = &(*((*slot & !2) as *const Obj<MethodDescriptor>)).payload;
        let me = strip(*args);
        let me = Value::ref_from_word(&me);
        let class = me.class();
        if !std::ptr::eq(class, f.owner) && !crate::types::typeobject::is_subtype(class, &*f.owner) {
            return None;
        }
        crate::vm::watch::calling(vm, f.def);
        let r = match (f.def.function, argc) {
            (NativeFn::F1(f), 0) => f(vm, me),
            (NativeFn::F2(f), 1) => f(vm, me, Value::ref_from_word(&strip(*args.add(1)))),
            (NativeFn::F3(f), 2) => {
                f(vm, me, Value::ref_from_word(&strip(*args.add(1))), Value::ref_from_word(&strip(*args.add(2))))
            }
            (NativeFn::V(f), 0..FEW) => {
                let words = few(args, argc + 1);
                f(vm, &Args::positional(&words_as_values(&words)[..argc + 1]))
            }
            _ => with_args(vm, args, argc + 1, None, |vm, a| invoke(vm, f.def, a)),
        };
        Some(finish(slot, sp, r))
    }
}

/// Arguments that are shown to native code as a copy without borrowed marks.
const FEW: usize = 4;

/// A copy of up to [`FEW`] words without their marks; 0 beyond.
#[inline(always)]
unsafe fn few(args: *const Word, n: usize) -> [Word; FEW] {
    let mut words = [0; FEW];
    for (i, w) in words.iter_mut().enumerate().take(n) {
        // SAFETY: `n` words lie at `args`.
        *w = unsafe { strip(*args.add(i)) };
    }
    words
}

/// The words as values, of which only those that are not 0 may be looked at.
#[inline(always)]
unsafe fn words_as_values(words: &[Word; FEW]) -> &[Value; FEW] {
    // SAFETY: a value is one word; nobody drops them through the reference.
    unsafe { &*(words as *const [Word; FEW]).cast() }
}

native_handler!(
    /// Any callable that is not a Python function.
    call_native, native_work);
#[inline(never)]
unsafe fn native_work(vm: &mut Vm, sp: *mut Word, argc: usize) -> Option<Called> {
    // SAFETY: callable and arguments stay on the stack through the call.
    unsafe {
        let slot = sp.sub(argc + 2);
        let ty = type_of(*slot);
        if ty == FUNCTION.object() as *const TypeObj || ty == METHOD.object() as *const TypeObj {
            return None;
        }
        let has_self = *slot.add(1) != 0;
        let (args, n) = if has_self { (slot.add(1), argc + 1) } else { (slot.add(2), argc) };
        let r = call_words(vm, *slot, args, n, None);
        Some(finish(slot, sp, r))
    }
}

handler!(
/// `len(x)`
call_len(ip, sp, fp, vm, t) {
    let slot = sp.sub(3);
    let (callable, w) = (*slot, *sp.sub(1));
    if *slot.add(1) != 0 || type_of(callable) != BUILTIN_FUNCTION.object() as *const TypeObj || w & 1 != 0 {
        jump!(call_len_slow, ip, sp, fp, vm, t)
    }
    let f = &(*((callable & !2) as *const Obj<BuiltinFunction>)).payload;
    let (ty, p) = (type_of(w), w & !2);
    let known = std::ptr::eq(f.def, crate::builtins::len_def());
    let n = if ty == crate::types::list::LIST.object() as *const TypeObj {
        (&(*(p as *const Obj<List>)).payload.items).len()
    } else if ty == crate::types::tuple::TUPLE.object() as *const TypeObj {
        (*(p as *const Obj<Tuple>)).payload.len()
    } else if ty == crate::types::str::methods::STR.object() as *const TypeObj {
        (*(p as *const Obj<Str>)).payload.len()
    } else if ty == crate::types::dict::DICT.object() as *const TypeObj {
        (*(p as *const Obj<Dict>)).payload.len()
    } else {
        jump!(call_len_slow, ip, sp, fp, vm, t)
    };
    if !known || is_last(callable) {
        jump!(call_len_slow, ip, sp, fp, vm, t)
    }
    give_up_shared(callable);
    *slot = n << 1 | 1;
    (*(*vm).frame).ip = ip;
    give_up!(w, end_0, ip.add(CALL_UNITS), slot.add(1), vm, t);
    next!(ip.add(CALL_UNITS), slot.add(1), fp, vm, t)
});

native_handler!(
    /// `len(x)` of other types.
    call_len_slow, len_work);
#[inline(never)]
unsafe fn len_work(vm: &mut Vm, sp: *mut Word, argc: usize) -> Option<Called> {
    // SAFETY: callable and argument stay on the stack through the call.
    unsafe {
        let slot = sp.sub(argc + 2);
        if *slot.add(1) != 0 || type_of(*slot) != BUILTIN_FUNCTION.object() as *const TypeObj {
            return None;
        }
        let f = &(*((*slot & !2) as *const Obj<BuiltinFunction>)).payload;
        if !std::ptr::eq(f.def, crate::builtins::len_def()) || argc != 1 {
            return None;
        }
        let a = strip(*sp.sub(1));
        let r = vm.len(Value::ref_from_word(&a)).map(Value::from_usize);
        Some(finish(slot, sp, r))
    }
}

native_handler!(
    /// `isinstance(x, C)`
    call_isinstance, isinstance_work);
#[inline(never)]
unsafe fn isinstance_work(vm: &mut Vm, sp: *mut Word, argc: usize) -> Option<Called> {
    // SAFETY: callable and arguments stay on the stack through the call.
    unsafe {
        let slot = sp.sub(argc + 2);
        if *slot.add(1) != 0 || type_of(*slot) != BUILTIN_FUNCTION.object() as *const TypeObj {
            return None;
        }
        let f = &(*((*slot & !2) as *const Obj<BuiltinFunction>)).payload;
        if !std::ptr::eq(f.def, crate::builtins::isinstance_def()) || argc != 2 {
            return None;
        }
        let (a, b) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let r = vm.is_instance(Value::ref_from_word(&a), Value::ref_from_word(&b)).map(crate::object::boolean);
        Some(finish(slot, sp, r))
    }
}

handler!(
/// `list.append(x)`
call_list_append(ip, sp, fp, vm, t) {
    let slot = sp.sub(3);
    let callable = *slot;
    let me = *slot.add(1);
    if type_of(callable) != METHOD_DESCRIPTOR.object() as *const TypeObj
        || me == 0
        || type_of(me) != crate::types::list::LIST.object() as *const TypeObj
        || (*ip).arg != 1
    {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let f = &(*((callable & !2) as *const Obj<MethodDescriptor>)).payload;
    if !std::ptr::eq(f.def, crate::types::list::methods::append_def()) {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let items = &mut (*((me & !2) as *mut Obj<List>)).payload.items;
    if items.len() == items.capacity() || is_last(me) || is_last(callable) {
        jump!(call_method_descriptor, ip, sp, fp, vm, t)
    }
    items.push_within(Value::from_word(keep(*sp.sub(1))));
    *slot = &raw const singletons::NONE as Word | 2;
    give_up_shared(me);
    give_up_shared(callable);
    next!(ip.add(CALL_UNITS), slot.add(1), fp, vm, t)
});

handler!(
/// `type(x)`
call_type_1(ip, sp, fp, vm, t) {
    let slot = sp.sub(3);
    if *slot & !2 != crate::types::typeobject::TYPE.object() as *const TypeObj as Word
        || *slot.add(1) != 0
        || (*ip).arg != 1
    {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let w = *sp.sub(1);
    let ty = type_of(w);
    let ty = if ty.is_null() { crate::types::int::INT.object() as *const TypeObj } else { ty };
    *slot = owned(ty as Word);
    (*(*vm).frame).ip = ip;
    give_up!(w, end_0, ip.add(CALL_UNITS), slot.add(1), vm, t);
    next!(ip.add(CALL_UNITS), slot.add(1), fp, vm, t)
});

// ---- classes whose __init__ is a Python function ---------------------------------------------------------------------

/// Whether calling the class can allocate and enter `__init__` directly; fills the caches.
unsafe fn class_with_python_init(vm: &mut Vm, p: Word, ip: *const Unit, argc: usize) -> bool {
    // SAFETY: `p` is a live object.
    unsafe {
        let v = Value::ref_from_word(&p);
        if v.is_small() || !std::ptr::eq(v.class(), crate::types::typeobject::TYPE.object()) {
            return false;
        }
        let class: &TypeObj = &*(p as *const TypeObj);
        let t = &class.payload;
        if !t.has(TypeFlags::HEAP)
            || t.has(TypeFlags::ABSTRACT)
            || !std::ptr::eq(t.layout.get(), &crate::types::object::OBJECT)
            || !t.slots().new.is_some_and(|f| {
                std::ptr::fn_addr_eq(f, crate::types::object::object_new as crate::object::typedef::NewFn)
            })
        {
            return false;
        }
        let Some(init) = vm.type_lookup(class, crate::name!("__init__")) else { return false };
        let Some(f) = init.downcast_exact::<Function>() else { return false };
        let r = &*f.running();
        let version = crate::types::typeobject::version(class);
        if !r.simple
            || r.argcount != argc + 1
            || version == 0
            || r.flags.intersects(taipan_bytecode::CodeFlags::ANY_GENERATOR)
        {
            return false;
        }
        (*ip.cast_mut()).cache = version;
        Unit::set_word(ip.add(1), init.word() as u64);
        true
    }
}

handler!(
/// A class made by Python code: allocates the instance and enters `__init__`.
call_class_init(ip, sp, fp, vm, t) {
    let argc = (*ip).arg as usize;
    let slot = sp.sub(argc + 2);
    let callable = *slot;
    let class = (callable & !2) as *const TypeObj;
    if callable & 1 != 0
        || *slot.add(1) != 0
        || (*class).header.typ.get() != crate::types::typeobject::TYPE.object() as *const TypeObj
        || (*class).payload.version.get() != (*ip).cache
    {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let init = Unit::word(ip.add(1)) as Word;
    let instance = crate::object::instance::raw(&*class, 0) as Word;
    // The class's word is released by the instance's own reference: the slot is reused for the instance.
    let func = &raw const (*(init as *const Obj<Function>)).payload;
    (*(init as *const Header)).incref();
    (*(*vm).frame).ip = ip;
    *slot.add(1) = instance | 2;
    let locals = landing(vm, slot.add(1), argc + 1);
    let frame =
        push_frame(vm, func, locals, argc + 1, ip.add(CALL_UNITS), slot.add(1), flags::INIT | flags::OWNS_FUNC);
    if frame.is_null() {
        *slot.add(1) = 0;
        release(instance);
        release(init);
        jump!(overflow, ip, sp, fp, vm, t)
    }
    *slot = instance;
    drop_word!(callable);
    enter_frame!(frame, vm, t)
});

// ---- operators implemented in Python ---------------------------------------------------------------------------------

handler!(
/// A property getter has returned: the object lies below its result. (`LOAD_ATTR` takes 5 units.)
result_bool(ip, sp, fp, vm, t) {
    let ip = (*(*vm).frame).ip;
    save!(vm, ip, sp);
    let obj = *sp.sub(2);
    *sp.sub(2) = *sp.sub(1);
    release(obj);
    next_settled!(ip.add(5), sp.sub(1), fp, vm, t)
});

// ---- calls that are watched: their end is reported -------------------------------------------------------------------

/// The three call instructions.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Keywords,
    Unpacked,
}

macro_rules! watched_handler {
    ($(#[$m:meta])* $name:ident, $form:expr, $units:expr) => {
        handler!($(#[$m])* #[cold] $name(ip, sp, fp, vm, t) {
            save!(vm, ip, sp);
            match watched(&mut *vm, ip, sp, $form, ip.add($units)) {
                Called::Done(new_sp) => next_settled!(ip.add($units), new_sp, fp, vm, t),
                Called::Entered(frame) => enter_frame!(frame, vm, t),
                Called::Failed => jump!(unwind, ip, sp, fp, vm, t),
            }
        });
    };
}

watched_handler!(
    /// `CALL` while somebody listens to calls.
    call_watched, Form::Plain, CALL_UNITS);
watched_handler!(
    /// `CALL_KW` while somebody listens to calls.
    call_kw_watched, Form::Keywords, CALL_UNITS);
watched_handler!(
    /// `CALL_FUNCTION_EX` while somebody listens to calls.
    call_function_ex_watched, Form::Unpacked, 1);

/// Makes a call and reports how it ended, unless a Python function was entered. The report comes before callable and
/// arguments leave the stack and holds no references of its own: objects' counts and ends are those of any call.
#[inline(never)]
unsafe fn watched(vm: &mut Vm, ip: *const Unit, sp: *mut Word, form: Form, ret_ip: *const Unit) -> Called {
    // SAFETY: callable and arguments stay on the stack through the call and the report.
    unsafe {
        let argc = (*ip).arg as usize;
        let slot = match form {
            Form::Plain => sp.sub(argc + 2),
            Form::Keywords => sp.sub(argc + 3),
            Form::Unpacked => sp.sub(4),
        };
        let heard = crate::probe::call_hearers(vm, ip);
        let told = |vm: &mut Vm, r: Result<Value, Raised>| {
            let callable = strip(*slot);
            let first = match form {
                Form::Unpacked => first_of_tuple(*sp.sub(2)),
                _ if *slot.add(1) != 0 => strip(*slot.add(1)),
                _ if argc > 0 => strip(*slot.add(2)),
                _ => 0,
            };
            let first = (first != 0).then(|| Value::ref_from_word(&first));
            crate::probe::call_ended(vm, ip, heard, Value::ref_from_word(&callable), first, r.is_err())?;
            r
        };
        match form {
            Form::Plain => call_told(vm, sp, argc, ret_ip, told),
            Form::Keywords => call_kw_told(vm, sp, argc, ret_ip, told),
            Form::Unpacked => call_ex_told(vm, sp, ret_ip, told),
        }
    }
}

/// The first item of the tuple in a word; 0 when there is none.
unsafe fn first_of_tuple(w: Word) -> Word {
    // SAFETY: a live word; the tuple keeps its item.
    unsafe {
        let w = strip(w);
        Value::ref_from_word(&w).downcast::<Tuple>().and_then(|t| t.items().first().map(Value::word)).unwrap_or(0)
    }
}

// ---- RETURN_VALUE ----------------------------------------------------------------------------------------------------

handler!(
/// `RETURN_VALUE`
return_value(ip, sp, fp, vm, t) {
    let frame = (*vm).frame;
    let w = keep(*sp.sub(1));
    if (*frame).flags != 0 {
        *sp.sub(1) = w;
        jump!(return_slow, ip, sp, fp, vm, t)
    }
    // From the last local to the first, as `_PyFrame_ClearLocals` (`Python/frame.c`) does.
    let mut p = frame.cast::<Word>();
    while p > fp {
        p = p.sub(1);
        let local = *p;
        if local & 3 == 0 && local != 0 {
            if is_last(local) {
                *sp.sub(1) = w;
                jump!(return_ending, ip, sp, fp, vm, t)
            }
            give_up_shared(local);
            *p = 0;
        }
    }
    let prev = (*frame).prev;
    let ret_ip = (*frame).ret_ip;
    let ret_sp = (*frame).ret_sp;
    (*vm).frame = prev;
    (*vm).depth_left += 1;
    let callable = *ret_sp;
    *ret_sp = w;
    give_up!(callable, end_0, ret_ip, ret_sp.add(1), vm, t);
    next!(ret_ip, ret_sp.add(1), (*prev).fp, vm, t)
});

// The return of a frame with which locals end; the result (owned) is on top.
handler!(return_ending(ip, sp, fp, vm, t) {
    let frame = (*vm).frame;
    let w = *sp.sub(1);
    let mut p = frame.cast::<Word>();
    while p > fp {
        p = p.sub(1);
        release(*p);
    }
    let prev = (*frame).prev;
    let ret_ip = (*frame).ret_ip;
    let ret_sp = (*frame).ret_sp;
    (*vm).frame = prev;
    (*vm).depth_left += 1;
    let callable = *ret_sp;
    *ret_sp = w;
    release(callable);
    next_settled!(ret_ip, ret_sp.add(1), (*prev).fp, vm, t)
});

// Behind the macros that they use.
mod keywords;
mod native;
mod operators;
