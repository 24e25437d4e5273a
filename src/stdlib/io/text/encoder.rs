//! Text to bytes inside `TextIOWrapper`: the codecs that CPython knows here by name without a Python object, others
//! through their incremental encoder.

use super::wrapper::TextIo;
use taipan_base::codecs::{self as base, ByteOrder};
use taipan_runtime::encode_units;
use taipan_runtime::name;
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::vm::Vm;
use taipan_runtime::with_units;

/// How text becomes bytes.
#[derive(Clone)]
pub enum Encoder {
    /// UTF-8.
    Utf8,
    /// ASCII.
    Ascii,
    /// Latin-1.
    Latin1,
    /// UTF-16 in an order, or with a mark at the start.
    Utf16(Option<ByteOrder>),
    /// UTF-32 likewise.
    Utf32(Option<ByteOrder>),
    /// An incremental encoder of a codec.
    Object(Value),
}

/// What an encoder gave.
pub enum Encoded {
    /// The bytes.
    Bytes(Vec<u8>),
    /// The bytes as the object that a Python encoder gave.
    Object(Py<Bytes>),
}

impl Encoder {
    /// An encoder for a codec (a `CodecInfo`) whose own name is `name`.
    pub fn of_codec(vm: &mut Vm, codec: &Value, name: Option<&str>, errors: &Py<Str>) -> PyResult<Encoder> {
        Ok(match name {
            Some("utf-8") => Encoder::Utf8,
            Some("ascii") => Encoder::Ascii,
            Some("iso8859-1") => Encoder::Latin1,
            Some("utf-16") => Encoder::Utf16(None),
            Some("utf-16-le") => Encoder::Utf16(Some(ByteOrder::Little)),
            Some("utf-16-be") => Encoder::Utf16(Some(ByteOrder::Big)),
            Some("utf-32") => Encoder::Utf32(None),
            Some("utf-32-le") => Encoder::Utf32(Some(ByteOrder::Little)),
            Some("utf-32-be") => Encoder::Utf32(Some(ByteOrder::Big)),
            _ => {
                let class = vm.get_attr(codec, name!("incrementalencoder"))?;
                Encoder::Object(vm.call1(&class, errors.as_value())?)
            }
        })
    }

    /// Whether ASCII text is its own encoding.
    pub fn keeps_ascii(&self) -> bool {
        matches!(self, Encoder::Utf8 | Encoder::Ascii | Encoder::Latin1)
    }

    /// The Python object, if there is one.
    pub fn object(&self) -> Option<&Value> {
        match self {
            Encoder::Object(v) => Some(v),
            _ => None,
        }
    }
}

/// Encodes a text with the stream's encoder.
pub fn encode(vm: &mut Vm, me: &Py<TextIo>, encoder: &Encoder, text: &Py<Str>) -> PyResult<Encoded> {
    let at_start = std::mem::replace(&mut me.get_mut(vm).start_of_stream, false);
    // a mark only at the start
    let order = |order: &Option<ByteOrder>| order.or(if at_start { None } else { Some(ByteOrder::NATIVE) });
    let errors = me.get(vm).errors_text();
    Ok(Encoded::Bytes(match encoder {
        Encoder::Utf8 if !has_surrogates(text) => utf8(text),
        Encoder::Utf8 => encode_units!(vm, text, &errors, |u, h| base::encode_utf8(u, h))?,
        Encoder::Ascii => encode_units!(vm, text, &errors, |u, h| base::encode_ascii(u, h))?,
        Encoder::Latin1 => encode_units!(vm, text, &errors, |u, h| base::encode_latin1(u, h))?,
        Encoder::Utf16(o) => encode_units!(vm, text, &errors, |u, h| base::encode_utf16(u, order(o), h))?,
        Encoder::Utf32(o) => encode_units!(vm, text, &errors, |u, h| base::encode_utf32(u, order(o), h))?,
        Encoder::Object(encoder) => {
            let out = vm.call_method_named(encoder, name!("encode"), std::slice::from_ref(text.as_value()))?;
            match out.into_py::<Bytes>() {
                Ok(b) => return Ok(Encoded::Object(b)),
                Err(v) => {
                    let got = v.class().payload.name();
                    return Err(vm.type_error(format!("encoder should return a bytes object, not '{got}'")));
                }
            }
        }
    }))
}

fn has_surrogates(text: &Str) -> bool {
    match text.units() {
        Units::Latin1(_) => false,
        Units::Ucs2(u) => u.iter().any(|&c| (0xD800..0xE000).contains(&c)),
        Units::Ucs4(u) => u.iter().any(|&c| (0xD800..0xE000).contains(&c)),
    }
}

/// The UTF-8 of a text without surrogates.
fn utf8(text: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    with_units!(text.units(), u => for &c in u {
        match c as u32 {
            c @ ..0x80 => out.push(c as u8),
            c @ ..0x800 => out.extend_from_slice(&[0xC0 | (c >> 6) as u8, 0x80 | (c & 0x3F) as u8]),
            c => {
                let c = char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    });
    out
}

/// Tells the encoder whether it is at the start of the stream, where a byte order mark belongs.
pub fn reset(vm: &mut Vm, me: &Py<TextIo>, start: bool) -> PyResult<()> {
    me.get_mut(vm).start_of_stream = start;
    let Some(encoder) = me.get(vm).encoder.as_ref().and_then(|e| e.object().cloned()) else { return Ok(()) };
    if start {
        vm.call_method_named(&encoder, name!("reset"), &[]).map(drop)
    } else {
        vm.call_method_named(&encoder, name!("setstate"), &[Value::small_unchecked(0)]).map(drop)
    }
}
