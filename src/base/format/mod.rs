//! The three formatting languages of Python: specifications (`format(x, ">8.3f")`), templates of `str.format`, and `%`.
//!
//! [`spec`] and the modules behind it do `__format__` of int, float, complex and str; [`template`] takes templates and
//! field names apart; [`percent`] does the same for `%` and formats its conversions.

mod complex;
mod float;
mod int;
mod number;
pub mod percent;
pub mod spec;
mod string;
pub mod template;

pub use complex::format_complex;
pub use float::format_float;
pub use int::format_int;
pub use spec::{FormatError, Spec};
pub use string::format_str;

/// What the `n` type takes from the locale (`localeconv()`), in code points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale {
    /// Between whole and fraction.
    pub decimal_point: Vec<u32>,
    /// Between groups of digits.
    pub thousands_sep: Vec<u32>,
    /// Sizes of groups from the right, as C's `lconv.grouping`: 0 repeats the last, 127 ends grouping.
    pub grouping: Vec<u8>,
}

impl Default for Locale {
    /// The "C" locale: a point, no groups.
    fn default() -> Locale {
        Locale { decimal_point: vec![u32::from(b'.')], thousands_sep: Vec::new(), grouping: Vec::new() }
    }
}
