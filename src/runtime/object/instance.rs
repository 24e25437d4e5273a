//! Making and ending objects, and the attribute words of instances.
//!
//! An instance is: header, payload of its builtin base, items (var-sized bases), `__slots__` words, and, when its class
//! has a `__dict__`, one extension word and the inline attribute words that its shape describes. The extension word is
//! zero, a pointer to an overflow buffer (bit 0 set), or the instance's dict (dictionary mode).

use super::header::{Header, flag};
use super::heap::{self, Space};
use super::shape::{self, MAX_INLINE, MAX_SLOTS};
use super::typedef::{Payload, Type, TypeFlags, TypeObj, Visit};
use super::value::{Obj, Py, Value};
use crate::types::dict::Dict;
use crate::types::str::Str;

/// Makes an object of the builtin type of `T` itself.
#[inline]
pub fn new<T: Payload>(payload: T) -> Py<T> {
    // SAFETY: the block is written before anything sees it (I4); layout is that of `T` (I3).
    unsafe {
        let p = heap::alloc(Space::Objects, size_of::<Obj<T>>()).cast::<Obj<T>>();
        p.write(Obj {
            header: Header {
                rc: 1.into(),
                meta: flag::of_size(size_of::<Obj<T>>()).into(),
                typ: std::cell::Cell::new(T::DEF.object()),
            },
            payload,
        });
        if T::DEF.flags.contains(TypeFlags::HAVE_GC) {
            super::gc::allocated();
        }
        Py::from_value_unchecked(Value::from_word(p as usize))
    }
}

/// Makes an instance of `class`, whose layout must be that of `T`: the type itself or a subclass made by Python code.
#[inline]
pub fn new_of<T: Payload>(class: &Py<Type>, payload: T) -> Py<T> {
    debug_assert!(std::ptr::eq(class.get_type().payload.layout.get(), T::DEF));
    // SAFETY: as `new`; the extra words are zeroed by `raw`.
    unsafe {
        let p = raw(class.get_type(), 0).cast::<Obj<T>>();
        (&raw mut (*p).payload).write(payload);
        Py::from_value_unchecked(Value::from_word(p as usize))
    }
}

/// Allocates an instance with `items` items: header written, extra words zeroed, payload and items **not** initialised.
/// Counts the class (when it is a heap type) and the collector's allocation.
///
/// # Safety
/// The caller writes payload and items before anything can see the object (I4).
pub unsafe fn raw(typ: &TypeObj, items: usize) -> *mut Header {
    // SAFETY: by the caller's promise.
    unsafe {
        let t = &typ.payload;
        let fixed = (t.basicsize.get() as usize + t.itemsize.get() as usize * items).next_multiple_of(8);
        let words = extra_words(typ, t.inline_cap.get());
        let p = heap::alloc(Space::Objects, fixed + words * 8).cast::<Header>();
        let shape = if t.has(TypeFlags::HAS_DICT) { shape::root(typ) } else { 0 };
        let meta = shape << flag::SHAPE_SHIFT | flag::of_size(fixed + words * 8);
        p.write(Header { rc: 1.into(), meta: meta.into(), typ: std::cell::Cell::new(typ) });
        std::ptr::write_bytes(p.cast::<u8>().add(fixed).cast::<usize>(), 0, words);
        if t.has(TypeFlags::HEAP) {
            typ.header.incref();
            if t.has(TypeFlags::HAS_FINALIZER) {
                super::finalize::born(p);
            }
        }
        if t.has(TypeFlags::HAVE_GC) {
            super::gc::allocated();
        }
        p
    }
}

fn extra_words(typ: &TypeObj, cap: u32) -> usize {
    let t = &typ.payload;
    t.slot_words.get() as usize + if t.has(TypeFlags::HAS_DICT) { 1 + cap as usize } else { 0 }
}

/// Bytes before the extra words.
#[inline]
unsafe fn fixed_bytes(h: *const Header) -> usize {
    // SAFETY: the object is live.
    unsafe {
        let t = &(*(*h).typ.get()).payload;
        let basic = t.basicsize.get() as usize;
        if t.itemsize.get() == 0 {
            return basic.next_multiple_of(8);
        }
        let n = ((*t.layout.get()).ops.var_len)(h.cast_mut());
        (basic + t.itemsize.get() as usize * n).next_multiple_of(8)
    }
}

/// Bytes of the object's block as asked of the allocator.
///
/// # Safety
/// `h` is a live object.
pub unsafe fn block_bytes(h: *const Header) -> usize {
    // SAFETY: by the caller's promise.
    unsafe {
        let typ = &*(*h).typ.get();
        let cap = if typ.payload.has(TypeFlags::HAS_DICT) { shape::cap_of((*h).shape_id()) } else { 0 };
        let words = extra_words(typ, cap);
        let t = &typ.payload;
        if words == 0 {
            // Exactly what `new` asked for: no rounding for var-sized payloads either (they round in `raw` too).
            return fixed_bytes(h);
        }
        let _ = t;
        fixed_bytes(h) + words * 8
    }
}

/// The `__slots__` and attribute words of an instance.
pub struct Extra {
    slots: *mut Option<Value>,
    ext: *mut usize,
    inline: *mut Option<Value>,
}

/// Finds the extra words.
///
/// # Safety
/// `h` is a live object.
#[inline]
pub unsafe fn extra(h: *mut Header) -> Extra {
    // SAFETY: the words lie inside the object's block.
    unsafe {
        let slots = h.cast::<u8>().add(fixed_bytes(h)).cast::<Option<Value>>();
        let ext = slots.add((*(*h).typ.get()).payload.slot_words.get() as usize).cast::<usize>();
        Extra { slots, ext, inline: ext.add(1).cast() }
    }
}

/// Byte offset of the first `__slots__` word of instances of a fixed-size layout.
pub fn slots_offset(typ: &TypeObj) -> usize {
    (typ.payload.basicsize.get() as usize).next_multiple_of(8)
}

/// Byte offset of the first inline attribute word of instances of a fixed-size layout.
pub fn inline_offset(typ: &TypeObj) -> usize {
    slots_offset(typ) + (typ.payload.slot_words.get() as usize + 1) * 8
}

/// Where an instance keeps its attributes.
enum Home {
    /// In slots described by this shape.
    Slots(&'static shape::Shape),
    /// In a dict.
    Dict,
}

fn has_attributes(v: &Value) -> bool {
    !v.is_small() && v.class().payload.has(TypeFlags::HAS_DICT)
}

unsafe fn home(h: *mut Header) -> Home {
    // SAFETY: by the caller's promise `h` is live and has attributes.
    let id = unsafe { (*h).shape_id() };
    if shape::is_dict_mode(id) { Home::Dict } else { Home::Slots(shape::get(id)) }
}

#[repr(C)]
struct Overflow {
    words: usize,
}

unsafe fn overflow_at(ext: *mut usize, index: usize) -> *mut Option<Value> {
    // SAFETY: bit 0 tells the overflow buffer; `index` is below its length.
    unsafe { ((*ext & !1) as *mut Overflow).add(1).cast::<Option<Value>>().add(index) }
}

/// The word of attribute slot `index`.
unsafe fn attribute_word(h: *mut Header, cap: usize, index: usize) -> *mut Option<Value> {
    // SAFETY: the shape says that the slot exists.
    unsafe {
        let e = extra(h);
        if index < cap { e.inline.add(index) } else { overflow_at(e.ext, index - cap) }
    }
}

/// Whether the object keeps its attributes in itself, in the slots of a shape, rather than in a dict.
pub fn attributes_inside(v: &Value) -> bool {
    // SAFETY: the object is live and has attribute words.
    has_attributes(v) && matches!(unsafe { home(v.as_ptr()) }, Home::Slots(_))
}

/// Reads an instance attribute (not class attributes) by interned name.
pub fn get_attribute(v: &Value, name: &Py<Str>) -> Option<Value> {
    if !has_attributes(v) {
        return None;
    }
    // SAFETY: the object is live and has attribute words.
    unsafe {
        match home(v.as_ptr()) {
            Home::Slots(s) => {
                let index = s.find(name)?;
                (*attribute_word(v.as_ptr(), s.cap as usize, index)).clone()
            }
            Home::Dict => dict_of(v)?.lookup_str(name),
        }
    }
}

unsafe fn dict_of(v: &Value) -> Option<&Py<Dict>> {
    // SAFETY: dictionary mode: the word is zero or an owned dict.
    unsafe {
        let e = extra(v.as_ptr());
        if *e.ext == 0 { None } else { Some(Value::ref_from_word(&*e.ext).downcast_unchecked::<Dict>()) }
    }
}

/// Slot of an attribute, for inline caches: `(shape id, byte offset of the word)` when it lies inline.
pub fn inline_slot(v: &Value, name: &Py<Str>) -> Option<(u32, usize)> {
    if !has_attributes(v) || v.class().payload.itemsize.get() != 0 {
        return None;
    }
    // SAFETY: the object is live.
    unsafe {
        let Home::Slots(s) = home(v.as_ptr()) else { return None };
        let index = s.find(name)?;
        (index < s.cap as usize).then(|| (s.id, inline_offset(v.class()) + index * 8))
    }
}

/// What a store of a new attribute does to an instance, for inline caches: `(old shape, new shape, byte offset)`.
pub fn inline_append(v: &Value, name: &Py<Str>) -> Option<(u32, u32, usize)> {
    if !has_attributes(v) || v.class().payload.itemsize.get() != 0 {
        return None;
    }
    // SAFETY: the object is live.
    unsafe {
        let Home::Slots(s) = home(v.as_ptr()) else { return None };
        if s.find(name).is_some() || s.keys.len() >= s.cap as usize {
            return None;
        }
        Some((s.id, s.with(name), inline_offset(v.class()) + s.keys.len() * 8))
    }
}

/// Sets an instance attribute by interned name. Returns false when the object has no attribute words.
pub fn set_attribute(v: &Value, name: &Py<Str>, value: &Value) -> bool {
    if !has_attributes(v) {
        return false;
    }
    // SAFETY: the object is live; old values are dropped after the words are consistent.
    unsafe {
        let h = v.as_ptr();
        match home(h) {
            Home::Slots(s) => match s.find(name) {
                Some(index) => {
                    let old = (*attribute_word(h, s.cap as usize, index)).replace(value.clone());
                    drop(old);
                }
                None if s.keys.len() < MAX_SLOTS => append(h, s, name, value),
                None => {
                    let dict = materialize(v);
                    dict.store_str(name, value.clone());
                }
            },
            Home::Dict => {
                let dict = materialize(v);
                dict.store_str(name, value.clone());
            }
        }
    }
    true
}

unsafe fn append(h: *mut Header, s: &'static shape::Shape, name: &Py<Str>, value: &Value) {
    // SAFETY: as `set_attribute`.
    unsafe {
        let index = s.keys.len();
        let cap = s.cap as usize;
        if index >= cap {
            let e = extra(h);
            grow_overflow(e.ext, index - cap + 1);
            let t = &(*(*h).typ.get()).payload;
            if t.inline_cap.get() == s.cap && s.cap < MAX_INLINE {
                // Later instances get room for what this one needed.
                t.inline_cap.set((s.cap + (s.cap / 2).max(2)).min(MAX_INLINE));
                t.root_shape.set(0);
            }
        }
        let id = s.with(name);
        attribute_word(h, cap, index).write(Some(value.clone()));
        (*h).set_shape_id(id);
    }
}

unsafe fn grow_overflow(ext: *mut usize, need: usize) {
    // SAFETY: the extension word is zero or an overflow buffer (slots mode).
    unsafe {
        let have = if *ext == 0 { 0 } else { (*((*ext & !1) as *mut Overflow)).words };
        if need <= have {
            return;
        }
        let words = need.next_power_of_two().max(4);
        let old_bytes = if have == 0 { 0 } else { 8 + have * 8 };
        let p = heap::realloc_raw((*ext & !1) as *mut u8, old_bytes, 8 + words * 8).cast::<Overflow>();
        (*p).words = words;
        std::ptr::write_bytes(p.add(1).cast::<usize>().add(have), 0, words - have);
        *ext = p as usize | 1;
    }
}

unsafe fn free_overflow(ext: *mut usize) {
    // SAFETY: slots mode; the words in it were taken out before.
    unsafe {
        if *ext & 1 != 0 {
            let p = (*ext & !1) as *mut Overflow;
            heap::free(Space::Raw, p.cast(), 8 + (*p).words * 8);
        }
        *ext = 0;
    }
}

/// Deletes an instance attribute; false when it is not there.
pub fn delete_attribute(v: &Value, name: &Py<Str>) -> bool {
    if !has_attributes(v) {
        return false;
    }
    // SAFETY: as `set_attribute`.
    unsafe {
        let h = v.as_ptr();
        match home(h) {
            Home::Slots(s) => {
                let Some(index) = s.find(name) else { return false };
                let cap = s.cap as usize;
                let old = (*attribute_word(h, cap, index)).take();
                for i in index + 1..s.keys.len() {
                    let moved = (*attribute_word(h, cap, i)).take();
                    *attribute_word(h, cap, i - 1) = moved;
                }
                (*h).set_shape_id(s.without(index));
                drop(old);
                true
            }
            Home::Dict => match dict_of(v) {
                Some(d) => d.remove_str(name).is_some(),
                None => false,
            },
        }
    }
}

/// The instance's `__dict__`, made on demand: attributes move from slots into a real dict, which the instance then uses.
pub fn materialize(v: &Value) -> Py<Dict> {
    debug_assert!(has_attributes(v));
    // SAFETY: as `set_attribute`.
    unsafe {
        let h = v.as_ptr();
        let e = extra(h);
        match home(h) {
            Home::Dict => {
                if *e.ext == 0 {
                    *e.ext = Dict::new_object().into_value().into_word();
                }
                Value::ref_from_word(&*e.ext).downcast_unchecked::<Dict>().clone()
            }
            Home::Slots(s) => {
                let dict = Dict::new_object();
                let cap = s.cap as usize;
                for (i, key) in s.keys.iter().enumerate() {
                    if let Some(value) = (*attribute_word(h, cap, i)).take() {
                        dict.store_str(key, value);
                    }
                }
                free_overflow(e.ext);
                (*h).set_shape_id(shape::dict_mode(s.cap));
                *e.ext = dict.clone().into_value().into_word();
                dict
            }
        }
    }
}

/// Replaces the instance's `__dict__`.
pub fn set_dict(v: &Value, dict: Py<Dict>) {
    let old = materialize(v);
    // SAFETY: the instance is in dictionary mode now and owns the word.
    unsafe {
        let e = extra(v.as_ptr());
        let was = Value::from_word(*e.ext);
        *e.ext = dict.into_value().into_word();
        drop(was);
    }
    drop(old);
}

/// The instance attributes in order, without making a dict.
pub fn attributes(v: &Value) -> Vec<(Value, Value)> {
    if !has_attributes(v) {
        return Vec::new();
    }
    // SAFETY: the object is live.
    unsafe {
        match home(v.as_ptr()) {
            Home::Slots(s) => s
                .keys
                .iter()
                .enumerate()
                .filter_map(|(i, k)| {
                    let value = (*attribute_word(v.as_ptr(), s.cap as usize, i)).clone()?;
                    Some((k.as_value().clone(), value))
                })
                .collect(),
            Home::Dict => dict_of(v).map(|d| d.pairs()).unwrap_or_default(),
        }
    }
}

/// Reads `__slots__` word `index`.
pub fn get_slot(v: &Value, index: usize) -> Option<Value> {
    // SAFETY: the member descriptor checked that the object's type has the slot.
    unsafe { (*extra(v.as_ptr()).slots.add(index)).clone() }
}

/// Writes `__slots__` word `index`; returns the old value.
pub fn set_slot(v: &Value, index: usize, value: Option<Value>) -> Option<Value> {
    // SAFETY: as `get_slot`.
    unsafe { std::mem::replace(&mut *extra(v.as_ptr()).slots.add(index), value) }
}

/// Gives an instance another class of compatible layout (`obj.__class__ = C`).
///
/// # Safety
/// Both classes have the same layout, slot words and `HAS_DICT` (checked by the caller).
pub unsafe fn set_class(v: &Value, class: &Py<Type>) {
    // SAFETY: by the caller's promise; references of both classes are counted.
    unsafe {
        let h = v.as_ptr();
        let old = (*h).typ.get();
        let new: &TypeObj = class.get_type();
        if new.payload.has(TypeFlags::HAS_DICT) && !shape::is_dict_mode((*h).shape_id()) {
            let s = shape::get((*h).shape_id());
            let mut id = shape::root_with_cap(new, s.cap);
            for k in &s.keys {
                id = shape::get(id).with(k);
            }
            (*h).set_shape_id(id);
        }
        if new.payload.has(TypeFlags::HEAP) {
            new.header.incref();
        }
        (*h).typ.set(new);
        if (*old).payload.has(TypeFlags::HEAP) {
            super::header::decref(old.cast_mut().cast());
        }
    }
}

/// Visits everything an object refers to: payload, slots, attributes, and its class when that can die.
///
/// # Safety
/// `h` is a live object.
pub unsafe fn traverse(h: *mut Header, visit: &mut Visit<'_>) {
    // SAFETY: by the caller's promise.
    unsafe {
        let typ = &*(*h).typ.get();
        let t = &typ.payload;
        ((*t.layout.get()).ops.traverse)(h, visit);
        if t.has(TypeFlags::HEAP) {
            visit_extra(h, visit);
            let word = typ as *const TypeObj as usize;
            visit(Value::ref_from_word(&word));
        } else if t.has(TypeFlags::HAS_DICT) || t.slot_words.get() != 0 {
            visit_extra(h, visit);
        }
    }
}

unsafe fn visit_extra(h: *mut Header, visit: &mut Visit<'_>) {
    // SAFETY: as `traverse`.
    unsafe {
        let t = &(*(*h).typ.get()).payload;
        let e = extra(h);
        for i in 0..t.slot_words.get() as usize {
            if let Some(v) = &*e.slots.add(i) {
                visit(v);
            }
        }
        if t.has(TypeFlags::HAS_DICT) {
            match home(h) {
                Home::Slots(s) => {
                    let cap = s.cap as usize;
                    for i in 0..s.keys.len() {
                        let word = if i < cap { e.inline.add(i) } else { overflow_at(e.ext, i - cap) };
                        if let Some(v) = &*word {
                            visit(v);
                        }
                    }
                }
                Home::Dict if *e.ext != 0 => visit(Value::ref_from_word(&*e.ext)),
                Home::Dict => {}
            }
        }
    }
}

/// Takes all slot and attribute values out of an instance, which stays usable (empty).
///
/// # Safety
/// `h` is a live object.
pub unsafe fn clear_extra(h: *mut Header) {
    // SAFETY: by the caller's promise; values are dropped after the words are consistent.
    unsafe {
        let typ = &*(*h).typ.get();
        let t = &typ.payload;
        if !t.has(TypeFlags::HAS_DICT) && t.slot_words.get() == 0 {
            return;
        }
        let e = extra(h);
        let mut dead: smallvec::SmallVec<[Value; 8]> = smallvec::SmallVec::new();
        for i in 0..t.slot_words.get() as usize {
            dead.extend((*e.slots.add(i)).take());
        }
        if t.has(TypeFlags::HAS_DICT) {
            match home(h) {
                Home::Slots(s) => {
                    for i in 0..s.keys.len() {
                        dead.extend((*attribute_word(h, s.cap as usize, i)).take());
                    }
                    free_overflow(e.ext);
                    (*h).set_shape_id(shape::dict_mode(s.cap));
                }
                Home::Dict => {
                    if *e.ext != 0 {
                        dead.push(Value::from_word(std::mem::take(&mut *e.ext)));
                    }
                }
            }
        }
        drop(dead);
    }
}

/// Ends an object of a builtin type: payload dropped, memory freed.
///
/// # Safety
/// The last reference is gone.
pub unsafe fn dealloc_builtin(h: *mut Header) {
    // SAFETY: by the caller's promise.
    unsafe {
        let typ = &*(*h).typ.get();
        if typ.payload.has(TypeFlags::HAS_DICT) || typ.payload.slot_words.get() != 0 {
            clear_extra(h);
        }
        let bytes = block_bytes(h);
        if typ.payload.has(TypeFlags::HAVE_GC) {
            super::gc::freed();
        }
        ((*typ.payload.layout.get()).ops.drop)(h);
        heap::free(Space::Objects, h.cast(), bytes);
    }
}

/// Ends an instance of a class made by Python code.
///
/// # Safety
/// As [`dealloc_builtin`].
pub unsafe fn dealloc_heap_instance(h: *mut Header) {
    // SAFETY: by the caller's promise; the class is released last.
    unsafe {
        let typ = (*h).typ.get();
        if (*typ).payload.has(TypeFlags::HAS_FINALIZER) {
            super::finalize::buried(h);
        }
        clear_extra(h);
        let bytes = block_bytes(h);
        super::gc::freed();
        ((*(*typ).payload.layout.get()).ops.drop)(h);
        heap::free(Space::Objects, h.cast(), bytes);
        super::header::decref(typ.cast_mut().cast());
    }
}

/// Bytes of the block that a heap object lies in, as it was allocated; buffers that it owns are not counted.
pub fn block_size(v: &Value) -> usize {
    // SAFETY: a live object, or an integer that is none.
    if v.is_small() { 0 } else { unsafe { block_bytes(v.as_ptr()) } }
}

impl Py<Type> {
    /// The type object.
    #[inline(always)]
    pub fn get_type(&self) -> &TypeObj {
        // SAFETY: the handle keeps it alive; all fields are cells (I1).
        unsafe { &*self.as_value().as_ptr().cast::<TypeObj>() }
    }

    /// A handle to a live type object.
    #[inline]
    pub fn of(typ: &TypeObj) -> Py<Type> {
        // SAFETY: a type object has the layout of `Type`.
        unsafe { Py::from_value_unchecked(Value::from_header(&typ.header)) }
    }
}
