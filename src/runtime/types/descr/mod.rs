//! Descriptors: objects in a class's dictionary that decide what attribute access on instances means.
//!
//! `members` has those of builtin types' tables and of `__slots__`, `property` the builtin `property`, `classmethod` both
//! `classmethod` and `staticmethod`, `superobject` the builtin `super`.

pub mod classmethod;
pub mod members;
pub mod property;
pub mod superobject;

pub use classmethod::{CLASSMETHOD, STATICMETHOD};
pub use members::{GETSET_DESCRIPTOR, MEMBER_DESCRIPTOR, member_slot};
pub use property::{PROPERTY, property_getter};
pub use superobject::{SUPER, super_load};
