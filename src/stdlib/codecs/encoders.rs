//! Text to bytes.

use super::{errors, pair};
use smallvec::SmallVec;
use std::cell::RefCell;
use taipan_base::codecs::{self as base, ByteOrder, CharMap};
use taipan_runtime::object::{MethodDef, NativeFn::F1, Py, PyResult, Raised, TypeDef, TypeFlags, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::codecs::errors::Handling;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::LOOKUP_ERROR;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::{encode_units, with_units};

/// What `charmap_build` gives: bytes by code point.
pub struct EncodingMap {
    map: CharMap,
}
taipan_runtime::payload!(EncodingMap, ENCODING_MAP);

/// The type of encoding maps.
pub static ENCODING_MAP: TypeDef =
    TypeDef::new::<EncodingMap>("EncodingMap").flags(TypeFlags::DISALLOW_INSTANTIATION).methods(&[MethodDef::method(
        "size",
        "($self, /)",
        "Return the size in memory, in bytes.",
        F1(|vm, me| {
            let map = me.downcast::<EncodingMap>().map(|m| m.get(vm).map.heap_bytes());
            Ok(Value::from_usize(map.unwrap_or(0)))
        }),
    )]);

/// The text to encode, and the name of the error handler.
fn arguments<'a>(vm: &mut Vm, args: &'a [Option<Value>], name: &str) -> PyResult<(&'a Py<Str>, String)> {
    let text = vm.expect_str(args[0].as_ref().expect("required"), format_args!("{name}() argument 1"))?;
    let errors = errors(vm, args.get(1).and_then(Option::as_ref))?;
    Ok((text, errors))
}

fn done(bytes: &[u8], text: &Py<Str>) -> PyResult {
    pair(Bytes::from_slice(bytes), text.len())
}

/// Byte order by sign, as the codecs take it.
pub(super) fn order(vm: &mut Vm, v: Option<&Value>) -> PyResult<Option<ByteOrder>> {
    let Some(v) = v else { return Ok(None) };
    Ok(match vm.to_i32(v)? {
        0 => None,
        n if n < 0 => Some(ByteOrder::Little),
        _ => Some(ByteOrder::Big),
    })
}

macro_rules! encoders {
    ($($name:ident: |$u:ident, $h:ident| $body:expr;)*) => {$(
        pub(super) fn $name(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
            let (text, errors) = arguments(vm, args, concat!(stringify!($name), "_encode"))?;
            let bytes = encode_units!(vm, text, &errors, |$u, $h| $body)?;
            done(&bytes, text)
        }
    )*};
}

encoders! {
    utf_8: |u, h| base::encode_utf8(u, h);
    latin_1: |u, h| base::encode_latin1(u, h);
    ascii: |u, h| base::encode_ascii(u, h);
    utf_16_le: |u, h| base::encode_utf16(u, Some(ByteOrder::Little), h);
    utf_16_be: |u, h| base::encode_utf16(u, Some(ByteOrder::Big), h);
    utf_32_le: |u, h| base::encode_utf32(u, Some(ByteOrder::Little), h);
    utf_32_be: |u, h| base::encode_utf32(u, Some(ByteOrder::Big), h);
}

pub(super) fn utf_16(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (text, errors) = arguments(vm, args, "utf_16_encode")?;
    let order = order(vm, args[2].as_ref())?;
    let bytes = encode_units!(vm, text, &errors, |u, h| base::encode_utf16(u, order, h))?;
    done(&bytes, text)
}

pub(super) fn utf_32(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (text, errors) = arguments(vm, args, "utf_32_encode")?;
    let order = order(vm, args[2].as_ref())?;
    let bytes = encode_units!(vm, text, &errors, |u, h| base::encode_utf32(u, order, h))?;
    done(&bytes, text)
}

pub(super) fn utf_7(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (text, _) = arguments(vm, args, "utf_7_encode")?;
    done(&with_units!(text.units(), u => base::encode_utf7(u)), text)
}

pub(super) fn unicode_escape(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (text, _) = arguments(vm, args, "unicode_escape_encode")?;
    done(&with_units!(text.units(), u => base::encode_unicode_escape(u)), text)
}

pub(super) fn raw_unicode_escape(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (text, _) = arguments(vm, args, "raw_unicode_escape_encode")?;
    done(&with_units!(text.units(), u => base::encode_raw_unicode_escape(u)), text)
}

pub(super) fn escape(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let object = args[0].as_ref().expect("required");
    let Some(bytes) = object.downcast::<Bytes>() else {
        let name = object.class().payload.name();
        return Err(vm.type_error(format!("escape_encode() argument 1 must be bytes, not {name}")));
    };
    let out = base::encode_byte_escapes(bytes.as_slice());
    pair(Bytes::from_slice(&out), bytes.as_slice().len())
}

pub(super) fn read_buffer(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let object = args[0].as_ref().expect("required");
    let bytes = match object.downcast::<Str>() {
        Some(text) => vm.encode(text, "utf-8", "strict")?,
        None => Bytes::from_slice(&vm.bytes_like(object)?),
    };
    let n = bytes.as_slice().len();
    pair(bytes, n)
}

pub(super) fn charmap_build(vm: &mut Vm, table: &Value) -> PyResult {
    let table = vm.expect_str(table, "charmap_build() argument")?;
    if table.len() > 256 {
        return Err(vm.value_error("the decoding table is too long"));
    }
    let map = with_units!(table.units(), u => CharMap::build(u));
    Ok(taipan_runtime::object::instance::new(EncodingMap { map }).into())
}

/// What a mapping says about a code point: bytes, or nothing.
fn mapped(vm: &mut Vm, mapping: &Value, c: u32) -> Result<Option<SmallVec<[u8; 8]>>, Raised> {
    if let Some(map) = mapping.downcast::<EncodingMap>() {
        return Ok(map.get(vm).map.byte(c).map(|b| SmallVec::from_slice(&[b])));
    }
    let key = Value::small_unchecked(c.into());
    let found = match mapping.downcast_exact::<Dict>() {
        Some(d) => d.get_item(vm, &key)?,
        None => {
            let found = vm.get_item(mapping, &key);
            vm.suppress(found, &LOOKUP_ERROR)?
        }
    };
    let Some(found) = found.filter(|v| !v.is_none()) else { return Ok(None) };
    if let Some(bytes) = found.downcast::<Bytes>() {
        return Ok(Some(SmallVec::from_slice(bytes.as_slice())));
    }
    match Int::read(&found) {
        Some(i) => match i.to_i64().and_then(|i| u8::try_from(i).ok()) {
            Some(byte) => Ok(Some(SmallVec::from_slice(&[byte]))),
            None => Err(vm.type_error("character mapping must be in range(256)")),
        },
        None => {
            let name = found.class().payload.name();
            Err(vm.type_error(format!("character mapping must return integer, bytes or None, not {name}")))
        }
    }
}

pub(super) fn charmap(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (text, errors) = arguments(vm, args, "charmap_encode")?;
    let Some(mapping) = args[2].as_ref().filter(|m| !m.is_none()) else {
        let bytes = encode_units!(vm, text, &errors, |u, h| base::encode_latin1(u, h))?;
        return done(&bytes, text);
    };
    let shared = RefCell::new(vm);
    let mut handling = Handling::encoding(&shared, text, &errors);
    let bytes = with_units!(text.units(), u => {
        base::encode_charmap(u, &mut handling, |c| mapped(&mut shared.borrow_mut(), mapping, c))
    })?;
    done(&bytes, text)
}
