//! Calling a class: `__new__`, then `__init__` when that gave an instance of the class.

use super::{TYPE, is_subtype, same};
use crate::object::{Py, PyResult, Type, Value};
use crate::vm::Vm;
use crate::vm::args::Args;

/// `cls(…)` (`type.__call__`).
pub fn call(vm: &mut Vm, callee: &Value, args: &Args<'_>) -> PyResult {
    let Some(class) = callee.downcast::<Type>() else {
        return Err(vm.type_error("type.__call__ requires a type"));
    };
    if same(class.get_type(), TYPE.object()) {
        if args.len() == 1 && !args.has_keywords() {
            return Ok(Py::of(args.pos()[0].class()).into());
        }
        if args.len() != 3 {
            return Err(vm.type_error("type() takes 1 or 3 arguments"));
        }
    }
    instantiate(vm, class, args)
}

/// Makes an instance of a class, past the metaclass's `__call__`.
pub fn instantiate(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let Some(new) = class.get_type().payload.slots().new else {
        let text = format!("cannot create '{}' instances", class.get_type().payload.name());
        return Err(vm.type_error(text));
    };
    let object = new(vm, class, args)?;
    if !is_subtype(object.class(), class.get_type()) {
        return Ok(object);
    }
    if let Some(init) = object.class().payload.slots().init {
        init(vm, &object, args)?;
    }
    Ok(object)
}

/// `type.__init__`: looks at nothing but the number of arguments.
pub fn type_init(vm: &mut Vm, _: &Value, args: &Args<'_>) -> PyResult<()> {
    if args.has_keywords() && args.len() == 1 {
        return Err(vm.type_error("type.__init__() takes no keyword arguments"));
    }
    if args.len() != 1 && args.len() != 3 {
        return Err(vm.type_error("type.__init__() takes 1 or 3 arguments"));
    }
    Ok(())
}
