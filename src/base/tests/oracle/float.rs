//! Floats and complex numbers against `float.tsv` and `complex.tsv`.

use taipan_base::float::complex::{self, Complex, ComplexError};
use taipan_base::float::{self, Code, PowError, Style};
use taipan_base::int::hash_complex;
use taipan_base::text::code_points;

use crate::fixture::{Row, check, escape, show_float};

fn repr(code_points_of: &[u32]) -> String {
    let text = taipan_base::repr::of_str(code_points_of);
    taipan_base::with_units!(&text, units => escape(code_points(units)))
}

fn or_zero_division(result: Option<f64>) -> String {
    result.map_or("!ZeroDivisionError: division by zero".into(), show_float)
}

/// `#.3f` as a call.
fn coded(x: f64, spec: &str) -> String {
    let alternate = spec.starts_with('#');
    let body = spec.trim_start_matches('#').trim_start_matches('.');
    let (digits, letter) = body.split_at(body.len() - 1);
    let precision = digits.parse().expect("precision");
    let code = match letter.to_ascii_lowercase().as_str() {
        "e" => Code::Exponent(precision),
        "f" => Code::Fixed(precision),
        _ => Code::General(precision),
    };
    let upper = letter.chars().all(char::is_uppercase);
    float::to_text(x, code, Style { alternate, upper, ..Style::default() })
}

fn answer(row: &Row) -> String {
    let x = || row.float(0);
    match row.operation.as_str() {
        "repr" => float::repr(x()),
        "hex" => float::hex(x()),
        "code" => coded(x(), &row.fields[1]),
        "ratio" => match float::as_integer_ratio(x()) {
            Ok((n, d)) => format!("{n} {d}"),
            Err(error) => {
                format!("!{}: {}", if x().is_nan() { "ValueError" } else { "OverflowError" }, error.message())
            }
        },
        "round" => float::round_to_digits(x(), row.parse(1))
            .map_or("!OverflowError: rounded value too large to represent".into(), show_float),
        "round0" => match float::round_to_int(x()) {
            Ok(n) => n.to_string(),
            Err(error) => {
                format!("!{}: {}", if x().is_nan() { "ValueError" } else { "OverflowError" }, error.message())
            }
        },
        "floordiv" => or_zero_division(float::floor_div(x(), row.float(1))),
        "mod" => or_zero_division(float::modulo(x(), row.float(1))),
        "divmod" => float::div_mod(x(), row.float(1))
            .map_or("!ZeroDivisionError: division by zero".into(), |(q, r)| {
                format!("{} {}", show_float(q), show_float(r))
            }),
        "pow" => match float::pow(x(), row.float(1)) {
            Ok(power) => show_float(power),
            Err(PowError::Overflow) => "!OverflowError: (34, 'Numerical result out of range')".into(),
            Err(PowError::ZeroToNegative) => "!ZeroDivisionError: zero to a negative power".into(),
            Err(PowError::Complex) => "complex".into(),
        },
        "parse" => match float::parse(&row.text(0)) {
            Some(value) => show_float(value),
            None => format!("!ValueError: could not convert string to float: {}", repr(&row.text(0))),
        },
        "fromhex" => {
            let utf8: String = row.text(0).into_iter().filter_map(char::from_u32).collect();
            match float::from_hex(utf8.as_bytes()) {
                Ok(value) => show_float(value),
                Err(error @ float::FromHexError::TooLarge) => format!("!OverflowError: {}", error.message()),
                Err(error) => format!("!ValueError: {}", error.message()),
            }
        }
        other => panic!("unknown operation {other}"),
    }
}

fn parts(result: Result<Complex, ComplexError>) -> String {
    match result {
        Ok(z) => format!("{} {}", show_float(z.re), show_float(z.im)),
        Err(error) => raise(error),
    }
}

fn raise(error: ComplexError) -> String {
    let kind = match error {
        ComplexError::DivisionByZero | ComplexError::ZeroPower => "ZeroDivisionError",
        ComplexError::PowerOverflow | ComplexError::AbsOverflow => "OverflowError",
    };
    format!("!{kind}: {}", error.message())
}

fn complex_answer(row: &Row) -> String {
    let z = || Complex { re: row.float(0), im: row.float(1) };
    let w = || Complex { re: row.float(2), im: row.float(3) };
    let x = || row.float(2);
    match row.operation.as_str() {
        "repr" => complex::repr(z()),
        "add" => parts(Ok(complex::add(z(), w()))),
        "sub" => parts(Ok(complex::sub(z(), w()))),
        "mul" => parts(Ok(complex::mul(z(), w()))),
        "div" => parts(complex::div(z(), w())),
        "add_real" | "real_add" => parts(Ok(complex::add_real(z(), x()))),
        "sub_real" => parts(Ok(complex::sub_real(z(), x()))),
        "real_sub" => parts(Ok(complex::real_sub(x(), z()))),
        "mul_real" | "real_mul" => parts(Ok(complex::mul_real(z(), x()))),
        "div_real" => parts(complex::div_real(z(), x())),
        "real_div" => parts(complex::real_div(x(), z())),
        "pow" => parts(complex::pow(z(), w())),
        "abs" => complex::abs(z()).map_or_else(raise, show_float),
        "hash" => {
            let part = taipan_base::int::hash_real;
            part(z().re).zip(part(z().im)).map_or("None".into(), |(re, im)| hash_complex(re, im).to_string())
        }
        "parse" => match complex::parse(&row.text(0)) {
            Ok(z) => format!("{}\t{}", show_float(z.re), show_float(z.im)).replace('\t', " "),
            Err(error) => format!("!ValueError: {}", error.message(&repr(&row.text(0)))),
        },
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn recorded() {
    check("float", answer);
}

#[test]
fn recorded_complex() {
    check("complex", complex_answer);
}
