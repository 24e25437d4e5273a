//! `_typing` (`Modules/_typingmodule.c`): the types behind `typing` that live in the runtime.

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn};
use taipan_runtime::types::typevar::{self, alias, paramspec, tuple, variable};
use taipan_runtime::types::union;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_typing")
    .doc("Primitives for the typing module.")
    .functions(&[MethodDef::function("_idfunc", "($module, x, /)", "", NativeFn::F1(|_, v| Ok(v.clone())))])
    .types(&[
        &typevar::GENERIC,
        &variable::TYPEVAR,
        &paramspec::PARAMSPEC,
        &paramspec::PARAMSPEC_ARGS,
        &paramspec::PARAMSPEC_KWARGS,
        &tuple::TYPEVARTUPLE,
        &alias::TYPE_ALIAS,
        &union::UNION,
    ])
    .init(|_, dict| {
        dict.store_text("NoDefault", typevar::no_default());
        Ok(())
    });
