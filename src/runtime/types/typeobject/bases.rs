//! `cls.__bases__ = (…)`: another layout-compatible set of bases; all subclasses follow.

use super::{
    add_subclass, as_class, bases_of, forget_subclass, is_subtype, layout, mro, same, subclasses, tuple_items,
};
use crate::object::{Py, PyResult, Type, TypeObj, Value};
use crate::types::slots;
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// The setter of `__bases__`.
pub fn set_bases(vm: &mut Vm, class: &Py<Type>, value: &Value) -> PyResult<()> {
    let t = class.get_type();
    let name = t.payload.name();
    let Some(tuple) = value.downcast::<Tuple>() else {
        let got = value.class().payload.name();
        return Err(vm.type_error(format!("can only assign tuple to {name}.__bases__, not {got}")));
    };
    if tuple.len() == 0 {
        return Err(vm.type_error(format!("can only assign non-empty tuple to {name}.__bases__, not ()")));
    }
    for b in tuple.items() {
        let Some(b) = as_class(b) else {
            let got = b.class().payload.name();
            return Err(vm.type_error(format!("{name}.__bases__ must be tuple of classes, not '{got}'")));
        };
        let cycle = is_subtype(b.get_type(), t) || !b.get_type().payload.mro.borrow().is_empty() && inherits(b, t);
        if cycle {
            return Err(vm.type_error("a __bases__ item causes an inheritance cycle"));
        }
    }
    let new_base = layout::best_base(vm, tuple.items())?;
    if let Some(old) = super::base_of(t) {
        check_base(vm, old, new_base.get_type())?;
    }
    exchange(vm, class, value, &new_base)
}

/// Whether `t` is reached from `b` through `base`, whatever the orders say.
fn inherits(b: &Py<Type>, t: &TypeObj) -> bool {
    let mut at = Some(b.get_type());
    while let Some(c) = at {
        if same(c, t) {
            return true;
        }
        at = super::base_of(c);
    }
    false
}

fn check_base(vm: &mut Vm, old: &TypeObj, new: &TypeObj) -> PyResult<()> {
    layout::check_compatible(vm, old, new, "__bases__")
}

/// Puts the new bases in place, orders of all subclasses included, or leaves everything as it was.
fn exchange(vm: &mut Vm, class: &Py<Type>, value: &Value, new_base: &Py<Type>) -> PyResult<()> {
    let t = class.get_type();
    let old_bases = bases_of(t);
    let old_base = t.payload.base.replace(new_base.get_type());
    t.payload.extra.borrow_mut().bases = Some(value.clone());
    let mut saved = Vec::new();
    if let Err(r) = follow(vm, class, &mut saved) {
        for (c, order, custom) in saved.into_iter().rev() {
            let c: Py<Type> = c;
            mro::store(c.get_type(), order, custom);
        }
        // Unless `mro()` changed the bases once more.
        if bases_of(t).is(value) {
            t.payload.extra.borrow_mut().bases = Some(old_bases);
            t.payload.base.set(old_base);
        }
        return Err(r);
    }
    if bases_of(t).is(value) {
        for b in tuple_items(&old_bases).iter().filter_map(as_class) {
            forget_subclass(b.get_type(), t);
        }
        for b in tuple_items(value).iter().filter_map(as_class) {
            add_subclass(b.get_type(), t);
        }
        refill(t);
    }
    Ok(())
}

/// Recomputes the order of a class and of its subclasses; `saved` gets what was there.
fn follow(vm: &mut Vm, class: &Py<Type>, saved: &mut Vec<(Py<Type>, Vec<Py<Type>>, bool)>) -> PyResult<()> {
    let (order, custom) = mro::compute(vm, class)?;
    let t = class.get_type();
    let was_custom = t.payload.version.get() == super::NO_VERSION;
    saved.push((class.clone(), super::mro_of(t), was_custom));
    if was_custom {
        t.payload.version.set(0);
    }
    mro::store(t, order, custom);
    for sub in subclasses(t) {
        follow(vm, &sub, saved)?;
    }
    Ok(())
}

fn refill(t: &TypeObj) {
    slots::fill_all(t);
    super::modified(t);
    for sub in subclasses(t) {
        refill(sub.get_type());
    }
}
