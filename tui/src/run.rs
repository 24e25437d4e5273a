//! Puts the parts together on a real terminal: keys in, screen out, until the user leaves.

use std::io::{self, Stdout};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use nix::sys::signal::{Signal, raise};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::app::App;
use crate::config::Config;
use crate::error::Error;
use crate::msg::Msg;
use crate::runtime::{Runner, ScreenEffect, read_history};
use crate::terminal::{self, Guard};
use crate::theme::Depth;
use crate::update::begin;
use crate::view::view;

/// How long the loop waits for news before it looks at the clock.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// Runs the terminal UI until the user leaves; returns the exit code to leave with: the program's own if it has ended.
///
/// Errors: [`Error::NoTerminal`] if standard input or output is not a terminal, [`Error::Terminal`] if it fails. In
/// both cases the terminal is as it was before.
pub fn run(config: Config) -> Result<i32, Error> {
    if !terminal::is_available() {
        return Err(Error::NoTerminal);
    }
    let mouse = config.mouse;
    let guard = Guard::new(mouse)?;
    let mut runner = Runner::new(&config);
    let keys = Keys::start(runner.reporter());
    let signals = watch_signals(runner.reporter())?;
    let mut screen = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    forget(&mut screen)?;
    let size = screen.size()?;
    let history = config.history.as_deref().map(read_history).unwrap_or_default();
    let kept = config.state.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    let mut app = App::new(config, (size.width, size.height), Depth::from_env());
    app.console.history = history;
    app.restore(&kept.unwrap_or_default());
    let code = main_loop(&mut app, &mut runner, &mut screen, &keys, mouse);
    signals.close();
    keys.stop();
    drop(runner);
    drop(guard);
    code
}

fn main_loop(
    app: &mut App,
    runner: &mut Runner,
    screen: &mut Terminal<CrosstermBackend<Stdout>>,
    keys: &Keys,
    mouse: bool,
) -> Result<i32, Error> {
    let effects = begin(app);
    runner.perform_all(effects);
    loop {
        screen.draw(|frame| view(app, frame))?;
        for effect in runner.step(app, HEARTBEAT) {
            match effect {
                ScreenEffect::Quit(code) => return Ok(code),
                ScreenEffect::Redraw => forget(screen)?,
                ScreenEffect::Suspend => away(screen, keys, mouse, || {
                    if let Err(e) = raise(Signal::SIGTSTP) {
                        tracing::warn!("cannot stop this process: {e}");
                    }
                })?,
                ScreenEffect::Edit(path, line) => {
                    let edited = path.clone();
                    away(screen, keys, mouse, || open_editor(&edited, line))?;
                    // The file may be another one now.
                    let text = std::fs::read_to_string(&path).map_err(|e| e.to_string());
                    let effects = crate::update::update(app, Msg::FileRead(path, text));
                    runner.perform_all(effects);
                }
            }
        }
        let size = screen.size()?;
        if (size.width, size.height) != app.size {
            let effects = crate::update::update(app, Msg::Resize(size.width, size.height));
            runner.perform_all(effects);
        }
    }
}

/// Gives the terminal to someone else for a while.
fn away(
    screen: &mut Terminal<CrosstermBackend<Stdout>>,
    keys: &Keys,
    mouse: bool,
    other: impl FnOnce(),
) -> io::Result<()> {
    keys.paused(|| {
        terminal::give_back();
        other();
        terminal::take(mouse)
    })?;
    forget(screen)
}

/// Clears the screen, so that all of it is drawn anew. ([`Terminal::clear`] would first ask the terminal where its cursor
/// is, and fail on one that does not answer.)
fn forget(screen: &mut Terminal<CrosstermBackend<Stdout>>) -> io::Result<()> {
    let size = screen.size()?;
    screen.resize(size.into())
}

/// Opens a file at a line in the editor that `VISUAL` or `EDITOR` names, or in vi.
fn open_editor(path: &std::path::Path, line: usize) {
    let named = ["VISUAL", "EDITOR"].iter().find_map(|v| std::env::var(v).ok().filter(|e| !e.trim().is_empty()));
    let editor = named.unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let Some(program) = words.next() else { return };
    let result = Command::new(program).args(words).arg(format!("+{line}")).arg(path).status();
    if let Err(e) = result {
        tracing::warn!("cannot start {program}: {e}");
    }
}

/// The thread that reads keys. It can be made to leave the terminal alone.
struct Keys {
    stopped: Arc<AtomicBool>,
    paused: Arc<AtomicBool>,
    reading: Arc<Mutex<()>>,
}

impl Keys {
    fn start(report: impl Fn(Msg) -> bool + Send + 'static) -> Keys {
        let keys = Keys { stopped: Default::default(), paused: Default::default(), reading: Default::default() };
        let (stopped, paused, reading) =
            (Arc::clone(&keys.stopped), Arc::clone(&keys.paused), Arc::clone(&keys.reading));
        thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                if paused.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(10));
                    continue;
                }
                let _held = reading.lock().unwrap_or_else(PoisonError::into_inner);
                let msg = match event::poll(Duration::from_millis(50)) {
                    Ok(false) => continue,
                    Ok(true) => event::read().map(message),
                    Err(e) => Err(e),
                };
                let going_on = match msg {
                    Ok(Some(msg)) => report(msg),
                    Ok(None) => true,
                    // Without a terminal there is nobody left to debug for.
                    Err(_) => {
                        report(Msg::Shutdown);
                        false
                    }
                };
                if !going_on {
                    return;
                }
            }
        });
        keys
    }

    /// Does something while the terminal is left alone.
    fn paused<T>(&self, f: impl FnOnce() -> T) -> T {
        self.paused.store(true, Ordering::SeqCst);
        let held = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f();
        drop(held);
        self.paused.store(false, Ordering::SeqCst);
        result
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Until the thread is out of its last look at the terminal. One whose terminal is gone may never come back from it.
        let deadline = Instant::now() + Duration::from_millis(300);
        while matches!(self.reading.try_lock(), Err(TryLockError::WouldBlock)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => Some(Msg::Key(key)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Mouse(mouse) => Some(Msg::Mouse(mouse)),
        Event::Resize(width, height) => Some(Msg::Resize(width, height)),
        Event::FocusGained | Event::FocusLost => None,
    }
}

/// Turns the signals that end a process into an orderly end; the second one ends it at once.
fn watch_signals(report: impl Fn(Msg) -> bool + Send + 'static) -> io::Result<signal_hook::iterator::Handle> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
    let handle = signals.handle();
    thread::spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 || !report(Msg::Shutdown) {
                terminal::give_back();
                std::process::exit(128 + signal);
            }
        }
    });
    Ok(handle)
}
