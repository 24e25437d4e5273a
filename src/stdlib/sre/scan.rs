//! Looking at text unit by unit: single items and runs of them, places, and where a search may find a match.

use super::chars::{is_ascii_word, is_locale_word, is_unicode_word};
use super::program::*;

/// A code unit of a text.
pub trait Unit: Copy + Eq {
    /// The character.
    fn code(self) -> u32;
    /// Position of the first unit that is this character.
    fn find(text: &[Self], c: u32) -> Option<usize>;
    /// Position of the first unit that is one of these bytes.
    fn find_bytes(text: &[Self], bytes: &[u8]) -> Option<usize> {
        text.iter().position(|u| bytes.iter().any(|&b| u32::from(b) == u.code()))
    }
    /// Position of the first occurrence of a text.
    fn find_text(text: &[Self], needle: &[u32], finder: Option<&memchr::memmem::Finder<'static>>) -> Option<usize> {
        let _ = finder;
        let mut from = 0;
        loop {
            from += Self::find(&text[from..], needle[0])?;
            let here = text.get(from..from + needle.len())?;
            if here.iter().zip(needle).all(|(u, &c)| u.code() == c) {
                return Some(from);
            }
            from += 1;
        }
    }
}

impl Unit for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        self.into()
    }
    #[inline]
    fn find(text: &[u8], c: u32) -> Option<usize> {
        memchr::memchr(u8::try_from(c).ok()?, text)
    }
    fn find_bytes(text: &[u8], bytes: &[u8]) -> Option<usize> {
        match *bytes {
            [a] => memchr::memchr(a, text),
            [a, b] => memchr::memchr2(a, b, text),
            [a, b, c] => memchr::memchr3(a, b, c, text),
            _ => None,
        }
    }
    fn find_text(text: &[u8], _: &[u32], finder: Option<&memchr::memmem::Finder<'static>>) -> Option<usize> {
        finder?.find(text)
    }
}
impl Unit for u16 {
    #[inline(always)]
    fn code(self) -> u32 {
        self.into()
    }
    #[inline]
    fn find(text: &[u16], c: u32) -> Option<usize> {
        let c = u16::try_from(c).ok()?;
        text.iter().position(|&u| u == c)
    }
}
impl Unit for u32 {
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }
    #[inline]
    fn find(text: &[u32], c: u32) -> Option<usize> {
        text.iter().position(|&u| u == c)
    }
}

/// Whether a character is an item.
#[inline(always)]
pub fn matches(p: &Program, item: Item, c: u32) -> bool {
    match item {
        Item::Is(wanted) => c == wanted,
        Item::In(set) => p.sets[set as usize].contains(c),
        Item::Any => c != 10,
        Item::Not(unwanted) => c != unwanted,
        Item::All => true,
        Item::Never => false,
    }
}

/// How many units from the start of the text are items, at most `max`.
#[inline(always)]
pub fn count<U: Unit>(p: &Program, item: Item, text: &[U], max: u32) -> usize {
    let text = if max != NONE && (max as usize) < text.len() { &text[..max as usize] } else { text };
    let end = match item {
        Item::In(set) => {
            let set = &p.sets[set as usize];
            text.iter().position(|u| !set.contains(u.code()))
        }
        Item::Any => U::find(text, 10),
        Item::Not(c) => U::find(text, c),
        Item::Is(c) => text.iter().position(|u| u.code() != c),
        Item::All => None,
        Item::Never => Some(0),
    };
    end.unwrap_or(text.len())
}

/// Whether the position is such a place.
pub fn stands<U: Unit>(anchor: Anchor, text: &[U], at: usize) -> bool {
    let line_feed = |i: usize| text.get(i).is_some_and(|u| u.code() == 10);
    match anchor {
        Anchor::Start => at == 0,
        Anchor::LineStart => at == 0 || line_feed(at - 1),
        Anchor::TextEnd => at == text.len(),
        Anchor::End => at == text.len() || at + 1 == text.len() && line_feed(at),
        Anchor::LineEnd => at == text.len() || line_feed(at),
        Anchor::Boundary(words) => between_words(words, text, at),
        Anchor::NotBoundary(words) => !between_words(words, text, at),
    }
}

fn between_words<U: Unit>(words: Words, text: &[U], at: usize) -> bool {
    let word = |i: usize| {
        text.get(i).is_some_and(|u| match words {
            Words::Ascii => is_ascii_word(u.code()),
            Words::Locale => is_locale_word(u.code()),
            Words::Unicode => is_unicode_word(u.code()),
        })
    };
    (at > 0 && word(at - 1)) != word(at)
}

/// The next place, from `from` on, where a match may start; `initial` for the first of a search.
pub fn next_start<U: Unit>(p: &Program, text: &[U], from: usize, initial: bool) -> Option<usize> {
    let rest = text.get(from..).filter(|rest| rest.len() >= p.min_width)?;
    let found = match &p.start {
        Start::Anywhere => Some(0),
        Start::TextStart => (from == 0).then_some(0),
        Start::LineStarts if from == 0 || text[from - 1].code() == 10 => Some(0),
        Start::Lines if initial || from > 0 && text[from - 1].code() == 10 => Some(0),
        Start::Lines | Start::LineStarts => U::find(rest, 10).map(|i| i + 1),
        Start::Bytes(bytes) => U::find_bytes(rest, bytes),
        Start::Chars(first) => rest.iter().position(|u| first.admits(u.code())),
        Start::Text { text, finder } => U::find_text(rest, text, finder.as_deref()),
    }?;
    (rest.len() - found >= p.min_width).then_some(from + found)
}
