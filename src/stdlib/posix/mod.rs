//! `posix` (`Modules/posixmodule.c`): what `os` stands on, in files by subject.

mod constants;
mod descriptors;
mod directory;
mod files;
mod information;
mod names;
mod process;
mod rare;
pub mod status;

pub use descriptors::set_inheritable;
pub use files::id;
pub use process::{after_fork_child, after_fork_parent, before_fork};

use taipan_runtime::host;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::list::List;
use taipan_runtime::types::method::BuiltinFunction;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("posix")
    .doc("Access to the operating system's functions, as POSIX names them.")
    .types(&[&directory::DIR_ENTRY, &directory::SCANDIR])
    .init(init);

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    let name = vm.intern("posix");
    for table in [
        files::TABLE,
        descriptors::TABLE,
        directory::TABLE,
        names::TABLE,
        process::TABLE,
        information::TABLE,
        rare::TABLE,
    ] {
        for row in table {
            module.store_text(row.name, BuiltinFunction::of_module(row, &name));
        }
    }
    crate::system::store_numbers(module, constants::NUMBERS);
    for (name, rows) in [
        ("sysconf_names", constants::SYSCONF),
        ("confstr_names", constants::CONFSTR),
        ("pathconf_names", constants::PATHCONF),
    ] {
        let d = Dict::new_object();
        crate::system::store_numbers(&d, rows);
        module.store_text(name, d);
    }
    let have: Vec<Value> = constants::HAVE.iter().map(|n| vm.new_str(n)).collect();
    module.store_text("_have_functions", List::from_vec(have));
    module.store_text("error", exc::OS_ERROR.value());
    let environ = environment(vm)?;
    module.store_text("environ", environ);
    let _ = module.remove_str(&vm.intern("ScandirIterator"));
    for (name, seq) in [
        ("stat_result", &status::STAT_RESULT),
        ("statvfs_result", &status::STATVFS_RESULT),
        ("terminal_size", &information::TERMINAL_SIZE),
        ("uname_result", &information::UNAME_RESULT),
        ("times_result", &information::TIMES_RESULT),
        ("sched_param", &information::SCHED_PARAM),
        ("waitid_result", &rare::WAITID_RESULT),
    ] {
        let class = seq.class(vm)?;
        module.store_text(name, class);
    }
    Ok(())
}

/// The environment as a dict of bytes; the first of equal names counts.
pub fn environment(vm: &mut Vm) -> PyResult<Py<Dict>> {
    let d = Dict::new_object();
    for item in host::process::environ() {
        let Some(cut) = item.iter().skip(1).position(|&b| b == b'=').map(|i| i + 1) else { continue };
        let (key, value): (Value, Value) =
            (Bytes::from_slice(&item[..cut]).into(), Bytes::from_slice(&item[cut + 1..]).into());
        if d.get_item(vm, &key)?.is_none() {
            d.set_item(vm, &key, value)?;
        }
    }
    Ok(d)
}
