//! `repr` of strings and bytes: the choice of quotes, escapes, and what is printable.

use crate::text::{Builder, Text, Unit};
use crate::unicode;

/// `repr(str)`: single quotes unless there are some inside and no double ones; unprintable code points escaped.
pub fn of_str<U: Unit>(text: &[U]) -> Text {
    of_str_where(text, unicode::is_printable)
}

/// `ascii(str)`: as `repr`, with everything beyond ASCII escaped.
pub fn ascii_of_str<U: Unit>(text: &[U]) -> String {
    let text = of_str_where(text, |_| false);
    text.to_code_points().into_iter().map(|cp| cp as u8 as char).collect()
}

/// `ascii` of something whose `repr` this is: code points beyond ASCII escaped, nothing else.
pub fn escape_non_ascii<U: Unit>(repr: &[U]) -> String {
    let mut out = String::with_capacity(repr.len());
    for unit in repr {
        match unit.cp() {
            cp @ 0..=0x7F => out.push(cp as u8 as char),
            cp => push_hex_escape(cp, |c| out.push(c as char)),
        }
    }
    out
}

fn of_str_where<U: Unit>(text: &[U], printable: impl Fn(u32) -> bool) -> Text {
    let has = |quote: u8| text.iter().any(|unit| unit.cp() == u32::from(quote));
    let quote = if has(b'\'') && !has(b'"') { b'"' } else { b'\'' };
    let mut out = Builder::with_capacity(text.len() + 2);
    out.push(u32::from(quote));
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != quote && *byte != b'\\';
    if let Some(bytes) = U::as_bytes(text).filter(|bytes| bytes.iter().all(plain)) {
        out.push_units(bytes);
        out.push(u32::from(quote));
        return out.finish();
    }
    for unit in text {
        let cp = unit.cp();
        match cp {
            0x0A => out.push_str("\\n"),
            0x0D => out.push_str("\\r"),
            0x09 => out.push_str("\\t"),
            0x5C => out.push_str("\\\\"),
            _ if cp == u32::from(quote) => {
                out.push_str("\\");
                out.push(cp);
            }
            0x20..=0x7E => out.push(cp),
            _ if cp >= 0x80 && printable(cp) => out.push(cp),
            _ => push_hex_escape(cp, |c| out.push(u32::from(c))),
        }
    }
    out.push(u32::from(quote));
    out.finish()
}

/// `\xhh`, `\uhhhh` or `\Uhhhhhhhh`, the shortest that holds the code point.
pub fn push_hex_escape(cp: u32, mut push: impl FnMut(u8)) {
    let (letter, digits) = match cp {
        0..=0xFF => (b'x', 2),
        0x100..=0xFFFF => (b'u', 4),
        _ => (b'U', 8),
    };
    push(b'\\');
    push(letter);
    for place in (0..digits).rev() {
        push(b"0123456789abcdef"[(cp >> (4 * place) & 15) as usize]);
    }
}

/// `repr(bytes)`
pub fn of_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push('b');
    out.push(quote as char);
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            _ if byte == quote => {
                out.push('\\');
                out.push(byte as char);
            }
            b' '..=b'~' => out.push(byte as char),
            _ => push_hex_escape(u32::from(byte), |c| out.push(c as char)),
        }
    }
    out.push(quote as char);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes() {
        assert_eq!(of_str(b"it's"), Text::from("\"it's\""));
        assert_eq!(of_str(b"it's \"so\""), Text::from("'it\\'s \"so\"'"));
        assert_eq!(
            of_str(&[0xE9_u32, 0x85, 0xD800, 0x10_FFFF, 0x0A, 0x7F]),
            Text::from("'é\\x85\\ud800\\U0010ffff\\n\\x7f'")
        );
        assert_eq!(ascii_of_str(&[0xE9_u16, 0x100]), "'\\xe9\\u0100'");
        assert_eq!(of_bytes(b"a'\x00\xff"), "b\"a'\\x00\\xff\"");
        assert_eq!(escape_non_ascii(&[0x27_u16, 0x100]), "'\\u0100");
    }
}
