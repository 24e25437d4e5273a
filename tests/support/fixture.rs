//! A fixture as data: a program, the header lines that say how to run it, and what must come out.
//!
//! `fixtures/bless.py` reads the same headers and writes the expectations; nothing here rewrites them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a program may take in the plain configuration unless its header says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One program under `fixtures/AREA`, with what CPython made of it.
pub struct Fixture {
    /// Folder under `fixtures`, such as `language`.
    pub area: String,
    /// File name without `.py`.
    pub name: String,
    pub path: PathBuf,
    pub source: String,
    /// `# args:`: what follows the script on the command line, split at spaces.
    pub args: Vec<String>,
    /// `# stdin:`: what the program reads, with `\n` for a new line.
    pub stdin: String,
    /// `# skip:`: configurations in which the program cannot do the same (the rest of the line says why).
    pub skip: Vec<String>,
    /// `# timeout:`: seconds, for the few programs that are slow on purpose.
    pub timeout: Duration,
    /// What CPython made of it; `Err` if that was never recorded.
    pub expected: Result<Outcome, String>,
}

/// What a program did, or must do.
#[derive(Default, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    /// Exit code; a program killed by a signal has the negative signal number, as in Python's `subprocess`.
    pub code: i32,
}

/// All fixtures of one area, by name.
pub fn discover(area: &str) -> Vec<Fixture> {
    let folder = super::root().join("fixtures").join(area);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|e| e.expect("a folder entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "py"))
        .collect();
    paths.sort();
    paths.into_iter().map(|path| read(area, path)).collect()
}

fn read(area: &str, path: PathBuf) -> Fixture {
    let source = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut fixture = Fixture {
        area: area.to_owned(),
        name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
        args: Vec::new(),
        stdin: String::new(),
        skip: Vec::new(),
        timeout: TIMEOUT,
        expected: expectation(&path),
        path,
        source: String::new(),
    };
    for line in source.lines().take_while(|line| line.starts_with('#')) {
        let Some((key, value)) = line.trim_start_matches("# ").split_once(':') else { continue };
        let value = value.strip_prefix(' ').unwrap_or(value);
        match key {
            "args" => fixture.args = value.split_whitespace().map(str::to_owned).collect(),
            "stdin" => fixture.stdin = value.replace("\\n", "\n"),
            "skip" => fixture.skip = skipped(value),
            "timeout" => fixture.timeout = Duration::from_secs(value.trim().parse().expect("# timeout: seconds")),
            _ => {}
        }
    }
    fixture.source = source;
    fixture
}

/// `gc-stress probes (why)` -> the two names.
fn skipped(value: &str) -> Vec<String> {
    value.split('(').next().unwrap_or("").split_whitespace().map(str::to_owned).collect()
}

fn expectation(path: &Path) -> Result<Outcome, String> {
    let beside = |extension: &str| fs::read_to_string(path.with_extension(extension)).ok();
    Ok(Outcome {
        stdout: beside("out").ok_or("nothing recorded for it, see fixtures/README.md")?,
        stderr: beside("err").unwrap_or_default(),
        code: beside("code").map_or(0, |text| text.trim().parse().expect("an exit code")),
    })
}
