//! `_hashlib` (`Modules/_hashopenssl.c`): what `hashlib` and `hmac` ask first. In CPython it is OpenSSL; here it is the
//! same algorithms that the other modules have.

use super::hmac::{self, Hmac};
use super::types::{HASH, HASHXOF, make};
use super::{ALGORITHMS, Algorithm, derive, hashable};
use crate::error_class::ErrorClass;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Raised, TypeDef, TypeFlags, Value, instance};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::VALUE_ERROR;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::set::FROZENSET;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

static UNSUPPORTED: ErrorClass = ErrorClass::new("_hashlib", "UnsupportedDigestmodError", &VALUE_ERROR);

macro_rules! functions {
    ($($name:literal)*) => { &[
        $( MethodDef::function(
            concat!("openssl_", $name),
            "($module, /, data=b'', *, usedforsecurity=True, string=None)",
            concat!("Returns a ", $name, " hash object; optionally initialized with a string"),
            N(|vm, args| hash(vm, $name, &args[0], &args[2])),
        ), )*
        MethodDef::function(
            "new",
            "($module, /, name, data=b'', *, usedforsecurity=True, string=None)",
            "Return a new hash object using the named algorithm.",
            N(new),
        ),
        MethodDef::function(
            "pbkdf2_hmac",
            "($module, /, hash_name, password, salt, iterations,\n            dklen=None)",
            "A key from a password (PBKDF2 of RFC 8018, over HMAC).",
            N(pbkdf2_hmac),
        ),
        MethodDef::function(
            "scrypt",
            "($module, /, password, *, salt, n, r, p, maxmem=0, dklen=64)",
            "scrypt password-based key derivation function.",
            N(scrypt),
        ),
        MethodDef::function(
            "get_fips_mode",
            "($module, /)",
            "Determine the OpenSSL FIPS mode of operation: never, here.",
            F0(|_| Ok(Value::small_unchecked(0))),
        ),
        MethodDef::function(
            "compare_digest",
            "($module, a, b, /)",
            "Return 'a == b', in a time that does not tell where they differ.",
            F2(crate::operator::compare_digest),
        ),
        MethodDef::function("hmac_digest", "($module, /, key, msg, digest)", "Single-shot HMAC.", N(hmac_digest)),
        MethodDef::function(
            "hmac_new",
            "($module, /, key, msg=b'', digestmod=None)",
            "Return a new hmac object.",
            N(hmac_new),
        ),
    ] };
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_hashlib")
    .doc("OpenSSL's interface for hashlib, without OpenSSL.")
    .functions(functions!(
        "md5" "sha1" "sha224" "sha256" "sha384" "sha512" "sha3_224" "sha3_256" "sha3_384" "sha3_512" "shake_128"
        "shake_256"
    ))
    .types(&[&HASH, &HASHXOF, &HMAC])
    .init(init);

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let names: Vec<Value> = ALGORITHMS.iter().map(|a| vm.new_str(a.name)).collect();
    let names = vm.call1(&FROZENSET.value(), Tuple::from_vec(names).as_value())?;
    dict.store_text("openssl_md_meth_names", names);
    let constructors = Dict::new_object();
    for a in &ALGORITHMS {
        if let Some(f) = dict.lookup_text(&format!("openssl_{}", a.name)) {
            let name = vm.new_str(a.name);
            constructors.set_item(vm, &f, name)?;
        }
    }
    dict.store_text("_constructors", constructors);
    let error = UNSUPPORTED.get(vm)?;
    dict.store_text("UnsupportedDigestmodError", error);
    dict.store_text("_GIL_MINSIZE", Value::small_unchecked(2048));
    Ok(())
}

/// `_hashlib.HMAC`
pub static HMAC: TypeDef = TypeDef::new::<Hmac>("_hashlib.HMAC")
    .doc("The object used to calculate HMAC of a message.")
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .cpython_size(32, 0)
    .slots(hmac::SLOTS)
    .getset(hmac::GETSET)
    .methods(hmac::METHODS);

/// What OpenSSL says of a name it does not know.
fn unsupported(vm: &mut Vm) -> Raised {
    UNSUPPORTED.raise(vm, "[digital envelope routines] unsupported")
}

/// The algorithm of a name, in any of the ways to write it.
fn named(vm: &mut Vm, v: &Value, what: &str) -> PyResult<&'static Algorithm> {
    let name = vm.expect_str(v, what)?.to_rust().to_ascii_lowercase();
    let name = match name.strip_prefix("sha-").or_else(|| name.strip_prefix("sha2-")) {
        Some(rest) if !rest.starts_with('3') => format!("sha{rest}"),
        _ => name.replace('-', "_"),
    };
    let name = match name.as_str() {
        "blake2b512" => "blake2b",
        "blake2s256" => "blake2s",
        "shake128" => "shake_128",
        "shake256" => "shake_256",
        name => name,
    };
    ALGORITHMS.iter().find(|a| a.name == name).ok_or_else(|| unsupported(vm))
}

fn hash(vm: &mut Vm, name: &str, data: &Option<Value>, string: &Option<Value>) -> PyResult {
    let class = if name.starts_with("shake") { &HASHXOF } else { &HASH };
    make(vm, class.class(), name, data, string)
}

fn new(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(name), data, _, string] = args else { unreachable!("bound by the signature") };
    let algorithm = named(vm, name, "new() argument 'name'")?;
    hash(vm, algorithm.name, data, string)
}

// ---- HMAC ----------------------------------------------------------------------------------------------------------

/// The algorithm of a `digestmod`: a name, or one of this module's functions.
fn digestmod(vm: &mut Vm, v: &Value) -> PyResult<&'static Algorithm> {
    let name = if v.downcast::<Str>().is_some() {
        v.clone()
    } else {
        let constructors = vm.import_attr("_hashlib", "_constructors")?;
        let known = constructors.downcast::<Dict>().expect("made by this module").get_item(vm, v);
        match known {
            Ok(Some(name)) => name,
            other => {
                if other.is_err() {
                    vm.clear_error();
                }
                let shown = vm.repr(v)?;
                return Err(UNSUPPORTED.raise(vm, &format!("Unsupported digestmod {}", shown.to_rust())));
            }
        }
    };
    let algorithm = named(vm, &name, "digestmod")?;
    if algorithm.digest_size == 0 {
        return Err(vm.value_error("no reason supplied"));
    }
    Ok(algorithm)
}

fn keyed(vm: &mut Vm, algorithm: &'static Algorithm, key: &Value, msg: Option<&Value>) -> PyResult<Hmac> {
    let key = vm.buffer(key, BufferRequest::READ)?;
    let mut hmac = Hmac::keyed(algorithm, &key.to_vec(vm));
    if let Some(msg) = msg.filter(|v| !v.is_none()) {
        let msg = hashable(vm, msg)?;
        hmac.update(msg.as_slice(vm));
    }
    Ok(hmac)
}

fn hmac_new(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(key), msg, digest] = args else { unreachable!("bound by the signature") };
    let Some(digest) = digest.as_ref().filter(|v| !v.is_none()) else {
        return Err(vm.type_error("Missing required parameter 'digestmod'."));
    };
    let algorithm = digestmod(vm, digest)?;
    let hmac = keyed(vm, algorithm, key, msg.as_ref())?;
    Ok(instance::new_of(&HMAC.class(), hmac).into())
}

fn hmac_digest(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(key), Some(msg), Some(digest)] = args else { unreachable!("bound by the signature") };
    let algorithm = digestmod(vm, digest)?;
    let hmac = keyed(vm, algorithm, key, Some(msg))?;
    Ok(Bytes::from_slice(&hmac.finish()).into())
}

// ---- Keys of passwords ---------------------------------------------------------------------------------------------

fn pbkdf2_hmac(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(name), Some(password), Some(salt), Some(rounds), len] = args else {
        unreachable!("bound by the signature")
    };
    vm.expect_str(name, "pbkdf2_hmac() argument 'hash_name'")?;
    let password = vm.buffer(password, BufferRequest::READ)?.to_vec(vm);
    let salt = vm.buffer(salt, BufferRequest::READ)?.to_vec(vm);
    let rounds = vm.to_i64(rounds)?;
    let algorithm = named(vm, name, "pbkdf2_hmac() argument 'hash_name'")?;
    if rounds < 1 {
        return Err(vm.value_error("iteration value must be greater than 0."));
    }
    let Ok(rounds) = i32::try_from(rounds) else { return Err(vm.overflow_error("iteration value is too great.")) };
    let len = match len.as_ref().filter(|v| !v.is_none()) {
        Some(v) => vm.to_i64(v)?,
        None => algorithm.digest_size as i64,
    };
    if len < 1 {
        return Err(vm.value_error("key length must be greater than 0."));
    }
    if len > i32::MAX.into() {
        return Err(vm.overflow_error("key length is too great."));
    }
    let key = vm.allow_threads(|| derive::pbkdf2(algorithm, &password, &salt, rounds as u32, len as usize));
    Ok(Bytes::from_slice(&key).into())
}

/// A parameter of `scrypt`.
fn positive(vm: &mut Vm, v: &Option<Value>) -> PyResult<u64> {
    let i = vm.index(v.as_ref().expect("required"))?;
    match Int::read(&i) {
        Some(i) if i.is_negative() => Err(vm.value_error("Cannot convert negative int")),
        Some(IntRef::Small(i)) => Ok(i as u64),
        Some(IntRef::Big(b)) => b.to_u64().ok_or_else(|| vm.overflow_error("Python int too large for C unsigned long")),
        None => Ok(0),
    }
}

fn scrypt(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(password), Some(salt), n, r, p, memory, len] = args else { unreachable!("bound by the signature") };
    let password = vm.buffer(password, BufferRequest::READ)?.to_vec(vm);
    let salt = vm.buffer(salt, BufferRequest::READ)?.to_vec(vm);
    let (n, r, p) = (positive(vm, n)?, positive(vm, r)?, positive(vm, p)?);
    let mut number = |v: &Option<Value>, default| v.as_ref().map_or(Ok(default), |v| vm.to_i64(v));
    let (memory, len) = (number(memory, 0)?, number(len, 64)?);
    if n < 2 || !n.is_power_of_two() {
        return Err(vm.value_error("n must be a power of 2."));
    }
    if !(0..=i32::MAX.into()).contains(&memory) {
        return Err(vm.value_error("maxmem must be positive and smaller than 2147483647"));
    }
    if !(1..=i32::MAX.into()).contains(&len) {
        return Err(vm.value_error("dklen must be greater than 0 and smaller than 2147483647"));
    }
    let limit = if memory == 0 { 32 << 20 } else { memory as u64 };
    let Some(need) = derive::scrypt_memory(n, r, p) else {
        return Err(vm.value_error("Invalid parameter combination for n, r, p, maxmem."));
    };
    if need > limit {
        return Err(vm.value_error("[digital envelope routines] memory limit exceeded"));
    }
    let key = vm.allow_threads(|| derive::scrypt(&password, &salt, [n, r, p].map(|i| i as usize), len as usize));
    Ok(Bytes::from_slice(&key).into())
}
