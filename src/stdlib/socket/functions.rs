//! The functions of `_socket`: names, numbers in network order, pairs of sockets.

use super::address::{from_system, host_name, ipv6_text, look_up_error, plain_error, resolve};
use super::object::{DEFAULT_TIMEOUT, SOCKET, seconds, timeout};
use crate::system::int;
use crate::system::path::{c_string, decode};
use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::Ordering::Relaxed;
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::host::files;
use taipan_runtime::host::names::{self, Host};
use taipan_runtime::host::sockets::{self, Address, Parts};
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Raised, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

type A<'a> = &'a [Option<Value>];

const fn f(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    function: fn(&mut Vm, A<'_>) -> PyResult,
) -> MethodDef {
    MethodDef::function(name, signature, doc, N(function))
}

fn arg(a: A<'_>, i: usize) -> Value {
    a[i].clone().unwrap_or_else(none)
}

fn number(vm: &mut Vm, a: A<'_>, i: usize, default: i32) -> PyResult<i32> {
    match &a[i] {
        Some(v) => vm.to_i32(v),
        None => Ok(default),
    }
}

/// The functions.
pub static TABLE: &[MethodDef] = &[
    f("CMSG_LEN", "($module, length, /)", "Bytes of an item of ancillary data with its header.", |vm, a| {
        cmsg(vm, a, "CMSG_LEN", sockets::cmsg_len)
    }),
    f("CMSG_SPACE", "($module, length, /)", "Bytes that an item of ancillary data takes.", |vm, a| {
        cmsg(vm, a, "CMSG_SPACE", sockets::cmsg_space)
    }),
    f("close", "($module, fd, /)", "Close a socket's descriptor.", |vm, a| {
        let fd = number(vm, a, 0, -1)?;
        match vm.allow_threads(|| files::close(fd)) {
            Err(e) if e != libc::ECONNRESET => Err(vm.os_error(e)),
            _ => Ok(none()),
        }
    }),
    f("dup", "($module, fd, /)", "A new descriptor of the same socket.", |vm, a| {
        let fd = number(vm, a, 0, -1)?;
        files::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0).map(int).map_err(|e| vm.os_error(e))
    }),
    f("getaddrinfo", "($module, host, port, family=0, type=0, proto=0, flags=0)", "Addresses of a host.", getaddrinfo),
    f("getnameinfo", "($module, sockaddr, flags, /)", "Names of an address.", getnameinfo),
    f("getdefaulttimeout", "($module, /)", "Timeout of new sockets, in seconds.", |_, _| {
        Ok(seconds(DEFAULT_TIMEOUT.load(Relaxed)))
    }),
    f("setdefaulttimeout", "($module, timeout, /)", "Set the timeout of new sockets.", |vm, a| {
        let n = timeout(vm, &arg(a, 0))?;
        DEFAULT_TIMEOUT.store(n, Relaxed);
        Ok(none())
    }),
    f("gethostname", "($module, /)", "Name of this machine.", |vm, _| {
        audit(vm, "socket.gethostname", &[])?;
        let name = names::host_name().map_err(|e| vm.os_error(e))?;
        Ok(decode(&name).into())
    }),
    f("sethostname", "($module, name, /)", "Set the name of this machine.", |vm, a| {
        audit(vm, "socket.sethostname", &[arg(a, 0)])?;
        let name = c_string(vm, &arg(a, 0))?;
        names::set_host_name(name.as_bytes()).map_err(|e| vm.os_error(e))?;
        Ok(none())
    }),
    f("gethostbyname", "($module, hostname, /)", "IPv4 address of a host.", |vm, a| {
        let name = host_name(vm, &arg(a, 0))?;
        audit(vm, "socket.gethostbyname", &[arg(a, 0)])?;
        let ip = resolve(vm, &name, libc::AF_INET)?;
        Ok(vm.new_str(&ip.to_string()))
    }),
    f("gethostbyname_ex", "($module, hostname, /)", "Name, aliases and addresses of a host.", |vm, a| {
        let name = host_name(vm, &arg(a, 0))?;
        audit(vm, "socket.gethostbyname", &[arg(a, 0)])?;
        resolve(vm, &name, libc::AF_INET)?;
        match vm.allow_threads(|| names::host_by_name(&name)) {
            Ok(h) => host(vm, &h),
            Err(code) => Err(host_error(vm, code)),
        }
    }),
    f("gethostbyaddr", "($module, ip_address, /)", "Name, aliases and addresses of an address.", |vm, a| {
        let name = host_name(vm, &arg(a, 0))?;
        audit(vm, "socket.gethostbyaddr", &[arg(a, 0)])?;
        let bytes = match resolve(vm, &name, 0)? {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        match vm.allow_threads(|| names::host_by_address(&bytes)) {
            Ok(h) => host(vm, &h),
            Err(code) => Err(host_error(vm, code)),
        }
    }),
    f("getprotobyname", "($module, name, /)", "Number of a protocol.", |vm, a| {
        let name = text(vm, &arg(a, 0), "getprotobyname() argument 1")?;
        match names::protocol_number(&name) {
            Some(n) => Ok(int(n)),
            None => Err(plain_error(vm, "protocol not found")),
        }
    }),
    f("getservbyname", "($module, servicename, protocolname=None, /)", "Port of a service.", |vm, a| {
        let name = text(vm, &arg(a, 0), "getservbyname() argument 1")?;
        let protocol = a[1].as_ref().map(|p| text(vm, p, "getservbyname() argument 2")).transpose()?;
        audit(vm, "socket.getservbyname", &[arg(a, 0), arg(a, 1)])?;
        match names::service_port(&name, protocol.as_deref()) {
            Some(n) => Ok(int(n)),
            None => Err(plain_error(vm, "service/proto not found")),
        }
    }),
    f("getservbyport", "($module, port, protocolname=None, /)", "Service of a port.", |vm, a| {
        let port = number(vm, a, 0, 0)?;
        let protocol = a[1].as_ref().map(|p| text(vm, p, "getservbyport() argument 2")).transpose()?;
        let Ok(port) = u16::try_from(port) else {
            return Err(vm.overflow_error("getservbyport: port must be 0-65535."));
        };
        audit(vm, "socket.getservbyport", &[int(port), arg(a, 1)])?;
        match names::service_name(port, protocol.as_deref()) {
            Some(name) => Ok(decode(&name).into()),
            None => Err(plain_error(vm, "port/proto not found")),
        }
    }),
    f("htonl", "($module, integer, /)", "Four bytes from this machine's order to the network's.", |vm, a| {
        unsigned(vm, &arg(a, 0), 32).map(|n| int((n as u32).to_be()))
    }),
    f("htons", "($module, integer, /)", "Two bytes from this machine's order to the network's.", |vm, a| {
        unsigned(vm, &arg(a, 0), 16).map(|n| int((n as u16).to_be()))
    }),
    f("ntohl", "($module, integer, /)", "Four bytes from the network's order to this machine's.", |vm, a| {
        unsigned(vm, &arg(a, 0), 32).map(|n| int(u32::from_be(n as u32)))
    }),
    f("ntohs", "($module, integer, /)", "Two bytes from the network's order to this machine's.", |vm, a| {
        unsigned(vm, &arg(a, 0), 16).map(|n| int(u16::from_be(n as u16)))
    }),
    f("if_indextoname", "($module, if_index, /)", "Name of a network interface.", |vm, a| {
        let v = vm.index(&arg(a, 0))?;
        let n = match Int::read(&v).and_then(|i| i.to_i64()) {
            Some(n) if n < 0 => {
                return Err(vm.value_error("Value must be a positive integer"));
            }
            Some(n) => n,
            None => return Err(vm.overflow_error("Python int too large to convert to C unsigned long")),
        };
        let Ok(n) = u32::try_from(n) else { return Err(vm.overflow_error("Python int too large to convert to C int")) };
        let name = names::interface_name(n).map_err(|e| vm.os_error(e))?;
        Ok(decode(&name).into())
    }),
    f("if_nameindex", "($module, /)", "All network interfaces.", |vm, _| {
        let all = names::interfaces().map_err(|e| vm.os_error(e))?;
        let rows = all.iter().map(|(i, n)| Tuple::from_vec(vec![int(*i), decode(n).into()]).into()).collect();
        Ok(List::from_vec(rows).into())
    }),
    f("if_nametoindex", "($module, oname, /)", "Index of a network interface.", |vm, a| {
        let name = c_string(vm, &arg(a, 0))?;
        match names::interface_index(&name) {
            0 => {
                let e = taipan_runtime::host::errno();
                if e == 0 { Err(plain_error(vm, "no interface with this name")) } else { Err(vm.os_error(e)) }
            }
            n => Ok(int(n)),
        }
    }),
    f("inet_aton", "($module, ip_addr, /)", "Bytes of an IPv4 address.", |vm, a| {
        let name = text(vm, &arg(a, 0), "inet_aton() argument")?;
        match name.to_str().ok().and_then(classic_ipv4) {
            Some(n) => Ok(Bytes::from_slice(&n.to_be_bytes()).into()),
            None => Err(plain_error(vm, "illegal IP address string passed to inet_aton")),
        }
    }),
    f("inet_ntoa", "($module, packed_ip, /)", "Text of an IPv4 address.", |vm, a| {
        let bytes = vm.bytes_like(&arg(a, 0))?;
        match <[u8; 4]>::try_from(&bytes[..]) {
            Ok(ip) => Ok(vm.new_str(&Ipv4Addr::from(ip).to_string())),
            Err(_) => Err(plain_error(vm, "packed IP wrong length for inet_ntoa")),
        }
    }),
    f("inet_ntop", "($module, address_family, packed_ip, /)", "Text of an address.", |vm, a| {
        let family = number(vm, a, 0, 0)?;
        let bytes = vm.bytes_like(&arg(a, 1))?;
        let text = match (family, bytes.len()) {
            (libc::AF_INET, 4) => Ipv4Addr::from([bytes[0], bytes[1], bytes[2], bytes[3]]).to_string(),
            (libc::AF_INET6, 16) => ipv6_text(<[u8; 16]>::try_from(&bytes[..]).unwrap_or_default()),
            (libc::AF_INET | libc::AF_INET6, _) => {
                return Err(vm.value_error("invalid length of packed IP address string"));
            }
            _ => return Err(vm.value_error(format!("unknown address family {family}"))),
        };
        Ok(vm.new_str(&text))
    }),
    f("inet_pton", "($module, address_family, ip_string, /)", "Bytes of an address.", |vm, a| {
        let family = number(vm, a, 0, 0)?;
        let name = text(vm, &arg(a, 1), "inet_pton() argument 2")?;
        let name = name.to_str().unwrap_or_default();
        let bytes = match family {
            libc::AF_INET => name.parse::<Ipv4Addr>().ok().map(|ip| ip.octets().to_vec()),
            libc::AF_INET6 => name.parse::<Ipv6Addr>().ok().map(|ip| ip.octets().to_vec()),
            _ => return Err(vm.os_error(libc::EAFNOSUPPORT)),
        };
        match bytes {
            Some(b) => Ok(Bytes::from_slice(&b).into()),
            None => Err(plain_error(vm, "illegal IP address string passed to inet_pton")),
        }
    }),
    f("socketpair", "($module, family=AF_UNIX, type=SOCK_STREAM, proto=0, /)", "Two connected sockets.", |vm, a| {
        let family = number(vm, a, 0, libc::AF_UNIX)?;
        let (kind, protocol) = (number(vm, a, 1, libc::SOCK_STREAM)?, number(vm, a, 2, 0)?);
        let pair = sockets::socketpair(family, kind, protocol).map_err(|e| vm.os_error(e))?;
        let mut both = Vec::new();
        for fd in pair {
            let s = vm.call(&SOCKET.value(), &[int(family), int(kind), int(protocol), int(fd)])?;
            both.push(s);
        }
        Ok(Tuple::from_vec(both).into())
    }),
];

fn cmsg(vm: &mut Vm, a: A<'_>, name: &str, f: fn(u32) -> usize) -> PyResult {
    let n = vm.to_isize(&arg(a, 0))?;
    let header = f(if name == "CMSG_LEN" { 0 } else { 1 }) as isize;
    if !(0..=i32::MAX as isize - header).contains(&n) {
        return Err(vm.overflow_error(format!("{name}() argument out of range")));
    }
    Ok(Value::from_usize(f(n as u32)))
}

fn text(vm: &mut Vm, v: &Value, what: &str) -> PyResult<CString> {
    let s = vm.expect_str(v, what)?.to_rust().into_owned();
    CString::new(s).map_err(|_| vm.value_error("embedded null character"))
}

/// A number of so many bits.
fn unsigned(vm: &mut Vm, v: &Value, bits: u32) -> PyResult<i64> {
    let v = vm.index(v)?;
    match Int::read(&v) {
        Some(n) if n.is_negative() => Err(vm.value_error("Cannot convert negative int")),
        n => match n.and_then(|i| i.to_i64()) {
            Some(n) if n < 1 << bits => Ok(n),
            _ => Err(vm.overflow_error(format!("Python int too large for C uint{bits}_t"))),
        },
    }
}

/// The number of an IPv4 address in one to four parts, each decimal, octal or hexadecimal (`inet_aton(3)`).
fn classic_ipv4(text: &str) -> Option<u32> {
    let text = text.split_ascii_whitespace().next()?;
    let mut parts = Vec::new();
    for part in text.split('.') {
        let n = match part {
            _ if part.starts_with("0x") || part.starts_with("0X") => u32::from_str_radix(&part[2..], 16),
            _ if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(&part[1..], 8),
            _ if part.starts_with('+') => return None,
            _ => part.parse(),
        };
        parts.push(n.ok()?);
    }
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|&n| n > 255) {
        return None;
    }
    let room = 32 - 8 * first.len() as u32;
    if room < 32 && *last >= 1 << room {
        return None;
    }
    Some(first.iter().enumerate().fold(*last, |sum, (i, n)| sum | n << (24 - 8 * i)))
}

fn host_error(vm: &mut Vm, code: i32) -> Raised {
    let text = vm.new_str(&names::host_error_text(code));
    match super::HERROR.get(vm).and_then(|class| vm.call(&class, &[int(code), text])) {
        Ok(e) => vm.raise(e),
        Err(r) => r,
    }
}

fn host(vm: &mut Vm, h: &Host) -> PyResult {
    let aliases = h.aliases.iter().map(|a| decode(a).into()).collect();
    let mut addresses = Vec::new();
    for a in &h.addresses {
        let text = match (<[u8; 4]>::try_from(&a[..]), <[u8; 16]>::try_from(&a[..])) {
            (Ok(ip), _) => Ipv4Addr::from(ip).to_string(),
            (_, Ok(ip)) => ipv6_text(ip),
            _ => continue,
        };
        addresses.push(vm.new_str(&text));
    }
    let all = vec![decode(&h.name).into(), List::from_vec(aliases).into(), List::from_vec(addresses).into()];
    Ok(Tuple::from_vec(all).into())
}

fn getaddrinfo(vm: &mut Vm, a: A<'_>) -> PyResult {
    let host = match a[0].as_ref().filter(|v| !v.is_none()) {
        None => None,
        Some(v) if v.downcast::<Str>().is_some() || v.downcast::<Bytes>().is_some() => Some(host_name(vm, v)?),
        Some(_) => return Err(vm.type_error("getaddrinfo() argument 1 must be string or None")),
    };
    let service = match a[1].as_ref().filter(|v| !v.is_none()) {
        None => None,
        Some(v) if Int::read(v).is_some() => {
            let s = vm.str(v)?.to_rust().into_owned();
            Some(CString::new(s).expect("digits"))
        }
        Some(v) if v.downcast::<Str>().is_some() => Some(text(vm, v, "port")?),
        Some(v) => match v.downcast::<Bytes>() {
            Some(b) => match CString::new(b.as_slice()) {
                Ok(c) => Some(c),
                Err(_) => return Err(vm.value_error("embedded null byte")),
            },
            None => return Err(plain_error(vm, "Int or String expected")),
        },
    };
    let hints = [number(vm, a, 2, 0)?, number(vm, a, 3, 0)?, number(vm, a, 4, 0)?, number(vm, a, 5, 0)?];
    let [family, kind, protocol, flags] = hints.map(int);
    audit(vm, "socket.getaddrinfo", &[arg(a, 0), arg(a, 1), family, kind, protocol, flags])?;
    let found = vm.allow_threads(|| names::address_info(host.as_deref(), service.as_deref(), hints));
    let found = found.map_err(|e| look_up_error(vm, e))?;
    let mut rows = Vec::with_capacity(found.len());
    for i in &found {
        let [family, kind, protocol] = i.socket.map(int);
        let (name, address) = (decode(&i.name).into(), from_system(vm, &i.address));
        rows.push(Tuple::from_vec(vec![family, kind, protocol, name, address]).into());
    }
    Ok(List::from_vec(rows).into())
}

fn getnameinfo(vm: &mut Vm, a: A<'_>) -> PyResult {
    let flags = number(vm, a, 1, 0)?;
    let given = arg(a, 0);
    let Some(t) = given.downcast::<Tuple>() else {
        return Err(vm.type_error("getnameinfo() argument 1 must be a tuple"));
    };
    if !(2..=4).contains(&t.len()) || t.items()[0].downcast::<Str>().is_none() {
        return Err(vm.type_error("getnameinfo(): illegal sockaddr argument"));
    }
    let items = t.items().to_vec();
    let host = text(vm, &items[0], "getnameinfo(): host")?;
    let mut n = [0u32; 3];
    for (n, v) in n.iter_mut().zip(&items[1..]) {
        *n = vm.to_i32(v)? as u32;
    }
    let [port, flow, scope] = n;
    if flow > 0xfffff {
        return Err(vm.overflow_error("getnameinfo(): flowinfo must be 0-1048575."));
    }
    audit(vm, "socket.getnameinfo", std::slice::from_ref(&given))?;
    let service = CString::new(port.to_string()).expect("digits");
    let hints = [0, libc::SOCK_DGRAM, 0, libc::AI_NUMERICHOST];
    let found = vm.allow_threads(|| names::address_info(Some(&host), Some(&service), hints));
    let found = found.map_err(|e| look_up_error(vm, e))?;
    if found.len() > 1 {
        return Err(plain_error(vm, "sockaddr resolved to multiple addresses"));
    }
    let address = match found.first().map(|i| i.address.parts()) {
        Some(Parts::Inet(..)) if items.len() != 2 => {
            return Err(plain_error(vm, "IPv4 sockaddr must be 2 tuple"));
        }
        Some(Parts::Inet6(ip, port, ..)) => Address::new(&Parts::Inet6(ip, port, flow, scope)),
        Some(other) => Address::new(&other),
        None => return Err(vm.new_error(&exc::OS_ERROR, "no address")),
    };
    let r = vm.allow_threads(|| names::name_info(&address, flags));
    let (host, service) = r.map_err(|e| look_up_error(vm, e))?;
    Ok(Tuple::from_vec(vec![decode(&host).into(), decode(&service).into()]).into())
}
