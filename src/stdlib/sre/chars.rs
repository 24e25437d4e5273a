//! What single characters are to a pattern: categories, case, and sets of characters.
//!
//! A set keeps the answer for characters below 256 in a bitmap that is made once; the others are looked up in the code
//! words of the set (their meaning: `Lib/re/_compiler.py`, `_compile_charset`).

use super::program::InvalidCode;
use taipan_base::unicode;

/// Code words of sets and of the operations around them, numbered as in `Lib/re/_constants.py`.
pub mod word {
    macro_rules! words {
        ($($name:ident = $value:literal),* $(,)?) => { $( #[allow(missing_docs)] pub const $name: u32 = $value; )* };
    }
    words! {
        FAILURE = 0, SUCCESS = 1, ANY = 2, ANY_ALL = 3, ASSERT = 4, ASSERT_NOT = 5, AT = 6, BRANCH = 7, CATEGORY = 8,
        CHARSET = 9, BIGCHARSET = 10, GROUPREF = 11, GROUPREF_EXISTS = 12, IN = 13, INFO = 14, JUMP = 15, LITERAL = 16,
        MARK = 17, MAX_UNTIL = 18, MIN_UNTIL = 19, NOT_LITERAL = 20, NEGATE = 21, RANGE = 22, REPEAT = 23,
        REPEAT_ONE = 24, MIN_REPEAT_ONE = 26, ATOMIC_GROUP = 27, POSSESSIVE_REPEAT = 28,
        POSSESSIVE_REPEAT_ONE = 29, GROUPREF_IGNORE = 30, IN_IGNORE = 31, LITERAL_IGNORE = 32, NOT_LITERAL_IGNORE = 33,
        GROUPREF_LOC_IGNORE = 34, IN_LOC_IGNORE = 35, LITERAL_LOC_IGNORE = 36, NOT_LITERAL_LOC_IGNORE = 37,
        GROUPREF_UNI_IGNORE = 38, IN_UNI_IGNORE = 39, LITERAL_UNI_IGNORE = 40, NOT_LITERAL_UNI_IGNORE = 41,
        RANGE_UNI_IGNORE = 42,
    }
}

/// How case is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fold {
    /// It is not.
    Exact,
    /// ASCII letters.
    Ascii,
    /// Letters of the locale.
    Locale,
    /// All letters.
    Unicode,
}

impl Fold {
    /// The character in lower case.
    pub fn lower(self, c: u32) -> u32 {
        match self {
            Fold::Exact => c,
            Fold::Ascii => ascii_lower(c),
            Fold::Locale => locale_lower(c),
            Fold::Unicode => unicode::lower_simple(c),
        }
    }
}

/// Lower case of an ASCII letter; others stay.
pub fn ascii_lower(c: u32) -> u32 {
    if (65..=90).contains(&c) { c + 32 } else { c }
}

// The locale of character classification is "C" until a program can set another one (`_locale`), so only ASCII letters
// have case.
fn locale_lower(c: u32) -> u32 {
    ascii_lower(c)
}

fn locale_upper(c: u32) -> u32 {
    if (97..=122).contains(&c) { c - 32 } else { c }
}

/// Whether `re.ASCII` takes the character for part of a word.
pub fn is_ascii_word(c: u32) -> bool {
    c < 128 && ((c as u8).is_ascii_alphanumeric() || c == 95)
}

/// Whether `re.LOCALE` does.
pub fn is_locale_word(c: u32) -> bool {
    is_ascii_word(c)
}

/// Whether `re.UNICODE` does.
pub fn is_unicode_word(c: u32) -> bool {
    if c < 128 { is_ascii_word(c) } else { unicode::is_alnum(c) }
}

fn is_ascii_space(c: u32) -> bool {
    matches!(c, 9..=13 | 32)
}

/// Whether the character is in a category, numbered as `CHCODES`; odd numbers are complements.
pub fn in_category(category: u32, c: u32) -> bool {
    let inside = match category >> 1 {
        0 => (48..58).contains(&c),
        1 => is_ascii_space(c),
        2 => is_ascii_word(c),
        3 => c == 10,
        4 => is_locale_word(c),
        5 => unicode::is_decimal(c),
        6 => unicode::is_space(c),
        7 => is_unicode_word(c),
        _ => unicode::is_line_break(c),
    };
    inside != (category & 1 == 1)
}

/// Number of categories.
const CATEGORIES: u32 = 18;

/// A set of characters.
pub struct CharSet {
    /// The answer for characters below 256.
    pub low: [u64; 4],
    high: High,
}

/// The answer for the other characters.
enum High {
    Words { words: Box<[u32]>, fold: Fold },
    Literal { lower: u32, fold: Fold, negated: bool },
}

impl CharSet {
    /// The set of code words up to and with their `FAILURE`.
    pub fn of_words(words: &[u32], fold: Fold) -> Result<CharSet, InvalidCode> {
        check_words(words)?;
        let high = High::Words { words: words.into(), fold };
        Ok(CharSet::with_low(high))
    }

    /// One character in any case, or all but it.
    pub fn of_literal(lower: u32, fold: Fold, negated: bool) -> CharSet {
        CharSet::with_low(High::Literal { lower, fold, negated })
    }

    /// A category.
    pub fn of_category(category: u32) -> Result<CharSet, InvalidCode> {
        CharSet::of_words(&[word::CATEGORY, category, word::FAILURE], Fold::Exact)
    }

    fn with_low(high: High) -> CharSet {
        let mut low = [0u64; 4];
        for c in (0..256u32).filter(|&c| high.contains(c)) {
            low[c as usize >> 6] |= 1 << (c & 63);
        }
        CharSet { low, high }
    }

    /// Whether the character is in it.
    #[inline(always)]
    pub fn contains(&self, c: u32) -> bool {
        if c < 256 { self.low[c as usize >> 6] >> (c & 63) & 1 != 0 } else { self.high.contains(c) }
    }

    /// Whether it may have characters from 256 on.
    pub fn may_be_high(&self) -> bool {
        match &self.high {
            High::Words { words, fold } => *fold != Fold::Exact || words_reach_high(words),
            // The Kelvin sign is a k.
            High::Literal { lower, fold, negated } => *negated || *lower > 255 || *fold == Fold::Unicode,
        }
    }
}

impl High {
    #[inline(never)]
    fn contains(&self, c: u32) -> bool {
        match self {
            High::Words { words, fold } => match fold {
                // In no case may the character be in what a negated set excludes.
                Fold::Locale if words[0] == word::NEGATE => {
                    words_contain(words, locale_lower(c)) && words_contain(words, locale_upper(c))
                }
                Fold::Locale => words_contain(words, locale_lower(c)) || words_contain(words, locale_upper(c)),
                _ => words_contain(words, fold.lower(c)),
            },
            High::Literal { lower, fold, negated } => {
                let same = c == *lower || fold.lower(c) == *lower || *fold == Fold::Locale && locale_upper(c) == *lower;
                same != *negated
            }
        }
    }
}

fn words_reach_high(words: &[u32]) -> bool {
    let mut at = 0;
    while let Some(&w) = words.get(at) {
        match w {
            word::LITERAL if words[at + 1] < 256 => at += 2,
            word::RANGE if words[at + 2] < 256 => at += 3,
            word::CATEGORY if matches!(words[at + 1], 0 | 2 | 4 | 6 | 8) => at += 2,
            word::CHARSET => at += 9,
            word::FAILURE => return false,
            _ => return true,
        }
    }
    false
}

/// Looks a character up in the words of a set, which were checked.
fn words_contain(words: &[u32], c: u32) -> bool {
    let (mut at, mut found) = (0, true);
    loop {
        match words[at] {
            word::FAILURE => return !found,
            word::NEGATE => {
                found = !found;
                at += 1;
            }
            word::LITERAL => {
                if c == words[at + 1] {
                    return found;
                }
                at += 2;
            }
            word::CATEGORY => {
                if in_category(words[at + 1], c) {
                    return found;
                }
                at += 2;
            }
            word::CHARSET => {
                if c < 256 && words[at + 1 + (c as usize >> 5)] >> (c & 31) & 1 != 0 {
                    return found;
                }
                at += 9;
            }
            word::BIGCHARSET => {
                let blocks = words[at + 1] as usize;
                if c < 65536 && big_set_contains(&words[at + 2..], c) {
                    return found;
                }
                at += 2 + 64 + blocks * 8;
            }
            kind => {
                let range = words[at + 1]..=words[at + 2];
                if range.contains(&c) || kind == word::RANGE_UNI_IGNORE && range.contains(&unicode::upper_simple(c)) {
                    return found;
                }
                at += 3;
            }
        }
    }
}

/// `words`: 256 bytes of block numbers in 64 words, then blocks of 256 bits.
fn big_set_contains(words: &[u32], c: u32) -> bool {
    let page = (c >> 8) as usize;
    let block = words[page >> 2].to_ne_bytes()[page & 3] as usize;
    words[64 + block * 8 + (c as usize & 255) / 32] >> (c & 31) & 1 != 0
}

/// Checks that the words are a set and end with its `FAILURE`, so that looking up stays inside.
fn check_words(words: &[u32]) -> Result<(), InvalidCode> {
    let mut at = 0;
    loop {
        let rest = words.get(at..).ok_or(InvalidCode)?;
        let size = match rest {
            [word::FAILURE] => return Ok(()),
            [word::NEGATE, ..] => 1,
            [word::LITERAL, _, ..] => 2,
            [word::CATEGORY, category, ..] if *category < CATEGORIES => 2,
            [word::RANGE | word::RANGE_UNI_IGNORE, _, _, ..] => 3,
            [word::CHARSET, ..] => 9,
            [word::BIGCHARSET, blocks, map @ ..] => {
                let pages = map.get(..64).ok_or(InvalidCode)?;
                if pages.iter().flat_map(|w| w.to_ne_bytes()).any(|block| u32::from(block) >= *blocks) {
                    return Err(InvalidCode);
                }
                2 + 64 + (*blocks as usize).checked_mul(8).ok_or(InvalidCode)?
            }
            _ => return Err(InvalidCode),
        };
        at += size;
    }
}
