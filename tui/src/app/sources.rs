//! Source texts, and the view of one of them: cursor, scrolling, search.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::highlight::{Piece, highlight};

/// Names a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceKey {
    /// A file, by its absolute path.
    File(PathBuf),
    /// A text that only the adapter has: its reference and its name.
    Reference(i64, String),
}

impl SourceKey {
    /// A short name for the user.
    pub fn name(&self) -> String {
        match self {
            SourceKey::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            SourceKey::Reference(_, name) => name.clone(),
        }
    }

    /// Its path, if it is a file.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            SourceKey::File(path) => Some(path),
            SourceKey::Reference(..) => None,
        }
    }
}

/// The text of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceText {
    /// It was asked for.
    Loading,
    /// It is here.
    Loaded {
        /// Its lines, without their ends.
        lines: Vec<String>,
        /// The coloured pieces of each line.
        pieces: Vec<Vec<Piece>>,
    },
    /// It cannot be had; the text says why.
    Missing(String),
}

/// The source texts known.
#[derive(Debug, Default)]
pub struct Sources {
    texts: HashMap<SourceKey, SourceText>,
}

impl Sources {
    /// The text of a source, if it was ever asked for.
    pub fn get(&self, key: &SourceKey) -> Option<&SourceText> {
        self.texts.get(key)
    }

    /// The lines of a source; none while it is not there.
    pub fn lines(&self, key: &SourceKey) -> &[String] {
        match self.texts.get(key) {
            Some(SourceText::Loaded { lines, .. }) => lines,
            _ => &[],
        }
    }

    /// Whether the text is yet to be asked for; notes that it now is.
    pub fn begin_loading(&mut self, key: &SourceKey) -> bool {
        if self.texts.contains_key(key) {
            return false;
        }
        self.texts.insert(key.clone(), SourceText::Loading);
        true
    }

    /// The text has arrived, or will not.
    pub fn set(&mut self, key: SourceKey, text: Result<String, String>) {
        let text = match text {
            Ok(text) => SourceText::Loaded {
                // A file's first line may begin with a byte order mark.
                lines: text.trim_start_matches('\u{feff}').lines().map(str::to_owned).collect(),
                pieces: highlight(text.trim_start_matches('\u{feff}')),
            },
            Err(why) => SourceText::Missing(why),
        };
        self.texts.insert(key, text);
    }

    /// Forgets what may have changed by the next start: all of it.
    pub fn clear(&mut self) {
        self.texts.clear();
    }

    /// All sources that were asked for.
    pub fn keys(&self) -> impl Iterator<Item = &SourceKey> {
        self.texts.keys()
    }
}

/// Where in a source the view is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The cursor's line, from 0.
    pub cursor: usize,
    /// The first line shown, from 0.
    pub offset: usize,
    /// Cells scrolled to the right.
    pub left: usize,
}

/// The view of one source.
#[derive(Debug, Default)]
pub struct SourceView {
    /// The source shown.
    pub key: Option<SourceKey>,
    /// Where the view is.
    pub at: Position,
    /// The text searched for.
    pub search: String,
    /// Whether the view shall be moved so that the cursor is well in sight.
    pub center: bool,
    left_at: HashMap<SourceKey, Position>,
}

impl SourceView {
    /// Shows `key`, with the cursor on `line` (from 1), or where it was when this source was shown last.
    pub fn show(&mut self, key: SourceKey, line: Option<usize>) {
        if self.key.as_ref() != Some(&key) {
            if let Some(old) = self.key.take() {
                self.left_at.insert(old, self.at);
            }
            self.at = self.left_at.get(&key).copied().unwrap_or_default();
            self.key = Some(key);
            self.center = line.is_some();
        }
        if let Some(line) = line {
            self.at.cursor = line.saturating_sub(1);
            self.at.left = 0;
        }
    }

    /// Moves the cursor by `delta` lines in a text of `len` lines.
    pub fn step(&mut self, delta: isize, len: usize) {
        self.at.cursor = self.at.cursor.saturating_add_signed(delta).min(len.saturating_sub(1));
    }

    /// Puts the cursor on `line`, from 1, in the middle of the view if it was out of sight.
    pub fn go(&mut self, line: usize, len: usize) {
        self.at.cursor = line.saturating_sub(1).min(len.saturating_sub(1));
        self.at.left = 0;
    }

    /// Brings the first line shown in line with the cursor, for `height` rows of a text of `len` lines. A cursor out of
    /// sight is brought to the middle; one near an edge keeps two lines of what lies beyond.
    pub fn settle(&mut self, len: usize, height: usize) {
        if height == 0 || len == 0 {
            return;
        }
        let at = &mut self.at;
        let cursor = at.cursor.min(len - 1);
        let margin = 2.min((height - 1) / 2);
        let far = cursor + 1 < at.offset || cursor > at.offset + height;
        if std::mem::take(&mut self.center) || far {
            at.offset = cursor.saturating_sub(height / 2);
        } else if cursor < at.offset + margin {
            at.offset = cursor.saturating_sub(margin);
        } else if cursor + margin >= at.offset + height {
            at.offset = cursor + margin + 1 - height;
        }
        at.offset = at.offset.min(len.saturating_sub(height));
    }

    /// The next line behind or before the cursor that contains the search text; goes round at the ends. The search
    /// takes case for what it is only if the text has capitals.
    pub fn find(&self, lines: &[String], backwards: bool) -> Option<usize> {
        if self.search.is_empty() || lines.is_empty() {
            return None;
        }
        let len = lines.len();
        let start = self.at.cursor.min(len - 1);
        let order = (1..=len).map(|i| if backwards { (start + 2 * len - i) % len } else { (start + i) % len });
        order.into_iter().find(|&i| !matches(&lines[i], &self.search).is_empty())
    }
}

/// Byte ranges of `line` where `search` stands.
pub fn matches(line: &str, search: &str) -> Vec<std::ops::Range<usize>> {
    if search.is_empty() {
        return Vec::new();
    }
    let exact = search.chars().any(char::is_uppercase);
    let (hay, needle) =
        if exact { (line.to_owned(), search.to_owned()) } else { (line.to_lowercase(), search.to_lowercase()) };
    // Lower case may have another length in bytes; then positions mean nothing, and the line is marked as a whole.
    if hay.len() != line.len() {
        return hay.contains(&needle).then_some(0..line.len()).into_iter().collect();
    }
    let found = hay.match_indices(&needle).map(|(i, m)| i..i + m.len());
    found.filter(|r| line.is_char_boundary(r.start) && line.is_char_boundary(r.end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: usize) -> Vec<String> {
        (1..=lines).map(|i| format!("line {i}")).collect()
    }

    #[test]
    fn the_cursor_stays_in_sight_with_some_context() {
        let mut view = SourceView::default();
        view.go(50, 100);
        view.settle(100, 10);
        assert_eq!(view.at.offset, 44);
        view.step(2, 100);
        view.settle(100, 10);
        assert_eq!((view.at.cursor, view.at.offset), (51, 44));
        view.step(1, 100);
        view.settle(100, 10);
        assert_eq!(view.at.offset, 45);
        view.go(100, 100);
        view.settle(100, 10);
        assert_eq!(view.at.offset, 90);
        view.go(1, 100);
        view.settle(100, 10);
        assert_eq!(view.at.offset, 0);
        view.settle(0, 10);
        view.settle(5, 0);
    }

    #[test]
    fn each_source_keeps_its_place() {
        let (a, b) = (SourceKey::Reference(1, "a".to_owned()), SourceKey::Reference(2, "b".to_owned()));
        let mut view = SourceView::default();
        view.show(a.clone(), Some(30));
        view.settle(100, 10);
        view.show(b, None);
        assert_eq!(view.at.cursor, 0);
        view.show(a, None);
        assert_eq!(view.at.cursor, 29);
    }

    #[test]
    fn searching_goes_round_and_is_smart_about_case() {
        let lines = text(20);
        let mut view = SourceView { search: "LINE 1".to_owned(), ..Default::default() };
        assert_eq!(view.find(&lines, false), None);
        view.search = "line 1".to_owned();
        assert_eq!(view.find(&lines, false), Some(9));
        assert_eq!(view.find(&lines, true), Some(18));
        view.at.cursor = 19;
        assert_eq!(view.find(&lines, false), Some(0));
        assert_eq!(matches("aXax", "ax"), [0..2, 2..4]);
        assert_eq!(matches("İx", "x").first(), Some(&(0..3)));
    }
}
