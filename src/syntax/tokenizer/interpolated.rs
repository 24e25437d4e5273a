//! The insides of f-strings and t-strings (PEP 701, PEP 750): text, replacement fields, format specifications.

use super::{Kind, Raw, Tokenizer};

/// An f-string or t-string that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Interpolated {
    /// `f` or `t`.
    pub letter: char,
    pub raw: bool,
    pub quote: u8,
    pub quote_size: usize,
    pub start: usize,
    pub line_start: usize,
    pub first_lineno: i32,
    /// How many brackets are open in it.
    pub depth: i32,
    /// The depth at which the innermost replacement field began; -1 outside of fields.
    pub expression_depth: i32,
    /// Whether text is read, not code.
    pub in_text: bool,
    pub in_format_spec: bool,
    /// After `=` at the top of a field.
    pub in_debug: bool,
}

/// How deep replacement fields may nest in format specifications.
pub(crate) const MAX_FIELDS: i32 = 3;

impl Interpolated {
    fn in_expression(&self) -> bool {
        self.expression_depth >= 0
    }

    /// Leaves the replacement field if `close` ends it.
    pub fn close_expression(&mut self, close: u8) {
        if close == b'}' && self.depth == self.expression_depth {
            self.expression_depth -= 1;
            self.in_text = true;
            self.in_format_spec = false;
            self.in_debug = false;
        }
    }
}

impl Tokenizer<'_> {
    fn string_mode(&mut self) -> &mut Interpolated {
        self.strings.last_mut().expect("inside a string")
    }

    /// Meets `:`, `!` or a brace in a replacement field; true if it is the colon before a format specification.
    pub(super) fn ends_expression(&mut self, byte: u8) -> bool {
        let Some(string) = self.strings.last_mut() else { return false };
        if !string.in_expression() {
            return false;
        }
        let depth = string.depth - i32::from(byte != b'{');
        if byte == b':' && depth == string.expression_depth {
            string.in_text = true;
            string.in_format_spec = true;
            return true;
        }
        false
    }

    /// Notes `=` at the top of a replacement field.
    pub(super) fn note_debug(&mut self) {
        if let Some(string) = self.strings.last_mut()
            && string.depth - string.expression_depth == 1
        {
            string.in_debug = true;
        }
    }

    /// The next token while text is read.
    pub(super) fn next_in_string(&mut self) -> Raw {
        self.start = Some(self.cur);
        self.first_lineno = self.lineno;
        self.multi_line_start = self.line_start;
        let first = self.bump();
        if first == Some(b'{') {
            let second = self.bump();
            self.unread(second);
            self.unread(first);
            if second != Some(b'{') {
                if let Some(raw) = self.enter_expression() {
                    return raw;
                }
                return self.next_in_code();
            }
        } else {
            self.unread(first);
        }
        if self.at_closing_quotes() {
            let kind = match self.string_mode().letter {
                'f' => Kind::FStringEnd,
                _ => Kind::TStringEnd,
            };
            self.strings.pop();
            return self.token_from_start(kind);
        }
        self.string_text()
    }

    fn enter_expression(&mut self) -> Option<Raw> {
        let string = self.string_mode();
        string.expression_depth += 1;
        if string.expression_depth >= MAX_FIELDS {
            let letter = string.letter;
            return Some(self.fail(format!("{letter}-string: expressions nested too deeply")));
        }
        string.in_text = false;
        None
    }

    fn at_closing_quotes(&mut self) -> bool {
        let Interpolated { quote, quote_size, .. } = *self.string_mode();
        for _ in 0..quote_size {
            let c = self.bump();
            if c != Some(quote) {
                // Earlier quotes stay read, as in CPython: they belong to the text.
                self.unread(c);
                return false;
            }
        }
        true
    }

    fn middle(&mut self, end: usize) -> Raw {
        let kind = if self.string_mode().letter == 'f' { Kind::FStringMiddle } else { Kind::TStringMiddle };
        (kind, Some((self.start.unwrap_or(end), end)))
    }

    /// Text up to a brace or the closing quotes.
    fn string_text(&mut self) -> Raw {
        let Interpolated { quote, quote_size, raw, .. } = *self.string_mode();
        let mut quotes = 0;
        let mut named_escape = false;
        while quotes != quote_size {
            let c = self.bump();
            let string = self.string_mode();
            let in_format_spec = string.in_format_spec && string.in_expression();
            match c {
                None => return self.unterminated_interpolated(c),
                Some(b'\n') if quote_size == 1 => {
                    if in_format_spec {
                        let letter = string.letter;
                        let msg = "newlines are not allowed in format specifiers for single quoted";
                        return self.fail(format!("{letter}-string: {msg} {letter}-strings"));
                    }
                    return self.unterminated_interpolated(c);
                }
                Some(byte) if byte == quote => {
                    quotes += 1;
                    continue;
                }
                Some(b'{') => {
                    let next = self.bump();
                    if next == Some(b'{') && !in_format_spec {
                        return self.middle(self.cur - 1);
                    }
                    self.unread(next);
                    self.unread(c);
                    if let Some(raw) = self.enter_expression() {
                        return raw;
                    }
                    return self.middle(self.cur);
                }
                Some(b'}') => {
                    if named_escape {
                        return self.middle(self.cur);
                    }
                    return self.closing_brace(in_format_spec);
                }
                Some(b'\\') => {
                    let next = self.bump();
                    if matches!(next, Some(b'{' | b'}')) {
                        self.unread(next);
                    } else if !raw && next == Some(b'N') {
                        let brace = self.bump();
                        if brace == Some(b'{') {
                            named_escape = true;
                        } else {
                            self.unread(brace);
                        }
                    }
                }
                Some(_) => {}
            }
            quotes = 0;
        }
        self.cur -= quote_size;
        self.middle(self.cur)
    }

    /// `}}` in text stands for a brace; a single one ends a format specification.
    fn closing_brace(&mut self, in_format_spec: bool) -> Raw {
        let next = self.bump();
        let depth = self.string_mode().depth;
        if next == Some(b'}') && !in_format_spec && depth == 0 {
            return self.middle(self.cur - 1);
        }
        self.unread(next);
        self.unread(Some(b'}'));
        self.string_mode().in_text = false;
        self.middle(self.cur)
    }

    fn unterminated_interpolated(&mut self, last: Option<u8>) -> Raw {
        let Interpolated { letter, quote_size, start, line_start, first_lineno, .. } = *self.string_mode();
        self.cur = start + 1;
        self.line_start = line_start;
        let detected = std::mem::replace(&mut self.lineno, first_lineno);
        if quote_size == 3 {
            let msg = format!("unterminated triple-quoted {letter}-string literal (detected at line {detected})");
            let raw = self.fail(msg);
            if last != Some(b'\n') {
                self.done = super::Done::EofInString;
            }
            return raw;
        }
        self.fail(format!("unterminated {letter}-string literal (detected at line {detected})"))
    }
}
