//! The registry of codecs: search functions, what they found, and the error handlers by name (`Python/codecs.c`).

use super::errors::call_builtin;
use crate::builtins::global::Global;
use crate::object::typedef::{MethodDef, NativeFn::F1};
use crate::object::{Py, PyResult, Value};
use crate::types::bytearray::ByteArray;
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::RUNTIME_WARNING;
use crate::types::list::List;
use crate::types::method::BuiltinFunction;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use taipan_base::codecs::Errors;

/// Search functions, in order.
static SEARCHES: Global = Global::new();
/// Codecs found, by normalized name.
static FOUND: Global = Global::new();
/// Error handlers, by name.
static HANDLERS: Global = Global::new();

macro_rules! handler {
    ($name:literal, $doc:literal, $kind:ident) => {
        MethodDef::function($name, "($module, exception, /)", $doc, F1(|vm, e| call_builtin(vm, Errors::$kind, e)))
    };
}

/// The builtin handlers as functions: the name for `register_error`, and the function.
static BUILTIN: [(&str, MethodDef); 8] = [
    ("strict", handler!("strict_errors", "Raises the exception.", Strict)),
    ("ignore", handler!("ignore_errors", "Leaves out what is wrong.", Ignore)),
    ("replace", handler!("replace_errors", "Puts a replacement mark.", Replace)),
    ("xmlcharrefreplace", handler!("xmlcharrefreplace_errors", "Puts an XML character reference.", XmlCharRefReplace)),
    ("backslashreplace", handler!("backslashreplace_errors", "Puts a backslashed escape.", BackslashReplace)),
    ("namereplace", handler!("namereplace_errors", "Puts an escape with the character's name.", NameReplace)),
    ("surrogatepass", handler!("surrogatepass", "Lets surrogates pass as characters.", SurrogatePass)),
    ("surrogateescape", handler!("surrogateescape", "Turns bytes into surrogates and back.", SurrogateEscape)),
];

fn dict_at(place: &Global) -> Py<Dict> {
    if let Some(Ok(d)) = place.get().map(Value::into_py::<Dict>) {
        return d;
    }
    let d = Dict::new_object();
    drop(place.set(Some(d.clone().into())));
    d
}

fn searches() -> Py<List> {
    if let Some(Ok(l)) = SEARCHES.get().map(Value::into_py::<List>) {
        return l;
    }
    let l = List::empty();
    drop(SEARCHES.set(Some(l.clone().into())));
    l
}

fn handlers() -> Py<Dict> {
    let d = dict_at(&HANDLERS);
    if d.len() == 0 {
        let module = crate::types::str::intern::intern_str("_codecs");
        for (name, def) in &BUILTIN {
            d.store_text(name, BuiltinFunction::of_module(def, &module));
        }
    }
    d
}

/// `codecs.register(function)`
pub fn register(vm: &mut Vm, function: &Value) -> PyResult<()> {
    if !vm.callable(function) {
        return Err(vm.type_error("argument must be callable"));
    }
    searches().push(function.clone());
    Ok(())
}

/// `codecs.unregister(function)`
pub fn unregister(vm: &mut Vm, function: &Value) {
    let all = searches();
    let place = all.to_vec().iter().position(|f| f.is(function));
    if let Some(i) = place {
        let dead = all.get_mut(vm).items.remove(i);
        drop(dead);
        let found = FOUND.set(None);
        drop(found);
    }
}

/// `codecs.lookup(encoding)`: a `CodecInfo`, or whatever 4-tuple the search function gave.
pub fn lookup(vm: &mut Vm, encoding: &str) -> PyResult<Value> {
    let name = vm.intern(&super::normalized(encoding));
    let found = dict_at(&FOUND);
    if let Some(codec) = found.lookup_str(&name) {
        return Ok(codec);
    }
    // `encodings` registers its search function when it is imported
    vm.import("encodings")?;
    for search in searches().to_vec() {
        let codec = vm.call1(&search, name.as_value())?;
        if codec.is_none() {
            continue;
        }
        if codec.downcast::<Tuple>().is_none_or(|t| t.len() != 4) {
            return Err(vm.type_error("codec search functions must return 4-tuples"));
        }
        dict_at(&FOUND).store_str(&name, codec.clone());
        return Ok(codec);
    }
    Err(vm.lookup_error(format!("unknown encoding: {encoding}")))
}

/// The codec, which must be one between text and bytes; `instead` is what the message recommends for others.
fn lookup_text(vm: &mut Vm, encoding: &str, instead: &str) -> PyResult<Py<Tuple>> {
    let codec = lookup(vm, encoding)?;
    if !codec.is_exact::<Tuple>() {
        let name = vm.intern("_is_text_encoding");
        if let Some(flag) = vm.get_attr_opt(&codec, &name)? {
            if !vm.truth(&flag)? {
                return Err(vm.lookup_error(format!(
                    "'{encoding}' is not a text encoding; use {instead} to handle arbitrary codecs"
                )));
            }
        }
    }
    codec.into_py::<Tuple>().map_err(|_| vm.type_error("codec search functions must return 4-tuples"))
}

/// Calls the encoder (`part` 0) or decoder (1) of a codec.
fn run(vm: &mut Vm, codec: &Value, part: usize, object: &Value, encoding: &str, errors: Option<&str>) -> PyResult {
    let Some(function) = codec.downcast::<Tuple>().and_then(|t| t.items().get(part).cloned()) else {
        return Err(vm.type_error("codec search functions must return 4-tuples"));
    };
    let mut args = vec![object.clone()];
    if let Some(errors) = errors {
        args.push(vm.new_str(errors));
    }
    let (what, doing) = if part == 0 { ("encoder", "encoding") } else { ("decoder", "decoding") };
    let answer = match vm.call(&function, &args) {
        Ok(answer) => answer,
        Err(r) => {
            note(vm, &format!("{doing} with '{encoding}' codec failed"));
            return Err(r);
        }
    };
    match answer.downcast::<Tuple>().map(|t| t.items()) {
        Some([result, _]) => Ok(result.clone()),
        _ => Err(vm.type_error(format!("{what} must return a tuple (object, integer)"))),
    }
}

/// Adds a note to the pending exception.
fn note(vm: &mut Vm, text: &str) {
    let error = vm.take_error();
    let text = vm.new_str(text);
    if vm.call_method(&error, "add_note", &[text]).is_err() {
        vm.clear_error();
    }
    vm.set_pending(error);
}

/// `codecs.encode(object, encoding, errors)`
pub fn encode(vm: &mut Vm, object: &Value, encoding: &str, errors: Option<&str>) -> PyResult {
    let codec = lookup(vm, encoding)?;
    run(vm, &codec, 0, object, encoding, errors)
}

/// `codecs.decode(object, encoding, errors)`
pub fn decode(vm: &mut Vm, object: &Value, encoding: &str, errors: Option<&str>) -> PyResult {
    let codec = lookup(vm, encoding)?;
    run(vm, &codec, 1, object, encoding, errors)
}

fn given(errors: &str) -> Option<&str> {
    Some(errors).filter(|&e| e != "strict")
}

/// `str.encode` with a registered codec.
pub fn encode_text(vm: &mut Vm, text: &Py<Str>, encoding: &str, errors: &str) -> PyResult<Py<Bytes>> {
    let codec = lookup_text(vm, encoding, "codecs.encode()")?;
    let result = run(vm, codec.as_value(), 0, text.as_value(), encoding, given(errors))?;
    if result.downcast::<ByteArray>().is_some() {
        let message = format!(
            "encoder {encoding} returned bytearray instead of bytes; use codecs.encode() to encode to arbitrary types"
        );
        vm.warn(&RUNTIME_WARNING, &message, 1)?;
        return Ok(Bytes::from_slice(&vm.bytes_like(&result)?));
    }
    let name = result.class().payload.name();
    result.into_py::<Bytes>().map_err(|_| {
        vm.type_error(format!(
            "'{encoding}' encoder returned '{name}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types"
        ))
    })
}

/// `bytes.decode` with a registered codec.
pub fn decode_text(vm: &mut Vm, bytes: &[u8], encoding: &str, errors: &str) -> PyResult<Py<Str>> {
    let codec = lookup_text(vm, encoding, "codecs.decode()")?;
    let object = Bytes::from_slice(bytes);
    let result = run(vm, codec.as_value(), 1, object.as_value(), encoding, given(errors))?;
    let name = result.class().payload.name();
    result.into_py::<Str>().map_err(|_| {
        vm.type_error(format!(
            "'{encoding}' decoder returned '{name}' instead of 'str'; use codecs.decode() to decode to arbitrary types"
        ))
    })
}

/// `codecs.register_error(name, handler)`
pub fn register_error(vm: &mut Vm, name: &Py<Str>, handler: &Value) -> PyResult<()> {
    if !vm.callable(handler) {
        return Err(vm.type_error("handler must be callable"));
    }
    handlers().store_str(name, handler.clone());
    Ok(())
}

/// `codecs._unregister_error(name)`: whether there was one.
pub fn unregister_error(vm: &mut Vm, name: &Py<Str>) -> PyResult<bool> {
    if BUILTIN.iter().any(|(builtin, _)| name.is_text(builtin)) {
        let text = name.to_rust().into_owned();
        return Err(vm.value_error(format!("cannot un-register built-in error handler '{text}'")));
    }
    Ok(handlers().remove_str(name).is_some())
}

/// `codecs.lookup_error(name)`
pub fn lookup_error(vm: &mut Vm, name: &str) -> PyResult {
    match handlers().lookup_text(name) {
        Some(handler) => Ok(handler),
        None => Err(vm.lookup_error(format!("unknown error handler name '{name}'"))),
    }
}
