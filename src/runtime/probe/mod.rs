//! Probes: what observes a running program, and the switchboard of who listens to what.
//!
//! An event at an instruction (a line, a call, a branch, a return …) is a probe in the running copy: its opcode is replaced
//! by `PROBE`, whose handler calls [`hit`], tells the listeners and then runs the displaced opcode. Events of exceptions
//! come from the unwinder, behind one flag of the thread. Nothing here is consulted by a program that nobody watches.
//!
//! Faces of this one mechanism: [`native`] (debugger, profiler, coverage), [`trace`] (`sys.settrace`, `sys.setprofile`),
//! [`monitoring`] (`sys.monitoring`, PEP 669). Rooms below them: [`events`], [`lines`] (where lines start), [`patches`] (the
//! probes of one code object), [`switchboard`] (tools and masks), [`jump`] (`f_lineno`), [`caught`], [`view`]; beside them
//! [`sites`], the tree of allocation contexts, and [`ending`], the ends of processes.

pub mod caught;
pub mod ending;
pub mod events;
pub mod jump;
pub mod lines;
pub mod monitoring;
pub mod native;
pub mod patches;
pub mod sites;
pub mod switchboard;
pub mod trace;
pub mod traces;
pub mod view;

use crate::object::{Py, PyResult, Value};
use crate::types::code::Code;
use crate::types::exceptions as exc;
use crate::types::function::FUNCTION;
use crate::types::generator;
use crate::types::singletons;
use crate::types::tuple::Tuple;
use crate::vm::frame::{strip, value_of};
use crate::vm::handlers::opcode as rop;
use crate::vm::running::{Running, Unit};
use crate::vm::{Vm, Word};
use events::{Event, EventSet};
use native::{Answer, Hit};
use patches::{Layer, Site};
use switchboard::{CALLS_PYTHON, FIRST_NATIVE, PROFILE, TRACE, Tools};
use taipan_bytecode::Op;

pub use jump::jump_to_line;
pub use patches::CodeProbes;
pub use trace::frame_trace_changed;

/// A probe's listener failed: the exception is pending.
pub const FAILED: u32 = u32::MAX;
/// A listener moved the frame to another instruction.
pub const MOVED: u32 = u32::MAX - 1;

/// What a thread knows of its observers.
#[derive(Default)]
pub struct ThreadHooks {
    /// Somebody wants to hear of exceptions: the unwinder reports them.
    pub active: bool,
    /// Depth of Python callbacks being run: no events reach Python meanwhile.
    pub in_python: u32,
    /// Depth of native listeners being run: no events reach native tools meanwhile.
    pub in_native: u32,
    /// `sys.gettrace()`
    pub trace: Option<Value>,
    /// `sys.getprofile()`
    pub profile: Option<Value>,
    /// Where a jump led, whose line is not reported again.
    pub jumped_to: usize,
    /// Events whose Python trace function is being called, innermost last.
    pub stops: Vec<jump::Stop>,
}

impl ThreadHooks {
    fn deaf(&self) -> Tools {
        let python = if self.in_python > 0 { CALLS_PYTHON } else { 0 };
        let native = if self.in_native > 0 { !CALLS_PYTHON } else { 0 };
        python | native
    }
}

/// The opcode at a unit that a probe displaced (always the generic one), or the unit's own.
pub fn opcode_at(running: &Running, at: *const Unit) -> u16 {
    // SAFETY: `at` is a unit of the copy, whose code object is live.
    unsafe {
        if (*at).op != rop::PROBE {
            return (*at).op;
        }
        patches::of(&*running.code).map_or(0, |p| p.site(running.index_of(at)).op)
    }
}

/// A running copy was made: probes that were asked for before are put in.
pub fn code_runs(code: &Code) {
    patches::refresh(code);
}

/// An event at an instruction of the innermost frame.
struct At {
    code: Py<Code>,
    unit: u32,
    offset: u32,
}

/// A probe at `ip` was hit, coming from the instruction `prev` of the frame: tells its listeners; gives the opcode to
/// run, or [`FAILED`] or [`MOVED`].
#[inline(never)]
pub fn hit(vm: &mut Vm, ip: *const Unit, prev: *const Unit) -> u32 {
    // SAFETY: the innermost frame is live.
    let running = unsafe { &*(*vm.frame).running };
    let unit = running.index_of(ip);
    // SAFETY: the code object owns the running copy; listeners may replace the probes, so nothing here is held over them.
    let Some(site) = (unsafe { patches::of(&*running.code) }).map(|p| p.site(unit)) else { return 0 };
    let (op, warms_up, calls) = (site.op, site.warms_up, site.own != 0 && site.event == Event::Call as u8);
    if is_heard(vm, site) {
        match tell_all(vm, running, *site, ip, prev) {
            Err(_) => return FAILED,
            // SAFETY: as above.
            Ok(()) if unsafe { (*vm.frame).ip } != ip => {
                // SAFETY: as above.
                vm.hooks.jumped_to = unsafe { (*vm.frame).ip } as usize;
                return MOVED;
            }
            Ok(()) => {}
        }
    } else if site.line | site.instruction | site.own != 0 {
        vm.hooks.jumped_to = 0;
    }
    // SAFETY: a unit of the copy.
    if unsafe { (*ip).op } == rop::PROBE {
        // Not if a listener had enough and the probe has gone: then the instruction may specialise itself again.
        patches::keep_generic(running, unit, warms_up);
    }
    if calls { watched(op) } else { op as u32 }
}

/// Whether any listener of a probe can hear of it now: none in its own callback, and no trace function in a frame that
/// has none of its own, but for calls.
#[inline(always)]
fn is_heard(vm: &Vm, site: &Site) -> bool {
    let heard = (site.line | site.instruction | site.own) & !vm.hooks.deaf();
    if heard != 1 << TRACE {
        return heard != 0;
    }
    const CALLS: EventSet = EventSet::NONE.and(Event::PyStart).and(Event::PyResume).and(Event::PyThrow);
    let call = site.own & 1 << TRACE != 0 && CALLS.0 >> site.event & 1 != 0;
    call || site.instruction & 1 << TRACE != 0 || trace::is_traced(vm)
}

/// The form of a call that reports how it came out.
fn watched(op: u16) -> u32 {
    let watched = match Op::from_number(op) {
        Some(Op::CALL) => rop::CALL_WATCHED,
        Some(Op::CALL_KW) => rop::CALL_KW_WATCHED,
        Some(Op::CALL_FUNCTION_EX) => rop::CALL_FUNCTION_EX_WATCHED,
        Some(Op::LOAD_SUPER_ATTR) => rop::LOAD_SUPER_ATTR_WATCHED,
        _ => op,
    };
    watched as u32
}

fn place(running: &Running, unit: usize) -> At {
    At { code: running.code_handle(), unit: unit as u32, offset: running.lasti(running.at(unit)) as u32 }
}

#[inline(never)]
fn tell_all(vm: &mut Vm, running: &Running, site: Site, ip: *const Unit, prev: *const Unit) -> PyResult<()> {
    let at = place(running, running.index_of(ip));
    // SAFETY: the innermost frame is live.
    let stays = |vm: &Vm| unsafe { (*vm.frame).ip == ip };
    let mut hear = if site.line_kind == lines::START { site.line } else { site.line & coming(running, at.unit, prev) };
    if vm.hooks.jumped_to == ip as usize {
        hear &= !CALLS_PYTHON;
    }
    vm.hooks.jumped_to = 0;
    if hear != 0 {
        let line = running.line_of_unit(at.unit as usize);
        let hit = Hit { line, ..at.hit(Event::Line) };
        tell(vm, &at, Layer::Line, hear, site.points, hit)?;
    }
    if site.instruction != 0 && stays(vm) {
        tell(vm, &at, Layer::Instruction, site.instruction, site.points, at.hit(Event::Instruction))?;
    }
    if site.own != 0 && stays(vm) {
        own_event(vm, running, &site, &at)?;
    }
    Ok(())
}

/// Tools that hear of a line that may go on: all of them when control came from another line. After a `RESUME` on the
/// same line native tools do, and those of Python if somebody listens to the `RESUME` itself (as in CPython, where it
/// otherwise has specialised itself and is not recognised).
fn coming(running: &Running, unit: u32, prev: *const Unit) -> Tools {
    let before = (prev as usize).wrapping_sub(running.start() as usize) / 8;
    if before >= running.unit_count() || running.line_of_unit(before) != running.line_of_unit(unit as usize) {
        return Tools::MAX;
    }
    if opcode_at(running, prev) != Op::RESUME.number() {
        return 0;
    }
    // SAFETY: `prev` is a unit of the copy.
    if unsafe { (*prev).arg } & 3 != 0 {
        // Only an exception thrown into a generator leads from there to the start of a line.
        return Tools::MAX;
    }
    // SAFETY: the code object owns the running copy.
    let heard = unsafe { patches::of(&*running.code) }.is_some_and(|p| p.site(before).own & CALLS_PYTHON != 0);
    if heard { Tools::MAX } else { !CALLS_PYTHON }
}

impl At {
    fn hit(&self, event: Event) -> Hit<'static> {
        Hit { event, unit: self.unit, offset: self.offset, line: 0, to: 0, value: None, first: None, data: None }
    }
}

/// Tells the tools of a set of one event, the highest number first.
fn tell(vm: &mut Vm, at: &At, layer: Layer, tools: Tools, points: bool, mut hit: Hit<'_>) -> PyResult<()> {
    let mut left = tools & !vm.hooks.deaf();
    while left != 0 {
        let tool = left.ilog2() as usize;
        left &= !(1 << tool);
        if points && tool >= FIRST_NATIVE {
            point_data(at, tool, &mut hit);
        }
        if deliver(vm, &at.code, tool, &hit)? == Answer::Disable {
            patches::disable(&at.code, at.unit, layer, tool);
        }
    }
    Ok(())
}

fn point_data(at: &At, tool: usize, hit: &mut Hit<'_>) {
    let Some(p) = patches::of(&at.code) else { return };
    let here = match hit.event {
        Event::Line => p.lines.get(&hit.line),
        _ => p.offsets.get(&at.offset),
    };
    hit.data = here.and_then(|points| points.iter().find(|p| p.tool == tool)).map(|p| p.data);
}

fn deliver(vm: &mut Vm, code: &Py<Code>, tool: usize, hit: &Hit<'_>) -> PyResult<Answer> {
    match tool {
        TRACE => trace::event(vm, hit),
        PROFILE => trace::profile_event(vm, hit),
        t if t >= FIRST_NATIVE => {
            let Some(listener) = switchboard::with(|b| b.native[t]) else { return Ok(Answer::Disable) };
            vm.hooks.in_native += 1;
            // A debugger may move the frame to another line, as a trace function may.
            vm.hooks.stops.push(jump::Stop { frame: vm.frame, sp: vm.sp, event: hit.event });
            let r = listener(vm, hit);
            if let Some(stop) = vm.hooks.stops.pop() {
                vm.sp = stop.sp;
            }
            vm.hooks.in_native -= 1;
            r
        }
        t => monitoring::deliver(vm, code, t, hit),
    }
}

/// The word `n` below the top of the innermost frame's evaluation stack.
fn peek(vm: &Vm, n: usize) -> Option<Value> {
    // SAFETY: a probe hit saved `sp`; the instruction takes more than `n` words.
    unsafe {
        let w = *vm.sp.sub(n);
        (w != 0).then(|| value_of(w))
    }
}

/// The event that the instruction itself causes.
fn own_event(vm: &mut Vm, running: &Running, site: &Site, at: &At) -> PyResult<()> {
    let Some(op) = Op::from_number(site.op) else { return Ok(()) };
    let Some(event) = Event::from_number(site.event as usize) else { return Ok(()) };
    // SAFETY: a unit of the copy.
    let unit = unsafe { *running.at(at.unit as usize) };
    let send = |vm: &mut Vm, at: &At, value: Option<&Value>| {
        tell(vm, at, Layer::Own, site.own, false, Hit { value, ..at.hit(event) })
    };
    let jump = |vm: &mut Vm, at: &At, to: u32| tell(vm, at, Layer::Own, site.own, false, Hit { to, ..at.hit(event) });
    let jump_target = running.at((at.unit as i64 + unit.cache as i32 as i64) as usize);
    let after = |op: Op| running.canonical_unit(at.unit as usize) as u32 * 2 + 2 + 2 * op.caches() as u32;
    match (event, op) {
        (Event::PyReturn | Event::PyYield, _) => {
            let v = peek(vm, 1);
            send(vm, at, v.as_ref())
        }
        (Event::Call, _) => call_event(vm, site, at, op, unit.arg as usize),
        (Event::Jump, _) => jump(vm, at, running.lasti(jump_target) as u32),
        (Event::BranchRight, Op::END_ASYNC_FOR) => {
            let ends = peek(vm, 1).is_some_and(|e| vm.is_kind(&e, &exc::STOP_ASYNC_ITERATION));
            let to = after(op);
            let from = At { code: at.code.clone(), unit: at.unit, offset: to.saturating_sub(unit.arg as u32 * 2) };
            if ends { jump(vm, &from, to) } else { Ok(()) }
        }
        (Event::BranchRight, Op::POP_ITER) => match loop_of(running, at.unit) {
            Some(offset) => jump(vm, &At { code: at.code.clone(), unit: at.unit, offset }, after(op)),
            None => Ok(()),
        },
        (Event::BranchRight, _) => {
            if branches(vm, op) {
                jump(vm, at, running.lasti(jump_target) as u32)
            } else {
                Ok(())
            }
        }
        (Event::BranchLeft, _) => {
            // `NOT_TAKEN` belongs to the branch before it, the first instruction of a loop's body to its `FOR_ITER`.
            let Some(before) = (0..at.unit as usize).rev().find(|&u| running.is_instruction(u)) else { return Ok(()) };
            let offset = running.lasti(running.at(before)) as u32;
            let to = if op == Op::NOT_TAKEN { after(op) } else { at.offset };
            jump(vm, &At { code: at.code.clone(), unit: at.unit, offset }, to)
        }
        (Event::StopIteration, _) => match (peek(vm, 2), peek(vm, 1)) {
            (Some(receiver), Some(v)) if generator::as_generator(&receiver).is_some() => {
                let e = exc::stop_with_value(vm, v)?;
                send(vm, at, Some(&e))
            }
            _ => Ok(()),
        },
        _ => send(vm, at, None),
    }
}

/// The `FOR_ITER` whose loop ends in front of the `POP_ITER` at a unit.
fn loop_of(running: &Running, unit: u32) -> Option<u32> {
    let end = (0..unit as usize).rev().find(|&u| running.is_instruction(u))?;
    if opcode_at(running, running.at(end)) != Op::END_FOR.number() {
        return None;
    }
    let code = running.canonical_code();
    let target = running.canonical_unit(end);
    code.instructions().find(|i| i.op == Op::FOR_ITER && i.jump_target() == Some(target)).map(|i| i.index as u32 * 2)
}

/// Whether the conditional jump about to be executed jumps.
fn branches(vm: &Vm, op: Op) -> bool {
    // SAFETY: a probe hit saved `sp`; the operand is on top.
    let w: Word = unsafe { strip(*vm.sp.sub(1)) };
    let is_true = w == &raw const singletons::TRUE as Word;
    let is_none = w == &raw const singletons::NONE as Word;
    match op {
        Op::POP_JUMP_IF_TRUE => is_true,
        Op::POP_JUMP_IF_FALSE => !is_true,
        Op::POP_JUMP_IF_NONE => is_none,
        _ => !is_none,
    }
}

/// `CALL`: the callable and its first argument, a bound method taken apart as the call itself does.
fn call_event(vm: &mut Vm, site: &Site, at: &At, op: Op, arg: usize) -> PyResult<()> {
    let (callable, first) = operands(vm, op, arg);
    let hit = Hit { value: callable.as_ref(), first: first.as_ref(), ..at.hit(Event::Call) };
    tell(vm, at, Layer::Own, site.own, false, hit)
}

/// Callable and first argument of the call instruction about to be executed.
fn operands(vm: &mut Vm, op: Op, arg: usize) -> (Option<Value>, Option<Value>) {
    let below = match op {
        Op::CALL => arg + 2,
        Op::CALL_KW => arg + 3,
        Op::CALL_FUNCTION_EX => {
            let first = peek(vm, 2).and_then(|a| a.downcast::<Tuple>().and_then(|t| t.items().first().cloned()));
            return (peek(vm, 4), first);
        }
        // `LOAD_SUPER_ATTR`: `super`, the class and the object.
        _ => return (peek(vm, 3), if arg & 2 != 0 { peek(vm, 2) } else { None }),
    };
    // SAFETY: the words of the call lie below `sp`.
    unsafe { crate::vm::handlers::call::unpack_bound_method(vm.sp.sub(below)) };
    let first = peek(vm, below - 1).or_else(|| if arg > 0 { peek(vm, below - 2) } else { None });
    (peek(vm, below), first)
}

/// Tools that hear how the call about to be made ends: native ones that hear of it now, and those of Python if one of
/// them does (one that asks meanwhile hears the end of a call that was watched already, as in CPython).
pub fn call_hearers(vm: &Vm, ip: *const Unit) -> Tools {
    let (_, site) = site_here(vm, ip);
    let python = if site.own & CALLS_PYTHON != 0 { CALLS_PYTHON } else { 0 };
    python | site.own & !CALLS_PYTHON
}

/// The unit of an instruction of the innermost frame, and its probe.
fn site_here(vm: &Vm, ip: *const Unit) -> (usize, Site) {
    // SAFETY: the innermost frame is live.
    let running = unsafe { &*(*vm.frame).running };
    let unit = running.index_of(ip);
    // SAFETY: the code object owns the running copy.
    (unit, unsafe { patches::of(&*running.code) }.map_or(Site::default(), |p| *p.site(unit)))
}

/// A call that was watched came out: `C_RETURN`, or `C_RAISE` when an exception is pending, for those of `heard` that
/// still listen. An error of a listener takes the place of the pending exception.
pub fn call_ended(
    vm: &mut Vm,
    ip: *const Unit,
    heard: Tools,
    callable: &Value,
    first: Option<&Value>,
    raised: bool,
) -> PyResult<()> {
    let (unit, site) = site_here(vm, ip);
    let tools = site.own & heard;
    if tools == 0 || std::ptr::eq(callable.class(), FUNCTION.object()) {
        return Ok(());
    }
    // SAFETY: the innermost frame is live and made the call.
    let at = place(unsafe { &*(*vm.frame).running }, unit);
    let event = if raised { Event::CRaise } else { Event::CReturn };
    let hit = Hit { value: Some(callable), first, ..at.hit(event) };
    if raised {
        return aside(vm, |vm| tell(vm, &at, Layer::Own, tools, false, hit));
    }
    tell(vm, &at, Layer::Own, tools, false, hit)
}

/// Runs `f` with the pending exception put aside; an error of `f` takes its place.
fn aside(vm: &mut Vm, f: impl FnOnce(&mut Vm) -> PyResult<()>) -> PyResult<()> {
    let pending = vm.error.take();
    let r = f(vm);
    match r {
        Ok(()) => vm.error = pending,
        Err(_) => drop(pending),
    }
    r
}

/// Which offset an event of the unwinder reports: CPython takes the code unit before the one it would go on with.
#[derive(Clone, Copy)]
pub enum Offset {
    /// That of the instruction.
    Own,
    /// The last code unit of the instruction, which failed itself.
    Last,
    /// The code unit before the instruction, a call whose callee failed.
    Before,
}

/// An event of the unwinder, about the pending exception, in the innermost frame.
fn unwinder_event(vm: &mut Vm, event: Event, ip: *const Unit, offset: Offset) -> PyResult<()> {
    let tools = switchboard::listeners(event);
    let Some(e) = vm.error.clone() else { return Ok(()) };
    if tools & !vm.hooks.deaf() == 0 {
        return Ok(());
    }
    // SAFETY: the innermost frame is live.
    let running = unsafe { &*(*vm.frame).running };
    let mut at = place(running, running.index_of(ip));
    match offset {
        Offset::Own => {}
        Offset::Last => {
            let op = running.canonical_op(at.unit as usize);
            at.offset += op.map_or(0, |op| 2 * op.caches() as u32);
        }
        Offset::Before => at.offset = at.offset.saturating_sub(2),
    }
    aside(vm, |vm| {
        let hit = Hit { value: Some(&e), ..at.hit(event) };
        tell(vm, &at, Layer::Own, tools, false, hit)
    })
}

/// Whether a tool of Python listens to functions that end by exceptions: generators are then closed by raising in them
/// even where nothing would catch it (`gen_close` of `Objects/genobject.c`). A native tool does not change what happens.
pub fn unwinding_is_heard() -> bool {
    switchboard::any() && switchboard::listeners(Event::PyUnwind) & CALLS_PYTHON != 0
}

/// An exception is raised in the innermost frame, comes out of a call it made, or (`again`) is raised again.
pub fn raising(vm: &mut Vm, ip: *const Unit, again: bool, offset: Offset) {
    let event = if again { Event::Reraise } else { Event::Raise };
    let _ = unwinder_event(vm, event, ip, offset);
}

/// A `for` loop ends because its iterator raised the pending `StopIteration`.
pub fn loop_stopped(vm: &mut Vm) {
    // SAFETY: the innermost frame is live and saved its `ip`.
    let ip = unsafe { (*vm.frame).ip };
    raising(vm, ip, false, Offset::Own);
}

/// The pending exception reached its handler at `target`.
pub fn handled(vm: &mut Vm, target: *const Unit) -> PyResult<()> {
    unwinder_event(vm, Event::ExceptionHandled, target, Offset::Own)
}

/// The innermost frame ends by the pending exception.
pub fn unwound(vm: &mut Vm, ip: *const Unit, offset: Offset) {
    let _ = unwinder_event(vm, Event::PyUnwind, ip, offset);
}

/// A generator's frame, linked as the innermost one, goes on by raising the pending exception.
pub fn throwing(vm: &mut Vm) {
    // SAFETY: the innermost frame is live.
    let ip = unsafe { (*vm.frame).ip };
    let _ = unwinder_event(vm, Event::PyThrow, ip, Offset::Own);
}

/// A generator that a `for` loop ran directly returned: `STOP_ITERATION` at the loop's `END_FOR`, unless
/// the value is `None`.
pub fn loop_ended(vm: &mut Vm, end_for: *const Unit, value: Value) -> PyResult<()> {
    // SAFETY: the innermost frame is live.
    let running = unsafe { &*(*vm.frame).running };
    let unit = running.index_of(end_for);
    // SAFETY: the code object owns the running copy.
    let site = unsafe { patches::of(&*running.code) }.map_or(Site::default(), |p| *p.site(unit));
    if site.own == 0 || value.is_none() {
        return Ok(());
    }
    let at = place(running, unit);
    let e = exc::stop_with_value(vm, value)?;
    let hit = Hit { value: Some(&e), ..at.hit(Event::StopIteration) };
    tell(vm, &at, Layer::Own, site.own, false, hit)
}

static PAUSER: std::sync::OnceLock<fn(&mut Vm) -> PyResult<()>> = std::sync::OnceLock::new();

/// Installs the function that a pause request calls at a safepoint (once in a process).
pub fn set_pauser(f: fn(&mut Vm) -> PyResult<()>) {
    let _ = PAUSER.set(f);
}

/// A debugger asked the thread to stop.
pub fn pause(vm: &mut Vm) -> PyResult<()> {
    match PAUSER.get() {
        Some(f) => f(vm),
        None => Ok(()),
    }
}
