//! `_thread`: threads, locks and thread-local identity (`Modules/_threadmodule.c`).
//!
//! A lock gives up the GIL while it waits. Threads attach to the machine when they start and detach at their end.

use parking_lot::{Condvar, Mutex};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::typedef::{MethodDef, NativeFn::*};
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::args::{Args, Signature};
use taipan_runtime::vm::{Vm, gil};

/// Longest timeout of `acquire`, in seconds.
const TIMEOUT_MAX: f64 = 9_223_372_036.0;

/// A lock's state: who holds it and how often (plain locks: 0 or 1).
#[derive(Default)]
struct State {
    owner: u64,
    count: usize,
}

/// What a lock and the threads waiting for it share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    freed: Condvar,
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

/// Payload of `_ThreadHandle`.
pub struct Handle {
    shared: Arc<Done>,
}
taipan_runtime::payload!(Handle, HANDLE);
impl Frozen for Handle {}

/// Whether a thread has ended, and its identity.
#[derive(Default)]
struct Done {
    state: Mutex<(bool, u64)>,
    ended: Condvar,
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// `_thread`.
pub static MODULE: ModuleDef = ModuleDef::new("_thread")
    .doc("This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.")
    .functions(&[
        MethodDef::function("start_new_thread", "($module, function, args, kwargs={}, /)", "Start a new thread and return its identifier.", V(start_new_thread)),
        MethodDef::function("start_joinable_thread", "($module, /, function, handle=None, daemon=True)", "Start a new thread and return its handle.", N(start_joinable_thread)),
        MethodDef::function("allocate_lock", "($module, /)", "Create a new lock object.", F0(|_| Ok(new_lock()))),
        MethodDef::function("get_ident", "($module, /)", "Return a non-zero integer that uniquely identifies the current thread.", F0(|vm| Ok(taipan_runtime::types::int::Int::from_u64(vm.ident)))),
        MethodDef::function("get_native_id", "($module, /)", "Return the identity of the thread as the kernel knows it.", F0(|_| {
            Ok(Value::small_unchecked(nix::unistd::gettid().as_raw() as i64))
        })),
        MethodDef::function("_count", "($module, /)", "Return the number of currently running Python threads, excluding the main thread.", F0(|_| Ok(Value::from_usize(COUNT.load(Ordering::Relaxed))))),
        MethodDef::function("stack_size", "($module, size=0, /)", "Return the thread stack size used when creating new threads.", N(|_, _| Ok(Value::small_unchecked(0)))),
        MethodDef::function("exit", "($module, /)", "This is synonymous to ``raise SystemExit''.", F0(|vm| Err(vm.raise_with(&exc::SYSTEM_EXIT, &[])))),
        MethodDef::function("interrupt_main", "($module, signum=signal.SIGINT, /)", "Simulate the arrival of the given signal in the main thread.", N(|_, _| {
            gil::call_in_main(|vm| Err(vm.raise_with(&exc::KEYBOARD_INTERRUPT, &[])));
            Ok(none())
        })),
        MethodDef::function("daemon_threads_allowed", "($module, /)", "Return True if daemon threads are allowed.", F0(|_| Ok(boolean(true)))),
        MethodDef::function("_is_main_interpreter", "($module, /)", "Return True if the current interpreter is the main Python interpreter.", F0(|_| Ok(boolean(true)))),
        MethodDef::function("_shutdown", "($module, /)", "Wait for all non-daemon threads (other than the calling thread) to stop.", F0(shutdown)),
        MethodDef::function("_make_thread_handle", "($module, ident, /)", "Internal only. Make a thread handle for threads not spawned by the _thread or threading module.", F1(make_handle)),
        MethodDef::function("_get_main_thread_ident", "($module, /)", "Internal only. Return a non-zero integer that uniquely identifies the main thread.", F0(|vm| {
            Ok(taipan_runtime::types::int::Int::from_u64(gil::main_ident(vm)))
        })),
        MethodDef::function("_excepthook", "($module, exc_info, /)", "Handle uncaught Thread.run() exception.", F1(excepthook)),
        MethodDef::function("set_name", "($module, name, /)", "Set the name of the current thread.", F1(|_, _| Ok(none()))),
    ])
    .types(&[&LOCK, &RLOCK, &HANDLE, &LOCAL])
    .init(init);

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    dict.store_text("LockType", LOCK.value());
    dict.store_text("error", exc::RUNTIME_ERROR.value());
    dict.store_text("TIMEOUT_MAX", vm.new_float(TIMEOUT_MAX));
    let excepthook_args = vm.builtins_dict().lookup_text("tuple").unwrap_or_else(none);
    dict.store_text("_ExceptHookArgs", excepthook_args);
    Ok(())
}

/// A new, open lock.
fn new_lock() -> Value {
    instance::new(Lock { shared: Arc::default() }).into()
}

macro_rules! lock_methods {
    ($acquire:path, $release:path, $($more:expr,)*) => {
        &[
            MethodDef::method("acquire", "($self, /, blocking=True, timeout=-1)", "Lock the lock.", N($acquire)),
            MethodDef::method("acquire_lock", "($self, /, blocking=True, timeout=-1)", "An obsolete synonym of acquire().", N($acquire)),
            MethodDef::method("__enter__", "($self, /)", "Lock the lock.", F1(|vm, v| $acquire(vm, &[Some(v.clone()), None, None]))),
            MethodDef::method("release", "($self, /)", "Release the lock.", F1($release)),
            MethodDef::method("release_lock", "($self, /)", "An obsolete synonym of release().", F1($release)),
            MethodDef::method("__exit__", "($self, /, *exc_info)", "Release the lock.", V(|vm, args| $release(vm, &args.pos()[0]))),
            $($more,)*
        ]
    };
}

/// `_thread.lock`
pub static LOCK: TypeDef = TypeDef::new::<Lock>("_thread.lock")
    .doc("A lock object is a synchronization primitive.")
    .flags(TypeFlags::WEAKREFABLE)
    .slots(Slots {
        new: Some(|vm, _, args| {
            args.exactly(vm, "lock", 0)?;
            Ok(new_lock())
        }),
        repr: Some(|vm, v| {
            let held = lock(v).shared.state.lock().count != 0;
            let word = if held { "locked" } else { "unlocked" };
            Ok(vm.new_str(&format!("<{word} _thread.lock object at {:#x}>", v.id())))
        }),
        ..Slots::NONE
    })
    .methods(lock_methods!(
        lock_acquire,
        lock_release,
        MethodDef::method(
            "locked",
            "($self, /)",
            "Return whether the lock is in the locked state.",
            F1(|_, v| Ok(boolean(lock(v).shared.state.lock().count != 0)))
        ),
        MethodDef::method(
            "locked_lock",
            "($self, /)",
            "An obsolete synonym of locked().",
            F1(|_, v| Ok(boolean(lock(v).shared.state.lock().count != 0)))
        ),
        MethodDef::method(
            "_at_fork_reinit",
            "($self, /)",
            "Open the lock in a child process.",
            F1(|_, v| {
                *lock(v).shared.state.lock() = State::default();
                Ok(none())
            })
        ),
    ));

/// `_thread.RLock`
pub static RLOCK: TypeDef = TypeDef::new::<RLock>("_thread.RLock")
    .doc("A lock that its holder can acquire again.")
    .flags(TypeFlags::WEAKREFABLE.union(TypeFlags::BASETYPE))
    .slots(Slots {
        new: Some(|_, class: &Py<Type>, _| Ok(instance::new_of(class, RLock { shared: Arc::default() }).into())),
        repr: Some(|vm, v| {
            let s = rlock(v).shared.state.lock();
            let word = if s.count != 0 { "locked" } else { "unlocked" };
            let text = format!("<{word} _thread.RLock object owner={} count={} at {:#x}>", s.owner, s.count, v.id());
            drop(s);
            Ok(vm.new_str(&text))
        }),
        ..Slots::NONE
    })
    .methods(lock_methods!(
        rlock_acquire,
        rlock_release,
        MethodDef::method(
            "locked",
            "($self, /)",
            "Return whether the lock is held by any thread.",
            F1(|_, v| Ok(boolean(rlock(v).shared.state.lock().count != 0)))
        ),
        MethodDef::method(
            "_is_owned",
            "($self, /)",
            "For internal use by `threading.Condition`.",
            F1(|vm, v| {
                let s = rlock(v).shared.state.lock();
                Ok(boolean(s.count != 0 && s.owner == vm.ident))
            })
        ),
        MethodDef::method(
            "_recursion_count",
            "($self, /)",
            "For internal use by reentrancy checks.",
            F1(|vm, v| {
                let s = rlock(v).shared.state.lock();
                Ok(Value::from_usize(if s.owner == vm.ident { s.count } else { 0 }))
            })
        ),
        MethodDef::method(
            "_release_save",
            "($self, /)",
            "For internal use by `threading.Condition`.",
            F1(release_save)
        ),
        MethodDef::method(
            "_acquire_restore",
            "($self, state, /)",
            "For internal use by `threading.Condition`.",
            F2(acquire_restore)
        ),
        MethodDef::method(
            "_at_fork_reinit",
            "($self, /)",
            "Open the lock in a child process.",
            F1(|_, v| {
                *rlock(v).shared.state.lock() = State::default();
                Ok(none())
            })
        ),
    ));

fn lock(v: &Value) -> &Py<Lock> {
    v.downcast::<Lock>().expect("method of lock")
}

fn rlock(v: &Value) -> &Py<RLock> {
    v.downcast::<RLock>().expect("method of RLock")
}

/// How long to wait: not at all, for ever, or until a moment.
enum Wait {
    No,
    Forever,
    Until(Instant),
}

fn wait_of(vm: &mut Vm, blocking: Option<&Value>, timeout: Option<&Value>) -> PyResult<Wait> {
    let blocking = match blocking {
        Some(b) => vm.truth(b)?,
        None => true,
    };
    let seconds = match timeout {
        Some(t) => vm.to_f64(t)?,
        None => -1.0,
    };
    if !blocking && seconds != -1.0 {
        return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
    }
    if seconds < 0.0 && seconds != -1.0 {
        return Err(vm.value_error("timeout value must be a non-negative number"));
    }
    if seconds > TIMEOUT_MAX {
        return Err(vm.overflow_error("timeout value is too large"));
    }
    Ok(if !blocking {
        Wait::No
    } else if seconds < 0.0 {
        Wait::Forever
    } else {
        Wait::Until(Instant::now() + Duration::from_secs_f64(seconds))
    })
}

/// Takes the lock for a thread; false when the time is over. Signals are attended to while waiting.
fn take(vm: &mut Vm, shared: &Arc<Shared>, wait: &Wait, ident: u64, again: bool) -> PyResult<bool> {
    loop {
        {
            let mut s = shared.state.lock();
            if s.count == 0 || (again && s.owner == ident) {
                s.owner = ident;
                s.count += 1;
                return Ok(true);
            }
        }
        let slice = match wait {
            Wait::No => return Ok(false),
            Wait::Forever => Duration::from_millis(50),
            Wait::Until(t) => match t.checked_duration_since(Instant::now()) {
                Some(d) if !d.is_zero() => d.min(Duration::from_millis(50)),
                _ => return Ok(false),
            },
        };
        let waiting = shared.clone();
        vm.allow_threads(move || {
            let mut s = waiting.state.lock();
            if s.count != 0 {
                waiting.freed.wait_for(&mut s, slice);
            }
        });
        vm.check_signals()?;
    }
}

fn lock_acquire(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let me = lock(a[0].as_ref().expect("self")).clone();
    let wait = wait_of(vm, a[1].as_ref(), a[2].as_ref())?;
    let ident = vm.ident;
    take(vm, &me.shared, &wait, ident, false).map(boolean)
}

fn lock_release(vm: &mut Vm, v: &Value) -> PyResult {
    let shared = &lock(v).shared;
    let mut s = shared.state.lock();
    if s.count == 0 {
        drop(s);
        return Err(vm.runtime_error("release unlocked lock"));
    }
    s.count = 0;
    drop(s);
    shared.freed.notify_one();
    Ok(none())
}

fn rlock_acquire(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let me = rlock(a[0].as_ref().expect("self")).clone();
    let wait = wait_of(vm, a[1].as_ref(), a[2].as_ref())?;
    let ident = vm.ident;
    take(vm, &me.shared, &wait, ident, true).map(boolean)
}

fn rlock_release(vm: &mut Vm, v: &Value) -> PyResult {
    let shared = &rlock(v).shared;
    let mut s = shared.state.lock();
    if s.count == 0 || s.owner != vm.ident {
        drop(s);
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    s.count -= 1;
    let free = s.count == 0;
    drop(s);
    if free {
        shared.freed.notify_one();
    }
    Ok(none())
}

fn release_save(vm: &mut Vm, v: &Value) -> PyResult {
    let shared = &rlock(v).shared;
    let mut s = shared.state.lock();
    if s.count == 0 {
        drop(s);
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    let saved = std::mem::take(&mut *s);
    drop(s);
    shared.freed.notify_one();
    let owner = taipan_runtime::types::int::Int::from_u64(saved.owner);
    Ok(Tuple::from_vec(vec![Value::from_usize(saved.count), owner]).into())
}

fn acquire_restore(vm: &mut Vm, v: &Value, state: &Value) -> PyResult {
    let me = rlock(v).clone();
    let parts = vm.sequence(state, "a saved state is a pair")?;
    let count = vm.to_usize(parts.first().unwrap_or(state))?;
    let ident = vm.ident;
    take(vm, &me.shared, &Wait::Forever, ident, false)?;
    me.shared.state.lock().count = count;
    Ok(none())
}

// ---- threads ----------------------------------------------------------------------------------------------------------

/// What a new thread is to run; moved to it while this thread holds the GIL.
struct Job {
    function: Value,
    args: Value,
    kwargs: Option<Value>,
}

struct SendJob(usize);

impl Job {
    /// Packs the job for another thread, which unpacks it once, holding the GIL.
    fn pack(self) -> SendJob {
        SendJob(Box::into_raw(Box::new(self)) as usize)
    }
}

fn launch(vm: &mut Vm, job: Job, done: Arc<Done>) -> PyResult<u64> {
    let packed = job.pack();
    let at_end = done.clone();
    let (tell, told) = std::sync::mpsc::channel();
    COUNT.fetch_add(1, Ordering::Relaxed);
    let started = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
        // The number was made by `pack` and is used once, here.
        let packed = packed;
        run(packed.0, &at_end, tell);
    });
    if started.is_err() {
        COUNT.fetch_sub(1, Ordering::Relaxed);
        return Err(vm.runtime_error("can't start new thread"));
    }
    let ident = vm.allow_threads(move || told.recv().unwrap_or(0));
    done.state.lock().1 = ident;
    Ok(ident)
}

fn run(job: usize, done: &Arc<Done>, tell: std::sync::mpsc::Sender<u64>) {
    // The parent waits for this number without the GIL.
    let _ = tell.send(gil::this_thread());
    let vm = gil::attach();
    let job = taipan_runtime::vm::gil::unpack_job::<Job>(job);
    let r = call(vm, &job);
    if r.is_err() {
        if vm.error_is(&exc::SYSTEM_EXIT) {
            vm.clear_error();
        } else {
            vm.unraisable(Some(&job.function), Some("Exception ignored in thread started by"));
        }
    }
    drop(job);
    vm.run_ends();
    COUNT.fetch_sub(1, Ordering::Relaxed);
    {
        let mut s = done.state.lock();
        s.0 = true;
    }
    done.ended.notify_all();
    gil::detach(vm);
}

fn call(vm: &mut Vm, job: &Job) -> PyResult {
    let mut all = vm.collect(&job.args)?;
    let Some(kw) = &job.kwargs else { return vm.call(&job.function, &all) };
    let keys = vm.mapping_keys(kw)?;
    for k in &keys {
        let v = vm.get_item(kw, k)?;
        all.push(v);
    }
    let names = Tuple::from_vec(keys);
    vm.call_kw(&job.function, &Args::new(&all, Some(&names)))
}

fn start_new_thread(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "start_new_thread", 2, 3)?;
    let a = args.pos();
    if !vm.callable(&a[0]) {
        return Err(vm.type_error("first arg must be callable"));
    }
    if a[1].downcast::<Tuple>().is_none() {
        return Err(vm.type_error("2nd arg must be a tuple"));
    }
    let kwargs = a.get(2).cloned();
    let job = Job { function: a[0].clone(), args: a[1].clone(), kwargs };
    let ident = launch(vm, job, Arc::default())?;
    Ok(taipan_runtime::types::int::Int::from_u64(ident))
}

static WAITED_FOR: Mutex<Vec<Arc<Done>>> = Mutex::new(Vec::new());

fn start_joinable_thread(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let function = a[0].clone().expect("required");
    if !vm.callable(&function) {
        return Err(vm.type_error("thread function must be callable"));
    }
    let handle = match a[1].as_ref().filter(|h| !h.is_none()) {
        Some(h) => match h.downcast::<Handle>() {
            Some(h) => h.clone(),
            None => return Err(vm.type_error("'handle' must be a _ThreadHandle")),
        },
        None => instance::new(Handle { shared: Arc::default() }),
    };
    let daemon = match &a[2] {
        Some(d) => vm.truth(d)?,
        None => true,
    };
    if !daemon {
        WAITED_FOR.lock().push(handle.shared.clone());
    }
    let job = Job { function, args: Tuple::empty().into(), kwargs: None };
    launch(vm, job, handle.shared.clone())?;
    Ok(handle.into())
}

/// Waits for a thread's end; false when the time is over.
fn wait_end(vm: &mut Vm, done: &Arc<Done>, wait: &Wait) -> PyResult<bool> {
    loop {
        if done.state.lock().0 {
            return Ok(true);
        }
        let slice = match wait {
            Wait::No => return Ok(false),
            Wait::Forever => Duration::from_millis(50),
            Wait::Until(t) => match t.checked_duration_since(Instant::now()) {
                Some(d) if !d.is_zero() => d.min(Duration::from_millis(50)),
                _ => return Ok(false),
            },
        };
        let d = done.clone();
        vm.allow_threads(move || {
            let mut s = d.state.lock();
            if !s.0 {
                d.ended.wait_for(&mut s, slice);
            }
        });
        vm.check_signals()?;
    }
}

fn shutdown(vm: &mut Vm) -> PyResult {
    loop {
        let Some(d) = WAITED_FOR.lock().pop() else { return Ok(none()) };
        if d.state.lock().1 != vm.ident {
            wait_end(vm, &d, &Wait::Forever)?;
        }
    }
}

fn make_handle(vm: &mut Vm, ident: &Value) -> PyResult {
    let ident = vm.to_i64(ident)? as u64;
    let done = Done::default();
    done.state.lock().1 = ident;
    Ok(instance::new(Handle { shared: Arc::new(done) }).into())
}

fn excepthook(vm: &mut Vm, info: &Value) -> PyResult {
    let parts = vm.sequence(info, "_thread._excepthook argument type must be ExceptHookArgs")?;
    if let Some(e) = parts.get(1).filter(|e| !e.is_none()) {
        exc::print::display(vm, &e.clone());
    }
    Ok(none())
}

fn handle(v: &Value) -> &Py<Handle> {
    v.downcast::<Handle>().expect("method of _ThreadHandle")
}

/// `_thread._ThreadHandle`
pub static HANDLE: TypeDef = TypeDef::new::<Handle>("_thread._ThreadHandle")
    .flags(TypeFlags::WEAKREFABLE)
    .slots(Slots {
        new: Some(|_, _, _| Ok(instance::new(Handle { shared: Arc::default() }).into())),
        repr: Some(|vm, v| {
            let ident = handle(v).shared.state.lock().1;
            Ok(vm.new_str(&format!("<_ThreadHandle object: ident={ident}>")))
        }),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "join",
            "($self, timeout=None, /)",
            "Wait for the thread's end.",
            N(|vm, a| {
                let h = handle(a[0].as_ref().expect("self")).clone();
                let ident = vm.ident;
                if h.shared.state.lock().1 == ident {
                    return Err(vm.runtime_error("Cannot join current thread"));
                }
                let wait = match a[1].as_ref().filter(|t| !t.is_none()) {
                    None => Wait::Forever,
                    Some(t) => {
                        let s = vm.to_f64(t)?;
                        if s < 0.0 {
                            Wait::Forever
                        } else {
                            Wait::Until(Instant::now() + Duration::from_secs_f64(s.min(TIMEOUT_MAX)))
                        }
                    }
                };
                wait_end(vm, &h.shared, &wait)?;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "is_done",
            "($self, /)",
            "Whether the thread has ended.",
            F1(|_, v| Ok(boolean(handle(v).shared.state.lock().0))),
        ),
        MethodDef::method(
            "_set_done",
            "($self, /)",
            "Mark the thread as ended.",
            F1(|_, v| {
                handle(v).shared.state.lock().0 = true;
                handle(v).shared.ended.notify_all();
                Ok(none())
            }),
        ),
    ])
    .getset(&[GetSetDef::get("ident", "", |_, v| {
        Ok(taipan_runtime::types::int::Int::from_u64(handle(v).shared.state.lock().1))
    })]);

// ---- thread-local data --------------------------------------------------------------------------------------------------

/// Payload of `_local`: one dictionary for each thread.
pub struct Local {
    dicts: RefCell<std::collections::BTreeMap<u64, Py<Dict>>>,
    args: Option<Value>,
}
taipan_runtime::payload!(Local, LOCAL,
    traverse(self, visit) {
        self.dicts.borrow().values().for_each(|d| visit(d.as_value()));
        self.args.iter().for_each(visit);
    },
    clear(self) { self.dicts.get_mut().clear() });
impl Frozen for Local {}

/// `_thread._local`
pub static LOCAL: TypeDef = TypeDef::new::<Local>("_thread._local")
    .doc("Thread-local data")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::WEAKREFABLE).union(TypeFlags::CUSTOM_GETATTR))
    .slots(Slots {
        new: Some(|vm, class, args| {
            static SIGNATURE: Signature = Signature::new("_local", "(*args, **kwargs)");
            let b = args.bind(vm, &SIGNATURE)?;
            Ok(instance::new_of(class, Local { dicts: RefCell::default(), args: b[0].clone() }).into())
        }),
        init: Some(|_, _, _| Ok(())),
        getattr: Some(|vm, v, name| {
            let d = local_dict(vm, v)?;
            if name.is_text("__dict__") {
                return Ok(d.into());
            }
            if let Some(x) = d.lookup_str(name) {
                return Ok(x);
            }
            taipan_runtime::types::object::generic_getattr(vm, v, name)
        }),
        setattr: Some(|vm, v, name, x| {
            let d = local_dict(vm, v)?;
            match x {
                Some(x) => {
                    d.store_str(name, x.clone());
                    Ok(())
                }
                None => match d.remove_str(name) {
                    Some(_) => Ok(()),
                    None => {
                        let class = v.class().payload.name();
                        let text = format!("'{class}' object has no attribute '{}'", name.to_rust());
                        Err(exc::raise_attribute_error(vm, v, name, &text))
                    }
                },
            }
        }),
        ..Slots::NONE
    });

/// This thread's dictionary; a subclass's `__init__` runs when a thread first touches the object.
fn local_dict(vm: &mut Vm, v: &Value) -> PyResult<Py<Dict>> {
    let l = v.downcast::<Local>().expect("method of _local").clone();
    let ident = vm.ident;
    let have = l.dicts.borrow().get(&ident).cloned();
    if let Some(d) = have {
        return Ok(d);
    }
    let d = Dict::new_object();
    let first = l.dicts.borrow().is_empty();
    l.dicts.borrow_mut().insert(ident, d.clone());
    if !first {
        if let (Some(init), Some(args)) = (v.class().payload.slots().init, &l.args) {
            let all = vm.collect(args)?;
            init(vm, v, &Args::positional(&all))?;
        }
    }
    Ok(d)
}
