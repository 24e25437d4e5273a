//! Source files as a person wants to read them: names without the folders that are plain anyway, and single lines.

use rustc_hash::FxHashMap;
use std::path::Path;
use std::sync::OnceLock;
use taipan_runtime::import::embedded::{self, STDLIB_DIR};

/// Folders that names are shown without: the one the program was started in, the script's, the library's.
static FOLDERS: OnceLock<Vec<String>> = OnceLock::new();

/// Notes the present folder and that of the program's file, before the program can change anything.
pub fn start(script: Option<&str>) {
    let here = std::env::current_dir().map(|d| d.to_string_lossy().into_owned()).ok();
    let full = script.and_then(|s| std::path::absolute(s).ok());
    let beside = full.as_deref().and_then(Path::parent).map(|p| p.to_string_lossy().into_owned());
    let folders = here.into_iter().chain(beside).chain([STDLIB_DIR.to_owned()]);
    let _ = FOLDERS.set(folders.filter(|f| f.len() > 1).collect());
}

/// The name of a file as it is shown.
pub fn short(file: &str) -> &str {
    let folders = FOLDERS.get().map(Vec::as_slice).unwrap_or_default();
    folders.iter().find_map(|f| file.strip_prefix(f.as_str())?.strip_prefix('/')).unwrap_or(file)
}

/// Most characters of a line that are shown.
const WIDTH: usize = 60;

/// Lines of source files, read at most once.
#[derive(Default)]
pub struct Sources {
    files: FxHashMap<String, Vec<String>>,
}

impl Sources {
    /// A line without the blanks around it, cut to a width that fits beside others; `None` when there is nothing on it.
    pub fn line(&mut self, file: &str, line: u32) -> Option<&str> {
        if !self.files.contains_key(file) {
            let text = match embedded::source_of_path(file) {
                Some(text) => text,
                None => String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned(),
            };
            self.files.insert(file.to_owned(), text.lines().map(cut).collect());
        }
        let text = self.files.get(file)?.get((line as usize).checked_sub(1)?)?;
        (!text.is_empty()).then_some(text)
    }
}

fn cut(line: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let line = line.trim();
    match line.char_indices().nth(WIDTH) {
        Some(_) => line.chars().map(clean).take(WIDTH - 1).chain(['…']).collect(),
        None => line.chars().map(clean).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_folders_are_left_out() {
        start(Some("/some/where/else/script.py"));
        assert_eq!(short("/some/where/else/script.py"), "script.py");
        assert_eq!(short(&format!("{STDLIB_DIR}/json/decoder.py")), "json/decoder.py");
        assert_eq!(short("/some/where/elsewhere.py"), "/some/where/elsewhere.py");
    }
}
