//! Why an object is alive: the shortest chain of names from a module to it.
//!
//! One breadth-first pass over everything that the modules reach answers for all objects asked about; a second one, from
//! the variables of functions that run, for those that no module leads to. Names are looked up only along the chains that
//! are shown. No code of the program runs: containers are read as they are.

use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use taipan_runtime::object::typedef::Type;
use taipan_runtime::object::{Py, Value, gc, instance};
use taipan_runtime::types::cell::CellObject;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::BaseException;
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::traceback::Traceback;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// For each of `wanted` that a module or a running function leads to: the chain of names, by the object's word.
pub fn find(vm: &mut Vm, wanted: &[Value]) -> FxHashMap<usize, String> {
    let mut missing: FxHashSet<usize> = wanted.iter().map(Value::word).collect();
    let mut found = FxHashMap::default();
    let mut came_from: FxHashMap<usize, Option<Value>> = FxHashMap::default();
    // What a module leads to stays: that is the better reason, even where a function's variable is nearer.
    for roots in [roots(vm), variables(vm)] {
        if !missing.is_empty() {
            search(&roots, &mut came_from, &mut missing, &mut found);
        }
    }
    unnamed(&came_from, &missing, &mut found);
    found
}

/// What refers to objects that no name leads to: other objects like them, in a cycle or with native code behind.
fn unnamed(
    came_from: &FxHashMap<usize, Option<Value>>,
    missing: &FxHashSet<usize>,
    found: &mut FxHashMap<usize, String>,
) {
    if missing.is_empty() {
        return;
    }
    let mut owners: FxHashMap<usize, Value> = FxHashMap::default();
    for v in gc::objects(None).into_iter().filter(|v| !came_from.contains_key(&v.word())) {
        children(&v, &mut |child| {
            if child.header().is_some() && !came_from.contains_key(&child.word()) {
                owners.entry(child.word()).or_insert_with(|| v.clone());
            }
        });
    }
    for &word in missing {
        let (mut at, mut steps, mut seen) = (word, Vec::new(), FxHashSet::default());
        let mut child: Option<Value> = None;
        while let Some(owner) = owners.get(&at).filter(|_| seen.insert(at)) {
            if let Some(child) = &child {
                steps.push(step(owner, child));
            } else {
                let mut own = None;
                children(owner, &mut |c| own = own.take().or_else(|| (c.word() == at).then(|| c.clone())));
                steps.extend(own.map(|c| step(owner, &c)));
            }
            child = Some(owner.clone());
            at = owner.word();
        }
        let (Some(top), Some(owner)) = (child, owners.get(&word)) else { continue };
        let class = |v: &Value| v.class().payload.name().to_string();
        let text = if owners.contains_key(&at) {
            // Going round says nothing more of the object.
            format!("a cycle that is not collected yet: {}{}", class(owner), steps.first().map_or("", |s| s.as_str()))
        } else {
            format!("native code, which holds: {}{}", class(&top), steps.iter().rev().cloned().collect::<String>())
        };
        found.insert(word, text);
    }
}

/// Looks for the objects that are still missing, from some roots.
fn search(
    roots: &[(String, Value)],
    came_from: &mut FxHashMap<usize, Option<Value>>,
    missing: &mut FxHashSet<usize>,
    found: &mut FxHashMap<usize, String>,
) {
    let mut queue = VecDeque::new();
    for (_, module) in roots {
        if came_from.insert(module.word(), None).is_none() {
            queue.push_back(module.clone());
        }
    }
    while let Some(v) = queue.pop_front() {
        if missing.remove(&v.word()) {
            found.insert(v.word(), chain(&v, came_from, roots));
            if missing.is_empty() {
                break;
            }
        }
        children(&v, &mut |child| {
            if child.header().is_some() && !came_from.contains_key(&child.word()) {
                came_from.insert(child.word(), Some(v.clone()));
                queue.push_back(child.clone());
            }
        });
    }
}

/// The variables of functions that run, and of those that the pending exception has ended: `function() name`.
fn variables(vm: &mut Vm) -> Vec<(String, Value)> {
    let shown = |function: &str, name: &str| format!("{function}() {name}");
    let mut all: Vec<(String, Value)> = Vec::new();
    let mut next = vm.pending().and_then(|e| e.downcast::<BaseException>()).and_then(|e| e.traceback(vm));
    while let Some(t) = next.and_then(|t| t.into_py::<Traceback>().ok()) {
        let frame = t.get(vm).frame.clone();
        let function = frame.code().canonical.qualname.to_string();
        all.extend(frame.locals().into_iter().map(|(name, v)| (shown(&function, &name.to_rust()), v)));
        next = t.next(vm).map(Py::into_value);
    }
    let running = vm.with_threads(|thread| {
        let mut of_thread = Vec::new();
        for frame in thread.frame_views() {
            let function = frame.code().canonical.qualname.to_string();
            of_thread.extend(frame.locals().into_iter().map(|(name, v)| (shown(&function, &name), v)));
        }
        of_thread
    });
    all.extend(running.into_iter().flatten());
    all.retain(|(_, v)| v.header().is_some());
    all
}

/// The modules with their names: the program's own first, so that equally short chains start there.
fn roots(vm: &mut Vm) -> Vec<(String, Value)> {
    let Ok(modules) = taipan_runtime::import::modules(vm) else { return Vec::new() };
    let mut all: Vec<(String, Value)> = modules
        .pairs()
        .into_iter()
        .filter_map(|(k, v)| Some((k.downcast::<Str>()?.to_rust().into_owned(), v)))
        .collect();
    let library = taipan_runtime::import::embedded::STDLIB_DIR;
    all.sort_by_key(|(name, module)| {
        let file = module.downcast::<Module>().and_then(|m| m.dict.lookup_text("__file__"));
        let file = file.and_then(|f| f.downcast::<Str>().map(|s| s.to_rust().into_owned()));
        let own = file.is_some_and(|f| !f.starts_with(library));
        (name != "__main__", !own)
    });
    all
}

/// Visits what keeps alive what: containers by their items, everything else as the collector sees it. A module's
/// namespace stands for the module, a class's for the class, and a function does not lead to its module's names.
fn children(v: &Value, visit: &mut dyn FnMut(&Value)) {
    if let Some(m) = v.downcast::<Module>() {
        for (_, value) in m.dict.pairs() {
            visit(&value);
        }
    } else if let Some(d) = v.downcast::<Dict>() {
        for (key, value) in d.pairs() {
            visit(&value);
            visit(&key);
        }
        for (_, value) in instance::attributes(v) {
            visit(&value);
        }
    } else if let Some(t) = v.downcast::<Type>() {
        // A class leads to its attributes as an instance does, not through its dictionary.
        let dict = t.get_type().payload.dict.borrow().clone();
        for (_, value) in dict.iter().flat_map(|d| d.pairs()) {
            visit(&value);
        }
        gc::each_referent(v, visit);
    } else if let Some(f) = v.downcast_exact::<Function>() {
        let (globals, builtins) = (f.globals.as_value().word(), f.builtins.as_value().word());
        closed_over(f).into_iter().for_each(|(_, value)| visit(&value));
        gc::each_referent(v, &mut |child| {
            if child.word() != globals && child.word() != builtins {
                visit(child);
            }
        });
    } else {
        gc::each_referent(v, visit);
    }
}

/// The names from a module to `v`.
fn chain(v: &Value, came_from: &FxHashMap<usize, Option<Value>>, roots: &[(String, Value)]) -> String {
    let mut steps = Vec::new();
    let mut at = v.clone();
    while let Some(Some(parent)) = came_from.get(&at.word()) {
        steps.push(step(parent, &at));
        at = parent.clone();
    }
    let root = roots.iter().find(|(_, m)| m.is(&at)).map_or("?", |(name, _)| name.as_str());
    let mut text = root.to_owned();
    steps.iter().rev().for_each(|s| text.push_str(s));
    text
}

/// How `parent` refers to `child`.
fn step(parent: &Value, child: &Value) -> String {
    if let Some(m) = parent.downcast::<Module>() {
        return named(m.dict.pairs(), child).unwrap_or_else(|| ".?".to_owned());
    }
    if let Some(name) = named(instance::attributes(parent), child) {
        return name;
    }
    if let Some(d) = parent.downcast::<Dict>() {
        for (key, value) in d.pairs() {
            if value.is(child) {
                return format!("[{}]", shown(&key));
            }
            if key.is(child) {
                return format!(" key {}", shown(&key));
            }
        }
    }
    let items = parent.downcast::<List>().map(|l| l.to_vec());
    let items = items.or_else(|| parent.downcast::<Tuple>().map(|t| t.items().to_vec()));
    if let Some(i) = items.and_then(|all| all.iter().position(|x| x.is(child))) {
        return format!("[{i}]");
    }
    if let Some(f) = parent.downcast_exact::<Function>() {
        return in_function(f, child);
    }
    if parent.downcast::<CellObject>().is_some() {
        return String::new();
    }
    if let Some(t) = parent.downcast::<Type>() {
        let dict = t.get_type().payload.dict.borrow().clone();
        if dict.as_ref().is_some_and(|d| d.as_value().is(child)) {
            return String::new();
        }
        if let Some(name) = dict.and_then(|d| named(d.pairs(), child)) {
            return name;
        }
    }
    let class = parent.class().payload.name().to_string();
    match class.as_str() {
        "generator" | "coroutine" | "async_generator" => format!(" (a local of the {class})"),
        "frame" => match parent.downcast::<FrameObject>().and_then(|f| named_local(f, child)) {
            Some(name) => format!(" (the frame's {name})"),
            None => " (in the frame)".to_owned(),
        },
        _ => format!(" (in the {class})"),
    }
}

fn named_local(frame: &FrameObject, child: &Value) -> Option<String> {
    frame.locals().into_iter().find(|(_, v)| v.is(child)).map(|(name, _)| name.to_rust().into_owned())
}

/// `.name` for the value among named ones.
fn named(pairs: Vec<(Value, Value)>, child: &Value) -> Option<String> {
    let (key, _) = pairs.into_iter().find(|(_, value)| value.is(child))?;
    Some(match key.downcast::<Str>() {
        Some(name) => format!(".{}", name.to_rust()),
        None => format!("[{}]", shown(&key)),
    })
}

/// The variables of outer functions that a function uses, by name.
fn closed_over(f: &Function) -> Vec<(String, Value)> {
    let Some(cells) = f.closure.as_ref() else { return Vec::new() };
    let names: Vec<String> = f.code.borrow().canonical.freevars().map(|n| n.to_string()).collect();
    let content = |cell: &Value| cell.downcast::<CellObject>().and_then(|c| c.content());
    names.into_iter().zip(cells.items()).filter_map(|(name, cell)| Some((name, content(cell)?))).collect()
}

fn in_function(f: &Function, child: &Value) -> String {
    if let Some((name, _)) = closed_over(f).into_iter().find(|(_, value)| value.is(child)) {
        return format!(" closure {name}");
    }
    if let Some(closure) = &f.closure {
        if closure.as_value().is(child) {
            return String::from(" closure");
        }
    }
    if f.defaults.borrow().as_ref().is_some_and(|d| d.as_value().is(child)) {
        return " defaults".to_owned();
    }
    if f.kwdefaults.borrow().as_ref().is_some_and(|d| d.as_value().is(child)) {
        return " keyword defaults".to_owned();
    }
    " (in the function)".to_owned()
}

/// A key, briefly, without running the program's code.
fn shown(key: &Value) -> String {
    if let Some(s) = key.downcast::<Str>() {
        let text = s.to_rust();
        let short: String = text.chars().take(24).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        return format!("{short:?}{more}").replace('"', "'");
    }
    match key.as_small() {
        Some(i) => i.to_string(),
        None => format!("<{}>", key.class().payload.name()),
    }
}
