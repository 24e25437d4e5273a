//! `TypeVarTuple`.

use super::lazy::{Lazy, value_or_no_default};
use super::{caller_module, is_no_default, name_argument, no_subclass, typing, unpack_iter};
use crate::name;
use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use NativeFn::{F1, F2, F3};

/// Payload of `TypeVarTuple`.
pub struct TypeVarTuple {
    name: Py<Str>,
    pub(super) default: Lazy,
}
// SAFETY: made by `TypeDef::new::<TypeVarTuple>`; every value is visited.
unsafe impl Payload for TypeVarTuple {
    const DEF: &'static TypeDef = &TYPEVARTUPLE;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(self.name.as_value());
        self.default.traverse(visit);
    }
    fn clear(&mut self) {
        self.default.clear();
    }
}
impl Frozen for TypeVarTuple {}

/// `typing.TypeVarTuple`.
pub static TYPEVARTUPLE: TypeDef = TypeDef::new::<TypeVarTuple>("typing.TypeVarTuple")
    .doc("Type variable tuple: stands for any number of types (PEP 646).")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::HAS_DICT).union(TypeFlags::WEAKREFABLE))
    .cpython_size(40, 0)
    .slots(Slots {
        repr: Some(|_, v| Ok(this(v).name.clone().into())),
        iter: Some(unpack_iter),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__typing_subst__",
            "($self, arg, /)",
            "",
            F2(|vm, _, _| Err(vm.type_error("Substitution of bare TypeVarTuple is not supported"))),
        ),
        MethodDef::method(
            "__typing_prepare_subst__",
            "($self, alias, args, /)",
            "",
            F3(|vm, v, alias, args| {
                typing(vm, "_typevartuple_prepare_subst", &[v.clone(), alias.clone(), args.clone()])
            }),
        ),
        MethodDef::method("__reduce__", "($self, /)", "", F1(|_, v| Ok(this(v).name.clone().into()))),
        MethodDef::method(
            "has_default",
            "($self, /)",
            "",
            F1(|_, v| Ok(boolean(this(v).default.evaluator().is_some()))),
        ),
        MethodDef::method("__mro_entries__", "($self, object, /)", "", F2(|vm, v, _| no_subclass(vm, v))),
    ])
    .getset(&[
        GetSetDef::member("__name__", "", |_, v| Ok(this(v).name.clone().into())),
        GetSetDef::get("__default__", "The default value for this TypeVarTuple.", |vm, v| {
            let t = this(v).clone();
            value_or_no_default(vm, Some(&t.default))
        }),
        GetSetDef::get("evaluate_default", "", |_, v| Ok(this(v).default.evaluator().unwrap_or_else(none))),
    ]);

fn this(v: &Value) -> &Py<TypeVarTuple> {
    v.downcast::<TypeVarTuple>().expect("a type variable tuple")
}

/// Whether the value is a `TypeVarTuple`.
pub fn is_typevartuple(v: &Value) -> bool {
    v.is_exact::<TypeVarTuple>()
}

/// The type variable tuple of `def f[*Ts]`.
pub fn new_typevartuple(vm: &mut Vm, name: &Value) -> PyResult {
    let name = name_argument(vm, &Some(name.clone()), "typevartuple")?;
    Ok(instance::new_of(&TYPEVARTUPLE.class(), TypeVarTuple { name, default: Lazy::default() }).into())
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("typevartuple", "(name, *, default=NoDefault)");
    let b = args.bind(vm, &SIGNATURE)?;
    let name = name_argument(vm, &b[0], "typevartuple")?;
    let default = Lazy::maybe(b[1].clone().filter(|d| !is_no_default(d)));
    let v: Value = instance::new_of(class, TypeVarTuple { name, default }).into();
    let module = caller_module(vm).unwrap_or_else(none);
    instance::set_attribute(&v, name!("__module__"), &module);
    Ok(v)
}
