//! Packs the pure-Python standard library into the binary: each module's code, compiled here, and its source for
//! tracebacks and `inspect`. Code of modules that every start needs is stored as it is, the rest deflated.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Directory the embedded library claims to be in (`sys._stdlib_dir`).
const STDLIB_DIR: &str = "/taipan/lib/python3.14";

/// Folders that are left out: graphical programs, and the bundled installer.
const LEFT_OUT: &[&str] = &["idlelib", "tkinter", "turtledemo", "ensurepip", "test", "__pycache__"];

/// Modules every start imports: their code is stored without compression.
const AT_START: &[&str] = &[
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "zipimport",
    "encodings",
    "encodings.aliases",
    "encodings.utf_8",
    "codecs",
    "io",
    "abc",
    "site",
    "os",
    "stat",
    "_collections_abc",
    "posixpath",
    "genericpath",
    "_sitebuiltins",
    "runpy",
    "importlib",
    "importlib.machinery",
    "importlib.util",
    "warnings",
    "_py_warnings",
];

/// Modules that CPython keeps frozen in its binary (`Programs/_freeze_module.c`, `Tools/build/freeze_modules.py`): their
/// code is named `<frozen …>`, and tracebacks show no lines of them.
const FROZEN: &[&str] = &[
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "zipimport",
    "abc",
    "codecs",
    "io",
    "_collections_abc",
    "_sitebuiltins",
    "genericpath",
    "ntpath",
    "posixpath",
    "os",
    "site",
    "stat",
    "importlib.util",
    "importlib.machinery",
    "runpy",
];

struct Module {
    name: String,
    package: bool,
    frozen: bool,
    code: (usize, usize, usize),
    source: (usize, usize, usize),
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=lib");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("set by cargo"));
    let mut files = Vec::new();
    collect(Path::new(rustpython_pylib::LIB_PATH), String::new(), &mut files);
    // Own modules, and replacements of packaged ones.
    collect(Path::new("lib"), String::new(), &mut files);
    files.sort_by(|a, b| a.0.cmp(&b.0));
    let mut unique: Vec<(String, bool, PathBuf)> = Vec::new();
    for f in files {
        match unique.last_mut() {
            Some(last) if last.0 == f.0 => *last = if f.2.starts_with("lib") { f } else { last.clone() },
            _ => unique.push(f),
        }
    }
    let mut blob = Vec::new();
    let mut modules = Vec::new();
    for (name, package, path) in unique {
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        let source = patched(&name, source);
        let relative = name.replace('.', "/") + if package { "/__init__.py" } else { ".py" };
        let frozen = FROZEN.contains(&name.as_str());
        let filename = match frozen {
            true => format!("<frozen {name}>"),
            false => format!("{STDLIB_DIR}/{relative}"),
        };
        let Some(code) = compile(&source, &filename) else { continue };
        let code = store(&mut blob, &code, !AT_START.contains(&name.as_str()));
        let source = store(&mut blob, source.as_bytes(), true);
        modules.push(Module { name, package, frozen, code, source });
    }
    std::fs::write(out.join("stdlib.bin"), &blob).expect("OUT_DIR is writable");
    let mut index = String::from("&[\n");
    for m in &modules {
        index += &format!(
            "    Embedded {{ name: {:?}, package: {}, frozen: {}, code: {:?}, source: {:?} }},\n",
            m.name, m.package, m.frozen, m.code, m.source
        );
    }
    index += "]\n";
    std::fs::write(out.join("stdlib_index.rs"), index).expect("OUT_DIR is writable");
}

/// Finds the Python files under a folder, with their module names.
fn collect(folder: &Path, prefix: String, out: &mut Vec<(String, bool, PathBuf)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
        if path.is_dir() {
            if !LEFT_OUT.contains(&name) && path.join("__init__.py").exists() {
                collect(&path, format!("{prefix}{name}."), out);
            }
        } else if name == "__init__.py" {
            if !prefix.is_empty() {
                out.push((prefix.trim_end_matches('.').to_owned(), true, path));
            }
        } else if let Some(stem) = name.strip_suffix(".py").filter(|&stem| stem != "turtle") {
            out.push((format!("{prefix}{stem}"), false, path));
        }
    }
}

/// Undoes the few renamings that the packaged library carries, and lets frozen modules show their source.
fn patched(name: &str, source: String) -> String {
    match name {
        "site" => source
            .replace("return 'RustPython' # XXX: RUSTPYTHON; for site-packages", "return 'Python'")
            .replace("/lib/rustpython{version[0]}", "/lib/python{version[0]}"),
        "sysconfig" => source.replace("return 'RustPython'  # XXX: RUSTPYTHON; For site-packages", "return 'Python'"),
        "importlib._bootstrap" => source.replace(
            "\"\"\"Return None as frozen modules do not have source code.\"\"\"\n        return None",
            "\"\"\"Return the source of an embedded module.\"\"\"\n        return _imp._frozen_source(fullname)",
        ),
        _ => source,
    }
}

fn compile(source: &str, filename: &str) -> Option<Vec<u8>> {
    let options = taipan_syntax::ParseOptions { filename: filename.to_owned(), ..Default::default() };
    let parsed = taipan_syntax::parse(source, &options).ok()?;
    let compiled = taipan_compiler::compile(parsed.module, filename, &Default::default()).ok()?;
    Some(taipan_bytecode::marshal::dump_code(&compiled.code))
}

/// Appends data, deflated if asked: offset, stored length, real length.
fn store(blob: &mut Vec<u8>, data: &[u8], deflate: bool) -> (usize, usize, usize) {
    let start = blob.len();
    if deflate {
        let mut e = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
        e.write_all(data).expect("writing to memory");
        let packed = e.finish().expect("writing to memory");
        if packed.len() < data.len() {
            blob.extend_from_slice(&packed);
            return (start, packed.len(), data.len());
        }
    }
    blob.extend_from_slice(data);
    (start, data.len(), data.len())
}
