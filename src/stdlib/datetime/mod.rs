//! `_datetime` (`Modules/_datetimemodule.c`): dates, times, differences and time zones.
//!
//! A `date` and a `datetime` share one payload, [`Moment`], so that a datetime is a date for every function that takes
//! one; likewise `tzinfo` and `timezone` share [`zone::Zone`].

mod clock;
mod date;
mod delta;
mod moment;
mod moment_make;
mod text;
mod zone;

pub use clock::TIME;
pub use date::{DATE, ISO_CALENDAR_DATE};
pub use delta::DELTA;
pub use moment::DATETIME;
use taipan_base::calendar::{Date, MAX_YEAR, MIN_YEAR, days_in_month};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{Py, PyResult, TypeDef, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::typeobject::access::store;
use taipan_runtime::types::typeobject::is_subtype;
use taipan_runtime::vm::Vm;
pub use zone::{TIMEZONE, TZINFO};

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_datetime")
    .doc("Fast implementation of the datetime module.")
    .types(&[&DELTA, &DATE, &TZINFO, &TIME, &DATETIME, &TIMEZONE, &ISO_CALENDAR_DATE])
    .init(|vm, dict| {
        dict.remove_str(&vm.intern("IsoCalendarDate"));
        dict.store_text("MINYEAR", Value::small_unchecked(MIN_YEAR.into()));
        dict.store_text("MAXYEAR", Value::small_unchecked(MAX_YEAR.into()));
        let utc = zone::utc();
        dict.store_text("UTC", utc);
        constants(vm);
        Ok(())
    });

/// `min`, `max`, `resolution` and `utc` of the classes.
fn constants(vm: &mut Vm) {
    let (first, last) = (Date { year: 1, month: 1, day: 1 }, Date { year: 9999, month: 12, day: 31 });
    let end = Clock { hour: 23, minute: 59, second: 59, micro: 999_999 };
    let whole_day = delta::Delta { days: 1, seconds: 0, micros: 0 };
    let tick = delta::Delta { days: 0, seconds: 0, micros: 1 };
    let minute = |sign: i64| delta::new(delta::Delta::of_micros(i128::from(sign) * 86_340_000_000).expect("in range"));
    let rows: [(&'static TypeDef, &str, Value); 16] = [
        (&DELTA, "min", delta::new(delta::Delta { days: -999_999_999, seconds: 0, micros: 0 })),
        (&DELTA, "max", delta::new(delta::Delta { days: 999_999_999, seconds: 86_399, micros: 999_999 })),
        (&DELTA, "resolution", delta::new(tick)),
        (&DATE, "min", date::new(first)),
        (&DATE, "max", date::new(last)),
        (&DATE, "resolution", delta::new(whole_day)),
        (&TIME, "min", clock::new(clock::Time { clock: Clock::default(), fold: 0, tz: None })),
        (&TIME, "max", clock::new(clock::Time { clock: end, fold: 0, tz: None })),
        (&TIME, "resolution", delta::new(tick)),
        (&DATETIME, "min", moment::new(Moment { date: first, clock: Clock::default(), fold: 0, tz: None })),
        (&DATETIME, "max", moment::new(Moment { date: last, clock: end, fold: 0, tz: None })),
        (&DATETIME, "resolution", delta::new(tick)),
        (&TIMEZONE, "utc", zone::utc()),
        (&TIMEZONE, "min", zone::fixed(minute(-1), None)),
        (&TIMEZONE, "max", zone::fixed(minute(1), None)),
        (&DATETIME, "__doc__", vm.new_str(DATETIME.doc)),
    ];
    for (class, name, value) in rows {
        store(class.object(), &vm.intern(name), value);
    }
}

/// A time of day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999 999.
    pub micro: u32,
}

impl Clock {
    /// Seconds since midnight.
    fn seconds(self) -> i64 {
        (i64::from(self.hour) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second)
    }

    /// Microseconds since midnight.
    fn micros(self) -> i64 {
        self.seconds() * 1_000_000 + i64::from(self.micro)
    }

    /// The time so many microseconds (less than a day's) after midnight.
    fn of_micros(micros: i64) -> Clock {
        let (seconds, micro) = (micros / 1_000_000, micros % 1_000_000);
        Clock {
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            micro: micro as u32,
        }
    }

    /// The last six bytes of a pickled state, without the fold.
    fn state(self) -> [u8; 6] {
        let [_, high, middle, low] = self.micro.to_be_bytes();
        [self.hour, self.minute, self.second, high, middle, low]
    }

    fn of_state(s: &[u8]) -> Clock {
        let micro = u32::from_be_bytes([0, s[3], s[4], s[5]]);
        Clock { hour: s[0], minute: s[1], second: s[2], micro }
    }
}

/// Payload of `date` (whose time is midnight) and `datetime`.
#[derive(Clone)]
pub struct Moment {
    date: Date,
    clock: Clock,
    /// 1 for the second of two times that a clock shows twice.
    fold: u8,
    tz: Option<Value>,
}
taipan_runtime::payload!(Moment, DATE,
    traverse(self, visit) { self.tz.iter().for_each(visit) },
    clear(self) {});

const DAY_MICROS: i64 = 86_400_000_000;

impl Moment {
    /// Microseconds since the beginning of the year 1, by the clock.
    fn micros(&self) -> i64 {
        i64::from(self.date.to_ordinal() - 1) * DAY_MICROS + self.clock.micros()
    }

    /// Date and time of so many microseconds; `None` outside of the supported years.
    fn of_micros(micros: i64) -> Option<(Date, Clock)> {
        let (day, rest) = (micros.div_euclid(DAY_MICROS), micros.rem_euclid(DAY_MICROS));
        (0..3_652_059).contains(&day).then(|| (Date::from_ordinal(day as i32 + 1), Clock::of_micros(rest)))
    }
}

/// The moment that a method is called on.
fn this(me: &Value) -> &Py<Moment> {
    me.downcast::<Moment>().expect("a method of date is called on one")
}

/// Whether the value is an instance of a builtin class or of a subclass.
fn is_a(v: &Value, class: &'static TypeDef) -> bool {
    is_subtype(v.class(), class.object())
}

/// Whether its class is exactly this one.
fn is_exactly(v: &Value, class: &'static TypeDef) -> bool {
    std::ptr::eq(v.class(), class.object())
}

/// A C int argument.
fn int(vm: &mut Vm, v: &Option<Value>, default: i32) -> PyResult<i32> {
    match v {
        Some(v) => vm.to_i32(v),
        None => Ok(default),
    }
}

/// Year, month and day, if there is such a day.
fn checked_date(vm: &mut Vm, year: i32, month: i32, day: i32) -> PyResult<Date> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Err(vm.value_error(format!("year must be in 1..9999, not {year}")));
    }
    if !(1..=12).contains(&month) {
        return Err(vm.value_error(format!("month must be in 1..12, not {month}")));
    }
    let most = days_in_month(year, month as u8);
    if !(1..=i32::from(most)).contains(&day) {
        return Err(vm.value_error(format!("day {day} must be in range 1..{most} for month {month} in year {year}")));
    }
    Ok(Date { year, month: month as u8, day: day as u8 })
}

/// Hour, minute, second and microsecond with the fold, if there is such a time.
fn checked_clock(vm: &mut Vm, parts: [i32; 4], fold: i32) -> PyResult<Clock> {
    let limits = [("hour", 23), ("minute", 59), ("second", 59), ("microsecond", 999_999)];
    for (value, (name, most)) in parts.iter().zip(limits) {
        if !(0..=most).contains(value) {
            return Err(vm.value_error(format!("{name} must be in 0..{most}, not {value}")));
        }
    }
    if !(0..=1).contains(&fold) {
        return Err(vm.value_error(format!("fold must be either 0 or 1, not {fold}")));
    }
    let [hour, minute, second, micro] = parts;
    Ok(Clock { hour: hour as u8, minute: minute as u8, second: second as u8, micro: micro as u32 })
}

/// A `tzinfo` argument: `None` or an instance of `tzinfo`.
fn zone_argument(vm: &mut Vm, v: Option<&Value>) -> PyResult<Option<Value>> {
    match v {
        None => Ok(None),
        Some(v) if v.is_none() => Ok(None),
        Some(v) if is_a(v, &TZINFO) => Ok(Some(v.clone())),
        Some(v) => {
            let name = type_name(v);
            Err(vm.type_error(format!("tzinfo argument must be None or of a tzinfo subclass, not type '{name}'")))
        }
    }
}

/// The name that C code shows of a value's class: with the module for builtin classes.
fn type_name(v: &Value) -> String {
    let class = v.class();
    class.payload.def.get().map_or_else(|| class.payload.name().to_string(), |d| d.name.to_string())
}

/// The bytes of a pickled state: bytes, or the str that a pickle of Python 2 gives.
fn state_bytes(v: &Value, len: usize) -> Option<Vec<u8>> {
    if let Some(b) = v.downcast::<Bytes>() {
        return Some(b.as_slice().to_vec()).filter(|b| b.len() == len);
    }
    let s = v.downcast::<Str>().filter(|s| s.len() == len)?;
    s.code_points().map(|c| u8::try_from(c).ok()).collect()
}
