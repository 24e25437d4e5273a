//! Subscripts of lists: reading, assigning and deleting items and slices.

use super::List;
use super::methods::{copy_range, list_item, set_index, shrink, this};
use crate::object::buf::Buf;
use crate::object::{Py, PyResult, Value};
use crate::types::sequence::is_index;
use crate::types::slice::{Indices, Slice};
use crate::vm::Vm;

fn bad_index(vm: &mut Vm, key: &Value) -> crate::object::Raised {
    let name = key.class().payload.name();
    vm.type_error(format!("list indices must be integers or slices, not {name}"))
}

/// `list[key]`.
pub fn list_subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    let l = this(me);
    if is_index(key) {
        let i = vm.to_isize(key)?;
        return list_item(vm, me, if i < 0 { i + l.len() as isize } else { i });
    }
    let Some(s) = key.downcast::<Slice>() else { return Err(bad_index(vm, key)) };
    let parts = s.clone().unpack(vm)?;
    let at = parts.adjust(l.len());
    if at.step == 1 {
        return Ok(copy_range(vm, l, at.start as usize, at.start as usize + at.count).into());
    }
    let source = &l.get(vm).items;
    let mut items = Buf::with_capacity(at.count);
    for i in at.iter() {
        items.push(source[i].clone());
    }
    Ok(crate::object::instance::new(List { items }).into())
}

/// `list[key] = value`, or without a value `del list[key]`.
pub fn list_set_subscript(vm: &mut Vm, me: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let l = this(me);
    if is_index(key) {
        let i = vm.to_isize(key)?;
        return set_index(vm, l, if i < 0 { i + l.len() as isize } else { i }, value);
    }
    let Some(s) = key.downcast::<Slice>() else { return Err(bad_index(vm, key)) };
    let parts = s.clone().unpack(vm)?;
    let Some(value) = value else {
        let at = parts.adjust(l.len());
        return delete_slice(vm, l, at);
    };
    let items = match value.downcast::<List>() {
        Some(other) if value.is(me) || value.is_exact::<List>() => other.to_vec(),
        _ => vm.sequence(value, "must assign iterable to extended slice")?,
    };
    // Collecting the items may have changed the list.
    let at = parts.adjust(l.len());
    assign_slice(vm, l, at, items)
}

fn delete_slice(vm: &mut Vm, l: &Py<List>, at: Indices) -> PyResult<()> {
    if at.count == 0 {
        return Ok(());
    }
    let items = &mut l.get_mut(vm).items;
    if at.step == 1 || at.count == 1 {
        let start = at.start as usize;
        let mut dead = items.splice(start, start + at.count, Vec::new());
        shrink(items);
        while dead.pop().is_some() {}
        return Ok(());
    }
    let (first, stride) = match at.step > 0 {
        true => (at.start as usize, at.step as usize),
        false => ((at.start + (at.count as isize - 1) * at.step) as usize, at.step.unsigned_abs()),
    };
    let tail = items.splice(first, items.len(), Vec::new());
    let mut dead = Vec::with_capacity(at.count);
    for (i, v) in tail.into_iter().enumerate() {
        if i % stride == 0 && dead.len() < at.count { dead.push(v) } else { items.push(v) }
    }
    shrink(items);
    drop(dead);
    Ok(())
}

fn assign_slice(vm: &mut Vm, l: &Py<List>, at: Indices, values: Vec<Value>) -> PyResult<()> {
    if at.step == 1 {
        let start = at.start as usize;
        let items = &mut l.get_mut(vm).items;
        let mut dead = items.splice(start, start + at.count, values);
        shrink(items);
        while dead.pop().is_some() {}
        return Ok(());
    }
    if values.len() != at.count {
        return Err(vm.value_error(format!(
            "attempt to assign sequence of size {} to extended slice of size {}",
            values.len(),
            at.count
        )));
    }
    let items = &mut l.get_mut(vm).items;
    let dead: Vec<Value> = at.iter().zip(values).map(|(i, v)| std::mem::replace(&mut items[i], v)).collect();
    drop(dead);
    Ok(())
}
