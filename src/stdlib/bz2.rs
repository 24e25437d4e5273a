//! `_bz2` (`Modules/_bz2module.c`): compression in the bzip2 format, piece by piece.

use crate::compression::{Feed, contiguous, make_room, step_arguments};
use bzip2::{Action, Compress, Compression, Decompress, Status};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, Value, boolean, instance,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::OS_ERROR;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_bz2").types(&[&COMPRESSOR, &DECOMPRESSOR]);

/// Payload of `BZ2Compressor`.
pub struct Compressor {
    stream: Compress,
    flushed: bool,
}
taipan_runtime::payload!(Compressor, COMPRESSOR);

/// `_bz2.BZ2Compressor`
pub static COMPRESSOR: TypeDef = TypeDef::new::<Compressor>("_bz2.BZ2Compressor")
    .doc("Create a compressor object for compressing data incrementally.")
    .signature("(compresslevel=9, /)")
    .cpython_size(112, 0)
    .slots(Slots { new: Some(new_compressor), ..Slots::NONE })
    .methods(&[
        MethodDef::method(
            "compress",
            "($self, data, /)",
            "Provide data to the compressor object.",
            F2(|vm, me, data| {
                let data = contiguous(vm, data)?;
                let c = compressor(me).get_mut(vm);
                if c.flushed {
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
                let c = compressor(me).get_mut(vm);
                if c.flushed {
                    return Err(vm.value_error("Repeated call to flush()"));
                }
                c.flushed = true;
                compress(vm, me, b"", Action::Finish)
            }),
        ),
    ]);

fn compressor(me: &Value) -> &Py<Compressor> {
    me.downcast::<Compressor>().expect("a method of BZ2Compressor is called on one")
}

fn new_compressor(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("BZ2Compressor", "(compresslevel=9, /)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let level = match &bound[0] {
        Some(v) => vm.to_i32(v)?,
        None => 9,
    };
    if !(1..=9).contains(&level) {
        return Err(vm.value_error("compresslevel must be between 1 and 9"));
    }
    let stream = Compress::new(Compression::new(level as u32), 0);
    Ok(instance::new_of(class, Compressor { stream, flushed: false }).into())
}

fn compress(vm: &mut Vm, me: &Value, mut data: &[u8], action: Action) -> PyResult {
    let stream = &mut compressor(me).get_mut(vm).stream;
    let mut out = Vec::new();
    let finish = matches!(action, Action::Finish);
    while finish || !data.is_empty() {
        let len = make_room(&mut out, usize::MAX);
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let status = stream.compress(data, &mut out[len..], action);
        let (used, made) = (stream.total_in() - before_in, stream.total_out() - before_out);
        out.truncate(len + made as usize);
        data = &data[used as usize..];
        match status {
            Ok(Status::StreamEnd) => break,
            Ok(_) => {}
            Err(_) => return Err(vm.value_error("Internal error - invalid parameters passed to libbzip2")),
        }
    }
    Ok(Bytes::from_slice(&out).into())
}

/// Payload of `BZ2Decompressor`.
pub struct Decompressor {
    stream: Decompress,
    feed: Feed,
    /// After bad data there is no way on.
    failed: bool,
}
taipan_runtime::payload!(Decompressor, DECOMPRESSOR);

/// `_bz2.BZ2Decompressor`
pub static DECOMPRESSOR: TypeDef = TypeDef::new::<Decompressor>("_bz2.BZ2Decompressor")
    .doc("Create a decompressor object for decompressing data incrementally.")
    .signature("()")
    .cpython_size(152, 0)
    .slots(Slots {
        new: Some(|vm, class, args| {
            static SIGNATURE: Signature = Signature::new("BZ2Decompressor", "()");
            args.bind(vm, &SIGNATURE)?;
            let payload = Decompressor { stream: Decompress::new(false), feed: Feed::new(), failed: false };
            Ok(instance::new_of(class, payload).into())
        }),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::member("eof", "True if the end-of-stream marker has been reached.", |vm, me| {
            Ok(boolean(decompressor(me).get(vm).feed.eof))
        }),
        GetSetDef::member("unused_data", "Data found after the end of the compressed stream.", |vm, me| {
            Ok(Bytes::from_slice(&decompressor(me).get(vm).feed.unused).into())
        }),
        GetSetDef::member(
            "needs_input",
            "True if more input is needed before more decompressed data can be produced.",
            |vm, me| Ok(boolean(decompressor(me).get(vm).feed.needs_input)),
        ),
    ])
    .methods(&[MethodDef::method(
        "decompress",
        "($self, /, data, max_length=-1)",
        "Decompress *data*, returning uncompressed data as bytes.",
        N(decompress),
    )]);

fn decompressor(me: &Value) -> &Py<Decompressor> {
    me.downcast::<Decompressor>().expect("a method of BZ2Decompressor is called on one")
}

fn decompress(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(data), limit] = args else { unreachable!("bound by the signature") };
    let (data, limit) = step_arguments(vm, data, limit.as_ref())?;
    let d = decompressor(me).get_mut(vm);
    if d.feed.eof {
        return Err(vm.eof_error("End of stream already reached"));
    }
    if d.failed {
        return Err(vm.value_error("Decompressor is unusable after a previous error"));
    }
    let input = d.feed.input(&data);
    let (mut rest, mut out, mut ended) = (&input[..], Vec::new(), false);
    loop {
        let len = make_room(&mut out, limit);
        let (before_in, before_out) = (d.stream.total_in(), d.stream.total_out());
        let status = d.stream.decompress(rest, &mut out[len..]);
        let (used, made) = (d.stream.total_in() - before_in, d.stream.total_out() - before_out);
        let full = len + made as usize == out.len();
        out.truncate(len + made as usize);
        rest = &rest[used as usize..];
        match status {
            Ok(Status::StreamEnd) => ended = true,
            Ok(_) => {}
            Err(_) => {
                (d.failed, d.feed.needs_input) = (true, false);
                return Err(vm.new_error(&OS_ERROR, "Invalid data stream"));
            }
        }
        let more = if full { out.len() < limit } else { !rest.is_empty() && used + made > 0 };
        if ended || !more {
            break;
        }
    }
    d.feed.done(rest, ended);
    Ok(Bytes::from_slice(&out).into())
}
