//! The native modules of the standard library, one file or folder each.

pub mod ast;
pub mod atexit;
pub mod marshal;
pub mod opcode;
pub mod suggestions;
pub mod symtable;
pub mod table;
pub mod warnings;
