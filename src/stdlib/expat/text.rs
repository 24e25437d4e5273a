//! Characters, names and references of XML 1.0, over UTF-8.

use super::event::code;

/// Why something cannot be read: more input is wanted, or it is wrong at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The text ends too early.
    More,
    /// Error number, and where.
    Wrong(usize, usize),
}

/// An invalid token, at an offset.
pub fn invalid<T>(at: usize) -> Result<T, Stop> {
    Err(Stop::Wrong(code::INVALID_TOKEN, at))
}

/// White space of markup.
pub fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// The character at an offset, and its length.
pub fn char_at(s: &[u8], at: usize) -> Result<(char, usize), Stop> {
    let Some(&b) = s.get(at) else { return Err(Stop::More) };
    if b < 0x80 {
        return if b >= 0x20 || is_space(b) { Ok((b as char, 1)) } else { invalid(at) };
    }
    let n = match b {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return invalid(at),
    };
    let bytes = &s[at..s.len().min(at + n)];
    match std::str::from_utf8(bytes) {
        Ok(text) => match text.chars().next() {
            Some('\u{fffe}' | '\u{ffff}') | None => invalid(at),
            Some(c) => Ok((c, n)),
        },
        Err(e) if e.error_len().is_none() && bytes.len() < n => Err(Stop::More),
        Err(_) => invalid(at),
    }
}

/// Whether a name can begin so.
pub fn starts_name(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '_' | ':' => true,
        '\0'..='\x7f' => false,
        // Letters of the first editions of XML 1.0, which expat holds to.
        '\u{80}'..='\u{1fff}' => c.is_alphabetic(),
        '\u{2126}' | '\u{212a}' | '\u{212b}' | '\u{212e}' | '\u{2180}'..='\u{2182}' => true,
        '\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3041}'..='\u{3094}' | '\u{30a1}'..='\u{30fa}' => true,
        '\u{3105}'..='\u{312c}' | '\u{4e00}'..='\u{9fa5}' | '\u{ac00}'..='\u{d7a3}' => true,
        _ => false,
    }
}

/// Whether a name can go on so.
pub fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{345}' | '\u{360}' | '\u{361}')
        || matches!(c, '\u{483}'..='\u{1fff}' if c.is_alphanumeric())
        || matches!(c, '\u{20d0}'..='\u{20dc}' | '\u{20e1}' | '\u{3005}' | '\u{302a}'..='\u{302f}')
        || matches!(c, '\u{3031}'..='\u{3035}' | '\u{3099}' | '\u{309a}' | '\u{309d}' | '\u{309e}')
        || matches!(c, '\u{30fc}'..='\u{30fe}')
}

/// The end of the name that begins at an offset.
pub fn name(s: &[u8], at: usize) -> Result<usize, Stop> {
    let (c, n) = char_at(s, at)?;
    if !starts_name(c) {
        return invalid(at);
    }
    name_rest(s, at + n)
}

/// The end of the name characters from an offset on.
pub fn name_rest(s: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        let (c, n) = char_at(s, at)?;
        if !continues_name(c) {
            return Ok(at);
        }
        at += n;
    }
}

/// The offset of the next byte that is not white space.
pub fn skip_space(s: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        match s.get(at) {
            None => return Err(Stop::More),
            Some(&b) if is_space(b) => at += 1,
            Some(_) => return Ok(at),
        }
    }
}

/// What a `&…;` means.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// A character, by number or by one of the five names.
    Char(char),
    /// Another entity.
    Entity(String),
}

/// The reference that begins with the `&` at an offset, and where it ends.
pub fn reference(s: &[u8], at: usize) -> Result<(Reference, usize), Stop> {
    let Some(&b) = s.get(at + 1) else { return Err(Stop::More) };
    if b != b'#' {
        let end = name(s, at + 1)?;
        if s[end] != b';' {
            return invalid(end);
        }
        let name = text(&s[at + 1..end]);
        let known = match name.as_str() {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return Ok((Reference::Entity(name), end + 1)),
        };
        return Ok((Reference::Char(known), end + 1));
    }
    let hexadecimal = s.get(at + 2) == Some(&b'x');
    let (start, radix) = if hexadecimal { (at + 3, 16) } else { (at + 2, 10) };
    let mut end = start;
    while s.get(end).is_some_and(|&b| (b as char).is_digit(radix)) {
        end += 1;
    }
    match s.get(end) {
        None => Err(Stop::More),
        Some(b';') if end > start => {
            let n = u32::from_str_radix(&text(&s[start..end]), radix).ok().and_then(char::from_u32);
            match n {
                Some(c)
                    if c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(n, Some('\t' | '\n' | '\r')) =>
                {
                    Ok((Reference::Char(n.unwrap_or(' ')), end + 1))
                }
                _ => Err(Stop::Wrong(code::BAD_CHAR_REF, at)),
            }
        }
        Some(_) => invalid(end),
    }
}

/// Checked UTF-8 as text.
pub fn text(s: &[u8]) -> String {
    String::from_utf8_lossy(s).into_owned()
}

/// Text with line ends as XML wants them.
pub fn lines(s: &[u8]) -> String {
    text(s).replace("\r\n", "\n").replace('\r', "\n")
}
