//! Iterators over bytes.

use super::Bytes;
use crate::object::typedef::{MethodDef, NativeFn::*};
use crate::object::{Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::sequence::{builtin_iter, state_index};
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Iterator over bytes; they are gone after the end.
pub struct BytesIter {
    /// What it iterates over.
    pub bytes: Option<Py<Bytes>>,
    /// Next index.
    pub index: usize,
}

crate::payload!(BytesIter, BYTES_ITER,
    traverse(self, visit) {
        self.bytes.iter().for_each(|b| visit(b.as_value()));
    },
    clear(self) { self.bytes = None; }
);

impl BytesIter {
    /// The next byte.
    #[inline]
    pub fn step(&mut self) -> Option<Value> {
        let item = self.bytes.as_ref()?.as_slice().get(self.index).copied();
        match item {
            Some(byte) => {
                self.index += 1;
                Some(Value::small_unchecked(byte.into()))
            }
            None => {
                self.bytes = None;
                None
            }
        }
    }
}

/// `iter(bytes)`.
pub(super) fn bytes_iter(_: &mut Vm, me: &Value) -> PyResult {
    let bytes = me.downcast::<Bytes>().cloned();
    Ok(crate::object::instance::new(BytesIter { bytes, index: 0 }).into())
}

fn this(me: &Value) -> &Py<BytesIter> {
    me.downcast::<BytesIter>().expect("a method of bytes_iterator is called on one")
}

/// The type of iterators over bytes.
pub static BYTES_ITER: TypeDef = TypeDef::new::<BytesIter>("bytes_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots {
        iter: Some(|_, me| Ok(me.clone())),
        next: Some(|vm, me| Ok(this(me).get_mut(vm).step())),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__length_hint__",
            "($self, /)",
            "How many bytes are left.",
            F1(|vm, me| {
                let it = this(me).get(vm);
                Ok(Value::from_usize(it.bytes.as_ref().map_or(0, |b| b.as_slice().len().saturating_sub(it.index))))
            }),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            F1(|vm, me| {
                let function = builtin_iter(vm)?;
                let it = this(me).get(vm);
                Ok(match &it.bytes {
                    Some(b) => {
                        let args = Tuple::of([b.as_value().clone()]);
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
                let it = this(me).get_mut(vm);
                if let Some(b) = &it.bytes {
                    it.index = (index.max(0) as usize).min(b.as_slice().len());
                }
                Ok(none())
            }),
        ),
    ]);
