//! `_socket` (`Modules/socketmodule.c`): sockets, and names of hosts and services.

mod address;
mod constants;
mod functions;
mod object;
mod transfer;

use crate::error_class::ErrorClass;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{Py, PyResult, boolean};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::method::BuiltinFunction;
use taipan_runtime::vm::Vm;

static GAIERROR: ErrorClass = ErrorClass::new("socket", "gaierror", &exc::OS_ERROR);
static HERROR: ErrorClass = ErrorClass::new("socket", "herror", &exc::OS_ERROR);

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("_socket").doc("Sockets: what the socket module stands on.").types(&[&object::SOCKET]).init(init);

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    let name = vm.intern("_socket");
    for row in functions::TABLE {
        module.store_text(row.name, BuiltinFunction::of_module(row, &name));
    }
    crate::system::store_numbers(module, constants::NUMBERS);
    module.store_text("has_ipv6", boolean(true));
    module.store_text("SocketType", object::SOCKET.value());
    module.store_text("error", exc::OS_ERROR.value());
    module.store_text("timeout", exc::TIMEOUT_ERROR.value());
    for class in [&GAIERROR, &HERROR] {
        let c = class.get(vm)?;
        let name = vm.get_attr_text(&c, "__name__")?;
        let name = vm.str(&name)?.to_rust().into_owned();
        module.store_text(&name, c);
    }
    for (name, text) in [("BDADDR_ANY", "00:00:00:00:00:00"), ("BDADDR_LOCAL", "00:00:00:FF:FF:FF")] {
        let text = vm.new_str(text);
        module.store_text(name, text);
    }
    Ok(())
}
