//! Real processes, terminals and sockets: the runner with a shell as the program and a scripted adapter behind a socket.

use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use taipan_tui::app::App;
use taipan_tui::app::session::Phase;
use taipan_tui::dap::{Endpoint, LaunchArguments, Message, MessageReader, write_message};
use taipan_tui::msg::{Msg, ProcessEnd};
use taipan_tui::runtime::{Runner, ScreenEffect};
use taipan_tui::theme::Depth;
use taipan_tui::update::{begin, update};
use taipan_tui::{Config, PrivateDirectory};

use super::support::fake::Fake;
use super::support::key;

/// The application with a real runner.
struct Live {
    app: App,
    runner: Runner,
    quit: Option<i32>,
}

impl Live {
    fn start(config: Config) -> Live {
        let mut runner = Runner::new(&config);
        let mut app = App::new(config, (100, 30), Depth::True);
        let effects = begin(&mut app);
        runner.perform_all(effects);
        Live { app, runner, quit: None }
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&App) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !done(&self.app) {
            assert!(Instant::now() < deadline, "waited in vain for {what}; output: {}", self.output());
            let effects = self.runner.step(&mut self.app, Duration::from_millis(50));
            self.note(effects);
        }
    }

    fn note(&mut self, effects: Vec<ScreenEffect>) {
        for effect in effects {
            if let ScreenEffect::Quit(code) = effect {
                self.quit = Some(code);
            }
        }
    }

    fn press(&mut self, names: &[&str]) {
        for name in names {
            let effects = update(&mut self.app, Msg::Key(key(name)));
            let rest = self.runner.perform_all(effects);
            self.note(rest);
        }
    }

    fn output(&self) -> String {
        self.app.terminal.screen().contents()
    }
}

/// Serves connections on a socket with the scripted adapter, one after the other.
fn serve(listener: UnixListener) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut fake = Fake::new();
            fake.keeps_running = true;
            let Ok(mut writer) = stream.try_clone() else { return };
            let mut reader = MessageReader::new(stream);
            while let Ok(Some(message @ Message::Request(_))) = reader.read() {
                for answer in fake.receive(&message) {
                    if write_message(&mut writer, &answer).is_err() {
                        break;
                    }
                }
            }
        }
    });
}

fn shell(script: &str, endpoint: Endpoint) -> Config {
    let launch = LaunchArguments { program: Some("/shop/inventory.py".to_owned()), ..Default::default() };
    let command = ["sh", "-c", script].map(Into::into).to_vec();
    let mut config = Config::launch(command, endpoint, launch);
    config.cwd = std::env::temp_dir();
    config
}

#[test]
fn a_program_on_a_terminal_of_its_own() {
    let directory = PrivateDirectory::new().unwrap();
    // The runner removes what is left of an old socket before it starts the program, so the adapter listens elsewhere
    // and the program puts its socket in place.
    let (hidden, socket) = (directory.path().join("hidden"), directory.path().join("socket"));
    serve(UnixListener::bind(&hidden).unwrap());
    std::fs::write(&socket, "left over").unwrap();
    let script = format!(
        "test -t 0 && test -t 1 && echo on a terminal; ln -s {} {}; read x; echo got $x; stty size; exit 3",
        hidden.display(),
        socket.display()
    );
    let mut live = Live::start(shell(&script, Endpoint::Unix(socket)));
    live.until("the stop at entry", |app| app.session.phase == Phase::Stopped);
    live.until("the program's first words", |app| app.terminal.screen().contents().contains("on a terminal"));
    live.press(&["c", "o", "h", "i", "Enter"]);
    live.until("the answer", |app| app.terminal.screen().contents().contains("got hi"));
    live.until("the end", |app| app.session.process_end.is_some());
    assert_eq!(live.app.session.process_end, Some(ProcessEnd::Code(3)));
    assert_eq!(live.app.session.phase, Phase::Finished);
    let (cols, rows) = live.app.terminal.size();
    assert!(live.output().contains(&format!("{rows} {cols}")), "{}", live.output());
    live.press(&["Esc", "q"]);
    assert_eq!(live.quit, Some(3));
}

#[test]
fn leaving_ends_the_program_even_if_it_does_not_want_to() {
    let directory = PrivateDirectory::new().unwrap();
    let (hidden, socket) = (directory.path().join("hidden"), directory.path().join("socket"));
    serve(UnixListener::bind(&hidden).unwrap());
    let script = format!(
        "trap '' HUP TERM; ln -s {} {}; echo pid $$; while :; do sleep 0.1; done",
        hidden.display(),
        socket.display()
    );
    let mut live = Live::start(shell(&script, Endpoint::Unix(socket)));
    live.until("the pid", |app| {
        app.terminal.screen().contents().contains("pid ") && app.session.phase == Phase::Stopped
    });
    let output = live.output();
    let pid = output.split("pid ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    live.press(&["q", "y"]);
    assert_eq!(live.quit, Some(0));
    let alive = Command::new("kill").args(["-0", &pid]).stderr(Stdio::null()).status().unwrap().success();
    assert!(!alive, "{pid} is still there");
}

#[test]
fn a_program_that_prints_without_end_leaves_the_keys_alive() {
    let directory = PrivateDirectory::new().unwrap();
    let (hidden, socket) = (directory.path().join("hidden"), directory.path().join("socket"));
    serve(UnixListener::bind(&hidden).unwrap());
    let script = format!("ln -s {} {}; yes endless", hidden.display(), socket.display());
    let mut live = Live::start(shell(&script, Endpoint::Unix(socket)));
    live.until("the stop", |app| app.session.phase == Phase::Stopped);
    live.until("output", |app| app.terminal.screen().contents().contains("endless"));
    for _ in 0..50 {
        let started = Instant::now();
        let effects = live.runner.step(&mut live.app, Duration::from_millis(50));
        live.note(effects);
        assert!(started.elapsed() < Duration::from_secs(3), "one round took {:?}", started.elapsed());
    }
    live.press(&["q", "y"]);
    assert_eq!(live.quit, Some(0));
}

#[test]
fn what_cannot_be_started_is_told() {
    let directory = PrivateDirectory::new().unwrap();
    let mut config = shell("", Endpoint::Unix(directory.path().join("s")));
    if let taipan_tui::Start::Spawn(spawn) = &mut config.start {
        spawn.command = vec!["/nonexistent/python".into()];
    }
    let mut live = Live::start(config);
    live.until("the failure", |app| matches!(app.session.phase, Phase::Failed(_)));
    let Phase::Failed(why) = &live.app.session.phase else { panic!() };
    assert!(why.contains("/nonexistent/python"), "{why}");

    let mut live = Live::start(shell("echo no such option; exit 2", Endpoint::Unix(directory.path().join("s"))));
    live.until("the failure", |app| matches!(app.session.phase, Phase::Failed(_)));
    let Phase::Failed(why) = &live.app.session.phase else { panic!() };
    assert!(why.contains("finished with exit code 2"), "{why}");
    assert!(live.output().contains("no such option"));
}

#[test]
fn without_a_terminal_there_is_one_clear_line() {
    let Some(example) = example() else { return };
    let output = Command::new(example).args(["python3", "x.py"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, "debugpy: the debugger's screen needs a terminal on standard input and output\n");
}

/// The example that debugs with debugpy; cargo builds it before the tests.
pub fn example() -> Option<std::path::PathBuf> {
    let exe = std::env::current_exe().unwrap();
    let path = exe.parent().unwrap().parent().unwrap().join("examples/debugpy");
    if !path.exists() {
        eprintln!("skipped: {} was not built", path.display());
        return None;
    }
    Some(path)
}
