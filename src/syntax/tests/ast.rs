//! Every node of the standard library's sources against CPython's own `ast`, fields and positions.

mod common;

use std::fmt::Write as _;

use serde_json::Value;
use taipan_syntax::ast::{Constant, Tree, to_tree};
use taipan_syntax::{Mode, ParseOptions, SyntaxError, decode_source, parse};

#[test]
fn standard_library_trees_are_those_of_cpython() {
    let Some(oracle) = common::oracle() else { return };
    let result = common::compare(&oracle, "dump_ast.py", &[], dump_file);
    assert!(result.same > 0 && result.different <= common::allowed("TAIPAN_AST_DIFFERENCES"), "{result:?}");
}

#[test]
fn trees_of_collected_sources_are_those_of_cpython() {
    let (Some(oracle), Some(cases)) = (common::oracle(), common::cases()) else { return };
    let is_valid = |case: &&str| serde_json::from_str::<Value>(case).unwrap()[3].is_null();
    let cases = cases.lines().filter(is_valid).map(str::to_owned).collect();
    let result = common::compare_all(&oracle, "dump_ast.py", &[], cases, dump_case);
    assert!(result.same > 0 && result.different <= common::allowed("TAIPAN_AST_DIFFERENCES") + 10, "{result:?}");
}

fn dump_case(case: &str) -> Vec<String> {
    let case: Value = serde_json::from_str(case).unwrap();
    let flags = case[2].as_u64().unwrap();
    let mode = match case[1].as_str().unwrap() {
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        "func_type" => Mode::FuncType,
        _ => Mode::Exec,
    };
    let options = ParseOptions {
        mode,
        type_comments: flags & 0x1000 != 0,
        dont_imply_dedent: flags & 0x200 != 0,
        barry_as_flufl: flags & 0x40_0000 != 0,
        ..ParseOptions::default()
    };
    dump_source(case[0].as_str().unwrap(), &options)
}

fn dump_file(path: &str) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    match decode_source(&bytes, path) {
        Ok(source) => dump_source(&source.text, &ParseOptions::default()),
        Err(error) => vec![shown(&error)],
    }
}

fn dump_source(source: &str, options: &ParseOptions) -> Vec<String> {
    match parse(source, options) {
        Ok(parsed) => {
            let mut out = Vec::new();
            dump(&to_tree(&parsed.module), "root", &mut out);
            out
        }
        Err(error) => vec![shown(&error)],
    }
}

fn shown(error: &SyntaxError) -> String {
    format!("ERROR {} {}", error.class.name(), error.msg.replace('\n', " "))
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
