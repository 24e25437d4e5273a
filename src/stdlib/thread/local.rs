//! `_thread._local`: an object whose attributes every thread has for itself. They lie in the thread's dictionary under
//! the object's identity; a subclass's `__init__` runs once in each thread.

use taipan_runtime::name;
use taipan_runtime::object::typedef::Visit;
use taipan_runtime::object::{Payload, Py, PyResult, Slots, TypeDef, TypeFlags, Value, instance};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::list::List;
use taipan_runtime::types::object::attr;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::weakref::{self, WeakRef};
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Payload of `_local`: the attributes of each thread, by its identity, and the constructor's arguments.
pub struct Local {
    threads: Vec<(u64, Py<Dict>)>,
    args: Py<Tuple>,
    kwargs: Option<Py<Dict>>,
}

// SAFETY: made by `TypeDef::new::<Local>`; traverse visits each owned value.
unsafe impl Payload for Local {
    const DEF: &'static TypeDef = &LOCAL;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.threads.iter().for_each(|(_, d)| visit(d.as_value()));
        visit(self.args.as_value());
        if let Some(k) = &self.kwargs {
            visit(k.as_value());
        }
    }
    fn clear(&mut self) {
        drop(std::mem::take(&mut self.threads));
    }
}

/// `_thread._local`
pub static LOCAL: TypeDef = TypeDef::new::<Local>("_thread._local")
    .doc("Data that every thread has for itself.")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::HAVE_GC).union(TypeFlags::WEAKREFABLE))
    .slots(Slots { new: Some(new), getattr: Some(getattr), setattr: Some(setattr), ..Slots::NONE });

fn new(vm: &mut Vm, class: &Py<taipan_runtime::object::Type>, args: &Args<'_>) -> PyResult {
    let own_init = vm.type_lookup(class.get_type(), name!("__init__"));
    let plain = vm.type_lookup(taipan_runtime::types::object::OBJECT.object(), name!("__init__"));
    let is_plain = matches!((&own_init, &plain), (Some(a), Some(b)) if a.is(b));
    if is_plain && (args.len() != 0 || args.has_keywords()) {
        return Err(vm.type_error("Initialization arguments are not supported"));
    }
    let me = Local {
        threads: vec![(vm.ident, Dict::new_object())],
        args: Tuple::from_slice(args.pos()),
        kwargs: args.keyword_dict(),
    };
    let me: Value = instance::new_of(class, me).into();
    note(vm, &me)?;
    Ok(me)
}

/// This thread's attributes, made (and initialised by `__init__`) at first use.
fn attributes(vm: &mut Vm, v: &Value) -> PyResult<Py<Dict>> {
    let me = v.downcast::<Local>().expect("a slot of _local is called on one");
    let ident = vm.ident;
    if let Some((_, d)) = me.get(vm).threads.iter().find(|(t, _)| *t == ident) {
        return Ok(d.clone());
    }
    let d = Dict::new_object();
    me.get_mut(vm).threads.push((ident, d.clone()));
    note(vm, v)?;
    let (args, kwargs) = (me.get(vm).args.clone(), me.get(vm).kwargs.clone());
    let Some(init) = v.class().payload.slots().init else { return Ok(d) };
    let mut all = args.items().to_vec();
    let mut names = Vec::new();
    for (k, value) in kwargs.map(|k| k.pairs()).unwrap_or_default() {
        names.push(k);
        all.push(value);
    }
    let names = Tuple::from_vec(names);
    if let Err(r) = init(vm, v, &Args::new(&all, Some(&names))) {
        me.get_mut(vm).threads.retain(|(t, _)| *t != ident);
        return Err(r);
    }
    Ok(d)
}

/// Notes that this thread has data in a local object, which ends with the thread.
fn note(vm: &mut Vm, v: &Value) -> PyResult<()> {
    let weak = weakref::make(vm, &weakref::REF.class(), v, None)?;
    let known = match vm.dict.as_ref().and_then(|d| d.downcast::<List>()) {
        Some(l) if !l.len().is_power_of_two() => l.clone(),
        old => {
            // Now and then those that are gone are left out.
            let live = old.map(|l| l.to_vec()).unwrap_or_default();
            let live = live.into_iter().filter(|w| w.downcast::<WeakRef>().is_some_and(|w| w.target().is_some()));
            let fresh = List::from_vec(live.collect());
            vm.dict = Some(fresh.clone().into());
            fresh
        }
    };
    known.push(weak);
    Ok(())
}

/// Ends the data of this thread in all local objects.
pub fn forget(vm: &mut Vm) {
    let ident = vm.ident;
    drop(vm.context.take());
    let Some(known) = vm.dict.take() else { return vm.run_ends() };
    for w in known.downcast::<List>().map(|l| l.to_vec()).unwrap_or_default() {
        let Some(object) = w.downcast::<WeakRef>().and_then(|w| w.target()) else { continue };
        if let Some(me) = object.downcast::<Local>() {
            let all = &mut me.get_mut(vm).threads;
            let dead: Vec<_> = all.extract_if(.., |(t, _)| *t == ident).collect();
            drop(dead);
        }
    }
    drop(known);
    vm.run_ends();
}

fn getattr(vm: &mut Vm, v: &Value, name: &Py<Str>) -> PyResult {
    let d = attributes(vm, v)?;
    if name.is_text("__dict__") {
        return Ok(d.into());
    }
    let class = v.class_value();
    let found = vm.type_lookup(v.class(), name);
    let get = found.as_ref().and_then(|f| f.class().payload.slots().descr_get);
    if let (Some(f), Some(get)) = (&found, get) {
        if f.class().payload.slots().descr_set.is_some() {
            return get(vm, f, Some(v), Some(&class));
        }
    }
    if let Some(own) = d.lookup_str(name) {
        return Ok(own);
    }
    match (found, get) {
        (Some(f), Some(get)) => get(vm, &f, Some(v), Some(&class)),
        (Some(f), None) => Ok(f),
        (None, _) => Err(attr::no_attribute(vm, v, name)),
    }
}

fn setattr(vm: &mut Vm, v: &Value, name: &Py<Str>, value: Option<&Value>) -> PyResult<()> {
    let d = attributes(vm, v)?;
    if name.is_text("__dict__") {
        let class = v.class().payload.name();
        return Err(vm.attribute_error(format!("'{class}' object attribute '__dict__' is read-only")));
    }
    if let Some(f) = vm.type_lookup(v.class(), name) {
        if let Some(set) = f.class().payload.slots().descr_set {
            return set(vm, &f, v, value);
        }
    }
    match value {
        Some(value) => d.store_str(name, value.clone()),
        None if d.remove_str(name).is_some() => {}
        None => return Err(attr::no_attribute(vm, v, name)),
    }
    Ok(())
}
