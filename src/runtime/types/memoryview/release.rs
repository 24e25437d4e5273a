//! Buffers of classes that define `__buffer__` in Python (PEP 688), and how `__release_buffer__` learns of their end.
//!
//! Such an export is owned by a hidden object that keeps the view which `__buffer__` gave. It ends with the last use of
//! the memory; since its end may run Python code it is queued like that of an object with `__del__`
//! (`slot_bf_getbuffer`, `bufferwrapper_releasebuf` in `Objects/typeobject.c`).

use super::{Managed, MemoryView, this, whole};
use crate::name;
use crate::object::buffer::{Buffer, BufferRequest};
use crate::object::{PyResult, Slots, TypeDef, TypeFlags, Value, instance, none};
use crate::types::slots::generic::call_found;
use crate::types::slots::wrapper::WrapperDescriptor;
use crate::types::typeobject;
use crate::vm::Vm;

/// Payload of the owner of such an export.
pub struct BufferWrapper {
    /// The memory of the view that `__buffer__` gave.
    base: Option<Buffer>,
    view: Value,
    object: Value,
}
crate::payload!(BufferWrapper, BUFFER_WRAPPER,
    traverse(self, visit) {
        self.base.iter().for_each(|b| visit(&b.owner));
        visit(&self.view);
        visit(&self.object);
    },
    clear(self) { drop(self.base.take()) });

/// The type of that owner.
pub static BUFFER_WRAPPER: TypeDef = TypeDef::new::<BufferWrapper>("_buffer_wrapper")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION).union(TypeFlags::HAS_FINALIZER))
    .slots(Slots { finalize: Some(finalize), ..Slots::NONE });

/// `PyBUF_FULL_RO` and `PyBUF_WRITABLE`: the flags that `__buffer__` gets.
const FULL_RO: i64 = 0x11C;
const WRITABLE: i64 = 1;

/// What `type(object).__buffer__` gives must be a `memoryview`, whose memory is passed on.
pub fn ask(vm: &mut Vm, object: &Value, request: BufferRequest) -> PyResult<Buffer> {
    let Some(method) = typeobject::lookup(object.class(), name!("__buffer__")) else {
        let name = object.class().payload.name();
        return Err(vm.type_error(format!("a bytes-like object is required, not '{name}'")));
    };
    let flags = FULL_RO | if request.writable { WRITABLE } else { 0 };
    let view = call_found(vm, object, &method, &[&Value::small_unchecked(flags)])?;
    if view.downcast::<MemoryView>().is_none() {
        return Err(vm.type_error("__buffer__ returned non-memoryview object"));
    }
    let base = vm.buffer(&view, request)?;
    let mut out = whole(&base);
    out.owner = instance::new(BufferWrapper { base: Some(base), view, object: object.clone() }).into();
    Ok(out)
}

/// What exports the memory of a view; `None` for a released one.
fn exporter_of(vm: &Vm, view: &Value) -> Option<Value> {
    let owner = &this(view).get(vm).buffer.as_ref()?.owner;
    let base = owner.downcast::<Managed>()?.get(vm).base.as_ref()?;
    Some(exporter(vm, &base.owner))
}

/// The exporter as `memoryview.obj` names it: a class that only overrides `__release_buffer__` exports itself.
pub fn exporter(vm: &Vm, owner: &Value) -> Value {
    let Some(w) = owner.downcast::<BufferWrapper>() else { return owner.clone() };
    let w = w.get(vm);
    match exporter_of(vm, &w.view) {
        Some(inner) if inner.is(&w.object) => inner,
        _ => owner.clone(),
    }
}

/// The last use of the memory has ended: `object.__release_buffer__(view)`. A view of the object's own memory, as
/// `super().__buffer__` gives it, can only be read by the method and ends with it.
fn finalize(vm: &mut Vm, v: &Value) {
    let Some(w) = v.downcast::<BufferWrapper>() else { return };
    drop(w.get_mut(vm).base.take());
    let (view, object) = (w.get(vm).view.clone(), w.get(vm).object.clone());
    let method = typeobject::lookup(object.class(), name!("__release_buffer__"));
    let Some(method) = method.filter(|m| m.downcast::<WrapperDescriptor>().is_none()) else { return };
    let own = exporter_of(vm, &view).is_some_and(|e| e.is(&object));
    this(&view).get_mut(vm).restricted = own;
    vm.aside(|vm| {
        if call_found(vm, &object, &method, &[&view]).is_err() {
            let name = object.class().payload.name();
            vm.unraisable(None, Some(&format!("Exception ignored in __release_buffer__ of {name}")));
        }
    });
    if own {
        drop(this(&view).get_mut(vm).buffer.take());
    }
}

/// `object.__release_buffer__(view)` of a type that is not made by Python code.
pub fn release_of(vm: &mut Vm, object: &Value, view: &Value) -> PyResult {
    if view.downcast::<MemoryView>().is_none() {
        return Err(vm.type_error("expected a memoryview object"));
    }
    if this(view).get(vm).buffer.is_none() {
        return Err(vm.value_error("memoryview's buffer has already been released"));
    }
    if !exporter_of(vm, view).is_some_and(|e| e.is(object)) {
        return Err(vm.value_error("memoryview's buffer is not this object"));
    }
    super::release(vm, view)?;
    Ok(none())
}
