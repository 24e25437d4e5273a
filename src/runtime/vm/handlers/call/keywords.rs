//! Calls with keywords (`CALL_KW`) and with unpacked arguments (`CALL_FUNCTION_EX`).

use super::super::opcode::BACKOFF;
use super::*;
use crate::vm::bind::{bind_planned, cached_plan, planned_positional};

handler!(
/// `CALL_KW`: the tuple of names is on top.
call_kw(ip, sp, fp, vm, t) {
    if warm(ip) && specialize_call_kw(ip, sp) {
        next!(ip, sp, fp, vm, t)
    }
    jump!(call_kw_generic, ip, sp, fp, vm, t)
});

handler!(call_kw_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = BACKOFF;
    quicken(ip, taipan_bytecode::Op::CALL_KW as u16);
    jump!(call_kw_generic, ip, sp, fp, vm, t)
});

/// Whether the call is of a Python function whose keywords and defaults have fixed places; fills the caches.
#[inline(never)]
unsafe fn specialize_call_kw(ip: *const Unit, sp: *mut Word) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let argc = (*ip).arg as usize;
        let slot = sp.sub(argc + 3);
        if type_of(*slot) != FUNCTION.object() as *const TypeObj {
            return false;
        }
        let func = &(*((*slot & !2) as *const Obj<Function>)).payload;
        let names = strip(*sp.sub(1));
        let names = Value::ref_from_word(&names).downcast_unchecked::<Tuple>().items();
        let has_self = (*slot.add(1) != 0) as usize;
        let Some(plan) = cached_plan(func, argc + has_self - names.len(), names) else { return false };
        let version = func.version_for_cache();
        if version == 0 {
            return false;
        }
        (*ip.cast_mut()).cache = version;
        Unit::set_word(ip.add(1), plan.0);
        Unit::set_word(ip.add(2), plan.1);
        quicken(ip, op::CALL_KW_PY);
        true
    }
}

handler!(
/// `CALL_KW` of a Python function, keywords and defaults by the site's plan.
call_kw_py(ip, sp, fp, vm, t) {
    let argc = (*ip).arg as usize;
    let slot = sp.sub(argc + 3);
    let callable = *slot;
    if type_of(callable) != FUNCTION.object() as *const TypeObj {
        jump!(call_kw_deopt, ip, sp, fp, vm, t)
    }
    let func = &raw const (*((callable & !2) as *const Obj<Function>)).payload;
    if (*func).version.get() != (*ip).cache {
        jump!(call_kw_deopt, ip, sp, fp, vm, t)
    }
    let has_self = (*slot.add(1) != 0) as usize;
    let plan = (Unit::word(ip.add(1)), Unit::word(ip.add(2)));
    let keywords = (*((*sp.sub(1) & !2) as *const Obj<Tuple>)).payload.len();
    let n = argc + has_self;
    if n - keywords != planned_positional(plan) {
        jump!(call_kw_deopt, ip, sp, fp, vm, t)
    }
    if (*(*vm).frame).flags & flags::GENERATOR != 0 {
        jump!(call_kw_generic, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    // Locals will cover the word of the names.
    let names = *sp.sub(1);
    let frame = bind_planned(vm, func, slot.add(2 - has_self), keywords, plan, ip.add(CALL_UNITS), slot);
    if frame.is_null() {
        jump!(call_kw_generic, ip, sp, fp, vm, t)
    }
    release(names);
    enter_frame!(frame, vm, t)
});

handler!(
/// `CALL` of a Python function that takes defaults for what is not given.
call_py_defaults(ip, sp, fp, vm, t) {
    let argc = (*ip).arg as usize;
    let slot = sp.sub(argc + 2);
    let callable = *slot;
    if type_of(callable) != FUNCTION.object() as *const TypeObj {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let func = &raw const (*((callable & !2) as *const Obj<Function>)).payload;
    let has_self = (*slot.add(1) != 0) as usize;
    let plan = (0, Unit::word(ip.add(2)));
    if (*func).version.get() != (*ip).cache || argc + has_self != planned_positional(plan) {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    if (*(*vm).frame).flags & flags::GENERATOR != 0 {
        jump!(call_generic, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    let frame = bind_planned(vm, func, slot.add(2 - has_self), 0, plan, ip.add(CALL_UNITS), slot);
    if frame.is_null() {
        jump!(call_generic, ip, sp, fp, vm, t)
    }
    enter_frame!(frame, vm, t)
});

handler!(
/// `CALL_KW` of anything.
call_kw_generic(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    match call_kw_any(&mut *vm, sp, (*ip).arg as usize, ip.add(CALL_UNITS)) {
        Called::Done(new_sp) => next_settled!(ip.add(CALL_UNITS), new_sp, fp, vm, t),
        Called::Entered(frame) => enter_frame!(frame, vm, t),
        Called::Failed => jump!(unwind, ip, sp, fp, vm, t),
    }
});

#[inline(never)]
unsafe fn call_kw_any(vm: &mut Vm, sp: *mut Word, argc: usize, ret_ip: *const Unit) -> Called {
    // SAFETY: as the handler.
    unsafe { call_kw_told(vm, sp, argc, ret_ip, |_, r| r) }
}

#[inline(always)]
pub(super) unsafe fn call_kw_told(
    vm: &mut Vm,
    sp: *mut Word,
    argc: usize,
    ret_ip: *const Unit,
    told: impl Told,
) -> Called {
    // SAFETY: callable, arguments and names stay on the stack through the call.
    unsafe {
        let slot = sp.sub(argc + 3);
        unpack_bound_method(slot);
        let names_word = strip(*sp.sub(1));
        let names = Value::ref_from_word(&names_word).downcast_unchecked::<Tuple>();
        let has_self = *slot.add(1) != 0;
        let (args, n) = if has_self { (slot.add(1), argc + 1) } else { (slot.add(2), argc) };
        if type_of(*slot) == FUNCTION.object() as *const TypeObj {
            *slot = keep(*slot);
            let func = &raw const (*((*slot & !2) as *const Obj<Function>)).payload;
            // Locals will cover the word of the names, which keeps them alive until they are bound.
            let kwword = *sp.sub(1);
            let frame = bind(vm, func, args, n, names.items(), ret_ip, slot, 0);
            if frame.is_null() {
                return Called::Failed;
            }
            release(kwword);
            return Called::Entered(frame);
        }
        let r = call_words(vm, *slot, args, n, Some(names));
        finish(slot, sp, told(vm, r))
    }
}

handler!(
/// `CALL_FUNCTION_EX`: callable, 0, positional arguments (any iterable), keyword arguments (a dict) or 0.
call_function_ex(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    match call_ex(&mut *vm, sp, ip.add(1)) {
        Called::Done(new_sp) => next_settled!(ip.add(1), new_sp, fp, vm, t),
        Called::Entered(frame) => enter_frame!(frame, vm, t),
        Called::Failed => jump!(unwind, ip, sp, fp, vm, t),
    }
});

#[inline(never)]
unsafe fn call_ex(vm: &mut Vm, sp: *mut Word, ret_ip: *const Unit) -> Called {
    // SAFETY: as the handler.
    unsafe { call_ex_told(vm, sp, ret_ip, |_, r| r) }
}

#[inline(always)]
pub(super) unsafe fn call_ex_told(vm: &mut Vm, sp: *mut Word, ret_ip: *const Unit, told: impl Told) -> Called {
    // SAFETY: all four words stay on the stack through the call.
    unsafe {
        let slot = sp.sub(4);
        let (fw, aw, kw) = (strip(*slot), strip(*sp.sub(2)), *sp.sub(1));
        let callable = Value::ref_from_word(&fw);
        let args = Value::ref_from_word(&aw);
        let made;
        let positional = match args.downcast_exact::<Tuple>() {
            Some(t) => t.items(),
            None => match iterated(vm, callable, args) {
                Ok(v) => {
                    made = v;
                    &made[..]
                }
                Err(_) => return Called::Failed,
            },
        };
        let mut names: SmallVec<[Value; 8]> = SmallVec::new();
        let mut values: SmallVec<[Value; 8]> = SmallVec::new();
        if kw != 0 && keywords_of(vm, &strip(kw), &mut names, &mut values).is_err() {
            return Called::Failed;
        }
        if type_of(fw) == FUNCTION.object() as *const TypeObj {
            return call_ex_function(vm, sp, positional, values, &names, ret_ip);
        }
        crate::vm::watch::calling_any(vm, callable);
        let r = if names.is_empty() {
            vm.call_args(callable, &Args::positional(positional))
        } else {
            let all: SmallVec<[Value; 8]> = positional.iter().cloned().chain(values).collect();
            vm.call_args(callable, &Args::new(&all, Some(&Tuple::from_slice(&names))))
        };
        finish(slot, sp, told(vm, r))
    }
}

/// The arguments after `*`, which are no tuple.
fn iterated(vm: &mut Vm, callable: &Value, args: &Value) -> PyResult<Vec<Value>> {
    let slots = args.class().payload.slots();
    if slots.iter.is_none() && slots.item.is_none() {
        let name = args.class().payload.name();
        let f = crate::vm::call::describe(vm, callable);
        return Err(vm.type_error(format!("{f} argument after * must be an iterable, not {name}")));
    }
    vm.collect(args)
}

/// Names and values of the arguments after `**`, a dict.
unsafe fn keywords_of(
    vm: &mut Vm,
    kw: &Word,
    names: &mut SmallVec<[Value; 8]>,
    values: &mut SmallVec<[Value; 8]>,
) -> PyResult<()> {
    // SAFETY: the word is live.
    let Some(d) = unsafe { Value::ref_from_word(kw) }.downcast::<Dict>() else { return Ok(()) };
    if d.get(vm).iter().any(|(k, _)| k.downcast::<Str>().is_none()) {
        return Err(vm.type_error("keywords must be strings"));
    }
    for (k, v) in d.get(vm).iter() {
        names.push(k.clone());
        values.push(v.clone());
    }
    Ok(())
}

/// Calls a Python function: the arguments move onto the stack above, where `bind` takes them from.
unsafe fn call_ex_function(
    vm: &mut Vm,
    sp: *mut Word,
    positional: &[Value],
    values: SmallVec<[Value; 8]>,
    names: &[Value],
    ret_ip: *const Unit,
) -> Called {
    // SAFETY: as `call_ex`; the callable's word keeps the function until the frame has a reference of its own.
    unsafe {
        let slot = sp.sub(4);
        let base = vm.top();
        let count = positional.len() + values.len();
        if base.add(count) > vm.stack_limit {
            let _ = too_deep(vm);
            return Called::Failed;
        }
        for (i, v) in positional.iter().cloned().chain(values).enumerate() {
            *base.add(i) = v.into_word();
        }
        let function = owned(*slot);
        let func = &raw const (*(function as *const Obj<Function>)).payload;
        let old_sp = vm.sp;
        vm.sp = base.add(count);
        let frame = bind(vm, func, base, count, names, ret_ip, slot, flags::OWNS_FUNC);
        if frame.is_null() {
            for i in 0..count {
                release(*base.add(i));
            }
            vm.sp = old_sp;
            release(function);
            return Called::Failed;
        }
        // The words of the call leave the caller's stack; the callable's slot will hold the result.
        release(*sp.sub(1));
        release(*sp.sub(2));
        Called::Entered(frame)
    }
}
