//! `mappingproxy`: a mapping seen read-only; what `cls.__dict__` gives.

use crate::name;
use crate::object::typedef::{CmpOp, Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, instance, none};
use crate::types::dict::Dict;
use crate::types::generic_alias::class_getitem;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use crate::vm::ops::BinOp;
use NativeFn::{F1, F2, N};

/// Payload of `mappingproxy`.
pub struct MappingProxy {
    /// The mapping.
    pub mapping: Value,
}
// SAFETY: made by `TypeDef::new::<MappingProxy>`; the one value is visited.
unsafe impl Payload for MappingProxy {
    const DEF: &'static TypeDef = &MAPPINGPROXY;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(&self.mapping);
    }
}
impl Frozen for MappingProxy {}

/// A proxy of a mapping.
pub fn of(mapping: Value) -> Value {
    instance::new(MappingProxy { mapping }).into()
}

/// `mappingproxy`.
pub static MAPPINGPROXY: TypeDef = TypeDef::new::<MappingProxy>("mappingproxy")
    .doc("Read-only proxy of a mapping.")
    .signature("(mapping)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::MAPPING))
    .cpython_size(24, 0)
    .slots(Slots {
        repr: Some(repr),
        str: Some(|vm, v| vm.str(&mapping(v)).map(Into::into)),
        hash: Some(|vm, v| vm.hash(&mapping(v))),
        richcmp: Some(compare),
        iter: Some(|vm, v| vm.iter(&mapping(v))),
        or: Some(or),
        ior: Some(|vm, v, _| {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("'|=' is not supported by {name}; use '|' instead")))
        }),
        len: Some(|vm, v| vm.len(&mapping(v))),
        subscript: Some(|vm, v, key| vm.get_item(&mapping(v), key)),
        contains: Some(contains),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "get",
            "($self, key, default=None, /)",
            "Return the value for key if key is in the mapping, else default.",
            N(get),
        ),
        MethodDef::method(
            "keys",
            "($self, /)",
            "D.keys() -> a set-like object providing a view on D's keys",
            F1(|vm, v| vm.call_method_named(&mapping(v), name!("keys"), &[])),
        ),
        MethodDef::method(
            "values",
            "($self, /)",
            "D.values() -> an object providing a view on D's values",
            F1(|vm, v| vm.call_method_named(&mapping(v), name!("values"), &[])),
        ),
        MethodDef::method(
            "items",
            "($self, /)",
            "D.items() -> a set-like object providing a view on D's items",
            F1(|vm, v| vm.call_method_named(&mapping(v), name!("items"), &[])),
        ),
        MethodDef::method(
            "copy",
            "($self, /)",
            "D.copy() -> a shallow copy of D",
            F1(|vm, v| vm.call_method_named(&mapping(v), name!("copy"), &[])),
        ),
        MethodDef::class("__class_getitem__", "($type, object, /)", "See PEP 585", F2(class_getitem)),
        MethodDef::method(
            "__reversed__",
            "($self, /)",
            "D.__reversed__() -> reverse iterator",
            F1(|vm, v| vm.call_method_named(&mapping(v), name!("__reversed__"), &[])),
        ),
    ]);

fn mapping(v: &Value) -> Value {
    v.downcast::<MappingProxy>().map_or_else(|| v.clone(), |p| p.mapping.clone())
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let shown = vm.repr(&mapping(v))?;
    let points: Vec<u32> =
        "mappingproxy(".chars().map(|c| c as u32).chain(shown.code_points()).chain([')' as u32]).collect();
    Ok(Str::from_code_points(&points).into())
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    vm.compare(&mapping(a), b, op)
}

fn or(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    vm.binary(BinOp::Or, &mapping(a), &mapping(b))
}

fn contains(vm: &mut Vm, v: &Value, key: &Value) -> PyResult<bool> {
    vm.contains(&mapping(v), key)
}

fn get(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(key), default] = args else {
        return Err(vm.type_error("get expected at least 1 argument, got 0"));
    };
    let default = default.clone().unwrap_or_else(none);
    vm.call_method_named(&mapping(me), name!("get"), &[key.clone(), default])
}

fn new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("mappingproxy", "(mapping)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let Some(m) = bound[0].clone() else { return Err(vm.type_error("mappingproxy() missing required argument")) };
    let slots = m.class().payload.slots();
    let is_mapping = slots.subscript.is_some()
        && !m.is_exact::<List>()
        && m.downcast::<Tuple>().is_none()
        && m.downcast::<List>().is_none()
        || m.downcast::<Dict>().is_some();
    if !is_mapping {
        let name = m.class().payload.name();
        return Err(vm.type_error(format!("mappingproxy() argument must be a mapping, not {name}")));
    }
    Ok(of(m))
}
