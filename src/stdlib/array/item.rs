//! The type codes of arrays, and one item between memory and Python.

use super::Order;
use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// What an item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// An integer with a sign.
    Signed,
    /// An integer without.
    Unsigned,
    /// A float.
    Real,
    /// A code point in four bytes.
    Character,
}

/// A type code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code {
    /// Its letter.
    pub letter: u8,
    /// Bytes of an item.
    pub size: usize,
    /// What an item is.
    pub form: Form,
}

/// All codes, in the order in which CPython tries them.
pub const CODES: [Code; 14] = [
    code(b'b', 1, Form::Signed),
    code(b'B', 1, Form::Unsigned),
    code(b'u', 4, Form::Character),
    code(b'w', 4, Form::Character),
    code(b'h', 2, Form::Signed),
    code(b'H', 2, Form::Unsigned),
    code(b'i', 4, Form::Signed),
    code(b'I', 4, Form::Unsigned),
    code(b'l', 8, Form::Signed),
    code(b'L', 8, Form::Unsigned),
    code(b'q', 8, Form::Signed),
    code(b'Q', 8, Form::Unsigned),
    code(b'f', 4, Form::Real),
    code(b'd', 8, Form::Real),
];

const fn code(letter: u8, size: usize, form: Form) -> Code {
    Code { letter, size, form }
}

/// An item's bytes; only the code's size counts.
pub type Raw = [u8; 8];

impl Code {
    /// The code of a letter.
    pub fn of(letter: u8) -> Option<Code> {
        CODES.into_iter().find(|c| c.letter == letter)
    }

    /// The letter as text.
    pub fn text(self) -> &'static str {
        let at = CODES.iter().position(|c| c.letter == self.letter).unwrap_or(0);
        &"bBuwhHiIlLqQfd"[at..at + 1]
    }

    /// Whether items are characters.
    pub fn is_unicode(self) -> bool {
        self.form == Form::Character
    }

    fn unsigned(self, raw: &[u8]) -> u64 {
        let mut wide = [0; 8];
        wide[..self.size].copy_from_slice(&raw[..self.size]);
        u64::from_le_bytes(wide)
    }

    fn signed(self, raw: &[u8]) -> i64 {
        let unused = 64 - 8 * self.size as u32;
        (self.unsigned(raw) << unused) as i64 >> unused
    }

    fn real(self, raw: &[u8]) -> f64 {
        let bits = self.unsigned(raw);
        if self.size == 4 { f32::from_bits(bits as u32).into() } else { f64::from_bits(bits) }
    }

    /// How two arrays order, when no Python object is needed to say so: integers of one code.
    pub fn compare(self, other: Code, a: &[u8], b: &[u8]) -> Order {
        if self != other || matches!(self.form, Form::Real | Form::Character) {
            return None;
        }
        let size = self.size;
        let key = |raw: &[u8]| match self.form {
            Form::Signed => i128::from(self.signed(raw)),
            _ => i128::from(self.unsigned(raw)),
        };
        Some(a.chunks_exact(size).map(key).cmp(b.chunks_exact(size).map(key)))
    }

    /// The item as an object.
    pub fn get(self, vm: &mut Vm, raw: &Raw) -> PyResult {
        Ok(match self.form {
            Form::Signed => Int::from_i64(self.signed(raw)),
            Form::Unsigned => Int::from_u64(self.unsigned(raw)),
            Form::Real => Float::new(self.real(raw)),
            Form::Character => {
                let cp = self.unsigned(raw) as u32;
                if cp > 0x10_ffff {
                    let text = format!("character U+{cp:x} is not in range [U+0000; U+10ffff]");
                    return Err(vm.value_error(text));
                }
                Str::from_code_points(&[cp]).into()
            }
        })
    }

    /// The bytes of an object, with CPython's complaints about what does not fit.
    pub fn set(self, vm: &mut Vm, v: &Value) -> PyResult<Raw> {
        let bits = match self.letter {
            b'f' => u64::from((real(vm, v)? as f32).to_bits()),
            b'd' => real(vm, v)?.to_bits(),
            b'u' | b'w' => character(vm, v)?.into(),
            b'b' => narrow(vm, v, i16::MIN.into(), i16::MAX.into(), "signed short integer")
                .and_then(|i| bounded(vm, i, i8::MIN.into(), i8::MAX.into(), "signed char"))?
                as u64,
            b'B' => narrow(vm, v, 0, u8::MAX.into(), "unsigned byte integer")? as u64,
            b'h' => narrow(vm, v, i16::MIN.into(), i16::MAX.into(), "signed short integer")? as u64,
            b'H' => narrow(vm, v, i32::MIN.into(), i32::MAX.into(), "signed integer")
                .and_then(|i| bounded(vm, i, 0, u16::MAX.into(), "unsigned short"))? as u64,
            b'i' => narrow(vm, v, i32::MIN.into(), i32::MAX.into(), "signed integer")? as u64,
            b'l' => vm.to_i64(v)? as u64,
            b'q' => {
                let i = vm.index(v)?;
                match Int::read(&i).and_then(IntRef::to_i64) {
                    Some(i) => i as u64,
                    None => return Err(vm.overflow_error("int too big to convert")),
                }
            }
            b'Q' => unsigned(vm, v, "can't convert negative int to unsigned", "int too big to convert")?,
            letter => {
                let big = "Python int too large to convert to C unsigned long";
                let n = unsigned(vm, v, "can't convert negative value to unsigned int", big)?;
                if letter == b'I' && n > u32::MAX.into() {
                    return Err(vm.overflow_error("unsigned int is greater than maximum"));
                }
                n
            }
        };
        Ok(bits.to_le_bytes())
    }
}

fn real(vm: &mut Vm, v: &Value) -> PyResult<f64> {
    vm.to_f64(v)
}

fn bounded(vm: &mut Vm, i: i64, least: i64, most: i64, what: &str) -> PyResult<i64> {
    if i < least {
        return Err(vm.overflow_error(format!("{what} is less than minimum")));
    }
    if i > most {
        return Err(vm.overflow_error(format!("{what} is greater than maximum")));
    }
    Ok(i)
}

fn narrow(vm: &mut Vm, v: &Value, least: i64, most: i64, what: &str) -> PyResult<i64> {
    let i = vm.to_i64(v)?;
    bounded(vm, i, least, most, what)
}

fn unsigned(vm: &mut Vm, v: &Value, negative: &str, big: &str) -> PyResult<u64> {
    let i = vm.index(v)?;
    match Int::read(&i) {
        Some(i) if i.is_negative() => Err(vm.overflow_error(negative)),
        Some(IntRef::Small(i)) => Ok(i as u64),
        Some(IntRef::Big(b)) => b.to_u64().ok_or_else(|| vm.overflow_error(big)),
        None => Err(vm.type_error("an integer is required")),
    }
}

fn character(vm: &mut Vm, v: &Value) -> PyResult<u32> {
    match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.at(0)),
        Some(s) => {
            let n = s.len();
            Err(vm.type_error(format!("array item must be a unicode character, not a string of length {n}")))
        }
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("array item must be a unicode character, not {name}")))
        }
    }
}
