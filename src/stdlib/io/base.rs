//! The base classes: `_IOBase` and its kinds (`Modules/_io/iobase.c`). Their methods reach the rest of a stream through
//! its attributes, so Python subclasses can replace any of them.

use super::fileio::{self, FileIo};
pub use super::size_arg;
use super::{BUFFER_SIZE, CLOSED, os_error_text, unsupported, writable};
use taipan_runtime::name;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::list::List;
use taipan_runtime::types::object::get_dict;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// Payload of the base classes: nothing.
pub struct IoBase;
taipan_runtime::payload!(IoBase, IO_BASE);

/// Flags of all stream types.
pub const FLAGS: TypeFlags =
    TypeFlags::BASETYPE.union(TypeFlags::HAS_DICT).union(TypeFlags::WEAKREFABLE).union(TypeFlags::HAVE_GC);

const NEW: Slots = Slots { new: Some(|_, class, _| Ok(instance::new_of(class, IoBase).into())), ..Slots::NONE };

macro_rules! cannot {
    ($($name:literal $signature:literal;)*) => {
        [ $( MethodDef::method($name, $signature, "Not supported here.", N(|vm, _| Err(unsupported(vm, $name)))), )* ]
    };
}

/// `_io._IOBase`
pub static IO_BASE: TypeDef = TypeDef::new::<IoBase>("_io._IOBase")
    .doc("The base of all streams.")
    .flags(FLAGS)
    .slots(Slots {
        iter: Some(|vm, v| {
            check_closed(vm, v)?;
            Ok(v.clone())
        }),
        next: Some(next_line),
        finalize: Some(finalize),
        ..NEW
    })
    .getset(&[
        GetSetDef::get("__dict__", "", get_dict),
        GetSetDef::get("closed", "Whether the stream is closed.", |_, v| Ok(boolean(is_marked_closed(v)))),
    ])
    .methods(&[
        MethodDef::method(
            "seek",
            "($self, offset, whence=0, /)",
            "Set the position.",
            N(|vm, _| Err(unsupported(vm, "seek"))),
        ),
        MethodDef::method(
            "tell",
            "($self, /)",
            "The position.",
            F1(|vm, v| vm.call_method_named(v, name!("seek"), &[Value::small_unchecked(0), Value::small_unchecked(1)])),
        ),
        MethodDef::method(
            "truncate",
            "($self, size=None, /)",
            "Cut the stream.",
            N(|vm, _| Err(unsupported(vm, "truncate"))),
        ),
        MethodDef::method(
            "flush",
            "($self, /)",
            "Hand on what was written.",
            F1(|vm, v| {
                if is_marked_closed(v) {
                    return Err(vm.value_error(CLOSED));
                }
                Ok(none())
            }),
        ),
        MethodDef::method("close", "($self, /)", "Flush and close the stream.", F1(base_close)),
        MethodDef::method("fileno", "($self, /)", "The file descriptor.", F1(|vm, _| Err(unsupported(vm, "fileno")))),
        MethodDef::method("isatty", "($self, /)", "Whether it is a terminal.", F1(no)),
        MethodDef::method("seekable", "($self, /)", "Whether it has positions.", F1(no)),
        MethodDef::method("readable", "($self, /)", "Whether it can be read.", F1(no)),
        MethodDef::method("writable", "($self, /)", "Whether it can be written.", F1(no)),
        MethodDef::method(
            "_checkClosed",
            "($self, /)",
            "Refuse a closed stream.",
            F1(|vm, v| check_closed(vm, v).map(|()| none())),
        ),
        MethodDef::method(
            "_checkSeekable",
            "($self, /)",
            "Refuse a stream without positions.",
            F1(|vm, v| check(vm, v, "seekable", "File or stream is not seekable.")),
        ),
        MethodDef::method(
            "_checkReadable",
            "($self, /)",
            "Refuse a stream not readable.",
            F1(|vm, v| check(vm, v, "readable", "File or stream is not readable.")),
        ),
        MethodDef::method(
            "_checkWritable",
            "($self, /)",
            "Refuse a stream not writable.",
            F1(|vm, v| check(vm, v, "writable", "File or stream is not writable.")),
        ),
        MethodDef::method(
            "__enter__",
            "($self, /)",
            "The stream.",
            F1(|vm, v| {
                check_closed(vm, v)?;
                Ok(v.clone())
            }),
        ),
        MethodDef::method(
            "__exit__",
            "($self, /, *args)",
            "Close the stream.",
            V(|vm, a| vm.call_method_named(&a.pos()[0], name!("close"), &[])),
        ),
        MethodDef::method("readline", "($self, size=-1, /)", "Read a line.", N(readline)),
        MethodDef::method("readlines", "($self, hint=-1, /)", "Read lines.", N(readlines)),
        MethodDef::method("writelines", "($self, lines, /)", "Write lines.", F2(writelines)),
    ]);

/// `_io._RawIOBase`
pub static RAW_IO_BASE: TypeDef = TypeDef::new::<IoBase>("_io._RawIOBase")
    .doc("The base of unbuffered binary streams.")
    .base(&IO_BASE)
    .flags(FLAGS)
    .slots(NEW)
    .methods(&[
        MethodDef::method("read", "($self, size=-1, /)", "Read bytes.", N(raw_read)),
        MethodDef::method("readall", "($self, /)", "Read until the end.", F1(raw_readall)),
        MethodDef::method(
            "readinto",
            "",
            "Read into a buffer.",
            V(|vm, _| Err(vm.raise_with(&exc::NOT_IMPLEMENTED_ERROR, &[]))),
        ),
        MethodDef::method("write", "", "Write bytes.", V(|vm, _| Err(vm.raise_with(&exc::NOT_IMPLEMENTED_ERROR, &[])))),
    ]);

/// `_io._BufferedIOBase`
pub static BUFFERED_IO_BASE: TypeDef = TypeDef::new::<IoBase>("_io._BufferedIOBase")
    .doc("The base of buffered binary streams.")
    .base(&IO_BASE)
    .flags(FLAGS)
    .slots(NEW)
    .methods(&BUFFERED_METHODS);

static BUFFERED_METHODS: [MethodDef; 6] = {
    let [a, b, c, d] = cannot! {
        "detach" "($self, /)";
        "read" "($self, size=-1, /)";
        "read1" "($self, size=-1, /)";
        "write" "($self, b, /)";
    };
    [
        a,
        b,
        c,
        d,
        MethodDef::method(
            "readinto",
            "($self, buffer, /)",
            "Read into a buffer.",
            F2(|vm, v, b| read_into_by(vm, v, b, "read")),
        ),
        MethodDef::method(
            "readinto1",
            "($self, buffer, /)",
            "Read into a buffer, once.",
            F2(|vm, v, b| read_into_by(vm, v, b, "read1")),
        ),
    ]
};

/// `_io._TextIOBase`
pub static TEXT_IO_BASE: TypeDef = TypeDef::new::<IoBase>("_io._TextIOBase")
    .doc("The base of text streams.")
    .base(&IO_BASE)
    .flags(FLAGS)
    .slots(NEW)
    .getset(&[
        GetSetDef::get("encoding", "Encoding of the text stream.", |_, _| Ok(none())),
        GetSetDef::get("newlines", "Line endings translated so far.", |_, _| Ok(none())),
        GetSetDef::get("errors", "The error setting of the decoder or encoder.", |_, _| Ok(none())),
    ])
    .methods(&TEXT_METHODS);

static TEXT_METHODS: [MethodDef; 4] = cannot! {
    "detach" "($self, /)";
    "read" "($self, size=-1, /)";
    "readline" "($self, size=-1, /)";
    "write" "($self, s, /)";
};

/// `_IOBase.close`: flushes, and marks the stream as closed even when that fails.
pub fn base_close(vm: &mut Vm, v: &Value) -> PyResult {
    if is_marked_closed(v) {
        return Ok(none());
    }
    let r = vm.call_method_named(v, name!("flush"), &[]);
    mark_closed(v);
    r.map(|_| none())
}

fn no(vm: &mut Vm, v: &Value) -> PyResult {
    check_closed(vm, v)?;
    Ok(boolean(false))
}

/// Whether `_IOBase.close` ran.
fn is_marked_closed(v: &Value) -> bool {
    instance::get_attribute(v, name!("__IOBase_closed")).is_some()
}

fn mark_closed(v: &Value) {
    instance::set_attribute(v, name!("__IOBase_closed"), &boolean(true));
}

/// Whether the stream says that it is closed.
pub fn is_closed(vm: &mut Vm, v: &Value) -> PyResult<bool> {
    let c = vm.get_attr(v, name!("closed"))?;
    vm.truth(&c)
}

/// Refuses a closed stream.
pub fn check_closed(vm: &mut Vm, v: &Value) -> PyResult<()> {
    if is_closed(vm, v)? { Err(vm.value_error(CLOSED)) } else { Ok(()) }
}

/// Refuses a stream without positions.
pub fn demand_seekable(vm: &mut Vm, v: &Value) -> PyResult<()> {
    if let Some(f) = plain_file(v, name!("seekable")) {
        if f.get(vm).fd >= 0 && fileio::is_seekable(vm, &f)? {
            return Ok(());
        }
    }
    check(vm, v, "seekable", "File or stream is not seekable.").map(|_| ())
}

/// Refuses a stream that cannot be read.
pub fn demand_readable(vm: &mut Vm, v: &Value) -> PyResult<()> {
    if plain_file(v, name!("readable")).is_some_and(|f| f.get(vm).fd >= 0 && f.get(vm).readable) {
        return Ok(());
    }
    check(vm, v, "readable", "File or stream is not readable.").map(|_| ())
}

/// Refuses a stream that cannot be written.
pub fn demand_writable(vm: &mut Vm, v: &Value) -> PyResult<()> {
    if plain_file(v, name!("writable")).is_some_and(|f| f.get(vm).fd >= 0 && f.get(vm).writable) {
        return Ok(());
    }
    check(vm, v, "writable", "File or stream is not writable.").map(|_| ())
}

/// The stream as an exact `FileIO` whose `method` nobody replaced.
pub fn plain_file(v: &Value, method: &Py<Str>) -> Option<Py<FileIo>> {
    let f = v.downcast_exact::<FileIo>()?;
    if instance::get_attribute(v, method).is_some() { None } else { Some(f.clone()) }
}

fn check(vm: &mut Vm, v: &Value, ability: &str, message: &str) -> PyResult {
    let r = vm.call_method(v, ability, &[])?;
    if r.is_static(&taipan_runtime::types::singletons::TRUE) { Ok(r) } else { Err(unsupported(vm, message)) }
}

/// Closes a stream that nobody holds any more; errors are reported, not raised. Streams in memory and pairs have nothing
/// to close.
fn finalize(vm: &mut Vm, v: &Value) {
    let def = v.class().payload.def.get();
    if def.is_some_and(|d| ["_io.BytesIO", "_io.StringIO", "_io.BufferedRWPair"].contains(&d.name)) {
        return;
    }
    let pending = vm.pending().is_some().then(|| vm.take_error());
    let open = match is_closed(vm, v) {
        Ok(closed) => !closed,
        Err(_) => {
            vm.clear_error();
            false
        }
    };
    if open {
        if vm.set_attr(v, name!("_finalizing"), &boolean(true)).is_err() {
            vm.clear_error();
        }
        if vm.call_method_named(v, name!("close"), &[]).is_err() {
            report(vm, v);
        }
    }
    if let Some(e) = pending {
        vm.set_pending(e);
    }
}

/// Reports the pending exception as one met while a stream was closed at its end.
pub fn report(vm: &mut Vm, v: &Value) {
    vm.unraisable(Some(v), Some("Exception ignored while finalizing file"));
}

fn next_line(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    let line = vm.call_method_named(v, name!("readline"), &[])?;
    Ok(if vm.len(&line)? == 0 { None } else { Some(line) })
}

fn readline(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let me = a[0].clone().unwrap_or_else(none);
    let limit = size_arg(vm, a[1].as_ref())?;
    let peek = vm.get_attr_opt(&me, name!("peek"))?;
    let mut out = Vec::new();
    while limit.is_none_or(|l| out.len() < l) {
        let mut want = 1;
        if let Some(peek) = &peek {
            let ahead = vm.call1(peek, &Value::small_unchecked(1))?;
            let Some(ahead) = ahead.downcast::<Bytes>() else {
                let got = ahead.class().payload.name();
                return Err(os_error_text(vm, &format!("peek() should have returned a bytes object, not '{got}'")));
            };
            let bytes = ahead.as_slice();
            if !bytes.is_empty() {
                want = bytes.iter().position(|&b| b == b'\n').map_or(bytes.len(), |i| i + 1);
                want = want.min(limit.map_or(usize::MAX, |l| l - out.len()));
            }
        }
        let part = vm.call_method_named(&me, name!("read"), &[Value::from_usize(want)])?;
        let Some(part) = part.downcast::<Bytes>() else {
            let got = part.class().payload.name();
            return Err(os_error_text(vm, &format!("read() should have returned a bytes object, not '{got}'")));
        };
        if part.as_slice().is_empty() {
            break;
        }
        out.extend_from_slice(part.as_slice());
        if out.last() == Some(&b'\n') {
            break;
        }
    }
    Ok(Bytes::from_slice(&out).into())
}

fn readlines(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let me = a[0].clone().unwrap_or_else(none);
    let hint = size_arg(vm, a[1].as_ref())?.filter(|&h| h > 0);
    let out = List::empty();
    let it = vm.iter(&me)?;
    let mut total = 0;
    while let Some(line) = vm.next(&it)? {
        out.push(line.clone());
        if let Some(h) = hint {
            total += vm.len(&line)?;
            if total > h {
                break;
            }
        }
    }
    Ok(out.into())
}

fn writelines(vm: &mut Vm, v: &Value, lines: &Value) -> PyResult {
    check_closed(vm, v)?;
    let it = vm.iter(lines)?;
    while let Some(line) = vm.next(&it)? {
        vm.call_method_named(v, name!("write"), &[line])?;
    }
    Ok(none())
}

fn raw_read(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let me = a[0].clone().unwrap_or_else(none);
    let size = a[1].as_ref().map_or(Ok(-1), |n| vm.to_isize(n))?;
    let Ok(n) = usize::try_from(size) else {
        return vm.call_method_named(&me, name!("readall"), &[]);
    };
    let buffer: Py<ByteArray> = ByteArray::from_slice(&vec![0; n]);
    let r = vm.call_method_named(&me, name!("readinto"), &[buffer.as_value().clone()])?;
    if r.is_none() {
        return Ok(r);
    }
    let got = vm.to_isize(&r)?;
    let data = &buffer.get(vm).data;
    if got < 0 || got as usize > data.len() {
        let len = data.len();
        return Err(vm.value_error(format!("readinto returned {got} outside buffer size {len}")));
    }
    Ok(Bytes::from_slice(&data[..got as usize]).into())
}

fn raw_readall(vm: &mut Vm, v: &Value) -> PyResult {
    let mut out = Vec::new();
    let mut any = false;
    loop {
        let part = vm.call_method_named(v, name!("read"), &[Value::from_usize(BUFFER_SIZE)])?;
        if part.is_none() {
            if !any {
                return Ok(part);
            }
            break;
        }
        let Some(b) = part.downcast::<Bytes>() else { return Err(vm.type_error("read() should return bytes")) };
        if b.as_slice().is_empty() {
            break;
        }
        any = true;
        out.extend_from_slice(b.as_slice());
    }
    Ok(Bytes::from_slice(&out).into())
}

fn read_into_by(vm: &mut Vm, v: &Value, buffer: &Value, method: &str) -> PyResult {
    let mut view = writable(vm, buffer, if method == "read" { "readinto" } else { "readinto1" })?;
    let data = vm.call_method(v, method, &[Value::from_usize(view.len)])?;
    let Some(b) = data.downcast::<Bytes>() else {
        return Err(vm.type_error(format!("{method}() should return bytes")));
    };
    let b = b.as_slice();
    if b.len() > view.len {
        let (got, len) = (b.len(), view.len);
        return Err(vm.value_error(format!("{method}() returned too much data: {len} bytes requested, {got} returned")));
    }
    view.as_mut_slice(vm)[..b.len()].copy_from_slice(b);
    Ok(Value::from_usize(b.len()))
}
