//! Where the panes are, for a screen of any size. Update and view both ask here, so that a click meets what is seen.
//!
//! With room: source to the left, variables, watches, stack and breakpoints in a column to the right, output and console
//! below. With less: the source and one other pane. With hardly any: the pane that has the keys.

use ratatui::layout::Rect;

use crate::app::{App, Pane, stack};

/// A pane on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The pane.
    pub pane: Pane,
    /// The row of its title.
    pub title: Rect,
    /// What is below the title.
    pub content: Rect,
}

/// The whole screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// The top row: program and state.
    pub header: Option<Rect>,
    /// The panes.
    pub places: Vec<Place>,
    /// Vertical lines between panes: each one cell wide.
    pub dividers: Vec<Rect>,
    /// The bottom row: hints, messages, prompts.
    pub hints: Option<Rect>,
    /// Whether output and console share a place.
    pub shares_bottom: bool,
}

impl Layout {
    /// The place of a pane, if it is on the screen.
    pub fn place(&self, pane: Pane) -> Option<&Place> {
        self.places.iter().find(|p| p.pane == pane)
    }

    /// The pane at a cell.
    pub fn at(&self, x: u16, y: u16) -> Option<&Place> {
        let inside = |r: &Rect| r.contains((x, y).into());
        self.places.iter().find(|p| inside(&p.title) || inside(&p.content))
    }

    fn put(&mut self, pane: Pane, area: Rect) {
        if area.height == 0 || area.width == 0 {
            return;
        }
        let title = Rect { height: 1, ..area };
        let content = Rect { y: area.y + 1, height: area.height - 1, ..area };
        self.places.push(Place { pane, title, content });
    }
}

/// Lays out the screen.
pub fn layout(app: &App) -> Layout {
    let (width, height) = app.size;
    let mut layout = Layout::default();
    let mut body = Rect { x: 0, y: 0, width, height };
    if height >= 8 {
        layout.header = Some(Rect { height: 1, ..body });
        body = Rect { y: body.y + 1, height: body.height - 1, ..body };
    }
    if height >= 4 {
        layout.hints = Some(Rect { y: body.bottom() - 1, height: 1, ..body });
        body.height -= 1;
    }
    if app.zoomed || body.width < 40 || body.height < 8 {
        layout.put(app.focus, body);
    } else if body.width < 72 {
        narrow(app, body, &mut layout);
    } else {
        wide(app, body, &mut layout);
    }
    layout
}

/// The source above, one other pane below.
fn narrow(app: &App, body: Rect, layout: &mut Layout) {
    let other = if app.focus == Pane::Source { app.bottom } else { app.focus };
    let below = (body.height * 2 / 5).max(4);
    let (above, below) = split_bottom(body, below);
    layout.put(Pane::Source, above);
    layout.put(other, below);
    layout.shares_bottom = other.takes_typing();
}

fn wide(app: &App, body: Rect, layout: &mut Layout) {
    let mut top = body;
    let bottom_focused = app.focus.takes_typing();
    if body.height >= 16 || bottom_focused {
        let usual = (i32::from(body.height) * 3 / 10).clamp(5, 16);
        let tallest = i32::from(body.height) - 5;
        let rows = (usual + i32::from(app.bottom_extra)).clamp(3, tallest.max(3)) as u16;
        let (above, below) = split_bottom(body, rows);
        top = above;
        if body.width >= 130 {
            let (left, divider, right) = split_right(below, below.width / 2);
            layout.put(Pane::Output, left);
            layout.dividers.push(divider);
            layout.put(Pane::Console, right);
        } else {
            layout.put(app.bottom, below);
            layout.shares_bottom = true;
        }
    }
    let usual = (i32::from(body.width) * 38 / 100).clamp(28, 70);
    let side = (usual + i32::from(app.side_extra)).clamp(20, i32::from(body.width) - 30) as u16;
    let (left, divider, right) = split_right(top, side);
    layout.put(Pane::Source, left);
    layout.dividers.push(divider);
    side_column(app, right, layout);
}

/// Variables, watches, stack, breakpoints: each as tall as it needs to be, variables with the rest.
fn side_column(app: &App, area: Rect, layout: &mut Layout) {
    let height = area.height;
    let wanted = |pane: Pane| -> u16 {
        let (rows, least) = match pane {
            Pane::Watches => (app.watches.visible().len(), 1),
            Pane::Stack => (stack::rows(app).len(), 2),
            _ => (app.breakpoints.filters.len() + app.breakpoints.listed().count(), 2),
        };
        let most = if app.focus == pane { height / 2 } else { height / 4 };
        1 + (rows as u16).clamp(least, most.max(least))
    };
    let mut panes: Vec<(Pane, u16)> = Vec::new();
    if !app.watch_expressions.is_empty() || app.focus == Pane::Watches {
        panes.push((Pane::Watches, wanted(Pane::Watches)));
    }
    panes.push((Pane::Stack, wanted(Pane::Stack)));
    panes.push((Pane::Breakpoints, wanted(Pane::Breakpoints)));
    // Variables need four rows; what has no room then goes, least important first, but never the pane with the keys.
    let least = 4;
    while panes.iter().map(|p| p.1).sum::<u16>() + least > height {
        let Some(last) = panes.iter().rposition(|p| p.0 != app.focus) else { break };
        panes.remove(last);
    }
    let others: u16 = panes.iter().map(|p| p.1).sum();
    let variables = height.saturating_sub(others);
    let mut y = area.y;
    let mut place = |layout: &mut Layout, pane: Pane, rows: u16| {
        layout.put(pane, Rect { y, height: rows, ..area });
        y += rows;
    };
    place(layout, Pane::Variables, variables);
    for (pane, rows) in panes {
        place(layout, pane, rows);
    }
}

fn split_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let above = Rect { height: area.height - rows, ..area };
    (above, Rect { y: above.bottom(), height: rows, ..area })
}

fn split_right(area: Rect, cols: u16) -> (Rect, Rect, Rect) {
    let cols = cols.min(area.width.saturating_sub(1));
    let left = Rect { width: area.width - cols - 1, ..area };
    let divider = Rect { x: left.right(), width: 1, ..area };
    (left, divider, Rect { x: divider.right(), width: cols, ..area })
}
