//! The program's text: line numbers, breakpoints, the current line with its values, what was searched for.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthChar;

use crate::app::App;
use crate::app::breakpoints::Breakpoint;
use crate::app::sources::{SourceKey, SourceText, matches};
use crate::dap::StackFrame;
use crate::highlight::{Kind, Piece};
use crate::view::put;
use crate::widgets::text;

/// Cells from one tab stop to the next.
const TAB: usize = 4;

/// Cells to the left of the text, for a source of `len` lines: breakpoint, arrow, number, space.
pub fn gutter(len: usize) -> usize {
    len.to_string().len().max(3) + 3
}

/// What stands in the pane's title.
pub fn captions(app: &App) -> (String, String) {
    let Some(key) = &app.view.key else { return Default::default() };
    let name = match key {
        SourceKey::File(path) => app.short_path(path),
        SourceKey::Reference(_, name) => name.clone(),
    };
    let len = app.source_len();
    let place = if len == 0 { String::new() } else { format!("{}/{len}", app.view.at.cursor + 1) };
    (text::one_line(&name), place)
}

/// Draws the pane.
pub fn draw(app: &App, buf: &mut Buffer, area: Rect) {
    let Some(key) = &app.view.key else {
        return super::placeholder(app, buf, area, "No source is shown. m shows a file.");
    };
    let (lines, pieces) = match app.sources.get(key) {
        None | Some(SourceText::Loading) => return super::placeholder(app, buf, area, "loading…"),
        Some(SourceText::Missing(why)) => {
            let words = format!("{} cannot be shown: {why}", key.name());
            return super::placeholder(app, buf, area, &words);
        }
        Some(SourceText::Loaded { lines, pieces }) => (lines, pieces),
    };
    if lines.is_empty() {
        return super::placeholder(app, buf, area, "This file is empty.");
    }
    let marks = Marks::new(app, key);
    let last = (app.view.at.offset + usize::from(area.height)).min(lines.len());
    for index in app.view.at.offset..last {
        let y = area.y + (index - app.view.at.offset) as u16;
        let row = Rect { y, height: 1, ..area };
        draw_line(app, buf, row, index, &lines[index], &pieces[index], lines.len(), &marks);
    }
}

/// The places of this source that matter.
struct Marks<'a> {
    breakpoints: Vec<(usize, &'a Breakpoint)>,
    /// The line that runs next, in the innermost frame.
    current: Option<usize>,
    /// The frame looked at, and its line, if it belongs to this source.
    looked_at: Option<(&'a StackFrame, usize)>,
}

impl<'a> Marks<'a> {
    fn new(app: &'a App, key: &SourceKey) -> Marks<'a> {
        let breakpoints = app.breakpoints.listed().filter_map(|b| b.line_in(key).map(|line| (line, b)));
        let line_of =
            |f: &StackFrame| usize::try_from(f.line).ok().filter(|_| app.frame_source(f).as_ref() == Some(key));
        let stands = !app.is_stale();
        let current = app.session.frames().first().filter(|_| stands).and_then(line_of);
        let looked_at = app.session.current_frame().filter(|_| stands).and_then(|f| Some((f, line_of(f)?)));
        Marks { breakpoints: breakpoints.collect(), current, looked_at }
    }
}

fn draw_line(
    app: &App,
    buf: &mut Buffer,
    row: Rect,
    index: usize,
    line: &str,
    pieces: &[Piece],
    len: usize,
    marks: &Marks<'_>,
) {
    let theme = &app.theme;
    let number = index + 1;
    let is_current = marks.current == Some(number);
    let is_looked_at = marks.looked_at.is_some_and(|(_, line)| line == number);
    let is_cursor = app.view.at.cursor == index;
    let ground = match (is_current, is_looked_at, is_cursor) {
        (true, ..) => theme.current_line,
        (_, true, _) => theme.caller_line,
        (_, _, true) => theme.cursor_line,
        _ => Style::new(),
    };
    buf.set_style(row, ground);
    let base = theme.base.patch(ground);
    let breakpoint = marks.breakpoints.iter().find(|(line, _)| *line == number).map(|(_, b)| *b);
    if let Some(b) = breakpoint {
        let (glyph, style) = breakpoint_mark(app, b);
        put(buf, row.x, row.y, 1, glyph, base.patch(style));
    }
    if is_current || is_looked_at {
        let glyph = if is_current { "▶" } else { "▷" };
        put(buf, row.x + 1, row.y, 1, glyph, base.patch(theme.current_mark));
    }
    let digits = gutter(len) - 3;
    let style = if is_cursor { base.patch(theme.key) } else { base.patch(theme.number) };
    put(buf, row.x + 2, row.y, digits, &format!("{number:>digits$}"), style);
    let start = row.x + gutter(len) as u16;
    let text_area = Rect { x: start, width: row.right().saturating_sub(start), ..row };
    let running = marks.looked_at.filter(|_| is_looked_at).and_then(|(f, _)| running_part(f, line));
    let end = draw_text(app, buf, text_area, line, pieces, base, running);
    if is_looked_at || is_current {
        draw_values(app, buf, text_area, end, line, pieces, base);
    }
}

/// The sign of a breakpoint and its style.
pub fn breakpoint_mark(app: &App, b: &Breakpoint) -> (&'static str, Style) {
    let theme = &app.theme;
    let glyph = match (b.enabled && b.verified != Some(false), b.is_special()) {
        (true, false) => "●",
        (true, true) => "◆",
        (false, false) => "○",
        (false, true) => "◇",
    };
    (glyph, if b.enabled && b.verified != Some(false) { theme.breakpoint } else { theme.breakpoint_off })
}

/// Draws the text of a line from the column that the view is scrolled to; returns the column behind it.
fn draw_text(
    app: &App,
    buf: &mut Buffer,
    area: Rect,
    line: &str,
    pieces: &[Piece],
    base: Style,
    running: Option<Range<usize>>,
) -> u16 {
    let theme = &app.theme;
    let found = matches(line, &app.view.search);
    let left = app.view.at.left;
    let mut column = 0;
    let mut piece = pieces.iter().peekable();
    let mut end = area.x;
    for (i, c) in line.char_indices() {
        while piece.peek().is_some_and(|(range, _)| range.end <= i) {
            piece.next();
        }
        let mut style = base;
        if let Some((_, kind)) = piece.peek().filter(|(range, _)| range.contains(&i)) {
            style = style.patch(theme.code(*kind));
        }
        if running.as_ref().is_some_and(|r| r.contains(&i)) {
            style = style.patch(theme.running);
        }
        if found.iter().any(|r| r.contains(&i)) {
            style = style.patch(theme.found);
        }
        let width = if c == '\t' { TAB - column % TAB } else { c.width().unwrap_or(1) };
        let cell = column as isize - left as isize;
        column += width;
        if cell < 0 {
            continue;
        }
        let x = area.x as usize + cell as usize;
        if x + width > usize::from(area.right()) {
            put(buf, area.right() - 1, area.y, 1, "›", base.patch(theme.dim));
            return area.right();
        }
        let shown = if c == '\t' { " ".repeat(width) } else { text::one_line(c.encode_utf8(&mut [0; 4])) };
        end = put(buf, x as u16, area.y, width.max(1), &shown, style);
    }
    end
}

/// The part of the line that runs, as bytes, if the adapter told its columns and it is not the whole line.
fn running_part(frame: &StackFrame, line: &str) -> Option<Range<usize>> {
    let (start, end) = (frame.column.checked_sub(1)?, frame.end_column?.checked_sub(1)?);
    if frame.end_line.is_some_and(|l| l != frame.line) || start < 0 || end <= start {
        return None;
    }
    let part = utf16_offset(line, start as usize)..utf16_offset(line, end as usize);
    (line[part.clone()].trim() != line.trim()).then_some(part)
}

/// The byte offset of a column in UTF-16 units.
fn utf16_offset(line: &str, units: usize) -> usize {
    let mut seen = 0;
    for (i, c) in line.char_indices() {
        if seen >= units {
            return i;
        }
        seen += c.len_utf16();
    }
    line.len()
}

/// Behind the line that runs: the exception that it raised, or the values of the names in it.
fn draw_values(app: &App, buf: &mut Buffer, area: Rect, end: u16, line: &str, pieces: &[Piece], base: Style) {
    let theme = &app.theme;
    let room = |x: u16| usize::from(area.right().saturating_sub(x));
    let mut x = end + 3;
    if let Some(exception) =
        app.session.stop.as_ref().and_then(|s| s.exception_line()).filter(|_| app.session.frame == 0)
    {
        let words = text::clip(&text::one_line(&exception), room(x));
        put(buf, x, area.y, room(x), &words, base.patch(theme.error));
        return;
    }
    let mut shown: Vec<&str> = Vec::new();
    for (range, kind) in pieces {
        let name = &line[range.clone()];
        let attribute = line[..range.start].ends_with('.');
        if *kind != Kind::Name || attribute || shown.contains(&name) {
            continue;
        }
        let Some(node) = app.variables.locals().find(|n| n.name == name && !n.is_special) else { continue };
        shown.push(name);
        let words = format!("{name} = {}", text::clip(&text::one_line(&node.value), 24));
        if text::width(&words) > room(x) {
            break;
        }
        let style = if node.changed { theme.changed } else { theme.inline };
        x = put(buf, x, area.y, room(x), &words, base.patch(style)) + 2;
    }
}
