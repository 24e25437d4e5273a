//! `ParamSpec`, and its `args` and `kwargs`.

use super::lazy::{Lazy, value_or_no_default};
use super::{caller_module, is_no_default, name_argument, no_subclass, typing, union, variance_mark};
use crate::name;
use crate::object::typedef::{CmpOp, Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use NativeFn::{F1, F2, F3};

/// Payload of `ParamSpec`.
pub struct ParamSpec {
    name: Py<Str>,
    bound: Option<Value>,
    pub(super) default: Lazy,
    covariant: bool,
    contravariant: bool,
    infer_variance: bool,
}
// SAFETY: made by `TypeDef::new::<ParamSpec>`; every value is visited.
unsafe impl Payload for ParamSpec {
    const DEF: &'static TypeDef = &PARAMSPEC;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let ParamSpec { name, bound, default, covariant: _, contravariant: _, infer_variance: _ } = self;
        visit(name.as_value());
        bound.iter().for_each(&mut *visit);
        default.traverse(visit);
    }
    fn clear(&mut self) {
        drop(self.bound.take());
        self.default.clear();
    }
}
impl Frozen for ParamSpec {}

/// `typing.ParamSpec`.
pub static PARAMSPEC: TypeDef = TypeDef::new::<ParamSpec>("typing.ParamSpec")
    .doc("Parameter specification variable: stands for the parameters of a callable (PEP 612).")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::HAS_DICT).union(TypeFlags::WEAKREFABLE))
    .cpython_size(56, 0)
    .slots(Slots {
        repr: Some(|_, v| {
            let p = this(v);
            let mark = variance_mark(p.covariant, p.contravariant, p.infer_variance);
            Ok(Str::concat(&Str::from_rust(mark), &p.name).into())
        }),
        or: Some(union),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__typing_subst__",
            "($self, arg, /)",
            "",
            F2(|vm, v, arg| typing(vm, "_paramspec_subst", &[v.clone(), arg.clone()])),
        ),
        MethodDef::method(
            "__typing_prepare_subst__",
            "($self, alias, args, /)",
            "",
            F3(|vm, v, alias, args| typing(vm, "_paramspec_prepare_subst", &[v.clone(), alias.clone(), args.clone()])),
        ),
        MethodDef::method(
            "has_default",
            "($self, /)",
            "",
            F1(|_, v| Ok(boolean(this(v).default.evaluator().is_some()))),
        ),
        MethodDef::method("__reduce__", "($self, /)", "", F1(|_, v| Ok(this(v).name.clone().into()))),
        MethodDef::method("__mro_entries__", "($self, object, /)", "", F2(|vm, v, _| no_subclass(vm, v))),
    ])
    .getset(&[
        GetSetDef::member("__name__", "", |_, v| Ok(this(v).name.clone().into())),
        GetSetDef::member("__bound__", "", |_, v| Ok(this(v).bound.clone().unwrap_or_else(none))),
        GetSetDef::member("__covariant__", "", |_, v| Ok(boolean(this(v).covariant))),
        GetSetDef::member("__contravariant__", "", |_, v| Ok(boolean(this(v).contravariant))),
        GetSetDef::member("__infer_variance__", "", |_, v| Ok(boolean(this(v).infer_variance))),
        GetSetDef::get("args", "Represents positional arguments.", |_, v| {
            Ok(instance::new(ParamSpecArgs { origin: v.clone() }).into())
        }),
        GetSetDef::get("kwargs", "Represents keyword arguments.", |_, v| {
            Ok(instance::new(ParamSpecKwargs { origin: v.clone() }).into())
        }),
        GetSetDef::get("__default__", "The default value for this ParamSpec.", |vm, v| {
            let p = this(v).clone();
            value_or_no_default(vm, Some(&p.default))
        }),
        GetSetDef::get("evaluate_default", "", |_, v| Ok(this(v).default.evaluator().unwrap_or_else(none))),
    ]);

fn this(v: &Value) -> &Py<ParamSpec> {
    v.downcast::<ParamSpec>().expect("a parameter specification")
}

/// The parameter specification of `def f[**P]`.
pub fn new_paramspec(vm: &mut Vm, name: &Value) -> PyResult {
    let name = name_argument(vm, &Some(name.clone()), "paramspec")?;
    let payload = ParamSpec {
        name,
        bound: None,
        default: Lazy::default(),
        covariant: false,
        contravariant: false,
        infer_variance: true,
    };
    Ok(instance::new_of(&PARAMSPEC.class(), payload).into())
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new(
        "paramspec",
        "(name, *, bound=None, default=NoDefault, covariant=False, contravariant=False, infer_variance=False)",
    );
    let b = args.bind(vm, &SIGNATURE)?;
    let name = name_argument(vm, &b[0], "paramspec")?;
    let bound = b[1].clone().filter(|v| !v.is_none());
    let flag = |vm: &mut Vm, i: usize| -> PyResult<bool> {
        match &b[i] {
            Some(v) => vm.truth(v),
            None => Ok(false),
        }
    };
    let (covariant, contravariant, infer_variance) = (flag(vm, 3)?, flag(vm, 4)?, flag(vm, 5)?);
    if covariant && contravariant {
        return Err(vm.value_error("Bivariant types are not supported."));
    }
    if infer_variance && (covariant || contravariant) {
        return Err(vm.value_error("Variance cannot be specified with infer_variance."));
    }
    let default = Lazy::maybe(b[2].clone().filter(|d| !is_no_default(d)));
    let payload = ParamSpec { name, bound, default, covariant, contravariant, infer_variance };
    let v: Value = instance::new_of(class, payload).into();
    let module = caller_module(vm).unwrap_or_else(none);
    instance::set_attribute(&v, name!("__module__"), &module);
    Ok(v)
}

/// Payload of `ParamSpecArgs`.
pub struct ParamSpecArgs {
    origin: Value,
}
/// Payload of `ParamSpecKwargs`.
pub struct ParamSpecKwargs {
    origin: Value,
}

macro_rules! part {
    ($payload:ident, $def:ident, $name:literal, $suffix:literal, $doc:literal) => {
        // SAFETY: made by `TypeDef::new`; the one value is visited.
        unsafe impl Payload for $payload {
            const DEF: &'static TypeDef = &$def;
            fn traverse(&self, visit: &mut Visit<'_>) {
                visit(&self.origin);
            }
        }
        impl Frozen for $payload {}

        #[doc = $doc]
        pub static $def: TypeDef = TypeDef::new::<$payload>(concat!("typing.", $name))
            .doc($doc)
            .signature("(origin)")
            .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE))
            .cpython_size(24, 0)
            .slots(Slots {
                repr: Some(|vm, v| part_repr(vm, &origin_of(v), $suffix)),
                richcmp: Some(part_compare),
                new: Some(|vm, class, args| {
                    static SIGNATURE: Signature = Signature::new($name, "(origin)");
                    let b = args.bind(vm, &SIGNATURE)?;
                    Ok(instance::new_of(class, $payload { origin: b[0].clone().unwrap_or_else(none) }).into())
                }),
                ..Slots::NONE
            })
            .methods(&[MethodDef::method(
                "__mro_entries__",
                "($self, object, /)",
                "",
                F2(|vm, v, _| no_subclass(vm, v)),
            )])
            .getset(&[GetSetDef::member("__origin__", "", |_, v| Ok(origin_of(v)))]);
    };
}

part!(ParamSpecArgs, PARAMSPEC_ARGS, "ParamSpecArgs", "args", "The args of a ParamSpec: P.args.");
part!(ParamSpecKwargs, PARAMSPEC_KWARGS, "ParamSpecKwargs", "kwargs", "The kwargs of a ParamSpec: P.kwargs.");

fn origin_of(v: &Value) -> Value {
    if let Some(a) = v.downcast::<ParamSpecArgs>() {
        return a.origin.clone();
    }
    v.downcast::<ParamSpecKwargs>().map_or_else(none, |k| k.origin.clone())
}

fn part_repr(vm: &mut Vm, origin: &Value, suffix: &str) -> PyResult {
    let text = match origin.downcast::<ParamSpec>() {
        Some(p) => p.name.to_rust().into_owned(),
        None => vm.repr(origin)?.to_rust().into_owned(),
    };
    Ok(vm.new_str(&format!("{text}.{suffix}")))
}

fn part_compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if !crate::types::typeobject::same(a.class(), b.class()) || !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(not_implemented());
    }
    vm.compare(&origin_of(a), &origin_of(b), op)
}
