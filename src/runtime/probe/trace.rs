//! `sys.settrace` and `sys.setprofile`: the old interface, as two tools among the others.
//!
//! Which event becomes which call of the Python function is CPython's rule (`Python/legacy_tracing.c`,
//! `Python/sysmodule.c`): the function set for the thread hears of calls; what it returns is the frame's `f_trace`, which
//! hears of the rest. An exception of a trace function ends tracing and is raised in the program.

use super::events::{Event, EventSet};
use super::jump::Stop;
use super::native::{Answer, Hit};
use super::patches;
use super::switchboard::{self, PROFILE, TRACE};
use crate::name;
use crate::object::{Py, PyResult, Value, none};
use crate::types::exceptions as exc;
use crate::types::frame::FrameObject;
use crate::types::method::{BUILTIN_FUNCTION, METHOD_DESCRIPTOR};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

const FRAMES: EventSet = EventSet::NONE
    .and(Event::PyStart)
    .and(Event::PyResume)
    .and(Event::PyReturn)
    .and(Event::PyYield)
    .and(Event::PyUnwind)
    .and(Event::PyThrow);
const TRACED: EventSet = FRAMES.and(Event::Raise).and(Event::Line).and(Event::Jump).and(Event::StopIteration);
const PROFILED: EventSet = FRAMES.and(Event::Call);

/// Sets this thread's trace function.
pub fn set_trace(vm: &mut Vm, function: Option<Value>) {
    let old = std::mem::replace(&mut vm.hooks.trace, function);
    update_events();
    drop(old);
}

/// Sets this thread's profile function.
pub fn set_profile(vm: &mut Vm, function: Option<Value>) {
    let old = std::mem::replace(&mut vm.hooks.profile, function);
    update_events();
    drop(old);
}

/// Asks for the events that the threads' trace and profile functions need.
pub fn update_events() {
    let (mut traced, mut profiled) = (false, false);
    // SAFETY: the GIL is held: no state ends or is used elsewhere meanwhile.
    for t in unsafe { crate::vm::gil::threads() } {
        // SAFETY: as above.
        let hooks = unsafe { &(*t).hooks };
        traced |= hooks.trace.is_some();
        profiled |= hooks.profile.is_some();
    }
    if !traced {
        forget_opcodes();
    }
    switchboard::set_events(TRACE, if traced { TRACED } else { EventSet::NONE });
    switchboard::set_events(PROFILE, if profiled { PROFILED } else { EventSet::NONE });
}

/// Nobody traces any more: frames with `f_trace_opcodes` ask again when they are traced again.
fn forget_opcodes() {
    if !OPCODES.swap(false, Relaxed) {
        return;
    }
    for code in switchboard::all_codes() {
        if patches::of(&code).is_some_and(|p| switchboard::of_masks(&p.local, TRACE) != EventSet::NONE) {
            patches::change(&code, |p| switchboard::set_in(&mut p.local, TRACE, EventSet::NONE));
        }
    }
}

/// `f_trace` or `f_trace_opcodes` of a frame changed.
pub fn frame_trace_changed(_: &mut Vm, frame: &Py<FrameObject>) {
    if frame.trace.borrow().is_some() && frame.trace_opcodes.get() {
        trace_opcodes(frame, true);
    }
}

/// Some code has opcode events for trace functions.
static OPCODES: AtomicBool = AtomicBool::new(false);

fn trace_opcodes(frame: &Py<FrameObject>, on: bool) {
    if on {
        OPCODES.store(true, Relaxed);
    }
    let code = frame.code();
    let old = patches::of(code).map_or(EventSet::NONE, |p| switchboard::of_masks(&p.local, TRACE));
    let new = if on { old.and(Event::Instruction) } else { old.without(Event::Instruction.set()) };
    if new != old {
        patches::change(code, |p| switchboard::set_in(&mut p.local, TRACE, new));
    }
}

/// Whether the innermost frame has a trace function of its own, and its thread one.
#[inline(always)]
pub fn is_traced(vm: &Vm) -> bool {
    // SAFETY: the innermost frame is live and owns its object.
    unsafe {
        let object = (*vm.frame).object;
        vm.hooks.trace.is_some()
            && object != 0
            && Value::ref_from_word(&object).downcast_unchecked::<FrameObject>().trace.borrow().is_some()
    }
}

/// An event for the thread's trace function.
pub fn event(vm: &mut Vm, hit: &Hit<'_>) -> PyResult<Answer> {
    let Some(frame) = vm.frame_object(0).filter(|_| vm.hooks.trace.is_some()) else { return Ok(Answer::Go) };
    let value = || hit.value.cloned().unwrap_or_else(none);
    match hit.event {
        Event::Line => line(vm, &frame, hit),
        Event::Jump => {
            let same_line = {
                let running = frame.code().running_copy();
                let to = running.unit_at_lasti(hit.to as usize);
                running.line_of_unit(to) == running.line_of_unit(hit.unit as usize)
            };
            if hit.to > hit.offset || !same_line {
                return Ok(Answer::Disable);
            }
            line(vm, &frame, hit)
        }
        Event::Instruction => {
            if !frame.trace_opcodes.get() {
                trace_opcodes(&frame, false);
                return Ok(Answer::Go);
            }
            call(vm, &frame, name!("opcode"), none(), hit.event)
        }
        Event::PyStart | Event::PyResume | Event::PyThrow => traced(vm, &frame, name!("call"), none(), hit.event),
        Event::PyReturn | Event::PyYield => traced(vm, &frame, name!("return"), value(), hit.event),
        Event::PyUnwind => traced(vm, &frame, name!("return"), none(), hit.event),
        Event::Raise | Event::StopIteration => {
            let e = value();
            let class = Py::of(e.class()).into_value();
            let triple = Tuple::from_vec(vec![class, e.clone(), exc::traceback_of(&e)]);
            traced(vm, &frame, name!("exception"), triple.into(), hit.event)
        }
        _ => Ok(Answer::Go),
    }
}

fn traced(vm: &mut Vm, frame: &Py<FrameObject>, what: &Py<Str>, arg: Value, event: Event) -> PyResult<Answer> {
    if frame.trace_opcodes.get() {
        trace_opcodes(frame, true);
    }
    call(vm, frame, what, arg, event)
}

fn line(vm: &mut Vm, frame: &Py<FrameObject>, hit: &Hit<'_>) -> PyResult<Answer> {
    if !frame.trace_lines.get() {
        return Ok(Answer::Go);
    }
    call(vm, frame, name!("line"), none(), hit.event)
}

/// Calls the thread's function (for calls) or the frame's own.
fn call(vm: &mut Vm, frame: &Py<FrameObject>, what: &Py<Str>, arg: Value, event: Event) -> PyResult<Answer> {
    let is_call = matches!(event, Event::PyStart | Event::PyResume | Event::PyThrow);
    let function = if is_call { vm.hooks.trace.clone() } else { frame.trace.borrow().clone() };
    let Some(function) = function else { return Ok(Answer::Go) };
    let name = what.clone().into();
    vm.hooks.stops.push(Stop { frame: vm.frame, sp: vm.sp, event });
    vm.hooks.in_python += 1;
    let r = vm.call(&function, &[frame.clone().into(), name, arg]);
    vm.hooks.in_python -= 1;
    if let Some(stop) = vm.hooks.stops.pop() {
        vm.sp = stop.sp;
    }
    match r {
        Ok(v) => {
            if !v.is_none() {
                let old = frame.trace.replace(Some(v));
                drop(old);
            }
            Ok(Answer::Go)
        }
        Err(r) => {
            vm.aside(|vm| set_trace(vm, None));
            let old = frame.trace.take();
            drop(old);
            Err(r)
        }
    }
}

/// An event for the thread's profile function.
pub fn profile_event(vm: &mut Vm, hit: &Hit<'_>) -> PyResult<Answer> {
    let Some(function) = vm.hooks.profile.clone() else { return Ok(Answer::Go) };
    let value = || hit.value.cloned().unwrap_or_else(none);
    let (what, arg) = match hit.event {
        Event::PyStart | Event::PyResume | Event::PyThrow => (name!("call"), none()),
        Event::PyReturn | Event::PyYield => (name!("return"), value()),
        Event::PyUnwind => (name!("return"), none()),
        Event::Call | Event::CReturn | Event::CRaise => {
            let what = match hit.event {
                Event::Call => name!("c_call"),
                Event::CReturn => name!("c_return"),
                _ => name!("c_exception"),
            };
            match native_callable(vm, hit)? {
                Some(f) => (what, f),
                None => return Ok(Answer::Go),
            }
        }
        _ => return Ok(Answer::Go),
    };
    let Some(frame) = vm.frame_object(0) else { return Ok(Answer::Go) };
    let name = what.clone().into();
    vm.hooks.in_python += 1;
    let r = vm.call(&function, &[frame.into(), name, arg]);
    vm.hooks.in_python -= 1;
    if r.is_err() {
        vm.aside(|vm| set_profile(vm, None));
    }
    r.map(|_| Answer::Go)
}

/// The builtin function that a call event is about; a method of a builtin type is bound to its object.
pub fn native_callable(vm: &mut Vm, hit: &Hit<'_>) -> PyResult<Option<Value>> {
    let Some(f) = hit.value else { return Ok(None) };
    if vm.is_kind(f, &BUILTIN_FUNCTION) {
        return Ok(Some(f.clone()));
    }
    if !std::ptr::eq(f.class(), METHOD_DESCRIPTOR.object()) {
        return Ok(None);
    }
    let (Some(me), Some(get)) = (hit.first, f.class().payload.slots().descr_get) else { return Ok(None) };
    let class = Py::of(me.class()).into_value();
    get(vm, f, Some(me), Some(&class)).map(Some)
}
