//! Errors against CPython's: sources, and what CPython says to each.
//!
//! `fixtures/compiler/errors.jsonl.gz` is recorded: pieces of the language fixtures, broken by `oracle/mutate_sources.py`.
//! Where there is an oracle, the sources that CPython's own tests compile are compared, too.
//! `TAIPAN_SHOW` shows all differences, not only the first of each kind.

mod common;

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Value;
use taipan_syntax::symtable::{Future, SymbolTable, SymtableOptions, future_features};
use taipan_syntax::{Mode, ParseOptions, SyntaxError, parse};

#[test]
fn recorded_errors_are_those_of_cpython() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/compiler/errors.jsonl.gz");
    let packed = std::fs::File::open(path).expect("the cases are recorded");
    let mut cases = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut cases).expect("the cases are whole");
    check(&cases);
}

#[test]
fn errors_are_those_of_cpython() {
    let Some(cases) = common::cases() else { return };
    check(&cases);
}

fn check(cases: &str) {
    let mut tally = Tally::default();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        common::with_stack(|| tally.add(&case));
    }
    let verbose = std::env::var_os("TAIPAN_SHOW").is_some();
    for (kind, examples) in &tally.wrong {
        println!("{kind}: {}", examples.len());
        for example in examples.iter().take(if verbose { 1000 } else { 3 }) {
            println!("    {example}");
        }
    }
    println!("{} cases, {} refused; right: {}", tally.cases, tally.refused, tally.right);
    let wrong: usize = tally.wrong.values().map(Vec::len).sum();
    assert!(tally.cases > 1000, "only {} cases", tally.cases);
    assert!(wrong * 100 <= tally.cases, "{wrong} of {} cases are wrong", tally.cases);
}

#[derive(Default)]
struct Tally {
    cases: usize,
    refused: usize,
    right: usize,
    wrong: BTreeMap<&'static str, Vec<String>>,
}

impl Tally {
    fn add(&mut self, case: &Value) {
        let source = case[0].as_str().unwrap();
        let flags = case[2].as_u64().unwrap();
        let mode = match case[1].as_str().unwrap() {
            "eval" => Mode::Eval,
            "single" => Mode::Single,
            "func_type" => Mode::FuncType,
            _ => Mode::Exec,
        };
        let options = ParseOptions {
            mode,
            filename: "<f>".to_owned(),
            allow_incomplete: flags & 0x4000 != 0,
            dont_imply_dedent: flags & 0x200 != 0,
            type_comments: flags & 0x1000 != 0,
            barry_as_flufl: flags & 0x40_0000 != 0,
            ..ParseOptions::default()
        };
        self.cases += 1;
        let shown = format!("{:?} {mode:?}", source.chars().take(300).collect::<String>());
        let (parsing, compiling) = (&case[3], &case[4]);
        if matches!(parsing[0].as_str(), Some("ValueError" | "RecursionError" | "MemoryError")) {
            return;
        }
        let parsed = parse(source, &options).and_then(|parsed| {
            future_features(&parsed.module, "<f>")?;
            Ok(parsed)
        });
        match (parsed, parsing.is_null()) {
            (Ok(parsed), true) => {
                if mode == Mode::FuncType {
                    self.right += 1;
                    return;
                }
                let future = Future((flags & 0x100_0000) as u32);
                let top_level_await = flags & 0x2000 != 0;
                let options = SymtableOptions { filename: "<f>".to_owned(), future, top_level_await };
                match (SymbolTable::build(&parsed.module, &options), compiling.is_null()) {
                    (Ok(_), _) => self.right += 1,
                    (Err(error), true) => self.wrong("scope error, but valid", format!("{shown} ours {error:?}")),
                    (Err(error), false) => {
                        self.compare(&shown, &error, compiling, ["scope message", "scope place", "scope text"])
                    }
                }
            }
            (Ok(_), false) => self.wrong("accepted, but refused", format!("{shown} theirs {parsing}")),
            (Err(error), true) => self.wrong("refused, but valid", format!("{shown} ours {error:?}")),
            (Err(error), false) => {
                self.refused += 1;
                self.compare(&shown, &error, parsing, ["message", "place", "text"]);
            }
        }
    }

    fn compare(&mut self, shown: &str, error: &SyntaxError, theirs: &Value, kinds: [&'static str; 3]) {
        let number = |index: usize| theirs[index].as_i64();
        let ours = error.location.map(|at| [at.lineno, at.offset, at.end_lineno, at.end_offset].map(i64::from));
        let place = [number(2), number(3), number(4), number(5)];
        let both = format!(
            "{shown}\n        ours   {} {:?} {:?} {:?}\n        theirs {theirs}",
            error.class.name(),
            error.msg,
            ours,
            error.text
        );
        if theirs[0].as_str() != Some(error.class.name()) || theirs[1].as_str() != Some(&error.msg) {
            self.wrong(kinds[0], both);
        } else if ours.map(|ours| ours.map(Some)) != Some(place) {
            self.wrong(kinds[1], both);
        } else if theirs[6].as_str() != error.text.as_deref() {
            self.wrong(kinds[2], both);
        } else {
            self.right += 1;
        }
    }

    fn wrong(&mut self, kind: &'static str, example: String) {
        self.wrong.entry(kind).or_default().push(example);
    }
}
