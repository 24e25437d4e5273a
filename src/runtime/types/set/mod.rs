//! `set` and `frozenset`: a hash table with CPython's probing and growth, so that sets of integers come out in the order
//! users of CPython see (`Objects/setobject.c`).
//!
//! This file has the table, which runs no Python code; `ops` what needs to compare and hash objects; `methods` what
//! Python code calls; `iter` the iterator.

pub mod iter;
pub mod methods;
pub mod ops;

use crate::object::buf::Buf;
use crate::object::instance::{new, new_of};
use crate::object::typedef::{Payload, Visit};
use crate::object::{Py, PyResult, Type, TypeDef, Value};
use crate::types::sequence::quick_eq;
use crate::vm::Vm;
pub use iter::SET_ITER;
pub use methods::{FROZENSET, SET, frozen_from_items};
use std::cell::Cell;

/// Slots of the smallest table.
const MIN_SLOTS: usize = 8;
/// Neighbours looked at after each probe, where they lie in the table.
const LINEAR_PROBES: usize = 9;
/// How far the hash is shifted for each probe.
const PERTURB_SHIFT: u32 = 5;
/// Hash of a slot whose element was removed; no element has it.
const REMOVED: i64 = -1;

/// One slot: never used (no key, hash 0), removed (no key, hash -1), or an element.
struct Slot {
    hash: i64,
    key: Option<Value>,
}

/// Payload of `set`.
#[repr(C)]
pub struct Set {
    /// A power of two of slots, at least [`MIN_SLOTS`]; empty before the first element comes.
    table: Buf<Slot>,
    /// Slots that are not unused.
    fill: usize,
    /// Elements.
    used: usize,
    /// Where `pop` looks next.
    finger: usize,
    /// Cached hash of a frozenset; -1: not computed.
    hash: Cell<i64>,
}

// SAFETY: made by `TypeDef::new::<Set>`; traverse visits each element.
unsafe impl Payload for Set {
    const DEF: &'static TypeDef = &SET;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.table.iter().filter_map(|s| s.key.as_ref()).for_each(visit);
    }
    fn clear(&mut self) {
        drop(self.take_all());
    }
}

/// Payload of `frozenset`: a set under another type.
#[repr(transparent)]
pub struct FrozenSet(Set);

// SAFETY: made by `TypeDef::new::<FrozenSet>`; traverse visits each element.
unsafe impl Payload for FrozenSet {
    const DEF: &'static TypeDef = &FROZENSET;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.0.traverse(visit);
    }
    fn clear(&mut self) {}
}

/// The value as a set, when it is a `set` or `frozenset` or an instance of a subclass.
#[inline]
pub fn any_set(v: &Value) -> Option<&Py<Set>> {
    match v.downcast::<Set>() {
        Some(s) => Some(s),
        // SAFETY: `FrozenSet` is a transparent wrapper of `Set`.
        None => v.downcast::<FrozenSet>().map(|_| unsafe { v.downcast_unchecked::<Set>() }),
    }
}

/// The value as a set, when its type is exactly `set` or `frozenset`.
#[inline]
pub fn any_set_exact(v: &Value) -> Option<&Py<Set>> {
    any_set(v).filter(|_| v.is_exact::<Set>() || v.is_exact::<FrozenSet>())
}

/// Whether the value is a `set` (which can change) or an instance of a subclass.
pub fn is_mutable_set(v: &Value) -> bool {
    v.downcast::<Set>().is_some()
}

/// A set of these items.
pub fn from_items(vm: &mut Vm, items: &[Value]) -> PyResult {
    let set = Set::new_object();
    for v in items {
        set.add(vm, v)?;
    }
    Ok(set.into())
}

/// An object of `class`, a subclass of `set` or `frozenset` or one of them, with these elements.
fn make(class: &Py<Type>, set: Set) -> Value {
    let typ = class.get_type();
    if std::ptr::eq(typ, SET.object()) {
        return new(set).into();
    }
    if std::ptr::eq(typ.payload.layout.get(), <Set as Payload>::DEF) {
        return new_of(class, set).into();
    }
    new_of(class, FrozenSet(set)).into()
}

/// What one step of a search finds.
enum Step {
    /// The element, in this slot.
    Found(usize),
    /// No such element; it would go into this slot.
    Free(usize),
    /// Whether this element (of this slot) is the one wanted, only Python code can say.
    Ask(usize, Value),
}

/// A walk over the slots where a hash may be.
#[derive(Clone, Copy)]
struct Walk {
    mask: usize,
    perturb: u64,
    at: usize,
    /// Neighbours left to look at before the next jump.
    near: usize,
    base: usize,
    /// The first slot met whose element was removed: a new element goes there.
    removed: Option<usize>,
}

impl Walk {
    #[inline]
    fn new(hash: i64, mask: usize) -> Walk {
        let base = hash as usize & mask;
        Walk { mask, perturb: hash as u64, at: base, near: Walk::neighbours(base, mask), base, removed: None }
    }
    #[inline]
    fn neighbours(base: usize, mask: usize) -> usize {
        if base + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 }
    }
    #[inline]
    fn advance(&mut self) {
        if self.near > 0 {
            self.near -= 1;
            self.at += 1;
            return;
        }
        self.perturb >>= PERTURB_SHIFT;
        self.base = self.base.wrapping_mul(5).wrapping_add(1).wrapping_add(self.perturb as usize) & self.mask;
        self.at = self.base;
        self.near = Walk::neighbours(self.base, self.mask);
    }
}

impl Set {
    /// No elements.
    pub const fn new() -> Set {
        Set { table: Buf::new(), fill: 0, used: 0, finger: 0, hash: Cell::new(-1) }
    }
    /// An empty `set`.
    pub fn new_object() -> Py<Set> {
        new(Set::new())
    }
    /// Number of elements.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.used
    }
    /// The elements in table order.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.table.iter().filter_map(|s| s.key.as_ref())
    }
    /// The elements with their hashes, cloned, in table order.
    pub fn entries(&self) -> Vec<(Value, i64)> {
        self.table.iter().filter_map(|s| Some((s.key.clone()?, s.hash))).collect()
    }
    /// The elements as a vector, cloned, in table order.
    pub fn to_vec(&self) -> Vec<Value> {
        let mut out = Vec::with_capacity(self.used);
        out.extend(self.iter().cloned());
        out
    }
    /// The element at or after a slot, with the slot after it: iteration that survives changes.
    #[inline]
    pub fn next_from(&self, slot: usize) -> Option<(usize, &Value)> {
        let rest = self.table.get(slot..)?;
        rest.iter().enumerate().find_map(|(i, s)| Some((slot + i + 1, s.key.as_ref()?)))
    }
    fn entry_from(&self, slot: usize) -> Option<(usize, &Value, i64)> {
        let rest = self.table.get(slot..)?;
        rest.iter().enumerate().find_map(|(i, s)| Some((slot + i + 1, s.key.as_ref()?, s.hash)))
    }
    /// Slots of the table, as CPython counts them.
    pub fn slots(&self) -> usize {
        self.table.len().max(MIN_SLOTS)
    }
    fn mask(&self) -> usize {
        self.slots() - 1
    }

    /// Goes on with a search until it ends or Python code must be asked.
    #[inline]
    fn step(&self, walk: &mut Walk, key: &Value, hash: i64) -> Step {
        if self.table.is_empty() {
            return Step::Free(walk.at);
        }
        loop {
            let slot = &self.table[walk.at];
            match &slot.key {
                Some(k) if slot.hash == hash => match quick_eq(k, key) {
                    Some(true) => return Step::Found(walk.at),
                    Some(false) => {}
                    None => return Step::Ask(walk.at, k.clone()),
                },
                None if slot.hash == 0 => return Step::Free(walk.removed.unwrap_or(walk.at)),
                None => walk.removed = walk.removed.or(Some(walk.at)),
                _ => {}
            }
            walk.advance();
        }
    }

    /// Puts a new element into the free slot that a search found.
    fn fill_slot(&mut self, at: usize, key: Value, hash: i64) {
        self.ensure_table();
        let reused = self.table[at].hash == REMOVED;
        self.table[at] = Slot { hash, key: Some(key) };
        self.used += 1;
        if reused {
            return;
        }
        self.fill += 1;
        if self.fill * 5 >= self.mask() * 3 {
            self.resize(self.grown());
        }
    }

    fn ensure_table(&mut self) {
        if self.table.is_empty() {
            self.table = empty_table(MIN_SLOTS);
        }
    }

    /// The size asked of [`Set::resize`] when the table is too full.
    fn grown(&self) -> usize {
        if self.used > 50000 { self.used * 2 } else { self.used * 4 }
    }

    /// Moves the elements to a table of more than `minimum` slots; removed ones are left behind.
    fn resize(&mut self, minimum: usize) {
        let mut slots = MIN_SLOTS;
        while slots <= minimum {
            slots *= 2;
        }
        if slots == MIN_SLOTS && self.table.len() <= MIN_SLOTS && self.fill == self.used {
            return;
        }
        let old = std::mem::replace(&mut self.table, empty_table(slots)).take();
        self.fill = self.used;
        for s in old {
            if let Some(key) = s.key {
                self.insert_clean(key, s.hash);
            }
        }
    }

    /// Makes room for `more` elements at once, as the operations on whole sets do first.
    fn reserve_for(&mut self, more: usize) {
        if (self.fill + more) * 5 >= self.mask() * 3 {
            self.resize((self.used + more) * 2);
        }
    }

    /// Puts an element that is known to be new into a table without removed slots; the counts are the caller's.
    fn insert_clean(&mut self, key: Value, hash: i64) {
        let mut walk = Walk::new(hash, self.table.len() - 1);
        while self.table[walk.at].key.is_some() {
            walk.advance();
        }
        self.table[walk.at] = Slot { hash, key: Some(key) };
    }

    /// Fills an empty set with the elements of another; no comparison is needed.
    fn copy_from(&mut self, other: &Set) {
        debug_assert!(self.fill == 0);
        if other.used == 0 {
            return;
        }
        self.reserve_for(other.used);
        self.ensure_table();
        (self.fill, self.used) = (other.used, other.used);
        if self.table.len() == other.table.len() && other.fill == other.used {
            for (to, from) in self.table.iter_mut().zip(other.table.iter()) {
                *to = Slot { hash: from.hash, key: from.key.clone() };
            }
            return;
        }
        for s in other.table.iter() {
            if let Some(key) = &s.key {
                self.insert_clean(key.clone(), s.hash);
            }
        }
    }

    /// Empties a slot; gives its element.
    fn remove_at(&mut self, at: usize) -> Option<Value> {
        let slot = &mut self.table[at];
        slot.hash = REMOVED;
        self.used -= 1;
        slot.key.take()
    }

    /// Removes and gives some element, walking round the table.
    fn pop_some(&mut self) -> Option<Value> {
        if self.used == 0 {
            return None;
        }
        let n = self.table.len();
        let start = self.finger & (n - 1);
        let at = (start..n).chain(0..start).find(|&i| self.table[i].key.is_some())?;
        self.finger = at + 1;
        self.remove_at(at)
    }

    /// Takes everything out; the caller drops it when the set is consistent.
    fn take_all(&mut self) -> Buf<Slot> {
        (self.fill, self.used) = (0, 0);
        self.hash.set(-1);
        std::mem::take(&mut self.table)
    }

    /// The hash of a frozenset of these elements: order-free, from the hashes of all slots.
    fn frozen_hash(&self) -> i64 {
        if self.hash.get() != -1 {
            return self.hash.get();
        }
        let shuffle = |h: u64| ((h ^ 89869747) ^ (h << 16)).wrapping_mul(3644798167);
        // Unused and removed slots cancel out in pairs in CPython's sum over all slots, so elements alone count.
        let mut hash = self.table.iter().filter(|s| s.key.is_some()).fold(0, |h, s| h ^ shuffle(s.hash as u64));
        hash ^= (self.used as u64 + 1).wrapping_mul(1927868237);
        hash ^= (hash >> 11) ^ (hash >> 25);
        hash = hash.wrapping_mul(69069).wrapping_add(907133923);
        let hash = if hash == u64::MAX { 590923713 } else { hash as i64 };
        self.hash.set(hash);
        hash
    }
}

impl Default for Set {
    fn default() -> Self {
        Set::new()
    }
}

fn empty_table(slots: usize) -> Buf<Slot> {
    let mut table = Buf::with_capacity(slots);
    for _ in 0..slots {
        table.push(Slot { hash: 0, key: None });
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[i64]) -> Set {
        let mut s = Set::new();
        for &n in numbers {
            let key = Value::small_unchecked(n);
            let mut walk = Walk::new(n, s.mask());
            if let Step::Free(at) = s.step(&mut walk, &key, n) {
                s.fill_slot(at, key, n);
            }
        }
        s
    }

    fn numbers(s: &Set) -> Vec<i64> {
        s.iter().filter_map(Value::as_small).collect()
    }

    #[test]
    fn grows_where_cpython_grows() {
        // Slots by number of elements added one by one: 32 from 5 on, 128 from 19, 512 from 77 (getsizeof shows it).
        for (n, slots) in [(4, 8), (5, 32), (18, 32), (19, 128), (76, 128), (77, 512)] {
            assert_eq!(of(&(0..n).collect::<Vec<_>>()).slots(), slots, "{n} elements");
        }
    }

    #[test]
    fn order_is_that_of_the_table() {
        assert_eq!(numbers(&of(&[100, 3, 8, 1])), [8, 1, 3, 100]);
        assert_eq!(numbers(&of(&[5, 5, 5])), [5]);
    }

    #[test]
    fn pop_walks_round() {
        let mut s = of(&[1, 2, 3]);
        let popped: Vec<i64> = std::iter::from_fn(|| s.pop_some()).filter_map(|v| v.as_small()).collect();
        assert_eq!(popped, [1, 2, 3]);
        assert_eq!((s.len(), s.fill), (0, 3));
    }

    #[test]
    fn hash_of_frozensets() {
        assert_eq!(of(&[]).frozen_hash(), 133146708735736);
        assert_eq!(of(&[1, 2, 3]).frozen_hash(), -272375401224217160);
        assert_eq!(of(&[3, 1, 2]).frozen_hash(), -272375401224217160);
    }
}
