//! Shapes: which attribute of an instance lies in which slot, shared by all instances that got theirs in one order.
//!
//! A shape is named by a 24-bit id that instances carry in their header; inline caches compare ids. Shapes form a tree
//! for each type and inline capacity, an edge for each added name. Ids 1 … 63 mean "attributes in a dict", with the
//! inline capacity of the instance coded in the id, so that its size stays known.

use super::header::Header;
use super::typedef::TypeObj;
use super::value::Py;
use crate::types::str::Str;
use std::cell::OnceCell;

/// Number of dictionary-mode ids; also the first id of a real shape.
pub const DICT_MODE_IDS: u32 = 64;
/// Most attributes kept in slots; an instance with more moves to a dict.
pub const MAX_SLOTS: usize = 128;
/// Largest inline capacity.
pub const MAX_INLINE: u32 = 30;

/// One layout of attributes.
pub struct Shape {
    /// Its number.
    pub id: u32,
    /// The type of the instances.
    pub typ: *const TypeObj,
    /// Inline attribute words of the instances.
    pub cap: u32,
    /// Attribute names in slot order.
    pub keys: Vec<Py<Str>>,
    next: Vec<(*const Header, u32)>,
    table: OnceCell<rustc_hash::FxHashMap<*const Header, u32>>,
}

struct Shapes(Vec<Option<Box<Shape>>>, Vec<u32>);
static mut SHAPES: Shapes = Shapes(Vec::new(), Vec::new());

fn shapes() -> &'static mut Shapes {
    // SAFETY: guarded by the GIL (I1); no borrow outlives a function of this module except boxed shapes, which do not
    // move.
    unsafe { &mut *(&raw mut SHAPES) }
}

/// The shape with this id (not a dictionary-mode id).
#[inline]
pub fn get(id: u32) -> &'static Shape {
    shapes().0[(id - DICT_MODE_IDS) as usize].as_deref().expect("a live instance's shape exists")
}

/// The id that means "attributes in a dict" for an instance with `cap` inline words.
pub const fn dict_mode(cap: u32) -> u32 {
    cap + 1
}

/// Whether the id means "attributes in a dict".
#[inline(always)]
pub const fn is_dict_mode(id: u32) -> bool {
    id < DICT_MODE_IDS
}

/// Inline capacity of an instance with this shape id.
#[inline]
pub fn cap_of(id: u32) -> u32 {
    if is_dict_mode(id) { id - 1 } else { get(id).cap }
}

fn add(typ: *const TypeObj, cap: u32, keys: Vec<Py<Str>>) -> u32 {
    let s = shapes();
    let index = s.1.pop().unwrap_or(s.0.len() as u32);
    let shape = Box::new(Shape { id: index + DICT_MODE_IDS, typ, cap, keys, next: Vec::new(), table: OnceCell::new() });
    if index as usize == s.0.len() {
        s.0.push(Some(shape))
    } else {
        s.0[index as usize] = Some(shape)
    }
    index + DICT_MODE_IDS
}

/// The shape without attributes for instances of `typ`, made at first use.
pub fn root(typ: &TypeObj) -> u32 {
    let have = typ.payload.root_shape.get();
    if have != 0 {
        return have;
    }
    let id = add(typ, typ.payload.inline_cap.get(), Vec::new());
    typ.payload.root_shape.set(id);
    id
}

/// A shape without attributes for `typ` and a given capacity (an instance that changed its class).
pub fn root_with_cap(typ: &TypeObj, cap: u32) -> u32 {
    if cap == typ.payload.inline_cap.get() { root(typ) } else { add(typ, cap, Vec::new()) }
}

impl Shape {
    /// Slot of the interned name, if the shape has it.
    #[inline]
    pub fn find(&self, name: &Py<Str>) -> Option<usize> {
        let key = name.as_value().as_ptr().cast_const();
        if self.keys.len() <= 8 {
            return self.keys.iter().position(|k| std::ptr::eq(k.as_value().as_ptr(), key));
        }
        let table = self.table.get_or_init(|| {
            self.keys.iter().enumerate().map(|(i, k)| (k.as_value().as_ptr().cast_const(), i as u32)).collect()
        });
        table.get(&key).map(|&i| i as usize)
    }

    /// The shape after adding the interned name (which this one has not).
    pub fn with(&self, name: &Py<Str>) -> u32 {
        let key = name.as_value().as_ptr().cast_const();
        if let Some(&(_, id)) = self.next.iter().find(|(k, _)| std::ptr::eq(*k, key)) {
            return id;
        }
        let mut keys = Vec::with_capacity(self.keys.len() + 1);
        keys.extend(self.keys.iter().cloned());
        keys.push(name.clone());
        let id = add(self.typ, self.cap, keys);
        let me = shapes().0[(self.id - DICT_MODE_IDS) as usize].as_mut().expect("self is live");
        me.next.push((key, id));
        id
    }

    /// The shape without slot `index`; later slots move down by one.
    pub fn without(&self, index: usize) -> u32 {
        // SAFETY: a live instance keeps its type alive (I2).
        let mut id = root_with_cap(unsafe { &*self.typ }, self.cap);
        for (i, k) in self.keys.iter().enumerate() {
            if i != index {
                id = get(id).with(k);
            }
        }
        id
    }
}

/// Forgets the shapes of a type that ends.
pub fn forget(typ: *const TypeObj) {
    let s = shapes();
    for i in 0..s.0.len() {
        if s.0[i].as_ref().is_some_and(|x| std::ptr::eq(x.typ, typ)) {
            s.0[i] = None;
            s.1.push(i as u32);
        }
    }
}
