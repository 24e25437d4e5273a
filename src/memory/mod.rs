//! What a program's memory is made of: who allocated it, and who keeps it alive.
//!
//! Reading order: [`census`] gathers what the allocation sites hold (`probe::sites`) into plain data, [`paths`] finds the
//! chain of names from a module to an object, [`report`] and [`flamegraph`] show it.
//!
//! Bytes are those that the allocator handed out here, rounded up to its size classes; `sys.getsizeof` answers with
//! CPython's sizes. The sums are exact: what was recorded and what is older than the recording make up the allocator's own
//! count, and the report says so when they do not.

pub mod census;
pub mod flamegraph;
pub mod paths;
pub mod report;
