//! Division, remainder and power of floats where Python's rules are not C's.

/// Why `x ** y` is no float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowError {
    /// `ZeroDivisionError: zero to a negative power`
    ZeroToNegative,
    /// `OverflowError: (34, 'Numerical result out of range')`
    Overflow,
    /// A negative number to a power that is not whole: the result is complex.
    Complex,
}

/// `divmod(x, y)`; `None` is `ZeroDivisionError: division by zero`.
pub fn div_mod(x: f64, y: f64) -> Option<(f64, f64)> {
    if y == 0.0 {
        return None;
    }
    let mut rest = x % y;
    let mut quotient = (x - rest) / y;
    if rest == 0.0 {
        rest = 0.0f64.copysign(y);
    } else if (y < 0.0) != (rest < 0.0) {
        rest += y;
        quotient -= 1.0;
    }
    let floor = if quotient == 0.0 {
        0.0f64.copysign(x / y)
    } else {
        // the quotient is nearly whole: snap to the whole number it means
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    };
    Some((floor, rest))
}

/// `x // y`; `None` is `ZeroDivisionError: division by zero`.
pub fn floor_div(x: f64, y: f64) -> Option<f64> {
    div_mod(x, y).map(|(quotient, _)| quotient)
}

/// `x % y` with the sign of `y`; `None` is `ZeroDivisionError: division by zero`.
pub fn modulo(x: f64, y: f64) -> Option<f64> {
    if y == 0.0 {
        return None;
    }
    let rest = x % y;
    Some(if rest == 0.0 {
        0.0f64.copysign(y)
    } else if (y < 0.0) != (rest < 0.0) {
        rest + y
    } else {
        rest
    })
}

/// `x ** y`
pub fn pow(x: f64, y: f64) -> Result<f64, PowError> {
    let odd = y.is_finite() && (y.abs() % 2.0) == 1.0;
    if y == 0.0 || x == 1.0 {
        return Ok(1.0);
    }
    if x.is_nan() || y.is_nan() {
        return Ok(if x.is_nan() { x } else { y });
    }
    if y.is_infinite() {
        let size = x.abs();
        return Ok(match size.partial_cmp(&1.0) {
            Some(std::cmp::Ordering::Equal) => 1.0,
            Some(order) if order.is_gt() == (y > 0.0) => y.abs(),
            _ => 0.0,
        });
    }
    if x.is_infinite() {
        let size = if y > 0.0 { x.abs() } else { 0.0 };
        return Ok(if odd { size.copysign(x) } else { size });
    }
    if x == 0.0 {
        return if y < 0.0 { Err(PowError::ZeroToNegative) } else { Ok(if odd { x } else { 0.0 }) };
    }
    if x < 0.0 && y != y.floor() {
        return Err(PowError::Complex);
    }
    if x == -1.0 {
        return Ok(if odd { -1.0 } else { 1.0 });
    }
    let power = x.powf(y);
    if power.is_infinite() { Err(PowError::Overflow) } else { Ok(power) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs() {
        assert_eq!(div_mod(-7.0, 2.0), Some((-4.0, 1.0)));
        assert_eq!(modulo(-1e-100, 3.0), Some(3.0));
        assert_eq!(floor_div(1.0, f64::NEG_INFINITY), Some(-1.0));
        assert_eq!(floor_div(5.0, 0.0), None);
        assert_eq!((pow(-8.0, 1.0 / 3.0), pow(0.0, -1.0)), (Err(PowError::Complex), Err(PowError::ZeroToNegative)));
        assert_eq!((pow(-2.0, 3.0), pow(10.0, 400.0)), (Ok(-8.0), Err(PowError::Overflow)));
    }
}
