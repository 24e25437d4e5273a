//! `syslog` (`Modules/syslogmodule.c`): messages to the system's log.

use crate::system::{int, store_numbers};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::host::system;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, none};
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("syslog")
    .functions(&[
        MethodDef::function(
            "openlog",
            "($module, /, ident=<unrepresentable>, logoption=0,\n        facility=LOG_USER)",
            "Set logging options of subsequent syslog() calls.",
            V(|vm, args| {
                use taipan_runtime::vm::args::Signature;
                static SIGNATURE: Signature = Signature::new("openlog", "(ident=None, logoption=0, facility=8)");
                let bound = args.bind(vm, &SIGNATURE)?;
                let number = |vm: &mut Vm, i: usize, default: i32| match &bound[i] {
                    Some(v) => vm.to_i32(v),
                    None => Ok(default),
                };
                let ident = match &bound[0] {
                    Some(v) => {
                        let text = vm.expect_str(v, "openlog() argument 'ident'")?.clone();
                        vm.encode(&text, "utf-8", "strict")?;
                        Some(text.to_rust().into_owned())
                    }
                    None => None,
                };
                let (option, facility) = (number(vm, 1, 0)?, number(vm, 2, libc::LOG_USER)?);
                open(vm, ident, option, facility)?;
                Ok(none())
            }),
        ),
        MethodDef::function(
            "syslog",
            "($module, priority=LOG_INFO, message, /)",
            "Send the string message to the system logger.",
            V(log),
        ),
        MethodDef::function(
            "closelog",
            "($module, /)",
            "Reset the syslog module values and call the system library closelog().",
            F0(|vm| {
                if OPEN.load(Relaxed) {
                    audit(vm, "syslog.closelog", &[])?;
                    system::closelog();
                    OPEN.store(false, Relaxed);
                }
                Ok(none())
            }),
        ),
        MethodDef::function(
            "setlogmask",
            "($module, maskpri, /)",
            "Set the priority mask to maskpri and return the previous mask value.",
            F1(|vm, mask| {
                let mask = vm.to_i32(mask)?;
                audit(vm, "syslog.setlogmask", &[int(mask)])?;
                Ok(int(system::setlogmask(mask)))
            }),
        ),
        MethodDef::function(
            "LOG_MASK",
            "($module, pri, /)",
            "Calculates the mask for the individual priority pri.",
            F1(|vm, priority| Ok(int(1i32.wrapping_shl(vm.to_i32(priority)? as u32)))),
        ),
        MethodDef::function(
            "LOG_UPTO",
            "($module, pri, /)",
            "Calculates the mask for all priorities up to and including pri.",
            F1(|vm, priority| Ok(int(1i32.wrapping_shl(vm.to_i32(priority)? as u32 + 1).wrapping_sub(1)))),
        ),
    ])
    .init(|_, dict| {
        store_numbers(dict, NUMBERS);
        Ok(())
    });

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}
static NUMBERS: &[(&str, i64)] = numbers! {
    LOG_EMERG LOG_ALERT LOG_CRIT LOG_ERR LOG_WARNING LOG_NOTICE LOG_INFO LOG_DEBUG
    LOG_PID LOG_CONS LOG_NDELAY LOG_ODELAY LOG_NOWAIT LOG_PERROR
    LOG_KERN LOG_USER LOG_MAIL LOG_DAEMON LOG_AUTH LOG_LPR LOG_NEWS LOG_UUCP LOG_CRON LOG_SYSLOG LOG_AUTHPRIV LOG_FTP
    LOG_LOCAL0 LOG_LOCAL1 LOG_LOCAL2 LOG_LOCAL3 LOG_LOCAL4 LOG_LOCAL5 LOG_LOCAL6 LOG_LOCAL7
};

/// Whether the log is open.
static OPEN: AtomicBool = AtomicBool::new(false);

/// Opens the log under a name: the one given, or the script's.
fn open(vm: &mut Vm, ident: Option<String>, option: i32, facility: i32) -> PyResult<()> {
    let ident = match ident {
        Some(ident) => Some(ident),
        None => script_name(vm)?,
    };
    let shown = ident.as_ref().map_or_else(none, |i| vm.new_str(i));
    audit(vm, "syslog.openlog", &[shown, int(option), int(facility)])?;
    // As in C, the name ends at a zero.
    let ident = ident.and_then(|i| std::ffi::CString::new(i.split('\0').next().unwrap_or_default()).ok());
    system::openlog(ident, option, facility);
    OPEN.store(true, Relaxed);
    Ok(())
}

/// The last part of `sys.argv[0]`, if there is one.
fn script_name(vm: &mut Vm) -> PyResult<Option<String>> {
    let argv = vm.import_attr("sys", "argv")?;
    let first = vm.collect(&argv)?.into_iter().next();
    let text = first.as_ref().and_then(|v| v.downcast::<Str>()).map(|s| s.to_rust().into_owned());
    let name = text.as_deref().map(|t| t.rsplit('/').next().unwrap_or(t).to_owned());
    Ok(name.filter(|n| !n.is_empty()))
}

fn log(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "syslog.syslog")?;
    let (priority, message): (i32, &Value) = match args.pos() {
        [message] => (libc::LOG_INFO, message),
        [priority, message] => (vm.to_i32(priority)?, message),
        _ => return Err(vm.type_error("syslog.syslog requires 1 to 2 arguments")),
    };
    let text = vm.expect_str(message, format!("syslog() argument {}", args.len()))?.clone();
    audit(vm, "syslog.syslog", &[int(priority), text.as_value().clone()])?;
    if !OPEN.load(Relaxed) {
        open(vm, None, 0, libc::LOG_USER)?;
    }
    let bytes = vm.encode(&text, "utf-8", "strict")?;
    let Ok(line) = std::ffi::CString::new(bytes.as_slice()) else {
        return Err(vm.value_error("embedded null character"));
    };
    vm.allow_threads(|| system::syslog(priority, &line));
    Ok(none())
}
