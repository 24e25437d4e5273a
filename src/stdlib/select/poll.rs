//! `select.poll()`: a set of descriptors to wait for.

use super::seconds;
use crate::system::{descriptor, int, waiting};
use std::cell::{Cell, RefCell};
use taipan_runtime::host::poll::{self as host, Event};
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, TypeDef, TypeFlags, Value, instance, none};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// Payload of `poll`: descriptors with the events asked for, in the order they were registered.
pub struct Poll {
    wanted: RefCell<Vec<(i32, u16)>>,
    running: Cell<bool>,
}
taipan_runtime::payload!(Poll, POLL);
impl Frozen for Poll {}

/// The type of polling objects.
pub static POLL: TypeDef = TypeDef::new::<Poll>("select.poll").flags(TypeFlags::DISALLOW_INSTANTIATION).methods(&[
    MethodDef::method(
        "register",
        "($self, fd, eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /)",
        "Wait for events of a descriptor.",
        N(|vm, a| {
            let (me, fd, mask) = arguments(vm, a)?;
            let mask = mask.unwrap_or((libc::POLLIN | libc::POLLPRI | libc::POLLOUT) as u16);
            let mut all = me.wanted.borrow_mut();
            match all.iter_mut().find(|(f, _)| *f == fd) {
                Some(row) => row.1 = mask,
                None => all.push((fd, mask)),
            }
            Ok(none())
        }),
    ),
    MethodDef::method(
        "modify",
        "($self, fd, eventmask, /)",
        "Wait for other events.",
        N(|vm, a| {
            let (me, fd, mask) = arguments(vm, a)?;
            match me.wanted.borrow_mut().iter_mut().find(|(f, _)| *f == fd) {
                Some(row) => row.1 = mask.unwrap_or(0),
                None => return Err(vm.os_error(libc::ENOENT)),
            }
            Ok(none())
        }),
    ),
    MethodDef::method(
        "unregister",
        "($self, fd, /)",
        "Wait no longer for a descriptor.",
        F2(|vm, me, fd| {
            let n = descriptor(vm, fd)?;
            let mut all = this(me).wanted.borrow_mut();
            match all.iter().position(|(f, _)| *f == n) {
                Some(i) => drop(all.remove(i)),
                None => return Err(vm.key_error(&int(n))),
            }
            Ok(none())
        }),
    ),
    MethodDef::method("poll", "($self, timeout=None, /)", "Wait; give pairs of descriptor and events.", N(poll)),
]);

/// A polling object.
pub fn new() -> Value {
    instance::new(Poll { wanted: RefCell::default(), running: Cell::new(false) }).into()
}

fn this(v: &Value) -> &Py<Poll> {
    v.downcast::<Poll>().expect("a method of poll is called on one")
}

fn arguments<'a>(vm: &mut Vm, a: &'a [Option<Value>]) -> PyResult<(&'a Py<Poll>, i32, Option<u16>)> {
    let [Some(me), Some(fd), mask] = a else { return Err(vm.type_error("poll: a descriptor is wanted")) };
    let fd = descriptor(vm, fd)?;
    let mask = match mask {
        None => None,
        Some(m) => {
            let n = vm.to_i64(m)?;
            if n < 0 {
                return Err(vm.value_error("Cannot convert negative int"));
            }
            match u16::try_from(n) {
                Ok(n) => Some(n),
                Err(_) => return Err(vm.overflow_error("Python int too large for C unsigned short")),
            }
        }
    };
    Ok((this(me), fd, mask))
}

/// Milliseconds as nanoseconds; negative is no limit.
fn milliseconds(vm: &mut Vm, v: Option<&Value>) -> PyResult<Option<i64>> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(None) };
    if let Some(n) = v.as_small() {
        if n > i32::MAX as i64 {
            return Err(vm.overflow_error("timeout is too large"));
        }
        return Ok((n >= 0).then_some(n * 1_000_000));
    }
    let n = seconds(vm, Some(v), "timeout must be an integer or None")?.unwrap_or(0);
    if n / 1_000_000_000 > i32::MAX as i64 {
        return Err(vm.overflow_error("timeout is too large"));
    }
    Ok((n >= 0).then_some(n / 1000))
}

fn poll(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let limit = milliseconds(vm, a[1].as_ref())?;
    let me = a[0].as_ref().map(this).expect("a method has a self");
    if me.running.replace(true) {
        return Err(vm.runtime_error("concurrent poll() invocation"));
    }
    let mut events: Vec<Event> =
        me.wanted.borrow().iter().map(|&(fd, m)| Event { fd, events: m as i16, revents: 0 }).collect();
    let r = waiting(vm, limit, |left| host::poll(&mut events, left));
    me.running.set(false);
    r?.map_err(|e| vm.os_error(e))?;
    let pair = |e: &Event| Tuple::from_vec(vec![int(e.fd), int(e.revents as u16)]).into();
    Ok(List::from_vec(events.iter().filter(|e| e.revents != 0).map(pair).collect()).into())
}
