//! Decomposition, composition and the four normal forms (Unicode Standard Annex 15), in both databases.

use super::table::{find, last_at_most, u32_at};
use super::{Database, Props, at};
use crate::text::{Builder, Text, Unit};

/// A normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Composed canonical.
    Nfc,
    /// Composed compatibility.
    Nfkc,
    /// Decomposed canonical.
    Nfd,
    /// Decomposed compatibility.
    Nfkd,
}

impl Form {
    /// The form by its name in Python.
    pub fn from_name(name: &str) -> Option<Form> {
        Some(match name {
            "NFC" => Form::Nfc,
            "NFKC" => Form::Nfkc,
            "NFD" => Form::Nfd,
            "NFKD" => Form::Nfkd,
            _ => return None,
        })
    }

    fn is_compatible(self) -> bool {
        matches!(self, Form::Nfkc | Form::Nfkd)
    }

    fn composes(self) -> bool {
        matches!(self, Form::Nfc | Form::Nfkc)
    }

    fn look_flag(self) -> u16 {
        match self {
            Form::Nfc => at::NFC_LOOK,
            Form::Nfkc => at::NFKC_LOOK,
            Form::Nfd => at::NFD_LOOK,
            Form::Nfkd => at::NFKD_LOOK,
        }
    }
}

// Hangul syllables are arithmetic: (leading * 21 + vowel) * 28 + trailing
const SYLLABLES: u32 = 0xAC00;
const LEADING: u32 = 0x1100;
const VOWEL: u32 = 0x1161;
const TRAILING: u32 = 0x11A7;
const SYLLABLE_COUNT: u32 = 11172;

fn hangul(cp: u32) -> Option<[u32; 3]> {
    let index = cp.checked_sub(SYLLABLES).filter(|&index| index < SYLLABLE_COUNT)?;
    Some([LEADING + index / 588, VOWEL + index % 588 / 28, TRAILING + index % 28])
}

/// The mapping of one step: tag (0: canonical) and code points.
fn mapping(cp: u32) -> Option<(usize, impl Iterator<Item = u32>)> {
    let entry = find(&at::DECOMPOSITIONS, 12, cp)?;
    let (packed, start) = (u32_at(entry + 4), u32_at(entry + 8) as usize);
    let (tag, len) = ((packed >> 24) as usize, (packed & 0xFFFF) as usize);
    Some((tag, (start..start + len).map(|index| u32_at(at::DECOMPOSED.start + 4 * index))))
}

/// `unicodedata.decomposition`: hexadecimal code points, behind a tag such as `<compat>` where there is one.
pub fn decomposition(cp: u32, database: Database) -> String {
    if let Some(parts) = hangul(cp) {
        let used = if parts[2] == TRAILING { &parts[..2] } else { &parts[..] };
        return used.iter().map(|part| format!("{part:04X}")).collect::<Vec<_>>().join(" ");
    }
    if !Props::in_database(cp, database).has(at::DECOMPOSES) {
        return String::new();
    }
    let Some((tag, parts)) = mapping(cp) else { return String::new() };
    let tag = tag.checked_sub(1).map(|index| at::DECOMPOSITION_TAGS[index].to_string());
    tag.into_iter().chain(parts.map(|part| format!("{part:04X}"))).collect::<Vec<_>>().join(" ")
}

/// A correction of a normal form that 3.2 still had otherwise.
fn corrected(cp: u32) -> Option<u32> {
    find(&at::OLD_CORRECTIONS, 8, cp).map(|entry| u32_at(entry + 4))
}

/// Appends the full decomposition.
fn decompose(cp: u32, compatible: bool, database: Database, out: &mut Vec<u32>) {
    if cp < 0xA0 {
        return out.push(cp);
    }
    if let Some(parts) = hangul(cp) {
        out.extend(parts.into_iter().filter(|&part| part != TRAILING));
        return;
    }
    let old = database == Database::V3_2;
    if let Some(other) = corrected(cp).filter(|_| old) {
        return out.push(other);
    }
    if !Props::in_database(cp, database).has(at::DECOMPOSES) {
        return out.push(cp);
    }
    match mapping(cp) {
        Some((tag, parts)) if compatible || tag == 0 => {
            parts.for_each(|part| decompose(part, compatible, database, out));
        }
        _ => out.push(cp),
    }
}

/// The combining class that orders marks: today's, in either database, as CPython has it.
fn combining(cp: u32) -> u8 {
    super::combining(cp, Database::Current)
}

/// Puts runs of combining marks into the order of their classes, stably.
fn reorder(text: &mut [u32]) {
    let class = combining;
    let mut start = 0;
    while start < text.len() {
        if class(text[start]) == 0 {
            start += 1;
            continue;
        }
        let length = text[start..].iter().take_while(|&&cp| class(cp) != 0).count();
        text[start..start + length].sort_by_key(|&cp| class(cp));
        start += length;
    }
}

/// The code point that two compose to.
fn compose_pair(first: u32, second: u32) -> Option<u32> {
    if (LEADING..LEADING + 19).contains(&first) && (VOWEL..VOWEL + 21).contains(&second) {
        return Some(SYLLABLES + (first - LEADING) * 588 + (second - VOWEL) * 28);
    }
    if hangul(first).is_some_and(|parts| parts[2] == TRAILING) && (TRAILING + 1..TRAILING + 28).contains(&second) {
        return Some(first + second - TRAILING);
    }
    // rows sorted by both: start at the last of `first` and go back
    let mut row = last_at_most(&at::COMPOSITIONS, 12, first)?;
    while u32_at(row) == first {
        if u32_at(row + 4) == second {
            return Some(u32_at(row + 8));
        }
        if u32_at(row + 4) < second || row == at::COMPOSITIONS.start {
            return None;
        }
        row -= 12;
    }
    None
}

/// Composes decomposed and ordered text.
fn compose(text: &[u32]) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::with_capacity(text.len());
    // place of the last starter, and the class of the last code point that stayed behind it
    let (mut starter, mut last_class) = (None, 0);
    for &cp in text {
        let class = combining(cp);
        if let Some(place) = starter {
            let adjacent = out.len() == place + 1;
            let blocked = !adjacent && (last_class == 0 || last_class >= class);
            if let Some(composed) = (!blocked).then(|| compose_pair(out[place], cp)).flatten() {
                out[place] = composed;
                continue;
            }
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last_class = class;
        out.push(cp);
    }
    out
}

/// Whether nothing in the text needs a look for this form.
fn is_quickly_normal<U: Unit>(text: &[U], form: Form, database: Database) -> bool {
    let (flag, mut last) = (form.look_flag(), 0);
    text.iter().all(|unit| {
        let cp = unit.cp();
        if cp < 0xA0 {
            last = 0;
            return true;
        }
        let props = Props::in_database(cp, database);
        let class = combining(cp);
        let ordered = class == 0 || last <= class;
        last = class;
        ordered && !props.has(flag)
    })
}

fn normal_form<U: Unit>(text: &[U], form: Form, database: Database) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    text.iter().for_each(|unit| decompose(unit.cp(), form.is_compatible(), database, &mut out));
    reorder(&mut out);
    if form.composes() { compose(&out) } else { out }
}

/// `unicodedata.normalize`; `None` when the text is in that form already.
pub fn normalize<U: Unit>(text: &[U], form: Form, database: Database) -> Option<Text> {
    if is_quickly_normal(text, form, database) {
        return None;
    }
    let mut out = Builder::with_capacity(text.len());
    out.push_units(&normal_form(text, form, database));
    Some(out.finish())
}

/// `unicodedata.is_normalized`
pub fn is_normalized<U: Unit>(text: &[U], form: Form, database: Database) -> bool {
    is_quickly_normal(text, form, database)
        || normal_form(text, form, database).into_iter().eq(text.iter().map(|unit| unit.cp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(text: &str) -> Vec<u32> {
        text.chars().map(|c| c as u32).collect()
    }

    #[test]
    fn forms() {
        let current = Database::Current;
        assert_eq!(normalize(&points("e\u{301}"), Form::Nfc, current), Some(Text::from("é")));
        assert_eq!(normalize(&points("각"), Form::Nfd, current), Some(Text::from("\u{1100}\u{1161}\u{11A8}")));
        assert_eq!(normalize(&points("ﬁ"), Form::Nfkc, current), Some(Text::from("fi")));
        assert_eq!(normalize(&points("abc"), Form::Nfkc, current), None);
        assert_eq!(decomposition(0xBD, current), "<fraction> 0031 2044 0032");
        assert_eq!(decomposition(0xAC00, current), "1100 1161");
        assert!(!is_normalized(&points("a\u{315}\u{300}"), Form::Nfc, current));
    }
}
