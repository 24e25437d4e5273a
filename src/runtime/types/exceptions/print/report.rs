//! A whole exception as text: the chain of causes and contexts, groups as trees, notes, folded repetitions.
//!
//! An exception is captured first, oldest reasons included, and rendered afterwards: `str()` of an exception may run
//! Python code, and an exception met twice is shown once. Nodes lie in one vector, so that long chains need no stack.

use super::frame::Entry;
use super::source::Lines;
use super::{safe_text, small, suggest, to_text};
use crate::builtins::sys;
use crate::object::{Py, Value};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{BaseException, group, syntax};
use crate::types::int::Int;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::vm::Vm;
use rustc_hash::FxHashSet;

/// Entries of one place that are shown before the rest is counted only.
const REPETITIONS: usize = 3;
/// Members of a group that are shown.
const GROUP_WIDTH: usize = 15;
/// Depth to which groups are shown.
const GROUP_DEPTH: usize = 10;

/// A captured exception with all that it refers to.
pub struct Report {
    nodes: Vec<Node>,
}

struct Node {
    /// Traceback entries, each ending in a newline.
    stack: Vec<String>,
    /// What the exception itself says, notes included; each ends in a newline.
    message: Vec<String>,
    cause: Option<usize>,
    context: Option<usize>,
    members: Option<Vec<usize>>,
}

impl Report {
    /// Captures an exception. Errors of the program's own `__str__` and the like are shown in place of their result.
    pub fn capture(vm: &mut Vm, exc: &Value) -> Report {
        let mut report = Report { nodes: Vec::new() };
        let mut lines = Lines::default();
        let mut seen = FxHashSet::default();
        let mut add = |vm: &mut Vm, nodes: &mut Vec<Node>, e: &Value, seen: &mut FxHashSet<usize>| {
            seen.insert(e.word());
            let node = Node::capture(vm, e, &mut lines);
            nodes.push(node);
            nodes.len() - 1
        };
        let first = add(vm, &mut report.nodes, exc, &mut seen);
        let mut queue = vec![(first, exc.clone())];
        while let Some((at, e)) = queue.pop() {
            let Some(e) = e.downcast::<BaseException>() else { continue };
            let suppressed = e.get(vm).suppress_context;
            if let Some(cause) = e.cause(vm).filter(|c| !seen.contains(&c.word())) {
                let n = add(vm, &mut report.nodes, &cause, &mut seen);
                report.nodes[at].cause = Some(n);
                queue.push((n, cause));
            }
            let wanted = report.nodes[at].cause.is_none() && !suppressed;
            if let Some(context) = e.context(vm).filter(|c| wanted && !seen.contains(&c.word())) {
                let n = add(vm, &mut report.nodes, &context, &mut seen);
                report.nodes[at].context = Some(n);
                queue.push((n, context));
            }
            if group::as_group(vm, e.as_value()).is_some() {
                let inner = group::exceptions_of(vm, e);
                let mut members = Vec::with_capacity(inner.len());
                for x in inner.items() {
                    let n = add(vm, &mut report.nodes, x, &mut seen);
                    members.push(n);
                    queue.push((n, x.clone()));
                }
                report.nodes[at].members = Some(members);
            }
        }
        report
    }

    /// The text.
    pub fn render(&self) -> String {
        let mut r = Renderer { nodes: &self.nodes, out: String::new(), depth: 0, need_close: false };
        r.chain(0);
        r.out
    }
}

impl Node {
    fn capture(vm: &mut Vm, exc: &Value, lines: &mut Lines) -> Node {
        let traceback = exc.downcast::<BaseException>().and_then(|e| e.traceback(vm));
        let stack = stack_of(vm, traceback.as_ref(), lines, Style::Excerpts);
        let mut message = match syntax::as_syntax_error(vm, exc).cloned() {
            Some(e) => syntax_error(vm, exc, &e),
            None => {
                let mut text = safe_text(vm, exc, "exception", false);
                text.push_str(&suggest::hint(vm, exc, traceback.as_ref()));
                let name = class_name(vm, exc);
                vec![if text.is_empty() { format!("{name}\n") } else { format!("{name}: {text}\n") }]
            }
        };
        notes(vm, exc, &mut message);
        Node { stack, message, cause: None, context: None, members: None }
    }
}

/// How an entry of a traceback shows its source.
#[derive(Clone, Copy)]
enum Style {
    /// All lines that its expression spans, with carets.
    Excerpts,
    /// Its line, without marks.
    Lines,
}

/// An exception as CPython's C code writes it where the `traceback` module is not asked (`PyTraceBack_Print`,
/// `write_unraisable_exc_file`): no carets, no chain, no notes.
pub fn plain(vm: &mut Vm, exc: &Value) -> String {
    let traceback = exc.downcast::<BaseException>().and_then(|e| e.traceback(vm));
    let stack = stack_of(vm, traceback.as_ref(), &mut Lines::default(), Style::Lines).concat();
    let head = if stack.is_empty() { "" } else { "Traceback (most recent call last):\n" };
    let name = class_name(vm, exc);
    let text = safe_text(vm, exc, "exception", false);
    format!("{head}{stack}{name}: {text}\n")
}

/// The entries of a traceback; `sys.tracebacklimit` keeps the last ones only, repetitions are folded.
fn stack_of(vm: &mut Vm, traceback: Option<&Value>, lines: &mut Lines, style: Style) -> Vec<String> {
    let mut entries = Vec::new();
    let mut at = traceback.and_then(|t| t.downcast::<Traceback>()).cloned();
    while let Some(t) = at {
        entries.push(t.clone());
        at = t.next(vm);
    }
    // Below every number that fits lies zero as well.
    let bounded = |v: &Value| small(v).or_else(|| Int::read(v).filter(|i| i.is_negative()).map(|_| 0));
    if let Some(limit) = sys::get(vm, "tracebacklimit").as_ref().and_then(bounded) {
        let (n, limit) = (entries.len() as i64, limit.max(0));
        // A limit beyond the length counts from the end once more, as a negative slice start does.
        let start = if limit <= n { n - limit } else { (2 * n - limit).max(0) };
        entries.drain(..start as usize);
    }
    let mut out = Vec::new();
    let mut previous: Option<Entry> = None;
    let mut count = 0;
    for t in entries {
        let entry = Entry::of(vm, &t);
        let again = previous
            .as_ref()
            .is_some_and(|p| p.filename == entry.filename && p.line == entry.line && p.name == entry.name);
        if !again {
            fold(&mut out, count);
            count = 0;
        }
        count += 1;
        if count <= REPETITIONS {
            let frame = t.get(vm).frame.clone();
            out.push(match style {
                Style::Excerpts => entry.show(vm, lines, &frame),
                Style::Lines => entry.show_line(vm, lines),
            });
        }
        previous = Some(entry);
    }
    fold(&mut out, count);
    out
}

fn fold(out: &mut Vec<String>, count: usize) {
    if count > REPETITIONS {
        let more = count - REPETITIONS;
        out.push(format!("  [Previous line repeated {more} more time{}]\n", if more > 1 { "s" } else { "" }));
    }
}

/// The class as the last line names it: with its module, unless that is `builtins` or `__main__`.
fn class_name(vm: &mut Vm, exc: &Value) -> String {
    let class = Py::of(exc.class()).into_value();
    let text = |vm: &mut Vm, name: &str| match vm.get_attr_text(&class, name) {
        Ok(v) => v.downcast::<Str>().map(|s| to_text(s)),
        Err(_) => {
            vm.clear_error();
            None
        }
    };
    let name = text(vm, "__qualname__").unwrap_or_else(|| exc.class().payload.name());
    match text(vm, "__module__").as_deref() {
        Some("builtins" | "__main__") => name,
        Some(module) => format!("{module}.{name}"),
        None => format!("<unknown>.{name}"),
    }
}

fn notes(vm: &mut Vm, exc: &Value, out: &mut Vec<String>) {
    let name = vm.intern("__notes__");
    let found = match vm.get_attr_opt(exc, &name) {
        Ok(found) => found,
        Err(_) => {
            let error = vm.take_error();
            let text = safe_text(vm, &error, "__notes__", true);
            out.push(format!("Ignored error getting __notes__: {text}\n"));
            return;
        }
    };
    let Some(found) = found.filter(|n| !n.is_none()) else { return };
    let is_text = found.downcast::<Str>().is_some() || found.downcast::<Bytes>().is_some();
    let is_sequence = !is_text && found.class().payload.has(crate::object::TypeFlags::SEQUENCE);
    let items = if is_sequence { vm.collect(&found).ok() } else { None };
    match items {
        Some(items) => {
            for note in items {
                let text = safe_text(vm, &note, "note", false);
                out.extend(text.split('\n').map(|line| format!("{line}\n")));
            }
        }
        None => {
            vm.clear_error();
            let text = safe_text(vm, &found, "__notes__", true);
            out.push(format!("{text}\n"));
        }
    }
}

/// A `SyntaxError`: file and line, the source with carets, then the message.
fn syntax_error(vm: &mut Vm, exc: &Value, e: &Py<BaseException>) -> Vec<String> {
    let mut out = Vec::new();
    let mut suffix = String::new();
    let field = |vm: &Vm, i: usize| e.field(vm, i).filter(|v| !v.is_none());
    let filename = field(vm, syntax::FILENAME).map(|f| safe_text(vm, &f, "filename", false));
    let line = field(vm, syntax::LINENO).map(|l| safe_text(vm, &l, "lineno", false));
    let end_line = field(vm, syntax::END_LINENO).map(|l| safe_text(vm, &l, "end_lineno", false));
    match (&line, &filename) {
        (Some(line), _) => {
            let file = filename.as_deref().filter(|f| !f.is_empty()).unwrap_or("<string>");
            out.push(format!("  File \"{file}\", line {line}\n"));
        }
        (None, Some(file)) => suffix = format!(" ({file})"),
        (None, None) => {}
    }
    if let Some(text) = field(vm, syntax::TEXT).as_ref().and_then(|t| t.downcast::<Str>()).map(|t| to_text(t)) {
        let offset = field(vm, syntax::OFFSET);
        let end = field(vm, syntax::END_OFFSET).as_ref().and_then(small).filter(|&n| n != 0);
        match offset {
            None => out.push(format!("    {}\n", strip_line(&text).1)),
            Some(offset) => {
                if let Some(offset) = small(&offset) {
                    source_with_carets(&text, offset, if line == end_line { Some(end) } else { None }, &mut out);
                }
            }
        }
    }
    let msg = match field(vm, syntax::MSG) {
        Some(m) => safe_text(vm, &m, "msg", false),
        None => String::new(),
    };
    let msg = if msg.is_empty() { "<no detail available>" } else { &msg };
    let name = class_name(vm, exc);
    out.push(format!("{name}: {msg}{suffix}\n"));
    out
}

/// The line without its end, and without leading blanks too.
fn strip_line(text: &str) -> (&str, &str) {
    let right = text.trim_end_matches('\n');
    (right, right.trim_start_matches([' ', '\n', '\u{c}']))
}

/// The source line of a syntax error with carets; `end` is the end column when the error ends on the same line.
fn source_with_carets(text: &str, offset: i64, end: Option<Option<i64>>, out: &mut Vec<String>) {
    let (right, left) = strip_line(text);
    let (all, length) = (text.chars().count() as i64, right.chars().count() as i64);
    let spaces = length - left.chars().count() as i64;
    let mut end = match end {
        Some(end) => end.unwrap_or(offset),
        None => length + 1,
    };
    let mut start = offset;
    if all != 0 {
        start = if start > all { length + 1 } else { start };
        end = if end > all { length + 1 } else { end };
    }
    if start >= end || end < 0 {
        end = start + 1;
    }
    let (column, end_column) = (start - 1 - spaces, end - 1 - spaces);
    out.push(format!("    {left}\n"));
    if column >= 0 {
        let mut marks: String =
            left.chars().take(column as usize).map(|c| if c.is_whitespace() { c } else { ' ' }).collect();
        marks.extend(std::iter::repeat_n('^', (end_column - column).max(0) as usize));
        out.push(format!("    {marks}\n"));
    }
}

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

struct Renderer<'a> {
    nodes: &'a [Node],
    out: String,
    /// How many groups are open.
    depth: usize,
    /// The last member of a group is being shown and its box is not closed yet.
    need_close: bool,
}

impl Renderer<'_> {
    fn indent(&self) -> String {
        " ".repeat(2 * self.depth)
    }

    /// Writes text with the margin of the open groups before each line.
    fn put(&mut self, text: &str, margin: char) {
        if self.depth == 0 {
            self.out.push_str(text);
            return;
        }
        let indent = self.indent();
        for line in text.split_inclusive('\n') {
            self.out.push_str(&indent);
            self.out.push(margin);
            self.out.push(' ');
            self.out.push_str(line);
        }
    }

    /// An exception after those it came from.
    fn chain(&mut self, last: usize) {
        let mut order = vec![(last, None)];
        while let Some((node, link)) = order.last_mut() {
            let n = &self.nodes[*node];
            let (next, text) = match (n.cause, n.context) {
                (Some(c), _) => (c, CAUSE),
                (None, Some(c)) => (c, CONTEXT),
                (None, None) => break,
            };
            *link = Some(text);
            order.push((next, None));
        }
        for (node, link) in order.into_iter().rev() {
            if let Some(text) = link {
                self.put(text, '|');
            }
            match &self.nodes[node].members {
                None => self.plain(node),
                Some(_) if self.depth > GROUP_DEPTH => {
                    self.put(&format!("... (max_group_depth is {GROUP_DEPTH})\n"), '|');
                }
                Some(members) => self.group(node, members),
            }
        }
    }

    fn lines(&mut self, lines: &[String]) {
        for l in lines {
            self.put(l, '|');
        }
    }

    fn plain(&mut self, node: usize) {
        let n = &self.nodes[node];
        if !n.stack.is_empty() {
            self.put("Traceback (most recent call last):\n", '|');
            self.lines(&n.stack);
        }
        self.lines(&n.message);
    }

    fn group(&mut self, node: usize, members: &[usize]) {
        let n = &self.nodes[node];
        let outermost = self.depth == 0;
        if outermost {
            self.depth += 1;
        }
        if !n.stack.is_empty() {
            self.put("Exception Group Traceback (most recent call last):\n", if outermost { '+' } else { '|' });
            self.lines(&n.stack);
        }
        self.lines(&n.message);
        let shown = members.len().min(GROUP_WIDTH + 1);
        self.need_close = false;
        for i in 0..shown {
            let last = i + 1 == shown;
            if last {
                // A group inside may close the box in our place.
                self.need_close = true;
            }
            let title = if i < GROUP_WIDTH { (i + 1).to_string() } else { "...".to_owned() };
            let corner = if i == 0 { "+-" } else { "  " };
            self.out.push_str(&format!("{}{corner}+---------------- {title} ----------------\n", self.indent()));
            self.depth += 1;
            if i < GROUP_WIDTH {
                self.chain(members[i]);
            } else {
                let more = members.len() - GROUP_WIDTH;
                self.put(&format!("and {more} more exception{}\n", if more > 1 { "s" } else { "" }), '|');
            }
            if last && self.need_close {
                self.out.push_str(&format!("{}+------------------------------------\n", self.indent()));
                self.need_close = false;
            }
            self.depth -= 1;
        }
        if outermost {
            self.depth = 0;
        }
    }
}
