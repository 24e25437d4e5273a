//! Python floats without Python: text in every format, parsing, rounding, exact ratios, and the arithmetic that differs
//! from the machine's.

mod arithmetic;
pub mod complex;
mod digits;
mod hex;
mod parse;
mod round;
mod text;

pub use arithmetic::{PowError, div_mod, floor_div, modulo, pow};
pub use hex::{FromHexError, from_hex, hex};
pub use parse::{parse, parse_bytes, parse_literal, parse_plain};
pub use round::{RatioError, as_integer_ratio, is_integer, round_to_digits, round_to_int};
pub use text::{Code, Style, repr, to_text};
