//! Searching, splitting, padding and hashing against `strings.tsv`, in every width that holds the text.

use std::ops::Range;

use taipan_base::hash::{HashKey, TupleHash, hash_frozenset, hash_tuple};
use taipan_base::strings::{self, Side, StripSet, ascii};
use taipan_base::text::{Builder, Text, Unit, code_points};
use taipan_base::{unicode, with_units};

use crate::fixture::{Row, check, escape, hex};

fn shown<U: Unit>(units: &[U]) -> String {
    escape(code_points(units))
}

fn joined<U: Unit>(text: &[U], pieces: &[Range<usize>]) -> String {
    pieces.iter().map(|piece| shown(&text[piece.clone()])).collect::<Vec<_>>().join("|")
}

fn natural(code_points: &[u32]) -> Text {
    let mut builder = Builder::new();
    builder.push_units(code_points);
    builder.finish()
}

fn place(found: Option<usize>) -> String {
    found.map_or(-1, |place| place as isize).to_string()
}

fn most(row: &Row, index: usize) -> usize {
    usize::try_from(row.parse::<isize>(index)).unwrap_or(usize::MAX)
}

/// Operations of a text and another one, in the text's width.
fn with_needle<U: Unit>(row: &Row, text: &[U]) -> Option<String> {
    let needle = strings::narrow::<U, u32>(&row.text(1));
    let needle = needle.as_deref();
    // a separator that does not fit the width does not occur
    let whole = 0..text.len();
    let uncut = std::slice::from_ref(&whole);
    Some(match row.operation.as_str() {
        "find" => place(needle.and_then(|needle| strings::find(text, needle))),
        "rfind" => place(needle.and_then(|needle| strings::rfind(text, needle))),
        "count" => needle.map_or(0, |needle| strings::count(text, needle, usize::MAX)).to_string(),
        "replace" => {
            let new = strings::narrow::<U, u32>(&row.text(2))?;
            let changed = needle.and_then(|needle| strings::replace(text, needle, &new, most(row, 3)));
            changed.map_or_else(|| shown(text), |changed| shown(&changed))
        }
        "split" => joined(text, &needle.map_or(uncut.to_vec(), |sep| strings::split(text, sep, most(row, 2)))),
        "rsplit" => joined(text, &needle.map_or(uncut.to_vec(), |sep| strings::rsplit(text, sep, most(row, 2)))),
        "strip" | "lstrip" | "rstrip" => {
            let chars = row.text(1);
            let set = StripSet::new(&chars);
            shown(&text[strings::strip(text, side(&row.operation), |cp| set.contains(cp))])
        }
        _ => return None,
    })
}

fn side(operation: &str) -> Side {
    match operation.as_bytes()[0] {
        b'l' => Side::Left,
        b'r' => Side::Right,
        _ => Side::Both,
    }
}

fn alone<U: Unit>(row: &Row, text: &[U]) -> Option<String> {
    Some(match row.operation.as_str() {
        "split_none" => joined(text, &strings::split_whitespace(text, most(row, 1), unicode::is_space)),
        "rsplit_none" => joined(text, &strings::rsplit_whitespace(text, most(row, 1), unicode::is_space)),
        "splitlines" => joined(text, &strings::lines(text, row.fields[1] == "1", unicode::is_line_break)),
        "strip_none" | "lstrip_none" | "rstrip_none" => {
            shown(&text[strings::strip(text, side(&row.operation), unicode::is_space)])
        }
        "center" => {
            let (left, right) = strings::center_padding(text.len(), row.parse(1));
            format!("{}{}{}", "*".repeat(left), shown(text), "*".repeat(right))
        }
        "zfill" => strings::zfill(text, row.parse(1)).map_or_else(|| shown(text), |filled| shown(&filled)),
        "expandtabs" => shown(&strings::expand_tabs(text, row.parse(1))),
        _ => return None,
    })
}

fn of_bytes(row: &Row) -> Option<String> {
    let operation = row.operation.strip_prefix('b')?;
    let bytes = row.bytes(0);
    let flag = |value: bool| u8::from(value).to_string();
    let listed = |pieces: Vec<Range<usize>>| {
        pieces.into_iter().map(|piece| hex(&bytes[piece]) + ".").collect::<Vec<_>>().join(" ")
    };
    Some(match operation {
        "isalpha" => flag(ascii::is_alpha(&bytes)),
        "isalnum" => flag(ascii::is_alnum(&bytes)),
        "isdigit" => flag(ascii::is_digit(&bytes)),
        "isspace" => flag(ascii::is_all_space(&bytes)),
        "islower" => flag(ascii::is_lower(&bytes)),
        "isupper" => flag(ascii::is_upper(&bytes)),
        "istitle" => flag(ascii::is_title(&bytes)),
        "swapcase" => hex(&ascii::swapcase(&bytes)),
        "title" => hex(&ascii::title(&bytes)),
        "capitalize" => hex(&ascii::capitalize(&bytes)),
        "split_none" => listed(strings::split_whitespace(&bytes, usize::MAX, |cp| ascii::is_space(cp as u8))),
        "splitlines" => listed(strings::lines(&bytes, false, strings::is_ascii_line_break)),
        "translate" => {
            let table: [u8; 256] = std::array::from_fn(|byte| 255 - byte as u8);
            hex(&ascii::translate(&bytes, Some(&table), &row.bytes(1)))
        }
        _ => return None,
    })
}

fn of_hashes(row: &Row) -> Option<String> {
    let numbers = || row.fields.iter().map(|field| taipan_base::int::parse(field.as_bytes(), 10, 0).unwrap().hash());
    let key = || HashKey::from_seed(row.parse(0));
    Some(match row.operation.as_str() {
        "hash_tuple" => hash_tuple(&numbers().collect::<Vec<_>>()).to_string(),
        "hash_frozenset" => hash_frozenset(numbers()).to_string(),
        "hash_slice" => {
            let mut hash = TupleHash::default();
            numbers().for_each(|number| hash.add(number));
            hash.finish_slice().to_string()
        }
        "hash_str" => with_units!(&natural(&row.text(1)), units => key().hash(units)).to_string(),
        "hash_bytes" => key().hash(&row.bytes(1)).to_string(),
        _ => return None,
    })
}

fn answer(row: &Row) -> String {
    if let Some(answer) = of_hashes(row).or_else(|| of_bytes(row)) {
        return answer;
    }
    let text = row.text(0);
    let answers: Vec<String> = [natural(&text), Text::Ucs4(text)]
        .iter()
        .filter_map(|text| with_units!(text, units => alone(row, units).or_else(|| with_needle(row, units))))
        .collect();
    let last = answers.last().expect("a known operation").clone();
    assert!(answers.iter().all(|answer| *answer == last), "{answers:?}");
    last
}

#[test]
fn recorded() {
    check("strings", answer);
}
