//! `print`, `input` and `breakpoint`.

use super::sys;
use crate::name;
use crate::object::instance::get_attribute;
use crate::object::{Py, PyResult, TypeDef, Value, none};
use crate::types::bytes::Bytes;
use crate::types::exceptions::print::Sink;
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::Args;
use std::sync::OnceLock;

/// `print(*args, sep=' ', end='\n', file=None, flush=False)`
pub fn print(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (mut sep, mut end, mut file, mut flush) = (None, None, None, false);
    for (k, v) in args.keywords() {
        match k.as_ascii() {
            Some("sep") => sep = separator(vm, v, "sep")?,
            Some("end") => end = separator(vm, v, "end")?,
            Some("file") => file = Some(v.clone()).filter(|f| !f.is_none()),
            Some("flush") => flush = vm.truth(v)?,
            _ => {
                let k = k.to_rust();
                let hint = crate::types::exceptions::print::suggest::closest(&k, ["sep", "end", "file", "flush"])
                    .map_or(String::new(), |c| format!(". Did you mean '{c}'?"));
                return Err(vm.type_error(format!("print() got an unexpected keyword argument '{k}'{hint}")));
            }
        }
    }
    let file = match file {
        Some(f) => f,
        None => match sys::get(vm, "stdout") {
            Some(f) if f.is_none() => return Ok(none()),
            Some(f) => f,
            None => return Err(vm.runtime_error("lost sys.stdout")),
        },
    };
    for (i, v) in args.pos().iter().enumerate() {
        if i > 0 {
            let sep = sep.clone().unwrap_or_else(|| crate::types::str::intern::latin1(b' '));
            write(vm, &file, &sep)?;
        }
        let text = vm.str(v)?;
        write(vm, &file, &text)?;
    }
    let end = end.unwrap_or_else(|| crate::types::str::intern::latin1(b'\n'));
    write(vm, &file, &end)?;
    if flush {
        vm.call_method(&file, "flush", &[])?;
    }
    Ok(none())
}

fn separator(vm: &mut Vm, v: &Value, what: &str) -> PyResult<Option<Py<Str>>> {
    if v.is_none() {
        return Ok(None);
    }
    match v.downcast::<Str>() {
        Some(s) => Ok(Some(s.clone())),
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("{what} must be None or a string, not {name}")))
        }
    }
}

/// The native class of text streams, and what writes to one.
struct NativeText {
    class: &'static TypeDef,
    write: fn(&mut Vm, &Value, &Py<Str>) -> PyResult<()>,
}

static NATIVE_TEXT: OnceLock<NativeText> = OnceLock::new();

/// Tells which class `print` may write to by a native function: instances of exactly this class without a `write` of
/// their own.
pub fn set_native_text(class: &'static TypeDef, write: fn(&mut Vm, &Value, &Py<Str>) -> PyResult<()>) {
    let _ = NATIVE_TEXT.set(NativeText { class, write });
}

fn write(vm: &mut Vm, file: &Value, text: &Py<Str>) -> PyResult<()> {
    if let Some(n) = NATIVE_TEXT.get() {
        if std::ptr::eq(file.class(), n.class.object()) && get_attribute(file, name!("write")).is_none() {
            return (n.write)(vm, file, text);
        }
    }
    vm.call_method(file, "write", std::slice::from_ref(text.as_value())).map(drop)
}

/// `input(prompt='')`: the prompt goes to `sys.stdout`, one line comes from `sys.stdin`.
pub fn input(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let prompt = a.first().cloned().flatten();
    let stream = |vm: &mut Vm, name: &str| match sys::get(vm, name) {
        Some(f) if !f.is_none() => Ok(f),
        _ => Err(vm.runtime_error(format!("input(): lost sys.{name}"))),
    };
    let (stdin, stdout, stderr) = (stream(vm, "stdin")?, stream(vm, "stdout")?, stream(vm, "stderr")?);
    let seen = prompt.clone().unwrap_or_else(|| vm.new_str(""));
    sys::audit::audit(vm, "builtins.input", std::slice::from_ref(&seen))?;
    Sink::of(stderr).flush(vm);
    if let Some(p) = &prompt {
        let text = vm.str(p)?;
        write(vm, &stdout, &text)?;
    }
    Sink::of(stdout).flush(vm);
    let line = vm.call_method(&stdin, "readline", &[])?;
    let line = line_without_end(vm, &line)?;
    sys::audit::audit(vm, "builtins.input/result", std::slice::from_ref(&line))?;
    Ok(line)
}

/// What `readline()` gave, without its newline; nothing at all is the end of the file.
fn line_without_end(vm: &mut Vm, line: &Value) -> PyResult {
    if let Some(s) = line.downcast::<Str>() {
        return match s.len() {
            0 => Err(vm.eof_error("EOF when reading a line")),
            n if s.at(n - 1) == '\n' as u32 => Ok(s.slice(0, n - 1).into()),
            _ => Ok(line.clone()),
        };
    }
    if let Some(b) = line.downcast::<Bytes>() {
        return match b.as_slice() {
            [] => Err(vm.eof_error("EOF when reading a line")),
            [head @ .., b'\n'] => Ok(Bytes::from_slice(head).into()),
            _ => Ok(line.clone()),
        };
    }
    Err(vm.type_error("object.readline() returned non-string"))
}

/// `breakpoint(*args, **kws)`: calls `sys.breakpointhook`.
pub fn breakpoint(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    match sys::get(vm, "breakpointhook") {
        Some(hook) => {
            sys::audit::audit(vm, "builtins.breakpoint", std::slice::from_ref(&hook))?;
            vm.call_args(&hook, args)
        }
        None => Err(vm.runtime_error("lost sys.breakpointhook")),
    }
}
