//! `tell`, `seek` and `truncate` of `TextIOWrapper`: positions in text told by positions in bytes and the decoder's state.

use super::cookie::Cookie;
use super::reading::{forget, set_decoded};
use super::wrapper::{self, Snapshot, TextIo, attached, attached_open};
use super::writing::flush_pending;
use super::{decoder, encoder};
use crate::io::{arg, os_error_text, unsupported};
use taipan_runtime::name;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int::Int;
use taipan_runtime::vm::Vm;

/// Decodes a part of the bytes after the snapshot; gives the number of characters.
fn count(vm: &mut Vm, me: &Py<TextIo>, bytes: &[u8], last: bool) -> PyResult<usize> {
    Ok(decoder::decode(vm, me, bytes, None, last)?.len())
}

/// Brings the decoder to the state that a cookie tells.
fn restore(vm: &mut Vm, me: &Py<TextIo>, c: &Cookie) -> PyResult<()> {
    if c.is_start() {
        decoder::reset(vm, me)
    } else {
        let nothing = Bytes::from_slice(b"").into();
        decoder::set_state(vm, me, &nothing, c.flags as i64 as u64)
    }
}

/// Length of what the decoder has not decoded yet, and its flags.
fn left_over(vm: &mut Vm, me: &Py<TextIo>) -> PyResult<(usize, i32)> {
    let state = decoder::state(vm, me)?;
    let n = state.bytes(vm)?.as_slice().len();
    Ok((n, small_flags(vm, state.flags)?))
}

fn small_flags(vm: &mut Vm, flags: u64) -> PyResult<i32> {
    match i32::try_from(flags as i64) {
        Ok(f) => Ok(f),
        Err(_) => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
}

/// `TextIOWrapper.tell`
pub fn tell(vm: &mut Vm, v: &Value) -> PyResult {
    let me = attached_open(vm, v)?;
    if !me.get(vm).seekable {
        return Err(unsupported(vm, "underlying stream is not seekable"));
    }
    if !me.get(vm).telling {
        return Err(os_error_text(vm, "telling position disabled by next() call"));
    }
    flush_pending(vm, me)?;
    vm.call_method_named(v, name!("flush"), &[])?;
    let buffer = wrapper::buffer(vm, me)?;
    let place = vm.call_method_named(&buffer, name!("tell"), &[])?;
    let s = me.get(vm);
    let (Some(_), Some(Snapshot { flags, next })) = (&s.decoder, &s.snapshot) else { return Ok(place) };
    let (flags, next) = (*flags, next.clone());
    let mut c = Cookie { start: vm.to_i64(&place)?, flags: small_flags(vm, flags)?, ..Cookie::default() };
    c.start -= next.as_slice().len() as i64;
    let skip = me.get(vm).used;
    if skip == 0 {
        return Ok(c.pack());
    }
    let saved = decoder::state(vm, me)?;
    let result = locate(vm, me, &mut c, next.as_slice(), skip);
    match result {
        Ok(()) => decoder::set_state(vm, me, &saved.buffer, saved.flags)?,
        Err(r) => {
            vm.aside(|vm| {
                if decoder::set_state(vm, me, &saved.buffer, saved.flags).is_err() {
                    vm.clear_error();
                }
            });
            return Err(r);
        }
    }
    Ok(c.pack())
}

/// Finds the last place in `next` (the bytes after the snapshot) where the decoder has nothing left over and that is not
/// beyond the `skip` characters given out since.
fn locate(vm: &mut Vm, me: &Py<TextIo>, c: &mut Cookie, next: &[u8], skip: usize) -> PyResult<()> {
    let mut skip = skip;
    // Near the place by the ratio of bytes to characters, one call for most codecs.
    let mut bytes = ((me.get(vm).ratio * skip as f64) as usize).min(next.len()) as isize;
    let mut back = 1;
    while bytes > 0 {
        restore(vm, me, c)?;
        let n = count(vm, me, &next[..bytes as usize], false)?;
        if n <= skip {
            let (left, flags) = left_over(vm, me)?;
            if left == 0 {
                c.flags = flags;
                skip -= n;
                break;
            }
            bytes -= left as isize;
            back = 1;
        } else {
            bytes -= back;
            back *= 2;
        }
    }
    if bytes <= 0 {
        bytes = 0;
        restore(vm, me, c)?;
    }
    c.start += bytes as i64;
    c.skip = skip as i32;
    if skip == 0 {
        return Ok(());
    }
    // Then byte by byte, keeping the last safe place.
    let rest = &next[bytes as usize..];
    let mut decoded = 0;
    for byte in rest.chunks(1) {
        decoded += count(vm, me, byte, false)?;
        c.feed += 1;
        let (left, flags) = left_over(vm, me)?;
        if left == 0 && decoded <= skip {
            c.start += c.feed as i64;
            skip -= decoded;
            (c.flags, c.feed, decoded) = (flags, 0, 0);
        }
        if decoded >= skip {
            c.skip = skip as i32;
            return Ok(());
        }
    }
    decoded += count(vm, me, b"", true)?;
    c.need_eof = true;
    c.skip = skip as i32;
    if decoded < skip {
        return Err(os_error_text(vm, "can't reconstruct logical file position"));
    }
    Ok(())
}

/// `TextIOWrapper.seek`
pub fn seek(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let mut to = arg(a, 1);
    let whence = a[2].as_ref().map_or(Ok(0), |w| vm.to_i32(w))?;
    let me = attached_open(vm, &v)?;
    if !me.get(vm).seekable {
        return Err(unsupported(vm, "underlying stream is not seekable"));
    }
    let zero = Value::small_unchecked(0);
    match whence {
        0 => {}
        1 => {
            if !vm.eq(&to, &zero)? {
                return Err(unsupported(vm, "can't do nonzero cur-relative seeks"));
            }
            to = vm.call_method_named(&v, name!("tell"), &[])?;
        }
        2 => {
            if !vm.eq(&to, &zero)? {
                return Err(unsupported(vm, "can't do nonzero end-relative seeks"));
            }
            return seek_end(vm, &v, me);
        }
        _ => return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    }
    if vm.compare_bool(&to, &zero, CmpOp::Lt)? {
        let shown = vm.repr(&to)?.to_rust().into_owned();
        return Err(vm.value_error(format!("negative seek position {shown}")));
    }
    vm.call_method_named(&v, name!("flush"), &[])?;
    let c = Cookie::unpack(vm, &to)?;
    go_to(vm, me, &c)?;
    if me.get(vm).encoder.is_some() {
        encoder::reset(vm, me, c.is_start())?;
    }
    Ok(to)
}

fn seek_end(vm: &mut Vm, v: &Value, me: &Py<TextIo>) -> PyResult {
    vm.call_method_named(v, name!("flush"), &[])?;
    forget(vm, me);
    decoder::reset(vm, me)?;
    let buffer = wrapper::buffer(vm, me)?;
    let place =
        vm.call_method_named(&buffer, name!("seek"), &[Value::small_unchecked(0), Value::small_unchecked(2)])?;
    if me.get(vm).encoder.is_some() {
        let start = vm.eq(&place, &Value::small_unchecked(0))?;
        encoder::reset(vm, me, start)?;
    }
    Ok(place)
}

/// Goes to the safe place of a cookie and reads on to the character meant.
fn go_to(vm: &mut Vm, me: &Py<TextIo>, c: &Cookie) -> PyResult<()> {
    let buffer = wrapper::buffer(vm, me)?;
    vm.call_method_named(&buffer, name!("seek"), &[Int::from_i64(c.start)])?;
    forget(vm, me);
    let flags = c.flags as i64 as u64;
    if me.get(vm).decoder.is_some() {
        restore(vm, me, c)?;
    }
    if c.skip == 0 {
        me.get_mut(vm).snapshot = Some(Snapshot { flags, next: Bytes::from_slice(b"") });
        return Ok(());
    }
    let chunk = vm.call_method_named(&buffer, name!("read"), &[Int::from_i64(c.feed.into())])?;
    let Some(next) = chunk.downcast::<Bytes>() else {
        let got = chunk.class().payload.name();
        return Err(vm.type_error(format!("underlying read() should have returned a bytes object, not '{got}'")));
    };
    me.get_mut(vm).snapshot = Some(Snapshot { flags, next: next.clone() });
    let text = decoder::decode(vm, me, next.as_slice(), Some(&chunk), c.need_eof)?;
    let length = text.len();
    set_decoded(vm, me, Some(text));
    match usize::try_from(c.skip) {
        Ok(skip) if skip <= length => {
            me.get_mut(vm).used = skip;
            Ok(())
        }
        _ => Err(os_error_text(vm, "can't restore logical file position")),
    }
}

/// `TextIOWrapper.truncate`
pub fn truncate(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let me = attached(vm, &v)?;
    vm.call_method_named(&v, name!("flush"), &[])?;
    let buffer = wrapper::buffer(vm, me)?;
    vm.call_method_named(&buffer, name!("truncate"), &[arg(a, 1)])
}
