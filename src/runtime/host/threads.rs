//! Threads and signals of the operating system: thin functions.

use super::{check, errno};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::*};

/// Number of signals, 0 included (`signal.NSIG`).
pub const NSIG: usize = 65;

static ARRIVED: [AtomicBool; NSIG] = [const { AtomicBool::new(false) }; NSIG];
static ANY: AtomicBool = AtomicBool::new(false);
static WAKEUP: AtomicI32 = AtomicI32::new(-1);

/// What a signal does when it arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// The system's default.
    Default,
    /// Nothing.
    Ignore,
    /// Python code is told at its next safepoint.
    Python,
    /// Another function of the process.
    Other,
}

extern "C" fn arrived(signal: i32) {
    let saved = errno();
    ARRIVED[signal as usize].store(true, SeqCst);
    ANY.store(true, SeqCst);
    crate::vm::gil::request_main(crate::vm::breaker::SIGNAL);
    let fd = WAKEUP.load(Relaxed);
    if fd >= 0 {
        let byte = signal as u8;
        // SAFETY: write(2) may be called from a signal handler.
        unsafe { libc::write(fd, (&raw const byte).cast(), 1) };
    }
    // SAFETY: errno is this thread's own.
    unsafe { *libc::__errno_location() = saved };
}

/// Sets what a signal does.
pub fn set_disposition(signal: i32, to: Disposition) -> Result<(), i32> {
    // SAFETY: the handler only stores and writes.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = match to {
            Disposition::Default | Disposition::Other => super::deadly::default_of(signal),
            Disposition::Ignore => libc::SIG_IGN,
            Disposition::Python => arrived as *const () as usize,
        };
        check(libc::sigaction(signal, &action, std::ptr::null_mut())).map(|_| ())
    }
}

/// What a signal does at present.
pub fn disposition(signal: i32) -> Result<Disposition, i32> {
    // SAFETY: the output is valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        check(libc::sigaction(signal, std::ptr::null(), &mut action))?;
        Ok(match action.sa_sigaction {
            f if super::deadly::is_default(f) => Disposition::Default,
            libc::SIG_IGN => Disposition::Ignore,
            f if f == arrived as *const () as usize => Disposition::Python,
            _ => Disposition::Other,
        })
    }
}

/// Signals that arrived since the last call, in order of their numbers.
pub fn take_arrived() -> Vec<i32> {
    if !ANY.swap(false, SeqCst) {
        return Vec::new();
    }
    (1..NSIG as i32).filter(|&s| ARRIVED[s as usize].swap(false, SeqCst)).collect()
}

/// Marks a signal as arrived, as if it had been sent.
pub fn simulate(signal: i32) {
    arrived(signal);
}

/// Sets the descriptor that gets a byte for every signal; gives the old one.
pub fn set_wakeup(fd: i32) -> i32 {
    WAKEUP.swap(fd, SeqCst)
}

/// `alarm(2)`
pub fn alarm(seconds: u32) -> u32 {
    // SAFETY: no preconditions.
    unsafe { libc::alarm(seconds) }
}

/// `pause(2)`
pub fn pause() {
    // SAFETY: no preconditions.
    unsafe { libc::pause() };
}

/// `siginterrupt(3)`
pub fn siginterrupt(signal: i32, on: bool) -> Result<(), i32> {
    // SAFETY: the structure is read and written whole.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        check(libc::sigaction(signal, std::ptr::null(), &mut action))?;
        if on {
            action.sa_flags &= !libc::SA_RESTART;
        } else {
            action.sa_flags |= libc::SA_RESTART;
        }
        check(libc::sigaction(signal, &action, std::ptr::null_mut())).map(|_| ())
    }
}

fn to_set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: the set is initialised before use.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for &s in signals {
            libc::sigaddset(&mut set, s);
        }
        set
    }
}

fn of_set(set: &libc::sigset_t) -> Vec<i32> {
    // SAFETY: the set is initialised.
    (1..NSIG as i32).filter(|&s| unsafe { libc::sigismember(set, s) } == 1).collect()
}

/// `pthread_sigmask(3)`; gives the old mask.
pub fn sigmask(how: i32, signals: &[i32]) -> Result<Vec<i32>, i32> {
    let set = to_set(signals);
    // SAFETY: both sets are valid.
    unsafe {
        let mut old: libc::sigset_t = std::mem::zeroed();
        match libc::pthread_sigmask(how, &set, &mut old) {
            0 => Ok(of_set(&old)),
            e => Err(e),
        }
    }
}

/// `sigpending(2)`
pub fn pending() -> Result<Vec<i32>, i32> {
    let mut set = to_set(&[]);
    // SAFETY: the set is valid.
    check(unsafe { libc::sigpending(&mut set) })?;
    Ok(of_set(&set))
}

/// `sigwait(3)`
pub fn sigwait(signals: &[i32]) -> Result<i32, i32> {
    let set = to_set(signals);
    let mut signal = 0;
    // SAFETY: both are valid.
    match unsafe { libc::sigwait(&set, &mut signal) } {
        0 => Ok(signal),
        e => Err(e),
    }
}

/// `pthread_kill(3)`
pub fn kill_thread(thread: u64, signal: i32) -> Result<(), i32> {
    // SAFETY: the thread lives, as the program says.
    match unsafe { libc::pthread_kill(thread as _, signal) } {
        0 => Ok(()),
        e => Err(e),
    }
}

/// Ends a thread's waiting call, as a signal does that nobody handles.
pub fn wake(thread: u64) {
    extern "C" fn nothing(_: i32) {}
    let signal = libc::SIGRTMAX() - 4;
    // SAFETY: the handler does nothing; the thread lives, as the caller says.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        if libc::sigaction(signal, &action, std::ptr::null_mut()) == 0 {
            libc::pthread_kill(thread as _, signal);
        }
    }
}

/// `setitimer(2)` with seconds until the first and between later signals; gives the old ones.
pub fn setitimer(which: i32, first: f64, interval: f64) -> Result<(f64, f64), i32> {
    let (new, mut old) = (timer(first, interval), timer(0.0, 0.0));
    // SAFETY: both are valid.
    check(unsafe { libc::setitimer(which as _, &new, &mut old) })?;
    Ok((seconds(&old.it_value), seconds(&old.it_interval)))
}

/// `getitimer(2)`
pub fn getitimer(which: i32) -> Result<(f64, f64), i32> {
    let mut old = timer(0.0, 0.0);
    // SAFETY: the output is valid.
    check(unsafe { libc::getitimer(which as _, &mut old) })?;
    Ok((seconds(&old.it_value), seconds(&old.it_interval)))
}

fn timer(first: f64, interval: f64) -> libc::itimerval {
    let split = |s: f64| {
        let micros = (s * 1e6).ceil() as i64;
        libc::timeval { tv_sec: micros / 1_000_000, tv_usec: micros % 1_000_000 }
    };
    libc::itimerval { it_value: split(first), it_interval: split(interval) }
}

fn seconds(t: &libc::timeval) -> f64 {
    t.tv_sec as f64 + t.tv_usec as f64 * 1e-6
}

/// The kernel's number of this thread.
pub fn native_id() -> i64 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() as i64 }
}

/// Names this thread for the system (its first 15 bytes).
pub fn set_name(name: &str) {
    let mut bytes: Vec<u8> = name.bytes().filter(|&b| b != 0).take(15).collect();
    bytes.push(0);
    // SAFETY: the name is terminated.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), bytes.as_ptr().cast()) };
}

/// The system's name of this thread.
pub fn name() -> String {
    let mut buffer = [0u8; 64];
    // SAFETY: pointer and length describe the buffer.
    unsafe { libc::pthread_getname_np(libc::pthread_self(), buffer.as_mut_ptr().cast(), buffer.len()) };
    let end = buffer.iter().position(|&b| b == 0).unwrap_or(0);
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

/// The system's text for a signal.
pub fn strsignal(signal: i32) -> Option<String> {
    // SAFETY: the result is null or a terminated string; the GIL is held while it is copied.
    unsafe {
        let p = libc::strsignal(signal);
        (!p.is_null()).then(|| std::ffi::CStr::from_ptr(p).to_string_lossy().into_owned())
    }
}
