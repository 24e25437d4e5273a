//! `type`: the payload's lifetime, lookups along the method resolution order, and the version of a type.
//!
//! A type's *version* names the present state of everything a lookup on it can see; it is given on demand and taken
//! away, together with those of all subclasses, when the type changes. The method cache and the inline caches of the
//! eval loop compare versions. The rooms: `ready` (builtin types), `create` (the class statement), `layout` (which base
//! decides the memory of instances), `mro`, `access` (attributes of classes), `attributes` (`__name__`, `__bases__`, …),
//! `checks` (`isinstance`), `call` (making instances). `Objects/typeobject.c` is what decides.

pub mod access;
pub mod attributes;
pub mod bases;
pub mod call;
pub mod checks;
pub mod create;
pub mod layout;
pub mod methods;
pub mod mro;
pub mod ready;

use crate::object::header::Header;
use crate::object::typedef::{Payload, TypeExtra, Visit};
use crate::object::{Py, PyResult, Slots, Type, TypeDef, TypeFlags, TypeObj, Value};
use crate::types::str::Str;
use crate::vm::Vm;
use std::cell::Cell;

pub use access::{class_getitem, type_getattr, type_setattr};
pub use checks::{is_instance, is_subclass};

/// `type`.
pub static TYPE: TypeDef = TypeDef::new::<Type>("type")
    .doc("The class of classes: type(x) is the class of x, type(name, bases, namespace, **kwds) makes a new class.")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE).union(TypeFlags::WEAKREFABLE).union(TypeFlags::TYPE_SUBCLASS))
    .cpython_size(936, 40)
    .slots(Slots {
        repr: Some(methods::repr),
        call: Some(call::call),
        getattr: Some(access::type_getattr),
        setattr: Some(access::type_setattr),
        init: Some(call::type_init),
        new: Some(create::type_new),
        or: Some(methods::or),
        ..Slots::NONE
    })
    .methods(methods::METHODS)
    .getset(attributes::GETSET);

// SAFETY: `TYPE` is made by `TypeDef::new::<Type>`; every owned value is visited once.
unsafe impl Payload for Type {
    const DEF: &'static TypeDef = &TYPE;
    fn traverse(&self, visit: &mut Visit<'_>) {
        for t in self.mro.borrow().iter() {
            visit(t.as_value());
        }
        if let Some(d) = &*self.dict.borrow() {
            visit(d.as_value());
        }
        let TypeExtra { bases, mro_tuple, qualname, name_object, slot_names: _, subclasses: _, module } =
            &*self.extra.borrow();
        for v in [bases, mro_tuple, qualname, name_object, module].into_iter().flatten() {
            visit(v);
        }
    }
    /// Gives up the dictionary's content and the order; what instances still need to end (layout, base) stays.
    fn clear(&mut self) {
        self.version.set(0);
        let dict = self.dict.get_mut().clone();
        let mro = std::mem::take(self.mro.get_mut());
        let tuple = self.extra.get_mut().mro_tuple.take();
        let module = self.extra.get_mut().module.take();
        if let Some(d) = &dict {
            d.clear_all();
        }
        drop((mro, tuple, module));
    }
}

impl Drop for Type {
    fn drop(&mut self) {
        let me = object_of(self);
        if let Some(bases) = &self.extra.get_mut().bases {
            for base in tuple_items(bases) {
                if let Some(base) = base.downcast::<Type>() {
                    forget_subclass(base.get_type(), me);
                }
            }
        }
        crate::object::shape::forget(me);
    }
}

/// The object whose payload this is.
fn object_of(payload: &Type) -> *const TypeObj {
    let offset = std::mem::offset_of!(TypeObj, payload);
    (payload as *const Type).cast::<u8>().wrapping_sub(offset).cast()
}

/// Items of a tuple; none for anything else.
pub(crate) fn tuple_items(v: &Value) -> &[Value] {
    v.downcast::<crate::types::tuple::Tuple>().map_or(&[], |t| t.items())
}

/// The value as a class.
#[inline]
pub fn as_class(v: &Value) -> Option<&Py<Type>> {
    v.downcast::<Type>()
}

/// Whether two types are the same object.
#[inline(always)]
pub fn same(a: &TypeObj, b: &TypeObj) -> bool {
    std::ptr::eq(a, b)
}

/// Whether `a` is `b` or derives from it, by MRO alone (`PyType_IsSubtype`).
#[inline]
pub fn is_subtype(a: &TypeObj, b: &TypeObj) -> bool {
    if same(a, b) {
        return true;
    }
    let mro = a.payload.mro.borrow();
    if mro.is_empty() {
        // A type that is being made or that the collector has cleared: the chain of bases still stands.
        drop(mro);
        let mut t = a.payload.base.get();
        while !t.is_null() {
            if std::ptr::eq(t, b) {
                return true;
            }
            // SAFETY: a type keeps its bases alive (I2).
            t = unsafe { (*t).payload.base.get() };
        }
        return same(b, crate::types::object::OBJECT.object());
    }
    mro.iter().any(|t| same(t.get_type(), b))
}

/// The base that decides the layout; `None` for `object`.
pub fn base_of(t: &TypeObj) -> Option<&TypeObj> {
    // SAFETY: a type keeps its bases alive (I2).
    unsafe { t.payload.base.get().as_ref() }
}

/// The nearest builtin type on the chain of bases (the type itself when builtin).
pub fn builtin_base(t: &TypeObj) -> &'static TypeDef {
    let mut t = t;
    loop {
        if let Some(def) = t.payload.def.get() {
            return def;
        }
        match base_of(t) {
            Some(b) => t = b,
            None => return &crate::types::object::OBJECT,
        }
    }
}

// ---- lookups --------------------------------------------------------------------------------------------------------

const CACHE_BITS: u32 = 12;

/// One line of the method cache; the value is not counted: it lives in a type's dictionary as long as the version holds.
struct Line {
    version: Cell<u32>,
    name: Cell<*const Header>,
    value: Cell<usize>,
}

struct Cache([Line; 1 << CACHE_BITS]);
// SAFETY: guarded by the GIL (I1).
unsafe impl Sync for Cache {}

static CACHE: Cache = Cache(
    [const { Line { version: Cell::new(0), name: Cell::new(std::ptr::null()), value: Cell::new(0) } }; 1 << CACHE_BITS],
);

#[inline(always)]
fn line(version: u32, name: *const Header) -> &'static Line {
    let hash = version.wrapping_mul(31) ^ (name as usize >> 4) as u32;
    &CACHE.0[(hash & ((1 << CACHE_BITS) - 1)) as usize]
}

/// Version of a type that gets none: its order contains classes that would not tell it of their changes.
pub(crate) const NO_VERSION: u32 = u32::MAX;

static mut NEXT_VERSION: u32 = 1;

/// Looks an interned name up along the MRO of a class; not bound (`_PyType_Lookup`).
#[inline]
pub fn lookup(t: &TypeObj, name: &Py<Str>) -> Option<Value> {
    let version = t.payload.version.get();
    if version != 0 {
        let key = name.as_value().as_ptr().cast_const();
        let l = line(version, key);
        if l.version.get() == version && std::ptr::eq(l.name.get(), key) {
            let word = l.value.get();
            if word == 0 {
                return None;
            }
            // SAFETY: the version still holds, so the dictionary that owned the value still does.
            return Some(unsafe { Value::ref_from_word(&word) }.clone());
        }
    }
    lookup_slow(t, name)
}

#[inline(never)]
fn lookup_slow(t: &TypeObj, name: &Py<Str>) -> Option<Value> {
    let found = lookup_uncached(t, name);
    let version = self::version(t);
    if version != 0 && name.is_interned() {
        let key = name.as_value().as_ptr().cast_const();
        let l = line(version, key);
        l.version.set(version);
        l.name.set(key);
        l.value.set(found.as_ref().map_or(0, Value::word));
    }
    found
}

/// As [`lookup`], past the cache.
pub fn lookup_uncached(t: &TypeObj, name: &Py<Str>) -> Option<Value> {
    let mro = t.payload.mro.borrow();
    mro.iter().find_map(|c| c.get_type().payload.dict.borrow().as_ref()?.lookup_str(name))
}

/// As [`lookup_uncached`], with the class whose dictionary has the name.
pub fn lookup_with_owner(t: &TypeObj, name: &Py<Str>) -> Option<(Py<Type>, Value)> {
    let mro = t.payload.mro.borrow();
    mro.iter().find_map(|c| Some((c.clone(), c.get_type().payload.dict.borrow().as_ref()?.lookup_str(name)?)))
}

/// The type's version, given now if it has none; 0 when it cannot have one.
#[inline]
pub fn version(t: &TypeObj) -> u32 {
    match t.payload.version.get() {
        0 => assign_version(t),
        NO_VERSION => 0,
        v => v,
    }
}

fn assign_version(t: &TypeObj) -> u32 {
    if !t.payload.has(TypeFlags::READY) {
        return 0;
    }
    // A type with a version hears of changes of its bases only if these have one.
    // An order made by a metaclass's `mro` may lead back here; the mark makes that end without a version. Going from the
    // far end, each class finds its own bases done.
    t.payload.version.set(NO_VERSION);
    let mro = t.payload.mro.borrow();
    let heard = mro.iter().skip(1).rev().all(|c| version(c.get_type()) != 0);
    t.payload.version.set(0);
    if !heard {
        return 0;
    }
    // SAFETY: guarded by the GIL (I1).
    unsafe {
        if NEXT_VERSION == NO_VERSION {
            return 0;
        }
        t.payload.version.set(NEXT_VERSION);
        NEXT_VERSION += 1;
    }
    t.payload.version.get()
}

/// Takes the version away from a type that changed, and from its subclasses (`PyType_Modified`).
pub fn modified(t: &TypeObj) {
    let v = t.payload.version.get();
    if v == 0 {
        return;
    }
    if v != NO_VERSION {
        t.payload.version.set(0);
    }
    for &sub in &t.payload.extra.borrow().subclasses {
        // SAFETY: a subclass takes itself off the list before it ends.
        modified(unsafe { &*sub });
    }
}

// ---- subclasses -----------------------------------------------------------------------------------------------------

/// Notes `sub` as a direct subclass of `base`.
pub(crate) fn add_subclass(base: &TypeObj, sub: &TypeObj) {
    let mut extra = base.payload.extra.borrow_mut();
    if !extra.subclasses.iter().any(|&s| std::ptr::eq(s, sub)) {
        extra.subclasses.push(sub);
    }
}

/// Takes `sub` off the list of direct subclasses.
pub(crate) fn forget_subclass(base: &TypeObj, sub: *const TypeObj) {
    base.payload.extra.borrow_mut().subclasses.retain(|&s| !std::ptr::eq(s, sub));
}

/// The direct subclasses that are alive, oldest first.
pub fn subclasses(t: &TypeObj) -> Vec<Py<Type>> {
    let extra = t.payload.extra.borrow();
    // SAFETY: a subclass takes itself off the list before it ends; one whose end has begun has no references.
    extra
        .subclasses
        .iter()
        .filter(|&&s| unsafe { (*s).header.rc.get() != 0 })
        .map(|&s| Py::of(unsafe { &*s }))
        .collect()
}

/// The MRO, cloned.
pub fn mro_of(t: &TypeObj) -> Vec<Py<Type>> {
    t.payload.mro.borrow().clone()
}

/// `__bases__` as a tuple.
pub fn bases_of(t: &TypeObj) -> Value {
    t.payload.extra.borrow().bases.clone().unwrap_or_else(|| crate::types::tuple::Tuple::empty().into())
}

/// `__name__`. Messages use `payload.name()` instead, which for builtin types carries the module as `tp_name` does.
pub fn short_name(t: &TypeObj) -> String {
    let name = t.payload.name();
    match (t.payload.def.get(), name.rsplit_once('.')) {
        (Some(_), Some((_, short))) => short.to_owned(),
        _ => name,
    }
}

/// The name of a class for messages; empty for anything else.
pub fn name_of(class: &Value) -> String {
    as_class(class).map_or_else(String::new, |t| t.get_type().payload.name())
}

/// Whether a class has a flag; false for anything else.
pub fn has_flag(class: &Value, flag: TypeFlags) -> bool {
    as_class(class).is_some_and(|t| t.get_type().payload.has(flag))
}

/// How messages with CPython's `%T` name a class: `module.qualname`, the module left out for `builtins` and `__main__`
/// (`PyType_GetFullyQualifiedName`). A class that Python code made in no module is an `AttributeError`.
pub fn message_name(vm: &mut Vm, t: &TypeObj) -> PyResult<String> {
    if t.payload.def.get().is_none() && t.payload.dict().lookup_str(crate::name!("__module__")).is_none() {
        return Err(vm.attribute_error("__module__"));
    }
    let full = full_name(t);
    Ok(full.strip_prefix("__main__.").map_or_else(|| full.clone(), str::to_owned))
}

/// `module.qualname`, or the qualified name alone for builtins: how messages name a class in full.
pub fn full_name(t: &TypeObj) -> String {
    match t.payload.def.get() {
        Some(def) => def.name.to_owned(),
        None => {
            let qualname = attributes::qualname_text(t);
            match t.payload.dict().lookup_str(crate::name!("__module__")) {
                Some(m) => match m.downcast::<Str>() {
                    Some(m) if !m.is_text("builtins") => format!("{}.{qualname}", m.to_rust()),
                    _ => qualname,
                },
                None => qualname,
            }
        }
    }
}
