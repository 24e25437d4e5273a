//! `all`, `any`, `iter`, `next`, `aiter`, `anext`, `len`, `max`, `min`, `sorted`.

use crate::object::typedef::CmpOp;
use crate::object::{PyResult, Value, boolean};
use crate::types::iter::CallIter;
use crate::types::list::List;
use crate::vm::Vm;
use crate::vm::args::Args;

/// `all(iterable)`
pub fn all(vm: &mut Vm, iterable: &Value) -> PyResult {
    let mut answer = true;
    vm.for_each(iterable, |vm, item| {
        answer = vm.truth(&item)?;
        Ok(answer)
    })?;
    Ok(boolean(answer))
}

/// `any(iterable)`
pub fn any(vm: &mut Vm, iterable: &Value) -> PyResult {
    let mut answer = false;
    vm.for_each(iterable, |vm, item| {
        answer = vm.truth(&item)?;
        Ok(!answer)
    })?;
    Ok(boolean(answer))
}

/// `len(obj)`
pub fn len(vm: &mut Vm, obj: &Value) -> PyResult {
    vm.len(obj).map(Value::from_usize)
}

/// `iter(object)` and `iter(callable, sentinel)`
pub fn iter(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "iter", 1, 2)?;
    match args.pos() {
        [callable, sentinel] => {
            if !vm.callable(callable) {
                return Err(vm.type_error("iter(v, w): v must be callable"));
            }
            Ok(CallIter::over(callable.clone(), sentinel.clone()))
        }
        pos => vm.iter(&pos[0]),
    }
}

/// `next(iterator[, default])`
pub fn next(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "next", 1, 2)?;
    let it = &args.pos()[0];
    match it.class().payload.slots().next {
        None => {
            let name = it.class().payload.name();
            Err(vm.type_error(format!("'{name}' object is not an iterator")))
        }
        Some(next) => match (next(vm, it), args.get(1)) {
            (Ok(Some(v)), _) => Ok(v),
            (Ok(None), Some(default)) => Ok(default.clone()),
            // An iterator that returned with a value has left it pending as StopIteration's argument: none here.
            (Ok(None), None) => Err(vm.stop_iteration(None)),
            (Err(r), Some(default)) => {
                if vm.error_is(&crate::types::exceptions::STOP_ITERATION) {
                    vm.clear_error();
                    return Ok(default.clone());
                }
                Err(r)
            }
            (Err(r), None) => Err(r),
        },
    }
}

/// `aiter(async_iterable)`
pub fn aiter(vm: &mut Vm, iterable: &Value) -> PyResult {
    let name = iterable.class().payload.name();
    let Some(f) = iterable.class().payload.slots().aiter else {
        return Err(vm.type_error(format!("'{name}' object is not an async iterable")));
    };
    let it = f(vm, iterable)?;
    if it.class().payload.slots().anext.is_none() {
        let name = it.class().payload.name();
        return Err(vm.type_error(format!("aiter() returned not an async iterator of type '{name}'")));
    }
    Ok(it)
}

/// `anext(aiterator[, default])`
pub fn anext(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "anext", 1, 2)?;
    let it = &args.pos()[0];
    let Some(f) = it.class().payload.slots().anext else {
        let name = it.class().payload.name();
        return Err(vm.type_error(format!("'{name}' object is not an async iterator")));
    };
    let awaitable = f(vm, it)?;
    Ok(match args.get(1) {
        Some(default) => super::anext::AnextAwaitable::over(awaitable, default.clone()),
        None => awaitable,
    })
}

/// `max(iterable, *[, key, default])`, `max(a, b, *rest[, key])`
pub fn max(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    extreme(vm, args, "max", CmpOp::Gt)
}

/// `min(iterable, *[, key, default])`, `min(a, b, *rest[, key])`
pub fn min(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    extreme(vm, args, "min", CmpOp::Lt)
}

fn extreme(vm: &mut Vm, args: &Args<'_>, name: &'static str, op: CmpOp) -> PyResult {
    let (mut key, mut default) = (None, None);
    for (k, v) in args.keywords() {
        if k.is_text("key") {
            key = Some(v);
        } else if k.is_text("default") {
            default = Some(v);
        } else {
            let k = k.to_rust();
            return Err(vm.type_error(format!("{name}() got an unexpected keyword argument '{k}'")));
        }
    }
    let key = key.filter(|k| !k.is_none());
    let mut best: Option<(Value, Value)> = None;
    let mut offer = |vm: &mut Vm, item: Value| {
        let weight = match key {
            Some(f) => vm.call(f, std::slice::from_ref(&item))?,
            None => item.clone(),
        };
        let better = match &best {
            Some((_, have)) => vm.compare_bool(&weight, have, op)?,
            None => true,
        };
        if better {
            best = Some((item, weight));
        }
        Ok(true)
    };
    match args.pos() {
        [] => return Err(vm.type_error(format!("{name} expected at least 1 argument, got 0"))),
        [iterable] => vm.for_each(iterable, offer)?,
        _ if default.is_some() => {
            return Err(
                vm.type_error(format!("Cannot specify a default for {name}() with multiple positional arguments"))
            );
        }
        many => {
            for item in many {
                offer(vm, item.clone())?;
            }
        }
    }
    match (best, default) {
        (Some((item, _)), _) => Ok(item),
        (None, Some(d)) => Ok(d.clone()),
        (None, None) => Err(vm.value_error(format!("{name}() iterable argument is empty"))),
    }
}

/// `sorted(iterable, /, *, key=None, reverse=False)`
pub fn sorted(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    if args.len() != 1 {
        return Err(vm.type_error(format!("sorted expected 1 argument, got {}", args.len())));
    }
    let list = List::from_vec(vm.collect(&args.pos()[0])?);
    args.rest().with_first(list.as_value(), |a| crate::types::list::sort::list_sort(vm, a))?;
    Ok(list.into())
}
