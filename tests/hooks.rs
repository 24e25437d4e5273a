//! What watching leaves behind: a function that was watched is afterwards as fast as its twin that never was.
//!
//! The program measures itself: the fastest of some rounds in CPU time, watched function and twin taking turns. What a
//! probe that was left in place costs is far above the limit; noise is not, and gets a few more attempts.

use crate::support::run::interpreter;
use libtest_mimic::{Failed, Trial};
use std::process::{Command, Stdio};

/// Slower than the twin by more than this fails.
const LIMIT: &str = "1.02";

const WAYS: [&str; 7] =
    ["nothing", "settrace_off", "opcodes_off", "setprofile_off", "monitoring_off", "disabled", "cold_line_only"];

/// One test for each way to watch.
pub fn trials() -> Vec<Trial> {
    WAYS.iter().map(|way| Trial::test(format!("hooks::no_slower_after::{way}"), move || check(way))).collect()
}

fn check(way: &str) -> Result<(), Failed> {
    let output = Command::new(interpreter())
        .args(["-c", PROGRAM, way, LIMIT])
        .env_remove("TAIPAN_DEBUG")
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null())
        .output()?;
    let out = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && out.trim_end().ends_with("ok") {
        return Ok(());
    }
    Err(format!("{out}{}", String::from_utf8_lossy(&output.stderr)).into())
}

const PROGRAM: &str = r#"
import sys, time
SOURCE = '''
def work(n):
    total = 0
    for i in range(n):
        if i < 0:
            total = [x for x in str(total)]
        total += i * 3 % 7
        if total > 100000:
            total -= 100000
        while total < 0: total += 1
    return add(total, 1)
def add(a, b):
    return a + b
'''
WAY, LIMIT = sys.argv[1], float(sys.argv[2])
mon, TOOL = sys.monitoring, 3
E = mon.events
COLD = 6
hits = []

def fresh():
    space = {}
    exec(compile(SOURCE, "work", "exec"), space)
    work = space["work"]
    work(500)
    return work

def tracer(frame, event, arg):
    hits.append(event)
    frame.f_trace_opcodes = WAY == "opcodes_off"
    return tracer

def hear(answer):
    def callback(code, *rest):
        if code.co_filename == "work":
            hits.append(rest)
        return answer
    return callback

def settrace_off(work):
    sys.settrace(tracer)
    work(50)
    sys.settrace(None)
opcodes_off = settrace_off

def setprofile_off(work):
    sys.setprofile(tracer)
    work(50)
    sys.setprofile(None)

# Not BRANCH_LEFT and BRANCH_RIGHT: a branch that never goes one way is never told to be silent about it.
LOCAL = E.LINE | E.INSTRUCTION | E.PY_START | E.PY_RETURN | E.CALL | E.JUMP

def listen(answer):
    mon.use_tool_id(TOOL, "test")
    for event in (E.LINE, E.INSTRUCTION, E.PY_START, E.PY_RETURN, E.CALL, E.JUMP):
        mon.register_callback(TOOL, event, hear(answer))

def stop_listening():
    mon.set_events(TOOL, 0)
    mon.free_tool_id(TOOL)

def monitoring_off(work):
    listen(None)
    mon.set_events(TOOL, LOCAL)
    work(50)
    stop_listening()

def disabled(work):
    # Stays on: every place that is executed has had enough.
    listen(mon.DISABLE)
    mon.set_local_events(TOOL, work.__code__, LOCAL)
    work(5000)
    return stop_listening

def cold_line_only(work):
    mon.use_tool_id(TOOL, "test")
    mon.register_callback(TOOL, E.LINE, lambda code, line: hits.append(line) if line == COLD else mon.DISABLE)
    mon.set_local_events(TOOL, work.__code__, E.LINE)
    work(5000)
    assert COLD not in hits
    hits.append("never")
    return stop_listening

def nothing(work):
    hits.append(None)

def fastest(work, best):
    start = time.thread_time_ns()
    work(20000)
    return min(best, time.thread_time_ns() - start)

def attempt():
    plain, watched = fresh(), fresh()
    del hits[:]
    end = globals()[WAY](watched)
    assert hits, "nothing was heard"
    watched(500)
    twin = own = 1 << 62
    for _ in range(12):
        twin, own = fastest(plain, twin), fastest(watched, own)
    if end:
        end()
    return own / twin

ratios = []
while len(ratios) < 12 and not (ratios and min(ratios) <= LIMIT):
    ratios.append(attempt())
print(" ".join(f"{r:.3f}" for r in ratios), "ok" if min(ratios) <= LIMIT else f"slower than {LIMIT}")
"#;
