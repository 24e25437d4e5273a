//! `cmath` (`Modules/cmathmodule.c`): functions of complex numbers. The algorithms, which follow CPython's, are `pymath`'s.

use pymath::{Error, cmath as base};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Raised, Value, boolean};
use taipan_runtime::types::complex::{Complex, to_complex};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// A complex number as `pymath` takes it.
type Number = num_complex::Complex64;

macro_rules! complex {
    ($name:ident, $doc:literal) => {
        MethodDef::function(stringify!($name), "($module, z, /)", $doc, F1(|vm, z| mapped(vm, z, base::$name)))
    };
}

macro_rules! test {
    ($name:ident, $doc:literal) => {
        MethodDef::function(
            stringify!($name),
            "($module, z, /)",
            $doc,
            F1(|vm, z| Ok(boolean(base::$name(number(vm, z)?)))),
        )
    };
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("cmath")
    .doc("This module provides access to mathematical functions for complex\nnumbers.")
    .init(|_, dict| {
        for (name, x) in [
            ("pi", std::f64::consts::PI),
            ("e", std::f64::consts::E),
            ("tau", std::f64::consts::TAU),
            ("inf", f64::INFINITY),
            ("nan", f64::NAN),
        ] {
            dict.store_text(name, Float::new(x));
        }
        dict.store_text("infj", Complex::new(0.0, f64::INFINITY));
        dict.store_text("nanj", Complex::new(0.0, f64::NAN));
        Ok(())
    })
    .functions(&[
        complex!(acos, "Return the arc cosine of z."),
        complex!(acosh, "Return the inverse hyperbolic cosine of z."),
        complex!(asin, "Return the arc sine of z."),
        complex!(asinh, "Return the inverse hyperbolic sine of z."),
        complex!(atan, "Return the arc tangent of z."),
        complex!(atanh, "Return the inverse hyperbolic tangent of z."),
        complex!(cos, "Return the cosine of z."),
        complex!(cosh, "Return the hyperbolic cosine of z."),
        complex!(exp, "Return the exponential value e**z."),
        complex!(log10, "Return the base-10 logarithm of z."),
        complex!(sin, "Return the sine of z."),
        complex!(sinh, "Return the hyperbolic sine of z."),
        complex!(sqrt, "Return the square root of z."),
        complex!(tan, "Return the tangent of z."),
        complex!(tanh, "Return the hyperbolic tangent of z."),
        test!(isfinite, "Return True if both the real and imaginary parts of z are finite, else False."),
        test!(isinf, "Checks if the real or imaginary part of z is infinite."),
        test!(isnan, "Checks if the real or imaginary part of z not a number (NaN)."),
        MethodDef::function(
            "log",
            "($module, z, base=<unrepresentable>, /)",
            "log(z[, base]) -> the logarithm of z to the given base.",
            N(log),
        ),
        MethodDef::function(
            "phase",
            "($module, z, /)",
            "Return argument, also known as the phase angle, of a complex.",
            F1(|vm, z| {
                let z = number(vm, z)?;
                Ok(Float::new(done(vm, base::phase(z))?))
            }),
        ),
        MethodDef::function(
            "polar",
            "($module, z, /)",
            "Convert a complex from rectangular coordinates to polar coordinates.",
            F1(|vm, z| {
                let z = number(vm, z)?;
                let (r, phi) = done(vm, base::polar(z))?;
                Ok(Tuple::of([Float::new(r), Float::new(phi)]).into())
            }),
        ),
        MethodDef::function(
            "rect",
            "($module, r, phi, /)",
            "Convert from polar coordinates to rectangular coordinates.",
            F2(|vm, r, phi| {
                let (r, phi) = (vm.to_f64(r)?, vm.to_f64(phi)?);
                let z = done(vm, base::rect(r, phi))?;
                Ok(Complex::new(z.re, z.im))
            }),
        ),
        MethodDef::function(
            "isclose",
            "($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
            "Determine whether two complex numbers are close in value.",
            N(isclose),
        ),
    ]);

fn number(vm: &mut Vm, v: &Value) -> PyResult<Number> {
    let (re, im) = to_complex(vm, v)?;
    Ok(Number { re, im })
}

#[cold]
fn failed(vm: &mut Vm, e: Error) -> Raised {
    match e {
        Error::EDOM => vm.value_error("math domain error"),
        Error::ERANGE => vm.overflow_error("math range error"),
    }
}

fn done<T>(vm: &mut Vm, result: Result<T, Error>) -> PyResult<T> {
    result.map_err(|e| failed(vm, e))
}

fn mapped(vm: &mut Vm, z: &Value, f: fn(Number) -> Result<Number, Error>) -> PyResult {
    let z = number(vm, z)?;
    let w = done(vm, f(z))?;
    Ok(Complex::new(w.re, w.im))
}

fn log(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(z), to] = args else { unreachable!("bound by the signature") };
    let z = number(vm, z)?;
    let to = match to {
        Some(v) => Some(number(vm, v)?),
        None => None,
    };
    let w = done(vm, base::log(z, to))?;
    Ok(Complex::new(w.re, w.im))
}

fn isclose(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(a), Some(b), rel, abs] = args else { unreachable!("bound by the signature") };
    let (a, b) = (number(vm, a)?, number(vm, b)?);
    let mut tolerance = |v: &Option<Value>, default: f64| v.as_ref().map_or(Ok(default), |v| vm.to_f64(v));
    let (rel, abs) = (tolerance(rel, 1e-9)?, tolerance(abs, 0.0)?);
    match base::isclose(a, b, Some(rel), Some(abs)) {
        Ok(close) => Ok(boolean(close)),
        Err(_) => Err(vm.value_error("tolerances must be non-negative")),
    }
}
