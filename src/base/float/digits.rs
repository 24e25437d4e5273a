//! Decimal digits of a float: shortest that read back the same, or a given number of them, exactly rounded.

use smallvec::SmallVec;

/// Digits and the place of the point: the value is `0.d₁d₂… × 10^point`. No trailing zeros; zero is the digit 0 with
/// point 1, and a value rounded away to nothing has no digits.
pub(super) struct Decimal {
    pub(super) digits: SmallVec<[u8; 32]>,
    pub(super) point: i32,
}

/// More digits than any float has behind the point (1074) or altogether (767).
const EXACT: usize = 1100;

impl Decimal {
    /// The shortest digits that read back as the same float; of several the nearest (`repr`).
    pub(super) fn shortest(x: f64) -> Decimal {
        let mut buffer = zmij::Buffer::new();
        Decimal::from_text(buffer.format_finite(x.abs()))
    }

    /// So many significant digits, at least one.
    pub(super) fn significant(x: f64, count: usize) -> Decimal {
        Decimal::from_text(&format!("{:.*e}", (count - 1).min(EXACT), x.abs()))
    }

    /// So many digits behind the point.
    pub(super) fn behind_point(x: f64, count: usize) -> Decimal {
        let mut decimal = Decimal::from_text(&format!("{:.*}", count.min(EXACT), x.abs()));
        if x != 0.0 && decimal.digits.as_slice() == b"0" {
            decimal.digits.clear();
            decimal.point = -(count.min(EXACT) as i32);
        }
        decimal
    }

    /// From `12.5`, `1.25e-7` and the like.
    fn from_text(text: &str) -> Decimal {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let all = whole.bytes().chain(fraction.bytes());
        let zeros = all.clone().take_while(|&digit| digit == b'0').count();
        let mut digits: SmallVec<[u8; 32]> = all.skip(zeros).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Decimal { digits: SmallVec::from_slice(b"0"), point: 1 };
        }
        Decimal { digits, point: whole.len() as i32 - zeros as i32 + exponent }
    }
}
