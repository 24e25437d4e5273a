//! `_suggestions`: the guess at what a misspelt name was to be, for the `traceback` module.

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::typedef::{MethodDef, NativeFn};
use taipan_runtime::object::{PyResult, Value, none};
use taipan_runtime::types::exceptions::print::suggest::closest;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_suggestions").functions(&[MethodDef::function(
    "_generate_suggestions",
    "($module, candidates, item, /)",
    "Returns the candidate in candidates that's closest to item",
    NativeFn::F2(generate),
)]);

fn generate(vm: &mut Vm, candidates: &Value, item: &Value) -> PyResult {
    let Some(list) = candidates.downcast_exact::<List>() else {
        return Err(vm.type_error("candidates must be a list"));
    };
    let wanted = vm.expect_str(item, "_generate_suggestions() argument 2")?.to_rust().into_owned();
    let items = list.to_vec();
    let mut names = Vec::with_capacity(items.len());
    for i in &items {
        match i.downcast::<Str>() {
            Some(s) => names.push(s.to_rust().into_owned()),
            None => return Err(vm.type_error("all elements in 'candidates' must be strings")),
        }
    }
    if names.len() >= 750 {
        return Ok(none());
    }
    let found = closest(&wanted, names.iter().map(String::as_str)).map(str::to_owned);
    Ok(found.map_or_else(none, |f| vm.new_str(&f)))
}
