//! Constants as plain owned data: what may stand in `co_consts`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dashu_int::IBig;
use rustpython_wtf8::Wtf8Buf;

use crate::CodeObject;

/// A constant of a code object.
///
/// Equality is the compiler's: two constants are equal when they may share a place in `co_consts`. So `1`, `1.0` and
/// `True` differ, `0.0` and `-0.0` differ, and so do tuples of them; code objects are equal if all their parts are.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Const {
    None,
    Ellipsis,
    Bool(bool),
    Int(IBig),
    Float(f64),
    Complex {
        re: f64,
        im: f64,
    },
    Str(Wtf8Buf),
    Bytes(Vec<u8>),
    Tuple(Vec<Const>),
    /// The items in the order of the source, without duplicates.
    FrozenSet(Vec<Const>),
    /// Start, stop and step.
    Slice(Box<[Const; 3]>),
    Code(Arc<CodeObject>),
}

impl Const {
    /// A small integer.
    pub fn int(value: i64) -> Const {
        Const::Int(IBig::from(value))
    }

    /// A string.
    pub fn str(text: &str) -> Const {
        Const::Str(Wtf8Buf::from(text))
    }

    /// True for the value that `bool()` gives; code objects are true.
    pub fn truth(&self) -> bool {
        match self {
            Const::None => false,
            Const::Bool(value) => *value,
            Const::Int(value) => *value != IBig::ZERO,
            Const::Float(value) => *value != 0.0,
            Const::Complex { re, im } => *re != 0.0 || *im != 0.0,
            Const::Str(text) => !text.is_empty(),
            Const::Bytes(bytes) => !bytes.is_empty(),
            Const::Tuple(items) | Const::FrozenSet(items) => !items.is_empty(),
            Const::Ellipsis | Const::Slice(_) | Const::Code(_) => true,
        }
    }

    /// The name of its Python type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Const::None => "NoneType",
            Const::Ellipsis => "ellipsis",
            Const::Bool(_) => "bool",
            Const::Int(_) => "int",
            Const::Float(_) => "float",
            Const::Complex { .. } => "complex",
            Const::Str(_) => "str",
            Const::Bytes(_) => "bytes",
            Const::Tuple(_) => "tuple",
            Const::FrozenSet(_) => "frozenset",
            Const::Slice(_) => "slice",
            Const::Code(_) => "code",
        }
    }
}

impl PartialEq for Const {
    fn eq(&self, other: &Const) -> bool {
        match (self, other) {
            (Const::None, Const::None) | (Const::Ellipsis, Const::Ellipsis) => true,
            (Const::Bool(a), Const::Bool(b)) => a == b,
            (Const::Int(a), Const::Int(b)) => a == b,
            (Const::Float(a), Const::Float(b)) => a.to_bits() == b.to_bits(),
            (Const::Complex { re: a, im: b }, Const::Complex { re: c, im: d }) => {
                a.to_bits() == c.to_bits() && b.to_bits() == d.to_bits()
            }
            (Const::Str(a), Const::Str(b)) => a == b,
            (Const::Bytes(a), Const::Bytes(b)) => a == b,
            (Const::Tuple(a), Const::Tuple(b)) => a == b,
            (Const::FrozenSet(a), Const::FrozenSet(b)) => a.len() == b.len() && a.iter().all(|item| b.contains(item)),
            (Const::Slice(a), Const::Slice(b)) => a == b,
            (Const::Code(a), Const::Code(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}

impl Eq for Const {}

impl Hash for Const {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Const::None | Const::Ellipsis => {}
            Const::Bool(value) => value.hash(state),
            Const::Int(value) => value.hash(state),
            Const::Float(value) => value.to_bits().hash(state),
            Const::Complex { re, im } => (re.to_bits(), im.to_bits()).hash(state),
            Const::Str(text) => text.as_bytes().hash(state),
            Const::Bytes(bytes) => bytes.hash(state),
            Const::Tuple(items) => items.hash(state),
            Const::FrozenSet(items) => items.len().hash(state),
            Const::Slice(parts) => parts.hash(state),
            Const::Code(code) => (&code.name, code.firstlineno, code.code.len()).hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_keep_their_types_apart() {
        assert_ne!(Const::int(1), Const::Bool(true));
        assert_ne!(Const::Float(0.0), Const::Float(-0.0));
        assert_ne!(Const::Tuple(vec![Const::int(0)]), Const::Tuple(vec![Const::Float(0.0)]));
        assert_eq!(
            Const::FrozenSet(vec![Const::int(1), Const::int(2)]),
            Const::FrozenSet(vec![Const::int(2), Const::int(1)])
        );
    }
}
