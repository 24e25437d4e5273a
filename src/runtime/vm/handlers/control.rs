//! Jumps, loops and the safepoints at function entries and backward jumps.

use super::arith::{quicken, type_of};
use super::opcode as op;
use super::stack::end_0;
use super::unwind::unwind;
use crate::object::Value;
use crate::object::value::Obj;
use crate::types::list::methods::ListIter;
use crate::types::range::RangeIter;
use crate::types::singletons;
use crate::types::tuple::methods::TupleIter;
use crate::vm::frame::{owned, release, strip};
use crate::vm::running::Unit;
use crate::vm::{Vm, Word};
use std::sync::atomic::Ordering::Relaxed;

#[inline(always)]
fn is_true(w: Word) -> bool {
    w & !2 == &raw const singletons::TRUE as Word
}

handler!(
/// `RESUME`
resume(ip, sp, fp, vm, t) {
    if (*vm).breaker.load(Relaxed) != 0 {
        jump!(safepoint, ip, sp, fp, vm, t)
    }
    next!(ip.add(1), sp, fp, vm, t)
});

// Attends to what the breaker word asks for, then goes on after this instruction.
handler!(safepoint(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    if super::unwind::attend(&mut *vm).is_err() {
        jump!(unwind, ip, sp, fp, vm, t)
    }
    // `RESUME` has the distance 1.
    next!(ip.offset((*ip).cache as i32 as isize), sp, fp, vm, t)
});

handler!(
    /// `JUMP_FORWARD`, `JUMP_BACKWARD_NO_INTERRUPT`
    jump_forward(ip, sp, fp, vm, t) { next!(ip.offset((*ip).cache as i32 as isize), sp, fp, vm, t) });

handler!(
/// `JUMP_BACKWARD`
jump_backward(ip, sp, fp, vm, t) {
    if (*vm).breaker.load(Relaxed) != 0 {
        jump!(safepoint, ip, sp, fp, vm, t)
    }
    next!(ip.offset((*ip).cache as i32 as isize), sp, fp, vm, t)
});

handler!(
/// `POP_JUMP_IF_FALSE` (the operand is a bool)
pop_jump_if_false(ip, sp, fp, vm, t) {
    let to = if is_true(*sp.sub(1)) { ip.add(1) } else { ip.offset((*ip).cache as i32 as isize) };
    next!(to, sp.sub(1), fp, vm, t)
});

handler!(
/// `POP_JUMP_IF_TRUE`
pop_jump_if_true(ip, sp, fp, vm, t) {
    let to = if is_true(*sp.sub(1)) { ip.offset((*ip).cache as i32 as isize) } else { ip.add(1) };
    next!(to, sp.sub(1), fp, vm, t)
});

handler!(
/// `POP_JUMP_IF_NONE`
pop_jump_if_none(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & !2 == &raw const singletons::NONE as Word {
        next!(ip.offset((*ip).cache as i32 as isize), sp.sub(1), fp, vm, t)
    }
    (*(*vm).frame).ip = ip;
    give_up!(w, end_0, ip.add(1), sp.sub(1), vm, t);
    next!(ip.add(1), sp.sub(1), fp, vm, t)
});

handler!(
/// `POP_JUMP_IF_NOT_NONE`
pop_jump_if_not_none(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & !2 == &raw const singletons::NONE as Word {
        next!(ip.add(1), sp.sub(1), fp, vm, t)
    }
    let to = ip.offset((*ip).cache as i32 as isize);
    (*(*vm).frame).ip = ip;
    give_up!(w, end_0, to, sp.sub(1), vm, t);
    next!(to, sp.sub(1), fp, vm, t)
});

slow_handler!(
    /// `GET_ITER`
    get_iter, 1, iter);
unsafe fn iter(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let a = strip(*sp.sub(1));
        match vm.iter(Value::ref_from_word(&a)) {
            Ok(r) => {
                let old = *sp.sub(1);
                *sp.sub(1) = r.into_word();
                release(old);
                sp
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

// ---- FOR_ITER: the jump target is the END_FOR after the loop, which pops nothing here: the jump goes behind it ---------

/// Where a finished loop goes on: the unit after `END_FOR`; the iterator stays on the stack for `POP_ITER`.
#[inline(always)]
pub unsafe fn loop_end(ip: *const Unit) -> *const Unit {
    // SAFETY: the jump's target is an END_FOR.
    unsafe { ip.offset((*ip).cache as i32 as isize).add(1) }
}

handler!(
/// `FOR_ITER`
for_iter(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    let ty = type_of(w);
    let new = if ty == crate::types::range::RANGE_ITER.object() as *const _ { op::FOR_ITER_RANGE }
        else if ty == crate::types::list::methods::LIST_ITER.object() as *const _ { op::FOR_ITER_LIST }
        else if ty == crate::types::tuple::methods::TUPLE_ITER.object() as *const _ { op::FOR_ITER_TUPLE }
        else if ty == crate::types::generator::GENERATOR.object() as *const _ { op::FOR_ITER_GEN }
        else { op::FOR_ITER_NATIVE };
    let tries = Unit::word(ip.add(1));
    if tries < 4 {
        Unit::set_word(ip.add(1), tries + 1);
        quicken(ip, new);
        next!(ip, sp, fp, vm, t)
    }
    jump!(for_iter_native, ip, sp, fp, vm, t)
});

handler!(
/// The next item by the iterator's slot.
for_iter_native(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) == crate::types::generator::GENERATOR.object() as *const _ {
        jump!(super::gen_::for_iter_gen, ip, sp, fp, vm, t)
    }
    if w & 1 != 0 {
        jump!(for_iter_slow, ip, sp, fp, vm, t)
    }
    let Some(f) = (*type_of(w)).payload.slots().next else { jump!(for_iter_slow, ip, sp, fp, vm, t) };
    save!(vm, ip, sp);
    // Shown where it lies, without its borrowed mark: an address of a local would keep this handler's frame alive.
    let shown = sp.sub(1);
    *shown = strip(w);
    let r = f(&mut *vm, &*shown.cast::<Value>());
    *shown = w;
    let Ok(Some(v)) = r else { jump!(for_iter_ended, ip, sp, fp, vm, t) };
    *sp = v.into_word();
    next_settled!(ip.add(2), sp.add(1), fp, vm, t)
});

// An iterator has ended, perhaps by raising `StopIteration`, or has failed.
handler!(for_iter_ended(ip, sp, fp, vm, t) {
    if (*vm).error.is_some() && !stopped(&mut *vm) {
        jump!(unwind, ip, sp, fp, vm, t)
    }
    next_settled!(loop_end(ip), sp, fp, vm, t)
});

/// Whether the pending exception is a `StopIteration`, which ends a loop and is forgotten.
#[inline(never)]
fn stopped(vm: &mut Vm) -> bool {
    if !vm.error_is(&crate::types::exceptions::STOP_ITERATION) {
        return false;
    }
    if vm.hooks.active {
        crate::probe::loop_stopped(vm);
    }
    vm.clear_error();
    true
}

handler!(
/// What has no slot to be asked: generators that cannot be entered directly (finished, running, too deep).
for_iter_slow(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let r = next_item(&mut *vm, *sp.sub(1));
    if r == 0 {
        jump!(for_iter_ended, ip, sp, fp, vm, t)
    }
    *sp = r;
    next_settled!(ip.add(2), sp.add(1), fp, vm, t)
});

/// The next item, 0 without one.
#[inline(never)]
unsafe fn next_item(vm: &mut Vm, w: Word) -> Word {
    // SAFETY: the iterator stays on the stack through the call.
    unsafe {
        let w = strip(w);
        match vm.next_or_stop(Value::ref_from_word(&w)) {
            Ok(Some(v)) => v.into_word(),
            _ => 0,
        }
    }
}

handler!(for_iter_deopt(ip, sp, fp, vm, t) {
    quicken(ip, taipan_bytecode::Op::FOR_ITER as u16);
    jump!(for_iter, ip, sp, fp, vm, t)
});

handler!(
/// Over a range of small integers.
for_iter_range(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) != crate::types::range::RANGE_ITER.object() as *const _ {
        jump!(for_iter_deopt, ip, sp, fp, vm, t)
    }
    let it = &mut (*((w & !2) as *mut Obj<RangeIter>)).payload;
    if it.remaining == 0 {
        next!(loop_end(ip), sp, fp, vm, t)
    }
    it.remaining -= 1;
    let v = it.next;
    it.next = v.wrapping_add(it.step);
    *sp = (v << 1 | 1) as Word;
    next!(ip.add(2), sp.add(1), fp, vm, t)
});

handler!(
/// Over a list.
for_iter_list(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) != crate::types::list::methods::LIST_ITER.object() as *const _ {
        jump!(for_iter_deopt, ip, sp, fp, vm, t)
    }
    let it = &mut (*((w & !2) as *mut Obj<ListIter>)).payload;
    if let Some(list) = &it.list {
        let items = &(*list.payload_ptr()).items;
        if it.index < items.len() {
            *sp = owned((*items.as_ptr().add(it.index)).word());
            it.index += 1;
            next!(ip.add(2), sp.add(1), fp, vm, t)
        }
        jump!(for_iter_list_end, ip, sp, fp, vm, t)
    }
    next!(loop_end(ip), sp, fp, vm, t)
});

handler!(for_iter_list_end(ip, sp, fp, vm, t) {
    let it = &mut (*((*sp.sub(1) & !2) as *mut Obj<ListIter>)).payload;
    save!(vm, ip, sp);
    let list = it.list.take();
    drop(list);
    next_settled!(loop_end(ip), sp, fp, vm, t)
});

handler!(
/// Over a tuple.
for_iter_tuple(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) != crate::types::tuple::methods::TUPLE_ITER.object() as *const _ {
        jump!(for_iter_deopt, ip, sp, fp, vm, t)
    }
    let it = &mut (*((w & !2) as *mut Obj<TupleIter>)).payload;
    if let Some(tuple) = &it.tuple {
        let items = tuple.items();
        if it.index < items.len() {
            *sp = owned(items.get_unchecked(it.index).word());
            it.index += 1;
            next!(ip.add(2), sp.add(1), fp, vm, t)
        }
        jump!(for_iter_tuple_end, ip, sp, fp, vm, t)
    }
    next!(loop_end(ip), sp, fp, vm, t)
});

handler!(for_iter_tuple_end(ip, sp, fp, vm, t) {
    let it = &mut (*((*sp.sub(1) & !2) as *mut Obj<TupleIter>)).payload;
    save!(vm, ip, sp);
    let tuple = it.tuple.take();
    drop(tuple);
    next_settled!(loop_end(ip), sp, fp, vm, t)
});
