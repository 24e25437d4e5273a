//! Views and iterators of `OrderedDict`: those of dicts, but any change of the keys or their order ends an iteration.

use taipan_runtime::object::instance::{new, new_of};
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value};
use taipan_runtime::types::dict::views::{DICT_ITEMS, DICT_KEYS, DICT_VALUES, DictView, ITEMS, KEYS, VALUES};
use taipan_runtime::types::dict::{Dict, order};
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::builtin_iter;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// What an iterator gives of each item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Keys,
    /// The value.
    Values,
    /// Both, as a tuple.
    Items,
}

/// Iterator over an ordered dict.
pub struct OrderedIter {
    dict: Option<Py<Dict>>,
    part: Part,
    back: bool,
    /// Next position of the entry array; backwards, one more than the next.
    position: usize,
    changes: u32,
    len: usize,
}
taipan_runtime::payload!(OrderedIter, ODICT_ITER,
    traverse(self, visit) {
        if let Some(d) = &self.dict {
            visit(d.as_value());
        }
    },
    clear(self) { self.dict = None; }
);

/// The type `odict_iterator`.
pub static ODICT_ITER: TypeDef = TypeDef::new::<OrderedIter>("odict_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(64, 0)
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(next), ..Slots::NONE })
    .methods(&[MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        NativeFn::F1(|vm, me| {
            let iter = builtin_iter(vm)?;
            let copy = OrderedIter { dict: this(me).get(vm).dict.clone(), ..*this(me).get(vm) };
            let rest = vm.collect(new(copy).as_value())?;
            Ok(Tuple::of([iter, Tuple::of([List::from_vec(rest).into()]).into()]).into())
        }),
    )]);

fn this(me: &Value) -> &Py<OrderedIter> {
    me.downcast::<OrderedIter>().expect("a method of odict_iterator is called on one")
}

fn start(vm: &Vm, dict: &Py<Dict>, part: Part, back: bool) -> Value {
    let d = dict.get(vm);
    let (position, changes, len) = (if back { d.positions() } else { 0 }, d.changes(), d.len());
    new(OrderedIter { dict: Some(dict.clone()), part, back, position, changes, len }).into()
}

/// An iterator from the front.
pub fn odict_iter(vm: &Vm, dict: &Py<Dict>, part: Part) -> Value {
    start(vm, dict, part, false)
}

/// An iterator from the back.
pub fn odict_reversed(vm: &Vm, dict: &Py<Dict>, part: Part) -> Value {
    start(vm, dict, part, true)
}

fn next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = this(me).get(vm);
    let Some(dict) = &it.dict else { return Ok(None) };
    let d = dict.get(vm);
    if d.changes() != it.changes {
        return Err(vm.runtime_error("OrderedDict mutated during iteration"));
    }
    if d.len() != it.len {
        return Err(vm.runtime_error("OrderedDict changed size during iteration"));
    }
    let found = match it.back {
        true => order::item_before(d, it.position),
        false => order::item_from(d, it.position),
    };
    let found = found.map(|(at, key, value)| {
        let item = match it.part {
            Part::Keys => key.clone(),
            Part::Values => value.clone(),
            Part::Items => Tuple::of([key.clone(), value.clone()]).into(),
        };
        (if it.back { at } else { at + 1 }, item)
    });
    let it = this(me).get_mut(vm);
    match found {
        Some((position, item)) => {
            it.position = position;
            Ok(Some(item))
        }
        None => {
            it.dict = None;
            Ok(None)
        }
    }
}

/// A view of type `def`.
pub fn view(dict: &Py<Dict>, def: &'static TypeDef, part: Part) -> Value {
    let dict = dict.clone();
    match part {
        Part::Keys => new_of(&def.class(), DictView::<{ KEYS }> { dict }).into(),
        Part::Values => new_of(&def.class(), DictView::<{ VALUES }> { dict }).into(),
        Part::Items => new_of(&def.class(), DictView::<{ ITEMS }> { dict }).into(),
    }
}

macro_rules! views {
    ($($def:ident $name:literal $kind:ident $base:ident $part:ident)*) => { $(
        #[doc = concat!("The type `", $name, "`.")]
        pub static $def: TypeDef = TypeDef::new::<DictView<{ $kind }>>($name)
            .base(&$base)
            .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
            .cpython_size(24, 0)
            .slots(Slots {
                iter: Some(|vm, me| {
                    let v = me.downcast::<DictView<{ $kind }>>().expect("a method is called on its type");
                    Ok(odict_iter(vm, &v.dict, Part::$part))
                }),
                ..Slots::NONE
            })
            .methods(&[MethodDef::method("__reversed__", "($self, /)", "Return a reverse iterator.", NativeFn::F1(
                |vm, me| {
                    let v = me.downcast::<DictView<{ $kind }>>().expect("a method is called on its type");
                    Ok(odict_reversed(vm, &v.dict, Part::$part))
                },
            ))]);
    )* };
}
views! {
    ODICT_KEYS "odict_keys" KEYS DICT_KEYS Keys
    ODICT_VALUES "odict_values" VALUES DICT_VALUES Values
    ODICT_ITEMS "odict_items" ITEMS DICT_ITEMS Items
}
