//! Bytes to source text: byte order mark and encoding declaration (PEP 263), as CPython's tokenizer does it.

use crate::error::{ErrorClass, Location, SyntaxError};

/// A decoded source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The text, without a byte order mark; newlines as they were.
    pub text: String,
    /// The normalised name of the encoding that was declared, or `utf-8`.
    pub encoding: String,
}

/// Decodes the bytes of a source file.
///
/// Errors: `SyntaxError` for null bytes, unknown encodings and bytes that the encoding does not have, in CPython's words.
pub fn decode_source(bytes: &[u8], filename: &str) -> Result<Source, Box<SyntaxError>> {
    if memchr::memchr(0, bytes).is_some() {
        let msg = "source code string cannot contain null bytes";
        return Err(Box::new(SyntaxError::new(ErrorClass::SyntaxError, msg)));
    }
    let (body, has_mark) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(body) => (body, true),
        None => (bytes, false),
    };
    let declared = declaration(body);
    let Some(name) = declared else { return utf8(body, "utf-8") };
    let encoding = normalise(name);
    if has_mark && encoding != "utf-8" {
        return Err(Box::new(mark_conflict(body, &encoding)));
    }
    if encoding == "utf-8" || is_utf8_alias(&encoding) {
        return utf8(body, "utf-8");
    }
    let codec = SingleByte::named(&encoding).ok_or_else(|| unknown(name, filename))?;
    codec.decode(body).map(|text| Source { text, encoding }).map_err(|error| Box::new(error.located(body, filename)))
}

fn utf8(body: &[u8], encoding: &str) -> Result<Source, Box<SyntaxError>> {
    match std::str::from_utf8(body) {
        Ok(text) => Ok(Source { text: text.to_owned(), encoding: encoding.to_owned() }),
        Err(error) => Err(Box::new(not_utf8(body, error.valid_up_to()))),
    }
}

/// The encoding that one of the first two lines names. A second line counts only below a blank or comment line.
fn declaration(body: &[u8]) -> Option<&str> {
    let mut lines = body.split(|&b| b == b'\n' || b == b'\r');
    let first = lines.next()?;
    if let Some(name) = cookie(first) {
        return Some(name);
    }
    if !only_comment(first) {
        return None;
    }
    let mut second = lines.next()?;
    if second.is_empty() && body.get(first.len()..first.len() + 2) == Some(b"\r\n") {
        second = lines.next()?;
    }
    cookie(second)
}

fn only_comment(line: &[u8]) -> bool {
    match line.iter().find(|b| !matches!(b, b' ' | b'\t' | 0x0c)) {
        None => true,
        Some(&byte) => byte == b'#',
    }
}

/// `coding[:=][ \t]*name` in a comment.
fn cookie(line: &[u8]) -> Option<&str> {
    if !only_comment(line) {
        return None;
    }
    let mut rest = line;
    while let Some(at) = memchr::memmem::find(rest, b"coding") {
        rest = &rest[at + 6..];
        let Some(after) = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"=")) else { continue };
        let start = after.iter().position(|b| !matches!(b, b' ' | b'\t')).unwrap_or(after.len());
        let name = &after[start..];
        let end = name.iter().position(|b| !(b.is_ascii_alphanumeric() || b"-_.".contains(b))).unwrap_or(name.len());
        if end > 0 {
            return std::str::from_utf8(&name[..end]).ok();
        }
    }
    None
}

/// `utf-8` and `iso-8859-1` in all their spellings; other names only lose case and separators.
fn normalise(name: &str) -> String {
    let lower: String = name.chars().take(12).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    let starts = |known: &str| lower == known || lower.starts_with(&format!("{known}-"));
    if starts("utf-8") {
        return "utf-8".to_owned();
    }
    if ["latin-1", "iso-8859-1", "iso-latin-1"].into_iter().any(starts) {
        return "iso-8859-1".to_owned();
    }
    name.to_owned()
}

/// Other names of UTF-8, which CPython finds among its codecs only.
fn is_utf8_alias(name: &str) -> bool {
    let lower: String = name.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    matches!(lower.as_str(), "utf8" | "u8" | "utf" | "cp65001" | "utf8-ucs2" | "utf8-ucs4")
}

fn unknown(name: &str, filename: &str) -> Box<SyntaxError> {
    let mut error = SyntaxError::new(ErrorClass::SyntaxError, format!("unknown encoding: {name}"));
    error.filename = Some(filename.to_owned());
    error.location = Some(Location { lineno: 0, offset: -1, end_lineno: 0, end_offset: -1 });
    Box::new(error)
}

fn mark_conflict(body: &[u8], encoding: &str) -> SyntaxError {
    let text = first_line(body);
    let mut error = SyntaxError::new(ErrorClass::SyntaxError, format!("encoding problem: {encoding} with BOM"));
    let end = text.chars().count() as i32 + 1;
    error.location = Some(Location { lineno: 1, offset: 0, end_lineno: 1, end_offset: end });
    error.text = Some(text);
    error
}

fn first_line(body: &[u8]) -> String {
    let end = body.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(body.len());
    String::from_utf8_lossy(&body[..end]).into_owned()
}

fn not_utf8(body: &[u8], at: usize) -> SyntaxError {
    let before = String::from_utf8_lossy(&body[..at]).replace("\r\n", "\n").replace('\r', "\n");
    let lineno = before.matches('\n').count() + 1;
    let msg = format!(
        "Non-UTF-8 code starting with '\\x{:02x}' on line {lineno}, but no encoding declared; \
         see https://peps.python.org/pep-0263/ for details",
        body[at]
    );
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let offset = before[start..].chars().count() as i32 + 1;
    let line_start = at - (before.len() - start);
    let end = body[at..].iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(body.len(), |end| at + end);
    let mut error = SyntaxError::new(ErrorClass::SyntaxError, msg);
    let lineno = lineno as i32;
    error.location = Some(Location { lineno, offset, end_lineno: lineno, end_offset: offset });
    error.text = Some(String::from_utf8_lossy(&body[line_start..end]).into_owned());
    error
}

/// A codec whose characters are single bytes.
enum SingleByte {
    Ascii,
    Latin1,
    /// Characters for the bytes 0x80 to 0xff; `\u{fffe}` where the encoding has none.
    Table(&'static [char; 128], &'static str),
}

/// A byte without a character.
struct BadByte {
    codec: &'static str,
    at: usize,
    byte: u8,
    reason: &'static str,
}

impl BadByte {
    fn located(self, _body: &[u8], filename: &str) -> SyntaxError {
        let BadByte { codec, at, byte, reason } = self;
        let msg = format!("(unicode error) '{codec}' codec can't decode byte 0x{byte:02x} in position {at}: {reason}");
        let mut error = SyntaxError::new(ErrorClass::SyntaxError, msg);
        error.filename = Some(filename.to_owned());
        error.location = Some(Location { lineno: 0, offset: -1, end_lineno: 0, end_offset: -1 });
        error
    }
}

impl SingleByte {
    /// The codec behind a declared name; separators and case do not matter.
    fn named(name: &str) -> Option<SingleByte> {
        let key: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        Some(match key.as_str() {
            "ascii" | "usascii" | "646" | "iso646us" | "ansix341968" => SingleByte::Ascii,
            "iso88591" | "latin1" | "l1" | "latin" | "8859" | "cp819" | "isoir100" => SingleByte::Latin1,
            "iso885915" | "latin9" | "l9" => SingleByte::Table(&ISO_8859_15, "charmap"),
            "cp1252" | "windows1252" | "1252" => SingleByte::Table(&CP1252, "charmap"),
            "cp1251" | "windows1251" | "1251" => SingleByte::Table(&CP1251, "charmap"),
            "koi8r" | "cskoi8r" => SingleByte::Table(&KOI8_R, "charmap"),
            "iso88595" | "cyrillic" => SingleByte::Table(&ISO_8859_5, "charmap"),
            _ => return None,
        })
    }

    fn decode(&self, body: &[u8]) -> Result<String, BadByte> {
        let mut text = String::with_capacity(body.len() + body.len() / 8);
        for (at, &byte) in body.iter().enumerate() {
            let high = usize::from(byte).checked_sub(0x80);
            match (self, high) {
                (_, None) | (SingleByte::Latin1, _) => text.push(char::from(byte)),
                (SingleByte::Ascii, Some(_)) => {
                    return Err(BadByte { codec: "ascii", at, byte, reason: "ordinal not in range(128)" });
                }
                (SingleByte::Table(table, codec), Some(high)) => match table[high] {
                    '\u{fffe}' => return Err(BadByte { codec, at, byte, reason: "character maps to <undefined>" }),
                    c => text.push(c),
                },
            }
        }
        Ok(text)
    }
}

/// ISO 8859-15, Western European with the euro sign: the bytes from 0x80.
#[rustfmt::skip]
static ISO_8859_15: [char; 128] = [
    '\u{80}', '\u{81}', '\u{82}', '\u{83}', '\u{84}', '\u{85}', '\u{86}', '\u{87}', '\u{88}', '\u{89}', '\u{8a}', '\u{8b}', '\u{8c}', '\u{8d}', '\u{8e}', '\u{8f}',
    '\u{90}', '\u{91}', '\u{92}', '\u{93}', '\u{94}', '\u{95}', '\u{96}', '\u{97}', '\u{98}', '\u{99}', '\u{9a}', '\u{9b}', '\u{9c}', '\u{9d}', '\u{9e}', '\u{9f}',
    '\u{a0}', '\u{a1}', '\u{a2}', '\u{a3}', '\u{20ac}', '\u{a5}', '\u{160}', '\u{a7}', '\u{161}', '\u{a9}', '\u{aa}', '\u{ab}', '\u{ac}', '\u{ad}', '\u{ae}', '\u{af}',
    '\u{b0}', '\u{b1}', '\u{b2}', '\u{b3}', '\u{17d}', '\u{b5}', '\u{b6}', '\u{b7}', '\u{17e}', '\u{b9}', '\u{ba}', '\u{bb}', '\u{152}', '\u{153}', '\u{178}', '\u{bf}',
    '\u{c0}', '\u{c1}', '\u{c2}', '\u{c3}', '\u{c4}', '\u{c5}', '\u{c6}', '\u{c7}', '\u{c8}', '\u{c9}', '\u{ca}', '\u{cb}', '\u{cc}', '\u{cd}', '\u{ce}', '\u{cf}',
    '\u{d0}', '\u{d1}', '\u{d2}', '\u{d3}', '\u{d4}', '\u{d5}', '\u{d6}', '\u{d7}', '\u{d8}', '\u{d9}', '\u{da}', '\u{db}', '\u{dc}', '\u{dd}', '\u{de}', '\u{df}',
    '\u{e0}', '\u{e1}', '\u{e2}', '\u{e3}', '\u{e4}', '\u{e5}', '\u{e6}', '\u{e7}', '\u{e8}', '\u{e9}', '\u{ea}', '\u{eb}', '\u{ec}', '\u{ed}', '\u{ee}', '\u{ef}',
    '\u{f0}', '\u{f1}', '\u{f2}', '\u{f3}', '\u{f4}', '\u{f5}', '\u{f6}', '\u{f7}', '\u{f8}', '\u{f9}', '\u{fa}', '\u{fb}', '\u{fc}', '\u{fd}', '\u{fe}', '\u{ff}',
];

/// Windows 1252, Western European: the bytes from 0x80.
#[rustfmt::skip]
static CP1252: [char; 128] = [
    '\u{20ac}', '\u{fffe}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{fffe}', '\u{17d}', '\u{fffe}',
    '\u{fffe}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{fffe}', '\u{17e}', '\u{178}',
    '\u{a0}', '\u{a1}', '\u{a2}', '\u{a3}', '\u{a4}', '\u{a5}', '\u{a6}', '\u{a7}', '\u{a8}', '\u{a9}', '\u{aa}', '\u{ab}', '\u{ac}', '\u{ad}', '\u{ae}', '\u{af}',
    '\u{b0}', '\u{b1}', '\u{b2}', '\u{b3}', '\u{b4}', '\u{b5}', '\u{b6}', '\u{b7}', '\u{b8}', '\u{b9}', '\u{ba}', '\u{bb}', '\u{bc}', '\u{bd}', '\u{be}', '\u{bf}',
    '\u{c0}', '\u{c1}', '\u{c2}', '\u{c3}', '\u{c4}', '\u{c5}', '\u{c6}', '\u{c7}', '\u{c8}', '\u{c9}', '\u{ca}', '\u{cb}', '\u{cc}', '\u{cd}', '\u{ce}', '\u{cf}',
    '\u{d0}', '\u{d1}', '\u{d2}', '\u{d3}', '\u{d4}', '\u{d5}', '\u{d6}', '\u{d7}', '\u{d8}', '\u{d9}', '\u{da}', '\u{db}', '\u{dc}', '\u{dd}', '\u{de}', '\u{df}',
    '\u{e0}', '\u{e1}', '\u{e2}', '\u{e3}', '\u{e4}', '\u{e5}', '\u{e6}', '\u{e7}', '\u{e8}', '\u{e9}', '\u{ea}', '\u{eb}', '\u{ec}', '\u{ed}', '\u{ee}', '\u{ef}',
    '\u{f0}', '\u{f1}', '\u{f2}', '\u{f3}', '\u{f4}', '\u{f5}', '\u{f6}', '\u{f7}', '\u{f8}', '\u{f9}', '\u{fa}', '\u{fb}', '\u{fc}', '\u{fd}', '\u{fe}', '\u{ff}',
];

/// Windows 1251, Cyrillic: the bytes from 0x80.
#[rustfmt::skip]
static CP1251: [char; 128] = [
    '\u{402}', '\u{403}', '\u{201a}', '\u{453}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{20ac}', '\u{2030}', '\u{409}', '\u{2039}', '\u{40a}', '\u{40c}', '\u{40b}', '\u{40f}',
    '\u{452}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{fffe}', '\u{2122}', '\u{459}', '\u{203a}', '\u{45a}', '\u{45c}', '\u{45b}', '\u{45f}',
    '\u{a0}', '\u{40e}', '\u{45e}', '\u{408}', '\u{a4}', '\u{490}', '\u{a6}', '\u{a7}', '\u{401}', '\u{a9}', '\u{404}', '\u{ab}', '\u{ac}', '\u{ad}', '\u{ae}', '\u{407}',
    '\u{b0}', '\u{b1}', '\u{406}', '\u{456}', '\u{491}', '\u{b5}', '\u{b6}', '\u{b7}', '\u{451}', '\u{2116}', '\u{454}', '\u{bb}', '\u{458}', '\u{405}', '\u{455}', '\u{457}',
    '\u{410}', '\u{411}', '\u{412}', '\u{413}', '\u{414}', '\u{415}', '\u{416}', '\u{417}', '\u{418}', '\u{419}', '\u{41a}', '\u{41b}', '\u{41c}', '\u{41d}', '\u{41e}', '\u{41f}',
    '\u{420}', '\u{421}', '\u{422}', '\u{423}', '\u{424}', '\u{425}', '\u{426}', '\u{427}', '\u{428}', '\u{429}', '\u{42a}', '\u{42b}', '\u{42c}', '\u{42d}', '\u{42e}', '\u{42f}',
    '\u{430}', '\u{431}', '\u{432}', '\u{433}', '\u{434}', '\u{435}', '\u{436}', '\u{437}', '\u{438}', '\u{439}', '\u{43a}', '\u{43b}', '\u{43c}', '\u{43d}', '\u{43e}', '\u{43f}',
    '\u{440}', '\u{441}', '\u{442}', '\u{443}', '\u{444}', '\u{445}', '\u{446}', '\u{447}', '\u{448}', '\u{449}', '\u{44a}', '\u{44b}', '\u{44c}', '\u{44d}', '\u{44e}', '\u{44f}',
];

/// KOI8-R, Russian: the bytes from 0x80.
#[rustfmt::skip]
static KOI8_R: [char; 128] = [
    '\u{2500}', '\u{2502}', '\u{250c}', '\u{2510}', '\u{2514}', '\u{2518}', '\u{251c}', '\u{2524}', '\u{252c}', '\u{2534}', '\u{253c}', '\u{2580}', '\u{2584}', '\u{2588}', '\u{258c}', '\u{2590}',
    '\u{2591}', '\u{2592}', '\u{2593}', '\u{2320}', '\u{25a0}', '\u{2219}', '\u{221a}', '\u{2248}', '\u{2264}', '\u{2265}', '\u{a0}', '\u{2321}', '\u{b0}', '\u{b2}', '\u{b7}', '\u{f7}',
    '\u{2550}', '\u{2551}', '\u{2552}', '\u{451}', '\u{2553}', '\u{2554}', '\u{2555}', '\u{2556}', '\u{2557}', '\u{2558}', '\u{2559}', '\u{255a}', '\u{255b}', '\u{255c}', '\u{255d}', '\u{255e}',
    '\u{255f}', '\u{2560}', '\u{2561}', '\u{401}', '\u{2562}', '\u{2563}', '\u{2564}', '\u{2565}', '\u{2566}', '\u{2567}', '\u{2568}', '\u{2569}', '\u{256a}', '\u{256b}', '\u{256c}', '\u{a9}',
    '\u{44e}', '\u{430}', '\u{431}', '\u{446}', '\u{434}', '\u{435}', '\u{444}', '\u{433}', '\u{445}', '\u{438}', '\u{439}', '\u{43a}', '\u{43b}', '\u{43c}', '\u{43d}', '\u{43e}',
    '\u{43f}', '\u{44f}', '\u{440}', '\u{441}', '\u{442}', '\u{443}', '\u{436}', '\u{432}', '\u{44c}', '\u{44b}', '\u{437}', '\u{448}', '\u{44d}', '\u{449}', '\u{447}', '\u{44a}',
    '\u{42e}', '\u{410}', '\u{411}', '\u{426}', '\u{414}', '\u{415}', '\u{424}', '\u{413}', '\u{425}', '\u{418}', '\u{419}', '\u{41a}', '\u{41b}', '\u{41c}', '\u{41d}', '\u{41e}',
    '\u{41f}', '\u{42f}', '\u{420}', '\u{421}', '\u{422}', '\u{423}', '\u{416}', '\u{412}', '\u{42c}', '\u{42b}', '\u{417}', '\u{428}', '\u{42d}', '\u{429}', '\u{427}', '\u{42a}',
];

/// ISO 8859-5, Cyrillic: the bytes from 0x80.
#[rustfmt::skip]
static ISO_8859_5: [char; 128] = [
    '\u{80}', '\u{81}', '\u{82}', '\u{83}', '\u{84}', '\u{85}', '\u{86}', '\u{87}', '\u{88}', '\u{89}', '\u{8a}', '\u{8b}', '\u{8c}', '\u{8d}', '\u{8e}', '\u{8f}',
    '\u{90}', '\u{91}', '\u{92}', '\u{93}', '\u{94}', '\u{95}', '\u{96}', '\u{97}', '\u{98}', '\u{99}', '\u{9a}', '\u{9b}', '\u{9c}', '\u{9d}', '\u{9e}', '\u{9f}',
    '\u{a0}', '\u{401}', '\u{402}', '\u{403}', '\u{404}', '\u{405}', '\u{406}', '\u{407}', '\u{408}', '\u{409}', '\u{40a}', '\u{40b}', '\u{40c}', '\u{ad}', '\u{40e}', '\u{40f}',
    '\u{410}', '\u{411}', '\u{412}', '\u{413}', '\u{414}', '\u{415}', '\u{416}', '\u{417}', '\u{418}', '\u{419}', '\u{41a}', '\u{41b}', '\u{41c}', '\u{41d}', '\u{41e}', '\u{41f}',
    '\u{420}', '\u{421}', '\u{422}', '\u{423}', '\u{424}', '\u{425}', '\u{426}', '\u{427}', '\u{428}', '\u{429}', '\u{42a}', '\u{42b}', '\u{42c}', '\u{42d}', '\u{42e}', '\u{42f}',
    '\u{430}', '\u{431}', '\u{432}', '\u{433}', '\u{434}', '\u{435}', '\u{436}', '\u{437}', '\u{438}', '\u{439}', '\u{43a}', '\u{43b}', '\u{43c}', '\u{43d}', '\u{43e}', '\u{43f}',
    '\u{440}', '\u{441}', '\u{442}', '\u{443}', '\u{444}', '\u{445}', '\u{446}', '\u{447}', '\u{448}', '\u{449}', '\u{44a}', '\u{44b}', '\u{44c}', '\u{44d}', '\u{44e}', '\u{44f}',
    '\u{2116}', '\u{451}', '\u{452}', '\u{453}', '\u{454}', '\u{455}', '\u{456}', '\u{457}', '\u{458}', '\u{459}', '\u{45a}', '\u{45b}', '\u{45c}', '\u{a7}', '\u{45e}', '\u{45f}',
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        decode_source(bytes, "f").unwrap().text
    }

    #[test]
    fn declared_encodings() {
        assert_eq!(text(b"# coding: latin-1\n'\xe9'"), "# coding: latin-1\n'é'");
        assert_eq!(text(b"#!x\n# -*- coding: cp1252 -*-\n'\x80'"), "#!x\n# -*- coding: cp1252 -*-\n'€'");
        assert_eq!(text(b"\xef\xbb\xbfx"), "x");
        assert_eq!(decode_source(b"x\n# coding: latin-1\n", "f").unwrap().encoding, "utf-8");
        assert_eq!(decode_source(b"# coding: ISO_8859_1\n", "f").unwrap().encoding, "iso-8859-1");
    }

    #[test]
    fn refused_bytes() {
        let message = |bytes| decode_source(bytes, "f").unwrap_err().msg;
        assert_eq!(message(b"a\0"), "source code string cannot contain null bytes");
        assert_eq!(message(b"# coding: foo\n"), "unknown encoding: foo");
        assert_eq!(message(b"\xef\xbb\xbf# coding: latin-1\n"), "encoding problem: iso-8859-1 with BOM");
        let error = decode_source(b"x\n  \xff y\n", "f").unwrap_err();
        assert!(error.msg.starts_with("Non-UTF-8 code starting with '\\xff' on line 2, but no encoding declared;"));
        assert_eq!(error.location.unwrap().offset, 3);
    }
}
