//! The values of number literals.

use dashu_int::{IBig, UBig};

/// The value of an integer literal of any size: `0x`, `0o`, `0b` and underscores allowed.
pub(crate) fn integer(literal: &str) -> IBig {
    let digits = |text: &str| text.replace('_', "");
    let (text, radix) = match literal.get(..2) {
        Some("0x" | "0X") => (digits(&literal[2..]), 16),
        Some("0o" | "0O") => (digits(&literal[2..]), 8),
        Some("0b" | "0B") => (digits(&literal[2..]), 2),
        _ => (digits(literal), 10),
    };
    UBig::from_str_radix(&text, radix).unwrap_or_default().into()
}

/// How many decimal digits a literal has, 0 if it is not a decimal integer.
pub(crate) fn decimal_digits(literal: &str) -> usize {
    let is_decimal = literal.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if is_decimal { literal.bytes().filter(u8::is_ascii_digit).count() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_base() {
        assert_eq!(integer("1_000"), IBig::from(1000));
        assert_eq!(integer("0xFF_FF_FF_FF_FF_FF_FF_FF_0"), IBig::from(0x000F_FFFF_FFFF_FFFF_FFF0_u128));
        assert_eq!(integer("0o17"), IBig::from(15));
        assert_eq!(integer("0b101"), IBig::from(5));
    }
}
