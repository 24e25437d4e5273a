//! Names: globals and builtins with their inline caches, the namespaces of module and class bodies, imports.

use super::arith::{quicken, warm};
use super::opcode as op;

use crate::object::{Py, PyResult, Value};
use crate::types::dict::Dict;
use crate::types::exceptions as exc;
use crate::types::str::Str;
use crate::vm::frame::{Frame, owned, release, strip};
use crate::vm::running::{Running, Unit};
use crate::vm::{Vm, Word};

const GLOBAL_UNITS: usize = 3;

/// Looks a name up in a namespace: a dict without Python code, another mapping by its `__getitem__`.
pub fn namespace_get(vm: &mut Vm, ns: &Value, name: &Py<Str>) -> PyResult<Option<Value>> {
    if let Some(d) = ns.downcast_exact::<Dict>() {
        return Ok(d.lookup_str(name));
    }
    let r = vm.get_item(ns, name.as_value());
    vm.suppress(r, &exc::KEY_ERROR)
}

fn namespace_set(vm: &mut Vm, ns: &Value, name: &Py<Str>, v: &Value) -> PyResult<()> {
    if let Some(d) = ns.downcast_exact::<Dict>() {
        d.store_str(name, v.clone());
        return Ok(());
    }
    vm.set_item(ns, name.as_value(), v)
}

/// The namespace mapping of the innermost frame (module or class body).
unsafe fn namespace<'a>(vm: &Vm) -> Option<&'a Value> {
    // SAFETY: the frame is live and owns the word.
    unsafe {
        let f = vm.frame;
        if (*f).namespace == 0 { None } else { Some(Value::ref_from_word(&(*f).namespace)) }
    }
}

unsafe fn no_locals(vm: &mut Vm, what: &str, name: &Py<Str>) -> *mut Word {
    let _ = vm.system_error(format!("no locals {what} '{}'", name.to_rust()));
    std::ptr::null_mut()
}

handler!(
/// `LOAD_GLOBAL`: bit 0 of the argument asks for a 0 above it.
load_global(ip, sp, fp, vm, t) {
    if warm(ip) && specialize(&mut *vm, ip) {
        next!(ip, sp, fp, vm, t)
    }
    jump!(load_global_generic, ip, sp, fp, vm, t)
});

slow_handler!(load_global_generic, GLOBAL_UNITS, generic);
unsafe fn generic(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let f = Frame::function(vm.frame);
        let name = Running::name_at(ip);
        match find_global(vm, f.globals.as_value(), f.builtins.as_value(), name) {
            Ok(v) => {
                *sp = v.into_word();
                *sp.add(1) = 0;
                sp.add(1 + ((*ip).arg & 1) as usize)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

fn find_global(vm: &mut Vm, globals: &Value, builtins: &Value, name: &Py<Str>) -> PyResult {
    if let Some(v) = namespace_get(vm, globals, name)? {
        return Ok(v);
    }
    match namespace_get(vm, builtins, name)? {
        Some(v) => Ok(v),
        None => Err(vm.name_error(name)),
    }
}

unsafe fn specialize(vm: &mut Vm, ip: *const Unit) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let f = Frame::function(vm.frame);
        let name = Running::name_at(ip);
        if !f.globals.as_value().is_exact::<Dict>() || !f.builtins.as_value().is_exact::<Dict>() {
            return false;
        }
        if let Some((version, index)) = f.globals.cacheable(name) {
            (*ip.cast_mut()).cache = version;
            Unit::set_word(ip.add(2), index as u64);
            quicken(ip, op::LOAD_GLOBAL_MODULE);
            return true;
        }
        let (Some(version), Some((builtins_version, index))) = (f.globals.keys_version(), f.builtins.cacheable(name))
        else {
            return false;
        };
        (*ip.cast_mut()).cache = version;
        Unit::set_word(ip.add(2), index as u64 | (builtins_version as u64) << 32);
        quicken(ip, op::LOAD_GLOBAL_BUILTIN);
        true
    }
}

handler!(load_global_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = 16;
    quicken(ip, taipan_bytecode::Op::LOAD_GLOBAL as u16);
    jump!(load_global_generic, ip, sp, fp, vm, t)
});

handler!(
/// A global of the module.
load_global_module(ip, sp, fp, vm, t) {
    let f = &*(*(*vm).frame).func;
    if f.globals.current_version() != (*ip).cache {
        jump!(load_global_deopt, ip, sp, fp, vm, t)
    }
    *sp = owned(f.globals.cached_value(Unit::word(ip.add(2)) as u32).word());
    *sp.add(1) = 0;
    next!(ip.add(GLOBAL_UNITS), sp.add(1 + ((*ip).arg & 1) as usize), fp, vm, t)
});

handler!(
/// A builtin that no global hides.
load_global_builtin(ip, sp, fp, vm, t) {
    let f = &*(*(*vm).frame).func;
    let c = Unit::word(ip.add(2));
    if f.globals.current_version() != (*ip).cache || f.builtins.current_version() != (c >> 32) as u32 {
        jump!(load_global_deopt, ip, sp, fp, vm, t)
    }
    *sp = owned(f.builtins.cached_value(c as u32).word());
    *sp.add(1) = 0;
    next!(ip.add(GLOBAL_UNITS), sp.add(1 + ((*ip).arg & 1) as usize), fp, vm, t)
});

slow_handler!(
    /// `STORE_GLOBAL`
    store_global, 2, store_g);
unsafe fn store_g(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the value stays on the stack until stored.
    unsafe {
        let f = Frame::function(vm.frame);
        let w = strip(*sp.sub(1));
        f.globals.store_str(Running::name_at(ip), Value::ref_from_word(&w).clone());
        release(*sp.sub(1));
        sp.sub(1)
    }
}

slow_handler!(
    /// `DELETE_GLOBAL`
    delete_global, 2, delete_g);
unsafe fn delete_g(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let f = Frame::function(vm.frame);
        let name = Running::name_at(ip);
        if f.globals.remove_str(name).is_none() {
            let _ = vm.name_error(name);
            return std::ptr::null_mut();
        }
        sp
    }
}

slow_handler!(
    /// `LOAD_NAME`
    load_name, 2, load_n);
unsafe fn load_n(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let name = Running::name_at(ip);
        let Some(ns) = namespace(vm) else { return no_locals(vm, "when loading", name) };
        let f = Frame::function(vm.frame);
        let r = match namespace_get(vm, ns, name) {
            Ok(Some(v)) => Ok(v),
            Ok(None) => find_global(vm, f.globals.as_value(), f.builtins.as_value(), name),
            Err(r) => Err(r),
        };
        match r {
            Ok(v) => {
                *sp = v.into_word();
                sp.add(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `STORE_NAME`
    store_name, 2, store_n);
unsafe fn store_n(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the value stays on the stack through the call.
    unsafe {
        let name = Running::name_at(ip);
        let Some(ns) = namespace(vm) else { return no_locals(vm, "found when storing", name) };
        let w = strip(*sp.sub(1));
        if namespace_set(vm, ns, name, Value::ref_from_word(&w)).is_err() {
            return std::ptr::null_mut();
        }
        release(*sp.sub(1));
        sp.sub(1)
    }
}

slow_handler!(
    /// `DELETE_NAME`
    delete_name, 2, delete_n);
unsafe fn delete_n(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let name = Running::name_at(ip);
        let Some(ns) = namespace(vm) else { return no_locals(vm, "when deleting", name) };
        let gone = match ns.downcast_exact::<Dict>() {
            Some(d) => d.remove_str(name).is_some(),
            None => match vm.del_item(ns, name.as_value()) {
                Ok(()) => true,
                Err(_) if vm.error_is(&exc::KEY_ERROR) => {
                    vm.clear_error();
                    false
                }
                Err(_) => return std::ptr::null_mut(),
            },
        };
        if !gone {
            let _ = vm.name_error(name);
            return std::ptr::null_mut();
        }
        sp
    }
}

slow_handler!(
    /// `LOAD_LOCALS`
    load_locals, 1, locals);
unsafe fn locals(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        match namespace(vm) {
            Some(ns) => {
                *sp = ns.clone().into_word();
                sp.add(1)
            }
            None => {
                let _ = vm.system_error("no locals");
                std::ptr::null_mut()
            }
        }
    }
}

slow_handler!(
    /// `LOAD_FROM_DICT_OR_GLOBALS`
    load_from_dict_or_globals, 2, dict_or_globals);
unsafe fn dict_or_globals(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the mapping stays on the stack through the call.
    unsafe {
        let name = Running::name_at(ip);
        let w = strip(*sp.sub(1));
        let f = Frame::function(vm.frame);
        let r = match namespace_get(vm, Value::ref_from_word(&w), name) {
            Ok(Some(v)) => Ok(v),
            Ok(None) => find_global(vm, f.globals.as_value(), f.builtins.as_value(), name),
            Err(r) => Err(r),
        };
        match r {
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

slow_handler!(
    /// `LOAD_BUILD_CLASS`
    load_build_class, 1, build_class);
unsafe fn build_class(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let name = crate::types::str::intern::intern_str("__build_class__");
        let f = Frame::function(vm.frame);
        match namespace_get(vm, f.builtins.as_value(), &name) {
            Ok(Some(v)) => {
                *sp = v.into_word();
                sp.add(1)
            }
            Ok(None) => {
                let _ = vm.new_error(&exc::NAME_ERROR, "__build_class__ not found");
                std::ptr::null_mut()
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `SETUP_ANNOTATIONS`
    setup_annotations, 1, annotations);
unsafe fn annotations(vm: &mut Vm, sp: *mut Word, _: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe {
        let name = crate::types::str::intern::intern_str("__annotations__");
        let Some(ns) = namespace(vm) else { return no_locals(vm, "when setting up", &name) };
        match namespace_get(vm, ns, &name) {
            Ok(Some(_)) => sp,
            Ok(None) => {
                let d: Value = Dict::new_object().into();
                if namespace_set(vm, ns, &name, &d).is_err() { std::ptr::null_mut() } else { sp }
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `IMPORT_NAME`: level, names.
    import_name, 2, import_n);
unsafe fn import_n(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (level, from) = (strip(*sp.sub(2)), strip(*sp.sub(1)));
        let name = Running::name_at(ip);
        match crate::import::import_name(vm, name, Value::ref_from_word(&from), Value::ref_from_word(&level)) {
            Ok(m) => {
                let (a, b) = (*sp.sub(2), *sp.sub(1));
                *sp.sub(2) = m.into_word();
                release(a);
                release(b);
                sp.sub(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

slow_handler!(
    /// `IMPORT_FROM`: the module stays.
    import_from, 2, import_f);
unsafe fn import_f(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the module stays on the stack through the call.
    unsafe {
        let m = strip(*sp.sub(1));
        match crate::import::import_from(vm, Value::ref_from_word(&m), Running::name_at(ip)) {
            Ok(v) => {
                *sp = v.into_word();
                sp.add(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}
