//! The list of breakpoints, and below it the kinds of exceptions to stop at.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{App, Pane};
use crate::update::BreakpointRow;
use crate::view::put;
use crate::widgets::text;

/// Draws the pane.
pub fn draw(app: &App, buf: &mut Buffer, area: Rect) {
    let rows = app.breakpoint_rows();
    if rows.is_empty() {
        return super::placeholder(app, buf, area, "b sets a breakpoint.");
    }
    let first = app.breakpoint_cursor.offset.min(rows.len() - 1);
    for (at, row) in rows[first..].iter().take(usize::from(area.height)).enumerate() {
        let line = Rect { y: area.y + at as u16, height: 1, ..area };
        if first + at == app.breakpoint_cursor.selected && app.focus == Pane::Breakpoints {
            buf.set_style(line, app.theme.selected);
        }
        match *row {
            BreakpointRow::Breakpoint(number) => draw_breakpoint(app, number, buf, line),
            BreakpointRow::Filter(index) => draw_filter(app, index, buf, line),
        }
    }
}

fn draw_breakpoint(app: &App, number: usize, buf: &mut Buffer, line: Rect) {
    let Some(b) = app.breakpoints.get(number) else { return };
    let theme = &app.theme;
    let ground = buf[(line.x, line.y)].style();
    let (mark, style) = super::source::breakpoint_mark(app, b);
    let x = put(buf, line.x + 1, line.y, 2, mark, ground.patch(style)) + 1;
    let room = |x: u16| usize::from(line.right().saturating_sub(x));
    let x = put(buf, x, line.y, room(x), &format!("{number} "), ground.patch(theme.dim));
    let words = text::one_line(&app.describe(number));
    let style = if b.enabled { ground } else { ground.patch(theme.dim) };
    let x = put(buf, x, line.y, room(x), &text::clip(&words, room(x)), style);
    if b.verified == Some(false) && !b.message.is_empty() {
        let message = text::clip(&text::one_line(&b.message), room(x + 2));
        put(buf, x + 2, line.y, room(x + 2), &message, ground.patch(theme.notice));
    }
}

fn draw_filter(app: &App, index: usize, buf: &mut Buffer, line: Rect) {
    let Some(f) = app.breakpoints.filters.get(index) else { return };
    let ground = buf[(line.x, line.y)].style();
    let mark = if f.on { "[x] " } else { "[ ] " };
    let room = usize::from(line.width.saturating_sub(1));
    let style = if f.on { ground } else { ground.patch(app.theme.dim) };
    let x = put(buf, line.x + 1, line.y, room, mark, style);
    let room = usize::from(line.right().saturating_sub(x));
    put(buf, x, line.y, room, &text::clip(&text::one_line(&f.filter.label), room), style);
}
