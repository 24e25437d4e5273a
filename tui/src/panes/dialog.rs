//! What lies over the panes: questions, the form of a breakpoint, lists, long texts.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::app::App;
use crate::app::breakpoints::Target;
use crate::app::dialog::{BreakpointForm, Dialog, Picker, TextView};
use crate::view::put;
use crate::widgets::text;

use super::help;

/// Draws a dialog in the middle of the screen; returns its cursor.
pub fn draw(app: &App, dialog: &Dialog, buf: &mut Buffer, area: Rect) -> Option<Position> {
    match dialog {
        Dialog::Confirm(question) => {
            let words = app.question(*question);
            let inner = frame(app, buf, area, text::width(&words) as u16 + 2, 3, "", "");
            put(buf, inner.x + 1, inner.y, usize::from(inner.width), &words, app.theme.dialog);
            let x = put(buf, inner.x + 1, inner.y + 2, usize::from(inner.width), "y", key(app));
            let x = put(buf, x, inner.y + 2, usize::from(inner.width), " yes   ", app.theme.dialog);
            let x = put(buf, x, inner.y + 2, usize::from(inner.width), "n", key(app));
            put(buf, x, inner.y + 2, usize::from(inner.width), " no", app.theme.dialog);
            None
        }
        Dialog::Breakpoint(form) => Some(draw_form(app, form, buf, area)),
        Dialog::Picker(picker) => Some(draw_picker(app, picker, buf, area)),
        Dialog::Text(view) => {
            draw_text(app, view, buf, area);
            None
        }
        Dialog::Help(view) => {
            help::draw(app, view, buf, area);
            None
        }
        Dialog::Prompt(_) => None,
    }
}

fn key(app: &App) -> Style {
    app.theme.dialog.patch(app.theme.key)
}

/// Clears a box in the middle of the screen, draws its border and returns what is inside.
pub(super) fn frame(app: &App, buf: &mut Buffer, area: Rect, width: u16, height: u16, title: &str, foot: &str) -> Rect {
    let width = (width + 2).min(area.width);
    let height = (height + 2).min(area.height);
    let outer = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    if width < 4 || height < 3 {
        // No room for a border; what would be inside is not drawn either.
        return Rect { width: 0, height: 0, ..outer };
    }
    let style = app.theme.dialog;
    let border = style.patch(app.theme.rule);
    let wide = usize::from(width);
    for y in outer.y..outer.bottom() {
        put(buf, outer.x, y, wide, &" ".repeat(wide), style);
        buf.set_style(Rect { y, height: 1, ..outer }, style);
        if y > outer.y && y + 1 < outer.bottom() {
            put(buf, outer.x, y, 1, "│", border);
            put(buf, outer.right() - 1, y, 1, "│", border);
        }
    }
    let line = "─".repeat(wide.saturating_sub(2));
    put(buf, outer.x, outer.y, wide, &format!("╭{line}╮"), border);
    put(buf, outer.x, outer.bottom() - 1, wide, &format!("╰{line}╯"), border);
    if !title.is_empty() {
        let title = format!(" {} ", text::clip(title, wide.saturating_sub(6)));
        put(buf, outer.x + 2, outer.y, wide.saturating_sub(3), &title, style.patch(app.theme.title_focused));
    }
    if !foot.is_empty() {
        let foot = format!(" {} ", text::clip(foot, wide.saturating_sub(6)));
        put(buf, outer.x + 2, outer.bottom() - 1, wide.saturating_sub(3), &foot, style.patch(app.theme.dim));
    }
    Rect { x: outer.x + 1, y: outer.y + 1, width: width.saturating_sub(2), height: height.saturating_sub(2) }
}

fn draw_form(app: &App, form: &BreakpointForm, buf: &mut Buffer, area: Rect) -> Position {
    let theme = &app.theme;
    let place = match &form.target {
        Target::Line(key, line) => format!("Breakpoint at {}:{line}", key.name()),
        Target::Function(name) => format!("Breakpoint on {name}()"),
        Target::Data(_, name) => format!("Stop when {name} changes"),
    };
    let inner = frame(app, buf, area, 60, 9, &place, "Tab next field · Enter set · Esc leave");
    let mut cursor = Position { x: inner.x, y: inner.y };
    let field_x = inner.x + 14;
    let room = usize::from(inner.right().saturating_sub(field_x + 1));
    for (i, ((name, example), editor)) in BreakpointForm::FIELDS.iter().zip(&form.fields).enumerate() {
        let y = inner.y + 1 + 2 * i as u16;
        if y >= inner.bottom() {
            break;
        }
        put(buf, inner.x + 1, y, 12, name, theme.dialog);
        let style = if form.selected == i { theme.dialog.patch(theme.field) } else { theme.dialog };
        put(buf, field_x, y, room, &" ".repeat(room), style);
        if editor.text().is_empty() {
            put(buf, field_x, y, room, &text::clip(example, room), style.patch(theme.dim));
        }
        let at = super::edit_line(buf, editor, field_x, y, room, style);
        if form.selected == i {
            cursor = at;
        }
    }
    for (i, (name, on)) in [("on", form.enabled), ("once only", form.temporary)].into_iter().enumerate() {
        let (x, y) = (inner.x + 14 + 12 * i as u16, inner.y + 7);
        if y >= inner.bottom() {
            break;
        }
        let selected = form.selected == 3 + i;
        let style = if selected { theme.dialog.patch(theme.field) } else { theme.dialog };
        put(buf, x, y, 16, &format!("[{}] {name}", if on { 'x' } else { ' ' }), style);
        if selected {
            cursor = Position { x: x + 1, y };
        }
    }
    cursor
}

fn draw_picker(app: &App, picker: &Picker, buf: &mut Buffer, area: Rect) -> Position {
    let theme = &app.theme;
    let left = picker.left();
    let height = area.height.saturating_sub(6).min(20);
    let inner =
        frame(app, buf, area, area.width.saturating_sub(8).min(76), height, picker.title, "Enter choose · Esc leave");
    let room = usize::from(inner.width.saturating_sub(2));
    let cursor = super::edit_line(buf, &picker.editor, inner.x + 1, inner.y, room, theme.dialog.patch(theme.typed));
    if picker.editor.text().is_empty() {
        put(buf, inner.x + 1, inner.y, room, "type a part of the name", theme.dialog.patch(theme.dim));
    }
    let rows = usize::from(inner.height.saturating_sub(1));
    let mut list = picker.cursor;
    list.settle(left.len(), rows);
    for (row, choice) in left.iter().skip(list.offset).take(rows).enumerate() {
        let line = Rect { y: inner.y + 1 + row as u16, height: 1, ..inner };
        let style = if list.offset + row == list.selected { theme.dialog.patch(theme.selected) } else { theme.dialog };
        buf.set_style(line, style);
        put(buf, line.x + 1, line.y, room, &text::clip_start(&text::one_line(&choice.label), room), style);
    }
    cursor
}

fn text_size(area: Rect) -> (u16, u16) {
    (area.width.saturating_sub(6).min(100), area.height.saturating_sub(4))
}

/// The last row that a text of this many rows can be scrolled to.
pub fn last_scroll(app: &App, view: &TextView) -> usize {
    let area = Rect { x: 0, y: 0, width: app.size.0, height: app.size.1 };
    let (width, height) = text_size(area);
    text::wrap(&view.text, usize::from(width.saturating_sub(2))).len().saturating_sub(usize::from(height))
}

fn draw_text(app: &App, view: &TextView, buf: &mut Buffer, area: Rect) {
    let (width, height) = text_size(area);
    let lines = text::wrap(&view.text, usize::from(width.saturating_sub(2)));
    let height = height.min(lines.len() as u16);
    let foot =
        if lines.len() > usize::from(height) { "↑↓ scroll · any other key closes" } else { "any key closes" };
    let inner = frame(app, buf, area, width, height, &text::one_line(&view.title), foot);
    let first = view.scroll.min(lines.len().saturating_sub(usize::from(inner.height)));
    for (row, line) in lines.iter().skip(first).take(usize::from(inner.height)).enumerate() {
        put(buf, inner.x + 1, inner.y + row as u16, usize::from(inner.width.saturating_sub(1)), line, app.theme.dialog);
    }
}
