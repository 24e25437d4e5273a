//! Floats as text: `repr` and the codes e, f, g with CPython's layout (what `PyOS_double_to_string` gives).

use super::digits::Decimal;

/// Which digits and which layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Shortest digits that read back the same, exponent from 1e16 up and below 1e-4.
    Repr,
    /// `e`: one digit, point, so many digits, exponent.
    Exponent(usize),
    /// `f`: so many digits behind the point.
    Fixed(usize),
    /// `g`: so many significant digits, exponent where the number is long.
    General(usize),
}

/// Variations of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Style {
    /// `#`: keep the point and, for [`Code::General`], trailing zeros.
    pub alternate: bool,
    /// Add `.0` where the text would look like an integer.
    pub dot_zero: bool,
    /// `E`, `INF`, `NAN`.
    pub upper: bool,
    /// `z`: no sign where only zeros are left after rounding.
    pub no_negative_zero: bool,
}

/// `repr(x)` and `str(x)`.
pub fn repr(x: f64) -> String {
    if (1e-4..1e16).contains(&x.abs()) {
        // here the digits come in the right layout already, but for what rounds up to an exponent
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(x);
        if !text.contains('e') {
            return text.to_owned();
        }
    }
    to_text(x, Code::Repr, Style { dot_zero: true, ..Style::default() })
}

/// A float in a format. A negative number has its sign, also negative zero; a NaN never.
pub fn to_text(x: f64, code: Code, style: Style) -> String {
    let mut out = String::with_capacity(24);
    if x.is_sign_negative() && !x.is_nan() {
        out.push('-');
    }
    if !x.is_finite() {
        out.push_str(if x.is_nan() { "nan" } else { "inf" });
    } else {
        finite(x, code, style, &mut out);
    }
    if style.no_negative_zero && is_negative_zero(&out) {
        out.remove(0);
    }
    if style.upper {
        out.make_ascii_uppercase();
    }
    out
}

/// Whether a formatted number has a minus and no digit but zeros (the exponent does not count).
fn is_negative_zero(text: &str) -> bool {
    let mantissa = text.split('e').next().unwrap_or(text);
    mantissa.starts_with('-') && mantissa[1..].bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// Decimal digits around a point, some of them virtual zeros.
struct Layout {
    decimal: Decimal,
    /// First and last digit's places relative to the first real digit.
    start: i32,
    end: i32,
    exponent: Option<i32>,
}

impl Layout {
    fn new(decimal: Decimal, code: Code, style: Style) -> Layout {
        let mut point = decimal.point;
        let mut end = decimal.digits.len() as i32;
        let as_i32 = |precision: usize| i32::try_from(precision).unwrap_or(i32::MAX - 2000);
        let exponential = match code {
            Code::Repr => point <= -4 || point > 16,
            Code::Exponent(precision) => {
                end = as_i32(precision).saturating_add(1);
                true
            }
            Code::Fixed(precision) => {
                end = point.saturating_add(as_i32(precision));
                false
            }
            Code::General(precision) => {
                let precision = as_i32(precision.max(1));
                if style.alternate {
                    end = precision;
                }
                point <= -4 || point > precision - i32::from(style.dot_zero)
            }
        };
        let exponent = exponential.then_some(point - 1);
        if exponential {
            point = 1;
        }
        let start = if point <= 0 { point - 1 } else { 0 };
        let shown = point + i32::from(!exponential && style.dot_zero);
        Layout { decimal: Decimal { point, ..decimal }, start, end: end.max(shown), exponent }
    }

    fn digit(&self, place: i32) -> char {
        usize::try_from(place).ok().and_then(|place| self.decimal.digits.get(place)).map_or('0', |&digit| digit as char)
    }
}

fn finite(x: f64, code: Code, style: Style, out: &mut String) {
    let decimal = match code {
        Code::Repr => Decimal::shortest(x),
        Code::Exponent(precision) => Decimal::significant(x, precision.saturating_add(1)),
        Code::Fixed(precision) => Decimal::behind_point(x, precision),
        Code::General(precision) => Decimal::significant(x, precision.max(1)),
    };
    let layout = Layout::new(decimal, code, style);
    let point = layout.decimal.point;
    out.extend((layout.start..point).map(|place| layout.digit(place)));
    if layout.end > point || style.alternate {
        out.push('.');
        out.extend((point.max(layout.start)..layout.end).map(|place| layout.digit(place)));
    }
    if let Some(exponent) = layout.exponent {
        out.push_str(&format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_layout() {
        for (x, expected) in [
            (0.1, "0.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "inf"),
            (-f64::NAN, "nan"),
        ] {
            assert_eq!(repr(x), expected);
        }
    }

    #[test]
    fn codes() {
        let plain = Style::default();
        assert_eq!(to_text(0.001, Code::Fixed(1), plain), "0.0");
        assert_eq!(to_text(2.5, Code::Fixed(0), plain), "2");
        assert_eq!(to_text(2.5, Code::Fixed(0), Style { alternate: true, ..plain }), "2.");
        assert_eq!(to_text(1234567.0, Code::General(6), plain), "1.23457e+06");
        assert_eq!(to_text(100.0, Code::General(6), Style { alternate: true, ..plain }), "100.000");
        assert_eq!(to_text(1e100, Code::Exponent(2), Style { upper: true, ..plain }), "1.00E+100");
        assert_eq!(to_text(0.5, Code::Fixed(2000), plain).len(), 2002);
        assert_eq!(to_text(100.0, Code::General(3), Style { dot_zero: true, ..plain }), "1e+02");
    }
}
