//! `_io` (`Modules/_io`): files and streams, in files by class. `base` has the base classes.

pub mod base;
pub mod text;

use taipan_runtime::builtins::global::Global;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{Py, PyResult, Raised, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// `io.DEFAULT_BUFFER_SIZE`, in bytes.
pub const BUFFER_SIZE: usize = 131072;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_io")
    .doc("Files and streams: what io stands on.")
    .types(&[
        &base::IO_BASE,
        &base::RAW_IO_BASE,
        &base::BUFFERED_IO_BASE,
        &base::TEXT_IO_BASE,
        &text::newline::NEWLINE_DECODER,
        &text::stringio::STRING_IO,
        &text::wrapper::TEXT_IO_WRAPPER,
    ])
    .init(init);

/// `io.UnsupportedOperation`
static UNSUPPORTED: Global = Global::new();

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    taipan_runtime::builtins::console::set_native_text(&text::wrapper::TEXT_IO_WRAPPER, text::write_text);
    module.store_text("DEFAULT_BUFFER_SIZE", Value::from_usize(BUFFER_SIZE));
    module.store_text("BlockingIOError", exc::BLOCKING_IO_ERROR.value());
    let class = match UNSUPPORTED.get() {
        Some(c) => c,
        None => {
            let maker = taipan_runtime::types::typeobject::TYPE.value();
            let dict = Dict::new_object();
            let (module_name, name) = (vm.new_str("io"), vm.new_str("UnsupportedOperation"));
            dict.store_text("__module__", module_name);
            let bases = Tuple::from_vec(vec![exc::OS_ERROR.value(), exc::VALUE_ERROR.value()]).into();
            let c = vm.call(&maker, &[name, bases, dict.into()])?;
            UNSUPPORTED.set(Some(c.clone()));
            c
        }
    };
    module.store_text("UnsupportedOperation", class);
    Ok(())
}

/// Raises `UnsupportedOperation(message)`.
pub fn unsupported(vm: &mut Vm, message: &str) -> Raised {
    let class = UNSUPPORTED.get().unwrap_or_else(|| exc::OS_ERROR.value());
    let text = vm.new_str(message);
    match vm.call(&class, &[text]) {
        Ok(e) => vm.raise(e),
        Err(r) => r,
    }
}

/// Raises `OSError(message)`.
pub fn os_error_text(vm: &mut Vm, message: &str) -> Raised {
    let text = vm.new_str(message);
    vm.raise_with(&exc::OS_ERROR, &[text])
}

/// An argument or `None`.
pub fn arg(a: &[Option<Value>], i: usize) -> Value {
    a[i].clone().unwrap_or_else(none)
}

/// A truth argument with its default.
pub fn flag(vm: &mut Vm, v: Option<&Value>, default: bool) -> PyResult<bool> {
    match v {
        Some(v) => vm.truth(v),
        None => Ok(default),
    }
}
