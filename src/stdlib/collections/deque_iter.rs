//! Iterators over deques, forwards and backwards.

use super::deque::{Deque, this};
use taipan_runtime::object::instance::new;
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value};
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Iterator over a deque, backwards when `BACK`.
pub struct DequeIter<const BACK: bool> {
    deque: Option<Py<Deque>>,
    state: u64,
    left: usize,
}

macro_rules! iterators {
    ($($back:literal $def:ident $name:literal)*) => { $(
        taipan_runtime::payload!(DequeIter<$back>, $def,
            traverse(self, visit) {
                if let Some(d) = &self.deque {
                    visit(d.as_value());
                }
            },
            clear(self) { self.deque = None; }
        );
        #[doc = concat!("The type `", $name, "`.")]
        pub static $def: TypeDef = TypeDef::new::<DequeIter<$back>>($name)
            .flags(TypeFlags::HAVE_GC)
            .cpython_size(56, 0)
            .slots(Slots {
                new: Some(|vm, _, args| new_iter::<$back>(vm, args, |it| new(it).into())),
                iter: Some(|_, me| Ok(me.clone())),
                next: Some(|vm, me| {
                    let it = me.downcast::<DequeIter<$back>>().expect("a method is called on its type");
                    next(vm, it)
                }),
                ..Slots::NONE
            })
            .methods(&[
                MethodDef::method("__length_hint__", "($self, /)", "How many items are left.", NativeFn::F1(|vm, me| {
                    let it = me.downcast::<DequeIter<$back>>().expect("a method is called on its type");
                    Ok(Value::from_usize(it.get(vm).left))
                })),
                MethodDef::method(
                    "__reduce__",
                    "($self, /)",
                    "Return state information for pickling.",
                    NativeFn::F1(|vm, me| {
                        let it = me.downcast::<DequeIter<$back>>().expect("a method is called on its type").get(vm);
                        let class: Value = Py::<Type>::of(me.class()).into();
                        let deque = it.deque.clone();
                        let done = deque.as_ref().map_or(0, |d| d.get(vm).len().saturating_sub(it.left));
                        let deque = deque.map_or_else(taipan_runtime::object::none, Into::into);
                        Ok(Tuple::of([class, Tuple::of([deque, Value::from_usize(done)]).into()]).into())
                    }),
                ),
            ]);
    )* };
}
iterators! {
    false DEQUE_ITER "collections._deque_iterator"
    true DEQUE_REVERSE_ITER "collections._deque_reverse_iterator"
}

impl<const BACK: bool> DequeIter<BACK> {
    fn start(vm: &Vm, d: &Py<Deque>) -> Self {
        let (state, left) = (d.get(vm).state, d.get(vm).len());
        DequeIter { deque: Some(d.clone()), state, left }
    }
}

/// `iter(deque)`.
pub fn deque_iter(vm: &mut Vm, me: &Value) -> PyResult {
    Ok(new(DequeIter::<false>::start(vm, this(me))).into())
}

/// `reversed(deque)`.
pub fn deque_reversed(vm: &mut Vm, me: &Value) -> PyResult {
    Ok(new(DequeIter::<true>::start(vm, this(me))).into())
}

/// `_deque_iterator(deque, done=0)`, which unpickling calls.
fn new_iter<const BACK: bool>(vm: &mut Vm, args: &Args<'_>, make: impl FnOnce(DequeIter<BACK>) -> Value) -> PyResult {
    let Some(deque) = args.get(0) else {
        return Err(vm.type_error("function takes at least 1 argument (0 given)"));
    };
    if args.len() > 2 {
        return Err(vm.type_error(format!("function takes at most 2 arguments ({} given)", args.len())));
    }
    let Some(d) = deque.downcast::<Deque>() else {
        let name = deque.class().payload.name();
        return Err(vm.type_error(format!("argument 1 must be collections.deque, not {name}")));
    };
    let done = match args.get(1) {
        Some(v) => ssize_arg(vm, v)?.max(0) as usize,
        None => 0,
    };
    let mut it = DequeIter::<BACK>::start(vm, d);
    it.left = it.left.saturating_sub(done);
    Ok(make(it))
}

fn next<const BACK: bool>(vm: &mut Vm, it: &Py<DequeIter<BACK>>) -> PyResult<Option<Value>>
where
    DequeIter<BACK>: taipan_runtime::object::Payload,
{
    let i = it.get(vm);
    let Some(d) = &i.deque else { return Ok(None) };
    if d.get(vm).state != i.state {
        it.get_mut(vm).left = 0;
        return Err(vm.runtime_error("deque mutated during iteration"));
    }
    if i.left == 0 {
        return Ok(None);
    }
    let at = if BACK { i.left - 1 } else { d.get(vm).len() - i.left };
    let item = d.get(vm).get(at).cloned();
    it.get_mut(vm).left -= 1;
    Ok(item)
}
