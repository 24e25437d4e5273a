//! Views of a dict (`keys()`, `values()`, `items()`) and the iterators over them, forwards and backwards.

use super::Dict;
use super::methods::{keys_with_hashes, look_up, remove_hashed, this};
use crate::object::instance::new;
use crate::object::typedef::CmpOp;
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, boolean, not_implemented,
};
use crate::types::list::List;
use crate::types::sequence::{builtin_iter, join_texts};
use crate::types::set::{Set, any_set, any_set_exact};
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Which part of the items a view or iterator shows.
pub const KEYS: usize = 0;
/// See [`KEYS`].
pub const VALUES: usize = 1;
/// See [`KEYS`].
pub const ITEMS: usize = 2;

/// A view of one part of a dict's items.
pub struct DictView<const PART: usize> {
    /// The dict.
    pub dict: Py<Dict>,
}

macro_rules! views {
    ($($part:ident $def:ident)*) => { $(
        $crate::payload!(DictView<{ $part }>, $def,
            traverse(self, visit) { visit(self.dict.as_value()); },
            clear(self) {}
        );
        impl Frozen for DictView<{ $part }> {}
        impl DictView<{ $part }> {
            /// A view of `dict`.
            pub fn over(dict: &Py<Dict>) -> Value {
                new(DictView::<{ $part }> { dict: dict.clone() }).into()
            }
        }
    )* };
}
views! { KEYS DICT_KEYS VALUES DICT_VALUES ITEMS DICT_ITEMS }

/// Iterator over one part of a dict's items; the dict is gone after the end.
pub struct DictIter<const PART: usize, const BACK: bool> {
    dict: Option<Py<Dict>>,
    /// The length the dict must keep; `usize::MAX` after a complaint, so that the complaint stays.
    used: usize,
    /// Next position of the entry array; backwards, one more than the next.
    position: usize,
    left: usize,
}

macro_rules! iterators {
    ($($part:ident $back:literal $def:ident $name:literal)*) => { $(
        $crate::payload!(DictIter<{ $part }, $back>, $def,
            traverse(self, visit) {
                if let Some(d) = &self.dict {
                    visit(d.as_value());
                }
            },
            clear(self) { self.dict = None; }
        );
        impl DictIter<{ $part }, $back> {
            /// An iterator over `dict`.
            pub fn over(dict: &Py<Dict>) -> Value {
                new(DictIter::<{ $part }, $back>::start(dict)).into()
            }
        }
        #[doc = concat!("The type `", $name, "`.")]
        pub static $def: TypeDef = TypeDef::new::<DictIter<{ $part }, $back>>($name)
            .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
            .cpython_size(56, 0)
            .slots(Slots {
                iter: Some(|_, me| Ok(me.clone())),
                next: Some(|vm, me| {
                    let it = me.downcast::<DictIter<{ $part }, $back>>().expect("a method is called on its type");
                    match it.get_mut(vm).step() {
                        Ok(item) => Ok(item),
                        Err(message) => Err(vm.runtime_error(message)),
                    }
                }),
                ..Slots::NONE
            })
            .methods(&[
                MethodDef::method("__length_hint__", "($self, /)", "How many items are left.", NativeFn::F1(|vm, me| {
                    let it = me.downcast::<DictIter<{ $part }, $back>>().expect("a method is called on its type");
                    Ok(Value::from_usize(it.get(vm).hint()))
                })),
                MethodDef::method(
                    "__reduce__",
                    "($self, /)",
                    "Return state information for pickling.",
                    NativeFn::F1(|vm, me| {
                        let iter = builtin_iter(vm)?;
                        let it = me.downcast::<DictIter<{ $part }, $back>>().expect("a method is called on its type");
                        match it.get(vm).rest() {
                            Ok(rest) => {
                                Ok(Tuple::of([iter, Tuple::of([List::from_vec(rest).into()]).into()]).into())
                            }
                            Err(message) => Err(vm.runtime_error(message)),
                        }
                    }),
                ),
            ]);
    )* };
}
iterators! {
    KEYS false DICT_KEY_ITER "dict_keyiterator"
    VALUES false DICT_VALUE_ITER "dict_valueiterator"
    ITEMS false DICT_ITEM_ITER "dict_itemiterator"
    KEYS true DICT_REVERSE_KEY_ITER "dict_reversekeyiterator"
    VALUES true DICT_REVERSE_VALUE_ITER "dict_reversevalueiterator"
    ITEMS true DICT_REVERSE_ITEM_ITER "dict_reverseitemiterator"
}

impl<const PART: usize, const BACK: bool> DictIter<PART, BACK> {
    fn start(dict: &Py<Dict>) -> Self {
        let d = dict.peek();
        DictIter {
            dict: Some(dict.clone()),
            used: d.len(),
            position: if BACK { d.positions() } else { 0 },
            left: d.len(),
        }
    }

    /// The next item; an error text when the dict changed.
    #[inline]
    pub fn step(&mut self) -> Result<Option<Value>, &'static str> {
        let Some(dict) = &self.dict else { return Ok(None) };
        let d = dict.peek();
        if d.len() != self.used {
            self.used = usize::MAX;
            return Err("dictionary changed size during iteration");
        }
        if BACK && self.position > d.positions() {
            // Emptied and filled anew: what is there now was not there at the start.
            self.dict = None;
            return Ok(None);
        }
        let found = loop {
            if if BACK { self.position == 0 } else { self.position >= d.positions() } {
                break None;
            }
            let here = if BACK { self.position - 1 } else { self.position };
            self.position = if BACK { here } else { here + 1 };
            if let Some((key, value, _)) = d.at(here) {
                break Some(match PART {
                    KEYS => key.clone(),
                    VALUES => value.clone(),
                    _ => Tuple::of([key.clone(), value.clone()]).into(),
                });
            }
        };
        if found.is_none() || self.left == 0 {
            self.dict = None;
            return if found.is_some() { Err("dictionary keys changed during iteration") } else { Ok(None) };
        }
        self.left = self.left.saturating_sub(1);
        Ok(found)
    }

    fn hint(&self) -> usize {
        match &self.dict {
            Some(d) if d.len() == self.used => self.left,
            _ => 0,
        }
    }

    /// The items that are left, without taking them.
    fn rest(&self) -> Result<Vec<Value>, &'static str> {
        let mut copy = DictIter::<PART, BACK> { dict: self.dict.clone(), ..*self };
        let mut out = Vec::with_capacity(self.left);
        while let Some(v) = copy.step()? {
            out.push(v);
        }
        Ok(out)
    }
}

/// `iter(dict)`.
pub fn keys_iter(_: &mut Vm, me: &Value) -> PyResult {
    Ok(DictIter::<{ KEYS }, false>::over(this(me)))
}

/// `reversed(dict)`.
pub fn keys_reversed(_: &mut Vm, me: &Value) -> PyResult {
    Ok(DictIter::<{ KEYS }, true>::over(this(me)))
}

/// The dict behind a view, and which part the view shows.
fn view_of(v: &Value) -> Option<(&Py<Dict>, usize)> {
    if let Some(v) = v.downcast::<DictView<{ KEYS }>>() {
        return Some((&v.dict, KEYS));
    }
    if let Some(v) = v.downcast::<DictView<{ ITEMS }>>() {
        return Some((&v.dict, ITEMS));
    }
    v.downcast::<DictView<{ VALUES }>>().map(|v| (&v.dict, VALUES))
}

/// A view that behaves like a set: of keys or of items.
fn set_view(v: &Value) -> Option<(&Py<Dict>, usize)> {
    view_of(v).filter(|&(_, part)| part != VALUES)
}

fn dict_of(me: &Value) -> &Py<Dict> {
    view_of(me).expect("a method of a dict view is called on one").0
}

/// What a set-like view and a view of values have in common.
const COMMON: Slots = Slots { repr: Some(view_repr), len: Some(|_, me| Ok(dict_of(me).len())), ..Slots::NONE };

/// What the set-like views have in common.
const SET_LIKE: Slots = Slots {
    hash: Some(crate::types::slots::not_hashable),
    richcmp: Some(view_richcmp),
    and: Some(view_and),
    or: Some(view_or),
    sub: Some(view_sub),
    xor: Some(view_xor),
    ..COMMON
};

const MAPPING: GetSetDef = GetSetDef::get("mapping", "The dict of the view, read-only.", |_, me| {
    Ok(crate::types::mappingproxy::of(dict_of(me).clone().into()))
});

const IS_DISJOINT: MethodDef = MethodDef::method(
    "isdisjoint",
    "($self, object, /)",
    "Return whether the view and an iterable have no item in common.",
    NativeFn::F2(view_isdisjoint),
);

/// The type `dict_keys`.
pub static DICT_KEYS: TypeDef = TypeDef::new::<DictView<{ KEYS }>>("dict_keys")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(24, 0)
    .slots(Slots {
        iter: Some(|_, me| Ok(DictIter::<{ KEYS }, false>::over(dict_of(me)))),
        contains: Some(|vm, me, key| Ok(look_up(vm, &dict_of(me).clone(), key)?.is_some())),
        ..SET_LIKE
    })
    .methods(&[
        IS_DISJOINT,
        MethodDef::method(
            "__reversed__",
            "($self, /)",
            "Return a reverse iterator over the keys.",
            NativeFn::F1(|_, me| Ok(DictIter::<{ KEYS }, true>::over(dict_of(me)))),
        ),
    ])
    .getset(&[MAPPING]);

/// The type `dict_values`.
pub static DICT_VALUES: TypeDef = TypeDef::new::<DictView<{ VALUES }>>("dict_values")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(24, 0)
    .slots(Slots { iter: Some(|_, me| Ok(DictIter::<{ VALUES }, false>::over(dict_of(me)))), ..COMMON })
    .methods(&[MethodDef::method(
        "__reversed__",
        "($self, /)",
        "Return a reverse iterator over the values.",
        NativeFn::F1(|_, me| Ok(DictIter::<{ VALUES }, true>::over(dict_of(me)))),
    )])
    .getset(&[MAPPING]);

/// The type `dict_items`.
pub static DICT_ITEMS: TypeDef = TypeDef::new::<DictView<{ ITEMS }>>("dict_items")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(24, 0)
    .slots(Slots {
        iter: Some(|_, me| Ok(DictIter::<{ ITEMS }, false>::over(dict_of(me)))),
        contains: Some(|vm, me, item| items_contain(vm, dict_of(me), item)),
        ..SET_LIKE
    })
    .methods(&[
        IS_DISJOINT,
        MethodDef::method(
            "__reversed__",
            "($self, /)",
            "Return a reverse iterator over the items.",
            NativeFn::F1(|_, me| Ok(DictIter::<{ ITEMS }, true>::over(dict_of(me)))),
        ),
    ])
    .getset(&[MAPPING]);

fn items_contain(vm: &mut Vm, d: &Py<Dict>, item: &Value) -> PyResult<bool> {
    let Some([key, value]) = item.downcast::<Tuple>().map(|t| t.items()) else { return Ok(false) };
    match look_up(vm, d, key)? {
        Some(found) => vm.eq(&found, value),
        None => Ok(false),
    }
}

fn view_repr(vm: &mut Vm, me: &Value) -> PyResult {
    if !vm.enter_repr(me) {
        return Ok(vm.intern("...").into());
    }
    let text = vm.collect(me).and_then(|items| vm.repr(List::from_vec(items).as_value()));
    vm.leave_repr(me);
    let (text, name) = (text?, me.class().payload.name());
    let (name, open, close) = (vm.intern(&name), vm.intern("("), vm.intern(")"));
    Ok(join_texts(&[&name, &open, &text, &close]).into())
}

fn all_contained(vm: &mut Vm, inner: &Value, outer: &Value) -> PyResult<bool> {
    let it = vm.iter(inner)?;
    while let Some(v) = vm.next(&it)? {
        if !vm.contains(outer, &v)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn view_richcmp(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if any_set(b).is_none() && set_view(b).is_none() {
        return Ok(not_implemented());
    }
    let order = vm.len(a)?.cmp(&vm.len(b)?);
    let holds = match op {
        CmpOp::Eq | CmpOp::Ne => (order.is_eq() && all_contained(vm, a, b)?) == (op == CmpOp::Eq),
        CmpOp::Lt | CmpOp::Le => op.holds(order) && all_contained(vm, a, b)?,
        CmpOp::Gt | CmpOp::Ge => op.holds(order) && all_contained(vm, b, a)?,
    };
    Ok(boolean(holds))
}

/// A new set of the items of an operand.
fn to_set(vm: &mut Vm, v: &Value) -> PyResult<Py<Set>> {
    let set = Set::new_object();
    set.update(vm, v)?;
    Ok(set)
}

fn view_sub(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let set = to_set(vm, a)?;
    set.remove_all(vm, b)?;
    Ok(set.into())
}

fn view_or(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let set = to_set(vm, a)?;
    set.update(vm, b)?;
    Ok(set.into())
}

fn view_and(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    // The view may stand on the right side.
    let (mut view, mut other) = if set_view(a).is_some() { (a, b) } else { (b, a) };
    let n = vm.len(view)?;
    let exact = std::ptr::eq(other.class(), crate::types::set::methods::SET.object());
    if let Some(set) = any_set_exact(other).filter(|_| exact) {
        if n <= set.get(vm).len() {
            return vm.call_method(other, "intersection", &[view.clone()]);
        }
    }
    if let Some((d, _)) = set_view(other) {
        if d.len() > n {
            (view, other) = (other, view);
        }
    }
    let set = Set::new_object();
    let it = vm.iter(other)?;
    while let Some(v) = vm.next(&it)? {
        if vm.contains(view, &v)? {
            set.add(vm, &v)?;
        }
    }
    Ok(set.into())
}

fn view_xor(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if let (Some((x, ITEMS)), Some((y, ITEMS))) = (set_view(a), set_view(b)) {
        return items_xor(vm, x, y);
    }
    let set = to_set(vm, a)?;
    set.toggle_all(vm, b)?;
    Ok(set.into())
}

/// `x.items() ^ y.items()` without hashing the values that both have.
fn items_xor(vm: &mut Vm, x: &Py<Dict>, y: &Py<Dict>) -> PyResult {
    let (x, y) = if x.len() > y.len() { (y, x) } else { (x, y) };
    let (only_x, set) = (x.copy(), Set::new_object());
    for (key, hash) in keys_with_hashes(vm, y) {
        let Some(value) = y.get_item_hashed(vm, &key, hash)? else { continue };
        let same = match only_x.get_item_hashed(vm, &key, hash)? {
            Some(other) => vm.eq(&other, &value)?,
            None => false,
        };
        if same {
            remove_hashed(vm, &only_x, &key, hash)?;
        } else {
            set.add(vm, Tuple::of([key, value]).as_value())?;
        }
    }
    set.update(vm, &DictView::<{ ITEMS }>::over(&only_x))?;
    Ok(set.into())
}

fn view_isdisjoint(vm: &mut Vm, me: &Value, other: &Value) -> PyResult {
    if me.is(other) {
        return Ok(boolean(dict_of(me).len() == 0));
    }
    let (mut view, mut walked) = (me, other);
    if any_set_exact(other).is_some() || set_view(other).is_some() {
        if vm.len(other)? > vm.len(me)? {
            (view, walked) = (other, me);
        }
    }
    let it = vm.iter(walked)?;
    while let Some(v) = vm.next(&it)? {
        if vm.contains(view, &v)? {
            return Ok(boolean(false));
        }
    }
    Ok(boolean(true))
}
