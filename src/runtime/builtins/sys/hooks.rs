//! `displayhook`, `excepthook`, `unraisablehook` and `breakpointhook`.

use crate::name;
use crate::object::typedef::MethodDef;
use crate::object::{Py, PyResult, Value, none};
use crate::types::dict::Dict;
use crate::types::exceptions::unraisable::{UNRAISABLE_HOOK_ARGS, default_hook};
use crate::types::exceptions::{self as exc, print};
use crate::types::method::BuiltinFunction;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// Keeps the original hooks under their second names.
pub fn init(_: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    for name in ["displayhook", "excepthook", "breakpointhook", "unraisablehook"] {
        if let Some(hook) = dict.lookup_text(name) {
            dict.store_text(&format!("__{name}__"), hook);
        }
    }
    Ok(())
}

fn is_row(hook: &Value, name: &str) -> bool {
    let row: Option<&MethodDef> = super::FUNCTIONS.iter().find(|r| r.name == name);
    match (hook.downcast::<BuiltinFunction>(), row) {
        (Some(f), Some(row)) => std::ptr::eq(f.def, row),
        _ => false,
    }
}

/// Whether a hook is the original `sys.excepthook`.
pub fn is_default_excepthook(_: &Vm, hook: &Value) -> bool {
    is_row(hook, "excepthook")
}

/// Whether a hook is the original `sys.unraisablehook`.
pub fn is_default_unraisable(_: &Vm, hook: &Value) -> bool {
    is_row(hook, "unraisablehook")
}

/// `sys.displayhook(object)`: shows what an interactive statement gave, and keeps it as `builtins._`.
pub fn displayhook(vm: &mut Vm, object: &Value) -> PyResult {
    if object.is_none() {
        return Ok(none());
    }
    let builtins = crate::builtins::dict();
    builtins.store_str(name!("_"), none());
    let out = match super::get(vm, "stdout") {
        Some(f) if !f.is_none() => f,
        _ => return Err(vm.runtime_error("lost sys.stdout")),
    };
    let text = vm.repr(object)?;
    let written = vm.call_method(&out, "write", std::slice::from_ref(text.as_value()));
    if written.is_err() {
        if !vm.error_is(&exc::UNICODE_ENCODE_ERROR) {
            return Err(crate::object::Raised(()));
        }
        vm.clear_error();
        let encoding = vm.get_attr_text(&out, "encoding")?;
        let errors = vm.new_str("backslashreplace");
        let bytes = vm.call_method(text.as_value(), "encode", &[encoding.clone(), errors])?;
        let strict = vm.new_str("strict");
        let escaped = vm.call_method(&bytes, "decode", &[encoding, strict])?;
        vm.call_method(&out, "write", &[escaped])?;
    }
    let newline = vm.new_str("\n");
    vm.call_method(&out, "write", &[newline])?;
    builtins.store_str(name!("_"), object.clone());
    Ok(none())
}

/// `sys.excepthook(exctype, value, traceback)`
pub fn excepthook(vm: &mut Vm, _: &Value, value: &Value, traceback: &Value) -> PyResult {
    match value.downcast::<exc::BaseException>() {
        Some(e) => {
            if e.traceback(vm).is_none() && traceback.downcast::<crate::types::traceback::Traceback>().is_some() {
                e.set_traceback(vm, Some(traceback.clone()));
            }
            print::display(vm, value);
        }
        None => {
            let name = value.class().payload.name();
            if let Some(out) = print::Sink::stderr(vm) {
                out.write(vm, &format!("TypeError: print_exception(): Exception expected for value, {name} found\n"));
            }
        }
    }
    Ok(none())
}

/// `sys.unraisablehook(unraisable)`
pub fn unraisablehook(vm: &mut Vm, unraisable: &Value) -> PyResult {
    let class = UNRAISABLE_HOOK_ARGS.class(vm)?;
    if !std::ptr::eq(unraisable.class(), class.get_type()) {
        return Err(vm.type_error("sys.unraisablehook argument type must be UnraisableHookArgs"));
    }
    let Some(t) = unraisable.downcast::<Tuple>() else { return Ok(none()) };
    if let [_, value, _, message, object] = t.items() {
        default_hook(vm, value, object, message);
    }
    Ok(none())
}

/// `sys.breakpointhook(*args, **kwargs)`: calls what `PYTHONBREAKPOINT` names, `pdb.set_trace` by default.
pub fn breakpointhook(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let chosen = match super::config::config().ignore_environment {
        true => None,
        false => std::env::var("PYTHONBREAKPOINT").ok().filter(|v| !v.is_empty()),
    };
    let chosen = chosen.unwrap_or_else(|| "pdb.set_trace".to_owned());
    if chosen == "0" {
        return Ok(none());
    }
    let (module, attribute) = chosen.rsplit_once('.').unwrap_or(("builtins", &chosen));
    match vm.import_attr(module, attribute) {
        Ok(f) => vm.call_args(&f, args),
        Err(r) => {
            if !vm.error_is(&exc::IMPORT_ERROR) && !vm.error_is(&exc::ATTRIBUTE_ERROR) {
                return Err(r);
            }
            vm.clear_error();
            let text = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{chosen}\"");
            vm.warn(&exc::RUNTIME_WARNING, &text, 1)?;
            Ok(none())
        }
    }
}

/// The text of a Python string, for messages.
pub fn text(v: &Value) -> Option<String> {
    v.downcast::<Str>().map(|s| s.to_rust().into_owned())
}
