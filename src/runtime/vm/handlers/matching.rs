//! `match` statements (PEP 634).

use super::arith::bool_word;
use crate::object::{Py, PyResult, TypeFlags, Value, none};
use crate::types::dict::Dict;
use crate::types::exceptions as exc;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::typeobject;
use crate::vm::frame::{release, strip, value_of};
use crate::vm::running::Unit;
use crate::vm::{Vm, Word};

handler!(
/// `MATCH_SEQUENCE`
match_sequence(ip, sp, fp, vm, t) {
    *sp = bool_word(has_flag(*sp.sub(1), TypeFlags::SEQUENCE));
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

handler!(
/// `MATCH_MAPPING`
match_mapping(ip, sp, fp, vm, t) {
    *sp = bool_word(has_flag(*sp.sub(1), TypeFlags::MAPPING));
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

unsafe fn has_flag(w: Word, flag: TypeFlags) -> bool {
    // SAFETY: a live word.
    unsafe {
        let w = strip(w);
        Value::ref_from_word(&w).class().payload.has(flag)
    }
}

slow_handler!(
    /// `MATCH_KEYS`: subject, keys; pushes a tuple of values or `None`.
    match_keys, 1, keys);
unsafe fn keys(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (s, k) = (value_of(*sp.sub(2)), value_of(*sp.sub(1)));
        match lookup_keys(vm, &s, k.downcast_unchecked::<Tuple>()) {
            Ok(v) => {
                *sp = v.into_word();
                sp.add(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

fn lookup_keys(vm: &mut Vm, subject: &Value, keys: &Py<Tuple>) -> PyResult {
    let seen = Dict::new_object();
    let get = crate::types::str::intern::intern_str("get");
    let get = if subject.is_exact::<Dict>() { None } else { Some(vm.get_attr(subject, &get)?) };
    let absent: Value = Dict::new_object().into();
    let mut values = Vec::with_capacity(keys.len());
    for k in keys.items() {
        if seen.get_item(vm, k)?.is_some() {
            let k = vm.repr(k)?.to_rust().into_owned();
            return Err(vm.value_error(format!("mapping pattern checks duplicate key ({k})")));
        }
        seen.set_item(vm, k, none())?;
        let v = match (&get, subject.downcast::<Dict>()) {
            (None, Some(d)) => d.get_item(vm, k)?,
            (Some(get), _) => {
                let v = vm.call(get, &[k.clone(), absent.clone()])?;
                if v.is(&absent) { None } else { Some(v) }
            }
            (None, None) => None,
        };
        match v {
            Some(v) => values.push(v),
            None => return Ok(none()),
        }
    }
    Ok(Tuple::from_vec(values).into())
}

slow_handler!(
    /// `MATCH_CLASS`: subject, class, names of keyword patterns; leaves a tuple of attributes or `None`.
    match_class, 1, class);
unsafe fn class(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (s, c, n) = (value_of(*sp.sub(3)), value_of(*sp.sub(2)), value_of(*sp.sub(1)));
        match class_attributes(vm, &s, &c, (*ip).arg as usize, n.downcast_unchecked::<Tuple>()) {
            Ok(v) => {
                for i in 1..=3 {
                    release(*sp.sub(i));
                }
                *sp.sub(3) = v.into_word();
                sp.sub(2)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

fn class_attributes(vm: &mut Vm, subject: &Value, class: &Value, positional: usize, names: &Py<Tuple>) -> PyResult {
    if !class.class().payload.has(TypeFlags::TYPE_SUBCLASS) {
        return Err(vm.type_error("called match pattern must be a class"));
    }
    if !vm.is_instance(subject, class)? {
        return Ok(none());
    }
    let class_name = typeobject::name_of(class);
    let mut seen: Vec<Py<Str>> = Vec::new();
    let mut out = Vec::new();
    let mut self_pattern = false;
    if positional > 0 {
        let match_args = crate::types::str::intern::intern_str("__match_args__");
        let args = match vm.get_attr_opt(class, &match_args)? {
            Some(a) => match a.downcast_exact::<Tuple>() {
                Some(t) => t.clone(),
                None => {
                    let name = a.class().payload.name();
                    return Err(vm.type_error(format!("{class_name}.__match_args__ must be a tuple (got {name})")));
                }
            },
            None => {
                self_pattern = typeobject::has_flag(class, TypeFlags::MATCH_SELF);
                Tuple::empty()
            }
        };
        let allowed = if self_pattern { 1 } else { args.len() };
        if allowed < positional {
            let s = if allowed == 1 { "" } else { "s" };
            return Err(vm.type_error(format!(
                "{class_name}() accepts {allowed} positional sub-pattern{s} ({positional} given)"
            )));
        }
        if self_pattern {
            out.push(subject.clone());
        } else {
            for a in &args.items()[..positional] {
                let Some(name) = a.downcast_exact::<Str>() else {
                    let t = a.class().payload.name();
                    return Err(vm.type_error(format!("__match_args__ elements must be strings (got {t})")));
                };
                match attribute(vm, subject, name, &class_name, &mut seen)? {
                    Some(v) => out.push(v),
                    None => return Ok(none()),
                }
            }
        }
    }
    for n in names.items() {
        let Some(name) = n.downcast_exact::<Str>() else { continue };
        match attribute(vm, subject, name, &class_name, &mut seen)? {
            Some(v) => out.push(v),
            None => return Ok(none()),
        }
    }
    Ok(Tuple::from_vec(out).into())
}

fn attribute(
    vm: &mut Vm,
    subject: &Value,
    name: &Py<Str>,
    class: &str,
    seen: &mut Vec<Py<Str>>,
) -> PyResult<Option<Value>> {
    if seen.iter().any(|s| s.same(name)) {
        let n = vm.repr(name.as_value())?.to_rust().into_owned();
        return Err(vm.type_error(format!("{class}() got multiple sub-patterns for attribute {n}")));
    }
    seen.push(name.clone());
    let name = crate::types::str::intern::intern(name.clone());
    let r = vm.get_attr(subject, &name);
    vm.suppress(r, &exc::ATTRIBUTE_ERROR)
}
