//! `_collections` (`Modules/_collectionsmodule.c`, `Objects/odictobject.c`): what `collections` has in C.

mod defaultdict;
mod deque;
mod deque_iter;
mod ordered;
mod ordered_views;
mod tuplegetter;

use taipan_runtime::import::ModuleDef;
use taipan_runtime::name;
use taipan_runtime::object::{MethodDef, NativeFn, PyResult, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::dict::methods::DICT;
use taipan_runtime::types::typeobject::ready::ready;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::ops::BinOp;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_collections")
    .doc("The parts of collections that are not written in Python.")
    .functions(&[MethodDef::function(
        "_count_elements",
        "($module, mapping, iterable, /)",
        "Count the items of an iterable in a mapping.",
        NativeFn::F2(count_elements),
    )])
    .types(&[
        &deque::DEQUE,
        &defaultdict::DEFAULTDICT,
        &deque_iter::DEQUE_ITER,
        &deque_iter::DEQUE_REVERSE_ITER,
        &tuplegetter::TUPLEGETTER,
        &ordered::ORDERED_DICT,
    ])
    .init(|_, _| {
        use ordered_views::{ODICT_ITEMS, ODICT_ITER, ODICT_KEYS, ODICT_VALUES};
        [&ODICT_ITER, &ODICT_KEYS, &ODICT_VALUES, &ODICT_ITEMS].into_iter().for_each(ready);
        Ok(())
    });

fn count_elements(vm: &mut Vm, mapping: &Value, iterable: &Value) -> PyResult {
    let it = vm.iter(iterable)?;
    let class = mapping.class();
    // Only a dict whose `get` and `__setitem__` are dict's own may be counted in directly.
    let own = |vm: &mut Vm, name| {
        let (a, b) = (vm.type_lookup(class, name), vm.type_lookup(DICT.object(), name));
        matches!((a, b), (Some(a), Some(b)) if a.is(&b))
    };
    let one = Value::small_unchecked(1);
    if let Some(d) = mapping.downcast::<Dict>().filter(|_| own(vm, name!("get")) && own(vm, name!("__setitem__"))) {
        while let Some(key) = vm.next(&it)? {
            let hash = vm.hash(&key)?;
            let count = match d.get_item_hashed(vm, &key, hash)? {
                Some(old) => vm.binary(BinOp::Add, &old, &one)?,
                None => one.clone(),
            };
            d.set_item_hashed(vm, &key, hash, count)?;
        }
        return Ok(none());
    }
    let get = vm.get_attr(mapping, name!("get"))?;
    let zero = Value::small_unchecked(0);
    while let Some(key) = vm.next(&it)? {
        let old = vm.call(&get, &[key.clone(), zero.clone()])?;
        let count = vm.binary(BinOp::Add, &old, &one)?;
        vm.set_item(mapping, &key, &count)?;
    }
    Ok(none())
}
