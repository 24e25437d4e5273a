//! `_struct` (`Modules/_struct.c`): values packed in bytes by format strings. The formats are `taipan_base::pack`.

use crate::error_class::ErrorClass;
use taipan_base::pack::{Format, Kind, PackError, Slot, Unpacked};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, boolean, none,
};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::complex::{Complex, to_complex};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::{EXCEPTION, TYPE_ERROR};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

static ERROR: ErrorClass = ErrorClass::new("struct", "error", &EXCEPTION);

/// The functions that work on a format. In the module the format is the first argument, in `Struct` it is the object's.
macro_rules! on_formats {
    ($make:path, $first:literal, $qualifier:literal, $format:path $(, $more:expr)*) => { &[
        $($more,)*
        $make("pack", concat!("(", $first, "/, *values)"), "Pack values into bytes.",
            V(|vm, args| with_values(vm, args, concat!($qualifier, ".pack"), $format, pack))),
        $make("pack_into", concat!("(", $first, "buffer, offset, /, *values)"), "Pack values into a buffer at an offset.",
            V(|vm, args| with_values(vm, args, concat!($qualifier, ".pack_into"), $format, pack_into))),
        $make("unpack", concat!("(", $first, "buffer, /)"), "Unpack the values of a buffer.",
            F2(|vm, f, b| $format(vm, f).and_then(|f| unpack(vm, &f, b)))),
        $make("unpack_from", concat!("(", $first, "/, buffer, offset=0)"), "Unpack values of a buffer from an offset on.",
            N(|vm, args| with_offset(vm, args, $format))),
        $make("iter_unpack", concat!("(", $first, "buffer, /)"), "Unpack one structure of a buffer after another.",
            F2(|vm, f, b| $format(vm, f).and_then(|f| iter_unpack(vm, f, b)))),
    ] };
}

/// How a function comes by its format.
type FormatOf = fn(&mut Vm, &Value) -> PyResult<Format>;

fn with_values(
    vm: &mut Vm,
    args: &Args<'_>,
    name: &str,
    format: FormatOf,
    f: fn(&mut Vm, &Format, &[Value]) -> PyResult,
) -> PyResult {
    args.no_keywords(vm, name)?;
    let Some(first) = args.get(0) else { return Err(vm.type_error("missing format argument")) };
    let format = format(vm, first)?;
    f(vm, &format, &args.pos()[1..])
}

fn with_offset(vm: &mut Vm, args: &[Option<Value>], format: FormatOf) -> PyResult {
    let [Some(first), Some(buffer), offset] = args else { unreachable!("bound by the signature") };
    let format = format(vm, first)?;
    unpack_from(vm, &format, buffer, offset.as_ref())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_struct")
    .doc("Conversion between values and C structures in bytes.")
    .types(&[&STRUCT, &UNPACK_ITERATOR])
    .init(init)
    .functions(on_formats!(
        MethodDef::function,
        "$module, format, ",
        "_struct",
        argument,
        MethodDef::function("_clearcache", "($module)", "Clear the internal cache.", F0(|_| Ok(none()))),
        MethodDef::function(
            "calcsize",
            "($module, format, /)",
            "Return the size of the packed bytes.",
            F1(|vm, f| Ok(Value::from_usize(argument(vm, f)?.size())))
        )
    ));

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let class = ERROR.get(vm)?;
    dict.store_text("error", class);
    dict.remove_str(&vm.intern("unpack_iterator"));
    Ok(())
}

/// Payload of `Struct`.
pub struct Struct {
    format: Format,
    text: Py<Str>,
}
taipan_runtime::payload!(Struct, STRUCT,
    traverse(self, visit) { visit(self.text.as_value()) },
    clear(self) {});

/// The type of compiled formats.
pub static STRUCT: TypeDef = TypeDef::new::<Struct>("_struct.Struct")
    .doc("A compiled format.")
    .signature("(format)")
    .flags(TypeFlags::BASETYPE.union(TypeFlags::HAVE_GC))
    .cpython_size(48, 0)
    .slots(Slots { new: Some(new), init: Some(|_, _, _| Ok(())), repr: Some(repr), ..Slots::NONE })
    .methods(on_formats!(MethodDef::method, "$self, ", "Struct", of))
    .getset(&[
        GetSetDef::get("format", "The format string.", |_, me| Ok(this(me).text.as_value().clone())),
        GetSetDef::get("size", "The size of the packed bytes.", |vm, me| Ok(Value::from_usize(of(vm, me)?.size()))),
    ]);

impl taipan_runtime::object::Frozen for Struct {}

fn this(me: &Value) -> &Py<Struct> {
    me.downcast::<Struct>().expect("a method of Struct is called on one")
}

fn of(_: &mut Vm, me: &Value) -> PyResult<Format> {
    Ok(this(me).format.clone())
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("Struct", "(format)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let (format, text) = parsed(vm, bound[0].as_ref().expect("required"))?;
    Ok(taipan_runtime::object::instance::new_of(class, Struct { format, text }).into())
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let text = vm.repr(this(me).text.as_value())?;
    let name = me.class().payload.name();
    let name = name.rsplit('.').next().unwrap_or(&name);
    Ok(vm.new_str(&format!("{name}({})", text.to_rust())))
}

fn argument(vm: &mut Vm, v: &Value) -> PyResult<Format> {
    Ok(parsed(vm, v)?.0)
}

/// The format of a str or bytes argument.
fn parsed(vm: &mut Vm, v: &Value) -> PyResult<(Format, Py<Str>)> {
    let bytes = if let Some(s) = v.downcast::<Str>() {
        vm.encode(s, "ascii", "strict")?.as_slice().to_vec()
    } else if let Some(b) = v.downcast::<Bytes>() {
        b.as_slice().to_vec()
    } else {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("Struct() argument 1 must be a str or bytes object, not {name}")));
    };
    match Format::parse(&bytes) {
        Ok(format) => Ok((format, Str::from_latin1(&bytes))),
        Err(e) => Err(ERROR.raise(vm, e.message())),
    }
}

fn pack_error(vm: &mut Vm, e: PackError) -> Raised {
    if e.is_overflow() { vm.overflow_error(e.message()) } else { ERROR.raise(vm, &e.message()) }
}

/// Writes one value at its place.
fn put(vm: &mut Vm, slot: &Slot, out: &mut [u8], v: &Value) -> PyResult<()> {
    match slot.kind {
        Kind::Pad => {}
        Kind::Bool => slot.pack_bool(out, vm.truth(v)?),
        Kind::Signed | Kind::Unsigned | Kind::Pointer => {
            if Int::read(v).is_none() && v.class().payload.slots().index.is_none() {
                return Err(ERROR.raise(vm, "required argument is not an integer"));
            }
            let i = vm.index(v)?;
            let done = match Int::read(&i) {
                Some(taipan_runtime::types::int::IntRef::Small(i)) => slot.pack_i64(out, i),
                Some(i) => slot.pack_int(out, &i.to_big()),
                None => slot.pack_i64(out, 0),
            };
            done.map_err(|e| pack_error(vm, e))?;
        }
        Kind::Float => {
            let Ok(x) = vm.to_f64(v) else {
                vm.clear_error();
                return Err(ERROR.raise(vm, "required argument is not a float"));
            };
            slot.pack_float(out, x).map_err(|e| pack_error(vm, e))?;
        }
        Kind::Complex => {
            let Ok((re, im)) = to_complex(vm, v) else {
                vm.clear_error();
                return Err(ERROR.raise(vm, "required argument is not a complex"));
            };
            let z = taipan_base::float::complex::Complex { re, im };
            slot.pack_complex(out, z).map_err(|e| pack_error(vm, e))?;
        }
        Kind::Char | Kind::Bytes | Kind::Pascal => {
            let bytes = if v.downcast::<Bytes>().is_some()
                || (slot.kind != Kind::Char && v.downcast::<ByteArray>().is_some())
            {
                Some(vm.bytes_like(v)?)
            } else {
                None
            };
            match bytes {
                Some(b) if slot.kind != Kind::Char || b.len() == 1 => slot.pack_bytes(out, &b),
                _ if slot.kind == Kind::Char => {
                    return Err(ERROR.raise(vm, "char format requires a bytes object of length 1"));
                }
                _ => {
                    let letter = slot.letter as char;
                    return Err(ERROR.raise(vm, &format!("argument for '{letter}' must be a bytes object")));
                }
            }
        }
    }
    Ok(())
}

fn packed(vm: &mut Vm, format: &Format, values: &[Value], name: &str) -> PyResult<Vec<u8>> {
    if values.len() != format.count() {
        let (n, got) = (format.count(), values.len());
        return Err(ERROR.raise(vm, &format!("{name} expected {n} items for packing (got {got})")));
    }
    vm.room_for(format.size())?;
    let mut out = vec![0; format.size()];
    for (slot, v) in format.slots().zip(values) {
        put(vm, &slot, &mut out, v)?;
    }
    Ok(out)
}

fn pack(vm: &mut Vm, format: &Format, values: &[Value]) -> PyResult {
    Ok(Bytes::from_slice(&packed(vm, format, values, "pack")?).into())
}

fn pack_into(vm: &mut Vm, format: &Format, args: &[Value]) -> PyResult {
    let Some(buffer) = args.first() else { return Err(ERROR.raise(vm, "pack_into expected buffer argument")) };
    let Some(offset) = args.get(1) else { return Err(ERROR.raise(vm, "pack_into expected offset argument")) };
    let (values, size) = (&args[2..], format.size() as isize);
    if values.len() != format.count() {
        let (n, got) = (format.count(), values.len());
        return Err(ERROR.raise(vm, &format!("pack_into expected {n} items for packing (got {got})")));
    }
    let mut view = match vm.buffer(buffer, BufferRequest::WRITE) {
        Ok(view) if !view.readonly && view.is_contiguous() => view,
        Err(r) if !vm.error_is(&TYPE_ERROR) && !vm.error_is(&taipan_runtime::types::exceptions::BUFFER_ERROR) => {
            return Err(r);
        }
        _ => {
            vm.clear_error();
            let name = buffer.class().payload.name();
            return Err(vm.type_error(format!("argument must be read-write bytes-like object, not {name}")));
        }
    };
    let mut at = ssize_arg(vm, offset)?;
    let len = view.len as isize;
    if at < 0 {
        if at + size > 0 {
            return Err(ERROR.raise(vm, &format!("no space to pack {size} bytes at offset {at}")));
        }
        if at + len < 0 {
            return Err(ERROR.raise(vm, &format!("offset {at} out of range for {len}-byte buffer")));
        }
        at += len;
    }
    if len - at < size {
        let need = at.saturating_add(size);
        return Err(ERROR.raise(vm, &format!(
            "pack_into requires a buffer of at least {need} bytes for packing {size} bytes at offset {at} (actual buffer size is {len})"
        )));
    }
    let bytes = packed(vm, format, values, "pack_into")?;
    view.as_mut_slice(vm)[at as usize..(at + size) as usize].copy_from_slice(&bytes);
    Ok(none())
}

/// The values of one structure.
fn values(format: &Format, bytes: &[u8]) -> Value {
    let items = format.slots().map(|slot| match slot.unpack(bytes) {
        Unpacked::Bytes(b) => Bytes::from_slice(b).into(),
        Unpacked::Bool(b) => boolean(b),
        Unpacked::Signed(i) => Int::from_i64(i),
        Unpacked::Unsigned(i) => Int::from_u64(i),
        Unpacked::Float(x) => Float::new(x),
        Unpacked::Complex(z) => Complex::new(z.re, z.im),
    });
    Tuple::from_vec(items.collect()).into()
}

fn unpack(vm: &mut Vm, format: &Format, buffer: &Value) -> PyResult {
    let bytes = vm.bytes_like(buffer)?;
    if bytes.len() != format.size() {
        return Err(ERROR.raise(vm, &format!("unpack requires a buffer of {} bytes", format.size())));
    }
    Ok(values(format, &bytes))
}

fn unpack_from(vm: &mut Vm, format: &Format, buffer: &Value, offset: Option<&Value>) -> PyResult {
    let view = vm.buffer(buffer, BufferRequest::READ)?;
    let mut at = match offset {
        Some(v) => ssize_arg(vm, v)?,
        None => 0,
    };
    let (size, len) = (format.size() as isize, view.len as isize);
    if at < 0 {
        if at + size > 0 {
            return Err(ERROR.raise(vm, &format!("not enough data to unpack {size} bytes")));
        }
        if at + len < 0 {
            return Err(ERROR.raise(vm, &format!("offset {at} out of range for {len}-byte buffer")));
        }
        at += len;
    }
    if len - at < size {
        let need = at.saturating_add(size);
        return Err(ERROR.raise(vm, &format!(
            "unpack_from requires a buffer of at least {need} bytes for unpacking {size} bytes at offset {at} (actual buffer size is {len})"
        )));
    }
    if view.is_contiguous() {
        return Ok(values(format, &view.as_slice(vm)[at as usize..(at + size) as usize]));
    }
    Ok(values(format, &view.to_vec(vm)[at as usize..(at + size) as usize]))
}

/// Payload of the iterator of `iter_unpack`.
pub struct UnpackIterator {
    format: Format,
    buffer: Option<Buffer>,
    at: usize,
}
taipan_runtime::payload!(UnpackIterator, UNPACK_ITERATOR,
    traverse(self, visit) { self.buffer.iter().for_each(|b| visit(&b.owner)) },
    clear(self) { drop(self.buffer.take()) });

/// The type of iterators over structures.
pub static UNPACK_ITERATOR: TypeDef = TypeDef::new::<UnpackIterator>("_struct.unpack_iterator")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION))
    .slots(Slots { iter: Some(|_, me| Ok(me.clone())), next: Some(next), ..Slots::NONE })
    .methods(&[MethodDef::method(
        "__length_hint__",
        "($self, /)",
        "How many structures are left.",
        F1(|vm, me| {
            let it = iterator(me).get(vm);
            let left = it.buffer.as_ref().map_or(0, |b| (b.len - it.at) / it.format.size());
            Ok(Value::from_usize(left))
        }),
    )]);

fn iterator(me: &Value) -> &Py<UnpackIterator> {
    me.downcast::<UnpackIterator>().expect("a method of unpack_iterator is called on one")
}

fn iter_unpack(vm: &mut Vm, format: Format, buffer: &Value) -> PyResult {
    let size = format.size();
    if size == 0 {
        return Err(ERROR.raise(vm, "cannot iteratively unpack with a struct of length 0"));
    }
    let view = vm.buffer(buffer, BufferRequest::READ)?;
    if view.len % size != 0 {
        return Err(ERROR.raise(vm, &format!("iterative unpacking requires a buffer of a multiple of {size} bytes")));
    }
    Ok(taipan_runtime::object::instance::new(UnpackIterator { format, buffer: Some(view), at: 0 }).into())
}

fn next(vm: &mut Vm, me: &Value) -> PyResult<Option<Value>> {
    let it = iterator(me).get(vm);
    let Some(view) = &it.buffer else { return Ok(None) };
    let end = it.at + it.format.size();
    if end > view.len {
        let gone = iterator(me).get_mut(vm).buffer.take();
        drop(gone);
        return Ok(None);
    }
    let found = values(&it.format, &view.as_slice(vm)[it.at..end]);
    iterator(me).get_mut(vm).at = end;
    Ok(Some(found))
}
