//! The native modules of the standard library, one file or folder each.

pub mod abc;
pub mod ast;
pub mod atexit;
pub mod bisect;
pub mod codecs;
pub mod collections;
pub mod functools;
pub mod heapq;
pub mod itertools;
pub mod marshal;
pub mod opcode;
pub mod operator;
pub mod suggestions;
pub mod symtable;
pub mod table;
pub mod types;
pub mod typing;
pub mod warnings;
pub mod weakref;
pub mod thread;
pub mod errno;
pub mod posix;
pub mod resource;
pub mod stat;
pub mod system;
pub mod time;
