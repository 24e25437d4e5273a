//! What the `raise`, `except` and `except*` statements mean.

use super::*;
use crate::object::none;
use crate::types::list::List;

/// The exception that a `raise` operand gives: an instance, or an instance made of a class without arguments.
fn instance_of(vm: &mut Vm, v: &Value, error: &str) -> PyResult {
    if is_exception(v) {
        return Ok(v.clone());
    }
    if as_class(v).is_none() {
        return Err(vm.type_error(error));
    }
    let e = vm.call(v, &[])?;
    if is_exception(&e) {
        return Ok(e);
    }
    let (class, got) = (vm.repr(v)?, vm.repr(&e.class_value())?);
    Err(vm.type_error(format!(
        "calling {} should have returned an instance of BaseException, not {}",
        class.to_rust(),
        got.to_rust()
    )))
}

/// `raise v`
#[cold]
pub fn raise_object(vm: &mut Vm, v: &Value) -> Raised {
    match instance_of(vm, v, "exceptions must derive from BaseException") {
        Ok(e) => vm.raise(e),
        Err(r) => r,
    }
}

/// `raise v from cause`
#[cold]
pub fn raise_from(vm: &mut Vm, v: &Value, cause: &Value) -> Raised {
    match with_cause(vm, v, cause) {
        Ok(e) => vm.raise(e),
        Err(r) => r,
    }
}

fn with_cause(vm: &mut Vm, v: &Value, cause: &Value) -> PyResult {
    let e = instance_of(vm, v, "exceptions must derive from BaseException")?;
    let cause = match cause.is_none() {
        true => None,
        false => Some(instance_of(vm, cause, "exception causes must derive from BaseException")?),
    };
    exception(&e).set_cause(vm, cause);
    Ok(e)
}

/// Whether an `except` clause that names `wanted` catches `e`.
pub fn matches_clause(vm: &mut Vm, e: &Value, wanted: &Value) -> PyResult<bool> {
    check_wanted(vm, wanted, |_| None)?;
    Ok(matches(e, wanted))
}

fn check_wanted(vm: &mut Vm, wanted: &Value, refuse: impl Fn(&Py<Type>) -> Option<&'static str>) -> PyResult<()> {
    let all: &[Value] = match wanted.downcast::<Tuple>() {
        Some(t) => t.items(),
        None => std::slice::from_ref(wanted),
    };
    if !all.iter().all(|c| as_class(c).is_some()) {
        return Err(vm.type_error("catching classes that do not inherit from BaseException is not allowed"));
    }
    match all.iter().filter_map(as_class).find_map(refuse) {
        Some(error) => Err(vm.type_error(error)),
        None => Ok(()),
    }
}

/// What an `except*` clause that names `wanted` takes of `e`, and what it leaves; each may be `None`.
pub fn group_match(vm: &mut Vm, e: &Value, wanted: &Value) -> PyResult<(Value, Value)> {
    check_wanted(vm, wanted, |c| {
        crate::types::typeobject::is_subtype(c.get_type(), BASE_EXCEPTION_GROUP.object())
            .then_some("catching ExceptionGroup with except* is not allowed. Use except instead.")
    })?;
    group::match_clause(vm, e, wanted)
}

/// What is raised at the end of a `try` statement with `except*` clauses; `left` is the list of what they left.
pub fn prep_reraise_star(vm: &mut Vm, original: &Value, left: &Value) -> PyResult {
    let left = left.downcast::<List>().map(|l| l.to_vec()).unwrap_or_default();
    group::reraise_star(vm, original, &left)
}

/// `__traceback__` of an exception; `None` when it has none.
pub fn traceback_of(e: &Value) -> Value {
    e.downcast::<BaseException>().and_then(|e| e.peek().traceback.clone()).unwrap_or_else(none)
}

/// The value that a `StopIteration` carries.
pub fn stop_value(vm: &Vm, stop: &Value) -> Value {
    stop.downcast::<BaseException>().and_then(|e| e.field(vm, simple::STOP_VALUE)).unwrap_or_else(none)
}

/// Raises `StopIteration` or a kin of it with the value that a generator returned; a tuple stays one value.
#[cold]
pub fn raise_stop(vm: &mut Vm, class: &'static TypeDef, value: Value) -> Raised {
    match value.is_none() {
        true => vm.raise_with(class, &[]),
        false => vm.raise_with(class, &[value]),
    }
}

/// The `StopIteration` that a generator's return value would be raised with.
pub fn stop_with_value(vm: &mut Vm, value: Value) -> PyResult {
    let args = if value.is_none() { &[] } else { std::slice::from_ref(&value) };
    super::instantiate(vm, &super::STOP_ITERATION, args)
}

/// Makes `cause` both cause and context of `e`, as when one exception is turned into another.
pub fn set_cause_and_context(e: &Value, cause: &Value) {
    if let Some(e) = e.downcast::<BaseException>() {
        let p = e.poke();
        p.suppress_context = true;
        let old = (p.cause.replace(cause.clone()), p.context.replace(cause.clone()));
        drop(old);
    }
}

/// Warns of a call of `throw()` or `athrow()` with more than one argument, which is deprecated since 3.12.
pub fn warn_of_three_arguments(vm: &mut Vm, method: &str, arguments: usize) -> PyResult<()> {
    if arguments < 2 {
        return Ok(());
    }
    let text =
        format!("the (type, exc, tb) signature of {method}() is deprecated, use the single-arg signature instead.");
    vm.warn(&DEPRECATION_WARNING, text, 1)
}

/// The exception of `throw(type[, value[, traceback]])` or `throw(exception)`.
pub fn from_throw(vm: &mut Vm, thrown: &Value, value: Option<&Value>, traceback: Option<&Value>) -> PyResult {
    let traceback = traceback.filter(|t| !t.is_none());
    if traceback.is_some_and(|t| t.downcast::<crate::types::traceback::Traceback>().is_none()) {
        return Err(vm.type_error("throw() third argument must be a traceback object"));
    }
    let value = value.filter(|v| !v.is_none());
    let e = if as_class(thrown).is_some() {
        normalized(vm, thrown, value)?
    } else if is_exception(thrown) {
        if value.is_some() {
            return Err(vm.type_error("instance exception may not have a separate value"));
        }
        thrown.clone()
    } else {
        let name = thrown.class().payload.name();
        return Err(
            vm.type_error(format!("exceptions must be classes or instances deriving from BaseException, not {name}"))
        );
    };
    if let Some(t) = traceback {
        exception(&e).set_traceback(vm, Some(t.clone()));
    }
    Ok(e)
}

/// An instance of an exception class from the value that goes with it (`PyErr_NormalizeException`).
pub fn normalized(vm: &mut Vm, class: &Value, value: Option<&Value>) -> PyResult {
    let args: Vec<Value> = match value {
        None => Vec::new(),
        Some(v) => {
            let is_instance =
                as_class(class).is_some_and(|c| crate::types::typeobject::is_subtype(v.class(), c.get_type()));
            if is_instance {
                return Ok(v.clone());
            }
            match v.downcast::<Tuple>() {
                Some(t) => t.items().to_vec(),
                None => vec![v.clone()],
            }
        }
    };
    let e = vm.call(class, &args)?;
    if is_exception(&e) {
        return Ok(e);
    }
    let (class, got) = (vm.repr(class)?, e.class().payload.name());
    Err(vm.type_error(format!(
        "calling {} should have returned an instance of BaseException, not {got}",
        class.to_rust()
    )))
}

/// Warns of a coroutine that ended without ever having run.
pub fn warn_unawaited(vm: &mut Vm, coroutine: &Value) {
    let warned = vm
        .import_attr("warnings", "_warn_unawaited_coroutine")
        .and_then(|f| vm.call(&f, std::slice::from_ref(coroutine)));
    let done = warned.is_ok() || vm.error_is(&super::RUNTIME_WARNING);
    if warned.is_err() {
        report_finalizing(vm, coroutine);
    }
    if done {
        return;
    }
    // The module is broken or gone: the words alone, then.
    let name = crate::name!("__qualname__");
    let warned = vm.get_attr(coroutine, name).and_then(|name| vm.str(&name)).and_then(|name| {
        let text = format!("coroutine '{}' was never awaited", name.to_rust());
        vm.warn_about(&super::RUNTIME_WARNING, text, 1, coroutine)
    });
    if warned.is_err() {
        report_finalizing(vm, coroutine);
    }
}

fn report_finalizing(vm: &mut Vm, coroutine: &Value) {
    let text = vm.aside(|vm| vm.repr(coroutine).map(|r| r.to_rust().into_owned()));
    let text = text.unwrap_or_else(|_| {
        vm.clear_error();
        coroutine.class().payload.name()
    });
    vm.unraisable(None, Some(&format!("Exception ignored while finalizing coroutine {text}")));
}
