//! Writing: encoded text gathers in the stream and goes to the buffer in chunks.

use super::encoder::{self, Encoded};
use super::lines;
use super::wrapper::{TextIo, attached_open};
use super::wrong_type;
use super::{decoder, wrapper};
use taipan_base::text::Unit;
use taipan_runtime::name;
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::INTERRUPTED_ERROR;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::vm::Vm;

fn marked<U: Unit>(units: &[U], mark: &str) -> Vec<U> {
    let mut out = Vec::with_capacity(units.len() + units.len() / 8);
    let mut rest = units;
    while let Some(i) = lines::find(rest, b'\n') {
        out.extend_from_slice(&rest[..i]);
        out.extend(mark.bytes().filter_map(|b| U::from_cp(b as u32)));
        rest = &rest[i + 1..];
    }
    out.extend_from_slice(rest);
    out
}

/// The text with `\n` replaced.
pub fn with_mark(text: &Py<Str>, mark: &str) -> Py<Str> {
    if !lines::has(text, b'\n') {
        return text.clone();
    }
    match text.units() {
        Units::Latin1(u) => Str::from_latin1(&marked(u, mark)),
        Units::Ucs2(u) => Str::of_units(Units::Ucs2(&marked(u, mark))),
        Units::Ucs4(u) => Str::of_units(Units::Ucs4(&marked(u, mark))),
    }
}

/// `TextIOWrapper.write`
pub fn write(vm: &mut Vm, v: &Value, text: &Value) -> PyResult {
    let Some(text) = text.downcast::<Str>() else {
        return Err(wrong_type(vm, "write() argument must be str, not ", text));
    };
    write_text(vm, v, text)?;
    Ok(Value::from_usize(text.len()))
}

/// Writes a text.
pub fn write_text(vm: &mut Vm, v: &Value, text: &Py<Str>) -> PyResult<()> {
    let me = attached_open(vm, v)?;
    let s = me.get(vm);
    let Some(encoder) = &s.encoder else { return Err(super::super::unsupported(vm, "not writable")) };
    let mark = s.newline.written();
    let has_lf = (mark.is_some() || s.line_buffering) && lines::has(text, b'\n');
    let flush = s.line_buffering && (has_lf || lines::has(text, b'\r'));
    let through = s.write_through;
    if text.is_ascii() && encoder.keeps_ascii() && !(has_lf && mark.is_some()) {
        me.get_mut(vm).start_of_stream = false;
        append(vm, me, text.bytes(), None)?;
    } else {
        let mut encoder = encoder.clone();
        let translated = match mark {
            Some(mark) if has_lf && text.as_value().is_exact::<Str>() => &with_mark(text, mark),
            Some(mark) if has_lf => {
                let own = replaced(vm, text, mark)?;
                // the method may have done anything to the stream
                attached_open(vm, v)?;
                match &me.get(vm).encoder {
                    Some(e) => encoder = e.clone(),
                    None => return Err(crate::io::unsupported(vm, "not writable")),
                }
                &own.clone()
            }
            _ => text,
        };
        match encoder::encode(vm, me, &encoder, translated)? {
            Encoded::Bytes(b) => append(vm, me, &b, None)?,
            Encoded::Object(o) => append(vm, me, o.as_slice(), Some(o.as_value().clone()))?,
        }
    }
    let s = me.get(vm);
    if s.pending.len() >= s.chunk || flush || through {
        flush_pending(vm, me)?;
    }
    if flush {
        let buffer = wrapper::buffer(vm, me)?;
        vm.call_method_named(&buffer, name!("flush"), &[])?;
    }
    let s = me.get_mut(vm);
    if s.snapshot.is_some() {
        let old = (s.decoded.take(), s.snapshot.take());
        s.used = 0;
        drop(old);
    }
    if me.get(vm).decoder.is_some() {
        decoder::reset(vm, me)?;
    }
    Ok(())
}

/// The text with `\n` replaced by the method of a subclass of `str`.
fn replaced(vm: &mut Vm, text: &Py<Str>, mark: &str) -> PyResult<Py<Str>> {
    let (from, to) = (vm.new_str("\n"), vm.new_str(mark));
    let out = vm.call_method_named(text.as_value(), name!("replace"), &[from, to])?;
    out.into_py::<Str>().map_err(|v| wrong_type(vm, "replace() should return a str, not ", &v))
}

/// Puts bytes behind those that wait; many at once are handed on without a copy.
fn append(vm: &mut Vm, me: &Py<TextIo>, bytes: &[u8], object: Option<Value>) -> PyResult<()> {
    let s = me.get_mut(vm);
    if s.pending.len() + bytes.len() > s.chunk {
        // a buffer in Python may write to this stream in turn
        while !me.get(vm).pending.is_empty() && me.get(vm).pending.len() + bytes.len() > me.get(vm).chunk {
            flush_pending(vm, me)?;
        }
        if bytes.len() >= me.get(vm).chunk {
            return hand_over(vm, me, object.unwrap_or_else(|| Bytes::from_slice(bytes).into()));
        }
    }
    me.get_mut(vm).pending.extend_from_slice(bytes);
    Ok(())
}

/// Hands the waiting bytes to the buffer.
pub fn flush_pending(vm: &mut Vm, me: &Py<TextIo>) -> PyResult<()> {
    let s = me.get_mut(vm);
    if s.pending.is_empty() {
        return Ok(());
    }
    let bytes = Bytes::from_slice(&s.pending);
    s.pending.clear();
    hand_over(vm, me, bytes.into())
}

fn hand_over(vm: &mut Vm, me: &Py<TextIo>, bytes: Value) -> PyResult<()> {
    let buffer = wrapper::buffer(vm, me)?;
    loop {
        match vm.call_method_named(&buffer, name!("write"), std::slice::from_ref(&bytes)) {
            Ok(_) => return Ok(()),
            Err(r) => retry(vm, r)?,
        }
    }
}

/// Swallows `InterruptedError`: the call is made again, after signal handlers had their turn (PEP 475).
pub fn retry(vm: &mut Vm, r: taipan_runtime::object::Raised) -> PyResult<()> {
    if !vm.error_is(&INTERRUPTED_ERROR) {
        return Err(r);
    }
    vm.clear_error();
    vm.check_signals()
}
