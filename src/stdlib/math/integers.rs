//! Functions of whole numbers.

use taipan_base::int::BigInt;
use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::int::Int;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

fn big(vm: &mut Vm, v: &Value) -> PyResult<BigInt> {
    let i = vm.index(v)?;
    Ok(Int::read(&i).map(|i| i.to_big()).unwrap_or_default())
}

/// The product of the whole numbers of a range, by halves so that factors stay of like size.
fn product(from: u64, to: u64) -> BigInt {
    match to - from {
        0 => BigInt::ONE,
        n if n <= 16 => (from..to).fold(BigInt::ONE, |p, i| p.mul(&BigInt::from(i))),
        n => product(from, from + n / 2).mul(&product(from + n / 2, to)),
    }
}

pub(super) fn factorial(vm: &mut Vm, n: &Value) -> PyResult {
    let n = big(vm, n)?;
    if n.is_negative() {
        return Err(vm.value_error("factorial() not defined for negative values"));
    }
    match n.to_i64() {
        Some(n) => Ok(Int::from_big(product(1, n as u64 + 1))),
        None => Err(vm.overflow_error("factorial() argument should not exceed 9223372036854775807")),
    }
}

fn folded(vm: &mut Vm, args: &Args<'_>, name: &str, start: BigInt, f: fn(&BigInt, &BigInt) -> BigInt) -> PyResult {
    args.no_keywords(vm, name)?;
    let mut result = start;
    for v in args.pos() {
        let n = big(vm, v)?;
        result = f(&result, &n);
    }
    Ok(Int::from_big(result.abs()))
}

pub(super) fn gcd(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    folded(vm, args, "math.gcd", BigInt::ZERO, BigInt::gcd)
}

pub(super) fn lcm(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    folded(vm, args, "math.lcm", BigInt::ONE, BigInt::lcm)
}

pub(super) fn isqrt(vm: &mut Vm, n: &Value) -> PyResult {
    match big(vm, n)?.isqrt() {
        Some(root) => Ok(Int::from_big(root)),
        None => Err(vm.value_error("isqrt() argument must be nonnegative")),
    }
}

/// `n` and `k`, neither negative.
fn pair(vm: &mut Vm, n: &Value, k: &Value) -> PyResult<(BigInt, BigInt)> {
    let (n, k) = (big(vm, n)?, big(vm, k)?);
    if n.is_negative() {
        return Err(vm.value_error("n must be a non-negative integer"));
    }
    if k.is_negative() {
        return Err(vm.value_error("k must be a non-negative integer"));
    }
    Ok((n, k))
}

/// `n * (n - 1) * … ` with `k` factors.
fn falling(n: &BigInt, k: u64) -> BigInt {
    match n.to_u64() {
        Some(n) if n < u64::MAX => product(n - k + 1, n + 1),
        _ => (0..k).fold(BigInt::ONE, |p, i| p.mul(&n.sub(&BigInt::from(i)))),
    }
}

pub(super) fn comb(vm: &mut Vm, n: &Value, k: &Value) -> PyResult {
    let (n, k) = pair(vm, n, k)?;
    if k > n {
        return Ok(Value::small_unchecked(0));
    }
    let k = n.sub(&k).min(k);
    let Some(k) = k.to_i64() else {
        return Err(vm.overflow_error("min(n - k, k) must not exceed 9223372036854775807"));
    };
    // the quotient is exact after every factor, so numbers stay as small as they can be
    if k <= 64 {
        let mut result = BigInt::ONE;
        for i in 0..k as u64 {
            let next = result.mul(&n.sub(&BigInt::from(i)));
            result = next.floor_div(&BigInt::from(i + 1)).unwrap_or_default();
        }
        return Ok(Int::from_big(result));
    }
    let below = product(1, k as u64 + 1);
    Ok(Int::from_big(falling(&n, k as u64).floor_div(&below).unwrap_or_default()))
}

pub(super) fn perm(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let n = args[0].as_ref().expect("required");
    let Some(k) = args[1].as_ref().filter(|k| !k.is_none()) else { return factorial(vm, n) };
    let (n, k) = pair(vm, n, k)?;
    if k > n {
        return Ok(Value::small_unchecked(0));
    }
    match k.to_i64() {
        Some(k) => Ok(Int::from_big(falling(&n, k as u64))),
        None => Err(vm.overflow_error("k must not exceed 9223372036854775807")),
    }
}
