//! `_functools` (`Modules/_functoolsmodule.c`): `partial`, `reduce`, `cmp_to_key` and the cache of `lru_cache`.

mod cache;
mod cmp_key;
mod partial;

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn, PyResult, Value};
use taipan_runtime::types::exceptions::TYPE_ERROR;
use taipan_runtime::types::typeobject::ready::ready;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_functools")
    .doc("Tools that operate on functions.")
    .functions(&[
        MethodDef::function(
            "reduce",
            "($module, function, iterable, /, initial=<unrepresentable>)",
            "Combine the items of an iterable by a function of two arguments, from the first to the last.",
            NativeFn::N(reduce),
        ),
        MethodDef::function(
            "cmp_to_key",
            "($module, /, mycmp)",
            "Make a key function of a function that compares two values.",
            NativeFn::N(cmp_key::cmp_to_key),
        ),
    ])
    .types(&[&partial::PLACEHOLDER_TYPE, &partial::PARTIAL, &cache::LRU_CACHE_WRAPPER])
    .init(|_, module| {
        ready(&cmp_key::KEY_WRAPPER);
        module.store_text("Placeholder", partial::PLACEHOLDER.value());
        Ok(())
    });

fn reduce(vm: &mut Vm, bound: &[Option<Value>]) -> PyResult {
    let [Some(function), Some(iterable), initial] = bound else { unreachable!("bound by the signature") };
    let it = match vm.iter(iterable) {
        Ok(it) => it,
        Err(_) if vm.error_is(&TYPE_ERROR) => {
            vm.clear_error();
            return Err(vm.type_error("reduce() arg 2 must support iteration"));
        }
        Err(r) => return Err(r),
    };
    let mut total = match initial {
        Some(v) => Some(v.clone()),
        None => vm.next(&it)?,
    };
    while let Some(so_far) = total.take() {
        match vm.next(&it)? {
            Some(item) => total = Some(vm.call(function, &[so_far, item])?),
            None => return Ok(so_far),
        }
    }
    Err(vm.type_error("reduce() of empty iterable with no initial value"))
}
