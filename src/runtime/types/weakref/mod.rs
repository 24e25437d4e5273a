//! `weakref.ref`: a reference that does not keep its target alive; `proxy` has the proxies.
//!
//! Which weak references an object has is written beside the object (`object::weak`); here is the reference itself. All
//! three types share one payload. When the target ends, the reference is cleared, then its callback runs once.

pub mod proxy;

use crate::name;
use crate::object::header::Header;
use crate::object::typedef::{CmpOp, Payload, Visit};
use crate::object::value::{Frozen, Obj};
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented, weak,
};
use crate::types::generic_alias::class_getitem;
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::Args;
use std::cell::{Cell, RefCell};

/// Payload of weak references and proxies.
pub struct WeakRef {
    /// The target, not counted; null when it has ended.
    target: Cell<*const Header>,
    callback: RefCell<Option<Value>>,
    /// Hash of the target, once asked for; -1 before.
    hash: Cell<i64>,
}

// SAFETY: made by `TypeDef::new::<WeakRef>`; the callback is the only owned value.
unsafe impl Payload for WeakRef {
    const DEF: &'static TypeDef = &REF;
    fn traverse(&self, visit: &mut Visit<'_>) {
        self.callback.borrow().iter().for_each(visit);
    }
    /// The collector clears references that are garbage themselves, so their callbacks never run.
    fn clear(&mut self) {
        self.unlink();
        drop(self.callback.get_mut().take());
    }
}
impl Frozen for WeakRef {}

impl Drop for WeakRef {
    fn drop(&mut self) {
        self.unlink();
    }
}

impl WeakRef {
    /// The payload of a weak reference object.
    ///
    /// # Safety
    /// `h` is a live weak reference object.
    pub unsafe fn at<'a>(h: *const Header) -> &'a WeakRef {
        // SAFETY: by the caller's promise (I3).
        unsafe { &(*h.cast::<Obj<WeakRef>>()).payload }
    }
    /// Whether a callback waits for the target's end.
    pub fn has_callback(&self) -> bool {
        self.callback.borrow().is_some()
    }
    /// Notes that the target has ended.
    pub fn forget_target(&self) {
        self.target.set(std::ptr::null());
    }
    /// The target, unless it has ended.
    pub fn target(&self) -> Option<Value> {
        let h = self.target.get();
        // SAFETY: the reference is cleared before its target ends; one whose count is 0 is ending.
        unsafe { (!h.is_null() && (*h).rc.get() != 0).then(|| Value::from_header(h)) }
    }
    fn header(&self) -> *const Header {
        (self as *const WeakRef).cast::<u8>().wrapping_sub(std::mem::offset_of!(Obj<WeakRef>, payload)).cast()
    }
    fn unlink(&self) {
        let target = self.target.replace(std::ptr::null());
        if !target.is_null() {
            weak::unregister(target, self.header());
        }
    }
}

/// `weakref.ref`.
pub static REF: TypeDef = TypeDef::new::<WeakRef>("weakref.ReferenceType")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(64, 0)
    .slots(Slots {
        repr: Some(|vm, v| repr(vm, v, "weakref")),
        hash: Some(hash),
        call: Some(call),
        richcmp: Some(compare),
        init: Some(init),
        new: Some(new),
        ..Slots::NONE
    })
    .methods(&[MethodDef::class("__class_getitem__", "($type, object, /)", "See PEP 585", NativeFn::F2(class_getitem))])
    .getset(&[GetSetDef::member("__callback__", "", |_, v| {
        let callback = this(v).callback.borrow().clone();
        Ok(callback.filter(|_| this(v).target().is_some()).unwrap_or_else(none))
    })]);

fn this(v: &Value) -> &WeakRef {
    v.downcast::<WeakRef>().expect("a weak reference")
}

/// A weak reference of `class` to `target`. One of exactly the builtin class without a callback is shared.
pub fn make(vm: &mut Vm, class: &Py<Type>, target: &Value, callback: Option<Value>) -> PyResult {
    if target.is_small() || !target.class().payload.has(TypeFlags::WEAKREFABLE) {
        let name = target.class().payload.name();
        return Err(vm.type_error(format!("cannot create weak reference to '{name}' object")));
    }
    let shareable = callback.is_none() && !class.get_type().payload.has(TypeFlags::HEAP);
    if shareable {
        let known = weak::references(target)
            .into_iter()
            .find(|w| std::ptr::eq(w.as_value().class(), class.get_type()) && !w.has_callback());
        if let Some(w) = known {
            return Ok(w.into());
        }
    }
    let payload = WeakRef { target: Cell::new(target.as_ptr()), callback: RefCell::new(callback), hash: Cell::new(-1) };
    let w = instance::new_of(class, payload);
    weak::register(target, &w);
    Ok(w.into())
}

/// Runs the callback of a reference that was cleared because its target ended; what it raises is reported.
pub fn call_callback(vm: &mut Vm, w: &Py<WeakRef>) {
    let Some(callback) = w.callback.borrow_mut().take() else { return };
    vm.aside(|vm| {
        if vm.call1(&callback, w.as_value()).is_err() {
            vm.unraisable(Some(&callback), Some("Exception ignored while calling weakref callback"));
        }
    });
}

fn arguments(vm: &mut Vm, args: &Args<'_>, function: &str) -> PyResult<(Value, Option<Value>)> {
    let n = args.len();
    match args.pos() {
        [target] => Ok((target.clone(), None)),
        [target, callback] => Ok((target.clone(), Some(callback.clone()).filter(|c| !c.is_none()))),
        [] => Err(vm.type_error(format!("{function} expected at least 1 argument, got 0"))),
        _ => Err(vm.type_error(format!("{function} expected at most 2 arguments, got {n}"))),
    }
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let (target, callback) = arguments(vm, args, "__new__")?;
    make(vm, class, &target, callback)
}

fn init(vm: &mut Vm, _: &Value, args: &Args<'_>) -> PyResult<()> {
    args.no_keywords(vm, "ref")?;
    arguments(vm, args, "__init__").map(drop)
}

fn repr(vm: &mut Vm, v: &Value, kind: &str) -> PyResult {
    let at = v.id();
    let Some(target) = this(v).target() else { return Ok(vm.new_str(&format!("<{kind} at {at:#x}; dead>"))) };
    let class = target.class().payload.name();
    let name = if kind == "weakref" { vm.get_attr_opt(&target, name!("__name__"))? } else { None };
    let name = name.as_ref().and_then(|n| n.downcast::<Str>()).map(|n| format!(" ({})", n.to_rust()));
    Ok(vm.new_str(&format!("<{kind} at {at:#x}; to '{class}' at {:#x}{}>", target.id(), name.unwrap_or_default())))
}

fn hash(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let known = this(v).hash.get();
    if known != -1 {
        return Ok(known);
    }
    let Some(target) = this(v).target() else { return Err(vm.type_error("weak object has gone away")) };
    let h = vm.hash(&target)?;
    this(v).hash.set(h);
    Ok(h)
}

fn call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "weakref")?;
    if args.len() != 0 {
        let n = args.len();
        return Err(vm.type_error(format!("weakref expected 0 arguments, got {n}")));
    }
    Ok(this(v).target().unwrap_or_else(none))
}

/// Live references compare as their targets, dead ones by identity.
fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) || !vm.is_kind(b, &REF) || !vm.is_kind(a, &REF) {
        return Ok(not_implemented());
    }
    match (this(a).target(), this(b).target()) {
        (Some(x), Some(y)) => vm.compare(&x, &y, op),
        _ => Ok(boolean(a.is(b) == (op == CmpOp::Eq))),
    }
}
