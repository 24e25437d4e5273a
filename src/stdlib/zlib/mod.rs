//! `zlib` (`Modules/zlibmodule.c`): compression in the deflate format, and two checksums.

mod objects;
mod stream;

use crate::compression::contiguous;
use crate::error_class::ErrorClass;
pub use objects::{COMPRESS, DECOMPRESS, DECOMPRESSOR};
use stream::{Deflater, Failure, Inflater};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Raised, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::exceptions::EXCEPTION;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::vm::Vm;
use zlib_rs::{DeflateFlush, InflateFlush};

static ERROR: ErrorClass = ErrorClass::new("zlib", "error", &EXCEPTION);

const CONSTANTS: &[(&str, i64)] = &[
    ("MAX_WBITS", 15),
    ("DEFLATED", 8),
    ("DEF_MEM_LEVEL", 8),
    ("DEF_BUF_SIZE", 16384),
    ("Z_NO_COMPRESSION", 0),
    ("Z_BEST_SPEED", 1),
    ("Z_BEST_COMPRESSION", 9),
    ("Z_DEFAULT_COMPRESSION", -1),
    ("Z_FILTERED", 1),
    ("Z_HUFFMAN_ONLY", 2),
    ("Z_RLE", 3),
    ("Z_FIXED", 4),
    ("Z_DEFAULT_STRATEGY", 0),
    ("Z_NO_FLUSH", 0),
    ("Z_PARTIAL_FLUSH", 1),
    ("Z_SYNC_FLUSH", 2),
    ("Z_FULL_FLUSH", 3),
    ("Z_FINISH", 4),
    ("Z_BLOCK", 5),
    ("Z_TREES", 6),
];

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("zlib")
    .doc(
        "The functions in this module allow compression and decompression using the\nzlib library, which is based on GNU \
         zip.",
    )
    .functions(&[
        MethodDef::function(
            "adler32",
            "($module, data, value=1, /)",
            "Compute an Adler-32 checksum of data.",
            N(|vm, args| checksum(vm, args, 1, zlib_rs::adler32::adler32)),
        ),
        MethodDef::function(
            "crc32",
            "($module, data, value=0, /)",
            "Compute a CRC-32 checksum of data.",
            N(|vm, args| {
                checksum(vm, args, 0, |start, data| {
                    let mut hasher = crc32fast::Hasher::new_with_initial(start);
                    hasher.update(data);
                    hasher.finalize()
                })
            }),
        ),
        MethodDef::function(
            "compress",
            "($module, data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)",
            "Returns a bytes object containing compressed data.",
            N(compress),
        ),
        MethodDef::function(
            "decompress",
            "($module, data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)",
            "Returns a bytes object containing the uncompressed data.",
            N(decompress),
        ),
        MethodDef::function(
            "compressobj",
            "($module, /, level=Z_DEFAULT_COMPRESSION, method=DEFLATED,\n            wbits=MAX_WBITS, \
             memLevel=DEF_MEM_LEVEL,\n            strategy=Z_DEFAULT_STRATEGY, zdict=<unrepresentable>)",
            "Return a compressor object.",
            N(objects::compressobj),
        ),
        MethodDef::function(
            "decompressobj",
            "($module, /, wbits=MAX_WBITS, zdict=b'')",
            "Return a decompressor object.",
            N(objects::decompressobj),
        ),
    ])
    .types(&[&COMPRESS, &DECOMPRESS, &DECOMPRESSOR])
    .init(|vm, dict| {
        for name in ["Compress", "Decompress"] {
            dict.remove_str(&vm.intern(name));
        }
        for (name, n) in CONSTANTS {
            dict.store_text(name, Value::small_unchecked(*n));
        }
        for name in ["ZLIB_VERSION", "ZLIB_RUNTIME_VERSION"] {
            dict.store_text(name, vm.new_str("1.3.1"));
        }
        dict.store_text("__version__", vm.new_str("1.0"));
        let class = ERROR.get(vm)?;
        dict.store_text("error", class);
        Ok(())
    });

/// Raises `zlib.error` as CPython words it.
#[cold]
fn raise(vm: &mut Vm, failure: &Failure, context: &str) -> Raised {
    let code = failure.code;
    let message = failure.message.as_deref().or(match code {
        -5 => Some("incomplete or truncated stream"),
        -2 => Some("inconsistent stream state"),
        -3 => Some("invalid input data"),
        _ => None,
    });
    match message {
        Some(message) => ERROR.raise(vm, &format!("Error {code} {context}: {message}")),
        None => ERROR.raise(vm, &format!("Error {code} {context}")),
    }
}

fn int_argument(vm: &mut Vm, v: &Option<Value>, default: i32) -> PyResult<i32> {
    match v {
        Some(v) => vm.to_i32(v),
        None => Ok(default),
    }
}

fn checksum(vm: &mut Vm, args: &[Option<Value>], start: u32, f: fn(u32, &[u8]) -> u32) -> PyResult {
    let [Some(data), value] = args else { unreachable!("bound by the signature") };
    let data = contiguous(vm, data)?;
    let start = match value {
        None => start,
        Some(v) => {
            let i = vm.index(v)?;
            match Int::read(&i) {
                Some(IntRef::Small(i)) => i as u32,
                Some(IntRef::Big(b)) => b.to_u64_wrapping() as u32,
                None => start,
            }
        }
    };
    Ok(Value::small_unchecked(f(start, &data).into()))
}

fn compress(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(data), level, wbits] = args else { unreachable!("bound by the signature") };
    let data = contiguous(vm, data)?;
    let (level, wbits) = (int_argument(vm, level, -1)?, int_argument(vm, wbits, 15)?);
    let made = Deflater::new(level, 8, wbits, 8, 0);
    let mut stream = made.map_err(|_| ERROR.raise(vm, "Bad compression level"))?;
    match stream.run(&data, DeflateFlush::Finish) {
        Ok((out, _)) => Ok(Bytes::from_slice(&out).into()),
        Err(f) => Err(raise(vm, &f, "while compressing data")),
    }
}

fn decompress(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(data), wbits, bufsize] = args else { unreachable!("bound by the signature") };
    let data = contiguous(vm, data)?;
    let wbits = int_argument(vm, wbits, 15)?;
    if let Some(v) = bufsize {
        if ssize_arg(vm, v)? < 0 {
            return Err(vm.value_error("bufsize must be non-negative"));
        }
    }
    let made = Inflater::new(wbits);
    let mut stream = made.map_err(|f| raise(vm, &f, "while preparing to decompress data"))?;
    match stream.run(&data, usize::MAX, InflateFlush::SyncFlush, None) {
        Ok(done) if done.ended => Ok(Bytes::from_slice(&done.out).into()),
        Ok(_) => Err(raise(vm, &Failure { code: -5, message: None }, "while decompressing data")),
        Err((f, context)) => Err(raise(vm, &f, context)),
    }
}
