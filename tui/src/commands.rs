//! The command line: commands as pdb has them, in one table from which their help is made.
//!
//! What is no command is an expression or statement for the program. Where pdb would take `c = 5` for `continue`, this
//! looks at what follows: an assignment, a call, an attribute or an index makes it Python.

/// A command with its argument, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the help text of the table says what each one does")]
pub enum Command {
    Step,
    Next,
    Return,
    Continue,
    /// Run until a line greater than the current one, or to this one.
    Until(Option<usize>),
    Jump(usize),
    /// Set a breakpoint; `None` lists them.
    Break(Option<Place>, Temporary),
    /// Remove breakpoints; `None` means all.
    Clear(Option<Vec<Which>>),
    Enable(Vec<Which>),
    Disable(Vec<Which>),
    Condition(Which, String),
    Ignore(Which, u64),
    LogPoint(Place),
    Where,
    /// Select another frame: that many towards the caller, negative towards the callee.
    Frames(isize),
    Args,
    ReturnValue,
    /// Show source: of the line given, or the current one.
    List(Option<usize>),
    Print(String),
    PrettyPrint(String),
    WhatIs(String),
    Display(Option<String>),
    Undisplay(Option<String>),
    /// Stop when a variable, attribute or item is given another value.
    Watch(String),
    Execute(String),
    Exceptions,
    Open(String),
    Back,
    ReverseContinue,
    Pause,
    Restart,
    Help(Option<String>),
    Quit,
}

/// Whether a breakpoint goes away when it is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temporary {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Where a breakpoint shall stand, with its condition or log message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A line or a function.
    pub location: Location,
    /// What stands behind the comma.
    pub extra: Option<String>,
}

/// A line or a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A line of the file shown.
    Line(usize),
    /// A line of another file.
    FileLine(String, usize),
    /// The entry of a function.
    Function(String),
}

/// Names a breakpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its number in the list, from 1.
    Number(usize),
    /// By its place.
    At(String, usize),
}

/// A row of the table.
pub struct Row {
    /// The names; the first is the one shown.
    pub names: &'static [&'static str],
    /// The arguments, as in a synopsis.
    pub usage: &'static str,
    /// One line of help.
    pub help: &'static str,
    parse: fn(&str) -> Result<Command, String>,
}

const fn row(
    names: &'static [&'static str],
    usage: &'static str,
    help: &'static str,
    parse: fn(&str) -> Result<Command, String>,
) -> Row {
    Row { names, usage, help, parse }
}

/// The table.
pub const TABLE: &[Row] = &[
    row(&["s", "step"], "", "step into the function called next", |_| Ok(Command::Step)),
    row(&["n", "next"], "", "run to the next line of this function", |_| Ok(Command::Next)),
    row(&["r", "return"], "", "run until this function returns", |_| Ok(Command::Return)),
    row(&["c", "cont", "continue"], "", "run to the next breakpoint", |_| Ok(Command::Continue)),
    row(&["unt", "until"], "[line]", "run until a line below this one, or to the line given", |a| {
        optional(a, line_number).map(Command::Until)
    }),
    row(&["j", "jump"], "line", "go on at another line", |a| line_number(a).map(Command::Jump)),
    row(&["b", "break"], "[[file:]line | function][, condition]", "set a breakpoint, or list them", |a| {
        Ok(Command::Break(optional(a, place)?, Temporary::No))
    }),
    row(&["tbreak"], "[[file:]line | function][, condition]", "a breakpoint that goes when it is hit", |a| {
        Ok(Command::Break(optional(a, place)?, Temporary::Yes))
    }),
    row(&["log"], "[file:]line, message", "print a message with {expressions} there, do not stop", |a| {
        let place = place(a)?;
        if place.extra.is_none() {
            Err("log needs a message behind a comma".to_owned())
        } else {
            Ok(Command::LogPoint(place))
        }
    }),
    row(&["cl", "clear"], "[number… | file:line]", "remove breakpoints, or all", |a| {
        optional(a, whiches).map(Command::Clear)
    }),
    row(&["enable"], "number…", "turn breakpoints on", |a| whiches(a).map(Command::Enable)),
    row(&["disable"], "number…", "turn breakpoints off", |a| whiches(a).map(Command::Disable)),
    row(&["condition"], "number [expression]", "stop there only if it is true, or always", |a| {
        let (number, condition) = split_word(a);
        Ok(Command::Condition(which(number)?, condition.to_owned()))
    }),
    row(&["ignore"], "number [count]", "pass it that many times before stopping", |a| {
        let (number, count) = split_word(a);
        let count = if count.is_empty() { 0 } else { count.parse().map_err(|_| format!("not a count: {count}"))? };
        Ok(Command::Ignore(which(number)?, count))
    }),
    row(&["w", "where", "bt"], "", "print the stack", |_| Ok(Command::Where)),
    row(&["u", "up"], "[count]", "look at the caller's frame", |a| Ok(Command::Frames(count(a)?))),
    row(&["d", "down"], "[count]", "look at the called frame", |a| Ok(Command::Frames(-count(a)?))),
    row(&["a", "args"], "", "print the function's arguments and other locals", |_| Ok(Command::Args)),
    row(&["rv", "retval"], "", "print what the last function returned", |_| Ok(Command::ReturnValue)),
    row(&["l", "list", "ll", "longlist"], "[line]", "show the source there", |a| {
        // pdb's `l .` and `l first, last` both mean a place to look at.
        let first = a.split(',').next().unwrap_or("").trim();
        optional(if first == "." { "" } else { first }, line_number).map(Command::List)
    }),
    row(&["p"], "expression", "print it", |a| need(a, "an expression").map(Command::Print)),
    row(&["pp"], "expression", "print it item by item", |a| need(a, "an expression").map(Command::PrettyPrint)),
    row(&["whatis"], "expression", "print its type", |a| need(a, "an expression").map(Command::WhatIs)),
    row(&["display"], "[expression]", "watch it, or list what is watched", |a| {
        Ok(Command::Display((!a.is_empty()).then(|| a.to_owned())))
    }),
    row(&["undisplay"], "[expression]", "watch it no longer, or nothing any longer", |a| {
        Ok(Command::Undisplay((!a.is_empty()).then(|| a.to_owned())))
    }),
    row(&["watch"], "variable, attribute or item", "stop when it is given another value", |a| {
        need(a, "a variable, attribute or item").map(Command::Watch)
    }),
    row(&["exceptions"], "", "show the exception in full", |_| Ok(Command::Exceptions)),
    row(&["open", "source"], "file", "show a file", |a| need(a, "a file").map(Command::Open)),
    row(&["back"], "", "go back one line (if the debugger can)", |_| Ok(Command::Back)),
    row(&["rc"], "", "run backwards to a breakpoint (if the debugger can)", |_| Ok(Command::ReverseContinue)),
    row(&["pause"], "", "pause the running program", |_| Ok(Command::Pause)),
    row(&["run", "restart"], "", "start the program anew", |_| Ok(Command::Restart)),
    row(&["h", "help"], "[command]", "explain the commands, or one", |a| {
        Ok(Command::Help((!a.is_empty()).then(|| a.to_owned())))
    }),
    row(&["q", "quit", "exit"], "", "leave the debugger", |_| Ok(Command::Quit)),
];

/// The row of the command called `name`.
pub fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|r| r.names.contains(&name))
}

/// Understands one line, which may hold several commands separated by `;;`.
///
/// Errors: a command's argument makes no sense; the text says what is wrong and how the command is used.
pub fn parse_line(line: &str) -> Result<Vec<Command>, String> {
    split_commands(line).into_iter().map(parse).collect()
}

/// Splits at `;;` outside of quotes.
fn split_commands(line: &str) -> Vec<&str> {
    let bytes = line.as_bytes();
    let mut parts = Vec::new();
    let (mut start, mut at, mut quote) = (0, 0, None);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(q), b) if b == q => quote = None,
            (None, b @ (b'"' | b'\'')) => quote = Some(b),
            (None, b';') if bytes.get(at + 1) == Some(&b';') => {
                parts.push(&line[start..at]);
                at += 1;
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&line[start..]);
    parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect()
}

fn parse(text: &str) -> Result<Command, String> {
    if let Some(statement) = text.strip_prefix('!') {
        return need(statement.trim(), "a statement").map(Command::Execute);
    }
    if text == "?" {
        return Ok(Command::Help(None));
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match find(name) {
        Some(row) if !is_python(rest) => {
            (row.parse)(rest.trim()).map_err(|e| format!("{e} (usage: {name} {})", row.usage))
        }
        _ => Ok(Command::Execute(text.to_owned())),
    }
}

/// Whether what follows a word makes it a Python name rather than a command.
fn is_python(rest: &str) -> bool {
    if rest.starts_with(['.', '(', '[']) {
        return true;
    }
    let rest = rest.trim_start();
    let assignment = rest.starts_with('=') && !rest.starts_with("==");
    let augmented = ["+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", "**=", "//=", ">>=", "<<="];
    assignment || augmented.iter().any(|op| rest.starts_with(op))
}

fn optional<T>(text: &str, parse: fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn need(text: &str, what: &str) -> Result<String, String> {
    if text.is_empty() { Err(format!("{what} is missing")) } else { Ok(text.to_owned()) }
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).map_or((text, ""), |(a, b)| (a, b.trim()))
}

fn line_number(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| format!("not a line number: {text:?}"))
}

fn count(text: &str) -> Result<isize, String> {
    if text.is_empty() { Ok(1) } else { text.parse().map_err(|_| format!("not a count: {text:?}")) }
}

/// `12`, `file:12`, `function`, each perhaps with `, condition`.
fn place(text: &str) -> Result<Place, String> {
    let (location, extra) = match text.split_once(',') {
        Some((a, b)) => (a.trim(), Some(b.trim().to_owned()).filter(|b| !b.is_empty())),
        None => (text.trim(), None),
    };
    let location = if let Ok(line) = line_number(location) {
        Location::Line(line)
    } else if let Some((file, line)) = location.rsplit_once(':') {
        Location::FileLine(file.trim().to_owned(), line_number(line.trim())?)
    } else if !location.is_empty()
        && location.split('.').all(|p| {
            p.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !p.starts_with(|c: char| c.is_ascii_digit())
                && !p.is_empty()
        })
    {
        Location::Function(location.to_owned())
    } else {
        return Err(format!("neither a line nor a function: {location:?}"));
    };
    Ok(Place { location, extra })
}

fn which(text: &str) -> Result<Which, String> {
    if let Some((file, line)) = text.rsplit_once(':') {
        return Ok(Which::At(file.to_owned(), line_number(line)?));
    }
    text.parse()
        .ok()
        .filter(|&n| n > 0)
        .map(Which::Number)
        .ok_or_else(|| format!("not a breakpoint's number: {text:?}"))
}

fn whiches(text: &str) -> Result<Vec<Which>, String> {
    if text.is_empty() {
        return Err("a breakpoint's number is missing".to_owned());
    }
    text.split_whitespace().map(which).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Command {
        let mut commands = parse_line(text).unwrap();
        assert_eq!(commands.len(), 1, "{text}");
        commands.remove(0)
    }

    fn place_of(location: Location, extra: Option<&str>) -> Option<Place> {
        Some(Place { location, extra: extra.map(str::to_owned) })
    }

    #[test]
    fn breakpoints_as_in_pdb() {
        assert_eq!(one("b 12"), Command::Break(place_of(Location::Line(12), None), Temporary::No));
        assert_eq!(
            one("tbreak a/b.py:12, n > 1, 2"),
            Command::Break(place_of(Location::FileLine("a/b.py".to_owned(), 12), Some("n > 1, 2")), Temporary::Yes)
        );
        assert_eq!(
            one("break Point.__init__"),
            Command::Break(place_of(Location::Function("Point.__init__".to_owned()), None), Temporary::No)
        );
        assert_eq!(one("b"), Command::Break(None, Temporary::No));
        assert_eq!(one("cl 1 3"), Command::Clear(Some(vec![Which::Number(1), Which::Number(3)])));
        assert_eq!(one("condition 2 x is None"), Command::Condition(Which::Number(2), "x is None".to_owned()));
        assert!(parse_line("b 1+1").unwrap_err().contains("usage: b "));
        assert!(parse_line("log 12").unwrap_err().contains("message"));
    }

    #[test]
    fn letters_are_commands_unless_they_are_python() {
        assert_eq!(one("c"), Command::Continue);
        assert_eq!(one("until 9"), Command::Until(Some(9)));
        assert_eq!(one("d 2"), Command::Frames(-2));
        assert_eq!(one("l 3, 9"), Command::List(Some(3)));
        for python in ["c = 5", "n += 1", "s.strip()", "r[0]", "q(1)", "print(n)", "c(3)", "nn", "x == y"] {
            assert_eq!(one(python), Command::Execute(python.to_owned()));
        }
        assert_eq!(one("!c = 5"), Command::Execute("c = 5".to_owned()));
        assert_eq!(one("p c == 5"), Command::Print("c == 5".to_owned()));
    }

    #[test]
    fn several_on_one_line() {
        assert_eq!(parse_line("b 3 ;; c").unwrap().len(), 2);
        assert_eq!(one("p ';;'"), Command::Print("';;'".to_owned()));
        assert_eq!(parse_line("  ").unwrap(), []);
    }

    #[test]
    fn nothing_typed_can_panic() {
        for text in ["b ,", "b :", "b é:1", "ü", "!", "'", ";;;", "condition", "ignore 1 x", "j 0", "cl é", "\\"] {
            let _ = parse_line(text);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = TABLE.iter().flat_map(|r| r.names).collect();
        let len = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), len);
    }
}
