//! `dict` as Python code sees it (`Objects/dictobject.c`); `views` has the views and the iterators.

use super::views::{DictView, ITEMS, KEYS, VALUES, keys_iter, keys_reversed};
use super::{Dict, Found};
use crate::object::instance::new_of;
use crate::object::typedef::CmpOp;
use crate::object::{
    MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none, not_implemented,
};
use crate::types::exceptions::TYPE_ERROR;
use crate::types::generic_alias::class_getitem;
use crate::types::list::List;
use crate::types::sequence::{cpython_basicsize, hash_for, join_texts, method_args, quick_eq};
use crate::types::set::any_set_exact;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// The type `dict`.
pub static DICT: TypeDef = TypeDef::new::<Dict>("dict")
    .doc("Values by hashable key, in the order of insertion; made from a mapping, from pairs, or from keyword arguments.")
    .flags(
        TypeFlags::HAVE_GC
            .union(TypeFlags::BASETYPE)
            .union(TypeFlags::DICT_SUBCLASS)
            .union(TypeFlags::MAPPING)
            .union(TypeFlags::MATCH_SELF),
    )
    .cpython_size(48, 0)
    .slots(Slots {
        new: Some(dict_new),
        init: Some(|vm, me, args| update_from_args(vm, this(me), args, "dict")),
        repr: Some(dict_repr),
        hash: Some(crate::types::slots::not_hashable),
        richcmp: Some(dict_richcmp),
        iter: Some(keys_iter),
        len: Some(|_, me| Ok(this(me).len())),
        subscript: Some(dict_subscript),
        set_subscript: Some(dict_set_subscript),
        contains: Some(dict_contains),
        or: Some(dict_or),
        ior: Some(|vm, me, other| {
            update_from(vm, this(me), other)?;
            Ok(me.clone())
        }),
        ..Slots::NONE
    })
    .methods(METHODS);

const METHODS: &[MethodDef] = &[
    MethodDef::method(
        "__contains__",
        "($self, key, /)",
        "Return whether the dict has the key.",
        NativeFn::F2(|vm, me, key| Ok(boolean(dict_contains(vm, me, key)?))),
    ),
    MethodDef::method("__getitem__", "($self, key, /)", "Return self[key].", NativeFn::F2(dict_subscript)),
    MethodDef::method(
        "__sizeof__",
        "($self, /)",
        "Return the size of the dict in memory, in bytes.",
        NativeFn::F1(|vm, me| Ok(Value::from_usize(cpython_basicsize(me.class()) + keys_bytes(this(me).get(vm))))),
    ),
    MethodDef::method(
        "get",
        "($self, key, default=None, /)",
        "Return the value of the key if there is one, else the default.",
        NativeFn::V(dict_get),
    ),
    MethodDef::method(
        "setdefault",
        "($self, key, default=None, /)",
        "Return the value of the key, after setting it to the default if there was none.",
        NativeFn::V(dict_setdefault),
    ),
    MethodDef::method(
        "pop",
        "($self, key, default=<unrepresentable>, /)",
        "Remove the key and return its value; without the key return the default, or raise KeyError.",
        NativeFn::V(dict_pop),
    ),
    MethodDef::method(
        "popitem",
        "($self, /)",
        "Remove and return the pair inserted last; KeyError if the dict is empty.",
        NativeFn::F1(dict_popitem),
    ),
    MethodDef::method(
        "keys",
        "($self, /)",
        "Return a set-like view of the keys.",
        NativeFn::F1(|_, me| Ok(DictView::<{ KEYS }>::over(this(me)))),
    ),
    MethodDef::method(
        "items",
        "($self, /)",
        "Return a set-like view of the pairs.",
        NativeFn::F1(|_, me| Ok(DictView::<{ ITEMS }>::over(this(me)))),
    ),
    MethodDef::method(
        "values",
        "($self, /)",
        "Return a view of the values.",
        NativeFn::F1(|_, me| Ok(DictView::<{ VALUES }>::over(this(me)))),
    ),
    MethodDef::method(
        "update",
        "",
        "Set the items of a mapping or of an iterable of pairs, then those of keyword arguments.",
        NativeFn::V(|vm, args| {
            let Some(me) = args.get(0) else {
                return Err(vm.type_error("unbound method dict.update() needs an argument"));
            };
            update_from_args(vm, this(me), &args.rest(), "update")?;
            Ok(none())
        }),
    ),
    MethodDef::class(
        "fromkeys",
        "($type, iterable, value=None, /)",
        "Make a dict with the items of an iterable as keys, all with one value.",
        NativeFn::V(dict_fromkeys),
    ),
    MethodDef::method(
        "clear",
        "($self, /)",
        "Remove all items.",
        NativeFn::F1(|_, me| {
            this(me).clear_all();
            Ok(none())
        }),
    ),
    MethodDef::method("copy", "($self, /)", "Return a shallow copy.", NativeFn::F1(|_, me| Ok(this(me).copy().into()))),
    MethodDef::method(
        "__reversed__",
        "($self, /)",
        "Return a reverse iterator over the keys.",
        NativeFn::F1(keys_reversed),
    ),
    MethodDef::class(
        "__class_getitem__",
        "($type, object, /)",
        "dict is generic over the types of keys and values.",
        NativeFn::F2(class_getitem),
    ),
];

pub(super) fn this(me: &Value) -> &Py<Dict> {
    me.downcast::<Dict>().expect("a method of dict is called on a dict")
}

/// Hash of a key, with the `TypeError` that dicts raise for an unhashable one.
#[inline]
pub fn key_hash(vm: &mut Vm, key: &Value) -> PyResult<i64> {
    hash_for(vm, key, "dict key")
}

/// Value of a key.
#[inline]
pub(super) fn look_up(vm: &mut Vm, d: &Py<Dict>, key: &Value) -> PyResult<Option<Value>> {
    let hash = key_hash(vm, key)?;
    d.get_item_hashed(vm, key, hash)
}

/// Removes a key whose hash is known; gives key and value.
pub fn remove_hashed(vm: &mut Vm, d: &Py<Dict>, key: &Value, hash: i64) -> PyResult<Option<(Value, Value)>> {
    Ok(match d.find(vm, key, hash)? {
        Found::Entry(slot, entry) => Some(d.poke().remove_at(slot, entry)),
        Found::Absent => None,
    })
}

/// Bytes of the key table as CPython 3.14 lays it out (`_PyDict_KeysSize`); an empty dict shares one.
fn keys_bytes(d: &Dict) -> usize {
    let slots = d.table_len();
    if slots == 0 {
        return 0;
    }
    let index = match slots {
        ..256 => 1,
        256..65536 => 2,
        _ => 4,
    };
    let entry = if d.has_only_str_keys() { 16 } else { 24 };
    32 + slots * index + ((slots << 1) / 3) * entry
}

fn dict_new(_: &mut Vm, class: &Py<Type>, _: &Args<'_>) -> PyResult {
    Ok(match std::ptr::eq(class.get_type(), DICT.object()) {
        true => Dict::new_object().into(),
        false => new_of(class, Dict::new()).into(),
    })
}

// ---- updating ----------------------------------------------------------------------------------------------------------

fn update_from_args(vm: &mut Vm, d: &Py<Dict>, args: &Args<'_>, name: &str) -> PyResult<()> {
    if args.len() > 1 {
        return Err(vm.type_error(format!("{name} expected at most 1 argument, got {}", args.len())));
    }
    if let Some(v) = args.get(0) {
        update_from(vm, d, v)?;
    }
    for (key, value) in args.keywords() {
        d.set_item_hashed(vm, key.as_value(), key.hash(), value.clone())?;
    }
    Ok(())
}

/// Sets the items of a mapping (anything with `keys`) or of an iterable of pairs, as `dict.update(other)` does.
pub fn update_from(vm: &mut Vm, d: &Py<Dict>, other: &Value) -> PyResult<()> {
    if let Some(src) = other.downcast_exact::<Dict>() {
        return merge_dict(vm, d, src, true);
    }
    let keys = vm.intern("keys");
    match vm.get_attr_opt(other, &keys)? {
        Some(_) => merge(vm, d, other, true),
        None => merge_pairs(vm, d, other),
    }
}

/// Sets the items of a mapping (`PyDict_Merge`); without `replace`, keys that are there keep their values.
pub fn merge(vm: &mut Vm, d: &Py<Dict>, mapping: &Value, replace: bool) -> PyResult<()> {
    if let Some(src) = mapping.downcast::<Dict>() {
        let iter = mapping.class().payload.slots().iter;
        if iter.is_some_and(|f| std::ptr::fn_addr_eq(f, keys_iter as crate::object::typedef::UnaryFn)) {
            return merge_dict(vm, d, src, replace);
        }
    }
    let keys = vm.call_method(mapping, "keys", &[])?;
    let it = vm.iter(&keys)?;
    while let Some(key) = vm.next(&it)? {
        let hash = key_hash(vm, &key)?;
        if !replace && d.get_item_hashed(vm, &key, hash)?.is_some() {
            continue;
        }
        let value = vm.get_item(mapping, &key)?;
        d.set_item_hashed(vm, &key, hash, value)?;
    }
    Ok(())
}

/// Sets the items of another dict.
pub fn merge_dict(vm: &mut Vm, d: &Py<Dict>, src: &Py<Dict>, replace: bool) -> PyResult<()> {
    if d.as_value().is(src.as_value()) || src.len() == 0 {
        return Ok(());
    }
    if d.len() == 0 {
        take_table(d, &src.copy());
        return Ok(());
    }
    let positions = src.get(vm).positions();
    if super::usable(d.get(vm).table_len()) < src.len() {
        let n = d.len() + src.len();
        d.get_mut(vm).reserve(n);
    }
    for i in 0..positions {
        let Some((key, value, hash)) = src.get(vm).at(i).map(|(k, v, h)| (k.clone(), v.clone(), h)) else { continue };
        if replace || d.get_item_hashed(vm, &key, hash)?.is_none() {
            d.set_item_hashed(vm, &key, hash, value)?;
        }
        if src.get(vm).positions() != positions {
            return Err(vm.runtime_error("dict mutated during update"));
        }
    }
    Ok(())
}

/// Moves the items of `from`, which nobody else knows, into the empty `to`.
fn take_table(to: &Py<Dict>, from: &Py<Dict>) {
    let (t, f) = (to.poke(), from.poke());
    let changes = t.changes;
    std::mem::swap(t, f);
    t.changes = changes;
    t.changed();
}

/// Sets items from an iterable of pairs (`PyDict_MergeFromSeq2`).
pub fn merge_pairs(vm: &mut Vm, d: &Py<Dict>, pairs: &Value) -> PyResult<()> {
    let it = vm.iter(pairs)?;
    let mut n = 0;
    while let Some(item) = vm.next(&it)? {
        let [key, value] = pair(vm, &item, n)?;
        let hash = key_hash(vm, &key)?;
        d.set_item_hashed(vm, &key, hash, value)?;
        n += 1;
    }
    Ok(())
}

fn pair(vm: &mut Vm, item: &Value, n: usize) -> PyResult<[Value; 2]> {
    if let Some([key, value]) = item.downcast_exact::<Tuple>().map(|t| t.items()) {
        return Ok([key.clone(), value.clone()]);
    }
    let parts = match vm.sequence(item, "object is not iterable") {
        Ok(parts) => parts,
        Err(r) if !vm.error_is(&TYPE_ERROR) => return Err(r),
        Err(_) => {
            let error = vm.take_error();
            let note = vm.new_str(&format!("Cannot convert dictionary update sequence element #{n} to a sequence"));
            vm.call_method(&error, "add_note", &[note])?;
            vm.set_pending(error);
            return Err(vm.already_raised());
        }
    };
    let len = parts.len();
    <[Value; 2]>::try_from(parts)
        .map_err(|_| vm.value_error(format!("dictionary update sequence element #{n} has length {len}; 2 is required")))
}

// ---- slots -------------------------------------------------------------------------------------------------------------

fn dict_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let d = this(me);
    if d.len() == 0 {
        return Ok(vm.intern("{}").into());
    }
    if !vm.enter_repr(me) {
        return Ok(vm.intern("{...}").into());
    }
    let parts = repr_parts(vm, d);
    vm.leave_repr(me);
    let parts = parts?;
    let refs: Vec<&Str> = parts.iter().map(|p| &**p).collect();
    Ok(join_texts(&refs).into())
}

fn repr_parts(vm: &mut Vm, d: &Py<Dict>) -> PyResult<Vec<Py<Str>>> {
    let (open, close, colon, comma) = (vm.intern("{"), vm.intern("}"), vm.intern(": "), vm.intern(", "));
    let mut parts = vec![open];
    let mut position = 0;
    while let Some((next, key, value)) = d.next_from(position) {
        if parts.len() > 1 {
            parts.push(comma.clone());
        }
        parts.push(vm.repr(&key)?);
        parts.push(colon.clone());
        parts.push(vm.repr(&value)?);
        position = next;
    }
    parts.push(close);
    Ok(parts)
}

fn dict_equal(vm: &mut Vm, a: &Py<Dict>, b: &Py<Dict>) -> PyResult<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let mut i = 0;
    while i < a.get(vm).positions() {
        let Some((key, value, hash)) = a.get(vm).at(i).map(|(k, v, h)| (k.clone(), v.clone(), h)) else {
            i += 1;
            continue;
        };
        let Some(other) = b.get_item_hashed(vm, &key, hash)? else { return Ok(false) };
        let same = match quick_eq(&other, &value) {
            Some(same) => same,
            None => vm.eq(&other, &value)?,
        };
        if !same {
            return Ok(false);
        }
        i += 1;
    }
    Ok(true)
}

fn dict_richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else { return Ok(not_implemented()) };
    match op {
        CmpOp::Eq => Ok(boolean(dict_equal(vm, x, y)?)),
        CmpOp::Ne => Ok(boolean(!dict_equal(vm, x, y)?)),
        _ => Ok(not_implemented()),
    }
}

/// `dict[key]`.
pub fn dict_subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    if let Some(v) = look_up(vm, this(me), key)? {
        return Ok(v);
    }
    if !me.is_exact::<Dict>() {
        if let Some(missing) = vm.lookup_special(me, "__missing__")? {
            return vm.call1(&missing, key);
        }
    }
    Err(vm.key_error(key))
}

fn dict_set_subscript(vm: &mut Vm, me: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let d = this(me);
    let hash = key_hash(vm, key)?;
    match value {
        Some(v) => d.set_item_hashed(vm, key, hash, v.clone()),
        None => match remove_hashed(vm, d, key, hash)? {
            Some(_) => Ok(()),
            None => Err(vm.key_error(key)),
        },
    }
}

pub(super) fn dict_contains(vm: &mut Vm, me: &Value, key: &Value) -> PyResult<bool> {
    Ok(look_up(vm, this(me), key)?.is_some())
}

fn dict_or(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let (Some(x), Some(_)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else { return Ok(not_implemented()) };
    let out = x.copy();
    update_from(vm, &out, b)?;
    Ok(out.into())
}

// ---- methods -----------------------------------------------------------------------------------------------------------

fn dict_get(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, rest) = method_args(vm, args, "dict.get", 1, 2)?;
    Ok(match look_up(vm, this(me), &rest[0])? {
        Some(v) => v,
        None => rest.get(1).cloned().unwrap_or_else(none),
    })
}

fn dict_setdefault(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, rest) = method_args(vm, args, "dict.setdefault", 1, 2)?;
    let d = this(me);
    let hash = key_hash(vm, &rest[0])?;
    match d.find(vm, &rest[0], hash)? {
        Found::Entry(_, e) => Ok(d.peek().entries[e].value.clone().expect("live entry")),
        Found::Absent => {
            let default = rest.get(1).cloned().unwrap_or_else(none);
            d.poke().insert_new(rest[0].clone(), hash, default.clone());
            Ok(default)
        }
    }
}

fn dict_pop(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, rest) = method_args(vm, args, "dict.pop", 1, 2)?;
    let d = this(me);
    let removed = match d.len() {
        0 => None,
        _ => {
            let hash = key_hash(vm, &rest[0])?;
            remove_hashed(vm, d, &rest[0], hash)?
        }
    };
    match (removed, rest.get(1)) {
        (Some((_, v)), _) => Ok(v),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(vm.key_error(&rest[0])),
    }
}

fn dict_popitem(vm: &mut Vm, me: &Value) -> PyResult {
    match this(me).pop_last() {
        Some((k, v)) => Ok(Tuple::of([k, v]).into()),
        None => {
            let text = vm.new_str("popitem(): dictionary is empty");
            Err(vm.key_error(&text))
        }
    }
}

fn dict_fromkeys(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (class, rest) = method_args(vm, args, "dict.fromkeys", 1, 2)?;
    from_keys(vm, class, &rest[0], &rest.get(1).cloned().unwrap_or_else(none))
}

/// A new `class()` with the items of an iterable as keys, all with one value (`_PyDict_FromKeys`).
pub fn from_keys(vm: &mut Vm, class: &Value, iterable: &Value, value: &Value) -> PyResult {
    let made = vm.call0(class)?;
    let exact = made.downcast_exact::<Dict>().cloned();
    if let Some(d) = &exact {
        if let Some(src) = iterable.downcast_exact::<Dict>().filter(|_| d.len() == 0) {
            for (key, hash) in keys_with_hashes(vm, src) {
                d.set_item_hashed(vm, &key, hash, value.clone())?;
            }
            return Ok(made);
        }
        if let Some(set) = any_set_exact(iterable).filter(|_| d.len() == 0) {
            for (key, hash) in set.get(vm).entries() {
                d.set_item_hashed(vm, &key, hash, value.clone())?;
            }
            return Ok(made);
        }
    }
    let it = vm.iter(iterable)?;
    while let Some(key) = vm.next(&it)? {
        match &exact {
            Some(d) => {
                let hash = key_hash(vm, &key)?;
                d.set_item_hashed(vm, &key, hash, value.clone())?;
            }
            None => vm.set_item(&made, &key, value)?,
        }
    }
    Ok(made)
}

/// The keys in order, with their hashes.
pub fn keys_with_hashes(vm: &Vm, d: &Py<Dict>) -> Vec<(Value, i64)> {
    let d = d.get(vm);
    (0..d.positions()).filter_map(|i| d.at(i).map(|(k, _, h)| (k.clone(), h))).collect()
}

/// The keys in order as a new list.
pub fn keys_list(vm: &Vm, d: &Py<Dict>) -> Py<List> {
    List::from_vec(d.get(vm).iter().map(|(k, _)| k.clone()).collect())
}
