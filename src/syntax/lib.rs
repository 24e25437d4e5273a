//! Source text to AST and scopes, with syntax errors as CPython words them.

pub mod ast;
