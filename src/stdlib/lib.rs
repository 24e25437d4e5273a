//! The native modules of the standard library, one file or folder each.

pub mod table;
