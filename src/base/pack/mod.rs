//! The format language of the struct module: layouts of C values in bytes, for `_struct`, `array` and `memoryview`.
//!
//! [`Format::parse`] reads a format string; [`Slot`] packs and unpacks one value at its place. Converting objects to
//! numbers and back, and counting arguments, is the caller's affair.

mod float;
mod slot;

pub use float::{f16_from_bits, f16_to_bits, f32_from_bits, f32_to_bits};
pub use slot::{PackError, Slot, Unpacked};

use crate::codecs::ByteOrder;
use crate::text::is_ascii_space;

/// What a format letter stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `x`: a byte without value.
    Pad,
    /// `c`: one byte as bytes.
    Char,
    /// `s`: bytes of a fixed length.
    Bytes,
    /// `p`: bytes behind a byte with their length.
    Pascal,
    /// `?`
    Bool,
    /// Signed integers.
    Signed,
    /// Unsigned integers.
    Unsigned,
    /// `P`: an unsigned integer that also takes negative ones.
    Pointer,
    /// `e`, `f`, `d`
    Float,
    /// `F`, `D`
    Complex,
}

/// One row per letter: letter, meaning, standard size (0: native only), native size, native alignment.
const LETTERS: [(u8, Kind, usize, usize, usize); 23] = [
    (b'x', Kind::Pad, 1, 1, 1),
    (b'c', Kind::Char, 1, 1, 1),
    (b's', Kind::Bytes, 1, 1, 1),
    (b'p', Kind::Pascal, 1, 1, 1),
    (b'?', Kind::Bool, 1, 1, 1),
    (b'b', Kind::Signed, 1, 1, 1),
    (b'B', Kind::Unsigned, 1, 1, 1),
    (b'h', Kind::Signed, 2, 2, 2),
    (b'H', Kind::Unsigned, 2, 2, 2),
    (b'i', Kind::Signed, 4, 4, 4),
    (b'I', Kind::Unsigned, 4, 4, 4),
    (b'l', Kind::Signed, 4, size_of::<libc::c_long>(), align_of::<libc::c_long>()),
    (b'L', Kind::Unsigned, 4, size_of::<libc::c_ulong>(), align_of::<libc::c_ulong>()),
    (b'q', Kind::Signed, 8, 8, align_of::<libc::c_longlong>()),
    (b'Q', Kind::Unsigned, 8, 8, align_of::<libc::c_ulonglong>()),
    (b'n', Kind::Signed, 0, size_of::<isize>(), align_of::<isize>()),
    (b'N', Kind::Unsigned, 0, size_of::<usize>(), align_of::<usize>()),
    (b'P', Kind::Pointer, 0, size_of::<usize>(), align_of::<usize>()),
    (b'e', Kind::Float, 2, 2, 2),
    (b'f', Kind::Float, 4, 4, 4),
    (b'd', Kind::Float, 8, 8, align_of::<f64>()),
    (b'F', Kind::Complex, 8, 8, 4),
    (b'D', Kind::Complex, 16, 16, align_of::<f64>()),
];

/// Why a format string is none; all are `struct.error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// An unknown letter.
    BadChar,
    /// Digits at the end.
    CountWithoutLetter,
    /// Sizes beyond what an index can reach.
    TooLong,
    /// A NUL in the string.
    EmbeddedNull,
}

impl FormatError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            FormatError::BadChar => "bad char in struct format",
            FormatError::CountWithoutLetter => "repeat count given without format specifier",
            FormatError::TooLong => "total struct size too long",
            FormatError::EmbeddedNull => "embedded null character",
        }
    }
}

/// Letters with their repeat count, in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    slot: Slot,
    /// Values; for `s` and `p` one, whose slot has the count as its size.
    count: usize,
}

/// A parsed format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    items: Vec<Item>,
    size: usize,
    count: usize,
}

impl Format {
    /// Parses a format string.
    pub fn parse(format: &[u8]) -> Result<Format, FormatError> {
        if format.contains(&0) {
            return Err(FormatError::EmbeddedNull);
        }
        let (native, order, mut rest) = match format {
            [b'@', rest @ ..] => (true, ByteOrder::NATIVE, rest),
            [b'=', rest @ ..] => (false, ByteOrder::NATIVE, rest),
            [b'<', rest @ ..] => (false, ByteOrder::Little, rest),
            [b'>' | b'!', rest @ ..] => (false, ByteOrder::Big, rest),
            _ => (true, ByteOrder::NATIVE, format),
        };
        let mut parsed = Format { items: Vec::new(), size: 0, count: 0 };
        while let [first, after @ ..] = rest {
            rest = after;
            if is_ascii_space(u32::from(*first)) {
                continue;
            }
            let mut letter = *first;
            let mut count = 1;
            if letter.is_ascii_digit() {
                let digits = 1 + after.iter().take_while(|byte| byte.is_ascii_digit()).count();
                count = number(&format[format.len() - after.len() - 1..][..digits])?;
                let Some(&next) = after.get(digits - 1) else { return Err(FormatError::CountWithoutLetter) };
                letter = next;
                rest = &after[digits..];
            }
            parsed.push(letter, count, native, order)?;
        }
        Ok(parsed)
    }

    fn push(&mut self, letter: u8, count: usize, native: bool, order: ByteOrder) -> Result<(), FormatError> {
        let row = LETTERS.iter().find(|row| row.0 == letter && (native || row.2 > 0)).ok_or(FormatError::BadChar)?;
        let &(_, kind, standard, native_size, align) = row;
        let size = if native { native_size } else { standard };
        let place = if native { self.size.next_multiple_of(align) } else { self.size };
        let end = count.checked_mul(size).and_then(|bytes| bytes.checked_add(place));
        self.size = end.filter(|&end| isize::try_from(end).is_ok()).ok_or(FormatError::TooLong)?;
        let slot = Slot { kind, letter, size, place, order };
        let item = match kind {
            Kind::Pad => return Ok(()),
            Kind::Bytes | Kind::Pascal => Item { slot: Slot { size: count, ..slot }, count: 1 },
            _ => Item { slot, count },
        };
        self.count += item.count;
        self.items.push(item);
        Ok(())
    }

    /// `struct.calcsize`
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many values it has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Each value's place and meaning, in order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.items.iter().flat_map(|item| {
            let Item { slot, count } = *item;
            (0..count).map(move |index| Slot { place: slot.place + index * slot.size, ..slot })
        })
    }
}

fn number(digits: &[u8]) -> Result<usize, FormatError> {
    let step = |value: usize, digit: &u8| value.checked_mul(10)?.checked_add(usize::from(digit - b'0'));
    let value = digits.iter().try_fold(0, step);
    value.filter(|&value| isize::try_from(value).is_ok()).ok_or(FormatError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_aligned_natively() {
        let format = Format::parse(b"b2h3sxd").unwrap();
        let places: Vec<_> = format.slots().map(|slot| (slot.letter, slot.place, slot.size)).collect();
        assert_eq!(places, [(b'b', 0, 1), (b'h', 2, 2), (b'h', 4, 2), (b's', 6, 3), (b'd', 16, 8)]);
        assert_eq!((format.size(), format.count()), (24, 5));
        assert_eq!(Format::parse(b"<b 2h3sxd").map(|format| format.size()), Ok(17));
    }
}
