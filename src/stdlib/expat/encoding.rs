//! From the document's bytes to UTF-8.

use super::event::code;

/// How bytes become characters.
#[derive(Clone, PartialEq, Debug)]
enum Kind {
    /// Not known yet.
    Unknown,
    Utf8,
    Utf16 {
        big: bool,
    },
    /// Each byte is a character.
    Bytes(Vec<Option<char>>),
    /// Asked for.
    Wanted(String),
}

/// Decodes a document piece by piece.
pub struct Decoder {
    kind: Kind,
    /// Said by the program: what the document says does not count.
    forced: bool,
    raw: Vec<u8>,
    /// Bytes of single-byte encodings decoded before the declaration was read, so that they can be decoded again.
    before: Vec<u8>,
}

fn latin1() -> Kind {
    Kind::Bytes((0..=255).map(|b: u8| Some(b as char)).collect())
}

fn known(name: &str) -> Option<Kind> {
    Some(match name.to_ascii_lowercase().as_str() {
        "utf-8" => Kind::Utf8,
        "utf-16" => Kind::Utf16 { big: false },
        "utf-16le" => Kind::Utf16 { big: false },
        "utf-16be" => Kind::Utf16 { big: true },
        "iso-8859-1" => latin1(),
        "us-ascii" => Kind::Bytes((0..=255).map(|b: u8| (b < 128).then_some(b as char)).collect()),
        _ => return None,
    })
}

impl Decoder {
    /// With the encoding that the program says, if any.
    pub fn new(encoding: Option<String>) -> Decoder {
        let kind = encoding.as_ref().map(|e| known(e).unwrap_or_else(|| Kind::Wanted(e.clone())));
        let forced = kind.is_some();
        Decoder { kind: kind.unwrap_or(Kind::Unknown), forced, raw: Vec::new(), before: Vec::new() }
    }

    /// Takes in bytes.
    pub fn feed(&mut self, data: &[u8]) {
        self.raw.extend_from_slice(data);
    }

    /// Bytes that are not decoded yet.
    pub fn rest(&self) -> usize {
        self.raw.len()
    }

    /// Whether the document is not in UTF-8.
    pub fn converts(&self) -> bool {
        matches!(self.kind, Kind::Bytes(_) | Kind::Utf16 { .. })
    }

    /// Everything is UTF-8 from now on.
    pub fn force_utf8(&mut self) {
        (self.kind, self.forced) = (Kind::Utf8, true);
    }

    /// The encoding whose characters must be told.
    pub fn wanted(&self) -> Option<&str> {
        match &self.kind {
            Kind::Wanted(name) => Some(name),
            _ => None,
        }
    }

    /// Its characters.
    pub fn map(&mut self, table: Vec<Option<char>>) {
        self.kind = Kind::Bytes(table);
    }

    /// The declaration names an encoding; the error number if that cannot be.
    pub fn declared(&mut self, name: &str) -> Option<usize> {
        if self.forced {
            return None;
        }
        let new = known(name).unwrap_or_else(|| Kind::Wanted(name.to_owned()));
        match (&self.kind, &new) {
            (Kind::Utf16 { .. }, Kind::Utf16 { .. }) => return None,
            (Kind::Utf16 { .. }, _) | (_, Kind::Utf16 { .. }) => return Some(code::INCORRECT_ENCODING),
            _ => {}
        }
        self.kind = new;
        None
    }

    /// What is decoded beyond `at` is decoded again, as declared.
    pub fn restart(&mut self, buffer: &mut Vec<u8>, at: usize) {
        if !self.forced && matches!(self.kind, Kind::Bytes(_) | Kind::Wanted(_)) {
            let rest = buffer.split_off(at);
            self.before.extend(rest);
            self.before.append(&mut self.raw);
            self.raw = std::mem::take(&mut self.before);
        }
    }

    /// Bytes of the document that these bytes of UTF-8 were.
    pub fn bytes_of(&self, s: &[u8]) -> usize {
        match self.kind {
            Kind::Utf16 { .. } => {
                s.iter().map(|&b| if b >= 0xf0 { 4 } else { 2 * usize::from(b & 0xc0 != 0x80) }).sum()
            }
            Kind::Bytes(_) => s.iter().filter(|&&b| b & 0xc0 != 0x80).count(),
            _ => s.len(),
        }
    }

    /// Decodes what there is; gives the length of a byte order mark, or the error number if that cannot be.
    pub fn decode(&mut self, out: &mut Vec<u8>, last: bool) -> Result<usize, usize> {
        let mut mark = 0;
        if self.kind == Kind::Unknown {
            let first = &self.raw[..self.raw.len().min(3)];
            let (kind, skip) = match first {
                [0xef, 0xbb, 0xbf] => (Kind::Utf8, 3),
                [0xff, 0xfe, ..] => (Kind::Utf16 { big: false }, 2),
                [0xfe, 0xff, ..] => (Kind::Utf16 { big: true }, 2),
                [0, _, ..] => (Kind::Utf16 { big: true }, 0),
                [_, 0, ..] => (Kind::Utf16 { big: false }, 0),
                [0xef] | [0xef, 0xbb] | [0xff] | [0xfe] | [] | [b'<'] | [0] if !last => return Ok(0),
                _ => (Kind::Utf8, 0),
            };
            self.kind = kind;
            self.raw.drain(..skip);
            mark = skip;
        }
        match &self.kind {
            Kind::Wanted(_) | Kind::Unknown => {}
            Kind::Utf8 => out.append(&mut self.raw),
            Kind::Bytes(table) => {
                for b in self.raw.drain(..) {
                    match table[b as usize] {
                        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                        // No character: the parser stumbles where it stands.
                        None => out.push(0xff),
                    }
                }
            }
            &Kind::Utf16 { big } => {
                let units: Vec<u16> = self
                    .raw
                    .chunks_exact(2)
                    .map(|c| if big { u16::from_be_bytes([c[0], c[1]]) } else { u16::from_le_bytes([c[0], c[1]]) })
                    .collect();
                // A first half of a pair waits for the other.
                let wait = units.last().is_some_and(|u| (0xd800..0xdc00).contains(u)) && !last;
                let units = &units[..units.len() - usize::from(wait)];
                for (i, c) in char::decode_utf16(units.iter().copied()).enumerate() {
                    match c {
                        Ok('\u{feff}') if i == 0 && out.is_empty() && mark == 0 => mark = 2,
                        Ok(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                        Err(_) => out.push(0xff),
                    }
                }
                self.raw.drain(..units.len() * 2);
                if last && !self.raw.is_empty() {
                    return Err(code::PARTIAL_CHAR);
                }
            }
        }
        Ok(mark)
    }
}
