//! Subscripts: `a[i]` with its specialised forms, `a[i] = v`, `del a[i]` and slices.

use super::arith::{quicken, type_of, warm};
use super::opcode as op;
use super::stack::{end_2, end_two_2};
use super::unwind::unwind;
use crate::object::value::Obj;
use crate::object::{TypeObj, Value};
use crate::types::dict::{DICT, Dict};
use crate::types::list::{LIST, List};
use crate::types::slice::Slice;
use crate::types::str::{Str, Units, intern, methods::STR};
use crate::types::tuple::{TUPLE, Tuple};
use crate::vm::frame::{keep, owned, release, strip, value_of};
use crate::vm::running::Unit;
use crate::vm::{Vm, Word};

handler!(subscr_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = 16;
    quicken(ip, taipan_bytecode::Op::BINARY_OP as u16);
    jump!(super::arith::binary_op, ip, sp, fp, vm, t)
});

handler!(
/// `list[int]`
subscr_list_int(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    if wb & 1 == 0 || type_of(wa) != LIST.object() as *const TypeObj {
        jump!(subscr_deopt, ip, sp, fp, vm, t)
    }
    let items = &(*((wa & !2) as *const Obj<List>)).payload.items;
    let mut i = wb as i64 >> 1;
    if i < 0 { i += items.len() as i64; }
    if i as u64 >= items.len() as u64 {
        jump!(super::arith::binary_once, ip, sp, fp, vm, t)
    }
    *sp.sub(2) = owned((*items.as_ptr().add(i as usize)).word());
    give_up!(wa, end_2, ip, sp.sub(1), vm, t);
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

handler!(
/// `tuple[int]`
subscr_tuple_int(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    if wb & 1 == 0 || type_of(wa) != TUPLE.object() as *const TypeObj {
        jump!(subscr_deopt, ip, sp, fp, vm, t)
    }
    let items = (*((wa & !2) as *const Obj<Tuple>)).payload.items();
    let mut i = wb as i64 >> 1;
    if i < 0 { i += items.len() as i64; }
    if i as u64 >= items.len() as u64 {
        jump!(super::arith::binary_once, ip, sp, fp, vm, t)
    }
    *sp.sub(2) = owned(items.get_unchecked(i as usize).word());
    give_up!(wa, end_2, ip, sp.sub(1), vm, t);
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

handler!(
/// `str[int]` with a Latin-1 result.
subscr_str_int(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    if wb & 1 == 0 || type_of(wa) != STR.object() as *const TypeObj {
        jump!(subscr_deopt, ip, sp, fp, vm, t)
    }
    let s = &(*((wa & !2) as *const Obj<Str>)).payload;
    let Units::Latin1(units) = s.units() else { jump!(super::arith::binary_once, ip, sp, fp, vm, t) };
    let mut i = wb as i64 >> 1;
    if i < 0 { i += units.len() as i64; }
    if i as u64 >= units.len() as u64 {
        jump!(super::arith::binary_once, ip, sp, fp, vm, t)
    }
    *sp.sub(2) = intern::latin1(units[i as usize]).into_value().into_word();
    give_up!(wa, end_2, ip, sp.sub(1), vm, t);
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

handler!(
/// `dict[key]`
subscr_dict(ip, sp, fp, vm, t) {
    if type_of(*sp.sub(2)) != DICT.object() as *const TypeObj {
        jump!(subscr_deopt, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    let r = dict_item(&mut *vm, sp);
    if r == 0 {
        jump!(unwind, ip, sp, fp, vm, t)
    }
    jump!(subscripted, ip, sp, r as *mut Word, vm, t)
});

// Replaces container and key by the item that `fp` carries.
handler!(subscripted(ip, sp, fp, vm, t) {
    let a = *sp.sub(2);
    *sp.sub(2) = fp as Word;
    *sp = a;
    let fp = (*(*vm).frame).fp;
    give_up_two!(end_two_2, ip, sp.sub(1), fp, vm, t);
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

#[inline(never)]
unsafe fn dict_item(vm: &mut Vm, sp: *mut Word) -> Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (a, b) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let d = Value::ref_from_word(&a).downcast_unchecked::<Dict>();
        let key = Value::ref_from_word(&b);
        if let Some(s) = key.downcast_exact::<Str>() {
            if let Some(v) = d.lookup_str(s) {
                return v.into_word();
            }
        }
        match d.get_item(vm, key) {
            Ok(Some(v)) => v.into_word(),
            Ok(None) => {
                let _ = vm.key_error(key);
                0
            }
            Err(_) => 0,
        }
    }
}

// ---- STORE_SUBSCR: value, container, key -----------------------------------------------------------------------------

handler!(
/// `STORE_SUBSCR`
store_subscr(ip, sp, fp, vm, t) {
    if warm(ip) {
        let ty = type_of(*sp.sub(2));
        let new = if ty == LIST.object() as *const TypeObj && *sp.sub(1) & 1 != 0 { op::STORE_SUBSCR_LIST_INT }
            else if ty == DICT.object() as *const TypeObj { op::STORE_SUBSCR_DICT }
            else { 0 };
        if new != 0 {
            quicken(ip, new);
            next!(ip, sp, fp, vm, t)
        }
    }
    jump!(store_generic, ip, sp, fp, vm, t)
});

slow_handler!(store_generic, 2, store);
unsafe fn store(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (v, c, k) = (strip(*sp.sub(3)), strip(*sp.sub(2)), strip(*sp.sub(1)));
        match vm.set_item(Value::ref_from_word(&c), Value::ref_from_word(&k), Value::ref_from_word(&v)) {
            Ok(()) => {
                for i in 1..=3 {
                    release(*sp.sub(i));
                }
                sp.sub(3)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

handler!(store_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = 16;
    quicken(ip, taipan_bytecode::Op::STORE_SUBSCR as u16);
    jump!(store_generic, ip, sp, fp, vm, t)
});

handler!(
/// `list[int] = v`
store_subscr_list_int(ip, sp, fp, vm, t) {
    let (wc, wk) = (*sp.sub(2), *sp.sub(1));
    if wk & 1 == 0 || type_of(wc) != LIST.object() as *const TypeObj {
        jump!(store_deopt, ip, sp, fp, vm, t)
    }
    let items = &mut (*((wc & !2) as *mut Obj<List>)).payload.items;
    let mut i = wk as i64 >> 1;
    if i < 0 { i += items.len() as i64; }
    if i as u64 >= items.len() as u64 {
        jump!(store_generic, ip, sp, fp, vm, t)
    }
    let slot = items.as_ptr().add(i as usize).cast_mut().cast::<Word>();
    let old = *slot;
    *slot = keep(*sp.sub(3));
    *sp.sub(3) = old;
    give_up_two!(end_two_2, ip, sp.sub(3), fp, vm, t);
    next!(ip.add(2), sp.sub(3), fp, vm, t)
});

slow_handler!(
    /// `dict[key] = v`
    store_subscr_dict, 2, store_dict);
unsafe fn store_dict(vm: &mut Vm, sp: *mut Word, ip: *const Unit, fp: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        if type_of(*sp.sub(2)) != DICT.object() as *const TypeObj {
            return store(vm, sp, ip, fp);
        }
        let (c, k) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let d = Value::ref_from_word(&c).downcast_unchecked::<Dict>();
        let key = Value::ref_from_word(&k);
        let v = value_of(*sp.sub(3));
        if let (Some(s), true) = (key.downcast_exact::<Str>(), d.get(vm).has_only_str_keys()) {
            d.store_str(s, v);
        } else if d.set_item(vm, key, v).is_err() {
            return std::ptr::null_mut();
        }
        for i in 1..=3 {
            release(*sp.sub(i));
        }
        sp.sub(3)
    }
}

slow_handler!(
    /// `DELETE_SUBSCR`: container, key.
    delete_subscr, 1, delete);
unsafe fn delete(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (c, k) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        match vm.del_item(Value::ref_from_word(&c), Value::ref_from_word(&k)) {
            Ok(()) => {
                release(*sp.sub(1));
                release(*sp.sub(2));
                sp.sub(2)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `BINARY_SLICE`: container, start, stop.
    binary_slice, 1, slice_get);
unsafe fn slice_get(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the container stays on the stack through the call.
    unsafe {
        let c = strip(*sp.sub(3));
        let key = Slice::new_object(value_of(*sp.sub(2)), value_of(*sp.sub(1)), crate::object::none()).into_value();
        match vm.get_item(Value::ref_from_word(&c), &key) {
            Ok(r) => {
                for i in 1..=3 {
                    release(*sp.sub(i));
                }
                *sp.sub(3) = r.into_word();
                sp.sub(2)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `STORE_SLICE`: value, container, start, stop.
    store_slice, 1, slice_set);
unsafe fn slice_set(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: value and container stay on the stack through the call.
    unsafe {
        let (v, c) = (strip(*sp.sub(4)), strip(*sp.sub(3)));
        let key = Slice::new_object(value_of(*sp.sub(2)), value_of(*sp.sub(1)), crate::object::none()).into_value();
        match vm.set_item(Value::ref_from_word(&c), &key, Value::ref_from_word(&v)) {
            Ok(()) => {
                for i in 1..=4 {
                    release(*sp.sub(i));
                }
                sp.sub(4)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}
