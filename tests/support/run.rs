//! Running the built `taipan` on a fixture: own home, clean environment, a time limit that takes children with it.

use super::fixture::{Fixture, Outcome};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The interpreter under test: the one cargo built, or what `TAIPAN_UNDER_TEST` names (a release build; the oracle, to
/// test the tests).
pub fn interpreter() -> PathBuf {
    std::env::var_os("TAIPAN_UNDER_TEST").map_or_else(|| env!("CARGO_BIN_EXE_taipan").into(), PathBuf::from)
}

/// Runs a fixture with extra environment variables; `Err` says what went over its limit, with the output so far.
pub fn run(fixture: &Fixture, environment: &[(&str, &str)], timeout: Duration) -> Result<Outcome, String> {
    let home = tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?;
    let folder = fixture.path.parent().expect("a fixture lies in a folder");
    let interpreter = interpreter();
    let mut command = Command::new(&interpreter);
    command
        .arg(fixture.path.file_name().expect("a file name"))
        .args(&fixture.args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env("COLUMNS", "80")
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(|e| format!("{}: {e}", interpreter.display()))?;
    let input = feed(&mut child, fixture.stdin.clone());
    let stdout = drain(child.stdout.take().expect("piped"));
    let stderr = drain(child.stderr.take().expect("piped"));
    let status = wait(&mut child, timeout);
    let cut = format!("{}/", folder.display());
    let text = |reader: JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().expect("a reader does not panic")).replace(&cut, "")
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    input.join().expect("the writer does not panic");
    match status {
        Some(status) => {
            let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
            Ok(Outcome { stdout, stderr, code })
        }
        None => Err(format!("not done after {timeout:?}; so far\n--- stdout\n{stdout}\n--- stderr\n{stderr}")),
    }
}

fn feed(child: &mut Child, text: String) -> JoinHandle<()> {
    let mut pipe = child.stdin.take().expect("piped");
    // A program may end without reading all of it: that is its affair.
    thread::spawn(move || drop(pipe.write_all(text.as_bytes())))
}

/// Most output that is kept; a program that runs wild then meets a closed pipe.
const MOST_OUTPUT: u64 = 16 << 20;

fn drain(pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.take(MOST_OUTPUT).read_to_end(&mut bytes);
        bytes
    })
}

/// `None` after the time limit, when the child's whole process group has been killed.
fn wait(child: &mut Child, timeout: Duration) -> Option<std::process::ExitStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().expect("waiting for our own child") {
            return Some(status);
        }
        if start.elapsed() > timeout {
            let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
            let _ = child.wait();
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
