//! Iterators that pass items on, leave some out, or join sources: `chain`, `compress`, `cycle`, `dropwhile`,
//! `filterfalse`, `pairwise`, `starmap`, `takewhile`.

use super::{exactly, holds, iterator};
use taipan_runtime::object::instance::{new, new_of};
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value};
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::sequence::stop_is_end;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::tuple::methods::from_iterable;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

iterator! {
    CHAIN "itertools.chain"
    "The items of the first iterable, then those of the second, and so on."
    "(*iterables)" size 32
    payload Chain { sources: Option<Value>, active: Option<Value> }
    visits(self, visit) {
        self.sources.iter().chain(&self.active).for_each(visit);
    }
    clears { (self.sources, self.active) = (None, None); }
    new chain_new;
    next chain_next;
    methods &[
        MethodDef::class(
            "from_iterable",
            "($type, iterable, /)",
            "chain() over the iterables that one iterable gives, taken when they are needed.",
            NativeFn::F2(|vm, class, iterables| {
                let sources = Some(vm.iter(iterables)?);
                let chain = Chain { sources, active: None };
                Ok(match class.downcast::<Type>() {
                    Some(class) => new_of(class, chain).into(),
                    None => new(chain).into(),
                })
            }),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "chain is generic over the type of the items.",
            NativeFn::F2(class_getitem),
        ),
    ];
}

fn chain_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(vm.type_error("chain() takes no keyword arguments"));
    }
    let sources = Some(vm.iter(Tuple::from_slice(args.pos()).as_value())?);
    Ok(new_of(class, Chain { sources, active: None }).into())
}

fn chain_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let c = Chain::of(me);
    loop {
        if let Some(active) = c.get(vm).active.clone() {
            if let Some(v) = vm.next(&active)? {
                return Ok(Some(v));
            }
            c.get_mut(vm).active = None;
        }
        let Some(sources) = c.get(vm).sources.clone() else { return Ok(None) };
        let opened = match vm.next(&sources)? {
            Some(iterable) => vm.iter(&iterable).map(Some),
            None => Ok(None),
        };
        match opened {
            Ok(Some(it)) => c.get_mut(vm).active = Some(it),
            end => {
                c.get_mut(vm).sources = None;
                return end;
            }
        }
    }
}

iterator! {
    COMPRESS "itertools.compress"
    "Those data items whose selector is true."
    "(data, selectors)" size 32
    payload Compress { data: Value, selectors: Value }
    visits(self, visit) {
        visit(&self.data);
        visit(&self.selectors);
    }
    clears {}
    new compress_new;
    next compress_next;
}

fn compress_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("compress", "(data, selectors)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let (Some(data), Some(selectors)) = (&bound[0], &bound[1]) else { unreachable!("both are required") };
    let data = vm.iter(data)?;
    let selectors = vm.iter(selectors)?;
    Ok(new_of(class, Compress { data, selectors }).into())
}

fn compress_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let c = Compress::of(me).get(vm);
    let (data, selectors) = (c.data.clone(), c.selectors.clone());
    loop {
        let Some(datum) = vm.next(&data)? else { return Ok(None) };
        let Some(selector) = vm.next(&selectors)? else { return Ok(None) };
        if vm.truth(&selector)? {
            return Ok(Some(datum));
        }
    }
}

iterator! {
    CYCLE "itertools.cycle"
    "The items of the iterable, again and again."
    "(iterable, /)" size 40
    payload Cycle { source: Option<Value>, saved: Vec<Value>, index: usize }
    visits(self, visit) {
        self.source.iter().chain(&self.saved).for_each(visit);
    }
    clears {
        self.source = None;
        drop(std::mem::take(&mut self.saved));
    }
    new cycle_new;
    next cycle_next;
}

fn cycle_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let iterable = &exactly(vm, args, "cycle", 1)?[0];
    let source = Some(vm.iter(iterable)?);
    Ok(new_of(class, Cycle { source, saved: Vec::new(), index: 0 }).into())
}

fn cycle_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let c = Cycle::of(me);
    if let Some(source) = c.get(vm).source.clone() {
        if let Some(v) = vm.next(&source)? {
            c.get_mut(vm).saved.push(v.clone());
            return Ok(Some(v));
        }
        c.get_mut(vm).source = None;
    }
    let c = c.get_mut(vm);
    let item = c.saved.get(c.index).cloned();
    c.index = if c.index + 1 >= c.saved.len() { 0 } else { c.index + 1 };
    Ok(item)
}

iterator! {
    DROPWHILE "itertools.dropwhile"
    "The items from the first one on for which the predicate is false."
    "(predicate, iterable, /)" size 40
    payload DropWhile { predicate: Value, source: Value, started: bool }
    visits(self, visit) {
        visit(&self.predicate);
        visit(&self.source);
    }
    clears {}
    new |vm, class, args| {
        let [predicate, source] = predicate_and_source(vm, args, "dropwhile")?;
        Ok(new_of(class, DropWhile { predicate, source, started: false }).into())
    };
    next |vm, me| {
        let d = DropWhile::of(me).get(vm);
        let (predicate, source, started) = (d.predicate.clone(), d.source.clone(), d.started);
        while let Some(v) = vm.next(&source)? {
            let drop = if started { Some(false) } else { holds(vm, &predicate, &v)? };
            match drop {
                Some(true) => {}
                Some(false) => {
                    DropWhile::of(me).get_mut(vm).started = true;
                    return Ok(Some(v));
                }
                None => return Ok(None),
            }
        }
        Ok(None)
    };
}

fn predicate_and_source(vm: &mut Vm, args: &Args<'_>, name: &str) -> PyResult<[Value; 2]> {
    let args = exactly(vm, args, name, 2)?;
    let source = vm.iter(&args[1])?;
    Ok([args[0].clone(), source])
}

iterator! {
    TAKEWHILE "itertools.takewhile"
    "The items up to the first one for which the predicate is false."
    "(predicate, iterable, /)" size 40
    payload TakeWhile { predicate: Value, source: Value, stopped: bool }
    visits(self, visit) {
        visit(&self.predicate);
        visit(&self.source);
    }
    clears {}
    new |vm, class, args| {
        let [predicate, source] = predicate_and_source(vm, args, "takewhile")?;
        Ok(new_of(class, TakeWhile { predicate, source, stopped: false }).into())
    };
    next |vm, me| {
        let t = TakeWhile::of(me).get(vm);
        let (predicate, source) = (t.predicate.clone(), t.source.clone());
        if t.stopped {
            return Ok(None);
        }
        let Some(v) = vm.next(&source)? else { return Ok(None) };
        match holds(vm, &predicate, &v)? {
            Some(true) => return Ok(Some(v)),
            Some(false) => TakeWhile::of(me).get_mut(vm).stopped = true,
            None => {}
        }
        Ok(None)
    };
}

iterator! {
    FILTERFALSE "itertools.filterfalse"
    "Those items for which the function (or, if it is None, the item itself) is false."
    "(function, iterable, /)" size 32
    payload FilterFalse { function: Value, source: Value }
    visits(self, visit) {
        visit(&self.function);
        visit(&self.source);
    }
    clears {}
    new |vm, class, args| {
        let [function, source] = predicate_and_source(vm, args, "filterfalse")?;
        Ok(new_of(class, FilterFalse { function, source }).into())
    };
    next |vm, me| {
        let f = FilterFalse::of(me).get(vm);
        let (function, source) = (f.function.clone(), f.source.clone());
        let plain = function.is_none() || function.is(&taipan_runtime::types::bool::BOOL.value());
        while let Some(v) = vm.next(&source)? {
            let good = if plain { Some(vm.truth(&v)?) } else { holds(vm, &function, &v)? };
            match good {
                Some(false) => return Ok(Some(v)),
                Some(true) => {}
                None => return Ok(None),
            }
        }
        Ok(None)
    };
}

iterator! {
    PAIRWISE "itertools.pairwise"
    "Overlapping pairs of neighbours: for s0, s1, s2 the pairs (s0, s1) and (s1, s2)."
    "(iterable, /)" size 40
    payload Pairwise { source: Option<Value>, old: Option<Value> }
    visits(self, visit) {
        self.source.iter().chain(&self.old).for_each(visit);
    }
    clears { (self.source, self.old) = (None, None); }
    new |vm, class, args| {
        let iterable = &exactly(vm, args, "pairwise", 1)?[0];
        let source = Some(vm.iter(iterable)?);
        Ok(new_of(class, Pairwise { source, old: None }).into())
    };
    next pairwise_next;
}

fn pairwise_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let p = Pairwise::of(me);
    let Some(source) = p.get(vm).source.clone() else { return Ok(None) };
    if p.get(vm).old.is_none() {
        let first = pairwise_item(vm, p, &source)?;
        if first.is_none() {
            return Ok(None);
        }
        p.get_mut(vm).old = first;
        // Fetching the item may have used up this very iterator.
        if p.get(vm).source.is_none() {
            p.get_mut(vm).old = None;
            return Ok(None);
        }
    }
    let old = p.get(vm).old.clone();
    let new = pairwise_item(vm, p, &source)?;
    let (Some(old), Some(new)) = (old, new) else { return Ok(None) };
    p.get_mut(vm).old = Some(new.clone());
    Ok(Some(Tuple::of([old, new]).into()))
}

/// The source's next item; at its end, or with an error, nothing is left of the iterator.
fn pairwise_item(vm: &mut Vm, p: &Py<Pairwise>, source: &Value) -> PyResult<Option<Value>> {
    let item = vm.next(source);
    if !matches!(item, Ok(Some(_))) {
        let p = p.get_mut(vm);
        (p.source, p.old) = (None, None);
    }
    item
}

iterator! {
    STARMAP "itertools.starmap"
    "What the function makes of each item, whose parts are its arguments."
    "(function, iterable, /)" size 32
    payload StarMap { function: Value, source: Value }
    visits(self, visit) {
        visit(&self.function);
        visit(&self.source);
    }
    clears {}
    new |vm, class, args| {
        let [function, source] = predicate_and_source(vm, args, "starmap")?;
        Ok(new_of(class, StarMap { function, source }).into())
    };
    next |vm, me| {
        let s = StarMap::of(me).get(vm);
        let (function, source) = (s.function.clone(), s.source.clone());
        let Some(row) = vm.next(&source)? else { return Ok(None) };
        let row = from_iterable(vm, &row)?;
        let result = vm.call(&function, row.items()).map(Some);
        stop_is_end(vm, result)
    };
}
