//! `memoryview`: a view of another object's memory (`Objects/memoryobject.c`).
//!
//! What exports the memory is asked once; a hidden `managedbuffer` keeps that export for all views made from the first
//! one by slicing, casting and copying. It ends with the last of them.

mod items;
mod iter;
pub mod release;

use crate::object::buffer::{Buffer, BufferRequest};
use crate::object::typedef::{CmpOp, MethodDef, NativeFn::*};
use crate::object::{
    GetSetDef, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none, not_implemented,
};
use crate::types::bytes::Bytes;
use crate::types::bytes::shared::hex_digits;
use crate::types::generic_alias::class_getitem;
use crate::types::int::Int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use items::{get_item, pack, slot_of, unpack};
pub use iter::MEMORY_ITER;
use std::borrow::Cow;

/// Payload of `memoryview`.
pub struct MemoryView {
    /// The view, whose owner is the managed buffer; gone after `release()`.
    pub buffer: Option<Buffer>,
    /// Exported views of this view.
    pub exports: usize,
    /// It may be read, but no further views may be made: `__release_buffer__` is being told of it.
    restricted: bool,
    hash: i64,
}
crate::payload!(MemoryView, MEMORYVIEW,
    traverse(self, visit) { self.buffer.iter().for_each(|b| visit(&b.owner)) },
    clear(self) { drop(self.buffer.take()) });

/// Payload of the object that keeps the export.
pub struct Managed {
    base: Option<Buffer>,
}
crate::payload!(Managed, MANAGED,
    traverse(self, visit) { self.base.iter().for_each(|b| visit(&b.owner)) },
    clear(self) { drop(self.base.take()) });

/// The type of what keeps an export for several views.
pub static MANAGED: TypeDef =
    TypeDef::new::<Managed>("managedbuffer").flags(TypeFlags::HAVE_GC.union(TypeFlags::DISALLOW_INSTANTIATION));

/// `memoryview`.
pub static MEMORYVIEW: TypeDef = TypeDef::new::<MemoryView>("memoryview")
    .doc("A view of the memory of an object that supports the buffer protocol.")
    .signature("(object)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::SEQUENCE).union(TypeFlags::WEAKREFABLE))
    .cpython_size(144, 8)
    .slots(Slots {
        new: Some(new),
        repr: Some(|vm, v| {
            let released = if this(v).get(vm).buffer.is_some() { "" } else { "released " };
            Ok(vm.new_str(&format!("<{released}memory at {:#x}>", v.id())))
        }),
        hash: Some(hash),
        len: Some(|vm, v| {
            let n = view(vm, v)?.shape.first().copied();
            n.ok_or_else(|| vm.type_error("0-dim memory has no length"))
        }),
        richcmp: Some(compare),
        item: Some(get_item),
        subscript: Some(items::subscript),
        set_subscript: Some(items::set_subscript),
        iter: Some(iter::memory_iter),
        buffer: Some(export),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("release", "($self, /)", "Give up the export of the object's memory.", F1(release)),
        MethodDef::method("tobytes", "($self, /, order='C')", "Return the memory as bytes.", N(to_bytes)),
        MethodDef::method(
            "hex",
            "($self, /, sep=<unrepresentable>, bytes_per_sep=1)",
            "Return the memory as hexadecimal digits.",
            N(|vm, args| {
                let me = args[0].as_ref().expect("self");
                let _held = export(vm, me, BufferRequest::READ)?;
                let bytes = bytes_of(vm, me)?;
                let digits = hex_digits(vm, &bytes, args[1].as_ref(), args[2].as_ref())?;
                Ok(Str::from_latin1(&digits).into())
            }),
        ),
        MethodDef::method(
            "tolist",
            "($self, /)",
            "Return the items as a list, of lists where there are several dimensions.",
            F1(items::to_list),
        ),
        MethodDef::method(
            "cast",
            "($self, /, format, shape=<unrepresentable>)",
            "View the memory as items of another format or shape.",
            N(cast),
        ),
        MethodDef::method(
            "toreadonly",
            "($self, /)",
            "Return a view that cannot write.",
            F1(|vm, v| {
                let b = viewable(vm, v)?;
                let mut copy = whole(b);
                copy.readonly = true;
                Ok(of_buffer(copy))
            }),
        ),
        MethodDef::method(
            "count",
            "($self, value, /)",
            "Count the items equal to a value.",
            F2(|vm, me, value| {
                let mut n = 0;
                vm.for_each(me, |vm, item| {
                    n += usize::from(vm.eq(&item, value)?);
                    Ok(true)
                })?;
                Ok(Value::from_usize(n))
            }),
        ),
        MethodDef::method(
            "index",
            "($self, value, start=0, stop=sys.maxsize, /)",
            "Return the position of the first equal item.",
            V(items::index),
        ),
        MethodDef::method(
            "__enter__",
            "($self, /)",
            "",
            F1(|vm, v| {
                view(vm, v)?;
                Ok(v.clone())
            }),
        ),
        MethodDef::method(
            "__exit__",
            "($self, /, *exc_info)",
            "Release the memory.",
            V(|vm, args| match args.get(0) {
                Some(me) => release(vm, me),
                None => Err(vm.type_error("unbound method memoryview.__exit__() needs an argument")),
            }),
        ),
        MethodDef::class(
            "_from_flags",
            "($type, /, object, flags)",
            "Make a view with given buffer flags.",
            N(|vm, args| {
                let request = BufferRequest { writable: vm.to_i64(args[2].as_ref().expect("required"))? & 1 != 0 };
                from_object(vm, args[1].as_ref().expect("required"), request)
            }),
        ),
        MethodDef::class(
            "__class_getitem__",
            "($type, object, /)",
            "memoryview is generic over its items.",
            F2(class_getitem),
        ),
    ])
    .getset(&[
        GetSetDef::get("obj", "The object whose memory is viewed.", |vm, v| {
            let owner = view(vm, v)?.owner.clone();
            let exporter = owner.downcast::<Managed>().and_then(|m| m.get(vm).base.as_ref().map(|b| b.owner.clone()));
            Ok(exporter.map_or_else(none, |e| release::exporter(vm, &e)))
        }),
        GetSetDef::get("nbytes", "The size of the items in bytes.", |vm, v| Ok(Value::from_usize(view(vm, v)?.len))),
        GetSetDef::get("readonly", "Whether the view cannot write.", |vm, v| Ok(boolean(view(vm, v)?.readonly))),
        GetSetDef::get("itemsize", "The size of an item in bytes.", |vm, v| {
            Ok(Value::from_usize(view(vm, v)?.itemsize))
        }),
        GetSetDef::get("format", "The format of an item, in the language of struct.", |vm, v| {
            let f = view(vm, v)?.format.clone();
            Ok(vm.new_str(&f))
        }),
        GetSetDef::get("ndim", "The number of dimensions.", |vm, v| Ok(Value::from_usize(view(vm, v)?.shape.len()))),
        GetSetDef::get("shape", "The number of items in each dimension.", |vm, v| {
            let b = view(vm, v)?;
            Ok(Tuple::from_vec(b.shape.iter().map(|&n| Value::from_usize(n)).collect()).into())
        }),
        GetSetDef::get("strides", "The bytes from one item to the next in each dimension.", |vm, v| {
            let b = view(vm, v)?;
            Ok(Tuple::from_vec(b.strides.iter().map(|&n| Value::small_unchecked(n as i64)).collect()).into())
        }),
        GetSetDef::get("suboffsets", "For images made of pointers; always empty.", |vm, v| {
            view(vm, v)?;
            Ok(Tuple::empty().into())
        }),
        GetSetDef::get("c_contiguous", "Whether the items lie one after the other in C order.", |vm, v| {
            Ok(boolean(view(vm, v)?.is_contiguous()))
        }),
        GetSetDef::get("f_contiguous", "Whether the items lie one after the other in Fortran order.", |vm, v| {
            Ok(boolean(view(vm, v)?.is_fortran_contiguous()))
        }),
        GetSetDef::get("contiguous", "Whether the items lie one after the other.", |vm, v| {
            let b = view(vm, v)?;
            Ok(boolean(b.is_contiguous() || b.is_fortran_contiguous()))
        }),
    ]);

/// The memoryview that a method is called on.
fn this(v: &Value) -> &Py<MemoryView> {
    v.downcast::<MemoryView>().expect("a method of memoryview is called on one")
}

/// The view, unless it was released.
fn view<'a>(vm: &'a mut Vm, v: &'a Value) -> PyResult<&'a Buffer> {
    if this(v).get(vm).buffer.is_none() {
        return Err(vm.value_error("operation forbidden on released memoryview object"));
    }
    Ok(this(v).get(vm).buffer.as_ref().expect("just looked"))
}

/// The view, unless it was released or no view of it may be made.
fn viewable<'a>(vm: &'a mut Vm, v: &'a Value) -> PyResult<&'a Buffer> {
    if this(v).get(vm).restricted {
        return Err(vm.value_error("cannot create new view on restricted memoryview"));
    }
    view(vm, v)
}

/// The words of its variable part in CPython: shape, strides and suboffsets. Nothing for what is no memoryview.
pub fn size_words(vm: &Vm, v: &Value) -> usize {
    let dimensions = |m: &Py<MemoryView>| m.get(vm).buffer.as_ref().map_or(1, |b| b.shape.len());
    v.downcast::<MemoryView>().map_or(0, |m| 3 * dimensions(m))
}

/// The same view once more, sharing the managed buffer.
fn whole(b: &Buffer) -> Buffer {
    Buffer {
        ptr: b.ptr,
        len: b.len,
        readonly: b.readonly,
        itemsize: b.itemsize,
        format: b.format.clone(),
        shape: b.shape.clone(),
        strides: b.strides.clone(),
        owner: b.owner.clone(),
        on_release: None,
    }
}

fn of_buffer(buffer: Buffer) -> Value {
    instance::new(MemoryView { buffer: Some(buffer), exports: 0, restricted: false, hash: -1 }).into()
}

/// A view of the memory of an object.
pub fn from_object(vm: &mut Vm, object: &Value, request: BufferRequest) -> PyResult {
    if object.downcast::<MemoryView>().is_some() {
        let copy = whole(viewable(vm, object)?);
        return Ok(of_buffer(copy));
    }
    if object.class().payload.slots().buffer.is_none() {
        let name = object.class().payload.name();
        return Err(vm.type_error(format!("memoryview: a bytes-like object is required, not '{name}'")));
    }
    let base = vm.buffer(object, request)?;
    Ok(of_export(base))
}

/// The first view of what an object exported.
pub fn of_export(base: Buffer) -> Value {
    let mut first = whole(&base);
    first.owner = instance::new(Managed { base: Some(base) }).into();
    of_buffer(first)
}

fn new(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("memoryview", "(object)");
    let bound = args.bind(vm, &SIGNATURE)?;
    from_object(vm, bound[0].as_ref().expect("required"), BufferRequest::READ)
}

/// The buffer protocol of the view itself.
fn export(vm: &mut Vm, v: &Value, request: BufferRequest) -> PyResult<Buffer> {
    let b = viewable(vm, v)?;
    if request.writable && b.readonly {
        return Err(vm.buffer_error("memoryview: underlying buffer is not writable"));
    }
    let mut out = whole(b);
    out.owner = v.clone();
    out.on_release = Some(|owner| {
        if let Some(m) = owner.downcast::<MemoryView>() {
            // SAFETY: the GIL is held by whoever drops a view (I1); no borrow of the payload is alive then.
            unsafe { (*m.payload_ptr()).exports -= 1 }
        }
    });
    this(v).get_mut(vm).exports += 1;
    Ok(out)
}

fn release(vm: &mut Vm, v: &Value) -> PyResult {
    let exports = this(v).get(vm).exports;
    if exports > 0 {
        let s = if exports == 1 { "" } else { "s" };
        return Err(vm.buffer_error(format!("memoryview has {exports} exported buffer{s}")));
    }
    let gone = this(v).get_mut(vm).buffer.take();
    drop(gone);
    Ok(none())
}

/// The memory in C order.
fn bytes_of(vm: &mut Vm, v: &Value) -> PyResult<Vec<u8>> {
    let b = whole(view(vm, v)?);
    Ok(b.to_vec(vm))
}

fn to_bytes(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let order = match args[1].as_ref().filter(|o| !o.is_none()) {
        None => "C".to_owned(),
        Some(o) => match o.downcast::<Str>() {
            Some(s) => s.to_rust().into_owned(),
            None => {
                let name = o.class().payload.name();
                return Err(vm.type_error(format!("tobytes() argument 'order' must be str or None, not {name}")));
            }
        },
    };
    let b = whole(view(vm, me)?);
    let columns_first = match &*order {
        "C" => false,
        "F" => true,
        "A" => b.is_fortran_contiguous() && !b.is_contiguous(),
        _ => return Err(vm.value_error("order must be 'C', 'F' or 'A'")),
    };
    if !columns_first {
        return Ok(Bytes::from_slice(&b.to_vec(vm)).into());
    }
    let mut out = Vec::with_capacity(b.len);
    let mut at = vec![0; b.shape.len()];
    for _ in 0..b.shape.iter().product() {
        out.extend_from_slice(b.item(&at, vm));
        for (i, n) in at.iter_mut().zip(&b.shape) {
            *i += 1;
            if *i < *n {
                break;
            }
            *i = 0;
        }
    }
    Ok(Bytes::from_slice(&out).into())
}

fn hash(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    let known = this(v).get(vm).hash;
    if known != -1 {
        return Ok(known);
    }
    let b = whole(view(vm, v)?);
    if !b.readonly {
        return Err(vm.value_error("cannot hash writable memoryview object"));
    }
    if !matches!(&*b.format, "B" | "b" | "c" | "@B" | "@b" | "@c") {
        return Err(vm.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
    }
    let exporter = b.owner.downcast::<Managed>().and_then(|m| m.get(vm).base.as_ref().map(|b| b.owner.clone()));
    let _held = export(vm, v, BufferRequest::READ)?;
    if let Some(exporter) = exporter {
        vm.hash(&exporter)?;
    }
    let h = crate::types::hash::hash_bytes(&b.to_vec(vm));
    this(v).get_mut(vm).hash = h;
    Ok(h)
}

fn compare(vm: &mut Vm, a: &Value, other: &Value, op: CmpOp) -> PyResult {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(not_implemented());
    }
    let answer = |same: bool| Ok(boolean(same == (op == CmpOp::Eq)));
    let released = |vm: &Vm, v: &Value| v.downcast::<MemoryView>().is_some_and(|m| m.get(vm).buffer.is_none());
    if released(vm, a) || released(vm, other) {
        return answer(a.is(other));
    }
    if other.class().payload.slots().buffer.is_none() {
        return Ok(not_implemented());
    }
    let x = whole(view(vm, a)?);
    let Ok(y) = vm.buffer(other, BufferRequest::READ) else {
        vm.clear_error();
        return Ok(not_implemented());
    };
    if x.shape != y.shape {
        return answer(false);
    }
    let (Some(sx), Some(sy)) = (slot_of(&x.format), slot_of(&y.format)) else {
        // formats of structures: equal when format and bytes are
        return answer(x.format == y.format && x.to_vec(vm) == y.to_vec(vm));
    };
    let (bx, by) = (x.to_vec(vm), y.to_vec(vm));
    if sx == sy
        && !matches!(
            sx.kind,
            taipan_base::pack::Kind::Float | taipan_base::pack::Kind::Complex | taipan_base::pack::Kind::Bool
        )
    {
        return answer(bx == by);
    }
    for (p, q) in bx.chunks_exact(x.itemsize).zip(by.chunks_exact(y.itemsize)) {
        let (p, q) = (unpack(&sx, p), unpack(&sy, q));
        if !vm.compare_bool(&p, &q, CmpOp::Eq)? {
            return answer(false);
        }
    }
    answer(true)
}

fn cast(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(format), shape] = args else { unreachable!("bound by the signature") };
    let format = vm.expect_str(format, "cast() argument 'format'")?.to_rust().into_owned();
    let b = whole(viewable(vm, me)?);
    if !b.is_contiguous() {
        return Err(vm.type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    let shape = match shape {
        None => None,
        Some(s) => Some(shape_of(vm, s)?),
    };
    if (shape.is_some() || b.shape.len() != 1) && shape.as_ref().map_or(1, Vec::len) != 1 && b.shape.len() != 1 {
        return Err(vm.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
    }
    const NATIVE: &str =
        "memoryview: destination format must be a native single character format prefixed with an optional '@'";
    let Some(slot) = slot_of(&format) else { return Err(vm.value_error(NATIVE)) };
    let is_byte = |f: &str| matches!(f.trim_start_matches('@'), "B" | "b" | "c");
    if !is_byte(&b.format) && !is_byte(&format) {
        return Err(vm.type_error("memoryview: cannot cast between two non-byte formats"));
    }
    if !b.len.is_multiple_of(slot.size) {
        return Err(vm.type_error("memoryview: length is not a multiple of itemsize"));
    }
    let shape = shape.unwrap_or_else(|| vec![b.len / slot.size]);
    if shape.iter().try_fold(slot.size, |p, &n| p.checked_mul(n)) != Some(b.len) {
        return Err(vm.type_error("memoryview: product(shape) * itemsize != buffer size"));
    }
    let owner = b.owner.clone();
    Ok(of_buffer(b.recast(Cow::Owned(format), slot.size, shape, owner)))
}

/// The dimensions that `cast` is given.
fn shape_of(vm: &mut Vm, v: &Value) -> PyResult<Vec<usize>> {
    if v.downcast::<List>().is_none() && v.downcast::<Tuple>().is_none() {
        return Err(vm.type_error("shape must be a list or a tuple"));
    }
    let mut shape = Vec::new();
    for item in vm.collect(v)? {
        let Some(i) = Int::read(&item) else {
            return Err(vm.type_error("memoryview.cast(): elements of shape must be integers"));
        };
        match i.to_i64().filter(|&i| i > 0) {
            Some(i) => shape.push(i as usize),
            None => return Err(vm.value_error("memoryview.cast(): elements of shape must be integers > 0")),
        }
    }
    if shape.len() > 64 {
        return Err(vm.value_error("memoryview: number of dimensions must not exceed 64"));
    }
    Ok(shape)
}

/// Writes one value into the item at these indices.
fn store(vm: &mut Vm, b: &Buffer, at: &[usize], value: &Value) -> PyResult<()> {
    let Some(slot) = slot_of(&b.format) else {
        let format = b.format.clone();
        return Err(vm.not_implemented_error(format!("memoryview: unsupported format {format}")));
    };
    let mut bytes = vec![0; b.itemsize];
    pack(vm, &slot, &mut bytes, value)?;
    b.item_mut(at, vm).copy_from_slice(&bytes);
    Ok(())
}
