//! `array` (`Modules/arraymodule.c`): sequences of machine numbers, packed.
//!
//! `item` knows the type codes and converts one item, `change` has what alters an array, `pickle` its reduced forms.

mod change;
mod item;
mod iter;
mod pickle;

use item::{CODES, Code};
pub use iter::ARRAY_ITER;
use std::cmp::Ordering;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buf::Buf;
use taipan_runtime::object::buffer::Buffer;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance,
    not_implemented,
};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::DEPRECATION_WARNING;
use taipan_runtime::types::generic_alias::class_getitem;
use taipan_runtime::types::list::List;
use taipan_runtime::types::sequence::{is_index, search_bounds};
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("array")
    .doc("Sequences of numbers or characters of one machine type, stored without an object for each.")
    .functions(&[MethodDef::function(
        "_array_reconstructor",
        "($module, arraytype, typecode, mformat_code, items,\n                     /)",
        "Internal. Used for pickling support.",
        F4(pickle::reconstruct),
    )])
    .types(&[&ARRAY, &ARRAY_ITER])
    .init(|vm, dict| {
        dict.store_text("ArrayType", ARRAY.value());
        dict.store_text("typecodes", vm.new_str("bBuwhHiIlLqQfd"));
        dict.remove_str(&vm.intern("arrayiterator"));
        // Pattern matching and `isinstance(a, MutableSequence)` know arrays.
        let class = vm.import_attr("collections.abc", "MutableSequence")?;
        vm.call_method(&class, "register", &[ARRAY.value()])?;
        Ok(())
    });

/// Payload of `array.array`.
pub struct Array {
    code: Code,
    /// The items, packed in the machine's own form.
    data: Buf<u8>,
    /// Exported views; while there are any, the size is fixed.
    exports: usize,
}
taipan_runtime::payload!(Array, ARRAY);

impl Array {
    fn len(&self) -> usize {
        self.data.len() / self.code.size
    }

    fn bytes_at(&self, i: usize) -> &[u8] {
        &self.data[i * self.code.size..(i + 1) * self.code.size]
    }

    /// The item at an index, if there.
    fn raw(&self, i: usize) -> Option<[u8; 8]> {
        let mut out = [0; 8];
        (i < self.len()).then(|| out[..self.code.size].copy_from_slice(self.bytes_at(i)))?;
        Some(out)
    }
}

/// `array.array`.
pub static ARRAY: TypeDef = TypeDef::new::<Array>("array.array")
    .doc(
        "array(typecode [, initializer]) -> array\n\nReturn a new array whose items are restricted by typecode, and \
         initialized from the\noptional initializer value, which must be a list, string or iterable over\nelements of \
         the appropriate type.",
    )
    .flags(TypeFlags::BASETYPE.union(TypeFlags::HAVE_GC).union(TypeFlags::WEAKREFABLE).union(TypeFlags::SEQUENCE))
    .cpython_size(64, 0)
    .slots(Slots {
        new: Some(new),
        repr: Some(repr),
        hash: Some(taipan_runtime::types::slots::not_hashable),
        richcmp: Some(compare),
        iter: Some(iter::iter),
        len: Some(|vm, me| Ok(this(me).get(vm).len())),
        item: Some(item_at),
        set_item: Some(change::set_index),
        subscript: Some(subscript),
        set_subscript: Some(change::set_subscript),
        concat: Some(concat),
        repeat: Some(repeat),
        iconcat: Some(change::extend_in_place),
        irepeat: Some(change::repeat_in_place),
        contains: Some(|vm, me, v| Ok(find(vm, me, v, 0, usize::MAX)?.is_some())),
        buffer: Some(|vm, me, _| Ok(export(vm, me))),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::get("typecode", "the typecode character used to create the array", |vm, me| {
            Ok(Str::from_latin1(&[this(me).get(vm).code.letter]).into())
        }),
        GetSetDef::get("itemsize", "the size, in bytes, of one array item", |vm, me| {
            Ok(Value::from_usize(this(me).get(vm).code.size))
        }),
    ])
    .methods(&[
        MethodDef::method("append", "($self, v, /)", "Append new value v to the end of the array.", F2(change::append)),
        MethodDef::method(
            "buffer_info",
            "($self, /)",
            "Return a tuple (address, length) giving the current memory address and the length in items of the buffer.",
            F1(|vm, me| {
                let a = this(me).get(vm);
                Ok(Tuple::of([Value::from_usize(a.data.as_ptr() as usize), Value::from_usize(a.len())]).into())
            }),
        ),
        MethodDef::method("byteswap", "($self, /)", "Swap the bytes of each item.", F1(change::byteswap)),
        MethodDef::method("clear", "($self, /)", "Remove all items from the array.", F1(change::clear)),
        MethodDef::method("__copy__", "($self, /)", "Return a copy of the array.", F1(copy)),
        MethodDef::method(
            "__deepcopy__",
            "($self, unused, /)",
            "Return a copy of the array.",
            F2(|vm, me, _| copy(vm, me)),
        ),
        MethodDef::method("count", "($self, v, /)", "Return number of occurrences of v in the array.", F2(count)),
        MethodDef::method("extend", "($self, bb, /)", "Append items to the end of the array.", F2(change::extend)),
        MethodDef::method(
            "fromfile",
            "($self, f, n, /)",
            "Append n values in machine format, read from a binary file.",
            F3(change::from_file),
        ),
        MethodDef::method("fromlist", "($self, list, /)", "Append items to array from list.", F2(change::from_list)),
        MethodDef::method(
            "frombytes",
            "($self, buffer, /)",
            "Append items from the buffer, in the machine's form.",
            F2(change::from_bytes),
        ),
        MethodDef::method(
            "fromunicode",
            "($self, ustr, /)",
            "Extend a unicode array with the characters of a string.",
            F2(change::from_unicode),
        ),
        MethodDef::method(
            "index",
            "($self, v, start=0, stop=sys.maxsize, /)",
            "Return index of first occurrence of v in the array.",
            V(index),
        ),
        MethodDef::method("insert", "($self, i, v, /)", "Insert a new item v before position i.", F3(change::insert)),
        MethodDef::method("pop", "($self, i=-1, /)", "Return the i-th element and delete it.", N(change::pop)),
        MethodDef::method(
            "__reduce_ex__",
            "($self, value, /)",
            "Return state information for pickling.",
            F2(pickle::reduce),
        ),
        MethodDef::method("remove", "($self, v, /)", "Remove the first occurrence of v.", F2(change::remove)),
        MethodDef::method("reverse", "($self, /)", "Reverse the order of the items.", F1(change::reverse)),
        MethodDef::method("tofile", "($self, f, /)", "Write all items to the file object f.", F2(change::to_file)),
        MethodDef::method(
            "tolist",
            "($self, /)",
            "Convert array to an ordinary list with the same items.",
            F1(to_list),
        ),
        MethodDef::method(
            "tobytes",
            "($self, /)",
            "Convert the array to the bytes of its machine values.",
            F1(|vm, me| Ok(Bytes::from_slice(&this(me).get(vm).data).into())),
        ),
        MethodDef::method("tounicode", "($self, /)", "Convert a unicode array to a string.", F1(to_unicode)),
        MethodDef::method(
            "__sizeof__",
            "($self, /)",
            "Size of the array in memory, in bytes.",
            F1(|vm, me| Ok(Value::from_usize(64 + this(me).get(vm).data.capacity()))),
        ),
        MethodDef::class("__class_getitem__", "($type, object, /)", "See PEP 585", F2(class_getitem)),
    ]);

/// The array that a method is called on.
fn this(me: &Value) -> &Py<Array> {
    me.downcast::<Array>().expect("a method of array is called on an array")
}

/// A new array.
fn make(code: Code, bytes: Vec<u8>) -> Value {
    instance::new(Array { code, data: Buf::from(bytes), exports: 0 }).into()
}

fn export(vm: &mut Vm, me: &Value) -> Buffer {
    let array = this(me).get_mut(vm);
    array.exports += 1;
    let (len, size) = (array.len(), array.code.size);
    let (ptr, bytes) = (array.data.as_ptr().cast_mut(), array.data.len());
    let format = if array.code.letter == b'u' { "w" } else { array.code.text() };
    // SAFETY: the export is counted, so that the memory stays where it is; the view keeps the array alive.
    let mut view = unsafe { Buffer::bytes(me.clone(), ptr, bytes, false, Some(released)) };
    (view.itemsize, view.format) = (size, format.into());
    (view.shape, view.strides) = (vec![len], vec![size as isize]);
    view
}

/// Counts an export down.
fn released(owner: &Value) {
    if let Some(array) = owner.downcast::<Array>() {
        // SAFETY: the GIL is held by whoever drops a view (I1); no borrow of the payload is alive, since views are
        // dropped by native code that holds none.
        unsafe { (*array.payload_ptr()).exports -= 1 }
    }
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    let own_init = std::ptr::eq(class.get_type(), ARRAY.object())
        || class.get_type().payload.slots().init.map(|f| f as usize)
            == ARRAY.object().payload.slots().init.map(|f| f as usize);
    if own_init {
        args.no_keywords(vm, "array.array")?;
    }
    let n = args.len();
    if !(1..=2).contains(&n) {
        let text = if n < 1 { "at least 1 argument" } else { "at most 2 arguments" };
        return Err(vm.type_error(format!("array() takes {text} ({n} given)")));
    }
    let letter = letter_argument(vm, &args.pos()[0])?;
    if letter == u32::from(b'u') {
        let text = "The 'u' type code is deprecated and will be removed in Python 3.16";
        vm.warn(&DEPRECATION_WARNING, text, 1)?;
    }
    let initial = args.get(1);
    let unicode = matches!(u8::try_from(letter), Ok(b'u' | b'w'));
    if let Some(v) = initial.filter(|_| !unicode) {
        let shown = char::from_u32(letter).unwrap_or('\u{fffd}');
        if v.downcast::<Str>().is_some() {
            return Err(vm.type_error(format!("cannot use a str to initialize an array with typecode '{shown}'")));
        }
        if v.downcast::<Array>().is_some_and(|a| a.get(vm).code.is_unicode()) {
            return Err(
                vm.type_error(format!("cannot use a unicode array to initialize an array with typecode '{shown}'"))
            );
        }
    }
    let Some(code) = u8::try_from(letter).ok().and_then(Code::of) else {
        return Err(vm.value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)"));
    };
    let array: Value = instance::new_of(class, Array { code, data: Buf::new(), exports: 0 }).into();
    if let Some(v) = initial {
        fill(vm, &array, code, v)?;
    }
    Ok(array)
}

fn letter_argument(vm: &mut Vm, v: &Value) -> PyResult<u32> {
    match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.at(0)),
        Some(s) => {
            let n = s.len();
            Err(vm.type_error(format!("array() argument 1 must be a unicode character, not a string of length {n}")))
        }
        None => {
            let name = v.class().payload.name();
            Err(vm.type_error(format!("array() argument 1 must be a unicode character, not {name}")))
        }
    }
}

/// Fills a new array from its initializer.
fn fill(vm: &mut Vm, array: &Value, code: Code, from: &Value) -> PyResult<()> {
    if let Some(other) = from.downcast::<Array>().filter(|a| a.get(vm).code == code) {
        let bytes = other.get(vm).data.to_vec();
        this(array).get_mut(vm).data = Buf::from(bytes);
        return Ok(());
    }
    if from.downcast::<Bytes>().is_some() || from.downcast::<ByteArray>().is_some() {
        return change::from_bytes(vm, array, from).map(drop);
    }
    if let (true, Some(s)) = (code.is_unicode(), from.downcast::<Str>()) {
        let bytes = s.code_points().flat_map(u32::to_ne_bytes).collect::<Vec<u8>>();
        this(array).get_mut(vm).data = Buf::from(bytes);
        return Ok(());
    }
    change::extend_from(vm, array, from)
}

// ---- reading --------------------------------------------------------------------------------------------------------

fn item_at(vm: &mut Vm, me: &Value, i: isize) -> PyResult {
    let a = this(me).get(vm);
    let code = a.code;
    match usize::try_from(i).ok().and_then(|i| a.raw(i)) {
        Some(raw) => code.get(vm, &raw),
        None => Err(vm.index_error("array index out of range")),
    }
}

fn subscript(vm: &mut Vm, me: &Value, key: &Value) -> PyResult {
    if let Some(i) = key.as_small() {
        let n = this(me).get(vm).len() as i64;
        return item_at(vm, me, if i < 0 { i + n } else { i } as isize);
    }
    if is_index(key) {
        let i = vm.to_isize(key)?;
        let n = this(me).get(vm).len() as isize;
        return item_at(vm, me, if i < 0 { i + n } else { i });
    }
    let Some(slice) = key.downcast::<Slice>() else { return Err(vm.type_error("array indices must be integers")) };
    let unpacked = slice.unpack(vm)?;
    let a = this(me).get(vm);
    let selected = unpacked.adjust(a.len());
    let mut bytes = Vec::with_capacity(selected.count * a.code.size);
    if selected.step == 1 {
        let start = selected.start as usize;
        bytes.extend_from_slice(&a.data[start * a.code.size..(start + selected.count) * a.code.size]);
    } else {
        selected.iter().for_each(|i| bytes.extend_from_slice(a.bytes_at(i)));
    }
    Ok(make(a.code, bytes))
}

fn copy(vm: &mut Vm, me: &Value) -> PyResult {
    let a = this(me).get(vm);
    Ok(make(a.code, a.data.to_vec()))
}

fn concat(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some(other) = b.downcast::<Array>() else {
        let name = b.class().payload.name();
        return Err(vm.type_error(format!("can only append array (not \"{name}\") to array")));
    };
    let (a, other) = (this(a).get(vm), other.get(vm));
    if a.code != other.code {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    Ok(make(a.code, [&a.data[..], &other.data[..]].concat()))
}

fn repeat(vm: &mut Vm, me: &Value, n: isize) -> PyResult {
    let a = this(me).get(vm);
    let (n, code) = (n.max(0) as usize, a.code);
    match a.data.len().checked_mul(n).filter(|&n| n < isize::MAX as usize / 2) {
        Some(_) => Ok(make(code, a.data.repeat(n))),
        None => Err(vm.raise_with(&taipan_runtime::types::exceptions::MEMORY_ERROR, &[])),
    }
}

/// The first index from `start` on, below `stop`, whose item equals `v`.
fn find(vm: &mut Vm, me: &Value, v: &Value, start: usize, stop: usize) -> PyResult<Option<usize>> {
    let mut i = start;
    while i < stop {
        let a = this(me).get(vm);
        let code = a.code;
        let Some(raw) = a.raw(i) else { return Ok(None) };
        let item = code.get(vm, &raw)?;
        if vm.eq(&item, v)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

fn index(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.no_keywords(vm, "array.array.index")?;
    if !(2..=4).contains(&args.len()) {
        let n = args.len().saturating_sub(1);
        let text = if n < 1 { "at least 1 argument" } else { "at most 3 arguments" };
        return Err(vm.type_error(format!("index expected {text}, got {n}")));
    }
    let (me, v) = (&args.pos()[0], &args.pos()[1]);
    let (start, stop) = search_bounds(vm, &args.pos()[2..], |vm| this(me).get(vm).len())?;
    match find(vm, me, v, start, stop)? {
        Some(i) => Ok(Value::from_usize(i)),
        None => Err(vm.value_error("array.index(x): x not in array")),
    }
}

fn count(vm: &mut Vm, me: &Value, v: &Value) -> PyResult {
    let (mut found, mut from) = (0, 0);
    while let Some(i) = find(vm, me, v, from, usize::MAX)? {
        (found, from) = (found + 1, i + 1);
    }
    Ok(Value::from_usize(found))
}

fn compare(vm: &mut Vm, x: &Value, y: &Value, op: CmpOp) -> PyResult {
    let (Some(a), Some(b)) = (x.downcast::<Array>(), y.downcast::<Array>()) else { return Ok(not_implemented()) };
    let (left, right) = (a.get(vm), b.get(vm));
    if matches!(op, CmpOp::Eq | CmpOp::Ne) && left.len() != right.len() {
        return Ok(boolean(op == CmpOp::Ne));
    }
    if let Some(order) = left.code.compare(right.code, &left.data, &right.data) {
        return Ok(boolean(op.holds(order)));
    }
    let mut i = 0;
    loop {
        let (left, right) = (a.get(vm), b.get(vm));
        let (code, other) = (left.code, right.code);
        let (Some(p), Some(q)) = (left.raw(i), right.raw(i)) else {
            return Ok(boolean(op.holds(left.len().cmp(&right.len()))));
        };
        let (p, q) = (code.get(vm, &p)?, other.get(vm, &q)?);
        if !vm.eq(&p, &q)? {
            return match op {
                CmpOp::Eq => Ok(boolean(false)),
                CmpOp::Ne => Ok(boolean(true)),
                op => vm.compare(&p, &q, op),
            };
        }
        i += 1;
    }
}

fn to_list(vm: &mut Vm, me: &Value) -> PyResult {
    let array = this(me).get(vm);
    let (code, n) = (array.code, array.len());
    let mut items = Vec::with_capacity(n);
    for i in 0..n {
        let Some(raw) = this(me).get(vm).raw(i) else { break };
        items.push(code.get(vm, &raw)?);
    }
    Ok(List::from_vec(items).into())
}

fn to_unicode(vm: &mut Vm, me: &Value) -> PyResult {
    let a = this(me).get(vm);
    if !a.code.is_unicode() {
        return Err(vm.value_error("tounicode() may only be called on unicode type arrays ('u' or 'w')"));
    }
    let bytes = a.data.to_vec();
    if a.code.letter == b'w' {
        return Ok(vm.decode(&bytes, "utf-32-le", "strict")?.into());
    }
    let points: Vec<u32> = bytes.chunks_exact(4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect();
    match points.iter().find(|&&cp| cp > 0x10_ffff) {
        Some(cp) => Err(vm.value_error(format!("character U+{cp:x} is not in range [U+0000; U+10ffff]"))),
        None => Ok(Str::from_code_points(&points).into()),
    }
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let a = this(me).get(vm);
    let (code, n) = (a.code, a.len());
    let name = me.class().payload.name();
    let name = name.rsplit('.').next().unwrap_or(&name).to_owned();
    let letter = code.letter as char;
    if n == 0 {
        return Ok(vm.new_str(&format!("{name}('{letter}')")));
    }
    let items = if code.is_unicode() { to_unicode(vm, me)? } else { to_list(vm, me)? };
    let items = vm.repr(&items)?;
    let open = Str::from_rust(&format!("{name}('{letter}', "));
    Ok(taipan_runtime::types::sequence::join_texts(&[&open, &items, &Str::from_rust(")")]).into())
}

/// Whether two values order one way or the other, for arrays compared bytewise.
type Order = Option<Ordering>;
