//! Threads and the GIL: who may run Python code, when it is handed over, and starting and ending of threads.
//!
//! The lock is handed over as in CPython (`Python/ceval_gil.c`): a thread that waits longer than the switch interval asks
//! the holder through its breaker word. Everything unsafe elsewhere that says "guarded by the GIL" rests on this file.

use super::frame::Frame;
use super::handlers::Registers;
use super::{ExcItem, Vm, Word, breaker};
use crate::object::{PyResult, Value};
use parking_lot::{Condvar, Mutex};
use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*};
use std::time::Duration;

/// Words of a thread's Python stack (reserved; touched pages count).
const STACK_WORDS: usize = 4 << 20;

struct Gil {
    held: Mutex<bool>,
    freed: Condvar,
}

static GIL: Gil = Gil { held: Mutex::new(false), freed: Condvar::new() };
/// The thread that holds the GIL.
static HOLDER: AtomicPtr<Vm> = AtomicPtr::new(std::ptr::null_mut());
static INTERVAL_MICROS: AtomicU64 = AtomicU64::new(5000);
static WAITERS: AtomicU32 = AtomicU32::new(0);
/// The main thread's state.
static MAIN: AtomicPtr<Vm> = AtomicPtr::new(std::ptr::null_mut());
static THREADS: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static PENDING: Mutex<Vec<PendingCall>> = Mutex::new(Vec::new());

type PendingCall = Box<dyn FnOnce(&mut Vm) -> PyResult<()> + Send>;

thread_local!(static CURRENT: Cell<*mut Vm> = const { Cell::new(std::ptr::null_mut()) });

/// Seconds a thread waits for the GIL before it asks the holder (`sys.getswitchinterval`).
pub fn switch_interval() -> f64 {
    INTERVAL_MICROS.load(Relaxed) as f64 / 1e6
}

/// Sets the switch interval, in seconds.
pub fn set_switch_interval(seconds: f64) {
    INTERVAL_MICROS.store((seconds * 1e6).max(1.0) as u64, Relaxed);
}

/// Waits for the GIL.
fn acquire(vm: *mut Vm) {
    let mut held = GIL.held.lock();
    WAITERS.fetch_add(1, Relaxed);
    while *held {
        let wait = Duration::from_micros(INTERVAL_MICROS.load(Relaxed));
        if GIL.freed.wait_for(&mut held, wait).timed_out() && *held {
            let holder = HOLDER.load(Acquire);
            if !holder.is_null() {
                // SAFETY: the holder's state lives while it holds the GIL, and `held` is locked: it cannot give it up.
                unsafe { (*holder).breaker.fetch_or(breaker::GIL, Relaxed) };
            }
        }
    }
    WAITERS.fetch_sub(1, Relaxed);
    *held = true;
    HOLDER.store(vm, Release);
}

/// Gives the GIL up.
fn release() {
    let mut held = GIL.held.lock();
    HOLDER.store(std::ptr::null_mut(), Release);
    *held = false;
    drop(held);
    GIL.freed.notify_one();
}

/// Lets a waiting thread run.
pub fn yield_to_others(vm: &mut Vm) {
    if WAITERS.load(Relaxed) == 0 {
        return;
    }
    release();
    std::thread::yield_now();
    acquire(vm);
}

/// The thread that holds the GIL; null when none does.
pub fn holder() -> *mut Vm {
    HOLDER.load(Relaxed)
}

/// Sets breaker bits of the thread that holds the GIL (the caller's own).
pub fn request_current(bits: u32) {
    let holder = HOLDER.load(Relaxed);
    if !holder.is_null() {
        // SAFETY: the holder is this thread.
        unsafe { (*holder).breaker.fetch_or(bits, Relaxed) };
    }
}

/// Sets breaker bits of the main thread; safe to call from a signal handler.
pub fn request_main(bits: u32) {
    let main = MAIN.load(Relaxed);
    if !main.is_null() {
        // SAFETY: the main thread's state is never freed.
        unsafe { (*main).breaker.fetch_or(bits, Relaxed) };
    }
}

/// Sets breaker bits of every thread.
pub fn request_all(bits: u32) {
    for &t in THREADS.lock().iter() {
        // SAFETY: threads take themselves off the list before their state ends.
        unsafe { (*(t as *mut Vm)).breaker.fetch_or(bits, Relaxed) };
    }
}

/// Idents and states of all threads.
///
/// # Safety
/// The GIL is held while the pointers are used.
pub unsafe fn threads() -> Vec<*mut Vm> {
    THREADS.lock().iter().map(|&t| t as *mut Vm).collect()
}

/// The process's threads while none of them can take or give up the GIL.
pub struct Held<'a> {
    /// Who holds the GIL; null when nobody does.
    pub holder: *mut Vm,
    /// All threads. The frames of those other than `holder` do not change.
    pub threads: &'a [usize],
}

/// Calls `f` while nobody can take or give up the GIL; `f` must be brief and touch no objects. For native threads that
/// look at others.
pub fn with_gil_held_still<R>(f: impl FnOnce(Held<'_>) -> R) -> R {
    let held = GIL.held.lock();
    let threads = THREADS.lock();
    let holder = if *held { HOLDER.load(Acquire) } else { std::ptr::null_mut() };
    f(Held { holder, threads: &threads })
}

/// The list of all threads while it does not change.
pub struct Threads(parking_lot::MutexGuard<'static, Vec<usize>>);

impl Threads {
    /// The list, without waiting for a lock that somebody may hold for good: for reports of a crash.
    pub fn if_free() -> Option<Threads> {
        THREADS.try_lock().map(Threads)
    }

    /// Addresses of the threads' states, oldest first.
    pub fn list(&self) -> &[usize] {
        &self.0
    }
}

/// Queues a call for the main thread, run at its next safepoint.
pub fn call_in_main(f: impl FnOnce(&mut Vm) -> PyResult<()> + Send + 'static) {
    PENDING.lock().push(Box::new(f));
    request_main(breaker::PENDING);
}

/// Runs queued calls.
pub fn run_pending(vm: &mut Vm) -> PyResult<()> {
    let calls = std::mem::take(&mut *PENDING.lock());
    for f in calls {
        f(vm)?;
    }
    Ok(())
}

impl Vm {
    fn blank(ident: u64, stack: *mut Word) -> Box<Vm> {
        // SAFETY: the base frame is at the stack's start; the mapping is zeroed and large enough.
        unsafe {
            let base = stack.cast::<Frame>();
            base.write(Frame {
                running: std::ptr::null(),
                func: std::ptr::null(),
                prev: std::ptr::null_mut(),
                ret_ip: std::ptr::null(),
                ret_sp: std::ptr::null_mut(),
                fp: stack,
                ip: std::ptr::null(),
                namespace: 0,
                object: 0,
                top: std::ptr::null_mut(),
                flags: 0,
                node: 0,
                native: std::mem::MaybeUninit::uninit(),
            });
            let mut exc_base = Box::new(ExcItem { value: None, previous: std::ptr::null_mut() });
            let exc_info: *mut ExcItem = &mut *exc_base;
            Box::new(Vm {
                frame: base,
                sp: Frame::stack(base),
                stack_limit: stack.add(STACK_WORDS - 4096),
                breaker: AtomicU32::new(0),
                depth_left: RECURSION_LIMIT.load(Relaxed) as i32,
                error: None,
                exc_info,
                exc_base,
                skip_traceback: false,
                reraise_lasti: None,
                registers: Registers::EMPTY,
                stack_base: stack,
                native_limit: native_limit(),
                ident,
                reprs: Vec::new(),
                context: None,
                asyncgen_hooks: (None, None),
                coroutine_origin_depth: 0,
                dict: None,
                async_exc: None,
                hooks: crate::probe::ThreadHooks::default(),
            })
        }
    }

    /// Gives up the GIL while `f` runs; `f` must not touch objects.
    pub fn allow_threads<R>(&mut self, f: impl FnOnce() -> R) -> R {
        release();
        let r = f();
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        acquire(self);
        // SAFETY: errno is this thread's own.
        unsafe { *libc::__errno_location() = errno };
        r
    }

    /// `sys.getrecursionlimit()`.
    pub fn recursion_limit(&self) -> i32 {
        RECURSION_LIMIT.load(Relaxed) as i32
    }

    /// How deeply calls of Python functions nest on this thread.
    pub fn recursion_depth(&self) -> i32 {
        self.recursion_limit() - self.depth_left
    }

    /// Sets the recursion limit of all threads; false when the present depth is beyond it.
    pub fn set_recursion_limit(&mut self, limit: i32) -> bool {
        let old = RECURSION_LIMIT.load(Relaxed) as i32;
        let depth = old - self.depth_left;
        if depth >= limit {
            return false;
        }
        RECURSION_LIMIT.store(limit as u32, Relaxed);
        for &t in THREADS.lock().iter() {
            // SAFETY: the GIL is held; threads take themselves off the list before their state ends.
            unsafe { (*(t as *mut Vm)).depth_left += limit - old };
        }
        true
    }
}

static RECURSION_LIMIT: AtomicU32 = AtomicU32::new(1000);

fn native_limit() -> usize {
    // SAFETY: plain calls about this thread's own stack.
    unsafe {
        let mut attr: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) != 0 {
            return 0;
        }
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        libc::pthread_attr_getstack(&attr, &mut low, &mut size);
        libc::pthread_attr_destroy(&mut attr);
        // A margin for native code between two checks.
        low as usize + (256 << 10).min(size / 4)
    }
}

fn map_stack() -> *mut Word {
    // SAFETY: a private mapping, checked.
    unsafe {
        let p = libc::mmap(
            std::ptr::null_mut(),
            STACK_WORDS * 8,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        assert!(p != libc::MAP_FAILED, "no memory for a Python stack");
        p.cast()
    }
}

/// Makes this thread one that runs Python code: waits for the GIL and gives its state. The first one is the main thread.
pub fn attach() -> &'static mut Vm {
    // SAFETY: pthread_self has no preconditions.
    let ident = unsafe { libc::pthread_self() } as u64;
    let vm = Box::leak(Vm::blank(ident, map_stack()));
    let p: *mut Vm = vm;
    let _ = MAIN.compare_exchange(std::ptr::null_mut(), p, AcqRel, Relaxed);
    acquire(p);
    THREADS.lock().push(p as usize);
    CURRENT.with(|c| c.set(p));
    super::crash::prepare_thread();
    crate::probe::switchboard::thread_starts(vm);
    vm
}

/// Ends what [`attach`] began on this thread.
pub fn detach(vm: &'static mut Vm) {
    crate::probe::switchboard::thread_ends(vm);
    let p: *mut Vm = vm;
    let dead: (Option<Value>, Option<Value>, Option<Value>) = (vm.dict.take(), vm.context.take(), vm.error.take());
    drop(dead);
    vm.run_ends();
    THREADS.lock().retain(|&t| t != p as usize);
    CURRENT.with(|c| c.set(std::ptr::null_mut()));
    // SAFETY: the state is off all lists and the GIL still held by this thread; the stack was mapped by `attach`.
    unsafe {
        let stack = (*p).stack_base;
        release();
        drop(Box::from_raw(p));
        libc::munmap(stack.cast(), STACK_WORDS * 8);
    }
}

/// Runs `fork` (given as `f`) while no other thread is inside the GIL's own lock.
pub fn around_fork<R>(f: impl FnOnce() -> R) -> R {
    let held = GIL.held.lock();
    let r = f();
    drop(held);
    r
}

/// After `fork` in the child: this thread is the only one.
pub fn after_fork_child(vm: &mut Vm) {
    let p: *mut Vm = vm;
    // The lock is held for moments only; `before_fork` made sure that nobody held it at the fork.
    *GIL.held.lock() = true;
    HOLDER.store(p, Release);
    WAITERS.store(0, Relaxed);
    *THREADS.lock() = vec![p as usize];
    MAIN.store(p, Relaxed);
    // SAFETY: pthread_self has no preconditions.
    vm.ident = unsafe { libc::pthread_self() } as u64;
}

/// Whether this is the main thread.
pub fn is_main(vm: &Vm) -> bool {
    std::ptr::eq(MAIN.load(Relaxed), vm)
}

/// The state of this thread, for entry points that have no handle (a signal handler's crash report).
pub fn current() -> *mut Vm {
    CURRENT.with(Cell::get)
}

static SIGNAL_HANDLER: std::sync::OnceLock<fn(&mut Vm) -> PyResult<()>> = std::sync::OnceLock::new();

/// Installs the function that runs Python signal handlers (the `_signal` module, once).
pub fn set_signal_runner(f: fn(&mut Vm) -> PyResult<()>) {
    let _ = SIGNAL_HANDLER.set(f);
}

impl Vm {
    /// Runs the Python handlers of signals that arrived (main thread).
    pub fn check_signals(&mut self) -> PyResult<()> {
        if let Some(signal) = crate::host::deadly::waiting() {
            crate::probe::ending::by_signal(self, signal);
        }
        // Who waits in a call of the system may be asked for a pause there.
        if self.breaker.load(Relaxed) & breaker::PAUSE != 0 {
            self.breaker.fetch_and(!breaker::PAUSE, Relaxed);
            crate::probe::pause(self)?;
        }
        match SIGNAL_HANDLER.get() {
            Some(f) => f(self),
            None => Ok(()),
        }
    }
}

/// Identity of the main thread.
pub fn main_ident(vm: &Vm) -> u64 {
    let main = MAIN.load(Relaxed);
    // SAFETY: the main thread's state is never freed.
    if main.is_null() { vm.ident } else { unsafe { (*main).ident } }
}

/// Takes back what was boxed and sent as a number to a new thread; the thread holds the GIL by now.
pub fn unpack_job<T>(number: usize) -> Box<T> {
    // SAFETY: the sender made the number by `Box::into_raw` of a `T` and it is used once.
    unsafe { Box::from_raw(number as *mut T) }
}

/// Identity of the calling thread, attached or not.
pub fn this_thread() -> u64 {
    // SAFETY: pthread_self has no preconditions.
    unsafe { libc::pthread_self() as u64 }
}
