//! The only door to the operating system for Python programs.
//!
//! Everything non-deterministic that reaches a program (clocks, entropy, environment, files, sockets, thread switches)
//! goes through here, so that record and replay have one place to stand.

/// Fills the bytes with entropy of the operating system.
pub fn entropy(bytes: &mut [u8]) {
    let mut done = 0;
    while done < bytes.len() {
        // SAFETY: the pointer and length describe the rest of the slice.
        let n = unsafe { libc::getrandom(bytes[done..].as_mut_ptr().cast(), bytes.len() - done, 0) };
        if n <= 0 {
            break;
        }
        done += n as usize;
    }
}

/// Text of an error number, in the C library's words.
pub fn strerror(errno: i32) -> String {
    let mut buf = [0u8; 256];
    // SAFETY: the buffer is writable for its length; strerror_r (the XSI form of libc's binding) writes a C string.
    unsafe {
        if libc::strerror_r(errno, buf.as_mut_ptr().cast(), buf.len()) != 0 {
            return format!("Unknown error {errno}");
        }
    }
    let end = buf.iter().position(|&b| b == 0).unwrap_or(buf.len());
    String::from_utf8_lossy(&buf[..end]).into_owned()
}

/// Writes to the process's standard error, for messages that must not depend on `sys.stderr`.
pub fn stderr(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// An environment variable of the process at its start.
pub fn env(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// A clock of the operating system, in nanoseconds; the errno on failure.
pub fn clock(id: libc::clockid_t) -> Result<i64, i32> {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid.
    if unsafe { libc::clock_gettime(id, &mut t) } != 0 {
        return Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
    }
    Ok(t.tv_sec * 1_000_000_000 + t.tv_nsec)
}

/// Whether a descriptor is a terminal.
pub fn is_terminal(fd: i32) -> bool {
    // SAFETY: no preconditions.
    unsafe { libc::isatty(fd) == 1 }
}

/// Writes all bytes to a descriptor; the errno on failure.
pub fn write_all(fd: i32, mut data: &[u8]) -> Result<(), i32> {
    while !data.is_empty() {
        // SAFETY: the pointer and length describe the slice.
        let n = unsafe { libc::write(fd, data.as_ptr().cast(), data.len()) };
        if n < 0 {
            match std::io::Error::last_os_error().raw_os_error().unwrap_or(0) {
                libc::EINTR => continue,
                e => return Err(e),
            }
        }
        data = &data[n as usize..];
    }
    Ok(())
}

/// Whether a descriptor is open.
pub fn is_open(fd: i32) -> bool {
    // SAFETY: no preconditions.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}
