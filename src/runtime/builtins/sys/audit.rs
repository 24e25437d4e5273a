//! Audit hooks (PEP 578).

use crate::builtins::global::Global;
use crate::object::{PyResult, Value, none};
use crate::types::exceptions::EXCEPTION;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

static HOOKS: Global = Global::new();

/// Tells the hooks of an event; an exception of a hook stops the operation.
pub fn audit(vm: &mut Vm, event: &str, args: &[Value]) -> PyResult<()> {
    let Some(hooks) = HOOKS.get() else { return Ok(()) };
    let event = vm.intern(event).into();
    tell(vm, &hooks, event, args)
}

/// Whether anybody listens: callers may save the making of arguments.
pub fn listened() -> bool {
    HOOKS.get().is_some()
}

fn tell(vm: &mut Vm, hooks: &Value, event: Value, args: &[Value]) -> PyResult<()> {
    let hooks = hooks.downcast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    let call = [event, Tuple::from_slice(args).into()];
    for hook in hooks {
        let traced = match vm.get_attr_opt(&hook, crate::name!("__cantrace__"))? {
            Some(v) => vm.truth(&v)?,
            None => false,
        };
        // A hook is not traced unless it wants to be.
        vm.hooks.in_python += u32::from(!traced);
        let r = vm.call(&hook, &call);
        vm.hooks.in_python -= u32::from(!traced);
        r?;
    }
    Ok(())
}

/// `sys.audit(event, *args)`
pub fn audit_function(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "audit")?;
    let [event, rest @ ..] = args.pos() else {
        return Err(vm.type_error("audit expected at least 1 argument, got 0"));
    };
    if event.downcast::<Str>().is_none() {
        let name = event.class().payload.name();
        return Err(vm.type_error(format!("audit() argument 1 must be str, not {name}")));
    }
    if let Some(hooks) = HOOKS.get() {
        tell(vm, &hooks, event.clone(), rest)?;
    }
    Ok(none())
}

/// `sys.addaudithook(hook)`: the hooks there already may refuse, silently, by an exception.
pub fn addaudithook(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(hook)] = a else { return Err(vm.system_error("addaudithook(): unbound argument")) };
    if audit(vm, "sys.addaudithook", &[]).is_err() {
        if !vm.error_is(&EXCEPTION) {
            return Err(crate::object::Raised(()));
        }
        vm.clear_error();
        return Ok(none());
    }
    // A new tuple each time: none of the lists that a program can get at holds the hooks.
    let mut hooks = HOOKS.get().and_then(|h| h.downcast::<Tuple>().map(|t| t.items().to_vec())).unwrap_or_default();
    hooks.push(hook.clone());
    drop(HOOKS.set(Some(Tuple::from_vec(hooks).into())));
    Ok(none())
}
