//! Algorithms that know nothing of objects: numbers to text and back, format specifications, Unicode tables, codecs.
//!
//! Everything here gives CPython 3.14's answers, bit by bit and word by word. Errors are plain data that carry (or
//! word) CPython's message; which exception they become is the caller's affair.

pub mod binascii;
pub mod calendar;
pub mod codecs;
pub mod float;
pub mod format;
pub mod hash;
pub mod int;
pub mod pack;
pub mod repr;
pub mod strings;
pub mod suggest;
pub mod text;
pub mod unicode;
