//! From text to bytes and back with error handlers, whole or in pieces.

use super::codec::{Codec, Problem, State};
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{PyResult, Raised, TypeDef, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::codecs::registry;
use taipan_runtime::types::exceptions::{UNICODE_DECODE_ERROR, UNICODE_ENCODE_ERROR};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// When encoding may leave characters for later, and what is done at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// More may come.
    Open,
    /// This is all of it, but the state stays (replacements of an error handler).
    Whole,
    /// This is all; the output ends in the first state.
    Finish,
}

/// Encodes; gives the bytes and how many characters were left.
pub fn encode(
    vm: &mut Vm,
    codec: &Codec,
    state: &mut State,
    points: &[u32],
    errors: &str,
    end: End,
) -> PyResult<(Vec<u8>, usize)> {
    let (mut out, mut at) = (Vec::with_capacity(points.len() * 2), 0);
    while let Err(problem) = codec.encode(state, points, &mut at, &mut out, end != End::Open) {
        let (n, reason) = match problem {
            Problem::Short => return Ok((out, points.len() - at)),
            Problem::Wrong(n) => (n, "illegal multibyte sequence"),
        };
        match errors {
            "ignore" => at += n,
            "replace" => {
                let (mut replaced, mut i) = (Vec::new(), 0);
                match codec.encode(state, &[u32::from(b'?')], &mut i, &mut replaced, true) {
                    Ok(()) => out.extend(replaced),
                    Err(_) => out.push(b'?'),
                }
                at += n;
            }
            _ => {
                let text = Str::from_code_points(points);
                let error = [text.into(), Value::from_usize(at), Value::from_usize(at + n)];
                let (made, next) = handled(vm, &UNICODE_ENCODE_ERROR, codec, error, reason, errors, points.len())?;
                if let Some(b) = made.downcast::<Bytes>() {
                    out.extend_from_slice(b.as_slice());
                } else if let Some(s) = made.downcast::<Str>() {
                    let points: Vec<u32> = s.code_points().collect();
                    out.extend(encode(vm, codec, state, &points, "strict", End::Whole)?.0);
                } else {
                    return Err(vm.type_error("encoding error handler must return (str, int) tuple"));
                }
                at = next;
            }
        }
    }
    if end == End::Finish {
        codec.finish(state, &mut out);
    }
    Ok((out, points.len() - at))
}

/// Decodes; gives the text and how many bytes were left, which are none when `last`.
pub fn decode(
    vm: &mut Vm,
    codec: &Codec,
    state: &mut State,
    bytes: &[u8],
    errors: &str,
    last: bool,
) -> PyResult<(Vec<u32>, usize)> {
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Err(problem) = codec.decode(state, bytes, &mut at, &mut out) {
        let (n, reason) = match problem {
            Problem::Short if !last => break,
            Problem::Short => (bytes.len() - at, "incomplete multibyte sequence"),
            Problem::Wrong(n) => (n, "illegal multibyte sequence"),
        };
        match errors {
            "ignore" => at += n,
            "replace" => {
                out.push(0xfffd);
                at += n;
            }
            _ => {
                let data = Bytes::from_slice(bytes);
                let error = [data.into(), Value::from_usize(at), Value::from_usize(at + n)];
                let (made, next) = handled(vm, &UNICODE_DECODE_ERROR, codec, error, reason, errors, bytes.len())?;
                let Some(s) = made.downcast::<Str>() else {
                    return Err(vm.type_error("decoding error handler must return (str, int) tuple"));
                };
                out.extend(s.code_points());
                at = next;
            }
        }
    }
    Ok((out, bytes.len() - at))
}

/// Raises the error, or asks its handler for a replacement and where to go on.
fn handled(
    vm: &mut Vm,
    class: &'static TypeDef,
    codec: &Codec,
    [object, start, end]: [Value; 3],
    reason: &str,
    errors: &str,
    len: usize,
) -> PyResult<(Value, usize)> {
    let (name, reason) = (vm.new_str(codec.name), vm.new_str(reason));
    let error = vm.call(&class.value(), &[name, object, start, end, reason])?;
    if errors == "strict" {
        return Err(vm.raise(error));
    }
    let handler = registry::lookup_error(vm, errors)?;
    let result = vm.call1(&handler, &error)?;
    let wrong = |vm: &mut Vm| -> Raised {
        let what = if std::ptr::eq(class, &UNICODE_ENCODE_ERROR) { "encoding" } else { "decoding" };
        vm.type_error(format!("{what} error handler must return (str, int) tuple"))
    };
    let Some([made, next]) = result.downcast::<Tuple>().map(|t| t.items()) else { return Err(wrong(vm)) };
    let is_text = made.downcast::<Str>().is_some();
    if !is_text && (made.downcast::<Bytes>().is_none() || std::ptr::eq(class, &UNICODE_DECODE_ERROR)) {
        return Err(wrong(vm));
    }
    let next = vm.to_isize(next)?;
    let at = if next < 0 { next + len as isize } else { next };
    match usize::try_from(at).ok().filter(|&at| at <= len) {
        Some(at) => Ok((made.clone(), at)),
        None => Err(vm.index_error(format!("position {next} from error handler out of bounds"))),
    }
}

/// The bytes of an argument.
pub fn bytes_of(vm: &mut Vm, v: &Value) -> PyResult<Vec<u8>> {
    Ok(vm.buffer(v, BufferRequest::READ)?.to_vec(vm))
}

/// The characters of an argument, which is made a text first.
pub fn points_of(vm: &mut Vm, v: &Value) -> PyResult<Vec<u32>> {
    if let Some(s) = v.downcast::<Str>() {
        return Ok(s.code_points().collect());
    }
    match vm.str(v) {
        Ok(s) => Ok(s.code_points().collect()),
        Err(_) => Err(vm.type_error("couldn't convert the object to str.")),
    }
}
