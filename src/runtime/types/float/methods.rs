//! `float`: what Python code calls (`Objects/floatobject.c`). Text and rounding are in `taipan_base::float`.

use super::Float;
use crate::object::buffer::BufferRequest;
use crate::object::typedef::{CmpOp, MethodDef, NativeFn::*};
use crate::object::{GetSetDef, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, not_implemented};
use crate::types::int::{Int, IntRef};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use crate::with_units;
use taipan_base::float as base;
use taipan_base::int::BigInt;

/// `float`.
pub static FLOAT: TypeDef = TypeDef::new::<Float>("float")
    .doc("Convert a string or number to a floating-point number, if possible.")
    .signature("(x=0, /)")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::MATCH_SELF))
    .cpython_size(24, 0)
    .slots(Slots {
        add: Some(|vm, a, b| arith(vm, a, b, |_, x, y| Ok(x + y))),
        sub: Some(|vm, a, b| arith(vm, a, b, |_, x, y| Ok(x - y))),
        mul: Some(|vm, a, b| arith(vm, a, b, |_, x, y| Ok(x * y))),
        truediv: Some(|vm, a, b| {
            arith(
                vm,
                a,
                b,
                |vm, x, y| if y == 0.0 { Err(vm.zero_division_error("division by zero")) } else { Ok(x / y) },
            )
        }),
        floordiv: Some(|vm, a, b| {
            arith(vm, a, b, |vm, x, y| base::floor_div(x, y).ok_or_else(|| vm.zero_division_error("division by zero")))
        }),
        rem: Some(|vm, a, b| {
            arith(vm, a, b, |vm, x, y| base::modulo(x, y).ok_or_else(|| vm.zero_division_error("division by zero")))
        }),
        divmod: Some(divmod),
        power: Some(power),
        neg: Some(|_, a| Ok(Float::new(-value(a)))),
        pos: Some(|_, a| Ok(exact(a))),
        abs: Some(|_, a| Ok(Float::new(value(a).abs()))),
        int: Some(truncated),
        float: Some(|_, a| Ok(exact(a))),
        truth: Some(|_, a| Ok(value(a) != 0.0)),
        repr: Some(|vm, a| Ok(vm.new_str(&base::repr(value(a))))),
        hash: Some(|_, a| Ok(hash(a))),
        richcmp: Some(compare),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "conjugate",
            "($self, /)",
            "Return self, the complex conjugate of any float.",
            F1(|_, a| Ok(exact(a))),
        ),
        MethodDef::method(
            "__trunc__",
            "($self, /)",
            "Return the Integral closest to x between 0 and x.",
            F1(truncated),
        ),
        MethodDef::method(
            "__floor__",
            "($self, /)",
            "Return the floor as an Integral.",
            F1(|vm, a| whole(vm, value(a).floor())),
        ),
        MethodDef::method(
            "__ceil__",
            "($self, /)",
            "Return the ceiling as an Integral.",
            F1(|vm, a| whole(vm, value(a).ceil())),
        ),
        MethodDef::method(
            "__round__",
            "($self, ndigits=None, /)",
            "Return the Integral closest to x, rounding half toward even.",
            N(round),
        ),
        MethodDef::method(
            "as_integer_ratio",
            "($self, /)",
            "Return a pair of integers, whose ratio is exactly equal to the original float.",
            F1(ratio),
        ),
        MethodDef::method(
            "is_integer",
            "($self, /)",
            "Return True if the float is an integer.",
            F1(|_, a| Ok(boolean(base::is_integer(value(a))))),
        ),
        MethodDef::method(
            "hex",
            "($self, /)",
            "Return a hexadecimal representation of a floating-point number.",
            F1(|vm, a| Ok(vm.new_str(&base::hex(value(a))))),
        ),
        MethodDef::class(
            "fromhex",
            "($type, string, /)",
            "Create a floating-point number from a hexadecimal string.",
            F2(from_hex),
        ),
        MethodDef::class(
            "from_number",
            "($type, number, /)",
            "Convert real number to a floating-point number.",
            F2(from_number),
        ),
        MethodDef::class(
            "__getformat__",
            "($type, typestr, /)",
            "You probably don't want to use this function.",
            F2(get_format),
        ),
        MethodDef::method("__getnewargs__", "($self, /)", "", F1(|_, a| Ok(Tuple::from_vec(vec![exact(a)]).into()))),
        MethodDef::method(
            "__format__",
            "($self, format_spec, /)",
            "Formats the float according to format_spec.",
            F2(format),
        ),
    ])
    .getset(&[
        GetSetDef::get("real", "the real part of a complex number", |_, a| Ok(exact(a))),
        GetSetDef::get("imag", "the imaginary part of a complex number", |_, _| Ok(Float::new(0.0))),
    ]);

fn value(v: &Value) -> f64 {
    Float::read(v).expect("a float")
}

fn exact(v: &Value) -> Value {
    if v.is_exact::<Float>() { v.clone() } else { Float::new(value(v)) }
}

/// An operand of float arithmetic: a float, or an int converted.
fn operand(vm: &mut Vm, v: &Value) -> PyResult<Option<f64>> {
    if let Some(f) = Float::read(v) {
        return Ok(Some(f));
    }
    match Int::read(v) {
        Some(IntRef::Small(i)) => Ok(Some(i as f64)),
        Some(_) => crate::types::int::methods::to_f64(vm, v).map(Some),
        None => Ok(None),
    }
}

fn operands(vm: &mut Vm, a: &Value, b: &Value) -> PyResult<Option<(f64, f64)>> {
    let Some(x) = operand(vm, a)? else { return Ok(None) };
    Ok(operand(vm, b)?.map(|y| (x, y)))
}

fn arith(vm: &mut Vm, a: &Value, b: &Value, f: fn(&mut Vm, f64, f64) -> PyResult<f64>) -> PyResult {
    match operands(vm, a, b)? {
        Some((x, y)) => f(vm, x, y).map(Float::new),
        None => Ok(not_implemented()),
    }
}

fn divmod(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some((x, y)) = operands(vm, a, b)? else { return Ok(not_implemented()) };
    match base::div_mod(x, y) {
        Some((q, r)) => Ok(Tuple::from_vec(vec![Float::new(q), Float::new(r)]).into()),
        None => Err(vm.zero_division_error("division by zero")),
    }
}

fn power(vm: &mut Vm, a: &Value, b: &Value, m: Option<&Value>) -> PyResult {
    if m.is_some_and(|m| !m.is_none()) {
        if operands(vm, a, b)?.is_none() {
            return Ok(not_implemented());
        }
        return Err(vm.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
    }
    match operands(vm, a, b)? {
        Some((x, y)) => pow(vm, x, y),
        None => Ok(not_implemented()),
    }
}

/// `x ** y` of doubles: complex for a negative base and a broken exponent.
pub fn pow(vm: &mut Vm, x: f64, y: f64) -> PyResult {
    match base::pow(x, y) {
        Ok(r) => Ok(Float::new(r)),
        Err(base::PowError::ZeroToNegative) => Err(vm.zero_division_error("zero to a negative power")),
        Err(base::PowError::Overflow) => {
            let args = [Value::small_unchecked(34), vm.new_str("Numerical result out of range")];
            Err(vm.raise_with(&crate::types::exceptions::OVERFLOW_ERROR, &args))
        }
        Err(base::PowError::Complex) => crate::types::complex::pow(vm, (x, 0.0), (y, 0.0)),
    }
}

fn whole(vm: &mut Vm, x: f64) -> PyResult {
    if x.abs() < 4e18 {
        return Ok(Int::from_i64(x as i64));
    }
    match BigInt::from_f64(x) {
        Ok(b) => Ok(Int::from_big(b)),
        Err(e @ taipan_base::int::FromFloatError::Infinity) => Err(vm.overflow_error(e.message())),
        Err(e) => Err(vm.value_error(e.message())),
    }
}

fn truncated(vm: &mut Vm, a: &Value) -> PyResult {
    whole(vm, value(a).trunc())
}

fn round(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let x = value(args[0].as_ref().expect("self"));
    let Some(n) = args[1].as_ref().filter(|n| !n.is_none()) else {
        return match base::round_to_int(x) {
            Ok(b) => Ok(Int::from_big(b)),
            Err(e @ taipan_base::int::FromFloatError::Infinity) => Err(vm.overflow_error(e.message())),
            Err(e) => Err(vm.value_error(e.message())),
        };
    };
    let i = vm.index(n)?;
    let digits = Int::read(&i).map_or(0, |i| i.to_i64().unwrap_or(if i.is_negative() { i64::MIN } else { i64::MAX }));
    match base::round_to_digits(x, digits) {
        Some(r) => Ok(Float::new(r)),
        None => Err(vm.overflow_error("rounded value too large to represent")),
    }
}

fn ratio(vm: &mut Vm, a: &Value) -> PyResult {
    match base::as_integer_ratio(value(a)) {
        Ok((n, d)) => Ok(Tuple::from_vec(vec![Int::from_big(n), Int::from_big(d)]).into()),
        Err(e @ base::RatioError::Infinity) => Err(vm.overflow_error(e.message())),
        Err(e) => Err(vm.value_error(e.message())),
    }
}

fn hash(v: &Value) -> i64 {
    taipan_base::int::hash_real(value(v)).unwrap_or_else(|| crate::types::hash::hash_address(v.word()))
}

fn compare(_: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let x = value(a);
    let o = if let Some(y) = Float::read(b) {
        x.partial_cmp(&y)
    } else {
        match Int::read(b) {
            Some(IntRef::Small(i)) if i.unsigned_abs() <= 1 << 53 => x.partial_cmp(&(i as f64)),
            Some(i) => i.to_big().partial_cmp_f64(x).map(std::cmp::Ordering::reverse),
            None => return Ok(not_implemented()),
        }
    };
    Ok(boolean(match o {
        Some(o) => op.holds(o),
        None => op == CmpOp::Ne,
    }))
}

/// `float(x)` for what is neither a float nor a small integer (`PyFloat_AsDouble`).
pub fn to_f64_slow(vm: &mut Vm, v: &Value) -> PyResult<f64> {
    let slots = v.class().payload.slots();
    if let Some(f) = slots.float {
        let r = f(vm, v)?;
        let (name, rname) = (v.class().payload.name(), r.class().payload.name());
        let Some(x) = Float::read(&r) else {
            return Err(vm.type_error(format!("{name}.__float__ returned non-float (type {rname})")));
        };
        if !r.is_exact::<Float>() {
            vm.warn(
                &crate::types::exceptions::DEPRECATION_WARNING,
                &format!("{name}.__float__ returned non-float (type {rname}).  The ability to return an instance of a strict subclass of float is deprecated, and may not be supported in a future version of Python."),
                1,
            )?;
        }
        return Ok(x);
    }
    if slots.index.is_some() {
        let i = vm.index(v)?;
        return crate::types::int::methods::to_f64(vm, &i);
    }
    let name = v.class().payload.name();
    Err(vm.type_error(format!("must be real number, not {name}")))
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let own_init = !crate::types::object::same_init(&class.get_type().payload, &FLOAT);
    match own_init && args.pos().len() <= 1 {
        // Keywords are for the subclass's `__init__`.
        true => {}
        false => args.between(vm, "float", 0, 1)?,
    }
    let x = match args.get(0) {
        None => 0.0,
        Some(v) => convert(vm, v)?,
    };
    if std::ptr::eq(class.get_type(), FLOAT.object()) {
        return Ok(match args.get(0) {
            Some(v) if v.is_exact::<Float>() => v.clone(),
            _ => Float::new(x),
        });
    }
    Ok(crate::object::instance::new_of(class, Float { value: x }).into())
}

fn convert(vm: &mut Vm, v: &Value) -> PyResult<f64> {
    // `__float__` of a subclass, of `float` itself or of `str`, comes before what the object is.
    if !v.is_exact::<Float>() && v.class().payload.slots().float.is_some() {
        return to_f64_slow(vm, v);
    }
    if let Some(s) = v.downcast::<Str>() {
        return match with_units!(s.units(), u => base::parse(u)) {
            Some(x) => Ok(x),
            None => {
                let r = vm.repr(v)?.to_rust().into_owned();
                Err(vm.value_error(format!("could not convert string to float: {r}")))
            }
        };
    }
    let slots = v.class().payload.slots();
    if slots.float.is_some() || slots.index.is_some() {
        return vm.to_f64(v);
    }
    if slots.buffer.is_some() {
        let b = vm.buffer(v, BufferRequest::READ)?.to_vec(vm);
        return match base::parse_bytes(&b) {
            Some(x) => Ok(x),
            None => {
                let r = vm.repr(v)?.to_rust().into_owned();
                Err(vm.value_error(format!("could not convert string to float: {r}")))
            }
        };
    }
    let name = v.class().payload.name();
    Err(vm.type_error(format!("float() argument must be a string or a real number, not '{name}'")))
}

fn of_class(vm: &mut Vm, class: &Value, x: f64) -> PyResult {
    let f = Float::new(x);
    if class.is_static_type(&FLOAT) { Ok(f) } else { vm.call1(class, &f) }
}

fn from_hex(vm: &mut Vm, class: &Value, text: &Value) -> PyResult {
    let s = vm.expect_str(text, "fromhex() argument")?;
    match base::from_hex(s.to_rust().as_bytes()) {
        Ok(x) => of_class(vm, class, x),
        Err(e @ base::FromHexError::TooLarge) => Err(vm.overflow_error(e.message())),
        Err(e) => Err(vm.value_error(e.message())),
    }
}

fn from_number(vm: &mut Vm, class: &Value, v: &Value) -> PyResult {
    if v.is_exact::<Float>() && class.is_static_type(&FLOAT) {
        return Ok(v.clone());
    }
    let x = vm.to_f64(v)?;
    of_class(vm, class, x)
}

fn get_format(vm: &mut Vm, _: &Value, kind: &Value) -> PyResult {
    let s = vm.expect_str(kind, "__getformat__() argument")?;
    match &*s.to_rust() {
        "double" | "float" => Ok(vm.new_str("IEEE, little-endian")),
        _ => Err(vm.value_error("__getformat__() argument 1 must be 'double' or 'float'")),
    }
}

fn format(vm: &mut Vm, v: &Value, spec: &Value) -> PyResult {
    let spec = vm.expect_str(spec, "__format__() argument")?;
    if spec.len() == 0 {
        return vm.str(v).map(Into::into);
    }
    let locale = taipan_base::format::Locale::default();
    let name = v.class().payload.name();
    match with_units!(spec.units(), u => taipan_base::format::format_float(value(v), u, &name, &locale)) {
        Ok(t) => Ok(crate::types::str::methods::from_text(&t).into()),
        Err(e) => Err(crate::types::str::methods::raise_format(vm, &e)),
    }
}
