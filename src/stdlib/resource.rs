//! `resource` (`Modules/resource.c`): limits and use of the process's resources.

use crate::system::{int, store_numbers};
use taipan_runtime::host::process;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::structseq::StructSeq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("resource")
    .doc("Limits and use of the process's resources.")
    .functions(&[
        MethodDef::function("getrusage", "($module, who, /)", "What a process has used.", F1(getrusage)),
        MethodDef::function("getrlimit", "($module, resource, /)", "Soft and hard limit.", F1(getrlimit)),
        MethodDef::function("setrlimit", "($module, resource, limits, /)", "Set soft and hard limit.", F2(setrlimit)),
        MethodDef::function(
            "getpagesize",
            "($module, /)",
            "Bytes of a page.",
            F0(|_| Ok(int(process::sysconf(libc::_SC_PAGESIZE).unwrap_or(4096)))),
        ),
    ])
    .init(init);

static NUMBERS: &[(&str, i64)] = &[
    ("RLIMIT_CPU", 0),
    ("RLIMIT_FSIZE", 1),
    ("RLIMIT_DATA", 2),
    ("RLIMIT_STACK", 3),
    ("RLIMIT_CORE", 4),
    ("RLIMIT_RSS", 5),
    ("RLIMIT_NPROC", 6),
    ("RLIMIT_NOFILE", 7),
    ("RLIMIT_OFILE", 7),
    ("RLIMIT_MEMLOCK", 8),
    ("RLIMIT_AS", 9),
    ("RLIMIT_SIGPENDING", 11),
    ("RLIMIT_MSGQUEUE", 12),
    ("RLIMIT_NICE", 13),
    ("RLIMIT_RTPRIO", 14),
    ("RLIMIT_RTTIME", 15),
    ("RLIM_INFINITY", -1),
    ("RUSAGE_SELF", 0),
    ("RUSAGE_CHILDREN", -1),
    ("RUSAGE_THREAD", 1),
];

static STRUCT_RUSAGE: StructSeq = StructSeq::new(
    "resource.struct_rusage",
    "What a process has used.",
    &[
        ("ru_utime", "user time used"),
        ("ru_stime", "system time used"),
        ("ru_maxrss", "max. resident set size"),
        ("ru_ixrss", "shared memory size"),
        ("ru_idrss", "unshared data size"),
        ("ru_isrss", "unshared stack size"),
        ("ru_minflt", "page faults not requiring I/O"),
        ("ru_majflt", "page faults requiring I/O"),
        ("ru_nswap", "number of swap outs"),
        ("ru_inblock", "block input operations"),
        ("ru_oublock", "block output operations"),
        ("ru_msgsnd", "IPC messages sent"),
        ("ru_msgrcv", "IPC messages received"),
        ("ru_nsignals", "signals received"),
        ("ru_nvcsw", "voluntary context switches"),
        ("ru_nivcsw", "involuntary context switches"),
    ],
    16,
);

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    store_numbers(module, NUMBERS);
    let class = STRUCT_RUSAGE.class(vm)?;
    module.store_text("struct_rusage", class);
    module.store_text("error", taipan_runtime::types::exceptions::OS_ERROR.value());
    Ok(())
}

/// A `struct_rusage`.
pub fn rusage_result(vm: &mut Vm, u: &libc::rusage) -> PyResult {
    let time = |t: &libc::timeval| Float::new(t.tv_sec as f64 + t.tv_usec as f64 * 1e-6);
    let mut values = vec![time(&u.ru_utime), time(&u.ru_stime)];
    values.extend(
        [
            u.ru_maxrss,
            u.ru_ixrss,
            u.ru_idrss,
            u.ru_isrss,
            u.ru_minflt,
            u.ru_majflt,
            u.ru_nswap,
            u.ru_inblock,
            u.ru_oublock,
            u.ru_msgsnd,
            u.ru_msgrcv,
            u.ru_nsignals,
            u.ru_nvcsw,
            u.ru_nivcsw,
        ]
        .map(int),
    );
    STRUCT_RUSAGE.make(vm, values)
}

fn getrusage(vm: &mut Vm, who: &Value) -> PyResult {
    let who = vm.to_i32(who)?;
    match process::rusage(who) {
        Ok(u) => rusage_result(vm, &u),
        Err(libc::EINVAL) => Err(vm.value_error("invalid who parameter")),
        Err(e) => Err(vm.os_error(e)),
    }
}

fn limit_number(vm: &mut Vm, v: &Value) -> PyResult<i32> {
    let n = vm.to_i32(v)?;
    if (0..16).contains(&n) { Ok(n) } else { Err(vm.value_error("invalid resource specified")) }
}

fn getrlimit(vm: &mut Vm, which: &Value) -> PyResult {
    let n = limit_number(vm, which)?;
    let (soft, hard) = process::rlimit(n).map_err(|e| vm.os_error(e))?;
    Ok(Tuple::from_vec(vec![int(soft as i64), int(hard as i64)]).into())
}

fn setrlimit(vm: &mut Vm, which: &Value, limits: &Value) -> PyResult {
    let n = limit_number(vm, which)?;
    let pair = vm.collect(limits)?;
    let [soft, hard] = &pair[..] else { return Err(vm.value_error("expected a tuple of 2 integers")) };
    let (soft, hard) = (vm.to_i64(soft)? as u64, vm.to_i64(hard)? as u64);
    match process::set_rlimit(n, soft, hard) {
        Ok(()) => Ok(none()),
        Err(libc::EINVAL) => Err(vm.value_error("current limit exceeds maximum limit")),
        Err(libc::EPERM) => Err(vm.value_error("not allowed to raise maximum limit")),
        Err(e) => Err(vm.os_error(e)),
    }
}
