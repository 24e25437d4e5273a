//! `UnicodeEncodeError`, `UnicodeDecodeError`, `UnicodeTranslateError`: what could not be converted, and where.

use super::table::Family;
use super::{BaseException, base, exception};
use crate::object::buffer::BufferRequest;
use crate::object::typedef::GetSetDef;
use crate::object::{Py, PyResult, Raised, Slots, TypeDef, Value};
use crate::types::bytes::Bytes;
use crate::types::int::Int;
use crate::types::str::Str;
use crate::vm::Vm;
use crate::vm::args::Args;

/// `encoding`
pub const ENCODING: usize = 0;
/// `object`
pub const OBJECT: usize = 1;
/// `start`: first item that failed.
pub const START: usize = 2;
/// `end`: item after the last that failed.
pub const END: usize = 3;
/// `reason`
pub const REASON: usize = 4;

const ATTRIBUTES: &[GetSetDef] = &[
    base::member::<ENCODING>("encoding", "exception encoding"),
    base::member::<OBJECT>("object", "exception object"),
    GetSetDef {
        name: "start",
        doc: "exception start",
        get: get_index::<START>,
        set: Some(set_index::<START>),
        member: true,
    },
    GetSetDef { name: "end", doc: "exception end", get: get_index::<END>, set: Some(set_index::<END>), member: true },
    base::member::<REASON>("reason", "exception reason"),
];

const fn family(init: crate::object::typedef::InitFn, str: crate::object::typedef::UnaryFn) -> Family {
    Family {
        slots: Slots { new: Some(base::new), init: Some(init), str: Some(str), ..Slots::NONE },
        methods: &[],
        getset: ATTRIBUTES,
        size: 112,
    }
}

/// `UnicodeEncodeError`
pub const ENCODE_FAMILY: Family = family(init_encode, str_encode);
/// `UnicodeDecodeError`
pub const DECODE_FAMILY: Family = family(init_decode, str_decode);
/// `UnicodeTranslateError`
pub const TRANSLATE_FAMILY: Family = family(init_translate, str_translate);

fn get_index<const I: usize>(vm: &mut Vm, v: &Value) -> PyResult {
    Ok(exception(v).field(vm, I).unwrap_or(Value::small_unchecked(0)))
}

fn set_index<const I: usize>(vm: &mut Vm, v: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("can't delete numeric/char attribute")) };
    let Some(n) = Int::read(value) else { return Err(vm.type_error("an integer is required")) };
    let Some(n) = n.to_i64() else { return Err(vm.overflow_error("Python int too large to convert to C ssize_t")) };
    exception(v).set_field(vm, I, Some(Int::from_i64(n)));
    Ok(())
}

/// What an argument of the initialisers is.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Index,
    Any,
}

/// Sets fields `first ..` from the arguments, one for each kind.
fn fill(vm: &mut Vm, v: &Value, args: &Args<'_>, first: usize, kinds: &[Kind]) -> PyResult<()> {
    base::init(vm, v, args)?;
    if args.len() != kinds.len() {
        return Err(vm.type_error(format!("function takes exactly {} arguments ({} given)", kinds.len(), args.len())));
    }
    let mut values = Vec::with_capacity(kinds.len());
    for (i, (kind, arg)) in kinds.iter().zip(args.pos()).enumerate() {
        values.push(match kind {
            Kind::Any => arg.clone(),
            Kind::Text if arg.downcast::<Str>().is_some() => arg.clone(),
            Kind::Text => {
                let name = arg.class().payload.name();
                return Err(vm.type_error(format!("argument {} must be str, not {name}", i + 1)));
            }
            Kind::Index => {
                let n = vm.index(arg)?;
                match Int::read(&n).and_then(|n| n.to_i64()) {
                    Some(n) => Int::from_i64(n),
                    None => return Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
                }
            }
        });
    }
    for (i, value) in values.into_iter().enumerate() {
        exception(v).set_field(vm, first + i, Some(value));
    }
    Ok(())
}

fn init_encode(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    fill(vm, v, args, ENCODING, &[Kind::Text, Kind::Text, Kind::Index, Kind::Index, Kind::Text])
}

fn init_decode(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    fill(vm, v, args, ENCODING, &[Kind::Text, Kind::Any, Kind::Index, Kind::Index, Kind::Text])?;
    if let Some(object) = exception(v).field(vm, OBJECT) {
        if object.downcast::<Bytes>().is_none() {
            exception(v).set_field(vm, OBJECT, None);
            let bytes = vm.buffer(&object, BufferRequest::READ)?.to_vec(vm);
            exception(v).set_field(vm, OBJECT, Some(Bytes::from_slice(&bytes).into()));
        }
    }
    Ok(())
}

fn init_translate(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    fill(vm, v, args, OBJECT, &[Kind::Text, Kind::Index, Kind::Index, Kind::Text])
}

/// A field as text; an absent one shows as `<NULL>`.
fn text_of(vm: &mut Vm, e: &Py<BaseException>, field: usize) -> PyResult<String> {
    match e.field(vm, field) {
        Some(v) => Ok(vm.str(&v)?.to_rust().into_owned()),
        None => Ok("<NULL>".to_owned()),
    }
}

fn index_of(vm: &Vm, e: &Py<BaseException>, field: usize) -> i64 {
    e.field(vm, field).and_then(|v| Int::read(&v).and_then(|n| n.to_i64())).unwrap_or(0)
}

/// The message: about one item, which `one` describes, or about a range of `many`.
fn describe(
    vm: &mut Vm,
    e: &Py<BaseException>,
    length: usize,
    what: &str,
    many: &str,
    one: impl FnOnce(usize) -> String,
) -> PyResult {
    let (start, end) = (index_of(vm, e, START), index_of(vm, e, END));
    let reason = text_of(vm, e, REASON)?;
    let single = start >= 0 && (start as usize) < length && end == start.wrapping_add(1);
    let text = if single {
        format!("{what} {} in position {start}: {reason}", one(start as usize))
    } else {
        format!("{what} {many} in position {start}-{}: {reason}", end.wrapping_sub(1))
    };
    Ok(vm.new_str(&text))
}

/// The code point as the messages write it.
fn escaped(c: u32) -> String {
    match c {
        0..=0xff => format!("character '\\x{c:02x}'"),
        0x100..=0xffff => format!("character '\\u{c:04x}'"),
        _ => format!("character '\\U{c:08x}'"),
    }
}

fn text_object(vm: &mut Vm, e: &Py<BaseException>) -> PyResult<Option<Py<Str>>> {
    match e.field(vm, OBJECT).map(Value::into_py::<Str>) {
        None => Ok(None),
        Some(Ok(s)) => Ok(Some(s)),
        Some(Err(_)) => Err(vm.type_error("UnicodeError 'object' attribute must be a string")),
    }
}

fn str_encode(vm: &mut Vm, v: &Value) -> PyResult {
    let e = exception(v);
    let Some(s) = text_object(vm, e)? else { return Ok(vm.new_str("")) };
    let what = format!("'{}' codec can't encode", text_of(vm, e, ENCODING)?);
    describe(vm, e, s.len(), &what, "characters", |i| escaped(s.at(i)))
}

fn str_decode(vm: &mut Vm, v: &Value) -> PyResult {
    let e = exception(v);
    let bytes = match e.field(vm, OBJECT).map(Value::into_py::<Bytes>) {
        None => return Ok(vm.new_str("")),
        Some(Ok(b)) => b,
        Some(Err(_)) => return Err(vm.type_error("UnicodeError 'object' attribute must be a bytes")),
    };
    let what = format!("'{}' codec can't decode", text_of(vm, e, ENCODING)?);
    let data = bytes.as_slice();
    describe(vm, e, data.len(), &what, "bytes", |i| format!("byte 0x{:02x}", data[i]))
}

fn str_translate(vm: &mut Vm, v: &Value) -> PyResult {
    let e = exception(v);
    let Some(s) = text_object(vm, e)? else { return Ok(vm.new_str("")) };
    describe(vm, e, s.len(), "can't translate", "characters", |i| escaped(s.at(i)))
}

/// The range that an error is about, kept inside an object of `length` items: `start` below the length, `end` after
/// `start` (`PyUnicodeEncodeError_GetStart` and `_GetEnd`).
pub fn fixed_range(vm: &Vm, e: &Py<BaseException>, length: usize) -> (usize, usize) {
    let n = length as i64;
    let start = index_of(vm, e, START).clamp(0, (n - 1).max(0));
    let end = index_of(vm, e, END).clamp(1.min(n), n.max(0));
    (start as usize, end as usize)
}

impl Vm {
    /// A `UnicodeEncodeError` about code points `start..end` of `object`, not raised.
    pub fn new_encode_error(
        &mut self,
        encoding: &str,
        object: &Py<Str>,
        start: usize,
        end: usize,
        reason: &str,
    ) -> PyResult {
        let object = object.as_value().clone();
        new_error(self, &super::UNICODE_ENCODE_ERROR, Some(encoding), object, start, end, reason)
    }

    /// Raises `UnicodeEncodeError` about code points `start..end` of `object`.
    #[cold]
    pub fn unicode_encode_error(
        &mut self,
        encoding: &str,
        object: &Py<Str>,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Raised {
        match self.new_encode_error(encoding, object, start, end, reason) {
            Ok(e) => self.raise(e),
            Err(r) => r,
        }
    }

    /// A `UnicodeDecodeError` about bytes `start..end` of `object`, not raised.
    pub fn new_decode_error(
        &mut self,
        encoding: &str,
        object: &[u8],
        start: usize,
        end: usize,
        reason: &str,
    ) -> PyResult {
        let object = Bytes::from_slice(object).into();
        new_error(self, &super::UNICODE_DECODE_ERROR, Some(encoding), object, start, end, reason)
    }

    /// Raises `UnicodeDecodeError` about bytes `start..end` of `object`.
    #[cold]
    pub fn unicode_decode_error(
        &mut self,
        encoding: &str,
        object: &[u8],
        start: usize,
        end: usize,
        reason: &str,
    ) -> Raised {
        match self.new_decode_error(encoding, object, start, end, reason) {
            Ok(e) => self.raise(e),
            Err(r) => r,
        }
    }

    /// A `UnicodeTranslateError` about code points `start..end` of `object`, not raised.
    pub fn new_translate_error(&mut self, object: &Py<Str>, start: usize, end: usize, reason: &str) -> PyResult {
        let object = object.as_value().clone();
        new_error(self, &super::UNICODE_TRANSLATE_ERROR, None, object, start, end, reason)
    }
}

fn new_error(
    vm: &mut Vm,
    class: &'static TypeDef,
    encoding: Option<&str>,
    object: Value,
    start: usize,
    end: usize,
    reason: &str,
) -> PyResult {
    let mut args: Vec<Value> = encoding.map(|e| vm.new_str(e)).into_iter().collect();
    args.extend([object, Value::from_usize(start), Value::from_usize(end), vm.new_str(reason)]);
    super::instantiate(vm, class, &args)
}
