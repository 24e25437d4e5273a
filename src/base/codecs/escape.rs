//! `unicode_escape` and `raw_unicode_escape`: backslash escapes in Latin-1 text.

use super::{DecodeErrors, Decoding};
use crate::repr::push_hex_escape;
use crate::text::{MAX_CODE_POINT, Text, Unit};
use crate::unicode;

/// An escape that is kept as it is, but earns a `DeprecationWarning` (a `SyntaxWarning` in source code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidEscape {
    /// `\` and a byte that makes no escape: `"\z" is an invalid escape sequence…`
    Unknown {
        /// Where its backslash stands.
        at: usize,
        /// The byte behind it.
        byte: u8,
    },
    /// An octal escape above `\377`.
    Octal {
        /// Where its backslash stands.
        at: usize,
        /// Its value.
        value: u16,
    },
}

/// Decoded text, the input consumed, and the first invalid escape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedEscapes {
    /// The text.
    pub text: Text,
    /// Bytes decoded.
    pub consumed: usize,
    /// What to warn about.
    pub invalid: Option<InvalidEscape>,
}

/// How an escape ended.
enum Escape {
    Done,
    /// The input ends in the middle of it.
    Incomplete(&'static str),
    Wrong(&'static str),
}

/// The value of simple escapes, shared with bytes.
pub(super) fn simple_escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'\\' | b'\'' | b'"' => byte,
        b'b' => 8,
        b't' => 9,
        b'n' => 10,
        b'v' => 11,
        b'f' => 12,
        b'r' => 13,
        b'a' => 7,
        _ => return None,
    })
}

struct Unescaping<'a, 'h, H> {
    work: Decoding<'a, 'h, H>,
    start: usize,
    invalid: Option<InvalidEscape>,
}

impl<H: DecodeErrors> Unescaping<'_, '_, H> {
    fn take(&mut self) -> Option<u8> {
        let byte = self.work.peek(0)?;
        self.work.at += 1;
        Some(byte)
    }

    /// So many hexadecimal digits.
    fn hex(&mut self, count: usize, truncated: &'static str, too_large: &'static str) -> Escape {
        let mut value = 0u32;
        for _ in 0..count {
            let Some(byte) = self.work.peek(0) else { return Escape::Incomplete(truncated) };
            let Some(digit) = (byte as char).to_digit(16) else { return Escape::Wrong(truncated) };
            value = value << 4 | digit;
            self.work.at += 1;
        }
        if value > MAX_CODE_POINT {
            return Escape::Wrong(too_large);
        }
        self.work.out.push(value);
        Escape::Done
    }

    /// One to three octal digits, the first of which is `first`.
    fn octal(&mut self, first: u8) {
        let mut value = u16::from(first - b'0');
        for _ in 0..2 {
            let Some(digit @ b'0'..=b'7') = self.work.peek(0) else { break };
            value = value << 3 | u16::from(digit - b'0');
            self.work.at += 1;
        }
        if value > 0o377 {
            self.invalid.get_or_insert(InvalidEscape::Octal { at: self.start, value });
        }
        self.work.out.push(u32::from(value));
    }

    /// `{name}` behind `\N`.
    fn name(&mut self) -> Escape {
        const MALFORMED: &str = "malformed \\N character escape";
        match self.work.peek(0) {
            None => return Escape::Incomplete(MALFORMED),
            Some(b'{') => self.work.at += 1,
            Some(_) => return Escape::Wrong(MALFORMED),
        }
        let start = self.work.at;
        let Some(length) = self.work.input[start..].iter().position(|&byte| byte == b'}') else {
            self.work.at = self.work.input.len();
            return Escape::Incomplete(MALFORMED);
        };
        self.work.at += length;
        if length == 0 {
            return Escape::Wrong(MALFORMED);
        }
        self.work.at += 1;
        let name = std::str::from_utf8(&self.work.input[start..start + length]).ok();
        match name.and_then(unicode::lookup_in_literal) {
            Some(cp) => {
                self.work.out.push(cp);
                Escape::Done
            }
            None => Escape::Wrong("unknown Unicode character name"),
        }
    }

    /// What follows a backslash in `unicode_escape`.
    fn escape(&mut self) -> Escape {
        let Some(byte) = self.take() else { return Escape::Incomplete("\\ at end of string") };
        if let Some(value) = simple_escape(byte) {
            self.work.out.push(u32::from(value));
            return Escape::Done;
        }
        match byte {
            b'\n' => {}
            b'0'..=b'7' => self.octal(byte),
            b'x' => return self.hex(2, "truncated \\xXX escape", ""),
            b'u' => return self.hex(4, "truncated \\uXXXX escape", ""),
            b'U' => return self.hex(8, "truncated \\UXXXXXXXX escape", "illegal Unicode character"),
            b'N' => return self.name(),
            _ => {
                self.invalid.get_or_insert(InvalidEscape::Unknown { at: self.start, byte });
                self.keep(byte);
            }
        }
        Escape::Done
    }

    /// What follows a backslash in `raw_unicode_escape`.
    fn raw_escape(&mut self, last: bool) -> Escape {
        let Some(byte) = self.take() else {
            if last {
                self.work.out.push(u32::from(b'\\'));
                return Escape::Done;
            }
            return Escape::Incomplete("");
        };
        match byte {
            b'u' => self.hex(4, "truncated \\uXXXX escape", ""),
            b'U' => self.hex(8, "truncated \\UXXXXXXXX escape", "\\Uxxxxxxxx out of range"),
            _ => {
                self.keep(byte);
                Escape::Done
            }
        }
    }

    /// A backslash that escapes nothing.
    fn keep(&mut self, byte: u8) {
        self.work.out.push(u32::from(b'\\'));
        self.work.out.push(u32::from(byte));
    }

    fn run(mut self, last: bool, escape: impl Fn(&mut Self) -> Escape) -> Result<DecodedEscapes, H::Error> {
        while let Some(byte) = self.take() {
            if byte != b'\\' {
                self.work.out.push(u32::from(byte));
                continue;
            }
            self.start = self.work.at - 1;
            let reason = match escape(&mut self) {
                Escape::Done => continue,
                Escape::Incomplete(_) if !last => {
                    self.work.at = self.start;
                    break;
                }
                Escape::Incomplete(reason) | Escape::Wrong(reason) => reason,
            };
            self.work.fail(self.start..self.work.at, reason)?;
        }
        let decoded = self.work.finish();
        Ok(DecodedEscapes { text: decoded.text, consumed: decoded.consumed, invalid: self.invalid })
    }
}

/// Decodes `unicode_escape`.
pub fn decode_unicode_escape<H: DecodeErrors>(
    input: &[u8],
    errors: &mut H,
    last: bool,
) -> Result<DecodedEscapes, H::Error> {
    let work = Decoding::new(input, "unicodeescape", errors);
    Unescaping { work, start: 0, invalid: None }.run(last, Unescaping::escape)
}

/// Decodes `raw_unicode_escape`: only `\u` and `\U` mean something.
pub fn decode_raw_unicode_escape<H: DecodeErrors>(
    input: &[u8],
    errors: &mut H,
    last: bool,
) -> Result<DecodedEscapes, H::Error> {
    let work = Decoding::new(input, "rawunicodeescape", errors);
    Unescaping { work, start: 0, invalid: None }.run(last, |this| this.raw_escape(last))
}

/// Encodes `unicode_escape`.
pub fn encode_unicode_escape<U: Unit>(text: &[U]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for unit in text {
        match unit.cp() {
            0x5C => out.extend_from_slice(b"\\\\"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0A => out.extend_from_slice(b"\\n"),
            0x0D => out.extend_from_slice(b"\\r"),
            cp @ 0x20..=0x7E => out.push(cp as u8),
            cp => push_hex_escape(cp, |byte| out.push(byte)),
        }
    }
    out
}

/// Encodes `raw_unicode_escape`.
pub fn encode_raw_unicode_escape<U: Unit>(text: &[U]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for unit in text {
        match unit.cp() {
            cp @ 0..=0xFF => out.push(cp as u8),
            cp => push_hex_escape(cp, |byte| out.push(byte)),
        }
    }
    out
}
