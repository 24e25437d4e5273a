//! Iterators over rows of items from pools: `product`, `combinations`, `combinations_with_replacement`, `permutations`.

use super::iterator;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::sequence::{cpython_basicsize, ssize_arg};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::tuple::methods::from_iterable;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// How far an iterator over rows is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No row was given yet.
    Fresh,
    /// The indices are those of the last row.
    Going,
    /// No more rows.
    Done,
}

const SIZEOF_SIGNATURE: &str = "($self, /)";
const SIZEOF_DOC: &str = "Return the size of the iterator in memory, in bytes.";

iterator! {
    PRODUCT "itertools.product"
    "All rows of one item from each iterable, the last one changing fastest."
    "(*iterables, repeat=1)" size 48
    payload Product { pools: Vec<Py<Tuple>>, indices: Vec<usize>, stage: Stage }
    visits(self, visit) { self.pools.iter().for_each(|p| visit(p.as_value())); }
    clears { (self.pools, self.indices, self.stage) = (Vec::new(), Vec::new(), Stage::Done); }
    new product_new;
    next |vm, me| Ok(Product::of(me).get_mut(vm).step());
    methods &[MethodDef::method("__sizeof__", SIZEOF_SIGNATURE, SIZEOF_DOC, NativeFn::F1(|vm, me| {
        Ok(Value::from_usize(cpython_basicsize(me.class()) + 8 * Product::of(me).get(vm).pools.len()))
    }))];
}

fn product_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let mut repeat = 1;
    for (name, value) in args.keywords() {
        if !name.is_text("repeat") {
            let name = name.to_rust();
            return Err(vm.type_error(format!("product() got an unexpected keyword argument '{name}'")));
        }
        repeat = ssize_arg(vm, value)?;
        if repeat < 0 {
            return Err(vm.value_error("repeat argument cannot be negative"));
        }
    }
    let given = if repeat == 0 { &[] } else { args.pos() };
    if given.len().checked_mul(repeat as usize).is_none_or(|n| n > isize::MAX as usize / 8) {
        return Err(vm.overflow_error("repeat argument too large"));
    }
    let mut once = Vec::with_capacity(given.len());
    for v in given {
        once.push(from_iterable(vm, v)?);
    }
    let pools: Vec<Py<Tuple>> = (0..repeat).flat_map(|_| once.iter().cloned()).collect();
    let indices = vec![0; pools.len()];
    Ok(new_of(class, Product { pools, indices, stage: Stage::Fresh }).into())
}

impl Product {
    fn step(&mut self) -> Option<Value> {
        match self.stage {
            Stage::Done => return None,
            Stage::Fresh if self.pools.iter().any(|p| p.len() == 0) => self.stage = Stage::Done,
            Stage::Fresh => self.stage = Stage::Going,
            Stage::Going => {
                // Like an odometer: the last index moves on, and those that wrap round move the one before.
                let moved = (0..self.pools.len()).rev().any(|i| {
                    self.indices[i] += 1;
                    let fits = self.indices[i] < self.pools[i].len();
                    if !fits {
                        self.indices[i] = 0;
                    }
                    fits
                });
                if !moved {
                    self.stage = Stage::Done;
                }
            }
        }
        if self.stage == Stage::Done {
            return None;
        }
        let row = self.pools.iter().zip(&self.indices).map(|(p, &i)| p.items()[i].clone()).collect();
        Some(Tuple::from_vec(row).into())
    }
}

fn row(pool: &Tuple, indices: &[usize]) -> Option<Value> {
    Some(Tuple::from_vec(indices.iter().map(|&i| pool.items()[i].clone()).collect()).into())
}

/// The pool and the length of the rows that the combination iterators are made from.
fn pool_and_length(vm: &mut Vm, args: &Args<'_>, signature: &Signature) -> PyResult<(Py<Tuple>, usize)> {
    let bound = args.bind(vm, signature)?;
    let (Some(iterable), Some(r)) = (&bound[0], &bound[1]) else { unreachable!("both are required") };
    let r = ssize_arg(vm, r)?;
    let pool = from_iterable(vm, iterable)?;
    match usize::try_from(r) {
        Ok(r) => Ok((pool, r)),
        Err(_) => Err(vm.value_error("r must be non-negative")),
    }
}

iterator! {
    COMBINATIONS "itertools.combinations"
    "All rows of r items in the order of the iterable, each position used once."
    "(iterable, r)" size 56
    payload Combinations { pool: Py<Tuple>, indices: Vec<usize>, stage: Stage }
    visits(self, visit) { visit(self.pool.as_value()); }
    clears {}
    new |vm, class, args| {
        static SIGNATURE: Signature = Signature::new("combinations", "(iterable, r)");
        let (pool, r) = pool_and_length(vm, args, &SIGNATURE)?;
        let stage = if r > pool.len() { Stage::Done } else { Stage::Fresh };
        let indices = if r > pool.len() { Vec::new() } else { (0..r).collect() };
        Ok(new_of(class, Combinations { pool, indices, stage }).into())
    };
    next |vm, me| Ok(Combinations::of(me).get_mut(vm).step());
    methods &[MethodDef::method("__sizeof__", SIZEOF_SIGNATURE, SIZEOF_DOC, NativeFn::F1(|vm, me| {
        Ok(Value::from_usize(cpython_basicsize(me.class()) + 8 * Combinations::of(me).get(vm).indices.len()))
    }))];
}

impl Combinations {
    fn step(&mut self) -> Option<Value> {
        match self.stage {
            Stage::Done => return None,
            Stage::Fresh => self.stage = Stage::Going,
            Stage::Going => {
                let (n, r) = (self.pool.len(), self.indices.len());
                let Some(i) = (0..r).rev().find(|&i| self.indices[i] != i + n - r) else {
                    self.stage = Stage::Done;
                    return None;
                };
                self.indices[i] += 1;
                for j in i + 1..r {
                    self.indices[j] = self.indices[j - 1] + 1;
                }
            }
        }
        row(&self.pool, &self.indices)
    }
}

iterator! {
    COMBINATIONS_WITH_REPLACEMENT "itertools.combinations_with_replacement"
    "All rows of r items in the order of the iterable, where positions may come more than once."
    "(iterable, r)" size 56
    payload Replacing { pool: Py<Tuple>, indices: Vec<usize>, stage: Stage }
    visits(self, visit) { visit(self.pool.as_value()); }
    clears {}
    new |vm, class, args| {
        static SIGNATURE: Signature = Signature::new("combinations_with_replacement", "(iterable, r)");
        let (pool, r) = pool_and_length(vm, args, &SIGNATURE)?;
        let stage = if pool.len() == 0 && r > 0 { Stage::Done } else { Stage::Fresh };
        Ok(new_of(class, Replacing { pool, indices: vec![0; r], stage }).into())
    };
    next |vm, me| Ok(Replacing::of(me).get_mut(vm).step());
    methods &[MethodDef::method("__sizeof__", SIZEOF_SIGNATURE, SIZEOF_DOC, NativeFn::F1(|vm, me| {
        Ok(Value::from_usize(cpython_basicsize(me.class()) + 8 * Replacing::of(me).get(vm).indices.len()))
    }))];
}

impl Replacing {
    fn step(&mut self) -> Option<Value> {
        match self.stage {
            Stage::Done => return None,
            Stage::Fresh => self.stage = Stage::Going,
            Stage::Going => {
                let last = self.pool.len().wrapping_sub(1);
                let Some(i) = self.indices.iter().rposition(|&k| k != last) else {
                    self.stage = Stage::Done;
                    return None;
                };
                let next = self.indices[i] + 1;
                self.indices[i..].fill(next);
            }
        }
        row(&self.pool, &self.indices)
    }
}

iterator! {
    PERMUTATIONS "itertools.permutations"
    "All rows of r items (by default all) in every order, each position used once."
    "(iterable, r=None)" size 64
    payload Permutations { pool: Py<Tuple>, indices: Vec<usize>, cycles: Vec<usize>, stage: Stage }
    visits(self, visit) { visit(self.pool.as_value()); }
    clears {}
    new permutations_new;
    next |vm, me| Ok(Permutations::of(me).get_mut(vm).step());
    methods &[MethodDef::method("__sizeof__", SIZEOF_SIGNATURE, SIZEOF_DOC, NativeFn::F1(|vm, me| {
        let p = Permutations::of(me).get(vm);
        Ok(Value::from_usize(cpython_basicsize(me.class()) + 8 * (p.indices.len() + p.cycles.len())))
    }))];
}

fn permutations_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("permutations", "(iterable, r=None)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let Some(iterable) = &bound[0] else { unreachable!("the iterable is required") };
    let pool = from_iterable(vm, iterable)?;
    let n = pool.len();
    let r = match &bound[1] {
        None => n as isize,
        Some(v) if v.is_none() => n as isize,
        Some(v) if Int::read(v).is_none() => return Err(vm.type_error("Expected int as r")),
        Some(v) => ssize_arg(vm, v)?,
    };
    let Ok(r) = usize::try_from(r) else { return Err(vm.value_error("r must be non-negative")) };
    let stage = if r > n { Stage::Done } else { Stage::Fresh };
    let cycles = if r > n { Vec::new() } else { (0..r).map(|i| n - i).collect() };
    Ok(new_of(class, Permutations { pool, indices: (0..n).collect(), cycles, stage }).into())
}

impl Permutations {
    fn step(&mut self) -> Option<Value> {
        let r = self.cycles.len();
        match self.stage {
            Stage::Done => return None,
            Stage::Fresh => self.stage = Stage::Going,
            Stage::Going => {
                let n = self.pool.len();
                // Each position goes through what is left of the pool; when it is through, the one before moves on.
                let moved = (0..r).rev().any(|i| {
                    self.cycles[i] -= 1;
                    if self.cycles[i] == 0 {
                        self.indices[i..].rotate_left(1);
                        self.cycles[i] = n - i;
                        return false;
                    }
                    self.indices.swap(i, n - self.cycles[i]);
                    true
                });
                if !moved {
                    self.stage = Stage::Done;
                    return None;
                }
            }
        }
        row(&self.pool, &self.indices[..r])
    }
}
