//! `marshal`: values in the format of `.pyc` files.
//!
//! The tags and digits are those of the bytecode crate, which writes and reads constants of code the same way; here all
//! of Python's marshallable types take part, shared objects stay shared, and cycles through lists and dicts are kept.

mod read;
mod write;

use taipan_runtime::builtins::sys::audit::{audit, listened as audited};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::typedef::{MethodDef, NativeFn::N};
use taipan_runtime::object::{Py, PyResult, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("marshal")
    .doc("This module contains functions that can read and write Python values in\na binary format.")
    .functions(&[
        MethodDef::function(
            "dump",
            "($module, value, file, version=version, /, *, allow_code=True)",
            "Write the value on the open file.",
            N(dump),
        ),
        MethodDef::function(
            "load",
            "($module, file, /, *, allow_code=True)",
            "Read one value from the open file and return it.",
            N(load),
        ),
        MethodDef::function(
            "dumps",
            "($module, value, version=version, /, *, allow_code=True)",
            "Return the bytes object that would be written to a file by dump(value, file).",
            N(dumps),
        ),
        MethodDef::function(
            "loads",
            "($module, bytes, /, *, allow_code=True)",
            "Convert the bytes-like object to a value.",
            N(loads),
        ),
    ])
    .init(|_: &mut Vm, dict: &Py<Dict>| {
        dict.store_text("version", Value::small_unchecked(taipan_bytecode::marshal::VERSION as i64));
        Ok(())
    });

fn flag(vm: &mut Vm, v: &Option<Value>) -> PyResult<bool> {
    match v {
        Some(v) => vm.truth(v),
        None => Ok(true),
    }
}

fn version(vm: &mut Vm, v: &Option<Value>) -> PyResult<i32> {
    match v {
        Some(v) => vm.to_i32(v),
        None => Ok(taipan_bytecode::marshal::VERSION as i32),
    }
}

fn dumps(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(value), wanted, allow_code] = a else { return Err(vm.system_error("dumps(): unbound argument")) };
    let (version, allow_code) = (version(vm, wanted)?, flag(vm, allow_code)?);
    audit(vm, "marshal.dumps", &[value.clone(), Value::small_unchecked(version as i64)])?;
    let bytes = write::dumps(vm, value, version, allow_code)?;
    Ok(Bytes::from_slice(&bytes).into())
}

fn dump(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(value), Some(file), wanted, allow_code] = a else {
        return Err(vm.system_error("dump(): unbound argument"));
    };
    let bytes = dumps(vm, &[Some(value.clone()), wanted.clone(), allow_code.clone()])?;
    vm.call_method(file, "write", &[bytes])
}

fn loads(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(data), allow_code] = a else { return Err(vm.system_error("loads(): unbound argument")) };
    let allow_code = flag(vm, allow_code)?;
    let data = vm.buffer(data, BufferRequest::READ)?.to_vec(vm);
    if audited() {
        audit(vm, "marshal.loads", &[Bytes::from_slice(&data).into()])?;
    }
    read::load(vm, read::Source::bytes(data), allow_code)
}

fn load(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(file), allow_code] = a else { return Err(vm.system_error("load(): unbound argument")) };
    let allow_code = flag(vm, allow_code)?;
    let probe = vm.call_method(file, "read", &[Value::small_unchecked(0)])?;
    if probe.downcast::<Bytes>().is_none() {
        let got = probe.class().payload.name();
        return Err(vm.type_error(format!("file.read() returned not bytes but {got}")));
    }
    audit(vm, "marshal.load", &[])?;
    read::load(vm, read::Source::file(file.clone()), allow_code)
}

/// `None`, for attributes that marshal leaves out.
fn absent() -> Value {
    none()
}
