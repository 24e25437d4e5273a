//! Type parameters (PEP 484, 612, 646, 695, 696): what `_typing` has and what `def f[T]` makes.
//!
//! `variable` has `TypeVar`, `paramspec` `ParamSpec` with its `args` and `kwargs`, `tuple` `TypeVarTuple`, `alias`
//! `TypeAliasType`, `lazy` values that are computed at first use. The rules of substitution are written in Python, in
//! `typing`, and called from here.

pub mod alias;
pub mod lazy;
pub mod paramspec;
pub mod tuple;
pub mod variable;

use crate::name;
use crate::object::value::StaticObj;
use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value};
use crate::types::object::{Object, object_new};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use lazy::Lazy;

pub use alias::{is_type_alias, new_type_alias};
pub use paramspec::new_paramspec;
pub use tuple::new_typevartuple;
pub use variable::new_typevar;

/// Calls a function of `typing`.
pub(crate) fn typing(vm: &mut Vm, function: &str, args: &[Value]) -> PyResult {
    let f = vm.import_attr("typing", function)?;
    vm.call(&f, args)
}

/// Name of the module whose code is running.
fn caller_module(vm: &mut Vm) -> Option<Value> {
    vm.globals()?.lookup_str(name!("__name__")).filter(|m| !m.is_none())
}

/// A `str` argument called `name`.
fn name_argument(vm: &mut Vm, v: &Option<Value>, function: &str) -> PyResult<Py<Str>> {
    match v.as_ref().and_then(|v| v.downcast::<Str>()) {
        Some(s) => Ok(s.clone()),
        None => {
            let got = v.as_ref().map_or_else(String::new, |v| v.class().payload.name());
            Err(vm.type_error(format!("{function}() argument 'name' must be str, not {got}")))
        }
    }
}

/// The text `~T`, `+T`, `-T` or `T` of a type parameter.
fn variance_mark(covariant: bool, contravariant: bool, inferred: bool) -> &'static str {
    match (inferred, covariant, contravariant) {
        (true, ..) => "",
        (_, true, _) => "+",
        (_, _, true) => "-",
        _ => "~",
    }
}

/// Refuses to be a base class.
fn no_subclass(vm: &mut Vm, v: &Value) -> PyResult {
    let name = crate::types::typeobject::short_name(v.class());
    Err(vm.type_error(format!("Cannot subclass an instance of {name}")))
}

/// `a | b` for type parameters: text becomes a forward reference.
fn union(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    crate::types::union::of_any(vm, &[a.clone(), b.clone()])
}

/// The type parameters with each `TypeVarTuple` unpacked.
fn unpacked(vm: &mut Vm, params: &Py<Tuple>) -> PyResult<Py<Tuple>> {
    if !params.items().iter().any(tuple::is_typevartuple) {
        return Ok(params.clone());
    }
    let mut out = Vec::with_capacity(params.len());
    for p in params.items() {
        out.push(if tuple::is_typevartuple(p) { unpack(vm, p)? } else { p.clone() });
    }
    Ok(Tuple::from_vec(out))
}

/// `typing.Unpack[v]`
fn unpack(vm: &mut Vm, v: &Value) -> PyResult {
    let f = vm.import_attr("typing", "Unpack")?;
    vm.get_item(&f, v)
}

/// An iterator that gives `typing.Unpack[v]` once: `*Ts`.
fn unpack_iter(vm: &mut Vm, v: &Value) -> PyResult {
    let once = Tuple::from_vec(vec![unpack(vm, v)?]).into();
    vm.iter(&once)
}

/// `Generic[params]` of a class with a parameter list (`INTRINSIC_SUBSCRIPT_GENERIC`).
pub fn subscript_generic(vm: &mut Vm, params: &Value) -> PyResult {
    let params = match params.downcast::<Tuple>() {
        Some(t) => unpacked(vm, &t.clone())?.into(),
        None => params.clone(),
    };
    typing(vm, "_GenericAlias", &[GENERIC.value(), params])
}

/// Gives a type parameter its default, computed at first use (`INTRINSIC_SET_TYPEPARAM_DEFAULT`).
pub fn set_default(vm: &mut Vm, param: &Value, evaluate: &Value) -> PyResult {
    match default_of(param) {
        Some(d) => {
            d.set_evaluator(evaluate);
            Ok(param.clone())
        }
        None => {
            let name = param.class().payload.name();
            Err(vm.type_error(format!("Expected a type param, got {name}")))
        }
    }
}

/// The default of a type parameter of any kind.
fn default_of(v: &Value) -> Option<&Lazy> {
    if let Some(t) = v.downcast::<variable::TypeVar>() {
        return Some(&t.default);
    }
    if let Some(p) = v.downcast::<paramspec::ParamSpec>() {
        return Some(&p.default);
    }
    v.downcast::<tuple::TypeVarTuple>().map(|t| &t.default)
}

/// `__typing_prepare_subst__` of a parameter with a default: the default stands in for a missing last argument.
fn with_default(vm: &mut Vm, v: &Value, alias: &Value, args: &Value) -> PyResult {
    let params = vm.get_attr(alias, name!("__parameters__"))?;
    let params = vm.collect(&params)?;
    let given = vm.collect(args)?;
    let index = params.iter().position(|p| p.is(v)).unwrap_or(params.len());
    let missing = index == given.len();
    let default = if missing { lazy::value_or_no_default(vm, default_of(v))? } else { no_default() };
    if is_no_default(&default) {
        return Ok(args.clone());
    }
    let mut all = given;
    all.push(default);
    Ok(Tuple::from_vec(all).into())
}

// ---- NoDefault ------------------------------------------------------------------------------------------------------

/// Payload of `typing.NoDefault`: nothing.
pub struct NoDefaultType;
crate::payload!(NoDefaultType, NO_DEFAULT_TYPE);

/// `typing.NoDefault`.
pub static NO_DEFAULT: StaticObj<NoDefaultType> = StaticObj::new(NO_DEFAULT_TYPE.object(), NoDefaultType);

/// The type of `typing.NoDefault`.
pub static NO_DEFAULT_TYPE: TypeDef = TypeDef::new::<NoDefaultType>("NoDefaultType")
    .doc("The type of the NoDefault singleton.")
    .signature("()")
    .cpython_size(16, 0)
    .slots(Slots {
        repr: Some(|vm, _| Ok(vm.new_str("typing.NoDefault"))),
        new: Some(|vm, _, args| {
            if args.len() != 0 || args.has_keywords() {
                return Err(vm.type_error("NoDefaultType takes no arguments"));
            }
            Ok(no_default())
        }),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "",
        NativeFn::F1(|vm, _| Ok(vm.intern("NoDefault").into())),
    )]);

/// `typing.NoDefault`.
pub fn no_default() -> Value {
    NO_DEFAULT.value()
}

/// Whether the value is `typing.NoDefault`.
pub fn is_no_default(v: &Value) -> bool {
    v.is_static(&NO_DEFAULT)
}

// ---- Generic --------------------------------------------------------------------------------------------------------

/// `typing.Generic`. Its instances are plain objects, so that it can be combined with any other base.
pub static GENERIC: TypeDef = TypeDef::new::<Object>("typing.Generic")
    .doc(
        "Abstract base class for generic types: a class that is subscripted with type variables derives from it, \
         implicitly when it has a parameter list.",
    )
    .flags(TypeFlags::BASETYPE)
    .cpython_size(16, 0)
    .slots(Slots { new: Some(object_new), ..Slots::NONE })
    .methods(&[
        MethodDef::class(
            "__class_getitem__",
            "",
            "Parameterizes a generic class.",
            NativeFn::V(|vm, args| forward(vm, "_generic_class_getitem", args)),
        ),
        MethodDef::class(
            "__init_subclass__",
            "",
            "Function to initialize subclasses.",
            NativeFn::V(|vm, args| forward(vm, "_generic_init_subclass", args)),
        ),
    ]);

fn forward(vm: &mut Vm, function: &str, args: &Args<'_>) -> PyResult {
    let f = vm.import_attr("typing", function)?;
    vm.call_args(&f, args)
}

/// The types of this room, for the table of builtin types.
pub static TYPES: &[&TypeDef] = &[
    &GENERIC,
    &NO_DEFAULT_TYPE,
    &lazy::CONST_EVALUATOR,
    &variable::TYPEVAR,
    &paramspec::PARAMSPEC,
    &paramspec::PARAMSPEC_ARGS,
    &paramspec::PARAMSPEC_KWARGS,
    &tuple::TYPEVARTUPLE,
    &alias::TYPE_ALIAS,
];

/// Puts `__module__` into the dictionaries of the types whose instances show it; call after they are ready.
pub fn finish_ready() {
    for def in [
        &GENERIC,
        &variable::TYPEVAR,
        &paramspec::PARAMSPEC,
        &paramspec::PARAMSPEC_ARGS,
        &paramspec::PARAMSPEC_KWARGS,
        &tuple::TYPEVARTUPLE,
    ] {
        if !def.object().payload.has(TypeFlags::READY) {
            continue;
        }
        let dict = def.object().payload.dict();
        if dict.lookup_str(name!("__module__")).is_none() {
            dict.store_str(name!("__module__"), Str::from_rust("typing").into());
        }
    }
}
