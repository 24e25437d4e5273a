//! `ast.AST`: making, showing, copying and pickling nodes of any class.

use super::singleton;
use taipan_runtime::object::typedef::{GetSetDef, MethodDef, NativeFn};
use taipan_runtime::object::{Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, instance, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::DEPRECATION_WARNING;
use taipan_runtime::types::generic_alias::GenericAlias;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::str::intern::intern;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::union::Union;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;
use taipan_runtime::{name, payload};
use taipan_syntax::ast::Class;

/// Payload of a node: nothing beside its attributes.
pub struct Node;
payload!(Node, AST);

/// The type `ast.AST`.
pub static AST: TypeDef = TypeDef::new::<Node>("ast.AST")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::HAS_DICT).union(TypeFlags::HAVE_GC))
    .cpython_size(24, 0)
    .slots(Slots { new: Some(new), init: Some(init), repr: Some(repr), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return what pickle needs to make the node again.",
            NativeFn::F1(reduce),
        ),
        MethodDef::method(
            "__replace__",
            "($self, /, **fields)",
            "Return a copy of the AST node with new values for the specified fields.",
            NativeFn::V(replace),
        ),
    ])
    .getset(&[GetSetDef::get_set("__dict__", "", |_, v| Ok(instance::materialize(v).into()), set_dict)]);

fn set_dict(vm: &mut Vm, v: &Value, d: Option<&Value>) -> PyResult<()> {
    match d.and_then(|d| d.downcast::<Dict>()) {
        Some(d) => {
            instance::set_dict(v, d.clone());
            Ok(())
        }
        None => Err(vm.type_error("__dict__ must be set to a dictionary")),
    }
}

fn new(_: &mut Vm, class: &Py<Type>, _: &Args<'_>) -> PyResult {
    Ok(instance::new_of(class, Node).into())
}

fn type_name(v: &Value) -> String {
    v.class().payload.name().rsplit('.').next().unwrap_or_default().to_owned()
}

/// `_fields` of the node's class; empty when there is no such attribute, or an empty one (`AST` itself).
fn fields_of(vm: &mut Vm, v: &Value) -> PyResult<Vec<Py<Str>>> {
    let Some(fields) = vm.get_attr_opt(&v.class_value(), name!("_fields"))? else { return Ok(Vec::new()) };
    vm.len(&fields)?;
    let items = vm.collect(&fields)?;
    let mut out = Vec::with_capacity(items.len());
    for f in items {
        match f.into_py::<Str>() {
            Ok(s) => out.push(intern(s)),
            Err(f) => {
                let got = f.class().payload.name();
                return Err(vm.type_error(format!("attribute name must be string, not '{got}'")));
            }
        }
    }
    Ok(out)
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    let class = type_name(v);
    let fields = fields_of(vm, v)?;
    if args.len() > fields.len() {
        let (n, s) = (fields.len(), if fields.len() == 1 { "" } else { "s" });
        return Err(vm.type_error(format!("{class} constructor takes at most {n} positional argument{s}")));
    }
    let mut given: Vec<bool> = vec![false; fields.len()];
    for (i, value) in args.pos().iter().enumerate() {
        vm.set_attr(v, &fields[i], value)?;
        given[i] = true;
    }
    for (key, value) in args.keywords() {
        match fields.iter().position(|f| f.same(key)) {
            Some(i) if given[i] => {
                let key = key.to_rust();
                return Err(vm.type_error(format!("{class} got multiple values for argument '{key}'")));
            }
            Some(i) => given[i] = true,
            None => check_attribute(vm, v, &class, key)?,
        }
        vm.set_attr(v, &intern(key.clone()), value)?;
    }
    let missing: Vec<Py<Str>> = fields.into_iter().zip(given).filter(|(_, g)| !g).map(|(f, _)| f).collect();
    fill_missing(vm, v, &class, missing)
}

fn check_attribute(vm: &mut Vm, v: &Value, class: &str, key: &Py<Str>) -> PyResult<()> {
    let attributes = vm.get_attr_text(&v.class_value(), "_attributes")?;
    if vm.contains(&attributes, key.as_value())? {
        return Ok(());
    }
    let text = format!(
        "{class}.__init__ got an unexpected keyword argument '{}'. Support for arbitrary keyword arguments is deprecated \
         and will be removed in Python 3.15.",
        key.to_rust()
    );
    vm.warn(&DEPRECATION_WARNING, text, 1)
}

/// Gives lists and contexts that were left out their defaults; the optional ones have theirs in the class.
fn fill_missing(vm: &mut Vm, v: &Value, class: &str, missing: Vec<Py<Str>>) -> PyResult<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let Some(types) = vm.get_attr_opt(&v.class_value(), name!("_field_types"))? else { return Ok(()) };
    let Some(types) = types.downcast::<Dict>().cloned() else { return Ok(()) };
    for field in missing {
        let text = match types.lookup_str(&field) {
            None => format!(
                "Field '{}' is missing from {class}._field_types. This will become an error in Python 3.15.",
                field.to_rust()
            ),
            Some(t) if t.downcast::<Union>().is_some() => continue,
            Some(t) if t.downcast::<GenericAlias>().is_some() => {
                vm.set_attr(v, &field, List::empty().as_value())?;
                continue;
            }
            Some(t) if t.downcast::<Type>().is_some_and(|t| t.get_type().payload.name() == "expr_context") => {
                vm.set_attr(v, &field, &singleton(Class::Load))?;
                continue;
            }
            Some(_) => format!(
                "{class}.__init__ missing 1 required positional argument: '{}'. This will become an error in Python 3.15.",
                field.to_rust()
            ),
        };
        vm.warn(&DEPRECATION_WARNING, text, 1)?;
    }
    Ok(())
}

// ---- repr -----------------------------------------------------------------------------------------------------------

/// Levels of nodes that `repr` shows.
const SHOWN_DEPTH: usize = 3;

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let text = shown(vm, v, SHOWN_DEPTH)?;
    Ok(text.into())
}

fn shown(vm: &mut Vm, v: &Value, depth: usize) -> PyResult<Py<Str>> {
    let class = type_name(v);
    if depth == 0 || !vm.enter_repr(v) {
        return Ok(Str::from_rust(&format!("{class}(...)")));
    }
    let text = shown_fields(vm, v, &class, depth);
    vm.leave_repr(v);
    text
}

fn shown_fields(vm: &mut Vm, v: &Value, class: &str, depth: usize) -> PyResult<Py<Str>> {
    let fields = fields_of(vm, v)?;
    if fields.is_empty() {
        let full = v.class().payload.name();
        return Ok(Str::from_rust(&format!("{full}()")));
    }
    let mut text = Str::from_rust(&format!("{class}("));
    for (i, field) in fields.iter().enumerate() {
        let value = vm.get_attr(v, field)?;
        let shown = shown_value(vm, &value, depth)?;
        let comma = if i == 0 { "" } else { ", " };
        text = Str::concat(&text, &Str::from_rust(&format!("{comma}{}=", field.to_rust())));
        text = Str::concat(&text, &shown);
    }
    Ok(Str::concat(&text, &Str::from_rust(")")))
}

fn shown_value(vm: &mut Vm, value: &Value, depth: usize) -> PyResult<Py<Str>> {
    let (open, items, close) = if let Some(l) = value.downcast::<List>() {
        ("[", l.to_vec(), "]")
    } else if let Some(t) = value.downcast::<Tuple>() {
        ("(", t.items().to_vec(), ")")
    } else {
        return shown_item(vm, value, depth);
    };
    let mut parts: Vec<Py<Str>> = Vec::with_capacity(3);
    let last = items.len().saturating_sub(1);
    for (i, item) in items.iter().enumerate() {
        if i == 0 || i == last {
            parts.push(shown_item(vm, item, depth)?);
        } else if i == 1 {
            parts.push(Str::from_rust("..."));
        }
    }
    let parts: Vec<&Str> = parts.iter().map(|p| &**p).collect();
    let inner = Str::join(&Str::from_rust(", "), &parts);
    Ok(Str::concat(&Str::concat(&Str::from_rust(open), &inner), &Str::from_rust(close)))
}

fn shown_item(vm: &mut Vm, value: &Value, depth: usize) -> PyResult<Py<Str>> {
    if vm.is_kind(value, &AST) { shown(vm, value, depth - 1) } else { vm.repr(value) }
}

// ---- copies ---------------------------------------------------------------------------------------------------------

/// `(class, (None, …), state)`: positional placeholders for the fields at the front that are set keep the constructor
/// from warning of missing ones.
fn reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let state = instance::materialize(v);
    let mut placeholders = Vec::new();
    for f in fields_of(vm, v)? {
        if state.lookup_str(&f).is_none() {
            break;
        }
        placeholders.push(none());
    }
    let parts = [v.class_value(), Tuple::from_vec(placeholders).into(), state.into()];
    Ok(Tuple::from_slice(&parts).into())
}

fn replace(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let v = &args.pos()[0];
    if args.len() > 1 {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let class = type_name(v);
    let fields = fields_of(vm, v)?;
    let attributes = match vm.get_attr_opt(&v.class_value(), name!("_attributes"))? {
        Some(a) => vm.collect(&a)?,
        None => Vec::new(),
    };
    let is_attribute = |key: &Str| attributes.iter().any(|a| a.downcast::<Str>().is_some_and(|a| a.same(key)));
    for (key, _) in args.keywords() {
        if !fields.iter().any(|f| f.same(key)) && !is_attribute(key) {
            let key = key.to_rust();
            return Err(vm.type_error(format!("{class}.__replace__ got an unexpected keyword argument '{key}'.")));
        }
    }
    let state = instance::materialize(v);
    check_complete(vm, v, &class, &fields, &state, args)?;
    let keep = Dict::new_object();
    for (key, value) in state.pairs() {
        if let Some(key) = key.downcast::<Str>() {
            if fields.iter().any(|f| f.same(key)) || is_attribute(key) {
                keep.store_str(key, value);
            }
        }
    }
    for (key, value) in args.keywords() {
        keep.store_str(key, value.clone());
    }
    let pairs = keep.pairs();
    let names = Tuple::from_vec(pairs.iter().map(|(k, _)| k.clone()).collect());
    let values: Vec<Value> = pairs.into_iter().map(|(_, v)| v).collect();
    vm.call_args(&v.class_value(), &Args::new(&values, Some(&names)))
}

/// Fields that neither the node nor the call has must be optional.
fn check_complete(
    vm: &mut Vm,
    v: &Value,
    class: &str,
    fields: &[Py<Str>],
    state: &Py<Dict>,
    args: &Args<'_>,
) -> PyResult<()> {
    let mut missing = Vec::new();
    for f in fields {
        let there = state.lookup_str(f).is_some() || args.keywords().any(|(k, _)| k.same(f));
        if !there && vm.get_attr_opt(&v.class_value(), f)?.is_none() {
            missing.push(format!("'{}'", f.to_rust()));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    missing.sort();
    let (n, s) = (missing.len(), if missing.len() == 1 { "" } else { "s" });
    Err(vm.type_error(format!("{class}.__replace__ missing {n} keyword argument{s}: {}.", missing.join(", "))))
}
