//! The values of string and bytes literals: escapes decoded as CPython does (`Parser/string_parser.c` and the
//! `unicode-escape` codec), lone surrogates kept, the first invalid escape reported.

use rustpython_wtf8::{CodePoint, Wtf8Buf};

/// The prefix of a string literal, and where its body lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    pub raw: bool,
    pub bytes: bool,
    /// A lower case `u`, which `Constant.kind` shows.
    pub unicode: bool,
    /// `f` or `t`.
    pub interpolated: bool,
    /// Bytes before the body: prefix and quotes.
    pub open: usize,
    /// Bytes after the body: quotes.
    pub close: usize,
}

impl Prefix {
    /// Reads the prefix and the quotes of a whole literal.
    pub fn of(literal: &str) -> Prefix {
        let bytes = literal.as_bytes();
        let letters = bytes.iter().position(|&b| b == b'"' || b == b'\'').unwrap_or(0);
        let has = |letter: u8| bytes[..letters].iter().any(|b| b.to_ascii_lowercase() == letter);
        let quote = bytes[letters];
        let triple = bytes.len() >= letters + 6 && bytes[letters + 1] == quote && bytes[letters + 2] == quote;
        let quotes = if triple { 3 } else { 1 };
        Prefix {
            raw: has(b'r'),
            bytes: has(b'b'),
            unicode: bytes[0] == b'u',
            interpolated: has(b'f') || has(b't'),
            open: letters + quotes,
            close: quotes,
        }
    }
}

/// A decoded body.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<T> {
    pub value: T,
    /// Byte offset in the body of the first escape that has no meaning.
    pub invalid_escape: Option<usize>,
}

/// Decodes the body of a `str` literal, or a literal part of an f-string.
///
/// Errors: the message of the `SyntaxError`, starting with `(unicode error)`.
pub fn decode_str(body: &str, raw: bool) -> Result<Decoded<Wtf8Buf>, String> {
    if raw || memchr::memchr(b'\\', body.as_bytes()).is_none() {
        return Ok(Decoded { value: body.into(), invalid_escape: None });
    }
    let mut decoder = StrDecoder { body, at: 0, seen: 0, value: Wtf8Buf::with_capacity(body.len()), invalid: None };
    decoder.run()?;
    Ok(Decoded { value: decoder.value, invalid_escape: decoder.invalid })
}

/// Decodes a literal part of an f-string or t-string, where doubled braces stand for one and a backslash may be followed
/// by the brace of an interpolation.
///
/// Errors: as [`decode_str`].
pub fn decode_middle(text: &str) -> Result<Decoded<Wtf8Buf>, String> {
    let mut value = Wtf8Buf::with_capacity(text.len());
    let mut invalid_escape = None;
    let bytes = text.as_bytes();
    let mut start = 0;
    let mut at = 0;
    let mut append = |value: &mut Wtf8Buf, start: usize, end: usize| -> Result<(), String> {
        let part = &text[start..end];
        let (part, stray) = match part.strip_suffix('\\') {
            Some(shorter) if trailing_backslashes(part) % 2 == 1 => (shorter, true),
            _ => (part, false),
        };
        let decoded = decode_str(part, false)?;
        value.push_wtf8(&decoded.value);
        let invalid = decoded.invalid_escape.or(stray.then_some(part.len()));
        if let (None, Some(at)) = (invalid_escape, invalid) {
            invalid_escape = Some(start + at);
        }
        if stray {
            value.push_char('\\');
        }
        Ok(())
    };
    while at < bytes.len() {
        let named =
            bytes[at] == b'{' && text[start..at].ends_with("\\N") && trailing_backslashes(&text[..at - 1]) % 2 == 1;
        if named {
            at += text[at..].find('}').unwrap_or(0) + 1;
        } else if matches!(bytes[at], b'{' | b'}') && bytes.get(at + 1) == Some(&bytes[at]) {
            append(&mut value, start, at)?;
            value.push_char(char::from(bytes[at]));
            at += 2;
            start = at;
        } else {
            at += 1;
        }
    }
    append(&mut value, start, text.len())?;
    Ok(Decoded { value, invalid_escape })
}

fn trailing_backslashes(text: &str) -> usize {
    text.bytes().rev().take_while(|&b| b == b'\\').count()
}

/// The text of an interpolated expression as `=` and t-strings show it: comments go, their newlines stay.
pub fn without_comments(text: &str) -> std::borrow::Cow<'_, str> {
    if memchr::memchr(b'#', text.as_bytes()).is_none() {
        return text.into();
    }
    let mut result = String::with_capacity(text.len());
    let mut quote: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('#', None) => {
                while chars.peek().is_some_and(|&next| next != '\n') {
                    chars.next();
                }
                continue;
            }
            ('\'' | '"', None) => quote = Some(c),
            ('\\', Some(_)) => {
                result.push(c);
                result.extend(chars.next());
                continue;
            }
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        result.push(c);
    }
    result.into()
}

struct StrDecoder<'b> {
    body: &'b str,
    /// Byte offset in the body.
    at: usize,
    /// Position in the text that CPython hands to its codec, where a non-ASCII character takes ten bytes.
    seen: usize,
    value: Wtf8Buf,
    invalid: Option<usize>,
}

impl StrDecoder<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(offset) = memchr::memchr(b'\\', &self.body.as_bytes()[self.at..]) {
            let plain = &self.body[self.at..self.at + offset];
            self.value.push_str(plain);
            self.seen += codec_len(plain);
            self.at += offset;
            self.escape()?;
        }
        self.value.push_str(&self.body[self.at..]);
        Ok(())
    }

    /// Decodes the escape whose backslash is at `self.at`.
    fn escape(&mut self) -> Result<(), String> {
        let bytes = self.body.as_bytes();
        let Some(&letter) = bytes.get(self.at + 1) else {
            return Err(codec_error(self.seen, self.seen + 1, "\\ at end of string"));
        };
        let simple = match letter {
            b'\n' => None,
            b'\\' => Some('\\'),
            b'\'' => Some('\''),
            b'"' => Some('"'),
            b'a' => Some('\x07'),
            b'b' => Some('\x08'),
            b'f' => Some('\x0c'),
            b'n' => Some('\n'),
            b'r' => Some('\r'),
            b't' => Some('\t'),
            b'v' => Some('\x0b'),
            b'0'..=b'7' => return self.octal(),
            b'x' => return self.hex(2, "truncated \\xXX escape"),
            b'u' => return self.hex(4, "truncated \\uXXXX escape"),
            b'U' => return self.hex(8, "truncated \\UXXXXXXXX escape"),
            b'N' => return self.named(),
            _ => {
                let ascii = letter.is_ascii();
                // CPython spells a backslash before a non-ASCII character `\u005c`, which is no invalid escape.
                if ascii {
                    self.invalid.get_or_insert(self.at);
                }
                self.value.push_char('\\');
                self.seen += if ascii { 1 } else { 6 };
                self.at += 1;
                return Ok(());
            }
        };
        if let Some(c) = simple {
            self.value.push_char(c);
        }
        self.skip(2);
        Ok(())
    }

    fn skip(&mut self, ascii_bytes: usize) {
        self.at += ascii_bytes;
        self.seen += ascii_bytes;
    }

    fn octal(&mut self) -> Result<(), String> {
        let (code, len) = octal(&self.body.as_bytes()[self.at + 1..]);
        if code > 0o377 {
            self.invalid.get_or_insert(self.at);
        }
        self.value.push(CodePoint::from(code));
        self.skip(1 + len);
        Ok(())
    }

    fn hex(&mut self, width: usize, truncated: &str) -> Result<(), String> {
        let digits = &self.body.as_bytes()[self.at + 2..];
        let len = digits.iter().take(width).take_while(|b| b.is_ascii_hexdigit()).count();
        let end = self.seen + 2 + len;
        if len < width {
            return Err(codec_error(self.seen, end, truncated));
        }
        let text = &self.body[self.at + 2..self.at + 2 + len];
        let code = u32::from_str_radix(text, 16).unwrap_or(u32::MAX);
        let Some(point) = CodePoint::from_u32(code) else {
            return Err(codec_error(self.seen, end, "illegal Unicode character"));
        };
        self.value.push(point);
        self.skip(2 + len);
        Ok(())
    }

    fn named(&mut self) -> Result<(), String> {
        let rest = &self.body[self.at + 2..];
        let malformed = "malformed \\N character escape";
        let Some(name_on) = rest.strip_prefix('{') else {
            return Err(codec_error(self.seen, self.seen + 2, malformed));
        };
        let Some(len) = name_on.find('}').filter(|&len| len > 0) else {
            let to_end = if name_on.starts_with('}') { 0 } else { codec_len(name_on) };
            return Err(codec_error(self.seen, self.seen + 3 + to_end, malformed));
        };
        let name = &name_on[..len];
        let Some(c) = unicode_names2::character(name) else {
            let end = self.seen + 4 + codec_len(name);
            return Err(codec_error(self.seen, end, "unknown Unicode character name"));
        };
        self.value.push_char(c);
        self.at += 4 + len;
        self.seen += 4 + codec_len(name);
        Ok(())
    }
}

/// Up to three octal digits: their value and number.
fn octal(digits: &[u8]) -> (u16, usize) {
    let len = digits.iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
    (digits[..len].iter().fold(0, |code, b| code * 8 + u16::from(b - b'0')), len)
}

/// Length of a text in the form CPython hands to its codec.
fn codec_len(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 10 }).sum()
}

fn codec_error(start: usize, end: usize, reason: &str) -> String {
    let place = if end == start + 1 {
        format!("byte 0x5c in position {start}")
    } else {
        format!("bytes in position {start}-{}", end - 1)
    };
    format!("(unicode error) 'unicodeescape' codec can't decode {place}: {reason}")
}

/// Decodes the body of a bytes literal, which must be ASCII.
///
/// Errors: the message of the `SyntaxError`, starting with `(value error)`.
pub fn decode_bytes(body: &str, raw: bool) -> Result<Decoded<Vec<u8>>, String> {
    let bytes = body.as_bytes();
    if raw || memchr::memchr(b'\\', bytes).is_none() {
        return Ok(Decoded { value: bytes.to_vec(), invalid_escape: None });
    }
    let mut value = Vec::with_capacity(bytes.len());
    let mut invalid_escape = None;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            value.push(bytes[at]);
            at += 1;
            continue;
        }
        let letter = *bytes.get(at + 1).ok_or("(value error) Trailing \\ in string")?;
        let mut len = 2;
        match letter {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => value.push(letter),
            b'a' => value.push(7),
            b'b' => value.push(8),
            b'f' => value.push(12),
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b't' => value.push(b'\t'),
            b'v' => value.push(11),
            b'0'..=b'7' => {
                let (code, digits) = octal(&bytes[at + 1..]);
                if code > 0o377 {
                    invalid_escape.get_or_insert(at);
                }
                value.push(code as u8);
                len = 1 + digits;
            }
            b'x' => {
                let digit = |i: usize| bytes.get(at + i).and_then(|&b| (b as char).to_digit(16));
                let (Some(high), Some(low)) = (digit(2), digit(3)) else {
                    return Err(format!("(value error) invalid \\x escape at position {at}"));
                };
                value.push((high * 16 + low) as u8);
                len = 4;
            }
            _ => {
                invalid_escape.get_or_insert(at);
                value.push(b'\\');
                len = 1;
            }
        }
        at += len;
    }
    Ok(Decoded { value, invalid_escape })
}

/// The text of the warning about the escape at the start of `escape` (PEP 701 era wording of CPython 3.14).
pub fn invalid_escape_message(escape: &str) -> String {
    let after = &escape[1..];
    let (code, len) = octal(after.as_bytes());
    let (shown, kind) = if len == 3 && code > 0o377 {
        (&after[..3], "octal escape")
    } else {
        (&after[..after.chars().next().map_or(0, char::len_utf8)], "escape")
    };
    format!(
        "\"\\{shown}\" is an invalid {kind} sequence. Such sequences will not work in the future. \
         Did you mean \"\\\\{shown}\"? A raw string is also an option."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> Wtf8Buf {
        decode_str(body, false).unwrap().value
    }

    #[test]
    fn escapes_of_text() {
        assert_eq!(text(r"a\n\t\x41\101\u00e9\U0001F600\N{DIGIT ONE}\q"), Wtf8Buf::from("a\n\tAAé😀1\\q"));
        assert_eq!(text("a\\\nb"), Wtf8Buf::from("ab"));
        assert_eq!(text("\\\u{e9}"), Wtf8Buf::from("\\\u{e9}"));
        assert_eq!(text(r"\ud800").code_points().next().map(|c| c.to_u32()), Some(0xd800));
        assert_eq!(decode_str(r"a\d\x41\q", false).unwrap().invalid_escape, Some(1));
    }

    #[test]
    fn errors_in_text() {
        let message = |body| decode_str(body, false).unwrap_err();
        let start = "(unicode error) 'unicodeescape' codec can't decode bytes in position ";
        assert_eq!(message(r"\x"), format!("{start}0-1: truncated \\xXX escape"));
        assert_eq!(message(r"é\u12"), format!("{start}10-13: truncated \\uXXXX escape"));
        assert_eq!(message(r"\N{foo}"), format!("{start}0-6: unknown Unicode character name"));
        assert_eq!(message(r"\U00110000"), format!("{start}0-9: illegal Unicode character"));
    }

    #[test]
    fn escapes_of_bytes() {
        assert_eq!(decode_bytes(r"\x41\0\400\d", false).unwrap().value, b"A\0\x00\\d");
        assert_eq!(decode_bytes(r"ab\xg", false), Err("(value error) invalid \\x escape at position 2".into()));
    }
}
