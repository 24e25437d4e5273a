//! The slots of classes made by Python code: each looks its special method up on the type and calls it.

use super::generic_binary as binary;
use crate::name;
use crate::object::typedef::{CmpOp, SendResult};
use crate::object::{Py, PyResult, Slots, Type, TypeFlags, Value, not_implemented};
use crate::types::exceptions::{ATTRIBUTE_ERROR, DEPRECATION_WARNING, STOP_ITERATION};
use crate::types::int::Int;
use crate::types::str::Str;
use crate::types::{iter, memoryview, object, typeobject};
use crate::vm::Vm;
use crate::vm::args::Args;

/// The function for each slot that has a special method.
pub static GENERIC: Slots = Slots {
    add: Some(binary::add),
    and: Some(binary::and),
    floordiv: Some(binary::floordiv),
    lshift: Some(binary::lshift),
    matmul: Some(binary::matmul),
    mul: Some(binary::mul),
    rem: Some(binary::rem),
    or: Some(binary::or),
    pow_unused: None,
    rshift: Some(binary::rshift),
    sub: Some(binary::sub),
    truediv: Some(binary::truediv),
    xor: Some(binary::xor),
    iadd: Some(binary::iadd),
    iand: Some(binary::iand),
    ifloordiv: Some(binary::ifloordiv),
    ilshift: Some(binary::ilshift),
    imatmul: Some(binary::imatmul),
    imul: Some(binary::imul),
    irem: Some(binary::irem),
    ior: Some(binary::ior),
    ipow: Some(binary::ipow),
    irshift: Some(binary::irshift),
    isub: Some(binary::isub),
    itruediv: Some(binary::itruediv),
    ixor: Some(binary::ixor),
    divmod: Some(binary::divmod),
    power: Some(binary::power),
    neg: Some(neg),
    pos: Some(pos),
    abs: Some(abs),
    invert: Some(invert),
    int: Some(int),
    float: Some(float),
    index: Some(index),
    truth: Some(truth),
    len: Some(len),
    subscript: Some(subscript),
    set_subscript: Some(set_subscript),
    concat: None,
    repeat: None,
    item: Some(item),
    set_item: Some(set_item),
    iconcat: None,
    irepeat: None,
    contains: Some(contains),
    repr: Some(repr),
    str: Some(str),
    hash: Some(hash),
    call: Some(call),
    getattr: Some(getattr),
    setattr: Some(setattr),
    richcmp: Some(richcmp),
    iter: Some(iter),
    next: Some(next),
    descr_get: Some(descr_get),
    descr_set: Some(descr_set),
    init: Some(init),
    new: Some(new),
    finalize: Some(finalize),
    am_await: Some(am_await),
    aiter: Some(aiter),
    anext: Some(anext),
    send: Some(send),
    buffer: Some(memoryview::release::ask),
};

// ---- calling special methods ----------------------------------------------------------------------------------------

/// Calls `type(v).name(v, *args)`; `None` when the type has no such attribute.
pub fn call_special_opt(vm: &mut Vm, v: &Value, name: &Py<Str>, args: &[&Value]) -> PyResult<Option<Value>> {
    let Some(f) = typeobject::lookup(v.class(), name) else { return Ok(None) };
    call_found(vm, v, &f, args).map(Some)
}

/// Calls an attribute found on the type of `v`, bound to it.
pub fn call_found(vm: &mut Vm, v: &Value, f: &Value, args: &[&Value]) -> PyResult {
    let mut all: smallvec::SmallVec<[Value; 6]> = smallvec::SmallVec::new();
    if f.class().payload.has(TypeFlags::METHOD_DESCRIPTOR) {
        all.push(v.clone());
        all.extend(args.iter().map(|&a| a.clone()));
        return vm.call_args(f, &Args::positional(&all));
    }
    all.extend(args.iter().map(|&a| a.clone()));
    let bound = bind(vm, v, f)?;
    vm.call_args(&bound, &Args::positional(&all))
}

/// An attribute found on the type of `v`, bound to it.
fn bind(vm: &mut Vm, v: &Value, f: &Value) -> PyResult {
    match f.class().payload.slots().descr_get {
        Some(get) => {
            let class = v.class_value();
            get(vm, f, Some(v), Some(&class))
        }
        None => Ok(f.clone()),
    }
}

/// As [`call_special_opt`]; a missing attribute is an `AttributeError` with the name.
pub fn call_special(vm: &mut Vm, v: &Value, name: &Py<Str>, args: &[&Value]) -> PyResult {
    match call_special_opt(vm, v, name, args)? {
        Some(r) => Ok(r),
        None => Err(vm.attribute_error(name.to_rust())),
    }
}

macro_rules! unary_slots {
    ($( $f:ident $name:literal; )*) => {
        $( fn $f(vm: &mut Vm, v: &Value) -> PyResult { call_special(vm, v, name!($name), &[]) } )*
    };
}

unary_slots! {
    neg "__neg__";
    pos "__pos__";
    abs "__abs__";
    invert "__invert__";
    int "__int__";
    float "__float__";
    repr "__repr__";
    str "__str__";
    am_await "__await__";
    aiter "__aiter__";
    anext "__anext__";
}

// ---- numbers --------------------------------------------------------------------------------------------------------

/// `__index__`, whose result must be an `int`; an instance of a subclass is deprecated and made exact.
fn index(vm: &mut Vm, v: &Value) -> PyResult {
    let r = call_special(vm, v, name!("__index__"), &[])?;
    if Int::is_exact(&r) {
        return Ok(r);
    }
    let name = r.class().payload.name();
    let Some(i) = Int::read(&r).map(|i| i.to_big()) else {
        return Err(vm.type_error(format!("__index__ returned non-int (type {name})")));
    };
    let text = format!(
        "__index__ returned non-int (type {name}).  The ability to return an instance of a strict subclass of int is \
         deprecated, and may be removed in a future version of Python."
    );
    vm.warn(&DEPRECATION_WARNING, &text, 1)?;
    Ok(Int::from_big(i))
}

fn truth(vm: &mut Vm, v: &Value) -> PyResult<bool> {
    let r = match call_special_opt(vm, v, name!("__bool__"), &[])? {
        Some(r) => r,
        None => return Ok(len(vm, v)? != 0),
    };
    if r.is_static(&crate::types::singletons::TRUE) {
        return Ok(true);
    }
    if r.is_static(&crate::types::singletons::FALSE) {
        return Ok(false);
    }
    let name = r.class().payload.name();
    Err(vm.type_error(format!("__bool__ should return bool, returned {name}")))
}

// ---- containers -----------------------------------------------------------------------------------------------------

fn len(vm: &mut Vm, v: &Value) -> PyResult<usize> {
    let r = call_special(vm, v, name!("__len__"), &[])?;
    let i = vm.index(&r)?;
    match Int::read(&i) {
        Some(n) if n.is_negative() => Err(vm.value_error("__len__() should return >= 0")),
        Some(n) => match n.to_i64() {
            Some(n) => Ok(n as usize),
            None => Err(vm.overflow_error("cannot fit 'int' into an index-sized integer")),
        },
        None => Err(vm.type_error("__len__() should return an integer")),
    }
}

fn subscript(vm: &mut Vm, v: &Value, key: &Value) -> PyResult {
    call_special(vm, v, name!("__getitem__"), &[key])
}

fn item(vm: &mut Vm, v: &Value, i: isize) -> PyResult {
    call_special(vm, v, name!("__getitem__"), &[&Int::from_i64(i as i64)])
}

fn set_subscript(vm: &mut Vm, v: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    match value {
        Some(value) => call_special(vm, v, name!("__setitem__"), &[key, value])?,
        None => call_special(vm, v, name!("__delitem__"), &[key])?,
    };
    Ok(())
}

fn set_item(vm: &mut Vm, v: &Value, i: isize, value: Option<&Value>) -> PyResult<()> {
    set_subscript(vm, v, &Int::from_i64(i as i64), value)
}

fn contains(vm: &mut Vm, v: &Value, key: &Value) -> PyResult<bool> {
    match typeobject::lookup(v.class(), name!("__contains__")) {
        Some(f) if f.is_none() => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("'{name}' object is not a container")))
        }
        Some(f) => {
            let r = call_found(vm, v, &f, &[key])?;
            vm.truth(&r)
        }
        None => {
            let it = vm.iter(v)?;
            while let Some(x) = vm.next(&it)? {
                if vm.eq(&x, key)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

// ---- iteration ------------------------------------------------------------------------------------------------------

fn iter(vm: &mut Vm, v: &Value) -> PyResult {
    match typeobject::lookup(v.class(), name!("__iter__")) {
        Some(f) if !f.is_none() => call_found(vm, v, &f, &[]),
        None if typeobject::lookup(v.class(), name!("__getitem__")).is_some() => Ok(iter::SeqIter::over(v.clone())),
        _ => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("'{name}' object is not iterable")))
        }
    }
}

fn next(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let r = call_special(vm, v, name!("__next__"), &[]);
    vm.suppress(r, &STOP_ITERATION)
}

/// Sending into an iterator that is a class: `__next__` for `None`, else its `send` method; the value of
/// `StopIteration` is the result.
fn send(vm: &mut Vm, v: &Value, value: &Value) -> PyResult<SendResult> {
    let r = if value.is_none() {
        call_special(vm, v, name!("__next__"), &[])
    } else {
        vm.call_method_named(v, name!("send"), std::slice::from_ref(value))
    };
    match r {
        Ok(r) => Ok(SendResult::Yield(r)),
        Err(_) if vm.error_is(&STOP_ITERATION) => {
            let e = vm.take_error();
            let value = vm.get_attr(&e, name!("value"))?;
            Ok(SendResult::Return(value))
        }
        Err(r) => Err(r),
    }
}

// ---- text, hash, comparison -----------------------------------------------------------------------------------------

fn hash(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let f = typeobject::lookup(v.class(), name!("__hash__"));
    let Some(f) = f.filter(|f| !f.is_none()) else { return super::not_hashable(vm, v) };
    let r = call_found(vm, v, &f, &[])?;
    let Some(n) = Int::read(&r) else { return Err(vm.type_error("__hash__ method should return an integer")) };
    let h = match n.to_i64() {
        Some(h) => h,
        None => vm.hash(&Int::from_big(n.to_big()))?,
    };
    Ok(if h == -1 { -2 } else { h })
}

fn richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let name = match op {
        CmpOp::Lt => name!("__lt__"),
        CmpOp::Le => name!("__le__"),
        CmpOp::Eq => name!("__eq__"),
        CmpOp::Ne => name!("__ne__"),
        CmpOp::Gt => name!("__gt__"),
        CmpOp::Ge => name!("__ge__"),
    };
    Ok(call_special_opt(vm, a, name, &[b])?.unwrap_or_else(not_implemented))
}

// ---- calls and attributes -------------------------------------------------------------------------------------------

fn call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let Some(f) = typeobject::lookup(v.class(), name!("__call__")) else {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("'{name}' object is not callable")));
    };
    vm.check_recursion(" while calling a Python object")?;
    call_with(vm, v, &f, args)
}

/// Calls an attribute found on the type of `v`, bound to it, with the arguments as passed.
fn call_with(vm: &mut Vm, v: &Value, f: &Value, args: &Args<'_>) -> PyResult {
    if f.class().payload.has(TypeFlags::METHOD_DESCRIPTOR) {
        return args.with_first(v, |a| vm.call_args(f, a));
    }
    let bound = bind(vm, v, f)?;
    vm.call_args(&bound, args)
}

/// `__getattribute__`, then `__getattr__` when that raised `AttributeError`.
pub fn getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    let hook = typeobject::lookup(v.class(), name!("__getattr__"));
    let getattribute = typeobject::lookup(v.class(), name!("__getattribute__"));
    let generic = getattribute.as_ref().is_none_or(super::wrapper::is_generic_getattribute);
    let found = match (&hook, generic) {
        (None, true) => return object::generic_getattr(vm, v, name),
        (Some(_), true) => object::generic_getattr_opt(vm, v, name),
        (_, false) => {
            let f = getattribute.expect("a type has __getattribute__");
            let r = call_found(vm, v, &f, &[name.as_value()]);
            if hook.is_none() {
                return r;
            }
            vm.suppress(r, &ATTRIBUTE_ERROR)
        }
    };
    match (found?, hook) {
        (Some(r), _) => Ok(r),
        (None, Some(hook)) => call_found(vm, v, &hook, &[name.as_value()]),
        (None, None) => Err(vm.attribute_error(name.to_rust())),
    }
}

fn setattr(vm: &mut Vm, v: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
    match value {
        Some(value) => call_special(vm, v, name!("__setattr__"), &[name.as_value(), value])?,
        None => call_special(vm, v, name!("__delattr__"), &[name.as_value()])?,
    };
    Ok(())
}

fn descr_get(vm: &mut Vm, v: &Value, obj: Option<&Value>, class: Option<&Value>) -> PyResult {
    let none = crate::object::none();
    match call_special_opt(vm, v, name!("__get__"), &[obj.unwrap_or(&none), class.unwrap_or(&none)])? {
        Some(r) => Ok(r),
        None => Ok(v.clone()),
    }
}

fn descr_set(vm: &mut Vm, v: &Value, obj: &Value, value: Option<&Value>) -> PyResult<()> {
    match value {
        Some(value) => call_special(vm, v, name!("__set__"), &[obj, value])?,
        None => call_special(vm, v, name!("__delete__"), &[obj])?,
    };
    Ok(())
}

// ---- life -----------------------------------------------------------------------------------------------------------

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let f = vm.get_attr(class.as_value(), name!("__new__"))?;
    args.with_first(class.as_value(), |a| vm.call_args(&f, a))
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    let Some(f) = typeobject::lookup(v.class(), name!("__init__")) else { return Ok(()) };
    let r = call_with(vm, v, &f, args)?;
    if !r.is_none() {
        let name = r.class().payload.name();
        return Err(vm.type_error(format!("__init__() should return None, not '{name}'")));
    }
    Ok(())
}

/// `__del__`; what it raises is reported, not passed on, and a pending exception survives it.
fn finalize(vm: &mut Vm, v: &Value) {
    let Some(f) = typeobject::lookup(v.class(), name!("__del__")) else { return };
    vm.aside(|vm| {
        if call_found(vm, v, &f, &[]).is_err() {
            vm.unraisable(Some(&f), Some("Exception ignored while calling deallocator"));
        }
    });
}
