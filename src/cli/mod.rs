//! The command line: one table of commands ([`table`]), each in a file of its own; without a command word,
//! `python3.14`'s own options ([`python`]).
//!
//! Words of the command line go one way: `words` finds the command, [`Invocation`] holds what its options and the
//! program's words say, the command's function gives the exit status. Usage errors are one line and status 2; nothing of
//! the user's program has run by then.

pub mod debug;
pub mod diagnostics;
pub mod help;
pub mod memory;
pub mod nearest;
pub mod profile;
pub mod python;
pub mod run;
pub mod table;

use std::ffi::OsString;
use table::{COMMANDS, Check, Command, Opt};

/// Exit status of a usage error or of an error of ours before the program runs.
pub const USAGE: i32 = 2;

/// Runs the command that the arguments name; gives the exit status.
pub fn main(args: Vec<OsString>) -> i32 {
    let words: Vec<String> = args.into_iter().map(|a| a.to_string_lossy().into_owned()).collect();
    match dispatch(&words) {
        Ok(status) => status,
        Err(usage) => {
            eprintln!("{}: {usage}", name_in_messages(&words));
            USAGE
        }
    }
}

/// Who speaks in a usage error: as CPython, the word that started the program; the name alone where it is one of our
/// commands that is at fault.
fn name_in_messages(words: &[String]) -> &str {
    let command = words.get(1).is_some_and(|w| w == "help" || COMMANDS.iter().any(|c| c.name == w));
    words.first().filter(|w| !command && !w.is_empty()).map_or("taipan", String::as_str)
}

/// The error is a usage error's one line.
fn dispatch(words: &[String]) -> Result<i32, String> {
    match words.get(1).map(String::as_str) {
        Some("help") => help::print(&words[2..]),
        Some(run::NATIVE_STACK) => Ok(crate::native::symbols::main(&words[2..])),
        Some(word) => match COMMANDS.iter().find(|c| c.name == word) {
            Some(command) => tool(command, words),
            None => run::main(words),
        },
        None => run::main(words),
    }
}

fn tool(command: &'static Command, words: &[String]) -> Result<i32, String> {
    if words[2..].first().is_some_and(|w| matches!(w.as_str(), "--help" | "-h")) {
        return help::print(&words[1..2]);
    }
    let invocation = Invocation::parse(command, words)?;
    invocation.check()?;
    diagnostics::start(command.own_screen)?;
    tracing::debug!(command = command.name, rest = ?invocation.rest, "starting");
    (command.run)(invocation)
}

/// A command with the options that were given.
pub struct Invocation {
    /// The table's row.
    pub command: &'static Command,
    /// Options of the command in the order given, with their values.
    pub options: Vec<(&'static Opt, String)>,
    /// The words that are not options of the command: Python's options, the program and its arguments, as they were
    /// written. A command that starts the program in another process passes them on.
    pub rest: Vec<String>,
    /// What those words mean; `None` when they name no program.
    pub plan: Option<python::Plan>,
}

impl Invocation {
    /// Reads the words after `taipan COMMAND`: options of the command and Python's may be mixed, up to the program.
    fn parse(command: &'static Command, words: &[String]) -> Result<Invocation, String> {
        let mut options = Vec::new();
        let mut rest = Vec::new();
        let mut next = 2;
        while let Some(word) = words.get(next) {
            if word == "--" || word == "-" || !word.starts_with('-') {
                break;
            }
            let (name, inline) = match word.split_once('=').filter(|_| word.starts_with("--")) {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            if let Some(option) = command.options.iter().find(|o| o.is_called(name)) {
                next += 1;
                let value = match (option.value, inline) {
                    (None, None) => String::new(),
                    (None, Some(_)) => return Err(format!("{name} takes no value")),
                    (Some(_), Some(v)) => v,
                    (Some(what), None) => {
                        next += 1;
                        words.get(next - 1).cloned().ok_or_else(|| format!("{name} needs a value: {name} {what}"))?
                    }
                };
                options.push((option, value));
                continue;
            }
            if word.starts_with("--") && !python::LONG.contains(&name) {
                return Err(unknown_option(command, name));
            }
            if !python::takes_word(word) {
                return Err(unknown_option(command, name));
            }
            // One of Python's options: with its value, if that is a word of its own.
            let used = python::words_used(&words[next..]);
            rest.extend(words[next..(next + used).min(words.len())].iter().cloned());
            next += used;
            if python::ends_options(word) {
                break;
            }
        }
        rest.extend(words.iter().skip(next).cloned());
        let plan = if rest.is_empty() {
            None
        } else {
            let all: Vec<String> = words.first().cloned().into_iter().chain(rest.iter().cloned()).collect();
            let mut plan = python::parse(&all)?;
            plan.config.orig_argv = words.to_vec();
            Some(plan)
        };
        if command.needs_program && plan.as_ref().is_none_or(|p| matches!(p.program, python::Program::None)) {
            return Err(format!("{} needs a program: {}", command.name, command.usage()));
        }
        Ok(Invocation { command, options, rest, plan })
    }

    /// Tests what can be tested before the program runs: values, the output file, the script.
    fn check(&self) -> Result<(), String> {
        for (option, value) in &self.options {
            option.check(value)?;
            if matches!(option.check, Check::Output) && self.is_program(value) {
                return Err(format!("--{} would overwrite the program '{value}'", option.long));
            }
        }
        match &self.plan {
            Some(plan) => run::check(&plan.program),
            None => Ok(()),
        }
    }

    /// Whether a file is the program to run.
    fn is_program(&self, file: &str) -> bool {
        let same = |program: &str| match (std::fs::canonicalize(program), std::fs::canonicalize(file)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        };
        self.plan.as_ref().is_some_and(|p| matches!(&p.program, python::Program::File(f) if same(f)))
    }

    /// Value of the option with this long name: the last one given.
    pub fn get(&self, long: &str) -> Option<&str> {
        debug_assert!(self.command.options.iter().any(|o| o.long == long), "{long} is not in the table");
        self.options.iter().rev().find(|(o, _)| o.long == long).map(|(_, v)| v.as_str())
    }

    /// Value of an option, or its default in the table.
    pub fn get_or_default(&self, long: &str) -> &str {
        let row = self.command.options.iter().find(|o| o.long == long);
        self.get(long).or(row.and_then(|o| o.default)).unwrap_or_default()
    }

    /// Whether the option was given.
    pub fn has(&self, long: &str) -> bool {
        self.get(long).is_some()
    }
}

fn unknown_option(command: &Command, word: &str) -> String {
    let known: Vec<String> = command.options.iter().flat_map(Opt::words).collect();
    let near = nearest::nearest(word, known.iter().map(String::as_str).chain(python::LONG.iter().copied()));
    match near {
        Some(near) => format!("unknown option {word} of {}; did you mean {near}?", command.name),
        None => format!("unknown option {word} of {} (see `taipan help {}`)", command.name, command.name),
    }
}

impl Opt {
    /// The words that name the option.
    pub fn words(&self) -> Vec<String> {
        self.short.iter().map(|s| format!("-{s}")).chain([format!("--{}", self.long)]).collect()
    }

    fn is_called(&self, word: &str) -> bool {
        match word.strip_prefix("--") {
            Some(long) => long == self.long,
            None => self.short.is_some_and(|s| word.strip_prefix('-') == Some(s.encode_utf8(&mut [0; 4]))),
        }
    }

    fn check(&self, value: &str) -> Result<(), String> {
        let name = format!("--{}", self.long);
        match self.check {
            Check::Nothing => Ok(()),
            Check::Choice(all) if all.contains(&value) => Ok(()),
            Check::Choice(all) => {
                let hint = nearest::nearest(value, all.iter().copied());
                let hint = hint.map(|h| format!("; did you mean {h}?")).unwrap_or_default();
                Err(format!("{name} cannot be '{value}': one of {}{hint}", all.join(", ")))
            }
            Check::Number { least, most } => match value.parse::<u64>() {
                Ok(n) if (least..=most).contains(&n) => Ok(()),
                _ => Err(format!("{name} cannot be '{value}': a number from {least} to {most}")),
            },
            Check::Output => writable(value),
        }
    }
}

/// Whether a file can be written, found out without changing one that exists.
pub fn writable(path: &str) -> Result<(), String> {
    let existed = std::path::Path::new(path).exists();
    let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
    match opened {
        Ok(_) if existed => Ok(()),
        Ok(_) => {
            let _ = std::fs::remove_file(path);
            Ok(())
        }
        Err(e) => Err(format!("cannot write '{path}': {}", run::reason(&e))),
    }
}
