//! Ends of a process that come before the program's own: `os._exit`, `os.execv`, a signal without a handler. And forks: a
//! child has its own end. A tool that has gathered something until then is told here.

use crate::host::deadly;
use crate::vm::{Vm, gil};
use std::sync::{Mutex, PoisonError};

/// How the process is about to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// `os._exit(status)`
    Exit(i32),
    /// By the default of this signal.
    Signal(i32),
    /// Another program takes its place.
    Replaced,
}

/// Who is told.
#[derive(Clone, Copy)]
pub struct Listener {
    /// Whether the default of deadly signals waits for it.
    pub signals: bool,
    /// The process is about to end; the program's threads may be anywhere, the GIL is held.
    pub ends: fn(&mut Vm, Ending),
    /// This process is a new child.
    pub child: fn(&mut Vm),
}

static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

fn listener() -> std::sync::MutexGuard<'static, Option<Listener>> {
    LISTENER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on `who` is told.
pub fn listen(who: Listener) -> std::io::Result<()> {
    *listener() = Some(who);
    if !who.signals {
        return Ok(());
    }
    deadly::hold().map_err(std::io::Error::from_raw_os_error)?;
    std::thread::Builder::new().name("taipan-signals".to_owned()).spawn(attend).map(|_| ())
}

/// Body of the thread that deadly signals wake.
fn attend() {
    let signal = deadly::wait();
    // Whoever has the GIL may be telling already, and ends the process when it is done.
    let vm = gil::attach();
    by_signal(vm, signal)
}

/// A deadly signal has arrived: this is the last that the process does.
pub fn by_signal(vm: &mut Vm, signal: i32) -> ! {
    comes(vm, Ending::Signal(signal));
    deadly::die_of(signal)
}

/// Nobody is told any more.
pub fn stop_listening() {
    *listener() = None;
    deadly::release();
}

/// The process is about to end so.
pub fn comes(vm: &mut Vm, how: Ending) {
    let who = listener().take();
    if let Some(who) = who {
        (who.ends)(vm, how);
    }
}

/// This process is a child that a program forked off: its end is its own.
pub fn after_fork_child(vm: &mut Vm) {
    // No other thread of the parent lives on, so that nobody holds the lock: the fork happened with the GIL held.
    let who = listener().take();
    deadly::release();
    if let Some(who) = who {
        (who.child)(vm);
    }
}
