//! The program's terminal, cell by cell, in its own colours.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};

use crate::app::{App, Pane};
use crate::theme::ThemeChoice;
use crate::view::put;

/// Draws the pane and returns the program's cursor, if it shows one.
pub fn draw(app: &App, buf: &mut Buffer, area: Rect) -> Option<Position> {
    if !app.terminal.is_used() {
        let words = if app.focus == Pane::Output { "" } else { "What the program prints appears here." };
        super::placeholder(app, buf, area, words);
    }
    let screen = app.terminal.screen();
    let colours = app.theme_choice != ThemeChoice::Mono;
    for row in 0..area.height {
        for col in 0..area.width {
            let Some(cell) = screen.cell(row, col) else { continue };
            if cell.is_wide_continuation() || (!cell.has_contents() && cell.bgcolor() == vt100::Color::Default) {
                continue;
            }
            let contents = if cell.has_contents() { cell.contents() } else { " " };
            let width = if cell.is_wide() { 2 } else { 1 };
            put(buf, area.x + col, area.y + row, width, contents, style(app.theme.base, cell, colours));
        }
    }
    let (row, col) = screen.cursor_position();
    let visible = app.terminal.scrolled() == 0 && !screen.hide_cursor() && row < area.height;
    visible.then(|| Position { x: area.x + col.min(area.width - 1), y: area.y + row })
}

fn style(base: Style, cell: &vt100::Cell, colours: bool) -> Style {
    let mut style = base;
    if colours {
        if let Some(fg) = colour(cell.fgcolor()) {
            style = style.fg(fg);
        }
        if let Some(bg) = colour(cell.bgcolor()) {
            style = style.bg(bg);
        }
    }
    for (on, modifier) in [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ] {
        if on {
            style = style.add_modifier(modifier);
        }
    }
    style
}

fn colour(colour: vt100::Color) -> Option<Color> {
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(i) => Some(Color::Indexed(i)),
        vt100::Color::Rgb(r, g, b) => Some(Color::Rgb(r, g, b)),
    }
}
