//! `None`, `True`, `False`, `Ellipsis` and `NotImplemented`: static objects, so that handlers compare addresses.

use super::bool::BOOL;
use super::int::Int;
use crate::object::value::StaticObj;
use crate::object::{PyResult, Slots, TypeDef, TypeFlags, Value};
use crate::vm::Vm;
use crate::vm::args::Args;
use taipan_base::int::BigInt;

/// Payload of `None`, `Ellipsis` and `NotImplemented`: nothing.
pub struct NoneType;
/// See [`NoneType`].
pub struct EllipsisType;
/// See [`NoneType`].
pub struct NotImplementedType;

crate::payload!(NoneType, NONE_TYPE);
crate::payload!(EllipsisType, ELLIPSIS_TYPE);
crate::payload!(NotImplementedType, NOT_IMPLEMENTED_TYPE);

/// `None`.
pub static NONE: StaticObj<NoneType> = StaticObj::new(NONE_TYPE.object(), NoneType);
/// `Ellipsis`.
pub static ELLIPSIS: StaticObj<EllipsisType> = StaticObj::new(ELLIPSIS_TYPE.object(), EllipsisType);
/// `NotImplemented`.
pub static NOT_IMPLEMENTED: StaticObj<NotImplementedType> =
    StaticObj::new(NOT_IMPLEMENTED_TYPE.object(), NotImplementedType);
/// `True`.
pub static TRUE: StaticObj<Int> = StaticObj::new(BOOL.object(), Int { big: BigInt::ONE });
/// `False`.
pub static FALSE: StaticObj<Int> = StaticObj::new(BOOL.object(), Int { big: BigInt::ZERO });

/// The type of `None`.
pub static NONE_TYPE: TypeDef =
    TypeDef::new::<NoneType>("NoneType").doc("The type of the None singleton.").cpython_size(16, 0).slots(Slots {
        repr: Some(|vm, _| Ok(vm.intern("None").into())),
        truth: Some(|_, _| Ok(false)),
        hash: Some(|_, _| Ok(0xfca86420)),
        new: Some(new_none),
        ..Slots::NONE
    });
/// The type of `Ellipsis`.
pub static ELLIPSIS_TYPE: TypeDef = TypeDef::new::<EllipsisType>("ellipsis")
    .doc("The type of the Ellipsis singleton.")
    .cpython_size(16, 0)
    .methods(&[crate::object::MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        crate::object::NativeFn::F1(|vm, _| Ok(vm.intern("Ellipsis").into())),
    )])
    .slots(Slots { repr: Some(|vm, _| Ok(vm.intern("Ellipsis").into())), new: Some(new_ellipsis), ..Slots::NONE });
/// The type of `NotImplemented`.
pub static NOT_IMPLEMENTED_TYPE: TypeDef = TypeDef::new::<NotImplementedType>("NotImplementedType")
    .doc("The type of the NotImplemented singleton.")
    .flags(TypeFlags::empty())
    .cpython_size(16, 0)
    .methods(&[crate::object::MethodDef::method(
        "__reduce__",
        "($self, /)",
        "Return state information for pickling.",
        crate::object::NativeFn::F1(|vm, _| Ok(vm.intern("NotImplemented").into())),
    )])
    .slots(Slots {
        repr: Some(|vm, _| Ok(vm.intern("NotImplemented").into())),
        truth: Some(|vm, _| Err(vm.type_error("NotImplemented should not be used in a boolean context"))),
        new: Some(new_not_implemented),
        ..Slots::NONE
    });

fn no_arguments(vm: &mut Vm, args: &Args<'_>, name: &str, value: Value) -> PyResult {
    if args.len() != 0 || args.has_keywords() {
        return Err(vm.type_error(format!("{name} takes no arguments")));
    }
    Ok(value)
}

fn new_none(vm: &mut Vm, _: &crate::object::Py<crate::object::Type>, args: &Args<'_>) -> PyResult {
    no_arguments(vm, args, "NoneType", NONE.value())
}

fn new_ellipsis(vm: &mut Vm, _: &crate::object::Py<crate::object::Type>, args: &Args<'_>) -> PyResult {
    no_arguments(vm, args, "EllipsisType", ELLIPSIS.value())
}

fn new_not_implemented(vm: &mut Vm, _: &crate::object::Py<crate::object::Type>, args: &Args<'_>) -> PyResult {
    no_arguments(vm, args, "NotImplementedType", NOT_IMPLEMENTED.value())
}
