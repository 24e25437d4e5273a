//! The awaitable of `anext(it, default)`: a `StopAsyncIteration` from the iterator becomes the default.

use crate::object::typedef::SendResult;
use crate::object::{GetSetDef, MethodDef, NativeFn, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::exceptions::STOP_ASYNC_ITERATION;
use crate::vm::Vm;
use crate::vm::args::Args;

/// Payload of `anext_awaitable`.
pub struct AnextAwaitable {
    wrapped: Value,
    default: Value,
}

crate::payload!(AnextAwaitable, ANEXT_AWAITABLE,
    traverse(self, visit) {
        let AnextAwaitable { wrapped, default } = self;
        visit(wrapped);
        visit(default);
    },
    clear(self) {});

/// The type `anext_awaitable`.
pub static ANEXT_AWAITABLE: TypeDef = TypeDef::new::<AnextAwaitable>("anext_awaitable")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots {
        am_await: Some(|_, v| Ok(v.clone())),
        iter: Some(|_, v| Ok(v.clone())),
        next: Some(next),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "send",
            "($self, value, /)",
            "Send a value into the iterator.",
            NativeFn::V(|vm, a| forward(vm, a, "send")),
        ),
        MethodDef::method(
            "throw",
            "($self, /, *args)",
            "Raise an exception in the iterator.",
            NativeFn::V(|vm, a| forward(vm, a, "throw")),
        ),
        MethodDef::method("close", "($self, /)", "End the iterator.", NativeFn::V(|vm, a| forward(vm, a, "close"))),
    ])
    .getset(&[] as &[GetSetDef]);

impl AnextAwaitable {
    /// The awaitable over that of `__anext__()`.
    pub fn over(wrapped: Value, default: Value) -> Value {
        crate::object::instance::new(AnextAwaitable { wrapped, default }).into()
    }
}

/// The iterator behind the wrapped awaitable. A coroutine's own iterator is one that can be sent to.
fn iterator(vm: &mut Vm, v: &Value) -> PyResult {
    let wrapped = v.downcast::<AnextAwaitable>().expect("an anext_awaitable").get(vm).wrapped.clone();
    crate::types::generator::iter_of_awaitable(vm, &wrapped)
}

/// `StopAsyncIteration` becomes `StopIteration(default)`.
fn end(vm: &mut Vm, v: &Value, r: crate::object::Raised) -> crate::object::Raised {
    if !vm.error_is(&STOP_ASYNC_ITERATION) {
        return r;
    }
    vm.clear_error();
    let default = v.downcast::<AnextAwaitable>().expect("an anext_awaitable").get(vm).default.clone();
    vm.stop_iteration(Some(default))
}

fn next(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let it = iterator(vm, v)?;
    match crate::types::generator::send_any(vm, &it, &none()) {
        Ok(SendResult::Yield(item)) => Ok(Some(item)),
        Ok(SendResult::Return(value)) => Err(vm.stop_iteration(Some(value))),
        Err(r) => Err(end(vm, v, r)),
    }
}

fn forward(vm: &mut Vm, args: &Args<'_>, name: &str) -> PyResult {
    let v = &args.pos()[0];
    let it = iterator(vm, v)?;
    vm.call_method(&it, name, &args.pos()[1..]).map_err(|r| end(vm, v, r))
}
