//! The native modules of the standard library, one file or folder each.

pub mod bisect;
pub mod codecs;
pub mod collections;
pub mod functools;
pub mod heapq;
pub mod itertools;
pub mod operator;
pub mod abc;
pub mod table;
pub mod types;
pub mod typing;
pub mod weakref;
