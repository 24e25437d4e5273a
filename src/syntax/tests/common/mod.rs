//! Where the oracle is, and what it is asked about.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The CPython 3.14 to compare with: `TAIPAN_ORACLE`, else the first of `python3.14` and `/opt/cpython-3.14` that
/// exists. Without one the comparison is skipped.
pub fn oracle() -> Option<PathBuf> {
    let named = std::env::var_os("TAIPAN_ORACLE").map(PathBuf::from);
    let candidates = [named, Some("/opt/cpython-3.14/usr/bin/python3.14".into()), Some("python3.14".into())];
    let found = candidates.into_iter().flatten().find(|path| {
        let version = Command::new(path).arg("-V").output();
        version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("Python 3.14"))
    });
    if found.is_none() {
        eprintln!("skipped: no CPython 3.14 (set TAIPAN_ORACLE)");
    }
    found
}

/// The sources of the oracle's standard library. `TAIPAN_SOURCES` keeps the paths that contain a text.
pub fn stdlib_files(oracle: &Path) -> Vec<PathBuf> {
    let output = Command::new(oracle).args(["-c", "import os; print(os.path.dirname(os.__file__))"]).output().unwrap();
    let root = String::from_utf8(output.stdout).unwrap();
    let mut files = Vec::new();
    collect(Path::new(root.trim()), &mut files);
    files.sort();
    if let Ok(part) = std::env::var("TAIPAN_SOURCES") {
        files.retain(|path| path.to_string_lossy().contains(&part));
    }
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("site-packages") && !path.ends_with("__pycache__") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "py") && path.exists() {
            files.push(path);
        }
    }
}

/// The cases made by `oracle/collect_sources.py`, one JSON line each. They are made on first use, which takes two
/// minutes, and kept in the target folder; `TAIPAN_ERROR_CASES` names another file of the same form.
pub fn cases() -> Option<String> {
    if let Some(path) = std::env::var_os("TAIPAN_ERROR_CASES") {
        return Some(std::fs::read_to_string(path).unwrap());
    }
    let oracle = oracle()?;
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("error_cases.jsonl");
    if !path.exists() {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/collect_sources.py");
        let mut command = Command::new(oracle);
        command.arg(script).arg(&path).current_dir(env!("CARGO_TARGET_TMPDIR"));
        assert!(command.status().unwrap().success());
    }
    Some(std::fs::read_to_string(path).unwrap())
}

/// How many differences are tolerated while working (environment variable), none otherwise.
pub fn allowed(variable: &str) -> usize {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Runs on a thread with a stack as large as a main thread's and more: some test sources are deep.
pub fn with_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(256 << 20);
        builder.spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}

/// How many sources came out the same.
#[derive(Debug, Default)]
pub struct Comparison {
    pub same: usize,
    pub different: usize,
    pub lines: usize,
}

/// Asks a script under the oracle to describe every source of its standard library, line by line, and compares with
/// our own description. Prints the first difference of each source.
pub fn compare(oracle: &Path, script: &str, args: &[&str], ours: fn(&str) -> Vec<String>) -> Comparison {
    let files = stdlib_files(oracle).into_iter().map(|path| path.display().to_string()).collect();
    compare_all(oracle, script, args, files, ours)
}

/// [`compare`] for other inputs, one line each.
pub fn compare_all(
    oracle: &Path,
    script: &str,
    args: &[&str],
    inputs: Vec<String>,
    ours: fn(&str) -> Vec<String>,
) -> Comparison {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(script);
    let mut command = Command::new(oracle);
    command.arg(script).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the oracle starts");
    let mut stdin = child.stdin.take().unwrap();
    let list = inputs.iter().map(|input| format!("{input}\n")).collect::<String>();
    let writer = std::thread::spawn(move || stdin.write_all(list.as_bytes()));
    let mut result = Comparison::default();
    let mut theirs: Vec<String> = Vec::new();
    let mut path = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let line = String::from_utf8_lossy(&line.unwrap()).into_owned();
        let Some(next) = line.strip_prefix("FILE") else {
            theirs.push(line);
            continue;
        };
        if !path.is_empty() {
            result.add(&path, &with_stack(|| ours(&path)), &theirs);
        }
        theirs.clear();
        path = next.trim_start().to_owned();
    }
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    println!("{script_name}: {result:?}", script_name = args.first().unwrap_or(&"scopes"));
    result
}

impl Comparison {
    fn add(&mut self, path: &str, ours: &[String], theirs: &[String]) {
        self.lines += theirs.len();
        if ours == theirs {
            self.same += 1;
            return;
        }
        self.different += 1;
        let at = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
        let context = theirs[at.saturating_sub(6)..at].join(" / ");
        println!("{path}: after {context}\n    ours   {:?}\n    theirs {:?}", ours.get(at), theirs.get(at));
    }
}
