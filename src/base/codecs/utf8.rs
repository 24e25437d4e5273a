//! UTF-8, with the ranges and reasons of CPython's errors.

use super::{DecodeErrors, Decoded, Decoding, EncodeErrors, Encoding, Errors, is_surrogate, push_narrow};
use crate::text::{Text, Unit};

/// Decodes UTF-8. An error covers the longest start of a valid sequence.
pub fn decode_utf8<H: DecodeErrors>(input: &[u8], errors: &mut H, last: bool) -> Result<Decoded, H::Error> {
    if input.is_ascii() {
        return Ok(Decoded { text: Text::Latin1(input.to_vec()), consumed: input.len() });
    }
    let mut work = Decoding::new(input, "utf-8", errors);
    loop {
        let (valid, bad) = match std::str::from_utf8(&work.input[work.at..]) {
            Ok(text) => {
                work.out.push_str(text);
                work.at = work.input.len();
                return Ok(work.finish());
            }
            Err(error) => (error.valid_up_to(), error.error_len()),
        };
        let start = work.at + valid;
        if let Ok(text) = std::str::from_utf8(&work.input[work.at..start]) {
            work.out.push_str(text);
        }
        work.at = start;
        match bad {
            None if !last => return Ok(work.finish()),
            None => work.fail(start..work.input.len(), "unexpected end of data")?,
            Some(length) => {
                let starts = matches!(work.input[start], 0xC2..=0xF4);
                let reason = if starts { "invalid continuation byte" } else { "invalid start byte" };
                work.fail(start..start + length, reason)?;
            }
        }
    }
}

/// Encodes UTF-8; runs of surrogates are errors.
pub fn encode_utf8<U: Unit, H: EncodeErrors>(text: &[U], errors: &mut H) -> Result<Vec<u8>, H::Error> {
    if let Some(ascii) = U::as_bytes(text).filter(|bytes| bytes.is_ascii()) {
        return Ok(ascii.to_vec());
    }
    let mut work = Encoding::new(text, "utf-8", errors);
    while let Some(unit) = text.get(work.at) {
        match char::from_u32(unit.cp()) {
            Some(c) => {
                work.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                work.at += 1;
            }
            None => {
                let end = work.run(is_surrogate);
                work.fail(end, "surrogates not allowed", |out, replacement| push_narrow(out, replacement, 0x80))?;
            }
        }
    }
    Ok(work.out)
}

/// The UTF-8 of a text without surrogates.
pub fn encode_utf8_strict<U: Unit>(text: &[U]) -> Option<String> {
    String::from_utf8(encode_utf8(text, &mut Errors::Strict).ok()?).ok()
}
