//! `frame`: the object through which Python code sees an activation, and the write-through view of its locals (PEP 667).
//!
//! A frame object points to its frame while that lives; when the frame ends, the locals move into the object.

use crate::object::header::Header;
use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::str::Str;
use crate::vm::frame::{Frame, at_base, flags, keep, strip, value_of};
use crate::vm::{Vm, Word};
use std::cell::{Cell, RefCell};
use taipan_bytecode::{CodeFlags, LocalKind};

/// Payload of `frame`.
pub struct FrameObject {
    frame: Cell<*mut Frame>,
    func: Value,
    code: Py<Code>,
    /// Locals after the frame ended.
    saved: RefCell<Vec<Option<Value>>>,
    saved_namespace: RefCell<Option<Value>>,
    saved_lasti: Cell<i32>,
    saved_line: Cell<u32>,
    back: RefCell<Option<Value>>,
    /// `f_trace`
    pub trace: RefCell<Option<Value>>,
    /// `f_trace_lines`
    pub trace_lines: Cell<bool>,
    /// `f_trace_opcodes`
    pub trace_opcodes: Cell<bool>,
    /// Names without a slot that were stored through `f_locals`.
    pub extra: RefCell<Option<Py<Dict>>>,
    /// Values that `f_locals` writes replaced while a callee may still borrow them.
    overwritten: RefCell<Vec<Value>>,
    /// The line the tracer last saw, for `line` events.
    pub last_line: Cell<u32>,
}

// SAFETY: made by `TypeDef::new::<FrameObject>`; the live frame's words are owned by the frame, not by the object.
unsafe impl Payload for FrameObject {
    const DEF: &'static TypeDef = &FRAME;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(&self.func);
        self.saved.borrow().iter().flatten().for_each(&mut *visit);
        self.saved_namespace.borrow().iter().for_each(&mut *visit);
        self.back.borrow().iter().for_each(&mut *visit);
        self.trace.borrow().iter().for_each(&mut *visit);
        self.overwritten.borrow().iter().for_each(&mut *visit);
        if let Some(d) = &*self.extra.borrow() {
            visit(d.as_value());
        }
        visit(self.code.as_value());
    }
    fn clear(&mut self) {
        let dead = (
            std::mem::take(self.saved.get_mut()),
            self.saved_namespace.get_mut().take(),
            self.trace.get_mut().take(),
            self.extra.get_mut().take(),
            std::mem::take(self.overwritten.get_mut()),
        );
        drop(dead);
    }
}
impl Frozen for FrameObject {}

/// The frame object of a live frame, made at first use.
///
/// # Safety
/// `f` is a live frame (not a thread's base).
pub unsafe fn object_of(f: *mut Frame) -> Py<FrameObject> {
    // SAFETY: by the caller's promise; the frame owns the word.
    unsafe {
        if (*f).object != 0 {
            return Py::from_value_unchecked(Value::from_header((*f).object as *const Header));
        }
        let func_word = (*f).func as usize - std::mem::offset_of!(crate::object::value::Obj<Function>, payload);
        let code_word = (*(*f).running).code as usize - std::mem::offset_of!(crate::object::value::Obj<Code>, payload);
        let o = crate::object::instance::new(FrameObject {
            frame: Cell::new(f),
            func: Value::from_header(func_word as *const Header),
            code: Py::from_value_unchecked(Value::from_header(code_word as *const Header)),
            saved: RefCell::default(),
            saved_namespace: RefCell::default(),
            saved_lasti: Cell::new(-1),
            saved_line: Cell::new(0),
            back: RefCell::default(),
            trace: RefCell::default(),
            trace_lines: Cell::new(true),
            trace_opcodes: Cell::new(false),
            extra: RefCell::default(),
            overwritten: RefCell::default(),
            last_line: Cell::new(0),
        });
        (*f).object = o.clone().into_value().into_word();
        (*f).flags |= flags::HAS_OBJECT;
        o
    }
}

/// The frame object behind a live frame, if someone looked.
///
/// # Safety
/// `f` is a live frame.
pub unsafe fn object_if_made<'a>(f: *mut Frame) -> Option<&'a Py<FrameObject>> {
    // SAFETY: by the caller's promise.
    unsafe { if (*f).object == 0 { None } else { Some(Value::ref_from_word(&(*f).object).downcast_unchecked()) } }
}

/// A frame with an object moved (into a generator): the object follows.
///
/// # Safety
/// `f` is the frame's new place.
pub unsafe fn moved(f: *mut Frame) {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(o) = object_if_made(f) {
            o.frame.set(f);
        }
    }
}

/// The frame ends: its locals move into the object, if anybody else still holds that.
///
/// # Safety
/// `f` is ending; its evaluation stack is empty.
pub unsafe fn detach(f: *mut Frame) {
    // SAFETY: by the caller's promise.
    unsafe {
        let word = std::mem::replace(&mut (*f).object, 0);
        (*f).flags &= !flags::HAS_OBJECT;
        if word == 0 {
            return;
        }
        let value = Value::from_word(word);
        let o = value.downcast_unchecked::<FrameObject>();
        o.saved_lasti.set((*(*f).running).lasti((*f).ip));
        o.saved_line.set((*(*f).running).line_of((*f).ip).unwrap_or(0));
        if value.header().is_some_and(|h| h.rc.get() > 1) {
            let n = (*(*f).running).nlocals;
            let mut saved = Vec::with_capacity(n);
            for i in 0..n {
                let w = std::mem::replace(&mut *(*f).fp.add(i), 0);
                saved.push(if w == 0 { None } else { Some(Value::from_word(strip(keep(w)))) });
            }
            *o.saved.borrow_mut() = saved;
            if (*f).namespace != 0 {
                *o.saved_namespace.borrow_mut() = Some(value_of((*f).namespace));
            }
            if !(*f).prev.is_null() && !at_base((*f).prev) && (*f).flags & flags::GENERATOR == 0 {
                *o.back.borrow_mut() = Some(object_of((*f).prev).into());
            }
        }
        o.frame.set(std::ptr::null_mut());
        drop(value);
    }
}

impl FrameObject {
    /// The live frame, if it has not ended.
    pub fn live(&self) -> Option<*mut Frame> {
        let f = self.frame.get();
        (!f.is_null()).then_some(f)
    }

    /// The code object.
    pub fn code(&self) -> &Py<Code> {
        &self.code
    }

    /// The function whose activation this is.
    pub fn function(&self) -> &Py<Function> {
        // SAFETY: made from a frame's function.
        unsafe { self.func.downcast_unchecked() }
    }

    /// `f_lasti`: byte offset of the present instruction.
    pub fn lasti(&self) -> i32 {
        match self.live() {
            // SAFETY: the frame is live.
            Some(f) => unsafe { (*(*f).running).lasti(self.present_ip(f)) },
            None => self.saved_lasti.get(),
        }
    }

    unsafe fn present_ip(&self, f: *mut Frame) -> *const crate::vm::running::Unit {
        // SAFETY: the frame is live. A suspended generator's `ip` is the instruction after its `yield`.
        unsafe {
            let suspended = (*f).flags & flags::GENERATOR != 0 && (*f).prev.is_null();
            if suspended && (*f).ip > (*(*f).running).start() { (*f).ip.sub(1) } else { (*f).ip }
        }
    }

    /// The present line.
    pub fn line(&self) -> Option<u32> {
        match self.live() {
            // SAFETY: the frame is live.
            Some(f) => unsafe { (*(*f).running).line_of(self.present_ip(f)) },
            None => Some(self.saved_line.get()).filter(|&l| l != 0),
        }
    }

    /// Local `i`: the raw slot content.
    fn slot(&self, i: usize) -> Option<Value> {
        match self.live() {
            // SAFETY: the frame is live and has the slot.
            Some(f) => unsafe {
                let w = *(*f).fp.add(i);
                (w != 0).then(|| value_of(w))
            },
            None => self.saved.borrow().get(i).cloned().flatten(),
        }
    }

    /// Value of local `i`, through its cell where it has one.
    pub fn local(&self, i: usize) -> Option<Value> {
        let v = self.slot(i)?;
        let kind = self.code.canonical.localspluskinds[i];
        if kind.intersects(LocalKind::CELL | LocalKind::FREE) {
            if let Some(c) = v.downcast_exact::<CellObject>() {
                return c.content();
            }
        }
        Some(v)
    }

    /// Sets local `i`; the old value stays alive until the frame object ends, since a callee may borrow it.
    pub fn set_local(&self, i: usize, v: Value) {
        let kind = self.code.canonical.localspluskinds[i];
        if kind.intersects(LocalKind::CELL | LocalKind::FREE) {
            if let Some(c) = self.slot(i).as_ref().and_then(|c| c.downcast_exact::<CellObject>()) {
                let old = c.replace(Some(v));
                self.overwritten.borrow_mut().extend(old);
                return;
            }
        }
        match self.live() {
            // SAFETY: the frame is live and has the slot.
            Some(f) => unsafe {
                let slot: *mut Word = (*f).fp.add(i);
                let old = std::mem::replace(&mut *slot, v.into_word());
                if old & 3 == 0 && old != 0 {
                    self.overwritten.borrow_mut().push(Value::from_word(old));
                }
            },
            None => {
                if let Some(s) = self.saved.borrow_mut().get_mut(i) {
                    *s = Some(v);
                }
            }
        }
    }

    /// Index of a visible local by name.
    pub fn find_local(&self, name: &Str) -> Option<usize> {
        let c = &self.code;
        (0..c.local_names.len()).find(|&i| c.local_names[i].same(name) && shown(c, i))
    }

    /// The namespace mapping of a module or class body.
    pub fn namespace(&self) -> Option<Value> {
        match self.live() {
            // SAFETY: the frame is live.
            Some(f) => unsafe { if (*f).namespace == 0 { None } else { Some(value_of((*f).namespace)) } },
            None => self.saved_namespace.borrow().clone(),
        }
    }

    /// Names with their values, in slot order.
    pub fn locals(&self) -> Vec<(Py<Str>, Value)> {
        let c = &self.code;
        let mut out = Vec::new();
        for i in 0..c.local_names.len() {
            if !shown(c, i) {
                continue;
            }
            if let Some(v) = self.local(i) {
                out.push((c.local_names[i].clone(), v));
            }
        }
        out
    }
}

/// Whether a slot is among a frame's locals: a class body's free variables are not (`frame_get_var`,
/// `Objects/frameobject.c`).
fn shown(code: &Code, slot: usize) -> bool {
    let c = &code.canonical;
    c.flags.contains(CodeFlags::OPTIMIZED) || !c.localspluskinds[slot].contains(LocalKind::FREE)
}

/// `locals()` of a live frame: the namespace, or a new dict.
///
/// # Safety
/// `f` is a live frame.
pub unsafe fn locals_of(vm: &mut Vm, f: *mut Frame) -> PyResult {
    // SAFETY: by the caller's promise.
    unsafe {
        if (*f).namespace != 0 && !may_hide_locals((*f).running) {
            return Ok(value_of((*f).namespace));
        }
        let o = object_of(f);
        if (*f).namespace != 0 && !has_hidden(&o) {
            return Ok(value_of((*f).namespace));
        }
        let d = Dict::new_object();
        for (k, v) in o.locals() {
            d.store_str(&k, v);
        }
        if let Some(extra) = &*o.extra.borrow() {
            for (k, v) in extra.pairs() {
                d.set_item(vm, &k, v)?;
            }
        }
        Ok(d.into())
    }
}

/// Whether a module or class body has comprehensions inlined in it (PEP 709), whose variables are locals that its
/// namespace does not know.
unsafe fn may_hide_locals(running: *const crate::vm::running::Running) -> bool {
    // SAFETY: a live frame's code is alive.
    let code = unsafe { &*(*running).code };
    code.canonical.localspluskinds.iter().any(|k| k.contains(taipan_bytecode::LocalKind::HIDDEN))
}

/// Whether one of those variables has a value: then the frame's locals are these (`_PyFrame_HasHiddenLocals`).
fn has_hidden(o: &Py<FrameObject>) -> bool {
    let code = &o.code.canonical;
    let hidden = |name: &Py<Str>| {
        code.localsplusnames
            .iter()
            .zip(&code.localspluskinds)
            .any(|(n, k)| k.contains(taipan_bytecode::LocalKind::HIDDEN) && name.is_text(n))
    };
    o.locals().iter().any(|(name, _)| hidden(name))
}

fn frame(v: &Value) -> &Py<FrameObject> {
    v.downcast::<FrameObject>().expect("method of frame")
}

fn back(_: &mut Vm, v: &Value) -> PyResult {
    let o = frame(v);
    if let Some(f) = o.live() {
        // SAFETY: frames are live while linked.
        unsafe {
            // A generator that is not running was called by nobody; what `prev` says is left over.
            if (*f).flags & flags::GENERATOR != 0 {
                let g = crate::types::generator::Generator::of_frame(f);
                if g.state.get() != crate::types::generator::State::Running {
                    return Ok(none());
                }
            }
            let p = (*f).prev;
            return Ok(if p.is_null() || at_base(p) { none() } else { object_of(p).into() });
        }
    }
    Ok(o.back.borrow().clone().unwrap_or_else(none))
}

fn locals(vm: &mut Vm, v: &Value) -> PyResult {
    let o = frame(v);
    if !o.code.canonical.flags.contains(CodeFlags::OPTIMIZED) {
        if let Some(ns) = o.namespace().filter(|_| !has_hidden(o)) {
            return Ok(ns);
        }
    }
    Ok(crate::types::frame_locals::proxy(vm, o.clone()))
}

fn lineno(_: &mut Vm, v: &Value) -> PyResult {
    let o = frame(v);
    let line = o.line();
    // Line 0, which a module's first instruction has, counts as no line everywhere else.
    if line.is_none() && o.code.canonical.line_at(o.lasti().max(0) as usize) == Some(0) {
        return Ok(Value::small_unchecked(0));
    }
    Ok(line.map_or_else(none, |l| Value::from_usize(l as usize)))
}

fn set_lineno(vm: &mut Vm, v: &Value, x: Option<&Value>) -> PyResult<()> {
    crate::probe::jump_to_line(vm, frame(v), x)
}

fn clear(vm: &mut Vm, v: &Value) -> PyResult {
    let o = frame(v);
    if let Some(f) = o.live() {
        // SAFETY: the frame is live.
        unsafe {
            if (*f).flags & flags::GENERATOR != 0 {
                let g = crate::types::generator::Generator::of_frame(f);
                match g.state.get() {
                    crate::types::generator::State::Running => {}
                    crate::types::generator::State::Suspended => {
                        return Err(vm.runtime_error("cannot clear a suspended frame"));
                    }
                    _ => {
                        let owner = crate::types::generator::Generator::value_of_frame(f);
                        crate::types::generator::finalize(vm, &owner);
                        return Ok(none());
                    }
                }
            }
        }
        return Err(vm.runtime_error("cannot clear an executing frame"));
    }
    let dead = (std::mem::take(&mut *o.saved.borrow_mut()), o.extra.borrow_mut().take());
    drop(dead);
    Ok(none())
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let o = frame(v);
    let file = vm.repr(o.code.filename.as_value())?;
    let line = o.line().map_or_else(|| "None".to_string(), |l| l.to_string());
    Ok(vm.new_str(&format!(
        "<frame at {:#x}, file {}, line {line}, code {}>",
        v.id(),
        file.to_rust(),
        o.code.name.to_rust()
    )))
}

fn generator(_: &mut Vm, v: &Value) -> PyResult {
    if let Some(f) = frame(v).live() {
        // SAFETY: the frame is live.
        unsafe {
            if (*f).flags & flags::GENERATOR != 0 {
                let g: *const crate::types::generator::Generator = crate::types::generator::Generator::of_frame(f);
                let word = g as usize
                    - std::mem::offset_of!(crate::object::value::Obj<crate::types::generator::Generator>, payload);
                return Ok(Value::from_header(word as *const Header));
            }
        }
    }
    Ok(none())
}

fn sizeof(_: &mut Vm, v: &Value) -> PyResult {
    let c = &frame(v).code.canonical;
    Ok(Value::from_usize(48 + 88 + 8 * (c.localsplusnames.len() + c.stacksize as usize)))
}

fn set_bool(vm: &mut Vm, x: Option<&Value>, cell: &Cell<bool>) -> PyResult<()> {
    match x {
        Some(x) if x.is_exact_bool() => {
            cell.set(x.is_static(&crate::types::singletons::TRUE));
            Ok(())
        }
        Some(_) => Err(vm.type_error("attribute value type must be bool")),
        None => Err(vm.type_error("can't delete numeric/char attribute")),
    }
}

/// The type `frame`.
pub static FRAME: TypeDef = TypeDef::new::<FrameObject>("frame")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(72, 8)
    .slots(Slots { repr: Some(repr), ..Slots::NONE })
    .methods(&[
        MethodDef::method("clear", "($self, /)", "Clear all references held by the frame.", NativeFn::F1(clear)),
        MethodDef::method(
            "__sizeof__",
            "($self, /)",
            "Return the size of the frame in memory, in bytes.",
            NativeFn::F1(sizeof),
        ),
    ])
    .getset(&[
        GetSetDef::get("f_back", "", back),
        GetSetDef::get("f_locals", "", locals),
        GetSetDef::get_set("f_lineno", "", lineno, set_lineno),
        GetSetDef::get("f_lasti", "", |_, v| Ok(Value::small_unchecked(frame(v).lasti() as i64))),
        GetSetDef::get("f_globals", "", |_, v| Ok(frame(v).function().globals.clone().into())),
        GetSetDef::get("f_builtins", "", |_, v| Ok(frame(v).function().builtins.clone().into())),
        GetSetDef::get("f_code", "", |_, v| Ok(frame(v).code.clone().into())),
        GetSetDef::get("f_generator", "", generator),
        GetSetDef::get_set("f_trace", "", |_, v| Ok(frame(v).trace.borrow().clone().unwrap_or_else(none)), set_trace),
        GetSetDef::get_set(
            "f_trace_lines",
            "",
            |_, v| Ok(crate::object::boolean(frame(v).trace_lines.get())),
            |vm, v, x| set_bool(vm, x, &frame(v).trace_lines),
        ),
        GetSetDef::get_set(
            "f_trace_opcodes",
            "",
            |_, v| Ok(crate::object::boolean(frame(v).trace_opcodes.get())),
            |vm, v, x| {
                if x.is_none() {
                    return Err(vm.attribute_error("f_trace_opcodes cannot be deleted"));
                }
                set_bool(vm, x, &frame(v).trace_opcodes)?;
                crate::probe::frame_trace_changed(vm, frame(v));
                Ok(())
            },
        ),
    ]);

fn set_trace(vm: &mut Vm, v: &Value, x: Option<&Value>) -> PyResult<()> {
    let o = frame(v);
    let old = o.trace.replace(x.filter(|x| !x.is_none()).cloned());
    drop(old);
    crate::probe::frame_trace_changed(vm, o);
    Ok(())
}
