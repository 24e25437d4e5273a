//! `bool`: the two singletons, a subclass of `int`.

use super::int::{INT, Int};
use crate::object::{MethodDef, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean};
use crate::types::singletons::TRUE;
use crate::vm::Vm;
use crate::vm::args::Args;

/// `bool`.
pub static BOOL: TypeDef = TypeDef::new::<Int>("bool")
    .doc("The truth values True and False; bool(x) asks x for its truth. A subclass of int without subclasses.")
    .signature("(object=False, /)")
    .base(&INT)
    .flags(TypeFlags::INT_SUBCLASS.union(TypeFlags::MATCH_SELF))
    .cpython_size(24, 4)
    .methods(&[] as &'static [MethodDef])
    .slots(Slots {
        repr: Some(|vm, v| Ok(vm.intern(if is_true(v) { "True" } else { "False" }).into())),
        and: Some(|vm, a, b| logic(vm, a, b, |x, y| x & y, INT.slots.and)),
        or: Some(|vm, a, b| logic(vm, a, b, |x, y| x | y, INT.slots.or)),
        xor: Some(|vm, a, b| logic(vm, a, b, |x, y| x ^ y, INT.slots.xor)),
        invert: Some(invert),
        new: Some(new),
        ..Slots::NONE
    });

fn is_true(v: &Value) -> bool {
    v.is_static(&TRUE)
}

fn logic(
    vm: &mut Vm,
    a: &Value,
    b: &Value,
    f: fn(bool, bool) -> bool,
    int: Option<crate::object::typedef::BinaryFn>,
) -> PyResult {
    if a.is_exact_bool() && b.is_exact_bool() {
        return Ok(boolean(f(is_true(a), is_true(b))));
    }
    int.expect("int has it")(vm, a, b)
}

fn invert(vm: &mut Vm, v: &Value) -> PyResult {
    vm.warn(
        &crate::types::exceptions::DEPRECATION_WARNING,
        "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise inversion of the underlying int object and is usually not what you expect from the negation of a bool object. Use the 'not' operator for boolean negation or ~int(x) for the bitwise inversion of the underlying int.",
        1,
    )?;
    Ok(Value::small_unchecked(if is_true(v) { -2 } else { -1 }))
}

fn new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    args.between(vm, "bool", 0, 1)?;
    match args.get(0) {
        Some(x) => vm.truth(x).map(boolean),
        None => Ok(boolean(false)),
    }
}
