//! Objects: header, reference counts, allocator, shapes, collector, weak references, behind safe handles.
//!
//! Nothing here knows the eval loop. Unsafe code cites the invariants I1 … of `ARCHITECTURE.md`.

pub mod buf;
pub mod buffer;
pub mod finalize;
pub mod gc;
pub mod header;
pub mod heap;
pub mod instance;
pub mod ledger;
pub mod shape;
pub mod typedef;
pub mod value;
pub mod weak;

pub use typedef::{GetSetDef, MethodDef, NativeFn, Payload, Slots, Type, TypeDef, TypeFlags, TypeObj};
pub use value::{Frozen, Py, PyResult, Raised, Value, boolean, none, not_implemented};
