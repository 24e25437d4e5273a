//! The native modules of the standard library: one row each.

use taipan_runtime::import::ModuleDef;

/// The table.
pub static MODULES: &[&ModuleDef] = &[
    &crate::bisect::MODULE,
    &crate::codecs::MODULE,
    &crate::collections::MODULE,
    &crate::functools::MODULE,
    &crate::heapq::MODULE,
    &crate::itertools::MODULE,
    &crate::operator::MODULE,
    &crate::abc::MODULE,
    &crate::types::MODULE,
    &crate::typing::MODULE,
    &crate::weakref::MODULE,
];
