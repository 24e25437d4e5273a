//! Functions of `posix` that few programs call: identities, scheduling, attributes, terminals, timers.

use super::constants::CONFSTR;
use super::files::id;
use super::process as processes;
use crate::system::path::{Also, PathArg, c_string, decode};
use crate::system::{blocking_or_raise, descriptor, int};
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::host::names;
use taipan_runtime::host::system::{self as host, Place};
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::structseq::StructSeq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::{Vm, gil};

type A<'a> = &'a [Option<Value>];

/// `os.waitid_result`
pub static WAITID_RESULT: StructSeq = StructSeq::new(
    "posix.waitid_result",
    "Result of waitid().",
    &[("si_pid", ""), ("si_uid", ""), ("si_signo", ""), ("si_status", ""), ("si_code", "")],
    5,
);

const fn f(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    function: fn(&mut Vm, A<'_>) -> PyResult,
) -> MethodDef {
    MethodDef::function(name, signature, doc, N(function))
}

fn arg(a: A<'_>, i: usize) -> Value {
    a[i].clone().unwrap_or_else(none)
}

fn number(vm: &mut Vm, a: A<'_>, i: usize) -> PyResult<i32> {
    match &a[i] {
        Some(v) => vm.to_i32(v),
        None => Ok(0),
    }
}

fn flag(vm: &mut Vm, a: A<'_>, i: usize, default: bool) -> PyResult<bool> {
    match &a[i] {
        Some(v) => vm.truth(v),
        None => Ok(default),
    }
}

fn done(vm: &mut Vm, r: Result<i32, i32>) -> PyResult {
    r.map(|_| none()).map_err(|e| vm.os_error(e))
}

fn tuple(items: impl IntoIterator<Item = Value>) -> Value {
    Tuple::from_vec(items.into_iter().collect()).into()
}

/// The functions.
pub static TABLE: &[MethodDef] = &[
    f("getresuid", "($module, /)", "Real, effective and saved user.", |vm, _| {
        host::users().map(|n| tuple(n.map(int))).map_err(|e| vm.os_error(e))
    }),
    f("getresgid", "($module, /)", "Real, effective and saved group.", |vm, _| {
        host::groups().map(|n| tuple(n.map(int))).map_err(|e| vm.os_error(e))
    }),
    f("setreuid", "($module, ruid, euid, /)", "Set real and effective user.", |vm, a| {
        let n = [id(vm, &arg(a, 0))?, id(vm, &arg(a, 1))?];
        done(vm, host::setreuid(n[0], n[1]))
    }),
    f("setregid", "($module, rgid, egid, /)", "Set real and effective group.", |vm, a| {
        let n = [id(vm, &arg(a, 0))?, id(vm, &arg(a, 1))?];
        done(vm, host::setregid(n[0], n[1]))
    }),
    f("setresuid", "($module, ruid, euid, suid, /)", "Set real, effective and saved user.", |vm, a| {
        let n = [id(vm, &arg(a, 0))?, id(vm, &arg(a, 1))?, id(vm, &arg(a, 2))?];
        done(vm, host::setresuid(n[0], n[1], n[2]))
    }),
    f("setresgid", "($module, rgid, egid, sgid, /)", "Set real, effective and saved group.", |vm, a| {
        let n = [id(vm, &arg(a, 0))?, id(vm, &arg(a, 1))?, id(vm, &arg(a, 2))?];
        done(vm, host::setresgid(n[0], n[1], n[2]))
    }),
    f("setgroups", "($module, groups, /)", "Set the further groups.", |vm, a| {
        let items = vm.sequence(&arg(a, 0), "setgroups argument must be a sequence")?;
        let all = items.iter().map(|g| id(vm, g)).collect::<PyResult<Vec<_>>>()?;
        done(vm, host::set_groups(&all))
    }),
    f("initgroups", "($module, username, gid, /)", "Set the further groups to those of a user.", |vm, a| {
        let (name, group) = (c_string(vm, &arg(a, 0))?, id(vm, &arg(a, 1))?);
        done(vm, names::init_groups(&name, group))
    }),
    f("getgrouplist", "($module, user, group, /)", "Groups of a user.", |vm, a| {
        let (name, group) = (c_string(vm, &arg(a, 0))?, id(vm, &arg(a, 1))?);
        let all = names::groups_of(&name, group).map_err(|e| vm.os_error(e))?;
        Ok(List::from_vec(all.into_iter().map(int).collect()).into())
    }),
    f("getpriority", "($module, /, which, who)", "Scheduling priority.", |vm, a| {
        let (which, who) = (number(vm, a, 0)?, number(vm, a, 1)?);
        host::priority(which, who as u32).map(int).map_err(|e| vm.os_error(e))
    }),
    f("setpriority", "($module, /, which, who, priority)", "Set the scheduling priority.", |vm, a| {
        let (which, who, to) = (number(vm, a, 0)?, number(vm, a, 1)?, number(vm, a, 2)?);
        done(vm, host::set_priority(which, who as u32, to))
    }),
    f("sched_getscheduler", "($module, pid, /)", "Scheduling policy of a process.", |vm, a| {
        let pid = number(vm, a, 0)?;
        host::sched_getscheduler(pid).map(int).map_err(|e| vm.os_error(e))
    }),
    f("sched_setscheduler", "($module, pid, policy, param, /)", "Set the scheduling policy of a process.", |vm, a| {
        let (pid, policy, priority) = (number(vm, a, 0)?, number(vm, a, 1)?, parameter(vm, &arg(a, 2))?);
        done(vm, host::set_scheduler(pid, Some(policy), priority))
    }),
    f("sched_getparam", "($module, pid, /)", "Scheduling parameters of a process.", |vm, a| {
        let pid = number(vm, a, 0)?;
        let n = host::scheduler_priority(pid).map_err(|e| vm.os_error(e))?;
        super::information::SCHED_PARAM.make(vm, vec![int(n)])
    }),
    f("sched_setparam", "($module, pid, param, /)", "Set the scheduling parameters of a process.", |vm, a| {
        let (pid, priority) = (number(vm, a, 0)?, parameter(vm, &arg(a, 1))?);
        done(vm, host::set_scheduler(pid, None, priority))
    }),
    f("sched_rr_get_interval", "($module, pid, /)", "Length of a turn, in seconds.", |vm, a| {
        let pid = number(vm, a, 0)?;
        let n = host::scheduler_interval(pid).map_err(|e| vm.os_error(e))?;
        Ok(Float::new(n as f64 / 1e9))
    }),
    f("sched_setaffinity", "($module, pid, mask, /)", "Set the processors a process may run on.", |vm, a| {
        let pid = number(vm, a, 0)?;
        let mut all = Vec::new();
        for v in vm.collect(&arg(a, 1))? {
            let n = vm.to_i64(&v)?;
            match usize::try_from(n) {
                Ok(n) => all.push(n),
                Err(_) => return Err(vm.value_error("negative CPU number")),
            }
        }
        done(vm, host::set_affinity(pid, &all))
    }),
    f("unshare", "($module, /, flags)", "Leave parts of what processes share.", |vm, a| {
        let flags = number(vm, a, 0)?;
        done(vm, host::unshare(flags))
    }),
    f("setns", "($module, /, fd, nstype=0)", "Enter a namespace.", |vm, a| {
        let (fd, kind) = (descriptor(vm, &arg(a, 0))?, number(vm, a, 1)?);
        done(vm, host::setns(fd, kind))
    }),
    f("pidfd_open", "($module, /, pid, flags=0)", "A descriptor that stands for a process.", |vm, a| {
        let (pid, flags) = (number(vm, a, 0)?, number(vm, a, 1)?);
        host::pidfd_open(pid, flags as u32).map(int).map_err(|e| vm.os_error(e))
    }),
    f("waitid", "($module, idtype, id, options, /)", "Wait for a child.", |vm, a| {
        let (kind, who, options) = (number(vm, a, 0)?, vm.to_i64(&arg(a, 1))?, number(vm, a, 2)?);
        match blocking_or_raise(vm, || host::waitid(kind as u32, who as u32, options))? {
            None => Ok(none()),
            Some(n) => WAITID_RESULT.make(vm, n.map(int).to_vec()),
        }
    }),
    f("sync", "($module, /)", "Write everything to disk.", |vm, _| {
        vm.allow_threads(host::sync);
        Ok(none())
    }),
    f("readv", "($module, fd, buffers, /)", "Read into several buffers.", |vm, a| read_pieces(vm, a, false)),
    f("preadv", "($module, fd, buffers, offset, flags=0, /)", "Read at a position into several buffers.", |vm, a| {
        read_pieces(vm, a, true)
    }),
    f("writev", "($module, fd, buffers, /)", "Write from several buffers.", |vm, a| write_pieces(vm, a, false)),
    f("pwritev", "($module, fd, buffers, offset, flags=0, /)", "Write at a position from several buffers.", |vm, a| {
        write_pieces(vm, a, true)
    }),
    f(
        "splice",
        "($module, /, src, dst, count, offset_src=None, offset_dst=None, flags=0)",
        "Move data between a pipe and a descriptor.",
        |vm, a| {
            let (from, to, count) = (number(vm, a, 0)?, number(vm, a, 1)?, vm.to_isize(&arg(a, 2))?);
            let Ok(count) = usize::try_from(count) else {
                return Err(vm.value_error("negative value for 'count' not allowed"));
            };
            let mut at = [None; 2];
            for (at, v) in at.iter_mut().zip(&a[3..5]) {
                if let Some(v) = v.as_ref().filter(|v| !v.is_none()) {
                    *at = Some(vm.to_i64(v)?);
                }
            }
            let flags = number(vm, a, 5)? as u32;
            blocking_or_raise(vm, || host::splice(from, to, count, at, flags)).map(Value::from_usize)
        },
    ),
    f("getxattr", "($module, /, path, attribute, *, follow_symlinks=True)", "An extended attribute.", |vm, a| {
        let (path, name) = (place(vm, a, "getxattr")?, c_string(vm, &arg(a, 1))?);
        let follow = flag(vm, a, 2, true)?;
        audit(vm, "os.getxattr", &[arg(a, 0), arg(a, 1)])?;
        let r = vm.allow_threads(|| host::attribute(of(&path, follow), &name));
        r.map(|b| Bytes::from_slice(&b).into()).map_err(|e| path.error(vm, e))
    }),
    f(
        "setxattr",
        "($module, /, path, attribute, value, flags=0, *, follow_symlinks=True)",
        "Set an extended attribute.",
        |vm, a| {
            let (path, name) = (place(vm, a, "setxattr")?, c_string(vm, &arg(a, 1))?);
            let (value, flags, follow) = (vm.bytes_like(&arg(a, 2))?, number(vm, a, 3)?, flag(vm, a, 4, true)?);
            audit(vm, "os.setxattr", &[arg(a, 0), arg(a, 1), arg(a, 2), int(flags)])?;
            let r = vm.allow_threads(|| host::set_attribute(of(&path, follow), &name, &value, flags));
            r.map(|_| none()).map_err(|e| path.error(vm, e))
        },
    ),
    f(
        "removexattr",
        "($module, /, path, attribute, *, follow_symlinks=True)",
        "Remove an extended attribute.",
        |vm, a| {
            let (path, name) = (place(vm, a, "removexattr")?, c_string(vm, &arg(a, 1))?);
            let follow = flag(vm, a, 2, true)?;
            audit(vm, "os.removexattr", &[arg(a, 0), arg(a, 1)])?;
            let r = vm.allow_threads(|| host::remove_attribute(of(&path, follow), &name));
            r.map(|_| none()).map_err(|e| path.error(vm, e))
        },
    ),
    f("listxattr", "($module, /, path=None, *, follow_symlinks=True)", "Names of extended attributes.", |vm, a| {
        let given = match &a[0] {
            Some(v) if !v.is_none() => v.clone(),
            _ => vm.new_str("."),
        };
        let path = PathArg::read(vm, &given, "listxattr", "path", Also::NoneOrDescriptor)?;
        let follow = flag(vm, a, 1, true)?;
        audit(vm, "os.listxattr", &[arg(a, 0)])?;
        let all = vm.allow_threads(|| host::attributes(of(&path, follow))).map_err(|e| path.error(vm, e))?;
        let names = all.split(|&b| b == 0).filter(|n| !n.is_empty()).map(|n| decode(n).into()).collect();
        Ok(List::from_vec(names).into())
    }),
    f("confstr", "($module, name, /)", "A configuration text.", |vm, a| {
        let n = named(vm, &arg(a, 0), CONFSTR)?;
        match host::confstr(n).map_err(|e| vm.os_error(e))? {
            Some(text) => Ok(decode(&text).into()),
            None => Ok(none()),
        }
    }),
    f("pathconf", "($module, /, path, name)", "A limit of a path.", |vm, a| {
        let path = PathArg::read(vm, &arg(a, 0), "pathconf", "path", Also::Descriptor)?;
        let n = named(vm, &arg(a, 1), super::constants::PATHCONF)?;
        let r = host::path_limit(path.fd.map_or(Ok(path.c.as_c_str()), Err), n);
        r.map(int).map_err(|e| path.error(vm, e))
    }),
    f("fpathconf", "($module, fd, name, /)", "A limit of an open file.", |vm, a| {
        let (fd, n) = (descriptor(vm, &arg(a, 0))?, named(vm, &arg(a, 1), super::constants::PATHCONF)?);
        host::path_limit(Err(fd), n).map(int).map_err(|e| vm.os_error(e))
    }),
    f("posix_openpt", "($module, oflag, /)", "Open a pseudo-terminal.", |vm, a| {
        let flags = number(vm, a, 0)?;
        host::posix_openpt(flags | libc::O_CLOEXEC).map(int).map_err(|e| vm.os_error(e))
    }),
    f("grantpt", "($module, fd, /)", "Grant access to a pseudo-terminal.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        done(vm, host::grantpt(fd))
    }),
    f("unlockpt", "($module, fd, /)", "Unlock a pseudo-terminal.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        done(vm, host::unlockpt(fd))
    }),
    f("ptsname", "($module, fd, /)", "Name of the other end of a pseudo-terminal.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        let name = host::terminal_name(fd).map_err(|e| vm.os_error(e))?;
        Ok(decode(&name).into())
    }),
    f("login_tty", "($module, fd, /)", "Make a terminal this process's own.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        done(vm, host::login_tty(fd))
    }),
    f("forkpty", "($module, /)", "Make a child process with a terminal of its own.", |vm, _| forkpty(vm)),
    f("eventfd_read", "($module, /, fd)", "Read a counter.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        let mut bytes = [0u8; 8];
        blocking_or_raise(vm, || taipan_runtime::host::files::read(fd, &mut bytes))?;
        Ok(Int::from_u64(u64::from_ne_bytes(bytes)))
    }),
    f("eventfd_write", "($module, /, fd, value)", "Add to a counter.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        let n = vm.to_i64(&arg(a, 1))?;
        let bytes = n.to_ne_bytes();
        blocking_or_raise(vm, || taipan_runtime::host::files::write(fd, &bytes)).map(|_| none())
    }),
    f("timerfd_create", "($module, clockid, /, *, flags=0)", "A timer with a descriptor.", |vm, a| {
        let clock = number(vm, a, 0)?;
        let flags = match &a[1] {
            Some(v) => vm.to_i32(v)?,
            None => libc::TFD_CLOEXEC,
        };
        host::timerfd_create(clock, flags | libc::TFD_CLOEXEC).map(int).map_err(|e| vm.os_error(e))
    }),
    f(
        "timerfd_settime",
        "($module, fd, /, *, flags=0, initial=0.0, interval=0.0)",
        "Set a timer, in seconds.",
        |vm, a| set_timer(vm, a, |vm, v| crate::system::nanoseconds(vm, v, crate::system::Rounding::Floor), seconds),
    ),
    f(
        "timerfd_settime_ns",
        "($module, fd, /, *, flags=0, initial=0, interval=0)",
        "Set a timer, in nanoseconds.",
        |vm, a| set_timer(vm, a, |vm, v| vm.to_i64(v), int),
    ),
    f("timerfd_gettime", "($module, fd, /)", "Times of a timer, in seconds.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        host::timer(fd).map(|n| tuple(n.map(seconds))).map_err(|e| vm.os_error(e))
    }),
    f("timerfd_gettime_ns", "($module, fd, /)", "Times of a timer, in nanoseconds.", |vm, a| {
        let fd = descriptor(vm, &arg(a, 0))?;
        host::timer(fd).map(|n| tuple(n.map(int))).map_err(|e| vm.os_error(e))
    }),
];

fn seconds(n: i64) -> Value {
    Float::new(n as f64 / 1e9)
}

fn set_timer(vm: &mut Vm, a: A<'_>, read: fn(&mut Vm, &Value) -> PyResult<i64>, show: fn(i64) -> Value) -> PyResult {
    let (fd, flags) = (descriptor(vm, &arg(a, 0))?, number(vm, a, 1)?);
    let mut times = [0; 2];
    for (t, v) in times.iter_mut().zip(&a[2..4]) {
        if let Some(v) = v {
            *t = read(vm, v)?;
        }
    }
    host::set_timer(fd, flags, times).map(|n| tuple(n.map(show))).map_err(|e| vm.os_error(e))
}

/// A number, or a name of a table.
fn named(vm: &mut Vm, v: &Value, table: &[(&str, i64)]) -> PyResult<i32> {
    let Some(s) = v.downcast::<Str>() else {
        if Int::read(v).is_none() {
            return Err(vm.type_error("configuration names must be strings or integers"));
        }
        return vm.to_i32(v);
    };
    match table.iter().find(|(name, _)| s.is_text(name)) {
        Some((_, n)) => Ok(*n as i32),
        None => Err(vm.value_error("unrecognized configuration name")),
    }
}

fn parameter(vm: &mut Vm, v: &Value) -> PyResult<i32> {
    let class = super::information::SCHED_PARAM.class(vm)?;
    if !vm.is_instance(v, class.as_value())? {
        return Err(vm.type_error("must have a sched_param object"));
    }
    let n = vm.get_attr_text(v, "sched_priority")?;
    vm.to_i32(&n)
}

fn place(vm: &mut Vm, a: A<'_>, function: &str) -> PyResult<PathArg> {
    PathArg::read(vm, &arg(a, 0), function, "path", Also::Descriptor)
}

fn of(path: &PathArg, follow: bool) -> Place<'_> {
    path.fd.map_or(Place::Path(&path.c, follow), Place::Descriptor)
}

fn position(vm: &mut Vm, a: A<'_>, with: bool) -> PyResult<Option<(i64, i32)>> {
    if !with {
        return Ok(None);
    }
    Ok(Some((vm.to_i64(&arg(a, 2))?, number(vm, a, 3)?)))
}

fn read_pieces(vm: &mut Vm, a: A<'_>, at: bool) -> PyResult {
    let name = if at { "preadv() arg 2 must be a sequence" } else { "readv() arg 2 must be a sequence" };
    let fd = number(vm, a, 0)?;
    let given = vm.sequence(&arg(a, 1), name)?;
    let mut views: Vec<Buffer> = Vec::with_capacity(given.len());
    for v in &given {
        let view = vm.buffer(v, BufferRequest::WRITE)?;
        views.push(view);
    }
    let at = position(vm, a, at)?;
    let mut pieces: Vec<Vec<u8>> = views.iter().map(|v| vec![0; v.len]).collect();
    let n = blocking_or_raise(vm, || host::read_pieces(fd, &mut pieces, at))?;
    let mut left = n;
    for (view, piece) in views.iter_mut().zip(&pieces) {
        let take = left.min(piece.len());
        view.as_mut_slice(vm)[..take].copy_from_slice(&piece[..take]);
        left -= take;
    }
    Ok(Value::from_usize(n))
}

fn write_pieces(vm: &mut Vm, a: A<'_>, at: bool) -> PyResult {
    let name = if at { "pwritev() arg 2 must be a sequence" } else { "writev() arg 2 must be a sequence" };
    let fd = number(vm, a, 0)?;
    let given = vm.sequence(&arg(a, 1), name)?;
    let pieces = given.iter().map(|v| vm.bytes_like(v)).collect::<PyResult<Vec<_>>>()?;
    let at = position(vm, a, at)?;
    blocking_or_raise(vm, || host::write_pieces(fd, &pieces, at)).map(Value::from_usize)
}

fn forkpty(vm: &mut Vm) -> PyResult {
    audit(vm, "os.forkpty", &[])?;
    processes::before_fork(vm);
    let r = gil::around_fork(host::fork_terminal);
    match r {
        Ok((0, _)) => processes::after_fork_child(vm),
        _ => processes::after_fork_parent(vm),
    }
    r.map(|(pid, fd)| tuple([int(pid), int(fd)])).map_err(|e| vm.os_error(e))
}
