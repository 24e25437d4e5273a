//! The program's terminal: what it wrote, as a screen with a history, and what keys mean to it.

use std::num::NonZeroU16;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Rows kept that have left the screen.
const HISTORY: usize = 10_000;

/// A terminal that the program writes to.
pub struct ProgramTerminal {
    parser: vt100::Parser,
    /// Rows scrolled back.
    scroll: usize,
    /// Whether anything was ever written.
    used: bool,
}

impl std::fmt::Debug for ProgramTerminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramTerminal").field("size", &self.size()).field("scroll", &self.scroll).finish()
    }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN)
}

impl ProgramTerminal {
    /// An empty terminal.
    pub fn new(cols: u16, rows: u16) -> ProgramTerminal {
        ProgramTerminal { parser: vt100::Parser::new(cells(rows), cells(cols), HISTORY), scroll: 0, used: false }
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        let (rows, cols) = self.parser.screen().size();
        (cols.get(), rows.get())
    }

    /// Changes the size; true if it was another.
    pub fn resize(&mut self, cols: u16, rows: u16) -> bool {
        let (cols, rows) = (cells(cols), cells(rows));
        if (cols.get(), rows.get()) == self.size() {
            return false;
        }
        self.parser.set_size(rows, cols);
        true
    }

    /// The program wrote something.
    pub fn write(&mut self, bytes: &[u8]) {
        self.used |= !bytes.is_empty();
        self.parser.process(bytes);
        self.parser.screen_mut().set_scrollback(self.scroll);
    }

    /// Text from an adapter instead of a terminal: its newlines do not return the carriage.
    pub fn write_text(&mut self, text: &str) {
        self.write(text.replace('\n', "\r\n").as_bytes());
    }

    /// What it shows now.
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Whether anything was ever written.
    pub fn is_used(&self) -> bool {
        self.used
    }

    /// Rows scrolled back.
    pub fn scrolled(&self) -> usize {
        self.scroll
    }

    /// Scrolls back by `delta` rows, forward if it is negative.
    pub fn scroll_by(&mut self, delta: isize) {
        self.scroll = self.scroll.saturating_add_signed(delta);
        self.parser.screen_mut().set_scrollback(self.scroll);
        self.scroll = self.parser.screen().scrollback();
    }

    /// Shows the end again.
    pub fn scroll_to_end(&mut self) {
        self.scroll_by(isize::MIN);
    }

    /// Whether a program has the whole screen to itself, as editors do.
    pub fn is_full_screen(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    /// Whether the cursor stands behind text on its line, as it does behind a question.
    pub fn at_prompt(&self) -> bool {
        self.used && self.parser.screen().cursor_position().1 > 0
    }

    /// An empty terminal of the same size.
    pub fn clear(&mut self) {
        let (cols, rows) = self.size();
        *self = ProgramTerminal::new(cols, rows);
    }

    /// The bytes that a terminal sends for pasted text.
    pub fn paste_bytes(&self, text: &str) -> Vec<u8> {
        let text = text.replace("\r\n", "\r").replace('\n', "\r");
        if self.parser.screen().bracketed_paste() {
            // The end mark inside the text would end the paste early.
            return format!("\u{1b}[200~{}\u{1b}[201~", text.replace("\u{1b}[201~", "")).into_bytes();
        }
        text.into_bytes()
    }

    /// The bytes that a terminal sends for a key; none if it has no meaning there.
    pub fn key_bytes(&self, key: KeyEvent) -> Vec<u8> {
        let mut bytes = self.plain_key_bytes(key);
        let is_char = matches!(key.code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Backspace);
        if key.modifiers.contains(KeyModifiers::ALT) && is_char && !bytes.is_empty() {
            bytes.insert(0, 0x1b);
        }
        bytes
    }

    fn plain_key_bytes(&self, key: KeyEvent) -> Vec<u8> {
        match key.code {
            KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => control_byte(c).into_iter().collect(),
            KeyCode::Char(c) => c.to_string().into_bytes(),
            KeyCode::Enter => vec![b'\r'],
            KeyCode::Backspace => vec![0x7f],
            KeyCode::Tab => vec![b'\t'],
            KeyCode::BackTab => b"\x1b[Z".to_vec(),
            KeyCode::Esc => vec![0x1b],
            KeyCode::Up => self.arrow(b'A'),
            KeyCode::Down => self.arrow(b'B'),
            KeyCode::Right => self.arrow(b'C'),
            KeyCode::Left => self.arrow(b'D'),
            KeyCode::Home => self.arrow(b'H'),
            KeyCode::End => self.arrow(b'F'),
            KeyCode::PageUp => b"\x1b[5~".to_vec(),
            KeyCode::PageDown => b"\x1b[6~".to_vec(),
            KeyCode::Insert => b"\x1b[2~".to_vec(),
            KeyCode::Delete => b"\x1b[3~".to_vec(),
            KeyCode::F(n @ 1..=4) => vec![0x1b, b'O', b'P' + n - 1],
            KeyCode::F(n @ 5..=12) => {
                const CODES: [u8; 8] = [15, 17, 18, 19, 20, 21, 23, 24];
                format!("\u{1b}[{}~", CODES[n as usize - 5]).into_bytes()
            }
            _ => Vec::new(),
        }
    }

    fn arrow(&self, letter: u8) -> Vec<u8> {
        let second = if self.parser.screen().application_cursor() { b'O' } else { b'[' };
        vec![0x1b, second, letter]
    }
}

/// The byte of Ctrl with a character (ECMA-48: the character's code without its upper bits).
fn control_byte(c: char) -> Option<u8> {
    match c.to_ascii_lowercase() {
        c @ 'a'..='z' => Some(c as u8 - b'a' + 1),
        ' ' | '2' | '@' => Some(0),
        '3' | '[' => Some(0x1b),
        '4' | '\\' => Some(0x1c),
        '5' | ']' => Some(0x1d),
        '6' | '^' => Some(0x1e),
        '7' | '_' | '/' => Some(0x1f),
        '8' | '?' => Some(0x7f),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn keys_become_what_programs_expect() {
        let mut t = ProgramTerminal::new(20, 3);
        assert_eq!(t.key_bytes(key(KeyCode::Char('c'), KeyModifiers::CONTROL)), [3]);
        assert_eq!(t.key_bytes(key(KeyCode::Char('ü'), KeyModifiers::NONE)), "ü".as_bytes());
        assert_eq!(t.key_bytes(key(KeyCode::Char('x'), KeyModifiers::ALT)), b"\x1bx");
        assert_eq!(t.key_bytes(key(KeyCode::Up, KeyModifiers::NONE)), b"\x1b[A");
        t.write(b"\x1b[?1h");
        assert_eq!(t.key_bytes(key(KeyCode::Up, KeyModifiers::NONE)), b"\x1bOA");
        assert_eq!(t.key_bytes(key(KeyCode::F(5), KeyModifiers::NONE)), b"\x1b[15~");
        assert_eq!(t.paste_bytes("a\nb"), b"a\rb");
        t.write(b"\x1b[?2004h");
        assert_eq!(t.paste_bytes("a\x1b[201~b"), b"\x1b[200~ab\x1b[201~");
    }

    #[test]
    fn history_can_be_read_and_is_bounded() {
        let mut t = ProgramTerminal::new(10, 2);
        assert!(!t.at_prompt());
        for i in 0..5 {
            t.write(format!("line {i}\r\n").as_bytes());
        }
        t.write(b"? ");
        assert!(t.at_prompt());
        t.scroll_by(2);
        assert_eq!(t.screen().contents().lines().next(), Some("line 2"));
        t.scroll_by(100);
        assert_eq!(t.scrolled(), 4);
        t.scroll_to_end();
        assert_eq!(t.scrolled(), 0);
    }

    #[test]
    fn any_bytes_and_any_size_are_survived() {
        let mut t = ProgramTerminal::new(0, 0);
        t.write(b"\xff\xfe\x1b[999;999H\x1b[1;1r\xf0\x9f\x90\x8d x");
        t.resize(200, 1);
        t.write("漢字\u{1b}[2J".as_bytes());
        assert!(!t.resize(200, 1));
        t.clear();
        assert!(!t.is_used());
    }
}
