//! `zip`, `map` and `filter` (`Python/bltinmodule.c`).

use crate::object::instance::new_of;
use crate::object::typedef::{Payload, Visit};
use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, none};
use crate::types::sequence::stop_is_end;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use smallvec::SmallVec;

type Row = SmallVec<[Value; 4]>;

/// The iterators that `zip` and `map` go through side by side.
struct Columns {
    iters: Vec<Value>,
    strict: bool,
}

impl Columns {
    fn new(vm: &mut Vm, iterables: &[Value], strict: bool) -> PyResult<Columns> {
        let mut iters = Vec::with_capacity(iterables.len());
        for v in iterables {
            iters.push(vm.iter(v)?);
        }
        Ok(Columns { iters, strict })
    }
    fn visit(&self, visit: &mut Visit<'_>) {
        self.iters.iter().for_each(visit);
    }
}

/// What goes through columns side by side.
trait HasColumns: Payload {
    /// Name for messages.
    const NAME: &str;
    fn columns(&self) -> &Columns;
}

/// One item from each column of the object; `None` when one is at its end. The columns are looked up again after each
/// item, since fetching it may run Python code.
fn next_row<T: HasColumns>(vm: &mut Vm, me: &Py<T>) -> PyResult<Option<Row>> {
    let (n, strict) = (me.get(vm).columns().iters.len(), me.get(vm).columns().strict);
    let mut row = Row::with_capacity(n);
    for i in 0..n {
        let Some(it) = me.get(vm).columns().iters.get(i).cloned() else { return Ok(None) };
        match vm.next(&it)? {
            Some(v) => row.push(v),
            None if strict => {
                check_ends(vm, me, i)?;
                return Ok(None);
            }
            None => return Ok(None),
        }
    }
    Ok(Some(row))
}

/// Column `ended` is at its end: complains unless it is the first and all others are at theirs.
fn check_ends<T: HasColumns>(vm: &mut Vm, me: &Py<T>, ended: usize) -> PyResult<()> {
    let name = T::NAME;
    let others = |i: usize| if i == 1 { "argument 1".to_string() } else { format!("arguments 1-{i}") };
    if ended > 0 {
        return Err(vm.value_error(format!("{name}() argument {} is shorter than {}", ended + 1, others(ended))));
    }
    for i in 1..me.get(vm).columns().iters.len() {
        let Some(it) = me.get(vm).columns().iters.get(i).cloned() else { break };
        if vm.next(&it)?.is_some() {
            return Err(vm.value_error(format!("{name}() argument {} is longer than {}", i + 1, others(i))));
        }
    }
    Ok(())
}

/// The keyword argument `strict`, the only one allowed.
fn strict_keyword(vm: &mut Vm, args: &Args<'_>, name: &str) -> PyResult<bool> {
    let n = args.all().len() - args.len();
    if n > 1 {
        return Err(vm.type_error(format!("{name}() takes at most 1 keyword argument ({n} given)")));
    }
    if let Some((keyword, value)) = args.keywords().next() {
        if !keyword.is_text("strict") {
            let keyword = keyword.to_rust();
            return Err(vm.type_error(format!("{name}() got an unexpected keyword argument '{keyword}'")));
        }
        return vm.truth(value);
    }
    Ok(false)
}

fn reduced(me: &Value, parts: Vec<Value>, strict: bool) -> Value {
    let (class, parts): (Value, Value) = (Py::of(me.class()).into(), Tuple::from_vec(parts).into());
    if strict { Tuple::of([class, parts, boolean(true)]).into() } else { Tuple::of([class, parts]).into() }
}

/// Payload of `zip`.
pub struct Zip(Columns);

crate::payload!(Zip, ZIP,
    traverse(self, visit) { self.0.visit(visit); },
    clear(self) { drop(std::mem::take(&mut self.0.iters)); }
);

impl HasColumns for Zip {
    const NAME: &str = "zip";
    fn columns(&self) -> &Columns {
        &self.0
    }
}

/// The type `zip`.
pub static ZIP: TypeDef = TypeDef::new::<Zip>("zip")
    .doc("Tuples of one item from each iterable, until the shortest ends; with strict=True all must end together.")
    .signature("(*iterables, strict=False)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(48, 0)
    .slots(Slots { new: Some(zip_new), iter: Some(|_, me| Ok(me.clone())), next: Some(zip_next), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(|vm, me| {
                let columns = &zip_of(me).get(vm).0;
                Ok(reduced(me, columns.iters.clone(), columns.strict))
            }),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(|vm, me, state| {
                let strict = vm.truth(state)?;
                zip_of(me).get_mut(vm).0.strict = strict;
                Ok(none())
            }),
        ),
    ]);

fn zip_of(me: &Value) -> &Py<Zip> {
    me.downcast::<Zip>().expect("a method of zip is called on one")
}

fn zip_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let strict = strict_keyword(vm, args, "zip")?;
    let columns = Columns::new(vm, args.pos(), strict)?;
    Ok(new_of(class, Zip(columns)).into())
}

fn zip_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let z = zip_of(me);
    if z.get(vm).0.iters.is_empty() {
        return Ok(None);
    }
    let row = next_row(vm, z)?;
    Ok(row.map(|row| match <[Value; 2]>::try_from(row.into_vec()) {
        Ok(pair) => Tuple::of(pair).into(),
        Err(row) => Tuple::from_vec(row).into(),
    }))
}

/// Payload of `map`.
pub struct Map {
    function: Value,
    columns: Columns,
}

crate::payload!(Map, MAP,
    traverse(self, visit) {
        let Map { function, columns } = self;
        visit(function);
        columns.visit(visit);
    },
    clear(self) { drop(std::mem::take(&mut self.columns.iters)); }
);

impl HasColumns for Map {
    const NAME: &str = "map";
    fn columns(&self) -> &Columns {
        &self.columns
    }
}

/// The type `map`.
pub static MAP: TypeDef = TypeDef::new::<Map>("map")
    .doc("What a function makes of the items of the iterables, one from each at a time, until the shortest ends.")
    .signature("(function, iterable, /, *iterables, strict=False)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(40, 0)
    .slots(Slots { new: Some(map_new), iter: Some(|_, me| Ok(me.clone())), next: Some(map_next), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(|vm, me| {
                let m = map_of(me).get(vm);
                let mut parts = vec![m.function.clone()];
                parts.extend_from_slice(&m.columns.iters);
                Ok(reduced(me, parts, m.columns.strict))
            }),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(|vm, me, state| {
                let strict = vm.truth(state)?;
                map_of(me).get_mut(vm).columns.strict = strict;
                Ok(none())
            }),
        ),
    ]);

fn map_of(me: &Value) -> &Py<Map> {
    me.downcast::<Map>().expect("a method of map is called on one")
}

fn map_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let strict = strict_keyword(vm, args, "map")?;
    if args.len() < 2 {
        return Err(vm.type_error("map() must have at least two arguments."));
    }
    let columns = Columns::new(vm, &args.pos()[1..], strict)?;
    Ok(new_of(class, Map { function: args.pos()[0].clone(), columns }).into())
}

fn map_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let m = map_of(me);
    let Some(row) = next_row(vm, m)? else { return Ok(None) };
    if row.is_empty() {
        return Ok(None);
    }
    let f = m.get(vm).function.clone();
    let result = vm.call(&f, &row).map(Some);
    stop_is_end(vm, result)
}

/// Payload of `filter`.
pub struct Filter {
    function: Value,
    iter: Option<Value>,
}

crate::payload!(Filter, FILTER,
    traverse(self, visit) {
        let Filter { function, iter } = self;
        visit(function);
        if let Some(it) = iter {
            visit(it);
        }
    },
    clear(self) { self.iter = None; }
);

/// The type `filter`.
pub static FILTER: TypeDef = TypeDef::new::<Filter>("filter")
    .doc("Those items of the iterable for which the function (or, if it is None, the item itself) is true.")
    .signature("(function, iterable, /)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(32, 0)
    .slots(Slots { new: Some(filter_new), iter: Some(|_, me| Ok(me.clone())), next: Some(filter_next), ..Slots::NONE })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        NativeFn::F1(|vm, me| {
            let f = filter_of(me).get(vm);
            Ok(reduced(me, vec![f.function.clone(), f.iter.clone().unwrap_or_else(none)], false))
        }),
    )]);

fn filter_of(me: &Value) -> &Py<Filter> {
    me.downcast::<Filter>().expect("a method of filter is called on one")
}

fn filter_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    if args.has_keywords() && std::ptr::eq(class.get_type(), FILTER.object()) {
        return Err(vm.type_error("filter() takes no keyword arguments"));
    }
    let [function, iterable] = args.pos() else {
        return Err(vm.type_error(format!("filter expected 2 arguments, got {}", args.len())));
    };
    let iter = Some(vm.iter(iterable)?);
    Ok(new_of(class, Filter { function: function.clone(), iter }).into())
}

fn filter_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let f = filter_of(me).get(vm);
    let (function, Some(iter)) = (f.function.clone(), f.iter.clone()) else { return Ok(None) };
    let plain = function.is_none() || function.is(&crate::types::bool::BOOL.value());
    while let Some(item) = vm.next(&iter)? {
        let good = if plain {
            vm.truth(&item).map(Some)
        } else {
            vm.call1(&function, &item).and_then(|r| vm.truth(&r)).map(Some)
        };
        match stop_is_end(vm, good)? {
            Some(true) => return Ok(Some(item)),
            Some(false) => {}
            None => return Ok(None),
        }
    }
    Ok(None)
}
