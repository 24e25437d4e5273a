//! Failure: finding the handler of a pending exception, ending frames, and the slow roads of return and safepoints.

use super::opcode;
use crate::object::finalize::{ENDS, end_now, take_queued};
use crate::object::{PyResult, Value};
use crate::types::generator::Generator;
use crate::types::singletons;
use crate::vm::frame::{Frame, flags, release, strip};
use crate::vm::running::Unit;
use crate::vm::{Vm, Word, breaker};
use std::sync::atomic::Ordering::Relaxed;

handler!(
/// An opcode that no code object has.
invalid(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    invalid_opcode(&mut *vm, (*ip).op);
    jump!(unwind, ip, sp, fp, vm, t)
});

#[cold]
#[inline(never)]
fn invalid_opcode(vm: &mut Vm, op: u16) {
    let _ = vm.system_error(format!("unknown opcode {}", opcode::name(op)));
}

handler!(
/// A byte of handmade code that is no opcode.
unknown(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    unknown_opcode(&mut *vm, (*ip).arg);
    jump!(unwind, ip, sp, fp, vm, t)
});

#[cold]
#[inline(never)]
fn unknown_opcode(vm: &mut Vm, byte: u16) {
    let _ = vm.system_error(format!("unknown opcode {byte}"));
}

handler!(
/// A probe: tells its listeners, then runs the displaced opcode.
probe(ip, sp, fp, vm, t) {
    let prev = (*(*vm).frame).ip;
    save!(vm, ip, sp);
    let op = crate::probe::hit(&mut *vm, ip, prev);
    if op == crate::probe::FAILED {
        jump!(unwind, ip, sp, fp, vm, t)
    }
    if op == crate::probe::MOVED {
        // A listener moved the frame to another line: go on from its saved ip.
        let ip = (*(*vm).frame).ip;
        next!(ip, (*vm).sp, fp, vm, t)
    }
    (*t.add(op as usize)).0(ip, sp, fp, vm, t)
});

handler!(
/// Runs what ends of objects are due (finalisers, weak reference callbacks), then goes on.
settle(ip, sp, fp, vm, t) {
    (*vm).sp = sp;
    (*vm).run_ends();
    next!(ip, sp, fp, vm, t)
});

impl Vm {
    /// Runs the finalisers and weak reference callbacks of objects that ended. Their errors are reported, not raised.
    #[cold]
    #[inline(never)]
    pub fn run_ends(&mut self) {
        if !ENDS.pending.get() {
            return;
        }
        let saved = self.error.take();
        while ENDS.pending.get() {
            for v in take_queued() {
                self.run_end(v);
                self.run_ends();
            }
        }
        self.error = saved;
    }

    /// Runs one object's `__del__`, then clears its weak references and calls their callbacks, then lets it end.
    fn run_end(&mut self, v: Value) {
        use crate::object::header::flag;
        let Some(h) = v.header() else { return };
        let typ = &v.class().payload;
        if typ.has(crate::object::TypeFlags::HAS_FINALIZER) && !h.has(flag::FINALIZED) {
            h.set(flag::FINALIZED);
            if let Some(f) = typ.slots().finalize {
                f(self, &v);
            }
            if h.rc.get() != 1 {
                return; // resurrected
            }
        }
        let callbacks = if h.has(flag::WEAKREFED) { crate::object::weak::clear(v.as_ptr()) } else { Vec::new() };
        for w in callbacks {
            crate::types::weakref::call_callback(self, &w);
        }
        if h.rc.get() == 1 {
            let p = v.into_word();
            // SAFETY: the last reference, taken out of `v`; nothing of Python is left to run.
            unsafe {
                (*(p as *mut crate::object::header::Header)).rc.set(0);
                end_now(p as *mut _);
            }
        }
    }
}

/// Attends to the breaker word at a safepoint.
#[inline(never)]
pub fn attend(vm: &mut Vm) -> PyResult<()> {
    let bits = vm.breaker.load(Relaxed);
    if bits & breaker::GC != 0 {
        vm.breaker.fetch_and(!breaker::GC, Relaxed);
        crate::object::gc::collect_due(vm);
    }
    if bits & breaker::GIL != 0 {
        vm.breaker.fetch_and(!breaker::GIL, Relaxed);
        crate::vm::gil::yield_to_others(vm);
    }
    if bits & breaker::PENDING != 0 {
        vm.breaker.fetch_and(!breaker::PENDING, Relaxed);
        crate::vm::gil::run_pending(vm)?;
    }
    if bits & breaker::SIGNAL != 0 {
        vm.breaker.fetch_and(!breaker::SIGNAL, Relaxed);
        vm.check_signals()?;
    }
    if bits & breaker::PAUSE != 0 {
        vm.breaker.fetch_and(!breaker::PAUSE, Relaxed);
        crate::probe::pause(vm)?;
    }
    if bits & breaker::ASYNC_EXC != 0 {
        vm.breaker.fetch_and(!breaker::ASYNC_EXC, Relaxed);
        if let Some(e) = vm.async_exc.take() {
            return Err(crate::types::exceptions::raise_object(vm, &e));
        }
    }
    Ok(())
}

handler!(
/// Finds the handler of the pending exception, ending frames on the way; leaves the loop (result 0) when a frame
/// that native code entered has none.
#[cold]
unwind(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    match find_handler(&mut *vm, ip, sp) {
        Some((ip, sp)) => next!(ip, sp, (*(*vm).frame).fp, vm, t),
        None => 0,
    }
});

// Goes on after the exception was recorded in this frame's traceback already (`RERAISE`).
handler!(unwind_again(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    (*vm).skip_traceback = true;
    match find_handler(&mut *vm, ip, sp) {
        Some((ip, sp)) => next!(ip, sp, (*(*vm).frame).fp, vm, t),
        None => 0,
    }
});

unsafe fn find_handler(vm: &mut Vm, mut ip: *const Unit, mut sp: *mut Word) -> Option<(*const Unit, *mut Word)> {
    // SAFETY: frames are live while linked; every word between a frame's stack bottom and `sp` is live.
    unsafe {
        let mut offset = crate::probe::Offset::Last;
        // A listener failed: its exception goes on from here without being reported itself.
        let mut silent = false;
        loop {
            let frame = vm.frame;
            // Raised again: recorded when it was first raised here.
            let again = std::mem::take(&mut vm.skip_traceback);
            if !again {
                crate::types::traceback::record(vm, frame);
            } else if let Some(lasti) = vm.reraise_lasti.take() {
                // `RERAISE` sets the frame's position back to where the exception came from.
                let running = &*(*frame).running;
                (*frame).ip = running.at(running.unit_at_lasti(lasti as usize));
            }
            if vm.hooks.active && !std::mem::take(&mut silent) {
                vm.sp = sp;
                crate::probe::raising(vm, ip, again, offset);
            }
            let running = &*(*frame).running;
            let index = running.index_of(ip);
            let bottom = Frame::stack(frame);
            if let Some(h) = running.handler_for(index).copied() {
                let keep = bottom.add(h.depth as usize);
                vm.sp = sp;
                while sp > keep {
                    sp = sp.sub(1);
                    let w = *sp;
                    *sp = 0;
                    release(w);
                }
                if h.lasti {
                    *sp = ((running.lasti((*frame).ip) as i64) << 1 | 1) as Word;
                    sp = sp.add(1);
                }
                vm.sp = sp;
                vm.run_ends();
                let target = running.at(h.target as usize);
                if vm.hooks.active {
                    let e = vm.error.clone();
                    if crate::probe::handled(vm, target).is_err() {
                        // The handler has been entered, with the exception on the stack. Who handles the listener's
                        // error is looked up where the instruction before the handler ends (CPython's `next_instr-1`).
                        *sp = e.map_or(0, Value::into_word);
                        sp = sp.add(1);
                        ip = (0..h.target as usize)
                            .rev()
                            .find(|&u| running.is_instruction(u))
                            .map_or(target, |u| running.at(u));
                        offset = crate::probe::Offset::Last;
                        (*frame).ip = target;
                        vm.skip_traceback = true;
                        silent = true;
                        continue;
                    }
                }
                if (*frame).flags & flags::GENERATOR != 0
                    && crate::probe::opcode_at(running, ip) == taipan_bytecode::Op::YIELD_VALUE as u16
                {
                    // Thrown in from outside: the frame stands behind its `yield`.
                    (*frame).ip = ip.add(1);
                }
                *sp = vm.take_error().into_word();
                return Some((target, sp.add(1)));
            }
            while sp > bottom {
                sp = sp.sub(1);
                let w = *sp;
                *sp = 0;
                release(w);
            }
            vm.sp = sp;
            vm.run_ends();
            if vm.hooks.active {
                crate::probe::unwound(vm, ip, offset);
            }
            let ret_ip = (*frame).ret_ip;
            let ret_sp = (*frame).ret_sp;
            let frame_flags = (*frame).flags;
            leave_frame(vm, frame);
            if ret_ip == super::call::exit_unit() {
                return None;
            }
            let prev = vm.frame;
            ip = (*prev).ip;
            offset = crate::probe::Offset::Before;
            sp = if frame_flags & flags::GENERATOR != 0 || frame_flags & flags::INIT != 0 {
                ret_sp
            } else {
                ret_sp.add(1)
            };
            vm.sp = sp;
        }
    }
}

/// Ends the innermost frame: locals released (or moved to the frame object), the caller's frame becomes the innermost.
///
/// # Safety
/// `frame` is the innermost frame; its evaluation stack holds nothing to release.
pub unsafe fn leave_frame(vm: &mut Vm, frame: *mut Frame) {
    // SAFETY: by the caller's promise.
    unsafe {
        let f = (*frame).flags;
        if f & flags::HAS_OBJECT != 0 {
            crate::types::frame::detach(frame);
        }
        if f & flags::GENERATOR != 0 {
            Generator::of_frame(frame).finish(vm);
            return;
        }
        let mut p = frame.cast::<Word>();
        while p > (*frame).fp {
            p = p.sub(1);
            release(std::mem::replace(&mut *p, 0));
        }
        if (*frame).namespace != 0 {
            release((*frame).namespace);
        }
        if f & flags::OWNS_FUNC != 0 {
            let func = (*frame).func;
            release(
                func as usize
                    - std::mem::offset_of!(crate::object::value::Obj<crate::types::function::Function>, payload),
            );
        }
        vm.frame = (*frame).prev;
        vm.depth_left += 1;
    }
}

handler!(
/// The return of a frame that has something special about it; the result (owned) is on top.
#[cold]
return_slow(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let frame = (*vm).frame;
    let w = *sp.sub(1);
    let f = (*frame).flags;
    let ret_ip = (*frame).ret_ip;
    let ret_sp = (*frame).ret_sp;
    if f & flags::INIT != 0 && w & !2 != &raw const singletons::NONE as Word {
        init_returned(&mut *vm, w);
        jump!(unwind, ip, sp, fp, vm, t)
    }
    leave_frame(&mut *vm, frame);
    let prev = (*vm).frame;
    if f & flags::INIT != 0 {
        next_settled!(ret_ip, ret_sp, (*prev).fp, vm, t)
    }
    if f & flags::GENERATOR != 0 {
        if ret_ip == super::call::exit_unit() {
            return w;
        }
        jump!(super::gen_::generator_returned, ret_ip, ret_sp, w as *mut Word, vm, t)
    }
    let callable = *ret_sp;
    *ret_sp = w;
    if callable != 0 {
        drop_word!(callable);
    }
    next_settled!(ret_ip, ret_sp.add(1), (*prev).fp, vm, t)
});

#[cold]
unsafe fn init_returned(vm: &mut Vm, w: Word) {
    // SAFETY: a live word.
    unsafe {
        let s = strip(w);
        let name = Value::ref_from_word(&s).class().payload.name();
        let _ = vm.type_error(format!("__init__() should return None, not '{name}'"));
    }
}
