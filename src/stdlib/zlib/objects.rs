//! The incremental compressor and the two decompressors: that of `decompressobj` leaves unused input to its caller, the
//! other (for `gzip`) keeps it.

use super::stream::{Deflater, Failure, Inflater};
use super::{int_argument, raise};
use crate::compression::{Feed, contiguous, step_arguments};
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};
use zlib_rs::{DeflateFlush, InflateFlush};

const INVALID: &str = "Invalid initialization option";
const INCONSISTENT: &str = "Inconsistent stream state";

fn bytes(data: &[u8]) -> Value {
    Bytes::from_slice(data).into()
}

/// What a stream that has ended answers.
fn ended() -> Failure {
    Failure { code: -2, message: None }
}

// ---- compressing ----------------------------------------------------------------------------------------------------

/// Payload of `zlib.Compress`.
pub struct Compress {
    /// Gone after `flush(Z_FINISH)`.
    stream: Option<Deflater>,
}
taipan_runtime::payload!(Compress, COMPRESS);

/// `zlib.Compress`
pub static COMPRESS: TypeDef =
    TypeDef::new::<Compress>("zlib.Compress").flags(TypeFlags::DISALLOW_INSTANTIATION).methods(&[
        MethodDef::method(
            "compress",
            "($self, data, /)",
            "Returns a bytes object containing compressed data.",
            F2(|vm, me, data| {
                let data = contiguous(vm, data)?;
                deflate(vm, me, &data, DeflateFlush::NoFlush, "while compressing data")
            }),
        ),
        MethodDef::method(
            "flush",
            "($self, mode=zlib.Z_FINISH, /)",
            "Return a bytes object containing any remaining compressed data.",
            N(|vm, args| {
                let [Some(me), mode] = args else { unreachable!("bound by the signature") };
                match int_argument(vm, mode, 4)? {
                    0 => Ok(bytes(b"")),
                    mode => match DeflateFlush::try_from(mode) {
                        Ok(flush) => deflate(vm, me, b"", flush, "while flushing"),
                        Err(()) => Err(raise(vm, &ended(), "while flushing")),
                    },
                }
            }),
        ),
        MethodDef::method("copy", "($self, /)", "Return a copy of the compression object.", F1(copy_compress)),
        MethodDef::method("__copy__", "($self, /)", "Return a copy of the compression object.", F1(copy_compress)),
        MethodDef::method(
            "__deepcopy__",
            "($self, memo, /)",
            "Return a copy of the compression object.",
            F2(|vm, me, _| copy_compress(vm, me)),
        ),
    ]);

fn compressor(me: &Value) -> &Py<Compress> {
    me.downcast::<Compress>().expect("a method of Compress is called on one")
}

fn deflate(vm: &mut Vm, me: &Value, data: &[u8], flush: DeflateFlush, context: &str) -> PyResult {
    let Some(stream) = &mut compressor(me).get_mut(vm).stream else { return Err(raise(vm, &ended(), context)) };
    match stream.run(data, flush) {
        Ok((out, end)) => {
            if end {
                compressor(me).get_mut(vm).stream = None;
            }
            Ok(bytes(&out))
        }
        Err(f) => Err(raise(vm, &f, context)),
    }
}

fn copy_compress(vm: &mut Vm, me: &Value) -> PyResult {
    let copied = compressor(me).get_mut(vm).stream.as_mut().map(Deflater::copy);
    match copied {
        Some(Ok(stream)) => Ok(instance::new(Compress { stream: Some(stream) }).into()),
        Some(Err(f)) => Err(raise(vm, &f, "while copying compression object")),
        None => Err(vm.value_error(INCONSISTENT)),
    }
}

/// `compressobj`
pub fn compressobj(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [level, method, wbits, mem_level, strategy, zdict] = args else { unreachable!("bound by the signature") };
    let mut numbers = [-1, 8, 15, 8, 0];
    for (n, v) in numbers.iter_mut().zip([level, method, wbits, mem_level, strategy]) {
        *n = int_argument(vm, v, *n)?;
    }
    let dictionary = match zdict {
        Some(v) => Some(contiguous(vm, v)?),
        None => None,
    };
    let [level, method, wbits, mem_level, strategy] = numbers;
    let Ok(mut stream) = Deflater::new(level, method, wbits, mem_level, strategy) else {
        return Err(vm.value_error(INVALID));
    };
    if let Some(d) = dictionary {
        if stream.set_dictionary(&d).is_err() {
            return Err(vm.value_error("Invalid dictionary"));
        }
    }
    Ok(instance::new(Compress { stream: Some(stream) }).into())
}

// ---- decompressing --------------------------------------------------------------------------------------------------

/// Payload of `zlib.Decompress`.
pub struct Decompress {
    /// Gone after a `flush` that met the end.
    stream: Option<Inflater>,
    dictionary: Option<Vec<u8>>,
    unused: Vec<u8>,
    tail: Vec<u8>,
    eof: bool,
}
taipan_runtime::payload!(Decompress, DECOMPRESS);

/// `zlib.Decompress`
pub static DECOMPRESS: TypeDef = TypeDef::new::<Decompress>("zlib.Decompress")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .getset(&[
        GetSetDef::member("unused_data", "", |vm, me| Ok(bytes(&decompressor(me).get(vm).unused))),
        GetSetDef::member("unconsumed_tail", "", |vm, me| Ok(bytes(&decompressor(me).get(vm).tail))),
        GetSetDef::member("eof", "", |vm, me| Ok(boolean(decompressor(me).get(vm).eof))),
    ])
    .methods(&[
        MethodDef::method(
            "decompress",
            "($self, data, /, max_length=0)",
            "Return a bytes object containing the decompressed version of the data.",
            N(|vm, args| {
                let [Some(me), Some(data), limit] = args else { unreachable!("bound by the signature") };
                let data = contiguous(vm, data)?;
                let limit = match limit {
                    Some(v) => ssize_arg(vm, v)?,
                    None => 0,
                };
                match limit {
                    0 => inflate(vm, me, &data, usize::MAX, InflateFlush::SyncFlush),
                    1.. => inflate(vm, me, &data, limit as usize, InflateFlush::SyncFlush),
                    _ => Err(vm.value_error("max_length must be non-negative")),
                }
            }),
        ),
        MethodDef::method(
            "flush",
            "($self, length=zlib.DEF_BUF_SIZE, /)",
            "Return a bytes object containing any remaining decompressed data.",
            N(|vm, args| {
                let [Some(me), length] = args else { unreachable!("bound by the signature") };
                let length = match length {
                    Some(v) => ssize_arg(vm, v)?,
                    None => 1,
                };
                if length <= 0 {
                    return Err(vm.value_error("length must be greater than zero"));
                }
                let tail = decompressor(me).get(vm).tail.clone();
                let out = inflate(vm, me, &tail, usize::MAX, InflateFlush::Finish)?;
                if decompressor(me).get(vm).eof {
                    decompressor(me).get_mut(vm).stream = None;
                }
                Ok(out)
            }),
        ),
        MethodDef::method("copy", "($self, /)", "Return a copy of the decompression object.", F1(copy_decompress)),
        MethodDef::method("__copy__", "($self, /)", "Return a copy of the decompression object.", F1(copy_decompress)),
        MethodDef::method(
            "__deepcopy__",
            "($self, memo, /)",
            "Return a copy of the decompression object.",
            F2(|vm, me, _| copy_decompress(vm, me)),
        ),
    ]);

fn decompressor(me: &Value) -> &Py<Decompress> {
    me.downcast::<Decompress>().expect("a method of Decompress is called on one")
}

fn inflate(vm: &mut Vm, me: &Value, data: &[u8], limit: usize, flush: InflateFlush) -> PyResult {
    let d = decompressor(me).get_mut(vm);
    let Some(stream) = &mut d.stream else {
        if flush == InflateFlush::Finish {
            return Ok(bytes(b""));
        }
        return Err(raise(vm, &ended(), "while decompressing data"));
    };
    match stream.run(data, limit, flush, d.dictionary.as_deref()) {
        Ok(done) => {
            let rest = &data[data.len() - done.left..];
            if done.ended {
                d.unused.extend_from_slice(rest);
                d.tail.clear();
                d.eof = true;
            } else {
                d.tail = rest.to_vec();
            }
            Ok(bytes(&done.out))
        }
        Err((f, context)) => Err(raise(vm, &f, context)),
    }
}

fn copy_decompress(vm: &mut Vm, me: &Value) -> PyResult {
    let d = decompressor(me).get_mut(vm);
    match d.stream.as_mut().map(Inflater::copy) {
        Some(Ok(stream)) => {
            let (dictionary, unused, tail) = (d.dictionary.clone(), d.unused.clone(), d.tail.clone());
            Ok(instance::new(Decompress { stream: Some(stream), dictionary, unused, tail, eof: d.eof }).into())
        }
        Some(Err(f)) => Err(raise(vm, &f, "while copying decompression object")),
        None => Err(vm.value_error(INCONSISTENT)),
    }
}

/// A stream and the dictionary that it may ask for.
fn inflater(vm: &mut Vm, wbits: &Option<Value>, zdict: &Option<Value>) -> PyResult<(Inflater, Option<Vec<u8>>)> {
    let wbits = int_argument(vm, wbits, 15)?;
    let dictionary = match zdict {
        Some(v) if v.class().payload.slots().buffer.is_none() => {
            return Err(vm.type_error("zdict argument must support the buffer protocol"));
        }
        Some(v) => Some(contiguous(vm, v)?),
        None => None,
    };
    let Ok(mut stream) = Inflater::new(wbits) else { return Err(vm.value_error(INVALID)) };
    if let (true, Some(d)) = (wbits < 0, &dictionary) {
        stream.set_dictionary(d).map_err(|f| raise(vm, &f, "while setting zdict"))?;
    }
    Ok((stream, dictionary))
}

/// `decompressobj`
pub fn decompressobj(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let (stream, dictionary) = inflater(vm, &args[0], &args[1])?;
    let (unused, tail) = (Vec::new(), Vec::new());
    Ok(instance::new(Decompress { stream: Some(stream), dictionary, unused, tail, eof: false }).into())
}

/// Payload of `zlib._ZlibDecompressor`.
pub struct Decompressor {
    stream: Inflater,
    dictionary: Option<Vec<u8>>,
    feed: Feed,
}
taipan_runtime::payload!(Decompressor, DECOMPRESSOR);

/// `zlib._ZlibDecompressor`
pub static DECOMPRESSOR: TypeDef = TypeDef::new::<Decompressor>("zlib._ZlibDecompressor")
    .doc("Create a decompressor object for decompressing data incrementally.")
    .signature("(wbits=15, zdict=b'')")
    .slots(Slots { new: Some(new_decompressor), ..Slots::NONE })
    .getset(&[
        GetSetDef::member("eof", "True if the end-of-stream marker has been reached.", |vm, me| {
            Ok(boolean(buffered(me).get(vm).feed.eof))
        }),
        GetSetDef::member("unused_data", "Data found after the end of the compressed stream.", |vm, me| {
            Ok(bytes(&buffered(me).get(vm).feed.unused))
        }),
        GetSetDef::member(
            "needs_input",
            "True if more input is needed before more decompressed data can be produced.",
            |vm, me| Ok(boolean(buffered(me).get(vm).feed.needs_input)),
        ),
    ])
    .methods(&[MethodDef::method(
        "decompress",
        "($self, /, data, max_length=-1)",
        "Decompress *data*, returning uncompressed data as bytes.",
        N(|vm, args| {
            let [Some(me), Some(data), limit] = args else { unreachable!("bound by the signature") };
            let (data, limit) = step_arguments(vm, data, limit.as_ref())?;
            let d = buffered(me).get_mut(vm);
            if d.feed.eof {
                return Err(vm.eof_error("End of stream already reached"));
            }
            let input = d.feed.input(&data);
            match d.stream.run(&input, limit, InflateFlush::SyncFlush, d.dictionary.as_deref()) {
                Ok(done) => {
                    d.feed.done(&input[input.len() - done.left..], done.ended);
                    Ok(bytes(&done.out))
                }
                Err((f, context)) => {
                    d.feed.done(&input, false);
                    Err(raise(vm, &f, context))
                }
            }
        }),
    )]);

fn buffered(me: &Value) -> &Py<Decompressor> {
    me.downcast::<Decompressor>().expect("a method of _ZlibDecompressor is called on one")
}

fn new_decompressor(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("_ZlibDecompressor", "(wbits=15, zdict=b'')");
    let bound = args.bind(vm, &SIGNATURE)?;
    let (stream, dictionary) = inflater(vm, &bound[0], &bound[1])?;
    Ok(instance::new_of(class, Decompressor { stream, dictionary, feed: Feed::new() }).into())
}
