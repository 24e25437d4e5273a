//! The console: what was typed, what came back, and the line being typed with its history and completion.

use crate::dap::CompletionItem;
use crate::widgets::line_editor::LineEditor;

/// How a line of the console is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The user typed it.
    Typed,
    /// An answer.
    Result,
    /// Something did not work.
    Error,
    /// The debugger says something by itself.
    Note,
    /// A log point printed it.
    Log,
}

/// Text in the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How it is meant.
    pub mark: Mark,
    /// The text, perhaps of several lines.
    pub text: String,
}

/// Proposals for what is being typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// Where in the line the proposals go: a byte offset.
    pub start: usize,
    /// The proposals.
    pub items: Vec<CompletionItem>,
    /// The one inserted, if any.
    pub chosen: Option<usize>,
}

/// More entries than this are forgotten, oldest first.
const MAX_ENTRIES: usize = 5_000;
/// The history keeps this many lines.
const MAX_HISTORY: usize = 1_000;

/// The console.
#[derive(Debug, Default)]
pub struct Console {
    /// What was typed and what came back.
    pub entries: Vec<Entry>,
    /// The line being typed.
    pub editor: LineEditor,
    /// Lines typed before, oldest first.
    pub history: Vec<String>,
    /// Proposals for the line being typed.
    pub completion: Option<Completion>,
    /// Rows scrolled back from the end.
    pub scroll: usize,
    /// The command that an empty line repeats.
    pub last_command: String,
    /// Which line of the history is shown, and what was being typed before.
    recalled: Option<(usize, String)>,
}

impl Console {
    /// Adds text.
    pub fn add(&mut self, mark: Mark, text: impl Into<String>) {
        let text = text.into();
        self.entries.push(Entry { mark, text: text.trim_end_matches(['\n', '\r']).to_owned() });
        if self.entries.len() > MAX_ENTRIES {
            self.entries.drain(..MAX_ENTRIES / 10);
        }
        self.scroll = 0;
    }

    /// Takes the line being typed and puts it into the history; true with it if it is new there.
    pub fn submit(&mut self) -> (String, bool) {
        let line = self.editor.take().trim().to_owned();
        self.recalled = None;
        self.completion = None;
        let fresh = !line.is_empty() && self.history.last() != Some(&line);
        if fresh {
            self.history.push(line.clone());
            if self.history.len() > MAX_HISTORY {
                self.history.remove(0);
            }
        }
        (line, fresh)
    }

    /// Shows the history's line before the one shown.
    pub fn older(&mut self) {
        let (at, typed) = match self.recalled.take() {
            Some((at, typed)) => (at.saturating_sub(1), typed),
            None => (self.history.len().saturating_sub(1), self.editor.text().to_owned()),
        };
        if let Some(line) = self.history.get(at) {
            self.editor.set(line.clone());
            self.recalled = Some((at, typed));
        }
    }

    /// Shows the history's line after the one shown, at last what was being typed.
    pub fn newer(&mut self) {
        let Some((at, typed)) = self.recalled.take() else { return };
        match self.history.get(at + 1) {
            Some(line) => {
                self.editor.set(line.clone());
                self.recalled = Some((at + 1, typed));
            }
            None => self.editor.set(typed),
        }
    }

    /// Takes the next proposal into the line, or the one before.
    pub fn cycle(&mut self, backwards: bool) {
        let Some(completion) = &mut self.completion else { return };
        let len = completion.items.len();
        if len == 0 {
            return;
        }
        let next = match (completion.chosen, backwards) {
            (None, false) => 0,
            (None, true) => len - 1,
            (Some(i), false) => (i + 1) % len,
            (Some(i), true) => (i + len - 1) % len,
        };
        completion.chosen = Some(next);
        let item = &completion.items[next];
        let text = item.text.clone().unwrap_or_else(|| item.label.clone());
        self.editor.replace_before_cursor(completion.start, &text);
    }

    /// Proposals have come for the text that is being typed. A single one is taken at once; of several, what they have
    /// in common.
    pub fn propose(&mut self, mut items: Vec<CompletionItem>) {
        let line = self.editor.text()[..self.editor.cursor()].to_owned();
        let start = word_start(&line);
        let word = line[start..].to_owned();
        let text_of = |i: &CompletionItem| i.text.clone().unwrap_or_else(|| i.label.clone());
        items.retain(|i| text_of(i).starts_with(&word));
        items.sort_by_key(|i| (i.label.starts_with('_'), i.label.clone()));
        items.dedup_by_key(|i| text_of(i));
        let Some(first) = items.first().map(text_of) else {
            self.completion = None;
            return;
        };
        let common = items.iter().map(text_of).fold(first, |a, b| common_prefix(&a, &b));
        if common.len() > word.len() {
            self.editor.replace_before_cursor(start, &common);
        }
        self.completion = (items.len() > 1).then_some(Completion { start, items, chosen: None });
    }
}

/// Where the name that ends `line` begins.
pub fn word_start(line: &str) -> usize {
    line.char_indices().rev().find(|(_, c)| !crate::highlight::is_name(*c)).map_or(0, |(i, c)| i + c.len_utf8())
}

fn common_prefix(a: &str, b: &str) -> String {
    a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(label: &str) -> CompletionItem {
        CompletionItem { label: label.to_owned(), ..Default::default() }
    }

    #[test]
    fn history_goes_back_and_returns_to_what_was_typed() {
        let mut c = Console::default();
        for line in ["p a", "p b", "p b"] {
            c.editor.set(line);
            c.submit();
        }
        assert_eq!(c.history, ["p a", "p b"]);
        c.editor.set("half");
        c.older();
        c.older();
        c.older();
        assert_eq!(c.editor.text(), "p a");
        c.newer();
        c.newer();
        assert_eq!(c.editor.text(), "half");
        c.newer();
        assert_eq!(c.editor.text(), "half");
    }

    #[test]
    fn completion_takes_what_is_common_then_goes_round() {
        let mut c = Console::default();
        c.editor.set("p self.le");
        c.propose(vec![item("left_side"), item("left"), item("other")]);
        assert_eq!(c.editor.text(), "p self.left");
        c.cycle(false);
        c.cycle(false);
        assert_eq!(c.editor.text(), "p self.left_side");
        c.cycle(false);
        assert_eq!(c.editor.text(), "p self.left");
        c.editor.set("x");
        c.propose(vec![item("xylophone")]);
        assert_eq!((c.editor.text(), c.completion.is_none()), ("xylophone", true));
    }
}
