//! The console: what was typed and what came back, and the line being typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::app::console::{Completion, Entry, Mark};
use crate::app::{App, Pane};
use crate::view::put;
use crate::widgets::text;

/// What stands before the line being typed, and before what was typed.
const PROMPT: &str = "❯ ";

/// The number of rows that all entries take in a pane of this width.
pub fn rows(app: &App, width: u16) -> usize {
    app.console.entries.iter().map(|e| lines(e, width).len()).sum()
}

fn lines(entry: &Entry, width: u16) -> Vec<String> {
    text::wrap(&entry.text, usize::from(width).saturating_sub(indent(entry.mark) + 1))
}

fn indent(mark: Mark) -> usize {
    match mark {
        Mark::Typed | Mark::Log => 3,
        Mark::Result | Mark::Error | Mark::Note => 1,
    }
}

/// Draws the pane and returns the cursor of the line being typed.
pub fn draw(app: &App, buf: &mut Buffer, area: Rect) -> Option<Position> {
    let theme = &app.theme;
    let prompt_y = area.bottom() - 1;
    let mut left = usize::from(area.height) - 1 + app.console.scroll;
    let mut y = prompt_y;
    // From the end upwards, until the pane is full: old entries cost nothing.
    'entries: for entry in app.console.entries.iter().rev() {
        let lines = lines(entry, area.width);
        for (i, line) in lines.iter().enumerate().rev() {
            if left == 0 {
                break 'entries;
            }
            left -= 1;
            if left + 1 > usize::from(area.height) - 1 {
                continue;
            }
            y -= 1;
            draw_row(app, buf, area, y, entry.mark, line, i == 0);
        }
    }
    let focused = app.focus == Pane::Console;
    let x = put(buf, area.x + 1, prompt_y, usize::from(area.width), PROMPT, theme.key);
    let room = usize::from(area.right().saturating_sub(x + 1));
    if !focused && app.console.editor.text().is_empty() {
        put(buf, x, prompt_y, room, ": types a command or an expression", theme.dim);
        return None;
    }
    let typed = app.console.editor.text();
    let cursor = if text::width(typed) < room {
        super::put_code(buf, x, prompt_y, room, typed, theme, theme.base);
        Position { x: x + text::width(&typed[..app.console.editor.cursor()]) as u16, y: prompt_y }
    } else {
        super::edit_line(buf, &app.console.editor, x, prompt_y, room, theme.base)
    };
    if let Some(completion) = app.console.completion.as_ref().filter(|_| focused) {
        draw_completion(app, completion, buf, area, x);
    }
    Some(cursor)
}

fn draw_row(app: &App, buf: &mut Buffer, area: Rect, y: u16, mark: Mark, line: &str, first: bool) {
    let theme = &app.theme;
    let room = usize::from(area.width.saturating_sub(1));
    let x = area.x + 1;
    match mark {
        Mark::Typed => {
            let x = put(buf, x, y, room, if first { PROMPT } else { "  " }, theme.dim);
            super::put_code(buf, x, y, room.saturating_sub(2), line, theme, theme.typed);
        }
        Mark::Result => drop(super::put_code(buf, x, y, room, line, theme, theme.value)),
        Mark::Error => drop(put(buf, x, y, room, line, theme.error)),
        Mark::Note => drop(put(buf, x, y, room, line, theme.dim)),
        Mark::Log => {
            let x = put(buf, x, y, room, if first { "◆ " } else { "  " }, theme.breakpoint);
            put(buf, x, y, room.saturating_sub(2), line, theme.value);
        }
    }
}

/// The proposals, in a box above the line.
fn draw_completion(app: &App, completion: &Completion, buf: &mut Buffer, area: Rect, x: u16) {
    let theme = &app.theme;
    let screen = buf.area;
    let prompt_y = area.bottom() - 1;
    let height = completion.items.len().min(8).min(usize::from(prompt_y - screen.y));
    let first = completion.chosen.map_or(0, |c| (c + 1).saturating_sub(height));
    let shown = &completion.items[first..(first + height).min(completion.items.len())];
    let width = shown.iter().map(|i| text::width(&i.label)).max().unwrap_or(0).clamp(8, 40);
    let start =
        x + text::width(&app.console.editor.text()[..completion.start.min(app.console.editor.text().len())]) as u16;
    let start = start.min(area.right().saturating_sub(width as u16 + 2));
    for (row, item) in shown.iter().enumerate() {
        let y = prompt_y - height as u16 + row as u16;
        let chosen = completion.chosen == Some(first + row);
        let style: Style = if chosen { theme.dialog.patch(theme.selected) } else { theme.dialog };
        let label = text::clip(&text::one_line(&item.label), width);
        let pad = width - text::width(&label);
        put(buf, start, y, width + 2, &format!(" {label}{} ", " ".repeat(pad)), style);
    }
}
