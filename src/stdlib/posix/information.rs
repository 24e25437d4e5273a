//! Facts about the system, the user and the environment.

use crate::system::int;
use crate::system::path::{c_string, decode};
use taipan_runtime::host::{self, files, process};
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::structseq::StructSeq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

type A<'a> = &'a [Option<Value>];

/// `os.terminal_size`
pub static TERMINAL_SIZE: StructSeq = StructSeq::new(
    "os.terminal_size",
    "A tuple of (columns, lines) for holding terminal window size",
    &[
        ("columns", "width of the terminal window in characters"),
        ("lines", "height of the terminal window in characters"),
    ],
    2,
);
/// `os.uname_result`
pub static UNAME_RESULT: StructSeq = StructSeq::new(
    "posix.uname_result",
    "Result of uname().",
    &[
        ("sysname", "operating system name"),
        ("nodename", "name of machine on network (implementation-defined)"),
        ("release", "operating system release"),
        ("version", "operating system version"),
        ("machine", "hardware identifier"),
    ],
    5,
);
/// `os.times_result`
pub static TIMES_RESULT: StructSeq = StructSeq::new(
    "posix.times_result",
    "Result of times().",
    &[
        ("user", "user time"),
        ("system", "system time"),
        ("children_user", "user time of children"),
        ("children_system", "system time of children"),
        ("elapsed", "elapsed time since an arbitrary point in the past"),
    ],
    5,
);
/// `os.sched_param`
pub static SCHED_PARAM: StructSeq = StructSeq::new(
    "posix.sched_param",
    "Parameters of a scheduling policy.",
    &[("sched_priority", "the scheduling priority")],
    1,
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

/// The functions.
pub static TABLE: &[MethodDef] = &[
    f("strerror", "($module, code, /)", "The text of an error number.", |vm, a| {
        let n = vm.to_i32(&arg(a, 0))?;
        Ok(vm.new_str(&host::strerror(n)))
    }),
    f("urandom", "($module, size, /)", "Random bytes.", |vm, a| random(vm, &arg(a, 0))),
    f("getrandom", "($module, size, flags=0)", "Random bytes.", |vm, a| random(vm, &arg(a, 0))),
    f("cpu_count", "($module, /)", "Number of processors.", |_, _| {
        if let Some(n) = taipan_runtime::builtins::sys::config::config().cpu_count {
            return Ok(int(n));
        }
        Ok(process::sysconf(libc::_SC_NPROCESSORS_ONLN).ok().filter(|&n| n > 0).map_or_else(none, int))
    }),
    f("sched_getaffinity", "($module, pid, /)", "Processors a process may run on.", |vm, a| {
        let pid = vm.to_i32(&arg(a, 0))?;
        let all = process::affinity(pid).map_err(|e| vm.os_error(e))?;
        let all: Vec<Value> = all.into_iter().map(Value::from_usize).collect();
        vm.new_set(&all)
    }),
    f("get_terminal_size", "($module, fd=1, /)", "Columns and lines of a terminal.", |vm, a| {
        let fd = match &a[0] {
            Some(v) => vm.to_i32(v)?,
            None => 1,
        };
        let (c, l) = files::terminal_size(fd).map_err(|e| vm.os_error(e))?;
        TERMINAL_SIZE.make(vm, vec![int(c), int(l)])
    }),
    f("uname", "($module, /)", "Names of system and machine.", |vm, _| {
        let values = process::uname().iter().map(|s| vm.new_str(s)).collect();
        UNAME_RESULT.make(vm, values)
    }),
    f("times", "($module, /)", "Processor times.", |vm, _| {
        let ticks = process::sysconf(libc::_SC_CLK_TCK).unwrap_or(100) as f64;
        TIMES_RESULT.make(vm, process::times().map(|t| Float::new(t as f64 / ticks)).to_vec())
    }),
    f("getlogin", "($module, /)", "Name of the user logged in.", |vm, _| match process::login() {
        Ok(name) => Ok(decode(&name).into()),
        Err(e) => Err(vm.os_error(e)),
    }),
    f("getgroups", "($module, /)", "Further groups of the process.", |vm, _| {
        let all = process::groups().map_err(|e| vm.os_error(e))?;
        Ok(List::from_vec(all.into_iter().map(int).collect()).into())
    }),
    f("getloadavg", "($module, /)", "How busy the system is.", |vm, _| match process::load_average() {
        Some(all) => Ok(Tuple::from_vec(all.map(Float::new).to_vec()).into()),
        None => Err(vm.os_error(libc::EINVAL)),
    }),
    f("sysconf", "($module, name, /)", "A limit of the system.", |vm, a| {
        let n = name_of(vm, &arg(a, 0), super::constants::SYSCONF)?;
        process::sysconf(n).map(int).map_err(|e| vm.os_error(e))
    }),
    f("putenv", "($module, name, value, /)", "Set an environment variable.", |vm, a| {
        let (name, value) = (c_string(vm, &arg(a, 0))?, c_string(vm, &arg(a, 1))?);
        if name.as_bytes().is_empty() || name.as_bytes().contains(&b'=') {
            return Err(vm.value_error("illegal environment variable name"));
        }
        process::setenv(&name, &value, 1).map(|_| none()).map_err(|e| vm.os_error(e))
    }),
    f("unsetenv", "($module, name, /)", "Remove an environment variable.", |vm, a| {
        let name = c_string(vm, &arg(a, 0))?;
        process::unsetenv(&name).map(|_| none()).map_err(|e| vm.os_error(e))
    }),
    f("_create_environ", "($module, /)", "The environment as it is now.", |vm, _| Ok(super::environment(vm)?.into())),
    f("device_encoding", "($module, /, fd)", "Encoding of a terminal.", |vm, a| {
        let fd = vm.to_i32(&arg(a, 0))?;
        Ok(if host::is_terminal(fd) { vm.new_str("utf-8") } else { none() })
    }),
    f("ctermid", "($module, /)", "Name of the controlling terminal.", |vm, _| Ok(vm.new_str("/dev/tty"))),
    f("major", "($module, device, /)", "Major number of a device.", |vm, a| {
        Ok(int(libc::major(vm.to_i64(&arg(a, 0))? as u64)))
    }),
    f("minor", "($module, device, /)", "Minor number of a device.", |vm, a| {
        Ok(int(libc::minor(vm.to_i64(&arg(a, 0))? as u64)))
    }),
    f("makedev", "($module, major, minor, /)", "A device of its numbers.", |vm, a| {
        let (x, y) = (vm.to_i64(&arg(a, 0))?, vm.to_i64(&arg(a, 1))?);
        Ok(int(libc::makedev(x as u32, y as u32) as i64))
    }),
];

fn random(vm: &mut Vm, size: &Value) -> PyResult {
    let n = vm.to_isize(size)?;
    if n < 0 {
        return Err(vm.value_error("negative argument not allowed"));
    }
    vm.room_for(n as usize)?;
    let mut buffer = vec![0u8; n as usize];
    host::entropy(&mut buffer);
    Ok(Bytes::from_slice(&buffer).into())
}

fn name_of(vm: &mut Vm, v: &Value, names: &[(&str, i64)]) -> PyResult<i32> {
    match v.downcast::<Str>() {
        None => vm.to_i32(v),
        Some(s) => match names.iter().find(|(n, _)| s.is_text(n)) {
            Some((_, n)) => Ok(*n as i32),
            None => Err(vm.value_error("unrecognized configuration name")),
        },
    }
}
