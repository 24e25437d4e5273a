//! `open()` (`Modules/_io/_iomodule.c`): from a mode's letters to the streams one on the other.

use super::{arg, both, buffered, fileio, flag};
use crate::system::path::fspath;
use taipan_runtime::builtins::sys;
use taipan_runtime::name;
use taipan_runtime::object::{Py, PyResult, Value, boolean, none};
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// Sizes of buffers that the system's block size can ask for, at most, in bytes.
const LARGEST_BUFFER: usize = 8 << 20;

/// What the letters of a mode say.
#[derive(Default)]
struct Mode {
    creating: bool,
    reading: bool,
    writing: bool,
    appending: bool,
    updating: bool,
    text: bool,
    binary: bool,
}

impl Mode {
    fn parse(vm: &mut Vm, text: &str) -> PyResult<Mode> {
        let mut m = Mode::default();
        for c in text.chars() {
            let letter = match c {
                'x' => &mut m.creating,
                'r' => &mut m.reading,
                'w' => &mut m.writing,
                'a' => &mut m.appending,
                '+' => &mut m.updating,
                't' => &mut m.text,
                'b' => &mut m.binary,
                _ => return Err(vm.value_error(format!("invalid mode: '{text}'"))),
            };
            if std::mem::replace(letter, true) {
                return Err(vm.value_error(format!("invalid mode: '{text}'")));
            }
        }
        Ok(m)
    }

    /// The mode of the raw file.
    fn raw(&self) -> String {
        let letters = [
            (self.creating, 'x'),
            (self.reading, 'r'),
            (self.writing, 'w'),
            (self.appending, 'a'),
            (self.updating, '+'),
        ];
        letters.iter().filter(|(on, _)| *on).map(|(_, c)| c).collect()
    }

    /// Refuses what does not go together.
    fn check(&self, vm: &mut Vm, given: [(bool, &str); 3]) -> PyResult<()> {
        if self.text && self.binary {
            return Err(vm.value_error("can't have text and binary mode at once"));
        }
        let kinds = [self.creating, self.reading, self.writing, self.appending];
        if kinds.iter().filter(|on| **on).count() > 1 {
            return Err(vm.value_error("must have exactly one of create/read/write/append mode"));
        }
        for (is_given, what) in given {
            if self.binary && is_given {
                return Err(vm.value_error(format!("binary mode doesn't take {what} argument")));
            }
        }
        Ok(())
    }
}

/// A text argument that may be `None`.
fn text_or_none(vm: &mut Vm, v: Option<&Value>, name: &str) -> PyResult {
    match v {
        None => Ok(none()),
        Some(v) if v.is_none() => Ok(none()),
        Some(v) => match v.downcast::<Str>() {
            Some(s) if s.to_rust().contains('\0') => Err(vm.value_error("embedded null character")),
            Some(_) => Ok(v.clone()),
            None => {
                let got = v.class().payload.name();
                Err(vm.type_error(format!("open() argument '{name}' must be str or None, not {got}")))
            }
        },
    }
}

/// Whether `open()` takes the argument as a number, so that it is no path (`PyNumber_Check`).
fn is_number(v: &Value) -> bool {
    let s = v.class().payload.slots();
    v.is_small() || s.index.is_some() || s.int.is_some() || s.float.is_some()
}

/// `open(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)`
pub fn open(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let given = arg(a, 0);
    let text = match &a[1] {
        Some(m) => vm.expect_str(m, "open() argument 'mode'")?.clone(),
        None => vm.intern("r"),
    };
    let buffering = match &a[2] {
        Some(n) => match vm.to_i32(n) {
            Ok(n) => n,
            Err(_) if vm.error_is(&exc::OVERFLOW_ERROR) => {
                vm.clear_error();
                return Err(vm.overflow_error("Python int too large to convert to C int"));
            }
            Err(r) => return Err(r),
        },
        None => -1,
    };
    let encoding = text_or_none(vm, a[3].as_ref(), "encoding")?;
    let errors = text_or_none(vm, a[4].as_ref(), "errors")?;
    let newline = text_or_none(vm, a[5].as_ref(), "newline")?;
    let closefd = flag(vm, a[6].as_ref(), true)?;
    let opener = a[7].clone().filter(|o| !o.is_none());
    let file = if is_number(&given) { given } else { fspath(vm, &given)? };
    let letters = text.to_rust().into_owned();
    if letters.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    let mode = Mode::parse(vm, &letters)?;
    mode.check(
        vm,
        [(!encoding.is_none(), "an encoding"), (!errors.is_none(), "an errors"), (!newline.is_none(), "a newline")],
    )?;
    if mode.binary && buffering == 1 {
        let message =
            "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used";
        vm.warn(&exc::RUNTIME_WARNING, message, 1)?;
    }
    let raw = fileio::open(vm, &file, &mode.raw(), closefd, opener)?;
    let mut top = raw.as_value().clone();
    let text_options = (!mode.binary).then_some([encoding, errors, newline]);
    let r = stack(vm, &mut top, &raw, &text, buffering, text_options);
    if r.is_ok() {
        return Ok(top);
    }
    // What is open is closed; the first error stays.
    let r = both(vm, r, |vm| vm.call_method_named(&top, name!("close"), &[]).map(|_| ()));
    r.map(|()| none())
}

/// Puts buffer and text stream on the raw file; `top` is always what has to be closed when the rest fails.
fn stack(
    vm: &mut Vm,
    top: &mut Value,
    raw: &Py<fileio::FileIo>,
    mode: &Py<Str>,
    buffering: i32,
    text_options: Option<[Value; 3]>,
) -> PyResult<()> {
    let terminal = buffering < 0 && fileio::is_terminal_at_open(vm, raw);
    let by_line = buffering == 1 || terminal;
    let size = if by_line || buffering < 0 {
        fileio::block_size(vm, raw).clamp(super::BUFFER_SIZE, LARGEST_BUFFER) as isize
    } else {
        buffering as isize
    };
    if size == 0 {
        return match text_options {
            Some(_) => Err(vm.value_error("can't have unbuffered text I/O")),
            None => Ok(()),
        };
    }
    *top = buffered::open(vm, raw, size)?;
    let Some([encoding, errors, newline]) = text_options else { return Ok(()) };
    let Some(wrapper) = super::MODULE.types.iter().find(|t| t.name == "_io.TextIOWrapper") else {
        return Err(vm.not_implemented_error("_io.TextIOWrapper"));
    };
    let arguments = [top.clone(), encoding, errors, newline, boolean(by_line), boolean(false)];
    *top = vm.call(&wrapper.value(), &arguments)?;
    vm.set_attr(top, name!("mode"), mode.as_value())
}

/// `open_code(path)`
pub fn open_code(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let path = arg(a, 0);
    vm.expect_str(&path, "open_code() argument 'path'")?;
    let mode = vm.intern("rb").into();
    open(vm, &[Some(path), Some(mode), None, None, None, None, None, None])
}

/// `text_encoding(encoding, stacklevel=2)`
pub fn text_encoding(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let encoding = arg(a, 0);
    let level = a[1].as_ref().map_or(Ok(2), |n| vm.to_i32(n))?;
    if !encoding.is_none() {
        return Ok(encoding);
    }
    if sys::config::config().warn_default_encoding {
        vm.warn(&exc::ENCODING_WARNING, "'encoding' argument not specified", level as i64)?;
    }
    Ok(vm.intern(if sys::config::config().utf8_mode { "utf-8" } else { "locale" }).into())
}
