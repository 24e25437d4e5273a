//! The command line and the tools, end to end: what the user types, what comes out, what is written.

use crate::support::run::interpreter;
use libtest_mimic::{Failed, Trial};
use std::path::Path;
use std::process::{Command, Stdio};

type Outcome = Result<(), Failed>;

/// All of them.
pub fn trials() -> Vec<Trial> {
    let all: &[(&str, fn() -> Outcome)] = &[
        ("cli::usage_errors_are_one_line", usage_errors_are_one_line),
        ("cli::a_script_may_be_called_like_a_command", a_script_may_be_called_like_a_command),
        ("cli::versions_and_help", versions_and_help),
        ("cli::options_of_python_and_of_the_tool_mix", options_of_python_and_of_the_tool_mix),
        ("cli::a_program_that_cannot_start_leaves_no_report", a_program_that_cannot_start_leaves_no_report),
        ("profile::shares_are_right", profile_shares_are_right),
        ("profile::the_report_survives_every_end", the_report_survives_every_end),
        ("profile::signals_stay_the_programs", signals_stay_the_programs),
        ("profile::threads_have_their_names", threads_have_their_names),
        ("profile::forked_children_are_in_it", forked_children_are_in_it),
        ("profile::started_processes_are_in_it", started_processes_are_in_it),
        ("profile::a_pool_is_in_it", a_pool_is_in_it),
        ("profile::flamegraph_is_a_picture_of_the_hot_function", flamegraph_is_a_picture_of_the_hot_function),
        ("profile::native_functions_have_their_names", native_functions_have_their_names),
        ("profile::exit_code_and_streams_are_the_programs", exit_code_and_streams_are_the_programs),
        ("profile::every_format_is_well_formed", every_format_is_well_formed),
        ("memory::sums_are_the_allocators", memory_sums_are_the_allocators),
        ("memory::the_holder_is_named", the_holder_is_named),
        ("memory::the_peak_is_attributed", the_peak_is_attributed),
        ("memory::a_killed_program_has_a_report", a_killed_program_has_a_report),
        ("memory::children_keep_out_of_it", children_keep_out_of_it),
        ("crash::a_fault_is_reported_as_ours", a_fault_is_reported_as_ours),
        ("crash::a_signal_sent_kills_as_in_cpython", a_signal_sent_kills_as_in_cpython),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("tools::{name}"), test)).collect()
}

/// What came of a run.
pub struct Ran {
    pub out: String,
    pub err: String,
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

/// Runs `taipan` with `words` in `folder`.
pub fn taipan(folder: &Path, words: &[&str]) -> Ran {
    use std::os::unix::process::ExitStatusExt;
    let mut command = Command::new(interpreter());
    // What tells the tests something tells the programs nothing.
    std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("TAIPAN")).for_each(
        |name| {
            command.env_remove(name);
        },
    );
    let output = command
        .args(words)
        .current_dir(folder)
        .env_remove("PYTHONPATH")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .expect("the interpreter starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran {
        out: text(output.stdout),
        err: text(output.stderr),
        code: output.status.code(),
        signal: output.status.signal(),
    }
}

/// A folder with one program in it.
fn folder(name: &str, source: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(name), source).expect("the program is written");
    folder
}

pub fn check(condition: bool, what: impl std::fmt::Display) -> Outcome {
    if condition { Ok(()) } else { Err(what.to_string().into()) }
}

fn usage_errors_are_one_line() -> Outcome {
    let d = folder("p.py", "open('ran', 'w') if False else print('ran')\n");
    let cases: &[(&[&str], &str)] = &[
        (&["nothing.py"], "can't open file '"),
        (&["profle", "p.py"], "did you mean `taipan profile`?"),
        (&["memroy"], "did you mean `taipan memory`?"),
        (&["--profile", "p.py"], "did you mean `taipan profile`?"),
        (&["profile", "-o", "p.py", "p.py"], "would overwrite the program"),
        (&["--hlep"], "did you mean --help?"),
        (&["-Z"], "unknown option -Z"),
        (&["-c"], "argument expected for the -c option"),
        (&["profile", "--rtae", "5", "p.py"], "did you mean --rate?"),
        (&["profile"], "profile needs a program"),
        (&["profile", "nothing.py"], "can't open file '"),
        (&["profile", "--mode", "cpuu", "p.py"], "did you mean cpu?"),
        (&["profile", "--rate", "0", "p.py"], "a number from 1 to"),
        (&["profile", "-o", "no/such/folder.svg", "p.py"], "cannot write 'no/such/folder.svg'"),
        (&["memory", "-o", "no/such/folder.svg", "p.py"], "cannot write 'no/such/folder.svg'"),
        (&["memory", "--tpo", "3", "p.py"], "did you mean --top?"),
        (&["help", "porfile"], "did you mean profile?"),
    ];
    for (words, expected) in cases {
        let r = taipan(d.path(), words);
        check(r.code == Some(2), format!("{words:?}: exit code {:?}", r.code))?;
        // Python's own errors name the program as it was started.
        let speaker = r.err.split_once(": ").map_or("", |(name, _)| name.rsplit('/').next().unwrap_or(name));
        check(r.err.lines().count() == 1 && speaker == "taipan", format!("{words:?}: {}", r.err))?;
        check(r.err.contains(expected), format!("{words:?}: {}", r.err))?;
        check(r.out.is_empty(), format!("{words:?}: the program ran"))?;
    }
    Ok(())
}

fn a_script_may_be_called_like_a_command() -> Outcome {
    let d = folder("profile", "print('mine')\n");
    let r = taipan(d.path(), &["./profile"]);
    check(r.out == "mine\n" && r.code == Some(0), r.err)
}

fn versions_and_help() -> Outcome {
    let d = tempfile::tempdir()?;
    let short = taipan(d.path(), &["-V"]).out;
    check(short.starts_with("Python 3.14.") && short.contains("Taipan"), &short)?;
    check(taipan(d.path(), &["--version"]).out == short, "--version is -V")?;
    check(taipan(d.path(), &["-VV"]).out.len() > short.len(), "-VV tells more")?;
    let help = taipan(d.path(), &["--help"]).out;
    for word in ["profile", "memory", "-c command", "TAIPAN_LOG"] {
        check(help.contains(word), format!("{word} is not in the help"))?;
    }
    let own = taipan(d.path(), &["help", "profile"]).out;
    check(own.contains("--rate HZ") && own == taipan(d.path(), &["profile", "--help"]).out, own)
}

fn options_of_python_and_of_the_tool_mix() -> Outcome {
    let d = folder("p.py", "import sys\nassert False\nprint(sys.argv, sys.flags.optimize, sys._xoptions)\n");
    let r = taipan(d.path(), &["profile", "-O", "--rate", "100", "-X", "a=b", "-o", "x.svg", "p.py", "-o", "y"]);
    check(r.out == "['p.py', '-o', 'y'] 1 {'a': 'b'}\n", format!("{}{}", r.out, r.err))?;
    check(d.path().join("x.svg").exists(), "no x.svg")
}

/// What is wrong is said as Python says it; nothing has run, so there is nothing to report and no file is touched.
fn a_program_that_cannot_start_leaves_no_report() -> Outcome {
    let d = folder("bad.py", "x = 1\ndef f(:\n    pass\n");
    std::fs::create_dir(d.path().join("package"))?;
    std::fs::write(d.path().join("package/__main__.py"), "def\n")?;
    for (tool, file) in [("profile", "taipan-profile.svg"), ("memory", "taipan-memory.svg")] {
        std::fs::write(d.path().join(file), "of yesterday")?;
        for program in [&["bad.py"][..], &["-m", "bad"], &["-m", "no_such_module"], &["package"], &["-c", "x = = 1"]] {
            let plain = taipan(d.path(), program);
            let watched = taipan(d.path(), &[&[tool], program].concat());
            check(
                watched.code == plain.code && plain.code == Some(1),
                format!("{tool} {program:?}: {:?}", watched.code),
            )?;
            check(watched.err == plain.err, format!("{tool} {program:?}: {}", watched.err))?;
            let kept = std::fs::read_to_string(d.path().join(file))?;
            check(kept == "of yesterday", format!("{tool} {program:?} wrote {file}"))?;
        }
    }
    Ok(())
}

/// One function takes three times as long as the other, more or less; it prints its share.
const THREE_TO_ONE: &str = "
import time

def turn(until):
    n = 0
    while time.perf_counter() < until:
        n += 1
    return n

def hot(start):
    return turn(start + 0.3)

def cool(start):
    return turn(start + 0.1)

start = time.perf_counter()
hot(start)
between = time.perf_counter()
cool(between)
print((between - start) / (time.perf_counter() - start))
";

/// Works for a while in `busy`, then ends as its argument says.
const ENDS: &str = "
import os, signal, sys, threading, time

def busy(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass

busy(0.15)
print('worked', flush=True)
how = sys.argv[1]
if how == 'exit':
    sys.exit(6)
elif how == '_exit':
    os._exit(5)
elif how == '_exit in a thread':
    threading.Thread(target=os._exit, args=(4,)).start()
    time.sleep(30)
elif how == 'exception':
    1 / 0
elif how == 'exec':
    os.execvp('sh', ['sh', '-c', 'exit 9'])
else:
    os.kill(os.getpid(), getattr(signal, how))
    time.sleep(30)
";

fn the_report_survives_every_end() -> Outcome {
    let d = folder("p.py", ENDS);
    let cases = [
        ("exit", Some(6), None, ""),
        ("_exit", Some(5), None, "ended by os._exit(5)"),
        ("_exit in a thread", Some(4), None, "ended by os._exit(4)"),
        ("exception", Some(1), None, ""),
        ("exec", Some(9), None, "another program"),
        ("SIGTERM", None, Some(15), "ended by SIGTERM"),
        ("SIGHUP", None, Some(1), "ended by SIGHUP"),
        ("SIGALRM", None, Some(14), "ended by SIGALRM"),
        // An uncaught KeyboardInterrupt.
        ("SIGINT", None, Some(2), ""),
    ];
    for (how, code, signal, said) in cases {
        let r = taipan(d.path(), &["profile", "--format", "collapsed", "-o", "stacks.txt", "p.py", how]);
        check(r.out == "worked\n", format!("{how}: {}", r.out))?;
        check((r.code, r.signal) == (code, signal), format!("{how}: {:?} {:?} {}", r.code, r.signal, r.err))?;
        check(r.err.contains("hottest functions") && r.err.contains(said), format!("{how}: {}", r.err))?;
        check(share(&collapsed(d.path())?, ";busy p.py") > 0.3, format!("{how}: {}", r.err))?;
        std::fs::remove_file(d.path().join("stacks.txt"))?;
    }
    Ok(())
}

/// What the tool does with signals cannot be seen from the program.
fn signals_stay_the_programs() -> Outcome {
    let d = folder(
        "p.py",
        "import os, signal, subprocess, sys\n\
         print([str(signal.getsignal(s)) for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)])\n\
         old = signal.signal(signal.SIGTERM, lambda *a: print('caught'))\n\
         os.kill(os.getpid(), signal.SIGTERM)\n\
         signal.signal(signal.SIGTERM, old)\n\
         print(any('TAIPAN' in name for name in os.environ))\n\
         child = 'import signal; print(signal.getsignal(signal.SIGTERM)); signal.raise_signal(signal.SIGTERM)'\n\
         print(subprocess.run([sys.executable, '-c', child]).returncode, flush=True)\n\
         pid = os.fork()\n\
         if not pid:\n    signal.pause()\n\
         os.kill(pid, signal.SIGTERM)\n\
         print(os.waitpid(pid, 0)[1])\n",
    );
    let plain = taipan(d.path(), &["p.py"]);
    check(plain.out.contains("caught\nFalse\n") && plain.out.contains("-15"), format!("{}{}", plain.out, plain.err))?;
    for tool in ["profile", "memory"] {
        let r = taipan(d.path(), &[tool, "p.py"]);
        check(r.out == plain.out && r.code == Some(0), format!("{tool}: {}{}", r.out, r.err))?;
    }
    Ok(())
}

fn threads_have_their_names() -> Outcome {
    let d = folder(
        "p.py",
        "import threading, time\n\
         def busy():\n    until = time.perf_counter() + 0.2\n    while time.perf_counter() < until: pass\n\
         all = [threading.Thread(target=busy, name=f'worker with a long name {i}') for i in range(2)]\n\
         [t.start() for t in all]\n[t.join() for t in all]\n",
    );
    let r = taipan(d.path(), &["profile", "--format", "collapsed", "-o", "stacks.txt", "p.py"]);
    let stacks = collapsed(d.path())?;
    for part in ["[thread MainThread]", "[thread worker with a long name 0]", "[thread worker with a long name 1]"] {
        check(stacks.iter().any(|(s, _)| s.starts_with(part)), format!("no {part}: {stacks:?}"))?;
    }
    check(r.err.contains("worker with a long name 1"), r.err)
}

/// Runs a profiled program; its processes' numbers (as it printed them) must be in the report, and the shares of `busy`.
fn family(source: &str, processes: usize, least: f64) -> Outcome {
    let d = folder("p.py", source);
    let r = taipan(d.path(), &["profile", "--format", "collapsed", "-o", "stacks.txt", "p.py"]);
    check(r.code == Some(0) && r.err.contains(&format!("{processes} processes")), format!("{}{}", r.out, r.err))?;
    check(!r.err.contains("not in it"), &r.err)?;
    let stacks = collapsed(d.path())?;
    for pid in r.out.split_ascii_whitespace() {
        let of_it = stacks.iter().any(|(s, _)| s.starts_with("[thread MainThread of process ") && s.contains(pid));
        check(of_it, format!("process {pid} is not there: {stacks:?}"))?;
    }
    check(share(&stacks, ";busy p.py") > least, format!("{stacks:?}"))
}

fn forked_children_are_in_it() -> Outcome {
    family(
        "import os, signal, sys, time\n\
         def busy(seconds):\n    until = time.perf_counter() + seconds\n    while time.perf_counter() < until: pass\n\
         for how in ['return', 'exit', '_exit', 'signal']:\n\
         \x20   pid = os.fork()\n\
         \x20   if not pid:\n        busy(0.2)\n        break\n\
         \x20   if how == 'signal':\n        time.sleep(0.1)\n        os.kill(pid, signal.SIGTERM)\n\
         \x20   os.waitpid(pid, 0)\n\
         \x20   print(pid, flush=True)\n\
         else:\n    print(os.getpid())\n    how = 'return'\n\
         if how == 'exit': sys.exit(3)\n\
         if how == '_exit': os._exit(3)\n",
        5,
        0.2,
    )
}

fn started_processes_are_in_it() -> Outcome {
    family(
        "import os, subprocess, sys, time\n\
         def busy(seconds):\n    until = time.perf_counter() + seconds\n    while time.perf_counter() < until: pass\n\
         print(os.getpid(), flush=True)\n\
         busy(0.1)\n\
         if len(sys.argv) == 1:\n\
         \x20   subprocess.run([sys.executable, 'p.py', 'again'])\n\
         \x20   subprocess.run([sys.executable, 'p.py', 'again'], env={'PATH': os.environ['PATH']})\n",
        3,
        0.2,
    )
}

fn a_pool_is_in_it() -> Outcome {
    family(
        "import multiprocessing, time\n\
         def busy(seconds):\n    until = time.perf_counter() + seconds\n    while time.perf_counter() < until: pass\n\
         if __name__ == '__main__':\n\
         \x20   with multiprocessing.Pool(2) as pool:\n        pool.map(busy, [0.2] * 4)\n        pool.close()\n        pool.join()\n",
        3,
        0.05,
    )
}

/// The stacks that a run with `-o stacks.txt` wrote, with their times.
fn collapsed(folder: &Path) -> Result<Vec<(String, f64)>, Failed> {
    let text = std::fs::read_to_string(folder.join("stacks.txt"))?;
    text.lines()
        .map(|l| {
            let (stack, n) = l.rsplit_once(' ').ok_or("a line without a number")?;
            Ok((stack.to_owned(), n.parse::<f64>().map_err(|e| format!("{l}: {e}"))?))
        })
        .collect()
}

fn share(stacks: &[(String, f64)], part: &str) -> f64 {
    let total: f64 = stacks.iter().map(|(_, n)| n).sum();
    stacks.iter().filter(|(s, _)| s.contains(part)).map(|(_, n)| n).sum::<f64>() / total
}

/// The program's own clock says how long each half took: on a busy machine that is not what it asked for.
fn profile_shares_are_right() -> Outcome {
    let d = folder("p.py", THREE_TO_ONE);
    let r = taipan(d.path(), &["profile", "--format", "collapsed", "-o", "stacks.txt", "p.py"]);
    let truth: f64 = r.out.trim().parse().map_err(|e| format!("{e}: {}{}", r.out, r.err))?;
    let stacks = collapsed(d.path())?;
    let (hot, cool) = (share(&stacks, ";hot p.py"), share(&stacks, ";cool p.py"));
    let measured = hot / (hot + cool);
    check((measured - truth).abs() < 0.1, format!("{measured:.3} instead of {truth:.3}: {stacks:?}"))?;
    check(hot + cool > 0.8, format!("hot {hot:.3}, cool {cool:.3}"))?;
    let micros: f64 = stacks.iter().map(|(_, n)| n).sum();
    check(micros > 300_000.0, format!("{micros} µs in all"))
}

fn flamegraph_is_a_picture_of_the_hot_function() -> Outcome {
    let d = folder("p.py", THREE_TO_ONE);
    let r = taipan(d.path(), &["profile", "-o", "flame.svg", "p.py"]);
    let svg = std::fs::read_to_string(d.path().join("flame.svg")).map_err(|e| format!("{e}: {}", r.err))?;
    well_formed(&svg)?;
    let title = title(&svg, "hot p.py:").ok_or("the hot function is not in the picture")?;
    let percent = title.rsplit(", ").next().and_then(|t| t.strip_suffix("%)")).unwrap_or_default();
    let percent: f64 = percent.parse().map_err(|e| format!("{e}: {title}"))?;
    let truth: f64 = r.out.trim().parse().map_err(|e| format!("{e}: {}", r.out))?;
    check((percent - truth * 100.0).abs() < 15.0, format!("{percent} %: {title}"))?;
    check(r.err.contains("hottest functions") && r.err.contains("turn"), r.err)
}

/// What a frame of a picture says when the pointer is on it: the first that starts so.
fn title<'a>(svg: &'a str, start: &str) -> Option<&'a str> {
    svg.split("<title>").skip(1).filter_map(|t| t.split("</title>").next()).find(|t| t.starts_with(start))
}

/// Tags of an XML text close as they open.
fn well_formed(xml: &str) -> Outcome {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<![CDATA[") {
            rest = after.split_once("]]>").ok_or("CDATA without end")?.1;
            continue;
        }
        let (tag, after) = rest[1..].split_once('>').ok_or("a tag without end")?;
        rest = after;
        if tag.starts_with(['?', '!']) || tag.ends_with('/') {
            continue;
        }
        match tag.strip_prefix('/') {
            Some(name) => check(open.pop() == Some(name), format!("</{name}> closes nothing"))?,
            None => open.push(tag.split_ascii_whitespace().next().unwrap_or_default()),
        }
    }
    check(open.is_empty(), format!("not closed: {open:?}"))
}

fn native_functions_have_their_names() -> Outcome {
    let d = folder(
        "p.py",
        "def work():\n    data = [(i * 7919) % 100003 for i in range(60000)]\n    for _ in range(40):\n        sorted(data)\nwork()\n",
    );
    taipan(d.path(), &["profile", "--format", "collapsed", "-o", "stacks.txt", "p.py"]);
    let stacks = collapsed(d.path())?;
    let sorted = share(&stacks, "work p.py:4;sorted [native]");
    check(sorted > 0.5, format!("sorted has {sorted:.3}: {stacks:?}"))
}

fn exit_code_and_streams_are_the_programs() -> Outcome {
    let program = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(7)\n";
    let d = folder("p.py", program);
    let plain = taipan(d.path(), &["p.py"]);
    for tool in ["profile", "memory"] {
        let r = taipan(d.path(), &[tool, "p.py"]);
        check(r.code == Some(7) && r.out == plain.out, format!("{tool}: {:?} {}", r.code, r.out))?;
        check(r.err.starts_with(&plain.err) && r.err.len() > plain.err.len(), format!("{tool}: {}", r.err))?;
    }
    let d = folder("p.py", "def f():\n    1 / 0\nf()\n");
    let plain = taipan(d.path(), &["p.py"]);
    let r = taipan(d.path(), &["profile", "p.py"]);
    check(r.code == Some(1) && r.err.starts_with(&plain.err), r.err)
}

fn every_format_is_well_formed() -> Outcome {
    let d = folder("p.py", THREE_TO_ONE);
    for (format, file) in [("json", "taipan-profile.json"), ("speedscope", "taipan-profile.speedscope.json")] {
        let r = taipan(d.path(), &["profile", "--format", format, "p.py"]);
        let text = std::fs::read_to_string(d.path().join(file)).map_err(|e| format!("{e}: {}", r.err))?;
        let value: serde_json::Value = serde_json::from_str(&text)?;
        if format == "speedscope" {
            let profile = &value["profiles"][0];
            let sum: u64 = profile["weights"].as_array().into_iter().flatten().filter_map(|w| w.as_u64()).sum();
            check(sum > 0 && Some(sum) == profile["endValue"].as_u64(), "the weights do not add up")?;
        } else {
            check(value["nodes"].as_array().is_some_and(|n| !n.is_empty()), "no nodes")?;
        }
    }
    Ok(())
}

const LEAK: &str = "
CACHE = {}

class Session:
    def __init__(self, user):
        self.user = user
        self.rows = ['row %d of %s' % (i, user) for i in range(50)]

def load(user):
    session = Session(user)
    CACHE[user] = session
    return session

def burst():
    big = [[i] for i in range(20000)]
    return len(big)

for n in range(100):
    load('user-%d' % n)
print(burst())
";

fn memory_sums_are_the_allocators() -> Outcome {
    let d = folder("p.py", LEAK);
    let r = taipan(d.path(), &["memory", "-o", "m.svg", "p.py"]);
    let line = r.err.lines().find(|l| l.starts_with("recorded ")).ok_or(r.err.clone())?;
    check(line.ends_with("the allocator's own count") && !r.err.contains("WARNING"), line)?;
    let numbers: Vec<u64> = line.split_ascii_whitespace().filter_map(|w| w.parse().ok()).collect();
    check(numbers.len() == 3 && numbers[0] + numbers[1] == numbers[2], line)?;
    let svg = std::fs::read_to_string(d.path().join("m.svg"))?;
    well_formed(&svg)?;
    // The picture's whole is what was recorded.
    let all = title(&svg, "all (").unwrap_or_default();
    let digits: String = all.split(" bytes").next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    check(digits == numbers[0].to_string(), format!("{all}: {} recorded", numbers[0]))
}

fn the_holder_is_named() -> Outcome {
    let d = folder("p.py", LEAK);
    let r = taipan(d.path(), &["memory", "p.py"]);
    let end = r.err.split("largest at the end").nth(1).ok_or(r.err.clone())?;
    let first = end.split("\n  2. ").next().unwrap_or_default();
    for part in
        ["p.py:7 in Session.__init__", "p.py:10 in load", "p.py:19 in <module>", "kept alive by __main__.CACHE[…].rows"]
    {
        check(first.contains(part), format!("no '{part}' in\n{first}"))?;
    }
    Ok(())
}

fn the_peak_is_attributed() -> Outcome {
    let d = folder("p.py", LEAK);
    let r = taipan(d.path(), &["memory", "p.py"]);
    let peak = r.err.split("largest at the peak").nth(1).ok_or(r.err.clone())?;
    let first = peak.split("\n  2. ").next().unwrap_or_default();
    check(first.contains("p.py:15 in burst") && first.contains("p.py:20 in <module>"), first)
}

fn a_killed_program_has_a_report() -> Outcome {
    let d = folder(
        "p.py",
        "import os, signal, sys\n\
         def serve():\n    held = [bytes(1000) for _ in range(500)]\n    stop()\n\
         def stop():\n\
         \x20   if sys.argv[1] == 'exit': os._exit(3)\n\
         \x20   if sys.argv[1] == 'raise': raise ValueError\n\
         \x20   os.kill(os.getpid(), signal.SIGTERM)\n    signal.pause()\n\
         serve()\n",
    );
    for (how, code, signal, said) in [
        ("term", None, Some(15), "ended by SIGTERM"),
        ("exit", Some(3), None, "ended by os._exit(3)"),
        ("raise", Some(1), None, "ValueError ended the program"),
    ] {
        let r = taipan(d.path(), &["memory", "p.py", how]);
        check((r.code, r.signal) == (code, signal), format!("{how}: {:?} {:?} {}", r.code, r.signal, r.err))?;
        let first =
            r.err.split("largest at the end").nth(1).and_then(|t| t.split("\n  2. ").next()).unwrap_or_default();
        check(r.err.contains(said) && first.contains("p.py:3 in serve"), format!("{how}: {}", r.err))?;
        check(first.contains("500 bytes") && first.contains("kept alive by serve() held"), format!("{how}: {first}"))?;
        check(r.err.contains("the allocator's own count") && !r.err.contains("WARNING"), r.err)?;
    }
    Ok(())
}

fn children_keep_out_of_it() -> Outcome {
    let d = folder(
        "p.py",
        "import os, sys\nkept = [bytes(1000) for _ in range(300)]\n\
         for how in range(2):\n    pid = os.fork()\n    if not pid:\n        more = [bytes(1000) for _ in range(9000)]\n\
         \x20       os._exit(0) if how else sys.exit(0)\n    os.waitpid(pid, 0)\n",
    );
    let r = taipan(d.path(), &["memory", "p.py"]);
    check(r.err.matches("memory of p.py").count() == 1 && r.code == Some(0), &r.err)?;
    check(r.err.contains("300 bytes") && !r.err.contains("9000 bytes"), r.err)
}

fn a_fault_is_reported_as_ours() -> Outcome {
    let d = folder("p.py", "import faulthandler\ndef inner():\n    faulthandler._read_null()\ninner()\n");
    let r = taipan(d.path(), &["p.py"]);
    check(r.code == Some(70), format!("{:?} {:?}: {}", r.code, r.signal, r.err))?;
    for part in ["Taipan crashed: Segmentation fault", "line 3 in inner", "line 4 in <module>", "read_null"] {
        check(r.err.contains(part), format!("no '{part}' in\n{}", r.err))?;
    }
    Ok(())
}

fn a_signal_sent_kills_as_in_cpython() -> Outcome {
    let d = folder("p.py", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n");
    let r = taipan(d.path(), &["p.py"]);
    check(r.signal == Some(11) && r.err.is_empty(), format!("{:?} {:?}: {}", r.code, r.signal, r.err))?;
    let r = taipan(d.path(), &["-X", "faulthandler", "p.py"]);
    check(r.signal == Some(11), format!("{:?}", r.signal))?;
    check(r.err.contains("Fatal Python error: Segmentation fault") && r.err.contains("line 2 in <module>"), r.err)
}
