//! Every program of `fixtures/language` and `fixtures/programs`, in every configuration, does what CPython 3.14 did.
//!
//! The configurations are the cheapest proof that observing a program, or collecting garbage at the worst moment, does
//! not change it: each must print the same as the plain run.

use crate::support::fixture::{Fixture, discover};
use crate::support::{diff, run};
use libtest_mimic::{Failed, Trial};
use std::sync::Arc;

/// Folders of `fixtures` that hold programs with expectations.
const AREAS: &[&str] = &["language", "programs"];

/// One way of running all programs.
struct Configuration {
    name: &'static str,
    environment: &'static [(&'static str, &'static str)],
    /// How many times the plain time limit a program may take.
    patience: u32,
    /// Which programs are quick enough for it.
    selects: fn(&Fixture) -> bool,
}

const CONFIGURATIONS: &[Configuration] = &[
    Configuration { name: "plain", environment: &[], patience: 1, selects: |_| true },
    Configuration { name: "probes", environment: &[("TAIPAN_DEBUG", "probes")], patience: 4, selects: |_| true },
    Configuration {
        name: "gc-stress",
        environment: &[("TAIPAN_DEBUG", "gc-stress")],
        patience: 8,
        selects: |fixture| fixture.area == "language" && fixture.source.len() < 5_000 && !imports_library(fixture),
    },
];

/// Modules whose import runs no Python code, so that a collection at every safepoint stays affordable.
const NATIVE: &[&str] = &["sys", "gc", "time", "_thread", "_weakref", "builtins", "math", "itertools", "marshal"];

fn imports_library(fixture: &Fixture) -> bool {
    fixture.source.lines().map(str::trim_start).any(|line| {
        let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
        match words.next() {
            Some("import") => !words.all(|module| NATIVE.contains(&module)),
            Some("from") => !words.next().is_some_and(|module| NATIVE.contains(&module)),
            _ => false,
        }
    })
}

/// One trial per program and configuration.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for area in AREAS {
        for fixture in discover(area).into_iter().map(Arc::new) {
            for configuration in CONFIGURATIONS {
                if !(configuration.selects)(&fixture) || fixture.skip.iter().any(|name| name == configuration.name) {
                    continue;
                }
                let fixture = Arc::clone(&fixture);
                let name = format!("{area}::{}::{}", configuration.name, fixture.name);
                trials.push(Trial::test(name, move || check(&fixture, configuration)));
            }
        }
    }
    trials
}

fn check(fixture: &Fixture, configuration: &Configuration) -> Result<(), Failed> {
    let got = run::run(fixture, configuration.environment, fixture.timeout * configuration.patience)?;
    let want = fixture.expected.as_ref()?;
    let mut report = Vec::new();
    if let Some(text) = diff::lines(&want.stdout, &got.stdout) {
        report.push(format!("standard output differs:\n{text}"));
    }
    if let Some(text) = diff::lines(&want.stderr, &got.stderr) {
        report.push(format!("standard error differs:\n{text}"));
    }
    if want.code != got.code {
        report.push(format!("exit code {} instead of {}", got.code, want.code));
    }
    if report.is_empty() {
        return Ok(());
    }
    let settings: Vec<String> =
        configuration.environment.iter().map(|(key, value)| format!("{key}={value} ")).collect();
    let args: Vec<String> = fixture.args.iter().map(|arg| format!(" {arg}")).collect();
    report.push(format!(
        "to see it: cd fixtures/{} && {}taipan {}.py{}",
        fixture.area,
        settings.concat(),
        fixture.name,
        args.concat()
    ));
    Err(report.join("\n").into())
}
