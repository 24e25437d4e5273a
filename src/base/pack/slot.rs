//! Packing and unpacking one value.

use super::Kind;
use super::float::{f16_from_bits, f16_to_bits, f32_from_bits, f32_to_bits};
use crate::codecs::ByteOrder;
use crate::float::complex::Complex;
use crate::int::BigInt;

/// A value's place in the bytes, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What it is.
    pub kind: Kind,
    /// The format's letter.
    pub letter: u8,
    /// Bytes it takes.
    pub size: usize,
    /// Where it starts.
    pub place: usize,
    /// The order of its bytes.
    pub order: ByteOrder,
}

/// A value read from bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unpacked<'a> {
    /// Bytes of `c`, `s` and `p`.
    Bytes(&'a [u8]),
    /// `?`
    Bool(bool),
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(Complex),
}

/// Why a value does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackError {
    /// `struct.error`: the integer is out of range.
    Range {
        /// The format's letter.
        letter: u8,
        /// The least value.
        least: i128,
        /// The largest value.
        most: i128,
    },
    /// `struct.error`: no pointer is so large.
    Pointer,
    /// `OverflowError`: the float is.
    FloatTooLarge {
        /// The format's letter.
        letter: u8,
    },
}

impl PackError {
    /// CPython's message.
    pub fn message(self) -> String {
        match self {
            PackError::Range { letter, least, most } => {
                format!("'{}' format requires {least} <= number <= {most}", letter as char)
            }
            PackError::Pointer => "int too large to convert".into(),
            PackError::FloatTooLarge { letter } => {
                format!("float too large to pack with {} format", letter as char)
            }
        }
    }

    /// Whether it is an `OverflowError` and not a `struct.error`.
    pub fn is_overflow(self) -> bool {
        matches!(self, PackError::FloatTooLarge { .. })
    }
}

impl Slot {
    /// A single value at the start of its bytes, as `array` and `memoryview` see it: native size and order.
    pub fn single(letter: u8) -> Option<Slot> {
        let format = super::Format::parse(&[letter]).ok()?;
        format.slots().next()
    }

    fn load(&self, bytes: &[u8]) -> u64 {
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.order {
            ByteOrder::Little => bytes.iter().rev().fold(0, add),
            ByteOrder::Big => bytes.iter().fold(0, add),
        }
    }

    fn store(&self, bytes: &mut [u8], value: u64) {
        let size = bytes.len();
        match self.order {
            ByteOrder::Little => bytes.copy_from_slice(&value.to_le_bytes()[..size]),
            ByteOrder::Big => bytes.copy_from_slice(&value.to_be_bytes()[8 - size..]),
        }
    }

    fn bytes<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        &buffer[self.place..self.place + self.size]
    }

    fn bytes_mut<'a>(&self, buffer: &'a mut [u8]) -> &'a mut [u8] {
        &mut buffer[self.place..self.place + self.size]
    }

    fn load_float(&self, bytes: &[u8]) -> f64 {
        let bits = self.load(bytes);
        match bytes.len() {
            2 => f16_from_bits(bits as u16),
            4 => f32_from_bits(bits as u32),
            _ => f64::from_bits(bits),
        }
    }

    /// Reads the value; the buffer must have the format's size.
    pub fn unpack<'a>(&self, buffer: &'a [u8]) -> Unpacked<'a> {
        let bytes = self.bytes(buffer);
        match self.kind {
            Kind::Pad | Kind::Char | Kind::Bytes => Unpacked::Bytes(bytes),
            Kind::Pascal => Unpacked::Bytes(match bytes {
                [] => &[],
                [length, rest @ ..] => &rest[..usize::from(*length).min(rest.len())],
            }),
            Kind::Bool => Unpacked::Bool(bytes.iter().any(|&byte| byte != 0)),
            Kind::Signed => {
                let unused = 64 - 8 * self.size as u32;
                Unpacked::Signed((self.load(bytes) << unused) as i64 >> unused)
            }
            Kind::Unsigned | Kind::Pointer => Unpacked::Unsigned(self.load(bytes)),
            Kind::Float => Unpacked::Float(self.load_float(bytes)),
            Kind::Complex => {
                let (re, im) = bytes.split_at(self.size / 2);
                Unpacked::Complex(Complex { re: self.load_float(re), im: self.load_float(im) })
            }
        }
    }

    /// Writes an integer.
    pub fn pack_int(&self, buffer: &mut [u8], n: &BigInt) -> Result<(), PackError> {
        match n.to_i64() {
            Some(n) => self.pack_i64(buffer, n),
            None => self.pack_wide(buffer, n),
        }
    }

    /// Writes an integer of a machine word.
    pub fn pack_i64(&self, buffer: &mut [u8], n: i64) -> Result<(), PackError> {
        let (least, most) = self.range();
        if self.kind != Kind::Pointer && !(least..=most).contains(&i128::from(n)) {
            return Err(PackError::Range { letter: self.letter, least, most });
        }
        self.store(self.bytes_mut(buffer), n as u64);
        Ok(())
    }

    #[cold]
    fn pack_wide(&self, buffer: &mut [u8], n: &BigInt) -> Result<(), PackError> {
        let (least, most) = self.range();
        match n.to_u64().filter(|_| self.size == 8 && self.kind != Kind::Signed) {
            Some(n) => {
                self.store(self.bytes_mut(buffer), n);
                Ok(())
            }
            None if self.kind == Kind::Pointer => Err(PackError::Pointer),
            None => Err(PackError::Range { letter: self.letter, least, most }),
        }
    }

    fn range(&self) -> (i128, i128) {
        let bits = 8 * self.size.min(8) as u32;
        match self.kind {
            Kind::Signed => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
            _ => (0, (1 << bits) - 1),
        }
    }

    /// Writes a truth value.
    pub fn pack_bool(&self, buffer: &mut [u8], value: bool) {
        self.store(self.bytes_mut(buffer), u64::from(value));
    }

    /// Writes a float.
    pub fn pack_float(&self, buffer: &mut [u8], x: f64) -> Result<(), PackError> {
        let too_large = PackError::FloatTooLarge { letter: self.letter };
        let bits = match self.size {
            2 => f16_to_bits(x).map(u64::from).ok_or(too_large)?,
            4 => f32_to_bits(x).map(u64::from).ok_or(too_large)?,
            _ => x.to_bits(),
        };
        self.store(self.bytes_mut(buffer), bits);
        Ok(())
    }

    /// Writes a complex number. In the machine's own order, parts too large for single floats become infinite, as C
    /// converts them.
    pub fn pack_complex(&self, buffer: &mut [u8], z: Complex) -> Result<(), PackError> {
        let half = self.size / 2;
        let too_large = PackError::FloatTooLarge { letter: b'f' };
        let bits = |x: f64| match half {
            4 if self.order == ByteOrder::NATIVE => {
                Ok(u64::from(f32_to_bits(x).unwrap_or_else(|| f32::INFINITY.copysign(x as f32).to_bits())))
            }
            4 => f32_to_bits(x).map(u64::from).ok_or(too_large),
            _ => Ok(x.to_bits()),
        };
        let (re, im) = (bits(z.re)?, bits(z.im)?);
        let bytes = self.bytes_mut(buffer);
        self.store(&mut bytes[..half], re);
        self.store(&mut bytes[half..], im);
        Ok(())
    }

    /// Writes bytes of `c`, `s` and `p`: cut, or filled with zeros. (`c` must get exactly one.)
    pub fn pack_bytes(&self, buffer: &mut [u8], value: &[u8]) {
        let mut bytes = self.bytes_mut(buffer);
        if self.kind == Kind::Pascal {
            let [length, rest @ ..] = bytes else { return };
            *length = value.len().min(rest.len()).min(255) as u8;
            bytes = rest;
        }
        let kept = value.len().min(bytes.len());
        bytes[..kept].copy_from_slice(&value[..kept]);
        bytes[kept..].fill(0);
    }
}
