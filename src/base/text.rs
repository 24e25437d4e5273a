//! Code units and code points: what lets one algorithm serve Latin-1, UCS-2 and UCS-4 strings, and bytes.
//!
//! A Python string is an array of code points in the narrowest of three widths (PEP 393); lone surrogates are ordinary
//! code points. Algorithms in this crate read `&[U]` for any [`Unit`] and write to a [`Builder`], which widens when a
//! code point asks for it and therefore always ends in the narrowest width.

use std::fmt::Debug;

/// The largest code point.
pub const MAX_CODE_POINT: u32 = 0x10_FFFF;

/// One element of a string's array: `u8` (Latin-1, or a byte), `u16` (UCS-2) or `u32` (UCS-4).
pub trait Unit: Copy + Ord + Debug + Default + Send + Sync + 'static {
    /// The largest code point that this width holds.
    const MAX: u32;

    /// The code point.
    fn cp(self) -> u32;

    /// The unit for a code point, `None` when it does not fit.
    fn from_cp(cp: u32) -> Option<Self>;

    /// The units as bytes, where the unit is a byte.
    fn as_bytes(units: &[Self]) -> Option<&[u8]> {
        let _ = units;
        None
    }
}

impl Unit for u8 {
    const MAX: u32 = 0xFF;

    fn cp(self) -> u32 {
        u32::from(self)
    }

    fn from_cp(cp: u32) -> Option<Self> {
        u8::try_from(cp).ok()
    }

    fn as_bytes(units: &[u8]) -> Option<&[u8]> {
        Some(units)
    }
}

impl Unit for u16 {
    const MAX: u32 = 0xFFFF;

    fn cp(self) -> u32 {
        u32::from(self)
    }

    fn from_cp(cp: u32) -> Option<Self> {
        u16::try_from(cp).ok()
    }
}

impl Unit for u32 {
    const MAX: u32 = MAX_CODE_POINT;

    fn cp(self) -> u32 {
        self
    }

    fn from_cp(cp: u32) -> Option<Self> {
        Some(cp)
    }
}

/// The code points of a slice.
pub fn code_points<U: Unit>(units: &[U]) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + Clone + '_ {
    units.iter().map(|unit| unit.cp())
}

/// A finished string in the narrowest width that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// All code points below 0x100.
    Latin1(Vec<u8>),
    /// All code points below 0x10000, at least one from 0x100 up.
    Ucs2(Vec<u16>),
    /// At least one code point from 0x10000 up.
    Ucs4(Vec<u32>),
}

impl Text {
    /// Number of code points.
    pub fn len(&self) -> usize {
        match self {
            Text::Latin1(units) => units.len(),
            Text::Ucs2(units) => units.len(),
            Text::Ucs4(units) => units.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All code points, widened.
    pub fn to_code_points(&self) -> Vec<u32> {
        match self {
            Text::Latin1(units) => code_points(units).collect(),
            Text::Ucs2(units) => code_points(units).collect(),
            Text::Ucs4(units) => units.clone(),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        let mut builder = Builder::with_capacity(text.len());
        builder.push_str(text);
        builder.finish()
    }
}

/// Runs an expression with `$units` bound to the slice of whatever width a [`Text`] has.
#[macro_export]
macro_rules! with_units {
    ($text:expr, $units:ident => $body:expr) => {
        match $text {
            $crate::text::Text::Latin1($units) => $body,
            $crate::text::Text::Ucs2($units) => $body,
            $crate::text::Text::Ucs4($units) => $body,
        }
    };
}

/// Collects code points in the narrowest width that holds all of them so far.
#[derive(Clone, Debug)]
pub struct Builder(Text);

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl Builder {
    /// An empty one.
    pub fn new() -> Builder {
        Builder(Text::Latin1(Vec::new()))
    }

    /// An empty one with room for so many narrow code points.
    pub fn with_capacity(code_points: usize) -> Builder {
        Builder(Text::Latin1(Vec::with_capacity(code_points)))
    }

    /// Number of code points so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends one code point (a surrogate is fine).
    #[inline]
    pub fn push(&mut self, cp: u32) {
        match &mut self.0 {
            Text::Latin1(units) if cp <= u8::MAX.cp() => units.push(cp as u8),
            Text::Ucs2(units) if cp <= u16::MAX.cp() => units.push(cp as u16),
            Text::Ucs4(units) => units.push(cp),
            _ => {
                self.widen(cp);
                self.push(cp);
            }
        }
    }

    /// Appends a piece of text.
    pub fn push_str(&mut self, text: &str) {
        match &mut self.0 {
            Text::Latin1(units) if text.is_ascii() => units.extend_from_slice(text.as_bytes()),
            _ => {
                // the largest lead byte tells the width that will do
                match text.bytes().max() {
                    Some(0xF0..) => self.widen(0x1_0000),
                    Some(0xC4..) => self.widen(0x100),
                    _ => {}
                }
                text.chars().for_each(|c| self.push(c as u32));
            }
        }
    }

    /// Appends units of any width.
    pub fn push_units<U: Unit>(&mut self, units: &[U]) {
        if let (Text::Latin1(own), Some(bytes)) = (&mut self.0, U::as_bytes(units)) {
            own.extend_from_slice(bytes);
            return;
        }
        units.iter().for_each(|unit| self.push(unit.cp()));
    }

    /// Appends a finished text.
    pub fn push_text(&mut self, text: &Text) {
        with_units!(text, units => self.push_units(units));
    }

    /// Appends one code point several times.
    pub fn push_n(&mut self, cp: u32, count: usize) {
        match &mut self.0 {
            Text::Latin1(units) if cp <= u8::MAX.cp() => units.resize(units.len() + count, cp as u8),
            _ => (0..count).for_each(|_| self.push(cp)),
        }
    }

    /// Forgets what lies beyond a length, and the width that only it needed.
    pub fn truncate(&mut self, length: usize) {
        let old = std::mem::take(self).finish();
        with_units!(&old, units => self.push_units(&units[..length.min(units.len())]));
    }

    /// The text.
    pub fn finish(self) -> Text {
        self.0
    }

    /// Makes room for a code point that is surely coming.
    #[cold]
    fn widen(&mut self, cp: u32) {
        let old = std::mem::replace(&mut self.0, Text::Latin1(Vec::new()));
        self.0 = match old {
            Text::Latin1(units) if cp <= u16::MAX.cp() => Text::Ucs2(units.into_iter().map(u16::from).collect()),
            Text::Latin1(units) => Text::Ucs4(units.into_iter().map(u32::from).collect()),
            Text::Ucs2(units) if cp <= u16::MAX.cp() => Text::Ucs2(units),
            Text::Ucs2(units) => Text::Ucs4(units.into_iter().map(u32::from).collect()),
            Text::Ucs4(units) => Text::Ucs4(units),
        };
    }
}

impl Extend<u32> for Builder {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, code_points: I) {
        code_points.into_iter().for_each(|cp| self.push(cp));
    }
}

impl std::fmt::Write for Builder {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

/// Whether C's `isspace` in the "C" locale holds: what CPython strips before it parses numbers.
pub fn is_ascii_space(cp: u32) -> bool {
    matches!(cp, 0x20 | 0x09..=0x0D)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builder_widens_only_when_asked() {
        let mut builder = Builder::new();
        builder.push_str("ab");
        builder.push(0xE9);
        assert_eq!(builder.clone().finish(), Text::Latin1(vec![0x61, 0x62, 0xE9]));
        builder.push(0xD800);
        assert_eq!(builder.clone().finish(), Text::Ucs2(vec![0x61, 0x62, 0xE9, 0xD800]));
        builder.push(0x10_FFFF);
        assert_eq!(builder.finish(), Text::Ucs4(vec![0x61, 0x62, 0xE9, 0xD800, 0x10_FFFF]));
    }
}
