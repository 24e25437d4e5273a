//! Operations on sets that hash and compare objects, and so may run Python code that changes the set meanwhile.

use super::{FrozenSet, Set, Step, Walk, any_set};
use crate::object::instance::new;
use crate::object::{Py, PyResult, Value};
use crate::types::dict::Dict;
use crate::types::dict::methods::keys_with_hashes;
use crate::types::exceptions::TYPE_ERROR;
use crate::types::sequence::hash_for;
use crate::vm::Vm;

/// Where an element is, or would go.
enum Place {
    At(usize),
    Free(usize),
}

/// Hash of an element, with the `TypeError` that sets raise for an unhashable one.
#[inline]
pub fn element_hash(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    hash_for(vm, v, "set element")
}

impl Py<Set> {
    fn find(&self, vm: &mut Vm, key: &Value, hash: i64) -> PyResult<Place> {
        'again: loop {
            let mut walk = Walk::new(hash, self.get(vm).mask());
            loop {
                let (at, candidate) = match self.get(vm).step(&mut walk, key, hash) {
                    Step::Found(at) => return Ok(Place::At(at)),
                    Step::Free(at) => return Ok(Place::Free(at)),
                    Step::Ask(at, candidate) => (at, candidate),
                };
                let before = self.get(vm).table.as_ptr();
                let equal = vm.eq(&candidate, key)?;
                let s = self.get(vm);
                let same_slot = s.table.get(at).is_some_and(|s| s.key.as_ref().is_some_and(|k| k.is(&candidate)));
                if s.table.as_ptr() != before || !same_slot {
                    continue 'again;
                }
                if equal {
                    return Ok(Place::At(at));
                }
                walk.advance();
            }
        }
    }

    /// Adds an element; answers whether it is new.
    #[inline]
    pub fn add(&self, vm: &mut Vm, v: &Value) -> PyResult<bool> {
        let hash = element_hash(vm, v)?;
        self.add_hashed(vm, v, hash)
    }

    /// Adds an element whose hash is known; answers whether it is new.
    #[inline]
    pub fn add_hashed(&self, vm: &mut Vm, v: &Value, hash: i64) -> PyResult<bool> {
        match self.find(vm, v, hash)? {
            Place::At(_) => Ok(false),
            Place::Free(at) => {
                self.get_mut(vm).fill_slot(at, v.clone(), hash);
                Ok(true)
            }
        }
    }

    /// Whether the set has an element whose hash is known.
    #[inline]
    pub fn has_hashed(&self, vm: &mut Vm, v: &Value, hash: i64) -> PyResult<bool> {
        Ok(matches!(self.find(vm, v, hash)?, Place::At(_)))
    }

    /// Removes an element whose hash is known; answers whether it was there.
    pub fn discard_hashed(&self, vm: &mut Vm, v: &Value, hash: i64) -> PyResult<bool> {
        match self.find(vm, v, hash)? {
            Place::Free(_) => Ok(false),
            Place::At(at) => {
                let dead = self.get_mut(vm).remove_at(at);
                drop(dead);
                Ok(true)
            }
        }
    }

    /// Whether the set has an element; a `set` is looked up as the frozenset with the same elements.
    pub fn contains(&self, vm: &mut Vm, v: &Value) -> PyResult<bool> {
        match element_hash(vm, v) {
            Ok(hash) => self.has_hashed(vm, v, hash),
            Err(r) => {
                let (key, hash) = frozen_key(vm, v, r)?;
                self.has_hashed(vm, &key, hash)
            }
        }
    }

    /// Removes an element; answers whether it was there. A `set` is looked up as in [`Py::contains`].
    pub fn discard(&self, vm: &mut Vm, v: &Value) -> PyResult<bool> {
        match element_hash(vm, v) {
            Ok(hash) => self.discard_hashed(vm, v, hash),
            Err(r) => {
                let (key, hash) = frozen_key(vm, v, r)?;
                self.discard_hashed(vm, &key, hash)
            }
        }
    }

    /// Runs `f` for each element with its hash; sees changes of the set.
    pub fn each(&self, vm: &mut Vm, mut f: impl FnMut(&mut Vm, &Value, i64) -> PyResult<bool>) -> PyResult<bool> {
        let mut slot = 0;
        while let Some((next, key, hash)) = self.get(vm).entry_from(slot).map(|(n, k, h)| (n, k.clone(), h)) {
            if !f(vm, &key, hash)? {
                return Ok(false);
            }
            slot = next;
        }
        Ok(true)
    }

    /// Adds the elements of another set.
    fn merge(&self, vm: &mut Vm, other: &Py<Set>) -> PyResult<()> {
        let n = other.get(vm).used;
        if n == 0 || self.as_value().is(other.as_value()) {
            return Ok(());
        }
        if self.get(vm).fill == 0 {
            let mut copy = Set::new();
            copy.copy_from(other.get(vm));
            let me = self.get_mut(vm);
            (me.table, me.fill, me.used) = (std::mem::take(&mut copy.table), copy.fill, copy.used);
            return Ok(());
        }
        self.get_mut(vm).reserve_for(n);
        other.each(vm, |vm, key, hash| {
            self.add_hashed(vm, key, hash)?;
            Ok(true)
        })?;
        Ok(())
    }

    /// Adds the items of an iterable.
    pub fn update(&self, vm: &mut Vm, iterable: &Value) -> PyResult<()> {
        if let Some(other) = any_set(iterable) {
            return self.merge(vm, other);
        }
        if let Some(d) = iterable.downcast_exact::<Dict>() {
            let n = d.len();
            self.get_mut(vm).reserve_for(n);
            for (key, hash) in keys_with_hashes(vm, d) {
                self.add_hashed(vm, &key, hash)?;
            }
            return Ok(());
        }
        vm.for_each(iterable, |vm, v| {
            self.add(vm, &v)?;
            Ok(true)
        })
    }

    /// Removes the items of an iterable.
    pub fn remove_all(&self, vm: &mut Vm, iterable: &Value) -> PyResult<()> {
        if self.as_value().is(iterable) {
            let dead = self.get_mut(vm).take_all();
            drop(dead);
            return Ok(());
        }
        if let Some(other) = any_set(iterable) {
            let mut other = other.clone();
            // A much larger one is cut down to what both have first.
            if other.get(vm).used >> 3 > self.get(vm).used {
                other = intersection(vm, self, other.as_value())?;
            }
            other.each(vm, |vm, key, hash| {
                self.discard_hashed(vm, key, hash)?;
                Ok(true)
            })?;
        } else {
            vm.for_each(iterable, |vm, v| {
                let hash = element_hash(vm, &v)?;
                self.discard_hashed(vm, &v, hash)?;
                Ok(true)
            })?;
        }
        let me = self.get_mut(vm);
        if me.fill - me.used > me.mask() / 4 {
            let size = me.grown();
            me.resize(size);
        }
        Ok(())
    }

    /// Adds the items of an iterable that are not there and removes those that are.
    pub fn toggle_all(&self, vm: &mut Vm, iterable: &Value) -> PyResult<()> {
        if self.as_value().is(iterable) {
            let dead = self.get_mut(vm).take_all();
            drop(dead);
            return Ok(());
        }
        if let Some(d) = iterable.downcast_exact::<Dict>() {
            for (key, hash) in keys_with_hashes(vm, d) {
                self.toggle(vm, &key, hash)?;
            }
            return Ok(());
        }
        let other = match any_set(iterable) {
            Some(s) => s.clone(),
            None => {
                let s = Set::new_object();
                s.update(vm, iterable)?;
                s
            }
        };
        other.each(vm, |vm, key, hash| {
            self.toggle(vm, key, hash)?;
            Ok(true)
        })?;
        Ok(())
    }

    fn toggle(&self, vm: &mut Vm, key: &Value, hash: i64) -> PyResult<()> {
        if !self.discard_hashed(vm, key, hash)? {
            self.add_hashed(vm, key, hash)?;
        }
        Ok(())
    }
}

/// After a failed hash: a `set` becomes a frozenset, which can be hashed; the error stays for anything else.
#[cold]
fn frozen_key(vm: &mut Vm, v: &Value, raised: crate::object::Raised) -> PyResult<(Value, i64)> {
    let Some(set) = v.downcast::<Set>() else { return Err(raised) };
    if !vm.error_is(&TYPE_ERROR) {
        return Err(raised);
    }
    vm.clear_error();
    let copy = copy_payload(vm, set);
    let hash = copy.frozen_hash();
    Ok((new(FrozenSet(copy)).into(), hash))
}

/// The elements of a set as a new payload.
pub fn copy_payload(vm: &Vm, set: &Py<Set>) -> Set {
    let mut copy = Set::new();
    copy.copy_from(set.get(vm));
    copy
}

/// A new set of what both have.
pub fn intersection(vm: &mut Vm, set: &Py<Set>, other: &Value) -> PyResult<Py<Set>> {
    if set.as_value().is(other) {
        return Ok(new(copy_payload(vm, set)));
    }
    let result = Set::new_object();
    if let Some(other) = any_set(other) {
        let (walked, asked) = if other.get(vm).used > set.get(vm).used { (set, other) } else { (other, set) };
        walked.each(vm, |vm, key, hash| {
            if asked.has_hashed(vm, key, hash)? {
                result.add_hashed(vm, key, hash)?;
            }
            Ok(true)
        })?;
        return Ok(result);
    }
    vm.for_each(other, |vm, v| {
        let hash = vm.hash(&v)?;
        if set.has_hashed(vm, &v, hash)? {
            result.add_hashed(vm, &v, hash)?;
            // Nothing more can come.
            return Ok(result.get(vm).used < set.get(vm).used);
        }
        Ok(true)
    })?;
    Ok(result)
}

/// A new set of what `set` has and `other` has not.
pub fn difference(vm: &mut Vm, set: &Py<Set>, other: &Value) -> PyResult<Py<Set>> {
    let other_len = match (any_set(other), other.downcast_exact::<Dict>()) {
        (Some(s), _) => Some(s.get(vm).used),
        (None, Some(d)) => Some(d.len()),
        (None, None) => None,
    };
    // Walk over the smaller one.
    if other_len.is_none_or(|n| set.get(vm).used >> 2 > n) {
        let result = new(copy_payload(vm, set));
        result.remove_all(vm, other)?;
        return Ok(result);
    }
    let result = Set::new_object();
    set.each(vm, |vm, key, hash| {
        let has = match (any_set(other), other.downcast_exact::<Dict>()) {
            (Some(s), _) => s.has_hashed(vm, key, hash)?,
            (None, Some(d)) => d.get_item_hashed(vm, key, hash)?.is_some(),
            (None, None) => false,
        };
        if !has {
            result.add_hashed(vm, key, hash)?;
        }
        Ok(true)
    })?;
    Ok(result)
}

/// Whether every element of `inner` is in `outer`.
pub fn is_subset(vm: &mut Vm, inner: &Py<Set>, outer: &Py<Set>) -> PyResult<bool> {
    if inner.get(vm).used > outer.get(vm).used {
        return Ok(false);
    }
    inner.each(vm, |vm, key, hash| outer.has_hashed(vm, key, hash))
}
