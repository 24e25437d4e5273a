//! Source text to AST and scopes, with syntax errors as CPython words them.
//!
//! The way of a source: bytes → text ([`decode_source`]) → tree ([`parse`]) → scopes ([`symtable`]).

mod adapter;
pub mod ast;
mod decode;
mod diagnose;
mod error;
mod feature_version;
mod literal;
mod number;
mod parse;
mod source;
mod stack;
pub mod symtable;
mod tokenizer;
pub mod tokens;
mod type_comments;
mod warnings;

pub use decode::{Source, decode_source};
pub use error::{ErrorClass, Location, SyntaxError, SyntaxWarning, WarningCategory};
pub use parse::{Mode, ParseOptions, Parsed, parse};
pub use source::{LineIndex, normalise_newlines};
pub use warnings::warnings;
