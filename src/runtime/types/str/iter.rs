//! Iterators over strings: one type for ASCII text and one for the rest, as CPython has them.

use super::Str;
use super::methods::{char_at, s};
use crate::object::typedef::{MethodDef, NativeFn::*, Payload};
use crate::object::{Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use crate::types::sequence::{builtin_iter, state_index};
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Iterator over a string; the string is gone after the end.
pub struct StrIter<const ASCII: bool> {
    /// What it iterates over.
    pub text: Option<Py<Str>>,
    /// Next index.
    pub index: usize,
}

// SAFETY: `STR_ASCII_ITER` is made for this payload; strings are in no cycles, yet the one owned is visited.
unsafe impl Payload for StrIter<true> {
    const DEF: &'static TypeDef = &STR_ASCII_ITER;
    fn traverse(&self, visit: &mut crate::object::typedef::Visit<'_>) {
        self.text.iter().for_each(|t| visit(t.as_value()));
    }
    fn clear(&mut self) {
        self.text = None;
    }
}

// SAFETY: as above, for `STR_ITER`.
unsafe impl Payload for StrIter<false> {
    const DEF: &'static TypeDef = &STR_ITER;
    fn traverse(&self, visit: &mut crate::object::typedef::Visit<'_>) {
        self.text.iter().for_each(|t| visit(t.as_value()));
    }
    fn clear(&mut self) {
        self.text = None;
    }
}

impl<const ASCII: bool> StrIter<ASCII> {
    /// The next character.
    #[inline]
    pub fn step(&mut self) -> Option<Value> {
        let text = self.text.as_ref()?;
        if self.index < text.len() {
            let item = char_at(text, self.index);
            self.index += 1;
            return Some(item.into());
        }
        self.text = None;
        None
    }
}

/// `iter(str)`.
pub fn str_iter(_: &mut Vm, me: &Value) -> PyResult {
    let text = s(me).clone();
    Ok(if text.is_ascii() {
        crate::object::instance::new(StrIter::<true> { text: Some(text), index: 0 }).into()
    } else {
        crate::object::instance::new(StrIter::<false> { text: Some(text), index: 0 }).into()
    })
}

macro_rules! iterator_type {
    ($(#[$doc:meta])* $def:ident, $name:literal, $ascii:literal) => {
        $(#[$doc])*
        pub static $def: TypeDef = TypeDef::new::<StrIter<$ascii>>($name)
            .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
            .cpython_size(32, 0)
            .slots(Slots {
                iter: Some(|_, me| Ok(me.clone())),
                next: Some(|vm, me| Ok(this::<$ascii>(me).get_mut(vm).step())),
                ..Slots::NONE
            })
            .methods(&[
                MethodDef::method("__length_hint__", "($self, /)", "How many characters are left.", F1(length_hint::<$ascii>)),
                MethodDef::method("__reduce__", "($self, /)", "Return state information for pickling.", F1(reduce::<$ascii>)),
                MethodDef::method("__setstate__", "($self, object, /)", "Set state information for unpickling.", F2(set_state::<$ascii>)),
            ]);
    };
}

iterator_type!(
    /// The type of iterators over ASCII strings.
    STR_ASCII_ITER, "str_ascii_iterator", true
);
iterator_type!(
    /// The type of iterators over other strings.
    STR_ITER, "str_iterator", false
);

fn this<const ASCII: bool>(me: &Value) -> &Py<StrIter<ASCII>>
where
    StrIter<ASCII>: Payload,
{
    me.downcast::<StrIter<ASCII>>().expect("a method of a string iterator is called on one")
}

fn length_hint<const ASCII: bool>(vm: &mut Vm, me: &Value) -> PyResult
where
    StrIter<ASCII>: Payload,
{
    let it = this::<ASCII>(me).get(vm);
    Ok(Value::from_usize(it.text.as_ref().map_or(0, |t| t.len().saturating_sub(it.index))))
}

fn reduce<const ASCII: bool>(vm: &mut Vm, me: &Value) -> PyResult
where
    StrIter<ASCII>: Payload,
{
    let function = builtin_iter(vm)?;
    let it = this::<ASCII>(me).get(vm);
    Ok(match &it.text {
        Some(text) => {
            let args = Tuple::of([text.as_value().clone()]);
            Tuple::of([function, args.into(), Value::from_usize(it.index)]).into()
        }
        None => Tuple::of([function, Tuple::of([super::intern::empty().into()]).into()]).into(),
    })
}

fn set_state<const ASCII: bool>(vm: &mut Vm, me: &Value, state: &Value) -> PyResult
where
    StrIter<ASCII>: Payload,
{
    let index = state_index(vm, state)?;
    let it = this::<ASCII>(me).get_mut(vm);
    if let Some(text) = &it.text {
        it.index = (index.max(0) as usize).min(text.len());
    }
    Ok(none())
}
