//! The iterator over sets.

use super::{Set, any_set};
use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value};
use crate::types::list::List;
use crate::types::sequence::builtin_iter;
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Iterator over a set; the set is gone after the end.
pub struct SetIter {
    set: Option<Py<Set>>,
    /// The length the set must keep; `usize::MAX` after a complaint, so that the complaint stays.
    used: usize,
    slot: usize,
    left: usize,
}

crate::payload!(SetIter, SET_ITER,
    traverse(self, visit) {
        if let Some(s) = &self.set {
            visit(s.as_value());
        }
    },
    clear(self) { self.set = None; }
);

/// `iter(set)`.
pub fn set_iter(vm: &mut Vm, me: &Value) -> PyResult {
    let set = any_set(me).expect("a method of set is called on a set");
    let used = set.get(vm).len();
    Ok(crate::object::instance::new(SetIter { set: Some(set.clone()), used, slot: 0, left: used }).into())
}

/// The type of iterators over sets.
pub static SET_ITER: TypeDef = TypeDef::new::<SetIter>("set_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(48, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(next), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "__length_hint__",
            "($self, /)",
            "How many items are left.",
            NativeFn::F1(|vm, me| {
                let it = this(me).get(vm);
                let valid = it.set.as_ref().is_some_and(|s| s.get(vm).len() == it.used);
                Ok(Value::from_usize(if valid { it.left } else { 0 }))
            }),
        ),
        MethodDef::method("__reduce__", "($self, /)", "Return state information for pickling.", NativeFn::F1(reduce)),
    ]);

fn this(me: &Value) -> &Py<SetIter> {
    me.downcast::<SetIter>().expect("a method of set_iterator is called on one")
}

fn next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = this(me).get(vm);
    let Some(set) = &it.set else { return Ok(None) };
    let set = set.get(vm);
    if set.len() != it.used {
        this(me).get_mut(vm).used = usize::MAX;
        return Err(vm.runtime_error("Set changed size during iteration"));
    }
    match set.next_from(it.slot).map(|(slot, v)| (slot, v.clone())) {
        Some((slot, v)) => {
            let it = this(me).get_mut(vm);
            it.slot = slot;
            it.left = it.left.saturating_sub(1);
            Ok(Some(v))
        }
        None => {
            let dead = this(me).get_mut(vm).set.take();
            drop(dead);
            Ok(None)
        }
    }
}

fn reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let iter = builtin_iter(vm)?;
    let it = this(me).get(vm);
    let copy = SetIter { set: it.set.clone(), ..*it };
    let rest = vm.collect(crate::object::instance::new(copy).as_value())?;
    Ok(Tuple::of([iter, Tuple::of([List::from_vec(rest).into()]).into()]).into())
}
