//! Reading through a buffer.

use super::super::{optional, room, signed_size_arg, size_arg, writable};
use super::lock::locked;
use super::*;
use taipan_runtime::types::bytes::room::Room;

/// Bytes read ahead, when there are at least `n` of them.
#[inline]
fn fast(vm: &mut Vm, me: &Py<Buffered>, n: usize) -> Option<Value> {
    let b = me.get(vm);
    if n > b.ahead() {
        return None;
    }
    let (from, to) = (b.at, b.at + n);
    // Another thread may have taken the buffer out to fill it.
    let out = Bytes::from_slice(b.data.get(from..to)?);
    me.get_mut(vm).at = to;
    Some(out.into())
}

/// Forgets what was read ahead.
pub fn reset(vm: &mut Vm, me: &Py<Buffered>) {
    me.get_mut(vm).read_end = None;
}

/// Runs `f` with the buffer's memory, which is out of the stream meanwhile.
pub fn with_data<T>(vm: &mut Vm, me: &Py<Buffered>, f: impl FnOnce(&mut Vm, &mut [u8]) -> T) -> T {
    let mut data = std::mem::take(&mut me.get_mut(vm).data);
    let r = f(vm, &mut data);
    let b = me.get_mut(vm);
    if !b.freed && b.data.is_empty() {
        b.data = data;
    }
    r
}

/// Reads once into the buffer, behind what was read ahead: nothing when the stream would block.
fn fill(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<Option<usize>> {
    let start = me.get(vm).read_end.unwrap_or(0);
    let n = with_data(vm, me, |vm, data| raw::read(vm, me, data.get_mut(start..).unwrap_or(&mut [])))?;
    if let Some(n) = n.filter(|&n| n > 0) {
        let b = me.get_mut(vm);
        b.read_end = Some(start + n);
        b.raw_at = (start + n) as i64;
    }
    Ok(n)
}

/// Writes out what is in the buffer, so that reading goes on from there.
fn settle(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<()> {
    if me.get(vm).writable { writer::flush_and_rewind(vm, me) } else { Ok(()) }
}

/// Takes what was read ahead, all of it.
fn take_ahead(vm: &mut Vm, me: &Py<Buffered>) -> Vec<u8> {
    let b = me.get_mut(vm);
    let n = b.ahead();
    let out = b.data.get(b.at..b.at + n).unwrap_or(&[]).to_vec();
    b.at += out.len();
    out
}

pub fn read(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let (v, size) = optional(vm, a, "read")?;
    let size = signed_size_arg(vm, size)?.unwrap_or(-1);
    let me = ready(vm, v)?;
    if size < -1 {
        return Err(vm.value_error("read length must be non-negative or -1"));
    }
    refuse_closed(vm, me, "read of closed file")?;
    let Ok(n) = usize::try_from(size) else { return locked(vm, me, |vm| read_all(vm, me)) };
    if let Some(out) = fast(vm, me, n) {
        return Ok(out);
    }
    locked(vm, me, |vm| read_exactly(vm, me, n))
}

/// Reads until the end.
fn read_all(vm: &mut Vm, me: &Py<Buffered>) -> PyResult {
    let mut out = take_ahead(vm, me);
    settle(vm, me)?;
    reset(vm, me);
    if let Some(all) = raw::read_all(vm, me, &out)? {
        return Ok(match all {
            Some(all) => all.into(),
            None if out.is_empty() => none(),
            None => Bytes::from_slice(&out).into(),
        });
    }
    loop {
        let raw = me.get(vm).raw.clone().unwrap_or_else(none);
        let part = vm.call_method_named(&raw, name!("read"), &[])?;
        let bytes = part.downcast::<Bytes>();
        if !part.is_none() && bytes.is_none() {
            return Err(vm.type_error("read() should return bytes"));
        }
        match bytes.filter(|b| !b.as_slice().is_empty()) {
            None if out.is_empty() => return Ok(part),
            None => return Ok(Bytes::from_slice(&out).into()),
            Some(b) => out.extend_from_slice(b.as_slice()),
        }
    }
}

/// Reads `n` bytes, fewer at the end or when the stream would block: `None` when there are none without blocking.
fn read_exactly(vm: &mut Vm, me: &Py<Buffered>, n: usize) -> PyResult {
    if let Some(out) = fast(vm, me, n) {
        return Ok(out);
    }
    let mut out = room(vm, n)?;
    out.extend(&take_ahead(vm, me));
    settle(vm, me)?;
    reset(vm, me);
    let ended = |out: Room, r: Option<usize>| match r {
        None if out.filled() == 0 => none(),
        _ => out.finish().into(),
    };
    // Whole blocks go straight to the result.
    let size = me.get(vm).size;
    loop {
        let blocks = out.free() / size * size;
        if blocks == 0 {
            break;
        }
        let r = raw::read_room(vm, me, &mut out, blocks)?;
        if r.unwrap_or(0) == 0 {
            return Ok(ended(out, r));
        }
    }
    let b = me.get_mut(vm);
    (b.at, b.raw_at, b.read_end) = (0, 0, Some(0));
    // Once there is enough, no more is read: that might block.
    while out.free() > 0 && me.get(vm).read_end.is_some_and(|end| end < size) {
        let r = fill(vm, me)?;
        if r.unwrap_or(0) == 0 {
            return Ok(ended(out, r));
        }
        let b = me.get_mut(vm);
        let part = b.data.get(b.at..b.at + out.free().min(r.unwrap_or(0))).unwrap_or(&[]);
        out.extend(part);
        b.at += part.len();
    }
    Ok(out.finish().into())
}

pub fn read1(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let (v, size) = optional(vm, a, "read1")?;
    let size = size_arg(vm, size)?;
    let me = ready(vm, v)?;
    let n = size.unwrap_or(me.get(vm).size);
    refuse_closed(vm, me, "read of closed file")?;
    if n == 0 {
        return Ok(Bytes::from_slice(b"").into());
    }
    let ahead = me.get(vm).ahead();
    if ahead > 0 {
        if let Some(out) = fast(vm, me, n.min(ahead)) {
            return Ok(out);
        }
    }
    let mut out = room(vm, n)?;
    locked(vm, me, |vm| {
        settle(vm, me)?;
        reset(vm, me);
        raw::read_room(vm, me, &mut out, n)
    })?;
    Ok(out.finish().into())
}

pub fn peek(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let (v, size) = optional(vm, a, "peek")?;
    size.map_or(Ok(0), |s| vm.to_isize(s))?;
    let me = ready(vm, v)?;
    refuse_closed(vm, me, "peek of closed file")?;
    locked(vm, me, |vm| {
        settle(vm, me)?;
        let b = me.get(vm);
        let ahead = b.ahead();
        if ahead > 0 {
            return Ok(Bytes::from_slice(b.data.get(b.at..b.at + ahead).unwrap_or(&[])).into());
        }
        reset(vm, me);
        let n = fill(vm, me)?.unwrap_or(0);
        me.get_mut(vm).at = 0;
        Ok(Bytes::from_slice(&me.get(vm).data[..n]).into())
    })
}

pub fn readinto(vm: &mut Vm, v: &Value, buffer: &Value) -> PyResult {
    read_into(vm, v, buffer, false)
}

pub fn readinto1(vm: &mut Vm, v: &Value, buffer: &Value) -> PyResult {
    read_into(vm, v, buffer, true)
}

fn read_into(vm: &mut Vm, v: &Value, buffer: &Value, once: bool) -> PyResult {
    let mut view = writable(vm, buffer, if once { "readinto1" } else { "readinto" })?;
    let me = ready(vm, v)?;
    refuse_closed(vm, me, "readinto of closed file")?;
    let wanted = view.len;
    let mut done = 0;
    if me.get(vm).ahead() > 0 {
        let n = wanted.min(me.get(vm).ahead());
        let b = me.get_mut(vm);
        let part = b.data.get(b.at..b.at + n).unwrap_or(&[]).to_vec();
        b.at += part.len();
        view.as_mut_slice(vm)[..part.len()].copy_from_slice(&part);
        done = part.len();
        if done == wanted {
            return Ok(Value::from_usize(done));
        }
    }
    locked(vm, me, |vm| {
        settle(vm, me)?;
        reset(vm, me);
        me.get_mut(vm).at = 0;
        while done < wanted {
            let size = me.get(vm).size;
            let n = if wanted - done > size {
                raw::read_view(vm, me, &mut view, done)?
            } else if once && done > 0 {
                // Something is there already; one more read might block.
                Some(0)
            } else {
                let n = fill(vm, me)?;
                if let Some(r) = n.filter(|&r| r > 0) {
                    let b = me.get_mut(vm);
                    let take = r.min(wanted - done);
                    let part = b.data.get(b.at..b.at + take).unwrap_or(&[]).to_vec();
                    b.at += part.len();
                    view.as_mut_slice(vm)[done..done + part.len()].copy_from_slice(&part);
                    done += part.len();
                    if once {
                        break;
                    }
                    continue;
                }
                n
            };
            match n {
                None if done == 0 => return Ok(none()),
                None | Some(0) => break,
                Some(n) => done += n,
            }
            if once {
                break;
            }
        }
        Ok(Value::from_usize(done))
    })
}

pub fn readline_method(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let (v, limit) = optional(vm, a, "readline")?;
    let limit = size_arg(vm, limit)?;
    readline(vm, v, limit)
}

/// Where a line ends in `data`, of which at most `limit` bytes count; and whether that is its end.
fn line_end(data: &[u8], limit: Option<usize>) -> (usize, bool) {
    let data = &data[..limit.map_or(data.len(), |l| l.min(data.len()))];
    match memchr::memchr(b'\n', data) {
        Some(i) => (i + 1, true),
        None => (data.len(), limit == Some(data.len())),
    }
}

/// Reads a line of at most `limit` bytes.
pub fn readline(vm: &mut Vm, v: &Value, limit: Option<usize>) -> PyResult {
    let me = ready(vm, v)?;
    refuse_closed(vm, me, "readline of closed file")?;
    let b = me.get(vm);
    let ahead = b.data.get(b.at..b.at + b.ahead()).unwrap_or(&[]);
    if !ahead.is_empty() || limit == Some(0) {
        let (n, whole) = line_end(ahead, limit);
        if whole {
            let line = Bytes::from_slice(&ahead[..n]);
            me.get_mut(vm).at += n;
            return Ok(line.into());
        }
    }
    locked(vm, me, |vm| {
        let mut line = take_ahead(vm, me);
        settle(vm, me)?;
        loop {
            reset(vm, me);
            if fill(vm, me)?.unwrap_or(0) == 0 {
                break;
            }
            let b = me.get(vm);
            let data = b.data.get(..b.read_end.unwrap_or(0)).unwrap_or(&[]);
            let (n, whole) = line_end(data, limit.map(|l| l - line.len()));
            if line.is_empty() && whole {
                let out = Bytes::from_slice(&data[..n]);
                me.get_mut(vm).at = n;
                return Ok(out.into());
            }
            line.extend_from_slice(&data[..n]);
            me.get_mut(vm).at = n;
            if whole {
                break;
            }
        }
        Ok(Bytes::from_slice(&line).into())
    })
}

pub fn next(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    ready(vm, v)?;
    let line = if v.class().payload.def.get().is_some() {
        readline(vm, v, None)?
    } else {
        vm.call_method_named(v, name!("readline"), &[])?
    };
    match line.downcast::<Bytes>() {
        Some(b) if b.as_slice().is_empty() => Ok(None),
        Some(_) => Ok(Some(line)),
        None => {
            let got = line.class().payload.name();
            Err(os_error_text(vm, &format!("readline() should have returned a bytes object, not '{got}'")))
        }
    }
}
