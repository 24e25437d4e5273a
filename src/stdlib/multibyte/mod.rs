//! `_multibytecodec` and the modules of codecs that it serves (`Modules/cjkcodecs`): `_codecs_jp`, `_codecs_kr`,
//! `_codecs_cn`, `_codecs_tw` and `_codecs_hk`. The codecs of ISO 2022 are left out: `LookupError`.
//!
//! `tables` has the characters, `codec` the rules, `driver` the error handlers, `stream` readers and writers.

mod codec;
mod driver;
mod stream;
mod tables;

use codec::{Codec, State};
use driver::End;
pub use stream::{READER, WRITER};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::{UNICODE_DECODE_ERROR, UNICODE_ERROR};
use taipan_runtime::types::int::Int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// `_multibytecodec`
pub static MODULE: ModuleDef =
    ModuleDef::new("_multibytecodec").types(&[&ENCODER, &DECODER, &READER, &WRITER]).init(|_, _| {
        // A type without a name in the module.
        taipan_runtime::types::typeobject::ready::ready(&CODEC);
        Ok(())
    });

macro_rules! modules {
    ($($static:ident = $name:literal $codecs:ident;)*) => { $(
        #[doc = concat!("`", $name, "`")]
        pub static $static: ModuleDef = ModuleDef::new($name).functions(&[MethodDef::function(
            "getcodec",
            "($module, name, /)",
            "",
            F1(|vm, name| get_codec(vm, name, codec::$codecs)),
        )]);
    )* };
}
modules! {
    JP = "_codecs_jp" JP;
    KR = "_codecs_kr" KR;
    CN = "_codecs_cn" CN;
    TW = "_codecs_tw" TW;
    HK = "_codecs_hk" HK;
}

fn get_codec(vm: &mut Vm, name: &Value, codecs: &'static [Codec]) -> PyResult {
    let Some(name) = name.downcast::<Str>() else {
        return Err(vm.type_error("encoding name must be a string."));
    };
    let Some(codec) = codecs.iter().find(|c| name.is_text(c.name)) else {
        return Err(vm.lookup_error("no such codec is supported."));
    };
    taipan_runtime::types::typeobject::ready::ready(&CODEC);
    Ok(instance::new(MultibyteCodec { codec }).into())
}

// ---- The codec itself ----------------------------------------------------------------------------------------------

/// Payload of `MultibyteCodec`.
pub struct MultibyteCodec {
    codec: &'static Codec,
}
taipan_runtime::payload!(MultibyteCodec, CODEC);
impl Frozen for MultibyteCodec {}

/// `_multibytecodec.MultibyteCodec`
pub static CODEC: TypeDef = TypeDef::new::<MultibyteCodec>("_multibytecodec.MultibyteCodec")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .cpython_size(32, 0)
    .methods(&[
        MethodDef::method(
            "encode",
            "($self, /, input, errors=None)",
            "Return an encoded string version of 'input'.",
            N(|vm, args| {
                let [Some(me), Some(input), errors] = args else { unreachable!("bound by the signature") };
                let codec = me.downcast::<MultibyteCodec>().expect("a method of MultibyteCodec").codec;
                let errors = optional_errors(vm, errors, "encode")?;
                let points = driver::points_of(vm, input)?;
                let mut state = State::default();
                let (bytes, _) = driver::encode(vm, codec, &mut state, &points, &errors, End::Finish)?;
                Ok(Tuple::of([Bytes::from_slice(&bytes).into(), Value::from_usize(points.len())]).into())
            }),
        ),
        MethodDef::method(
            "decode",
            "($self, /, input, errors=None)",
            "Decodes 'input'.",
            N(|vm, args| {
                let [Some(me), Some(input), errors] = args else { unreachable!("bound by the signature") };
                let codec = me.downcast::<MultibyteCodec>().expect("a method of MultibyteCodec").codec;
                let errors = optional_errors(vm, errors, "decode")?;
                let bytes = driver::bytes_of(vm, input)?;
                let mut state = State::default();
                let (text, _) = driver::decode(vm, codec, &mut state, &bytes, &errors, true)?;
                Ok(Tuple::of([Str::from_code_points(&text).into(), Value::from_usize(bytes.len())]).into())
            }),
        ),
    ]);

fn optional_errors(vm: &mut Vm, v: &Option<Value>, function: &str) -> PyResult<String> {
    match v.as_ref().filter(|v| !v.is_none()) {
        None => Ok("strict".to_owned()),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => Ok(s.to_rust().into_owned()),
            None => {
                let name = v.class().payload.name();
                Err(vm.type_error(format!("{function}() argument 'errors' must be str or None, not {name}")))
            }
        },
    }
}

/// The codec of a class: its attribute `codec`.
fn codec_of(vm: &mut Vm, class: &Py<Type>) -> PyResult<&'static Codec> {
    let attribute = vm.get_attr_text(class.as_value(), "codec")?;
    match attribute.downcast::<MultibyteCodec>() {
        Some(c) => Ok(c.codec),
        None => Err(vm.type_error("codec is unexpected type")),
    }
}

fn errors_argument(vm: &mut Vm, v: &Option<Value>) -> PyResult<String> {
    match v {
        None => Ok("strict".to_owned()),
        Some(v) => Ok(vm.expect_str(v, "argument 'errors'")?.to_rust().into_owned()),
    }
}

// ---- In pieces -----------------------------------------------------------------------------------------------------

/// What is kept between pieces, of bytes or of characters.
pub struct Kept<T> {
    codec: &'static Codec,
    errors: String,
    pending: Vec<T>,
    state: State,
}

impl<T: Copy> Kept<T> {
    fn new(codec: &'static Codec, errors: String) -> Kept<T> {
        Kept { codec, errors, pending: Vec::new(), state: State::default() }
    }

    /// A copy of what a step needs, with the new data behind the pending.
    fn step(&self, data: &[T]) -> (&'static Codec, String, State, Vec<T>) {
        (self.codec, self.errors.clone(), self.state, [&self.pending[..], data].concat())
    }
}

/// Payload of `MultibyteIncrementalEncoder`.
pub struct Encoder(Kept<u32>);
taipan_runtime::payload!(Encoder, ENCODER);

/// Payload of `MultibyteIncrementalDecoder`.
pub struct Decoder(Kept<u8>);
taipan_runtime::payload!(Decoder, DECODER);

macro_rules! errors_attribute {
    ($payload:ty, $field:tt) => {
        GetSetDef::get_set(
            "errors",
            "how to treat errors",
            |vm, me| {
                let me = me.downcast::<$payload>().expect("an attribute of this type");
                Ok(Str::from_rust(&me.get(vm).$field.errors).into())
            },
            |vm, me, value| {
                let Some(value) = value else { return Err(vm.attribute_error("cannot delete attribute")) };
                let Some(text) = value.downcast::<Str>() else {
                    return Err(vm.type_error("errors must be a string"));
                };
                let me = me.downcast::<$payload>().expect("an attribute of this type");
                me.get_mut(vm).$field.errors = text.to_rust().into_owned();
                Ok(())
            },
        )
    };
}
use errors_attribute;

/// `_multibytecodec.MultibyteIncrementalEncoder`
pub static ENCODER: TypeDef = TypeDef::new::<Encoder>("_multibytecodec.MultibyteIncrementalEncoder")
    .flags(TypeFlags::BASETYPE)
    .cpython_size(48, 0)
    .slots(Slots {
        new: Some(|vm, class, args| {
            static SIGNATURE: Signature = Signature::new("IncrementalEncoder", "(errors='strict')");
            let (codec, errors) = made(vm, class, args, &SIGNATURE)?;
            Ok(instance::new_of(class, Encoder(Kept::new(codec, errors))).into())
        }),
        init: Some(|_, _, _| Ok(())),
        ..Slots::NONE
    })
    .getset(&[errors_attribute!(Encoder, 0)])
    .methods(&[
        MethodDef::method("encode", "($self, /, input, final=False)", "", N(encode_piece)),
        MethodDef::method("getstate", "($self, /)", "", F1(encoder_state)),
        MethodDef::method("setstate", "($self, state, /)", "", F2(set_encoder_state)),
        MethodDef::method(
            "reset",
            "($self, /)",
            "",
            F1(|vm, me| {
                let kept = &mut encoder(me).get_mut(vm).0;
                kept.pending.clear();
                kept.state = State::default();
                Ok(none())
            }),
        ),
    ]);

/// `_multibytecodec.MultibyteIncrementalDecoder`
pub static DECODER: TypeDef = TypeDef::new::<Decoder>("_multibytecodec.MultibyteIncrementalDecoder")
    .flags(TypeFlags::BASETYPE)
    .cpython_size(56, 0)
    .slots(Slots {
        new: Some(|vm, class, args| {
            static SIGNATURE: Signature = Signature::new("IncrementalDecoder", "(errors='strict')");
            let (codec, errors) = made(vm, class, args, &SIGNATURE)?;
            Ok(instance::new_of(class, Decoder(Kept::new(codec, errors))).into())
        }),
        init: Some(|_, _, _| Ok(())),
        ..Slots::NONE
    })
    .getset(&[errors_attribute!(Decoder, 0)])
    .methods(&[
        MethodDef::method("decode", "($self, /, input, final=False)", "", N(decode_piece)),
        MethodDef::method(
            "getstate",
            "($self, /)",
            "",
            F1(|vm, me| {
                let kept = &decoder(me).get(vm).0;
                let state = Int::from_u64(u64::from_le_bytes(kept.state));
                Ok(Tuple::of([Bytes::from_slice(&kept.pending).into(), state]).into())
            }),
        ),
        MethodDef::method("setstate", "($self, state, /)", "", F2(set_decoder_state)),
        MethodDef::method(
            "reset",
            "($self, /)",
            "",
            F1(|vm, me| {
                let kept = &mut decoder(me).get_mut(vm).0;
                kept.pending.clear();
                kept.state = State::default();
                Ok(none())
            }),
        ),
    ]);

fn made(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>, signature: &Signature) -> PyResult<(&'static Codec, String)> {
    let bound = args.bind(vm, signature)?;
    let errors = errors_argument(vm, &bound[0])?;
    Ok((codec_of(vm, class)?, errors))
}

fn encoder(me: &Value) -> &Py<Encoder> {
    me.downcast::<Encoder>().expect("a method of an encoder is called on one")
}

fn decoder(me: &Value) -> &Py<Decoder> {
    me.downcast::<Decoder>().expect("a method of a decoder is called on one")
}

/// Characters that may wait for what follows them.
const MOST_CHARACTERS: usize = 2;
/// Bytes that may.
const MOST_BYTES: usize = 8;

fn last(vm: &mut Vm, v: &Option<Value>) -> PyResult<bool> {
    v.as_ref().map_or(Ok(false), |v| vm.truth(v))
}

/// Where an object keeps what it keeps.
type KeptOf<T> = for<'a> fn(&'a mut Vm, &'a Value) -> &'a mut Kept<T>;

/// A step of an encoder or a writer: the bytes.
fn encode_kept(vm: &mut Vm, me: &Value, kept: KeptOf<u32>, points: &[u32], last: bool) -> PyResult<Vec<u8>> {
    let (codec, errors, mut state, all) = kept(vm, me).step(points);
    let end = if last { End::Finish } else { End::Open };
    let (bytes, left) = driver::encode(vm, codec, &mut state, &all, &errors, end)?;
    if left > MOST_CHARACTERS {
        return Err(vm.new_error(&UNICODE_ERROR, "pending buffer overflow"));
    }
    let kept = kept(vm, me);
    kept.state = state;
    kept.pending = all[all.len() - left..].to_vec();
    Ok(bytes)
}

/// A step of a decoder or a reader: the characters.
fn decode_kept(vm: &mut Vm, me: &Value, kept: KeptOf<u8>, bytes: &[u8], last: bool) -> PyResult<Vec<u32>> {
    let (codec, errors, mut state, all) = kept(vm, me).step(bytes);
    let (text, left) = driver::decode(vm, codec, &mut state, &all, &errors, last)?;
    if left > MOST_BYTES {
        return Err(vm.new_error(&UNICODE_ERROR, "pending buffer overflow"));
    }
    let kept = kept(vm, me);
    kept.state = state;
    kept.pending = all[all.len() - left..].to_vec();
    Ok(text)
}

fn encode_piece(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(input), end] = args else { unreachable!("bound by the signature") };
    let end = last(vm, end)?;
    let points = driver::points_of(vm, input)?;
    let bytes = encode_kept(vm, me, |vm, me| &mut encoder(me).get_mut(vm).0, &points, end)?;
    Ok(Bytes::from_slice(&bytes).into())
}

fn decode_piece(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(input), end] = args else { unreachable!("bound by the signature") };
    let end = last(vm, end)?;
    let bytes = driver::bytes_of(vm, input)?;
    let text = decode_kept(vm, me, |vm, me| &mut decoder(me).get_mut(vm).0, &bytes, end)?;
    Ok(Str::from_code_points(&text).into())
}

/// The state as a number: how many bytes of UTF-8 are pending, those, and the codec's own eight.
fn encoder_state(vm: &mut Vm, me: &Value) -> PyResult {
    let kept = &encoder(me).get(vm).0;
    let pending: String = kept.pending.iter().filter_map(|&c| char::from_u32(c)).collect();
    let mut bytes = vec![pending.len() as u8];
    bytes.extend_from_slice(pending.as_bytes());
    bytes.extend_from_slice(&kept.state);
    Ok(Int::from_big(taipan_base::int::BigInt::from_le_bytes(&bytes, false)))
}

fn set_encoder_state(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let Some(state) = Int::read(state) else {
        let name = state.class().payload.name();
        return Err(vm.type_error(format!("setstate() argument must be int, not {name}")));
    };
    let bytes = state.to_big().to_le_bytes(1 + MOST_BYTES + 8, false);
    let bytes = bytes.map_err(|_| too_big(vm, state.is_negative()))?;
    let n = bytes[0] as usize;
    if n > MOST_BYTES {
        return Err(vm.new_error(&UNICODE_ERROR, "pending buffer too large"));
    }
    let pending = vm.decode(&bytes[1..1 + n], "utf-8", "strict")?;
    let kept = &mut encoder(me).get_mut(vm).0;
    kept.pending = pending.code_points().collect();
    kept.state.copy_from_slice(&bytes[1 + n..1 + n + 8]);
    Ok(none())
}

fn too_big(vm: &mut Vm, negative: bool) -> Raised {
    vm.overflow_error(if negative { "can't convert negative int to unsigned" } else { "int too big to convert" })
}

fn set_decoder_state(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let Some(pair) = state.downcast::<Tuple>() else {
        let name = state.class().payload.name();
        return Err(vm.type_error(format!("setstate() argument must be tuple, not {name}")));
    };
    let [pending, number] = pair.items() else {
        return Err(vm.type_error("setstate(): illegal state argument"));
    };
    let (Some(pending), Some(number)) = (pending.downcast::<Bytes>(), Int::read(number)) else {
        return Err(vm.type_error("setstate(): illegal state argument"));
    };
    let n = pending.as_slice().len();
    if n > MOST_BYTES {
        let name = decoder(me).get(vm).0.codec.name;
        let (name, reason) = (vm.new_str(name), vm.new_str("pending buffer too large"));
        let args = [name, pending.as_value().clone(), Value::from_usize(0), Value::from_usize(n), reason];
        return Err(vm.raise_with(&UNICODE_DECODE_ERROR, &args));
    }
    let bytes = number.to_big().to_le_bytes(8, false).map_err(|_| too_big(vm, number.is_negative()))?;
    let pending = pending.as_slice().to_vec();
    let kept = &mut decoder(me).get_mut(vm).0;
    kept.pending = pending;
    kept.state.copy_from_slice(&bytes);
    Ok(none())
}
