//! `PickleBuffer`: an object's memory on its way into a pickle or beside it (PEP 574).

use std::cell::RefCell;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{Frozen, MethodDef, NativeFn, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use taipan_runtime::types::memoryview::{self, MEMORYVIEW};
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Payload: the object and a memory view of it, until it is released.
pub struct PickleBuffer {
    view: RefCell<Option<(Value, Value)>>,
}

taipan_runtime::payload!(PickleBuffer, PICKLE_BUFFER,
    traverse(self, visit) {
        self.view.borrow().iter().for_each(|(object, view)| {
            visit(object);
            visit(view);
        });
    },
    clear(self) { drop(self.view.take()) }
);
impl Frozen for PickleBuffer {}

/// `pickle.PickleBuffer`
pub static PICKLE_BUFFER: TypeDef = TypeDef::new::<PickleBuffer>("pickle.PickleBuffer")
    .doc("Wrapper for potentially out-of-band buffers")
    .signature("(object)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::WEAKREFABLE))
    .cpython_size(104, 0)
    .slots(Slots {
        new: Some(|vm, class, args: &Args<'_>| {
            static SIGNATURE: Signature = Signature::new("PickleBuffer", "(object, /)");
            let bound = args.bind(vm, &SIGNATURE)?;
            let Some(object) = &bound[0] else { return Err(vm.system_error("PickleBuffer(): unbound argument")) };
            // Asked first by itself: its errors name no memory view.
            drop(vm.buffer(object, BufferRequest::READ)?);
            let view = memoryview::from_object(vm, object, BufferRequest::READ)?;
            Ok(new_of(class, PickleBuffer { view: RefCell::new(Some((object.clone(), view))) }).into())
        }),
        buffer: Some(|vm, me, request| {
            // The view only keeps the memory in place: who asks meets the object itself.
            let (object, _) = held(vm, me)?;
            vm.buffer(&object, request)
        }),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "raw",
            "($self, /)",
            "Return a memoryview of the raw memory underlying this buffer.",
            NativeFn::F1(raw),
        ),
        MethodDef::method("release", "($self, /)", "Release the underlying buffer, if any.", NativeFn::F1(release)),
    ]);

fn this(v: &Value) -> &PickleBuffer {
    v.downcast::<PickleBuffer>().expect("a method of PickleBuffer is called on one")
}

fn held(vm: &mut Vm, me: &Value) -> PyResult<(Value, Value)> {
    let held = this(me).view.borrow().clone();
    held.ok_or_else(|| vm.value_error("operation forbidden on released PickleBuffer object"))
}

fn release(_: &mut Vm, me: &Value) -> PyResult {
    let view = this(me).view.take();
    drop(view);
    Ok(none())
}

/// The memory as unsigned bytes in one dimension.
pub fn raw(vm: &mut Vm, me: &Value) -> PyResult {
    let (_, view) = held(vm, me)?;
    let contiguous = vm.get_attr_text(&view, "contiguous")?;
    if !vm.truth(&contiguous)? {
        return Err(vm.buffer_error("cannot extract raw buffer from non-contiguous buffer"));
    }
    let copy = vm.call1(&MEMORYVIEW.value(), &view)?;
    let one_row = {
        let b = vm.buffer(&copy, BufferRequest::READ)?;
        b.shape.len() == 1 && b.itemsize == 1 && b.format == "B"
    };
    if one_row {
        return Ok(copy);
    }
    let fortran = vm.get_attr_text(&view, "c_contiguous")?;
    if !vm.truth(&fortran)? {
        // Column by column: the same bytes in another order, of which only the order in memory counts here.
        return Err(vm.buffer_error("raw(): memory in Fortran order is not supported"));
    }
    let bytes = vm.new_str("B");
    vm.call_method(&copy, "cast", std::slice::from_ref(&bytes))
}
