//! `_sysconfigdata_…`: what `sysconfig` tells of how the interpreter was built.
//!
//! CPython generates this module from its Makefile (`Lib/sysconfig`, `_generate_posix_vars`); here it has the variables
//! that the standard library and its tests ask for. There is no C interface, so there is nothing to build against.

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{Py, PyResult, Value};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::vm::Vm;

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("_sysconfigdata__linux_x86_64-linux-gnu").doc("Variables of the build, for sysconfig.").init(init);

const TEXTS: &[(&str, &str)] = &[
    ("ABIFLAGS", ""),
    ("CC", ""),
    ("CFLAGS", ""),
    ("CONFIG_ARGS", ""),
    ("EXT_SUFFIX", ".taipan-314.so"),
    ("INSTSONAME", ""),
    ("LDFLAGS", ""),
    ("LDLIBRARY", ""),
    ("LDVERSION", "3.14"),
    ("LIBDIR", ""),
    ("LIBRARY", ""),
    ("MACHDEP", "linux"),
    ("MULTIARCH", "x86_64-linux-gnu"),
    ("PYTHONFRAMEWORK", ""),
    ("PY_CFLAGS", ""),
    ("PY_CFLAGS_NODIST", ""),
    ("SHLIB_SUFFIX", ".so"),
    ("SOABI", "taipan-314"),
    ("TZPATH", "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"),
    ("VERSION", "3.14"),
    ("WHEEL_PKG_DIR", ""),
];

const NUMBERS: &[(&str, i64)] = &[
    ("ALIGNOF_LONG", 8),
    ("ALIGNOF_SIZE_T", 8),
    ("HAVE_FORK", 1),
    ("HAVE_GETRANDOM", 1),
    ("HAVE_GETRANDOM_SYSCALL", 1),
    ("Py_DEBUG", 0),
    ("Py_ENABLE_SHARED", 0),
    ("Py_GIL_DISABLED", 0),
    ("Py_HASH_ALGORITHM", 0),
    ("Py_TRACE_REFS", 0),
    ("SIZEOF_DOUBLE", 8),
    ("SIZEOF_INT", 4),
    ("SIZEOF_LONG", 8),
    ("SIZEOF_LONG_LONG", 8),
    ("SIZEOF_SIZE_T", 8),
    ("SIZEOF_TIME_T", 8),
    ("SIZEOF_VOID_P", 8),
    ("WITH_DOC_STRINGS", 1),
    ("WITH_PYMALLOC", 0),
];

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let variables = Dict::new_object();
    for (name, text) in TEXTS {
        variables.store_text(name, vm.new_str(text));
    }
    for (name, number) in NUMBERS {
        variables.store_text(name, Value::small_unchecked(*number));
    }
    dict.store_text("build_time_vars", variables);
    Ok(())
}
