//! `_multiprocessing` (`Modules/_multiprocessing`) and `_posixshmem`: semaphores and memory shared between processes.

use crate::system::path::c_string;
use crate::system::{int, timeout};
use std::cell::Cell;
use taipan_runtime::host::system::{self, Semaphore};
use taipan_runtime::host::{self};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// `_multiprocessing`
pub static MODULE: ModuleDef = ModuleDef::new("_multiprocessing")
    .doc("What multiprocessing has in native code.")
    .functions(&[MethodDef::function(
        "sem_unlink",
        "($module, name, /)",
        "Remove a semaphore's name.",
        F1(|vm, name| {
            let name = c_string(vm, name)?;
            system::sem_unlink(&name).map_err(|e| vm.os_error(e))?;
            Ok(none())
        }),
    )])
    .types(&[&SEM_LOCK])
    .init(|_, module| {
        let flags = Dict::new_object();
        flags.store_text("HAVE_SEM_OPEN", int(1));
        flags.store_text("HAVE_SEM_TIMEDWAIT", int(1));
        module.store_text("flags", flags);
        SEM_LOCK.object().payload.dict().store_text("SEM_VALUE_MAX", int(i32::MAX));
        Ok(())
    });

/// `_posixshmem`
pub static SHARED_MEMORY: ModuleDef = ModuleDef::new("_posixshmem").doc("POSIX shared memory module").functions(&[
    MethodDef::function(
        "shm_open",
        "($module, /, path, flags, mode=511)",
        "Open shared memory.",
        N(|vm, a| {
            let arg = |i: usize| a[i].clone().unwrap_or_else(none);
            let name = c_string(vm, &arg(0))?;
            let flags = vm.to_i32(&arg(1))?;
            let mode = match &a[2] {
                Some(m) => vm.to_i32(m)?,
                None => 0o777,
            };
            let r = crate::system::blocking(vm, || system::shm_open(&name, flags | libc::O_CLOEXEC, mode as u32))?;
            r.map(int).map_err(|e| vm.os_error_path(e, &arg(0)))
        }),
    ),
    MethodDef::function(
        "shm_unlink",
        "($module, path, /)",
        "Remove the name of shared memory.",
        F1(|vm, path| {
            let name = c_string(vm, path)?;
            system::shm_unlink(&name).map_err(|e| vm.os_error_path(e, path))?;
            Ok(none())
        }),
    ),
]);

/// A lock that its holder may take again; the other kind is a plain semaphore.
const RECURSIVE: i32 = 0;

/// Payload of `SemLock`.
pub struct SemLock {
    semaphore: Semaphore,
    kind: i32,
    most: i32,
    name: Option<Value>,
    /// Thread that took it last, and how often this process holds it.
    owner: Cell<u64>,
    count: Cell<i32>,
}
taipan_runtime::payload!(SemLock, SEM_LOCK,
    traverse(self, visit) {
        if let Some(n) = &self.name {
            visit(n);
        }
    },
    clear(self) {}
);
impl Frozen for SemLock {}

impl Drop for SemLock {
    fn drop(&mut self) {
        self.semaphore.close();
    }
}

/// `_multiprocessing.SemLock`
pub static SEM_LOCK: TypeDef = TypeDef::new::<SemLock>("_multiprocessing.SemLock")
    .doc("Semaphore/Mutex type")
    .flags(TypeFlags::BASETYPE)
    .slots(Slots { new: Some(new), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "acquire",
            "($self, /, block=True, timeout=None)",
            "Take it.",
            N(|vm, a| {
                let me = this(a[0].as_ref().expect("self")).clone();
                let block = match &a[1] {
                    Some(b) => vm.truth(b)?,
                    None => true,
                };
                let limit = timeout(vm, a[2].as_ref())?.map(|n| n.max(0));
                acquire(vm, &me, block, limit)
            }),
        ),
        MethodDef::method("release", "($self, /)", "Give it back.", F1(release)),
        MethodDef::method(
            "__enter__",
            "($self, /)",
            "Take it.",
            F1(|vm, me| {
                let me = this(me).clone();
                acquire(vm, &me, true, None)
            }),
        ),
        MethodDef::method(
            "__exit__",
            "($self, exc_type=None, exc_value=None, exc_tb=None, /)",
            "Give it back.",
            N(|vm, a| release(vm, a[0].as_ref().expect("self"))),
        ),
        MethodDef::method(
            "_count",
            "($self, /)",
            "How often this process holds it.",
            F1(|_, me| Ok(int(this(me).count.get()))),
        ),
        MethodDef::method(
            "_is_mine",
            "($self, /)",
            "Whether this thread holds it.",
            F1(|vm, me| Ok(boolean(mine(vm, this(me))))),
        ),
        MethodDef::method(
            "_get_value",
            "($self, /)",
            "How many can be taken.",
            F1(|vm, me| this(me).semaphore.value().map(|n| int(n.max(0))).map_err(|e| vm.os_error(e))),
        ),
        MethodDef::method(
            "_is_zero",
            "($self, /)",
            "Whether none can be taken.",
            F1(|vm, me| this(me).semaphore.value().map(|n| boolean(n <= 0)).map_err(|e| vm.os_error(e))),
        ),
        MethodDef::class("_rebuild", "($type, handle, kind, maxvalue, name, /)", "Open one that exists.", V(rebuild)),
        MethodDef::method(
            "_after_fork",
            "($self, /)",
            "Forget who held it.",
            F1(|_, me| {
                this(me).count.set(0);
                Ok(none())
            }),
        ),
    ])
    .getset(&[
        GetSetDef::member("handle", "", |_, me| Ok(Value::from_usize(this(me).semaphore.number()))),
        GetSetDef::member("kind", "", |_, me| Ok(int(this(me).kind))),
        GetSetDef::member("maxvalue", "", |_, me| Ok(int(this(me).most))),
        GetSetDef::member("name", "", |_, me| Ok(this(me).name.clone().unwrap_or_else(none))),
    ]);

fn this(v: &Value) -> &Py<SemLock> {
    v.downcast::<SemLock>().expect("a method of SemLock is called on one")
}

fn mine(vm: &Vm, me: &SemLock) -> bool {
    me.count.get() > 0 && me.owner.get() == vm.ident
}

fn make(class: &Py<Type>, semaphore: Semaphore, kind: i32, most: i32, name: Option<Value>) -> Value {
    instance::new_of(class, SemLock { semaphore, kind, most, name, owner: Cell::new(0), count: Cell::new(0) }).into()
}

static NEW: Signature = Signature::new("SemLock", "(kind, value, maxvalue, name, unlink)");

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let a = args.bind(vm, &NEW)?;
    let arg = |i: usize| a[i].clone().unwrap_or_else(none);
    let (kind, value, most) = (vm.to_i32(&arg(0))?, vm.to_i32(&arg(1))?, vm.to_i32(&arg(2))?);
    if !(0..=1).contains(&kind) {
        return Err(vm.value_error("unrecognized kind"));
    }
    let name = c_string(vm, &arg(3))?;
    let unlink = vm.truth(&arg(4))?;
    let semaphore = Semaphore::open(&name, Some(value as u32)).map_err(|e| vm.os_error(e))?;
    if unlink {
        system::sem_unlink(&name).map_err(|e| vm.os_error(e))?;
    }
    Ok(make(class, semaphore, kind, most, (!unlink).then(|| arg(3))))
}

fn rebuild(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.exactly(vm, "_rebuild", 5)?;
    let all = args.pos();
    let Ok(class) = all[0].clone().into_py::<Type>() else { return Err(vm.type_error("a class is wanted")) };
    let (kind, most) = (vm.to_i32(&all[2])?, vm.to_i32(&all[3])?);
    if all[4].is_none() {
        return Err(vm.value_error("a semaphore without a name cannot be opened again"));
    }
    let name = c_string(vm, &all[4])?;
    let semaphore = Semaphore::open(&name, None).map_err(|e| vm.os_error(e))?;
    Ok(make(&class, semaphore, kind, most, Some(all[4].clone())))
}

fn acquire(vm: &mut Vm, me: &Py<SemLock>, block: bool, limit: Option<i64>) -> PyResult {
    if me.kind == RECURSIVE && mine(vm, me) {
        me.count.set(me.count.get() + 1);
        return Ok(boolean(true));
    }
    let semaphore = me.semaphore;
    let until = limit.map(|n| host::clock(libc::CLOCK_REALTIME).unwrap_or(0).saturating_add(n));
    let mut r = semaphore.try_wait();
    while block && matches!(r, Err(libc::EAGAIN | libc::EINTR)) {
        r = vm.allow_threads(|| semaphore.wait(until));
        if r == Err(libc::EINTR) {
            vm.check_signals()?;
        }
    }
    match r {
        Ok(_) => {
            me.count.set(me.count.get() + 1);
            me.owner.set(vm.ident);
            Ok(boolean(true))
        }
        Err(libc::EAGAIN | libc::ETIMEDOUT) => Ok(boolean(false)),
        Err(e) => Err(vm.os_error(e)),
    }
}

fn release(vm: &mut Vm, me: &Value) -> PyResult {
    let me = this(me).clone();
    if me.kind == RECURSIVE {
        if !mine(vm, &me) {
            return Err(vm.assertion_error("attempt to release recursive lock not owned by thread"));
        }
        if me.count.get() > 1 {
            me.count.set(me.count.get() - 1);
            return Ok(none());
        }
    } else {
        let value = me.semaphore.value().map_err(|e| vm.os_error(e))?;
        if value >= me.most {
            return Err(vm.value_error("semaphore or lock released too many times"));
        }
    }
    me.semaphore.post().map_err(|e| vm.os_error(e))?;
    me.count.set(me.count.get() - 1);
    Ok(none())
}
