//! Every program of `fixtures/language` and `fixtures/programs`, in every configuration, does what CPython 3.14 did.
//!
//! The configurations are the cheapest proof that observing a program, or collecting garbage at the worst moment, does
//! not change it: each must print the same as the plain run. They run where the plain run is right.

use crate::known::{KnownFailures, Verdict};
use crate::support::fixture::{Fixture, discover};
use crate::support::{diff, run};
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Folders of `fixtures` that hold programs with expectations.
const AREAS: &[&str] = &["language", "programs"];

/// One way of running all programs.
struct Configuration {
    name: &'static str,
    environment: &'static [(&'static str, &'static str)],
    /// How many times as long as its plain run a program may take, where that is more than its time limit.
    patience: u32,
    /// Which programs are quick enough for it.
    selects: fn(&Fixture) -> bool,
}

const PLAIN: Configuration = Configuration { name: "plain", environment: &[], patience: 1, selects: |_| true };

/// Those that must do the same as the plain run.
const OTHERS: &[Configuration] = &[
    Configuration { name: "probes", environment: &[("TAIPAN_DEBUG", "probes")], patience: 10, selects: |_| true },
    Configuration {
        name: "gc-stress",
        environment: &[("TAIPAN_DEBUG", "gc-stress")],
        patience: 100,
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

/// A program, and its plain run, which decides whether the other configurations have anything to add.
struct Program {
    fixture: Fixture,
    plain: OnceLock<(Verdict, Duration)>,
}

impl Program {
    fn plain(&self) -> &(Verdict, Duration) {
        self.plain.get_or_init(|| {
            let start = Instant::now();
            let verdict = check(&self.fixture, &PLAIN, self.fixture.timeout);
            (verdict, start.elapsed())
        })
    }

    fn under(&self, configuration: &Configuration) -> Verdict {
        let (verdict, took) = self.plain();
        match verdict {
            Verdict::Right => {
                let limit = self.fixture.timeout.max(*took * configuration.patience);
                check(&self.fixture, configuration, limit)
            }
            _ => Verdict::Pointless("its plain run fails"),
        }
    }
}

/// One trial per program and configuration, the plain runs first; and the names they have on the list of known failures.
pub fn trials(known: &Arc<KnownFailures>) -> (Vec<Trial>, BTreeSet<String>) {
    let programs: Vec<Arc<Program>> = AREAS
        .iter()
        .flat_map(|area| discover(area))
        .map(|fixture| Arc::new(Program { fixture, plain: OnceLock::new() }))
        .collect();
    let (mut trials, mut names) = (Vec::new(), BTreeSet::new());
    for configuration in std::iter::once(&PLAIN).chain(OTHERS) {
        for program in &programs {
            let fixture = &program.fixture;
            if !(configuration.selects)(fixture) || fixture.skip.iter().any(|name| name == configuration.name) {
                continue;
            }
            let name = format!("{}/{}", configuration.name, fixture.name);
            assert!(names.insert(name.clone()), "two fixtures are called {}", fixture.name);
            let title = format!("{}::{}::{}", fixture.area, configuration.name, fixture.name);
            let (program, known) = (Arc::clone(program), Arc::clone(known));
            trials.push(Trial::ignorable_test(title, move || {
                if let Err(missing) = &program.fixture.expected {
                    return Err(missing.into());
                }
                let verdict = match configuration.name {
                    "plain" => program.plain().0.clone(),
                    _ => program.under(configuration),
                };
                known.judge(&name, verdict)
            }));
        }
    }
    (trials, names)
}

fn check(fixture: &Fixture, configuration: &Configuration, limit: Duration) -> Verdict {
    compare(fixture, configuration, limit).map_or_else(Verdict::Wrong, |()| Verdict::Right)
}

/// `Err` says how what the program did differs from what CPython did.
fn compare(fixture: &Fixture, configuration: &Configuration, limit: Duration) -> Result<(), String> {
    let got = run::run(fixture, configuration.environment, limit)?;
    let want = fixture.expected.as_ref().map_err(String::clone)?;
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
    Err(report.join("\n"))
}
