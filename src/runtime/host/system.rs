//! Calls about processes, scheduling, timers, extended attributes and terminals that few programs make: thin functions
//! with error numbers as errors.

use super::{calls, check, check_size, errno};
use std::ffi::CStr;

calls! {
    /// `setreuid(2)`
    fn setreuid(real: u32, effective: u32);
    /// `setregid(2)`
    fn setregid(real: u32, effective: u32);
    /// `setresuid(2)`
    fn setresuid(real: u32, effective: u32, saved: u32);
    /// `setresgid(2)`
    fn setresgid(real: u32, effective: u32, saved: u32);
    /// `sched_getscheduler(2)`
    fn sched_getscheduler(pid: i32);
    /// `unshare(2)`
    fn unshare(flags: i32);
    /// `setns(2)`
    fn setns(fd: i32, kind: i32);
    /// `grantpt(3)`
    fn grantpt(fd: i32);
    /// `unlockpt(3)`
    fn unlockpt(fd: i32);
    /// `posix_openpt(3)`
    fn posix_openpt(flags: i32);
    /// `login_tty(3)`
    fn login_tty(fd: i32);
    /// `timerfd_create(2)`
    fn timerfd_create(clock: i32, flags: i32);
    /// `tcdrain(3)`
    fn tcdrain(fd: i32);
    /// `tcflow(3)`
    fn tcflow(fd: i32, action: i32);
    /// `tcflush(3)`
    fn tcflush(fd: i32, queue: i32);
    /// `tcsendbreak(3)`
    fn tcsendbreak(fd: i32, duration: i32);
    /// `shm_open(3)`
    fn shm_open(name: &CStr, flags: i32, mode: u32);
    /// `shm_unlink(3)`
    fn shm_unlink(name: &CStr);
    /// `sem_unlink(3)`
    fn sem_unlink(name: &CStr);
}

/// `sync(2)`
pub fn sync() {
    // SAFETY: no preconditions.
    unsafe { libc::sync() }
}

/// `getresuid(2)`: real, effective and saved user.
pub fn users() -> Result<[u32; 3], i32> {
    let [mut a, mut b, mut c] = [0; 3];
    // SAFETY: the outputs are valid.
    check(unsafe { libc::getresuid(&mut a, &mut b, &mut c) })?;
    Ok([a, b, c])
}

/// `getresgid(2)`: real, effective and saved group.
pub fn groups() -> Result<[u32; 3], i32> {
    let [mut a, mut b, mut c] = [0; 3];
    // SAFETY: the outputs are valid.
    check(unsafe { libc::getresgid(&mut a, &mut b, &mut c) })?;
    Ok([a, b, c])
}

/// `setgroups(2)`
pub fn set_groups(all: &[u32]) -> Result<i32, i32> {
    // SAFETY: pointer and length describe the slice.
    check(unsafe { libc::setgroups(all.len(), all.as_ptr()) })
}

/// `getpriority(2)`
pub fn priority(which: i32, who: u32) -> Result<i32, i32> {
    // SAFETY: errno is this thread's own.
    unsafe {
        *libc::__errno_location() = 0;
        let n = libc::getpriority(which as _, who);
        if n == -1 && errno() != 0 { Err(errno()) } else { Ok(n) }
    }
}

/// `setpriority(2)`
pub fn set_priority(which: i32, who: u32, to: i32) -> Result<i32, i32> {
    // SAFETY: no preconditions.
    check(unsafe { libc::setpriority(which as _, who, to) })
}

/// `sched_setscheduler(2)`; without a policy, `sched_setparam(2)`.
pub fn set_scheduler(pid: i32, policy: Option<i32>, priority: i32) -> Result<i32, i32> {
    // SAFETY: the structure lives during the call.
    unsafe {
        let mut p: libc::sched_param = std::mem::zeroed();
        p.sched_priority = priority;
        check(match policy {
            Some(policy) => libc::sched_setscheduler(pid, policy, &p),
            None => libc::sched_setparam(pid, &p),
        })
    }
}

/// `sched_getparam(2)`: the priority.
pub fn scheduler_priority(pid: i32) -> Result<i32, i32> {
    // SAFETY: the output is valid.
    unsafe {
        let mut p: libc::sched_param = std::mem::zeroed();
        check(libc::sched_getparam(pid, &mut p))?;
        Ok(p.sched_priority)
    }
}

/// `sched_rr_get_interval(2)` in nanoseconds.
pub fn scheduler_interval(pid: i32) -> Result<i64, i32> {
    // SAFETY: the output is valid.
    unsafe {
        let mut t: libc::timespec = std::mem::zeroed();
        check(libc::sched_rr_get_interval(pid, &mut t))?;
        Ok(t.tv_sec * 1_000_000_000 + t.tv_nsec)
    }
}

/// `sched_setaffinity(2)`
pub fn set_affinity(pid: i32, processors: &[usize]) -> Result<i32, i32> {
    // SAFETY: the set is plain bits of its own size; numbers beyond it are left out.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for &n in processors.iter().filter(|&&n| n < libc::CPU_SETSIZE as usize) {
            libc::CPU_SET(n, &mut set);
        }
        check(libc::sched_setaffinity(pid, size_of::<libc::cpu_set_t>(), &set))
    }
}

/// `pidfd_open(2)`
pub fn pidfd_open(pid: i32, flags: u32) -> Result<i32, i32> {
    // SAFETY: no preconditions.
    check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) } as i32)
}

/// What `waitid(2)` tells: process, user, signal, status, code. `None` when no child has changed.
pub fn waitid(kind: u32, id: u32, options: i32) -> Result<Option<[i32; 5]>, i32> {
    // SAFETY: the output is valid; the fields belong to SIGCHLD, which is what the call fills in.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        check(libc::waitid(kind as _, id, &mut info, options))?;
        let pid = info.si_pid();
        Ok((pid != 0).then(|| [pid, info.si_uid() as i32, info.si_signo, info.si_status(), info.si_code]))
    }
}

/// `readv(2)`, or `preadv2(2)` with a position and flags.
pub fn read_pieces(fd: i32, pieces: &mut [Vec<u8>], at: Option<(i64, i32)>) -> Result<usize, i32> {
    let parts: Vec<libc::iovec> =
        pieces.iter_mut().map(|p| libc::iovec { iov_base: p.as_mut_ptr().cast(), iov_len: p.len() }).collect();
    let n = parts.len() as i32;
    // SAFETY: pointers and lengths describe the pieces.
    check_size(unsafe {
        match at {
            None => libc::readv(fd, parts.as_ptr(), n),
            Some((offset, flags)) => libc::preadv2(fd, parts.as_ptr(), n, offset, flags),
        }
    })
}

/// `writev(2)`, or `pwritev2(2)` with a position and flags.
pub fn write_pieces(fd: i32, pieces: &[Vec<u8>], at: Option<(i64, i32)>) -> Result<usize, i32> {
    let parts: Vec<libc::iovec> =
        pieces.iter().map(|p| libc::iovec { iov_base: p.as_ptr() as *mut _, iov_len: p.len() }).collect();
    let n = parts.len() as i32;
    // SAFETY: pointers and lengths describe the pieces.
    check_size(unsafe {
        match at {
            None => libc::writev(fd, parts.as_ptr(), n),
            Some((offset, flags)) => libc::pwritev2(fd, parts.as_ptr(), n, offset, flags),
        }
    })
}

/// `splice(2)`
pub fn splice(from: i32, to: i32, count: usize, at: [Option<i64>; 2], flags: u32) -> Result<usize, i32> {
    let [mut a, mut b] = at;
    let pointer = |o: &mut Option<i64>| o.as_mut().map_or(std::ptr::null_mut(), |o| o as *mut i64);
    // SAFETY: the offsets live during the call.
    check_size(unsafe { libc::splice(from, pointer(&mut a), to, pointer(&mut b), count, flags) })
}

/// Where extended attributes are looked for.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// An open file.
    Descriptor(i32),
    /// A path, with the last link followed or not.
    Path(&'a CStr, bool),
}

/// `getxattr(2)` and its kin.
pub fn attribute(place: Place<'_>, name: &CStr) -> Result<Vec<u8>, i32> {
    grow(|p, n| {
        // SAFETY: pointer and length describe the buffer; strings are terminated.
        unsafe {
            match place {
                Place::Descriptor(fd) => libc::fgetxattr(fd, name.as_ptr(), p.cast(), n),
                Place::Path(path, true) => libc::getxattr(path.as_ptr(), name.as_ptr(), p.cast(), n),
                Place::Path(path, false) => libc::lgetxattr(path.as_ptr(), name.as_ptr(), p.cast(), n),
            }
        }
    })
}

/// `listxattr(2)` and its kin: names, each with a final zero.
pub fn attributes(place: Place<'_>) -> Result<Vec<u8>, i32> {
    grow(|p, n| {
        // SAFETY: as above.
        unsafe {
            match place {
                Place::Descriptor(fd) => libc::flistxattr(fd, p.cast(), n),
                Place::Path(path, true) => libc::listxattr(path.as_ptr(), p.cast(), n),
                Place::Path(path, false) => libc::llistxattr(path.as_ptr(), p.cast(), n),
            }
        }
    })
}

/// `setxattr(2)` and its kin.
pub fn set_attribute(place: Place<'_>, name: &CStr, value: &[u8], flags: i32) -> Result<i32, i32> {
    let (name, p, n) = (name.as_ptr(), value.as_ptr().cast(), value.len());
    // SAFETY: as above.
    check(unsafe {
        match place {
            Place::Descriptor(fd) => libc::fsetxattr(fd, name, p, n, flags),
            Place::Path(path, true) => libc::setxattr(path.as_ptr(), name, p, n, flags),
            Place::Path(path, false) => libc::lsetxattr(path.as_ptr(), name, p, n, flags),
        }
    })
}

/// `removexattr(2)` and its kin.
pub fn remove_attribute(place: Place<'_>, name: &CStr) -> Result<i32, i32> {
    // SAFETY: as above.
    check(unsafe {
        match place {
            Place::Descriptor(fd) => libc::fremovexattr(fd, name.as_ptr()),
            Place::Path(path, true) => libc::removexattr(path.as_ptr(), name.as_ptr()),
            Place::Path(path, false) => libc::lremovexattr(path.as_ptr(), name.as_ptr()),
        }
    })
}

/// Calls with larger buffers until the answer fits.
fn grow(call: impl Fn(*mut u8, usize) -> isize) -> Result<Vec<u8>, i32> {
    for size in [256, 65536] {
        let mut buffer = vec![0u8; size];
        match check_size(call(buffer.as_mut_ptr(), size)) {
            Ok(n) => {
                buffer.truncate(n);
                return Ok(buffer);
            }
            Err(libc::ERANGE) if size < 65536 => {}
            Err(e) => return Err(e),
        }
    }
    Err(libc::ERANGE)
}

/// `confstr(3)`; `None` when the value is not defined.
pub fn confstr(name: i32) -> Result<Option<Vec<u8>>, i32> {
    // SAFETY: pointer and length describe the buffer.
    unsafe {
        *libc::__errno_location() = 0;
        let n = libc::confstr(name, std::ptr::null_mut(), 0);
        if n == 0 {
            return if errno() == 0 { Ok(None) } else { Err(errno()) };
        }
        let mut buffer = vec![0u8; n];
        libc::confstr(name, buffer.as_mut_ptr().cast(), n);
        buffer.truncate(n - 1);
        Ok(Some(buffer))
    }
}

/// `pathconf(3)` of a path, or `fpathconf(3)` of a descriptor; -1 when there is no limit.
pub fn path_limit(path: Result<&CStr, i32>, name: i32) -> Result<i64, i32> {
    // SAFETY: errno is this thread's own.
    unsafe {
        *libc::__errno_location() = 0;
        let n = match path {
            Ok(p) => libc::pathconf(p.as_ptr(), name),
            Err(fd) => libc::fpathconf(fd, name),
        };
        if n == -1 && errno() != 0 { Err(errno()) } else { Ok(n) }
    }
}

/// `ptsname_r(3)`
pub fn terminal_name(fd: i32) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0u8; 256];
    // SAFETY: pointer and length describe the buffer.
    match unsafe { libc::ptsname_r(fd, buffer.as_mut_ptr().cast(), buffer.len()) } {
        0 => {
            let end = buffer.iter().position(|&b| b == 0).unwrap_or(0);
            buffer.truncate(end);
            Ok(buffer)
        }
        e => Err(e),
    }
}

/// `forkpty(3)`: the child's number (0 in the child) and the terminal's descriptor.
pub fn fork_terminal() -> Result<(i32, i32), i32> {
    let mut fd = -1;
    // SAFETY: the output is valid; the child goes on with this thread alone, as the callers arrange.
    let pid = check(unsafe { libc::forkpty(&mut fd, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) })?;
    Ok((pid, fd))
}

/// `timerfd_settime(2)` in nanoseconds: first and interval; gives the old ones.
pub fn set_timer(fd: i32, flags: i32, times: [i64; 2]) -> Result<[i64; 2], i32> {
    let spec = |n: i64| libc::timespec { tv_sec: n / 1_000_000_000, tv_nsec: n % 1_000_000_000 };
    let new = libc::itimerspec { it_value: spec(times[0]), it_interval: spec(times[1]) };
    // SAFETY: both structures live during the call.
    unsafe {
        let mut old: libc::itimerspec = std::mem::zeroed();
        check(libc::timerfd_settime(fd, flags, &new, &mut old))?;
        Ok(nanos(&old))
    }
}

/// `timerfd_gettime(2)` in nanoseconds: next and interval.
pub fn timer(fd: i32) -> Result<[i64; 2], i32> {
    // SAFETY: the output is valid.
    unsafe {
        let mut now: libc::itimerspec = std::mem::zeroed();
        check(libc::timerfd_gettime(fd, &mut now))?;
        Ok(nanos(&now))
    }
}

fn nanos(t: &libc::itimerspec) -> [i64; 2] {
    [t.it_value, t.it_interval].map(|t| t.tv_sec * 1_000_000_000 + t.tv_nsec)
}

/// Modes of a terminal: input, output, control and local flags, both speeds, control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Input, output, control, local.
    pub flags: [u32; 4],
    /// Of input and output.
    pub speeds: [u32; 2],
    /// Control characters by index.
    pub characters: [u8; libc::NCCS],
}

/// `tcgetattr(3)`
pub fn terminal(fd: i32) -> Result<Terminal, i32> {
    // SAFETY: the output is valid.
    unsafe {
        let mut t: libc::termios = std::mem::zeroed();
        check(libc::tcgetattr(fd, &mut t))?;
        Ok(Terminal {
            flags: [t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag],
            speeds: [libc::cfgetispeed(&t), libc::cfgetospeed(&t)],
            characters: t.c_cc,
        })
    }
}

/// `tcsetattr(3)`
pub fn set_terminal(fd: i32, when: i32, to: &Terminal) -> Result<i32, i32> {
    // SAFETY: the structure is read first, so that what is not set here stays.
    unsafe {
        let mut t: libc::termios = std::mem::zeroed();
        check(libc::tcgetattr(fd, &mut t))?;
        [t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag] = to.flags;
        t.c_cc = to.characters;
        check(libc::cfsetispeed(&mut t, to.speeds[0]))?;
        check(libc::cfsetospeed(&mut t, to.speeds[1]))?;
        check(libc::tcsetattr(fd, when, &t))
    }
}

/// Rows and columns of a terminal.
pub fn terminal_size(fd: i32) -> Result<[u16; 2], i32> {
    // SAFETY: the output is valid.
    unsafe {
        let mut w: libc::winsize = std::mem::zeroed();
        check(libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut w))?;
        Ok([w.ws_row, w.ws_col])
    }
}

/// Sets rows and columns of a terminal.
pub fn set_terminal_size(fd: i32, [rows, columns]: [u16; 2]) -> Result<i32, i32> {
    // SAFETY: the structure is read first, so that what is not set here stays.
    unsafe {
        let mut w: libc::winsize = std::mem::zeroed();
        check(libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut w))?;
        (w.ws_row, w.ws_col) = (rows, columns);
        check(libc::ioctl(fd, libc::TIOCSWINSZ, &raw const w))
    }
}

/// A named semaphore of the system (`sem_overview(7)`), shared with other processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Semaphore(usize);

impl Semaphore {
    fn raw(self) -> *mut libc::sem_t {
        self.0 as *mut libc::sem_t
    }

    /// `sem_open(3)`: makes a new one with a value, or opens one that exists.
    pub fn open(name: &CStr, value: Option<u32>) -> Result<Semaphore, i32> {
        // SAFETY: a terminated name.
        let p = unsafe {
            match value {
                Some(v) => libc::sem_open(name.as_ptr(), libc::O_CREAT | libc::O_EXCL, 0o600 as libc::c_uint, v),
                None => libc::sem_open(name.as_ptr(), 0),
            }
        };
        if p == libc::SEM_FAILED { Err(errno()) } else { Ok(Semaphore(p as usize)) }
    }

    /// The number that stands for it in this process and its forks.
    pub fn number(self) -> usize {
        self.0
    }

    /// Takes one; `None` waits for ever, otherwise until this moment of the real-time clock, in nanoseconds.
    pub fn wait(self, until: Option<i64>) -> Result<i32, i32> {
        // SAFETY: the semaphore is open.
        check(unsafe {
            match until {
                None => libc::sem_wait(self.raw()),
                Some(n) => {
                    let t = libc::timespec { tv_sec: n / 1_000_000_000, tv_nsec: n % 1_000_000_000 };
                    libc::sem_timedwait(self.raw(), &t)
                }
            }
        })
    }

    /// Takes one if that is possible at once.
    pub fn try_wait(self) -> Result<i32, i32> {
        // SAFETY: the semaphore is open.
        check(unsafe { libc::sem_trywait(self.raw()) })
    }

    /// Gives one.
    pub fn post(self) -> Result<i32, i32> {
        // SAFETY: the semaphore is open.
        check(unsafe { libc::sem_post(self.raw()) })
    }

    /// How many there are.
    pub fn value(self) -> Result<i32, i32> {
        let mut n = 0;
        // SAFETY: the semaphore is open, the output valid.
        check(unsafe { libc::sem_getvalue(self.raw(), &mut n) })?;
        Ok(n)
    }

    /// Closes it in this process.
    pub fn close(self) {
        // SAFETY: the semaphore is open and not used after this.
        unsafe { libc::sem_close(self.raw()) };
    }
}

/// `openlog(3)`: the name is kept as long as the log may need it.
pub fn openlog(ident: Option<std::ffi::CString>, option: i32, facility: i32) {
    static IDENT: parking_lot::Mutex<Option<std::ffi::CString>> = parking_lot::Mutex::new(None);
    let mut kept = IDENT.lock();
    // SAFETY: the name lives in the static until the next call has replaced it.
    unsafe { libc::openlog(ident.as_ref().map_or(std::ptr::null(), |i| i.as_ptr()), option, facility) };
    *kept = ident;
}

/// `closelog(3)`
pub fn closelog() {
    // SAFETY: no preconditions.
    unsafe { libc::closelog() }
}

/// `setlogmask(3)`: the mask before.
pub fn setlogmask(mask: i32) -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::setlogmask(mask) }
}

/// `syslog(3)` of a line as it is.
pub fn syslog(priority: i32, line: &CStr) {
    // SAFETY: both strings are terminated; the format takes one string.
    unsafe { libc::syslog(priority, c"%s".as_ptr(), line.as_ptr()) }
}
