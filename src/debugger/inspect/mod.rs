//! Values as a debugger shows them: read from the interpreter's own structures, so that looking changes nothing.
//!
//! [`text`] writes a value in one short line, [`children`] lists what a value consists of, piece by piece. Neither calls
//! `__repr__`, `__getattr__`, a property or any other code of the program; a value of ten million items costs no more
//! than its first few. What does run the program's code (a property, a full `repr`) is done by `evaluate`, when asked for.

pub mod children;
pub mod text;

use taipan_runtime::object::typedef::TypeObj;
use taipan_runtime::object::{Py, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::typeobject;

pub use children::{Child, Counts, Names};

/// The name of a value's type, as the user would write it.
pub fn type_name(v: &Value) -> String {
    typeobject::short_name(v.class())
}

/// Whether instances of `t` have the native type called `name` (`collections.deque`) among their bases.
pub fn is_native(t: &TypeObj, name: &str) -> bool {
    typeobject::builtin_base(t).name == name
}

/// The instance attributes of a value in order, `__slots__` included; nothing is computed.
pub fn attributes(v: &Value) -> Vec<(String, Value)> {
    if v.is_small() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for class in typeobject::mro_of(v.class()).into_iter().rev() {
        found.extend(slots_of(class.get_type(), v));
    }
    for (key, value) in taipan_runtime::object::instance::attributes(v) {
        found.push((key_text(&key), value));
    }
    found
}

/// The `__slots__` that one class of the MRO defines, read from `v`.
fn slots_of(class: &TypeObj, v: &Value) -> Vec<(String, Value)> {
    let names = class.payload.extra.borrow().slot_names.clone();
    let dict = class.payload.dict();
    let read = |name: &Py<taipan_runtime::types::str::Str>| {
        let descriptor = dict.lookup_str(name)?;
        let index = taipan_runtime::types::descr::members::member_slot(&descriptor, v.class())?;
        Some((name.to_rust().into_owned(), taipan_runtime::object::instance::get_slot(v, index)?))
    };
    names.iter().filter_map(read).collect()
}

/// A key of an attribute dictionary as text.
fn key_text(key: &Value) -> String {
    match key.downcast::<taipan_runtime::types::str::Str>() {
        Some(s) => s.to_rust().into_owned(),
        None => format!("<{}>", type_name(key)),
    }
}

/// Whether a name begins and ends with two underscores.
pub fn is_dunder(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

/// Items of a dict from the `start`-th on, at most `count`; deleted entries do not count.
pub fn dict_page(d: &Py<Dict>, start: usize, count: usize) -> Vec<(Value, Value)> {
    let mut position = 0;
    let mut seen = 0;
    let mut page = Vec::new();
    while page.len() < count {
        let Some((next, key, value)) = d.next_from(position) else { break };
        if seen >= start {
            page.push((key, value));
        }
        seen += 1;
        position = next;
    }
    page
}
