//! Complex numbers: text both ways, and the arithmetic of Python 3.14 (which follows C99's Annex G for infinities and
//! treats a real operand as real).

use super::parse::{parse_prefix, trim, without_underscores};
use super::text::{Code, Style, to_text};
use crate::text::Unit;
use crate::unicode;

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

/// Why a text is no complex number; both are `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseComplexError {
    /// `complex() arg is a malformed string`
    Malformed,
    /// `could not convert string to complex: {repr}`: a misplaced underscore.
    Underscore,
}

impl ParseComplexError {
    /// CPython's message; `repr` is the text's.
    pub fn message(self, repr: &str) -> String {
        match self {
            ParseComplexError::Malformed => "complex() arg is a malformed string".into(),
            ParseComplexError::Underscore => format!("could not convert string to complex: {repr}"),
        }
    }
}

/// Why an operation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComplexError {
    /// `ZeroDivisionError: division by zero`
    DivisionByZero,
    /// `ZeroDivisionError: zero to a negative or complex power`
    ZeroPower,
    /// `OverflowError: complex exponentiation`
    PowerOverflow,
    /// `OverflowError: absolute value too large`
    AbsOverflow,
}

impl ComplexError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            ComplexError::DivisionByZero => "division by zero",
            ComplexError::ZeroPower => "zero to a negative or complex power",
            ComplexError::PowerOverflow => "complex exponentiation",
            ComplexError::AbsOverflow => "absolute value too large",
        }
    }
}

/// `complex(text)`
pub fn parse<U: Unit>(text: &[U]) -> Result<Complex, ParseComplexError> {
    match U::as_bytes(text).filter(|bytes| bytes.is_ascii()) {
        Some(bytes) => parse_bytes(bytes),
        None => parse_bytes(&unicode::decimal_and_space_to_ascii(text)),
    }
}

fn parse_bytes(text: &[u8]) -> Result<Complex, ParseComplexError> {
    let plain = without_underscores(text).ok_or(ParseComplexError::Underscore)?;
    let text = trim(&plain);
    let inner = match text {
        [b'(', inner @ .., b')'] => trim(inner),
        _ => text,
    };
    parse_parts(inner).ok_or(ParseComplexError::Malformed)
}

/// `real`, `imag j` or `real ± imag j`, where the imaginary part may be only a sign or nothing before `j`.
fn parse_parts(text: &[u8]) -> Option<Complex> {
    let sign_of = |text: &[u8]| match text.first() {
        Some(b'+') => (1, 1.0),
        Some(b'-') => (1, -1.0),
        _ => (0, 1.0),
    };
    let is_j = |rest: &[u8]| matches!(rest, [b'j' | b'J']);
    let Some((length, first)) = parse_prefix(text) else {
        let (skip, unit) = sign_of(text);
        return is_j(&text[skip..]).then_some(Complex { re: 0.0, im: unit });
    };
    let rest = &text[length..];
    if rest.is_empty() {
        return Some(Complex { re: first, im: 0.0 });
    }
    if is_j(rest) {
        return Some(Complex { re: 0.0, im: first });
    }
    let (skip, unit) = sign_of(rest);
    if skip == 0 {
        return None;
    }
    let (used, second) = parse_prefix(rest).unwrap_or((skip, unit));
    is_j(&rest[used..]).then_some(Complex { re: first, im: second })
}

/// `repr(z)` and `str(z)`
pub fn repr(z: Complex) -> String {
    let number = |x| to_text(x, Code::Repr, Style::default());
    if z.re == 0.0 && z.re.is_sign_positive() {
        return number(z.im) + "j";
    }
    let im = number(z.im);
    let plus = if im.starts_with('-') { "" } else { "+" };
    format!("({}{plus}{im}j)", number(z.re))
}

impl From<f64> for Complex {
    fn from(re: f64) -> Complex {
        Complex { re, im: 0.0 }
    }
}

fn boxed(x: f64) -> f64 {
    (if x.is_infinite() { 1.0f64 } else { 0.0 }).copysign(x)
}

fn without_nan(x: f64) -> f64 {
    if x.is_nan() { 0.0f64.copysign(x) } else { x }
}

/// `z * w`
pub fn mul(z: Complex, w: Complex) -> Complex {
    let Complex { re: mut a, im: mut b } = z;
    let Complex { re: mut c, im: mut d } = w;
    let (ac, bd, ad, bc) = (a * c, b * d, a * d, b * c);
    let product = Complex { re: ac - bd, im: ad + bc };
    if !(product.re.is_nan() && product.im.is_nan()) {
        return product;
    }
    // an infinite factor or partial product makes the product infinite
    let mut infinite = false;
    if a.is_infinite() || b.is_infinite() {
        (a, b, c, d) = (boxed(a), boxed(b), without_nan(c), without_nan(d));
        infinite = true;
    }
    if c.is_infinite() || d.is_infinite() {
        (a, b, c, d) = (without_nan(a), without_nan(b), boxed(c), boxed(d));
        infinite = true;
    }
    if !infinite && [ac, bd, ad, bc].iter().any(|x| x.is_infinite()) {
        (a, b, c, d) = (without_nan(a), without_nan(b), without_nan(c), without_nan(d));
        infinite = true;
    }
    if !infinite {
        return product;
    }
    Complex { re: f64::INFINITY * (a * c - b * d), im: f64::INFINITY * (a * d + b * c) }
}

/// `z * x` for a real `x`.
pub fn mul_real(z: Complex, x: f64) -> Complex {
    Complex { re: z.re * x, im: z.im * x }
}

/// `z + w`
pub fn add(z: Complex, w: Complex) -> Complex {
    Complex { re: z.re + w.re, im: z.im + w.im }
}

/// `z + x` for a real `x`: the imaginary part stays as it is.
pub fn add_real(z: Complex, x: f64) -> Complex {
    Complex { re: z.re + x, im: z.im }
}

/// `z - w`
pub fn sub(z: Complex, w: Complex) -> Complex {
    Complex { re: z.re - w.re, im: z.im - w.im }
}

/// `z - x` for a real `x`.
pub fn sub_real(z: Complex, x: f64) -> Complex {
    Complex { re: z.re - x, im: z.im }
}

/// `x - z` for a real `x`.
pub fn real_sub(x: f64, z: Complex) -> Complex {
    Complex { re: x - z.re, im: -z.im }
}

/// `z / x` for a real `x`.
pub fn div_real(z: Complex, x: f64) -> Result<Complex, ComplexError> {
    if x == 0.0 {
        return Err(ComplexError::DivisionByZero);
    }
    Ok(Complex { re: z.re / x, im: z.im / x })
}

/// `z / w`, by Smith's method: scaled by the larger part of the divisor.
pub fn div(z: Complex, w: Complex) -> Result<Complex, ComplexError> {
    let (size_re, size_im) = (w.re.abs(), w.im.abs());
    let quotient = if size_re >= size_im {
        if size_re == 0.0 {
            return Err(ComplexError::DivisionByZero);
        }
        let ratio = w.im / w.re;
        let scale = w.re + w.im * ratio;
        Complex { re: (z.re + z.im * ratio) / scale, im: (z.im - z.re * ratio) / scale }
    } else if size_im >= size_re {
        let ratio = w.re / w.im;
        let scale = w.re * ratio + w.im;
        Complex { re: (z.re * ratio + z.im) / scale, im: (z.im * ratio - z.re) / scale }
    } else {
        Complex { re: f64::NAN, im: f64::NAN }
    };
    Ok(recover_quotient(z, w, quotient))
}

/// Infinities and zeros of a quotient that computed as `nan+nanj`.
fn recover_quotient(z: Complex, w: Complex, quotient: Complex) -> Complex {
    if !(quotient.re.is_nan() && quotient.im.is_nan()) {
        return quotient;
    }
    let finite = |c: Complex| c.re.is_finite() && c.im.is_finite();
    let infinite = |c: Complex| c.re.is_infinite() || c.im.is_infinite();
    if infinite(z) && finite(w) {
        let (x, y) = (boxed(z.re), boxed(z.im));
        let (re, im) = (f64::INFINITY * (x * w.re + y * w.im), f64::INFINITY * (y * w.re - x * w.im));
        return Complex { re, im };
    }
    if infinite(w) && finite(z) {
        let (x, y) = (boxed(w.re), boxed(w.im));
        return Complex { re: 0.0 * (z.re * x + z.im * y), im: 0.0 * (z.im * x - z.re * y) };
    }
    quotient
}

/// `x / w` for a real `x`.
pub fn real_div(x: f64, w: Complex) -> Result<Complex, ComplexError> {
    let (size_re, size_im) = (w.re.abs(), w.im.abs());
    let quotient = if size_re >= size_im {
        if size_re == 0.0 {
            return Err(ComplexError::DivisionByZero);
        }
        let ratio = w.im / w.re;
        let scale = w.re + w.im * ratio;
        Complex { re: x / scale, im: (-x * ratio) / scale }
    } else if size_im >= size_re {
        let ratio = w.re / w.im;
        let scale = w.re * ratio + w.im;
        Complex { re: (x * ratio) / scale, im: (-x) / scale }
    } else {
        Complex { re: f64::NAN, im: f64::NAN }
    };
    if !(quotient.re.is_nan() && quotient.im.is_nan()) {
        return Ok(quotient);
    }
    if x.is_infinite() && w.re.is_finite() && w.im.is_finite() {
        let unit = boxed(x);
        return Ok(Complex { re: f64::INFINITY * (unit * w.re), im: f64::INFINITY * (-unit * w.im) });
    }
    if (w.re.is_infinite() || w.im.is_infinite()) && x.is_finite() {
        return Ok(Complex { re: 0.0 * (x * boxed(w.re)), im: 0.0 * (-x * boxed(w.im)) });
    }
    Ok(quotient)
}

/// `abs(z)`
pub fn abs(z: Complex) -> Result<f64, ComplexError> {
    let size = z.re.hypot(z.im);
    if size.is_infinite() && z.re.is_finite() && z.im.is_finite() {
        return Err(ComplexError::AbsOverflow);
    }
    Ok(size)
}

/// `z ** w`: small whole exponents by multiplication, others in polar form.
pub fn pow(z: Complex, w: Complex) -> Result<Complex, ComplexError> {
    let power = if w.im == 0.0 && w.re == w.re.floor() && w.re.abs() <= 100.0 {
        whole_power(z, w.re as i32)?
    } else {
        polar_power(z, w)?
    };
    if power.re.is_infinite() || power.im.is_infinite() {
        return Err(ComplexError::PowerOverflow);
    }
    Ok(power)
}

fn whole_power(z: Complex, n: i32) -> Result<Complex, ComplexError> {
    const ONE: Complex = Complex { re: 1.0, im: 0.0 };
    if n > 0 {
        return Ok(positive_power(z, n as u32));
    }
    if n == 0 {
        return Ok(ONE);
    }
    div(ONE, positive_power(z, n.unsigned_abs())).map_err(|_| ComplexError::ZeroPower)
}

/// By squaring, starting from 1+0j as CPython does: that decides the signs of zeros.
fn positive_power(z: Complex, n: u32) -> Complex {
    let (mut square, mut result) = (z, Complex { re: 1.0, im: 0.0 });
    for bit in 0..32 - n.leading_zeros() {
        if n >> bit & 1 == 1 {
            result = mul(result, square);
        }
        square = mul(square, square);
    }
    result
}

fn polar_power(z: Complex, w: Complex) -> Result<Complex, ComplexError> {
    if w.re == 0.0 && w.im == 0.0 {
        return Ok(Complex { re: 1.0, im: 0.0 });
    }
    if z.re == 0.0 && z.im == 0.0 {
        let undefined = w.im != 0.0 || w.re < 0.0;
        return if undefined { Err(ComplexError::ZeroPower) } else { Ok(Complex::default()) };
    }
    let (size, angle) = (z.re.hypot(z.im), z.im.atan2(z.re));
    let (mut length, mut phase) = (size.powf(w.re), angle * w.re);
    if w.im != 0.0 {
        length *= (-angle * w.im).exp();
        phase += w.im * size.ln();
    }
    if phase.is_infinite() {
        // C's cosine reports a domain error, which CPython words so
        return Err(ComplexError::ZeroPower);
    }
    Ok(Complex { re: length * phase.cos(), im: length * phase.sin() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_both_ways() {
        let complex = |re, im| Complex { re, im };
        assert_eq!(repr(complex(1.0, -2.5)), "(1-2.5j)");
        assert_eq!(repr(complex(0.0, 2.0)), "2j");
        assert_eq!(repr(complex(-0.0, f64::NAN)), "(-0+nanj)");
        assert_eq!(parse(b"( 1e5-j )"), Ok(complex(1e5, -1.0)));
        assert_eq!(parse(b"J"), Ok(complex(0.0, 1.0)));
        assert_eq!(parse(b"1 +2j"), Err(ParseComplexError::Malformed));
        assert_eq!(parse(b"1_j"), Err(ParseComplexError::Underscore));
    }
}
