//! `sys.monitoring` (PEP 669): events of the program for Python callbacks.

use super::events::{Event, EventSet, LOCAL, UNGROUPED};
use super::jump::Stop;
use super::native::{Answer, Hit};
use super::patches;
use super::switchboard::{self, Callback, PYTHON_TOOLS, Tools};
use crate::builtins::global::Global;
use crate::import::ModuleDef;
use crate::object::NativeFn::{F0, F1, F2, F3};
use crate::object::typedef::MethodDef;
use crate::object::{Py, PyResult, Value, none};
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::str::Str;
use crate::vm::Vm;

static DISABLE: Global = Global::new();
static MISSING: Global = Global::new();

const C_RETURNS: EventSet = EventSet::NONE.and(Event::CReturn).and(Event::CRaise);
const CALLS: EventSet = C_RETURNS.and(Event::Call);

/// The module `sys.monitoring`, an attribute of `sys`.
pub static MODULE: ModuleDef = ModuleDef::new("sys.monitoring").functions(FUNCTIONS).init(init);

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("use_tool_id", "($module, tool_id, name, /)", "", F2(use_tool)),
    MethodDef::function("clear_tool_id", "($module, tool_id, /)", "", F1(clear_tool)),
    MethodDef::function("free_tool_id", "($module, tool_id, /)", "", F1(free_tool)),
    MethodDef::function("get_tool", "($module, tool_id, /)", "", F1(get_tool)),
    MethodDef::function("register_callback", "($module, tool_id, event, func, /)", "", F3(register_callback)),
    MethodDef::function("get_events", "($module, tool_id, /)", "", F1(get_events)),
    MethodDef::function("set_events", "($module, tool_id, event_set, /)", "", F2(set_events)),
    MethodDef::function("get_local_events", "($module, tool_id, code, /)", "", F2(get_local_events)),
    MethodDef::function("set_local_events", "($module, tool_id, code, event_set, /)", "", F3(set_local_events)),
    MethodDef::function("restart_events", "($module, /)", "", F0(restart_events)),
    MethodDef::function("_all_events", "($module, /)", "", F0(all_events)),
];

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let object = crate::types::object::OBJECT.value();
    for (place, name) in [(&DISABLE, "DISABLE"), (&MISSING, "MISSING")] {
        let v = match place.get() {
            Some(v) => v,
            None => vm.call0(&object)?,
        };
        drop(place.set(Some(v.clone())));
        dict.store_text(name, v);
    }
    let mut events: Vec<(&str, Value)> =
        Event::ALL.iter().map(|e| (e.name(), Value::small_unchecked(1 << *e as i64))).collect();
    events.push(("NO_EVENTS", Value::small_unchecked(0)));
    dict.store_text("events", crate::types::namespace::new_namespace(&events));
    for (name, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        dict.store_text(name, Value::small_unchecked(id));
    }
    Ok(())
}

fn tool_number(vm: &mut Vm, v: &Value) -> PyResult<usize> {
    let n = vm.to_i32(v)?;
    match usize::try_from(n) {
        Ok(t) if t < PYTHON_TOOLS => Ok(t),
        _ => Err(vm.value_error(format!("invalid tool {n} (must be between 0 and 5)"))),
    }
}

fn in_use(vm: &mut Vm, tool: usize) -> PyResult<()> {
    if switchboard::with(|b| b.names[tool].is_some()) {
        return Ok(());
    }
    Err(vm.value_error(format!("tool {tool} is not in use")))
}

fn use_tool(vm: &mut Vm, tool: &Value, name: &Value) -> PyResult {
    let t = tool_number(vm, tool)?;
    if name.downcast::<Str>().is_none() {
        return Err(vm.value_error("tool name must be a str"));
    }
    if switchboard::with(|b| b.names[t].is_some()) {
        return Err(vm.value_error(format!("tool {t} is already in use")));
    }
    switchboard::with(|b| b.names[t] = Some(name.clone()));
    Ok(none())
}

fn clear(tool: usize) {
    let dead: Vec<Callback> = switchboard::with(|b| b.callbacks[tool].iter_mut().filter_map(Option::take).collect());
    switchboard::set_events(tool, EventSet::NONE);
    for code in switchboard::all_codes() {
        if patches::of(&code).is_some_and(|p| switchboard::of_masks(&p.local, tool) != EventSet::NONE) {
            patches::change(&code, |p| switchboard::set_in(&mut p.local, tool, EventSet::NONE));
        }
    }
    drop(dead);
}

fn clear_tool(vm: &mut Vm, tool: &Value) -> PyResult {
    let t = tool_number(vm, tool)?;
    if switchboard::with(|b| b.names[t].is_some()) {
        clear(t);
    }
    Ok(none())
}

fn free_tool(vm: &mut Vm, tool: &Value) -> PyResult {
    let t = tool_number(vm, tool)?;
    if switchboard::with(|b| b.names[t].is_some()) {
        clear(t);
        drop(switchboard::with(|b| b.names[t].take()));
    }
    Ok(none())
}

fn get_tool(vm: &mut Vm, tool: &Value) -> PyResult {
    let t = tool_number(vm, tool)?;
    Ok(switchboard::with(|b| b.names[t].clone()).unwrap_or_else(none))
}

fn register_callback(vm: &mut Vm, tool: &Value, event: &Value, function: &Value) -> PyResult {
    let t = tool_number(vm, tool)?;
    let bits = vm.to_i32(event)?;
    if bits.count_ones() != 1 {
        return Err(vm.value_error("The callback can only be set for one event at a time"));
    }
    let Some(event) = Event::from_number(bits.trailing_zeros() as usize) else {
        return Err(vm.value_error(format!("invalid event {bits}")));
    };
    crate::builtins::sys::audit::audit(vm, "sys.monitoring.register_callback", std::slice::from_ref(function))?;
    let both = event == Event::Branch;
    let new = (!function.is_none()).then(|| Callback { function: function.clone(), both_branches: both });
    let places: &[Event] = if both { &[Event::BranchRight, Event::BranchLeft] } else { &[event] };
    let mut old = None;
    for &e in places {
        old = switchboard::with(|b| std::mem::replace(&mut b.callbacks[t][e as usize], new.clone()));
    }
    Ok(old.map_or_else(none, |c| c.function))
}

/// The set that a program gave, checked; `BRANCH` stands for both of its ways, and the ends of calls come with `CALL`.
fn event_set(vm: &mut Vm, v: &Value, local: bool) -> PyResult<EventSet> {
    let n = vm.to_i32(v)?;
    if n < 0 || n >= 1 << Event::ALL.len() {
        return Err(vm.value_error(format!("invalid event set {:#x}", n as u32)));
    }
    let mut set = EventSet(n as u32);
    if set.0 & C_RETURNS.0 != 0 && set.0 & CALLS.0 != CALLS.0 {
        return Err(vm.value_error("cannot set C_RETURN or C_RAISE events independently"));
    }
    set = set.without(C_RETURNS);
    if set.has(Event::Branch) {
        set = set.without(Event::Branch.set()).and(Event::BranchLeft).and(Event::BranchRight);
    }
    if local && set.0 >= 1 << LOCAL {
        return Err(vm.value_error(format!("invalid local event set {:#x}", set.0)));
    }
    Ok(set)
}

fn get_events(vm: &mut Vm, tool: &Value) -> PyResult {
    let t = tool_number(vm, tool)?;
    Ok(Value::small_unchecked(switchboard::events_of(t).0 as i64))
}

fn set_events(vm: &mut Vm, tool: &Value, events: &Value) -> PyResult {
    let t = tool_number(vm, tool)?;
    let set = event_set(vm, events, false)?;
    in_use(vm, t)?;
    switchboard::set_events(t, set);
    Ok(none())
}

fn expect_code<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<Code>> {
    match v.downcast::<Code>() {
        Some(c) => Ok(c),
        None => Err(vm.type_error("code must be a code object")),
    }
}

fn get_local_events(vm: &mut Vm, tool: &Value, code: &Value) -> PyResult {
    let code = expect_code(vm, code)?;
    let t = tool_number(vm, tool)?;
    let set = patches::of(code).map_or(EventSet::NONE, |p| switchboard::of_masks(&p.local, t));
    Ok(Value::small_unchecked(set.0 as i64))
}

fn set_local_events(vm: &mut Vm, tool: &Value, code: &Value, events: &Value) -> PyResult {
    let code = expect_code(vm, code)?;
    let t = tool_number(vm, tool)?;
    let set = event_set(vm, events, true)?;
    in_use(vm, t)?;
    patches::change(code, |p| switchboard::set_in(&mut p.local, t, set));
    Ok(none())
}

fn restart_events(_: &mut Vm) -> PyResult {
    patches::restart_all();
    Ok(none())
}

fn all_events(_: &mut Vm) -> PyResult {
    let out = Dict::new_object();
    let masks = switchboard::with(|b| b.global);
    for e in Event::ALL.iter().take(UNGROUPED) {
        let tools = masks[*e as usize] & switchboard::CALLS_PYTHON;
        if tools != 0 {
            out.store_text(e.name(), Value::small_unchecked(tools as i64));
        }
    }
    Ok(out.into())
}

/// Calls a tool's callback for an event.
pub fn deliver(vm: &mut Vm, code: &Py<Code>, tool: usize, hit: &Hit<'_>) -> PyResult<Answer> {
    let Some(callback) = switchboard::with(|b| b.callbacks[tool][hit.event as usize].clone()) else {
        return Ok(Answer::Go);
    };
    let number = |n: u32| Value::small_unchecked(n as i64);
    let mut args: smallvec::SmallVec<[Value; 4]> = smallvec::smallvec![code.clone().into_value(), number(hit.offset)];
    match hit.event {
        Event::PyStart | Event::PyResume | Event::Instruction => {}
        Event::Line => args[1] = number(hit.line),
        Event::Jump | Event::BranchLeft | Event::BranchRight | Event::Branch => args.push(number(hit.to)),
        Event::Call | Event::CReturn | Event::CRaise => {
            args.push(hit.value.cloned().unwrap_or_else(none));
            let missing = || MISSING.get().unwrap_or_else(none);
            args.push(hit.first.cloned().unwrap_or_else(missing));
        }
        _ => args.push(hit.value.cloned().unwrap_or_else(none)),
    }
    let answer = report(vm, &callback, tool, hit.event, &args)?;
    if answer == Answer::Disable && callback.both_branches {
        disable_other_branch(code, tool, hit);
    }
    Ok(answer)
}

/// Calls a callback. One that answers `DISABLE` to an event that cannot be disabled is taken out.
fn report(vm: &mut Vm, callback: &Callback, tool: usize, event: Event, args: &[Value]) -> PyResult<Answer> {
    vm.hooks.stops.push(Stop { frame: vm.frame, sp: vm.sp, event });
    vm.hooks.in_python += 1;
    let r = vm.call(&callback.function, args);
    vm.hooks.in_python -= 1;
    if let Some(stop) = vm.hooks.stops.pop() {
        vm.sp = stop.sp;
    }
    if !DISABLE.get().is_some_and(|d| d.is(&r.as_ref().map_or_else(|_| none(), Value::clone))) {
        return r.map(|_| Answer::Go);
    }
    if event.is_local() {
        return Ok(Answer::Disable);
    }
    let name = event.name();
    let dead = switchboard::with(|b| b.callbacks[tool][event as usize].take());
    drop(dead);
    Err(vm.value_error(format!("Cannot disable {name} events. Callback removed.")))
}

/// Tools of `sys.monitoring` that listen to an event in all code: what a scope outside of bytecode starts with
/// (`PyMonitoring_EnterScope`).
pub fn scope(event: Event) -> Tools {
    switchboard::listeners(event) & ((1 << PYTHON_TOOLS) - 1)
}

/// Reports an event of something other than bytecode to the tools of a set; gives those that want to hear more of the place
/// (`PyMonitoring_Fire…Event`). A pending exception is put aside; an error of a callback takes its place.
pub fn fire(vm: &mut Vm, tools: Tools, event: Event, args: &[Value]) -> PyResult<Tools> {
    let mut left = tools;
    if vm.hooks.in_python > 0 {
        return Ok(left);
    }
    for tool in (0..PYTHON_TOOLS).rev().filter(|t| tools & 1 << t != 0) {
        let Some(callback) = switchboard::with(|b| b.callbacks[tool][event as usize].clone()) else { continue };
        if report(vm, &callback, tool, event, args)? == Answer::Disable {
            left &= !(1 << tool);
        }
    }
    Ok(left)
}

/// `sys.monitoring.MISSING`: stands for the first argument of a call without one.
pub fn missing() -> Value {
    MISSING.get().unwrap_or_else(none)
}

/// A callback registered for `BRANCH` is disabled both ways: the event of the other way lies at another unit.
fn disable_other_branch(code: &Py<Code>, tool: usize, hit: &Hit<'_>) {
    let running = code.running_copy();
    let from = running.unit_at_lasti(hit.offset as usize);
    let layout = super::lines::Layout::of(running);
    let Some(n) = layout.find(from as u32) else { return };
    let units = [Some(from as u32), layout.instructions.get(n + 1).map(|i| i.unit), layout.instructions[n].target];
    for unit in units.into_iter().flatten() {
        patches::disable(code, unit, patches::Layer::Own, tool);
    }
    if let Some(t) = layout.instructions[n].target.and_then(|t| layout.find(t)) {
        if let Some(pop) =
            layout.instructions.get(t + 1).filter(|_| layout.instructions[n].op == taipan_bytecode::Op::FOR_ITER)
        {
            patches::disable(code, pop.unit, patches::Layer::Own, tool);
        }
    }
}
