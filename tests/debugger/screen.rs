//! `taipan debug` in a real terminal: what is typed, and what then stands on the screen.

use crate::support::{root, run};
use libtest_mimic::{Failed, Trial};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("debugger::screen::a_program_from_start_to_end", whole_program),
        Trial::test("debugger::screen::a_value_that_changes", value_that_changes),
        Trial::test("debugger::screen::hostile_values_do_not_hold_the_screen_up", hostile_values),
        Trial::test("debugger::screen::another_size", another_size),
        Trial::test("debugger::screen::without_a_terminal", without_a_terminal),
        Trial::test("debugger::screen::no_such_script", no_such_script),
        Trial::test("debugger::screen::a_syntax_error_is_shown_as_python_shows_it", syntax_error),
        Trial::test("debugger::screen::leaving_ends_the_program", leaving),
    ]
}

struct Screen {
    parser: Arc<Mutex<vt100::Parser>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Screen {
    fn open(arguments: &[&str]) -> Result<Screen, Failed> {
        let home = tempfile::tempdir()?;
        let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let mut command = CommandBuilder::new(run::interpreter());
        command.args(arguments);
        command.cwd(root().join("fixtures/debugger"));
        command.env("HOME", home.path());
        command.env("XDG_STATE_HOME", home.path());
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader()?;
        let keys = pair.master.take_writer()?;
        let parser = Arc::new(Mutex::new(vt100::Parser::new(36.try_into()?, 120.try_into()?, 0)));
        let shown = Arc::clone(&parser);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n) = reader.read(&mut chunk) {
                if n == 0 {
                    return;
                }
                shown.lock().expect("no panic while parsing").process(&chunk[..n]);
            }
        });
        Ok(Screen { parser, keys, child, master: pair.master, _home: home })
    }

    fn text(&self) -> String {
        self.parser.lock().expect("no panic while parsing").screen().contents()
    }

    /// Waits until all of `wanted` stand on the screen.
    fn shows(&self, wanted: &[&str]) -> Result<(), Failed> {
        let start = Instant::now();
        loop {
            let text = self.text();
            if wanted.iter().all(|w| text.contains(w)) {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("{wanted:?} is not on the screen:\n{text}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn type_keys(&mut self, keys: &str) -> Result<(), Failed> {
        self.keys.write_all(keys.as_bytes())?;
        self.keys.flush()?;
        Ok(())
    }

    /// Leaves a program that has stopped.
    fn leave(&mut self) -> Result<(), Failed> {
        self.type_keys("\x1b")?;
        std::thread::sleep(Duration::from_millis(300));
        self.type_keys("q")?;
        std::thread::sleep(Duration::from_millis(300));
        self.type_keys("y")?;
        self.end().map(drop)
    }

    /// Waits for the end; gives the exit code.
    fn end(&mut self) -> Result<u32, Failed> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.exit_code());
            }
            if start.elapsed() > PATIENCE {
                self.child.kill()?;
                return Err(format!("the debugger does not end:\n{}", self.text()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Start, breakpoint, step, a variable, input, the end, the exit code.
fn whole_program() -> Result<(), Failed> {
    let mut screen = Screen::open(&["debug", "asks.py", "ada"])?;
    screen.shows(&["STOPPED", "entry", "line 1", "n next"])?;
    screen.type_keys(":b 5\r")?;
    screen.shows(&["breakpoint 1: asks.py:5"])?;
    screen.type_keys("\x1b")?;
    screen.shows(&["n next"])?;
    screen.type_keys("c")?;
    screen.shows(&["breakpoint", "greet, line 5", "name = 'ada'"])?;
    screen.type_keys("n")?;
    screen.shows(&["line 6", "text = 'hello ada'"])?;
    screen.type_keys("c")?;
    screen.shows(&["RUNNING", "how old? "])?;
    screen.type_keys("o")?;
    std::thread::sleep(Duration::from_millis(300));
    screen.type_keys("36\r")?;
    screen.shows(&["next year: 37", "EXIT CODE 4"])?;
    // The program's terminal still has the keys.
    screen.type_keys("\x1b")?;
    std::thread::sleep(Duration::from_millis(300));
    screen.type_keys("q")?;
    let code = screen.end()?;
    if code != 4 { Err(format!("exit code {code}").into()) } else { Ok(()) }
}

/// A data breakpoint from the console: who changed it, from what to what.
fn value_that_changes() -> Result<(), Failed> {
    let mut screen = Screen::open(&["debug", "watched.py"])?;
    screen.shows(&["STOPPED", "n next"])?;
    screen.type_keys(":b 19\r")?;
    screen.shows(&["breakpoint 1"])?;
    screen.type_keys("c\r")?;
    screen.shows(&["work, line 19"])?;
    screen.type_keys("watch account.balance\r")?;
    screen.shows(&["account.balance changes"])?;
    screen.type_keys("c\r")?;
    screen.shows(&["data breakpoint", "deposit, line 11", "account.balance: 0 → 1, by Account.deposit line 10"])?;
    screen.leave()
}

/// A `repr` without end is given up, what the user typed can be interrupted, and keys work all the time.
fn hostile_values() -> Result<(), Failed> {
    let mut screen = Screen::open(&["debug", "hostile.py"])?;
    screen.shows(&["STOPPED", "n next"])?;
    screen.type_keys(":b 40\r")?;
    screen.shows(&["breakpoint 1"])?;
    screen.type_keys("c\r")?;
    screen.shows(&["main, line 40", "looping = <Looping object>"])?;
    screen.type_keys("p looping\r")?;
    screen.shows(&["its repr did not come back"])?;
    screen.type_keys("endless()\r")?;
    screen.shows(&["❯ endless()"])?;
    std::thread::sleep(Duration::from_millis(300));
    screen.type_keys("\x03")?;
    screen.shows(&["KeyboardInterrupt"])?;
    screen.type_keys("p 6 * 7\r")?;
    screen.shows(&["42"])?;
    screen.leave()
}

fn another_size() -> Result<(), Failed> {
    let mut screen = Screen::open(&["debug", "watched.py"])?;
    screen.shows(&["STOPPED", "Variables", "n next"])?;
    for (rows, cols) in [(12u16, 40u16), (50, 200), (24, 80)] {
        let (height, width) = (rows.try_into()?, cols.try_into()?);
        screen.parser.lock().expect("no panic while parsing").screen_mut().set_size(height, width);
        screen.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })?;
        screen.shows(&["watched.py", "class Account:"])?;
    }
    screen.shows(&["Stack", "n next"])?;
    screen.leave()
}

fn leaving() -> Result<(), Failed> {
    let mut screen = Screen::open(&["debug", "asks.py", "ada"])?;
    screen.shows(&["STOPPED", "n next"])?;
    screen.type_keys("q")?;
    std::thread::sleep(Duration::from_millis(300));
    screen.type_keys("y")?;
    screen.end()?;
    // The terminal is as it was: no other screen, the cursor visible.
    let parser = screen.parser.lock().expect("no panic while parsing");
    if parser.screen().alternate_screen() || parser.screen().hide_cursor() {
        return Err("the terminal was not restored".into());
    }
    Ok(())
}

/// Runs the command with no terminal; gives its standard error and exit code.
fn plainly(arguments: &[&str]) -> Result<(String, i32), Failed> {
    let mut command = Command::new(run::interpreter());
    command.args(arguments).current_dir(root().join("fixtures/debugger")).stdin(Stdio::null());
    let output = command.output()?;
    Ok((String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code().unwrap_or(-1)))
}

fn expect(got: (String, i32), text: &str, lines: usize, code: i32) -> Result<(), Failed> {
    let fits = got.0.contains(text) && (lines == 0 || got.0.lines().count() == lines) && got.1 == code;
    if fits { Ok(()) } else { Err(format!("status {}, standard error:\n{}", got.1, got.0).into()) }
}

fn without_a_terminal() -> Result<(), Failed> {
    expect(plainly(&["debug", "asks.py"])?, "terminal", 1, 2)
}

fn no_such_script() -> Result<(), Failed> {
    expect(plainly(&["debug", "nowhere.py"])?, "nowhere.py", 1, 2)
}

fn syntax_error() -> Result<(), Failed> {
    let got = plainly(&["debug", "-c", "x = = 1"])?;
    expect(got, "SyntaxError: invalid syntax", 0, 1)
}
