//! What the modules about the operating system share: paths as arguments, file system text, interrupted calls.

pub mod path;

use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::Int;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::ops::BinOp;

/// Runs a system call without the GIL; when a signal interrupts it, handlers run and the call is made again (PEP 475).
/// The inner result holds other error numbers.
pub fn blocking<T>(vm: &mut Vm, mut f: impl FnMut() -> Result<T, i32>) -> PyResult<Result<T, i32>> {
    loop {
        match vm.allow_threads(&mut f) {
            Err(libc::EINTR) => vm.check_signals()?,
            r => return Ok(r),
        }
    }
}

/// As [`blocking`], with error numbers raised as `OSError`.
pub fn blocking_or_raise<T>(vm: &mut Vm, f: impl FnMut() -> Result<T, i32>) -> PyResult<T> {
    let r = blocking(vm, f)?;
    r.map_err(|e| vm.os_error(e))
}

/// An integer object.
pub fn int(i: impl Into<i64>) -> Value {
    Int::from_i64(i.into())
}

/// An argument that is a file descriptor or has a `fileno()` method.
pub fn descriptor(vm: &mut Vm, v: &Value) -> PyResult<i32> {
    let n = if Int::read(v).is_some() {
        v.clone()
    } else {
        let Some(f) = vm.lookup_special(v, "fileno")? else {
            return Err(vm.type_error("argument must be an int, or have a fileno() method."));
        };
        let n = vm.call0(&f)?;
        if Int::read(&n).is_none() {
            return Err(vm.type_error("fileno() returned a non-integer"));
        }
        n
    };
    let fd = vm.to_i32(&n)?;
    if fd < 0 {
        return Err(vm.value_error(format!("file descriptor cannot be a negative integer ({fd})")));
    }
    Ok(fd)
}

/// How a number of seconds becomes whole nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    /// Towards minus infinity.
    Floor,
    /// Away from zero: timeouts never become shorter, and negative ones stay negative.
    Away,
}

/// Seconds (an int or a float) as nanoseconds.
pub fn nanoseconds(vm: &mut Vm, v: &Value, rounding: Rounding) -> PyResult<i64> {
    if let Some(f) = Float::read(v) {
        if f.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let n = match rounding {
            Rounding::Floor => (f * 1e9).floor(),
            Rounding::Away if f < 0.0 => (f * 1e9).floor(),
            Rounding::Away => (f * 1e9).ceil(),
        };
        const END: f64 = 9_223_372_036_854_775_808.0;
        if !(-END..END).contains(&n) {
            return Err(vm.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok(n as i64);
    }
    if Int::read(v).is_none() && v.class().payload.slots().index.is_none() {
        let got = v.class().payload.name();
        return Err(vm.type_error(format!("'{got}' object cannot be interpreted as an integer or float")));
    }
    let seconds = vm.to_i64(v)?;
    match seconds.checked_mul(1_000_000_000) {
        Some(n) => Ok(n),
        None => Err(vm.overflow_error("timestamp too large to convert to C PyTime_t")),
    }
}

/// A timeout argument: `None` for no limit, else seconds as nanoseconds.
pub fn timeout(vm: &mut Vm, v: Option<&Value>) -> PyResult<Option<i64>> {
    match v {
        None => Ok(None),
        Some(v) if v.is_none() => Ok(None),
        Some(v) => nanoseconds(vm, v, Rounding::Away).map(Some),
    }
}

/// The monotonic clock in nanoseconds.
pub fn monotonic() -> i64 {
    taipan_runtime::host::clock(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// `a * b` of Python integers.
pub fn multiply(vm: &mut Vm, a: &Value, b: i64) -> PyResult {
    vm.binary(BinOp::Multiply, a, &Int::from_i64(b))
}

/// Stores numbers in a module's dictionary.
pub fn store_numbers(module: &taipan_runtime::object::Py<taipan_runtime::types::dict::Dict>, rows: &[(&str, i64)]) {
    for (name, number) in rows {
        module.store_text(name, Int::from_i64(*number));
    }
}

/// When a wait that may take so many nanoseconds is over.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<i64>);

impl Deadline {
    /// `None` is no limit.
    pub fn after(limit: Option<i64>) -> Deadline {
        Deadline(limit.map(|n| monotonic().saturating_add(n)))
    }

    /// Nanoseconds that are left, not negative; `None` without a limit.
    pub fn left(self) -> Option<i64> {
        self.0.map(|end| (end - monotonic()).max(0))
    }

    /// Whether the time is over.
    pub fn passed(self) -> bool {
        self.left() == Some(0)
    }
}

/// Runs a system call that waits for some time, without the GIL: `f` is given the nanoseconds that are left and called
/// again after signals (PEP 475).
pub fn waiting<T>(
    vm: &mut Vm,
    limit: Option<i64>,
    mut f: impl FnMut(Option<i64>) -> Result<T, i32>,
) -> PyResult<Result<T, i32>> {
    let end = Deadline::after(limit);
    let mut left = limit;
    loop {
        match vm.allow_threads(|| f(left)) {
            Err(libc::EINTR) => vm.check_signals()?,
            r => return Ok(r),
        }
        left = end.left();
    }
}
