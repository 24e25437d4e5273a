//! `bytes`: the type's table and its constructor. What it shares with `bytearray` is in `shared` and `percent`.

use super::{Bytes, iter, percent, shared};
use crate::object::buffer::Buffer;
use crate::object::typedef::{CmpOp, MethodDef, NativeFn::*};
use crate::object::{Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, not_implemented};
use crate::types::exceptions::{OVERFLOW_ERROR, TYPE_ERROR};
use crate::types::int::Int;
use crate::types::sequence::cpython_basicsize;
use crate::types::str::Str;
use crate::types::str::methods::option_text;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};

/// `bytes`.
pub static BYTES: TypeDef = TypeDef::new::<Bytes>("bytes")
    .doc("An immutable sequence of bytes; of a size, an iterable of integers, a buffer, or an encoded string.")
    .signature("(source=b'', encoding='utf-8', errors='strict')")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::BYTES_SUBCLASS).union(TypeFlags::MATCH_SELF))
    .itemsize(1)
    .cpython_size(33, 1)
    .slots(Slots {
        new: Some(new),
        repr: Some(|vm, v| Ok(vm.new_str(&taipan_base::repr::of_bytes(b(v).as_slice())))),
        str: Some(shared::str_of_bytes),
        hash: Some(|_, v| Ok(b(v).hash())),
        len: Some(|_, v| Ok(b(v).as_slice().len())),
        richcmp: Some(compare),
        concat: Some(shared::concat),
        repeat: Some(shared::repeat),
        item: Some(shared::item),
        subscript: Some(shared::subscript),
        contains: Some(shared::contains),
        iter: Some(iter::bytes_iter),
        rem: Some(percent::remainder),
        // SAFETY: bytes never change and the view keeps the object alive.
        buffer: Some(|vm, v, request| {
            if request.writable {
                return Err(vm.buffer_error("Object is not writable."));
            }
            let data = b(v).as_slice();
            Ok(unsafe { Buffer::bytes(v.clone(), data.as_ptr().cast_mut(), data.len(), true, None) })
        }),
        ..Slots::NONE
    })
    .methods(shared::byte_methods![
        MethodDef::class("fromhex", "($type, string, /)", "Make bytes of pairs of hexadecimal digits.", F2(from_hex)),
        MethodDef::method(
            "__bytes__",
            "($self, /)",
            "Return the object as exact bytes.",
            F1(|_, v| Ok(exact(v).into()))
        ),
        MethodDef::method(
            "__sizeof__",
            "($self, /)",
            "Return the size of the object in memory, in bytes.",
            F1(|_, v| { Ok(Value::from_usize(cpython_basicsize(v.class()) + b(v).as_slice().len())) })
        ),
        MethodDef::method(
            "__getnewargs__",
            "($self, /)",
            "Return the arguments that make equal bytes.",
            F1(|_, v| { Ok(Tuple::of([Bytes::from_slice(b(v).as_slice()).into()]).into()) })
        ),
    ]);

fn b(v: &Value) -> &Py<Bytes> {
    v.downcast::<Bytes>().expect("a method of bytes is called on bytes")
}

/// The same bytes as exact `bytes`.
pub(super) fn exact(v: &Value) -> Py<Bytes> {
    match v.downcast_exact::<Bytes>() {
        Some(b) => b.clone(),
        None => Bytes::from_slice(b(v).as_slice()),
    }
}

fn compare(_: &mut Vm, a: &Value, other: &Value, op: CmpOp) -> PyResult {
    let Some(y) = other.downcast::<Bytes>() else { return Ok(not_implemented()) };
    Ok(boolean(op.holds(b(a).as_slice().cmp(y.as_slice()))))
}

/// What a constructor's arguments give: `bytes` and `bytearray` word their errors alike but for `kind`.
pub(crate) struct Source {
    /// The object to read, once encoding and size are dealt with.
    pub bytes: Vec<u8>,
}

/// The bytes that the arguments of `bytes(…)` or `bytearray(…)` describe.
pub(crate) fn source(vm: &mut Vm, args: &Args<'_>, kind: &'static str) -> PyResult<Source> {
    static BYTES_SIGNATURE: Signature = Signature::new("bytes", "(source=b'', encoding='utf-8', errors='strict')");
    static ARRAY_SIGNATURE: Signature = Signature::new("bytearray", "(source=b'', encoding='utf-8', errors='strict')");
    let bound = args.bind(vm, if kind == "bytes" { &BYTES_SIGNATURE } else { &ARRAY_SIGNATURE })?;
    let encoding = option_text(vm, bound[1].as_ref(), &format!("{kind}() argument 'encoding'"))?;
    let errors = option_text(vm, bound[2].as_ref(), &format!("{kind}() argument 'errors'"))?;
    let Some(object) = &bound[0] else {
        return match (encoding, errors) {
            (Some(_), _) => Err(vm.type_error("encoding without a string argument")),
            (_, Some(_)) => Err(vm.type_error("errors without a string argument")),
            _ => Ok(Source { bytes: Vec::new() }),
        };
    };
    if let Some(text) = object.downcast::<Str>() {
        let Some(encoding) = encoding else { return Err(vm.type_error("string argument without an encoding")) };
        let bytes = vm.encode(text, &encoding, errors.as_deref().unwrap_or("strict"))?;
        return Ok(Source { bytes: bytes.as_slice().to_vec() });
    }
    if encoding.is_some() {
        return Err(vm.type_error("encoding without a string argument"));
    }
    if errors.is_some() {
        return Err(vm.type_error("errors without a string argument"));
    }
    if kind == "bytes" {
        if let Some(f) = vm.lookup_special(object, "__bytes__")? {
            let r = vm.call0(&f)?;
            return match r.downcast::<Bytes>() {
                Some(b) => Ok(Source { bytes: b.as_slice().to_vec() }),
                None => {
                    let name = r.class().payload.name();
                    Err(vm.type_error(format!("__bytes__ returned non-bytes (type {name})")))
                }
            };
        }
    }
    if let Some(size) = size_of_source(vm, object)? {
        if size > crate::types::sequence::MAX_ITEMS {
            return Err(vm.raise_with(&crate::types::exceptions::MEMORY_ERROR, &[]));
        }
        return Ok(Source { bytes: vec![0; size] });
    }
    Ok(Source { bytes: bytes_of(vm, object, kind)? })
}

/// The size, when the object is an integer.
fn size_of_source(vm: &mut Vm, object: &Value) -> PyResult<Option<usize>> {
    if Int::read(object).is_none() && object.class().payload.slots().index.is_none() {
        return Ok(None);
    }
    let index = match vm.index(object) {
        Ok(index) => index,
        Err(_) if vm.error_is(&TYPE_ERROR) => {
            vm.clear_error();
            return Ok(None);
        }
        Err(r) => return Err(r),
    };
    match Int::read(&index).and_then(|i| i.to_i64()) {
        Some(n) if n >= 0 => Ok(Some(n as usize)),
        Some(_) => Err(vm.value_error("negative count")),
        None => {
            let name = object.class().payload.name();
            Err(vm.new_error(&OVERFLOW_ERROR, format!("cannot fit '{name}' into an index-sized integer")))
        }
    }
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    if let ([only], false) = (args.pos(), args.has_keywords()) {
        if only.is_exact::<Bytes>() && std::ptr::eq(class.get_type(), BYTES.object()) {
            return Ok(only.clone());
        }
    }
    let bytes = source(vm, args, "bytes")?.bytes;
    Ok(Bytes::of_class(class, &bytes).into())
}

/// Bytes of an object without `__bytes__`: a buffer or an iterable of integers.
pub fn from_object(vm: &mut Vm, v: &Value) -> PyResult<Vec<u8>> {
    bytes_of(vm, v, "bytes")
}

/// A byte of an iterable's item.
pub(crate) fn byte_value(vm: &mut Vm, v: &Value, error: &str) -> PyResult<u8> {
    let i = vm.index(v)?;
    match Int::read(&i).and_then(|i| i.to_i64()).and_then(|i| u8::try_from(i).ok()) {
        Some(byte) => Ok(byte),
        None => Err(vm.value_error(error)),
    }
}

/// The bytes of a buffer or of an iterable of integers; `kind` goes into the message.
pub(crate) fn bytes_of(vm: &mut Vm, v: &Value, kind: &str) -> PyResult<Vec<u8>> {
    let slots = v.class().payload.slots();
    if slots.buffer.is_some() {
        return vm.bytes_like(v);
    }
    if v.downcast::<Str>().is_some() || (slots.iter.is_none() && slots.item.is_none()) {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("cannot convert '{name}' object to {kind}")));
    }
    let error = if kind == "bytes" { "bytes must be in range(0, 256)" } else { "byte must be in range(0, 256)" };
    let mut out = Vec::new();
    vm.for_each(v, |vm, item| {
        out.push(byte_value(vm, &item, error)?);
        Ok(true)
    })?;
    Ok(out)
}

fn from_hex(vm: &mut Vm, class: &Value, text: &Value) -> PyResult {
    let bytes = Bytes::from_slice(&shared::unhex(vm, text)?);
    if class.is_static_type(&BYTES) { Ok(bytes.into()) } else { vm.call1(class, bytes.as_value()) }
}
