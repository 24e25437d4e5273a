//! Audit hooks (PEP 578).

use crate::builtins::global::Global;
use crate::object::{PyResult, Value, none};
use crate::types::exceptions::EXCEPTION;
use crate::types::list::List;
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
    let hooks = hooks.downcast::<List>().map(|l| l.to_vec()).unwrap_or_default();
    let call = [event, Tuple::from_slice(args).into()];
    for hook in hooks {
        vm.call(&hook, &call)?;
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
    match HOOKS.get() {
        Some(hooks) => {
            if let Some(l) = hooks.downcast::<List>() {
                l.push(hook.clone());
            }
        }
        None => drop(HOOKS.set(Some(List::from_vec(vec![hook.clone()]).into()))),
    }
    Ok(none())
}
