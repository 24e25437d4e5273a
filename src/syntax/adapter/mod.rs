//! The one place that knows the parser crate: its tree becomes ours, with CPython's shapes and positions.
//!
//! The differences it removes: `elif` chains nest, decorators lie outside a definition's range, starred parameters are
//! located at their names, a lone generator argument includes the call's parentheses, a compound statement reaches to
//! a final `;`, string literals are decoded again (surrogates, warnings), implicit concatenation is folded.
//! Conversion cannot fail; where it meets what CPython refuses it says so in [`Adapted::valid`], and the caller asks the
//! diagnosis for CPython's words.

mod expr;
mod pattern;
mod stmt;
mod strings;

use ruff_python_ast as r;
use ruff_python_parser::{
    Mode as RuffMode, ParseOptions as RuffOptions, parse_parenthesized_expression_range, parse_unchecked,
};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashSet;

use crate::ast::{Mod, Name, Node, NodeIds, Span};
use crate::error::SyntaxWarning;
use crate::source::LineIndex;
use crate::tokenizer::{Kind, Options, Tokenizer};

/// What to parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Module,
    Expression,
    /// The signature of a function in a comment. It must be known to be valid.
    Signature,
}

/// A converted tree.
pub(crate) struct Adapted {
    pub module: Mod,
    pub warnings: Vec<SyntaxWarning>,
    /// Whether CPython too accepts the source. If not, the tree is not to be used.
    pub valid: bool,
    /// Expressions nest deeper than [`crate::stack::MAX_DEPTH`]. The tree is not to be used either.
    pub too_deep: bool,
}

/// Parses a source with normalised newlines; `None` if it is not valid. The parser itself sees the disguise.
pub(crate) fn parse(source: &str, lines: &LineIndex, goal: Goal, disguise: &Disguise) -> Option<Adapted> {
    let mode = match goal {
        Goal::Module => RuffMode::Module,
        Goal::Expression => RuffMode::Expression,
        Goal::Signature => return signature(source, lines),
    };
    let options = RuffOptions::from(mode).with_target_version(r::PythonVersion::PY314);
    let parsed = parse_unchecked(disguise.text.as_deref().unwrap_or(source), options);
    if !parsed.errors().is_empty() || !parsed.unsupported_syntax_errors().is_empty() {
        return None;
    }
    if !within_limits(parsed.tokens()) {
        return None;
    }
    let mut adapter = Adapter::new(source, lines, &disguise.places);
    let module = match parsed.syntax() {
        r::Mod::Module(module) => Mod::Module { body: adapter.suite(&module.body), type_ignores: Vec::new() },
        r::Mod::Expression(module) => Mod::Expression { body: adapter.boxed(&module.body) },
    };
    adapter.warn_numbers(parsed.tokens());
    Some(adapter.finish(module))
}

/// Parses `(int, *str) -> bool`, piece by piece.
fn signature(source: &str, lines: &LineIndex) -> Option<Adapted> {
    let nothing = FxHashSet::default();
    let mut adapter = Adapter::new(source, lines, &nothing);
    let (arguments, returns) = signature_pieces(source);
    let mut piece = |range: TextRange| {
        let parsed = parse_parenthesized_expression_range(source, range).ok()?;
        Some(adapter.expr(&parsed.syntax().body))
    };
    let argtypes = arguments.into_iter().map(&mut piece).collect::<Option<Vec<_>>>()?;
    let returns = Box::new(piece(returns)?);
    Some(adapter.finish(Mod::FunctionType { argtypes, returns }))
}

/// Where the types of the parameters and of the result stand.
fn signature_pieces(source: &str) -> (Vec<TextRange>, TextRange) {
    let mut tokenizer = Tokenizer::new(source, "", Options::default());
    let range = |start: usize, end: usize| TextRange::new((start as u32).into(), (end as u32).into());
    let mut arguments = Vec::new();
    let mut start = None;
    let mut end = 0;
    loop {
        let token = tokenizer.next();
        let text = &source[token.start..token.end];
        match (token.kind, token.level, text) {
            (Kind::EndMarker | Kind::Newline | Kind::Error, ..) => break,
            (Kind::Op, 1, "(") if start.is_none() && end == 0 => {}
            (Kind::Op, 1, ",") | (Kind::Op, 0, ")") => arguments.extend(start.take().map(|start| range(start, end))),
            (Kind::Op, 1, "*" | "**") if start.is_none() => {}
            (Kind::Op, 0, "->") => start = None,
            _ => {
                start.get_or_insert(token.start);
            }
        }
        end = token.end;
    }
    (arguments, range(start.unwrap_or(end), end))
}

/// A source of the same length that the parser crate understands, where it does not understand the real one.
#[derive(Debug, Default)]
pub(crate) struct Disguise {
    /// The other text, if it is needed.
    pub text: Option<String>,
    /// Offsets of the words that differ.
    pub places: FxHashSet<u32>,
}

/// Disguises what the parser crate refuses although it is valid: `raise` before a semicolon, a soft keyword used as a
/// name behind a semicolon, and `<>` (PEP 401).
pub(crate) fn disguise(source: &str) -> Disguise {
    let mut tokenizer = Tokenizer::new(source, "", Options::default());
    let mut tokens = Vec::new();
    loop {
        let token = tokenizer.next();
        if matches!(token.kind, Kind::EndMarker | Kind::Error) {
            break;
        }
        tokens.push(token);
    }
    let mut text = source.to_owned();
    let mut places = FxHashSet::default();
    let word = |index: usize| tokens.get(index).map_or("", |token| &source[token.start..token.end]);
    for (index, token) in tokens.iter().enumerate() {
        let ends = tokens.get(index + 1).is_none_or(|next| next.kind == Kind::Newline) || word(index + 1) == ";";
        let substitute = match word(index) {
            "raise" if ends => "pass ",
            "<>" => "!=",
            "match" | "case" if index > 0 && word(index - 1) == ";" => &"_____"[..token.end - token.start],
            "type" if ends && index > 0 && word(index - 1) == ";" => "____",
            _ => continue,
        };
        text.replace_range(token.start..token.end, substitute);
        places.insert(token.start as u32);
    }
    Disguise { text: Some(text), places }
}

/// Whether brackets, indentation and f-strings nest no deeper than CPython's tokenizer allows.
fn within_limits(tokens: &r::token::Tokens) -> bool {
    use r::token::TokenKind::*;
    const MAX_BRACKETS: i32 = 200;
    const MAX_INDENTS: i32 = 100;
    const MAX_STRINGS: i32 = 150;
    let (mut brackets, mut indents, mut strings) = (0, 0, 0);
    tokens.iter().all(|token| {
        match token.kind() {
            Lpar | Lsqb | Lbrace => brackets += 1,
            Rpar | Rsqb | Rbrace => brackets -= 1,
            Indent => indents += 1,
            Dedent => indents -= 1,
            FStringStart | TStringStart => strings += 1,
            FStringEnd | TStringEnd => strings -= 1,
            _ => {}
        }
        brackets <= MAX_BRACKETS && indents < MAX_INDENTS && strings < MAX_STRINGS
    })
}

struct Adapter<'s> {
    source: &'s str,
    lines: &'s LineIndex,
    /// Offsets of words that the parser saw disguised.
    disguised: &'s FxHashSet<u32>,
    ids: NodeIds,
    /// Identifiers seen so far: equal names share their text.
    names: FxHashSet<Name>,
    warnings: Vec<SyntaxWarning>,
    valid: bool,
    too_deep: bool,
    /// How deep the expression at hand is nested.
    depth: usize,
    /// How many replacement fields are open in format specifications.
    field_depth: i32,
}

impl<'s> Adapter<'s> {
    fn new(source: &'s str, lines: &'s LineIndex, disguised: &'s FxHashSet<u32>) -> Adapter<'s> {
        Adapter {
            source,
            lines,
            disguised,
            ids: NodeIds::default(),
            names: FxHashSet::default(),
            warnings: Vec::new(),
            valid: true,
            too_deep: false,
            depth: 0,
            field_depth: 0,
        }
    }

    fn finish(self, module: Mod) -> Adapted {
        let Adapter { warnings, valid, too_deep, .. } = self;
        Adapted { module, warnings, valid, too_deep }
    }
}

impl Adapter<'_> {
    fn span(&self, range: TextRange) -> Span {
        self.lines.span(range.start().to_u32(), range.end().to_u32())
    }

    fn node<K>(&mut self, kind: K, range: TextRange) -> Node<K> {
        Node::new(kind, self.span(range), self.ids.fresh())
    }

    fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let name = Name::from(text);
        self.names.insert(name.clone());
        name
    }

    fn identifier(&mut self, identifier: &r::Identifier) -> Name {
        self.name(identifier.as_str())
    }

    fn opt_identifier(&mut self, identifier: Option<&r::Identifier>) -> Option<Name> {
        identifier.map(|identifier| self.identifier(identifier))
    }

    /// The bytes of the source in a range.
    fn slice(&self, range: TextRange) -> &str {
        &self.source[range.start().to_usize()..range.end().to_usize()]
    }

    /// Warns of numbers that a keyword follows without a blank, as in `1if x else y`.
    fn warn_numbers(&mut self, tokens: &r::token::Tokens) {
        use r::token::TokenKind::{Complex, Float, Int};
        for pair in tokens.windows(2) {
            let [number, next] = pair else { continue };
            if !matches!(number.kind(), Int | Float | Complex) || !next.kind().is_keyword() {
                continue;
            }
            if number.end() == next.start() {
                let name = number_name(self.slice(number.range()));
                let span = self.span(number.range());
                self.warnings.push(SyntaxWarning::new(format!("invalid {name} literal"), span));
            }
        }
    }

    /// Offset of the next token at or after `offset`: blanks, newlines, comments and continued lines are skipped.
    fn next_token(&self, offset: u32) -> u32 {
        let bytes = self.source.as_bytes();
        let mut at = offset as usize;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\n' | 0x0c | b'\\' => at += 1,
                b'#' => at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at),
                _ => break,
            }
        }
        at as u32
    }
}

/// The range from the start of one node to the end of another.
fn cover(first: &impl Ranged, last: &impl Ranged) -> TextRange {
    TextRange::new(first.start(), last.end())
}

/// What the tokenizer's messages call a number.
fn number_name(text: &str) -> &'static str {
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => "hexadecimal",
        [b'0', b'o' | b'O', ..] => "octal",
        [b'0', b'b' | b'B', ..] => "binary",
        [.., b'j' | b'J'] => "imaginary",
        _ => "decimal",
    }
}
