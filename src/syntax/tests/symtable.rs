//! Every block of the standard library's sources against CPython's own `symtable`.

mod common;

use taipan_syntax::symtable::{Block, SymbolTable, SymtableOptions};
use taipan_syntax::{ParseOptions, decode_source, parse};

#[test]
fn standard_library_scopes_are_those_of_cpython() {
    let Some(oracle) = common::oracle() else { return };
    let result = common::compare(&oracle, "dump_symtable.py", &[], dump_file);
    assert!(result.same > 0 && result.different <= common::allowed("TAIPAN_SCOPE_DIFFERENCES"), "{result:?}");
}

fn dump_file(path: &str) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let options = ParseOptions { filename: path.to_owned(), ..ParseOptions::default() };
    let table = decode_source(&bytes, path)
        .and_then(|source| parse(&source.text, &options))
        .and_then(|parsed| SymbolTable::build(&parsed.module, &SymtableOptions::default()));
    match table {
        Ok(table) => {
            let mut out = Vec::new();
            dump(&table, table.top(), 0, &mut out);
            out
        }
        Err(error) => vec![format!("ERROR {} {}", error.class.name(), error.msg.replace('\n', " "))],
    }
}

fn dump(table: &SymbolTable, block: &Block, depth: usize, out: &mut Vec<String>) {
    let mut names: Vec<String> = block.symbols.iter().map(|(name, flags)| format!("{name}={flags:x}")).collect();
    names.sort_by(|a, b| a.split('=').next().cmp(&b.split('=').next()));
    let nested = u8::from(block.nested);
    let variables = block.varnames.join(",");
    let (name, kind, lineno) = (&block.name, block.kind as u8, block.span.lineno);
    out.push(format!("{depth} {name} {kind} {lineno} {nested} [{variables}] {}", names.join(" ")));
    for &child in &block.children {
        dump(table, table.block(child), depth + 1, out);
    }
}
