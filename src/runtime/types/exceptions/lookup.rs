//! `NameError`, `AttributeError` and `ImportError`: errors that know which name was sought, and where.

use super::table::Family;
use super::{ATTRIBUTE_ERROR, IMPORT_ERROR, NAME_ERROR, base, exception};
use crate::object::typedef::{MethodDef, NativeFn};
use crate::object::{Py, PyResult, Raised, Slots, TypeDef, Value};
use crate::types::dict::Dict;
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::Args;

/// `NameError.name`
pub const NAME_NAME: usize = 0;
/// `AttributeError.name`
pub const ATTRIBUTE_NAME: usize = 0;
/// `AttributeError.obj`
pub const ATTRIBUTE_OBJ: usize = 1;
/// `ImportError.name`
pub const IMPORT_NAME: usize = 0;
/// `ImportError.path`
pub const IMPORT_PATH: usize = 1;
/// `ImportError.name_from`
pub const IMPORT_NAME_FROM: usize = 2;
/// `ImportError.msg`
pub const IMPORT_MSG: usize = 3;
/// CPython's size of `NameError`.
pub const NAME_SIZE: usize = 80;
/// CPython's size of `ImportError`.
pub const IMPORT_SIZE: usize = 104;

/// `NameError`
pub const NAME_FAMILY: Family = Family {
    slots: Slots { new: Some(base::new), init: Some(init_name), ..Slots::NONE },
    methods: &[],
    getset: &[base::member::<NAME_NAME>("name", "name")],
    size: NAME_SIZE,
};

/// `AttributeError`
pub const ATTRIBUTE_FAMILY: Family = Family {
    slots: Slots { new: Some(base::new), init: Some(init_attribute), ..Slots::NONE },
    methods: &[
        MethodDef::method(
            "__getstate__",
            "($self, /)",
            "Return the state for pickling, without the object.",
            NativeFn::F1(attribute_state),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return what pickle needs to make the exception again.",
            NativeFn::F1(attribute_reduce),
        ),
    ],
    getset: &[base::member::<ATTRIBUTE_NAME>("name", "attribute name"), base::member::<ATTRIBUTE_OBJ>("obj", "object")],
    size: 88,
};

/// `ImportError`
pub const IMPORT_FAMILY: Family = Family {
    slots: Slots { new: Some(base::new), init: Some(init_import), str: Some(import_str), ..Slots::NONE },
    methods: &[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return what pickle needs to make the exception again.",
        NativeFn::F1(import_reduce),
    )],
    getset: &[
        base::member::<IMPORT_MSG>("msg", "exception message"),
        base::member::<IMPORT_NAME>("name", "module name"),
        base::member::<IMPORT_PATH>("path", "module path"),
        base::member::<IMPORT_NAME_FROM>("name_from", "name imported from module"),
    ],
    size: IMPORT_SIZE,
};

/// Sets `args` and the fields `0 ..` from keyword arguments of these names.
fn init_named<const N: usize>(
    vm: &mut Vm,
    v: &Value,
    args: &Args<'_>,
    class: &'static TypeDef,
    names: [&str; N],
) -> PyResult<()> {
    base::set_positional(vm, v, args);
    let values = base::named(vm, class, args, names)?;
    for (i, value) in values.into_iter().enumerate() {
        exception(v).set_field(vm, i, value);
    }
    Ok(())
}

fn init_name(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    init_named(vm, v, args, &NAME_ERROR, ["name"])
}

fn init_attribute(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    init_named(vm, v, args, &ATTRIBUTE_ERROR, ["name", "obj"])
}

fn init_import(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    init_named(vm, v, args, &IMPORT_ERROR, ["name", "path", "name_from"])?;
    let msg = if args.len() == 1 { args.get(0).cloned() } else { None };
    exception(v).set_field(vm, IMPORT_MSG, msg);
    Ok(())
}

fn import_str(vm: &mut Vm, v: &Value) -> PyResult {
    match exception(v).field(vm, IMPORT_MSG) {
        Some(msg) if msg.is_exact::<Str>() => Ok(msg),
        _ => base::str(vm, v),
    }
}

/// The instance dictionary copied, with those of `fields` that are set.
fn state_with(vm: &mut Vm, v: &Value, fields: &[(&str, usize)]) -> Option<Py<Dict>> {
    let mut state = base::own_dict(v).map(|d| d.copy());
    for &(name, i) in fields {
        if let Some(value) = exception(v).field(vm, i) {
            state.get_or_insert_with(Dict::new_object).store_text(name, value);
        }
    }
    state
}

fn import_reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let fields = [("name", IMPORT_NAME), ("path", IMPORT_PATH), ("name_from", IMPORT_NAME_FROM)];
    let state = state_with(vm, v, &fields);
    Ok(base::reduced(v, exception(v).args(vm), state))
}

fn attribute_dict(vm: &mut Vm, v: &Value) -> Py<Dict> {
    let state = state_with(vm, v, &[("name", ATTRIBUTE_NAME)]).unwrap_or_else(Dict::new_object);
    state.store_text("args", exception(v).args(vm));
    state
}

fn attribute_state(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(attribute_dict(vm, v).into())
}

fn attribute_reduce(vm: &mut Vm, v: &Value) -> PyResult {
    let state = attribute_dict(vm, v);
    Ok(base::reduced(v, exception(v).args(vm), Some(state)))
}

/// Raises `ImportError` with its attributes: the module, its file, and the name sought in it.
#[cold]
pub fn raise_import_error(
    vm: &mut Vm,
    message: &str,
    name: Option<Value>,
    path: Option<Value>,
    name_from: Option<Value>,
) -> Raised {
    vm.import_error_about(&IMPORT_ERROR, message, name.as_ref(), path.as_ref(), name_from.as_ref())
}

impl Vm {
    /// Raises `ImportError` (or, with its class, `ModuleNotFoundError`) about a module.
    #[cold]
    pub fn import_error_about(
        &mut self,
        class: &'static TypeDef,
        message: &str,
        name: Option<&Value>,
        path: Option<&Value>,
        name_from: Option<&Value>,
    ) -> Raised {
        let message = self.new_str(message);
        let all = [(IMPORT_NAME, name), (IMPORT_PATH, path), (IMPORT_NAME_FROM, name_from)];
        let fields: Vec<(usize, &Value)> = all.into_iter().filter_map(|(i, v)| Some((i, v?))).collect();
        super::raise_with_fields(self, class, &[message], &fields)
    }

    /// Raises `ModuleNotFoundError: No module named '…'`.
    #[cold]
    pub fn module_not_found(&mut self, name: &Value) -> Raised {
        let text = match self.repr(name) {
            Ok(t) => format!("No module named {}", t.to_rust()),
            Err(r) => return r,
        };
        self.import_error_about(&super::MODULE_NOT_FOUND_ERROR, &text, Some(name), None, None)
    }
}
