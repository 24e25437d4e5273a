//! The cycle collector: generational, by walking pools; no links in objects (`InternalDocs/garbage_collector.md` gives the
//! algorithm's rules, `gc`'s documentation the interface).
//!
//! A collection copies the counts of its candidates aside, subtracts references among them, and what is not reached from
//! those still counted is garbage: weak references to it are cleared, finalisers run once (PEP 442), what is still
//! unreachable afterwards is cleared. Ages are two bits in the header; a collection of the young looks only at pools that
//! handed out blocks since the last one, and tuples that can be in no cycle are left alone once that is known.

use super::header::{Header, flag};
use super::heap::{self, candidates::*};
use super::typedef::TypeFlags;
use super::value::Value;
use crate::types::tuple::{TUPLE, Tuple};
use crate::vm::{Vm, breaker};
use std::cell::{Cell, RefCell};

/// State of the collector; guarded by the GIL.
pub struct Gc {
    /// Net allocations of container objects since the last young collection.
    count0: Cell<i32>,
    /// Young collections since the last middle one, middle ones since the last full one.
    pub count1: Cell<i32>,
    /// See `count1`.
    pub count2: Cell<i32>,
    /// `gc.get_threshold()`
    pub thresholds: Cell<[i32; 3]>,
    /// `gc.isenabled()`
    pub enabled: Cell<bool>,
    /// A collection is in progress.
    collecting: Cell<bool>,
    /// `gc.get_debug()`
    pub debug: Cell<u32>,
    /// Collections, collected and uncollectable objects of each generation (`gc.get_stats`).
    pub stats: RefCell<[[usize; 3]; 3]>,
    /// Objects that survived the last full collection, and those that survived middle ones since.
    long_lived: Cell<(usize, usize)>,
    /// Collect at every safepoint.
    pub stress: Cell<bool>,
}
// SAFETY: guarded by the GIL (I1).
unsafe impl Sync for Gc {}

/// The one collector.
pub static GC: Gc = Gc {
    count0: Cell::new(0),
    count1: Cell::new(0),
    count2: Cell::new(0),
    thresholds: Cell::new([2000, 10, 10]),
    enabled: Cell::new(true),
    collecting: Cell::new(false),
    debug: Cell::new(0),
    stats: RefCell::new([[0; 3]; 3]),
    long_lived: Cell::new((0, 0)),
    stress: Cell::new(false),
};

/// Counts the allocation of a container object.
#[inline(always)]
pub fn allocated() {
    let n = GC.count0.get() + 1;
    GC.count0.set(n);
    if n >= GC.thresholds.get()[0] {
        due();
    }
}

/// Counts the end of a container object.
#[inline(always)]
pub fn freed() {
    let n = GC.count0.get();
    if n > 0 {
        GC.count0.set(n - 1);
    }
}

/// From now on a collection is due at the first safepoint after each container's allocation.
pub fn set_stress() {
    GC.stress.set(true);
    due();
}

/// Whether a collection is in progress; may be asked from a signal handler.
pub fn collecting() -> bool {
    GC.collecting.get()
}

/// Net allocations since the last young collection.
pub fn count0() -> i32 {
    GC.count0.get()
}

#[cold]
fn due() {
    if GC.enabled.get() && !GC.collecting.get() && GC.thresholds.get()[0] > 0 {
        crate::vm::gil::request_current(breaker::GC);
    }
}

/// Runs the collection that is due, as `Python/gc.c` decides it.
pub fn collect_due(vm: &mut Vm) {
    let [t0, t1, t2] = GC.thresholds.get();
    if !GC.enabled.get() || t0 == 0 || (GC.count0.get() < t0 && !GC.stress.get()) {
        return;
    }
    let mut generation = 0;
    if GC.count2.get() > t2 {
        let (total, pending) = GC.long_lived.get();
        if pending >= total / 4 {
            generation = 2;
        } else if GC.count1.get() > t1 {
            generation = 1;
        }
    } else if GC.count1.get() > t1 {
        generation = 1;
    }
    collect(vm, generation);
}

/// Collects a generation and the younger ones. Gives the number of unreachable objects found.
pub fn collect(vm: &mut Vm, generation: usize) -> usize {
    if GC.collecting.replace(true) {
        return 0;
    }
    let start = std::time::Instant::now();
    callbacks(vm, "start", generation, 0);
    let (unreachable, survivors) = vm.aside(|vm| run(vm, generation));
    GC.collecting.set(false);
    // Under stress every container makes another collection due, however many have ended.
    GC.count0.set(if GC.stress.get() { i32::MAX / 2 } else { 0 });
    match generation {
        0 => GC.count1.set(GC.count1.get() + 1),
        1 => {
            GC.count1.set(0);
            GC.count2.set(GC.count2.get() + 1);
            let (total, pending) = GC.long_lived.get();
            GC.long_lived.set((total, pending + survivors));
        }
        _ => {
            GC.count1.set(0);
            GC.count2.set(0);
            GC.long_lived.set((survivors, 0));
        }
    }
    let mut stats = GC.stats.borrow_mut();
    stats[generation][0] += 1;
    stats[generation][1] += unreachable;
    drop(stats);
    if GC.debug.get() & 1 != 0 {
        crate::host::stderr(&format!(
            "gc: done, {unreachable} unreachable, 0 uncollectable, {:.4}s elapsed\n",
            start.elapsed().as_secs_f64()
        ));
    }
    callbacks(vm, "stop", generation, unreachable);
    unreachable
}

/// Calls `gc.callbacks`.
fn callbacks(vm: &mut Vm, phase: &str, generation: usize, collected: usize) {
    let Some(list) = crate::builtins::gc_list(vm, "callbacks") else { return };
    if list.len() == 0 {
        return;
    }
    vm.aside(|vm| {
        let info = crate::types::dict::Dict::new_object();
        info.store_text("generation", Value::from_usize(generation));
        info.store_text("collected", Value::from_usize(collected));
        info.store_text("uncollectable", Value::from_usize(0));
        let phase = vm.new_str(phase);
        for f in list.to_vec() {
            if vm.call(&f, &[phase.clone(), info.clone().into()]).is_err() {
                vm.unraisable(Some(&f), None);
            }
        }
    });
}

fn age_of(h: *mut Header) -> usize {
    // SAFETY: a live object.
    unsafe { ((*h).meta.get() & flag::AGE) as usize }
}

fn set_age(h: *mut Header, age: usize) {
    // SAFETY: a live object.
    unsafe { (*h).meta.set((*h).meta.get() & !flag::AGE | age as u32) }
}

/// A container that can be part of a cycle: types made by Python code and their like, but nothing immortal.
fn is_container(h: *mut Header) -> bool {
    // SAFETY: a live object keeps its type alive (I2).
    unsafe {
        let t = &(*(*h).typ.get()).payload;
        t.has(TypeFlags::HAVE_GC) && !(*h).is_immortal()
    }
}

/// The container that a reference leads to, when the collector may look after it.
#[inline(always)]
fn container(v: &Value) -> Option<*mut Header> {
    let h = v.header()?;
    // SAFETY: a live object keeps its type alive (I2).
    let has_gc = unsafe { (*h.typ.get()).payload.has(TypeFlags::HAVE_GC) };
    (has_gc && !h.is_immortal()).then_some(h as *const Header as *mut Header)
}

/// Whether the collector looks after an object (`gc.is_tracked`).
pub fn is_tracked(v: &Value) -> bool {
    v.header().is_some_and(|h| is_container(h as *const Header as *mut Header) && !h.has(flag::UNTRACKED))
}

/// Candidates of a collection.
fn candidates(generation: usize) -> Candidates {
    let look = |h: *mut Header| {
        // SAFETY: the walk shows live objects.
        unsafe {
            if !is_container(h) || (*h).has(flag::UNTRACKED) {
                return Look::Never;
            }
            let rc = (*h).rc.get();
            if age_of(h) > generation || rc == 0 { Look::NotNow } else { Look::Candidate(rc) }
        }
    };
    // SAFETY: the GIL is held; nothing is allocated or freed until the candidates are dropped.
    unsafe { Candidates::gather(generation, look) }
}

fn run(vm: &mut Vm, generation: usize) -> (usize, usize) {
    let mut set = candidates(generation);
    if GC.debug.get() & 1 != 0 {
        let mut n = [0usize; 3];
        set.each(|_, h, _| n[age_of(h)] += 1);
        crate::host::stderr(&format!(
            "gc: collecting generation {generation}...\ngc: objects in each generation: {} {} {}\ngc: objects in permanent generation: {}\n",
            n[0],
            n[1],
            n[2],
            frozen()
        ));
    }
    mark_reachable(&mut set);
    let mut garbage = Vec::new();
    let mut untracked = 0;
    let age = (generation + 1).min(2);
    set.each(|_, h, number| {
        set_age(h, age);
        if number != REACHED {
            // SAFETY: a live object gets one more reference.
            garbage.push(unsafe { Value::from_header(h) });
        } else if untrack(h) {
            untracked += 1;
        }
    });
    let survivors = set.count() - garbage.len() - untracked;
    drop(set);
    // SAFETY: the GIL is held.
    unsafe { forget_touched(generation) };
    let count = if garbage.is_empty() { 0 } else { dispose(vm, garbage) };
    (count, survivors)
}

/// Stops looking after a tuple whose items can be in no cycle (`_PyTuple_MaybeUntrack` in `Objects/tupleobject.c` has the
/// rule). Says whether it did.
fn untrack(h: *mut Header) -> bool {
    // SAFETY: a live object, whose type is compared before its items are read.
    unsafe {
        if !std::ptr::eq((*h).typ.get(), TUPLE.object()) {
            return false;
        }
        let is_plain = |v: &Value| match container(v) {
            None => true,
            Some(item) => std::ptr::eq((*item).typ.get(), TUPLE.object()) && (*item).has(flag::UNTRACKED),
        };
        let word = h as usize;
        let plain = Value::ref_from_word(&word).downcast_unchecked::<Tuple>().items().iter().all(is_plain);
        if plain {
            (*h).set(flag::UNTRACKED);
        }
        plain
    }
}

/// Takes the references among candidates off their numbers, then gives all that can be reached from outside the number
/// [`REACHED`].
fn mark_reachable(set: &mut Candidates) {
    // SAFETY: candidates are live containers; nothing runs in between that could end one.
    set.each(|set, object, _| unsafe {
        super::instance::traverse(object, &mut |v| {
            if let Some(n) = set.number(v) {
                *n = n.saturating_sub((*n < REACHED) as u32);
            }
        });
    });
    let mut reached = Reached::new();
    set.each(|set, object, number| {
        if number == 0 || number == REACHED {
            return;
        }
        let word = object as usize;
        // SAFETY: a live object's address is a reference to it.
        if let Some(n) = set.number(unsafe { Value::ref_from_word(&word) }) {
            *n = REACHED;
        }
        reached.push(object);
        while let Some(object) = reached.next() {
            // SAFETY: as above.
            unsafe {
                super::instance::traverse(object, &mut |v| {
                    if let Some(n) = set.number(v) {
                        if *n < REACHED {
                            *n = REACHED;
                            reached.push(v.as_ptr());
                        }
                    }
                });
            }
        }
    });
}

/// Objects that are reached and not yet looked into. Between the stack and the look there is a short queue, in which the
/// object's memory has time to arrive.
struct Reached {
    stack: Vec<*mut Header>,
    queue: [*mut Header; AHEAD],
    first: usize,
    waiting: usize,
}

/// How many objects wait for their memory.
const AHEAD: usize = 8;

impl Reached {
    fn new() -> Reached {
        Reached { stack: Vec::new(), queue: [std::ptr::null_mut(); AHEAD], first: 0, waiting: 0 }
    }

    #[inline(always)]
    fn push(&mut self, object: *mut Header) {
        self.stack.push(object);
    }

    #[inline(always)]
    fn next(&mut self) -> Option<*mut Header> {
        while self.waiting < AHEAD {
            let Some(object) = self.stack.pop() else { break };
            prefetch(object);
            self.queue[(self.first + self.waiting) % AHEAD] = object;
            self.waiting += 1;
        }
        if self.waiting == 0 {
            return None;
        }
        let object = self.queue[self.first];
        self.first = (self.first + 1) % AHEAD;
        self.waiting -= 1;
        Some(object)
    }
}

#[inline(always)]
fn prefetch(object: *const Header) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; it reads nothing.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(object.cast());
    }
}

/// Clears weak references to garbage, runs finalisers, and breaks the cycles of what is still unreachable. Gives the number
/// of the latter.
fn dispose(vm: &mut Vm, garbage: Vec<Value>) -> usize {
    let mut callbacks = Vec::new();
    let weakrefed = |v: &Value| v.header().is_some_and(|h| h.has(flag::WEAKREFED));
    if garbage.iter().any(weakrefed) {
        let dying: rustc_hash::FxHashSet<usize> = garbage.iter().map(Value::word).collect();
        for v in garbage.iter().filter(|v| weakrefed(v)) {
            for w in super::weak::clear(v.as_ptr()) {
                // A callback of a weak reference that is garbage itself is not called.
                if !dying.contains(&w.as_value().word()) {
                    callbacks.push(w);
                }
            }
        }
    }
    for w in callbacks {
        crate::types::weakref::call_callback(vm, &w);
    }
    if GC.debug.get() & 2 != 0 {
        for v in &garbage {
            crate::host::stderr(&format!("gc: collectable <{} {:#x}>\n", v.class().payload.name(), v.id()));
        }
    }
    let due = |v: &&Value| {
        v.header().is_some_and(|h| !h.has(flag::FINALIZED)) && v.class().payload.has(TypeFlags::HAS_FINALIZER)
    };
    let mut ending: Vec<&Value> = garbage.iter().filter(due).collect();
    super::finalize::by_age(&mut ending);
    let mut finalized = false;
    for v in ending {
        // Another's finaliser may have run meanwhile.
        let Some(h) = v.header().filter(|h| !h.has(flag::FINALIZED)) else { continue };
        h.set(flag::FINALIZED);
        if let Some(f) = v.class().payload.slots().finalize {
            finalized = true;
            f(vm, v);
        }
    }
    let garbage = if finalized { still_unreachable(garbage) } else { garbage };
    let count = garbage.len();
    if GC.debug.get() & 32 != 0 {
        if let Some(list) = crate::builtins::gc_list(vm, "garbage") {
            garbage.iter().for_each(|v| list.push(v.clone()));
        }
        return count;
    }
    for v in &garbage {
        // SAFETY: the object is held by `garbage`; clearing runs no Python code.
        unsafe {
            let h = v.as_ptr();
            if (*h).rc.get() > 1 {
                ((*(*(*h).typ.get()).payload.layout.get()).ops.clear)(h);
                super::instance::clear_extra(h);
            }
        }
    }
    drop(garbage);
    vm.run_ends();
    count
}

/// After finalisers ran: those of the garbage that nothing outside refers to.
fn still_unreachable(garbage: Vec<Value>) -> Vec<Value> {
    let mut set = Candidates::none();
    for v in &garbage {
        // SAFETY: garbage is live containers, each once. One reference to each is our own.
        unsafe { set.add(v.as_ptr(), (*v.as_ptr()).rc.get() - 1) };
    }
    mark_reachable(&mut set);
    let mut out = Vec::new();
    set.each(|_, h, number| {
        if number != REACHED {
            // SAFETY: a live object gets one more reference.
            out.push(unsafe { Value::from_header(h) });
        }
    });
    // The references that were resurrected are given back when the numbers are no longer needed.
    drop(set);
    out
}

/// All objects of a generation that the collector looks after (`None`: of all but the permanent one).
pub fn objects(generation: Option<usize>) -> Vec<Value> {
    let mut out = Vec::new();
    // SAFETY: the walk only counts references up.
    unsafe {
        heap::walk_objects(|h, _, _| {
            let age = age_of(h);
            let wanted = generation.map_or(age != flag::PERMANENT as usize, |g| age == g);
            if wanted && is_container(h) && !(*h).has(flag::UNTRACKED) && (*h).rc.get() > 0 {
                out.push(Value::from_header(h));
            }
        });
    }
    out
}

/// Containers that refer directly to one of `targets`.
pub fn referrers(targets: &[Value]) -> Vec<Value> {
    let wanted: rustc_hash::FxHashSet<usize> = targets.iter().map(Value::word).collect();
    let mut out = Vec::new();
    // SAFETY: the walk only counts references up.
    unsafe {
        heap::walk_objects(|h, _, _| {
            if !is_container(h) || (*h).rc.get() == 0 {
                return;
            }
            let mut found = false;
            super::instance::traverse(h, &mut |v| found |= wanted.contains(&v.word()));
            if found {
                out.push(Value::from_header(h));
            }
        });
    }
    out
}

/// Visits what `v` refers to directly. `visit` must drop no last reference.
pub fn each_referent(v: &Value, visit: &mut dyn FnMut(&Value)) {
    if v.header().is_some() {
        // SAFETY: `v` is live.
        unsafe { super::instance::traverse(v.as_ptr(), &mut |x| visit(x)) };
    }
}

/// What `v` refers to directly.
pub fn referents(v: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    if v.header().is_some() {
        // SAFETY: `v` is live.
        unsafe { super::instance::traverse(v.as_ptr(), &mut |x| out.push(x.clone())) };
    }
    out
}

/// Moves all containers to the permanent generation.
pub fn freeze() {
    // SAFETY: a plain walk that changes flags.
    unsafe {
        heap::walk_objects(|h, _, _| {
            if is_container(h) {
                set_age(h, flag::PERMANENT as usize)
            }
        })
    };
}

/// Moves the permanent generation's objects to the oldest one.
pub fn unfreeze() {
    // SAFETY: a plain walk that changes flags.
    unsafe {
        heap::walk_objects(|h, _, _| {
            if age_of(h) == flag::PERMANENT as usize {
                set_age(h, 2);
            }
        });
        touch_all();
    }
}

/// Number of objects in the permanent generation.
pub fn frozen() -> usize {
    let mut n = 0;
    // SAFETY: a plain walk.
    unsafe {
        heap::walk_objects(|h, _, _| {
            n += (age_of(h) == flag::PERMANENT as usize && !(*h).has(flag::UNTRACKED)) as usize
        })
    };
    n
}
