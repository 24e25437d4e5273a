//! Which base decides the memory of instances, and when two classes have instances of the same layout.
//!
//! The rules are CPython's (`solid_base`, `best_base`, `compatible_for_assignment`): a class is *solid* when its instances
//! hold more than those of its base other than `__dict__` and `__weakref__`.

use super::{base_of, builtin_base, is_subtype, same};
use crate::object::{Py, PyResult, Type, TypeFlags, TypeObj, Value};
use crate::types::object::OBJECT;
use crate::types::str::Str;
use crate::vm::Vm;

/// The nearest class on the chain of bases whose instances hold more than its base's.
pub fn solid_base(t: &TypeObj) -> &TypeObj {
    let mut t = t;
    while let Some(base) = base_of(t) {
        if adds_fields(t, base) {
            return t;
        }
        t = base;
    }
    t
}

fn adds_fields(t: &TypeObj, base: &TypeObj) -> bool {
    // Exceptions share one payload; in CPython some of them hold more than others.
    let sizes = (t.payload.def.get(), base.payload.def.get());
    let larger = matches!(sizes, (Some(a), Some(b)) if a.cpython_size.0 > b.cpython_size.0);
    !std::ptr::eq(t.payload.layout.get(), base.payload.layout.get())
        || t.payload.slot_words.get() != base.payload.slot_words.get()
        || larger && t.payload.has(TypeFlags::EXC_SUBCLASS)
}

/// The base, among several, whose layout the new class takes (`best_base`).
pub fn best_base(vm: &mut Vm, bases: &[Value]) -> PyResult<Py<Type>> {
    let mut best: Option<(Py<Type>, Py<Type>)> = None;
    for b in bases {
        let Some(class) = b.downcast::<Type>() else { return Err(vm.type_error("bases must be types")) };
        let t = class.get_type();
        if !t.payload.has(TypeFlags::BASETYPE) {
            let name = t.payload.name();
            return Err(vm.type_error(format!("type '{name}' is not an acceptable base type")));
        }
        let solid = Py::of(solid_base(t));
        match &best {
            None => best = Some((solid, class.clone())),
            Some((winner, _)) if is_subtype(winner.get_type(), solid.get_type()) => {}
            Some((winner, _)) if is_subtype(solid.get_type(), winner.get_type()) => best = Some((solid, class.clone())),
            Some(_) => return Err(vm.type_error("multiple bases have instance lay-out conflict")),
        }
    }
    Ok(best.map_or_else(|| OBJECT.class(), |(_, base)| base))
}

/// Whether instances have a `__dict__` in CPython's sense (classes have one of their own kind).
pub fn has_dict(t: &TypeObj) -> bool {
    let module = <crate::types::module::Module as crate::object::typedef::Payload>::DEF;
    t.payload.flags.get().intersects(TypeFlags::HAS_DICT.union(TypeFlags::TYPE_SUBCLASS))
        || std::ptr::eq(t.payload.layout.get(), module)
}

/// `__itemsize__`: bytes of each item in CPython.
pub fn cpython_itemsize(t: &TypeObj) -> usize {
    builtin_base(t).cpython_size.1
}

/// Whether CPython keeps the `__dict__` pointer inside the instance rather than before it.
pub fn has_own_dict_word(t: &TypeObj) -> bool {
    if t.payload.def.get().is_some() {
        return has_dict(t) && !t.payload.has(TypeFlags::TYPE_SUBCLASS);
    }
    match base_of(t) {
        Some(base) if has_dict(base) => has_own_dict_word(base),
        _ => t.payload.has(TypeFlags::HAS_DICT) && cpython_itemsize(t) != 0,
    }
}

/// `__basicsize__`: bytes of an instance in CPython, without items.
pub fn cpython_basicsize(t: &TypeObj) -> usize {
    if let Some(def) = t.payload.def.get() {
        return def.cpython_size.0;
    }
    let Some(base) = base_of(t) else { return 16 };
    let own_dict = t.payload.has(TypeFlags::HAS_DICT) && !has_dict(base) && cpython_itemsize(t) != 0;
    cpython_basicsize(base) + 8 * (t.payload.extra.borrow().slot_names.len() + own_dict as usize)
}

/// `__dictoffset__`: -1 where CPython keeps the dict before the object.
pub fn cpython_dictoffset(t: &TypeObj) -> i64 {
    if t.payload.has(TypeFlags::TYPE_SUBCLASS) {
        return 264;
    }
    if !t.payload.has(TypeFlags::HAS_DICT) {
        return 0;
    }
    match t.payload.def.get() {
        Some(def) => def.cpython_size.0 as i64 - 8,
        None => match base_of(t) {
            Some(base) if has_dict(base) => cpython_dictoffset(base),
            _ => -1,
        },
    }
}

/// `__weakrefoffset__`: -32 where CPython keeps the list before the object.
pub fn cpython_weakrefoffset(t: &TypeObj) -> i64 {
    if t.payload.has(TypeFlags::TYPE_SUBCLASS) {
        return 368;
    }
    if !t.payload.has(TypeFlags::WEAKREFABLE) {
        return 0;
    }
    match t.payload.def.get() {
        Some(def) => def.cpython_size.0 as i64 - 8,
        None => match base_of(t) {
            Some(base) if base.payload.has(TypeFlags::WEAKREFABLE) => cpython_weakrefoffset(base),
            _ => -32,
        },
    }
}

/// Names of all `__slots__` of a class, the base's first.
fn all_slot_names(t: &TypeObj) -> Vec<Py<Str>> {
    let mut out = base_of(t).map(all_slot_names).unwrap_or_default();
    out.extend(t.payload.extra.borrow().slot_names.iter().cloned());
    out
}

/// Whether instances of both are laid out alike and have the same slots.
pub fn compatible(a: &TypeObj, b: &TypeObj) -> bool {
    let (p, q) = (&a.payload, &b.payload);
    let alike = |f: TypeFlags| p.has(f) == q.has(f);
    std::ptr::eq(p.layout.get(), q.layout.get())
        && p.slot_words.get() == q.slot_words.get()
        && p.basicsize.get() == q.basicsize.get()
        && p.itemsize.get() == q.itemsize.get()
        && alike(TypeFlags::HAS_DICT)
        && alike(TypeFlags::WEAKREFABLE)
        && {
            let (m, n) = (all_slot_names(a), all_slot_names(b));
            m.len() == n.len() && m.iter().zip(&n).all(|(m, n)| m.as_value().is(n.as_value()))
        }
}

/// Refuses `attribute` assignments between classes of different layouts.
pub fn check_compatible(vm: &mut Vm, old: &TypeObj, new: &TypeObj, attribute: &str) -> PyResult<()> {
    if compatible(old, new) {
        return Ok(());
    }
    let (old_name, new_name) = (old.payload.name(), new.payload.name());
    let builtin = |t: &TypeObj| t.payload.has(TypeFlags::IMMUTABLE);
    if builtin(new) != builtin(old) && !same(new, OBJECT.object()) && !same(old, OBJECT.object()) {
        return Err(
            vm.type_error(format!("{attribute} assignment: '{new_name}' deallocator differs from '{old_name}'"))
        );
    }
    Err(vm.type_error(format!("{attribute} assignment: '{new_name}' object layout differs from '{old_name}'")))
}
