//! `float`: a boxed double; `methods` has what Python code calls.

pub mod methods;

use crate::object::value::Frozen;
use crate::object::{Py, PyResult, Value};
use crate::vm::Vm;
pub use methods::FLOAT;

/// Payload of `float`.
#[repr(C)]
pub struct Float {
    /// The number.
    pub value: f64,
}
crate::payload!(Float, FLOAT);
impl Frozen for Float {}

impl Float {
    /// A float object.
    #[inline]
    #[allow(clippy::new_ret_no_self)]
    pub fn new(value: f64) -> Value {
        crate::object::instance::new(Float { value }).into()
    }
    /// Reads a float or an instance of a subclass.
    #[inline]
    pub fn read(v: &Value) -> Option<f64> {
        v.downcast::<Float>().map(|f: &Py<Float>| f.value)
    }
}

impl Vm {
    /// The value as a double: float, `__float__`, or `__index__` (`PyFloat_AsDouble`).
    pub fn to_f64(&mut self, v: &Value) -> PyResult<f64> {
        if let Some(f) = Float::read(v) {
            return Ok(f);
        }
        if let Some(i) = v.as_small() {
            return Ok(i as f64);
        }
        methods::to_f64_slow(self, v)
    }
}
