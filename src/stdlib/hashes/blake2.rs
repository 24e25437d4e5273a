//! BLAKE2b and BLAKE2s (RFC 7693) with all parameters of the parameter block, tree hashing included.

const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// What a BLAKE2 hash is made with.
#[derive(Clone)]
pub struct Parameters {
    /// Bytes of the digest.
    pub digest_size: usize,
    /// Key, at most as long as the largest digest.
    pub key: Vec<u8>,
    /// Salt, at most a quarter of that.
    pub salt: Vec<u8>,
    /// Personalisation, as long as the salt at most.
    pub person: Vec<u8>,
    /// Tree hashing: number of children, 0 for any.
    pub fanout: u8,
    /// Tree hashing: levels.
    pub depth: u8,
    /// Tree hashing: bytes of a leaf, 0 for any.
    pub leaf_size: u32,
    /// Tree hashing: number of the node on its level.
    pub node_offset: u64,
    /// Tree hashing: level of the node.
    pub node_depth: u8,
    /// Tree hashing: bytes of an inner digest.
    pub inner_size: u8,
    /// Tree hashing: the node is the last of its level.
    pub last_node: bool,
}

impl Parameters {
    /// Plain hashing to `digest_size` bytes.
    pub fn plain(digest_size: usize) -> Parameters {
        Parameters {
            digest_size,
            key: Vec::new(),
            salt: Vec::new(),
            person: Vec::new(),
            fanout: 1,
            depth: 1,
            leaf_size: 0,
            node_offset: 0,
            node_depth: 0,
            inner_size: 0,
            last_node: false,
        }
    }

    /// The parameter block, `size` bytes.
    fn block(&self, size: usize) -> Vec<u8> {
        let mut b = vec![self.digest_size as u8, self.key.len() as u8, self.fanout, self.depth];
        b.extend(self.leaf_size.to_le_bytes());
        let offset = self.node_offset.to_le_bytes();
        b.extend(&offset[..if size == 64 { 8 } else { 6 }]);
        b.extend([self.node_depth, self.inner_size]);
        b.resize(size / 2, 0);
        for part in [&self.salt, &self.person] {
            let end = b.len() + size / 4;
            b.extend(part);
            b.resize(end, 0);
        }
        b
    }
}

macro_rules! blake2 {
    ($(#[$doc:meta])* $name:ident, $word:ty, $wide:ty, $bytes:literal, $rounds:literal, [$r1:literal, $r2:literal, $r3:literal, $r4:literal], $iv:expr) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            state: [$word; 8],
            /// Bytes taken in before the buffer.
            count: $wide,
            buffer: [u8; 16 * $bytes],
            filled: usize,
            size: usize,
            last_node: bool,
        }

        impl $name {
            const IV: [$word; 8] = $iv;

            /// An empty hash.
            pub fn new(with: &Parameters) -> $name {
                let block = with.block(8 * $bytes);
                let mut words = block.chunks_exact($bytes).map(|w| {
                    w.iter().rev().fold(0, |n: $word, &b| n << 8 | <$word>::from(b))
                });
                let state = std::array::from_fn(|i| Self::IV[i] ^ words.next().unwrap_or(0));
                let (buffer, size, last_node) = ([0; 16 * $bytes], with.digest_size, with.last_node);
                let mut hash = $name { state, count: 0, buffer, filled: 0, size, last_node };
                if !with.key.is_empty() {
                    let mut key = with.key.clone();
                    key.resize(16 * $bytes, 0);
                    hash.update(&key);
                }
                hash
            }

            /// Takes in more data. The last block stays in the buffer: it is compressed differently.
            pub fn update(&mut self, mut data: &[u8]) {
                while !data.is_empty() {
                    if self.filled == self.buffer.len() {
                        self.count += self.filled as $wide;
                        self.compress(false);
                        self.filled = 0;
                    }
                    let n = (self.buffer.len() - self.filled).min(data.len());
                    self.buffer[self.filled..self.filled + n].copy_from_slice(&data[..n]);
                    self.filled += n;
                    data = &data[n..];
                }
            }

            /// The digest of what was taken in.
            pub fn finish(&self) -> Vec<u8> {
                let mut end = self.clone();
                end.count += end.filled as $wide;
                end.buffer[end.filled..].fill(0);
                end.compress(true);
                let mut out: Vec<u8> = end.state.iter().flat_map(|w| w.to_le_bytes()).collect();
                out.truncate(self.size);
                out
            }

            fn compress(&mut self, last: bool) {
                let message: [$word; 16] = std::array::from_fn(|i| {
                    self.buffer[i * $bytes..(i + 1) * $bytes].iter().rev().fold(0, |n: $word, &b| n << 8 | <$word>::from(b))
                });
                let mut v: [$word; 16] = std::array::from_fn(|i| if i < 8 { self.state[i] } else { Self::IV[i - 8] });
                v[12] ^= self.count as $word;
                v[13] ^= (self.count >> (8 * $bytes)) as $word;
                if last {
                    v[14] = !v[14];
                    if self.last_node {
                        v[15] = !v[15];
                    }
                }
                for round in 0..$rounds {
                    let s = &SIGMA[round % 10];
                    for i in 0..8 {
                        let (column, shift) = (i % 4, usize::from(i >= 4));
                        let [a, b, c, d] = [0, 1, 2, 3].map(|k| 4 * k + (column + k * shift) % 4);
                        let mut mix = |x: $word, first: u32, second: u32| {
                            v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
                            v[d] = (v[d] ^ v[a]).rotate_right(first);
                            v[c] = v[c].wrapping_add(v[d]);
                            v[b] = (v[b] ^ v[c]).rotate_right(second);
                        };
                        mix(message[s[2 * i]], $r1, $r2);
                        mix(message[s[2 * i + 1]], $r3, $r4);
                    }
                }
                for i in 0..8 {
                    self.state[i] ^= v[i] ^ v[i + 8];
                }
            }
        }
    };
}

blake2!(
    /// BLAKE2b: 64-bit words.
    Blake2b, u64, u128, 8, 12, [32, 24, 16, 63],
    [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ]
);
blake2!(
    /// BLAKE2s: 32-bit words.
    Blake2s, u32, u64, 4, 10, [16, 12, 8, 7],
    [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ]
);
