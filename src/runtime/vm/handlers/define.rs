//! Functions and the intrinsics that the compiler calls for definitions, annotations and type parameters.

use crate::object::{PyResult, Value};
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::tuple::Tuple;
use crate::vm::frame::{Frame, keep, release, strip, value_of};
use crate::vm::running::Unit;
use crate::vm::{Vm, Word};

handler!(
/// `MAKE_FUNCTION`
make_function(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let w = strip(*sp.sub(1));
    let code = Value::ref_from_word(&w).downcast_unchecked::<Code>().clone();
    let f = Frame::function((*vm).frame);
    let made = Function::with_builtins(code, f.globals.clone(), f.builtins.clone(), None);
    let old = *sp.sub(1);
    *sp.sub(1) = made.into_value().into_word();
    release(old);
    next!(ip.add(1), sp, fp, vm, t)
});

slow_handler!(
    /// `SET_FUNCTION_ATTRIBUTE`: attribute value, function.
    set_function_attribute, 1, set_attribute);
unsafe fn set_attribute(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the function was just made: nobody else sees it.
    unsafe {
        let f = strip(*sp.sub(1));
        let f = Value::ref_from_word(&f).downcast_unchecked::<Function>();
        let v = Value::from_word(keep(*sp.sub(2)));
        match (*ip).arg {
            1 => {
                f.defaults.replace(v.into_py::<Tuple>().ok());
            }
            2 => {
                f.kwdefaults.replace(v.into_py::<Dict>().ok());
            }
            4 => f.rest.borrow_mut().annotations = Some(v),
            8 => (*f.payload_ptr()).closure = v.into_py::<Tuple>().ok(),
            _ => f.rest.borrow_mut().annotate = Some(v),
        }
        let _ = vm;
        *sp.sub(2) = *sp.sub(1);
        sp.sub(1)
    }
}

slow_handler!(
    /// `CALL_INTRINSIC_1`
    call_intrinsic_1, 1, intrinsic_1);
unsafe fn intrinsic_1(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operand stays on the stack through the call.
    unsafe {
        let w = strip(*sp.sub(1));
        match one(vm, (*ip).arg, Value::ref_from_word(&w)) {
            Ok(v) => {
                let old = *sp.sub(1);
                *sp.sub(1) = v.into_word();
                release(old);
                sp
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

/// The one-operand intrinsics, numbered as `Include/internal/pycore_intrinsics.h` numbers them.
fn one(vm: &mut Vm, n: u16, v: &Value) -> PyResult {
    use crate::types::{generator, typevar};
    match n {
        1 => {
            let hook = crate::builtins::sys_attr(vm, "displayhook")?;
            vm.call(&hook, std::slice::from_ref(v))
        }
        2 => crate::import::import_star(vm, v),
        3 => generator::stop_iteration_error(vm, v),
        4 => generator::wrap_async_value(vm, v),
        5 => vm.positive(v),
        6 => Ok(Tuple::from_vec(vm.collect(v)?).into()),
        7 => typevar::new_typevar(vm, v, None, None),
        8 => typevar::new_paramspec(vm, v),
        9 => typevar::new_typevartuple(vm, v),
        10 => typevar::subscript_generic(vm, v),
        11 => typevar::new_type_alias(vm, v),
        _ => Err(vm.system_error(format!("unknown intrinsic {n}"))),
    }
}

slow_handler!(
    /// `CALL_INTRINSIC_2`
    call_intrinsic_2, 1, intrinsic_2);
unsafe fn intrinsic_2(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (a, b) = (value_of(*sp.sub(2)), value_of(*sp.sub(1)));
        match two(vm, (*ip).arg, &a, &b) {
            Ok(v) => {
                let (a, b) = (*sp.sub(2), *sp.sub(1));
                *sp.sub(2) = v.into_word();
                release(a);
                release(b);
                sp.sub(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

fn two(vm: &mut Vm, n: u16, a: &Value, b: &Value) -> PyResult {
    use crate::types::{exceptions, typevar};
    match n {
        1 => exceptions::prep_reraise_star(vm, a, b),
        2 => typevar::new_typevar(vm, a, Some(b), None),
        3 => typevar::new_typevar(vm, a, None, Some(b)),
        4 => set_type_params(vm, a, b),
        5 => typevar::set_default(vm, a, b),
        _ => Err(vm.system_error(format!("unknown intrinsic {n}"))),
    }
}

fn set_type_params(vm: &mut Vm, f: &Value, params: &Value) -> PyResult {
    vm.set_attr_text(f, "__type_params__", params)?;
    Ok(f.clone())
}
