//! Pieces of markup, as bounds in their text: tags, the XML declaration, the head of a document type.

use super::event::code;
use super::text::{Stop, char_at, invalid, name, reference, skip_space, text};

/// A start tag's parts, as bounds in its text.
pub struct Tag {
    /// The end of its name.
    pub name_end: usize,
    /// Its attributes.
    pub attributes: Vec<Bounds>,
    /// It ends the element, too.
    pub empty: bool,
    /// Behind its `>`.
    pub end: usize,
}

/// An attribute: bounds of name and value.
pub struct Bounds {
    /// Of the name.
    pub name: (usize, usize),
    /// Of the value without its quotes.
    pub value: (usize, usize),
}

impl Tag {
    /// The tag at the beginning of a text.
    pub fn read(s: &[u8]) -> Result<Tag, Stop> {
        let name_end = name(s, 1)?;
        let (mut at, mut attributes) = (name_end, Vec::new());
        loop {
            let next = skip_space(s, at)?;
            match s[next] {
                b'>' => return Ok(Tag { name_end, attributes, empty: false, end: next + 1 }),
                b'/' => {
                    return match s.get(next + 1) {
                        None => Err(Stop::More),
                        Some(b'>') => Ok(Tag { name_end, attributes, empty: true, end: next + 2 }),
                        Some(_) => invalid(next + 1),
                    };
                }
                _ if next == at => return invalid(at),
                _ => {}
            }
            let end = name(s, next)?;
            let equals = skip_space(s, end)?;
            if s[equals] != b'=' {
                return invalid(equals);
            }
            let quote = skip_space(s, equals + 1)?;
            if !matches!(s[quote], b'"' | b'\'') {
                return invalid(quote);
            }
            let value_end = value(s, quote)?;
            attributes.push(Bounds { name: (next, end), value: (quote + 1, value_end) });
            at = value_end + 1;
        }
    }
}

/// The end of an attribute's value that begins with the quote at an offset.
fn value(s: &[u8], quote: usize) -> Result<usize, Stop> {
    let mut at = quote + 1;
    loop {
        match s.get(at) {
            None => return Err(Stop::More),
            Some(&b) if b == s[quote] => return Ok(at),
            Some(b'<') => return invalid(at),
            Some(b'&') => at = reference(s, at)?.1,
            Some(_) => at += char_at(s, at)?.1,
        }
    }
}

/// Whether all of a document type before its declarations is there.
pub fn header_end(s: &[u8]) -> Result<(), Stop> {
    let mut quote = None;
    for &b in s {
        match (b, quote) {
            (b, Some(q)) if b == q => quote = None,
            (_, Some(_)) => {}
            (b'"' | b'\'', None) => quote = Some(b),
            (b'[' | b'>', None) => return Ok(()),
            _ => {}
        }
    }
    Err(Stop::More)
}

/// Bounds of words, literals and spaces between offsets of a document type.
pub fn literal_bounds(s: &[u8], from: usize, to: usize) -> Vec<usize> {
    let (mut out, mut at) = (vec![from], from);
    while at < to {
        match s[at] {
            q @ (b'"' | b'\'') => {
                out.push(at);
                at += 1 + memchr::memchr(q, &s[at + 1..]).map_or(0, |n| n + 1);
                out.push(at);
            }
            _ => at += 1,
        }
    }
    out.retain(|&b| b <= to);
    out
}

/// Version, encoding and standalone (1, 0, or -1).
pub type Declaration = (Option<String>, Option<String>, i32);

/// What `<?xml …?>` says.
pub fn xml_declaration(s: &[u8], fragment: bool) -> Result<Declaration, Stop> {
    let bad = if fragment { code::TEXT_DECL } else { code::XML_DECL };
    let wrong = |at: usize| Stop::Wrong(bad, at);
    let (mut found, mut at, mut order) = ((None, None, -1), 5, 0);
    loop {
        let next = skip_space(s, at)?;
        if s[next..].starts_with(b"?>") {
            break;
        }
        if next == at {
            return Err(wrong(next));
        }
        let end = name(s, next).map_err(|_| wrong(next))?;
        let key = text(&s[next..end]);
        let equals = skip_space(s, end)?;
        if s[equals] != b'=' {
            return Err(wrong(equals));
        }
        let quote = skip_space(s, equals + 1)?;
        let close = match s[quote] {
            q @ (b'"' | b'\'') => memchr::memchr(q, &s[quote + 1..]).map(|n| quote + 1 + n),
            _ => None,
        };
        let Some(close) = close else { return Err(wrong(quote)) };
        let value = text(&s[quote + 1..close]);
        let rank = match key.as_str() {
            "version" => 1,
            "encoding" => 2,
            "standalone" if !fragment => 3,
            _ => return Err(wrong(next)),
        };
        if rank <= order || (rank > 1 && order == 0 && !fragment) {
            return Err(wrong(next));
        }
        order = rank;
        match rank {
            1 => found.0 = Some(value),
            2 => found.1 = Some(value),
            _ => {
                found.2 = match value.as_str() {
                    "yes" => 1,
                    "no" => 0,
                    _ => return Err(wrong(quote + 1)),
                }
            }
        }
        at = close + 1;
    }
    if order == 0 {
        return Err(wrong(5));
    }
    Ok(found)
}
