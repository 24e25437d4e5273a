//! `timedelta`: days, seconds and microseconds, of which only the days can be negative.

use super::{is_a, is_exactly};
use taipan_base::int::BigInt;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance,
    not_implemented,
};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::sequence::full_type_name;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Payload of `timedelta`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Delta {
    /// At most 999 999 999, and no less than that below zero.
    pub days: i32,
    /// 0 to 86 399.
    pub seconds: i32,
    /// 0 to 999 999.
    pub micros: i32,
}
impl Frozen for Delta {}
taipan_runtime::payload!(Delta, DELTA);

const DAY: i128 = 86_400_000_000;
const MOST_DAYS: i128 = 999_999_999;

impl Delta {
    /// All in microseconds.
    pub fn total(self) -> i128 {
        i128::from(self.days) * DAY + i128::from(self.seconds) * 1_000_000 + i128::from(self.micros)
    }

    /// Of so many microseconds; the error is the number of days, which are too many.
    pub fn of_micros(micros: i128) -> Result<Delta, i128> {
        let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
        if !(-MOST_DAYS..=MOST_DAYS).contains(&days) {
            return Err(days);
        }
        Ok(Delta { days: days as i32, seconds: (rest / 1_000_000) as i32, micros: (rest % 1_000_000) as i32 })
    }
}

/// A `timedelta`.
pub fn new(d: Delta) -> Value {
    instance::new(d).into()
}

/// The timedelta of so many microseconds.
pub fn of_micros(vm: &mut Vm, micros: i128) -> PyResult {
    checked(vm, micros).map(new)
}

fn checked(vm: &mut Vm, micros: i128) -> PyResult<Delta> {
    Delta::of_micros(micros).map_err(|days| {
        let days = days as i64 as i32;
        vm.overflow_error(format!("days={days}; must have magnitude <= 999999999"))
    })
}

/// Reads a `timedelta`.
pub fn read(v: &Value) -> Option<Delta> {
    v.downcast::<Delta>().map(|d| **d)
}

fn of(me: &Value) -> Delta {
    read(me).expect("a method of timedelta is called on one")
}

/// `timedelta`
pub static DELTA: TypeDef = TypeDef::new::<Delta>("datetime.timedelta")
    .doc(
        "Difference between two datetime values.\n\ntimedelta(days=0, seconds=0, microseconds=0, milliseconds=0, \
         minutes=0, hours=0, weeks=0)\n\nAll arguments are optional and default to 0.\nArguments may be integers or \
         floats, and may be positive or negative.",
    )
    .flags(TypeFlags::BASETYPE)
    .cpython_size(40, 0)
    .slots(Slots {
        new: Some(new_delta),
        add: Some(|vm, a, b| sum(vm, a, b, 1)),
        sub: Some(|vm, a, b| sum(vm, a, b, -1)),
        mul: Some(multiply),
        floordiv: Some(floor_divide),
        truediv: Some(divide),
        rem: Some(remainder),
        divmod: Some(|vm, a, b| {
            let (Some(x), Some(y)) = (read(a), read(b)) else { return Ok(not_implemented()) };
            let (q, r) = whole(vm, x, y)?;
            Ok(Tuple::of([q, r]).into())
        }),
        neg: Some(|vm, a| of_micros(vm, -of(a).total())),
        pos: Some(|_, a| Ok(new(of(a)))),
        abs: Some(|vm, a| of_micros(vm, of(a).total().abs())),
        truth: Some(|_, a| Ok(of(a).total() != 0)),
        hash: Some(|vm, a| {
            let t = Tuple::from_vec(fields(of(a)));
            vm.hash(t.as_value())
        }),
        richcmp: Some(|_, a, b, op| {
            let (Some(x), Some(y)) = (read(a), read(b)) else { return Ok(not_implemented()) };
            Ok(boolean(CmpOp::holds(op, x.cmp(&y))))
        }),
        repr: Some(repr),
        str: Some(|vm, a| Ok(vm.new_str(&text(of(a))))),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::member("days", "Number of days.", |_, a| Ok(Value::small_unchecked(of(a).days.into()))),
        GetSetDef::member("seconds", "Number of seconds (>= 0 and less than 1 day).", |_, a| {
            Ok(Value::small_unchecked(of(a).seconds.into()))
        }),
        GetSetDef::member("microseconds", "Number of microseconds (>= 0 and less than 1 second).", |_, a| {
            Ok(Value::small_unchecked(of(a).micros.into()))
        }),
    ])
    .methods(&[
        MethodDef::method(
            "total_seconds",
            "($self, /)",
            "Total seconds in the duration.",
            F1(|vm, a| {
                let total = big(of(a).total());
                ratio(vm, &total, &BigInt::from(1_000_000i64))
            }),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "__reduce__() -> (cls, state)",
            F1(|_, a| {
                let class: Value = Py::of(a.class()).into();
                Ok(Tuple::of([class, Tuple::from_vec(fields(of(a))).into()]).into())
            }),
        ),
    ]);

fn fields(d: Delta) -> Vec<Value> {
    [d.days, d.seconds, d.micros].map(|n| Value::small_unchecked(n.into())).to_vec()
}

fn big(n: i128) -> BigInt {
    BigInt::from_le_bytes(&n.to_le_bytes(), true)
}

fn object(n: i128) -> Value {
    match i64::try_from(n) {
        Ok(n) => Int::from_i64(n),
        Err(_) => Int::from_big(big(n)),
    }
}

/// Microseconds out of a Python integer.
fn micros_of(vm: &mut Vm, v: &Value) -> PyResult<i128> {
    let n = match Int::read(v) {
        Some(IntRef::Small(i)) => Some(i.into()),
        Some(IntRef::Big(b)) => b.to_i128(),
        None => None,
    };
    n.ok_or_else(|| vm.overflow_error("Python int too large to convert to C int"))
}

fn ratio(vm: &mut Vm, a: &BigInt, b: &BigInt) -> PyResult {
    match a.true_div(b) {
        Ok(x) => Ok(Float::new(x)),
        Err(e) => Err(vm.overflow_error(e.message())),
    }
}

/// `timedelta(...)`: whole parts exactly, fractions of all arguments gathered and rounded once, half to even.
fn new_delta(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature =
        Signature::new("__new__", "(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)");
    const UNITS: [(usize, &str, i128); 7] = [
        (2, "microseconds", 1),
        (3, "milliseconds", 1000),
        (1, "seconds", 1_000_000),
        (4, "minutes", 60_000_000),
        (5, "hours", 3_600_000_000),
        (0, "days", DAY),
        (6, "weeks", 7 * DAY),
    ];
    let bound = args.bind(vm, &SIGNATURE)?;
    let (mut total, mut left) = (BigInt::from(0i64), 0.0);
    for (i, name, unit) in UNITS {
        let Some(v) = &bound[i] else { continue };
        if let Some(n) = Int::read(v) {
            total = total.add(&n.to_big().mul(&big(unit)));
        } else if let Some(x) = Float::read(v) {
            let whole = x.trunc();
            let Ok(n) = BigInt::from_f64(whole) else {
                // The same complaint as int() has of an infinity or a NaN.
                return vm.call1(&taipan_runtime::types::int::INT.value(), v);
            };
            total = total.add(&n.mul(&big(unit)));
            let part = (x - whole) * unit as f64;
            let whole_part = part.trunc();
            total = total.add(&BigInt::from(whole_part as i64));
            left += part - whole_part;
        } else {
            let name_of = full_type_name(vm, v);
            let text = format!("unsupported type for timedelta {name} component: {name_of}");
            return Err(vm.type_error(text));
        }
    }
    if left != 0.0 {
        // Half to even, of the sum and not of the fraction alone.
        let mut whole = left.round();
        if (whole - left).abs() == 0.5 {
            let odd = f64::from(u8::from(total.is_odd()));
            whole = 2.0 * ((left + odd) * 0.5).round_ties_even() - odd;
        }
        total = total.add(&BigInt::from(whole as i64));
    }
    let Some(micros) = total.to_i128() else {
        return Err(vm.overflow_error("Python int too large to convert to C int"));
    };
    if micros.div_euclid(DAY).abs() > i128::from(i32::MAX) {
        return Err(vm.overflow_error("Python int too large to convert to C int"));
    }
    let d = checked(vm, micros)?;
    Ok(instance::new_of(class, d).into())
}

fn sum(vm: &mut Vm, a: &Value, b: &Value, sign: i128) -> PyResult {
    match (read(a), read(b)) {
        (Some(x), Some(y)) => of_micros(vm, x.total() + sign * y.total()),
        _ => Ok(not_implemented()),
    }
}

/// Times or divided by a float: the float's exact ratio, rounded half to even.
fn by_float(vm: &mut Vm, d: Delta, x: &Value, divide: bool) -> PyResult {
    let pair = vm.call_method(x, "as_integer_ratio", &[])?;
    let items = pair.downcast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    let [Some(n), Some(m)] = [0, 1].map(|i| items.get(i).and_then(Int::read).map(IntRef::to_big)) else {
        return Err(vm.type_error("unexpected return type from as_integer_ratio(): expected a 2-tuple of int"));
    };
    let (up, down) = if divide { (m, n) } else { (n, m) };
    rounded(vm, &big(d.total()).mul(&up), &down)
}

fn rounded(vm: &mut Vm, a: &BigInt, b: &BigInt) -> PyResult {
    match a.div_mod_near(b) {
        Ok((q, _)) => match q.to_i128() {
            Some(n) => of_micros(vm, n),
            None => Err(vm.overflow_error("Python int too large to convert to C int")),
        },
        Err(_) => Err(vm.zero_division_error("division by zero")),
    }
}

fn multiply(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let (d, other) = match (read(a), read(b)) {
        (Some(d), _) => (d, b),
        (None, Some(d)) => (d, a),
        _ => return Ok(not_implemented()),
    };
    if let Some(n) = Int::read(other) {
        let product = big(d.total()).mul(&n.to_big());
        return match product.to_i128() {
            Some(n) => of_micros(vm, n),
            None => Err(vm.overflow_error("Python int too large to convert to C int")),
        };
    }
    if Float::read(other).is_some() { by_float(vm, d, other, false) } else { Ok(not_implemented()) }
}

fn divide(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some(x) = read(a) else { return Ok(not_implemented()) };
    if let Some(y) = read(b) {
        if y.total() == 0 {
            return Err(vm.zero_division_error("division by zero"));
        }
        return ratio(vm, &big(x.total()), &big(y.total()));
    }
    if let Some(n) = Int::read(b) {
        return rounded(vm, &big(x.total()), &n.to_big());
    }
    if Float::read(b).is_some() {
        if Float::read(b) == Some(0.0) {
            return Err(vm.zero_division_error("division by zero"));
        }
        return by_float(vm, x, b, true);
    }
    Ok(not_implemented())
}

/// `divmod` of two differences.
fn whole(vm: &mut Vm, x: Delta, y: Delta) -> PyResult<(Value, Value)> {
    let (x, y) = (x.total(), y.total());
    if y == 0 {
        return Err(vm.zero_division_error("division by zero"));
    }
    let mut q = x / y;
    if x % y != 0 && (x < 0) != (y < 0) {
        q -= 1;
    }
    let r = of_micros(vm, x - q * y)?;
    Ok((object(q), r))
}

fn floor_divide(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    let Some(x) = read(a) else { return Ok(not_implemented()) };
    if let Some(y) = read(b) {
        return whole(vm, x, y).map(|(q, _)| q);
    }
    if Int::read(b).is_none() {
        return Ok(not_implemented());
    }
    let quotient = vm.binary(taipan_runtime::vm::ops::BinOp::FloorDivide, &object(x.total()), b)?;
    let micros = micros_of(vm, &quotient)?;
    of_micros(vm, micros)
}

fn remainder(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    match (read(a), read(b)) {
        (Some(x), Some(y)) => whole(vm, x, y).map(|(_, r)| r),
        _ => Ok(not_implemented()),
    }
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let d = of(me);
    let parts: Vec<String> = [("days", d.days), ("seconds", d.seconds), ("microseconds", d.micros)]
        .into_iter()
        .filter(|(_, n)| *n != 0)
        .map(|(name, n)| format!("{name}={n}"))
        .collect();
    let inner = if parts.is_empty() { "0".to_owned() } else { parts.join(", ") };
    let name = super::type_name(me);
    Ok(vm.new_str(&format!("{name}({inner})")))
}

fn text(d: Delta) -> String {
    let (hours, minutes, seconds) = (d.seconds / 3600, d.seconds / 60 % 60, d.seconds % 60);
    let mut out = String::new();
    if d.days != 0 {
        let s = if d.days.abs() == 1 { "" } else { "s" };
        out = format!("{} day{s}, ", d.days);
    }
    out += &format!("{hours}:{minutes:02}:{seconds:02}");
    if d.micros != 0 {
        out += &format!(".{:06}", d.micros);
    }
    out
}

/// Whether a value is a `timedelta`, of whatever class.
pub fn is_delta(v: &Value) -> bool {
    is_exactly(v, &DELTA) || is_a(v, &DELTA)
}
