//! Text to tree: the front door.

use crate::adapter::{self, Adapted, Goal};
use crate::ast::Mod;
use crate::error::{ErrorClass, SyntaxError, SyntaxWarning};
use crate::source::{LineIndex, normalise_newlines};

/// What a source is to be, as in `compile()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// `exec`: a module.
    #[default]
    Exec,
    /// `eval`: one expression.
    Eval,
    /// `single`: one interactive statement.
    Single,
    /// `func_type`: a signature comment, `(int, str) -> bool`.
    FuncType,
}

/// How to parse.
#[derive(Clone, Debug, Default)]
pub struct ParseOptions {
    pub mode: Mode,
    /// Shown in errors.
    pub filename: String,
    /// Errors that more input could mend become [`ErrorClass::IncompleteInput`] (`PyCF_ALLOW_INCOMPLETE_INPUT`).
    pub allow_incomplete: bool,
    /// A block at the end of the input needs its own end (`PyCF_DONT_IMPLY_DEDENT`).
    pub dont_imply_dedent: bool,
    /// Keep type comments (`PyCF_TYPE_COMMENTS`).
    pub type_comments: bool,
}

/// A parsed source.
#[derive(Debug)]
pub struct Parsed {
    pub module: Mod,
    /// Warnings of the tokenizer and about literals, in source order; not yet those of the compiler.
    pub warnings: Vec<SyntaxWarning>,
}

/// Parses a source. A leading BOM must be gone already; newlines of any kind are fine.
///
/// Errors: as CPython 3.14 words them.
pub fn parse(source: &str, options: &ParseOptions) -> Result<Parsed, Box<SyntaxError>> {
    let text = normalise_newlines(source);
    let lines = LineIndex::new(&text);
    let goal = match options.mode {
        Mode::Exec | Mode::Single => Goal::Module,
        Mode::Eval => Goal::Expression,
        Mode::FuncType => {
            return Err(Box::new(SyntaxError::new(ErrorClass::SyntaxError, "func_type is not supported")));
        }
    };
    match adapter::parse(&text, &lines, goal) {
        Some(Adapted { module, warnings, bad_literal: false, .. }) => {
            let module = match (options.mode, module) {
                (Mode::Single, Mod::Module { body, .. }) => Mod::Interactive { body },
                (_, module) => module,
            };
            Ok(Parsed { module, warnings })
        }
        _ => Err(Box::new(SyntaxError::new(ErrorClass::SyntaxError, "invalid syntax"))),
    }
}
