//! The native modules of the standard library, one file or folder each.

pub mod abc;
pub mod table;
pub mod types;
pub mod typing;
pub mod weakref;
