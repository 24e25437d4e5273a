//! The native modules of the standard library: one row each.

use taipan_runtime::import::ModuleDef;

/// The table.
pub static MODULES: &[&ModuleDef] = &[
    &crate::abc::MODULE,
    &crate::types::MODULE,
    &crate::typing::MODULE,
    &crate::weakref::MODULE,
];
