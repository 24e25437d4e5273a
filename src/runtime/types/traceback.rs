//! `traceback`: one entry for each frame that an exception passed through, outermost first.

use crate::object::typedef::{Payload, Visit};
use crate::object::{GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, none};
use crate::types::exceptions::BaseException;
use crate::types::frame::FrameObject;
use crate::types::list::List;
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use crate::vm::frame::Frame;
use std::cell::Cell;

/// Payload of `traceback`.
pub struct Traceback {
    /// The next entry, towards the place of the error.
    pub next: Option<Value>,
    /// The frame.
    pub frame: Py<FrameObject>,
    /// Byte offset of the instruction in the canonical code.
    pub lasti: i32,
    /// The line; -1: not computed yet.
    line: Cell<i32>,
}

// SAFETY: made by `TypeDef::new::<Traceback>`; traverse visits both references.
unsafe impl Payload for Traceback {
    const DEF: &'static TypeDef = &TRACEBACK;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let Traceback { next, frame, lasti: _, line: _ } = self;
        next.iter().for_each(&mut *visit);
        visit(frame.as_value());
    }
    fn clear(&mut self) {
        let dead = self.next.take();
        drop(dead);
    }
}

impl Traceback {
    /// An entry in front of `next`; the line is computed when somebody asks.
    pub fn new_object(next: Option<Value>, frame: Py<FrameObject>, lasti: i32) -> Py<Traceback> {
        crate::object::instance::new(Traceback { next, frame, lasti, line: Cell::new(-1) })
    }
}

/// Adds an entry for a frame of the thread to the pending exception's traceback.
pub fn record(vm: &mut Vm, frame: *mut Frame) {
    let Some(e) = vm.pending().and_then(|e| e.downcast::<BaseException>()).cloned() else { return };
    // SAFETY: the unwinder passes a live frame of this thread with its `ip` saved.
    let (object, lasti) = unsafe { (crate::types::frame::object_of(frame), (*(*frame).running).lasti((*frame).ip)) };
    let next = e.traceback(vm);
    let entry = Traceback::new_object(next, object, lasti);
    e.set_traceback(vm, Some(entry.into()));
}

/// Takes the import machinery out of the pending exception's traceback: all of it when that is an `ImportError`, else the
/// stretches that end in the call of a module's own code (`remove_importlib_frames` of `Python/import.c`).
pub fn hide_importlib(vm: &mut Vm) {
    let Some(e) = vm.pending().and_then(|e| e.downcast::<BaseException>()).cloned() else { return };
    let always = vm.error_is(&crate::types::exceptions::IMPORT_ERROR);
    let mut entries = Vec::new();
    let mut at = e.traceback(vm).and_then(|t| t.into_py::<Traceback>().ok());
    while let Some(t) = at {
        at = t.next(vm);
        entries.push(t);
    }
    let mut kept: Vec<Py<Traceback>> = Vec::with_capacity(entries.len());
    let mut stretch = 0;
    for t in entries.iter() {
        let code = t.get(vm).frame.code().clone();
        let inside = is_importlib(&code.filename.to_rust());
        stretch = if inside { stretch + 1 } else { 0 };
        kept.push(t.clone());
        if inside && (always || code.name.is_text("_call_with_frames_removed")) {
            kept.truncate(kept.len() - stretch);
            stretch = 0;
        }
    }
    if kept.len() == entries.len() {
        return;
    }
    for (t, next) in kept.iter().zip(kept.iter().skip(1).map(Some).chain([None])) {
        let next = next.map(|n| n.as_value().clone());
        let old = std::mem::replace(&mut t.get_mut(vm).next, next);
        drop(old);
    }
    let first = kept.into_iter().next().map(Py::into_value);
    e.set_traceback(vm, first);
}

fn is_importlib(filename: &str) -> bool {
    matches!(filename, "<frozen importlib._bootstrap>" | "<frozen importlib._bootstrap_external>")
}

/// A traceback of the innermost frame alone, at its present instruction.
pub fn here(vm: &mut Vm) -> Option<Value> {
    let frame = vm.current_frame()?;
    // SAFETY: the innermost frame is live and, while native code runs, has its `ip` saved.
    let (object, lasti) = unsafe { (crate::types::frame::object_of(frame), (*(*frame).running).lasti((*frame).ip)) };
    Some(Traceback::new_object(None, object, lasti).into())
}

impl Py<Traceback> {
    /// The line, from 1; `None` when the code has none at this instruction.
    pub fn line(&self, vm: &Vm) -> Option<u32> {
        let t = self.get(vm);
        if t.line.get() < 0 {
            let code = &t.frame.code().canonical;
            let line = match usize::try_from(t.lasti) {
                Ok(offset) => code.line_at(offset)?,
                Err(_) => code.firstlineno,
            };
            t.line.set(line);
        }
        u32::try_from(t.line.get()).ok()
    }

    /// The next entry, towards the place of the error.
    pub fn next(&self, vm: &Vm) -> Option<Py<Traceback>> {
        self.get(vm).next.as_ref()?.downcast::<Traceback>().cloned()
    }
}

/// The type `traceback`.
pub static TRACEBACK: TypeDef = TypeDef::new::<Traceback>("traceback")
    .doc("Create a new traceback object.")
    .signature("(tb_next, tb_frame, tb_lasti, tb_lineno)")
    .flags(TypeFlags::HAVE_GC)
    .cpython_size(40, 0)
    .slots(Slots { new: Some(new), ..Slots::NONE })
    .methods(&[MethodDef::method("__dir__", "($self, /)", "Names of the attributes.", NativeFn::F1(dir))])
    .getset(&[
        GetSetDef {
            name: "tb_frame",
            doc: "",
            get: |vm, v| Ok(entry(v).get(vm).frame.clone().into()),
            set: Some(|vm, _, _| Err(vm.attribute_error("readonly attribute"))),
            member: true,
        },
        GetSetDef {
            name: "tb_lasti",
            doc: "",
            get: |vm, v| Ok(Value::small_unchecked(entry(v).get(vm).lasti as i64)),
            set: Some(|vm, _, _| Err(vm.attribute_error("readonly attribute"))),
            member: true,
        },
        GetSetDef::get_set("tb_next", "", get_next, set_next),
        GetSetDef::get("tb_lineno", "", |vm, v| {
            Ok(entry(v).line(vm).map_or_else(none, |l| Value::small_unchecked(l as i64)))
        }),
    ]);

fn entry(v: &Value) -> &Py<Traceback> {
    v.downcast::<Traceback>().expect("a method of traceback is called on one")
}

static SIGNATURE: Signature = Signature::new("traceback", "(tb_next, tb_frame, tb_lasti, tb_lineno)");

fn new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    let a = args.bind(vm, &SIGNATURE)?;
    let [Some(next), Some(frame), Some(lasti), Some(line)] = &a[..] else {
        return Err(vm.system_error("traceback(): unbound argument"));
    };
    let Some(frame) = frame.downcast::<FrameObject>() else {
        let name = frame.class().payload.name();
        return Err(vm.type_error(format!("traceback() argument 'tb_frame' must be frame, not {name}")));
    };
    let next = checked_next(vm, next)?;
    let (lasti, line) = (vm.to_i32(lasti)?, vm.to_i32(line)?);
    let tb = crate::object::instance::new(Traceback { next, frame: frame.clone(), lasti, line: Cell::new(line) });
    Ok(tb.into())
}

fn checked_next(vm: &mut Vm, v: &Value) -> PyResult<Option<Value>> {
    if v.is_none() {
        return Ok(None);
    }
    if v.downcast::<Traceback>().is_none() {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("expected traceback object, got '{name}'")));
    }
    Ok(Some(v.clone()))
}

fn get_next(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(entry(v).get(vm).next.clone().unwrap_or_else(none))
}

fn set_next(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("can't delete tb_next attribute")) };
    let next = checked_next(vm, value)?;
    let mut at = next.as_ref().and_then(|n| n.downcast::<Traceback>()).cloned();
    while let Some(t) = at {
        if t.as_value().is(v) {
            return Err(vm.value_error("traceback loop detected"));
        }
        at = t.next(vm);
    }
    let old = std::mem::replace(&mut entry(v).get_mut(vm).next, next);
    drop(old);
    Ok(())
}

fn dir(_: &mut Vm, _: &Value) -> PyResult {
    let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"];
    Ok(List::from_vec(names.map(|n| Str::from_rust(n).into()).to_vec()).into())
}
