//! The terminal UI: a Debug Adapter Protocol client that knows nothing of the interpreter.

#![forbid(unsafe_code)]

pub mod dap;
