//! `_tracemalloc` (`Modules/_tracemalloc.c`): where living memory was allocated.
//!
//! The recording itself is `runtime::probe::sites`, shared with `taipan memory`; whole tracebacks are always recorded, the
//! limit given to `start` says how much of them is shown.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Value, boolean, none};
use taipan_runtime::probe::{sites, traces};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;

static TRACING: AtomicBool = AtomicBool::new(false);
/// Somebody else recorded already when tracing began: stopping must leave that on.
static SHARED: AtomicBool = AtomicBool::new(false);
static LIMIT: AtomicUsize = AtomicUsize::new(1);
const MOST_FRAMES: i64 = 65535;

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("_tracemalloc").doc("Debug module to trace memory blocks allocated by Python.").functions(&[
        MethodDef::function(
            "is_tracing",
            "($module, /)",
            "Return True if the tracemalloc module is tracing Python memory allocations.",
            F0(|_| Ok(boolean(TRACING.load(Relaxed)))),
        ),
        MethodDef::function("clear_traces", "($module, /)", "Clear traces of memory blocks.", F0(clear_traces)),
        MethodDef::function("_get_traces", "($module, /)", "Get traces of all memory blocks.", F0(get_traces)),
        MethodDef::function(
            "_get_object_traceback",
            "($module, obj, /)",
            "Get the traceback where the Python object obj was allocated.",
            F1(get_object_traceback),
        ),
        MethodDef::function("start", "($module, nframe=1, /)", "Start tracing Python memory allocations.", N(start)),
        MethodDef::function("stop", "($module, /)", "Stop tracing Python memory allocations.", F0(stop)),
        MethodDef::function(
            "get_traceback_limit",
            "($module, /)",
            "Get the maximum number of frames stored in the traceback of a trace.",
            F0(|_| Ok(Value::from_usize(LIMIT.load(Relaxed)))),
        ),
        MethodDef::function(
            "get_tracemalloc_memory",
            "($module, /)",
            "Get the memory usage in bytes of the tracemalloc module.",
            F0(|vm| Ok(Value::from_usize(sites::table_bytes(vm)))),
        ),
        MethodDef::function(
            "get_traced_memory",
            "($module, /)",
            "Get the current size and peak size of memory blocks traced by tracemalloc.",
            F0(get_traced_memory),
        ),
        MethodDef::function(
            "reset_peak",
            "($module, /)",
            "Set the peak size of memory blocks traced by tracemalloc to the current size.",
            F0(reset_peak),
        ),
    ]);

fn start(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let limit = match a.first() {
        Some(Some(v)) => vm.to_i32(v)? as i64,
        _ => 1,
    };
    begin(vm, limit)?;
    Ok(none())
}

/// Begins to trace, showing at most `limit` frames of a traceback; ValueError when that is not in range.
pub fn begin(vm: &mut Vm, limit: i64) -> PyResult<()> {
    if !(1..=MOST_FRAMES).contains(&limit) {
        return Err(vm.value_error(format!("the number of frames must be in range [1; {MOST_FRAMES}]")));
    }
    if !TRACING.swap(true, Relaxed) {
        LIMIT.store(limit as usize, Relaxed);
        SHARED.store(sites::is_on(vm), Relaxed);
        sites::start(vm);
    }
    Ok(())
}

fn stop(vm: &mut Vm) -> PyResult {
    if TRACING.swap(false, Relaxed) && !SHARED.load(Relaxed) {
        sites::stop(vm);
    }
    Ok(none())
}

fn clear_traces(vm: &mut Vm) -> PyResult {
    if TRACING.load(Relaxed) {
        sites::clear(vm);
    }
    Ok(none())
}

fn reset_peak(vm: &mut Vm) -> PyResult {
    if TRACING.load(Relaxed) {
        sites::reset_peak(vm);
    }
    Ok(none())
}

fn get_traced_memory(vm: &mut Vm) -> PyResult {
    let (now, peak) = if TRACING.load(Relaxed) { sites::totals(vm) } else { Default::default() };
    Ok(Tuple::from_vec(vec![Value::from_usize(now.bytes), Value::from_usize(peak.bytes)]).into())
}

/// The traceback of a site as `_tracemalloc` gives it: `(file, line)` pairs, innermost first.
fn traceback(vm: &Vm, site: u32) -> Value {
    shown(&sites::traceback(vm, site, LIMIT.load(Relaxed)))
}

fn shown(places: &[sites::Place]) -> Value {
    let pair = |file: &str, line: u32| -> Value {
        let file = taipan_runtime::types::str::intern::intern_str(file);
        Tuple::from_vec(vec![file.into(), Value::from_usize(line as usize)]).into()
    };
    if places.is_empty() {
        return Tuple::from_vec(vec![pair("<unknown>", 0)]).into();
    }
    Tuple::from_vec(places.iter().map(|p| pair(&p.file, p.line)).collect()).into()
}

fn get_traces(vm: &mut Vm) -> PyResult {
    if !TRACING.load(Relaxed) {
        return Ok(List::empty().into());
    }
    let live = traces::live(vm);
    let mut known: HashMap<u32, (Value, Value)> = HashMap::new();
    // Sites that differ further out than the limit have one traceback.
    let mut same: HashMap<Vec<(String, u32)>, Value> = HashMap::new();
    let mut out = Vec::with_capacity(live.len());
    for t in live {
        let (trace, frames) = known
            .entry(t.site)
            .or_insert_with(|| {
                let places = sites::traceback(vm, t.site, LIMIT.load(Relaxed));
                let key = places.iter().map(|p| (p.file.to_string(), p.line)).collect();
                let trace = same.entry(key).or_insert_with(|| shown(&places)).clone();
                (trace, Value::from_usize(sites::depth(vm, t.site).max(1)))
            })
            .clone();
        out.push(
            Tuple::from_vec(vec![Value::small_unchecked(0), Value::from_usize(t.size), trace, frames]).into_value(),
        );
    }
    Ok(List::from_vec(out).into())
}

fn get_object_traceback(vm: &mut Vm, v: &Value) -> PyResult {
    if !TRACING.load(Relaxed) {
        return Ok(none());
    }
    match sites::site_of(vm, v) {
        0 => Ok(none()),
        site => Ok(traceback(vm, site)),
    }
}
