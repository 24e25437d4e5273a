//! split, rsplit, splitlines and strip, as ranges.

use std::ops::Range;

use super::Side;
use super::search::{find_unit, places, rfind};
use crate::text::Unit;

/// `split(sep, most)`; the separator must not be empty.
pub fn split<U: Unit>(text: &[U], separator: &[U], most: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for place in places(text, separator).take(most) {
        pieces.push(from..place);
        from = place + separator.len();
    }
    pieces.push(from..text.len());
    pieces
}

/// `rsplit(sep, most)`; the separator must not be empty.
pub fn rsplit<U: Unit>(text: &[U], separator: &[U], most: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut end = text.len();
    while pieces.len() < most {
        let Some(place) = rfind(&text[..end], separator) else { break };
        pieces.push(place + separator.len()..end);
        end = place;
    }
    pieces.push(0..end);
    pieces.reverse();
    pieces
}

/// `split(None, most)`: runs of whitespace separate; the rest keeps what follows it.
pub fn split_whitespace<U: Unit>(text: &[U], most: usize, space: impl Fn(u32) -> bool) -> Vec<Range<usize>> {
    let skip = |from: usize| text[from..].iter().position(|unit| !space(unit.cp())).map(|at| from + at);
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(start) = skip(from) {
        if pieces.len() == most {
            pieces.push(start..text.len());
            break;
        }
        let end = text[start..].iter().position(|unit| space(unit.cp())).map_or(text.len(), |at| start + at);
        pieces.push(start..end);
        from = end;
    }
    pieces
}

/// `rsplit(None, most)`: from the right; the rest keeps what precedes it.
pub fn rsplit_whitespace<U: Unit>(text: &[U], most: usize, space: impl Fn(u32) -> bool) -> Vec<Range<usize>> {
    let skip = |end: usize| text[..end].iter().rposition(|unit| !space(unit.cp())).map(|at| at + 1);
    let mut pieces = Vec::new();
    let mut before = text.len();
    while let Some(end) = skip(before) {
        if pieces.len() == most {
            pieces.push(0..end);
            break;
        }
        let start = text[..end].iter().rposition(|unit| space(unit.cp())).map_or(0, |at| at + 1);
        pieces.push(start..end);
        before = start;
    }
    pieces.reverse();
    pieces
}

/// Where `bytes.splitlines` ends a line; for str it is [`crate::unicode::is_line_break`].
pub fn is_ascii_line_break(cp: u32) -> bool {
    matches!(cp, 0x0A | 0x0D)
}

/// `splitlines(keep_ends)`: `\r\n` ends one line.
pub fn lines<U: Unit>(text: &[U], keep_ends: bool, is_break: impl Fn(u32) -> bool) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while from < text.len() {
        let Some(length) = text[from..].iter().position(|unit| is_break(unit.cp())) else {
            pieces.push(from..text.len());
            break;
        };
        let end = from + length;
        let pair = text[end].cp() == 0x0D && text.get(end + 1).is_some_and(|unit| unit.cp() == 0x0A);
        let next = end + 1 + usize::from(pair);
        pieces.push(from..if keep_ends { next } else { end });
        from = next;
    }
    pieces
}

/// What is left when units that `member` names are taken off the ends.
pub fn strip<U: Unit>(text: &[U], side: Side, member: impl Fn(u32) -> bool) -> Range<usize> {
    let keep = |unit: &U| !member(unit.cp());
    let start = if side == Side::Right { 0 } else { text.iter().position(keep).unwrap_or(text.len()) };
    if side == Side::Left {
        return start..text.len();
    }
    let end = text[start..].iter().rposition(keep).map_or(start, |last| start + last + 1);
    start..end
}

/// The set of units for `strip(chars)`, quick to ask.
pub struct StripSet<'a, U> {
    chars: &'a [U],
    low: [u64; 4],
}

impl<'a, U: Unit> StripSet<'a, U> {
    /// Of these units.
    pub fn new(chars: &'a [U]) -> StripSet<'a, U> {
        let mut low = [0; 4];
        for cp in chars.iter().map(|unit| unit.cp()).filter(|&cp| cp < 256) {
            low[cp as usize / 64] |= 1 << (cp % 64);
        }
        StripSet { chars, low }
    }

    /// Whether it is one of them.
    pub fn contains(&self, cp: u32) -> bool {
        if cp < 256 {
            return self.low[cp as usize / 64] >> (cp % 64) & 1 == 1;
        }
        U::from_cp(cp).is_some_and(|unit| find_unit(self.chars, unit).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_members_of_any_width() {
        let set = StripSet::new(&[0x61_u16, 0x100]);
        assert!(set.contains(0x61) && set.contains(0x100) && !set.contains(0x62) && !set.contains(0x1_0061));
        assert_eq!(strip(b"xxaxx", Side::Both, |cp| cp == 0x78), 2..3);
        assert_eq!(strip(b"xxx", Side::Both, |cp| cp == 0x78), 3..3);
        assert_eq!(strip(b"xxx", Side::Right, |cp| cp == 0x78), 0..0);
    }
}
