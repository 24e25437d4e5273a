//! `select.epoll`: the system's own set of descriptors to wait for (`epoll(7)`).

use super::seconds;
use crate::system::{descriptor, int, waiting};
use std::cell::Cell;
use taipan_runtime::host::{files, poll as host};
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, Value, boolean, instance, none,
};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Payload of `epoll`: its descriptor, -1 when closed.
pub struct Epoll {
    fd: Cell<i32>,
}
taipan_runtime::payload!(Epoll, EPOLL);
impl Frozen for Epoll {}

impl Drop for Epoll {
    fn drop(&mut self) {
        if self.fd.get() >= 0 {
            let _ = files::close(self.fd.get());
        }
    }
}

/// `select.epoll`
pub static EPOLL: TypeDef = TypeDef::new::<Epoll>("select.epoll")
    .doc("A set of descriptors that the system keeps.")
    .signature("(sizehint=-1, flags=0)")
    .slots(Slots { new: Some(new), ..Slots::NONE })
    .methods(&[
        MethodDef::class(
            "fromfd",
            "($type, fd, /)",
            "An epoll object of a descriptor.",
            F2(|vm, _, fd| {
                let fd = vm.to_i32(fd)?;
                Ok(instance::new(Epoll { fd: Cell::new(fd) }).into())
            }),
        ),
        MethodDef::method("close", "($self, /)", "Close the descriptor.", F1(close)),
        MethodDef::method("fileno", "($self, /)", "The descriptor.", F1(|vm, me| open(vm, me).map(int))),
        MethodDef::method(
            "modify",
            "($self, /, fd, eventmask)",
            "Wait for other events.",
            N(|vm, a| control(vm, a, libc::EPOLL_CTL_MOD)),
        ),
        MethodDef::method(
            "register",
            "($self, /, fd, eventmask=select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT)",
            "Wait for events of a descriptor.",
            N(|vm, a| control(vm, a, libc::EPOLL_CTL_ADD)),
        ),
        MethodDef::method(
            "unregister",
            "($self, /, fd)",
            "Wait no longer for a descriptor.",
            N(|vm, a| control(vm, a, libc::EPOLL_CTL_DEL)),
        ),
        MethodDef::method(
            "poll",
            "($self, /, timeout=None, maxevents=-1)",
            "Wait; give pairs of descriptor and events.",
            N(poll),
        ),
        MethodDef::method(
            "__enter__",
            "($self, /)",
            "The object itself, if it is open.",
            F1(|vm, me| {
                open(vm, me)?;
                Ok(me.clone())
            }),
        ),
        MethodDef::method(
            "__exit__",
            "($self, exc_type=None, exc_value=None, exc_tb=None, /)",
            "Close the descriptor.",
            N(|vm, a| {
                let me = a[0].clone().unwrap_or_else(none);
                close(vm, &me)
            }),
        ),
    ])
    .getset(&[GetSetDef::get("closed", "True if the epoll handler is closed", |_, me| {
        Ok(boolean(this(me).fd.get() < 0))
    })]);

static SIGNATURE: Signature = Signature::new("epoll", "(sizehint=-1, flags=0)");

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let a = args.bind(vm, &SIGNATURE)?;
    let size = match &a[0] {
        Some(v) => vm.to_i32(v)?,
        None => -1,
    };
    let flags = match &a[1] {
        Some(v) => vm.to_i32(v)?,
        None => 0,
    };
    if size == 0 || size < -1 {
        return Err(vm.value_error("negative sizehint"));
    }
    if flags != 0 && flags != libc::EPOLL_CLOEXEC {
        let text = vm.new_str("invalid flags");
        return Err(vm.raise_with(&taipan_runtime::types::exceptions::OS_ERROR, &[text]));
    }
    let fd = host::epoll_create().map_err(|e| vm.os_error(e))?;
    Ok(instance::new_of(class, Epoll { fd: Cell::new(fd) }).into())
}

fn this(v: &Value) -> &Py<Epoll> {
    v.downcast::<Epoll>().expect("a method of epoll is called on one")
}

/// The descriptor of an open object.
fn open(vm: &mut Vm, me: &Value) -> PyResult<i32> {
    match this(me).fd.get() {
        fd if fd < 0 => Err(vm.value_error("I/O operation on closed epoll object")),
        fd => Ok(fd),
    }
}

fn close(vm: &mut Vm, me: &Value) -> PyResult {
    let fd = this(me).fd.replace(-1);
    if fd >= 0 {
        vm.allow_threads(|| files::close(fd)).map_err(|e| vm.os_error(e))?;
    }
    Ok(none())
}

fn control(vm: &mut Vm, a: &[Option<Value>], operation: i32) -> PyResult {
    let arg = |i: usize| a[i].clone().unwrap_or_else(none);
    let epoll = open(vm, &arg(0))?;
    let fd = descriptor(vm, &arg(1))?;
    let mask = match a.get(2) {
        Some(Some(m)) => vm.to_i64(m)? as u32,
        _ => (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32,
    };
    vm.allow_threads(|| host::epoll_control(epoll, operation, fd, mask)).map_err(|e| vm.os_error(e))?;
    Ok(none())
}

fn poll(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let me = a[0].clone().unwrap_or_else(none);
    let epoll = open(vm, &me)?;
    let limit = seconds(vm, a[1].as_ref(), "timeout must be an integer or None")?.filter(|&n| n >= 0);
    let most = match &a[2] {
        Some(v) => vm.to_i32(v)?,
        None => -1,
    };
    let most = match most {
        -1 => host::SELECT_LIMIT - 1,
        n if n < 1 => return Err(vm.value_error(format!("maxevents must be greater than 0, got {n}"))),
        n => n,
    };
    let found = waiting(vm, limit, |left| host::epoll_wait(epoll, most as usize, left))?;
    let found = found.map_err(|e| vm.os_error(e))?;
    let pair = |(fd, events): (i32, u32)| Tuple::from_vec(vec![int(fd), int(events)]).into();
    Ok(List::from_vec(found.into_iter().map(pair).collect()).into())
}
