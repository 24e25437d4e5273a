//! One line of text being typed: for commands, conditions, searches. Understands the usual Emacs keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A line of text with a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineEditor {
    text: String,
    /// Byte offset of the cursor, always on a character boundary.
    cursor: usize,
    /// What the last Ctrl-K, Ctrl-U or Ctrl-W removed, for Ctrl-Y.
    killed: String,
}

impl LineEditor {
    /// A line that holds `text`, with the cursor at its end.
    pub fn new(text: impl Into<String>) -> LineEditor {
        let text = text.into();
        LineEditor { cursor: text.len(), text, killed: String::new() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Byte offset of the cursor.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: impl Into<String>) {
        self.text = text.into();
        self.cursor = self.text.len();
    }

    /// Takes the text away, leaving an empty line.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Inserts `text` at the cursor; line breaks become spaces.
    pub fn insert(&mut self, text: &str) {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
    }

    /// Replaces the bytes from `start` up to the cursor by `text`.
    pub fn replace_before_cursor(&mut self, start: usize, text: &str) {
        let start = floor_boundary(&self.text, start.min(self.cursor));
        self.text.replace_range(start..self.cursor, text);
        self.cursor = start + text.len();
    }

    /// Handles a key; false if it means nothing to a line of text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if ctrl => return self.control(c),
            KeyCode::Char('b') if alt => self.cursor = self.word_left(),
            KeyCode::Char('f') if alt => self.cursor = self.word_right(),
            KeyCode::Char('d') if alt => self.kill(self.cursor, self.word_right()),
            KeyCode::Char(_) if alt => return false,
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if alt || ctrl => self.kill(self.word_left(), self.cursor),
            KeyCode::Backspace => self.erase_left(),
            KeyCode::Delete => drop(self.text.drain(self.cursor..self.right())),
            KeyCode::Left if ctrl || alt => self.cursor = self.word_left(),
            KeyCode::Right if ctrl || alt => self.cursor = self.word_right(),
            KeyCode::Left => self.cursor = self.left(),
            KeyCode::Right => self.cursor = self.right(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn control(&mut self, c: char) -> bool {
        match c {
            'a' => self.cursor = 0,
            'e' => self.cursor = self.text.len(),
            'b' => self.cursor = self.left(),
            'f' => self.cursor = self.right(),
            'k' => self.kill(self.cursor, self.text.len()),
            'u' => self.kill(0, self.cursor),
            'w' => self.kill(self.word_left(), self.cursor),
            'y' => self.insert(&self.killed.clone()),
            'h' => self.erase_left(),
            'd' if !self.text.is_empty() => drop(self.text.drain(self.cursor..self.right())),
            _ => return false,
        }
        true
    }

    fn erase_left(&mut self) {
        let left = self.left();
        self.text.drain(left..self.cursor);
        self.cursor = left;
    }

    fn kill(&mut self, start: usize, end: usize) {
        self.killed = self.text.drain(start..end).collect();
        self.cursor = start;
    }

    fn left(&self) -> usize {
        self.text[..self.cursor].char_indices().next_back().map_or(0, |(i, _)| i)
    }

    fn right(&self) -> usize {
        self.text[self.cursor..].chars().next().map_or(self.cursor, |c| self.cursor + c.len_utf8())
    }

    fn word_left(&self) -> usize {
        let before = self.text[..self.cursor].trim_end_matches(|c: char| !is_word(c));
        before.char_indices().rev().find(|(_, c)| !is_word(*c)).map_or(0, |(i, c)| i + c.len_utf8())
    }

    fn word_right(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let start = rest.find(is_word).unwrap_or(rest.len());
        let end = rest[start..].find(|c: char| !is_word(c)).map_or(rest.len(), |i| start + i);
        self.cursor + end
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The last character boundary at or before `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(editor: &mut LineEditor, code: KeyCode, modifiers: KeyModifiers) {
        assert!(editor.key(KeyEvent::new(code, modifiers)));
    }

    #[test]
    fn typing_moving_and_killing() {
        let mut e = LineEditor::new("p größe");
        press(&mut e, KeyCode::Backspace, KeyModifiers::NONE);
        press(&mut e, KeyCode::Char('n'), KeyModifiers::NONE);
        assert_eq!(e.text(), "p größn");
        press(&mut e, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!((e.text(), e.cursor()), ("p ", 2));
        press(&mut e, KeyCode::Char('a'), KeyModifiers::CONTROL);
        press(&mut e, KeyCode::Char('y'), KeyModifiers::CONTROL);
        assert_eq!(e.text(), "größnp ");
        press(&mut e, KeyCode::Left, KeyModifiers::CONTROL);
        press(&mut e, KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(e.text(), "");
    }

    #[test]
    fn words_are_names() {
        let mut e = LineEditor::new("a.left_part + 1");
        for expected in [14, 2, 0] {
            press(&mut e, KeyCode::Char('b'), KeyModifiers::ALT);
            assert_eq!(e.cursor(), expected);
        }
        press(&mut e, KeyCode::Char('f'), KeyModifiers::ALT);
        assert_eq!(e.cursor(), 1);
    }

    #[test]
    fn pasted_lines_become_one() {
        let mut e = LineEditor::default();
        e.insert("a\nb\tc");
        assert_eq!(e.text(), "a b c");
        e.replace_before_cursor(4, "xyz");
        assert_eq!(e.take(), "a b xyz");
        assert_eq!(e.cursor(), 0);
    }
}
