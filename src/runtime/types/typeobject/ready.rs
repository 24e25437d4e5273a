//! Making builtin types ready: inherited slots and flags, the order, and the dictionary with its descriptors.
//!
//! This runs at every start for every builtin type, so it does no more than fill tables: text signatures are parsed when a
//! function is first called, wrappers of slots know their row by number, and names are interned once.

use super::{TYPE, add_subclass};
use crate::name;
use crate::object::typedef::HashFn;
use crate::object::{Py, Type, TypeDef, TypeFlags, TypeObj, instance, none};
use crate::types::descr::members;
use crate::types::dict::Dict;
use crate::types::method;
use crate::types::object::OBJECT;
use crate::types::slots::{self, ROWS, Wrap, not_hashable, wrapper};
use crate::types::str::intern::intern_str;
use crate::types::tuple::Tuple;

/// Flags that a builtin type takes over from its base.
const INHERITED: TypeFlags = TypeFlags::HAVE_GC
    .union(TypeFlags::HAS_FINALIZER)
    .union(TypeFlags::WEAKREFABLE)
    .union(TypeFlags::HAS_DICT)
    .union(TypeFlags::SEQUENCE)
    .union(TypeFlags::MAPPING)
    .union(TypeFlags::MATCH_SELF)
    .union(TypeFlags::INT_SUBCLASS)
    .union(TypeFlags::LIST_SUBCLASS)
    .union(TypeFlags::TUPLE_SUBCLASS)
    .union(TypeFlags::BYTES_SUBCLASS)
    .union(TypeFlags::STR_SUBCLASS)
    .union(TypeFlags::DICT_SUBCLASS)
    .union(TypeFlags::EXC_SUBCLASS)
    .union(TypeFlags::TYPE_SUBCLASS);

/// Types whose objects fill the dictionaries of types, beside those listed by the caller.
static FIRST: &[&TypeDef] = &[
    &OBJECT,
    &TYPE,
    &crate::types::str::methods::STR,
    &crate::types::tuple::TUPLE,
    &crate::types::dict::DICT,
    &method::BUILTIN_FUNCTION,
    &method::METHOD_DESCRIPTOR,
    &method::CLASSMETHOD_DESCRIPTOR,
    &members::GETSET_DESCRIPTOR,
    &members::MEMBER_DESCRIPTOR,
    &crate::types::descr::STATICMETHOD,
    &wrapper::WRAPPER_DESCRIPTOR,
];

/// Makes all listed types ready. All learn first what their instances look like, so that objects of any of them can be
/// made and dropped while the dictionaries are filled.
pub fn ready_all(defs: &[&'static TypeDef]) {
    FIRST.iter().chain(defs).for_each(|def| prepare(def));
    FIRST.iter().chain(defs).for_each(|def| ready(def));
    crate::types::typevar::finish_ready();
}

fn base_def(def: &'static TypeDef) -> Option<&'static TypeDef> {
    if std::ptr::eq(def, &OBJECT) { None } else { Some(def.base.unwrap_or(&OBJECT)) }
}

/// Layout, flags and slots of a type, its base's first.
fn prepare(def: &'static TypeDef) {
    let t = def.object();
    if t.payload.def.get().is_some() {
        return;
    }
    let base = base_def(def);
    if let Some(base) = base {
        prepare(base);
    }
    describe(def, t, base);
    inherit_slots(def, t, base);
}

/// Makes a builtin type ready, and its bases before it. Nothing happens when it is already.
pub fn ready(def: &'static TypeDef) {
    let t = def.object();
    if t.payload.has(TypeFlags::READY) {
        return;
    }
    prepare(def);
    let base = base_def(def);
    if let Some(base) = base {
        ready(base);
    }
    fill_dict(def, t);
    order(def, t, base);
    t.payload.flags.set(t.payload.flags.get() | TypeFlags::READY);
}

fn describe(def: &'static TypeDef, t: &'static TypeObj, base: Option<&'static TypeDef>) {
    let p = &t.payload;
    let mut flags = def.flags | TypeFlags::IMMUTABLE;
    if let Some(base) = base {
        flags |= base.object().payload.flags.get() & INHERITED;
        p.base.set(base.object());
    }
    if def.slots.new.is_none() && base.is_some_and(|b| std::ptr::eq(b, &OBJECT)) {
        flags |= TypeFlags::DISALLOW_INSTANTIATION;
    }
    p.flags.set(flags);
    p.basicsize.set(def.basicsize as u32);
    p.itemsize.set(def.itemsize as u32);
    p.slot_words.set(def.slot_words);
    p.layout.set((def.layout)());
    let plain = !flags.contains(TypeFlags::HAS_DICT) && def.slot_words == 0;
    // SAFETY: layouts are statics.
    let ops = unsafe { &(*(def.layout)()).ops };
    p.dealloc.set(if plain { ops.end_plain } else { instance::dealloc_builtin });
    p.def.set(Some(def));
    p.name.replace(def.name.to_owned());
}

fn inherit_slots(def: &'static TypeDef, t: &'static TypeObj, base: Option<&'static TypeDef>) {
    let mut own = def.slots;
    if own.richcmp.is_some() && own.hash.is_none() {
        own.hash = Some(not_hashable);
    }
    if let Some(base) = base {
        let mut from = *base.object().payload.slots();
        if own.hash.is_some() {
            // Equality and hash are taken over together or not at all.
            from.richcmp = None;
        }
        if t.payload.has(TypeFlags::DISALLOW_INSTANTIATION) {
            from.new = None;
        }
        own.inherit(&from);
        if own.finalize.is_some() {
            t.payload.flags.set(t.payload.flags.get() | TypeFlags::HAS_FINALIZER);
        }
    }
    let generic = own.getattr.is_some_and(|f| {
        std::ptr::fn_addr_eq(f, crate::types::object::generic_getattr as crate::object::typedef::GetAttrFn)
    });
    let mut flags = t.payload.flags.get();
    flags.set(TypeFlags::CUSTOM_GETATTR, !generic);
    t.payload.flags.set(flags);
    // SAFETY: nobody reads the slots of a type that is not ready (I1).
    unsafe { *t.payload.slots.get() = own }
}

/// `__new__`, slot wrappers, methods, attributes, documentation: the order in which CPython fills a type's dictionary.
fn fill_dict(def: &'static TypeDef, t: &'static TypeObj) {
    let dict = Dict::new_object();
    let own = &def.slots;
    if own.new.is_some() {
        dict.store_str(name!("__new__"), wrapper::new_function(t));
    }
    let unhashable = own.hash.is_some_and(|f| std::ptr::fn_addr_eq(f, not_hashable as HashFn))
        || own.hash.is_none() && own.richcmp.is_some();
    for (i, row) in ROWS.iter().enumerate() {
        if slots::word(own, row.slot) == 0 || matches!(row.wrap, Wrap::None) {
            continue;
        }
        if matches!(row.wrap, Wrap::Hash(_)) && unhashable {
            continue;
        }
        let name = slots::row_name(i);
        if dict.lookup_str(&name).is_none() {
            dict.store_str(&name, wrapper::new_wrapper(i, t));
        }
    }
    for m in def.methods {
        dict.store_str(&intern_str(m.name), method::descriptor(m, t));
    }
    for a in def.getset {
        dict.store_str(&intern_str(a.name), members::getset_descriptor(a, &def.class()));
    }
    if dict.lookup_str(name!("__doc__")).is_none() {
        let doc = if def.doc.is_empty() { none() } else { crate::types::str::Str::from_rust(def.doc).into() };
        dict.store_str(name!("__doc__"), doc);
    }
    if unhashable && dict.lookup_str(name!("__hash__")).is_none() {
        dict.store_str(name!("__hash__"), none());
    }
    t.payload.dict.replace(Some(dict));
}

fn order(def: &'static TypeDef, t: &'static TypeObj, base: Option<&'static TypeDef>) {
    let mut order: Vec<Py<Type>> = vec![def.class()];
    if let Some(base) = base {
        order.extend(super::mro_of(base.object()));
        add_subclass(base.object(), t);
    }
    let tuple = Tuple::from_vec(order.iter().map(|c| c.as_value().clone()).collect());
    let bases = match base {
        Some(base) => Tuple::from_vec(vec![base.value()]),
        None => Tuple::empty(),
    };
    t.payload.mro.replace(order);
    let mut extra = t.payload.extra.borrow_mut();
    extra.mro_tuple = Some(tuple.into());
    extra.bases = Some(bases.into());
}
