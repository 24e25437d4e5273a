//! Iterators that share a source or bring several together: `groupby`, `tee`, `zip_longest`.

use super::{exactly, iterator};
use taipan_runtime::object::instance::{new, new_of};
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, none};
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::{ssize_arg, stop_is_end};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

iterator! {
    GROUPBY "itertools.groupby"
    "Pairs of a key and an iterator over the neighbouring items that have it."
    "(iterable, key=None)" size 72
    payload GroupBy {
        source: Value,
        key: Option<Value>,
        target: Option<Value>,
        current: Option<Value>,
        value: Option<Value>,
        group: u64,
    }
    visits(self, visit) {
        visit(&self.source);
        self.key.iter().chain(&self.target).chain(&self.current).chain(&self.value).for_each(visit);
    }
    clears { (self.key, self.target, self.current, self.value) = (None, None, None, None); }
    new groupby_new;
    next groupby_next;
}

fn groupby_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("groupby", "(iterable, key=None)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let Some(iterable) = &bound[0] else { unreachable!("the iterable is required") };
    let source = vm.iter(iterable)?;
    let key = bound[1].clone().filter(|k| !k.is_none());
    let by = GroupBy { source, key, target: None, current: None, value: None, group: 0 };
    Ok(new_of(class, by).into())
}

/// Takes the next item and its key; false at the end.
fn groupby_step(vm: &mut Vm, g: &Py<GroupBy>) -> PyResult<bool> {
    let (source, key) = (g.get(vm).source.clone(), g.get(vm).key.clone());
    let Some(value) = vm.next(&source)? else { return Ok(false) };
    let current = match key {
        None => value.clone(),
        Some(f) => {
            let key = vm.call1(&f, &value).map(Some);
            match stop_is_end(vm, key)? {
                Some(key) => key,
                None => return Ok(false),
            }
        }
    };
    let g = g.get_mut(vm);
    let old = (g.value.replace(value), g.current.replace(current));
    drop(old);
    Ok(true)
}

fn groupby_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let g = GroupBy::of(me);
    g.get_mut(vm).group += 1;
    // Skip what is left of the last group.
    let key = loop {
        if let Some(current) = g.get(vm).current.clone() {
            match g.get(vm).target.clone() {
                Some(target) if vm.eq(&target, &current)? => {}
                _ => break current,
            }
        }
        if !groupby_step(vm, g)? {
            return Ok(None);
        }
    };
    g.get_mut(vm).target = Some(key.clone());
    let group = g.get(vm).group;
    let grouper = new(Grouper { parent: g.clone(), key: key.clone(), group });
    Ok(Some(Tuple::of([key, grouper.into()]).into()))
}

/// Payload of `itertools._grouper`: the items of one group, as long as its `groupby` has not gone on.
pub struct Grouper {
    parent: Py<GroupBy>,
    key: Value,
    group: u64,
}
taipan_runtime::payload!(Grouper, GROUPER,
    traverse(self, visit) {
        visit(self.parent.as_value());
        visit(&self.key);
    },
    clear(self) {}
);

/// The type `itertools._grouper`.
pub static GROUPER: TypeDef =
    TypeDef::new::<Grouper>("itertools._grouper").flags(TypeFlags::HAVE_GC).cpython_size(32, 0).slots(Slots {
        new: Some(|vm, _, args| {
            let args = exactly(vm, args, "_grouper", 2)?;
            let Some(parent) = args[0].downcast::<GroupBy>() else {
                let name = args[0].class().payload.name();
                return Err(vm.type_error(format!("_grouper() argument 1 must be itertools.groupby, not {name}")));
            };
            let parent = parent.clone();
            parent.get_mut(vm).group += 1;
            let group = parent.get(vm).group;
            Ok(new(Grouper { parent, key: args[1].clone(), group }).into())
        }),
        iter: Some(|_, me| Ok(me.clone())),
        next: Some(grouper_next),
        ..Slots::NONE
    });

fn grouper_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = me.downcast::<Grouper>().expect("a method is called on its type").get(vm);
    let (g, key, group) = (it.parent.clone(), it.key.clone(), it.group);
    if g.get(vm).group != group {
        return Ok(None);
    }
    if g.get(vm).value.is_none() && !groupby_step(vm, &g)? {
        return Ok(None);
    }
    let Some(current) = g.get(vm).current.clone() else { return Ok(None) };
    if !vm.eq(&key, &current)? {
        return Ok(None);
    }
    let g = g.get_mut(vm);
    g.current = None;
    Ok(g.value.take())
}

/// Items kept in one piece of a tee's buffer; pieces that all iterators have passed are freed.
const PIECE: usize = 57;

/// Payload of `itertools._tee_dataobject`: a piece of the items that several iterators share.
pub struct TeeData {
    source: Option<Value>,
    values: Vec<Value>,
    next: Option<Py<TeeData>>,
    running: bool,
}
taipan_runtime::payload!(TeeData, TEE_DATA,
    traverse(self, visit) {
        self.source.iter().chain(&self.values).for_each(&mut *visit);
        if let Some(n) = &self.next {
            visit(n.as_value());
        }
    },
    clear(self) {
        self.source = None;
        self.next = None;
        drop(std::mem::take(&mut self.values));
    }
);

/// The type `itertools._tee_dataobject`.
pub static TEE_DATA: TypeDef = TypeDef::new::<TeeData>("itertools._tee_dataobject")
    .doc("A piece of the items that the iterators of tee() share.")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(496, 0)
    .slots(Slots { new: Some(tee_data_new), ..Slots::NONE });

fn tee_data_new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    let [source, values, next] = exactly(vm, args, "teedataobject", 3)? else { unreachable!("three were demanded") };
    let Some(values) = values.downcast::<List>().map(|l| l.to_vec()) else {
        let name = values.class().payload.name();
        return Err(vm.type_error(format!("teedataobject() argument 2 must be list, not {name}")));
    };
    let next = match next.downcast::<TeeData>() {
        Some(n) if values.len() == PIECE => Some(n.clone()),
        None if next.is_none() && values.len() <= PIECE => None,
        _ => return Err(vm.value_error("Invalid arguments")),
    };
    Ok(new(TeeData { source: Some(source.clone()), values, next, running: false }).into())
}

iterator! {
    TEE "itertools._tee"
    "An iterator that can be copied: the copies share what they take from one source."
    "(iterable, /)" size 48
    payload Tee { data: Py<TeeData>, index: usize }
    visits(self, visit) { visit(self.data.as_value()); }
    clears {}
    new |vm, _, args| {
        let iterable = &exactly(vm, args, "_tee", 1)?[0];
        tee_over(vm, iterable)
    };
    next tee_next;
    methods &[MethodDef::method("__copy__", "($self, /)", "Return an independent iterator.", NativeFn::F1(|vm, me| {
        let t = Tee::of(me).get(vm);
        Ok(new(Tee { data: t.data.clone(), index: t.index }).into())
    }))];
}

/// A `_tee` over an iterable; over another `_tee` it shares that one's items.
fn tee_over(vm: &mut Vm, iterable: &Value) -> PyResult {
    let source = vm.iter(iterable)?;
    if let Some(t) = source.downcast::<Tee>() {
        let t = t.get(vm);
        return Ok(new(Tee { data: t.data.clone(), index: t.index }).into());
    }
    let data = new(TeeData { source: Some(source), values: Vec::new(), next: None, running: false });
    Ok(new(Tee { data, index: 0 }).into())
}

fn tee_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let t = Tee::of(me);
    if t.get(vm).index >= PIECE {
        let data = t.get(vm).data.clone();
        let next = match data.get(vm).next.clone() {
            Some(n) => n,
            None => {
                let source = data.get(vm).source.clone();
                let n = new(TeeData { source, values: Vec::new(), next: None, running: false });
                data.get_mut(vm).next = Some(n.clone());
                n
            }
        };
        let t = t.get_mut(vm);
        t.index = 0;
        let old = std::mem::replace(&mut t.data, next);
        drop(old);
    }
    let (data, index) = (t.get(vm).data.clone(), t.get(vm).index);
    let item = tee_item(vm, &data, index)?;
    if item.is_some() {
        t.get_mut(vm).index = index + 1;
    }
    Ok(item)
}

fn tee_item(vm: &mut Vm, data: &Py<TeeData>, index: usize) -> PyResult<Option<Value>> {
    if let Some(v) = data.get(vm).values.get(index) {
        return Ok(Some(v.clone()));
    }
    if data.get(vm).running {
        return Err(vm.runtime_error("cannot re-enter the tee iterator"));
    }
    let Some(source) = data.get(vm).source.clone() else { return Ok(None) };
    data.get_mut(vm).running = true;
    let item = vm.next(&source);
    data.get_mut(vm).running = false;
    let Some(item) = item? else { return Ok(None) };
    data.get_mut(vm).values.push(item.clone());
    Ok(Some(item))
}

/// `tee(iterable, n=2)`.
pub fn tee(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "tee")?;
    args.between(vm, "tee", 1, 2)?;
    let n = match args.get(1) {
        Some(v) => ssize_arg(vm, v)?,
        None => 2,
    };
    if n < 0 {
        return Err(vm.value_error("n must be >= 0"));
    }
    if n == 0 {
        return Ok(Tuple::empty().into());
    }
    let source = vm.iter(&args.pos()[0])?;
    let copy = vm.intern("__copy__");
    let mut out = Vec::new();
    let copier = match vm.get_attr_opt(&source, &copy)? {
        // A `_tee`, or another iterator that can be copied.
        Some(f) if source.downcast::<Tee>().is_none() => {
            out.push(source);
            f
        }
        _ => {
            let first = tee_over(vm, &source)?;
            out.push(first.clone());
            vm.get_attr(&first, &copy)?
        }
    };
    while out.len() < n as usize {
        let next = vm.call0(&copier)?;
        out.push(next);
    }
    Ok(Tuple::from_vec(out).into())
}

iterator! {
    ZIP_LONGEST "itertools.zip_longest"
    "Tuples of one item from each iterable, until the longest ends; fillvalue stands in for missing ones."
    "(*iterables, fillvalue=None)" size 56
    payload ZipLongest { sources: Vec<Option<Value>>, active: usize, fill: Value }
    visits(self, visit) {
        self.sources.iter().flatten().for_each(&mut *visit);
        visit(&self.fill);
    }
    clears { drop(std::mem::take(&mut self.sources)); }
    new zip_longest_new;
    next zip_longest_next;
}

fn zip_longest_new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let mut fill = none();
    for (name, value) in args.keywords() {
        if !name.is_text("fillvalue") {
            return Err(vm.type_error("zip_longest() got an unexpected keyword argument"));
        }
        fill = value.clone();
    }
    let mut sources = Vec::with_capacity(args.len());
    for v in args.pos() {
        sources.push(Some(vm.iter(v)?));
    }
    let active = sources.len();
    Ok(new_of(class, ZipLongest { sources, active, fill }).into())
}

fn zip_longest_next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let z = ZipLongest::of(me);
    let n = z.get(vm).sources.len();
    if z.get(vm).active == 0 {
        return Ok(None);
    }
    let mut row = Vec::with_capacity(n);
    for i in 0..n {
        let Some(source) = z.get(vm).sources.get(i).cloned().flatten() else {
            row.push(z.get(vm).fill.clone());
            continue;
        };
        match vm.next(&source) {
            Ok(Some(v)) => row.push(v),
            Ok(None) => {
                let z = z.get_mut(vm);
                z.active = z.active.saturating_sub(1);
                if z.active == 0 {
                    return Ok(None);
                }
                row.push(z.fill.clone());
                if let Some(s) = z.sources.get_mut(i) {
                    *s = None;
                }
            }
            Err(r) => {
                z.get_mut(vm).active = 0;
                return Err(r);
            }
        }
    }
    Ok(Some(Tuple::from_vec(row).into()))
}
