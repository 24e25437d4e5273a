//! Every node of the standard library's sources against CPython's own `ast`, fields and positions.

mod common;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use taipan_syntax::ast::{Constant, Tree, to_tree};
use taipan_syntax::{ParseOptions, decode_source, parse};

#[test]
fn standard_library_trees_are_those_of_cpython() {
    let Some(oracle) = common::oracle() else { return };
    let files = common::stdlib_files(&oracle);
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/dump_ast.py");
    let mut child = Command::new(&oracle)
        .arg(script)
        .arg("exec")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle starts");
    let mut stdin = child.stdin.take().unwrap();
    let list = files.iter().map(|path| format!("{}\n", path.display())).collect::<String>();
    let writer = std::thread::spawn(move || stdin.write_all(list.as_bytes()));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n').map(|line| line.unwrap());
    let (mut same, mut different, mut nodes) = (0, 0, 0);
    let mut theirs: Vec<String> = Vec::new();
    let mut path = String::new();
    for line in &mut lines {
        let line = String::from_utf8_lossy(&line).into_owned();
        let Some(next) = line.strip_prefix("FILE") else {
            theirs.push(line);
            continue;
        };
        if !path.is_empty() {
            let ours = common::with_stack(|| dump_file(&path));
            nodes += ours.len();
            match ours.iter().zip(&theirs).position(|(a, b)| a != b) {
                None if ours.len() == theirs.len() => same += 1,
                at => {
                    different += 1;
                    let at = at.unwrap_or(ours.len().min(theirs.len()));
                    let context = theirs[at.saturating_sub(6)..at].join(" / ");
                    println!("{path}: after {context}\n    ours   {:?}\n    theirs {:?}", ours.get(at), theirs.get(at));
                }
            }
        }
        theirs.clear();
        path = next.trim_start().to_owned();
    }
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    println!("{same} files the same, {different} different, {nodes} lines");
    assert!(same > 0 && different <= common::allowed("TAIPAN_AST_DIFFERENCES"), "{different} trees differ");
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
