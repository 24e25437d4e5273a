//! What CPython's test suite asks of `_testcapi` and can be answered here: the events of `sys.monitoring` fired by something
//! that is not bytecode (`Modules/_testcapi/monitoring.c`, `Doc/c-api/monitoring.rst`), and facts about the platform. All
//! else of that module drives CPython's C interface and is absent.

use crate::testcalls;
use std::cell::RefCell;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{Frozen, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use taipan_runtime::probe::events::Event;
use taipan_runtime::probe::monitoring;
use taipan_runtime::probe::switchboard::Tools;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::method::BuiltinFunction;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

macro_rules! fire {
    ($name:literal, $signature:literal, $event:ident, $n:literal, $how:expr) => {
        MethodDef::function(
            $name,
            $signature,
            "Report an event of a place of a CodeLike.",
            NativeFn::V(|vm, args| {
                args.exactly(vm, $name, $n)?;
                let how: fn(&mut Vm, &[Value]) -> PyResult<Vec<Value>> = $how;
                let more = how(vm, &args.pos()[2..])?;
                fire(vm, Event::$event, &args.pos()[0], &args.pos()[1], more)
            }),
        )
    };
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_testcapi")
    .doc("Events of code that is not bytecode, for tests.")
    .types(&[&CODE_LIKE, &testcalls::METH_INSTANCE, &testcalls::METH_CLASS, &testcalls::METH_STATIC])
    .functions(&[
        MethodDef::function(
            "config_get",
            "($module, name, /)",
            "A setting of the interpreter.",
            NativeFn::F1(config_get),
        ),
        MethodDef::function(
            "monitoring_enter_scope",
            "($module, codelike, event1, event2=0, /)",
            "Ask who listens to the events of a CodeLike's places.",
            NativeFn::V(enter_scope),
        ),
        MethodDef::function(
            "monitoring_exit_scope",
            "($module, /)",
            "Leave the scope entered last.",
            NativeFn::F0(|_| Ok(none())),
        ),
        fire!("fire_event_py_start", "($module, codelike, offset, /)", PyStart, 2, |_, _| Ok(Vec::new())),
        fire!("fire_event_py_resume", "($module, codelike, offset, /)", PyResume, 2, |_, _| Ok(Vec::new())),
        fire!("fire_event_py_return", "($module, codelike, offset, retval, /)", PyReturn, 3, as_given),
        fire!("fire_event_py_yield", "($module, codelike, offset, retval, /)", PyYield, 3, as_given),
        fire!("fire_event_call", "($module, codelike, offset, callable, arg0, /)", Call, 4, as_given),
        fire!("fire_event_line", "($module, codelike, offset, lineno, /)", Line, 3, as_given),
        fire!("fire_event_jump", "($module, codelike, offset, target, /)", Jump, 3, as_given),
        fire!("fire_event_branch_right", "($module, codelike, offset, target, /)", BranchRight, 3, as_given),
        fire!("fire_event_branch_left", "($module, codelike, offset, target, /)", BranchLeft, 3, as_given),
        fire!("fire_event_py_throw", "($module, codelike, offset, exception, /)", PyThrow, 3, |vm, v| raised(
            vm,
            Event::PyThrow,
            v
        )),
        fire!("fire_event_raise", "($module, codelike, offset, exception, /)", Raise, 3, |vm, v| raised(
            vm,
            Event::Raise,
            v
        )),
        fire!("fire_event_c_raise", "($module, codelike, offset, exception, /)", CRaise, 3, |vm, v| raised(
            vm,
            Event::CRaise,
            v
        )),
        fire!("fire_event_reraise", "($module, codelike, offset, exception, /)", Reraise, 3, |vm, v| raised(
            vm,
            Event::Reraise,
            v
        )),
        fire!(
            "fire_event_exception_handled",
            "($module, codelike, offset, exception, /)",
            ExceptionHandled,
            3,
            |vm, v| raised(vm, Event::ExceptionHandled, v)
        ),
        fire!("fire_event_py_unwind", "($module, codelike, offset, exception, /)", PyUnwind, 3, |vm, v| raised(
            vm,
            Event::PyUnwind,
            v
        )),
        fire!("fire_event_stop_iteration", "($module, codelike, offset, value, /)", StopIteration, 3, stopped),
    ])
    .init(init);

/// Functions that tell how they were called, and sizes of C's types on the platform.
fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let module = vm.intern("_testcapi");
    for f in testcalls::FUNCTIONS {
        dict.store_text(f.name, BuiltinFunction::of_module(f, &module));
    }
    let all: &[(&str, i128)] = &[
        ("CHAR_MAX", i8::MAX as i128),
        ("CHAR_MIN", i8::MIN as i128),
        ("UCHAR_MAX", u8::MAX as i128),
        ("SHRT_MAX", i16::MAX as i128),
        ("SHRT_MIN", i16::MIN as i128),
        ("USHRT_MAX", u16::MAX as i128),
        ("INT_MAX", i32::MAX as i128),
        ("INT_MIN", i32::MIN as i128),
        ("UINT_MAX", u32::MAX as i128),
        ("LONG_MAX", libc::c_long::MAX as i128),
        ("LONG_MIN", libc::c_long::MIN as i128),
        ("ULONG_MAX", libc::c_ulong::MAX as i128),
        ("LLONG_MAX", i64::MAX as i128),
        ("LLONG_MIN", i64::MIN as i128),
        ("ULLONG_MAX", u64::MAX as i128),
        ("PY_SSIZE_T_MAX", isize::MAX as i128),
        ("PY_SSIZE_T_MIN", isize::MIN as i128),
        ("SIZE_MAX", usize::MAX as i128),
        ("SIZEOF_WCHAR_T", size_of::<libc::wchar_t>() as i128),
        ("SIZEOF_VOID_P", size_of::<usize>() as i128),
        ("SIZEOF_TIME_T", size_of::<libc::time_t>() as i128),
        ("WITH_PYMALLOC", 0),
        ("WITH_MIMALLOC", 0),
        ("SIZEOF_PID_T", size_of::<libc::pid_t>() as i128),
    ];
    for (name, n) in all {
        let v = match i64::try_from(*n) {
            Ok(n) => Int::from_i64(n),
            Err(_) => Int::from_u64(*n as u64),
        };
        dict.store_text(name, v);
    }
    Ok(())
}

/// `PyConfig_Get`, of what is settled elsewhere than in `sys`.
fn config_get(vm: &mut Vm, name: &Value) -> PyResult {
    let name = vm.expect_str(name, "config_get() argument")?.to_rust().into_owned();
    match name.as_str() {
        // Code objects always know the columns of their instructions.
        "code_debug_ranges" => Ok(Value::small_unchecked(1)),
        _ => Err(vm.value_error(format!("unknown config option name: {name}"))),
    }
}

/// Payload of `CodeLike`: for each of its places the tools that listen there.
struct CodeLike {
    places: RefCell<Vec<Tools>>,
}
taipan_runtime::payload!(CodeLike, CODE_LIKE);
impl Frozen for CodeLike {}

static CODE_LIKE: TypeDef = TypeDef::new::<CodeLike>("_testcapi.CodeLike")
    .doc("Something with places where events occur.")
    .flags(TypeFlags::BASETYPE)
    .slots(Slots {
        new: Some(|vm, class, args: &Args<'_>| {
            args.no_keywords(vm, "CodeLike")?;
            args.exactly(vm, "CodeLike", 1)?;
            let n = vm.to_usize(&args.pos()[0])?;
            Ok(new_of(class, CodeLike { places: RefCell::new(vec![0; n]) }).into())
        }),
        str: Some(|vm, me| {
            let places = code_like(vm, me)?.places.borrow().clone();
            let shown: Vec<String> = places.iter().map(Tools::to_string).collect();
            Ok(vm.new_str(&format!("PyCodeLikeObject({}):{}", shown.len(), shown.join(" "))))
        }),
        ..Slots::NONE
    });

fn code_like<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a CodeLike> {
    match v.downcast::<CodeLike>() {
        Some(c) => Ok(c),
        None => Err(vm.type_error("expected a code-like")),
    }
}

fn enter_scope(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "monitoring_enter_scope", 2, 3)?;
    let mut tools = Vec::new();
    for number in &args.pos()[1..] {
        let n = vm.to_usize(number)?;
        let Some(event) = Event::from_number(n) else { return Err(vm.value_error(format!("invalid event {n}"))) };
        tools.push(monitoring::scope(event));
    }
    let me = code_like(vm, &args.pos()[0])?;
    // The places stand for the events, in the order given.
    for (place, tools) in me.places.borrow_mut().iter_mut().zip(tools) {
        *place = tools;
    }
    Ok(none())
}

fn as_given(_: &mut Vm, values: &[Value]) -> PyResult<Vec<Value>> {
    Ok(values.to_vec())
}

fn raised(vm: &mut Vm, event: Event, values: &[Value]) -> PyResult<Vec<Value>> {
    if values[0].is_none() {
        return Err(vm.value_error(format!("Firing event {} with no exception set", event as u8)));
    }
    Ok(values.to_vec())
}

/// The exception that a value returned by an iterator stands for.
fn stopped(vm: &mut Vm, values: &[Value]) -> PyResult<Vec<Value>> {
    if vm.is_kind(&values[0], &exc::STOP_ITERATION) {
        return Ok(values.to_vec());
    }
    Ok(vec![exc::stop_with_value(vm, values[0].clone())?])
}

fn fire(vm: &mut Vm, event: Event, codelike: &Value, offset: &Value, more: Vec<Value>) -> PyResult {
    let at = vm.to_usize(offset)?;
    let me = code_like(vm, codelike)?;
    let Some(tools) = me.places.borrow().get(at).copied() else { return Err(vm.index_error("no such place")) };
    let mut args = vec![codelike.clone(), offset.clone()];
    args.extend(more);
    let left = monitoring::fire(vm, tools, event, &args)?;
    if let Some(place) = me.places.borrow_mut().get_mut(at) {
        *place = left;
    }
    Ok(Value::small_unchecked(left as i64))
}
