//! Native code: names of functions and lines for addresses in a process.

pub mod symbols;
