//! The calls of the raw stream under a buffered one: natively when it is exactly a `FileIO` whose method nobody replaced,
//! else by its method.

use super::super::base::plain_file;
use super::super::fileio::{self, FileIo};
use super::super::{offset, os_error_from, os_error_text};
use super::Buffered;
use crate::system::int;
use taipan_runtime::name;
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{Py, PyResult, Value, none};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::bytes::room::Room;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::memoryview;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

fn raw(vm: &Vm, me: &Py<Buffered>) -> Value {
    me.get(vm).raw.clone().unwrap_or_else(none)
}

/// The raw stream as an exact `FileIO` whose `method` is its type's.
fn plain(vm: &Vm, me: &Py<Buffered>, method: &Py<Str>) -> Option<Py<FileIo>> {
    plain_file(me.get(vm).raw.as_ref()?, method)
}

/// The raw stream's position, from its own mouth.
pub fn tell(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<i64> {
    let n = match plain(vm, me, name!("tell")) {
        Some(f) => fileio::seek(vm, &f, 0, libc::SEEK_CUR)?,
        None => {
            let raw = raw(vm, me);
            let r = vm.call_method_named(&raw, name!("tell"), &[])?;
            valid_position(vm, &r)?
        }
    };
    me.get_mut(vm).tell = Some(n);
    Ok(n)
}

fn valid_position(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let n = offset(vm, v)?;
    if n < 0 { Err(os_error_text(vm, &format!("Raw stream returned invalid position {n}"))) } else { Ok(n) }
}

/// Moves the raw stream.
pub fn seek(vm: &mut Vm, me: &Py<Buffered>, target: i64, whence: i32) -> PyResult<i64> {
    let n = match plain(vm, me, name!("seek")) {
        Some(f) => fileio::seek(vm, &f, target, whence)?,
        None => {
            let raw = raw(vm, me);
            let r = vm.call_method_named(&raw, name!("seek"), &[int(target), int(whence)])?;
            valid_position(vm, &r)?
        }
    };
    me.get_mut(vm).tell = Some(n);
    Ok(n)
}

/// Counts what was transferred.
fn moved(vm: &mut Vm, me: &Py<Buffered>, n: Option<usize>) -> Option<usize> {
    if let Some(t) = &mut me.get_mut(vm).tell {
        *t += n.unwrap_or(0) as i64;
    }
    n
}

/// Reads once: nothing when the stream would block.
pub fn read(vm: &mut Vm, me: &Py<Buffered>, to: &mut [u8]) -> PyResult<Option<usize>> {
    let n = match plain(vm, me, name!("readinto")) {
        Some(f) => fileio::read_into(vm, &f, to)?,
        None => {
            let room = ByteArray::from_slice(&vec![0; to.len()]);
            let n = readinto(vm, me, room.as_value(), to.len())?;
            if let Some(n) = n {
                // Whoever kept the view may have changed the array since.
                let data = &room.get(vm).data;
                let n = n.min(data.len());
                to[..n].copy_from_slice(&data[..n]);
            }
            n
        }
    };
    Ok(moved(vm, me, n))
}

/// Reads once into a caller's memory, from byte `skip` on.
pub fn read_view(vm: &mut Vm, me: &Py<Buffered>, view: &mut Buffer, skip: usize) -> PyResult<Option<usize>> {
    if let Some(f) = plain(vm, me, name!("readinto")) {
        let n = fileio::read_view(vm, &f, view, skip)?;
        return Ok(moved(vm, me, n));
    }
    let mut part = super::super::zeroed(vm, view.len - skip)?;
    let n = read(vm, me, &mut part)?;
    if let Some(n) = n {
        view.as_mut_slice(vm)[skip..skip + n].copy_from_slice(&part[..n]);
    }
    Ok(n)
}

/// Calls `raw.readinto()` with a view of `room`.
fn readinto(vm: &mut Vm, me: &Py<Buffered>, room: &Value, len: usize) -> PyResult<Option<usize>> {
    let view = memoryview::from_object(vm, room, BufferRequest::WRITE)?;
    let r = uninterrupted(vm, me, name!("readinto"), &view)?;
    if r.is_none() {
        return Ok(None);
    }
    let n = match vm.to_isize(&r) {
        Ok(n) => n,
        Err(_) => return Err(os_error_from(vm, "raw readinto() failed")),
    };
    if n < 0 || n as usize > len {
        let text = format!("raw readinto() returned invalid length {n} (should have been between 0 and {len})");
        return Err(os_error_text(vm, &text));
    }
    Ok(Some(n as usize))
}

/// Calls a method of the raw stream again and again while signals interrupt it.
fn uninterrupted(vm: &mut Vm, me: &Py<Buffered>, method: &Py<Str>, argument: &Value) -> PyResult {
    loop {
        let raw = raw(vm, me);
        let r = vm.call_method_named(&raw, method, std::slice::from_ref(argument));
        if r.is_ok() || !vm.error_is(&exc::INTERRUPTED_ERROR) {
            return r;
        }
        vm.clear_error();
        vm.check_signals()?;
    }
}

/// Writes once: nothing when the stream would block.
pub fn write(vm: &mut Vm, me: &Py<Buffered>, data: &[u8]) -> PyResult<Option<usize>> {
    let n = match plain(vm, me, name!("write")) {
        Some(f) => fileio::write_from(vm, &f, data)?,
        None => {
            let bytes: Value = Bytes::from_slice(data).into();
            let view = memoryview::from_object(vm, &bytes, BufferRequest::READ)?;
            let r = uninterrupted(vm, me, name!("write"), &view)?;
            if r.is_none() {
                return Ok(None);
            }
            let n = vm.to_isize(&r).unwrap_or(-1);
            if n < 0 || n as usize > data.len() {
                vm.clear_error();
                let len = data.len();
                let text = format!("raw write() returned invalid length {n} (should have been between 0 and {len})");
                return Err(os_error_text(vm, &text));
            }
            Some(n as usize)
        }
    };
    Ok(moved(vm, me, n))
}

/// Reads once, at most `most` bytes, behind those in the room: nothing when the stream would block.
pub fn read_room(vm: &mut Vm, me: &Py<Buffered>, room: &mut Room, most: usize) -> PyResult<Option<usize>> {
    if let Some(f) = plain(vm, me, name!("readinto")) {
        let n = fileio::read_more(vm, &f, room, most)?;
        return Ok(moved(vm, me, n));
    }
    let mut part = super::super::zeroed(vm, most)?;
    let n = read(vm, me, &mut part)?;
    room.extend(&part[..n.unwrap_or(0)]);
    Ok(n)
}

/// `before` and the rest of the raw stream by its `readall()`; nothing when it has no such method. The inner result is
/// nothing when the stream would block.
pub fn read_all(vm: &mut Vm, me: &Py<Buffered>, before: &[u8]) -> PyResult<Option<Option<Py<Bytes>>>> {
    if let Some(f) = plain(vm, me, name!("readall")) {
        // How far it went, its position tells.
        me.get_mut(vm).tell = None;
        return fileio::read_all(vm, &f, before).map(Some);
    }
    let raw = raw(vm, me);
    let Some(method) = vm.get_attr_opt(&raw, name!("readall"))? else { return Ok(None) };
    me.get_mut(vm).tell = None;
    let all = vm.call0(&method)?;
    if all.is_none() {
        return Ok(Some(None));
    }
    match all.downcast::<Bytes>() {
        Some(b) if before.is_empty() => Ok(Some(Some(b.clone()))),
        Some(b) => Ok(Some(Some(Bytes::from_slice(&[before, b.as_slice()].concat())))),
        None => Err(vm.type_error("readall() should return bytes")),
    }
}
