#![doc = include_str!("ARCHITECTURE.md")]

pub mod cli;
pub mod debugger;
pub mod memory;
pub mod native;
pub mod profiler;
