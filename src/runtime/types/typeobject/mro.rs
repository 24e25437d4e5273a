//! Method resolution order: the C3 merge, and metaclasses that compute it themselves by `mro()`.

use super::{NO_VERSION, bases_of, is_subtype, layout, lookup, modified, same, tuple_items};
use crate::name;
use crate::object::{Py, PyResult, Type, TypeObj, Value};
use crate::types::list::List;
use crate::types::method::MethodDescriptor;
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// `type.mro(cls)`.
pub fn type_mro(vm: &mut Vm, v: &Value) -> PyResult {
    let Some(t) = v.downcast::<Type>().cloned() else { return Err(vm.type_error("type.mro() requires a type")) };
    let order = merge_bases(vm, &t)?;
    Ok(List::from_vec(order.into_iter().map(Py::into_value).collect()).into())
}

/// The C3 order of a class by its `__bases__`.
pub fn merge_bases(vm: &mut Vm, class: &Py<Type>) -> PyResult<Vec<Py<Type>>> {
    let bases = bases_of(class.get_type());
    let bases: Vec<Py<Type>> = tuple_items(&bases).iter().filter_map(|b| b.downcast::<Type>().cloned()).collect();
    let mut out = vec![class.clone()];
    if let [base] = &bases[..] {
        let order = super::mro_of(base.get_type());
        if order.is_empty() {
            return Err(unready(vm, base));
        }
        out.extend(order);
        return Ok(out);
    }
    for (i, b) in bases.iter().enumerate() {
        if bases[..i].iter().any(|c| same(c.get_type(), b.get_type())) {
            let name = b.get_type().payload.name();
            return Err(vm.type_error(format!("duplicate base class {name}")));
        }
    }
    let mut lists: Vec<Vec<Py<Type>>> = Vec::with_capacity(bases.len() + 1);
    for b in &bases {
        let order = super::mro_of(b.get_type());
        if order.is_empty() {
            return Err(unready(vm, b));
        }
        lists.push(order);
    }
    lists.push(bases);
    c3(vm, lists, out)
}

fn unready(vm: &mut Vm, base: &Py<Type>) -> crate::object::Raised {
    let name = base.get_type().payload.name();
    vm.type_error(format!("Cannot extend an incomplete type '{name}'"))
}

fn c3(vm: &mut Vm, lists: Vec<Vec<Py<Type>>>, mut out: Vec<Py<Type>>) -> PyResult<Vec<Py<Type>>> {
    let mut heads = vec![0usize; lists.len()];
    loop {
        let candidate = lists.iter().zip(&heads).filter_map(|(l, &h)| l.get(h)).find(|c| {
            !lists.iter().zip(&heads).any(|(l, &h)| l.iter().skip(h + 1).any(|x| same(x.get_type(), c.get_type())))
        });
        let Some(c) = candidate.cloned() else {
            if lists.iter().zip(&heads).all(|(l, &h)| h >= l.len()) {
                return Ok(out);
            }
            return Err(no_order(vm, &lists, &heads));
        };
        for (l, h) in lists.iter().zip(&mut heads) {
            if l.get(*h).is_some_and(|x| same(x.get_type(), c.get_type())) {
                *h += 1;
            }
        }
        out.push(c);
    }
}

/// Names the classes left at the front of the lists.
fn no_order(vm: &mut Vm, lists: &[Vec<Py<Type>>], heads: &[usize]) -> crate::object::Raised {
    let mut names: Vec<(Py<Type>, String)> = Vec::new();
    for (l, &h) in lists.iter().zip(heads) {
        if let Some(c) = l.get(h) {
            if !names.iter().any(|(seen, _)| same(seen.get_type(), c.get_type())) {
                names.push((c.clone(), super::short_name(c.get_type())));
            }
        }
    }
    let names: Vec<String> = names.into_iter().map(|(_, n)| n).collect();
    vm.type_error(format!("Cannot create a consistent method resolution order (MRO) for bases {}", names.join(", ")))
}

/// Whether a metaclass has an `mro` of its own.
fn has_custom_mro(meta: &TypeObj) -> bool {
    if same(meta, super::TYPE.object()) {
        return false;
    }
    lookup(meta, name!("mro")).is_none_or(|f| {
        f.downcast::<MethodDescriptor>().is_none_or(|d| !same(d.owner, super::TYPE.object()) || d.def.name != "mro")
    })
}

/// The order a class should have: its metaclass's `mro()` if that is overridden, else the C3 merge; also whether it was
/// the metaclass's.
pub fn compute(vm: &mut Vm, class: &Py<Type>) -> PyResult<(Vec<Py<Type>>, bool)> {
    let meta = Py::of(class.as_value().class());
    if !has_custom_mro(meta.get_type()) {
        return Ok((merge_bases(vm, class)?, false));
    }
    let result = match vm.lookup_special(class.as_value(), "mro")? {
        Some(f) => vm.call0(&f)?,
        None => return Err(vm.attribute_error("mro")),
    };
    let items = vm.collect(&result)?;
    let solid = layout::solid_base(class.get_type());
    let mut order = Vec::with_capacity(items.len());
    for item in &items {
        let Some(c) = item.downcast::<Type>() else {
            let name = item.class().payload.name();
            return Err(vm.type_error(format!("mro() returned a non-class ('{name}')")));
        };
        if !is_subtype(solid, layout::solid_base(c.get_type())) {
            let name = c.get_type().payload.name();
            return Err(vm.type_error(format!("mro() returned base with unsuitable layout ('{name}')")));
        }
        order.push(c.clone());
    }
    Ok((order, true))
}

/// Gives a class its order.
pub fn store(t: &TypeObj, order: Vec<Py<Type>>, custom: bool) {
    let tuple = Tuple::from_vec(order.iter().map(|c| c.as_value().clone()).collect()).into();
    let foreign = custom && order.iter().any(|c| !is_base(t, c.get_type()));
    let old = (t.payload.mro.replace(order), t.payload.extra.borrow_mut().mro_tuple.replace(tuple));
    modified(t);
    if foreign {
        t.payload.version.set(NO_VERSION);
    }
    drop(old);
}

/// Whether `c` is `t` or reached from it through `__bases__`, so that `t` hears of its changes.
fn is_base(t: &TypeObj, c: &TypeObj) -> bool {
    same(t, c)
        || tuple_items(&bases_of(t)).iter().any(|b| b.downcast::<Type>().is_some_and(|b| is_base(b.get_type(), c)))
}

/// Computes and stores the order of a class.
pub fn update(vm: &mut Vm, class: &Py<Type>) -> PyResult<()> {
    let (order, custom) = compute(vm, class)?;
    store(class.get_type(), order, custom);
    Ok(())
}
