//! `_weakref` (`Modules/_weakref.c`): counting and listing weak references, making proxies.

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::NativeFn::{F1, F2, N};
use taipan_runtime::object::{MethodDef, Py, PyResult, Value, none, weak};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::list::List;
use taipan_runtime::types::weakref::{REF, WeakRef, proxy};
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_weakref")
    .doc("Weak-reference support module.")
    .functions(&[
        MethodDef::function(
            "getweakrefcount",
            "($module, object, /)",
            "Return the number of weak references to 'object'.",
            F1(|_, v| Ok(Value::from_usize(weak::references(v).len()))),
        ),
        MethodDef::function(
            "getweakrefs",
            "($module, object, /)",
            "Return a list of all weak reference objects pointing to 'object'.",
            F1(|_, v| Ok(List::from_vec(weak::references(v).into_iter().map(Py::into_value).collect()).into())),
        ),
        MethodDef::function(
            "_remove_dead_weakref",
            "($module, dct, key, /)",
            "Atomically remove key from dict if it points to a dead weakref.",
            F2(remove_dead),
        ),
        MethodDef::function(
            "proxy",
            "($module, object, callback=None, /)",
            "Create a proxy object that weakly references 'object'.",
            N(|vm, args| match args {
                [Some(target), callback] => proxy::new_proxy(vm, target, callback.clone().filter(|c| !c.is_none())),
                _ => Err(vm.type_error("proxy expected at least 1 argument, got 0")),
            }),
        ),
    ])
    .types(&[&REF, &proxy::PROXY, &proxy::CALLABLE_PROXY])
    .init(|_, dict| {
        dict.store_text("ref", REF.value());
        Ok(())
    });

fn remove_dead(vm: &mut Vm, dict: &Value, key: &Value) -> PyResult {
    let Some(d) = dict.downcast::<Dict>().cloned() else {
        let name = dict.class().payload.name();
        return Err(vm.type_error(format!("_remove_dead_weakref() argument 1 must be dict, not {name}")));
    };
    let Some(v) = d.get_item(vm, key)? else { return Ok(none()) };
    let Some(w) = v.downcast::<WeakRef>() else { return Err(vm.type_error("not a weakref")) };
    if w.target().is_none() {
        d.del_item(vm, key)?;
    }
    Ok(none())
}
