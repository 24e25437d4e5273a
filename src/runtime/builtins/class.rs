//! `__build_class__`: what a class statement calls.

use crate::name;
use crate::object::typedef::Type;
use crate::object::{Py, PyResult, Value};
use crate::types::cell::CellObject;
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::typeobject::{TYPE, is_subtype};
use crate::vm::Vm;
use crate::vm::args::Args;

/// `__build_class__(func, name, /, *bases, [metaclass], **kwds)`
pub fn build_class(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let [func, name, bases @ ..] = args.pos() else {
        return Err(vm.type_error("__build_class__: not enough arguments"));
    };
    let Some(body) = func.downcast::<Function>() else {
        return Err(vm.type_error("__build_class__: func must be a function"));
    };
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error("__build_class__: name is not a string"));
    }
    let original = Tuple::from_slice(bases);
    let resolved = resolve_bases(vm, &original)?;
    let bases = resolved.clone().unwrap_or_else(|| original.clone());
    let keywords: Vec<(Py<Str>, Value)> =
        args.keywords().filter(|(k, _)| !k.is_text("metaclass")).map(|(k, v)| (k.clone(), v.clone())).collect();
    let meta = metaclass(vm, args.keyword("metaclass"), &bases)?;
    let namespace = prepare(vm, &meta, name, &bases, &keywords)?;
    let cell = vm.run_code(body, &namespace)?;
    if resolved.is_some() {
        let key = name!("__orig_bases__").as_value().clone();
        vm.set_item(&namespace, &key, original.as_value())?;
    }
    let call = [name.clone(), bases.clone().into(), namespace];
    let class = call_with(vm, &meta, &call, &keywords)?;
    check_cell(vm, name, &class, &cell)?;
    Ok(class)
}

fn call_with(vm: &mut Vm, f: &Value, positional: &[Value], keywords: &[(Py<Str>, Value)]) -> PyResult {
    let mut all = positional.to_vec();
    all.extend(keywords.iter().map(|(_, v)| v.clone()));
    let names = Tuple::from_vec(keywords.iter().map(|(k, _)| k.as_value().clone()).collect());
    vm.call_args(f, &Args::new(&all, Some(&names)))
}

/// Replaces bases that are no classes by what their `__mro_entries__` gives (PEP 560); `None`: nothing was replaced.
pub fn resolve_bases(vm: &mut Vm, bases: &Py<Tuple>) -> PyResult<Option<Py<Tuple>>> {
    let (mut out, mut changed) = (Vec::with_capacity(bases.len()), false);
    for base in bases.items() {
        let entries = match base.downcast::<Type>() {
            Some(_) => None,
            None => vm.get_attr_opt(base, name!("__mro_entries__"))?,
        };
        let Some(entries) = entries else {
            out.push(base.clone());
            continue;
        };
        let replacement = vm.call(&entries, std::slice::from_ref(bases.as_value()))?;
        match replacement.downcast::<Tuple>() {
            Some(t) => out.extend(t.items().iter().cloned()),
            None => return Err(vm.type_error("__mro_entries__ must return a tuple")),
        }
        changed = true;
    }
    Ok(changed.then(|| Tuple::from_vec(out)))
}

/// The metaclass: the one given or that of the first base, and if it is a class, the most derived of all bases'.
fn metaclass(vm: &mut Vm, given: Option<&Value>, bases: &Py<Tuple>) -> PyResult {
    let start = match (given, bases.items().first()) {
        (Some(m), _) => m.clone(),
        (None, Some(base)) => base.class_value(),
        (None, None) => TYPE.value(),
    };
    let Some(mut winner) = start.downcast::<Type>().cloned() else { return Ok(start) };
    for base in bases.items() {
        let meta = base.class();
        if is_subtype(winner.get_type(), meta) {
            continue;
        }
        if is_subtype(meta, winner.get_type()) {
            winner = Py::of(meta);
            continue;
        }
        return Err(vm.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of \
             all its bases",
        ));
    }
    Ok(winner.into())
}

/// The namespace of the class body: what `__prepare__` gives, or a dict.
fn prepare(vm: &mut Vm, meta: &Value, name: &Value, bases: &Py<Tuple>, keywords: &[(Py<Str>, Value)]) -> PyResult {
    if meta.is(&TYPE.value()) {
        return Ok(Dict::new_object().into());
    }
    let Some(f) = vm.get_attr_opt(meta, name!("__prepare__"))? else { return Ok(Dict::new_object().into()) };
    let namespace = call_with(vm, &f, &[name.clone(), bases.clone().into()], keywords)?;
    if namespace.class().payload.slots().subscript.is_none() {
        let who = match meta.downcast::<Type>() {
            Some(m) => m.get_type().payload.name(),
            None => "<metaclass>".to_owned(),
        };
        let got = namespace.class().payload.name();
        return Err(vm.type_error(format!("{who}.__prepare__() must return a mapping, not {got}")));
    }
    Ok(namespace)
}

/// The cell of `__class__` must have been filled by `type.__new__` with the class that came out.
fn check_cell(vm: &mut Vm, name: &Value, class: &Value, cell: &Value) -> PyResult<()> {
    let (Some(cell), Some(_)) = (cell.downcast::<CellObject>(), class.downcast::<Type>()) else { return Ok(()) };
    let content = cell.content();
    match content {
        Some(c) if c.is(class) => Ok(()),
        Some(c) => {
            let (c, name, class) = (text(vm, &c)?, text(vm, name)?, text(vm, class)?);
            Err(vm.type_error(format!("__class__ set to {c} defining {name} as {class}")))
        }
        None => {
            let (name, class) = (text(vm, name)?, text(vm, class)?);
            Err(vm.runtime_error(format!(
                "__class__ not set defining {name} as {class}. Was __classcell__ propagated to type.__new__?"
            )))
        }
    }
}

fn text(vm: &mut Vm, v: &Value) -> PyResult<String> {
    let r = vm.repr(v)?;
    Ok(r.to_rust().chars().take(200).collect())
}
