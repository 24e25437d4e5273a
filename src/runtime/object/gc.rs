//! The cycle collector: generational, by walking pools; no links in objects (`InternalDocs/garbage_collector.md` gives the
//! algorithm's rules, `gc`'s documentation the interface).
//!
//! A collection copies the counts of its candidates aside, subtracts references among them, and what is not reached from
//! those still counted is garbage: weak references to it are cleared, finalisers run once (PEP 442), what is still
//! unreachable afterwards is cleared. Ages are two flags in the header; pools with no allocation since the last young
//! collection are skipped.

use super::header::{Header, flag};
use super::heap;
use super::typedef::TypeFlags;
use super::value::Value;
use crate::vm::{Vm, breaker};
use rustc_hash::FxHashMap;
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

/// A candidate's place in the side tables.
struct Node {
    object: *mut Header,
    refs: i64,
    reachable: bool,
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
    unsafe {
        if (*h).has(flag::OLD2) {
            2
        } else if (*h).has(flag::OLD1) {
            1
        } else {
            0
        }
    }
}

fn is_container(h: *mut Header) -> bool {
    // SAFETY: a live object keeps its type alive (I2).
    unsafe {
        let t = &(*(*h).typ.get()).payload;
        t.has(TypeFlags::HAVE_GC) && !(*h).is_immortal()
    }
}

/// Candidates of a collection.
fn candidates(generation: usize) -> Vec<Node> {
    let mut out = Vec::new();
    // SAFETY: the walk neither allocates in the Python heap nor frees.
    unsafe {
        heap::walk_since(generation, |h, _, _| {
            if is_container(h) && age_of(h) <= generation && !(*h).has(flag::FROZEN) && (*h).rc.get() > 0 {
                out.push(Node { object: h, refs: (*h).rc.get() as i64, reachable: false });
            }
        });
    }
    out
}

fn run(vm: &mut Vm, generation: usize) -> (usize, usize) {
    let mut nodes = candidates(generation);
    if GC.debug.get() & 1 != 0 {
        let mut n = [0usize; 3];
        for c in &nodes {
            n[age_of(c.object)] += 1;
        }
        crate::host::stderr(&format!(
            "gc: collecting generation {generation}...\ngc: objects in each generation: {} {} {}\ngc: objects in permanent generation: 0\n",
            n[0], n[1], n[2]
        ));
    }
    let garbage = unreachable_among(&mut nodes);
    let survivors = nodes.len() - garbage.len();
    for n in nodes.iter().filter(|n| n.reachable) {
        // SAFETY: live objects grow older by one.
        unsafe {
            match generation {
                0 => (*n.object).set(flag::OLD1),
                _ => {
                    (*n.object).unset(flag::OLD1);
                    (*n.object).set(flag::OLD2);
                }
            }
        }
    }
    // SAFETY: the GIL is held.
    unsafe { heap::clear_touched(generation) };
    let count = garbage.len();
    if count > 0 {
        dispose(vm, garbage);
    }
    (count, survivors)
}

/// Marks which candidates are reachable from outside; gives the others, each held by a new reference.
fn unreachable_among(nodes: &mut [Node]) -> Vec<Value> {
    let index: FxHashMap<usize, u32> = nodes.iter().enumerate().map(|(i, n)| (n.object as usize, i as u32)).collect();
    // Most of what candidates refer to are none: a flag tells, before the index is asked.
    let is_candidate = |v: &Value| v.header().is_some_and(|h| h.has(flag::MARK));
    // SAFETY: live objects.
    nodes.iter().for_each(|n| unsafe { (*n.object).set(flag::MARK) });
    for i in 0..nodes.len() {
        let object = nodes[i].object;
        // SAFETY: live objects; nothing runs in between.
        unsafe {
            super::instance::traverse(object, &mut |v| {
                if is_candidate(v) {
                    if let Some(&j) = index.get(&v.word()) {
                        nodes[j as usize].refs -= 1;
                    }
                }
            });
        }
    }
    let mut stack: Vec<u32> = Vec::new();
    for (i, n) in nodes.iter_mut().enumerate() {
        if n.refs > 0 {
            n.reachable = true;
            stack.push(i as u32);
        }
    }
    // What is known to be reachable loses its mark, so that it is looked up once.
    let unmark = |n: &Node| {
        // SAFETY: a live object.
        unsafe { (*n.object).unset(flag::MARK) }
    };
    nodes.iter().filter(|n| n.reachable).for_each(unmark);
    while let Some(i) = stack.pop() {
        let object = nodes[i as usize].object;
        // SAFETY: as above.
        unsafe {
            super::instance::traverse(object, &mut |v| {
                if is_candidate(v) {
                    if let Some(&j) = index.get(&v.word()) {
                        let n = &mut nodes[j as usize];
                        n.reachable = true;
                        unmark(n);
                        stack.push(j);
                    }
                }
            });
        }
    }
    nodes.iter().filter(|n| !n.reachable).for_each(unmark);
    // SAFETY: live objects get one more reference each.
    nodes.iter().filter(|n| !n.reachable).map(|n| unsafe { Value::from_header(n.object) }).collect()
}

/// Clears weak references to garbage, runs finalisers, and breaks the cycles of what is still unreachable.
fn dispose(vm: &mut Vm, garbage: Vec<Value>) {
    let mut callbacks = Vec::new();
    let dying: rustc_hash::FxHashSet<usize> = garbage.iter().map(Value::word).collect();
    for v in &garbage {
        if v.header().is_some_and(|h| h.has(flag::WEAKREFED)) {
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
    let mut finalized = false;
    for v in &garbage {
        let Some(h) = v.header() else { continue };
        let t = &v.class().payload;
        if t.has(TypeFlags::HAS_FINALIZER) && !h.has(flag::FINALIZED) {
            h.set(flag::FINALIZED);
            if let Some(f) = t.slots().finalize {
                finalized = true;
                f(vm, v);
            }
        }
    }
    let garbage = if finalized { still_unreachable(garbage) } else { garbage };
    if GC.debug.get() & 32 != 0 {
        if let Some(list) = crate::builtins::gc_list(vm, "garbage") {
            garbage.iter().for_each(|v| list.push(v.clone()));
        }
        return;
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
}

/// After finalisers ran: those of the garbage that nothing outside refers to.
fn still_unreachable(garbage: Vec<Value>) -> Vec<Value> {
    let mut nodes: Vec<Node> = garbage
        .iter()
        .map(|v| Node {
            object: v.as_ptr(),
            // One reference is our own.
            refs: v.header().map_or(0, |h| h.rc.get() as i64 - 1),
            reachable: false,
        })
        .collect();
    unreachable_among(&mut nodes)
}

/// All container objects of a generation (`None`: of all).
pub fn objects(generation: Option<usize>) -> Vec<Value> {
    let mut out = Vec::new();
    // SAFETY: the walk only counts references up.
    unsafe {
        heap::walk_objects(|h, _, _| {
            if is_container(h) && (*h).rc.get() > 0 && generation.is_none_or(|g| age_of(h) == g) {
                out.push(Value::from_header(h));
            }
        });
    }
    out
}

/// Numbers of container objects in each generation.
pub fn generation_sizes() -> [usize; 3] {
    let mut n = [0; 3];
    // SAFETY: a plain walk.
    unsafe {
        heap::walk_objects(|h, _, _| {
            if is_container(h) {
                n[age_of(h)] += 1;
            }
        });
    }
    n
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

/// Moves all containers to (or from) the permanent generation; gives how many are in it.
pub fn freeze(on: bool) -> usize {
    let mut n = 0;
    // SAFETY: a plain walk that changes flags.
    unsafe {
        heap::walk_objects(|h, _, _| {
            if is_container(h) {
                if on {
                    (*h).set(flag::FROZEN);
                } else {
                    if (*h).has(flag::FROZEN) {
                        (*h).set(flag::OLD2);
                    }
                    (*h).unset(flag::FROZEN);
                }
                n += on as usize;
            }
        });
    }
    n
}

/// Number of objects in the permanent generation.
pub fn frozen() -> usize {
    let mut n = 0;
    // SAFETY: a plain walk.
    unsafe { heap::walk_objects(|h, _, _| n += (*h).has(flag::FROZEN) as usize) };
    n
}
