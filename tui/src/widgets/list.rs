//! A cursor in a list that may be longer than the place to show it.

/// Which row is selected and which is the first shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListCursor {
    /// The selected row, from 0.
    pub selected: usize,
    /// The first row shown.
    pub offset: usize,
}

impl ListCursor {
    /// Moves the selection by `delta` rows, within `len` rows.
    pub fn step(&mut self, delta: isize, len: usize) {
        self.selected = self.selected.saturating_add_signed(delta).min(len.saturating_sub(1));
    }

    /// Brings selection and offset in line with a list of `len` rows of which `height` are shown.
    pub fn settle(&mut self, len: usize, height: usize) {
        self.selected = self.selected.min(len.saturating_sub(1));
        let last_offset = len.saturating_sub(height);
        self.offset = self.offset.min(last_offset).min(self.selected);
        if height > 0 && self.selected >= self.offset + height {
            self.offset = self.selected + 1 - height;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selection_stays_in_sight() {
        let mut c = ListCursor::default();
        c.step(7, 10);
        c.settle(10, 3);
        assert_eq!(c, ListCursor { selected: 7, offset: 5 });
        c.step(-6, 10);
        c.settle(10, 3);
        assert_eq!(c, ListCursor { selected: 1, offset: 1 });
        c.settle(1, 3);
        assert_eq!(c, ListCursor { selected: 0, offset: 0 });
        c.settle(0, 0);
        c.step(-1, 0);
        assert_eq!(c.selected, 0);
    }
}
