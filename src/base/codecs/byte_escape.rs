//! `codecs.escape_decode` and `escape_encode`: backslash escapes in bytes, as in bytes literals.

use super::escape::{InvalidEscape, simple_escape};
use crate::repr::push_hex_escape;

/// What to do about a bad `\x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscapeErrors {
    /// Raise.
    Strict,
    /// Put a question mark.
    Replace,
    /// Leave it out.
    Ignore,
}

/// Why bytes cannot be unescaped; both are `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteEscapeError {
    /// A backslash at the end.
    TrailingBackslash,
    /// `\x` without two digits.
    BadHex {
        /// Where its backslash stands.
        at: usize,
    },
}

impl ByteEscapeError {
    /// CPython's message.
    pub fn message(self) -> String {
        match self {
            ByteEscapeError::TrailingBackslash => "Trailing \\ in string".into(),
            ByteEscapeError::BadHex { at } => format!("invalid \\x escape at position {at}"),
        }
    }
}

/// Decodes escapes; also gives the first invalid one, which is kept as it is.
pub fn decode_byte_escapes(
    input: &[u8],
    errors: EscapeErrors,
) -> Result<(Vec<u8>, Option<InvalidEscape>), ByteEscapeError> {
    let (mut out, mut invalid, mut at) = (Vec::with_capacity(input.len()), None, 0);
    while let Some(&byte) = input.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let start = at - 1;
        let Some(&byte) = input.get(at) else { return Err(ByteEscapeError::TrailingBackslash) };
        at += 1;
        let digit = |at: usize| input.get(at).and_then(|&byte| (byte as char).to_digit(16)).map(|digit| digit as u8);
        match byte {
            b'\n' => {}
            b'0'..=b'7' => {
                let more = input[at..].iter().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let value =
                    input[at - 1..at + more].iter().fold(0u16, |value, digit| value << 3 | u16::from(digit - b'0'));
                at += more;
                if value > 0o377 {
                    invalid.get_or_insert(InvalidEscape::Octal { at: start, value });
                }
                out.push(value as u8);
            }
            b'x' => match (digit(at), digit(at + 1)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    at += 2;
                }
                (first, _) => {
                    match errors {
                        EscapeErrors::Strict => return Err(ByteEscapeError::BadHex { at: start }),
                        EscapeErrors::Replace => out.push(b'?'),
                        EscapeErrors::Ignore => {}
                    }
                    // a lone digit goes with the escape
                    at += usize::from(first.is_some());
                }
            },
            _ => match simple_escape(byte) {
                Some(value) => out.push(value),
                None => {
                    invalid.get_or_insert(InvalidEscape::Unknown { at: start, byte });
                    out.extend([b'\\', byte]);
                }
            },
        }
    }
    Ok((out, invalid))
}

/// Encodes as `repr` does with single quotes, without them.
pub fn encode_byte_escapes(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    for &byte in input {
        match byte {
            b'\\' | b'\'' => out.extend([b'\\', byte]),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b' '..=b'~' => out.push(byte),
            _ => push_hex_escape(u32::from(byte), |c| out.push(c)),
        }
    }
    out
}
