//! Exceptions and `with` statements.

use super::arith::bool_word;
use super::unwind::{unwind, unwind_again};
use crate::object::{Value, none};
use crate::types::exceptions as exc;
use crate::vm::frame::{keep, owned, release, strip, value_of};
use crate::vm::running::Unit;
use crate::vm::{Vm, Word};

handler!(
/// `PUSH_EXC_INFO`: the exception becomes the one being handled; the previous one goes below it.
push_exc_info(ip, sp, fp, vm, t) {
    let e = keep(*sp.sub(1));
    let item = (*vm).exc_info;
    let old = (*item).value.take();
    (*item).value = Some(value_of(e));
    *sp.sub(1) = match old {
        Some(v) => v.into_word(),
        None => none().into_word(),
    };
    *sp = e;
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

slow_handler!(
    /// `POP_EXCEPT`: the previous exception is the one being handled again.
    pop_except, 1, leave_handler);
unsafe fn leave_handler(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand is the exception (or None) that was handled before; the thread's item is live.
    unsafe {
        let v = Value::from_word(strip(keep(*sp.sub(1))));
        let item = vm.exc_info;
        drop(std::mem::replace(&mut (*item).value, if v.is_none() { None } else { Some(v) }));
        sp.sub(1)
    }
}

slow_handler!(
    /// `CHECK_EXC_MATCH`
    check_exc_match, 1, exc_match);
unsafe fn exc_match(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (e, c) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        match exc::matches_clause(vm, Value::ref_from_word(&e), Value::ref_from_word(&c)) {
            Ok(b) => {
                let old = *sp.sub(1);
                *sp.sub(1) = bool_word(b);
                release(old);
                sp
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `CHECK_EG_MATCH`: leaves the rest and the matching part.
    check_eg_match, 1, eg_match);
unsafe fn eg_match(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (e, c) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        match exc::group_match(vm, Value::ref_from_word(&e), Value::ref_from_word(&c)) {
            Ok((matched, rest)) => {
                let (a, b) = (*sp.sub(2), *sp.sub(1));
                if !matched.is_none() {
                    let item = vm.exc_info;
                    let old = (*item).value.replace(matched.clone());
                    drop(old);
                }
                *sp.sub(2) = rest.into_word();
                *sp.sub(1) = matched.into_word();
                release(b);
                release(a);
                sp
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

handler!(
/// `RAISE_VARARGS`
raise_varargs(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    if raise(&mut *vm, sp, (*ip).arg) {
        jump!(unwind_again, ip, sp, fp, vm, t)
    }
    jump!(unwind, ip, sp, fp, vm, t)
});

/// Raises; true when an exception is raised again as it is.
#[inline(never)]
unsafe fn raise(vm: &mut Vm, sp: *mut Word, arg: u16) -> bool {
    // SAFETY: the operands stay on the stack; the unwinder releases them.
    unsafe {
        match arg {
            0 => match vm.handled().cloned() {
                Some(e) => {
                    vm.set_pending(e);
                    true
                }
                None => {
                    let _ = vm.runtime_error("No active exception to reraise");
                    false
                }
            },
            1 => {
                let e = strip(*sp.sub(1));
                let _ = exc::raise_object(vm, Value::ref_from_word(&e));
                false
            }
            _ => {
                let (e, c) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
                let _ = exc::raise_from(vm, Value::ref_from_word(&e), Value::ref_from_word(&c));
                false
            }
        }
    }
}

handler!(
/// `RERAISE`: the exception on top is raised again; with an argument, the frame's position is set back.
reraise(ip, sp, fp, vm, t) {
    let e = value_of(*sp.sub(1));
    save!(vm, ip, sp);
    (*vm).set_pending(e);
    let n = (*ip).arg as usize;
    if n > 0 {
        let lasti = *sp.sub(1 + n);
        if lasti & 1 != 0 && lasti as i64 >> 1 >= 0 {
            (*vm).reraise_lasti = Some((lasti as i64 >> 1) as i32);
        }
    }
    jump!(unwind_again, ip, sp, fp, vm, t)
});

slow_handler!(
    /// `WITH_EXCEPT_START`: `exit, self or 0, lasti, previous exception, exception`: calls `exit(type, value, traceback)`.
    with_except_start, 1, with_exit);
unsafe fn with_exit(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let e = value_of(*sp.sub(1));
        let exit = value_of(*sp.sub(5));
        let class = crate::object::Py::of(e.class()).into_value();
        let tb = exc::traceback_of(&e);
        let me = *sp.sub(4);
        let r = if me != 0 {
            let me = Value::from_word(owned(me));
            vm.call(&exit, &[me, class, e, tb])
        } else {
            vm.call(&exit, &[class, e, tb])
        };
        match r {
            Ok(v) => {
                *sp = v.into_word();
                sp.add(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}
