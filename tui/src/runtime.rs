//! Carries out effects and collects what happens: the only part that meets processes, sockets, files and the clock.
//!
//! The screen's thread runs [`Runner::wait`], then [`crate::update`], then draws; everything that could block has a
//! thread of its own and reports to a channel. Program output has a channel with a bound, so that a program that prints
//! without end is slowed down instead of filling the memory.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select, unbounded};

use crate::app::App;
use crate::config::{Config, Start};
use crate::dap::{Client, Endpoint, Message};
use crate::debuggee::{Debuggee, Report};
use crate::msg::{Effect, Msg};
use crate::update::update;

/// How long a program that was started may take until its adapter listens.
const PATIENCE: Duration = Duration::from_secs(30);
/// Chunks of output waiting to be shown.
const OUTPUT_BOUND: usize = 64;
/// Chunks of output taken before the screen is drawn again.
const OUTPUT_BATCH: usize = 32;
/// Source files longer than this are not shown.
const MAX_SOURCE: u64 = 16 * 1024 * 1024;
/// At most this many files are offered to be shown.
const MAX_FILES: usize = 5_000;

/// What threads report.
enum News {
    Happened(Msg),
    /// The adapter of this generation was reached: messages go here.
    Linked(u32, Sender<Message>),
}

/// An effect that concerns the screen, which the runner does not have.
#[derive(Debug, Clone, PartialEq)]
pub enum ScreenEffect {
    /// Draw everything anew.
    Redraw,
    /// Stop this process and come back later.
    Suspend,
    /// Open a file at a line in the user's editor.
    Edit(PathBuf, usize),
    /// Leave with this exit code.
    Quit(i32),
}

/// The world as the application sees it.
pub struct Runner {
    start: Start,
    history: Option<PathBuf>,
    state: Option<PathBuf>,
    started: Instant,
    sender: Sender<News>,
    news: Receiver<News>,
    output_sender: Sender<(u32, Vec<u8>)>,
    output: Receiver<(u32, Vec<u8>)>,
    link: Option<Sender<Message>>,
    generation: u32,
    debuggee: Option<Debuggee>,
    terminal_size: (u16, u16),
    disconnecting: bool,
}

impl Runner {
    /// A world in which nothing runs yet.
    pub fn new(config: &Config) -> Runner {
        let (sender, news) = unbounded();
        let (output_sender, output) = bounded(OUTPUT_BOUND);
        Runner {
            start: config.start.clone(),
            history: config.history.clone(),
            state: config.state.clone(),
            started: Instant::now(),
            sender,
            news,
            output_sender,
            output,
            link: None,
            generation: 0,
            debuggee: None,
            terminal_size: (80, 24),
            disconnecting: false,
        }
    }

    /// A handle for others to report what happened, for example keys.
    pub fn reporter(&self) -> impl Fn(Msg) -> bool + Send + Clone + 'static {
        let sender = self.sender.clone();
        move |msg| sender.send(News::Happened(msg)).is_ok()
    }

    /// Waits until something happens, but not longer than `timeout`, lets the application know all that has happened,
    /// and carries out what it wants; what concerns the screen is returned.
    pub fn step(&mut self, app: &mut App, timeout: Duration) -> Vec<ScreenEffect> {
        let mut rest = Vec::new();
        for msg in self.wait(timeout) {
            let effects = update(app, msg);
            rest.extend(self.perform_all(effects));
        }
        rest
    }

    /// What happened: waits for the first thing, but not longer than `timeout`.
    fn wait(&mut self, timeout: Duration) -> Vec<Msg> {
        let mut first_news = None;
        let mut first_output = None;
        select! {
            recv(self.news) -> news => first_news = news.ok(),
            recv(self.output) -> chunk => first_output = chunk.ok(),
            default(timeout) => {}
        }
        let elapsed = self.started.elapsed().as_millis();
        let mut msgs = vec![Msg::Tick(u64::try_from(elapsed).unwrap_or(u64::MAX))];
        // Output first: a program's last words come before the news of its end.
        let chunks = first_output.into_iter().chain(self.output.try_iter().take(OUTPUT_BATCH));
        for (generation, bytes) in chunks {
            match msgs.last_mut() {
                Some(Msg::Output(last, all)) if *last == generation => all.extend(bytes),
                _ => msgs.push(Msg::Output(generation, bytes)),
            }
        }
        let news: Vec<News> = first_news.into_iter().chain(self.news.try_iter().take(1_000)).collect();
        for item in news {
            match item {
                News::Happened(msg) => msgs.push(msg),
                News::Linked(generation, link) if generation == self.generation => {
                    self.link = Some(link);
                    msgs.push(Msg::Connected(generation));
                }
                News::Linked(..) => {}
            }
        }
        msgs
    }

    /// Carries out effects; what concerns the screen is returned.
    pub fn perform_all(&mut self, effects: Vec<Effect>) -> Vec<ScreenEffect> {
        effects.into_iter().filter_map(|e| self.perform(e)).collect()
    }

    fn perform(&mut self, effect: Effect) -> Option<ScreenEffect> {
        match effect {
            Effect::Start(generation) => self.start(generation),
            Effect::Stop => self.stop(),
            Effect::Send(message) => self.send(message),
            Effect::Type(bytes) => {
                if let Some(debuggee) = &self.debuggee {
                    debuggee.type_keys(bytes);
                }
            }
            Effect::ResizeTerminal(cols, rows) => {
                self.terminal_size = (cols, rows);
                if let Some(debuggee) = &self.debuggee {
                    debuggee.resize(cols, rows);
                }
            }
            Effect::ReadFile(path) => {
                let text = read_source(&path);
                self.report(Msg::FileRead(path, text));
            }
            Effect::ListFiles(directory) => {
                let report = self.reporter();
                thread::spawn(move || report(Msg::Files(python_files(&directory))));
            }
            Effect::Remember(line) => self.remember(&line),
            Effect::Keep(text) => self.keep(&text),
            Effect::Edit(path, line) => return Some(ScreenEffect::Edit(path, line)),
            Effect::Suspend => return Some(ScreenEffect::Suspend),
            Effect::Redraw => return Some(ScreenEffect::Redraw),
            Effect::Quit(code) => return Some(ScreenEffect::Quit(code)),
        }
        None
    }

    fn report(&self, msg: Msg) {
        // The receiver lives as long as this runner.
        let _ = self.sender.send(News::Happened(msg));
    }

    fn send(&mut self, message: Message) {
        if let Message::Request(request) = &message {
            self.disconnecting |= request.command == "disconnect";
        }
        if let Some(link) = &self.link {
            // A closed connection reports itself.
            let _ = link.send(message);
        }
    }

    fn start(&mut self, generation: u32) {
        self.stop();
        self.generation = generation;
        match self.start.clone() {
            Start::Connect(endpoint) => self.connect(generation, endpoint, Duration::from_secs(5), || true),
            Start::Spawn(spawn) => {
                let spawn = match spawn.with_free_port() {
                    Ok(spawn) => spawn,
                    Err(e) => return self.report(Msg::StartFailed(generation, format!("no free port: {e}"))),
                };
                let (output, sender) = (self.output_sender.clone(), self.sender.clone());
                let report = move |report| {
                    // Nobody listens any more only when the screen is gone.
                    let _ = match report {
                        Report::Output(bytes) => output.send((generation, bytes)).is_ok(),
                        Report::Ended(end) => sender.send(News::Happened(Msg::ProcessEnded(generation, end))).is_ok(),
                    };
                };
                match Debuggee::start(&spawn, self.terminal_size, report) {
                    Ok(debuggee) => {
                        let ended = debuggee.end_flag();
                        self.debuggee = Some(debuggee);
                        let alive = move || !ended.load(std::sync::atomic::Ordering::SeqCst);
                        self.connect(generation, spawn.endpoint, PATIENCE, alive);
                    }
                    Err(why) => self.report(Msg::StartFailed(generation, why)),
                }
            }
        }
    }

    /// Connects in a thread of its own and hands on whatever arrives.
    fn connect(
        &self,
        generation: u32,
        endpoint: Endpoint,
        patience: Duration,
        alive: impl Fn() -> bool + Send + 'static,
    ) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            let (reader, writer) = match endpoint.connect(patience, &alive) {
                Ok(pair) => pair,
                // A program that ended before its adapter listened reports its end itself.
                Err(_) if !alive() => return,
                Err(e) => {
                    let why = format!("cannot reach the debugger at {endpoint}: {e}");
                    let _ = sender.send(News::Happened(Msg::StartFailed(generation, why)));
                    return;
                }
            };
            let (link, arriving) = Client::new(reader, writer).into_channels();
            if sender.send(News::Linked(generation, link)).is_err() {
                return;
            }
            for incoming in arriving {
                if sender.send(News::Happened(Msg::Dap(generation, incoming))).is_err() {
                    return;
                }
            }
        });
    }

    /// Ends what was started and closes the connection.
    fn stop(&mut self) {
        let polite = std::mem::take(&mut self.disconnecting);
        self.link = None;
        match self.debuggee.take() {
            Some(debuggee) => {
                // A program that prints while it ends must not wait for a screen that waits for it.
                let output = self.output.clone();
                let ended = debuggee.end_flag();
                let drain = thread::spawn(move || {
                    while !ended.load(std::sync::atomic::Ordering::SeqCst) {
                        let _ = output.recv_timeout(Duration::from_millis(10));
                    }
                });
                if polite {
                    debuggee.wait(Duration::from_millis(500));
                }
                drop(debuggee);
                let _ = drain.join();
            }
            // The farewell must be on its way before this process ends.
            None if polite => thread::sleep(Duration::from_millis(100)),
            None => {}
        }
    }

    /// Writes what is kept beside its place first, so that a full disk leaves the old one whole.
    fn keep(&self, text: &str) {
        let Some(path) = &self.state else { return };
        let beside = path.with_extension("new");
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        if let Err(e) = written.and_then(|()| fs::write(&beside, text)).and_then(|()| fs::rename(&beside, path)) {
            tracing::warn!("cannot keep the session in {}: {e}", path.display());
        }
    }

    fn remember(&self, line: &str) {
        let Some(path) = &self.history else { return };
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
            writeln!(file, "{line}")
        });
        if let Err(e) = written {
            tracing::warn!("cannot keep the history in {}: {e}", path.display());
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The lines of a history file; none if there is no such file.
pub(crate) fn read_history(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect()
}

/// The text of a source file. What is not UTF-8 is taken for Latin-1, in which every byte is a character.
fn read_source(path: &Path) -> Result<String, String> {
    let describe = |e: std::io::Error| e.to_string();
    let metadata = fs::metadata(path).map_err(describe)?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    if metadata.len() > MAX_SOURCE {
        return Err(format!("it has {} bytes", metadata.len()));
    }
    let bytes = fs::read(path).map_err(describe)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect()))
}

/// The Python files below a directory, sorted; hidden directories, caches and virtual environments are left out.
fn python_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || name == "__pycache__" || name == "node_modules" {
                continue;
            }
            match entry.file_type() {
                Ok(t) if t.is_dir() && depth < 8 && !path.join("pyvenv.cfg").exists() => open.push((path, depth + 1)),
                Ok(t) if t.is_file() && name.ends_with(".py") => files.push(path),
                _ => {}
            }
            if files.len() >= MAX_FILES {
                files.sort();
                return files;
            }
        }
    }
    files.sort();
    files
}
