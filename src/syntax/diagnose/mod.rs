//! Why a source is refused, in CPython's words.
//!
//! The fast parser only says yes or no. When it says no, this one reads the source again the way CPython does: over
//! CPython's tokens, trying alternatives in the order of the Python grammar
//! (<https://docs.python.org/3/reference/grammar.html>), first to find the furthest token that any of them reached, and
//! a second time with extra alternatives that recognise common mistakes. It builds no tree: a [`Node`] knows only its
//! place and what to call it. Speed does not matter here, order does.

mod assign;
mod atoms;
mod calls;
mod collections;
mod compound;
mod engine;
mod expr;
mod mistakes;
mod params;
mod patterns;
mod raise;
mod stmt;
mod strings;
mod targets;

use rustc_hash::FxHashMap;

use crate::error::{ErrorClass, SyntaxError};
use crate::parse::{Mode, ParseOptions};
use crate::stack::roomy;
use crate::tokenizer::{Done, Kind, Options, Token, Tokenizer};

/// An error was raised, or the tokens ran out: parsing is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop;

/// What a rule finds: something, nothing, or the end of everything.
type Parse<T = Node> = Result<Option<T>, Stop>;

/// A piece of source that some rule has recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node(u32);

/// Index of a token.
type Tok = usize;

/// A place as tokens have it.
#[derive(Clone, Copy, Debug)]
struct Place {
    lineno: i32,
    col_offset: i32,
    end_lineno: i32,
    end_col_offset: i32,
}

/// What kind of thing a node is: what error messages call it, and what a target needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Name(Tok),
    Attribute,
    Subscript,
    Starred,
    List,
    Tuple,
    /// `a in b …`, which may be a misread `for a in b`.
    CompareIn,
    /// The arguments of a call; true if a `**` is among them.
    Arguments(bool),
    Other(&'static str),
}

#[derive(Debug)]
struct NodeData {
    what: What,
    place: Place,
    items: Vec<Node>,
}

/// Rules whose results are remembered. Exactly those that CPython remembers: as the rules against mistakes are switched
/// off and on during the second pass, remembering more or less would change which errors are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rule {
    SimpleStmt,
    Block,
    ClosedPattern,
    StarPattern,
    TypeParam,
    Expression,
    StarExpression,
    InvalidNamedExpression,
    Disjunction,
    Conjunction,
    Inversion,
    Binary(u8),
    Factor,
    AwaitPrimary,
    Primary,
    TargetPrimary,
    Strings,
    Template,
    Arguments,
    StarTarget,
    TargetWithStarAtom,
    DelTarget,
}

struct Parser<'s> {
    tokenizer: Tokenizer<'s>,
    options: &'s ParseOptions,
    tokens: Vec<Token>,
    mark: Tok,
    nodes: Vec<NodeData>,
    memo: FxHashMap<(Rule, Tok), (Option<Node>, Tok)>,
    /// The rules against mistakes are on.
    watchful: bool,
    /// The tokens fetched so far include the first of an interactive statement.
    parsing_started: bool,
    /// `from __future__ import barry_as_FLUFL` was seen.
    barry: bool,
    depth: usize,
    error: Option<SyntaxError>,
}

/// How deep rules may call each other.
const MAX_DEPTH: usize = 6000;

/// What the diagnosis makes of a source.
pub(crate) enum Verdict {
    /// It is valid after all.
    Valid,
    Refused(SyntaxError),
}

/// Reads a source with normalised newlines. For `exec`, it must end in a newline.
pub(crate) fn diagnose(source: &str, options: &ParseOptions) -> Verdict {
    // Deep recursion through many small rules.
    roomy(|| {
        let mut parser = Parser::new(source, options);
        match parser.run() {
            Ok(()) => Verdict::Valid,
            Err(Stop) => {
                let unknown = || SyntaxError::new(ErrorClass::SyntaxError, "invalid syntax");
                let mut error = parser.error.take().unwrap_or_else(unknown);
                error.filename = Some(options.filename.clone());
                Verdict::Refused(error)
            }
        }
    })
}

impl<'s> Parser<'s> {
    fn new(source: &'s str, options: &'s ParseOptions) -> Parser<'s> {
        let tokenizer_options =
            Options { extra_tokens: false, type_comments: options.type_comments, split_unequal: false };
        Parser {
            tokenizer: Tokenizer::new(source, &options.filename, tokenizer_options),
            options,
            tokens: Vec::new(),
            mark: 0,
            nodes: Vec::new(),
            memo: FxHashMap::default(),
            watchful: false,
            parsing_started: false,
            barry: options.barry_as_flufl,
            depth: 0,
            error: None,
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        if let Ok(Some(())) = self.start() {
            if self.options.mode == Mode::Single && self.more_statements() {
                return self.raise::<()>("multiple statements found while compiling a single statement").map(drop);
            }
            return Ok(());
        }
        if self.options.allow_incomplete && self.at_end_of_source() {
            self.error = None;
            return self.raise_class::<()>(ErrorClass::IncompleteInput, "incomplete input").map(drop);
        }
        if self.error.is_some() {
            if matches!(self.tokenizer.done, Done::Ok) {
                self.check_remaining_tokens();
            }
            return Err(Stop);
        }
        let last = self.tokens.len().checked_sub(1);
        self.memo.clear();
        self.mark = 0;
        self.depth = 0;
        self.watchful = true;
        let _ = self.start();
        self.conclude(last)
    }

    /// Chooses the error after the second pass; `last` is the last token of the first.
    fn conclude(&mut self, last: Option<Tok>) -> Result<(), Stop> {
        if self.error.is_some() {
            if matches!(self.tokenizer.done, Done::Ok) {
                self.check_remaining_tokens();
            }
            return Err(Stop);
        }
        let Some(last) = last else {
            return self.raise::<()>("error at start before reading any input").map(drop);
        };
        let token = self.tokens[last];
        match token.kind {
            Kind::Error if self.tokenizer.done == Done::Eof => self.raise_unexpected_end::<()>().map(drop),
            Kind::Indent => self.raise_class::<()>(ErrorClass::IndentationError, "unexpected indent").map(drop),
            Kind::Dedent => self.raise_class::<()>(ErrorClass::IndentationError, "unexpected unindent").map(drop),
            _ => {
                let _: Parse<()> = self.raise_at(self.token_place(last), "invalid syntax");
                self.check_remaining_tokens();
                Err(Stop)
            }
        }
    }

    fn at_end_of_source(&self) -> bool {
        matches!(self.tokenizer.done, Done::Eof | Done::EofInString | Done::EolInString)
    }

    /// Reads on to the end: an error of the tokenizer further down explains more than one of the parser.
    fn check_remaining_tokens(&mut self) {
        let error_line = self.tokens.last().map_or(0, |token| token.lineno);
        let found = loop {
            match self.tokenizer.next().kind {
                Kind::EndMarker => break None,
                Kind::Error => {
                    if self.tokenizer.error.is_some() {
                        break self.tokenizer.error.take();
                    }
                    if let Some(bracket) = self.tokenizer.brackets.last()
                        && error_line > bracket.lineno
                    {
                        let before = self.error.take();
                        let _: Parse<()> = self.raise_unclosed();
                        break std::mem::replace(&mut self.error, before);
                    }
                    break None;
                }
                _ => {}
            }
        };
        if found.is_some() && self.tokenizer.strings.is_empty() {
            self.error = found;
        }
    }

    /// Whether more than blanks and comments follow an interactive statement.
    fn more_statements(&self) -> bool {
        let mut rest = &self.tokenizer.source[self.tokenizer.cur..];
        loop {
            rest = rest.trim_start_matches([' ', '\t', '\n', '\x0c']);
            match rest.strip_prefix('#') {
                Some(comment) => rest = comment.find('\n').map_or("", |end| &comment[end..]),
                None => return !rest.is_empty(),
            }
        }
    }

    fn start(&mut self) -> Parse<()> {
        match self.options.mode {
            Mode::Exec => {
                self.statements()?;
                Ok(self.kind(Kind::EndMarker)?.map(drop))
            }
            Mode::Single => self.interactive(),
            Mode::Eval => {
                need!(self.expressions());
                self.blank_lines_to_end()
            }
            Mode::FuncType => {
                need!(self.expect("("));
                self.type_expressions()?;
                need!(self.expect(")"));
                need!(self.expect("->"));
                need!(self.expression());
                self.blank_lines_to_end()
            }
        }
    }

    fn blank_lines_to_end(&mut self) -> Parse<()> {
        while self.kind(Kind::Newline)?.is_some() {}
        Ok(self.kind(Kind::EndMarker)?.map(drop))
    }
}

/// The value of a rule, or nothing from the function around it.
macro_rules! need {
    ($rule:expr) => {
        match $rule? {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}

/// The first alternative that finds something.
macro_rules! first_of {
    ($parser:ident; $($alternative:expr),+ $(,)?) => {{
        $(if let Some(value) = $parser.attempt($alternative)? {
            return Ok(Some(value));
        })+
        Ok(None)
    }};
}

use {first_of, need};
