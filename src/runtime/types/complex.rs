//! `complex`: a pair of doubles; what Python code calls (`Objects/complexobject.c`). The arithmetic is in
//! `taipan_base::float::complex`.

use crate::object::typedef::{CmpOp, MethodDef, NativeFn::*};
use crate::object::value::Frozen;
use crate::object::{
    GetSetDef, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, boolean, not_implemented,
};
use crate::types::exceptions::DEPRECATION_WARNING;
use crate::types::float::Float;
use crate::types::int::{Int, IntRef};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::typeobject;
use crate::vm::Vm;
use crate::vm::args::{Args, Signature};
use crate::with_units;
use taipan_base::float::complex::{self as base, Complex as C, ComplexError};

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
pub static COMPLEX: TypeDef = TypeDef::new::<Complex>("complex")
    .doc("Create a complex number from a string or numbers.")
    .signature("(real=0, imag=0)")
    .flags(TypeFlags::BASETYPE)
    .cpython_size(32, 0)
    .slots(Slots {
        new: Some(new),
        repr: Some(|vm, v| Ok(vm.new_str(&base::repr(c(v))))),
        hash: Some(|_, v| Ok(hash(v))),
        richcmp: Some(compare),
        add: Some(|vm, a, b| arith(vm, a, b, add)),
        sub: Some(|vm, a, b| arith(vm, a, b, sub)),
        mul: Some(|vm, a, b| arith(vm, a, b, mul)),
        truediv: Some(|vm, a, b| arith(vm, a, b, div)),
        power: Some(power),
        neg: Some(|_, v| Ok(Complex::new(-c(v).re, -c(v).im))),
        pos: Some(|_, v| Ok(exact(v))),
        abs: Some(|vm, v| match base::abs(c(v)) {
            Ok(x) => Ok(Float::new(x)),
            Err(e) => Err(raise(vm, e)),
        }),
        truth: Some(|_, v| Ok(c(v).re != 0.0 || c(v).im != 0.0)),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::class("from_number", "($type, number, /)", "Convert a number to a complex number.", F2(from_number)),
        MethodDef::method(
            "conjugate",
            "($self, /)",
            "Return the complex conjugate.",
            F1(|_, v| Ok(Complex::new(c(v).re, -c(v).im))),
        ),
        MethodDef::method(
            "__complex__",
            "($self, /)",
            "Return the number as an exact complex.",
            F1(|_, v| Ok(exact(v))),
        ),
        MethodDef::method(
            "__getnewargs__",
            "($self, /)",
            "Return the arguments that make an equal number.",
            F1(|_, v| Ok(Tuple::of([Float::new(c(v).re), Float::new(c(v).im)]).into())),
        ),
        MethodDef::method(
            "__format__",
            "($self, format_spec, /)",
            "Return the number laid out by a format specification.",
            F2(format),
        ),
    ])
    .getset(&[
        GetSetDef::member("real", "the real part of a complex number", |_, v| Ok(Float::new(c(v).re))),
        GetSetDef::member("imag", "the imaginary part of a complex number", |_, v| Ok(Float::new(c(v).im))),
    ]);

fn c(v: &Value) -> C {
    let z = v.downcast::<Complex>().expect("a method of complex is called on a complex");
    C { re: z.re, im: z.im }
}

fn object(z: C) -> Value {
    Complex::new(z.re, z.im)
}

fn exact(v: &Value) -> Value {
    if v.is_exact::<Complex>() { v.clone() } else { object(c(v)) }
}

fn raise(vm: &mut Vm, e: ComplexError) -> Raised {
    match e {
        ComplexError::DivisionByZero | ComplexError::ZeroPower => vm.zero_division_error(e.message()),
        ComplexError::PowerOverflow | ComplexError::AbsOverflow => vm.overflow_error(e.message()),
    }
}

/// An operand: a complex number, or a real one.
#[derive(Clone, Copy)]
enum Operand {
    Real(f64),
    Complex(C),
}

impl Operand {
    fn complex(self) -> C {
        match self {
            Operand::Real(x) => C { re: x, im: 0.0 },
            Operand::Complex(z) => z,
        }
    }
}

fn operand(vm: &mut Vm, v: &Value) -> PyResult<Option<Operand>> {
    if let Some(z) = v.downcast::<Complex>() {
        return Ok(Some(Operand::Complex(C { re: z.re, im: z.im })));
    }
    if let Some(x) = Float::read(v) {
        return Ok(Some(Operand::Real(x)));
    }
    match Int::read(v) {
        Some(IntRef::Small(i)) => Ok(Some(Operand::Real(i as f64))),
        Some(_) => crate::types::int::methods::to_f64(vm, v).map(|x| Some(Operand::Real(x))),
        None => Ok(None),
    }
}

type Arithmetic = fn(Operand, Operand) -> Result<C, ComplexError>;

fn arith(vm: &mut Vm, a: &Value, b: &Value, f: Arithmetic) -> PyResult {
    let Some(x) = operand(vm, a)? else { return Ok(not_implemented()) };
    let Some(y) = operand(vm, b)? else { return Ok(not_implemented()) };
    match f(x, y) {
        Ok(z) => Ok(object(z)),
        Err(e) => Err(raise(vm, e)),
    }
}

fn add(x: Operand, y: Operand) -> Result<C, ComplexError> {
    Ok(match (x, y) {
        (Operand::Complex(z), Operand::Real(r)) | (Operand::Real(r), Operand::Complex(z)) => base::add_real(z, r),
        _ => base::add(x.complex(), y.complex()),
    })
}

fn sub(x: Operand, y: Operand) -> Result<C, ComplexError> {
    Ok(match (x, y) {
        (Operand::Complex(z), Operand::Real(r)) => base::sub_real(z, r),
        (Operand::Real(r), Operand::Complex(z)) => base::real_sub(r, z),
        _ => base::sub(x.complex(), y.complex()),
    })
}

fn mul(x: Operand, y: Operand) -> Result<C, ComplexError> {
    Ok(match (x, y) {
        (Operand::Complex(z), Operand::Real(r)) | (Operand::Real(r), Operand::Complex(z)) => base::mul_real(z, r),
        _ => base::mul(x.complex(), y.complex()),
    })
}

fn div(x: Operand, y: Operand) -> Result<C, ComplexError> {
    match (x, y) {
        (Operand::Complex(z), Operand::Real(r)) => base::div_real(z, r),
        (Operand::Real(r), Operand::Complex(z)) => base::real_div(r, z),
        _ => base::div(x.complex(), y.complex()),
    }
}

fn power(vm: &mut Vm, a: &Value, b: &Value, m: Option<&Value>) -> PyResult {
    let Some(x) = operand(vm, a)? else { return Ok(not_implemented()) };
    let Some(y) = operand(vm, b)? else { return Ok(not_implemented()) };
    if m.is_some_and(|m| !m.is_none()) {
        return Err(vm.value_error("complex modulo"));
    }
    let (x, y) = (x.complex(), y.complex());
    pow(vm, (x.re, x.im), (y.re, y.im))
}

/// `z ** w`.
pub fn pow(vm: &mut Vm, z: (f64, f64), w: (f64, f64)) -> PyResult {
    match base::pow(C { re: z.0, im: z.1 }, C { re: w.0, im: w.1 }) {
        Ok(r) => Ok(object(r)),
        Err(e) => Err(raise(vm, e)),
    }
}

fn hash(v: &Value) -> i64 {
    let part = |x: f64| taipan_base::int::hash_real(x).unwrap_or_else(|| crate::types::hash::hash_address(v.word()));
    taipan_base::int::hash_complex(part(c(v).re), part(c(v).im))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(not_implemented());
    }
    let z = c(a);
    let same = if let Some(w) = b.downcast::<Complex>() {
        z.re == w.re && z.im == w.im
    } else if let Some(x) = Float::read(b) {
        z.re == x && z.im == 0.0
    } else if Int::read(b).is_some() {
        // exactly, as a float compares with an integer
        z.im == 0.0 && vm.compare_bool(&Float::new(z.re), b, CmpOp::Eq)?
    } else {
        return Ok(not_implemented());
    };
    Ok(boolean(same == (op == CmpOp::Eq)))
}

/// What `__complex__` gives, if the type has it.
fn by_method(vm: &mut Vm, v: &Value) -> PyResult<Option<C>> {
    if v.is_exact::<Complex>() {
        return Ok(Some(c(v)));
    }
    let Some(f) = vm.lookup_special(v, "__complex__")? else { return Ok(None) };
    let r = vm.call0(&f)?;
    let rname = r.class().payload.name();
    let Some(z) = r.downcast::<Complex>() else {
        return Err(vm.type_error(format!("__complex__ returned non-complex (type {rname})")));
    };
    if !r.is_exact::<Complex>() {
        let message = format!(
            "__complex__ returned non-complex (type {rname}).  The ability to return an instance of a strict subclass of \
             complex is deprecated, and may be removed in a future version of Python."
        );
        vm.warn(&DEPRECATION_WARNING, &message, 1)?;
    }
    Ok(Some(C { re: z.re, im: z.im }))
}

fn is_real(v: &Value) -> bool {
    let slots = v.class().payload.slots();
    Float::read(v).is_some() || Int::read(v).is_some() || slots.float.is_some() || slots.index.is_some()
}

/// A number as a complex (`PyComplex_AsCComplex`).
pub fn to_complex(vm: &mut Vm, v: &Value) -> PyResult<(f64, f64)> {
    if let Some(z) = v.downcast::<Complex>() {
        return Ok((z.re, z.im));
    }
    match by_method(vm, v)? {
        Some(z) => Ok((z.re, z.im)),
        None => Ok((vm.to_f64(v)?, 0.0)),
    }
}

fn from_text(vm: &mut Vm, v: &Value, text: &Py<Str>) -> PyResult<C> {
    match with_units!(text.units(), u => base::parse(u)) {
        Ok(z) => Ok(z),
        Err(e) => {
            let repr = vm.repr(v)?.to_rust().into_owned();
            Err(vm.value_error(e.message(&repr)))
        }
    }
}

fn of_class(class: &Py<Type>, z: C) -> Value {
    if std::ptr::eq(class.get_type(), COMPLEX.object()) {
        return object(z);
    }
    crate::object::instance::new_of(class, Complex { re: z.re, im: z.im }).into()
}

fn new(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("complex", "(real=0, imag=0)");
    let bound = args.bind(vm, &SIGNATURE)?;
    match (&bound[0], &bound[1]) {
        (None, None) => Ok(of_class(class, C::default())),
        (Some(v), None) => one(vm, class, v),
        (real, Some(imag)) => two(vm, class, real.as_ref(), imag),
    }
}

fn one(vm: &mut Vm, class: &Py<Type>, v: &Value) -> PyResult {
    if v.is_exact::<Complex>() && std::ptr::eq(class.get_type(), COMPLEX.object()) {
        return Ok(v.clone());
    }
    if let Some(text) = v.downcast::<Str>() {
        let z = from_text(vm, v, text)?;
        return Ok(of_class(class, z));
    }
    if let Some(z) = by_method(vm, v)? {
        return Ok(of_class(class, z));
    }
    if let Some(z) = v.downcast::<Complex>() {
        return Ok(of_class(class, C { re: z.re, im: z.im }));
    }
    if is_real(v) {
        let re = vm.to_f64(v)?;
        return Ok(of_class(class, C { re, im: 0.0 }));
    }
    let name = typeobject::message_name(vm, v.class())?;
    Err(vm.type_error(format!("complex() argument must be a string or a number, not {name}")))
}

fn two(vm: &mut Vm, class: &Py<Type>, real: Option<&Value>, imag: &Value) -> PyResult {
    // the imaginary part is the argument itself, its zero's sign included, unless the real one brings another
    let (mut re, mut re_im) = (0.0, None);
    let deprecated = |vm: &mut Vm, which: &str, v: &Value| {
        let name = v.class().payload.name();
        let message = format!("complex() argument '{which}' must be a real number, not {name}");
        vm.warn(&DEPRECATION_WARNING, &message, 1)
    };
    let refused = |vm: &mut Vm, which: &str, v: &Value| {
        let name = v.class().payload.name();
        vm.type_error(format!("complex() argument '{which}' must be a real number, not {name}"))
    };
    if let Some(r) = real {
        if r.downcast::<Str>().is_some() {
            return Err(refused(vm, "real", r));
        }
        match by_method(vm, r)? {
            Some(w) => {
                deprecated(vm, "real", r)?;
                (re, re_im) = (w.re, Some(w.im));
            }
            None if is_real(r) => re = vm.to_f64(r)?,
            None => return Err(refused(vm, "real", r)),
        }
    }
    let mut im = if let Some(w) = imag.downcast::<Complex>() {
        deprecated(vm, "imag", imag)?;
        re -= w.im;
        w.re
    } else if is_real(imag) {
        vm.to_f64(imag)?
    } else {
        return Err(refused(vm, "imag", imag));
    };
    if let Some(more) = re_im {
        im += more;
    }
    Ok(of_class(class, C { re, im }))
}

fn from_number(vm: &mut Vm, class: &Value, v: &Value) -> PyResult {
    if v.is_exact::<Complex>() && class.is_static_type(&COMPLEX) {
        return Ok(v.clone());
    }
    let z = match by_method(vm, v)? {
        Some(z) => z,
        None => C { re: vm.to_f64(v)?, im: 0.0 },
    };
    let number = object(z);
    if class.is_static_type(&COMPLEX) { Ok(number) } else { vm.call1(class, &number) }
}

fn format(vm: &mut Vm, v: &Value, spec: &Value) -> PyResult {
    let spec = vm.expect_str(spec, "__format__() argument")?;
    if spec.len() == 0 {
        return vm.str(v).map(Into::into);
    }
    let locale = taipan_base::format::Locale::default();
    let name = v.class().payload.name();
    match with_units!(spec.units(), u => taipan_base::format::format_complex(c(v), u, &name, &locale)) {
        Ok(t) => Ok(crate::types::str::methods::from_text(&t).into()),
        Err(e) => Err(crate::types::str::methods::raise_format(vm, &e)),
    }
}
