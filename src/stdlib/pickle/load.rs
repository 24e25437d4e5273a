//! Executing the opcodes of a pickle.

use super::op;
use super::unpickler::{Unpickler, byte, fixed, forget_read, frame, line, take};
use super::{after, attribute_path, imported, registry, unpickling_error, unpickling_failed};
use taipan_base::int::BigInt;
use taipan_runtime::builtins::sys::audit;
use taipan_runtime::object::{Py, PyResult, Value, boolean, none};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::ATTRIBUTE_ERROR;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::set::{self, Set};
use taipan_runtime::types::str::{Str, intern};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typeobject;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// Reads one object.
pub fn load(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult {
    let dead = {
        let mut s = me.state.borrow_mut();
        s.marks.clear();
        s.proto = 0;
        std::mem::take(&mut s.stack)
    };
    drop(dead);
    loop {
        let code = match byte(vm, me) {
            Ok(b) => b,
            Err(r) => {
                if unpickling_failed(vm) {
                    vm.clear_error();
                    return Err(vm.eof_error("Ran out of input"));
                }
                return Err(r);
            }
        };
        if code == op::STOP {
            let v = pop(vm, me)?;
            forget_read(me);
            return Ok(v);
        }
        execute(vm, me, code)?;
    }
}

// ---- the stack -------------------------------------------------------------------------------------------------------

fn push(me: &Py<Unpickler>, v: Value) {
    me.state.borrow_mut().stack.push(v);
}

fn underflow(vm: &mut Vm, me: &Py<Unpickler>) -> taipan_runtime::object::Raised {
    let marked = !me.state.borrow().marks.is_empty();
    unpickling_error(vm, if marked { "unexpected MARK found" } else { "unpickling stack underflow" })
}

fn pop(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult {
    let popped = {
        let mut s = me.state.borrow_mut();
        let fence = s.marks.last().copied().unwrap_or(0);
        if s.stack.len() > fence { s.stack.pop() } else { None }
    };
    popped.ok_or_else(|| underflow(vm, me))
}

fn top(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult {
    let v = pop(vm, me)?;
    push(me, v.clone());
    Ok(v)
}

/// What lies above the last mark.
fn marked(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult<Vec<Value>> {
    let items = {
        let mut s = me.state.borrow_mut();
        s.marks.pop().map(|at| s.stack.split_off(at))
    };
    items.ok_or_else(|| unpickling_error(vm, "could not find MARK"))
}

fn length<const N: usize>(vm: &mut Vm, me: &Py<Unpickler>, what: &str) -> PyResult<usize> {
    let data = fixed::<N>(vm, me)?;
    let n = data.iter().rev().fold(0u64, |n, &b| n << 8 | b as u64);
    if n > i64::MAX as u64 {
        return Err(vm.overflow_error(format!("{what} exceeds system's maximum size of {} bytes", i64::MAX)));
    }
    Ok(n as usize)
}

// ---- opcodes ---------------------------------------------------------------------------------------------------------

fn execute(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult<()> {
    match code {
        op::NONE => push(me, none()),
        op::NEWTRUE => push(me, boolean(true)),
        op::NEWFALSE => push(me, boolean(false)),
        op::MARK => {
            let mut s = me.state.borrow_mut();
            let at = s.stack.len();
            s.marks.push(at);
        }
        op::POP => return pop_one(vm, me),
        op::POP_MARK => drop(marked(vm, me)?),
        op::DUP => {
            let v = top(vm, me)?;
            push(me, v);
        }
        op::PROTO => {
            let proto = byte(vm, me)? as i32;
            if proto > op::HIGHEST {
                return Err(vm.value_error(format!("unsupported pickle protocol: {proto}")));
            }
            me.state.borrow_mut().proto = proto;
        }
        op::FRAME => {
            let n = u64::from_le_bytes(fixed(vm, me)?);
            let Some(n) = usize::try_from(n).ok().filter(|n| *n <= isize::MAX as usize) else {
                let most = isize::MAX;
                return Err(vm.overflow_error(format!("FRAME length exceeds system's maximum of {most} bytes")));
            };
            return frame(vm, me, n);
        }
        op::GET | op::BINGET | op::LONG_BINGET | op::PUT | op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => {
            return memo(vm, me, code);
        }
        op::PERSID | op::BINPERSID => return persistent(vm, me, code),
        op::INT
        | op::BININT
        | op::BININT1
        | op::BININT2
        | op::LONG
        | op::LONG1
        | op::LONG4
        | op::FLOAT
        | op::BINFLOAT => {
            let v = number(vm, me, code)?;
            push(me, v);
        }
        op::STRING
        | op::BINSTRING
        | op::SHORT_BINSTRING
        | op::UNICODE
        | op::SHORT_BINUNICODE
        | op::BINUNICODE
        | op::BINUNICODE8 => {
            let v = text(vm, me, code)?;
            push(me, v);
        }
        op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 | op::BYTEARRAY8 | op::NEXT_BUFFER | op::READONLY_BUFFER => {
            return memory(vm, me, code);
        }
        op::REDUCE | op::BUILD | op::NEWOBJ | op::NEWOBJ_EX | op::INST | op::OBJ => return object(vm, me, code),
        op::GLOBAL | op::STACK_GLOBAL | op::EXT1 | op::EXT2 | op::EXT4 => return global(vm, me, code),
        _ => return container(vm, me, code),
    }
    Ok(())
}

fn unknown(vm: &mut Vm, code: u8) -> PyResult<()> {
    let shown = match code {
        0x20..=0x7e if code != b'\'' && code != b'\\' => format!("'{}'", code as char),
        _ => format!("'\\x{code:02x}'"),
    };
    Err(unpickling_error(vm, format!("invalid load key, {shown}.")))
}

fn pop_one(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult<()> {
    let at_mark = {
        let mut s = me.state.borrow_mut();
        let at = s.marks.last() == Some(&s.stack.len());
        if at {
            s.marks.pop();
        }
        at
    };
    if at_mark { Ok(()) } else { pop(vm, me).map(drop) }
}

fn memo(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult<()> {
    let put = !matches!(code, op::GET | op::BINGET | op::LONG_BINGET);
    let value = if put { Some(top(vm, me)?) } else { None };
    let number = match code {
        op::MEMOIZE => me.state.borrow().memo.len(),
        op::GET | op::PUT => {
            let text = line(vm, me)?;
            let parsed = int_of_text(vm, &text)?;
            let n = vm.to_isize(&parsed)?;
            match usize::try_from(n) {
                Ok(n) => n,
                Err(_) if put => return Err(vm.value_error("negative PUT argument")),
                Err(_) => return Err(unpickling_error(vm, format!("Memo value not found at index {n}"))),
            }
        }
        op::BINGET | op::BINPUT => byte(vm, me)? as usize,
        _ => length::<4>(vm, me, "memo index")?,
    };
    if let Some(v) = value {
        let old = me.state.borrow_mut().memo.insert(number, v);
        drop(old);
        return Ok(());
    }
    let found = me.state.borrow().memo.get(&number).cloned();
    let v = found.ok_or_else(|| unpickling_error(vm, format!("Memo value not found at index {number}")))?;
    push(me, v);
    Ok(())
}

fn persistent(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult<()> {
    let id = if code == op::BINPERSID {
        pop(vm, me)?
    } else {
        let text = line(vm, me)?;
        if !text.is_ascii() {
            return Err(unpickling_error(vm, "persistent IDs in protocol 0 must be ASCII strings"));
        }
        Str::from_latin1(&text).into()
    };
    let f = vm.get_attr_text(me.as_value(), "persistent_load")?;
    let v = vm.call1(&f, &id)?;
    push(me, v);
    Ok(())
}

// ---- values ----------------------------------------------------------------------------------------------------------

fn int_of_text(vm: &mut Vm, text: &[u8]) -> PyResult {
    let class = taipan_runtime::types::int::INT.value();
    vm.call1(&class, &Bytes::from_slice(text).into())
}

fn number(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult {
    Ok(match code {
        op::BININT => Int::from_i64(i32::from_le_bytes(fixed(vm, me)?) as i64),
        op::BININT1 => Int::from_i64(byte(vm, me)? as i64),
        op::BININT2 => Int::from_i64(u16::from_le_bytes(fixed(vm, me)?) as i64),
        op::BINFLOAT => Float::new(f64::from_be_bytes(fixed(vm, me)?)),
        op::LONG1 => {
            let n = byte(vm, me)? as usize;
            let data = take(vm, me, n)?;
            Int::from_big(BigInt::from_le_bytes(&data, true))
        }
        op::LONG4 => {
            let n = i32::from_le_bytes(fixed(vm, me)?);
            let Ok(n) = usize::try_from(n) else {
                return Err(unpickling_error(vm, "LONG pickle has negative byte count"));
            };
            let data = take(vm, me, n)?;
            Int::from_big(BigInt::from_le_bytes(&data, true))
        }
        op::FLOAT => {
            let text = line(vm, me)?;
            let class = taipan_runtime::types::float::FLOAT.value();
            return vm.call1(&class, &Bytes::from_slice(&text).into());
        }
        op::INT => {
            let text = line(vm, me)?;
            match text.as_slice() {
                b"00" => boolean(false),
                b"01" => boolean(true),
                _ => return int_of_text(vm, &text),
            }
        }
        _ => {
            let text = line(vm, me)?;
            return int_of_text(vm, text.strip_suffix(b"L").unwrap_or(&text));
        }
    })
}

fn utf8(vm: &mut Vm, data: &[u8]) -> PyResult {
    if let Ok(text) = std::str::from_utf8(data) {
        return Ok(Str::from_rust(text).into());
    }
    let (encoding, errors) = (vm.new_str("utf-8"), vm.new_str("surrogatepass"));
    vm.call_method(&Bytes::from_slice(data).into(), "decode", &[encoding, errors])
}

/// A string of Python 2, decoded as asked for.
fn old_string(vm: &mut Vm, me: &Py<Unpickler>, bytes: Value) -> PyResult {
    let (encoding, errors) = {
        let s = me.state.borrow();
        (s.encoding.clone(), s.errors.clone())
    };
    if encoding == "bytes" {
        return Ok(bytes);
    }
    let (encoding, errors) = (vm.new_str(&encoding), vm.new_str(&errors));
    vm.call_method(&bytes, "decode", &[encoding, errors])
}

fn text(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult {
    let n = match code {
        op::SHORT_BINUNICODE | op::SHORT_BINSTRING => byte(vm, me)? as usize,
        op::BINUNICODE => length::<4>(vm, me, "BINUNICODE")?,
        op::BINUNICODE8 => length::<8>(vm, me, "BINUNICODE")?,
        op::BINSTRING => match usize::try_from(i32::from_le_bytes(fixed(vm, me)?)) {
            Ok(n) => n,
            Err(_) => return Err(unpickling_error(vm, "BINSTRING pickle has negative byte count")),
        },
        op::UNICODE => {
            let data: Value = Bytes::from_slice(&line(vm, me)?).into();
            let encoding = vm.new_str("raw-unicode-escape");
            return vm.call_method(&data, "decode", &[encoding]);
        }
        _ => {
            let data = line(vm, me)?;
            let quoted = match data.as_slice() {
                [a @ (b'"' | b'\''), inner @ .., b] if a == b => inner,
                _ => return Err(unpickling_error(vm, "the STRING opcode argument must be quoted")),
            };
            let decode = vm.import_attr("_codecs", "escape_decode")?;
            let pair = vm.call1(&decode, &Bytes::from_slice(quoted).into())?;
            let bytes = vm.get_item(&pair, &Value::small_unchecked(0))?;
            return old_string(vm, me, bytes);
        }
    };
    let data = take(vm, me, n)?;
    if matches!(code, op::BINSTRING | op::SHORT_BINSTRING) {
        return old_string(vm, me, Bytes::from_slice(&data).into());
    }
    utf8(vm, &data)
}

fn memory(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult<()> {
    let n = match code {
        op::SHORT_BINBYTES => byte(vm, me)? as usize,
        op::BINBYTES => length::<4>(vm, me, "BINBYTES")?,
        op::BINBYTES8 => length::<8>(vm, me, "BINBYTES")?,
        op::BYTEARRAY8 => {
            let n = length::<8>(vm, me, "BYTEARRAY8")?;
            let data = take(vm, me, n)?;
            push(me, ByteArray::from_slice(&data).into());
            return Ok(());
        }
        op::NEXT_BUFFER => {
            let buffers = me.state.borrow().buffers.clone();
            let Some(buffers) = buffers else {
                return Err(unpickling_error(
                    vm,
                    "pickle stream refers to out-of-band data but no *buffers* argument was given",
                ));
            };
            let Some(next) = vm.next(&buffers)? else {
                return Err(unpickling_error(vm, "not enough out-of-band buffers"));
            };
            push(me, next);
            return Ok(());
        }
        _ => {
            let v = pop(vm, me)?;
            let view = vm.call1(&taipan_runtime::types::memoryview::MEMORYVIEW.value(), &v)?;
            let readonly = vm.get_attr_text(&view, "readonly")?;
            let v = if vm.truth(&readonly)? { v } else { vm.call_method(&view, "toreadonly", &[])? };
            push(me, v);
            return Ok(());
        }
    };
    let data = take(vm, me, n)?;
    push(me, Bytes::from_slice(&data).into());
    Ok(())
}

// ---- containers ------------------------------------------------------------------------------------------------------

fn last(vm: &mut Vm, me: &Py<Unpickler>, n: usize) -> PyResult<Vec<Value>> {
    let mut items = Vec::with_capacity(n);
    for _ in 0..n {
        items.push(pop(vm, me)?);
    }
    items.reverse();
    Ok(items)
}

fn container(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult<()> {
    let v: Value = match code {
        op::EMPTY_TUPLE => Tuple::empty().into(),
        op::TUPLE1 => Tuple::from_vec(last(vm, me, 1)?).into(),
        op::TUPLE2 => Tuple::from_vec(last(vm, me, 2)?).into(),
        op::TUPLE3 => Tuple::from_vec(last(vm, me, 3)?).into(),
        op::TUPLE => {
            let items = marked(vm, me)?;
            if items.is_empty() { Tuple::empty().into() } else { Tuple::from_vec(items).into() }
        }
        op::EMPTY_LIST => List::empty().into(),
        op::LIST => List::from_vec(marked(vm, me)?).into(),
        op::EMPTY_DICT => Dict::new_object().into(),
        op::DICT => {
            let items = marked(vm, me)?;
            if items.len() % 2 != 0 {
                return Err(unpickling_error(vm, "odd number of items for DICT"));
            }
            let d = Dict::new_object();
            for pair in items.chunks(2) {
                d.set_item(vm, &pair[0], pair[1].clone())?;
            }
            d.into()
        }
        op::EMPTY_SET => Set::new_object().into(),
        op::FROZENSET => {
            let items = marked(vm, me)?;
            set::frozen_from_items(vm, &items)?
        }
        op::APPEND => {
            let v = pop(vm, me)?;
            return append(vm, me, vec![v]);
        }
        op::APPENDS => {
            let items = marked(vm, me)?;
            return append(vm, me, items);
        }
        op::SETITEM => {
            let items = last(vm, me, 2)?;
            return set_items(vm, me, items);
        }
        op::SETITEMS => {
            let items = marked(vm, me)?;
            return set_items(vm, me, items);
        }
        op::ADDITEMS => return add_items(vm, me),
        _ => return unknown(vm, code),
    };
    push(me, v);
    Ok(())
}

fn append(vm: &mut Vm, me: &Py<Unpickler>, items: Vec<Value>) -> PyResult<()> {
    let target = top(vm, me)?;
    if let Some(list) = target.downcast_exact::<List>() {
        for v in items {
            list.push(v);
        }
        return Ok(());
    }
    if items.is_empty() {
        return Ok(());
    }
    let extend = vm.intern("extend");
    if let Some(extend) = vm.get_attr_opt(&target, &extend)? {
        return vm.call1(&extend, &List::from_vec(items).into()).map(drop);
    }
    let append = vm.get_attr_text(&target, "append")?;
    for v in items {
        vm.call1(&append, &v)?;
    }
    Ok(())
}

fn set_items(vm: &mut Vm, me: &Py<Unpickler>, items: Vec<Value>) -> PyResult<()> {
    let target = top(vm, me)?;
    if !items.len().is_multiple_of(2) {
        return Err(unpickling_error(vm, "odd number of items for SETITEMS"));
    }
    for pair in items.chunks(2) {
        match target.downcast_exact::<Dict>() {
            Some(d) => d.set_item(vm, &pair[0], pair[1].clone())?,
            None => vm.set_item(&target, &pair[0], &pair[1])?,
        }
    }
    Ok(())
}

fn add_items(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult<()> {
    let items = marked(vm, me)?;
    let target = top(vm, me)?;
    if items.is_empty() {
        return Ok(());
    }
    if let Some(s) = set::any_set(&target).filter(|_| set::is_mutable_set(&target)) {
        for v in &items {
            s.add(vm, v)?;
        }
        return Ok(());
    }
    let add = vm.get_attr_text(&target, "add")?;
    for v in items {
        vm.call1(&add, &v)?;
    }
    Ok(())
}

// ---- objects ---------------------------------------------------------------------------------------------------------

fn call_with(vm: &mut Vm, f: &Value, args: &Value) -> PyResult {
    let args = vm.sequence(args, "argument list must be a tuple")?;
    vm.call(f, &args)
}

fn object(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult<()> {
    let v = match code {
        op::REDUCE => {
            let args = pop(vm, me)?;
            let f = pop(vm, me)?;
            call_with(vm, &f, &args)?
        }
        op::NEWOBJ => {
            let args = pop(vm, me)?;
            let class = pop(vm, me)?;
            new_object(vm, &class, &args, None, "NEWOBJ")?
        }
        op::NEWOBJ_EX => {
            let keywords = pop(vm, me)?;
            let args = pop(vm, me)?;
            let class = pop(vm, me)?;
            new_object(vm, &class, &args, Some(&keywords), "NEWOBJ_EX")?
        }
        op::INST => {
            let (module, name) = (line(vm, me)?, line(vm, me)?);
            let class = found(vm, me, &module, &name)?;
            let args = marked(vm, me)?;
            instantiate(vm, &class, args)?
        }
        op::OBJ => {
            let mut args = marked(vm, me)?;
            if args.is_empty() {
                return Err(underflow(vm, me));
            }
            let class = args.remove(0);
            instantiate(vm, &class, args)?
        }
        _ => return build(vm, me),
    };
    push(me, v);
    Ok(())
}

fn new_object(vm: &mut Vm, class: &Value, args: &Value, keywords: Option<&Value>, what: &str) -> PyResult {
    if typeobject::as_class(class).is_none() {
        let name = class.class().payload.name();
        return Err(unpickling_error(vm, format!("{what} class argument must be a type, not {name}")));
    }
    let Some(positional) = args.downcast::<Tuple>() else {
        let name = args.class().payload.name();
        return Err(unpickling_error(vm, format!("{what} args argument must be a tuple, not {name}")));
    };
    let new = vm.get_attr_text(class, "__new__")?;
    let mut all = vec![class.clone()];
    all.extend(positional.items().iter().cloned());
    let Some(keywords) = keywords else { return vm.call(&new, &all) };
    let Some(dict) = keywords.downcast::<Dict>() else {
        let name = keywords.class().payload.name();
        return Err(unpickling_error(vm, format!("{what} kwargs argument must be a dict, not {name}")));
    };
    let mut names = Vec::new();
    for (k, v) in dict.pairs() {
        if k.downcast::<Str>().is_none() {
            return Err(vm.type_error("keywords must be strings"));
        }
        names.push(k);
        all.push(v);
    }
    let names = Tuple::from_vec(names);
    vm.call_args(&new, &Args::new(&all, Some(&names)))
}

/// An instance of a class of old: without arguments `__init__` is not called.
fn instantiate(vm: &mut Vm, class: &Value, args: Vec<Value>) -> PyResult {
    if args.is_empty() && typeobject::as_class(class).is_some() {
        let name = vm.intern("__getinitargs__");
        if vm.get_attr_opt(class, &name)?.is_none() {
            let new = vm.get_attr_text(class, "__new__")?;
            return vm.call1(&new, class);
        }
    }
    vm.call(class, &args)
}

fn build(vm: &mut Vm, me: &Py<Unpickler>) -> PyResult<()> {
    let state = pop(vm, me)?;
    let target = top(vm, me)?;
    let name = vm.intern("__setstate__");
    if let Some(f) = vm.get_attr_opt(&target, &name)? {
        return vm.call1(&f, &state).map(drop);
    }
    let (state, slots) = match state.downcast::<Tuple>().map(|t| t.items()) {
        Some([state, slots]) => (state.clone(), Some(slots.clone())),
        _ => (state, None),
    };
    if !state.is_none() {
        let Some(new) = state.downcast::<Dict>() else {
            return Err(unpickling_error(vm, "state is not a dictionary"));
        };
        let dict = vm.get_attr_text(&target, "__dict__")?;
        for (k, v) in new.pairs() {
            let k = match k.downcast_exact::<Str>() {
                Some(s) => intern::intern(s.clone()).into(),
                None => k,
            };
            vm.set_item(&dict, &k, &v)?;
        }
    }
    let Some(slots) = slots.filter(|s| !s.is_none()) else { return Ok(()) };
    let Some(slots) = slots.downcast::<Dict>() else {
        return Err(unpickling_error(vm, "slot state is not a dictionary"));
    };
    for (k, v) in slots.pairs() {
        let name = intern::intern(vm.expect_str(&k, "attribute name")?.clone());
        vm.set_attr(&target, &name, &v)?;
    }
    Ok(())
}

// ---- globals ---------------------------------------------------------------------------------------------------------

/// The global of a module and a name read as UTF-8.
fn found(vm: &mut Vm, me: &Py<Unpickler>, module: &[u8], name: &[u8]) -> PyResult {
    let (module, name) = (utf8(vm, module)?, utf8(vm, name)?);
    found_by(vm, me, &module, &name)
}

fn found_by(vm: &mut Vm, me: &Py<Unpickler>, module: &Value, name: &Value) -> PyResult {
    if me.as_value().is_exact::<Unpickler>() {
        return find_class(vm, me, module, name);
    }
    vm.call_method(me.as_value(), "find_class", &[module.clone(), name.clone()])
}

fn global(vm: &mut Vm, me: &Py<Unpickler>, code: u8) -> PyResult<()> {
    let v = match code {
        op::GLOBAL => {
            let (module, name) = (line(vm, me)?, line(vm, me)?);
            found(vm, me, &module, &name)?
        }
        op::STACK_GLOBAL => {
            let name = pop(vm, me)?;
            let module = pop(vm, me)?;
            if !name.is_exact::<Str>() || !module.is_exact::<Str>() {
                return Err(unpickling_error(vm, "STACK_GLOBAL requires str"));
            }
            found_by(vm, me, &module, &name)?
        }
        _ => {
            let code = match code {
                op::EXT1 => byte(vm, me)? as i64,
                op::EXT2 => u16::from_le_bytes(fixed(vm, me)?) as i64,
                _ => i32::from_le_bytes(fixed(vm, me)?) as i64,
            };
            extension(vm, me, code)?
        }
    };
    push(me, v);
    Ok(())
}

fn extension(vm: &mut Vm, me: &Py<Unpickler>, code: i64) -> PyResult {
    if code <= 0 {
        return Err(unpickling_error(vm, "EXT specifies code <= 0"));
    }
    let key = Int::from_i64(code);
    let cache = registry(vm, "copyreg", "_extension_cache")?;
    if let Some(v) = cache.get_item(vm, &key)? {
        return Ok(v);
    }
    let names = registry(vm, "copyreg", "_inverted_registry")?;
    let Some(pair) = names.get_item(vm, &key)? else {
        return Err(vm.value_error(format!("unregistered extension code {code}")));
    };
    let v = match pair.downcast::<Tuple>().map(|t| t.items()) {
        Some([m, n]) if m.downcast::<Str>().is_some() && n.downcast::<Str>().is_some() => found_by(vm, me, m, n)?,
        _ => return Err(vm.value_error(format!("_inverted_registry[{code}] isn't a 2-tuple of strings"))),
    };
    cache.set_item(vm, &key, v.clone())?;
    Ok(v)
}

/// A global by module and name; those of Python 2 are translated.
pub fn find_class(vm: &mut Vm, me: &Py<Unpickler>, module: &Value, name: &Value) -> PyResult {
    audit::audit(vm, "pickle.find_class", &[module.clone(), name.clone()])?;
    let (proto, fix) = (me.state.borrow().proto, me.state.borrow().fix_imports);
    let (mut module, mut name) = (module.clone(), name.clone());
    if proto < 3 && fix {
        let names = registry(vm, "_compat_pickle", "NAME_MAPPING")?;
        let key = Tuple::of([module.clone(), name.clone()]);
        if let Some(pair) = names.get_item(vm, key.as_value())? {
            let Some([m, n]) = pair.downcast::<Tuple>().map(|t| t.items()) else {
                return Err(vm.runtime_error("_compat_pickle.NAME_MAPPING values should be 2-tuples"));
            };
            (module, name) = (m.clone(), n.clone());
        } else {
            let modules = registry(vm, "_compat_pickle", "IMPORT_MAPPING")?;
            if let Some(m) = modules.get_item(vm, &module)? {
                module = m;
            }
        }
    }
    let there = imported(vm, &module)?;
    let name = intern::intern(vm.expect_str(&name, "find_class() argument 2")?.clone());
    if proto < 4 || !name.to_rust().contains('.') {
        return vm.get_attr(&there, &name);
    }
    let r = attribute_path(vm, &there, &name);
    if r.is_ok() || !vm.error_is(&ATTRIBUTE_ERROR) {
        return r;
    }
    let first = vm.take_error();
    let (n, m) = (vm.repr(name.as_value())?, vm.repr(&module)?);
    let _ = vm.attribute_error(format!("Can't resolve path {} on module {}", n.to_rust(), m.to_rust()));
    Err(after(vm, &first))
}
