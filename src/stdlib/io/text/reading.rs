//! Reading: chunks of bytes are decoded, and what was decoded is given out piece by piece.

use super::decoder;
use super::lines::{Found, line_end_in};
use super::wrapper::{self, Snapshot, TextIo, attached_open};
use super::writing::{flush_pending, retry};
use crate::io::base::size_arg;
use crate::io::{arg, unsupported};
use taipan_runtime::name;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::BLOCKING_IO_ERROR;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

fn empty() -> Py<Str> {
    Str::from_latin1(b"")
}

/// Takes at most `n` decoded characters.
fn take_decoded(vm: &mut Vm, me: &Py<TextIo>, n: Option<usize>) -> Py<Str> {
    let s = me.get_mut(vm);
    let Some(text) = &s.decoded else { return empty() };
    let left = text.len() - s.used;
    let n = n.map_or(left, |n| n.min(left));
    let out = if n == text.len() { text.clone() } else { text.slice(s.used, s.used + n) };
    s.used += n;
    out
}

/// Replaces the decoded text.
pub fn set_decoded(vm: &mut Vm, me: &Py<TextIo>, text: Option<Py<Str>>) {
    let s = me.get_mut(vm);
    s.used = 0;
    drop(std::mem::replace(&mut s.decoded, text));
}

/// Forgets the decoded text and where it came from.
pub fn forget(vm: &mut Vm, me: &Py<TextIo>) {
    set_decoded(vm, me, None);
    drop(me.get_mut(vm).snapshot.take());
}

/// Reads and decodes the next chunk: bytes enough for `hint` characters, as far as one can tell. False at the end.
fn read_chunk(vm: &mut Vm, me: &Py<TextIo>, hint: usize) -> PyResult<bool> {
    if me.get(vm).decoder.is_none() {
        return Err(unsupported(vm, "not readable"));
    }
    let before = if me.get(vm).telling {
        let state = decoder::state(vm, me)?;
        Some((state.bytes(vm)?, state.flags))
    } else {
        None
    };
    let s = me.get(vm);
    let want = s.chunk.max((s.ratio.max(1.0) * hint as f64) as usize);
    let (how, text) = if s.has_read1 { (name!("read1"), "read1") } else { (name!("read"), "read") };
    let buffer = wrapper::buffer(vm, me)?;
    let chunk = vm.call_method_named(&buffer, how, &[Value::from_usize(want)])?;
    let bytes = match chunk.downcast::<Bytes>() {
        Some(b) => b.clone(),
        None => {
            let got = chunk.class().payload.name();
            let Ok(view) = vm.buffer(&chunk, BufferRequest::READ) else {
                vm.clear_error();
                return Err(
                    vm.type_error(format!("underlying {text}() should have returned a bytes-like object, not '{got}'"))
                );
            };
            Bytes::from_slice(&view.to_vec(vm))
        }
    };
    let n = bytes.as_slice().len();
    let decoded = decoder::decode(vm, me, bytes.as_slice(), Some(&chunk), n == 0)?;
    let characters = decoded.len();
    set_decoded(vm, me, Some(decoded));
    me.get_mut(vm).ratio = if characters > 0 { n as f64 / characters as f64 } else { 0.0 };
    if let Some((left, flags)) = before {
        let next = match left.as_slice() {
            [] => bytes,
            left => Bytes::from_slice(&[left, bytes.as_slice()].concat()),
        };
        let old = me.get_mut(vm).snapshot.replace(Snapshot { flags, next });
        drop(old);
    }
    Ok(n != 0 || characters > 0)
}

/// As [`read_chunk`], made again when a signal interrupts it.
fn chunk(vm: &mut Vm, me: &Py<TextIo>, hint: usize) -> PyResult<bool> {
    loop {
        match read_chunk(vm, me, hint) {
            Ok(more) => return Ok(more),
            Err(r) => retry(vm, r)?,
        }
    }
}

/// `TextIOWrapper.read`
pub fn read(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let size = size_arg(vm, a[1].as_ref())?;
    let me = attached_open(vm, &v)?;
    if me.get(vm).decoder.is_none() {
        return Err(unsupported(vm, "not readable"));
    }
    flush_pending(vm, me)?;
    match size {
        None => read_all(vm, me),
        Some(n) => read_some(vm, me, n),
    }
}

fn read_all(vm: &mut Vm, me: &Py<TextIo>) -> PyResult {
    let buffer = wrapper::buffer(vm, me)?;
    let data = vm.call_method_named(&buffer, name!("read"), &[])?;
    if data.is_none() {
        let text = vm.new_str("Read returned None.");
        return Err(vm.raise_with(&BLOCKING_IO_ERROR, &[text]));
    }
    let held;
    let bytes = match data.downcast::<Bytes>() {
        Some(b) => b.as_slice(),
        // a decoder in Python judges itself what it is given
        None if me.get(vm).decoder.as_ref().is_some_and(|d| d.object().is_some()) => &[],
        None => {
            held = vm.bytes_like(&data)?;
            &held
        }
    };
    let rest = decoder::decode(vm, me, bytes, Some(&data), true)?;
    let first = take_decoded(vm, me, None);
    let all = Str::concat(&first, &rest);
    if me.get(vm).snapshot.is_some() {
        forget(vm, me);
    }
    Ok(all.into())
}

fn read_some(vm: &mut Vm, me: &Py<TextIo>, n: usize) -> PyResult {
    let first = take_decoded(vm, me, Some(n));
    let mut left = n - first.len();
    if left == 0 {
        return Ok(first.into());
    }
    let mut parts = vec![first];
    while left > 0 && chunk(vm, me, left)? {
        let part = take_decoded(vm, me, Some(left));
        left -= part.len();
        parts.push(part);
    }
    Ok(joined(parts).into())
}

fn joined(parts: Vec<Py<Str>>) -> Py<Str> {
    let parts: Vec<Py<Str>> = parts.into_iter().filter(|p| p.len() > 0).collect();
    match &parts[..] {
        [one] => one.clone(),
        _ => Str::join(&empty(), &parts.iter().map(|p| &**p).collect::<Vec<&Str>>()),
    }
}

/// `TextIOWrapper.readline`
pub fn read_line(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let limit = match &a[1] {
        Some(n) => usize::try_from(ssize_arg(vm, n)?).ok(),
        None => None,
    };
    wrapper::attached(vm, &v)?;
    Ok(line(vm, &v, limit)?.into())
}

/// The next line, of at most `limit` characters; empty at the end.
pub fn line(vm: &mut Vm, v: &Value, limit: Option<usize>) -> PyResult<Py<Str>> {
    let me = attached_open(vm, v)?;
    flush_pending(vm, me)?;
    let ending = me.get(vm).newline.ending();
    let mut parts: Vec<Py<Str>> = Vec::new();
    let mut length = 0;
    // what may be the first half of an ending, at the end of the last chunk
    let mut held: Option<Py<Str>> = None;
    loop {
        while me.get(vm).decoded.as_ref().is_none_or(|d| d.len() == me.get(vm).used) {
            if !chunk(vm, me, 0)? {
                forget(vm, me);
                parts.extend(held);
                return Ok(joined(parts));
            }
        }
        let Some(decoded) = me.get(vm).decoded.clone() else { continue };
        let used = me.get(vm).used;
        let (text, start, before) = match held.take() {
            Some(h) => (Str::concat(&h, &decoded.slice(used, decoded.len())), 0, h.len()),
            None => (decoded, used, 0),
        };
        let found = line_end_in(&text, start, ending);
        let (Found::At(mut n) | Found::No(mut n)) = found;
        let full = limit.is_some_and(|l| length + n >= l);
        if let (true, Some(l)) = (full, limit) {
            n = l - length;
        }
        if full || matches!(found, Found::At(_)) {
            let s = me.get_mut(vm);
            // `text` begins `before` characters ahead of the first unused one
            s.used = if before > 0 { used + n - before } else { start + n };
            let last = if start == 0 && n == text.len() { text } else { text.slice(start, start + n) };
            if parts.is_empty() {
                return Ok(last);
            }
            parts.push(last);
            return Ok(joined(parts));
        }
        if n > 0 {
            parts.push(text.slice(start, start + n));
            length += n;
        }
        if start + n < text.len() {
            held = Some(text.slice(start + n, text.len()));
        }
        set_decoded(vm, me, None);
    }
}

/// The next line by iteration: `tell()` does not work until it ends.
pub fn next_line(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let me = wrapper::attached(vm, v)?;
    me.get_mut(vm).telling = false;
    let line = if v.is_exact::<TextIo>() {
        let line = line(vm, v, None)?;
        (line.len() > 0).then(|| line.into())
    } else {
        line_of_subclass(vm, v)?
    };
    if line.is_none() {
        let s = me.get_mut(vm);
        s.telling = s.seekable;
        drop(s.snapshot.take());
    }
    Ok(line)
}

/// The next line by the method `readline`, which a subclass may define.
pub fn line_of_subclass(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let line = vm.call_method_named(v, name!("readline"), &[])?;
    match line.downcast::<Str>().map(|s| s.len()) {
        Some(0) => Ok(None),
        Some(_) => Ok(Some(line)),
        None => {
            let got = line.class().payload.name();
            let message = format!("readline() should have returned a str object, not '{got}'");
            Err(crate::io::os_error_text(vm, &message))
        }
    }
}
