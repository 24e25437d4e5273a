//! One line of uuencoded data.

/// Why a line is none; all are `binascii.Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UuError {
    /// Nothing at all.
    MissingLength,
    /// A byte outside of the alphabet.
    IllegalChar,
    /// Something behind the data.
    TrailingGarbage,
    /// More than 45 bytes to encode.
    TooLong,
}

impl UuError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            UuError::MissingLength => "Missing length byte",
            UuError::IllegalChar => "Illegal char",
            UuError::TrailingGarbage => "Trailing garbage",
            UuError::TooLong => "At most 45 bytes at once",
        }
    }
}

/// `binascii.a2b_uu`; a line that is too short goes on with zeros.
pub fn decode_uu(line: &[u8]) -> Result<Vec<u8>, UuError> {
    let (&first, mut rest) = line.split_first().ok_or(UuError::MissingLength)?;
    let length = usize::from(first.wrapping_sub(b' ') & 63);
    let mut out = Vec::with_capacity(length);
    let (mut held, mut bits) = (0u32, 0);
    while out.len() < length {
        let byte = rest.split_off_first().copied().unwrap_or(b'\n');
        let value = match byte {
            b'\n' | b'\r' => 0,
            b' '..=b'`' => (byte - b' ') & 63,
            _ => return Err(UuError::IllegalChar),
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
        }
    }
    let blank = |byte: &u8| matches!(byte, b' ' | b'`' | b'\n' | b'\r');
    if rest.iter().all(blank) { Ok(out) } else { Err(UuError::TrailingGarbage) }
}

/// `binascii.b2a_uu`; with `backtick`, zeros are backticks and not spaces.
pub fn encode_uu(data: &[u8], backtick: bool) -> Result<Vec<u8>, UuError> {
    if data.len() > 45 {
        return Err(UuError::TooLong);
    }
    let shown = |value: u8| if backtick && value == 0 { b'`' } else { b' ' + value };
    let mut out = vec![shown(data.len() as u8)];
    for chunk in data.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        out.extend([18, 12, 6, 0].map(|shift| shown((bits >> shift & 63) as u8)));
    }
    out.push(b'\n');
    Ok(out)
}
