//! Sockets: thin functions over the C library's calls, with error numbers as errors.

use super::{calls, check, check_size};
use std::mem::{offset_of, zeroed};

calls! {
    /// `listen(2)`
    fn listen(fd: i32, backlog: i32);
    /// `shutdown(2)`
    fn shutdown(fd: i32, how: i32);
}

/// An address as the system takes it.
#[derive(Clone, Copy)]
pub struct Address {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

/// An address as programs see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// None at all.
    Empty,
    /// Four bytes and a port.
    Inet([u8; 4], u16),
    /// Sixteen bytes, port, flow information, scope.
    Inet6([u8; 16], u16, u32, u32),
    /// A path, or an abstract name that starts with a zero byte.
    Unix(Vec<u8>),
    /// Process (port) and groups.
    Netlink(u32, u32),
    /// Context and port.
    Vsock(u32, u32),
    /// Interface index, protocol, packet type, hardware type, hardware address.
    Packet(i32, u16, u8, u16, Vec<u8>),
    /// A family that is not taken apart, and its bytes.
    Other(u16, Vec<u8>),
}

/// Longest path of an `AF_UNIX` address with its final zero.
pub const UNIX_PATH_MAX: usize = 108;

impl Address {
    /// No address.
    pub fn empty() -> Address {
        // SAFETY: plain bytes.
        Address { storage: unsafe { zeroed() }, len: 0 }
    }

    fn of<T: Copy>(raw: T, len: usize) -> Address {
        assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>() && len <= size_of::<T>());
        let mut a = Address::empty();
        a.len = len as libc::socklen_t;
        // SAFETY: the storage is large enough and aligned for every address.
        unsafe { (&raw mut a.storage).cast::<T>().write(raw) };
        a
    }

    /// The address with these parts.
    pub fn new(parts: &Parts) -> Address {
        // SAFETY: the structures are plain numbers, valid when zeroed.
        unsafe {
            match parts {
                Parts::Empty => Address::empty(),
                Parts::Inet(bytes, port) => {
                    let mut raw: libc::sockaddr_in = zeroed();
                    raw.sin_family = libc::AF_INET as u16;
                    raw.sin_port = port.to_be();
                    raw.sin_addr.s_addr = u32::from_ne_bytes(*bytes);
                    Address::of(raw, size_of::<libc::sockaddr_in>())
                }
                Parts::Inet6(bytes, port, flow, scope) => {
                    let mut raw: libc::sockaddr_in6 = zeroed();
                    raw.sin6_family = libc::AF_INET6 as u16;
                    raw.sin6_port = port.to_be();
                    raw.sin6_flowinfo = flow.to_be();
                    raw.sin6_scope_id = *scope;
                    raw.sin6_addr.s6_addr = *bytes;
                    Address::of(raw, size_of::<libc::sockaddr_in6>())
                }
                Parts::Unix(path) => {
                    assert!(path.len() <= UNIX_PATH_MAX);
                    let mut raw: libc::sockaddr_un = zeroed();
                    raw.sun_family = libc::AF_UNIX as u16;
                    for (to, from) in raw.sun_path.iter_mut().zip(path) {
                        *to = *from as libc::c_char;
                    }
                    let named = path.first().is_some_and(|&b| b != 0);
                    let len = offset_of!(libc::sockaddr_un, sun_path) + path.len() + named as usize;
                    Address::of(raw, len.min(size_of::<libc::sockaddr_un>()))
                }
                Parts::Netlink(pid, groups) => {
                    let mut raw: libc::sockaddr_nl = zeroed();
                    raw.nl_family = libc::AF_NETLINK as u16;
                    raw.nl_pid = *pid;
                    raw.nl_groups = *groups;
                    Address::of(raw, size_of::<libc::sockaddr_nl>())
                }
                Parts::Vsock(cid, port) => {
                    let mut raw: libc::sockaddr_vm = zeroed();
                    raw.svm_family = libc::AF_VSOCK as u16;
                    raw.svm_cid = *cid;
                    raw.svm_port = *port;
                    Address::of(raw, size_of::<libc::sockaddr_vm>())
                }
                Parts::Packet(index, protocol, packet, hardware, bytes) => {
                    let mut raw: libc::sockaddr_ll = zeroed();
                    raw.sll_family = libc::AF_PACKET as u16;
                    raw.sll_protocol = protocol.to_be();
                    raw.sll_ifindex = *index;
                    raw.sll_pkttype = *packet;
                    raw.sll_hatype = *hardware;
                    raw.sll_halen = bytes.len().min(8) as u8;
                    for (to, from) in raw.sll_addr.iter_mut().zip(bytes) {
                        *to = *from;
                    }
                    Address::of(raw, size_of::<libc::sockaddr_ll>())
                }
                Parts::Other(family, bytes) => {
                    let mut a = Address::empty();
                    a.storage.ss_family = *family;
                    let room = size_of::<libc::sockaddr_storage>() - 2;
                    let n = bytes.len().min(room);
                    std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut a.storage).cast::<u8>().add(2), n);
                    a.len = (n + 2) as libc::socklen_t;
                    a
                }
            }
        }
    }

    /// The address taken apart.
    pub fn parts(&self) -> Parts {
        let len = self.len as usize;
        if len == 0 {
            return Parts::Empty;
        }
        let p = &raw const self.storage;
        // SAFETY: the family says which structure the storage holds; it is zeroed beyond what the system wrote.
        unsafe {
            match self.storage.ss_family as i32 {
                libc::AF_INET => {
                    let raw = &*p.cast::<libc::sockaddr_in>();
                    Parts::Inet(raw.sin_addr.s_addr.to_ne_bytes(), u16::from_be(raw.sin_port))
                }
                libc::AF_INET6 => {
                    let raw = &*p.cast::<libc::sockaddr_in6>();
                    let (port, flow) = (u16::from_be(raw.sin6_port), u32::from_be(raw.sin6_flowinfo));
                    Parts::Inet6(raw.sin6_addr.s6_addr, port, flow, raw.sin6_scope_id)
                }
                libc::AF_UNIX => {
                    let raw = &*p.cast::<libc::sockaddr_un>();
                    let n = len.saturating_sub(offset_of!(libc::sockaddr_un, sun_path)).min(UNIX_PATH_MAX);
                    let mut path: Vec<u8> = raw.sun_path[..n].iter().map(|&c| c as u8).collect();
                    if path.first().is_some_and(|&b| b != 0) {
                        path.truncate(path.iter().position(|&b| b == 0).unwrap_or(n));
                    }
                    Parts::Unix(path)
                }
                libc::AF_NETLINK => {
                    let raw = &*p.cast::<libc::sockaddr_nl>();
                    Parts::Netlink(raw.nl_pid, raw.nl_groups)
                }
                libc::AF_VSOCK => {
                    let raw = &*p.cast::<libc::sockaddr_vm>();
                    Parts::Vsock(raw.svm_cid, raw.svm_port)
                }
                libc::AF_PACKET => {
                    let raw = &*p.cast::<libc::sockaddr_ll>();
                    let bytes = raw.sll_addr[..(raw.sll_halen as usize).min(8)].to_vec();
                    let protocol = u16::from_be(raw.sll_protocol);
                    Parts::Packet(raw.sll_ifindex, protocol, raw.sll_pkttype, raw.sll_hatype, bytes)
                }
                family => {
                    let bytes = std::slice::from_raw_parts(p.cast::<u8>().add(2), len.saturating_sub(2).min(126));
                    Parts::Other(family as u16, bytes.to_vec())
                }
            }
        }
    }

    /// Copies an address that a C structure points to.
    ///
    /// # Safety
    /// `p` is valid for `len` bytes.
    pub(super) unsafe fn from_raw(p: *const libc::sockaddr, len: libc::socklen_t) -> Address {
        let mut a = Address::empty();
        a.len = len.min(size_of::<libc::sockaddr_storage>() as libc::socklen_t);
        // SAFETY: by the caller's promise, and the storage holds that many bytes.
        unsafe { std::ptr::copy_nonoverlapping(p.cast::<u8>(), (&raw mut a.storage).cast::<u8>(), a.len as usize) };
        a
    }

    pub(super) fn raw(&self) -> (*const libc::sockaddr, libc::socklen_t) {
        ((&raw const self.storage).cast(), self.len)
    }
}

/// Calls `f` with room for an address.
fn fill<T>(f: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> Result<T, i32>) -> Result<(T, Address), i32> {
    let mut a = Address::empty();
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    let r = f((&raw mut a.storage).cast(), &mut len)?;
    a.len = len.min(size_of::<libc::sockaddr_storage>() as libc::socklen_t);
    Ok((r, a))
}

/// `socket(2)`; the descriptor is not inherited by other programs.
pub fn socket(family: i32, kind: i32, protocol: i32) -> Result<i32, i32> {
    // SAFETY: no preconditions.
    check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) })
}

/// `socketpair(2)`; the descriptors are not inherited by other programs.
pub fn socketpair(family: i32, kind: i32, protocol: i32) -> Result<[i32; 2], i32> {
    let mut pair = [0; 2];
    // SAFETY: room for two descriptors.
    check(unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, protocol, pair.as_mut_ptr()) })?;
    Ok(pair)
}

/// `accept4(2)`: the new descriptor and the address of the peer.
pub fn accept(fd: i32) -> Result<(i32, Address), i32> {
    // SAFETY: `fill` gives room for an address.
    fill(|p, len| check(unsafe { libc::accept4(fd, p, len, libc::SOCK_CLOEXEC) }))
}

/// `bind(2)`
pub fn bind(fd: i32, address: &Address) -> Result<i32, i32> {
    let (p, len) = address.raw();
    // SAFETY: pointer and length describe the address.
    check(unsafe { libc::bind(fd, p, len) })
}

/// `connect(2)`
pub fn connect(fd: i32, address: &Address) -> Result<i32, i32> {
    let (p, len) = address.raw();
    // SAFETY: pointer and length describe the address.
    check(unsafe { libc::connect(fd, p, len) })
}

/// `getsockname(2)`
pub fn own_address(fd: i32) -> Result<Address, i32> {
    // SAFETY: `fill` gives room for an address.
    fill(|p, len| check(unsafe { libc::getsockname(fd, p, len) })).map(|r| r.1)
}

/// `getpeername(2)`
pub fn peer_address(fd: i32) -> Result<Address, i32> {
    // SAFETY: `fill` gives room for an address.
    fill(|p, len| check(unsafe { libc::getpeername(fd, p, len) })).map(|r| r.1)
}

/// `send(2)`
pub fn send(fd: i32, data: &[u8], flags: i32) -> Result<usize, i32> {
    // SAFETY: pointer and length describe the slice.
    check_size(unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), flags) })
}

/// `sendto(2)`
pub fn send_to(fd: i32, data: &[u8], flags: i32, address: &Address) -> Result<usize, i32> {
    let (p, len) = address.raw();
    // SAFETY: pointers and lengths describe data and address.
    check_size(unsafe { libc::sendto(fd, data.as_ptr().cast(), data.len(), flags, p, len) })
}

/// `recv(2)`
pub fn receive(fd: i32, buffer: &mut [u8], flags: i32) -> Result<usize, i32> {
    // SAFETY: pointer and length describe the slice.
    check_size(unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), flags) })
}

/// `recvfrom(2)`
pub fn receive_from(fd: i32, buffer: &mut [u8], flags: i32) -> Result<(usize, Address), i32> {
    // SAFETY: pointer and length describe the slice; `fill` gives room for an address.
    fill(|p, len| check_size(unsafe { libc::recvfrom(fd, buffer.as_mut_ptr().cast(), buffer.len(), flags, p, len) }))
}

/// One item of ancillary data: level, type, bytes.
pub type Ancillary = (i32, i32, Vec<u8>);

/// `CMSG_LEN(3)`
pub fn cmsg_len(n: u32) -> usize {
    // SAFETY: plain arithmetic.
    unsafe { libc::CMSG_LEN(n) as usize }
}

/// `CMSG_SPACE(3)`
pub fn cmsg_space(n: u32) -> usize {
    // SAFETY: plain arithmetic.
    unsafe { libc::CMSG_SPACE(n) as usize }
}

/// Memory for control messages, aligned for their headers.
fn control_room(bytes: usize) -> Vec<u64> {
    vec![0; bytes.div_ceil(8)]
}

/// `sendmsg(2)`: pieces of data, ancillary data, and an address unless the socket is connected.
pub fn send_message(
    fd: i32,
    data: &[Vec<u8>],
    ancillary: &[Ancillary],
    flags: i32,
    address: Option<&Address>,
) -> Result<usize, i32> {
    let mut pieces: Vec<libc::iovec> =
        data.iter().map(|d| libc::iovec { iov_base: d.as_ptr() as *mut _, iov_len: d.len() }).collect();
    let room: usize = ancillary.iter().map(|(_, _, d)| cmsg_space(d.len() as u32)).sum();
    let mut control = control_room(room);
    // SAFETY: all pointers live during the call; the control memory has room for every item with its header.
    unsafe {
        let mut m: libc::msghdr = zeroed();
        if let Some(a) = address {
            let (p, len) = a.raw();
            (m.msg_name, m.msg_namelen) = (p as *mut _, len);
        }
        (m.msg_iov, m.msg_iovlen) = (pieces.as_mut_ptr(), pieces.len() as _);
        if room > 0 {
            (m.msg_control, m.msg_controllen) = (control.as_mut_ptr().cast(), room as _);
            let mut header = libc::CMSG_FIRSTHDR(&m);
            for (level, kind, bytes) in ancillary {
                (*header).cmsg_level = *level;
                (*header).cmsg_type = *kind;
                (*header).cmsg_len = cmsg_len(bytes.len() as u32) as _;
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), libc::CMSG_DATA(header), bytes.len());
                header = libc::CMSG_NXTHDR(&m, header);
            }
        }
        check_size(libc::sendmsg(fd, &m, flags))
    }
}

/// What `recvmsg(2)` gave.
pub struct Message {
    /// Bytes of data.
    pub len: usize,
    /// Ancillary data.
    pub ancillary: Vec<Ancillary>,
    /// Flags of the message.
    pub flags: i32,
    /// Sender.
    pub address: Address,
}

/// `recvmsg(2)` into pieces of memory, with room for so many bytes of ancillary data.
pub fn receive_message(fd: i32, pieces: &mut [Vec<u8>], ancillary: usize, flags: i32) -> Result<Message, i32> {
    let mut parts: Vec<libc::iovec> =
        pieces.iter_mut().map(|d| libc::iovec { iov_base: d.as_mut_ptr().cast(), iov_len: d.len() }).collect();
    let mut control = control_room(ancillary);
    let mut m: libc::msghdr;
    // SAFETY: all pointers live during the call; headers are followed as CMSG_NXTHDR bounds them.
    unsafe {
        m = zeroed();
        (m.msg_iov, m.msg_iovlen) = (parts.as_mut_ptr(), parts.len() as _);
        if ancillary > 0 {
            (m.msg_control, m.msg_controllen) = (control.as_mut_ptr().cast(), ancillary as _);
        }
        let (len, address) = fill(|p, len| {
            (m.msg_name, m.msg_namelen) = (p.cast(), *len);
            let n = check_size(libc::recvmsg(fd, &mut m, flags))?;
            *len = m.msg_namelen;
            Ok(n)
        })?;
        let mut found = Vec::new();
        let mut header = if ancillary > 0 { libc::CMSG_FIRSTHDR(&m) } else { std::ptr::null_mut() };
        while !header.is_null() {
            let data = libc::CMSG_DATA(header);
            let end = m.msg_control as usize + m.msg_controllen as usize;
            let size = ((*header).cmsg_len as usize).saturating_sub(cmsg_len(0)).min(end.saturating_sub(data as usize));
            let bytes = std::slice::from_raw_parts(data, size).to_vec();
            found.push(((*header).cmsg_level, (*header).cmsg_type, bytes));
            header = libc::CMSG_NXTHDR(&m, header);
        }
        Ok(Message { len, ancillary: found, flags: m.msg_flags, address })
    }
}

/// `getsockopt(2)` of a number.
pub fn option_number(fd: i32, level: i32, option: i32) -> Result<i32, i32> {
    let mut n = 0i32;
    let mut len = 4;
    // SAFETY: room for four bytes.
    check(unsafe { libc::getsockopt(fd, level, option, (&raw mut n).cast(), &mut len) })?;
    Ok(n)
}

/// `getsockopt(2)` of some bytes, `most` at most.
pub fn option_bytes(fd: i32, level: i32, option: i32, most: usize) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0u8; most];
    let mut len = most as libc::socklen_t;
    // SAFETY: pointer and length describe the buffer.
    check(unsafe { libc::getsockopt(fd, level, option, buffer.as_mut_ptr().cast(), &mut len) })?;
    buffer.truncate(len as usize);
    Ok(buffer)
}

/// `setsockopt(2)` with bytes.
pub fn set_option(fd: i32, level: i32, option: i32, value: &[u8]) -> Result<i32, i32> {
    // SAFETY: pointer and length describe the slice.
    check(unsafe { libc::setsockopt(fd, level, option, value.as_ptr().cast(), value.len() as libc::socklen_t) })
}

/// `setsockopt(2)` with no value but a length.
pub fn set_option_length(fd: i32, level: i32, option: i32, len: u32) -> Result<i32, i32> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::setsockopt(fd, level, option, std::ptr::null(), len) })
}

/// Switches whether calls on the descriptor wait.
pub fn set_blocking(fd: i32, on: bool) -> Result<i32, i32> {
    let mut flag: libc::c_int = !on as i32;
    // SAFETY: the flag lives during the call.
    check(unsafe { libc::ioctl(fd, libc::FIONBIO, &raw mut flag) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_as_they_went() {
        for parts in [
            Parts::Empty,
            Parts::Inet([127, 0, 0, 1], 80),
            Parts::Inet6([1; 16], 443, 5, 2),
            Parts::Unix(b"/tmp/x".to_vec()),
            Parts::Unix(b"\0abstract".to_vec()),
            Parts::Netlink(3, 1),
            Parts::Vsock(2, 9),
        ] {
            assert_eq!(Address::new(&parts).parts(), parts);
        }
    }
}
