//! `FrameLocalsProxy`: the write-through view of a function frame's locals (PEP 667).

use super::frame::FrameObject;
use crate::object::typedef::{CmpOp, MethodDef, NativeFn::*};
use crate::object::value::Frozen;
use crate::object::{Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, instance, none, not_implemented};
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// Payload of `FrameLocalsProxy`.
pub struct FrameLocals {
    frame: Py<FrameObject>,
}
crate::payload!(FrameLocals, FRAME_LOCALS, traverse(self, visit) { visit(self.frame.as_value()) }, clear(self) {});
impl Frozen for FrameLocals {}

/// A view of a frame's locals.
pub fn proxy(_: &mut Vm, frame: Py<FrameObject>) -> Value {
    instance::new(FrameLocals { frame }).into()
}

/// The type of the view.
pub static FRAME_LOCALS: TypeDef = TypeDef::new::<FrameLocals>("FrameLocalsProxy")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::MAPPING))
    .cpython_size(24, 0)
    .slots(Slots {
        len: Some(|vm, v| Ok(items(vm, v).len())),
        subscript: Some(subscript),
        set_subscript: Some(set_subscript),
        contains: Some(|vm, v, k| Ok(get(vm, v, k)?.is_some())),
        iter: Some(|vm, v| {
            let k = keys(vm, v)?;
            vm.iter(&k)
        }),
        repr: Some(|vm, v| {
            let d = as_dict(vm, v);
            vm.repr(d.as_value()).map(Into::into)
        }),
        richcmp: Some(|vm, a, b, op| {
            if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
                return Ok(not_implemented());
            }
            let other = match b.downcast::<FrameLocals>() {
                Some(o) => return Ok(boolean(o.frame.as_value().is(frame(a).as_value()) == (op == CmpOp::Eq))),
                None => b.clone(),
            };
            if other.downcast::<Dict>().is_none() {
                return Ok(not_implemented());
            }
            let d = as_dict(vm, a);
            vm.compare(d.as_value(), &other, op)
        }),
        hash: Some(crate::types::slots::not_hashable),
        new: Some(new),
        or: Some(|vm, a, b| {
            if !is_mapping(a) || !is_mapping(b) {
                return Ok(not_implemented());
            }
            let (a, b) = (to_mapping(vm, a), to_mapping(vm, b));
            vm.binary(crate::vm::ops::BinOp::Or, &a, &b)
        }),
        ior: Some(|vm, a, b| {
            if !is_mapping(b) {
                return Ok(not_implemented());
            }
            update(vm, a, b)?;
            Ok(a.clone())
        }),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("keys", "($self, /)", "", F1(keys)),
        MethodDef::method(
            "values",
            "($self, /)",
            "",
            F1(|vm, v| Ok(List::from_vec(items(vm, v).into_iter().map(|i| i.1).collect()).into())),
        ),
        MethodDef::method(
            "items",
            "($self, /)",
            "",
            F1(|vm, v| {
                Ok(List::from_vec(items(vm, v).into_iter().map(|(k, v)| Tuple::from_vec(vec![k, v]).into()).collect())
                    .into())
            }),
        ),
        MethodDef::method(
            "get",
            "($self, key, default=None, /)",
            "",
            N(|vm, a| {
                let key = a[1].clone().expect("required");
                Ok(get(vm, a[0].as_ref().expect("self"), &key)?.or_else(|| a[2].clone()).unwrap_or_else(none))
            }),
        ),
        MethodDef::method(
            "setdefault",
            "($self, key, default=None, /)",
            "",
            N(|vm, a| {
                let (me, key) = (a[0].clone().expect("self"), a[1].clone().expect("required"));
                if let Some(v) = get(vm, &me, &key)? {
                    return Ok(v);
                }
                let v = a[2].clone().unwrap_or_else(none);
                set_subscript(vm, &me, &key, Some(&v))?;
                Ok(v)
            }),
        ),
        MethodDef::method("pop", "($self, key, default=<unrepresentable>, /)", "", V(pop)),
        MethodDef::method(
            "update",
            "($self, other, /)",
            "",
            F2(|vm, a, b| {
                update(vm, a, b)?;
                Ok(none())
            }),
        ),
        MethodDef::method("copy", "($self, /)", "", F1(|vm, v| Ok(as_dict(vm, v).into()))),
        MethodDef::method(
            "__reversed__",
            "($self, /)",
            "",
            F1(|vm, v| {
                let mut k: Vec<Value> = items(vm, v).into_iter().map(|i| i.0).collect();
                k.reverse();
                Ok(List::from_vec(k).into())
            }),
        ),
    ]);

fn frame(v: &Value) -> &Py<FrameObject> {
    &v.downcast::<FrameLocals>().expect("method of FrameLocalsProxy").frame
}

fn items(vm: &mut Vm, v: &Value) -> Vec<(Value, Value)> {
    let f = frame(v);
    let mut out: Vec<(Value, Value)> = f.locals().into_iter().map(|(k, v)| (k.into(), v)).collect();
    if let Some(d) = &*f.extra.borrow() {
        out.extend(d.pairs());
    }
    let _ = vm;
    out
}

fn as_dict(vm: &mut Vm, v: &Value) -> Py<Dict> {
    let d = Dict::new_object();
    for (k, x) in items(vm, v) {
        if let Some(s) = k.downcast_exact::<Str>() {
            d.store_str(s, x);
        } else if d.set_item(vm, &k, x).is_err() {
            vm.clear_error();
        }
    }
    d
}

/// `FrameLocalsProxy(frame)`
fn new(vm: &mut Vm, _: &Py<crate::object::Type>, args: &Args<'_>) -> PyResult {
    if args.len() != 1 || args.has_keywords() {
        let n = args.len();
        return Err(vm.type_error(format!("FrameLocalsProxy expected 1 argument, got {n}")));
    }
    match args.pos()[0].downcast::<FrameObject>() {
        Some(f) => Ok(proxy(vm, f.clone())),
        None => {
            let name = args.pos()[0].class().payload.name();
            Err(vm.type_error(format!("expect frame, not {name}")))
        }
    }
}

fn is_mapping(v: &Value) -> bool {
    v.downcast::<FrameLocals>().is_some() || v.downcast::<Dict>().is_some()
}

/// The local that a key names: strings by their text, other objects by hash and equality.
fn local_index(vm: &mut Vm, f: &Py<FrameObject>, key: &Value) -> PyResult<Option<usize>> {
    let hash = vm.hash(key)?;
    if let Some(s) = key.downcast_exact::<Str>() {
        return Ok(f.find_local(s));
    }
    let code = f.code().clone();
    for name in &code.local_names {
        if vm.hash(name.as_value())? == hash && vm.eq(name.as_value(), key)? {
            return Ok(f.find_local(name));
        }
    }
    Ok(None)
}

fn to_mapping(vm: &mut Vm, v: &Value) -> Value {
    if v.downcast::<FrameLocals>().is_some() { as_dict(vm, v).into() } else { v.clone() }
}

fn keys(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(List::from_vec(items(vm, v).into_iter().map(|i| i.0).collect()).into())
}

fn get(vm: &mut Vm, v: &Value, key: &Value) -> PyResult<Option<Value>> {
    let f = frame(v).clone();
    if let Some(i) = local_index(vm, &f, key)? {
        if let Some(x) = f.local(i) {
            return Ok(Some(x));
        }
    }
    let extra = f.extra.borrow().clone();
    match extra {
        Some(d) => d.get_item(vm, key),
        None => Ok(None),
    }
}

fn subscript(vm: &mut Vm, v: &Value, key: &Value) -> PyResult {
    match get(vm, v, key)? {
        Some(x) => Ok(x),
        None => {
            let k = vm.repr(key)?.to_rust().into_owned();
            let m = vm.new_str(&format!("local variable '{k}' is not defined"));
            Err(vm.key_error(&m))
        }
    }
}

fn set_subscript(vm: &mut Vm, v: &Value, key: &Value, x: Option<&Value>) -> PyResult<()> {
    let f = frame(v).clone();
    let local = local_index(vm, &f, key)?;
    let Some(x) = x else {
        if local.is_some() {
            return Err(vm.value_error("cannot remove local variables from FrameLocalsProxy"));
        }
        let extra = f.extra.borrow().clone();
        let gone = match extra {
            Some(d) => d.del_item(vm, key)?.is_some(),
            None => false,
        };
        return if gone { Ok(()) } else { Err(vm.key_error(key)) };
    };
    match local {
        Some(i) => {
            f.set_local(i, x.clone());
            Ok(())
        }
        None => {
            let d = f.extra.borrow_mut().get_or_insert_with(Dict::new_object).clone();
            d.set_item(vm, key, x.clone())
        }
    }
}

fn pop(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.between(vm, "pop", 2, 3)?;
    let (me, key) = (&args.pos()[0], &args.pos()[1]);
    let f = frame(me).clone();
    if local_index(vm, &f, key)?.is_some() {
        return Err(vm.value_error("cannot remove local variables from FrameLocalsProxy"));
    }
    let extra = frame(me).extra.borrow().clone();
    let found = match extra {
        Some(d) => d.del_item(vm, key)?,
        None => None,
    };
    match (found, args.get(2)) {
        (Some(v), _) => Ok(v),
        (None, Some(d)) => Ok(d.clone()),
        (None, None) => Err(vm.key_error(key)),
    }
}

fn update(vm: &mut Vm, v: &Value, other: &Value) -> PyResult<()> {
    if !is_mapping(other) {
        return Err(vm.type_error("update() argument must be dict or another FrameLocalsProxy"));
    }
    for k in vm.mapping_keys(other)? {
        let x = vm.get_item(other, &k)?;
        set_subscript(vm, v, &k, Some(&x))?;
    }
    Ok(())
}
