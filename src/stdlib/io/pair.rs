//! `BufferedRWPair`: two streams as one, the one read, the other written (sockets, pipes).

use super::base::{BUFFERED_IO_BASE, FLAGS, demand_readable, demand_writable};
use super::both;
use super::buffered::{BUFFERED_READER, BUFFERED_WRITER};
use taipan_runtime::name;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, Value, boolean, instance, none,
};
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Payload of `BufferedRWPair`.
pub struct BufferedRwPair {
    reader: Option<Value>,
    writer: Option<Value>,
}
taipan_runtime::payload!(BufferedRwPair, BUFFERED_RW_PAIR,
    traverse(self, visit) {
        self.reader.iter().for_each(&mut *visit);
        self.writer.iter().for_each(&mut *visit);
    },
    clear(self) { drop((self.reader.take(), self.writer.take())) });

/// The two halves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Reader,
    Writer,
}

macro_rules! forwarded {
    ($($half:ident $name:literal $signature:literal $doc:literal;)*) => {
        &[
            $( MethodDef::method($name, $signature, $doc, V(|vm, a| forward(vm, a, Half::$half, name!($name)))), )*
            MethodDef::method("close", "($self, /)", "Close both streams.", F1(close)),
            MethodDef::method("isatty", "($self, /)", "Whether one of the streams is a terminal.", F1(isatty)),
        ]
    };
}

/// `_io.BufferedRWPair`
pub static BUFFERED_RW_PAIR: TypeDef = TypeDef::new::<BufferedRwPair>("_io.BufferedRWPair")
    .doc("A buffered stream that reads from one raw stream and writes to another.")
    .signature("(reader, writer, buffer_size=DEFAULT_BUFFER_SIZE, /)")
    .base(&BUFFERED_IO_BASE)
    .flags(FLAGS)
    .cpython_size(48, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(instance::new_of(class, BufferedRwPair { reader: None, writer: None }).into())),
        init: Some(init),
        ..Slots::NONE
    })
    .getset(&[GetSetDef::get("closed", "Whether the stream that is written is closed.", |vm, v| {
        match this(v).get(vm).writer.clone() {
            Some(w) => vm.get_attr(&w, name!("closed")),
            None => Err(vm.runtime_error("the BufferedRWPair object is being garbage-collected")),
        }
    })])
    .methods(forwarded! {
        Reader "read" "" "Read bytes.";
        Reader "peek" "" "Bytes that come next, left in place.";
        Reader "read1" "" "Read bytes with one raw read at most.";
        Reader "readinto" "" "Read into a buffer.";
        Reader "readinto1" "" "Read into a buffer, once.";
        Writer "write" "" "Write bytes.";
        Writer "flush" "($self, /)" "Write out what the buffer holds.";
        Reader "readable" "($self, /)" "Whether it can be read.";
        Writer "writable" "($self, /)" "Whether it can be written.";
    });

fn this(v: &Value) -> &Py<BufferedRwPair> {
    v.downcast::<BufferedRwPair>().expect("a method of BufferedRWPair is called on one")
}

fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    args.no_keywords(vm, "BufferedRWPair")?;
    args.between(vm, "BufferedRWPair", 2, 3)?;
    let (reader, writer) = (&args.pos()[0], &args.pos()[1]);
    let size = match args.get(2) {
        Some(n) => Value::small_unchecked(vm.to_isize(n)? as i64),
        None => Value::from_usize(super::BUFFER_SIZE),
    };
    demand_readable(vm, reader)?;
    demand_writable(vm, writer)?;
    let reader = vm.call(&BUFFERED_READER.value(), &[reader.clone(), size.clone()])?;
    let writer = vm.call(&BUFFERED_WRITER.value(), &[writer.clone(), size])?;
    let new = BufferedRwPair { reader: Some(reader), writer: Some(writer) };
    let old = std::mem::replace(this(v).get_mut(vm), new);
    drop(old);
    Ok(())
}

/// One of the streams.
fn half(vm: &mut Vm, v: &Value, which: Half) -> PyResult {
    let me = this(v).get(vm);
    let stream = if which == Half::Reader { me.reader.clone() } else { me.writer.clone() };
    stream.ok_or_else(|| vm.value_error("I/O operation on uninitialized object"))
}

fn forward(vm: &mut Vm, a: &Args<'_>, which: Half, method: &Py<Str>) -> PyResult {
    let stream = half(vm, &a.pos()[0], which)?;
    let f = vm.get_attr(&stream, method)?;
    vm.call_args(&f, &a.skip(1))
}

fn close(vm: &mut Vm, v: &Value) -> PyResult {
    let first = half(vm, v, Half::Writer).and_then(|w| vm.call_method_named(&w, name!("close"), &[]));
    both(vm, first, |vm| {
        let reader = half(vm, v, Half::Reader)?;
        vm.call_method_named(&reader, name!("close"), &[])
    })?;
    Ok(none())
}

fn isatty(vm: &mut Vm, v: &Value) -> PyResult {
    for which in [Half::Writer, Half::Reader] {
        let stream = half(vm, v, which)?;
        let r = vm.call_method_named(&stream, name!("isatty"), &[])?;
        if which == Half::Reader || vm.truth(&r)? {
            return Ok(r);
        }
    }
    Ok(boolean(false))
}
