//! `_bisect` (`Modules/_bisectmodule.c`): positions in sorted sequences.

use taipan_runtime::import::ModuleDef;
use taipan_runtime::name;
use taipan_runtime::object::{MethodDef, NativeFn, PyResult, Value, none};
use taipan_runtime::types::list::List;
use taipan_runtime::types::list::methods::insert;
use taipan_runtime::types::list::sort::less;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::vm::Vm;

const SIGNATURE: &str = "($module, /, a, x, lo=0, hi=None, *, key=None)";

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("_bisect").doc("Bisection algorithms: where a value belongs in a sorted sequence.").functions(&[
        MethodDef::function(
            "bisect_right",
            SIGNATURE,
            "Position for x after equal items.",
            NativeFn::N(|vm, b| Ok(Value::from_usize(position(vm, b, true, false)?))),
        ),
        MethodDef::function(
            "insort_right",
            SIGNATURE,
            "Insert x after equal items.",
            NativeFn::N(|vm, b| insort(vm, b, true)),
        ),
        MethodDef::function(
            "bisect_left",
            SIGNATURE,
            "Position for x before equal items.",
            NativeFn::N(|vm, b| Ok(Value::from_usize(position(vm, b, false, false)?))),
        ),
        MethodDef::function(
            "insort_left",
            SIGNATURE,
            "Insert x before equal items.",
            NativeFn::N(|vm, b| insort(vm, b, false)),
        ),
    ]);

/// Where `x` (or, to insert it, `key(x)`) belongs among the keys of `a[lo:hi]`.
fn position(vm: &mut Vm, bound: &[Option<Value>], right: bool, to_insert: bool) -> PyResult<usize> {
    let [Some(a), Some(x), lo, hi, key] = bound else { unreachable!("bound by the signature") };
    let lo = match lo {
        Some(v) => ssize_arg(vm, v)?,
        None => 0,
    };
    let hi = match hi.as_ref().filter(|v| !v.is_none()) {
        Some(v) => ssize_arg(vm, v)?,
        None => -1,
    };
    if lo < 0 {
        return Err(vm.value_error("lo must be non-negative"));
    }
    let key = key.as_ref().filter(|k| !k.is_none());
    let x = match key {
        Some(k) if to_insert => vm.call1(k, x)?,
        _ => x.clone(),
    };
    let (mut low, mut high) = (lo as usize, if hi == -1 { vm.len(a)? as isize } else { hi });
    while (low as isize) < high {
        let middle = (low + high as usize) / 2;
        let item = item_at(vm, a, middle)?;
        let item = match key {
            Some(k) => vm.call1(k, &item)?,
            None => item,
        };
        let go_right = if right { !less(vm, &x, &item)? } else { less(vm, &item, &x)? };
        if go_right { low = middle + 1 } else { high = middle as isize }
    }
    Ok(low)
}

fn item_at(vm: &mut Vm, a: &Value, i: usize) -> PyResult {
    match a.downcast_exact::<List>().and_then(|l| l.item(i)) {
        Some(v) => Ok(v),
        None => taipan_runtime::types::iter::sequence_item(vm, a, i as isize),
    }
}

fn insort(vm: &mut Vm, bound: &[Option<Value>], right: bool) -> PyResult {
    let at = position(vm, bound, right, true)?;
    let [Some(a), Some(x), ..] = bound else { unreachable!("bound by the signature") };
    match a.downcast_exact::<List>() {
        Some(l) => insert(vm, l, at as isize, x),
        None => {
            vm.call_method_named(a, name!("insert"), &[Value::from_usize(at), x.clone()])?;
        }
    }
    Ok(none())
}
