//! `select` (`Modules/selectmodule.c`): waiting for descriptors.

mod epoll;
mod poll;

use crate::system::{Rounding, descriptor, nanoseconds, waiting};
use taipan_runtime::host::poll as host;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::list::List;
use taipan_runtime::types::method::BuiltinFunction;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

static NUMBERS: &[(&str, i64)] = &[
    ("EPOLLERR", 8),
    ("EPOLLET", 1 << 31),
    ("EPOLLEXCLUSIVE", 1 << 28),
    ("EPOLLHUP", 16),
    ("EPOLLIN", 1),
    ("EPOLLMSG", 1024),
    ("EPOLLONESHOT", 1 << 30),
    ("EPOLLOUT", 4),
    ("EPOLLPRI", 2),
    ("EPOLLRDBAND", 128),
    ("EPOLLRDHUP", 8192),
    ("EPOLLRDNORM", 64),
    ("EPOLLWAKEUP", 1 << 29),
    ("EPOLLWRBAND", 512),
    ("EPOLLWRNORM", 256),
    ("EPOLL_CLOEXEC", 524288),
    ("PIPE_BUF", 4096),
    ("POLLERR", 8),
    ("POLLHUP", 16),
    ("POLLIN", 1),
    ("POLLMSG", 1024),
    ("POLLNVAL", 32),
    ("POLLOUT", 4),
    ("POLLPRI", 2),
    ("POLLRDBAND", 128),
    ("POLLRDHUP", 8192),
    ("POLLRDNORM", 64),
    ("POLLWRBAND", 512),
    ("POLLWRNORM", 256),
];

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("select")
    .doc("Waiting until descriptors can be read or written.")
    .functions(&[MethodDef::function(
        "select",
        "($module, rlist, wlist, xlist, timeout=None, /)",
        "Wait until some of the descriptors are ready; give lists of those that are.",
        N(select),
    )])
    .types(&[&epoll::EPOLL, &poll::POLL])
    .init(init);

static POLL: MethodDef = MethodDef::function("poll", "($module, /)", "A polling object.", F0(|_| Ok(poll::new())));

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    // The name stands for the function: the type has no name of its own in the module.
    let name = vm.intern("select");
    module.store_text("poll", BuiltinFunction::of_module(&POLL, &name));
    crate::system::store_numbers(module, NUMBERS);
    module.store_text("error", exc::OS_ERROR.value());
    Ok(())
}

/// Seconds as nanoseconds; `None` is no limit. The error for what is no number is `message`.
fn seconds(vm: &mut Vm, v: Option<&Value>, message: &str) -> PyResult<Option<i64>> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(None) };
    match nanoseconds(vm, v, Rounding::Away) {
        Ok(n) => Ok(Some(n)),
        Err(_) if vm.error_is(&exc::TYPE_ERROR) => {
            vm.clear_error();
            Err(vm.type_error(message))
        }
        Err(r) => Err(r),
    }
}

/// The objects of a list with their descriptors.
fn descriptors(vm: &mut Vm, list: &Value) -> PyResult<(Vec<Value>, Vec<i32>)> {
    // A list may change while its objects are asked for their descriptors.
    let live = list.downcast::<List>();
    let items = match live {
        Some(_) => Vec::new(),
        None => vm.sequence(list, "arguments 1-3 must be sequences")?,
    };
    let (mut objects, mut fds) = (Vec::new(), Vec::new());
    loop {
        let next = match live {
            Some(l) => l.item(objects.len()),
            None => items.get(objects.len()).cloned(),
        };
        let Some(object) = next else { return Ok((objects, fds)) };
        let fd = descriptor(vm, &object)?;
        if fd >= host::SELECT_LIMIT {
            return Err(vm.value_error("filedescriptor out of range in select()"));
        }
        objects.push(object);
        fds.push(fd);
    }
}

fn select(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let limit = seconds(vm, a[3].as_ref(), "timeout must be a float or None")?;
    if limit.is_some_and(|n| n < 0) {
        return Err(vm.value_error("timeout must be non-negative"));
    }
    let arg = |i: usize| a[i].clone().unwrap_or_else(none);
    let (r, w, x) = (descriptors(vm, &arg(0))?, descriptors(vm, &arg(1))?, descriptors(vm, &arg(2))?);
    let found = waiting(vm, limit, |left| host::select([&r.1, &w.1, &x.1], left))?;
    let found = found.map_err(|e| vm.os_error(e))?;
    let lists = [r.0, w.0, x.0].into_iter().zip(found).map(|(objects, ready)| {
        let chosen = objects.into_iter().zip(ready).filter(|(_, r)| *r).map(|(o, _)| o).collect();
        List::from_vec(chosen).into()
    });
    Ok(Tuple::from_vec(lists.collect()).into())
}
