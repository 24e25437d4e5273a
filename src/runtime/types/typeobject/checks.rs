//! `isinstance` and `issubclass`: the `__instancecheck__` protocol (PEP 3119) and what stands behind it.

use super::{TYPE, as_class, is_subtype, same, tuple_items};
use crate::name;
use crate::object::typedef::DescrGetFn;
use crate::object::{Py, PyResult, Value};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::union;
use crate::vm::Vm;

/// `isinstance(v, class)`.
pub fn is_instance(vm: &mut Vm, v: &Value, class: &Value) -> PyResult<bool> {
    if as_class(class).is_some_and(|c| same(v.class(), c.get_type())) {
        return Ok(true);
    }
    if same(class.class(), TYPE.object()) {
        return object_is_instance(vm, v, class);
    }
    if let Some(args) = union::args_of(class) {
        return any(vm, &args, " in __instancecheck__", |vm, c| is_instance(vm, v, c));
    }
    if class.downcast::<Tuple>().is_some() {
        return any(vm, class, " in __instancecheck__", |vm, c| is_instance(vm, v, c));
    }
    match special(vm, class, name!("__instancecheck__"))? {
        Some(check) => {
            vm.check_recursion(" in __instancecheck__")?;
            let r = vm.call(&check, std::slice::from_ref(v))?;
            vm.truth(&r)
        }
        None => object_is_instance(vm, v, class),
    }
}

/// `issubclass(v, class)`.
pub fn is_subclass(vm: &mut Vm, v: &Value, class: &Value) -> PyResult<bool> {
    if same(class.class(), TYPE.object()) {
        if v.is(class) {
            return Ok(true);
        }
        return object_is_subclass(vm, v, class);
    }
    if let Some(args) = union::args_of(class) {
        return any(vm, &args, " in __subclasscheck__", |vm, c| is_subclass(vm, v, c));
    }
    if class.downcast::<Tuple>().is_some() {
        return any(vm, class, " in __subclasscheck__", |vm, c| is_subclass(vm, v, c));
    }
    match special(vm, class, name!("__subclasscheck__"))? {
        Some(check) => {
            vm.check_recursion(" in __subclasscheck__")?;
            let r = vm.call(&check, std::slice::from_ref(v))?;
            vm.truth(&r)
        }
        None => object_is_subclass(vm, v, class),
    }
}

fn any(
    vm: &mut Vm,
    tuple: &Value,
    what: &str,
    mut test: impl FnMut(&mut Vm, &Value) -> PyResult<bool>,
) -> PyResult<bool> {
    vm.check_recursion(what)?;
    let items = tuple_items(tuple).to_vec();
    for c in &items {
        if test(vm, c)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The special method of `v`'s type, bound.
fn special(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult<Option<Value>> {
    let Some(f) = super::lookup(v.class(), name) else { return Ok(None) };
    let class = Py::of(v.class());
    let get: Option<DescrGetFn> = f.class().payload.slots().descr_get;
    match get {
        Some(get) => get(vm, &f, Some(v), Some(class.as_value())).map(Some),
        None => Ok(Some(f)),
    }
}

/// `type.__instancecheck__(class, v)`: the type of `v`, or what its `__class__` claims.
pub fn object_is_instance(vm: &mut Vm, v: &Value, class: &Value) -> PyResult<bool> {
    if let Some(c) = as_class(class) {
        if is_subtype(v.class(), c.get_type()) {
            return Ok(true);
        }
        return match claimed_class(vm, v)? {
            Some(claim) if !claim.is(&v.class_value()) => match as_class(&claim) {
                Some(claim) => Ok(is_subtype(claim.get_type(), c.get_type())),
                None => Ok(false),
            },
            _ => Ok(false),
        };
    }
    check_class(vm, class, "isinstance() arg 2 must be a type, a tuple of types, or a union")?;
    match claimed_class(vm, v)? {
        Some(claim) => abstract_is_subclass(vm, &claim, class),
        None => Ok(false),
    }
}

/// `v.__class__`; objects with the ordinary attribute access of `object` are not asked.
fn claimed_class(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    vm.get_attr_opt(v, name!("__class__"))
}

/// `type.__subclasscheck__(class, v)`.
pub fn object_is_subclass(vm: &mut Vm, v: &Value, class: &Value) -> PyResult<bool> {
    if let (Some(a), Some(b)) = (as_class(v), as_class(class)) {
        return Ok(is_subtype(a.get_type(), b.get_type()));
    }
    check_class(vm, v, "issubclass() arg 1 must be a class")?;
    check_class(vm, class, "issubclass() arg 2 must be a class, a tuple of classes, or a union")?;
    abstract_is_subclass(vm, v, class)
}

/// `__bases__` of something that may be a class, if that is a tuple.
fn abstract_bases(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let bases = vm.get_attr_opt(v, name!("__bases__"))?;
    Ok(bases.filter(|b| b.downcast::<Tuple>().is_some()))
}

fn check_class(vm: &mut Vm, v: &Value, error: &str) -> PyResult<()> {
    match abstract_bases(vm, v)? {
        Some(_) => Ok(()),
        None => Err(vm.type_error(error)),
    }
}

fn abstract_is_subclass(vm: &mut Vm, derived: &Value, class: &Value) -> PyResult<bool> {
    if derived.is(class) {
        return Ok(true);
    }
    vm.check_recursion(" in __issubclass__")?;
    let Some(bases) = abstract_bases(vm, derived)? else { return Ok(false) };
    for b in tuple_items(&bases) {
        if abstract_is_subclass(vm, b, class)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Value {
    /// The type as a value.
    pub fn class_value(&self) -> Value {
        Py::<crate::object::Type>::of(self.class()).into()
    }
}
