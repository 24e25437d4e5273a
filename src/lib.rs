//! Taipan: a debugger, profiler and leak hunter for Python, on a Python 3.14 interpreter made to be watched.

pub mod cli;
pub mod debugger;
pub mod memory;
pub mod profiler;
