//! How fast sources become trees and scopes; run with `--ignored --nocapture`.

mod common;

use std::time::{Duration, Instant};

use taipan_syntax::symtable::{SymbolTable, SymtableOptions};
use taipan_syntax::{ParseOptions, decode_source, parse};

#[test]
#[ignore = "a measurement"]
fn standard_library() {
    let Some(oracle) = common::oracle() else { return };
    let files = common::stdlib_files(&oracle);
    let (mut bytes, mut parsing, mut scopes) = (0, Duration::ZERO, Duration::ZERO);
    for path in files {
        let content = std::fs::read(&path).unwrap();
        common::with_stack(|| {
            let start = Instant::now();
            let Ok(source) = decode_source(&content, "f") else { return };
            let Ok(parsed) = parse(&source.text, &ParseOptions::default()) else { return };
            parsing += start.elapsed();
            let start = Instant::now();
            let table = SymbolTable::build(&parsed.module, &SymtableOptions::default());
            drop(table);
            scopes += start.elapsed();
            bytes += content.len();
        });
    }
    let megabytes = bytes as f64 / 1e6;
    println!("{megabytes:.1} MB; parsing {parsing:?}, scopes {scopes:?}");
    assert!(bytes > 0);
}
