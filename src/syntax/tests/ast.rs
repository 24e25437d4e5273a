//! Every node of the standard library's sources against CPython's own `ast`, fields and positions.

mod common;

use std::fmt::Write as _;

use taipan_syntax::ast::{Constant, Tree, to_tree};
use taipan_syntax::{ParseOptions, decode_source, parse};

#[test]
fn standard_library_trees_are_those_of_cpython() {
    let Some(oracle) = common::oracle() else { return };
    let result = common::compare(&oracle, "dump_ast.py", &["exec"], dump_file);
    assert!(result.same > 0 && result.different <= common::allowed("TAIPAN_AST_DIFFERENCES"), "{result:?}");
}

fn dump_file(path: &str) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let options = ParseOptions { filename: path.to_owned(), ..ParseOptions::default() };
    let parsed = decode_source(&bytes, path).and_then(|source| parse(&source.text, &options));
    match parsed {
        Ok(parsed) => {
            let mut out = Vec::new();
            dump(&to_tree(&parsed.module), "root", &mut out);
            out
        }
        Err(error) => vec![format!("ERROR {} {}", error.class.name(), error.msg.replace('\n', " "))],
    }
}

fn dump(tree: &Tree, label: &str, out: &mut Vec<String>) {
    match tree {
        Tree::Node(node) => {
            let info = node.class.info();
            let at = node.position;
            let mut line = format!("{label} {}", info.name);
            if let (Some(l), Some(c), Some(el), Some(ec)) = (at.lineno, at.col_offset, at.end_lineno, at.end_col_offset)
            {
                write!(line, " {l}:{c}-{el}:{ec}").unwrap();
            }
            out.push(line);
            for (field, value) in info.fields.iter().zip(&node.fields) {
                dump(value.as_ref().unwrap(), field.name(), out);
            }
        }
        Tree::List(items) => {
            out.push(format!("{label} [{}", items.len()));
            items.iter().for_each(|item| dump(item, "-", out));
        }
        Tree::None => out.push(format!("{label} None")),
        Tree::Identifier(text) => out.push(format!("{label} {text}")),
        Tree::Int(value) => out.push(format!("{label} {value}")),
        Tree::Constant(value) => out.push(format!("value {}", constant(value))),
        Tree::Foreign { .. } => out.push("foreign".to_owned()),
    }
}

fn constant(value: &Constant) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    match value {
        Constant::None => "None".to_owned(),
        Constant::Ellipsis => "Ellipsis".to_owned(),
        Constant::Bool(true) => "True".to_owned(),
        Constant::Bool(false) => "False".to_owned(),
        Constant::Int(value) => format!("int {value:x}"),
        Constant::Float(value) => format!("float {}", hex(&value.to_be_bytes())),
        Constant::Complex { real, imag } => format!("complex {}{}", hex(&real.to_be_bytes()), hex(&imag.to_be_bytes())),
        Constant::Str(text) => format!("str {}", hex(text.as_bytes())),
        Constant::Bytes(bytes) => format!("bytes {}", hex(bytes)),
        Constant::Tuple(_) | Constant::FrozenSet(_) => "container".to_owned(),
    }
}
