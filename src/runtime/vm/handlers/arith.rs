//! Arithmetic, comparison, truth and membership, with their specialisations for integers, floats and strings.
//!
//! Small integers are tagged words: adding two is one machine addition with an overflow check. Floats are boxed; the box
//! of a temporary that nobody else holds is reused in place.

use super::opcode::{self as op, BACKOFF};
use super::stack::{end_2, end_two_1, end_two_2};
use super::unwind::unwind;
use crate::object::header::Header;
use crate::object::typedef::CmpOp;
use crate::object::value::{Obj, SMALL_INT_MAX, SMALL_INT_MIN};
use crate::object::{Value, boolean};
use crate::types::dict::Dict;
use crate::types::float::{FLOAT, Float};
use crate::types::list::List;
use crate::types::set::Set;
use crate::types::singletons;
use crate::types::str::Str;
use crate::vm::frame::{give_up_shared, is_owned, release, strip};
use crate::vm::ops::BinOp;
use crate::vm::running::Unit;
use crate::vm::{Vm, Word};

/// Replaces the two operands on the stack by a result.
#[inline(always)]
unsafe fn replace2(sp: *mut Word, r: Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let (a, b) = (*sp.sub(2), *sp.sub(1));
        *sp.sub(2) = r;
        release(b);
        release(a);
        sp.sub(1)
    }
}

#[inline(always)]
unsafe fn replace1(sp: *mut Word, r: Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let a = *sp.sub(1);
        *sp.sub(1) = r;
        release(a);
        sp
    }
}

/// Type of a word that is a pointer, or null for a small integer.
#[inline(always)]
pub unsafe fn type_of(w: Word) -> *const crate::object::TypeObj {
    // SAFETY: a live word.
    unsafe { if w & 1 != 0 { std::ptr::null() } else { (*((w & !2) as *const Header)).typ.get() } }
}

/// Sets the opcode of the unit at `ip`.
#[inline(always)]
pub unsafe fn quicken(ip: *const Unit, op: u16) {
    // SAFETY: the running copy is written under the GIL only (I1).
    unsafe {
        // A probe may have come onto the instruction while it ran.
        if (*ip).op != super::opcode::PROBE {
            (*ip.cast_mut()).op = op;
        }
    }
}

/// Counts down the warm-up of an adaptive instruction; true when it is time to specialise.
#[inline(always)]
pub unsafe fn warm(ip: *const Unit) -> bool {
    // SAFETY: as `quicken`.
    unsafe {
        let c = (*ip).cache;
        if c == 0 {
            (*ip.cast_mut()).cache = BACKOFF;
            return true;
        }
        (*ip.cast_mut()).cache = c - 1;
        false
    }
}

// ---- BINARY_OP ------------------------------------------------------------------------------------------------------

handler!(
/// `BINARY_OP`: the generic form, which specialises itself.
binary_op(ip, sp, fp, vm, t) {
    if warm(ip) && specialize_binary(ip, *sp.sub(2), *sp.sub(1)) {
        next!(ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    let new_sp = binary_generic(&mut *vm, sp, (*ip).arg);
    if new_sp.is_null() {
        jump!(unwind, ip, sp, fp, vm, t);
    }
    next_settled!(ip.add(2), new_sp, fp, vm, t)
});

// The generic operation as a cold target of specialised forms: undoes the specialisation.
handler!(binary_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = BACKOFF;
    quicken(ip, taipan_bytecode::Op::BINARY_OP as u16);
    jump!(binary_op, ip, sp, fp, vm, t)
});

// The generic operation without undoing the specialisation (an overflow, say).
handler!(binary_once(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let new_sp = binary_generic(&mut *vm, sp, (*ip).arg);
    if new_sp.is_null() {
        jump!(unwind, ip, sp, fp, vm, t);
    }
    next_settled!(ip.add(2), new_sp, fp, vm, t)
});

#[inline(never)]
unsafe fn binary_generic(vm: &mut Vm, sp: *mut Word, arg: u16) -> *mut Word {
    // SAFETY: the operands stay on the stack, so they live through the call.
    unsafe {
        let (a, b) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let (a, b) = (Value::ref_from_word(&a), Value::ref_from_word(&b));
        let op = BinOp::from_number(arg as u32).expect("a valid operator number");
        let r = match op {
            BinOp::Subscript => vm.get_item(a, b),
            _ if arg >= 13 => vm.inplace(op, a, b),
            _ => vm.binary(op, a, b),
        };
        match r {
            Ok(r) => replace2(sp, r.into_word()),
            Err(_) => std::ptr::null_mut(),
        }
    }
}

unsafe fn specialize_binary(ip: *const Unit, a: Word, b: Word) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let arg = (*ip).arg as u32;
        let Some(which) = BinOp::from_number(arg) else { return false };
        let plain = if which == BinOp::Subscript { which } else { which.plain() };
        let both_int = a & b & 1 != 0;
        let (ta, tb) = (type_of(a), type_of(b));
        let float: *const _ = FLOAT.object();
        let both_float = ta == float && tb == float;
        let mixed = (ta == float && b & 1 != 0) || (tb == float && a & 1 != 0);
        let str_: *const _ = crate::types::str::methods::STR.object();
        let new = match plain {
            BinOp::Add if both_int => op::BINARY_OP_ADD_INT,
            BinOp::Subtract if both_int => op::BINARY_OP_SUB_INT,
            BinOp::Multiply if both_int => op::BINARY_OP_MUL_INT,
            BinOp::FloorDivide if both_int => op::BINARY_OP_FLOORDIV_INT,
            BinOp::Remainder if both_int => op::BINARY_OP_REM_INT,
            BinOp::And if both_int => op::BINARY_OP_AND_INT,
            BinOp::Or if both_int => op::BINARY_OP_OR_INT,
            BinOp::Xor if both_int => op::BINARY_OP_XOR_INT,
            BinOp::Lshift if both_int => op::BINARY_OP_LSHIFT_INT,
            BinOp::Rshift if both_int => op::BINARY_OP_RSHIFT_INT,
            BinOp::Add if both_float => op::BINARY_OP_ADD_FLOAT,
            BinOp::Subtract if both_float => op::BINARY_OP_SUB_FLOAT,
            BinOp::Multiply if both_float => op::BINARY_OP_MUL_FLOAT,
            BinOp::TrueDivide if both_float => op::BINARY_OP_DIV_FLOAT,
            BinOp::Add | BinOp::Subtract | BinOp::Multiply | BinOp::TrueDivide if mixed => op::BINARY_OP_EXTEND,
            BinOp::TrueDivide if both_int => op::BINARY_OP_EXTEND,
            BinOp::Add if ta == str_ && tb == str_ => op::BINARY_OP_ADD_STR,
            BinOp::Subscript => {
                let list: *const _ = crate::types::list::LIST.object();
                let tuple: *const _ = crate::types::tuple::TUPLE.object();
                let dict: *const _ = crate::types::dict::DICT.object();
                if ta == list && b & 1 != 0 {
                    op::BINARY_OP_SUBSCR_LIST_INT
                } else if ta == tuple && b & 1 != 0 {
                    op::BINARY_OP_SUBSCR_TUPLE_INT
                } else if ta == str_ && b & 1 != 0 {
                    op::BINARY_OP_SUBSCR_STR_INT
                } else if ta == dict {
                    op::BINARY_OP_SUBSCR_DICT
                } else {
                    return super::call::specialize_binary_py(ip, a, which);
                }
            }
            _ => return super::call::specialize_binary_py(ip, a, which),
        };
        quicken(ip, new);
        true
    }
}

macro_rules! int_handler {
    ($(#[$m:meta])* $name:ident, |$a:ident, $b:ident| $r:expr) => {
        handler!($(#[$m])* $name(ip, sp, fp, vm, t) {
            let ($a, $b) = (*sp.sub(2), *sp.sub(1));
            if $a & $b & 1 == 0 {
                jump!(binary_deopt, ip, sp, fp, vm, t);
            }
            let r: Option<Word> = $r;
            match r {
                Some(r) => {
                    *sp.sub(2) = r;
                    next!(ip.add(2), sp.sub(1), fp, vm, t)
                }
                None => jump!(binary_once, ip, sp, fp, vm, t),
            }
        });
    };
}

#[inline(always)]
fn tag(i: i64) -> Word {
    (i << 1 | 1) as Word
}

int_handler!(
    /// `int + int`
    add_int, |a, b| (a as i64).checked_add(b as i64 - 1).map(|r| r as Word));
int_handler!(
    /// `int - int`
    sub_int, |a, b| (a as i64).checked_sub(b as i64 - 1).map(|r| r as Word));
int_handler!(
    /// `int * int`
    mul_int, |a, b| (a as i64 - 1).checked_mul(b as i64 >> 1).map(|r| (r + 1) as Word));
int_handler!(
/// `int // int`
floordiv_int, |a, b| {
    let (x, y) = (a as i64 >> 1, b as i64 >> 1);
    if y == 0 || (y == -1 && x == SMALL_INT_MIN) { None } else {
        let q = x / y;
        Some(tag(if (x % y != 0) && ((x < 0) != (y < 0)) { q - 1 } else { q }))
    }
});
int_handler!(
/// `int % int`
rem_int, |a, b| {
    let (x, y) = (a as i64 >> 1, b as i64 >> 1);
    if y == 0 || y == -1 { None } else {
        let r = x % y;
        Some(tag(if r != 0 && ((r < 0) != (y < 0)) { r + y } else { r }))
    }
});
int_handler!(
    /// `int & int`
    and_int, |a, b| Some(a & b));
int_handler!(
    /// `int | int`
    or_int, |a, b| Some(a | b));
int_handler!(
    /// `int ^ int`
    xor_int, |a, b| Some((a ^ b) | 1));
int_handler!(
/// `int << int`
lshift_int, |a, b| {
    let (x, n) = (a as i64 >> 1, b as i64 >> 1);
    if (0..62).contains(&n) {
        let r = x << n;
        if r >> n == x && (SMALL_INT_MIN..=SMALL_INT_MAX).contains(&r) { Some(tag(r)) } else { None }
    } else { None }
});
int_handler!(
/// `int >> int`
rshift_int, |a, b| {
    let (x, n) = (a as i64 >> 1, b as i64 >> 1);
    if n < 0 { None } else { Some(tag(x >> n.min(63))) }
});

/// The double in a word known to be an exact float.
#[inline(always)]
unsafe fn float_in(w: Word) -> f64 {
    // SAFETY: by the caller's check.
    unsafe { (*((w & !2) as *const Obj<Float>)).payload.value }
}

/// Whether the word is an owned, unshared box that a result may take over.
#[inline(always)]
unsafe fn reusable(w: Word) -> bool {
    // SAFETY: the word is a pointer.
    unsafe { is_owned(w) && (*(w as *const Header)).rc.get() == 1 }
}

macro_rules! float_handler {
    ($(#[$m:meta])* $name:ident, $slow:ident, |$a:ident, $b:ident| $r:expr) => {
        handler!($(#[$m])* $name(ip, sp, fp, vm, t) {
            let (wa, wb) = (*sp.sub(2), *sp.sub(1));
            if (wa | wb) & 1 != 0 {
                jump!(binary_deopt, ip, sp, fp, vm, t);
            }
            let float: *const _ = FLOAT.object();
            if (*((wa & !2) as *const Header)).typ.get() != float || (*((wb & !2) as *const Header)).typ.get() != float {
                jump!(binary_deopt, ip, sp, fp, vm, t);
            }
            let ($a, $b) = (float_in(wa), float_in(wb));
            let r: Option<f64> = $r;
            let Some(r) = r else { jump!(binary_once, ip, sp, fp, vm, t) };
            if reusable(wa) {
                (*(wa as *mut Obj<Float>)).payload.value = r;
                give_up!(wb, end_2, ip, sp.sub(1), vm, t);
                next!(ip.add(2), sp.sub(1), fp, vm, t)
            }
            if reusable(wb) {
                (*(wb as *mut Obj<Float>)).payload.value = r;
                *sp.sub(2) = wb;
                give_up_shared(wa);
                next!(ip.add(2), sp.sub(1), fp, vm, t)
            }
            jump!(new_float, ip, sp, r.to_bits() as *mut Word, vm, t)
        });
    };
}

// Replaces two operands, neither of them a last reference to a float, by a new float whose bits `fp` carries.
handler!(new_float(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    give_up_shared(wa);
    give_up_shared(wb);
    *sp.sub(2) = Float::new(f64::from_bits(fp as u64)).into_word();
    next!(ip.add(2), sp.sub(1), (*(*vm).frame).fp, vm, t)
});

float_handler!(
    /// `float + float`
    add_float, add_float_slow, |a, b| Some(a + b));
float_handler!(
    /// `float - float`
    sub_float, sub_float_slow, |a, b| Some(a - b));
float_handler!(
    /// `float * float`
    mul_float, mul_float_slow, |a, b| Some(a * b));
float_handler!(
    /// `float / float`
    div_float, div_float_slow, |a, b| if b == 0.0 { None } else { Some(a / b) });

/// The double a word stands for, when it is an exact float or a small integer that a double holds exactly.
#[inline(always)]
unsafe fn number_in(w: Word) -> Option<f64> {
    // SAFETY: as every handler.
    unsafe {
        if w & 1 != 0 {
            let i = w as i64 >> 1;
            return if i.unsigned_abs() <= 1 << 53 { Some(i as f64) } else { None };
        }
        let float: *const _ = FLOAT.object();
        if (*((w & !2) as *const Header)).typ.get() == float { Some(float_in(w)) } else { None }
    }
}

handler!(
/// Arithmetic of an integer and a float, and `int / int`.
binary_op_extend(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    let (Some(a), Some(b)) = (number_in(wa), number_in(wb)) else {
        jump!(binary_deopt, ip, sp, fp, vm, t)
    };
    let which = (*ip).arg % 13;
    if wa & wb & 1 != 0 && which != BinOp::TrueDivide as u16 {
        jump!(binary_deopt, ip, sp, fp, vm, t)
    }
    let r = if which == BinOp::Add as u16 { a + b }
        else if which == BinOp::Subtract as u16 { a - b }
        else if which == BinOp::Multiply as u16 { a * b }
        else if b != 0.0 { a / b }
        else { jump!(binary_once, ip, sp, fp, vm, t) };
    if wa & 1 == 0 && reusable(wa) {
        (*(wa as *mut Obj<Float>)).payload.value = r;
        give_up!(wb, end_2, ip, sp.sub(1), vm, t);
        next!(ip.add(2), sp.sub(1), fp, vm, t)
    }
    if wb & 1 == 0 && reusable(wb) {
        (*(wb as *mut Obj<Float>)).payload.value = r;
        *sp.sub(2) = wb;
        give_up_shared(wa);
        next!(ip.add(2), sp.sub(1), fp, vm, t)
    }
    jump!(new_float, ip, sp, r.to_bits() as *mut Word, vm, t)
});

handler!(
/// `str + str`; extends in place when the left side is the only reference (a local about to be overwritten).
add_str(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    let str_: *const _ = crate::types::str::methods::STR.object();
    if type_of(wa) != str_ || type_of(wb) != str_ {
        jump!(binary_deopt, ip, sp, fp, vm, t)
    }
    *sp.sub(2) = added_str(wa, wb, ip.add(2), fp);
    drop_word!(wb);
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

/// The sum of two exact strings; the left word is given up. When the sum goes back to the local it came from
/// (`s += t`), and that was its only reference, the string grows where it is.
#[inline(never)]
unsafe fn added_str(wa: Word, wb: Word, then: *const Unit, fp: *mut Word) -> Word {
    // SAFETY: both are live exact strings; a local that is emptied here is stored to by the next instruction.
    unsafe {
        let (a, b) = (wa & !2, wb & !2);
        if wa & 2 != 0 && a != b && (*then).op == taipan_bytecode::Op::STORE_FAST as u16 {
            let local = fp.add((*then).arg as usize);
            if *local == a && (*(a as *const crate::object::header::Header)).rc.get() == 1 {
                let b = Value::ref_from_word(&b).downcast_unchecked::<Str>();
                if let Some(grown) = Str::append_in_place(a as *mut _, b) {
                    *local = 0;
                    return grown as Word;
                }
            }
        }
        let x = Value::ref_from_word(&a).downcast_unchecked::<Str>();
        let y = Value::ref_from_word(&b).downcast_unchecked::<Str>();
        let r = Str::concat(x, y).into_value().into_word();
        drop_word!(wa);
        r
    }
}

handler!(
    /// An operator implemented by a Python function on the left operand's class: entered without native recursion.
    binary_op_py(ip, sp, fp, vm, t) { jump!(super::call::binary_op_py, ip, sp, fp, vm, t) });

// ---- unary ----------------------------------------------------------------------------------------------------------

handler!(
/// `UNARY_NEGATIVE`
unary_negative(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 != 0 && w as i64 >> 1 != SMALL_INT_MIN {
        *sp.sub(1) = tag(-(w as i64 >> 1));
        next!(ip.add(1), sp, fp, vm, t)
    }
    jump!(unary_negative_slow, ip, sp, fp, vm, t)
});

slow_handler!(unary_negative_slow, 1, negative);
unsafe fn negative(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let a = strip(*sp.sub(1));
        match vm.negate(Value::ref_from_word(&a)) {
            Ok(r) => replace1(sp, r.into_word()),
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `UNARY_INVERT`
    unary_invert, 1, invert);
unsafe fn invert(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let a = strip(*sp.sub(1));
        match vm.invert(Value::ref_from_word(&a)) {
            Ok(r) => replace1(sp, r.into_word()),
            Err(_) => std::ptr::null_mut(),
        }
    }
}

/// Word of a bool (borrowed: the singletons are immortal).
#[inline(always)]
pub fn bool_word(b: bool) -> Word {
    let p = if b { &raw const singletons::TRUE } else { &raw const singletons::FALSE };
    p as Word | 2
}

#[inline(always)]
fn is_true(w: Word) -> bool {
    w & !2 == &raw const singletons::TRUE as Word
}

handler!(
/// `UNARY_NOT` (the operand is a bool)
unary_not(ip, sp, fp, vm, t) {
    *sp.sub(1) = bool_word(!is_true(*sp.sub(1)));
    next!(ip.add(1), sp, fp, vm, t)
});

// ---- TO_BOOL --------------------------------------------------------------------------------------------------------

handler!(
/// `TO_BOOL`
to_bool(ip, sp, fp, vm, t) {
    if warm(ip) {
        let w = *sp.sub(1);
        let ty = type_of(w);
        let new = if w & 1 != 0 { op::TO_BOOL_INT }
            else if ty == crate::types::bool::BOOL.object() as *const _ { op::TO_BOOL_BOOL }
            else if ty == crate::types::list::LIST.object() as *const _ { op::TO_BOOL_LIST }
            else if ty == singletons::NONE_TYPE.object() as *const _ { op::TO_BOOL_NONE }
            else if ty == crate::types::str::methods::STR.object() as *const _ { op::TO_BOOL_STR }
            else { 0 };
        if new != 0 {
            quicken(ip, new);
            next!(ip, sp, fp, vm, t)
        }
    }
    jump!(to_bool_generic, ip, sp, fp, vm, t)
});

slow_handler!(to_bool_generic, 2, truth);
unsafe fn truth(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let a = strip(*sp.sub(1));
        match vm.truth(Value::ref_from_word(&a)) {
            Ok(b) => replace1(sp, bool_word(b)),
            Err(_) => std::ptr::null_mut(),
        }
    }
}

handler!(to_bool_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = 8;
    quicken(ip, taipan_bytecode::Op::TO_BOOL as u16);
    jump!(to_bool, ip, sp, fp, vm, t)
});

handler!(
/// Truth of a bool.
to_bool_bool(ip, sp, fp, vm, t) {
    let w = *sp.sub(1) & !2;
    if w != &raw const singletons::TRUE as Word && w != &raw const singletons::FALSE as Word {
        jump!(to_bool_deopt, ip, sp, fp, vm, t)
    }
    next!(ip.add(2), sp, fp, vm, t)
});
handler!(
/// Truth of a small integer.
to_bool_int(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 == 0 {
        jump!(to_bool_deopt, ip, sp, fp, vm, t)
    }
    *sp.sub(1) = bool_word(w != 1);
    next!(ip.add(2), sp, fp, vm, t)
});
handler!(
/// Truth of `None`.
to_bool_none(ip, sp, fp, vm, t) {
    if *sp.sub(1) & !2 != &raw const singletons::NONE as Word {
        jump!(to_bool_deopt, ip, sp, fp, vm, t)
    }
    *sp.sub(1) = bool_word(false);
    next!(ip.add(2), sp, fp, vm, t)
});
handler!(
/// Truth of a list.
to_bool_list(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) != crate::types::list::LIST.object() as *const _ {
        jump!(to_bool_deopt, ip, sp, fp, vm, t)
    }
    let n = (&(*((w & !2) as *const Obj<List>)).payload.items).len();
    *sp.sub(1) = bool_word(n != 0);
    give_up!(w, end_2, ip, sp, vm, t);
    next!(ip.add(2), sp, fp, vm, t)
});
handler!(
/// Truth of a string.
to_bool_str(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) != crate::types::str::methods::STR.object() as *const _ {
        jump!(to_bool_deopt, ip, sp, fp, vm, t)
    }
    let n = (*((w & !2) as *const Obj<Str>)).payload.len();
    *sp.sub(1) = bool_word(n != 0);
    give_up!(w, end_2, ip, sp, vm, t);
    next!(ip.add(2), sp, fp, vm, t)
});

// ---- COMPARE_OP -----------------------------------------------------------------------------------------------------

handler!(
/// `COMPARE_OP`: bits 5 … 7 of the argument are the comparison, bit 4 asks for a bool.
compare_op(ip, sp, fp, vm, t) {
    if warm(ip) {
        let (a, b) = (*sp.sub(2), *sp.sub(1));
        let (ta, tb) = (type_of(a), type_of(b));
        let cmp = (*ip).arg >> 5;
        let new = if a & b & 1 != 0 {
            let next = (*ip.add(2)).op;
            let jump = next == taipan_bytecode::Op::POP_JUMP_IF_FALSE as u16
                || next == taipan_bytecode::Op::POP_JUMP_IF_TRUE as u16;
            if jump { op::COMPARE_OP_INT_JUMP } else { op::COMPARE_OP_INT }
        } else if ta == FLOAT.object() as *const _ && tb == ta { op::COMPARE_OP_FLOAT }
        else if ta == crate::types::str::methods::STR.object() as *const _ && tb == ta && (cmp == 2 || cmp == 3) {
            op::COMPARE_OP_STR
        } else { 0 };
        if new != 0 {
            quicken(ip, new);
            next!(ip, sp, fp, vm, t)
        }
    }
    save!(vm, ip, sp);
    let new_sp = compare_generic(&mut *vm, sp, (*ip).arg);
    if new_sp.is_null() {
        jump!(unwind, ip, sp, fp, vm, t);
    }
    next_settled!(ip.add(2), new_sp, fp, vm, t)
});

#[inline(never)]
unsafe fn compare_generic(vm: &mut Vm, sp: *mut Word, arg: u16) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (a, b) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let (a, b) = (Value::ref_from_word(&a), Value::ref_from_word(&b));
        let cmp = CmpOp::ALL[(arg >> 5) as usize];
        let r = vm.compare(a, b, cmp).and_then(|r| if arg & 16 != 0 { vm.truth(&r).map(boolean) } else { Ok(r) });
        match r {
            Ok(r) => replace2(sp, r.into_word()),
            Err(_) => std::ptr::null_mut(),
        }
    }
}

handler!(compare_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = BACKOFF;
    quicken(ip, taipan_bytecode::Op::COMPARE_OP as u16);
    jump!(compare_op, ip, sp, fp, vm, t)
});

/// Masks over "less, equal, greater" for each comparison number.
const MASKS: [u8; 8] = [0b001, 0b011, 0b010, 0b101, 0b100, 0b110, 0, 0];

#[inline(always)]
fn holds(cmp: u16, a: i64, b: i64) -> bool {
    let bit = if a < b {
        1
    } else if a == b {
        2
    } else {
        4
    };
    MASKS[(cmp & 7) as usize] & bit != 0
}

handler!(
/// Comparison of small integers.
compare_op_int(ip, sp, fp, vm, t) {
    let (a, b) = (*sp.sub(2), *sp.sub(1));
    if a & b & 1 == 0 {
        jump!(compare_deopt, ip, sp, fp, vm, t)
    }
    *sp.sub(2) = bool_word(holds((*ip).arg >> 5, a as i64, b as i64));
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

handler!(
/// Comparison of small integers and the conditional jump that follows.
compare_op_int_jump(ip, sp, fp, vm, t) {
    let (a, b) = (*sp.sub(2), *sp.sub(1));
    if a & b & 1 == 0 {
        jump!(compare_deopt, ip, sp, fp, vm, t)
    }
    let r = holds((*ip).arg >> 5, a as i64, b as i64);
    let j = ip.add(2);
    let when = (*j).op == taipan_bytecode::Op::POP_JUMP_IF_TRUE as u16;
    let to = if r == when { j.offset((*j).cache as i32 as isize) } else { j.add(1) };
    next!(to, sp.sub(2), fp, vm, t)
});

handler!(
/// Comparison of floats.
compare_op_float(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    let float: *const _ = FLOAT.object();
    if type_of(wa) != float || type_of(wb) != float {
        jump!(compare_deopt, ip, sp, fp, vm, t)
    }
    let (a, b) = (float_in(wa), float_in(wb));
    let r = match (*ip).arg >> 5 { 0 => a < b, 1 => a <= b, 2 => a == b, 3 => a != b, 4 => a > b, _ => a >= b };
    *sp.sub(2) = bool_word(r);
    *sp = wa;
    give_up_two!(end_two_2, ip, sp.sub(1), fp, vm, t);
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

handler!(
/// `==` and `!=` of strings.
compare_op_str(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    let str_: *const _ = crate::types::str::methods::STR.object();
    if type_of(wa) != str_ || type_of(wb) != str_ {
        jump!(compare_deopt, ip, sp, fp, vm, t)
    }
    let a = &(*((wa & !2) as *const Obj<Str>)).payload;
    let b = &(*((wb & !2) as *const Obj<Str>)).payload;
    let same = wa & !2 == wb & !2;
    if !same && a.len() == b.len() && a.kind() == b.kind() && !(a.is_interned() && b.is_interned()) {
        jump!(compare_op_str_units, ip, sp, fp, vm, t)
    }
    *sp.sub(2) = bool_word(same == ((*ip).arg >> 5 == 2));
    *sp = wa;
    give_up_two!(end_two_2, ip, sp.sub(1), fp, vm, t);
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

// `==` and `!=` of strings of the same length whose units have to be compared.
handler!(compare_op_str_units(ip, sp, fp, vm, t) {
    let (wa, wb) = (*sp.sub(2), *sp.sub(1));
    let a = &(*((wa & !2) as *const Obj<Str>)).payload;
    let b = &(*((wb & !2) as *const Obj<Str>)).payload;
    *sp.sub(2) = bool_word((a.bytes() == b.bytes()) == ((*ip).arg >> 5 == 2));
    *sp = wa;
    give_up_two!(end_two_2, ip, sp.sub(1), fp, vm, t);
    next!(ip.add(2), sp.sub(1), fp, vm, t)
});

handler!(
/// `IS_OP`
is_op(ip, sp, fp, vm, t) {
    let (a, b) = (*sp.sub(2), *sp.sub(1));
    let same = strip(a) == strip(b);
    *sp.sub(2) = bool_word(same != ((*ip).arg != 0));
    *sp = a;
    give_up_two!(end_two_1, ip, sp.sub(1), fp, vm, t);
    next!(ip.add(1), sp.sub(1), fp, vm, t)
});

// ---- CONTAINS_OP ----------------------------------------------------------------------------------------------------

handler!(
/// `CONTAINS_OP`
contains_op(ip, sp, fp, vm, t) {
    if warm(ip) {
        let ty = type_of(*sp.sub(1));
        let new = if ty == crate::types::dict::DICT.object() as *const _ { op::CONTAINS_OP_DICT }
            else if ty == crate::types::set::SET.object() as *const _
                || ty == crate::types::set::FROZENSET.object() as *const _ { op::CONTAINS_OP_SET }
            else { 0 };
        if new != 0 {
            quicken(ip, new);
            next!(ip, sp, fp, vm, t)
        }
    }
    save!(vm, ip, sp);
    let new_sp = contains_generic(&mut *vm, sp, (*ip).arg);
    if new_sp.is_null() {
        jump!(unwind, ip, sp, fp, vm, t);
    }
    next_settled!(ip.add(2), new_sp, fp, vm, t)
});

#[inline(never)]
unsafe fn contains_generic(vm: &mut Vm, sp: *mut Word, arg: u16) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (a, b) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        match vm.contains(Value::ref_from_word(&b), Value::ref_from_word(&a)) {
            Ok(r) => replace2(sp, bool_word(r != (arg != 0))),
            Err(_) => std::ptr::null_mut(),
        }
    }
}

handler!(contains_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = BACKOFF;
    quicken(ip, taipan_bytecode::Op::CONTAINS_OP as u16);
    jump!(contains_op, ip, sp, fp, vm, t)
});

handler!(
/// `in` of a dict.
contains_op_dict(ip, sp, fp, vm, t) {
    if type_of(*sp.sub(1)) != crate::types::dict::DICT.object() as *const _ {
        jump!(contains_deopt, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    let new_sp = contains_dict(&mut *vm, sp, (*ip).arg);
    if new_sp.is_null() {
        jump!(unwind, ip, sp, fp, vm, t);
    }
    next_settled!(ip.add(2), new_sp, fp, vm, t)
});

#[inline(never)]
unsafe fn contains_dict(vm: &mut Vm, sp: *mut Word, arg: u16) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (a, b) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let d = Value::ref_from_word(&b).downcast_unchecked::<Dict>();
        match d.get_item(vm, Value::ref_from_word(&a)) {
            Ok(r) => replace2(sp, bool_word(r.is_some() != (arg != 0))),
            Err(_) => std::ptr::null_mut(),
        }
    }
}

handler!(
/// `in` of a set.
contains_op_set(ip, sp, fp, vm, t) {
    let ty = type_of(*sp.sub(1));
    if ty != crate::types::set::SET.object() as *const _ && ty != crate::types::set::FROZENSET.object() as *const _ {
        jump!(contains_deopt, ip, sp, fp, vm, t)
    }
    save!(vm, ip, sp);
    let new_sp = contains_set(&mut *vm, sp, (*ip).arg);
    if new_sp.is_null() {
        jump!(unwind, ip, sp, fp, vm, t);
    }
    next_settled!(ip.add(2), new_sp, fp, vm, t)
});

#[inline(never)]
unsafe fn contains_set(vm: &mut Vm, sp: *mut Word, arg: u16) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call; sets and frozensets share the payload.
    unsafe {
        let (a, b) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let s = Value::ref_from_word(&b).downcast_unchecked::<Set>();
        match s.contains(vm, Value::ref_from_word(&a)) {
            Ok(r) => replace2(sp, bool_word(r != (arg != 0))),
            Err(_) => std::ptr::null_mut(),
        }
    }
}
