//! Imports: native modules, the embedded standard library, and the statement's semantics over `importlib`.
//!
//! The machinery is `importlib._bootstrap` itself, embedded like the rest of the library; this room gives it `_imp`, the
//! table of native modules and the table of embedded ones, and a fast path for modules already imported
//! (`Python/import.c` has the rules).

pub mod embedded;
pub mod imp;
pub mod library;
mod times;

use crate::name;
use crate::object::{MethodDef, Py, PyResult, TypeDef, Value, none};
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::exceptions as exc;
use crate::types::function::Function;
use crate::types::method::BuiltinFunction;
use crate::types::module::Module;
use crate::types::str::Str;
use crate::types::str::intern::intern_str;
use crate::vm::Vm;
use std::sync::OnceLock;

/// A native module: a row of the table of modules.
pub struct ModuleDef {
    /// Name to import.
    pub name: &'static str,
    /// Documentation.
    pub doc: &'static str,
    /// Functions.
    pub functions: &'static [MethodDef],
    /// Types, made ready and stored under their short names when the module is imported.
    pub types: &'static [&'static TypeDef],
    /// Fills the rest of the module's dictionary.
    pub init: Option<fn(&mut Vm, &Py<Dict>) -> PyResult<()>>,
}

impl ModuleDef {
    /// A module without contents.
    pub const fn new(name: &'static str) -> ModuleDef {
        ModuleDef { name, doc: "", functions: &[], types: &[], init: None }
    }
    /// Documentation.
    pub const fn doc(mut self, doc: &'static str) -> ModuleDef {
        self.doc = doc;
        self
    }
    /// Functions.
    pub const fn functions(mut self, functions: &'static [MethodDef]) -> ModuleDef {
        self.functions = functions;
        self
    }
    /// Types.
    pub const fn types(mut self, types: &'static [&'static TypeDef]) -> ModuleDef {
        self.types = types;
        self
    }
    /// What fills the rest.
    pub const fn init(mut self, init: fn(&mut Vm, &Py<Dict>) -> PyResult<()>) -> ModuleDef {
        self.init = Some(init);
        self
    }
}

static NATIVE: OnceLock<&'static [&'static ModuleDef]> = OnceLock::new();

/// Tells the runtime the native modules of the standard library (once, before the first import).
pub fn register_native(modules: &'static [&'static ModuleDef]) {
    let _ = NATIVE.set(modules);
}

/// The native modules of the runtime itself.
static OWN: &[&ModuleDef] = &[&imp::MODULE];

/// All native modules.
pub fn native_modules() -> impl Iterator<Item = &'static ModuleDef> {
    OWN.iter().chain(NATIVE.get().copied().unwrap_or(&[])).copied()
}

/// The native module with this name.
pub fn find_native(name: &str) -> Option<&'static ModuleDef> {
    native_modules().find(|m| m.name == name)
}

/// `sys.modules`.
pub fn modules(vm: &mut Vm) -> PyResult<Py<Dict>> {
    crate::builtins::sys::modules(vm)
}

/// Makes a native module (every call a new one) without entering it into `sys.modules`.
pub fn make_native(vm: &mut Vm, def: &'static ModuleDef) -> PyResult<Py<Module>> {
    let name = intern_str(def.name);
    let doc = if def.doc.is_empty() { none() } else { vm.new_str(def.doc) };
    let m = Module::new_object(name.as_value(), doc);
    for f in def.functions {
        m.dict.store_text(f.name, BuiltinFunction::of_module(f, &name));
    }
    for t in def.types {
        crate::types::typeobject::ready::ready(t);
        m.dict.store_text(t.name.rsplit('.').next().unwrap_or(t.name), t.value());
    }
    if let Some(init) = def.init {
        init(vm, &m.dict)?;
    }
    Ok(m)
}

impl Vm {
    /// Imports a module by its absolute name and gives it (not its top package).
    pub fn import(&mut self, name: &str) -> PyResult {
        let n = intern_str(name);
        let modules = modules(self)?;
        if let Some(m) = modules.lookup_str(&n) {
            if !m.is_none() {
                return Ok(m);
            }
        }
        match bootstrap(self) {
            Some(b) => {
                let f = self.get_attr_text(&b, "_gcd_import")?;
                self.call1(&f, n.as_value())
            }
            None => {
                let Some(def) = find_native(name) else {
                    return Err(self.import_error(format!("no native module named '{name}' before importlib is ready")));
                };
                let m: Value = make_native(self, def)?.into();
                modules.store_str(&n, m.clone());
                Ok(m)
            }
        }
    }
}

static BOOTSTRAP: OnceLock<usize> = OnceLock::new();

/// `importlib._bootstrap`, once it is installed.
fn bootstrap(_: &mut Vm) -> Option<Value> {
    let word = *BOOTSTRAP.get()?;
    // SAFETY: `install` keeps one reference for the life of the process.
    Some(unsafe { Value::from_header(word as *const _) })
}

/// Runs a code object as the body of a module.
pub fn exec_module_code(vm: &mut Vm, code: Py<Code>, module: &Py<Module>) -> PyResult<()> {
    let f = Function::new(vm, code, module.dict.clone(), None);
    vm.run_code(&f, module.dict.as_value()).map(|_| ())
}

/// Installs `importlib._bootstrap` and `_bootstrap_external`. `sys`, `builtins` are in `sys.modules` already.
pub fn install(vm: &mut Vm) -> PyResult<()> {
    let modules = modules(vm)?;
    let imp = vm.import("_imp")?;
    let sys = modules.lookup_text("sys").unwrap_or_else(none);
    let code = embedded::code(vm, "importlib._bootstrap")?;
    let name: Value = intern_str("_frozen_importlib").into();
    let m = Module::new_object(&name, none());
    m.dict.store_text("__builtins__", crate::builtins::module(vm)?);
    let origin = vm.new_str("importlib._bootstrap");
    m.dict.store_text("__origname__", origin);
    modules.store_text("_frozen_importlib", m.clone());
    exec_module_code(vm, code, &m)?;
    vm.call_method(m.as_value(), "_install", &[sys, imp])?;
    let _ = BOOTSTRAP.set(m.clone().into_value().into_word());
    // Files are found by `importlib._bootstrap_external`, which stands on these.
    vm.call_method(m.as_value(), "_install_external_importers", &[])?;
    install_zipimport(vm)?;
    library::install(vm)
}

/// Puts the importer of archives first among the path hooks (`init_zipimport` of `Python/import.c`).
fn install_zipimport(vm: &mut Vm) -> PyResult<()> {
    let importer = vm.import_attr("zipimport", "zipimporter")?;
    let hooks = crate::builtins::sys::get(vm, "path_hooks").unwrap_or_else(none);
    vm.call_method(&hooks, "insert", &[Value::small_unchecked(0), importer]).map(|_| ())
}

/// `IMPORT_NAME`: calls `builtins.__import__` if it was replaced, else imports.
pub fn import_name(vm: &mut Vm, name: &Py<Str>, from: &Value, level: &Value) -> PyResult {
    // SAFETY: the innermost frame is live.
    let builtins = unsafe { crate::vm::frame::Frame::function(vm.frame).builtins.clone() };
    let Some(f) = builtins.lookup_str(name!("__import__")) else {
        return Err(vm.import_error("__import__ not found"));
    };
    let globals: Value = vm.globals().map_or_else(none, Into::into);
    if crate::builtins::is_original_import(&f) {
        let level = vm.to_i32(level)?;
        return import_level(vm, name.as_value(), Some(&globals), Some(from), level);
    }
    let locals = match vm.locals() {
        // Functions' locals are not handed to a replaced __import__ (CPython passes its frame's mapping or None).
        Some(r) => r?,
        None => none(),
    };
    vm.call(&f, &[name.as_value().clone(), globals, locals, from.clone(), level.clone()])
}

/// `__import__(name, globals, fromlist, level)` (`PyImport_ImportModuleLevelObject`).
pub fn import_level(vm: &mut Vm, name: &Value, globals: Option<&Value>, from: Option<&Value>, level: i32) -> PyResult {
    let module = load_level(vm, name, globals, from, level);
    if module.is_err() {
        crate::types::traceback::hide_importlib(vm);
    }
    module
}

fn load_level(vm: &mut Vm, name: &Value, globals: Option<&Value>, from: Option<&Value>, level: i32) -> PyResult {
    let Some(text) = name.downcast::<Str>() else {
        return Err(vm.type_error("module name must be a string"));
    };
    if level < 0 {
        return Err(vm.value_error("level must be >= 0"));
    }
    let absolute = if level > 0 {
        let globals = globals.cloned().unwrap_or_else(none);
        resolve_relative(vm, text, &globals, level)?
    } else {
        if text.len() == 0 {
            return Err(vm.value_error("Empty module name"));
        }
        crate::types::str::intern::intern(text.clone())
    };
    let found = modules(vm)?.lookup_str(&absolute).filter(|m| !m.is_none());
    let module = match found {
        Some(m) => {
            wait_until_initialized(vm, &m, &absolute)?;
            if crate::builtins::sys::config::config().import_time > 1 {
                times::cached(&absolute);
            }
            m
        }
        None => match bootstrap(vm) {
            Some(b) => {
                let f = vm.get_attr_text(&b, "_find_and_load")?;
                let import: Value = crate::builtins::get(vm, "__import__");
                let call = |vm: &mut Vm| vm.call(&f, &[absolute.as_value().clone(), import]);
                match crate::builtins::sys::config::config().import_time {
                    0 => call(vm)?,
                    _ => times::timed(vm, &absolute, call)?,
                }
            }
            None => vm.import(&absolute.to_rust())?,
        },
    };
    let has_from = match from {
        Some(f) if !f.is_none() => vm.truth(f)?,
        _ => false,
    };
    if has_from {
        let from = from.expect("checked");
        if vm.get_attr_opt(&module, name!("__path__"))?.is_some() {
            if let Some(b) = bootstrap(vm) {
                let import: Value = crate::builtins::get(vm, "__import__");
                return vm.call_method(&b, "_handle_fromlist", &[module, from.clone(), import]);
            }
        }
        return Ok(module);
    }
    top_package(vm, text, &absolute, level, module)
}

/// Without a `from` list the import gives the first package of the name.
fn top_package(vm: &mut Vm, text: &Py<Str>, absolute: &Py<Str>, level: i32, module: Value) -> PyResult {
    let name = text.to_rust().into_owned();
    if level == 0 {
        return match name.split_once('.') {
            None => Ok(module),
            Some((front, _)) => import_level(vm, intern_str(front).as_value(), None, None, 0),
        };
    }
    if name.is_empty() {
        return Ok(module);
    }
    let cut = name.find('.').map_or(0, |i| name.len() - i);
    let full = absolute.to_rust().into_owned();
    let wanted = intern_str(&full[..full.len() - cut]);
    match modules(vm)?.lookup_str(&wanted) {
        Some(m) => Ok(m),
        None => Err(vm
            .raise_with(&exc::KEY_ERROR, &[vm_str(&format!("'{}' not in sys.modules as expected", wanted.to_rust()))])),
    }
}

fn vm_str(s: &str) -> Value {
    Str::from_rust(s).into()
}

/// If another thread (or an outer import) is still initialising the module, waits for it.
fn wait_until_initialized(vm: &mut Vm, m: &Value, name: &Py<Str>) -> PyResult<()> {
    let Some(module) = m.downcast::<Module>() else { return Ok(()) };
    let Some(spec) = module.dict.lookup_str(name!("__spec__")) else { return Ok(()) };
    if spec.is_none() {
        return Ok(());
    }
    let Some(i) = vm.get_attr_opt(&spec, name!("_initializing"))? else { return Ok(()) };
    if vm.truth(&i)? {
        if let Some(b) = bootstrap(vm) {
            vm.call_method(&b, "_lock_unlock_module", std::slice::from_ref(name.as_value()))?;
        }
    }
    Ok(())
}

/// Absolute name of a relative import (`resolve_name` of `Python/import.c`).
fn resolve_relative(vm: &mut Vm, name: &Py<Str>, globals: &Value, level: i32) -> PyResult<Py<Str>> {
    let Some(g) = globals.downcast::<Dict>() else {
        return Err(vm.type_error("globals must be a dict"));
    };
    let package = g.lookup_str(name!("__package__")).filter(|p| !p.is_none());
    let spec = g.lookup_str(name!("__spec__")).filter(|s| !s.is_none());
    let package = match (package, spec) {
        (Some(p), _) => p,
        (None, Some(s)) => vm.get_attr_text(&s, "parent")?,
        (None, None) => {
            let Some(n) = g.lookup_str(name!("__name__")) else {
                return Err(vm.raise_with(&exc::KEY_ERROR, &[vm_str("'__name__' not in globals")]));
            };
            if g.lookup_str(name!("__path__")).is_some() {
                n
            } else {
                let n = n.downcast::<Str>().map(|s| s.to_rust().into_owned()).unwrap_or_default();
                vm_str(n.rsplit_once('.').map_or("", |(p, _)| p))
            }
        }
    };
    let Some(p) = package.downcast::<Str>() else { return Err(vm.type_error("package must be a string")) };
    let p = p.to_rust().into_owned();
    if p.is_empty() {
        return Err(vm.import_error("attempted relative import with no known parent package"));
    }
    let mut base = p.as_str();
    for _ in 1..level {
        match base.rsplit_once('.') {
            Some((b, _)) => base = b,
            None => return Err(vm.import_error("attempted relative import beyond top-level package")),
        }
    }
    let n = name.to_rust();
    Ok(if n.is_empty() { intern_str(base) } else { intern_str(&format!("{base}.{n}")) })
}

/// `IMPORT_FROM`: an attribute of the module, or a submodule already in `sys.modules`.
pub fn import_from(vm: &mut Vm, module: &Value, name: &Py<Str>) -> PyResult {
    if let Some(v) = vm.get_attr_opt(module, name)? {
        return Ok(v);
    }
    let package = vm.get_attr_opt(module, name!("__name__"))?.and_then(|n| n.into_py::<Str>().ok());
    if let Some(p) = &package {
        let full = intern_str(&format!("{}.{}", p.to_rust(), name.to_rust()));
        if let Some(m) = modules(vm)?.lookup_str(&full) {
            return Ok(m);
        }
    }
    cannot_import(vm, module, name, package)
}

#[cold]
fn cannot_import(vm: &mut Vm, module: &Value, name: &Py<Str>, package: Option<Py<Str>>) -> PyResult {
    let shown = match &package {
        Some(p) => format!("'{}'", p.to_rust()),
        None => "'<unknown module name>'".to_owned(),
    };
    let spec = vm.get_attr_opt(module, name!("__spec__"))?.filter(|s| !s.is_none());
    let origin = match &spec {
        Some(s) => match vm.get_attr_opt(s, name!("has_location"))? {
            Some(h) if vm.truth(&h)? => vm.get_attr_opt(s, name!("origin"))?.filter(|o| o.downcast::<Str>().is_some()),
            _ => None,
        },
        None => None,
    };
    let origin = match origin {
        Some(o) => Some(o),
        None => vm.get_attr_opt(module, name!("__file__"))?.filter(|o| o.downcast::<Str>().is_some()),
    };
    let initializing = match &spec {
        Some(s) => match vm.get_attr_opt(s, name!("_initializing"))? {
            Some(i) => vm.truth(&i)?,
            None => false,
        },
        None => false,
    };
    let place = match &origin {
        Some(o) => vm.str(o)?.to_rust().into_owned(),
        None => "unknown location".to_owned(),
    };
    let n = name.to_rust();
    let text = if initializing {
        format!(
            "cannot import name '{n}' from partially initialized module {shown} (most likely due to a circular import) ({place})"
        )
    } else {
        format!("cannot import name '{n}' from {shown} ({place})")
    };
    Err(exc::raise_import_error(vm, &text, package.map(Into::into), origin, Some(name.as_value().clone())))
}

/// `from module import *` into the innermost frame's namespace.
pub fn import_star(vm: &mut Vm, module: &Value) -> PyResult {
    let Some(ns) = vm.locals() else { return Err(vm.system_error("no locals found during 'import *'")) };
    let ns = ns?;
    let all = vm.get_attr_opt(module, name!("__all__"))?;
    let skip_private = all.is_none();
    let names = match all {
        Some(a) => vm.collect(&a)?,
        None => match vm.get_attr_opt(module, name!("__dict__"))? {
            Some(d) => vm.mapping_keys(&d)?,
            None => return Err(vm.import_error("from-import-* object has no __dict__ and no __all__")),
        },
    };
    for n in names {
        let Some(s) = n.downcast::<Str>() else {
            let m = vm.get_attr_opt(module, name!("__name__"))?.unwrap_or_else(none);
            let m = vm.str(&m)?.to_rust().into_owned();
            let t = n.class().payload.name();
            let place = if skip_private { "Key in {}.__dict__" } else { "Item in {}.__all__" };
            return Err(vm.type_error(format!("{} must be str, not {t}", place.replace("{}", &m))));
        };
        if skip_private && s.len() > 0 && s.at(0) == '_' as u32 {
            continue;
        }
        let key = crate::types::str::intern::intern(s.clone());
        let v = vm.get_attr(module, &key)?;
        vm.set_item(&ns, key.as_value(), &v)?;
    }
    Ok(none())
}
