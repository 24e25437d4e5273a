//! Unicode tables against a CPython that is present, code point by code point; text operations against `unicode.tsv`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use taipan_base::text::{Text, code_points};
use taipan_base::unicode::{self, Database, Form};
use taipan_base::with_units;

use crate::fixture::{Row, check, escape, show_float};

fn show(text: &Text) -> String {
    with_units!(text, units => escape(code_points(units)))
}

fn answer(row: &Row) -> String {
    let text = row.text(0);
    let flag = |value: bool| u8::from(value).to_string();
    let database = || if row.fields[1] == "3.2" { Database::V3_2 } else { Database::Current };
    match row.operation.as_str() {
        "lower" => show(&unicode::to_lower(&text)),
        "upper" => show(&unicode::to_upper(&text)),
        "title" => show(&unicode::to_title(&text)),
        "swapcase" => show(&unicode::swapcase(&text)),
        "capitalize" => show(&unicode::capitalize(&text)),
        "casefold" => show(&unicode::casefold(&text)),
        "isalpha" => flag(unicode::all::alpha(&text)),
        "isalnum" => flag(unicode::all::alnum(&text)),
        "isdecimal" => flag(unicode::all::decimal(&text)),
        "isdigit" => flag(unicode::all::digit(&text)),
        "isnumeric" => flag(unicode::all::numeric(&text)),
        "isspace" => flag(unicode::all::space(&text)),
        "isprintable" => flag(unicode::all::printable(&text)),
        "islower" => flag(unicode::all::lower(&text)),
        "isupper" => flag(unicode::all::upper(&text)),
        "istitle" => flag(unicode::all::title(&text)),
        "isidentifier" => flag(unicode::is_identifier(&text)),
        "repr" => show(&taipan_base::repr::of_str(&text)),
        "ascii" => escape(taipan_base::repr::ascii_of_str(&text).chars().map(|c| c as u32)),
        "normalize" => {
            let form = Form::from_name(&row.fields[2]).expect("a form");
            let normal = unicode::normalize(&text, form, database());
            let unchanged = unicode::is_normalized(&text, form, database());
            let shown = normal.as_ref().map_or_else(|| row.fields[0].clone(), show);
            assert_eq!(unchanged, shown == row.fields[0]);
            shown
        }
        "lookup" => match unicode::lookup(&row.fields[0], Database::Current) {
            Some(found) => escape(found),
            None => format!("!KeyError: \"undefined character name '{}'\"", row.fields[0]),
        },
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn recorded() {
    check("unicode", answer);
}

const QUESTIONS: &str = r"
import sys, unicodedata
write = sys.stdout.write
def esc(s):
    return ''.join(c if ' ' <= c <= '~' and c != '\\' else f'\\{{{ord(c):x}}}' for c in s)
def props(db, c):
    n = db.numeric(c, None)
    return [db.category(c), db.bidirectional(c), str(db.combining(c)), db.east_asian_width(c), str(db.mirrored(c)),
            str(db.decimal(c, None)), str(db.digit(c, None)), 'None' if n is None else n.hex(), db.decomposition(c),
            db.name(c, 'None'), *(esc(db.normalize(f, c)) for f in ('NFC', 'NFKC', 'NFD', 'NFKD'))]
for i in range(0x110000):
    c = chr(i)
    flags = [c.isalpha(), c.isalnum(), c.isdecimal(), c.isdigit(), c.isnumeric(), c.isspace(), c.isprintable(), c.islower(),
             c.isupper(), c.istitle(), c.isidentifier(), ('a' + c).isidentifier(), len((c + 'a').splitlines()) > 1]
    row = [''.join(str(int(f)) for f in flags)]
    row += map(esc, (c.lower(), c.upper(), c.title(), c.casefold(), c.swapcase(), ('A\u03a3' + c + 'A').lower()))
    write('\t'.join(row + props(unicodedata, c) + props(unicodedata.ucd_3_2_0, c)) + '\n')
";

fn describe(cp: u32) -> String {
    let one = [cp];
    let flags = [
        unicode::is_alpha(cp),
        unicode::is_alnum(cp),
        unicode::is_decimal(cp),
        unicode::is_digit(cp),
        unicode::is_numeric(cp),
        unicode::is_space(cp),
        unicode::is_printable(cp),
        unicode::is_lower(cp),
        unicode::is_upper(cp),
        unicode::all::title(&one),
        unicode::is_identifier_start(cp),
        unicode::is_identifier_continue(cp),
        unicode::is_line_break(cp),
    ];
    let mut fields = vec![flags.map(|flag| if flag { '1' } else { '0' }).iter().collect::<String>()];
    fields.extend([unicode::lower(cp), unicode::upper(cp), unicode::title(cp)].map(|mapped| escape(mapped.to_vec())));
    fields.push(show(&unicode::casefold(&one)));
    fields.push(show(&unicode::swapcase(&one)));
    fields.push(show(&unicode::to_lower(&[0x41, 0x3A3, cp, 0x41])));
    for database in [Database::Current, Database::V3_2] {
        let number = |value: Option<u8>| value.map_or("None".into(), |value| value.to_string());
        fields.extend([
            unicode::category(cp, database).into(),
            unicode::bidirectional(cp, database).into(),
            unicode::combining(cp, database).to_string(),
            unicode::east_asian_width(cp, database).into(),
            u8::from(unicode::mirrored(cp, database)).to_string(),
            number(unicode::decimal(cp, database)),
            number(unicode::digit(cp, database)),
            unicode::numeric(cp, database).map_or("None".into(), show_float),
            unicode::decomposition(cp, database),
            unicode::name(cp, database).unwrap_or("None".into()),
        ]);
        for form in [Form::Nfc, Form::Nfkc, Form::Nfd, Form::Nfkd] {
            fields.push(unicode::normalize(&one, form, database).map_or_else(|| escape(one), |text| show(&text)));
        }
    }
    fields.join("\t")
}

#[test]
fn every_code_point() {
    let Some(oracle) = std::env::var_os("TAIPAN_ORACLE") else { return };
    let mut child =
        Command::new(oracle).args(["-c", QUESTIONS]).stdout(Stdio::piped()).spawn().expect("the oracle starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let (mut count, mut wrong) = (0, Vec::new());
    for (cp, line) in lines.enumerate() {
        let (expected, got) = (line.expect("text"), describe(cp as u32));
        if expected != got {
            wrong.push(format!("U+{cp:04X}\n  {expected}\n  {got}"));
        }
        count += 1;
    }
    assert!(child.wait().expect("the oracle ends").success());
    assert_eq!(count, 0x11_0000);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
}
