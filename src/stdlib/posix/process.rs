//! Processes: numbers, signals, `fork`, `exec`, waiting.

use crate::system::path::{PathArg, c_string};
use crate::system::{blocking_or_raise, int};
use std::ffi::CString;
use taipan_runtime::builtins::global::Global;
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::host::process;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value, boolean, none};
use taipan_runtime::probe::ending;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::{Vm, gil};

type A<'a> = &'a [Option<Value>];

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
    vm.to_i32(&arg(a, i))
}

fn number_result(vm: &mut Vm, r: Result<i32, i32>) -> PyResult {
    r.map(int).map_err(|e| vm.os_error(e))
}

fn done(vm: &mut Vm, r: Result<i32, i32>) -> PyResult {
    r.map(|_| none()).map_err(|e| vm.os_error(e))
}

macro_rules! simple {
    (get $name:literal $call:ident $doc:literal) => {
        f($name, "($module, /)", $doc, |vm, _| number_result(vm, process::$call()))
    };
    (id $name:literal $call:ident $doc:literal) => {
        f($name, "($module, /)", $doc, |_, _| Ok(int(process::$call().unwrap_or(-1) as u32)))
    };
    (set $name:literal $call:ident $doc:literal) => {
        f($name, "($module, id, /)", $doc, |vm, a| {
            let id = super::files::id(vm, &arg(a, 0))?;
            done(vm, process::$call(id))
        })
    };
    (of $name:literal $call:ident $signature:literal $doc:literal) => {
        f($name, $signature, $doc, |vm, a| {
            let n = number(vm, a, 0)?;
            number_result(vm, process::$call(n))
        })
    };
}

macro_rules! status {
    ($name:literal $doc:literal $body:expr) => {
        f($name, "($module, status)", $doc, |vm, a| {
            let s = number(vm, a, 0)?;
            let g: fn(i32) -> Value = $body;
            Ok(g(s))
        })
    };
}

/// The functions.
pub static TABLE: &[MethodDef] = &[
    simple!(get "getpid" getpid "Number of this process."),
    simple!(get "getppid" getppid "Number of the parent process."),
    simple!(id "getuid" getuid "User of this process."),
    simple!(id "geteuid" geteuid "Effective user of this process."),
    simple!(id "getgid" getgid "Group of this process."),
    simple!(id "getegid" getegid "Effective group of this process."),
    simple!(get "getpgrp" getpgrp "Process group."),
    f("setsid", "($module, /)", "Begin a new session.", |vm, _| done(vm, process::setsid())),
    simple!(get "sched_yield" sched_yield "Let others run."),
    simple!(set "setuid" setuid "Set the user."),
    simple!(set "seteuid" seteuid "Set the effective user."),
    simple!(set "setgid" setgid "Set the group."),
    simple!(set "setegid" setegid "Set the effective group."),
    simple!(of "getpgid" getpgid "($module, /, pid)" "Process group of a process."),
    simple!(of "getsid" getsid "($module, pid, /)" "Session of a process."),
    simple!(of "tcgetpgrp" tcgetpgrp "($module, fd, /)" "Foreground group of a terminal."),
    simple!(of "sched_get_priority_max" sched_get_priority_max "($module, /, policy)" "Highest priority."),
    simple!(of "sched_get_priority_min" sched_get_priority_min "($module, /, policy)" "Lowest priority."),
    simple!(of "nice" nice "($module, increment, /)" "Add to the niceness; give the new one."),
    f("setpgid", "($module, pid, pgrp, /)", "Set the process group.", |vm, a| {
        let (pid, group) = (number(vm, a, 0)?, number(vm, a, 1)?);
        done(vm, process::setpgid(pid, group))
    }),
    f("setpgrp", "($module, /)", "Become a process group.", |vm, _| done(vm, process::setpgid(0, 0))),
    f("tcsetpgrp", "($module, fd, pgid, /)", "Set the foreground group of a terminal.", |vm, a| {
        let (fd, group) = (number(vm, a, 0)?, number(vm, a, 1)?);
        done(vm, process::tcsetpgrp(fd, group))
    }),
    f("kill", "($module, pid, signal, /)", "Send a signal to a process.", |vm, a| {
        let (pid, signal) = (number(vm, a, 0)?, number(vm, a, 1)?);
        audit(vm, "os.kill", &[int(pid), int(signal)])?;
        done(vm, process::kill(pid, signal))?;
        vm.check_signals()?;
        Ok(none())
    }),
    f("killpg", "($module, pgid, signal, /)", "Send a signal to a process group.", |vm, a| {
        let (pid, signal) = (number(vm, a, 0)?, number(vm, a, 1)?);
        done(vm, process::killpg(pid, signal))
    }),
    f("umask", "($module, mask, /)", "Set the mask of new files' modes; give the old one.", |vm, a| {
        let mask = number(vm, a, 0)?;
        number_result(vm, process::umask(mask as u32))
    }),
    f("_exit", "($module, status)", "End the process at once.", |vm, a| {
        let status = number(vm, a, 0)?;
        ending::comes(vm, ending::Ending::Exit(status));
        process::exit_now(status)
    }),
    f("abort", "($module, /)", "End the process abnormally.", |_, _| process::abort()),
    f("system", "($module, command)", "Run a command in a shell; give its status.", |vm, a| {
        let command = c_string(vm, &arg(a, 0))?;
        audit(vm, "os.system", &[arg(a, 0)])?;
        let r = vm.allow_threads(|| process::system(&command));
        Ok(int(r.unwrap_or(-1)))
    }),
    f("fork", "($module, /)", "Make a child process; 0 in the child.", |vm, _| fork(vm)),
    f(
        "register_at_fork",
        "($module, /, *, before=None, after_in_child=None, after_in_parent=None)",
        "Call functions around fork().",
        register_at_fork,
    ),
    f("waitpid", "($module, pid, options, /)", "Wait for a child: number and status.", |vm, a| {
        let (pid, options) = (number(vm, a, 0)?, number(vm, a, 1)?);
        let (pid, status, _) = blocking_or_raise(vm, || process::wait4(pid, options))?;
        Ok(Tuple::from_vec(vec![int(pid), int(status)]).into())
    }),
    f("wait", "($module, /)", "Wait for any child: number and status.", |vm, _| {
        let (pid, status, _) = blocking_or_raise(vm, || process::wait4(-1, 0))?;
        Ok(Tuple::from_vec(vec![int(pid), int(status)]).into())
    }),
    f("wait3", "($module, /, options)", "Wait for any child: number, status, resources.", |vm, a| {
        let options = number(vm, a, 0)?;
        wait4(vm, -1, options)
    }),
    f("wait4", "($module, /, pid, options)", "Wait for a child: number, status, resources.", |vm, a| {
        let (pid, options) = (number(vm, a, 0)?, number(vm, a, 1)?);
        wait4(vm, pid, options)
    }),
    f("execv", "($module, path, argv, /)", "Become another program.", |vm, a| exec(vm, a, false)),
    f("execve", "($module, /, path, argv, env)", "Become another program with an environment.", |vm, a| {
        exec(vm, a, true)
    }),
    status!("WIFEXITED" "Whether the process ended by exit()." |s| boolean(libc::WIFEXITED(s))),
    status!("WEXITSTATUS" "The exit status." |s| int(libc::WEXITSTATUS(s))),
    status!("WIFSIGNALED" "Whether a signal ended the process." |s| boolean(libc::WIFSIGNALED(s))),
    status!("WTERMSIG" "The signal that ended the process." |s| int(libc::WTERMSIG(s))),
    status!("WIFSTOPPED" "Whether the process is stopped." |s| boolean(libc::WIFSTOPPED(s))),
    status!("WSTOPSIG" "The signal that stopped the process." |s| int(libc::WSTOPSIG(s))),
    status!("WIFCONTINUED" "Whether the process goes on." |s| boolean(libc::WIFCONTINUED(s))),
    f("WCOREDUMP", "($module, status, /)", "Whether memory was dumped.", |vm, a| {
        Ok(boolean(libc::WCOREDUMP(number(vm, a, 0)?)))
    }),
    f("waitstatus_to_exitcode", "($module, /, status)", "A wait status as an exit code.", |vm, a| {
        let s = number(vm, a, 0)?;
        if libc::WIFEXITED(s) {
            return Ok(int(libc::WEXITSTATUS(s)));
        }
        if libc::WIFSIGNALED(s) {
            return Ok(int(-libc::WTERMSIG(s)));
        }
        if libc::WIFSTOPPED(s) {
            let by = libc::WSTOPSIG(s);
            return Err(vm.value_error(format!("process stopped by delivery of signal {by}")));
        }
        Err(vm.value_error(format!("invalid wait status: {s}")))
    }),
];

fn wait4(vm: &mut Vm, pid: i32, options: i32) -> PyResult {
    let (pid, status, usage) = blocking_or_raise(vm, || process::wait4(pid, options))?;
    let usage = crate::resource::rusage_result(vm, &usage)?;
    Ok(Tuple::from_vec(vec![int(pid), int(status), usage]).into())
}

static BEFORE: Global = Global::new();
static AFTER_IN_CHILD: Global = Global::new();
static AFTER_IN_PARENT: Global = Global::new();

fn register_at_fork(vm: &mut Vm, a: A<'_>) -> PyResult {
    if a.iter().all(|f| f.is_none()) {
        return Err(vm.type_error("At least one argument is required."));
    }
    for (name, f) in ["before", "after_in_child", "after_in_parent"].iter().zip(a) {
        if let Some(f) = f {
            if !vm.callable(f) {
                return Err(vm.type_error(format!("'{name}' must be callable, not {}", f.class().payload.name())));
            }
        }
    }
    for (place, f) in [&BEFORE, &AFTER_IN_CHILD, &AFTER_IN_PARENT].into_iter().zip(a) {
        let Some(f) = f else { continue };
        match place.get().and_then(|l| l.into_py::<List>().ok()) {
            Some(l) => l.push(f.clone()),
            None => drop(place.set(Some(List::from_vec(vec![f.clone()]).into()))),
        }
    }
    Ok(none())
}

fn run_hooks(vm: &mut Vm, place: &Global, backwards: bool) {
    let Some(Ok(list)) = place.get().map(Value::into_py::<List>) else { return };
    let list: Py<List> = list;
    let mut all = list.to_vec();
    if backwards {
        all.reverse();
    }
    for f in all {
        if vm.call0(&f).is_err() {
            vm.unraisable(Some(&f), None);
        }
    }
}

/// Runs the functions of `before`.
pub fn before_fork(vm: &mut Vm) {
    run_hooks(vm, &BEFORE, true);
}

/// Puts the child in order after a fork.
pub fn after_fork_child(vm: &mut Vm) {
    gil::after_fork_child(vm);
    crate::thread::after_fork_child(vm);
    ending::after_fork_child(vm);
    run_hooks(vm, &AFTER_IN_CHILD, false);
}

/// Runs the functions of `after_in_parent`.
pub fn after_fork_parent(vm: &mut Vm) {
    run_hooks(vm, &AFTER_IN_PARENT, false);
}

fn fork(vm: &mut Vm) -> PyResult {
    if taipan_runtime::builtins::sys::machine::finalizing() {
        let class = &taipan_runtime::types::exceptions::PYTHON_FINALIZATION_ERROR;
        return Err(vm.new_error(class, "can't fork at interpreter shutdown"));
    }
    audit(vm, "os.fork", &[])?;
    before_fork(vm);
    match gil::around_fork(process::fork) {
        Ok(0) => {
            after_fork_child(vm);
            Ok(int(0))
        }
        Ok(pid) => {
            after_fork_parent(vm);
            Ok(int(pid))
        }
        Err(e) => {
            after_fork_parent(vm);
            Err(vm.os_error(e))
        }
    }
}

/// The arguments of a program.
pub fn c_strings(vm: &mut Vm, v: &Value) -> PyResult<Vec<CString>> {
    let items = vm.collect(v)?;
    items.iter().map(|i| c_string(vm, i)).collect()
}

fn exec(vm: &mut Vm, a: A<'_>, with_env: bool) -> PyResult {
    let name = if with_env { "execve" } else { "execv" };
    let path = PathArg::path(vm, &arg(a, 0), name)?;
    let args = c_strings(vm, &arg(a, 1))?;
    if args.is_empty() {
        return Err(vm.value_error(format!("{name}: argv must not be empty")));
    }
    let env = if with_env {
        let mapping = arg(a, 2);
        let mut all = Vec::new();
        for key in vm.mapping_keys(&mapping)? {
            let value = vm.get_item(&mapping, &key)?;
            let (k, v) = (c_string(vm, &key)?, c_string(vm, &value)?);
            // A name may begin with an equals sign, but contain none.
            if k.as_bytes().iter().skip(1).any(|&b| b == b'=') {
                return Err(vm.value_error("illegal environment variable name"));
            }
            let line = [k.as_bytes(), b"=", v.as_bytes()].concat();
            all.push(CString::new(line).map_err(|_| vm.value_error("illegal environment variable name"))?);
        }
        Some(process::with_handed_on(all))
    } else {
        None
    };
    audit(vm, "os.exec", &[arg(a, 0), arg(a, 1), none()])?;
    if process::may_execute(&path.c) {
        ending::comes(vm, ending::Ending::Replaced);
    }
    let e = process::exec(&path.c, &args, env.as_deref());
    Err(path.error(vm, e))
}
