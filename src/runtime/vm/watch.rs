//! Looking at threads' stacks from outside: who is where, for the sampling profiler and for crash reports.
//!
//! A thread that does not hold the GIL does not move, so another thread may read its frames while nobody can take the
//! GIL. The one that holds it is asked by a signal and reads its own frames in the signal's handler. That is exact where
//! a look at the next safe point would not be: time is charged to the instruction that runs, not to the next loop end or
//! call. Frames are linked only when complete (`push_frame`), and the handler allocates nothing and takes no lock.
//!
//! Where the innermost frame is: native code finds `Frame::ip` saved. In a handler of the eval loop (they lie in one
//! section of the binary) it is in one of the processor's registers: the one that points into the frame's running copy.
//!
//! What is recorded are addresses of code objects and rows of tables. Code objects that have run are kept for good once
//! watching began, so that an address seen remains one.

use super::frame::{Frame, at_base};
use super::handlers::call::exit_unit;
use super::running::Unit;
use super::{Vm, gil};
use crate::object::{MethodDef, TypeObj, Value};
use crate::types::code::{Code, keep_alive};
use crate::types::method::{BuiltinFunction, MethodDescriptor};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use taipan_bytecode::Op;

/// Most places of one stack that are recorded; of a deeper one, the innermost.
pub const MAX_SPOTS: usize = 2048;

/// What stands at one place of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Spot {
    /// A Python frame: its code object's payload and the unit of its running copy.
    Python {
        /// Address of the code.
        code: usize,
        /// Unit of the running copy.
        unit: u32,
    },
    /// A native function, by the address of its row.
    Native(usize),
    /// A builtin class being called, by its address.
    Class(usize),
    /// The cycle collector.
    Collector,
}

/// Mark of a class in [`Frame::native`]; rows are aligned.
const CLASS: usize = 1;

/// Notes that the instruction at the innermost frame's `ip` calls a native function.
///
/// # Safety
/// `vm` is the running thread, its innermost frame is live.
#[inline(always)]
pub unsafe fn calling(vm: *mut Vm, def: &'static MethodDef) {
    // SAFETY: by the caller's promise.
    unsafe { (*(*vm).frame).native.write(def as *const MethodDef as usize) };
}

/// As [`calling`], for any callable.
///
/// # Safety
/// As [`calling`].
#[inline]
pub unsafe fn calling_any(vm: *mut Vm, f: &Value) {
    let word = if let Some(f) = f.downcast_exact::<BuiltinFunction>() {
        f.def as *const MethodDef as usize
    } else if let Some(f) = f.downcast_exact::<MethodDescriptor>() {
        f.def as *const MethodDef as usize
    } else if f.downcast::<crate::object::Type>().is_some() {
        builtin_class(f.word())
    } else {
        builtin_class(f.class() as *const TypeObj as usize)
    };
    // SAFETY: by the caller's promise.
    unsafe { (*(*vm).frame).native.write(word) };
}

/// The mark of a class, if it is a builtin one: what classes made by Python code run is seen in their own frames.
fn builtin_class(class: usize) -> usize {
    // SAFETY: the word of a live type object.
    if unsafe { (*(class as *const crate::object::header::Header)).is_immortal() } { class | CLASS } else { 0 }
}

/// The native callable that a frame's call instruction stands at, if it is one.
unsafe fn native_of(frame: *mut Frame, ip: *const Unit) -> Option<Spot> {
    // SAFETY: as `walk`.
    unsafe {
        let running = &*(*frame).running;
        let at = running.canonical_unit(running.index_of(ip)) * 2;
        let code = &*running.code;
        let op = code.canonical.code.get(at).copied()?;
        if ![Op::CALL as u8, Op::CALL_KW as u8, Op::CALL_FUNCTION_EX as u8].contains(&op) {
            return None;
        }
        match (*frame).native.assume_init() {
            0 => None,
            w if w & CLASS != 0 => Some(Spot::Class(w & !CLASS)),
            w => Some(Spot::Native(w)),
        }
    }
}

/// Where the innermost frame of a thread is.
#[derive(Clone, Copy)]
pub enum Leaf {
    /// In native code: the frame's own `ip` counts.
    Native,
    /// In a handler, at this instruction.
    Handler(*const Unit),
}

/// Visits a thread's places, innermost first, until `each` says false. Async-signal-safe if `each` is.
///
/// # Safety
/// The thread is the caller's, or does not move (see the module's text).
pub unsafe fn walk(vm: *const Vm, leaf: Leaf, each: &mut dyn FnMut(Spot) -> bool) {
    // SAFETY: linked frames are complete; a frame's running copy lives as long as it.
    unsafe {
        let mut frame = (*vm).frame;
        if frame.is_null() || at_base(frame) {
            return;
        }
        let (mut ip, mut below_native) = match leaf {
            Leaf::Native => ((*frame).ip, true),
            Leaf::Handler(ip) => (ip, false),
        };
        if below_native && crate::object::gc::collecting() && gil::holder().cast_const() == vm && !each(Spot::Collector)
        {
            return;
        }
        while !frame.is_null() && !at_base(frame) {
            let running = &*(*frame).running;
            // A frame of a program that went wrong may have any `ip`.
            let unit = (ip as usize).wrapping_sub(running.start() as usize) / 8;
            if unit < running.unit_count() {
                if below_native {
                    if let Some(native) = native_of(frame, ip) {
                        if !each(native) {
                            return;
                        }
                    }
                }
                if !each(Spot::Python { code: running.code as usize, unit: unit as u32 }) {
                    return;
                }
            }
            below_native = (*frame).ret_ip == exit_unit();
            frame = (*frame).prev;
            if !frame.is_null() {
                ip = (*frame).ip;
            }
        }
    }
}

// ---- where a signal met the thread -----------------------------------------------------------------------------------

#[cfg(target_os = "linux")]
unsafe extern "C" {
    #[link_name = "__start_taipan_handlers"]
    static HANDLERS_START: u8;
    #[link_name = "__stop_taipan_handlers"]
    static HANDLERS_STOP: u8;
}

#[cfg(target_os = "linux")]
fn in_handlers(pc: usize) -> bool {
    // The linker sets both around the section that `handler!` names.
    (&raw const HANDLERS_START as usize..&raw const HANDLERS_STOP as usize).contains(&pc)
}

#[cfg(not(target_os = "linux"))]
fn in_handlers(_: usize) -> bool {
    false
}

/// Program counter, stack pointer, and the other registers, the likeliest home of `ip` first.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
unsafe fn registers(context: *mut libc::c_void) -> (usize, usize, [usize; 15]) {
    use libc::*;
    // SAFETY: the kernel's context of a SA_SIGINFO handler.
    let g = unsafe { &(*context.cast::<ucontext_t>()).uc_mcontext.gregs };
    let order = [
        REG_RDI, REG_RBX, REG_R14, REG_R15, REG_R12, REG_R13, REG_RBP, REG_RAX, REG_RSI, REG_RDX, REG_RCX, REG_R8,
        REG_R9, REG_R10, REG_R11,
    ];
    (g[REG_RIP as usize] as usize, g[REG_RSP as usize] as usize, order.map(|r| g[r as usize] as usize))
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
unsafe fn registers(context: *mut libc::c_void) -> (usize, usize, [usize; 15]) {
    // SAFETY: the kernel's context of a SA_SIGINFO handler.
    let m = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    let order = [0, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 1, 2, 8, 9];
    (m.pc as usize, m.sp as usize, order.map(|r| m.regs[r] as usize))
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
unsafe fn registers(_: *mut libc::c_void) -> (usize, usize, [usize; 15]) {
    (0, 0, [0; 15])
}

/// Where a signal met the running thread.
///
/// # Safety
/// `context` is the third argument of this signal's handler; `vm` is the thread that runs it.
pub unsafe fn leaf_at_signal(vm: *const Vm, context: *mut libc::c_void) -> Leaf {
    // SAFETY: by the caller's promise; the words above the stack pointer are the interrupted function's.
    unsafe {
        let frame = (*vm).frame;
        if context.is_null() || frame.is_null() || at_base(frame) {
            return Leaf::Native;
        }
        let (pc, sp, all) = registers(context);
        if !in_handlers(pc) {
            return Leaf::Native;
        }
        let running = &*(*frame).running;
        let start = running.start() as usize;
        let units = start..start + running.unit_count() * 8;
        let spilled = (0..8).map(|i| *(sp as *const usize).add(i));
        let found = all.into_iter().chain(spilled).find(|w| units.contains(w) && w.is_multiple_of(8));
        Leaf::Handler(found.map_or((*frame).ip, |w| w as *const Unit))
    }
}

// ---- asking the running thread ----------------------------------------------------------------------------------------

const IDLE: u32 = 0;
const ASKED: u32 = 1;
const WRITING: u32 = 2;
const ANSWERED: u32 = 3;

/// The one question in flight.
struct Question {
    state: AtomicU32,
    thread: AtomicU64,
    count: AtomicUsize,
    /// Room for [`MAX_SPOTS`].
    spots: AtomicPtr<Spot>,
}

static QUESTION: Question = Question {
    state: AtomicU32::new(IDLE),
    thread: AtomicU64::new(0),
    count: AtomicUsize::new(0),
    spots: AtomicPtr::new(std::ptr::null_mut()),
};

extern "C" fn on_question(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if QUESTION.state.compare_exchange(ASKED, WRITING, AcqRel, Relaxed).is_err() {
        return;
    }
    let vm = gil::current();
    if vm.is_null() {
        QUESTION.state.store(IDLE, Release);
        return;
    }
    // SAFETY: this thread's own frames; the room belongs to whoever moved the state to WRITING.
    unsafe {
        let room = QUESTION.spots.load(Relaxed);
        let mut n = 0;
        walk(vm, leaf_at_signal(vm, context), &mut |spot| {
            room.add(n).write(spot);
            n += 1;
            n < MAX_SPOTS
        });
        QUESTION.count.store(n, Relaxed);
        QUESTION.thread.store((*vm).ident, Relaxed);
    }
    QUESTION.state.store(ANSWERED, Release);
}

/// The signal that asks: a real-time one, which programs hardly use.
fn question_signal() -> libc::c_int {
    libc::SIGRTMAX() - 3
}

static WATCHING: AtomicBool = AtomicBool::new(false);

/// A code object is about to run for the first time.
pub(super) fn first_run(code: &Code) {
    if WATCHING.load(Relaxed) {
        // SAFETY: a live code object, the GIL is held.
        unsafe { keep_alive(code) };
    }
}

/// What one look found of one thread.
pub struct Look<'a> {
    /// Its identity.
    pub thread: u64,
    /// Whether it held the GIL.
    pub running: bool,
    /// The round it was asked in.
    pub round: u64,
    /// Its places, innermost first; empty when it runs no Python code.
    pub spots: &'a [Spot],
}

/// The right to look at all threads, from a native thread of the tool. One for a process.
pub struct Watcher {
    asked: u64,
    room: Vec<Spot>,
    ends: Vec<(u64, usize)>,
}

impl Watcher {
    /// Begins to watch: code objects that have run or will run are kept for good.
    pub fn new(vm: &mut Vm) -> std::io::Result<Watcher> {
        let _ = vm;
        WATCHING.store(true, Relaxed);
        // A child that was forked off in the middle of a question knows nobody who would read the answer.
        QUESTION.state.store(IDLE, Release);
        // SAFETY: `&mut Vm` is the GIL; the walk allocates nothing; the room is never freed; a plain sigaction call.
        unsafe {
            crate::object::heap::walk_objects(|h, _, _| {
                if (*h).typ.get() == crate::types::code::CODE.object() as *const TypeObj {
                    keep_alive(&raw const (*h.cast::<crate::object::value::Obj<Code>>()).payload);
                }
            });
            if QUESTION.spots.load(Relaxed).is_null() {
                let room: Box<[Spot]> = vec![Spot::Collector; MAX_SPOTS].into_boxed_slice();
                QUESTION.spots.store(Box::leak(room).as_mut_ptr(), Release);
            }
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_question as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
            libc::sigfillset(&mut action.sa_mask);
            // Crashes inside the handler are reported, not waited for.
            for s in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT] {
                libc::sigdelset(&mut action.sa_mask, s);
            }
            if libc::sigaction(question_signal(), &action, std::ptr::null_mut()) != 0 {
                return Err(std::io::Error::last_os_error());
            }
        }
        Ok(Watcher { asked: 0, room: Vec::with_capacity(MAX_SPOTS), ends: Vec::new() })
    }

    /// One round: tells of the thread that was asked in an earlier round, if it has answered, and of all threads that do
    /// not run; asks the one that does. False when the one asked before has not answered yet, so that none was asked.
    pub fn look(&mut self, round: u64, each: &mut dyn FnMut(Look<'_>)) -> bool {
        self.take_answer(each);
        let free = QUESTION.state.load(Acquire) == IDLE;
        self.room.clear();
        self.ends.clear();
        let Watcher { room, ends, asked } = self;
        gil::with_gil_held_still(|held| {
            for &t in held.threads {
                let vm = t as *mut Vm;
                // SAFETY: threads leave the list before they end; those without the GIL do not move.
                unsafe {
                    if vm != held.holder {
                        let start = room.len();
                        walk(vm, Leaf::Native, &mut |s| {
                            room.push(s);
                            room.len() - start < MAX_SPOTS
                        });
                        ends.push(((*vm).ident, room.len()));
                    } else if free {
                        *asked = round;
                        QUESTION.state.store(ASKED, Release);
                        libc::pthread_kill((*vm).ident as libc::pthread_t, question_signal());
                    }
                }
            }
        });
        let mut start = 0;
        for &(thread, end) in ends.iter() {
            each(Look { thread, running: false, round, spots: &room[start..end] });
            start = end;
        }
        free
    }

    /// Tells of the thread that was asked, if it has answered.
    pub fn take_answer(&mut self, each: &mut dyn FnMut(Look<'_>)) {
        if QUESTION.state.load(Acquire) == ANSWERED {
            // SAFETY: the answer is complete, and the room is this side's until the state is idle again.
            let spots = unsafe {
                std::slice::from_raw_parts(QUESTION.spots.load(Relaxed), QUESTION.count.load(Relaxed).min(MAX_SPOTS))
            };
            each(Look { thread: QUESTION.thread.load(Relaxed), running: true, round: self.asked, spots });
            QUESTION.state.store(IDLE, Release);
        }
    }

    /// Gives up a question that a thread does not answer (it blocks signals).
    pub fn give_up(&mut self) {
        let _ = QUESTION.state.compare_exchange(ASKED, IDLE, AcqRel, Relaxed);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.give_up();
        WATCHING.store(false, Relaxed);
    }
}

/// CPU time a thread has used so far, in nanoseconds; `None` when it is over.
pub fn cpu_time(thread: u64) -> Option<u64> {
    gil::with_gil_held_still(|held| {
        // SAFETY: threads leave the list before they end.
        let alive = held.threads.iter().any(|&t| unsafe { (*(t as *const Vm)).ident } == thread);
        if !alive {
            return None;
        }
        // SAFETY: a living thread; checked calls.
        unsafe {
            let mut clock = 0;
            let mut time: libc::timespec = std::mem::zeroed();
            if libc::pthread_getcpuclockid(thread as libc::pthread_t, &mut clock) != 0
                || libc::clock_gettime(clock, &mut time) != 0
            {
                return None;
            }
            Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
        }
    })
}

/// Names that threads were given, by identity, where the system keeps the first bytes only.
static LONG_NAMES: parking_lot::Mutex<Vec<(u64, String)>> = parking_lot::Mutex::new(Vec::new());

/// This thread is called so from now on.
pub fn named(name: &str) {
    if WATCHING.load(Relaxed) {
        let ident = gil::this_thread();
        let mut names = LONG_NAMES.lock();
        names.retain(|(i, _)| *i != ident);
        names.push((ident, name.to_owned()));
    }
}

/// The name of a thread, as far as it is known outside of Python's objects; `None` when it is over.
pub fn thread_name(thread: u64) -> Option<String> {
    gil::with_gil_held_still(|held| {
        // SAFETY: threads leave the list before they end.
        let alive = held.threads.iter().any(|&t| unsafe { (*(t as *const Vm)).ident } == thread);
        let mut name = [0u8; 64];
        // SAFETY: a living thread; the buffer's size is told.
        if !alive
            || unsafe { libc::pthread_getname_np(thread as libc::pthread_t, name.as_mut_ptr().cast(), name.len()) } != 0
        {
            return None;
        }
        let end = name.iter().position(|c| *c == 0).unwrap_or(0);
        let short = String::from_utf8_lossy(&name[..end]).into_owned();
        let long =
            LONG_NAMES.lock().iter().find(|(i, n)| *i == thread && n.starts_with(&short)).map(|(_, n)| n.clone());
        Some(long.unwrap_or(short))
    })
}

// ---- names ------------------------------------------------------------------------------------------------------------

/// What a place is called.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// `co_qualname`, or the native function's name with its module or type.
    pub name: String,
    /// `co_filename`; empty for native code.
    pub file: String,
    /// Line; 0 for native code and for code without lines.
    pub line: u32,
    /// `co_firstlineno`; 0 for native code.
    pub first_line: u32,
}

/// Names of native functions, by the address of their rows.
pub struct NativeNames(rustc_hash::FxHashMap<usize, String>);

impl NativeNames {
    /// The names of all functions that live as objects; rows of the tables are known anyway.
    pub fn collect(_: &Vm) -> NativeNames {
        let mut names = rustc_hash::FxHashMap::default();
        let row = |def: &'static MethodDef| def as *const MethodDef as usize;
        let of_type =
            |owner: &TypeObj, def: &MethodDef| format!("{}.{}", crate::types::typeobject::short_name(owner), def.name);
        // SAFETY: `&Vm` is the GIL; the walk reads payloads of live objects whose type it has compared.
        unsafe {
            crate::object::heap::walk_objects(|h, _, _| {
                let typ = (*h).typ.get();
                if typ == crate::types::method::BUILTIN_FUNCTION.object() as *const TypeObj {
                    let f = &(*h.cast::<crate::object::value::Obj<BuiltinFunction>>()).payload;
                    let module = f.module.as_ref().and_then(|m| m.downcast::<crate::types::str::Str>());
                    let name = match (module.map(|m| m.to_rust().into_owned()), f.owner) {
                        (_, Some(owner)) => of_type(owner, f.def),
                        (Some(module), _) if module != "builtins" => format!("{module}.{}", f.def.name),
                        _ => f.def.name.to_owned(),
                    };
                    names.insert(row(f.def), name);
                } else if typ == crate::types::method::METHOD_DESCRIPTOR.object() as *const TypeObj {
                    let f = &(*h.cast::<crate::object::value::Obj<MethodDescriptor>>()).payload;
                    names.insert(row(f.def), of_type(&*f.owner, f.def));
                }
            });
        }
        NativeNames(names)
    }
}

impl Spot {
    /// The place's names; `None` for what neither `natives` nor a table knows.
    pub fn place(&self, _: &Vm, natives: &NativeNames) -> Option<Place> {
        let native = |name: String| Place { name, file: String::new(), line: 0, first_line: 0 };
        match *self {
            Spot::Python { code, unit } => {
                // SAFETY: codes seen are kept for good; `&Vm` is the GIL.
                let code = unsafe { &*(code as *const Code) };
                let c = &code.canonical;
                let line = code.running().line_of_unit(unit as usize);
                let first_line = u32::try_from(c.firstlineno).unwrap_or(0);
                let line = if line == 0 { first_line } else { line };
                Some(Place { name: c.qualname.to_string(), file: c.filename.to_string(), line, first_line })
            }
            Spot::Native(def) => natives.0.get(&def).cloned().or_else(|| super::call::name_of_row(def)).map(native),
            Spot::Class(class) => {
                let types = crate::types::table::TYPES.iter().chain(crate::types::exceptions::ALL);
                let mut types = types.chain(crate::import::native_modules().flat_map(|m| m.types));
                let t = types.find(|t| t.object() as *const TypeObj as usize == class)?;
                Some(native(t.name.to_owned()))
            }
            Spot::Collector => Some(native("garbage collection".to_owned())),
        }
    }

    /// The function that a place belongs to, the same for all its lines.
    pub fn function(&self) -> Spot {
        match *self {
            Spot::Python { code, .. } => Spot::Python { code, unit: 0 },
            other => other,
        }
    }
}
