//! Writing through a buffer.

use super::super::{Source, would_block};
use super::lock::locked;
use super::reader::{reset, with_data};
use super::*;

/// Writes out what the buffer holds. Under the lock.
pub fn flush(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<()> {
    let b = me.get(vm);
    let Some((start, end)) = b.dirty.filter(|(start, end)| b.writable && start != end) else {
        me.get_mut(vm).dirty = None;
        return Ok(());
    };
    let rewind = b.raw_offset() + b.at as i64 - start as i64;
    if rewind != 0 {
        raw::seek(vm, me, -rewind, libc::SEEK_CUR)?;
        me.get_mut(vm).raw_at -= rewind;
    }
    let mut done = start;
    while done < end {
        let n = with_data(vm, me, |vm, data| raw::write(vm, me, data.get(done..end).unwrap_or(&[])))?;
        let Some(n) = n else { return Err(would_block(vm, 0)) };
        done += n;
        let b = me.get_mut(vm);
        b.dirty = Some((done, end));
        b.raw_at = done as i64;
        // A write may stop early because of a signal, whose handler runs before the next one blocks.
        vm.check_signals()?;
    }
    me.get_mut(vm).dirty = None;
    Ok(())
}

/// Writes out what the buffer holds and puts the raw stream where the reader is.
pub fn flush_and_rewind(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<()> {
    flush(vm, me)?;
    if me.get(vm).readable {
        let by = -me.get(vm).raw_offset();
        let r = raw::seek(vm, me, by, libc::SEEK_CUR);
        reset(vm, me);
        r?;
    }
    Ok(())
}

pub fn write(vm: &mut Vm, v: &Value, data: &Value) -> PyResult {
    let source = Source::of(vm, data)?;
    let me = ready(vm, v)?;
    locked(vm, me, |vm| {
        if is_closed(vm, me)? {
            return Err(vm.value_error("write to closed file"));
        }
        if store(vm, me, &source) {
            return Ok(Value::from_usize(source.len()));
        }
        write_through(vm, me, &source)
    })
}

/// Puts bytes into the buffer if they fit.
#[inline]
fn store(vm: &mut Vm, me: &Py<Buffered>, bytes: &[u8]) -> bool {
    let b = me.get_mut(vm);
    if b.read_end.is_none() && b.dirty.is_none() {
        (b.at, b.raw_at) = (0, 0);
    }
    let n = bytes.len();
    let fits = n < b.size && b.at <= b.size && n <= b.size - b.at;
    let at = b.at;
    let Some(room) = b.data.get_mut(at..at + n).filter(|_| fits) else { return false };
    room.copy_from_slice(bytes);
    let (start, end) = b.dirty.unwrap_or((at, 0));
    b.move_to(at + n);
    b.dirty = Some((start.min(at), end.max(at + n)));
    true
}

/// Writes bytes for which the buffer has no room.
fn write_through(vm: &mut Vm, me: &Py<Buffered>, bytes: &[u8]) -> PyResult {
    if flush(vm, me).is_err() {
        if !vm.error_is(&exc::BLOCKING_IO_ERROR) {
            return Err(vm.already_raised());
        }
        return store_while_blocked(vm, me, bytes);
    }
    let by = me.get(vm).raw_offset();
    if by != 0 {
        raw::seek(vm, me, -by, libc::SEEK_CUR)?;
        me.get_mut(vm).raw_at -= by;
    }
    // The buffer is empty: what exceeds it is written, the rest kept.
    let size = me.get(vm).size;
    let mut done = 0;
    while bytes.len() - done > size {
        match raw::write(vm, me, &bytes[done..])? {
            Some(n) => done += n,
            None => {
                let b = me.get_mut(vm);
                b.data[..size].copy_from_slice(&bytes[done..done + size]);
                b.raw_at = 0;
                b.move_to(size);
                b.dirty = Some((0, size));
                return Err(would_block(vm, done + size));
            }
        }
        vm.check_signals()?;
    }
    let b = me.get_mut(vm);
    if b.readable {
        b.read_end = None;
    }
    let rest = &bytes[done..];
    b.data[..rest.len()].copy_from_slice(rest);
    b.dirty = Some((0, rest.len()));
    b.move_to(rest.len());
    b.raw_at = 0;
    Ok(Value::from_usize(bytes.len()))
}

/// The raw stream would block, which is pending as an exception: keeps as much as the buffer takes.
fn store_while_blocked(vm: &mut Vm, me: &Py<Buffered>, bytes: &[u8]) -> PyResult {
    let b = me.get_mut(vm);
    if b.readable {
        b.read_end = None;
    }
    let (start, end) = b.dirty.unwrap_or((0, 0));
    b.data.copy_within(start..end, 0);
    let used = end - start;
    b.raw_at -= start as i64;
    b.at = b.at.saturating_sub(start);
    let room = b.size - used;
    let n = bytes.len().min(room);
    b.data[used..used + n].copy_from_slice(&bytes[..n]);
    b.dirty = Some((0, used + n));
    b.at += n;
    vm.clear_error();
    if bytes.len() <= room { Ok(Value::from_usize(n)) } else { Err(would_block(vm, n)) }
}
