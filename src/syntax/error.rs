//! Syntax errors and syntax warnings as plain data; the runtime makes Python exceptions of them.

use std::fmt;

use crate::ast::Span;

/// Which Python class an error is an instance of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    SyntaxError,
    IndentationError,
    TabError,
    /// `_IncompleteInputError`: more input could make it valid (only with [`crate::ParseOptions::allow_incomplete`]).
    IncompleteInput,
    /// `MemoryError`: the source is nested too deeply for the parser.
    MemoryError,
    /// `RecursionError`: the source is nested too deeply for the scopes.
    RecursionError,
}

impl ErrorClass {
    /// The name of the Python class.
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::SyntaxError => "SyntaxError",
            ErrorClass::IndentationError => "IndentationError",
            ErrorClass::TabError => "TabError",
            ErrorClass::IncompleteInput => "_IncompleteInputError",
            ErrorClass::MemoryError => "MemoryError",
            ErrorClass::RecursionError => "RecursionError",
        }
    }
}

/// Where an error is, in the terms of `SyntaxError`'s attributes: lines from 1, offsets in characters from 1.
/// Like CPython it may leave the end unknown (0 or -1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location {
    pub lineno: i32,
    pub offset: i32,
    pub end_lineno: i32,
    pub end_offset: i32,
}

/// A refused source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub class: ErrorClass,
    pub msg: String,
    /// The file name; `None` shows as Python's None.
    pub filename: Option<String>,
    pub location: Option<Location>,
    /// The line of source; `None` where CPython too would read it from the file (scope and compiler errors).
    pub text: Option<String>,
    /// `args` holds the message alone; the place is in the attributes only, as CPython leaves it for errors of the scopes.
    pub bare_args: bool,
}

impl SyntaxError {
    /// An error without a place.
    pub fn new(class: ErrorClass, msg: impl Into<String>) -> SyntaxError {
        SyntaxError { class, msg: msg.into(), filename: None, location: None, text: None, bare_args: false }
    }

    /// An error of the scope analysis at a node: the columns are byte offsets plus 1, as in CPython.
    pub fn at_node(msg: impl Into<String>, filename: &str, span: Span) -> SyntaxError {
        let location = Location {
            lineno: span.lineno as i32,
            offset: span.col_offset as i32 + 1,
            end_lineno: span.end_lineno as i32,
            end_offset: span.end_col_offset as i32 + 1,
        };
        SyntaxError {
            class: ErrorClass::SyntaxError,
            msg: msg.into(),
            filename: Some(filename.to_owned()),
            location: Some(location),
            text: None,
            bare_args: true,
        }
    }

    /// An error of the compiler at a node.
    pub fn of_compiler(msg: impl Into<String>, filename: &str, span: Span) -> SyntaxError {
        SyntaxError { bare_args: false, ..SyntaxError::at_node(msg, filename, span) }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class.name(), self.msg)?;
        if let Some(at) = self.location {
            write!(f, " ({}, line {})", self.filename.as_deref().unwrap_or("<unknown>"), at.lineno)?;
        }
        Ok(())
    }
}

impl std::error::Error for SyntaxError {}

/// What a warning about a source is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WarningCategory {
    SyntaxWarning,
    DeprecationWarning,
}

/// A warning about a source. If the warning filters make it an error, the runtime raises `SyntaxError(msg)` at `span`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxWarning {
    pub category: WarningCategory,
    pub msg: String,
    /// The line that is reported.
    pub lineno: u32,
    /// The place of the error that the warning may become.
    pub span: Span,
}

impl SyntaxWarning {
    /// A `SyntaxWarning` at a node.
    pub fn new(msg: impl Into<String>, span: Span) -> SyntaxWarning {
        SyntaxWarning { category: WarningCategory::SyntaxWarning, msg: msg.into(), lineno: span.lineno, span }
    }
}
