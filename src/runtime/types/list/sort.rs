//! `list.sort`: Timsort with the comparisons in CPython's order (`Objects/listsort.txt`), and shortcuts for keys of one
//! plain type, whose comparisons nobody can observe.
//!
//! Where comparing may run Python code or fail, a permutation of indices is sorted instead of the items: a failed
//! comparison then leaves a permutation, as in CPython. Merging follows the powersort rule of Munro and Wild.

use super::List;
use super::methods::this;
use crate::object::buf::Buf;
use crate::object::typedef::CmpOp;
use crate::object::{Py, PyResult, Value, none};
use crate::types::float::Float;
use crate::types::sequence::quick_eq;
use crate::types::str::{Str, Units};
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use std::cmp::Ordering;

/// Capacity of the empty list that stands in during a sort; any change of the list changes it or the length.
const STAND_IN: usize = 2;
/// How often one run must win in a row before merging starts to gallop.
const MIN_GALLOP: usize = 7;
/// Runs shorter than about this are extended by insertion.
const MAX_MINRUN: usize = 64;

/// The method `list.sort`.
pub fn list_sort(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let Some(me) = args.get(0) else { return Err(vm.type_error("unbound method list.sort() needs an argument")) };
    if args.len() > 1 {
        return Err(vm.type_error("sort() takes no positional arguments"));
    }
    let (mut key, mut reverse) = (None, false);
    for (name, value) in args.keywords() {
        if name.is_text("key") {
            key = Some(value).filter(|v| !v.is_none());
        } else if name.is_text("reverse") {
            reverse = vm.truth(value)?;
        } else {
            let name = name.to_rust();
            return Err(vm.type_error(format!("sort() got an unexpected keyword argument '{name}'")));
        }
    }
    sort(vm, this(me), key, reverse)?;
    Ok(none())
}

/// Sorts a list in place and stably. While it runs the list is empty; changing it then is a `ValueError`.
pub fn sort(vm: &mut Vm, list: &Py<List>, key: Option<&Value>, reverse: bool) -> PyResult<()> {
    let mut items = std::mem::replace(&mut list.get_mut(vm).items, Buf::with_capacity(STAND_IN));
    let outcome = sort_items(vm, &mut items, key, reverse);
    let stand_in = std::mem::replace(&mut list.get_mut(vm).items, items);
    let changed = !stand_in.is_empty() || stand_in.capacity() != STAND_IN;
    drop(stand_in);
    outcome?;
    if changed { Err(vm.value_error("list modified during sort")) } else { Ok(()) }
}

fn sort_items(vm: &mut Vm, items: &mut Buf<Value>, key: Option<&Value>, reverse: bool) -> PyResult<()> {
    if items.len() > u32::MAX as usize {
        return Err(vm.memory_error(""));
    }
    let Some(key) = key else {
        if items.len() < 2 || sort_plain(items, reverse) {
            return Ok(());
        }
        let (order, outcome) = timsort(vm, items, reverse);
        permute(items, &order);
        return outcome;
    };
    let mut keys = Vec::with_capacity(items.len());
    for v in items.iter() {
        keys.push(vm.call1(key, v)?);
    }
    if keys.len() < 2 {
        return Ok(());
    }
    if let Some(order) = order_plain(&keys, reverse) {
        permute(items, &order);
        return Ok(());
    }
    let (order, outcome) = timsort(vm, &keys, reverse);
    permute(items, &order);
    outcome
}

/// Puts the items in the given order.
fn permute(items: &mut Buf<Value>, order: &[u32]) {
    let mut from: Vec<Option<Value>> = items.take().into_iter().map(Some).collect();
    items.set_capacity(order.len());
    for &i in order {
        if let Some(v) = from[i as usize].take() {
            items.push(v);
        }
    }
}

// ---- keys of one plain type ------------------------------------------------------------------------------------------

fn all_small(keys: &[Value]) -> bool {
    keys.iter().all(Value::is_small)
}

/// All are floats and none is a NaN, so that they are totally ordered.
fn all_floats(keys: &[Value]) -> bool {
    keys.iter().all(|v| v.downcast_exact::<Float>().is_some_and(|f| !f.value.is_nan()))
}

fn all_strings(keys: &[Value]) -> bool {
    keys.iter().all(Value::is_exact::<Str>)
}

fn float_of(v: &Value) -> f64 {
    Float::read(v).unwrap_or(0.0)
}

fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

fn text_order(a: &Value, b: &Value) -> Ordering {
    match (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        (Some(a), Some(b)) => str_order(a, b),
        _ => Ordering::Equal,
    }
}

/// Order of two texts by code points.
pub fn str_order(a: &Str, b: &Str) -> Ordering {
    match (a.units(), b.units()) {
        (Units::Latin1(x), Units::Latin1(y)) => x.cmp(y),
        (Units::Ucs2(x), Units::Ucs2(y)) => x.cmp(y),
        (Units::Ucs4(x), Units::Ucs4(y)) => x.cmp(y),
        _ => a.code_points().cmp(b.code_points()),
    }
}

/// Sorts items of one plain type by themselves; false when they are not.
fn sort_plain(items: &mut [Value], reverse: bool) -> bool {
    let flip = |o: Ordering| if reverse { o.reverse() } else { o };
    if all_small(items) {
        // Equal small integers are the same word, so stability cannot be seen.
        items.sort_unstable_by(|a, b| flip((a.word() as i64).cmp(&(b.word() as i64))));
    } else if all_floats(items) {
        items.sort_by(|a, b| flip(float_order(float_of(a), float_of(b))));
    } else if all_strings(items) {
        items.sort_by(|a, b| flip(text_order(a, b)));
    } else {
        return false;
    }
    true
}

/// The order that sorts keys of one plain type; `None` when they are not.
fn order_plain(keys: &[Value], reverse: bool) -> Option<Vec<u32>> {
    let flip = |o: Ordering| if reverse { o.reverse() } else { o };
    if all_small(keys) {
        let mut pairs: Vec<(i64, u32)> =
            keys.iter().enumerate().map(|(i, k)| (k.as_small().unwrap_or(0), i as u32)).collect();
        pairs.sort_unstable_by(|a, b| flip(a.0.cmp(&b.0)).then(a.1.cmp(&b.1)));
        return Some(pairs.into_iter().map(|p| p.1).collect());
    }
    if all_floats(keys) {
        let mut pairs: Vec<(f64, u32)> = keys.iter().enumerate().map(|(i, k)| (float_of(k), i as u32)).collect();
        pairs.sort_by(|a, b| flip(float_order(a.0, b.0)));
        return Some(pairs.into_iter().map(|p| p.1).collect());
    }
    if all_strings(keys) {
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        order.sort_by(|&a, &b| flip(text_order(&keys[a as usize], &keys[b as usize])));
        return Some(order);
    }
    None
}

// ---- comparing ---------------------------------------------------------------------------------------------------------

/// Whether one value is less than another, when no Python code is needed to say so.
#[inline]
fn quick_less(a: &Value, b: &Value) -> Option<bool> {
    if let (Some(a), Some(b)) = (a.as_small(), b.as_small()) {
        return Some(a < b);
    }
    if let (Some(a), Some(b)) = (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        return Some(str_order(a, b).is_lt());
    }
    if let (Some(a), Some(b)) = (a.downcast_exact::<Float>(), b.downcast_exact::<Float>()) {
        return Some(a.value < b.value);
    }
    None
}

/// `a < b` as a truth value, with shortcuts for plain types and for tuples.
pub fn less(vm: &mut Vm, a: &Value, b: &Value) -> PyResult<bool> {
    if let Some(less) = quick_less(a, b) {
        return Ok(less);
    }
    if let (Some(x), Some(y)) = (a.downcast_exact::<Tuple>(), b.downcast_exact::<Tuple>()) {
        return tuple_less(vm, x, y);
    }
    vm.compare_bool(a, b, CmpOp::Lt)
}

fn tuple_less(vm: &mut Vm, x: &Tuple, y: &Tuple) -> PyResult<bool> {
    vm.check_recursion(" in comparison")?;
    for (p, q) in x.items().iter().zip(y.items()) {
        let same = match quick_eq(p, q) {
            Some(same) => same,
            None => vm.eq(p, q)?,
        };
        if !same {
            return less(vm, p, q);
        }
    }
    Ok(x.len() < y.len())
}

// ---- Timsort on a permutation ------------------------------------------------------------------------------------------

/// A sorted stretch that waits to be merged.
struct Run {
    base: usize,
    len: usize,
    /// Depth of the boundary after it in the ideal merge tree.
    power: u32,
}

struct Sorter<'k> {
    keys: &'k [Value],
    order: Vec<u32>,
    temp: Vec<u32>,
    min_gallop: usize,
    pending: Vec<Run>,
}

/// Sorts indices by their keys. The order is a permutation in any case; with an error it is as far as sorting got.
fn timsort(vm: &mut Vm, keys: &[Value], reverse: bool) -> (Vec<u32>, PyResult<()>) {
    let n = keys.len() as u32;
    // Reversing before and after keeps equal items in their order.
    let order: Vec<u32> = if reverse { (0..n).rev().collect() } else { (0..n).collect() };
    let mut s = Sorter { keys, order, temp: Vec::new(), min_gallop: MIN_GALLOP, pending: Vec::new() };
    let outcome = s.run(vm);
    let mut order = s.order;
    if reverse {
        order.reverse();
    }
    (order, outcome)
}

fn min_run(mut n: usize) -> usize {
    let mut odd = 0;
    while n >= MAX_MINRUN {
        odd |= n & 1;
        n >>= 1;
    }
    n + odd
}

impl Sorter<'_> {
    fn less(&self, vm: &mut Vm, a: u32, b: u32) -> PyResult<bool> {
        less(vm, &self.keys[a as usize], &self.keys[b as usize])
    }

    fn less_at(&self, vm: &mut Vm, i: usize, j: usize) -> PyResult<bool> {
        self.less(vm, self.order[i], self.order[j])
    }

    fn run(&mut self, vm: &mut Vm) -> PyResult<()> {
        let n = self.order.len();
        let minimum = min_run(n);
        let mut low = 0;
        while low < n {
            let mut len = self.count_run(vm, low, n)?;
            if len < minimum {
                let forced = minimum.min(n - low);
                self.insertion(vm, low, low + forced, low + len)?;
                len = forced;
            }
            self.found_run(vm, low, len)?;
            low += len;
        }
        self.collapse_all(vm)
    }

    /// Length of the run that starts at `low`, made ascending. Equal neighbours may be part of a descending run: each
    /// stretch of them is reversed by itself first, so that reversing the whole keeps their order.
    fn count_run(&mut self, vm: &mut Vm, low: usize, end: usize) -> PyResult<usize> {
        let mut n = low + 1;
        while n < end && !self.less_at(vm, n, n - 1)? {
            n += 1;
        }
        if n == end {
            return Ok(n - low);
        }
        if n > low + 1 {
            if self.less_at(vm, low, n - 1)? {
                return Ok(n - low);
            }
            // All equal so far, and the next is smaller: they start a descending run.
            self.order[low..n].reverse();
        }
        n += 1;
        let mut equal = 0;
        while n < end {
            if self.less_at(vm, n, n - 1)? {
                if equal != 0 {
                    self.order[n - equal - 1..n].reverse();
                    equal = 0;
                }
            } else if self.less_at(vm, n - 1, n)? {
                break;
            } else {
                equal += 1;
            }
            n += 1;
        }
        if equal != 0 {
            self.order[n - equal - 1..n].reverse();
        }
        self.order[low..n].reverse();
        while n < end && !self.less_at(vm, n, n - 1)? {
            n += 1;
        }
        Ok(n - low)
    }

    /// Binary insertion of `sorted..end` into the sorted stretch before it.
    fn insertion(&mut self, vm: &mut Vm, low: usize, end: usize, sorted: usize) -> PyResult<()> {
        for at in sorted.max(low + 1)..end {
            let pivot = self.order[at];
            let (mut left, mut right) = (low, at);
            while left < right {
                let middle = (left + right) >> 1;
                if self.less(vm, pivot, self.order[middle])? { right = middle } else { left = middle + 1 }
            }
            self.order[left..=at].rotate_right(1);
        }
        Ok(())
    }

    /// Notes a new run, after merging earlier ones that lie deeper in the merge tree.
    fn found_run(&mut self, vm: &mut Vm, base: usize, len: usize) -> PyResult<()> {
        if let Some(last) = self.pending.last() {
            let power = power(last.base, last.len, len, self.order.len());
            while self.pending.len() > 1 && self.pending[self.pending.len() - 2].power > power {
                self.merge_at(vm, self.pending.len() - 2)?;
            }
            if let Some(last) = self.pending.last_mut() {
                last.power = power;
            }
        }
        self.pending.push(Run { base, len, power: 0 });
        Ok(())
    }

    fn collapse_all(&mut self, vm: &mut Vm) -> PyResult<()> {
        while self.pending.len() > 1 {
            let mut n = self.pending.len() - 2;
            if n > 0 && self.pending[n - 1].len < self.pending[n + 1].len {
                n -= 1;
            }
            self.merge_at(vm, n)?;
        }
        Ok(())
    }

    /// Merges runs `i` and `i + 1`.
    fn merge_at(&mut self, vm: &mut Vm, i: usize) -> PyResult<()> {
        let b = self.pending.remove(i + 1);
        let (mut a_base, mut a_len) = (self.pending[i].base, self.pending[i].len);
        self.pending[i].len += b.len;
        // What is not greater than the first of b stays; what is not less than the last of a stays.
        let first = self.order[b.base];
        let k = gallop_right(vm, self.keys, first, &self.order[a_base..a_base + a_len], 0)?;
        a_base += k;
        a_len -= k;
        if a_len == 0 {
            return Ok(());
        }
        let last = self.order[a_base + a_len - 1];
        let b_len = gallop_left(vm, self.keys, last, &self.order[b.base..b.base + b.len], b.len - 1)?;
        if b_len == 0 {
            return Ok(());
        }
        if a_len <= b_len {
            self.merge_low(vm, a_base, a_len, b.base, b_len)
        } else {
            self.merge_high(vm, a_base, a_len, b.base, b_len)
        }
    }

    fn merge_low(&mut self, vm: &mut Vm, base: usize, a_len: usize, b: usize, b_len: usize) -> PyResult<()> {
        self.temp.clear();
        self.temp.extend_from_slice(&self.order[base..base + a_len]);
        let mut m = Merge { to: base, a: 0, a_left: a_len, b, b_left: b_len };
        let outcome = self.merge_low_loop(vm, &mut m);
        // What is left of a (all of it after an error) goes before what is left of b, except that a last one of a is
        // known to be greater than all of b.
        if outcome == Ok(true) {
            self.order.copy_within(m.b..m.b + m.b_left, m.to);
            self.order[m.to + m.b_left] = self.temp[m.a];
        } else {
            self.order[m.to..m.to + m.a_left].copy_from_slice(&self.temp[m.a..m.a + m.a_left]);
        }
        outcome.map(|_| ())
    }

    /// Answers whether exactly one item of a is left, which is the greatest of all.
    fn merge_low_loop(&mut self, vm: &mut Vm, m: &mut Merge) -> PyResult<bool> {
        m.low_take_b(&mut self.order);
        if m.b_left == 0 {
            return Ok(false);
        }
        if m.a_left == 1 {
            return Ok(true);
        }
        let mut gallop = self.min_gallop;
        loop {
            let (mut a_wins, mut b_wins) = (0, 0);
            loop {
                if self.less(vm, self.order[m.b], self.temp[m.a])? {
                    m.low_take_b(&mut self.order);
                    (a_wins, b_wins) = (0, b_wins + 1);
                    if m.b_left == 0 {
                        return Ok(false);
                    }
                    if b_wins >= gallop {
                        break;
                    }
                } else {
                    m.low_take_a(&mut self.order, &self.temp, 1);
                    (a_wins, b_wins) = (a_wins + 1, 0);
                    if m.a_left == 1 {
                        return Ok(true);
                    }
                    if a_wins >= gallop {
                        break;
                    }
                }
            }
            gallop += 1;
            loop {
                gallop -= (gallop > 1) as usize;
                self.min_gallop = gallop;
                let k = gallop_right(vm, self.keys, self.order[m.b], &self.temp[m.a..m.a + m.a_left], 0)?;
                a_wins = k;
                m.low_take_a(&mut self.order, &self.temp, k);
                match m.a_left {
                    1 if k != 0 => return Ok(true),
                    // Only with comparisons that contradict each other.
                    0 => return Ok(false),
                    _ => {}
                }
                m.low_take_b(&mut self.order);
                if m.b_left == 0 {
                    return Ok(false);
                }
                let k = gallop_left(vm, self.keys, self.temp[m.a], &self.order[m.b..m.b + m.b_left], 0)?;
                b_wins = k;
                self.order.copy_within(m.b..m.b + k, m.to);
                (m.to, m.b, m.b_left) = (m.to + k, m.b + k, m.b_left - k);
                if m.b_left == 0 {
                    return Ok(false);
                }
                m.low_take_a(&mut self.order, &self.temp, 1);
                if m.a_left == 1 {
                    return Ok(true);
                }
                if a_wins < MIN_GALLOP && b_wins < MIN_GALLOP {
                    break;
                }
            }
            gallop += 1;
            self.min_gallop = gallop;
        }
    }

    /// As [`Sorter::merge_low`], from the back, with b in the temporary.
    fn merge_high(&mut self, vm: &mut Vm, base: usize, a_len: usize, b: usize, b_len: usize) -> PyResult<()> {
        self.temp.clear();
        self.temp.extend_from_slice(&self.order[b..b + b_len]);
        let mut m = Merge { to: b + b_len, a: base, a_left: a_len, b: 0, b_left: b_len };
        let outcome = self.merge_high_loop(vm, &mut m);
        if outcome == Ok(true) {
            self.order.copy_within(m.a..m.a + m.a_left, m.to - m.a_left);
            self.order[m.to - m.a_left - 1] = self.temp[0];
        } else {
            self.order[m.to - m.b_left..m.to].copy_from_slice(&self.temp[..m.b_left]);
        }
        outcome.map(|_| ())
    }

    /// Answers whether exactly one item of b is left, which is the least of all.
    fn merge_high_loop(&mut self, vm: &mut Vm, m: &mut Merge) -> PyResult<bool> {
        m.high_take_a(&mut self.order, 1);
        if m.a_left == 0 {
            return Ok(false);
        }
        if m.b_left == 1 {
            return Ok(true);
        }
        let mut gallop = self.min_gallop;
        loop {
            let (mut a_wins, mut b_wins) = (0, 0);
            loop {
                if self.less(vm, self.temp[m.b_left - 1], self.order[m.a + m.a_left - 1])? {
                    m.high_take_a(&mut self.order, 1);
                    (a_wins, b_wins) = (a_wins + 1, 0);
                    if m.a_left == 0 {
                        return Ok(false);
                    }
                    if a_wins >= gallop {
                        break;
                    }
                } else {
                    m.high_take_b(&mut self.order, &self.temp, 1);
                    (a_wins, b_wins) = (0, b_wins + 1);
                    if m.b_left == 1 {
                        return Ok(true);
                    }
                    if b_wins >= gallop {
                        break;
                    }
                }
            }
            gallop += 1;
            loop {
                gallop -= (gallop > 1) as usize;
                self.min_gallop = gallop;
                let key = self.temp[m.b_left - 1];
                let k = gallop_right(vm, self.keys, key, &self.order[m.a..m.a + m.a_left], m.a_left - 1)?;
                a_wins = m.a_left - k;
                m.high_take_a(&mut self.order, a_wins);
                if m.a_left == 0 {
                    return Ok(false);
                }
                m.high_take_b(&mut self.order, &self.temp, 1);
                if m.b_left == 1 {
                    return Ok(true);
                }
                let key = self.order[m.a + m.a_left - 1];
                let k = gallop_left(vm, self.keys, key, &self.temp[..m.b_left], m.b_left - 1)?;
                b_wins = m.b_left - k;
                m.high_take_b(&mut self.order, &self.temp, b_wins);
                match m.b_left {
                    1 if b_wins != 0 => return Ok(true),
                    // Only with comparisons that contradict each other.
                    0 => return Ok(false),
                    _ => {}
                }
                m.high_take_a(&mut self.order, 1);
                if m.a_left == 0 {
                    return Ok(false);
                }
                if a_wins < MIN_GALLOP && b_wins < MIN_GALLOP {
                    break;
                }
            }
            gallop += 1;
            self.min_gallop = gallop;
        }
    }
}

/// Where a merge stands: the next place to fill and what is left of the two runs, one of them in the temporary.
struct Merge {
    to: usize,
    a: usize,
    a_left: usize,
    b: usize,
    b_left: usize,
}

impl Merge {
    fn low_take_b(&mut self, order: &mut [u32]) {
        order[self.to] = order[self.b];
        (self.to, self.b, self.b_left) = (self.to + 1, self.b + 1, self.b_left - 1);
    }
    fn low_take_a(&mut self, order: &mut [u32], temp: &[u32], k: usize) {
        order[self.to..self.to + k].copy_from_slice(&temp[self.a..self.a + k]);
        (self.to, self.a, self.a_left) = (self.to + k, self.a + k, self.a_left - k);
    }
    fn high_take_a(&mut self, order: &mut [u32], k: usize) {
        let end = self.a + self.a_left;
        order.copy_within(end - k..end, self.to - k);
        (self.to, self.a_left) = (self.to - k, self.a_left - k);
    }
    fn high_take_b(&mut self, order: &mut [u32], temp: &[u32], k: usize) {
        order[self.to - k..self.to].copy_from_slice(&temp[self.b_left - k..self.b_left]);
        (self.to, self.b_left) = (self.to - k, self.b_left - k);
    }
}

/// Depth at which the boundary between two neighbouring runs lies in a perfectly balanced merge tree over `n` items.
fn power(base: usize, len: usize, next: usize, n: usize) -> u32 {
    // Twice the midpoints of both runs; the answer is the first binary digit in which midpoint / n differ.
    let (mut a, mut b) = (2 * base + len, 2 * base + 2 * len + next);
    let mut result = 0;
    loop {
        result += 1;
        if a >= n {
            a -= n;
            b -= n;
        } else if b >= n {
            return result;
        }
        a <<= 1;
        b <<= 1;
    }
}

/// Where `key` belongs in the sorted `run`, before equal ones; the search starts at `hint` and doubles its strides.
fn gallop_left(vm: &mut Vm, keys: &[Value], key: u32, run: &[u32], hint: usize) -> PyResult<usize> {
    let key = &keys[key as usize];
    let below = |vm: &mut Vm, i: usize| less(vm, &keys[run[i] as usize], key);
    let (mut last, mut offset) = (0usize, 1usize);
    let (mut low, mut high);
    if below(vm, hint)? {
        let most = run.len() - hint;
        while offset < most && below(vm, hint + offset)? {
            (last, offset) = (offset, (offset << 1) + 1);
        }
        (low, high) = (hint + last + 1, hint + offset.min(most));
    } else {
        let most = hint + 1;
        while offset < most && !below(vm, hint - offset)? {
            (last, offset) = (offset, (offset << 1) + 1);
        }
        (low, high) = (hint + 1 - offset.min(most), hint - last);
    }
    while low < high {
        let middle = low + ((high - low) >> 1);
        if below(vm, middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(high)
}

/// As [`gallop_left`], after equal ones.
fn gallop_right(vm: &mut Vm, keys: &[Value], key: u32, run: &[u32], hint: usize) -> PyResult<usize> {
    let key = &keys[key as usize];
    let above = |vm: &mut Vm, i: usize| less(vm, key, &keys[run[i] as usize]);
    let (mut last, mut offset) = (0usize, 1usize);
    let (mut low, mut high);
    if above(vm, hint)? {
        let most = hint + 1;
        while offset < most && above(vm, hint - offset)? {
            (last, offset) = (offset, (offset << 1) + 1);
        }
        (low, high) = (hint + 1 - offset.min(most), hint - last);
    } else {
        let most = run.len() - hint;
        while offset < most && !above(vm, hint + offset)? {
            (last, offset) = (offset, (offset << 1) + 1);
        }
        (low, high) = (hint + last + 1, hint + offset.min(most));
    }
    while low < high {
        let middle = low + ((high - low) >> 1);
        if above(vm, middle)? { high = middle } else { low = middle + 1 }
    }
    Ok(high)
}
