//! Names of hosts, services, users and groups: thin functions over the C library's look-ups.

use super::sockets::Address;
use super::{check, errno};
use std::ffi::{CStr, CString};
use std::mem::zeroed;

/// Bytes of a C string, or none for a null pointer.
///
/// # Safety
/// `p` is null or points to a terminated string.
unsafe fn bytes(p: *const libc::c_char) -> Vec<u8> {
    // SAFETY: by the caller's promise.
    if p.is_null() { Vec::new() } else { unsafe { CStr::from_ptr(p).to_bytes().to_vec() } }
}

/// The strings of a null-terminated array.
///
/// # Safety
/// `p` is null or points to an array of terminated strings that ends with a null pointer.
unsafe fn strings(mut p: *mut *mut libc::c_char) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    // SAFETY: by the caller's promise.
    unsafe {
        while !p.is_null() && !(*p).is_null() {
            out.push(bytes(*p));
            p = p.add(1);
        }
    }
    out
}

/// One answer of [`address_info`].
pub struct AddressInfo {
    /// Family, kind and protocol of a socket for it.
    pub socket: [i32; 3],
    /// The canonical name, if it was asked for.
    pub name: Vec<u8>,
    /// The address.
    pub address: Address,
}

/// `getaddrinfo(3)`: family, kind, protocol and flags as `hints`. The error is the code of `gai_strerror(3)`, and the
/// error number when that code is `EAI_SYSTEM`.
pub fn address_info(
    host: Option<&CStr>,
    service: Option<&CStr>,
    hints: [i32; 4],
) -> Result<Vec<AddressInfo>, (i32, i32)> {
    let text = |s: Option<&CStr>| s.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: strings are terminated; the list is valid until it is freed.
    unsafe {
        let mut wanted: libc::addrinfo = zeroed();
        [wanted.ai_family, wanted.ai_socktype, wanted.ai_protocol, wanted.ai_flags] = hints;
        let mut list = std::ptr::null_mut();
        let code = libc::getaddrinfo(text(host), text(service), &wanted, &mut list);
        if code != 0 {
            return Err((code, errno()));
        }
        let mut out = Vec::new();
        let mut p = list;
        while !p.is_null() {
            let i = &*p;
            out.push(AddressInfo {
                socket: [i.ai_family, i.ai_socktype, i.ai_protocol],
                name: bytes(i.ai_canonname),
                address: Address::from_raw(i.ai_addr, i.ai_addrlen),
            });
            p = i.ai_next;
        }
        libc::freeaddrinfo(list);
        Ok(out)
    }
}

/// `getnameinfo(3)`: host and service. Errors as [`address_info`].
pub fn name_info(address: &Address, flags: i32) -> Result<(Vec<u8>, Vec<u8>), (i32, i32)> {
    let (mut host, mut service) = ([0 as libc::c_char; 1025], [0 as libc::c_char; 32]);
    let (p, len) = address.raw();
    // SAFETY: pointers and lengths describe address and buffers; both are terminated on success.
    unsafe {
        let code = libc::getnameinfo(
            p,
            len,
            host.as_mut_ptr(),
            host.len() as u32,
            service.as_mut_ptr(),
            service.len() as u32,
            flags,
        );
        if code != 0 { Err((code, errno())) } else { Ok((bytes(host.as_ptr()), bytes(service.as_ptr()))) }
    }
}

/// `gai_strerror(3)`
pub fn gai_text(code: i32) -> String {
    // SAFETY: the result is a terminated string that is never freed.
    unsafe { String::from_utf8_lossy(&bytes(libc::gai_strerror(code))).into_owned() }
}

/// `gethostname(2)`
pub fn host_name() -> Result<Vec<u8>, i32> {
    let mut buffer = [0 as libc::c_char; 1025];
    // SAFETY: pointer and length describe the buffer, whose last byte stays zero.
    unsafe {
        check(libc::gethostname(buffer.as_mut_ptr(), buffer.len() - 1))?;
        Ok(bytes(buffer.as_ptr()))
    }
}

/// `sethostname(2)`
pub fn set_host_name(name: &[u8]) -> Result<i32, i32> {
    // SAFETY: pointer and length describe the slice.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) })
}

/// `getservbyname(3)`: the port.
pub fn service_port(name: &CStr, protocol: Option<&CStr>) -> Option<u16> {
    // SAFETY: terminated strings; the GIL is held while the static result is read.
    unsafe {
        let s = libc::getservbyname(name.as_ptr(), protocol.map_or(std::ptr::null(), CStr::as_ptr));
        (!s.is_null()).then(|| u16::from_be((*s).s_port as u16))
    }
}

/// `getservbyport(3)`: the name.
pub fn service_name(port: u16, protocol: Option<&CStr>) -> Option<Vec<u8>> {
    // SAFETY: as above.
    unsafe {
        let s = libc::getservbyport(port.to_be() as i32, protocol.map_or(std::ptr::null(), CStr::as_ptr));
        (!s.is_null()).then(|| bytes((*s).s_name))
    }
}

/// `getprotobyname(3)`: the number.
pub fn protocol_number(name: &CStr) -> Option<i32> {
    // SAFETY: as above.
    unsafe {
        let p = libc::getprotobyname(name.as_ptr());
        (!p.is_null()).then(|| (*p).p_proto)
    }
}

/// Names and index of an interface.
pub fn interfaces() -> Result<Vec<(u32, Vec<u8>)>, i32> {
    let mut out = Vec::new();
    // SAFETY: the list ends with index 0 and is freed after it was read.
    unsafe {
        let list = libc::if_nameindex();
        if list.is_null() {
            return Err(errno());
        }
        let mut p = list;
        while (*p).if_index != 0 && !(*p).if_name.is_null() {
            out.push(((*p).if_index, bytes((*p).if_name)));
            p = p.add(1);
        }
        libc::if_freenameindex(list);
    }
    Ok(out)
}

/// `if_nametoindex(3)`; 0 when there is no such interface.
pub fn interface_index(name: &CStr) -> u32 {
    // SAFETY: a terminated string.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}

/// `if_indextoname(3)`
pub fn interface_name(index: u32) -> Result<Vec<u8>, i32> {
    let mut buffer = [0 as libc::c_char; libc::IF_NAMESIZE];
    // SAFETY: the buffer has the size the call asks for.
    unsafe {
        let p = libc::if_indextoname(index, buffer.as_mut_ptr());
        if p.is_null() { Err(errno()) } else { Ok(bytes(p)) }
    }
}

/// One row of the user database.
pub struct User {
    /// Name, password, description, home, shell.
    pub texts: [Vec<u8>; 5],
    /// User and group.
    pub ids: [u32; 2],
}

unsafe fn user(p: *const libc::passwd) -> User {
    // SAFETY: the caller passes a filled structure.
    unsafe {
        let p = &*p;
        User {
            texts: [p.pw_name, p.pw_passwd, p.pw_gecos, p.pw_dir, p.pw_shell].map(|s| bytes(s)),
            ids: [p.pw_uid, p.pw_gid],
        }
    }
}

/// Calls a look-up that fills a structure and a buffer, with larger buffers until it fits.
fn look_up<T, R>(
    call: impl Fn(*mut T, *mut libc::c_char, usize, *mut *mut T) -> i32,
    read: impl Fn(*const T) -> R,
) -> Result<Option<R>, i32> {
    let mut size = 1024;
    loop {
        let mut buffer = vec![0 as libc::c_char; size];
        let mut entry = std::mem::MaybeUninit::<T>::zeroed();
        let mut result = std::ptr::null_mut();
        match call(entry.as_mut_ptr(), buffer.as_mut_ptr(), size, &mut result) {
            libc::ERANGE if size < 1 << 20 => size *= 2,
            // As POSIX allows, "not found" may come as an error.
            0 | libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => {
                return Ok(if result.is_null() { None } else { Some(read(result)) });
            }
            e => return Err(e),
        }
    }
}

/// `getpwnam_r(3)`
pub fn user_by_name(name: &CStr) -> Result<Option<User>, i32> {
    // SAFETY: `look_up` passes valid memory.
    look_up(|e, b, n, r| unsafe { libc::getpwnam_r(name.as_ptr(), e, b, n, r) }, |p| unsafe { user(p) })
}

/// `getpwuid_r(3)`
pub fn user_by_id(id: u32) -> Result<Option<User>, i32> {
    // SAFETY: `look_up` passes valid memory.
    look_up(|e, b, n, r| unsafe { libc::getpwuid_r(id, e, b, n, r) }, |p| unsafe { user(p) })
}

/// All rows of a database that is read one after another.
///
/// # Safety
/// `next` gives a filled structure or null; the GIL is held, so that nobody else reads the database meanwhile.
unsafe fn rows<T, R>(
    start: unsafe extern "C" fn(),
    next: unsafe extern "C" fn() -> *mut T,
    end: unsafe extern "C" fn(),
    read: unsafe fn(*const T) -> R,
) -> Vec<R> {
    // SAFETY: by the caller's promise; each entry is copied before the next call.
    unsafe {
        start();
        let all = std::iter::from_fn(|| {
            let p = next();
            (!p.is_null()).then(|| read(p))
        })
        .collect();
        end();
        all
    }
}

/// All users.
pub fn users() -> Vec<User> {
    // SAFETY: the three functions belong together.
    unsafe { rows(libc::setpwent, libc::getpwent, libc::endpwent, user) }
}

/// One row of the group database.
pub struct Group {
    /// Name and password.
    pub texts: [Vec<u8>; 2],
    /// Number.
    pub id: u32,
    /// Names of the members.
    pub members: Vec<Vec<u8>>,
}

unsafe fn group(p: *const libc::group) -> Group {
    // SAFETY: the caller passes a filled structure.
    unsafe {
        let p = &*p;
        Group { texts: [bytes(p.gr_name), bytes(p.gr_passwd)], id: p.gr_gid, members: strings(p.gr_mem) }
    }
}

/// `getgrnam_r(3)`
pub fn group_by_name(name: &CStr) -> Result<Option<Group>, i32> {
    // SAFETY: `look_up` passes valid memory.
    look_up(|e, b, n, r| unsafe { libc::getgrnam_r(name.as_ptr(), e, b, n, r) }, |p| unsafe { group(p) })
}

/// `getgrgid_r(3)`
pub fn group_by_id(id: u32) -> Result<Option<Group>, i32> {
    // SAFETY: `look_up` passes valid memory.
    look_up(|e, b, n, r| unsafe { libc::getgrgid_r(id, e, b, n, r) }, |p| unsafe { group(p) })
}

/// All groups.
pub fn groups() -> Vec<Group> {
    // SAFETY: the three functions belong together.
    unsafe { rows(libc::setgrent, libc::getgrent, libc::endgrent, group) }
}

/// `getgrouplist(3)`
pub fn groups_of(name: &CStr, group: u32) -> Result<Vec<u32>, i32> {
    let mut n = 64;
    loop {
        let mut all = vec![0; n as usize];
        let room = n;
        // SAFETY: room for `n` numbers.
        if unsafe { libc::getgrouplist(name.as_ptr(), group, all.as_mut_ptr(), &mut n) } >= 0 {
            all.truncate(n as usize);
            return Ok(all);
        }
        if n <= room {
            n = room * 2;
        }
        if n > 1 << 17 {
            return Err(errno());
        }
    }
}

/// `initgroups(3)`
pub fn init_groups(name: &CStr, group: u32) -> Result<i32, i32> {
    // SAFETY: a terminated string.
    check(unsafe { libc::initgroups(name.as_ptr(), group) })
}

/// A terminated copy, unless there is a zero byte inside.
pub fn terminated(text: &[u8]) -> Option<CString> {
    CString::new(text).ok()
}

/// What is known of a host.
pub struct Host {
    /// Its proper name.
    pub name: Vec<u8>,
    /// Other names.
    pub aliases: Vec<Vec<u8>>,
    /// Its addresses: four or sixteen bytes each.
    pub addresses: Vec<Vec<u8>>,
}

unsafe extern "C" {
    fn gethostbyname_r(
        name: *const libc::c_char,
        entry: *mut libc::hostent,
        buffer: *mut libc::c_char,
        size: usize,
        result: *mut *mut libc::hostent,
        error: *mut i32,
    ) -> i32;
    fn gethostbyaddr_r(
        address: *const libc::c_void,
        len: libc::socklen_t,
        family: i32,
        entry: *mut libc::hostent,
        buffer: *mut libc::c_char,
        size: usize,
        result: *mut *mut libc::hostent,
        error: *mut i32,
    ) -> i32;
    fn hstrerror(code: i32) -> *const libc::c_char;
}

unsafe fn host(p: *const libc::hostent) -> Host {
    // SAFETY: the caller passes a filled structure.
    unsafe {
        let h = &*p;
        let mut addresses = Vec::new();
        let mut a = h.h_addr_list;
        while !(*a).is_null() {
            addresses.push(std::slice::from_raw_parts((*a).cast::<u8>(), h.h_length as usize).to_vec());
            a = a.add(1);
        }
        Host { name: bytes(h.h_name), aliases: strings(h.h_aliases), addresses }
    }
}

/// `gethostbyname(3)`; the code of `hstrerror(3)` on failure.
pub fn host_by_name(name: &CStr) -> Result<Host, i32> {
    let code = std::cell::Cell::new(0);
    // SAFETY: `look_up` passes valid memory.
    let found = look_up(
        |e, b, n, r| unsafe { gethostbyname_r(name.as_ptr(), e, b, n, r, code.as_ptr()) },
        |p| unsafe { host(p) },
    );
    found.ok().flatten().ok_or(code.get())
}

/// `gethostbyaddr(3)` of four or sixteen bytes; the code of `hstrerror(3)` on failure.
pub fn host_by_address(address: &[u8]) -> Result<Host, i32> {
    let family = if address.len() == 4 { libc::AF_INET } else { libc::AF_INET6 };
    let (p, len) = (address.as_ptr().cast(), address.len() as libc::socklen_t);
    let code = std::cell::Cell::new(0);
    // SAFETY: `look_up` passes valid memory; pointer and length describe the address.
    let found = look_up(
        |e, b, n, r| unsafe { gethostbyaddr_r(p, len, family, e, b, n, r, code.as_ptr()) },
        |p| unsafe { host(p) },
    );
    found.ok().flatten().ok_or(code.get())
}

/// `hstrerror(3)`
pub fn host_error_text(code: i32) -> String {
    // SAFETY: the result is a terminated string that is never freed.
    unsafe { String::from_utf8_lossy(&bytes(hstrerror(code))).into_owned() }
}
