//! Operators on constants, as Python computes them. `None` where Python would raise, where the result would be too
//! large to keep (limits of `Python/flowgraph.c`), or where nothing is folded.

use dashu_int::ops::BitTest;
use dashu_int::{IBig, UBig};
use rustpython_wtf8::{CodePoint, Wtf8Buf};
use taipan_base::float;
use taipan_base::float::complex::{self, Complex};
use taipan_base::int::BigInt;
use taipan_bytecode::Const;
use taipan_bytecode::oparg::BinaryOp;

/// The largest integer that is computed, in bits.
const MAX_INT_BITS: usize = 128;
/// The longest repeated tuple.
const MAX_ITEMS: i64 = 256;
/// The longest repeated string.
const MAX_STR: i64 = 4096;
/// The most items of a repeated tuple, those of inner tuples included.
const MAX_TOTAL_ITEMS: i64 = 1024;

/// A number, with bools as integers.
enum Number {
    Int(IBig),
    Float(f64),
    Complex(Complex),
}

fn number(value: &Const) -> Option<Number> {
    match value {
        Const::Bool(value) => Some(Number::Int(IBig::from(*value as u8))),
        Const::Int(value) => Some(Number::Int(value.clone())),
        Const::Float(value) => Some(Number::Float(*value)),
        Const::Complex { re, im } => Some(Number::Complex(Complex { re: *re, im: *im })),
        _ => None,
    }
}

/// Number of bits of the absolute value.
fn bits(value: &IBig) -> usize {
    let (_, magnitude): (_, UBig) = value.clone().into_parts();
    magnitude.bit_len()
}

fn to_f64(value: &IBig) -> Option<f64> {
    let float = value.to_f64().value();
    float.is_finite().then_some(float)
}

/// `left op right`.
pub fn binary(left: &Const, op: BinaryOp, right: &Const) -> Option<Const> {
    if op == BinaryOp::Subscript {
        return subscript(left, right);
    }
    if let (Some(a), Some(b)) = (number(left), number(right)) {
        return numbers(a, op, b, matches!((left, right), (Const::Bool(_), Const::Bool(_))));
    }
    match (left, op, right) {
        (Const::Str(a), BinaryOp::Add, Const::Str(b)) => {
            let mut text = a.clone();
            text.push_wtf8(b);
            Some(Const::Str(text))
        }
        (Const::Bytes(a), BinaryOp::Add, Const::Bytes(b)) => Some(Const::Bytes([&a[..], b].concat())),
        (Const::Tuple(a), BinaryOp::Add, Const::Tuple(b)) => Some(Const::Tuple([&a[..], b].concat())),
        (sequence, BinaryOp::Multiply, count) | (count, BinaryOp::Multiply, sequence)
            if matches!(count, Const::Int(_) | Const::Bool(_)) =>
        {
            repeat(sequence, count)
        }
        _ => None,
    }
}

fn numbers(a: Number, op: BinaryOp, b: Number, bools: bool) -> Option<Const> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => ints(&a, op, &b, bools),
        (Number::Complex(a), b) => complex_left(a, op, b),
        (a, Number::Complex(b)) => complex_right(as_float(&a)?, op, b),
        (a, b) => floats(as_float(&a)?, op, as_float(&b)?),
    }
}

fn as_float(value: &Number) -> Option<f64> {
    match value {
        Number::Int(value) => to_f64(value),
        Number::Float(value) => Some(*value),
        Number::Complex(_) => None,
    }
}

fn ints(a: &IBig, op: BinaryOp, b: &IBig, bools: bool) -> Option<Const> {
    let zero = IBig::ZERO;
    let logical = |value: IBig| if bools { Const::Bool(value != IBig::ZERO) } else { Const::Int(value) };
    Some(match op {
        BinaryOp::Add => Const::Int(a + b),
        BinaryOp::Subtract => Const::Int(a - b),
        BinaryOp::Multiply => {
            if *a != zero && *b != zero && bits(a) + bits(b) > MAX_INT_BITS {
                return None;
            }
            Const::Int(a * b)
        }
        BinaryOp::TrueDivide => return true_divide(a, b),
        BinaryOp::FloorDivide => Const::Int(floor_divide(a, b)?.0),
        BinaryOp::Remainder => Const::Int(floor_divide(a, b)?.1),
        BinaryOp::Power => return power(a, b),
        BinaryOp::Lshift => {
            let shift = usize::try_from(b).ok()?;
            if *a != zero && shift != 0 && (shift > MAX_INT_BITS || bits(a) > MAX_INT_BITS - shift) {
                return None;
            }
            if *a == zero { Const::Int(IBig::ZERO) } else { Const::Int(a << shift) }
        }
        BinaryOp::Rshift => {
            if *b < zero {
                return None;
            }
            let all = bits(a) + 1;
            Const::Int(a >> usize::try_from(b).map_or(all, |shift| shift.min(all)))
        }
        BinaryOp::And => logical(a & b),
        BinaryOp::Or => logical(a | b),
        BinaryOp::Xor => logical(a ^ b),
        _ => return None,
    })
}

/// Quotient and remainder, rounding towards minus infinity.
fn floor_divide(a: &IBig, b: &IBig) -> Option<(IBig, IBig)> {
    if *b == IBig::ZERO {
        return None;
    }
    let (mut quotient, mut remainder) = (a / b, a % b);
    if remainder != IBig::ZERO && (remainder < IBig::ZERO) != (*b < IBig::ZERO) {
        quotient -= IBig::ONE;
        remainder += b;
    }
    Some((quotient, remainder))
}

/// The float nearest to the exact quotient; what is too large for one is left to run time, which raises.
fn true_divide(a: &IBig, b: &IBig) -> Option<Const> {
    BigInt::from(a.clone()).true_div(&BigInt::from(b.clone())).ok().map(Const::Float)
}

fn power(a: &IBig, b: &IBig) -> Option<Const> {
    if *b < IBig::ZERO {
        return if *a == IBig::ZERO { None } else { floats(to_f64(a)?, BinaryOp::Power, to_f64(b)?) };
    }
    let exponent = usize::try_from(b).ok()?;
    if *a != IBig::ZERO && exponent > 0 && bits(a) > MAX_INT_BITS / exponent {
        return None;
    }
    if *a == IBig::ZERO {
        return Some(Const::Int(if exponent == 0 { IBig::ONE } else { IBig::ZERO }));
    }
    Some(Const::Int(a.pow(exponent)))
}

fn floats(a: f64, op: BinaryOp, b: f64) -> Option<Const> {
    Some(Const::Float(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::TrueDivide if b != 0.0 => a / b,
        BinaryOp::FloorDivide => float::floor_div(a, b)?,
        BinaryOp::Remainder => float::modulo(a, b)?,
        BinaryOp::Power => match float::pow(a, b) {
            Ok(value) => value,
            Err(float::PowError::Complex) => {
                return complex(complex::pow(Complex { re: a, im: 0.0 }, Complex { re: b, im: 0.0 }).ok()?);
            }
            Err(_) => return None,
        },
        _ => return None,
    }))
}

fn complex(value: Complex) -> Option<Const> {
    Some(Const::Complex { re: value.re, im: value.im })
}

fn complex_left(a: Complex, op: BinaryOp, right: Number) -> Option<Const> {
    let (b, real) = match right {
        Number::Complex(b) => (b, None),
        right => {
            let real = as_float(&right)?;
            (Complex { re: real, im: 0.0 }, Some(real))
        }
    };
    complex(match (op, real) {
        (BinaryOp::Add, None) => complex::add(a, b),
        (BinaryOp::Add, Some(x)) => complex::add_real(a, x),
        (BinaryOp::Subtract, None) => complex::sub(a, b),
        (BinaryOp::Subtract, Some(x)) => complex::sub_real(a, x),
        (BinaryOp::Multiply, None) => complex::mul(a, b),
        (BinaryOp::Multiply, Some(x)) => complex::mul_real(a, x),
        (BinaryOp::TrueDivide, None) => complex::div(a, b).ok()?,
        (BinaryOp::TrueDivide, Some(x)) => complex::div_real(a, x).ok()?,
        (BinaryOp::Power, _) => complex::pow(a, b).ok()?,
        _ => return None,
    })
}

/// A real number on the left: only the parts that it has take part (C99, annex G).
fn complex_right(left: f64, op: BinaryOp, b: Complex) -> Option<Const> {
    complex(match op {
        BinaryOp::Add => complex::add_real(b, left),
        BinaryOp::Subtract => complex::real_sub(left, b),
        BinaryOp::Multiply => complex::mul_real(b, left),
        BinaryOp::TrueDivide => complex::real_div(left, b).ok()?,
        BinaryOp::Power => complex::pow(Complex { re: left, im: 0.0 }, b).ok()?,
        _ => return None,
    })
}

fn length(value: &Const) -> Option<usize> {
    match value {
        Const::Str(text) => Some(text.code_points().count()),
        Const::Bytes(bytes) => Some(bytes.len()),
        Const::Tuple(items) => Some(items.len()),
        _ => None,
    }
}

/// `limit` less the items of a tuple and of the tuples in it.
fn complexity(value: &Const, limit: i64) -> i64 {
    match value {
        Const::Tuple(items) => items
            .iter()
            .fold(limit - items.len() as i64, |limit, item| if limit < 0 { limit } else { complexity(item, limit) }),
        _ => limit,
    }
}

fn repeat(sequence: &Const, count: &Const) -> Option<Const> {
    let Some(Number::Int(count)) = number(count) else { return None };
    let size = length(sequence)? as i64;
    let limit = if matches!(sequence, Const::Tuple(_)) { MAX_ITEMS } else { MAX_STR };
    let mut times = 0;
    if size > 0 {
        times = i64::try_from(&count).ok().filter(|times| (0..=limit / size).contains(times))?;
        if times > 0 && complexity(sequence, MAX_TOTAL_ITEMS / times) < 0 {
            return None;
        }
    }
    let times = times as usize;
    match sequence {
        Const::Str(text) => {
            let mut all = Wtf8Buf::with_capacity(text.len() * times);
            (0..times).for_each(|_| all.push_wtf8(text));
            Some(Const::Str(all))
        }
        Const::Bytes(bytes) => Some(Const::Bytes(bytes.repeat(times))),
        Const::Tuple(items) => Some(Const::Tuple(items.iter().cycle().take(items.len() * times).cloned().collect())),
        _ => None,
    }
}

fn subscript(value: &Const, index: &Const) -> Option<Const> {
    let size = length(value)?;
    if let Const::Slice(parts) = index {
        return slice(value, size, parts);
    }
    let Some(Number::Int(index)) = number(index).filter(|_| matches!(index, Const::Int(_) | Const::Bool(_))) else {
        return None;
    };
    let index = i64::try_from(&index).ok()?;
    let place = if index < 0 { index + size as i64 } else { index };
    let place = usize::try_from(place).ok().filter(|&place| place < size)?;
    match value {
        Const::Str(text) => text.code_points().nth(place).map(|one| Const::Str(Wtf8Buf::from_iter([one]))),
        Const::Bytes(bytes) => Some(Const::int(bytes[place] as i64)),
        Const::Tuple(items) => Some(items[place].clone()),
        _ => None,
    }
}

fn slice(value: &Const, size: usize, parts: &[Const; 3]) -> Option<Const> {
    let part = |index: usize| match &parts[index] {
        Const::None => Some(None),
        Const::Bool(_) | Const::Int(_) => match number(&parts[index]) {
            Some(Number::Int(value)) => i64::try_from(&value).ok().map(Some),
            _ => None,
        },
        _ => None,
    };
    let size = size as i64;
    let step = part(2)?.unwrap_or(1);
    if step == 0 || step == i64::MIN {
        return None;
    }
    let (low, high) = if step < 0 { (-1, size - 1) } else { (0, size) };
    let clamp = |index: i64| (if index < 0 { index.saturating_add(size) } else { index }).clamp(low, high);
    let start = part(0)?.map_or(if step < 0 { high } else { low }, clamp);
    let stop = part(1)?.map_or(if step < 0 { low } else { high }, clamp);
    let mut places = Vec::new();
    let mut at = start;
    while if step < 0 { at > stop } else { at < stop } {
        places.push(at as usize);
        at = at.saturating_add(step);
    }
    match value {
        Const::Str(text) => {
            let all: Vec<CodePoint> = text.code_points().collect();
            Some(Const::Str(places.iter().map(|&at| all[at]).collect()))
        }
        Const::Bytes(bytes) => Some(Const::Bytes(places.iter().map(|&at| bytes[at]).collect())),
        Const::Tuple(items) => Some(Const::Tuple(places.iter().map(|&at| items[at].clone()).collect())),
        _ => None,
    }
}

/// `-value`.
pub fn negative(value: &Const) -> Option<Const> {
    match number(value)? {
        Number::Int(value) => Some(Const::Int(-value)),
        Number::Float(value) => Some(Const::Float(-value)),
        Number::Complex(value) => complex(Complex { re: -value.re, im: -value.im }),
    }
}

/// `+value`.
pub fn positive(value: &Const) -> Option<Const> {
    match number(value)? {
        Number::Int(value) => Some(Const::Int(value)),
        Number::Float(value) => Some(Const::Float(value)),
        Number::Complex(value) => complex(value),
    }
}

/// `~value`; that of a bool warns at run time, so it is not folded.
pub fn invert(value: &Const) -> Option<Const> {
    match value {
        Const::Int(value) => Some(Const::Int(-value - IBig::ONE)),
        _ => None,
    }
}

/// Python's `==` between constants.
pub fn equal(a: &Const, b: &Const) -> bool {
    match (a, b) {
        (Const::Tuple(a), Const::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        _ => match (number(a), number(b)) {
            (Some(Number::Int(a)), Some(Number::Int(b))) => a == b,
            (Some(Number::Complex(a)), Some(Number::Complex(b))) => a == b,
            (Some(Number::Complex(complex)), Some(real)) | (Some(real), Some(Number::Complex(complex))) => {
                complex.im == 0.0 && as_float(&real) == Some(complex.re)
            }
            (Some(Number::Float(a)), Some(Number::Float(b))) => a == b,
            (Some(Number::Float(float)), Some(Number::Int(int)))
            | (Some(Number::Int(int)), Some(Number::Float(float))) => {
                IBig::try_from(float).is_ok_and(|float| float == int)
            }
            _ => a == b,
        },
    }
}

/// A frozenset of items in their order, each once.
pub fn frozenset(items: Vec<Const>) -> Const {
    let mut unique: Vec<Const> = Vec::with_capacity(items.len());
    for item in items {
        if !unique.iter().any(|other| equal(other, &item)) {
            unique.push(item);
        }
    }
    Const::FrozenSet(unique)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(value: i64) -> Const {
        Const::int(value)
    }

    #[test]
    fn integers_divide_towards_minus_infinity() {
        assert_eq!(binary(&int(-7), BinaryOp::FloorDivide, &int(2)), Some(int(-4)));
        assert_eq!(binary(&int(-7), BinaryOp::Remainder, &int(2)), Some(int(1)));
        assert_eq!(binary(&int(7), BinaryOp::Remainder, &int(-2)), Some(int(-1)));
        assert_eq!(binary(&int(1), BinaryOp::Remainder, &int(0)), None);
        assert_eq!(binary(&int(-1), BinaryOp::Rshift, &int(5)), Some(int(-1)));
    }

    #[test]
    fn large_results_are_left_to_run_time() {
        assert_eq!(binary(&int(1), BinaryOp::Lshift, &int(1000)), None);
        assert_eq!(binary(&int(2), BinaryOp::Power, &int(64)), Some(Const::Int(IBig::ONE << 64)));
        assert_eq!(binary(&Const::str("ab"), BinaryOp::Multiply, &int(3)), Some(Const::str("ababab")));
        assert_eq!(binary(&int(5000), BinaryOp::Multiply, &Const::str("a")), None);
    }

    #[test]
    fn bools_stay_bools_under_logic_only() {
        let (yes, no) = (Const::Bool(true), Const::Bool(false));
        assert_eq!(binary(&yes, BinaryOp::Or, &no), Some(Const::Bool(true)));
        assert_eq!(binary(&yes, BinaryOp::Add, &yes), Some(int(2)));
        assert_eq!(invert(&yes), None);
    }

    #[test]
    fn slices_and_sets() {
        let back = Const::Slice(Box::new([Const::None, Const::None, int(-1)]));
        assert_eq!(binary(&Const::str("abc"), BinaryOp::Subscript, &back), Some(Const::str("cba")));
        assert_eq!(binary(&Const::Bytes(b"abc".to_vec()), BinaryOp::Subscript, &int(-1)), Some(int(99)));
        let set = frozenset(vec![int(1), Const::Float(1.0), Const::Bool(true), int(2)]);
        assert_eq!(set, Const::FrozenSet(vec![int(1), int(2)]));
    }
}
