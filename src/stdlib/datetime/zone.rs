//! `tzinfo`, which programs subclass, and `timezone`, a fixed offset from UTC. Also the calls into a `tzinfo` that all
//! aware objects make, with checks of what comes back.

use super::delta::{self, Delta};
use super::{DATETIME, Moment, is_a, type_name};
use taipan_runtime::builtins::global::Global;
use taipan_runtime::object::typedef::CmpOp;
use taipan_runtime::object::value::Frozen;
use taipan_runtime::object::{
    MethodDef, NativeFn::*, Py, PyResult, Raised, Slots, Type, TypeDef, TypeFlags, Value, boolean, instance, none,
    not_implemented,
};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};
use taipan_runtime::vm::ops::BinOp;

/// Payload of `tzinfo` (empty) and of `timezone`.
pub struct Zone {
    /// A `timezone`'s offset from UTC, a timedelta.
    offset: Option<Value>,
    /// A `timezone`'s name, if it was given one.
    name: Option<Py<Str>>,
}
impl Frozen for Zone {}
taipan_runtime::payload!(Zone, TZINFO,
    traverse(self, visit) {
        self.offset.iter().for_each(&mut *visit);
        self.name.iter().for_each(|n| visit(n.as_value()));
    },
    clear(self) {});

const STRICTLY: &str = "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24)";

/// `tzinfo`
pub static TZINFO: TypeDef = TypeDef::new::<Zone>("datetime.tzinfo")
    .doc("Abstract base class for time zone info objects.")
    .flags(TypeFlags::BASETYPE)
    .cpython_size(16, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(instance::new_of(class, Zone { offset: None, name: None }).into())),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "tzname",
            "($self, object, /)",
            "datetime -> string name of time zone.",
            F2(|vm, _, _| Err(vm.not_implemented_error("a tzinfo subclass must implement tzname()"))),
        ),
        MethodDef::method(
            "utcoffset",
            "($self, object, /)",
            "datetime -> timedelta showing offset from UTC, negative values indicating West of UTC",
            F2(|vm, _, _| Err(vm.not_implemented_error("a tzinfo subclass must implement utcoffset()"))),
        ),
        MethodDef::method(
            "dst",
            "($self, object, /)",
            "datetime -> DST offset as timedelta positive east of UTC.",
            F2(|vm, _, _| Err(vm.not_implemented_error("a tzinfo subclass must implement dst()"))),
        ),
        MethodDef::method("fromutc", "($self, object, /)", "datetime in UTC -> datetime in local time.", F2(from_utc)),
        MethodDef::method("__reduce__", "($self, /)", "-> (cls, state)", F1(reduce)),
    ]);

/// `timezone`
pub static TIMEZONE: TypeDef = TypeDef::new::<Zone>("datetime.timezone")
    .doc("Fixed offset from UTC implementation of tzinfo.")
    .base(&TZINFO)
    .cpython_size(32, 0)
    .slots(Slots {
        new: Some(new_timezone),
        repr: Some(repr),
        str: Some(name_of),
        hash: Some(|vm, me| vm.hash(&offset_of(me))),
        richcmp: Some(|_, a, b, op| {
            if !is_a(b, &TIMEZONE) || !matches!(op, CmpOp::Eq | CmpOp::Ne) {
                return Ok(not_implemented());
            }
            let equal = delta::read(&offset_of(a)) == delta::read(&offset_of(b));
            Ok(boolean(equal == (op == CmpOp::Eq)))
        }),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "tzname",
            "($self, object, /)",
            "If name is specified when timezone is created, returns the name.",
            F2(|vm, me, dt| {
                datetime_or_none(vm, dt, "tzname")?;
                name_of(vm, me)
            }),
        ),
        MethodDef::method(
            "utcoffset",
            "($self, object, /)",
            "Return fixed offset.",
            F2(|vm, me, dt| {
                datetime_or_none(vm, dt, "utcoffset")?;
                Ok(offset_of(me))
            }),
        ),
        MethodDef::method(
            "dst",
            "($self, object, /)",
            "Return None.",
            F2(|vm, _, dt| {
                datetime_or_none(vm, dt, "dst")?;
                Ok(none())
            }),
        ),
        MethodDef::method(
            "fromutc",
            "($self, object, /)",
            "datetime in UTC -> datetime in local time.",
            F2(|vm, me, dt| {
                own_datetime(vm, me, dt)?;
                vm.binary(BinOp::Add, dt, &offset_of(me))
            }),
        ),
        MethodDef::method(
            "__getinitargs__",
            "($self, /)",
            "pickle support",
            F1(|_, me| {
                let zone = this(me);
                let mut args = vec![offset_of(me)];
                args.extend(zone.name.iter().map(|n| n.clone().into()));
                Ok(Tuple::from_vec(args).into())
            }),
        ),
    ]);

fn this(me: &Value) -> &Py<Zone> {
    me.downcast::<Zone>().expect("a method of tzinfo is called on one")
}

fn offset_of(me: &Value) -> Value {
    this(me).offset.clone().expect("a timezone has an offset")
}

/// A `timezone`; the offset is in range.
pub fn fixed(offset: Value, name: Option<Py<Str>>) -> Value {
    instance::new_of(&TIMEZONE.class(), Zone { offset: Some(offset), name }).into()
}

/// `timezone.utc`
pub fn utc() -> Value {
    static UTC: Global = Global::new();
    UTC.get().unwrap_or_else(|| {
        let zone = fixed(delta::new(Delta { days: 0, seconds: 0, micros: 0 }), None);
        drop(UTC.set(Some(zone.clone())));
        zone
    })
}

/// A `timezone` of an offset, `timezone.utc` where that is meant.
pub fn make(vm: &mut Vm, offset: &Value, name: Option<Py<Str>>) -> PyResult {
    let Some(d) = delta::read(offset) else { return Err(vm.type_error("offset must be a timedelta")) };
    if name.is_none() && d.total() == 0 {
        return Ok(utc());
    }
    if !in_range(d) {
        let shown = vm.repr(offset)?;
        return Err(vm.value_error(format!("{STRICTLY}, not {}", shown.to_rust())));
    }
    Ok(fixed(offset.clone(), name))
}

fn in_range(d: Delta) -> bool {
    d.total().abs() < 86_400_000_000
}

fn new_timezone(vm: &mut Vm, _: &Py<Type>, args: &Args<'_>) -> PyResult {
    static SIGNATURE: Signature = Signature::new("timezone", "(offset, name=0)");
    let bound = args.bind(vm, &SIGNATURE)?;
    let offset = bound[0].as_ref().expect("required");
    if !delta::is_delta(offset) {
        let name = offset.class().payload.name();
        return Err(vm.type_error(format!("timezone() argument 1 must be datetime.timedelta, not {name}")));
    }
    let name = match &bound[1] {
        None => None,
        Some(v) => match v.downcast::<Str>() {
            Some(s) => Some(s.clone()),
            None => {
                let name = v.class().payload.name();
                let name = if v.is_none() { "None".into() } else { name };
                return Err(vm.type_error(format!("timezone() argument 2 must be str, not {name}")));
            }
        },
    };
    make(vm, offset, name)
}

fn repr(vm: &mut Vm, me: &Value) -> PyResult {
    if me.is(&utc()) {
        return Ok(vm.new_str("datetime.timezone.utc"));
    }
    let name = type_name(me);
    let offset = vm.repr(&offset_of(me))?;
    let text = match this(me).name.clone() {
        Some(n) => {
            let n = vm.repr(n.as_value())?;
            format!("{name}({}, {})", offset.to_rust(), n.to_rust())
        }
        None => format!("{name}({})", offset.to_rust()),
    };
    Ok(vm.new_str(&text))
}

fn name_of(vm: &mut Vm, me: &Value) -> PyResult {
    if let Some(n) = &this(me).name {
        return Ok(n.clone().into());
    }
    let total = delta::read(&offset_of(me)).map_or(0, Delta::total) as i64;
    if me.is(&utc()) || total == 0 {
        return Ok(vm.new_str("UTC"));
    }
    Ok(vm.new_str(&format!("UTC{}", super::text::offset_text(total, ":"))))
}

fn datetime_or_none(vm: &mut Vm, dt: &Value, method: &str) -> PyResult<()> {
    if dt.is_none() || is_a(dt, &DATETIME) {
        return Ok(());
    }
    let name = type_name(dt);
    Err(vm.type_error(format!("{method}(dt) argument must be a datetime instance or None, not {name}")))
}

fn own_datetime(vm: &mut Vm, me: &Value, dt: &Value) -> PyResult<()> {
    if !is_a(dt, &DATETIME) {
        return Err(vm.type_error("fromutc: argument must be a datetime"));
    }
    let tz = dt.downcast::<Moment>().and_then(|m| m.get(vm).tz.clone());
    if tz.is_some_and(|tz| tz.is(me)) { Ok(()) } else { Err(vm.value_error("fromutc: dt.tzinfo is not self")) }
}

/// `tzinfo.fromutc`: the standard offset first, then the daylight saving time that holds there.
fn from_utc(vm: &mut Vm, me: &Value, dt: &Value) -> PyResult {
    own_datetime(vm, me, dt)?;
    let asked = |vm: &mut Vm, dt: &Value, method: &str| -> PyResult<Option<Delta>> {
        let v = vm.call_method(dt, method, &[])?;
        Ok(delta::read(&v))
    };
    let Some(offset) = asked(vm, dt, "utcoffset")? else {
        return Err(vm.value_error("fromutc: non-None utcoffset() result required"));
    };
    let Some(dst) = asked(vm, dt, "dst")? else {
        return Err(vm.value_error("fromutc: non-None dst() result required"));
    };
    let standard = delta::of_micros(vm, offset.total() - dst.total())?;
    let result = vm.binary(BinOp::Add, dt, &standard)?;
    match asked(vm, &result, "dst")? {
        Some(dst) => vm.binary(BinOp::Add, &result, &delta::new(dst)),
        None => Err(vm.value_error("fromutc: tz.dst() gave inconsistent results; cannot convert")),
    }
}

fn reduce(vm: &mut Vm, me: &Value) -> PyResult {
    let name = vm.intern("__getinitargs__");
    let args = match vm.get_attr_opt(me, &name)? {
        Some(f) => vm.call0(&f)?,
        None => Tuple::empty().into(),
    };
    let state = vm.call_method(me, "__getstate__", &[])?;
    let class: Value = Py::of(me.class()).into();
    Ok(Tuple::of([class, args, state]).into())
}

// ---- asking a tzinfo ------------------------------------------------------------------------------------------------

/// `tz.utcoffset(dt)` or `tz.dst(dt)`: a timedelta, or nothing.
pub fn ask(vm: &mut Vm, tz: Option<&Value>, method: &str, dt: &Value) -> PyResult<Option<Delta>> {
    let Some(tz) = tz else { return Ok(None) };
    if std::ptr::eq(tz.class(), TIMEZONE.object()) && (dt.is_none() || is_a(dt, &DATETIME)) {
        return Ok(if method == "dst" { None } else { delta::read(&offset_of(tz)) });
    }
    let answer = vm.call_method(tz, method, std::slice::from_ref(dt))?;
    if answer.is_none() {
        return Ok(None);
    }
    match delta::read(&answer) {
        Some(d) if in_range(d) => Ok(Some(d)),
        Some(_) => {
            let shown = vm.repr(&answer)?;
            Err(vm.value_error(format!("{STRICTLY}, not {}", shown.to_rust())))
        }
        None => Err(wrong_answer(vm, method, "None or timedelta", &answer)),
    }
}

#[cold]
fn wrong_answer(vm: &mut Vm, method: &str, wanted: &str, answer: &Value) -> Raised {
    let name = type_name(answer);
    vm.type_error(format!("tzinfo.{method}() must return {wanted}, not '{name}'"))
}

/// `tz.tzname(dt)`: a str or `None`.
pub fn ask_name(vm: &mut Vm, tz: Option<&Value>, dt: &Value) -> PyResult {
    let Some(tz) = tz else { return Ok(none()) };
    let answer = vm.call_method(tz, "tzname", std::slice::from_ref(dt))?;
    if answer.is_none() || answer.downcast::<Str>().is_some() {
        return Ok(answer);
    }
    Err(wrong_answer(vm, "tzname", "None or a string", &answer))
}

/// An offset as the object that Python code gets.
pub fn or_none(d: Option<Delta>) -> Value {
    d.map_or_else(none, delta::new)
}
