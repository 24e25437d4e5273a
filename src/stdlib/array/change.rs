//! What alters an array. While a view is exported the size is fixed; changing items in place is fine.

use super::{Array, find, this};
use taipan_runtime::object::buf::Buf;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{Py, PyResult, Value, none};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::MEMORY_ERROR;
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::{is_index, ssize_arg};
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

/// Complains when the size must not change.
fn resizable(vm: &mut Vm, me: &Value) -> PyResult<()> {
    if this(me).get(vm).exports > 0 {
        return Err(vm.buffer_error("cannot resize an array that is exporting buffers"));
    }
    Ok(())
}

/// Makes room for `more` bytes with CPython's growth for arrays.
fn reserve(a: &mut Array, more: usize) {
    let need = a.data.len() + more;
    if need > a.data.capacity() {
        let items = need / a.code.size;
        let spare = if a.len() < 8 { 3 } else { 7 };
        a.data.set_capacity(((items >> 4) + spare + items) * a.code.size);
    }
}

/// Appends bytes; they are whole items.
fn push(vm: &mut Vm, me: &Value, bytes: &[u8]) -> PyResult<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    resizable(vm, me)?;
    let a = this(me).get_mut(vm);
    reserve(a, bytes.len());
    if bytes.len() <= 8 {
        bytes.iter().for_each(|&b| a.data.push(b));
    } else {
        a.data.extend_vec(bytes.to_vec());
    }
    Ok(())
}

/// `append`
pub fn append(vm: &mut Vm, me: &Value, v: &Value) -> PyResult {
    let code = this(me).get(vm).code;
    resizable(vm, me)?;
    let raw = code.set(vm, v)?;
    push(vm, me, &raw[..code.size])?;
    Ok(none())
}

/// `clear`
pub fn clear(vm: &mut Vm, me: &Value) -> PyResult {
    resizable(vm, me)?;
    this(me).get_mut(vm).data = Buf::new();
    Ok(none())
}

/// Appends another array or the items of an iterable.
pub fn extend_from(vm: &mut Vm, me: &Value, from: &Value) -> PyResult<()> {
    if let Some(other) = from.downcast::<Array>().filter(|a| a.get(vm).code == this(me).get(vm).code) {
        let bytes = other.get(vm).data.to_vec();
        return push(vm, me, &bytes);
    }
    let code = this(me).get(vm).code;
    vm.for_each(from, |vm, item| {
        resizable(vm, me)?;
        let raw = code.set(vm, &item)?;
        push(vm, me, &raw[..code.size])?;
        Ok(true)
    })
}

/// `extend`
pub fn extend(vm: &mut Vm, me: &Value, from: &Value) -> PyResult {
    if let Some(other) = from.downcast::<Array>() {
        if other.get(vm).code != this(me).get(vm).code {
            return Err(vm.type_error("can only extend with array of same kind"));
        }
    }
    extend_from(vm, me, from)?;
    Ok(none())
}

/// `+=`
pub fn extend_in_place(vm: &mut Vm, me: &Value, from: &Value) -> PyResult {
    if from.downcast::<Array>().is_none() {
        let name = from.class().payload.name();
        return Err(vm.type_error(format!("can only extend array with array (not \"{name}\")")));
    }
    extend(vm, me, from)?;
    Ok(me.clone())
}

/// `*=`
pub fn repeat_in_place(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let (n, len) = (n.max(0) as usize, this(me).get(vm).data.len());
    if len == 0 || n == 1 {
        return Ok(me.clone());
    }
    resizable(vm, me)?;
    if len.checked_mul(n).is_none_or(|n| n > isize::MAX as usize / 2) {
        return Err(vm.raise_with(&MEMORY_ERROR, &[]));
    }
    let a = this(me).get_mut(vm);
    a.data = Buf::from(a.data.repeat(n));
    Ok(me.clone())
}

/// `fromlist`: all of the list or, when an item does not fit, nothing.
pub fn from_list(vm: &mut Vm, me: &Value, list: &Value) -> PyResult {
    let Some(list) = list.downcast::<List>() else { return Err(vm.type_error("arg must be list")) };
    let code = this(me).get(vm).code;
    let n = list.len();
    let mut bytes = Vec::with_capacity(n * code.size);
    for i in 0..n {
        let Some(item) = list.item(i) else { return Err(vm.runtime_error("list changed size during iteration")) };
        bytes.extend_from_slice(&code.set(vm, &item)?[..code.size]);
        if list.len() != n {
            return Err(vm.runtime_error("list changed size during iteration"));
        }
    }
    push(vm, me, &bytes)?;
    Ok(none())
}

/// `frombytes`
pub fn from_bytes(vm: &mut Vm, me: &Value, buffer: &Value) -> PyResult {
    let view = vm.buffer(buffer, BufferRequest::READ)?;
    if view.itemsize != 1 {
        return Err(vm.type_error("a bytes-like object is required"));
    }
    if !view.len.is_multiple_of(this(me).get(vm).code.size) {
        return Err(vm.value_error("bytes length not a multiple of item size"));
    }
    let bytes = view.to_vec(vm);
    if bytes.is_empty() {
        return Ok(none());
    }
    // The view stays open: an array appended to itself refuses to grow.
    push(vm, me, &bytes)?;
    drop(view);
    Ok(none())
}

/// `fromunicode`
pub fn from_unicode(vm: &mut Vm, me: &Value, text: &Value) -> PyResult {
    let Some(s) = text.downcast::<Str>() else {
        let name = text.class().payload.name();
        return Err(vm.type_error(format!("fromunicode() argument must be str, not {name}")));
    };
    if !this(me).get(vm).code.is_unicode() {
        return Err(vm.value_error("fromunicode() may only be called on unicode type arrays ('u' or 'w')"));
    }
    let bytes: Vec<u8> = s.code_points().flat_map(u32::to_ne_bytes).collect();
    push(vm, me, &bytes)?;
    Ok(none())
}

/// `fromfile`
pub fn from_file(vm: &mut Vm, me: &Value, file: &Value, n: &Value) -> PyResult {
    let n = ssize_arg(vm, n)?;
    if n < 0 {
        return Err(vm.value_error("negative count"));
    }
    let size = this(me).get(vm).code.size;
    let Some(bytes) = (n as usize).checked_mul(size).filter(|&n| n <= isize::MAX as usize) else {
        return Err(vm.raise_with(&MEMORY_ERROR, &[]));
    };
    let read = vm.call_method(file, "read", &[Value::from_usize(bytes)])?;
    let Some(data) = read.downcast::<Bytes>() else { return Err(vm.type_error("read() didn't return bytes")) };
    from_bytes(vm, me, &read)?;
    if data.as_slice().len() != bytes {
        return Err(vm.eof_error("read() didn't return enough bytes"));
    }
    Ok(none())
}

/// `tofile`: blocks of 64 KiB.
pub fn to_file(vm: &mut Vm, me: &Value, file: &Value) -> PyResult {
    const BLOCK: usize = 64 * 1024;
    let mut at = 0;
    loop {
        let data = &this(me).get(vm).data;
        if at >= data.len() {
            return Ok(none());
        }
        let block = Bytes::from_slice(&data[at..(at + BLOCK).min(data.len())]);
        vm.call_method(file, "write", &[block.into()])?;
        at += BLOCK;
    }
}

/// `byteswap`
pub fn byteswap(vm: &mut Vm, me: &Value) -> PyResult {
    let a = this(me).get_mut(vm);
    let size = a.code.size;
    a.data.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    Ok(none())
}

/// `reverse`
pub fn reverse(vm: &mut Vm, me: &Value) -> PyResult {
    let a = this(me).get_mut(vm);
    let size = a.code.size;
    a.data.reverse();
    a.data.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    Ok(none())
}

/// Replaces items `start..end` by the items in `bytes`.
fn splice(vm: &mut Vm, me: &Value, start: usize, end: usize, bytes: Vec<u8>) -> PyResult<()> {
    let size = this(me).get(vm).code.size;
    if bytes.len() != (end - start) * size {
        resizable(vm, me)?;
    }
    let a = this(me).get_mut(vm);
    if bytes.len() > (end - start) * size {
        reserve(a, bytes.len() - (end - start) * size);
    }
    a.data.splice(start * size, end * size, bytes);
    Ok(())
}

/// `insert`
pub fn insert(vm: &mut Vm, me: &Value, i: &Value, v: &Value) -> PyResult {
    let i = ssize_arg(vm, i)?;
    let code = this(me).get(vm).code;
    let raw = code.set(vm, v)?;
    let n = this(me).get(vm).len() as isize;
    let at = if i < 0 { (i + n).max(0) } else { i.min(n) } as usize;
    splice(vm, me, at, at, raw[..code.size].to_vec())?;
    Ok(none())
}

/// `pop`
pub fn pop(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), i] = args else { unreachable!("bound by the signature") };
    let i = match i {
        Some(i) => ssize_arg(vm, i)?,
        None => -1,
    };
    let a = this(me).get(vm);
    let (code, n) = (a.code, a.len() as isize);
    if n == 0 {
        return Err(vm.index_error("pop from empty array"));
    }
    let at = if i < 0 { i + n } else { i };
    let Some((at, raw)) = usize::try_from(at).ok().and_then(|at| Some((at, a.raw(at)?))) else {
        return Err(vm.index_error("pop index out of range"));
    };
    let item = code.get(vm, &raw)?;
    splice(vm, me, at, at + 1, Vec::new())?;
    Ok(item)
}

/// `remove`
pub fn remove(vm: &mut Vm, me: &Value, v: &Value) -> PyResult {
    match find(vm, me, v, 0, usize::MAX)? {
        Some(i) => {
            splice(vm, me, i, i + 1, Vec::new())?;
            Ok(none())
        }
        None => Err(vm.value_error("array.remove(x): x not in array")),
    }
}

/// Sets or deletes an item; the index counts from the front.
pub fn set_index(vm: &mut Vm, me: &Value, i: isize, v: Option<&Value>) -> PyResult<()> {
    let n = this(me).get(vm).len();
    let Some(at) = usize::try_from(i).ok().filter(|&i| i < n) else {
        return Err(vm.index_error("array assignment index out of range"));
    };
    let Some(v) = v else { return splice(vm, me, at, at + 1, Vec::new()) };
    let code = this(me).get(vm).code;
    let raw = code.set(vm, v)?;
    // The conversion may have run code that shortened the array.
    if at >= this(me).get(vm).len() {
        return Err(vm.index_error("array assignment index out of range"));
    }
    let a = this(me).get_mut(vm);
    a.data[at * code.size..(at + 1) * code.size].copy_from_slice(&raw[..code.size]);
    Ok(())
}

/// `a[key] = v`, `del a[key]`
pub fn set_subscript(vm: &mut Vm, me: &Value, key: &Value, v: Option<&Value>) -> PyResult<()> {
    if is_index(key) {
        let i = vm.to_isize(key)?;
        let n = this(me).get(vm).len() as isize;
        return set_index(vm, me, if i < 0 { i + n } else { i }, v);
    }
    let Some(slice) = key.downcast::<Slice>() else { return Err(vm.type_error("array indices must be integers")) };
    let unpacked = slice.unpack(vm)?;
    let selected = unpacked.adjust(this(me).get(vm).len());
    let bytes = match v {
        None => Vec::new(),
        Some(v) => assigned(vm, me, v)?.get(vm).data.to_vec(),
    };
    let (size, count) = (this(me).get(vm).code.size, selected.count);
    let given = bytes.len() / size;
    if given == 0 || given != count {
        resizable(vm, me)?;
    }
    if selected.step == 1 {
        let start = selected.start as usize;
        return splice(vm, me, start, start + count, bytes);
    }
    let mut places: Vec<usize> = selected.iter().collect();
    if given == 0 {
        places.sort_unstable();
        let a = this(me).get_mut(vm);
        let kept = (0..a.len()).filter(|i| places.binary_search(i).is_err());
        let left: Vec<u8> = kept.flat_map(|i| a.bytes_at(i).to_vec()).collect();
        a.data = Buf::from(left);
        return Ok(());
    }
    if given != count {
        return Err(
            vm.value_error(format!("attempt to assign array of size {given} to extended slice of size {count}"))
        );
    }
    let a = this(me).get_mut(vm);
    for (place, item) in places.into_iter().zip(bytes.chunks_exact(size)) {
        a.data[place * size..(place + 1) * size].copy_from_slice(item);
    }
    Ok(())
}

/// What is assigned to a slice: an array of the same kind.
fn assigned<'a>(vm: &mut Vm, me: &Value, v: &'a Value) -> PyResult<&'a Py<Array>> {
    let Some(other) = v.downcast::<Array>() else {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("can only assign array (not \"{name}\") to array slice")));
    };
    if other.get(vm).code != this(me).get(vm).code {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    Ok(other)
}
