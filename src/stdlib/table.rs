//! The native modules of the standard library: one row each.

use taipan_runtime::import::ModuleDef;

/// The table.
pub static MODULES: &[&ModuleDef] = &[];
