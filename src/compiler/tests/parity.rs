//! Compares every code object with CPython's.
//!
//! `tests/oracle/dump_code.py` writes what CPython compiles the standard library to; with `TAIPAN_PARITY` naming that
//! file this test compiles the same sources and reports, attribute by attribute, how many code objects agree.
//! `TAIPAN_PARITY_SHOW=attribute` prints the first differences in it, `TAIPAN_PARITY_ONLY=text` takes only the files whose
//! path contains the text, `TAIPAN_PARITY_OPTIMIZE` is the level that the dump was made with.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use taipan_bytecode::{CodeObject, Const, dis, marshal};
use taipan_compiler::{CompileOptions, compile};
use taipan_syntax::{ParseOptions, Source, SyntaxWarning, WarningCategory, decode_source, parse};

/// What is compared: names and how to show the value.
const ATTRIBUTES: &[(&str, fn(&CodeObject) -> String)] = &[
    ("co_code", |code| dis::disassemble(code).lines().map(without_line).collect::<Vec<_>>().join("\n")),
    ("co_consts", |code| code.consts.iter().map(|value| dis::const_text(value) + "\n").collect()),
    ("co_names", |code| format!("{:?}", code.names)),
    ("co_localsplusnames", |code| format!("{:?} {:?}", code.localsplusnames, code.localspluskinds)),
    ("co_exceptiontable", |code| code.exception_entries().map(|entry| format!("{entry:?}\n")).collect()),
    ("co_lines", |code| dis::disassemble(code)),
    ("co_positions", positions),
    ("co_flags", |code| format!("{:?}", code.flags)),
    ("co_stacksize", |code| code.stacksize.to_string()),
    ("co_qualname", |code| code.qualname.to_string()),
    ("co_firstlineno", |code| code.firstlineno.to_string()),
    ("argcounts", |code| format!("{} {} {}", code.argcount, code.posonlyargcount, code.kwonlyargcount)),
];

fn without_line(line: &str) -> String {
    if line.len() > 5 && line.is_char_boundary(5) { line[5..].to_owned() } else { line.to_owned() }
}

fn positions(code: &CodeObject) -> String {
    let mut text = String::new();
    let all: Vec<_> = code.positions().collect();
    for instruction in code.instructions() {
        let at = all.get(instruction.index).copied().unwrap_or_default();
        let number = |part: Option<i32>| part.map_or("-".to_owned(), |part| part.to_string());
        let _ = writeln!(
            text,
            "{} {} {}:{}-{}:{}",
            instruction.op.name(),
            instruction.arg,
            number(at.line),
            number(at.column),
            number(at.end_line),
            number(at.end_column)
        );
    }
    text
}

/// Constants are compared without the insides of code objects, which are compared on their own.
fn same_consts(a: &[Const], b: &[Const]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| match (a, b) {
            (Const::Code(a), Const::Code(b)) => a.qualname == b.qualname,
            (a, b) => a == b,
        })
}

fn same(attribute: &str, a: &CodeObject, b: &CodeObject) -> bool {
    match attribute {
        "co_code" => a.code == b.code,
        "co_consts" => same_consts(&a.consts, &b.consts),
        "co_names" => a.names == b.names,
        "co_localsplusnames" => a.localsplusnames == b.localsplusnames && a.localspluskinds == b.localspluskinds,
        "co_exceptiontable" => a.exceptiontable == b.exceptiontable,
        "co_lines" => a.lines().eq(b.lines()),
        "co_positions" => a.positions().eq(b.positions()),
        "co_flags" => a.flags == b.flags,
        "co_stacksize" => a.stacksize == b.stacksize,
        "co_qualname" => a.qualname == b.qualname,
        "co_firstlineno" => a.firstlineno == b.firstlineno,
        _ => (a.argcount, a.posonlyargcount, a.kwonlyargcount) == (b.argcount, b.posonlyargcount, b.kwonlyargcount),
    }
}

fn nested(code: &CodeObject) -> Vec<&Arc<CodeObject>> {
    code.consts.iter().filter_map(|value| if let Const::Code(code) = value { Some(code) } else { None }).collect()
}

#[derive(Default)]
struct Report {
    objects: usize,
    equal: BTreeMap<&'static str, usize>,
    /// Code objects that could not be matched with one of CPython's.
    unmatched: usize,
    failures: Vec<String>,
    shown: usize,
    parsing: Duration,
    compiling: Duration,
}

impl Report {
    fn compare(&mut self, path: &str, ours: &CodeObject, theirs: &CodeObject) {
        self.objects += 1;
        let show = std::env::var("TAIPAN_PARITY_SHOW").unwrap_or_default();
        let limit = std::env::var("TAIPAN_PARITY_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(5);
        for &(name, text) in ATTRIBUTES {
            if same(name, ours, theirs) {
                *self.equal.entry(name).or_default() += 1;
            } else if name == show && self.shown < limit {
                self.shown += 1;
                println!("--- {path} {} line {}", ours.qualname, ours.firstlineno);
                print_difference(&text(ours), &text(theirs));
            }
        }
        let (inner, expected) = (nested(ours), nested(theirs));
        if inner.len() != expected.len() {
            self.unmatched += expected.len();
            return;
        }
        for (ours, theirs) in inner.iter().zip(&expected) {
            self.compare(path, ours, theirs);
        }
    }
}

/// The first lines that differ, with some around them.
fn print_difference(ours: &str, theirs: &str) {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.lines().collect(), theirs.lines().collect());
    let first = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let from = first.saturating_sub(3);
    for index in from..(first + 8).min(ours.len().max(theirs.len())) {
        let (a, b) = (ours.get(index).unwrap_or(&""), theirs.get(index).unwrap_or(&""));
        println!("{} {a:<90.90} | {b:.90}", if a == b { ' ' } else { '!' });
    }
}

fn parts(mut data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = data.split_at_checked(4) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        parts.push(&rest[..length]);
        data = &rest[length..];
    }
    parts
}

fn check_warnings(report: &mut Report, path: &str, ours: &[SyntaxWarning], theirs: &str) {
    let mut ours: Vec<String> = ours
        .iter()
        .filter(|warning| warning.category == WarningCategory::SyntaxWarning)
        .map(|warning| format!("{} {}", warning.lineno, warning.msg))
        .collect();
    let mut theirs: Vec<String> = theirs.lines().map(str::to_owned).collect();
    // The parser's come first here; CPython gives them as it goes.
    ours.sort();
    theirs.sort();
    if ours != theirs {
        report.failures.push(format!("{path}: warnings {ours:?}, not {theirs:?}"));
    }
}

fn check_file(report: &mut Report, path: &str, expected: &[u8], warnings: &str) {
    let Ok(bytes) = std::fs::read(path) else { return };
    let Ok(Source { text, .. }) = decode_source(&bytes, path) else {
        if !expected.is_empty() {
            report.failures.push(format!("{path}: not decoded"));
        }
        return;
    };
    let start = Instant::now();
    let parsed = parse(&text, &ParseOptions { filename: path.to_owned(), ..ParseOptions::default() });
    report.parsing += start.elapsed();
    let start = Instant::now();
    let optimize = std::env::var("TAIPAN_PARITY_OPTIMIZE").ok().and_then(|level| level.parse().ok()).unwrap_or(0);
    let options = CompileOptions { optimize, ..CompileOptions::default() };
    let compiled = parsed.and_then(|parsed| {
        let mut compiled = compile(parsed.module, path, &options)?;
        compiled.warnings.extend(parsed.warnings);
        Ok(compiled)
    });
    report.compiling += start.elapsed();
    match (compiled, expected.is_empty()) {
        (Ok(compiled), false) => match marshal::load_code(expected) {
            Ok(theirs) => {
                let ours = marshal::load_code(&marshal::dump_code(&compiled.code));
                if ours.is_ok_and(|ours| *ours != compiled.code) {
                    report.failures.push(format!("{path}: changed by marshal"));
                }
                check_warnings(report, path, &compiled.warnings, warnings);
                report.compare(path, &compiled.code, &theirs);
            }
            Err(error) => report.failures.push(format!("{path}: {error}")),
        },
        (Err(error), false) => report.failures.push(format!("{path}: {error}")),
        (Ok(_), true) => report.failures.push(format!("{path}: compiled, but CPython refuses it")),
        (Err(_), true) => {}
    }
}

#[test]
fn code_objects_equal_cpythons() {
    let Ok(dump) = std::env::var("TAIPAN_PARITY") else {
        println!("TAIPAN_PARITY is not set: nothing to compare with");
        return;
    };
    let only = std::env::var("TAIPAN_PARITY_ONLY").unwrap_or_default();
    let data = std::fs::read(dump).expect("the dump is readable");
    let parts = parts(&data);
    let mut report = Report::default();
    for entry in parts.chunks_exact(3) {
        let path = std::str::from_utf8(entry[0]).expect("a path");
        let warnings = std::str::from_utf8(entry[2]).expect("warnings are text");
        if path.contains(&only) {
            check_file(&mut report, path, entry[1], warnings);
        }
    }
    for failure in report.failures.iter().take(40) {
        println!("{failure}");
    }
    println!("{} failures, {} unmatched, {} code objects", report.failures.len(), report.unmatched, report.objects);
    println!("parsing {:?}, compiling {:?}", report.parsing, report.compiling);
    for (name, _) in ATTRIBUTES {
        let equal = report.equal.get(name).copied().unwrap_or_default();
        println!(
            "{name:<20} {:7.3} %  ({} differ)",
            100.0 * equal as f64 / report.objects as f64,
            report.objects - equal
        );
    }
    let percent =
        |name: &str| 100.0 * report.equal.get(name).copied().unwrap_or_default() as f64 / report.objects as f64;
    if only.is_empty() {
        assert!(percent("co_lines") >= 95.0);
        assert!(percent("co_code") >= 70.0);
    }
}
