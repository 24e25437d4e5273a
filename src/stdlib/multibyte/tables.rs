//! What bytes and characters mean to each other: `tables.bin`, written by `tables.py`, unpacked codec by codec when one
//! is first used.

use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

static PACKED: &[u8] = include_bytes!("tables.bin");

/// What a first byte can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lead {
    /// Never that.
    Wrong,
    /// A character by itself.
    Single,
    /// The first of two bytes.
    Two,
    /// The first of two or more bytes.
    More,
}

/// A table of a codec. Texts are a character, or two packed by [`unpack`]; entries hold one more, zero is none.
pub struct Table {
    leads: [Lead; 256],
    one: [u32; 256],
    two: Vec<u32>,
    /// Behind the byte 0x8f.
    three: Vec<u32>,
    /// Codes by character: pages of 256.
    pages: Vec<Option<Box<[u32; 256]>>>,
    /// Codes of texts of two characters.
    pairs: FxHashMap<(u32, u32), u32>,
    /// Wrong codes that are wrong as a whole: elsewhere only the first byte is.
    wide: Vec<u32>,
}

/// The characters of a packed text.
pub fn unpack(text: u32) -> (u32, Option<u32>) {
    if text < 0x11_0000 {
        return (text, None);
    }
    let both = text - 0x11_0000;
    (both >> 16, Some(both & 0xffff))
}

impl Table {
    /// What a first byte is.
    pub fn lead(&self, byte: u8) -> Lead {
        self.leads[byte as usize]
    }

    /// The text of a code of one to three bytes.
    pub fn text(&self, code: u32) -> Option<u32> {
        let entry = match code {
            0..0x100 => self.one[code as usize],
            0x100..0x1_0000 => self.two[code as usize],
            _ => self.three.get((code & 0xffff) as usize).copied().unwrap_or(0),
        };
        entry.checked_sub(1)
    }

    /// The code of a character.
    pub fn code(&self, c: u32) -> Option<u32> {
        self.pages.get(c as usize >> 8)?.as_ref()?[c as usize & 0xff].checked_sub(1)
    }

    /// The code of two characters together.
    pub fn pair(&self, a: u32, b: u32) -> Option<u32> {
        self.pairs.get(&(a, b)).copied()
    }

    /// Whether the character begins such a text.
    pub fn begins_pair(&self, c: u32) -> bool {
        self.pairs.keys().any(|p| p.0 == c)
    }

    /// How many bytes of a wrong code are to blame.
    pub fn blame(&self, code: u32) -> usize {
        match self.wide.binary_search(&code) {
            Ok(_) if code > 0xffff => 3,
            Ok(_) => 2,
            Err(_) => 1,
        }
    }

    fn store(&mut self, text: u32, code: Option<u32>) {
        match (unpack(text), code) {
            ((a, Some(b)), Some(code)) => {
                self.pairs.insert((a, b), code);
            }
            ((a, Some(b)), None) => {
                self.pairs.remove(&(a, b));
            }
            ((c, None), code) => {
                let page = c as usize >> 8;
                if self.pages.len() <= page {
                    self.pages.resize(page + 1, None);
                }
                let page = self.pages[page].get_or_insert_with(|| Box::new([0; 256]));
                page[c as usize & 0xff] = code.map_or(0, |code| code + 1);
            }
        }
    }
}

/// Reads the unpacked numbers.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> u32 {
        let (mut n, mut shift) = (0, 0);
        loop {
            let b = self.bytes[self.at];
            self.at += 1;
            n |= u32::from(b & 127) << shift;
            shift += 7;
            if b < 128 {
                return n;
            }
        }
    }

    fn signed(&mut self) -> i64 {
        let n = i64::from(self.number());
        if n & 1 == 0 { n >> 1 } else { -((n + 1) >> 1) }
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        self.at += n;
        &self.bytes[self.at - n..self.at]
    }
}

/// One codec of the file.
struct Entry {
    name: String,
    base: Option<usize>,
    body: &'static [u8],
}

/// All that the file says.
struct Content {
    entries: Vec<Entry>,
    tables: Vec<OnceLock<Table>>,
    ranges: Vec<[u32; 3]>,
}

fn content() -> &'static Content {
    static CONTENT: OnceLock<Content> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(PACKED).read_to_end(&mut bytes).expect("a file of our own");
        let mut r = Reader { bytes: bytes.leak(), at: 0 };
        let count = r.number() as usize;
        let entries: Vec<Entry> = (0..count)
            .map(|_| {
                let n = r.number() as usize;
                let name = String::from_utf8_lossy(r.take(n)).into_owned();
                let base = (r.number() as usize).checked_sub(1);
                let n = r.number() as usize;
                Entry { name, base, body: r.take(n) }
            })
            .collect();
        let n = r.number();
        let ranges = (0..n).map(|_| [r.number(), r.number(), r.number()]).collect();
        Content { entries, tables: (0..count).map(|_| OnceLock::new()).collect(), ranges }
    })
}

/// Pairs of code and text of an entry, and the reader behind them.
fn pairs(content: &'static Content, i: usize) -> (BTreeMap<u32, u32>, Reader<'static>) {
    let entry = &content.entries[i];
    let mut all = entry.base.map_or_else(BTreeMap::new, |base| pairs(content, base).0);
    let mut r = Reader { bytes: entry.body, at: 256 };
    let (mut code, mut text) = (0, 0);
    for _ in 0..r.number() {
        code += r.number();
        text += r.signed();
        match text as u32 {
            // Only the code 0 is the text 0.
            0 if code != 0 => all.remove(&code),
            t => all.insert(code, t),
        };
    }
    (all, r)
}

fn build(content: &'static Content, i: usize) -> Table {
    let (all, mut r) = pairs(content, i);
    let mut leads = [Lead::Wrong; 256];
    for (lead, b) in leads.iter_mut().zip(content.entries[i].body) {
        *lead = [Lead::Wrong, Lead::Single, Lead::Two, Lead::More][*b as usize];
    }
    let mut t = Table {
        leads,
        one: [0; 256],
        two: vec![0; 0x1_0000],
        three: Vec::new(),
        pages: Vec::new(),
        pairs: FxHashMap::default(),
        wide: Vec::new(),
    };
    for (&code, &text) in all.iter().rev() {
        match code {
            0..0x100 => t.one[code as usize] = text + 1,
            0x100..0x1_0000 => t.two[code as usize] = text + 1,
            _ => {
                t.three.resize(0x1_0000, 0);
                t.three[(code & 0xffff) as usize] = text + 1;
            }
        }
        // The lowest code of a text comes last, and stays.
        t.store(text, Some(code));
    }
    for _ in 0..r.number() {
        let (text, code) = (r.number(), r.number());
        t.store(text, (code != 0).then_some(code));
    }
    t.wide = (0..r.number()).map(|_| r.number()).collect();
    t
}

/// The table of a codec.
pub fn table(name: &str) -> &'static Table {
    let content = content();
    let i = content.entries.iter().position(|e| e.name == name).expect("a codec of the file");
    content.tables[i].get_or_init(|| build(content, i))
}

/// GB18030's codes of four bytes in the basic plane: the character of a linear number.
pub fn gb18030_character(n: u32) -> Option<u32> {
    let ranges = &content().ranges;
    let [first, c, len] = ranges[ranges.partition_point(|r| r[0] <= n).checked_sub(1)?];
    (n - first < len).then_some(c + n - first)
}

/// The linear number of a character of the basic plane.
pub fn gb18030_number(c: u32) -> Option<u32> {
    content().ranges.iter().find(|r| (r[1]..r[1] + r[2]).contains(&c)).map(|r| r[0] + c - r[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_know_characters() {
        assert_eq!(table("shift_jis").text(0x82a0), Some(0x3042));
        assert_eq!(table("shift_jis").code(0x3042), Some(0x82a0));
        assert_eq!(table("euc_kr").code(0xac00), Some(0xb0a1));
        assert_eq!(table("euc_jp").text(0x8f_a2af), Some(0x2d8));
        assert_eq!(table("big5hkscs").pair(0xca, 0x304), Some(0x8862));
        assert_eq!(gb18030_character(0), Some(0x80));
        assert_eq!(gb18030_number(0x80), Some(0));
    }
}
