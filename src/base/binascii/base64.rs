//! Base 64 (RFC 4648), lenient and strict.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Value of a digit, 255 for other bytes.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut digit = 0;
    while digit < 64 {
        values[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

/// Why a text is no base 64; all are `binascii.Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base64Error {
    /// Too few `=`.
    IncorrectPadding,
    /// One digit more than a multiple of four.
    OneDigitMore {
        /// How many there are.
        digits: usize,
    },
    /// Strict: padding at the start.
    LeadingPadding,
    /// Strict: too many `=`.
    ExcessPadding,
    /// Strict: something behind the padding.
    ExcessData,
    /// Strict: a byte that is no digit.
    NotADigit,
    /// Strict: digits between the padding.
    DiscontinuousPadding,
}

impl Base64Error {
    /// CPython's message.
    pub fn message(self) -> String {
        match self {
            Base64Error::IncorrectPadding => "Incorrect padding".into(),
            Base64Error::OneDigitMore { digits } => format!(
                "Invalid base64-encoded string: number of data characters ({digits}) cannot be 1 more than a multiple of 4"
            ),
            Base64Error::LeadingPadding => "Leading padding not allowed".into(),
            Base64Error::ExcessPadding => "Excess padding not allowed".into(),
            Base64Error::ExcessData => "Excess data after padding".into(),
            Base64Error::NotADigit => "Only base64 data is allowed".into(),
            Base64Error::DiscontinuousPadding => "Discontinuous padding not allowed".into(),
        }
    }
}

/// `binascii.b2a_base64`
pub fn encode_base64(data: &[u8], newline: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len().div_ceil(3) * 4 + 1);
    for chunk in data.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let shown = digit <= chunk.len();
            out.push(if shown { ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize] } else { b'=' });
        }
    }
    if newline {
        out.push(b'\n');
    }
    out
}

/// `binascii.a2b_base64`: leniently, everything but digits is skipped, and padding counts only at the end.
pub fn decode_base64(text: &[u8], strict: bool) -> Result<Vec<u8>, Base64Error> {
    if strict && text.first() == Some(&b'=') {
        return Err(Base64Error::LeadingPadding);
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    // digits of the current group of four, their bits, and the padding behind them
    let (mut digits, mut bits, mut pads) = (0, 0u32, 0);
    for &byte in text {
        if byte == b'=' {
            pads += 1;
            if strict {
                check_padding(digits, pads, &out)?;
            }
            continue;
        }
        let value = VALUES[usize::from(byte)];
        if value == 255 {
            if strict {
                return Err(Base64Error::NotADigit);
            }
            continue;
        }
        if strict && pads > 0 {
            return Err(if digits + pads == 4 { Base64Error::ExcessData } else { Base64Error::DiscontinuousPadding });
        }
        pads = 0;
        bits = bits << 6 | u32::from(value);
        digits = (digits + 1) % 4;
        if digits != 1 {
            // 4, 2 or no bits of the digit belong to the next byte
            out.push((bits >> ((4 - digits) % 4 * 2)) as u8);
        }
    }
    match digits {
        0 => Ok(out),
        1 => Err(one_digit_more(&out)),
        _ if digits + pads >= 4 => Ok(out),
        _ => Err(Base64Error::IncorrectPadding),
    }
}

fn one_digit_more(out: &[u8]) -> Base64Error {
    Base64Error::OneDigitMore { digits: out.len() / 3 * 4 + 1 }
}

fn check_padding(digits: u32, pads: u32, out: &[u8]) -> Result<(), Base64Error> {
    match digits {
        1 => Err(one_digit_more(out)),
        0 => Err(Base64Error::ExcessPadding),
        _ if digits + pads > 4 => Err(Base64Error::ExcessPadding),
        _ => Ok(()),
    }
}
