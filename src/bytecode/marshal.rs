//! CPython's `marshal` format, version 5, for constants and code objects (`Python/marshal.c`).
//!
//! `.pyc` files hold it. The `marshal` module of the runtime writes and reads the same format for all of its types and
//! shares [`tag`], the digits of integers and the error texts.

use std::sync::Arc;

use dashu_int::{IBig, Sign, UBig};
use rustc_hash::FxHashMap;
use rustpython_wtf8::{Wtf8, Wtf8Buf};

use crate::{CodeFlags, CodeObject, Const, LocalKind};

/// The version of the format that [`dumps`] writes and that `marshal.version` names.
pub const VERSION: u32 = 5;

/// The first byte of each value.
pub mod tag {
    /// Set in a tag: the value takes the next place in the list that `REF` refers to.
    pub const FLAG_REF: u8 = 0x80;
    /// End of a dictionary; also stands for an unset attribute.
    pub const NULL: u8 = b'0';
    pub const NONE: u8 = b'N';
    pub const FALSE: u8 = b'F';
    pub const TRUE: u8 = b'T';
    pub const STOP_ITERATION: u8 = b'S';
    pub const ELLIPSIS: u8 = b'.';
    /// 32 bits, little endian.
    pub const INT: u8 = b'i';
    /// Count of digits (negative for negative numbers) and 15-bit digits.
    pub const LONG: u8 = b'l';
    /// Text, of version 1.
    pub const FLOAT: u8 = b'f';
    /// 64 bits, little endian.
    pub const BINARY_FLOAT: u8 = b'g';
    /// Two texts, of version 1.
    pub const COMPLEX: u8 = b'x';
    /// Two binary floats.
    pub const BINARY_COMPLEX: u8 = b'y';
    /// Bytes.
    pub const STRING: u8 = b's';
    pub const INTERNED: u8 = b't';
    pub const REF: u8 = b'r';
    pub const TUPLE: u8 = b'(';
    pub const LIST: u8 = b'[';
    pub const DICT: u8 = b'{';
    pub const CODE: u8 = b'c';
    /// UTF-8 with lone surrogates (`surrogatepass`).
    pub const UNICODE: u8 = b'u';
    pub const SET: u8 = b'<';
    pub const FROZENSET: u8 = b'>';
    pub const ASCII: u8 = b'a';
    pub const ASCII_INTERNED: u8 = b'A';
    /// Fewer than 256 items.
    pub const SMALL_TUPLE: u8 = b')';
    /// Fewer than 256 bytes.
    pub const SHORT_ASCII: u8 = b'z';
    pub const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub const SLICE: u8 = b':';
}

/// Bits of a digit of `LONG`.
const DIGIT_BITS: usize = 15;
/// Values within each other that the reader accepts (`MAX_MARSHAL_STACK_DEPTH`).
pub const MAX_DEPTH: usize = 2000;

/// Why data is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarshalError {
    /// `EOFError: marshal data too short`
    TooShort,
    /// `ValueError: bad marshal data (…)`
    Bad(&'static str),
}

impl std::fmt::Display for MarshalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MarshalError::TooShort => f.write_str("marshal data too short"),
            MarshalError::Bad(what) => write!(f, "bad marshal data ({what})"),
        }
    }
}

impl std::error::Error for MarshalError {}

/// The 15-bit digits of the absolute value, lowest first.
pub fn digits_of(value: &IBig) -> (bool, Vec<u16>) {
    let (sign, magnitude) = value.clone().into_parts();
    let bytes = magnitude.to_le_bytes();
    let mut digits = Vec::new();
    let (mut pending, mut bits) = (0u32, 0);
    for &byte in bytes.iter() {
        pending |= (byte as u32) << bits;
        bits += 8;
        if bits >= DIGIT_BITS {
            digits.push((pending & 0x7fff) as u16);
            pending >>= DIGIT_BITS;
            bits -= DIGIT_BITS;
        }
    }
    digits.push(pending as u16);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    (sign == Sign::Negative, digits)
}

/// The integer of 15-bit digits, lowest first.
pub fn of_digits(negative: bool, digits: &[u16]) -> IBig {
    let mut bytes = Vec::with_capacity(digits.len() * 2);
    let (mut pending, mut bits) = (0u32, 0);
    for &digit in digits {
        pending |= (digit as u32) << bits;
        bits += DIGIT_BITS;
        while bits >= 8 {
            bytes.push(pending as u8);
            pending >>= 8;
            bits -= 8;
        }
    }
    bytes.push(pending as u8);
    IBig::from_parts(if negative { Sign::Negative } else { Sign::Positive }, UBig::from_le_bytes(&bytes))
}

/// Writes constants and code objects.
#[derive(Debug, Default)]
struct Writer {
    out: Vec<u8>,
    /// Places of the names that were written before.
    refs: FxHashMap<Arc<str>, u32>,
    next_ref: u32,
}

/// A code object or constant in marshal's format.
pub fn dumps(value: &Const) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.value(value);
    writer.out
}

/// A code object in marshal's format.
pub fn dump_code(code: &CodeObject) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.code(code);
    writer.out
}

impl Writer {
    fn long(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn counted(&mut self, tag: u8, bytes: &[u8]) {
        self.out.push(tag);
        self.long(bytes.len() as u32);
        self.out.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &Wtf8, interned: bool) {
        let bytes = text.as_bytes();
        let flag = if interned { tag::FLAG_REF } else { 0 };
        match (bytes.is_ascii(), interned) {
            (true, _) if bytes.len() < 256 => {
                self.out.push(flag | if interned { tag::SHORT_ASCII_INTERNED } else { tag::SHORT_ASCII });
                self.out.push(bytes.len() as u8);
                self.out.extend_from_slice(bytes);
            }
            (true, true) => self.counted(flag | tag::ASCII_INTERNED, bytes),
            (true, false) => self.counted(tag::ASCII, bytes),
            (false, true) => self.counted(flag | tag::INTERNED, bytes),
            (false, false) => self.counted(tag::UNICODE, bytes),
        }
    }

    /// A name: written once, then referred to.
    fn name(&mut self, name: &Arc<str>) {
        if let Some(&place) = self.refs.get(name) {
            self.out.push(tag::REF);
            return self.long(place);
        }
        self.refs.insert(name.clone(), self.next_ref);
        self.next_ref += 1;
        self.text(Wtf8::new(&**name), true);
    }

    fn tuple<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        if items.len() < 256 {
            self.out.extend([tag::SMALL_TUPLE, items.len() as u8]);
        } else {
            self.out.push(tag::TUPLE);
            self.long(items.len() as u32);
        }
        items.iter().for_each(|item| each(self, item));
    }

    fn float(&mut self, value: f64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn int(&mut self, value: &IBig) {
        if let Ok(small) = i32::try_from(value) {
            self.out.push(tag::INT);
            return self.long(small as u32);
        }
        let (negative, digits) = digits_of(value);
        self.out.push(tag::LONG);
        let count = digits.len() as i32;
        self.long(if negative { -count } else { count } as u32);
        digits.iter().for_each(|digit| self.out.extend_from_slice(&digit.to_le_bytes()));
    }

    fn value(&mut self, value: &Const) {
        match value {
            Const::None => self.out.push(tag::NONE),
            Const::Ellipsis => self.out.push(tag::ELLIPSIS),
            Const::Bool(value) => self.out.push(if *value { tag::TRUE } else { tag::FALSE }),
            Const::Int(value) => self.int(value),
            Const::Float(value) => {
                self.out.push(tag::BINARY_FLOAT);
                self.float(*value);
            }
            Const::Complex { re, im } => {
                self.out.push(tag::BINARY_COMPLEX);
                self.float(*re);
                self.float(*im);
            }
            Const::Str(text) => self.text(text, false),
            Const::Bytes(bytes) => self.counted(tag::STRING, bytes),
            Const::Tuple(items) => self.tuple(items, Self::value),
            Const::FrozenSet(items) => {
                self.out.push(tag::FROZENSET);
                self.long(items.len() as u32);
                items.iter().for_each(|item| self.value(item));
            }
            Const::Slice(parts) => {
                self.out.push(tag::SLICE);
                parts.iter().for_each(|part| self.value(part));
            }
            Const::Code(code) => self.code(code),
        }
    }

    fn code(&mut self, code: &CodeObject) {
        let CodeObject {
            argcount,
            posonlyargcount,
            kwonlyargcount,
            stacksize,
            flags,
            code: bytes,
            consts,
            names,
            localsplusnames,
            localspluskinds,
            filename,
            name,
            qualname,
            firstlineno,
            linetable,
            exceptiontable,
        } = code;
        self.out.push(tag::CODE);
        [*argcount, *posonlyargcount, *kwonlyargcount, *stacksize, flags.bits()]
            .into_iter()
            .for_each(|number| self.long(number));
        self.counted(tag::STRING, bytes);
        self.tuple(consts, Self::value);
        self.tuple(names, Self::name);
        self.tuple(localsplusnames, Self::name);
        let kinds: Vec<u8> = localspluskinds.iter().map(|kind| kind.bits()).collect();
        self.counted(tag::STRING, &kinds);
        [filename, name, qualname].into_iter().for_each(|text| self.name(text));
        self.long(*firstlineno as u32);
        self.counted(tag::STRING, linetable);
        self.counted(tag::STRING, exceptiontable);
    }
}

/// A value while it is being read: texts and tuples are shared between the places that refer to them.
#[derive(Clone)]
enum Value {
    Text(Arc<str>),
    Tuple(Arc<Vec<Value>>),
    Other(Const),
}

impl Value {
    fn into_const(self) -> Const {
        match self {
            Value::Text(text) => Const::str(&text),
            Value::Tuple(items) => Const::Tuple(items.iter().map(|item| item.clone().into_const()).collect()),
            Value::Other(value) => value,
        }
    }

    fn into_bytes(self) -> Result<Vec<u8>, MarshalError> {
        match self {
            Value::Other(Const::Bytes(bytes)) => Ok(bytes),
            _ => Err(MarshalError::Bad("bytes expected")),
        }
    }

    fn into_name(self) -> Result<Arc<str>, MarshalError> {
        match self {
            Value::Text(text) => Ok(text),
            Value::Other(Const::Str(text)) => Ok(Arc::from(&*text.to_string_lossy())),
            _ => Err(MarshalError::Bad("string expected")),
        }
    }

    fn into_items(self) -> Result<Vec<Value>, MarshalError> {
        match self {
            Value::Tuple(items) => Ok(Arc::unwrap_or_clone(items)),
            _ => Err(MarshalError::Bad("tuple expected")),
        }
    }
}

struct Reader<'a> {
    data: &'a [u8],
    refs: Vec<Option<Value>>,
    depth: usize,
}

type Read<T> = Result<T, MarshalError>;

/// Reads a constant or code object; also tells how many bytes it took.
pub fn loads(data: &[u8]) -> Read<(Const, usize)> {
    let mut reader = Reader { data, refs: Vec::new(), depth: 0 };
    let value = reader.value()?.into_const();
    Ok((value, data.len() - reader.data.len()))
}

/// Reads a code object.
pub fn load_code(data: &[u8]) -> Read<Arc<CodeObject>> {
    match loads(data)?.0 {
        Const::Code(code) => Ok(code),
        _ => Err(MarshalError::Bad("code object expected")),
    }
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.data.split_at_checked(count).ok_or(MarshalError::TooShort)?;
        self.data = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| MarshalError::TooShort)
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn long(&mut self) -> Read<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn count(&mut self) -> Read<usize> {
        usize::try_from(self.long()?).map_err(|_| MarshalError::Bad("size out of range"))
    }

    fn float(&mut self) -> Read<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    fn counted(&mut self) -> Read<&'a [u8]> {
        let count = self.count()?;
        self.take(count)
    }

    fn text(bytes: &[u8]) -> Read<Value> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(Arc::from(text))),
            Err(_) => Wtf8Buf::from_bytes(bytes.to_vec())
                .map(|text| Value::Other(Const::Str(text)))
                .map_err(|_| MarshalError::Bad("invalid UTF-8")),
        }
    }

    fn items(&mut self, count: usize) -> Read<Vec<Value>> {
        (0..count).map(|_| self.value()).collect()
    }

    fn long_int(&mut self) -> Read<IBig> {
        let count = self.long()?;
        let digits = (0..count.unsigned_abs()).map(|_| Ok(u16::from_le_bytes(self.array()?)));
        let digits = digits.collect::<Read<Vec<u16>>>()?;
        if digits.iter().any(|&digit| digit >> DIGIT_BITS != 0) {
            return Err(MarshalError::Bad("digit out of range in long"));
        }
        if digits.last() == Some(&0) {
            return Err(MarshalError::Bad("unnormalized long data"));
        }
        Ok(of_digits(count < 0, &digits))
    }

    fn value(&mut self) -> Read<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(MarshalError::Bad("recursion limit exceeded"));
        }
        let first = self.byte()?;
        let flagged = first & tag::FLAG_REF != 0;
        let place = self.refs.len();
        if flagged {
            self.refs.push(None);
        }
        let value = self.body(first & !tag::FLAG_REF)?;
        if flagged {
            self.refs[place] = Some(value.clone());
        }
        self.depth -= 1;
        Ok(value)
    }

    fn body(&mut self, kind: u8) -> Read<Value> {
        Ok(Value::Other(match kind {
            tag::NONE => Const::None,
            tag::ELLIPSIS => Const::Ellipsis,
            tag::TRUE => Const::Bool(true),
            tag::FALSE => Const::Bool(false),
            tag::INT => Const::int(self.long()? as i64),
            tag::LONG => Const::Int(self.long_int()?),
            tag::BINARY_FLOAT => Const::Float(self.float()?),
            tag::BINARY_COMPLEX => Const::Complex { re: self.float()?, im: self.float()? },
            tag::STRING => Const::Bytes(self.counted()?.to_vec()),
            tag::UNICODE | tag::INTERNED | tag::ASCII | tag::ASCII_INTERNED => return Self::text(self.counted()?),
            tag::SHORT_ASCII | tag::SHORT_ASCII_INTERNED => {
                let count = self.byte()? as usize;
                return Self::text(self.take(count)?);
            }
            tag::TUPLE | tag::SMALL_TUPLE => {
                let count = if kind == tag::TUPLE { self.count()? } else { self.byte()? as usize };
                return Ok(Value::Tuple(Arc::new(self.items(count)?)));
            }
            tag::FROZENSET => {
                let count = self.count()?;
                Const::FrozenSet(self.items(count)?.into_iter().map(Value::into_const).collect())
            }
            tag::SLICE => {
                let mut part = || Ok(self.value()?.into_const());
                Const::Slice(Box::new([part()?, part()?, part()?]))
            }
            tag::CODE => Const::Code(Arc::new(self.code()?)),
            tag::REF => {
                let place = self.count()?;
                let value = self.refs.get(place).cloned().flatten();
                return value.ok_or(MarshalError::Bad("invalid reference"));
            }
            _ => return Err(MarshalError::Bad("unknown type code")),
        }))
    }

    fn names(&mut self) -> Read<Vec<Arc<str>>> {
        self.value()?.into_items()?.into_iter().map(Value::into_name).collect()
    }

    fn code(&mut self) -> Read<CodeObject> {
        let mut number = || Ok(self.long()? as u32);
        let (argcount, posonlyargcount, kwonlyargcount) = (number()?, number()?, number()?);
        let (stacksize, flags) = (number()?, number()?);
        Ok(CodeObject {
            argcount,
            posonlyargcount,
            kwonlyargcount,
            stacksize,
            flags: CodeFlags::from_bits_retain(flags),
            code: self.value()?.into_bytes()?,
            consts: self.value()?.into_items()?.into_iter().map(Value::into_const).collect(),
            names: self.names()?,
            localsplusnames: self.names()?,
            localspluskinds: self.value()?.into_bytes()?.into_iter().map(LocalKind::from_bits_retain).collect(),
            filename: self.value()?.into_name()?,
            name: self.value()?.into_name()?,
            qualname: self.value()?.into_name()?,
            firstlineno: self.long()?,
            linetable: self.value()?.into_bytes()?,
            exceptiontable: self.value()?.into_bytes()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(value: &Const) {
        let data = dumps(value);
        let (back, used) = loads(&data).expect("own data is readable");
        assert_eq!((&back, used), (value, data.len()));
    }

    #[test]
    fn what_is_written_is_read() {
        let big = IBig::from(-1) << 100;
        round(&Const::Tuple(vec![
            Const::None,
            Const::Int(big),
            Const::int(-7),
            Const::int(1 << 40),
            Const::Float(-0.0),
            Const::Complex { re: 1.0, im: f64::INFINITY },
            Const::str("héllo"),
            Const::Bytes(b"\0x".to_vec()),
            Const::FrozenSet(vec![Const::int(1)]),
            Const::Slice(Box::new([Const::None, Const::int(2), Const::None])),
        ]));
        let code = CodeObject {
            names: vec!["a".into(), "a".into()],
            localsplusnames: vec!["a".into()],
            localspluskinds: vec![LocalKind::LOCAL],
            name: "f".into(),
            ..CodeObject::default()
        };
        round(&Const::Code(Arc::new(code)));
    }

    #[test]
    fn bytes_are_cpythons() {
        assert_eq!(dumps(&Const::int(1 << 40)), b"l\x03\x00\x00\x00\x00\x00\x00\x00\x00\x04");
        assert_eq!(dumps(&Const::Tuple(vec![Const::str("ab"), Const::Bool(true)])), b")\x02z\x02abT");
    }

    #[test]
    fn bad_data_is_refused() {
        assert_eq!(loads(b"i\x01"), Err(MarshalError::TooShort));
        assert_eq!(loads(b"?"), Err(MarshalError::Bad("unknown type code")));
        assert_eq!(loads(b"r\x00\x00\x00\x00"), Err(MarshalError::Bad("invalid reference")));
    }
}
