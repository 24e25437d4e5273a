//! The keys, in one table: what each does, where, and how it is explained. The help screen and the line of hints are
//! made from it, so they cannot tell anything but the truth.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::app::Pane;

/// What a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the help text of the table says what each one does")]
pub enum Action {
    StepOver,
    StepIn,
    StepIntoTarget,
    StepOut,
    Continue,
    Pause,
    RunToCursor,
    JumpToCursor,
    StepBack,
    ReverseContinue,
    Restart,
    Quit,
    FrameUp,
    FrameDown,
    ToggleBreakpoint,
    EditBreakpoint,
    ToggleRaised,
    ToggleUncaught,
    CommandLine,
    PrintPrompt,
    AddWatch,
    ShowException,
    CurrentLine,
    GotoLine,
    Search,
    SearchNext,
    SearchPrevious,
    OpenFile,
    EditFile,
    FocusNext,
    FocusPrevious,
    Focus(Pane),
    FocusSource,
    Zoom,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Activate,
    Expand,
    Collapse,
    SetValue,
    WatchVariable,
    BreakOnChange,
    Filter,
    ToggleSpecial,
    EditWatch,
    Delete,
    ToggleEnabled,
    EditListedBreakpoint,
    WiderSide,
    NarrowerSide,
    TallerBottom,
    ShorterBottom,
    Theme,
    Help,
    Redraw,
    Suspend,
    LeaveTerminal,
    ScrollBack,
    ScrollForward,
}

/// Where a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In all panes that do not take typing.
    Global,
    /// In one pane.
    In(Pane),
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The keys, as [`key_name`] writes them; the first is the one shown.
    pub keys: &'static [&'static str],
    /// What they do.
    pub action: Action,
    /// Where they do it.
    pub scope: Scope,
    /// One or two words for the line of hints; empty keeps the row out of it.
    pub hint: &'static str,
    /// One line for the help screen.
    pub help: &'static str,
}

impl Binding {
    /// The key to name in hints: panes have a digit and a letter, and letters are easier to keep in mind.
    pub fn shown_key(&self) -> &'static str {
        let letter = self.keys.iter().find(|k| !k.starts_with(|c: char| c.is_ascii_digit()));
        letter.or(self.keys.first()).copied().unwrap_or("")
    }
}

/// A heading of the help screen and the rows below it.
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// The rows.
    pub rows: &'static [Binding],
}

const fn row(
    keys: &'static [&'static str],
    action: Action,
    scope: Scope,
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding { keys, action, scope, hint, help }
}

use Action as A;
use Pane as P;
use Scope::{Global, In};

/// The table.
pub const TABLE: &[Group] = &[
    Group {
        title: "Running",
        rows: &[
            row(&["n", "F10"], A::StepOver, Global, "next", "run to the next line of this function"),
            row(&["s", "F11"], A::StepIn, Global, "step", "step into the function called next"),
            row(&["i"], A::StepIntoTarget, Global, "", "choose which call of this line to step into"),
            row(&["r", "Shift-F11"], A::StepOut, Global, "return", "run until this function returns"),
            row(&["c", "F5"], A::Continue, Global, "continue", "run to the next breakpoint"),
            row(&["Ctrl-c", "F6"], A::Pause, Global, "", "pause the running program"),
            row(&["t"], A::RunToCursor, Global, "", "run to the cursor's line"),
            row(&["J"], A::JumpToCursor, Global, "", "jump to the cursor's line without running what lies between"),
            row(&["N"], A::StepBack, Global, "", "go back one line (if the debugger can)"),
            row(&["C"], A::ReverseContinue, Global, "", "run backwards to a breakpoint (if the debugger can)"),
            row(&["R"], A::Restart, Global, "", "start the program anew"),
            row(&["q"], A::Quit, Global, "", "leave the debugger"),
        ],
    },
    Group {
        title: "Breakpoints",
        rows: &[
            row(&["b", "F9"], A::ToggleBreakpoint, In(P::Source), "break", "set or remove a breakpoint on this line"),
            row(&["E"], A::EditBreakpoint, In(P::Source), "", "condition, hit count or log message of this line"),
            row(&["x"], A::ToggleUncaught, Global, "", "stop at exceptions that nobody catches, or not"),
            row(&["X"], A::ToggleRaised, Global, "", "stop at every exception raised, or not"),
        ],
    },
    Group {
        title: "Looking",
        rows: &[
            row(&["u"], A::FrameUp, Global, "", "look at the caller's frame"),
            row(&["d"], A::FrameDown, Global, "", "look at the called frame"),
            row(&[":", "!", "Ctrl-x"], A::CommandLine, Global, "command", "type a command or an expression"),
            row(&["p"], A::PrintPrompt, Global, "", "print an expression"),
            row(&["w"], A::AddWatch, Global, "", "watch an expression"),
            row(&["e"], A::ShowException, Global, "", "show the exception in full"),
            row(&["l", "H"], A::CurrentLine, Global, "", "show the line that runs next"),
            row(&["L", "Ctrl-g"], A::GotoLine, Global, "", "go to a line"),
            row(&["/", "Ctrl-f"], A::Search, In(P::Source), "", "search in the source"),
            row(&[".", "F3"], A::SearchNext, In(P::Source), "", "next place found"),
            row(&[",", "Shift-F3"], A::SearchPrevious, In(P::Source), "", "previous place found"),
            row(&["m", "Ctrl-o"], A::OpenFile, Global, "", "show another file"),
            row(&["Ctrl-e"], A::EditFile, Global, "", "open the file in $EDITOR at this line"),
        ],
    },
    Group {
        title: "Variables",
        rows: &[
            row(&["Enter", "Space"], A::Activate, In(P::Variables), "open", "open or close; show a long value in full"),
            row(&["Right"], A::Expand, In(P::Variables), "", "open"),
            row(&["Left"], A::Collapse, In(P::Variables), "", "close, or go to the parent"),
            row(&["="], A::SetValue, In(P::Variables), "set value", "change the value"),
            row(&["W"], A::WatchVariable, In(P::Variables), "watch", "watch this"),
            row(&["b"], A::BreakOnChange, In(P::Variables), "break on change", "stop when this changes (if possible)"),
            row(&["/"], A::Filter, In(P::Variables), "filter", "show only names that contain a text"),
            row(&["_"], A::ToggleSpecial, In(P::Variables), "specials", "show or hide __names__, functions, modules"),
        ],
    },
    Group {
        title: "Watches",
        rows: &[
            row(&["Enter", "Space"], A::Activate, In(P::Watches), "open", "open or close; show a long value in full"),
            row(&["Right"], A::Expand, In(P::Watches), "", "open"),
            row(&["Left"], A::Collapse, In(P::Watches), "", "close, or go to the parent"),
            row(&["="], A::EditWatch, In(P::Watches), "edit", "change the expression"),
            row(&["Delete", "Backspace"], A::Delete, In(P::Watches), "remove", "watch it no longer"),
        ],
    },
    Group {
        title: "Stack",
        rows: &[row(&["Enter", "Space"], A::Activate, In(P::Stack), "look", "look at this frame or thread")],
    },
    Group {
        title: "Breakpoint list",
        rows: &[
            row(
                &["Enter"],
                A::Activate,
                In(P::Breakpoints),
                "show",
                "show the place; turn an exception kind on or off",
            ),
            row(&["Space"], A::ToggleEnabled, In(P::Breakpoints), "on/off", "turn it on or off"),
            row(
                &["=", "E"],
                A::EditListedBreakpoint,
                In(P::Breakpoints),
                "edit",
                "condition, hit count or log message",
            ),
            row(&["Delete", "Backspace"], A::Delete, In(P::Breakpoints), "remove", "remove it"),
        ],
    },
    Group {
        title: "Program output (what you type goes to the program)",
        rows: &[
            row(&["Esc", "Ctrl-]"], A::LeaveTerminal, In(P::Output), "back to the debugger", "leave"),
            row(&["PageUp"], A::ScrollBack, In(P::Output), "scroll", "scroll back"),
            row(&["PageDown"], A::ScrollForward, In(P::Output), "", "scroll forward"),
        ],
    },
    Group {
        title: "Moving about",
        rows: &[
            row(&["1", "Esc"], A::FocusSource, Global, "", "source"),
            row(&["2", "V"], A::Focus(P::Variables), Global, "", "variables"),
            row(&["3"], A::Focus(P::Watches), Global, "", "watches"),
            row(&["4", "S"], A::Focus(P::Stack), Global, "", "stack"),
            row(&["5", "B"], A::Focus(P::Breakpoints), Global, "", "breakpoints"),
            row(&["6", "o"], A::Focus(P::Output), Global, "output", "program output and input"),
            row(&["7"], A::Focus(P::Console), Global, "", "console"),
            row(&["Tab"], A::FocusNext, Global, "", "next pane"),
            row(&["Shift-Tab"], A::FocusPrevious, Global, "", "previous pane"),
            row(&["z"], A::Zoom, Global, "", "this pane alone, or all of them"),
            row(&["k", "Up"], A::Up, Global, "", "up"),
            row(&["j", "Down"], A::Down, Global, "", "down"),
            row(&["PageUp", "Ctrl-u", "Ctrl-b"], A::PageUp, Global, "", "a page up"),
            row(&["PageDown", "Ctrl-d"], A::PageDown, Global, "", "a page down"),
            row(&["g", "Home"], A::Top, Global, "", "to the start"),
            row(&["G", "End"], A::Bottom, Global, "", "to the end"),
            row(&["Left"], A::Left, Global, "", "scroll long lines left"),
            row(&["Right"], A::Right, Global, "", "scroll long lines right"),
        ],
    },
    Group {
        title: "Screen",
        rows: &[
            row(&["?", "h", "F1"], A::Help, Global, "help", "this help"),
            row(&[">"], A::NarrowerSide, Global, "", "right column narrower"),
            row(&["<"], A::WiderSide, Global, "", "right column wider"),
            row(&["+"], A::TallerBottom, Global, "", "lower panes taller"),
            row(&["-"], A::ShorterBottom, Global, "", "lower panes shorter"),
            row(&["T"], A::Theme, Global, "", "next colours: dark, light, the terminal's own, none"),
            row(&["Ctrl-l"], A::Redraw, Global, "", "draw the screen anew"),
            row(&["Ctrl-z"], A::Suspend, Global, "", "back to the shell for a while (fg returns)"),
        ],
    },
];

/// The rows of the table, without their headings.
pub fn bindings() -> impl Iterator<Item = &'static Binding> {
    TABLE.iter().flat_map(|g| g.rows)
}

/// What `key` does when the keys belong to `pane`: its own keys come first, then, if it does not take typing, the
/// global ones.
pub fn action(key: KeyEvent, pane: Pane) -> Option<Action> {
    let name = key_name(key);
    let find = |scope| bindings().find(|b| b.scope == scope && b.keys.contains(&name.as_str())).map(|b| b.action);
    find(In(pane)).or_else(|| if pane.takes_typing() { None } else { find(Global) })
}

/// The rows to hint at when the keys belong to `pane`: its own first.
pub fn hints(pane: Pane) -> Vec<&'static Binding> {
    let own = bindings().filter(|b| b.scope == In(pane) && !b.hint.is_empty());
    let global = bindings().filter(|b| b.scope == Global && !b.hint.is_empty() && !pane.takes_typing());
    if pane == P::Source {
        // Here the order of a debugging session is more useful: next, step, return, continue, break.
        return bindings().filter(|b| (b.scope == Global || b.scope == In(pane)) && !b.hint.is_empty()).collect();
    }
    own.chain(global).collect()
}

/// A key's name as the table writes it: `n`, `N`, `Space`, `Ctrl-c`, `Shift-F11`, `PageUp`.
pub fn key_name(key: KeyEvent) -> String {
    let mut name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => c.to_ascii_lowercase().to_string(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(n) => format!("F{n}"),
        KeyCode::BackTab => "Tab".to_owned(),
        code => format!("{code:?}"),
    };
    let is_char = matches!(key.code, KeyCode::Char(_));
    if key.code == KeyCode::BackTab || (key.modifiers.contains(KeyModifiers::SHIFT) && !is_char) {
        name.insert_str(0, "Shift-");
    }
    if key.modifiers.contains(KeyModifiers::ALT) {
        name.insert_str(0, "Alt-");
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        // Terminals send Ctrl-] as Ctrl-5.
        name = if name == "5" { "Ctrl-]".to_owned() } else { format!("Ctrl-{name}") };
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn ch(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
    }

    #[test]
    fn keys_have_the_names_of_the_table() {
        assert_eq!(key_name(ch('N')), "N");
        assert_eq!(key_name(ch(' ')), "Space");
        assert_eq!(key_name(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)), "Shift-Tab");
        assert_eq!(key_name(KeyEvent::new(KeyCode::F(11), KeyModifiers::SHIFT)), "Shift-F11");
        assert_eq!(key_name(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), "Ctrl-c");
        assert_eq!(key_name(KeyEvent::new(KeyCode::Char('5'), KeyModifiers::CONTROL)), "Ctrl-]");
        assert_eq!(key_name(KeyEvent::new(KeyCode::PageUp, KeyModifiers::NONE)), "PageUp");
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let mut seen = HashSet::new();
        for binding in bindings() {
            for key in binding.keys {
                assert!(seen.insert((format!("{:?}", binding.scope), *key)), "{key} twice in {:?}", binding.scope);
            }
        }
    }

    #[test]
    fn a_pane_goes_before_the_rest_and_typing_before_all() {
        assert_eq!(action(ch('b'), P::Source), Some(A::ToggleBreakpoint));
        assert_eq!(action(ch('b'), P::Variables), Some(A::BreakOnChange));
        assert_eq!(action(ch('b'), P::Stack), None);
        assert_eq!(action(ch('n'), P::Variables), Some(A::StepOver));
        assert_eq!(action(ch('n'), P::Output), None);
        assert_eq!(action(ch('q'), P::Console), None);
    }

    #[test]
    fn the_letters_of_pdb_work() {
        for (letter, wanted) in [
            ('n', A::StepOver),
            ('s', A::StepIn),
            ('r', A::StepOut),
            ('c', A::Continue),
            ('u', A::FrameUp),
            ('d', A::FrameDown),
            ('b', A::ToggleBreakpoint),
            ('p', A::PrintPrompt),
            ('q', A::Quit),
            ('l', A::CurrentLine),
            ('h', A::Help),
        ] {
            assert_eq!(action(ch(letter), P::Source), Some(wanted), "{letter}");
        }
    }
}
