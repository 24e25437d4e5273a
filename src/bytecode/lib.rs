//! The opcode table, code objects as plain data, their tables, disassembly and marshal.
//!
//! Canonical bytecode is CPython 3.14's: everything here follows its formats exactly, so that `dis`, tracebacks and
//! tools see what they expect, and so that the compiler can be checked against CPython instruction by instruction.

mod code;
mod constant;
pub mod dis;
mod exceptions;
mod instructions;
mod locations;
pub mod marshal;
pub mod oparg;
mod opcode;
pub mod pyc;

pub use code::{CodeFlags, CodeObject, LocalKind};
pub use constant::Const;
pub use exceptions::{ExceptionEntries, ExceptionEntry, ExceptionWriter};
pub use instructions::{Instruction, Instructions};
pub use locations::{LineRange, Lines, LocationReader, LocationWriter, Position, Positions};
pub use opcode::{ArgKind, HAVE_ARGUMENT, MIN_INSTRUMENTED_OPCODE, Op, Outcome, stack_effect};
