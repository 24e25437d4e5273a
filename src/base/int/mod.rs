//! Python integers without Python: text, bytes, floats, hashes and the arithmetic whose rules differ from the machine's.
//!
//! [`BigInt`] is the number of any size and the only place that knows which crate does the work. The functions in
//! [`small`] do the same for machine words, where the interpreter spends its time.

mod bigint;
mod bytes;
mod hash;
mod parse;
mod real;
pub mod small;
mod text;

pub use bigint::{BigInt, IntError, MAX_BITS, PowModError};
pub use bytes::ToBytesError;
pub use hash::{HASH_BITS, HASH_IMAG, HASH_INF, HASH_MODULUS, hash_complex, hash_fraction, hash_real};
pub use parse::{ParseIntError, parse, parse_bytes, parse_literal};
pub(crate) use real::decompose;
pub use real::{FromFloatError, round_to_f64};
pub use text::{Digits, decimal_digits_exceed, format_i64};
