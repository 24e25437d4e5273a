//! Showing exceptions: uncaught ones, those a hook could not handle, and what `sys.excepthook` does by default.
//!
//! The text is that of CPython 3.14's `traceback` module, made natively: it must come out even when no Python code can
//! run any more, and a program that dies should not import a dozen modules first. Only coloured output (a terminal) is
//! left to the `traceback` module. The way: `report` captures an exception and its chain as plain text, `frame` shows
//! one traceback entry with its carets, `source` finds lines, `suggest` guesses what a misspelt name was to be.

pub mod frame;
pub mod report;
pub mod source;
pub mod suggest;

use super::{BaseException, SYSTEM_EXIT, exception, simple};
use crate::builtins::sys;
use crate::object::{Py, Value, none};
use crate::types::int::Int;
use crate::types::str::Str;
use crate::vm::Vm;

/// Where error texts go: a Python file object, or file descriptor 2 when there is none that works.
pub struct Sink {
    file: Option<Value>,
}

impl Sink {
    /// `sys.stderr`; `None` when that is `None` (a program without a terminal). Before `sys.stderr` exists, and when it
    /// was deleted, descriptor 2.
    pub fn stderr(vm: &mut Vm) -> Option<Sink> {
        match sys::get(vm, "stderr") {
            Some(f) if f.is_none() => match sys::get(vm, "__stderr__") {
                Some(f) if !f.is_none() => Some(Sink { file: Some(f) }),
                _ => None,
            },
            file => Some(Sink { file }),
        }
    }

    /// Descriptor 2 itself.
    pub fn raw() -> Sink {
        Sink { file: None }
    }

    /// A Python file object.
    pub fn of(file: Value) -> Sink {
        Sink { file: Some(file) }
    }

    /// Writes; an error of the file object makes the text go to descriptor 2.
    pub fn write(&self, vm: &mut Vm, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(file) = &self.file {
            let value = vm.new_str(text);
            match vm.call_method(file, "write", &[value]) {
                Ok(_) => return,
                Err(_) => vm.clear_error(),
            }
        }
        crate::host::stderr(text);
    }

    /// Flushes the file object.
    pub fn flush(&self, vm: &mut Vm) {
        if let Some(file) = &self.file {
            if vm.call_method(file, "flush", &[]).is_err() {
                vm.clear_error();
            }
        }
    }
}

/// The text of an exception with its traceback and chain, as the `traceback` module would format it.
pub fn format(vm: &mut Vm, exc: &Value) -> String {
    report::Report::capture(vm, exc).render()
}

/// What `sys.excepthook` does by default.
pub fn display(vm: &mut Vm, exc: &Value) {
    let Some(out) = Sink::stderr(vm) else { return };
    flush_stdout(vm);
    if wants_colour(vm, &out) && display_coloured(vm, exc) {
        return;
    }
    let text = vm.aside(|vm| format(vm, exc));
    out.write(vm, &text);
    out.flush(vm);
}

/// Shows an exception that is only reported (`sys.unraisablehook`): itself alone, without carets.
pub fn print_unraisable(vm: &mut Vm, out: &Sink, exc: &Value) {
    let text = report::plain(vm, exc);
    out.write(vm, &text);
}

fn flush_stdout(vm: &mut Vm) {
    if let Some(f) = sys::get(vm, "stdout") {
        if !f.is_none() && vm.call_method(&f, "flush", &[]).is_err() {
            vm.clear_error();
        }
    }
}

/// Whether the `traceback` module would colour its output: a terminal, and nothing in the environment against it.
fn wants_colour(vm: &mut Vm, out: &Sink) -> bool {
    let set = |name: &str| crate::host::env(name).filter(|v| !v.is_empty());
    if set("PYTHON_COLORS").is_some_and(|v| v == "0") || set("NO_COLOR").is_some() {
        return false;
    }
    if set("PYTHON_COLORS").is_some_and(|v| v == "1") || set("FORCE_COLOR").is_some() {
        return true;
    }
    if set("TERM").is_some_and(|v| v == "dumb") {
        return false;
    }
    let Some(file) = &out.file else { return false };
    let answer = vm.call_method(file, "isatty", &[]).and_then(|r| vm.truth(&r));
    answer.unwrap_or_else(|_| {
        vm.clear_error();
        false
    })
}

/// Lets the `traceback` module print; false when that failed.
fn display_coloured(vm: &mut Vm, exc: &Value) -> bool {
    let done = vm.import_attr("traceback", "_print_exception_bltin").and_then(|f| vm.call1(&f, exc));
    if done.is_err() {
        vm.clear_error();
    }
    done.is_ok()
}

/// Reports an exception that nothing caught: keeps it as `sys.last_exc` and calls `sys.excepthook` (`PyErr_Print`).
/// `SystemExit` is shown like any other; whoever ends the program asks [`exit_status`] first.
pub fn print_uncaught(vm: &mut Vm, exc: Value) {
    let class = Py::of(exc.class()).into_value();
    let traceback = exc.downcast::<BaseException>().and_then(|e| e.traceback(vm)).unwrap_or_else(none);
    let last = [("last_exc", &exc), ("last_type", &class), ("last_value", &exc), ("last_traceback", &traceback)];
    for (name, value) in last {
        sys::set(vm, name, value.clone());
    }
    let hook = sys::get(vm, "excepthook");
    let told = [hook.clone().unwrap_or_else(none), class.clone(), exc.clone(), traceback.clone()];
    if sys::audit::audit(vm, "sys.excepthook", &told).is_err() {
        if vm.error_is(&crate::types::exceptions::RUNTIME_ERROR) {
            // The hook of audit events forbids it.
            vm.clear_error();
            return;
        }
        vm.unraisable(None, Some("Exception ignored in audit hook"));
    }
    let Some(hook) = hook else {
        if let Some(out) = Sink::stderr(vm) {
            out.write(vm, "sys.excepthook is missing\n");
        }
        display(vm, &exc);
        return;
    };
    if sys::hooks::is_default_excepthook(vm, &hook) {
        display(vm, &exc);
        return;
    }
    if vm.call(&hook, &[class, exc.clone(), traceback]).is_ok() {
        return;
    }
    let failed = vm.take_error();
    if vm.is_kind(&failed, &SYSTEM_EXIT) {
        // The hook asked to leave: the caller's status stands, as the program is ending anyway.
        return;
    }
    flush_stdout(vm);
    if let Some(out) = Sink::stderr(vm) {
        out.write(vm, "Error in sys.excepthook:\n");
        display(vm, &failed);
        out.write(vm, "\nOriginal exception was:\n");
        display(vm, &exc);
    }
}

/// The process status that a `SystemExit` asks for. A code that is neither absent nor a number is printed to
/// `sys.stderr`, and the status is 1.
pub fn exit_status(vm: &mut Vm, exit: &Value) -> i32 {
    let code = exception(exit).field(vm, simple::EXIT_CODE).unwrap_or_else(none);
    if code.is_none() {
        return 0;
    }
    if let Some(n) = Int::read(&code) {
        return n.to_i64().unwrap_or(-1) as i32;
    }
    flush_stdout(vm);
    let text = match vm.str(&code) {
        Ok(s) => to_text(&s),
        Err(_) => {
            vm.clear_error();
            String::new()
        }
    };
    if let Some(out) = Sink::stderr(vm) {
        out.write(vm, &format!("{text}\n"));
        out.flush(vm);
    }
    1
}

/// Text with surrogates escaped, as `sys.stderr` (error handler `backslashreplace`) writes them.
pub fn to_text(s: &Str) -> String {
    if let Some(t) = s.as_ascii() {
        return t.to_owned();
    }
    let mut out = String::with_capacity(s.len());
    for c in s.code_points() {
        match char::from_u32(c) {
            Some(c) => out.push(c),
            None => out.push_str(&format!("\\u{c:04x}")),
        }
    }
    out
}

/// `str(v)` or, with `repr`, `repr(v)`; what it shows instead when that fails names `what`.
pub(super) fn safe_text(vm: &mut Vm, v: &Value, what: &str, repr: bool) -> String {
    let text = if repr { vm.repr(v) } else { vm.str(v) };
    match text {
        Ok(s) => to_text(&s),
        Err(_) => {
            vm.clear_error();
            format!("<{what} {}() failed>", if repr { "repr" } else { "str" })
        }
    }
}

/// Integer value of a small Python integer.
pub(super) fn small(v: &Value) -> Option<i64> {
    Int::read(v).and_then(|i| i.to_i64())
}
