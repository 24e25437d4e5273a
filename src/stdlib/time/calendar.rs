//! Calendar time: `struct_time`, conversion between it, seconds and text.

use crate::system::path::{decode, encode};
use crate::system::{Rounding, int, nanoseconds};
use std::ffi::CString;
use taipan_runtime::host::timing::{self, Calendar};
use taipan_runtime::object::{Py, PyResult, Value, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::structseq::StructSeq;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// `time.struct_time`
pub static STRUCT_TIME: StructSeq = StructSeq::new(
    "time.struct_time",
    "The time value as returned by gmtime(), localtime(), and strptime(), and accepted by asctime(), mktime() and \
     strftime().",
    &[
        ("tm_year", "year, for example, 1993"),
        ("tm_mon", "month of year, range [1, 12]"),
        ("tm_mday", "day of month, range [1, 31]"),
        ("tm_hour", "hours, range [0, 23]"),
        ("tm_min", "minutes, range [0, 59]"),
        ("tm_sec", "seconds, range [0, 61])"),
        ("tm_wday", "day of week, range [0, 6], Monday is 0"),
        ("tm_yday", "day of year, range [1, 366]"),
        ("tm_isdst", "1 if summer time is in effect, 0 if not, and -1 if unknown"),
        ("tm_zone", "abbreviation of timezone name"),
        ("tm_gmtoff", "offset from UTC in seconds"),
    ],
    9,
);

fn to_struct(vm: &mut Vm, c: &Calendar) -> PyResult {
    let t = &c.tm;
    let mut values: Vec<Value> = [
        t.tm_year as i64 + 1900,
        t.tm_mon as i64 + 1,
        t.tm_mday as i64,
        t.tm_hour as i64,
        t.tm_min as i64,
        t.tm_sec as i64,
        (t.tm_wday as i64 + 6) % 7,
        t.tm_yday as i64 + 1,
        t.tm_isdst as i64,
    ]
    .map(int)
    .to_vec();
    values.push(vm.new_str(&c.zone));
    values.push(int(t.tm_gmtoff));
    STRUCT_TIME.make(vm, values)
}

fn seconds_or_now(vm: &mut Vm, v: Option<&Value>) -> PyResult<i64> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(taipan_runtime::host::clock(libc::CLOCK_REALTIME).unwrap_or(0).div_euclid(1_000_000_000)),
        Some(v) if Float::read(v).is_some() => {
            let f = Float::read(v).unwrap_or(0.0);
            if f.is_nan() {
                return Err(vm.value_error("Invalid value NaN (not a number)"));
            }
            if !(-9.2e18..9.2e18).contains(&f) {
                return Err(vm.overflow_error("timestamp out of range for platform time_t"));
            }
            Ok(f.floor() as i64)
        }
        Some(v) => {
            let n = vm.index(v)?;
            match taipan_runtime::types::int::Int::read(&n).and_then(|i| i.to_i64()) {
                Some(i) => Ok(i),
                None => Err(vm.overflow_error("timestamp out of range for platform time_t")),
            }
        }
    }
}

fn broken_down(vm: &mut Vm, v: Option<&Value>, local: bool) -> PyResult<Calendar> {
    let seconds = seconds_or_now(vm, v)?;
    timing::calendar(seconds, local).map_err(|e| match e {
        libc::EOVERFLOW => vm.overflow_error(taipan_runtime::host::strerror(e)),
        e => vm.os_error(e),
    })
}

/// `gmtime([seconds])`
pub fn gmtime(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let c = broken_down(vm, a[0].as_ref(), false)?;
    to_struct(vm, &c)
}

/// `localtime([seconds])`
pub fn localtime(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let c = broken_down(vm, a[0].as_ref(), true)?;
    to_struct(vm, &c)
}

/// Reads a time tuple; its zone only from a `struct_time`.
fn from_tuple(vm: &mut Vm, v: &Value, function: &str) -> PyResult<Calendar> {
    let Some(t) = v.downcast::<Tuple>() else {
        return Err(vm.type_error("Tuple or struct_time argument required"));
    };
    if t.len() != 9 {
        return Err(vm.type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut n = [0i64; 9];
    for (to, item) in n.iter_mut().zip(t.items().to_vec()) {
        *to = vm.to_i32(&item)? as i64;
    }
    let Ok(tm_year) = i32::try_from(n[0] - 1900) else { return Err(vm.overflow_error("year out of range")) };
    let mut tm = timing::blank();
    (tm.tm_year, tm.tm_mon, tm.tm_mday) = (tm_year, n[1] as i32 - 1, n[2] as i32);
    (tm.tm_hour, tm.tm_min, tm.tm_sec) = (n[3] as i32, n[4] as i32, n[5] as i32);
    (tm.tm_wday, tm.tm_yday, tm.tm_isdst) = ((n[6] as i32 + 1) % 7, n[7] as i32 - 1, n[8] as i32);
    let mut zone = String::new();
    let class = STRUCT_TIME.class(vm)?;
    if vm.is_instance(v, class.as_value())? {
        let z = vm.get_attr_text(v, "tm_zone")?;
        if let Some(z) = z.downcast::<Str>() {
            zone = z.to_rust().into_owned();
        }
        let offset = vm.get_attr_text(v, "tm_gmtoff")?;
        if !offset.is_none() {
            tm.tm_gmtoff = vm.to_i64(&offset)?;
        }
    }
    Ok(Calendar { tm, zone })
}

/// Zeroes are taken for the lowest value where there is no zeroth (`gettmarg`, `checktm`).
fn check_range(vm: &mut Vm, tm: &mut libc::tm) -> PyResult<()> {
    if tm.tm_mon == -1 {
        tm.tm_mon = 0;
    }
    if tm.tm_mday == 0 {
        tm.tm_mday = 1;
    }
    if tm.tm_yday == -1 {
        tm.tm_yday = 0;
    }
    let wrong = [
        (!(0..=11).contains(&tm.tm_mon), "month"),
        (!(1..=31).contains(&tm.tm_mday), "day of month"),
        (!(0..=23).contains(&tm.tm_hour), "hour"),
        (!(0..=59).contains(&tm.tm_min), "minute"),
        (!(0..=61).contains(&tm.tm_sec), "seconds"),
        (tm.tm_wday < 0, "day of week"),
        (!(0..=365).contains(&tm.tm_yday), "day of year"),
    ];
    match wrong.iter().find(|(bad, _)| *bad) {
        Some((_, "day of week")) => Err(vm.value_error("day of week out of range")),
        Some((_, what)) => Err(vm.value_error(format!("{what} out of range"))),
        None => Ok(()),
    }
}

fn tuple_or_now(vm: &mut Vm, v: Option<&Value>, function: &str) -> PyResult<Calendar> {
    match v.filter(|v| !v.is_none()) {
        None => broken_down(vm, None, true),
        Some(v) => {
            let mut c = from_tuple(vm, v, function)?;
            check_range(vm, &mut c.tm)?;
            Ok(c)
        }
    }
}

fn as_text(vm: &mut Vm, tm: &libc::tm) -> Value {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    vm.new_str(&format!(
        "{} {}{:3} {:02}:{:02}:{:02} {}",
        DAYS[tm.tm_wday as usize % 7],
        MONTHS[tm.tm_mon as usize % 12],
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec,
        1900 + tm.tm_year as i64
    ))
}

/// `asctime([tuple])`
pub fn asctime(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let c = tuple_or_now(vm, a[0].as_ref(), "asctime")?;
    Ok(as_text(vm, &c.tm))
}

/// `ctime([seconds])`
pub fn ctime(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let c = broken_down(vm, a[0].as_ref(), true)?;
    Ok(as_text(vm, &c.tm))
}

/// `mktime(tuple)`
pub fn mktime(vm: &mut Vm, v: &Value) -> PyResult {
    let mut c = from_tuple(vm, v, "mktime")?;
    match timing::mktime(&mut c.tm) {
        Some(t) => Ok(Float::new(t as f64)),
        None => Err(vm.overflow_error("mktime argument out of range")),
    }
}

/// `strftime(format[, tuple])`
pub fn strftime(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let format = a[0].clone().unwrap_or_else(none);
    let format = vm.expect_str(&format, "strftime() argument 1")?.clone();
    let given = a[1].as_ref().filter(|v| !v.is_none());
    let mut c = tuple_or_now(vm, given, "strftime")?;
    c.tm.tm_isdst = c.tm.tm_isdst.clamp(-1, 1);
    let zone = if c.zone.is_empty() { None } else { CString::new(c.zone.as_str()).ok() };
    let bytes = encode(vm, &format)?;
    // A null character ends the format of the C library: the pieces between are formatted one by one.
    let mut out = Vec::new();
    for (i, piece) in bytes.split(|&b| b == 0).enumerate() {
        if i > 0 {
            out.push(0);
        }
        if !piece.is_empty() {
            out.extend(timing::strftime(&CString::new(piece).unwrap_or_default(), &c.tm, zone.as_ref()));
        }
    }
    Ok(decode(&out).into())
}

/// `tzset()`
pub fn tzset(vm: &mut Vm) -> PyResult {
    timing::tzset();
    let time = vm.import("time")?;
    if let Some(m) = time.downcast::<taipan_runtime::types::module::Module>() {
        store_zone(vm, &m.dict.clone());
    }
    Ok(none())
}

/// Stores `timezone`, `altzone`, `daylight` and `tzname`: the zone's facts in January and July of this year.
pub fn store_zone(vm: &mut Vm, module: &Py<Dict>) {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let now = taipan_runtime::host::clock(libc::CLOCK_REALTIME).unwrap_or(0) / 1_000_000_000;
    let start = now / YEAR * YEAR;
    let facts = |t: i64| match timing::calendar(t, true) {
        Ok(c) => (c.zone, c.tm.tm_gmtoff),
        Err(_) => ("UTC".to_owned(), 0),
    };
    let (january, july) = (facts(start), facts(start + YEAR / 2));
    let (winter, summer) = if january.1 < july.1 { (january, july) } else { (july, january) };
    module.store_text("timezone", int(-winter.1));
    module.store_text("altzone", int(-summer.1));
    module.store_text("daylight", int((winter.1 != summer.1) as i64));
    let names = vec![vm.new_str(&winter.0), vm.new_str(&summer.0)];
    module.store_text("tzname", Tuple::from_vec(names));
}

/// Seconds and nanoseconds of a time in seconds, as `os.utime` takes it.
pub fn split_seconds(vm: &mut Vm, v: &Value) -> PyResult<(i64, i64)> {
    let n = nanoseconds(vm, v, Rounding::Floor)?;
    Ok((n.div_euclid(1_000_000_000), n.rem_euclid(1_000_000_000)))
}
