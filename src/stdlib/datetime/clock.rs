//! `time`: a time of day, perhaps with a zone.

use super::text::{self, Source};
use super::{Clock, checked_clock, delta, int, state_bytes, type_name, zone, zone_argument};
use taipan_base::calendar;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::hash::hash_bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// Payload of `time`.
#[derive(Clone)]
pub struct Time {
    /// The time.
    pub clock: Clock,
    /// 1 for the second of two times that a clock shows twice.
    pub fold: u8,
    /// The zone.
    pub tz: Option<Value>,
}
taipan_runtime::payload!(Time, TIME,
    traverse(self, visit) { self.tz.iter().for_each(visit) },
    clear(self) {});

macro_rules! field {
    ($name:literal, $t:ident => $value:expr) => {
        GetSetDef::get($name, "", |vm, me| {
            let $t = this(me).get(vm);
            Ok($value)
        })
    };
}

/// `time`
pub static TIME: TypeDef = TypeDef::new::<Time>("datetime.time")
    .doc(
        "time([hour[, minute[, second[, microsecond[, tzinfo]]]]]) --> a time object\n\nAll arguments are optional. \
         tzinfo may be None, or an instance of\na tzinfo subclass. The remaining arguments may be ints.",
    )
    .flags(TypeFlags::BASETYPE)
    .cpython_size(40, 0)
    .slots(Slots {
        new: Some(new_time),
        hash: Some(hash),
        richcmp: Some(compare),
        repr: Some(repr),
        str: Some(|vm, me| vm.call_method(me, "isoformat", &[])),
        ..Slots::NONE
    })
    .getset(&[
        field!("hour", t => Value::small_unchecked(t.clock.hour.into())),
        field!("minute", t => Value::small_unchecked(t.clock.minute.into())),
        field!("second", t => Value::small_unchecked(t.clock.second.into())),
        field!("microsecond", t => Value::small_unchecked(t.clock.micro.into())),
        field!("tzinfo", t => text::zone_or_none(t.tz.clone())),
        field!("fold", t => Value::small_unchecked(t.fold.into())),
    ])
    .methods(&[
        MethodDef::class(
            "strptime",
            "($type, string, format, /)",
            "string, format -> new time parsed from a string.",
            F3(|vm, class, s, f| text::strptime(vm, class, s, f, "_strptime_datetime_time")),
        ),
        MethodDef::class(
            "fromisoformat",
            "($type, object, /)",
            "Construct a time from a string in ISO 8601 format.",
            F2(from_iso),
        ),
        MethodDef::method(
            "isoformat",
            "($self, /, timespec='auto')",
            "Return the time formatted according to ISO.",
            N(isoformat),
        ),
        MethodDef::method("strftime", "($self, /, format)", "format -> strftime() style string.", N(strftime)),
        MethodDef::method("__format__", "($self, spec, /)", "Formats self with strftime.", F2(text::format)),
        MethodDef::method(
            "utcoffset",
            "($self, /)",
            "Return self.tzinfo.utcoffset(self).",
            F1(|vm, me| ask(vm, me, "utcoffset").map(zone::or_none)),
        ),
        MethodDef::method(
            "dst",
            "($self, /)",
            "Return self.tzinfo.dst(self).",
            F1(|vm, me| ask(vm, me, "dst").map(zone::or_none)),
        ),
        MethodDef::method(
            "tzname",
            "($self, /)",
            "Return self.tzinfo.tzname(self).",
            F1(|vm, me| {
                let tz = this(me).get(vm).tz.clone();
                zone::ask_name(vm, tz.as_ref(), &none())
            }),
        ),
        MethodDef::method("replace", REPLACE, "Return time with new specified fields.", N(replace)),
        MethodDef::method("__replace__", REPLACE, "The same as replace().", N(replace)),
        MethodDef::method(
            "__reduce_ex__",
            "($self, protocol, /)",
            "__reduce_ex__(proto) -> (cls, state)",
            F2(|vm, me, protocol| {
                let protocol = vm.to_i32(protocol)?;
                reduce(vm, me, protocol)
            }),
        ),
        MethodDef::method("__reduce__", "($self, /)", "__reduce__() -> (cls, state)", F1(|vm, me| reduce(vm, me, 2))),
    ]);

const REPLACE: &str = "($self, /, hour=unchanged, minute=unchanged, second=unchanged,\n        microsecond=unchanged, \
                       tzinfo=unchanged, *, fold=unchanged)";

fn this(me: &Value) -> &Py<Time> {
    me.downcast::<Time>().expect("a method of time is called on one")
}

/// A `time`.
pub fn new(t: Time) -> Value {
    instance::new(t).into()
}

/// A copy of a `time`'s parts.
pub fn read(vm: &Vm, v: &Value) -> Option<Time> {
    v.downcast::<Time>().map(|t| t.get(vm).clone())
}

fn new_time(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature =
        Signature::new("time", "(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0)");
    if let (1..=2, false) = (args.len(), args.has_keywords()) {
        if let Some(s) = state_bytes(&args.pos()[0], 6).filter(|s| s[0] & 0x7f < 24) {
            let tz = match args.get(1) {
                Some(v) if !v.is_none() && !super::is_a(v, &super::TZINFO) => {
                    return Err(vm.type_error("bad tzinfo state arg"));
                }
                v => v.filter(|v| !v.is_none()).cloned(),
            };
            let mut clock = Clock::of_state(&s);
            let fold = clock.hour >> 7;
            clock.hour &= 0x7f;
            return Ok(instance::new_of(class, Time { clock, fold, tz }).into());
        }
    }
    let bound = args.bind(vm, &SIGNATURE)?;
    let t = parts(vm, &bound, Time { clock: Clock::default(), fold: 0, tz: None })?;
    Ok(instance::new_of(class, t).into())
}

/// The time of six arguments; those not given are `from`'s.
fn parts(vm: &mut Vm, given: &[Option<Value>], from: Time) -> PyResult<Time> {
    let c = from.clock;
    let mut numbers = [c.hour.into(), c.minute.into(), c.second.into(), c.micro as i32];
    for (n, v) in numbers.iter_mut().zip(given) {
        *n = int(vm, v, *n)?;
    }
    let fold = int(vm, &given[5], from.fold.into())?;
    let clock = checked_clock(vm, numbers, fold)?;
    let tz = match &given[4] {
        Some(v) => zone_argument(vm, Some(v))?,
        None => from.tz,
    };
    Ok(Time { clock, fold: fold as u8, tz })
}

/// A time of a class: `time` directly, others by a call.
fn of_class(vm: &mut Vm, class: &Value, t: Time) -> PyResult {
    if class.is_static_type(&TIME) {
        return Ok(new(t));
    }
    let c = t.clock;
    let numbers = [i64::from(c.hour), c.minute.into(), c.second.into(), c.micro.into()];
    let mut args = numbers.map(Value::small_unchecked).to_vec();
    args.push(text::zone_or_none(t.tz));
    let made = vm.call(class, &args)?;
    if let Some(m) = made.downcast::<Time>() {
        m.get_mut(vm).fold = t.fold;
    }
    Ok(made)
}

fn replace(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let t = this(me).get(vm).clone();
    let t = parts(vm, &args[1..], t)?;
    let class: Value = Py::of(me.class()).into();
    of_class(vm, &class, t)
}

fn ask(vm: &mut Vm, me: &Value, method: &str) -> PyResult<Option<delta::Delta>> {
    let tz = this(me).get(vm).tz.clone();
    zone::ask(vm, tz.as_ref(), method, &none())
}

fn hash(vm: &mut Vm, me: &Value) -> PyResult<i64> {
    let c = this(me).get(vm).clock;
    match ask(vm, me, "utcoffset")? {
        None => Ok(hash_bytes(&c.state())),
        Some(offset) => {
            let shifted = delta::of_micros(vm, i128::from(c.micros()) - offset.total())?;
            vm.hash(&shifted)
        }
    }
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if b.downcast::<Time>().is_none() {
        return Ok(not_implemented());
    }
    let (x, y) = (this(a).get(vm).clone(), this(b).get(vm).clone());
    let same = match (&x.tz, &y.tz) {
        (None, None) => true,
        (Some(p), Some(q)) => p.is(q),
        _ => false,
    };
    if same {
        return Ok(boolean(op.holds(x.clock.cmp(&y.clock))));
    }
    let (p, q) = (ask(vm, a, "utcoffset")?, ask(vm, b, "utcoffset")?);
    match (p, q) {
        (None, None) => Ok(boolean(op.holds(x.clock.cmp(&y.clock)))),
        (Some(p), Some(q)) => {
            let shifted = |c: Clock, d: delta::Delta| i128::from(c.micros()) - d.total();
            Ok(boolean(op.holds(shifted(x.clock, p).cmp(&shifted(y.clock, q)))))
        }
        _ if op == CmpOp::Eq => Ok(boolean(false)),
        _ if op == CmpOp::Ne => Ok(boolean(true)),
        _ => Err(vm.type_error("can't compare offset-naive and offset-aware times")),
    }
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let (t, name) = (this(me).get(vm).clone(), type_name(me));
    let c = t.clock;
    let mut out = format!("{name}({}, {}", c.hour, c.minute);
    if c.micro != 0 {
        out += &format!(", {}, {}", c.second, c.micro);
    } else if c.second != 0 {
        out += &format!(", {}", c.second);
    }
    push_ends(vm, &mut out, t.fold, t.tz.as_ref(), true)?;
    Ok(vm.new_str(&out))
}

/// The end of a repr: fold and zone where they are not the usual ones.
pub fn push_ends(vm: &mut Vm, out: &mut String, fold: u8, tz: Option<&Value>, zone_first: bool) -> PyResult<()> {
    let zone = match tz {
        Some(tz) => format!(", tzinfo={}", vm.repr(tz)?.to_rust()),
        None => String::new(),
    };
    let fold = if fold != 0 { ", fold=1" } else { "" };
    let (first, second) = if zone_first { (zone.as_str(), fold) } else { (fold, zone.as_str()) };
    *out += first;
    *out += second;
    out.push(')');
    Ok(())
}

fn isoformat(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), timespec] = args else { unreachable!("bound by the signature") };
    let t = this(me).get(vm).clone();
    let spec = timespec_of(vm, timespec.as_ref(), 1)?;
    let Some(mut out) = text::iso_clock(t.clock, &spec) else { return Err(vm.value_error("Unknown timespec value")) };
    out += &text::zone_text(vm, t.tz.as_ref(), &none(), ":")?;
    Ok(vm.new_str(&out))
}

/// The `timespec` argument.
pub fn timespec_of(vm: &mut Vm, v: Option<&Value>, place: usize) -> PyResult<String> {
    match v {
        None => Ok("auto".to_owned()),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => Ok(s.to_rust().into_owned()),
            None => {
                let name = if v.is_none() { "None".into() } else { v.class().payload.name() };
                Err(vm.type_error(format!("isoformat() argument {place} must be str, not {name}")))
            }
        },
    }
}

fn strftime(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(format)] = args else { unreachable!("bound by the signature") };
    let Some(format) = format.downcast::<Str>() else {
        let name = format.class().payload.name();
        return Err(vm.type_error(format!("strftime() argument 1 must be str, not {name}")));
    };
    let t = this(me).get(vm).clone();
    let c = t.clock;
    // Python's strftime() wants a year after 1900.
    let fields = [1900, 1, 1, i64::from(c.hour), c.minute.into(), c.second.into(), 0, 1, -1];
    let tuple = Tuple::from_vec(fields.map(Value::small_unchecked).to_vec());
    let source = Source { tz: t.tz, argument: none(), micro: c.micro, date: None };
    text::strftime(vm, &source, format, tuple.as_value())
}

fn from_iso(vm: &mut Vm, class: &Value, v: &Value) -> PyResult {
    let points = text::iso_argument(vm, v)?;
    let bytes: Vec<u8> = points.iter().map(|&c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(0)).collect();
    let bytes = bytes.strip_prefix(b"T").unwrap_or(&bytes);
    let Some(t) = calendar::parse_iso_time(bytes) else { return Err(text::bad_iso(vm, v)) };
    let (clock, next_day) = of_iso(vm, t)?;
    if next_day && clock != Clock::default() {
        return Err(text::bad_iso(vm, v));
    }
    let tz = text::zone_of_offset(vm, t.offset)?;
    of_class(vm, class, Time { clock, fold: 0, tz })
}

/// The time of ISO fields, and whether it is midnight written as hour 24 (of the day before).
pub fn of_iso(vm: &mut Vm, t: calendar::IsoTime) -> PyResult<(Clock, bool)> {
    let next_day = t.hour == 24;
    if next_day && (t.minute, t.second, t.microsecond) != (0, 0, 0) {
        return Err(vm.value_error("minute, second, and microsecond must be 0 when hour is 24"));
    }
    let hour = if next_day { 0 } else { t.hour.into() };
    let parts = [hour, t.minute.into(), t.second.into(), t.microsecond as i32];
    Ok((checked_clock(vm, parts, 0)?, next_day))
}

fn reduce(vm: &mut Vm, me: &Value, protocol: i32) -> PyResult {
    let t = this(me).get(vm).clone();
    let mut state = t.clock.state();
    if protocol > 3 {
        state[0] |= t.fold << 7;
    }
    let mut args: Vec<Value> = vec![Bytes::from_slice(&state).into()];
    args.extend(t.tz);
    let class: Value = Py::of(me.class()).into();
    Ok(Tuple::of([class, Tuple::from_vec(args).into()]).into())
}
