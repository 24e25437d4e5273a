//! The builtin exceptions: one table of classes (`table`), one payload for all of them, one file for each family that
//! has attributes of its own.
//!
//! Every exception has the same fixed part; what `OSError`, `SyntaxError` … keep beside it are numbered fields whose
//! names stand in the family's file. So an exception of any class can be read natively, and subclasses made by Python
//! code need nothing special. CPython's rules: `Objects/exceptions.c` and the page "Built-in Exceptions".

pub mod base;
mod clauses;
pub mod group;
pub mod lookup;
pub mod os;
pub mod print;
pub mod simple;
pub mod syntax;
pub mod table;
pub mod unicode;
pub mod unraisable;

use crate::object::typedef::{Payload, Visit};
use crate::object::{Py, PyResult, Raised, Type, TypeDef, TypeFlags, Value};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
pub use clauses::{
    from_throw, group_match, matches_clause, normalized, prep_reraise_star, raise_from, raise_object, raise_stop,
    set_cause_and_context, stop_value, stop_with_value, traceback_of, warn_of_three_arguments, warn_unawaited,
};
pub use lookup::raise_import_error;
pub use table::*;
pub use unraisable::{report_closing, report_unraisable};

/// Payload of every exception.
pub struct BaseException {
    /// `args`
    pub args: Py<Tuple>,
    /// `__traceback__`
    pub traceback: Option<Value>,
    /// `__context__`
    pub context: Option<Value>,
    /// `__cause__`
    pub cause: Option<Value>,
    /// `__suppress_context__`
    pub suppress_context: bool,
    /// The family's own attributes, numbered in the family's file.
    pub fields: Box<[Option<Value>]>,
}

// SAFETY: made by `TypeDef::new::<BaseException>`; traverse visits each owned reference.
unsafe impl Payload for BaseException {
    const DEF: &'static TypeDef = &BASE_EXCEPTION;
    fn traverse(&self, visit: &mut Visit<'_>) {
        let BaseException { args, traceback, context, cause, suppress_context: _, fields } = self;
        visit(args.as_value());
        [traceback, context, cause].into_iter().flatten().for_each(&mut *visit);
        fields.iter().flatten().for_each(visit);
    }
    fn clear(&mut self) {
        let dead = BaseException {
            args: std::mem::replace(&mut self.args, Tuple::empty()),
            traceback: self.traceback.take(),
            context: self.context.take(),
            cause: self.cause.take(),
            suppress_context: false,
            fields: self.fields.iter_mut().map(Option::take).collect(),
        };
        drop(dead);
    }
}

impl BaseException {
    /// An instance of `class`, an exception class, with these arguments and absent fields; no initialiser runs.
    pub fn blank(class: &Py<Type>, args: Py<Tuple>) -> Py<BaseException> {
        let fields = field_count(class);
        crate::object::instance::new_of(
            class,
            BaseException {
                args,
                traceback: None,
                context: None,
                cause: None,
                suppress_context: false,
                fields: if fields == 0 { Box::default() } else { vec![None; fields].into() },
            },
        )
    }
}

impl Py<BaseException> {
    /// The payload, to clone something out of it at once.
    fn peek(&self) -> &BaseException {
        // SAFETY: a plain read under the GIL; callers clone and let go before anything can change the payload (I5).
        unsafe { &*self.payload_ptr() }
    }

    /// The payload, to put something into it and take the old out; what came out is dropped afterwards.
    #[allow(clippy::mut_from_ref)]
    fn poke(&self) -> &mut BaseException {
        // SAFETY: as `peek`; no other borrow of the payload is alive in callers.
        unsafe { &mut *self.payload_ptr() }
    }

    /// Field `i` of the family.
    pub fn field(&self, vm: &Vm, i: usize) -> Option<Value> {
        self.get(vm).fields.get(i).cloned().flatten()
    }

    /// Sets field `i` of the family; an exception without such a field stays as it is.
    pub fn set_field(&self, vm: &mut Vm, i: usize, value: Option<Value>) {
        let old = match self.get_mut(vm).fields.get_mut(i) {
            Some(slot) => std::mem::replace(slot, value),
            None => None,
        };
        drop(old);
    }

    /// `args`
    pub fn args(&self, vm: &Vm) -> Py<Tuple> {
        self.get(vm).args.clone()
    }

    /// `__traceback__`
    pub fn traceback(&self, vm: &Vm) -> Option<Value> {
        self.get(vm).traceback.clone()
    }

    /// Sets `__traceback__`.
    pub fn set_traceback(&self, vm: &mut Vm, traceback: Option<Value>) {
        let old = std::mem::replace(&mut self.get_mut(vm).traceback, traceback);
        drop(old);
    }

    /// `__context__`
    pub fn context(&self, vm: &Vm) -> Option<Value> {
        self.get(vm).context.clone()
    }

    /// Sets `__context__`.
    pub fn set_context(&self, vm: &mut Vm, context: Option<Value>) {
        let old = std::mem::replace(&mut self.get_mut(vm).context, context);
        drop(old);
    }

    /// `__cause__`
    pub fn cause(&self, vm: &Vm) -> Option<Value> {
        self.get(vm).cause.clone()
    }

    /// Sets `__cause__` and with it `__suppress_context__`, as `raise … from …` does.
    pub fn set_cause(&self, vm: &mut Vm, cause: Option<Value>) {
        let e = self.get_mut(vm);
        e.suppress_context = true;
        let old = std::mem::replace(&mut e.cause, cause);
        drop(old);
    }
}

/// How many fields instances have: as many words as CPython's struct of the class has beyond that of `BaseException`.
fn field_count(class: &Py<Type>) -> usize {
    let size = crate::types::typeobject::builtin_base(class.get_type()).cpython_size.0;
    size.saturating_sub(table::BASE_SIZE) / 8
}

/// The exception a method of an exception class was called on.
pub(crate) fn exception(v: &Value) -> &Py<BaseException> {
    v.downcast::<BaseException>().expect("a method of an exception class is called on an exception")
}

/// Whether the value is an exception instance.
#[inline]
pub fn is_exception(v: &Value) -> bool {
    v.class().payload.has(TypeFlags::EXC_SUBCLASS)
}

/// The exception class that the value is, if it is one.
pub fn as_class(v: &Value) -> Option<&Py<Type>> {
    let class = v.downcast::<Type>()?;
    class.get_type().payload.has(TypeFlags::EXC_SUBCLASS).then_some(class)
}

/// `class(*args)` for a builtin exception class.
pub fn instantiate(vm: &mut Vm, class: &'static TypeDef, args: &[Value]) -> PyResult {
    let class = class.class();
    let args = Args::positional(args);
    let slots = class.get_type().payload.slots();
    let (new, init) = (slots.new, slots.init);
    let e = match new {
        Some(new) => new(vm, &class, &args)?,
        None => base::new(vm, &class, &args)?,
    };
    if let Some(init) = init {
        init(vm, &e, &args)?;
    }
    Ok(e)
}

/// Makes the exception being handled the context of `exc`, which is about to be raised; a chain that already leads from
/// there to `exc` is cut, so that no cycle comes about (`_PyErr_SetObject`).
pub fn set_context(vm: &mut Vm, exc: &Value) {
    if let Some(handled) = vm.handled().cloned() {
        set_context_to(vm, exc, handled);
    }
}

/// [`set_context`] with another exception than the thread's as the one being handled: a generator's own, when an
/// exception is thrown into it (`_PyErr_ChainStackItem`).
pub fn set_context_to(vm: &mut Vm, exc: &Value, handled: Value) {
    if handled.is(exc) {
        return;
    }
    let (Some(exc_object), Some(start)) = (exc.downcast::<BaseException>(), handled.downcast::<BaseException>()) else {
        return;
    };
    let (mut at, mut slow, mut move_slow) = (start.clone(), start.clone(), false);
    while let Some(next) = at.context(vm) {
        if next.is(exc) {
            at.set_context(vm, None);
            break;
        }
        let Ok(next) = next.into_py::<BaseException>() else { break };
        at = next;
        if at.as_value().is(slow.as_value()) {
            break;
        }
        if move_slow {
            match slow.context(vm).map(Value::into_py::<BaseException>) {
                Some(Ok(s)) => slow = s,
                _ => break,
            }
        }
        move_slow = !move_slow;
    }
    exc_object.set_context(vm, Some(handled));
}

/// Raises `NameError` about a name, which it carries in its `name` attribute.
#[cold]
pub fn raise_name_error(vm: &mut Vm, name: &Py<Str>) -> Raised {
    raise_name_error_text(vm, &format!("name '{}' is not defined", name.to_rust()), name)
}

/// Raises `NameError` with a text of its own, about a name.
#[cold]
pub fn raise_name_error_text(vm: &mut Vm, message: &str, name: &Py<Str>) -> Raised {
    let message = Str::from_rust(message).into();
    raise_with_fields(vm, &NAME_ERROR, &[message], &[(lookup::NAME_NAME, name.as_value())])
}

/// Raises `AttributeError` about attribute `name` of `object`; the two are what suggestions start from.
#[cold]
pub fn raise_attribute_error(vm: &mut Vm, object: &Value, name: &Py<Str>, message: &str) -> Raised {
    let message = Str::from_rust(message).into();
    let fields = [(lookup::ATTRIBUTE_NAME, name.as_value()), (lookup::ATTRIBUTE_OBJ, object)];
    raise_with_fields(vm, &ATTRIBUTE_ERROR, &[message], &fields)
}

/// Raises `class(*args)` with attributes of the family set, given as (field, value).
#[cold]
pub fn raise_with_fields(vm: &mut Vm, class: &'static TypeDef, args: &[Value], fields: &[(usize, &Value)]) -> Raised {
    match instantiate(vm, class, args) {
        Ok(e) => {
            for &(i, v) in fields {
                exception(&e).set_field(vm, i, Some(v.clone()));
            }
            vm.raise(e)
        }
        Err(r) => r,
    }
}

/// Whether an exception or a class matches what an `except` clause names: a class or a tuple of such, nested
/// (`PyErr_GivenExceptionMatches`). Classes are compared by their MRO; no Python code runs.
pub fn matches(raised: &Value, wanted: &Value) -> bool {
    if let Some(t) = wanted.downcast::<Tuple>() {
        return t.items().iter().any(|w| matches(raised, w));
    }
    let class = match as_class(raised) {
        Some(c) => c.get_type(),
        None => raised.class(),
    };
    match (class.payload.has(TypeFlags::EXC_SUBCLASS), as_class(wanted)) {
        (true, Some(w)) => crate::types::typeobject::is_subtype(class, w.get_type()),
        _ => raised.is(wanted),
    }
}
