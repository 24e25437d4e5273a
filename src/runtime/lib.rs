//! Objects, builtin types, the eval loop, import and probes.
//!
//! Reading order: [`object`] (headers, heap, shapes, safe handles), [`types`] (one file or folder for each builtin type),
//! [`vm`] (threads, frames, handlers, calls), [`builtins`] (the builtin functions and `sys`), [`import`], [`probe`] (who
//! watches what), [`host`] (the door to the operating system).

pub mod object;
#[macro_use]
pub mod types;
pub mod builtins;
pub mod finish;
pub mod host;
pub mod import;
pub mod probe;
pub mod start;
pub mod stdio;
pub mod vm;
