//! What the container types share: comparisons decided without Python code, arguments that are indices, the text of
//! containers, and the sizes CPython would report.

use crate::object::{Py, PyResult, TypeFlags, Value};
use crate::types::exceptions::TYPE_ERROR;
use crate::types::float::Float;
use crate::types::int::Int;
use crate::types::str::Str;
pub use crate::types::typeobject::layout::cpython_basicsize;
use crate::vm::Vm;
use crate::vm::args::Args;

/// Most items a list or tuple may be asked to hold at once; more raises `MemoryError` before the allocator is asked.
pub const MAX_ITEMS: usize = 1 << 38;

/// Whether two values are equal as containers compare them (identity first), when no Python code is needed to say so.
#[inline(always)]
pub fn quick_eq(a: &Value, b: &Value) -> Option<bool> {
    if a.is(b) {
        return Some(true);
    }
    if a.is_small() && b.is_small() {
        return Some(false);
    }
    quick_eq_objects(a, b)
}

#[inline]
fn quick_eq_objects(a: &Value, b: &Value) -> Option<bool> {
    if let (Some(a), Some(b)) = (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        return Some(a.same(b));
    }
    if let (Some(a), Some(b)) = (a.downcast_exact::<Float>(), b.downcast_exact::<Float>()) {
        return Some(a.value == b.value);
    }
    None
}

/// Arguments of a method that takes no keywords: `self`, then `min` to `max` others. `name` is the qualified name
/// (`"list.pop"`); CPython names the type only where it complains about keywords.
#[inline]
pub fn method_args<'a>(
    vm: &mut Vm,
    args: &Args<'a>,
    name: &'static str,
    min: usize,
    max: usize,
) -> PyResult<(&'a Value, &'a [Value])> {
    let all = args.pos();
    let n = all.len().wrapping_sub(1);
    if args.has_keywords() || n < min || n > max || all.is_empty() {
        args.no_keywords(vm, name)?;
        if all.is_empty() {
            return Err(vm.type_error(format!("unbound method {name}() needs an argument")));
        }
        let short = name.rsplit('.').next().unwrap_or(name);
        args.rest().between(vm, short, min, max)?;
    }
    Ok((&all[0], &all[1..]))
}

/// An argument that C code takes as `Py_ssize_t`: by `__index__`, with `OverflowError` when it does not fit.
pub fn ssize_arg(vm: &mut Vm, v: &Value) -> PyResult<isize> {
    if let Some(i) = v.as_small() {
        return Ok(i as isize);
    }
    let i = vm.index(v)?;
    match Int::read(&i).and_then(|i| i.to_i64()) {
        Some(i) => Ok(i as isize),
        None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

/// The state an iterator is given by `__setstate__`: an `int`, no `__index__` (`PyLong_AsSsize_t`).
pub fn state_index(vm: &mut Vm, v: &Value) -> PyResult<isize> {
    match Int::read(v).map(|i| i.to_i64()) {
        Some(Some(i)) => Ok(i as isize),
        Some(None) => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
        None => Err(vm.type_error("an integer is required")),
    }
}

/// An index that is cut off at the ends of the machine's integers (`_PyEval_SliceIndexNotNone`).
pub fn clipped_index(vm: &mut Vm, v: &Value, error: &str) -> PyResult<isize> {
    if let Some(i) = v.as_small() {
        return Ok(i as isize);
    }
    if Int::read(v).is_none() && v.class().payload.slots().index.is_none() {
        return Err(vm.type_error(error));
    }
    let i = vm.index(v)?;
    let Some(i) = Int::read(&i) else { return Err(vm.type_error(error)) };
    Ok(match i.to_i64() {
        Some(i) => i as isize,
        None if i.is_negative() => isize::MIN,
        None => isize::MAX,
    })
}

/// The `start` and `stop` arguments of `index()` methods, made positions (`start` may lie past the end).
pub fn search_bounds(vm: &mut Vm, rest: &[Value], len: impl Fn(&Vm) -> usize) -> PyResult<(usize, usize)> {
    const ERROR: &str = "slice indices must be integers or have an __index__ method";
    let start = match rest.first() {
        Some(v) => clipped_index(vm, v, ERROR)?,
        None => 0,
    };
    let stop = match rest.get(1) {
        Some(v) => clipped_index(vm, v, ERROR)?,
        None => isize::MAX,
    };
    let n = len(vm) as isize;
    let place = |i: isize| if i < 0 { i.saturating_add(n).max(0) as usize } else { i as usize };
    Ok((place(start), place(stop)))
}

/// Whether a value can stand where an index is wanted.
#[inline]
pub fn is_index(v: &Value) -> bool {
    v.is_small() || v.class().payload.slots().index.is_some()
}

/// `open`, the parts with `", "` between them, `close`.
pub fn enclose(open: &str, parts: &[Py<Str>], close: &str) -> Py<Str> {
    let (open, comma, close) = (Str::from_rust(open), Str::from_rust(", "), Str::from_rust(close));
    let mut all: Vec<&Str> = Vec::with_capacity(parts.len() * 2 + 2);
    all.push(&open);
    for (i, p) in parts.iter().enumerate() {
        if i != 0 {
            all.push(&comma);
        }
        all.push(p);
    }
    all.push(&close);
    Str::join(&crate::types::str::intern::empty(), &all)
}

/// Texts one after the other.
pub fn join_texts(parts: &[&Str]) -> Py<Str> {
    Str::join(&crate::types::str::intern::empty(), parts)
}

/// The name that CPython's `%T` gives: with the module unless that is `builtins` or `__main__`.
pub fn full_type_name(vm: &mut Vm, v: &Value) -> String {
    let class = v.class();
    if !class.payload.has(TypeFlags::HEAP) {
        return class.payload.def.get().map_or_else(|| class.payload.name(), |d| d.name.to_string());
    }
    let class: Value = Py::of(class).into();
    let mut text = |name: &str| -> Option<String> {
        let r = vm.get_attr_text(&class, name);
        match r {
            Ok(v) => v.downcast::<Str>().map(|s| s.to_rust().into_owned()),
            Err(_) => {
                vm.clear_error();
                None
            }
        }
    };
    let name = text("__qualname__").unwrap_or_else(|| v.class().payload.name());
    match text("__module__") {
        Some(m) if m != "builtins" && m != "__main__" => format!("{m}.{name}"),
        _ => name,
    }
}

/// Hash of a key or element; a `TypeError` is told again as `"cannot use '…' as a …"` (`what`: `"dict key"`).
#[inline]
pub fn hash_for(vm: &mut Vm, v: &Value, what: &str) -> PyResult<i64> {
    match vm.hash(v) {
        Ok(h) => Ok(h),
        Err(r) => Err(unhashable(vm, v, what, r)),
    }
}

#[cold]
fn unhashable(vm: &mut Vm, v: &Value, what: &str, raised: crate::object::Raised) -> crate::object::Raised {
    let is_type_error = vm.pending().is_some_and(|e| std::ptr::eq(e.class(), TYPE_ERROR.object()));
    if !is_type_error {
        return raised;
    }
    let error = vm.take_error();
    let name = full_type_name(vm, v);
    match vm.str(&error) {
        Ok(text) => vm.type_error(format!("cannot use '{name}' as a {what} ({})", text.to_rust())),
        Err(r) => r,
    }
}

/// The builtin `iter`, as `__reduce__` of iterators names it.
pub fn builtin_iter(vm: &mut Vm) -> PyResult {
    vm.import_attr("builtins", "iter")
}

/// What an iterator that calls Python code answers when that raised `StopIteration`: the end.
#[inline]
pub fn stop_is_end<T>(vm: &mut Vm, result: PyResult<Option<T>>) -> PyResult<Option<T>> {
    match result {
        Err(_) if vm.error_is(&crate::types::exceptions::STOP_ITERATION) => {
            vm.clear_error();
            Ok(None)
        }
        other => other,
    }
}
