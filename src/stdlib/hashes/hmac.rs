//! `_hmac` (`Modules/hmacmodule.c`): keyed hashing, RFC 2104.

use super::types::hexadecimal;
use super::{ALGORITHMS, Algorithm, Hasher, hashable};
use crate::error_class::ErrorClass;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, TypeDef, TypeFlags, Value, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::VALUE_ERROR;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;

static UNKNOWN_HASH: ErrorClass = ErrorClass::new("_hmac", "UnknownHashError", &VALUE_ERROR);

macro_rules! one_shot {
    ($($name:literal)*) => { &[
        MethodDef::function(
            "new",
            "($module, /, key, msg=None, digestmod=None)",
            "Return a new HMAC object.",
            N(new),
        ),
        MethodDef::function(
            "compute_digest",
            "($module, /, key, msg, digest)",
            "Return the HMAC of a message.",
            N(|vm, args| {
                let [Some(key), Some(msg), Some(digest)] = args else { unreachable!("all are required") };
                let algorithm = known(vm, digest)?;
                compute(vm, algorithm, key, msg)
            }),
        ),
        $( MethodDef::function(
            concat!("compute_", $name),
            "($module, key, msg, /)",
            concat!("Return the HMAC of a message by ", $name, "."),
            F2(|vm, key, msg| {
                let name = $name.strip_suffix("_32").unwrap_or($name);
                let algorithm = ALGORITHMS.iter().find(|a| a.name == name).expect("the table has all names");
                compute(vm, algorithm, key, msg)
            }),
        ), )*
    ] };
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_hmac")
    .functions(one_shot!(
        "md5" "sha1" "sha224" "sha256" "sha384" "sha512" "sha3_224" "sha3_256" "sha3_384" "sha3_512" "blake2b_32"
        "blake2s_32"
    ))
    .types(&[&HMAC])
    .init(|vm, dict| {
        let class = UNKNOWN_HASH.get(vm)?;
        dict.store_text("UnknownHashError", class);
        dict.store_text("_GIL_MINSIZE", Value::small_unchecked(2048));
        Ok(())
    });

/// Payload of `_hmac.HMAC`.
pub struct Hmac {
    algorithm: &'static Algorithm,
    inner: Hasher,
    outer: Hasher,
}
taipan_runtime::payload!(Hmac, HMAC);

/// `_hmac.HMAC`
pub static HMAC: TypeDef = TypeDef::new::<Hmac>("_hmac.HMAC")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .cpython_size(72, 0)
    .slots(SLOTS)
    .getset(GETSET)
    .methods(METHODS);

/// The parts of the types `HMAC` of this module and of `_hashlib`.
pub(super) const SLOTS: Slots = Slots {
    repr: Some(|vm, me| {
        let name = this(me).get(vm).algorithm.name;
        Ok(vm.new_str(&format!("<{name} HMAC object @ {:#x}>", me.id())))
    }),
    ..Slots::NONE
};
/// See [`SLOTS`].
pub(super) const GETSET: &[GetSetDef] = &[
    GetSetDef::get("name", "", |vm, me| {
        let name = format!("hmac-{}", this(me).get(vm).algorithm.name);
        Ok(vm.new_str(&name))
    }),
    GetSetDef::get("block_size", "", |vm, me| Ok(Value::from_usize(this(me).get(vm).algorithm.block_size))),
    GetSetDef::get("digest_size", "", |vm, me| Ok(Value::from_usize(this(me).get(vm).algorithm.digest_size))),
];
/// See [`SLOTS`].
pub(super) const METHODS: &[MethodDef] = &[
    MethodDef::method(
        "copy",
        "($self, /)",
        "Return a copy of this HMAC object.",
        F1(|vm, me| {
            let h = this(me).get(vm);
            let copy = Hmac { algorithm: h.algorithm, inner: h.inner.clone(), outer: h.outer.clone() };
            Ok(instance::new_of(&Py::of(me.class()), copy).into())
        }),
    ),
    MethodDef::method(
        "update",
        "($self, /, msg)",
        "Feed more of the message.",
        N(|vm, args| {
            let [Some(me), Some(msg)] = args else { unreachable!("bound by the signature") };
            let view = hashable(vm, msg)?;
            let mut inner = this(me).get(vm).inner.clone();
            inner.update(view.as_slice(vm));
            this(me).get_mut(vm).inner = inner;
            Ok(none())
        }),
    ),
    MethodDef::method(
        "digest",
        "($self, /)",
        "Return the digest of the message so far, as bytes.",
        F1(|vm, me| Ok(Bytes::from_slice(&this(me).get(vm).finish()).into())),
    ),
    MethodDef::method(
        "hexdigest",
        "($self, /)",
        "Return the digest so far, as hexadecimal digits.",
        F1(|vm, me| Ok(hexadecimal(&this(me).get(vm).finish()))),
    ),
];

fn this(me: &Value) -> &Py<Hmac> {
    me.downcast::<Hmac>().expect("a method of HMAC is called on one")
}

impl Hmac {
    /// Over no message yet.
    pub(super) fn keyed(algorithm: &'static Algorithm, key: &[u8]) -> Hmac {
        let mut block = if key.len() > algorithm.block_size {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(key);
            hasher.finish(algorithm.digest_size)
        } else {
            key.to_vec()
        };
        block.resize(algorithm.block_size, 0);
        let [inner, outer] = [0x36, 0x5c].map(|pad| {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(&block.iter().map(|b| b ^ pad).collect::<Vec<u8>>());
            hasher
        });
        Hmac { algorithm, inner, outer }
    }

    /// Takes in a part of the message.
    pub(super) fn update(&mut self, message: &[u8]) {
        self.inner.update(message);
    }

    /// The digest so far.
    pub(super) fn finish(&self) -> Vec<u8> {
        let size = self.algorithm.digest_size;
        let mut outer = self.outer.clone();
        outer.update(&self.inner.finish(size));
        outer.finish(size)
    }
}

/// The algorithm that a `digestmod` names.
fn known(vm: &mut Vm, v: &Value) -> PyResult<&'static Algorithm> {
    let name = v.downcast::<Str>().map(|s| s.to_rust().to_ascii_lowercase());
    match name.and_then(|n| ALGORITHMS.iter().find(|a| a.name == n && a.digest_size != 0)) {
        Some(a) => Ok(a),
        None => {
            let shown = vm.repr(v)?;
            Err(UNKNOWN_HASH.raise(vm, &format!("unsupported hash type: {}", shown.to_rust())))
        }
    }
}

fn new(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(key), msg, digestmod] = args else { unreachable!("bound by the signature") };
    let Some(digestmod) = digestmod else {
        return Err(vm.type_error("new() missing 1 required argument 'digestmod'"));
    };
    let algorithm = known(vm, digestmod)?;
    if algorithm.name.starts_with("blake2") {
        return Err(vm.value_error("invalid HACL* algorithm"));
    }
    let key = hashable(vm, key)?;
    let mut hmac = Hmac::keyed(algorithm, key.as_slice(vm));
    if let Some(msg) = msg.as_ref().filter(|v| !v.is_none()) {
        let view = hashable(vm, msg)?;
        hmac.inner.update(view.as_slice(vm));
    }
    Ok(instance::new(hmac).into())
}

fn compute(vm: &mut Vm, algorithm: &'static Algorithm, key: &Value, msg: &Value) -> PyResult {
    let (key, msg) = (hashable(vm, key)?, hashable(vm, msg)?);
    let mut hmac = Hmac::keyed(algorithm, key.as_slice(vm));
    hmac.inner.update(msg.as_slice(vm));
    Ok(Bytes::from_slice(&hmac.finish()).into())
}
