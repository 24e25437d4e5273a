//! The model: everything that the screen shows and that the keys change, as plain data.
//!
//! [`crate::update`] changes it, [`crate::view`] draws it; neither keeps anything of its own.

pub mod breakpoints;
pub mod console;
pub mod dialog;
mod keep;
pub mod session;
pub mod sources;
pub mod stack;
pub mod terminal;
pub mod tree;

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::dap::{Message, Request, StackFrame};
use crate::msg::Effect;
use crate::theme::{Depth, Theme, ThemeChoice};
use crate::widgets::list::ListCursor;

use breakpoints::Breakpoints;
use console::Console;
use dialog::{Dialog, Question};
use session::{Pending, Phase, Session};
use sources::{SourceKey, SourceView, Sources};
use terminal::ProgramTerminal;
use tree::TreePane;

/// A part of the screen that can have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// The program's text.
    Source,
    /// The variables of the frame looked at.
    Variables,
    /// Expressions evaluated at every stop.
    Watches,
    /// Threads and their frames.
    Stack,
    /// Breakpoints and exception kinds.
    Breakpoints,
    /// The program's terminal.
    Output,
    /// Commands and their answers.
    Console,
}

impl Pane {
    /// All panes, in the order in which Tab goes through them.
    pub const ALL: [Pane; 7] =
        [Pane::Source, Pane::Variables, Pane::Watches, Pane::Stack, Pane::Breakpoints, Pane::Output, Pane::Console];

    /// The digit that focuses it.
    pub fn digit(self) -> usize {
        self as usize + 1
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Pane::Source => "Source",
            Pane::Variables => "Variables",
            Pane::Watches => "Watches",
            Pane::Stack => "Stack",
            Pane::Breakpoints => "Breakpoints",
            Pane::Output => "Output",
            Pane::Console => "Console",
        }
    }

    /// Whether letters typed there are text and not commands of the debugger.
    pub fn takes_typing(self) -> bool {
        matches!(self, Pane::Output | Pane::Console)
    }
}

/// How a message for the user is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// For information.
    Note,
    /// Something did not work.
    Problem,
}

/// A message for the user, in place of the hints until the next key or for some seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The message.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// When it was said, in milliseconds.
    pub since: u64,
}

/// The whole state of the application.
#[derive(Debug)]
pub struct App {
    /// What the caller decided.
    pub config: Config,
    /// The colours chosen.
    pub theme_choice: ThemeChoice,
    /// The colours of the terminal.
    pub depth: Depth,
    /// The styles that follow from both.
    pub theme: Theme,
    /// Columns and rows of the screen.
    pub size: (u16, u16),
    /// Milliseconds since the start.
    pub now: u64,
    /// The pane that has the keys.
    pub focus: Pane,
    /// Whether that pane is shown alone.
    pub zoomed: bool,
    /// Which of output and console is shown below when there is room for one only.
    pub bottom: Pane,
    /// Cells added to the right column by the user.
    pub side_extra: i16,
    /// Rows added to the lower panes by the user.
    pub bottom_extra: i16,
    /// The debugging session.
    pub session: Session,
    /// The source texts known.
    pub sources: Sources,
    /// The source shown.
    pub view: SourceView,
    /// Variables of the frame looked at.
    pub variables: TreePane,
    /// Watched expressions, in order.
    pub watch_expressions: Vec<String>,
    /// Their values.
    pub watches: TreePane,
    /// All breakpoints.
    pub breakpoints: Breakpoints,
    /// The cursor in the list of breakpoints.
    pub breakpoint_cursor: ListCursor,
    /// The cursor in the stack.
    pub stack_cursor: ListCursor,
    /// The program's terminal.
    pub terminal: ProgramTerminal,
    /// Commands and answers.
    pub console: Console,
    /// What lies over the panes, if anything.
    pub dialog: Option<Dialog>,
    /// A message for the user.
    pub status: Option<Status>,
    /// Whether program output arrived that nobody has looked at.
    pub output_unseen: bool,
    /// Python files below the working directory, once they were listed.
    pub files: Vec<PathBuf>,
    pub(crate) effects: Vec<Effect>,
}

impl App {
    /// The state at the start, for a screen of `size` columns and rows.
    pub fn new(config: Config, size: (u16, u16), depth: Depth) -> App {
        let theme_choice = config.theme;
        let mut app = App {
            theme: Theme::new(theme_choice, depth),
            theme_choice,
            depth,
            size,
            now: 0,
            focus: Pane::Source,
            zoomed: false,
            bottom: Pane::Output,
            side_extra: 0,
            bottom_extra: 0,
            session: Session::new(),
            sources: Sources::default(),
            view: SourceView::default(),
            variables: TreePane::new(Pane::Variables),
            watch_expressions: Vec::new(),
            watches: TreePane::new(Pane::Watches),
            breakpoints: Breakpoints::default(),
            breakpoint_cursor: ListCursor::default(),
            stack_cursor: ListCursor::default(),
            terminal: ProgramTerminal::new(80, 6),
            console: Console::default(),
            dialog: None,
            status: None,
            output_unseen: false,
            files: Vec::new(),
            effects: Vec::new(),
            config,
        };
        if let Some(script) = app.config.script.clone() {
            app.show_source(SourceKey::File(app.absolute(&script)), None);
        }
        app
    }

    /// Asks the world for something.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Sends a request of command `C` and remembers what its answer is for.
    pub(crate) fn request<C: crate::dap::Command>(&mut self, arguments: &C::Arguments, pending: Pending) {
        let seq = self.session.register(pending);
        self.effect(Effect::Send(Message::Request(Request::new::<C>(seq, arguments))));
    }

    /// Tells the user something.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.status = Some(Status { text: text.into(), tone: Tone::Note, since: self.now });
    }

    /// Tells the user that something did not work.
    pub(crate) fn problem(&mut self, text: impl Into<String>) {
        self.status = Some(Status { text: text.into(), tone: Tone::Problem, since: self.now });
    }

    /// `path`, as seen from the program's directory.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        let joined = self.config.cwd.join(path);
        normalize(&joined)
    }

    /// A path for the user: relative to the program's directory if it lies below it.
    pub fn short_path(&self, path: &Path) -> String {
        path.strip_prefix(&self.config.cwd).unwrap_or(path).display().to_string()
    }

    /// Shows a source, at `line` (from 1) if given, and loads it if need be.
    pub(crate) fn show_source(&mut self, key: SourceKey, line: Option<usize>) {
        if self.sources.begin_loading(&key) {
            self.load_source(&key);
        }
        self.view.show(key, line);
    }

    /// Asks for the text of a source: of a file from the disk, of anything else from the adapter.
    pub(crate) fn load_source(&mut self, key: &SourceKey) {
        match key {
            SourceKey::File(path) => self.effect(Effect::ReadFile(path.clone())),
            SourceKey::Reference(reference, name) => {
                let arguments = crate::dap::SourceArguments {
                    source: Some(crate::dap::Source {
                        name: Some(name.clone()),
                        source_reference: Some(*reference),
                        ..Default::default()
                    }),
                    source_reference: *reference,
                };
                self.request::<crate::dap::request::SourceText>(&arguments, Pending::SourceText(key.clone()));
            }
        }
    }

    /// The source of a frame, if it has one.
    pub fn frame_source(&self, frame: &StackFrame) -> Option<SourceKey> {
        let source = frame.source.as_ref()?;
        match (source.source_reference, &source.path) {
            (Some(reference), _) if reference > 0 => {
                let name = source.name.clone().or_else(|| source.path.clone()).unwrap_or_default();
                Some(SourceKey::Reference(reference, name))
            }
            (_, Some(path)) => Some(SourceKey::File(self.absolute(Path::new(path)))),
            _ => None,
        }
    }

    /// A question in words.
    pub fn question(&self, question: Question) -> String {
        let fate = if self.has_terminal() { "The program will be ended." } else { "The program stays as it is." };
        match question {
            Question::Quit => format!("Leave the debugger? {fate}"),
            Question::Restart => "End the program and start it anew?".to_owned(),
            Question::ClearBreakpoints => "Remove all breakpoints?".to_owned(),
        }
    }

    /// Whether a program stands still and can be looked at.
    pub fn is_stopped(&self) -> bool {
        self.session.phase == Phase::Stopped
    }

    /// Whether the program has been running for so long that what is shown should look out of date.
    pub fn is_stale(&self) -> bool {
        self.session.phase != Phase::Stopped && self.now.saturating_sub(self.session.phase_since) >= 150
    }
}

/// `path` without `.` and `..`, as text: links are left alone, because the adapter knows the path by this name.
fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
