//! `time` (`Modules/timemodule.c`): clocks, sleeping, and calendar time.

pub mod calendar;

use crate::system::{Rounding, int, nanoseconds};
use taipan_runtime::builtins::sys::audit::audit;
use taipan_runtime::host::{self, timing};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Value, boolean, none};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::namespace;
use taipan_runtime::vm::Vm;

const BILLION: i64 = 1_000_000_000;

macro_rules! clocks {
    ($($name:literal $nanos:literal $clock:expr, $doc:literal;)*) => {
        &[
            $(
                MethodDef::function($name, "($module, /)", concat!($doc, ", in seconds."),
                    F0(|vm| read(vm, $clock).map(|n| Float::new(seconds(n))))),
                MethodDef::function($nanos, "($module, /)", concat!($doc, ", in nanoseconds."),
                    F0(|vm| read(vm, $clock).map(int))),
            )*
        ]
    };
}

static CLOCKS: &[MethodDef] = clocks! {
    "time" "time_ns" libc::CLOCK_REALTIME, "The time since the epoch";
    "monotonic" "monotonic_ns" libc::CLOCK_MONOTONIC, "A clock that never goes backwards";
    "perf_counter" "perf_counter_ns" libc::CLOCK_MONOTONIC, "The clock with the highest resolution";
    "process_time" "process_time_ns" libc::CLOCK_PROCESS_CPUTIME_ID, "Processor time of the process";
    "thread_time" "thread_time_ns" libc::CLOCK_THREAD_CPUTIME_ID, "Processor time of the thread";
};

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("time")
    .doc("Clocks, sleeping, and calendar time.")
    .functions(&[
        MethodDef::function("sleep", "($module, seconds, /)", "Wait for a number of seconds.", F1(sleep)),
        MethodDef::function("get_clock_info", "($module, name, /)", "Facts about a named clock.", F1(get_clock_info)),
        MethodDef::function(
            "clock_gettime",
            "($module, clk_id, /)",
            "The time of a clock, in seconds.",
            F1(|vm, id| clock_of(vm, id).map(|n| Float::new(seconds(n)))),
        ),
        MethodDef::function(
            "clock_gettime_ns",
            "($module, clk_id, /)",
            "The time of a clock, in nanoseconds.",
            F1(|vm, id| clock_of(vm, id).map(int)),
        ),
        MethodDef::function(
            "clock_settime",
            "($module, clk_id, time, /)",
            "Set a clock, in seconds.",
            F2(|vm, id, t| {
                let n = nanoseconds(vm, t, Rounding::Floor)?;
                set_clock(vm, id, n)
            }),
        ),
        MethodDef::function(
            "clock_settime_ns",
            "($module, clk_id, time, /)",
            "Set a clock, in nanoseconds.",
            F2(|vm, id, t| {
                let n = vm.to_i64(t)?;
                set_clock(vm, id, n)
            }),
        ),
        MethodDef::function(
            "clock_getres",
            "($module, clk_id, /)",
            "The resolution of a clock.",
            F1(|vm, id| {
                let id = vm.to_i32(id)?;
                match timing::resolution(id) {
                    Ok(n) => Ok(Float::new(seconds(n))),
                    Err(e) => Err(vm.os_error(e)),
                }
            }),
        ),
        MethodDef::function(
            "pthread_getcpuclockid",
            "($module, thread_id, /)",
            "The clock of a thread's processor time.",
            F1(|vm, id| {
                let id = vm.to_i64(id)?;
                timing::thread_clock(id as u64).map(int).map_err(|e| vm.os_error(e))
            }),
        ),
        MethodDef::function("gmtime", "($module, seconds=None, /)", "A time as UTC.", N(calendar::gmtime)),
        MethodDef::function("localtime", "($module, seconds=None, /)", "A time as local time.", N(calendar::localtime)),
        MethodDef::function("asctime", "($module, time_tuple=None, /)", "A time tuple as text.", N(calendar::asctime)),
        MethodDef::function("ctime", "($module, seconds=None, /)", "A local time as text.", N(calendar::ctime)),
        MethodDef::function(
            "mktime",
            "($module, time_tuple, /)",
            "Seconds of a local time tuple.",
            F1(calendar::mktime),
        ),
        MethodDef::function(
            "strftime",
            "($module, format, time_tuple=None, /)",
            "A time tuple as text of a format.",
            N(calendar::strftime),
        ),
        MethodDef::function(
            "strptime",
            "($module, data_string, format='%a %b %d %H:%M:%S %Y', /)",
            "A time tuple from text of a format.",
            V(|vm, args| {
                let f = vm.import_attr("_strptime", "_strptime_time")?;
                vm.call_args(&f, args)
            }),
        ),
        MethodDef::function(
            "tzset",
            "($module, /)",
            "Take over the time zone of the environment.",
            F0(calendar::tzset),
        ),
    ])
    .init(init);

static NUMBERS: &[(&str, i64)] = &[
    ("CLOCK_REALTIME", libc::CLOCK_REALTIME as i64),
    ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC as i64),
    ("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW as i64),
    ("CLOCK_PROCESS_CPUTIME_ID", libc::CLOCK_PROCESS_CPUTIME_ID as i64),
    ("CLOCK_THREAD_CPUTIME_ID", libc::CLOCK_THREAD_CPUTIME_ID as i64),
    ("CLOCK_BOOTTIME", libc::CLOCK_BOOTTIME as i64),
    ("CLOCK_TAI", libc::CLOCK_TAI as i64),
    ("_STRUCT_TM_ITEMS", 11),
];

fn init(vm: &mut Vm, module: &Py<Dict>) -> PyResult<()> {
    let name = vm.intern("time");
    for row in CLOCKS {
        module.store_text(row.name, taipan_runtime::types::method::BuiltinFunction::of_module(row, &name));
    }
    crate::system::store_numbers(module, NUMBERS);
    let class = calendar::STRUCT_TIME.class(vm)?;
    module.store_text("struct_time", class);
    calendar::store_zone(vm, module);
    Ok(())
}

fn read(vm: &mut Vm, clock: i32) -> PyResult<i64> {
    host::clock(clock).map_err(|e| vm.os_error(e))
}

fn seconds(nanos: i64) -> f64 {
    if nanos % BILLION == 0 { (nanos / BILLION) as f64 } else { nanos as f64 / 1e9 }
}

fn clock_of(vm: &mut Vm, id: &Value) -> PyResult<i64> {
    let id = vm.to_i32(id)?;
    read(vm, id)
}

fn set_clock(vm: &mut Vm, id: &Value, nanos: i64) -> PyResult {
    let id = vm.to_i32(id)?;
    match timing::set_clock(id, nanos) {
        Ok(()) => Ok(none()),
        Err(e) => Err(vm.os_error(e)),
    }
}

fn sleep(vm: &mut Vm, v: &Value) -> PyResult {
    audit(vm, "time.sleep", std::slice::from_ref(v))?;
    let n = nanoseconds(vm, v, Rounding::Away)?;
    if n < 0 {
        return Err(vm.value_error("sleep length must be non-negative"));
    }
    let deadline = crate::system::monotonic().saturating_add(n);
    crate::system::blocking_or_raise(vm, || timing::sleep_until(deadline))?;
    Ok(none())
}

fn get_clock_info(vm: &mut Vm, v: &Value) -> PyResult {
    let name = vm.expect_str(v, "get_clock_info() argument 1")?.to_rust().into_owned();
    let (id, source, monotonic, adjustable) = match name.as_str() {
        "time" => (libc::CLOCK_REALTIME, "clock_gettime(CLOCK_REALTIME)", false, true),
        "monotonic" | "perf_counter" => (libc::CLOCK_MONOTONIC, "clock_gettime(CLOCK_MONOTONIC)", true, false),
        "process_time" => (libc::CLOCK_PROCESS_CPUTIME_ID, "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)", true, false),
        "thread_time" => (libc::CLOCK_THREAD_CPUTIME_ID, "clock_gettime(CLOCK_THREAD_CPUTIME_ID)", true, false),
        _ => return Err(vm.value_error("unknown clock")),
    };
    let resolution = timing::resolution(id).unwrap_or(1);
    let implementation = vm.new_str(source);
    Ok(namespace::new_namespace(&[
        ("implementation", implementation),
        ("monotonic", boolean(monotonic)),
        ("adjustable", boolean(adjustable)),
        ("resolution", Float::new(resolution as f64 / 1e9)),
    ]))
}
