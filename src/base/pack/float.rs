//! Floats of two and four bytes: rounding half to even, overflow, and NaNs that keep what fits of their payload.

/// The bits of a half float (IEEE 754 binary16); `None` when the value is too large.
pub fn f16_to_bits(x: f64) -> Option<u16> {
    narrow(x, 10, 15).map(|bits| bits as u16)
}

/// The value of a half float.
pub fn f16_from_bits(bits: u16) -> f64 {
    widen(u64::from(bits), 10, 5)
}

/// The bits of a single float; `None` when the value is too large.
pub fn f32_to_bits(x: f64) -> Option<u32> {
    narrow(x, 23, 127).map(|bits| bits as u32)
}

/// The value of a single float.
pub fn f32_from_bits(bits: u32) -> f64 {
    widen(u64::from(bits), 23, 8)
}

/// Rounds to a format with so many fraction bits and such a bias.
fn narrow(x: f64, fraction_bits: u32, bias: i32) -> Option<u64> {
    let bits = x.to_bits();
    let drop = 52 - fraction_bits;
    let top = (2 * bias as u64 + 1) << fraction_bits;
    let sign = (bits >> 63) * (top + (1 << fraction_bits));
    let (exponent, fraction) = ((bits >> 52 & 0x7FF) as i32 - 1023, bits & ((1 << 52) - 1));
    if x.is_nan() {
        let payload = fraction >> drop;
        let quiet = 1 << (fraction_bits - 1);
        return Some(sign + top + if payload == 0 { quiet } else { payload });
    }
    if x.is_infinite() {
        return Some(sign + top);
    }
    // below the smallest normal the last bit stays where it is
    let shift = drop as i32 + (1 - bias - exponent).max(0);
    if exponent == -1023 || shift > 54 {
        return Some(sign);
    }
    let mantissa = fraction | 1 << 52;
    let (mut kept, rest, half) = (mantissa >> shift, mantissa & ((1 << shift) - 1), 1u64 << (shift - 1));
    if rest > half || (rest == half && kept & 1 == 1) {
        kept += 1;
    }
    // a carry moves into the exponent by itself
    let field = (exponent + bias - 1).max(0) as u64;
    let magnitude = (field << fraction_bits) + kept;
    (magnitude < top).then_some(sign + magnitude)
}

fn widen(bits: u64, fraction_bits: u32, exponent_bits: u32) -> f64 {
    let fraction = bits & ((1 << fraction_bits) - 1);
    let field = bits >> fraction_bits & ((1 << exponent_bits) - 1);
    let sign = bits >> (fraction_bits + exponent_bits) << 63;
    let top = (1 << exponent_bits) - 1;
    let bias = (top >> 1) as i32;
    if field == top {
        return f64::from_bits(sign | 0x7FF << 52 | fraction << (52 - fraction_bits));
    }
    let (mantissa, exponent) = if field == 0 { (fraction, 1) } else { (fraction | 1 << fraction_bits, field as i32) };
    let magnitude = mantissa as f64 * 2f64.powi(exponent - bias - fraction_bits as i32);
    f64::from_bits(sign | magnitude.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_float_survives() {
        for bits in 0..=u16::MAX {
            assert_eq!(f16_to_bits(f16_from_bits(bits)), Some(bits));
        }
        assert_eq!(f16_to_bits(65519.99), Some(0x7BFF));
        assert_eq!(f16_to_bits(65520.0), None);
        assert_eq!(f16_to_bits(2f64.powi(-25)), Some(0));
        assert_eq!(f16_to_bits(-2f64.powi(-25) * 1.001), Some(0x8001));
    }

    #[test]
    fn single_floats_are_the_machines() {
        let mut state = 1u64;
        for _ in 0..100_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let x = f64::from_bits((state >> 2) % (0x4100 << 48) + (0x3400 << 48));
            let expected = x as f32;
            assert_eq!(f32_to_bits(x), Some(expected.to_bits()).filter(|_| expected.is_finite()), "{x:e}");
            assert_eq!(f32_from_bits(expected.to_bits()).to_bits(), f64::from(expected).to_bits());
        }
    }
}
