//! Integers against `int.tsv`.

use std::cmp::Ordering;

use taipan_base::int::{BigInt, IntError, hash_fraction, hash_real, parse};

use crate::fixture::{Row, check, escape, hex, show_float};

fn big(row: &Row, index: usize) -> BigInt {
    parse(row.fields[index].as_bytes(), 10, 0).expect("a number")
}

fn raise(error: IntError) -> String {
    let kind = if error == IntError::DivisionByZero { "ZeroDivisionError" } else { "OverflowError" };
    format!("!{kind}: {}", error.message())
}

fn number(result: Result<BigInt, IntError>) -> String {
    result.map_or_else(raise, |n| n.to_text(10))
}

fn real(result: Result<f64, IntError>) -> String {
    result.map_or_else(raise, show_float)
}

fn repr(code_points: &[u32]) -> String {
    let text = taipan_base::repr::of_str(code_points);
    taipan_base::with_units!(&text, units => escape(taipan_base::text::code_points(units)))
}

fn binary(row: &Row) -> Option<String> {
    let (a, b) = (|| big(row, 0), || big(row, 1));
    Some(match row.operation.as_str() {
        "add" => a().add(&b()).to_text(10),
        "sub" => a().sub(&b()).to_text(10),
        "mul" => a().mul(&b()).to_text(10),
        "and" => a().bit_and(&b()).to_text(10),
        "or" => a().bit_or(&b()).to_text(10),
        "xor" => a().bit_xor(&b()).to_text(10),
        "gcd" => a().gcd(&b()).to_text(10),
        "lcm" => a().lcm(&b()).to_text(10),
        "floordiv" => number(a().floor_div(&b())),
        "mod" => number(a().modulo(&b())),
        "truediv" => real(a().true_div(&b())),
        "shl" => number(a().shl(row.parse(1))),
        "shr" => a().shr(row.parse(1)).to_text(10),
        "pow" => number(a().pow(row.parse(1))),
        "hash_fraction" => hash_fraction(&a(), &b()).to_string(),
        "text" => a().to_text(row.parse(1)),
        "compare" => match a().partial_cmp_f64(row.float(1)) {
            None => "None".into(),
            Some(order) => (order as i8).to_string(),
        },
        _ => return None,
    })
}

fn unary(row: &Row) -> Option<String> {
    let a = || big(row, 0);
    Some(match row.operation.as_str() {
        "neg" => a().neg().to_text(10),
        "abs" => a().abs().to_text(10),
        "invert" => a().invert().to_text(10),
        "bit_length" => a().bit_length().to_string(),
        "bit_count" => a().bit_count().to_string(),
        "hash" => a().hash().to_string(),
        "isqrt" => a().abs().isqrt().expect("not negative").to_text(10),
        "float" => real(a().to_f64()),
        "from_float" => match BigInt::from_f64(row.float(0)) {
            Ok(n) => n.to_text(10),
            Err(error) => {
                let kind = if row.float(0).is_nan() { "ValueError" } else { "OverflowError" };
                format!("!{kind}: {}", error.message())
            }
        },
        "hash_float" => hash_real(row.float(0)).map_or("None".into(), |hash| hash.to_string()),
        _ => return None,
    })
}

fn answer(row: &Row) -> String {
    if let Some(answer) = binary(row).or_else(|| unary(row)) {
        return answer;
    }
    match row.operation.as_str() {
        "powmod" => match big(row, 0).pow_mod(&big(row, 1), &big(row, 2)) {
            Ok(n) => n.to_text(10),
            Err(error) => format!("!ValueError: {}", error.message()),
        },
        "parse" => match parse(&row.text(0), row.parse(1), 0) {
            Ok(n) => n.to_text(10),
            Err(error) => format!("!ValueError: {}", error.message(&repr(&row.text(0)))),
        },
        "to_bytes" => match big(row, 0).to_le_bytes(row.parse(1), &row.fields[2] == "1") {
            Ok(bytes) => hex(&bytes),
            Err(error) => format!("!OverflowError: {}", error.message()),
        },
        "from_bytes" => BigInt::from_be_bytes(&row.bytes(0), &row.fields[1] == "1").to_text(10),
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn recorded() {
    check("int", answer);
    assert_eq!(BigInt::from(3).partial_cmp_f64(3.0), Some(Ordering::Equal));
}
