//! What CPython's test suite asks of `_testinternalcapi` and `_testlimitedcapi` and can be answered here: facts about the
//! build and about objects. All else of those modules drives CPython's C interface and is absent.

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Value, boolean, instance};
use taipan_runtime::types::code::Code;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions;
use taipan_runtime::types::list::List;
use taipan_runtime::types::slots::table::ROWS;
use taipan_runtime::types::table::TYPES;
use taipan_runtime::vm::handlers::opcode::{BACKOFF, WARMUP};

/// `_testinternalcapi`
pub static INTERNAL: ModuleDef = ModuleDef::new("_testinternalcapi")
    .doc("Facts about objects, for tests.")
    .functions(&[
        MethodDef::function(
            "has_inline_values",
            "($module, obj, /)",
            "Whether an object keeps its attributes in itself rather than in a dict.",
            F1(|_, v| Ok(boolean(instance::attributes_inside(v)))),
        ),
        MethodDef::function(
            "get_co_localskinds",
            "($module, code, /)",
            "The kind of each of a code object's variables, by name.",
            F1(|vm, v| {
                let Some(code) = v.downcast::<Code>() else {
                    return Err(vm.type_error("argument must be a code object"));
                };
                let kinds = Dict::new_object();
                for (name, kind) in code.local_names.iter().zip(&code.canonical.localspluskinds) {
                    kinds.store_str(name, Value::small_unchecked(i64::from(kind.bits())));
                }
                Ok(kinds.into())
            }),
        ),
        MethodDef::function(
            "get_recursion_depth",
            "($module, /)",
            "How deeply calls nest.",
            F0(|vm| Ok(Value::small_unchecked(vm.recursion_depth() as i64))),
        ),
        MethodDef::function(
            "get_static_builtin_types",
            "($module, /)",
            "The types that are made at start.",
            F0(|_| Ok(List::from_vec(TYPES.iter().chain(exceptions::ALL).map(|t| t.value()).collect()).into())),
        ),
        MethodDef::function(
            "identify_type_slot_wrappers",
            "($module, /)",
            "The names of all special methods that types have in native code.",
            F0(|vm| Ok(List::from_vec(ROWS.iter().map(|r| vm.intern(r.name).into()).collect()).into())),
        ),
    ])
    .init(|_, dict| {
        // Bytes that sys.getsizeof adds, as in CPython.
        dict.store_text("SIZEOF_PYGC_HEAD", Value::small_unchecked(16));
        dict.store_text("SIZEOF_MANAGED_PRE_HEADER", Value::small_unchecked(16));
        // Executions before an instruction specialises itself, and before it tries again.
        dict.store_text("SPECIALIZATION_THRESHOLD", Value::small_unchecked(WARMUP as i64 + 1));
        dict.store_text("SPECIALIZATION_COOLDOWN", Value::small_unchecked(BACKOFF as i64 + 1));
        Ok(())
    });

/// `_testlimitedcapi`
pub static LIMITED: ModuleDef =
    ModuleDef::new("_testlimitedcapi").doc("Facts about the build, for tests.").functions(&[MethodDef::function(
        "_py_getbuiltwithassert",
        "($module, /)",
        "Whether the interpreter checks its own assertions.",
        F0(|_| Ok(Value::small_unchecked(cfg!(debug_assertions) as i64))),
    )]);
