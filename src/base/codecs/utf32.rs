//! UTF-32 with and without byte order mark.

use std::borrow::Cow;

use super::utf16::DecodedWide;
use super::{ByteOrder, DecodeErrors, Decoding, EncodeErrors, Encoding, Replacement, is_surrogate};
use crate::text::{MAX_CODE_POINT, Text, Unit};

/// Decodes UTF-32. Without `order`, a byte order mark decides and is dropped; without one, the order is the machine's.
pub fn decode_utf32<H: DecodeErrors>(
    input: &[u8],
    order: Option<ByteOrder>,
    errors: &mut H,
    last: bool,
) -> Result<DecodedWide, H::Error> {
    let mut skip = 0;
    let mut found = order;
    if order.is_none() {
        found = match input {
            [0xFF, 0xFE, 0, 0, ..] => Some(ByteOrder::Little),
            [0, 0, 0xFE, 0xFF, ..] => Some(ByteOrder::Big),
            _ => None,
        };
        skip = if found.is_some() { 4 } else { 0 };
    }
    let little = found.unwrap_or(ByteOrder::NATIVE) == ByteOrder::Little;
    let mut work = Decoding::new(input, if little { "utf-32-le" } else { "utf-32-be" }, errors);
    work.at = skip;
    while work.at < work.input.len() {
        let at = work.at;
        let Some(&[a, b, c, d]) = work.input.get(at..at + 4) else {
            if !last {
                break;
            }
            work.fail(at..work.input.len(), "truncated data")?;
            continue;
        };
        let cp = if little { u32::from_le_bytes([a, b, c, d]) } else { u32::from_be_bytes([a, b, c, d]) };
        if is_surrogate(cp) {
            work.fail(at..at + 4, "code point in surrogate code point range(0xd800, 0xe000)")?;
        } else if cp > MAX_CODE_POINT {
            work.fail(at..at + 4, "code point not in range(0x110000)")?;
        } else {
            work.out.push(cp);
            work.at += 4;
        }
    }
    Ok(DecodedWide { decoded: work.finish(), order: found })
}

/// Encodes UTF-32; without `order` in the machine's order behind a byte order mark.
pub fn encode_utf32<U: Unit, H: EncodeErrors>(
    text: &[U],
    order: Option<ByteOrder>,
    errors: &mut H,
) -> Result<Vec<u8>, H::Error> {
    let little = order.unwrap_or(ByteOrder::NATIVE) == ByteOrder::Little;
    let put = |out: &mut Vec<u8>, unit: u32| {
        out.extend(if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
    };
    let name: Cow<'static, str> = match order {
        None => "utf-32".into(),
        Some(ByteOrder::Little) => "utf-32-le".into(),
        Some(ByteOrder::Big) => "utf-32-be".into(),
    };
    let mut work = Encoding::new(text, name, errors);
    work.out.reserve(4 * text.len() + 4);
    if order.is_none() {
        put(&mut work.out, 0xFEFF);
    }
    while let Some(cp) = text.get(work.at).map(|unit| unit.cp()) {
        if !is_surrogate(cp) {
            put(&mut work.out, cp);
            work.at += 1;
            continue;
        }
        work.fail(work.at + 1, "surrogates not allowed", |out, replacement| match replacement {
            Replacement::Bytes(bytes) if bytes.len().is_multiple_of(4) => {
                out.extend_from_slice(bytes);
                true
            }
            Replacement::Text(Text::Latin1(units)) if units.is_ascii() => {
                units.iter().for_each(|&unit| put(out, u32::from(unit)));
                true
            }
            _ => false,
        })?;
    }
    Ok(work.out)
}
