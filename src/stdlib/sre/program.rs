//! The form in which patterns run: operations with their jumps resolved, sets as bitmaps, and what is known beforehand
//! about the characters each place can start with.
//!
//! `lower` makes it from the code words of `Lib/re/_compiler.py`, `first` adds the knowledge, `engine` runs it.

use super::chars::{CharSet, Fold};

/// The code words are no pattern.
#[derive(Debug)]
pub struct InvalidCode;

/// No place, no set, no limit.
pub const NONE: u32 = u32::MAX;

/// Something that matches one character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    /// No character.
    Never,
    /// Any but a line feed.
    Any,
    /// Any.
    All,
    /// This one.
    Is(u32),
    /// Any but this one.
    Not(u32),
    /// One of a set, by number.
    In(u32),
}

/// A place to match at, of no width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// Start of the text.
    Start,
    /// Start of a line.
    LineStart,
    /// End of the text, or before a line feed that ends it.
    End,
    /// End of a line.
    LineEnd,
    /// End of the text.
    TextEnd,
    /// Where a word starts or ends.
    Boundary(Words),
    /// Anywhere else.
    NotBoundary(Words),
}

/// What words are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Words {
    /// ASCII letters, digits and the underscore.
    Ascii,
    /// What the locale calls so.
    Locale,
    /// What Unicode calls so.
    Unicode,
}

/// One operation. Places are indices of operations.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// The pattern has matched.
    Success,
    /// The part that the operation at this place opened has matched.
    Return(u32),
    /// No match here.
    Fail,
    /// One character.
    Char(Item),
    /// Characters of the pool of texts.
    Text {
        /// Start in the pool.
        at: u32,
        /// Characters.
        len: u32,
    },
    /// A place.
    At(Anchor),
    /// Remembers the position: even numbers start a group, odd ones end it.
    Mark(u32),
    /// Goes on elsewhere.
    Jump(u32),
    /// Tries alternatives, by number of the branch.
    Branch(u32),
    /// An item many times, as often as possible.
    Greedy {
        /// The item.
        item: Item,
        /// At least so often.
        min: u32,
        /// At most so often ([`NONE`]: no limit).
        max: u32,
        /// What may come after it: a number in [`Program::firsts`], or [`NONE`] when anything may.
        next: u32,
        /// Nothing that may come after it is in the item, so giving back is in vain.
        exclusive: bool,
    },
    /// An item many times, as seldom as possible.
    Lazy {
        /// See [`Op::Greedy`].
        item: Item,
        /// See [`Op::Greedy`].
        min: u32,
        /// See [`Op::Greedy`].
        max: u32,
        /// See [`Op::Greedy`].
        next: u32,
    },
    /// An item many times, as often as possible, never giving back.
    Possessive {
        /// See [`Op::Greedy`].
        item: Item,
        /// See [`Op::Greedy`].
        min: u32,
        /// See [`Op::Greedy`].
        max: u32,
    },
    /// Starts a loop, by number.
    LoopStart(u32),
    /// Decides whether the loop goes on, greedily.
    Until(u32),
    /// The same, lazily.
    LazyUntil(u32),
    /// The text of a group again.
    GroupRef {
        /// Number of the group, from 0.
        group: u32,
        /// How case is ignored.
        fold: Fold,
    },
    /// Goes on here when the group has matched, else at another place.
    GroupExists {
        /// Number of the group, from 0.
        group: u32,
        /// The other place.
        no: u32,
    },
    /// What follows must match, so many characters back; goes on after it, consuming nothing.
    Assert {
        /// Characters to go back.
        back: u32,
        /// Where to go on.
        after: u32,
    },
    /// What follows must not match.
    AssertNot {
        /// Characters to go back.
        back: u32,
        /// Where to go on.
        after: u32,
    },
    /// What follows matches in its first way only.
    Atomic {
        /// Where to go on.
        after: u32,
    },
    /// What follows many times, each in its first way only, by number of the loop.
    PossessiveLoop(u32),
}

/// A loop over more than an item.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// First operation of the body.
    pub body: u32,
    /// The operation that decides, or, for possessive loops, the one after the loop.
    pub until: u32,
    /// At least so often.
    pub min: u32,
    /// At most so often ([`NONE`]: no limit).
    pub max: u32,
    /// What the body may start with (see [`Op::Greedy`]).
    pub first_body: u32,
    /// What may come after the loop.
    pub first_tail: u32,
    /// These two have nothing in common.
    pub exclusive: bool,
}

/// Alternatives: at most 64, the last of which may be a further branch.
pub struct Branch {
    /// Where each starts.
    pub targets: Vec<u32>,
    /// For each character below 256, the alternatives that may start with it, as bits; absent when all always may.
    pub by_char: Option<Box<[u64; 256]>>,
    /// The same for all other characters.
    pub by_high: u64,
    /// The same at the end of the text.
    pub by_end: u64,
}

impl Branch {
    /// All alternatives.
    pub fn all(&self) -> u64 {
        if self.targets.len() == 64 { u64::MAX } else { (1 << self.targets.len()) - 1 }
    }
}

/// The characters a place may start with: never too few.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct First {
    /// Those below 256.
    pub low: [u64; 4],
    /// Some of the others may be.
    pub high: bool,
    /// The end of the text may be.
    pub end: bool,
}

impl First {
    /// Nothing at all.
    pub const NOTHING: First = First { low: [0; 4], high: false, end: false };
    /// Anything.
    pub const ANYTHING: First = First { low: [u64::MAX; 4], high: true, end: true };

    /// Whether a character may be first.
    #[inline(always)]
    pub fn admits(&self, c: u32) -> bool {
        if c < 256 { self.low[c as usize >> 6] >> (c & 63) & 1 != 0 } else { self.high }
    }

    /// What either admits.
    pub fn or(&self, other: &First) -> First {
        let low = std::array::from_fn(|i| self.low[i] | other.low[i]);
        First { low, high: self.high || other.high, end: self.end || other.end }
    }

    /// What both admit.
    pub fn and(&self, other: &First) -> First {
        let low = std::array::from_fn(|i| self.low[i] & other.low[i]);
        First { low, high: self.high && other.high, end: self.end && other.end }
    }

    /// Whether no character is admitted by both (the end of the text does not count).
    pub fn is_apart_from(&self, other: &First) -> bool {
        let both = self.and(other);
        both.low == [0; 4] && !both.high
    }
}

/// How a search finds places where a match may start.
#[allow(clippy::enum_variant_names)]
pub enum Start {
    /// Everywhere.
    Anywhere,
    /// At the start of the text only.
    TextStart,
    /// At starts of lines.
    LineStarts,
    /// At the first place and then at the starts of lines: the pattern starts with `.*`, so where it fails it fails in
    /// the rest of the line too.
    Lines,
    /// Where one of up to three bytes is; none of the other characters will do.
    Bytes(smallvec::SmallVec<[u8; 3]>),
    /// Where a character is admitted.
    Chars(First),
    /// Where this text is.
    Text {
        /// The characters.
        text: Vec<u32>,
        /// The same for texts of bytes, when all are below 256.
        finder: Option<Box<memchr::memmem::Finder<'static>>>,
    },
}

/// A compiled pattern.
pub struct Program {
    /// The operations; the last is [`Op::Success`].
    pub ops: Vec<Op>,
    /// Sets of characters.
    pub sets: Vec<CharSet>,
    /// Pool of literal text.
    pub texts: Vec<u32>,
    /// Loops.
    pub loops: Vec<Loop>,
    /// Branches.
    pub branches: Vec<Branch>,
    /// What places may start with.
    pub firsts: Vec<First>,
    /// How a search goes.
    pub start: Start,
    /// Number of groups.
    pub groups: usize,
    /// A match is at least so long.
    pub min_width: usize,
}
