//! `weakref.proxy`: a weak reference that behaves as its target in every operation.

use super::{WeakRef, make};
use crate::name;
use crate::object::typedef::CmpOp;
use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value};
use crate::types::exceptions::REFERENCE_ERROR;
use crate::types::str::Str;
use crate::types::typeobject::same;
use crate::vm::Vm;
use crate::vm::args::Args;
use crate::vm::ops::BinOp;

/// `weakref.ProxyType`.
pub static PROXY: TypeDef = TypeDef::new::<WeakRef>("weakref.ProxyType")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(64, 0)
    .slots(SLOTS)
    .methods(&[
        MethodDef::method(
            "__bytes__",
            "($self, /)",
            "",
            NativeFn::F1(|vm, v| {
                let v = target(vm, v)?;
                vm.call_method_named(&v, name!("__bytes__"), &[])
            }),
        ),
        MethodDef::method(
            "__reversed__",
            "($self, /)",
            "",
            NativeFn::F1(|vm, v| {
                let v = target(vm, v)?;
                vm.call_method_named(&v, name!("__reversed__"), &[])
            }),
        ),
    ]);

/// `weakref.CallableProxyType`.
pub static CALLABLE_PROXY: TypeDef = TypeDef::new::<WeakRef>("weakref.CallableProxyType")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(64, 0)
    .slots(Slots { call: Some(call), ..SLOTS });

/// `weakref.proxy(target, callback)`.
pub fn new_proxy(vm: &mut Vm, target: &Value, callback: Option<Value>) -> PyResult {
    let class = if vm.callable(target) { &CALLABLE_PROXY } else { &PROXY };
    make(vm, &class.class(), target, callback)
}

/// Whether the value is a proxy.
pub fn is_proxy(v: &Value) -> bool {
    same(v.class(), PROXY.object()) || same(v.class(), CALLABLE_PROXY.object())
}

/// The target of a proxy; any other value itself.
fn target(vm: &mut Vm, v: &Value) -> PyResult {
    if !is_proxy(v) {
        return Ok(v.clone());
    }
    let found = v.downcast::<WeakRef>().and_then(|w| w.target());
    found.ok_or_else(|| vm.new_error(&REFERENCE_ERROR, "weakly-referenced object no longer exists"))
}

fn binary(vm: &mut Vm, op: BinOp, a: &Value, b: &Value) -> PyResult {
    let (a, b) = (target(vm, a)?, target(vm, b)?);
    vm.binary(op, &a, &b)
}

fn inplace(vm: &mut Vm, op: BinOp, a: &Value, b: &Value) -> PyResult {
    let (a, b) = (target(vm, a)?, target(vm, b)?);
    vm.inplace(op, &a, &b)
}

fn unary(vm: &mut Vm, v: &Value, f: fn(&mut Vm, &Value) -> PyResult) -> PyResult {
    let v = target(vm, v)?;
    f(vm, &v)
}

fn call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let v = target(vm, v)?;
    vm.call_args(&v, args)
}

fn getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    let v = target(vm, v)?;
    vm.get_attr(&v, name)
}

fn setattr(vm: &mut Vm, v: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
    let v = target(vm, v)?;
    match value {
        Some(value) => vm.set_attr(&v, name, value),
        None => vm.del_attr(&v, name),
    }
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let (a, b) = (target(vm, a)?, target(vm, b)?);
    vm.compare(&a, &b, op)
}

fn next(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let v = target(vm, v)?;
    if v.class().payload.slots().next.is_none() {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("Weakref proxy referenced a non-iterator '{name}' object")));
    }
    vm.next(&v)
}

fn power(vm: &mut Vm, a: &Value, b: &Value, m: Option<&Value>) -> PyResult {
    let (a, b) = (target(vm, a)?, target(vm, b)?);
    let m = match m {
        Some(m) => Some(target(vm, m)?),
        None => None,
    };
    vm.power(&a, &b, m.as_ref())
}

fn set_subscript(vm: &mut Vm, v: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let v = target(vm, v)?;
    match value {
        Some(value) => vm.set_item(&v, key, value),
        None => vm.del_item(&v, key),
    }
}

/// `int()` or `float()` of the target.
fn number(vm: &mut Vm, v: &Value, class: &'static TypeDef) -> PyResult {
    let v = target(vm, v)?;
    vm.call1(&class.value(), &v)
}

const SLOTS: Slots = Slots {
    add: Some(|vm, a, b| binary(vm, BinOp::Add, a, b)),
    and: Some(|vm, a, b| binary(vm, BinOp::And, a, b)),
    floordiv: Some(|vm, a, b| binary(vm, BinOp::FloorDivide, a, b)),
    lshift: Some(|vm, a, b| binary(vm, BinOp::Lshift, a, b)),
    matmul: Some(|vm, a, b| binary(vm, BinOp::MatrixMultiply, a, b)),
    mul: Some(|vm, a, b| binary(vm, BinOp::Multiply, a, b)),
    rem: Some(|vm, a, b| binary(vm, BinOp::Remainder, a, b)),
    or: Some(|vm, a, b| binary(vm, BinOp::Or, a, b)),
    rshift: Some(|vm, a, b| binary(vm, BinOp::Rshift, a, b)),
    sub: Some(|vm, a, b| binary(vm, BinOp::Subtract, a, b)),
    truediv: Some(|vm, a, b| binary(vm, BinOp::TrueDivide, a, b)),
    xor: Some(|vm, a, b| binary(vm, BinOp::Xor, a, b)),
    iadd: Some(|vm, a, b| inplace(vm, BinOp::Add, a, b)),
    iand: Some(|vm, a, b| inplace(vm, BinOp::And, a, b)),
    ifloordiv: Some(|vm, a, b| inplace(vm, BinOp::FloorDivide, a, b)),
    ilshift: Some(|vm, a, b| inplace(vm, BinOp::Lshift, a, b)),
    imatmul: Some(|vm, a, b| inplace(vm, BinOp::MatrixMultiply, a, b)),
    imul: Some(|vm, a, b| inplace(vm, BinOp::Multiply, a, b)),
    irem: Some(|vm, a, b| inplace(vm, BinOp::Remainder, a, b)),
    ior: Some(|vm, a, b| inplace(vm, BinOp::Or, a, b)),
    ipow: Some(|vm, a, b| inplace(vm, BinOp::Power, a, b)),
    irshift: Some(|vm, a, b| inplace(vm, BinOp::Rshift, a, b)),
    isub: Some(|vm, a, b| inplace(vm, BinOp::Subtract, a, b)),
    itruediv: Some(|vm, a, b| inplace(vm, BinOp::TrueDivide, a, b)),
    ixor: Some(|vm, a, b| inplace(vm, BinOp::Xor, a, b)),
    divmod: Some(|vm, a, b| {
        let (a, b) = (target(vm, a)?, target(vm, b)?);
        vm.divmod(&a, &b)
    }),
    power: Some(power),
    neg: Some(|vm, v| unary(vm, v, Vm::negate)),
    pos: Some(|vm, v| unary(vm, v, Vm::positive)),
    abs: Some(|vm, v| unary(vm, v, Vm::absolute)),
    invert: Some(|vm, v| unary(vm, v, Vm::invert)),
    int: Some(|vm, v| number(vm, v, &crate::types::int::INT)),
    float: Some(|vm, v| number(vm, v, &crate::types::float::FLOAT)),
    index: Some(|vm, v| unary(vm, v, Vm::index)),
    truth: Some(|vm, v| {
        let v = target(vm, v)?;
        vm.truth(&v)
    }),
    len: Some(|vm, v| {
        let v = target(vm, v)?;
        vm.len(&v)
    }),
    subscript: Some(|vm, v, key| {
        let v = target(vm, v)?;
        vm.get_item(&v, key)
    }),
    set_subscript: Some(set_subscript),
    contains: Some(|vm, v, key| {
        let v = target(vm, v)?;
        vm.contains(&v, key)
    }),
    repr: Some(|vm, v| super::repr(vm, v, "weakproxy")),
    str: Some(|vm, v| {
        let v = target(vm, v)?;
        vm.str(&v).map(Into::into)
    }),
    hash: Some(crate::types::slots::not_hashable),
    getattr: Some(getattr),
    setattr: Some(setattr),
    richcmp: Some(compare),
    iter: Some(|vm, v| unary(vm, v, Vm::iter)),
    next: Some(next),
    ..Slots::NONE
};
