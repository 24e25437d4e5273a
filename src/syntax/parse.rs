//! Text to tree: the front door.

use crate::adapter::{self, Disguise, Goal};
use crate::ast::Mod;
use crate::diagnose::{self, Verdict};
use crate::error::{ErrorClass, SyntaxError, SyntaxWarning};
use crate::feature_version;
use crate::source::{LineIndex, normalise_newlines};
use crate::stack::roomy;
use crate::type_comments;
use std::borrow::Cow;

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
    /// Refuse what Python 3.n did not have (`_feature_version` of `compile`).
    pub feature_version: Option<u32>,
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
            feature_version: None,
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
    let parsed = parse_text(&mut text, options)?;
    if let Some(minor) = options.feature_version {
        feature_version::check(&parsed.module, &text, &LineIndex::new(&text), minor, &options.filename)?;
    }
    Ok(parsed)
}

fn parse_text(text: &mut Cow<'_, str>, options: &ParseOptions) -> Result<Parsed, Box<SyntaxError>> {
    if options.mode == Mode::Exec && !text.is_empty() && !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    let careful = matches!(options.mode, Mode::Single | Mode::FuncType)
        || options.barry_as_flufl
        || options.type_comments
        || has_long_number(text, options.max_int_digits)
        || memchr::memmem::find(text.as_bytes(), b"barry_as_FLUFL").is_some();
    if careful && let Verdict::Refused(error) = diagnose::diagnose(text, options) {
        return Err(Box::new(error));
    }
    if let Some(parsed) = parse_valid(text, options, &Disguise::default())? {
        return Ok(parsed);
    }
    if let Verdict::Refused(error) = diagnose::diagnose(text, options) {
        return Err(Box::new(error));
    }
    let parsed = parse_valid(text, options, &adapter::disguise(text))?;
    parsed.ok_or_else(|| {
        let msg = "this syntax is valid, but not supported";
        Box::new(SyntaxError::new(ErrorClass::SyntaxError, msg))
    })
}

/// Whether more digits than the limit may stand together.
fn has_long_number(text: &str, limit: usize) -> bool {
    let long =
        |line: &[u8]| line.len() > limit && line.split(|b| !matches!(b, b'0'..=b'9' | b'_')).any(|r| r.len() > limit);
    limit > 0 && text.len() > limit && text.as_bytes().split(|&b| b == b'\n').any(long)
}

/// The tree of a source, if there is nothing wrong with it.
fn parse_valid(text: &str, options: &ParseOptions, disguise: &Disguise) -> Result<Option<Parsed>, Box<SyntaxError>> {
    if text.starts_with('\u{feff}') {
        return Ok(None);
    }
    let goal = match options.mode {
        Mode::Exec | Mode::Single => Goal::Module,
        // Blanks at the very end are an indentation.
        Mode::Eval if text.rsplit_once('\n').is_some_and(|(_, last)| last.ends_with([' ', '\t'])) => return Ok(None),
        Mode::Eval => Goal::Expression,
        Mode::FuncType => Goal::Signature,
    };
    let lines = LineIndex::new(text);
    let Some(adapted) = roomy(|| adapter::parse(text, &lines, goal, disguise)) else { return Ok(None) };
    if adapted.too_deep {
        let msg = "Stack overflow during compilation";
        return Err(Box::new(SyntaxError::new(ErrorClass::RecursionError, msg)));
    }
    if !adapted.valid {
        return Ok(None);
    }
    let mut module = match (options.mode, adapted.module) {
        (Mode::Single, Mod::Module { body, .. }) => Mod::Interactive { body },
        (_, module) => module,
    };
    if options.type_comments {
        type_comments::attach(&mut module, text, &lines);
    }
    Ok(Some(Parsed { module, warnings: adapted.warnings }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As on a main thread.
    fn outcome(source: &str) -> Result<(), ErrorClass> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .stack_size(8 << 20)
                .spawn_scoped(scope, || parse(source, &ParseOptions::default()).map(drop).map_err(|error| error.class));
            thread.unwrap().join().unwrap()
        })
    }

    #[test]
    fn deep_nesting_is_fine_or_refused() {
        assert_eq!(outcome(&format!("{}x", "-".repeat(5000))), Ok(()));
        assert_eq!(outcome(&format!("a{}", ".b".repeat(5900))), Ok(()));
        assert_eq!(outcome(&format!("{}1", "1+".repeat(5900))), Ok(()));
        assert_eq!(outcome(&format!("{}1", "1+".repeat(50_000))), Err(ErrorClass::RecursionError));
        assert_eq!(outcome(&format!("{}{}", "(".repeat(200), ")".repeat(200))), Ok(()));
        assert_eq!(outcome(&format!("{}{}", "(".repeat(201), ")".repeat(201))), Err(ErrorClass::SyntaxError));
        assert_eq!(outcome(&format!("{}) ", "(".repeat(190))), Err(ErrorClass::SyntaxError));
    }
}
