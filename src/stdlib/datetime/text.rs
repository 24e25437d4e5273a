//! Dates and times as text: ISO 8601, offsets, and `strftime` with what the C library does not know.

use super::Clock;
use super::zone;
use taipan_base::calendar::Date;
use taipan_base::text::Builder;
use taipan_runtime::object::{PyResult, Value, none};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

/// `+HH:MM[:SS[.ffffff]]` of an offset in microseconds.
pub fn offset_text(micros: i64, separator: &str) -> String {
    let sign = if micros < 0 { '-' } else { '+' };
    let c = Clock::of_micros(micros.abs());
    let mut out = format!("{sign}{:02}{separator}{:02}", c.hour, c.minute);
    if c.second != 0 || c.micro != 0 {
        out += &format!("{separator}{:02}", c.second);
    }
    if c.micro != 0 {
        out += &format!(".{:06}", c.micro);
    }
    out
}

/// `YYYY-MM-DD`
pub fn iso_date(d: Date) -> String {
    format!("{:04}-{:02}-{:02}", d.year, d.month, d.day)
}

/// A time as far as `timespec` says; `None` for one that is unknown.
pub fn iso_clock(c: Clock, timespec: &str) -> Option<String> {
    let (h, m, s, us) = (c.hour, c.minute, c.second, c.micro);
    Some(match timespec {
        "auto" if us == 0 => format!("{h:02}:{m:02}:{s:02}"),
        "auto" | "microseconds" => format!("{h:02}:{m:02}:{s:02}.{us:06}"),
        "hours" => format!("{h:02}"),
        "minutes" => format!("{h:02}:{m:02}"),
        "seconds" => format!("{h:02}:{m:02}:{s:02}"),
        "milliseconds" => format!("{h:02}:{m:02}:{s:02}.{:03}", us / 1000),
        _ => return None,
    })
}

/// The offset of a zone as ISO 8601 writes it; empty for a naive object.
pub fn zone_text(vm: &mut Vm, tz: Option<&Value>, dt: &Value, separator: &str) -> PyResult<String> {
    let offset = zone::ask(vm, tz, "utcoffset", dt)?;
    Ok(offset.map_or_else(String::new, |d| offset_text(d.total() as i64, separator)))
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `ctime()`
pub fn ctime(d: Date, c: Clock) -> String {
    let (day, month) = (DAYS[usize::from(d.weekday())], MONTHS[usize::from(d.month) - 1]);
    format!("{day} {month} {:2} {:02}:{:02}:{:02} {:04}", d.day, c.hour, c.minute, c.second, d.year)
}

/// What `strftime` needs to know of an object.
pub struct Source {
    /// Its zone.
    pub tz: Option<Value>,
    /// What is passed to the zone: the object, or `None` for a time.
    pub argument: Value,
    /// Its microseconds.
    pub micro: u32,
    /// Its year; absent for a time.
    pub date: Option<Date>,
}

/// `strftime`: `%f`, `%z`, `%:z` and `%Z` are written here, years get four digits, the rest is `time.strftime`'s.
pub fn strftime(vm: &mut Vm, source: &Source, format: &Str, tuple: &Value) -> PyResult {
    let f: Vec<u32> = format.code_points().collect();
    let mut out = Builder::new();
    let mut i = 0;
    let percent = u32::from(b'%');
    while i < f.len() {
        if f[i] != percent || i + 1 == f.len() {
            out.push(f[i]);
            i += 1;
            continue;
        }
        let colon = f[i + 1] == u32::from(b':') && f.get(i + 2) == Some(&u32::from(b'z'));
        let letter = u8::try_from(f[i + 1]).unwrap_or(0);
        i += if colon { 3 } else { 2 };
        match letter {
            _ if colon => out.push_str(&zone_text(vm, source.tz.as_ref(), &source.argument, ":")?),
            b'z' => out.push_str(&zone_text(vm, source.tz.as_ref(), &source.argument, "")?),
            b'Z' => push_zone_name(vm, source, &mut out)?,
            b'f' => out.push_str(&format!("{:06}", source.micro)),
            b'Y' | b'G' | b'F' | b'C' if source.date.is_some_and(|d| d.year < 1000) => {
                push_year(source.date, letter, &mut out);
            }
            _ => {
                out.push(percent);
                out.push(f[i - 1]);
            }
        }
    }
    let function = vm.import_attr("time", "strftime")?;
    vm.call(&function, &[Str::from_text(&out.finish()).into(), tuple.clone()])
}

fn push_zone_name(vm: &mut Vm, source: &Source, out: &mut Builder) -> PyResult<()> {
    let name = zone::ask_name(vm, source.tz.as_ref(), &source.argument)?;
    if name.is_none() {
        return Ok(());
    }
    // As a subclass of str may have a replace() of its own, it is called.
    let (one, two) = (vm.new_str("%"), vm.new_str("%%"));
    let escaped = vm.call_method(&name, "replace", &[one, two])?;
    if let Some(s) = escaped.downcast::<Str>() {
        out.extend(s.code_points());
        return Ok(());
    }
    Err(vm.type_error("tzname.replace() did not return a string"))
}

/// A year with leading zeros, which the C library leaves out.
fn push_year(date: Option<Date>, letter: u8, out: &mut Builder) {
    let Some(d) = date else { return };
    match letter {
        b'Y' => out.push_str(&format!("{:04}", d.year)),
        b'G' => out.push_str(&format!("{:04}", d.iso_calendar().0)),
        b'F' => out.push_str(&iso_date(d)),
        _ => out.push_str(&format!("{:02}", d.year / 100)),
    }
}

/// A `time.struct_time`.
pub fn struct_time(vm: &mut Vm, d: Date, c: Clock, dst: i32) -> PyResult {
    let class = vm.import_attr("time", "struct_time")?;
    let day_of_year = taipan_base::calendar::days_before_month(d.year, d.month) + i32::from(d.day);
    let fields = [
        d.year,
        d.month.into(),
        d.day.into(),
        c.hour.into(),
        c.minute.into(),
        c.second.into(),
        d.weekday().into(),
        day_of_year,
        dst,
    ];
    let fields = fields.map(|n| Value::small_unchecked(n.into())).to_vec();
    vm.call1(&class, Tuple::from_vec(fields).as_value())
}

/// `obj.__format__(spec)`: `str(obj)`, or `strftime(spec)`.
pub fn format(vm: &mut Vm, me: &Value, spec: &Value) -> PyResult {
    let Some(s) = spec.downcast::<Str>() else {
        let name = spec.class().payload.name();
        return Err(vm.type_error(format!("__format__() argument 1 must be str, not {name}")));
    };
    if s.len() == 0 {
        return vm.str(me).map(Into::into);
    }
    vm.call_method(me, "strftime", std::slice::from_ref(spec))
}

/// The only argument of a `fromisoformat`.
pub fn iso_argument(vm: &mut Vm, v: &Value) -> PyResult<Vec<u32>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s.code_points().collect()),
        None => Err(vm.type_error("fromisoformat: argument must be str")),
    }
}

/// `Invalid isoformat string: …`
#[cold]
pub fn bad_iso(vm: &mut Vm, v: &Value) -> taipan_runtime::object::Raised {
    match vm.repr(v) {
        Ok(shown) => vm.value_error(format!("Invalid isoformat string: {}", shown.to_rust())),
        Err(r) => r,
    }
}

/// The method of `_strptime` that makes an object of a class.
pub fn strptime(vm: &mut Vm, class: &Value, text: &Value, format: &Value, method: &str) -> PyResult {
    for v in [text, format] {
        if v.downcast::<Str>().is_none() {
            let name = v.class().payload.name();
            let n = if std::ptr::eq(v, text) { 1 } else { 2 };
            return Err(vm.type_error(format!("strptime() argument {n} must be str, not {name}")));
        }
    }
    let function = vm.import_attr("_strptime", method)?;
    vm.call(&function, &[class.clone(), text.clone(), format.clone()])
}

/// The zone of an ISO offset in microseconds.
pub fn zone_of_offset(vm: &mut Vm, offset: Option<(i32, i32)>) -> PyResult<Option<Value>> {
    let Some((seconds, micros)) = offset else { return Ok(None) };
    let d = super::delta::of_micros(vm, i128::from(seconds) * 1_000_000 + i128::from(micros))?;
    zone::make(vm, &d, None).map(Some)
}

/// `None` for a missing zone.
pub fn zone_or_none(tz: Option<Value>) -> Value {
    tz.unwrap_or_else(none)
}
