//! `str`: what Python code calls.

use super::{STR_FLAGS, Str};
use crate::object::typedef::CmpOp;
use crate::object::{Py, PyResult, Raised, Slots, TypeDef, Value, boolean, not_implemented};
use crate::vm::Vm;
use crate::with_units;
use taipan_base::format::FormatError;
use taipan_base::text::Text;

/// `str`.
pub static STR: TypeDef = TypeDef::new::<Str>("str").flags(STR_FLAGS).itemsize(1).cpython_size(64, 0).slots(Slots {
    repr: Some(|_, v| Ok(from_text(&with_units!(s(v).units(), u => taipan_base::repr::of_str(u))).into())),
    str: Some(|_, v| Ok(v.clone())),
    hash: Some(|_, v| Ok(s(v).hash())),
    len: Some(|_, v| Ok(s(v).len())),
    richcmp: Some(compare),
    concat: Some(|vm, a, b| match b.downcast::<Str>() {
        Some(b) => Ok(Str::concat(s(a), b).into()),
        None => {
            let n = b.class().payload.name();
            Err(vm.type_error(format!("can only concatenate str (not \"{n}\") to str")))
        }
    }),
    ..Slots::NONE
});

fn s(v: &Value) -> &Py<Str> {
    v.downcast::<Str>().expect("a str")
}

fn compare(_: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let Some(y) = b.downcast::<Str>() else { return Ok(not_implemented()) };
    Ok(boolean(op.holds(s(a).code_points().cmp(y.code_points()))))
}

/// The object of an algorithm's text.
pub fn from_text(t: &Text) -> Py<Str> {
    Str::from_text(t)
}

/// Raises a format error.
pub fn raise_format(vm: &mut Vm, e: &FormatError) -> Raised {
    let m = from_text(&e.message());
    vm.raise_with(&crate::types::exceptions::VALUE_ERROR, &[m.into()])
}
