//! Locks. A lock is a flag and a condition outside the object, so waiting needs no object; signals are attended to while
//! the main thread waits.

use crate::system::timeout;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};
use taipan_runtime::object::{
    Frozen, MethodDef, NativeFn::*, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::{Vm, gil};

/// The state of a lock.
#[derive(Default)]
pub struct Shared {
    /// Identity of the thread that holds it (of a plain lock: not 0), and how often.
    held: Mutex<(u64, usize)>,
    freed: Condvar,
}

impl Shared {
    /// Takes the lock at once if it is free (or, when `reenter`, held by `me`).
    fn try_take(&self, me: u64, reenter: bool) -> bool {
        let mut held = self.held.lock();
        if held.1 == 0 || (reenter && held.0 == me) {
            *held = (me, held.1 + 1);
            return true;
        }
        false
    }

    /// Waits for the lock until the deadline; in steps short enough for signals.
    fn take(&self, me: u64, deadline: Option<Instant>) -> bool {
        let mut held = self.held.lock();
        while held.1 != 0 {
            match deadline {
                None => self.freed.wait(&mut held),
                Some(d) => {
                    if self.freed.wait_until(&mut held, d).timed_out() && held.1 != 0 {
                        return false;
                    }
                }
            }
        }
        *held = (me, 1);
        true
    }

    /// Makes the lock free in a child process.
    fn reset(&self) {
        if let Some(mut held) = self.held.try_lock() {
            *held = (0, 0);
        }
    }

    fn free(&self) {
        let mut held = self.held.lock();
        *held = (0, 0);
        drop(held);
        self.freed.notify_one();
    }
}

/// Waits for a lock without the GIL; the main thread looks for signals in between.
fn acquire(vm: &mut Vm, shared: &Arc<Shared>, reenter: bool, limit: Option<i64>) -> PyResult<bool> {
    let me = vm.ident;
    if shared.try_take(me, reenter) {
        return Ok(true);
    }
    let end = limit.map(|n| Instant::now() + Duration::from_nanos(n.max(0) as u64));
    let main = gil::is_main(vm);
    loop {
        let step = if main { Some(Instant::now() + Duration::from_millis(50)) } else { None };
        let until = match (end, step) {
            (Some(e), Some(s)) => Some(e.min(s)),
            (e, s) => e.or(s),
        };
        let s = shared.clone();
        if vm.allow_threads(move || s.take(me, until)) {
            return Ok(true);
        }
        if end.is_some_and(|e| Instant::now() >= e) {
            return Ok(false);
        }
        vm.check_signals()?;
    }
}

/// Reads `blocking` and `timeout`: `None` is no limit, 0 an attempt.
fn limit(vm: &mut Vm, a: &[Option<Value>]) -> PyResult<Option<i64>> {
    let blocking = match &a[1] {
        Some(v) => vm.truth(v)?,
        None => true,
    };
    let n = timeout(vm, a[2].as_ref())?;
    match n {
        Some(n) if n != -1_000_000_000 => {
            if !blocking {
                return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
            }
            if n < 0 {
                return Err(vm.value_error("timeout value must be a non-negative number"));
            }
            Ok(Some(n))
        }
        _ if blocking => Ok(None),
        _ => Ok(Some(0)),
    }
}

/// Payload of `lock`.
pub struct Lock {
    shared: Arc<Shared>,
}
taipan_runtime::payload!(Lock, LOCK);
impl Frozen for Lock {}

/// Payload of `RLock`.
pub struct RLock {
    shared: Arc<Shared>,
}
taipan_runtime::payload!(RLock, RLOCK);
impl Frozen for RLock {}

/// A new lock.
pub fn new_lock() -> Value {
    instance::new_of(&LOCK.class(), Lock { shared: Arc::default() }).into()
}

fn lock(v: &Value) -> &Arc<Shared> {
    &v.downcast::<Lock>().expect("a method of lock is called on one").shared
}

fn rlock(v: &Value) -> &Arc<Shared> {
    &v.downcast::<RLock>().expect("a method of RLock is called on one").shared
}

fn lock_acquire(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let limit = limit(vm, a)?;
    let me = a[0].clone().unwrap_or_else(none);
    acquire(vm, lock(&me), false, limit).map(boolean)
}

fn lock_release(vm: &mut Vm, v: &Value) -> PyResult {
    if lock(v).held.lock().1 == 0 {
        return Err(vm.runtime_error("release unlocked lock"));
    }
    lock(v).free();
    Ok(none())
}

fn lock_enter(vm: &mut Vm, v: &Value) -> PyResult {
    acquire(vm, lock(v), false, None).map(boolean)
}

fn locked(_: &mut Vm, v: &Value) -> PyResult {
    Ok(boolean(lock(v).held.lock().1 != 0))
}

fn rlock_acquire(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let limit = limit(vm, a)?;
    let me = a[0].clone().unwrap_or_else(none);
    acquire(vm, rlock(&me), true, limit).map(boolean)
}

fn rlock_release(vm: &mut Vm, v: &Value) -> PyResult {
    let shared = rlock(v);
    let mut held = shared.held.lock();
    if held.1 == 0 || held.0 != vm.ident {
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    held.1 -= 1;
    let free = held.1 == 0;
    drop(held);
    if free {
        shared.free();
    }
    Ok(none())
}

fn release_save(vm: &mut Vm, v: &Value) -> PyResult {
    let (owner, count) = *rlock(v).held.lock();
    if count == 0 {
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    rlock(v).free();
    Ok(Tuple::from_vec(vec![Value::from_usize(count), Int::from_u64(owner)]).into())
}

fn acquire_restore(vm: &mut Vm, v: &Value, state: &Value) -> PyResult {
    let items = vm.collect(state)?;
    let [count, owner] = &items[..] else { return Err(vm.type_error("a pair of numbers is wanted")) };
    let (count, owner) = (vm.to_usize(count)?, vm.to_i64(owner)? as u64);
    acquire(vm, rlock(v), false, None)?;
    *rlock(v).held.lock() = (owner, count);
    Ok(none())
}

fn describe(v: &Value, shared: &Shared, counted: bool) -> Value {
    let (owner, count) = *shared.held.lock();
    let state = if count == 0 { "unlocked" } else { "locked" };
    let name = v.class().payload.name();
    let more = if counted { format!(" owner={owner} count={count}") } else { String::new() };
    Str::from_rust(&format!("<{state} {name} object{more} at {:#x}>", v.id())).into()
}

fn no_arguments(vm: &mut Vm, args: &taipan_runtime::vm::args::Args<'_>, name: &str) -> PyResult<()> {
    args.exactly(vm, name, 0)
}

/// `_thread.lock`
pub static LOCK: TypeDef = TypeDef::new::<Lock>("_thread.lock")
    .doc("A lock that one thread at a time can hold.")
    .flags(TypeFlags::WEAKREFABLE)
    .slots(Slots {
        new: Some(|vm, _, args| {
            no_arguments(vm, args, "lock")?;
            Ok(new_lock())
        }),
        repr: Some(|_, v| Ok(describe(v, lock(v), false))),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("acquire", "($self, /, blocking=True, timeout=-1)", "Take the lock.", N(lock_acquire)),
        MethodDef::method("acquire_lock", "($self, /, blocking=True, timeout=-1)", "Take the lock.", N(lock_acquire)),
        MethodDef::method("release", "($self, /)", "Give the lock back.", F1(lock_release)),
        MethodDef::method("release_lock", "($self, /)", "Give the lock back.", F1(lock_release)),
        MethodDef::method("locked", "($self, /)", "Whether it is held.", F1(locked)),
        MethodDef::method("locked_lock", "($self, /)", "Whether it is held.", F1(locked)),
        MethodDef::method("__enter__", "($self, /)", "Take the lock.", F1(lock_enter)),
        MethodDef::method(
            "__exit__",
            "($self, /, *exc_info)",
            "Give the lock back.",
            V(|vm, a| lock_release(vm, &a.pos()[0])),
        ),
        MethodDef::method(
            "_at_fork_reinit",
            "($self, /)",
            "Make the lock free.",
            F1(|_, v| {
                lock(v).reset();
                Ok(none())
            }),
        ),
    ]);

/// `_thread.RLock`
pub static RLOCK: TypeDef = TypeDef::new::<RLock>("_thread.RLock")
    .doc("A lock that its thread can take again.")
    .flags(TypeFlags::WEAKREFABLE.union(TypeFlags::BASETYPE))
    .slots(Slots {
        new: Some(|_, class, _| Ok(instance::new_of(class, RLock { shared: Arc::default() }).into())),
        repr: Some(|_, v| Ok(describe(v, rlock(v), true))),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("acquire", "($self, /, blocking=True, timeout=-1)", "Take the lock.", N(rlock_acquire)),
        MethodDef::method("release", "($self, /)", "Give the lock back once.", F1(rlock_release)),
        MethodDef::method(
            "locked",
            "($self, /)",
            "Whether it is held.",
            F1(|_, v| Ok(boolean(rlock(v).held.lock().1 != 0))),
        ),
        MethodDef::method(
            "__enter__",
            "($self, /)",
            "Take the lock.",
            F1(|vm, v| acquire(vm, rlock(v), true, None).map(boolean)),
        ),
        MethodDef::method(
            "__exit__",
            "($self, /, *exc_info)",
            "Give the lock back once.",
            V(|vm, a| rlock_release(vm, &a.pos()[0])),
        ),
        MethodDef::method(
            "_is_owned",
            "($self, /)",
            "Whether this thread holds it.",
            F1(|vm, v| {
                let (owner, count) = *rlock(v).held.lock();
                Ok(boolean(count != 0 && owner == vm.ident))
            }),
        ),
        MethodDef::method(
            "_recursion_count",
            "($self, /)",
            "How often this thread holds it.",
            F1(|vm, v| {
                let (owner, count) = *rlock(v).held.lock();
                Ok(Value::from_usize(if owner == vm.ident { count } else { 0 }))
            }),
        ),
        MethodDef::method("_release_save", "($self, /)", "Give it back wholly; give the state.", F1(release_save)),
        MethodDef::method("_acquire_restore", "($self, state, /)", "Take it again as it was.", F2(acquire_restore)),
        MethodDef::method(
            "_at_fork_reinit",
            "($self, /)",
            "Make the lock free.",
            F1(|_, v| {
                rlock(v).reset();
                Ok(none())
            }),
        ),
    ]);
