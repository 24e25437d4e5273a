//! Binary data as ASCII text: hexadecimal, base 64, quoted-printable, uuencode; and the checksums that go with them.

mod base64;
mod hexadecimal;
mod quoted;
mod uu;

pub use base64::{Base64Error, decode_base64, encode_base64};
pub use hexadecimal::{FromHexError, UnhexError, from_hex, hex, unhex};
pub use quoted::{decode_quoted, encode_quoted};
pub use uu::{UuError, decode_uu, encode_uu};

/// `binascii.crc32(data, value)`
pub fn crc32(data: &[u8], value: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(value);
    hasher.update(data);
    hasher.finalize()
}

/// `binascii.crc_hqx(data, value)`: CRC-CCITT with polynomial 0x1021.
pub fn crc_hqx(data: &[u8], value: u16) -> u16 {
    const TABLE: [u16; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let (mut crc, mut bit) = ((byte as u16) << 8, 0);
            while bit < 8 {
                crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    data.iter().fold(value, |crc, &byte| crc << 8 ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}
