//! Special methods and slots: one table connects them, in both directions.
//!
//! From a builtin type's slots come the wrapper descriptors in its dictionary (`int.__add__`); from the special methods
//! of a class made by Python code come its slots: functions that look the method up and call it (`generic`), or, where
//! the method found is a builtin type's own, that type's slot itself, so that a subclass that overrides nothing is as
//! fast as its base. The order of rows and the rules are those of `slotdefs` and `update_one_slot`
//! (`Objects/typeobject.c`).

pub mod generic;
mod generic_binary;
pub mod table;
pub mod wrapper;

use crate::object::{Py, PyResult, Slots, TypeFlags, TypeObj, Value};
use crate::types::method::{BuiltinFunction, MethodDescriptor};
use crate::types::str::Str;
use crate::types::typeobject;
use crate::vm::Vm;
use rustc_hash::FxHashMap;
use std::sync::OnceLock;
pub use table::{ROWS, Row, Wrap};
use wrapper::WrapperDescriptor;

/// The hash slot of unhashable types.
pub fn not_hashable(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let name = v.class().payload.name();
    Err(vm.type_error(format!("unhashable type: '{name}'")))
}

/// Number of function slots.
pub const SLOT_COUNT: usize = size_of::<Slots>() / 8;

/// The slots as words: a copy of one function is a copy of its word, whatever its type.
fn words(slots: &Slots) -> &[usize; SLOT_COUNT] {
    // SAFETY: the struct is repr(C) and made of `Option<fn>`, each one word.
    unsafe { &*(slots as *const Slots).cast() }
}

/// Slot number `index` of `slots`, as a word; 0 when absent.
pub(crate) fn word(slots: &Slots, index: usize) -> usize {
    words(slots)[index]
}

fn set_word(slots: &mut Slots, index: usize, word: usize) {
    // SAFETY: as `words`; the word was copied from the same field of another `Slots`, or is 0, which is `None`.
    unsafe { (*(slots as *mut Slots).cast::<[usize; SLOT_COUNT]>())[index] = word }
}

/// Number of a slot.
#[macro_export]
macro_rules! slot_index {
    ($name:ident) => {
        std::mem::offset_of!($crate::object::Slots, $name) / 8
    };
}

/// The table by name and by slot.
struct Index {
    /// Rows of a name, by the address of the interned name.
    by_name: FxHashMap<usize, Vec<usize>>,
    /// Rows of a slot.
    by_slot: Vec<Vec<usize>>,
}

static INDEX: OnceLock<Index> = OnceLock::new();
static NAMES: OnceLock<Vec<usize>> = OnceLock::new();

/// The interned names of the rows, in the table's order.
pub(crate) fn row_name(row: usize) -> Py<Str> {
    let word = NAMES.get_or_init(|| {
        ROWS.iter().map(|r| crate::types::str::intern::intern_str(r.name).into_value().into_word()).collect()
    })[row];
    // SAFETY: interned strings are immortal.
    unsafe { Value::ref_from_word(&word).downcast_unchecked::<Str>() }.clone()
}

fn index() -> &'static Index {
    INDEX.get_or_init(|| {
        let mut by_name: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        let mut by_slot = vec![Vec::new(); SLOT_COUNT];
        for (i, row) in ROWS.iter().enumerate() {
            by_name.entry(row_name(i).as_value().word()).or_default().push(i);
            by_slot[row.slot].push(i);
        }
        Index { by_name, by_slot }
    })
}

/// Whether an assignment to this name changes slots.
pub fn is_special(name: &Py<Str>) -> bool {
    index().by_name.contains_key(&name.as_value().word())
}

/// Brings the slots of a class, and of its subclasses, up to date after `name` was set or deleted.
pub fn update(t: &TypeObj, name: &Py<Str>) {
    if let Some(rows) = index().by_name.get(&name.as_value().word()) {
        update_rows(t, name, rows);
    }
}

fn update_rows(t: &TypeObj, name: &Py<Str>, rows: &[usize]) {
    for &r in rows {
        set_slot_of(t, ROWS[r].slot);
    }
    for sub in typeobject::subclasses(t) {
        let sub = sub.get_type();
        // A subclass with a definition of its own does not see the change.
        let own = sub.payload.dict.borrow().as_ref().is_some_and(|d| d.lookup_str(name).is_some());
        if !own {
            update_rows(sub, name, rows);
        }
    }
}

/// Computes all slots of a class made by Python code; `base` decides the layout and gives the slots without a name.
pub fn fill(t: &TypeObj, base: &TypeObj) {
    set(t, |s| *s = *base.payload.slots());
    let single = {
        let (mro, below) = (t.payload.mro.borrow(), base.payload.mro.borrow());
        mro.len() == below.len() + 1
            && mro[1..].iter().zip(below.iter()).all(|(a, b)| typeobject::same(a.get_type(), b.get_type()))
    };
    if single {
        // The base's slots are right for everything it can see: only names defined here can change them.
        let dict = t.payload.dict();
        for (key, _) in dict.pairs() {
            if let Some(rows) = index().by_name.get(&key.word()) {
                rows.iter().for_each(|&r| set_slot_of(t, ROWS[r].slot));
            }
        }
    } else {
        fill_all(t);
    }
    flags_from_slots(t);
}

/// Computes all named slots anew.
pub fn fill_all(t: &TypeObj) {
    for slot in 0..SLOT_COUNT {
        if !index().by_slot[slot].is_empty() {
            set_slot_of(t, slot);
        }
    }
    flags_from_slots(t);
}

fn set(t: &TypeObj, f: impl FnOnce(&mut Slots)) {
    // SAFETY: guarded by the GIL; readers copy one function out and hold no borrow (I1).
    unsafe { f(&mut *t.payload.slots.get()) }
}

/// Flags that say what slots hold.
fn flags_from_slots(t: &TypeObj) {
    let slots = t.payload.slots();
    let mut flags = t.payload.flags.get();
    flags.set(TypeFlags::HAS_FINALIZER, slots.finalize.is_some());
    let generic = slots.getattr.is_some_and(|f| {
        std::ptr::fn_addr_eq(f, crate::types::object::generic_getattr as crate::object::typedef::GetAttrFn)
    });
    flags.set(TypeFlags::CUSTOM_GETATTR, !generic);
    t.payload.flags.set(flags);
}

/// What one row says about a slot.
enum Verdict {
    /// Nothing found under the name.
    Absent,
    /// The slot function of the builtin type whose method was found.
    Specific(usize),
    /// The method must be looked up at each call.
    Generic,
}

fn set_slot_of(t: &TypeObj, slot: usize) {
    let mut specific: Option<usize> = None;
    let mut generic = false;
    for &r in &index().by_slot[slot] {
        match verdict(t, r) {
            Verdict::Absent => {}
            Verdict::Generic => generic = true,
            Verdict::Specific(w) => match specific {
                Some(s) if s != w => generic = true,
                _ => specific = Some(w),
            },
        }
    }
    let word = match (generic, specific) {
        (true, _) => words(&generic::GENERIC)[slot],
        (false, Some(w)) => w,
        (false, None) => 0,
    };
    set(t, |s| set_word(s, slot, word));
    if slot == slot_index!(next) {
        // Sending into a class with `__next__` goes through it; a builtin iterator sends by itself.
        set(t, |s| s.send = if generic { generic::GENERIC.send } else { s.send });
    }
    if slot == slot_index!(finalize) || slot == slot_index!(getattr) {
        flags_from_slots(t);
    }
}

fn verdict(t: &TypeObj, r: usize) -> Verdict {
    let row = &ROWS[r];
    let Some(found) = typeobject::lookup(t, &row_name(r)) else { return Verdict::Absent };
    if let Some(w) = found.downcast::<WrapperDescriptor>() {
        if ROWS[w.row].name == row.name && typeobject::is_subtype(t, w.owner) {
            return specific(w.owner, row.slot);
        }
    } else if let Some(m) = found.downcast::<MethodDescriptor>() {
        // A method listed in place of a wrapper (`dict.__contains__`) does what the type's own slot does.
        if m.def.name == row.name && typeobject::is_subtype(t, m.owner) {
            if let Verdict::Specific(w) = specific(m.owner, row.slot) {
                return Verdict::Specific(w);
            }
        }
    } else if row.slot == slot_index!(new) {
        // Whichever builtin `__new__` stands there, that of the base which gives the layout is meant (`update_one_slot`).
        if found.downcast::<BuiltinFunction>().and_then(|f| wrapper::owner_of_new(f)).is_some() {
            return typeobject::base_of(t).map_or(Verdict::Absent, |base| specific(base, row.slot));
        }
    } else if row.slot == slot_index!(hash) && found.is_none() {
        let unhashable = Slots { hash: Some(not_hashable), ..Slots::NONE };
        return Verdict::Specific(words(&unhashable)[row.slot]);
    }
    Verdict::Generic
}

fn specific(owner: &TypeObj, slot: usize) -> Verdict {
    match words(owner.payload.slots())[slot] {
        0 => Verdict::Absent,
        w => Verdict::Specific(w),
    }
}
