//! Addresses: tuples and strings of programs to and from what the system takes.

use crate::system::int;
use crate::system::path::{decode, encode};
use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use taipan_runtime::host::names;
use taipan_runtime::host::sockets::{Address, Parts, UNIX_PATH_MAX};
use taipan_runtime::object::{PyResult, Raised, Value, none};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// Raises `OSError` with a message only.
pub fn plain_error(vm: &mut Vm, message: &str) -> Raised {
    let text = vm.new_str(message);
    vm.raise_with(&exc::OS_ERROR, &[text])
}

/// Raises `gaierror` for a code of `getaddrinfo(3)`.
pub fn look_up_error(vm: &mut Vm, (code, errno): (i32, i32)) -> Raised {
    if code == libc::EAI_SYSTEM {
        return vm.os_error(errno);
    }
    let text = vm.new_str(&names::gai_text(code));
    let made = super::GAIERROR.get(vm).and_then(|class| vm.call(&class, &[int(code), text]));
    match made {
        Ok(e) => vm.raise(e),
        Err(r) => r,
    }
}

/// A host name as bytes: str is encoded by the rules of international names, bytes are taken as they are.
pub fn host_name(vm: &mut Vm, v: &Value) -> PyResult<CString> {
    let bytes = match (v.downcast::<Str>(), v.downcast::<Bytes>(), v.downcast::<ByteArray>()) {
        (Some(s), _, _) => match s.as_ascii() {
            Some(t) => t.as_bytes().to_vec(),
            None => {
                let codec = vm.new_str("idna");
                let encoded = vm.call_method(v, "encode", &[codec])?;
                vm.bytes_like(&encoded)?
            }
        },
        (_, Some(b), _) => b.as_slice().to_vec(),
        (_, _, Some(_)) => vm.bytes_like(v)?,
        _ => {
            let got = v.class().payload.name();
            return Err(vm.type_error(format!("str, bytes or bytearray expected, not {got}")));
        }
    };
    CString::new(bytes).map_err(|_| vm.type_error("host name must not contain null character"))
}

/// The address of a host, port 0. Family 0 takes what comes first.
pub fn resolve(vm: &mut Vm, name: &CString, family: i32) -> PyResult<IpAddr> {
    let text = name.to_str().unwrap_or("?");
    if text.is_empty() {
        let hints = [family, libc::SOCK_DGRAM, 0, libc::AI_PASSIVE];
        let service = CString::new("0").expect("no zero byte");
        let all = vm.allow_threads(|| names::address_info(None, Some(&service), hints));
        let all = all.map_err(|e| look_up_error(vm, e))?;
        if all.len() > 1 {
            return Err(plain_error(vm, "wildcard resolved to multiple address"));
        }
        return first_ip(vm, &all);
    }
    if text == "255.255.255.255" || text == "<broadcast>" {
        if family != libc::AF_INET && family != 0 {
            return Err(plain_error(vm, "address family mismatched"));
        }
        return Ok(IpAddr::V4(Ipv4Addr::BROADCAST));
    }
    match (family, text.parse::<IpAddr>()) {
        (0 | libc::AF_INET, Ok(ip @ IpAddr::V4(_))) => return Ok(ip),
        (0 | libc::AF_INET6, Ok(ip @ IpAddr::V6(_))) => return Ok(ip),
        _ => {}
    }
    let all = vm.allow_threads(|| names::address_info(Some(name), None, [family, 0, 0, 0]));
    let all = all.map_err(|e| look_up_error(vm, e))?;
    first_ip(vm, &all)
}

fn first_ip(vm: &mut Vm, all: &[names::AddressInfo]) -> PyResult<IpAddr> {
    match all.first().map(|i| i.address.parts()) {
        Some(Parts::Inet(bytes, _)) => Ok(IpAddr::from(bytes)),
        Some(Parts::Inet6(bytes, ..)) => Ok(IpAddr::from(bytes)),
        _ => Err(plain_error(vm, "unknown address family")),
    }
}

fn items(vm: &mut Vm, v: &Value, function: &str, family: &str, from: usize, to: usize) -> PyResult<Vec<Value>> {
    let Some(t) = v.downcast::<Tuple>() else {
        let got = v.class().payload.name();
        return Err(vm.type_error(format!("{function}(): {family} address must be tuple, not {got}")));
    };
    if !(from..=to).contains(&t.len()) {
        return Err(vm.type_error(match family {
            "AF_INET" => "AF_INET address must be a pair (host, port)".to_owned(),
            "AF_INET6" => "AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])".to_owned(),
            _ => format!("{function}(): wrong format for {family} address"),
        }));
    }
    Ok(t.items().to_vec())
}

fn port(vm: &mut Vm, v: &Value, function: &str) -> PyResult<u16> {
    let n = vm.index(v)?;
    match n.as_small().and_then(|n| u16::try_from(n).ok()) {
        Some(p) => Ok(p),
        None => Err(vm.overflow_error(format!("{function}(): port must be 0-65535."))),
    }
}

fn unsigned(vm: &mut Vm, v: &Value) -> PyResult<u32> {
    vm.to_i64(v).map(|n| n as u32)
}

/// The system's form of an address argument of a socket of this family.
pub fn to_system(vm: &mut Vm, family: i32, v: &Value, function: &str) -> PyResult<Address> {
    let parts = match family {
        libc::AF_UNIX => Parts::Unix(unix_path(vm, v)?),
        libc::AF_INET => {
            let t = items(vm, v, function, "AF_INET", 2, 2)?;
            let host = host_name(vm, &t[0])?;
            let port = port(vm, &t[1], function)?;
            match resolve(vm, &host, family)? {
                IpAddr::V4(ip) => Parts::Inet(ip.octets(), port),
                IpAddr::V6(_) => return Err(plain_error(vm, "address family mismatched")),
            }
        }
        libc::AF_INET6 => {
            let t = items(vm, v, function, "AF_INET6", 2, 4)?;
            let host = host_name(vm, &t[0])?;
            let port = port(vm, &t[1], function)?;
            let flow = t.get(2).map_or(Ok(0), |v| unsigned(vm, v))?;
            let scope = t.get(3).map_or(Ok(0), |v| unsigned(vm, v))?;
            if flow > 0xfffff {
                return Err(vm.overflow_error(format!("{function}(): flowinfo must be 0-1048575.")));
            }
            match resolve(vm, &host, family)? {
                IpAddr::V6(ip) => Parts::Inet6(ip.octets(), port, flow, scope),
                IpAddr::V4(_) => return Err(plain_error(vm, "address family mismatched")),
            }
        }
        libc::AF_NETLINK => {
            let t = items(vm, v, function, "AF_NETLINK", 2, 2)?;
            Parts::Netlink(unsigned(vm, &t[0])?, unsigned(vm, &t[1])?)
        }
        libc::AF_VSOCK => {
            let t = items(vm, v, function, "AF_VSOCK", 2, 2)?;
            Parts::Vsock(unsigned(vm, &t[0])?, unsigned(vm, &t[1])?)
        }
        libc::AF_PACKET => packet(vm, v, function)?,
        _ => return Err(plain_error(vm, &format!("{function}(): bad family"))),
    };
    Ok(Address::new(&parts))
}

fn unix_path(vm: &mut Vm, v: &Value) -> PyResult<Vec<u8>> {
    let path = match v.downcast::<Str>() {
        Some(s) => encode(vm, s)?,
        None if v.class().payload.slots().buffer.is_some() => vm.bytes_like(v)?,
        None => {
            let got = v.class().payload.name();
            return Err(vm.type_error(format!("a bytes-like object is required, not '{got}'")));
        }
    };
    let most = if path.first().is_none_or(|&b| b == 0) { UNIX_PATH_MAX } else { UNIX_PATH_MAX - 1 };
    if path.len() > most {
        return Err(plain_error(vm, "AF_UNIX path too long"));
    }
    Ok(path)
}

fn packet(vm: &mut Vm, v: &Value, function: &str) -> PyResult<Parts> {
    let t = items(vm, v, function, "AF_PACKET", 2, 5)?;
    let name = host_name(vm, &t[0])?;
    let protocol = vm.to_i32(&t[1])?;
    let index = names::interface_index(&name);
    if index == 0 {
        return Err(vm.os_error(libc::ENODEV));
    }
    if !(0..=0xffff).contains(&protocol) {
        return Err(vm.overflow_error(format!("{function}(): proto argument must be 0-65535.")));
    }
    let kind = t.get(2).map_or(Ok(0), |v| vm.to_i32(v))?;
    let hardware = t.get(3).map_or(Ok(0), |v| vm.to_i32(v))?;
    let bytes = t.get(4).map_or(Ok(Vec::new()), |v| vm.bytes_like(v))?;
    if bytes.len() > 8 {
        return Err(vm.value_error("hardware address must be 8 bytes or less"));
    }
    Ok(Parts::Packet(index as i32, protocol as u16, kind as u8, hardware as u16, bytes))
}

/// An address as programs see it.
pub fn from_system(vm: &mut Vm, a: &Address) -> Value {
    let tuple = |items: Vec<Value>| Value::from(Tuple::from_vec(items));
    match a.parts() {
        Parts::Empty => none(),
        Parts::Inet(ip, port) => tuple(vec![vm.new_str(&Ipv4Addr::from(ip).to_string()), int(port)]),
        Parts::Inet6(ip, port, flow, scope) => {
            tuple(vec![vm.new_str(&ipv6_text(ip)), int(port), int(flow), int(scope)])
        }
        Parts::Unix(path) if path.first() == Some(&0) => Bytes::from_slice(&path).into(),
        Parts::Unix(path) => decode(&path).into(),
        Parts::Netlink(pid, groups) => tuple(vec![int(pid), int(groups)]),
        Parts::Vsock(cid, port) => tuple(vec![int(cid), int(port)]),
        Parts::Packet(index, protocol, kind, hardware, bytes) => {
            let name = names::interface_name(index as u32).unwrap_or_default();
            let bytes = Bytes::from_slice(&bytes).into();
            tuple(vec![decode(&name).into(), int(protocol), int(kind), int(hardware), bytes])
        }
        Parts::Other(family, bytes) => tuple(vec![int(family), Bytes::from_slice(&bytes).into()]),
    }
}

/// The C library's text of an IPv6 address.
pub fn ipv6_text(ip: [u8; 16]) -> String {
    let ip = Ipv6Addr::from(ip);
    let s = ip.segments();
    // As inet_ntop(3): the old mapped and compatible forms show their last part as IPv4.
    if s[..6] == [0; 6] && s[6] != 0 {
        let [a, b, c, d] = [s[6] >> 8, s[6] & 255, s[7] >> 8, s[7] & 255];
        return format!("::{a}.{b}.{c}.{d}");
    }
    ip.to_string()
}
