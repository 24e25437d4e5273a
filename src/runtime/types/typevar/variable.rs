//! `TypeVar`.

use super::lazy::{Lazy, value_or_no_default};
use super::{caller_module, is_no_default, name_argument, no_subclass, typing, union, variance_mark, with_default};
use crate::name;
use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use NativeFn::{F1, F2, F3};

/// Payload of `TypeVar`.
pub struct TypeVar {
    name: Py<Str>,
    bound: Lazy,
    constraints: Lazy,
    pub(super) default: Lazy,
    covariant: bool,
    contravariant: bool,
    infer_variance: bool,
}
// SAFETY: made by `TypeDef::new::<TypeVar>`; every value is visited.
unsafe impl Payload for TypeVar {
    const DEF: &'static TypeDef = &TYPEVAR;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let TypeVar { name, bound, constraints, default, covariant: _, contravariant: _, infer_variance: _ } = self;
        visit(name.as_value());
        for l in [bound, constraints, default] {
            l.traverse(visit);
        }
    }
    fn clear(&mut self) {
        self.bound.clear();
        self.constraints.clear();
        self.default.clear();
    }
}
impl Frozen for TypeVar {}

/// `typing.TypeVar`.
pub static TYPEVAR: TypeDef = TypeDef::new::<TypeVar>("typing.TypeVar")
    .doc("Type variable: stands for any type, for one within a bound, or for one of several constraints.")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::HAS_DICT).union(TypeFlags::WEAKREFABLE))
    .cpython_size(72, 0)
    .slots(Slots {
        repr: Some(|_, v| {
            let t = this(v);
            let mark = variance_mark(t.covariant, t.contravariant, t.infer_variance);
            Ok(Str::concat(&Str::from_rust(mark), &t.name).into())
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
            F2(|vm, v, arg| typing(vm, "_typevar_subst", &[v.clone(), arg.clone()])),
        ),
        MethodDef::method("__typing_prepare_subst__", "($self, alias, args, /)", "", F3(with_default)),
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
        GetSetDef::member("__covariant__", "", |_, v| Ok(boolean(this(v).covariant))),
        GetSetDef::member("__contravariant__", "", |_, v| Ok(boolean(this(v).contravariant))),
        GetSetDef::member("__infer_variance__", "", |_, v| Ok(boolean(this(v).infer_variance))),
        GetSetDef::get("__bound__", "", |vm, v| {
            let t = this(v).clone();
            Ok(t.bound.get(vm)?.unwrap_or_else(none))
        }),
        GetSetDef::get("__constraints__", "", |vm, v| {
            let t = this(v).clone();
            Ok(t.constraints.get(vm)?.unwrap_or_else(|| Tuple::empty().into()))
        }),
        GetSetDef::get("__default__", "", |vm, v| {
            let t = this(v).clone();
            value_or_no_default(vm, Some(&t.default))
        }),
        GetSetDef::get("evaluate_bound", "", |_, v| Ok(this(v).bound.evaluator().unwrap_or_else(none))),
        GetSetDef::get("evaluate_constraints", "", |_, v| Ok(this(v).constraints.evaluator().unwrap_or_else(none))),
        GetSetDef::get("evaluate_default", "", |_, v| Ok(this(v).default.evaluator().unwrap_or_else(none))),
    ]);

fn this(v: &Value) -> &Py<TypeVar> {
    v.downcast::<TypeVar>().expect("a type variable")
}

/// The type variable of `def f[T]`, with the functions that compute its bound or constraints.
pub fn new_typevar(
    vm: &mut Vm,
    name: &Value,
    evaluate_bound: Option<&Value>,
    evaluate_constraints: Option<&Value>,
) -> PyResult {
    let name = name_argument(vm, &Some(name.clone()), "typevar")?;
    let lazy = |f: Option<&Value>| f.map_or_else(Lazy::default, |f| Lazy::computed(f.clone()));
    let payload = TypeVar {
        name,
        bound: lazy(evaluate_bound),
        constraints: lazy(evaluate_constraints),
        default: Lazy::default(),
        covariant: false,
        contravariant: false,
        infer_variance: true,
    };
    Ok(instance::new_of(&TYPEVAR.class(), payload).into())
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new(
        "typevar",
        "(name, *constraints, bound=None, default=NoDefault, covariant=False, contravariant=False, \
         infer_variance=False)",
    );
    let b = args.bind(vm, &SIGNATURE)?;
    let name = name_argument(vm, &b[0], "typevar")?;
    let constraints = b[1].as_ref().and_then(|c| c.downcast::<Tuple>().cloned()).filter(|c| c.len() != 0);
    let mut bound = b[2].clone().filter(|v| !v.is_none());
    let flag = |vm: &mut Vm, i: usize| -> PyResult<bool> {
        match &b[i] {
            Some(v) => vm.truth(v),
            None => Ok(false),
        }
    };
    let (covariant, contravariant, infer_variance) = (flag(vm, 4)?, flag(vm, 5)?, flag(vm, 6)?);
    if covariant && contravariant {
        return Err(vm.value_error("Bivariant types are not supported."));
    }
    if infer_variance && (covariant || contravariant) {
        return Err(vm.value_error("Variance cannot be specified with infer_variance."));
    }
    if let Some(b) = &bound {
        let message = vm.new_str("Bound must be a type.");
        bound = Some(typing(vm, "_type_check", &[b.clone(), message])?);
    }
    if let Some(c) = &constraints {
        if c.len() == 1 {
            return Err(vm.type_error("A single constraint is not allowed"));
        }
        if bound.is_some() {
            return Err(vm.type_error("Constraints cannot be combined with bound=..."));
        }
    }
    let payload = TypeVar {
        name,
        bound: Lazy::maybe(bound),
        constraints: Lazy::maybe(constraints.map(Into::into)),
        default: Lazy::maybe(b[3].clone().filter(|d| !is_no_default(d))),
        covariant,
        contravariant,
        infer_variance,
    };
    let v: Value = instance::new_of(class, payload).into();
    let module = caller_module(vm).unwrap_or_else(none);
    instance::set_attribute(&v, name!("__module__"), &module);
    Ok(v)
}
