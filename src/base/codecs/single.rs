//! One byte a character: ASCII, Latin-1, and whatever a character map says.

use smallvec::SmallVec;

use super::{DecodeErrors, Decoding, EncodeErrors, Encoding, Problem, Replacement, push_narrow};
use crate::text::{Text, Unit, code_points};
use crate::with_units;

/// Decodes ASCII; every byte from 0x80 up is an error.
pub fn decode_ascii<H: DecodeErrors>(input: &[u8], errors: &mut H) -> Result<Text, H::Error> {
    if input.is_ascii() {
        return Ok(Text::Latin1(input.to_vec()));
    }
    let mut work = Decoding::new(input, "ascii", errors);
    while let Some(byte) = work.peek(0) {
        if byte < 0x80 {
            work.out.push(u32::from(byte));
            work.at += 1;
        } else {
            work.fail(work.at..work.at + 1, "ordinal not in range(128)")?;
        }
    }
    Ok(work.finish().text)
}

/// Decodes Latin-1, which never fails.
pub fn decode_latin1(input: &[u8]) -> Text {
    Text::Latin1(input.to_vec())
}

/// Encodes ASCII.
pub fn encode_ascii<U: Unit, H: EncodeErrors>(text: &[U], errors: &mut H) -> Result<Vec<u8>, H::Error> {
    encode_below(text, errors, 0x80, "ascii", "ordinal not in range(128)")
}

/// Encodes Latin-1.
pub fn encode_latin1<U: Unit, H: EncodeErrors>(text: &[U], errors: &mut H) -> Result<Vec<u8>, H::Error> {
    encode_below(text, errors, 0x100, "latin-1", "ordinal not in range(256)")
}

fn encode_below<U: Unit, H: EncodeErrors>(
    text: &[U],
    errors: &mut H,
    limit: u32,
    encoding: &'static str,
    reason: &'static str,
) -> Result<Vec<u8>, H::Error> {
    if let Some(bytes) = U::as_bytes(text).filter(|bytes| limit > 0x80 || bytes.is_ascii()) {
        return Ok(bytes.to_vec());
    }
    let mut work = Encoding::new(text, encoding, errors);
    while let Some(unit) = text.get(work.at) {
        if unit.cp() < limit {
            work.out.push(unit.cp() as u8);
            work.at += 1;
        } else {
            let end = work.run(|cp| cp >= limit);
            work.fail(end, reason, |out, replacement| push_narrow(out, replacement, limit))?;
        }
    }
    Ok(work.out)
}

const UNDEFINED: &str = "character maps to <undefined>";

/// What a decoding map says about a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// Nothing: an error.
    Undefined,
    /// A code point.
    CodePoint(u32),
    /// Several, or none.
    Text(Text),
}

/// Decodes with a map that the caller asks (a dictionary, say); its errors end the decoding.
pub fn decode_charmap<H: DecodeErrors>(
    input: &[u8],
    errors: &mut H,
    mut map: impl FnMut(u8) -> Result<Mapped, H::Error>,
) -> Result<Text, H::Error> {
    let mut work = Decoding::new(input, "charmap", errors);
    while let Some(byte) = work.peek(0) {
        match map(byte)? {
            Mapped::Undefined => {
                work.fail(work.at..work.at + 1, UNDEFINED)?;
                continue;
            }
            Mapped::CodePoint(cp) => work.out.push(cp),
            Mapped::Text(text) => work.out.push_text(&text),
        }
        work.at += 1;
    }
    Ok(work.finish().text)
}

/// Decodes with a table: the byte's place in a string, where U+FFFE and places beyond the end are undefined.
pub fn decode_charmap_table<U: Unit, H: DecodeErrors>(
    input: &[u8],
    table: &[U],
    errors: &mut H,
) -> Result<Text, H::Error> {
    decode_charmap(input, errors, |byte| {
        Ok(match table.get(usize::from(byte)).map(|unit| unit.cp()) {
            None | Some(0xFFFE) => Mapped::Undefined,
            Some(cp) => Mapped::CodePoint(cp),
        })
    })
}

/// Encodes with a map that the caller asks: bytes of a code point, or `None` when it has none. Its errors end the
/// encoding.
pub fn encode_charmap<U: Unit, H: EncodeErrors>(
    text: &[U],
    errors: &mut H,
    mut map: impl FnMut(u32) -> Result<Option<SmallVec<[u8; 8]>>, H::Error>,
) -> Result<Vec<u8>, H::Error> {
    let mut work = Encoding::new(text, "charmap", errors);
    while let Some(unit) = text.get(work.at) {
        if let Some(bytes) = map(unit.cp())? {
            work.out.extend_from_slice(&bytes);
            work.at += 1;
            continue;
        }
        let mut end = work.at + 1;
        while end < text.len() && map(text[end].cp())?.is_none() {
            end += 1;
        }
        let problem = Problem { encoding: "charmap".into(), range: work.at..end, reason: UNDEFINED.into() };
        let bad: Vec<u32> = code_points(&text[work.at..end]).collect();
        let resume = work.errors.handle(problem.clone(), &bad)?;
        match resume.replacement {
            Replacement::Bytes(bytes) => work.out.extend_from_slice(&bytes),
            Replacement::Text(replacement) => {
                for cp in with_units!(&replacement, units => code_points(units).collect::<Vec<_>>()) {
                    match map(cp)? {
                        Some(bytes) => work.out.extend_from_slice(&bytes),
                        None => return Err(work.errors.raise(problem)),
                    }
                }
            }
        }
        work.at = resume.position.min(text.len());
    }
    Ok(work.out)
}

/// What `codecs.charmap_build` makes of a decoding table: bytes by code point, sorted.
#[derive(Clone, Debug, Default)]
pub struct CharMap {
    rows: Vec<(u32, u8)>,
}

impl CharMap {
    /// From a decoding table of at most 256 code points; U+FFFE marks bytes without meaning, later bytes win.
    pub fn build<U: Unit>(table: &[U]) -> CharMap {
        let defined = code_points(table).enumerate().filter(|&(_, cp)| cp != 0xFFFE);
        let mut rows: Vec<(u32, u8)> = defined.map(|(byte, cp)| (cp, byte as u8)).collect();
        rows.sort_unstable_by_key(|&(cp, byte)| (cp, std::cmp::Reverse(byte)));
        rows.dedup_by_key(|row| row.0);
        CharMap { rows }
    }

    /// The byte of a code point.
    pub fn byte(&self, cp: u32) -> Option<u8> {
        self.rows.binary_search_by_key(&cp, |row| row.0).ok().map(|at| self.rows[at].1)
    }

    /// Bytes held outside of the value itself.
    pub fn heap_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<(u32, u8)>()
    }
}
