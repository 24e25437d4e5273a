//! What every exception can do: `args`, the chain (`__cause__`, `__context__`, `__traceback__`), notes (PEP 678) and
//! pickling.

use super::table::Family;
use super::{BASE_EXCEPTION, BaseException, exception, is_exception};
use crate::object::typedef::{GetSetDef, MethodDef, NativeFn};
use crate::object::{Py, PyResult, Slots, Type, TypeDef, Value, boolean, instance, none};
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// What `BaseException` gives to all.
pub const FAMILY: Family = Family {
    slots: Slots { new: Some(new), init: Some(init), repr: Some(repr), str: Some(str), ..Slots::NONE },
    methods: &[
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return what pickle needs to make the exception again.",
            NativeFn::F1(reduce),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, state, /)",
            "Set attributes from a dictionary.",
            NativeFn::F2(setstate),
        ),
        MethodDef::method(
            "with_traceback",
            "($self, tb, /)",
            "Set self.__traceback__ to tb and return self.",
            NativeFn::F2(with_traceback),
        ),
        MethodDef::method("add_note", "($self, note, /)", "Add a note to the exception", NativeFn::F2(add_note)),
    ],
    getset: &[
        GetSetDef { name: "__suppress_context__", doc: "", get: get_suppress, set: Some(set_suppress), member: true },
        GetSetDef::get_set("__dict__", "", get_dict, set_dict),
        GetSetDef::get_set("args", "", |vm, v| Ok(exception(v).args(vm).into()), set_args),
        GetSetDef::get_set(
            "__traceback__",
            "",
            |vm, v| Ok(exception(v).traceback(vm).unwrap_or_else(none)),
            set_traceback,
        ),
        GetSetDef::get_set("__context__", "", |vm, v| Ok(exception(v).context(vm).unwrap_or_else(none)), set_context),
        GetSetDef::get_set("__cause__", "", |vm, v| Ok(exception(v).cause(vm).unwrap_or_else(none)), set_cause),
    ],
    size: super::table::BASE_SIZE,
};

/// `__new__`: keeps the positional arguments, whatever the keywords.
pub fn new(_: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    Ok(BaseException::blank(class, Tuple::from_slice(args.pos())).into())
}

/// `__init__`: sets `args`, refuses keywords.
pub fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    refuse_keywords(vm, v, args)?;
    set_positional(vm, v, args);
    Ok(())
}

/// Refuses keyword arguments in the name of the exception's class.
pub fn refuse_keywords(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    if args.has_keywords() {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    Ok(())
}

/// Makes the positional arguments the exception's `args`; those that `__new__` set are kept when they are the same.
pub fn set_positional(vm: &mut Vm, v: &Value, args: &Args<'_>) {
    let have = exception(v).args(vm);
    if have.len() == args.len() && have.items().iter().zip(args.pos()).all(|(a, b)| a.is(b)) {
        return;
    }
    let new = Tuple::from_slice(args.pos());
    let old = std::mem::replace(&mut exception(v).get_mut(vm).args, new);
    drop(old);
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let name = v.class().payload.name();
    let args = exception(v).args(vm);
    let text = match args.items() {
        [one] => Str::concat(&Str::concat(&Str::from_rust("("), &vm.repr(one)?), &Str::from_rust(")")),
        _ => vm.repr(args.as_value())?,
    };
    Ok(Str::concat(&Str::from_rust(&name), &text).into())
}

/// `str(e)` of most exceptions: nothing, the one argument, or the tuple of arguments.
pub fn str(vm: &mut Vm, v: &Value) -> PyResult {
    let args = exception(v).args(vm);
    Ok(match args.items() {
        [] => Str::from_rust("").into(),
        [one] => vm.str(one)?.into(),
        _ => vm.str(args.as_value())?.into(),
    })
}

/// The instance attributes as a dictionary, when there are any or somebody asked for `__dict__` before.
pub fn own_dict(v: &Value) -> Option<Py<Dict>> {
    let made = v.header().is_some_and(|h| crate::object::shape::is_dict_mode(h.shape_id()));
    if made || !instance::attributes(v).is_empty() { Some(instance::materialize(v)) } else { None }
}

/// `(class, args)` or `(class, args, state)`.
pub fn reduced(v: &Value, args: Py<Tuple>, state: Option<Py<Dict>>) -> Value {
    let mut parts = vec![Py::of(v.class()).into_value(), args.into_value()];
    parts.extend(state.map(Py::into_value));
    Tuple::from_vec(parts).into()
}

fn reduce(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(reduced(v, exception(v).args(vm), own_dict(v)))
}

fn setstate(vm: &mut Vm, v: &Value, state: &Value) -> PyResult {
    if state.is_none() {
        return Ok(none());
    }
    let Some(d) = state.downcast::<Dict>() else { return Err(vm.type_error("state is not a dictionary")) };
    for (key, value) in d.pairs() {
        match key.downcast::<Str>() {
            Some(name) => vm.set_attr(v, name, &value)?,
            None => {
                let name = key.class().payload.name();
                return Err(vm.type_error(format!("attribute name must be string, not '{name}'")));
            }
        }
    }
    Ok(none())
}

fn with_traceback(vm: &mut Vm, v: &Value, tb: &Value) -> PyResult {
    set_traceback(vm, v, Some(tb))?;
    Ok(v.clone())
}

fn add_note(vm: &mut Vm, v: &Value, note: &Value) -> PyResult {
    if note.downcast::<Str>().is_none() {
        let name = note.class().payload.name();
        return Err(vm.type_error(format!("add_note() argument must be str, not {name}")));
    }
    let name = vm.intern("__notes__");
    let notes = match vm.get_attr_opt(v, &name)? {
        Some(notes) => notes,
        None => {
            let notes = List::empty().into_value();
            vm.set_attr(v, &name, &notes)?;
            notes
        }
    };
    match notes.downcast::<List>() {
        Some(list) => list.push(note.clone()),
        None => return Err(vm.type_error("Cannot add note: __notes__ is not a list")),
    }
    Ok(none())
}

fn get_suppress(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(boolean(exception(v).get(vm).suppress_context))
}

fn set_suppress(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("can't delete numeric/char attribute")) };
    let yes = value.is(&boolean(true));
    if !yes && !value.is(&boolean(false)) {
        return Err(vm.type_error("attribute value type must be bool"));
    }
    exception(v).get_mut(vm).suppress_context = yes;
    Ok(())
}

fn get_dict(_: &mut Vm, v: &Value) -> PyResult {
    Ok(instance::materialize(v).into())
}

fn set_dict(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("cannot delete __dict__")) };
    let Some(d) = value.downcast::<Dict>() else {
        let name = value.class().payload.name();
        return Err(vm.type_error(format!("__dict__ must be set to a dictionary, not a '{name}'")));
    };
    instance::set_dict(v, d.clone());
    Ok(())
}

fn set_args(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("args may not be deleted")) };
    let items = vm.collect(value)?;
    let old = std::mem::replace(&mut exception(v).get_mut(vm).args, Tuple::from_vec(items));
    drop(old);
    Ok(())
}

fn set_traceback(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("__traceback__ may not be deleted")) };
    if !value.is_none() && value.downcast::<crate::types::traceback::Traceback>().is_none() {
        return Err(vm.type_error("__traceback__ must be a traceback or None"));
    }
    exception(v).set_traceback(vm, some(value));
    Ok(())
}

fn set_context(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = link(vm, value, "context")?;
    exception(v).set_context(vm, value);
    Ok(())
}

fn set_cause(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = link(vm, value, "cause")?;
    exception(v).set_cause(vm, value);
    Ok(())
}

/// The value without `None`.
pub fn some(value: &Value) -> Option<Value> {
    (!value.is_none()).then(|| value.clone())
}

/// Checks what is to become an exception's cause or context.
fn link(vm: &mut Vm, value: Option<&Value>, what: &str) -> PyResult<Option<Value>> {
    match value {
        None => Err(vm.type_error(format!("__{what}__ may not be deleted"))),
        Some(v) if v.is_none() => Ok(None),
        Some(v) if is_exception(v) => Ok(Some(v.clone())),
        Some(_) => Err(vm.type_error(format!("exception {what} must be None or derive from BaseException"))),
    }
}

// ---- attributes of the families -----------------------------------------------------------------------------------

fn get_member<const I: usize>(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(exception(v).field(vm, I).unwrap_or_else(none))
}

fn set_member<const I: usize>(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    exception(v).set_field(vm, I, value.cloned());
    Ok(())
}

fn refuse_set(vm: &mut Vm, _: &Value, _: Option<&Value>) -> PyResult<()> {
    Err(vm.attribute_error("readonly attribute"))
}

/// Field `I` as an attribute that can hold anything and reads as `None` after deletion.
pub const fn member<const I: usize>(name: &'static str, doc: &'static str) -> GetSetDef {
    GetSetDef { name, doc, get: get_member::<I>, set: Some(set_member::<I>), member: true }
}

/// Field `I` as an attribute that cannot be set.
pub const fn readonly<const I: usize>(name: &'static str, doc: &'static str) -> GetSetDef {
    GetSetDef { name, doc, get: get_member::<I>, set: Some(refuse_set), member: true }
}

/// Keyword arguments of an initialiser that takes nothing else by name: one entry for each of `names`.
pub fn named<const N: usize>(
    vm: &mut Vm,
    class: &'static TypeDef,
    args: &Args<'_>,
    names: [&str; N],
) -> PyResult<[Option<Value>; N]> {
    let mut out = [const { None }; N];
    for (key, value) in args.keywords() {
        match names.iter().position(|n| key.is_text(n)) {
            Some(i) => out[i] = Some(value.clone()),
            None => {
                let text = key.to_rust();
                let hint = match super::print::suggest::closest(&text, names.iter().copied()) {
                    Some(near) => format!(". Did you mean '{near}'?"),
                    None => String::new(),
                };
                let name = class.name;
                return Err(vm.type_error(format!("{name}() got an unexpected keyword argument '{text}'{hint}")));
            }
        }
    }
    Ok(out)
}

/// Whether a class is `BaseException` itself.
pub fn is_base(class: &Py<Type>) -> bool {
    std::ptr::eq(class.get_type(), BASE_EXCEPTION.object())
}
