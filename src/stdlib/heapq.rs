//! `_heapq` (`Modules/_heapqmodule.c`): a binary heap in a list, smallest item first, or with `_max` the largest.

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Value, none};
use taipan_runtime::types::list::List;
use taipan_runtime::types::list::methods::remove_last;
use taipan_runtime::types::list::sort::less;
use taipan_runtime::vm::Vm;

/// A function of a heap.
macro_rules! one {
    ($name:literal, $doc:literal, $f:expr, $top:expr) => {
        MethodDef::function(
            $name,
            "($module, heap, /)",
            $doc,
            NativeFn::F1(|vm, h| $f(vm, h, concat!($name, "() argument"), $top)),
        )
    };
}

/// A function of a heap and an item.
macro_rules! two {
    ($name:literal, $doc:literal, $f:expr, $top:expr) => {
        MethodDef::function(
            $name,
            "($module, heap, item, /)",
            $doc,
            NativeFn::F2(|vm, h, v| $f(vm, h, concat!($name, "() argument 1"), v, $top)),
        )
    };
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_heapq")
    .doc("Heap queue algorithm (a.k.a. priority queue).")
    .functions(&[
        two!("heappush", "Push an item onto the heap.", push, MIN),
        two!("heappushpop", "Push an item, then pop the smallest.", push_pop, MIN),
        one!("heappop", "Pop the smallest item.", pop, MIN),
        two!("heapreplace", "Pop the smallest item, then push another.", replace, MIN),
        one!("heapify", "Make a list a heap, in place.", heapify, MIN),
        two!("heappush_max", "Push an item onto the max-heap.", push, MAX),
        two!("heappushpop_max", "Push an item, then pop the largest.", push_pop, MAX),
        one!("heappop_max", "Pop the largest item.", pop, MAX),
        two!("heapreplace_max", "Pop the largest item, then push another.", replace, MAX),
        one!("heapify_max", "Make a list a max-heap, in place.", heapify, MAX),
    ])
    .init(|vm, module| {
        let about = vm.new_str(
            "A heap is a list in which heap[k] <= heap[2*k+1] and heap[k] <= heap[2*k+2] for all k, so heap[0] is its \
             smallest item; pushing and popping keep it so in logarithmic time.",
        );
        module.store_text("__about__", about);
        Ok(())
    });

/// Which end of the order is on top.
type Top = bool;
const MIN: Top = false;
const MAX: Top = true;

fn list<'a>(vm: &mut Vm, v: &'a Value, what: &str) -> PyResult<&'a Py<List>> {
    v.downcast::<List>().ok_or_else(|| {
        let name = v.class().payload.name();
        vm.type_error(format!("{what} must be list, not {name}"))
    })
}

/// Whether `a` belongs above `b`.
fn above(vm: &mut Vm, a: &Value, b: &Value, top: Top) -> PyResult<bool> {
    if top == MAX { less(vm, b, a) } else { less(vm, a, b) }
}

/// The items at two places; an error when the list shrank meanwhile.
fn at(vm: &mut Vm, h: &Py<List>, i: usize) -> PyResult {
    h.item(i).ok_or_else(|| vm.index_error("index out of range"))
}

/// Compares the items at two places; the comparison must not change the list's length.
fn above_at(vm: &mut Vm, h: &Py<List>, i: usize, j: usize, top: Top) -> PyResult<bool> {
    let (a, b) = (at(vm, h, i)?, at(vm, h, j)?);
    let n = h.len();
    let result = above(vm, &a, &b, top)?;
    if h.len() != n {
        return Err(vm.runtime_error("list changed size during iteration"));
    }
    Ok(result)
}

fn swap(vm: &mut Vm, h: &Py<List>, i: usize, j: usize) {
    h.get_mut(vm).items.swap(i, j);
}

/// Moves the item at `from` up until what lies above it belongs there, not beyond `root`.
fn rise(vm: &mut Vm, h: &Py<List>, root: usize, from: usize, top: Top) -> PyResult<()> {
    if from >= h.len() {
        return Err(vm.index_error("index out of range"));
    }
    let mut i = from;
    while i > root {
        let parent = (i - 1) >> 1;
        if !above_at(vm, h, i, parent, top)? {
            break;
        }
        swap(vm, h, i, parent);
        i = parent;
    }
    Ok(())
}

/// Moves the item at `from` down to a leaf along the better children, then up to where it belongs: that takes fewer
/// comparisons than stopping on the way down.
fn sink(vm: &mut Vm, h: &Py<List>, from: usize, top: Top) -> PyResult<()> {
    let end = h.len();
    if from >= end {
        return Err(vm.index_error("index out of range"));
    }
    let mut i = from;
    while i < end >> 1 {
        let mut child = 2 * i + 1;
        // The left child unless the right one is at least as good.
        if child + 1 < end && !above_at(vm, h, child, child + 1, top)? {
            child += 1;
        }
        swap(vm, h, i, child);
        i = child;
    }
    rise(vm, h, from, i, top)
}

fn push(vm: &mut Vm, heap: &Value, what: &str, item: &Value, top: Top) -> PyResult {
    let h = list(vm, heap, what)?;
    h.push(item.clone());
    rise(vm, h, 0, h.len() - 1, top)?;
    Ok(none())
}

fn pop(vm: &mut Vm, heap: &Value, what: &str, top: Top) -> PyResult {
    let h = list(vm, heap, what)?;
    let Some(last) = remove_last(vm, h) else { return Err(vm.index_error("index out of range")) };
    if h.len() == 0 {
        return Ok(last);
    }
    let first = std::mem::replace(&mut h.get_mut(vm).items[0], last);
    sink(vm, h, 0, top)?;
    Ok(first)
}

fn replace(vm: &mut Vm, heap: &Value, what: &str, item: &Value, top: Top) -> PyResult {
    let h = list(vm, heap, what)?;
    if h.len() == 0 {
        return Err(vm.index_error("index out of range"));
    }
    let first = std::mem::replace(&mut h.get_mut(vm).items[0], item.clone());
    sink(vm, h, 0, top)?;
    Ok(first)
}

fn push_pop(vm: &mut Vm, heap: &Value, what: &str, item: &Value, top: Top) -> PyResult {
    let h = list(vm, heap, what)?;
    let Some(first) = h.item(0) else { return Ok(item.clone()) };
    if !above(vm, &first, item, top)? {
        return Ok(item.clone());
    }
    if h.len() == 0 {
        return Err(vm.index_error("index out of range"));
    }
    let first = std::mem::replace(&mut h.get_mut(vm).items[0], item.clone());
    sink(vm, h, 0, top)?;
    Ok(first)
}

fn heapify(vm: &mut Vm, heap: &Value, what: &str, top: Top) -> PyResult {
    let h = list(vm, heap, what)?;
    let n = h.len();
    // Large heaps are built subtree by subtree, which keeps to memory just seen.
    if n > 2500 {
        return heapify_near(vm, h, n, top);
    }
    for i in (0..n >> 1).rev() {
        sink(vm, h, i, top)?;
    }
    Ok(none())
}

/// The highest bit of `n`.
fn keep_top_bit(n: usize) -> usize {
    if n == 0 { 0 } else { 1 << n.ilog2() }
}

fn heapify_near(vm: &mut Vm, h: &Py<List>, n: usize, top: Top) -> PyResult {
    let m = n >> 1;
    let leftmost = keep_top_bit(m + 1) - 1;
    let half = m >> 1;
    let sink_with_parents = |vm: &mut Vm, i: usize| -> PyResult<()> {
        let mut j = i;
        loop {
            sink(vm, h, j, top)?;
            if j & 1 == 0 {
                return Ok(());
            }
            j >>= 1;
        }
    };
    for i in (half..leftmost).rev() {
        sink_with_parents(vm, i)?;
    }
    for i in (leftmost..m).rev() {
        sink_with_parents(vm, i)?;
    }
    Ok(none())
}
