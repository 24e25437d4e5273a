//! The help: all keys and all commands, made from their tables.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::App;
use crate::app::dialog::TextView;
use crate::commands;
use crate::keys;
use crate::view::put;
use crate::widgets::text;

/// A row of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A heading.
    Heading(String),
    /// What to press or type, and what it does.
    Entry(String, String),
    /// An empty row.
    Space,
}

/// Cells for what is pressed or typed.
const KEYS: usize = 22;

/// All rows of the help.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for group in keys::TABLE {
        rows.push(Row::Heading(group.title.to_owned()));
        rows.extend(group.rows.iter().map(|b| Row::Entry(b.keys.join("  "), b.help.to_owned())));
        rows.push(Row::Space);
    }
    rows.push(Row::Heading("Commands (press : first; what is no command is run as Python)".to_owned()));
    for c in commands::TABLE {
        rows.push(Row::Entry(format!("{} {}", c.names.join(", "), c.usage), c.help.to_owned()));
    }
    rows
}

fn size(area: Rect) -> (u16, u16) {
    (area.width.saturating_sub(4).min(92), area.height.saturating_sub(2))
}

/// The last row that the help can be scrolled to.
pub fn last_scroll(app: &App) -> usize {
    let area = Rect { x: 0, y: 0, width: app.size.0, height: app.size.1 };
    rows().len().saturating_sub(usize::from(size(area).1.saturating_sub(2)))
}

/// Draws the help over the screen.
pub fn draw(app: &App, view: &TextView, buf: &mut Buffer, area: Rect) {
    let (width, height) = size(area);
    let foot = "↑↓ PageUp PageDown scroll · any other key closes";
    let inner = super::dialog::frame(app, buf, area, width, height.saturating_sub(2), &view.title, foot);
    let rows = rows();
    let first = view.scroll.min(rows.len().saturating_sub(usize::from(inner.height)));
    let theme = &app.theme;
    let room = usize::from(inner.width.saturating_sub(2));
    for (i, row) in rows.iter().skip(first).take(usize::from(inner.height)).enumerate() {
        let y = inner.y + i as u16;
        match row {
            Row::Space => {}
            Row::Heading(words) => {
                put(buf, inner.x + 1, y, room, words, theme.dialog.patch(theme.title_focused));
            }
            Row::Entry(what, help) => {
                let x = put(buf, inner.x + 2, y, room, what, theme.dialog.patch(theme.key));
                let x = x.max(inner.x + 2 + KEYS as u16 - 1) + 1;
                let room = usize::from(inner.right().saturating_sub(x + 1));
                put(buf, x, y, room, &text::clip(help, room), theme.dialog);
            }
        }
    }
}
