//! `_warnings`: the face of the runtime's warning machinery.

use parking_lot::Mutex;
use taipan_runtime::builtins::warnings::{self, Origin};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::typedef::{
    MethodDef,
    NativeFn::{F0, N},
};
use taipan_runtime::object::{Py, PyResult, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_warnings")
    .doc("Filters for warnings, and the part of giving them that needs no Python code.")
    .functions(&[
        MethodDef::function(
            "warn",
            "($module, /, message, category=None, stacklevel=1, source=None, *,\n     skip_file_prefixes=())",
            "Issue a warning, or maybe ignore it or raise an exception.",
            N(warn),
        ),
        MethodDef::function(
            "warn_explicit",
            "($module, /, message, category, filename, lineno,\n              module=<unrepresentable>, registry=None,\n              module_globals=None, source=None)",
            "Issue a warning, or maybe ignore it or raise an exception.",
            N(warn_explicit),
        ),
        MethodDef::function("_filters_mutated_lock_held", "($module, /)", "Tell that the filters changed.", F0(filters_mutated)),
        MethodDef::function("_acquire_lock", "($module, /)", "Take the lock of the filters.", F0(acquire_lock)),
        MethodDef::function("_release_lock", "($module, /)", "Release the lock of the filters.", F0(release_lock)),
    ])
    .init(init);

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let filters = warnings::filters(vm);
    dict.store_text("filters", filters);
    dict.store_text("_onceregistry", warnings::once_registry());
    let default = vm.intern("default");
    dict.store_text("_defaultaction", default);
    // Without the variable, the library's own module of warnings works on plain lists.
    if taipan_runtime::import::find_native("_contextvars").is_some() {
        let class = vm.import_attr("_contextvars", "ContextVar")?;
        let name = vm.new_str("_warnings_context");
        let context = vm.call(&class, &[name])?;
        dict.store_text("_warnings_context", context);
    }
    Ok(())
}

/// Owner (thread number) and depth of the lock.
static LOCK: Mutex<(u64, u32)> = Mutex::new((0, 0));

fn acquire_lock(vm: &mut Vm) -> PyResult {
    let me = vm.ident;
    loop {
        {
            let mut l = LOCK.lock();
            if l.1 == 0 || l.0 == me {
                *l = (me, l.1 + 1);
                return Ok(none());
            }
        }
        vm.allow_threads(|| std::thread::sleep(std::time::Duration::from_micros(200)));
    }
}

fn release_lock(vm: &mut Vm) -> PyResult {
    let mut l = LOCK.lock();
    if l.1 == 0 || l.0 != vm.ident {
        drop(l);
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    l.1 -= 1;
    Ok(none())
}

fn filters_mutated(vm: &mut Vm) -> PyResult {
    let held = *LOCK.lock();
    if held.1 == 0 || held.0 != vm.ident {
        return Err(vm.runtime_error("warnings._filters_mutated_lock_held() called without the lock held"));
    }
    warnings::filters_mutated();
    Ok(none())
}

fn given(v: &Option<Value>) -> Option<&Value> {
    v.as_ref().filter(|v| !v.is_none())
}

fn warn(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(message), category, stacklevel, source, prefixes] = a else {
        return Err(vm.system_error("warn(): unbound argument"));
    };
    let mut level = match stacklevel {
        Some(s) => vm.to_isize(s)? as i64,
        None => 1,
    };
    let mut skipped: Vec<Py<Str>> = Vec::new();
    if let Some(p) = prefixes {
        let Some(t) = p.downcast::<Tuple>() else {
            let got = p.class().payload.name();
            return Err(vm.type_error(format!("warn() argument 'skip_file_prefixes' must be tuple, not {got}")));
        };
        for item in t.items() {
            match item.downcast::<Str>() {
                Some(s) => skipped.push(s.clone()),
                None => {
                    let got = item.class().payload.name();
                    return Err(vm.type_error(format!("Found non-str '{got}' in skip_file_prefixes.")));
                }
            }
        }
    }
    if !skipped.is_empty() {
        level = level.max(2);
    }
    let category = warnings::category_of(vm, message, category.as_ref())?;
    warnings::warn_value(vm, message, category, level, given(source).cloned(), &skipped)?;
    Ok(none())
}

fn warn_explicit(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(message), Some(category), Some(filename), Some(lineno), module, registry, globals, source] = a else {
        return Err(vm.system_error("warn_explicit(): unbound argument"));
    };
    let filename = vm.expect_str(filename, "warn_explicit() argument 'filename'")?.clone();
    let line = vm.to_i32(lineno)? as i64;
    let registry = match given(registry) {
        None => None,
        Some(r) => match r.downcast::<Dict>() {
            Some(d) => Some(d.clone()),
            None => return Err(vm.type_error("'registry' must be a dict or None")),
        },
    };
    let text = match given(globals) {
        None => None,
        Some(g) if g.downcast::<Dict>().is_some() => source_line(vm, g, line)?,
        Some(g) => {
            let got = g.class().payload.name();
            return Err(vm.type_error(format!("module_globals must be a dict, not '{got}'")));
        }
    };
    let origin = Origin { filename, line, module: module.clone(), registry, source: given(source).cloned(), text };
    warnings::explicit(vm, message, category.clone(), &origin)?;
    Ok(none())
}

/// The line of a module's source, asked of its loader.
fn source_line(vm: &mut Vm, globals: &Value, line: i64) -> PyResult<Option<String>> {
    let Some(d) = globals.downcast::<Dict>().cloned() else { return Ok(None) };
    // It also tells about globals whose loader is missing or not that of their spec.
    let bless = vm.import_attr("importlib._bootstrap_external", "_bless_my_loader")?;
    let loader = vm.call1(&bless, globals)?;
    // The program's main module is known to its loader by another name.
    let spec_name = match d.lookup_text("__spec__") {
        Some(spec) => {
            let name = vm.intern("name");
            vm.get_attr_opt(&spec, &name)?
        }
        None => None,
    };
    let Some(name) = spec_name.or_else(|| d.lookup_text("__name__")) else { return Ok(None) };
    let get_source = vm.intern("get_source");
    let Some(get) = vm.get_attr_opt(&loader, &get_source)? else { return Ok(None) };
    let source = vm.call(&get, &[name])?;
    let Some(source) = source.downcast::<Str>() else { return Ok(None) };
    let index = usize::try_from(line - 1).ok();
    Ok(index.and_then(|i| source.to_rust().lines().nth(i).map(str::to_owned)))
}
