//! Source lines for tracebacks: from memory for code that never was a file, from the file, or from the module's loader.

use crate::builtins::sys;
use crate::object::Value;
use crate::types::dict::Dict;
use crate::types::int::Int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::rc::Rc;

static REGISTERED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Keeps the text of code that has no file (`-c`, standard input), so that tracebacks can show its lines.
pub fn register(filename: &str, text: &str) {
    let mut all = REGISTERED.lock();
    all.retain(|(name, _)| name != filename);
    all.push((filename.to_owned(), text.to_owned()));
}

/// Lines of the files of one report; each is read once.
#[derive(Default)]
pub struct Lines {
    files: FxHashMap<String, Rc<Vec<String>>>,
}

impl Lines {
    /// Line `number` (from 1) without its end; empty when it cannot be found. `globals` are those of the frame, whose
    /// loader may know the source.
    pub fn line(&mut self, vm: &mut Vm, filename: &str, number: i64, globals: Option<&Value>) -> String {
        let lines = match self.files.get(filename) {
            Some(l) => l.clone(),
            None => {
                let l = Rc::new(find(vm, filename, globals));
                self.files.insert(filename.to_owned(), l.clone());
                l
            }
        };
        let index = usize::try_from(number - 1).ok();
        index.and_then(|i| lines.get(i)).map(|l| l.trim_end().to_owned()).unwrap_or_default()
    }
}

fn split(text: &str) -> Vec<String> {
    let text = taipan_syntax::normalise_newlines(text);
    text.split('\n').map(str::to_owned).collect()
}

fn find(vm: &mut Vm, filename: &str, globals: Option<&Value>) -> Vec<String> {
    if let Some((_, text)) = REGISTERED.lock().iter().find(|(name, _)| name == filename) {
        return split(text);
    }
    if let Some(lines) = from_linecache(vm, filename) {
        return lines;
    }
    if let Some(text) = crate::import::embedded::source_of_path(filename) {
        return split(&text);
    }
    if filename.starts_with("<frozen ") {
        return Vec::new();
    }
    if filename.starts_with('<') && filename.ends_with('>') {
        return from_loader(vm, globals).unwrap_or_default();
    }
    if let Some(lines) = from_file(filename) {
        return lines;
    }
    if let Some(lines) = from_loader(vm, globals) {
        return lines;
    }
    from_path(vm, filename).unwrap_or_default()
}

fn from_file(path: &str) -> Option<Vec<String>> {
    let bytes = std::fs::read(path).ok()?;
    let source = taipan_syntax::decode_source(&bytes, path).ok()?;
    Some(split(&source.text))
}

/// A relative name is also sought along `sys.path`, as `linecache` does.
fn from_path(vm: &mut Vm, filename: &str) -> Option<Vec<String>> {
    if std::path::Path::new(filename).is_absolute() {
        return None;
    }
    let path = sys::get(vm, "path")?;
    let folders = path.downcast::<List>()?.to_vec();
    folders
        .iter()
        .filter_map(|f| f.downcast::<Str>())
        .find_map(|f| from_file(std::path::Path::new(&*f.to_rust()).join(filename).to_str()?))
}

/// What the `linecache` module holds, if the program has imported it: entries that tools and the REPL put there.
fn from_linecache(vm: &mut Vm, filename: &str) -> Option<Vec<String>> {
    let modules = sys::get(vm, "modules")?;
    let module = modules.downcast::<Dict>()?.lookup_text("linecache")?;
    let cache = get_quietly(vm, &module, "cache")?;
    let entry = cache.downcast::<Dict>()?.lookup_str(&Str::from_rust(filename))?;
    let entry = entry.downcast::<Tuple>()?.clone();
    let [_, modified, lines, ..] = entry.items() else { return None };
    // Entries with a time stamp mirror a file, which is read afresh.
    if !modified.is_none() && Int::read(modified).is_none_or(|m| m.to_i64() != Some(0)) {
        return None;
    }
    let lines = lines.downcast::<List>()?.to_vec();
    Some(lines.iter().map(|l| l.downcast::<Str>().map(|s| super::to_text(s)).unwrap_or_default()).collect())
}

fn get_quietly(vm: &mut Vm, v: &Value, name: &str) -> Option<Value> {
    match vm.get_attr_text(v, name) {
        Ok(v) => Some(v),
        Err(_) => {
            vm.clear_error();
            None
        }
    }
}

fn from_loader(vm: &mut Vm, globals: Option<&Value>) -> Option<Vec<String>> {
    let globals = globals?.downcast::<Dict>()?.clone();
    let spec = globals.lookup_text("__spec__").filter(|s| !s.is_none());
    let (name, loader) = match &spec {
        Some(s) => (get_quietly(vm, s, "name"), get_quietly(vm, s, "loader")),
        None => (None, None),
    };
    let loader = loader.filter(|l| !l.is_none()).or_else(|| globals.lookup_text("__loader__"))?;
    let name = name.filter(|n| !n.is_none()).or_else(|| globals.lookup_text("__name__"))?;
    let get_source = get_quietly(vm, &loader, "get_source")?;
    match vm.call(&get_source, &[name]) {
        Ok(text) => Some(split(&super::to_text(text.downcast::<Str>()?))),
        Err(_) => {
            vm.clear_error();
            None
        }
    }
}
