//! What is written when a process dies or hangs: the Python stacks of all threads, by functions that may run in a signal's
//! handler (no allocation, no lock that is waited for). The form is that of CPython's `Python/traceback.c`.
//!
//! Two clients: the module `faulthandler`, whose reports a program asks for, and the crash report of the interpreter
//! itself, which a real fault (one that the processor raised, not one that somebody sent) always gets: such a fault is a
//! bug of ours, and the process ends with status 70. Names in the native stack are found by a fresh process of the same
//! binary, since this one can no longer be trusted with memory.

use super::frame::{Frame, at_base};
use super::watch::{self, Leaf, Spot};
use super::{Vm, gil};
use crate::types::code::Code;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering::*};

/// Exit status of a bug of ours.
pub const BUG: i32 = 70;
/// Frames of a thread and threads that are shown.
const MAX_FRAMES: usize = 100;
/// Native frames that are shown.
const MAX_NATIVE: usize = 48;
/// Characters of a name that are shown.
const MAX_TEXT: usize = 500;

// ---- writing ----------------------------------------------------------------------------------------------------------

/// Writes to a descriptor through a small buffer.
pub struct Out {
    fd: i32,
    buffer: [u8; 512],
    used: usize,
}

impl Out {
    /// A writer to `fd`.
    pub fn new(fd: i32) -> Out {
        Out { fd, buffer: [0; 512], used: 0 }
    }

    fn byte(&mut self, b: u8) {
        if self.used == self.buffer.len() {
            self.flush();
        }
        self.buffer[self.used] = b;
        self.used += 1;
    }

    /// Text as it is.
    pub fn put(&mut self, text: &str) -> &mut Out {
        text.bytes().for_each(|b| self.byte(b));
        self
    }

    /// Text with everything that is not printable ASCII escaped.
    pub fn escaped(&mut self, text: &str) -> &mut Out {
        for c in text.chars().take(MAX_TEXT) {
            match c as u32 {
                n @ 0x20..0x7F => self.byte(n as u8),
                n if n < 0x100 => _ = self.put("\\x").hex(n as usize, 2),
                n if n < 0x1_0000 => _ = self.put("\\u").hex(n as usize, 4),
                n => _ = self.put("\\U").hex(n as usize, 8),
            }
        }
        if text.chars().nth(MAX_TEXT).is_some() {
            self.put("...");
        }
        self
    }

    /// A decimal number.
    pub fn number(&mut self, n: u64) -> &mut Out {
        if n >= 10 {
            self.number(n / 10);
        }
        self.byte(b'0' + (n % 10) as u8);
        self
    }

    /// A hexadecimal number of at least `width` digits.
    pub fn hex(&mut self, n: usize, width: usize) -> &mut Out {
        let digits = ((usize::BITS - n.leading_zeros()) as usize).div_ceil(4).max(width).max(1);
        for i in (0..digits).rev() {
            self.byte(b"0123456789abcdef"[n >> (4 * i) & 15]);
        }
        self
    }

    /// Hands everything to the system.
    pub fn flush(&mut self) {
        let mut from = 0;
        while from < self.used {
            // SAFETY: the bytes are initialised.
            let n = unsafe { libc::write(self.fd, self.buffer.as_ptr().add(from).cast(), self.used - from) };
            if n <= 0 {
                break;
            }
            from += n as usize;
        }
        self.used = 0;
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.flush();
    }
}

// ---- Python stacks ----------------------------------------------------------------------------------------------------

/// One thread's frames, innermost first.
unsafe fn frames(out: &mut Out, vm: *const Vm, leaf: Leaf) {
    // SAFETY: as `watch::walk`.
    unsafe {
        let frame: *mut Frame = if vm.is_null() { std::ptr::null_mut() } else { (*vm).frame };
        if frame.is_null() || at_base(frame) {
            out.put("  <no Python frame>\n");
            return;
        }
        let mut n = 0;
        watch::walk(vm, leaf, &mut |spot| {
            match spot {
                Spot::Python { code, unit } => {
                    if n == MAX_FRAMES {
                        return false;
                    }
                    n += 1;
                    let code = &*(code as *const Code);
                    let c = &code.canonical;
                    let line = c.line_at(code.running().canonical_unit(unit as usize) * 2).unwrap_or(0);
                    out.put("  File \"").escaped(&c.filename).put("\", line ").number(line.max(0) as u64);
                    out.put(" in ").escaped(&c.name).put("\n");
                }
                Spot::Collector => _ = out.put("  Garbage-collecting\n"),
                Spot::Native(_) | Spot::Class(_) => {}
            }
            true
        });
    }
}

unsafe fn header(out: &mut Out, vm: *const Vm, current: bool) {
    // SAFETY: a living thread.
    let ident = unsafe { (*vm).ident };
    out.put(if current { "Current thread 0x" } else { "Thread 0x" }).hex(ident as usize, 16);
    let mut name = [0u8; 32];
    // SAFETY: a living thread; the buffer's size is told.
    let r = unsafe { libc::pthread_getname_np(ident as libc::pthread_t, name.as_mut_ptr().cast(), name.len()) };
    let end = name.iter().position(|c| *c == 0).unwrap_or(0);
    if r == 0 && end > 0 {
        out.put(" [");
        name[..end].iter().for_each(|b| out.byte(*b));
        out.put("]");
    }
    out.put(" (most recent call first):\n");
}

/// Writes the stack of the calling thread (`all` false) or of all threads, the newest first.
///
/// # Safety
/// `current` is the calling thread's state or null; `leaf` says where it is. Other threads' stacks are read as they are:
/// exact when the caller holds the GIL.
pub unsafe fn dump(out: &mut Out, current: *const Vm, leaf: Leaf, all: bool) {
    // SAFETY: by the caller's promise.
    unsafe {
        if !all {
            out.put("Stack (most recent call first):\n");
            frames(out, current, leaf);
            return;
        }
        let Some(threads) = gil::Threads::if_free() else {
            out.put("<the list of threads is being changed>\n");
            if !current.is_null() {
                header(out, current, true);
                frames(out, current, leaf);
            }
            return;
        };
        for (i, &vm) in threads.list().iter().rev().enumerate() {
            if i == MAX_FRAMES {
                out.put("...\n");
                break;
            }
            if i > 0 {
                out.put("\n");
            }
            let is_current = std::ptr::eq(vm as *const Vm, current);
            header(out, vm as *const Vm, is_current);
            frames(out, vm as *const Vm, if is_current { leaf } else { Leaf::Native });
        }
    }
}

/// As [`dump`], for the running thread outside of signal handlers.
pub fn dump_here(vm: &Vm, fd: i32, all: bool) {
    // SAFETY: `&Vm` is the GIL, and native code runs.
    unsafe { dump(&mut Out::new(fd), vm, Leaf::Native, all) };
}

// ---- native stack -----------------------------------------------------------------------------------------------------

type Unwound = extern "C" fn(*mut libc::c_void, *mut libc::c_void) -> libc::c_int;

unsafe extern "C" {
    fn _Unwind_Backtrace(each: Unwound, data: *mut libc::c_void) -> libc::c_int;
    fn _Unwind_GetIP(context: *mut libc::c_void) -> usize;
}

struct Addresses {
    all: [usize; MAX_NATIVE],
    count: usize,
}

extern "C" fn add_address(context: *mut libc::c_void, data: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `data` is what `addresses` passed.
    let a = unsafe { &mut *data.cast::<Addresses>() };
    if a.count == MAX_NATIVE {
        return 5; // _URC_END_OF_STACK
    }
    // SAFETY: the unwinder's own context.
    let address = unsafe { _Unwind_GetIP(context) };
    if address == 0 {
        return 5;
    }
    a.all[a.count] = address;
    a.count += 1;
    0
}

fn addresses() -> Addresses {
    let mut a = Addresses { all: [0; MAX_NATIVE], count: 0 };
    // SAFETY: the function and its data fit each other.
    unsafe { _Unwind_Backtrace(add_address, (&raw mut a).cast()) };
    a
}

/// Writes the native stack of the calling thread as CPython's `_Py_DumpStack` does: files and addresses, and names where
/// the dynamic linker knows them.
pub fn dump_native(out: &mut Out) {
    out.put("Current thread's C stack trace (most recent call first):\n");
    let a = addresses();
    for &address in &a.all[..a.count] {
        // SAFETY: zero is a valid value; the call fills it.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        // SAFETY: any address may be asked about.
        let known = unsafe { libc::dladdr(address as *const libc::c_void, &mut info) } != 0;
        out.put("  Binary file \"");
        if known && !info.dli_fname.is_null() {
            // SAFETY: the linker's own strings.
            let name = unsafe { std::ffi::CStr::from_ptr(info.dli_fname) };
            name.to_bytes().iter().for_each(|b| out.byte(*b));
        }
        out.put("\"");
        if known && !info.dli_sname.is_null() {
            // SAFETY: as above.
            let name = unsafe { std::ffi::CStr::from_ptr(info.dli_sname) };
            out.put(", at ");
            name.to_bytes().iter().for_each(|b| out.byte(*b));
            out.put("+0x").hex(address - info.dli_saddr as usize, 1);
        } else if known {
            out.put(", at +0x").hex(address - info.dli_fbase as usize, 1);
        }
        out.put(" [0x").hex(address, 1).put("]\n");
    }
}

// ---- fatal signals ----------------------------------------------------------------------------------------------------

/// The signals that end a process, with CPython's words for them.
pub const FATAL: [(i32, &str); 5] = [
    (libc::SIGBUS, "Bus error"),
    (libc::SIGILL, "Illegal instruction"),
    (libc::SIGFPE, "Floating-point exception"),
    (libc::SIGABRT, "Aborted"),
    (libc::SIGSEGV, "Segmentation fault"),
];

/// Where `faulthandler.enable` wants its report; -1: it is off.
static REPORT_FD: AtomicI32 = AtomicI32::new(-1);
static ALL_THREADS: AtomicBool = AtomicBool::new(true);
/// Real faults are our bugs and reported as such.
static BUG_REPORTS: AtomicBool = AtomicBool::new(false);
/// What the command line prefers to call with the addresses of a native stack: a word of our own binary.
static HELPER: AtomicPtr<libc::c_char> = AtomicPtr::new(std::ptr::null_mut());
static IN_REPORT: AtomicBool = AtomicBool::new(false);

fn install(signal: i32) -> bool {
    // SAFETY: a plain sigaction call with a handler of the right form.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_fatal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(signal, &action, std::ptr::null_mut()) == 0
    }
}

fn to_default(signal: i32) {
    // SAFETY: a plain call.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// `faulthandler.enable`
pub fn enable(fd: i32, all_threads: bool) -> bool {
    ALL_THREADS.store(all_threads, Relaxed);
    REPORT_FD.store(fd, Relaxed);
    FATAL.iter().all(|(signal, _)| install(*signal))
}

/// `faulthandler.disable`; whether it was on.
pub fn disable() -> bool {
    let was = REPORT_FD.swap(-1, Relaxed) >= 0;
    if was {
        to_default(libc::SIGABRT);
        if !BUG_REPORTS.load(Relaxed) {
            FATAL.iter().for_each(|(signal, _)| to_default(*signal));
        }
    }
    was
}

/// `faulthandler.is_enabled`
pub fn is_enabled() -> bool {
    REPORT_FD.load(Relaxed) >= 0
}

/// Reports faults and panics of the interpreter as bugs of ours. `helper` is a word of our own binary's command line that
/// is followed by the process's number and the addresses of a native stack, and prints their names.
pub fn report_bugs(helper: &'static std::ffi::CStr) {
    HELPER.store(helper.as_ptr().cast_mut(), Relaxed);
    BUG_REPORTS.store(true, Relaxed);
    FATAL.iter().filter(|(signal, _)| *signal != libc::SIGABRT).for_each(|(signal, _)| _ = install(*signal));
    std::panic::set_hook(Box::new(|info| {
        if !IN_REPORT.swap(true, AcqRel) {
            let mut out = Out::new(2);
            out.put("Taipan panicked: ");
            let text = info.payload_as_str().unwrap_or("(no message)");
            text.bytes().for_each(|b| out.byte(b));
            if let Some(l) = info.location() {
                out.put(", at ").put(l.file()).put(":").number(l.line().into());
            }
            // SAFETY: this thread's own state.
            unsafe { bug(out, gil::current(), Leaf::Native) };
        }
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(BUG) }
    }));
}

/// The rest of a report on a bug of ours, after its first words.
unsafe fn bug(mut out: Out, vm: *const Vm, leaf: Leaf) {
    out.put(".\nThis is a bug of Taipan, not of the program. Python stack:\n\n");
    // SAFETY: by the caller's promise.
    unsafe { dump(&mut out, vm, leaf, true) };
    out.put("\nNative stack (most recent call first):\n");
    out.flush();
    let a = addresses();
    let helper = HELPER.load(Relaxed);
    // SAFETY: the arguments are strings that end in 0, and the list ends in null.
    if helper.is_null() || !unsafe { names_by_helper(helper, &a) } {
        dump_native(&mut out);
    }
    out.put("\nPlease report it with these lines: ").put(env!("CARGO_PKG_REPOSITORY")).put("/issues\n");
}

/// Lets a fresh process print the names; false when that did not work.
unsafe fn names_by_helper(helper: *const libc::c_char, a: &Addresses) -> bool {
    let mut text = [[0u8; 20]; MAX_NATIVE + 1];
    let mut argv = [std::ptr::null::<libc::c_char>(); MAX_NATIVE + 4];
    argv[0] = c"taipan".as_ptr();
    argv[1] = helper;
    // SAFETY: fork and exec may be called in a signal's handler; the child does nothing else.
    unsafe {
        let numbers = std::iter::once(libc::getpid() as usize).chain(a.all[..a.count].iter().copied());
        for (i, n) in numbers.enumerate() {
            let mut at = 19;
            let mut rest = n;
            while at > 0 {
                at -= 1;
                text[i][at] = b'0' + (rest % 10) as u8;
                rest /= 10;
                if rest == 0 {
                    break;
                }
            }
            argv[i + 2] = text[i].as_ptr().add(at).cast();
        }
        let child = libc::fork();
        if child == 0 {
            libc::execv(c"/proc/self/exe".as_ptr(), argv.as_ptr());
            libc::_exit(127);
        }
        let mut status = 0;
        child > 0 && libc::waitpid(child, &mut status, 0) == child && status == 0
    }
}

extern "C" fn on_fatal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel's own information.
    let real = !info.is_null() && unsafe { (*info).si_code } > 0;
    to_default(signal);
    let vm = gil::current();
    if !IN_REPORT.swap(true, AcqRel) {
        let words = FATAL.iter().find(|(s, _)| *s == signal).map_or("Unknown signal", |(_, w)| w);
        // SAFETY: this thread's own state; the context is this signal's.
        unsafe {
            let leaf = if vm.is_null() { Leaf::Native } else { watch::leaf_at_signal(vm, context) };
            let fd = REPORT_FD.load(Relaxed);
            if fd >= 0 {
                let mut out = Out::new(fd);
                out.put("Fatal Python error: ").put(words).put("\n\n");
                dump(&mut out, vm, leaf, ALL_THREADS.load(Relaxed));
                out.put("\n");
                out.flush();
                dump_native(&mut out);
            }
            if real && BUG_REPORTS.load(Relaxed) {
                let mut out = Out::new(2);
                out.put("Taipan crashed: ").put(words).put(" (address 0x");
                out.hex((*info).si_addr() as usize, 1).put(")");
                bug(out, vm, leaf);
                libc::_exit(BUG);
            }
        }
        IN_REPORT.store(false, Release);
    }
    // SAFETY: the signal's default is back: this ends the process.
    unsafe { libc::raise(signal) };
}

// ---- a stack for handlers -----------------------------------------------------------------------------------------------

/// Bytes of a thread's stack for signal handlers: unwinding needs more than the system's usual 8 KiB.
const HANDLER_STACK: usize = 128 << 10;

/// A thread's stack for signal handlers; given back when the thread ends.
struct HandlerStack(*mut libc::c_void);

impl Drop for HandlerStack {
    fn drop(&mut self) {
        // SAFETY: plain calls; the mapping is ours, and no handler runs on it now.
        unsafe {
            let mut now: libc::stack_t = std::mem::zeroed();
            libc::sigaltstack(std::ptr::null(), &mut now);
            if now.ss_sp == self.0 {
                now.ss_flags = libc::SS_DISABLE;
                libc::sigaltstack(&now, std::ptr::null_mut());
            }
            libc::munmap(self.0, HANDLER_STACK);
        }
    }
}

thread_local!(static HANDLER_STACKS: std::cell::OnceCell<HandlerStack> = const { std::cell::OnceCell::new() });

/// Gives the calling thread a stack for signal handlers, when bugs are reported.
pub(super) fn prepare_thread() {
    if !BUG_REPORTS.load(Relaxed) {
        return;
    }
    HANDLER_STACKS.with(|slot| {
        // SAFETY: a private mapping, checked; plain calls.
        unsafe {
            let p = libc::mmap(
                std::ptr::null_mut(),
                HANDLER_STACK,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            );
            if p == libc::MAP_FAILED {
                return;
            }
            let stack = libc::stack_t { ss_sp: p, ss_flags: 0, ss_size: HANDLER_STACK };
            if slot.get().is_some() || libc::sigaltstack(&stack, std::ptr::null_mut()) != 0 {
                libc::munmap(p, HANDLER_STACK);
                return;
            }
            let _ = slot.set(HandlerStack(p));
        }
    });
}

// ---- signals of the user ----------------------------------------------------------------------------------------------

/// One signal that `faulthandler.register` takes.
struct Registered {
    fd: AtomicI32,
    all_threads: AtomicBool,
    chain: AtomicBool,
    /// The handler before ours.
    before: AtomicPtr<libc::sigaction>,
}

const SIGNALS: usize = 65;
static REGISTERED: [Registered; SIGNALS] = [const {
    Registered {
        fd: AtomicI32::new(-1),
        all_threads: AtomicBool::new(true),
        chain: AtomicBool::new(false),
        before: AtomicPtr::new(std::ptr::null_mut()),
    }
}; SIGNALS];

fn user_action(chain: bool) -> libc::sigaction {
    // SAFETY: zero is a valid value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_user as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART | if chain { libc::SA_NODEFER } else { 0 };
    action
}

extern "C" fn on_user(signal: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let r = &REGISTERED[signal as usize];
    let fd = r.fd.load(Relaxed);
    if fd < 0 {
        return;
    }
    // SAFETY: errno is this thread's; the state is its own; the actions were given by the system.
    unsafe {
        let errno = *libc::__errno_location();
        let vm = gil::current();
        let leaf = if vm.is_null() { Leaf::Native } else { watch::leaf_at_signal(vm, context) };
        dump(&mut Out::new(fd), vm, leaf, r.all_threads.load(Relaxed));
        if r.chain.load(Relaxed) {
            libc::sigaction(signal, r.before.load(Relaxed), std::ptr::null_mut());
            *libc::__errno_location() = errno;
            libc::raise(signal);
            let errno = *libc::__errno_location();
            libc::sigaction(signal, &user_action(true), std::ptr::null_mut());
            *libc::__errno_location() = errno;
        } else {
            *libc::__errno_location() = errno;
        }
    }
}

/// `faulthandler.register`; the error is errno.
pub fn register(signal: i32, fd: i32, all_threads: bool, chain: bool) -> Result<(), i32> {
    let r = &REGISTERED[signal as usize];
    let was = r.fd.swap(fd, Relaxed);
    r.all_threads.store(all_threads, Relaxed);
    r.chain.store(chain, Relaxed);
    // SAFETY: plain calls; the place for the old action is never freed.
    unsafe {
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, &user_action(chain), &mut before) != 0 {
            r.fd.store(-1, Relaxed);
            return Err(crate::host::errno());
        }
        if was < 0 {
            r.before.store(Box::into_raw(Box::new(before)), Relaxed);
        }
    }
    Ok(())
}

/// `faulthandler.unregister`; whether the signal was registered.
pub fn unregister(signal: i32) -> bool {
    let r = &REGISTERED[signal as usize];
    if r.fd.swap(-1, Relaxed) < 0 {
        return false;
    }
    // SAFETY: the action was stored by `register`.
    unsafe { libc::sigaction(signal, r.before.load(Relaxed), std::ptr::null_mut()) };
    true
}

// ---- a hanging program ------------------------------------------------------------------------------------------------

static ASKED_FD: AtomicI32 = AtomicI32::new(-1);
static ANSWERS: AtomicU32 = AtomicU32::new(0);

extern "C" fn on_asked(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let vm = gil::current();
    let fd = ASKED_FD.swap(-1, AcqRel);
    if fd >= 0 && !vm.is_null() {
        // SAFETY: this thread's own stack.
        unsafe {
            let errno = *libc::__errno_location();
            let mut out = Out::new(fd);
            header(&mut out, vm, false);
            frames(&mut out, vm, watch::leaf_at_signal(vm, context));
            out.flush();
            *libc::__errno_location() = errno;
        }
    }
    ANSWERS.fetch_add(1, Release);
}

/// Writes the stacks of all threads from a native thread: those that rest are read, the running one writes its own.
pub fn dump_from_outside(fd: i32) {
    let signal = libc::SIGRTMAX() - 4;
    // SAFETY: a plain sigaction call; threads in the list live, and those without the GIL do not move.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_asked as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        libc::sigaction(signal, &action, std::ptr::null_mut());
        gil::with_gil_held_still(|held| {
            for (i, &t) in held.threads.iter().rev().enumerate() {
                let vm = t as *mut Vm;
                let mut out = Out::new(fd);
                if i > 0 {
                    out.put("\n");
                    out.flush();
                }
                if vm != held.holder {
                    header(&mut out, vm, false);
                    frames(&mut out, vm, Leaf::Native);
                    continue;
                }
                let before = ANSWERS.load(Acquire);
                ASKED_FD.store(fd, Release);
                libc::pthread_kill((*vm).ident as libc::pthread_t, signal);
                for _ in 0..1000 {
                    if ANSWERS.load(Acquire) != before {
                        break;
                    }
                    libc::usleep(200);
                }
                if ASKED_FD.swap(-1, AcqRel) >= 0 {
                    header(&mut out, vm, false);
                    out.put("  <does not answer>\n");
                }
            }
        });
    }
}

// ---- crashes on request -----------------------------------------------------------------------------------------------

/// Reads from address 0.
pub fn read_null() -> u8 {
    // SAFETY: none: the fault is what is asked for (`faulthandler._read_null`).
    unsafe { std::ptr::read_volatile(std::hint::black_box(std::ptr::null::<u8>())) }
}

/// Uses the native stack up.
#[allow(unconditional_recursion)]
pub fn overflow_stack(depth: usize) -> usize {
    let room = std::hint::black_box([depth; 512]);
    std::hint::black_box(overflow_stack(depth + 1) + room[depth % 512])
}
