//! `dict`: compact and ordered: an index table over an array of entries (`Objects/dictobject.c` gives the order rules).
//!
//! While all keys are exact strings, lookups never call Python code. `keys_version` names the state of the keys: inline
//! caches of module globals compare it and then read the entry by index. This file has the payload and its core
//! operations; `methods` what Python code calls, `views` the key, value and item views and their iterators.

pub mod methods;
pub mod order;
pub mod views;

use crate::object::buf::Buf;
use crate::object::typedef::{Payload, Visit};
use crate::object::{Py, PyResult, TypeDef, Value};
use crate::types::str::Str;
use crate::vm::Vm;
pub use methods::DICT;

/// One key with its value; both absent after deletion.
pub struct Entry {
    hash: i64,
    key: Option<Value>,
    /// The value, absent exactly when the key is.
    pub value: Option<Value>,
}

/// Payload of `dict`.
pub struct Dict {
    /// Entry number + 1 for each slot; 0: never used; `u32::MAX`: deleted. Length is a power of two or zero.
    index: Buf<u32>,
    entries: Buf<Entry>,
    used: usize,
    /// Slots of the index that are not empty: live and deleted ones.
    filled: usize,
    /// All keys are exact `str`.
    str_keys: bool,
    /// Names the present set of keys and their entry numbers; 0: no name given yet.
    keys_version: u32,
    /// Counts structural changes, to notice them across calls of Python code.
    changes: u32,
    /// No entry before this position is live: where `order` looks for the first item.
    front: usize,
}

const DELETED: u32 = u32::MAX;
static mut NEXT_KEYS_VERSION: u32 = 1;

// SAFETY: made by `TypeDef::new::<Dict>`; traverse visits each owned key and value.
unsafe impl Payload for Dict {
    const DEF: &'static TypeDef = &DICT;
    fn traverse(&self, visit: &mut Visit<'_>) {
        for e in self.entries.iter() {
            if let Some(v) = &e.value {
                visit(v);
            }
            if let Some(k) = &e.key {
                visit(k);
            }
        }
    }
    fn clear(&mut self) {
        drop(self.take_all());
    }
}

enum Found {
    Entry(usize, usize),
    Absent,
}

impl Dict {
    /// An empty dictionary's payload.
    pub const fn new() -> Dict {
        Dict {
            index: Buf::new(),
            entries: Buf::new(),
            used: 0,
            filled: 0,
            str_keys: true,
            keys_version: 0,
            changes: 0,
            front: 0,
        }
    }
    /// An empty dictionary.
    pub fn new_object() -> Py<Dict> {
        crate::object::instance::new(Dict::new())
    }
    /// Number of items.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.used
    }
    /// Number of structural changes so far (wraps); iterators compare it.
    pub fn changes(&self) -> u32 {
        self.changes
    }
    /// Length of the entry array, deleted entries included: positions go from 0 up to this.
    pub fn positions(&self) -> usize {
        self.entries.len()
    }
    /// Key, value and hash at a position, if not deleted.
    pub fn at(&self, position: usize) -> Option<(&Value, &Value, i64)> {
        let e = self.entries.get(position)?;
        Some((e.key.as_ref()?, e.value.as_ref()?, e.hash))
    }
    /// Slots of the index table (for size reports).
    pub fn table_len(&self) -> usize {
        self.index.len()
    }
    /// Whether all keys are exact strings.
    pub fn has_only_str_keys(&self) -> bool {
        self.str_keys
    }
    /// The items in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Value, &Value)> {
        self.entries.iter().filter_map(|e| Some((e.key.as_ref()?, e.value.as_ref()?)))
    }

    fn changed(&mut self) {
        self.keys_version = 0;
        self.changes = self.changes.wrapping_add(1);
    }

    /// Probes for a key; `same` decides on candidates with the same hash.
    #[inline]
    fn probe(&self, hash: i64, mut same: impl FnMut(&Value) -> bool) -> Found {
        let n = self.index.len();
        if n == 0 {
            return Found::Absent;
        }
        let mask = n - 1;
        let mut perturb = hash as u64;
        let mut i = hash as usize & mask;
        loop {
            match self.index[i] {
                0 => return Found::Absent,
                DELETED => {}
                e => {
                    let entry = &self.entries[e as usize - 1];
                    if entry.hash == hash && entry.key.as_ref().is_some_and(&mut same) {
                        return Found::Entry(i, e as usize - 1);
                    }
                }
            }
            perturb >>= 5;
            i = (i.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & mask;
        }
    }

    /// Finds an exact string among the keys without calling Python code.
    #[inline]
    fn probe_str(&self, key: &Py<Str>) -> Found {
        let text: &Str = key;
        self.probe(text.hash(), |k| {
            k.is(key.as_value())
                || k.downcast_exact::<Str>().is_some_and(|k| !(k.is_interned() && text.is_interned()) && k.same(text))
        })
    }

    fn rebuild(&mut self, slots: usize) {
        self.front = 0;
        if self.used != self.entries.len() {
            let old = self.entries.take();
            self.entries = Buf::with_capacity(usable(slots));
            for e in old {
                if e.key.is_some() {
                    self.entries.push(e);
                }
            }
        } else {
            self.entries.set_capacity(usable(slots));
        }
        let mut index = Buf::with_capacity(slots);
        for _ in 0..slots {
            index.push(0);
        }
        self.index = index;
        self.filled = self.entries.len();
        let mask = slots - 1;
        for n in 0..self.entries.len() {
            let hash = self.entries[n].hash;
            let mut perturb = hash as u64;
            let mut i = hash as usize & mask;
            while self.index[i] != 0 {
                perturb >>= 5;
                i = (i.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & mask;
            }
            self.index[i] = n as u32 + 1;
        }
        self.keys_version = 0;
    }

    /// Makes room for `n` items at once.
    pub fn reserve(&mut self, n: usize) {
        let mut slots = 8;
        while usable(slots) < n {
            slots *= 2;
        }
        if slots > self.index.len() {
            self.rebuild(slots);
        }
    }

    /// Adds a key that is not there.
    fn insert_new(&mut self, key: Value, hash: i64, value: Value) {
        if self.index.is_empty() || self.filled.max(self.entries.len()) >= usable(self.index.len()) {
            let mut slots = 8;
            while slots < self.used * 3 + 1 {
                slots *= 2;
            }
            self.rebuild(slots);
        }
        if self.str_keys && !key.is_exact::<Str>() {
            self.str_keys = false;
        }
        let mask = self.index.len() - 1;
        let mut perturb = hash as u64;
        let mut i = hash as usize & mask;
        while self.index[i] != 0 && self.index[i] != DELETED {
            perturb >>= 5;
            i = (i.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & mask;
        }
        self.filled += (self.index[i] == 0) as usize;
        self.entries.push(Entry { hash, key: Some(key), value: Some(value) });
        self.index[i] = self.entries.len() as u32;
        self.used += 1;
        self.changed();
    }

    fn remove_at(&mut self, slot: usize, entry: usize) -> (Value, Value) {
        self.index[slot] = DELETED;
        let e = &mut self.entries[entry];
        let out = (e.key.take().expect("live entry"), e.value.take().expect("live entry"));
        self.used -= 1;
        if self.used == 0 {
            for i in self.index.iter_mut() {
                *i = 0;
            }
            self.filled = 0;
            self.entries.truncate(0);
            self.front = 0;
            self.str_keys = true;
        } else if entry + 1 == self.entries.len() {
            // Keep `popitem` linear: drop deleted entries at the end (their slots stay marked).
            while self.entries.last().is_some_and(|e| e.key.is_none()) {
                self.entries.pop();
            }
        }
        self.changed();
        out
    }

    /// Takes everything out; the caller drops it when the dictionary is consistent.
    fn take_all(&mut self) -> (Buf<Entry>, Buf<u32>) {
        self.used = 0;
        self.filled = 0;
        self.front = 0;
        self.str_keys = true;
        self.changed();
        (std::mem::take(&mut self.entries), std::mem::take(&mut self.index))
    }
}

impl Default for Dict {
    fn default() -> Self {
        Dict::new()
    }
}

/// Entries that a table of `slots` holds before it grows.
fn usable(slots: usize) -> usize {
    (slots << 1) / 3
}

/// Whether two keys with the same hash are surely equal (`Some(true)`), surely different, or to be asked.
#[inline]
fn same_without_python(a: &Value, b: &Value) -> Option<bool> {
    if a.is(b) {
        return Some(true);
    }
    if a.is_small() && b.is_small() {
        return Some(false);
    }
    match (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        (Some(a), Some(b)) => Some(a.same(b)),
        _ => None,
    }
}

impl Py<Dict> {
    /// The payload. Borrow it only across code that cannot change the dictionary.
    #[inline(always)]
    fn peek(&self) -> &Dict {
        // SAFETY: callers of this private function hold the result across no change (I5).
        unsafe { &*self.payload_ptr() }
    }
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn poke(&self) -> &mut Dict {
        // SAFETY: as `peek`; changes do not run Python code, values leave before they are dropped.
        unsafe { &mut *self.payload_ptr() }
    }
    /// Number of items.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.peek().used
    }
    /// Value of a string key, without calling Python code.
    #[inline]
    pub fn lookup_str(&self, key: &Py<Str>) -> Option<Value> {
        let d = self.peek();
        match d.probe_str(key) {
            Found::Entry(_, e) => d.entries[e].value.clone(),
            Found::Absent => None,
        }
    }
    /// Value of a name given as text (interned on the way).
    pub fn lookup_text(&self, key: &str) -> Option<Value> {
        self.lookup_str(&crate::types::str::intern::intern_str(key))
    }
    /// Sets the value of a string key, without calling Python code.
    pub fn store_str(&self, key: &Py<Str>, value: Value) {
        let d = self.poke();
        let old = match d.probe_str(key) {
            Found::Entry(_, e) => d.entries[e].value.replace(value),
            Found::Absent => {
                d.insert_new(key.as_value().clone(), key.hash(), value);
                None
            }
        };
        drop(old);
    }
    /// Sets the value of a name given as text.
    pub fn store_text(&self, key: &str, value: impl Into<Value>) {
        self.store_str(&crate::types::str::intern::intern_str(key), value.into());
    }
    /// Removes a string key; gives its value.
    pub fn remove_str(&self, key: &Py<Str>) -> Option<Value> {
        let d = self.poke();
        match d.probe_str(key) {
            Found::Entry(s, e) => Some(d.remove_at(s, e).1),
            Found::Absent => None,
        }
    }
    /// Entry number and keys version for an inline cache of a string key.
    pub fn cacheable(&self, key: &Py<Str>) -> Option<(u32, u32)> {
        let Found::Entry(_, e) = self.peek().probe_str(key) else { return None };
        Some((self.keys_version()?, e as u32))
    }
    /// The name of the present set of keys; `None` when the numbers are used up or a key is not a string.
    pub fn keys_version(&self) -> Option<u32> {
        let d = self.poke();
        if !d.str_keys {
            return None;
        }
        if d.keys_version == 0 {
            // SAFETY: guarded by the GIL (I1).
            unsafe {
                if NEXT_KEYS_VERSION == u32::MAX {
                    return None;
                }
                d.keys_version = NEXT_KEYS_VERSION;
                NEXT_KEYS_VERSION += 1;
            }
        }
        Some(d.keys_version)
    }
    /// For inline caches: the version to compare, 0 when none is given.
    #[inline(always)]
    pub fn current_version(&self) -> u32 {
        self.peek().keys_version
    }
    /// For inline caches: the value of entry `n`.
    ///
    /// # Safety
    /// The keys version is the one for which [`Py::cacheable`] gave `n`: the entry is there, and live.
    #[inline(always)]
    pub unsafe fn cached_value(&self, n: u32) -> &Value {
        // SAFETY: by the caller's promise.
        unsafe { (*self.peek().entries.as_ptr().add(n as usize)).value.as_ref().unwrap_unchecked() }
    }

    fn find(&self, vm: &mut Vm, key: &Value, hash: i64) -> PyResult<Found> {
        if let Some(s) = key.downcast_exact::<Str>() {
            if self.peek().str_keys {
                return Ok(self.peek().probe_str(s));
            }
        }
        'again: loop {
            let mut ask: Option<Value> = None;
            let mut refused: smallvec::SmallVec<[usize; 4]> = smallvec::SmallVec::new();
            loop {
                let found = self.peek().probe(hash, |k| match same_without_python(k, key) {
                    Some(same) => same,
                    None if refused.contains(&k.word()) => false,
                    None => {
                        ask = Some(k.clone());
                        true
                    }
                });
                let Some(candidate) = ask.take() else { return Ok(found) };
                let before = self.peek().changes;
                let equal = vm.eq(&candidate, key)?;
                if self.peek().changes != before {
                    continue 'again;
                }
                if equal {
                    return Ok(found);
                }
                refused.push(candidate.word());
            }
        }
    }

    /// Value of a key.
    pub fn get_item(&self, vm: &mut Vm, key: &Value) -> PyResult<Option<Value>> {
        let hash = methods::key_hash(vm, key)?;
        self.get_item_hashed(vm, key, hash)
    }
    /// Value of a key whose hash is known.
    pub fn get_item_hashed(&self, vm: &mut Vm, key: &Value, hash: i64) -> PyResult<Option<Value>> {
        Ok(match self.find(vm, key, hash)? {
            Found::Entry(_, e) => self.peek().entries[e].value.clone(),
            Found::Absent => None,
        })
    }
    /// Sets the value of a key.
    pub fn set_item(&self, vm: &mut Vm, key: &Value, value: Value) -> PyResult<()> {
        let hash = methods::key_hash(vm, key)?;
        self.set_item_hashed(vm, key, hash, value)
    }
    /// Sets the value of a key whose hash is known.
    pub fn set_item_hashed(&self, vm: &mut Vm, key: &Value, hash: i64, value: Value) -> PyResult<()> {
        let old = match self.find(vm, key, hash)? {
            Found::Entry(_, e) => self.poke().entries[e].value.replace(value),
            Found::Absent => {
                self.poke().insert_new(key.clone(), hash, value);
                None
            }
        };
        drop(old);
        Ok(())
    }
    /// Value of a key, after setting it to `default` when it is absent.
    pub fn set_default(&self, vm: &mut Vm, key: &Value, default: &Value) -> PyResult {
        let hash = methods::key_hash(vm, key)?;
        match self.find(vm, key, hash)? {
            Found::Entry(_, e) => Ok(self.peek().entries[e].value.clone().expect("live entry")),
            Found::Absent => {
                self.poke().insert_new(key.clone(), hash, default.clone());
                Ok(default.clone())
            }
        }
    }
    /// Removes a key; gives its value.
    pub fn del_item(&self, vm: &mut Vm, key: &Value) -> PyResult<Option<Value>> {
        let hash = methods::key_hash(vm, key)?;
        let removed = match self.find(vm, key, hash)? {
            Found::Entry(s, e) => Some(self.poke().remove_at(s, e)),
            Found::Absent => None,
        };
        Ok(removed.map(|(_, v)| v))
    }
    /// Removes the last item.
    pub fn pop_last(&self) -> Option<(Value, Value)> {
        let d = self.poke();
        let e = d.entries.iter().rposition(|e| e.key.is_some())?;
        let (hash, word) = (d.entries[e].hash, d.entries[e].key.as_ref()?.word());
        match d.probe(hash, |k| k.word() == word) {
            Found::Entry(s, e) => Some(d.remove_at(s, e)),
            Found::Absent => None,
        }
    }
    /// Removes everything.
    pub fn clear_all(&self) {
        let dead = self.poke().take_all();
        drop(dead);
    }
    /// The item at or after a position, with the next position: iteration that survives changes.
    pub fn next_from(&self, mut position: usize) -> Option<(usize, Value, Value)> {
        let d = self.peek();
        while position < d.entries.len() {
            if let Some((k, v, _)) = d.at(position) {
                return Some((position + 1, k.clone(), v.clone()));
            }
            position += 1;
        }
        None
    }
    /// The items in order, cloned.
    pub fn pairs(&self) -> Vec<(Value, Value)> {
        self.peek().iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    }
    /// A shallow copy as an exact `dict`.
    pub fn copy(&self) -> Py<Dict> {
        let out = Dict::new_object();
        let (d, o) = (self.peek(), out.poke());
        o.reserve(d.used);
        for e in d.entries.iter() {
            if let (Some(k), Some(v)) = (&e.key, &e.value) {
                o.insert_new(k.clone(), e.hash, v.clone());
            }
        }
        out
    }
}
