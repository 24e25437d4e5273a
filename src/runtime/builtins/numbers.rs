//! `abs`, `bin`, `chr`, `divmod`, `hex`, `oct`, `ord`, `pow`, `round`, `sum`.

use crate::object::{PyResult, Value};
use crate::types::bytearray::ByteArray;
use crate::types::bytes::Bytes;
use crate::types::complex::Complex;
use crate::types::float::Float;
use crate::types::int::{Int, IntRef};
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::ops::BinOp;
use taipan_base::int::BigInt;

/// `abs(x)`
pub fn abs(vm: &mut Vm, x: &Value) -> PyResult {
    vm.absolute(x)
}

/// `divmod(x, y)`
pub fn divmod(vm: &mut Vm, x: &Value, y: &Value) -> PyResult {
    vm.divmod(x, y)
}

/// The digits of an integer in a base that is a power of two, with its prefix.
fn in_base(vm: &mut Vm, number: &Value, base: u32, prefix: &str) -> PyResult {
    let n = vm.index(number)?;
    let text = match Int::read(&n) {
        Some(IntRef::Small(i)) => {
            let mut digits = String::new();
            digits += BigInt::from(i.unsigned_abs()).to_text(base).as_str();
            let sign = if i < 0 { "-" } else { "" };
            format!("{sign}{prefix}{digits}")
        }
        Some(IntRef::Big(b)) => {
            let digits = b.to_text(base);
            match digits.strip_prefix('-') {
                Some(d) => format!("-{prefix}{d}"),
                None => format!("{prefix}{digits}"),
            }
        }
        None => return Err(vm.system_error("__index__ did not give an integer")),
    };
    Ok(vm.new_str(&text))
}

/// `bin(number)`
pub fn bin(vm: &mut Vm, number: &Value) -> PyResult {
    in_base(vm, number, 2, "0b")
}

/// `oct(number)`
pub fn oct(vm: &mut Vm, number: &Value) -> PyResult {
    in_base(vm, number, 8, "0o")
}

/// `hex(number)`
pub fn hex(vm: &mut Vm, number: &Value) -> PyResult {
    in_base(vm, number, 16, "0x")
}

/// `chr(i)`
pub fn chr(vm: &mut Vm, i: &Value) -> PyResult {
    let n = vm.index(i)?;
    match Int::read(&n).and_then(IntRef::to_i64) {
        Some(c @ 0..=0x10_ffff) => Ok(Str::from_code_points(&[c as u32]).into()),
        _ => Err(vm.value_error("chr() arg not in range(0x110000)")),
    }
}

/// `ord(character)`
pub fn ord(vm: &mut Vm, character: &Value) -> PyResult {
    let (len, first) = if let Some(s) = character.downcast::<Str>() {
        (s.len(), (s.len() == 1).then(|| s.at(0)))
    } else if let Some(b) = character.downcast::<Bytes>() {
        (b.as_slice().len(), b.as_slice().first().map(|&b| b as u32))
    } else if let Some(b) = character.downcast::<ByteArray>() {
        let data: &[u8] = &b.get(vm).data;
        (data.len(), data.first().map(|&b| b as u32))
    } else {
        let name = character.class().payload.name();
        return Err(vm.type_error(format!("ord() expected string of length 1, but {name} found")));
    };
    match (len, first) {
        (1, Some(c)) => Ok(Value::small_unchecked(c as i64)),
        _ => Err(vm.type_error(format!("ord() expected a character, but string of length {len} found"))),
    }
}

/// `pow(base, exp, mod=None)`
pub fn pow(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(base), Some(exp), modulus] = a else { return Err(vm.system_error("pow(): unbound argument")) };
    vm.power(base, exp, modulus.as_ref().filter(|m| !m.is_none()))
}

/// `round(number, ndigits=None)`
pub fn round(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(number), digits] = a else { return Err(vm.system_error("round(): unbound argument")) };
    let Some(f) = vm.lookup_special(number, "__round__")? else {
        let name = number.class().payload.name();
        return Err(vm.type_error(format!("type {name} doesn't define __round__ method")));
    };
    match digits {
        Some(d) if !d.is_none() => vm.call(&f, std::slice::from_ref(d)),
        _ => vm.call(&f, &[]),
    }
}

// ---- sum ------------------------------------------------------------------------------------------------------------

/// A sum of doubles that keeps the lost low part beside it (Neumaier's compensated summation).
#[derive(Clone, Copy, Debug)]
pub struct Compensated {
    high: f64,
    low: f64,
}

impl Compensated {
    /// The sum so far is `x`.
    pub fn new(x: f64) -> Compensated {
        Compensated { high: x, low: 0.0 }
    }
    /// Adds `x`.
    #[inline]
    pub fn add(&mut self, x: f64) {
        let t = self.high + x;
        if self.high.abs() >= x.abs() {
            self.low += (self.high - t) + x;
        } else {
            self.low += (x - t) + self.high;
        }
        self.high = t;
    }
    /// The rounded sum; an infinity or NaN is not spoilt by the correction.
    pub fn total(self) -> f64 {
        if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
    }
}

/// What `sum` has so far.
enum Total {
    Int(i64),
    Float(Compensated),
    Complex(Compensated, Compensated),
    Any(Value),
}

impl Total {
    /// The fast form that fits an exact builtin number.
    fn of(v: Value) -> Total {
        if let Some(i) = v.as_small() {
            return Total::Int(i);
        }
        if v.is_exact::<Float>() {
            if let Some(f) = Float::read(&v) {
                return Total::Float(Compensated::new(f));
            }
        }
        if let Some(c) = v.downcast_exact::<Complex>() {
            return Total::Complex(Compensated::new(c.re), Compensated::new(c.im));
        }
        Total::Any(v)
    }

    fn value(self) -> Value {
        match self {
            Total::Int(i) => Int::from_i64(i),
            Total::Float(f) => Float::new(f.total()),
            Total::Complex(re, im) => Complex::new(re.total(), im.total()),
            Total::Any(v) => v,
        }
    }

    /// Adds an item without any call; false when that is not possible.
    fn add_fast(&mut self, vm: &mut Vm, item: &Value) -> PyResult<bool> {
        let exact_float = |v: &Value| if v.is_exact::<Float>() { Float::read(v) } else { None };
        match self {
            Total::Int(total) => match plain_int(item).and_then(|i| total.checked_add(i)) {
                Some(t) => *total = t,
                None => return Ok(false),
            },
            Total::Float(total) => match exact_float(item) {
                Some(f) => total.add(f),
                None if Int::read(item).is_some() => total.add(vm.to_f64(item)?),
                None => return Ok(false),
            },
            Total::Complex(re, im) => {
                if let Some(c) = item.downcast_exact::<Complex>() {
                    re.add(c.re);
                    im.add(c.im);
                } else if let Some(f) = exact_float(item) {
                    re.add(f);
                } else if Int::read(item).is_some() {
                    re.add(vm.to_f64(item)?);
                } else {
                    return Ok(false);
                }
            }
            Total::Any(_) => return Ok(false),
        }
        Ok(true)
    }
}

/// A small exact integer or a bool.
fn plain_int(v: &Value) -> Option<i64> {
    if let Some(i) = v.as_small() {
        return Some(i);
    }
    if v.is(&crate::object::boolean(true)) {
        Some(1)
    } else if v.is(&crate::object::boolean(false)) {
        Some(0)
    } else {
        None
    }
}

/// `sum(iterable, /, start=0)`
pub fn sum(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(iterable), start] = a else { return Err(vm.system_error("sum(): unbound argument")) };
    if let Some(start) = start {
        let hint = if start.downcast::<Str>().is_some() {
            Some("strings [use ''.join(seq)")
        } else if start.downcast::<Bytes>().is_some() {
            Some("bytes [use b''.join(seq)")
        } else if start.downcast::<ByteArray>().is_some() {
            Some("bytearray [use b''.join(seq)")
        } else {
            None
        };
        if let Some(hint) = hint {
            return Err(vm.type_error(format!("sum() can't sum {hint} instead]")));
        }
    }
    let mut total = Total::of(start.clone().unwrap_or(Value::small_unchecked(0)));
    vm.for_each(iterable, |vm, item| {
        if !total.add_fast(vm, &item)? {
            let so_far = std::mem::replace(&mut total, Total::Int(0)).value();
            total = Total::of(vm.binary(BinOp::Add, &so_far, &item)?);
        }
        Ok(true)
    })?;
    Ok(total.value())
}

#[cfg(test)]
mod tests {
    use super::Compensated;

    #[test]
    fn lost_bits_are_kept() {
        let mut s = Compensated::new(0.0);
        for _ in 0..10 {
            s.add(0.1);
        }
        assert_eq!(s.total(), 1.0);
        let mut s = Compensated::new(1.0);
        s.add(1e100);
        s.add(1.0);
        s.add(-1e100);
        assert_eq!(s.total(), 2.0);
        let mut s = Compensated::new(f64::INFINITY);
        s.add(1.0);
        assert_eq!(s.total(), f64::INFINITY);
    }
}
