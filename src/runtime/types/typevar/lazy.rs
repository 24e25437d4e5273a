//! Bounds, constraints, defaults and alias values that a function computes when they are first asked for (PEP 695), and
//! the evaluator object that stands for a value given outright.

use super::no_default;
use crate::object::typedef::{Payload, Visit};
use crate::object::value::Frozen;
use crate::object::{PyResult, Slots, TypeDef, TypeFlags, Value, instance};
use crate::types::generic_alias::type_repr;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use std::cell::RefCell;

/// A value, or the function that computes it.
#[derive(Default)]
pub struct Lazy {
    value: RefCell<Option<Value>>,
    evaluate: RefCell<Option<Value>>,
}

impl Lazy {
    /// A value given outright.
    pub fn given(value: Value) -> Lazy {
        Lazy { value: RefCell::new(Some(value)), evaluate: RefCell::default() }
    }
    /// A value to be computed.
    pub fn computed(evaluate: Value) -> Lazy {
        Lazy { value: RefCell::default(), evaluate: RefCell::new(Some(evaluate)) }
    }
    /// From what a call gave, absent for nothing.
    pub fn maybe(value: Option<Value>) -> Lazy {
        Lazy { value: RefCell::new(value), evaluate: RefCell::default() }
    }
    /// Replaces what it is by a function that computes it.
    pub fn set_evaluator(&self, evaluate: &Value) {
        let old = (self.value.take(), self.evaluate.replace(Some(evaluate.clone())));
        drop(old);
    }
    /// The value, computed now if need be; `None` when there is nothing.
    pub fn get(&self, vm: &mut Vm) -> PyResult<Option<Value>> {
        if let Some(v) = &*self.value.borrow() {
            return Ok(Some(v.clone()));
        }
        let Some(evaluate) = self.evaluate.borrow().clone() else { return Ok(None) };
        let v = vm.call1(&evaluate, &Value::small_unchecked(1))?;
        let old = self.value.replace(Some(v.clone()));
        drop(old);
        Ok(Some(v))
    }
    /// The evaluator: the function, or one that gives the value.
    pub fn evaluator(&self) -> Option<Value> {
        if let Some(f) = &*self.evaluate.borrow() {
            return Some(f.clone());
        }
        self.value.borrow().clone().map(|v| instance::new(ConstEvaluator { value: v }).into())
    }
    /// The function that computes it, if it was not given outright.
    pub fn function(&self) -> Option<Value> {
        self.evaluate.borrow().clone()
    }
    /// Visits what it holds.
    pub fn traverse(&self, visit: &mut Visit<'_>) {
        self.value.borrow().iter().for_each(&mut *visit);
        self.evaluate.borrow().iter().for_each(visit);
    }
    /// Gives up what it holds.
    pub fn clear(&mut self) {
        let dead = (self.value.get_mut().take(), self.evaluate.get_mut().take());
        drop(dead);
    }
}

/// The value, or `NoDefault` when there is none.
pub fn value_or_no_default(vm: &mut Vm, lazy: Option<&Lazy>) -> PyResult {
    match lazy {
        Some(l) => Ok(l.get(vm)?.unwrap_or_else(no_default)),
        None => Ok(no_default()),
    }
}

/// Payload of `_typing._ConstEvaluator`.
pub struct ConstEvaluator {
    value: Value,
}
// SAFETY: made by `TypeDef::new::<ConstEvaluator>`; the one value is visited.
unsafe impl Payload for ConstEvaluator {
    const DEF: &'static TypeDef = &CONST_EVALUATOR;
    fn traverse(&self, visit: &mut Visit<'_>) {
        visit(&self.value);
    }
}
impl Frozen for ConstEvaluator {}

/// `annotationlib.Format.STRING`.
const FORMAT_STRING: i64 = 4;

/// `_typing._ConstEvaluator`.
pub static CONST_EVALUATOR: TypeDef = TypeDef::new::<ConstEvaluator>("_typing._ConstEvaluator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .cpython_size(24, 0)
    .slots(Slots {
        repr: Some(|vm, v| {
            let value = value_of(v);
            let shown = vm.repr(&value)?;
            Ok(vm.new_str(&format!("<constevaluator {}>", shown.to_rust())))
        }),
        call: Some(|vm, v, args| {
            args.no_keywords(vm, "constevaluator.__call__")?;
            let [format] = args.pos() else {
                let n = args.len();
                let text = format!("constevaluator.__call__() takes exactly 1 argument ({n} given)");
                return Err(vm.type_error(text));
            };
            let format = vm.to_i64(format)?;
            let value = value_of(v);
            if format != FORMAT_STRING {
                return Ok(value);
            }
            let text = match value.downcast::<Tuple>() {
                Some(t) => {
                    let mut parts = Vec::new();
                    for x in t.clone().items() {
                        parts.push(type_repr(vm, x)?);
                    }
                    format!("({})", parts.join(", "))
                }
                None => type_repr(vm, &value)?,
            };
            Ok(vm.new_str(&text))
        }),
        ..Slots::NONE
    });

fn value_of(v: &Value) -> Value {
    v.downcast::<ConstEvaluator>().map_or_else(|| v.clone(), |e| e.value.clone())
}
