//! The error handlers that every Python has.

use super::{ByteOrder, DecodeErrors, DecodeResume, EncodeErrors, EncodeResume, Problem, Replacement, is_surrogate};
use crate::repr::push_hex_escape;
use crate::text::{Builder, Text};
use crate::unicode;

/// A handler by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// Raises.
    Strict,
    /// Leaves out.
    Ignore,
    /// `?`, or U+FFFD when decoding.
    Replace,
    /// Bytes from 0x80 up as lone surrogates (PEP 383).
    SurrogateEscape,
    /// Surrogates as if they were characters, in the UTF codecs.
    SurrogatePass,
    /// `\xhh`, `\uhhhh`, `\Uhhhhhhhh`.
    BackslashReplace,
    /// `&#…;`, encoding only.
    XmlCharRefReplace,
    /// `\N{…}`, encoding only.
    NameReplace,
}

impl Errors {
    /// The handler of a name; `None` for others, which a registry must know.
    pub fn from_name(name: &str) -> Option<Errors> {
        Some(match name {
            "strict" => Errors::Strict,
            "ignore" => Errors::Ignore,
            "replace" => Errors::Replace,
            "surrogateescape" => Errors::SurrogateEscape,
            "surrogatepass" => Errors::SurrogatePass,
            "backslashreplace" => Errors::BackslashReplace,
            "xmlcharrefreplace" => Errors::XmlCharRefReplace,
            "namereplace" => Errors::NameReplace,
            _ => return None,
        })
    }

    /// What replaces code points when encoding (or translating); `None`: the exception is raised.
    pub fn encode_replacement(self, problem: &Problem, code_points: &[u32]) -> Option<Replacement> {
        let mut text = Builder::new();
        match self {
            Errors::Strict => return None,
            Errors::Ignore => {}
            Errors::Replace => text.push_n(u32::from(b'?'), code_points.len()),
            Errors::SurrogateEscape => return unescaped(code_points),
            Errors::SurrogatePass => return passed(&problem.encoding, code_points),
            Errors::BackslashReplace => code_points.iter().for_each(|&cp| push_escape(cp, &mut text)),
            Errors::XmlCharRefReplace => code_points.iter().for_each(|cp| text.push_str(&format!("&#{cp};"))),
            Errors::NameReplace => code_points.iter().for_each(|&cp| push_name(cp, &mut text)),
        }
        Some(Replacement::Text(text.finish()))
    }

    /// What replaces bytes when decoding, and how many of them; `None`: the exception is raised. The runtime words the
    /// `TypeError` of the handlers that cannot decode.
    pub fn decode_replacement(self, problem: &Problem, input: &[u8]) -> Option<(Text, usize)> {
        let bytes = &input[problem.range.clone()];
        let mut text = Builder::new();
        match self {
            Errors::Strict | Errors::XmlCharRefReplace | Errors::NameReplace => return None,
            Errors::Ignore => {}
            Errors::Replace => text.push(0xFFFD),
            Errors::BackslashReplace => bytes.iter().for_each(|&byte| push_escape(u32::from(byte), &mut text)),
            Errors::SurrogateEscape => {
                let escaped = bytes.iter().take(4).take_while(|&&byte| byte >= 0x80);
                escaped.for_each(|&byte| text.push(0xDC00 + u32::from(byte)));
                let count = text.len();
                return (count > 0).then(|| (text.finish(), count));
            }
            Errors::SurrogatePass => {
                let family = Family::of(&problem.encoding)?;
                let (cp, width) = family.surrogate(input.get(problem.range.start..)?)?;
                text.push(cp);
                return Some((text.finish(), width));
            }
        }
        Some((text.finish(), bytes.len()))
    }
}

fn push_escape(cp: u32, out: &mut Builder) {
    push_hex_escape(cp, |byte| out.push(u32::from(byte)));
}

fn push_name(cp: u32, out: &mut Builder) {
    match unicode::name(cp, Default::default()) {
        Some(name) => out.push_str(&format!("\\N{{{name}}}")),
        None => push_escape(cp, out),
    }
}

/// The bytes behind surrogates that escape bytes.
fn unescaped(code_points: &[u32]) -> Option<Replacement> {
    let byte = |&cp: &u32| (0xDC80..=0xDCFF).contains(&cp).then_some(cp as u8);
    code_points.iter().map(byte).collect::<Option<_>>().map(Replacement::Bytes)
}

/// Surrogates as the UTF codec would encode them if they were characters.
fn passed(encoding: &str, code_points: &[u32]) -> Option<Replacement> {
    let family = Family::of(encoding)?;
    let mut bytes = Vec::new();
    for &cp in code_points {
        if !is_surrogate(cp) {
            return None;
        }
        match family {
            Family::Utf8 => {
                bytes.extend([0xE0 | (cp >> 12) as u8, 0x80 | (cp >> 6 & 0x3F) as u8, 0x80 | (cp & 0x3F) as u8])
            }
            Family::Utf16(ByteOrder::Little) => bytes.extend((cp as u16).to_le_bytes()),
            Family::Utf16(ByteOrder::Big) => bytes.extend((cp as u16).to_be_bytes()),
            Family::Utf32(ByteOrder::Little) => bytes.extend(cp.to_le_bytes()),
            Family::Utf32(ByteOrder::Big) => bytes.extend(cp.to_be_bytes()),
        }
    }
    Some(Replacement::Bytes(bytes))
}

/// The codecs that `surrogatepass` knows.
#[derive(Clone, Copy)]
enum Family {
    Utf8,
    Utf16(ByteOrder),
    Utf32(ByteOrder),
}

impl Family {
    /// By the names that CPython recognises.
    fn of(encoding: &str) -> Option<Family> {
        let name = encoding.to_ascii_lowercase();
        if name == "cp65001" {
            return Some(Family::Utf8);
        }
        let rest = name.strip_prefix("utf")?;
        let rest = rest.strip_prefix(['-', '_']).unwrap_or(rest);
        if rest == "8" {
            return Some(Family::Utf8);
        }
        let order = |rest: &str| {
            let rest = rest.strip_prefix(['-', '_']).unwrap_or(rest);
            match rest {
                "" => Some(ByteOrder::NATIVE),
                "le" => Some(ByteOrder::Little),
                "be" => Some(ByteOrder::Big),
                _ => None,
            }
        };
        if let Some(rest) = rest.strip_prefix("16") {
            return order(rest).map(Family::Utf16);
        }
        order(rest.strip_prefix("32")?).map(Family::Utf32)
    }

    /// The surrogate that bytes begin with, and its width.
    fn surrogate(self, bytes: &[u8]) -> Option<(u32, usize)> {
        let (cp, width) = match (self, bytes) {
            (Family::Utf8, &[a, b, c, ..]) if a & 0xF0 == 0xE0 && b & 0xC0 == 0x80 && c & 0xC0 == 0x80 => {
                (u32::from(a & 0x0F) << 12 | u32::from(b & 0x3F) << 6 | u32::from(c & 0x3F), 3)
            }
            (Family::Utf16(ByteOrder::Little), &[a, b, ..]) => (u32::from(u16::from_le_bytes([a, b])), 2),
            (Family::Utf16(ByteOrder::Big), &[a, b, ..]) => (u32::from(u16::from_be_bytes([a, b])), 2),
            (Family::Utf32(ByteOrder::Little), &[a, b, c, d, ..]) => (u32::from_le_bytes([a, b, c, d]), 4),
            (Family::Utf32(ByteOrder::Big), &[a, b, c, d, ..]) => (u32::from_be_bytes([a, b, c, d]), 4),
            _ => return None,
        };
        is_surrogate(cp).then_some((cp, width))
    }
}

impl DecodeErrors for Errors {
    type Error = Problem;

    fn handle(&mut self, problem: Problem, input: &[u8]) -> Result<DecodeResume, Problem> {
        match self.decode_replacement(&problem, input) {
            Some((text, count)) => Ok(DecodeResume { text, position: problem.range.start + count, input: None }),
            None => Err(problem),
        }
    }
}

impl EncodeErrors for Errors {
    type Error = Problem;

    fn handle(&mut self, mut problem: Problem, code_points: &[u32]) -> Result<EncodeResume, Problem> {
        let replacement = self.encode_replacement(&problem, code_points);
        if let Some(replacement) = replacement {
            return Ok(EncodeResume { replacement, position: problem.range.end });
        }
        if *self == Errors::SurrogateEscape && problem.encoding != "charmap" {
            // what can be escaped is, before the exception is made
            problem.range.start += code_points.iter().take_while(|&&cp| (0xDC80..=0xDCFF).contains(&cp)).count();
        }
        Err(problem)
    }

    fn raise(&mut self, problem: Problem) -> Problem {
        problem
    }
}
