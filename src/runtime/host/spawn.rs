//! Starting programs: what happens between `fork` and `exec`. Only calls that are safe after a fork of a process with
//! threads are made in the child; everything is prepared before.

use super::{check, errno};
use std::ffi::CString;

/// How a program is to be started (`_posixsubprocess.fork_exec`). Descriptors are -1 where nothing is to be done.
pub struct Spawn {
    /// Programs to try, in order.
    pub programs: Vec<CString>,
    /// Its arguments.
    pub args: Vec<CString>,
    /// Its environment; `None`: that of this process.
    pub env: Option<Vec<CString>>,
    /// Where to start.
    pub directory: Option<CString>,
    /// Close all descriptors but the first three and those of `keep`.
    pub close: bool,
    /// Descriptors the program inherits, in ascending order.
    pub keep: Vec<i32>,
    /// Standard input: reading end, and the parent's writing end.
    pub input: [i32; 2],
    /// Standard output: the parent's reading end, and the writing end.
    pub output: [i32; 2],
    /// Standard error, likewise.
    pub error: [i32; 2],
    /// The pipe on which a failure is told.
    pub report: [i32; 2],
    /// Set signals that Python ignores back to their defaults.
    pub restore_signals: bool,
    /// Begin a session.
    pub session: bool,
    /// Enter a process group; -1: stay.
    pub group: i32,
    /// Group, further groups, user, mask of file modes.
    pub gid: Option<u32>,
    /// See `gid`.
    pub groups: Option<Vec<u32>>,
    /// See `gid`.
    pub uid: Option<u32>,
    /// See `gid`; negative: stay.
    pub umask: i32,
}

/// What the child does after `fork`, with everything prepared.
pub struct Child<'a> {
    spawn: &'a Spawn,
    args: Vec<*const libc::c_char>,
    env: Option<Vec<*const libc::c_char>>,
}

fn pointers(all: &[CString]) -> Vec<*const libc::c_char> {
    all.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

impl<'a> Child<'a> {
    /// Prepares the pointers that `exec` needs.
    pub fn new(spawn: &'a Spawn) -> Child<'a> {
        Child { spawn, args: pointers(&spawn.args), env: spawn.env.as_deref().map(pointers) }
    }

    /// Becomes the program, or tells on the pipe why not and ends. `before_exec` is called late; false: it failed.
    pub fn run(&self, before_exec: Option<&mut dyn FnMut() -> bool>) -> ! {
        let mut stage: &[u8] = b"noexec";
        let failed = self.arrange(&mut stage);
        match failed.and_then(|()| self.finish(before_exec, &mut stage)) {
            Err(0) => self.tell(b"SubprocessError:0:", b"Exception occurred in preexec_fn."),
            Ok(e) | Err(e) => {
                let mut text = *b"OSError:00000000";
                let mut at = text.len();
                let mut n = e as u32;
                while n != 0 || at == text.len() {
                    at -= 1;
                    text[at] = b"0123456789ABCDEF"[(n & 15) as usize];
                    n >>= 4;
                }
                let len = text.len();
                text.copy_within(at..len, 8);
                text[8 + len - at] = b':';
                self.tell(&text[..9 + len - at], stage);
            }
        }
        super::process::exit_now(255)
    }

    fn tell(&self, a: &[u8], b: &[u8]) {
        for part in [a, b] {
            // SAFETY: pointer and length describe the slice.
            unsafe { libc::write(self.spawn.report[1], part.as_ptr().cast(), part.len()) };
        }
    }

    /// Puts descriptors, directory, signals, session and identity in order; the error number on failure.
    fn arrange(&self, stage: &mut &[u8]) -> Result<(), i32> {
        let s = self.spawn;
        // SAFETY: plain system calls on numbers and terminated strings.
        unsafe {
            for &fd in s.keep.iter().filter(|&&fd| fd != s.report[1]) {
                inherit(fd)?;
            }
            for fd in [s.input[1], s.output[0], s.error[0], s.report[0]] {
                if fd >= 0 {
                    check(libc::close(fd))?;
                }
            }
            // What is to become 1 or 2 must not lie in the way of what comes before it.
            let (mut out, mut err) = (s.output[1], s.error[1]);
            if out == 0 {
                out = check(libc::dup(out))?;
            }
            while err == 0 || err == 1 {
                err = check(libc::dup(err))?;
            }
            for (fd, to) in [(s.input[0], 0), (out, 1), (err, 2)] {
                if fd == to {
                    inherit(fd)?;
                } else if fd >= 0 {
                    check(libc::dup2(fd, to))?;
                }
            }
            if let Some(d) = &s.directory {
                if libc::chdir(d.as_ptr()) == -1 {
                    *stage = b"noexec:chdir";
                    return Err(errno());
                }
            }
            if s.umask >= 0 {
                libc::umask(s.umask as u32);
            }
            if s.restore_signals {
                for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
                    libc::signal(signal, libc::SIG_DFL);
                }
            }
            if s.session {
                check(libc::setsid())?;
            }
            if s.group >= 0 {
                check(libc::setpgid(0, s.group))?;
            }
            if let Some(groups) = &s.groups {
                check(libc::setgroups(groups.len(), groups.as_ptr()))?;
            }
            if let Some(gid) = s.gid {
                check(libc::setregid(gid, gid))?;
            }
            if let Some(uid) = s.uid {
                check(libc::setreuid(uid, uid))?;
            }
        }
        Ok(())
    }

    /// The last steps; gives the error number of `exec`, or `Err(0)` when `before_exec` failed.
    fn finish(&self, before_exec: Option<&mut dyn FnMut() -> bool>, stage: &mut &[u8]) -> Result<i32, i32> {
        if let Some(f) = before_exec {
            if !f() {
                return Err(0);
            }
        }
        if self.spawn.close {
            self.close_others();
        }
        *stage = b"";
        let mut failure = 0;
        for program in &self.spawn.programs {
            // SAFETY: null-terminated arrays of terminated strings.
            unsafe {
                match &self.env {
                    Some(env) => libc::execve(program.as_ptr(), self.args.as_ptr(), env.as_ptr()),
                    None => libc::execv(program.as_ptr(), self.args.as_ptr()),
                };
            }
            let e = errno();
            if failure == 0 || (e != libc::ENOENT && e != libc::ENOTDIR) {
                failure = e;
            }
        }
        Ok(failure)
    }

    fn close_others(&self) {
        let mut from = 3;
        for &fd in self.spawn.keep.iter().filter(|&&fd| fd >= 3) {
            close_range(from, fd - 1);
            from = fd + 1;
        }
        close_range(from, i32::MAX);
    }
}

unsafe fn inherit(fd: i32) -> Result<(), i32> {
    // SAFETY: plain system calls.
    unsafe {
        let flags = check(libc::fcntl(fd, libc::F_GETFD))?;
        check(libc::fcntl(fd, libc::F_SETFD, flags & !libc::FD_CLOEXEC)).map(|_| ())
    }
}

fn close_range(from: i32, to: i32) {
    if from > to {
        return;
    }
    // SAFETY: plain system calls.
    unsafe {
        if libc::syscall(libc::SYS_close_range, from as libc::c_uint, to as libc::c_uint, 0) == 0 {
            return;
        }
        let most = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 1 << 20) as i32;
        for fd in from..=to.min(most) {
            libc::close(fd);
        }
    }
}
