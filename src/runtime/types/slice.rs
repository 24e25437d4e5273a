//! `slice`: three values, and the arithmetic that turns them into indices (`Objects/sliceobject.c`).

use crate::object::typedef::CmpOp;
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none,
    not_implemented,
};
use crate::types::int::Int;
use crate::types::sequence::{clipped_index, enclose};
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use dashu_int::IBig;

/// Payload of `slice`.
pub struct Slice {
    /// First index, or `None`.
    pub start: Value,
    /// Index to stop before, or `None`.
    pub stop: Value,
    /// Stride, or `None`.
    pub step: Value,
}

crate::payload!(Slice, SLICE,
    traverse(self, visit) {
        let Slice { start, stop, step } = self;
        visit(start);
        visit(stop);
        visit(step);
    },
    clear(self) {}
);
impl Frozen for Slice {}

/// What a slice selects of a sequence of known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indices {
    /// First index.
    pub start: isize,
    /// Index to stop before; -1 when a negative stride runs to the front.
    pub stop: isize,
    /// Stride, never 0.
    pub step: isize,
    /// Number of items.
    pub count: usize,
}

impl Indices {
    /// The indices in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |k| (self.start + k as isize * self.step) as usize)
    }
}

/// The three parts as machine integers, before the length is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpacked {
    start: isize,
    stop: isize,
    step: isize,
}

impl Unpacked {
    /// Cuts the parts off at the ends of a sequence of `len` items.
    #[inline]
    pub fn adjust(self, len: usize) -> Indices {
        let (n, step) = (len as isize, self.step);
        let place = |i: isize| {
            let i = if i < 0 { i.saturating_add(n) } else { i };
            if step < 0 { i.clamp(-1, n - 1) } else { i.clamp(0, n) }
        };
        let (start, stop) = (place(self.start), place(self.stop));
        let count = match step {
            1 if start < stop => (stop - start) as usize,
            s if s < 0 && stop < start => ((start - stop - 1) / s.wrapping_neg() + 1) as usize,
            s if s > 0 && start < stop => ((stop - start - 1) / s + 1) as usize,
            _ => 0,
        };
        Indices { start, stop, step, count }
    }
}

const INDEX_ERROR: &str = "slice indices must be integers or None or have an __index__ method";

impl Slice {
    /// A slice object.
    pub fn new_object(start: Value, stop: Value, step: Value) -> Py<Slice> {
        crate::object::instance::new(Slice { start, stop, step })
    }

    /// The parts as machine integers; may run `__index__` (`PySlice_Unpack`).
    pub fn unpack(&self, vm: &mut Vm) -> PyResult<Unpacked> {
        let step = match self.step.is_none() {
            true => 1,
            false => clipped_index(vm, &self.step, INDEX_ERROR)?.max(-isize::MAX),
        };
        if step == 0 {
            return Err(vm.value_error("slice step cannot be zero"));
        }
        let start = match self.start.is_none() {
            true if step < 0 => isize::MAX,
            true => 0,
            false => clipped_index(vm, &self.start, INDEX_ERROR)?,
        };
        let stop = match self.stop.is_none() {
            true if step < 0 => isize::MIN,
            true => isize::MAX,
            false => clipped_index(vm, &self.stop, INDEX_ERROR)?,
        };
        Ok(Unpacked { start, stop, step })
    }

    /// What the slice selects of a sequence of `len` items.
    pub fn indices(&self, vm: &mut Vm, len: usize) -> PyResult<Indices> {
        Ok(self.unpack(vm)?.adjust(len))
    }

    /// `(start, stop, step)` for a sequence of any length, in Python's integers (`slice.indices`).
    pub fn long_indices(&self, vm: &mut Vm, len: &IBig) -> PyResult<(IBig, IBig, IBig)> {
        let step = match self.step.is_none() {
            true => IBig::ONE,
            false => long_index(vm, &self.step)?,
        };
        if step == IBig::ZERO {
            return Err(vm.value_error("slice step cannot be zero"));
        }
        let negative = step < IBig::ZERO;
        let (lower, upper) = if negative { (IBig::from(-1), len - IBig::ONE) } else { (IBig::ZERO, len.clone()) };
        let place = |vm: &mut Vm, v: &Value, absent: &IBig| -> PyResult<IBig> {
            if v.is_none() {
                return Ok(absent.clone());
            }
            let i = long_index(vm, v)?;
            let i = if i < IBig::ZERO { i + len } else { i };
            Ok(if i < lower {
                lower.clone()
            } else if i > upper {
                upper.clone()
            } else {
                i
            })
        };
        let start = place(vm, &self.start, if negative { &upper } else { &lower })?;
        let stop = place(vm, &self.stop, if negative { &lower } else { &upper })?;
        Ok((start, stop, step))
    }
}

fn long_index(vm: &mut Vm, v: &Value) -> PyResult<IBig> {
    if Int::read(v).is_none() && v.class().payload.slots().index.is_none() {
        return Err(vm.type_error(INDEX_ERROR));
    }
    let i = vm.index(v)?;
    match Int::read(&i) {
        Some(i) => Ok(i.to_ibig()),
        None => Err(vm.type_error(INDEX_ERROR)),
    }
}

/// The type `slice`.
pub static SLICE: TypeDef = TypeDef::new::<Slice>("slice")
    .doc("Which items of a sequence a[start:stop:step] selects; slice(stop) or slice(start, stop[, step]) makes one.")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(40, 0)
    .slots(Slots {
        new: Some(slice_new),
        repr: Some(slice_repr),
        hash: Some(slice_hash),
        richcmp: Some(slice_richcmp),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "indices",
            "($self, object, /)",
            "Start, stop and stride of the slice for a sequence of the given length.",
            NativeFn::F2(slice_indices),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(slice_reduce),
        ),
    ])
    .getset(&[
        GetSetDef::member("start", "First index, or None.", |_, me| Ok(this(me).start.clone())),
        GetSetDef::member("stop", "Index to stop before, or None.", |_, me| Ok(this(me).stop.clone())),
        GetSetDef::member("step", "Stride, or None.", |_, me| Ok(this(me).step.clone())),
    ]);

fn this(me: &Value) -> &Py<Slice> {
    me.downcast::<Slice>().expect("a method of slice is called on a slice")
}

fn slice_new(vm: &mut Vm, _class: &Py<Type>, args: &Args<'_>) -> PyResult {
    args.between(vm, "slice", 1, 3)?;
    let at = |i: usize| args.get(i).cloned().unwrap_or_else(none);
    Ok(match args.len() {
        1 => Slice::new_object(none(), at(0), none()),
        _ => Slice::new_object(at(0), at(1), at(2)),
    }
    .into())
}

fn parts(me: &Value) -> [Value; 3] {
    let s = this(me);
    [s.start.clone(), s.stop.clone(), s.step.clone()]
}

fn slice_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let mut texts = Vec::with_capacity(3);
    for v in parts(me) {
        texts.push(vm.repr(&v)?);
    }
    Ok(enclose("slice(", &texts, ")").into())
}

fn slice_hash(vm: &mut Vm, me: &Value) -> PyResult<i64> {
    crate::types::tuple::methods::hash_items(vm, &parts(me), false)
}

fn slice_richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if a.downcast::<Slice>().is_none() || b.downcast::<Slice>().is_none() {
        return Ok(not_implemented());
    }
    if a.is(b) {
        return Ok(boolean(matches!(op, CmpOp::Eq | CmpOp::Le | CmpOp::Ge)));
    }
    let (x, y) = (Tuple::from_slice(&parts(a)), Tuple::from_slice(&parts(b)));
    vm.compare(x.as_value(), y.as_value(), op)
}

fn slice_indices(vm: &mut Vm, me: &Value, len: &Value) -> PyResult {
    let len = vm.index(len)?;
    let len = Int::read(&len).map(|i| i.to_ibig()).unwrap_or(IBig::ZERO);
    if len < IBig::ZERO {
        return Err(vm.value_error("length should not be negative"));
    }
    let (start, stop, step) = this(me).clone().long_indices(vm, &len)?;
    Ok(Tuple::of([Int::from_big(start), Int::from_big(stop), Int::from_big(step)]).into())
}

fn slice_reduce(_: &mut Vm, me: &Value) -> PyResult {
    let args = Tuple::from_slice(&parts(me));
    Ok(Tuple::of([SLICE.value(), args.into()]).into())
}
