//! Names and plain strings.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::interpolated::Interpolated;
use super::{Done, Kind, Raw, Tokenizer};

/// The reserved words.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Whether `str.isprintable` accepts a character.
pub(crate) fn is_printable(c: char) -> bool {
    use GeneralCategory::*;
    c == ' '
        || !matches!(
            get_general_category(c),
            Control
                | Format
                | Surrogate
                | PrivateUse
                | Unassigned
                | LineSeparator
                | ParagraphSeparator
                | SpaceSeparator
        )
}

impl Tokenizer<'_> {
    /// A name, or a string with a prefix, that starts with `first`.
    pub(super) fn name_or_string(&mut self, first: u8) -> Raw {
        let start = self.cur - 1;
        let mut seen: Vec<u8> = Vec::new();
        let mut c = Some(first);
        while let Some(letter) = c.map(|byte| byte.to_ascii_lowercase()) {
            if !b"brutf".contains(&letter) || seen.contains(&letter) {
                break;
            }
            seen.push(letter);
            c = self.bump();
            if let Some(quote @ (b'"' | b'\'')) = c {
                return self.prefixed_string(quote, &seen);
            }
        }
        while c.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 128) {
            c = self.bump();
        }
        self.unread(c);
        let text = &self.source[start..self.cur];
        if !text.is_ascii() {
            if !self.options.extra_tokens
                && let Some(raw) = self.check_identifier(start)
            {
                return raw;
            }
            return self.token_from_start(Kind::Name);
        }
        self.token_from_start(if KEYWORDS.contains(&text) { Kind::Keyword } else { Kind::Name })
    }

    fn prefixed_string(&mut self, quote: u8, seen: &[u8]) -> Raw {
        const CLASHES: [(u8, u8); 7] =
            [(b'u', b'b'), (b'u', b'r'), (b'u', b'f'), (b'u', b't'), (b'b', b'f'), (b'b', b't'), (b'f', b't')];
        for (one, other) in CLASHES {
            if seen.contains(&one) && seen.contains(&other) {
                let columns = (self.start.unwrap_or(0) + 1 - self.line_start, self.cur - self.line_start);
                let msg = format!("'{}' and '{}' prefixes are incompatible", one as char, other as char);
                return self.fail_at(Some(columns), msg);
            }
        }
        let raw = seen.contains(&b'r');
        if seen.contains(&b'f') {
            return self.open_interpolated(quote, 'f', raw);
        }
        if seen.contains(&b't') {
            return self.open_interpolated(quote, 't', raw);
        }
        self.string(quote)
    }

    /// Refuses characters that cannot be in a name.
    fn check_identifier(&mut self, start: usize) -> Option<Raw> {
        let text = &self.source[start..self.cur];
        let (at, bad) = text.char_indices().find(|&(at, c)| {
            let allowed =
                if at == 0 { c == '_' || unicode_ident::is_xid_start(c) } else { unicode_ident::is_xid_continue(c) };
            !allowed
        })?;
        self.cur = start + at + bad.len_utf8();
        let code = bad as u32;
        Some(if is_printable(bad) {
            self.fail(format!("invalid character '{bad}' (U+{code:04X})"))
        } else {
            self.fail(format!("invalid non-printable character U+{code:04X}"))
        })
    }

    /// The size of the opening quotes, of which the first has been read; `None` for an empty string.
    fn quote_size(&mut self, quote: u8) -> Option<usize> {
        let second = self.bump();
        if second != Some(quote) {
            self.unread(second);
            return Some(1);
        }
        let third = self.bump();
        if third == Some(quote) {
            return Some(3);
        }
        self.unread(third);
        None
    }

    /// A string without interpolations, whose opening quote has been read.
    pub(super) fn string(&mut self, quote: u8) -> Raw {
        self.first_lineno = self.lineno;
        self.multi_line_start = self.line_start;
        let Some(size) = self.quote_size(quote) else { return self.token_from_start(Kind::String) };
        let mut quotes = 0;
        let mut escaped_quote = false;
        while quotes != size {
            let c = self.bump();
            match c {
                None => return self.unterminated(quote, size, c, escaped_quote),
                Some(b'\n') if size == 1 => return self.unterminated(quote, size, c, escaped_quote),
                Some(byte) if byte == quote => quotes += 1,
                Some(b'\\') => {
                    quotes = 0;
                    escaped_quote |= self.bump() == Some(quote);
                }
                Some(_) => quotes = 0,
            }
        }
        self.token_from_start(Kind::String)
    }

    fn unterminated(&mut self, quote: u8, size: usize, last: Option<u8>, escaped_quote: bool) -> Raw {
        // The error is reported at the opening quote.
        self.cur = self.start.unwrap_or(self.cur) + 1;
        self.line_start = self.multi_line_start;
        let detected = std::mem::replace(&mut self.lineno, self.first_lineno);
        if let Some(string) = self.strings.last()
            && string.quote == quote
            && string.quote_size == size
        {
            let letter = string.letter;
            return self.fail(format!("{letter}-string: expecting '}}'"));
        }
        let raw = if size == 3 {
            self.fail(format!("unterminated triple-quoted string literal (detected at line {detected})"))
        } else {
            let hint = if escaped_quote { "; perhaps you escaped the end quote?" } else { "" };
            self.fail(format!("unterminated string literal (detected at line {detected}){hint}"))
        };
        if last != Some(b'\n') {
            self.done = if size == 3 { Done::EofInString } else { Done::EolInString };
        }
        raw
    }

    fn open_interpolated(&mut self, quote: u8, letter: char, raw: bool) -> Raw {
        const MAX_NESTING: usize = 150;
        self.first_lineno = self.lineno;
        self.multi_line_start = self.line_start;
        let quote_size = match self.quote_size(quote) {
            Some(size) => size,
            None => {
                // The second quote ends the string; it is read again.
                self.unread(Some(quote));
                1
            }
        };
        if self.strings.len() + 1 >= MAX_NESTING {
            return self.fail("too many nested f-strings or t-strings");
        }
        self.strings.push(Interpolated {
            letter,
            raw,
            quote,
            quote_size,
            start: self.start.unwrap_or(self.cur),
            line_start: self.line_start,
            first_lineno: self.lineno,
            depth: 0,
            expression_depth: -1,
            in_text: true,
            in_format_spec: false,
            in_debug: false,
        });
        self.token_from_start(if letter == 'f' { Kind::FStringStart } else { Kind::TStringStart })
    }
}
