//! `TextIOWrapper`: text over a binary stream (`Modules/_io/textio.c`). This file has its state, its construction and its
//! attributes; `reading`, `writing` and `position` do the work.

use super::decoder::{self, Decoder};
use super::encoder::{self, Encoder};
use super::newline::Newlines;
use super::{Newline, position, reading, text_argument, writing};
use crate::io::base::{FLAGS, TEXT_IO_BASE, check_closed};
use crate::io::buffered::is_plainly_open;
use crate::io::{arg, flag, unsupported};
use taipan_runtime::builtins::sys::config::config;
use taipan_runtime::name;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, Value, boolean, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::codecs::registry;
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::typeobject::short_name;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Where a stream is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// `__init__` did not run to its end.
    Blank,
    /// There is a buffer.
    Attached,
    /// `detach()` gave the buffer away.
    Detached,
}

/// A place in the bytes that were read where the decoder had nothing left over, and what followed: `tell()` starts there.
pub struct Snapshot {
    /// Flags of the decoder at the place.
    pub flags: u64,
    /// The bytes given to the decoder since.
    pub next: Py<Bytes>,
}

/// Payload of `TextIOWrapper`.
pub struct TextIo {
    life: Life,
    buffer: Option<Value>,
    encoding: Option<Py<Str>>,
    errors: Option<Py<Str>>,
    /// Absent: the buffer is not writable.
    pub(super) encoder: Option<Encoder>,
    /// Absent: the buffer is not readable.
    pub(super) decoder: Option<Decoder>,
    pub(super) newline: Newline,
    /// Bytes to ask the buffer for at once, and to gather before they are written.
    pub(super) chunk: usize,
    pub(super) line_buffering: bool,
    pub(super) write_through: bool,
    pub(super) seekable: bool,
    pub(super) has_read1: bool,
    /// Whether `tell()` works: not while iterating.
    pub(super) telling: bool,
    finalizing: bool,
    /// Nothing was written yet, and the position is the start: a byte order mark belongs here.
    pub(super) start_of_stream: bool,
    /// What was decoded, and how much of it was given out.
    pub(super) decoded: Option<Py<Str>>,
    pub(super) used: usize,
    /// Encoded bytes that wait to be written.
    pub(super) pending: Vec<u8>,
    pub(super) snapshot: Option<Snapshot>,
    /// Bytes for a character in the last chunk.
    pub(super) ratio: f64,
}

taipan_runtime::payload!(TextIo, TEXT_IO_WRAPPER,
    traverse(self, visit) {
        self.buffer.iter().for_each(&mut *visit);
        self.encoder.iter().filter_map(Encoder::object).for_each(&mut *visit);
        self.decoder.iter().filter_map(Decoder::object).for_each(&mut *visit);
        for text in [&self.encoding, &self.errors, &self.decoded].into_iter().flatten() {
            visit(text.as_value());
        }
        self.snapshot.iter().for_each(|s| visit(s.next.as_value()));
    },
    clear(self) {
        (self.buffer, self.encoder, self.decoder) = (None, None, None);
        self.life = Life::Blank;
    }
);

impl TextIo {
    const BLANK: TextIo = TextIo {
        life: Life::Blank,
        buffer: None,
        encoding: None,
        errors: None,
        encoder: None,
        decoder: None,
        newline: Newline::Translated,
        chunk: 8192,
        line_buffering: false,
        write_through: false,
        seekable: false,
        has_read1: false,
        telling: false,
        finalizing: false,
        start_of_stream: false,
        decoded: None,
        used: 0,
        pending: Vec::new(),
        snapshot: None,
        ratio: 0.0,
    };

    /// The name of the error handler.
    pub(super) fn errors_text(&self) -> String {
        self.errors.as_ref().map_or("strict".to_owned(), |e| e.to_rust().into_owned())
    }
}

/// `_io.TextIOWrapper`
pub static TEXT_IO_WRAPPER: TypeDef = TypeDef::new::<TextIo>("_io.TextIOWrapper")
    .doc("Character and line based text over a buffered binary stream.")
    .signature("(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)")
    .base(&TEXT_IO_BASE)
    .flags(FLAGS)
    .cpython_size(200, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(instance::new_of(class, TextIo::BLANK).into())),
        init: Some(init),
        repr: Some(repr),
        next: Some(reading::next_line),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("detach", "($self, /)", "Separate the buffer from the stream and give it.", F1(detach)),
        MethodDef::method(
            "reconfigure",
            "($self, /, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None)",
            "Set the stream up anew; flushes it.",
            N(reconfigure),
        ),
        MethodDef::method(
            "write",
            "($self, text, /)",
            "Write text; give its number of characters.",
            F2(writing::write),
        ),
        MethodDef::method("read", "($self, size=-1, /)", "Read at most size characters.", N(reading::read)),
        MethodDef::method(
            "readline",
            "($self, size=-1, /)",
            "Read until a line ending or the end.",
            N(reading::read_line),
        ),
        MethodDef::method("flush", "($self, /)", "Hand on what was written.", F1(flush)),
        MethodDef::method("close", "($self, /)", "Flush, and close the buffer.", F1(close)),
        MethodDef::method(
            "fileno",
            "($self, /)",
            "The file descriptor.",
            F1(|vm, v| of_buffer(vm, v, name!("fileno"))),
        ),
        MethodDef::method(
            "seekable",
            "($self, /)",
            "Whether it has positions.",
            F1(|vm, v| of_buffer(vm, v, name!("seekable"))),
        ),
        MethodDef::method(
            "readable",
            "($self, /)",
            "Whether it can be read.",
            F1(|vm, v| of_buffer(vm, v, name!("readable"))),
        ),
        MethodDef::method(
            "writable",
            "($self, /)",
            "Whether it can be written.",
            F1(|vm, v| of_buffer(vm, v, name!("writable"))),
        ),
        MethodDef::method(
            "isatty",
            "($self, /)",
            "Whether it is a terminal.",
            F1(|vm, v| of_buffer(vm, v, name!("isatty"))),
        ),
        MethodDef::method("seek", "($self, cookie, whence=os.SEEK_SET, /)", "Set the position.", N(position::seek)),
        MethodDef::method("tell", "($self, /)", "The position, as a number for seek() only.", F1(position::tell)),
        MethodDef::method("truncate", "($self, pos=None, /)", "Cut the stream.", N(position::truncate)),
        MethodDef::method(
            "__getstate__",
            "($self, /)",
            "Streams cannot be pickled.",
            F1(|vm, v| {
                let class = short_name(v.class());
                Err(vm.type_error(format!("cannot pickle '{class}' instances")))
            }),
        ),
    ])
    .getset(&[
        GetSetDef::member("encoding", "Name of the encoding.", |vm, v| Ok(text_or_none(&me(v).get(vm).encoding))),
        GetSetDef::member("line_buffering", "Whether a line ending flushes.", |vm, v| {
            Ok(boolean(me(v).get(vm).line_buffering))
        }),
        GetSetDef::member("write_through", "Whether every write is handed on.", |vm, v| {
            Ok(boolean(me(v).get(vm).write_through))
        }),
        GetSetDef {
            member: true,
            ..GetSetDef::get_set(
                "_finalizing",
                "Whether the stream is being thrown away.",
                |vm, v| Ok(boolean(me(v).get(vm).finalizing)),
                |vm, v, on| {
                    let on = on.map_or(Ok(false), |on| vm.truth(on))?;
                    me(v).get_mut(vm).finalizing = on;
                    Ok(())
                },
            )
        },
        GetSetDef::get("name", "The name of the buffer.", |vm, v| {
            let me = attached(vm, v)?;
            let buffer = buffer(vm, me)?;
            vm.get_attr(&buffer, name!("name"))
        }),
        GetSetDef::get("closed", "Whether the buffer is closed.", |vm, v| {
            if me(v).get(vm).life == Life::Blank {
                return Ok(boolean(true));
            }
            let me = attached(vm, v)?;
            let buffer = buffer(vm, me)?;
            vm.get_attr(&buffer, name!("closed"))
        }),
        GetSetDef::get("newlines", "The line endings read so far.", |vm, v| {
            let me = attached(vm, v)?;
            decoder::newlines(vm, me)
        }),
        GetSetDef::get("errors", "Name of the error handler.", |vm, v| {
            initialized(vm, v)?;
            Ok(text_or_none(&me(v).get(vm).errors))
        }),
        GetSetDef::get_set(
            "_CHUNK_SIZE",
            "Bytes read and written at once.",
            |vm, v| Ok(Value::from_usize(attached(vm, v)?.get(vm).chunk)),
            set_chunk,
        ),
        GetSetDef::get("buffer", "The binary stream below.", |vm, v| {
            let me = attached(vm, v)?;
            buffer(vm, me)
        }),
    ]);

fn text_or_none(t: &Option<Py<Str>>) -> Value {
    t.as_ref().map_or_else(none, |t| t.as_value().clone())
}

fn me(v: &Value) -> &Py<TextIo> {
    v.downcast::<TextIo>().expect("a method is called on its type")
}

fn initialized<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<TextIo>> {
    match me(v).get(vm).life {
        Life::Blank => Err(vm.value_error("I/O operation on uninitialized object")),
        _ => Ok(me(v)),
    }
}

/// The stream, which must have its buffer.
pub fn attached<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<TextIo>> {
    match initialized(vm, v)?.get(vm).life {
        Life::Detached => Err(vm.value_error("underlying buffer has been detached")),
        _ => Ok(me(v)),
    }
}

/// The stream, which must have its buffer and be open.
pub fn attached_open<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<TextIo>> {
    let me = attached(vm, v)?;
    if !v.is_exact::<TextIo>() {
        check_closed(vm, v)?;
        return Ok(me);
    }
    if me.get(vm).buffer.as_ref().is_some_and(|b| is_plainly_open(vm, b)) {
        return Ok(me);
    }
    let buffer = buffer(vm, me)?;
    let closed = vm.get_attr(&buffer, name!("closed"))?;
    if vm.truth(&closed)? {
        return Err(vm.value_error("I/O operation on closed file."));
    }
    Ok(me)
}

/// The binary stream below.
pub fn buffer(vm: &mut Vm, me: &Py<TextIo>) -> PyResult {
    match me.get(vm).buffer.clone() {
        Some(b) => Ok(b),
        None => Err(vm.value_error("underlying buffer has been detached")),
    }
}

fn of_buffer(vm: &mut Vm, v: &Value, method: &Py<Str>) -> PyResult {
    let me = attached(vm, v)?;
    let buffer = buffer(vm, me)?;
    vm.call_method_named(&buffer, method, &[])
}

/// The encoding of the locale (`locale.getencoding()`).
pub fn locale_encoding(vm: &mut Vm) -> Py<Str> {
    vm.intern(&taipan_runtime::host::locale::encoding())
}

static SIGNATURE: Signature = Signature::new(
    "TextIOWrapper",
    "(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)",
);

fn newline_argument(vm: &mut Vm, function: &str, v: Option<&Value>) -> PyResult<Newline> {
    let Some(s) = text_argument(vm, function, "newline", v)? else { return Ok(Newline::Translated) };
    let text = s.to_rust();
    match Newline::from_text(&text) {
        Some(n) => Ok(n),
        None => Err(vm.value_error(format!("illegal newline value: {text}"))),
    }
}

fn errors_argument(vm: &mut Vm, function: &str, v: Option<&Value>) -> PyResult<Option<Py<Str>>> {
    let Some(errors) = text_argument(vm, function, "errors", v)?.cloned() else { return Ok(None) };
    if config().dev_mode {
        registry::lookup_error(vm, &errors.to_rust())?;
    }
    Ok(Some(errors))
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    let a = args.bind(vm, &SIGNATURE)?;
    let encoding = text_argument(vm, "TextIOWrapper", "encoding", a[1].as_ref())?.cloned();
    let newline = newline_argument(vm, "TextIOWrapper", a[3].as_ref());
    let line_buffering = flag(vm, a[4].as_ref(), false)?;
    let write_through = flag(vm, a[5].as_ref(), false)?;
    let chunk = me(v).get(vm).chunk;
    let old = std::mem::replace(me(v).get_mut(vm), TextIo { chunk, ..TextIo::BLANK });
    drop(old);
    if encoding.is_none() && config().warn_default_encoding {
        vm.warn(&exc::ENCODING_WARNING, "'encoding' argument not specified", 1)?;
    }
    let errors = match errors_argument(vm, "TextIOWrapper", a[2].as_ref())? {
        Some(e) => e,
        None => vm.intern("strict"),
    };
    let newline = newline?;
    let encoding = match encoding {
        None if config().utf8_mode => vm.intern("utf-8"),
        None => locale_encoding(vm),
        Some(e) if e.is_text("locale") => locale_encoding(vm),
        Some(e) => e,
    };
    let buffer = arg(&a, 0);
    let codec = lookup(vm, &encoding)?;
    let (decoder, encoder) = coders(vm, &buffer, &codec, &errors, newline)?;
    let seekable = vm.call_method_named(&buffer, name!("seekable"), &[])?;
    let seekable = vm.truth(&seekable)?;
    let has_read1 = vm.get_attr_opt(&buffer, name!("read1"))?.is_some();
    let s = me(v).get_mut(vm);
    (s.buffer, s.encoding, s.errors) = (Some(buffer), Some(encoding), Some(errors));
    (s.decoder, s.encoder, s.newline) = (decoder, encoder, newline);
    (s.line_buffering, s.write_through) = (line_buffering, write_through);
    (s.seekable, s.telling, s.has_read1) = (seekable, seekable, has_read1);
    fix_encoder(vm, me(v))?;
    me(v).get_mut(vm).life = Life::Attached;
    Ok(())
}

/// The codec of an encoding, which must be one between text and bytes.
fn lookup(vm: &mut Vm, encoding: &Py<Str>) -> PyResult {
    let name = encoding.to_rust();
    let codec = registry::lookup(vm, &name)?;
    let flag = vm.get_attr_opt(&codec, name!("_is_text_encoding"))?;
    if !flag.map_or(Ok(true), |f| vm.truth(&f))? {
        return Err(vm.lookup_error(format!("'{name}' is not a text encoding")));
    }
    Ok(codec)
}

/// Decoder and encoder, as far as the buffer can be read and written.
fn coders(
    vm: &mut Vm,
    buffer: &Value,
    codec: &Value,
    errors: &Py<Str>,
    newline: Newline,
) -> PyResult<(Option<Decoder>, Option<Encoder>)> {
    let able = |vm: &mut Vm, what: &Py<Str>| {
        let r = vm.call_method_named(buffer, what, &[])?;
        vm.truth(&r)
    };
    let own = vm.get_attr_opt(codec, name!("name"))?;
    let own = own.as_ref().and_then(|n| n.downcast::<Str>()).map(|n| n.to_rust());
    let mut decoder = None;
    if able(vm, name!("readable"))? {
        let newlines = newline.is_universal().then(|| Newlines::new(newline == Newline::Translated));
        decoder = Some(Decoder::of_codec(vm, codec, own.as_deref(), errors, newlines)?);
    }
    let mut encoder = None;
    if able(vm, name!("writable"))? {
        encoder = Some(Encoder::of_codec(vm, codec, own.as_deref(), errors)?);
    }
    Ok((decoder, encoder))
}

/// Tells the encoder where in the stream it starts: no byte order mark in the middle.
fn fix_encoder(vm: &mut Vm, me: &Py<TextIo>) -> PyResult<()> {
    let s = me.get_mut(vm);
    s.start_of_stream = false;
    if !s.seekable || s.encoder.is_none() {
        return Ok(());
    }
    s.start_of_stream = true;
    let buffer = buffer(vm, me)?;
    let place = vm.call_method_named(&buffer, name!("tell"), &[])?;
    if vm.eq(&place, &Value::small_unchecked(0))? { Ok(()) } else { encoder::reset(vm, me, false) }
}

fn detach(vm: &mut Vm, v: &Value) -> PyResult {
    let me = attached(vm, v)?;
    vm.call_method_named(v, name!("flush"), &[])?;
    let buffer = buffer(vm, me)?;
    let s = me.get_mut(vm);
    (s.buffer, s.life) = (None, Life::Detached);
    Ok(buffer)
}

fn optional_flag(vm: &mut Vm, v: Option<&Value>, now: bool) -> PyResult<bool> {
    match v.filter(|v| !v.is_none()) {
        Some(v) => Ok(vm.to_i64(v)? != 0),
        None => Ok(now),
    }
}

fn reconfigure(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let me = attached(vm, &v)?;
    let encoding = text_argument(vm, "reconfigure", "encoding", a[1].as_ref())?.cloned();
    let errors = errors_argument(vm, "reconfigure", a[2].as_ref())?;
    if me.get(vm).decoded.is_some() && (encoding.is_some() || errors.is_some() || a[3].is_some()) {
        let message = "It is not possible to set the encoding or newline of stream after the first read";
        return Err(unsupported(vm, message));
    }
    let newline = match &a[3] {
        Some(n) => Some(newline_argument(vm, "reconfigure", Some(n))?),
        None => None,
    };
    let (lines, through) = (me.get(vm).line_buffering, me.get(vm).write_through);
    let lines = optional_flag(vm, a[4].as_ref(), lines)?;
    let through = optional_flag(vm, a[5].as_ref(), through)?;
    vm.call_method_named(&v, name!("flush"), &[])?;
    me.get_mut(vm).ratio = 0.0;
    if let Some(newline) = newline {
        me.get_mut(vm).newline = newline;
    }
    if encoding.is_some() || errors.is_some() || newline.is_some() {
        change_encoding(vm, me, encoding, errors)?;
    }
    let s = me.get_mut(vm);
    (s.line_buffering, s.write_through) = (lines, through);
    Ok(none())
}

fn change_encoding(vm: &mut Vm, me: &Py<TextIo>, encoding: Option<Py<Str>>, errors: Option<Py<Str>>) -> PyResult<()> {
    let s = me.get(vm);
    let (encoding, errors) = match encoding {
        None => (s.encoding.clone(), errors.or(s.errors.clone())),
        Some(e) => {
            let e = if e.is_text("locale") { locale_encoding(vm) } else { e };
            (Some(e), errors)
        }
    };
    let encoding = encoding.unwrap_or_else(|| vm.intern("utf-8"));
    let errors = errors.unwrap_or_else(|| vm.intern("strict"));
    let codec = lookup(vm, &encoding)?;
    let (buffer, newline) = (buffer(vm, me)?, me.get(vm).newline);
    let (decoder, encoder) = coders(vm, &buffer, &codec, &errors, newline)?;
    let s = me.get_mut(vm);
    let old = (s.decoder.take(), s.encoder.take(), s.encoding.take(), s.errors.take());
    (s.decoder, s.encoder, s.encoding, s.errors) = (decoder, encoder, Some(encoding), Some(errors));
    drop(old);
    fix_encoder(vm, me)
}

fn flush(vm: &mut Vm, v: &Value) -> PyResult {
    let me = attached_open(vm, v)?;
    let s = me.get_mut(vm);
    s.telling = s.seekable;
    writing::flush_pending(vm, me)?;
    let buffer = buffer(vm, me)?;
    vm.call_method_named(&buffer, name!("flush"), &[])
}

fn close(vm: &mut Vm, v: &Value) -> PyResult {
    let me = attached(vm, v)?;
    let closed = vm.get_attr(v, name!("closed"))?;
    if vm.truth(&closed)? {
        return Ok(none());
    }
    if me.get(vm).life == Life::Detached {
        // the attribute `closed` of the buffer may do anything
        return Ok(none());
    }
    let buffer = buffer(vm, me)?;
    if me.get(vm).finalizing && vm.call_method_named(&buffer, name!("_dealloc_warn"), std::slice::from_ref(v)).is_err()
    {
        vm.clear_error();
    }
    let flushed = vm.call_method_named(v, name!("flush"), &[]);
    let first = flushed.is_err().then(|| vm.take_error());
    let result = vm.call_method_named(&buffer, name!("close"), &[]);
    let Some(first) = first else { return result };
    match result {
        Ok(_) => Err(vm.raise(first)),
        Err(r) => {
            let second = vm.take_error();
            if !second.is(&first) {
                vm.set_attr_text(&second, "__context__", &first)?;
            }
            vm.set_pending(second);
            Err(r)
        }
    }
}

fn set_chunk(vm: &mut Vm, v: &Value, n: Option<&Value>) -> PyResult<()> {
    let me = attached(vm, v)?;
    let Some(n) = n else {
        return Err(vm.attribute_error("attribute '_CHUNK_SIZE' of '_io.TextIOWrapper' objects cannot be deleted"));
    };
    let n = match vm.to_isize(n) {
        Ok(n) => n,
        Err(_) if vm.error_is(&exc::INDEX_ERROR) => {
            vm.clear_error();
            let got = n.class().payload.name();
            return Err(vm.value_error(format!("cannot fit '{got}' into an index-sized integer")));
        }
        Err(r) => return Err(r),
    };
    if n <= 0 {
        return Err(vm.value_error("a strictly positive integer is required"));
    }
    me.get_mut(vm).chunk = n as usize;
    Ok(())
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    initialized(vm, v)?;
    if !vm.enter_repr(v) {
        let class = v.class().payload.name();
        return Err(vm.runtime_error(format!("reentrant call inside {class}.__repr__")));
    }
    let r = repr_text(vm, v);
    vm.leave_repr(v);
    r
}

fn repr_text(vm: &mut Vm, v: &Value) -> PyResult {
    let mut parts = vec![format!("<{}", v.class().payload.name())];
    for attribute in ["name", "mode"] {
        let name = vm.intern(attribute);
        // a detached stream has no name
        let found = vm.get_attr_opt(v, &name);
        if let Some(found) = vm.suppress(found, &exc::VALUE_ERROR)?.flatten() {
            let shown = vm.repr(&found)?;
            parts.push(format!(" {attribute}={}", shown.to_rust()));
        }
    }
    let encoding = text_or_none(&me(v).get(vm).encoding);
    let shown = vm.repr(&encoding)?;
    parts.push(format!(" encoding={}>", shown.to_rust()));
    Ok(vm.new_str(&parts.concat()))
}
