//! Scopes and variables: what is in a frame and in a value, paged, and changed.

use taipan_bytecode::LocalKind;
use taipan_runtime::object::Value;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::vm::Vm;
use tui::dap;

use crate::debugger::evaluate::{self, Place};
use crate::debugger::inspect::children::{self, Child, Place as Part};
use crate::debugger::inspect::text::{self, Limits};
use crate::debugger::room::{Handle, Room, Seen};

/// At most this many parts are given at once, whatever is asked for.
const MOST: usize = 10_000;

/// The scopes of a frame.
pub fn scopes(room: &mut Room, id: dap::FrameId) -> Result<dap::ScopesBody, String> {
    let seen = room.frame(id).cloned().ok_or("this frame is gone")?;
    let index = id.0 as usize - 1;
    let mut scopes = Vec::new();
    let is_function = seen.frame.namespace().is_none();
    let globals = &seen.frame.function().globals;
    let is_module = seen.frame.namespace().is_some_and(|n| n.is(globals.as_value()));
    if room.returned.is_some() && seen.innermost {
        scopes.push(scope(room, "Returned", Some("returnValue"), Handle::Returned, false));
    }
    if !is_module {
        scopes.push(scope(room, "Locals", Some("locals"), Handle::Locals(index), false));
    }
    if is_function && !closure(&seen).is_empty() {
        scopes.push(scope(room, "Closure", None, Handle::Closure(index), false));
    }
    if is_module {
        // A module's locals are its globals: shown once, and open.
        scopes.push(scope(room, "Locals", Some("locals"), Handle::Globals(index), false));
    } else {
        scopes.push(scope(room, "Globals", Some("globals"), Handle::Globals(index), true));
    }
    Ok(dap::ScopesBody { scopes })
}

fn scope(room: &mut Room, name: &str, hint: Option<&str>, handle: Handle, expensive: bool) -> dap::Scope {
    let variables_reference = room.refer(handle);
    dap::Scope {
        name: name.to_owned(),
        presentation_hint: hint.map(str::to_owned),
        variables_reference,
        expensive,
        ..dap::Scope::default()
    }
}

fn named(name: String, value: Value) -> Child {
    Child { place: Part::Name(name.clone()), name, value }
}

/// The locals of a frame: those in slots, or the names of its namespace.
fn locals(seen: &Seen) -> Vec<Child> {
    if let Some(namespace) = seen.frame.namespace() {
        return match namespace.downcast::<Dict>() {
            Some(d) => children::namespace(d).own,
            None => Vec::new(),
        };
    }
    let code = seen.frame.code();
    let mut found = Vec::new();
    for (slot, name) in code.local_names.iter().enumerate() {
        let kind = code.canonical.localspluskinds[slot];
        let text = name.to_rust();
        if kind.contains(LocalKind::HIDDEN) || kind.contains(LocalKind::FREE) || text.starts_with('.') {
            continue;
        }
        if let Some(value) = seen.frame.local(slot) {
            found.push(named(text.into_owned(), value));
        }
    }
    let extra = seen.frame.extra.borrow().clone();
    if let Some(extra) = extra {
        found.extend(children::namespace(&extra).own);
    }
    found
}

/// The variables that a frame's function took from around it.
fn closure(seen: &Seen) -> Vec<Child> {
    let code = seen.frame.code();
    let free = |slot: &usize| code.canonical.localspluskinds[*slot].contains(LocalKind::FREE);
    (0..code.local_names.len())
        .filter(free)
        .filter_map(|slot| Some(named(code.local_names[slot].to_rust().into_owned(), seen.frame.local(slot)?)))
        .collect()
}

/// What lies behind a reference.
pub fn variables(vm: &mut Vm, room: &mut Room, a: &dap::VariablesArguments) -> Result<dap::VariablesBody, String> {
    let handle = room.handle(a.variables_reference).ok_or("these variables are gone")?;
    let hex = a.format.as_ref().and_then(|f| f.hex).unwrap_or(false);
    let start = a.start.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let count = a.count.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0).unwrap_or(MOST).min(MOST);
    let (wants_named, wants_items) = (a.filter.as_deref() != Some("indexed"), a.filter.as_deref() != Some("named"));
    let mut found = Vec::new();
    let (container, frame) = match handle {
        Handle::Value(value, path, frame) => {
            if wants_named {
                let parts = children::named(vm, &value);
                // Without a filter the range counts the items only when there are some.
                found.extend(if a.filter.is_some() { page(parts, start, count) } else { parts });
            }
            if wants_items {
                found.extend(children::items(vm, &value, start, count));
            }
            if let Some(variable) = found.iter().position(|c| matches!(c.place, Part::Property(_))) {
                return Ok(with_properties(vm, room, found, variable, &value, path.as_deref(), frame, hex));
            }
            (path, frame)
        }
        Handle::Property(owner, name, frame) => {
            let result = vm.get_attr_text(&owner, &name);
            let value = evaluate::text_of_error(vm, result)?;
            found.push(Child { name, value, place: Part::Inner });
            (None, frame)
        }
        Handle::Returned => {
            let returned = room.returned.clone();
            found.extend(returned.map(|(f, v)| Child { name: format!("{f}()"), value: v, place: Part::Inner }));
            (None, None)
        }
        Handle::Group(parts, frame) => {
            found = page(parts, start, count);
            (None, frame)
        }
        Handle::Locals(index) | Handle::Globals(index) | Handle::Closure(index) => {
            let seen = room.frames.get(index).cloned().ok_or("this frame is gone")?;
            let (own, special) = match handle {
                Handle::Locals(_) => (locals(&seen), Vec::new()),
                Handle::Closure(_) => (closure(&seen), Vec::new()),
                _ => {
                    let names = children::namespace(&seen.frame.function().globals);
                    (names.own, names.special)
                }
            };
            let mut variables = describe_all(vm, room, page(own, start, count), None, Some(index), hex);
            if !special.is_empty() && start == 0 {
                variables.push(group(room, "special names", special, index));
            }
            return Ok(dap::VariablesBody { variables });
        }
    };
    let variables = describe_all(vm, room, found, container.as_deref(), frame, hex);
    Ok(dap::VariablesBody { variables })
}

fn page(parts: Vec<Child>, start: usize, count: usize) -> Vec<Child> {
    parts.into_iter().skip(start).take(count).collect()
}

fn group(room: &mut Room, name: &str, parts: Vec<Child>, frame: usize) -> dap::Variable {
    let count = parts.len();
    dap::Variable {
        name: name.to_owned(),
        value: format!("{count} names"),
        variables_reference: room.refer(Handle::Group(parts, Some(frame))),
        named_variables: Some(count as i64),
        ..dap::Variable::default()
    }
}

/// Parts of a value some of which are properties: those are read when the user unfolds them.
fn with_properties(
    vm: &mut Vm,
    room: &mut Room,
    parts: Vec<Child>,
    first: usize,
    owner: &Value,
    path: Option<&str>,
    frame: Option<usize>,
    hex: bool,
) -> dap::VariablesBody {
    let mut parts = parts;
    let rest = parts.split_off(first);
    let mut variables = describe_all(vm, room, parts, path, frame, hex);
    for child in rest {
        let Part::Property(name) = &child.place else {
            variables.extend(describe_all(vm, room, vec![child], path, frame, hex));
            continue;
        };
        let evaluate_name = children::evaluate_name(vm, path, &child.place);
        let variables_reference = room.refer(Handle::Property(owner.clone(), name.clone(), frame));
        variables.push(dap::Variable {
            name: child.name.clone(),
            value: "property: unfold to read it".to_owned(),
            type_name: Some("property".to_owned()),
            presentation_hint: Some(dap::VariablePresentationHint {
                kind: Some("property".to_owned()),
                attributes: vec!["hasSideEffects".to_owned()],
                lazy: Some(true),
                ..Default::default()
            }),
            evaluate_name,
            variables_reference,
            named_variables: Some(1),
            ..dap::Variable::default()
        });
    }
    dap::VariablesBody { variables }
}

fn describe_all(
    vm: &mut Vm,
    room: &mut Room,
    parts: Vec<Child>,
    container: Option<&str>,
    frame: Option<usize>,
    hex: bool,
) -> Vec<dap::Variable> {
    let limits = Limits { hex, ..Limits::LINE };
    parts.into_iter().map(|c| describe(vm, room, c, container, frame, limits)).collect()
}

fn describe(
    vm: &mut Vm,
    room: &mut Room,
    child: Child,
    container: Option<&str>,
    frame: Option<usize>,
    limits: Limits,
) -> dap::Variable {
    let value = text::value(vm, &child.value, limits);
    let type_name = Some(children::type_with_length(vm, &child.value));
    let counts = children::counts(vm, &child.value);
    let evaluate_name = children::evaluate_name(vm, container, &child.place);
    let variables_reference = if counts.any() {
        room.refer(Handle::Value(child.value, evaluate_name.clone(), frame))
    } else {
        dap::VariablesReference(0)
    };
    dap::Variable {
        name: child.name,
        value,
        type_name,
        evaluate_name,
        variables_reference,
        named_variables: (counts.named > 0).then_some(counts.named as i64),
        indexed_variables: (counts.indexed > 0).then_some(counts.indexed as i64),
        ..dap::Variable::default()
    }
}

/// A value after it was changed.
pub fn changed(
    vm: &mut Vm,
    room: &mut Room,
    value: &Value,
    path: Option<String>,
    frame: Option<usize>,
) -> dap::SetValueBody {
    let counts = children::counts(vm, value);
    dap::SetValueBody {
        value: text::short(vm, value),
        type_name: Some(children::type_with_length(vm, value)),
        variables_reference: counts.any().then(|| room.refer(Handle::Value(value.clone(), path, frame))),
        named_variables: Some(counts.named as i64),
        indexed_variables: Some(counts.indexed as i64),
    }
}

/// Gives one child of a container a new value.
pub fn set_variable(vm: &mut Vm, room: &mut Room, a: &dap::SetVariableArguments) -> Result<dap::SetValueBody, String> {
    let handle = room.handle(a.variables_reference).ok_or("these variables are gone")?;
    let frame = match &handle {
        Handle::Locals(i) | Handle::Globals(i) | Handle::Closure(i) => Some(*i),
        Handle::Value(_, _, f) | Handle::Group(_, f) | Handle::Property(_, _, f) => *f,
        Handle::Returned => None,
    };
    let seen = frame.and_then(|i| room.frames.get(i).cloned());
    let place = seen.clone().map_or(Place::Main, |s| Place::Frame(s.frame));
    let value = evaluate::expression(vm, &place, &a.value)?;
    let path = match (&handle, seen) {
        (Handle::Locals(_) | Handle::Closure(_), Some(seen)) => {
            let name = vm.intern(&a.name);
            match (seen.frame.namespace(), seen.frame.find_local(&name)) {
                (None, Some(slot)) => seen.frame.set_local(slot, value.clone()),
                (namespace, _) => {
                    let namespace =
                        namespace.unwrap_or_else(|| taipan_runtime::types::frame_locals::proxy(vm, seen.frame.clone()));
                    let result = vm.set_item(&namespace, name.as_value(), &value);
                    evaluate::text_of_error(vm, result)?;
                }
            }
            Some(a.name.clone())
        }
        (Handle::Globals(_) | Handle::Group(..), Some(seen)) => {
            seen.frame.function().globals.store_text(&a.name, value.clone());
            Some(a.name.clone())
        }
        (Handle::Value(container, path, _), _) => {
            let part = find_part(vm, container, &a.name)?;
            let result = match &part {
                Part::Attribute(name) | Part::Property(name) | Part::Name(name) => {
                    vm.set_attr_text(container, name, &value)
                }
                Part::Item(key) => vm.set_item(container, key, &value),
                Part::Inner => return Err(format!("{} cannot be changed here", a.name)),
            };
            evaluate::text_of_error(vm, result)?;
            children::evaluate_name(vm, path.as_deref(), &part)
        }
        (Handle::Property(owner, name, _), _) => {
            let result = vm.set_attr_text(owner, name, &value);
            evaluate::text_of_error(vm, result)?;
            None
        }
        _ => return Err(format!("{} cannot be changed", a.name)),
    };
    Ok(changed(vm, room, &value, path, frame))
}

/// The part of a container that the client knows by this name.
pub fn find_part(vm: &mut Vm, container: &Value, name: &str) -> Result<Part, String> {
    let length = children::length(vm, container);
    if let Ok(index) = name.parse::<usize>() {
        let at = children::items(vm, container, index, 1).into_iter().find(|c| c.name == name);
        if let Some(child) = at {
            return Ok(child.place);
        }
    }
    let mut start = 0;
    while start < length {
        let page = children::items(vm, container, start, MOST);
        if page.is_empty() {
            break;
        }
        start += page.len();
        if let Some(child) = page.into_iter().find(|c| c.name == name) {
            return Ok(child.place);
        }
    }
    let part = children::named(vm, container).into_iter().find(|c| c.name == name);
    part.map(|c| c.place).ok_or_else(|| format!("there is no {name} here"))
}
