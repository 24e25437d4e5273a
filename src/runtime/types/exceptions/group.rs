//! `BaseExceptionGroup` and `ExceptionGroup` (PEP 654): making, splitting, and what `except*` needs.

use super::table::Family;
use super::*;
use crate::object::typedef::{MethodDef, NativeFn};
use crate::object::{Slots, none};
use crate::types::list::List;

/// `message`
pub const MESSAGE: usize = 0;
/// `exceptions`: a tuple.
pub const EXCEPTIONS: usize = 1;
/// How the sequence given to the constructor showed itself, when it was neither a list nor a tuple.
const SHOWN: usize = 2;
/// CPython's size of `BaseExceptionGroup`.
pub const SIZE: usize = 96;

/// `BaseExceptionGroup`
pub const FAMILY: Family = Family {
    slots: Slots { new: Some(new), init: Some(init), repr: Some(repr), str: Some(str), ..Slots::NONE },
    methods: &[
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "See PEP 585",
            NativeFn::F2(crate::types::generic_alias::class_getitem),
        ),
        MethodDef::method(
            "derive",
            "($self, excs, /)",
            "Make a group of the same kind with other exceptions.",
            NativeFn::F2(derive),
        ),
        MethodDef::method(
            "split",
            "($self, matcher_value, /)",
            "Split into what matches and the rest.",
            NativeFn::F2(split),
        ),
        MethodDef::method("subgroup", "($self, matcher_value, /)", "Keep what matches.", NativeFn::F2(subgroup)),
    ],
    getset: &[
        base::readonly::<MESSAGE>("message", "exception message"),
        base::readonly::<EXCEPTIONS>("exceptions", "nested exceptions"),
    ],
    size: SIZE,
};

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let [message, sequence] = args.pos() else {
        return Err(
            vm.type_error(format!("BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)", args.len()))
        );
    };
    vm.expect_str(message, "BaseExceptionGroup.__new__() argument 1")?;
    if !is_sequence(sequence) {
        return Err(vm.type_error("second argument (exceptions) must be a sequence"));
    }
    let shown = match sequence.downcast::<List>().is_some() || sequence.downcast::<Tuple>().is_some() {
        true => None,
        false => Some(vm.repr(sequence)?.into_value()),
    };
    let items = vm.collect(sequence)?;
    if items.is_empty() {
        return Err(vm.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    if let Some(i) = items.iter().position(|e| !is_exception(e)) {
        return Err(vm.value_error(format!("Item {i} of second argument (exceptions) is not an exception")));
    }
    let all_plain = items.iter().all(|e| vm.is_kind(e, &EXCEPTION));
    let class = choose_class(vm, class, all_plain)?;
    let group = BaseException::blank(&class, Tuple::from_slice(args.pos()));
    group.set_field(vm, MESSAGE, Some(message.clone()));
    group.set_field(vm, EXCEPTIONS, Some(Tuple::from_vec(items).into()));
    group.set_field(vm, SHOWN, shown);
    Ok(group.into())
}

fn is_sequence(v: &Value) -> bool {
    let t = &v.class().payload;
    t.slots().item.is_some() && !t.has(TypeFlags::DICT_SUBCLASS)
}

/// `BaseExceptionGroup` of ordinary exceptions becomes `ExceptionGroup`; classes derived from `Exception` refuse others.
fn choose_class(vm: &mut Vm, class: &Py<Type>, all_plain: bool) -> PyResult<Py<Type>> {
    let typ = class.get_type();
    if std::ptr::eq(typ, BASE_EXCEPTION_GROUP.object()) {
        return Ok(if all_plain { EXCEPTION_GROUP.class() } else { class.clone() });
    }
    if all_plain || !crate::types::typeobject::is_subtype(typ, EXCEPTION.object()) {
        return Ok(class.clone());
    }
    if std::ptr::eq(typ, EXCEPTION_GROUP.object()) {
        return Err(vm.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
    }
    Err(vm.type_error(format!("Cannot nest BaseExceptions in '{}'", typ.payload.name())))
}

/// `__new__` has set everything; only keywords are refused, and `args` set.
fn init(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    base::init(vm, v, args)
}

/// The nested exceptions of a group.
pub fn exceptions_of(vm: &Vm, group: &Py<BaseException>) -> Py<Tuple> {
    group.field(vm, EXCEPTIONS).and_then(|e| e.into_py::<Tuple>().ok()).unwrap_or_else(Tuple::empty)
}

/// The group that a value is, if it is one.
pub fn as_group<'a>(vm: &Vm, v: &'a Value) -> Option<&'a Py<BaseException>> {
    if vm.is_kind(v, &BASE_EXCEPTION_GROUP) { v.downcast::<BaseException>() } else { None }
}

fn repr(vm: &mut Vm, v: &Value) -> PyResult {
    let e = exception(v);
    let message = e.field(vm, MESSAGE).unwrap_or_else(none);
    let name = v.class().payload.name();
    let message = vm.repr(&message)?;
    let excs = exceptions_of(vm, e);
    let given_list = e.args(vm).items().get(1).is_some_and(|a| a.downcast::<List>().is_some());
    let excs = match e.field(vm, SHOWN).map(Value::into_py::<Str>) {
        Some(Ok(shown)) => shown,
        _ if given_list => vm.repr(List::from_vec(excs.items().to_vec()).as_value())?,
        _ => vm.repr(excs.as_value())?,
    };
    let text = format!("{name}({}, {})", message.to_rust(), excs.to_rust());
    Ok(vm.new_str(&text))
}

fn str(vm: &mut Vm, v: &Value) -> PyResult {
    let e = exception(v);
    let message = e.field(vm, MESSAGE).unwrap_or_else(none);
    let n = exceptions_of(vm, e).len();
    let message = vm.str(&message)?;
    let count = format!(" ({n} sub-exception{})", if n == 1 { "" } else { "s" });
    Ok(Str::concat(&message, &Str::from_rust(&count)).into())
}

fn derive(vm: &mut Vm, v: &Value, excs: &Value) -> PyResult {
    let message = exception(v).field(vm, MESSAGE).unwrap_or_else(none);
    let class = BASE_EXCEPTION_GROUP.value();
    vm.call(&class, &[message, excs.clone()])
}

/// What `split` and `subgroup` look for.
enum Matcher<'a> {
    /// A class, or a tuple of classes.
    Class(&'a Value),
    /// A function of the exception.
    Predicate(&'a Value),
    /// The very exceptions at these addresses.
    Identity(&'a [usize]),
}

impl<'a> Matcher<'a> {
    fn of(vm: &mut Vm, v: &'a Value) -> PyResult<Matcher<'a>> {
        if as_class(v).is_some() {
            return Ok(Matcher::Class(v));
        }
        if let Some(t) = v.downcast::<Tuple>() {
            if t.items().iter().all(|c| as_class(c).is_some()) {
                return Ok(Matcher::Class(v));
            }
        }
        if vm.callable(v) && v.downcast::<Type>().is_none() {
            return Ok(Matcher::Predicate(v));
        }
        Err(vm.type_error("expected an exception type, a tuple of exception types, or a callable (other than a class)"))
    }

    fn matches(&self, vm: &mut Vm, e: &Value) -> PyResult<bool> {
        match self {
            Matcher::Class(c) => Ok(matches(e, c)),
            Matcher::Predicate(f) => {
                let r = vm.call(f, std::slice::from_ref(e))?;
                vm.truth(&r)
            }
            Matcher::Identity(ids) => Ok(ids.contains(&e.word())),
        }
    }
}

/// What matched and what did not; groups of the same shape as the original.
#[derive(Default)]
struct Parts {
    matched: Option<Value>,
    rest: Option<Value>,
}

fn split_by(vm: &mut Vm, e: &Value, matcher: &Matcher<'_>, want_rest: bool) -> PyResult<Parts> {
    if matcher.matches(vm, e)? {
        return Ok(Parts { matched: Some(e.clone()), rest: None });
    }
    let Some(group) = as_group(vm, e) else {
        return Ok(Parts { matched: None, rest: want_rest.then(|| e.clone()) });
    };
    let (mut matched, mut rest) = (Vec::new(), Vec::new());
    for inner in exceptions_of(vm, group).items() {
        vm.check_recursion(" in exceptiongroup_split_recursive")?;
        let parts = split_by(vm, inner, matcher, want_rest)?;
        matched.extend(parts.matched);
        rest.extend(parts.rest);
    }
    let matched = subset(vm, e, matched)?;
    let rest = if want_rest { subset(vm, e, rest)? } else { None };
    Ok(Parts { matched, rest })
}

/// A group like `original` with other exceptions: `derive` makes it, then traceback, chain and notes are copied.
fn subset(vm: &mut Vm, original: &Value, excs: Vec<Value>) -> PyResult<Option<Value>> {
    if excs.is_empty() {
        return Ok(None);
    }
    let group = vm.call_method(original, "derive", &[List::from_vec(excs).into()])?;
    if as_group(vm, &group).is_none() {
        return Err(vm.type_error("derive must return an instance of BaseExceptionGroup"));
    }
    let (from, to) = (exception(original), exception(&group));
    let (traceback, context, cause) = (from.traceback(vm), from.context(vm), from.cause(vm));
    to.set_traceback(vm, traceback);
    to.set_context(vm, context);
    to.set_cause(vm, cause);
    let name = vm.intern("__notes__");
    if let Some(notes) = vm.get_attr_opt(original, &name)? {
        if is_sequence(&notes) {
            let copy = vm.collect(&notes)?;
            vm.set_attr(&group, &name, List::from_vec(copy).as_value())?;
        }
    }
    Ok(Some(group))
}

fn split(vm: &mut Vm, v: &Value, matcher: &Value) -> PyResult {
    let matcher = Matcher::of(vm, matcher)?;
    let parts = split_by(vm, v, &matcher, true)?;
    let pair = [parts.matched, parts.rest].map(|p| p.unwrap_or_else(none));
    Ok(Tuple::from_slice(&pair).into())
}

fn subgroup(vm: &mut Vm, v: &Value, matcher: &Value) -> PyResult {
    let matcher = Matcher::of(vm, matcher)?;
    Ok(split_by(vm, v, &matcher, false)?.matched.unwrap_or_else(none))
}

/// What one `except*` clause takes of an exception and what it leaves: `(match, rest)`, each possibly `None`
/// (`_PyEval_ExceptionGroupMatch`). A naked exception that matches is wrapped in a group raised here.
pub fn match_clause(vm: &mut Vm, e: &Value, wanted: &Value) -> PyResult<(Value, Value)> {
    if e.is_none() {
        return Ok((none(), none()));
    }
    let is_group = as_group(vm, e).is_some();
    if matches(e, wanted) {
        if is_group {
            return Ok((e.clone(), none()));
        }
        let wrapped = group_of(vm, Tuple::from_slice(std::slice::from_ref(e)).into())?;
        let traceback = crate::types::traceback::here(vm);
        exception(&wrapped).set_traceback(vm, traceback);
        return Ok((wrapped, none()));
    }
    if !is_group {
        return Ok((none(), e.clone()));
    }
    let pair = vm.call_method(e, "split", std::slice::from_ref(wanted))?;
    let class = e.class().payload.name();
    let Some(t) = pair.downcast::<Tuple>() else {
        let got = pair.class().payload.name();
        return Err(vm.type_error(format!("{class}.split must return a tuple, not {got}")));
    };
    match t.items() {
        [a, b, ..] => Ok((a.clone(), b.clone())),
        few => Err(vm.type_error(format!("{class}.split must return a 2-tuple, got tuple of size {}", few.len()))),
    }
}

/// A group without a message of these exceptions.
fn group_of(vm: &mut Vm, excs: Value) -> PyResult {
    let class = BASE_EXCEPTION_GROUP.value();
    let args = [vm.new_str(""), excs];
    vm.call(&class, &args)
}

/// What is raised at the end of a `try` … `except*`: of the exceptions that the clauses left (`None` among them), the
/// reraised parts of `original` form one group of its shape again, newly raised ones stand beside it
/// (`_PyExc_PrepReraiseStar`). `None`: nothing.
pub fn reraise_star(vm: &mut Vm, original: &Value, left: &[Value]) -> PyResult {
    let left: Vec<&Value> = left.iter().filter(|e| !e.is_none()).collect();
    let Some(&first) = left.first() else { return Ok(none()) };
    if as_group(vm, original).is_none() {
        return Ok(first.clone());
    }
    let (mut raised, mut reraised) = (Vec::new(), Vec::new());
    for e in left {
        let list = if same_origin(vm, e, original) { &mut reraised } else { &mut raised };
        list.push(e.clone());
    }
    let mut ids = Vec::new();
    for e in &reraised {
        leaves(vm, e, &mut ids)?;
    }
    let again = match ids.is_empty() {
        true => None,
        false => split_by(vm, original, &Matcher::Identity(&ids), false)?.matched,
    };
    if raised.is_empty() {
        return Ok(again.unwrap_or_else(none));
    }
    raised.extend(again);
    if raised.len() == 1 { Ok(raised.remove(0)) } else { group_of(vm, List::from_vec(raised).into()) }
}

/// Whether two exceptions have the same traceback, cause and context: then one is a part of the other.
fn same_origin(vm: &Vm, a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.downcast::<BaseException>(), b.downcast::<BaseException>()) else { return false };
    let same = |x: Option<Value>, y: Option<Value>| match (x, y) {
        (None, None) => true,
        (Some(x), Some(y)) => x.is(&y),
        _ => false,
    };
    same(a.traceback(vm), b.traceback(vm)) && same(a.cause(vm), b.cause(vm)) && same(a.context(vm), b.context(vm))
}

/// Addresses of the exceptions in a group that are no groups themselves.
fn leaves(vm: &mut Vm, e: &Value, out: &mut Vec<usize>) -> PyResult<()> {
    let Some(group) = as_group(vm, e) else {
        out.push(e.word());
        return Ok(());
    };
    vm.check_recursion(" in collect_exception_group_leaf_ids")?;
    for inner in exceptions_of(vm, group).items() {
        leaves(vm, inner, out)?;
    }
    Ok(())
}

/// Gives `ExceptionGroup` its second base, `Exception`: a builtin type's row names one base only.
pub fn finish_types() {
    let t = &EXCEPTION_GROUP.object().payload;
    let mro: Vec<Py<Type>> = [&EXCEPTION_GROUP, &BASE_EXCEPTION_GROUP, &EXCEPTION, &BASE_EXCEPTION]
        .into_iter()
        .map(|d| d.class())
        .chain([crate::types::object::OBJECT.class()])
        .collect();
    let mut extra = t.extra.borrow_mut();
    extra.mro_tuple = Some(Tuple::from_vec(mro.iter().map(|c| c.as_value().clone()).collect()).into());
    extra.bases = Some(Tuple::from_slice(&[BASE_EXCEPTION_GROUP.value(), EXCEPTION.value()]).into());
    *t.mro.borrow_mut() = mro;
    let mut of_exception = EXCEPTION.object().payload.extra.borrow_mut();
    of_exception.subclasses.push(EXCEPTION_GROUP.object());
}
