//! `stderrprinter`: the plain text stream on a file descriptor that serves until `io` is loaded, and when it cannot be.
//!
//! Writes are collected and handed to the system at a newline of an interactive stream, when enough has gathered, and at
//! `flush()`.

use crate::object::typedef::{MethodDef, NativeFn::*};
use crate::object::value::Frozen;
use crate::object::{GetSetDef, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none};
use crate::types::str::Str;
use crate::vm::Vm;
use std::cell::RefCell;

/// Payload of the stream.
pub struct StdPrinter {
    fd: i32,
    buffer: RefCell<Vec<u8>>,
}
crate::payload!(StdPrinter, STDPRINTER);
impl Frozen for StdPrinter {}

const ENOUGH: usize = 8192;

/// A stream on a file descriptor.
pub fn on_fd(fd: i32) -> Value {
    instance::new(StdPrinter { fd, buffer: RefCell::default() }).into()
}

/// The type.
pub static STDPRINTER: TypeDef = TypeDef::new::<StdPrinter>("stderrprinter")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .slots(Slots {
        repr: Some(|vm, v| Ok(vm.new_str(&format!("<stderrprinter(fd={}) object at {:#x}>", me(v).fd, v.id())))),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("write", "($self, s, /)", "Writes text; gives the number of characters.", F2(write)),
        MethodDef::method(
            "flush",
            "($self, /)",
            "Hands what was written to the system.",
            F1(|vm, v| {
                flush(vm, v)?;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "fileno",
            "($self, /)",
            "The file descriptor.",
            F1(|_, v| Ok(Value::small_unchecked(me(v).fd as i64))),
        ),
        MethodDef::method(
            "isatty",
            "($self, /)",
            "Whether the descriptor is a terminal.",
            F1(|_, v| Ok(boolean(is_terminal(me(v).fd)))),
        ),
        MethodDef::method(
            "close",
            "($self, /)",
            "Does nothing: the descriptor is the process's.",
            F1(|_, _| Ok(none())),
        ),
    ])
    .getset(&[
        GetSetDef::get("encoding", "", |vm, _| Ok(vm.new_str("utf-8"))),
        GetSetDef::get("errors", "", |vm, _| Ok(vm.new_str("backslashreplace"))),
        GetSetDef::get("closed", "", |_, _| Ok(boolean(false))),
        GetSetDef::get("mode", "", |vm, _| Ok(vm.new_str("w"))),
    ]);

fn me(v: &Value) -> &StdPrinter {
    v.downcast::<StdPrinter>().expect("method of stderrprinter")
}

fn is_terminal(fd: i32) -> bool {
    crate::host::is_terminal(fd)
}

fn write(vm: &mut Vm, v: &Value, text: &Value) -> PyResult {
    let s = vm.expect_str(text, "write() argument")?;
    push(vm, v, s)?;
    Ok(Value::from_usize(s.len()))
}

/// Writes text.
pub fn push(vm: &mut Vm, v: &Value, s: &Str) -> PyResult<()> {
    let p = me(v);
    let mut has_line = p.fd == 2;
    match s.as_ascii() {
        Some(a) => {
            has_line |= a.contains('\n');
            p.buffer.borrow_mut().extend_from_slice(a.as_bytes());
        }
        None => {
            let mut b = p.buffer.borrow_mut();
            for c in s.code_points() {
                match char::from_u32(c) {
                    Some(c) => b.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    None => b.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
                }
            }
            has_line |= true;
        }
    }
    let full = p.buffer.borrow().len() >= ENOUGH;
    if full || (has_line && (p.fd == 2 || is_terminal(p.fd))) {
        flush(vm, v)?;
    }
    Ok(())
}

/// Hands what was written to the system.
pub fn flush(vm: &mut Vm, v: &Value) -> PyResult<()> {
    let p = me(v);
    let data = std::mem::take(&mut *p.buffer.borrow_mut());
    let fd = p.fd;
    match vm.allow_threads(move || crate::host::write_all(fd, &data)) {
        Ok(()) => Ok(()),
        Err(errno) => Err(vm.os_error(errno)),
    }
}
