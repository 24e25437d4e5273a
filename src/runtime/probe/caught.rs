//! Who will catch an exception: read from the handler tables, before anything is unwound.

use super::view::FrameView;
use crate::object::Value;
use crate::types::code::Code;
use crate::types::tuple::Tuple;
use crate::types::typeobject;
use crate::vm::Vm;
use crate::vm::running::Running;
use taipan_bytecode::{CodeFlags, Instruction, Op};

/// The answer of [`will_be_caught`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Catcher {
    /// No Python frame of the thread has a handler for it; native code may still swallow it where `native` says so.
    Nobody {
        /// A native function called one of the frames it passes.
        native: bool,
    },
    /// The frame so many levels up (0 is the innermost) has an `except` clause for it.
    Frame(usize),
    /// A handler so many levels up decides at run time (`with`, an `except` clause with a computed class).
    Perhaps(usize),
}

/// What one handler does with an exception.
enum Verdict {
    Catches,
    PassesOn,
    Unknown,
}

/// Who will catch `exception`, if it is raised in the innermost frame at its present instruction.
pub fn will_be_caught(vm: &Vm, exception: &Value) -> Catcher {
    let mut native = false;
    let mut perhaps = None;
    for (depth, f) in vm.frame_views().enumerate() {
        match in_frame(f, exception) {
            Verdict::Catches => return perhaps.map_or(Catcher::Frame(depth), Catcher::Perhaps),
            Verdict::Unknown => perhaps = perhaps.or(Some(depth)),
            Verdict::PassesOn => {}
        }
        native |= f.entered_from_native();
    }
    perhaps.map_or(Catcher::Nobody { native }, Catcher::Perhaps)
}

fn in_frame(f: FrameView<'_>, exception: &Value) -> Verdict {
    let code = f.code();
    let running = code.running_copy();
    let mut unit = f.unit();
    // A handler that passes the exception on lies itself in the range of an outer handler.
    for _ in 0..64 {
        let Some(h) = running.handler_for(unit) else { return Verdict::PassesOn };
        match follow(f, running, h.target as usize, h.depth as usize, exception) {
            (Verdict::PassesOn, Some(next)) if next != unit => unit = next,
            (v, _) => return v,
        }
    }
    Verdict::Unknown
}

/// Reads a handler from its first instruction on; also where it raises the exception again.
fn follow(
    f: FrameView<'_>,
    running: &Running,
    unit: usize,
    depth: usize,
    exception: &Value,
) -> (Verdict, Option<usize>) {
    let code = f.code();
    let start = running.canonical_unit(unit);
    if is_cleanup(&code, start) {
        return (Verdict::PassesOn, reraise_of(&code, running, start));
    }
    let mut at = start;
    let mut candidate: Option<Option<Value>> = None;
    for _ in 0..256 {
        let Some(i) = instruction_at(&code, at) else { return (Verdict::Unknown, None) };
        let here = Some(running.unit_at_lasti(i.index * 2));
        at = i.end();
        match i.op {
            Op::PUSH_EXC_INFO | Op::COPY | Op::NOP | Op::PUSH_NULL | Op::NOT_TAKEN => {}
            Op::POP_TOP | Op::POP_EXCEPT => return (Verdict::Catches, here),
            Op::STORE_FAST | Op::STORE_NAME | Op::STORE_GLOBAL | Op::STORE_DEREF => return (Verdict::Catches, here),
            Op::RERAISE => return (Verdict::PassesOn, here),
            Op::CALL_INTRINSIC_1 if i.arg == 3 => return (Verdict::PassesOn, here),
            Op::WITH_EXCEPT_START if exit_passes_on(f, depth) => {
                return (Verdict::PassesOn, reraise_of(&code, running, start));
            }
            Op::WITH_EXCEPT_START | Op::CHECK_EG_MATCH => return (Verdict::Unknown, here),
            Op::CLEANUP_THROW | Op::END_ASYNC_FOR => return (Verdict::PassesOn, here),
            Op::LOAD_GLOBAL | Op::LOAD_NAME => {
                candidate = Some(look_up(f, &code.canonical.names[i.op.name_index(i.arg)]));
            }
            Op::LOAD_FAST | Op::LOAD_FAST_BORROW | Op::LOAD_FAST_CHECK | Op::LOAD_DEREF => {
                candidate = Some(f.local(i.arg as usize));
            }
            Op::LOAD_ATTR => {
                let name = &code.canonical.names[i.op.name_index(i.arg)];
                candidate = Some(candidate.flatten().and_then(|v| static_attribute(&v, name)));
            }
            Op::BUILD_TUPLE | Op::LOAD_CONST => candidate = Some(None),
            Op::CHECK_EXC_MATCH => match candidate.take().flatten().map(|c| matches(&c, exception)) {
                Some(true) => return (Verdict::Catches, here),
                Some(false) => {
                    // The branch behind it is taken.
                    let Some(branch) = instruction_at(&code, at) else { return (Verdict::Unknown, here) };
                    match branch.jump_target() {
                        Some(t) => at = t,
                        None => return (Verdict::Unknown, here),
                    }
                }
                None => return (Verdict::Unknown, here),
            },
            // `finally`: its body runs, then the exception goes on (unless it returns).
            _ if candidate.is_none() || !tests_class(&code, start) => {
                return (finally(&code, start), reraise_of(&code, running, start));
            }
            _ => return (Verdict::Unknown, here),
        }
    }
    (Verdict::Unknown, None)
}

/// Code that restores something and raises again: the end of an `except … as e`, of a comprehension, of a handler. A
/// handler that the program wrote begins by making the exception the handled one.
fn is_cleanup(code: &Code, start: usize) -> bool {
    let first = instruction_at(code, start).map(|i| i.op);
    !matches!(first, Some(Op::PUSH_EXC_INFO | Op::CLEANUP_THROW | Op::END_ASYNC_FOR | Op::CALL_INTRINSIC_1) | None)
}

/// Whether the handler's first line compares the exception with a class: an `except` clause, not a `finally`.
fn tests_class(code: &Code, start: usize) -> bool {
    let line = |i: &Instruction| code.canonical.line_at(i.index * 2);
    let mut all = taipan_bytecode::Instructions::starting_at(&code.canonical.code, start).skip(1);
    let Some(first) = all.next() else { return false };
    let here = line(&first);
    all.take_while(|i| line(i) == here).any(|i| matches!(i.op, Op::CHECK_EXC_MATCH | Op::CHECK_EG_MATCH))
}

/// Whether the `__exit__` of a `with` statement lets exceptions through: that of a native type does, one in Python if it
/// returns nothing but `None` and `False`.
fn exit_passes_on(f: FrameView<'_>, depth: usize) -> bool {
    if depth < 2 {
        return false;
    }
    // SAFETY: the frame is live, and inside the `with` statement its stack holds the two words of `__exit__` on top of
    // what the handler's depth leaves.
    let [exit, receiver] = unsafe {
        let stack = crate::vm::frame::Frame::stack(f.raw());
        [*stack.add(depth - 2), *stack.add(depth - 1)].map(|w| (w != 0).then(|| crate::vm::frame::value_of(w)))
    };
    let bound = exit.as_ref().and_then(|e| e.downcast::<crate::types::method::BoundMethod>());
    let (function, receiver) = match (bound, receiver) {
        (Some(b), _) => (Some(b.function.clone()), Some(b.self_value.clone())),
        (None, receiver) => (exit.clone(), receiver),
    };
    if receiver.is_some_and(|r| r.class().payload.def.get().is_some()) {
        return true;
    }
    let Some(function) = function.as_ref().and_then(|e| e.downcast::<crate::types::function::Function>()) else {
        return false;
    };
    let code = function.code.borrow();
    let mut last = None;
    for i in code.canonical.instructions() {
        if i.op == Op::RETURN_VALUE {
            let nothing = |v: &Value| v.is_none() || v.is_static(&crate::types::singletons::FALSE);
            let constant = last.filter(|l: &Instruction| l.op == Op::LOAD_CONST);
            if !constant.and_then(|l| code.consts.get(l.arg as usize)).is_some_and(nothing) {
                return false;
            }
        }
        last = Some(i);
    }
    true
}

fn instruction_at(code: &Code, at: usize) -> Option<Instruction> {
    taipan_bytecode::Instructions::starting_at(&code.canonical.code, at).next()
}

/// A `finally` body ends by raising the exception again; one that returns swallows it.
fn finally(code: &Code, start: usize) -> Verdict {
    for i in taipan_bytecode::Instructions::starting_at(&code.canonical.code, start) {
        match i.op {
            Op::RERAISE => return Verdict::PassesOn,
            Op::RETURN_VALUE | Op::POP_EXCEPT => return Verdict::Unknown,
            _ => {}
        }
    }
    Verdict::Unknown
}

fn reraise_of(code: &Code, running: &Running, start: usize) -> Option<usize> {
    taipan_bytecode::Instructions::starting_at(&code.canonical.code, start)
        .find(|i| i.op == Op::RERAISE)
        .map(|i| running.unit_at_lasti(i.index * 2))
}

/// A name as the frame would find it, without running code.
fn look_up(f: FrameView<'_>, name: &str) -> Option<Value> {
    if !f.code().canonical.flags.contains(CodeFlags::OPTIMIZED) {
        let local = f.namespace().and_then(|n| n.downcast_exact::<crate::types::dict::Dict>()?.lookup_text(name));
        if local.is_some() {
            return local;
        }
    }
    f.globals().lookup_text(name).or_else(|| {
        let builtins = &f.function().builtins;
        builtins.lookup_text(name)
    })
}

/// An attribute of a module or class that can be read without running code.
fn static_attribute(v: &Value, name: &str) -> Option<Value> {
    let m = v.downcast::<crate::types::module::Module>()?;
    m.dict.lookup_text(name)
}

fn matches(class: &Value, exception: &Value) -> bool {
    if let Some(t) = class.downcast::<Tuple>() {
        return t.items().iter().any(|c| matches(c, exception));
    }
    match class.downcast::<crate::object::Type>() {
        Some(t) => typeobject::is_subtype(exception.class(), t.get_type()),
        None => false,
    }
}
