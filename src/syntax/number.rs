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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_base() {
        assert_eq!(integer("1_000"), IBig::from(1000));
        assert_eq!(integer("0xFF_FF_FF_FF_FF_FF_FF_FF_0"), IBig::from(0xFFFF_FFFF_FFFF_FFFF_0u128));
        assert_eq!(integer("0o17"), IBig::from(15));
        assert_eq!(integer("0b101"), IBig::from(5));
    }
}
