//! Items of memoryviews: reading and writing them by index, slice and tuple of indices.

use super::{of_buffer, store, this, view, viewable, whole};
use crate::object::buffer::{Buffer, BufferRequest};
use crate::object::{PyResult, Raised, Value, boolean};
use crate::types::bytes::Bytes;
use crate::types::complex::{Complex, to_complex};
use crate::types::float::Float;
use crate::types::int::{Int, IntRef};
use crate::types::list::List;
use crate::types::sequence::{is_index, method_args, search_bounds};
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;
use taipan_base::pack::{Kind, Slot, Unpacked};

/// The slot of a native single-letter format.
pub(super) fn slot_of(format: &str) -> Option<Slot> {
    let letter = format.strip_prefix('@').unwrap_or(format);
    match letter.as_bytes() {
        [b'x' | b's' | b'p'] => None,
        [letter] => Slot::single(*letter),
        _ => None,
    }
}

/// The value of an item's bytes.
pub(super) fn unpack(slot: &Slot, bytes: &[u8]) -> Value {
    match slot.unpack(bytes) {
        Unpacked::Bytes(b) => Bytes::from_slice(b).into(),
        Unpacked::Bool(b) => boolean(b),
        Unpacked::Signed(i) => Int::from_i64(i),
        Unpacked::Unsigned(i) => Int::from_u64(i),
        Unpacked::Float(x) => Float::new(x),
        Unpacked::Complex(z) => Complex::new(z.re, z.im),
    }
}

fn bad_type(vm: &mut Vm, slot: &Slot) -> Raised {
    vm.type_error(format!("memoryview: invalid type for format '{}'", slot.letter as char))
}

fn bad_value(vm: &mut Vm, slot: &Slot) -> Raised {
    vm.value_error(format!("memoryview: invalid value for format '{}'", slot.letter as char))
}

/// Writes a value as an item's bytes.
pub(super) fn pack(vm: &mut Vm, slot: &Slot, out: &mut [u8], v: &Value) -> PyResult<()> {
    match slot.kind {
        Kind::Bool => slot.pack_bool(out, vm.truth(v)?),
        Kind::Signed | Kind::Unsigned | Kind::Pointer => {
            if !is_index(v) {
                return Err(bad_type(vm, slot));
            }
            let i = vm.index(v)?;
            let done = match Int::read(&i) {
                Some(IntRef::Small(i)) => slot.pack_i64(out, i),
                Some(i) => slot.pack_int(out, &i.to_big()),
                None => return Err(bad_type(vm, slot)),
            };
            done.map_err(|_| bad_value(vm, slot))?;
        }
        Kind::Float => {
            let Ok(x) = vm.to_f64(v) else {
                vm.clear_error();
                return Err(bad_type(vm, slot));
            };
            slot.pack_float(out, x).map_err(|_| bad_value(vm, slot))?;
        }
        Kind::Complex => {
            let Ok((re, im)) = to_complex(vm, v) else {
                vm.clear_error();
                return Err(bad_type(vm, slot));
            };
            let z = taipan_base::float::complex::Complex { re, im };
            slot.pack_complex(out, z).map_err(|_| bad_value(vm, slot))?;
        }
        _ => match v.downcast::<Bytes>() {
            Some(b) if b.as_slice().len() == 1 => slot.pack_bytes(out, b.as_slice()),
            Some(_) => return Err(bad_value(vm, slot)),
            None => return Err(bad_type(vm, slot)),
        },
    }
    Ok(())
}

fn value_at(vm: &mut Vm, b: &Buffer, at: &[usize]) -> PyResult {
    match slot_of(&b.format) {
        Some(slot) => Ok(unpack(&slot, b.item(at, vm))),
        None => {
            let format = b.format.clone();
            Err(vm.not_implemented_error(format!("memoryview: format {format} not supported")))
        }
    }
}

/// An index inside a dimension.
fn place(vm: &mut Vm, b: &Buffer, dimension: usize, i: isize) -> PyResult<usize> {
    let n = b.shape[dimension] as isize;
    let at = if i < 0 { i + n } else { i };
    if (0..n).contains(&at) {
        return Ok(at as usize);
    }
    Err(vm.index_error(format!("index out of bounds on dimension {}", dimension + 1)))
}

/// `view[i]` for one dimension.
pub(super) fn get_item(vm: &mut Vm, me: &Value, i: isize) -> PyResult {
    let b = whole(view(vm, me)?);
    match b.shape.len() {
        0 => Err(vm.type_error("invalid indexing of 0-dim memory")),
        1 => {
            let at = place(vm, &b, 0, i)?;
            value_at(vm, &b, &[at])
        }
        _ => Err(vm.not_implemented_error("multi-dimensional sub-views are not implemented")),
    }
}

/// The indices of a key that is a tuple of them; `None` when it is none.
fn tuple_key(vm: &mut Vm, b: &Buffer, key: &Value) -> PyResult<Option<Vec<usize>>> {
    let Some(t) = key.downcast::<Tuple>().filter(|t| t.items().iter().all(is_index)) else { return Ok(None) };
    let n = b.shape.len();
    if t.len() > n || (t.len() < n && n == 0) {
        return Err(vm.type_error(format!("cannot index {n}-dimension view with {}-element tuple", t.len())));
    }
    if t.len() < n {
        return Err(vm.not_implemented_error("sub-views are not implemented"));
    }
    let mut at = Vec::with_capacity(n);
    for (d, v) in t.items().iter().enumerate() {
        let i = vm.to_isize(v)?;
        at.push(place(vm, b, d, i)?);
    }
    Ok(Some(at))
}

fn all_slices(key: &Value) -> bool {
    key.downcast::<Tuple>().is_some_and(|t| t.len() > 0 && t.items().iter().all(|v| v.downcast::<Slice>().is_some()))
}

fn is_ellipsis(key: &Value) -> bool {
    key.class().payload.name() == "ellipsis"
}

pub(super) fn subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    let b = whole(view(vm, me)?);
    if b.shape.is_empty() {
        if key.downcast::<Tuple>().is_some_and(|t| t.len() == 0) {
            return value_at(vm, &b, &[]);
        }
        if is_ellipsis(key) {
            return Ok(me.clone());
        }
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    if is_index(key) {
        let i = vm.to_isize(key)?;
        return get_item(vm, me, i);
    }
    if let Some(slice) = key.downcast::<Slice>() {
        viewable(vm, me)?;
        let at = slice.clone().indices(vm, b.shape[0])?;
        let start = if at.count == 0 { 0 } else { at.start as usize };
        return Ok(of_buffer(b.part(start, at.step, at.count, b.owner.clone())));
    }
    if let Some(at) = tuple_key(vm, &b, key)? {
        return value_at(vm, &b, &at);
    }
    if all_slices(key) {
        return Err(vm.not_implemented_error("multi-dimensional slicing is not implemented"));
    }
    Err(vm.type_error("memoryview: invalid slice key"))
}

/// Sets the item at an index of the only dimension.
pub(super) fn set_item(vm: &mut Vm, me: &Value, i: isize, value: &Value) -> PyResult<()> {
    let b = whole(view(vm, me)?);
    if b.shape.len() > 1 {
        return Err(vm.not_implemented_error("sub-views are not implemented"));
    }
    let at = place(vm, &b, 0, i)?;
    store(vm, &b, &[at], value)
}

pub(super) fn set_subscript(vm: &mut Vm, me: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let b = whole(view(vm, me)?);
    if b.readonly {
        return Err(vm.type_error("cannot modify read-only memory"));
    }
    let Some(value) = value else { return Err(vm.type_error("cannot delete memory")) };
    if b.shape.is_empty() {
        if is_ellipsis(key) || key.downcast::<Tuple>().is_some_and(|t| t.len() == 0) {
            return store(vm, &b, &[], value);
        }
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    if is_index(key) {
        let i = vm.to_isize(key)?;
        return set_item(vm, me, i, value);
    }
    if let Some(slice) = key.downcast::<Slice>().filter(|_| b.shape.len() == 1) {
        let at = slice.clone().indices(vm, b.shape[0])?;
        let source = vm.buffer(value, BufferRequest::READ)?;
        if source.shape.len() != 1
            || source.shape[0] != at.count
            || source.format.trim_start_matches('@') != b.format.trim_start_matches('@')
        {
            return Err(vm.value_error("memoryview assignment: lvalue and rvalue have different structures"));
        }
        // the source may overlap
        let bytes = source.to_vec(vm);
        this(me).get(vm);
        for (i, item) in at.iter().zip(bytes.chunks_exact(b.itemsize)) {
            b.item_mut(&[i], vm).copy_from_slice(item);
        }
        return Ok(());
    }
    if let Some(at) = tuple_key(vm, &b, key)? {
        return store(vm, &b, &at, value);
    }
    if key.downcast::<Slice>().is_some() || all_slices(key) {
        return Err(vm.not_implemented_error("memoryview slice assignments are currently restricted to ndim = 1"));
    }
    Err(vm.type_error("memoryview: invalid slice key"))
}

/// All items as lists of lists, or one item without dimensions.
pub(super) fn to_list(vm: &mut Vm, me: &Value) -> PyResult {
    let b = whole(view(vm, me)?);
    let Some(slot) = slot_of(&b.format) else { return value_at(vm, &b, &vec![0; b.shape.len()]) };
    let bytes = b.to_vec(vm);
    let mut items = bytes.chunks_exact(b.itemsize).map(|item| unpack(&slot, item));
    Ok(nested(&b.shape, &mut items))
}

fn nested(shape: &[usize], items: &mut dyn Iterator<Item = Value>) -> Value {
    match shape {
        [] => items.next().unwrap_or_else(crate::object::none),
        [n] => List::from_vec(items.take(*n).collect()).into(),
        [n, rest @ ..] => List::from_vec((0..*n).map(|_| nested(rest, items)).collect()).into(),
    }
}

/// `view.index(value, start, stop)`.
pub(super) fn index(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    let (me, rest) = method_args(vm, args, "memoryview.index", 1, 3)?;
    let b = whole(view(vm, me)?);
    let [n] = b.shape[..] else {
        let message = if b.shape.is_empty() {
            "invalid lookup on 0-dim memory"
        } else {
            "multi-dimensional lookup is not implemented"
        };
        return Err(if b.shape.is_empty() { vm.type_error(message) } else { vm.not_implemented_error(message) });
    };
    let (start, stop) = search_bounds(vm, &rest[1..], |_| n)?;
    for i in start..stop.min(n) {
        let item = get_item(vm, me, i as isize)?;
        if vm.eq(&item, &rest[0])? {
            return Ok(Value::from_usize(i));
        }
    }
    Err(vm.value_error("memoryview.index(x): x not found"))
}
