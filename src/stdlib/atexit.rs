//! `atexit`: functions that run when the program ends, last registered first.

use parking_lot::Mutex;
use taipan_runtime::builtins::global::Global;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::typedef::{
    MethodDef,
    NativeFn::{F0, F1, V},
};
use taipan_runtime::object::{Py, PyResult, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("atexit")
    .doc("allow programmer to define multiple exit functions to be executed\nupon normal program termination.")
    .functions(&[
        MethodDef::function(
            "register",
            "($module, func, /, *args, **kwargs)",
            "Register a function to be executed upon normal program termination",
            V(register),
        ),
        MethodDef::function(
            "_clear",
            "($module, /)",
            "Clear the list of previously registered exit functions.",
            F0(clear),
        ),
        MethodDef::function(
            "unregister",
            "($module, func, /)",
            "Unregister an exit function which was previously registered using",
            F1(unregister),
        ),
        MethodDef::function("_run_exitfuncs", "($module, /)", "Run all registered exit functions.", F0(run_function)),
        MethodDef::function(
            "_ncallbacks",
            "($module, /)",
            "Return the number of registered exit functions.",
            F0(count),
        ),
    ]);

/// The callbacks, a list of `(function, args, keywords)`; a removed one is `None`.
static CALLBACKS: Global = Global::new();
static RUNNING: Mutex<()> = Mutex::new(());

fn callbacks() -> Py<List> {
    if let Some(Ok(l)) = CALLBACKS.get().map(Value::into_py::<List>) {
        return l;
    }
    let l = List::empty();
    drop(CALLBACKS.set(Some(l.clone().into())));
    l
}

fn register(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let Some(f) = args.get(0) else {
        return Err(vm.type_error("register() takes at least 1 argument (0 given)"));
    };
    if !vm.callable(f) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let rest = args.rest();
    let keywords = rest.keyword_dict().map_or_else(none, Py::into_value);
    let entry = [f.clone(), Tuple::from_slice(rest.pos()).into(), keywords];
    callbacks().push(Tuple::from_slice(&entry).into());
    Ok(f.clone())
}

fn clear(_: &mut Vm) -> PyResult {
    drop(CALLBACKS.set(None));
    Ok(none())
}

fn count(_: &mut Vm) -> PyResult {
    let n = callbacks().to_vec().iter().filter(|e| !e.is_none()).count();
    Ok(Value::from_usize(n))
}

fn unregister(vm: &mut Vm, f: &Value) -> PyResult {
    let all = callbacks().to_vec();
    let mut keep = Vec::with_capacity(all.len());
    for entry in all {
        let function = entry.downcast::<Tuple>().and_then(|t| t.items().first().cloned());
        match function {
            Some(g) if vm.eq(&g, f)? => {}
            _ => keep.push(entry),
        }
    }
    drop(CALLBACKS.set(Some(List::from_vec(keep).into())));
    Ok(none())
}

fn run_function(vm: &mut Vm) -> PyResult {
    run(vm);
    Ok(none())
}

/// Runs the callbacks, last registered first; those registered meanwhile run too. Errors are reported, not raised.
pub fn run(vm: &mut Vm) {
    let Some(_guard) = RUNNING.try_lock() else { return };
    loop {
        let mut all = callbacks().to_vec();
        let Some(entry) = all.pop() else { break };
        drop(CALLBACKS.set(Some(List::from_vec(all).into())));
        let Some(t) = entry.downcast::<Tuple>().cloned() else { continue };
        let [f, args, keywords] = t.items() else { continue };
        if call(vm, f, args, keywords).is_err() {
            let message = match vm.aside(|vm| vm.repr(f)) {
                Ok(r) => format!("Exception ignored in atexit callback {}", r.to_rust()),
                Err(_) => "Exception ignored in atexit callback".to_owned(),
            };
            vm.unraisable(None, Some(&message));
        }
    }
}

fn call(vm: &mut Vm, f: &Value, args: &Value, keywords: &Value) -> PyResult<()> {
    let mut all = args.downcast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    let pairs = keywords.downcast::<Dict>().map(|d| d.pairs()).unwrap_or_default();
    let names = Tuple::from_vec(pairs.iter().map(|(k, _)| k.clone()).collect());
    all.extend(pairs.into_iter().map(|(_, v)| v));
    vm.call_args(f, &Args::new(&all, Some(&names))).map(drop)
}
