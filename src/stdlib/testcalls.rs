//! What CPython's tests of calls ask of `_testcapi`: functions and methods that tell how they were called, one for each way
//! in which a native function can take its arguments (`Modules/_testcapimodule.c`, `meth_varargs` and its kin).

use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{Frozen, MethodDef, NativeFn, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

const DOC: &str = "Tell how the call came.";

/// Finds what the function belongs to, and its arguments from the first on.
type Owner = fn(&mut Vm, &Args<'_>) -> PyResult<(Value, usize)>;

fn first_argument(_: &mut Vm, args: &Args<'_>) -> PyResult<(Value, usize)> {
    Ok((args.pos()[0].clone(), 1))
}

fn the_module(vm: &mut Vm, _: &Args<'_>) -> PyResult<(Value, usize)> {
    Ok((vm.import("_testcapi")?, 0))
}

fn nobody(_: &mut Vm, _: &Args<'_>) -> PyResult<(Value, usize)> {
    Ok((none(), 0))
}

fn positional(vm: &mut Vm, args: &Args<'_>, name: &str, owner: Owner) -> PyResult {
    args.no_keywords(vm, name)?;
    let (me, first) = owner(vm, args)?;
    let rest = Tuple::from_slice(&args.pos()[first..]);
    Ok(Tuple::from_vec(vec![me, rest.into()]).into())
}

fn with_keywords(vm: &mut Vm, args: &Args<'_>, owner: Owner) -> PyResult {
    let (me, first) = owner(vm, args)?;
    let keywords = Dict::new_object();
    for (name, value) in args.keywords() {
        keywords.store_str(name, value.clone());
    }
    let mut told = vec![me, Tuple::from_slice(&args.pos()[first..]).into()];
    if args.has_keywords() {
        told.push(keywords.into());
    }
    Ok(Tuple::from_vec(told).into())
}

fn pair(me: Value, argument: &Value) -> PyResult {
    Ok(Tuple::from_vec(vec![me, argument.clone()]).into())
}

macro_rules! conventions {
    ($how:ident, $me:literal, $nothing:literal, $owner:expr, $one:expr, $none:expr) => {
        &[
            MethodDef::$how("meth_varargs", "", DOC, NativeFn::V(|vm, a| positional(vm, a, "meth_varargs", $owner))),
            MethodDef::$how("meth_varargs_keywords", "", DOC, NativeFn::V(|vm, a| with_keywords(vm, a, $owner))),
            MethodDef::$how("meth_fastcall", "", DOC, NativeFn::V(|vm, a| positional(vm, a, "meth_fastcall", $owner))),
            MethodDef::$how("meth_fastcall_keywords", "", DOC, NativeFn::V(|vm, a| with_keywords(vm, a, $owner))),
            MethodDef::$how("meth_o", concat!("(", $me, "arg, /)"), DOC, $one),
            MethodDef::$how("meth_noargs", $nothing, DOC, $none),
        ]
    };
}

/// The module's own functions.
pub static FUNCTIONS: &[MethodDef] = conventions!(
    function,
    "$module, ",
    "($module, /)",
    the_module,
    NativeFn::F1(|vm, v| pair(vm.import("_testcapi")?, v)),
    NativeFn::F0(|vm| vm.import("_testcapi"))
);
static OF_INSTANCES: &[MethodDef] = conventions!(
    method,
    "$self, ",
    "($self, /)",
    first_argument,
    NativeFn::F2(|_, me, v| pair(me.clone(), v)),
    NativeFn::F1(|_, me| Ok(me.clone()))
);
static OF_CLASSES: &[MethodDef] = conventions!(
    class,
    "$type, ",
    "($type, /)",
    first_argument,
    NativeFn::F2(|_, me, v| pair(me.clone(), v)),
    NativeFn::F1(|_, me| Ok(me.clone()))
);
static STATIC: &[MethodDef] =
    conventions!(stat, "", "()", nobody, NativeFn::F1(|_, v| pair(none(), v)), NativeFn::F0(|_| Ok(none())));

macro_rules! owner_class {
    ($payload:ident, $def:ident, $name:literal, $methods:expr) => {
        struct $payload;
        taipan_runtime::payload!($payload, $def);
        impl Frozen for $payload {}

        /// A class with such methods.
        pub static $def: TypeDef = TypeDef::new::<$payload>(concat!("_testcapi.", $name))
            .doc("Methods that tell how they were called.")
            .flags(TypeFlags::BASETYPE)
            .methods($methods)
            .slots(Slots {
                new: Some(|vm, class, args: &Args<'_>| {
                    args.no_keywords(vm, $name)?;
                    args.exactly(vm, $name, 0)?;
                    Ok(new_of(class, $payload).into())
                }),
                ..Slots::NONE
            });
    };
}
owner_class!(MethInstance, METH_INSTANCE, "MethInstance", OF_INSTANCES);
owner_class!(MethClass, METH_CLASS, "MethClass", OF_CLASSES);
owner_class!(MethStatic, METH_STATIC, "MethStatic", STATIC);
