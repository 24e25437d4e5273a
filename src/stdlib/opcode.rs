//! `_opcode`: facts about instructions, for the `opcode` and `dis` modules.

use NativeFn::{F0, N};
use taipan_bytecode::oparg::{BinaryOp, Intrinsic1, Intrinsic2, SpecialMethod};
use taipan_bytecode::{ArgKind, Op, Outcome, stack_effect};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::typedef::{MethodDef, NativeFn};
use taipan_runtime::object::{Py, PyResult, Value, boolean, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

const fn question(name: &'static str, doc: &'static str, f: fn(&mut Vm, &[Option<Value>]) -> PyResult) -> MethodDef {
    MethodDef::function(name, "($module, /, opcode)", doc, N(f))
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_opcode")
    .doc("Opcode support module.")
    .functions(&[
        MethodDef::function(
            "stack_effect",
            "($module, opcode, oparg=None, /, *, jump=None)",
            "Compute the stack effect of the opcode.",
            N(effect),
        ),
        question("is_valid", "Return True if opcode is valid, False otherwise.", |vm, a| {
            Ok(boolean(op(vm, a)?.is_some()))
        }),
        question("has_arg", "Return True if the opcode uses its oparg, False otherwise.", |vm, a| {
            has(vm, a, ArgKind::ARG)
        }),
        question("has_const", "Return True if the opcode accesses a constant, False otherwise.", |vm, a| {
            has(vm, a, ArgKind::CONST)
        }),
        question("has_name", "Whether the argument of an opcode is a number of a name.", |vm, a| {
            has(vm, a, ArgKind::NAME)
        }),
        question("has_jump", "Return True if the opcode has a jump target, False otherwise.", |vm, a| {
            has(vm, a, ArgKind::JUMP)
        }),
        question("has_free", "Return True if the opcode accesses a free variable, False otherwise.", |vm, a| {
            has(vm, a, ArgKind::FREE)
        }),
        question("has_local", "Return True if the opcode accesses a local variable, False otherwise.", |vm, a| {
            has(vm, a, ArgKind::LOCAL)
        }),
        question("has_exc", "Return True if the opcode sets an exception handler, False otherwise.", |vm, a| {
            has(vm, a, ArgKind::HANDLER)
        }),
        MethodDef::function(
            "get_specialization_stats",
            "($module, /)",
            "Return the specialization stats",
            F0(|_| Ok(none())),
        ),
        MethodDef::function("get_nb_ops", "($module, /)", "Return array of symbols of binary ops.", F0(nb_ops)),
        MethodDef::function(
            "get_intrinsic1_descs",
            "($module, /)",
            "Return a list of names of the unary intrinsics.",
            F0(intrinsics1),
        ),
        MethodDef::function(
            "get_intrinsic2_descs",
            "($module, /)",
            "Return a list of names of the binary intrinsics.",
            F0(intrinsics2),
        ),
        MethodDef::function(
            "get_executor",
            "($module, /, code, offset)",
            "The optimised trace that starts at an offset of a code object, None without one.",
            N(|_, _| Ok(none())),
        ),
        MethodDef::function(
            "get_special_method_names",
            "($module, /)",
            "Return a list of special method names.",
            F0(special_methods),
        ),
    ])
    .init(|_: &mut Vm, dict: &Py<Dict>| {
        dict.store_text("ENABLE_SPECIALIZATION", Value::small_unchecked(1));
        dict.store_text("ENABLE_SPECIALIZATION_FT", Value::small_unchecked(0));
        Ok(())
    });

fn number(vm: &mut Vm, a: &[Option<Value>]) -> PyResult<i32> {
    match a.first() {
        Some(Some(v)) => vm.to_i32(v),
        _ => Err(vm.system_error("unbound argument")),
    }
}

fn op(vm: &mut Vm, a: &[Option<Value>]) -> PyResult<Option<Op>> {
    Ok(u16::try_from(number(vm, a)?).ok().and_then(Op::from_number))
}

fn has(vm: &mut Vm, a: &[Option<Value>], kind: ArgKind) -> PyResult {
    Ok(boolean(op(vm, a)?.is_some_and(|op| op.kind().contains(kind))))
}

fn effect(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let opcode = number(vm, a)?;
    let arg = match a.get(1).and_then(Option::as_ref).filter(|v| !v.is_none()) {
        Some(v) => Some(vm.to_i32(v)? as u32),
        None => None,
    };
    let outcome = match a.get(2).and_then(Option::as_ref) {
        None => Outcome::Either,
        Some(v) if v.is_none() => Outcome::Either,
        Some(v) if v.is(&boolean(true)) => Outcome::Jump,
        Some(v) if v.is(&boolean(false)) => Outcome::Next,
        Some(_) => return Err(vm.value_error("stack_effect: jump must be False, True or None")),
    };
    match stack_effect(opcode as u32, arg, outcome) {
        Ok(n) => Ok(Int::from_i64(n as i64)),
        Err(e) => Err(vm.value_error(e)),
    }
}

fn texts<'a>(vm: &mut Vm, all: impl Iterator<Item = &'a str>) -> PyResult {
    Ok(List::from_vec(all.map(|t| vm.new_str(t)).collect()).into())
}

fn nb_ops(vm: &mut Vm) -> PyResult {
    let pairs = BinaryOp::ALL.iter().map(|op| {
        let pair = [vm.new_str(op.nb_name()), vm.new_str(op.text())];
        Tuple::from_slice(&pair).into()
    });
    Ok(List::from_vec(pairs.collect()).into())
}

fn intrinsics1(vm: &mut Vm) -> PyResult {
    texts(vm, Intrinsic1::ALL.iter().map(|i| i.text()))
}

fn intrinsics2(vm: &mut Vm) -> PyResult {
    texts(vm, Intrinsic2::ALL.iter().map(|i| i.text()))
}

fn special_methods(vm: &mut Vm) -> PyResult {
    texts(vm, SpecialMethod::ALL.iter().map(|m| m.text()))
}
