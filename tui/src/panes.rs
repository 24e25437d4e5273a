//! One file per pane: each draws itself into a rectangle and knows nothing of the others.

pub mod breakpoints;
pub mod console;
pub mod dialog;
pub mod help;
pub mod output;
pub mod source;
pub mod stack;
pub mod tree;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::Style;
use unicode_width::UnicodeWidthChar;

use crate::app::session::Phase;
use crate::app::{App, Pane};
use crate::highlight::highlight;
use crate::layout::Place;
use crate::theme::Theme;
use crate::view::put;
use crate::widgets::line_editor::LineEditor;
use crate::widgets::text;

/// Draws the content of a pane and returns where it wants the cursor.
pub fn draw(app: &App, buf: &mut Buffer, place: &Place) -> Option<Position> {
    let area = place.content;
    if area.height == 0 || area.width == 0 {
        return None;
    }
    match place.pane {
        Pane::Source => source::draw(app, buf, area),
        Pane::Variables => tree::draw(app, &app.variables, buf, area),
        Pane::Watches => tree::draw(app, &app.watches, buf, area),
        Pane::Stack => stack::draw(app, buf, area),
        Pane::Breakpoints => breakpoints::draw(app, buf, area),
        Pane::Output => return output::draw(app, buf, area),
        Pane::Console => return console::draw(app, buf, area),
    }
    None
}

/// What stands in the title of a pane besides its name: to the left and to the right.
pub fn captions(app: &App, pane: Pane) -> (String, String) {
    match pane {
        Pane::Source => source::captions(app),
        Pane::Variables => tree::captions(app),
        Pane::Stack => match app.session.current_thread() {
            Some(t) if t.total > 1 => (String::new(), format!("{} frames", t.total)),
            _ => Default::default(),
        },
        Pane::Output if app.terminal.scrolled() > 0 => {
            (String::new(), format!("{} rows back", app.terminal.scrolled()))
        }
        Pane::Output if app.focus == Pane::Output && app.session.phase == Phase::Running => {
            (String::new(), "typing goes to the program".to_owned())
        }
        Pane::Console if app.console.scroll > 0 => (String::new(), format!("{} rows back", app.console.scroll)),
        _ => Default::default(),
    }
}

/// Which of the two titles that share a row stands at a column of it.
pub fn bottom_tab_at(x: u16) -> Pane {
    let output = format!("─ {} {} ", Pane::Output.digit(), Pane::Output.title());
    if usize::from(x) < text::width(&output) { Pane::Output } else { Pane::Console }
}

/// Draws a line being edited so that its cursor is in sight; returns the cursor's cell.
pub(crate) fn edit_line(buf: &mut Buffer, editor: &LineEditor, x: u16, y: u16, room: usize, style: Style) -> Position {
    let before = text::width(&editor.text()[..editor.cursor()]);
    let skip = (before + 1).saturating_sub(room.max(1));
    let mut skipped = 0;
    let mut shown = editor.text();
    while skipped < skip {
        let Some(c) = shown.chars().next() else { break };
        skipped += c.width().unwrap_or(0);
        shown = &shown[c.len_utf8()..];
    }
    put(buf, x, y, room, shown, style);
    Position { x: x + (before - skipped.min(before)) as u16, y }
}

/// Writes a value with the colours of Python code; returns the column behind it.
pub(crate) fn put_code(buf: &mut Buffer, x: u16, y: u16, room: usize, value: &str, theme: &Theme, base: Style) -> u16 {
    let value = text::clip(&text::one_line(value), room);
    let end = put(buf, x, y, room, &value, base);
    for (range, kind) in highlight(&value).into_iter().next().unwrap_or_default() {
        let start = x + text::width(&value[..range.start]) as u16;
        let piece = &value[range];
        put(buf, start, y, usize::from(end.saturating_sub(start)), piece, base.patch(theme.code(kind)));
    }
    end
}

/// The style of the selected row of a pane.
pub(crate) fn selection(app: &App, pane: Pane) -> Style {
    if app.focus == pane { app.theme.selected } else { app.theme.selected_idle }
}

/// Says in the middle of an empty pane why it is empty.
pub(crate) fn placeholder(app: &App, buf: &mut Buffer, area: ratatui::layout::Rect, words: &str) {
    for (row, line) in text::wrap(words, usize::from(area.width.saturating_sub(2))).iter().enumerate() {
        if row < usize::from(area.height) {
            put(buf, area.x + 1, area.y + row as u16, usize::from(area.width - 1), line, app.theme.dim);
        }
    }
}
