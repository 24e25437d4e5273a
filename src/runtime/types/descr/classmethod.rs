//! `classmethod` and `staticmethod`: a callable with or without the class as first argument.
//!
//! Both copy the attributes that name and document the wrapped callable (`functools_wraps` of `Objects/funcobject.c`).

use crate::name;
use crate::object::typedef::{Payload, Visit};
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use crate::types::generic_alias::class_getitem;
use crate::types::method::BoundMethod;
use crate::types::object::{get_dict, set_dict};
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::Args;

/// Payload of `classmethod`.
pub struct ClassMethod {
    callable: Option<Value>,
}
/// Payload of `staticmethod`.
pub struct StaticMethod {
    callable: Option<Value>,
}

// SAFETY: made by `TypeDef::new::<ClassMethod>`; the one value is visited.
unsafe impl Payload for ClassMethod {
    const DEF: &'static TypeDef = &CLASSMETHOD;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.callable.iter().for_each(visit);
    }
    fn clear(&mut self) {
        drop(self.callable.take());
    }
}
// SAFETY: as above.
unsafe impl Payload for StaticMethod {
    const DEF: &'static TypeDef = &STATICMETHOD;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.callable.iter().for_each(visit);
    }
    fn clear(&mut self) {
        drop(self.callable.take());
    }
}

/// A class method around a callable, without its attributes copied.
pub fn new_class(callable: Value) -> Value {
    instance::new_of(&CLASSMETHOD.class(), ClassMethod { callable: Some(callable) }).into()
}

/// A static method around a callable, without its attributes copied.
pub fn new_static(callable: Value) -> Value {
    instance::new_of(&STATICMETHOD.class(), StaticMethod { callable: Some(callable) }).into()
}

/// The callable inside a class method or static method.
pub fn callable(vm: &Vm, v: &Value) -> Option<Value> {
    if let Some(m) = v.downcast::<ClassMethod>() {
        return m.get(vm).callable.clone();
    }
    v.downcast::<StaticMethod>()?.get(vm).callable.clone()
}

const FLAGS: TypeFlags = TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::HAS_DICT);

macro_rules! shared_getset {
    () => {
        &[
            GetSetDef::member("__func__", "", function),
            GetSetDef::member("__wrapped__", "", function),
            GetSetDef::get("__isabstractmethod__", "", is_abstract),
            GetSetDef::get_set("__dict__", "", get_dict, set_dict),
            GetSetDef::get_set(
                "__annotations__",
                "",
                |vm, v| from_function(vm, v, name!("__annotations__")),
                |vm, v, x| keep(vm, v, name!("__annotations__"), x),
            ),
            GetSetDef::get_set(
                "__annotate__",
                "",
                |vm, v| from_function(vm, v, name!("__annotate__")),
                |vm, v, x| keep(vm, v, name!("__annotate__"), x),
            ),
        ]
    };
}

/// `classmethod`.
pub static CLASSMETHOD: TypeDef = TypeDef::new::<ClassMethod>("classmethod")
    .doc(
        "Convert a function to be a class method: it receives the class as implicit first argument, whether it is called \
         on the class or on an instance.",
    )
    .signature("(function, /)")
    .flags(FLAGS)
    .cpython_size(32, 0)
    .slots(Slots {
        repr: Some(|vm, v| repr(vm, v, "classmethod")),
        descr_get: Some(class_get),
        init: Some(|vm, v, args| {
            let f = argument(vm, args, "classmethod")?;
            let Some(m) = v.downcast::<ClassMethod>() else { return Ok(()) };
            let old = m.get_mut(vm).callable.replace(f.clone());
            drop(old);
            wraps(vm, v, &f)
        }),
        new: Some(|_, class, _| Ok(instance::new_of(class, ClassMethod { callable: None }).into())),
        ..Slots::NONE
    })
    .methods(&[MethodDef::class("__class_getitem__", "($type, object, /)", "", NativeFn::F2(class_getitem))])
    .getset(shared_getset!());

/// `staticmethod`.
pub static STATICMETHOD: TypeDef = TypeDef::new::<StaticMethod>("staticmethod")
    .doc("Convert a function to be a static method: it receives no implicit first argument.")
    .signature("(function, /)")
    .flags(FLAGS)
    .cpython_size(32, 0)
    .slots(Slots {
        repr: Some(|vm, v| repr(vm, v, "staticmethod")),
        call: Some(static_call),
        descr_get: Some(|vm, v, _, _| function_or_error(vm, v, "staticmethod")),
        init: Some(|vm, v, args| {
            let f = argument(vm, args, "staticmethod")?;
            let Some(m) = v.downcast::<StaticMethod>() else { return Ok(()) };
            let old = m.get_mut(vm).callable.replace(f.clone());
            drop(old);
            wraps(vm, v, &f)
        }),
        new: Some(|_, class, _| Ok(instance::new_of(class, StaticMethod { callable: None }).into())),
        ..Slots::NONE
    })
    .methods(&[MethodDef::class("__class_getitem__", "($type, object, /)", "", NativeFn::F2(class_getitem))])
    .getset(shared_getset!());

fn argument(vm: &mut Vm, args: &Args<'_>, name: &str) -> PyResult {
    args.no_keywords(vm, name)?;
    match args.pos() {
        [f] => Ok(f.clone()),
        _ => {
            let n = args.len();
            Err(vm.type_error(format!("{name} expected 1 argument, got {n}")))
        }
    }
}

/// Copies the attributes that name and document the callable.
fn wraps(vm: &mut Vm, v: &Value, f: &Value) -> PyResult<()> {
    for name in [name!("__module__"), name!("__name__"), name!("__qualname__"), name!("__doc__")] {
        if let Some(x) = vm.get_attr_opt(f, name)? {
            vm.set_attr(v, name, &x)?;
        }
    }
    Ok(())
}

fn repr(vm: &mut Vm, v: &Value, kind: &str) -> PyResult {
    let f = callable(vm, v).unwrap_or_else(none);
    let shown = vm.repr(&f)?;
    let points: Vec<u32> = format!("<{kind}(")
        .chars()
        .map(|c| c as u32)
        .chain(shown.code_points())
        .chain([')' as u32, '>' as u32])
        .collect();
    Ok(Str::from_code_points(&points).into())
}

fn function(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(callable(vm, v).unwrap_or_else(none))
}

fn function_or_error(vm: &mut Vm, v: &Value, kind: &str) -> PyResult {
    callable(vm, v).ok_or_else(|| vm.runtime_error(format!("uninitialized {kind} object")))
}

fn class_get(vm: &mut Vm, v: &Value, obj: Option<&Value>, class: Option<&Value>) -> PyResult {
    let f = function_or_error(vm, v, "classmethod")?;
    let class = match (class, obj) {
        (Some(c), _) => c.clone(),
        (None, Some(o)) => o.class_value(),
        (None, None) => none(),
    };
    Ok(BoundMethod::new_object(f, class))
}

fn static_call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let f = function_or_error(vm, v, "staticmethod")?;
    vm.call_args(&f, args)
}

/// Whether `__isabstractmethod__` of a callable is true.
pub(super) fn abstractness(vm: &mut Vm, f: Option<Value>) -> PyResult<bool> {
    let Some(f) = f else { return Ok(false) };
    match vm.get_attr_opt(&f, name!("__isabstractmethod__"))? {
        Some(x) => vm.truth(&x),
        None => Ok(false),
    }
}

fn is_abstract(vm: &mut Vm, v: &Value) -> PyResult {
    let f = callable(vm, v);
    abstractness(vm, f).map(boolean)
}

/// An attribute of the callable, kept in the wrapper's own dict once it was read.
fn from_function(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    if let Some(kept) = instance::get_attribute(v, name) {
        return Ok(kept);
    }
    let f = function(vm, v)?;
    let found = vm.get_attr(&f, name)?;
    instance::set_attribute(v, name, &found);
    Ok(found)
}

fn keep(vm: &mut Vm, v: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
    let done = match value {
        Some(value) => instance::set_attribute(v, name, value),
        None => instance::delete_attribute(v, name),
    };
    if done { Ok(()) } else { Err(crate::types::object::attr::attribute_error(vm, &name.to_rust(), v, name)) }
}
