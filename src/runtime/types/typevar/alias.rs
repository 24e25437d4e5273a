//! `TypeAliasType`: what `type Alias = …` makes; its value is computed when it is first asked for.

use super::lazy::Lazy;
use super::{caller_module, default_of, name_argument, unpack_iter, unpacked};
use crate::name;
use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, instance, none,
};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{generic_alias, union};
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};

/// Payload of `TypeAliasType`.
pub struct TypeAlias {
    name: Py<Str>,
    params: Option<Py<Tuple>>,
    value: Lazy,
    module: Option<Value>,
}
// SAFETY: made by `TypeDef::new::<TypeAlias>`; every value is visited.
unsafe impl Payload for TypeAlias {
    const DEF: &'static TypeDef = &TYPE_ALIAS;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let TypeAlias { name, params, value, module } = self;
        visit(name.as_value());
        params.iter().for_each(|p| visit(p.as_value()));
        value.traverse(visit);
        module.iter().for_each(visit);
    }
    fn clear(&mut self) {
        drop(self.params.take());
        self.value.clear();
    }
}
impl Frozen for TypeAlias {}

/// `typing.TypeAliasType`.
pub static TYPE_ALIAS: TypeDef = TypeDef::new::<TypeAlias>("typing.TypeAliasType")
    .doc("Type alias, as made by the type statement; __value__ is computed when it is first asked for (PEP 695).")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(56, 0)
    .slots(Slots {
        repr: Some(|_, v| Ok(this(v).name.clone().into())),
        or: Some(union::or),
        iter: Some(unpack_iter),
        subscript: Some(|vm, v, item| {
            if this(v).params.is_none() {
                return Err(vm.type_error("Only generic type aliases are subscriptable"));
            }
            generic_alias::alias(vm, v, item)
        }),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method("__reduce__", "($self, /)", "", NativeFn::F1(|_, v| Ok(this(v).name.clone().into())))])
    .getset(&[
        GetSetDef::member("__name__", "", |_, v| Ok(this(v).name.clone().into())),
        GetSetDef::get("__parameters__", "", |vm, v| match this(v).params.clone() {
            Some(p) => Ok(unpacked(vm, &p)?.into()),
            None => Ok(Tuple::empty().into()),
        }),
        GetSetDef::get("__type_params__", "", |_, v| Ok(this(v).params.clone().unwrap_or_else(Tuple::empty).into())),
        GetSetDef::get("__value__", "", |vm, v| {
            let a = this(v).clone();
            Ok(a.value.get(vm)?.unwrap_or_else(none))
        }),
        GetSetDef::get("evaluate_value", "", |_, v| Ok(this(v).value.evaluator().unwrap_or_else(none))),
        GetSetDef::get("__module__", "", |vm, v| {
            let a = this(v).clone();
            if let Some(m) = &a.module {
                return Ok(m.clone());
            }
            match a.value.function() {
                Some(f) => Ok(vm.get_attr_opt(&f, name!("__module__"))?.unwrap_or_else(none)),
                None => Ok(none()),
            }
        }),
    ]);

fn this(v: &Value) -> &Py<TypeAlias> {
    v.downcast::<TypeAlias>().expect("a type alias")
}

/// Whether the value is a type alias.
pub fn is_type_alias(v: &Value) -> bool {
    v.is_exact::<TypeAlias>()
}

/// The alias of a `type` statement, from `(name, type parameters or None, function that computes the value)`.
pub fn new_type_alias(vm: &mut Vm, parts: &Value) -> PyResult {
    let parts = parts.downcast::<Tuple>().cloned();
    let Some([name, params, compute]) = parts.as_ref().map(|p| p.items()) else {
        return Err(vm.system_error("a type alias is made from three parts"));
    };
    let payload = TypeAlias {
        name: name_argument(vm, &Some(name.clone()), "typealias")?,
        params: params.downcast::<Tuple>().cloned().filter(|p| p.len() != 0),
        value: Lazy::computed(compute.clone()),
        module: None,
    };
    Ok(instance::new(payload).into())
}

/// Type parameters must be type parameters, those with a default last.
fn check_params(vm: &mut Vm, params: &Py<Tuple>) -> PyResult<()> {
    let mut seen_default = false;
    for p in params.items() {
        let Some(default) = default_of(p) else {
            let shown = vm.repr(p)?;
            return Err(vm.type_error(format!("Expected a type param, got {}", shown.to_rust())));
        };
        let has_default = default.evaluator().is_some();
        if seen_default && !has_default {
            let shown = vm.repr(p)?;
            let text = format!("non-default type parameter '{}' follows default type parameter", shown.to_rust());
            return Err(vm.type_error(text));
        }
        seen_default |= has_default;
    }
    Ok(())
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("typealias", "(name, value, *, type_params=())");
    let b = args.bind(vm, &SIGNATURE)?;
    let name = name_argument(vm, &b[0], "typealias")?;
    let params = match &b[2] {
        Some(p) => match p.downcast::<Tuple>() {
            Some(t) => Some(t.clone()),
            None => return Err(vm.type_error("type_params must be a tuple")),
        },
        None => None,
    };
    if let Some(p) = &params {
        check_params(vm, p)?;
    }
    let payload = TypeAlias {
        name,
        params: params.filter(|p| p.len() != 0),
        value: Lazy::given(b[1].clone().unwrap_or_else(none)),
        module: caller_module(vm),
    };
    Ok(instance::new_of(class, payload).into())
}
