//! Colouring of Python source: a small tolerant lexer that never fails, whatever stands in the file.
//!
//! It works line by line and carries over only what a later line depends on: open triple-quoted strings and the braces
//! of f-strings. Exactness beyond that is not needed for colours; positions and meanings come from the debugger.

use std::ops::Range;

/// What a piece of text is, as far as colours care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name without special meaning.
    Name,
    /// A keyword.
    Keyword,
    /// A builtin function, type or exception.
    Builtin,
    /// The name of a function or class where it is defined.
    Definition,
    /// A decorator.
    Decorator,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A comment.
    Comment,
    /// An operator or bracket.
    Operator,
    /// `self` and `cls`.
    Own,
}

impl Kind {
    /// All kinds, in the order of their values.
    pub const ALL: [Kind; 10] = [
        Kind::Name,
        Kind::Keyword,
        Kind::Builtin,
        Kind::Definition,
        Kind::Decorator,
        Kind::Text,
        Kind::Number,
        Kind::Comment,
        Kind::Operator,
        Kind::Own,
    ];
}

/// A coloured piece of one line; the range counts bytes of the line.
pub type Piece = (Range<usize>, Kind);

/// Colours a whole text: one list of pieces per line, in order, white space left out.
pub fn highlight(text: &str) -> Vec<Vec<Piece>> {
    let mut state = State::default();
    text.lines().map(|line| state.line(line)).collect()
}

/// What later lines depend on: the strings and replacement fields that are open, outermost first.
#[derive(Debug, Default)]
struct State {
    open: Vec<Open>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Open {
    /// A string.
    Text(Quote),
    /// A replacement field of an f-string, with the number of brackets open in it.
    Field { brackets: usize },
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Quote {
    mark: u8,
    triple: bool,
    raw: bool,
    fields: bool,
}

impl State {
    fn line(&mut self, line: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = 0;
        let mut defining = false;
        while at < line.len() {
            at = match self.open.last().copied() {
                Some(Open::Text(quote)) => self.text(line, at, quote, &mut pieces),
                _ => self.code(line, at, &mut defining, &mut pieces),
            };
        }
        // A plain string ends with its line unless a backslash carries it on; so does a field inside it.
        let continued = line.ends_with('\\');
        while let Some(i) = self.open.iter().position(|o| matches!(o, Open::Text(q) if !q.triple)) {
            if continued {
                break;
            }
            self.open.truncate(i);
        }
        pieces
    }

    /// The inside of a string, up to its end, to a replacement field, or to the end of the line.
    fn text(&mut self, line: &str, start: usize, quote: Quote, pieces: &mut Vec<Piece>) -> usize {
        let bytes = line.as_bytes();
        let mut at = start;
        while at < bytes.len() {
            let b = bytes[at];
            if b == b'\\' && !(quote.raw && bytes.get(at + 1) == Some(&b'{')) {
                at = next_char(line, at + 1);
            } else if b == quote.mark && (!quote.triple || bytes[at..].starts_with(&[quote.mark; 3])) {
                at += if quote.triple { 3 } else { 1 };
                self.open.pop();
                break;
            } else if quote.fields && b == b'{' {
                if bytes.get(at + 1) == Some(&b'{') {
                    at += 2;
                    continue;
                }
                push(pieces, start..at, Kind::Text);
                push(pieces, at..at + 1, Kind::Operator);
                self.open.push(Open::Field { brackets: 0 });
                return at + 1;
            } else {
                at = next_char(line, at);
            }
        }
        let end = at.min(line.len());
        push(pieces, start..end, Kind::Text);
        end
    }

    /// One token of code.
    fn code(&mut self, line: &str, start: usize, defining: &mut bool, pieces: &mut Vec<Piece>) -> usize {
        let rest = &line[start..];
        let Some(c) = rest.chars().next() else { return line.len() };
        if c.is_whitespace() {
            return start + c.len_utf8();
        }
        if c == '#' {
            push(pieces, start..line.len(), Kind::Comment);
            return line.len();
        }
        if let Some((prefix, quote)) = string_start(rest) {
            let quotes = if quote.triple { 3 } else { 1 };
            let end = start + prefix + quotes;
            push(pieces, start..end, Kind::Text);
            self.open.push(Open::Text(quote));
            return end;
        }
        if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|d: char| d.is_ascii_digit())) {
            let end = start + number_len(rest);
            push(pieces, start..end, Kind::Number);
            return end;
        }
        if is_name_start(c) {
            let end = start + rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            let kind = name_kind(line, start..end, *defining);
            *defining = matches!(&line[start..end], "def" | "class");
            push(pieces, start..end, kind);
            return end;
        }
        if c == '@' && line[..start].trim().is_empty() {
            let name = rest[1..].find(|c| !is_name(c) && c != '.').map_or(rest.len(), |i| i + 1);
            push(pieces, start..start + name, Kind::Decorator);
            return start + name;
        }
        self.bracket(c);
        push(pieces, start..start + c.len_utf8(), Kind::Operator);
        start + c.len_utf8()
    }

    /// Keeps count of brackets in a replacement field, and leaves it at its closing brace or its format.
    fn bracket(&mut self, c: char) {
        let Some(Open::Field { brackets }) = self.open.last_mut() else { return };
        match c {
            '(' | '[' | '{' => *brackets += 1,
            ')' | ']' | '}' if *brackets > 0 => *brackets -= 1,
            '}' | ':' | '!' if *brackets == 0 && c != '!' => {
                self.open.pop();
            }
            _ => {}
        }
    }
}

fn push(pieces: &mut Vec<Piece>, range: Range<usize>, kind: Kind) {
    if range.is_empty() {
        return;
    }
    if let Some((last, last_kind)) = pieces.last_mut()
        && *last_kind == kind
        && last.end == range.start
    {
        last.end = range.end;
        return;
    }
    pieces.push((range, kind));
}

/// The offset behind the character at `at`.
fn next_char(line: &str, at: usize) -> usize {
    (at + 1..line.len()).find(|&i| line.is_char_boundary(i)).unwrap_or(line.len())
}

/// If a string begins here: the length of its prefix and how it is quoted.
fn string_start(rest: &str) -> Option<(usize, Quote)> {
    let prefix = rest.find(['"', '\'']).filter(|&i| i <= 2)?;
    let letters = rest[..prefix].to_ascii_lowercase();
    if !matches!(letters.as_str(), "" | "r" | "u" | "b" | "f" | "t" | "br" | "rb" | "fr" | "rf" | "tr" | "rt") {
        return None;
    }
    let mark = rest.as_bytes()[prefix];
    let triple = rest.as_bytes()[prefix..].starts_with(&[mark; 3]);
    let (raw, fields) = (letters.contains('r'), letters.contains(['f', 't']));
    Some((prefix, Quote { mark, triple, raw, fields }))
}

fn number_len(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let sign = matches!(bytes[at], b'+' | b'-') && matches!(bytes[at - 1], b'e' | b'E') && !rest.starts_with("0x");
        if !(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' || bytes[at] == b'.' || sign) {
            break;
        }
        at += 1;
    }
    at
}

fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Whether `c` can stand inside a name.
pub(crate) fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn name_kind(line: &str, range: Range<usize>, defining: bool) -> Kind {
    let name = &line[range.clone()];
    if defining {
        return Kind::Definition;
    }
    let attribute = line[..range.start].trim_end().ends_with('.');
    if attribute {
        return Kind::Name;
    }
    let first = line[..range.start].trim().is_empty();
    let soft = match name {
        "match" | "case" | "type" if first => {
            let rest = line[range.end..].trim_start();
            !rest.is_empty() && !rest.starts_with(['=', '.', ',', ')', '(', ':', '[']) || name == "case"
        }
        _ => false,
    };
    if soft || KEYWORDS.binary_search(&name).is_ok() {
        Kind::Keyword
    } else if name == "self" || name == "cls" {
        Kind::Own
    } else if BUILTINS.binary_search(&name).is_ok() || is_exception_name(name) {
        Kind::Builtin
    } else {
        Kind::Name
    }
}

/// Whether `name` looks like a builtin exception: they end alike and there are too many to list.
fn is_exception_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && (name.ends_with("Error") || name.ends_with("Exception") || name.ends_with("Warning"))
}

/// Sorted, for binary search.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Sorted, for binary search.
const BUILTINS: [&str; 64] = [
    "BaseException",
    "Ellipsis",
    "KeyboardInterrupt",
    "NotImplemented",
    "StopIteration",
    "SystemExit",
    "__import__",
    "abs",
    "all",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "complex",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "min",
    "next",
    "object",
    "open",
    "ord",
    "print",
    "range",
    "repr",
    "reversed",
    "set",
    "sorted",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of each line as `text:Kind`, for comparison.
    fn shown(text: &str) -> Vec<String> {
        let lines: Vec<&str> = text.lines().collect();
        highlight(text)
            .iter()
            .zip(lines)
            .map(|(pieces, line)| {
                pieces.iter().map(|(r, k)| format!("{}:{k:?}", &line[r.clone()])).collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    #[test]
    fn lists_are_sorted() {
        assert!(KEYWORDS.is_sorted() && BUILTINS.is_sorted());
    }

    #[test]
    fn names_keywords_numbers() {
        assert_eq!(
            shown("def fib(n):  # so\n    return self.print(1_0.5e-3)\n@a.b\nmatch x:"),
            [
                "def:Keyword fib:Definition (:Operator n:Name ):Operator::Operator # so:Comment"
                    .replace("):Operator::Operator", ")::Operator"),
                "return:Keyword self:Own .:Operator print:Name (:Operator 1_0.5e-3:Number ):Operator".to_owned(),
                "@a.b:Decorator".to_owned(),
                "match:Keyword x:Name ::Operator".to_owned(),
            ]
        );
    }

    #[test]
    fn strings_run_over_lines_and_fields_hold_code() {
        assert_eq!(
            shown("x = '''a\nb''' + f'{len(y)!r:>{w}} {{}}'"),
            [
                "x:Name =:Operator '''a:Text",
                "b''':Text +:Operator f':Text {:Operator len:Builtin (:Operator y:Name )!:Operator r:Name ::Operator \
                 >:Text {:Operator w:Name }:Operator } {{}}':Text",
            ]
        );
        assert_eq!(shown("s = 'open\nt = 1")[1], "t:Name =:Operator 1:Number");
    }

    #[test]
    fn any_text_is_coloured_without_panic() {
        for text in
            ["'", "f'{", "f'''{\n}'''", "\"\\", "é'ü", "rb'\\", "0x", "@", "f'{a[\"b\"]:", "..", "1e", "🐍 = 'ß\\"]
        {
            for (line, pieces) in text.lines().zip(highlight(text)) {
                let mut end = 0;
                for (range, _) in pieces {
                    assert!(range.start >= end && line.get(range.clone()).is_some(), "{text:?} {range:?}");
                    end = range.end;
                }
            }
        }
    }
}
