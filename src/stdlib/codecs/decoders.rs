//! Bytes to text.

use super::encoders::order;
use super::{errors, pair};
use std::cell::RefCell;
use taipan_base::codecs::{self as base, ByteOrder, DecodedWide, EscapeErrors, InvalidEscape, Mapped};
use taipan_base::text::MAX_CODE_POINT;
use taipan_runtime::object::{PyResult, Raised, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::codecs::errors::{Handling, text_of};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::{DEPRECATION_WARNING, LOOKUP_ERROR};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::with_units;

/// Input, error handler, and whether the input is the last.
struct Input {
    bytes: Vec<u8>,
    errors: String,
    last: bool,
}

fn input(vm: &mut Vm, args: &[Option<Value>], last: Option<usize>) -> PyResult<Input> {
    let bytes = vm.bytes_like(args[0].as_ref().expect("required"))?;
    let errors = errors(vm, args.get(1).and_then(Option::as_ref))?;
    let last = match last.map(|i| args[i].as_ref()) {
        Some(Some(v)) => vm.truth(v)?,
        Some(None) => false,
        None => true,
    };
    Ok(Input { bytes, errors, last })
}

macro_rules! decoders {
    ($($name:ident($last:expr): |$input:ident, $h:ident| $body:expr;)*) => {$(
        pub(super) fn $name(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
            let $input = input(vm, args, $last)?;
            let shared = RefCell::new(vm);
            let mut handling = Handling::decoding(&shared, &$input.errors);
            let $h = &mut handling;
            let (text, consumed) = $body;
            pair(Str::from_text(&text), consumed)
        }
    )*};
}

fn wide(decoded: DecodedWide) -> (taipan_base::text::Text, usize) {
    (decoded.decoded.text, decoded.decoded.consumed)
}

decoders! {
    utf_8(Some(2)): |i, h| {
        let d = base::decode_utf8(&i.bytes, h, i.last)?;
        (d.text, d.consumed)
    };
    utf_7(Some(2)): |i, h| {
        let d = base::decode_utf7(&i.bytes, h, i.last)?;
        (d.text, d.consumed)
    };
    ascii(None): |i, h| (base::decode_ascii(&i.bytes, h)?, i.bytes.len());
    utf_16(Some(2)): |i, h| wide(base::decode_utf16(&i.bytes, None, h, i.last)?);
    utf_16_le(Some(2)): |i, h| wide(base::decode_utf16(&i.bytes, Some(ByteOrder::Little), h, i.last)?);
    utf_16_be(Some(2)): |i, h| wide(base::decode_utf16(&i.bytes, Some(ByteOrder::Big), h, i.last)?);
    utf_32(Some(2)): |i, h| wide(base::decode_utf32(&i.bytes, None, h, i.last)?);
    utf_32_le(Some(2)): |i, h| wide(base::decode_utf32(&i.bytes, Some(ByteOrder::Little), h, i.last)?);
    utf_32_be(Some(2)): |i, h| wide(base::decode_utf32(&i.bytes, Some(ByteOrder::Big), h, i.last)?);
}

pub(super) fn latin_1(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let i = input(vm, args, None)?;
    pair(Str::from_latin1(&i.bytes), i.bytes.len())
}

/// Text, consumed bytes, and the byte order as a sign.
fn with_order(decoded: DecodedWide) -> PyResult {
    let order = match decoded.order {
        None => 0,
        Some(ByteOrder::Little) => -1,
        Some(ByteOrder::Big) => 1,
    };
    let (text, consumed) = wide(decoded);
    Ok(Tuple::of([Str::from_text(&text).into(), Value::from_usize(consumed), Value::small_unchecked(order)]).into())
}

pub(super) fn utf_16_ex(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let i = input(vm, args, Some(3))?;
    let order = order(vm, args[2].as_ref())?;
    let shared = RefCell::new(vm);
    let mut h = Handling::decoding(&shared, &i.errors);
    with_order(base::decode_utf16(&i.bytes, order, &mut h, i.last)?)
}

pub(super) fn utf_32_ex(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let i = input(vm, args, Some(3))?;
    let order = order(vm, args[2].as_ref())?;
    let shared = RefCell::new(vm);
    let mut h = Handling::decoding(&shared, &i.errors);
    with_order(base::decode_utf32(&i.bytes, order, &mut h, i.last)?)
}

/// Bytes with escapes: a text stands for its UTF-8 (`s*` of argument parsing).
fn escaped_input(vm: &mut Vm, args: &[Option<Value>]) -> PyResult<Input> {
    let object = args[0].as_ref().expect("required");
    let bytes = match object.downcast::<Str>() {
        Some(text) => vm.encode(text, "utf-8", "strict")?.as_slice().to_vec(),
        None => vm.bytes_like(object)?,
    };
    let errors = errors(vm, args.get(1).and_then(Option::as_ref))?;
    let last = match args.get(2).and_then(Option::as_ref) {
        Some(v) => vm.truth(v)?,
        None => true,
    };
    Ok(Input { bytes, errors, last })
}

/// Warns about an escape that means nothing.
fn warn_invalid(vm: &mut Vm, invalid: Option<InvalidEscape>) -> PyResult<()> {
    let message = match invalid {
        None => return Ok(()),
        Some(InvalidEscape::Unknown { byte, .. }) => format!("\"\\{}\" is an invalid escape sequence", byte as char),
        Some(InvalidEscape::Octal { value, .. }) => format!("\"\\{value:o}\" is an invalid octal escape sequence"),
    };
    vm.warn(&DEPRECATION_WARNING, &message, 1)
}

pub(super) fn unicode_escape(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let i = escaped_input(vm, args)?;
    let decoded = {
        let shared = RefCell::new(&mut *vm);
        let mut h = Handling::decoding(&shared, &i.errors);
        base::decode_unicode_escape(&i.bytes, &mut h, i.last)?
    };
    warn_invalid(vm, decoded.invalid)?;
    pair(Str::from_text(&decoded.text), decoded.consumed)
}

pub(super) fn raw_unicode_escape(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let i = escaped_input(vm, args)?;
    let shared = RefCell::new(vm);
    let mut h = Handling::decoding(&shared, &i.errors);
    let decoded = base::decode_raw_unicode_escape(&i.bytes, &mut h, i.last)?;
    pair(Str::from_text(&decoded.text), decoded.consumed)
}

pub(super) fn escape(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let i = escaped_input(vm, args)?;
    let errors = match &*i.errors {
        "strict" => EscapeErrors::Strict,
        "replace" => EscapeErrors::Replace,
        "ignore" => EscapeErrors::Ignore,
        other => {
            return Err(vm.value_error(format!("decoding error; unknown error handling code: {other}")));
        }
    };
    match base::decode_byte_escapes(&i.bytes, errors) {
        Ok((bytes, invalid)) => {
            warn_invalid(vm, invalid)?;
            pair(Bytes::from_slice(&bytes), i.bytes.len())
        }
        Err(e) => Err(vm.value_error(e.message())),
    }
}

/// What a mapping says about a byte.
fn mapped(vm: &mut Vm, mapping: &Value, byte: u8) -> Result<Mapped, Raised> {
    let key = Value::small_unchecked(byte.into());
    let found = match mapping.downcast_exact::<Dict>() {
        Some(d) => d.get_item(vm, &key)?,
        None => {
            let found = vm.get_item(mapping, &key);
            vm.suppress(found, &LOOKUP_ERROR)?
        }
    };
    let Some(found) = found.filter(|v| !v.is_none()) else { return Ok(Mapped::Undefined) };
    if let Some(text) = found.downcast::<Str>() {
        if text.len() == 1 && text.at(0) == 0xFFFE {
            return Ok(Mapped::Undefined);
        }
        return Ok(Mapped::Text(text_of(text)));
    }
    match Int::read(&found) {
        Some(i) => match i.to_i64().and_then(|i| u32::try_from(i).ok()).filter(|&c| c <= MAX_CODE_POINT) {
            Some(0xFFFE) => Ok(Mapped::Undefined),
            Some(c) => Ok(Mapped::CodePoint(c)),
            None => Err(vm.type_error("character mapping must be in range(0x110000)")),
        },
        None => Err(vm.type_error("character mapping must return integer, None or str")),
    }
}

pub(super) fn charmap(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let i = input(vm, &args[..2], None)?;
    let Some(mapping) = args[2].as_ref().filter(|m| !m.is_none()) else {
        return pair(Str::from_latin1(&i.bytes), i.bytes.len());
    };
    let shared = RefCell::new(vm);
    let mut h = Handling::decoding(&shared, &i.errors);
    let text = match mapping.downcast_exact::<Str>() {
        Some(table) => with_units!(table.units(), t => base::decode_charmap_table(&i.bytes, t, &mut h))?,
        None => base::decode_charmap(&i.bytes, &mut h, |byte| mapped(&mut shared.borrow_mut(), mapping, byte))?,
    };
    pair(Str::from_text(&text), i.bytes.len())
}
