//! Processes, users and the machine: thin functions over the C library's calls, with error numbers as errors.

use super::{calls, check, errno};
use std::ffi::{CStr, CString};

calls! {
    /// `kill(2)`
    fn kill(pid: i32, signal: i32);
    /// `killpg(2)`
    fn killpg(group: i32, signal: i32);
    /// `raise(3)`
    fn raise(signal: i32);
    /// `getpid(2)`
    fn getpid();
    /// `getppid(2)`
    fn getppid();
    /// `getuid(2)`
    fn getuid();
    /// `geteuid(2)`
    fn geteuid();
    /// `getgid(2)`
    fn getgid();
    /// `getegid(2)`
    fn getegid();
    /// `getpgrp(2)`
    fn getpgrp();
    /// `getpgid(2)`
    fn getpgid(pid: i32);
    /// `getsid(2)`
    fn getsid(pid: i32);
    /// `setsid(2)`
    fn setsid();
    /// `setpgid(2)`
    fn setpgid(pid: i32, group: i32);
    /// `setuid(2)`
    fn setuid(id: u32);
    /// `seteuid(2)`
    fn seteuid(id: u32);
    /// `setgid(2)`
    fn setgid(id: u32);
    /// `setegid(2)`
    fn setegid(id: u32);
    /// `umask(2)`
    fn umask(mask: u32);
    /// `sched_yield(2)`
    fn sched_yield();
    /// `tcgetpgrp(3)`
    fn tcgetpgrp(fd: i32);
    /// `tcsetpgrp(3)`
    fn tcsetpgrp(fd: i32, group: i32);
    /// `sched_get_priority_max(2)`
    fn sched_get_priority_max(policy: i32);
    /// `sched_get_priority_min(2)`
    fn sched_get_priority_min(policy: i32);
    /// `system(3)`
    fn system(command: &CStr);
    /// `unsetenv(3)`
    fn unsetenv(name: &CStr);
    /// `setenv(3)`
    fn setenv(name: &CStr, value: &CStr, replace: i32);
    /// `memfd_create(2)`
    fn memfd_create(name: &CStr, flags: u32);
    /// `eventfd(2)`
    fn eventfd(value: u32, flags: i32);
}

/// Begins the environment's item that processes hand on to their children and do not show to programs: with it a tool
/// finds the other Taipan processes that a program starts.
const HANDED_ON: &CStr = c"TAIPAN_FOLLOW=";

/// What was handed on to this process.
pub fn handed_on() -> Option<String> {
    std::env::var("TAIPAN_FOLLOW").ok().filter(|v| !v.is_empty())
}

/// Hands `value` on to processes that are started from now on; call it while no other thread runs.
pub fn hand_on(value: &str) {
    if let Ok(value) = CString::new(value) {
        let _ = setenv(c"TAIPAN_FOLLOW", &value, 1);
    }
}

/// An environment for another process, with what is handed on.
pub fn with_handed_on(mut environment: Vec<CString>) -> Vec<CString> {
    let item = handed_on().and_then(|value| CString::new([HANDED_ON.to_bytes(), value.as_bytes()].concat()).ok());
    environment.extend(item);
    environment
}

/// Whether a program can be started in place of this one.
pub fn may_execute(path: &CStr) -> bool {
    // SAFETY: a terminated path.
    unsafe { libc::access(path.as_ptr(), libc::X_OK) == 0 }
}

/// The environment of the process, `name=value` each.
pub fn environ() -> Vec<Vec<u8>> {
    unsafe extern "C" {
        static environ: *const *const libc::c_char;
    }
    let mut out = Vec::new();
    // SAFETY: a null-terminated array of terminated strings; the GIL keeps others from changing it.
    unsafe {
        let mut p = environ;
        while !p.is_null() && !(*p).is_null() {
            let item = CStr::from_ptr(*p).to_bytes();
            if !item.starts_with(HANDED_ON.to_bytes()) {
                out.push(item.to_vec());
            }
            p = p.add(1);
        }
    }
    out
}

/// `fork(2)`; 0 in the child. The caller holds the GIL.
pub fn fork() -> Result<i32, i32> {
    // SAFETY: the child goes on with this thread alone, as the callers arrange.
    check(unsafe { libc::fork() })
}

/// `_exit(2)`
pub fn exit_now(status: i32) -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(status) }
}

/// `abort(3)`
pub fn abort() -> ! {
    std::process::abort()
}

/// `wait4(2)`: process and status, and its resources.
pub fn wait4(pid: i32, options: i32) -> Result<(i32, i32, libc::rusage), i32> {
    let mut status = 0;
    // SAFETY: both outputs are valid.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let pid = check(libc::wait4(pid, &mut status, options, &mut usage))?;
        Ok((pid, status, usage))
    }
}

/// `getrusage(2)`
pub fn rusage(who: i32) -> Result<libc::rusage, i32> {
    // SAFETY: the output is valid.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        check(libc::getrusage(who as _, &mut usage))?;
        Ok(usage)
    }
}

/// `execve(2)`; returns only on failure.
pub fn exec(path: &CStr, args: &[CString], env: Option<&[CString]>) -> i32 {
    let pointers = |all: &[CString]| -> Vec<*const libc::c_char> {
        all.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let args = pointers(args);
    // SAFETY: null-terminated arrays of terminated strings.
    unsafe {
        match env {
            Some(env) => libc::execve(path.as_ptr(), args.as_ptr(), pointers(env).as_ptr()),
            None => libc::execv(path.as_ptr(), args.as_ptr()),
        };
    }
    errno()
}

/// `uname(2)`: system, node, release, version, machine.
pub fn uname() -> [String; 5] {
    // SAFETY: the structure holds terminated strings after the call.
    unsafe {
        let mut u: libc::utsname = std::mem::zeroed();
        libc::uname(&mut u);
        [&u.sysname, &u.nodename, &u.release, &u.version, &u.machine]
            .map(|s| CStr::from_ptr(s.as_ptr()).to_string_lossy().into_owned())
    }
}

/// `times(2)`: clock ticks of user, system, children's user, children's system; and since some start.
pub fn times() -> [i64; 5] {
    // SAFETY: the output is valid.
    unsafe {
        let mut t: libc::tms = std::mem::zeroed();
        let elapsed = libc::times(&mut t);
        [t.tms_utime, t.tms_stime, t.tms_cutime, t.tms_cstime, elapsed]
    }
}

/// `sysconf(3)`
pub fn sysconf(name: i32) -> Result<i64, i32> {
    // SAFETY: errno is this thread's own.
    unsafe {
        *libc::__errno_location() = 0;
        let n = libc::sysconf(name);
        if n == -1 && errno() != 0 { Err(errno()) } else { Ok(n) }
    }
}

/// `getgroups(2)`
pub fn groups() -> Result<Vec<u32>, i32> {
    let mut all = vec![0; 65536];
    // SAFETY: pointer and length describe the vector.
    let n = check(unsafe { libc::getgroups(all.len() as i32, all.as_mut_ptr()) })?;
    all.truncate(n as usize);
    Ok(all)
}

/// `getloadavg(3)`
pub fn load_average() -> Option<[f64; 3]> {
    let mut all = [0.0; 3];
    // SAFETY: three numbers fit.
    (unsafe { libc::getloadavg(all.as_mut_ptr(), 3) } == 3).then_some(all)
}

/// Processors this process may run on.
pub fn affinity(pid: i32) -> Result<Vec<usize>, i32> {
    // SAFETY: the set is plain bits of its own size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        check(libc::sched_getaffinity(pid, size_of::<libc::cpu_set_t>(), &mut set))?;
        Ok((0..libc::CPU_SETSIZE as usize).filter(|&i| libc::CPU_ISSET(i, &set)).collect())
    }
}

/// `getlogin_r(3)`
pub fn login() -> Result<Vec<u8>, i32> {
    unsafe extern "C" {
        fn getlogin_r(name: *mut libc::c_char, size: usize) -> i32;
    }
    let mut buffer = vec![0u8; 256];
    // SAFETY: pointer and length describe the buffer.
    match unsafe { getlogin_r(buffer.as_mut_ptr().cast(), buffer.len()) } {
        0 => {
            let end = buffer.iter().position(|&b| b == 0).unwrap_or(0);
            buffer.truncate(end);
            Ok(buffer)
        }
        e => Err(e),
    }
}

/// `nice(2)`
pub fn nice(by: i32) -> Result<i32, i32> {
    // SAFETY: errno is this thread's own.
    unsafe {
        *libc::__errno_location() = 0;
        let n = libc::nice(by);
        if n == -1 && errno() != 0 { Err(errno()) } else { Ok(n) }
    }
}

/// `getrlimit(2)`: soft and hard limit.
pub fn rlimit(which: i32) -> Result<(u64, u64), i32> {
    let mut l = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the output is valid.
    check(unsafe { libc::getrlimit(which as _, &mut l) })?;
    Ok((l.rlim_cur, l.rlim_max))
}

/// `setrlimit(2)`
pub fn set_rlimit(which: i32, soft: u64, hard: u64) -> Result<(), i32> {
    let l = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the input is valid.
    check(unsafe { libc::setrlimit(which as _, &l) }).map(|_| ())
}
