//! What a value consists of: items by position, attributes and other parts by name.

use taipan_runtime::object::{Py, Type, Value};
use taipan_runtime::types::cell::CellObject;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::{BaseException, group};
use taipan_runtime::types::frame::FrameObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::generator;
use taipan_runtime::types::list::List;
use taipan_runtime::types::mappingproxy::MappingProxy;
use taipan_runtime::types::method::BoundMethod;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::set::any_set;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject;
use taipan_runtime::vm::Vm;

use super::text::{self, field_names};
use super::{attributes, dict_page, is_dunder, is_native, type_name};

/// One part of a value.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its name for the user.
    pub name: String,
    /// The part itself; for a property its descriptor.
    pub value: Value,
    /// Where it is in its container.
    pub place: Place,
}

/// Where a part is in its container: how it is read again and written.
#[derive(Debug, Clone)]
pub enum Place {
    /// An attribute.
    Attribute(String),
    /// An item.
    Item(Value),
    /// A property: reading it runs code of the program.
    Property(String),
    /// A local variable of a frame, or an entry of a namespace.
    Name(String),
    /// A part that has no expression and cannot be written.
    Inner,
}

/// How many parts of each kind a value has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Parts with a name.
    pub named: usize,
    /// Items.
    pub indexed: usize,
}

impl Counts {
    /// Whether there is anything to unfold.
    pub fn any(self) -> bool {
        self.named + self.indexed > 0
    }
}

/// Names that a namespace shows apart: dunder names.
pub struct Names {
    /// Those of the program.
    pub own: Vec<Child>,
    /// `__name__` and the like.
    pub special: Vec<Child>,
}

/// How many parts a value has, without listing them.
pub fn counts(vm: &mut Vm, v: &Value) -> Counts {
    Counts { named: named(vm, v).len(), indexed: length(vm, v) }
}

/// The number of items of a builtin container or an instance of a subclass of one; 0 for anything else.
pub fn length(vm: &mut Vm, v: &Value) -> usize {
    if let Some(l) = v.downcast::<List>() {
        l.len()
    } else if let Some(t) = v.downcast::<Tuple>() {
        if field_names(v).is_some() { 0 } else { t.len() }
    } else if let Some(d) = v.downcast::<Dict>() {
        d.len()
    } else if let Some(s) = any_set(v) {
        s.get(vm).len()
    } else if let Some(p) = v.downcast::<MappingProxy>() {
        p.mapping.downcast::<Dict>().map_or(0, |d| d.len())
    } else if is_deque(v) {
        vm.len(v).unwrap_or(0)
    } else {
        0
    }
}

/// Whether a value is a plain `deque`, whose length and items are read by native code.
fn is_deque(v: &Value) -> bool {
    !v.is_small() && v.class().payload.def.get().is_some() && is_native(v.class(), "collections.deque")
}

/// Items from `start` on, at most `count`.
pub fn items(vm: &mut Vm, v: &Value, start: usize, count: usize) -> Vec<Child> {
    let end = start.saturating_add(count).min(length(vm, v));
    let at = |i: usize, value: Value| Child { name: i.to_string(), value, place: Place::Item(Value::from_usize(i)) };
    if let Some(l) = v.downcast::<List>() {
        return (start..end).filter_map(|i| Some(at(i, l.item(i)?))).collect();
    }
    if let Some(t) = v.downcast::<Tuple>() {
        return (start..end).filter_map(|i| Some(at(i, t.items().get(i)?.clone()))).collect();
    }
    if let Some(s) = any_set(v) {
        let page: Vec<Value> = s.get(vm).iter().skip(start).take(end.saturating_sub(start)).cloned().collect();
        let inner = |(i, value): (usize, Value)| Child { name: (start + i).to_string(), value, place: Place::Inner };
        return page.into_iter().enumerate().map(inner).collect();
    }
    if is_deque(v) {
        let mut found = Vec::new();
        for i in start..end {
            match vm.get_item(v, &Value::from_usize(i)) {
                Ok(value) => found.push(at(i, value)),
                Err(_) => vm.clear_error(),
            }
        }
        return found;
    }
    let proxy = v.downcast::<MappingProxy>().map(|p| p.mapping.clone());
    let Some(d) = proxy.as_ref().unwrap_or(v).downcast::<Dict>().cloned() else { return Vec::new() };
    let page = dict_page(&d, start, count);
    page.into_iter().map(|(key, value)| Child { name: text::short(vm, &key), value, place: Place::Item(key) }).collect()
}

/// The parts of a value that have names, in the order in which they came to be.
pub fn named(vm: &mut Vm, v: &Value) -> Vec<Child> {
    if v.is_small() {
        return Vec::new();
    }
    if let Some(m) = v.downcast::<Module>() {
        return namespace(&m.dict).own;
    }
    if let Some(t) = v.downcast::<Type>() {
        return class_parts(t);
    }
    if let Some(f) = v.downcast::<FrameObject>() {
        return f.locals().into_iter().map(|(n, v)| inner(&n.to_rust(), v)).collect();
    }
    let mut parts = own_parts(vm, v);
    if let (Some(names), Some(t)) = (field_names(v), v.downcast::<Tuple>()) {
        parts.extend(names.into_iter().zip(t.items()).map(|(n, v)| attribute(n, v.clone())));
    }
    parts.extend(attributes(v).into_iter().map(|(n, v)| attribute(n, v)));
    parts.extend(properties(v));
    parts
}

fn inner(name: &str, value: Value) -> Child {
    Child { name: name.to_owned(), value, place: Place::Inner }
}

fn attribute(name: String, value: Value) -> Child {
    Child { place: Place::Attribute(name.clone()), name, value }
}

/// What the interpreter keeps in values of its own types.
fn own_parts(vm: &mut Vm, v: &Value) -> Vec<Child> {
    let mut parts = Vec::new();
    if let Some(e) = v.downcast::<BaseException>() {
        parts.push(attribute("args".to_owned(), e.args(vm).into()));
        let linked = [("__cause__", e.cause(vm)), ("__context__", e.context(vm)), ("__traceback__", e.traceback(vm))];
        for (name, value) in linked {
            parts.extend(value.map(|v| attribute(name.to_owned(), v)));
        }
        if let Some(g) = group::as_group(vm, v) {
            parts.push(attribute("exceptions".to_owned(), group::exceptions_of(vm, g).into()));
        }
    } else if let Some(f) = v.downcast::<Function>() {
        if let (Some(cells), code) = (&f.closure, f.code.borrow()) {
            for (name, cell) in code.canonical.freevars().zip(cells.items()) {
                if let Some(value) = cell.downcast::<CellObject>().and_then(|c| c.content()) {
                    parts.push(inner(name, value));
                }
            }
        }
        parts.extend(f.defaults.borrow().iter().map(|d| attribute("__defaults__".to_owned(), d.clone().into())));
        parts.extend(f.kwdefaults.borrow().iter().map(|d| attribute("__kwdefaults__".to_owned(), d.clone().into())));
    } else if let Some(m) = v.downcast::<BoundMethod>() {
        parts.push(attribute("__self__".to_owned(), m.self_value.clone()));
        parts.push(attribute("__func__".to_owned(), m.function.clone()));
    } else if let Some(c) = v.downcast::<CellObject>() {
        parts.extend(c.content().map(|v| attribute("cell_contents".to_owned(), v)));
    } else if generator::any_generator(v).is_some() {
        parts.extend(generator_locals(vm, v));
    } else {
        parts.extend(native_attributes(vm, v));
    }
    parts
}

/// The local variables of a generator that waits.
fn generator_locals(vm: &mut Vm, v: &Value) -> Vec<Child> {
    match suspended_frame(vm, v) {
        Some(frame) => frame.locals().into_iter().map(|(n, v)| inner(&n.to_rust(), v)).collect(),
        None => Vec::new(),
    }
}

/// The frame of a generator or coroutine that has not finished.
pub fn suspended_frame(vm: &mut Vm, v: &Value) -> Option<Py<FrameObject>> {
    generator::any_generator(v)?;
    generator::frame_attribute(vm, v).ok()?.into_py::<FrameObject>().ok()
}

/// Computed attributes of native types (`slice.start`, `re.Match.pos`): their getters are native code.
fn native_attributes(vm: &mut Vm, v: &Value) -> Vec<Child> {
    let Some(def) = v.class().payload.def.get() else { return Vec::new() };
    let container = length(vm, v) > 0 || v.downcast::<Str>().is_some() || v.downcast::<Dict>().is_some();
    if container || taipan_runtime::types::int::Int::read(v).is_some() {
        return Vec::new();
    }
    let mut parts = Vec::new();
    for row in def.getset.iter().filter(|row| !is_dunder(row.name)) {
        match (row.get)(vm, v) {
            Ok(value) => parts.push(attribute(row.name.to_owned(), value)),
            Err(_) => vm.clear_error(),
        }
    }
    parts
}

/// Properties of the value's class and its bases that Python code defines; they are not read.
fn properties(v: &Value) -> Vec<Child> {
    let mut found: Vec<Child> = Vec::new();
    for class in typeobject::mro_of(v.class()) {
        if class.get_type().payload.def.get().is_some() {
            continue;
        }
        for (name, value) in class.get_type().payload.dict().pairs() {
            let Some(name) = name.downcast::<Str>().map(|s| s.to_rust().into_owned()) else { continue };
            let is_property = taipan_runtime::types::descr::property::property_getter(&value).is_some();
            if is_property && !is_dunder(&name) && !found.iter().any(|c| c.name == name) {
                found.push(Child { place: Place::Property(name.clone()), name, value });
            }
        }
    }
    found
}

/// What a class defines, its bases first.
fn class_parts(t: &Py<Type>) -> Vec<Child> {
    let mut parts = vec![attribute("__bases__".to_owned(), typeobject::bases_of(t.get_type()))];
    for (name, value) in t.get_type().payload.dict().pairs() {
        if let Some(name) = name.downcast::<Str>().map(|s| s.to_rust().into_owned()) {
            if !is_dunder(&name) || name == "__init__" || name == "__slots__" {
                parts.push(attribute(name, value));
            }
        }
    }
    parts
}

/// The names of a namespace: modules, globals, class bodies.
pub fn namespace(d: &Py<Dict>) -> Names {
    let mut names = Names { own: Vec::new(), special: Vec::new() };
    for (key, value) in d.pairs() {
        let Some(name) = key.downcast::<Str>().map(|s| s.to_rust().into_owned()) else { continue };
        let place = Place::Name(name.clone());
        let group = if is_dunder(&name) { &mut names.special } else { &mut names.own };
        group.push(Child { name, value, place });
    }
    names
}

/// The expression of a part, if its container has one.
pub fn evaluate_name(vm: &mut Vm, container: Option<&str>, place: &Place) -> Option<String> {
    match place {
        Place::Name(name) => Some(name.clone()),
        Place::Inner => None,
        Place::Attribute(name) | Place::Property(name) => Some(format!("{}.{name}", container?)),
        Place::Item(key) => {
            let simple = key.is_small() || key.is_exact::<Str>() || key.is_exact_bool() || key.is_none();
            let short = key.downcast::<Str>().is_none_or(|s| s.len() <= 100);
            let container = container?;
            (simple && short).then(|| format!("{container}[{}]", text::short(vm, key)))
        }
    }
}

/// What the user should know beside the value: its length.
pub fn type_with_length(vm: &mut Vm, v: &Value) -> String {
    let name = type_name(v);
    match length(vm, v) {
        0 => match v.downcast::<Str>() {
            Some(s) if s.len() > 40 => format!("{name} ({})", s.len()),
            _ => name,
        },
        n => format!("{name} ({n})"),
    }
}
