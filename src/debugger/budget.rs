//! Code of the program that the debugger runs for the user comes to an end: after a time, or when the user asks.
//!
//! A `__repr__` may loop, wait or compute for hours; the program has stopped and nobody else would ever interrupt it. While
//! such code runs, a thread of the debugger's own watches the clock. When the time is over, or a pause is asked for, it
//! raises `KeyboardInterrupt` at the evaluation's next safe point, wakes it from waiting calls, and does so again until the
//! evaluation has ended.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use taipan_runtime::host::threads;
use taipan_runtime::object::PyResult;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::vm::{Vm, breaker, gil};

use super::lock;

/// Time for what is evaluated only to be shown.
pub const GLANCE: Duration = Duration::from_secs(2);

/// How often an evaluation that does not end is interrupted anew.
const AGAIN: Duration = Duration::from_millis(30);

#[derive(Default)]
struct State {
    /// The thread that evaluates, and the number of its evaluation.
    running: Option<(u64, u64)>,
    last: u64,
    /// It is to end.
    unwanted: bool,
}

static STATE: Mutex<State> = Mutex::new(State { running: None, last: 0, unwanted: false });
static NEWS: Condvar = Condvar::new();

/// Runs `f`, which may run code of the program, for at most `limit`; tells whether it was interrupted. What is evaluated
/// inside of an evaluation belongs to it.
pub fn within<T>(vm: &mut Vm, limit: Option<Duration>, f: impl FnOnce(&mut Vm) -> T) -> (T, bool) {
    let number = {
        let mut state = lock(&STATE);
        if state.running.is_some() {
            drop(state);
            return (f(vm), false);
        }
        state.last += 1;
        state.unwanted = false;
        state.running = Some((vm.ident, state.last));
        state.last
    };
    let watching = std::thread::Builder::new().name("taipan-budget".to_owned()).spawn(move || watch(number, limit));
    if let Err(e) = watching {
        tracing::warn!("nobody watches an evaluation: {e}");
    }
    let out = f(vm);
    let interrupted = {
        let mut state = lock(&STATE);
        state.running = None;
        std::mem::take(&mut state.unwanted)
    };
    NEWS.notify_all();
    (out, interrupted)
}

/// Body of the thread that watches the clock for one evaluation.
fn watch(number: u64, limit: Option<Duration>) {
    let end = limit.map(|l| Instant::now() + l);
    let mut state = lock(&STATE);
    while let Some((thread, _)) = state.running.filter(|(_, n)| *n == number) {
        let left = end.map_or(Duration::from_secs(3600), |e| e.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            state.unwanted = true;
        }
        let pause = if state.unwanted { AGAIN } else { left };
        if state.unwanted {
            gil::request_all(breaker::PAUSE);
            threads::wake(thread);
        }
        state = NEWS.wait_timeout(state, pause).unwrap_or_else(std::sync::PoisonError::into_inner).0;
    }
}

/// Ends the evaluation under way, if there is one.
pub fn interrupt() {
    let mut state = lock(&STATE);
    if state.running.is_some() {
        state.unwanted = true;
        NEWS.notify_all();
    }
}

/// At a safe point of the program: raises if this thread's evaluation is to end.
pub fn at_safe_point(vm: &mut Vm) -> PyResult<()> {
    let unwanted = {
        let state = lock(&STATE);
        state.unwanted && state.running.is_some_and(|(thread, _)| thread == vm.ident)
    };
    if unwanted {
        return Err(vm.raise_with(&exc::KEYBOARD_INTERRUPT, &[]));
    }
    Ok(())
}
