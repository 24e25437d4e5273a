//! Signals whose default is the end of the process, held up for a tool that has something to write first.
//!
//! For the program nothing changes: it finds the default (`signal.getsignal`), may set a handler and set the default
//! again. What stands for the default is a handler that notes the number ([`waiting`], looked at wherever signals are) and
//! wakes a thread that waits in [`wait`], for a program that waits itself. Whoever comes first does the tool's work and then
//! lets the signal do its own ([`die_of`]). A second one ends the process at once.

use super::check;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::*};

/// The signals, beside those of a crash, which have a report of their own.
pub const DEADLY: [i32; 10] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGALRM,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGXCPU,
    libc::SIGVTALRM,
    libc::SIGPROF,
];

/// The process in which they are held up; 0: they are not.
static HELD_IN: AtomicI32 = AtomicI32::new(0);
/// The signal that has arrived; 0: none has.
static ARRIVED: AtomicI32 = AtomicI32::new(0);
static MADE: AtomicBool = AtomicBool::new(false);

struct Semaphore(UnsafeCell<std::mem::MaybeUninit<libc::sem_t>>);
// SAFETY: a semaphore is made to be shared.
unsafe impl Sync for Semaphore {}

static NEWS: Semaphore = Semaphore(UnsafeCell::new(std::mem::MaybeUninit::uninit()));

extern "C" fn arrived(signal: i32) {
    // SAFETY: only calls that a signal's handler may make.
    unsafe {
        let errno = *libc::__errno_location();
        let held = HELD_IN.load(Relaxed) == libc::getpid();
        if held && ARRIVED.compare_exchange(0, signal, SeqCst, Relaxed).is_ok() {
            crate::vm::gil::request_main(crate::vm::breaker::SIGNAL);
            libc::sem_post(NEWS.0.get().cast());
        } else {
            // A child on its way to another program, or somebody who does not want to wait.
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        *libc::__errno_location() = errno;
    }
}

/// What is installed where a program wants the default of `signal`.
pub(super) fn default_of(signal: i32) -> libc::sighandler_t {
    if HELD_IN.load(Relaxed) != 0 && DEADLY.contains(&signal) { arrived as *const () as usize } else { libc::SIG_DFL }
}

/// Whether a handler stands for the default.
pub(super) fn is_default(handler: libc::sighandler_t) -> bool {
    handler == libc::SIG_DFL || handler == arrived as *const () as usize
}

fn install(signal: i32, handler: libc::sighandler_t) -> Result<(), i32> {
    // SAFETY: the handler is the default, or one that only makes permitted calls.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        check(libc::sigaction(signal, &action, std::ptr::null_mut())).map(|_| ())
    }
}

fn at_default() -> impl Iterator<Item = i32> {
    DEADLY.into_iter().filter(|&s| super::threads::disposition(s) == Ok(super::threads::Disposition::Default))
}

/// Holds the signals up in this process, where they are at their default.
pub fn hold() -> Result<(), i32> {
    if !MADE.swap(true, Relaxed) {
        // SAFETY: made once, before any handler uses it.
        check(unsafe { libc::sem_init(NEWS.0.get().cast(), 0, 0) })?;
    }
    ARRIVED.store(0, SeqCst);
    HELD_IN.store(super::process::getpid()?, SeqCst);
    at_default().try_for_each(|s| install(s, default_of(s)))
}

/// Lets them do again what they do by default.
pub fn release() {
    if HELD_IN.swap(0, SeqCst) != 0 {
        for signal in at_default() {
            let _ = install(signal, libc::SIG_DFL);
        }
    }
}

/// The signal that has arrived and waits to do its work.
pub fn waiting() -> Option<i32> {
    Some(ARRIVED.load(Relaxed)).filter(|&s| s != 0)
}

/// Waits for one of the signals; gives its number.
pub fn wait() -> i32 {
    loop {
        // SAFETY: `hold` made the semaphore.
        unsafe { libc::sem_wait(NEWS.0.get().cast()) };
        match ARRIVED.load(SeqCst) {
            0 => continue,
            signal => return signal,
        }
    }
}

/// Ends this process by a signal's default.
pub fn die_of(signal: i32) -> ! {
    release();
    let _ = install(signal, libc::SIG_DFL);
    let _ = super::threads::sigmask(libc::SIG_UNBLOCK, &[signal]);
    let _ = super::process::raise(signal);
    // A first process of a container is not killed by signals it has no handler for.
    super::process::exit_now(128 + signal)
}
