//! Iterators over bytearrays; they see changes.

use super::ByteArray;
use crate::object::typedef::{MethodDef, NativeFn::*};
use crate::object::{Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::sequence::{builtin_iter, state_index};
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Iterator over a bytearray, which is gone after the end.
pub struct ByteArrayIter {
    array: Option<Py<ByteArray>>,
    index: usize,
}

crate::payload!(ByteArrayIter, BYTEARRAY_ITER,
    traverse(self, visit) {
        self.array.iter().for_each(|a| visit(a.as_value()));
    },
    clear(self) { self.array = None; }
);

/// `iter(bytearray)`.
pub(super) fn bytearray_iter(_: &mut Vm, me: &Value) -> PyResult {
    Ok(crate::object::instance::new(ByteArrayIter { array: me.downcast::<ByteArray>().cloned(), index: 0 }).into())
}

fn this(me: &Value) -> &Py<ByteArrayIter> {
    me.downcast::<ByteArrayIter>().expect("a method of bytearray_iterator is called on one")
}

fn next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = this(me).get(vm);
    let Some(array) = &it.array else { return Ok(None) };
    let found = array.get(vm).data.get(it.index).copied();
    let it = this(me).get_mut(vm);
    Ok(match found {
        Some(byte) => {
            it.index += 1;
            Some(Value::small_unchecked(byte.into()))
        }
        None => {
            let gone = it.array.take();
            drop(gone);
            None
        }
    })
}

/// The type of iterators over bytearrays.
pub static BYTEARRAY_ITER: TypeDef = TypeDef::new::<ByteArrayIter>("bytearray_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(next), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "__length_hint__",
            "($self, /)",
            "How many bytes are left.",
            F1(|vm, me| {
                let it = this(me).get(vm);
                Ok(Value::from_usize(it.array.as_ref().map_or(0, |a| a.get(vm).data.len().saturating_sub(it.index))))
            }),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            F1(|vm, me| {
                let function = builtin_iter(vm)?;
                let it = this(me).get(vm);
                Ok(match &it.array {
                    Some(a) => {
                        let args = Tuple::of([a.as_value().clone()]);
                        Tuple::of([function, args.into(), Value::from_usize(it.index)]).into()
                    }
                    None => Tuple::of([function, Tuple::of([Tuple::empty().into()]).into()]).into(),
                })
            }),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            F2(|vm, me, state| {
                let index = state_index(vm, state)?;
                let it = this(me).get(vm);
                let len = it.array.as_ref().map_or(0, |a| a.get(vm).data.len());
                this(me).get_mut(vm).index = (index.max(0) as usize).min(len);
                Ok(none())
            }),
        ),
    ]);
