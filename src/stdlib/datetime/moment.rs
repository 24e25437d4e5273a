//! `datetime`: a date with a time, perhaps with a zone. How one is made of timestamps and texts is in `moment_make`.

use super::delta::{self, Delta};
use super::text;
use super::{
    Clock, DATE, Moment, checked_clock, checked_date, clock, date, int, is_a, moment_make as make, state_bytes, this,
    type_name, zone, zone_argument,
};
use taipan_base::calendar::Date;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance,
    not_implemented,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::hash::hash_bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

macro_rules! field {
    ($name:literal, $m:ident => $value:expr) => {
        GetSetDef::get($name, "", |vm, me| {
            let $m = this(me).get(vm);
            Ok($value)
        })
    };
}

const REPLACE: &str = "($self, /, year=unchanged, month=unchanged, day=unchanged,\n        hour=unchanged, \
                       minute=unchanged, second=unchanged,\n        microsecond=unchanged, tzinfo=unchanged, *, \
                       fold=unchanged)";

/// `datetime`
pub static DATETIME: TypeDef = TypeDef::new::<Moment>("datetime.datetime")
    .doc(
        "datetime(year, month, day[, hour[, minute[, second[, microsecond[,tzinfo]]]]])\n\nThe year, month and day \
         arguments are required. tzinfo may be None, or an\ninstance of a tzinfo subclass. The remaining arguments may be \
         ints.",
    )
    .base(&DATE)
    .flags(TypeFlags::BASETYPE)
    .cpython_size(48, 0)
    .slots(Slots {
        new: Some(new_datetime),
        add: Some(add),
        sub: Some(sub),
        hash: Some(hash),
        richcmp: Some(compare),
        repr: Some(repr),
        str: Some(|vm, me| {
            let space = vm.new_str(" ");
            vm.call_method(me, "isoformat", &[space])
        }),
        ..Slots::NONE
    })
    .getset(&[
        field!("hour", m => Value::small_unchecked(m.clock.hour.into())),
        field!("minute", m => Value::small_unchecked(m.clock.minute.into())),
        field!("second", m => Value::small_unchecked(m.clock.second.into())),
        field!("microsecond", m => Value::small_unchecked(m.clock.micro.into())),
        field!("tzinfo", m => text::zone_or_none(m.tz.clone())),
        field!("fold", m => Value::small_unchecked(m.fold.into())),
    ])
    .methods(&[
        MethodDef::class("now", "($type, /, tz=None)", "Returns new datetime object representing current time local to tz.", N(make::now)),
        MethodDef::class("utcnow", "($type, /)", "Return a new datetime representing UTC day and time.", F1(make::utcnow)),
        MethodDef::class(
            "fromtimestamp",
            "($type, /, timestamp, tz=None)",
            "timestamp[, tz] -> tz's local time from POSIX timestamp.",
            N(make::from_timestamp),
        ),
        MethodDef::class(
            "utcfromtimestamp",
            "($type, timestamp, /)",
            "Construct a naive UTC datetime from a POSIX timestamp.",
            F2(make::utc_from_timestamp),
        ),
        MethodDef::class("strptime", "($type, string, format, /)", "string, format -> new datetime parsed from a string.", F3(|vm, class, s, f| {
            text::strptime(vm, class, s, f, "_strptime_datetime_datetime")
        })),
        MethodDef::class("combine", "($type, /, date, time, tzinfo=True)", "date, time -> datetime with same date and time fields", N(make::combine)),
        MethodDef::class("fromisoformat", "($type, object, /)", "string -> datetime from a string in most ISO 8601 formats", F2(make::from_iso)),
        MethodDef::method("date", "($self, /)", "Return date object with same year, month and day.", F1(|vm, me| {
            Ok(date::new(this(me).get(vm).date))
        })),
        MethodDef::method("time", "($self, /)", "Return time object with same time but with tzinfo=None.", F1(|vm, me| {
            let m = this(me).get(vm);
            Ok(clock::new(clock::Time { clock: m.clock, fold: m.fold, tz: None }))
        })),
        MethodDef::method("timetz", "($self, /)", "Return time object with same time and tzinfo.", F1(|vm, me| {
            let m = this(me).get(vm);
            Ok(clock::new(clock::Time { clock: m.clock, fold: m.fold, tz: m.tz.clone() }))
        })),
        MethodDef::method("ctime", "($self, /)", "Return ctime() style string.", F1(|vm, me| {
            let m = this(me).get(vm);
            let text = text::ctime(m.date, m.clock);
            Ok(vm.new_str(&text))
        })),
        MethodDef::method("timetuple", "($self, /)", "Return time tuple, compatible with time.localtime().", F1(|vm, me| {
            let m = this(me).get(vm).clone();
            let dst = zone::ask(vm, m.tz.as_ref(), "dst", me)?.map_or(-1, |d| i32::from(d.total() != 0));
            text::struct_time(vm, m.date, m.clock, dst)
        })),
        MethodDef::method("timestamp", "($self, /)", "Return POSIX timestamp as float.", F1(timestamp)),
        MethodDef::method("utctimetuple", "($self, /)", "Return UTC time tuple, compatible with time.localtime().", F1(utctimetuple)),
        MethodDef::method(
            "isoformat",
            "($self, /, sep='T', timespec='auto')",
            "[sep] -> string in ISO 8601 format, YYYY-MM-DDT[HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].",
            N(isoformat),
        ),
        MethodDef::method("utcoffset", "($self, /)", "Return self.tzinfo.utcoffset(self).", F1(|vm, me| {
            ask(vm, me, "utcoffset").map(zone::or_none)
        })),
        MethodDef::method("tzname", "($self, /)", "Return self.tzinfo.tzname(self).", F1(|vm, me| {
            let tz = this(me).get(vm).tz.clone();
            zone::ask_name(vm, tz.as_ref(), me)
        })),
        MethodDef::method("dst", "($self, /)", "Return self.tzinfo.dst(self).", F1(|vm, me| {
            ask(vm, me, "dst").map(zone::or_none)
        })),
        MethodDef::method("replace", REPLACE, "Return datetime with new specified fields.", N(replace)),
        MethodDef::method("__replace__", REPLACE, "The same as replace().", N(replace)),
        MethodDef::method("astimezone", "($self, /, tz=None)", "tz -> convert to local time in new timezone tz", N(make::astimezone)),
        MethodDef::method("__reduce_ex__", "($self, protocol, /)", "__reduce_ex__(proto) -> (cls, state)", F2(|vm, me, protocol| {
            let protocol = vm.to_i32(protocol)?;
            reduce(vm, me, protocol)
        })),
        MethodDef::method("__reduce__", "($self, /)", "__reduce__() -> (cls, state)", F1(|vm, me| reduce(vm, me, 2))),
    ]);

/// A `datetime`.
pub fn new(m: Moment) -> Value {
    instance::new_of(&DATETIME.class(), m).into()
}

/// A datetime of a class: `datetime` directly, others by a call.
pub fn of_class(vm: &mut Vm, class: &Value, m: Moment) -> PyResult {
    if class.is_static_type(&DATETIME) {
        return Ok(new(m));
    }
    let (d, c) = (m.date, m.clock);
    let numbers = [
        i64::from(d.year),
        d.month.into(),
        d.day.into(),
        c.hour.into(),
        c.minute.into(),
        c.second.into(),
        c.micro.into(),
    ];
    let mut args = numbers.map(Value::small_unchecked).to_vec();
    args.push(text::zone_or_none(m.tz));
    let made = vm.call(class, &args)?;
    if let Some(p) = made.downcast::<Moment>().filter(|_| is_a(&made, &DATETIME)) {
        p.get_mut(vm).fold = m.fold;
    }
    Ok(made)
}

fn new_datetime(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new(
        "datetime",
        "(year, month, day, hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0)",
    );
    if let (1..=2, false) = (args.len(), args.has_keywords()) {
        if let Some(s) = state_bytes(&args.pos()[0], 10).filter(|s| (1..=12).contains(&(s[2] & 0x7f))) {
            let tz = match args.get(1) {
                Some(v) if !v.is_none() && !is_a(v, &super::TZINFO) => {
                    return Err(vm.type_error("bad tzinfo state arg"));
                }
                v => v.filter(|v| !v.is_none()).cloned(),
            };
            let mut date = date::of_state(&s);
            let fold = date.month >> 7;
            date.month &= 0x7f;
            return Ok(instance::new_of(class, Moment { date, clock: Clock::of_state(&s[4..]), fold, tz }).into());
        }
    }
    let bound = args.bind(vm, &SIGNATURE)?;
    let epoch = Date { year: 1, month: 1, day: 1 };
    let m = parts(vm, &bound, Moment { date: epoch, clock: Clock::default(), fold: 0, tz: None })?;
    Ok(instance::new_of(class, m).into())
}

/// The datetime of nine arguments; those not given are `from`'s.
fn parts(vm: &mut Vm, given: &[Option<Value>], from: Moment) -> PyResult<Moment> {
    let (d, c) = (from.date, from.clock);
    let mut n = [d.year, d.month.into(), d.day.into(), c.hour.into(), c.minute.into(), c.second.into(), c.micro as i32];
    for (n, v) in n.iter_mut().zip(given) {
        *n = int(vm, v, *n)?;
    }
    let fold = int(vm, &given[8], from.fold.into())?;
    let date = checked_date(vm, n[0], n[1], n[2])?;
    let clock = checked_clock(vm, [n[3], n[4], n[5], n[6]], fold)?;
    let tz = match &given[7] {
        Some(v) => zone_argument(vm, Some(v))?,
        None => from.tz,
    };
    Ok(Moment { date, clock, fold: fold as u8, tz })
}

fn replace(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let me = args[0].as_ref().expect("self");
    let m = this(me).get(vm).clone();
    let m = parts(vm, &args[1..], m)?;
    let class: Value = Py::of(me.class()).into();
    of_class(vm, &class, m)
}

/// `utcoffset()` or `dst()` of the object.
pub fn ask(vm: &mut Vm, me: &Value, method: &str) -> PyResult<Option<Delta>> {
    let tz = this(me).get(vm).tz.clone();
    zone::ask(vm, tz.as_ref(), method, me)
}

/// A datetime and what may stand beside it in an operator.
fn is_datetime(v: &Value) -> bool {
    is_a(v, &DATETIME)
}

fn shifted(vm: &mut Vm, me: &Value, by: i128) -> PyResult {
    let m = this(me).get(vm).clone();
    let micros = i128::from(m.micros()) + by;
    let Some((date, clock)) = i64::try_from(micros).ok().and_then(Moment::of_micros) else {
        return Err(vm.overflow_error("date value out of range"));
    };
    let class: Value = Py::of(me.class()).into();
    of_class(vm, &class, Moment { date, clock, fold: 0, tz: m.tz })
}

fn add(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    match (delta::read(a), delta::read(b)) {
        (None, Some(d)) if is_datetime(a) => shifted(vm, a, d.total()),
        (Some(d), None) if is_datetime(b) => shifted(vm, b, d.total()),
        _ => Ok(not_implemented()),
    }
}

fn same_zone(a: &Option<Value>, b: &Option<Value>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(p), Some(q)) => p.is(q),
        _ => false,
    }
}

fn sub(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if !is_datetime(a) {
        return Ok(not_implemented());
    }
    if let Some(d) = delta::read(b) {
        return shifted(vm, a, -d.total());
    }
    if !is_datetime(b) {
        return Ok(not_implemented());
    }
    let (x, y) = (this(a).get(vm).clone(), this(b).get(vm).clone());
    let mut difference = i128::from(x.micros()) - i128::from(y.micros());
    if !same_zone(&x.tz, &y.tz) {
        let offsets = (ask(vm, a, "utcoffset")?, ask(vm, b, "utcoffset")?);
        match offsets {
            (None, None) => {}
            (Some(p), Some(q)) => difference += q.total() - p.total(),
            _ => return Err(vm.type_error("can't subtract offset-naive and offset-aware datetimes")),
        }
    }
    delta::of_micros(vm, difference)
}

/// Whether the offset depends on the fold, which makes the time unequal to any time of another zone (PEP 495).
fn is_problematic(vm: &mut Vm, me: &Value, offset: Option<Delta>) -> PyResult<bool> {
    let mut m = this(me).get(vm).clone();
    m.fold = 1 - m.fold;
    let tz = m.tz.clone();
    let flipped = new(m);
    Ok(zone::ask(vm, tz.as_ref(), "utcoffset", &flipped)? != offset)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CmpOp) -> PyResult {
    if !is_datetime(b) {
        return Ok(not_implemented());
    }
    let (x, y) = (this(a).get(vm).clone(), this(b).get(vm).clone());
    if same_zone(&x.tz, &y.tz) {
        return Ok(boolean(op.holds((x.date, x.clock).cmp(&(y.date, y.clock)))));
    }
    let (p, q) = (ask(vm, a, "utcoffset")?, ask(vm, b, "utcoffset")?);
    let equality = matches!(op, CmpOp::Eq | CmpOp::Ne);
    if p.is_some() != q.is_some() {
        return match op {
            CmpOp::Eq | CmpOp::Ne => Ok(boolean(op == CmpOp::Ne)),
            _ => Err(vm.type_error("can't compare offset-naive and offset-aware datetimes")),
        };
    }
    let total = |d: Option<Delta>| d.map_or(0, Delta::total);
    let left = i128::from(x.micros()) - total(p);
    let right = i128::from(y.micros()) - total(q);
    let order = left.cmp(&right);
    if equality && order.is_eq() && (is_problematic(vm, a, p)? || is_problematic(vm, b, q)?) {
        return Ok(boolean(op == CmpOp::Ne));
    }
    Ok(boolean(op.holds(order)))
}

fn hash(vm: &mut Vm, me: &Value) -> PyResult<i64> {
    let mut m = this(me).get(vm).clone();
    let tz = m.tz.clone();
    let offset = if m.fold == 1 {
        m.fold = 0;
        let first = new(m.clone());
        zone::ask(vm, tz.as_ref(), "utcoffset", &first)?
    } else {
        zone::ask(vm, tz.as_ref(), "utcoffset", me)?
    };
    match offset {
        None => Ok(hash_bytes(&state(&m))),
        Some(d) => {
            // Days count from 1, as ordinals do.
            let micros = i128::from(m.micros()) + i128::from(super::DAY_MICROS) - d.total();
            let since = delta::of_micros(vm, micros)?;
            vm.hash(&since)
        }
    }
}

fn state(m: &Moment) -> [u8; 10] {
    let mut out = [0; 10];
    out[..4].copy_from_slice(&date::state(m.date));
    out[4..].copy_from_slice(&m.clock.state());
    out
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    let (m, name) = (this(me).get(vm).clone(), type_name(me));
    let (d, c) = (m.date, m.clock);
    let mut out = format!("{name}({}, {}, {}, {}, {}", d.year, d.month, d.day, c.hour, c.minute);
    if c.micro != 0 {
        out += &format!(", {}, {}", c.second, c.micro);
    } else if c.second != 0 {
        out += &format!(", {}", c.second);
    }
    clock::push_ends(vm, &mut out, m.fold, m.tz.as_ref(), false)?;
    Ok(vm.new_str(&out))
}

fn isoformat(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), sep, timespec] = args else { unreachable!("bound by the signature") };
    let separator = match sep {
        None => Str::from_rust("T"),
        Some(v) => match v.downcast::<Str>() {
            Some(s) if s.len() == 1 => s.clone(),
            Some(s) => {
                let n = s.len();
                return Err(vm.type_error(format!(
                    "isoformat() argument 1 must be a unicode character, not a string of length {n}"
                )));
            }
            None => {
                let name = if v.is_none() { "None".into() } else { v.class().payload.name() };
                return Err(vm.type_error(format!("isoformat() argument 1 must be a unicode character, not {name}")));
            }
        },
    };
    let m = this(me).get(vm).clone();
    let spec = clock::timespec_of(vm, timespec.as_ref(), 2)?;
    let Some(time) = text::iso_clock(m.clock, &spec) else { return Err(vm.value_error("Unknown timespec value")) };
    let zone = text::zone_text(vm, m.tz.as_ref(), me, ":")?;
    let (date, time) = (Str::from_rust(&text::iso_date(m.date)), Str::from_rust(&(time + &zone)));
    Ok(taipan_runtime::types::sequence::join_texts(&[&date, &separator, &time]).into())
}

const EPOCH_SECONDS: i64 = 62_135_596_800;

fn timestamp(vm: &mut Vm, me: &Value) -> PyResult {
    let m = this(me).get(vm).clone();
    if m.tz.is_some() {
        let Some(offset) = ask(vm, me, "utcoffset")? else {
            return Err(vm.type_error("can't subtract offset-naive and offset-aware datetimes"));
        };
        let micros = i128::from(m.micros()) - offset.total() - i128::from(EPOCH_SECONDS) * 1_000_000;
        let since = delta::of_micros(vm, micros)?;
        return vm.call_method(&since, "total_seconds", &[]);
    }
    let seconds = make::seconds_of_local(vm, m.micros().div_euclid(1_000_000) - EPOCH_SECONDS, m.fold)?;
    Ok(Float::new(seconds as f64 + f64::from(m.clock.micro) / 1e6))
}

fn utctimetuple(vm: &mut Vm, me: &Value) -> PyResult {
    let m = this(me).get(vm).clone();
    let offset = ask(vm, me, "utcoffset")?.map_or(0, |d| d.total() as i64);
    match Moment::of_micros(m.micros() - offset) {
        Some((date, clock)) => text::struct_time(vm, date, clock, 0),
        None => Err(vm.overflow_error("date value out of range")),
    }
}

fn reduce(vm: &mut Vm, me: &Value, protocol: i32) -> PyResult {
    let m = this(me).get(vm).clone();
    let mut bytes = state(&m);
    if protocol > 3 {
        bytes[2] |= m.fold << 7;
    }
    let mut args: Vec<Value> = vec![Bytes::from_slice(&bytes).into()];
    args.extend(m.tz);
    let class: Value = Py::of(me.class()).into();
    Ok(Tuple::of([class, Tuple::from_vec(args).into()]).into())
}
