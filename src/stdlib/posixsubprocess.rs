//! `_posixsubprocess` (`Modules/_posixsubprocess.c`): starts programs for `subprocess`.

use crate::posix;
use crate::system::int;
use crate::system::path::c_string;
use std::ffi::CString;
use taipan_runtime::builtins::sys::audit::{audit, listened as audited};
use taipan_runtime::builtins::sys::machine::finalizing;
use taipan_runtime::host::process;
use taipan_runtime::host::spawn::{Child, Spawn};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, none};
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::{Vm, gil};

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_posixsubprocess")
    .doc("A POSIX helper for the subprocess module.")
    .functions(&[MethodDef::function(
        "fork_exec",
        "($module, args, executable_list, close_fds, pass_fds, cwd, env, p2cread, p2cwrite, c2pread, c2pwrite, errread, \
         errwrite, errpipe_read, errpipe_write, restore_signals, call_setsid, pgid_to_set, gid, extra_groups, uid, \
         child_umask, preexec_fn, /)",
        "Start a program in a child process; give the process's number.",
        N(fork_exec),
    )]);

type A<'a> = &'a [Option<Value>];

fn arg(a: A<'_>, i: usize) -> Value {
    a[i].clone().unwrap_or_else(none)
}

fn optional(a: A<'_>, i: usize) -> Option<Value> {
    a[i].clone().filter(|v| !v.is_none())
}

fn numbers<const N: usize>(vm: &mut Vm, a: A<'_>, from: usize) -> PyResult<[i32; N]> {
    let mut out = [-1; N];
    for (i, n) in out.iter_mut().enumerate() {
        *n = vm.to_i32(&arg(a, from + i))?;
    }
    Ok(out)
}

fn strings(vm: &mut Vm, v: &Value, error: &str) -> PyResult<Vec<CString>> {
    let items = vm.sequence(v, error)?;
    items.iter().map(|i| c_string(vm, i)).collect()
}

fn id(vm: &mut Vm, v: Option<Value>) -> PyResult<Option<u32>> {
    v.map(|v| posix::id(vm, &v)).transpose()
}

fn kept(vm: &mut Vm, v: &Value) -> PyResult<Vec<i32>> {
    let Some(t) = v.downcast::<Tuple>().cloned() else {
        let got = v.class().payload.name();
        return Err(vm.type_error(format!("fork_exec() argument 4 must be tuple, not {got}")));
    };
    let mut out: Vec<i32> = Vec::with_capacity(t.len());
    for v in t.items() {
        let fd = v.as_small().and_then(|n| i32::try_from(n).ok()).unwrap_or(-1);
        if fd < 0 || out.last().is_some_and(|&last| last >= fd) {
            return Err(vm.value_error("bad value(s) in fds_to_keep"));
        }
        out.push(fd);
    }
    Ok(out)
}

fn read(vm: &mut Vm, a: A<'_>) -> PyResult<Spawn> {
    let close = vm.truth(&arg(a, 2))?;
    let keep = kept(vm, &arg(a, 3))?;
    let [in_read, in_write, out_read, out_write, err_read, err_write, report_read, report_write] = numbers(vm, a, 6)?;
    if close && report_write < 3 {
        return Err(vm.value_error("errpipe_write must be >= 3"));
    }
    let programs = strings(vm, &arg(a, 1), "executable_list must be a sequence")?;
    let args = strings(vm, &arg(a, 0), "argv must be a tuple")?;
    let env = match optional(a, 5) {
        Some(v) => Some(process::with_handed_on(strings(vm, &v, "env must be a sequence")?)),
        None => None,
    };
    let directory = match optional(a, 4) {
        Some(v) => Some(c_string(vm, &v)?),
        None => None,
    };
    let groups = match optional(a, 18) {
        None => None,
        Some(v) => {
            let items = vm.sequence(&v, "setgroups argument must be a sequence")?;
            let mut all = Vec::with_capacity(items.len());
            for g in &items {
                match posix::id(vm, g) {
                    Ok(g) => all.push(g),
                    Err(_) => {
                        vm.clear_error();
                        return Err(vm.value_error("invalid group id"));
                    }
                }
            }
            Some(all)
        }
    };
    Ok(Spawn {
        programs,
        args,
        env,
        directory,
        close,
        keep,
        input: [in_read, in_write],
        output: [out_read, out_write],
        error: [err_read, err_write],
        report: [report_read, report_write],
        restore_signals: vm.truth(&arg(a, 14))?,
        session: vm.truth(&arg(a, 15))?,
        group: vm.to_i32(&arg(a, 16))?,
        gid: id(vm, optional(a, 17))?,
        groups,
        uid: id(vm, optional(a, 19))?,
        umask: vm.to_i32(&arg(a, 20))?,
    })
}

fn fork_exec(vm: &mut Vm, a: A<'_>) -> PyResult {
    let spawn = read(vm, a)?;
    let preexec = optional(a, 21);
    if audited() {
        let list = |vm: &mut Vm, v: &Value| vm.collect(v).map(|v| List::from_vec(v).into());
        let (programs, args) = (list(vm, &arg(a, 1))?, list(vm, &arg(a, 0))?);
        audit(vm, "_posixsubprocess.fork_exec", &[programs, args, arg(a, 5)])?;
    }
    audit(vm, "os.fork", &[])?;
    if preexec.is_some() && finalizing() {
        let message = "preexec_fn not supported at interpreter shutdown";
        return Err(vm.new_error(&exc::PYTHON_FINALIZATION_ERROR, message));
    }
    let child = Child::new(&spawn);
    if preexec.is_some() {
        posix::before_fork(vm);
    }
    let r = gil::around_fork(process::fork);
    match (r, preexec) {
        (Ok(0), None) => child.run(None),
        (Ok(0), Some(f)) => child.run(Some(&mut || {
            posix::after_fork_child(vm);
            vm.call0(&f).is_ok()
        })),
        (Ok(pid), f) => {
            if f.is_some() {
                posix::after_fork_parent(vm);
            }
            Ok(int(pid))
        }
        (Err(e), f) => {
            if f.is_some() {
                posix::after_fork_parent(vm);
            }
            Err(vm.os_error(e))
        }
    }
}
