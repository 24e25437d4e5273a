//! `code`: the canonical code object, its constants and names as objects, and its running copy.

use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::bytes::Bytes;
use crate::types::float::Float;
use crate::types::int::Int;
use crate::types::str::Str;
use crate::types::str::intern::{intern, intern_str};
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::running::Running;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use taipan_bytecode::{CodeObject, Const};

/// Payload of `code`.
pub struct Code {
    /// The canonical code.
    pub canonical: Arc<CodeObject>,
    /// `co_consts` as objects.
    pub consts: Vec<Value>,
    /// `co_names`, interned.
    pub names: Vec<Py<Str>>,
    /// Names of locals, cells and free variables, interned.
    pub local_names: Vec<Py<Str>>,
    /// `co_name`, `co_qualname`, `co_filename`.
    pub name: Py<Str>,
    /// `co_qualname`
    pub qualname: Py<Str>,
    /// `co_filename`
    pub filename: Py<Str>,
    running: OnceCell<Box<Running>>,
    /// Probes that tools installed on this code.
    pub probes: Cell<*mut crate::probe::CodeProbes>,
}

// SAFETY: made by `TypeDef::new::<Code>`; constants are the owned references (names are immortal).
unsafe impl Payload for Code {
    const DEF: &'static TypeDef = &CODE;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.consts.iter().for_each(visit);
    }
}
impl Frozen for Code {}

impl Drop for Code {
    fn drop(&mut self) {
        crate::probe::switchboard::code_ends(self);
    }
}

/// The object of a constant; strings that look like names are interned, as CPython interns them.
pub fn constant(vm: &mut Vm, c: &Const) -> Value {
    match c {
        Const::None => none(),
        Const::Ellipsis => crate::types::singletons::ELLIPSIS.value(),
        Const::Bool(b) => crate::object::boolean(*b),
        Const::Int(i) => Int::from_big(i.clone()),
        Const::Float(f) => Float::new(*f),
        Const::Complex { re, im } => crate::types::complex::Complex::new(*re, *im),
        Const::Str(s) => {
            let s = Str::from_wtf8(s);
            if s.as_ascii().is_some_and(|t| t.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')) {
                intern(s).into()
            } else {
                s.into()
            }
        }
        Const::Bytes(b) => Bytes::from_slice(b).into(),
        Const::Tuple(items) => Tuple::from_vec(items.iter().map(|c| constant(vm, c)).collect()).into(),
        Const::FrozenSet(items) => {
            let items: Vec<Value> = items.iter().map(|c| constant(vm, c)).collect();
            crate::types::set::frozen_from_items(vm, &items).unwrap_or_else(|_| {
                vm.clear_error();
                none()
            })
        }
        Const::Slice(parts) => {
            let [a, b, c] = [&parts[0], &parts[1], &parts[2]].map(|c| constant(vm, c));
            crate::types::slice::Slice::new_object(a, b, c).into()
        }
        Const::Code(code) => Code::new(vm, code.clone()).into(),
    }
}

impl Code {
    /// The object of a compiled code; its constants are made now, its running copy at first execution.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(vm: &mut Vm, canonical: Arc<CodeObject>) -> Py<Code> {
        let consts = canonical.consts.iter().map(|c| constant(vm, c)).collect();
        Code::with_consts(canonical, consts)
    }

    /// As [`Code::new`], with the constants' objects given.
    pub fn with_consts(canonical: Arc<CodeObject>, consts: Vec<Value>) -> Py<Code> {
        let names = canonical.names.iter().map(|n| intern_str(n)).collect();
        let local_names = canonical.localsplusnames.iter().map(|n| intern_str(n)).collect();
        let code = crate::object::instance::new(Code {
            consts,
            names,
            local_names,
            name: intern_str(&canonical.name),
            qualname: intern_str(&canonical.qualname),
            filename: intern_str(&canonical.filename),
            canonical,
            running: OnceCell::new(),
            probes: Cell::new(std::ptr::null_mut()),
        });
        crate::probe::switchboard::code_made(&code);
        code
    }

    /// The running copy, made at first use.
    #[inline]
    pub fn running(&self) -> &Running {
        match self.running.get() {
            Some(r) => r,
            None => self.first_running(),
        }
    }

    #[cold]
    fn first_running(&self) -> &Running {
        let r = self.running_copy();
        crate::probe::code_runs(self);
        r
    }

    /// The running copy as it is, probes that were asked for not put in yet: for the rooms of `probe`.
    pub fn running_copy(&self) -> &Running {
        self.running.get_or_init(|| Running::new(self))
    }

    /// Whether the running copy exists.
    pub fn has_run(&self) -> bool {
        self.running.get().is_some()
    }
}

/// Keeps a code object alive for good: tools remember places in code by its address.
///
/// # Safety
/// `code` is the payload of a live code object; the GIL is held.
pub unsafe fn keep_alive(code: *const Code) {
    let object = code as usize - std::mem::offset_of!(crate::object::value::Obj<Code>, payload);
    // SAFETY: by the caller's promise; one reference is counted and never given up.
    unsafe { (*(object as *const crate::object::header::Header)).incref() }
}

fn code(v: &Value) -> &Code {
    v.downcast::<Code>().expect("method of code")
}

fn names<'a>(items: impl Iterator<Item = &'a Arc<str>>) -> PyResult {
    Ok(Tuple::from_vec(items.map(|n| intern_str(n).into()).collect()).into())
}

fn number(n: u32) -> PyResult {
    Ok(Value::small_unchecked(n as i64))
}

/// The type `code`.
pub static CODE: TypeDef = TypeDef::new::<Code>("code")
    .doc("Create a code object.  Not for mere mortals.")
    .flags(TypeFlags::WEAKREFABLE)
    .cpython_size(208, 2)
    .slots(Slots {
        repr: Some(repr),
        hash: Some(super::code_methods::hash),
        richcmp: Some(super::code_methods::compare),
        new: Some(super::code_methods::new),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "co_lines",
            "($self, /)",
            "Iterate over line ranges.",
            NativeFn::F1(super::code_methods::lines),
        ),
        MethodDef::method(
            "co_positions",
            "($self, /)",
            "Iterate over positions.",
            NativeFn::F1(super::code_methods::positions),
        ),
        MethodDef::method(
            "co_branches",
            "($self, /)",
            "Iterate over branches.",
            NativeFn::F1(super::code_methods::branches),
        ),
        MethodDef::method(
            "replace",
            "($self, /, **changes)",
            "Return a copy of the code object with new values for the specified fields.",
            NativeFn::V(super::code_methods::replace),
        ),
        MethodDef::method(
            "__replace__",
            "($self, /, **changes)",
            "The same as replace().",
            NativeFn::V(super::code_methods::replace),
        ),
        MethodDef::method(
            "_varname_from_oparg",
            "($self, /, oparg)",
            "Return the name of a local by its index.",
            NativeFn::F2(super::code_methods::varname_from_oparg),
        ),
        MethodDef::method(
            "__sizeof__",
            "($self, /)",
            "Size of object in memory, in bytes.",
            NativeFn::F1(super::code_methods::sizeof),
        ),
    ])
    .getset(&[
        GetSetDef::member("co_argcount", "", |_, v| number(code(v).canonical.argcount)),
        GetSetDef::member("co_posonlyargcount", "", |_, v| number(code(v).canonical.posonlyargcount)),
        GetSetDef::member("co_kwonlyargcount", "", |_, v| number(code(v).canonical.kwonlyargcount)),
        GetSetDef::member("co_stacksize", "", |_, v| number(code(v).canonical.stacksize)),
        GetSetDef::member("co_flags", "", |_, v| number(code(v).canonical.flags.bits())),
        GetSetDef::get("co_nlocals", "", |_, v| number(code(v).canonical.nlocals() as u32)),
        GetSetDef::member("co_names", "", |_, v| names(code(v).canonical.names.iter())),
        GetSetDef::get("co_varnames", "", |_, v| names(code(v).canonical.varnames())),
        GetSetDef::get("co_cellvars", "", |_, v| names(code(v).canonical.cellvars())),
        GetSetDef::get("co_freevars", "", |_, v| names(code(v).canonical.freevars())),
        GetSetDef::member("co_consts", "", |_, v| Ok(Tuple::from_slice(&code(v).consts).into())),
        GetSetDef::member("co_filename", "", |_, v| Ok(code(v).filename.clone().into())),
        GetSetDef::member("co_name", "", |_, v| Ok(code(v).name.clone().into())),
        GetSetDef::member("co_qualname", "", |_, v| Ok(code(v).qualname.clone().into())),
        GetSetDef::member("co_firstlineno", "", |_, v| {
            Ok(Value::small_unchecked(code(v).canonical.firstlineno as i64))
        }),
        GetSetDef::member("co_linetable", "", |_, v| Ok(Bytes::from_slice(&code(v).canonical.linetable).into())),
        GetSetDef::member("co_exceptiontable", "", |_, v| {
            Ok(Bytes::from_slice(&code(v).canonical.exceptiontable).into())
        }),
        GetSetDef::get("co_code", "", |_, v| Ok(Bytes::from_slice(&code(v).canonical.code).into())),
        GetSetDef::get("_co_code_adaptive", "", |_, v| Ok(Bytes::from_slice(&code(v).canonical.code).into())),
        GetSetDef::get("co_lnotab", "", super::code_methods::lnotab),
    ]);

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let c = code(v);
    let line = c.canonical.firstlineno;
    Ok(vm.new_str(&format!(
        "<code object {} at {:#x}, file \"{}\", line {line}>",
        c.name.to_rust(),
        v.id(),
        c.filename.to_rust()
    )))
}
