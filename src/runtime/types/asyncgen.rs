//! Asynchronous generators (PEP 525): the object, and the awaitables that `__anext__`, `asend`, `athrow` and `aclose`
//! give. The frame machinery is that of `generator`; values it yields to its caller come wrapped, other yields are
//! awaits that pass through.

use super::generator::{self, Generator, State};
use crate::object::typedef::{MethodDef, NativeFn::*, SendResult};
use crate::object::value::Frozen;
use crate::object::{GetSetDef, Py, PyResult, Raised, Slots, TypeDef, TypeFlags, Value, boolean, instance, none};
use crate::types::exceptions as exc;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use std::cell::{Cell, RefCell};

/// Payload of a wrapped value on its way from `yield` to `__anext__`.
pub struct Wrapped {
    value: Value,
}
crate::payload!(Wrapped, WRAPPED, traverse(self, visit) { visit(&self.value) }, clear(self) {});
impl Frozen for Wrapped {}

/// The type of wrapped values; programs never see one.
pub static WRAPPED: TypeDef = TypeDef::new::<Wrapped>("async_generator_wrapped_value")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION));

/// Wraps a yielded value.
pub fn wrapped_value(value: Value) -> Value {
    instance::new(Wrapped { value }).into()
}

/// Bits of `Generator::async_state`.
mod bits {
    pub const HOOKS: u8 = 1;
    pub const RUNNING: u8 = 2;
    pub const CLOSED: u8 = 4;
}

/// The type `async_generator`.
pub static ASYNC_GENERATOR: TypeDef = TypeDef::new::<Generator>("async_generator")
    .flags(
        TypeFlags::HAVE_GC
            .union(TypeFlags::WEAKREFABLE)
            .union(TypeFlags::DISALLOW_INSTANTIATION)
            .union(TypeFlags::HAS_FINALIZER),
    )
    .cpython_size(152, 8)
    .slots(Slots {
        repr: Some(|vm, v| {
            let q = vm.str(&agen(v).qualname.borrow().clone())?;
            Ok(vm.new_str(&format!("<async_generator object {} at {:#x}>", q.to_rust(), v.id())))
        }),
        aiter: Some(|_, v| Ok(v.clone())),
        anext: Some(|vm, v| {
            init_hooks(vm, v)?;
            Ok(new_send(v, None))
        }),
        finalize: Some(finalize),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "asend",
            "($self, value, /)",
            "Send 'value' into generator, then return next yielded value or raise StopAsyncIteration.",
            F2(|vm, v, x| {
                init_hooks(vm, v)?;
                Ok(new_send(v, Some(x.clone())))
            }),
        ),
        MethodDef::method(
            "athrow",
            "($self, type, value=None, traceback=None, /)",
            "Raise exception in generator, return next yielded value or raise StopAsyncIteration.",
            V(athrow),
        ),
        MethodDef::method(
            "aclose",
            "($self, /)",
            "Raise GeneratorExit inside generator.",
            F1(|vm, v| {
                init_hooks(vm, v)?;
                Ok(new_throw(v, None))
            }),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, item, /)",
            "See PEP 585",
            F2(crate::types::generic_alias::class_getitem),
        ),
    ])
    .getset(&[
        GetSetDef::get_set(
            "__name__",
            "",
            |_, v| Ok(agen(v).name.borrow().clone()),
            |vm, v, x| set_text(vm, x, "__name__", &agen(v).name),
        ),
        GetSetDef::get_set(
            "__qualname__",
            "",
            |_, v| Ok(agen(v).qualname.borrow().clone()),
            |vm, v, x| set_text(vm, x, "__qualname__", &agen(v).qualname),
        ),
        GetSetDef::get("ag_frame", "", generator::frame_attribute),
        GetSetDef::get("ag_running", "", |_, v| Ok(boolean(has(v, bits::RUNNING)))),
        GetSetDef::get("ag_suspended", "", |_, v| Ok(boolean(agen(v).state.get() == State::Suspended))),
        GetSetDef::get("ag_code", "", |_, v| Ok(agen(v).code.clone().into())),
        GetSetDef::get("ag_await", "", |_, v| Ok(generator::yield_from(agen(v)).unwrap_or_else(none))),
    ]);

fn agen(v: &Value) -> &Py<Generator> {
    generator::any_generator(v).expect("method of async_generator")
}

fn has(v: &Value, bit: u8) -> bool {
    agen(v).async_state.get() & bit != 0
}

fn set(v: &Value, bit: u8, on: bool) {
    let s = &agen(v).async_state;
    s.set(if on { s.get() | bit } else { s.get() & !bit });
}

fn set_text(vm: &mut Vm, x: Option<&Value>, what: &str, cell: &RefCell<Value>) -> PyResult<()> {
    match x {
        Some(x) if x.downcast::<crate::types::str::Str>().is_some() => {
            let old = cell.replace(x.clone());
            drop(old);
            Ok(())
        }
        _ => Err(vm.type_error(format!("{what} must be set to a string object"))),
    }
}

/// Calls the hooks of `sys.set_asyncgen_hooks` at first use.
fn init_hooks(vm: &mut Vm, v: &Value) -> PyResult<()> {
    if has(v, bits::HOOKS) {
        return Ok(());
    }
    set(v, bits::HOOKS, true);
    let (first, finalizer) = vm.asyncgen_hooks.clone();
    *agen(v).finalizer.borrow_mut() = finalizer;
    if let Some(f) = first {
        vm.call1(&f, v)?;
    }
    Ok(())
}

fn finalize(vm: &mut Vm, v: &Value) {
    let g = agen(v).clone();
    if g.state.get() == State::Finished {
        return;
    }
    let hook = g.finalizer.borrow().clone();
    match hook {
        Some(f) if !has(v, bits::CLOSED) => {
            if vm.call1(&f, v).is_err() {
                vm.unraisable(Some(v), None);
            }
        }
        _ => {
            if generator::close(vm, &g).is_err() {
                crate::types::exceptions::report_closing(vm, v);
            }
        }
    }
}

/// What a resumption of the generator means for the awaiting caller: a wrapped value ends the await with
/// `StopIteration(value)`, other values are awaits.
fn unwrap(vm: &mut Vm, v: &Value, r: PyResult<SendResult>) -> PyResult<SendResult> {
    match r {
        Ok(SendResult::Yield(x)) => match x.downcast::<Wrapped>() {
            Some(w) => {
                set(v, bits::RUNNING, false);
                Ok(SendResult::Return(w.value.clone()))
            }
            None => Ok(SendResult::Yield(x)),
        },
        Ok(SendResult::Return(_)) => {
            set(v, bits::RUNNING, false);
            set(v, bits::CLOSED, true);
            Err(vm.raise_with(&exc::STOP_ASYNC_ITERATION, &[]))
        }
        Err(r) => {
            if vm.error_is(&exc::STOP_ASYNC_ITERATION) || vm.error_is(&exc::GENERATOR_EXIT) {
                set(v, bits::CLOSED, true);
            }
            set(v, bits::RUNNING, false);
            Err(r)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Init,
    Iterating,
    Closed,
}

/// Payload of the awaitables: `asend` and `athrow`/`aclose` differ by what they begin with.
pub struct Awaitable {
    generator: Value,
    /// The value to send first (`asend`).
    value: RefCell<Option<Value>>,
    /// The arguments of `athrow`, which say what to throw first; for `aclose` there are none.
    thrown: RefCell<Option<Value>>,
    stage: Cell<Stage>,
}
crate::payload!(Awaitable, ASEND,
    traverse(self, visit) {
        visit(&self.generator);
        self.value.borrow().iter().for_each(&mut *visit);
        self.thrown.borrow().iter().for_each(visit);
    },
    clear(self) {});
impl Frozen for Awaitable {}

fn make(class: &'static TypeDef, generator: &Value, value: Option<Value>, thrown: Option<Value>) -> Value {
    let a = instance::new(Awaitable {
        generator: generator.clone(),
        value: RefCell::new(value),
        thrown: RefCell::new(thrown),
        stage: Cell::new(Stage::Init),
    });
    if let Some(h) = a.as_value().header() {
        h.typ.set(class.object());
    }
    a.into()
}

fn new_send(generator: &Value, value: Option<Value>) -> Value {
    make(&ASEND, generator, value, None)
}

fn new_throw(generator: &Value, thrown: Option<Value>) -> Value {
    make(&ATHROW, generator, None, thrown)
}

fn athrow(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let v = args.pos()[0].clone();
    args.rest().between(vm, "athrow", 1, 3)?;
    exc::warn_of_three_arguments(vm, "athrow", args.rest().pos().len())?;
    init_hooks(vm, &v)?;
    Ok(new_throw(&v, Some(Tuple::from_slice(args.rest().pos()).into())))
}

/// An awaitable that was never awaited ends (`_PyErr_WarnUnawaitedAgenMethod`).
fn finalize_awaitable(vm: &mut Vm, v: &Value) {
    let a = awaitable(v);
    if a.stage.get() != Stage::Init {
        return;
    }
    let method = match (std::ptr::eq(v.class(), ASEND.object()), a.thrown.borrow().is_some()) {
        (true, _) => "asend",
        (false, true) => "athrow",
        (false, false) => "aclose",
    };
    let name = agen(&a.generator).qualname.borrow().clone();
    let warned = vm.repr(&name).and_then(|name| {
        let text = format!("coroutine method '{method}' of {} was never awaited", name.to_rust());
        vm.warn(&exc::RUNTIME_WARNING, text, 1)
    });
    if warned.is_err() {
        vm.unraisable(Some(v), None);
    }
}

fn awaitable(v: &Value) -> Py<Awaitable> {
    // SAFETY: both types have this payload.
    unsafe { v.downcast_unchecked::<Awaitable>() }.clone()
}

fn reuse(vm: &mut Vm, what: &str) -> Raised {
    vm.runtime_error(format!("cannot reuse already awaited {what}"))
}

fn asend_send(vm: &mut Vm, v: &Value, x: &Value) -> PyResult<SendResult> {
    let a = awaitable(v);
    let g = a.generator.clone();
    let mut value = x.clone();
    match a.stage.get() {
        Stage::Closed => return Err(reuse(vm, "__anext__()/asend()")),
        Stage::Init => {
            if has(&g, bits::RUNNING) {
                a.stage.set(Stage::Closed);
                return Err(vm.runtime_error("anext(): asynchronous generator is already running"));
            }
            if x.is_none() {
                value = a.value.borrow().clone().unwrap_or_else(none);
            }
            a.stage.set(Stage::Iterating);
            set(&g, bits::RUNNING, true);
        }
        Stage::Iterating => {}
    }
    let r = if agen(&g).state.get() == State::Finished {
        Ok(SendResult::Return(none()))
    } else {
        generator::send(vm, agen(&g), &value)
    };
    let r = unwrap(vm, &g, r);
    if !matches!(r, Ok(SendResult::Yield(_))) {
        a.stage.set(Stage::Closed);
    }
    r
}

fn asend_throw(vm: &mut Vm, v: &Value, e: Value) -> PyResult<SendResult> {
    let a = awaitable(v);
    let g = a.generator.clone();
    if a.stage.get() == Stage::Closed {
        return Err(reuse(vm, "__anext__()/asend()"));
    }
    if a.stage.get() == Stage::Init {
        if has(&g, bits::RUNNING) {
            a.stage.set(Stage::Closed);
            return Err(vm.runtime_error("anext(): asynchronous generator is already running"));
        }
        a.stage.set(Stage::Iterating);
        set(&g, bits::RUNNING, true);
    }
    let r = generator::throw(vm, agen(&g), e, false);
    let r = unwrap(vm, &g, r);
    if !matches!(r, Ok(SendResult::Yield(_))) {
        a.stage.set(Stage::Closed);
    }
    r
}

fn athrow_send(vm: &mut Vm, v: &Value, x: &Value) -> PyResult<SendResult> {
    let a = awaitable(v);
    let g = a.generator.clone();
    let closing = a.thrown.borrow().is_none();
    match a.stage.get() {
        Stage::Closed => Err(reuse(vm, "aclose()/athrow()")),
        Stage::Init => {
            if has(&g, bits::RUNNING) {
                a.stage.set(Stage::Closed);
                let what = if closing { "aclose" } else { "athrow" };
                return Err(vm.runtime_error(format!("{what}(): asynchronous generator is already running")));
            }
            if agen(&g).state.get() == State::Finished || has(&g, bits::CLOSED) {
                a.stage.set(Stage::Closed);
                return if closing {
                    Ok(SendResult::Return(none()))
                } else {
                    Err(vm.raise_with(&exc::STOP_ASYNC_ITERATION, &[]))
                };
            }
            if !x.is_none() {
                return Err(vm.runtime_error("can't send non-None value to a just-started async generator"));
            }
            a.stage.set(Stage::Iterating);
            set(&g, bits::RUNNING, true);
            let e = match a.thrown.borrow().clone() {
                Some(args) => {
                    let args = args.downcast::<Tuple>().expect("arguments").clone();
                    let e = args.items().first().cloned().unwrap_or_else(none);
                    let thrown = exc::from_throw(vm, &e, args.items().get(1), args.items().get(2));
                    if thrown.is_err() {
                        set(&g, bits::RUNNING, false);
                        a.stage.set(Stage::Closed);
                    }
                    thrown?
                }
                None => {
                    set(&g, bits::CLOSED, true);
                    exc::instantiate(vm, &exc::GENERATOR_EXIT, &[])?
                }
            };
            let r = generator::throw(vm, agen(&g), e, !closing);
            finish_throw(vm, &a, &g, closing, r)
        }
        Stage::Iterating => {
            let r = generator::send(vm, agen(&g), x);
            finish_throw(vm, &a, &g, closing, r)
        }
    }
}

fn finish_throw(
    vm: &mut Vm,
    a: &Py<Awaitable>,
    g: &Value,
    closing: bool,
    r: PyResult<SendResult>,
) -> PyResult<SendResult> {
    if !closing {
        let r = unwrap(vm, g, r);
        if !matches!(r, Ok(SendResult::Yield(_))) {
            a.stage.set(Stage::Closed);
        }
        return r;
    }
    match r {
        Ok(SendResult::Yield(x)) if x.downcast::<Wrapped>().is_some() => {
            set(g, bits::RUNNING, false);
            a.stage.set(Stage::Closed);
            Err(vm.runtime_error("async generator ignored GeneratorExit"))
        }
        Ok(SendResult::Yield(x)) => Ok(SendResult::Yield(x)),
        Ok(SendResult::Return(_)) => {
            set(g, bits::RUNNING, false);
            a.stage.set(Stage::Closed);
            Ok(SendResult::Return(none()))
        }
        Err(r) => {
            set(g, bits::RUNNING, false);
            a.stage.set(Stage::Closed);
            if vm.error_is(&exc::STOP_ASYNC_ITERATION) || vm.error_is(&exc::GENERATOR_EXIT) {
                vm.clear_error();
                return Ok(SendResult::Return(none()));
            }
            Err(r)
        }
    }
}

fn athrow_throw(vm: &mut Vm, v: &Value, e: Value) -> PyResult<SendResult> {
    let a = awaitable(v);
    let g = a.generator.clone();
    if a.stage.get() == Stage::Closed {
        return Err(reuse(vm, "aclose()/athrow()"));
    }
    let closing = a.thrown.borrow().is_none();
    if a.stage.get() == Stage::Init {
        if has(&g, bits::RUNNING) {
            a.stage.set(Stage::Closed);
            let what = if closing { "aclose" } else { "athrow" };
            return Err(vm.runtime_error(format!("{what}(): asynchronous generator is already running")));
        }
        a.stage.set(Stage::Iterating);
        set(&g, bits::RUNNING, true);
    }
    let r = generator::throw(vm, agen(&g), e, false);
    finish_throw(vm, &a, &g, closing, r)
}

fn next_of(vm: &mut Vm, r: PyResult<SendResult>) -> PyResult<Option<Value>> {
    match r? {
        SendResult::Yield(v) => Ok(Some(v)),
        SendResult::Return(v) if v.is_none() => Ok(None),
        SendResult::Return(v) => Err(exc::raise_stop(vm, &exc::STOP_ITERATION, v)),
    }
}

macro_rules! awaitable_type {
    ($name:ident, $text:literal, $send:ident, $throw:ident) => {
        #[doc = concat!("The type `", $text, "`.")]
        pub static $name: TypeDef = TypeDef::new::<Awaitable>($text)
            .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION).union(TypeFlags::HAS_FINALIZER))
            .slots(Slots {
                finalize: Some(finalize_awaitable),
                iter: Some(|_, v| Ok(v.clone())),
                am_await: Some(|_, v| Ok(v.clone())),
                next: Some(|vm, v| {
                    let r = $send(vm, v, &none());
                    next_of(vm, r)
                }),
                send: Some($send),
                ..Slots::NONE
            })
            .methods(&[
                MethodDef::method(
                    "send",
                    "($self, value, /)",
                    "",
                    F2(|vm, v, x| {
                        let r = $send(vm, v, x)?;
                        generator::to_python(vm, r)
                    }),
                ),
                MethodDef::method(
                    "throw",
                    "($self, type, value=None, traceback=None, /)",
                    "",
                    V(|vm, args| {
                        let v = args.pos()[0].clone();
                        let e = generator::thrown(vm, &args.rest(), "throw")?;
                        let r = $throw(vm, &v, e)?;
                        generator::to_python(vm, r)
                    }),
                ),
                MethodDef::method(
                    "close",
                    "($self, /)",
                    "",
                    F1(|vm, v| {
                        if awaitable(v).stage.get() == Stage::Closed {
                            return Ok(none());
                        }
                        let e = exc::instantiate(vm, &exc::GENERATOR_EXIT, &[])?;
                        match $throw(vm, v, e) {
                            Ok(SendResult::Yield(_)) => Err(vm.runtime_error("coroutine ignored GeneratorExit")),
                            Ok(SendResult::Return(_)) => Ok(none()),
                            Err(_)
                                if vm.error_is(&exc::STOP_ITERATION)
                                    || vm.error_is(&exc::STOP_ASYNC_ITERATION)
                                    || vm.error_is(&exc::GENERATOR_EXIT) =>
                            {
                                vm.clear_error();
                                Ok(none())
                            }
                            Err(r) => Err(r),
                        }
                    }),
                ),
            ]);
    };
}

awaitable_type!(ASEND, "async_generator_asend", asend_send, asend_throw);
awaitable_type!(ATHROW, "async_generator_athrow", athrow_send, athrow_throw);
