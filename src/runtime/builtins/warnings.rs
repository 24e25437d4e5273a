//! Warnings: the filters, the registries of what was said already, and the way to `warnings.showwarning`.
//!
//! Native code warns through [`Vm::warn`]; the module `_warnings` is a thin face of this one. While the program has not
//! imported `warnings`, the state here decides; afterwards that module's attributes do, as programs assign to them
//! (`Python/_warnings.c`).

use super::global::Global;
use super::sys;
use crate::name;
use crate::object::{Py, PyResult, Raised, TypeDef, Value, boolean, none};
use crate::types::dict::Dict;
use crate::types::exceptions::print::{Sink, source::Lines};
use crate::types::exceptions::{self as exc, as_class};
use crate::types::int::Int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::typeobject::is_subtype;
use crate::vm::Vm;
use std::sync::atomic::{AtomicI64, Ordering};

static FILTERS: Global = Global::new();
static ONCE_REGISTRY: Global = Global::new();
/// Counts changes of the filters; a registry of an older version is stale.
static VERSION: AtomicI64 = AtomicI64::new(0);

/// Where a warning is said to come from.
pub struct Origin {
    /// File name.
    pub filename: Py<Str>,
    /// Line.
    pub line: i64,
    /// Module name; derived from the file name when absent.
    pub module: Option<Value>,
    /// What was said already there.
    pub registry: Option<Py<Dict>>,
    /// The object concerned (a resource that was not closed).
    pub source: Option<Value>,
    /// Text of the line, if known.
    pub text: Option<String>,
}

/// The list of filters, `_warnings.filters`.
pub fn filters(vm: &mut Vm) -> Value {
    if let Some(f) = FILTERS.get() {
        return f;
    }
    let row = |vm: &mut Vm, action: &str, category: &TypeDef, module: Option<&str>, class: Value| {
        let _ = category;
        let module = module.map_or_else(none, |m| vm.new_str(m));
        Tuple::from_vec(vec![vm.intern(action).into(), none(), class, module, Value::small_unchecked(0)]).into()
    };
    let rows = [
        ("default", &exc::DEPRECATION_WARNING, Some("__main__")),
        ("ignore", &exc::DEPRECATION_WARNING, None),
        ("ignore", &exc::PENDING_DEPRECATION_WARNING, None),
        ("ignore", &exc::IMPORT_WARNING, None),
        ("ignore", &exc::RESOURCE_WARNING, None),
    ];
    let items = rows.into_iter().map(|(a, c, m)| row(vm, a, c, m, c.value())).collect();
    let list: Value = List::from_vec(items).into();
    drop(FILTERS.set(Some(list.clone())));
    list
}

/// The registry of warnings said once, `_warnings._onceregistry`.
pub fn once_registry() -> Value {
    if let Some(d) = ONCE_REGISTRY.get() {
        return d;
    }
    let dict: Value = Dict::new_object().into();
    drop(ONCE_REGISTRY.set(Some(dict.clone())));
    dict
}

/// The filters changed: what was said before does not count any more.
pub fn filters_mutated() {
    VERSION.fetch_add(1, Ordering::Relaxed);
}

/// An attribute of the `warnings` module, if the program has imported that.
fn module_attribute(vm: &mut Vm, name: &str, import: bool) -> PyResult<Option<Value>> {
    let module = if import {
        match vm.import("warnings") {
            Ok(m) => Some(m),
            Err(_) => {
                vm.clear_error();
                None
            }
        }
    } else {
        sys::get(vm, "modules").and_then(|m| m.downcast::<Dict>()?.lookup_text("warnings"))
    };
    match module {
        Some(m) => {
            let name = vm.intern(name);
            vm.get_attr_opt(&m, &name)
        }
        None => Ok(None),
    }
}

impl Vm {
    /// Issues a warning about the code that is running: `stacklevel` 1 is the innermost Python frame, 2 its caller.
    pub fn warn(&mut self, category: &'static TypeDef, message: impl AsRef<str>, stacklevel: i64) -> PyResult<()> {
        let message = self.new_str(message.as_ref());
        warn_value(self, &message, category.value(), stacklevel, None, &[])
    }

    /// As [`Vm::warn`], about an object: an unclosed resource, a coroutine never awaited.
    pub fn warn_about(
        &mut self,
        category: &'static TypeDef,
        message: impl AsRef<str>,
        stacklevel: i64,
        source: &Value,
    ) -> PyResult<()> {
        let message = self.new_str(message.as_ref());
        warn_value(self, &message, category.value(), stacklevel, Some(source.clone()), &[])
    }

    /// Issues a warning about a place in a source.
    pub fn warn_explicit(
        &mut self,
        category: &'static TypeDef,
        message: &str,
        filename: &str,
        line: u32,
    ) -> PyResult<()> {
        let message = self.new_str(message);
        let filename = Str::from_rust(filename);
        let origin = Origin { filename, line: line as i64, module: None, registry: None, source: None, text: None };
        explicit(self, &message, category.value(), &origin)
    }
}

/// The category of a warning: that of a message which is a warning itself, the one given, or `UserWarning`.
pub fn category_of(vm: &mut Vm, message: &Value, category: Option<&Value>) -> PyResult {
    if vm.is_kind(message, &exc::WARNING) {
        return Ok(message.class_value());
    }
    let Some(c) = category.filter(|c| !c.is_none()) else { return Ok(exc::USER_WARNING.value()) };
    let fits = as_class(c).is_some_and(|c| is_subtype(c.get_type(), exc::WARNING.object()));
    if !fits {
        let got = c.class().payload.name();
        return Err(vm.type_error(format!("category must be a Warning subclass, not '{got}'")));
    }
    Ok(c.clone())
}

/// `warnings.warn(message, category, stacklevel, source, skip_file_prefixes=prefixes)`
pub fn warn_value(
    vm: &mut Vm,
    message: &Value,
    category: Value,
    stacklevel: i64,
    source: Option<Value>,
    prefixes: &[Py<Str>],
) -> PyResult<()> {
    let origin = origin_at(vm, stacklevel, source, prefixes)?;
    explicit(vm, message, category, &origin)
}

fn is_internal(filename: &str) -> bool {
    filename.contains("importlib") && filename.contains("_bootstrap")
}

/// The place `stacklevel` levels up; frames of the import machinery and of files with these prefixes do not count.
fn origin_at(vm: &mut Vm, stacklevel: i64, source: Option<Value>, prefixes: &[Py<Str>]) -> PyResult<Origin> {
    let starts = |f: &str| prefixes.iter().any(|p| f.starts_with(&*p.to_rust()));
    let (mut depth, mut level) = (0, stacklevel);
    let mut frame = vm.frame_object(0);
    let hide = level > 0 && !frame.as_ref().is_some_and(|f| is_internal(&f.code().filename.to_rust()));
    while level > 1 && frame.is_some() {
        level -= 1;
        loop {
            depth += 1;
            frame = vm.frame_object(depth);
            let skipped = frame.as_ref().is_some_and(|f| {
                let name = f.code().filename.to_rust();
                is_internal(&name) || starts(&name)
            });
            if !(hide && skipped) {
                break;
            }
        }
    }
    let (globals, filename, line) = match &frame {
        Some(f) => (f.function().globals.clone(), f.code().filename.clone(), f.line().unwrap_or(0) as i64),
        None => (sys::dict(), Str::from_rust("<sys>"), 0),
    };
    let registry = match globals.lookup_str(name!("__warningregistry__")).map(Value::into_py::<Dict>) {
        Some(Ok(d)) => d,
        Some(Err(_)) => return Err(vm.type_error("'registry' must be a dict or None")),
        None => {
            let d = Dict::new_object();
            globals.store_str(name!("__warningregistry__"), d.clone().into());
            d
        }
    };
    let module = globals.lookup_str(name!("__name__")).filter(|m| m.is_none() || m.downcast::<Str>().is_some());
    let module = Some(module.unwrap_or_else(|| vm.new_str("<string>")));
    Ok(Origin { filename, line, module, registry: Some(registry), source, text: None })
}

/// Issues a warning with everything said: filters decide whether it is shown, raised or kept quiet.
pub fn explicit(vm: &mut Vm, message: &Value, category: Value, origin: &Origin) -> PyResult<()> {
    let module = match &origin.module {
        Some(m) => m.clone(),
        None => module_of_file(&origin.filename),
    };
    let (text, category, message) = if vm.is_kind(message, &exc::WARNING) {
        (vm.str(message)?.into_value(), message.class_value(), message.clone())
    } else {
        (message.clone(), category.clone(), vm.call(&category, std::slice::from_ref(message))?)
    };
    let line = Int::from_i64(origin.line);
    let key: Value = Tuple::from_slice(&[text.clone(), category.clone(), line.clone()]).into();
    if let Some(r) = &origin.registry {
        if already_warned(vm, r, &key, false)? {
            return Ok(());
        }
    }
    let (action, item) = find_action(vm, &category, &text, origin.line, &module)?;
    let name = action.to_rust().into_owned();
    match name.as_str() {
        "ignore" => return Ok(()),
        "error" => return Err(raise(vm, message)),
        "always" | "all" => {}
        other => {
            if let Some(r) = &origin.registry {
                r.set_item(vm, &key, boolean(true))?;
            }
            let registry = match other {
                "once" => Some(match &origin.registry {
                    Some(r) => r.clone(),
                    None => shared_once_registry(vm)?,
                }),
                "module" => origin.registry.clone(),
                "default" => None,
                _ => {
                    let (a, i) = (vm.repr(action.as_value())?, vm.repr(&item)?);
                    return Err(vm.runtime_error(format!(
                        "Unrecognized action ({}) in warnings.filters:\n {}",
                        a.to_rust(),
                        i.to_rust()
                    )));
                }
            };
            if let Some(r) = registry {
                let key: Value = Tuple::from_slice(&[text.clone(), category.clone()]).into();
                if already_warned(vm, &r, &key, true)? {
                    return Ok(());
                }
            }
        }
    }
    show(vm, &category, &text, &message, line, origin)
}

fn raise(vm: &mut Vm, message: Value) -> Raised {
    if exc::is_exception(&message) {
        return vm.raise(message);
    }
    exc::raise_object(vm, &message)
}

fn module_of_file(filename: &Py<Str>) -> Value {
    let n = filename.len();
    if n == 0 {
        return Str::from_rust("<unknown>").into();
    }
    if n >= 3 && filename.to_rust().ends_with(".py") {
        return filename.slice(0, n - 3).into();
    }
    filename.clone().into()
}

/// Whether the key stands in the registry; a registry of older filters is emptied first. With `set`, it does afterwards.
fn already_warned(vm: &mut Vm, registry: &Py<Dict>, key: &Value, set: bool) -> PyResult<bool> {
    let version = VERSION.load(Ordering::Relaxed);
    let seen = registry.lookup_str(name!("version"));
    let current = seen.as_ref().and_then(|v| Int::read(v).and_then(|i| i.to_i64())) == Some(version);
    if current {
        if let Some(v) = registry.get_item(vm, key)? {
            if vm.truth(&v)? {
                return Ok(true);
            }
        }
    } else {
        registry.clear_all();
        registry.store_str(name!("version"), Int::from_i64(version));
    }
    if set {
        registry.set_item(vm, key, boolean(true))?;
    }
    Ok(false)
}

fn shared_once_registry(vm: &mut Vm) -> PyResult<Py<Dict>> {
    let registry = module_attribute(vm, "onceregistry", false)?.unwrap_or_else(once_registry);
    match registry.into_py::<Dict>() {
        Ok(d) => Ok(d),
        Err(v) => {
            let got = v.class().payload.name();
            Err(vm.type_error(format!("_warnings.onceregistry must be a dict, not '{got}'")))
        }
    }
}

/// The action of the first filter that matches, with that filter; or the default action.
fn find_action(vm: &mut Vm, category: &Value, text: &Value, line: i64, module: &Value) -> PyResult<(Py<Str>, Value)> {
    let list = match module_attribute(vm, "filters", false)? {
        Some(l) => l,
        None => filters(vm),
    };
    let Some(list) = list.downcast::<List>().cloned() else {
        return Err(vm.value_error("_warnings.filters must be a list"));
    };
    let mut i = 0;
    while let Some(item) = list.item(i) {
        let parts = item.downcast::<Tuple>().filter(|t| t.len() == 5);
        let Some([action, message, wanted, in_module, at]) = parts.map(|t| t.items()) else {
            return Err(vm.value_error(format!("warnings.filters item {i} isn't a 5-tuple")));
        };
        let Some(action) = action.downcast::<Str>().cloned() else {
            let got = action.class().payload.name();
            return Err(vm.type_error(format!("action must be a string, not '{got}'")));
        };
        let at = vm.to_i64(at)?;
        if text_matches(vm, message, text)?
            && text_matches(vm, in_module, module)?
            && vm.is_subclass(category, wanted)?
            && (at == 0 || at == line)
        {
            return Ok((action, item.clone()));
        }
        i += 1;
    }
    let default = match module_attribute(vm, "defaultaction", false)? {
        Some(d) => d,
        None => vm.intern("default").into(),
    };
    match default.into_py::<Str>() {
        Ok(action) => Ok((action, none())),
        Err(v) => {
            let got = v.class().payload.name();
            Err(vm.type_error(format!("_warnings.defaultaction must be a string, not '{got}'")))
        }
    }
}

/// Whether a filter's pattern (nothing, a text, or an object with `match`) fits.
fn text_matches(vm: &mut Vm, pattern: &Value, text: &Value) -> PyResult<bool> {
    if pattern.is_none() {
        return Ok(true);
    }
    if pattern.is_exact::<Str>() {
        return vm.eq(pattern, text);
    }
    let found = vm.call_method(pattern, "match", std::slice::from_ref(text))?;
    vm.truth(&found)
}

/// Shows a warning: by `warnings._showwarnmsg` when the module is there, else on `sys.stderr`.
fn show(vm: &mut Vm, category: &Value, text: &Value, message: &Value, line: Value, origin: &Origin) -> PyResult<()> {
    let import = origin.source.is_some();
    let Some(show) = module_attribute(vm, "_showwarnmsg", import)? else {
        return show_natively(vm, category, text, origin);
    };
    if !vm.callable(&show) {
        return Err(vm.type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = module_attribute(vm, "WarningMessage", false)? else {
        return Err(vm.runtime_error("unable to get warnings.WarningMessage"));
    };
    let source = origin.source.clone().unwrap_or_else(none);
    let filename = origin.filename.as_value().clone();
    let text = match &origin.text {
        Some(t) => vm.new_str(t),
        None => none(),
    };
    let args = [message.clone(), category.clone(), filename, line, none(), text, source];
    let shown = vm.call(&class, &args)?;
    vm.call(&show, &[shown])?;
    Ok(())
}

fn show_natively(vm: &mut Vm, category: &Value, text: &Value, origin: &Origin) -> PyResult<()> {
    let Some(out) = Sink::stderr(vm) else { return Ok(()) };
    let name = vm.get_attr_text(category, "__name__")?;
    let (name, text) = (vm.str(&name)?, vm.str(text)?);
    let filename = exc::print::to_text(&origin.filename);
    let shown = format!("{filename}:{}: {}: {}\n", origin.line, exc::print::to_text(&name), exc::print::to_text(&text));
    out.write(vm, &shown);
    let line = match &origin.text {
        Some(t) => t.clone(),
        None if filename.starts_with('<') => String::new(),
        None => Lines::default().line(vm, &filename, origin.line, None),
    };
    let line = line.trim_matches([' ', '\t', '\u{c}', '\n']);
    if !line.is_empty() {
        out.write(vm, &format!("  {line}\n"));
    }
    Ok(())
}
