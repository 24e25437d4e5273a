//! Sending and receiving, within a socket's timeout.

use super::address::{from_system, plain_error, to_system};
use super::object::{Socket, this};
use crate::system::{Deadline, int};
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::host::poll;
use taipan_runtime::host::sockets::{self, Address, Ancillary, Message};
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{Py, PyResult, Raised, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

type A<'a> = &'a [Option<Value>];

/// Raises what a call raises whose time is over.
pub fn timed_out(vm: &mut Vm) -> Raised {
    let text = vm.new_str("timed out");
    vm.raise_with(&exc::TIMEOUT_ERROR, &[text])
}

/// Makes a call on a socket: waits for it to be ready, as long as its timeout says, and again after signals.
pub fn call<T>(vm: &mut Vm, s: &Py<Socket>, writing: bool, f: impl FnMut(&mut ()) -> Result<T, i32>) -> PyResult<T> {
    let timeout = s.timeout.get();
    let end = Deadline::after((timeout > 0).then_some(timeout));
    call_until(vm, s, writing, end, f)
}

/// As [`call`], until a given moment.
fn call_until<T>(
    vm: &mut Vm,
    s: &Py<Socket>,
    writing: bool,
    end: Deadline,
    mut f: impl FnMut(&mut ()) -> Result<T, i32>,
) -> PyResult<T> {
    let fd = s.fd.get();
    loop {
        if s.timeout.get() > 0 && fd >= 0 {
            match vm.allow_threads(|| poll::wait_one(fd, writing, end.left())) {
                Err(libc::EINTR) => {
                    vm.check_signals()?;
                    continue;
                }
                Err(e) => return Err(vm.os_error(e)),
                Ok(false) => return Err(timed_out(vm)),
                Ok(true) => {}
            }
        }
        match vm.allow_threads(|| f(&mut ())) {
            Err(libc::EINTR) => vm.check_signals()?,
            Err(libc::EAGAIN) if s.timeout.get() > 0 => {}
            Err(e) => return Err(vm.os_error(e)),
            Ok(r) => return Ok(r),
        }
    }
}

fn socket(a: A<'_>) -> Py<Socket> {
    this(a[0].as_ref().expect("a method has a self")).clone()
}

fn number(vm: &mut Vm, a: A<'_>, i: usize) -> PyResult<i32> {
    match &a[i] {
        Some(v) => vm.to_i32(v),
        None => Ok(0),
    }
}

fn size(vm: &mut Vm, a: A<'_>, i: usize, name: &str) -> PyResult<usize> {
    let n = match &a[i] {
        Some(v) => vm.to_isize(v)?,
        None => 0,
    };
    usize::try_from(n).map_err(|_| vm.value_error(format!("negative buffersize in {name}")))
}

/// Memory for so many bytes; a size no system call fills is refused.
#[allow(clippy::slow_vector_initialization)] // the size is the program's: what cannot be had is an error, no abort
fn room(vm: &mut Vm, n: usize) -> PyResult<Vec<u8>> {
    let mut v = Vec::new();
    match v.try_reserve_exact(n) {
        Ok(()) => {
            v.resize(n, 0);
            Ok(v)
        }
        Err(_) => Err(vm.memory_error("")),
    }
}

/// `recv(bufsize[, flags])`
pub fn recv(vm: &mut Vm, a: A<'_>) -> PyResult {
    let (s, n, flags) = (socket(a), size(vm, a, 1, "recv")?, number(vm, a, 2)?);
    let mut buffer = room(vm, n)?;
    let fd = s.fd.get();
    let n = call(vm, &s, false, |_| sockets::receive(fd, &mut buffer, flags))?;
    Ok(Bytes::from_slice(&buffer[..n]).into())
}

/// `recvfrom(bufsize[, flags])`
pub fn recvfrom(vm: &mut Vm, a: A<'_>) -> PyResult {
    let (s, n, flags) = (socket(a), size(vm, a, 1, "recvfrom")?, number(vm, a, 2)?);
    let mut buffer = room(vm, n)?;
    let fd = s.fd.get();
    let (n, address) = call(vm, &s, false, |_| sockets::receive_from(fd, &mut buffer, flags))?;
    let address = from_system(vm, &address);
    Ok(Tuple::from_vec(vec![Bytes::from_slice(&buffer[..n]).into(), address]).into())
}

/// `recv_into(buffer[, nbytes[, flags]])` and `recvfrom_into`.
pub fn recv_into(vm: &mut Vm, a: A<'_>, sender: bool) -> PyResult {
    let name = if sender { "recvfrom_into" } else { "recv_into" };
    let s = socket(a);
    let mut view = writable(vm, &a[1].clone().unwrap_or_else(none), name)?;
    let (n, flags) = (size(vm, a, 2, name)?, number(vm, a, 3)?);
    if n > view.len {
        let message = if sender {
            "nbytes is greater than the length of the buffer"
        } else {
            "buffer too small for requested bytes"
        };
        return Err(vm.value_error(message));
    }
    let n = if n == 0 { view.len } else { n };
    let mut buffer = room(vm, n)?;
    let fd = s.fd.get();
    if !sender {
        let n = call(vm, &s, false, |_| sockets::receive(fd, &mut buffer, flags))?;
        view.as_mut_slice(vm)[..n].copy_from_slice(&buffer[..n]);
        return Ok(Value::from_usize(n));
    }
    let (n, address) = call(vm, &s, false, |_| sockets::receive_from(fd, &mut buffer, flags))?;
    view.as_mut_slice(vm)[..n].copy_from_slice(&buffer[..n]);
    let address = from_system(vm, &address);
    Ok(Tuple::from_vec(vec![Value::from_usize(n), address]).into())
}

/// A buffer argument that is written to.
fn writable(vm: &mut Vm, v: &Value, function: &str) -> PyResult<Buffer> {
    match vm.buffer(v, BufferRequest::WRITE) {
        Err(_) if vm.error_is(&exc::BUFFER_ERROR) || vm.error_is(&exc::TYPE_ERROR) => {
            vm.clear_error();
            let got = v.class().payload.name();
            Err(vm.type_error(format!("{function}() argument 1 must be read-write bytes-like object, not {got}")))
        }
        r => r,
    }
}

fn data(vm: &mut Vm, v: &Value) -> PyResult<Vec<u8>> {
    let view = vm.buffer(v, BufferRequest::READ)?;
    Ok(view.to_vec(vm))
}

/// `send(data[, flags])`
pub fn send(vm: &mut Vm, a: A<'_>) -> PyResult {
    let s = socket(a);
    let data = data(vm, &a[1].clone().unwrap_or_else(none))?;
    let flags = number(vm, a, 2)?;
    let fd = s.fd.get();
    call(vm, &s, true, |_| sockets::send(fd, &data, flags)).map(Value::from_usize)
}

/// `sendall(data[, flags])`; the timeout is that of the whole.
pub fn sendall(vm: &mut Vm, a: A<'_>) -> PyResult {
    let s = socket(a);
    let data = data(vm, &a[1].clone().unwrap_or_else(none))?;
    let flags = number(vm, a, 2)?;
    let fd = s.fd.get();
    let timeout = s.timeout.get();
    let end = Deadline::after((timeout > 0).then_some(timeout));
    let mut rest = &data[..];
    while !rest.is_empty() {
        if timeout > 0 && end.passed() {
            return Err(timed_out(vm));
        }
        let n = call_until(vm, &s, true, end, |_| sockets::send(fd, rest, flags))?;
        rest = &rest[n..];
        vm.check_signals()?;
    }
    Ok(none())
}

/// `sendto(data[, flags], address)`
pub fn sendto(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "sendto")?;
    let given = args.len() - 1;
    if !(2..=3).contains(&given) {
        return Err(vm.type_error(format!("sendto() takes 2 or 3 arguments ({given} given)")));
    }
    let all = args.pos();
    let s = this(&all[0]).clone();
    let data = data(vm, &all[1])?;
    let (flags, address) = match all.get(3) {
        Some(address) => (vm.to_i32(&all[2])?, address.clone()),
        None => (0, all[2].clone()),
    };
    let to = to_system(vm, s.family.get(), &address, "sendto")?;
    audit(vm, "socket.sendto", &[all[0].clone(), address])?;
    let fd = s.fd.get();
    call(vm, &s, true, |_| sockets::send_to(fd, &data, flags, &to)).map(Value::from_usize)
}

fn ancillary_items(vm: &mut Vm, v: &Value) -> PyResult<Vec<Ancillary>> {
    let items = vm.sequence(v, "sendmsg() argument 2 must be iterable")?;
    let mut out = Vec::new();
    for item in items {
        let parts = match item.downcast::<Tuple>() {
            Some(t) if t.len() == 3 => t.items().to_vec(),
            _ => {
                let got = item.class().payload.name();
                return Err(vm.type_error(format!(
                    "[sendmsg() ancillary data items]() argument must be 3-item tuple, not {got}"
                )));
            }
        };
        out.push((vm.to_i32(&parts[0])?, vm.to_i32(&parts[1])?, data(vm, &parts[2])?));
    }
    Ok(out)
}

/// `sendmsg(buffers[, ancdata[, flags[, address]]])`
pub fn sendmsg(vm: &mut Vm, a: A<'_>) -> PyResult {
    let s = socket(a);
    let pieces = vm.sequence(&a[1].clone().unwrap_or_else(none), "sendmsg() argument 1 must be an iterable")?;
    let pieces = pieces.iter().map(|p| data(vm, p)).collect::<PyResult<Vec<_>>>()?;
    let extra = match &a[2] {
        Some(v) => ancillary_items(vm, v)?,
        None => Vec::new(),
    };
    let flags = number(vm, a, 3)?;
    let me = a[0].clone().unwrap_or_else(none);
    let given = a[4].clone().filter(|v| !v.is_none());
    let to: Option<Address> = match &given {
        Some(v) => Some(to_system(vm, s.family.get(), v, "sendmsg")?),
        None => None,
    };
    audit(vm, "socket.sendmsg", &[me, given.unwrap_or_else(none)])?;
    let fd = s.fd.get();
    call(vm, &s, true, |_| sockets::send_message(fd, &pieces, &extra, flags, to.as_ref())).map(Value::from_usize)
}

fn message(vm: &mut Vm, m: Message, first: Value) -> Value {
    let rows = m.ancillary.iter().map(|(level, kind, bytes)| {
        Tuple::from_vec(vec![int(*level), int(*kind), Bytes::from_slice(bytes).into()]).into()
    });
    let rows = List::from_vec(rows.collect());
    let address = from_system(vm, &m.address);
    Tuple::from_vec(vec![first, rows.into(), int(m.flags), address]).into()
}

fn ancillary_room(vm: &mut Vm, a: A<'_>) -> PyResult<usize> {
    match &a[2] {
        None => Ok(0),
        Some(v) => {
            let n = vm.to_isize(v)?;
            if !(0..=i32::MAX as isize).contains(&n) {
                return Err(vm.value_error("invalid ancillary data buffer length"));
            }
            Ok(n as usize)
        }
    }
}

/// `recvmsg(bufsize[, ancbufsize[, flags]])`
pub fn recvmsg(vm: &mut Vm, a: A<'_>) -> PyResult {
    let s = socket(a);
    let n = match &a[1] {
        Some(v) => vm.to_isize(v)?,
        None => 0,
    };
    let Ok(n) = usize::try_from(n) else { return Err(vm.value_error("negative buffer size in recvmsg()")) };
    let (extra, flags) = (ancillary_room(vm, a)?, number(vm, a, 3)?);
    let mut pieces = [room(vm, n)?];
    let fd = s.fd.get();
    let m = call(vm, &s, false, |_| sockets::receive_message(fd, &mut pieces, extra, flags))?;
    let bytes = Bytes::from_slice(&pieces[0][..m.len.min(n)]).into();
    Ok(message(vm, m, bytes))
}

/// `recvmsg_into(buffers[, ancbufsize[, flags]])`
pub fn recvmsg_into(vm: &mut Vm, a: A<'_>) -> PyResult {
    let s = socket(a);
    let given = vm.sequence(&a[1].clone().unwrap_or_else(none), "recvmsg_into() argument 1 must be an iterable")?;
    let mut views: Vec<Buffer> = Vec::with_capacity(given.len());
    for v in &given {
        let view = writable(vm, v, "recvmsg_into")?;
        views.push(view);
    }
    if views.len() > 1024 {
        return Err(plain_error(vm, "recvmsg_into() argument 1 is too long"));
    }
    let (extra, flags) = (ancillary_room(vm, a)?, number(vm, a, 3)?);
    let mut pieces: Vec<Vec<u8>> = views.iter().map(|v| vec![0; v.len]).collect();
    let fd = s.fd.get();
    let m = call(vm, &s, false, |_| sockets::receive_message(fd, &mut pieces, extra, flags))?;
    let mut left = m.len;
    for (view, piece) in views.iter_mut().zip(&pieces) {
        let n = left.min(piece.len());
        view.as_mut_slice(vm)[..n].copy_from_slice(&piece[..n]);
        left -= n;
    }
    let len = Value::from_usize(m.len);
    Ok(message(vm, m, len))
}
