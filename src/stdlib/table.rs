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
    &crate::errno::MODULE,
    &crate::functools::MODULE,
    &crate::heapq::MODULE,
    &crate::io::MODULE,
    &crate::itertools::MODULE,
    &crate::marshal::MODULE,
    &crate::math::MODULE,
    &crate::opcode::MODULE,
    &crate::operator::MODULE,
    &crate::posix::MODULE,
    &crate::resource::MODULE,
    &crate::signal::MODULE,
    &crate::stat::MODULE,
    &crate::string_::MODULE,
    &crate::struct_::MODULE,
    &crate::suggestions::MODULE,
    &crate::symtable::MODULE,
    &crate::thread::MODULE,
    &crate::time::MODULE,
    &crate::types::MODULE,
    &crate::typing::MODULE,
    &crate::unicodedata::MODULE,
    &crate::warnings::MODULE,
    &crate::weakref::MODULE,
];
