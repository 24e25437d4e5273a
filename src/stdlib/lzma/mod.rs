//! `_lzma` (`Modules/_lzmamodule.c`): compression in the formats of XZ Utils, piece by piece. The work is done by the C
//! library liblzma, which is built along; a C compiler is all that it needs.

mod filters;

use crate::compression::{Feed, contiguous, make_room, step_arguments};
use crate::error_class::ErrorClass;
use crate::system::store_numbers;
use filters::{uint32, uint64};
use liblzma::stream::{Action, Check, Error, Status, Stream};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Raised, Slots, Type, TypeDef, Value, boolean, instance,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::EXCEPTION;
use taipan_runtime::types::int::Int;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

static ERROR: ErrorClass = ErrorClass::new("_lzma", "LZMAError", &EXCEPTION);

/// Containers.
const AUTO: i32 = 0;
const XZ: i32 = 1;
const ALONE: i32 = 2;
const RAW: i32 = 3;
/// The check is not known before the header has been read.
const CHECK_UNKNOWN: u8 = 16;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_lzma")
    .types(&[&COMPRESSOR, &DECOMPRESSOR])
    .functions(&[
        MethodDef::function(
            "is_check_supported",
            "($module, check_id, /)",
            "Test whether the given integrity check is supported.",
            F1(|vm, id| {
                let id = vm.to_i32(id)?;
                Ok(boolean(check(id).is_some()))
            }),
        ),
        MethodDef::function(
            "_encode_filter_properties",
            "($module, filter, /)",
            "Return a bytes object encoding the options (properties) of the filter specified by *filter* (a dict).",
            F1(filters::encode),
        ),
        MethodDef::function(
            "_decode_filter_properties",
            "($module, filter_id, encoded_props, /)",
            "Return a dict describing a filter with ID *filter_id*, and options (properties) decoded from the bytes \
             object *encoded_props*.",
            F2(filters::decode),
        ),
    ])
    .init(|vm, dict| {
        let error = ERROR.get(vm)?;
        dict.store_text("LZMAError", error);
        store_numbers(
            dict,
            &[
                ("FORMAT_AUTO", AUTO.into()),
                ("FORMAT_XZ", XZ.into()),
                ("FORMAT_ALONE", ALONE.into()),
                ("FORMAT_RAW", RAW.into()),
                ("CHECK_NONE", 0),
                ("CHECK_CRC32", 1),
                ("CHECK_CRC64", 4),
                ("CHECK_SHA256", 10),
                ("CHECK_ID_MAX", 15),
                ("CHECK_UNKNOWN", CHECK_UNKNOWN.into()),
                ("FILTER_LZMA2", filters::LZMA2 as i64),
                ("FILTER_DELTA", filters::DELTA as i64),
                ("FILTER_X86", 4),
                ("FILTER_POWERPC", 5),
                ("FILTER_IA64", 6),
                ("FILTER_ARM", 7),
                ("FILTER_ARMTHUMB", 8),
                ("FILTER_SPARC", 9),
                ("MF_HC3", 3),
                ("MF_HC4", 4),
                ("MF_BT2", 18),
                ("MF_BT3", 19),
                ("MF_BT4", 20),
                ("MODE_FAST", 1),
                ("MODE_NORMAL", 2),
                ("PRESET_DEFAULT", filters::PRESET_DEFAULT.into()),
                ("PRESET_EXTREME", 1 << 31),
            ],
        );
        dict.store_text("FILTER_LZMA1", Int::from_u64(filters::LZMA1));
        Ok(())
    });

/// Raises what the library says as CPython words it.
fn liblzma_error(vm: &mut Vm, error: Error) -> Raised {
    let text = match error {
        Error::Data => "Corrupt input data",
        Error::Options => "Invalid or unsupported options",
        Error::Format => "Input format not supported by decoder",
        Error::MemLimit => "Memory usage limit exceeded",
        Error::Mem => return vm.memory_error(""),
        Error::Program | Error::NoCheck => "Internal error",
        Error::UnsupportedCheck => "Unsupported integrity check",
    };
    ERROR.raise(vm, text)
}

fn check(id: i32) -> Option<Check> {
    Some(match id {
        0 => Check::None,
        1 => Check::Crc32,
        4 => Check::Crc64,
        10 => Check::Sha256,
        _ => return None,
    })
}

/// An argument that was given and is not `None`.
fn given(v: &Option<Value>) -> Option<&Value> {
    v.as_ref().filter(|v| !v.is_none())
}

// ---- Compression ---------------------------------------------------------------------------------------------------

/// Payload of `LZMACompressor`.
pub struct Compressor {
    stream: Stream,
    flushed: bool,
}
taipan_runtime::payload!(Compressor, COMPRESSOR);

/// `_lzma.LZMACompressor`
pub static COMPRESSOR: TypeDef = TypeDef::new::<Compressor>("_lzma.LZMACompressor")
    .doc("LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)\n\nCreate a compressor object for compressing data incrementally.")
    .cpython_size(192, 0)
    .slots(Slots { new: Some(new_compressor), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "compress",
            "($self, data, /)",
            "Provide data to the compressor object.",
            F2(|vm, me, data| {
                let data = contiguous(vm, data)?;
                if compressor(me).get(vm).flushed {
                    return Err(vm.value_error("Compressor has been flushed"));
                }
                compress(vm, me, &data, Action::Run)
            }),
        ),
        MethodDef::method(
            "flush",
            "($self, /)",
            "Finish the compression process.",
            F1(|vm, me| {
                if std::mem::replace(&mut compressor(me).get_mut(vm).flushed, true) {
                    return Err(vm.value_error("Repeated call to flush()"));
                }
                compress(vm, me, b"", Action::Finish)
            }),
        ),
    ]);

fn compressor(me: &Value) -> &Py<Compressor> {
    me.downcast::<Compressor>().expect("a method of LZMACompressor is called on one")
}

fn new_compressor(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("LZMACompressor", "(format=1, check=-1, preset=None, filters=None)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let number = |vm: &mut Vm, i: usize, default: i32| bound[i].as_ref().map_or(Ok(default), |v| vm.to_i32(v));
    let (format, check_id) = (number(vm, 0, XZ)?, number(vm, 1, -1)?);
    let (preset, specifiers) = (given(&bound[2]), given(&bound[3]));
    if preset.is_some() && specifiers.is_some() {
        return Err(vm.value_error("Cannot specify both preset and filter chain"));
    }
    let preset = match preset {
        Some(v) => uint32(vm, v)?,
        None => filters::PRESET_DEFAULT,
    };
    if format != XZ && check_id != -1 && check_id != 0 {
        return Err(vm.value_error("Integrity checks are only supported by FORMAT_XZ"));
    }
    let chain = match specifiers {
        Some(v) => filters::chain(vm, v)?,
        None => Vec::new(),
    };
    let made = match format {
        XZ => {
            let check_id = if check_id == -1 { 4 } else { check_id };
            match check(check_id) {
                None if (0..16).contains(&check_id) => Err(Error::UnsupportedCheck),
                None => Err(Error::Program),
                Some(check) if specifiers.is_none() => Stream::new_easy_encoder(preset, check),
                Some(_) if chain.is_empty() => Err(Error::Program),
                Some(check) => Stream::new_stream_encoder(&filters::library(vm, &chain)?, check),
            }
        }
        ALONE => match filters::only_lzma1(&chain) {
            _ if specifiers.is_none() => {
                liblzma::stream::LzmaOptions::new_preset(preset).and_then(|o| Stream::new_lzma_encoder(&o))
            }
            Some(options) => Stream::new_lzma_encoder(options),
            None => {
                return Err(vm.value_error("Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter"));
            }
        },
        RAW if specifiers.is_none() => return Err(vm.value_error("Must specify filters for FORMAT_RAW")),
        RAW => Stream::new_raw_encoder(&filters::library(vm, &chain)?),
        _ => return Err(vm.value_error(format!("Invalid container format: {format}"))),
    };
    match made {
        Ok(stream) => Ok(instance::new_of(class, Compressor { stream, flushed: false }).into()),
        Err(e) => Err(liblzma_error(vm, e)),
    }
}

fn compress(vm: &mut Vm, me: &Value, mut data: &[u8], action: Action) -> PyResult {
    let finish = matches!(action, Action::Finish);
    let stream = &mut compressor(me).get_mut(vm).stream;
    let mut out = Vec::new();
    let result = loop {
        if !finish && data.is_empty() {
            break Ok(());
        }
        let len = make_room(&mut out, usize::MAX);
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let status = stream.process(data, &mut out[len..], action);
        let (used, made) = (stream.total_in() - before_in, stream.total_out() - before_out);
        out.truncate(len + made as usize);
        data = &data[used as usize..];
        match status {
            Ok(Status::StreamEnd) => break Ok(()),
            Ok(_) => {}
            Err(e) => break Err(e),
        }
    };
    match result {
        Ok(()) => Ok(Bytes::from_slice(&out).into()),
        Err(e) => Err(liblzma_error(vm, e)),
    }
}

// ---- Decompression -------------------------------------------------------------------------------------------------

/// Payload of `LZMADecompressor`.
pub struct Decompressor {
    stream: Stream,
    feed: Feed,
    /// The container's first bytes, which tell its check.
    head: Vec<u8>,
    check: u8,
}
taipan_runtime::payload!(Decompressor, DECOMPRESSOR);

/// `_lzma.LZMADecompressor`
pub static DECOMPRESSOR: TypeDef = TypeDef::new::<Decompressor>("_lzma.LZMADecompressor")
    .doc("Create a decompressor object for decompressing data incrementally.")
    .signature("(format=FORMAT_AUTO, memlimit=None, filters=None)")
    .cpython_size(224, 0)
    .slots(Slots { new: Some(new_decompressor), ..Slots::NONE })
    .getset(&[
        GetSetDef::member("check", "ID of the integrity check used by the input stream.", |vm, me| {
            Ok(Value::small_unchecked(decompressor(me).get(vm).check.into()))
        }),
        GetSetDef::member("eof", "True if the end-of-stream marker has been reached.", |vm, me| {
            Ok(boolean(decompressor(me).get(vm).feed.eof))
        }),
        GetSetDef::member(
            "needs_input",
            "True if more input is needed before more decompressed data can be produced.",
            |vm, me| Ok(boolean(decompressor(me).get(vm).feed.needs_input)),
        ),
        GetSetDef::member("unused_data", "Data found after the end of the compressed stream.", |vm, me| {
            Ok(Bytes::from_slice(&decompressor(me).get(vm).feed.unused).into())
        }),
    ])
    .methods(&[MethodDef::method(
        "decompress",
        "($self, /, data, max_length=-1)",
        "Decompress *data*, returning uncompressed data as bytes.",
        N(decompress),
    )]);

fn decompressor(me: &Value) -> &Py<Decompressor> {
    me.downcast::<Decompressor>().expect("a method of LZMADecompressor is called on one")
}

fn new_decompressor(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("LZMADecompressor", "(format=0, memlimit=None, filters=None)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let format = bound[0].as_ref().map_or(Ok(AUTO), |v| vm.to_i32(v))?;
    let limit = match given(&bound[1]) {
        Some(_) if format == RAW => return Err(vm.value_error("Cannot specify memory limit with FORMAT_RAW")),
        Some(v) => uint64(vm, v)?,
        None => u64::MAX,
    };
    let specifiers = given(&bound[2]);
    if format == RAW && specifiers.is_none() {
        return Err(vm.value_error("Must specify filters for FORMAT_RAW"));
    }
    if format != RAW && specifiers.is_some() {
        return Err(vm.value_error("Cannot specify filters except with FORMAT_RAW"));
    }
    let chain = match specifiers {
        Some(v) => filters::chain(vm, v)?,
        None => Vec::new(),
    };
    let made = match format {
        XZ => Stream::new_stream_decoder(limit, 0),
        AUTO => Stream::new_auto_decoder(limit, 0),
        ALONE => Stream::new_lzma_decoder(limit),
        RAW => Stream::new_raw_decoder(&filters::library(vm, &chain)?),
        _ => return Err(vm.value_error(format!("Invalid container format: {format}"))),
    };
    let check = if matches!(format, ALONE | RAW) { 0 } else { CHECK_UNKNOWN };
    match made {
        Ok(stream) => {
            let payload = Decompressor { stream, feed: Feed::new(), head: Vec::new(), check };
            Ok(instance::new_of(class, payload).into())
        }
        Err(e) => Err(liblzma_error(vm, e)),
    }
}

impl Decompressor {
    /// Looks for the check in the container's header.
    fn note_check(&mut self, data: &[u8]) {
        const MAGIC: &[u8] = b"\xfd7zXZ\0";
        if self.check != CHECK_UNKNOWN || self.head.len() >= 8 {
            return;
        }
        self.head.extend(&data[..data.len().min(8 - self.head.len())]);
        if self.head.len() >= 8 && self.head.starts_with(MAGIC) {
            self.check = self.head[7] & 15;
        } else if !self.head.is_empty() && !MAGIC.starts_with(&self.head[..self.head.len().min(6)]) {
            self.check = 0;
        }
    }
}

fn decompress(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(data), limit] = args else { unreachable!("bound by the signature") };
    let (data, limit) = step_arguments(vm, data, limit.as_ref())?;
    let d = decompressor(me).get_mut(vm);
    if d.feed.eof {
        return Err(vm.eof_error("Already at end of stream"));
    }
    d.note_check(&data);
    let input = d.feed.input(&data);
    let (mut rest, mut out, mut ended) = (&input[..], Vec::new(), false);
    loop {
        let len = make_room(&mut out, limit);
        let (before_in, before_out) = (d.stream.total_in(), d.stream.total_out());
        let status = d.stream.process(rest, &mut out[len..], Action::Run);
        let (used, made) = (d.stream.total_in() - before_in, d.stream.total_out() - before_out);
        let full = len + made as usize == out.len();
        out.truncate(len + made as usize);
        rest = &rest[used as usize..];
        match status {
            Ok(Status::StreamEnd) => ended = true,
            Ok(_) => {}
            Err(e) => {
                d.feed.needs_input = false;
                return Err(liblzma_error(vm, e));
            }
        }
        let more = if full { out.len() < limit } else { !rest.is_empty() && used + made > 0 };
        if ended || !more {
            break;
        }
    }
    let full = out.len() >= limit;
    d.feed.done(rest, ended);
    if full && !ended {
        // There may be more behind what was asked for.
        d.feed.needs_input = false;
    }
    Ok(Bytes::from_slice(&out).into())
}
