//! All native modules, one row each.

use taipan_runtime::import::ModuleDef;

/// The modules, by name.
pub static MODULES: &[&ModuleDef] = &[
    &crate::bisect::MODULE,
    &crate::collections::MODULE,
    &crate::functools::MODULE,
    &crate::heapq::MODULE,
    &crate::itertools::MODULE,
    &crate::operator::MODULE,
];
