//! Codecs against `codecs.tsv`: every codec with every handler.

use taipan_base::codecs::{self, ByteOrder, CharMap, Errors, EscapeErrors, InvalidEscape, Problem};
use taipan_base::text::{Text, code_points};
use taipan_base::with_units;

use crate::fixture::{Row, check, escape, hex};

fn show(text: &Text) -> String {
    with_units!(text, units => escape(code_points(units)))
}

fn raise(kind: &str, problem: &Problem) -> String {
    let Problem { encoding, range, reason } = problem;
    format!("!{kind} {encoding} {} {} {}", range.start, range.end, escape(reason.chars().map(|c| c as u32)))
}

fn order(name: &str) -> Option<ByteOrder> {
    match &name[name.len() - 2..] {
        "le" => Some(ByteOrder::Little),
        "be" => Some(ByteOrder::Big),
        _ => None,
    }
}

/// A table with a hole, a duplicate and an astral character.
fn table() -> Vec<u32> {
    let mut table: Vec<u32> = (0..250).collect();
    (table[65], table[66], table[67], table[200]) = (0x20AC, 0xFFFE, 0x1_F600, 0x41);
    table
}

fn encoded(row: &Row) -> Result<Vec<u8>, Problem> {
    let text = row.text(2);
    let errors = &mut Errors::from_name(&row.fields[1]).expect("a handler");
    match row.fields[0].as_str() {
        "utf-8" => codecs::encode_utf8(&text, errors),
        "utf-7" => Ok(codecs::encode_utf7(&text)),
        "ascii" => codecs::encode_ascii(&text, errors),
        "latin-1" => codecs::encode_latin1(&text, errors),
        "unicode_escape" => Ok(codecs::encode_unicode_escape(&text)),
        "raw_unicode_escape" => Ok(codecs::encode_raw_unicode_escape(&text)),
        "charmap" => {
            let map = CharMap::build(&table());
            codecs::encode_charmap(&text, errors, |cp| Ok(map.byte(cp).map(|byte| [byte].into_iter().collect())))
        }
        name if name.starts_with("utf-16") => codecs::encode_utf16(&text, order(name), errors),
        name => codecs::encode_utf32(&text, order(name), errors),
    }
}

fn invalid(invalid: Option<InvalidEscape>) -> String {
    match invalid {
        None => String::new(),
        Some(InvalidEscape::Unknown { byte, .. }) => format!(" warn {}", escape([0x5C, u32::from(byte)])),
        Some(InvalidEscape::Octal { value, .. }) => format!(" warn {}{value:o}", escape([0x5C])),
    }
}

fn decoded(row: &Row) -> Result<String, Problem> {
    let (input, last) = (row.bytes(2), row.fields[3] == "1");
    let errors = &mut Errors::from_name(&row.fields[1]).expect("a handler");
    let whole = |text: Text| format!("{} {}", show(&text), input.len());
    let part = |text: Text, consumed: usize| format!("{} {consumed}", show(&text));
    Ok(match row.fields[0].as_str() {
        "utf-8" => codecs::decode_utf8(&input, errors, last).map(|done| part(done.text, done.consumed))?,
        "utf-7" => codecs::decode_utf7(&input, errors, last).map(|done| part(done.text, done.consumed))?,
        "ascii" => whole(codecs::decode_ascii(&input, errors)?),
        "latin-1" => whole(codecs::decode_latin1(&input)),
        "charmap" => whole(codecs::decode_charmap_table(&input, &table(), errors)?),
        "unicode_escape" => {
            let done = codecs::decode_unicode_escape(&input, errors, last)?;
            part(done.text, done.consumed) + &invalid(done.invalid)
        }
        "raw_unicode_escape" => {
            let done = codecs::decode_raw_unicode_escape(&input, errors, last)?;
            part(done.text, done.consumed)
        }
        name if name.starts_with("utf-16") => {
            let done = codecs::decode_utf16(&input, order(name), errors, last)?.decoded;
            part(done.text, done.consumed)
        }
        name => {
            let done = codecs::decode_utf32(&input, order(name), errors, last)?.decoded;
            part(done.text, done.consumed)
        }
    })
}

fn answer(row: &Row) -> String {
    match row.operation.as_str() {
        "encode" => encoded(row).map_or_else(|problem| raise("UnicodeEncodeError", &problem), |bytes| hex(&bytes)),
        "decode" => decoded(row).unwrap_or_else(|problem| raise("UnicodeDecodeError", &problem)),
        "escape_encode" => hex(&codecs::encode_byte_escapes(&row.bytes(0))),
        "escape_decode" => {
            let errors = match row.fields[0].as_str() {
                "replace" => EscapeErrors::Replace,
                "ignore" => EscapeErrors::Ignore,
                _ => EscapeErrors::Strict,
            };
            match codecs::decode_byte_escapes(&row.bytes(1), errors) {
                Ok((bytes, warning)) => hex(&bytes) + &invalid(warning),
                Err(error) => format!("!ValueError: {}", escape(error.message().chars().map(|c| c as u32))),
            }
        }
        "brepr" => escape(taipan_base::repr::of_bytes(&row.bytes(0)).chars().map(|c| c as u32)),
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn recorded() {
    check("codecs", answer);
}
