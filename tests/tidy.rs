//! The tree's own rules that a machine can check: modules say why they exist, files stay readable, arrows point down,
//! fixtures have expectations, nothing names a place on one machine.

use crate::support::root;
use libtest_mimic::{Failed, Trial};
use std::fs;
use std::path::{Path, PathBuf};

/// Which workspace crates each crate may depend on (the design's layout: arrows point down only).
const ARROWS: &[(&str, &[&str])] = &[
    ("src/base", &[]),
    ("src/bytecode", &["taipan-base"]),
    ("src/syntax", &["taipan-base"]),
    ("src/compiler", &["taipan-base", "taipan-bytecode", "taipan-syntax"]),
    ("src/runtime", &["taipan-base", "taipan-bytecode", "taipan-syntax", "taipan-compiler"]),
    ("src/stdlib", &["taipan-base", "taipan-bytecode", "taipan-syntax", "taipan-compiler", "taipan-runtime"]),
    ("tui", &["taipan-syntax"]),
    (
        ".",
        &[
            "taipan-base",
            "taipan-bytecode",
            "taipan-syntax",
            "taipan-compiler",
            "taipan-runtime",
            "taipan-stdlib",
            "tui",
        ],
    ),
];

/// Longest source file, in lines; tables may be longer.
const LONGEST_FILE: usize = 1_000;

/// Files that are tables and may be longer, by the end of their path.
const TABLES: &[&str] = &[];

/// Texts that name a place on one machine, put together here so that this file does not contain them.
fn machine_paths() -> Vec<String> {
    ["work"].iter().map(|top| format!("/{top}/")).collect()
}

/// Where an absolute path is what the line is about.
const MAY_NAME_PATHS: &[&str] = &["fixtures/bless.py"];

/// All checks of the tree.
pub fn trials() -> Vec<Trial> {
    let checks: [(&str, fn() -> Vec<String>); 5] = [
        ("modules_say_why", modules_say_why),
        ("files_stay_readable", files_stay_readable),
        ("arrows_point_down", arrows_point_down),
        ("expectations_have_programs", expectations_have_programs),
        ("no_machine_paths", no_machine_paths),
    ];
    checks.into_iter().map(|(name, check)| Trial::test(format!("tidy::{name}"), move || verdict(check()))).collect()
}

fn verdict(violations: Vec<String>) -> Result<(), Failed> {
    if violations.is_empty() { Ok(()) } else { Err(violations.join("\n").into()) }
}

fn modules_say_why() -> Vec<String> {
    // A build script is no module of its crate.
    let silent = |path: &PathBuf| !path.ends_with("build.rs") && !read(path).starts_with("//!");
    rust_files().into_iter().filter(silent).map(|path| format!("{}: does not start with `//!`", show(&path))).collect()
}

fn files_stay_readable() -> Vec<String> {
    let mut long = Vec::new();
    for path in rust_files() {
        let shown = show(&path);
        let lines = read(&path).lines().count();
        if lines > LONGEST_FILE && !TABLES.iter().any(|table| shown.ends_with(table)) {
            long.push(format!("{shown}: {lines} lines, at most {LONGEST_FILE}"));
        }
    }
    long
}

fn arrows_point_down() -> Vec<String> {
    let mut wrong = Vec::new();
    for (folder, allowed) in ARROWS {
        for name in workspace_dependencies(&root().join(folder).join("Cargo.toml")) {
            if !allowed.contains(&name.as_str()) {
                wrong.push(format!("{folder} must not depend on {name}"));
            }
        }
    }
    wrong
}

/// The crates of this workspace among a manifest's `[dependencies]`.
fn workspace_dependencies(manifest: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in read(manifest).lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside {
            let name: String = line.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
            if name.starts_with("taipan-") || name == "tui" {
                found.push(name);
            }
        }
    }
    found
}

/// A `.out`, `.err` or `.code` whose program is gone tests nothing.
fn expectations_have_programs() -> Vec<String> {
    let mut orphans = Vec::new();
    for path in files_under(&root().join("fixtures")) {
        let kept = path.extension().is_some_and(|e| e == "out" || e == "err" || e == "code");
        if kept && !path.with_extension("py").exists() {
            orphans.push(format!("{}: no program beside it", show(&path)));
        }
    }
    orphans
}

fn no_machine_paths() -> Vec<String> {
    let mut found = Vec::new();
    for path in files_under(&root().join("fixtures")).into_iter().chain(rust_files()) {
        let shown = show(&path);
        if MAY_NAME_PATHS.contains(&shown.as_str()) {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
        for (at, line) in text.lines().enumerate() {
            if machine_paths().iter().any(|place| line.contains(place.as_str())) {
                found.push(format!("{shown}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    found
}

fn rust_files() -> Vec<PathBuf> {
    let folders = ["src", "tui", "tests"].map(|folder| files_under(&root().join(folder)));
    folders.into_iter().flatten().filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("a folder entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name == "target" || name == "__pycache__" || name.starts_with('.') {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A path as seen from the top of the checkout.
fn show(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
