//! Errors that nobody can catch (in `__del__`, weak reference callbacks …): they go to `sys.unraisablehook`.

use super::print;
use crate::object::{Value, none};
use crate::types::str::Str;
use crate::types::structseq::StructSeq;
use crate::vm::Vm;

/// What `sys.unraisablehook` is given.
pub static UNRAISABLE_HOOK_ARGS: StructSeq = StructSeq::new(
    "UnraisableHookArgs",
    "What sys.unraisablehook is told.",
    &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("err_msg", "Error message"),
        ("object", "Object causing the exception"),
    ],
    5,
);

/// Hands an exception that cannot be raised to `sys.unraisablehook`; `what` is the object concerned, `message` says what
/// was going on, without "Exception ignored" in front. Errors of the hook itself are printed, never raised.
pub fn report_unraisable(vm: &mut Vm, exc: Value, what: Option<&Value>, message: Option<&str>) {
    vm.aside(|vm| report(vm, exc, what, message));
}

/// Reports the pending exception of a generator that was closed because nobody refers to it any more
/// (`_PyGen_Finalize`, `Objects/genobject.c`).
pub fn report_closing(vm: &mut Vm, v: &Value) {
    let e = vm.take_error();
    report_unraisable(vm, e, Some(v), Some("Exception ignored while closing generator"));
}

/// The object's repr, or its type's name where that fails.
fn shown(vm: &mut Vm, v: &Value) -> String {
    match vm.repr(v) {
        Ok(r) => r.to_rust().into_owned(),
        Err(_) => {
            vm.clear_error();
            format!("<{} object>", v.class().payload.name())
        }
    }
}

fn report(vm: &mut Vm, exc: Value, what: Option<&Value>, message: Option<&str>) {
    let class = crate::object::Py::of(exc.class()).into_value();
    let traceback = match exc.downcast::<super::BaseException>() {
        Some(e) => match e.traceback(vm) {
            Some(t) => t,
            None => {
                // Raised by native code: the frame it was called from says where.
                let here = crate::types::traceback::here(vm);
                e.set_traceback(vm, here.clone());
                here.unwrap_or_else(none)
            }
        },
        None => none(),
    };
    // An object that is part of the message is not given apart (`PyErr_FormatUnraisable`, `Python/errors.c`).
    let (message, what) = match (message, what) {
        (Some(m), Some(w)) => (Some(format!("{m} {}", shown(vm, w))), None),
        (m, w) => (m.map(str::to_owned), w),
    };
    let message = message.map_or_else(none, |m| Str::from_rust(&m).into());
    let fields = [class, exc.clone(), traceback, message.clone(), what.cloned().unwrap_or_else(none)];
    let hook = crate::builtins::sys::get(vm, "unraisablehook");
    if let Some(hook) = hook {
        if !crate::builtins::sys::hooks::is_default_unraisable(vm, &hook) {
            let args = UNRAISABLE_HOOK_ARGS.make(vm, fields.to_vec());
            let Err(_) = args.and_then(|a| vm.call(&hook, &[a])) else { return };
            let failed = vm.take_error();
            let text = Str::from_rust("Exception ignored in sys.unraisablehook").into();
            default_hook(vm, &failed, &hook, &text);
            return;
        }
    }
    default_hook(vm, &exc, &fields[4], &message);
}

/// What `sys.unraisablehook` does unless it is replaced: prints to `sys.stderr`.
pub fn default_hook(vm: &mut Vm, exc: &Value, what: &Value, message: &Value) {
    let Some(out) = print::Sink::stderr(vm) else { return };
    let mut head = String::new();
    let message = message.downcast::<Str>().map(|m| m.to_rust().into_owned());
    if what.is_none() {
        if let Some(m) = &message {
            head = format!("{m}:\n");
        }
    } else {
        let shown = match vm.repr(what) {
            Ok(r) => r.to_rust().into_owned(),
            Err(_) => {
                vm.clear_error();
                "<object repr() failed>".to_owned()
            }
        };
        head = match &message {
            Some(m) => format!("{m}: {shown}\n"),
            None => format!("Exception ignored in: {shown}\n"),
        };
    }
    out.write(vm, &head);
    print::print_unraisable(vm, &out, exc);
    out.flush(vm);
}
