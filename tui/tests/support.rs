//! A bench for the application: keys go in, screens come out, and a scripted adapter answers its requests at once.

pub mod fake;
pub mod golden;

use std::path::{Path, PathBuf};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use taipan_tui::Config;
use taipan_tui::app::App;
use taipan_tui::dap::{Endpoint, Incoming, LaunchArguments, Message};
use taipan_tui::msg::{Effect, Msg, ProcessEnd};
use taipan_tui::theme::{Depth, ThemeChoice};
use taipan_tui::update::{begin, update};
use taipan_tui::view::view;

use fake::Fake;

/// The program that the scripted adapter pretends to run.
pub const PROGRAM: &str = "inventory.py";

/// Where fixtures and goldens are.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/tui")
}

/// A configuration for the scripted adapter.
pub fn config() -> Config {
    let launch = LaunchArguments {
        program: Some(format!("/shop/{PROGRAM}")),
        cwd: Some("/shop".to_owned()),
        stop_on_entry: true,
        just_my_code: Some(true),
        ..Default::default()
    };
    let mut config = Config::launch(vec!["taipan".into()], Endpoint::Unix("/shop/socket".into()), launch);
    config.theme = ThemeChoice::Dark;
    config
}

/// The application between keyboard, screen and a scripted adapter.
pub struct Bench {
    pub app: App,
    pub fake: Fake,
    /// What was typed into the program.
    pub typed: Vec<u8>,
    /// The exit code, once the user left.
    pub quit: Option<i32>,
    /// Effects that neither the adapter nor the files answer.
    pub others: Vec<Effect>,
}

impl Bench {
    /// A screen of this size, and a program that has just stopped at its entry.
    pub fn new(width: u16, height: u16) -> Bench {
        Bench::with(config(), width, height, Fake::new())
    }

    /// The same with another configuration or adapter.
    pub fn with(config: Config, width: u16, height: u16, fake: Fake) -> Bench {
        let app = App::new(config, (width, height), Depth::True);
        let mut bench = Bench { app, fake, typed: Vec::new(), quit: None, others: Vec::new() };
        let effects = begin(&mut bench.app);
        bench.carry_out(effects);
        bench
    }

    /// Something happens; everything that follows from it happens too.
    pub fn msg(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(generation) => {
                    self.fake.restart();
                    self.msg(Msg::Connected(generation));
                }
                Effect::Send(message) => {
                    for answer in self.fake.receive(&message) {
                        self.adapter_says(answer);
                    }
                }
                Effect::ReadFile(path) => {
                    let name = path.file_name().unwrap_or_default();
                    let text = std::fs::read_to_string(fixtures().join(name)).map_err(|e| e.kind().to_string());
                    self.msg(Msg::FileRead(path, text));
                }
                Effect::ListFiles(_) => {
                    self.msg(Msg::Files(vec!["/shop/inventory.py".into(), "/shop/lib/prices.py".into()]));
                }
                Effect::Type(bytes) => self.typed.extend(bytes),
                Effect::Quit(code) => self.quit = Some(code),
                other => self.others.push(other),
            }
        }
    }

    /// A message comes from the adapter.
    pub fn adapter_says(&mut self, message: Message) {
        let generation = self.app.session.generation;
        self.msg(Msg::Dap(generation, Incoming::Message(message)));
    }

    /// Presses keys by the names of the table: `n`, `Enter`, `Ctrl-c`, `Shift-F11`.
    pub fn press(&mut self, names: &[&str]) {
        for name in names {
            self.msg(Msg::Key(key(name)));
        }
    }

    /// Types a text.
    pub fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.msg(Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
        }
    }

    /// Types a command into the console and leaves it.
    pub fn command(&mut self, text: &str) {
        self.press(&[":"]);
        self.write(text);
        self.press(&["Enter", "Esc"]);
    }

    /// The program prints something.
    pub fn prints(&mut self, text: &str) {
        let generation = self.app.session.generation;
        self.msg(Msg::Output(generation, text.replace('\n', "\r\n").into_bytes()));
    }

    /// The program's process ends.
    pub fn ends(&mut self, end: ProcessEnd) {
        let generation = self.app.session.generation;
        self.msg(Msg::ProcessEnded(generation, end));
    }

    /// The screen's cells.
    pub fn buffer(&self) -> Buffer {
        let (width, height) = self.app.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view(&self.app, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen as text, without blanks at the ends of lines.
    pub fn screen(&self) -> String {
        text(&self.buffer())
    }

    /// The line of the screen that contains `part`.
    pub fn line(&self, part: &str) -> String {
        let screen = self.screen();
        let found = screen.lines().find(|l| l.contains(part));
        found.unwrap_or_else(|| panic!("{part:?} is not on the screen:\n{screen}")).to_owned()
    }

    /// Checks that `part` is on the screen.
    pub fn sees(&self, part: &str) {
        self.line(part);
    }

    /// Checks that `part` is not on the screen.
    pub fn sees_no(&self, part: &str) {
        let screen = self.screen();
        assert!(!screen.contains(part), "{part:?} is on the screen:\n{screen}");
    }
}

/// The text of a buffer.
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in 0..area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = taipan_tui::widgets::text::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The key of a name.
pub fn key(name: &str) -> KeyEvent {
    let mut modifiers = KeyModifiers::NONE;
    let mut rest = name;
    for (prefix, modifier) in
        [("Ctrl-", KeyModifiers::CONTROL), ("Alt-", KeyModifiers::ALT), ("Shift-", KeyModifiers::SHIFT)]
    {
        if let Some(stripped) = rest.strip_prefix(prefix) {
            modifiers |= modifier;
            rest = stripped;
        }
    }
    let code = match rest {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        "Tab" => KeyCode::Tab,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Delete" => KeyCode::Delete,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PageUp" => KeyCode::PageUp,
        "PageDown" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        _ if rest.len() > 1 && rest.starts_with('F') => KeyCode::F(rest[1..].parse().unwrap()),
        _ => KeyCode::Char(rest.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}
