//! CPython's tokens, one by one, with CPython's errors.
//!
//! The parser behind [`crate::parse`] has a lexer of its own, which is faster; this one exists where the exact behaviour
//! of CPython's tokenizer can be seen: in the words and places of errors, and in Python's `tokenize` module
//! ([`crate::tokens`]). The rules are those of `Parser/lexer/lexer.c` and of
//! <https://docs.python.org/3/reference/lexical_analysis.html>.

mod interpolated;
mod number;
mod text;

pub(crate) use interpolated::MAX_FIELDS;

use crate::error::{ErrorClass, Location, SyntaxError};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    EndMarker,
    Name,
    /// One of the reserved words.
    Keyword,
    Number,
    String,
    Newline,
    Indent,
    Dedent,
    Op,
    FStringStart,
    FStringMiddle,
    FStringEnd,
    TStringStart,
    TStringMiddle,
    TStringEnd,
    TypeComment,
    TypeIgnore,
    /// Only when comments and blank lines are asked for.
    Comment,
    /// A newline that does not end a statement; only when asked for.
    Nl,
    /// The place where tokenizing failed.
    Error,
}

impl Kind {
    /// Whether the token is a literal or a part of one, which may reach over several lines.
    pub(crate) fn is_string_part(self) -> bool {
        use Kind::*;
        matches!(self, String | FStringStart | FStringMiddle | FStringEnd | TStringStart | TStringMiddle | TStringEnd)
    }
}

/// A token with its place: lines from 1, columns in UTF-8 bytes from 0, -1 where CPython leaves them open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    /// Byte offsets of the text.
    pub start: usize,
    pub end: usize,
    pub lineno: i32,
    pub col_offset: i32,
    pub end_lineno: i32,
    pub end_col_offset: i32,
    /// How many brackets are open behind it.
    pub level: usize,
}

/// How the tokenizer came to a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It has not.
    Ok,
    /// At the end of the input.
    Eof,
    /// With an error that it has worded itself.
    Error,
    /// At an unindent that fits no indentation.
    Dedent,
    /// At an indentation that depends on the width of tabs.
    TabSpace,
    /// Too many levels of indentation.
    TooDeep,
    /// At a character behind a line continuation.
    LineContinuation,
    /// At the end of the input inside a triple-quoted string.
    EofInString,
    /// At the end of the input inside a string.
    EolInString,
}

/// An opening bracket that waits for its partner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bracket {
    pub open: u8,
    pub lineno: i32,
    pub col_offset: i32,
}

/// What the tokenizer is asked to do differently.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Comments, blank lines and unmatched brackets become tokens, as `tokenize` wants them.
    pub extra_tokens: bool,
    /// Type comments become tokens.
    pub type_comments: bool,
    /// `<>` is two operators, as `tokenize` shows it, not the one of PEP 401.
    pub split_unequal: bool,
}

const MAX_INDENT: usize = 100;
const MAX_LEVEL: usize = 200;
const TAB_SIZE: usize = 8;

/// The state of the tokenizer.
pub(crate) struct Tokenizer<'s> {
    pub source: &'s str,
    bytes: &'s [u8],
    pub options: Options,
    filename: &'s str,
    /// The next byte.
    pub cur: usize,
    /// The end of the lines that were read.
    pub inp: usize,
    /// Start of the line that was read last.
    pub buf: usize,
    pub line_start: usize,
    pub lineno: i32,
    pub done: Done,
    /// Start of the current token.
    start: Option<usize>,
    /// Line and start of the line where a string began.
    first_lineno: i32,
    multi_line_start: usize,
    at_line_start: bool,
    /// Indentation levels, with tabs to eight and tabs to one column.
    indents: Vec<(usize, usize)>,
    pending_indents: i32,
    pub brackets: Vec<Bracket>,
    pub strings: Vec<interpolated::Interpolated>,
    comment_newline: bool,
    /// The error behind [`Done::Error`].
    pub error: Option<SyntaxError>,
}

/// A token before its place is known: kind, start and end.
type Raw = (Kind, Option<(usize, usize)>);

impl<'s> Tokenizer<'s> {
    /// A tokenizer for a source with normalised newlines.
    pub fn new(source: &'s str, filename: &'s str, options: Options) -> Tokenizer<'s> {
        Tokenizer {
            source,
            bytes: source.as_bytes(),
            options,
            filename,
            cur: 0,
            inp: 0,
            buf: 0,
            line_start: 0,
            lineno: 0,
            done: Done::Ok,
            start: None,
            first_lineno: 0,
            multi_line_start: 0,
            at_line_start: true,
            indents: vec![(0, 0)],
            pending_indents: 0,
            brackets: Vec::new(),
            strings: Vec::new(),
            comment_newline: false,
            error: None,
        }
    }

    /// The next token. After [`Kind::Error`], [`Tokenizer::done`] tells why.
    pub fn next(&mut self) -> Token {
        let (kind, text) = match self.strings.last() {
            Some(string) if string.in_text => self.next_in_string(),
            _ => self.next_in_code(),
        };
        self.place(kind, text)
    }

    /// The text of a token.
    pub fn text(&self, token: &Token) -> &'s str {
        &self.source[token.start..token.end]
    }

    fn place(&self, kind: Kind, text: Option<(usize, usize)>) -> Token {
        let string = kind.is_string_part();
        let mut token = Token {
            kind,
            start: self.cur,
            end: self.cur,
            lineno: if string { self.first_lineno } else { self.lineno },
            col_offset: -1,
            end_lineno: self.lineno,
            end_col_offset: -1,
            level: self.brackets.len(),
        };
        if let Some((start, end)) = text {
            let line_start = if string { self.multi_line_start } else { self.line_start };
            token.start = start;
            token.end = end;
            token.col_offset = start.checked_sub(line_start).map_or(-1, |col| col as i32);
            token.end_col_offset = end.checked_sub(self.line_start).map_or(-1, |col| col as i32);
        }
        token
    }

    /// The next byte, reading on line by line; `None` at the end.
    fn bump(&mut self) -> Option<u8> {
        if self.cur == self.inp && !self.read_line() {
            return None;
        }
        self.cur += 1;
        Some(self.bytes[self.cur - 1])
    }

    fn read_line(&mut self) -> bool {
        if self.done != Done::Ok {
            return false;
        }
        if self.inp == self.bytes.len() {
            self.done = Done::Eof;
            return false;
        }
        self.buf = self.cur;
        self.lineno += 1;
        self.inp = memchr::memchr(b'\n', &self.bytes[self.inp..]).map_or(self.bytes.len(), |at| self.inp + at + 1);
        self.line_start = self.cur;
        true
    }

    /// Takes back a byte that [`Tokenizer::bump`] returned.
    fn unread(&mut self, byte: Option<u8>) {
        if byte.is_some() {
            self.cur -= 1;
        }
    }

    /// Stops with an error at the current place.
    fn fail(&mut self, msg: impl Into<String>) -> Raw {
        self.fail_at(None, msg)
    }

    /// Stops with an error between two columns (bytes from 1) of the current line.
    fn fail_at(&mut self, columns: Option<(usize, usize)>, msg: impl Into<String>) -> Raw {
        let rest = &self.bytes[self.line_start..];
        let line_end = self.line_start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let here = String::from_utf8_lossy(&self.bytes[self.line_start..self.cur]).chars().count();
        let characters = |bytes: usize| {
            let end = (self.line_start + bytes).min(self.bytes.len());
            String::from_utf8_lossy(&self.bytes[self.line_start..end]).chars().count()
        };
        let (offset, end_offset) = columns.map_or((here, here), |(start, end)| (characters(start), characters(end)));
        self.done = Done::Error;
        self.error = Some(SyntaxError {
            bare_args: false,
            class: ErrorClass::SyntaxError,
            msg: msg.into(),
            filename: Some(self.filename.to_owned()),
            location: Some(Location {
                lineno: self.lineno,
                offset: offset as i32,
                end_lineno: self.lineno,
                end_offset: end_offset as i32,
            }),
            text: Some(self.source[self.line_start..line_end].to_owned()),
        });
        (Kind::Error, None)
    }

    fn stop(&mut self, done: Done) -> Raw {
        self.done = done;
        (Kind::Error, None)
    }

    fn token_from_start(&self, kind: Kind) -> Raw {
        (kind, Some((self.start.unwrap_or(self.cur), self.cur)))
    }

    /// A token outside the text of f-strings and t-strings.
    fn next_in_code(&mut self) -> Raw {
        let mut blank_line = false;
        loop {
            self.start = None;
            if self.at_line_start {
                self.at_line_start = false;
                match self.indentation() {
                    Ok(blank) => blank_line = blank,
                    Err(raw) => return raw,
                }
            }
            self.start = Some(self.cur);
            if let Some(raw) = self.pending_indent() {
                return raw;
            }
            let peeked = self.bump();
            self.unread(peeked);
            match self.after_indent(&mut blank_line) {
                Some(raw) => return raw,
                None => blank_line = false,
            }
        }
    }

    /// Measures the indentation of a new line and queues indents and dedents; tells whether the line is blank.
    fn indentation(&mut self) -> Result<bool, Raw> {
        let (mut col, mut alt_col) = (0, 0);
        let mut continued: Option<(usize, usize)> = None;
        let first = loop {
            match self.bump() {
                Some(b' ') => {
                    col += 1;
                    alt_col += 1;
                }
                Some(b'\t') => {
                    col = (col / TAB_SIZE + 1) * TAB_SIZE;
                    alt_col += 1;
                }
                Some(0x0c) => (col, alt_col) = (0, 0),
                Some(b'\\') => {
                    // Of an indentation split by backslashes, the first line counts.
                    continued.get_or_insert((col, col));
                    self.line_continuation()?;
                }
                other => break other,
            }
        };
        self.unread(first);
        let blank = matches!(first, Some(b'#' | b'\n' | b'\r'));
        if !blank && self.brackets.is_empty() {
            let (col, alt_col) = continued.filter(|&(col, _)| col > 0).unwrap_or((col, alt_col));
            self.queue_indents(col, alt_col)?;
        }
        Ok(blank)
    }

    fn queue_indents(&mut self, col: usize, alt_col: usize) -> Result<(), Raw> {
        let &(top, alt_top) = self.indents.last().expect("the outermost level stays");
        if col == top {
            if alt_col != alt_top {
                return Err(self.tab_error());
            }
        } else if col > top {
            if self.indents.len() >= MAX_INDENT {
                self.cur = self.inp;
                return Err(self.stop(Done::TooDeep));
            }
            if alt_col <= alt_top {
                return Err(self.tab_error());
            }
            self.pending_indents += 1;
            self.indents.push((col, alt_col));
        } else {
            while self.indents.len() > 1 && col < self.indents[self.indents.len() - 1].0 {
                self.pending_indents -= 1;
                self.indents.pop();
            }
            let &(top, alt_top) = self.indents.last().expect("the outermost level stays");
            if col != top {
                self.cur = self.inp;
                return Err(self.stop(Done::Dedent));
            }
            if alt_col != alt_top {
                return Err(self.tab_error());
            }
        }
        Ok(())
    }

    fn tab_error(&mut self) -> Raw {
        self.cur = self.inp;
        self.stop(Done::TabSpace)
    }

    fn pending_indent(&mut self) -> Option<Raw> {
        let extra = self.options.extra_tokens;
        match self.pending_indents {
            0 => None,
            n if n < 0 => {
                self.pending_indents += 1;
                Some((Kind::Dedent, extra.then_some((self.cur, self.cur))))
            }
            _ => {
                self.pending_indents -= 1;
                Some((Kind::Indent, extra.then_some((self.line_start, self.cur))))
            }
        }
    }

    /// Closes all indentation levels, for an interactive statement that ends with its input.
    pub fn imply_dedents(&mut self) {
        self.pending_indents = -(self.indents.len() as i32 - 1);
        self.indents.truncate(1);
    }

    /// How many indentation levels are open.
    pub fn indent_levels(&self) -> usize {
        self.indents.len() - 1
    }

    /// The token behind the indentation; `None` if only the end of a blank line was found.
    fn after_indent(&mut self, blank_line: &mut bool) -> Option<Raw> {
        loop {
            self.start = None;
            let mut c = self.bump();
            while matches!(c, Some(b' ' | b'\t' | 0x0c)) {
                c = self.bump();
            }
            self.start = Some(if c.is_some() { self.cur - 1 } else { self.cur });
            if c == Some(b'#') {
                if let Some(raw) = self.comment(*blank_line) {
                    return Some(raw);
                }
                c = self.bump();
            }
            let Some(byte) = c else { return Some(self.end()) };
            match byte {
                b'\n' => match self.newline(*blank_line) {
                    Some(raw) => return Some(raw),
                    None => return None,
                },
                b'\\' => {
                    if let Err(raw) = self.line_continuation() {
                        return Some(raw);
                    }
                }
                _ => return Some(self.code(byte)),
            }
        }
    }

    fn end(&mut self) -> Raw {
        if !self.brackets.is_empty() || self.done != Done::Eof {
            return (Kind::Error, None);
        }
        (Kind::EndMarker, None)
    }

    fn newline(&mut self, blank_line: bool) -> Option<Raw> {
        self.at_line_start = true;
        let text = Some((self.start.unwrap_or(self.cur - 1), self.cur));
        if blank_line || !self.brackets.is_empty() {
            return self.options.extra_tokens.then_some((Kind::Nl, text));
        }
        if self.options.extra_tokens && std::mem::take(&mut self.comment_newline) {
            return Some((Kind::Nl, text));
        }
        Some((Kind::Newline, text))
    }

    /// Reads a comment up to its newline; a token only if it was asked for.
    fn comment(&mut self, blank_line: bool) -> Option<Raw> {
        let start = self.cur - 1;
        let mut c = self.bump();
        while c.is_some_and(|byte| byte != b'\n') {
            c = self.bump();
        }
        self.unread(c);
        if self.options.type_comments
            && let Some(raw) = self.type_comment(start)
        {
            return Some(raw);
        }
        if self.options.extra_tokens {
            self.comment_newline = blank_line && self.brackets.is_empty();
            return Some((Kind::Comment, Some((start, self.cur))));
        }
        None
    }

    /// `# type: …`, blanks after `#` and `:` allowed.
    fn type_comment(&mut self, start: usize) -> Option<Raw> {
        let text = &self.source[start..self.cur];
        let blank = |c| matches!(c, ' ' | '\t');
        let body = text[1..].trim_start_matches(blank).strip_prefix("type:")?.trim_start_matches(blank);
        let body_start = self.cur - body.len();
        let ignore = body.strip_prefix("ignore");
        let is_ignore =
            ignore.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || !c.is_ascii()));
        if is_ignore {
            return Some((Kind::TypeIgnore, Some((body_start + "ignore".len(), self.cur))));
        }
        Some((Kind::TypeComment, Some((body_start, self.cur))))
    }

    /// Joins the next line; the backslash has been read.
    fn line_continuation(&mut self) -> Result<(), Raw> {
        if self.bump() != Some(b'\n') {
            return Err(self.stop(Done::LineContinuation));
        }
        let next = self.bump();
        if next.is_none() {
            self.done = Done::Eof;
            self.cur = self.inp;
            return Err((Kind::Error, None));
        }
        self.unread(next);
        Ok(())
    }

    /// A token that starts with `byte`.
    fn code(&mut self, byte: u8) -> Raw {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 128.. => self.name_or_string(byte),
            b'0'..=b'9' => self.number(byte),
            b'.' => self.dot(),
            b'"' | b'\'' => self.string(byte),
            _ => self.operator(byte),
        }
    }

    fn dot(&mut self) -> Raw {
        let second = self.bump();
        match second {
            Some(b'0'..=b'9') => return self.fraction(second),
            Some(b'.') => {
                let third = self.bump();
                if third == Some(b'.') {
                    return self.token_from_start(Kind::Op);
                }
                self.unread(third);
                self.unread(second);
            }
            _ => self.unread(second),
        }
        self.token_from_start(Kind::Op)
    }

    fn operator(&mut self, byte: u8) -> Raw {
        if matches!(byte, b':' | b'}' | b'!' | b'{') && self.ends_expression(byte) {
            return self.token_from_start(Kind::Op);
        }
        let second = self.bump();
        let split = self.options.split_unequal && byte == b'<' && second == Some(b'>');
        if second.is_some_and(|second| is_two_chars(byte, second)) && !split {
            let third = self.bump();
            if !third.is_some_and(|third| is_three_chars(byte, second.unwrap_or(0), third)) {
                self.unread(third);
            }
            return self.token_from_start(Kind::Op);
        }
        self.unread(second);
        match byte {
            b'(' | b'[' | b'{' => {
                if let Err(raw) = self.open_bracket(byte) {
                    return raw;
                }
            }
            b')' | b']' | b'}' => {
                if let Err(raw) = self.close_bracket(byte) {
                    return raw;
                }
            }
            _ => {}
        }
        if byte < 0x20 || byte == 0x7f {
            return self.fail(format!("invalid non-printable character U+{byte:04X}"));
        }
        if byte == b'=' {
            self.note_debug();
        }
        self.token_from_start(Kind::Op)
    }

    fn open_bracket(&mut self, open: u8) -> Result<(), Raw> {
        if self.brackets.len() >= MAX_LEVEL {
            return Err(self.fail("too many nested parentheses"));
        }
        let col_offset = (self.start.unwrap_or(0) as i64 - self.line_start as i64) as i32;
        self.brackets.push(Bracket { open, lineno: self.lineno, col_offset });
        if let Some(string) = self.strings.last_mut() {
            string.depth += 1;
        }
        Ok(())
    }

    fn close_bracket(&mut self, close: u8) -> Result<(), Raw> {
        let extra = self.options.extra_tokens;
        if let Some(string) = self.strings.last()
            && string.depth == 0
            && close == b'}'
        {
            let letter = string.letter;
            return Err(self.fail(format!("{letter}-string: single '}}' is not allowed")));
        }
        let shown = close as char;
        match self.brackets.pop() {
            None if !extra => return Err(self.fail(format!("unmatched '{shown}'"))),
            Some(bracket) if !matches!((bracket.open, close), (b'(', b')') | (b'[', b']') | (b'{', b'}')) => {
                if let Some(raw) = self.mismatch(bracket, close) {
                    return Err(raw);
                }
            }
            _ => {}
        }
        if let Some(string) = self.strings.last_mut() {
            string.depth -= 1;
            if string.depth < 0 {
                let letter = string.letter;
                return Err(self.fail(format!("{letter}-string: unmatched '{shown}'")));
            }
            string.close_expression(close);
        }
        Ok(())
    }

    fn mismatch(&mut self, bracket: Bracket, close: u8) -> Option<Raw> {
        let close = close as char;
        if bracket.open == b'{'
            && let Some(string) = self.strings.last()
            && string.depth - 1 == string.expression_depth
        {
            let letter = string.letter;
            return Some(self.fail(format!("{letter}-string: unmatched '{close}'")));
        }
        if self.options.extra_tokens {
            return None;
        }
        let open = bracket.open as char;
        let mut msg = format!("closing parenthesis '{close}' does not match opening parenthesis '{open}'");
        if bracket.lineno != self.lineno {
            msg.push_str(&format!(" on line {}", bracket.lineno));
        }
        Some(self.fail(msg))
    }
}

fn is_two_chars(first: u8, second: u8) -> bool {
    matches!(
        &[first, second],
        b"!="
            | b"%="
            | b"&="
            | b"**"
            | b"*="
            | b"+="
            | b"-="
            | b"->"
            | b"//"
            | b"/="
            | b":="
            | b"<<"
            | b"<="
            | b"<>"
            | b"=="
            | b">="
            | b">>"
            | b"@="
            | b"^="
            | b"|="
    )
}

fn is_three_chars(first: u8, second: u8, third: u8) -> bool {
    matches!(&[first, second, third], b"**=" | b"//=" | b"<<=" | b">>=" | b"...")
}
