//! `super`: attributes of the classes after a given one in the order of an object's class.
//!
//! Without arguments the class comes from the `__class__` cell of the calling function and the object from its first
//! local (`super_init_without_args` of `Objects/typeobject.c`).

use crate::name;
use crate::object::typedef::{Payload, Visit};
use crate::object::{GetSetDef, Py, PyResult, Slots, Type, TypeDef, TypeFlags, TypeObj, Value, instance, none};
use crate::types::object::generic_getattr;
use crate::types::str::Str;
use crate::types::typeobject::{as_class, is_subtype, same};
use crate::vm::Vm;
use crate::vm::args::Args;
use taipan_bytecode::LocalKind;

/// Payload of `super`.
#[derive(Default)]
pub struct Super {
    /// `__thisclass__`
    class: Option<Py<Type>>,
    /// `__self__`
    object: Option<Value>,
    /// `__self_class__`
    object_class: Option<Py<Type>>,
}

// SAFETY: made by `TypeDef::new::<Super>`; every value is visited.
unsafe impl Payload for Super {
    const DEF: &'static TypeDef = &SUPER;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let Super { class, object, object_class } = self;
        class.iter().chain(object_class).for_each(|c| visit(c.as_value()));
        object.iter().for_each(visit);
    }
    fn clear(&mut self) {
        drop(std::mem::take(self));
    }
}

/// `super`.
pub static SUPER: TypeDef = TypeDef::new::<Super>("super")
    .doc(
        "super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> \
         bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires \
         issubclass(type2, type)",
    )
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(40, 0)
    .slots(Slots {
        repr: Some(repr),
        getattr: Some(getattr),
        descr_get: Some(get),
        init: Some(init),
        new: Some(|_, class, _| Ok(instance::new_of(class, Super::default()).into())),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::member("__thisclass__", "the class invoking super()", |vm, v| {
            Ok(this(v).get(vm).class.clone().map_or_else(none, Into::into))
        }),
        GetSetDef::member("__self__", "the instance invoking super(); may be None", |vm, v| {
            Ok(this(v).get(vm).object.clone().unwrap_or_else(none))
        }),
        GetSetDef::member("__self_class__", "the type of the instance invoking super(); may be None", |vm, v| {
            Ok(this(v).get(vm).object_class.clone().map_or_else(none, Into::into))
        }),
    ]);

fn this(v: &Value) -> &Py<Super> {
    v.downcast::<Super>().expect("a super object")
}

/// Looks a name up in the classes after `class` in the order of `start`; with the class that has it.
pub fn find_after(start: &TypeObj, class: &TypeObj, name: &Py<Str>) -> Option<(Py<Type>, Value)> {
    let mro = start.payload.mro.borrow();
    let after = mro.iter().position(|c| same(c.get_type(), class))? + 1;
    mro[after..].iter().find_map(|c| Some((c.clone(), c.get_type().payload.dict.borrow().as_ref()?.lookup_str(name)?)))
}

/// The class whose order is followed for `super(class, object)`: `object` itself when it is a subclass of `class`, else
/// its class (or what its `__class__` claims).
pub fn check(vm: &mut Vm, class: &Py<Type>, object: &Value) -> PyResult<Py<Type>> {
    if let Some(c) = as_class(object) {
        if is_subtype(c.get_type(), class.get_type()) {
            return Ok(c.clone());
        }
    }
    if is_subtype(object.class(), class.get_type()) {
        return Ok(Py::of(object.class()));
    }
    if let Some(claim) = vm.get_attr_opt(object, name!("__class__"))? {
        if let Some(c) = as_class(&claim) {
            if !same(c.get_type(), object.class()) && is_subtype(c.get_type(), class.get_type()) {
                return Ok(c.clone());
            }
        }
    }
    let (kind, who) = match as_class(object) {
        Some(c) => ("type", c.get_type().payload.name()),
        None => ("instance of", object.class().payload.name()),
    };
    let class = class.get_type().payload.name();
    Err(vm.type_error(format!("super(type, obj): obj ({kind} {who}) is not an instance or subtype of type ({class}).")))
}

/// `super(class, object).name` without making the super object; `None` when no class after `class` has the name.
pub fn lookup(
    vm: &mut Vm,
    class: &Py<Type>,
    object: &Value,
    start: &Py<Type>,
    name: &Py<Str>,
) -> PyResult<Option<Value>> {
    if name.is_text("__class__") {
        return Ok(None);
    }
    let Some((_, found)) = find_after(start.get_type(), class.get_type(), name) else { return Ok(None) };
    match found.class().payload.slots().descr_get {
        Some(get) => {
            let obj = if object.is(start.as_value()) { None } else { Some(object) };
            get(vm, &found, obj, Some(start.as_value())).map(Some)
        }
        None => Ok(Some(found)),
    }
}

fn getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    let s = this(v).get(vm);
    if let (Some(class), Some(object), Some(start)) = (s.class.clone(), s.object.clone(), s.object_class.clone()) {
        if let Some(found) = lookup(vm, &class, &object, &start, name)? {
            return Ok(found);
        }
    }
    generic_getattr(vm, v, name)
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let s = this(v).get(vm);
    let class = s.class.as_ref().map_or_else(|| "NULL".to_owned(), |c| c.get_type().payload.name());
    let text = match &s.object_class {
        Some(c) => format!("<super: <class '{class}'>, <{} object>>", c.get_type().payload.name()),
        None => format!("<super: <class '{class}'>, NULL>"),
    };
    Ok(vm.new_str(&text))
}

/// Binds an unbound super object.
fn get(vm: &mut Vm, v: &Value, obj: Option<&Value>, _: Option<&Value>) -> PyResult {
    let s = this(v).get(vm);
    let (Some(obj), None, Some(class)) = (obj, &s.object, s.class.clone()) else { return Ok(v.clone()) };
    if !v.is_exact::<Super>() {
        let maker = v.class_value();
        return vm.call(&maker, &[class.into(), obj.clone()]);
    }
    let start = check(vm, &class, obj)?;
    let bound = Super { class: Some(class), object: Some(obj.clone()), object_class: Some(start) };
    Ok(instance::new(bound).into())
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    args.no_keywords(vm, "super")?;
    let (class, object) = match args.pos() {
        [] => {
            let (class, object) = from_frame(vm)?;
            (class, Some(object))
        }
        [class] => (class_argument(vm, class)?, None),
        [class, object] => (class_argument(vm, class)?, Some(object.clone()).filter(|o| !o.is_none())),
        more => {
            let n = more.len();
            return Err(vm.type_error(format!("super() expected at most 2 arguments, got {n}")));
        }
    };
    let object_class = match &object {
        Some(o) => Some(check(vm, &class, o)?),
        None => None,
    };
    let new = Super { class: Some(class), object, object_class };
    let old = std::mem::replace(this(v).get_mut(vm), new);
    drop(old);
    Ok(())
}

fn class_argument(vm: &mut Vm, v: &Value) -> PyResult<Py<Type>> {
    match as_class(v) {
        Some(c) => Ok(c.clone()),
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("super() argument 1 must be a type, not {name}")))
        }
    }
}

/// Class and object of the calling function.
fn from_frame(vm: &mut Vm) -> PyResult<(Py<Type>, Value)> {
    let Some(frame) = vm.frame_object(0) else { return Err(vm.runtime_error("super(): no current frame")) };
    let code = frame.code();
    if code.canonical.argcount == 0 {
        return Err(vm.runtime_error("super(): no arguments"));
    }
    let Some(object) = frame.local(0) else { return Err(vm.runtime_error("super(): arg[0] deleted")) };
    let kinds = &code.canonical.localspluskinds;
    let cell =
        (0..kinds.len()).find(|&i| kinds[i].contains(LocalKind::FREE) && code.local_names[i].is_text("__class__"));
    let Some(cell) = cell else { return Err(vm.runtime_error("super(): __class__ cell not found")) };
    let Some(class) = frame.local(cell) else { return Err(vm.runtime_error("super(): empty __class__ cell")) };
    match as_class(&class) {
        Some(c) => Ok((c.clone(), object)),
        None => {
            let name = class.class().payload.name();
            Err(vm.runtime_error(format!("super(): __class__ is not a type ({name})")))
        }
    }
}

/// `super(class, object).name` for `LOAD_SUPER_ATTR`, where `callee` is what the name `super` means. For a method call
/// (`method`) the second value is the object to pass first. `two`: the source gave both arguments.
pub fn super_load(
    vm: &mut Vm,
    callee: &Value,
    class: &Value,
    object: &Value,
    name: &Py<Str>,
    method: bool,
    two: bool,
) -> PyResult<(Value, Option<Value>)> {
    if !callee.is(&SUPER.value()) {
        let made = if two { vm.call(callee, &[class.clone(), object.clone()])? } else { vm.call0(callee)? };
        return Ok((vm.get_attr(&made, name)?, None));
    }
    let class = class_argument(vm, class)?;
    let start = check(vm, &class, object)?;
    if method && !object.is(start.as_value()) && !name.is_text("__class__") {
        if let Some((_, f)) = find_after(start.get_type(), class.get_type(), name) {
            if f.class().payload.has(TypeFlags::METHOD_DESCRIPTOR) {
                return Ok((f, Some(object.clone())));
            }
        }
    }
    if let Some(found) = lookup(vm, &class, object, &start, name)? {
        return Ok((found, None));
    }
    let made = Super { class: Some(class), object: Some(object.clone()), object_class: Some(start) };
    let made: Value = instance::new(made).into();
    Ok((generic_getattr(vm, &made, name)?, None))
}
