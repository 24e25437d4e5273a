//! Case conversion with the full mappings (`ß` becomes `SS`) and the one rule that looks around: the final sigma.

use super::table::{Trie, u32_at};
use super::{Props, at, is_case_ignorable};
use crate::strings;
use crate::text::{Builder, Text, Unit};

static CASE: Trie<16> = Trie::new(at::CASE_SHIFT, at::CASE_FIRST, at::CASE_SECOND, at::CASE_ROWS);
/// A mapping to several code points: place in the special section and length in the low bits.
const SPECIAL: i32 = 0x4000_0000;
const SIGMA: u32 = 0x3A3;

#[derive(Clone, Copy)]
enum To {
    Lower = 0,
    Upper = 4,
    Title = 8,
    Fold = 12,
}

/// One to three code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    code_points: [u32; 3],
    len: u8,
}

impl std::ops::Deref for Mapped {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.code_points[..usize::from(self.len)]
    }
}

#[inline]
fn map(cp: u32, to: To) -> Mapped {
    let row = CASE.row(cp);
    let place = to as usize;
    let mapping = i32::from_le_bytes([row[place], row[place + 1], row[place + 2], row[place + 3]]);
    if mapping & SPECIAL == 0 || mapping < 0 {
        return Mapped { code_points: [cp.wrapping_add_signed(mapping), 0, 0], len: 1 };
    }
    let (start, len) = ((mapping & !SPECIAL) as usize >> 4, mapping as usize & 15);
    let mut code_points = [0; 3];
    for (i, slot) in code_points.iter_mut().enumerate().take(len) {
        *slot = u32_at(at::SPECIAL.start + 4 * (start + i));
    }
    Mapped { code_points, len: len as u8 }
}

/// Full lower case of one code point.
pub fn lower(cp: u32) -> Mapped {
    map(cp, To::Lower)
}

/// Full upper case of one code point.
pub fn upper(cp: u32) -> Mapped {
    map(cp, To::Upper)
}

/// Full title case of one code point.
pub fn title(cp: u32) -> Mapped {
    map(cp, To::Title)
}

/// Lower case as one code point (CPython's `Py_UNICODE_TOLOWER`): the first of the full mapping.
pub fn lower_simple(cp: u32) -> u32 {
    lower(cp)[0]
}

/// Upper case as one code point (CPython's `Py_UNICODE_TOUPPER`): the first of the full mapping.
pub fn upper_simple(cp: u32) -> u32 {
    upper(cp)[0]
}

/// Whether the code point is lower, upper or title case.
pub fn is_cased(cp: u32) -> bool {
    Props::of(cp).has(at::LOWER | at::UPPER | at::TITLE)
}

/// The lower case of the sigma at `index`: final at the end of a word, seen through ignorable characters.
fn lower_sigma<U: Unit>(text: &[U], index: usize) -> u32 {
    let seen = |unit: &&U| !is_case_ignorable(unit.cp());
    let before = text[..index].iter().rev().find(seen).is_some_and(|unit| is_cased(unit.cp()));
    let after = text[index + 1..].iter().find(seen).is_some_and(|unit| is_cased(unit.cp()));
    if before && !after { 0x3C2 } else { 0x3C3 }
}

fn push_lower<U: Unit>(text: &[U], index: usize, out: &mut Builder) {
    match text[index].cp() {
        SIGMA => out.push(lower_sigma(text, index)),
        cp => out.extend(lower(cp).iter().copied()),
    }
}

/// The text as ASCII bytes, where it is.
fn as_ascii<U: Unit>(text: &[U]) -> Option<&[u8]> {
    U::as_bytes(text).filter(|bytes| bytes.is_ascii())
}

/// `str.lower`
pub fn to_lower<U: Unit>(text: &[U]) -> Text {
    if let Some(ascii) = as_ascii(text) {
        return Text::Latin1(ascii.to_ascii_lowercase());
    }
    let mut out = Builder::with_capacity(text.len());
    for index in 0..text.len() {
        match text[index].cp() {
            cp @ 0..=0x7F => out.push(u32::from((cp as u8).to_ascii_lowercase())),
            _ => push_lower(text, index, &mut out),
        }
    }
    out.finish()
}

/// `str.upper`
pub fn to_upper<U: Unit>(text: &[U]) -> Text {
    if let Some(ascii) = as_ascii(text) {
        return Text::Latin1(ascii.to_ascii_uppercase());
    }
    let mut out = Builder::with_capacity(text.len());
    for unit in text {
        match unit.cp() {
            cp @ 0..=0x7F => out.push(u32::from((cp as u8).to_ascii_uppercase())),
            cp => out.extend(upper(cp).iter().copied()),
        }
    }
    out.finish()
}

/// `str.casefold`
pub fn casefold<U: Unit>(text: &[U]) -> Text {
    if let Some(ascii) = as_ascii(text) {
        return Text::Latin1(ascii.to_ascii_lowercase());
    }
    let mut out = Builder::with_capacity(text.len());
    for unit in text {
        out.extend(map(unit.cp(), To::Fold).iter().copied());
    }
    out.finish()
}

/// `str.title`
pub fn to_title<U: Unit>(text: &[U]) -> Text {
    if let Some(ascii) = as_ascii(text) {
        return Text::Latin1(strings::ascii::title(ascii));
    }
    let mut out = Builder::with_capacity(text.len());
    let mut in_word = false;
    for (index, unit) in text.iter().enumerate() {
        if in_word {
            push_lower(text, index, &mut out);
        } else {
            out.extend(title(unit.cp()).iter().copied());
        }
        in_word = is_cased(unit.cp());
    }
    out.finish()
}

/// `str.capitalize`
pub fn capitalize<U: Unit>(text: &[U]) -> Text {
    if let Some(ascii) = as_ascii(text) {
        return Text::Latin1(strings::ascii::capitalize(ascii));
    }
    let mut out = Builder::with_capacity(text.len());
    if let Some(first) = text.first() {
        out.extend(title(first.cp()).iter().copied());
    }
    for index in 1..text.len() {
        push_lower(text, index, &mut out);
    }
    out.finish()
}

/// `str.swapcase`
pub fn swapcase<U: Unit>(text: &[U]) -> Text {
    if let Some(ascii) = as_ascii(text) {
        return Text::Latin1(strings::ascii::swapcase(ascii));
    }
    let mut out = Builder::with_capacity(text.len());
    for (index, unit) in text.iter().enumerate() {
        let props = Props::of(unit.cp());
        if props.has(at::UPPER) {
            push_lower(text, index, &mut out);
        } else if props.has(at::LOWER) {
            out.extend(upper(unit.cp()).iter().copied());
        } else {
            out.push(unit.cp());
        }
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(text: &str) -> Vec<u32> {
        text.chars().map(|c| c as u32).collect()
    }

    #[test]
    fn words() {
        let text = Text::from;
        assert_eq!(to_lower(&points("ΑΣ, ΑΣΑ Σ İ")), text("ας, ασα σ i\u{307}"));
        assert_eq!(to_upper(&points("straße ŉ")), text("STRASSE ʼN"));
        assert_eq!(to_title(&points("ǆabc d'EF")), text("ǅabc D'Ef"));
        assert_eq!(capitalize(&points("ßA")), text("Ssa"));
        assert_eq!(swapcase(&points("aBßΣ")), text("AbSSς"));
        assert_eq!(casefold(&points("Straße")), text("strasse"));
    }
}
