//! `BytesIO`: a stream of bytes in memory (`Modules/_io/bytesio.c`).
//!
//! The bytes lie in a `bytes` object while nobody changes them, so that making a stream and taking its value copies
//! nothing; the first change moves them to a bytearray, whose count of exported views also guards `getbuffer()`.

use super::base::{BUFFERED_IO_BASE, FLAGS};
use super::{CLOSED, Source, bad_call, optional, size_arg, writable};
use std::cell::RefCell;
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{
    Frozen, GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none,
};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::memoryview;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Where the bytes are.
enum Store {
    /// The stream is closed.
    Closed,
    /// Nobody has changed them.
    Shared(Py<Bytes>),
    /// They are the stream's own.
    Own(Py<ByteArray>),
}

/// Payload of `BytesIO`.
pub struct BytesIo {
    store: Store,
    /// Position, in bytes; may lie behind the end.
    at: usize,
}
taipan_runtime::payload!(BytesIo, BYTES_IO,
    traverse(self, visit) {
        match &self.store {
            Store::Closed => {}
            Store::Shared(b) => visit(b.as_value()),
            Store::Own(b) => visit(b.as_value()),
        }
    },
    clear(self) {});

impl BytesIo {
    fn empty() -> BytesIo {
        BytesIo { store: Store::Shared(Bytes::from_slice(b"")), at: 0 }
    }
}

/// `_io.BytesIO`
pub static BYTES_IO: TypeDef = TypeDef::new::<BytesIo>("_io.BytesIO")
    .doc("A stream of bytes in memory.")
    .signature("(initial_bytes=b'')")
    .base(&BUFFERED_IO_BASE)
    .flags(FLAGS)
    .cpython_size(64, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(instance::new_of(class, BytesIo::empty()).into())),
        init: Some(init),
        iter: Some(|_, v| Ok(v.clone())),
        next: Some(|vm, v| {
            check(vm, v)?;
            let line = take_line(vm, v, None);
            Ok(if line.is_empty_bytes() { None } else { Some(line) })
        }),
        ..Slots::NONE
    })
    .getset(&[GetSetDef::get("closed", "True if the file is closed.", |vm, v| {
        Ok(boolean(matches!(this(v).get(vm).store, Store::Closed)))
    })])
    .methods(&[
        MethodDef::method("readable", "($self, /)", "Whether it can be read.", F1(yes)),
        MethodDef::method("seekable", "($self, /)", "Whether it has positions.", F1(yes)),
        MethodDef::method("writable", "($self, /)", "Whether it can be written.", F1(yes)),
        MethodDef::method("close", "($self, /)", "Give up the bytes.", F1(close)),
        MethodDef::method("flush", "($self, /)", "Nothing.", F1(|vm, v| check(vm, v).map(|()| none()))),
        MethodDef::method("isatty", "($self, /)", "False.", F1(|vm, v| check(vm, v).map(|()| boolean(false)))),
        MethodDef::method(
            "tell",
            "($self, /)",
            "The position.",
            F1(|vm, v| {
                check(vm, v)?;
                Ok(Value::from_usize(this(v).get(vm).at))
            }),
        ),
        MethodDef::method(
            "write",
            "($self, b, /)",
            "Write; give the number of bytes.",
            F2(|vm, v, b| write(vm, v, b).map(Value::from_usize)),
        ),
        MethodDef::method("writelines", "($self, lines, /)", "Write lines.", F2(writelines)),
        MethodDef::method("read1", "($self, size=-1, /)", "Read at most size bytes.", V(|vm, a| read(vm, a, "read1"))),
        MethodDef::method("readinto", "($self, buffer, /)", "Read into a buffer.", F2(readinto)),
        MethodDef::method(
            "readline",
            "($self, size=-1, /)",
            "Read a line.",
            V(|vm, a| {
                let (me, limit) = optional(vm, a, "readline")?;
                let limit = size_arg(vm, limit)?;
                check(vm, me)?;
                Ok(take_line(vm, me, limit))
            }),
        ),
        MethodDef::method(
            "readlines",
            "($self, size=None, /)",
            "Read lines, of so many bytes or a few more.",
            V(readlines),
        ),
        MethodDef::method("read", "($self, size=-1, /)", "Read at most size bytes.", V(|vm, a| read(vm, a, "read"))),
        MethodDef::method("getbuffer", "($self, /)", "A view of the bytes that can write them.", F1(getbuffer)),
        MethodDef::method("getvalue", "($self, /)", "All bytes.", F1(getvalue)),
        MethodDef::method("seek", "($self, pos, whence=0, /)", "Set the position; give the new one.", V(seek)),
        MethodDef::method("truncate", "($self, size=None, /)", "Cut the bytes off.", V(truncate)),
        MethodDef::method("__getstate__", "($self, /)", "Bytes, position, attributes.", F1(getstate)),
        MethodDef::method("__setstate__", "($self, state, /)", "Take over what __getstate__ gave.", F2(setstate)),
        MethodDef::method(
            "__sizeof__",
            "($self, /)",
            "Size in memory, in bytes.",
            F1(|vm, v| {
                let held = match &this(v).get(vm).store {
                    Store::Closed => 0,
                    Store::Shared(b) => 33 + b.as_slice().len(),
                    Store::Own(b) => 33 + b.get(vm).data.capacity(),
                };
                Ok(Value::from_usize(64 + held))
            }),
        ),
    ]);

trait IsEmpty {
    fn is_empty_bytes(&self) -> bool;
}
impl IsEmpty for Value {
    fn is_empty_bytes(&self) -> bool {
        self.downcast::<Bytes>().is_some_and(|b| b.as_slice().is_empty())
    }
}

fn this(v: &Value) -> &Py<BytesIo> {
    v.downcast::<BytesIo>().expect("a method of BytesIO is called on one")
}

/// Refuses a closed stream.
#[inline]
fn check(vm: &mut Vm, v: &Value) -> PyResult<()> {
    match this(v).get(vm).store {
        Store::Closed => Err(vm.value_error(CLOSED)),
        _ => Ok(()),
    }
}

/// Refuses a change of the size while there are views.
#[inline]
fn check_exports(vm: &mut Vm, v: &Value) -> PyResult<()> {
    match &this(v).get(vm).store {
        Store::Own(b) if b.get(vm).exports > 0 => {
            Err(vm.buffer_error("Existing exports of data: object cannot be re-sized"))
        }
        _ => Ok(()),
    }
}

/// All bytes; none when closed.
#[inline]
fn data<'a>(vm: &'a Vm, me: &'a Py<BytesIo>) -> &'a [u8] {
    match &me.get(vm).store {
        Store::Closed => &[],
        Store::Shared(b) => b.as_slice(),
        Store::Own(b) => &b.get(vm).data,
    }
}

/// The bytes as the stream's own.
fn own(vm: &mut Vm, me: &Py<BytesIo>) -> Py<ByteArray> {
    if let Store::Own(b) = &me.get(vm).store {
        return b.clone();
    }
    let b = ByteArray::from_slice(data(vm, me));
    let old = std::mem::replace(&mut me.get_mut(vm).store, Store::Own(b.clone()));
    drop(old);
    b
}

fn yes(vm: &mut Vm, v: &Value) -> PyResult {
    check(vm, v).map(|()| boolean(true))
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    static SIGNATURE: Signature = Signature::new("BytesIO", "(initial_bytes=b'')");
    let a = args.bind(vm, &SIGNATURE)?;
    check_exports(vm, v)?;
    let me = this(v);
    let old = std::mem::replace(me.get_mut(vm), BytesIo::empty());
    drop(old);
    match a[0].as_ref().filter(|i| !i.is_none()) {
        None => {}
        Some(i) => {
            if let Some(b) = i.downcast_exact::<Bytes>() {
                let old = std::mem::replace(&mut me.get_mut(vm).store, Store::Shared(b.clone()));
                drop(old);
            } else {
                write(vm, v, i)?;
                me.get_mut(vm).at = 0;
            }
        }
    }
    Ok(())
}

fn close(vm: &mut Vm, v: &Value) -> PyResult {
    check_exports(vm, v)?;
    let old = std::mem::replace(&mut this(v).get_mut(vm).store, Store::Closed);
    drop(old);
    Ok(none())
}

// ---- reading --------------------------------------------------------------------------------------------------------

/// The next `len` bytes, which must be there.
fn take(vm: &mut Vm, me: &Py<BytesIo>, len: usize) -> Value {
    let at = me.get(vm).at;
    if at == 0 && len > 1 {
        if let Store::Shared(b) = &me.get(vm).store {
            if b.as_slice().len() == len {
                let all = b.clone();
                me.get_mut(vm).at = len;
                return all.into();
            }
        }
    }
    if len == 0 {
        return Bytes::from_slice(b"").into();
    }
    let out = Bytes::from_slice(&data(vm, me)[at..at + len]);
    me.get_mut(vm).at = at + len;
    out.into()
}

fn left(vm: &Vm, me: &Py<BytesIo>) -> usize {
    data(vm, me).len().saturating_sub(me.get(vm).at)
}

fn read(vm: &mut Vm, a: &Args<'_>, name: &str) -> PyResult {
    let (v, size) = optional(vm, a, name)?;
    let size = size_arg(vm, size)?;
    check(vm, v)?;
    let me = this(v);
    let n = left(vm, me).min(size.unwrap_or(usize::MAX));
    Ok(take(vm, me, n))
}

/// The next line, or as much of it as the limit allows.
fn take_line(vm: &mut Vm, v: &Value, limit: Option<usize>) -> Value {
    let me = this(v);
    let n = left(vm, me);
    let at = me.get(vm).at;
    let n = if n == 0 {
        0
    } else {
        let rest = &data(vm, me)[at..];
        let rest = &rest[..limit.map_or(n, |l| l.min(n))];
        memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1)
    };
    take(vm, me, n)
}

fn readlines(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let (v, size) = optional(vm, a, "readlines")?;
    check(vm, v)?;
    let most = match size.filter(|s| !s.is_none()) {
        None => 0,
        Some(s) if Int::read(s).is_some() => vm.to_isize(s)?,
        Some(s) => {
            let got = s.class().payload.name();
            return Err(vm.type_error(format!("integer argument expected, got '{got}'")));
        }
    };
    let out = List::empty();
    let mut total = 0;
    loop {
        let line = take_line(vm, v, None);
        let Some(n) = line.downcast::<Bytes>().map(|b| b.as_slice().len()).filter(|&n| n > 0) else { break };
        out.push(line);
        total += n as isize;
        if most > 0 && total >= most {
            break;
        }
    }
    Ok(out.into())
}

fn readinto(vm: &mut Vm, v: &Value, buffer: &Value) -> PyResult {
    let mut view = writable(vm, buffer, "readinto")?;
    check(vm, v)?;
    let me = this(v);
    let n = left(vm, me).min(view.len);
    let at = me.get(vm).at;
    if n > 0 {
        // The view may lie in the very bytes of this stream: a copy in between.
        let part = data(vm, me)[at..at + n].to_vec();
        view.as_mut_slice(vm)[..n].copy_from_slice(&part);
        me.get_mut(vm).at = at + n;
    }
    Ok(Value::from_usize(n))
}

fn getvalue(vm: &mut Vm, v: &Value) -> PyResult {
    check(vm, v)?;
    let me = this(v);
    let bytes = match &me.get(vm).store {
        Store::Shared(b) => return Ok(b.clone().into()),
        Store::Closed => return Err(vm.value_error(CLOSED)),
        Store::Own(b) => b.clone(),
    };
    let value = Bytes::from_slice(&bytes.get(vm).data);
    if bytes.get(vm).exports == 0 {
        let old = std::mem::replace(&mut me.get_mut(vm).store, Store::Shared(value.clone()));
        drop(old);
    }
    Ok(value.into())
}

// ---- writing --------------------------------------------------------------------------------------------------------

fn write(vm: &mut Vm, v: &Value, b: &Value) -> PyResult<usize> {
    check(vm, v)?;
    check_exports(vm, v)?;
    let source = Source::of(vm, b)?;
    // Asking for the bytes may have run Python code that closed the stream or made a view of it.
    check(vm, v)?;
    check_exports(vm, v)?;
    let n = source.len();
    if n == 0 {
        return Ok(0);
    }
    let me = this(v);
    let at = me.get(vm).at;
    if at > isize::MAX as usize - n {
        return Err(vm.overflow_error("new position too large"));
    }
    if at + n > 1 << 40 {
        return Err(vm.memory_error(""));
    }
    let array = own(vm, me);
    let bytes = &mut array.get_mut(vm).data;
    if at == bytes.len() {
        bytes.extend_from_slice(&source);
    } else {
        if at + n > bytes.len() {
            bytes.resize(at + n, 0);
        }
        bytes[at..at + n].copy_from_slice(&source);
    }
    me.get_mut(vm).at = at + n;
    Ok(n)
}

fn writelines(vm: &mut Vm, v: &Value, lines: &Value) -> PyResult {
    check(vm, v)?;
    let it = vm.iter(lines)?;
    while let Some(line) = vm.next(&it)? {
        write(vm, v, &line)?;
    }
    Ok(none())
}

fn truncate(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let (v, size) = optional(vm, a, "truncate")?;
    check(vm, v)?;
    check_exports(vm, v)?;
    let size = match size.filter(|s| !s.is_none()) {
        None => this(v).get(vm).at as i64,
        Some(s) => size_of(vm, s)?,
    };
    let Ok(n) = usize::try_from(size) else {
        return Err(vm.value_error(format!("negative size value {size}")));
    };
    // The size's __index__ may have closed the stream or made a view of it.
    check(vm, v)?;
    check_exports(vm, v)?;
    if n < data(vm, this(v)).len() {
        let array = own(vm, this(v));
        array.get_mut(vm).data.resize(n, 0);
    }
    Ok(Int::from_i64(size))
}

/// An integer argument as a C `Py_ssize_t`.
fn size_of(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let r = vm.to_isize(v);
    super::fitting(
        vm,
        r,
        &taipan_runtime::types::exceptions::OVERFLOW_ERROR,
        "Python int too large to convert to C ssize_t",
    )
    .map(|n| n as i64)
}

fn seek(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let all = a.pos();
    if a.has_keywords() || !(2..=3).contains(&all.len()) {
        return Err(bad_call(vm, a, "seek", 1, 2));
    }
    let (v, pos) = (&all[0], size_of(vm, &all[1])?);
    let whence = all.get(2).map_or(Ok(0), |w| vm.to_i32(w))?;
    check(vm, v)?;
    let me = this(v);
    let from = match whence {
        0 if pos < 0 => return Err(vm.value_error(format!("negative seek value {pos}"))),
        0 => 0,
        1 => me.get(vm).at,
        2 => data(vm, me).len(),
        _ => return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    };
    let Some(to) = pos.checked_add(from as i64) else { return Err(vm.overflow_error("new position too large")) };
    let to = to.max(0);
    me.get_mut(vm).at = to as usize;
    Ok(Int::from_i64(to))
}

// ---- state ----------------------------------------------------------------------------------------------------------

fn getstate(vm: &mut Vm, v: &Value) -> PyResult {
    let value = getvalue(vm, v)?;
    let at = Int::from_i64(this(v).get(vm).at as i64);
    let attributes = instance::attributes(v);
    let dict = if attributes.is_empty() {
        none()
    } else {
        let d = Dict::new_object();
        for (key, value) in attributes {
            d.set_item(vm, &key, value)?;
        }
        d.into()
    };
    Ok(Tuple::from_vec(vec![value, at, dict]).into())
}

fn setstate(vm: &mut Vm, v: &Value, state: &Value) -> PyResult {
    let Some(items) = state.downcast::<Tuple>().map(|t| t.items().to_vec()).filter(|t| t.len() >= 3) else {
        let (class, got) = (v.class().payload.name(), state.class().payload.name());
        return Err(vm.type_error(format!("{class}.__setstate__ argument should be 3-tuple, got {got}")));
    };
    check_exports(vm, v)?;
    check(vm, v)?;
    let old = std::mem::replace(this(v).get_mut(vm), BytesIo::empty());
    drop(old);
    write(vm, v, &items[0])?;
    if Int::read(&items[1]).is_none() {
        let got = items[1].class().payload.name();
        return Err(vm.type_error(format!("second item of state must be an integer, not {got}")));
    }
    let at = size_of(vm, &items[1])?;
    let Ok(at) = usize::try_from(at) else { return Err(vm.value_error("position value cannot be negative")) };
    this(v).get_mut(vm).at = at;
    if !items[2].is_none() {
        if items[2].downcast::<Dict>().is_none() {
            let got = items[2].class().payload.name();
            return Err(vm.type_error(format!("third item of state should be a dict, got a {got}")));
        }
        let own = vm.get_attr_text(v, "__dict__")?;
        vm.call_method(&own, "update", &[items[2].clone()])?;
    }
    Ok(none())
}

// ---- getbuffer ------------------------------------------------------------------------------------------------------

/// Payload of `_BytesIOBuffer`, the owner of the views that `getbuffer()` gives.
pub struct BytesIoBuffer {
    stream: Py<BytesIo>,
    /// The exports of the stream's bytes, one for each view of this object.
    held: RefCell<Vec<Buffer>>,
}
taipan_runtime::payload!(BytesIoBuffer, BYTES_IO_BUFFER,
    traverse(self, visit) {
        visit(self.stream.as_value());
        self.held.borrow().iter().for_each(|b| visit(&b.owner));
    },
    clear(self) {});
impl Frozen for BytesIoBuffer {}

/// `_io._BytesIOBuffer`
pub static BYTES_IO_BUFFER: TypeDef = TypeDef::new::<BytesIoBuffer>("_io._BytesIOBuffer")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(24, 0)
    .slots(Slots { buffer: Some(export), ..Slots::NONE });

fn getbuffer(vm: &mut Vm, v: &Value) -> PyResult {
    check(vm, v)?;
    let b: Value = instance::new(BytesIoBuffer { stream: this(v).clone(), held: RefCell::default() }).into();
    memoryview::from_object(vm, &b, BufferRequest::WRITE)
}

fn export(vm: &mut Vm, v: &Value, request: BufferRequest) -> PyResult<Buffer> {
    let me = v.downcast::<BytesIoBuffer>().expect("the slot of _BytesIOBuffer is called on one");
    check(vm, me.stream.as_value())?;
    let array = own(vm, &me.stream);
    let view = vm.buffer(array.as_value(), request)?;
    let out = Buffer {
        ptr: view.ptr,
        len: view.len,
        readonly: view.readonly,
        itemsize: view.itemsize,
        format: view.format.clone(),
        shape: view.shape.clone(),
        strides: view.strides.clone(),
        owner: v.clone(),
        on_release: Some(|owner| {
            if let Some(b) = owner.downcast::<BytesIoBuffer>() {
                let last = b.held.borrow_mut().pop();
                drop(last);
            }
        }),
    };
    me.held.borrow_mut().push(view);
    Ok(out)
}
