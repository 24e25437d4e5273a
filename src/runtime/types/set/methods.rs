//! `set` and `frozenset` as Python code sees them (`Objects/setobject.c`).

use super::iter::set_iter;
use super::ops::{copy_payload, difference, intersection, is_subset};
use super::{FrozenSet, Set, any_set, is_mutable_set, make};
use crate::object::instance::new;
use crate::object::typedef::CmpOp;
use crate::object::{
    MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none, not_implemented,
};
use crate::types::generic_alias::class_getitem;
use crate::types::list::List;
use crate::types::sequence::{cpython_basicsize, enclose};
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// What both types can do.
const COMMON: Slots = Slots {
    repr: Some(set_repr),
    richcmp: Some(set_richcmp),
    iter: Some(set_iter),
    len: Some(|vm, me| Ok(this(me).get(vm).len())),
    contains: Some(|vm, me, v| this(me).contains(vm, v)),
    and: Some(|vm, a, b| number(vm, a, b, |vm, a, b| intersection(vm, a, b.as_value()))),
    or: Some(|vm, a, b| number(vm, a, b, |vm, a, b| union(vm, a, b.as_value()))),
    sub: Some(|vm, a, b| number(vm, a, b, |vm, a, b| difference(vm, a, b.as_value()))),
    xor: Some(|vm, a, b| number(vm, a, b, |vm, a, b| symmetric_difference(vm, a, b.as_value()))),
    ..Slots::NONE
};

/// The type `set`.
pub static SET: TypeDef = TypeDef::new::<Set>("set")
    .doc("An unordered collection of distinct hashable objects.")
    .signature("(iterable=(), /)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE).union(TypeFlags::BASETYPE).union(TypeFlags::MATCH_SELF))
    .cpython_size(200, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(make(class, Set::new()))),
        init: Some(set_init),
        hash: Some(crate::types::slots::not_hashable),
        iand: Some(|vm, me, other| inplace(vm, me, other, intersection_update)),
        ior: Some(|vm, me, other| inplace(vm, me, other, |vm, s, o| s.update(vm, o))),
        isub: Some(|vm, me, other| inplace(vm, me, other, |vm, s, o| s.remove_all(vm, o))),
        ixor: Some(|vm, me, other| inplace(vm, me, other, |vm, s, o| s.toggle_all(vm, o))),
        ..COMMON
    })
    .methods(&[
        CONTAINS,
        COPY,
        DIFFERENCE,
        INTERSECTION,
        IS_DISJOINT,
        IS_SUBSET,
        IS_SUPERSET,
        REDUCE,
        SIZEOF,
        SYMMETRIC_DIFFERENCE,
        UNION,
        CLASS_GETITEM,
        MethodDef::method(
            "add",
            "($self, object, /)",
            "Add an element; nothing happens if it is there.",
            NativeFn::F2(|vm, me, v| {
                this(me).add(vm, v)?;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "clear",
            "($self, /)",
            "Remove all elements.",
            NativeFn::F1(|vm, me| {
                let dead = this(me).get_mut(vm).take_all();
                drop(dead);
                Ok(none())
            }),
        ),
        MethodDef::method(
            "discard",
            "($self, object, /)",
            "Remove an element if it is there.",
            NativeFn::F2(|vm, me, v| {
                this(me).discard(vm, v)?;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "remove",
            "($self, object, /)",
            "Remove an element; KeyError if it is not there.",
            NativeFn::F2(|vm, me, v| if this(me).discard(vm, v)? { Ok(none()) } else { Err(vm.key_error(v)) }),
        ),
        MethodDef::method(
            "pop",
            "($self, /)",
            "Remove and return some element; KeyError if there is none.",
            NativeFn::F1(set_pop),
        ),
        MethodDef::method(
            "update",
            "($self, /, *others)",
            "Add the items of all others.",
            NativeFn::V(|vm, args| {
                let (me, others) = split(vm, args, "set.update")?;
                for o in others {
                    me.update(vm, o)?;
                }
                Ok(none())
            }),
        ),
        MethodDef::method(
            "difference_update",
            "($self, /, *others)",
            "Remove the items of all others.",
            NativeFn::V(|vm, args| {
                let (me, others) = split(vm, args, "set.difference_update")?;
                for o in others {
                    me.remove_all(vm, o)?;
                }
                Ok(none())
            }),
        ),
        MethodDef::method(
            "intersection_update",
            "($self, /, *others)",
            "Keep only elements that all others have.",
            NativeFn::V(|vm, args| {
                let (me, others) = split(vm, args, "set.intersection_update")?;
                let kept = intersect_all(vm, me, others)?;
                replace(vm, me, &kept);
                Ok(none())
            }),
        ),
        MethodDef::method(
            "symmetric_difference_update",
            "($self, other, /)",
            "Keep what the set or the other has, but not both.",
            NativeFn::F2(|vm, me, other| {
                this(me).toggle_all(vm, other)?;
                Ok(none())
            }),
        ),
    ]);

/// The type `frozenset`.
pub static FROZENSET: TypeDef = TypeDef::new::<FrozenSet>("frozenset")
    .doc("An unordered collection of distinct hashable objects that never changes.")
    .signature("(iterable=(), /)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE).union(TypeFlags::BASETYPE).union(TypeFlags::MATCH_SELF))
    .cpython_size(200, 0)
    .slots(Slots { new: Some(frozenset_new), hash: Some(|vm, me| Ok(this(me).get(vm).frozen_hash())), ..COMMON })
    .methods(&[
        CONTAINS,
        COPY,
        DIFFERENCE,
        INTERSECTION,
        IS_DISJOINT,
        IS_SUBSET,
        IS_SUPERSET,
        REDUCE,
        SIZEOF,
        SYMMETRIC_DIFFERENCE,
        UNION,
        CLASS_GETITEM,
    ]);

const CONTAINS: MethodDef = MethodDef::method(
    "__contains__",
    "($self, object, /)",
    "Return whether the element is there.",
    NativeFn::F2(|vm, me, v| Ok(boolean(this(me).contains(vm, v)?))),
);
const COPY: MethodDef = MethodDef::method(
    "copy",
    "($self, /)",
    "Return a shallow copy.",
    NativeFn::F1(|vm, me| {
        if me.is_exact::<FrozenSet>() {
            return Ok(me.clone());
        }
        let copy = copy_payload(vm, this(me));
        Ok(like(me, copy))
    }),
);
const DIFFERENCE: MethodDef = MethodDef::method(
    "difference",
    "($self, /, *others)",
    "Return what the set has and none of the others has.",
    NativeFn::V(|vm, args| {
        let (me, others) = split(vm, args, "set.difference")?;
        let Some((first, rest)) = others.split_first() else {
            let copy = new(copy_payload(vm, me));
            return Ok(as_type(vm, me, copy));
        };
        let out = difference(vm, me, first)?;
        for o in rest {
            out.remove_all(vm, o)?;
        }
        Ok(as_type(vm, me, out))
    }),
);
const INTERSECTION: MethodDef = MethodDef::method(
    "intersection",
    "($self, /, *others)",
    "Return what the set and all others have.",
    NativeFn::V(|vm, args| {
        let (me, others) = split(vm, args, "set.intersection")?;
        let out = intersect_all(vm, me, others)?;
        Ok(as_type(vm, me, out))
    }),
);
const IS_DISJOINT: MethodDef = MethodDef::method(
    "isdisjoint",
    "($self, other, /)",
    "Return whether the set and the other have no element in common.",
    NativeFn::F2(isdisjoint),
);
const IS_SUBSET: MethodDef = MethodDef::method(
    "issubset",
    "($self, other, /)",
    "Return whether the other has every element of the set.",
    NativeFn::F2(|vm, me, other| {
        let me = this(me);
        Ok(boolean(match any_set(other) {
            Some(o) => is_subset(vm, me, o)?,
            None => intersection(vm, me, other)?.get(vm).len() == me.get(vm).len(),
        }))
    }),
);
const IS_SUPERSET: MethodDef = MethodDef::method(
    "issuperset",
    "($self, other, /)",
    "Return whether the set has every element of the other.",
    NativeFn::F2(|vm, me, other| {
        let me = this(me);
        if let Some(o) = any_set(other) {
            return Ok(boolean(is_subset(vm, o, me)?));
        }
        let mut all = true;
        vm.for_each(other, |vm, v| {
            all = me.contains(vm, &v)?;
            Ok(all)
        })?;
        Ok(boolean(all))
    }),
);
const REDUCE: MethodDef = MethodDef::method(
    "__reduce__",
    "($self, /)",
    "Return state information for pickling.",
    NativeFn::F1(|vm, me| {
        let items = List::from_vec(this(me).get(vm).to_vec());
        let state = vm.call_method(me, "__getstate__", &[])?;
        let class: Value = Py::of(me.class()).into();
        Ok(Tuple::of([class, Tuple::of([items.into()]).into(), state]).into())
    }),
);
const SIZEOF: MethodDef = MethodDef::method(
    "__sizeof__",
    "($self, /)",
    "Return the size of the set in memory, in bytes.",
    NativeFn::F1(|vm, me| {
        let slots = this(me).get(vm).slots();
        let table = if slots > 8 { slots * 16 } else { 0 };
        Ok(Value::from_usize(cpython_basicsize(me.class()) + table))
    }),
);
const SYMMETRIC_DIFFERENCE: MethodDef = MethodDef::method(
    "symmetric_difference",
    "($self, other, /)",
    "Return what the set or the other has, but not both.",
    NativeFn::F2(|vm, me, other| {
        let out = symmetric_difference(vm, this(me), other)?;
        Ok(as_type(vm, this(me), out))
    }),
);
const UNION: MethodDef = MethodDef::method(
    "union",
    "($self, /, *others)",
    "Return what the set or any of the others has.",
    NativeFn::V(|vm, args| {
        let (me, others) = split(vm, args, "set.union")?;
        let out = new(copy_payload(vm, me));
        for o in others {
            out.update(vm, o)?;
        }
        Ok(as_type(vm, me, out))
    }),
);
const CLASS_GETITEM: MethodDef = MethodDef::class(
    "__class_getitem__",
    "($type, object, /)",
    "Sets are generic over the type of their elements.",
    NativeFn::F2(class_getitem),
);

fn this(me: &Value) -> &Py<Set> {
    any_set(me).expect("a method of set is called on a set")
}

/// `self` and the other arguments of a method with `*others`.
fn split<'a>(vm: &mut Vm, args: &Args<'a>, name: &str) -> PyResult<(&'a Py<Set>, &'a [Value])> {
    args.no_keywords(vm, name)?;
    match args.pos().split_first() {
        Some((me, others)) => Ok((this(me), others)),
        None => Err(vm.type_error(format!("unbound method {name}() needs an argument"))),
    }
}

/// A set with these elements, of type `set` or `frozenset` as `me` is (results never have a subclass's type).
fn like(me: &Value, set: Set) -> Value {
    if is_mutable_set(me) { new(set).into() } else { new(FrozenSet(set)).into() }
}

/// As [`like`], for a set that nobody else knows.
fn as_type(vm: &mut Vm, me: &Py<Set>, set: Py<Set>) -> Value {
    if is_mutable_set(me.as_value()) {
        return set.into();
    }
    let payload = std::mem::take(set.get_mut(vm));
    new(FrozenSet(payload)).into()
}

// ---- making ------------------------------------------------------------------------------------------------------------

fn set_init(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    args.between(vm, "set", 0, 1)?;
    let set = this(me);
    if set.get(vm).fill != 0 {
        let dead = set.get_mut(vm).take_all();
        drop(dead);
    }
    match args.get(0) {
        Some(v) => set.update(vm, v),
        None => Ok(()),
    }
}

fn frozenset_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let exact = std::ptr::eq(class.get_type(), FROZENSET.object());
    let own_init = class
        .get_type()
        .payload
        .slots()
        .init
        .is_some_and(|f| !crate::types::object::OBJECT.slots.init.is_some_and(|o| std::ptr::fn_addr_eq(f, o)));
    if args.has_keywords() && (exact || !own_init) {
        return Err(vm.type_error("frozenset() takes no keyword arguments"));
    }
    if args.len() > 1 {
        return Err(vm.type_error(format!("frozenset expected at most 1 argument, got {}", args.len())));
    }
    let Some(iterable) = args.get(0) else { return Ok(make(class, Set::new())) };
    if exact && iterable.is_exact::<FrozenSet>() {
        return Ok(iterable.clone());
    }
    let set = Set::new_object();
    set.update(vm, iterable)?;
    let payload = std::mem::take(set.get_mut(vm));
    Ok(make(class, payload))
}

/// A `frozenset` of these items (constants of code, `__slots__` helpers and the like).
pub fn frozen_from_items(vm: &mut Vm, items: &[Value]) -> PyResult {
    let set = Set::new_object();
    for v in items {
        set.add(vm, v)?;
    }
    let payload = std::mem::take(set.get_mut(vm));
    Ok(new(FrozenSet(payload)).into())
}

// ---- slots -------------------------------------------------------------------------------------------------------------

fn set_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let name = me.class().payload.name();
    if this(me).get(vm).len() == 0 {
        return Ok(vm.new_str(&format!("{name}()")));
    }
    if !vm.enter_repr(me) {
        return Ok(vm.new_str(&format!("{name}(...)")));
    }
    let items = this(me).get(vm).to_vec();
    let mut texts = Vec::with_capacity(items.len());
    for v in &items {
        match vm.repr(v) {
            Ok(s) => texts.push(s),
            Err(r) => {
                vm.leave_repr(me);
                return Err(r);
            }
        }
    }
    vm.leave_repr(me);
    if me.is_exact::<Set>() {
        return Ok(enclose("{", &texts, "}").into());
    }
    Ok(enclose(&format!("{name}({{"), &texts, "})").into())
}

fn set_richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (any_set(a), any_set(b)) else { return Ok(not_implemented()) };
    let (m, n) = (x.get(vm).len(), y.get(vm).len());
    let holds = match op {
        CmpOp::Eq | CmpOp::Ne => {
            let (h, k) = (x.get(vm).hash.get(), y.get(vm).hash.get());
            let equal = m == n && (h == -1 || k == -1 || h == k) && is_subset(vm, x, y)?;
            equal == (op == CmpOp::Eq)
        }
        CmpOp::Le => is_subset(vm, x, y)?,
        CmpOp::Ge => is_subset(vm, y, x)?,
        CmpOp::Lt => m < n && is_subset(vm, x, y)?,
        CmpOp::Gt => m > n && is_subset(vm, y, x)?,
    };
    Ok(boolean(holds))
}

/// An operator between two sets; the result has the left one's type.
fn number(
    vm: &mut Vm,
    a: &Value,
    b: &Value,
    f: impl FnOnce(&mut Vm, &Py<Set>, &Py<Set>) -> PyResult<Py<Set>>,
) -> PyResult {
    let (Some(x), Some(y)) = (any_set(a), any_set(b)) else { return Ok(not_implemented()) };
    let out = f(vm, x, y)?;
    Ok(as_type(vm, x, out))
}

/// An in-place operator; the other side must be a set.
fn inplace(
    vm: &mut Vm,
    me: &Value,
    other: &Value,
    f: impl FnOnce(&mut Vm, &Py<Set>, &Value) -> PyResult<()>,
) -> PyResult {
    if any_set(other).is_none() {
        return Ok(not_implemented());
    }
    f(vm, this(me), other)?;
    Ok(me.clone())
}

fn union(vm: &mut Vm, a: &Py<Set>, b: &Value) -> PyResult<Py<Set>> {
    let out = new(copy_payload(vm, a));
    out.update(vm, b)?;
    Ok(out)
}

fn symmetric_difference(vm: &mut Vm, a: &Py<Set>, b: &Value) -> PyResult<Py<Set>> {
    let out = Set::new_object();
    out.update(vm, b)?;
    out.toggle_all(vm, a.as_value())?;
    Ok(out)
}

// ---- methods -----------------------------------------------------------------------------------------------------------

fn intersect_all(vm: &mut Vm, me: &Py<Set>, others: &[Value]) -> PyResult<Py<Set>> {
    let Some((first, rest)) = others.split_first() else { return Ok(new(copy_payload(vm, me))) };
    let mut out = intersection(vm, me, first)?;
    for o in rest {
        out = intersection(vm, &out, o)?;
    }
    Ok(out)
}

fn intersection_update(vm: &mut Vm, me: &Py<Set>, other: &Value) -> PyResult<()> {
    let kept = intersection(vm, me, other)?;
    replace(vm, me, &kept);
    Ok(())
}

/// Gives `me` the elements of `other`, which nobody else knows.
fn replace(vm: &mut Vm, me: &Py<Set>, other: &Py<Set>) {
    let new = std::mem::take(other.get_mut(vm));
    let old = std::mem::replace(me.get_mut(vm), new);
    drop(old);
}

fn isdisjoint(vm: &mut Vm, me: &Value, other: &Value) -> PyResult {
    let set = this(me);
    if me.is(other) {
        return Ok(boolean(set.get(vm).len() == 0));
    }
    if let Some(o) = any_set(other).filter(|_| super::any_set_exact(other).is_some()) {
        let (walked, asked) = if o.get(vm).len() > set.get(vm).len() { (set, o) } else { (o, set) };
        let none_shared = walked.each(vm, |vm, key, hash| Ok(!asked.has_hashed(vm, key, hash)?))?;
        return Ok(boolean(none_shared));
    }
    let mut disjoint = true;
    vm.for_each(other, |vm, v| {
        let hash = super::ops::element_hash(vm, &v)?;
        disjoint = !set.has_hashed(vm, &v, hash)?;
        Ok(disjoint)
    })?;
    Ok(boolean(disjoint))
}

fn set_pop(vm: &mut Vm, me: &Value) -> PyResult {
    match this(me).get_mut(vm).pop_some() {
        Some(v) => Ok(v),
        None => {
            let text = vm.new_str("pop from an empty set");
            Err(vm.key_error(&text))
        }
    }
}
