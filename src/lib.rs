//! The library behind the `taipan` command: its commands and the tools. What follows is the map of the whole.
#![doc = include_str!("ARCHITECTURE.md")]

pub mod cli;
pub mod debugger;
pub mod memory;
pub mod native;
pub mod places;
pub mod profiler;
