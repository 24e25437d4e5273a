//! Hashes of text and bytes: SipHash-1-3 with a key of the process (PEP 456), seeded as `PYTHONHASHSEED` says.

use std::sync::OnceLock;

static KEY: OnceLock<(u64, u64)> = OnceLock::new();

/// Sets the key before the first hash; later calls change nothing. `None`: random.
pub fn seed(seed: Option<u32>) {
    KEY.get_or_init(|| make_key(seed));
}

fn make_key(seed: Option<u32>) -> (u64, u64) {
    match seed {
        Some(0) => (0, 0),
        Some(n) => {
            // The linear congruential generator of `Python/bootstrap_hash.c`: x = x * 214013 + 2531011, byte = x >> 16.
            let mut x = n;
            let mut bytes = [0u8; 16];
            for b in &mut bytes {
                x = x.wrapping_mul(214013).wrapping_add(2531011);
                *b = (x >> 16) as u8;
            }
            (
                u64::from_le_bytes(bytes[..8].try_into().expect("8")),
                u64::from_le_bytes(bytes[8..].try_into().expect("8")),
            )
        }
        None => {
            let mut bytes = [0u8; 16];
            crate::host::entropy(&mut bytes);
            (
                u64::from_le_bytes(bytes[..8].try_into().expect("8")),
                u64::from_le_bytes(bytes[8..].try_into().expect("8")),
            )
        }
    }
}

/// Hash of a byte sequence (the units of a str, or bytes); empty gives 0, never -1.
pub fn hash_bytes(bytes: &[u8]) -> i64 {
    use std::hash::Hasher;
    if bytes.is_empty() {
        return 0;
    }
    let &(k0, k1) = KEY.get_or_init(|| make_key(None));
    let mut h = siphasher::sip::SipHasher13::new_with_keys(k0, k1);
    h.write(bytes);
    match h.finish() as i64 {
        -1 => -2,
        h => h,
    }
}

/// Hash of an address, as `object.__hash__` gives it.
pub fn hash_address(word: usize) -> i64 {
    let h = (word as u64).rotate_right(4) as i64;
    if h == -1 { -2 } else { h }
}
