//! The tokens that Python's `tokenize` module shows (`_tokenize.TokenizerIter`, `Python/Python-tokenize.c`).

use crate::error::{ErrorClass, Location, SyntaxError};
use crate::tokenizer::{Done, Kind, Options, Token, Tokenizer};

/// A token as Python sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its number in Python's `token` module.
    pub number: u8,
    pub string: String,
    /// Line (from 1) and column (characters, from 0; -1 where CPython leaves it open).
    pub start: (i32, i32),
    pub end: (i32, i32),
    /// The line of source; for a string over several lines, all of them.
    pub line: String,
}

/// The tokens of a source, one by one; after an error there are none.
pub struct TokenStream<'s> {
    tokenizer: Tokenizer<'s>,
    source: &'s TokenSource,
    /// Of the token before.
    last_lineno: i32,
    last_line: String,
    finished: bool,
}

/// The tokens of `source`, which must have normalised newlines and end in one: see [`TokenSource`].
impl<'s> TokenStream<'s> {
    fn new(source: &'s TokenSource, filename: &'s str, extra_tokens: bool) -> TokenStream<'s> {
        let options = Options { extra_tokens, type_comments: false, split_unequal: true };
        TokenStream {
            tokenizer: Tokenizer::new(&source.text, filename, options),
            source,
            last_lineno: 0,
            last_line: String::new(),
            finished: source.text.is_empty() && !extra_tokens,
        }
    }
}

/// A source made ready for tokenizing.
pub struct TokenSource {
    /// With normalised newlines, and one at the end.
    text: String,
    /// As it was, but for the newline at the end.
    raw: String,
    /// The newlines of `text` that have a carriage return before them in `raw`.
    returns: Vec<usize>,
    /// The source had no newline at its end.
    implicit_newline: bool,
}

impl TokenSource {
    /// Normalises the newlines and adds one at the end if it is missing.
    pub fn new(source: &str) -> TokenSource {
        let mut text = crate::source::normalise_newlines(source).into_owned();
        let implicit_newline = !text.is_empty() && !text.ends_with('\n');
        if implicit_newline {
            text.push('\n');
        }
        let mut raw = source.to_owned();
        if !raw.is_empty() && !raw.ends_with(['\n', '\r']) {
            raw.push('\n');
        }
        let mut returns = Vec::new();
        if raw.contains('\r') {
            let pairs = memchr::memmem::find_iter(raw.as_bytes(), b"\r\n");
            returns.extend(pairs.enumerate().map(|(i, at)| at - i));
        }
        TokenSource { text, raw, returns, implicit_newline }
    }

    /// The place in the source as it was of a place in the text.
    fn raw_place(&self, place: usize) -> usize {
        place + self.returns.partition_point(|&newline| newline < place)
    }

    /// A part of the text, as it was.
    fn part(&self, start: usize, end: usize) -> &str {
        &self.raw[self.raw_place(start)..self.raw_place(end)]
    }

    /// The column of a place, in characters of the source as it was.
    fn column(&self, place: usize) -> i32 {
        let line_start = self.text[..place].rfind('\n').map_or(0, |at| at + 1);
        self.part(line_start, place).chars().count() as i32
    }

    /// The tokens. With `extra_tokens` as `tokenize` wants them: comments and blank lines are tokens, all operators
    /// have one number.
    pub fn tokens<'s>(&'s self, filename: &'s str, extra_tokens: bool) -> TokenStream<'s> {
        TokenStream::new(self, filename, extra_tokens)
    }
}

/// The end of an error's place is unknown here: Python shows None for an end line of 0.
impl Iterator for TokenStream<'_> {
    type Item = Result<TokenInfo, Box<SyntaxError>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let token = self.tokenizer.next();
        match token.kind {
            Kind::Error => {
                self.finished = true;
                Some(Err(Box::new(self.error())))
            }
            kind => {
                self.finished = kind == Kind::EndMarker;
                let info = self.info(&token);
                self.last_lineno = token.lineno;
                self.last_line.clone_from(&info.line);
                Some(Ok(info))
            }
        }
    }
}

impl TokenStream<'_> {
    fn info(&self, token: &Token) -> TokenInfo {
        let extra = self.tokenizer.options.extra_tokens;
        let at_end = token.kind == Kind::EndMarker || token.kind == Kind::Dedent && self.tokenizer.done == Done::Eof;
        if extra && at_end {
            let place = (token.end_lineno + 1, 0);
            let number = number(token.kind, "", true);
            return TokenInfo { number, string: String::new(), start: place, end: place, line: String::new() };
        }
        let open = token.col_offset < 0;
        let text = if open { "" } else { self.source.part(token.start, token.end) };
        let is_newline = matches!(token.kind, Kind::Newline | Kind::Nl);
        let on_last_line = self.tokenizer.inp == self.source.text.len();
        let implicit = self.source.implicit_newline && on_last_line;
        let string = match is_newline {
            true if implicit && extra => "",
            // Outside of `tokenize`, a newline begins at the comment before it and has no text of its own.
            true if !extra => text.trim_end_matches('\n'),
            _ => text,
        };
        let (start, end) = match open {
            true => (-1, -1),
            false if is_newline => {
                let start = self.source.column(token.start);
                let width = if implicit && extra { 1 } else { string.chars().count() as i32 };
                (start, start + width)
            }
            false => (self.source.column(token.start), self.source.column(token.end)),
        };
        TokenInfo {
            number: number(token.kind, text, extra),
            string: string.to_owned(),
            start: (token.lineno, start),
            end: (token.end_lineno, end),
            line: self.line(token, implicit),
        }
    }

    fn line(&self, token: &Token, implicit: bool) -> String {
        let start = match token.kind.is_string_part() {
            true => self.source.text[..token.start].rfind('\n').map_or(0, |at| at + 1),
            false => self.tokenizer.line_start,
        };
        let end = self.tokenizer.inp - usize::from(implicit);
        if token.kind == Kind::EndMarker || token.kind == Kind::Dedent && self.tokenizer.done == Done::Eof {
            // At the end there is no line but that of the token before.
            return if token.lineno == self.last_lineno { self.last_line.clone() } else { String::new() };
        }
        self.source.part(start.min(end), end).to_owned()
    }

    fn error(&mut self) -> SyntaxError {
        if let Some(error) = self.tokenizer.error.take() {
            return error;
        }
        let lineno = self.tokenizer.lineno;
        let (class, msg) = match self.tokenizer.done {
            Done::Eof => (ErrorClass::SyntaxError, "unexpected EOF in multi-line statement"),
            Done::Dedent => (ErrorClass::IndentationError, "unindent does not match any outer indentation level"),
            Done::TabSpace => (ErrorClass::TabError, "inconsistent use of tabs and spaces in indentation"),
            Done::TooDeep => (ErrorClass::IndentationError, "too many levels of indentation"),
            Done::LineContinuation => {
                (ErrorClass::SyntaxError, "unexpected character after line continuation character")
            }
            _ => (ErrorClass::SyntaxError, "unknown tokenization error"),
        };
        let mut error = SyntaxError::new(class, msg);
        let at_end = self.tokenizer.done == Done::Eof;
        let text = self.source.part(self.tokenizer.buf, self.tokenizer.inp);
        let in_brackets = at_end && !self.tokenizer.brackets.is_empty();
        let offset = if in_brackets { 0 } else { text.chars().count() as i32 };
        error.location = Some(Location { lineno, offset, end_lineno: 0, end_offset: 0 });
        if !at_end {
            error.text = Some(text.trim_end_matches('\n').to_owned());
        }
        error
    }
}

/// The operators, in the order of their numbers in Python's `token` module.
const OPERATORS: [&str; 48] = [
    "(", ")", "[", "]", ":", ",", ";", "+", "-", "*", "/", "|", "&", "<", ">", "=", ".", "%", "{", "}", "==", "!=",
    "<=", ">=", "~", "^", "<<", ">>", "**", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//",
    "//=", "@", "@=", "->", "...", ":=", "!",
];
const FIRST_OPERATOR: u8 = 7;
const OP: u8 = 55;

fn number(kind: Kind, text: &str, extra_tokens: bool) -> u8 {
    match kind {
        Kind::EndMarker => 0,
        Kind::Name | Kind::Keyword => 1,
        Kind::Number => 2,
        Kind::String => 3,
        Kind::Newline => 4,
        Kind::Indent => 5,
        Kind::Dedent => 6,
        Kind::Op if extra_tokens => OP,
        Kind::Op => {
            let index = OPERATORS.iter().position(|&operator| operator == text);
            index.map_or(OP, |index| FIRST_OPERATOR + index as u8)
        }
        Kind::TypeIgnore => 56,
        Kind::TypeComment => 57,
        Kind::FStringStart => 59,
        Kind::FStringMiddle => 60,
        Kind::FStringEnd => 61,
        Kind::TStringStart => 62,
        Kind::TStringMiddle => 63,
        Kind::TStringEnd => 64,
        Kind::Comment => 65,
        Kind::Nl => 66,
        Kind::Error => 67,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str, extra: bool) -> Vec<(u8, String)> {
        let source = TokenSource::new(source);
        source.tokens("f", extra).map(|token| token.unwrap()).map(|token| (token.number, token.string)).collect()
    }

    #[test]
    fn comments_and_blank_lines_are_tokens_if_asked_for() {
        let texts: Vec<String> = shown("x = 1 # c\n\ny", true).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["x", "=", "1", "# c", "\n", "\n", "y", "", ""]);
        let numbers: Vec<u8> = shown("x = 1 # c\n\ny", false).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [1, 22, 2, 4, 1, 4, 0]);
    }

    #[test]
    fn errors_end_the_stream() {
        let source = TokenSource::new("x = (1,");
        let mut tokens = source.tokens("f", true);
        assert!(tokens.by_ref().take(5).all(|token| token.is_ok()));
        let error = tokens.find_map(Result::err).unwrap();
        assert_eq!(error.msg, "unexpected EOF in multi-line statement");
        assert!(tokens.next().is_none());
    }
}
