//! Sums, products and lengths.

use pymath::math as precise;
use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::tuple::methods::from_iterable;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;
use taipan_runtime::vm::ops::BinOp;

fn floats(vm: &mut Vm, items: &[Value]) -> PyResult<Vec<f64>> {
    let mut out = Vec::with_capacity(items.len());
    for v in items {
        out.push(vm.to_f64(v)?);
    }
    Ok(out)
}

pub(super) fn dist(vm: &mut Vm, p: &Value, q: &Value) -> PyResult {
    let (p, q) = (from_iterable(vm, p)?, from_iterable(vm, q)?);
    if p.len() != q.len() {
        return Err(vm.value_error("both points must have the same number of dimensions"));
    }
    let (p, q) = (floats(vm, p.items())?, floats(vm, q.items())?);
    Ok(Float::new(precise::dist(&p, &q)))
}

pub(super) fn hypot(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "math.hypot")?;
    let parts = floats(vm, args.pos())?;
    Ok(Float::new(precise::hypot(&parts)))
}

pub(super) fn fsum(vm: &mut Vm, items: &Value) -> PyResult {
    let mut all = Vec::new();
    vm.for_each(items, |vm, item| {
        all.push(vm.to_f64(&item)?);
        Ok(true)
    })?;
    match precise::fsum(all) {
        Ok(x) => Ok(Float::new(x)),
        Err(pymath::Error::ERANGE) => Err(vm.overflow_error("intermediate overflow in fsum")),
        Err(_) => Err(vm.value_error("-inf + inf in fsum")),
    }
}

pub(super) fn prod(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let items = args[0].as_ref().expect("required");
    let mut total = args[1].clone().unwrap_or(Value::small_unchecked(1));
    vm.for_each(items, |vm, item| {
        total = vm.binary(BinOp::Multiply, &total, &item)?;
        Ok(true)
    })?;
    Ok(total)
}

pub(super) fn sumprod(vm: &mut Vm, p: &Value, q: &Value) -> PyResult {
    let (p, q) = (vm.collect(p)?, vm.collect(q)?);
    if p.len() != q.len() {
        return Err(vm.value_error("Inputs are not the same length"));
    }
    let numeric = |v: &Value| v.is_exact::<Float>() || taipan_runtime::types::int::Int::is_exact(v);
    if p.iter().chain(&q).any(|v| v.is_exact::<Float>()) && p.iter().chain(&q).all(numeric) {
        if let (Ok(a), Ok(b)) = (floats(vm, &p), floats(vm, &q)) {
            if let Ok(x) = precise::sumprod(&a, &b) {
                return Ok(Float::new(x));
            }
        } else {
            vm.clear_error();
        }
    }
    let mut total = Value::small_unchecked(0);
    for (a, b) in p.iter().zip(&q) {
        let product = vm.binary(BinOp::Multiply, a, b)?;
        total = vm.binary(BinOp::Add, &total, &product)?;
    }
    Ok(total)
}
