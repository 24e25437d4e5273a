//! `typing.Union`: `int | str` (PEP 604). Members are flattened and appear once; order is kept for show only.

use crate::object::typedef::{CmpOp, Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use crate::types::dict::Dict;
use crate::types::exceptions::TYPE_ERROR;
use crate::types::generic_alias::{self, GenericAlias, make_parameters, substitute, type_repr};
use crate::types::singletons::NONE_TYPE;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{set, typeobject, typevar};
use crate::vm::Vm;
use NativeFn::F2;

/// Payload of `typing.Union`.
pub struct Union {
    /// `__args__`
    pub args: Py<Tuple>,
    /// The members that have a hash, as keys.
    hashable: Py<Dict>,
    /// The others.
    unhashable: Vec<Value>,
}
// SAFETY: made by `TypeDef::new::<Union>`; every value is visited.
unsafe impl Payload for Union {
    const DEF: &'static TypeDef = &UNION;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(self.args.as_value());
        visit(self.hashable.as_value());
        self.unhashable.iter().for_each(visit);
    }
}
impl Frozen for Union {}

/// `typing.Union`, also `types.UnionType`.
pub static UNION: TypeDef = TypeDef::new::<Union>("typing.Union")
    .doc("Represent a union type\n\nE.g. for int | str")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE).union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(56, 0)
    .slots(Slots {
        repr: Some(repr),
        hash: Some(hash),
        getattr: Some(|vm, v, name| {
            if name.is_text("__module__") {
                let class = v.class_value();
                return vm.get_attr(&class, name);
            }
            crate::types::object::generic_getattr(vm, v, name)
        }),
        richcmp: Some(compare),
        or: Some(or),
        subscript: Some(subscript),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__mro_entries__",
            "($self, object, /)",
            "",
            F2(|vm, v, _| {
                let shown = vm.repr(v)?;
                Err(vm.type_error(format!("Cannot subclass {}", shown.to_rust())))
            }),
        ),
        MethodDef::class("__class_getitem__", "($type, object, /)", "See PEP 585", F2(class_getitem)),
    ])
    .getset(&[
        GetSetDef::member("__args__", "", |_, v| Ok(this(v).args.clone().into())),
        GetSetDef::get("__name__", "Name of the type", |vm, _| Ok(vm.intern("Union").into())),
        GetSetDef::get("__qualname__", "Qualified name of the type", |vm, _| Ok(vm.intern("Union").into())),
        GetSetDef::get("__origin__", "Always returns the type", |_, _| Ok(UNION.value())),
        GetSetDef::get("__parameters__", "Type variables in the types.UnionType.", |vm, v| {
            let args = this(v).args.clone();
            Ok(make_parameters(vm, args.items())?.into())
        }),
    ]);

fn this(v: &Value) -> &Py<Union> {
    v.downcast::<Union>().expect("a union")
}

/// The members of a union, as a tuple; `None` for anything else.
pub fn args_of(v: &Value) -> Option<Value> {
    v.downcast::<Union>().map(|u| u.args.clone().into())
}

/// Whether `|` makes a union of the value: `None`, classes, aliases, unions.
fn is_unionable(v: &Value) -> bool {
    v.is_none()
        || typeobject::as_class(v).is_some()
        || v.downcast::<GenericAlias>().is_some()
        || v.downcast::<Union>().is_some()
        || typevar::is_type_alias(v)
}

/// `a | b` for types.
pub fn or(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    // What is a union already takes anything.
    if a.downcast::<Union>().is_some() || b.downcast::<Union>().is_some() {
        return of_any(vm, &[a.clone(), b.clone()]);
    }
    if !is_unionable(a) || !is_unionable(b) {
        return Ok(not_implemented());
    }
    of(vm, &[a.clone(), b.clone()])
}

/// The union of these, with text turned into forward references: `Union[...]` and `|` of type variables.
pub fn of_any(vm: &mut Vm, items: &[Value]) -> PyResult {
    let mut converted = Vec::with_capacity(items.len());
    for item in items {
        if item.downcast::<Str>().is_some() {
            let f = vm.import_attr("typing", "_type_convert")?;
            converted.push(vm.call1(&f, item)?);
        } else {
            converted.push(item.clone());
        }
    }
    of(vm, &converted)
}

struct Builder {
    args: Vec<Value>,
    hashable: Py<Dict>,
    unhashable: Vec<Value>,
}

impl Builder {
    fn add(&mut self, vm: &mut Vm, v: &Value) -> PyResult<()> {
        if let Some(u) = v.downcast::<Union>() {
            let args = u.args.clone();
            for a in args.items() {
                self.add(vm, a)?;
            }
            return Ok(());
        }
        let v = if v.is_none() { NONE_TYPE.value() } else { v.clone() };
        let hash = match vm.hash(&v) {
            Ok(h) => h,
            Err(_) if vm.error_is(&TYPE_ERROR) => {
                vm.clear_error();
                for known in &self.unhashable {
                    if vm.eq(known, &v)? {
                        return Ok(());
                    }
                }
                self.unhashable.push(v.clone());
                self.args.push(v);
                return Ok(());
            }
            Err(r) => return Err(r),
        };
        if self.hashable.get_item_hashed(vm, &v, hash)?.is_none() {
            self.hashable.set_item_hashed(vm, &v, hash, none())?;
            self.args.push(v);
        }
        Ok(())
    }
}

/// The union of these; a single member stands for itself.
pub fn of(vm: &mut Vm, items: &[Value]) -> PyResult {
    let mut b = Builder { args: Vec::new(), hashable: Dict::new_object(), unhashable: Vec::new() };
    for item in items {
        b.add(vm, item)?;
    }
    if let [only] = &b.args[..] {
        return Ok(only.clone());
    }
    let Builder { args, hashable, unhashable } = b;
    Ok(instance::new(Union { args: Tuple::from_vec(args), hashable, unhashable }).into())
}

fn class_getitem(vm: &mut Vm, _: &Value, item: &Value) -> PyResult {
    let items = match item.downcast::<Tuple>() {
        Some(t) => t.items().to_vec(),
        None => vec![item.clone()],
    };
    if items.is_empty() {
        return Err(vm.type_error("Cannot take a Union of no types."));
    }
    of_any(vm, &items)
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let args = this(v).args.clone();
    let mut parts = Vec::new();
    for a in args.items() {
        parts.push(type_repr(vm, a)?);
    }
    Ok(vm.new_str(&parts.join(" | ")))
}

fn hash(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let u = this(v).clone();
    if !u.unhashable.is_empty() {
        for x in &u.unhashable {
            vm.hash(x)?;
        }
        let n = u.unhashable.len();
        return Err(vm.type_error(format!("union contains {n} unhashable element{}", if n == 1 { "" } else { "s" })));
    }
    let members = set::frozen_from_items(vm, u.args.items())?;
    vm.hash(&members)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Union>(), b.downcast::<Union>()) else { return Ok(not_implemented()) };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(not_implemented());
    }
    let (x, y) = (x.clone(), y.clone());
    let equal = same_members(vm, &x, &y)?;
    Ok(boolean(equal == (op == CmpOp::Eq)))
}

fn same_members(vm: &mut Vm, x: &Py<Union>, y: &Py<Union>) -> PyResult<bool> {
    if x.hashable.len() != y.hashable.len() || x.unhashable.len() != y.unhashable.len() {
        return Ok(false);
    }
    for (key, _) in x.hashable.pairs() {
        if y.hashable.get_item(vm, &key)?.is_none() {
            return Ok(false);
        }
    }
    for p in &x.unhashable {
        let mut found = false;
        for q in &y.unhashable {
            found = found || vm.eq(p, q)?;
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

fn subscript(vm: &mut Vm, v: &Value, item: &Value) -> PyResult {
    let args = this(v).args.clone();
    let parameters = generic_alias::make_parameters(vm, args.items())?;
    let new = substitute(vm, v, args.items(), &parameters, item)?;
    of_any(vm, &new)
}
