//! Searching in strings: `find` and its kin, `in`, `count`, `replace`, prefixes and suffixes.

use super::methods::{Wide, exact, part, s};
use super::{Str, Units};
use crate::object::{Py, PyResult, Value, boolean};
use crate::types::sequence::{clipped_index, method_args, ssize_arg};
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use crate::with_units;
use std::ops::Range;
use taipan_base::strings;

/// `start` and `end` of searching methods: indices, `None` or absent.
pub(crate) fn span(vm: &mut Vm, rest: &[Value]) -> PyResult<(isize, isize)> {
    const ERROR: &str = "slice indices must be integers or None or have an __index__ method";
    let start = match rest.first().filter(|v| !v.is_none()) {
        Some(v) => clipped_index(vm, v, ERROR)?,
        None => 0,
    };
    let end = match rest.get(1).filter(|v| !v.is_none()) {
        Some(v) => clipped_index(vm, v, ERROR)?,
        None => isize::MAX,
    };
    Ok((start, end))
}

/// The arguments `sub[, start[, end]]`: text, what to find, and the part to look at.
fn searched<'a>(
    vm: &mut Vm,
    args: &Args<'a>,
    name: &'static str,
) -> PyResult<(&'a Py<Str>, &'a Py<Str>, Option<Range<usize>>)> {
    let (me, rest) = method_args(vm, args, name, 1, 3)?;
    let short = name.strip_prefix("str.").unwrap_or(name);
    let needle = vm.expect_str(&rest[0], format_args!("{short}() argument 1"))?;
    let (start, end) = span(vm, &rest[1..])?;
    Ok((s(me), needle, strings::bounds(start, end, s(me).len())))
}

/// The first place of one text in another, from the start of `within`.
pub(super) fn first_place(text: &Str, needle: &Str, within: Range<usize>) -> Option<usize> {
    if needle.kind() > text.kind() {
        return None;
    }
    let from = within.start;
    with_units!(text.units(), t => with_units!(needle.units(), n => {
        strings::narrow(n).and_then(|n| strings::find(&t[within], &n)).map(|place| place + from)
    }))
}

/// The last place of one text in another.
pub(super) fn last_place(text: &Str, needle: &Str, within: Range<usize>) -> Option<usize> {
    if needle.kind() > text.kind() {
        return None;
    }
    let from = within.start;
    with_units!(text.units(), t => with_units!(needle.units(), n => {
        strings::narrow(n).and_then(|n| strings::rfind(&t[within], &n)).map(|place| place + from)
    }))
}

fn position(place: Option<usize>) -> Value {
    place.map_or(Value::small_unchecked(-1), Value::from_usize)
}

pub(super) fn find(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (text, needle, within) = searched(vm, args, "str.find")?;
    Ok(position(within.and_then(|w| first_place(text, needle, w))))
}

pub(super) fn rfind(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (text, needle, within) = searched(vm, args, "str.rfind")?;
    Ok(position(within.and_then(|w| last_place(text, needle, w))))
}

pub(super) fn index(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (text, needle, within) = searched(vm, args, "str.index")?;
    match within.and_then(|w| first_place(text, needle, w)) {
        Some(place) => Ok(Value::from_usize(place)),
        None => Err(vm.value_error("substring not found")),
    }
}

pub(super) fn rindex(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (text, needle, within) = searched(vm, args, "str.rindex")?;
    match within.and_then(|w| last_place(text, needle, w)) {
        Some(place) => Ok(Value::from_usize(place)),
        None => Err(vm.value_error("substring not found")),
    }
}

pub(super) fn count(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (text, needle, within) = searched(vm, args, "str.count")?;
    let Some(within) = within else { return Ok(Value::from_usize(0)) };
    let count = with_units!(text.units(), t => with_units!(needle.units(), n => {
        strings::narrow(n).map_or(0, |n| strings::count(&t[within], &n, usize::MAX))
    }));
    Ok(Value::from_usize(count))
}

pub(super) fn contains(vm: &mut Vm, me: &Value, item: &Value) -> PyResult<bool> {
    let Some(needle) = item.downcast::<Str>() else {
        let name = item.class().payload.name();
        return Err(vm.type_error(format!("'in <string>' requires string as left operand, not {name}")));
    };
    Ok(first_place(s(me), needle, 0..s(me).len()).is_some())
}

pub(super) fn replace(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(old), Some(new), most] = args else { unreachable!("bound by the signature") };
    let old = vm.expect_str(old, "replace() argument 1")?;
    let new = vm.expect_str(new, "replace() argument 2")?;
    let most = match most {
        Some(v) => usize::try_from(ssize_arg(vm, v)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let text = s(me);
    if old.same(new) || old.len() > text.len() || old.kind() > text.kind() {
        return Ok(exact(me).into());
    }
    let narrow = with_units!(text.units(), t => replaced(t, old, new, most));
    let done = match narrow {
        Some(done) => done,
        // the new text is wider
        None => replaced(&text.code_points().collect::<Vec<u32>>(), old, new, most).flatten(),
    };
    Ok(done.unwrap_or_else(|| exact(me)).into())
}

/// The replacement in one width; `None` when the new text does not fit, `Some(None)` when nothing changes.
fn replaced<U: Wide>(text: &[U], old: &Str, new: &Str, most: usize) -> Option<Option<Py<Str>>> {
    let old = with_units!(old.units(), o => strings::narrow::<U, _>(o))?;
    let new = with_units!(new.units(), n => strings::narrow::<U, _>(n))?;
    Some(strings::replace(text, &old, &new, most).map(|units| U::object(&units)))
}

/// Whether code points of `text` from `at` on are those of `other`.
fn matches_at(text: &Str, at: usize, other: &Str) -> bool {
    if text.len() - at < other.len() || other.kind() > text.kind() {
        return false;
    }
    match (text.units(), other.units()) {
        (Units::Latin1(t), Units::Latin1(o)) => t[at..at + o.len()] == *o,
        _ => (0..other.len()).all(|i| text.at(at + i) == other.at(i)),
    }
}

fn at_end(vm: &mut Vm, args: &Args<'_>, name: &'static str, suffix: bool) -> PyResult {
    let (me, rest) = method_args(vm, args, name, 1, 3)?;
    let short = name.strip_prefix("str.").unwrap_or(name);
    let (start, end) = span(vm, &rest[1..])?;
    let text = s(me);
    let within = strings::bounds(start, end, text.len());
    let fits = |other: &Str| match &within {
        Some(w) if other.len() <= w.len() => {
            matches_at(text, if suffix { w.end - other.len() } else { w.start }, other)
        }
        _ => false,
    };
    if let Some(other) = rest[0].downcast::<Str>() {
        return Ok(boolean(fits(other)));
    }
    let Some(others) = rest[0].downcast::<Tuple>() else {
        let name = rest[0].class().payload.name();
        return Err(vm.type_error(format!("{short} first arg must be str or a tuple of str, not {name}")));
    };
    for other in others.items() {
        let Some(other) = other.downcast::<Str>() else {
            let name = other.class().payload.name();
            return Err(vm.type_error(format!("tuple for {short} must only contain str, not {name}")));
        };
        if fits(other) {
            return Ok(boolean(true));
        }
    }
    Ok(boolean(false))
}

pub(super) fn startswith(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    at_end(vm, args, "str.startswith", false)
}

pub(super) fn endswith(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    at_end(vm, args, "str.endswith", true)
}

pub(super) fn removeprefix(vm: &mut Vm, me: &Value, prefix: &Value) -> PyResult {
    let prefix = vm.expect_str(prefix, "removeprefix() argument")?;
    let text = s(me);
    let start = if prefix.len() <= text.len() && matches_at(text, 0, prefix) { prefix.len() } else { 0 };
    Ok(part(me, start, text.len()).into())
}

pub(super) fn removesuffix(vm: &mut Vm, me: &Value, suffix: &Value) -> PyResult {
    let suffix = vm.expect_str(suffix, "removesuffix() argument")?;
    let text = s(me);
    let end = match text.len().checked_sub(suffix.len()) {
        Some(at) if matches_at(text, at, suffix) => at,
        _ => text.len(),
    };
    Ok(part(me, 0, end).into())
}
