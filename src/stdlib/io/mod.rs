//! `_io` (`Modules/_io`): files and streams, in files by class. `base` has the base classes, `fileio` the unbuffered file,
//! `buffered` the buffers around it, `pair` two of them as one stream, `bytesio` bytes in memory, `open` what opens files,
//! `text` the text streams.

pub mod base;
pub mod buffered;
pub mod bytesio;
pub mod fileio;
mod open;
mod pair;
pub mod text;

use taipan_runtime::builtins::global::Global;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Raised, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::bytes::room::Room;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::{self as exc, BaseException};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject::short_name;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// `io.DEFAULT_BUFFER_SIZE`, in bytes.
pub const BUFFER_SIZE: usize = 131072;

/// What methods of closed streams say.
pub const CLOSED: &str = "I/O operation on closed file.";

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_io")
    .doc("Files and streams: what io stands on.")
    .functions(&[
        MethodDef::function(
            "open",
            "($module, /, file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)",
            "Open a file and give a stream.",
            N(open::open),
        ),
        MethodDef::function("open_code", "($module, /, path)", "Open a file of code.", N(open::open_code)),
        MethodDef::function(
            "text_encoding",
            "($module, encoding, stacklevel=2, /)",
            "The encoding, or 'locale' when it is None.",
            N(open::text_encoding),
        ),
    ])
    .types(&[
        &base::IO_BASE,
        &base::RAW_IO_BASE,
        &base::BUFFERED_IO_BASE,
        &base::TEXT_IO_BASE,
        &fileio::FILE_IO,
        &bytesio::BYTES_IO,
        &bytesio::BYTES_IO_BUFFER,
        &buffered::BUFFERED_READER,
        &buffered::BUFFERED_WRITER,
        &buffered::BUFFERED_RANDOM,
        &pair::BUFFERED_RW_PAIR,
        &text::newline::NEWLINE_DECODER,
        &text::stringio::STRING_IO,
        &text::wrapper::TEXT_IO_WRAPPER,
    ])
    .init(init);

/// `io.UnsupportedOperation`
static UNSUPPORTED: Global = Global::new();

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    taipan_runtime::builtins::console::set_native_text(&text::wrapper::TEXT_IO_WRAPPER, text::write_text);
    module.store_text("DEFAULT_BUFFER_SIZE", Value::from_usize(BUFFER_SIZE));
    module.store_text("BlockingIOError", exc::BLOCKING_IO_ERROR.value());
    let class = match UNSUPPORTED.get() {
        Some(c) => c,
        None => {
            let maker = taipan_runtime::types::typeobject::TYPE.value();
            let dict = Dict::new_object();
            let (module_name, name) = (vm.new_str("io"), vm.new_str("UnsupportedOperation"));
            dict.store_text("__module__", module_name);
            let bases = Tuple::from_vec(vec![exc::OS_ERROR.value(), exc::VALUE_ERROR.value()]).into();
            let c = vm.call(&maker, &[name, bases, dict.into()])?;
            UNSUPPORTED.set(Some(c.clone()));
            c
        }
    };
    module.store_text("UnsupportedOperation", class);
    Ok(())
}

/// Raises `UnsupportedOperation(message)`.
pub fn unsupported(vm: &mut Vm, message: &str) -> Raised {
    let class = UNSUPPORTED.get().unwrap_or_else(|| exc::OS_ERROR.value());
    let text = vm.new_str(message);
    match vm.call(&class, &[text]) {
        Ok(e) => vm.raise(e),
        Err(r) => r,
    }
}

/// Raises `OSError(message)`.
pub fn os_error_text(vm: &mut Vm, message: &str) -> Raised {
    let text = vm.new_str(message);
    vm.raise_with(&exc::OS_ERROR, &[text])
}

/// Raises `OSError(message)` from the pending exception.
pub fn os_error_from(vm: &mut Vm, message: &str) -> Raised {
    let cause = vm.take_error();
    let raised = os_error_text(vm, message);
    if let (Some(e), Some(_)) = (vm.pending().cloned(), cause.downcast::<BaseException>()) {
        if let Some(e) = e.downcast::<BaseException>() {
            e.set_cause(vm, Some(cause.clone()));
            e.set_context(vm, Some(cause));
        }
    }
    raised
}

/// Raises the `BlockingIOError` of a write that stopped after so many bytes.
pub fn would_block(vm: &mut Vm, written: usize) -> Raised {
    let text = vm.new_str("write could not complete without blocking");
    let args = [Value::small_unchecked(libc::EAGAIN as i64), text, Value::from_usize(written)];
    vm.raise_with(&exc::BLOCKING_IO_ERROR, &args)
}

/// Combines the results of two steps that both have to run: the second's error wins, with the first's as its context.
pub fn both<T>(vm: &mut Vm, first: PyResult<T>, second: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
    if first.is_ok() {
        return second(vm);
    }
    let earlier = vm.take_error();
    if second(vm).is_err() {
        let later = vm.take_error();
        if let Some(e) = later.downcast::<BaseException>().filter(|e| !e.as_value().is(&earlier)) {
            e.set_context(vm, Some(earlier));
        }
        vm.set_pending(later);
    } else {
        vm.set_pending(earlier);
    }
    Err(vm.already_raised())
}

/// An argument or `None`.
pub fn arg(a: &[Option<Value>], i: usize) -> Value {
    a[i].clone().unwrap_or_else(none)
}

/// A truth argument with its default.
pub fn flag(vm: &mut Vm, v: Option<&Value>, default: bool) -> PyResult<bool> {
    match v {
        Some(v) => vm.truth(v),
        None => Ok(default),
    }
}

/// The object a method is called on, and its one optional positional argument.
#[inline]
pub fn optional<'a>(vm: &mut Vm, a: &Args<'a>, name: &str) -> PyResult<(&'a Value, Option<&'a Value>)> {
    let all = a.pos();
    if a.has_keywords() || all.len() > 2 {
        return Err(bad_call(vm, a, name, 0, 1));
    }
    Ok((&all[0], all.get(1)))
}

/// The error of a method called with too few or too many arguments, or with keywords.
#[cold]
pub fn bad_call(vm: &mut Vm, a: &Args<'_>, name: &str, min: usize, max: usize) -> Raised {
    let given = a.pos().len() - 1;
    if a.has_keywords() {
        let class = short_name(a.pos()[0].class());
        return vm.type_error(format!("{class}.{name}() takes no keyword arguments"));
    }
    let s = |n| if n == 1 { "" } else { "s" };
    if given < min {
        return vm.type_error(format!("{name} expected at least {min} argument{}, got {given}", s(min)));
    }
    vm.type_error(format!("{name} expected at most {max} argument{}, got {given}", s(max)))
}

/// A size argument: absent, `None` or negative means no limit.
#[inline]
pub fn size_arg(vm: &mut Vm, v: Option<&Value>) -> PyResult<Option<usize>> {
    match v {
        None => Ok(None),
        Some(v) => match v.as_small() {
            Some(i) => Ok(usize::try_from(i).ok()),
            None => Ok(signed_size_arg(vm, Some(v))?.and_then(|i| usize::try_from(i).ok())),
        },
    }
}

/// A size argument with its sign; absent or `None` gives nothing.
pub fn signed_size_arg(vm: &mut Vm, v: Option<&Value>) -> PyResult<Option<isize>> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(None) };
    if !v.is_small() && Int::read(v).is_none() && v.class().payload.slots().index.is_none() {
        let got = v.class().payload.name();
        return Err(vm.type_error(format!("argument should be integer or None, not '{got}'")));
    }
    let r = vm.to_isize(v);
    fitting(vm, r, &exc::OVERFLOW_ERROR, "cannot fit 'int' into an index-sized integer").map(Some)
}

/// A result of `to_isize` with another exception for integers that do not fit.
fn fitting(
    vm: &mut Vm,
    r: PyResult<isize>,
    class: &'static taipan_runtime::object::TypeDef,
    message: &str,
) -> PyResult<isize> {
    if r.is_err() && vm.error_is(&exc::INDEX_ERROR) {
        vm.clear_error();
        return Err(vm.new_error(class, message));
    }
    r
}

/// A position in a file; `ValueError` when it does not fit.
pub fn offset(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let name = v.class().payload.name();
    let r = vm.to_isize(v);
    let message = format!("cannot fit '{name}' into an offset-sized integer");
    fitting(vm, r, &exc::VALUE_ERROR, &message).map(|n| n as i64)
}

/// Bytes to be written: those of a bytes object without a copy, others copied.
pub enum Source {
    /// A bytes object, which never changes.
    Bytes(Py<Bytes>),
    /// A copy of another object's memory.
    Copy(Vec<u8>),
}

impl Source {
    /// The memory of a bytes-like argument.
    #[inline]
    pub fn of(vm: &mut Vm, v: &Value) -> PyResult<Source> {
        match v.downcast::<Bytes>() {
            Some(b) => Ok(Source::Bytes(b.clone())),
            None => Ok(Source::Copy(readable(vm, v)?.as_slice(vm).to_vec())),
        }
    }
}

impl std::ops::Deref for Source {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Source::Bytes(b) => b.as_slice(),
            Source::Copy(v) => v,
        }
    }
}

/// A view of a bytes-like argument in one block.
pub fn readable(vm: &mut Vm, v: &Value) -> PyResult<Buffer> {
    let view = vm.buffer(v, BufferRequest::READ)?;
    if !view.is_contiguous() {
        return Err(vm.buffer_error("memoryview: underlying buffer is not C-contiguous"));
    }
    Ok(view)
}

/// A view of an argument that a method fills.
pub fn writable(vm: &mut Vm, v: &Value, method: &str) -> PyResult<Buffer> {
    let view = match v.class().payload.slots().buffer {
        Some(f) => f(vm, v, BufferRequest::WRITE),
        None => Err(vm.type_error("")),
    };
    match view {
        Ok(view) if view.readonly => drop(view),
        Ok(view) if view.is_contiguous() => return Ok(view),
        Ok(_) => return Err(vm.buffer_error("memoryview: underlying buffer is not C-contiguous")),
        Err(_) => vm.clear_error(),
    }
    let got = if v.is_none() { "None".to_owned() } else { v.class().payload.name() };
    Err(vm.type_error(format!("{method}() argument must be read-write bytes-like object, not {got}")))
}

/// A block of zeros; `MemoryError` when there is not enough memory.
pub fn zeroed(vm: &mut Vm, len: usize) -> PyResult<Vec<u8>> {
    if len > 1 << 26 && Vec::<u8>::new().try_reserve_exact(len).is_err() {
        return Err(vm.memory_error(""));
    }
    Ok(vec![0; len])
}

/// Room for so many bytes; `MemoryError` when there is not enough memory.
pub fn room(vm: &mut Vm, len: usize) -> PyResult<Room> {
    Room::new(len).ok_or_else(|| vm.memory_error(""))
}

/// The error for pickling a stream.
pub fn no_pickle(vm: &mut Vm, v: &Value) -> PyResult {
    let class = short_name(v.class());
    Err(vm.type_error(format!("cannot pickle '{class}' instances")))
}

/// `repr()` of a stream by its name: `<class name='…' more>`; without a name what `nameless` gives.
pub fn repr_by_name(vm: &mut Vm, v: &Value, nameless: &str, more: &str) -> PyResult {
    let class = v.class().payload.name();
    let r = vm.get_attr_opt(v, taipan_runtime::name!("name"));
    let Some(name) = vm.suppress(r, &exc::VALUE_ERROR)?.flatten() else {
        return Ok(vm.new_str(&format!("<{class}{nameless}{more}>")));
    };
    if !vm.enter_repr(v) {
        return Err(vm.runtime_error(format!("reentrant call inside {class}.__repr__")));
    }
    let shown = vm.repr(&name);
    vm.leave_repr(v);
    let shown = shown?;
    let mut text = taipan_runtime::types::str::Str::from_rust(&format!("<{class} name="));
    for part in [shown, taipan_runtime::types::str::Str::from_rust(&format!("{more}>"))] {
        text = taipan_runtime::types::str::Str::concat(&text, &part);
    }
    Ok(text.into())
}
