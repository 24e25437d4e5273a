//! `bytearray`: a mutable sequence of bytes. What it shares with `bytes` is in `types::bytes::shared`.

mod change;
pub mod iter;

use crate::object::buf::Buf;
use crate::object::buffer::Buffer;
use crate::object::typedef::{CmpOp, MethodDef, NativeFn::*};
use crate::object::{Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none, not_implemented};
use crate::types::bytes::{Bytes, percent, shared};
use crate::types::sequence::cpython_basicsize;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// Payload of `bytearray`.
pub struct ByteArray {
    /// The bytes.
    pub data: Buf<u8>,
    /// Exported views; while there are any, the size is fixed.
    pub exports: usize,
}
crate::payload!(ByteArray, BYTEARRAY);

impl ByteArray {
    /// A bytearray with a copy of these bytes.
    pub fn from_slice(bytes: &[u8]) -> Py<ByteArray> {
        instance::new(ByteArray { data: Buf::from(bytes.to_vec()), exports: 0 })
    }
}

/// `bytearray`.
pub static BYTEARRAY: TypeDef = TypeDef::new::<ByteArray>("bytearray")
    .doc("A mutable sequence of bytes; of a size, an iterable of integers, a buffer, or an encoded string.")
    .signature("(source=b'', encoding='utf-8', errors='strict')")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::MATCH_SELF))
    .cpython_size(56, 0)
    .slots(Slots {
        new: Some(|_, class: &Py<Type>, _| {
            Ok(instance::new_of(class, ByteArray { data: Buf::new(), exports: 0 }).into())
        }),
        init: Some(init),
        repr: Some(repr),
        str: Some(shared::str_of_bytes),
        hash: Some(crate::types::slots::not_hashable),
        len: Some(|vm, v| Ok(vm.len_of_bytes(v))),
        richcmp: Some(compare),
        concat: Some(shared::concat),
        repeat: Some(shared::repeat),
        iconcat: Some(change::inplace_concat),
        irepeat: Some(change::inplace_repeat),
        item: Some(shared::item),
        set_item: Some(change::set_index),
        subscript: Some(shared::subscript),
        set_subscript: Some(change::set_subscript),
        contains: Some(shared::contains),
        iter: Some(iter::bytearray_iter),
        rem: Some(percent::remainder),
        buffer: Some(|vm, v, _| {
            let array = this(v).get_mut(vm);
            array.exports += 1;
            // SAFETY: the export is counted, so that the memory stays where it is; the view keeps the object alive.
            Ok(unsafe {
                Buffer::bytes(v.clone(), array.data.as_ptr().cast_mut(), array.data.len(), false, Some(released))
            })
        }),
        ..Slots::NONE
    })
    .methods(shared::byte_methods![
        MethodDef::class(
            "fromhex",
            "($type, string, /)",
            "Make a bytearray of pairs of hexadecimal digits.",
            F2(from_hex)
        ),
        MethodDef::method("append", "($self, item, /)", "Append one byte.", F2(change::append)),
        MethodDef::method("clear", "($self, /)", "Remove all bytes.", F1(change::clear)),
        MethodDef::method(
            "copy",
            "($self, /)",
            "Return a copy.",
            F1(|vm, v| Ok(ByteArray::from_slice(&this(v).get(vm).data).into()))
        ),
        MethodDef::method(
            "extend",
            "($self, iterable_of_ints, /)",
            "Append the bytes of a buffer or an iterable of integers.",
            F2(change::extend)
        ),
        MethodDef::method("insert", "($self, index, item, /)", "Insert one byte before an index.", F3(change::insert)),
        MethodDef::method("pop", "($self, index=-1, /)", "Remove and return the byte at an index.", N(change::pop)),
        MethodDef::method("remove", "($self, value, /)", "Remove the first occurrence of a byte.", F2(change::remove)),
        MethodDef::method(
            "resize",
            "($self, size, /)",
            "Cut the bytearray off or fill it with zeros up to a size.",
            F2(change::resize)
        ),
        MethodDef::method(
            "reverse",
            "($self, /)",
            "Reverse the bytes in place.",
            F1(|vm, v| {
                this(v).get_mut(vm).data.reverse();
                Ok(none())
            })
        ),
        MethodDef::method(
            "__alloc__",
            "($self, /)",
            "Return the number of bytes in use by the buffer.",
            F1(|vm, v| {
                let n = vm.len_of_bytes(v);
                Ok(Value::from_usize(if n == 0 { 0 } else { n + 1 }))
            })
        ),
        MethodDef::method(
            "__sizeof__",
            "($self, /)",
            "Return the size of the object in memory, in bytes.",
            F1(|vm, v| {
                let n = vm.len_of_bytes(v);
                Ok(Value::from_usize(cpython_basicsize(v.class()) + if n == 0 { 0 } else { n + 1 }))
            })
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            F1(|vm, v| reduce(vm, v, 2))
        ),
        MethodDef::method(
            "__reduce_ex__",
            "($self, proto=0, /)",
            "Return state information for pickling.",
            N(|vm, args| {
                let proto = match &args[1] {
                    Some(v) => vm.to_i32(v)?,
                    None => 0,
                };
                reduce(vm, args[0].as_ref().expect("self"), proto)
            })
        ),
    ]);

/// Counts an export down.
fn released(owner: &Value) {
    if let Some(array) = owner.downcast::<ByteArray>() {
        // SAFETY: the GIL is held by whoever drops a view (I1); no borrow of the payload is alive, since views are
        // dropped by native code that holds none.
        unsafe { (*array.payload_ptr()).exports -= 1 }
    }
}

/// The bytearray that a method is called on.
fn this(v: &Value) -> &Py<ByteArray> {
    v.downcast::<ByteArray>().expect("a method of bytearray is called on a bytearray")
}

fn init(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    let bytes = crate::types::bytes::methods::source(vm, args, "bytearray")?.bytes;
    change::check_size(vm, me)?;
    this(me).get_mut(vm).data = Buf::from(bytes);
    Ok(())
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let bytes = shared::data(vm, me);
    let name = me.class().payload.name();
    let name = name.rsplit('.').next().unwrap_or(&name);
    let mut text = taipan_base::repr::of_bytes(&bytes);
    if text.starts_with("b\"") {
        // single quotes are escaped even where double ones enclose them
        text = text.replace('\'', "\\'");
    }
    Ok(vm.new_str(&format!("{name}({text})")))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if b.downcast::<Str>().is_some() || b.class().payload.slots().buffer.is_none() {
        return Ok(not_implemented());
    }
    let right = match b.downcast::<Bytes>() {
        Some(b) => b.as_slice().to_vec(),
        None => vm.bytes_like(b)?,
    };
    Ok(boolean(op.holds(this(a).get(vm).data[..].cmp(&right[..]))))
}

fn from_hex(vm: &mut Vm, class: &Value, text: &Value) -> PyResult {
    let array = ByteArray::from_slice(&shared::unhex(vm, text)?);
    if class.is_static_type(&BYTEARRAY) { Ok(array.into()) } else { vm.call1(class, array.as_value()) }
}

fn reduce(vm: &mut Vm, me: &Value, proto: i32) -> PyResult {
    let bytes = shared::data(vm, me);
    let state = match vm.get_attr_text(me, "__dict__") {
        Ok(d) => d,
        Err(_) => {
            vm.clear_error();
            none()
        }
    };
    let args = if bytes.is_empty() {
        Tuple::empty()
    } else if proto < 3 {
        Tuple::of([Str::from_latin1(&bytes).into(), vm.new_str("latin-1")])
    } else {
        Tuple::of([Bytes::from_slice(&bytes).into()])
    };
    let class: Value = Py::of(me.class()).into();
    Ok(Tuple::of([class, args.into(), state]).into())
}
