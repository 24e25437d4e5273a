//! The two iterators that any object can have: over `__getitem__` from 0 on, and over the results of a callable up to a
//! sentinel (`Objects/iterobject.c`).

use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none, not_implemented};
use crate::types::exceptions::{INDEX_ERROR, STOP_ITERATION};
use crate::types::sequence::{builtin_iter, state_index};
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Iterator over a sequence by index; the sequence is gone after the end.
pub struct SeqIter {
    /// What it iterates over.
    pub seq: Option<Value>,
    /// Next index.
    pub index: i64,
}

crate::payload!(SeqIter, SEQ_ITER,
    traverse(self, visit) {
        if let Some(v) = &self.seq {
            visit(v);
        }
    },
    clear(self) { self.seq = None; }
);

impl SeqIter {
    /// An iterator over `seq`.
    pub fn over(seq: Value) -> Value {
        crate::object::instance::new(SeqIter { seq: Some(seq), index: 0 }).into()
    }
}

/// The type of iterators over sequences.
pub static SEQ_ITER: TypeDef = TypeDef::new::<SeqIter>("iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(seq_next), ..Slots::NONE })
    .methods(&[
        MethodDef::method("__length_hint__", "($self, /)", "How many items are left.", NativeFn::F1(seq_hint)),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(seq_reduce),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(seq_setstate),
        ),
    ]);

fn seq_iter(me: &Value) -> &Py<SeqIter> {
    me.downcast::<SeqIter>().expect("a method of iterator is called on one")
}

fn seq_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = seq_iter(me);
    let (seq, index) = {
        let it = it.get(vm);
        match &it.seq {
            Some(s) => (s.clone(), it.index),
            None => return Ok(None),
        }
    };
    if index == i64::MAX {
        return Err(vm.overflow_error("iter index too large"));
    }
    match sequence_item(vm, &seq, index as isize) {
        Ok(v) => {
            it.get_mut(vm).index = index + 1;
            Ok(Some(v))
        }
        Err(_) if vm.error_is(&INDEX_ERROR) || vm.error_is(&STOP_ITERATION) => {
            vm.clear_error();
            let dead = it.get_mut(vm).seq.take();
            drop(dead);
            Ok(None)
        }
        Err(r) => Err(r),
    }
}

/// `seq[index]` by the sequence slot, as `PySequence_GetItem` does; the index is not negative.
pub fn sequence_item(vm: &mut Vm, seq: &Value, index: isize) -> PyResult {
    match seq.class().payload.slots().item {
        Some(f) => f(vm, seq, index),
        None => {
            let name = seq.class().payload.name();
            Err(vm.type_error(format!("'{name}' object does not support indexing")))
        }
    }
}

fn seq_hint(vm: &mut Vm, me: &Value) -> PyResult {
    let it = seq_iter(me).get(vm);
    let (Some(seq), index) = (it.seq.clone(), it.index) else { return Ok(Value::small_unchecked(0)) };
    if seq.class().payload.slots().len.is_none() {
        return Ok(not_implemented());
    }
    let n = vm.len(&seq)? as i64;
    Ok(Value::small_unchecked((n - index).max(0)))
}

fn seq_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    // Looking up `iter` first matters: a changed `builtins` may exhaust the iterator.
    let iter = builtin_iter(vm)?;
    let it = seq_iter(me).get(vm);
    Ok(match &it.seq {
        Some(s) => {
            let index = crate::types::int::Int::from_i64(it.index);
            Tuple::of([iter, Tuple::from_slice(std::slice::from_ref(s)).into(), index]).into()
        }
        None => Tuple::of([iter, Tuple::of([Tuple::empty().into()]).into()]).into(),
    })
}

fn seq_setstate(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let index = state_index(vm, state)?;
    let it = seq_iter(me).get_mut(vm);
    if it.seq.is_some() {
        it.index = index.max(0) as i64;
    }
    Ok(none())
}

/// Iterator over the results of a callable; both parts are gone after the end.
pub struct CallIter {
    parts: Option<(Value, Value)>,
}

crate::payload!(CallIter, CALL_ITER,
    traverse(self, visit) {
        if let Some((f, sentinel)) = &self.parts {
            visit(f);
            visit(sentinel);
        }
    },
    clear(self) { self.parts = None; }
);

impl CallIter {
    /// `iter(callable, sentinel)`.
    pub fn over(callable: Value, sentinel: Value) -> Value {
        crate::object::instance::new(CallIter { parts: Some((callable, sentinel)) }).into()
    }
}

/// The type of iterators over the results of a callable.
pub static CALL_ITER: TypeDef = TypeDef::new::<CallIter>("callable_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(call_next), ..Slots::NONE })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        NativeFn::F1(call_reduce),
    )]);

fn call_iter(me: &Value) -> &Py<CallIter> {
    me.downcast::<CallIter>().expect("a method of callable_iterator is called on one")
}

fn call_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = call_iter(me);
    let Some((f, _)) = it.get(vm).parts.clone() else { return Ok(None) };
    match vm.call0(&f) {
        Ok(v) => {
            // The call may have exhausted the iterator.
            let Some((_, sentinel)) = it.get(vm).parts.clone() else { return Ok(None) };
            if !vm.eq(&sentinel, &v)? {
                return Ok(Some(v));
            }
        }
        Err(_) if vm.error_is(&STOP_ITERATION) => vm.clear_error(),
        Err(r) => return Err(r),
    }
    let dead = it.get_mut(vm).parts.take();
    drop(dead);
    Ok(None)
}

fn call_reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let iter = builtin_iter(vm)?;
    let args = match call_iter(me).get(vm).parts.clone() {
        Some((f, sentinel)) => Tuple::of([f, sentinel]),
        None => Tuple::of([Tuple::empty().into()]),
    };
    Ok(Tuple::of([iter, args.into()]).into())
}
