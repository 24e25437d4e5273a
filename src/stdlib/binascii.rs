//! `binascii` (`Modules/binascii.c`): binary data as ASCII text. The algorithms are `taipan_base::binascii`.

use crate::error_class::ErrorClass;
use taipan_base::binascii as base;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::bytes::hex_digits;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::{EXCEPTION, VALUE_ERROR};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

static ERROR: ErrorClass = ErrorClass::new("binascii", "Error", &VALUE_ERROR);
static INCOMPLETE: ErrorClass = ErrorClass::new("binascii", "Incomplete", &EXCEPTION);

macro_rules! function {
    ($name:literal, $signature:literal, $doc:literal, $f:expr) => {
        MethodDef::function($name, concat!("($module, ", $signature, ")"), $doc, $f)
    };
}

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("binascii").doc("Conversion between binary data and ASCII").init(init).functions(&[
        function!(
            "a2b_base64",
            "data, /, *, strict_mode=False",
            "Decode a line of base64 data.",
            N(|vm, args| {
                let data = ascii(vm, args[0].as_ref())?;
                let strict = flag(vm, args[1].as_ref(), false)?;
                match base::decode_base64(&data, strict) {
                    Ok(bytes) => bytes_object(&bytes),
                    Err(e) => Err(ERROR.raise(vm, &e.message())),
                }
            })
        ),
        function!(
            "b2a_base64",
            "data, /, *, newline=True",
            "Base64-code a line of data.",
            N(|vm, args| {
                let data = binary(vm, args[0].as_ref())?;
                let newline = flag(vm, args[1].as_ref(), true)?;
                bytes_object(&base::encode_base64(&data, newline))
            })
        ),
        function!("a2b_hex", "hexstr, /", "Binary data of pairs of hexadecimal digits.", F1(unhexlify)),
        function!("unhexlify", "hexstr, /", "Binary data of pairs of hexadecimal digits.", F1(unhexlify)),
        function!(
            "b2a_hex",
            "data, sep=<unrepresentable>, bytes_per_sep=1",
            "Hexadecimal digits of binary data.",
            N(hexlify)
        ),
        function!(
            "hexlify",
            "data, sep=<unrepresentable>, bytes_per_sep=1",
            "Hexadecimal digits of binary data.",
            N(hexlify)
        ),
        function!(
            "a2b_uu",
            "data, /",
            "Decode a line of uuencoded data.",
            F1(|vm, data| {
                let data = ascii(vm, Some(data))?;
                match base::decode_uu(&data) {
                    Ok(bytes) => bytes_object(&bytes),
                    Err(e) => Err(ERROR.raise(vm, e.message())),
                }
            })
        ),
        function!(
            "b2a_uu",
            "data, /, *, backtick=False",
            "Uuencode a line of data.",
            N(|vm, args| {
                let data = binary(vm, args[0].as_ref())?;
                let backtick = flag(vm, args[1].as_ref(), false)?;
                match base::encode_uu(&data, backtick) {
                    Ok(bytes) => bytes_object(&bytes),
                    Err(e) => Err(ERROR.raise(vm, e.message())),
                }
            })
        ),
        function!(
            "a2b_qp",
            "data, header=False",
            "Decode quoted-printable data.",
            N(|vm, args| {
                let data = ascii(vm, args[0].as_ref())?;
                let header = flag(vm, args[1].as_ref(), false)?;
                bytes_object(&base::decode_quoted(&data, header))
            })
        ),
        function!(
            "b2a_qp",
            "data, quotetabs=False, istext=True, header=False",
            "Encode quoted-printable data.",
            N(|vm, args| {
                let data = binary(vm, args[0].as_ref())?;
                let tabs = flag(vm, args[1].as_ref(), false)?;
                let text = flag(vm, args[2].as_ref(), true)?;
                let header = flag(vm, args[3].as_ref(), false)?;
                bytes_object(&base::encode_quoted(&data, tabs, text, header))
            })
        ),
        function!(
            "crc32",
            "data, crc=0, /",
            "Compute a CRC-32 checksum.",
            N(|vm, args| {
                let data = binary(vm, args[0].as_ref())?;
                let start = masked(vm, args[1].as_ref())?;
                Ok(Value::small_unchecked(base::crc32(&data, start).into()))
            })
        ),
        function!(
            "crc_hqx",
            "data, crc, /",
            "Compute a CRC-CCITT checksum.",
            N(|vm, args| {
                let data = binary(vm, args[0].as_ref())?;
                let start = masked(vm, args[1].as_ref())?;
                Ok(Value::small_unchecked(base::crc_hqx(&data, start as u16).into()))
            })
        ),
    ]);

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let (error, incomplete) = (ERROR.get(vm)?, INCOMPLETE.get(vm)?);
    dict.store_text("Error", error);
    dict.store_text("Incomplete", incomplete);
    Ok(())
}

fn bytes_object(bytes: &[u8]) -> PyResult {
    Ok(Bytes::from_slice(bytes).into())
}

fn binary(vm: &mut Vm, v: Option<&Value>) -> PyResult<Vec<u8>> {
    vm.bytes_like(v.expect("required"))
}

/// Bytes, or a text of ASCII.
fn ascii(vm: &mut Vm, v: Option<&Value>) -> PyResult<Vec<u8>> {
    let v = v.expect("required");
    if let Some(s) = v.downcast::<Str>() {
        return match s.as_ascii() {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(vm.value_error("string argument should contain only ASCII characters")),
        };
    }
    if v.class().payload.slots().buffer.is_none() {
        let name = v.class().payload.name();
        return Err(vm.type_error(format!("argument should be bytes, buffer or ASCII string, not '{name}'")));
    }
    vm.bytes_like(v)
}

fn flag(vm: &mut Vm, v: Option<&Value>, default: bool) -> PyResult<bool> {
    match v {
        Some(v) => vm.truth(v),
        None => Ok(default),
    }
}

/// The low 32 bits of an integer.
fn masked(vm: &mut Vm, v: Option<&Value>) -> PyResult<u32> {
    let Some(v) = v else { return Ok(0) };
    let i = vm.index(v)?;
    Ok(Int::read(&i).map_or(0, |i| i.to_big().to_u64_wrapping()) as u32)
}

fn unhexlify(vm: &mut Vm, text: &Value) -> PyResult {
    let text = ascii(vm, Some(text))?;
    match base::unhex(&text) {
        Ok(bytes) => bytes_object(&bytes),
        Err(e) => Err(ERROR.raise(vm, e.message())),
    }
}

fn hexlify(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let data = binary(vm, args[0].as_ref())?;
    let digits = hex_digits(vm, &data, args[1].as_ref(), args[2].as_ref())?;
    bytes_object(&digits)
}
