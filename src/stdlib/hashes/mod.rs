//! `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2` (`Modules/md5module.c` and its neighbours): what `hashlib` is made of
//! where there is no OpenSSL; `hmac` has `_hmac`, `front` has `_hashlib`, which in CPython is OpenSSL's. One payload
//! serves all types.

pub mod blake2;
mod derive;
pub mod front;
mod hasher;
pub mod hmac;
mod keccak;
mod types;

pub use hasher::{ALGORITHMS, Algorithm, Hasher};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buffer::{Buffer, BufferRequest};
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::typeobject::ready::ready;
use taipan_runtime::vm::Vm;
pub use types::Hash;
use types::*;

macro_rules! maker {
    ($name:literal, $def:ident) => {
        MethodDef::function(
            $name,
            "($module, /, data=b'', *, usedforsecurity=True, string=None)",
            concat!("Return a new ", $name, " hash object; optionally initialized with a string."),
            N(|vm, args| make(vm, $def.class(), $name, &args[0], &args[2])),
        )
    };
}

macro_rules! module {
    ($(#[$doc:meta])* $static:ident, $name:literal, [$($def:ident as $key:literal),*], [$($function:expr),*]) => {
        $(#[$doc])*
        pub static $static: ModuleDef = ModuleDef::new($name).functions(&[$($function),*]).init(|vm, dict| {
            // Not listed as the module's types: a function may have the name of its type.
            $(
                ready(&$def);
                dict.store_text($key, $def.value());
            )*
            dict.store_text("_GIL_MINSIZE", Value::small_unchecked(2048));
            constants(vm, $name, dict)
        });
    };
}

module!(
    /// `_md5`
    MD5_MODULE, "_md5", [MD5 as "MD5Type"], [maker!("md5", MD5)]
);
module!(
    /// `_sha1`
    SHA1_MODULE, "_sha1", [SHA1 as "SHA1Type"], [maker!("sha1", SHA1)]
);
module!(
    /// `_sha2`
    SHA2_MODULE, "_sha2",
    [SHA224 as "SHA224Type", SHA256 as "SHA256Type", SHA384 as "SHA384Type", SHA512 as "SHA512Type"],
    [maker!("sha224", SHA224), maker!("sha256", SHA256), maker!("sha384", SHA384), maker!("sha512", SHA512)]
);
module!(
    /// `_sha3`
    SHA3_MODULE, "_sha3",
    [
        SHA3_224 as "sha3_224",
        SHA3_256 as "sha3_256",
        SHA3_384 as "sha3_384",
        SHA3_512 as "sha3_512",
        SHAKE_128 as "shake_128",
        SHAKE_256 as "shake_256"
    ],
    []
);
module!(
    /// `_blake2`
    BLAKE2_MODULE, "_blake2", [BLAKE2B as "blake2b", BLAKE2S as "blake2s"], []
);

/// The memory of what is hashed: any buffer in one piece, but no text.
fn hashable(vm: &mut Vm, v: &Value) -> PyResult<Buffer> {
    if v.downcast::<Str>().is_some() {
        return Err(vm.type_error("Strings must be encoded before hashing"));
    }
    if v.class().payload.slots().buffer.is_none() {
        return Err(vm.type_error("object supporting the buffer API required"));
    }
    let view = vm.buffer(v, BufferRequest::READ)?;
    if !view.is_contiguous() {
        return Err(vm.buffer_error("memoryview: underlying buffer is not C-contiguous"));
    }
    if view.shape.len() > 1 {
        return Err(vm.buffer_error("Buffer must be single dimension"));
    }
    Ok(view)
}

/// The one argument of a constructor that is called `data` or, by an old name, `string`.
fn data_or_string<'a>(vm: &mut Vm, data: &'a Option<Value>, string: &'a Option<Value>) -> PyResult<Option<&'a Value>> {
    match (data, string.as_ref().filter(|v| !v.is_none())) {
        (Some(_), Some(_)) => Err(vm.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for removal \
             in a future version.",
        )),
        (data, string) => Ok(string.or(data.as_ref())),
    }
}
