//! Number literals.

use super::{Kind, Raw, Tokenizer};

impl Tokenizer<'_> {
    /// A number that starts with the digit `first`.
    pub(super) fn number(&mut self, first: u8) -> Raw {
        if first == b'0' {
            return self.zero();
        }
        match self.decimal_tail() {
            Ok(c) => self.after_integer(c),
            Err(raw) => raw,
        }
    }

    fn zero(&mut self) -> Raw {
        let mut c = self.bump();
        match c {
            Some(b'x' | b'X') => return self.radix("hexadecimal", 16),
            Some(b'o' | b'O') => return self.radix("octal", 8),
            Some(b'b' | b'B') => return self.radix("binary", 2),
            _ => {}
        }
        loop {
            if c == Some(b'_') {
                c = self.bump();
                if !is_digit(c) {
                    self.unread(c);
                    return self.fail("invalid decimal literal");
                }
            }
            if c != Some(b'0') {
                break;
            }
            c = self.bump();
        }
        let zeros_end = self.cur;
        let nonzero = is_digit(c);
        if nonzero {
            c = match self.decimal_tail() {
                Ok(c) => c,
                Err(raw) => return raw,
            };
        }
        if nonzero && !self.options.extra_tokens && !matches!(c, Some(b'.' | b'e' | b'E' | b'j' | b'J')) {
            self.unread(c);
            let columns = (self.start.unwrap_or(0) + 1 - self.line_start, zeros_end - self.line_start);
            let msg = "leading zeros in decimal integer literals are not permitted; \
                       use an 0o prefix for octal integers";
            return self.fail_at(Some(columns), msg);
        }
        self.after_integer(c)
    }

    fn radix(&mut self, name: &'static str, radix: u32) -> Raw {
        let in_radix = |c: Option<u8>| c.is_some_and(|byte| (byte as char).is_digit(radix));
        let mut c = self.bump();
        loop {
            if c == Some(b'_') {
                c = self.bump();
            }
            if !in_radix(c) {
                if is_digit(c) {
                    return self.bad_digit(c, name);
                }
                self.unread(c);
                return self.fail(format!("invalid {name} literal"));
            }
            while in_radix(c) {
                c = self.bump();
            }
            if c != Some(b'_') {
                break;
            }
        }
        if is_digit(c) {
            return self.bad_digit(c, name);
        }
        self.finish(c, name)
    }

    fn bad_digit(&mut self, c: Option<u8>, name: &str) -> Raw {
        let digit = c.unwrap_or(b'?') as char;
        self.fail(format!("invalid digit '{digit}' in {name} literal"))
    }

    /// Digits with single underscores between them; returns what follows.
    fn decimal_tail(&mut self) -> Result<Option<u8>, Raw> {
        loop {
            let mut c = self.bump();
            while is_digit(c) {
                c = self.bump();
            }
            if c != Some(b'_') {
                return Ok(c);
            }
            c = self.bump();
            if !is_digit(c) {
                self.unread(c);
                return Err(self.fail("invalid decimal literal"));
            }
        }
    }

    fn after_integer(&mut self, c: Option<u8>) -> Raw {
        if c == Some(b'.') {
            let next = self.bump();
            return self.fraction(next);
        }
        self.exponent(c)
    }

    /// What follows the decimal point.
    pub(super) fn fraction(&mut self, c: Option<u8>) -> Raw {
        if !is_digit(c) {
            return self.exponent(c);
        }
        match self.decimal_tail() {
            Ok(c) => self.exponent(c),
            Err(raw) => raw,
        }
    }

    fn exponent(&mut self, mut c: Option<u8>) -> Raw {
        if matches!(c, Some(b'e' | b'E')) {
            let letter = c;
            c = self.bump();
            if matches!(c, Some(b'+' | b'-')) {
                c = self.bump();
                if !is_digit(c) {
                    self.unread(c);
                    return self.fail("invalid decimal literal");
                }
            } else if !is_digit(c) {
                self.unread(c);
                return self.finish(letter, "decimal");
            }
            c = match self.decimal_tail() {
                Ok(c) => c,
                Err(raw) => return raw,
            };
        }
        if matches!(c, Some(b'j' | b'J')) {
            let next = self.bump();
            return self.finish(next, "imaginary");
        }
        self.finish(c, "decimal")
    }

    /// A number may be followed by an operator spelled as a word, but by no other letter.
    fn finish(&mut self, c: Option<u8>, name: &str) -> Raw {
        let rest = &self.source.as_bytes()[self.cur..];
        let keyword = match c {
            Some(b'a') => rest.starts_with(b"nd"),
            Some(b'e') => rest.starts_with(b"lse"),
            Some(b'f') => rest.starts_with(b"or"),
            Some(b'i') => matches!(rest.first(), Some(b'f' | b'n' | b's')),
            Some(b'o') => rest.starts_with(b"r"),
            Some(b'n') => rest.starts_with(b"ot"),
            _ => false,
        };
        self.unread(c);
        if !keyword && !self.options.extra_tokens && c.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return self.fail(format!("invalid {name} literal"));
        }
        self.token_from_start(Kind::Number)
    }
}

fn is_digit(c: Option<u8>) -> bool {
    c.is_some_and(|byte| byte.is_ascii_digit())
}
