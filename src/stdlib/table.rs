//! The native modules of the standard library: one row each.

use taipan_runtime::import::ModuleDef;

/// The table.
pub static MODULES: &[&ModuleDef] = &[
    &crate::ast::MODULE,
    &crate::atexit::MODULE,
    &crate::marshal::MODULE,
    &crate::opcode::MODULE,
    &crate::suggestions::MODULE,
    &crate::symtable::MODULE,
    &crate::warnings::MODULE,
];
