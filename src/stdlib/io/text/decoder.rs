//! Bytes to text inside `TextIOWrapper`: UTF-8, ASCII and Latin-1 without a Python object, other codecs through their
//! incremental decoder. Translation of line endings comes after, in the same state as `IncrementalNewlineDecoder`.

use super::newline::{Newlines, decoded};
use super::wrapper::TextIo;
use super::wrong_type;
use std::cell::RefCell;
use taipan_base::codecs as base;
use taipan_runtime::name;
use taipan_runtime::object::{Py, PyResult, Value, boolean, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::codecs::errors::Handling;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// How bytes become text.
#[derive(Clone)]
pub enum Inner {
    /// UTF-8; incomplete sequences wait in [`Decoder::pending`].
    Utf8,
    /// ASCII.
    Ascii,
    /// Latin-1.
    Latin1,
    /// An incremental decoder of a codec.
    Object(Value),
}

/// The decoder of a stream.
pub struct Decoder {
    /// How bytes become text.
    pub inner: Inner,
    /// The start of a sequence whose rest has not come yet.
    pending: Vec<u8>,
    /// Translation of line endings, in universal newlines mode.
    pub newlines: Option<Newlines>,
}

/// What `getstate()` says: bytes not decoded yet, and flags.
pub struct State {
    /// The bytes, as an object that should be `bytes`.
    pub buffer: Value,
    /// The flags.
    pub flags: u64,
}

impl State {
    /// The bytes not decoded yet.
    pub fn bytes(&self, vm: &mut Vm) -> PyResult<Py<Bytes>> {
        match self.buffer.downcast::<Bytes>() {
            Some(b) => Ok(b.clone()),
            None => {
                let got = self.buffer.class().payload.name();
                Err(vm
                    .type_error(format!("illegal decoder state: the first item should be a bytes object, not '{got}'")))
            }
        }
    }
}

impl Decoder {
    /// A decoder for a codec (a `CodecInfo`) whose own name is `name`.
    pub fn of_codec(
        vm: &mut Vm,
        codec: &Value,
        name: Option<&str>,
        errors: &Py<Str>,
        newlines: Option<Newlines>,
    ) -> PyResult<Decoder> {
        let class = vm.get_attr(codec, name!("incrementaldecoder"))?;
        let inner = match native(vm, &class, name)? {
            Some(inner) => inner,
            None => Inner::Object(vm.call1(&class, errors.as_value())?),
        };
        Ok(Decoder { inner, pending: Vec::new(), newlines })
    }

    /// The Python object, if there is one.
    pub fn object(&self) -> Option<&Value> {
        match &self.inner {
            Inner::Object(v) => Some(v),
            _ => None,
        }
    }
}

/// The native decoder that stands for a class of `encodings`.
fn native(vm: &mut Vm, class: &Value, name: Option<&str>) -> PyResult<Option<Inner>> {
    let (inner, module) = match name {
        Some("utf-8") => (Inner::Utf8, "encodings.utf_8"),
        Some("ascii") => (Inner::Ascii, "encodings.ascii"),
        Some("iso8859-1") => (Inner::Latin1, "encodings.latin_1"),
        _ => return Ok(None),
    };
    let of = vm.get_attr_opt(class, name!("__module__"))?;
    let own = of.is_some_and(|m| m.downcast::<Str>().is_some_and(|m| m.is_text(module)));
    Ok(own.then_some(inner))
}

/// The inner decoder, or the error of a stream that has none.
fn inner(vm: &mut Vm, me: &Py<TextIo>) -> PyResult<Inner> {
    match &me.get(vm).decoder {
        Some(d) => Ok(d.inner.clone()),
        None => Err(super::super::unsupported(vm, "not readable")),
    }
}

fn state_mut<'a>(vm: &'a mut Vm, me: &'a Py<TextIo>) -> Option<&'a mut Decoder> {
    me.get_mut(vm).decoder.as_mut()
}

/// Decodes a piece; `object` is the object the bytes came in, for decoders in Python.
pub fn decode(vm: &mut Vm, me: &Py<TextIo>, bytes: &[u8], object: Option<&Value>, last: bool) -> PyResult<Py<Str>> {
    let text = match inner(vm, me)? {
        Inner::Utf8 => utf8(vm, me, bytes, last)?,
        Inner::Latin1 => Str::from_latin1(bytes),
        Inner::Ascii if bytes.is_ascii() => Str::from_latin1(bytes),
        Inner::Ascii => {
            let errors = me.get(vm).errors_text();
            let shared = RefCell::new(&mut *vm);
            let text = base::decode_ascii(bytes, &mut Handling::decoding(&shared, &errors))?;
            Str::from_text(&text)
        }
        Inner::Object(decoder) => {
            let object = object.cloned().unwrap_or_else(|| Bytes::from_slice(bytes).into());
            let text = vm.call_method_named(&decoder, name!("decode"), &[object, boolean(last)])?;
            decoded(vm, text)?
        }
    };
    match state_mut(vm, me).and_then(|d| d.newlines.as_mut()) {
        Some(newlines) => Ok(newlines.feed(text, last)),
        None => Ok(text),
    }
}

fn utf8(vm: &mut Vm, me: &Py<TextIo>, bytes: &[u8], last: bool) -> PyResult<Py<Str>> {
    let pending = me.get(vm).decoder.as_ref().map_or(Vec::new(), |d| d.pending.clone());
    if pending.is_empty() && bytes.is_ascii() {
        return Ok(Str::from_latin1(bytes));
    }
    let joined;
    let bytes = if pending.is_empty() {
        bytes
    } else {
        joined = [&pending[..], bytes].concat();
        &joined
    };
    let (good, bad) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(e) => {
            let good = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or("");
            (good, last || e.error_len().is_some())
        }
    };
    if !bad {
        if let Some(d) = state_mut(vm, me) {
            d.pending.clear();
            d.pending.extend_from_slice(&bytes[good.len()..]);
        }
        return Ok(Str::from_rust(good));
    }
    let errors = me.get(vm).errors_text();
    let (text, consumed) = {
        let shared = RefCell::new(&mut *vm);
        let d = base::decode_utf8(bytes, &mut Handling::decoding(&shared, &errors), last)?;
        (Str::from_text(&d.text), d.consumed)
    };
    if let Some(d) = state_mut(vm, me) {
        d.pending = bytes.get(consumed..).unwrap_or(&[]).to_vec();
    }
    Ok(text)
}

/// `getstate()`
pub fn state(vm: &mut Vm, me: &Py<TextIo>) -> PyResult<State> {
    let mut state = match inner(vm, me)? {
        Inner::Object(decoder) => {
            let state = vm.call_method_named(&decoder, name!("getstate"), &[])?;
            let Some([buffer, flags]) = state.downcast::<Tuple>().map(|t| t.items()) else {
                return Err(vm.type_error("illegal decoder state"));
            };
            let Some(flags) = super::newline::masked(flags) else {
                return Err(wrong_type(vm, "an integer is required, not ", flags));
            };
            State { buffer: buffer.clone(), flags }
        }
        _ => {
            let pending = me.get(vm).decoder.as_ref().map_or(&[][..], |d| &d.pending);
            State { buffer: Bytes::from_slice(pending).into(), flags: 0 }
        }
    };
    if let Some(n) = me.get(vm).decoder.as_ref().and_then(|d| d.newlines.as_ref()) {
        state.flags = n.pack(state.flags);
    }
    Ok(state)
}

/// `setstate()`
pub fn set_state(vm: &mut Vm, me: &Py<TextIo>, buffer: &Value, flags: u64) -> PyResult<()> {
    let flags = match state_mut(vm, me).and_then(|d| d.newlines.as_mut()) {
        Some(n) => Int::from_u64(n.unpack(flags)),
        None => Int::from_i64(flags as i64),
    };
    match inner(vm, me)? {
        Inner::Object(decoder) => {
            let state = Tuple::of([buffer.clone(), flags]).into();
            vm.call_method_named(&decoder, name!("setstate"), &[state]).map(drop)
        }
        _ => {
            let bytes = vm.bytes_like(buffer)?;
            if let Some(d) = state_mut(vm, me) {
                d.pending = bytes;
            }
            Ok(())
        }
    }
}

/// `reset()`
pub fn reset(vm: &mut Vm, me: &Py<TextIo>) -> PyResult<()> {
    let Some(d) = state_mut(vm, me) else { return Ok(()) };
    d.pending.clear();
    if let Some(n) = &mut d.newlines {
        n.reset();
    }
    match d.object().cloned() {
        Some(decoder) => vm.call_method_named(&decoder, name!("reset"), &[]).map(drop),
        None => Ok(()),
    }
}

/// The line endings seen.
pub fn newlines(vm: &mut Vm, me: &Py<TextIo>) -> PyResult {
    let Some(d) = &me.get(vm).decoder else { return Ok(none()) };
    match (d.newlines, d.object().cloned()) {
        (Some(n), _) => Ok(n.seen(vm)),
        (None, Some(decoder)) => Ok(vm.get_attr_opt(&decoder, name!("newlines"))?.unwrap_or_else(none)),
        (None, None) => Ok(none()),
    }
}
