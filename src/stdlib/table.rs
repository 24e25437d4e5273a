//! The native modules of the standard library: one row each.

use taipan_runtime::import::ModuleDef;

/// The table.
pub static MODULES: &[&ModuleDef] = &[
    &crate::abc::MODULE,
    &crate::ast::MODULE,
    &crate::atexit::MODULE,
    &crate::binascii::MODULE,
    &crate::bisect::MODULE,
    &crate::codecs::MODULE,
    &crate::collections::MODULE,
    &crate::functools::MODULE,
    &crate::heapq::MODULE,
    &crate::itertools::MODULE,
    &crate::math::MODULE,
    &crate::marshal::MODULE,
    &crate::opcode::MODULE,
    &crate::operator::MODULE,
    &crate::string_::MODULE,
    &crate::struct_::MODULE,
    &crate::suggestions::MODULE,
    &crate::symtable::MODULE,
    &crate::types::MODULE,
    &crate::typing::MODULE,
    &crate::unicodedata::MODULE,
    &crate::warnings::MODULE,
    &crate::weakref::MODULE,
    &crate::thread::MODULE,
    &crate::errno::MODULE,
    &crate::posix::MODULE,
    &crate::resource::MODULE,
    &crate::stat::MODULE,
    &crate::time::MODULE,
];
