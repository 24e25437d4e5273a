//! SHA-3 and SHAKE (FIPS 202): the sponge over Keccak-f[1600].

const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// A sponge that takes in data, `rate` bytes at a time.
#[derive(Clone)]
pub struct Sponge {
    lanes: [u64; 25],
    /// Bytes of a block.
    pub rate: usize,
    /// The bits that end the message: 6 for SHA-3, 31 for SHAKE.
    pub suffix: u8,
    /// Bytes of the present block taken in so far.
    filled: usize,
}

impl Sponge {
    /// An empty sponge.
    pub fn new(rate: usize, suffix: u8) -> Sponge {
        Sponge { lanes: [0; 25], rate, suffix, filled: 0 }
    }

    fn xor(&mut self, at: usize, byte: u8) {
        self.lanes[at / 8] ^= u64::from(byte) << (8 * (at % 8));
    }

    /// Takes in more data.
    pub fn update(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let n = (self.rate - self.filled).min(data.len());
            for (i, &b) in data[..n].iter().enumerate() {
                self.xor(self.filled + i, b);
            }
            self.filled += n;
            data = &data[n..];
            if self.filled == self.rate {
                permute(&mut self.lanes);
                self.filled = 0;
            }
        }
    }

    /// `length` bytes of output for what was taken in.
    pub fn finish(&self, length: usize) -> Vec<u8> {
        let mut end = self.clone();
        end.xor(end.filled, end.suffix);
        end.xor(end.rate - 1, 0x80);
        let mut out = Vec::with_capacity(length + self.rate);
        while out.len() < length {
            permute(&mut end.lanes);
            out.extend(end.lanes.iter().flat_map(|l| l.to_le_bytes()).take(self.rate));
        }
        out.truncate(length);
        out
    }
}

fn permute(a: &mut [u64; 25]) {
    for constant in ROUND_CONSTANTS {
        let column: [u64; 5] = std::array::from_fn(|x| a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
        for x in 0..5 {
            let d = column[(x + 4) % 5] ^ column[(x + 1) % 5].rotate_left(1);
            (0..5).for_each(|y| a[x + 5 * y] ^= d);
        }
        // Rotations and places follow one path through the lanes.
        let (mut x, mut y, mut last) = (1, 0, a[1]);
        for t in 1..=24u32 {
            (x, y) = (y, (2 * x + 3 * y) % 5);
            let lane = &mut a[x + 5 * y];
            last = std::mem::replace(lane, last.rotate_left((t * (t + 1) / 2) % 64));
        }
        for row in a.chunks_exact_mut(5) {
            let old: [u64; 5] = std::array::from_fn(|i| row[i]);
            (0..5).for_each(|x| row[x] = old[x] ^ (!old[(x + 1) % 5] & old[(x + 2) % 5]));
        }
        a[0] ^= constant;
    }
}
