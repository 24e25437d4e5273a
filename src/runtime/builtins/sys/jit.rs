//! `sys._jit`: what a program may ask about a just-in-time compiler. Taipan has none, so every answer is no
//! (<https://docs.python.org/3.14/library/sys.html#sys._jit>).

use crate::import::ModuleDef;
use crate::object::typedef::{MethodDef, NativeFn::F0};
use crate::object::{PyResult, boolean};
use crate::vm::Vm;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("sys._jit").doc("Questions about a just-in-time compiler.").functions(&[
    MethodDef::function("is_available", "($module, /)", "Whether the interpreter has a just-in-time compiler.", F0(no)),
    MethodDef::function("is_enabled", "($module, /)", "Whether the compiler is switched on.", F0(no)),
    MethodDef::function("is_active", "($module, /)", "Whether the calling frame runs compiled code.", F0(no)),
]);

fn no(_: &mut Vm) -> PyResult {
    Ok(boolean(false))
}
