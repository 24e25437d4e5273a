//! What lies over the panes: questions, forms, lists to choose from, long texts.

use std::path::PathBuf;

use crate::dap::StepInTarget;
use crate::widgets::line_editor::LineEditor;
use crate::widgets::list::ListCursor;

use super::breakpoints::Target;
use super::sources::SourceKey;

/// Something that takes all keys until it is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// A question that is answered by yes or no.
    Confirm(Question),
    /// One line of text, typed in the line of hints.
    Prompt(Prompt),
    /// The form of a breakpoint.
    Breakpoint(BreakpointForm),
    /// A list to choose from.
    Picker(Picker),
    /// A long text: a value, an exception.
    Text(TextView),
    /// The help.
    Help(TextView),
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Leave although the program has not ended?
    Quit,
    /// Start the program anew although it has not ended?
    Restart,
    /// Remove all breakpoints?
    ClearBreakpoints,
}

/// A line of text that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What for.
    pub purpose: Purpose,
    /// The line.
    pub editor: LineEditor,
}

/// What a line of text is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The number of a line to go to.
    GotoLine,
    /// A text to search; the line where the cursor was before.
    Search(usize),
    /// A text that names of variables must contain.
    Filter,
    /// An expression to watch.
    Watch,
    /// Another expression in place of this watch.
    EditWatch(usize),
    /// A new value for the selected variable.
    SetValue,
}

impl Purpose {
    /// What stands before the line.
    pub fn label(&self) -> &'static str {
        match self {
            Purpose::GotoLine => "Go to line:",
            Purpose::Search(_) => "Search:",
            Purpose::Filter => "Show names containing:",
            Purpose::Watch => "Watch expression:",
            Purpose::EditWatch(_) => "Watch instead:",
            Purpose::SetValue => "New value:",
        }
    }
}

/// The form of a breakpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakpointForm {
    /// The breakpoint's number; absent for a new one.
    pub number: Option<usize>,
    /// Where it is or will be.
    pub target: Target,
    /// Condition, hits, log message.
    pub fields: [LineEditor; 3],
    /// Which field is being typed; 3 and 4 are the boxes below them.
    pub selected: usize,
    /// Whether it is on.
    pub enabled: bool,
    /// Whether it goes away when it is hit.
    pub temporary: bool,
}

impl BreakpointForm {
    /// The names of the fields, and an example of each.
    pub const FIELDS: [(&'static str, &'static str); 3] = [
        ("Condition", "stop only if this is true:  n > 3"),
        ("Hits", "stop at these hits only:  5   >= 3   % 10"),
        ("Log message", "print this, do not stop:  n is {n}"),
    ];
    /// Fields and boxes together.
    pub const ROWS: usize = 5;
}

/// A list to choose from.
#[derive(Debug, Clone, PartialEq)]
pub struct Picker {
    /// Its title.
    pub title: &'static str,
    /// What narrows the list down.
    pub editor: LineEditor,
    /// Everything there is.
    pub choices: Vec<Choice>,
    /// The cursor among what is left.
    pub cursor: ListCursor,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What the user sees.
    pub label: String,
    /// What it means.
    pub value: Chosen,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Chosen {
    /// A file to show.
    File(PathBuf),
    /// A source to show.
    Source(SourceKey),
    /// A call to step into.
    StepTarget(StepInTarget),
}

impl Picker {
    /// The choices left: those that contain all words typed.
    pub fn left(&self) -> Vec<&Choice> {
        let words: Vec<String> = self.editor.text().split_whitespace().map(str::to_lowercase).collect();
        let fits = |c: &&Choice| words.iter().all(|w| c.label.to_lowercase().contains(w));
        self.choices.iter().filter(fits).collect()
    }
}

/// A long text that can be scrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextView {
    /// Its title.
    pub title: String,
    /// The text.
    pub text: String,
    /// The first row shown.
    pub scroll: usize,
}

impl TextView {
    /// A text, from its start.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> TextView {
        TextView { title: title.into(), text: text.into(), scroll: 0 }
    }
}
