//! Operators that a class implements by a Python function: entered without native recursion, like calls.

use super::*;

/// Whether the left operand's class implements the operator by a plain Python function; fills the caches.
pub unsafe fn specialize_binary_py(ip: *const Unit, a: Word, which: BinOp) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let ty = type_of(a);
        if ty.is_null() || !(*ty).payload.has(TypeFlags::HEAP) || (*ip).arg >= 13 && which != BinOp::Subscript {
            return false;
        }
        let name = match which {
            BinOp::Add => "__add__",
            BinOp::Subtract => "__sub__",
            BinOp::Multiply => "__mul__",
            BinOp::TrueDivide => "__truediv__",
            BinOp::FloorDivide => "__floordiv__",
            BinOp::Remainder => "__mod__",
            BinOp::And => "__and__",
            BinOp::Or => "__or__",
            BinOp::Xor => "__xor__",
            BinOp::MatrixMultiply => "__matmul__",
            BinOp::Subscript => "__getitem__",
            _ => return false,
        };
        let name = crate::types::str::intern::intern_str(name);
        let Some(f) = crate::types::typeobject::lookup(&*ty, &name) else { return false };
        let Some(f) = f.downcast_exact::<Function>() else { return false };
        let r = &*f.running();
        let version = crate::types::typeobject::version(&*ty);
        if !r.simple || r.argcount != 2 || version == 0 {
            return false;
        }
        (*ip.cast_mut()).cache = version;
        Unit::set_word(ip.add(1), f.as_value().word() as u64);
        quicken(ip, op::BINARY_OP_PY);
        true
    }
}

handler!(binary_py_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = BACKOFF;
    quicken(ip, taipan_bytecode::Op::BINARY_OP as u16);
    jump!(super::super::arith::binary_op, ip, sp, fp, vm, t)
});

handler!(
/// Enters the Python function that implements a binary operator or `a[b]`.
binary_op_py(ip, sp, fp, vm, t) {
    let (a, b) = (*sp.sub(2), *sp.sub(1));
    let ty = type_of(a);
    if ty.is_null() || (*ty).payload.version.get() != (*ip).cache {
        jump!(binary_py_deopt, ip, sp, fp, vm, t)
    }
    let tb = type_of(b);
    if tb != ty && !tb.is_null() && (*tb).payload.has(TypeFlags::HEAP) {
        // A reflected method may go first: the general rules decide.
        jump!(binary_py_deopt, ip, sp, fp, vm, t)
    }
    if (*(*vm).frame).flags & flags::GENERATOR != 0 {
        // A generator's own stack has no room for the function and its arguments.
        jump!(super::super::arith::binary_once, ip, sp, fp, vm, t)
    }
    let f = Unit::word(ip.add(1)) as Word;
    (*(f as *const Header)).incref();
    *sp = f;
    *sp.add(1) = strip(a) | (!a & 1) << 1;
    *sp.add(2) = strip(b) | (!b & 1) << 1;
    (*(*vm).frame).ip = ip;
    let func = &raw const (*(f as *const Obj<Function>)).payload;
    if sp.add(3) > (*vm).stack_limit {
        release(f);
        jump!(overflow, ip, sp, fp, vm, t)
    }
    let locals = landing(vm, sp.add(1), 2);
    let frame = push_frame(vm, func, locals, 2, &raw const RESULT_UNIT.0, sp, 0);
    if frame.is_null() {
        release(f);
        jump!(overflow, ip, sp, fp, vm, t)
    }
    enter_frame!(frame, vm, t)
});

handler!(
/// A special method called for `BINARY_OP` has returned: the operands lie below its result.
result(ip, sp, fp, vm, t) {
    let ip = (*(*vm).frame).ip;
    let r = *sp.sub(1);
    if r & !2 == &raw const singletons::NOT_IMPLEMENTED as Word && (*ip).arg < 13 {
        jump!(result_not_implemented, ip, sp.sub(1), fp, vm, t)
    }
    save!(vm, ip, sp);
    let (a, b) = (*sp.sub(3), *sp.sub(2));
    *sp.sub(3) = r;
    release(b);
    release(a);
    next_settled!(ip.add(2), sp.sub(2), fp, vm, t)
});

handler!(result_not_implemented(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let new_sp = reflected_only(&mut *vm, sp, (*ip).arg);
    if new_sp.is_null() {
        jump!(unwind, ip, sp, fp, vm, t)
    }
    next_settled!(ip.add(2), new_sp, fp, vm, t)
});

/// The rest of a binary operation whose left method answered `NotImplemented`.
#[inline(never)]
unsafe fn reflected_only(vm: &mut Vm, sp: *mut Word, arg: u16) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (wa, wb) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let (a, b) = (Value::ref_from_word(&wa), Value::ref_from_word(&wb));
        let op = BinOp::from_number(arg as u32).expect("a valid operator number");
        let f = if std::ptr::eq(a.class(), b.class()) { None } else { b.class().payload.slots().binary(arg as usize) };
        let r = match f {
            Some(f) => f(vm, a, b),
            None => Ok(crate::object::not_implemented()),
        };
        let r = match r {
            Ok(r) if crate::vm::ops::is_not_implemented(&r) => Err(vm.unsupported(op.text(), a, b)),
            r => r,
        };
        match r {
            Ok(r) => {
                let (a, b) = (*sp.sub(2), *sp.sub(1));
                *sp.sub(2) = r.into_word();
                release(b);
                release(a);
                sp.sub(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}
