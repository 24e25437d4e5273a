//! `.pyc` files: sixteen bytes of header, then the module's code object in marshal's format.
//!
//! The header is that of PEP 552; the magic number is our own, as the instructions are CPython's but the rest of what a
//! `.pyc` promises is not.

use std::sync::Arc;

use crate::CodeObject;
use crate::marshal::{self, MarshalError};

/// The number of the format of our code objects; it grows with every change to what the compiler writes.
const FORMAT: u16 = 31400;

/// `_imp.pyc_magic_number_token`: the four magic bytes as a little-endian number. The upper two are `\r\n`, so that a
/// file that was copied as text is noticed.
pub const MAGIC_TOKEN: u32 = FORMAT as u32 | u32::from_le_bytes(*b"\0\0\r\n");

/// The first four bytes of a file (`importlib.util.MAGIC_NUMBER`).
pub const MAGIC: [u8; 4] = MAGIC_TOKEN.to_le_bytes();

/// Length of the header in bytes.
pub const HEADER_LENGTH: usize = 16;

/// What tells whether a file still fits its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The source's time of modification in seconds and its size, both modulo 2³².
    Source { mtime: u32, size: u32 },
    /// A hash of the source (`_imp.source_hash`), which is looked at again if `check` is set.
    Hash { hash: [u8; 8], check: bool },
}

/// Why a file is not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PycError {
    /// Too short, or of another version or implementation.
    Magic,
    /// Flags that PEP 552 does not define.
    Flags(u32),
    /// The code object is damaged.
    Code(MarshalError),
}

impl std::fmt::Display for PycError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PycError::Magic => f.write_str("bad magic number"),
            PycError::Flags(flags) => write!(f, "invalid flags {flags}"),
            PycError::Code(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PycError {}

/// The bytes of a file.
pub fn write(code: &CodeObject, stamp: &Stamp) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    match *stamp {
        Stamp::Source { mtime, size } => {
            [0, mtime, size].into_iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        }
        Stamp::Hash { hash, check } => {
            bytes.extend_from_slice(&(1 | (check as u32) << 1).to_le_bytes());
            bytes.extend_from_slice(&hash);
        }
    }
    bytes.extend_from_slice(&marshal::dump_code(code));
    bytes
}

/// The stamp of a file, without reading its code.
pub fn read_stamp(bytes: &[u8]) -> Result<Stamp, PycError> {
    let header: &[u8; HEADER_LENGTH] = bytes.first_chunk().ok_or(PycError::Magic)?;
    if header[..4] != MAGIC {
        return Err(PycError::Magic);
    }
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    match number(4) {
        0 => Ok(Stamp::Source { mtime: number(8), size: number(12) }),
        flags @ (1 | 3) => {
            let hash = std::array::from_fn(|at| header[8 + at]);
            Ok(Stamp::Hash { hash, check: flags & 2 != 0 })
        }
        flags => Err(PycError::Flags(flags)),
    }
}

/// The stamp and the code object of a file.
pub fn read(bytes: &[u8]) -> Result<(Stamp, Arc<CodeObject>), PycError> {
    let stamp = read_stamp(bytes)?;
    let code = marshal::load_code(&bytes[HEADER_LENGTH..]).map_err(PycError::Code)?;
    Ok((stamp, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let code = CodeObject { name: "<module>".into(), ..CodeObject::default() };
        for stamp in [Stamp::Source { mtime: 7, size: 9 }, Stamp::Hash { hash: [1; 8], check: true }] {
            let bytes = write(&code, &stamp);
            assert_eq!(read(&bytes), Ok((stamp, Arc::new(code.clone()))));
        }
        assert_eq!(read(b"no"), Err(PycError::Magic));
        assert_eq!(MAGIC[2..], *b"\r\n");
    }
}
