//! The one function that changes the model: something happened, and this is what is to be done about it.
//!
//! It never waits and never touches the world: it returns [`Effect`]s, which [`crate::runtime`] carries out.

mod actions;
mod breakpoints;
mod command_line;
mod dialogs;
mod mouse;
mod protocol;
mod start;
mod stop;

pub use breakpoints::BreakpointRow;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::app::dialog::Dialog;
use crate::app::sources::{SourceKey, SourceText};
use crate::app::{App, Pane, stack};
use crate::keys;
use crate::layout::layout;
use crate::msg::{Effect, Msg};

/// Changes `app` by what happened and returns what is to be done.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) if key.kind != KeyEventKind::Release => app.key(key),
        Msg::Key(_) => {}
        Msg::Paste(text) => app.paste(&text),
        Msg::Mouse(event) => app.mouse(event),
        Msg::Resize(width, height) => app.size = (width, height),
        Msg::Tick(now) => app.tick(now),
        Msg::Connected(generation) if generation == app.session.generation => app.connected(),
        Msg::StartFailed(generation, why) if generation == app.session.generation => app.failed(why),
        Msg::Dap(generation, incoming) if generation == app.session.generation => app.incoming(incoming),
        Msg::Output(generation, bytes) if generation == app.session.generation => app.program_wrote(&bytes),
        Msg::ProcessEnded(generation, end) if generation == app.session.generation => app.process_ended(end),
        // News of a program that was replaced meanwhile.
        Msg::Connected(_) | Msg::StartFailed(..) | Msg::Dap(..) | Msg::Output(..) | Msg::ProcessEnded(..) => {}
        Msg::FileRead(path, text) => app.file_read(SourceKey::File(path), text),
        Msg::Files(files) => app.files_listed(files),
        Msg::Shutdown => app.leave(),
    }
    app.settle();
    std::mem::take(&mut app.effects)
}

/// The effects that begin the first session.
pub fn begin(app: &mut App) -> Vec<Effect> {
    app.start();
    app.settle();
    std::mem::take(&mut app.effects)
}

/// Messages go away after this many milliseconds.
const STATUS_TIME: u64 = 6_000;

impl App {
    fn tick(&mut self, now: u64) {
        self.now = now;
        if self.status.as_ref().is_some_and(|s| now.saturating_sub(s.since) >= STATUS_TIME) {
            self.status = None;
        }
    }

    fn key(&mut self, key: KeyEvent) {
        self.status = None;
        if self.dialog.is_some() {
            self.dialog_key(key);
            return;
        }
        if let Some(action) = keys::action(key, self.focus) {
            let to_program = self.focus == Pane::Output
                && self.terminal.is_full_screen()
                && matches!(key.code, KeyCode::Esc | KeyCode::PageUp | KeyCode::PageDown);
            if !to_program {
                self.act(action);
                return;
            }
        }
        match self.focus {
            Pane::Output => self.type_into_program(key),
            Pane::Console => self.console_key(key),
            _ => {
                let name = keys::key_name(key);
                if !matches!(key.code, KeyCode::Modifier(_) | KeyCode::CapsLock | KeyCode::NumLock) {
                    self.note(format!("{name} does nothing here; ? lists the keys"));
                }
            }
        }
    }

    fn type_into_program(&mut self, key: KeyEvent) {
        let bytes = self.terminal.key_bytes(key);
        if bytes.is_empty() {
            return;
        }
        self.terminal.scroll_to_end();
        if !self.session.is_alive() {
            self.note("the program has ended: Esc, then R starts it anew");
        } else if !self.has_terminal() {
            self.note("this program's input is elsewhere: it was not started from here");
        } else {
            self.effect(Effect::Type(bytes));
        }
    }

    /// Whether the program runs on a terminal of ours.
    pub(crate) fn has_terminal(&self) -> bool {
        matches!(self.config.start, crate::config::Start::Spawn(_))
    }

    fn paste(&mut self, text: &str) {
        let to_program = self.session.is_alive() && self.has_terminal();
        match (&mut self.dialog, self.focus) {
            (Some(Dialog::Prompt(p)), _) => p.editor.insert(text),
            (Some(Dialog::Picker(p)), _) => p.editor.insert(text),
            (Some(Dialog::Breakpoint(f)), _) if f.selected < 3 => f.fields[f.selected].insert(text),
            (Some(_), _) => {}
            (None, Pane::Output) if to_program => {
                let bytes = self.terminal.paste_bytes(text);
                self.effect(Effect::Type(bytes));
            }
            (None, Pane::Console) => self.console.editor.insert(text),
            _ => {}
        }
    }

    fn program_wrote(&mut self, bytes: &[u8]) {
        self.terminal.write(bytes);
        self.output_unseen = true;
    }

    /// A source's text has come, or will not.
    fn file_read(&mut self, key: SourceKey, text: Result<String, String>) {
        // A file that is not here may still be known to the adapter, for example one of a remote program.
        self.sources.set(key, text);
    }

    fn console_key(&mut self, key: KeyEvent) {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc if self.console.completion.is_some() => self.console.completion = None,
            KeyCode::Esc => self.focus(Pane::Source),
            KeyCode::Char('c' | 'g') if ctrl => {
                let busy = self.session.phase == crate::app::session::Phase::Running || self.session.is_evaluating();
                if self.console.editor.text().is_empty() && busy {
                    self.act(keys::Action::Pause);
                } else {
                    self.console.editor.take();
                    self.console.completion = None;
                }
            }
            KeyCode::Char('d') if ctrl && self.console.editor.text().is_empty() => self.act(keys::Action::Quit),
            KeyCode::Char('p') if ctrl => self.console.older(),
            KeyCode::Char('n') if ctrl => self.console.newer(),
            KeyCode::Up => self.console.older(),
            KeyCode::Down => self.console.newer(),
            KeyCode::PageUp => self.console.scroll += self.page(Pane::Console),
            KeyCode::PageDown => self.console.scroll = self.console.scroll.saturating_sub(self.page(Pane::Console)),
            KeyCode::Tab if self.console.completion.is_some() => self.console.cycle(false),
            KeyCode::BackTab if self.console.completion.is_some() => self.console.cycle(true),
            KeyCode::Tab if self.console.editor.text().trim().is_empty() => self.act(keys::Action::FocusNext),
            KeyCode::BackTab => self.act(keys::Action::FocusPrevious),
            KeyCode::Tab => self.ask_completions(),
            KeyCode::Enter => self.submit_console(),
            _ => {
                self.console.completion = None;
                self.console.editor.key(key);
            }
        }
    }

    /// Gives the keys to a pane.
    pub(crate) fn focus(&mut self, pane: Pane) {
        self.focus = pane;
        if pane.takes_typing() {
            self.bottom = pane;
        }
    }

    /// Rows of a pane on the screen, less one: how far a page moves.
    fn page(&self, pane: Pane) -> usize {
        layout(self).place(pane).map_or(10, |p| usize::from(p.content.height)).saturating_sub(1).max(1)
    }

    /// The number of lines of the source shown.
    pub(crate) fn source_len(&self) -> usize {
        self.view.key.as_ref().map_or(0, |k| self.sources.lines(k).len())
    }

    /// Brings everything that depends on the size of the screen in line with it.
    fn settle(&mut self) {
        let layout = layout(self);
        let height = |pane: Pane| layout.place(pane).map_or(0, |p| usize::from(p.content.height));
        if let Some(key) = &self.view.key
            && matches!(self.sources.get(key), Some(SourceText::Loaded { .. }))
        {
            let len = self.source_len();
            self.view.at.cursor = self.view.at.cursor.min(len.saturating_sub(1));
            self.view.settle(len, height(Pane::Source));
        }
        self.variables.cursor.settle(self.variables.visible().len(), height(Pane::Variables));
        self.watches.cursor.settle(self.watches.visible().len(), height(Pane::Watches));
        self.stack_cursor.settle(stack::rows(self).len(), height(Pane::Stack));
        self.breakpoint_cursor.settle(self.breakpoint_rows().len(), height(Pane::Breakpoints));
        if let Some(place) = layout.place(Pane::Output) {
            self.output_unseen = false;
            let (cols, rows) = (place.content.width, place.content.height);
            if cols > 0 && rows > 0 && self.terminal.resize(cols, rows) {
                self.effect(Effect::ResizeTerminal(cols, rows));
            }
        }
        match &self.dialog {
            Some(Dialog::Help(_)) => self.settle_help(),
            Some(Dialog::Text(_)) => self.settle_text(),
            _ => {}
        }
        if self.console.scroll == 0 {
            return;
        }
        let most = crate::panes::console::rows(self, layout.place(Pane::Console).map_or(80, |p| p.content.width));
        self.console.scroll = self.console.scroll.min((most + 1).saturating_sub(height(Pane::Console)));
    }

    fn settle_help(&mut self) {
        let last = crate::panes::help::last_scroll(self);
        if let Some(Dialog::Help(view)) = &mut self.dialog {
            view.scroll = view.scroll.min(last);
        }
    }

    fn settle_text(&mut self) {
        let Some(Dialog::Text(view)) = &self.dialog else { return };
        let last = crate::panes::dialog::last_scroll(self, view);
        if let Some(Dialog::Text(view)) = &mut self.dialog {
            view.scroll = view.scroll.min(last);
        }
    }
}
