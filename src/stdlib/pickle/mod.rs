//! `_pickle` (`Modules/_pickle.c`): the machine behind `pickle`, of which `Lib/pickle.py` is the other implementation.
//!
//! [`pickler`] has the writer's state and its Python face, [`save`] writes values, [`reduce`] objects by their own account
//! and globals; [`unpickler`] has the reader's, [`load`] executes opcodes; [`buffer`] is `PickleBuffer`.

mod buffer;
mod load;
mod op;
mod pickler;
mod reduce;
mod save;
mod unpickler;

use crate::error_class::ErrorClass;
use taipan_runtime::builtins::global::Global;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Raised, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::EXCEPTION;
use taipan_runtime::types::str::{Str, intern};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_pickle")
    .doc("Optimized implementation for the Python pickle module.")
    .types(&[&pickler::PICKLER, &unpickler::UNPICKLER, &buffer::PICKLE_BUFFER, &pickler::MEMO, &unpickler::MEMO])
    .functions(&[
        MethodDef::function(
            "dump",
            "($module, /, obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)",
            "Write a pickled representation of obj to the open file object file.",
            NativeFn::N(dump),
        ),
        MethodDef::function(
            "dumps",
            "($module, /, obj, protocol=None, *, fix_imports=True, buffer_callback=None)",
            "Return the pickled representation of the object as a bytes object.",
            NativeFn::N(dumps),
        ),
        MethodDef::function(
            "load",
            "($module, /, file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
            "Read and return an object from the pickle data stored in a file.",
            NativeFn::N(load),
        ),
        MethodDef::function(
            "loads",
            "($module, data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
            "Read and return an object from the given pickle data.",
            NativeFn::N(loads),
        ),
    ])
    .init(init);

static PICKLE_ERROR: Global = Global::new();
static PICKLING_ERROR: Global = Global::new();
static UNPICKLING_ERROR: Global = Global::new();

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    static BASE: ErrorClass = ErrorClass::new("_pickle", "PickleError", &EXCEPTION);
    let base = BASE.get(vm)?;
    drop(PICKLE_ERROR.set(Some(base.clone())));
    dict.store_text("PickleError", base.clone());
    for (place, name) in [(&PICKLING_ERROR, "PicklingError"), (&UNPICKLING_ERROR, "UnpicklingError")] {
        let class = match place.get() {
            Some(class) => class,
            None => {
                let namespace = Dict::new_object();
                namespace.store_text("__module__", vm.new_str("_pickle"));
                let bases = Tuple::of([base.clone()]);
                let name = vm.new_str(name);
                vm.call(&typeobject::TYPE.value(), &[name, bases.into(), namespace.into()])?
            }
        };
        drop(place.set(Some(class.clone())));
        dict.store_text(name, class);
    }
    Ok(())
}

fn raise_from(vm: &mut Vm, place: &Global, message: &str) -> Raised {
    let Some(class) = place.get() else { return vm.system_error("_pickle is not initialised") };
    let message = vm.new_str(message);
    match vm.call1(&class, &message) {
        Ok(error) => vm.raise(error),
        Err(r) => r,
    }
}

/// Raises `PicklingError`.
fn pickling_error(vm: &mut Vm, message: impl AsRef<str>) -> Raised {
    raise_from(vm, &PICKLING_ERROR, message.as_ref())
}

/// Raises `UnpicklingError`.
fn unpickling_error(vm: &mut Vm, message: impl AsRef<str>) -> Raised {
    raise_from(vm, &UNPICKLING_ERROR, message.as_ref())
}

/// Makes an exception the context of the pending one, which was raised because of it.
fn after(vm: &mut Vm, first: &Value) -> Raised {
    let error = vm.take_error();
    if vm.set_attr_text(&error, "__context__", first).is_err() {
        vm.clear_error();
    }
    vm.set_pending(error);
    vm.already_raised()
}

/// Whether the pending exception is an `UnpicklingError`.
fn unpickling_failed(vm: &mut Vm) -> bool {
    let (Some(class), Some(e)) = (UNPICKLING_ERROR.get(), vm.pending().cloned()) else { return false };
    vm.aside(|vm| vm.is_instance(&e, &class).unwrap_or(false))
}

/// Full name of a value's class, as messages show it.
fn type_name(v: &Value) -> String {
    typeobject::full_name(v.class())
}

/// The item of a module's dictionary that is an attribute, such as `copyreg.dispatch_table`.
fn registry(vm: &mut Vm, module: &str, name: &str) -> PyResult<Py<Dict>> {
    let found = vm.import_attr(module, name)?;
    match found.into_py::<Dict>() {
        Ok(d) => Ok(d),
        Err(v) => Err(vm.runtime_error(format!("{module}.{name} should be a dict, not {}", v.class().payload.name()))),
    }
}

/// The module of a name, after it was imported.
fn imported(vm: &mut Vm, name: &Value) -> PyResult {
    let import = vm.import_attr("builtins", "__import__")?;
    vm.call1(&import, name)?;
    let modules = vm.import_attr("sys", "modules")?;
    vm.get_item(&modules, name)
}

/// The names of a path with dots.
fn path_names(path: &Str) -> Vec<Py<Str>> {
    let points: Vec<u32> = path.code_points().collect();
    points.split(|&c| c == u32::from(b'.')).map(|p| intern::intern(Str::from_code_points(p))).collect()
}

/// An attribute behind a path of names with dots.
fn attribute_path(vm: &mut Vm, start: &Value, path: &Str) -> PyResult {
    let mut at = start.clone();
    for part in path_names(path) {
        at = vm.get_attr(&at, &part)?;
    }
    Ok(at)
}

fn truth(vm: &mut Vm, v: Option<&Value>, default: bool) -> PyResult<bool> {
    v.map_or(Ok(default), |v| vm.truth(v))
}

fn given(v: &Option<Value>) -> Option<Value> {
    v.clone().filter(|v| !v.is_none())
}

fn required(vm: &mut Vm, v: &Option<Value>) -> PyResult {
    v.clone().ok_or_else(|| vm.system_error("_pickle: unbound argument"))
}

fn dump(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [obj, file, protocol, fix_imports, callback] = a else { return Err(vm.system_error("dump(): arguments")) };
    let (obj, file) = (required(vm, obj)?, required(vm, file)?);
    let fix_imports = truth(vm, fix_imports.as_ref(), true)?;
    let state = pickler::State::new(vm, given(protocol).as_ref(), fix_imports, given(callback))?;
    let writer = pickler::make(state);
    pickler::set_file(vm, &writer, &file)?;
    pickler::dump_to_file(vm, &writer, &obj)?;
    Ok(none())
}

fn dumps(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [obj, protocol, fix_imports, callback] = a else { return Err(vm.system_error("dumps(): arguments")) };
    let obj = required(vm, obj)?;
    let fix_imports = truth(vm, fix_imports.as_ref(), true)?;
    let state = pickler::State::new(vm, given(protocol).as_ref(), fix_imports, given(callback))?;
    let writer = pickler::make(state);
    save::dump(vm, &writer, &obj)?;
    let out = std::mem::take(&mut writer.state.borrow_mut().out);
    Ok(Bytes::from_slice(&out.bytes).into())
}

fn load(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [file, options @ ..] = a else { return Err(vm.system_error("load(): arguments")) };
    let file = required(vm, file)?;
    let input = unpickler::Input::of_file(vm, &file)?;
    let reader = unpickler::make(vm, input, options)?;
    load::load(vm, &reader)
}

fn loads(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [data, options @ ..] = a else { return Err(vm.system_error("loads(): arguments")) };
    let data = required(vm, data)?;
    let bytes = vm.bytes_like(&data)?;
    let reader = unpickler::make(vm, unpickler::Input::of_bytes(bytes), options)?;
    load::load(vm, &reader)
}
