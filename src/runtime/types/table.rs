//! All builtin types of the runtime, made ready at start in this order (bases first).

use crate::object::TypeDef;

/// The table.
pub static TYPES: &[&TypeDef] = &[];
