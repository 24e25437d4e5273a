//! The types of hash objects.

use super::blake2::{Blake2b, Blake2s, Parameters};
use super::{ALGORITHMS, Algorithm, Hasher, data_or_string, hashable};
use taipan_base::binascii::hex;
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, instance, none,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::typeobject::access::store;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Signature;

/// Payload of all hash objects.
pub struct Hash {
    algorithm: &'static Algorithm,
    hasher: Hasher,
    /// Bytes of the digest; 0 when the caller says how many.
    digest_size: usize,
}
taipan_runtime::payload!(Hash, MD5);

fn this(me: &Value) -> &Py<Hash> {
    me.downcast::<Hash>().expect("a method of a hash is called on one")
}

const GETSET: &[GetSetDef] = &[
    GetSetDef::get("block_size", "", |vm, me| Ok(Value::from_usize(this(me).get(vm).algorithm.block_size))),
    GetSetDef::get("name", "", |vm, me| {
        let name = this(me).get(vm).algorithm.name;
        Ok(vm.new_str(name))
    }),
    GetSetDef::get("digest_size", "", |vm, me| Ok(Value::from_usize(this(me).get(vm).digest_size))),
];

const SPONGE_GETSET: &[GetSetDef] = &[
    GetSetDef::get("block_size", "", |vm, me| Ok(Value::from_usize(this(me).get(vm).algorithm.block_size))),
    GetSetDef::get("name", "", |vm, me| {
        let name = this(me).get(vm).algorithm.name;
        Ok(vm.new_str(name))
    }),
    GetSetDef::get("digest_size", "", |vm, me| Ok(Value::from_usize(this(me).get(vm).digest_size))),
    GetSetDef::get("_capacity_bits", "", |vm, me| {
        Ok(Value::from_usize(1600 - 8 * this(me).get(vm).algorithm.block_size))
    }),
    GetSetDef::get("_rate_bits", "", |vm, me| Ok(Value::from_usize(8 * this(me).get(vm).algorithm.block_size))),
    GetSetDef::get("_suffix", "", |vm, me| {
        let suffix = if this(me).get(vm).digest_size == 0 { 0x1f } else { 6 };
        Ok(Bytes::from_slice(&[suffix]).into())
    }),
];

macro_rules! methods {
    ($argument:literal) => {
        &[
            COPY,
            DIGEST,
            HEXDIGEST,
            MethodDef::method(
                "update",
                concat!("($self, ", $argument, ", /)"),
                "Update this hash object's state with the provided bytes-like object.",
                F2(update),
            ),
        ]
    };
}

const COPY: MethodDef = MethodDef::method("copy", "($self, /)", "Return a copy of the hash object.", F1(copy));
const DIGEST: MethodDef =
    MethodDef::method("digest", "($self, /)", "Return the digest value as a bytes object.", F1(digest));
const HEXDIGEST: MethodDef = MethodDef::method(
    "hexdigest",
    "($self, /)",
    "Return the digest value as a string of hexadecimal digits.",
    F1(|vm, me| {
        let bytes = this(me).get(vm).hasher.finish(this(me).get(vm).digest_size);
        Ok(hexadecimal(&bytes))
    }),
);

const SHAKE_METHODS: &[MethodDef] = &[
    COPY,
    MethodDef::method(
        "digest",
        "($self, /, length)",
        "Return the digest value as a bytes object.",
        N(|vm, args| Ok(Bytes::from_slice(&squeeze(vm, args)?).into())),
    ),
    MethodDef::method(
        "hexdigest",
        "($self, /, length)",
        "Return the digest value as a string of hexadecimal digits.",
        N(|vm, args| Ok(hexadecimal(&squeeze(vm, args)?))),
    ),
    MethodDef::method(
        "update",
        "($self, data, /)",
        "Update this hash object's state with the provided bytes-like object.",
        F2(update),
    ),
];

macro_rules! types {
    ($($def:ident = $name:literal $size:literal;)*) => { $(
        #[doc = concat!("`", $name, "`")]
        pub static $def: TypeDef = TypeDef::new::<Hash>($name)
            .flags(TypeFlags::DISALLOW_INSTANTIATION)
            .cpython_size($size, 0)
            .getset(GETSET)
            .methods(methods!("obj"));
    )* };
}
types! {
    MD5 = "_md5.md5" 32;
    SHA1 = "_sha1.sha1" 40;
    SHA224 = "_sha2.SHA224Type" 32;
    SHA256 = "_sha2.SHA256Type" 32;
    SHA384 = "_sha2.SHA384Type" 32;
    SHA512 = "_sha2.SHA512Type" 32;
}

macro_rules! sponges {
    ($($def:ident = $name:literal $doc:literal $methods:expr;)*) => { $(
        #[doc = concat!("`_sha3.", $name, "`")]
        pub static $def: TypeDef = TypeDef::new::<Hash>(concat!("_sha3.", $name))
            .doc(concat!($name, "([data], *, usedforsecurity=True) -> ", $doc))
            .cpython_size(48, 0)
            .slots(Slots {
                new: Some(|vm, class, args| {
                    static SIGNATURE: Signature =
                        Signature::new($name, "(data=b'', *, usedforsecurity=True, string=None)");
                    let bound = args.bind(vm, &SIGNATURE)?;
                    make(vm, class.clone(), $name, &bound[0], &bound[2])
                }),
                ..Slots::NONE
            })
            .getset(SPONGE_GETSET)
            .methods($methods);
    )* };
}
sponges! {
    SHA3_224 = "sha3_224" "SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 28 bytes." methods!("data");
    SHA3_256 = "sha3_256" "SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 32 bytes." methods!("data");
    SHA3_384 = "sha3_384" "SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 48 bytes." methods!("data");
    SHA3_512 = "sha3_512" "SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 64 bytes." methods!("data");
    SHAKE_128 = "shake_128" "SHAKE object\n\nReturn a new SHAKE hash object." SHAKE_METHODS;
    SHAKE_256 = "shake_256" "SHAKE object\n\nReturn a new SHAKE hash object." SHAKE_METHODS;
}

macro_rules! blakes {
    ($($def:ident = $name:literal $title:literal;)*) => { $(
        #[doc = concat!("`_blake2.", $name, "`")]
        pub static $def: TypeDef = TypeDef::new::<Hash>(concat!("_blake2.", $name))
            .doc(concat!("Return a new ", $title, " hash object."))
            .signature(concat!(
                "(data=b'', *, digest_size=_blake2.", $name, ".MAX_DIGEST_SIZE,\n        key=b'', salt=b'', person=b'', \
                 fanout=1, depth=1, leaf_size=0,\n        node_offset=0, node_depth=0, inner_size=0, last_node=False,\n        \
                 usedforsecurity=True, string=None)"
            ))
            .cpython_size(32, 0)
            .slots(Slots {
                new: Some(|vm, class, args| {
                    static SIGNATURE: Signature = Signature::new($name, BLAKE2_PARAMETERS);
                    let bound = args.bind(vm, &SIGNATURE)?;
                    blake2(vm, class, $name, $title, &bound)
                }),
                ..Slots::NONE
            })
            .getset(GETSET)
            .methods(methods!("data"));
    )* };
}
const BLAKE2_PARAMETERS: &str = "(data=b'', *, digest_size=0, key=b'', salt=b'', person=b'', fanout=1, depth=1, \
                                 leaf_size=0, node_offset=0, node_depth=0, inner_size=0, last_node=False, \
                                 usedforsecurity=True, string=None)";
blakes! {
    BLAKE2B = "blake2b" "BLAKE2b";
    BLAKE2S = "blake2s" "BLAKE2s";
}

/// `_hashlib.HASH`, what the functions `openssl_…` make.
pub static HASH: TypeDef = TypeDef::new::<Hash>("_hashlib.HASH")
    .doc("A hash is an object used to calculate a checksum of a string of information.")
    .flags(TypeFlags::DISALLOW_INSTANTIATION.union(TypeFlags::BASETYPE))
    .cpython_size(32, 0)
    .slots(Slots {
        repr: Some(|vm, me| {
            let (class, name) = (me.class().payload.name(), this(me).get(vm).algorithm.name);
            Ok(vm.new_str(&format!("<{name} {class} object @ {:#x}>", me.id())))
        }),
        ..Slots::NONE
    })
    .getset(GETSET)
    .methods(methods!("obj"));

/// `_hashlib.HASHXOF`: the digest is as long as one wants.
pub static HASHXOF: TypeDef = TypeDef::new::<Hash>("_hashlib.HASHXOF")
    .doc("A hash is an object used to calculate a checksum of a string of information.")
    .base(&HASH)
    .flags(TypeFlags::DISALLOW_INSTANTIATION)
    .cpython_size(32, 0)
    .methods(SHAKE_METHODS);

/// The algorithm of a name.
fn algorithm(name: &str) -> &'static Algorithm {
    ALGORITHMS.iter().find(|a| a.name == name).expect("the table has all names")
}

/// A new hash object, fed with the first data.
pub fn make(vm: &mut Vm, class: Py<Type>, name: &str, data: &Option<Value>, string: &Option<Value>) -> PyResult {
    let algorithm = algorithm(name);
    let first = data_or_string(vm, data, string)?;
    let mut hasher = Hasher::new(algorithm);
    if let Some(data) = first {
        let view = hashable(vm, data)?;
        hasher.update(view.as_slice(vm));
    }
    let digest_size = algorithm.digest_size;
    Ok(instance::new_of(&class, Hash { algorithm, hasher, digest_size }).into())
}

fn update(vm: &mut Vm, me: &Value, data: &Value) -> PyResult {
    let view = hashable(vm, data)?;
    let mut hasher = this(me).get(vm).hasher.clone();
    hasher.update(view.as_slice(vm));
    this(me).get_mut(vm).hasher = hasher;
    Ok(none())
}

fn copy(vm: &mut Vm, me: &Value) -> PyResult {
    let h = this(me).get(vm);
    let copy = Hash { algorithm: h.algorithm, hasher: h.hasher.clone(), digest_size: h.digest_size };
    Ok(instance::new_of(&Py::of(me.class()), copy).into())
}

fn digest(vm: &mut Vm, me: &Value) -> PyResult {
    let h = this(me).get(vm);
    Ok(Bytes::from_slice(&h.hasher.finish(h.digest_size)).into())
}

/// Bytes as a string of hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> Value {
    Str::from_latin1(&hex(bytes, None, 1)).into()
}

/// Output of a chosen length.
fn squeeze(vm: &mut Vm, args: &[Option<Value>]) -> PyResult<Vec<u8>> {
    let [Some(me), Some(length)] = args else { unreachable!("bound by the signature") };
    let length = vm.index(length)?;
    match Int::read(&length) {
        Some(i) if i.is_negative() => Err(vm.value_error("Cannot convert negative int")),
        Some(IntRef::Small(n)) if n < 1 << 29 => Ok(this(me).get(vm).hasher.finish(n as usize)),
        Some(IntRef::Small(_)) => Err(vm.value_error("digest length is too large")),
        _ => Err(vm.overflow_error("Python int too large for C unsigned long")),
    }
}

/// `implementation` of `_sha3`, sizes of `_blake2` in the module and in its types.
pub fn constants(vm: &mut Vm, module: &str, dict: &Py<Dict>) -> PyResult<()> {
    match module {
        "_sha3" => dict.store_text("implementation", vm.new_str("Taipan")),
        "_blake2" => {
            for (prefix, class, size) in [("BLAKE2B", &BLAKE2B, 64), ("BLAKE2S", &BLAKE2S, 32)] {
                for (name, n) in [
                    ("SALT_SIZE", size / 4),
                    ("PERSON_SIZE", size / 4),
                    ("MAX_KEY_SIZE", size),
                    ("MAX_DIGEST_SIZE", size),
                ] {
                    dict.store_text(&format!("{prefix}_{name}"), Value::from_usize(n));
                    store(class.object(), &vm.intern(name), Value::from_usize(n));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

// ---- BLAKE2's parameters --------------------------------------------------------------------------------------------

fn bytes_parameter(vm: &mut Vm, v: &Option<Value>) -> PyResult<Vec<u8>> {
    match v {
        Some(v) => Ok(vm.buffer(v, BufferRequest::READ)?.to_vec(vm)),
        None => Ok(Vec::new()),
    }
}

fn int_parameter(vm: &mut Vm, v: &Option<Value>, default: i32) -> PyResult<i32> {
    match v {
        Some(v) => vm.to_i32(v),
        None => Ok(default),
    }
}

fn ranged(vm: &mut Vm, value: i32, least: i32, name: &str) -> PyResult<u8> {
    match u8::try_from(value) {
        Ok(n) if value >= least => Ok(n),
        _ => Err(vm.value_error(format!("{name} must be between {least} and 255"))),
    }
}

fn unsigned_parameter(vm: &mut Vm, v: &Option<Value>, name: &str, limit: u64) -> PyResult<u64> {
    let Some(v) = v else { return Ok(0) };
    let i = vm.index(v)?;
    let n = match Int::read(&i) {
        Some(i) if i.is_negative() => return Err(vm.value_error("Cannot convert negative int")),
        Some(IntRef::Small(i)) => Some(i as u64),
        Some(IntRef::Big(b)) => b.to_u64(),
        None => None,
    };
    match n {
        Some(n) if n <= limit => Ok(n),
        Some(_) => Err(vm.overflow_error(format!("{name} is too large"))),
        None if name == "leaf_size" => Err(vm.overflow_error("Python int too large for C unsigned long")),
        None => Err(vm.overflow_error("Python int too large for C unsigned long long")),
    }
}

fn blake2(vm: &mut Vm, class: &Py<Type>, name: &str, title: &str, args: &[Option<Value>]) -> PyResult {
    let data = data_or_string(vm, &args[0], &args[13])?;
    let most: usize = if name == "blake2b" { 64 } else { 32 };
    let size = int_parameter(vm, &args[1], most as i32)?;
    let [key, salt, person] = [2, 3, 4].map(|i| bytes_parameter(vm, &args[i]));
    let (key, salt, person) = (key?, salt?, person?);
    let [fanout, depth] = [5, 6].map(|i| int_parameter(vm, &args[i], 1));
    let (fanout, depth) = (fanout?, depth?);
    let [node_depth, inner_size] = [9, 10].map(|i| int_parameter(vm, &args[i], 0));
    let (node_depth, inner_size) = (node_depth?, inner_size?);
    let last_node = match &args[11] {
        Some(v) => vm.truth(v)?,
        None => false,
    };
    if size < 1 || size as usize > most {
        let title = title.replace("BLAKE", "Blake");
        return Err(
            vm.value_error(format!("digest_size for {title} must be between 1 and {most} bytes, here it is {size}"))
        );
    }
    for (part, what) in [(&salt, "salt"), (&person, "person")] {
        if part.len() > most / 4 {
            return Err(vm.value_error(format!("maximum {what} length is {} bytes", most / 4)));
        }
    }
    let fanout = ranged(vm, fanout, 0, "fanout")?;
    let depth = ranged(vm, depth, 1, "depth")?;
    let leaf_size = unsigned_parameter(vm, &args[7], "leaf_size", u32::MAX.into())? as u32;
    let offset_limit = if most == 64 { u64::MAX } else { (1 << 48) - 1 };
    let node_offset = unsigned_parameter(vm, &args[8], "node_offset", offset_limit)?;
    let node_depth = ranged(vm, node_depth, 0, "node_depth")?;
    if inner_size < 0 || inner_size as usize > most {
        return Err(vm.value_error(format!("inner_size must be between 0 and is {most}")));
    }
    if key.len() > most {
        return Err(vm.value_error(format!("maximum key length is {most} bytes")));
    }
    let with = Parameters {
        digest_size: size as usize,
        key,
        salt,
        person,
        fanout,
        depth,
        leaf_size,
        node_offset,
        node_depth,
        inner_size: inner_size as u8,
        last_node,
    };
    let mut hasher =
        if most == 64 { Hasher::Blake2b(Blake2b::new(&with)) } else { Hasher::Blake2s(Blake2s::new(&with)) };
    if let Some(data) = data {
        let view = hashable(vm, data)?;
        hasher.update(view.as_slice(vm));
    }
    let hash = Hash { algorithm: algorithm(name), hasher, digest_size: with.digest_size };
    Ok(instance::new_of(class, hash).into())
}
