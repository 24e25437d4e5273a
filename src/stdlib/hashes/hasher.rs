//! One hash in progress, whatever its algorithm.

use super::blake2::{Blake2b, Blake2s, Parameters};
use super::keccak::Sponge;
use sha2::Digest;

/// An algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Algorithm {
    /// Its name, as `hash.name` gives it.
    pub name: &'static str,
    /// Bytes of the digest; 0 when the caller says how many.
    pub digest_size: usize,
    /// Bytes of a block.
    pub block_size: usize,
}

const fn algorithm(name: &'static str, digest_size: usize, block_size: usize) -> Algorithm {
    Algorithm { name, digest_size, block_size }
}

/// All algorithms.
pub static ALGORITHMS: [Algorithm; 14] = [
    algorithm("md5", 16, 64),
    algorithm("sha1", 20, 64),
    algorithm("sha224", 28, 64),
    algorithm("sha256", 32, 64),
    algorithm("sha384", 48, 128),
    algorithm("sha512", 64, 128),
    algorithm("sha3_224", 28, 144),
    algorithm("sha3_256", 32, 136),
    algorithm("sha3_384", 48, 104),
    algorithm("sha3_512", 64, 72),
    algorithm("shake_128", 0, 168),
    algorithm("shake_256", 0, 136),
    algorithm("blake2b", 64, 128),
    algorithm("blake2s", 32, 64),
];

/// A hash in progress.
#[derive(Clone)]
pub enum Hasher {
    /// MD5
    Md5(md5::Md5),
    /// SHA-1
    Sha1(sha1::Sha1),
    /// SHA-224
    Sha224(sha2::Sha224),
    /// SHA-256
    Sha256(sha2::Sha256),
    /// SHA-384
    Sha384(sha2::Sha384),
    /// SHA-512
    Sha512(sha2::Sha512),
    /// SHA-3 and SHAKE
    Sponge(Sponge),
    /// BLAKE2b
    Blake2b(Blake2b),
    /// BLAKE2s
    Blake2s(Blake2s),
}

macro_rules! each {
    ($hasher:expr, $h:ident => $digest:expr, $s:ident => $sponge:expr, $b:ident => $blake:expr) => {
        match $hasher {
            Hasher::Md5($h) => $digest,
            Hasher::Sha1($h) => $digest,
            Hasher::Sha224($h) => $digest,
            Hasher::Sha256($h) => $digest,
            Hasher::Sha384($h) => $digest,
            Hasher::Sha512($h) => $digest,
            Hasher::Sponge($s) => $sponge,
            Hasher::Blake2b($b) => $blake,
            Hasher::Blake2s($b) => $blake,
        }
    };
}

impl Hasher {
    /// An empty hash.
    pub fn new(a: &Algorithm) -> Hasher {
        match a.name {
            "md5" => Hasher::Md5(md5::Md5::new()),
            "sha1" => Hasher::Sha1(sha1::Sha1::new()),
            "sha224" => Hasher::Sha224(sha2::Sha224::new()),
            "sha256" => Hasher::Sha256(sha2::Sha256::new()),
            "sha384" => Hasher::Sha384(sha2::Sha384::new()),
            "sha512" => Hasher::Sha512(sha2::Sha512::new()),
            "blake2b" => Hasher::Blake2b(Blake2b::new(&Parameters::plain(64))),
            "blake2s" => Hasher::Blake2s(Blake2s::new(&Parameters::plain(32))),
            _ => Hasher::Sponge(Sponge::new(a.block_size, if a.digest_size == 0 { 31 } else { 6 })),
        }
    }

    /// Takes in more data.
    pub fn update(&mut self, data: &[u8]) {
        each!(self, h => h.update(data), s => s.update(data), b => b.update(data));
    }

    /// The digest of what was taken in; `length` counts for sponges only.
    pub fn finish(&self, length: usize) -> Vec<u8> {
        each!(self, h => h.clone().finalize().to_vec(), s => s.finish(length), b => b.finish())
    }
}
