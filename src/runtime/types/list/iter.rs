//! Iterators over lists, forwards and backwards; both see changes of the list.

use super::List;
use super::methods::this;
use crate::object::{MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::sequence::{builtin_iter, state_index};
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Iterator over a list; the list is gone after the end.
pub struct ListIter {
    /// What it iterates over.
    pub list: Option<Py<List>>,
    /// Next index.
    pub index: usize,
}

crate::payload!(ListIter, LIST_ITER,
    traverse(self, visit) {
        if let Some(l) = &self.list {
            visit(l.as_value());
        }
    },
    clear(self) { self.list = None; }
);

impl ListIter {
    /// The next item.
    #[inline(always)]
    pub fn step(&mut self) -> Option<Value> {
        let item = self.list.as_ref()?.item(self.index);
        match item {
            Some(_) => self.index += 1,
            None => self.list = None,
        }
        item
    }
}

/// Iterator over a list from the back; the list is gone after the end.
pub struct ListReverseIter {
    /// What it iterates over.
    pub list: Option<Py<List>>,
    /// Next index; -1: the end.
    pub index: isize,
}

crate::payload!(ListReverseIter, LIST_REVERSE_ITER,
    traverse(self, visit) {
        if let Some(l) = &self.list {
            visit(l.as_value());
        }
    },
    clear(self) { self.list = None; }
);

impl ListReverseIter {
    fn step(&mut self) -> Option<Value> {
        let list = self.list.as_ref()?;
        let item = usize::try_from(self.index).ok().and_then(|i| list.item(i));
        match item {
            Some(_) => self.index -= 1,
            None => (self.index, self.list) = (-1, None),
        }
        item
    }
}

/// `iter(list)`.
pub fn list_iter(_: &mut Vm, me: &Value) -> PyResult {
    Ok(crate::object::instance::new(ListIter { list: Some(this(me).clone()), index: 0 }).into())
}

/// `reversed(list)`.
pub fn list_reversed(_: &mut Vm, me: &Value) -> PyResult {
    let l = this(me);
    let index = l.len() as isize - 1;
    Ok(crate::object::instance::new(ListReverseIter { list: Some(l.clone()), index }).into())
}

/// The type of iterators over lists.
pub static LIST_ITER: TypeDef = TypeDef::new::<ListIter>("list_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots {
        iter: Some(|_, me| Ok(me.clone())),
        next: Some(|vm, me| Ok(forward(me).get_mut(vm).step())),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__length_hint__",
            "($self, /)",
            "How many items are left.",
            NativeFn::F1(|vm, me| {
                let it = forward(me).get(vm);
                Ok(Value::from_usize(it.list.as_ref().map_or(0, |l| l.len().saturating_sub(it.index))))
            }),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(|vm, me| {
                let iter = builtin_iter(vm)?;
                let it = forward(me).get(vm);
                Ok(reduced(iter, it.list.clone(), it.index as i64))
            }),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(|vm, me, state| {
                let index = state_index(vm, state)?;
                let it = forward(me).get_mut(vm);
                if let Some(l) = &it.list {
                    // A negative state means an exhausted iterator.
                    it.index = if index < 0 { usize::MAX } else { (index as usize).min(l.len()) };
                }
                Ok(none())
            }),
        ),
    ]);

/// The type of iterators over lists from the back.
pub static LIST_REVERSE_ITER: TypeDef = TypeDef::new::<ListReverseIter>("list_reverseiterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(32, 0)
    .slots(Slots {
        iter: Some(|_, me| Ok(me.clone())),
        next: Some(|vm, me| Ok(backward(me).get_mut(vm).step())),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "__length_hint__",
            "($self, /)",
            "How many items are left.",
            NativeFn::F1(|vm, me| {
                let it = backward(me).get(vm);
                let left = (it.index + 1) as usize;
                Ok(Value::from_usize(it.list.as_ref().map_or(0, |l| if l.len() < left { 0 } else { left })))
            }),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "Return state information for pickling.",
            NativeFn::F1(|vm, me| {
                let it = backward(me).get(vm);
                let (list, index) = (it.list.clone(), it.index as i64);
                let reversed = match list {
                    Some(_) => vm.import_attr("builtins", "reversed")?,
                    None => builtin_iter(vm)?,
                };
                Ok(reduced(reversed, list, index))
            }),
        ),
        MethodDef::method(
            "__setstate__",
            "($self, object, /)",
            "Set state information for unpickling.",
            NativeFn::F2(|vm, me, state| {
                let index = state_index(vm, state)?;
                let it = backward(me).get_mut(vm);
                if let Some(l) = &it.list {
                    it.index = index.clamp(-1, l.len() as isize - 1);
                }
                Ok(none())
            }),
        ),
    ]);

fn reduced(function: Value, list: Option<Py<List>>, index: i64) -> Value {
    match list {
        Some(l) => Tuple::of([function, Tuple::of([l.into()]).into(), Value::small_unchecked(index)]).into(),
        None => Tuple::of([function, Tuple::of([List::empty().into()]).into()]).into(),
    }
}

fn forward(me: &Value) -> &Py<ListIter> {
    me.downcast::<ListIter>().expect("a method of list_iterator is called on one")
}

fn backward(me: &Value) -> &Py<ListReverseIter> {
    me.downcast::<ListReverseIter>().expect("a method of list_reverseiterator is called on one")
}
