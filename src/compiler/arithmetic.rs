//! Operators on constants, as Python computes them. `None` where Python would raise, where the result would be too
//! large to keep (limits of `Python/flowgraph.c`), or where nothing is folded.

use dashu_int::{IBig, UBig};
use rustpython_wtf8::{CodePoint, Wtf8Buf};
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
    Complex(f64, f64),
}

fn number(value: &Const) -> Option<Number> {
    match value {
        Const::Bool(value) => Some(Number::Int(IBig::from(*value as u8))),
        Const::Int(value) => Some(Number::Int(value.clone())),
        Const::Float(value) => Some(Number::Float(*value)),
        Const::Complex { re, im } => Some(Number::Complex(*re, *im)),
        _ => None,
    }
}

fn bits(value: &IBig) -> usize {
    value.clone().unsigned_abs_bits()
}

/// Number of bits of the absolute value.
trait Bits {
    fn unsigned_abs_bits(self) -> usize;
}

impl Bits for IBig {
    fn unsigned_abs_bits(self) -> usize {
        let (_, magnitude): (_, UBig) = self.into_parts();
        dashu_int::ops::BitTest::bit_len(&magnitude)
    }
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
        (Number::Complex(re, im), b) => complex_left(re, im, op, b),
        (a, Number::Complex(re, im)) => complex_right(as_float(&a)?, op, re, im),
        (a, b) => floats(as_float(&a)?, op, as_float(&b)?),
    }
}

fn as_float(value: &Number) -> Option<f64> {
    match value {
        Number::Int(value) => to_f64(value),
        Number::Float(value) => Some(*value),
        Number::Complex(..) => None,
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

fn true_divide(a: &IBig, b: &IBig) -> Option<Const> {
    // Quotients of what a float holds exactly are rounded once, as they should; larger ones are left to run time.
    const EXACT_BITS: usize = 53;
    if *b == IBig::ZERO || bits(a) > EXACT_BITS || bits(b) > EXACT_BITS {
        return None;
    }
    Some(Const::Float(to_f64(a)? / to_f64(b)?))
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

/// Remainder with the sign of the divisor, and the quotient that goes with it (`float.__divmod__`).
fn float_divmod(a: f64, b: f64) -> (f64, f64) {
    let mut remainder = a % b;
    let mut quotient = (a - remainder) / b;
    if remainder != 0.0 {
        if (b < 0.0) != (remainder < 0.0) {
            remainder += b;
            quotient -= 1.0;
        }
    } else {
        remainder = 0f64.copysign(b);
    }
    let floor = if quotient != 0.0 {
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    } else {
        0f64.copysign(a / b)
    };
    (floor, remainder)
}

fn floats(a: f64, op: BinaryOp, b: f64) -> Option<Const> {
    let value = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        _ if op != BinaryOp::Power && b == 0.0 => return None,
        BinaryOp::TrueDivide => a / b,
        BinaryOp::FloorDivide => float_divmod(a, b).0,
        BinaryOp::Remainder => float_divmod(a, b).1,
        BinaryOp::Power => {
            let undefined = (a == 0.0 && b < 0.0) || (a < 0.0 && a.is_finite() && b.fract() != 0.0);
            let value = a.powf(b);
            if undefined || !(value.is_finite() && a.is_finite() && b.is_finite()) {
                return None;
            }
            value
        }
        _ => return None,
    };
    Some(Const::Float(value))
}

fn complex(re: f64, im: f64) -> Option<Const> {
    Some(Const::Complex { re, im })
}

fn complex_left(re: f64, im: f64, op: BinaryOp, right: Number) -> Option<Const> {
    if let Number::Complex(c, d) = right {
        return match op {
            BinaryOp::Add => complex(re + c, im + d),
            BinaryOp::Subtract => complex(re - c, im - d),
            BinaryOp::Multiply => complex(re * c - im * d, re * d + im * c),
            BinaryOp::TrueDivide => complex_divide(re, im, c, d),
            _ => None,
        };
    }
    let right = as_float(&right)?;
    match op {
        BinaryOp::Add => complex(re + right, im),
        BinaryOp::Subtract => complex(re - right, im),
        BinaryOp::Multiply => complex(re * right, im * right),
        BinaryOp::TrueDivide if right != 0.0 => complex(re / right, im / right),
        _ => None,
    }
}

/// A real number on the left: only the parts that it has take part (C99, annex G).
fn complex_right(left: f64, op: BinaryOp, re: f64, im: f64) -> Option<Const> {
    match op {
        BinaryOp::Add => complex(left + re, im),
        BinaryOp::Subtract => complex(left - re, -im),
        BinaryOp::Multiply => complex(left * re, left * im),
        BinaryOp::TrueDivide => complex_divide(left, 0.0, re, im),
        _ => None,
    }
}

/// Smith's method: divides by the larger part first, so that nothing overflows early.
fn complex_divide(a: f64, b: f64, c: f64, d: f64) -> Option<Const> {
    if c == 0.0 && d == 0.0 {
        return None;
    }
    if c.abs() >= d.abs() {
        let ratio = d / c;
        let denominator = c + d * ratio;
        complex((a + b * ratio) / denominator, (b - a * ratio) / denominator)
    } else {
        let ratio = c / d;
        let denominator = c * ratio + d;
        complex((a * ratio + b) / denominator, (b * ratio - a) / denominator)
    }
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
        Number::Complex(re, im) => complex(-re, -im),
    }
}

/// `+value`.
pub fn positive(value: &Const) -> Option<Const> {
    match number(value)? {
        Number::Int(value) => Some(Const::Int(value)),
        Number::Float(value) => Some(Const::Float(value)),
        Number::Complex(re, im) => complex(re, im),
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
            (Some(Number::Complex(a, b)), Some(Number::Complex(c, d))) => a == c && b == d,
            (Some(Number::Complex(re, im)), Some(real)) | (Some(real), Some(Number::Complex(re, im))) => {
                im == 0.0 && as_float(&real) == Some(re)
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
pub fn frozenset(items: Vec<Const>) -> Option<Const> {
    let mut unique: Vec<Const> = Vec::with_capacity(items.len());
    for item in items {
        if !unique.iter().any(|other| equal(other, &item)) {
            unique.push(item);
        }
    }
    Some(Const::FrozenSet(unique))
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
        assert_eq!(set, Some(Const::FrozenSet(vec![int(1), int(2)])));
    }
}
