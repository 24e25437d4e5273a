//! The lock of a buffered stream. Its state is a field of the stream, guarded by the GIL; only threads that must wait
//! meet at the one gate here.

use super::Buffered;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use taipan_runtime::object::{Py, PyResult};
use taipan_runtime::vm::Vm;

static GATE: Mutex<()> = Mutex::new(());
static FREED: Condvar = Condvar::new();
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Takes the lock; `RuntimeError` when this thread has it.
#[inline]
pub fn enter(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<()> {
    if me.get(vm).owner == 0 {
        me.get_mut(vm).owner = vm.ident;
        return Ok(());
    }
    wait(vm, me)
}

#[cold]
fn wait(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<()> {
    if me.get(vm).owner == vm.ident {
        let shown = vm.repr(me.as_value())?;
        return Err(vm.runtime_error(format!("reentrant call inside {}", shown.to_rust())));
    }
    while me.get(vm).owner != 0 {
        WAITING.fetch_add(1, Relaxed);
        // The gate is held from before the GIL is given up until the wait begins, so no wake-up is lost.
        let mut gate = GATE.lock();
        vm.allow_threads(move || {
            FREED.wait_for(&mut gate, Duration::from_millis(100));
        });
        WAITING.fetch_sub(1, Relaxed);
    }
    me.get_mut(vm).owner = vm.ident;
    Ok(())
}

/// Gives the lock up.
#[inline]
pub fn leave(vm: &mut Vm, me: &Py<Buffered>) {
    me.get_mut(vm).owner = 0;
    if WAITING.load(Relaxed) != 0 {
        drop(GATE.lock());
        FREED.notify_all();
    }
}

/// Runs `f` under the lock.
#[inline]
pub fn locked<T>(vm: &mut Vm, me: &Py<Buffered>, f: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
    enter(vm, me)?;
    let r = f(vm);
    leave(vm, me);
    r
}
