//! `collections.defaultdict`: a dict that makes missing values. The factory lies in the word behind the dict.

use taipan_runtime::name;
use taipan_runtime::object::instance::{get_slot, new_of, set_slot};
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, none, not_implemented,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::dict::methods::{DICT, merge, update_from};
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::sequence::join_texts;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject::short_name;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Word of the factory.
const FACTORY: usize = 0;

/// The type `collections.defaultdict`.
pub static DEFAULTDICT: TypeDef = TypeDef::new::<Dict>("collections.defaultdict")
    .doc("A dict that calls default_factory, its first argument, for the value of a missing key.")
    .base(&DICT)
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(56, 0)
    .slot_words(1)
    .slots(Slots {
        new: Some(|_, class, _| Ok(new_of(class, Dict::new()).into())),
        init: Some(defaultdict_init),
        repr: Some(defaultdict_repr),
        or: Some(defaultdict_or),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__missing__",
            "($self, object, /)",
            "Make, store and return the value of a missing key.",
            NativeFn::F2(missing),
        ),
        MethodDef::method("copy", "($self, /)", "Return a shallow copy.", NativeFn::F1(|vm, me| copy_of(vm, me, me))),
        MethodDef::method(
            "__copy__",
            "($self, /)",
            "Return a shallow copy.",
            NativeFn::F1(|vm, me| copy_of(vm, me, me)),
        ),
        MethodDef::method("__reduce__", "($self, /)", "Return state information for pickling.", NativeFn::F1(reduce)),
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "defaultdict is generic over the types of keys and values.",
            NativeFn::F2(class_getitem),
        ),
    ])
    .getset(&[GetSetDef {
        name: "default_factory",
        doc: "What is called, without arguments, for a missing value; None: nothing.",
        get: |_, me| Ok(factory(me).unwrap_or_else(none)),
        set: Some(|_, me, value| {
            let old = set_slot(me, FACTORY, value.cloned());
            drop(old);
            Ok(())
        }),
        member: true,
    }]);

/// The factory, unless it is absent or `None`.
fn factory(me: &Value) -> Option<Value> {
    get_slot(me, FACTORY).filter(|f| !f.is_none())
}

fn dict(me: &Value) -> &Py<Dict> {
    me.downcast::<Dict>().expect("a method of defaultdict is called on one")
}

fn defaultdict_init(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    let (first, rest) = match args.get(0) {
        Some(f) => (f.clone(), args.rest()),
        None => (none(), *args),
    };
    if !first.is_none() && !vm.callable(&first) {
        return Err(vm.type_error("first argument must be callable or None"));
    }
    let old = set_slot(me, FACTORY, Some(first));
    drop(old);
    if rest.len() > 1 {
        return Err(vm.type_error(format!("dict expected at most 1 argument, got {}", rest.len())));
    }
    if let Some(v) = rest.get(0) {
        update_from(vm, dict(me), v)?;
    }
    for (key, value) in rest.keywords() {
        dict(me).store_str(key, value.clone());
    }
    Ok(())
}

fn missing(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    let Some(f) = factory(me) else { return Err(vm.key_error(key)) };
    let value = vm.call0(&f)?;
    vm.set_item(me, key, &value)?;
    Ok(value)
}

/// A new object of the class and with the factory of `me`, with the items of `source`.
fn copy_of(vm: &mut Vm, me: &Value, source: &Value) -> PyResult {
    let class: Value = Py::<Type>::of(me.class()).into();
    vm.call(&class, &[factory(me).unwrap_or_else(none), source.clone()])
}

fn defaultdict_or(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let (me, other) = if vm.is_kind(a, &DEFAULTDICT) { (a, b) } else { (b, a) };
    if other.downcast::<Dict>().is_none() {
        return Ok(not_implemented());
    }
    let sum = copy_of(vm, me, a)?;
    merge(vm, &dict(&sum).clone(), b, true)?;
    Ok(sum)
}

fn reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let args = match factory(me) {
        Some(f) => Tuple::of([f]),
        None => Tuple::empty(),
    };
    let items = vm.call_method_named(me, name!("items"), &[])?;
    let it = vm.iter(&items)?;
    let class: Value = Py::<Type>::of(me.class()).into();
    Ok(Tuple::of([class, args.into(), none(), none(), it]).into())
}

fn defaultdict_repr(vm: &mut Vm, me: &Value) -> PyResult {
    let Some(repr) = DICT.slots.repr else { unreachable!("dict has a repr") };
    let items = repr(vm, me)?;
    let made_by = match factory(me) {
        None => vm.intern("None"),
        // A bound method of this very object would come back here.
        Some(f) if !vm.enter_repr(&f) => vm.intern("..."),
        Some(f) => {
            let text = vm.repr(&f);
            vm.leave_repr(&f);
            text?
        }
    };
    let Some(items) = items.downcast::<Str>() else { unreachable!("the repr of a dict is a str") };
    let open = Str::from_rust(&format!("{}(", short_name(me.class())));
    Ok(join_texts(&[&open, &made_by, name!(", "), items, name!(")")]).into())
}
