//! Names of characters: `unicodedata.name`, `unicodedata.lookup` and `\N{…}` in string literals.

use super::{Database, category};

/// `name;code points` of every named sequence, sorted by name; written by sequences.py.
static SEQUENCES: &str = include_str!("sequences.txt");
const CJK: &str = "CJK UNIFIED IDEOGRAPH-";
/// Names that can be looked up, although `unicodedata.name` does not give them.
const TANGUT: &str = "TANGUT IDEOGRAPH-";

/// `unicodedata.name`; `None` where CPython finds no name.
pub fn name(cp: u32, database: Database) -> Option<String> {
    if database == Database::V3_2 && category(cp, database) == "Cn" {
        return None;
    }
    unicode_names2::name(char::from_u32(cp)?).map(|name| name.to_string())
}

/// The character of a name in any case, aliases included, sequences not: what `\N{…}` means in a string literal.
pub fn lookup_in_literal(name: &str) -> Option<u32> {
    let name = name.to_ascii_uppercase();
    if let Some(digits) = name.strip_prefix(TANGUT) {
        return hex(digits).filter(|cp| matches!(cp, 0x17000..=0x187F7 | 0x18D00..=0x18D08));
    }
    let found = unicode_names2::character(&name)?;
    if let Some(digits) = name.strip_prefix(CJK) {
        hex(digits)?;
    }
    Some(found as u32)
}

/// Four digits, or five without a leading zero.
fn hex(digits: &str) -> Option<u32> {
    let canonical = digits.len() == 4 || (digits.len() == 5 && !digits.starts_with('0'));
    if !canonical || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

/// `unicodedata.lookup`: a character or a named sequence; `None` is `KeyError: undefined character name '…'`.
pub fn lookup(name: &str, database: Database) -> Option<Vec<u32>> {
    if let Some(cp) = lookup_in_literal(name) {
        let known = database == Database::Current || category(cp, database) != "Cn";
        return known.then(|| vec![cp]);
    }
    sequence(&name.to_ascii_uppercase()).filter(|_| database == Database::Current)
}

fn sequence(name: &str) -> Option<Vec<u32>> {
    // a binary search over lines: halve the text at line starts
    let mut text = SEQUENCES;
    while !text.is_empty() {
        let middle = text[..text.len() / 2].rfind('\n').map_or(0, |newline| newline + 1);
        let (line, after) = text[middle..].split_once('\n')?;
        let (key, code_points) = line.split_once(';')?;
        match key.cmp(name) {
            std::cmp::Ordering::Equal => {
                return code_points.split(' ').map(|cp| u32::from_str_radix(cp, 16).ok()).collect();
            }
            std::cmp::Ordering::Less => text = after,
            std::cmp::Ordering::Greater => text = &text[..middle],
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_both_ways() {
        let current = Database::Current;
        assert_eq!(name(0x2603, current).as_deref(), Some("SNOWMAN"));
        assert_eq!(name(0, current), None);
        assert_eq!(lookup("line feed", current), Some(vec![10]));
        assert_eq!(lookup("keycap digit one", current), Some(vec![0x31, 0xFE0F, 0x20E3]));
        assert_eq!(lookup_in_literal("KEYCAP DIGIT ONE"), None);
        assert_eq!(lookup("CJK UNIFIED IDEOGRAPH-04E00", current), None);
        assert_eq!(lookup("cjk unified ideograph-4e00", current), Some(vec![0x4E00]));
        assert_eq!(lookup("KHITAN SMALL SCRIPT CHARACTER-18B00", Database::V3_2), None);
        let lines = SEQUENCES.lines().map(|line| line.split(';').next().unwrap());
        lines.for_each(|key| assert!(sequence(key).is_some(), "{key}"));
        assert_eq!(sequence("ZZ"), None);
    }
}
