//! Writing values: each builtin type in its own way, the rest by [`super::reduce`].

use super::buffer::{self, PickleBuffer};
use super::op;
use super::pickler::{Pickler, boundary, put_large};
use super::{pickling_error, reduce, type_name};
use taipan_base::float;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{Py, PyResult, Raised, Value};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::list::List;
use taipan_runtime::types::set;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject;
use taipan_runtime::vm::Vm;

/// Pickles one object into the output.
pub fn dump(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    hooks(vm, me)?;
    let r = whole(vm, me, obj);
    let mut s = me.state.borrow_mut();
    s.out.framing = false;
    let dead = (s.persistent_id.take(), s.reducer_override.take());
    drop(s);
    drop(dead);
    r
}

fn whole(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    {
        let mut s = me.state.borrow_mut();
        if s.proto >= 2 {
            let proto = s.proto as u8;
            s.out.put(&[op::PROTO, proto]);
            s.out.framing = proto >= 4;
        }
    }
    save(vm, me, obj, true)?;
    let mut s = me.state.borrow_mut();
    s.out.put(&[op::STOP]);
    s.out.close_frame();
    Ok(())
}

/// Looks up what a subclass or the instance does about objects.
fn hooks(vm: &mut Vm, me: &Py<Pickler>) -> PyResult<()> {
    let v = me.as_value();
    let persistent = if v.is_exact::<Pickler>() {
        me.state.borrow().own_persistent_id.clone()
    } else {
        let name = vm.intern("persistent_id");
        let found = vm.type_lookup(v.class(), &name);
        let own = me.state.borrow().own_persistent_id.is_some();
        let builtin = found.is_some_and(|f| f.class().payload.name() == "method_descriptor");
        if own || !builtin { vm.get_attr_opt(v, &name)? } else { None }
    };
    let name = vm.intern("reducer_override");
    let reducer = if v.is_exact::<Pickler>() { None } else { vm.get_attr_opt(v, &name)? };
    let mut s = me.state.borrow_mut();
    s.persistent_id = persistent;
    s.reducer_override = reducer;
    Ok(())
}

/// Adds a note to the pending exception.
pub fn noted(vm: &mut Vm, note: &str) -> Raised {
    let error = vm.take_error();
    let text = vm.new_str(note);
    if vm.call_method(&error, "add_note", std::slice::from_ref(&text)).is_err() {
        vm.clear_error();
    }
    vm.set_pending(error);
    vm.already_raised()
}

/// Saves a value that is part of another; a failure says which.
pub fn part(vm: &mut Vm, me: &Py<Pickler>, v: &Value, note: impl FnOnce(&mut Vm) -> String) -> PyResult<()> {
    if save(vm, me, v, true).is_ok() {
        return Ok(());
    }
    let error = vm.take_error();
    let text = note(vm);
    vm.clear_error();
    vm.set_pending(error);
    Err(noted(vm, &text))
}

/// Writes opcodes and short arguments.
pub fn put(me: &Py<Pickler>, data: &[u8]) {
    me.state.borrow_mut().out.put(data);
}

fn proto(me: &Py<Pickler>) -> i32 {
    me.state.borrow().proto
}

fn bin(me: &Py<Pickler>) -> bool {
    me.state.borrow().bin
}

/// Writes a value. `ask`: a persistent id may stand for it.
pub fn save(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, ask: bool) -> PyResult<()> {
    boundary(vm, me)?;
    let hook = me.state.borrow().persistent_id.clone();
    if let Some(hook) = hook.filter(|_| ask) {
        let id = vm.call1(&hook, obj)?;
        if !id.is_none() {
            return save_persistent(vm, me, &id);
        }
    }
    if save_atom(me, obj) || fetch(me, obj) {
        return Ok(());
    }
    if let Some(b) = obj.downcast_exact::<Bytes>() {
        return save_bytes(vm, me, obj, b);
    }
    if let Some(s) = obj.downcast_exact::<Str>() {
        return save_str(vm, me, obj, s);
    }
    vm.check_recursion(" while pickling an object")?;
    if obj.is_exact::<Dict>() {
        return guarded(vm, me, obj, save_dict);
    }
    if let Some(s) = set::any_set_exact(obj) {
        let frozen = !set::is_mutable_set(obj);
        return if frozen { save_frozenset(vm, me, obj, s) } else { save_set(vm, me, obj, s) };
    }
    if obj.is_exact::<List>() {
        return guarded(vm, me, obj, save_list);
    }
    if let Some(t) = obj.downcast_exact::<Tuple>() {
        return save_tuple(vm, me, obj, t);
    }
    if obj.is_exact::<ByteArray>() {
        return save_bytearray(vm, me, obj);
    }
    if obj.downcast::<PickleBuffer>().is_some() {
        return save_buffer(vm, me, obj);
    }
    let override_ = me.state.borrow().reducer_override.clone();
    if let Some(f) = override_ {
        let r = vm.call1(&f, obj)?;
        if !r.is(&taipan_runtime::object::not_implemented()) {
            return reduce::save_reduced(vm, me, obj, &r);
        }
    }
    if std::ptr::eq(obj.class(), typeobject::TYPE.object()) {
        return reduce::save_type(vm, me, obj);
    }
    if obj.downcast::<Function>().is_some() {
        return reduce::save_global(vm, me, obj, None);
    }
    reduce::save_object(vm, me, obj)
}

/// `None`, truth values, integers and floats, which are written each time.
fn save_atom(me: &Py<Pickler>, v: &Value) -> bool {
    if v.is_none() {
        put(me, &[op::NONE]);
    } else if v.is_exact_bool() {
        let on = v.is(&taipan_runtime::object::boolean(true));
        match (proto(me) >= 2, on) {
            (true, true) => put(me, &[op::NEWTRUE]),
            (true, false) => put(me, &[op::NEWFALSE]),
            (false, true) => put(me, b"I01\n"),
            (false, false) => put(me, b"I00\n"),
        }
    } else if Int::is_exact(v) {
        save_int(me, v);
    } else if v.is_exact::<Float>() {
        let f = Float::read(v).unwrap_or(0.0);
        if bin(me) {
            let mut data = [op::BINFLOAT; 9];
            data[1..].copy_from_slice(&f.to_be_bytes());
            put(me, &data);
        } else {
            put(me, format!("F{}\n", float::repr(f)).as_bytes());
        }
    } else {
        return false;
    }
    true
}

fn save_int(me: &Py<Pickler>, v: &Value) {
    let Some(int) = Int::read(v) else { return };
    let small = int.to_i64().and_then(|i| i32::try_from(i).ok());
    if let Some(i) = small {
        if !bin(me) {
            return put(me, format!("I{i}\n").as_bytes());
        }
        let b = i.to_le_bytes();
        return match i {
            0..=0xff => put(me, &[op::BININT1, b[0]]),
            0x100..=0xffff => put(me, &[op::BININT2, b[0], b[1]]),
            _ => put(me, &[op::BININT, b[0], b[1], b[2], b[3]]),
        };
    }
    if proto(me) < 2 {
        return put(me, format!("L{}L\n", int.to_big()).as_bytes());
    }
    let data = two_complement(int);
    let n = data.len();
    let mut out = Vec::with_capacity(n + 5);
    if n < 256 {
        out.extend([op::LONG1, n as u8]);
    } else {
        out.push(op::LONG4);
        out.extend((n as u32).to_le_bytes());
    }
    out.extend(data);
    put(me, &out);
}

/// The shortest two's complement form, the lowest byte first.
fn two_complement(int: IntRef<'_>) -> Vec<u8> {
    let big = int.to_big();
    let length = (big.bit_length() / 8 + 1) as usize;
    let mut data = big.to_le_bytes(length, true).unwrap_or_default();
    if int.is_negative() && data.len() > 1 && data[data.len() - 1] == 0xff && data[data.len() - 2] & 0x80 != 0 {
        data.pop();
    }
    data
}

// ---- the memo --------------------------------------------------------------------------------------------------------

/// Whether the object was written before; then a reference to it is.
pub fn fetch(me: &Py<Pickler>, obj: &Value) -> bool {
    let mut s = me.state.borrow_mut();
    let Some(&(n, _)) = s.memo.get(&obj.id()) else { return false };
    if !s.bin {
        let text = format!("g{n}\n");
        s.out.put(text.as_bytes());
    } else if n < 256 {
        s.out.put(&[op::BINGET, n as u8]);
    } else {
        let b = (n as u32).to_le_bytes();
        s.out.put(&[op::LONG_BINGET, b[0], b[1], b[2], b[3]]);
    }
    true
}

/// Remembers what was just written.
pub fn memoize(me: &Py<Pickler>, obj: &Value) {
    let mut s = me.state.borrow_mut();
    if s.fast {
        return;
    }
    let n = s.memo.len();
    s.memo.insert(obj.id(), (n, obj.clone()));
    if s.proto >= 4 {
        s.out.put(&[op::MEMOIZE]);
    } else if !s.bin {
        let text = format!("p{n}\n");
        s.out.put(text.as_bytes());
    } else if n < 256 {
        s.out.put(&[op::BINPUT, n as u8]);
    } else {
        let b = (n as u32).to_le_bytes();
        s.out.put(&[op::LONG_BINPUT, b[0], b[1], b[2], b[3]]);
    }
}

/// Whether the object is in the memo.
pub fn known(me: &Py<Pickler>, obj: &Value) -> bool {
    me.state.borrow().memo.contains_key(&obj.id())
}

/// Nesting from which cycles are looked for in `fast` mode (`FAST_NESTING_LIMIT`).
const FAST_NESTING: usize = 50;

/// Runs `f` with a container, in `fast` mode watching out for cycles.
pub fn guarded(
    vm: &mut Vm,
    me: &Py<Pickler>,
    obj: &Value,
    f: impl FnOnce(&mut Vm, &Py<Pickler>, &Value) -> PyResult<()>,
) -> PyResult<()> {
    let watched = {
        let mut s = me.state.borrow_mut();
        if !s.fast {
            drop(s);
            return f(vm, me, obj);
        }
        s.nesting += 1;
        let watched = s.nesting >= FAST_NESTING;
        if watched && s.on_the_way.contains(&obj.id()) {
            s.nesting -= 1;
            drop(s);
            let (name, id) = (obj.class().payload.name(), obj.id());
            return Err(vm.value_error(format!(
                "fast mode: can't pickle cyclic objects including object type {name} at {id:#x}"
            )));
        }
        if watched {
            s.on_the_way.push(obj.id());
        }
        watched
    };
    let r = f(vm, me, obj);
    let mut s = me.state.borrow_mut();
    s.nesting -= 1;
    if watched {
        s.on_the_way.pop();
    }
    r
}

// ---- bytes and text --------------------------------------------------------------------------------------------------

fn save_bytes(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, b: &Py<Bytes>) -> PyResult<()> {
    if proto(me) >= 3 {
        bytes_alone(vm, me, obj, b.as_slice())?;
        memoize(me, obj);
        return Ok(());
    }
    let reduced = if b.as_slice().is_empty() {
        Tuple::of([bytes::BYTES.value(), Tuple::empty().into()])
    } else {
        let text: Value = Str::from_latin1(b.as_slice()).into();
        let (encode, latin1) = (vm.import_attr("_codecs", "encode")?, vm.new_str("latin1"));
        Tuple::of([encode, Tuple::of([text, latin1]).into()])
    };
    reduce::save_tuple(vm, me, Some(obj), reduced.as_value())
}

/// Bytes without an entry in the memo; protocol 3 and newer.
fn bytes_alone(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, data: &[u8]) -> PyResult<()> {
    let n = data.len();
    let mut header = Vec::with_capacity(9);
    if n <= 0xff {
        header.extend([op::SHORT_BINBYTES, n as u8]);
    } else if n <= 0xffff_ffff {
        header.push(op::BINBYTES);
        header.extend((n as u32).to_le_bytes());
    } else if proto(me) >= 4 {
        header.push(op::BINBYTES8);
        header.extend((n as u64).to_le_bytes());
    } else {
        return Err(
            vm.overflow_error("serializing a bytes object larger than 4 GiB requires pickle protocol 4 or higher")
        );
    }
    put_large(vm, me, &header, obj, data)
}

fn save_bytearray(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    let data = vm.bytes_like(obj)?;
    if proto(me) >= 5 {
        bytearray_alone(vm, me, obj, &data)?;
        memoize(me, obj);
        return Ok(());
    }
    let class = taipan_runtime::types::bytearray::BYTEARRAY.value();
    let args = if data.is_empty() { Tuple::empty() } else { Tuple::of([Bytes::from_slice(&data).into()]) };
    let reduced = Tuple::of([class, args.into()]);
    reduce::save_tuple(vm, me, Some(obj), reduced.as_value())
}

fn bytearray_alone(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, data: &[u8]) -> PyResult<()> {
    let mut header = [op::BYTEARRAY8; 9];
    header[1..].copy_from_slice(&(data.len() as u64).to_le_bytes());
    put_large(vm, me, &header, obj, data)
}

fn save_buffer(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    if proto(me) < 5 {
        return Err(pickling_error(vm, "PickleBuffer can only be pickled with protocol >= 5"));
    }
    let (contiguous, readonly) = {
        let b = vm.buffer(obj, BufferRequest::READ)?;
        (b.is_contiguous(), b.readonly)
    };
    if !contiguous {
        return Err(pickling_error(vm, "PickleBuffer can not be pickled when pointing to a non-contiguous buffer"));
    }
    let raw = buffer::raw(vm, obj)?;
    let callback = me.state.borrow().buffer_callback.clone();
    let in_band = match callback {
        Some(f) => {
            let r = vm.call1(&f, obj)?;
            vm.truth(&r)?
        }
        None => true,
    };
    if !in_band {
        put(me, &[op::NEXT_BUFFER]);
        if readonly {
            put(me, &[op::READONLY_BUFFER]);
        }
        return Ok(());
    }
    let data = vm.bytes_like(&raw)?;
    if readonly {
        let whole: Value = Bytes::from_slice(&data).into();
        bytes_alone(vm, me, &whole, &data)?;
    } else {
        bytearray_alone(vm, me, &raw, &data)?;
    }
    memoize(me, obj);
    Ok(())
}

fn save_str(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, s: &Py<Str>) -> PyResult<()> {
    if !bin(me) {
        let mut out = vec![op::UNICODE];
        raw_unicode_escape(s, &mut out);
        out.push(b'\n');
        put(me, &out);
        memoize(me, obj);
        return Ok(());
    }
    let text = s.to_utf8();
    let data = match &text {
        Some(t) => std::borrow::Cow::Borrowed(t.as_bytes()),
        None => std::borrow::Cow::Owned(utf8_with_surrogates(s)),
    };
    let n = data.len();
    let mut header = Vec::with_capacity(9);
    if n <= 0xff && proto(me) >= 4 {
        header.extend([op::SHORT_BINUNICODE, n as u8]);
    } else if n <= 0xffff_ffff {
        header.push(op::BINUNICODE);
        header.extend((n as u32).to_le_bytes());
    } else if proto(me) >= 4 {
        header.push(op::BINUNICODE8);
        header.extend((n as u64).to_le_bytes());
    } else {
        return Err(vm.overflow_error("serializing a string larger than 4 GiB requires pickle protocol 4 or higher"));
    }
    if n < 1 << 16 {
        put_large(vm, me, &header, obj, &data)?;
    } else {
        let whole: Value = Bytes::from_slice(&data).into();
        put_large(vm, me, &header, &whole, &data)?;
    }
    memoize(me, obj);
    Ok(())
}

/// UTF-8 in which surrogates are encoded like other code points (`surrogatepass`).
fn utf8_with_surrogates(s: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len() * 3);
    for c in s.code_points() {
        match char::from_u32(c) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.extend([0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8]),
        }
    }
    out
}

/// The form of text in protocol 0: Latin-1, with escapes for what is not and for what would end the line.
fn raw_unicode_escape(s: &Str, out: &mut Vec<u8>) {
    for c in s.code_points() {
        match c {
            0x10000.. => out.extend(format!("\\U{c:08x}").bytes()),
            0x100.. | 0x5c | 0 | 0x0a | 0x0d | 0x1a => out.extend(format!("\\u{c:04x}").bytes()),
            _ => out.push(c as u8),
        }
    }
}

// ---- containers ------------------------------------------------------------------------------------------------------

fn save_tuple(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, t: &Py<Tuple>) -> PyResult<()> {
    let n = t.len();
    if n == 0 {
        put(me, if bin(me) { &[op::EMPTY_TUPLE] } else { &[op::MARK, op::TUPLE] });
        return Ok(());
    }
    let short = n <= 3 && proto(me) >= 2;
    if !short {
        put(me, &[op::MARK]);
    }
    for (i, item) in t.items().iter().enumerate() {
        part(vm, me, item, |_| format!("when serializing {} item {i}", type_name(obj)))?;
    }
    if known(me, obj) {
        // An item contains the tuple, which is written already: the copy of the items is thrown away.
        match (short, bin(me)) {
            (true, _) => put(me, &vec![op::POP; n]),
            (false, true) => put(me, &[op::POP_MARK]),
            (false, false) => put(me, &vec![op::POP; n + 1]),
        }
        fetch(me, obj);
        return Ok(());
    }
    put(me, &[if short { [op::TUPLE1, op::TUPLE2, op::TUPLE3][n - 1] } else { op::TUPLE }]);
    memoize(me, obj);
    Ok(())
}

fn save_list(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    put(me, if bin(me) { &[op::EMPTY_LIST] } else { &[op::MARK, op::LIST] });
    memoize(me, obj);
    let Some(list) = obj.downcast::<List>() else { return Ok(()) };
    let note = |i: usize| format!("when serializing {} item {i}", type_name(obj));
    let mut i = 0;
    if list.len() == 1 || !bin(me) {
        while let Some(item) = list.item(i) {
            part(vm, me, &item, |_| note(i))?;
            put(me, &[op::APPEND]);
            i += 1;
        }
        return Ok(());
    }
    while i < list.len() {
        put(me, &[op::MARK]);
        let end = i + op::BATCH;
        while let Some(item) = list.item(i).filter(|_| i < end) {
            part(vm, me, &item, |_| note(i))?;
            i += 1;
        }
        put(me, &[op::APPENDS]);
    }
    Ok(())
}

fn pair(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, k: &Value, v: &Value) -> PyResult<()> {
    save(vm, me, k, true)?;
    part(vm, me, v, |vm| {
        let key = vm.repr(k).map(|k| k.to_rust().into_owned()).unwrap_or_default();
        format!("when serializing {} item {key}", type_name(obj))
    })
}

fn save_dict(vm: &mut Vm, me: &Py<Pickler>, obj: &Value) -> PyResult<()> {
    put(me, if bin(me) { &[op::EMPTY_DICT] } else { &[op::MARK, op::DICT] });
    memoize(me, obj);
    let Some(dict) = obj.downcast::<Dict>() else { return Ok(()) };
    let size = dict.len();
    if size == 0 {
        return Ok(());
    }
    let single = size == 1 || !bin(me);
    let mut at = 0;
    loop {
        if !single {
            put(me, &[op::MARK]);
        }
        let mut n = 0;
        while let Some((next, k, v)) = dict.next_from(at) {
            at = next;
            pair(vm, me, obj, &k, &v)?;
            if single {
                put(me, &[op::SETITEM]);
                continue;
            }
            n += 1;
            if n == op::BATCH {
                break;
            }
        }
        if !single {
            put(me, &[op::SETITEMS]);
        }
        if dict.len() != size {
            return Err(vm.runtime_error("dictionary changed size during iteration"));
        }
        if n < op::BATCH {
            return Ok(());
        }
    }
}

/// Items of any iterator, for what reduces itself to a list.
pub fn append_all(vm: &mut Vm, me: &Py<Pickler>, items: &Value, obj: &Value) -> PyResult<()> {
    let note = |i: usize| format!("when serializing {} item {i}", type_name(obj));
    let mut i = 0;
    let mut waiting = vm.next(items)?;
    while let Some(first) = waiting.take() {
        if !bin(me) {
            part(vm, me, &first, |_| note(i))?;
            put(me, &[op::APPEND]);
            (i, waiting) = (i + 1, vm.next(items)?);
            continue;
        }
        let Some(second) = vm.next(items)? else {
            part(vm, me, &first, |_| note(i))?;
            put(me, &[op::APPEND]);
            return Ok(());
        };
        put(me, &[op::MARK]);
        let end = i + op::BATCH;
        part(vm, me, &first, |_| note(i))?;
        i += 1;
        waiting = Some(second);
        while let Some(item) = waiting.take() {
            part(vm, me, &item, |_| note(i))?;
            i += 1;
            if i == end {
                break;
            }
            waiting = vm.next(items)?;
        }
        put(me, &[op::APPENDS]);
        if i == end {
            waiting = vm.next(items)?;
        }
    }
    Ok(())
}

/// Pairs of any iterator, for what reduces itself to a dict.
pub fn set_all(vm: &mut Vm, me: &Py<Pickler>, pairs: &Value, obj: &Value) -> PyResult<()> {
    let next = |vm: &mut Vm| -> PyResult<Option<(Value, Value)>> {
        let Some(item) = vm.next(pairs)? else { return Ok(None) };
        match item.downcast::<Tuple>().map(|t| t.items()) {
            Some([k, v]) => Ok(Some((k.clone(), v.clone()))),
            _ => Err(vm.type_error("dict items iterator must return 2-tuples")),
        }
    };
    let mut waiting = next(vm)?;
    while let Some((k, v)) = waiting.take() {
        let second = if bin(me) { next(vm)? } else { None };
        if second.is_none() {
            pair(vm, me, obj, &k, &v)?;
            put(me, &[op::SETITEM]);
            waiting = if bin(me) { None } else { next(vm)? };
            continue;
        }
        put(me, &[op::MARK]);
        pair(vm, me, obj, &k, &v)?;
        let mut n = 1;
        waiting = second;
        while let Some((k, v)) = waiting.take() {
            pair(vm, me, obj, &k, &v)?;
            n += 1;
            if n == op::BATCH {
                break;
            }
            waiting = next(vm)?;
        }
        put(me, &[op::SETITEMS]);
        if n == op::BATCH {
            waiting = next(vm)?;
        }
    }
    Ok(())
}

fn save_set(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, s: &Py<set::Set>) -> PyResult<()> {
    let items = s.get(vm).to_vec();
    if proto(me) < 4 {
        let reduced = Tuple::of([set::SET.value(), Tuple::of([List::from_vec(items).into()]).into()]);
        return reduce::save_tuple(vm, me, Some(obj), reduced.as_value());
    }
    put(me, &[op::EMPTY_SET]);
    memoize(me, obj);
    if items.is_empty() {
        return Ok(());
    }
    // A full batch is followed by another, be it empty.
    for n in 0..=items.len() / op::BATCH {
        put(me, &[op::MARK]);
        for item in items.iter().skip(n * op::BATCH).take(op::BATCH) {
            part(vm, me, item, |_| format!("when serializing {} element", type_name(obj)))?;
        }
        put(me, &[op::ADDITEMS]);
        if s.get(vm).len() != items.len() {
            return Err(vm.runtime_error("set changed size during iteration"));
        }
    }
    Ok(())
}

fn save_frozenset(vm: &mut Vm, me: &Py<Pickler>, obj: &Value, s: &Py<set::Set>) -> PyResult<()> {
    let items = s.get(vm).to_vec();
    if proto(me) < 4 {
        let reduced = Tuple::of([set::FROZENSET.value(), Tuple::of([List::from_vec(items).into()]).into()]);
        return reduce::save_tuple(vm, me, Some(obj), reduced.as_value());
    }
    put(me, &[op::MARK]);
    for item in &items {
        part(vm, me, item, |_| format!("when serializing {} element", type_name(obj)))?;
    }
    if known(me, obj) {
        put(me, &[op::POP_MARK]);
        fetch(me, obj);
        return Ok(());
    }
    put(me, &[op::FROZENSET]);
    memoize(me, obj);
    Ok(())
}

fn save_persistent(vm: &mut Vm, me: &Py<Pickler>, id: &Value) -> PyResult<()> {
    if bin(me) {
        save(vm, me, id, false)?;
        put(me, &[op::BINPERSID]);
        return Ok(());
    }
    let text = vm.str(id)?;
    let Some(text) = text.as_ascii() else {
        return Err(pickling_error(vm, "persistent IDs in protocol 0 must be ASCII strings"));
    };
    put(me, format!("P{text}\n").as_bytes());
    Ok(())
}
