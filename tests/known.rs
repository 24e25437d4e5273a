//! The list of fixtures that do not come out right yet, `fixtures/known_failures.txt`, and what a listed one may do.
//!
//! Listed programs still run. One that fails is reported as ignored, with the reason; one that passes fails the run, so
//! the list can only shrink. Whatever is not listed must pass. `TAIPAN_BLESS_FAILURES=1 cargo test --test main` writes
//! the list anew from what happened; with a filter, only the lines of the programs that were run.

use crate::support::root;
use libtest_mimic::{Completion, Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

const HEAD: &str = "\
# Fixtures that do not come out right yet, one `configuration/fixture` a line, sorted. A listed one that passes fails the
# tests. Written by TAIPAN_BLESS_FAILURES=1 cargo test --test main
";

/// What became of one program in one configuration.
#[derive(Clone)]
pub enum Verdict {
    Right,
    /// With the whole report.
    Wrong(String),
    /// Not run, and why: another configuration already shows the failure.
    Pointless(&'static str),
}

/// The list, and in a run that blesses what was found.
pub struct KnownFailures {
    listed: BTreeSet<String>,
    /// Name to whether it belongs on the list, of those that ran; `None` unless this run blesses.
    found: Option<Mutex<BTreeMap<String, bool>>>,
}

impl KnownFailures {
    /// Reads the list. It tells of the `taipan` that cargo builds: under `TAIPAN_UNDER_TEST` it is empty.
    pub fn load() -> Self {
        let other = std::env::var_os("TAIPAN_UNDER_TEST").is_some();
        let bless = std::env::var_os("TAIPAN_BLESS_FAILURES").is_some_and(|value| value == "1");
        assert!(!(other && bless), "TAIPAN_BLESS_FAILURES records what taipan does, not another interpreter");
        let listed = if other { BTreeSet::new() } else { lines().into_iter().collect() };
        KnownFailures { listed, found: bless.then(Mutex::default) }
    }

    /// What the test of `name` (`configuration/fixture`) reports.
    pub fn judge(&self, name: &str, verdict: Verdict) -> Result<Completion, Failed> {
        if let Some(found) = &self.found {
            found.lock().expect("no test panics here").insert(name.to_owned(), matches!(verdict, Verdict::Wrong(_)));
        }
        let listed = self.listed.contains(name);
        match verdict {
            Verdict::Pointless(why) => Ok(Completion::ignored_with(why)),
            Verdict::Wrong(report) if listed || self.found.is_some() => {
                Ok(Completion::ignored_with(format!("known failure: {}", brief(&report))))
            }
            Verdict::Wrong(report) => Err(report.into()),
            Verdict::Right if listed && self.found.is_none() => {
                Err(format!("passes now: take the line {name} out of fixtures/known_failures.txt").into())
            }
            Verdict::Right => Ok(Completion::Completed),
        }
    }

    /// After a run that blesses: writes the list and says what changed. `names` are all there could be.
    pub fn bless(&self, names: &BTreeSet<String>) {
        let Some(found) = &self.found else { return };
        let found = found.lock().expect("no test panics here");
        if found.is_empty() {
            return; // `--list`, or a filter that fits nothing
        }
        let fails = |name: &&String| found.get(*name).copied().unwrap_or_else(|| self.listed.contains(*name));
        let now: BTreeSet<String> = names.iter().filter(fails).cloned().collect();
        for name in self.listed.difference(&now) {
            println!("- {name}");
        }
        for name in now.difference(&self.listed) {
            println!("+ {name}");
        }
        let text: String = now.iter().map(|name| format!("{name}\n")).collect();
        fs::write(path(), HEAD.to_owned() + &text).unwrap_or_else(|e| panic!("{}: {e}", path().display()));
        println!("fixtures/known_failures.txt: {} of {} fail", now.len(), names.len());
    }
}

/// The list itself is in order: sorted, nothing twice, nothing that no longer exists.
pub fn trial(names: Arc<BTreeSet<String>>) -> Trial {
    Trial::test("tidy::known_failures", move || {
        let lines = lines();
        let unsorted =
            lines.windows(2).filter(|pair| pair[0] >= pair[1]).map(|pair| format!("{}: not in order", pair[1]));
        let unknown = lines.iter().filter(|line| !names.contains(*line)).map(|line| format!("{line}: no such fixture"));
        let wrong: Vec<String> = unsorted.chain(unknown).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
    })
}

fn path() -> PathBuf {
    root().join("fixtures/known_failures.txt")
}

fn lines() -> Vec<String> {
    let text = fs::read_to_string(path()).unwrap_or_else(|e| panic!("{}: {e}", path().display()));
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect()
}

/// What tells most in one line of the terminal: the last line that should not be there (of a traceback, the error), else
/// the first that is missing.
fn brief(report: &str) -> String {
    let starts = |sign: &'static str| report.lines().filter(move |line| line.starts_with(sign));
    let first = report.lines().next();
    let telling = match first {
        Some(line) if !line.ends_with(':') => first, // no comparison: it took too long, say
        _ => starts("+ ").next_back().or_else(|| starts("- ").next()).or(first),
    };
    telling.unwrap_or_default().chars().take(80).collect()
}
