//! `int`: what Python code calls. The arithmetic is in `taipan_base::int`; texts are those of `Objects/longobject.c`.

use super::{Int, IntRef};
use crate::object::buffer::BufferRequest;
use crate::object::typedef::{CmpOp, MethodDef, NativeFn::*};
use crate::object::{
    GetSetDef, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, boolean, not_implemented,
};
use crate::types::bytes::Bytes;
use crate::types::float::Float;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use crate::with_units;
use std::sync::atomic::{AtomicUsize, Ordering};
use taipan_base::int::{BigInt, Digits, IntError, small};

/// Digits of decimal conversions before `ValueError` (`sys.set_int_max_str_digits`); 0: no limit.
pub static MAX_STR_DIGITS: AtomicUsize = AtomicUsize::new(4300);

/// `int`.
pub static INT: TypeDef = TypeDef::new::<Int>("int")
    .doc("A whole number of any size. int(x) converts a number (cut towards zero), or reads a text of digits in the given base: 2 to\n36, or 0 to obey a prefix such as 0x.")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::INT_SUBCLASS).union(TypeFlags::MATCH_SELF))
    .cpython_size(24, 4)
    .slots(Slots {
        add: Some(|_, a, b| two(a, b, |x, y| x.checked_add(y), BigInt::add)),
        sub: Some(|_, a, b| two(a, b, |x, y| x.checked_sub(y), BigInt::sub)),
        mul: Some(|_, a, b| two(a, b, |x, y| x.checked_mul(y), BigInt::mul)),
        and: Some(|_, a, b| two(a, b, |x, y| Some(x & y), BigInt::bit_and)),
        or: Some(|_, a, b| two(a, b, |x, y| Some(x | y), BigInt::bit_or)),
        xor: Some(|_, a, b| two(a, b, |x, y| Some(x ^ y), BigInt::bit_xor)),
        floordiv: Some(floordiv),
        rem: Some(rem),
        divmod: Some(divmod),
        truediv: Some(truediv),
        lshift: Some(lshift),
        rshift: Some(rshift),
        power: Some(power),
        neg: Some(|_, a| one(a, |x| x.checked_neg(), BigInt::neg)),
        pos: Some(|_, a| Ok(exact(a))),
        abs: Some(|_, a| one(a, |x| x.checked_abs(), BigInt::abs)),
        invert: Some(|_, a| one(a, |x| Some(!x), BigInt::invert)),
        int: Some(|_, a| Ok(exact(a))),
        index: Some(|_, a| Ok(exact(a))),
        float: Some(|vm, a| Ok(Float::new(to_f64(vm, a)?))),
        truth: Some(|_, a| Ok(match read(a) { IntRef::Small(i) => i != 0, IntRef::Big(_) => true })),
        repr: Some(repr),
        hash: Some(|_, a| Ok(match read(a) { IntRef::Small(i) => hash_small(i), IntRef::Big(b) => b.hash() })),
        richcmp: Some(compare),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("conjugate", "($self, /)", "Returns self, the complex conjugate of any int.", F1(|_, a| Ok(exact(a)))),
        MethodDef::method("bit_length", "($self, /)", "Number of bits necessary to represent self in binary.", F1(|_, a| Ok(Int::from_u64(match read(a) { IntRef::Small(i) => small::bit_length(i) as u64, IntRef::Big(b) => b.bit_length() })))),
        MethodDef::method("bit_count", "($self, /)", "Number of ones in the binary representation of the absolute value of self.", F1(|_, a| Ok(Int::from_u64(match read(a) { IntRef::Small(i) => i.unsigned_abs().count_ones() as u64, IntRef::Big(b) => b.bit_count() })))),
        MethodDef::method("to_bytes", "($self, /, length=1, byteorder='big', *, signed=False)", "Return an array of bytes representing an integer.", N(to_bytes)),
        MethodDef::class("from_bytes", "($type, /, bytes, byteorder='big', *, signed=False)", "Return the integer represented by the given array of bytes.", N(from_bytes)),
        MethodDef::method("as_integer_ratio", "($self, /)", "Return a pair of integers, whose ratio is equal to the original int.", F1(|_, a| Ok(Tuple::from_vec(vec![exact(a), Value::small_unchecked(1)]).into()))),
        MethodDef::method("is_integer", "($self, /)", "True, so that code written for float.is_integer takes ints too.", F1(|_, _| Ok(boolean(true)))),
        MethodDef::method("__trunc__", "($self, /)", "Truncating an Integral returns itself.", F1(|_, a| Ok(exact(a)))),
        MethodDef::method("__floor__", "($self, /)", "Flooring an Integral returns itself.", F1(|_, a| Ok(exact(a)))),
        MethodDef::method("__ceil__", "($self, /)", "Ceiling of an Integral returns itself.", F1(|_, a| Ok(exact(a)))),
        MethodDef::method("__round__", "($self, ndigits=None, /)", "Rounding an Integral returns itself.", N(round)),
        MethodDef::method("__getnewargs__", "($self, /)", "", F1(|_, a| Ok(Tuple::from_vec(vec![exact(a)]).into()))),
        MethodDef::method("__format__", "($self, format_spec, /)", "Convert to a string according to format_spec.", F2(format)),
        MethodDef::method("__sizeof__", "($self, /)", "Returns size in memory, in bytes.", F1(sizeof)),
    ])
    .getset(&[
        GetSetDef::get("real", "the real part of a complex number", |_, a| Ok(exact(a))),
        GetSetDef::get("imag", "the imaginary part of a complex number", |_, _| Ok(Value::small_unchecked(0))),
        GetSetDef::get("numerator", "the numerator of a rational number in lowest terms", |_, a| Ok(exact(a))),
        GetSetDef::get("denominator", "the denominator of a rational number in lowest terms", |_, _| Ok(Value::small_unchecked(1))),
    ]);

/// Hash of a small integer.
#[inline]
pub fn hash_small(i: i64) -> i64 {
    small::hash(i)
}

fn read(v: &Value) -> IntRef<'_> {
    Int::read(v).expect("an int")
}

/// The value as an exact `int`.
fn exact(v: &Value) -> Value {
    if Int::is_exact(v) { v.clone() } else { Int::from_big(read(v).to_big()) }
}

fn pair<'a>(a: &'a Value, b: &'a Value) -> Option<(IntRef<'a>, IntRef<'a>)> {
    Some((Int::read(a)?, Int::read(b)?))
}

fn two(a: &Value, b: &Value, small: fn(i64, i64) -> Option<i64>, big: fn(&BigInt, &BigInt) -> BigInt) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    if let (IntRef::Small(x), IntRef::Small(y)) = (x, y) {
        if let Some(r) = small(x, y) {
            return Ok(Int::from_i64(r));
        }
    }
    Ok(Int::from_big(match (x, y) {
        (IntRef::Big(x), IntRef::Big(y)) => big(x, y),
        (IntRef::Big(x), y) => big(x, &y.to_big()),
        (x, IntRef::Big(y)) => big(&x.to_big(), y),
        (x, y) => big(&x.to_big(), &y.to_big()),
    }))
}

fn one(a: &Value, small: fn(i64) -> Option<i64>, big: fn(&BigInt) -> BigInt) -> PyResult {
    Ok(match read(a) {
        IntRef::Small(x) => match small(x) {
            Some(r) => Int::from_i64(r),
            None => Int::from_big(big(&BigInt::from(x))),
        },
        IntRef::Big(x) => Int::from_big(big(x)),
    })
}

#[cold]
fn raise(vm: &mut Vm, e: IntError) -> Raised {
    match e {
        IntError::DivisionByZero => vm.zero_division_error("division by zero"),
        IntError::TooLarge => vm.memory_error(""),
        e => vm.overflow_error(e.message()),
    }
}

fn floordiv(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    if let (IntRef::Small(x), IntRef::Small(y)) = (x, y) {
        if y != 0 {
            if let Some(r) = small::floor_div(x, y) {
                return Ok(Int::from_i64(r));
            }
        }
    }
    x.to_big().floor_div(&y.to_big()).map(Int::from_big).map_err(|e| raise(vm, e))
}

fn rem(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    if let (IntRef::Small(x), IntRef::Small(y)) = (x, y) {
        if y != 0 {
            return Ok(Int::from_i64(small::modulo(x, y)));
        }
    }
    x.to_big().modulo(&y.to_big()).map(Int::from_big).map_err(|e| raise(vm, e))
}

fn divmod(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    let (q, r) = x.to_big().div_mod(&y.to_big()).map_err(|e| raise(vm, e))?;
    Ok(Tuple::from_vec(vec![Int::from_big(q), Int::from_big(r)]).into())
}

fn truediv(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    if let (IntRef::Small(x), IntRef::Small(y)) = (x, y) {
        if y != 0 {
            if let Some(r) = small::true_div(x, y) {
                return Ok(Float::new(r));
            }
        }
    }
    match x.to_big().true_div(&y.to_big()) {
        Ok(r) => Ok(Float::new(r)),
        Err(IntError::DivisionByZero) => Err(vm.zero_division_error("division by zero")),
        Err(e) => Err(raise(vm, e)),
    }
}

fn lshift(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    if y.is_negative() {
        return Err(vm.value_error("negative shift count"));
    }
    if let (IntRef::Small(x), IntRef::Small(n)) = (x, y) {
        if let Some(r) = small::shl(x, n as u64) {
            return Ok(Int::from_i64(r));
        }
    }
    x.to_big().shl_big(&y.to_big()).map(Int::from_big).map_err(|e| raise(vm, e))
}

fn rshift(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    if y.is_negative() {
        return Err(vm.value_error("negative shift count"));
    }
    let n = y.to_i64().map_or(u64::MAX, |n| n as u64);
    Ok(match x {
        IntRef::Small(x) => Int::from_i64(small::shr(x, n)),
        IntRef::Big(x) => Int::from_big(x.shr(n)),
    })
}

fn power(vm: &mut Vm, a: &Value, b: &Value, m: Option<&Value>) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    if let Some(m) = m.filter(|m| !m.is_none()) {
        let Some(m) = Int::read(m) else { return Ok(not_implemented()) };
        return match x.to_big().pow_mod(&y.to_big(), &m.to_big()) {
            Ok(r) => Ok(Int::from_big(r)),
            Err(e) => Err(vm.value_error(e.message())),
        };
    }
    if y.is_negative() {
        let (x, y) = (to_f64(vm, a)?, to_f64(vm, b)?);
        return crate::types::float::methods::pow(vm, x, y);
    }
    if let (IntRef::Small(x), IntRef::Small(n)) = (x, y) {
        if let Some(r) = small::pow(x, n as u64) {
            return Ok(Int::from_i64(r));
        }
    }
    x.to_big().pow_big(&y.to_big()).map(Int::from_big).map_err(|e| raise(vm, e))
}

/// The integer as a double; `OverflowError` when too large.
pub fn to_f64(vm: &mut Vm, v: &Value) -> PyResult<f64> {
    match read(v) {
        IntRef::Small(i) => Ok(i as f64),
        IntRef::Big(b) => b.to_f64().map_err(|_| vm.overflow_error("int too large to convert to float")),
    }
}

fn compare(_: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let Some((x, y)) = pair(a, b) else { return Ok(not_implemented()) };
    let o = match (x, y) {
        (IntRef::Small(x), IntRef::Small(y)) => x.cmp(&y),
        (x, y) => x.to_big().cmp(&y.to_big()),
    };
    Ok(boolean(op.holds(o)))
}

/// Decimal text, within the limit of digits.
pub fn decimal(vm: &mut Vm, v: &Value) -> PyResult<String> {
    match read(v) {
        IntRef::Small(i) => {
            let mut s = String::new();
            taipan_base::int::format_i64(i, 10, &mut s);
            Ok(s)
        }
        IntRef::Big(b) => {
            let limit = MAX_STR_DIGITS.load(Ordering::Relaxed);
            if limit != 0 && taipan_base::int::decimal_digits_exceed(b, limit) {
                return Err(vm.value_error(format!(
                    "Exceeds the limit ({limit} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"
                )));
            }
            Ok(b.to_text(10))
        }
    }
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    if let IntRef::Small(i) = read(v) {
        return Ok(Str::from_ascii(Digits::of(i, 10).as_bytes()).into());
    }
    let s = decimal(vm, v)?;
    Ok(vm.new_str(&s))
}

fn format(vm: &mut Vm, v: &Value, spec: &Value) -> PyResult {
    let spec = vm.expect_str(spec, "__format__() argument")?;
    if spec.len() == 0 {
        return vm.str(v).map(Into::into);
    }
    let locale = taipan_base::format::Locale::default();
    let n = read(v).to_big();
    let name = v.class().payload.name();
    match with_units!(spec.units(), u => taipan_base::format::format_int(&n, u, &name, &locale)) {
        Ok(t) => Ok(crate::types::str::methods::from_text(&t).into()),
        Err(e) => Err(crate::types::str::methods::raise_format(vm, &e)),
    }
}

fn round(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let Some(n) = args[1].as_ref().filter(|n| !n.is_none()) else { return Ok(exact(me)) };
    let n = vm.index(n)?;
    let digits = match Int::read(&n) {
        Some(IntRef::Small(d)) if d < 0 => (-d) as u64,
        Some(IntRef::Small(_)) | None => return Ok(exact(me)),
        Some(b) if b.is_negative() => return Ok(Value::small_unchecked(0)),
        Some(_) => return Ok(exact(me)),
    };
    let x = read(me).to_big();
    if digits > x.bit_length() {
        return Ok(Value::small_unchecked(0));
    }
    let unit = BigInt::pow10(digits).map_err(|e| raise(vm, e))?;
    let (_, r) = x.div_mod_near(&unit).map_err(|e| raise(vm, e))?;
    Ok(Int::from_big(x.sub(&r)))
}

fn sizeof(_: &mut Vm, v: &Value) -> PyResult {
    let bits = match read(v) {
        IntRef::Small(i) => small::bit_length(i) as u64,
        IntRef::Big(b) => b.bit_length(),
    };
    Ok(Int::from_u64(24 + 4 * bits.div_ceil(30).max(1)))
}

fn byte_order(vm: &mut Vm, v: Option<&Value>) -> PyResult<bool> {
    let Some(v) = v else { return Ok(true) };
    let s = vm.expect_str(v, "to_bytes() argument 'byteorder'")?;
    match &*s.to_rust() {
        "big" => Ok(true),
        "little" => Ok(false),
        _ => Err(vm.value_error("byteorder must be either 'little' or 'big'")),
    }
}

fn to_bytes(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let length = match &args[1] {
        Some(n) => vm.to_isize(n)?,
        None => 1,
    };
    let big = byte_order(vm, args[2].as_ref())?;
    let signed = match &args[3] {
        Some(s) => vm.truth(s)?,
        None => false,
    };
    if length < 0 {
        return Err(vm.value_error("length argument must be non-negative"));
    }
    vm.room_for(length as usize)?;
    let n = read(me).to_big();
    let r = if big { n.to_be_bytes(length as usize, signed) } else { n.to_le_bytes(length as usize, signed) };
    match r {
        Ok(b) => Ok(Bytes::from_slice(&b).into()),
        Err(e) => Err(vm.overflow_error(e.message())),
    }
}

fn from_bytes(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let class = args[0].clone().expect("type");
    let source = args[1].clone().expect("required");
    let big = byte_order(vm, args[2].as_ref())?;
    let signed = match &args[3] {
        Some(s) => vm.truth(s)?,
        None => false,
    };
    let b = crate::types::bytes::bytes_of_object(vm, &source)?;
    let n = Int::from_big(if big { BigInt::from_be_bytes(&b, signed) } else { BigInt::from_le_bytes(&b, signed) });
    if class.is_static_type(&INT) { Ok(n) } else { vm.call1(&class, &n) }
}

/// Parses text in a base as `int(text, base)` does.
pub fn parse(vm: &mut Vm, v: &Value, base: u32) -> PyResult {
    let limit = MAX_STR_DIGITS.load(Ordering::Relaxed);
    let r = if let Some(s) = v.downcast::<Str>() {
        with_units!(s.units(), u => taipan_base::int::parse(u, base, limit))
    } else {
        let b = vm.buffer(v, BufferRequest::READ)?.to_vec(vm);
        taipan_base::int::parse_bytes(&b, base, limit)
    };
    match r {
        Ok(n) => Ok(Int::from_big(n)),
        Err(e) => {
            let repr = vm.repr(v)?.to_rust().into_owned();
            Err(vm.value_error(e.message(&repr)))
        }
    }
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("int", "(x=0, /, base=10)");
    if !args.has_keywords() && args.len() == 1 && std::ptr::eq(class.get_type(), INT.object()) {
        return convert(vm, &args.pos()[0]);
    }
    if !args.has_keywords() {
        args.between(vm, "int", 0, 2)?;
    }
    let b = args.bind(vm, &SIGNATURE)?;
    let n = match (&b[0], &b[1]) {
        (None, Some(_)) => return Err(vm.type_error("int() missing string argument")),
        (None, None) => Value::small_unchecked(0),
        (Some(x), None) => convert(vm, x)?,
        (Some(x), Some(base)) => {
            let index = vm.index(base)?;
            // Beyond all words is beyond the limits.
            let base = Int::read(&index).and_then(|i| i.to_i64()).unwrap_or(i64::MAX);
            if base != 0 && !(2..=36).contains(&base) {
                return Err(vm.value_error("int() base must be >= 2 and <= 36, or 0"));
            }
            if x.downcast::<Str>().is_none() && !crate::types::bytes::is_bytes_or_bytearray(x) {
                return Err(vm.type_error("int() can't convert non-string with explicit base"));
            }
            parse(vm, x, base as u32)?
        }
    };
    if std::ptr::eq(class.get_type(), INT.object()) {
        return Ok(n);
    }
    let big = Int::read(&n).expect("an int").to_big();
    Ok(crate::object::instance::new_of(class, Int { big }).into())
}

/// `int(x)` (`PyNumber_Long`).
pub fn convert(vm: &mut Vm, x: &Value) -> PyResult {
    if Int::is_exact(x) {
        return Ok(x.clone());
    }
    let slots = x.class().payload.slots();
    if let Some(f) = slots.int {
        let r = f(vm, x)?;
        if Int::is_exact(&r) {
            return Ok(r);
        }
        let name = r.class().payload.name();
        if Int::read(&r).is_none() {
            return Err(vm.type_error(format!("__int__ returned non-int (type {name})")));
        }
        vm.warn(
            &crate::types::exceptions::DEPRECATION_WARNING,
            &format!("__int__ returned non-int (type {name}).  The ability to return an instance of a strict subclass of int is deprecated, and may not be supported in a future version of Python."),
            1,
        )?;
        return Ok(exact(&r));
    }
    if slots.index.is_some() {
        return vm.index(x);
    }
    if x.downcast::<Str>().is_some() || slots.buffer.is_some() {
        return parse(vm, x, 10);
    }
    let name = x.class().payload.name();
    Err(vm.type_error(format!("int() argument must be a string, a bytes-like object or a real number, not '{name}'")))
}
