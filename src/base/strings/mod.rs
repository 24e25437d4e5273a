//! Searching, splitting and padding of arrays of units: what str, bytes and bytearray have in common.
//!
//! Pieces come as ranges, because what a piece becomes (a string of which width, a view, the object itself when nothing
//! changes) is the caller's affair. What counts as whitespace or as the end of a line is a parameter: str and bytes
//! differ there.

pub mod ascii;
mod pad;
mod search;
mod split;

pub use pad::{center_padding, expand_tabs, zfill};
pub use search::{bounds, contains, count, find, find_unit, narrow, replace, rfind, rfind_unit};
pub use split::{StripSet, is_ascii_line_break, lines, rsplit, rsplit_whitespace, split, split_whitespace, strip};

use std::cmp::Ordering;

use crate::text::Unit;

/// Compares two strings of any widths by code points.
pub fn compare<A: Unit, B: Unit>(a: &[A], b: &[B]) -> Ordering {
    if let (Some(a), Some(b)) = (A::as_bytes(a), B::as_bytes(b)) {
        return a.cmp(b);
    }
    a.iter().map(|unit| unit.cp()).cmp(b.iter().map(|unit| unit.cp()))
}

/// Which ends to strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `lstrip`
    Left,
    /// `rstrip`
    Right,
    /// `strip`
    Both,
}
