//! `complex`: a pair of doubles.

use crate::object::value::Frozen;
use crate::object::{PyResult, TypeDef, TypeFlags, Value};
use crate::vm::Vm;

/// Payload of `complex`.
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}
crate::payload!(Complex, COMPLEX);
impl Frozen for Complex {}

impl Complex {
    /// A complex object.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(re: f64, im: f64) -> Value {
        crate::object::instance::new(Complex { re, im }).into()
    }
}

/// `complex`.
pub static COMPLEX: TypeDef = TypeDef::new::<Complex>("complex").flags(TypeFlags::BASETYPE).cpython_size(32, 0);

/// `z ** w`.
pub fn pow(vm: &mut Vm, z: (f64, f64), w: (f64, f64)) -> PyResult {
    use taipan_base::float::complex::{self, Complex as C};
    match complex::pow(C { re: z.0, im: z.1 }, C { re: w.0, im: w.1 }) {
        Ok(r) => Ok(Complex::new(r.re, r.im)),
        Err(e) => Err(vm.zero_division_error(e.message())),
    }
}
