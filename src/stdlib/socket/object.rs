//! The socket type: making, options, timeouts, connecting. Sending and receiving are in `transfer`.

use super::address::{from_system, plain_error, to_system};
use super::transfer;
use crate::system::{Deadline, Rounding, int, nanoseconds};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::host::{files, poll, sockets};
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Payload of `socket`. The timeout is in nanoseconds; negative: wait for ever, 0: never wait.
pub struct Socket {
    /// Descriptor, -1 when closed.
    pub fd: Cell<i32>,
    /// Address family.
    pub family: Cell<i32>,
    kind: Cell<i32>,
    protocol: Cell<i32>,
    /// See [`Socket`].
    pub timeout: Cell<i64>,
}
taipan_runtime::payload!(Socket, SOCKET);
impl Frozen for Socket {}

/// `setdefaulttimeout()`, in nanoseconds; negative: none.
pub static DEFAULT_TIMEOUT: AtomicI64 = AtomicI64::new(-1);

/// `_socket.socket`
pub static SOCKET: TypeDef = TypeDef::new::<Socket>("_socket.socket")
    .doc("An end of a connection.")
    .flags(TypeFlags::BASETYPE)
    .slots(Slots { new: Some(new), init: Some(init), repr: Some(repr), finalize: Some(finalize), ..Slots::NONE })
    .methods(&[
        MethodDef::method("_accept", "($self, /)", "Descriptor and address of the next connection.", F1(accept)),
        MethodDef::method("bind", "($self, object, /)", "Take an address.", F2(bind)),
        MethodDef::method(
            "close",
            "($self, /)",
            "Close the socket.",
            F1(|vm, me| {
                let fd = this(me).fd.replace(-1);
                if fd >= 0 {
                    match vm.allow_threads(|| files::close(fd)) {
                        Err(e) if e != libc::ECONNRESET => return Err(vm.os_error(e)),
                        _ => {}
                    }
                }
                Ok(none())
            }),
        ),
        MethodDef::method(
            "connect",
            "($self, object, /)",
            "Connect to an address.",
            F2(|vm, me, address| match connect(vm, me, address, "connect")? {
                Ok(()) => Ok(none()),
                Err(None) => Err(transfer::timed_out(vm)),
                Err(Some(e)) => Err(vm.os_error(e)),
            }),
        ),
        MethodDef::method(
            "connect_ex",
            "($self, object, /)",
            "Connect; give an error number.",
            F2(|vm, me, address| {
                Ok(int(match connect(vm, me, address, "connect_ex")? {
                    Ok(()) => 0,
                    Err(e) => e.unwrap_or(libc::EAGAIN),
                }))
            }),
        ),
        MethodDef::method(
            "detach",
            "($self, /)",
            "Forget the descriptor; give it.",
            F1(|_, me| Ok(int(this(me).fd.replace(-1)))),
        ),
        MethodDef::method("fileno", "($self, /)", "The descriptor.", F1(|_, me| Ok(int(this(me).fd.get())))),
        MethodDef::method(
            "getpeername",
            "($self, /)",
            "Address of the other end.",
            F1(|vm, me| {
                let fd = this(me).fd.get();
                let a = vm.allow_threads(|| sockets::peer_address(fd)).map_err(|e| vm.os_error(e))?;
                Ok(from_system(vm, &a))
            }),
        ),
        MethodDef::method(
            "getsockname",
            "($self, /)",
            "Address of this end.",
            F1(|vm, me| {
                let fd = this(me).fd.get();
                let a = vm.allow_threads(|| sockets::own_address(fd)).map_err(|e| vm.os_error(e))?;
                Ok(from_system(vm, &a))
            }),
        ),
        MethodDef::method(
            "getsockopt",
            "($self, level, option, buffersize=0, /)",
            "Value of an option.",
            N(get_option),
        ),
        MethodDef::method("setsockopt", "($self, level, option, value, optlen=0, /)", "Set an option.", N(set_option)),
        MethodDef::method(
            "listen",
            "($self, backlog=128, /)",
            "Let others connect.",
            N(|vm, a| {
                let me = this(a[0].as_ref().expect("self")).clone();
                let backlog = match &a[1] {
                    Some(n) => vm.to_i32(n)?.max(0),
                    None => 128,
                };
                let fd = me.fd.get();
                vm.allow_threads(|| sockets::listen(fd, backlog)).map_err(|e| vm.os_error(e))?;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "setblocking",
            "($self, flag, /)",
            "Set whether calls wait.",
            F2(|vm, me, on| {
                let on = vm.truth(on)?;
                set_timeout(vm, this(me), if on { -1 } else { 0 })
            }),
        ),
        MethodDef::method(
            "getblocking",
            "($self, /)",
            "Whether calls wait.",
            F1(|_, me| Ok(boolean(this(me).timeout.get() != 0))),
        ),
        MethodDef::method(
            "settimeout",
            "($self, timeout, /)",
            "Set how long calls wait.",
            F2(|vm, me, v| {
                let n = timeout(vm, v)?;
                set_timeout(vm, this(me), n)
            }),
        ),
        MethodDef::method("gettimeout", "($self, /)", "How long calls wait, in seconds.", F1(get_timeout)),
        MethodDef::method(
            "shutdown",
            "($self, how, /)",
            "End one or both directions.",
            F2(|vm, me, how| {
                let (fd, how) = (this(me).fd.get(), vm.to_i32(how)?);
                vm.allow_threads(|| sockets::shutdown(fd, how)).map_err(|e| vm.os_error(e))?;
                Ok(none())
            }),
        ),
        MethodDef::method("recv", "($self, bufsize, flags=0, /)", "Receive data.", N(transfer::recv)),
        MethodDef::method(
            "recv_into",
            "($self, /, buffer, nbytes=0, flags=0)",
            "Receive data into a buffer.",
            N(|vm, a| transfer::recv_into(vm, a, false)),
        ),
        MethodDef::method(
            "recvfrom",
            "($self, bufsize, flags=0, /)",
            "Receive data; give the sender too.",
            N(transfer::recvfrom),
        ),
        MethodDef::method(
            "recvfrom_into",
            "($self, /, buffer, nbytes=0, flags=0)",
            "Receive data into a buffer; give the sender too.",
            N(|vm, a| transfer::recv_into(vm, a, true)),
        ),
        MethodDef::method("send", "($self, data, flags=0, /)", "Send data; give how much.", N(transfer::send)),
        MethodDef::method("sendall", "($self, data, flags=0, /)", "Send all of some data.", N(transfer::sendall)),
        MethodDef::method("sendto", "", "Send data to an address.", V(transfer::sendto)),
        MethodDef::method(
            "sendmsg",
            "($self, buffers, ancdata=(), flags=0, address=None, /)",
            "Send data and ancillary data.",
            N(transfer::sendmsg),
        ),
        MethodDef::method(
            "recvmsg",
            "($self, bufsize, ancbufsize=0, flags=0, /)",
            "Receive data and ancillary data.",
            N(transfer::recvmsg),
        ),
        MethodDef::method(
            "recvmsg_into",
            "($self, buffers, ancbufsize=0, flags=0, /)",
            "Receive data into buffers, and ancillary data.",
            N(transfer::recvmsg_into),
        ),
    ])
    .getset(&[
        GetSetDef::member("family", "the socket family", |_, me| Ok(int(this(me).family.get()))),
        GetSetDef::member("type", "the socket type", |_, me| Ok(int(this(me).kind.get()))),
        GetSetDef::member("proto", "the socket protocol", |_, me| Ok(int(this(me).protocol.get()))),
        GetSetDef::get("timeout", "the socket timeout", get_timeout),
    ]);

/// The payload of a socket.
pub fn this(v: &Value) -> &Py<Socket> {
    v.downcast::<Socket>().expect("a method of socket is called on one")
}

fn new(_: &mut Vm, class: &Py<Type>, _: &Args<'_>) -> PyResult {
    let me = Socket {
        fd: Cell::new(-1),
        family: Cell::new(0),
        kind: Cell::new(0),
        protocol: Cell::new(0),
        timeout: Cell::new(-1),
    };
    Ok(instance::new_of(class, me).into())
}

static INIT: Signature = Signature::new("socket", "(family=-1, type=-1, proto=-1, fileno=None)");

fn init(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    let a = args.bind(vm, &INIT)?;
    let mut n = [-1; 3];
    for (n, v) in n.iter_mut().zip(&a) {
        if let Some(v) = v {
            *n = vm.to_i32(v)?;
        }
    }
    let [mut family, mut kind, mut protocol] = n;
    audit(vm, "socket.__new__", &[me.clone(), int(family), int(kind), int(protocol)])?;
    let me = this(me).clone();
    let fd = match a[3].as_ref().filter(|v| !v.is_none()) {
        Some(v) => {
            let fd = vm.to_i32(v)?;
            if fd < 0 {
                return Err(vm.value_error("negative file descriptor"));
            }
            adopt(vm, fd, &mut family, &mut kind, &mut protocol)?;
            fd
        }
        None => {
            family = if family == -1 { libc::AF_INET } else { family };
            kind = if kind == -1 { libc::SOCK_STREAM } else { kind };
            protocol = protocol.max(0);
            vm.allow_threads(|| sockets::socket(family, kind, protocol)).map_err(|e| vm.os_error(e))?
        }
    };
    me.fd.set(fd);
    me.family.set(family);
    me.kind.set(kind & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK));
    me.protocol.set(protocol);
    let default = DEFAULT_TIMEOUT.load(Relaxed);
    if kind & libc::SOCK_NONBLOCK != 0 {
        me.timeout.set(0);
    } else {
        me.timeout.set(default);
        if default >= 0 {
            sockets::set_blocking(fd, false).map_err(|e| vm.os_error(e))?;
        }
    }
    Ok(())
}

/// Finds out what kind of socket a descriptor is.
fn adopt(vm: &mut Vm, fd: i32, family: &mut i32, kind: &mut i32, protocol: &mut i32) -> PyResult<()> {
    match sockets::own_address(fd) {
        Err(e @ (libc::EBADF | libc::ENOTSOCK)) => return Err(vm.os_error(e)),
        Err(e) if *family == -1 => return Err(vm.os_error(e)),
        _ => {}
    }
    let options = [(family, libc::SO_DOMAIN), (kind, libc::SO_TYPE), (protocol, libc::SO_PROTOCOL)];
    for (place, option) in options {
        if *place == -1 {
            *place = sockets::option_number(fd, libc::SOL_SOCKET, option).map_err(|e| vm.os_error(e))?;
        }
    }
    Ok(())
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let s = this(me);
    let [fd, family, kind, protocol] = [&s.fd, &s.family, &s.kind, &s.protocol].map(Cell::get);
    Ok(vm.new_str(&format!("<socket object, fd={fd}, family={family}, type={kind}, proto={protocol}>")))
}

/// Closes a socket that nobody holds any more, with a warning.
fn finalize(vm: &mut Vm, me: &Value) {
    let fd = this(me).fd.get();
    if fd < 0 {
        return;
    }
    vm.aside(|vm| {
        let warned = vm.repr(me).and_then(|shown| {
            let text = format!("unclosed {}", shown.to_rust());
            vm.warn(&exc::RESOURCE_WARNING, &text, 1)
        });
        if warned.is_err() {
            vm.unraisable(Some(me), None);
        }
    });
    if this(me).fd.replace(-1) >= 0 {
        let _ = files::close(fd);
    }
}

/// A timeout argument in nanoseconds; `None` is -1.
pub fn timeout(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    if v.is_none() {
        return Ok(-1);
    }
    let n = nanoseconds(vm, v, Rounding::Away)?;
    if n < 0 {
        return Err(vm.value_error("Timeout value out of range"));
    }
    Ok(n)
}

fn set_timeout(vm: &mut Vm, me: &Py<Socket>, n: i64) -> PyResult {
    me.timeout.set(n);
    sockets::set_blocking(me.fd.get(), n < 0).map_err(|e| vm.os_error(e))?;
    Ok(none())
}

/// Nanoseconds of a timeout as seconds.
pub fn seconds(n: i64) -> Value {
    if n < 0 { none() } else { Float::new(n as f64 / 1e9) }
}

fn get_timeout(_: &mut Vm, me: &Value) -> PyResult {
    Ok(seconds(this(me).timeout.get()))
}

fn accept(vm: &mut Vm, me: &Value) -> PyResult {
    let s = this(me).clone();
    let fd = s.fd.get();
    let (new, address) = transfer::call(vm, &s, false, |_| sockets::accept(fd))?;
    let address = from_system(vm, &address);
    Ok(Tuple::from_vec(vec![int(new), address]).into())
}

fn bind(vm: &mut Vm, me: &Value, address: &Value) -> PyResult {
    let s = this(me).clone();
    let a = to_system(vm, s.family.get(), address, "bind")?;
    audit(vm, "socket.bind", &[me.clone(), address.clone()])?;
    let fd = s.fd.get();
    vm.allow_threads(|| sockets::bind(fd, &a)).map_err(|e| vm.os_error(e))?;
    Ok(none())
}

/// Connects; the inner error is an error number, `None` when the time was over.
fn connect(vm: &mut Vm, me: &Value, address: &Value, function: &str) -> PyResult<Result<(), Option<i32>>> {
    let s = this(me).clone();
    let a = to_system(vm, s.family.get(), address, function)?;
    audit(vm, "socket.connect", &[me.clone(), address.clone()])?;
    let (fd, timeout) = (s.fd.get(), s.timeout.get());
    let wait = match vm.allow_threads(|| sockets::connect(fd, &a)) {
        Ok(_) => return Ok(Ok(())),
        Err(libc::EINTR) => {
            vm.check_signals()?;
            timeout != 0
        }
        Err(libc::EINPROGRESS) => timeout > 0,
        Err(e) => return Ok(Err(Some(e))),
    };
    if !wait {
        return Ok(Err(Some(libc::EINPROGRESS)));
    }
    let end = Deadline::after((timeout > 0).then_some(timeout));
    loop {
        match vm.allow_threads(|| poll::wait_one(fd, true, end.left())) {
            Err(libc::EINTR) => vm.check_signals()?,
            Err(e) => return Ok(Err(Some(e))),
            Ok(false) => return Ok(Err(None)),
            Ok(true) => break,
        }
    }
    Ok(match sockets::option_number(fd, libc::SOL_SOCKET, libc::SO_ERROR) {
        Ok(0 | libc::EISCONN) => Ok(()),
        Ok(e) | Err(e) => Err(Some(e)),
    })
}

fn get_option(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let fd = this(a[0].as_ref().expect("self")).fd.get();
    let arg = |i: usize| a[i].clone().unwrap_or_else(none);
    let (level, option) = (vm.to_i32(&arg(1))?, vm.to_i32(&arg(2))?);
    let size = match &a[3] {
        Some(n) => vm.to_i32(n)?,
        None => 0,
    };
    if size == 0 {
        return sockets::option_number(fd, level, option).map(int).map_err(|e| vm.os_error(e));
    }
    if !(1..=1024).contains(&size) {
        return Err(plain_error(vm, "getsockopt buflen out of range"));
    }
    let bytes = sockets::option_bytes(fd, level, option, size as usize).map_err(|e| vm.os_error(e))?;
    Ok(Bytes::from_slice(&bytes).into())
}

fn set_option(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let fd = this(a[0].as_ref().expect("self")).fd.get();
    let arg = |i: usize| a[i].clone().unwrap_or_else(none);
    let (level, option, value) = (vm.to_i32(&arg(1))?, vm.to_i32(&arg(2))?, arg(3));
    if let Some(len) = &a[4] {
        if !value.is_none() {
            return Err(vm.type_error("socket option should be None when optlen is given"));
        }
        let len = vm.to_i64(len)? as u32;
        sockets::set_option_length(fd, level, option, len).map_err(|e| vm.os_error(e))?;
        return Ok(none());
    }
    let bytes = match Int::read(&value) {
        Some(_) => vm.to_i32(&value)?.to_ne_bytes().to_vec(),
        None => vm.bytes_like(&value)?,
    };
    sockets::set_option(fd, level, option, &bytes).map_err(|e| vm.os_error(e))?;
    Ok(none())
}
