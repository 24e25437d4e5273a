//! Constants, locals, cells and shuffling of the evaluation stack.

use super::unwind::unwind;
use crate::object::Value;
use crate::types::cell::CellObject;
use crate::types::str::Str;
use crate::vm::frame::{Frame, borrowed, keep, owned, release, strip, value_of};
use crate::vm::running::{Running, Unit};
use crate::vm::{Vm, Word};

handler!(
    /// `NOP`
    nop(ip, sp, fp, vm, t) { next!(ip.add(1), sp, fp, vm, t) });

handler!(
/// `POP_TOP`
pop_top(ip, sp, fp, vm, t) {
    give_up!(*sp.sub(1), end_1, ip, sp.sub(1), vm, t);
    next!(ip.add(1), sp.sub(1), fp, vm, t)
});

macro_rules! end_handler {
    ($name:ident, $two:ident, $units:literal) => {
        // Ends the object of the word in `fp`, then goes on behind an instruction of so many units.
        handler!($name(ip, sp, fp, vm, t) {
            save!(vm, ip, sp);
            release(fp as Word);
            next_settled!(ip.add($units), sp, (*(*vm).frame).fp, vm, t)
        });
        // The same for the two words at `sp`.
        handler!($two(ip, sp, fp, vm, t) {
            save!(vm, ip, sp);
            let (a, b) = (*sp, *sp.add(1));
            release(a);
            release(b);
            next_settled!(ip.add($units), sp, fp, vm, t)
        });
    };
}
end_handler!(end_1, end_two_1, 1);
end_handler!(end_2, end_two_2, 2);
end_handler!(end_3, end_two_3, 3);
end_handler!(end_4, end_two_4, 4);
end_handler!(end_5, end_two_5, 5);

handler!(
/// Ends the object of the word in `fp` after an instruction that has saved its place, then goes on at `ip`.
end_0(ip, sp, fp, vm, t) {
    (*vm).sp = sp;
    release(fp as Word);
    next_settled!(ip, sp, (*(*vm).frame).fp, vm, t)
});

handler!(
/// `PUSH_NULL`
push_null(ip, sp, fp, vm, t) {
    *sp = 0;
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

handler!(
/// `COPY(i)`
copy(ip, sp, fp, vm, t) {
    let w = *sp.sub((*ip).arg as usize);
    *sp = if w == 0 { 0 } else { owned(w) };
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

handler!(
/// `SWAP(i)`
swap(ip, sp, fp, vm, t) {
    std::ptr::swap(sp.sub(1), sp.sub((*ip).arg as usize));
    next!(ip.add(1), sp, fp, vm, t)
});

handler!(
/// `LOAD_CONST`: the word (borrowed: the code object owns it) lies in the next unit.
load_const(ip, sp, fp, vm, t) {
    *sp = Unit::word(ip.add(1)) as Word;
    next!(ip.add(2), sp.add(1), fp, vm, t)
});

handler!(
/// `LOAD_SMALL_INT`
load_small_int(ip, sp, fp, vm, t) {
    *sp = ((*ip).arg as usize) << 1 | 1;
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

handler!(
/// `LOAD_COMMON_CONSTANT`
load_common_constant(ip, sp, fp, vm, t) {
    *sp = common_constant(&mut *vm, (*ip).arg);
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

#[cold]
fn common_constant(vm: &mut Vm, n: u16) -> Word {
    match n {
        0 => crate::types::exceptions::ASSERTION_ERROR.value().into_word(),
        1 => crate::types::exceptions::NOT_IMPLEMENTED_ERROR.value().into_word(),
        2 => crate::types::tuple::TUPLE.value().into_word(),
        3 => crate::builtins::get(vm, "all").into_word(),
        _ => crate::builtins::get(vm, "any").into_word(),
    }
}

handler!(
/// `LOAD_FAST`
load_fast(ip, sp, fp, vm, t) {
    *sp = owned(*fp.add((*ip).arg as usize));
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

handler!(
/// `LOAD_FAST_BORROW`
load_fast_borrow(ip, sp, fp, vm, t) {
    *sp = borrowed(*fp.add((*ip).arg as usize));
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

handler!(
/// `LOAD_FAST_BORROW` and `LOAD_SMALL_INT` in one.
load_fast_borrow_load_small_int(ip, sp, fp, vm, t) {
    *sp = borrowed(*fp.add((*ip).arg as usize));
    *sp.add(1) = ((*ip.add(1)).arg as usize) << 1 | 1;
    next!(ip.add(2), sp.add(2), fp, vm, t)
});

handler!(
/// `LOAD_FAST_BORROW_LOAD_FAST_BORROW`
load_fast_borrow_load_fast_borrow(ip, sp, fp, vm, t) {
    let arg = (*ip).arg as usize;
    *sp = borrowed(*fp.add(arg >> 4));
    *sp.add(1) = borrowed(*fp.add(arg & 15));
    next!(ip.add(1), sp.add(2), fp, vm, t)
});

handler!(
/// `LOAD_FAST_LOAD_FAST`
load_fast_load_fast(ip, sp, fp, vm, t) {
    let arg = (*ip).arg as usize;
    *sp = owned(*fp.add(arg >> 4));
    *sp.add(1) = owned(*fp.add(arg & 15));
    next!(ip.add(1), sp.add(2), fp, vm, t)
});

handler!(
/// `LOAD_FAST_CHECK`
load_fast_check(ip, sp, fp, vm, t) {
    let w = *fp.add((*ip).arg as usize);
    if w == 0 {
        save!(vm, ip, sp);
        unbound(&mut *vm, (*ip).arg as usize);
        jump!(unwind, ip, sp, fp, vm, t);
    }
    *sp = owned(w);
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

/// Raises the error for an unset local, cell or free variable of the innermost frame.
#[cold]
#[inline(never)]
pub unsafe fn unbound(vm: &mut Vm, index: usize) {
    // SAFETY: the frame is live.
    unsafe {
        let running: &Running = &*(*vm.frame).running;
        let code = &*running.code;
        let name = code.local_names[index].to_rust().into_owned();
        let free = running.local_kind(index).contains(taipan_bytecode::LocalKind::FREE);
        if free {
            let text = format!(
                "cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
            );
            let _ = crate::types::exceptions::raise_name_error_text(vm, &text, &code.local_names[index]);
        } else {
            let _ = vm.unbound_local_error(format!(
                "cannot access local variable '{name}' where it is not associated with a value"
            ));
        }
    }
}

handler!(
/// `LOAD_FAST_AND_CLEAR`
load_fast_and_clear(ip, sp, fp, vm, t) {
    let slot = fp.add((*ip).arg as usize);
    *sp = *slot;
    *slot = 0;
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

handler!(
/// `STORE_FAST`
store_fast(ip, sp, fp, vm, t) {
    let slot = fp.add((*ip).arg as usize);
    let old = *slot;
    *slot = keep(*sp.sub(1));
    give_up!(old, end_1, ip, sp.sub(1), vm, t);
    next!(ip.add(1), sp.sub(1), fp, vm, t)
});

handler!(
/// `STORE_FAST_LOAD_FAST`
store_fast_load_fast(ip, sp, fp, vm, t) {
    let arg = (*ip).arg as usize;
    let slot = fp.add(arg >> 4);
    let old = *slot;
    *slot = keep(*sp.sub(1));
    *sp.sub(1) = owned(*fp.add(arg & 15));
    give_up!(old, end_1, ip, sp, vm, t);
    next!(ip.add(1), sp, fp, vm, t)
});

handler!(
/// `STORE_FAST_STORE_FAST`
store_fast_store_fast(ip, sp, fp, vm, t) {
    let arg = (*ip).arg as usize;
    let slot = fp.add(arg >> 4);
    let old1 = *slot;
    *slot = keep(*sp.sub(1));
    let slot = fp.add(arg & 15);
    let old2 = *slot;
    *slot = keep(*sp.sub(2));
    // The two stack words are free for what must be released.
    *sp.sub(2) = old1;
    *sp.sub(1) = old2;
    give_up_two!(end_two_1, ip, sp.sub(2), fp, vm, t);
    next!(ip.add(1), sp.sub(2), fp, vm, t)
});

handler!(
/// `DELETE_FAST`
delete_fast(ip, sp, fp, vm, t) {
    let slot = fp.add((*ip).arg as usize);
    let w = *slot;
    save!(vm, ip, sp);
    if w == 0 {
        unbound(&mut *vm, (*ip).arg as usize);
        jump!(unwind, ip, sp, fp, vm, t);
    }
    *slot = 0;
    release(w);
    next_settled!(ip.add(1), sp, fp, vm, t)
});

handler!(
/// `MAKE_CELL`
make_cell(ip, sp, fp, vm, t) {
    let slot = fp.add((*ip).arg as usize);
    let w = *slot;
    *slot = 0;
    let value = if w == 0 { None } else { Some(Value::from_word(keep(w))) };
    *slot = CellObject::new_object(value).into_word();
    next!(ip.add(1), sp, fp, vm, t)
});

handler!(
/// `COPY_FREE_VARS`
copy_free_vars(ip, sp, fp, vm, t) {
    let frame = (*vm).frame;
    let n = (*ip).arg as usize;
    let first = (*(*frame).running).nlocals - n;
    let cells = Frame::function(frame).cells();
    for (i, cell) in cells.iter().enumerate() {
        *fp.add(first + i) = owned(cell.word());
    }
    next!(ip.add(1), sp, fp, vm, t)
});

/// The cell in a local slot.
#[inline(always)]
unsafe fn cell_at<'a>(fp: *mut Word, index: usize) -> &'a CellObject {
    // SAFETY: the compiler made the slot a cell.
    unsafe { &(*(strip(*fp.add(index)) as *const crate::object::value::Obj<CellObject>)).payload }
}

handler!(
/// `LOAD_DEREF`
load_deref(ip, sp, fp, vm, t) {
    let w = cell_at(fp, (*ip).arg as usize).word();
    if w == 0 {
        jump!(load_unbound, ip, sp, fp, vm, t);
    }
    *sp = owned(w);
    next!(ip.add(1), sp.add(1), fp, vm, t)
});

// Raises for a local, cell or free variable without a value.
handler!(load_unbound(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    unbound(&mut *vm, (*ip).arg as usize);
    jump!(unwind, ip, sp, fp, vm, t)
});

handler!(
/// `STORE_DEREF`
store_deref(ip, sp, fp, vm, t) {
    let cell = cell_at(fp, (*ip).arg as usize);
    give_up!(cell.replace_word(keep(*sp.sub(1))), end_1, ip, sp.sub(1), vm, t);
    next!(ip.add(1), sp.sub(1), fp, vm, t)
});

handler!(
/// `DELETE_DEREF`
delete_deref(ip, sp, fp, vm, t) {
    let cell = cell_at(fp, (*ip).arg as usize);
    save!(vm, ip, sp);
    let old = cell.replace_word(0);
    if old == 0 {
        unbound(&mut *vm, (*ip).arg as usize);
        jump!(unwind, ip, sp, fp, vm, t);
    }
    release(old);
    next_settled!(ip.add(1), sp, fp, vm, t)
});

slow_handler!(
    /// `LOAD_FROM_DICT_OR_DEREF`
    load_from_dict_or_deref, 1, from_dict_or_deref);

unsafe fn from_dict_or_deref(vm: &mut Vm, sp: *mut Word, ip: *const Unit, fp: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let index = (*ip).arg as usize;
        let mapping = value_of(*sp.sub(1));
        let name: crate::object::Py<Str> = (&*(*(*vm.frame).running).code).local_names[index].clone();
        let found = match super::global::namespace_get(vm, &mapping, &name) {
            Ok(v) => v,
            Err(_) => return std::ptr::null_mut(),
        };
        let w = match found {
            Some(v) => v.into_word(),
            None => {
                let w = cell_at(fp, index).word();
                if w == 0 {
                    unbound(vm, index);
                    return std::ptr::null_mut();
                }
                owned(w)
            }
        };
        let old = *sp.sub(1);
        *sp.sub(1) = w;
        release(old);
        sp
    }
}
