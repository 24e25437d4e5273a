//! Iterators over arrays.

use super::{Array, item_at, this};
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, instance, none};
use taipan_runtime::types::sequence::state_index;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// Payload of the iterator.
pub struct ArrayIter {
    /// Gone when the end was reached.
    array: Option<Py<Array>>,
    next: usize,
}
taipan_runtime::payload!(ArrayIter, ARRAY_ITER,
    traverse(self, visit) { self.array.iter().for_each(|a| visit(a.as_value())) },
    clear(self) { drop(self.array.take()) });

/// `array.arrayiterator`
pub static ARRAY_ITER: TypeDef = TypeDef::new::<ArrayIter>("array.arrayiterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(40, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(next), ..Slots::NONE })
    .methods(&[
        MethodDef::method("__reduce__", "($self, /)", "Return state information for pickling.", F1(reduce)),
        MethodDef::method("__setstate__", "($self, state, /)", "Set state information for unpickling.", F2(setstate)),
    ]);

fn it(me: &Value) -> &Py<ArrayIter> {
    me.downcast::<ArrayIter>().expect("a method of arrayiterator is called on one")
}

/// `iter(array)`
pub fn iter(_: &mut Vm, me: &Value) -> PyResult {
    Ok(instance::new(ArrayIter { array: Some(this(me).clone()), next: 0 }).into())
}

fn next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = it(me).get_mut(vm);
    let Some(array) = it.array.clone() else { return Ok(None) };
    let at = it.next;
    if at < array.get(vm).len() {
        self::it(me).get_mut(vm).next += 1;
        return item_at(vm, array.as_value(), at as isize).map(Some);
    }
    let gone = self::it(me).get_mut(vm).array.take();
    drop(gone);
    Ok(None)
}

fn reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let function = vm.import_attr("builtins", "iter")?;
    let it = it(me).get(vm);
    Ok(match &it.array {
        Some(a) => {
            let args = Tuple::of([a.clone().into()]);
            Tuple::of([function, args.into(), Value::from_usize(it.next)]).into()
        }
        None => Tuple::of([function, Tuple::of([Tuple::empty().into()]).into()]).into(),
    })
}

fn setstate(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let at = state_index(vm, state)?;
    if let Some(a) = it(me).get(vm).array.clone() {
        let n = a.get(vm).len();
        it(me).get_mut(vm).next = (at.max(0) as usize).min(n);
    }
    Ok(none())
}
