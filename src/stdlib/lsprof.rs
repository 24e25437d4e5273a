//! `_lsprof` (`Modules/_lsprof.c`): the profiler behind `cProfile`.
//!
//! Calls and returns come from native probes, without a Python call. Each function has an entry, each pair of caller and
//! callee a subentry; a stack of contexts beside the program's own tells inline time from that of calls.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;
use taipan_runtime::host;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{MethodDef, NativeFn, Py, PyResult, Slots, TypeDef, TypeFlags, Value, none};
use taipan_runtime::probe::native::{self, Answer, Event, EventSet, Hit, Tool};
use taipan_runtime::probe::{switchboard, trace};
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::float::Float;
use taipan_runtime::types::list::List;
use taipan_runtime::types::method::BuiltinFunction;
use taipan_runtime::types::structseq::StructSeq;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::{Args, Signature};

/// The number of profilers among the tools of `sys.monitoring`, which an active one occupies.
const PROFILER_ID: usize = 2;

/// The module.
pub static MODULE: ModuleDef = ModuleDef::new("_lsprof").doc("Fast profiler").types(&[&PROFILER]).init(init);

static ENTRY: StructSeq = StructSeq::new(
    "_lsprof.profiler_entry",
    "",
    &[
        ("code", "code object or built-in function name"),
        ("callcount", "how many times this was called"),
        ("reccallcount", "how many times called recursively"),
        ("totaltime", "total time in this entry"),
        ("inlinetime", "inline time in this entry (not in subcalls)"),
        ("calls", "details of the calls"),
    ],
    6,
);

static SUBENTRY: StructSeq = StructSeq::new(
    "_lsprof.profiler_subentry",
    "",
    &[
        ("code", "called code object or built-in function name"),
        ("callcount", "how many times this is called"),
        ("reccallcount", "how many times this is called recursively"),
        ("totaltime", "total time spent in this call"),
        ("inlinetime", "inline time (not in further subcalls)"),
    ],
    5,
);

fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    dict.store_text("profiler_entry", ENTRY.class(vm)?);
    dict.store_text("profiler_subentry", SUBENTRY.class(vm)?);
    Ok(())
}

/// Times and counts of a function, or of a function as called by another.
#[derive(Default, Clone, Copy)]
struct Times {
    /// In units of the timer.
    total: i64,
    inline: i64,
    calls: i64,
    recursive: i64,
    depth: i64,
}

impl Times {
    fn begin(&mut self) {
        self.depth += 1;
    }
    fn end(&mut self, total: i64, inline: i64) {
        self.depth -= 1;
        if self.depth == 0 {
            self.total += total;
        } else {
            self.recursive += 1;
        }
        self.inline += inline;
        self.calls += 1;
    }
}

struct Entry {
    /// A code object, or the text that describes a builtin.
    what: Value,
    times: Times,
    /// By the callee's number.
    callees: Vec<(usize, Times)>,
}

impl Entry {
    fn callee(&mut self, n: usize) -> &mut Times {
        let at = match self.callees.iter().position(|c| c.0 == n) {
            Some(at) => at,
            None => {
                self.callees.push((n, Times::default()));
                self.callees.len() - 1
            }
        };
        &mut self.callees[at].1
    }
}

struct Context {
    entry: usize,
    start: i64,
    /// Time spent in calls made from here.
    below: i64,
}

/// Payload of `Profiler`.
pub struct Profiler {
    state: Rc<RefCell<State>>,
}

impl Drop for Profiler {
    fn drop(&mut self) {
        if self.state.borrow().active {
            switch_off();
        }
    }
}

struct State {
    entries: Vec<Entry>,
    numbers: HashMap<usize, usize>,
    contexts: Vec<Context>,
    timer: Option<Value>,
    unit: f64,
    subcalls: bool,
    builtins: bool,
    active: bool,
    /// The timer is being called.
    in_timer: bool,
}

taipan_runtime::payload!(Profiler, PROFILER,
    traverse(self, visit) {
        let s = self.state.borrow();
        s.entries.iter().for_each(|e| visit(&e.what));
        s.timer.iter().for_each(visit);
    },
    clear(self) {
        let dead = {
            let mut s = self.state.borrow_mut();
            s.numbers.clear();
            s.contexts.clear();
            (std::mem::take(&mut s.entries), s.timer.take())
        };
        drop(dead);
    }
);
impl taipan_runtime::object::Frozen for Profiler {}

/// The type `_lsprof.Profiler`.
pub static PROFILER: TypeDef = TypeDef::new::<Profiler>("_lsprof.Profiler")
    .doc("Build a profiler object using the specified timer function.")
    .signature("(timer=None, timeunit=0.0, subcalls=True, builtins=True)")
    .flags(TypeFlags::HAVE_GC.union(TypeFlags::BASETYPE))
    .cpython_size(152, 0)
    .slots(Slots {
        new: Some(|_, class, _| Ok(new_of(class, Profiler { state: Rc::new(RefCell::new(State::new())) }).into())),
        init: Some(set_up),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method("getstats", "($self, /)", "list of profiler_entry objects.", NativeFn::F1(getstats)),
        MethodDef::method(
            "enable",
            "($self, /, subcalls=True, builtins=True)",
            "Start collecting profiling information.",
            NativeFn::N(enable),
        ),
        MethodDef::method("disable", "($self, /)", "Stop collecting profiling information.", NativeFn::F1(disable)),
        MethodDef::method(
            "clear",
            "($self, /)",
            "Clear all profiling information collected so far.",
            NativeFn::F1(clear),
        ),
        MethodDef::method("_pystart_callback", "($self, code, instruction_offset, /)", "", NativeFn::F3(started)),
        MethodDef::method(
            "_pythrow_callback",
            "($self, code, instruction_offset, exception, /)",
            "",
            NativeFn::F4(|vm, me, code, at, _| started(vm, me, code, at)),
        ),
        MethodDef::method(
            "_pyreturn_callback",
            "($self, code, instruction_offset, retval, /)",
            "",
            NativeFn::F4(|vm, me, _, _, _| ended(vm, me)),
        ),
        MethodDef::method(
            "_ccall_callback",
            "($self, code, instruction_offset, callable, self_arg, /)",
            "",
            NativeFn::V(native_started),
        ),
        MethodDef::method(
            "_creturn_callback",
            "($self, code, instruction_offset, callable, self_arg, /)",
            "",
            NativeFn::V(native_ended),
        ),
    ]);

impl State {
    fn new() -> State {
        State {
            entries: Vec::new(),
            numbers: HashMap::new(),
            contexts: Vec::new(),
            timer: None,
            unit: 0.0,
            subcalls: true,
            builtins: true,
            active: false,
            in_timer: false,
        }
    }

    fn begin(&mut self, key: usize, what: impl FnOnce() -> Value, now: i64) {
        let next = self.entries.len();
        let n = *self.numbers.entry(key).or_insert(next);
        if n == next {
            self.entries.push(Entry { what: what(), times: Times::default(), callees: Vec::new() });
        }
        self.entries[n].times.begin();
        if self.subcalls {
            if let Some(caller) = self.contexts.last().map(|c| c.entry) {
                self.entries[caller].callee(n).begin();
            }
        }
        self.contexts.push(Context { entry: n, start: now, below: 0 });
    }

    fn end(&mut self, now: i64) {
        let Some(c) = self.contexts.pop() else { return };
        let total = now - c.start;
        let inline = total - c.below;
        self.entries[c.entry].times.end(total, inline);
        if let Some(caller) = self.contexts.last_mut() {
            caller.below += total;
            if self.subcalls {
                let n = caller.entry;
                self.entries[n].callee(c.entry).end(total, inline);
            }
        }
    }
}

/// The time, in units of the timer: nanoseconds without one.
fn now(vm: &mut Vm, p: &Shared) -> i64 {
    let (timer, unit) = {
        let s = p.borrow();
        (s.timer.clone(), s.unit)
    };
    let Some(timer) = timer else { return host::clock(libc::CLOCK_MONOTONIC).unwrap_or(0) };
    p.borrow_mut().in_timer = true;
    let r = native::unobserved(vm, |vm| {
        let v = vm.call0(&timer)?;
        if unit > 0.0 { vm.to_i64(&v) } else { Ok((vm.to_f64(&v)? * 1e9) as i64) }
    });
    p.borrow_mut().in_timer = false;
    r.unwrap_or_else(|_| {
        let what = vm.repr(&timer).map(|s| s.to_rust().into_owned()).unwrap_or_default();
        vm.unraisable(None, Some(&format!("Exception ignored while calling _lsprof timer {what}")));
        0
    })
}

type Shared = Rc<RefCell<State>>;

// The profiler that is enabled, in the thread that it profiles.
thread_local!(static CURRENT: RefCell<Option<Shared>> = const { RefCell::new(None) });

/// Ends profiling: no events, and the place among the tools is free.
fn switch_off() {
    if let Some(tool) = tool() {
        switchboard::set_events(tool.number(), EventSet::NONE);
    }
    drop(switchboard::with(|b| b.names[PROFILER_ID].take()));
    drop(CURRENT.try_with(|c| c.take()));
}

fn tool() -> Option<Tool> {
    static TOOL: OnceLock<Option<Tool>> = OnceLock::new();
    *TOOL.get_or_init(|| native::register(heard))
}

fn heard(vm: &mut Vm, hit: &Hit<'_>) -> PyResult<Answer> {
    let Some(p) = CURRENT.with(|c| c.borrow().clone()) else { return Ok(Answer::Go) };
    if switchboard::with(|b| b.names[PROFILER_ID].is_none()) {
        // `sys.monitoring.free_tool_id` took the place away.
        switch_off();
        p.borrow_mut().active = false;
        return Ok(Answer::Go);
    }
    if !p.borrow().builtins && matches!(hit.event, Event::Call | Event::CReturn | Event::CRaise) {
        return Ok(Answer::Go);
    }
    match hit.event {
        Event::PyStart | Event::PyResume | Event::PyThrow => {
            let now = now(vm, &p);
            if let Some(code) = vm.innermost().map(|f| f.code()) {
                let key = code.as_value().word();
                p.borrow_mut().begin(key, || code.into_value(), now);
            }
        }
        Event::PyReturn | Event::PyYield | Event::PyUnwind => {
            let now = now(vm, &p);
            p.borrow_mut().end(now);
        }
        Event::Call => {
            if let Some(f) = trace::native_callable(vm, hit)? {
                if let Some((key, text)) = describe(vm, &f) {
                    let now = now(vm, &p);
                    p.borrow_mut().begin(key, || text, now);
                }
            }
        }
        _ => {
            if trace::native_callable(vm, hit)?.is_some() {
                let now = now(vm, &p);
                p.borrow_mut().end(now);
            }
        }
    }
    Ok(Answer::Go)
}

/// Key and text of a builtin function: methods as their class's `repr` shows them, functions by module and name.
fn describe(vm: &mut Vm, f: &Value) -> Option<(usize, Value)> {
    let b = f.downcast::<BuiltinFunction>()?;
    let key = std::ptr::from_ref(b.def) as usize;
    let name = b.def.name;
    let text = match (&b.self_value, &b.module) {
        (Some(me), _) => {
            let name_str = vm.intern(name);
            match vm.type_lookup(me.class(), &name_str) {
                Some(method) => vm.repr(&method).map(|s| s.to_rust().into_owned()).unwrap_or_default(),
                None => format!("<built-in method {name}>"),
            }
        }
        (None, Some(m)) => match vm.str(m) {
            Ok(m) => format!("<built-in method {}.{name}>", m.to_rust()),
            Err(_) => format!("<built-in method {name}>"),
        },
        (None, None) => format!("<built-in method {name}>"),
    };
    vm.clear_error();
    Some((key, vm.new_str(&text)))
}

fn of(v: &Value) -> &Py<Profiler> {
    v.downcast::<Profiler>().expect("a method of Profiler is called on one")
}

fn set_up(vm: &mut Vm, v: &Value, args: &Args<'_>) -> PyResult<()> {
    static SIGNATURE: Signature =
        Signature::new("Profiler", "(timer=None, timeunit=0.0, subcalls=True, builtins=True)");
    let a = args.bind(vm, &SIGNATURE)?;
    let unit = match &a[1] {
        Some(u) => vm.to_f64(u)?,
        None => 0.0,
    };
    let flag = |vm: &mut Vm, v: &Option<Value>| v.as_ref().map_or(Ok(true), |v| vm.truth(v));
    let (subcalls, builtins) = (flag(vm, &a[2])?, flag(vm, &a[3])?);
    let old = {
        let mut s = of(v).state.borrow_mut();
        s.unit = unit;
        s.subcalls = subcalls;
        s.builtins = builtins;
        std::mem::replace(&mut s.timer, a[0].clone().filter(|t| !t.is_none()))
    };
    drop(old);
    Ok(())
}

fn enable(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(me), rest @ ..] = a else { return Err(vm.system_error("enable(): unbound argument")) };
    let p = of(me).clone();
    for (i, v) in rest.iter().enumerate() {
        if let Some(v) = v {
            let on = vm.truth(v)?;
            let mut s = p.state.borrow_mut();
            if i == 0 { s.subcalls = on } else { s.builtins = on }
        }
    }
    if switchboard::with(|b| b.names[PROFILER_ID].is_some()) {
        return Err(vm.value_error(format!("tool {PROFILER_ID} is already in use")));
    }
    let Some(tool) = tool() else { return Err(vm.runtime_error("too many native tools")) };
    let name = vm.new_str("cProfile");
    switchboard::with(|b| b.names[PROFILER_ID] = Some(name));
    p.state.borrow_mut().active = true;
    drop(CURRENT.with(|c| c.replace(Some(p.state.clone()))));
    let events = EventSet::NONE
        .and(Event::PyStart)
        .and(Event::PyResume)
        .and(Event::PyThrow)
        .and(Event::PyReturn)
        .and(Event::PyYield)
        .and(Event::PyUnwind)
        .and(Event::Call);
    native::set_events(vm, tool, events);
    Ok(none())
}

fn disable(vm: &mut Vm, v: &Value) -> PyResult {
    let p = of(v).clone();
    if p.state.borrow().in_timer {
        return Err(vm.runtime_error("cannot disable profiler in external timer"));
    }
    if !p.state.borrow().active {
        return Ok(none());
    }
    switch_off();
    let now = now(vm, &p.state);
    let mut s = p.state.borrow_mut();
    while !s.contexts.is_empty() {
        s.end(now);
    }
    s.active = false;
    drop(s);
    Ok(none())
}

/// A function starts: for callers that have registered the callbacks themselves.
fn started(vm: &mut Vm, me: &Value, code: &Value, _: &Value) -> PyResult {
    let state = of(me).state.clone();
    let now = now(vm, &state);
    state.borrow_mut().begin(code.word(), || code.clone(), now);
    Ok(none())
}

fn ended(vm: &mut Vm, me: &Value) -> PyResult {
    let state = of(me).state.clone();
    let now = now(vm, &state);
    state.borrow_mut().end(now);
    Ok(none())
}

fn native_started(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.exactly(vm, "_ccall_callback", 5)?;
    let (me, f) = (&args.pos()[0], &args.pos()[3]);
    if let Some((key, text)) = describe(vm, f) {
        let state = of(me).state.clone();
        let now = now(vm, &state);
        state.borrow_mut().begin(key, || text, now);
    }
    Ok(none())
}

fn native_ended(vm: &mut Vm, args: &Args<'_>) -> PyResult {
    args.exactly(vm, "_creturn_callback", 5)?;
    ended(vm, &args.pos()[0])
}

fn clear(vm: &mut Vm, v: &Value) -> PyResult {
    if of(v).state.borrow().in_timer {
        return Err(vm.runtime_error("cannot clear profiler in external timer"));
    }
    let dead = {
        let mut s = of(v).state.borrow_mut();
        s.numbers.clear();
        s.contexts.clear();
        std::mem::take(&mut s.entries)
    };
    drop(dead);
    Ok(none())
}

fn getstats(vm: &mut Vm, v: &Value) -> PyResult {
    let p = of(v).clone();
    let (entries, factor) = {
        let s = p.state.borrow();
        let factor = if s.timer.is_some() && s.unit > 0.0 { s.unit } else { 1e-9 };
        let rows: Vec<(Value, Times, Vec<(Value, Times)>)> = s
            .entries
            .iter()
            .map(|e| {
                let callees = e.callees.iter().map(|(n, t)| (s.entries[*n].what.clone(), *t)).collect();
                (e.what.clone(), e.times, callees)
            })
            .collect();
        (rows, factor)
    };
    let row = |what: &Value, t: &Times| {
        vec![
            what.clone(),
            Value::from_usize(t.calls as usize),
            Value::from_usize(t.recursive as usize),
            Float::new(t.total as f64 * factor),
            Float::new(t.inline as f64 * factor),
        ]
    };
    let mut out = Vec::new();
    for (what, times, callees) in entries.iter().filter(|e| e.1.calls > 0) {
        let mut calls = Vec::new();
        for (callee, t) in callees.iter().filter(|c| c.1.calls > 0) {
            calls.push(SUBENTRY.make(vm, row(callee, t))?);
        }
        let mut fields = row(what, times);
        fields.push(if calls.is_empty() { none() } else { List::from_vec(calls).into() });
        out.push(ENTRY.make(vm, fields)?);
    }
    Ok(List::from_vec(out).into())
}
