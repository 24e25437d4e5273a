//! `math` (`Modules/mathmodule.c`): real functions here, whole numbers in `integers`, sums in `sums`.

mod integers;
mod libm;
mod sums;

use taipan_base::float as base;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Raised, Value, boolean};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

macro_rules! function {
    ($name:literal, $signature:literal, $doc:literal, $f:expr) => {
        MethodDef::function($name, concat!("($module, ", $signature, ")"), $doc, $f)
    };
}

macro_rules! real {
    ($name:literal, $doc:literal, $f:expr, overflow $overflow:expr, domain $domain:expr) => {
        function!($name, "x, /", $doc, F1(|vm, v| one(vm, v, $f, $overflow, $domain)))
    };
}

const FINITE: Domain = Domain("expected a finite input, got ");
const UNIT: Domain = Domain("expected a number in range from -1 up to 1, got ");
const PLAIN: Domain = Domain("");

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("math")
    .doc("Mathematical functions of the C standard, and others.")
    .init(init)
    .functions(&[
        real!("acos", "Return the arc cosine, in radians, between 0 and pi.", libm::acos, overflow false, domain UNIT),
        real!("acosh", "Return the inverse hyperbolic cosine.", libm::acosh, overflow false, domain Domain("expected argument value not less than 1, got ")),
        real!("asin", "Return the arc sine, in radians, between -pi/2 and pi/2.", libm::asin, overflow false, domain UNIT),
        real!("asinh", "Return the inverse hyperbolic sine.", libm::asinh, overflow false, domain PLAIN),
        real!("atan", "Return the arc tangent, in radians, between -pi/2 and pi/2.", libm::atan, overflow false, domain PLAIN),
        real!("atanh", "Return the inverse hyperbolic tangent.", libm::atanh, overflow false, domain Domain("expected a number between -1 and 1, got ")),
        real!("cbrt", "Return the cube root.", libm::cbrt, overflow false, domain PLAIN),
        real!("cos", "Return the cosine of an angle in radians.", libm::cos, overflow false, domain FINITE),
        real!("cosh", "Return the hyperbolic cosine.", libm::cosh, overflow true, domain PLAIN),
        real!("exp", "Return e to a power.", libm::exp, overflow true, domain PLAIN),
        real!("exp2", "Return 2 to a power.", libm::exp2, overflow true, domain PLAIN),
        real!("expm1", "Return e to a power, minus 1, without loss for small powers.", libm::expm1, overflow true, domain PLAIN),
        real!("fabs", "Return the absolute value as a float.", f64::abs, overflow false, domain PLAIN),
        real!("log1p", "Return the natural logarithm of 1 plus a number, without loss near zero.", libm::log1p, overflow false, domain Domain("expected argument value > -1, got ")),
        real!("sin", "Return the sine of an angle in radians.", libm::sin, overflow false, domain FINITE),
        real!("sinh", "Return the hyperbolic sine.", libm::sinh, overflow true, domain PLAIN),
        real!("sqrt", "Return the square root.", f64::sqrt, overflow false, domain Domain("expected a nonnegative input, got ")),
        real!("tan", "Return the tangent of an angle in radians.", libm::tan, overflow false, domain FINITE),
        real!("tanh", "Return the hyperbolic tangent.", libm::tanh, overflow false, domain PLAIN),
        function!("erf", "x, /", "Return the error function.", F1(|vm, v| plain(vm, v, libm::erf))),
        function!("erfc", "x, /", "Return the complementary error function.", F1(|vm, v| plain(vm, v, libm::erfc))),
        function!("gamma", "x, /", "Return the gamma function.", F1(|vm, v| gamma(vm, v, pymath::math::gamma))),
        function!("lgamma", "x, /", "Return the logarithm of the absolute value of the gamma function.", F1(|vm, v| gamma(vm, v, pymath::math::lgamma))),
        function!("degrees", "x, /", "Convert an angle from radians to degrees.", F1(|vm, v| plain(vm, v, |x| x * (180.0 / std::f64::consts::PI)))),
        function!("radians", "x, /", "Convert an angle from degrees to radians.", F1(|vm, v| plain(vm, v, |x| x * (std::f64::consts::PI / 180.0)))),
        function!("atan2", "y, x, /", "Return the angle of the point (x, y), in radians.", V(|vm, a| {
            let (y, x) = two_args(vm, a, "atan2")?;
            Ok(Float::new(libm::atan2(y, x)))
        })),
        function!("copysign", "x, y, /", "Return the size of x with the sign of y.", V(|vm, a| {
            let (x, y) = two_args(vm, a, "copysign")?;
            Ok(Float::new(x.copysign(y)))
        })),
        function!("fmod", "x, y, /", "Return the remainder of x / y with the sign of x.", V(fmod)),
        function!("remainder", "x, y, /", "Return the difference between x and the closest multiple of y.", V(remainder)),
        function!("pow", "x, y, /", "Return x to the power y.", V(pow)),
        function!("fma", "x, y, z, /", "Return x * y + z, rounded once.", F3(fma)),
        function!("frexp", "x, /", "Return mantissa and exponent: x = m * 2**e.", F1(|vm, v| {
            let x = vm.to_f64(v)?;
            let (m, e) = if x == 0.0 || !x.is_finite() { (x, 0) } else { pymath::math::frexp(x) };
            Ok(Tuple::of([Float::new(m), Value::small_unchecked(e.into())]).into())
        })),
        function!("ldexp", "x, i, /", "Return x * 2**i.", F2(ldexp)),
        function!("modf", "x, /", "Return the fraction and the whole part.", F1(|vm, v| {
            let x = vm.to_f64(v)?;
            let whole = x.trunc();
            let fraction = if x.is_infinite() { 0.0_f64.copysign(x) } else if x.is_nan() { x } else { (x - whole).copysign(x) };
            Ok(Tuple::of([Float::new(fraction), Float::new(whole)]).into())
        })),
        function!("log", "x, [base=math.e]", "Return the logarithm to a base; natural without one.", V(log)),
        function!("log2", "x, /", "Return the logarithm to base 2.", F1(|vm, v| log_of(vm, v, libm::log2, std::f64::consts::LN_2, true).map(Float::new))),
        function!("log10", "x, /", "Return the logarithm to base 10.", F1(|vm, v| log_of(vm, v, libm::log10, std::f64::consts::LN_10, false).map(Float::new))),
        function!("ceil", "x, /", "Return the least integer not below x.", F1(|vm, v| rounded(vm, v, "__ceil__", f64::ceil))),
        function!("floor", "x, /", "Return the largest integer not above x.", F1(|vm, v| rounded(vm, v, "__floor__", f64::floor))),
        function!("trunc", "x, /", "Return x without its fraction.", F1(trunc)),
        function!("isfinite", "x, /", "Whether x is neither an infinity nor a NaN.", F1(|vm, v| Ok(boolean(vm.to_f64(v)?.is_finite())))),
        function!("isinf", "x, /", "Whether x is an infinity.", F1(|vm, v| Ok(boolean(vm.to_f64(v)?.is_infinite())))),
        function!("isnan", "x, /", "Whether x is a NaN.", F1(|vm, v| Ok(boolean(vm.to_f64(v)?.is_nan())))),
        function!("isclose", "a, b, *, rel_tol=1e-09, abs_tol=0.0", "Whether two numbers are close to each other.", N(is_close)),
        function!("nextafter", "x, y, /, *, steps=None", "Return the float after x in the direction of y.", N(next_after)),
        function!("ulp", "x, /", "Return the value of the least significant bit.", F1(|vm, v| plain(vm, v, pymath::math::ulp))),
        function!("dist", "p, q, /", "Return the Euclidean distance of two points.", F2(sums::dist)),
        function!("hypot", "*coordinates", "Return the Euclidean length of a vector.", V(sums::hypot)),
        function!("fsum", "seq, /", "Return the exact sum of floats, rounded once.", F1(sums::fsum)),
        function!("prod", "iterable, /, *, start=1", "Return the product of the items.", N(sums::prod)),
        function!("sumprod", "p, q, /", "Return the sum of the products of items of two iterables.", F2(sums::sumprod)),
        function!("factorial", "n, /", "Return n!.", F1(integers::factorial)),
        function!("gcd", "*integers", "Return the greatest common divisor.", V(integers::gcd)),
        function!("lcm", "*integers", "Return the least common multiple.", V(integers::lcm)),
        function!("isqrt", "n, /", "Return the whole part of the square root.", F1(integers::isqrt)),
        function!("comb", "n, k, /", "Return the number of ways to choose k of n items, regardless of order.", F2(integers::comb)),
        function!("perm", "n, k=None, /", "Return the number of ways to choose k of n items in order.", N(integers::perm)),
    ]);

fn init(_: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    use std::f64::consts;
    for (name, x) in [("pi", consts::PI), ("e", consts::E), ("tau", consts::TAU), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        dict.store_text(name, Float::new(x));
    }
    Ok(())
}

/// The message of a domain error, up to the input; empty: the general one.
struct Domain(&'static str);

fn domain(vm: &mut Vm, message: &Domain, x: f64) -> Raised {
    if message.0.is_empty() {
        return vm.value_error("math domain error");
    }
    vm.value_error(format!("{}{}", message.0, base::repr(x)))
}

fn range(vm: &mut Vm) -> Raised {
    vm.overflow_error("math range error")
}

fn plain(vm: &mut Vm, v: &Value, f: fn(f64) -> f64) -> PyResult {
    Ok(Float::new(f(vm.to_f64(v)?)))
}

/// A function of one number: a NaN out of a number is a domain error; an infinity out of a finite one is too, unless the
/// function can overflow.
fn one(vm: &mut Vm, v: &Value, f: impl Fn(f64) -> f64, can_overflow: bool, message: Domain) -> PyResult {
    let x = vm.to_f64(v)?;
    let r = f(x);
    if r.is_nan() && !x.is_nan() {
        return Err(domain(vm, &message, x));
    }
    if r.is_infinite() && x.is_finite() {
        return Err(if can_overflow { range(vm) } else { domain(vm, &message, x) });
    }
    Ok(Float::new(r))
}

fn gamma(vm: &mut Vm, v: &Value, f: fn(f64) -> pymath::Result<f64>) -> PyResult {
    let x = vm.to_f64(v)?;
    match f(x) {
        Ok(r) => Ok(Float::new(r)),
        Err(pymath::Error::ERANGE) => Err(range(vm)),
        Err(_) => Err(domain(vm, &Domain("expected a noninteger or positive integer, got "), x)),
    }
}

fn two_args(vm: &mut Vm, args: &Args<'_>, name: &'static str) -> PyResult<(f64, f64)> {
    args.between(vm, name, 2, 2)?;
    Ok((vm.to_f64(&args.pos()[0])?, vm.to_f64(&args.pos()[1])?))
}

fn fmod(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (x, y) = two_args(vm, args, "fmod")?;
    if y.is_infinite() && x.is_finite() {
        return Ok(Float::new(x));
    }
    let r = libm::fmod(x, y);
    if r.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(vm.value_error("math domain error"));
    }
    Ok(Float::new(r))
}

fn remainder(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (x, y) = two_args(vm, args, "remainder")?;
    let r = libm::remainder(x, y);
    if r.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(vm.value_error("math domain error"));
    }
    Ok(Float::new(r))
}

fn pow(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (x, y) = two_args(vm, args, "pow")?;
    let r = libm::pow(x, y);
    if x.is_finite() && y.is_finite() {
        if r.is_nan() || (r.is_infinite() && x == 0.0) {
            return Err(vm.value_error("math domain error"));
        }
        if r.is_infinite() {
            return Err(range(vm));
        }
    }
    Ok(Float::new(r))
}

fn fma(vm: &mut Vm, x: &Value, y: &Value, z: &Value) -> PyResult {
    let (x, y, z) = (vm.to_f64(x)?, vm.to_f64(y)?, vm.to_f64(z)?);
    let r = libm::fma(x, y, z);
    if r.is_nan() && ![x, y, z].iter().any(|v| v.is_nan()) {
        return Err(vm.value_error("invalid operation in fma"));
    }
    if r.is_infinite() && [x, y, z].iter().all(|v| v.is_finite()) {
        return Err(vm.overflow_error("overflow in fma"));
    }
    Ok(Float::new(r))
}

fn ldexp(vm: &mut Vm, x: &Value, n: &Value) -> PyResult {
    let x = vm.to_f64(x)?;
    let n = match Int::read(n) {
        None => return Err(vm.type_error("Expected an int as second argument to ldexp.")),
        Some(IntRef::Small(n)) => n,
        Some(n) => if n.is_negative() { i64::MIN } else { i64::MAX },
    };
    if x == 0.0 || !x.is_finite() {
        return Ok(Float::new(x));
    }
    let r = libm::ldexp(x, n.clamp(i32::MIN.into(), i32::MAX.into()) as i32);
    if r.is_infinite() {
        return Err(range(vm));
    }
    Ok(Float::new(r))
}

/// A logarithm of a number of any size; `binary` says that the base is 2.
fn log_of(vm: &mut Vm, v: &Value, f: fn(f64) -> f64, ln_base: f64, binary: bool) -> PyResult<f64> {
    const ERROR: &str = "expected a positive input";
    let as_int = match Int::read(v) {
        Some(_) => Some(v.clone()),
        None if Float::read(v).is_none() && v.class().payload.slots().float.is_none() => match vm.index(v) {
            Ok(i) => Some(i),
            Err(_) => {
                vm.clear_error();
                None
            }
        },
        None => None,
    };
    if let Some(i) = as_int {
        let n = Int::read(&i).map(|i| i.to_big()).unwrap_or_default();
        if n.is_zero() || n.is_negative() {
            return Err(vm.value_error(ERROR));
        }
        return Ok(match n.to_f64() {
            Ok(x) => f(x),
            Err(_) => {
                let (m, e) = n.frexp();
                let e = e as f64;
                if binary { f(m) + e } else { f(m) + e * (std::f64::consts::LN_2 / ln_base) }
            }
        });
    }
    let x = vm.to_f64(v)?;
    if x <= 0.0 {
        return Err(domain(vm, &Domain("expected a positive input, got "), x));
    }
    Ok(f(x))
}

fn log(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "log", 1, 2)?;
    let x = log_of(vm, &args.pos()[0], libm::log, 1.0, false)?;
    let Some(b) = args.get(1) else { return Ok(Float::new(x)) };
    let b = log_of(vm, b, libm::log, 1.0, false)?;
    if b == 0.0 {
        return Err(vm.zero_division_error("division by zero"));
    }
    Ok(Float::new(x / b))
}

/// `floor` and `ceil`: by the special method, else of the float.
fn rounded(vm: &mut Vm, v: &Value, method: &'static str, f: fn(f64) -> f64) -> PyResult {
    if v.is_small() {
        return Ok(v.clone());
    }
    if !v.is_exact::<Float>() {
        if let Some(m) = vm.lookup_special(v, method)? {
            return vm.call0(&m);
        }
    }
    let x = f(vm.to_f64(v)?);
    let x = Float::new(x);
    taipan_runtime::types::int::methods::convert(vm, &x)
}

fn trunc(vm: &mut Vm, v: &Value) -> PyResult {
    if v.is_exact::<Float>() {
        return taipan_runtime::types::int::methods::convert(vm, v);
    }
    match vm.lookup_special(v, "__trunc__")? {
        Some(m) => vm.call0(&m),
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("type {name} doesn't define __trunc__ method")))
        }
    }
}

fn optional(vm: &mut Vm, v: Option<&Value>, default: f64) -> PyResult<f64> {
    match v {
        Some(v) => vm.to_f64(v),
        None => Ok(default),
    }
}

fn is_close(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(a), Some(b), rel, abs] = args else { unreachable!("bound by the signature") };
    let (a, b) = (vm.to_f64(a)?, vm.to_f64(b)?);
    let (rel, abs) = (optional(vm, rel.as_ref(), 1e-9)?, optional(vm, abs.as_ref(), 0.0)?);
    if rel < 0.0 || abs < 0.0 {
        return Err(vm.value_error("tolerances must be non-negative"));
    }
    let diff = (b - a).abs();
    let close = a == b
        || (a.is_finite() || a.is_nan()) && (b.is_finite() || b.is_nan())
            && (diff <= (rel * b).abs() || diff <= (rel * a).abs() || diff <= abs);
    Ok(boolean(close))
}

fn next_after(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(x), Some(y), steps] = args else { unreachable!("bound by the signature") };
    let (x, y) = (vm.to_f64(x)?, vm.to_f64(y)?);
    let steps = match steps.as_ref().filter(|s| !s.is_none()) {
        None => 1,
        Some(s) => {
            let i = vm.index(s)?;
            match Int::read(&i) {
                Some(i) if i.is_negative() => return Err(vm.value_error("steps must be a non-negative integer")),
                Some(i) => i.to_big().to_u64().unwrap_or(u64::MAX),
                None => 1,
            }
        }
    };
    Ok(Float::new(pymath::math::nextafter(x, y, Some(steps))))
}
