//! UTF-7 (RFC 2152): ASCII with shifted sections of UTF-16 in base 64.

use super::{DecodeErrors, Decoded, Decoding};
use crate::text::Unit;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn sextet(byte: u8) -> Option<u32> {
    ALPHABET.iter().position(|&digit| digit == byte).map(|at| at as u32)
}

fn is_direct_in_input(byte: u8) -> bool {
    byte < 0x80 && byte != b'+'
}

/// What the encoder writes as it is: letters, digits, most punctuation, space, tab and line ends.
fn is_direct(cp: u32) -> bool {
    matches!(cp, 0x09 | 0x0A | 0x0D | 0x20..=0x7D) && !matches!(cp, 0x2B | 0x5C)
}

/// A shifted section being read.
#[derive(Default)]
struct Section {
    bits: u32,
    held: u32,
    /// A high surrogate that waits for its low one.
    high: Option<u32>,
    /// Where the section starts, in the input and in the text.
    start: usize,
    text_start: usize,
}

impl Section {
    /// Takes a digit; calls `push` with the code points that are complete.
    fn digit(&mut self, digit: u32, mut push: impl FnMut(u32)) {
        self.held = self.held << 6 | digit;
        self.bits += 6;
        if self.bits < 16 {
            return;
        }
        self.bits -= 16;
        let unit = self.held >> self.bits;
        self.held &= (1 << self.bits) - 1;
        if let Some(high) = self.high.take() {
            if (0xDC00..0xE000).contains(&unit) {
                return push(0x1_0000 + ((high & 0x3FF) << 10 | (unit & 0x3FF)));
            }
            push(high);
        }
        if (0xD800..0xDC00).contains(&unit) { self.high = Some(unit) } else { push(unit) }
    }

    /// What is wrong with an end here.
    fn problem(&self) -> Option<&'static str> {
        match self.bits {
            6.. => Some("partial character in shift sequence"),
            _ if self.held != 0 => Some("non-zero padding bits in shift sequence"),
            _ => None,
        }
    }
}

/// Decodes UTF-7.
pub fn decode_utf7<H: DecodeErrors>(input: &[u8], errors: &mut H, last: bool) -> Result<Decoded, H::Error> {
    let mut work = Decoding::new(input, "utf7", errors);
    let mut section: Option<Section> = None;
    loop {
        let Some(byte) = work.peek(0) else {
            let Some(open) = section.take() else { return Ok(work.finish()) };
            if !last {
                work.at = open.start;
                work.out.truncate(open.text_start);
                return Ok(work.finish());
            }
            if open.high.is_some() || open.bits >= 6 || open.held != 0 {
                work.fail(open.start..work.input.len(), "unterminated shift sequence")?;
            }
            if work.at >= work.input.len() {
                return Ok(work.finish());
            }
            continue;
        };
        let Some(open) = &mut section else {
            section = direct(&mut work, byte)?;
            continue;
        };
        if let Some(digit) = sextet(byte) {
            open.digit(digit, |cp| work.out.push(cp));
            work.at += 1;
            continue;
        }
        let start = open.start;
        if let Some(reason) = open.problem() {
            section = None;
            work.fail(start..work.at + 1, reason)?;
            continue;
        }
        if let Some(high) = open.high.filter(|_| is_direct_in_input(byte)) {
            work.out.push(high);
        }
        section = None;
        work.at += usize::from(byte == b'-');
    }
}

/// A byte outside of sections; begins one at a plus.
fn direct<H: DecodeErrors>(work: &mut Decoding<'_, '_, H>, byte: u8) -> Result<Option<Section>, H::Error> {
    let start = work.at;
    if byte == b'+' {
        match work.peek(1) {
            Some(b'-') => {
                work.out.push(u32::from(b'+'));
                work.at += 2;
            }
            Some(next) if sextet(next).is_none() => work.fail(start..start + 2, "ill-formed sequence")?,
            _ => {
                work.at += 1;
                return Ok(Some(Section { start, text_start: work.out.len(), ..Section::default() }));
            }
        }
    } else if is_direct_in_input(byte) {
        work.out.push(u32::from(byte));
        work.at += 1;
    } else {
        work.fail(start..start + 1, "unexpected special character")?;
    }
    Ok(None)
}

/// Encodes UTF-7, surrogates included.
pub fn encode_utf7<U: Unit>(text: &[U]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut shifted, mut bits, mut held) = (false, 0u32, 0u32);
    let rest = |out: &mut Vec<u8>, bits: &mut u32, held: &mut u32| {
        if *bits > 0 {
            out.push(ALPHABET[(*held << (6 - *bits) & 63) as usize]);
        }
        (*bits, *held) = (0, 0);
    };
    for cp in text.iter().map(|unit| unit.cp()) {
        if is_direct(cp) {
            if shifted {
                rest(&mut out, &mut bits, &mut held);
                shifted = false;
                if sextet(cp as u8).is_some() || cp == u32::from(b'-') {
                    out.push(b'-');
                }
            }
            out.push(cp as u8);
            continue;
        }
        if !shifted {
            out.push(b'+');
            if cp == u32::from(b'+') {
                out.push(b'-');
                continue;
            }
            shifted = true;
        }
        let units = match cp.checked_sub(0x1_0000) {
            Some(offset) => [Some(0xD800 | offset >> 10), Some(0xDC00 | offset & 0x3FF)],
            None => [Some(cp), None],
        };
        for unit in units.into_iter().flatten() {
            held = (held & 63) << 16 | unit;
            bits += 16;
            while bits >= 6 {
                bits -= 6;
                out.push(ALPHABET[(held >> bits & 63) as usize]);
            }
        }
    }
    rest(&mut out, &mut bits, &mut held);
    if shifted {
        out.push(b'-');
    }
    out
}
