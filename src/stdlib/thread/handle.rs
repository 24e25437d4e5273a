//! Starting threads, and handles to wait for them.

use crate::system::{int, timeout};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};
use std::time::{Duration, Instant};
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::builtins::sys::machine::finalizing;
use taipan_runtime::object::{
    Frozen, GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, Value, boolean, instance, none,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::args::Args;
use taipan_runtime::vm::{Vm, gil};

static MAIN: AtomicU64 = AtomicU64::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// Handles of threads that are no daemons, to be waited for at the end.
static WAITED_FOR: Mutex<Vec<Arc<State>>> = Mutex::new(Vec::new());

/// Notes the importing thread as the main one, if none is known.
pub fn note_main(vm: &mut Vm) {
    let _ = MAIN.compare_exchange(0, vm.ident, Relaxed, Relaxed);
}

/// Identity of the main thread.
pub fn main_ident() -> u64 {
    MAIN.load(Relaxed)
}

/// How many threads run that were started here.
pub fn running() -> usize {
    RUNNING.load(Relaxed)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    NotStarted,
    Running,
    Done,
}

/// All that was started and may still run.
static STARTED: Mutex<Vec<Arc<State>>> = Mutex::new(Vec::new());

/// What a handle and its thread share.
struct State {
    stage: Mutex<(Stage, u64)>,
    changed: Condvar,
}

impl State {
    /// Whether this is the running thread of that identity.
    fn is_of(&self, ident: u64) -> bool {
        self.stage.try_lock().is_some_and(|s| *s == (Stage::Running, ident))
    }
    fn new() -> Arc<State> {
        Arc::new(State { stage: Mutex::new((Stage::NotStarted, 0)), changed: Condvar::new() })
    }
    fn set(&self, stage: Stage, ident: Option<u64>) {
        let mut s = self.stage.lock();
        s.0 = stage;
        if let Some(i) = ident {
            s.1 = i;
        }
        drop(s);
        self.changed.notify_all();
    }
    /// Counts as done a thread that is not in this process. (If it, or one that waited for it, held the mutex at the
    /// fork, the state stays as it was: nobody is left to open the mutex.)
    fn lost(&self) {
        if let Some(mut s) = self.stage.try_lock() {
            s.0 = Stage::Done;
        }
    }
    /// Waits until the thread is done or the moment has come.
    fn wait(&self, until: Option<Instant>) -> bool {
        let mut s = self.stage.lock();
        while s.0 != Stage::Done {
            match until {
                None => self.changed.wait(&mut s),
                Some(u) => {
                    if self.changed.wait_until(&mut s, u).timed_out() {
                        return s.0 == Stage::Done;
                    }
                }
            }
        }
        true
    }
}

/// Payload of `_ThreadHandle`.
pub struct Handle {
    state: Arc<State>,
}
taipan_runtime::payload!(Handle, HANDLE);
impl Frozen for Handle {}

/// `_thread._ThreadHandle`
pub static HANDLE: TypeDef = TypeDef::new::<Handle>("_thread._ThreadHandle")
    .doc("A thread to wait for.")
    .slots(Slots {
        new: Some(|vm, _, args| {
            args.exactly(vm, "_ThreadHandle", 0)?;
            Ok(instance::new(Handle { state: State::new() }).into())
        }),
        repr: Some(|_, v| {
            let ident = state(v).stage.lock().1;
            Ok(Str::from_rust(&format!("<_thread._ThreadHandle object: ident={ident}>")).into())
        }),
        ..Slots::NONE
    })
    .getset(&[GetSetDef::get("ident", "Identity of the thread.", |_, v| Ok(int(state(v).stage.lock().1 as i64)))])
    .methods(&[
        MethodDef::method("join", "($self, timeout=None, /)", "Wait for the thread.", N(join)),
        MethodDef::method(
            "is_done",
            "($self, /)",
            "Whether the thread has ended.",
            F1(|_, v| Ok(boolean(state(v).stage.lock().0 == Stage::Done))),
        ),
        MethodDef::method(
            "_set_done",
            "($self, /)",
            "Count the thread as ended.",
            F1(|vm, v| {
                if state(v).stage.lock().0 == Stage::NotStarted {
                    return Err(vm.runtime_error("thread not started"));
                }
                state(v).set(Stage::Done, None);
                Ok(none())
            }),
        ),
    ]);

fn state(v: &Value) -> Arc<State> {
    v.downcast::<Handle>().expect("a method of _ThreadHandle is called on one").state.clone()
}

/// Waits without the GIL; the main thread looks for signals in between. Gives whether the thread is done.
fn wait(vm: &mut Vm, s: &Arc<State>, limit: Option<i64>) -> PyResult<bool> {
    let end = limit.map(|n| Instant::now() + Duration::from_nanos(n.max(0) as u64));
    let main = gil::is_main(vm);
    loop {
        let step = main.then(|| Instant::now() + Duration::from_millis(50));
        let until = match (end, step) {
            (Some(e), Some(s)) => Some(e.min(s)),
            (e, s) => e.or(s),
        };
        let shared = s.clone();
        if vm.allow_threads(move || shared.wait(until)) {
            return Ok(true);
        }
        if end.is_some_and(|e| Instant::now() >= e) {
            return Ok(false);
        }
        vm.check_signals()?;
    }
}

fn join(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let s = state(&a[0].clone().unwrap_or_else(none));
    let limit = timeout(vm, a[1].as_ref())?.filter(|&n| n >= 0);
    let (stage, ident) = *s.stage.lock();
    match stage {
        Stage::NotStarted => return Err(vm.runtime_error("thread not started")),
        Stage::Running if ident == vm.ident => return Err(vm.runtime_error("Cannot join current thread")),
        Stage::Running if finalizing() => {
            return Err(vm.new_error(&exc::PYTHON_FINALIZATION_ERROR, "cannot join thread at interpreter shutdown"));
        }
        _ => {}
    }
    wait(vm, &s, limit)?;
    Ok(none())
}

/// `_make_thread_handle(ident)`
pub fn make_thread_handle(vm: &mut Vm, ident: &Value) -> PyResult {
    let ident = vm.to_i64(ident)? as u64;
    let s = State::new();
    s.set(Stage::Running, Some(ident));
    Ok(instance::new(Handle { state: s }).into())
}

/// Waits for all threads that are no daemons.
pub fn shutdown(vm: &mut Vm) -> PyResult {
    loop {
        let me = vm.ident;
        let next = WAITED_FOR.lock().iter().find(|s| s.stage.lock().1 != me).cloned();
        let Some(s) = next else { return Ok(none()) };
        wait(vm, &s, None)?;
        WAITED_FOR.lock().retain(|o| !Arc::ptr_eq(o, &s));
    }
}

/// In a child process: this thread is the main one, all others are gone.
pub fn after_fork_child(vm: &mut Vm) {
    MAIN.store(vm.ident, Relaxed);
    // Both lists change under the GIL only, so that nobody held them at the fork.
    WAITED_FOR.lock().clear();
    let all = std::mem::take(&mut *STARTED.lock());
    let (mine, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.is_of(vm.ident));
    others.iter().for_each(|s| s.lost());
    RUNNING.store(mine.len(), Relaxed);
    *STARTED.lock() = mine;
}

/// A call handed to a new thread: the counted references of its objects pass with it.
struct Work {
    function: usize,
    args: usize,
    kwargs: usize,
    state: Arc<State>,
}

/// Starts a thread and waits until it has its identity.
fn start(vm: &mut Vm, function: &Value, args: Py<Tuple>, kwargs: Option<Py<Dict>>, s: Arc<State>) -> PyResult<u64> {
    let work = Work {
        function: function.clone().into_word(),
        args: args.into_value().into_word(),
        kwargs: kwargs.map_or_else(none, Into::into).into_word(),
        state: s.clone(),
    };
    if finalizing() {
        let message = "can't create new thread at interpreter shutdown";
        return Err(vm.new_error(&exc::PYTHON_FINALIZATION_ERROR, message));
    }
    s.set(Stage::Running, None);
    let (tell, told) = std::sync::mpsc::channel();
    let born = std::thread::Builder::new().stack_size(super::native_stack()).spawn(move || {
        let vm = gil::attach();
        let work = work;
        work.state.set(Stage::Running, Some(vm.ident));
        RUNNING.fetch_add(1, Relaxed);
        STARTED.lock().push(work.state.clone());
        let _ = tell.send(vm.ident);
        run(vm, &work);
        super::local::forget(vm);
        RUNNING.fetch_sub(1, Relaxed);
        // While the GIL is held, so that a fork finds the lists in order. Whoever waits goes on when it is given up.
        STARTED.lock().retain(|o| !Arc::ptr_eq(o, &work.state));
        WAITED_FOR.lock().retain(|o| !Arc::ptr_eq(o, &work.state));
        work.state.set(Stage::Done, None);
        gil::detach(vm);
    });
    match born {
        Ok(_) => match vm.allow_threads(move || told.recv()) {
            Ok(ident) => Ok(ident),
            Err(_) => Err(vm.runtime_error("can't start new thread")),
        },
        Err(_) => {
            s.set(Stage::Done, None);
            Err(vm.runtime_error("can't start new thread"))
        }
    }
}

/// Runs the call of a thread; exceptions end here.
fn run(vm: &mut Vm, work: &Work) {
    // SAFETY: `start` passed one counted reference in each word, and this thread holds the GIL (I1).
    let [f, args, kwargs] = [work.function, work.args, work.kwargs].map(|w| unsafe { Value::from_word(w) });
    let mut all = args.downcast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    let mut names = Vec::new();
    if let Some(d) = kwargs.downcast::<Dict>() {
        for (k, v) in d.pairs() {
            names.push(k);
            all.push(v);
        }
    }
    let names = Tuple::from_vec(names);
    let r = vm.call_kw(&f, &Args::new(&all, Some(&names)));
    drop(all);
    if r.is_err() {
        if vm.error_is(&exc::SYSTEM_EXIT) {
            vm.clear_error();
        } else {
            let e = vm.take_error();
            let shown = vm.repr(&f).map(|r| r.to_rust().into_owned()).unwrap_or_default();
            vm.set_pending(e);
            vm.unraisable(None, Some(&format!("Exception ignored in thread started by {shown}")));
        }
    }
    drop((r, f, args, kwargs));
    vm.run_ends();
}

/// `start_new_thread(function, args[, kwargs])`
pub fn start_new_thread(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let (f, args) = (a[0].clone().unwrap_or_else(none), a[1].clone().unwrap_or_else(none));
    if !vm.callable(&f) {
        return Err(vm.type_error("first arg must be callable"));
    }
    let Some(args) = args.downcast::<Tuple>().cloned() else { return Err(vm.type_error("2nd arg must be a tuple")) };
    let kwargs = match &a[2] {
        None => None,
        Some(v) => match v.downcast::<Dict>() {
            Some(d) => Some(d.clone()),
            None => return Err(vm.type_error("optional 3rd arg must be a dictionary")),
        },
    };
    let named = kwargs.clone().map_or_else(none, Into::into);
    audit(vm, "_thread.start_new_thread", &[f.clone(), args.as_value().clone(), named])?;
    start(vm, &f, args, kwargs, State::new()).map(|i| int(i as i64))
}

/// `start_joinable_thread(function, handle=None, daemon=True)`
pub fn start_joinable_thread(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let f = a[0].clone().unwrap_or_else(none);
    if !vm.callable(&f) {
        return Err(vm.type_error("thread function must be callable"));
    }
    let handle = match &a[1] {
        Some(h) if !h.is_none() => {
            if h.downcast::<Handle>().is_none() {
                return Err(vm.type_error("'handle' must be a _ThreadHandle"));
            }
            h.clone()
        }
        _ => instance::new(Handle { state: State::new() }).into(),
    };
    let daemon = match &a[2] {
        Some(d) => vm.truth(d)?,
        None => true,
    };
    let given = a[1].clone().unwrap_or_else(none);
    audit(vm, "_thread.start_joinable_thread", &[f.clone(), int(daemon as i64), given])?;
    let s = state(&handle);
    if s.stage.lock().0 != Stage::NotStarted {
        return Err(vm.runtime_error("thread already started"));
    }
    if !daemon {
        WAITED_FOR.lock().push(s.clone());
    }
    if let Err(r) = start(vm, &f, Tuple::empty(), None, s.clone()) {
        WAITED_FOR.lock().retain(|o| !Arc::ptr_eq(o, &s));
        return Err(r);
    }
    Ok(handle)
}
