//! The structures of `sys`: `flags`, `version_info`, `float_info`, `int_info`, `hash_info`, `thread_info`,
//! `implementation`, and the plain facts beside them.

use super::config::config;
use crate::object::{Py, PyResult, Value, boolean};
use crate::types::dict::Dict;
use crate::types::float::Float;
use crate::types::structseq::StructSeq;
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Version of the language and library that programs see.
pub const VERSION: (i64, i64, i64) = (3, 14, 10);
/// `sys.hexversion`: the version with release level `final`, serial 0.
pub const HEXVERSION: i64 = (VERSION.0 << 24) | (VERSION.1 << 16) | (VERSION.2 << 8) | 0xf0;
/// `sys.implementation.cache_tag`
pub const CACHE_TAG: &str = "taipan-314";

/// `sys.version_info`
pub static VERSION_INFO: StructSeq = StructSeq::new(
    "sys.version_info",
    "Version information as a named tuple.",
    &[
        ("major", "Major release number"),
        ("minor", "Minor release number"),
        ("micro", "Patch release number"),
        ("releaselevel", "'alpha', 'beta', 'candidate', or 'final'"),
        ("serial", "Serial release number"),
    ],
    5,
)
.only_ours();

/// `sys.flags`
pub static FLAGS: StructSeq = StructSeq::new(
    "sys.flags",
    "Flags provided through command line arguments or environment vars.",
    &[
        ("debug", "-d"),
        ("inspect", "-i"),
        ("interactive", "-i"),
        ("optimize", "-O or -OO"),
        ("dont_write_bytecode", "-B"),
        ("no_user_site", "-s"),
        ("no_site", "-S"),
        ("ignore_environment", "-E"),
        ("verbose", "-v"),
        ("bytes_warning", "-b"),
        ("quiet", "-q"),
        ("hash_randomization", "-R"),
        ("isolated", "-I"),
        ("dev_mode", "-X dev"),
        ("utf8_mode", "-X utf8"),
        ("warn_default_encoding", "-X warn_default_encoding"),
        ("safe_path", "-P"),
        ("int_max_str_digits", "-X int_max_str_digits"),
        ("gil", "-X gil"),
        ("thread_inherit_context", "-X thread_inherit_context"),
        ("context_aware_warnings", "-X context_aware_warnings"),
    ],
    18,
)
.only_ours();

/// `sys.float_info`
pub static FLOAT_INFO: StructSeq = StructSeq::new(
    "sys.float_info",
    "Information about the range and precision of floats.",
    &[
        ("max", "maximum representable finite float"),
        ("max_exp", "maximum int e such that radix**(e-1) is representable"),
        ("max_10_exp", "maximum int e such that 10**e is representable"),
        ("min", "minimum positive normalized float"),
        ("min_exp", "minimum int e such that radix**(e-1) is a normalized float"),
        ("min_10_exp", "minimum int e such that 10**e is a normalized float"),
        ("dig", "decimal digits that survive a round trip"),
        ("mant_dig", "digits of the mantissa"),
        ("epsilon", "difference between 1 and the next representable float"),
        ("radix", "radix of the exponent"),
        ("rounds", "rounding mode of arithmetic"),
    ],
    11,
);

/// `sys.int_info`
pub static INT_INFO: StructSeq = StructSeq::new(
    "sys.int_info",
    "Information about the representation of integers.",
    &[
        ("bits_per_digit", "size of a digit in bits"),
        ("sizeof_digit", "size in bytes of the type that holds a digit"),
        ("default_max_str_digits", "default limit of digits in text"),
        ("str_digits_check_threshold", "number of digits below which the limit is not checked"),
    ],
    4,
);

/// `sys.hash_info`
pub static HASH_INFO: StructSeq = StructSeq::new(
    "sys.hash_info",
    "Parameters of hashing.",
    &[
        ("width", "width of hash values in bits"),
        ("modulus", "prime modulus of the hash of numbers"),
        ("inf", "hash of a positive infinity"),
        ("nan", "not used any more"),
        ("imag", "multiplier of the imaginary part"),
        ("algorithm", "algorithm for text and bytes"),
        ("hash_bits", "internal output size of the algorithm"),
        ("seed_bits", "size of the seed of the algorithm"),
        ("cutoff", "length below which another algorithm is used"),
    ],
    9,
);

/// `sys.thread_info`
pub static THREAD_INFO: StructSeq = StructSeq::new(
    "sys.thread_info",
    "Information about the implementation of threads.",
    &[
        ("name", "name of the thread implementation"),
        ("lock", "name of the lock implementation"),
        ("version", "version of the thread library"),
    ],
    3,
);

/// `sys.get_asyncgen_hooks()`
pub static ASYNCGEN_HOOKS: StructSeq = StructSeq::new(
    "asyncgen_hooks",
    "The hooks of asynchronous generators.",
    &[("firstiter", "called at first iteration"), ("finalizer", "called at the end")],
    2,
)
.only_ours();

fn int(i: i64) -> Value {
    crate::types::int::Int::from_i64(i)
}

fn flags(vm: &mut Vm) -> PyResult {
    let c = config();
    let yes = |b: bool| int(b as i64);
    let values = vec![
        int(c.debug as i64),
        yes(c.inspect),
        yes(c.interactive),
        int(c.optimize as i64),
        yes(c.dont_write_bytecode),
        yes(c.no_user_site),
        yes(c.no_site),
        yes(c.ignore_environment),
        int(c.verbose as i64),
        int(c.bytes_warning as i64),
        yes(c.quiet),
        yes(c.hash_randomization),
        yes(c.isolated),
        boolean(c.dev_mode),
        yes(c.utf8_mode),
        yes(c.warn_default_encoding),
        boolean(c.safe_path),
        int(c.int_max_str_digits as i64),
        int(1),
        int(0),
        int(0),
    ];
    FLAGS.make(vm, values)
}

fn version_info(vm: &mut Vm) -> PyResult {
    let level = vm.new_str("final");
    VERSION_INFO.make(vm, vec![int(VERSION.0), int(VERSION.1), int(VERSION.2), level, int(0)])
}

fn float_info(vm: &mut Vm) -> PyResult {
    let values = vec![
        Float::new(f64::MAX),
        int(f64::MAX_EXP as i64),
        int(f64::MAX_10_EXP as i64),
        Float::new(f64::MIN_POSITIVE),
        int(f64::MIN_EXP as i64),
        int(f64::MIN_10_EXP as i64),
        int(f64::DIGITS as i64),
        int(f64::MANTISSA_DIGITS as i64),
        Float::new(f64::EPSILON),
        int(f64::RADIX as i64),
        int(1),
    ];
    FLOAT_INFO.make(vm, values)
}

fn hash_info(vm: &mut Vm) -> PyResult {
    let algorithm = vm.new_str("siphash13");
    let values =
        vec![int(64), int((1 << 61) - 1), int(314159), int(0), int(1000003), algorithm, int(64), int(128), int(0)];
    HASH_INFO.make(vm, values)
}

fn implementation(vm: &mut Vm, version_info: &Value) -> PyResult {
    let (name, tag, arch) = (vm.new_str("taipan"), vm.new_str(CACHE_TAG), vm.new_str(multiarch()));
    let fields = [
        ("name", name),
        ("cache_tag", tag),
        ("version", version_info.clone()),
        ("hexversion", int(HEXVERSION)),
        ("_multiarch", arch),
        ("supports_isolated_interpreters", boolean(false)),
    ];
    Ok(crate::types::namespace::new_namespace(&fields))
}

/// The name of the machine and its binary interface, as Debian writes it.
fn multiarch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x86_64-linux-gnu",
        "aarch64" => "aarch64-linux-gnu",
        other => other,
    }
}

/// `sys.version`: version, build, compiler.
pub fn version_text() -> String {
    format!("{}.{}.{} (taipan {}) [rustc]", VERSION.0, VERSION.1, VERSION.2, env!("CARGO_PKG_VERSION"))
}

/// Fills the module with facts.
pub fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let version = version_info(vm)?;
    let (flags, float_info, hash_info) = (flags(vm)?, float_info(vm)?, hash_info(vm)?);
    let int_info = INT_INFO.make(vm, vec![int(30), int(4), int(4300), int(640)])?;
    let thread = vec![vm.new_str("pthread"), vm.new_str("semaphore"), vm.new_str("NPTL")];
    let thread_info = THREAD_INFO.make(vm, thread)?;
    let implementation = implementation(vm, &version)?;
    let git = Tuple::from_slice(&[vm.new_str("Taipan"), vm.new_str(""), vm.new_str("")]);
    let objects: [(&str, Value); 9] = [
        ("version_info", version),
        ("flags", flags),
        ("float_info", float_info),
        ("hash_info", hash_info),
        ("int_info", int_info),
        ("thread_info", thread_info),
        ("implementation", implementation),
        ("_git", git.into()),
        ("stdlib_module_names", super::names::stdlib_module_names(vm)?),
    ];
    for (name, value) in objects {
        dict.store_text(name, value);
    }
    for (name, value) in
        [("hexversion", HEXVERSION), ("api_version", 1013), ("maxsize", i64::MAX), ("maxunicode", 0x10ffff)]
    {
        dict.store_text(name, int(value));
    }
    let version = version_text();
    let texts = [
        ("version", version.as_str()),
        ("copyright", "Copyright (c) the authors of Taipan.\nAll Rights Reserved."),
        ("platform", "linux"),
        ("byteorder", if cfg!(target_endian = "little") { "little" } else { "big" }),
        ("float_repr_style", "short"),
        ("abiflags", ""),
        ("platlibdir", "lib"),
        ("_framework", ""),
    ];
    for (name, text) in texts {
        let text = vm.new_str(text);
        dict.store_text(name, text);
    }
    Ok(())
}
