//! Attributes of classes: the metatype's data descriptors first, then the class's own MRO, then the metatype's rest.

use super::{lookup, modified};
use crate::name;
use crate::object::typedef::DescrGetFn;
use crate::object::{Py, PyResult, Type, TypeFlags, TypeObj, Value};
use crate::types::object::attr;
use crate::types::str::Str;
use crate::types::{generic_alias, slots};
use crate::vm::Vm;

fn getter(v: &Value) -> Option<DescrGetFn> {
    v.class().payload.slots().descr_get
}

/// `cls.name` (`type.__getattribute__`).
pub fn type_getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    match type_getattr_opt(vm, v, name)? {
        Some(found) => Ok(found),
        None => {
            let text = format!("type object '{}' has no attribute '{}'", class_name(v), name.to_rust());
            Err(attr::attribute_error(vm, &text, v, name))
        }
    }
}

fn class_name(v: &Value) -> String {
    v.downcast::<Type>().map_or_else(String::new, |t| t.get_type().payload.name())
}

/// As [`type_getattr`], with `None` for a missing attribute.
pub fn type_getattr_opt(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult<Option<Value>> {
    let Some(t) = v.downcast::<Type>() else {
        return Err(vm.type_error("type.__getattribute__ requires a type"));
    };
    let meta = Py::of(v.class());
    let meta_attribute = lookup(meta.get_type(), name);
    let meta_get = meta_attribute.as_ref().and_then(getter);
    if let (Some(a), Some(get)) = (&meta_attribute, meta_get) {
        if a.class().payload.slots().descr_set.is_some() {
            return get(vm, a, Some(v), Some(meta.as_value())).map(Some);
        }
    }
    if let Some(a) = lookup(t.get_type(), name) {
        return match getter(&a) {
            Some(get) => get(vm, &a, None, Some(v)).map(Some),
            None => Ok(Some(a)),
        };
    }
    match (meta_attribute, meta_get) {
        (Some(a), Some(get)) => get(vm, &a, Some(v), Some(meta.as_value())).map(Some),
        (a, _) => Ok(a),
    }
}

/// `cls.name = value`, `del cls.name` (`type.__setattr__`).
pub fn type_setattr(vm: &mut Vm, v: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
    let Some(class) = v.downcast::<Type>() else {
        return Err(vm.type_error("type.__setattr__ requires a type"));
    };
    let class = class.clone();
    let t = class.get_type();
    if t.payload.has(TypeFlags::IMMUTABLE) {
        let text = format!("cannot set '{}' attribute of immutable type '{}'", name.to_rust(), t.payload.name());
        return Err(vm.type_error(text));
    }
    if let Some(a) = lookup(v.class(), name) {
        if let Some(set) = a.class().payload.slots().descr_set {
            return set(vm, &a, v, value);
        }
    }
    let dict = t.payload.dict();
    match value {
        Some(value) => dict.store_str(name, value.clone()),
        None => {
            if dict.remove_str(name).is_none() {
                let text = format!("type object '{}' has no attribute '{}'", t.payload.name(), name.to_rust());
                return Err(attr::attribute_error(vm, &text, v, name));
            }
        }
    }
    modified(t);
    if is_dunder(name) {
        slots::update(t, name);
    }
    Ok(())
}

/// Whether the name starts and ends with two underscores.
pub fn is_dunder(name: &Str) -> bool {
    name.as_ascii().is_some_and(|s| s.len() > 4 && s.starts_with("__") && s.ends_with("__"))
}

/// Stores an entry of a class's own dictionary from native code.
pub fn store(t: &TypeObj, name: &Py<Str>, value: Value) {
    t.payload.dict().store_str(name, value);
    modified(t);
}

/// `cls[key]` for a class whose metatype has no `__getitem__`: `__class_getitem__` (PEP 560).
pub fn class_getitem(vm: &mut Vm, v: &Value, key: &Value) -> PyResult {
    if v.is(&super::TYPE.value()) {
        return generic_alias::alias(vm, v, key);
    }
    match vm.get_attr_opt(v, name!("__class_getitem__"))? {
        Some(f) if !f.is_none() => vm.call(&f, std::slice::from_ref(key)),
        _ => Err(vm.type_error(format!("type '{}' is not subscriptable", class_name(v)))),
    }
}
