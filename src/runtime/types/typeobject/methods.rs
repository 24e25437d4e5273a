//! Methods of `type` that Python code calls.

use super::attributes::{module_of, qualname_text};
use super::{as_class, checks, mro, subclasses};
use crate::name;
use crate::object::{MethodDef, NativeFn, Py, PyResult, TypeFlags, Value, boolean};
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::union;
use crate::vm::Vm;
use crate::vm::args::Args;
use NativeFn::{F1, F2, V};

/// The methods of `type`.
pub static METHODS: &[MethodDef] = &[
    MethodDef::method("mro", "($self, /)", "Return a type's method resolution order.", F1(mro::type_mro)),
    MethodDef::method("__subclasses__", "($self, /)", "Return a list of immediate subclasses.", F1(type_subclasses)),
    MethodDef::class(
        "__prepare__",
        "($cls, name, bases, /, **kwds)",
        "Create the namespace for the class statement",
        V(prepare),
    ),
    MethodDef::method(
        "__instancecheck__",
        "($self, instance, /)",
        "Check if an object is an instance.",
        F2(instance_check),
    ),
    MethodDef::method(
        "__subclasscheck__",
        "($self, subclass, /)",
        "Check if a class is a subclass.",
        F2(subclass_check),
    ),
    MethodDef::method("__dir__", "($self, /)", "Specialized __dir__ implementation for types.", F1(dir)),
    MethodDef::method("__sizeof__", "($self, /)", "Return memory consumption of the type object.", F1(sizeof)),
];

/// `repr(cls)`.
pub fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let Some(t) = as_class(v) else { return crate::types::object::default_repr(vm, v) };
    let t = t.get_type();
    let module = module_of(t).and_then(|m| Some(m.downcast::<Str>()?.to_rust().into_owned()));
    let qualname = qualname_text(t);
    let text = match module {
        Some(m) if m != "builtins" => format!("<class '{m}.{qualname}'>"),
        _ => format!("<class '{qualname}'>"),
    };
    Ok(vm.new_str(&text))
}

/// `cls | other`.
pub fn or(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    union::or(vm, a, b)
}

fn type_subclasses(_: &mut Vm, v: &Value) -> PyResult {
    let list = as_class(v).map(|t| subclasses(t.get_type())).unwrap_or_default();
    Ok(List::from_vec(list.into_iter().map(Py::into_value).collect()).into())
}

fn prepare(_: &mut Vm, _: &Args<'_>) -> PyResult {
    Ok(Dict::new_object().into())
}

fn instance_check(vm: &mut Vm, class: &Value, v: &Value) -> PyResult {
    checks::object_is_instance(vm, v, class).map(boolean)
}

fn subclass_check(vm: &mut Vm, class: &Value, v: &Value) -> PyResult {
    checks::object_is_subclass(vm, v, class).map(boolean)
}

/// The names in the dictionaries of a class and of all its bases (`merge_class_dict`).
pub fn merge_class_dict(vm: &mut Vm, into: &Py<Dict>, class: &Value) -> PyResult<()> {
    if let Some(d) = vm.get_attr_opt(class, name!("__dict__"))? {
        for key in vm.mapping_keys(&d)? {
            into.set_item(vm, &key, crate::object::none())?;
        }
    }
    if let Some(bases) = vm.get_attr_opt(class, name!("__bases__"))? {
        for base in vm.collect(&bases)? {
            vm.check_recursion(" in dir()")?;
            merge_class_dict(vm, into, &base)?;
        }
    }
    Ok(())
}

fn dir(vm: &mut Vm, v: &Value) -> PyResult {
    let names = Dict::new_object();
    merge_class_dict(vm, &names, v)?;
    Ok(List::from_vec(names.pairs().into_iter().map(|(k, _)| k).collect()).into())
}

/// Bytes that CPython 3.14 reports: the struct of a static type, or that of a heap type with its slots.
fn sizeof(_: &mut Vm, v: &Value) -> PyResult {
    const STATIC_TYPE: usize = 416;
    const HEAP_TYPE: usize = 936;
    let Some(t) = as_class(v) else { return Ok(Value::from_usize(HEAP_TYPE)) };
    let t = &t.get_type().payload;
    let bytes = if t.has(TypeFlags::HEAP) { HEAP_TYPE + 40 * t.extra.borrow().slot_names.len() } else { STATIC_TYPE };
    Ok(Value::from_usize(bytes))
}
