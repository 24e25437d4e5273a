//! The standard streams: `sys.stdin`, `sys.stdout` and `sys.stderr` (`init_sys_streams` of `Python/pylifecycle.c`).

use crate::builtins::sys::{self, config};
use crate::host;
use crate::name;
use crate::object::{PyResult, Value, boolean, none};
use crate::types::codecs::registry;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// Encoding and error handler of the streams.
struct Setting {
    encoding: Value,
    errors: String,
}

/// What `PYTHONIOENCODING`, the UTF-8 mode and the locale say.
fn setting(vm: &mut Vm) -> PyResult<Setting> {
    let c = config::config();
    let (mut encoding, mut errors) = (String::new(), String::new());
    if let Some(given) = host::env("PYTHONIOENCODING").filter(|_| !c.ignore_environment) {
        let given = given.to_string_lossy().into_owned();
        let (e, handler) = given.split_once(':').unwrap_or((&given, ""));
        (encoding, errors) = (e.to_owned(), handler.to_owned());
        if errors.is_empty() && !encoding.is_empty() {
            errors = "strict".to_owned();
        }
    }
    if encoding.is_empty() {
        encoding = if c.utf8_mode { "utf-8".to_owned() } else { host::locale::encoding() };
    }
    if errors.is_empty() {
        errors = if c.utf8_mode || host::locale::is_lenient() { "surrogateescape" } else { "strict" }.to_owned();
    }
    let codec = registry::lookup(vm, &encoding)?;
    let encoding = match vm.get_attr_opt(&codec, name!("name"))?.filter(|n| n.downcast::<Str>().is_some()) {
        Some(n) => n,
        None => vm.new_str(&encoding),
    };
    Ok(Setting { encoding, errors })
}

/// Opens the standard streams and makes `open` a builtin.
pub fn open_all(vm: &mut Vm) -> PyResult<()> {
    host::restore_closed();
    let io = vm.import("_io")?;
    let open = vm.get_attr_text(&io, "open")?;
    crate::builtins::dict().store_text("open", open);
    let setting = setting(vm)?;
    for (name, fd) in [("stdin", 0), ("stdout", 1), ("stderr", 2)] {
        let stream = open_stream(vm, &io, &setting, name, fd)?;
        sys::set(vm, name, stream.clone());
        sys::set(vm, &format!("__{name}__"), stream);
    }
    Ok(())
}

/// One standard stream; `None` when its descriptor is closed.
fn open_stream(vm: &mut Vm, io: &Value, setting: &Setting, name: &str, fd: i32) -> PyResult {
    if !host::is_open(fd) {
        return Ok(none());
    }
    let unbuffered = config::config().unbuffered;
    let reading = fd == 0;
    let bare = unbuffered && !reading;
    let mode = vm.new_str(if reading { "rb" } else { "wb" });
    let buffering = Value::small_unchecked(if bare { 0 } else { -1 });
    let names = Tuple::from_vec(vec![name!("closefd").as_value().clone()]);
    let open = vm.get_attr_text(io, "open")?;
    let all = [Value::small_unchecked(fd as i64), mode, buffering, boolean(false)];
    let binary = vm.call_kw(&open, &Args::new(&all, Some(&names)))?;
    let raw = if bare { binary.clone() } else { vm.get_attr_text(&binary, "raw")? };
    let shown = vm.new_str(&format!("<{name}>"));
    vm.set_attr_text(&raw, "name", &shown)?;
    let errors = vm.new_str(if fd == 2 { "backslashreplace" } else { &setting.errors });
    let newline = vm.new_str("\n");
    let lines = boolean(!unbuffered && (fd == 2 || host::is_terminal(fd)));
    let through = boolean(unbuffered);
    let wrapper = vm.get_attr_text(io, "TextIOWrapper")?;
    let stream = vm.call(&wrapper, &[binary, setting.encoding.clone(), errors, newline, lines, through])?;
    let mode = vm.new_str(if reading { "r" } else { "w" });
    vm.set_attr_text(&stream, "mode", &mode)?;
    Ok(stream)
}

/// Flushes `sys.stdout` and `sys.stderr` at the end; false when that failed (exit status 120).
pub fn flush_all(vm: &mut Vm) -> bool {
    let mut good = true;
    for name in ["stdout", "stderr"] {
        let Some(stream) = sys::get(vm, name).filter(|s| !s.is_none()) else { continue };
        if is_closed(vm, &stream) || vm.call_method_named(&stream, name!("flush"), &[]).is_ok() {
            continue;
        }
        good = false;
        if name == "stdout" {
            vm.unraisable(None, Some("Exception ignored while flushing sys.stdout"));
        } else {
            vm.clear_error();
        }
    }
    good
}

fn is_closed(vm: &mut Vm, stream: &Value) -> bool {
    let closed = vm.get_attr_opt(stream, name!("closed"));
    match closed.and_then(|c| c.map_or(Ok(false), |c| vm.truth(&c))) {
        Ok(closed) => closed,
        Err(_) => {
            vm.clear_error();
            false
        }
    }
}
