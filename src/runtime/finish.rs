//! The end of a program's modules: their globals end while the interpreter still works, so that finalisers of objects
//! that nobody but a module refers to run, as `finalize_modules` (`Python/pylifecycle.c`) makes them run.

use crate::builtins::sys;
use crate::object::{Value, none};
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::str::Str;
use crate::vm::Vm;

/// Ends all modules but `sys` and `builtins`: those to which only `sys.modules` refers in the order of their import, then
/// what lies in cycles; what is alive after that is emptied, last imported first.
pub fn end_modules(vm: &mut Vm) {
    let Ok(modules) = sys::modules(vm) else { return };
    let mut alive: Vec<Value> = Vec::new();
    for (name, module) in modules.pairs() {
        let kept = name.downcast::<Str>().is_some_and(|n| n.is_text("sys") || n.is_text("builtins"));
        if kept || !module.is_exact::<Module>() {
            continue;
        }
        let _ = modules.set_item(vm, &name, none());
        alive.push(module);
    }
    for name in ["last_type", "last_value", "last_traceback", "last_exc", "path_hooks", "meta_path"] {
        if sys::get(vm, name).is_some() {
            sys::set(vm, name, none());
        }
    }
    alive = release_unshared(vm, alive);
    crate::object::gc::collect(vm, 2);
    vm.run_ends();
    for module in release_unshared(vm, alive).into_iter().rev() {
        if let Some(m) = module.downcast::<Module>() {
            empty(vm, &m.dict.clone());
        }
    }
    vm.clear_error();
}

/// Gives up the modules to which nobody else refers, in order, again while others die with them; gives the rest.
fn release_unshared(vm: &mut Vm, mut modules: Vec<Value>) -> Vec<Value> {
    loop {
        let before = modules.len();
        let mut rest = Vec::with_capacity(before);
        for m in modules {
            if m.header().is_some_and(|h| h.rc.get() == 1) {
                drop(m);
                vm.run_ends();
            } else {
                rest.push(m);
            }
        }
        if rest.len() == before {
            return rest;
        }
        modules = rest;
    }
}

/// Sets the names of a module to `None`: first those with one leading underscore, then the others, `__builtins__` stays
/// (`_PyModule_ClearDict`, `Objects/moduleobject.c`).
fn empty(vm: &mut Vm, dict: &crate::object::Py<Dict>) {
    for private in [true, false] {
        for (name, value) in dict.pairs() {
            let Some(text) = name.downcast::<Str>().map(|s| s.to_rust().into_owned()) else { continue };
            let leads = text.starts_with('_') && !text.starts_with("__");
            if value.is_none() || text == "__builtins__" || leads != private {
                continue;
            }
            drop(value);
            let _ = dict.set_item(vm, &name, none());
            vm.run_ends();
        }
    }
}
