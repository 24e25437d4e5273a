//! The two ends of a dict: what `OrderedDict` does to the order of items.

use super::{Dict, Found};
use crate::object::{Py, PyResult, Value};
use crate::vm::Vm;

/// The first item at or after a position, with its position.
pub fn item_from(d: &Dict, position: usize) -> Option<(usize, &Value, &Value)> {
    (position..d.positions()).find_map(|i| d.at(i).map(|(k, v, _)| (i, k, v)))
}

/// The last item before a position, with its position.
pub fn item_before(d: &Dict, position: usize) -> Option<(usize, &Value, &Value)> {
    (0..position.min(d.positions())).rev().find_map(|i| d.at(i).map(|(k, v, _)| (i, k, v)))
}

/// Removes the first item.
pub fn pop_first(dict: &Py<Dict>) -> Option<(Value, Value)> {
    let d = dict.poke();
    let (at, ..) = item_from(d, d.front.min(d.entries.len()))?;
    d.front = at;
    let (hash, word) = (d.entries[at].hash, d.entries[at].key.as_ref()?.word());
    match d.probe(hash, |k| k.word() == word) {
        Found::Entry(slot, entry) => Some(d.remove_at(slot, entry)),
        Found::Absent => None,
    }
}

/// Moves the item of a key to the end, or to the front; false when there is none.
pub fn move_to_end(vm: &mut Vm, dict: &Py<Dict>, key: &Value, hash: i64, last: bool) -> PyResult<bool> {
    let Found::Entry(slot, entry) = dict.find(vm, key, hash)? else { return Ok(false) };
    let d = dict.poke();
    if last {
        if entry + 1 != d.entries.len() {
            let (key, value) = d.remove_at(slot, entry);
            d.insert_new(key, hash, value);
        }
    } else if item_from(d, d.front.min(d.entries.len())).is_some_and(|(at, ..)| at != entry) {
        to_front(d, slot, entry);
    }
    d.changed();
    Ok(true)
}

/// Moves an entry before all others: into a hole that earlier removals left there, else by moving the rest up.
fn to_front(d: &mut Dict, slot: usize, entry: usize) {
    let first = item_from(d, 0).map_or(0, |(at, ..)| at);
    if first > 0 {
        d.entries.swap(first - 1, entry);
        d.index[slot] = first as u32;
        d.front = first - 1;
    } else {
        d.entries[..=entry].rotate_right(1);
        d.front = 0;
        let slots = d.index.len();
        d.rebuild(slots);
    }
}

/// Value of a key whose item becomes the last one (a use, for a cache in the order of use).
pub fn touch(vm: &mut Vm, dict: &Py<Dict>, key: &Value, hash: i64) -> PyResult<Option<Value>> {
    let Found::Entry(slot, entry) = dict.find(vm, key, hash)? else { return Ok(None) };
    let d = dict.poke();
    if entry + 1 == d.entries.len() {
        return Ok(d.entries[entry].value.clone());
    }
    let (key, value) = d.remove_at(slot, entry);
    d.insert_new(key, hash, value.clone());
    Ok(Some(value))
}
