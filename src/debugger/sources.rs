//! Where code comes from: files, the embedded standard library, texts; and which of it is the user's own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use taipan_compiler::CompileOptions;
use taipan_runtime::import::embedded::{self, STDLIB_DIR};
use taipan_syntax::{Mode, ParseOptions};
use tui::dap::Source;

/// Whether a file's code is the user's own rather than a library's.
pub fn is_user_code(filename: &str) -> bool {
    let library = filename.starts_with(STDLIB_DIR)
        || filename.starts_with('<') && filename != "<string>" && filename != "<stdin>"
        || filename.contains("/site-packages/")
        || filename.contains("/dist-packages/")
        || filename == super::evaluate::TYPED;
    !library
}

/// What `co_filename` values mean as paths: absolute, without links and dots.
static RESOLVED: LazyLock<Mutex<HashMap<String, PathBuf>>> = LazyLock::new(Mutex::default);

/// The file behind a `co_filename`, as clients name it.
pub fn resolve(filename: &str) -> PathBuf {
    if filename.starts_with('<') || filename.starts_with(STDLIB_DIR) {
        return PathBuf::from(filename);
    }
    let mut known = RESOLVED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = known.get(filename) {
        return path.clone();
    }
    let absolute = std::path::absolute(filename).unwrap_or_else(|_| PathBuf::from(filename));
    let path = std::fs::canonicalize(&absolute).unwrap_or(absolute);
    known.insert(filename.to_owned(), path.clone());
    path
}

/// Texts that are no files, by reference number minus one.
static TEXTS: Mutex<Vec<(String, Option<String>)>> = Mutex::new(Vec::new());

/// Makes a text known under the name that its code objects carry (`<string>` for `-c`).
pub fn remember_text(filename: &str, text: String) {
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    texts.retain(|(name, _)| name != filename);
    texts.push((filename.to_owned(), Some(text)));
}

/// The reference of a source that the client cannot read itself; 0 for files.
fn reference(filename: &str) -> i64 {
    let library = filename.starts_with(STDLIB_DIR) || filename.starts_with("<frozen ");
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = texts.iter().position(|(name, _)| name == filename) {
        return at as i64 + 1;
    }
    if !library {
        return 0;
    }
    texts.push((filename.to_owned(), None));
    texts.len() as i64
}

/// A source as the protocol describes it.
pub fn describe(filename: &str) -> Source {
    let path = resolve(filename);
    let source_reference = Some(reference(filename)).filter(|&r| r > 0);
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_else(|| filename.to_owned());
    let own = is_user_code(filename);
    Source {
        name: Some(name),
        path: Some(path.to_string_lossy().into_owned()),
        source_reference,
        presentation_hint: (!own).then(|| "deemphasize".to_owned()),
        origin: filename.starts_with(STDLIB_DIR).then(|| "Taipan's standard library".to_owned()),
        ..Source::default()
    }
}

/// The text of a source, by reference or by name; the error is for the user.
pub fn text(reference: i64, path: Option<&str>) -> Result<String, String> {
    let named = {
        let texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(reference - 1).ok().and_then(|i| texts.get(i).cloned())
    };
    match (named, path) {
        (Some((_, Some(text))), _) => Ok(text),
        (Some((name, None)), _) => library_text(&name),
        (None, Some(path)) if path.starts_with(STDLIB_DIR) => library_text(path),
        (None, Some(path)) => {
            let bytes = std::fs::read(path).map_err(|e| format!("{path}: {e}"))?;
            decode(&bytes, path)
        }
        (None, None) => Err("this source is not known".to_owned()),
    }
}

/// A file of the embedded library, or a module of it that is frozen under its name.
fn library_text(path: &str) -> Result<String, String> {
    let frozen = path.strip_prefix("<frozen ").and_then(|p| p.strip_suffix('>'));
    let found = match frozen {
        Some(name) => embedded::find(name).map(embedded::Embedded::source),
        None => embedded::source_of_path(path),
    };
    found.ok_or_else(|| format!("{path} is not in the standard library"))
}

/// The name behind a reference.
pub fn name_of(reference: i64) -> Option<String> {
    let texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    usize::try_from(reference - 1).ok().and_then(|i| texts.get(i).map(|(name, _)| name.clone()))
}

fn decode(bytes: &[u8], path: &str) -> Result<String, String> {
    taipan_syntax::decode_source(bytes, path).map(|s| s.text).map_err(|e| e.msg)
}

/// The lines of a source on which execution can stop, in order: from its compiled form, none of its code runs.
pub fn code_lines(path: &str) -> Result<Vec<u32>, String> {
    let text = text(0, Some(path)).or_else(|e| named_text(path).ok_or(e))?;
    let options = ParseOptions { mode: Mode::Exec, filename: path.to_owned(), ..ParseOptions::default() };
    let parsed = taipan_syntax::parse(&text, &options).map_err(|e| e.msg)?;
    let done = taipan_compiler::compile(parsed.module, path, &CompileOptions::default()).map_err(|e| e.msg)?;
    let mut lines = Vec::new();
    collect_lines(&done.code, &mut lines);
    lines.sort_unstable();
    lines.dedup();
    Ok(lines)
}

fn named_text(filename: &str) -> Option<String> {
    let texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    texts.iter().find(|(name, _)| name == filename).and_then(|(_, text)| text.clone())
}

/// Lines behind the first `RESUME` of a code object and of those nested in it.
fn collect_lines(code: &taipan_bytecode::CodeObject, lines: &mut Vec<u32>) {
    let start = code.instructions().find(|i| i.op == taipan_bytecode::Op::RESUME).map_or(0, |i| i.end() * 2);
    for range in code.lines() {
        if let Some(line) = range.line {
            if range.end > start && range.start < range.end && line > 0 {
                lines.push(line as u32);
            }
        }
    }
    for constant in &code.consts {
        if let taipan_bytecode::Const::Code(inner) = constant {
            collect_lines(inner, lines);
        }
    }
}
