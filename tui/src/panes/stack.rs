//! The stack: threads and their frames, innermost first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::session::Phase;
use crate::app::stack::{StackRow, rows};
use crate::app::{App, Pane};
use crate::dap::{StackFrame, ThreadId};
use crate::view::put;
use crate::widgets::text;

/// Draws the pane.
pub fn draw(app: &App, buf: &mut Buffer, area: Rect) {
    let rows = rows(app);
    if rows.is_empty() {
        if app.session.phase == Phase::Running {
            super::placeholder(app, buf, area, "running");
        }
        return;
    }
    let first = app.stack_cursor.offset.min(rows.len() - 1);
    for (at, row) in rows[first..].iter().take(usize::from(area.height)).enumerate() {
        let line = Rect { y: area.y + at as u16, height: 1, ..area };
        if first + at == app.stack_cursor.selected {
            buf.set_style(line, super::selection(app, Pane::Stack));
        }
        match row {
            StackRow::Thread(id) => draw_thread(app, *id, buf, line),
            StackRow::Frame(id, index) => draw_frame(app, *id, *index, buf, line),
            StackRow::More(count) => {
                let style = buf[(line.x, line.y)].style().patch(app.theme.dim);
                put(buf, line.x + 3, line.y, usize::from(line.width), &format!("{count} more"), style);
            }
        }
    }
}

fn draw_thread(app: &App, id: ThreadId, buf: &mut Buffer, line: Rect) {
    let Some(view) = app.session.threads.iter().find(|t| t.thread.id == id) else { return };
    let theme = &app.theme;
    let ground = buf[(line.x, line.y)].style();
    let width = usize::from(line.width.saturating_sub(1));
    let mark = if view.frames.is_some() { "▾" } else { "▸" };
    let x = put(buf, line.x + 1, line.y, width, &format!("{mark} "), ground.patch(theme.dim));
    let room = usize::from(line.right().saturating_sub(x));
    let x = put(buf, x, line.y, room, &text::one_line(&view.thread.name), ground.patch(theme.title));
    let state = if view.stopped { "" } else { "  running" };
    let room = usize::from(line.right().saturating_sub(x));
    put(buf, x, line.y, room, state, ground.patch(theme.dim));
}

fn draw_frame(app: &App, thread: ThreadId, index: usize, buf: &mut Buffer, line: Rect) {
    let view = app.session.threads.iter().find(|t| t.thread.id == thread);
    let Some(frame) = view.and_then(|t| t.frames.as_ref()).and_then(|f| f.get(index)) else { return };
    let theme = &app.theme;
    let ground = buf[(line.x, line.y)].style();
    let is_current = app.session.thread == Some(thread) && app.session.frame == index;
    let subtle = frame.presentation_hint.as_deref().is_some_and(|h| h != "normal")
        || frame.source.as_ref().is_some_and(|s| s.presentation_hint.as_deref() == Some("deemphasize"));
    let faded = subtle || app.is_stale();
    let indent = if app.session.threads.len() > 1 { 2 } else { 0 };
    let mark = match (is_current, index) {
        (true, 0) => "▶",
        (true, _) => "▷",
        (false, _) => " ",
    };
    let x = line.x + 1 + indent;
    put(buf, x, line.y, 1, mark, ground.patch(theme.current_mark));
    let x = x + 2;
    let room = usize::from(line.right().saturating_sub(x + 1));
    let place = place_of(app, frame);
    // The place keeps to the right edge, unless the name needs the room.
    let name_room = room.saturating_sub(text::width(&place) + 1).max(room.min(12));
    let name = text::clip(&text::one_line(&frame.name), name_room);
    let name_style = if faded { theme.dim } else { theme.base };
    let end = put(buf, x, line.y, name_room, &name, ground.patch(name_style).patch(ground_only(ground)));
    let place_room = usize::from(line.right().saturating_sub(end + 2));
    let place = text::clip_start(&place, place_room);
    let at = line.right().saturating_sub(text::width(&place) as u16 + 1);
    put(buf, at, line.y, place_room, &place, ground.patch(theme.dim));
}

/// The background of a style: names are drawn in the base style, which has one of its own.
fn ground_only(style: ratatui::style::Style) -> ratatui::style::Style {
    ratatui::style::Style { bg: style.bg, ..Default::default() }
}

fn place_of(app: &App, frame: &StackFrame) -> String {
    match app.frame_source(frame) {
        Some(key) => format!("{}:{}", key.name(), frame.line),
        None => String::new(),
    }
}
