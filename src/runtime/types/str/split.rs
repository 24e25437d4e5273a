//! Taking strings apart and putting them together: `split`, `partition`, `splitlines`, `strip`, `join`.

use super::methods::{exact, part, s};
use super::search::{first_place, last_place};
use super::{Str, intern};
use crate::object::{Py, PyResult, Value};
use crate::types::list::List;
use crate::types::sequence::{MAX_ITEMS, method_args, ssize_arg};
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use crate::with_units;
use std::ops::Range;
use taipan_base::strings::{self, Side, StripSet};
use taipan_base::unicode;

fn list_of(me: &Value, pieces: Vec<Range<usize>>) -> Value {
    let parts: Vec<Value> = pieces.into_iter().map(|r| part(me, r.start, r.end).into()).collect();
    List::from_vec(parts).into()
}

/// What the arguments of `split` and `rsplit` say.
struct Split<'a> {
    me: &'a Value,
    separator: Option<&'a Py<Str>>,
    most: usize,
}

fn split_arguments<'a>(vm: &mut Vm, args: &'a [Option<Value>]) -> PyResult<Split<'a>> {
    let most = match &args[2] {
        Some(v) => usize::try_from(ssize_arg(vm, v)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let separator = match args[1].as_ref().filter(|v| !v.is_none()) {
        None => None,
        Some(v) => match v.downcast::<Str>() {
            Some(text) if text.len() == 0 => return Err(vm.value_error("empty separator")),
            Some(text) => Some(text),
            None => {
                let name = v.class().payload.name();
                return Err(vm.type_error(format!("must be str or None, not {name}")));
            }
        },
    };
    Ok(Split { me: args[0].as_ref().expect("self"), separator, most })
}

pub(super) fn split(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let Split { me, separator, most } = split_arguments(vm, args)?;
    let pieces = with_units!(s(me).units(), t => match separator {
        None => strings::split_whitespace(t, most, unicode::is_space),
        Some(sep) => with_units!(sep.units(), n => match strings::narrow(n) {
            Some(n) => strings::split(t, &n, most),
            None => vec![0..t.len()],
        }),
    });
    Ok(list_of(me, pieces))
}

pub(super) fn rsplit(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let Split { me, separator, most } = split_arguments(vm, args)?;
    let pieces = with_units!(s(me).units(), t => match separator {
        None => strings::rsplit_whitespace(t, most, unicode::is_space),
        Some(sep) => with_units!(sep.units(), n => match strings::narrow(n) {
            Some(n) => strings::rsplit(t, &n, most),
            None => vec![0..t.len()],
        }),
    });
    Ok(list_of(me, pieces))
}

pub(super) fn splitlines(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let keep = match &args[1] {
        Some(v) => vm.truth(v)?,
        None => false,
    };
    Ok(list_of(me, with_units!(s(me).units(), t => strings::lines(t, keep, unicode::is_line_break))))
}

/// The separator of `partition`, which must not be empty.
fn separator<'a>(vm: &mut Vm, v: &'a Value) -> PyResult<&'a Py<Str>> {
    match v.downcast::<Str>() {
        Some(text) if text.len() == 0 => Err(vm.value_error("empty separator")),
        Some(text) => Ok(text),
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("must be str, not {name}")))
        }
    }
}

fn three(me: &Value, place: usize, sep: &Py<Str>) -> Value {
    let (before, after) = (part(me, 0, place), part(me, place + sep.len(), s(me).len()));
    Tuple::of([before.into(), sep.as_value().clone(), after.into()]).into()
}

pub(super) fn partition(vm: &mut Vm, me: &Value, sep: &Value) -> PyResult {
    let sep = separator(vm, sep)?;
    Ok(match first_place(s(me), sep, 0..s(me).len()) {
        Some(place) => three(me, place, sep),
        None => Tuple::of([exact(me).into(), intern::empty().into(), intern::empty().into()]).into(),
    })
}

pub(super) fn rpartition(vm: &mut Vm, me: &Value, sep: &Value) -> PyResult {
    let sep = separator(vm, sep)?;
    Ok(match last_place(s(me), sep, 0..s(me).len()) {
        Some(place) => three(me, place, sep),
        None => Tuple::of([intern::empty().into(), intern::empty().into(), exact(me).into()]).into(),
    })
}

fn stripped(vm: &mut Vm, args: &Args<'_>, name: &'static str, side: Side) -> PyResult {
    let (me, rest) = method_args(vm, args, name, 0, 1)?;
    let kept = match rest.first().filter(|v| !v.is_none()) {
        None => with_units!(s(me).units(), t => strings::strip(t, side, unicode::is_space)),
        Some(v) => match v.downcast::<Str>() {
            Some(chars) => with_units!(chars.units(), c => {
                let set = StripSet::new(c);
                with_units!(s(me).units(), t => strings::strip(t, side, |cp| set.contains(cp)))
            }),
            None => {
                let short = name.strip_prefix("str.").unwrap_or(name);
                return Err(vm.type_error(format!("{short} arg must be None or str")));
            }
        },
    };
    Ok(part(me, kept.start, kept.end).into())
}

pub(super) fn strip(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    stripped(vm, args, "str.strip", Side::Both)
}

pub(super) fn lstrip(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    stripped(vm, args, "str.lstrip", Side::Left)
}

pub(super) fn rstrip(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    stripped(vm, args, "str.rstrip", Side::Right)
}

pub(super) fn join(vm: &mut Vm, me: &Value, iterable: &Value) -> PyResult {
    let items = vm.sequence(iterable, "can only join an iterable")?;
    if let [only] = &items[..] {
        if only.is_exact::<Str>() {
            return Ok(only.clone());
        }
    }
    let mut parts: Vec<&Str> = Vec::with_capacity(items.len());
    let mut length = s(me).len().saturating_mul(items.len().saturating_sub(1));
    for (i, item) in items.iter().enumerate() {
        let Some(text) = item.downcast::<Str>() else {
            let name = item.class().payload.name();
            return Err(vm.type_error(format!("sequence item {i}: expected str instance, {name} found")));
        };
        length = length.saturating_add(text.len());
        parts.push(text);
    }
    if length > MAX_ITEMS {
        return Err(vm.overflow_error("join() result is too long for a Python string"));
    }
    Ok(Str::join(s(me), &parts).into())
}
