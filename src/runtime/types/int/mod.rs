//! `int`: small ones live in the value's word, the rest on the heap as big integers.
//!
//! An instance of a Python subclass of `int` (and a bool) is always a heap object, whatever its size. [`IntRef`] is how
//! other code reads an integer of either form.

pub mod layout;
pub mod methods;

use crate::object::value::Frozen;
use crate::object::{PyResult, Value};
use crate::vm::Vm;
pub use methods::INT;
use taipan_base::int::BigInt;

/// Payload of a heap `int`.
pub struct Int {
    /// The number.
    pub big: BigInt,
}
crate::payload!(Int, INT);
impl Frozen for Int {}

/// An integer of either form, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum IntRef<'a> {
    /// In the word, or small enough.
    Small(i64),
    /// On the heap.
    Big(&'a BigInt),
}

impl IntRef<'_> {
    /// As a big integer (a copy).
    pub fn to_big(self) -> BigInt {
        match self {
            IntRef::Small(i) => BigInt::from(i),
            IntRef::Big(b) => b.clone(),
        }
    }
    /// As the number type of the compiler's constants (a copy).
    pub fn to_ibig(self) -> dashu_int::IBig {
        self.to_big().into()
    }
    /// As an `i64`, if it fits.
    pub fn to_i64(self) -> Option<i64> {
        match self {
            IntRef::Small(i) => Some(i),
            IntRef::Big(b) => b.to_i64(),
        }
    }
    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        match self {
            IntRef::Small(i) => i < 0,
            IntRef::Big(b) => b.is_negative(),
        }
    }
}

impl Int {
    /// The integer `i`.
    #[inline]
    pub fn from_i64(i: i64) -> Value {
        match Value::small(i) {
            Some(v) => v,
            None => crate::object::instance::new(Int { big: BigInt::from(i) }).into(),
        }
    }
    /// The integer `i`.
    pub fn from_u64(i: u64) -> Value {
        if i <= i64::MAX as u64 { Int::from_i64(i as i64) } else { Int::from_big(BigInt::from(i)) }
    }
    /// The integer `b`, in the word when it fits.
    pub fn from_big(b: impl Into<BigInt>) -> Value {
        let b: BigInt = b.into();
        match b.to_i64().and_then(Value::small) {
            Some(v) => v,
            None => crate::object::instance::new(Int { big: b }).into(),
        }
    }
    /// Reads an integer: `int`, a subclass instance, or a bool; `None` for anything else.
    #[inline]
    pub fn read(v: &Value) -> Option<IntRef<'_>> {
        match v.as_small() {
            Some(i) => Some(IntRef::Small(i)),
            None => v.downcast::<Int>().map(|p| {
                let big: &BigInt = &p.big;
                match big.to_i64() {
                    Some(i)
                        if (crate::object::value::SMALL_INT_MIN..=crate::object::value::SMALL_INT_MAX).contains(&i) =>
                    {
                        IntRef::Small(i)
                    }
                    _ => IntRef::Big(big),
                }
            }),
        }
    }
    /// Whether the value's type is exactly `int`.
    #[inline]
    pub fn is_exact(v: &Value) -> bool {
        v.is_small() || v.is_exact::<Int>()
    }
}

impl Vm {
    /// The value as an exact `int` by `__index__` (`operator.index`).
    pub fn index(&mut self, v: &Value) -> PyResult {
        if Int::is_exact(v) {
            return Ok(v.clone());
        }
        if let Some(i) = Int::read(v) {
            return Ok(Int::from_big(i.to_big()));
        }
        let Some(f) = v.class().payload.slots().index else {
            let name = v.class().payload.name();
            return Err(self.type_error(format!("'{name}' object cannot be interpreted as an integer")));
        };
        f(self, v)
    }

    /// The value as an index or size by `__index__`; `IndexError` when it does not fit (`PyNumber_AsSsize_t`).
    pub fn to_isize(&mut self, v: &Value) -> PyResult<isize> {
        if let Some(i) = v.as_small() {
            return Ok(i as isize);
        }
        let i = self.index(v)?;
        let name = v.class().payload.name();
        match Int::read(&i).and_then(IntRef::to_i64) {
            Some(i) => Ok(i as isize),
            None => Err(self.index_error(format!("cannot fit '{name}' into an index-sized integer"))),
        }
    }

    /// The value as a C long by `__index__`; `OverflowError` when it does not fit.
    pub fn to_i64(&mut self, v: &Value) -> PyResult<i64> {
        if let Some(i) = v.as_small() {
            return Ok(i);
        }
        let i = self.index(v)?;
        match Int::read(&i).and_then(IntRef::to_i64) {
            Some(i) => Ok(i),
            None => Err(self.overflow_error("Python int too large to convert to C long")),
        }
    }

    /// The value as a C int by `__index__`; `OverflowError` when it does not fit.
    pub fn to_i32(&mut self, v: &Value) -> PyResult<i32> {
        let i = self.to_i64(v)?;
        match i32::try_from(i) {
            Ok(i) => Ok(i),
            Err(_) if i < 0 => Err(self.overflow_error("signed integer is less than minimum")),
            Err(_) => Err(self.overflow_error("signed integer is greater than maximum")),
        }
    }
}
