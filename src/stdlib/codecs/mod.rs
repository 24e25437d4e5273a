//! `_codecs` (`Modules/_codecsmodule.c`): the registry as functions, and each native codec in its raw form, which the
//! modules of `encodings` wrap. Encoders and decoders give `(result, consumed)`.

mod decoders;
mod encoders;

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, TypeDef, Value, none};
use taipan_runtime::types::codecs::registry;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

macro_rules! function {
    ($name:literal, $signature:literal, $doc:literal, $f:expr) => {
        MethodDef::function($name, concat!("($module, ", $signature, ")"), $doc, $f)
    };
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_codecs").functions(&[
    function!("register", "search_function, /", "Register a function that finds codecs by name.", F1(|vm, f| {
        registry::register(vm, f)?;
        Ok(none())
    })),
    function!("unregister", "search_function, /", "Take a search function back and forget what was found.", F1(|vm, f| {
        registry::unregister(vm, f);
        Ok(none())
    })),
    function!("lookup", "encoding, /", "Return the codec of an encoding.", F1(|vm, name| {
        let name = text(vm, name, "lookup() argument")?;
        registry::lookup(vm, &name)
    })),
    function!("encode", "obj, encoding='utf-8', errors='strict'", "Encode an object with a registered codec.", N(encode)),
    function!("decode", "obj, encoding='utf-8', errors='strict'", "Decode an object with a registered codec.", N(decode)),
    function!("register_error", "errors, handler, /", "Register an error handler under a name.", F2(|vm, name, f| {
        let name = vm.expect_str(name, "register_error() argument 1")?;
        registry::register_error(vm, name, f)?;
        Ok(none())
    })),
    function!("_unregister_error", "errors, /", "Forget an error handler; False when there is none.", F1(|vm, name| {
        let name = vm.expect_str(name, "_unregister_error() argument")?;
        Ok(taipan_runtime::object::boolean(registry::unregister_error(vm, name)?))
    })),
    function!("lookup_error", "name, /", "Return the error handler of a name.", F1(|vm, name| {
        let name = text(vm, name, "lookup_error() argument")?;
        registry::lookup_error(vm, &name)
    })),
    function!("_forget_codec", "encoding, /", "Forget what was found for an encoding.", F1(|vm, name| {
        text(vm, name, "_forget_codec() argument")?;
        Ok(none())
    })),
    function!("utf_8_encode", "str, errors=None, /", "Encode UTF-8.", N(encoders::utf_8)),
    function!("utf_8_decode", "data, errors=None, final=False, /", "Decode UTF-8.", N(decoders::utf_8)),
    function!("utf_7_encode", "str, errors=None, /", "Encode UTF-7.", N(encoders::utf_7)),
    function!("utf_7_decode", "data, errors=None, final=False, /", "Decode UTF-7.", N(decoders::utf_7)),
    function!("utf_16_encode", "str, errors=None, byteorder=0, /", "Encode UTF-16.", N(encoders::utf_16)),
    function!("utf_16_le_encode", "str, errors=None, /", "Encode UTF-16, low byte first.", N(encoders::utf_16_le)),
    function!("utf_16_be_encode", "str, errors=None, /", "Encode UTF-16, high byte first.", N(encoders::utf_16_be)),
    function!("utf_16_decode", "data, errors=None, final=False, /", "Decode UTF-16.", N(decoders::utf_16)),
    function!("utf_16_le_decode", "data, errors=None, final=False, /", "Decode UTF-16, low byte first.", N(decoders::utf_16_le)),
    function!("utf_16_be_decode", "data, errors=None, final=False, /", "Decode UTF-16, high byte first.", N(decoders::utf_16_be)),
    function!("utf_16_ex_decode", "data, errors=None, byteorder=0, final=False, /", "Decode UTF-16 and tell the byte order.", N(decoders::utf_16_ex)),
    function!("utf_32_encode", "str, errors=None, byteorder=0, /", "Encode UTF-32.", N(encoders::utf_32)),
    function!("utf_32_le_encode", "str, errors=None, /", "Encode UTF-32, low byte first.", N(encoders::utf_32_le)),
    function!("utf_32_be_encode", "str, errors=None, /", "Encode UTF-32, high byte first.", N(encoders::utf_32_be)),
    function!("utf_32_decode", "data, errors=None, final=False, /", "Decode UTF-32.", N(decoders::utf_32)),
    function!("utf_32_le_decode", "data, errors=None, final=False, /", "Decode UTF-32, low byte first.", N(decoders::utf_32_le)),
    function!("utf_32_be_decode", "data, errors=None, final=False, /", "Decode UTF-32, high byte first.", N(decoders::utf_32_be)),
    function!("utf_32_ex_decode", "data, errors=None, byteorder=0, final=False, /", "Decode UTF-32 and tell the byte order.", N(decoders::utf_32_ex)),
    function!("latin_1_encode", "str, errors=None, /", "Encode Latin-1.", N(encoders::latin_1)),
    function!("latin_1_decode", "data, errors=None, /", "Decode Latin-1.", N(decoders::latin_1)),
    function!("ascii_encode", "str, errors=None, /", "Encode ASCII.", N(encoders::ascii)),
    function!("ascii_decode", "data, errors=None, /", "Decode ASCII.", N(decoders::ascii)),
    function!("unicode_escape_encode", "str, errors=None, /", "Encode with escapes as in literals.", N(encoders::unicode_escape)),
    function!("unicode_escape_decode", "data, errors=None, final=True, /", "Decode escapes as in literals.", N(decoders::unicode_escape)),
    function!("raw_unicode_escape_encode", "str, errors=None, /", "Encode what Latin-1 lacks with escapes.", N(encoders::raw_unicode_escape)),
    function!("raw_unicode_escape_decode", "data, errors=None, final=True, /", "Decode Latin-1 with escapes for the rest.", N(decoders::raw_unicode_escape)),
    function!("escape_encode", "data, errors=None, /", "Encode bytes with escapes as in literals.", N(encoders::escape)),
    function!("escape_decode", "data, errors=None, /", "Decode escapes in bytes.", N(decoders::escape)),
    function!("charmap_encode", "str, errors=None, mapping=None, /", "Encode with a map of characters.", N(encoders::charmap)),
    function!("charmap_decode", "data, errors=None, mapping=None, /", "Decode with a map of bytes.", N(decoders::charmap)),
    function!("charmap_build", "map, /", "Make the inverse of a decoding table.", F1(encoders::charmap_build)),
    function!("readbuffer_encode", "data, errors=None, /", "Return the bytes of a buffer, or a text as UTF-8.", N(encoders::read_buffer)),
])
.types(TYPES);

const TYPES: &[&TypeDef] = &[&encoders::ENCODING_MAP];

/// A text argument.
fn text(vm: &mut Vm, v: &Value, what: &str) -> PyResult<String> {
    Ok(vm.expect_str(v, what)?.to_rust().into_owned())
}

/// The name of the error handler: an optional text, or `None`.
fn errors(vm: &mut Vm, v: Option<&Value>) -> PyResult<String> {
    match v.filter(|v| !v.is_none()) {
        None => Ok("strict".to_owned()),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => Ok(s.to_rust().into_owned()),
            None => {
                let name = v.class().payload.name();
                Err(vm.type_error(format!("argument 2 must be str or None, not {name}")))
            }
        },
    }
}

/// `(result, consumed)`.
fn pair(result: impl Into<Value>, consumed: usize) -> PyResult {
    Ok(Tuple::of([result.into(), Value::from_usize(consumed)]).into())
}

fn registered(vm: &mut Vm, args: &[Option<Value>], name: &str) -> PyResult<(Value, String, Option<String>)> {
    let object = args[0].clone().expect("required");
    let encoding = match &args[1] {
        Some(v) => text(vm, v, &format!("{name}() argument 'encoding'"))?,
        None => "utf-8".to_owned(),
    };
    let errors = match &args[2] {
        Some(v) => Some(text(vm, v, &format!("{name}() argument 'errors'"))?),
        None => None,
    };
    Ok((object, encoding, errors))
}

fn encode(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (object, encoding, errors) = registered(vm, args, "encode")?;
    registry::encode(vm, &object, &encoding, errors.as_deref())
}

fn decode(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (object, encoding, errors) = registered(vm, args, "decode")?;
    registry::decode(vm, &object, &encoding, errors.as_deref())
}
