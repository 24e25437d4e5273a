//! The mouse: a click selects and opens, a click beside a line number sets a breakpoint, the wheel scrolls.
//! Everything it does a key does too.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::app::dialog::Dialog;
use crate::app::{App, Pane};
use crate::keys::Action;
use crate::layout::{Place, layout};
use crate::panes::source;

impl App {
    /// The mouse did something.
    pub(super) fn mouse(&mut self, event: MouseEvent) {
        let wheel = match event.kind {
            MouseEventKind::ScrollUp => Some(-3),
            MouseEventKind::ScrollDown => Some(3),
            MouseEventKind::Down(MouseButton::Left) => None,
            _ => return,
        };
        if let Some(delta) = wheel
            && let Some(Dialog::Text(view) | Dialog::Help(view)) = &mut self.dialog
        {
            view.scroll = view.scroll.saturating_add_signed(delta);
            return;
        }
        if self.dialog.is_some() {
            return;
        }
        let Some(place) = layout(self).at(event.column, event.row).copied() else { return };
        match wheel {
            Some(delta) => self.wheel(place.pane, delta),
            None => self.click(place, event.column, event.row),
        }
    }

    fn wheel(&mut self, pane: Pane, delta: isize) {
        match pane {
            Pane::Output => self.terminal.scroll_by(-delta),
            Pane::Console => self.console.scroll = self.console.scroll.saturating_add_signed(-delta),
            pane => self.move_cursor(pane, delta),
        }
    }

    fn click(&mut self, place: Place, x: u16, y: u16) {
        self.status = None;
        if place.title.contains((x, y).into()) {
            let bottom_shared = layout(self).shares_bottom && place.pane.takes_typing();
            // The titles of output and console share a row; each half of it belongs to one.
            let pane = if bottom_shared { crate::panes::bottom_tab_at(x - place.title.x) } else { place.pane };
            return self.focus(pane);
        }
        let row = usize::from(y - place.content.y);
        self.focus(place.pane);
        match place.pane {
            Pane::Source => {
                let line = self.view.at.offset + row;
                if line < self.source_len() {
                    self.view.at.cursor = line;
                    if usize::from(x - place.content.x) < source::gutter(self.source_len()) {
                        self.act(Action::ToggleBreakpoint);
                    }
                }
            }
            Pane::Variables | Pane::Watches => {
                let tree = self.tree_pane(place.pane);
                let target = tree.cursor.offset + row;
                if target < tree.visible().len() {
                    tree.cursor.selected = target;
                    if tree.selected().is_some_and(|n| n.is_expandable()) {
                        self.open_node(place.pane, Action::Activate);
                    }
                }
            }
            Pane::Stack => {
                self.stack_cursor.selected = self.stack_cursor.offset + row;
                self.look_at_row();
            }
            Pane::Breakpoints => {
                let target = self.breakpoint_cursor.offset + row;
                if target < self.breakpoint_rows().len() {
                    self.breakpoint_cursor.selected = target;
                    self.act(Action::Activate);
                }
            }
            Pane::Output | Pane::Console => {}
        }
    }
}
