//! AST to canonical bytecode.
