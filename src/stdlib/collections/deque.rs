//! `collections.deque`: a ring of items that grows and shrinks at both ends.

use super::deque_iter::{deque_iter, deque_reversed};
use taipan_runtime::object::buf::Buf;
use taipan_runtime::object::instance::{new, new_of};
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none,
    not_implemented,
};
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::{
    MAX_ITEMS, cpython_basicsize, join_texts, method_args, quick_eq, search_bounds, ssize_arg, state_index,
};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject::short_name;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Items in one of the blocks that CPython's deque is made of; only sizes still tell of them.
const BLOCK: usize = 64;
/// Where the first item of an empty deque goes in its block.
const CENTER: usize = BLOCK / 2;

/// Payload of `deque`.
pub struct Deque {
    /// A power of two of places, or none.
    ring: Buf<Option<Value>>,
    head: usize,
    len: usize,
    /// Most items it may have.
    pub(super) maxlen: Option<usize>,
    /// Counts changes, for the iterators.
    pub(super) state: u64,
    /// Where the first item would lie in CPython's first block.
    left: usize,
}

taipan_runtime::payload!(Deque, DEQUE,
    traverse(self, visit) { self.ring.iter().flatten().for_each(visit); },
    clear(self) { drop(self.take_all()); }
);

impl Deque {
    fn empty(maxlen: Option<usize>) -> Deque {
        Deque { ring: Buf::new(), head: 0, len: 0, maxlen, state: 0, left: CENTER }
    }
    /// Number of items.
    pub fn len(&self) -> usize {
        self.len
    }
    fn place(&self, i: usize) -> usize {
        (self.head + i) & (self.ring.len() - 1)
    }
    /// The item at `i`.
    #[inline]
    pub fn get(&self, i: usize) -> Option<&Value> {
        if i < self.len { self.ring[self.place(i)].as_ref() } else { None }
    }
    /// The items, cloned.
    pub fn to_vec(&self) -> Vec<Value> {
        (0..self.len).filter_map(|i| self.get(i).cloned()).collect()
    }
    fn grow(&mut self) {
        if self.len < self.ring.len() {
            return;
        }
        let places = (self.ring.len() * 2).max(8);
        let mut ring = Buf::with_capacity(places);
        for i in 0..self.len {
            let at = self.place(i);
            ring.push(self.ring[at].take());
        }
        for _ in self.len..places {
            ring.push(None);
        }
        (self.ring, self.head) = (ring, 0);
    }
    /// Appends; gives the item pushed out at the other end.
    fn push(&mut self, v: Value) -> Option<Value> {
        self.grow();
        let at = self.place(self.len);
        self.ring[at] = Some(v);
        self.len += 1;
        if self.maxlen.is_some_and(|m| self.len > m) {
            return self.pop_left();
        }
        self.state += 1;
        None
    }
    /// Appends at the front; gives the item pushed out at the other end.
    fn push_left(&mut self, v: Value) -> Option<Value> {
        self.grow();
        self.head = self.head.wrapping_sub(1) & (self.ring.len() - 1);
        let at = self.head;
        self.ring[at] = Some(v);
        self.len += 1;
        self.left = (self.left + BLOCK - 1) % BLOCK;
        if self.maxlen.is_some_and(|m| self.len > m) {
            return self.pop();
        }
        self.state += 1;
        None
    }
    fn pop(&mut self) -> Option<Value> {
        if self.len == 0 {
            return None;
        }
        let at = self.place(self.len - 1);
        self.taken();
        self.ring[at].take()
    }
    fn pop_left(&mut self) -> Option<Value> {
        if self.len == 0 {
            return None;
        }
        let at = self.head;
        self.head = self.place(1);
        self.left = (self.left + 1) % BLOCK;
        self.taken();
        self.ring[at].take()
    }
    fn taken(&mut self) {
        self.len -= 1;
        self.state += 1;
        if self.len == 0 {
            self.left = CENTER;
        }
    }
    /// Moves the last `n` items to the front, or the first `-n` to the back.
    fn rotate(&mut self, n: isize) {
        if self.len < 2 {
            return;
        }
        let steps = n.rem_euclid(self.len as isize) as usize;
        if steps == 0 {
            return;
        }
        self.left = (self.left as isize - n % BLOCK as isize).rem_euclid(BLOCK as isize) as usize;
        let back = self.len - steps;
        if steps <= back {
            for _ in 0..steps {
                let (from, to) = (self.place(self.len - 1), self.head.wrapping_sub(1) & (self.ring.len() - 1));
                let v = self.ring[from].take();
                self.ring[to] = v;
                self.head = to;
            }
        } else {
            for _ in 0..back {
                let (from, to) = (self.head, self.place(self.len));
                let v = self.ring[from].take();
                self.ring[to] = v;
                self.head = self.place(1);
            }
        }
        self.state += 1;
    }
    fn take_all(&mut self) -> Buf<Option<Value>> {
        (self.head, self.len, self.left) = (0, 0, CENTER);
        self.state += 1;
        std::mem::take(&mut self.ring)
    }
    /// Puts other items in place of all.
    fn set_all(&mut self, items: Vec<Value>) {
        let dead = self.take_all();
        for v in items {
            drop(self.push(v));
        }
        drop(dead);
    }
}

/// The type `collections.deque`.
pub static DEQUE: TypeDef = TypeDef::new::<Deque>("collections.deque")
    .doc("A sequence with fast appends and pops at both ends; with maxlen, items fall out at the other end.")
    .signature("([iterable[, maxlen]])")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::SEQUENCE).union(TypeFlags::WEAKREFABLE))
    .cpython_size(216, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(new_of(class, Deque::empty(None)).into())),
        init: Some(deque_init),
        repr: Some(deque_repr),
        hash: Some(taipan_runtime::types::slots::not_hashable),
        richcmp: Some(deque_richcmp),
        iter: Some(deque_iter),
        len: Some(|vm, me| Ok(this(me).get(vm).len)),
        truth: None,
        item: Some(deque_item),
        set_item: Some(deque_set_item),
        concat: Some(deque_concat),
        repeat: Some(deque_repeat),
        iconcat: Some(|vm, me, other| {
            extend(vm, this(me), other)?;
            Ok(me.clone())
        }),
        irepeat: Some(|vm, me, n| {
            repeat_in_place(vm, this(me), n)?;
            Ok(me.clone())
        }),
        contains: Some(deque_contains),
        ..Slots::NONE
    })
    .methods(METHODS)
    .getset(&[GetSetDef::get("maxlen", "Most items the deque may have, or None.", |vm, me| {
        Ok(this(me).get(vm).maxlen.map_or_else(none, Value::from_usize))
    })]);

const METHODS: &[MethodDef] = &[
    MethodDef::method(
        "append",
        "($self, item, /)",
        "Add an item at the right end.",
        NativeFn::F2(|vm, me, v| {
            let dead = this(me).get_mut(vm).push(v.clone());
            drop(dead);
            Ok(none())
        }),
    ),
    MethodDef::method(
        "appendleft",
        "($self, item, /)",
        "Add an item at the left end.",
        NativeFn::F2(|vm, me, v| {
            let dead = this(me).get_mut(vm).push_left(v.clone());
            drop(dead);
            Ok(none())
        }),
    ),
    MethodDef::method(
        "clear",
        "($self, /)",
        "Remove all items.",
        NativeFn::F1(|vm, me| {
            let dead = this(me).get_mut(vm).take_all();
            drop(dead);
            Ok(none())
        }),
    ),
    MethodDef::method("__copy__", "($self, /)", "Return a shallow copy.", NativeFn::F1(deque_copy)),
    MethodDef::method("copy", "($self, /)", "Return a shallow copy.", NativeFn::F1(deque_copy)),
    MethodDef::method("count", "($self, value, /)", "Return the number of equal items.", NativeFn::F2(deque_count)),
    MethodDef::method(
        "extend",
        "($self, iterable, /)",
        "Add items at the right end.",
        NativeFn::F2(|vm, me, other| {
            extend(vm, this(me), other)?;
            Ok(none())
        }),
    ),
    MethodDef::method(
        "extendleft",
        "($self, iterable, /)",
        "Add items at the left end, each before the last.",
        NativeFn::F2(deque_extendleft),
    ),
    MethodDef::method(
        "index",
        "($self, value, [start, [stop]])",
        "Return the position of the first equal item; ValueError if there is none.",
        NativeFn::V(deque_index),
    ),
    MethodDef::method(
        "insert",
        "($self, index, value, /)",
        "Insert a value before an index.",
        NativeFn::F3(deque_insert),
    ),
    MethodDef::method(
        "pop",
        "($self, /)",
        "Remove and return the rightmost item.",
        NativeFn::F1(|vm, me| {
            let item = this(me).get_mut(vm).pop();
            item.ok_or_else(|| vm.index_error("pop from an empty deque"))
        }),
    ),
    MethodDef::method(
        "popleft",
        "($self, /)",
        "Remove and return the leftmost item.",
        NativeFn::F1(|vm, me| {
            let item = this(me).get_mut(vm).pop_left();
            item.ok_or_else(|| vm.index_error("pop from an empty deque"))
        }),
    ),
    MethodDef::method("__reduce__", "($self, /)", "Return state information for pickling.", NativeFn::F1(deque_reduce)),
    MethodDef::method(
        "remove",
        "($self, value, /)",
        "Remove the first equal item; ValueError if there is none.",
        NativeFn::F2(deque_remove),
    ),
    MethodDef::method(
        "__reversed__",
        "($self, /)",
        "Return a reverse iterator over the deque.",
        NativeFn::F1(deque_reversed),
    ),
    MethodDef::method(
        "reverse",
        "($self, /)",
        "Reverse the deque in place.",
        NativeFn::F1(|vm, me| {
            let d = this(me).get_mut(vm);
            for i in 0..d.len / 2 {
                let (a, b) = (d.place(i), d.place(d.len - 1 - i));
                d.ring.swap(a, b);
            }
            Ok(none())
        }),
    ),
    MethodDef::method(
        "rotate",
        "($self, n=1, /)",
        "Move n items from the right end to the left.",
        NativeFn::V(|vm, args| {
            let (me, rest) = method_args(vm, args, "deque.rotate", 0, 1)?;
            let n = match rest.first() {
                Some(v) => ssize_arg(vm, v)?,
                None => 1,
            };
            this(me).get_mut(vm).rotate(n);
            Ok(none())
        }),
    ),
    MethodDef::method(
        "__sizeof__",
        "($self, /)",
        "Return the size of the deque in memory, in bytes.",
        NativeFn::F1(|vm, me| {
            let d = this(me).get(vm);
            let blocks = (d.left + d.len).div_ceil(BLOCK);
            Ok(Value::from_usize(cpython_basicsize(me.class()) + blocks * (BLOCK + 2) * 8))
        }),
    ),
    MethodDef::class(
        "__class_getitem__",
        "($type, object, /)",
        "deque is generic over the type of the items.",
        NativeFn::F2(class_getitem),
    ),
];

pub(super) fn this(me: &Value) -> &Py<Deque> {
    me.downcast::<Deque>().expect("a method of deque is called on a deque")
}

fn deque_init(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    static SIGNATURE: Signature = Signature::new("deque", "(iterable=(), maxlen=None)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let maxlen = match bound[1].as_ref().filter(|v| !v.is_none()) {
        None => None,
        Some(v) => {
            let n = state_index(vm, v)?;
            Some(usize::try_from(n).map_err(|_| vm.value_error("maxlen must be non-negative"))?)
        }
    };
    let d = this(me).get_mut(vm);
    d.maxlen = maxlen;
    if d.len > 0 {
        drop(d.take_all());
    }
    match &bound[0] {
        Some(v) => extend(vm, this(me), v),
        None => Ok(()),
    }
}

/// Adds the items of an iterable at the right end.
fn extend(vm: &mut Vm, d: &Py<Deque>, iterable: &Value) -> PyResult<()> {
    if iterable.is(d.as_value()) {
        let items = d.get(vm).to_vec();
        return items.into_iter().try_for_each(|v| {
            drop(d.get_mut(vm).push(v));
            Ok(())
        });
    }
    if d.get(vm).len == 0 {
        // CPython fills an empty deque from the left end of its block.
        d.get_mut(vm).left = 1;
    }
    vm.for_each(iterable, |vm, v| {
        let dead = d.get_mut(vm).push(v);
        drop(dead);
        Ok(true)
    })
}

fn deque_extendleft(vm: &mut Vm, me: &Value, iterable: &Value) -> PyResult {
    let d = this(me);
    let source = match iterable.is(me) {
        true => List::from_vec(d.get(vm).to_vec()).into(),
        false => iterable.clone(),
    };
    if d.get(vm).len == 0 {
        d.get_mut(vm).left = BLOCK - 1;
    }
    vm.for_each(&source, |vm, v| {
        let dead = d.get_mut(vm).push_left(v);
        drop(dead);
        Ok(true)
    })?;
    Ok(none())
}

fn deque_repr(vm: &mut Vm, me: &Value) -> PyResult {
    if !vm.enter_repr(me) {
        return Ok(vm.intern("[...]").into());
    }
    let items = List::from_vec(this(me).get(vm).to_vec());
    let text = vm.repr(items.as_value());
    vm.leave_repr(me);
    let text = text?;
    let open = vm.new_str(&format!("{}(", short_name(me.class())));
    let close = match this(me).get(vm).maxlen {
        Some(n) => vm.new_str(&format!(", maxlen={n})")),
        None => vm.new_str(")"),
    };
    let (Some(open), Some(close)) = (open.downcast(), close.downcast()) else { unreachable!("both are str") };
    Ok(join_texts(&[open, &text, close]).into())
}

fn deque_richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Deque>(), b.downcast::<Deque>()) else { return Ok(not_implemented()) };
    let (m, n) = (x.get(vm).len, y.get(vm).len);
    if a.is(b) {
        return Ok(boolean(op.holds(std::cmp::Ordering::Equal)));
    }
    if m != n && matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(boolean(op == CmpOp::Ne));
    }
    let (before_x, before_y) = (x.get(vm).state, y.get(vm).state);
    let mut i = 0;
    while let (Some(p), Some(q)) = (x.get(vm).get(i).cloned(), y.get(vm).get(i).cloned()) {
        let same = match quick_eq(&p, &q) {
            Some(same) => same,
            None => vm.eq(&p, &q)?,
        };
        if !same {
            return match op {
                CmpOp::Eq | CmpOp::Ne => Ok(boolean(op == CmpOp::Ne)),
                _ => vm.compare(&p, &q, op),
            };
        }
        unchanged(vm, x, before_x)?;
        unchanged(vm, y, before_y)?;
        i += 1;
    }
    Ok(boolean(op.holds(m.cmp(&n))))
}

/// Complains when the deque changed since its state was `before`.
fn unchanged(vm: &mut Vm, d: &Py<Deque>, before: u64) -> PyResult<()> {
    match d.get(vm).state == before {
        true => Ok(()),
        false => Err(vm.runtime_error("deque mutated during iteration")),
    }
}

fn deque_item(vm: &mut Vm, me: &Value, i: isize) -> PyResult {
    let item = usize::try_from(i).ok().and_then(|i| this(me).get(vm).get(i).cloned());
    item.ok_or_else(|| vm.index_error("deque index out of range"))
}

fn deque_set_item(vm: &mut Vm, me: &Value, i: isize, value: Option<&Value>) -> PyResult<()> {
    let d = this(me);
    if i < 0 || i as usize >= d.get(vm).len {
        return Err(vm.index_error("deque index out of range"));
    }
    match value {
        Some(v) => {
            let d = d.get_mut(vm);
            let at = d.place(i as usize);
            let old = d.ring[at].replace(v.clone());
            drop(old);
        }
        None => remove_at(vm, d, i as usize),
    }
    Ok(())
}

/// Removes an item by bringing it to the front, as CPython does.
fn remove_at(vm: &mut Vm, d: &Py<Deque>, i: usize) {
    let d = d.get_mut(vm);
    d.rotate(-(i as isize));
    let dead = d.pop_left();
    d.rotate(i as isize);
    drop(dead);
}

fn deque_copy(vm: &mut Vm, me: &Value) -> PyResult {
    let (maxlen, items) = (this(me).get(vm).maxlen, this(me).get(vm).to_vec());
    if me.is_exact::<Deque>() {
        let mut copy = Deque::empty(maxlen);
        copy.set_all(items);
        return Ok(new(copy).into());
    }
    let class: Value = Py::of(me.class()).into();
    let copy = match maxlen {
        Some(n) => vm.call(&class, &[me.clone(), Value::from_usize(n)])?,
        None => vm.call1(&class, me)?,
    };
    if copy.downcast::<Deque>().is_none() {
        let (want, got) = (me.class().payload.name(), copy.class().payload.name());
        return Err(vm.type_error(format!("{want}() must return a deque, not {got}")));
    }
    Ok(copy)
}

fn deque_concat(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if b.downcast::<Deque>().is_none() {
        let name = b.class().payload.name();
        return Err(vm.type_error(format!("can only concatenate deque (not \"{name}\") to deque")));
    }
    let sum = deque_copy(vm, a)?;
    extend(vm, this(&sum), b)?;
    Ok(sum)
}

fn deque_repeat(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let copy = deque_copy(vm, me)?;
    repeat_in_place(vm, this(&copy), n)?;
    Ok(copy)
}

fn repeat_in_place(vm: &mut Vm, d: &Py<Deque>, n: isize) -> PyResult<()> {
    let (len, maxlen) = (d.get(vm).len, d.get(vm).maxlen);
    if len == 0 || n == 1 {
        return Ok(());
    }
    if n <= 0 {
        let dead = d.get_mut(vm).take_all();
        drop(dead);
        return Ok(());
    }
    // Only the last `maxlen` items stay.
    let times = match maxlen {
        Some(m) => (n as usize).min(m.div_ceil(len).max(1)),
        None => n as usize,
    };
    if len.checked_mul(times).is_none_or(|total| total > MAX_ITEMS) {
        return Err(vm.memory_error(""));
    }
    let items = d.get(vm).to_vec();
    let d = d.get_mut(vm);
    for _ in 1..times {
        for v in &items {
            drop(d.push(v.clone()));
        }
    }
    Ok(())
}

/// Position of the first item in `start..stop` that equals `item`; a change of the deque meanwhile is an error.
fn find(
    vm: &mut Vm,
    d: &Py<Deque>,
    item: &Value,
    start: usize,
    stop: usize,
    changed: impl Fn(&mut Vm) -> taipan_runtime::object::Raised,
) -> PyResult<Option<usize>> {
    let before = d.get(vm).state;
    let stop = stop.min(d.get(vm).len);
    for i in start..stop {
        let Some(v) = d.get(vm).get(i).cloned() else { break };
        let same = match quick_eq(&v, item) {
            Some(same) => same,
            None => vm.eq(&v, item)?,
        };
        if d.get(vm).state != before {
            return Err(changed(vm));
        }
        if same {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

fn mutated(vm: &mut Vm) -> taipan_runtime::object::Raised {
    vm.runtime_error("deque mutated during iteration")
}

fn deque_contains(vm: &mut Vm, me: &Value, item: &Value) -> PyResult<bool> {
    Ok(find(vm, this(me), item, 0, usize::MAX, mutated)?.is_some())
}

fn deque_count(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    let (mut n, mut from) = (0, 0);
    while let Some(i) = find(vm, this(me), item, from, usize::MAX, mutated)? {
        n += 1;
        from = i + 1;
    }
    Ok(Value::from_usize(n))
}

fn deque_index(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, rest) = method_args(vm, args, "deque.index", 1, 3)?;
    let d = this(me);
    let (start, stop) = search_bounds(vm, &rest[1..], |vm| d.get(vm).len)?;
    match find(vm, d, &rest[0], start, stop, mutated)? {
        Some(i) => Ok(Value::from_usize(i)),
        None => Err(vm.value_error("deque.index(x): x not in deque")),
    }
}

fn deque_remove(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    let d = this(me);
    match find(vm, d, item, 0, usize::MAX, |vm| vm.index_error("deque mutated during remove()."))? {
        Some(i) => {
            remove_at(vm, d, i);
            Ok(none())
        }
        None => Err(vm.value_error("deque.remove(x): x not in deque")),
    }
}

fn deque_insert(vm: &mut Vm, me: &Value, index: &Value, value: &Value) -> PyResult {
    let i = ssize_arg(vm, index)?;
    let d = this(me).get_mut(vm);
    if d.maxlen == Some(d.len) {
        return Err(vm.index_error("deque already at its maximum size"));
    }
    let n = d.len as isize;
    if i >= n {
        drop(d.push(value.clone()));
    } else if i <= -n || i == 0 {
        drop(d.push_left(value.clone()));
    } else {
        d.rotate(-i);
        drop(if i < 0 { d.push(value.clone()) } else { d.push_left(value.clone()) });
        d.rotate(i);
    }
    Ok(none())
}

fn deque_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let state = vm.call_method(me, "__getstate__", &[])?;
    let it = vm.iter(me)?;
    let class: Value = Py::of(me.class()).into();
    let args = match this(me).get(vm).maxlen {
        Some(n) => Tuple::of([Tuple::empty().into(), Value::from_usize(n)]),
        None => Tuple::empty(),
    };
    Ok(Tuple::of([class, args.into(), state, it]).into())
}
