//! Text to tree: the front door.

use crate::adapter::{self, Goal};
use crate::ast::Mod;
use crate::diagnose::{self, Verdict};
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
#[derive(Clone, Debug)]
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
    /// `<>` instead of `!=` (`from __future__ import barry_as_FLUFL`, PEP 401).
    pub barry_as_flufl: bool,
    /// Longest decimal integer literal, in digits (`sys.set_int_max_str_digits`); 0 for no limit.
    pub max_int_digits: usize,
}

impl Default for ParseOptions {
    fn default() -> ParseOptions {
        ParseOptions {
            mode: Mode::Exec,
            filename: "<unknown>".to_owned(),
            allow_incomplete: false,
            dont_imply_dedent: false,
            type_comments: false,
            barry_as_flufl: false,
            max_int_digits: 4300,
        }
    }
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
    let mut text = normalise_newlines(source);
    if options.mode == Mode::Exec && !text.is_empty() && !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    let careful = options.mode == Mode::Single
        || options.barry_as_flufl
        || options.type_comments
        || memchr::memmem::find(text.as_bytes(), b"barry_as_FLUFL").is_some();
    if careful && let Verdict::Refused(error) = diagnose::diagnose(&text, options) {
        return Err(Box::new(error));
    }
    if let Some(parsed) = parse_valid(&text, options) {
        return Ok(parsed);
    }
    match diagnose::diagnose(&text, options) {
        Verdict::Refused(error) => Err(Box::new(error)),
        Verdict::Valid => {
            let msg = "this syntax is not supported";
            Err(Box::new(SyntaxError::new(ErrorClass::SyntaxError, msg)))
        }
    }
}

/// The tree of a source, if there is nothing wrong with it.
fn parse_valid(text: &str, options: &ParseOptions) -> Option<Parsed> {
    if text.starts_with('\u{feff}') {
        return None;
    }
    let goal = match options.mode {
        Mode::Exec | Mode::Single => Goal::Module,
        Mode::Eval => Goal::Expression,
        Mode::FuncType => return None,
    };
    let lines = LineIndex::new(text);
    let adapted = adapter::parse(text, &lines, goal)?;
    if !adapted.valid {
        return None;
    }
    let module = match (options.mode, adapted.module) {
        (Mode::Single, Mod::Module { body, .. }) => Mod::Interactive { body },
        (_, module) => module,
    };
    Some(Parsed { module, warnings: adapted.warnings })
}
