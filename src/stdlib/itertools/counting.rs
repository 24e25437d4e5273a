//! Iterators that make items or count them: `accumulate`, `batched`, `count`, `islice`, `repeat`.

use super::iterator;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::sequence::{enclose, ssize_arg, stop_is_end};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject::short_name;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};
use taipan_runtime::vm::ops::BinOp;

iterator! {
    ACCUMULATE "itertools.accumulate"
    "The running totals of the items, by addition or by a function of two arguments."
    "(iterable, func=None, *, initial=None)" size 56
    payload Accumulate { source: Value, function: Option<Value>, initial: Option<Value>, total: Option<Value> }
    visits(self, visit) {
        visit(&self.source);
        self.function.iter().chain(&self.initial).chain(&self.total).for_each(visit);
    }
    clears { (self.function, self.initial, self.total) = (None, None, None); }
    new accumulate_new;
    next accumulate_next;
}

fn accumulate_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("accumulate", "(iterable, func=None, *, initial=None)");
    let mut bound = args.bind(vm, &SIGNATURE)?;
    let given = |v: Option<Value>| v.filter(|v| !v.is_none());
    let (function, initial) = (given(bound[1].take()), given(bound[2].take()));
    let Some(iterable) = bound[0].take() else { unreachable!("the iterable is required") };
    let source = vm.iter(&iterable)?;
    Ok(new_of(class, Accumulate { source, function, initial, total: None }).into())
}

fn accumulate_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let a = Accumulate::of(me);
    if let Some(v) = a.get_mut(vm).initial.take() {
        a.get_mut(vm).total = Some(v.clone());
        return Ok(Some(v));
    }
    let source = a.get(vm).source.clone();
    let Some(item) = vm.next(&source)? else { return Ok(None) };
    let total = match (a.get(vm).total.clone(), a.get(vm).function.clone()) {
        (None, _) => item,
        (Some(t), None) => vm.binary(BinOp::Add, &t, &item)?,
        (Some(t), Some(f)) => {
            let result = vm.call(&f, &[t, item]).map(Some);
            match stop_is_end(vm, result)? {
                Some(v) => v,
                None => return Ok(None),
            }
        }
    };
    let old = a.get_mut(vm).total.replace(total.clone());
    drop(old);
    Ok(Some(total))
}

iterator! {
    BATCHED "itertools.batched"
    "Tuples of n items each; the last may be shorter, unless strict is true."
    "(iterable, n, *, strict=False)" size 40
    payload Batched { source: Option<Value>, size: usize, strict: bool }
    visits(self, visit) { self.source.iter().for_each(visit); }
    clears { self.source = None; }
    new batched_new;
    next batched_next;
}

fn batched_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("batched", "(iterable, n, *, strict=False)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let (Some(iterable), Some(n)) = (&bound[0], &bound[1]) else { unreachable!("both are required") };
    let n = ssize_arg(vm, n)?;
    let strict = match &bound[2] {
        Some(v) => vm.truth(v)?,
        None => false,
    };
    if n < 1 {
        return Err(vm.value_error("n must be at least one"));
    }
    let source = Some(vm.iter(iterable)?);
    Ok(new_of(class, Batched { source, size: n as usize, strict }).into())
}

fn batched_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let b = Batched::of(me);
    let (Some(source), size) = (b.get(vm).source.clone(), b.get(vm).size) else { return Ok(None) };
    let mut batch = Vec::with_capacity(size.min(1 << 10));
    while batch.len() < size {
        match vm.next(&source) {
            Ok(Some(v)) => batch.push(v),
            Ok(None) => break,
            Err(r) => {
                b.get_mut(vm).source = None;
                return Err(r);
            }
        }
    }
    if batch.len() < size {
        b.get_mut(vm).source = None;
        if batch.is_empty() {
            return Ok(None);
        }
        if b.get(vm).strict {
            return Err(vm.value_error("batched(): incomplete batch"));
        }
    }
    Ok(Some(Tuple::from_vec(batch).into()))
}

iterator! {
    COUNT "itertools.count"
    "start, start + step, start + 2 * step, and so on without end."
    "(start=0, step=1)" size 40
    payload Count { next: Value, step: Value }
    visits(self, visit) {
        visit(&self.next);
        visit(&self.step);
    }
    clears {}
    new count_new;
    next count_next;
    slots Slots { repr: Some(count_repr), ..Slots::NONE };
}

fn is_number(v: &Value) -> bool {
    let s = v.class().payload.slots();
    v.is_small()
        || s.index.is_some()
        || s.int.is_some()
        || s.float.is_some()
        || v.downcast::<taipan_runtime::types::complex::Complex>().is_some()
}

fn is_one(v: &Value) -> bool {
    Int::read(v).and_then(|i| i.to_i64()) == Some(1)
}

fn count_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("count", "(start=0, step=1)");
    let mut bound = args.bind(vm, &SIGNATURE)?;
    let next = bound[0].take().unwrap_or(Value::small_unchecked(0));
    let step = bound[1].take().unwrap_or(Value::small_unchecked(1));
    if !is_number(&next) || !is_number(&step) {
        return Err(vm.type_error("a number is required"));
    }
    // Counting integers by one needs no objects: a bool or a subclass instance becomes a plain int.
    let next = match Int::read(&next) {
        Some(i) if is_one(&step) => Int::from_big(i.to_big()),
        _ => next,
    };
    Ok(new_of(class, Count { next, step }).into())
}

fn count_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let c = Count::of(me).get_mut(vm);
    if let (Some(n), Some(step)) = (c.next.as_small(), c.step.as_small()) {
        if let Some(sum) = n.checked_add(step).and_then(Value::small) {
            return Ok(Some(std::mem::replace(&mut c.next, sum)));
        }
    }
    let (next, step) = (c.next.clone(), c.step.clone());
    let sum = vm.binary(BinOp::Add, &next, &step)?;
    let old = std::mem::replace(&mut Count::of(me).get_mut(vm).next, sum);
    drop(old);
    Ok(Some(next))
}

fn count_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let c = Count::of(me).get(vm);
    let (next, step) = (c.next.clone(), c.step.clone());
    let mut texts = vec![vm.repr(&next)?];
    if !is_one(&step) {
        texts.push(vm.repr(&step)?);
    }
    let name = short_name(me.class());
    Ok(enclose(&format!("{name}("), &texts, ")").into())
}

iterator! {
    ISLICE "itertools.islice"
    "The items that iterable[start:stop:step] would have."
    "" size 56
    payload Islice { source: Option<Value>, next: usize, stop: usize, step: usize, count: usize }
    visits(self, visit) { self.source.iter().for_each(visit); }
    clears { self.source = None; }
    new islice_new;
    next islice_next;
}

/// An index argument: `None` as `default`, anything that is no integer of the right size as -1.
fn islice_index(vm: &mut Vm, v: &Value, default: isize) -> isize {
    if v.is_none() {
        return default;
    }
    match ssize_arg(vm, v) {
        Ok(i) => i,
        Err(_) => {
            vm.clear_error();
            -1
        }
    }
}

fn islice_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    const RANGE: &str = "must be None or an integer: 0 <= x <= sys.maxsize.";
    args.between(vm, "islice", 2, 4)?;
    let pos = args.pos();
    let (start, stop) = if pos.len() == 2 { (None, &pos[1]) } else { (Some(&pos[1]), &pos[2]) };
    let start = start.map_or(0, |v| islice_index(vm, v, 0));
    let stop = match stop.is_none() {
        true => isize::MAX,
        false => islice_index(vm, stop, 0),
    };
    if stop == -1 {
        return Err(vm.value_error(format!("Stop argument for islice() {RANGE}")));
    }
    if start < 0 || stop < 0 {
        return Err(vm.value_error(format!("Indices for islice() {RANGE}")));
    }
    let step = pos.get(3).map_or(1, |v| islice_index(vm, v, 1));
    if step < 1 {
        return Err(vm.value_error("Step for islice() must be a positive integer or None."));
    }
    let source = Some(vm.iter(&pos[0])?);
    let (next, stop, step) = (start as usize, stop as usize, step as usize);
    Ok(new_of(class, Islice { source, next, stop, step, count: 0 }).into())
}

fn islice_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let i = Islice::of(me);
    let Some(source) = i.get(vm).source.clone() else { return Ok(None) };
    let mut item = Ok(None);
    loop {
        let s = i.get(vm);
        let (last, wanted) = (s.count >= s.next, s.count < s.stop || s.count < s.next);
        if wanted {
            item = vm.next(&source);
        }
        if !wanted || !matches!(item, Ok(Some(_))) {
            i.get_mut(vm).source = None;
            return if wanted { item } else { Ok(None) };
        }
        i.get_mut(vm).count += 1;
        if last {
            break;
        }
    }
    let s = i.get_mut(vm);
    s.next = s.next.checked_add(s.step).map_or(s.stop, |n| n.min(s.stop));
    item
}

iterator! {
    REPEAT "itertools.repeat"
    "The object, again and again, or as often as times says."
    "" size 32
    payload Repeat { object: Value, left: Option<usize> }
    visits(self, visit) { visit(&self.object); }
    clears {}
    new repeat_new;
    next |vm, me| {
        let r = Repeat::of(me).get_mut(vm);
        match &mut r.left {
            Some(0) => return Ok(None),
            Some(n) => *n -= 1,
            None => {}
        }
        Ok(Some(r.object.clone()))
    };
    methods &[MethodDef::method("__length_hint__", "($self, /)", "How many items are left.", NativeFn::F1(|vm, me| {
        match Repeat::of(me).get(vm).left {
            Some(n) => Ok(Value::from_usize(n)),
            None => Err(vm.type_error("len() of unsized object")),
        }
    }))];
    slots Slots { repr: Some(repeat_repr), ..Slots::NONE };
}

fn repeat_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("repeat", "(object, times=None)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let Some(object) = bound[0].clone() else { unreachable!("the object is required") };
    let left = match &bound[1] {
        Some(n) => Some(ssize_arg(vm, n)?.max(0) as usize),
        None => None,
    };
    Ok(new_of(class, Repeat { object, left }).into())
}

fn repeat_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let (object, left) = (Repeat::of(me).get(vm).object.clone(), Repeat::of(me).get(vm).left);
    let mut texts = vec![vm.repr(&object)?];
    if let Some(n) = left {
        texts.push(vm.repr(&Value::from_usize(n))?);
    }
    let name = short_name(me.class());
    Ok(enclose(&format!("{name}("), &texts, ")").into())
}
