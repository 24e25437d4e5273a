//! "Did you mean …?": the candidate nearest to a name in edit distance (`Python/suggestions.c` gives the costs).

use crate::builtins::sys;
use crate::object::{PyResult, Value};
use crate::types::exceptions::{
    ATTRIBUTE_ERROR, IMPORT_ERROR, NAME_ERROR, exception,
    lookup::{ATTRIBUTE_NAME, ATTRIBUTE_OBJ, IMPORT_NAME, IMPORT_NAME_FROM, NAME_NAME},
};
use crate::types::frame::FrameObject;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::vm::Vm;

const MAX_CANDIDATES: usize = 750;
const MAX_LENGTH: usize = 40;
/// Cost of inserting, deleting or replacing a character.
const MOVE: usize = 2;
/// Cost of changing its case.
const CASE: usize = 1;

/// The candidate nearest to `name`, if any is near enough and none is `name` itself nearer.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(&str, usize)> = None;
    let mut limit = name.len();
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        // No more than a third of the characters involved may change, and a match must beat the best so far.
        let max = ((name.len() + candidate.len() + 3) * MOVE / 6).min(limit.saturating_sub(1));
        let cost = distance(name.as_bytes(), candidate.as_bytes(), max);
        if cost <= max && best.is_none_or(|(_, c)| cost < c) {
            best = Some((candidate, cost));
            limit = cost;
        }
    }
    best.map(|(c, _)| c)
}

fn replacement_cost(a: u8, b: u8) -> usize {
    if a == b {
        0
    } else if a.eq_ignore_ascii_case(&b) {
        CASE
    } else {
        MOVE
    }
}

/// Weighted edit distance of two byte strings; anything above `max` when it is surely greater.
fn distance<'t>(mut a: &'t [u8], mut b: &'t [u8], max: usize) -> usize {
    while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
        if x != y {
            break;
        }
        (a, b) = (rest_a, rest_b);
    }
    while let ([rest_a @ .., x], [rest_b @ .., y]) = (a, b) {
        if x != y {
            break;
        }
        (a, b) = (rest_a, rest_b);
    }
    if a.is_empty() || b.is_empty() {
        return (a.len() + b.len()) * MOVE;
    }
    if a.len() > MAX_LENGTH || b.len() > MAX_LENGTH {
        return max + 1;
    }
    if b.len() < a.len() {
        std::mem::swap(&mut a, &mut b);
    }
    if (b.len() - a.len()) * MOVE > max {
        return max + 1;
    }
    // One row of the usual matrix, updated in place: row[i] is the distance of a[..=i] to the part of b seen so far.
    let mut row: Vec<usize> = (1..=a.len()).map(|i| i * MOVE).collect();
    for (j, &y) in b.iter().enumerate() {
        let (mut diagonal, mut left) = (j * MOVE, j * MOVE);
        let mut least = usize::MAX;
        for (i, &x) in a.iter().enumerate() {
            let replaced = diagonal + replacement_cost(y, x);
            diagonal = row[i];
            left = replaced.min(left.min(diagonal) + MOVE);
            row[i] = left;
            least = least.min(left);
        }
        if least > max {
            return max + 1;
        }
    }
    row[a.len() - 1]
}

/// What follows the message of an exception: a name to try instead, a module to import. Errors on the way mean none.
pub fn hint(vm: &mut Vm, exc: &Value, traceback: Option<&Value>) -> String {
    let found = find_hint(vm, exc, traceback);
    found.unwrap_or_else(|_| {
        vm.clear_error();
        String::new()
    })
}

fn find_hint(vm: &mut Vm, exc: &Value, traceback: Option<&Value>) -> PyResult<String> {
    let frame = last_frame(vm, traceback);
    let is_name = vm.is_kind(exc, &NAME_ERROR);
    let (field, candidates): (usize, fn(&mut Vm, &Value, Option<&Value>, &str) -> PyResult<Vec<String>>) =
        if vm.is_kind(exc, &IMPORT_ERROR) {
            (IMPORT_NAME_FROM, of_module)
        } else if vm.is_kind(exc, &ATTRIBUTE_ERROR) {
            (ATTRIBUTE_NAME, of_object)
        } else if is_name {
            (NAME_NAME, of_frame)
        } else {
            return Ok(String::new());
        };
    let Some(wrong) = exception(exc).field(vm, field) else { return Ok(String::new()) };
    let Some(wrong) = wrong.downcast::<Str>().map(|s| s.to_rust().into_owned()) else { return Ok(String::new()) };
    let mut suggestion = None;
    if is_name {
        suggestion = own_attribute(vm, frame.as_ref(), &wrong);
    }
    if suggestion.is_none() {
        let found = candidates(vm, exc, frame.as_ref(), &wrong);
        let names = vm.suppress(found, &crate::types::exceptions::EXCEPTION)?.unwrap_or_default();
        if names.len() <= MAX_CANDIDATES {
            suggestion = closest(&wrong, names.iter().map(String::as_str)).map(str::to_owned);
        }
    }
    let mut text = suggestion.as_ref().map(|s| format!(". Did you mean: '{s}'?")).unwrap_or_default();
    if is_name && sys::is_stdlib_module(&wrong) {
        let or = if suggestion.is_some() { " Or did" } else { ". Did" };
        text.push_str(&format!("{or} you forget to import '{wrong}'?"));
    }
    Ok(text)
}

/// The frame where the exception was raised.
fn last_frame(vm: &Vm, traceback: Option<&Value>) -> Option<Value> {
    let mut t = traceback?.downcast::<Traceback>()?.clone();
    while let Some(next) = t.next(vm) {
        t = next;
    }
    Some(t.get(vm).frame.clone().into_value())
}

/// `self.name` when the frame is that of a method whose instance has the attribute.
fn own_attribute(vm: &mut Vm, frame: Option<&Value>, wrong: &str) -> Option<String> {
    let this = local_self(vm, frame?)?;
    let name = vm.intern(wrong);
    match vm.get_attr(&this, &name) {
        Ok(_) => Some(format!("self.{wrong}")),
        Err(_) => {
            vm.clear_error();
            None
        }
    }
}

fn local_self(vm: &mut Vm, frame: &Value) -> Option<Value> {
    debug_assert!(frame.downcast::<FrameObject>().is_some());
    let name = vm.new_str("self");
    let found = vm.get_attr_text(frame, "f_locals").and_then(|l| vm.get_item(&l, &name));
    match found {
        Ok(v) => Some(v),
        Err(_) => {
            vm.clear_error();
            None
        }
    }
}

fn names_in(vm: &mut Vm, v: &Value) -> PyResult<Vec<String>> {
    let items = vm.collect(v)?;
    Ok(items.iter().filter_map(|i| Some(i.downcast::<Str>()?.to_utf8()?.into_owned())).collect())
}

fn names_of(vm: &mut Vm, object: &Value) -> PyResult<Vec<String>> {
    let listed = match vm.call_method(object, "__dir__", &[]) {
        Ok(l) => l,
        Err(r) if !vm.error_is(&crate::types::exceptions::TYPE_ERROR) => return Err(r),
        Err(_) => {
            // The object is a class: its own `__dir__` wants an instance.
            vm.clear_error();
            let class = crate::object::Py::of(object.class()).into_value();
            vm.call_method(&class, "__dir__", std::slice::from_ref(object))?
        }
    };
    let mut names = names_in(vm, &listed)?;
    names.sort();
    Ok(names)
}

fn of_object(vm: &mut Vm, exc: &Value, frame: Option<&Value>, wrong: &str) -> PyResult<Vec<String>> {
    let Some(object) = exception(exc).field(vm, ATTRIBUTE_OBJ) else { return Ok(Vec::new()) };
    let mut names = names_of(vm, &object)?;
    let inside = frame.and_then(|f| local_self(vm, f)).is_some_and(|s| s.is(&object));
    if !wrong.starts_with('_') && !inside {
        names.retain(|n| !n.starts_with('_'));
    }
    Ok(names)
}

fn of_module(vm: &mut Vm, exc: &Value, _: Option<&Value>, wrong: &str) -> PyResult<Vec<String>> {
    let Some(name) = exception(exc).field(vm, IMPORT_NAME) else { return Ok(Vec::new()) };
    let Some(name) = name.downcast::<Str>().map(|s| s.to_rust().into_owned()) else { return Ok(Vec::new()) };
    // `__import__` gives the outermost package.
    let module = vm.import(name.split('.').next().unwrap_or(&name))?;
    let mut names = names_of(vm, &module)?;
    if !wrong.starts_with('_') {
        names.retain(|n| !n.starts_with('_'));
    }
    Ok(names)
}

fn of_frame(vm: &mut Vm, _: &Value, frame: Option<&Value>, _: &str) -> PyResult<Vec<String>> {
    let mut names = Vec::new();
    let Some(frame) = frame else { return Ok(names) };
    for attribute in ["f_locals", "f_globals", "f_builtins"] {
        let mapping = vm.get_attr_text(frame, attribute)?;
        names.extend(names_in(vm, &mapping)?);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(closest("pirnt", ["list", "print", "int"]), Some("print"));
        assert_eq!(closest("blech", ["bluch", "blech"]), Some("bluch"));
        assert_eq!(closest("xyzzy", ["list", "print"]), None);
        assert_eq!(closest("", ["a"]), None);
    }

    #[test]
    fn case_costs_less_than_another_letter() {
        assert_eq!(distance(b"Abc", b"abc", 10), CASE);
        assert_eq!(distance(b"xbc", b"abc", 10), MOVE);
        assert_eq!(distance(b"abc", b"abcde", 10), 2 * MOVE);
        assert!(distance(b"abcdef", b"uvwxyz", 3) > 3);
    }
}
