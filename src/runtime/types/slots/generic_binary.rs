//! Slots of classes made by Python code for the binary operators: `__add__` and `__radd__` found on the operands' types,
//! the right operand's first when its class derives from the left one's and overrides the method.

use super::generic::{call_special, call_special_opt};
use crate::name;
use crate::object::typedef::{BinaryFn, PowerFn};
use crate::object::{Py, PyResult, Slots, TypeObj, Value, not_implemented};
use crate::types::str::Str;
use crate::types::typeobject::{is_subtype, lookup, same};
use crate::vm::Vm;
use crate::vm::ops::is_not_implemented;

/// Whether the right operand's class has another `name` than the left one's.
fn overloads(left: &TypeObj, right: &TypeObj, name: &Py<Str>) -> bool {
    match (lookup(right, name), lookup(left, name)) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(a), Some(b)) => !a.is(&b),
    }
}

/// `SLOT1BINFULL` of `Objects/typeobject.c`.
fn binary(
    vm: &mut Vm,
    a: &Value,
    b: &Value,
    mine: fn(&Slots) -> bool,
    name: &Py<Str>,
    reflected: &Py<Str>,
) -> PyResult {
    let (ta, tb) = (Py::of(a.class()), Py::of(b.class()));
    let (ta, tb) = (ta.get_type(), tb.get_type());
    let mut ask_right = !same(ta, tb) && mine(tb.payload.slots());
    if mine(ta.payload.slots()) {
        if ask_right && is_subtype(tb, ta) && overloads(ta, tb, reflected) {
            let r = call_maybe(vm, b, reflected, a)?;
            if !is_not_implemented(&r) {
                return Ok(r);
            }
            ask_right = false;
        }
        let r = call_maybe(vm, a, name, b)?;
        if !is_not_implemented(&r) || same(ta, tb) {
            return Ok(r);
        }
    }
    if ask_right { call_maybe(vm, b, reflected, a) } else { Ok(not_implemented()) }
}

fn call_maybe(vm: &mut Vm, v: &Value, name: &Py<Str>, other: &Value) -> PyResult {
    Ok(call_special_opt(vm, v, name, &[other])?.unwrap_or_else(not_implemented))
}

macro_rules! binary_slots {
    ($( $f:ident $slot:ident $name:literal $reflected:literal; )*) => {
        $(
            #[doc = concat!("`", $name, "` and `", $reflected, "`.")]
            pub fn $f(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
                fn mine(s: &Slots) -> bool {
                    s.$slot.is_some_and(|f| std::ptr::fn_addr_eq(f, $f as BinaryFn))
                }
                binary(vm, a, b, mine, name!($name), name!($reflected))
            }
        )*
    };
}

binary_slots! {
    add add "__add__" "__radd__";
    sub sub "__sub__" "__rsub__";
    mul mul "__mul__" "__rmul__";
    matmul matmul "__matmul__" "__rmatmul__";
    rem rem "__mod__" "__rmod__";
    divmod divmod "__divmod__" "__rdivmod__";
    lshift lshift "__lshift__" "__rlshift__";
    rshift rshift "__rshift__" "__rrshift__";
    and and "__and__" "__rand__";
    xor xor "__xor__" "__rxor__";
    or or "__or__" "__ror__";
    floordiv floordiv "__floordiv__" "__rfloordiv__";
    truediv truediv "__truediv__" "__rtruediv__";
}

macro_rules! inplace_slots {
    ($( $f:ident $name:literal; )*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub fn $f(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
                call_special(vm, a, name!($name), &[b])
            }
        )*
    };
}

inplace_slots! {
    iadd "__iadd__";
    isub "__isub__";
    imul "__imul__";
    imatmul "__imatmul__";
    irem "__imod__";
    ipow "__ipow__";
    ilshift "__ilshift__";
    irshift "__irshift__";
    iand "__iand__";
    ixor "__ixor__";
    ior "__ior__";
    ifloordiv "__ifloordiv__";
    itruediv "__itruediv__";
}

fn is_power(s: &Slots) -> bool {
    s.power.is_some_and(|f| std::ptr::fn_addr_eq(f, power as PowerFn))
}

/// `__pow__` and `__rpow__`; with a modulus both get it as a further argument.
pub fn power(vm: &mut Vm, a: &Value, b: &Value, m: Option<&Value>) -> PyResult {
    let Some(m) = m.filter(|m| !m.is_none()) else {
        return binary(vm, a, b, is_power, name!("__pow__"), name!("__rpow__"));
    };
    let (ta, tb) = (Py::of(a.class()), Py::of(b.class()));
    let (ta, tb) = (ta.get_type(), tb.get_type());
    let mut ask_right = !same(ta, tb) && is_power(tb.payload.slots());
    let ask = |vm: &mut Vm, v: &Value, name: &Py<Str>, other: &Value| -> PyResult {
        Ok(call_special_opt(vm, v, name, &[other, m])?.unwrap_or_else(not_implemented))
    };
    if is_power(ta.payload.slots()) {
        if ask_right && is_subtype(tb, ta) && overloads(ta, tb, name!("__rpow__")) {
            let r = ask(vm, b, name!("__rpow__"), a)?;
            if !is_not_implemented(&r) {
                return Ok(r);
            }
            ask_right = false;
        }
        let r = ask(vm, a, name!("__pow__"), b)?;
        if !is_not_implemented(&r) || same(ta, tb) {
            return Ok(r);
        }
    }
    if ask_right { ask(vm, b, name!("__rpow__"), a) } else { Ok(not_implemented()) }
}
