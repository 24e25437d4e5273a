//! `StopIteration`, `SystemExit` and `KeyError`: one attribute or one `__str__` of their own.

use super::table::{BASE_SIZE, Family};
use super::{base, exception};
use crate::object::{PyResult, Slots, Value, none};
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use crate::vm::args::Args;

/// `StopIteration.value`
pub const STOP_VALUE: usize = 0;
/// `SystemExit.code`
pub const EXIT_CODE: usize = 0;

/// `StopIteration`
pub const STOP_ITERATION_FAMILY: Family = Family {
    slots: Slots { new: Some(base::new), init: Some(init_stop), ..Slots::NONE },
    methods: &[],
    getset: &[base::member::<STOP_VALUE>("value", "generator return value")],
    size: 80,
};

/// `SystemExit`
pub const SYSTEM_EXIT_FAMILY: Family = Family {
    slots: Slots { new: Some(base::new), init: Some(init_exit), ..Slots::NONE },
    methods: &[],
    getset: &[base::member::<EXIT_CODE>("code", "exception code")],
    size: 80,
};

/// `KeyError`
pub const KEY_FAMILY: Family =
    Family { slots: Slots { str: Some(key_str), ..Slots::NONE }, methods: &[], getset: &[], size: BASE_SIZE };

fn init_stop(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    base::init(vm, v, args)?;
    let value = args.get(0).cloned().unwrap_or_else(none);
    exception(v).set_field(vm, STOP_VALUE, Some(value));
    Ok(())
}

fn init_exit(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    base::init(vm, v, args)?;
    let code = match args.pos() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => Tuple::from_slice(many).into(),
    };
    exception(v).set_field(vm, EXIT_CODE, Some(code));
    Ok(())
}

/// A missing key is shown by its `repr`, so that `''` and `' '` can be told from no message.
fn key_str(vm: &mut Vm, v: &Value) -> PyResult {
    match exception(v).args(vm).items() {
        [one] => Ok(vm.repr(one)?.into()),
        _ => base::str(vm, v),
    }
}
