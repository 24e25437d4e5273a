//! Compares code objects with CPython's, attribute by attribute.
//!
//! `fixtures/compiler/code.bin.gz` is what CPython compiles some modules of the packaged standard library and all of
//! `fixtures/language` to; `tests/oracle/dump_code.py --sample` recorded it. Sources that changed since are left out, a
//! few at most. With `TAIPAN_PARITY` naming a dump that the same script made of more, that is compared too (`.ci/run` does
//! so with the whole standard library). `TAIPAN_PARITY_SHOW=attribute` prints the first differences in it,
//! `TAIPAN_PARITY_ONLY=text` takes only the files whose path contains the text, `TAIPAN_PARITY_OPTIMIZE` is the level that
//! the dump was made with.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
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
    /// Files that are not what was compiled when the dump was made, or are gone.
    changed: Vec<String>,
    files: usize,
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

/// Compares one file. `crc`: checksum of the source that CPython compiled.
fn check_file(report: &mut Report, path: &Path, expected: &[u8], warnings: &str, crc: &str) {
    report.files += 1;
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).unwrap_or_default();
    let mut sum = flate2::Crc::new();
    sum.update(&bytes);
    if sum.sum().to_string() != crc {
        report.changed.push(shown);
        return;
    }
    let Ok(Source { text, .. }) = decode_source(&bytes, &shown) else {
        if !expected.is_empty() {
            report.failures.push(format!("{shown}: not decoded"));
        }
        return;
    };
    let start = Instant::now();
    let parsed = parse(&text, &ParseOptions { filename: shown.clone(), ..ParseOptions::default() });
    report.parsing += start.elapsed();
    let start = Instant::now();
    let optimize = std::env::var("TAIPAN_PARITY_OPTIMIZE").ok().and_then(|level| level.parse().ok()).unwrap_or(0);
    let options = CompileOptions { optimize, ..CompileOptions::default() };
    let compiled = parsed.and_then(|parsed| {
        let mut compiled = compile(parsed.module, &shown, &options)?;
        compiled.warnings.extend(parsed.warnings);
        Ok(compiled)
    });
    report.compiling += start.elapsed();
    match (compiled, expected.is_empty()) {
        (Ok(compiled), false) => match marshal::load_code(expected) {
            Ok(theirs) => {
                let ours = marshal::load_code(&marshal::dump_code(&compiled.code));
                if ours.is_ok_and(|ours| *ours != compiled.code) {
                    report.failures.push(format!("{shown}: changed by marshal"));
                }
                check_warnings(report, &shown, &compiled.warnings, warnings);
                report.compare(&shown, &compiled.code, &theirs);
            }
            Err(error) => report.failures.push(format!("{shown}: {error}")),
        },
        (Err(error), false) => report.failures.push(format!("{shown}: {error}")),
        (Ok(_), true) => report.failures.push(format!("{shown}: compiled, but CPython refuses it")),
        (Err(_), true) => {}
    }
}

/// Compares all files of a dump; `place` says where a path of it is now.
fn check_dump(data: &[u8], place: impl Fn(&str) -> PathBuf) -> Report {
    let only = std::env::var("TAIPAN_PARITY_ONLY").unwrap_or_default();
    let mut report = Report::default();
    for entry in parts(data).chunks_exact(4) {
        let text = |part: usize| std::str::from_utf8(entry[part]).expect("paths, warnings and sums are text");
        if text(0).contains(&only) {
            check_file(&mut report, &place(text(0)), entry[1], text(2), text(3));
        }
    }
    report
}

impl Report {
    /// Demands that all that was compared is equal.
    fn judge(&self) {
        for failure in self.failures.iter().take(40) {
            println!("{failure}");
        }
        let (failures, changed) = (self.failures.len(), self.changed.len());
        println!("{} files, {changed} changed since: {:?}", self.files, self.changed);
        println!("{failures} failures, {} unmatched, {} code objects", self.unmatched, self.objects);
        println!("parsing {:?}, compiling {:?}", self.parsing, self.compiling);
        let mut differing = 0;
        for (name, _) in ATTRIBUTES {
            let different = self.objects - self.equal.get(name).copied().unwrap_or_default();
            differing += different;
            println!(
                "{name:<20} {:7.3} %  ({different} differ)",
                100.0 - 100.0 * different as f64 / self.objects as f64
            );
        }
        assert!(self.objects > 0, "nothing was compared");
        assert!(changed * 10 <= self.files, "{changed} of {} sources changed: record anew", self.files);
        assert_eq!((failures, self.unmatched, differing), (0, 0, 0), "code objects differ from CPython's");
    }
}

#[test]
fn recorded_code_objects_equal_cpythons() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let packed = std::fs::File::open(fixtures.join("compiler/code.bin.gz")).expect("the sample is recorded");
    let mut data = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut data).expect("the sample is whole");
    let report = check_dump(&data, |path| match path.strip_prefix("lib/") {
        Some(module) => Path::new(rustpython_pylib::LIB_PATH).join(module),
        None => fixtures.join(path),
    });
    report.judge();
}

#[test]
fn dumped_code_objects_equal_cpythons() {
    let Ok(dump) = std::env::var("TAIPAN_PARITY") else {
        println!("not run: TAIPAN_PARITY does not name a dump");
        return;
    };
    check_dump(&std::fs::read(dump).expect("the dump is readable"), |path| PathBuf::from(path)).judge();
}
