//! Iterators over memoryviews.

use super::items::get_item;
use super::{MemoryView, view};
use crate::object::{Py, PyResult, Slots, TypeDef, TypeFlags, Value};
use crate::vm::Vm;

/// Iterator over a memoryview, which is gone after the end.
pub struct MemoryIter {
    of: Option<Py<MemoryView>>,
    index: usize,
    length: usize,
}
crate::payload!(MemoryIter, MEMORY_ITER,
    traverse(self, visit) { self.of.iter().for_each(|m| visit(m.as_value())) },
    clear(self) { drop(self.of.take()) });

/// The type of iterators over memoryviews.
pub static MEMORY_ITER: TypeDef = TypeDef::new::<MemoryIter>("memory_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(next), ..Slots::NONE });

/// `iter(memoryview)`.
pub(super) fn memory_iter(vm: &mut Vm, me: &Value) -> PyResult {
    let Some(&length) = view(vm, me)?.shape.first() else {
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    };
    let of = me.downcast::<MemoryView>().cloned();
    Ok(crate::object::instance::new(MemoryIter { of, index: 0, length }).into())
}

fn next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = me.downcast::<MemoryIter>().expect("a method of memory_iterator is called on one");
    let MemoryIter { of, index, length } = it.get(vm);
    let (Some(of), index, length) = (of.clone(), *index, *length) else { return Ok(None) };
    if index >= length {
        let gone = it.get_mut(vm).of.take();
        drop(gone);
        return Ok(None);
    }
    let item = get_item(vm, of.as_value(), index as isize)?;
    it.get_mut(vm).index += 1;
    Ok(Some(item))
}
