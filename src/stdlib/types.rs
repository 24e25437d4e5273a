//! `_types` (`Modules/_typesmodule.c`): names for builtin types that are not builtins.

use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::TypeDef;
use taipan_runtime::types::slots::wrapper;
use taipan_runtime::types::{
    asyncgen, cell, code, descr, frame, function, generator, generic_alias, mappingproxy, method, module, namespace,
    singletons, traceback, union,
};

/// Name and type of each.
static NAMES: &[(&str, &TypeDef)] = &[
    ("AsyncGeneratorType", &asyncgen::ASYNC_GENERATOR),
    ("BuiltinFunctionType", &method::BUILTIN_FUNCTION),
    ("BuiltinMethodType", &method::BUILTIN_FUNCTION),
    ("CellType", &cell::CELL),
    ("ClassMethodDescriptorType", &method::CLASSMETHOD_DESCRIPTOR),
    ("CodeType", &code::CODE),
    ("CoroutineType", &generator::COROUTINE),
    ("EllipsisType", &singletons::ELLIPSIS_TYPE),
    ("FrameType", &frame::FRAME),
    ("FunctionType", &function::FUNCTION),
    ("GeneratorType", &generator::GENERATOR),
    ("GenericAlias", &generic_alias::GENERIC_ALIAS),
    ("GetSetDescriptorType", &descr::GETSET_DESCRIPTOR),
    ("LambdaType", &function::FUNCTION),
    ("MappingProxyType", &mappingproxy::MAPPINGPROXY),
    ("MemberDescriptorType", &descr::MEMBER_DESCRIPTOR),
    ("MethodDescriptorType", &method::METHOD_DESCRIPTOR),
    ("MethodType", &method::METHOD),
    ("MethodWrapperType", &wrapper::METHOD_WRAPPER),
    ("ModuleType", &module::MODULE),
    ("NoneType", &singletons::NONE_TYPE),
    ("NotImplementedType", &singletons::NOT_IMPLEMENTED_TYPE),
    ("SimpleNamespace", &namespace::SIMPLE_NAMESPACE),
    ("TracebackType", &traceback::TRACEBACK),
    ("UnionType", &union::UNION),
    ("WrapperDescriptorType", &wrapper::WRAPPER_DESCRIPTOR),
];

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_types").doc("Define names for built-in types.").init(|_, dict| {
    for (name, def) in NAMES {
        dict.store_text(name, def.value());
    }
    Ok(())
});
