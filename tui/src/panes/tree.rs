//! Variables and watches: a tree of names and values, changed ones marked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::session::Phase;
use crate::app::tree::{Node, TreePane};
use crate::app::{App, Pane};
use crate::view::put;
use crate::widgets::text;

/// What stands in the title of the variables.
pub fn captions(app: &App) -> (String, String) {
    let hidden = app.variables.hidden();
    let filter = &app.variables.filter;
    let left = if filter.is_empty() { String::new() } else { format!("containing {filter:?}") };
    // Worth the room where it explains an empty list, or where the user is looking.
    let only_hidden = app.variables.locals().all(|n| n.is_special);
    let tell = hidden > 0 && (only_hidden || app.focus == Pane::Variables);
    (left, if tell { format!("{hidden} hidden (_)") } else { String::new() })
}

/// Draws a tree.
pub fn draw(app: &App, pane: &TreePane, buf: &mut Buffer, area: Rect) {
    let rows = pane.visible();
    if rows.is_empty() {
        let words = match (&app.session.phase, pane.pane) {
            (_, Pane::Watches) if app.watch_expressions.is_empty() => "w watches an expression.",
            (Phase::Stopped, _) => "",
            (Phase::Finished | Phase::Failed(_), _) => "The program has ended.",
            _ => "Values are shown when the program stops.",
        };
        return super::placeholder(app, buf, area, words);
    }
    let first = pane.cursor.offset.min(rows.len() - 1);
    for (row, &index) in rows[first..].iter().take(usize::from(area.height)).enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        if first + row == pane.cursor.selected {
            buf.set_style(line, super::selection(app, pane.pane));
        }
        draw_node(app, &pane.tree.nodes[index], buf, line);
    }
}

fn draw_node(app: &App, node: &Node, buf: &mut Buffer, line: Rect) {
    let theme = &app.theme;
    let stale = app.is_stale();
    let dimmed = |style| if stale { theme.dim } else { style };
    let right = line.right();
    let room = |x: u16| usize::from(right.saturating_sub(x));
    let ground = buf[(line.x, line.y)].style();
    let mut x = line.x + 1 + 2 * node.depth.min(12) as u16;
    let mark = match (node.is_expandable(), node.open) {
        (true, true) => "▾",
        (true, false) => "▸",
        (false, _) => " ",
    };
    x = put(buf, x, line.y, room(x).min(1), mark, ground.patch(theme.dim)) + 1;
    let name = text::one_line(&node.name);
    if node.is_scope {
        put(buf, x, line.y, room(x), &name, ground.patch(dimmed(theme.title)));
        return;
    }
    let name_style = ground.patch(dimmed(theme.name));
    x = put(buf, x, line.y, room(x), &text::clip(&name, room(x)), name_style);
    if node.range.is_some() {
        return;
    }
    x = put(buf, x, line.y, room(x), " = ", ground.patch(theme.dim));
    if node.is_error {
        put(buf, x, line.y, room(x), &text::clip(&text::one_line(&node.value), room(x)), ground.patch(theme.error));
        return;
    }
    if node.changed || stale {
        let style = if stale { theme.dim } else { theme.changed };
        let value = text::clip(&text::one_line(&node.value), room(x));
        x = put(buf, x, line.y, room(x), &value, ground.patch(style));
    } else {
        x = super::put_code(buf, x, line.y, room(x), &node.value, theme, ground.patch(theme.value));
    }
    // The type, at the right edge, where there is room for it.
    let type_width = text::width(&node.type_name);
    if type_width > 0 && type_width + 3 <= room(x) && type_width <= 24 {
        put(buf, right - 1 - type_width as u16, line.y, type_width, &node.type_name, ground.patch(theme.type_name));
    }
}
