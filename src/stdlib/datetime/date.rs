//! `date`, and the named tuple that `isocalendar` gives.

use super::text::{self, Source};
use super::{Clock, DATETIME, Moment, checked_date, delta, is_a, is_exactly, state_bytes, this, type_name};
use taipan_base::calendar::{self, Date, IsoWeekError, MAX_ORDINAL};
use taipan_runtime::host;
use taipan_runtime::object::{
    GetSetDef, MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::hash::hash_bytes;
use taipan_runtime::types::sequence::enclose;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::{TUPLE, Tuple};
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// `date`
pub static DATE: TypeDef = TypeDef::new::<Moment>("datetime.date")
    .doc("date(year, month, day) --> date object")
    .flags(TypeFlags::BASETYPE)
    .cpython_size(32, 0)
    .slots(Slots {
        new: Some(new_date),
        add: Some(add),
        sub: Some(sub),
        hash: Some(|vm, me| Ok(hash_bytes(&state(this(me).get(vm).date)))),
        richcmp: Some(|vm, a, b, op| {
            if b.downcast::<Moment>().is_none() || is_a(b, &DATETIME) {
                return Ok(not_implemented());
            }
            Ok(boolean(op.holds(this(a).get(vm).date.cmp(&this(b).get(vm).date))))
        }),
        repr: Some(|vm, me| {
            let (d, name) = (this(me).get(vm).date, type_name(me));
            Ok(vm.new_str(&format!("{name}({}, {}, {})", d.year, d.month, d.day)))
        }),
        str: Some(|vm, me| vm.call_method(me, "isoformat", &[])),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::get("year", "", |vm, me| Ok(Value::small_unchecked(this(me).get(vm).date.year.into()))),
        GetSetDef::get("month", "", |vm, me| Ok(Value::small_unchecked(this(me).get(vm).date.month.into()))),
        GetSetDef::get("day", "", |vm, me| Ok(Value::small_unchecked(this(me).get(vm).date.day.into()))),
    ])
    .methods(&[
        MethodDef::class(
            "fromtimestamp",
            "($type, timestamp, /)",
            "Create a date from a POSIX timestamp.",
            F2(from_timestamp),
        ),
        MethodDef::class(
            "fromordinal",
            "($type, ordinal, /)",
            "int -> date corresponding to a proleptic Gregorian ordinal.",
            F2(from_ordinal),
        ),
        MethodDef::class(
            "fromisoformat",
            "($type, object, /)",
            "Construct a date from a string in ISO 8601 format.",
            F2(from_iso),
        ),
        MethodDef::class(
            "fromisocalendar",
            "($type, /, year, week, day)",
            "int, int, int -> Construct a date from the ISO year, week number and weekday.",
            N(from_iso_calendar),
        ),
        MethodDef::class(
            "strptime",
            "($type, string, format, /)",
            "string, format -> new date parsed from a string.",
            F3(|vm, class, s, f| text::strptime(vm, class, s, f, "_strptime_datetime_date")),
        ),
        MethodDef::class(
            "today",
            "($type, /)",
            "Current date or datetime.",
            F1(|vm, class| {
                let now = vm.import_attr("time", "time").and_then(|f| vm.call0(&f))?;
                vm.call_method(class, "fromtimestamp", &[now])
            }),
        ),
        MethodDef::method(
            "ctime",
            "($self, /)",
            "Return ctime() style string.",
            F1(|vm, me| {
                let text = text::ctime(this(me).get(vm).date, Clock::default());
                Ok(vm.new_str(&text))
            }),
        ),
        MethodDef::method("strftime", "($self, /, format)", "format -> strftime() style string.", N(strftime)),
        MethodDef::method("__format__", "($self, spec, /)", "Formats self with strftime.", F2(text::format)),
        MethodDef::method(
            "isoformat",
            "($self, /)",
            "Return string in ISO 8601 format, YYYY-MM-DD.",
            F1(|vm, me| {
                let text = text::iso_date(this(me).get(vm).date);
                Ok(vm.new_str(&text))
            }),
        ),
        MethodDef::method(
            "isoweekday",
            "($self, /)",
            "Return the day of the week; Monday is 1.",
            F1(|vm, me| Ok(Value::small_unchecked(i64::from(this(me).get(vm).date.weekday()) + 1))),
        ),
        MethodDef::method(
            "isocalendar",
            "($self, /)",
            "Return a named tuple containing ISO year, week number, and weekday.",
            F1(|vm, me| {
                let (year, week, day) = this(me).get(vm).date.iso_calendar();
                let items = [year, week.into(), day.into()].map(|n| Value::small_unchecked(n.into()));
                Ok(Tuple::of_class(&ISO_CALENDAR_DATE.class(), items.to_vec()).into())
            }),
        ),
        MethodDef::method(
            "timetuple",
            "($self, /)",
            "Return time tuple, compatible with time.localtime().",
            F1(|vm, me| {
                let d = this(me).get(vm).date;
                text::struct_time(vm, d, Clock::default(), -1)
            }),
        ),
        MethodDef::method(
            "toordinal",
            "($self, /)",
            "Return proleptic Gregorian ordinal.",
            F1(|vm, me| Ok(Value::small_unchecked(this(me).get(vm).date.to_ordinal().into()))),
        ),
        MethodDef::method(
            "weekday",
            "($self, /)",
            "Return the day of the week; Monday is 0.",
            F1(|vm, me| Ok(Value::small_unchecked(this(me).get(vm).date.weekday().into()))),
        ),
        MethodDef::method(
            "replace",
            "($self, /, year=unchanged, month=unchanged, day=unchanged)",
            "Return date with new specified fields.",
            N(replace),
        ),
        MethodDef::method(
            "__replace__",
            "($self, /, year=unchanged, month=unchanged, day=unchanged)",
            "The same as replace().",
            N(replace),
        ),
        MethodDef::method(
            "__reduce__",
            "($self, /)",
            "__reduce__() -> (cls, state)",
            F1(|vm, me| {
                let bytes: Value = Bytes::from_slice(&state(this(me).get(vm).date)).into();
                let class: Value = Py::of(me.class()).into();
                Ok(Tuple::of([class, Tuple::of([bytes]).into()]).into())
            }),
        ),
    ]);

/// A `date`.
pub fn new(date: Date) -> Value {
    instance::new(Moment { date, clock: Clock::default(), fold: 0, tz: None }).into()
}

/// The four bytes of a pickled date.
pub fn state(d: Date) -> [u8; 4] {
    let [high, low] = (d.year as u16).to_be_bytes();
    [high, low, d.month, d.day]
}

/// The date of four pickled bytes.
pub fn of_state(s: &[u8]) -> Date {
    Date { year: i32::from(u16::from_be_bytes([s[0], s[1]])), month: s[2], day: s[3] }
}

/// A date of a class: `date` directly, others by a call.
pub fn of_class(vm: &mut Vm, class: &Value, d: Date) -> PyResult {
    if class.is_static_type(&DATE) {
        return Ok(new(d));
    }
    let parts = [d.year, d.month.into(), d.day.into()].map(|n| Value::small_unchecked(n.into()));
    vm.call(class, &parts)
}

fn new_date(vm: &mut Vm, class: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("date", "(year, month, day)");
    if let (1, false) = (args.len(), args.has_keywords()) {
        if let Some(s) = state_bytes(&args.pos()[0], 4).filter(|s| (1..=12).contains(&s[2])) {
            let moment = Moment { date: of_state(&s), clock: Clock::default(), fold: 0, tz: None };
            return Ok(instance::new_of(class, moment).into());
        }
    }
    if args.has_keywords() || args.len() != 3 {
        let bound = bind_function(vm, args, &SIGNATURE)?;
        return build(vm, class, &bound);
    }
    let given: Vec<Option<Value>> = args.pos().iter().cloned().map(Some).collect();
    build(vm, class, &given)
}

/// Binds as `PyArg_ParseTupleAndKeywords` does for a format without a function's name.
pub fn bind_function(vm: &mut Vm, args: &Args<'_>, signature: &Signature) -> PyResult<Vec<Option<Value>>> {
    Ok(args.bind(vm, signature)?.into_vec())
}

fn build(vm: &mut Vm, class: &Py<Type>, parts: &[Option<Value>]) -> PyResult {
    let [Some(year), Some(month), Some(day)] = parts else { unreachable!("all are required") };
    let (year, month, day) = (vm.to_i32(year)?, vm.to_i32(month)?, vm.to_i32(day)?);
    let date = checked_date(vm, year, month, day)?;
    Ok(instance::new_of(class, Moment { date, clock: Clock::default(), fold: 0, tz: None }).into())
}

fn add_days(vm: &mut Vm, me: &Value, days: i64) -> PyResult {
    let ordinal = i64::from(this(me).get(vm).date.to_ordinal()) + days;
    if !(1..=i64::from(MAX_ORDINAL)).contains(&ordinal) {
        return Err(vm.overflow_error("date value out of range"));
    }
    let class: Value = Py::of(me.class()).into();
    of_class(vm, &class, Date::from_ordinal(ordinal as i32))
}

fn add(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if is_a(a, &DATETIME) || is_a(b, &DATETIME) {
        return Ok(not_implemented());
    }
    match (delta::read(a), delta::read(b)) {
        (None, Some(d)) => add_days(vm, a, d.days.into()),
        (Some(d), None) => add_days(vm, b, d.days.into()),
        _ => Ok(not_implemented()),
    }
}

fn sub(vm: &mut Vm, a: &Value, b: &Value) -> PyResult {
    if a.downcast::<Moment>().is_none() || is_a(a, &DATETIME) || is_a(b, &DATETIME) {
        return Ok(not_implemented());
    }
    if b.downcast::<Moment>().is_some() {
        let days = this(a).get(vm).date.to_ordinal() - this(b).get(vm).date.to_ordinal();
        return Ok(delta::new(delta::Delta { days, seconds: 0, micros: 0 }));
    }
    match delta::read(b) {
        Some(d) => add_days(vm, a, -i64::from(d.days)),
        None => Ok(not_implemented()),
    }
}

/// Seconds since the epoch out of a timestamp, rounded down.
fn whole_seconds(vm: &mut Vm, v: &Value) -> PyResult<i64> {
    super::moment_make::timestamp(vm, v).map(|(seconds, _)| seconds)
}

fn from_timestamp(vm: &mut Vm, class: &Value, t: &Value) -> PyResult {
    let seconds = whole_seconds(vm, t)?;
    let tm = match host::timing::calendar(seconds, true) {
        Ok(c) => c.tm,
        Err(e) => return Err(vm.os_error(e)),
    };
    let parts = [tm.tm_year.saturating_add(1900), tm.tm_mon + 1, tm.tm_mday];
    let d = checked_date(vm, parts[0], parts[1], parts[2])?;
    of_class(vm, class, d)
}

fn from_ordinal(vm: &mut Vm, class: &Value, n: &Value) -> PyResult {
    let n = vm.to_i32(n)?;
    if n < 1 {
        return Err(vm.value_error("ordinal must be >= 1"));
    }
    let date = if n > MAX_ORDINAL {
        let year = 10_000 + (n - MAX_ORDINAL - 1) / 366;
        return Err(vm.value_error(format!("year must be in 1..9999, not {year}")));
    } else {
        Date::from_ordinal(n)
    };
    of_class(vm, class, date)
}

fn from_iso(vm: &mut Vm, class: &Value, v: &Value) -> PyResult {
    let text = text::iso_argument(vm, v)?;
    let bytes: Vec<u8> = text.iter().map(|&c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(0)).collect();
    let Some(d) = calendar::parse_iso_date(&bytes) else { return Err(text::bad_iso(vm, v)) };
    let parsed = checked_date(vm, d.year, d.month.into(), d.day.into())?;
    of_class(vm, class, parsed)
}

fn from_iso_calendar(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(class), Some(year), Some(week), Some(day)] = args else { unreachable!("all are required") };
    let mut parts = [0; 3];
    for (part, v) in parts.iter_mut().zip([year, week, day]) {
        *part = match vm.to_i32(v) {
            Ok(n) => n,
            Err(_) if vm.error_is(&taipan_runtime::types::exceptions::OVERFLOW_ERROR) => {
                vm.clear_error();
                return Err(vm.value_error("ISO calendar component out of range"));
            }
            Err(r) => return Err(r),
        };
    }
    let [year, week, day] = parts;
    let message = match calendar::from_iso_calendar(year, week, day) {
        Ok(d) => {
            let d = checked_date(vm, d.year, d.month.into(), d.day.into())?;
            return of_class(vm, class, d);
        }
        Err(IsoWeekError::Year) => format!("year must be in 1..9999, not {year}"),
        Err(IsoWeekError::Week) => format!("Invalid week: {week}"),
        Err(IsoWeekError::Weekday) => format!("Invalid weekday: {day} (range is [1, 7])"),
    };
    Err(vm.value_error(message))
}

fn strftime(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), Some(format)] = args else { unreachable!("bound by the signature") };
    let Some(format) = format.downcast::<Str>() else {
        let name = format.class().payload.name();
        return Err(vm.type_error(format!("strftime() argument 1 must be str, not {name}")));
    };
    let tuple = vm.call_method(me, "timetuple", &[])?;
    let m = this(me).get(vm).clone();
    let source = Source { tz: m.tz, argument: me.clone(), micro: m.clock.micro, date: Some(m.date) };
    text::strftime(vm, &source, format, &tuple)
}

fn replace(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), year, month, day] = args else { unreachable!("bound by the signature") };
    let d = this(me).get(vm).date;
    let (year, month) = (super::int(vm, year, d.year)?, super::int(vm, month, d.month.into())?);
    let day = super::int(vm, day, d.day.into())?;
    if is_exactly(me, &DATE) {
        return checked_date(vm, year, month, day).map(new);
    }
    let class: Value = Py::of(me.class()).into();
    vm.call(&class, &[year, month, day].map(|n| Value::small_unchecked(n.into())))
}

/// `datetime.IsoCalendarDate`: a tuple with names.
pub static ISO_CALENDAR_DATE: TypeDef = TypeDef::new::<Tuple>("datetime.IsoCalendarDate")
    .doc("The result of date.isocalendar() or datetime.isocalendar()\n\nThis object may be accessed either as a tuple of\n  ((year, week, weekday))\nor via the object attributes as named in the above tuple.")
    .base(&TUPLE)
    .itemsize(8)
    .cpython_size(24, 8)
    .slots(Slots {
        new: Some(|vm, class, args| {
            static SIGNATURE: Signature = Signature::new("IsoCalendarDate", "(year, week, weekday)");
            let bound = args.bind(vm, &SIGNATURE)?;
            Ok(Tuple::of_class(class, bound.into_iter().flatten().collect()).into())
        }),
        repr: Some(|vm, me| {
            let mut parts = Vec::new();
            for (name, v) in ["year", "week", "weekday"].into_iter().zip(items(me)) {
                let shown = vm.repr(v)?;
                parts.push(Str::from_rust(&format!("{name}={}", shown.to_rust())));
            }
            Ok(enclose("datetime.IsoCalendarDate(", &parts, ")").into())
        }),
        ..Slots::NONE
    })
    .getset(&[
        GetSetDef::get("year", "", |_, me| Ok(item(me, 0))),
        GetSetDef::get("week", "", |_, me| Ok(item(me, 1))),
        GetSetDef::get("weekday", "", |_, me| Ok(item(me, 2))),
    ])
    .methods(&[MethodDef::method("__reduce__", "($self, /)", "", F1(|_, me| {
        // Unpickling gives a plain tuple.
        let plain = Tuple::from_slice(items(me));
        Ok(Tuple::of([TUPLE.value(), Tuple::of([plain.into()]).into()]).into())
    }))]);

fn items(me: &Value) -> &[Value] {
    me.downcast::<Tuple>().map_or(&[][..], |t| t.items())
}

fn item(me: &Value, i: usize) -> Value {
    items(me).get(i).cloned().unwrap_or_else(none)
}
