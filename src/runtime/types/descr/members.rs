//! `getset_descriptor` and `member_descriptor`: computed attributes of builtin types, and the members of `__slots__`.

use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, TypeObj, Value, instance,
};
use crate::types::method::{check_instance, reduce_getattr, text_or_none};
use crate::types::object::attr;
use crate::types::str::Str;
use crate::types::typeobject::{attributes::qualname_text, is_subtype};
use crate::vm::Vm;

/// What a descriptor reads and writes.
enum Access {
    /// By the functions of a row.
    Row(&'static GetSetDef),
    /// Word `index` of the instance's `__slots__`.
    Slot { name: Py<Str>, index: usize },
}

/// Payload of `getset_descriptor`.
pub struct GetSetDescriptor {
    access: Access,
    owner: Py<Type>,
}
/// Payload of `member_descriptor`.
pub struct MemberDescriptor {
    access: Access,
    owner: Py<Type>,
}

// SAFETY: made by `TypeDef::new::<GetSetDescriptor>`; names are interned and immortal, the owner is visited.
unsafe impl Payload for GetSetDescriptor {
    const DEF: &'static TypeDef = &GETSET_DESCRIPTOR;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(self.owner.as_value());
    }
}
impl Frozen for GetSetDescriptor {}
// SAFETY: as above.
unsafe impl Payload for MemberDescriptor {
    const DEF: &'static TypeDef = &MEMBER_DESCRIPTOR;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(self.owner.as_value());
    }
}
impl Frozen for MemberDescriptor {}

/// The descriptor of a row, of the kind the row asks for.
pub fn getset_descriptor(def: &'static GetSetDef, owner: &Py<Type>) -> Value {
    let (access, owner) = (Access::Row(def), owner.clone());
    if def.member {
        instance::new(MemberDescriptor { access, owner }).into()
    } else {
        instance::new(GetSetDescriptor { access, owner }).into()
    }
}

/// The descriptor of a `__slots__` entry.
pub fn slot_member(owner: &Py<Type>, name: &Py<Str>, index: usize) -> Value {
    let access = Access::Slot { name: name.clone(), index };
    instance::new(MemberDescriptor { access, owner: owner.clone() }).into()
}

/// Index of the `__slots__` word that a descriptor reads in instances of `class`, for inline caches.
pub fn member_slot(v: &Value, class: &TypeObj) -> Option<usize> {
    let d = v.downcast::<MemberDescriptor>()?;
    match d.access {
        Access::Slot { index, .. } if is_subtype(class, d.owner.get_type()) => Some(index),
        _ => None,
    }
}

macro_rules! getset {
    () => {
        &[
            GetSetDef::member("__objclass__", "", |_, v| Ok(parts(v).1.clone().into())),
            GetSetDef::member("__name__", "", |vm, v| {
                let name = name_of(parts(v).0);
                Ok(vm.intern(&name).into())
            }),
            GetSetDef::get("__doc__", "", |vm, v| match parts(v).0 {
                Access::Row(def) => Ok(text_or_none(vm, def.doc)),
                Access::Slot { .. } => Ok(crate::object::none()),
            }),
            GetSetDef::get("__qualname__", "", |vm, v| {
                let (access, owner) = parts(v);
                let text = format!("{}.{}", qualname_text(owner.get_type()), name_of(access));
                Ok(vm.new_str(&text))
            }),
        ]
    };
}

/// `getset_descriptor`.
pub static GETSET_DESCRIPTOR: TypeDef = TypeDef::new::<GetSetDescriptor>("getset_descriptor")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(48, 0)
    .slots(Slots { repr: Some(repr), descr_get: Some(get), descr_set: Some(set), ..Slots::NONE })
    .getset(getset!());

/// `member_descriptor`.
pub static MEMBER_DESCRIPTOR: TypeDef = TypeDef::new::<MemberDescriptor>("member_descriptor")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(48, 0)
    .slots(Slots { repr: Some(repr), descr_get: Some(get), descr_set: Some(set), ..Slots::NONE })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "",
        NativeFn::F1(|vm, v| {
            let (access, owner) = parts(v);
            let name = name_of(access);
            let name = vm.intern(&name).into();
            reduce_getattr(vm, owner.clone().into(), name)
        }),
    )])
    .getset(getset!());

fn parts(v: &Value) -> (&Access, &Py<Type>) {
    if let Some(d) = v.downcast::<GetSetDescriptor>() {
        return (&d.access, &d.owner);
    }
    let d = v.downcast::<MemberDescriptor>().expect("a member or getset descriptor");
    (&d.access, &d.owner)
}

fn name_of(access: &Access) -> String {
    match access {
        Access::Row(def) => def.name.to_owned(),
        Access::Slot { name, .. } => name.to_rust().into_owned(),
    }
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let (access, owner) = parts(v);
    let kind = if v.is_exact::<MemberDescriptor>() { "member" } else { "attribute" };
    let text = format!("<{kind} '{}' of '{}' objects>", name_of(access), owner.get_type().payload.name());
    Ok(vm.new_str(&text))
}

fn get(vm: &mut Vm, v: &Value, obj: Option<&Value>, _: Option<&Value>) -> PyResult {
    let Some(obj) = obj else { return Ok(v.clone()) };
    let (access, owner) = parts(v);
    if !is_subtype(obj.class(), owner.get_type()) {
        check_instance(vm, &name_of(access), owner.get_type(), obj)?;
    }
    match access {
        Access::Row(def) => (def.get)(vm, obj),
        Access::Slot { name, index } => {
            if let Some(v) = instance::get_slot(obj, *index) {
                return Ok(v);
            }
            let class = crate::types::typeobject::message_name(vm, obj.class())?;
            let text = format!("'{class}' object has no attribute '{}'", name.to_rust());
            Err(attr::attribute_error(vm, &text, obj, name))
        }
    }
}

fn set(vm: &mut Vm, v: &Value, obj: &Value, value: Option<&Value>) -> PyResult<()> {
    let (access, owner) = parts(v);
    check_instance(vm, &name_of(access), owner.get_type(), obj)?;
    match access {
        Access::Row(def) => match def.set {
            Some(f) => f(vm, obj, value),
            None if def.member => Err(vm.attribute_error("readonly attribute")),
            None => {
                let (name, class) = (def.name, owner.get_type().payload.name());
                Err(vm.attribute_error(format!("attribute '{name}' of '{class}' objects is not writable")))
            }
        },
        Access::Slot { name, index } => {
            let old = instance::set_slot(obj, *index, value.cloned());
            if value.is_none() && old.is_none() {
                return Err(attr::attribute_error(vm, &name.to_rust(), obj, name));
            }
            Ok(())
        }
    }
}
