//! `range`: arithmetic progressions of integers of any size, with a fast form for machine integers
//! (`Objects/rangeobject.c`).

use crate::object::typedef::CmpOp;
use crate::object::value::{Frozen, SMALL_INT_MAX, SMALL_INT_MIN};
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none,
    not_implemented,
};
use crate::types::int::Int;
use crate::types::sequence::{builtin_iter, enclose, is_index};
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use dashu_int::IBig;

/// Payload of `range`.
pub struct Range {
    /// First number; an exact `int`, as are the others.
    pub start: Value,
    /// Number to stop before.
    pub stop: Value,
    /// Difference, never 0.
    pub step: Value,
    /// How many numbers.
    pub length: Value,
    /// The same in machine integers, when all four fit.
    pub small: Option<SmallRange>,
}

/// A range in machine integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmallRange {
    /// First number.
    pub start: i64,
    /// Number to stop before.
    pub stop: i64,
    /// Difference, never 0.
    pub step: i64,
    /// How many numbers.
    pub len: i64,
}

crate::payload!(Range, RANGE);
impl Frozen for Range {}

/// Iterator over a range in machine integers; the numbers that come first all fit a value's word.
pub struct RangeIter {
    /// The number that comes next.
    pub next: i64,
    /// Difference.
    pub step: i64,
    /// How many numbers are left.
    pub remaining: i64,
}
crate::payload!(RangeIter, RANGE_ITER);

/// Iterator over a range of big integers.
pub struct LongRangeIter {
    next: IBig,
    step: IBig,
    remaining: IBig,
}
crate::payload!(LongRangeIter, LONG_RANGE_ITER);

impl SmallRange {
    fn new(start: i64, stop: i64, step: i64) -> Option<SmallRange> {
        let (low, high, stride) =
            if step > 0 { (start, stop, step as u64) } else { (stop, start, step.unsigned_abs()) };
        let len = if low >= high { 0 } else { (high.wrapping_sub(low) as u64 - 1) / stride + 1 };
        Some(SmallRange { start, stop, step, len: i64::try_from(len).ok()? })
    }

    /// Number `i`, which is below the length.
    #[inline(always)]
    pub fn at(&self, i: i64) -> i64 {
        self.start.wrapping_add(i.wrapping_mul(self.step))
    }

    /// Which number `n` is, if the range has it.
    pub fn position(&self, n: i64) -> Option<i64> {
        let inside = if self.step > 0 { n >= self.start && n < self.stop } else { n <= self.start && n > self.stop };
        let away = n as i128 - self.start as i128;
        (inside && away % self.step as i128 == 0).then(|| (away / self.step as i128) as i64)
    }

    /// Whether CPython iterates over it with machine integers (the number after the last must fit one too) and the
    /// numbers fit a value's word, as the handler of `FOR_ITER` takes for granted: all of them, or so many that no loop
    /// comes to the rest.
    fn iterates_small(&self) -> bool {
        const MANY: i64 = 1 << 40;
        let fits = |n: i64| (SMALL_INT_MIN..=SMALL_INT_MAX).contains(&n);
        let end_fits = match self.step > 0 {
            true => self.stop <= i64::MAX - (self.step - 1),
            false => self.stop >= i64::MIN + (-1 - self.step),
        };
        end_fits && fits(self.start) && fits(self.at((self.len - 1).clamp(0, MANY)))
    }
}

impl Range {
    /// A range of exact `int`s; `step` is not 0.
    pub fn new_object(start: Value, stop: Value, step: Value) -> Py<Range> {
        let fits = |v: &Value| Int::read(v).and_then(|i| i.to_i64());
        let small = match (fits(&start), fits(&stop), fits(&step)) {
            (Some(a), Some(b), Some(c)) => SmallRange::new(a, b, c),
            _ => None,
        };
        let length = match &small {
            Some(s) => Int::from_i64(s.len),
            None => Int::from_big(big_length(&big(&start), &big(&stop), &big(&step))),
        };
        crate::object::instance::new(Range { start, stop, step, length, small })
    }

    /// A range of machine integers; `step` is not 0.
    pub fn of_i64(start: i64, stop: i64, step: i64) -> Py<Range> {
        Range::new_object(Int::from_i64(start), Int::from_i64(stop), Int::from_i64(step))
    }

    /// Number of items as a machine size.
    pub fn len(&self, vm: &mut Vm) -> PyResult<usize> {
        match Int::read(&self.length).and_then(|i| i.to_i64()) {
            Some(n) => Ok(n as usize),
            None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// A new iterator from the front.
    pub fn iter(&self) -> Value {
        match self.small {
            Some(s) if s.iterates_small() => {
                crate::object::instance::new(RangeIter { next: s.start, step: s.step, remaining: s.len }).into()
            }
            _ => crate::object::instance::new(LongRangeIter {
                next: big(&self.start),
                step: big(&self.step),
                remaining: big(&self.length),
            })
            .into(),
        }
    }

    fn reversed(&self) -> Value {
        if let Some(s) = self.small {
            let end = s.step.checked_neg().zip(s.start.checked_sub(s.step));
            let back = end.and_then(|(step, stop)| SmallRange::new(s.at(s.len - 1), stop, step));
            if let Some(b) = back.filter(SmallRange::iterates_small) {
                let (next, step) = (b.start, b.step);
                return crate::object::instance::new(RangeIter { next, step, remaining: s.len }).into();
            }
        }
        let (start, step, len) = (big(&self.start), big(&self.step), big(&self.length));
        let last = start + (&len - IBig::ONE) * &step;
        crate::object::instance::new(LongRangeIter { next: last, step: -step, remaining: len }).into()
    }

    /// Item at an index that may count from the end.
    fn item(&self, vm: &mut Vm, index: &Value) -> PyResult {
        if let (Some(s), Some(i)) = (&self.small, Int::read(index).and_then(|i| i.to_i64())) {
            let i = if i < 0 { i.saturating_add(s.len) } else { i };
            if i >= 0 && i < s.len {
                return Ok(Int::from_i64(s.at(i)));
            }
            return Err(vm.index_error("range object index out of range"));
        }
        let (i, len) = (big(index), big(&self.length));
        let i = if i < IBig::ZERO { i + &len } else { i };
        if i < IBig::ZERO || i >= len {
            return Err(vm.index_error("range object index out of range"));
        }
        Ok(Int::from_big(big(&self.start) + i * big(&self.step)))
    }

    /// Position of an `int` or `bool`, if the range has it.
    fn position(&self, n: &Value) -> Option<IBig> {
        if let (Some(s), Some(n)) = (&self.small, Int::read(n).and_then(|n| n.to_i64())) {
            return s.position(n).map(IBig::from);
        }
        let (n, start, stop, step) = (big(n), big(&self.start), big(&self.stop), big(&self.step));
        let inside = if step > IBig::ZERO { n >= start && n < stop } else { n <= start && n > stop };
        if !inside {
            return None;
        }
        let away = n - start;
        (&away % &step == IBig::ZERO).then(|| away / step)
    }
}

fn big(v: &Value) -> IBig {
    Int::read(v).map(|i| i.to_ibig()).unwrap_or(IBig::ZERO)
}

fn big_length(start: &IBig, stop: &IBig, step: &IBig) -> IBig {
    let (low, high, stride) =
        if *step > IBig::ZERO { (start, stop, step.clone()) } else { (stop, start, -step.clone()) };
    if low >= high { IBig::ZERO } else { (high - low - IBig::ONE) / stride + IBig::ONE }
}

/// The type `range`.
pub static RANGE: TypeDef = TypeDef::new::<Range>("range")
    .doc("An immutable sequence of integers: range(stop) or range(start, stop[, step]); stop itself is left out.")
    .flags(TypeFlags::SEQUENCE)
    .cpython_size(48, 0)
    .slots(Slots {
        new: Some(range_new),
        repr: Some(range_repr),
        hash: Some(range_hash),
        richcmp: Some(range_richcmp),
        iter: Some(|_, me| Ok(this(me).iter())),
        truth: Some(|vm, me| {
            let length = this(me).length.clone();
            vm.truth(&length)
        }),
        len: Some(|vm, me| this(me).clone().len(vm)),
        subscript: Some(range_subscript),
        item: Some(|vm, me, i| this(me).clone().item(vm, &Int::from_i64(i as i64))),
        contains: Some(range_contains),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__reversed__",
            "($self, /)",
            "Return a reverse iterator.",
            NativeFn::F1(|_, me| Ok(this(me).reversed())),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(range_reduce),
        ),
        MethodDef::method(
            "count",
            "($self, object, /)",
            "Return how often the value occurs.",
            NativeFn::F2(range_count),
        ),
        MethodDef::method(
            "index",
            "($self, object, /)",
            "Return the position of the value; ValueError if it does not occur.",
            NativeFn::F2(range_index),
        ),
    ])
    .getset(&[
        GetSetDef::member("start", "First number.", |_, me| Ok(this(me).start.clone())),
        GetSetDef::member("stop", "Number to stop before.", |_, me| Ok(this(me).stop.clone())),
        GetSetDef::member("step", "Difference between neighbours.", |_, me| Ok(this(me).step.clone())),
    ]);

fn this(me: &Value) -> &Py<Range> {
    me.downcast::<Range>().expect("a method of range is called on a range")
}

fn range_new(vm: &mut Vm, _class: &Py<Type>, args: &Args<'_>) -> PyResult {
    args.between(vm, "range", 1, 3)?;
    let pos = args.pos();
    if pos.len() == 1 {
        let stop = vm.index(&pos[0])?;
        return Ok(Range::new_object(Value::small_unchecked(0), stop, Value::small_unchecked(1)).into());
    }
    let start = vm.index(&pos[0])?;
    let stop = vm.index(&pos[1])?;
    let step = match pos.get(2) {
        Some(v) => vm.index(v)?,
        None => Value::small_unchecked(1),
    };
    if step.as_small() == Some(0) {
        return Err(vm.value_error("range() arg 3 must not be zero"));
    }
    Ok(Range::new_object(start, stop, step).into())
}

fn range_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let r = this(me).clone();
    let mut texts = vec![vm.repr(&r.start)?, vm.repr(&r.stop)?];
    if r.step.as_small() != Some(1) {
        texts.push(vm.repr(&r.step)?);
    }
    Ok(enclose("range(", &texts, ")").into())
}

fn range_hash(vm: &mut Vm, me: &Value) -> PyResult<i64> {
    let r = this(me).clone();
    let parts = match r.length.as_small() {
        Some(0) => [r.length.clone(), none(), none()],
        Some(1) => [r.length.clone(), r.start.clone(), none()],
        _ => [r.length.clone(), r.start.clone(), r.step.clone()],
    };
    crate::types::tuple::methods::hash_items(vm, &parts, true)
}

fn range_richcmp(_: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Range>(), b.downcast::<Range>()) else { return Ok(not_implemented()) };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(not_implemented());
    }
    let same = |p: &Value, q: &Value| p.is(q) || (!p.is_small() && !q.is_small() && big(p) == big(q));
    let equal = a.is(b)
        || same(&x.length, &y.length)
            && match x.length.as_small() {
                Some(0) => true,
                Some(1) => same(&x.start, &y.start),
                _ => same(&x.start, &y.start) && same(&x.step, &y.step),
            };
    Ok(boolean(equal == (op == CmpOp::Eq)))
}

fn range_subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    let r = this(me);
    if is_index(key) {
        let i = vm.index(key)?;
        return r.clone().item(vm, &i);
    }
    let Some(s) = key.downcast::<Slice>() else {
        let name = key.class().payload.name();
        return Err(vm.type_error(format!("range indices must be integers or slices, not {name}")));
    };
    let (start, stop, step) = s.clone().long_indices(vm, &big(&r.length))?;
    let (first, stride) = (big(&r.start), big(&r.step));
    let at = |i: IBig| Int::from_big(&first + i * &stride);
    Ok(Range::new_object(at(start), at(stop), Int::from_big(step * &stride)).into())
}

/// Whether position and membership of the value follow from arithmetic.
fn is_plain_int(v: &Value) -> bool {
    Int::is_exact(v) || v.is_static(&crate::types::singletons::TRUE) || v.is_static(&crate::types::singletons::FALSE)
}

fn range_contains(vm: &mut Vm, me: &Value, item: &Value) -> PyResult<bool> {
    if is_plain_int(item) {
        return Ok(this(me).position(item).is_some());
    }
    let it = this(me).iter();
    while let Some(x) = vm.next(&it)? {
        if vm.eq(&x, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn range_count(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    if is_plain_int(item) {
        return Ok(Value::small_unchecked(this(me).position(item).is_some() as i64));
    }
    let it = this(me).iter();
    let mut n = 0;
    while let Some(x) = vm.next(&it)? {
        n += vm.eq(&x, item)? as usize;
    }
    Ok(Value::from_usize(n))
}

fn range_index(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    if is_plain_int(item) {
        return match this(me).position(item) {
            Some(i) => Ok(Int::from_big(i)),
            None => Err(vm.value_error("range.index(x): x not in range")),
        };
    }
    let it = this(me).iter();
    let mut i = 0;
    while let Some(x) = vm.next(&it)? {
        if vm.eq(&x, item)? {
            return Ok(Value::from_usize(i));
        }
        i += 1;
    }
    Err(vm.value_error("sequence.index(x): x not in sequence"))
}

fn range_reduce(_: &mut Vm, me: &Value) -> PyResult {
    let r = this(me);
    let args = Tuple::of([r.start.clone(), r.stop.clone(), r.step.clone()]);
    Ok(Tuple::of([RANGE.value(), args.into()]).into())
}

/// The type of iterators over ranges of machine integers.
pub static RANGE_ITER: TypeDef = TypeDef::new::<RangeIter>("range_iterator")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .cpython_size(40, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(range_iter_next), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "__length_hint__",
            "($self, /)",
            "How many items are left.",
            NativeFn::F1(|vm, me| Ok(Int::from_i64(small_iter(me).get(vm).remaining))),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(range_iter_reduce),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(range_iter_setstate),
        ),
    ]);

fn small_iter(me: &Value) -> &Py<RangeIter> {
    me.downcast::<RangeIter>().expect("a method of range_iterator is called on one")
}

impl RangeIter {
    /// The next number.
    #[inline(always)]
    pub fn step(&mut self) -> Option<i64> {
        if self.remaining <= 0 {
            return None;
        }
        let n = self.next;
        self.next = n.wrapping_add(self.step);
        self.remaining -= 1;
        Some(n)
    }
}

fn range_iter_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    Ok(small_iter(me).get_mut(vm).step().map(Int::from_i64))
}

fn reduce_to(vm: &mut Vm, range: Py<Range>) -> PyResult {
    let iter = builtin_iter(vm)?;
    Ok(Tuple::of([iter, Tuple::of([range.into()]).into(), none()]).into())
}

fn range_iter_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let it = small_iter(me).get(vm);
    let (next, step, n) = (it.next, it.step, it.remaining);
    let stop = IBig::from(next) + IBig::from(n) * IBig::from(step);
    let range = Range::new_object(Int::from_i64(next), Int::from_big(stop), Int::from_i64(step));
    reduce_to(vm, range)
}

fn range_iter_setstate(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let index = vm.to_i64(state)?;
    let it = small_iter(me).get_mut(vm);
    let index = index.clamp(0, it.remaining);
    it.next = it.next.wrapping_add(index.wrapping_mul(it.step));
    it.remaining -= index;
    Ok(none())
}

/// The type of iterators over ranges of big integers.
pub static LONG_RANGE_ITER: TypeDef = TypeDef::new::<LongRangeIter>("longrange_iterator")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .cpython_size(40, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(long_iter_next), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "__length_hint__",
            "($self, /)",
            "How many items are left.",
            NativeFn::F1(|vm, me| Ok(Int::from_big(long_iter(me).get(vm).remaining.clone()))),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(long_iter_reduce),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(long_iter_setstate),
        ),
    ]);

fn long_iter(me: &Value) -> &Py<LongRangeIter> {
    me.downcast::<LongRangeIter>().expect("a method of longrange_iterator is called on one")
}

fn long_iter_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = long_iter(me).get_mut(vm);
    if it.remaining <= IBig::ZERO {
        return Ok(None);
    }
    let n = it.next.clone();
    it.next += &it.step;
    it.remaining -= IBig::ONE;
    Ok(Some(Int::from_big(n)))
}

fn long_iter_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let it = long_iter(me).get(vm);
    let stop = &it.next + &it.remaining * &it.step;
    let (next, step) = (Int::from_big(it.next.clone()), Int::from_big(it.step.clone()));
    let range = Range::new_object(next, Int::from_big(stop), step);
    reduce_to(vm, range)
}

fn long_iter_setstate(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    if !Int::is_exact(state) {
        let name = crate::types::sequence::full_type_name(vm, state);
        return Err(vm.type_error(format!("state must be an int, not {name}")));
    }
    let it = long_iter(me).get_mut(vm);
    let index = big(state).clamp(IBig::ZERO, it.remaining.clone());
    it.next += &index * &it.step;
    it.remaining -= index;
    Ok(none())
}
