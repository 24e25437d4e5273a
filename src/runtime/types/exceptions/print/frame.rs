//! One entry of a traceback: file, line, function, the source with carets under the part that failed (PEP 657).

use crate::object::{Py, Value};
use crate::types::frame::FrameObject;
use crate::types::traceback::Traceback;
use crate::vm::Vm;
use taipan_base::unicode;
use taipan_syntax::ast::{Expr, ExprKind, Mod, StmtKind};

/// Where a traceback entry points; columns are UTF-8 bytes from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// File name.
    pub filename: String,
    /// Function.
    pub name: String,
    /// First line, from 1.
    pub line: Option<i32>,
    /// Last line.
    pub end_line: Option<i32>,
    /// First column.
    pub column: Option<i32>,
    /// Column after the last.
    pub end_column: Option<i32>,
}

impl Entry {
    /// What a traceback object points to.
    pub fn of(vm: &Vm, tb: &Py<Traceback>) -> Entry {
        let t = tb.get(vm);
        let code = t.frame.code();
        let position = match usize::try_from(t.lasti) {
            Ok(offset) => code.canonical.positions().nth(offset / 2).unwrap_or_default(),
            Err(_) => Default::default(),
        };
        Entry {
            filename: super::to_text(&code.filename),
            name: super::to_text(&code.name),
            line: position.line.or_else(|| tb.line(vm).map(|l| l as i32)),
            end_line: position.end_line,
            column: position.column,
            end_column: position.end_column,
        }
    }

    /// The line that names the place.
    fn place(&self) -> String {
        let number = self.line.map_or_else(|| "None".to_owned(), |l| l.to_string());
        let filename = match self.filename.strip_prefix("<stdin-") {
            Some(rest) if rest.ends_with('>') => "<stdin>",
            _ => &self.filename,
        };
        format!("  File \"{filename}\", line {number}, in {}\n", self.name)
    }

    /// The entry's text with its one line of source, of files only.
    pub fn show_line(&self, vm: &mut Vm, lines: &mut super::source::Lines) -> String {
        let mut out = self.place();
        let Some(number) = self.line.filter(|_| !self.filename.starts_with('<')) else { return out };
        let line = lines.line(vm, &self.filename, number as i64, None);
        if !line.trim().is_empty() {
            out.push_str(&format!("    {}\n", line.trim()));
        }
        out
    }

    /// The entry's text: one line that names the place, then the source.
    pub fn show(&self, vm: &mut Vm, lines: &mut super::source::Lines, frame: &Py<FrameObject>) -> String {
        let mut out = self.place();
        let Some(first) = self.line else { return out };
        let last = self.end_line.unwrap_or(first);
        let globals: Value = frame.function().globals.clone().into();
        let text: Vec<String> =
            (first..=last).map(|n| lines.line(vm, &self.filename, n as i64, Some(&globals))).collect();
        if text.iter().all(|l| l.trim().is_empty()) {
            return out;
        }
        match (self.column, self.end_column) {
            (Some(column), Some(end_column)) => {
                let shown = Excerpt::new(&text, column.max(0) as usize, end_column.max(0) as usize).render();
                for line in shown {
                    out.push_str("    ");
                    out.push_str(&line);
                    out.push('\n');
                }
            }
            _ => out.push_str(&format!("    {}\n", text[0].trim())),
        }
        out
    }
}

type Line = Vec<char>;

/// A place in an excerpt: line from 0, character from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    line: usize,
    column: usize,
}

/// The operator or the brackets inside a failing expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Anchors {
    left: At,
    right: At,
}

/// The source lines of one instruction, dedented, with the range that it covers in characters.
struct Excerpt {
    lines: Vec<Line>,
    start: usize,
    end: usize,
}

impl Excerpt {
    fn new(text: &[String], column: usize, end_column: usize) -> Excerpt {
        let (first, last) = (&text[0], &text[text.len() - 1]);
        let (start, end) = (characters(first, column), characters(last, end_column));
        let lines = dedent(text.iter().map(|l| l.chars().collect()).collect());
        let removed = first.chars().count() - lines[0].len();
        Excerpt { start: start.saturating_sub(removed), end: end.saturating_sub(removed), lines }
    }

    fn last(&self) -> usize {
        self.lines.len() - 1
    }

    /// The part of the source that failed.
    fn segment(&self) -> Vec<Line> {
        let mut lines = self.lines.clone();
        let last = self.last();
        lines[last].truncate(self.end);
        let cut = self.start.min(lines[0].len());
        lines[0].drain(..cut);
        lines
    }

    /// Carets say nothing when they would lie under all of the text, or under all of a plain call.
    fn wants_carets(&self, anchors: Option<Anchors>) -> bool {
        if self.is_plain_call() == Some(true) {
            return false;
        }
        let before = self.lines[0].iter().take(self.start);
        let after = self.lines[self.last()].iter().skip(self.end);
        anchors.is_some() || before.chain(after).any(|c| !c.is_whitespace())
    }

    /// Whether the source is `return f(…)` or `x = f(…)` with the call as the part that failed, or nothing at all.
    fn is_plain_call(&self) -> Option<bool> {
        let source = join(&self.lines);
        let tree = taipan_syntax::parse(&source, &Default::default()).ok()?;
        let Mod::Module { body, .. } = &tree.module else { return None };
        let Some(statement) = body.first() else { return Some(true) };
        let call = match &statement.kind {
            StmtKind::Return { value: Some(value) } => match &value.kind {
                ExprKind::Call { func, .. } if matches!(func.kind, ExprKind::Name { .. }) => value,
                _ => return None,
            },
            StmtKind::Assign { targets, value, .. } if matches!(value.kind, ExprKind::Call { .. }) => {
                match &targets[..] {
                    [only] if matches!(only.kind, ExprKind::Name { .. }) => value,
                    _ => return None,
                }
            }
            _ => return None,
        };
        let s = call.span;
        Some(
            s.lineno == 1
                && s.end_lineno as usize == self.lines.len()
                && s.col_offset as usize == self.start
                && s.end_col_offset as usize == self.end,
        )
    }

    /// The anchors inside the failing expression, in the lines of the excerpt.
    fn anchors(&self) -> Option<Anchors> {
        let segment = self.segment();
        let a = find_anchors(&segment)?;
        let shift = |at: At| At { line: at.line, column: at.column + if at.line == 0 { self.start } else { 0 } };
        Some(Anchors { left: shift(a.left), right: shift(a.right) })
    }

    fn render(&self) -> Vec<String> {
        let anchors = self.anchors();
        let carets = self.wants_carets(anchors);
        let mut wanted: Vec<usize> = vec![0, self.last()];
        if let Some(a) = anchors {
            for around in [a.left.line, a.right.line] {
                wanted.extend((around.saturating_sub(1)..=around + 1).filter(|&l| l <= self.last()));
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut out: Vec<Line> = Vec::new();
        let mut previous: Option<usize> = None;
        for line in wanted {
            match previous.map(|p| line - p) {
                Some(2) => self.put_line(line - 1, carets, anchors, &mut out),
                Some(gap) if gap > 2 => out.push(format!("...<{} lines>...", gap - 1).chars().collect()),
                _ => {}
            }
            self.put_line(line, carets, anchors, &mut out);
            previous = Some(line);
        }
        dedent(out).into_iter().map(|l| l.into_iter().collect()).collect()
    }

    fn put_line(&self, n: usize, carets: bool, anchors: Option<Anchors>, out: &mut Vec<Line>) {
        let line = &self.lines[n];
        out.push(line.clone());
        if !carets {
            return;
        }
        let indent = line.iter().take_while(|c| c.is_whitespace()).count();
        let start = if n == 0 { width(line, self.start) } else { 0 };
        let end = if n == self.last() { width(line, self.end) } else { width(line, line.len()) };
        // Columns of anchors are compared in display columns.
        let wide = anchors.map(|a| {
            let on_screen = |at: At| At { line: at.line, column: width(&self.lines[at.line], at.column) };
            Anchors { left: on_screen(a.left), right: on_screen(a.right) }
        });
        let mark = |column: usize| {
            let here = At { line: n, column };
            match wide {
                _ if column < indent || column < start => ' ',
                Some(a) if here >= a.left && here < a.right => '^',
                Some(_) => '~',
                None => '^',
            }
        };
        out.push((0..end).map(mark).collect());
    }
}

fn join(lines: &[Line]) -> String {
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        if i != 0 {
            out.push('\n');
        }
        out.extend(line);
    }
    out
}

/// Number of characters in the first `bytes` bytes of a line.
fn characters(line: &str, bytes: usize) -> usize {
    line.char_indices().take_while(|(i, _)| *i < bytes).count()
}

/// Columns on the screen of the first `n` characters; wide characters take two.
fn width(line: &[char], n: usize) -> usize {
    if line.iter().all(char::is_ascii) {
        return n;
    }
    let wide = |c: &char| matches!(unicode::east_asian_width(*c as u32, unicode::Database::Current), "W" | "F");
    line.iter().take(n).map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// Takes the common indentation away; lines of blanks only become empty (`textwrap.dedent`).
fn dedent(mut lines: Vec<Line>) -> Vec<Line> {
    let blank = |l: &Line| l.iter().all(|c| c.is_whitespace());
    let mut margin: Option<Line> = None;
    for line in lines.iter().filter(|l| !blank(l)) {
        let own: Line = line.iter().copied().take_while(|c| matches!(c, ' ' | '\t')).collect();
        margin = Some(match margin {
            None => own,
            Some(m) => m.iter().zip(&own).take_while(|(a, b)| a == b).map(|(a, _)| *a).collect(),
        });
    }
    let margin = margin.map_or(0, |m| m.len());
    for line in &mut lines {
        if blank(line) {
            line.clear();
        } else {
            line.drain(..margin);
        }
    }
    lines
}

/// A reader of the segment that skips comments and line continuations.
struct Scanner<'a> {
    lines: &'a [Line],
}

impl Scanner<'_> {
    /// The first character at or after a place; empty rests of lines are skipped.
    fn settle(&self, mut at: At) -> Option<At> {
        while at.column >= self.lines.get(at.line)?.len() {
            at = At { line: at.line + 1, column: 0 };
        }
        Some(at)
    }

    /// The first character from `at` on that satisfies `stop`.
    fn seek(&self, at: At, stop: impl Fn(char) -> bool) -> Option<At> {
        let mut at = self.settle(at)?;
        loop {
            let c = self.lines[at.line][at.column];
            let next = match c {
                '\\' | '#' => At { line: at.line + 1, column: 0 },
                _ if stop(c) => return Some(at),
                _ => At { line: at.line, column: at.column + 1 },
            };
            at = self.settle(next)?;
        }
    }

    /// Where an expression ends. The tree counts lines from 1 and has one line more in front.
    fn end_of(&self, e: &Expr) -> Option<At> {
        self.place(e.span.end_lineno, e.span.end_col_offset)
    }

    fn place(&self, line: u32, bytes: u32) -> Option<At> {
        let line = (line as usize).checked_sub(2)?;
        let text: String = self.lines.get(line)?.iter().collect();
        Some(At { line, column: characters(&text, bytes as usize) })
    }
}

/// The operator of a binary operation, or the brackets of a call or subscript, if that is what the segment is.
fn find_anchors(segment: &[Line]) -> Option<Anchors> {
    // In parentheses, so that line breaks do not end the expression.
    let source = format!("(\n{}\n)", join(segment));
    let tree = taipan_syntax::parse(&source, &Default::default()).ok()?;
    let Mod::Module { body, .. } = &tree.module else { return None };
    let [statement] = &body[..] else { return None };
    let StmtKind::Expr { value } = &statement.kind else { return None };
    let s = Scanner { lines: segment };
    match &value.kind {
        ExprKind::BinOp { left, right, .. } => {
            let operator = s.seek(s.end_of(left)?, |c| !c.is_whitespace() && c != ')')?;
            let mut end = At { line: operator.line, column: operator.column + 1 };
            let right = s.place(right.span.lineno, right.span.col_offset)?;
            let second = segment[end.line].get(end.column);
            if end < right && second.is_some_and(|&c| !c.is_whitespace() && c != '\\' && c != '#') {
                end.column += 1;
            }
            Some(Anchors { left: operator, right: end })
        }
        ExprKind::Subscript { value: object, .. } => {
            Some(Anchors { left: s.seek(s.end_of(object)?, |c| c == '[')?, right: s.end_of(value)? })
        }
        ExprKind::Call { func, .. } => {
            Some(Anchors { left: s.seek(s.end_of(func)?, |c| c == '(')?, right: s.end_of(value)? })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[&str], column: usize, end: usize) -> Vec<String> {
        let text: Vec<String> = text.iter().map(|s| s.to_string()).collect();
        Excerpt::new(&text, column, end).render()
    }

    #[test]
    fn operators_and_brackets_are_pointed_out() {
        assert_eq!(shown(&["    x = a // b + 1"], 8, 14), ["x = a // b + 1", "    ~~^^~~"]);
        assert_eq!(shown(&["d['k'] + 1"], 0, 6), ["d['k'] + 1", "~^^^^^"]);
        assert_eq!(shown(&["  print(f(1, 2))"], 8, 15), ["print(f(1, 2))", "      ~^^^^^^"]);
    }

    #[test]
    fn carets_are_left_out_where_they_say_nothing() {
        assert_eq!(shown(&["raise ValueError"], 0, 16), ["raise ValueError"]);
        assert_eq!(shown(&["return f(1)"], 7, 11), ["return f(1)"]);
        assert_eq!(shown(&["x = f(1)"], 4, 8), ["x = f(1)"]);
        assert_eq!(shown(&["y = x.missing"], 4, 13), ["y = x.missing", "    ^^^^^^^^^"]);
    }

    #[test]
    fn long_expressions_are_abbreviated() {
        let text = ["    foo(", "        1,", "        2,", "        3,", "        4,", "    )"];
        let want = ["foo(", "~~~^", "    1,", "    ^^", "...<2 lines>...", "    4,", "    ^^", ")", "^"];
        assert_eq!(shown(&text, 4, 5), want);
    }
}
