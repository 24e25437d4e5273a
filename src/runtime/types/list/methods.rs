//! `list` as Python code sees it (`Objects/listobject.c`); `slicing`, `sort` and `iter` have the larger parts.

use super::List;
pub use super::iter::{LIST_ITER, LIST_REVERSE_ITER, ListIter};
use super::iter::{list_iter, list_reversed};
use super::slicing::{list_set_subscript, list_subscript};
use crate::object::buf::Buf;
use crate::object::typedef::CmpOp;
use crate::object::{
    MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none, not_implemented,
};
use crate::types::generic_alias::class_getitem;
use crate::types::range::Range;
use crate::types::sequence::{MAX_ITEMS, cpython_basicsize, enclose, method_args, quick_eq, search_bounds, ssize_arg};
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// The type `list`.
pub static LIST: TypeDef = TypeDef::new::<List>("list")
    .doc("A mutable sequence of any objects; list(iterable) makes one from the items of an iterable.")
    .signature("(iterable=(), /)")
    .flags(
        TypeFlags::HAVE_GC
            .union(TypeFlags::BASETYPE)
            .union(TypeFlags::LIST_SUBCLASS)
            .union(TypeFlags::SEQUENCE)
            .union(TypeFlags::MATCH_SELF),
    )
    .cpython_size(40, 0)
    .slots(Slots {
        new: Some(list_new),
        init: Some(list_init),
        repr: Some(list_repr),
        hash: Some(crate::types::slots::not_hashable),
        richcmp: Some(list_richcmp),
        iter: Some(list_iter),
        len: Some(|_, me| Ok(this(me).len())),
        subscript: Some(list_subscript),
        set_subscript: Some(list_set_subscript),
        item: Some(list_item),
        set_item: Some(|vm, me, i, value| set_index(vm, this(me), i, value)),
        concat: Some(list_concat),
        repeat: Some(list_repeat),
        iconcat: Some(|vm, me, other| {
            extend(vm, this(me), other)?;
            Ok(me.clone())
        }),
        irepeat: Some(list_irepeat),
        contains: Some(|vm, me, item| Ok(find(vm, this(me), item, 0, usize::MAX)?.is_some())),
        ..Slots::NONE
    })
    .methods(&METHODS);

/// The handler of `CALL` knows `append` by the address of its row, which is the first.
static METHODS: [MethodDef; 15] = [
    MethodDef::method(
        "append",
        "($self, object, /)",
        "Append an object to the end.",
        NativeFn::F2(|_, me, item| {
            this(me).push(item.clone());
            Ok(none())
        }),
    ),
    MethodDef::method("__getitem__", "($self, index, /)", "Return self[index].", NativeFn::F2(list_subscript)),
    MethodDef::method(
        "__reversed__",
        "($self, /)",
        "Return a reverse iterator over the list.",
        NativeFn::F1(list_reversed),
    ),
    MethodDef::method(
        "__sizeof__",
        "($self, /)",
        "Return the size of the list in memory, in bytes.",
        NativeFn::F1(|vm, me| {
            let items = this(me).get(vm).items.capacity();
            Ok(Value::from_usize(cpython_basicsize(me.class()) + items * 8))
        }),
    ),
    MethodDef::method(
        "clear",
        "($self, /)",
        "Remove all items.",
        NativeFn::F1(|vm, me| {
            super::end_items(&mut this(me).get_mut(vm).items);
            Ok(none())
        }),
    ),
    MethodDef::method(
        "copy",
        "($self, /)",
        "Return a shallow copy.",
        NativeFn::F1(|vm, me| Ok(copy_range(vm, this(me), 0, usize::MAX).into())),
    ),
    MethodDef::method(
        "insert",
        "($self, index, object, /)",
        "Insert an object before an index.",
        NativeFn::F3(list_insert),
    ),
    MethodDef::method(
        "extend",
        "($self, iterable, /)",
        "Append the items of an iterable.",
        NativeFn::F2(|vm, me, other| {
            extend(vm, this(me), other)?;
            Ok(none())
        }),
    ),
    MethodDef::method(
        "pop",
        "($self, index=-1, /)",
        "Remove and return the item at an index; IndexError if there is none.",
        NativeFn::V(list_pop),
    ),
    MethodDef::method(
        "remove",
        "($self, value, /)",
        "Remove the first equal item; ValueError if there is none.",
        NativeFn::F2(list_remove),
    ),
    MethodDef::method(
        "index",
        "($self, value, start=0, stop=sys.maxsize, /)",
        "Return the position of the first equal item; ValueError if there is none.",
        NativeFn::V(list_index),
    ),
    MethodDef::method("count", "($self, value, /)", "Return the number of equal items.", NativeFn::F2(list_count)),
    MethodDef::method(
        "reverse",
        "($self, /)",
        "Reverse the list in place.",
        NativeFn::F1(|vm, me| {
            this(me).get_mut(vm).items.reverse();
            Ok(none())
        }),
    ),
    MethodDef::method(
        "sort",
        "($self, /, *, key=None, reverse=False)",
        "Sort the list in place, stably, by the items or by what key makes of each.",
        NativeFn::V(super::sort::list_sort),
    ),
    MethodDef::class(
        "__class_getitem__",
        "($type, object, /)",
        "list is generic over the type of the items.",
        NativeFn::F2(class_getitem),
    ),
];

/// The row of `list.append`.
#[inline(always)]
pub fn append_def() -> &'static MethodDef {
    &METHODS[0]
}

pub(super) fn this(me: &Value) -> &Py<List> {
    me.downcast::<List>().expect("a method of list is called on a list")
}

fn list_new(_: &mut Vm, class: &Py<Type>, _: &Args<'_>) -> PyResult {
    Ok(match std::ptr::eq(class.get_type(), LIST.object()) {
        true => List::empty().into(),
        false => crate::object::instance::new_of(class, List { items: Buf::new() }).into(),
    })
}

fn list_init(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    if args.has_keywords() {
        let new = me.class().payload.slots().new;
        if new.is_some_and(|f| std::ptr::fn_addr_eq(f, list_new as crate::object::typedef::NewFn)) {
            return Err(vm.type_error("list() takes no keyword arguments"));
        }
    }
    if args.len() > 1 {
        return Err(vm.type_error(format!("list expected at most 1 argument, got {}", args.len())));
    }
    let l = this(me);
    if l.len() != 0 {
        super::end_items(&mut l.get_mut(vm).items);
    }
    match args.get(0) {
        Some(v) => extend(vm, l, v),
        None => Ok(()),
    }
}

/// The capacity CPython gives a list that is empty and gets `n` items at once.
pub(super) fn exact_capacity(n: usize) -> usize {
    (n + 1) & !1
}

/// Gives memory back after items were removed, where CPython's `list_resize` does.
pub(super) fn shrink(items: &mut Buf<Value>) {
    let n = items.len();
    if n < items.capacity() >> 1 {
        items.set_capacity(if n == 0 { 0 } else { (n + (n >> 3) + 6) & !3 });
    }
}

fn append_all(items: &mut Buf<Value>, more: impl ExactSizeIterator<Item = Value>) {
    if items.capacity() == 0 {
        items.set_capacity(exact_capacity(more.len()));
    } else {
        items.reserve(more.len());
    }
    for v in more {
        items.push(v);
    }
}

/// Appends the items of any iterable; what was appended before an error stays.
pub fn extend(vm: &mut Vm, list: &Py<List>, iterable: &Value) -> PyResult<()> {
    if let Some(t) = iterable.downcast_exact::<Tuple>() {
        append_all(&mut list.get_mut(vm).items, t.items().iter().cloned());
        return Ok(());
    }
    if let Some(other) = iterable.downcast::<List>() {
        let same = list.as_value().is(iterable);
        if same || iterable.is_exact::<List>() {
            if list.len() == 0 && !same {
                let copy = copy_buf(&other.get(vm).items);
                let old = std::mem::replace(&mut list.get_mut(vm).items, copy);
                drop(old);
            } else {
                let items = other.to_vec();
                append_all(&mut list.get_mut(vm).items, items.into_iter());
            }
            return Ok(());
        }
    }
    if let Some(r) = iterable.downcast_exact::<Range>() {
        if let Some(s) = r.small.filter(|s| s.len as usize <= MAX_ITEMS) {
            let numbers = (0..s.len as usize).map(|i| crate::types::int::Int::from_i64(s.at(i as i64)));
            append_all(&mut list.get_mut(vm).items, numbers);
            return Ok(());
        }
    }
    extend_iter(vm, list, iterable)
}

fn extend_iter(vm: &mut Vm, list: &Py<List>, iterable: &Value) -> PyResult<()> {
    let it = vm.iter(iterable)?;
    let hint = vm.length_hint(iterable, 8)?;
    let have = list.len();
    if have.checked_add(hint).is_some_and(|n| n <= isize::MAX as usize) {
        if hint > MAX_ITEMS {
            return Err(vm.memory_error(""));
        }
        let hint = hint.min(1 << 20);
        let items = &mut list.get_mut(vm).items;
        if items.capacity() == 0 {
            items.set_capacity(exact_capacity(hint));
        } else {
            items.reserve(hint);
        }
    }
    while let Some(v) = vm.next(&it)? {
        list.push(v);
    }
    shrink(&mut list.get_mut(vm).items);
    Ok(())
}

fn copy_buf(items: &Buf<Value>) -> Buf<Value> {
    let mut copy = Buf::with_capacity(exact_capacity(items.len()));
    for v in items.iter() {
        copy.push(v.clone());
    }
    copy
}

/// A new list of items `start..stop` (cut off at the end).
pub fn copy_range(vm: &Vm, list: &Py<List>, start: usize, stop: usize) -> Py<List> {
    let items = &list.get(vm).items;
    let stop = stop.min(items.len());
    let items: &[Value] = items.get(start..stop).unwrap_or(&[]);
    let mut copy = Buf::with_capacity(items.len());
    for v in items {
        copy.push(v.clone());
    }
    crate::object::instance::new(List { items: copy })
}

fn list_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let l = this(me);
    if l.len() == 0 {
        return Ok(vm.intern("[]").into());
    }
    if !vm.enter_repr(me) {
        return Ok(vm.intern("[...]").into());
    }
    let mut texts = Vec::with_capacity(l.len());
    while let Some(v) = l.item(texts.len()) {
        match vm.repr(&v) {
            Ok(s) => texts.push(s),
            Err(r) => {
                vm.leave_repr(me);
                return Err(r);
            }
        }
    }
    vm.leave_repr(me);
    Ok(enclose("[", &texts, "]").into())
}

/// How far two lists are equal: the items at the first difference, or none when one ran out.
fn first_difference(vm: &mut Vm, x: &Py<List>, y: &Py<List>) -> PyResult<Option<(Value, Value)>> {
    let mut i = 0;
    loop {
        let (pair, known) = {
            let (s, t) = (&x.get(vm).items, &y.get(vm).items);
            loop {
                let (Some(p), Some(q)) = (s.get(i), t.get(i)) else { return Ok(None) };
                match quick_eq(p, q) {
                    Some(true) => i += 1,
                    Some(false) => break ((p.clone(), q.clone()), true),
                    None => break ((p.clone(), q.clone()), false),
                }
            }
        };
        if known {
            return Ok(Some(pair));
        }
        if !vm.eq(&pair.0, &pair.1)? {
            // The comparison may have changed the lists.
            return Ok(x.item(i).zip(y.item(i)));
        }
        i += 1;
    }
}

fn list_richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<List>(), b.downcast::<List>()) else { return Ok(not_implemented()) };
    if matches!(op, CmpOp::Eq | CmpOp::Ne) && x.len() != y.len() {
        return Ok(boolean(op == CmpOp::Ne));
    }
    match (first_difference(vm, x, y)?, op) {
        (None, _) => Ok(boolean(op.holds(x.len().cmp(&y.len())))),
        (Some(_), CmpOp::Eq) => Ok(boolean(false)),
        (Some(_), CmpOp::Ne) => Ok(boolean(true)),
        (Some((p, q)), _) => vm.compare(&p, &q, op),
    }
}

pub(super) fn list_item(vm: &mut Vm, me: &Value, i: isize) -> PyResult {
    match usize::try_from(i).ok().and_then(|i| this(me).item(i)) {
        Some(v) => Ok(v),
        None => Err(vm.index_error("list index out of range")),
    }
}

/// Sets or deletes the item at a non-negative index.
pub(super) fn set_index(vm: &mut Vm, list: &Py<List>, i: isize, value: Option<&Value>) -> PyResult<()> {
    if i < 0 || i as usize >= list.len() {
        return Err(vm.index_error("list assignment index out of range"));
    }
    let items = &mut list.get_mut(vm).items;
    let old = match value {
        Some(v) => std::mem::replace(&mut items[i as usize], v.clone()),
        None => {
            let old = items.remove(i as usize);
            shrink(items);
            old
        }
    };
    drop(old);
    Ok(())
}

fn list_concat(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some(y) = b.downcast::<List>() else {
        let name = b.class().payload.name();
        return Err(vm.type_error(format!("can only concatenate list (not \"{name}\") to list")));
    };
    let (s, t) = (&this(a).get(vm).items, &y.get(vm).items);
    let mut items = Buf::with_capacity(s.len() + t.len());
    for v in s.iter().chain(t.iter()) {
        items.push(v.clone());
    }
    Ok(crate::object::instance::new(List { items }).into())
}

fn repeated_len(vm: &mut Vm, len: usize, n: isize) -> PyResult<usize> {
    match len.checked_mul(n.max(0) as usize) {
        Some(total) if total <= MAX_ITEMS => Ok(total),
        _ => Err(vm.memory_error("")),
    }
}

fn list_repeat(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let total = repeated_len(vm, this(me).len(), n)?;
    let source = &this(me).get(vm).items;
    let mut items = Buf::with_capacity(total);
    for _ in 0..n.max(0) {
        for v in source.iter() {
            items.push(v.clone());
        }
        if source.is_empty() {
            break;
        }
    }
    Ok(crate::object::instance::new(List { items }).into())
}

fn list_irepeat(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let l = this(me);
    let len = l.len();
    if len == 0 || n == 1 {
        return Ok(me.clone());
    }
    let total = repeated_len(vm, len, n)?;
    if total == 0 {
        super::end_items(&mut l.get_mut(vm).items);
        return Ok(me.clone());
    }
    let items = &mut l.get_mut(vm).items;
    items.reserve(total - len);
    for i in 0..total - len {
        let v = items[i].clone();
        items.push(v);
    }
    Ok(me.clone())
}

/// Position of the first item in `start..stop` that equals `item`; sees changes made by comparisons.
pub fn find(vm: &mut Vm, list: &Py<List>, item: &Value, start: usize, stop: usize) -> PyResult<Option<usize>> {
    let mut i = start;
    loop {
        let candidate = {
            let items = &list.get(vm).items;
            loop {
                let Some(v) = items.get(i).filter(|_| i < stop) else { return Ok(None) };
                match quick_eq(v, item) {
                    Some(true) => return Ok(Some(i)),
                    Some(false) => i += 1,
                    None => break v.clone(),
                }
            }
        };
        if vm.eq(&candidate, item)? {
            return Ok(Some(i));
        }
        i += 1;
    }
}

fn list_insert(vm: &mut Vm, me: &Value, index: &Value, item: &Value) -> PyResult {
    let i = ssize_arg(vm, index)?;
    insert(vm, this(me), i, item);
    Ok(none())
}

/// Inserts before an index, which may count from the end or lie beyond either end.
pub fn insert(vm: &mut Vm, list: &Py<List>, i: isize, item: &Value) {
    let items = &mut list.get_mut(vm).items;
    let n = items.len() as isize;
    let i = if i < 0 { i.saturating_add(n).max(0) } else { i.min(n) };
    items.insert(i as usize, item.clone());
}

/// Removes the last item.
pub fn remove_last(vm: &mut Vm, list: &Py<List>) -> Option<Value> {
    let items = &mut list.get_mut(vm).items;
    let item = items.pop();
    shrink(items);
    item
}

fn list_pop(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, rest) = method_args(vm, args, "list.pop", 0, 1)?;
    let l = this(me);
    let i = match rest.first() {
        Some(v) => ssize_arg(vm, v)?,
        None => -1,
    };
    let n = l.len() as isize;
    if n == 0 {
        return Err(vm.index_error("pop from empty list"));
    }
    let i = if i < 0 { i.saturating_add(n) } else { i };
    if i < 0 || i >= n {
        return Err(vm.index_error("pop index out of range"));
    }
    let items = &mut l.get_mut(vm).items;
    let out = items.remove(i as usize);
    shrink(items);
    Ok(out)
}

fn list_remove(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    let l = this(me);
    match find(vm, l, item, 0, usize::MAX)? {
        Some(i) => {
            // The comparison may have made the list shorter.
            if i < l.len() {
                set_index(vm, l, i as isize, None)?;
            }
            Ok(none())
        }
        None => Err(vm.value_error("list.remove(x): x not in list")),
    }
}

fn list_index(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, rest) = method_args(vm, args, "list.index", 1, 3)?;
    let l = this(me);
    let (start, stop) = search_bounds(vm, &rest[1..], |_| l.len())?;
    match find(vm, l, &rest[0], start, stop)? {
        Some(i) => Ok(Value::from_usize(i)),
        None => Err(vm.value_error("list.index(x): x not in list")),
    }
}

fn list_count(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    let l = this(me);
    let (mut n, mut from) = (0, 0);
    while let Some(i) = find(vm, l, item, from, usize::MAX)? {
        n += 1;
        from = i + 1;
    }
    Ok(Value::from_usize(n))
}
