//! `tuple` as Python code sees it (`Objects/tupleobject.c`).

use crate::object::typedef::CmpOp;
use crate::object::{
    MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none, not_implemented,
};
use crate::types::generic_alias::class_getitem;
use crate::types::list::List;
use crate::types::sequence::{
    MAX_ITEMS, builtin_iter, enclose, is_index, method_args, quick_eq, search_bounds, state_index,
};
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// The type `tuple`.
pub static TUPLE: TypeDef = TypeDef::new::<Tuple>("tuple")
    .doc("An immutable sequence of any objects; tuple(iterable) makes one from the items of an iterable.")
    .signature("(iterable=(), /)")
    .flags(
        TypeFlags::HAVE_GC
            .union(TypeFlags::BASETYPE)
            .union(TypeFlags::TUPLE_SUBCLASS)
            .union(TypeFlags::SEQUENCE)
            .union(TypeFlags::MATCH_SELF),
    )
    .itemsize(8)
    .cpython_size(32, 8)
    .slots(Slots {
        new: Some(tuple_new),
        repr: Some(tuple_repr),
        hash: Some(tuple_hash),
        richcmp: Some(tuple_richcmp),
        iter: Some(tuple_iter),
        len: Some(|_, me| Ok(this(me).len())),
        subscript: Some(tuple_subscript),
        item: Some(tuple_item),
        concat: Some(tuple_concat),
        repeat: Some(tuple_repeat),
        contains: Some(tuple_contains),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__getnewargs__",
            "($self, /)",
            "Return the arguments that make an equal tuple.",
            NativeFn::F1(|_, me| Ok(Tuple::of([exact_copy(this(me)).into()]).into())),
        ),
        MethodDef::method(
            "index",
            "($self, value, start=0, stop=sys.maxsize, /)",
            "Return the position of the first equal item; ValueError if there is none.",
            NativeFn::V(tuple_index),
        ),
        MethodDef::method("count", "($self, value, /)", "Return the number of equal items.", NativeFn::F2(tuple_count)),
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "tuple[int, str] is a pair of an int and a str; tuple[int, ...] has any number of ints.",
            NativeFn::F2(class_getitem),
        ),
    ]);

impl Tuple {
    /// A tuple of these items (at least one); nothing is copied on the way.
    #[inline]
    pub fn of<const N: usize>(items: [Value; N]) -> Py<Tuple> {
        const { assert!(N > 0) };
        let items = std::mem::ManuallyDrop::new(items);
        // SAFETY: the items pass to the tuple and are not dropped here.
        unsafe { Tuple::from_raw(items.as_ptr(), N) }
    }
}

fn this(me: &Value) -> &Py<Tuple> {
    me.downcast::<Tuple>().expect("a method of tuple is called on a tuple")
}

/// The same items as an exact `tuple`.
fn exact_copy(t: &Py<Tuple>) -> Py<Tuple> {
    if t.as_value().is_exact::<Tuple>() { t.clone() } else { Tuple::from_slice(t.items()) }
}

fn tuple_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let exact = std::ptr::eq(class.get_type(), TUPLE.object());
    if args.has_keywords() && (exact || class.get_type().payload.slots().init.is_none_or(is_object_init)) {
        return Err(vm.type_error("tuple() takes no keyword arguments"));
    }
    if args.len() > 1 {
        return Err(vm.type_error(format!("tuple expected at most 1 argument, got {}", args.len())));
    }
    let items = match args.get(0) {
        None => Tuple::empty(),
        Some(v) => from_iterable(vm, v)?,
    };
    if exact {
        return Ok(items.into());
    }
    Ok(Tuple::of_class(class, items.items().to_vec()).into())
}

/// Whether the initialiser is the one that every class starts with.
fn is_object_init(f: crate::object::typedef::InitFn) -> bool {
    crate::types::object::OBJECT.slots.init.is_some_and(|o| std::ptr::fn_addr_eq(f, o))
}

/// An exact tuple of the items of an iterable (`PySequence_Tuple`).
pub fn from_iterable(vm: &mut Vm, v: &Value) -> PyResult<Py<Tuple>> {
    if let Some(t) = v.downcast_exact::<Tuple>() {
        return Ok(t.clone());
    }
    if let Some(l) = v.downcast_exact::<List>() {
        return Ok(Tuple::from_slice(&l.get(vm).items));
    }
    Ok(Tuple::from_vec(vm.collect(v)?))
}

fn tuple_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let t = this(me);
    if t.len() == 0 {
        return Ok(vm.intern("()").into());
    }
    if !vm.enter_repr(me) {
        return Ok(vm.intern("(...)").into());
    }
    let mut texts = Vec::with_capacity(t.len());
    for v in t.items() {
        match vm.repr(v) {
            Ok(s) => texts.push(s),
            Err(r) => {
                vm.leave_repr(me);
                return Err(r);
            }
        }
    }
    vm.leave_repr(me);
    Ok(enclose("(", &texts, if texts.len() == 1 { ",)" } else { ")" }).into())
}

const PRIME_1: u64 = 11400714785074694791;
const PRIME_2: u64 = 14029467366897019727;
const PRIME_5: u64 = 2870177450012600261;

/// Hash of a row of items: xxHash's mixing of their hashes, as tuples have it; slices leave the length out.
pub fn hash_items(vm: &mut Vm, items: &[Value], with_length: bool) -> PyResult<i64> {
    let mut acc = PRIME_5;
    for v in items {
        let lane = vm.hash(v)? as u64;
        acc = acc.wrapping_add(lane.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1);
    }
    if with_length {
        acc = acc.wrapping_add(items.len() as u64 ^ (PRIME_5 ^ 3527539));
    }
    Ok(if acc == u64::MAX { 1546275796 } else { acc as i64 })
}

fn tuple_hash(vm: &mut Vm, me: &Value) -> PyResult<i64> {
    vm.check_recursion(" while hashing a tuple")?;
    hash_items(vm, this(me).items(), true)
}

fn tuple_richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Tuple>(), b.downcast::<Tuple>()) else { return Ok(not_implemented()) };
    let mut different = None;
    for (p, q) in x.items().iter().zip(y.items()) {
        let same = match quick_eq(p, q) {
            Some(same) => same,
            None => vm.eq(p, q)?,
        };
        if !same {
            different = Some((p, q));
            break;
        }
    }
    match (different, op) {
        (None, _) => Ok(boolean(op.holds(x.len().cmp(&y.len())))),
        (Some(_), CmpOp::Eq) => Ok(boolean(false)),
        (Some(_), CmpOp::Ne) => Ok(boolean(true)),
        (Some((p, q)), _) => vm.compare(p, q, op),
    }
}

fn tuple_item(vm: &mut Vm, me: &Value, i: isize) -> PyResult {
    match usize::try_from(i).ok().and_then(|i| this(me).items().get(i)) {
        Some(v) => Ok(v.clone()),
        None => Err(vm.index_error("tuple index out of range")),
    }
}

fn tuple_subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    let t = this(me);
    if is_index(key) {
        let i = vm.to_isize(key)?;
        return tuple_item(vm, me, if i < 0 { i + t.len() as isize } else { i });
    }
    let Some(s) = key.downcast::<Slice>() else {
        let name = key.class().payload.name();
        return Err(vm.type_error(format!("tuple indices must be integers or slices, not {name}")));
    };
    let at = s.clone().indices(vm, t.len())?;
    if at.step == 1 && at.count == t.len() {
        return Ok(exact_copy(t).into());
    }
    if at.step == 1 {
        let start = at.start as usize;
        return Ok(Tuple::from_slice(&t.items()[start..start + at.count]).into());
    }
    Ok(Tuple::from_vec(at.iter().map(|i| t.items()[i].clone()).collect()).into())
}

fn tuple_concat(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let x = this(a);
    if x.len() == 0 && b.is_exact::<Tuple>() {
        return Ok(b.clone());
    }
    let Some(y) = b.downcast::<Tuple>() else {
        let name = b.class().payload.name();
        return Err(vm.type_error(format!("can only concatenate tuple (not \"{name}\") to tuple")));
    };
    if y.len() == 0 && a.is_exact::<Tuple>() {
        return Ok(a.clone());
    }
    let mut items = Vec::with_capacity(x.len() + y.len());
    items.extend_from_slice(x.items());
    items.extend_from_slice(y.items());
    Ok(Tuple::from_vec(items).into())
}

fn tuple_repeat(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let t = this(me);
    if (t.len() == 0 || n == 1) && me.is_exact::<Tuple>() {
        return Ok(me.clone());
    }
    if t.len() == 0 || n <= 0 {
        return Ok(Tuple::empty().into());
    }
    match t.len().checked_mul(n as usize) {
        Some(total) if total <= MAX_ITEMS => {
            Ok(Tuple::from_vec(t.items().iter().cloned().cycle().take(total).collect()).into())
        }
        _ => Err(vm.memory_error("")),
    }
}

/// Position of the first item in `start..stop` that equals `item`.
fn find(vm: &mut Vm, t: &Py<Tuple>, item: &Value, start: usize, stop: usize) -> PyResult<Option<usize>> {
    let stop = stop.min(t.len());
    for i in start..stop {
        let v = &t.items()[i];
        let same = match quick_eq(v, item) {
            Some(same) => same,
            None => vm.eq(v, item)?,
        };
        if same {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

fn tuple_contains(vm: &mut Vm, me: &Value, item: &Value) -> PyResult<bool> {
    Ok(find(vm, this(me), item, 0, usize::MAX)?.is_some())
}

fn tuple_index(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, rest) = method_args(vm, args, "tuple.index", 1, 3)?;
    let t = this(me);
    let (start, stop) = search_bounds(vm, &rest[1..], |_| t.len())?;
    match find(vm, t, &rest[0], start, stop)? {
        Some(i) => Ok(Value::from_usize(i)),
        None => Err(vm.value_error("tuple.index(x): x not in tuple")),
    }
}

fn tuple_count(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    let mut n = 0;
    for v in this(me).items() {
        n += match quick_eq(v, item) {
            Some(same) => same,
            None => vm.eq(v, item)?,
        } as usize;
    }
    Ok(Value::from_usize(n))
}

/// Iterator over a tuple; the tuple is gone after the end.
pub struct TupleIter {
    /// What it iterates over.
    pub tuple: Option<Py<Tuple>>,
    /// Next index.
    pub index: usize,
}

crate::payload!(TupleIter, TUPLE_ITER,
    traverse(self, visit) {
        if let Some(t) = &self.tuple {
            visit(t.as_value());
        }
    },
    clear(self) { self.tuple = None; }
);

impl TupleIter {
    /// The next item.
    #[inline(always)]
    pub fn step(&mut self) -> Option<Value> {
        let item = self.tuple.as_ref()?.items().get(self.index).cloned();
        match item {
            Some(_) => self.index += 1,
            None => self.tuple = None,
        }
        item
    }
}

fn tuple_iter(_: &mut Vm, me: &Value) -> PyResult {
    Ok(crate::object::instance::new(TupleIter { tuple: Some(this(me).clone()), index: 0 }).into())
}

/// The type of iterators over tuples.
pub static TUPLE_ITER: TypeDef = TypeDef::new::<TupleIter>("tuple_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots {
        iter: Some(|_, me| Ok(me.clone())),
        next: Some(|vm, me| Ok(iter_of(me).get_mut(vm).step())),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__length_hint__",
            "($self, /)",
            "How many items are left.",
            NativeFn::F1(|vm, me| {
                let it = iter_of(me).get(vm);
                Ok(Value::from_usize(it.tuple.as_ref().map_or(0, |t| t.len().saturating_sub(it.index))))
            }),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(iter_reduce),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(iter_setstate),
        ),
    ]);

fn iter_of(me: &Value) -> &Py<TupleIter> {
    me.downcast::<TupleIter>().expect("a method of tuple_iterator is called on one")
}

fn iter_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let iter = builtin_iter(vm)?;
    let it = iter_of(me).get(vm);
    Ok(match &it.tuple {
        Some(t) => Tuple::of([iter, Tuple::of([t.clone().into()]).into(), Value::from_usize(it.index)]).into(),
        None => Tuple::of([iter, Tuple::of([Tuple::empty().into()]).into()]).into(),
    })
}

fn iter_setstate(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let index = state_index(vm, state)?.max(0) as usize;
    let it = iter_of(me).get_mut(vm);
    if let Some(t) = &it.tuple {
        it.index = index.min(t.len());
    }
    Ok(none())
}
