//! Keys of passwords: PBKDF2 (RFC 8018) and scrypt (RFC 7914).

use super::{ALGORITHMS, Algorithm};
use ::hmac::{Hmac, SimpleHmac};

/// PBKDF2 with HMAC of an algorithm: `len` bytes.
pub fn pbkdf2(algorithm: &Algorithm, password: &[u8], salt: &[u8], rounds: u32, len: usize) -> Vec<u8> {
    let mut key = vec![0; len];
    macro_rules! with {
        ($mac:ty) => {
            pbkdf2::pbkdf2::<$mac>(password, salt, rounds, &mut key).expect("HMAC takes keys of any length")
        };
    }
    match algorithm.name {
        "md5" => with!(Hmac<md5::Md5>),
        "sha1" => with!(Hmac<sha1::Sha1>),
        "sha224" => with!(Hmac<sha2::Sha224>),
        "sha256" => with!(Hmac<sha2::Sha256>),
        "sha384" => with!(Hmac<sha2::Sha384>),
        "sha512" => with!(Hmac<sha2::Sha512>),
        "sha3_224" => with!(SimpleHmac<sha3::Sha3_224>),
        "sha3_256" => with!(SimpleHmac<sha3::Sha3_256>),
        "sha3_384" => with!(SimpleHmac<sha3::Sha3_384>),
        "sha3_512" => with!(SimpleHmac<sha3::Sha3_512>),
        "blake2b" => with!(SimpleHmac<blake2::Blake2b512>),
        "blake2s" => with!(SimpleHmac<blake2::Blake2s256>),
        _ => unreachable!("sponges of any length have no HMAC"),
    }
    key
}

/// Bytes that scrypt takes with these parameters, if they are allowed at all.
pub fn scrypt_memory(n: u64, r: u64, p: u64) -> Option<u64> {
    if r == 0 || p == 0 || p > ((1 << 30) - 1) / r {
        return None;
    }
    if 16 * r <= 63 && n >= 1 << (16 * r) {
        return None;
    }
    let blocks = (128 * r).checked_mul(p)?;
    let table = (32 * r).checked_mul(n + 2)?.checked_mul(4)?;
    blocks.checked_add(table)
}

/// scrypt with parameters `n`, `r`, `p`: `len` bytes.
pub fn scrypt(password: &[u8], salt: &[u8], [n, r, p]: [usize; 3], len: usize) -> Vec<u8> {
    let sha256 = ALGORITHMS.iter().find(|a| a.name == "sha256").expect("in the table");
    let mut blocks = pbkdf2(sha256, password, salt, 1, p * 128 * r);
    for block in blocks.chunks_exact_mut(128 * r) {
        let mut words: Vec<u32> =
            block.chunks_exact(4).map(|w| u32::from_le_bytes(w.try_into().expect("four bytes"))).collect();
        mix(&mut words, n);
        for (bytes, word) in block.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }
    pbkdf2(sha256, password, &blocks, 1, len)
}

/// scryptROMix.
fn mix(x: &mut [u32], n: usize) {
    let len = x.len();
    let mut table = Vec::with_capacity(n * len);
    let mut spare = vec![0; len];
    for _ in 0..n {
        table.extend_from_slice(x);
        mix_blocks(x, &mut spare);
    }
    for _ in 0..n {
        let j = x[len - 16] as usize & (n - 1);
        x.iter_mut().zip(&table[j * len..]).for_each(|(a, b)| *a ^= b);
        mix_blocks(x, &mut spare);
    }
}

/// scryptBlockMix: blocks of 16 words through Salsa20/8, the even ones first in the result.
fn mix_blocks(x: &mut [u32], out: &mut [u32]) {
    let count = x.len() / 16;
    let mut last: [u32; 16] = x[x.len() - 16..].try_into().expect("16 words");
    for (i, block) in x.chunks_exact(16).enumerate() {
        last.iter_mut().zip(block).for_each(|(a, b)| *a ^= b);
        salsa(&mut last);
        let at = i / 2 + if i % 2 == 0 { 0 } else { count / 2 };
        out[at * 16..][..16].copy_from_slice(&last);
    }
    x.copy_from_slice(out);
}

/// Salsa20/8.
fn salsa(block: &mut [u32; 16]) {
    let mut x = *block;
    let mut quarter = |a: usize, b: usize, c: usize, d: usize| {
        x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
        x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
        x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
        x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
    };
    for _ in 0..4 {
        for [a, b, c, d] in [[0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11]] {
            quarter(a, b, c, d);
        }
        for [a, b, c, d] in [[0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14]] {
            quarter(a, b, c, d);
        }
    }
    block.iter_mut().zip(x).for_each(|(a, b)| *a = a.wrapping_add(b));
}

#[cfg(test)]
mod tests {
    /// RFC 7914, section 12.
    #[test]
    fn scrypt_of_the_standard() {
        let key = super::scrypt(b"", b"", [16, 1, 1], 64);
        assert_eq!(key[..4], [0x77, 0xd6, 0x57, 0x62]);
        let key = super::scrypt(b"password", b"NaCl", [1024, 8, 16], 64);
        assert_eq!(key[..4], [0xfd, 0xba, 0xbe, 0x1c]);
    }
}
