//! Hashes of strings, bytes, tuples, frozensets and addresses, as CPython 3.14 computes them. Numbers: [`crate::int`].
//!
//! Strings and bytes are hashed with SipHash-1-3 over their raw array, with a key that `PYTHONHASHSEED` decides, so that
//! with a fixed seed sets iterate in CPython's order.

use crate::text::Unit;

/// -1 means "error" in C: no hash has this value.
fn not_minus_one(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

/// The key of string hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HashKey {
    k0: u64,
    k1: u64,
}

impl HashKey {
    /// Bytes of entropy that a random key takes.
    pub const BYTES: usize = 16;

    /// The key of `PYTHONHASHSEED=seed`: all zero for 0 (no randomisation), else from a linear congruential generator.
    pub fn from_seed(seed: u32) -> HashKey {
        if seed == 0 {
            return HashKey::default();
        }
        let mut state = seed;
        HashKey::from_entropy(std::array::from_fn(|_| {
            state = state.wrapping_mul(214_013).wrapping_add(2_531_011);
            (state >> 16) as u8
        }))
    }

    /// A key from random bytes.
    pub fn from_entropy(bytes: [u8; HashKey::BYTES]) -> HashKey {
        let word = |start: usize| (0..8).fold(0, |word, at| word | u64::from(bytes[start + at]) << (8 * at));
        HashKey { k0: word(0), k1: word(8) }
    }

    /// `hash(str)` or `hash(bytes)`.
    pub fn hash<U: Unit>(self, units: &[U]) -> i64 {
        if units.is_empty() {
            return 0;
        }
        let width = size_of::<U>();
        let mut state = Sip::new(self);
        let mut chunks = units.chunks_exact(8 / width);
        for chunk in &mut chunks {
            state.word(pack(chunk, width));
        }
        let length = size_of_val(units) as u64;
        not_minus_one(state.finish(pack(chunks.remainder(), width) | length << 56) as i64)
    }
}

/// Units as the little-endian word that they are in memory.
#[inline]
fn pack<U: Unit>(units: &[U], width: usize) -> u64 {
    units.iter().enumerate().fold(0, |word, (at, unit)| word | u64::from(unit.cp()) << (8 * width * at))
}

/// SipHash with one round per word and three at the end (Aumasson and Bernstein, 2012).
struct Sip {
    v: [u64; 4],
}

impl Sip {
    fn new(key: HashKey) -> Sip {
        // "somepseudorandomlygeneratedbytes"
        const START: [u64; 4] =
            [0x736F_6D65_7073_6575, 0x646F_7261_6E64_6F6D, 0x6C79_6765_6E65_7261, 0x7465_6462_7974_6573];
        Sip { v: [START[0] ^ key.k0, START[1] ^ key.k1, START[2] ^ key.k0, START[3] ^ key.k1] }
    }

    #[inline]
    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.v;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.v = [a, b, c, d];
    }

    #[inline]
    fn word(&mut self, word: u64) {
        self.v[3] ^= word;
        self.round();
        self.v[0] ^= word;
    }

    fn finish(mut self, last: u64) -> u64 {
        self.word(last);
        self.v[2] ^= 0xFF;
        (0..3).for_each(|_| self.round());
        self.v[0] ^ self.v[1] ^ self.v[2] ^ self.v[3]
    }
}

// xxHash's 64-bit primes
const PRIME_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME_5: u64 = 0x27D4_EB2F_1656_67C5;
/// What xxHash-based hashes become instead of -1.
const INSTEAD_OF_MINUS_ONE: i64 = 1_546_275_796;

/// Mixes the hashes of a tuple's items one after the other.
#[derive(Clone, Copy, Debug)]
pub struct TupleHash {
    mixed: u64,
    count: u64,
}

impl Default for TupleHash {
    fn default() -> TupleHash {
        TupleHash { mixed: PRIME_5, count: 0 }
    }
}

impl TupleHash {
    /// Adds an item's hash.
    #[inline]
    pub fn add(&mut self, hash: i64) {
        let mixed = self.mixed.wrapping_add((hash as u64).wrapping_mul(PRIME_2));
        self.mixed = mixed.rotate_left(31).wrapping_mul(PRIME_1);
        self.count += 1;
    }

    /// `hash(tuple)`
    pub fn finish(self) -> i64 {
        let hash = self.mixed.wrapping_add(self.count ^ (PRIME_5 ^ 3_527_539)) as i64;
        if hash == -1 { INSTEAD_OF_MINUS_ONE } else { hash }
    }

    /// `hash(slice)`: the same without the count.
    pub fn finish_slice(self) -> i64 {
        let hash = self.mixed as i64;
        if hash == -1 { INSTEAD_OF_MINUS_ONE } else { hash }
    }
}

/// `hash(tuple)` from the hashes of its items.
pub fn hash_tuple(hashes: &[i64]) -> i64 {
    let mut hash = TupleHash::default();
    hashes.iter().for_each(|&item| hash.add(item));
    hash.finish()
}

/// `hash(frozenset)` from the hashes of its items, in any order.
pub fn hash_frozenset(hashes: impl IntoIterator<Item = i64>) -> i64 {
    let shuffle = |hash: u64| ((hash ^ 89_869_747) ^ (hash << 16)).wrapping_mul(3_644_798_167);
    let (mut hash, mut count) = (0u64, 0u64);
    for item in hashes {
        hash ^= shuffle(item as u64);
        count += 1;
    }
    hash ^= (count + 1).wrapping_mul(1_927_868_237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    let hash = hash.wrapping_mul(69_069).wrapping_add(907_133_923) as i64;
    if hash == -1 { 590_923_713 } else { hash }
}

/// `hash(object())`: the address turned by four bits, which are mostly zero.
pub fn hash_address(address: usize) -> i64 {
    not_minus_one((address as u64).rotate_right(4) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_empty_text() {
        assert_eq!(hash_address(0x7F00_0010), 0x07F0_0001);
        assert_eq!(HashKey::from_seed(7).hash::<u8>(&[]), 0);
        // the same text in another width is another array, but such a string is never made
        assert_ne!(HashKey::default().hash(b"ab"), HashKey::default().hash(&[0x61_u16, 0x62]));
    }
}
