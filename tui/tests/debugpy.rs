//! The whole debugger as a user sees it, with debugpy and CPython, on a terminal. Skipped, and said so, where there is no
//! Python with debugpy: `TAIPAN_TEST_DEBUGPY` names one.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, PtyPair, PtySize, native_pty_system};

use super::process::example;
use super::support::{fixtures, golden};

/// A Python that has debugpy.
fn python() -> Option<String> {
    let named = std::env::var("TAIPAN_TEST_DEBUGPY").ok();
    for candidate in named.into_iter().chain(["python3".to_owned()]) {
        let found = Command::new(&candidate).args(["-c", "import debugpy"]).output();
        if found.is_ok_and(|o| o.status.success()) {
            return Some(candidate);
        }
    }
    eprintln!("skipped: no Python with debugpy (set TAIPAN_TEST_DEBUGPY to one)");
    None
}

/// The debugger on a terminal of the test's.
struct Session {
    screen: Arc<Mutex<vt100::Parser>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _pair: PtyPair,
}

impl Session {
    fn start(script: &str) -> Option<Session> {
        let (python, example) = (python()?, example()?);
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(example);
        command.args([&python, script]);
        command.cwd(fixtures());
        command.env("TERM", "xterm-256color");
        command.env("TAIPAN_THEME", "dark");
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = vt100::Parser::new(30.try_into().unwrap(), 100.try_into().unwrap(), 0);
        let screen = Arc::new(Mutex::new(screen));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shared = Arc::clone(&screen);
        thread::spawn(move || {
            let mut chunk = [0u8; 4096];
            while let Ok(n @ 1..) = reader.read(&mut chunk) {
                shared.lock().unwrap().process(&chunk[..n]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Some(Session { screen, keys, child, _pair: pair })
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn lines(&self) -> String {
        self.text().lines().map(|l| format!("{}\n", l.trim_end())).collect()
    }

    fn sees(&self, part: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.text().contains(part) {
            assert!(Instant::now() < deadline, "{part:?} never came:\n{}", self.text());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        thread::sleep(Duration::from_millis(150));
    }

    fn exit_code(&mut self) -> u32 {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.text());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_session_from_start_to_end() {
    let Some(mut s) = Session::start("inventory.py") else { return };
    s.sees("STOPPED  entry · <module>, line 1");
    s.types(":b 26\rc\r");
    s.sees("STOPPED  breakpoint · value, line 26");
    s.sees("total = 382.2");
    s.types("p total * 2\r");
    s.sees("764.4");
    s.types("\x1b");
    s.types("u");
    s.sees("main, line 43");
    s.types("c");
    s.sees("waiting for input? o lets you type");
    s.types("ome\r");
    s.sees("hello me");
    s.types("\x1b");
    s.sees("UNCAUGHT  ZeroDivisionError: division by zero");
    s.sees("stock = 120");
    // This is the picture in the README. Another version of debugpy may word things otherwise.
    if std::env::var_os("TAIPAN_TEST_DEBUGPY").is_some() {
        thread::sleep(Duration::from_millis(500));
        golden::check("readme", &s.lines());
    }
    s.types("c");
    s.sees("EXIT CODE 1");
    s.types("R");
    s.sees("STOPPED  entry · <module>, line 1");
    s.types("c");
    s.sees("STOPPED  breakpoint · value, line 26");
    s.types("q");
    s.sees("Leave the debugger?");
    s.types("y");
    assert_eq!(s.exit_code(), 0);
    assert!(!s.screen.lock().unwrap().screen().alternate_screen(), "the terminal was given back");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let Some(mut s) = Session::start("inventory.py") else { return };
    s.sees("STOPPED  entry");
    let pid = s.child.process_id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    s.exit_code();
    thread::sleep(Duration::from_millis(200));
    let screen = s.screen.lock().unwrap();
    assert!(!screen.screen().alternate_screen() && !screen.screen().hide_cursor());
    assert!(!screen.screen().bracketed_paste());
}
