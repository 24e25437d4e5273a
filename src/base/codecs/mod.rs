//! The codecs that CPython implements in C: text to bytes and back, with error handlers.
//!
//! A codec calls its error handler with a [`Problem`] and goes on where the handler says. [`Errors`] are the handlers
//! that every Python has; others (functions registered with `codecs.register_error`) implement [`DecodeErrors`] and
//! [`EncodeErrors`] in the runtime. Incremental decoding: with `last` false, an incomplete sequence at the end is not
//! an error, and [`Decoded::consumed`] says where it begins.

mod byte_escape;
mod errors;
mod escape;
mod single;
mod utf16;
mod utf32;
mod utf7;
mod utf8;

use std::borrow::Cow;
use std::ops::Range;

pub use byte_escape::{ByteEscapeError, EscapeErrors, decode_byte_escapes, encode_byte_escapes};
pub use errors::Errors;
pub use escape::{
    DecodedEscapes, InvalidEscape, decode_raw_unicode_escape, decode_unicode_escape, encode_raw_unicode_escape,
    encode_unicode_escape,
};
pub use single::{
    CharMap, Mapped, decode_ascii, decode_charmap, decode_charmap_table, decode_latin1, encode_ascii, encode_charmap,
    encode_latin1,
};
pub use utf7::{decode_utf7, encode_utf7};
pub use utf8::{decode_utf8, encode_utf8, encode_utf8_strict};
pub use utf16::{DecodedWide, decode_utf16, encode_utf16};
pub use utf32::{decode_utf32, encode_utf32};

use crate::text::{Builder, Text, Unit};

/// What `UnicodeDecodeError` and `UnicodeEncodeError` say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The codec, as the exception names it.
    pub encoding: Cow<'static, str>,
    /// What cannot be decoded or encoded: bytes, or code points.
    pub range: Range<usize>,
    /// Why.
    pub reason: Cow<'static, str>,
}

/// How to go on after a decoding error.
#[derive(Clone, Debug)]
pub struct DecodeResume {
    /// What to put in place.
    pub text: Text,
    /// Where to go on, at most the length of the input.
    pub position: usize,
    /// Another input to go on with (a handler may replace the exception's `object`).
    pub input: Option<Vec<u8>>,
}

/// What an encoder puts in place of what it cannot encode.
#[derive(Clone, Debug)]
pub enum Replacement {
    /// To encode in turn.
    Text(Text),
    /// As they are.
    Bytes(Vec<u8>),
}

/// How to go on after an encoding error.
#[derive(Clone, Debug)]
pub struct EncodeResume {
    /// What to put in place.
    pub replacement: Replacement,
    /// Where to go on, at most the length of the text.
    pub position: usize,
}

/// An error handler for decoding.
pub trait DecodeErrors {
    /// What ends the decoding.
    type Error;

    /// Says how to go on, or ends it.
    fn handle(&mut self, problem: Problem, input: &[u8]) -> Result<DecodeResume, Self::Error>;
}

/// An error handler for encoding.
pub trait EncodeErrors {
    /// What ends the encoding.
    type Error;

    /// Says how to go on, or ends it. `code_points` are those of the problem's range.
    fn handle(&mut self, problem: Problem, code_points: &[u32]) -> Result<EncodeResume, Self::Error>;

    /// The exception itself: the handler's replacement cannot be encoded either.
    fn raise(&mut self, problem: Problem) -> Self::Error;
}

/// Decoded text, and how much input it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: Text,
    /// Bytes decoded; all of them when the input was the last.
    pub consumed: usize,
}

/// Order of the bytes in a 16-bit or 32-bit unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Low byte first.
    Little,
    /// High byte first.
    Big,
}

impl ByteOrder {
    /// The machine's.
    pub const NATIVE: ByteOrder = if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };
}

pub(crate) fn is_surrogate(cp: u32) -> bool {
    (0xD800..0xE000).contains(&cp)
}

/// A decoder at work: the input, which a handler may replace, and the text so far.
struct Decoding<'a, 'h, H> {
    input: Cow<'a, [u8]>,
    at: usize,
    out: Builder,
    encoding: &'static str,
    errors: &'h mut H,
}

impl<'a, 'h, H: DecodeErrors> Decoding<'a, 'h, H> {
    fn new(input: &'a [u8], encoding: &'static str, errors: &'h mut H) -> Self {
        Decoding { input: Cow::Borrowed(input), at: 0, out: Builder::with_capacity(input.len()), encoding, errors }
    }

    /// The byte so far ahead.
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.input.get(self.at + ahead).copied()
    }

    /// Lets the handler decide about a range of the input.
    #[cold]
    fn fail(&mut self, range: Range<usize>, reason: &'static str) -> Result<(), H::Error> {
        let problem = Problem { encoding: self.encoding.into(), range, reason: reason.into() };
        let resume = self.errors.handle(problem, &self.input)?;
        self.out.push_text(&resume.text);
        if let Some(input) = resume.input {
            self.input = Cow::Owned(input);
        }
        self.at = resume.position.min(self.input.len());
        Ok(())
    }

    fn finish(self) -> Decoded {
        Decoded { text: self.out.finish(), consumed: self.at }
    }
}

/// An encoder at work.
struct Encoding<'a, 'h, U, H> {
    text: &'a [U],
    at: usize,
    out: Vec<u8>,
    encoding: Cow<'static, str>,
    errors: &'h mut H,
}

impl<'a, 'h, U: Unit, H: EncodeErrors> Encoding<'a, 'h, U, H> {
    fn new(text: &'a [U], encoding: impl Into<Cow<'static, str>>, errors: &'h mut H) -> Self {
        Encoding { text, at: 0, out: Vec::with_capacity(text.len()), encoding: encoding.into(), errors }
    }

    /// Where a run of code points that `bad` names ends, from here on.
    fn run(&self, bad: impl Fn(u32) -> bool) -> usize {
        self.at + self.text[self.at..].iter().take_while(|unit| bad(unit.cp())).count()
    }

    /// Lets the handler decide about a range from here on; `push` appends a replacement, or says that it cannot.
    #[cold]
    fn fail(
        &mut self,
        end: usize,
        reason: &'static str,
        push: impl Fn(&mut Vec<u8>, &Replacement) -> bool,
    ) -> Result<(), H::Error> {
        let problem = Problem { encoding: self.encoding.clone(), range: self.at..end, reason: reason.into() };
        let code_points: Vec<u32> = self.text[self.at..end].iter().map(|unit| unit.cp()).collect();
        let resume = self.errors.handle(problem.clone(), &code_points)?;
        if !push(&mut self.out, &resume.replacement) {
            return Err(self.errors.raise(problem));
        }
        self.at = resume.position.min(self.text.len());
        Ok(())
    }
}

/// Appends a replacement whose text is all below `limit`, a byte each.
fn push_narrow(out: &mut Vec<u8>, replacement: &Replacement, limit: u32) -> bool {
    match replacement {
        Replacement::Bytes(bytes) => out.extend_from_slice(bytes),
        Replacement::Text(Text::Latin1(units)) if units.iter().all(|&unit| u32::from(unit) < limit) => {
            out.extend_from_slice(units);
        }
        Replacement::Text(_) => return false,
    }
    true
}
