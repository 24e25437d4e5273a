//! `_csv` (`Modules/_csv.c`): reading and writing of comma-separated values in their many dialects.

mod dialect;
mod reader;
mod writer;

use crate::error_class::ErrorClass;
pub use dialect::DIALECT;
use dialect::{Options, make};
pub use reader::READER;
use std::sync::atomic::{AtomicI64, Ordering};
use taipan_runtime::builtins::global::Global;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Raised, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::EXCEPTION;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;
pub use writer::WRITER;

static ERROR: ErrorClass = ErrorClass::new("_csv", "Error", &EXCEPTION);

/// Registered dialects by name.
static DIALECTS: Global = Global::new();

/// The largest field that a reader accepts, in characters.
static FIELD_LIMIT: AtomicI64 = AtomicI64::new(128 * 1024);

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_csv")
    .doc("CSV parsing and writing.\n")
    .functions(&[
        MethodDef::function(
            "reader",
            "($module, iterable, /, dialect='excel', **fmtparams)",
            "Return a reader object that will process lines from the given iterable.",
            V(reader::reader),
        ),
        MethodDef::function(
            "writer",
            "($module, fileobj, /, dialect='excel', **fmtparams)",
            "Return a writer object that will write user data on the given file object.",
            V(writer::writer),
        ),
        MethodDef::function(
            "list_dialects",
            "($module, /)",
            "Return a list of all known dialect names.",
            F0(|_| Ok(List::from_vec(dialects().pairs().into_iter().map(|(name, _)| name).collect()).into())),
        ),
        MethodDef::function(
            "register_dialect",
            "($module, name, /, dialect='excel', **fmtparams)",
            "Create a mapping from a string name to a CVS dialect.",
            V(register),
        ),
        MethodDef::function(
            "unregister_dialect",
            "($module, /, name)",
            "Delete the name/dialect mapping associated with a string name.",
            N(|vm, args| {
                let name = args[0].as_ref().expect("required");
                match dialects().del_item(vm, name)? {
                    Some(_) => Ok(none()),
                    None => Err(ERROR.raise(vm, "unknown dialect")),
                }
            }),
        ),
        MethodDef::function(
            "get_dialect",
            "($module, /, name)",
            "Return the dialect instance associated with name.",
            N(|vm, args| registered(vm, args[0].as_ref().expect("required"))),
        ),
        MethodDef::function(
            "field_size_limit",
            "($module, /, new_limit=<unrepresentable>)",
            "Sets an upper limit on parsed fields; returns the old one.",
            N(field_size_limit),
        ),
    ])
    .types(&[&DIALECT, &READER, &WRITER])
    .init(|vm, dict| {
        for (name, class) in [("reader", READER.value()), ("writer", WRITER.value())] {
            let function = MODULE.functions.iter().find(|f| f.name == name).expect("the table has both");
            let own = vm.intern("_csv");
            let shown = if name == "reader" { "Reader" } else { "Writer" };
            dict.store_text(name, taipan_runtime::types::method::BuiltinFunction::of_module(function, &own));
            dict.store_text(shown, class);
        }
        for (name, n) in dialect::QUOTINGS {
            dict.store_text(name, Value::small_unchecked(n));
        }
        let class = ERROR.get(vm)?;
        dict.store_text("Error", class);
        dict.store_text("_dialects", dialects());
        Ok(())
    });

fn dialects() -> Py<Dict> {
    let made = DIALECTS.get().unwrap_or_else(|| {
        let dict: Value = Dict::new_object().into();
        drop(DIALECTS.set(Some(dict.clone())));
        dict
    });
    made.into_py().expect("a dict was put there")
}

#[cold]
fn error(vm: &mut Vm, message: &str) -> Raised {
    ERROR.raise(vm, message)
}

/// The dialect registered under a name.
fn registered(vm: &mut Vm, name: &Value) -> PyResult {
    match dialects().get_item(vm, name)? {
        Some(d) => Ok(d),
        None => Err(error(vm, "unknown dialect")),
    }
}

fn register(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    positional(vm, args, "register_dialect")?;
    let name = &args.pos()[0];
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error("dialect name must be a string"));
    }
    let options = Options::of_call(vm, args)?;
    let dialect = make(vm, &options)?;
    dialects().set_item(vm, name, dialect)?;
    Ok(none())
}

/// One or two positional arguments.
fn positional(vm: &mut Vm, args: &Args<'_>, function: &str) -> PyResult<()> {
    let n = args.len();
    if n < 1 {
        return Err(vm.type_error(format!("{function} expected at least 1 argument, got 0")));
    }
    if n > 2 {
        return Err(vm.type_error(format!("{function} expected at most 2 arguments, got {n}")));
    }
    Ok(())
}

fn field_size_limit(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let old = FIELD_LIMIT.load(Ordering::Relaxed);
    if let Some(v) = &args[0] {
        if !Int::is_exact(v) {
            return Err(vm.type_error("limit must be an integer"));
        }
        match Int::read(v).and_then(IntRef::to_i64) {
            Some(n) => FIELD_LIMIT.store(n, Ordering::Relaxed),
            None => return Err(vm.overflow_error("Python int too large to convert to C long")),
        }
    }
    Ok(Int::from_i64(old))
}
