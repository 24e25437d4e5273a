//! Source text by lines: byte offsets to CPython's line and column numbers.

use std::borrow::Cow;
use std::cell::Cell;

use crate::ast::Span;

/// Starts of the lines of a source, found once, asked often.
#[derive(Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
    /// The line that was asked for last (index into `starts`): most questions come in order.
    recent: Cell<usize>,
}

impl LineIndex {
    /// Indexes a source whose newlines are normalised.
    pub fn new(source: &str) -> LineIndex {
        let mut starts = Vec::with_capacity(source.len() / 32 + 2);
        starts.push(0);
        starts.extend(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at as u32 + 1));
        LineIndex { starts, recent: Cell::new(0) }
    }

    /// Line (from 1) and column (UTF-8 bytes, from 0) of a byte offset.
    pub fn position(&self, offset: u32) -> (u32, u32) {
        let line = self.line_of(offset);
        (line as u32 + 1, offset - self.starts[line])
    }

    /// The span of the bytes from `start` to `end`.
    pub fn span(&self, start: u32, end: u32) -> Span {
        let (lineno, col_offset) = self.position(start);
        let (end_lineno, end_col_offset) = self.position(end);
        Span { lineno, col_offset, end_lineno, end_col_offset }
    }

    /// Byte offset of the start of a line (from 1); the end of the source for lines after the last.
    pub fn start(&self, lineno: u32) -> Option<u32> {
        self.starts.get((lineno as usize).checked_sub(1)?).copied()
    }

    /// How many lines there are; a source that ends in a newline has an empty last one.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Never: even an empty source has a line.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The text of a line (from 1) with its newline; empty after the last line.
    pub fn text<'s>(&self, source: &'s str, lineno: u32) -> &'s str {
        let Some(start) = self.start(lineno) else { return "" };
        let end = self.start(lineno + 1).unwrap_or(source.len() as u32);
        &source[start as usize..end as usize]
    }

    fn line_of(&self, offset: u32) -> usize {
        let within = |line: usize| {
            self.starts.get(line).is_some_and(|&start| start <= offset)
                && self.starts.get(line + 1).is_none_or(|&next| offset < next)
        };
        let recent = self.recent.get();
        let line = if within(recent) {
            recent
        } else if within(recent + 1) {
            recent + 1
        } else {
            self.starts.partition_point(|&start| start <= offset) - 1
        };
        self.recent.set(line);
        line
    }
}

/// Turns `\r\n` and `\r` into `\n`, as CPython does before it tokenizes. Copies only if there is a `\r`.
pub fn normalise_newlines(source: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', source.as_bytes()).is_none() {
        return Cow::Borrowed(source);
    }
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = memchr::memchr(b'\r', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        text.push('\n');
        rest = &rest[at + 1..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_offsets() {
        let index = LineIndex::new("ab\n\nc");
        assert_eq!(index.position(0), (1, 0));
        assert_eq!(index.position(2), (1, 2));
        assert_eq!(index.position(3), (2, 0));
        assert_eq!(index.position(5), (3, 1));
        assert_eq!(index.position(1), (1, 1));
        assert_eq!(index.text("ab\n\nc", 1), "ab\n");
        assert_eq!(index.text("ab\n\nc", 3), "c");
        assert_eq!(index.text("ab\n\nc", 4), "");
    }

    #[test]
    fn newlines_become_line_feeds() {
        assert_eq!(normalise_newlines("a\r\nb\rc\n\r\n"), "a\nb\nc\n\n");
        assert!(matches!(normalise_newlines("a\n"), Cow::Borrowed("a\n")));
    }
}
