//! Draws the model. Nothing here changes it, and drawing twice gives the same screen.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use crate::app::dialog::Dialog;
use crate::app::session::Phase;
use crate::app::{App, Pane, Tone};
use crate::keys::{self, Action};
use crate::layout::{Layout, Place, layout};
use crate::panes;
use crate::widgets::text;

/// Draws the whole screen.
pub fn view(app: &App, frame: &mut Frame<'_>) {
    let layout = layout(app);
    let area = frame.area();
    let buf = frame.buffer_mut();
    buf.set_style(area, app.theme.base);
    let mut cursor = None;
    if let Some(row) = layout.header {
        header(app, buf, row);
    }
    for place in &layout.places {
        title(app, buf, place, layout.shares_bottom);
        let wanted = panes::draw(app, buf, place);
        if app.focus == place.pane {
            cursor = wanted;
        }
    }
    dividers(app, buf, &layout);
    if let Some(row) = layout.hints {
        let prompt = hints(app, buf, row);
        cursor = prompt.or(cursor);
    }
    match &app.dialog {
        None | Some(Dialog::Prompt(_)) => {}
        Some(dialog) => cursor = panes::dialog::draw(app, dialog, buf, area),
    }
    if let Some(position) = cursor.filter(|&p| area.contains(p)) {
        frame.set_cursor_position(position);
    }
}

/// Writes `text` in at most `room` cells and returns the column behind it.
pub(crate) fn put(buf: &mut Buffer, x: u16, y: u16, room: usize, text: &str, style: Style) -> u16 {
    if room == 0 || !buf.area.contains(Position { x, y }) {
        return x;
    }
    buf.set_stringn(x, y, text, room, style).0
}

/// The top row: the program's name and what it is doing.
fn header(app: &App, buf: &mut Buffer, row: Rect) {
    let theme = &app.theme;
    let end = row.right();
    let room = |x: u16| usize::from(end.saturating_sub(x));
    let mut x = put(buf, row.x + 1, row.y, room(row.x + 1), "Taipan", theme.title_focused);
    x = put(buf, x + 2, row.y, room(x + 2).min(40), &text::one_line(&app.config.title), theme.base);
    let (word, style, details) = state(app);
    x = put(buf, x + 2, row.y, room(x + 2), &format!(" {word} "), style);
    let details = text::clip(&details, room(x + 1).saturating_sub(1));
    put(buf, x + 1, row.y, room(x + 1), &details, theme.base);
}

/// What the program is doing: a word, its style, and the details.
fn state(app: &App) -> (String, Style, String) {
    let theme = &app.theme;
    let reversed = |s: Style| s.add_modifier(Modifier::REVERSED);
    match &app.session.phase {
        Phase::Starting => ("STARTING".to_owned(), theme.running_state, String::new()),
        Phase::Running if !app.is_stale() && app.session.stop.is_some() => stopped(app),
        Phase::Running => {
            let waiting = app.has_terminal() && app.terminal.at_prompt() && app.focus != Pane::Output;
            let details = if waiting { "waiting for input? o lets you type" } else { "Ctrl-C pauses" };
            ("RUNNING".to_owned(), theme.running_state, details.to_owned())
        }
        Phase::Stopped => stopped(app),
        Phase::Finished => {
            let (how, well) = app.session.ending();
            let style = if well { theme.success } else { theme.error };
            let word = how.strip_prefix("finished with ").map_or(how.clone(), str::to_owned);
            (word.to_uppercase(), reversed(style), "R starts it anew · q leaves".to_owned())
        }
        Phase::Failed(why) => ("FAILED".to_owned(), reversed(theme.error), text::one_line(why)),
    }
}

fn stopped(app: &App) -> (String, Style, String) {
    let theme = &app.theme;
    let Some(stop) = &app.session.stop else { return ("STOPPED".to_owned(), theme.stopped, String::new()) };
    if let Some(line) = stop.exception_line() {
        let word = if stop.is_post_mortem() { "UNCAUGHT" } else { "EXCEPTION" };
        let style = theme.error.add_modifier(Modifier::REVERSED);
        return (word.to_owned(), style, text::one_line(&line));
    }
    let place = app.session.current_frame().map(|f| format!("{}, line {}", f.name, f.line)).unwrap_or_default();
    let thread = match app.session.current_thread() {
        Some(t) if app.session.threads.len() > 1 => format!(" · {}", t.thread.name),
        _ => String::new(),
    };
    ("STOPPED".to_owned(), theme.stopped, text::one_line(&format!("{} · {place}{thread}", stop.reason)))
}

/// The row above a pane: a line with its number, its title, and what it wants to say.
fn title(app: &App, buf: &mut Buffer, place: &Place, shares_bottom: bool) {
    let theme = &app.theme;
    let Rect { x, y, width, .. } = place.title;
    let focused = app.focus == place.pane;
    let (glyph, rule) = if focused { ("━", theme.title_focused) } else { ("─", theme.rule) };
    put(buf, x, y, usize::from(width), &glyph.repeat(usize::from(width)), rule);
    let mut at = x + 1;
    let room = |at: u16| usize::from((x + width).saturating_sub(at));
    let tabs: &[Pane] = if shares_bottom && place.pane.takes_typing() {
        &[Pane::Output, Pane::Console]
    } else {
        std::slice::from_ref(&place.pane)
    };
    for &pane in tabs {
        let style = match (focused && pane == place.pane, pane == place.pane) {
            (true, _) => theme.title_focused,
            (false, true) => theme.base,
            (false, false) => theme.title,
        };
        at = put(buf, at, y, room(at), &format!(" {} {}", pane.digit(), pane.title()), style);
        if pane == Pane::Output && app.output_unseen && place.pane != Pane::Output {
            at = put(buf, at, y, room(at), "•", theme.notice);
        }
        at = put(buf, at, y, room(at), " ", style);
    }
    let (left, right) = panes::captions(app, place.pane);
    let right_width = text::width(&right);
    let mut left_room = room(at).saturating_sub(2);
    if right_width > 0 && right_width + 3 <= room(at) {
        let start = x + width - right_width as u16 - 3;
        put(buf, start, y, right_width + 2, &format!(" {right} "), theme.title);
        left_room = usize::from(start.saturating_sub(at)).saturating_sub(2);
    }
    if !left.is_empty() && left_room > 4 {
        put(buf, at, y, left_room + 1, &format!("{} ", text::clip_start(&left, left_room)), theme.title);
    }
}

/// Lines between panes, joined to the rows of titles that they meet.
fn dividers(app: &App, buf: &mut Buffer, layout: &Layout) {
    let area = buf.area;
    let is_rule =
        |buf: &Buffer, x: u16, y: u16| area.contains(Position { x, y }) && matches!(buf[(x, y)].symbol(), "─" | "━");
    for divider in &layout.dividers {
        let x = divider.x;
        for y in divider.y..divider.bottom() {
            let left = x > 0 && is_rule(buf, x - 1, y);
            let glyph = match (left, is_rule(buf, x + 1, y), y == divider.y) {
                (true, true, true) => "┬",
                (true, true, false) => "┼",
                (true, false, _) => "┤",
                (false, true, _) => "├",
                (false, false, _) => "│",
            };
            put(buf, x, y, 1, glyph, app.theme.rule);
        }
        let below = divider.bottom();
        if is_rule(buf, x, below) {
            let style = buf[(x, below)].style();
            put(buf, x, below, 1, "┴", style);
        }
    }
}

/// The bottom row: a line being typed, a message, or the most useful keys. Returns the cursor of the line.
fn hints(app: &App, buf: &mut Buffer, row: Rect) -> Option<Position> {
    let theme = &app.theme;
    let end = row.right();
    let room = |x: u16| usize::from(end.saturating_sub(x));
    let x = row.x + 1;
    if let Some(Dialog::Prompt(prompt)) = &app.dialog {
        let x = put(buf, x, row.y, room(x), prompt.purpose.label(), theme.key) + 1;
        return Some(panes::edit_line(buf, &prompt.editor, x, row.y, room(x).saturating_sub(1), theme.base));
    }
    if let Some(status) = &app.status {
        let style = if status.tone == Tone::Problem { theme.error } else { theme.notice };
        put(buf, x, row.y, room(x), &text::clip(&text::one_line(&status.text), room(x).saturating_sub(1)), style);
        return None;
    }
    let mut x = x;
    for (key, hint) in hint_list(app) {
        let width = text::width(&key) + 1 + text::width(&hint);
        if width + 1 > room(x) {
            break;
        }
        x = put(buf, x, row.y, room(x), &key, theme.key) + 1;
        x = put(buf, x, row.y, room(x), &hint, theme.dim) + 2;
    }
    None
}

/// The keys worth knowing now, with a word for each.
fn hint_list(app: &App) -> Vec<(String, String)> {
    let row = |action: Action, word: &str| {
        let key = keys::bindings().find(|b| b.action == action).map_or("", keys::Binding::shown_key);
        (key.to_owned(), word.to_owned())
    };
    match (&app.session.phase, app.focus) {
        (_, Pane::Output) if app.terminal.is_full_screen() => {
            vec![("Ctrl-]".to_owned(), "back to the debugger".to_owned())]
        }
        (_, Pane::Console) => {
            [("Enter", "run"), ("Tab", "complete"), ("↑↓", "history"), ("Esc", "back"), ("help", "commands")]
                .map(|(k, h)| (k.to_owned(), h.to_owned()))
                .to_vec()
        }
        (Phase::Running, pane) if !pane.takes_typing() && app.is_stale() => vec![
            row(Action::Pause, "pause"),
            row(Action::Focus(Pane::Output), "type into the program"),
            row(Action::CommandLine, "command"),
            row(Action::Help, "help"),
            row(Action::Quit, "quit"),
        ],
        (Phase::Finished | Phase::Failed(_), pane) if !pane.takes_typing() => vec![
            row(Action::Restart, "restart"),
            row(Action::Quit, "quit"),
            row(Action::Focus(Pane::Output), "output"),
            row(Action::Help, "help"),
        ],
        (_, pane) => keys::hints(pane).into_iter().map(|b| (b.shown_key().to_owned(), b.hint.to_owned())).collect(),
    }
}
