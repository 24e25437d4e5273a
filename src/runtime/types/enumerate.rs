//! `enumerate` and `reversed` (`Objects/enumobject.c`).

use crate::object::instance::new_of;
use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, none};
use crate::types::exceptions::{INDEX_ERROR, STOP_ITERATION};
use crate::types::generic_alias::class_getitem;
use crate::types::int::Int;
use crate::types::iter::sequence_item;
use crate::types::sequence::state_index;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use dashu_int::IBig;

/// Payload of `enumerate`.
pub struct Enumerate {
    iter: Option<Value>,
    /// The next number while it fits a machine integer.
    count: i64,
    /// The next number beyond that.
    big: Option<IBig>,
}

crate::payload!(Enumerate, ENUMERATE,
    traverse(self, visit) {
        if let Some(v) = &self.iter {
            visit(v);
        }
    },
    clear(self) { self.iter = None; }
);

/// The type `enumerate`.
pub static ENUMERATE: TypeDef = TypeDef::new::<Enumerate>("enumerate")
    .doc("Pairs of a running number (from start, by default 0) and an item of the iterable.")
    .signature("(iterable, start=0)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(56, 0)
    .slots(Slots {
        new: Some(enumerate_new),
        iter: Some(|_, me| Ok(me.clone())),
        next: Some(enumerate_next),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(enumerate_reduce),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "enumerate is generic over the type of the items.",
            NativeFn::F2(class_getitem),
        ),
    ]);

fn enumerate_args(vm: &mut Vm, args: &Args<'_>) -> PyResult<(Value, Option<Value>)> {
    let given = args.all().len();
    if given > 2 {
        return Err(vm.type_error(format!("enumerate() takes at most 2 arguments ({given} given)")));
    }
    let mut parts = [args.get(0).cloned(), args.get(1).cloned()];
    for (name, value) in args.keywords() {
        let i = match name.is_text("iterable") {
            true => 0,
            false if name.is_text("start") => 1,
            false => {
                let name = name.to_rust();
                return Err(vm.type_error(format!("'{name}' is an invalid keyword argument for enumerate()")));
            }
        };
        if parts[i].replace(value.clone()).is_some() {
            let name = name.to_rust();
            return Err(vm.type_error(format!("'{name}' is an invalid keyword argument for enumerate()")));
        }
    }
    let [iterable, start] = parts;
    match iterable {
        Some(iterable) => Ok((iterable, start)),
        None => Err(vm.type_error("enumerate() missing required argument 'iterable'")),
    }
}

fn enumerate_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let (iterable, start) = enumerate_args(vm, args)?;
    let (mut count, mut big) = (0, None);
    if let Some(start) = start {
        let start = vm.index(&start)?;
        if let Some(i) = Int::read(&start) {
            match i.to_i64() {
                Some(i) => count = i,
                None => (count, big) = (i64::MAX, Some(i.to_ibig())),
            }
        }
    }
    let iter = vm.iter(&iterable)?;
    Ok(new_of(class, Enumerate { iter: Some(iter), count, big }).into())
}

fn enumerate_of(me: &Value) -> &Py<Enumerate> {
    me.downcast::<Enumerate>().expect("a method of enumerate is called on one")
}

impl Enumerate {
    fn number(&self) -> Value {
        match &self.big {
            Some(b) => Int::from_big(b.clone()),
            None => Int::from_i64(self.count),
        }
    }
    fn advance(&mut self) {
        match (&mut self.big, self.count) {
            (Some(b), _) => *b += IBig::ONE,
            (None, i64::MAX) => self.big = Some(IBig::from(i64::MAX) + IBig::ONE),
            (None, _) => self.count += 1,
        }
    }
}

fn enumerate_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let e = enumerate_of(me);
    let Some(it) = e.get(vm).iter.clone() else { return Ok(None) };
    let Some(item) = vm.next(&it)? else { return Ok(None) };
    let e = e.get_mut(vm);
    let number = e.number();
    e.advance();
    Ok(Some(Tuple::of([number, item]).into()))
}

fn enumerate_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let e = enumerate_of(me).get(vm);
    let args = Tuple::of([e.iter.clone().unwrap_or_else(none), e.number()]);
    let class: Value = Py::of(me.class()).into();
    Ok(Tuple::of([class, args.into()]).into())
}

/// Payload of `reversed`.
pub struct Reversed {
    seq: Option<Value>,
    index: isize,
}

crate::payload!(Reversed, REVERSED,
    traverse(self, visit) {
        if let Some(v) = &self.seq {
            visit(v);
        }
    },
    clear(self) { self.seq = None; }
);

/// The type `reversed`.
pub static REVERSED: TypeDef = TypeDef::new::<Reversed>("reversed")
    .doc("Iterator over the items of a sequence from the last to the first.")
    .signature("(sequence, /)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(32, 0)
    .slots(Slots {
        new: Some(reversed_new),
        iter: Some(|_, me| Ok(me.clone())),
        next: Some(reversed_next),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("__length_hint__", "($self, /)", "How many items are left.", NativeFn::F1(reversed_hint)),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(reversed_reduce),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(reversed_setstate),
        ),
    ]);

fn reversed_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let exact = std::ptr::eq(class.get_type(), REVERSED.object());
    if args.has_keywords() && exact {
        return Err(vm.type_error("reversed() takes no keyword arguments"));
    }
    if args.len() != 1 {
        return Err(vm.type_error(format!("reversed expected 1 argument, got {}", args.len())));
    }
    let seq = &args.pos()[0];
    if let Some(f) = vm.lookup_special(seq, "__reversed__")? {
        if !f.is_none() {
            return vm.call0(&f);
        }
    } else if seq.class().payload.slots().item.is_some() && !seq.class().payload.has(TypeFlags::DICT_SUBCLASS) {
        let n = vm.len(seq)?;
        return Ok(new_of(class, Reversed { seq: Some(seq.clone()), index: n as isize - 1 }).into());
    }
    let name = seq.class().payload.name();
    Err(vm.type_error(format!("'{name}' object is not reversible")))
}

fn reversed_of(me: &Value) -> &Py<Reversed> {
    me.downcast::<Reversed>().expect("a method of reversed is called on one")
}

fn reversed_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let r = reversed_of(me);
    let index = r.get(vm).index;
    let Some(seq) = r.get(vm).seq.clone() else { return Ok(None) };
    if index >= 0 {
        match sequence_item(vm, &seq, index) {
            Ok(v) => {
                r.get_mut(vm).index = index - 1;
                return Ok(Some(v));
            }
            Err(_) if vm.error_is(&INDEX_ERROR) || vm.error_is(&STOP_ITERATION) => vm.clear_error(),
            Err(e) => return Err(e),
        }
    }
    let r = r.get_mut(vm);
    r.index = -1;
    drop(r.seq.take());
    Ok(None)
}

fn reversed_hint(vm: &mut Vm, me: &Value) -> PyResult {
    let r = reversed_of(me).get(vm);
    let (Some(seq), index) = (r.seq.clone(), r.index) else { return Ok(Value::small_unchecked(0)) };
    let n = vm.len(&seq)? as isize;
    Ok(Value::small_unchecked(if n < index + 1 { 0 } else { index as i64 + 1 }))
}

fn reversed_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let class: Value = Py::of(me.class()).into();
    let r = reversed_of(me).get(vm);
    Ok(match &r.seq {
        Some(s) => {
            let args = Tuple::from_slice(std::slice::from_ref(s));
            Tuple::of([class, args.into(), Value::small_unchecked(r.index as i64)]).into()
        }
        None => Tuple::of([class, Tuple::of([Tuple::empty().into()]).into()]).into(),
    })
}

fn reversed_setstate(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let index = state_index(vm, state)?;
    let Some(seq) = reversed_of(me).get(vm).seq.clone() else { return Ok(none()) };
    let n = vm.len(&seq)? as isize;
    reversed_of(me).get_mut(vm).index = index.clamp(-1, n - 1);
    Ok(none())
}
