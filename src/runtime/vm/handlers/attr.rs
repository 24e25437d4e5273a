//! Attributes: `LOAD_ATTR`, `STORE_ATTR` and their inline caches over shapes and type versions.
//!
//! `LOAD_ATTR` takes five units: the instruction (cache: a shape id or a version), the name, and three words of cache.
//! A shape id names the layout of an instance and, since shapes belong to one type, the type; the type's version guards
//! against data descriptors that appear later. The polymorphic forms keep two entries.

use super::arith::{quicken, type_of, warm};
use super::opcode as op;
use super::stack::{end_4, end_5, end_two_4};
use super::unwind::unwind;
use crate::object::header::Header;
use crate::object::instance;
use crate::object::value::Obj;
use crate::object::{TypeFlags, TypeObj, Value};
use crate::types::function::{FUNCTION, Function};
use crate::types::module::{MODULE, Module};
use crate::types::typeobject;
use crate::vm::frame::{Frame, owned, release, strip};
use crate::vm::running::{Running, Unit};
use crate::vm::{Vm, Word};

const LOAD_UNITS: usize = 5;
const STORE_UNITS: usize = 4;

/// Cache words after the name of a `LOAD_ATTR`.
#[inline(always)]
unsafe fn cache(ip: *const Unit, n: usize) -> u64 {
    // SAFETY: the instruction has three words after its name.
    unsafe { Unit::word(ip.add(2 + n)) }
}
#[inline(always)]
unsafe fn set_cache(ip: *const Unit, n: usize, w: u64) {
    // SAFETY: as `cache`.
    unsafe { Unit::set_word(ip.add(2 + n), w) }
}

#[inline(always)]
fn pack(a: u32, b: u32) -> u64 {
    a as u64 | (b as u64) << 32
}

handler!(
/// `LOAD_ATTR`: the generic form; bit 0 of the argument asks for a method call's two words.
load_attr(ip, sp, fp, vm, t) {
    if warm(ip) && specialize(&mut *vm, ip, *sp.sub(1)) {
        next!(ip, sp, fp, vm, t)
    }
    jump!(load_attr_generic, ip, sp, fp, vm, t)
});

handler!(load_attr_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = 8;
    quicken(ip, taipan_bytecode::Op::LOAD_ATTR as u16);
    jump!(load_attr_generic, ip, sp, fp, vm, t)
});

handler!(load_attr_generic(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let new_sp = generic(&mut *vm, sp, ip);
    if new_sp.is_null() {
        jump!(unwind, ip, sp, fp, vm, t)
    }
    next_settled!(ip.add(LOAD_UNITS), new_sp, fp, vm, t)
});

#[inline(never)]
unsafe fn generic(vm: &mut Vm, sp: *mut Word, ip: *const Unit) -> *mut Word {
    // SAFETY: the object stays on the stack through the call.
    unsafe {
        let w = strip(*sp.sub(1));
        let v = Value::ref_from_word(&w);
        let name = Running::name_at(ip);
        if (*ip).arg & 1 != 0 {
            match crate::types::object::method_for_call(vm, v, name) {
                Ok(Some(crate::types::object::Callee::Unbound(f))) => {
                    let me = crate::vm::frame::keep(*sp.sub(1));
                    *sp.sub(1) = f.into_word();
                    *sp = me;
                    return sp.add(1);
                }
                Ok(Some(crate::types::object::Callee::Bound(f))) => {
                    let old = *sp.sub(1);
                    *sp.sub(1) = f.into_word();
                    *sp = 0;
                    release(old);
                    return sp.add(1);
                }
                Ok(None) => {}
                Err(_) => return std::ptr::null_mut(),
            }
        }
        match vm.get_attr(v, name) {
            Ok(r) => {
                let old = *sp.sub(1);
                *sp.sub(1) = r.into_word();
                let mut sp = sp;
                if (*ip).arg & 1 != 0 {
                    *sp = 0;
                    sp = sp.add(1);
                }
                release(old);
                sp
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

/// Chooses the specialised form for an object and fills the caches.
unsafe fn specialize(vm: &mut Vm, ip: *const Unit, w: Word) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let w = strip(w);
        let v = Value::ref_from_word(&w);
        let class = v.class();
        let name = Running::name_at(ip);
        let wants_method = (*ip).arg & 1 != 0;
        if std::ptr::eq(class, MODULE.object()) {
            return specialize_module(ip, v);
        }
        if class.payload.has(TypeFlags::CUSTOM_GETATTR) {
            return false;
        }
        if class.payload.has(TypeFlags::TYPE_SUBCLASS) {
            return specialize_class(vm, ip, v);
        }
        let version = typeobject::version(class);
        if version == 0 {
            return false;
        }
        let on_type = typeobject::lookup(class, name);
        if let Some(d) = &on_type {
            let slots = d.class().payload.slots();
            if slots.descr_set.is_some() {
                if let Some(index) = crate::types::descr::member_slot(d, class) {
                    if class.payload.itemsize.get() == 0 && !wants_method {
                        (*ip.cast_mut()).cache = version;
                        set_cache(ip, 0, (instance::slots_offset(class) + index * 8) as u64);
                        quicken(ip, op::LOAD_ATTR_SLOT);
                        return true;
                    }
                }
                if let Some(getter) = crate::types::descr::property_getter(d) {
                    if let Some(f) = getter.downcast_exact::<Function>() {
                        let r = &*f.running();
                        if r.simple
                            && r.argcount == 1
                            && !wants_method
                            && !r.flags.intersects(taipan_bytecode::CodeFlags::ANY_GENERATOR)
                        {
                            (*ip.cast_mut()).cache = version;
                            set_cache(ip, 0, getter.word() as u64);
                            quicken(ip, op::LOAD_ATTR_PROPERTY);
                            return true;
                        }
                    }
                }
                return false;
            }
        }
        if let Some((shape, offset)) = instance::inline_slot(v, name) {
            let entry = pack(version, offset as u32);
            if (*ip).op == op::LOAD_ATTR_INSTANCE_VALUE {
                // A second layout at this place: keep both.
                set_cache(ip, 2, entry);
                set_cache(ip, 1, shape as u64);
                quicken(ip, op::LOAD_ATTR_POLY);
                return true;
            }
            (*ip.cast_mut()).cache = shape;
            set_cache(ip, 0, entry);
            quicken(ip, op::LOAD_ATTR_INSTANCE_VALUE);
            return true;
        }
        if instance::get_attribute(v, name).is_some() {
            return false;
        }
        let Some(d) = on_type else { return false };
        let shape = v.header().map_or(0, |h| h.shape_id());
        if class.payload.has(TypeFlags::HAS_DICT) && crate::object::shape::is_dict_mode(shape) {
            // An instance with a real dict can gain the name unseen.
            return false;
        }
        if wants_method && d.class().payload.has(TypeFlags::METHOD_DESCRIPTOR) {
            if (*ip).op == op::LOAD_ATTR_METHOD {
                set_cache(ip, 1, pack(version, shape));
                set_cache(ip, 2, d.word() as u64);
                quicken(ip, op::LOAD_ATTR_METHOD_POLY);
                return true;
            }
            (*ip.cast_mut()).cache = version;
            set_cache(ip, 0, d.word() as u64);
            set_cache(ip, 1, shape as u64);
            quicken(ip, op::LOAD_ATTR_METHOD);
            return true;
        }
        if d.class().payload.slots().descr_get.is_none() && !wants_method {
            (*ip.cast_mut()).cache = version;
            set_cache(ip, 0, d.word() as u64);
            set_cache(ip, 1, shape as u64);
            quicken(ip, op::LOAD_ATTR_NONDESCRIPTOR);
            return true;
        }
        false
    }
}

unsafe fn specialize_module(ip: *const Unit, v: &Value) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let Some(m) = v.downcast_exact::<Module>() else { return false };
        let Some((version, index)) = m.dict.cacheable(Running::name_at(ip)) else { return false };
        (*ip.cast_mut()).cache = version;
        set_cache(ip, 0, index as u64);
        quicken(ip, op::LOAD_ATTR_MODULE);
        true
    }
}

unsafe fn specialize_class(vm: &mut Vm, ip: *const Unit, v: &Value) -> bool {
    // SAFETY: as every handler.
    unsafe {
        if !std::ptr::eq(v.class(), typeobject::TYPE.object()) {
            return false;
        }
        let class: &TypeObj = &*(v.word() as *const TypeObj);
        let name = Running::name_at(ip);
        if typeobject::lookup(typeobject::TYPE.object(), name).is_some() {
            return false;
        }
        let version = typeobject::version(class);
        let Some(d) = vm.type_lookup(class, name) else { return false };
        let plain = d.class().payload.slots().descr_get.is_none() || std::ptr::eq(d.class(), FUNCTION.object());
        if version == 0 || !plain {
            return false;
        }
        (*ip.cast_mut()).cache = version;
        set_cache(ip, 0, d.word() as u64);
        quicken(ip, op::LOAD_ATTR_CLASS);
        true
    }
}

#[inline(always)]
unsafe fn shape_of(w: Word) -> u32 {
    // SAFETY: the word is a pointer.
    unsafe { (*((w & !2) as *const Header)).shape_id() }
}

handler!(
/// An attribute in an inline slot.
load_attr_instance_value(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 != 0 || shape_of(w) != (*ip).cache {
        jump!(load_attr_second, ip, sp, fp, vm, t)
    }
    let c = cache(ip, 0);
    let p = w & !2;
    if (*(*(p as *const Header)).typ.get()).payload.version.get() != c as u32 {
        jump!(load_attr_deopt, ip, sp, fp, vm, t)
    }
    let r = *((p + (c >> 32) as usize) as *const Word);
    *sp.sub(1) = owned(r);
    let arg = (*ip).arg as usize & 1;
    *sp = 0;
    give_up!(w, end_5, ip, sp.add(arg), vm, t);
    next!(ip.add(LOAD_UNITS), sp.add(arg), fp, vm, t)
});

// A miss of the one-entry form: tries to become polymorphic once.
handler!(load_attr_second(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 == 0 && specialize(&mut *vm, ip, w) && (*ip).op == op::LOAD_ATTR_POLY {
        next!(ip, sp, fp, vm, t)
    }
    jump!(load_attr_deopt, ip, sp, fp, vm, t)
});

handler!(
/// An attribute in an inline slot, for two layouts.
load_attr_poly(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 != 0 {
        jump!(load_attr_generic, ip, sp, fp, vm, t)
    }
    let shape = shape_of(w);
    let c = if shape == (*ip).cache { cache(ip, 0) }
        else if shape as u64 == cache(ip, 1) { cache(ip, 2) }
        else { jump!(load_attr_poly_miss, ip, sp, fp, vm, t) };
    let p = w & !2;
    if (*(*(p as *const Header)).typ.get()).payload.version.get() != c as u32 {
        jump!(load_attr_deopt, ip, sp, fp, vm, t)
    }
    let r = *((p + (c >> 32) as usize) as *const Word);
    *sp.sub(1) = owned(r);
    let arg = (*ip).arg as usize & 1;
    *sp = 0;
    give_up!(w, end_5, ip, sp.add(arg), vm, t);
    next!(ip.add(LOAD_UNITS), sp.add(arg), fp, vm, t)
});

// A third layout: replaces the second entry, so that a changing mix still finds its way.
handler!(load_attr_poly_miss(ip, sp, fp, vm, t) {
    let w = strip(*sp.sub(1));
    let v = Value::ref_from_word(&w);
    let name = Running::name_at(ip);
    if !v.class().payload.has(TypeFlags::CUSTOM_GETATTR) && typeobject::lookup(v.class(), name).is_none() {
        if let Some((shape, offset)) = instance::inline_slot(v, name) {
            set_cache(ip, 1, shape as u64);
            set_cache(ip, 2, pack(typeobject::version(v.class()), offset as u32));
        }
    }
    jump!(load_attr_generic, ip, sp, fp, vm, t)
});

handler!(
/// A method for a call: the function and `self`.
load_attr_method(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    let ty = if w & 1 != 0 { crate::types::int::INT.object() as *const TypeObj } else { type_of(w) };
    if (*ty).payload.version.get() != (*ip).cache || (w & 1 == 0 && shape_of(w) as u64 != cache(ip, 1)) {
        jump!(load_method_second, ip, sp, fp, vm, t)
    }
    *sp = w;
    *sp.sub(1) = cache(ip, 0) as Word | 2;
    next!(ip.add(LOAD_UNITS), sp.add(1), fp, vm, t)
});

handler!(load_method_second(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    let ty = if w & 1 != 0 { crate::types::int::INT.object() as *const TypeObj } else { type_of(w) };
    if (*ty).payload.version.get() == (*ip).cache {
        // The same class with another layout: the method was checked not to be shadowed by this shape.
        let s = strip(w);
        let v = Value::ref_from_word(&s);
        let shape = shape_of(w);
        if !crate::object::shape::is_dict_mode(shape) && instance::get_attribute(v, Running::name_at(ip)).is_none() {
            set_cache(ip, 1, shape as u64);
            next!(ip, sp, fp, vm, t)
        }
        jump!(load_attr_generic, ip, sp, fp, vm, t)
    }
    if specialize(&mut *vm, ip, w) && (*ip).op == op::LOAD_ATTR_METHOD_POLY {
        next!(ip, sp, fp, vm, t)
    }
    jump!(load_attr_deopt, ip, sp, fp, vm, t)
});

handler!(
/// A method for a call, for two classes.
load_attr_method_poly(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 != 0 {
        jump!(load_attr_generic, ip, sp, fp, vm, t)
    }
    let ty = type_of(w);
    let version = (*ty).payload.version.get();
    // The first entry keeps the shape it saw in the low half of the second's version word's neighbour.
    let second = cache(ip, 1);
    if version == second as u32 && shape_of(w) == (second >> 32) as u32 && version != 0 {
        *sp = w;
        *sp.sub(1) = cache(ip, 2) as Word | 2;
        next!(ip.add(LOAD_UNITS), sp.add(1), fp, vm, t)
    }
    if version == (*ip).cache && not_shadowed(w, ip) {
        *sp = w;
        *sp.sub(1) = cache(ip, 0) as Word | 2;
        next!(ip.add(LOAD_UNITS), sp.add(1), fp, vm, t)
    }
    jump!(load_attr_generic, ip, sp, fp, vm, t)
});

/// Whether the instance has no attribute of the instruction's name.
#[inline(always)]
unsafe fn not_shadowed(w: Word, ip: *const Unit) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let shape = shape_of(w);
        if shape == 0 {
            return true;
        }
        !crate::object::shape::is_dict_mode(shape)
            && crate::object::shape::get(shape).find(Running::name_at(ip)).is_none()
    }
}

handler!(
/// A module's attribute.
load_attr_module(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if type_of(w) != MODULE.object() as *const TypeObj {
        jump!(load_attr_deopt, ip, sp, fp, vm, t)
    }
    let m = &(*((w & !2) as *const Obj<Module>)).payload;
    if m.dict.current_version() != (*ip).cache {
        jump!(load_attr_deopt, ip, sp, fp, vm, t)
    }
    *sp.sub(1) = owned(m.dict.cached_value(cache(ip, 0) as u32).word());
    *sp = 0;
    let arg = (*ip).arg as usize & 1;
    give_up!(w, end_5, ip, sp.add(arg), vm, t);
    next!(ip.add(LOAD_UNITS), sp.add(arg), fp, vm, t)
});

handler!(
/// A `__slots__` member.
load_attr_slot(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 != 0 || (*type_of(w)).payload.version.get() != (*ip).cache {
        jump!(load_attr_deopt, ip, sp, fp, vm, t)
    }
    let r = *(((w & !2) + cache(ip, 0) as usize) as *const Word);
    if r == 0 {
        jump!(load_attr_generic, ip, sp, fp, vm, t)
    }
    *sp.sub(1) = owned(r);
    give_up!(w, end_5, ip, sp, vm, t);
    next!(ip.add(LOAD_UNITS), sp, fp, vm, t)
});

handler!(
/// A class's own attribute that is no descriptor (or a function).
load_attr_class(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    let p = w & !2;
    if w & 1 != 0 || type_of(w) != typeobject::TYPE.object() as *const TypeObj
        || (*(p as *const TypeObj)).payload.version.get() != (*ip).cache
    {
        jump!(load_attr_deopt, ip, sp, fp, vm, t)
    }
    *sp.sub(1) = owned(cache(ip, 0) as Word);
    *sp = 0;
    let arg = (*ip).arg as usize & 1;
    give_up!(w, end_5, ip, sp.add(arg), vm, t);
    next!(ip.add(LOAD_UNITS), sp.add(arg), fp, vm, t)
});

handler!(
/// A class attribute that is no descriptor, read through an instance.
load_attr_nondescriptor(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 != 0 || (*type_of(w)).payload.version.get() != (*ip).cache || shape_of(w) as u64 != cache(ip, 1) {
        jump!(load_attr_deopt, ip, sp, fp, vm, t)
    }
    *sp.sub(1) = owned(cache(ip, 0) as Word);
    give_up!(w, end_5, ip, sp, vm, t);
    next!(ip.add(LOAD_UNITS), sp, fp, vm, t)
});

handler!(
/// A property whose getter is a Python function: entered without native recursion.
load_attr_property(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 != 0 || (*type_of(w)).payload.version.get() != (*ip).cache {
        jump!(load_attr_deopt, ip, sp, fp, vm, t)
    }
    let f = cache(ip, 0) as Word;
    let func = &raw const (*(f as *const Obj<Function>)).payload;
    let running = (*func).running.get();
    (*(*vm).frame).ip = ip;
    let in_generator = (*(*vm).frame).flags & crate::vm::frame::flags::GENERATOR != 0;
    if in_generator || running.is_null() || sp.add(2) > (*vm).stack_limit {
        jump!(load_attr_generic, ip, sp, fp, vm, t)
    }
    *sp.add(1) = (w & !2) | 2;
    let frame = super::call::push_running(vm, func, running, sp.add(1), 1, super::call::result_attr_unit(), sp, 0);
    if frame.is_null() {
        jump!(load_attr_generic, ip, sp, fp, vm, t)
    }
    (*(f as *const Header)).incref();
    *sp = f;
    next!((*frame).ip, Frame::stack(frame), (*frame).fp, vm, t)
});

// ---- STORE_ATTR -----------------------------------------------------------------------------------------------------

handler!(
/// `STORE_ATTR`
store_attr(ip, sp, fp, vm, t) {
    if warm(ip) && specialize_store(ip, *sp.sub(1)) {
        next!(ip, sp, fp, vm, t)
    }
    jump!(store_attr_generic, ip, sp, fp, vm, t)
});

handler!(store_attr_deopt(ip, sp, fp, vm, t) {
    (*ip.cast_mut()).cache = 8;
    quicken(ip, taipan_bytecode::Op::STORE_ATTR as u16);
    jump!(store_attr_generic, ip, sp, fp, vm, t)
});

slow_handler!(store_attr_generic, STORE_UNITS, store);
unsafe fn store(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: object and value stay on the stack through the call.
    unsafe {
        let (o, v) = (strip(*sp.sub(1)), strip(*sp.sub(2)));
        match vm.set_attr(Value::ref_from_word(&o), Running::name_at(ip), Value::ref_from_word(&v)) {
            Ok(()) => {
                release(*sp.sub(1));
                release(*sp.sub(2));
                sp.sub(2)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

unsafe fn specialize_store(ip: *const Unit, w: Word) -> bool {
    // SAFETY: as every handler.
    unsafe {
        let w = strip(w);
        let v = Value::ref_from_word(&w);
        if v.is_small() {
            return false;
        }
        let class = v.class();
        let name = Running::name_at(ip);
        let generic = class.payload.slots().setattr.is_none_or(|f| {
            std::ptr::fn_addr_eq(f, crate::types::object::generic_setattr as crate::object::typedef::SetAttrFn)
        });
        let version = typeobject::version(class);
        if !generic || version == 0 || v.header().is_some_and(|h| h.has(crate::object::header::flag::WATCHED)) {
            return false;
        }
        if let Some(d) = typeobject::lookup(class, name) {
            if let Some(index) = crate::types::descr::member_slot(&d, class) {
                if class.payload.itemsize.get() == 0 {
                    (*ip.cast_mut()).cache = version;
                    set_cache(ip, 0, (instance::slots_offset(class) + index * 8) as u64);
                    quicken(ip, op::STORE_ATTR_SLOT);
                    return true;
                }
            }
            if d.class().payload.slots().descr_set.is_some() {
                return false;
            }
        }
        if let Some((shape, offset)) = instance::inline_slot(v, name) {
            (*ip.cast_mut()).cache = shape;
            set_cache(ip, 0, pack(version, offset as u32));
            quicken(ip, op::STORE_ATTR_INSTANCE_VALUE);
            return true;
        }
        if let Some((old, new, offset)) = instance::inline_append(v, name) {
            (*ip.cast_mut()).cache = old;
            set_cache(ip, 0, pack(version, offset as u32));
            set_cache(ip, 1, new as u64);
            quicken(ip, op::STORE_ATTR_APPEND);
            return true;
        }
        false
    }
}

handler!(
/// An attribute that has its inline slot.
store_attr_instance_value(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    let c = cache(ip, 0);
    let p = w & !2;
    if w & 1 != 0 || shape_of(w) != (*ip).cache
        || (*(*(p as *const Header)).typ.get()).payload.version.get() != c as u32
    {
        jump!(store_attr_deopt, ip, sp, fp, vm, t)
    }
    let slot = (p + (c >> 32) as usize) as *mut Word;
    let old = *slot;
    *slot = crate::vm::frame::keep(*sp.sub(2));
    *sp.sub(2) = old;
    give_up_two!(end_two_4, ip, sp.sub(2), fp, vm, t);
    next!(ip.add(STORE_UNITS), sp.sub(2), fp, vm, t)
});

handler!(
/// A new attribute that takes the next inline slot.
store_attr_append(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    let c = cache(ip, 0);
    let p = w & !2;
    if w & 1 != 0 || shape_of(w) != (*ip).cache
        || (*(*(p as *const Header)).typ.get()).payload.version.get() != c as u32
    {
        jump!(store_attr_deopt, ip, sp, fp, vm, t)
    }
    *((p + (c >> 32) as usize) as *mut Word) = crate::vm::frame::keep(*sp.sub(2));
    (*(p as *const Header)).set_shape_id(cache(ip, 1) as u32);
    give_up!(w, end_4, ip, sp.sub(2), vm, t);
    next!(ip.add(STORE_UNITS), sp.sub(2), fp, vm, t)
});

handler!(
/// A `__slots__` member.
store_attr_slot(ip, sp, fp, vm, t) {
    let w = *sp.sub(1);
    if w & 1 != 0 || (*type_of(w)).payload.version.get() != (*ip).cache {
        jump!(store_attr_deopt, ip, sp, fp, vm, t)
    }
    let slot = ((w & !2) + cache(ip, 0) as usize) as *mut Word;
    let old = *slot;
    *slot = crate::vm::frame::keep(*sp.sub(2));
    *sp.sub(2) = old;
    give_up_two!(end_two_4, ip, sp.sub(2), fp, vm, t);
    next!(ip.add(STORE_UNITS), sp.sub(2), fp, vm, t)
});

slow_handler!(
    /// `DELETE_ATTR`
    delete_attr, 2, delete);
unsafe fn delete(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the object stays on the stack through the call.
    unsafe {
        let o = strip(*sp.sub(1));
        match vm.del_attr(Value::ref_from_word(&o), Running::name_at(ip)) {
            Ok(()) => {
                release(*sp.sub(1));
                sp.sub(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

// ---- super() and special methods -------------------------------------------------------------------------------------

slow_handler!(
    /// `LOAD_SUPER_ATTR`: `super`, class, self; bit 0: method call, bit 1: two-argument form. (The name unit follows.)
    load_super_attr, 2, super_attr);
unsafe fn super_attr(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: as every handler.
    unsafe { super_attr_as(vm, sp, ip, (*ip).arg & 1 != 0, |_, failed| failed) }
}

/// `unbound`: a method may be left unbound, with its object beside it. `told` hears whether it failed, and says whether
/// that is so, while the operands are on the stack.
unsafe fn super_attr_as(
    vm: &mut Vm,
    sp: *mut Word,
    ip: *const Unit,
    unbound: bool,
    told: impl FnOnce(&mut Vm, bool) -> bool,
) -> *mut Word {
    // SAFETY: the operands stay on the stack through the call.
    unsafe {
        let (s, c, o) = (strip(*sp.sub(3)), strip(*sp.sub(2)), strip(*sp.sub(1)));
        let (s, class, obj) = (Value::ref_from_word(&s), Value::ref_from_word(&c), Value::ref_from_word(&o));
        let name = Running::name_at(ip);
        let arg = (*ip).arg;
        let loaded = crate::types::descr::super_load(vm, s, class, obj, name, unbound, arg & 2 != 0);
        let failed = told(vm, loaded.is_err());
        let (first, second) = match loaded {
            Ok(r) if !failed => r,
            _ => return std::ptr::null_mut(),
        };
        for i in 1..=3 {
            release(*sp.sub(i));
        }
        *sp.sub(3) = first.into_word();
        let mut new_sp = sp.sub(2);
        if arg & 1 != 0 {
            *new_sp = second.map_or(0, Value::into_word);
            new_sp = new_sp.add(1);
        }
        new_sp
    }
}

handler!(
/// `LOAD_SUPER_ATTR` while somebody listens to calls: that of `super` is reported.
#[cold]
load_super_attr_watched(ip, sp, fp, vm, t) {
    save!(vm, ip, sp);
    let new_sp = super_attr_told(&mut *vm, sp, ip);
    if new_sp.is_null() {
        jump!(super::unwind::unwind, ip, sp, fp, vm, t)
    }
    next_settled!(ip.add(2), new_sp, fp, vm, t)
});

// Out of line, as in `slow_handler`: an address taken here must not keep the handler's frame alive.
#[inline(never)]
unsafe fn super_attr_told(vm: &mut Vm, sp: *mut Word, ip: *const Unit) -> *mut Word {
    // SAFETY: as `super_attr`.
    unsafe {
        let heard = crate::probe::call_hearers(vm, ip);
        super_attr_as(vm, sp, ip, false, |vm, raised| {
            let (callable, class) = (strip(*sp.sub(3)), strip(*sp.sub(2)));
            let class = ((*ip).arg & 2 != 0).then(|| Value::ref_from_word(&class));
            crate::probe::call_ended(vm, ip, heard, Value::ref_from_word(&callable), class, raised).is_err() | raised
        })
    }
}

slow_handler!(
    /// `LOAD_SPECIAL`: the method (or bound attribute) and `self` (or 0).
    load_special, 1, special);
unsafe fn special(vm: &mut Vm, sp: *mut Word, ip: *const Unit, _: *mut Word) -> *mut Word {
    // SAFETY: the object stays on the stack through the call.
    unsafe {
        const NAMES: [&str; 4] = ["__enter__", "__exit__", "__aenter__", "__aexit__"];
        let w = strip(*sp.sub(1));
        let v = Value::ref_from_word(&w);
        let which = (*ip).arg as usize;
        let name = crate::types::str::intern::intern_str(NAMES[which]);
        let Some(f) = typeobject::lookup(v.class(), &name) else {
            special_missing(vm, v, which);
            return std::ptr::null_mut();
        };
        if f.class().payload.has(TypeFlags::METHOD_DESCRIPTOR) {
            let me = crate::vm::frame::keep(*sp.sub(1));
            *sp.sub(1) = f.into_word();
            *sp = me;
            return sp.add(1);
        }
        match vm.lookup_special(v, NAMES[which]) {
            Ok(Some(f)) => {
                let old = *sp.sub(1);
                *sp.sub(1) = f.into_word();
                *sp = 0;
                release(old);
                sp.add(1)
            }
            _ => std::ptr::null_mut(),
        }
    }
}

#[cold]
fn special_missing(vm: &mut Vm, v: &Value, which: usize) {
    let Ok(name) = typeobject::message_name(vm, v.class()) else { return };
    let (kind, method) = [
        ("context manager protocol", "__enter__"),
        ("context manager protocol", "__exit__"),
        ("asynchronous context manager protocol", "__aenter__"),
        ("asynchronous context manager protocol", "__aexit__"),
    ][which];
    let other = if which < 2 { "__aenter__" } else { "__enter__" };
    let other_exit = if which < 2 { "__aexit__" } else { "__exit__" };
    let has_other = [other, other_exit]
        .iter()
        .all(|n| typeobject::lookup(v.class(), &crate::types::str::intern::intern_str(n)).is_some());
    let hint = match (has_other, which < 2) {
        (true, true) => " but it supports the asynchronous context manager protocol. Did you mean to use 'async with'?",
        (true, false) => " but it supports the context manager protocol. Did you mean to use 'with'?",
        _ => "",
    };
    let _ = vm.type_error(format!("'{name}' object does not support the {kind} (missed {method} method){hint}"));
}
