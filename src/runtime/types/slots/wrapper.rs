//! `wrapper_descriptor` and `method-wrapper`: a slot of a builtin type seen as a method; and `__new__` of builtin types.

use super::table::{ROWS, Row, Wrap};
use crate::object::buffer::BufferRequest;
use crate::object::typedef::{CmpOp, GetAttrFn, Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, TypeObj, Value, boolean, instance, none,
    not_implemented,
};
use crate::types::hash::hash_address;
use crate::types::int::Int;
use crate::types::method::{BuiltinFunction, check_instance, reduce_getattr, text_or_none};
use crate::types::str::Str;
use crate::types::typeobject::{self, is_subtype, same};
use crate::vm::Vm;
use crate::vm::args::Args;

/// Payload of `wrapper_descriptor`.
pub struct WrapperDescriptor {
    /// Number of the row in the table.
    pub row: usize,
    /// The builtin type that has the slot.
    pub owner: &'static TypeObj,
}
crate::payload!(WrapperDescriptor, WRAPPER_DESCRIPTOR);
impl Frozen for WrapperDescriptor {}

impl WrapperDescriptor {
    fn row(&self) -> &'static Row {
        &ROWS[self.row]
    }
}

/// A wrapper descriptor for slot row `row` of `owner`.
pub fn new_wrapper(row: usize, owner: &'static TypeObj) -> Value {
    instance::new(WrapperDescriptor { row, owner }).into()
}

/// `wrapper_descriptor`.
pub static WRAPPER_DESCRIPTOR: TypeDef = TypeDef::new::<WrapperDescriptor>("wrapper_descriptor")
    .flags(TypeFlags::METHOD_DESCRIPTOR.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(56, 0)
    .slots(Slots {
        repr: Some(|vm, v| {
            let w = wrapper(v);
            Ok(vm.new_str(&format!("<slot wrapper '{}' of '{}' objects>", w.row().name, w.owner.payload.name())))
        }),
        call: Some(wrapper_call),
        descr_get: Some(wrapper_get),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "",
        NativeFn::F1(|vm, v| {
            let (owner, name) = (Py::of(wrapper(v).owner).into(), vm.intern(wrapper(v).row().name).into());
            reduce_getattr(vm, owner, name)
        }),
    )])
    .getset(&[
        GetSetDef::member("__objclass__", "", |_, v| Ok(Py::of(wrapper(v).owner).into())),
        GetSetDef::member("__name__", "", |vm, v| Ok(vm.intern(wrapper(v).row().name).into())),
        GetSetDef::get("__doc__", "", |vm, v| Ok(text_or_none(vm, wrapper(v).row().doc))),
        GetSetDef::get("__qualname__", "", |vm, v| Ok(qualname(vm, wrapper(v)))),
        GetSetDef::get("__text_signature__", "", |vm, v| Ok(text_or_none(vm, wrapper(v).row().signature))),
    ]);

fn wrapper(v: &Value) -> &WrapperDescriptor {
    v.downcast::<WrapperDescriptor>().expect("a slot wrapper")
}

fn qualname(vm: &mut Vm, w: &WrapperDescriptor) -> Value {
    vm.new_str(&format!("{}.{}", typeobject::short_name(w.owner), w.row().name))
}

/// Whether the value is `object.__getattribute__` or another wrapper of the generic attribute access.
pub fn is_generic_getattribute(v: &Value) -> bool {
    v.downcast::<WrapperDescriptor>().is_some_and(|w| {
        w.row().name == "__getattribute__"
            && w.owner
                .payload
                .slots()
                .getattr
                .is_some_and(|f| std::ptr::fn_addr_eq(f, crate::types::object::generic_getattr as GetAttrFn))
    })
}

fn wrapper_get(vm: &mut Vm, v: &Value, obj: Option<&Value>, _: Option<&Value>) -> PyResult {
    let Some(obj) = obj else { return Ok(v.clone()) };
    let w = v.downcast::<WrapperDescriptor>().expect("a slot wrapper").clone();
    check_instance(vm, w.row().name, w.owner, obj)?;
    Ok(instance::new(MethodWrapper { wrapper: w, self_value: obj.clone() }).into())
}

fn wrapper_call(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult {
    let w = v.downcast::<WrapperDescriptor>().expect("a slot wrapper").clone();
    let (row, owner) = (w.row(), w.owner);
    let Some(me) = args.get(0) else {
        let text = format!("descriptor '{}' of '{}' object needs an argument", row.name, owner.payload.name());
        return Err(vm.type_error(text));
    };
    if !is_subtype(me.class(), owner) {
        let (owner, got) = (owner.payload.name(), me.class().payload.name());
        let text = format!("descriptor '{}' requires a '{owner}' object but received a '{got}'", row.name);
        return Err(vm.type_error(text));
    }
    call_slot(vm, row, owner, me, &args.rest())
}

// ---- method-wrapper -------------------------------------------------------------------------------------------------

/// Payload of `method-wrapper`: a slot wrapper bound to its instance.
pub struct MethodWrapper {
    wrapper: Py<WrapperDescriptor>,
    self_value: Value,
}
// SAFETY: made by `TypeDef::new::<MethodWrapper>`; both values are visited.
unsafe impl Payload for MethodWrapper {
    const DEF: &'static TypeDef = &METHOD_WRAPPER;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(self.wrapper.as_value());
        visit(&self.self_value);
    }
}
impl Frozen for MethodWrapper {}

/// `method-wrapper`.
pub static METHOD_WRAPPER: TypeDef = TypeDef::new::<MethodWrapper>("method-wrapper")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots {
        repr: Some(|vm, v| {
            let m = bound(v);
            let (class, id) = (m.self_value.class().payload.name(), m.self_value.id());
            Ok(vm.new_str(&format!("<method-wrapper '{}' of {class} object at {id:#x}>", m.wrapper.row().name)))
        }),
        hash: Some(|_, v| {
            let m = bound(v);
            let h = hash_address(m.self_value.id()) ^ hash_address(m.wrapper.as_value().id());
            Ok(if h == -1 { -2 } else { h })
        }),
        call: Some(|vm, v, args| {
            let m = v.downcast::<MethodWrapper>().expect("a method wrapper").clone();
            call_slot(vm, m.wrapper.row(), m.wrapper.owner, &m.self_value, args)
        }),
        richcmp: Some(method_wrapper_compare),
        ..Slots::NONE
    })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "",
        NativeFn::F1(|vm, v| {
            let (me, name) = (bound(v).self_value.clone(), vm.intern(bound(v).wrapper.row().name).into());
            reduce_getattr(vm, me, name)
        }),
    )])
    .getset(&[
        GetSetDef::member("__self__", "", |_, v| Ok(bound(v).self_value.clone())),
        GetSetDef::get("__objclass__", "", |_, v| Ok(Py::of(bound(v).wrapper.owner).into())),
        GetSetDef::get("__name__", "", |vm, v| Ok(vm.intern(bound(v).wrapper.row().name).into())),
        GetSetDef::get("__qualname__", "", |vm, v| Ok(qualname(vm, &bound(v).wrapper))),
        GetSetDef::get("__doc__", "", |vm, v| Ok(text_or_none(vm, bound(v).wrapper.row().doc))),
        GetSetDef::get("__text_signature__", "", |vm, v| Ok(text_or_none(vm, bound(v).wrapper.row().signature))),
    ]);

fn bound(v: &Value) -> &MethodWrapper {
    v.downcast::<MethodWrapper>().expect("a method wrapper")
}

fn method_wrapper_compare(_: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    let Some(y) = b.downcast::<MethodWrapper>() else { return Ok(not_implemented()) };
    let x = bound(a);
    let equal = x.wrapper.as_value().is(y.wrapper.as_value()) && x.self_value.is(&y.self_value);
    Ok(match op {
        CmpOp::Eq => boolean(equal),
        CmpOp::Ne => boolean(!equal),
        _ => not_implemented(),
    })
}

// ---- calling a slot with Python arguments ---------------------------------------------------------------------------

/// Demands `n` positional arguments after `self`.
fn exactly<'a>(vm: &mut Vm, args: &Args<'a>, n: usize) -> PyResult<&'a [Value]> {
    if args.len() == n {
        return Ok(args.pos());
    }
    let s = if n == 1 { "" } else { "s" };
    Err(vm.type_error(format!("expected {n} argument{s}, got {}", args.len())))
}

fn between(vm: &mut Vm, args: &Args<'_>, name: &str, min: usize, max: usize) -> PyResult<()> {
    let name = if name.is_empty() { String::new() } else { format!("{name} ") };
    if args.len() < min {
        let s = if min == 1 { "" } else { "s" };
        return Err(vm.type_error(format!("{name}expected at least {min} argument{s}, got {}", args.len())));
    }
    if args.len() > max {
        let s = if max == 1 { "" } else { "s" };
        return Err(vm.type_error(format!("{name}expected at most {max} argument{s}, got {}", args.len())));
    }
    Ok(())
}

/// An index counted from the end when negative.
fn sequence_index(vm: &mut Vm, slots: &Slots, me: &Value, v: &Value) -> PyResult<isize> {
    let i = vm.to_isize(v)?;
    match slots.len {
        Some(len) if i < 0 => Ok(i + len(vm, me)? as isize),
        _ => Ok(i),
    }
}

/// A name argument, interned.
fn attribute_name(vm: &mut Vm, v: &Value) -> PyResult<Py<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(crate::types::str::intern::intern(s.clone())),
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("attribute name must be string, not '{name}'")))
        }
    }
}

/// Refuses `object.__setattr__(cls, …)` and the like, which would jump over a builtin base's own function.
fn check_not_jumping(vm: &mut Vm, me: &Value, owner: &TypeObj, what: &str) -> PyResult<()> {
    let own = owner.payload.slots().setattr;
    let mut t = Some(me.class());
    while let Some(class) = t {
        if same(class, owner) {
            return Ok(());
        }
        if !class.payload.has(TypeFlags::HEAP) {
            let same_function = match (own, class.payload.slots().setattr) {
                (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
                _ => true,
            };
            if same_function {
                return Ok(());
            }
            let name = me.class().payload.name();
            return Err(vm.type_error(format!("can't apply this {what} to {name} object")));
        }
        t = typeobject::base_of(class);
    }
    Ok(())
}

/// Calls the slot of `owner` that `row` names.
pub fn call_slot(vm: &mut Vm, row: &'static Row, owner: &'static TypeObj, me: &Value, args: &Args<'_>) -> PyResult {
    let slots = owner.payload.slots();
    let keywords_allowed = matches!(row.wrap, Wrap::Call(_) | Wrap::Init(_));
    if args.has_keywords() && !keywords_allowed {
        return Err(vm.type_error(format!("wrapper {}() takes no keyword arguments", row.name)));
    }
    match row.wrap {
        Wrap::Call(f) => require(vm, row, f(slots))?(vm, me, args),
        Wrap::Init(f) => require(vm, row, f(slots))?(vm, me, args).map(|()| none()),
        Wrap::Unary(f) => {
            exactly(vm, args, 0)?;
            require(vm, row, f(slots))?(vm, me)
        }
        Wrap::Binary(f) => {
            let a = exactly(vm, args, 1)?;
            require(vm, row, f(slots))?(vm, me, &a[0])
        }
        Wrap::Reflected(f) => {
            let a = exactly(vm, args, 1)?;
            require(vm, row, f(slots))?(vm, &a[0], me)
        }
        Wrap::Compare(f, op) => {
            let a = exactly(vm, args, 1)?;
            require(vm, row, f(slots))?(vm, me, &a[0], op)
        }
        _ => call_other_slot(vm, row, slots, owner, me, args),
    }
}

/// The function, or a `TypeError` (a row without its slot is a bug of ours).
fn require<F>(vm: &mut Vm, row: &Row, f: Option<F>) -> PyResult<F> {
    f.ok_or_else(|| vm.system_error(format!("slot wrapper {} without its slot", row.name)))
}

fn call_other_slot(
    vm: &mut Vm,
    row: &'static Row,
    slots: &'static Slots,
    owner: &'static TypeObj,
    me: &Value,
    args: &Args<'_>,
) -> PyResult {
    match row.wrap {
        Wrap::Power(f) | Wrap::PowerReflected(f) => {
            if !(1..=2).contains(&args.len()) {
                let n = args.len();
                return Err(vm.type_error(format!("expected 1 or 2 arguments, got {n}")));
            }
            let f = require(vm, row, f(slots))?;
            let (other, m) = (&args.pos()[0], args.get(1).filter(|m| !m.is_none()));
            if matches!(row.wrap, Wrap::Power(_)) { f(vm, me, other, m) } else { f(vm, other, me, m) }
        }
        Wrap::Inquiry(f) => {
            exactly(vm, args, 0)?;
            require(vm, row, f(slots))?(vm, me).map(boolean)
        }
        Wrap::Len(f) => {
            exactly(vm, args, 0)?;
            require(vm, row, f(slots))?(vm, me).map(|n| Int::from_i64(n as i64))
        }
        Wrap::Hash(f) => {
            exactly(vm, args, 0)?;
            require(vm, row, f(slots))?(vm, me).map(Int::from_i64)
        }
        Wrap::Contains(f) => {
            let a = exactly(vm, args, 1)?;
            require(vm, row, f(slots))?(vm, me, &a[0]).map(boolean)
        }
        Wrap::Next(f) => {
            exactly(vm, args, 0)?;
            match require(vm, row, f(slots))?(vm, me)? {
                Some(v) => Ok(v),
                None => Err(vm.stop_iteration(None)),
            }
        }
        Wrap::Del(f) => {
            exactly(vm, args, 0)?;
            require(vm, row, f(slots))?(vm, me);
            Ok(none())
        }
        Wrap::Repeat(_) | Wrap::Item(_) | Wrap::SetItem(_) | Wrap::DelItem(_) => {
            call_sequence_slot(vm, row, slots, me, args)
        }
        Wrap::SetSubscript(f) => {
            let a = exactly(vm, args, 2)?;
            require(vm, row, f(slots))?(vm, me, &a[0], Some(&a[1])).map(|()| none())
        }
        Wrap::DelSubscript(f) => {
            let a = exactly(vm, args, 1)?;
            require(vm, row, f(slots))?(vm, me, &a[0], None).map(|()| none())
        }
        Wrap::Buffer(f) => {
            let a = exactly(vm, args, 1)?;
            let flags = vm.to_i64(&a[0])?;
            let f = require(vm, row, f(slots))?;
            // This class's own slot, not that of the object's class, which may be the one that asks.
            let base = f(vm, me, BufferRequest { writable: flags & 1 != 0 })?;
            Ok(crate::types::memoryview::of_export(base))
        }
        Wrap::ReleaseBuffer => {
            let a = exactly(vm, args, 1)?;
            crate::types::memoryview::release::release_of(vm, me, &a[0])
        }
        _ => call_attribute_slot(vm, row, slots, owner, me, args),
    }
}

fn call_sequence_slot(vm: &mut Vm, row: &Row, slots: &Slots, me: &Value, args: &Args<'_>) -> PyResult {
    match row.wrap {
        Wrap::Repeat(f) => {
            let a = exactly(vm, args, 1)?;
            let n = vm.to_isize(&a[0])?;
            require(vm, row, f(slots))?(vm, me, n)
        }
        Wrap::Item(f) => {
            let a = exactly(vm, args, 1)?;
            let i = sequence_index(vm, slots, me, &a[0])?;
            require(vm, row, f(slots))?(vm, me, i)
        }
        Wrap::SetItem(f) => {
            let a = exactly(vm, args, 2)?;
            let i = sequence_index(vm, slots, me, &a[0])?;
            require(vm, row, f(slots))?(vm, me, i, Some(&a[1])).map(|()| none())
        }
        Wrap::DelItem(f) => {
            let a = exactly(vm, args, 1)?;
            let i = sequence_index(vm, slots, me, &a[0])?;
            require(vm, row, f(slots))?(vm, me, i, None).map(|()| none())
        }
        _ => Err(vm.system_error(format!("{} is not a sequence slot", row.name))),
    }
}

fn call_attribute_slot(
    vm: &mut Vm,
    row: &Row,
    slots: &Slots,
    owner: &TypeObj,
    me: &Value,
    args: &Args<'_>,
) -> PyResult {
    match row.wrap {
        Wrap::GetAttr(f) => {
            let a = exactly(vm, args, 1)?;
            let name = attribute_name(vm, &a[0])?;
            require(vm, row, f(slots))?(vm, me, &name)
        }
        Wrap::SetAttr(f) => {
            let a = exactly(vm, args, 2)?;
            let name = attribute_name(vm, &a[0])?;
            check_not_jumping(vm, me, owner, "__setattr__")?;
            require(vm, row, f(slots))?(vm, me, &name, Some(&a[1])).map(|()| none())
        }
        Wrap::DelAttr(f) => {
            let a = exactly(vm, args, 1)?;
            let name = attribute_name(vm, &a[0])?;
            check_not_jumping(vm, me, owner, "__delattr__")?;
            require(vm, row, f(slots))?(vm, me, &name, None).map(|()| none())
        }
        Wrap::Get(f) => {
            between(vm, args, "__get__", 1, 2)?;
            let (obj, class) = (args.get(0).filter(|o| !o.is_none()), args.get(1).filter(|c| !c.is_none()));
            if obj.is_none() && class.is_none() {
                return Err(vm.type_error("__get__(None, None) is invalid"));
            }
            require(vm, row, f(slots))?(vm, me, obj, class)
        }
        Wrap::Set(f) => {
            let a = exactly(vm, args, 2)?;
            require(vm, row, f(slots))?(vm, me, &a[0], Some(&a[1])).map(|()| none())
        }
        Wrap::Delete(f) => {
            let a = exactly(vm, args, 1)?;
            require(vm, row, f(slots))?(vm, me, &a[0], None).map(|()| none())
        }
        _ => Err(vm.system_error(format!("slot {} has no wrapper", row.name))),
    }
}

// ---- __new__ of builtin types ---------------------------------------------------------------------------------------

/// The row behind every builtin type's `__new__`; the type is passed first.
pub static NEW: MethodDef = MethodDef {
    name: "__new__",
    signature: "($type, *args, **kwargs)",
    doc: "Create and return a new object.  See help(type) for accurate signature.",
    function: NativeFn::V(call_new),
    binding: crate::object::typedef::Binding::Method,
};

/// `__new__` of a builtin type, as it stands in the type's dictionary.
pub fn new_function(owner: &'static TypeObj) -> Value {
    BuiltinFunction::of_type(&NEW, owner, Some(Py::of(owner).into())).into()
}

/// The builtin type whose `__new__` this is.
pub fn owner_of_new(f: &BuiltinFunction) -> Option<&'static TypeObj> {
    if std::ptr::eq(f.def, &NEW) { f.owner } else { None }
}

fn call_new(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let Some(owner) = args.get(0).and_then(typeobject::as_class).cloned() else {
        return Err(vm.system_error("__new__ without its type"));
    };
    let owner = owner.get_type();
    let name = owner.payload.name();
    let Some(class) = args.get(1) else {
        return Err(vm.type_error(format!("{name}.__new__(): not enough arguments")));
    };
    let Some(class) = typeobject::as_class(class).cloned() else {
        let got = class.class().payload.name();
        return Err(vm.type_error(format!("{name}.__new__(X): X is not a type object ({got})")));
    };
    let t = class.get_type();
    if !is_subtype(t, owner) {
        let got = t.payload.name();
        return Err(vm.type_error(format!("{name}.__new__({got}): {got} is not a subtype of {name}")));
    }
    // `object.__new__(list)` would make an object that is no list: the nearest builtin base must have the same `__new__`.
    let builtin = typeobject::builtin_base(t).object();
    let own = owner.payload.slots().new;
    let same_function = match (own, builtin.payload.slots().new) {
        (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
        (None, None) => true,
        _ => false,
    };
    if t.payload.has(crate::object::TypeFlags::DISALLOW_INSTANTIATION) {
        return Err(vm.type_error(format!("cannot create '{}' instances", t.payload.name())));
    }
    if !same_function {
        let (got, base) = (t.payload.name(), builtin.payload.name());
        return Err(vm.type_error(format!("{name}.__new__({got}) is not safe, use {base}.__new__()")));
    }
    match own {
        Some(new) => new(vm, &class, &args.skip(2)),
        None => Err(vm.type_error(format!("cannot create '{name}' instances"))),
    }
}
