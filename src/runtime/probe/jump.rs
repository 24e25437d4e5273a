//! Assignment to `f_lineno`: moving a frame to another line.
//!
//! Allowed from a trace function only, and only where the evaluation stack of the target is a prefix of the present one.
//! The stack's shape at each instruction is found by following the code once with kinds instead of values. Rules and
//! messages are CPython's (`Objects/frameobject.c`, `frame_setlineno`, `mark_stacks`).

use super::events::{Event, EventSet};
use crate::object::{Py, PyResult, Value, none};
use crate::types::exceptions as exc;
use crate::types::frame::FrameObject;
use crate::types::int::Int;
use crate::vm::frame::{Frame, keep, release, strip};
use crate::vm::{Vm, Word};
use taipan_bytecode::{CodeObject, Instruction, LocalKind, Op};

/// A frame that stands in an event for a trace function.
#[derive(Clone, Copy)]
pub struct Stop {
    /// The frame.
    pub frame: *mut Frame,
    /// Top of its evaluation stack, moved by a jump.
    pub sp: *mut Word,
    /// The event.
    pub event: Event,
}

/// Events in which a frame may be moved.
const ALLOWED: EventSet = EventSet::NONE
    .and(Event::Line)
    .and(Event::Instruction)
    .and(Event::Jump)
    .and(Event::BranchLeft)
    .and(Event::BranchRight)
    .and(Event::PyYield)
    .and(Event::PyResume);

/// What a word of the evaluation stack is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Iterator,
    Except,
    Object,
    Null,
    Lasti,
}

type Shape = Option<Vec<Kind>>;

/// `frame.f_lineno = line`
pub fn jump_to_line(vm: &mut Vm, frame: &Py<FrameObject>, line: Option<&Value>) -> PyResult<()> {
    let Some(line) = line else { return Err(vm.attribute_error("cannot delete attribute")) };
    if line.as_small().is_none() && !line.is_exact::<Int>() {
        return Err(vm.value_error("lineno must be an integer"));
    }
    let live = frame.live();
    let stop = vm.hooks.stops.iter().rposition(|s| Some(s.frame) == live);
    match (vm.hooks.stops.last().map(|s| s.event), stop) {
        (None, _) => return Err(vm.value_error("f_lineno can only be set in a trace function")),
        (Some(Event::PyStart), _) => {
            return Err(vm.value_error("can't jump from the 'call' trace event of a new frame"));
        }
        (Some(e), Some(_)) if ALLOWED.has(e) => {}
        _ => return Err(vm.value_error("can only jump from a 'line' trace event")),
    }
    let wanted = vm.to_i64(line)?;
    let code = frame.code().clone();
    let c = &code.canonical;
    if wanted < c.firstlineno as i64 {
        return Err(vm.value_error(format!("line {wanted} comes before the current code block")));
    }
    let starts = line_starts(c);
    let Some(wanted) = starts.iter().map(|s| s.1 as i64).filter(|&l| l >= wanted).min() else {
        return Err(vm.value_error(format!("line {wanted} comes after the current code block")));
    };
    let shapes = shapes(c);
    let here = shapes[(frame.lasti().max(0) / 2) as usize].clone();
    let targets = starts.iter().filter(|s| s.1 as i64 == wanted).map(|s| s.0);
    let (target, depth) = match choose(&here, &shapes, targets) {
        Ok(found) => found,
        Err(message) => return Err(vm.value_error(message)),
    };
    bind_locals(vm, frame, c)?;
    let (Some(index), Some(here)) = (stop, here) else { return Ok(()) };
    unwind(vm, index, &here, depth);
    let running = code.running_copy();
    let stop = vm.hooks.stops[index];
    // SAFETY: the frame stands in an event: it is live.
    unsafe { (*stop.frame).ip = running.at(running.unit_at_lasti(target * 2)) };
    Ok(())
}

/// Code units where a line starts, with the line.
fn line_starts(c: &CodeObject) -> Vec<(usize, i32)> {
    let mut out = Vec::new();
    let mut last = None;
    for r in c.lines() {
        if let Some(line) = r.line.filter(|l| Some(*l) != last) {
            out.push((r.start / 2, line));
            last = Some(line);
        }
    }
    out
}

/// The target whose stack fits best: its code unit and stack depth, or why none fits.
fn choose(
    here: &Shape,
    shapes: &[Shape],
    targets: impl Iterator<Item = usize>,
) -> Result<(usize, usize), &'static str> {
    let mut best: Option<(usize, usize)> = None;
    let mut reason = None;
    for t in targets {
        match (here, &shapes[t]) {
            (Some(from), Some(to)) if compatible(from, to) => {
                if best.is_none_or(|b| to.len() > b.1) {
                    best = Some((t, to.len()));
                }
            }
            (None, _) => reason = reason.or(Some("can't jump from unreachable code")),
            (_, to) => reason = reason.or(Some(explain(to))),
        }
    }
    best.ok_or(reason.unwrap_or("cannot find bytecode for specified line"))
}

fn compatible(from: &[Kind], to: &[Kind]) -> bool {
    from.len() >= to.len()
        && from.iter().zip(to).all(|(&f, &t)| match t {
            Kind::Object => f != Kind::Null,
            Kind::Null => true,
            _ => f == t,
        })
}

fn explain(to: &Shape) -> &'static str {
    match to.as_ref().map(|s| s.last()) {
        None => "can't jump into an exception handler, or code may be unreachable",
        Some(Some(Kind::Except)) => "can't jump into an 'except' block as there's no exception",
        Some(Some(Kind::Lasti)) => "can't jump into a re-raising block as there's no location",
        Some(Some(Kind::Iterator)) => "can't jump into the body of a for loop",
        Some(_) => "incompatible stacks",
    }
}

/// Locals that are unbound become `None`, since the code at the target may rely on their being bound.
fn bind_locals(vm: &mut Vm, frame: &Py<FrameObject>, c: &CodeObject) -> PyResult<()> {
    let Some(f) = frame.live() else { return Ok(()) };
    // SAFETY: the frame is live and has a slot for each name.
    let unbound: Vec<usize> = unsafe {
        (0..c.localsplusnames.len())
            .filter(|&i| c.localspluskinds[i].contains(LocalKind::LOCAL) && *(*f).fp.add(i) == 0)
            .collect()
    };
    if unbound.is_empty() {
        return Ok(());
    }
    let s = if unbound.len() == 1 { "" } else { "s" };
    let message = format!("assigning None to {} unbound local{s}", unbound.len());
    vm.warn(&exc::RUNTIME_WARNING, message, 0)?;
    for i in unbound {
        frame.set_local(i, none());
    }
    Ok(())
}

/// Pops the stack of the stopped frame down to `depth`; leaving an `except` block restores what was handled before.
fn unwind(vm: &mut Vm, index: usize, here: &[Kind], depth: usize) {
    for kind in here[depth..].iter().rev() {
        let stop = &mut vm.hooks.stops[index];
        // SAFETY: the shape says how many words the stack holds.
        let w = unsafe {
            stop.sp = stop.sp.sub(1);
            std::mem::replace(&mut *stop.sp, 0)
        };
        if *kind == Kind::Except && w != 0 {
            // SAFETY: the word is owned from here on.
            let v = unsafe { Value::from_word(strip(keep(w))) };
            // SAFETY: the thread's innermost item is live (I6).
            let old = unsafe { std::mem::replace(&mut (*vm.exc_info).value, (!v.is_none()).then_some(v)) };
            drop(old);
        } else {
            // SAFETY: the word left the stack.
            unsafe { release(w) };
        }
    }
}

/// The stack's shape before each code unit's instruction; `None` where control never comes.
fn shapes(c: &CodeObject) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = vec![None; c.code.len() / 2 + 1];
    shapes[0] = Some(Vec::new());
    let instructions: Vec<Instruction> = c.instructions().collect();
    let handlers: Vec<_> = c.exception_entries().collect();
    loop {
        let mut again = false;
        for i in &instructions {
            let Some(shape) = shapes[i.start].clone() else { continue };
            for slot in &mut shapes[i.start..=i.index] {
                slot.get_or_insert_with(|| shape.clone());
            }
            let (next, jump) = after(i, shape);
            if let (Some(t), Some(s)) = (i.jump_target(), jump) {
                again |= shapes[t].is_none() && t <= i.index;
                shapes[t].get_or_insert(s);
            }
            if let (Some(s), true) = (next, i.end() < shapes.len()) {
                shapes[i.end()].get_or_insert(s);
            }
        }
        for h in &handlers {
            if shapes[h.target].is_some() {
                continue;
            }
            let Some(mut s) = shapes[h.start].clone() else { continue };
            s.truncate(h.depth as usize);
            if h.lasti {
                s.push(Kind::Lasti);
            }
            s.push(Kind::Except);
            shapes[h.target] = Some(s);
            again = true;
        }
        if !again {
            return shapes;
        }
    }
}

/// The shapes behind an instruction: straight on, and at its jump target.
fn after(i: &Instruction, mut s: Vec<Kind>) -> (Shape, Shape) {
    match i.op {
        Op::POP_JUMP_IF_FALSE | Op::POP_JUMP_IF_TRUE | Op::POP_JUMP_IF_NONE | Op::POP_JUMP_IF_NOT_NONE => {
            s.pop();
            (Some(s.clone()), Some(s))
        }
        Op::SEND => (Some(s.clone()), Some(s)),
        Op::JUMP_FORWARD | Op::JUMP_BACKWARD | Op::JUMP_BACKWARD_NO_INTERRUPT => (None, Some(s)),
        Op::GET_ITER | Op::GET_AITER => {
            s.pop();
            s.push(Kind::Iterator);
            (Some(s), None)
        }
        Op::FOR_ITER | Op::GET_ANEXT => {
            s.push(Kind::Object);
            (Some(s.clone()), Some(s))
        }
        Op::END_ASYNC_FOR => {
            s.truncate(s.len().saturating_sub(2));
            (Some(s), None)
        }
        Op::PUSH_EXC_INFO => {
            s.push(Kind::Except);
            (Some(s), None)
        }
        Op::POP_EXCEPT => {
            s.pop();
            (Some(s), None)
        }
        Op::RETURN_VALUE | Op::RAISE_VARARGS | Op::RERAISE => (None, None),
        Op::PUSH_NULL => {
            s.push(Kind::Null);
            (Some(s), None)
        }
        Op::LOAD_GLOBAL => {
            s.push(Kind::Object);
            if i.arg & 1 != 0 {
                s.push(Kind::Null);
            }
            (Some(s), None)
        }
        Op::LOAD_ATTR => {
            if i.arg & 1 != 0 {
                s.pop();
                s.push(Kind::Object);
                s.push(Kind::Null);
            }
            (Some(s), None)
        }
        Op::CALL => {
            s.truncate(s.len().saturating_sub(i.arg as usize + 2));
            s.push(Kind::Object);
            (Some(s), None)
        }
        Op::SWAP => {
            let n = s.len();
            if i.arg as usize <= n && i.arg > 0 {
                s.swap(n - 1, n - i.arg as usize);
            }
            (Some(s), None)
        }
        Op::COPY => {
            let n = s.len();
            let kind = n.checked_sub(i.arg as usize).map_or(Kind::Object, |k| s[k]);
            s.push(kind);
            (Some(s), None)
        }
        Op::CACHE | Op::RESERVED => (None, None),
        op => {
            s.truncate(s.len().saturating_sub(op.popped(i.arg) as usize));
            s.extend(std::iter::repeat_n(Kind::Object, op.pushed(i.arg) as usize));
            (Some(s), None)
        }
    }
}
