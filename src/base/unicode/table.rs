//! Reading `tables.bin`: little-endian numbers at fixed places, two-stage tables, sorted rows.

use std::ops::Range;

static BYTES: &[u8] = include_bytes!("tables.bin");

/// A two-stage table from code points to records of `N` bytes.
pub(super) struct Trie<const N: usize> {
    shift: u32,
    first: usize,
    second: usize,
    rows: usize,
}

impl<const N: usize> Trie<N> {
    pub(super) const fn new(shift: u32, first: Range<usize>, second: Range<usize>, rows: Range<usize>) -> Trie<N> {
        Trie { shift, first: first.start, second: second.start, rows: rows.start }
    }

    #[inline]
    pub(super) fn row(&self, cp: u32) -> [u8; N] {
        let cp = cp.min(crate::text::MAX_CODE_POINT) as usize;
        let block = u16_at(self.first + 2 * (cp >> self.shift));
        let place = (usize::from(block) << self.shift) + (cp & ((1 << self.shift) - 1));
        let row = self.rows + N * usize::from(u16_at(self.second + 2 * place));
        let mut bytes = [0; N];
        bytes.copy_from_slice(&BYTES[row..row + N]);
        bytes
    }
}

#[inline]
pub(super) fn u16_at(place: usize) -> u16 {
    u16::from_le_bytes([BYTES[place], BYTES[place + 1]])
}

pub(super) fn u32_at(place: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&BYTES[place..place + 4]);
    u32::from_le_bytes(bytes)
}

pub(super) fn f64_at(place: usize) -> f64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&BYTES[place..place + 8]);
    f64::from_le_bytes(bytes)
}

/// The place of the last row whose first number is at most `key`, in sorted rows of `size` bytes.
pub(super) fn last_at_most(section: &Range<usize>, size: usize, key: u32) -> Option<usize> {
    let (mut low, mut high) = (0, section.len() / size);
    while low < high {
        let middle = (low + high) / 2;
        if u32_at(section.start + middle * size) <= key { low = middle + 1 } else { high = middle }
    }
    low.checked_sub(1).map(|row| section.start + row * size)
}

/// The place of the row whose first number is `key`.
pub(super) fn find(section: &Range<usize>, size: usize, key: u32) -> Option<usize> {
    last_at_most(section, size, key).filter(|&row| u32_at(row) == key)
}
