//! How datetimes are made: of clocks, timestamps, texts, a date and a time, and of another zone's datetime.

use super::delta::Delta;
use super::{Clock, Moment, clock, delta, is_a, moment, text, this, zone, zone_argument};
use taipan_base::calendar::{self, Date};
use taipan_runtime::host;
use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::exceptions::DEPRECATION_WARNING;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::sequence::{full_type_name, is_index};
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::ops::BinOp;

/// No clock is put back by more than a day.
const MAX_FOLD_SECONDS: i64 = 24 * 3600;

/// Seconds from the year 1 to the epoch.
const EPOCH: i64 = 62_135_596_800;

/// Seconds and microseconds of a timestamp, rounded half to even.
pub fn timestamp(vm: &mut Vm, v: &Value) -> PyResult<(i64, i64)> {
    const RANGE: &str = "timestamp out of range for platform time_t";
    if let Some(x) = Float::read(v) {
        if x.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let mut seconds = x.floor();
        let mut micros = ((x - seconds) * 1e6).round_ties_even();
        if micros >= 1e6 {
            (seconds, micros) = (seconds + 1.0, micros - 1e6);
        }
        if !(-9.2e18..9.2e18).contains(&seconds) {
            return Err(vm.overflow_error(RANGE));
        }
        return Ok((seconds as i64, micros as i64));
    }
    if !is_index(v) {
        let name = full_type_name(vm, v);
        return Err(vm.type_error(format!("argument must be int or float, not {name}")));
    }
    let i = vm.index(v)?;
    match Int::read(&i).and_then(IntRef::to_i64) {
        Some(i) => Ok((i, 0)),
        None => Err(vm.overflow_error(RANGE)),
    }
}

/// The broken-down time of seconds since the epoch.
fn fields(vm: &mut Vm, seconds: i64, local: bool) -> PyResult<(Date, Clock)> {
    let tm = match host::timing::calendar(seconds, local) {
        Ok(c) => c.tm,
        Err(libc::EOVERFLOW) => return Err(vm.overflow_error("timestamp out of range for platform time_t")),
        Err(e) => return Err(vm.os_error(e)),
    };
    let year = i64::from(tm.tm_year) + 1900;
    if !(1..=9999).contains(&year) {
        return Err(vm.value_error(format!("year must be in 1..9999, not {year}")));
    }
    let date = Date { year: year as i32, month: tm.tm_mon as u8 + 1, day: tm.tm_mday as u8 };
    // A leap second is shown as the one before.
    let clock = Clock { hour: tm.tm_hour as u8, minute: tm.tm_min as u8, second: tm.tm_sec.min(59) as u8, micro: 0 };
    Ok((date, clock))
}

/// Local time as seconds since the epoch of a clock that shows it.
fn shown(vm: &mut Vm, seconds: i64) -> PyResult<i64> {
    let (d, c) = fields(vm, seconds, true)?;
    Ok((i64::from(d.to_ordinal()) - 1) * 86_400 + c.seconds() - EPOCH)
}

/// The inverse of [`shown`]: of two seconds that clocks show alike, the one that the fold says.
pub fn seconds_of_local(vm: &mut Vm, t: i64, fold: u8) -> PyResult<i64> {
    let a = shown(vm, t)? - t;
    let u1 = t - a;
    let t1 = shown(vm, u1)?;
    let b = if t1 == t {
        // One solution. Look for another on the side that the fold names.
        let near = if fold == 0 { u1 - MAX_FOLD_SECONDS } else { u1 + MAX_FOLD_SECONDS };
        let b = shown(vm, near)? - near;
        if a == b {
            return Ok(u1);
        }
        b
    } else {
        t1 - u1
    };
    let u2 = t - b;
    if shown(vm, u2)? == t {
        return Ok(u2);
    }
    if t1 == t {
        return Ok(u1);
    }
    // The clocks leapt over t.
    Ok(if fold == 0 { u1.max(u2) } else { u1.min(u2) })
}

/// Seconds since the epoch of a time, as if it were UTC.
fn as_utc(d: Date, c: Clock) -> i64 {
    (i64::from(d.to_ordinal()) - 1) * 86_400 + c.seconds() - EPOCH
}

/// The datetime of a moment: of a zone, of local time, or of UTC without a zone.
fn at(vm: &mut Vm, class: &Value, seconds: i64, micros: i64, tz: Option<&Value>, local: bool) -> PyResult {
    let local = local && tz.is_none();
    let (date, mut clock) = fields(vm, seconds, local)?;
    clock.micro = micros as u32;
    let mut fold = 0;
    if local {
        // Had the clocks been put back shortly before, they showed the same time already.
        let now = as_utc(date, clock);
        if let Ok((d, c)) = fields(vm, seconds - MAX_FOLD_SECONDS, true) {
            let leap = now - as_utc(d, c) - MAX_FOLD_SECONDS;
            if leap < 0 {
                let (d, c) = fields(vm, seconds + leap, true)?;
                fold = u8::from(as_utc(d, c) == now);
            }
        }
        vm.clear_error();
    }
    let made = moment::of_class(vm, class, Moment { date, clock, fold, tz: tz.cloned() })?;
    match tz {
        Some(tz) => vm.call_method(tz, "fromutc", &[made]),
        None => Ok(made),
    }
}

fn current(vm: &mut Vm) -> PyResult<(i64, i64)> {
    match host::clock(libc::CLOCK_REALTIME) {
        Ok(ns) => Ok((ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000) / 1000)),
        Err(e) => Err(vm.os_error(e)),
    }
}

/// `datetime.now`
pub fn now(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(class), tz] = args else { unreachable!("bound by the signature") };
    let tz = zone_argument(vm, tz.as_ref())?;
    let (seconds, micros) = current(vm)?;
    at(vm, class, seconds, micros, tz.as_ref(), true)
}

/// `datetime.utcnow`
pub fn utcnow(vm: &mut Vm, class: &Value) -> PyResult {
    let text = "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use \
                timezone-aware objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC).";
    vm.warn(&DEPRECATION_WARNING, text, 1)?;
    let (seconds, micros) = current(vm)?;
    at(vm, class, seconds, micros, None, false)
}

/// `datetime.fromtimestamp`
pub fn from_timestamp(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(class), Some(t), tz] = args else { unreachable!("bound by the signature") };
    let tz = zone_argument(vm, tz.as_ref())?;
    let (seconds, micros) = timestamp(vm, t)?;
    at(vm, class, seconds, micros, tz.as_ref(), true)
}

/// `datetime.utcfromtimestamp`
pub fn utc_from_timestamp(vm: &mut Vm, class: &Value, t: &Value) -> PyResult {
    let text = "datetime.datetime.utcfromtimestamp() is deprecated and scheduled for removal in a future version. Use \
                timezone-aware objects to represent datetimes in UTC: datetime.datetime.fromtimestamp(timestamp, \
                datetime.UTC).";
    vm.warn(&DEPRECATION_WARNING, text, 1)?;
    let (seconds, micros) = timestamp(vm, t)?;
    at(vm, class, seconds, micros, None, false)
}

/// `datetime.combine`
pub fn combine(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(class), Some(date), Some(time), tz] = args else { unreachable!("bound by the signature") };
    let wrong = |vm: &mut Vm, n: usize, kind: &str, v: &Value| {
        let name = v.class().payload.name();
        let name = if v.is_none() { "None".into() } else { name };
        Err(vm.type_error(format!("combine() argument {n} must be datetime.{kind}, not {name}")))
    };
    let Some(d) = date.downcast::<Moment>().map(|m| m.get(vm).date) else { return wrong(vm, 1, "date", date) };
    let Some(t) = clock::read(vm, time) else { return wrong(vm, 2, "time", time) };
    let tz = match tz {
        Some(v) => zone_argument(vm, Some(v))?,
        None => t.tz,
    };
    moment::of_class(vm, class, Moment { date: d, clock: t.clock, fold: t.fold, tz })
}

/// `datetime.fromisoformat`
pub fn from_iso(vm: &mut Vm, class: &Value, v: &Value) -> PyResult {
    let points = text::iso_argument(vm, v)?;
    // The separator may be any character; elsewhere only ASCII is meant.
    let bytes: Vec<u8> = points.iter().map(|&c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(0)).collect();
    let Some((d, time)) = calendar::parse_iso_datetime(&bytes) else { return Err(text::bad_iso(vm, v)) };
    let mut date = super::checked_date(vm, d.year, d.month.into(), d.day.into())?;
    let (mut clock, mut tz) = (Clock::default(), None);
    if let Some(t) = time {
        let (read, next_day) = clock::of_iso(vm, t)?;
        clock = read;
        tz = text::zone_of_offset(vm, t.offset)?;
        if next_day {
            if date.to_ordinal() == calendar::MAX_ORDINAL {
                return Err(vm.value_error("year must be in 1..9999, not 10000"));
            }
            date = Date::from_ordinal(date.to_ordinal() + 1);
        }
    }
    moment::of_class(vm, class, Moment { date, clock, fold: 0, tz })
}

/// The system's zone at a moment, as a `timezone`.
fn local_zone(vm: &mut Vm, seconds: i64) -> PyResult {
    match host::timing::calendar(seconds, true) {
        Ok(c) => {
            let offset = delta::of_micros(vm, i128::from(c.tm.tm_gmtoff) * 1_000_000)?;
            zone::make(vm, &offset, Some(Str::from_rust(&c.zone)))
        }
        Err(e) => Err(vm.os_error(e)),
    }
}

/// `datetime.astimezone`
pub fn astimezone(vm: &mut Vm, args: &[Option<Value>]) -> PyResult {
    let [Some(me), tz] = args else { unreachable!("bound by the signature") };
    let target = match tz {
        Some(v) if !v.is_none() && !is_a(v, &super::TZINFO) => {
            let name = v.class().payload.name();
            return Err(
                vm.type_error(format!("tzinfo argument must be None or of a tzinfo subclass, not type '{name}'"))
            );
        }
        v => v.clone().filter(|v| !v.is_none()),
    };
    let m = this(me).get(vm).clone();
    if let (Some(own), Some(target)) = (&m.tz, &target) {
        if own.is(target) {
            return Ok(me.clone());
        }
    }
    let asked = moment::ask(vm, me, "utcoffset")?;
    let offset = match asked {
        Some(d) => d.total(),
        None => {
            let t = m.micros().div_euclid(1_000_000) - EPOCH;
            let (seconds, other) = (seconds_of_local(vm, t, m.fold)?, seconds_of_local(vm, t, 1 - m.fold)?);
            // In a gap the fold says which side's offset is meant, the other way round than for a time shown twice.
            let gap = other != seconds && (other > seconds) == (m.fold == 1);
            let seconds = if gap { other } else { seconds };
            let zone = local_zone(vm, seconds)?;
            zone::ask(vm, Some(&zone), "utcoffset", &taipan_runtime::object::none())?.map_or(0, Delta::total)
        }
    };
    let shift = delta::of_micros(vm, -offset)?;
    let naive = vm.binary(BinOp::Add, me, &shift)?;
    let target = match target {
        Some(t) => t,
        None => {
            let utc = this(&naive).get(vm).micros();
            local_zone(vm, utc.div_euclid(1_000_000) - EPOCH)?
        }
    };
    if let Some(p) = naive.downcast::<Moment>() {
        p.get_mut(vm).tz = Some(target.clone());
    }
    vm.call_method(&target, "fromutc", &[naive])
}
