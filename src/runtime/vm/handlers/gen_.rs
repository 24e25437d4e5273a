//! Generators, coroutines and asynchronous iteration.
//!
//! A generator's frame lives in the generator object and runs there. Resuming it from a `for` loop or `yield from` links
//! the frame and jumps into it, without native recursion; `ret_ip` and `ret_sp` say where a yielded value goes.

use super::arith::{quicken, type_of};
use super::control::loop_end;
use super::stack::end_1;
use super::unwind::unwind;
use crate::object::typedef::SendResult;
use crate::object::value::Obj;
use crate::object::{TypeObj, Value};
use crate::types::generator::{self, COROUTINE, GENERATOR, Generator};
use crate::types::singletons;
use crate::vm::frame::{keep, release, strip};
use crate::vm::running::Unit;
use crate::vm::{Vm, Word};

handler!(
/// `RETURN_GENERATOR`: the frame's contents move into a generator object, which is the call's result.
return_generator(ip, sp, fp, vm, t) {
    save!(vm, ip.add(1), sp);
    let frame = (*vm).frame;
    let (ret_ip, ret_sp) = ((*frame).ret_ip, (*frame).ret_sp);
    let init = (*frame).flags & crate::vm::frame::flags::INIT != 0;
    let made = generator::from_frame(&mut *vm, frame);
    let prev = (*vm).frame;
    if init {
        // An `__init__` that is a generator: not None.
        release(made);
        let _ = (*vm).type_error("__init__() should return None, not 'generator'");
        jump!(unwind, (*prev).ip, ret_sp, (*prev).fp, vm, t)
    }
    let callable = *ret_sp;
    *ret_sp = made;
    if callable != 0 {
        drop_word!(callable);
    }
    next!(ret_ip, ret_sp.add(1), (*prev).fp, vm, t)
});

handler!(
/// `YIELD_VALUE`
yield_value(ip, sp, fp, vm, t) {
    let frame = (*vm).frame;
    let w = keep(*sp.sub(1));
    (*frame).ip = ip.add(1);
    let ret_ip = (*frame).ret_ip;
    let ret_sp = (*frame).ret_sp;
    let g = Generator::of_frame(frame);
    g.suspend(&mut *vm, sp.sub(1));
    if ret_ip == super::call::exit_unit() {
        return w;
    }
    *ret_sp = w;
    next!(ret_ip, ret_sp.add(1), (*(*vm).frame).fp, vm, t)
});

// A generator entered by `FOR_ITER` or `SEND` returned: `fp` carries the result word.
handler!(generator_returned(ip, sp, fp, vm, t) {
    let w = fp as Word;
    let prev = (*vm).frame;
    let at = (*prev).ip;
    let mut op = (*at).op;
    if op == super::opcode::PROBE {
        op = crate::probe::opcode_at(&*(*(*vm).frame).running, at);
    }
    if op == super::opcode::SEND_GEN || op == taipan_bytecode::Op::SEND as u16 {
        *sp = w;
        next_settled!(at.offset((*at).cache as i32 as isize), sp.add(1), (*prev).fp, vm, t)
    }
    if (*loop_end(at).sub(1)).op == super::opcode::PROBE {
        save!(vm, at, sp);
        if !stop_probe(&mut *vm, loop_end(at).sub(1), w) {
            jump!(unwind, at, sp, (*prev).fp, vm, t)
        }
    } else if w & 3 == 0 {
        release(w);
    }
    next_settled!(loop_end(at), sp, (*prev).fp, vm, t)
});

/// Tells of the end of a generator in a `for` loop; false after an error.
#[cold]
#[inline(never)]
unsafe fn stop_probe(vm: &mut Vm, end_for: *const Unit, w: Word) -> bool {
    // SAFETY: the generator's result is owned by this function.
    let value = unsafe { Value::from_word(strip(keep(w))) };
    crate::probe::loop_ended(vm, end_for, value).is_ok()
}

handler!(
/// `FOR_ITER` over a generator.
for_iter_gen(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) != GENERATOR.object() as *const TypeObj {
        quicken(ip, taipan_bytecode::Op::FOR_ITER as u16);
        jump!(super::control::for_iter, ip, sp, fp, vm, t)
    }
    let g = &(*((w & !2) as *const Obj<Generator>)).payload;
    if !g.is_suspended() || (*vm).depth_left <= 0 {
        jump!(super::control::for_iter_slow, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    let frame = g.resume(&mut *vm, &raw const singletons::NONE as Word | 2, ip.add(2), sp);
    next!((*frame).ip, g.stack_pointer(), (*frame).fp, vm, t)
});

handler!(
/// `SEND`
send(ip, sp, fp, vm, t) {
    let ty = type_of(*sp.sub(2));
    if ty == GENERATOR.object() as *const TypeObj || ty == COROUTINE.object() as *const TypeObj {
        jump!(send_gen, ip, sp, fp, vm, t)
    }
    jump!(send_any, ip, sp, fp, vm, t)
});

handler!(
/// `SEND` to a generator or coroutine.
send_gen(ip, sp, fp, vm, t) {
    let w = *sp.sub(2);
    let ty = type_of(w);
    if ty != GENERATOR.object() as *const TypeObj && ty != COROUTINE.object() as *const TypeObj {
        jump!(send_any, ip, sp, fp, vm, t)
    }
    let g = &(*((w & !2) as *const Obj<Generator>)).payload;
    if !g.can_send(*sp.sub(1)) || (*vm).depth_left <= 0 {
        jump!(send_any, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp.sub(1));
    let value = keep(*sp.sub(1));
    let frame = g.resume(&mut *vm, value, ip.add(2), sp.sub(1));
    next!((*frame).ip, g.stack_pointer(), (*frame).fp, vm, t)
});

handler!(send_any(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let (to, r) = send_slow(&mut *vm, sp);
    if r == 0 {
        jump!(unwind, ip, sp, fp, vm, t)
    }
    let old = *sp.sub(1);
    *sp.sub(1) = r;
    release(old);
    let next_ip = if to { ip.offset((*ip).cache as i32 as isize) } else { ip.add(2) };
    next_settled!(next_ip, sp, fp, vm, t)
});

/// Sends to any iterator: whether it returned, and the word; 0 after an error.
#[inline(never)]
unsafe fn send_slow(vm: &mut Vm, sp: *mut Word) -> (bool, Word) {
    // SAFETY: receiver and value stay on the stack through the call.
    unsafe {
        let (it, v) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        match generator::send_any(vm, Value::ref_from_word(&it), Value::ref_from_word(&v)) {
            Ok(SendResult::Yield(v)) => (false, v.into_word()),
            Ok(SendResult::Return(v)) => (true, v.into_word()),
            Err(_) => (false, 0),
        }
    }
}

handler!(
/// `END_SEND`: drops the receiver below the result.
end_send(ip, sp, fp, vm, t) {
    let old = *sp.sub(2);
    *sp.sub(2) = *sp.sub(1);
    give_up!(old, end_1, ip, sp.sub(1), vm, t);
    next!(ip.add(1), sp.sub(1), fp, vm, t)
});

slow_handler!(
    /// `CLEANUP_THROW`: sub-iterator, last sent value, exception.
    cleanup_throw, 1, cleanup);
unsafe fn cleanup(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let e = strip(*sp.sub(1));
        let e = Value::ref_from_word(&e);
        if vm.is_kind(e, &crate::types::exceptions::STOP_ITERATION) {
            let v = crate::types::exceptions::stop_value(vm, e);
            let (a, b, c) = (*sp.sub(3), *sp.sub(2), *sp.sub(1));
            *sp.sub(3) = crate::object::none().into_word();
            *sp.sub(2) = v.into_word();
            release(c);
            release(b);
            release(a);
            return sp.sub(1);
        }
        let e = e.clone();
        vm.skip_traceback = true;
        vm.set_pending(e);
        std::ptr::null_mut()
    }
}

slow_handler!(
    /// `GET_YIELD_FROM_ITER`
    get_yield_from_iter, 1, yield_from_iter);
unsafe fn yield_from_iter(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let w = strip(*sp.sub(1));
        let v = Value::ref_from_word(&w);
        let flags = (*(*vm.frame).running).flags;
        use taipan_bytecode::CodeFlags as F;
        if std::ptr::eq(v.class(), COROUTINE.object()) {
            if !flags.intersects(F::COROUTINE | F::ITERABLE_COROUTINE) {
                let _ = vm.type_error("cannot 'yield from' a coroutine object in a non-coroutine generator");
                return std::ptr::null_mut();
            }
            return sp;
        }
        if v.is_exact::<Generator>() {
            return sp;
        }
        match vm.iter(v) {
            Ok(it) => {
                let old = *sp.sub(1);
                *sp.sub(1) = it.into_word();
                release(old);
                sp
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

macro_rules! replace_top {
    ($(#[$m:meta])* $name:ident, $work:ident, |$vm:ident, $v:ident, $arg:ident| $body:expr) => {
        slow_handler!($(#[$m])* $name, 1, $work);
        unsafe fn $work($vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
            // SAFETY: the operand stays on the stack through the call.
            unsafe {
                let w = strip(*sp.sub(1));
                let $v = Value::ref_from_word(&w);
                let $arg = (*ip).arg;
                let _ = $arg;
                match $body {
                    Ok(r) => {
                        let r: Value = r;
                        let old = *sp.sub(1);
                        *sp.sub(1) = r.into_word();
                        release(old);
                        sp
                    }
                    Err(_) => std::ptr::null_mut(),
                }
            }
        }
    };
}

replace_top!(
    /// `GET_AWAITABLE`
    get_awaitable, awaitable, |vm, v, arg| generator::awaitable_iter(vm, v, arg));
replace_top!(
    /// `GET_AITER`
    get_aiter, aiter, |vm, v, arg| generator::get_aiter(vm, v));

slow_handler!(
    /// `GET_ANEXT`
    get_anext, 1, anext);
unsafe fn anext(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let w = strip(*sp.sub(1));
        match generator::get_anext(vm, Value::ref_from_word(&w)) {
            Ok(r) => {
                *sp = r.into_word();
                sp.add(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `END_ASYNC_FOR`: the awaitable's iterator below, the exception on top.
    end_async_for, 1, end_async);
unsafe fn end_async(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let e = strip(*sp.sub(1));
        let e = Value::ref_from_word(&e);
        if vm.is_kind(e, &crate::types::exceptions::STOP_ASYNC_ITERATION) {
            release(*sp.sub(1));
            release(*sp.sub(2));
            return sp.sub(2);
        }
        let e = e.clone();
        vm.skip_traceback = true;
        vm.set_pending(e);
        std::ptr::null_mut()
    }
}
