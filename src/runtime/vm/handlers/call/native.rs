//! Calls of native functions with one or two arguments, made by the handler itself.
//!
//! The arguments are shown where they lie on the stack, their borrowed marks taken off for the call: an address of a local
//! would keep the handler's frame alive. What ends with the call ends in a handler of its own.

use super::super::stack::{end_3, end_two_3};
use super::*;

/// The arguments `$a` (and `$b`) at `$first` as `f` wants them; its result.
macro_rules! shown {
    ($f:ident, $vm:ident, $first:expr, $a:ident) => {{
        let first: *mut Word = $first;
        *first = strip($a);
        let r = $f(&mut *$vm, &*first.cast::<Value>());
        *first = $a;
        r
    }};
    ($f:ident, $vm:ident, $first:expr, $a:ident, $b:ident) => {{
        let first: *mut Word = $first;
        *first = strip($a);
        *first.add(1) = strip($b);
        let r = $f(&mut *$vm, &*first.cast::<Value>(), &*first.add(1).cast::<Value>());
        *first = $a;
        *first.add(1) = $b;
        r
    }};
}

handler!(
/// A method of a builtin type without arguments.
call_method_f1(ip, sp, fp, vm, t) {
    let slot = sp.sub(2);
    let (callable, me) = (*slot, *slot.add(1));
    if me == 0 || type_of(callable) != METHOD_DESCRIPTOR.object() as *const TypeObj {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let d = &(*((callable & !2) as *const Obj<MethodDescriptor>)).payload;
    let NativeFn::F1(f) = d.def.function else { jump!(call_method_descriptor, ip, sp, fp, vm, t) };
    if type_of(me) != d.owner {
        jump!(call_method_descriptor, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    crate::vm::watch::calling(vm, d.def);
    let Ok(v) = shown!(f, vm, slot.add(1), me) else { jump!(unwind, ip, sp, fp, vm, t) };
    *slot = v.into_word();
    *sp = callable;
    give_up_two!(end_two_3, ip, slot.add(1), fp, vm, t);
    next_settled!(ip.add(CALL_UNITS), slot.add(1), fp, vm, t)
});

handler!(
/// A method of a builtin type with one argument.
call_method_f2(ip, sp, fp, vm, t) {
    let slot = sp.sub(3);
    let (callable, me, a) = (*slot, *slot.add(1), *slot.add(2));
    if me == 0 || type_of(callable) != METHOD_DESCRIPTOR.object() as *const TypeObj {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let d = &(*((callable & !2) as *const Obj<MethodDescriptor>)).payload;
    let NativeFn::F2(f) = d.def.function else { jump!(call_method_descriptor, ip, sp, fp, vm, t) };
    if type_of(me) != d.owner {
        jump!(call_method_descriptor, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    crate::vm::watch::calling(vm, d.def);
    let Ok(v) = shown!(f, vm, slot.add(1), me, a) else { jump!(unwind, ip, sp, fp, vm, t) };
    *slot = v.into_word();
    *sp = callable;
    if is_last(a) || is_last(callable) || a == me {
        jump!(end_three, ip, slot.add(1), fp, vm, t)
    }
    give_up_shared(a);
    give_up_shared(callable);
    give_up!(me, end_3, ip, slot.add(1), vm, t);
    next_settled!(ip.add(CALL_UNITS), slot.add(1), fp, vm, t)
});

// Ends a call whose result lies below `sp`; the words at it are `self`, the argument, the callable.
handler!(end_three(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let (me, a, callable) = (*sp, *sp.add(1), *sp.add(2));
    release(a);
    release(me);
    release(callable);
    next_settled!(ip.add(CALL_UNITS), sp, fp, vm, t)
});

handler!(
/// A builtin function with one argument.
call_builtin_f1(ip, sp, fp, vm, t) {
    let slot = sp.sub(3);
    let (callable, a) = (*slot, *slot.add(2));
    if *slot.add(1) != 0 || type_of(callable) != BUILTIN_FUNCTION.object() as *const TypeObj {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let d = &(*((callable & !2) as *const Obj<BuiltinFunction>)).payload;
    let NativeFn::F1(f) = d.def.function else { jump!(call_builtin, ip, sp, fp, vm, t) };
    if d.self_value.is_some() {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    crate::vm::watch::calling(vm, d.def);
    let Ok(v) = shown!(f, vm, slot.add(2), a) else { jump!(unwind, ip, sp, fp, vm, t) };
    *slot = v.into_word();
    *slot.add(1) = a;
    *slot.add(2) = callable;
    give_up_two!(end_two_3, ip, slot.add(1), fp, vm, t);
    next_settled!(ip.add(CALL_UNITS), slot.add(1), fp, vm, t)
});

handler!(
/// A builtin function with two arguments.
call_builtin_f2(ip, sp, fp, vm, t) {
    let slot = sp.sub(4);
    let (callable, a, b) = (*slot, *slot.add(2), *slot.add(3));
    if *slot.add(1) != 0 || type_of(callable) != BUILTIN_FUNCTION.object() as *const TypeObj {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    let d = &(*((callable & !2) as *const Obj<BuiltinFunction>)).payload;
    let NativeFn::F2(f) = d.def.function else { jump!(call_builtin, ip, sp, fp, vm, t) };
    if d.self_value.is_some() {
        jump!(call_deopt, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    crate::vm::watch::calling(vm, d.def);
    let Ok(v) = shown!(f, vm, slot.add(2), a, b) else { jump!(unwind, ip, sp, fp, vm, t) };
    *slot = v.into_word();
    *slot.add(1) = a;
    *slot.add(2) = b;
    *slot.add(3) = callable;
    if is_last(b) || is_last(callable) || a == b {
        jump!(end_three, ip, slot.add(1), fp, vm, t)
    }
    give_up_shared(b);
    give_up_shared(callable);
    give_up!(a, end_3, ip, slot.add(1), vm, t);
    next_settled!(ip.add(CALL_UNITS), slot.add(1), fp, vm, t)
});
