//! `StringIO`: a text stream in memory (`Modules/_io/stringio.c`).

use super::super::base::{FLAGS, TEXT_IO_BASE, size_arg};
use super::super::{arg, os_error_text};
use super::Newline;
use super::newline::Newlines;
use super::units::Content;
use super::wrong_type;
use taipan_runtime::name;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, Value, boolean, instance, none,
};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::dict::methods::update_from;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Where a stream is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// `__init__` was not called.
    Blank,
    Open,
    Closed,
}

/// Payload of `StringIO`.
pub struct StringIo {
    content: Content,
    /// Position, in code points; may lie beyond the end.
    position: usize,
    newline: Newline,
    /// Translation of what is written.
    newlines: Option<Newlines>,
    life: Life,
}

taipan_runtime::payload!(StringIo, STRING_IO);

impl StringIo {
    const BLANK: StringIo = StringIo {
        content: Content::new(),
        position: 0,
        newline: Newline::Only("\n"),
        newlines: None,
        life: Life::Blank,
    };

    fn new(newline: Newline) -> StringIo {
        let newlines = newline.is_universal().then(|| Newlines::new(newline == Newline::Translated));
        StringIo { newline, newlines, life: Life::Open, ..StringIo::BLANK }
    }

    /// What is between the position and `end`; the position moves there.
    fn take(&mut self, end: usize) -> Py<Str> {
        let start = std::mem::replace(&mut self.position, end);
        self.content.slice(start, end)
    }

    /// The next line, of at most `limit` code points.
    fn line(&mut self, limit: Option<usize>) -> Py<Str> {
        if self.position >= self.content.len() {
            return Str::from_latin1(b"");
        }
        let end = self.content.line_end(self.position, self.newline.ending());
        let end = limit.map_or(end, |l| end.min(self.position.saturating_add(l)));
        self.take(end)
    }
}

/// `_io.StringIO`
pub static STRING_IO: TypeDef = TypeDef::new::<StringIo>("_io.StringIO")
    .doc("Text I/O in memory, with the newline argument of TextIOWrapper.")
    .signature("(initial_value='', newline='\\n')")
    .base(&TEXT_IO_BASE)
    .flags(FLAGS)
    .cpython_size(120, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(instance::new_of(class, StringIo::BLANK).into())),
        init: Some(init),
        next: Some(next_line),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::get("closed", "Whether the stream is closed.", |vm, v| {
            initialized(vm, v)?;
            Ok(boolean(me(v).get(vm).life == Life::Closed))
        }),
        GetSetDef::get("newlines", "The line endings translated so far.", |vm, v| {
            open(vm, v)?;
            match me(v).get(vm).newlines {
                Some(n) => Ok(n.seen(vm)),
                None => Ok(none()),
            }
        }),
        GetSetDef::get("line_buffering", "False: nothing is buffered.", |vm, v| {
            open(vm, v)?;
            Ok(boolean(false))
        }),
    ])
    .methods(&[
        MethodDef::method(
            "close",
            "($self, /)",
            "Close the stream and give up its text.",
            F1(|vm, v| {
                let old = std::mem::replace(me(v).get_mut(vm), StringIo { life: Life::Closed, ..StringIo::BLANK });
                drop(old);
                Ok(none())
            }),
        ),
        MethodDef::method(
            "getvalue",
            "($self, /)",
            "The whole text.",
            F1(|vm, v| {
                let s = open(vm, v)?.get(vm);
                Ok(s.content.slice(0, s.content.len()).into())
            }),
        ),
        MethodDef::method("read", "($self, size=-1, /)", "Read at most size characters.", N(read)),
        MethodDef::method("readline", "($self, size=-1, /)", "Read until a line ending or the end.", N(read_line)),
        MethodDef::method(
            "tell",
            "($self, /)",
            "The position.",
            F1(|vm, v| Ok(Int::from_u64(open(vm, v)?.get(vm).position as u64))),
        ),
        MethodDef::method("truncate", "($self, pos=None, /)", "Cut the text; give the new size.", N(truncate)),
        MethodDef::method("seek", "($self, pos, whence=0, /)", "Set the position; give the new one.", N(seek)),
        MethodDef::method("write", "($self, s, /)", "Write text; give its number of characters.", F2(write)),
        MethodDef::method("seekable", "($self, /)", "True.", F1(yes)),
        MethodDef::method("readable", "($self, /)", "True.", F1(yes)),
        MethodDef::method("writable", "($self, /)", "True.", F1(yes)),
        MethodDef::method("__getstate__", "($self, /)", "What pickle keeps.", F1(get_state)),
        MethodDef::method("__setstate__", "($self, state, /)", "Takes over what pickle kept.", F2(set_state)),
    ]);

fn me(v: &Value) -> &Py<StringIo> {
    v.downcast::<StringIo>().expect("a method is called on its type")
}

fn initialized<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<StringIo>> {
    match me(v).get(vm).life {
        Life::Blank => Err(vm.value_error("I/O operation on uninitialized object")),
        _ => Ok(me(v)),
    }
}

fn open<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<StringIo>> {
    match initialized(vm, v)?.get(vm).life {
        Life::Closed => Err(vm.value_error("I/O operation on closed file")),
        _ => Ok(me(v)),
    }
}

fn yes(vm: &mut Vm, v: &Value) -> PyResult {
    open(vm, v)?;
    Ok(boolean(true))
}

static SIGNATURE: Signature = Signature::new("StringIO", "(initial_value='', newline='\\n')");

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    let a = args.bind(vm, &SIGNATURE)?;
    let default = vm.new_str("\n");
    setup(vm, v, &arg(&a, 0), a[1].as_ref().unwrap_or(&default))
}

fn setup(vm: &mut Vm, v: &Value, initial: &Value, newline: &Value) -> PyResult<()> {
    let newline = if newline.is_none() {
        Newline::Translated
    } else {
        let Some(s) = newline.downcast::<Str>() else {
            return Err(wrong_type(vm, "newline must be str or None, not ", newline));
        };
        match Newline::from_text(&s.to_rust()) {
            Some(n) => n,
            None => {
                let shown = vm.repr(newline)?.to_rust().into_owned();
                return Err(vm.value_error(format!("illegal newline value: {shown}")));
            }
        }
    };
    if !initial.is_none() && initial.downcast::<Str>().is_none() {
        return Err(wrong_type(vm, "initial_value must be str or None, not ", initial));
    }
    let s = me(v);
    drop(std::mem::replace(s.get_mut(vm), StringIo::new(newline)));
    if let Some(text) = initial.downcast::<Str>() {
        put(vm, s, text);
        s.get_mut(vm).position = 0;
    }
    Ok(())
}

/// Writes a text at the position, with translation.
fn put(vm: &mut Vm, s: &Py<StringIo>, text: &Py<Str>) {
    let mut text = text.clone();
    if let Some(mut n) = s.get(vm).newlines {
        text = n.feed(text, true);
        s.get_mut(vm).newlines = Some(n);
    }
    if let Some(mark) = s.get(vm).newline.written() {
        text = super::writing::with_mark(&text, mark);
    }
    let s = s.get_mut(vm);
    if text.len() > 0 {
        s.content.write(s.position, &text);
        s.position += text.len();
    }
}

/// `StringIO.write`
fn write(vm: &mut Vm, v: &Value, text: &Value) -> PyResult {
    let s = initialized(vm, v)?;
    let Some(text) = text.downcast::<Str>() else {
        return Err(wrong_type_quoted(vm, "string argument expected, got ", text));
    };
    open(vm, v)?;
    put(vm, s, text);
    Ok(Value::from_usize(text.len()))
}

fn wrong_type_quoted(vm: &mut Vm, what: &str, got: &Value) -> taipan_runtime::object::Raised {
    let name = got.class().payload.name();
    vm.type_error(format!("{what}'{name}'"))
}

fn read(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let size = size_arg(vm, a[1].as_ref())?;
    let s = open(vm, &v)?.get_mut(vm);
    let left = s.content.len().saturating_sub(s.position);
    let n = size.map_or(left, |n| n.min(left));
    if n == 0 {
        return Ok(Str::from_latin1(b"").into());
    }
    let end = s.position + n;
    Ok(s.take(end).into())
}

fn read_line(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let size = size_arg(vm, a[1].as_ref())?;
    Ok(open(vm, &v)?.get_mut(vm).line(size).into())
}

fn next_line(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    open(vm, v)?;
    if v.is_exact::<StringIo>() {
        let line = me(v).get_mut(vm).line(None);
        return Ok((line.len() > 0).then(|| line.into()));
    }
    super::reading::line_of_subclass(vm, v)
}

fn truncate(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let s = open(vm, &v)?;
    let size = match a[1].as_ref().filter(|p| !p.is_none()) {
        None => s.get(vm).position,
        Some(p) => match size_arg(vm, Some(p))? {
            Some(n) => n,
            None => {
                let n = vm.to_isize(p)?;
                return Err(vm.value_error(format!("Negative size value {n}")));
            }
        },
    };
    s.get_mut(vm).content.truncate(size);
    Ok(Int::from_u64(size as u64))
}

fn seek(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let v = arg(a, 0);
    let to = ssize_arg(vm, &arg(a, 1))?;
    let whence = a[2].as_ref().map_or(Ok(0), |w| vm.to_i32(w))?;
    let s = open(vm, &v)?;
    if !(0..=2).contains(&whence) {
        return Err(vm.value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)")));
    }
    if to < 0 && whence == 0 {
        return Err(vm.value_error(format!("Negative seek position {to}")));
    }
    if whence != 0 && to != 0 {
        return Err(os_error_text(vm, "Can't do nonzero cur-relative seeks"));
    }
    let s = s.get_mut(vm);
    s.position = match whence {
        0 => to as usize,
        1 => s.position,
        _ => s.content.len(),
    };
    Ok(Int::from_u64(s.position as u64))
}

fn get_state(vm: &mut Vm, v: &Value) -> PyResult {
    let s = open(vm, v)?.get(vm);
    let text = s.content.slice(0, s.content.len());
    let (newline, position) = (s.newline, s.position);
    let newline = newline.value(vm);
    let dict = match instance::attributes(v).is_empty() {
        true => none(),
        false => instance::materialize(v).copy().into(),
    };
    Ok(Tuple::of([text.into(), newline, Int::from_u64(position as u64), dict]).into())
}

fn set_state(vm: &mut Vm, v: &Value, state: &Value) -> PyResult {
    if me(v).get(vm).life == Life::Closed {
        return Err(vm.value_error("I/O operation on closed file"));
    }
    let Some([text, newline, position, dict, ..]) = state.downcast::<Tuple>().map(|t| t.items()) else {
        let (class, got) = (v.class().payload.name(), state.class().payload.name());
        return Err(vm.type_error(format!("{class}.__setstate__ argument should be 4-tuple, got {got}")));
    };
    setup(vm, v, text, newline)?;
    // the text was translated when it was written: it is taken over as it is
    if let Some(text) = text.downcast::<Str>() {
        let s = me(v).get_mut(vm);
        s.content = Content::new();
        s.content.write(0, text);
    }
    if Int::read(position).is_none() {
        return Err(wrong_type(vm, "third item of state must be an integer, got ", position));
    }
    let position = ssize_arg(vm, position)?;
    if position < 0 {
        return Err(vm.value_error("position value cannot be negative"));
    }
    me(v).get_mut(vm).position = position as usize;
    if !dict.is_none() {
        if dict.downcast::<Dict>().is_none() {
            return Err(wrong_type(vm, "fourth item of state should be a dict, got a ", dict));
        }
        let own = vm.get_attr(v, name!("__dict__"))?;
        if let Some(own) = own.downcast::<Dict>() {
            update_from(vm, own, dict)?;
        }
    }
    Ok(none())
}
