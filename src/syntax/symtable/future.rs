//! `from __future__ import …` (PEP 236): which features a module asks for.

use std::ops::BitOr;

use crate::ast::{Alias, Constant, ExprKind, Mod, Span, Stmt, StmtKind};
use crate::error::SyntaxError;

/// A set of future features; the bits are those of `co_flags` and of `compile()`'s flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Future(pub u32);

impl Future {
    pub const NESTED_SCOPES: Future = Future(0x10);
    pub const GENERATORS: Future = Future(0);
    pub const DIVISION: Future = Future(0x2_0000);
    pub const ABSOLUTE_IMPORT: Future = Future(0x4_0000);
    pub const WITH_STATEMENT: Future = Future(0x8_0000);
    pub const PRINT_FUNCTION: Future = Future(0x10_0000);
    pub const UNICODE_LITERALS: Future = Future(0x20_0000);
    pub const BARRY_AS_BDFL: Future = Future(0x40_0000);
    pub const GENERATOR_STOP: Future = Future(0x80_0000);
    /// Annotations are kept as text (PEP 563).
    pub const ANNOTATIONS: Future = Future(0x100_0000);

    /// Whether all features of `other` are on.
    pub fn contains(self, other: Future) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Future {
    type Output = Future;
    fn bitor(self, other: Future) -> Future {
        Future(self.0 | other.0)
    }
}

/// The features by name. Those that are part of the language set nothing.
fn feature(name: &str) -> Option<Future> {
    Some(match name {
        "nested_scopes" | "generators" | "division" | "absolute_import" | "with_statement" | "print_function"
        | "unicode_literals" | "generator_stop" => Future(0),
        "barry_as_FLUFL" => Future::BARRY_AS_BDFL,
        "annotations" => Future::ANNOTATIONS,
        _ => return None,
    })
}

/// The features that the statements at the head of a module import.
///
/// Errors: unknown features. (Imports that come too late are refused by the compiler, see [`late_import`].)
pub fn future_features(module: &Mod, filename: &str) -> Result<Future, Box<SyntaxError>> {
    let body = match module {
        Mod::Module { body, .. } | Mod::Interactive { body } => body,
        Mod::Expression { .. } | Mod::FunctionType { .. } => return Ok(Future::default()),
    };
    let mut features = Future::default();
    for (index, stmt) in body.iter().enumerate() {
        match &stmt.kind {
            StmtKind::ImportFrom { names, .. } if is_future_import(stmt) => {
                for alias in names {
                    features = features | named(alias, filename)?;
                }
            }
            StmtKind::Expr { value } if index == 0 && is_string(&value.kind) => {}
            _ => break,
        }
    }
    Ok(features)
}

fn named(alias: &Alias, filename: &str) -> Result<Future, Box<SyntaxError>> {
    if let Some(future) = feature(&alias.name) {
        return Ok(future);
    }
    let msg = match &*alias.name {
        "braces" => "not a chance".to_owned(),
        name => format!("future feature {} is not defined", name.chars().take(100).collect::<String>()),
    };
    Err(Box::new(SyntaxError::at_node(msg, filename, alias.span)))
}

/// Whether a statement is an import from `__future__`.
pub(super) fn is_future_import(stmt: &Stmt) -> bool {
    matches!(&stmt.kind, StmtKind::ImportFrom { module: Some(module), level, .. }
        if &**module == "__future__" && level.unwrap_or(0) == 0)
}

fn is_string(kind: &ExprKind) -> bool {
    matches!(kind, ExprKind::Constant { value: Constant::Str(_), .. })
}

/// The error for an import from `__future__` behind other statements.
pub(super) fn late_import(filename: &str, span: Span) -> Box<SyntaxError> {
    let msg = "from __future__ imports must occur at the beginning of the file";
    Box::new(SyntaxError::at_node(msg, filename, span))
}
