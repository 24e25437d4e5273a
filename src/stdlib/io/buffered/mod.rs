//! `BufferedReader`, `BufferedWriter` and `BufferedRandom`: a buffer around a raw stream (`Modules/_io/bufferedio.c`).
//!
//! One payload serves all three. `raw` has the calls of the raw stream, `reader` and `writer` what the two directions do.
//! A raw stream that is exactly a `FileIO` is called natively; any other by its methods. A lock per object keeps threads
//! apart while the GIL is given up inside; the same thread entering twice (a signal handler, a raw stream that calls
//! back) is an error, as in CPython.

mod lock;
mod raw;
mod reader;
mod writer;

use super::base::{BUFFERED_IO_BASE, FLAGS};
use super::fileio::{FileIo, bool_member};
use super::{bad_call, both, no_pickle, offset, optional, os_error_text, repr_by_name, unsupported};
use crate::system::int;
use lock::locked;
use taipan_runtime::name;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, Value, boolean, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// How far a buffered object has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// `__init__` has not run through.
    Blank,
    /// In use.
    Ready,
    /// `detach()` took the raw stream away.
    Detached,
}

/// Payload of the three types. Positions are offsets into `data`.
pub struct Buffered {
    raw: Option<Value>,
    state: State,
    readable: bool,
    writable: bool,
    finalizing: bool,
    /// The type is exactly one of the three and the raw stream exactly a `FileIO`.
    exact: bool,
    /// The buffer; taken out while the raw stream fills or empties it.
    data: Vec<u8>,
    size: usize,
    /// Whether the buffer was given up by `close()`.
    freed: bool,
    /// The position in the buffer.
    at: usize,
    /// The position in the buffer that the raw stream's own position stands for; negative: unknown.
    raw_at: i64,
    /// End of the bytes read ahead, when there are valid ones.
    read_end: Option<usize>,
    /// Bytes to be written, when there are any.
    dirty: Option<(usize, usize)>,
    /// The raw stream's position, if known.
    tell: Option<i64>,
    /// The thread that is inside; 0: none.
    owner: u64,
}
taipan_runtime::payload!(Buffered, BUFFERED_READER,
    traverse(self, visit) { self.raw.iter().for_each(visit) },
    clear(self) { drop(self.raw.take()); self.state = State::Blank });

impl Buffered {
    fn blank() -> Buffered {
        Buffered {
            raw: None,
            state: State::Blank,
            readable: false,
            writable: false,
            finalizing: false,
            exact: false,
            data: Vec::new(),
            size: 0,
            freed: true,
            at: 0,
            raw_at: 0,
            read_end: None,
            dirty: None,
            tell: None,
            owner: 0,
        }
    }

    /// Bytes read ahead.
    #[inline]
    fn ahead(&self) -> usize {
        match self.read_end {
            Some(end) if self.readable => end.saturating_sub(self.at),
            _ => 0,
        }
    }

    /// How far the raw stream is ahead of the position.
    #[inline]
    fn raw_offset(&self) -> i64 {
        let valid = self.readable && self.read_end.is_some() || self.writable && self.dirty.is_some();
        if valid && self.raw_at >= 0 { self.raw_at - self.at as i64 } else { 0 }
    }

    /// Sets the position; what was read reaches at least there.
    #[inline]
    fn move_to(&mut self, at: usize) {
        self.at = at;
        if let Some(end) = self.read_end.as_mut().filter(|end| self.readable && **end < at) {
            *end = at;
        }
    }
}

/// Which of the three.
#[derive(Clone, Copy)]
enum Kind {
    Reader,
    Writer,
    Random,
}

macro_rules! constructors {
    ($name:literal, $kind:expr) => {
        Slots {
            new: Some(|_, class, _| Ok(instance::new_of(class, Buffered::blank()).into())),
            init: Some(|vm, v, args| {
                static SIGNATURE: Signature = Signature::new($name, "(raw, buffer_size=DEFAULT_BUFFER_SIZE)");
                let a = args.bind(vm, &SIGNATURE)?;
                let size = match &a[1] {
                    Some(n) => vm.to_isize(n)?,
                    None => super::BUFFER_SIZE as isize,
                };
                init(vm, v, $kind, &super::arg(&a, 0), size)
            }),
            repr: Some(|vm, v| repr_by_name(vm, v, "", "")),
            ..Slots::NONE
        }
    };
}

macro_rules! forwarded {
    ($name:literal, $doc:literal) => {
        MethodDef::method(
            $name,
            "($self, /)",
            $doc,
            F1(|vm, v| {
                let raw = ready_raw(vm, v)?;
                vm.call_method_named(&raw, name!($name), &[])
            }),
        )
    };
}

const SEEKABLE: MethodDef = forwarded!("seekable", "Whether the raw stream has positions.");
const READABLE: MethodDef = forwarded!("readable", "Whether the raw stream can be read.");
const WRITABLE: MethodDef = forwarded!("writable", "Whether the raw stream can be written.");
const FILENO: MethodDef = forwarded!("fileno", "The file descriptor of the raw stream.");
const ISATTY: MethodDef = forwarded!("isatty", "Whether the raw stream is a terminal.");
const SIMPLE_FLUSH: MethodDef = forwarded!("flush", "Flush the raw stream.");
const FLUSH: MethodDef = MethodDef::method("flush", "($self, /)", "Write out what the buffer holds.", F1(flush));
const CLOSE: MethodDef = MethodDef::method("close", "($self, /)", "Flush and close the raw stream.", F1(close));
const DETACH: MethodDef = MethodDef::method("detach", "($self, /)", "Flush, and give the raw stream away.", F1(detach));
const DEALLOC_WARN: MethodDef =
    MethodDef::method("_dealloc_warn", "($self, source, /)", "Warn of a stream left open.", F2(dealloc_warn));
const SEEK: MethodDef =
    MethodDef::method("seek", "($self, target, whence=0, /)", "Set the position; give the new one.", V(seek));
const TELL: MethodDef = MethodDef::method("tell", "($self, /)", "The position.", F1(tell));
const TRUNCATE: MethodDef = MethodDef::method("truncate", "($self, pos=None, /)", "Cut the file off.", V(truncate));
const READ: MethodDef = MethodDef::method("read", "($self, size=-1, /)", "Read bytes.", V(reader::read));
const READ1: MethodDef =
    MethodDef::method("read1", "($self, size=-1, /)", "Read bytes with one raw read at most.", V(reader::read1));
const PEEK: MethodDef =
    MethodDef::method("peek", "($self, size=0, /)", "Bytes that come next, left in place.", V(reader::peek));
const READINTO: MethodDef =
    MethodDef::method("readinto", "($self, buffer, /)", "Read into a buffer.", F2(reader::readinto));
const READINTO1: MethodDef =
    MethodDef::method("readinto1", "($self, buffer, /)", "Read into a buffer, once.", F2(reader::readinto1));
const READLINE: MethodDef =
    MethodDef::method("readline", "($self, size=-1, /)", "Read a line.", V(reader::readline_method));
const WRITE: MethodDef = MethodDef::method("write", "($self, buffer, /)", "Write bytes.", F2(writer::write));
const SIZEOF: MethodDef = MethodDef::method("__sizeof__", "($self, /)", "Size in memory, in bytes.", F1(size_of));
const GETSTATE: MethodDef =
    MethodDef::method("__getstate__", "($self, /)", "Streams cannot be pickled.", F1(no_pickle));

static ATTRIBUTES: [GetSetDef; 5] = [
    GetSetDef::member("raw", "The raw stream.", |vm, v| Ok(this(v).get(vm).raw.clone().unwrap_or_else(none))),
    GetSetDef {
        name: "_finalizing",
        doc: "Whether the stream is closed because nobody holds it.",
        get: |vm, v| Ok(boolean(this(v).get(vm).finalizing)),
        set: Some(|vm, v, on| {
            let on = bool_member(vm, on)?;
            this(v).get_mut(vm).finalizing = on;
            Ok(())
        }),
        member: true,
    },
    GetSetDef::get("closed", "Whether the raw stream is closed.", |vm, v| {
        let raw = ready_raw(vm, v)?;
        vm.get_attr(&raw, name!("closed"))
    }),
    GetSetDef::get("name", "The raw stream's name.", |vm, v| {
        let raw = ready_raw(vm, v)?;
        vm.get_attr(&raw, name!("name"))
    }),
    GetSetDef::get("mode", "The raw stream's mode.", |vm, v| {
        let raw = ready_raw(vm, v)?;
        vm.get_attr(&raw, name!("mode"))
    }),
];

/// `_io.BufferedReader`
pub static BUFFERED_READER: TypeDef = TypeDef::new::<Buffered>("_io.BufferedReader")
    .doc("A buffer for a raw stream that can be read.")
    .signature("(raw, buffer_size=DEFAULT_BUFFER_SIZE)")
    .base(&BUFFERED_IO_BASE)
    .flags(FLAGS)
    .cpython_size(152, 0)
    .slots(Slots { next: Some(reader::next), ..constructors!("BufferedReader", Kind::Reader) })
    .getset(&ATTRIBUTES)
    .methods(&[
        DETACH,
        SIMPLE_FLUSH,
        CLOSE,
        SEEKABLE,
        READABLE,
        FILENO,
        ISATTY,
        DEALLOC_WARN,
        READ,
        PEEK,
        READ1,
        READINTO,
        READINTO1,
        READLINE,
        SEEK,
        TELL,
        TRUNCATE,
        SIZEOF,
        GETSTATE,
    ]);

/// `_io.BufferedWriter`
pub static BUFFERED_WRITER: TypeDef = TypeDef::new::<Buffered>("_io.BufferedWriter")
    .doc("A buffer for a raw stream that can be written.")
    .signature("(raw, buffer_size=DEFAULT_BUFFER_SIZE)")
    .base(&BUFFERED_IO_BASE)
    .flags(FLAGS)
    .cpython_size(152, 0)
    .slots(constructors!("BufferedWriter", Kind::Writer))
    .getset(&ATTRIBUTES)
    .methods(&[
        CLOSE,
        DETACH,
        SEEKABLE,
        WRITABLE,
        FILENO,
        ISATTY,
        DEALLOC_WARN,
        WRITE,
        TRUNCATE,
        FLUSH,
        SEEK,
        TELL,
        SIZEOF,
        GETSTATE,
    ]);

/// `_io.BufferedRandom`
pub static BUFFERED_RANDOM: TypeDef = TypeDef::new::<Buffered>("_io.BufferedRandom")
    .doc("A buffer for a raw stream that can be read, written and positioned.")
    .signature("(raw, buffer_size=DEFAULT_BUFFER_SIZE)")
    .base(&BUFFERED_IO_BASE)
    .flags(FLAGS)
    .cpython_size(152, 0)
    .slots(Slots { next: Some(reader::next), ..constructors!("BufferedRandom", Kind::Random) })
    .getset(&ATTRIBUTES)
    .methods(&[
        CLOSE,
        DETACH,
        SEEKABLE,
        READABLE,
        WRITABLE,
        FILENO,
        ISATTY,
        DEALLOC_WARN,
        FLUSH,
        SEEK,
        TELL,
        TRUNCATE,
        READ,
        READ1,
        READINTO,
        READINTO1,
        READLINE,
        PEEK,
        WRITE,
        SIZEOF,
        GETSTATE,
    ]);

// ---- making ---------------------------------------------------------------------------------------------------------

/// Which of the three types a stream for these directions has.
fn init(vm: &mut Vm, v: &Value, kind: Kind, raw: &Value, size: isize) -> PyResult<()> {
    let me = this(v);
    me.get_mut(vm).state = State::Blank;
    if matches!(kind, Kind::Random) {
        super::base::demand_seekable(vm, raw)?;
    }
    let (readable, writable) = match kind {
        Kind::Reader => (true, false),
        Kind::Writer => (false, true),
        Kind::Random => (true, true),
    };
    if readable {
        super::base::demand_readable(vm, raw)?;
    }
    if writable {
        super::base::demand_writable(vm, raw)?;
    }
    if size <= 0 {
        return Err(vm.value_error("buffer size must be strictly positive"));
    }
    let data = super::zeroed(vm, size as usize)?;
    let exact = v.class().payload.def.get().is_some() && raw.downcast_exact::<FileIo>().is_some();
    let owner = me.get(vm).owner;
    let blank = Buffered {
        raw: Some(raw.clone()),
        state: State::Blank,
        readable,
        writable,
        exact,
        data,
        size: size as usize,
        freed: false,
        owner,
        ..Buffered::blank()
    };
    let old = std::mem::replace(me.get_mut(vm), blank);
    drop(old);
    // The position is only good to know.
    if raw::tell(vm, me).is_err() {
        vm.clear_error();
    }
    me.get_mut(vm).state = State::Ready;
    Ok(())
}

/// Whether the stream is one of exactly these types over exactly a `FileIO`, and open: no Python code can say otherwise.
#[inline]
pub fn is_plainly_open(vm: &Vm, v: &Value) -> bool {
    let Some(b) = v.downcast::<Buffered>().map(|b| b.get(vm)) else { return false };
    if !b.exact || b.freed || !matches!(b.state, State::Ready) {
        return false;
    }
    b.raw.as_ref().and_then(|r| r.downcast_exact::<FileIo>()).is_some_and(|f| f.get(vm).fd >= 0)
}

/// Makes the buffered stream around an open file.
pub fn open(vm: &mut Vm, raw: &Py<FileIo>, size: isize) -> PyResult {
    let (readable, writable) = (raw.get(vm).readable, raw.get(vm).writable);
    let (def, kind) = match (readable, writable) {
        (true, true) => (&BUFFERED_RANDOM, Kind::Random),
        (false, true) => (&BUFFERED_WRITER, Kind::Writer),
        _ => (&BUFFERED_READER, Kind::Reader),
    };
    let v: Value = instance::new_of(&def.class(), Buffered::blank()).into();
    init(vm, &v, kind, raw.as_value(), size)?;
    Ok(v)
}

// ---- checks ---------------------------------------------------------------------------------------------------------

fn this(v: &Value) -> &Py<Buffered> {
    v.downcast::<Buffered>().expect("a method of a buffered stream is called on one")
}

/// The stream, once it was made and before it was detached.
#[inline]
fn ready<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<Buffered>> {
    let me = this(v);
    match me.get(vm).state {
        State::Ready => Ok(me),
        State::Detached => Err(vm.value_error("raw stream has been detached")),
        State::Blank => Err(vm.value_error("I/O operation on uninitialized object")),
    }
}

/// The raw stream of a stream in use.
fn ready_raw(vm: &mut Vm, v: &Value) -> PyResult {
    let me = ready(vm, v)?;
    Ok(me.get(vm).raw.clone().unwrap_or_else(none))
}

/// Whether the stream is closed.
#[inline]
fn is_closed(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<bool> {
    let b = me.get(vm);
    if b.freed {
        return Ok(true);
    }
    if b.exact {
        if let Some(f) = b.raw.as_ref().and_then(|r| r.downcast_exact::<FileIo>()) {
            return Ok(f.get(vm).fd < 0);
        }
    }
    raw_closed(vm, me)
}

fn raw_closed(vm: &mut Vm, me: &Py<Buffered>) -> PyResult<bool> {
    let raw = ready_raw(vm, me.as_value())?;
    let closed = vm.get_attr(&raw, name!("closed"))?;
    vm.truth(&closed)
}

/// Refuses a closed stream that has nothing read ahead.
#[inline]
fn refuse_closed(vm: &mut Vm, me: &Py<Buffered>, message: &str) -> PyResult<()> {
    if is_closed(vm, me)? && me.get(vm).ahead() == 0 { Err(vm.value_error(message)) } else { Ok(()) }
}

// ---- what all do ----------------------------------------------------------------------------------------------------

fn dealloc_warn(vm: &mut Vm, v: &Value, source: &Value) -> PyResult {
    let me = this(v);
    if me.get(vm).state == State::Ready {
        if let Some(raw) = me.get(vm).raw.clone() {
            if vm.call_method_named(&raw, name!("_dealloc_warn"), std::slice::from_ref(source)).is_err() {
                vm.clear_error();
            }
        }
    }
    Ok(none())
}

fn flush(vm: &mut Vm, v: &Value) -> PyResult {
    let me = ready(vm, v)?;
    refuse_closed(vm, me, "flush of closed file")?;
    locked(vm, me, |vm| writer::flush_and_rewind(vm, me))?;
    Ok(none())
}

fn close(vm: &mut Vm, v: &Value) -> PyResult {
    let me = ready(vm, v)?;
    let closed = locked(vm, me, |vm| {
        let closed = raw_closed(vm, me)?;
        if !closed && me.get(vm).finalizing {
            dealloc_warn(vm, v, v)?;
        }
        Ok(closed)
    })?;
    if closed {
        return Ok(none());
    }
    // flush() takes the lock itself.
    let flushed = vm.call_method_named(v, name!("flush"), &[]);
    let out = lock::enter(vm, me);
    if out.is_err() {
        return out.map(|()| none());
    }
    let raw = me.get(vm).raw.clone().unwrap_or_else(none);
    let r = both(vm, flushed, |vm| vm.call_method_named(&raw, name!("close"), &[]));
    let b = me.get_mut(vm);
    (b.data, b.freed, b.read_end, b.at) = (Vec::new(), true, Some(0), 0);
    lock::leave(vm, me);
    r
}

fn detach(vm: &mut Vm, v: &Value) -> PyResult {
    ready(vm, v)?;
    vm.call_method_named(v, name!("flush"), &[])?;
    let b = this(v).get_mut(vm);
    let raw = b.raw.take();
    b.state = State::Detached;
    Ok(raw.unwrap_or_else(none))
}

fn tell(vm: &mut Vm, v: &Value) -> PyResult {
    let me = ready(vm, v)?;
    let raw = raw::tell(vm, me)?;
    Ok(int((raw - me.get(vm).raw_offset()).max(0)))
}

fn seek(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let all = a.pos();
    if a.has_keywords() || !(2..=3).contains(&all.len()) {
        return Err(bad_call(vm, a, "seek", 1, 2));
    }
    let whence = all.get(2).map_or(Ok(0), |w| vm.to_i32(w))?;
    let me = ready(vm, &all[0])?;
    if !(0..=4).contains(&whence) {
        return Err(vm.value_error(format!("whence value {whence} unsupported")));
    }
    refuse_closed(vm, me, "seek of closed file")?;
    let raw = me.get(vm).raw.clone().unwrap_or_else(none);
    super::base::demand_seekable(vm, &raw)?;
    let target = offset(vm, &all[1])?;
    if whence <= libc::SEEK_CUR && me.get(vm).readable {
        // A target among the bytes read ahead (or read and still there) moves no more than the position.
        let current = match me.get(vm).tell {
            Some(t) => t,
            None => raw::tell(vm, me)?,
        };
        let b = me.get_mut(vm);
        let n = b.ahead() as i64;
        if n > 0 {
            let here = current - b.raw_offset();
            let by = if whence == libc::SEEK_SET { target.wrapping_sub(here) } else { target };
            if by >= -(b.at as i64) && by <= n {
                b.at = (b.at as i64 + by) as usize;
                // A raw stream may stay where it is, whatever it is told.
                return Ok(int((here + by).max(0)));
            }
        }
    }
    locked(vm, me, |vm| {
        if me.get(vm).writable {
            writer::flush(vm, me)?;
        }
        let target = if whence == libc::SEEK_CUR { target - me.get(vm).raw_offset() } else { target };
        let n = raw::seek(vm, me, target, whence)?;
        let b = me.get_mut(vm);
        b.raw_at = -1;
        if b.readable {
            b.read_end = None;
        }
        Ok(int(n))
    })
}

fn truncate(vm: &mut Vm, a: &Args<'_>) -> PyResult {
    let (v, size) = optional(vm, a, "truncate")?;
    let size = size.cloned().unwrap_or_else(none);
    let me = ready(vm, v)?;
    refuse_closed(vm, me, "truncate of closed file")?;
    if !me.get(vm).writable {
        return Err(unsupported(vm, "truncate"));
    }
    locked(vm, me, |vm| {
        writer::flush_and_rewind(vm, me)?;
        let raw = me.get(vm).raw.clone().unwrap_or_else(none);
        let r = vm.call_method_named(&raw, name!("truncate"), &[size])?;
        if raw::tell(vm, me).is_err() {
            vm.clear_error();
        }
        Ok(r)
    })
}

fn size_of(vm: &mut Vm, v: &Value) -> PyResult {
    let b = this(v).get(vm);
    Ok(Value::from_usize(152 + if b.freed { 0 } else { b.size }))
}
