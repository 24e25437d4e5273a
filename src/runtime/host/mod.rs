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

/// The standard descriptors that were closed when the process began, a bit each.
static CLOSED_AT_START: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Runs before Rust's own start, which puts `/dev/null` on closed standard descriptors.
extern "C" fn note_closed() {
    let closed = (0..3).filter(|&fd| !is_open(fd)).fold(0, |bits, fd| bits | 1 << fd);
    CLOSED_AT_START.store(closed, std::sync::atomic::Ordering::Relaxed);
}

#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
static NOTE_CLOSED: extern "C" fn() = note_closed;

/// Closes the standard descriptors again that were closed when the process began: a Python program sees them so.
pub fn restore_closed() {
    let closed = CLOSED_AT_START.swap(0, std::sync::atomic::Ordering::Relaxed);
    for fd in (0..3).filter(|fd| closed & 1 << fd != 0) {
        // SAFETY: the descriptor is the stand-in of Rust's start, which nothing else refers to.
        unsafe { libc::close(fd) };
    }
}

/// Whether a descriptor is open.
pub fn is_open(fd: i32) -> bool {
    // SAFETY: no preconditions.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

pub mod deadly;
pub mod files;
pub mod library;
pub mod locale;
pub mod memory;
pub mod names;
pub mod poll;
pub mod process;
pub mod sockets;
pub mod spawn;
pub mod system;
pub mod threads;
pub mod timing;

/// The error number of the last failed call of this thread.
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// The result of a call that gives -1 on failure.
pub(crate) fn check(n: i32) -> Result<i32, i32> {
    if n == -1 { Err(errno()) } else { Ok(n) }
}

/// The result of a call that gives a size, or -1 on failure.
pub(crate) fn check_size(n: isize) -> Result<usize, i32> {
    if n < 0 { Err(errno()) } else { Ok(n as usize) }
}

/// What may be passed to a C function as it is.
pub(crate) trait CArg {
    /// The C type.
    type C;
    /// The C value.
    fn c(self) -> Self::C;
}
macro_rules! plain_args { ($($t:ty),*) => { $( impl CArg for $t { type C = $t; fn c(self) -> $t { self } } )* } }
plain_args!(i32, u32, i64, u64, usize);
impl CArg for &std::ffi::CStr {
    type C = *const libc::c_char;
    fn c(self) -> Self::C {
        self.as_ptr()
    }
}

/// Declares thin functions over calls that take numbers and C strings and give -1 on failure.
macro_rules! calls {
    ($( $(#[$doc:meta])* fn $name:ident($($a:ident: $t:ty),* $(,)?); )*) => {
        $(
            $(#[$doc])*
            ///
            /// The error number on failure.
            pub fn $name($($a: $t),*) -> Result<i32, i32> {
                // SAFETY: the call takes only numbers and terminated strings, which live while it runs.
                crate::host::check(unsafe { libc::$name($(crate::host::CArg::c($a)),*) } as i32)
            }
        )*
    };
}
pub(crate) use calls;
