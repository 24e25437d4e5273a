//! `getattr` and its kin, `dir`, `vars`, `isinstance`, `issubclass`, `callable`, `hash`, `id`, `repr`, `ascii`, `format`.

use crate::name;
use crate::object::{Py, PyResult, Value, boolean, none};
use crate::types::dict::Dict;
use crate::types::int::Int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::str::intern::intern;
use crate::vm::Vm;
use crate::vm::args::Args;

/// An attribute name given by Python code, interned as attribute access wants it.
pub fn attribute_name(vm: &mut Vm, name: &Value) -> PyResult<Py<Str>> {
    match name.downcast::<Str>() {
        Some(s) => Ok(intern(s.clone())),
        None => {
            let class = name.class().payload.name();
            Err(vm.type_error(format!("attribute name must be string, not '{class}'")))
        }
    }
}

/// `getattr(object, name[, default])`
pub fn getattr(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "getattr", 2, 3)?;
    let [object, name, default @ ..] = args.pos() else { return Err(vm.system_error("getattr(): unbound argument")) };
    let name = attribute_name(vm, name)?;
    match default {
        [d, ..] => Ok(vm.get_attr_opt(object, &name)?.unwrap_or_else(|| d.clone())),
        [] => vm.get_attr(object, &name),
    }
}

/// `hasattr(obj, name)`
pub fn hasattr(vm: &mut Vm, obj: &Value, name: &Value) -> PyResult {
    let name = attribute_name(vm, name)?;
    Ok(boolean(vm.get_attr_opt(obj, &name)?.is_some()))
}

/// `setattr(obj, name, value)`
pub fn setattr(vm: &mut Vm, obj: &Value, name: &Value, value: &Value) -> PyResult {
    let name = attribute_name(vm, name)?;
    vm.set_attr(obj, &name, value)?;
    Ok(none())
}

/// `delattr(obj, name)`
pub fn delattr(vm: &mut Vm, obj: &Value, name: &Value) -> PyResult {
    let name = attribute_name(vm, name)?;
    vm.del_attr(obj, &name)?;
    Ok(none())
}

/// `dir([object])`
pub fn dir(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "dir", 0, 1)?;
    let names = match args.get(0) {
        None => {
            let locals = super::code::locals(vm)?;
            List::from_vec(vm.mapping_keys(&locals)?)
        }
        Some(v) => {
            let Some(f) = vm.lookup_special(v, "__dir__")? else {
                return Err(vm.type_error("object does not provide __dir__"));
            };
            let names = vm.call(&f, &[])?;
            List::from_vec(vm.collect(&names)?)
        }
    };
    crate::types::list::sort::sort(vm, &names, None, false)?;
    Ok(names.into())
}

/// `vars([object])`
pub fn vars(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "vars", 0, 1)?;
    match args.get(0) {
        None => super::code::locals(vm),
        Some(v) => match vm.get_attr_opt(v, name!("__dict__"))? {
            Some(d) => Ok(d),
            None => Err(vm.type_error("vars() argument must have __dict__ attribute")),
        },
    }
}

/// `isinstance(obj, class_or_tuple)`
pub fn isinstance(vm: &mut Vm, obj: &Value, class: &Value) -> PyResult {
    vm.is_instance(obj, class).map(boolean)
}

/// `issubclass(cls, class_or_tuple)`
pub fn issubclass(vm: &mut Vm, cls: &Value, class: &Value) -> PyResult {
    vm.is_subclass(cls, class).map(boolean)
}

/// `callable(obj)`
pub fn callable(vm: &mut Vm, obj: &Value) -> PyResult {
    Ok(boolean(vm.callable(obj)))
}

/// `hash(obj)`
pub fn hash(vm: &mut Vm, obj: &Value) -> PyResult {
    vm.hash(obj).map(Int::from_i64)
}

/// `id(obj)`
pub fn id(_: &mut Vm, obj: &Value) -> PyResult {
    Ok(Int::from_u64(obj.id() as u64))
}

/// `repr(obj)`
pub fn repr(vm: &mut Vm, obj: &Value) -> PyResult {
    vm.repr(obj).map(Py::into_value)
}

/// `ascii(obj)`
pub fn ascii(vm: &mut Vm, obj: &Value) -> PyResult {
    let text = vm.repr(obj)?;
    if text.is_ascii() {
        return Ok(text.into());
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.code_points() {
        match c {
            0..=0x7f => out.push(c as u8 as char),
            0x80..=0xff => out.push_str(&format!("\\x{c:02x}")),
            0x100..=0xffff => out.push_str(&format!("\\u{c:04x}")),
            _ => out.push_str(&format!("\\U{c:08x}")),
        }
    }
    Ok(vm.new_str(&out))
}

/// `format(value, format_spec='')`
pub fn format(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(value), spec] = a else { return Err(vm.system_error("format(): unbound argument")) };
    let spec = match spec {
        Some(s) => vm.expect_str(s, "format() argument 2")?.clone(),
        None => crate::types::str::intern::empty(),
    };
    vm.format(value, &spec).map(Py::into_value)
}

/// The dictionary of a namespace, if it is an exact one.
pub fn as_dict(v: &Value) -> Option<&Py<Dict>> {
    v.downcast::<Dict>()
}
