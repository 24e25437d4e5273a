//! `bytes.hex`, `bytes.fromhex`, `hexlify`, `unhexlify`.

use crate::text::{Unit, is_ascii_space};

/// Lower-case digits; with a separator between groups of bytes, counted from the right, or from the left when negative.
pub fn hex(data: &[u8], separator: Option<u8>, group: isize) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let size = group.unsigned_abs();
    // bytes before the first separator
    let first = if group < 0 || size == 0 { size } else { data.len() % size };
    let mut out = Vec::with_capacity(2 * data.len() + data.len().checked_div(size).unwrap_or(0));
    for (index, byte) in data.iter().enumerate() {
        if let Some(separator) = separator
            && size > 0
            && index > 0
            && index >= first
            && (index - first).is_multiple_of(size)
        {
            out.push(separator);
        }
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    out
}

/// Why a text is no hexadecimal data for `unhexlify`; both are `binascii.Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnhexError {
    /// An odd number of digits.
    OddLength,
    /// Something else among them.
    NotADigit,
}

impl UnhexError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            UnhexError::OddLength => "Odd-length string",
            UnhexError::NotADigit => "Non-hexadecimal digit found",
        }
    }
}

/// `binascii.unhexlify`
pub fn unhex(text: &[u8]) -> Result<Vec<u8>, UnhexError> {
    if !text.len().is_multiple_of(2) {
        return Err(UnhexError::OddLength);
    }
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    text.chunks_exact(2).map(pair).collect::<Option<_>>().ok_or(UnhexError::NotADigit)
}

/// Why a text is no hexadecimal data for `fromhex`; both are `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromHexError {
    /// A digit alone at the end.
    Odd,
    /// Something else at this place.
    NotADigit(usize),
}

impl FromHexError {
    /// CPython's message.
    pub fn message(self) -> String {
        match self {
            FromHexError::Odd => "fromhex() arg must contain an even number of hexadecimal digits".into(),
            FromHexError::NotADigit(at) => {
                format!("non-hexadecimal number found in fromhex() arg at position {at}")
            }
        }
    }
}

/// `bytes.fromhex`: pairs of digits with whitespace between pairs.
pub fn from_hex<U: Unit>(text: &[U]) -> Result<Vec<u8>, FromHexError> {
    // bytes beyond ASCII are just no digits; in a string they are looked for first
    if let Some(at) = text.iter().position(|unit| unit.cp() >= 0x80) {
        return Err(FromHexError::NotADigit(at));
    }
    let digit =
        |at: usize| text.get(at).and_then(|unit| char::from_u32(unit.cp())?.to_digit(16)).map(|digit| digit as u8);
    let (mut out, mut at) = (Vec::with_capacity(text.len() / 2), 0);
    while at < text.len() {
        if is_ascii_space(text[at].cp()) {
            at += 1;
            continue;
        }
        let high = digit(at).ok_or(FromHexError::NotADigit(at))?;
        if at + 1 == text.len() {
            return Err(FromHexError::Odd);
        }
        let low = digit(at + 1).ok_or(FromHexError::NotADigit(at + 1))?;
        out.push(high << 4 | low);
        at += 2;
    }
    Ok(out)
}
