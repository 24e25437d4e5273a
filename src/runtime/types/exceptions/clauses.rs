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
pub fn stop_value(stop: &Value) -> Value {
    let field = |e: &Py<BaseException>| e.peek().fields.get(simple::STOP_VALUE).cloned().flatten();
    stop.downcast::<BaseException>().and_then(field).unwrap_or_else(none)
}
