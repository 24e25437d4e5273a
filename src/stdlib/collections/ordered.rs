//! `collections.OrderedDict`: a dict that can also reorder its items and compares with its order. Every dict keeps the
//! order of insertion here, so nothing but the methods is added.

use super::ordered_views::{ODICT_ITEMS, ODICT_KEYS, ODICT_VALUES, Part, odict_iter, odict_reversed, view};
use taipan_runtime::name;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none, not_implemented,
};
use taipan_runtime::types::dict::methods::{DICT, from_keys, key_hash, remove_hashed};
use taipan_runtime::types::dict::{Dict, order};
use taipan_runtime::types::object::{get_dict, set_dict};
use taipan_runtime::types::sequence::join_texts;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject::short_name;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// The type `collections.OrderedDict`.
pub static ORDERED_DICT: TypeDef = TypeDef::new::<Dict>("collections.OrderedDict")
    .doc("A dict whose items can be moved to either end, and whose equality with its like asks for the same order.")
    .base(&DICT)
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::HAS_DICT).union(TypeFlags::WEAKREFABLE))
    .cpython_size(112, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(new_of(class, Dict::new()).into())),
        init: Some(|vm, me, args| {
            if args.len() > 1 {
                return Err(vm.type_error(format!("expected at most 1 argument, got {}", args.len())));
            }
            update(vm, me, args)
        }),
        repr: Some(odict_repr),
        richcmp: Some(odict_richcmp),
        iter: Some(|vm, me| Ok(odict_iter(vm, dict(me), Part::Keys))),
        or: Some(odict_or),
        ior: Some(|vm, me, other| {
            update_arg(vm, me, other)?;
            Ok(me.clone())
        }),
        set_subscript: Some(odict_set_subscript),
        ..Slots::NONE
    })
    .methods(METHODS)
    .getset(&[GetSetDef::get_set("__dict__", "", get_dict, set_dict)]);

const METHODS: &[MethodDef] = &[
    MethodDef::class(
        "fromkeys",
        "($type, /, iterable, value=None)",
        "Make an ordered dict with the items of an iterable as keys, all with one value.",
        NativeFn::N(|vm, bound| {
            let [Some(class), Some(iterable), value] = bound else { unreachable!("bound by the signature") };
            from_keys(vm, class, iterable, &value.clone().unwrap_or_else(none))
        }),
    ),
    MethodDef::method(
        "__sizeof__",
        "($self, /)",
        "Return the size in memory, in bytes.",
        NativeFn::F1(|vm, me| {
            let of_dict = DICT.methods.iter().find(|m| m.name == "__sizeof__").map(|m| m.function);
            let Some(NativeFn::F1(of_dict)) = of_dict else { unreachable!("dict has __sizeof__") };
            let size = of_dict(vm, me)?.as_small().unwrap_or(0) as usize;
            let d = dict(me).get(vm);
            Ok(Value::from_usize(size + 8 * d.table_len() + 32 * d.len()))
        }),
    ),
    MethodDef::method("__reduce__", "($self, /)", "Return state information for pickling.", NativeFn::F1(odict_reduce)),
    MethodDef::method(
        "setdefault",
        "($self, /, key, default=None)",
        "Return the value of the key, after setting it to the default if there was none.",
        NativeFn::N(odict_setdefault),
    ),
    MethodDef::method(
        "pop",
        "($self, /, key, default=<unrepresentable>)",
        "Remove the key and return its value; without the key return the default, or raise KeyError.",
        NativeFn::N(|vm, bound| {
            let [Some(me), Some(key), default] = bound else { unreachable!("bound by the signature") };
            let hash = key_hash(vm, key)?;
            match (remove_hashed(vm, dict(me), key, hash)?, default) {
                (Some((_, v)), _) => Ok(v),
                (None, Some(default)) => Ok(default.clone()),
                (None, None) => missing_key(vm, me, key),
            }
        }),
    ),
    MethodDef::method(
        "popitem",
        "($self, /, last=True)",
        "Remove and return the last pair, or the first; KeyError if there is none.",
        NativeFn::N(|vm, bound| {
            let [Some(me), last] = bound else { unreachable!("bound by the signature") };
            let last = last.as_ref().map_or(Ok(true), |v| vm.truth(v))?;
            let pair = if last { dict(me).pop_last() } else { order::pop_first(dict(me)) };
            match pair {
                Some((k, v)) => Ok(Tuple::of([k, v]).into()),
                None => {
                    let text = vm.new_str("dictionary is empty");
                    Err(vm.key_error(&text))
                }
            }
        }),
    ),
    MethodDef::method(
        "keys",
        "($self, /)",
        "Return a set-like view of the keys.",
        NativeFn::F1(|_, me| Ok(view(dict(me), &ODICT_KEYS, Part::Keys))),
    ),
    MethodDef::method(
        "values",
        "($self, /)",
        "Return a view of the values.",
        NativeFn::F1(|_, me| Ok(view(dict(me), &ODICT_VALUES, Part::Values))),
    ),
    MethodDef::method(
        "items",
        "($self, /)",
        "Return a set-like view of the pairs.",
        NativeFn::F1(|_, me| Ok(view(dict(me), &ODICT_ITEMS, Part::Items))),
    ),
    MethodDef::method(
        "update",
        "",
        "Set the items of a mapping or of an iterable of pairs, then those of keyword arguments.",
        NativeFn::V(|vm, args| {
            let Some(me) = args.get(0) else {
                return Err(vm.type_error("unbound method OrderedDict.update() needs an argument"));
            };
            if args.len() > 2 {
                let n = args.len() - 1;
                return Err(vm.type_error(format!("update() takes at most 1 positional argument ({n} given)")));
            }
            update(vm, me, &args.rest())?;
            Ok(none())
        }),
    ),
    MethodDef::method(
        "clear",
        "($self, /)",
        "Remove all items.",
        NativeFn::F1(|_, me| {
            dict(me).clear_all();
            Ok(none())
        }),
    ),
    MethodDef::method("copy", "($self, /)", "Return a shallow copy.", NativeFn::F1(odict_copy)),
    MethodDef::method(
        "__reversed__",
        "($self, /)",
        "Return a reverse iterator over the keys.",
        NativeFn::F1(|vm, me| Ok(odict_reversed(vm, dict(me), Part::Keys))),
    ),
    MethodDef::method(
        "move_to_end",
        "($self, /, key, last=True)",
        "Move an item to the end, or to the front; KeyError if it is not there.",
        NativeFn::N(|vm, bound| {
            let [Some(me), Some(key), last] = bound else { unreachable!("bound by the signature") };
            let last = last.as_ref().map_or(Ok(true), |v| vm.truth(v))?;
            let hash = key_hash(vm, key)?;
            match order::move_to_end(vm, dict(me), key, hash, last)? {
                true => Ok(none()),
                false => Err(vm.key_error(key)),
            }
        }),
    ),
];

fn dict(me: &Value) -> &Py<Dict> {
    me.downcast::<Dict>().expect("a method of OrderedDict is called on one")
}

/// `pop` of a missing key: a subclass's `__missing__` is asked.
fn missing_key(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    if !std::ptr::eq(me.class(), ORDERED_DICT.object()) {
        if let Some(f) = vm.lookup_special(me, "__missing__")? {
            return vm.call1(&f, key);
        }
    }
    Err(vm.key_error(key))
}

fn odict_set_subscript(vm: &mut Vm, me: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let hash = vm.hash(key)?;
    match value {
        Some(v) => dict(me).set_item_hashed(vm, key, hash, v.clone()),
        None => match remove_hashed(vm, dict(me), key, hash)? {
            Some(_) => Ok(()),
            None => Err(vm.key_error(key)),
        },
    }
}

// ---- updating ----------------------------------------------------------------------------------------------------------

fn update(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    if let Some(other) = args.get(0) {
        update_arg(vm, me, other)?;
    }
    for (key, value) in args.keywords() {
        vm.set_item(me, key.as_value(), value)?;
    }
    Ok(())
}

/// Sets items one by one through `__setitem__`, which a subclass may have changed.
fn update_arg(vm: &mut Vm, me: &Value, other: &Value) -> PyResult<()> {
    if let Some(d) = other.downcast_exact::<Dict>() {
        for (key, value) in d.pairs() {
            vm.set_item(me, &key, &value)?;
        }
        return Ok(());
    }
    if let Some(keys) = vm.get_attr_opt(other, name!("keys"))? {
        let keys = vm.call0(&keys)?;
        return vm.for_each(&keys, |vm, key| {
            let value = vm.get_item(other, &key)?;
            vm.set_item(me, &key, &value)?;
            Ok(true)
        });
    }
    let pairs = match vm.get_attr_opt(other, name!("items"))? {
        Some(items) => vm.call0(&items)?,
        None => other.clone(),
    };
    vm.for_each(&pairs, |vm, item| {
        let it = vm.iter(&item)?;
        let Some(key) = vm.next(&it)? else { return Err(vm.value_error("need more than 0 values to unpack")) };
        let Some(value) = vm.next(&it)? else { return Err(vm.value_error("need more than 1 value to unpack")) };
        if vm.next(&it)?.is_some() {
            return Err(vm.value_error("too many values to unpack (expected 2)"));
        }
        vm.set_item(me, &key, &value)?;
        Ok(true)
    })
}

fn odict_setdefault(vm: &mut Vm, bound: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(key), default] = bound else { unreachable!("bound by the signature") };
    let default = default.clone().unwrap_or_else(none);
    if std::ptr::eq(me.class(), ORDERED_DICT.object()) {
        let hash = key_hash(vm, key)?;
        if let Some(v) = dict(me).get_item_hashed(vm, key, hash)? {
            return Ok(v);
        }
        dict(me).set_item_hashed(vm, key, hash, default.clone())?;
        return Ok(default);
    }
    if vm.contains(me, key)? {
        return vm.get_item(me, key);
    }
    vm.set_item(me, key, &default)?;
    Ok(default)
}

fn odict_copy(vm: &mut Vm, me: &Value) -> PyResult {
    let class = Py::<Type>::of(me.class());
    if std::ptr::eq(class.get_type(), ORDERED_DICT.object()) {
        let copy = new_of(&class, Dict::new());
        for (key, value) in dict(me).pairs() {
            let hash = vm.hash(&key)?;
            copy.set_item_hashed(vm, &key, hash, value)?;
        }
        return Ok(copy.into());
    }
    let copy = vm.call0(class.as_value())?;
    for (key, _) in dict(me).pairs() {
        let value = vm.get_item(me, &key)?;
        vm.set_item(&copy, &key, &value)?;
    }
    Ok(copy)
}

fn odict_or(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if a.downcast::<Dict>().is_none() || b.downcast::<Dict>().is_none() {
        return Ok(not_implemented());
    }
    let like = if vm.is_kind(a, &ORDERED_DICT) { a } else { b };
    let class: Value = Py::<Type>::of(like.class()).into();
    let sum = vm.call1(&class, a)?;
    update_arg(vm, &sum, b)?;
    Ok(sum)
}

// ---- looking -----------------------------------------------------------------------------------------------------------

fn odict_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let name = short_name(me.class()).to_string();
    if dict(me).len() == 0 {
        return Ok(vm.new_str(&format!("{name}()")));
    }
    if !vm.enter_repr(me) {
        return Ok(vm.intern("...").into());
    }
    let text = vm.call1(&DICT.value(), me).and_then(|d| vm.repr(&d));
    vm.leave_repr(me);
    let open = Str::from_rust(&format!("{name}("));
    Ok(join_texts(&[&open, &*text?, name!(")")]).into())
}

fn odict_richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let Some(y) = b.downcast::<Dict>().filter(|_| matches!(op, CmpOp::Eq | CmpOp::Ne)) else {
        return Ok(not_implemented());
    };
    let Some(as_dicts) = DICT.slots.richcmp else { unreachable!("dict can be compared") };
    let equal = as_dicts(vm, a, b, CmpOp::Eq)?;
    let mut equal = vm.truth(&equal)?;
    if equal && vm.is_kind(b, &ORDERED_DICT) {
        equal = same_order(vm, dict(a), y)?;
    }
    Ok(boolean(equal == (op == CmpOp::Eq)))
}

fn same_order(vm: &mut Vm, x: &Py<Dict>, y: &Py<Dict>) -> PyResult<bool> {
    let before = (x.get(vm).changes(), y.get(vm).changes());
    let (mut i, mut j) = (0, 0);
    while let (Some((next_i, p, _)), Some((next_j, q, _))) = (x.next_from(i), y.next_from(j)) {
        let same = vm.eq(&p, &q)?;
        if (x.get(vm).changes(), y.get(vm).changes()) != before {
            return Err(vm.runtime_error("OrderedDict mutated during iteration"));
        }
        if !same {
            return Ok(false);
        }
        (i, j) = (next_i, next_j);
    }
    Ok(true)
}

fn odict_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let state = vm.call_method(me, "__getstate__", &[])?;
    let items = vm.call_method_named(me, name!("items"), &[])?;
    let it = vm.iter(&items)?;
    let class: Value = Py::<Type>::of(me.class()).into();
    Ok(Tuple::of([class, Tuple::empty().into(), state, none(), it]).into())
}
