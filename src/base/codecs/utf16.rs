//! UTF-16 with and without byte order mark.

use std::borrow::Cow;

use super::{ByteOrder, DecodeErrors, Decoded, Decoding, EncodeErrors, Encoding, Replacement, is_surrogate};
use crate::text::{Text, Unit};

/// Decoded text, and the byte order that a mark has set, for the next piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedWide {
    /// Text and bytes consumed.
    pub decoded: Decoded,
    /// The byte order given, or found in a mark; `None`: neither.
    pub order: Option<ByteOrder>,
}

/// Decodes UTF-16. Without `order`, a byte order mark decides and is dropped; without one, the order is the machine's.
pub fn decode_utf16<H: DecodeErrors>(
    input: &[u8],
    order: Option<ByteOrder>,
    errors: &mut H,
    last: bool,
) -> Result<DecodedWide, H::Error> {
    let mut skip = 0;
    let mut found = order;
    if order.is_none() {
        found = match input {
            [0xFF, 0xFE, ..] => Some(ByteOrder::Little),
            [0xFE, 0xFF, ..] => Some(ByteOrder::Big),
            _ => None,
        };
        skip = if found.is_some() { 2 } else { 0 };
    }
    let little = found.unwrap_or(ByteOrder::NATIVE) == ByteOrder::Little;
    let mut work = Decoding::new(input, if little { "utf-16-le" } else { "utf-16-be" }, errors);
    work.at = skip;
    while work.at < work.input.len() {
        let unit = |work: &Decoding<'_, '_, H>, ahead: usize| {
            let pair = [work.peek(ahead)?, work.peek(ahead + 1)?];
            Some(u32::from(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }))
        };
        let (at, end) = (work.at, work.input.len());
        match (unit(&work, 0), unit(&work, 2)) {
            (None, _) | (Some(0xD800..=0xDBFF), None) if !last => break,
            (None, _) => work.fail(at..end, "truncated data")?,
            (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
                work.out.push(0x1_0000 + ((high & 0x3FF) << 10 | (low & 0x3FF)));
                work.at += 4;
            }
            (Some(0xD800..=0xDBFF), Some(_)) => work.fail(at..at + 2, "illegal UTF-16 surrogate")?,
            (Some(0xD800..=0xDBFF), None) => work.fail(at..end, "unexpected end of data")?,
            (Some(0xDC00..=0xDFFF), _) => work.fail(at..at + 2, "illegal encoding")?,
            (Some(cp), _) => {
                work.out.push(cp);
                work.at += 2;
            }
        }
    }
    Ok(DecodedWide { decoded: work.finish(), order: found })
}

/// Encodes UTF-16; without `order` in the machine's order behind a byte order mark.
pub fn encode_utf16<U: Unit, H: EncodeErrors>(
    text: &[U],
    order: Option<ByteOrder>,
    errors: &mut H,
) -> Result<Vec<u8>, H::Error> {
    let little = order.unwrap_or(ByteOrder::NATIVE) == ByteOrder::Little;
    let put = |out: &mut Vec<u8>, unit: u16| {
        out.extend(if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
    };
    let name: Cow<'static, str> = match order {
        None => "utf-16".into(),
        Some(ByteOrder::Little) => "utf-16-le".into(),
        Some(ByteOrder::Big) => "utf-16-be".into(),
    };
    let mut work = Encoding::new(text, name, errors);
    work.out.reserve(2 * text.len() + 2);
    if order.is_none() {
        put(&mut work.out, 0xFEFF);
    }
    while let Some(cp) = text.get(work.at).map(|unit| unit.cp()) {
        if is_surrogate(cp) {
            work.fail(work.at + 1, "surrogates not allowed", |out, replacement| match replacement {
                Replacement::Bytes(bytes) if bytes.len().is_multiple_of(2) => {
                    out.extend_from_slice(bytes);
                    true
                }
                Replacement::Text(Text::Latin1(units)) if units.is_ascii() => {
                    units.iter().for_each(|&unit| put(out, u16::from(unit)));
                    true
                }
                _ => false,
            })?;
            continue;
        }
        match cp.checked_sub(0x1_0000) {
            None => put(&mut work.out, cp as u16),
            Some(offset) => {
                put(&mut work.out, 0xD800 | (offset >> 10) as u16);
                put(&mut work.out, 0xDC00 | (offset & 0x3FF) as u16);
            }
        }
        work.at += 1;
    }
    Ok(work.out)
}
