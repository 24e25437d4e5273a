//! The ordinary attribute access (`PyObject_GenericGetAttr`): a data descriptor of the class, then the instance's own
//! attributes, then what else the class has.

use crate::object::typedef::{DescrGetFn, DescrSetFn, GetAttrFn};
use crate::object::{Py, PyResult, Raised, TypeFlags, Value, instance};
use crate::types::dict::Dict;
use crate::types::exceptions as exc;
use crate::types::function::{self, Function};
use crate::types::module::Module;
use crate::types::str::Str;
use crate::types::typeobject;
use crate::vm::Vm;

/// Raises `AttributeError(text)` with its `name` and `obj` set.
#[cold]
pub fn attribute_error(vm: &mut Vm, text: &str, obj: &Value, name: &Py<Str>) -> Raised {
    exc::raise_attribute_error(vm, obj, name, text)
}

/// `'X' object has no attribute 'y'`.
#[cold]
pub fn no_attribute(vm: &mut Vm, v: &Value, name: &Py<Str>) -> Raised {
    let text = format!("'{}' object has no attribute '{}'", v.class().payload.name(), name.to_rust());
    attribute_error(vm, &text, v, name)
}

/// Reads an attribute of the instance itself, wherever its kind keeps them.
#[inline]
pub fn own_attribute(v: &Value, name: &Py<Str>) -> Option<Value> {
    if v.is_small() {
        return None;
    }
    if v.class().payload.has(TypeFlags::HAS_DICT) {
        return instance::get_attribute(v, name);
    }
    if v.is_exact::<Function>() {
        return function::dict_if_made(v)?.lookup_str(name);
    }
    module_dict(v)?.lookup_str(name)
}

/// The namespace of a module, which is where a module's attributes are.
fn module_dict(v: &Value) -> Option<&Py<Dict>> {
    // The flag is inherited: most other objects are told apart without a walk over their bases.
    let may_be = v.class().payload.has(TypeFlags::CUSTOM_GETATTR);
    if may_be { v.downcast::<Module>().map(|m| &m.dict) } else { None }
}

/// The instance's `__dict__`, made on demand; `None` when it cannot have one.
pub fn instance_dict(v: &Value) -> Option<Py<Dict>> {
    if v.is_small() {
        return None;
    }
    if v.class().payload.has(TypeFlags::HAS_DICT) {
        return Some(instance::materialize(v));
    }
    if v.is_exact::<Function>() {
        return Some(function::dict_of(v));
    }
    module_dict(v).cloned()
}

fn getter(v: &Value) -> Option<DescrGetFn> {
    v.class().payload.slots().descr_get
}

fn setter(v: &Value) -> Option<DescrSetFn> {
    v.class().payload.slots().descr_set
}

/// Finds the attribute; `None` when there is none.
fn find(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult<Option<Value>> {
    let found = typeobject::lookup(v.class(), name);
    let get = match &found {
        Some(d) => {
            let get = getter(d);
            if let (Some(get), Some(_)) = (get, setter(d)) {
                let class = v.class_value();
                return get(vm, d, Some(v), Some(&class)).map(Some);
            }
            get
        }
        None => None,
    };
    if let Some(own) = own_attribute(v, name) {
        return Ok(Some(own));
    }
    match (found, get) {
        (Some(d), Some(get)) => {
            let class = v.class_value();
            get(vm, &d, Some(v), Some(&class)).map(Some)
        }
        (found, _) => Ok(found),
    }
}

/// `v.name` (`object.__getattribute__`).
pub fn generic_getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    match find(vm, v, name)? {
        Some(found) => Ok(found),
        None => Err(no_attribute(vm, v, name)),
    }
}

/// As [`generic_getattr`], with `None` instead of an `AttributeError`.
pub fn generic_getattr_opt(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult<Option<Value>> {
    match find(vm, v, name) {
        Ok(found) => Ok(found),
        Err(_) if vm.error_is(&exc::ATTRIBUTE_ERROR) => {
            vm.clear_error();
            Ok(None)
        }
        Err(r) => Err(r),
    }
}

/// `v.name = value`, `del v.name` (`object.__setattr__`, `object.__delattr__`).
pub fn generic_setattr(vm: &mut Vm, v: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
    let found = typeobject::lookup(v.class(), name);
    if let Some(d) = &found {
        if let Some(set) = setter(d) {
            return set(vm, d, v, value);
        }
    }
    let done = if !v.is_small() && v.class().payload.has(TypeFlags::HAS_DICT) {
        match value {
            Some(value) => instance::set_attribute(v, name, value),
            None => instance::delete_attribute(v, name),
        }
    } else {
        let Some(dict) = instance_dict(v) else { return Err(no_place(vm, v, name, found.is_some())) };
        match value {
            Some(value) => {
                dict.store_str(name, value.clone());
                true
            }
            None => dict.remove_str(name).is_some(),
        }
    };
    if done { Ok(()) } else { Err(no_attribute(vm, v, name)) }
}

/// The error for setting an attribute of an object that keeps none of its own.
#[cold]
fn no_place(vm: &mut Vm, v: &Value, name: &Py<Str>, in_class: bool) -> Raised {
    let class = v.class().payload.name();
    let name_text = name.to_rust().into_owned();
    let generic = v
        .class()
        .payload
        .slots()
        .setattr
        .is_some_and(|f| std::ptr::fn_addr_eq(f, generic_setattr as crate::object::typedef::SetAttrFn));
    let text = if in_class {
        format!("'{class}' object attribute '{name_text}' is read-only")
    } else if generic {
        format!("'{class}' object has no attribute '{name_text}' and no __dict__ for setting new attributes")
    } else {
        format!("'{class}' object has no attribute '{name_text}'")
    };
    attribute_error(vm, &text, v, name)
}

/// What to call for `v.name(…)`.
pub enum Callee {
    /// A function of the type, to be called with `v` as first argument.
    Unbound(Value),
    /// Anything else, to be called with the arguments alone.
    Bound(Value),
}

/// Finds what to call for `v.name(…)` without making a bound method where possible; `None` when the type has attribute
/// access of its own or there is no such attribute.
pub fn method_for_call(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult<Option<Callee>> {
    let ordinary =
        v.class().payload.slots().getattr.is_some_and(|f| std::ptr::fn_addr_eq(f, generic_getattr as GetAttrFn));
    if !ordinary {
        return Ok(None);
    }
    let found = typeobject::lookup(v.class(), name);
    if let Some(d) = &found {
        if d.class().payload.has(TypeFlags::METHOD_DESCRIPTOR) {
            return Ok(Some(match own_attribute(v, name) {
                Some(own) => Callee::Bound(own),
                None => Callee::Unbound(d.clone()),
            }));
        }
    }
    Ok(find(vm, v, name)?.map(Callee::Bound))
}
