//! Raising errors at places, with the line of source that CPython would show.

use super::{Parse, Parser, Place, Stop, Tok};
use crate::error::{ErrorClass, Location, SyntaxError};
use crate::tokenizer::Kind;

/// An end that is wherever the tokenizer has read to.
const HERE: i32 = -5;

impl Place {
    /// From the start of one place to the end of another.
    pub(super) fn to(self, end: Place) -> Place {
        Place { end_lineno: end.end_lineno, end_col_offset: end.end_col_offset, ..self }
    }
}

impl Parser<'_> {
    /// Raises at the last token that was fetched.
    pub(super) fn raise<T>(&mut self, msg: impl Into<String>) -> Parse<T> {
        self.raise_class(ErrorClass::SyntaxError, msg)
    }

    pub(super) fn raise_class<T>(&mut self, class: ErrorClass, msg: impl Into<String>) -> Parse<T> {
        if self.tokens.is_empty() {
            return self.raise_located(class, [0, 0, 0, -1], msg.into());
        }
        self.raise_at_token(class, self.tokens.len() - 1, msg)
    }

    /// Raises at the next token.
    pub(super) fn raise_on_next<T>(&mut self, msg: impl Into<String>) -> Parse<T> {
        self.peek()?;
        self.raise_at_token(ErrorClass::SyntaxError, self.mark, msg)
    }

    fn raise_at_token<T>(&mut self, class: ErrorClass, token: Tok, msg: impl Into<String>) -> Parse<T> {
        let last = self.tokens[self.tokens.len() - 1];
        if last.kind == Kind::Error
            && self.tokenizer.done == crate::tokenizer::Done::Eof
            && class != ErrorClass::IncompleteInput
        {
            return self.raise_unexpected_end();
        }
        let token = self.tokens[token];
        let offset = if token.col_offset == -1 {
            // A token without text: where the tokenizer is.
            match self.tokenizer.cur == self.tokenizer.buf {
                true => 0,
                false => self.tokenizer.cur as i32 - self.tokenizer.line_start as i32,
            }
        } else {
            token.col_offset + 1
        };
        let end = if token.end_col_offset == -1 { -1 } else { token.end_col_offset + 1 };
        self.raise_located(class, [token.lineno, offset, token.end_lineno, end], msg.into())
    }

    /// Raises over a place.
    pub(super) fn raise_at<T>(&mut self, place: Place, msg: impl Into<String>) -> Parse<T> {
        let end = if place.end_col_offset == HERE { HERE } else { place.end_col_offset + 1 };
        let location = [place.lineno, place.col_offset + 1, place.end_lineno, end];
        self.raise_located(ErrorClass::SyntaxError, location, msg.into())
    }

    /// Raises from a place to where the tokenizer is.
    pub(super) fn raise_from<T>(&mut self, place: Place, msg: impl Into<String>) -> Parse<T> {
        self.raise_at(Place { end_lineno: HERE, end_col_offset: HERE, ..place }, msg)
    }

    /// Raises on the tokenizer's line, from a column (bytes from 0).
    pub(super) fn raise_from_tokenizer(&mut self, class: ErrorClass, col: i32, msg: &str) -> Result<(), Stop> {
        let lineno = self.tokenizer.lineno;
        let raised: Parse<()> = self.raise_located(class, [lineno, col + 1, lineno, 0], msg.to_owned());
        raised.map(drop)
    }

    /// Raises because the input has ended too early.
    pub(super) fn raise_unexpected_end<T>(&mut self) -> Parse<T> {
        if !self.tokenizer.brackets.is_empty() {
            return self.raise_unclosed();
        }
        let lineno = self.tokenizer.lineno;
        let offset = self.tokenizer.cur as i32 - self.tokenizer.line_start as i32;
        self.raise_located(ErrorClass::SyntaxError, [lineno, offset, lineno, -1], "unexpected EOF while parsing".into())
    }

    /// Raises at the innermost open bracket.
    pub(super) fn raise_unclosed<T>(&mut self) -> Parse<T> {
        let Some(bracket) = self.tokenizer.brackets.last().copied() else { return Err(Stop) };
        let msg = format!("'{}' was never closed", bracket.open as char);
        let location = [bracket.lineno, bracket.col_offset + 1, bracket.lineno, 0];
        self.raise_located(ErrorClass::SyntaxError, location, msg)
    }

    /// Raises between columns given in bytes, which become characters of the line that is shown.
    fn raise_located<T>(&mut self, class: ErrorClass, location: [i32; 4], msg: String) -> Parse<T> {
        let [lineno, offset, mut end_lineno, mut end_offset] = location;
        if end_lineno == HERE {
            end_lineno = self.tokenizer.lineno;
        }
        if end_offset == HERE {
            end_offset = self.tokenizer.cur as i32 - self.tokenizer.line_start as i32;
        }
        let text = self.error_line(lineno);
        let offset = characters(&text, offset);
        let end_offset = characters(&text, end_offset);
        self.error = Some(SyntaxError {
            bare_args: false,
            class,
            msg,
            filename: None,
            location: Some(Location { lineno, offset, end_lineno, end_offset }),
            text: Some(text),
        });
        Err(Stop)
    }

    /// The text shown for a line: what the tokenizer still holds if it has not read on, else the line alone.
    fn error_line(&self, lineno: i32) -> String {
        let tokenizer = &self.tokenizer;
        if tokenizer.lineno <= lineno && tokenizer.inp > tokenizer.line_start {
            return tokenizer.source[tokenizer.line_start..tokenizer.inp].to_owned();
        }
        let mut start = 0;
        for _ in 1..lineno {
            match tokenizer.source[start..].find('\n') {
                Some(end) if start + end < tokenizer.inp => start += end + 1,
                _ => break,
            }
        }
        let rest = &tokenizer.source[start..];
        rest[..rest.find('\n').unwrap_or(rest.len())].to_owned()
    }
}

/// How many characters the first `bytes` bytes of a line are; what lies behind the line counts once.
fn characters(line: &str, bytes: i32) -> i32 {
    if bytes < 0 {
        return bytes;
    }
    let bytes = bytes as usize;
    if bytes > line.len() {
        return line.chars().count() as i32 + 1;
    }
    String::from_utf8_lossy(&line.as_bytes()[..bytes]).chars().count() as i32
}
