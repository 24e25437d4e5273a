//! What changes a bytearray. Its size cannot change while its memory is exported.

use super::{ByteArray, this};
use crate::object::{PyResult, Value, none};
use crate::types::bytes::methods::{byte_value, bytes_of};
use crate::types::exceptions::MEMORY_ERROR;
use crate::types::sequence::{MAX_ITEMS, is_index, ssize_arg};
use crate::types::slice::{Indices, Slice};
use crate::vm::Vm;

const RANGE: &str = "byte must be in range(0, 256)";

/// Refuses to change the size while there are exports.
pub(super) fn check_size(vm: &mut Vm, me: &Value) -> PyResult<()> {
    if this(me).get(vm).exports > 0 {
        return Err(vm.buffer_error("Existing exports of data: object cannot be re-sized"));
    }
    Ok(())
}

pub(super) fn append(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    let byte = byte_value(vm, item, RANGE)?;
    check_size(vm, me)?;
    this(me).get_mut(vm).data.push(byte);
    Ok(none())
}

pub(super) fn clear(vm: &mut Vm, me: &Value) -> PyResult {
    check_size(vm, me)?;
    this(me).get_mut(vm).data = Default::default();
    Ok(none())
}

pub(super) fn extend(vm: &mut Vm, me: &Value, other: &Value) -> PyResult {
    let slots = other.class().payload.slots();
    if slots.buffer.is_none() && slots.iter.is_none() && slots.item.is_none() {
        let name = other.class().payload.name();
        return Err(vm.type_error(format!("can't extend bytearray with {name}")));
    }
    let bytes = if other.downcast::<crate::types::str::Str>().is_some() {
        if vm.len(other)? == 0 {
            return Ok(none());
        }
        return Err(vm.type_error("expected iterable of integers; got: 'str'"));
    } else {
        bytes_of(vm, other, "bytearray")?
    };
    if bytes.is_empty() {
        return Ok(none());
    }
    check_size(vm, me)?;
    let data = &mut this(me).get_mut(vm).data;
    data.reserve(bytes.len());
    data.extend_vec(bytes);
    Ok(none())
}

pub(super) fn insert(vm: &mut Vm, me: &Value, index: &Value, item: &Value) -> PyResult {
    let index = ssize_arg(vm, index)?;
    let byte = byte_value(vm, item, RANGE)?;
    check_size(vm, me)?;
    let data = &mut this(me).get_mut(vm).data;
    let n = data.len() as isize;
    let at = if index < 0 { (index + n).max(0) } else { index.min(n) };
    data.insert(at as usize, byte);
    Ok(none())
}

pub(super) fn pop(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let index = match &args[1] {
        Some(v) => ssize_arg(vm, v)?,
        None => -1,
    };
    let n = vm.len_of_bytes(me);
    if n == 0 {
        return Err(vm.index_error("pop from empty bytearray"));
    }
    let at = if index < 0 { index + n as isize } else { index };
    let Some(at) = usize::try_from(at).ok().filter(|&at| at < n) else {
        return Err(vm.index_error("pop index out of range"));
    };
    check_size(vm, me)?;
    Ok(Value::small_unchecked(this(me).get_mut(vm).data.remove(at).into()))
}

pub(super) fn remove(vm: &mut Vm, me: &Value, item: &Value) -> PyResult {
    let byte = byte_value(vm, item, RANGE)?;
    let Some(at) = this(me).get(vm).data.iter().position(|&b| b == byte) else {
        return Err(vm.value_error("value not found in bytearray"));
    };
    check_size(vm, me)?;
    this(me).get_mut(vm).data.remove(at);
    Ok(none())
}

pub(super) fn resize(vm: &mut Vm, me: &Value, size: &Value) -> PyResult {
    let size = ssize_arg(vm, size)?;
    let Ok(size) = usize::try_from(size) else {
        return Err(vm.value_error(format!("Can only resize to positive sizes, got {size}")));
    };
    if size > MAX_ITEMS {
        return Err(vm.raise_with(&MEMORY_ERROR, &[]));
    }
    if size == vm.len_of_bytes(me) {
        return Ok(none());
    }
    check_size(vm, me)?;
    let data = &mut this(me).get_mut(vm).data;
    if size <= data.len() {
        data.truncate(size);
    } else {
        data.extend_vec(vec![0; size - data.len()]);
    }
    Ok(none())
}

pub(super) fn inplace_concat(vm: &mut Vm, me: &Value, other: &Value) -> PyResult {
    if other.class().payload.slots().buffer.is_none() {
        let name = other.class().payload.name();
        return Err(vm.type_error(format!("can't concat {name} to {}", me.class().payload.name())));
    }
    let bytes = vm.bytes_like(other)?;
    if !bytes.is_empty() {
        check_size(vm, me)?;
        let data = &mut this(me).get_mut(vm).data;
        data.reserve(bytes.len());
        data.extend_vec(bytes);
    }
    Ok(me.clone())
}

pub(super) fn inplace_repeat(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let n = n.max(0) as usize;
    let bytes = this(me).get(vm).data.to_vec();
    match bytes.len().checked_mul(n).filter(|&len| len <= MAX_ITEMS) {
        Some(len) if len == bytes.len() => return Ok(me.clone()),
        Some(_) => {}
        None => return Err(vm.raise_with(&MEMORY_ERROR, &[])),
    }
    check_size(vm, me)?;
    this(me).get_mut(vm).data = bytes.repeat(n).into();
    Ok(me.clone())
}

pub(super) fn set_index(vm: &mut Vm, me: &Value, i: isize, value: Option<&Value>) -> PyResult<()> {
    let byte = match value {
        Some(v) => Some(byte_value(vm, v, RANGE)?),
        None => None,
    };
    let Some(at) = usize::try_from(i).ok().filter(|&at| at < vm.len_of_bytes(me)) else {
        return Err(vm.index_error("bytearray index out of range"));
    };
    match byte {
        Some(byte) => this(me).get_mut(vm).data[at] = byte,
        None => {
            check_size(vm, me)?;
            this(me).get_mut(vm).data.remove(at);
        }
    }
    Ok(())
}

pub(super) fn set_subscript(vm: &mut Vm, me: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    if is_index(key) {
        let i = vm.to_isize(key)?;
        let n = vm.len_of_bytes(me) as isize;
        return set_index(vm, me, if i < 0 { i + n } else { i }, value);
    }
    let Some(slice) = key.downcast::<Slice>() else {
        let name = key.class().payload.name();
        return Err(vm.type_error(format!("bytearray indices must be integers or slices, not {name}")));
    };
    let parts = slice.clone().unpack(vm)?;
    let bytes = match value {
        None => Vec::new(),
        Some(v) if v.is_small() || v.downcast::<crate::types::str::Str>().is_some() => {
            return Err(vm.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
        }
        Some(v) => bytes_of(vm, v, "bytearray")?,
    };
    // reading the value may have changed the length
    let at = parts.adjust(vm.len_of_bytes(me));
    assign(vm, me, at, bytes, value.is_none())
}

fn assign(vm: &mut Vm, me: &Value, at: Indices, bytes: Vec<u8>, delete: bool) -> PyResult<()> {
    if at.step == 1 {
        if bytes.len() != at.count {
            check_size(vm, me)?;
        }
        let start = at.start as usize;
        this(me).get_mut(vm).data.splice(start, start + at.count, bytes);
        return Ok(());
    }
    if delete {
        if at.count == 0 {
            return Ok(());
        }
        check_size(vm, me)?;
        let array: &mut ByteArray = this(me).get_mut(vm);
        let mut keep = vec![true; array.data.len()];
        at.iter().for_each(|i| keep[i] = false);
        let kept: Vec<u8> = array.data.iter().zip(keep).filter(|(_, keep)| *keep).map(|(&b, _)| b).collect();
        array.data = kept.into();
        return Ok(());
    }
    if bytes.len() != at.count {
        return Err(vm.value_error(format!(
            "attempt to assign bytes of size {} to extended slice of size {}",
            bytes.len(),
            at.count
        )));
    }
    let data = &mut this(me).get_mut(vm).data;
    at.iter().zip(bytes).for_each(|(i, b)| data[i] = b);
    Ok(())
}
