//! `coroutine_wrapper`: the iterator that `coroutine.__await__()` gives (`Objects/genobject.c`).

use super::generator::{self, Generator, close, send, throw, thrown, to_python};
use crate::object::typedef::SendResult;
use crate::object::value::Frozen;
use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::exceptions as exc;
use crate::vm::Vm;

/// Payload of `coroutine_wrapper`, what `coroutine.__await__()` gives.
pub struct CoroutineWrapper {
    coroutine: Value,
}
crate::payload!(CoroutineWrapper, COROUTINE_WRAPPER, traverse(self, visit) { visit(&self.coroutine) }, clear(self) {});
impl Frozen for CoroutineWrapper {}

/// `coroutine.__await__()`
pub fn await_coroutine(_: &mut Vm, v: &Value) -> PyResult {
    Ok(crate::object::instance::new(CoroutineWrapper { coroutine: v.clone() }).into())
}

fn wrapped(v: &Value) -> Py<Generator> {
    let w = v.downcast::<CoroutineWrapper>().expect("method of coroutine_wrapper");
    generator::any_generator(&w.coroutine).expect("wraps a coroutine").clone()
}

/// The type of `coroutine.__await__()`.
pub static COROUTINE_WRAPPER: TypeDef = TypeDef::new::<CoroutineWrapper>("coroutine_wrapper")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(24, 0)
    .slots(Slots {
        iter: Some(|_, v| Ok(v.clone())),
        next: Some(|vm, v| {
            let g = wrapped(v);
            match send(vm, &g, &none())? {
                SendResult::Yield(v) => Ok(Some(v)),
                SendResult::Return(v) if v.is_none() => Ok(None),
                SendResult::Return(v) => Err(exc::raise_stop(vm, &exc::STOP_ITERATION, v)),
            }
        }),
        send: Some(|vm, v, x| {
            let g = wrapped(v);
            send(vm, &g, x)
        }),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "send",
            "($self, arg, /)",
            "Send 'arg' into coroutine.",
            NativeFn::F2(|vm, v, x| {
                let g = wrapped(v);
                let r = send(vm, &g, x)?;
                to_python(vm, r)
            }),
        ),
        MethodDef::method(
            "throw",
            "($self, type, value=None, traceback=None, /)",
            "Raise exception in coroutine.",
            NativeFn::V(|vm, args| {
                let g = wrapped(&args.pos()[0]);
                let e = thrown(vm, &args.rest(), "throw")?;
                let r = throw(vm, &g, e, true)?;
                to_python(vm, r)
            }),
        ),
        MethodDef::method(
            "close",
            "($self, /)",
            "Raise GeneratorExit inside coroutine.",
            NativeFn::F1(|vm, v| {
                let g = wrapped(v);
                close(vm, &g)
            }),
        ),
    ]);
