//! Making containers and strings, and taking sequences apart.

use super::arith::{quicken, type_of, warm};
use super::opcode as op;
use super::stack::end_2;
use crate::object::value::Obj;
use crate::object::{PyResult, TypeObj, Value, none};
use crate::types::dict::Dict;
use crate::types::exceptions as exc;
use crate::types::list::{LIST, List};
use crate::types::set::Set;
use crate::types::slice::Slice;
use crate::types::str::Str;
use crate::types::tuple::{TUPLE, Tuple};
use crate::vm::frame::{keep, owned, release, strip, value_of};
use crate::vm::running::Unit;
use crate::vm::{Vm, Word};

/// Makes the top `n` words owned, so that they can move into a container.
#[inline(always)]
unsafe fn keep_all(sp: *mut Word, n: usize) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let first = sp.sub(n);
        for i in 0..n {
            *first.add(i) = keep(*first.add(i));
        }
        first
    }
}

handler!(
/// `BUILD_LIST`
build_list(ip, sp, fp, vm, t) {
    let n = (*ip).arg as usize;
    save!(vm, ip, sp);
    let first = keep_all(sp, n);
    let mut items: crate::object::buf::Buf<Value> = crate::object::buf::Buf::with_capacity(n);
    std::ptr::copy_nonoverlapping(first.cast::<Value>(), items.as_ptr().cast_mut(), n);
    items.set_len(n);
    *first = crate::object::instance::new(List { items }).into_value().into_word();
    next!(ip.add(1), first.add(1), fp, vm, t)
});

handler!(
/// `BUILD_TUPLE`
build_tuple(ip, sp, fp, vm, t) {
    let n = (*ip).arg as usize;
    save!(vm, ip, sp);
    let first = keep_all(sp, n);
    *first = if n == 0 { Tuple::empty() } else { Tuple::from_raw(first.cast::<Value>(), n) }.into_value().into_word();
    next!(ip.add(1), first.add(1), fp, vm, t)
});

slow_handler!(
    /// `BUILD_SET`
    build_set, 1, set);
unsafe fn set(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the items stay on the stack through the call.
    unsafe {
        let n = (*ip).arg as usize;
        let items: Vec<Value> = (0..n).map(|i| value_of(*sp.sub(n - i))).collect();
        match vm.new_set(&items) {
            Ok(s) => {
                for i in 1..=n {
                    release(*sp.sub(i));
                }
                *sp.sub(n) = s.into_word();
                sp.sub(n).add(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `BUILD_MAP`
    build_map, 1, map);
unsafe fn map(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the items stay on the stack through the call.
    unsafe {
        let n = 2 * (*ip).arg as usize;
        let d = Dict::new_object();
        for i in (0..n).step_by(2) {
            let k = value_of(*sp.sub(n - i));
            if d.set_item(vm, &k, value_of(*sp.sub(n - i - 1))).is_err() {
                return std::ptr::null_mut();
            }
        }
        for i in 1..=n {
            release(*sp.sub(i));
        }
        *sp.sub(n) = d.into_value().into_word();
        sp.sub(n).add(1)
    }
}

handler!(
/// `BUILD_SLICE`
build_slice(ip, sp, fp, vm, t) {
    let n = (*ip).arg as usize;
    let step = if n == 3 { Value::from_word(keep(*sp.sub(1))) } else { none() };
    let stop = Value::from_word(keep(*sp.sub(n - 1)));
    let start = Value::from_word(keep(*sp.sub(n)));
    *sp.sub(n) = Slice::new_object(start, stop, step).into_value().into_word();
    next!(ip.add(1), sp.sub(n).add(1), fp, vm, t)
});

handler!(
/// `BUILD_STRING` (all operands are exact strings)
build_string(ip, sp, fp, vm, t) {
    let n = (*ip).arg as usize;
    save!(vm, ip, sp);
    let r = join(sp, n);
    *sp.sub(n) = r;
    next!(ip.add(1), sp.sub(n).add(1), fp, vm, t)
});

#[inline(never)]
unsafe fn join(sp: *mut Word, n: usize) -> Word {
    // SAFETY: the operands are live strings; they are released after use.
    unsafe {
        let words: smallvec::SmallVec<[Word; 8]> = (0..n).map(|i| strip(*sp.sub(n - i))).collect();
        let parts: smallvec::SmallVec<[&Str; 8]> =
            words.iter().map(|w| &**Value::ref_from_word(w).downcast_unchecked::<Str>()).collect();
        let r = Str::join(&crate::types::str::intern::empty(), &parts).into_value().into_word();
        for i in 1..=n {
            release(*sp.sub(i));
        }
        r
    }
}

slow_handler!(
    /// `BUILD_TEMPLATE`: strings, interpolations.
    build_template, 1, template);
unsafe fn template(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        match crate::types::template::new_template(vm, value_of(*sp.sub(2)), value_of(*sp.sub(1))) {
            Ok(v) => {
                release(*sp.sub(1));
                release(*sp.sub(2));
                *sp.sub(2) = v.into_word();
                sp.sub(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `BUILD_INTERPOLATION`: value, expression text and, with bit 0, a format spec; bits 2 … the conversion.
    build_interpolation, 1, interpolation);
unsafe fn interpolation(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let arg = (*ip).arg;
        let n = 2 + (arg & 1) as usize;
        let spec = if arg & 1 != 0 { value_of(*sp.sub(1)) } else { crate::types::str::intern::empty().into() };
        let (value, text) = (value_of(*sp.sub(n)), value_of(*sp.sub(n - 1)));
        let v = crate::types::template::new_interpolation(vm, value, text, arg >> 2, spec);
        for i in 1..=n {
            release(*sp.sub(i));
        }
        *sp.sub(n) = v.into_word();
        sp.sub(n - 1)
    }
}

// ---- adding to containers below ---------------------------------------------------------------------------------------

handler!(
/// `LIST_APPEND(i)`
list_append(ip, sp, fp, vm, t) {
    let list = strip(*sp.sub(1 + (*ip).arg as usize));
    let items = &mut (*(list as *mut Obj<List>)).payload.items;
    if items.len() == items.capacity() {
        jump!(list_append_growing, ip, sp, fp, vm, t)
    }
    items.push_within(Value::from_word(keep(*sp.sub(1))));
    next!(ip.add(1), sp.sub(1), fp, vm, t)
});

handler!(list_append_growing(ip, sp, fp, vm, t) {
    let v = keep(*sp.sub(1));
    let list = strip(*sp.sub(1 + (*ip).arg as usize));
    (*(list as *mut Obj<List>)).payload.items.push(Value::from_word(v));
    next!(ip.add(1), sp.sub(1), fp, vm, t)
});

macro_rules! add_to {
    ($(#[$m:meta])* $name:ident, $work:ident, $popped:literal, |$vm:ident, $sp:ident, $below:ident| $body:expr) => {
        slow_handler!($(#[$m])* $name, 1, $work);
        unsafe fn $work($vm: &mut Vm, $sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
            // SAFETY: the operands stay on the stack through the call.
            unsafe {
                let w = strip(*$sp.sub($popped + (*ip).arg as usize));
                let $below = Value::ref_from_word(&w);
                let r: PyResult<()> = $body;
                if r.is_err() {
                    return std::ptr::null_mut();
                }
                for i in 1..=$popped {
                    release(*$sp.sub(i));
                }
                $sp.sub($popped)
            }
        }
    };
}

add_to!(
/// `SET_ADD(i)`
set_add, add_to_set, 1, |vm, sp, below| {
    let v = value_of(*sp.sub(1));
    below.downcast_unchecked::<Set>().add(vm, &v).map(|_| ())
});
add_to!(
/// `MAP_ADD(i)`
map_add, add_to_map, 2, |vm, sp, below| {
    let (k, v) = (value_of(*sp.sub(2)), value_of(*sp.sub(1)));
    below.downcast_unchecked::<Dict>().set_item(vm, &k, v)
});
add_to!(
/// `LIST_EXTEND(i)`
list_extend, extend_list, 1, |vm, sp, below| {
    let v = value_of(*sp.sub(1));
    extend(vm, below.clone(), &v)
});
add_to!(
/// `SET_UPDATE(i)`
set_update, update_set, 1, |vm, sp, below| {
    let v = value_of(*sp.sub(1));
    let s = below.clone();
    vm.for_each(&v, |vm, x| {
        s.downcast_unchecked::<Set>().add(vm, &x)?;
        Ok(true)
    })
});
add_to!(
/// `DICT_UPDATE(i)`
dict_update, update_dict, 1, |vm, sp, below| {
    let v = value_of(*sp.sub(1));
    let d = below.downcast_unchecked::<Dict>().clone();
    dict_update_from(vm, &d, &v)
});

/// `{**v}`: a mapping's items go into the dict.
fn dict_update_from(vm: &mut Vm, d: &crate::object::Py<Dict>, v: &Value) -> PyResult<()> {
    match crate::types::dict::methods::merge(vm, d, v, true) {
        Ok(()) => Ok(()),
        Err(_) if vm.error_is(&exc::ATTRIBUTE_ERROR) => {
            vm.clear_error();
            let name = v.class().payload.name();
            Err(vm.type_error(format!("'{name}' object is not a mapping")))
        }
        Err(r) => Err(r),
    }
}

fn extend(vm: &mut Vm, list: Value, v: &Value) -> PyResult<()> {
    // SAFETY: the compiler put a list there.
    let l = unsafe { list.downcast_unchecked::<List>() };
    if v.class().payload.slots().iter.is_none() && v.class().payload.slots().item.is_none() {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("Value after * must be an iterable, not {name}")));
    }
    vm.for_each(v, |_, x| {
        l.push(x);
        Ok(true)
    })
}

slow_handler!(
    /// `DICT_MERGE(i)`: keyword arguments of a call; the callable lies below for messages.
    dict_merge, 1, merge_dict);
unsafe fn merge_dict(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let n = (*ip).arg as usize;
        let d = strip(*sp.sub(1 + n));
        let d = Value::ref_from_word(&d).downcast_unchecked::<Dict>().clone();
        let v = value_of(*sp.sub(1));
        let callable = value_of(*sp.sub(4 + n));
        if merge_keywords(vm, &d, &v, &callable).is_err() {
            return std::ptr::null_mut();
        }
        release(*sp.sub(1));
        sp.sub(1)
    }
}

fn merge_keywords(vm: &mut Vm, d: &crate::object::Py<Dict>, v: &Value, callable: &Value) -> PyResult<()> {
    let keys = if v.downcast::<Dict>().is_some() {
        vm.mapping_keys(v)
    } else {
        let name = crate::types::str::intern::intern_str("keys");
        match vm.get_attr_opt(v, &name)? {
            Some(f) => vm.call0(&f).and_then(|k| vm.collect(&k)),
            None => {
                let f = crate::vm::call::describe(vm, callable);
                let name = v.class().payload.name();
                Err(vm.type_error(format!("{f} argument after ** must be a mapping, not {name}")))
            }
        }
    }?;
    for k in keys {
        let value = vm.get_item(v, &k)?;
        if d.get_item(vm, &k)?.is_some() {
            let f = crate::vm::call::describe(vm, callable);
            return Err(match k.downcast::<Str>() {
                Some(s) => {
                    let s = s.to_rust().into_owned();
                    vm.type_error(format!("{f} got multiple values for keyword argument '{s}'"))
                }
                None => vm.type_error(format!("{f} keywords must be strings")),
            });
        }
        d.set_item(vm, &k, value)?;
    }
    Ok(())
}

// ---- f-strings --------------------------------------------------------------------------------------------------------

slow_handler!(
    /// `FORMAT_SIMPLE`
    format_simple, 1, simple);
unsafe fn simple(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let w = strip(*sp.sub(1));
        let v = Value::ref_from_word(&w);
        if v.is_exact::<Str>() {
            return sp;
        }
        match vm.format(v, &crate::types::str::intern::empty()) {
            Ok(s) => {
                let old = *sp.sub(1);
                *sp.sub(1) = s.into_value().into_word();
                release(old);
                sp
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `FORMAT_WITH_SPEC`: value, spec.
    format_with_spec, 1, with_spec);
unsafe fn with_spec(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (w, s) = (strip(*sp.sub(2)), value_of(*sp.sub(1)));
        let r = match s.downcast::<Str>() {
            Some(s) => vm.format(Value::ref_from_word(&w), s),
            None => Err(vm.type_error("format spec must be a string")),
        };
        match r {
            Ok(r) => {
                let (a, b) = (*sp.sub(2), *sp.sub(1));
                *sp.sub(2) = r.into_value().into_word();
                release(a);
                release(b);
                sp.sub(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `CONVERT_VALUE`: 1 `str`, 2 `repr`, 3 `ascii`.
    convert_value, 1, convert);
unsafe fn convert(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let w = strip(*sp.sub(1));
        let v = Value::ref_from_word(&w);
        let r = match (*ip).arg {
            1 => vm.str(v),
            2 => vm.repr(v),
            _ => vm.ascii(v),
        };
        match r {
            Ok(s) => {
                let old = *sp.sub(1);
                *sp.sub(1) = s.into_value().into_word();
                release(old);
                sp
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

// ---- unpacking --------------------------------------------------------------------------------------------------------

handler!(
/// `UNPACK_SEQUENCE`
unpack_sequence(ip, sp, fp, vm, t) {
    if warm(ip) {
        let w = *sp.sub(1);
        let ty = type_of(w);
        let new = if ty == TUPLE.object() as *const TypeObj {
            if (*ip).arg == 2 { op::UNPACK_SEQUENCE_TWO_TUPLE } else { op::UNPACK_SEQUENCE_TUPLE }
        } else if ty == LIST.object() as *const TypeObj { op::UNPACK_SEQUENCE_LIST }
        else { 0 };
        if new != 0 {
            quicken(ip, new);
            next!(ip, sp, fp, vm, t)
        }
    }
    jump!(unpack_generic, ip, sp, fp, vm, t)
});

slow_handler!(unpack_generic, 2, unpack);
unsafe fn unpack(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let n = (*ip).arg as usize;
        let w = strip(*sp.sub(1));
        match unpack_iterable(vm, Value::ref_from_word(&w), n, None) {
            Ok(items) => {
                release(*sp.sub(1));
                let mut p = sp.sub(1);
                for v in items.into_iter().rev() {
                    *p = v.into_word();
                    p = p.add(1);
                }
                p
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

/// Takes an iterable apart: `before` items, and with `after` a list of the rest and that many items at the end.
fn unpack_iterable(vm: &mut Vm, v: &Value, before: usize, after: Option<usize>) -> PyResult<Vec<Value>> {
    if v.class().payload.slots().iter.is_none() && v.class().payload.slots().item.is_none() {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("cannot unpack non-iterable {name} object")));
    }
    let it = vm.iter(v)?;
    let mut items = Vec::with_capacity(before + 1);
    for i in 0..before {
        match vm.next(&it)? {
            Some(x) => items.push(x),
            None => {
                return Err(match after {
                    None => vm.value_error(format!("not enough values to unpack (expected {before}, got {i})")),
                    Some(after) => vm.value_error(format!(
                        "not enough values to unpack (expected at least {}, got {i})",
                        before + after
                    )),
                });
            }
        }
    }
    match after {
        None => {
            if vm.next(&it)?.is_some() {
                let size = if v.is_exact::<List>() || v.is_exact::<Tuple>() || v.is_exact::<Dict>() {
                    vm.len(v).ok().map(|n| format!(", got {n}"))
                } else {
                    None
                };
                let size = size.unwrap_or_default();
                return Err(vm.value_error(format!("too many values to unpack (expected {before}{size})")));
            }
        }
        Some(after) => {
            let mut rest = Vec::new();
            while let Some(x) = vm.next(&it)? {
                rest.push(x);
            }
            if rest.len() < after {
                return Err(vm.value_error(format!(
                    "not enough values to unpack (expected at least {}, got {})",
                    before + after,
                    before + rest.len()
                )));
            }
            let tail = rest.split_off(rest.len() - after);
            items.push(List::from_vec(rest).into());
            items.extend(tail);
        }
    }
    Ok(items)
}

slow_handler!(
    /// `UNPACK_EX`: low byte items before the star, the rest after it.
    unpack_ex, 1, unpack_star);
unsafe fn unpack_star(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let arg = (*ip).arg as usize;
        let w = strip(*sp.sub(1));
        match unpack_iterable(vm, Value::ref_from_word(&w), arg & 0xff, Some(arg >> 8)) {
            Ok(items) => {
                release(*sp.sub(1));
                let mut p = sp.sub(1);
                for v in items.into_iter().rev() {
                    *p = v.into_word();
                    p = p.add(1);
                }
                p
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

handler!(unpack_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = 16;
    quicken(ip, taipan_bytecode::Op::UNPACK_SEQUENCE as u16);
    jump!(unpack_generic, ip, sp, fp, vm, t)
});

handler!(
/// A tuple of two.
unpack_sequence_two_tuple(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) != TUPLE.object() as *const TypeObj {
        jump!(unpack_deopt, ip, sp, fp, vm, t)
    }
    let items = (*((w & !2) as *const Obj<Tuple>)).payload.items();
    if items.len() != 2 {
        jump!(unpack_deopt, ip, sp, fp, vm, t)
    }
    *sp.sub(1) = owned(items.get_unchecked(1).word());
    *sp = owned(items.get_unchecked(0).word());
    give_up!(w, end_2, ip, sp.add(1), vm, t);
    next!(ip.add(2), sp.add(1), fp, vm, t)
});

handler!(
/// A tuple.
unpack_sequence_tuple(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    let n = (*ip).arg as usize;
    if type_of(w) != TUPLE.object() as *const TypeObj {
        jump!(unpack_deopt, ip, sp, fp, vm, t)
    }
    let items = (*((w & !2) as *const Obj<Tuple>)).payload.items();
    if items.len() != n {
        jump!(unpack_deopt, ip, sp, fp, vm, t)
    }
    let mut p = sp.sub(1);
    for v in items.iter().rev() {
        *p = owned(v.word());
        p = p.add(1);
    }
    give_up!(w, end_2, ip, p, vm, t);
    next!(ip.add(2), p, fp, vm, t)
});

handler!(
/// A list.
unpack_sequence_list(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    let n = (*ip).arg as usize;
    if type_of(w) != LIST.object() as *const TypeObj {
        jump!(unpack_deopt, ip, sp, fp, vm, t)
    }
    let items = &(*((w & !2) as *const Obj<List>)).payload.items;
    if items.len() != n {
        jump!(unpack_deopt, ip, sp, fp, vm, t)
    }
    let mut p = sp.sub(1);
    for v in items.iter().rev() {
        *p = owned(v.word());
        p = p.add(1);
    }
    give_up!(w, end_2, ip, p, vm, t);
    next!(ip.add(2), p, fp, vm, t)
});

slow_handler!(
    /// `GET_LEN`: pushes the length; the object stays.
    get_len, 1, length);
unsafe fn length(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let w = strip(*sp.sub(1));
        match vm.len(Value::ref_from_word(&w)) {
            Ok(n) => {
                *sp = Value::from_usize(n).into_word();
                sp.add(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}
