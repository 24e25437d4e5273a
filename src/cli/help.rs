//! What `taipan --help`, `taipan help COMMAND` and `taipan --version` say. The commands' part comes from the table.

use super::nearest::nearest;
use super::python;
use super::table::{COMMANDS, Command, Opt};
use std::fmt::Write;
use taipan_runtime::builtins::sys::info::{VERSION, version_text};

/// Width that help is wrapped to, in columns.
const WIDTH: usize = 92;

/// Prints help on the commands that `words` names, or the overview; the error is a usage error's line.
pub fn print(words: &[String]) -> Result<i32, String> {
    let text = match words.first() {
        None => overview(),
        Some(word) => match COMMANDS.iter().find(|c| c.name == word) {
            Some(command) => of_command(command),
            None => {
                let near = nearest(word, COMMANDS.iter().map(|c| c.name));
                let near = near.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
                return Err(format!("no help on '{word}'{near}"));
            }
        },
    };
    show(&text);
    Ok(0)
}

/// Prints on standard output; a reader that went away (`| head`) is no error.
pub fn show(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
}

/// `taipan --help`
pub fn overview() -> String {
    let mut out = String::from(
        "Taipan: debugger, profiler and leak hunter for Python 3.14, on an interpreter made to be watched.\n\n\
         usage: taipan [python options] [-c command | -m module | script.py | -] [arguments]\n\
        \x20      taipan COMMAND [options] script.py [arguments]\n\n\
         Without a command the program just runs, as under python3.14. The commands:\n\n",
    );
    for c in COMMANDS {
        row(&mut out, c.name, c.summary, 12);
    }
    row(&mut out, "help COMMAND", "what a command does, its options, examples", 12);
    out.push_str("\nA first look:\n\n");
    for c in COMMANDS {
        if let Some((line, what)) = c.examples.first() {
            row(&mut out, line, what, 34);
        }
    }
    out.push_str(
        "\nA script whose name is a command is run as `taipan ./profile`. Python's own options:\n`taipan -h`. Environment: \
         TAIPAN_LOG=debug says what the tools do (TAIPAN_LOG_FILE: where).\n",
    );
    out
}

/// `taipan help COMMAND`
pub fn of_command(c: &Command) -> String {
    let mut out = format!("usage: {}\n\n", c.usage());
    for paragraph in c.about.split("\n\n") {
        for line in wrap(paragraph, WIDTH) {
            out.push_str(&line);
            out.push('\n');
        }
        out.push('\n');
    }
    out.push_str("options, before the program (Python's own may stand among them):\n\n");
    for o in c.options {
        let default = o.default.map(|d| format!(" (default: {d})")).unwrap_or_default();
        row(&mut out, &spelling(o), &format!("{}{default}", o.help), 22);
    }
    if !c.examples.is_empty() {
        out.push_str("\nexamples:\n\n");
        for (line, what) in c.examples {
            let _ = writeln!(out, "  {line}\n      {what}");
        }
    }
    out
}

fn spelling(o: &Opt) -> String {
    let value = o.value.map(|v| format!(" {v}")).unwrap_or_default();
    match o.short {
        Some(s) => format!("-{s}, --{}{value}", o.long),
        None => format!("    --{}{value}", o.long),
    }
}

/// `taipan -h`: Python's options.
pub fn python_options() -> String {
    let mut out = String::from(
        "usage: taipan [option] ... [-c cmd | -m mod | file | -] [arg] ...\n\
         Options, as python3.14's (`taipan --help` tells about debugging, profiling and memory):\n",
    );
    for (spelling, help) in python::OPTIONS {
        row(&mut out, spelling, help, 7);
    }
    out.push_str("\nArguments:\n");
    for (word, help) in [
        ("file", "program read from a script file, a folder or an archive with a __main__.py"),
        ("-", "program read from standard input (default)"),
        ("arg ...", "arguments of the program, sys.argv[1:]"),
    ] {
        row(&mut out, word, help, 7);
    }
    out
}

/// `taipan --help-env`
pub fn environment() -> String {
    let mut out = String::from("Environment variables that change what Taipan does:\n");
    for (name, help) in python::ENVIRONMENT {
        row(&mut out, name, help, 24);
    }
    out
}

/// `taipan --help-xoptions`
pub fn xoptions() -> String {
    let mut out = String::from("Options of -X:\n");
    for (name, help) in python::XOPTIONS {
        row(&mut out, name, help, 24);
    }
    out
}

/// `-V` (once) or `-VV`: begins as CPython's does, since programs read it.
pub fn version(times: u32) -> String {
    let (major, minor, micro) = (VERSION.0, VERSION.1, VERSION.2);
    match times {
        1 => format!("Python {major}.{minor}.{micro} (Taipan {})\n", env!("CARGO_PKG_VERSION")),
        _ => format!("Python {}\n", version_text()),
    }
}

fn row(out: &mut String, left: &str, right: &str, width: usize) {
    let lines = wrap(right, WIDTH - width - 4);
    let mut lines = lines.iter();
    if left.chars().count() > width {
        let _ = writeln!(out, "  {left}");
    } else {
        let first = lines.next().map_or("", String::as_str);
        let _ = writeln!(out, "  {left:width$}  {first}");
    }
    for line in lines {
        let _ = writeln!(out, "  {:width$}  {line}", "");
    }
}

/// Text in lines of at most `width` columns.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_command_and_option_and_fits_a_terminal() {
        let all = overview();
        for c in COMMANDS {
            assert!(all.contains(c.name));
            let own = of_command(c);
            for o in c.options {
                assert!(own.contains(&format!("--{}", o.long)), "{} --{}", c.name, o.long);
            }
            for line in all.lines().chain(own.lines()).filter(|l| !l.starts_with("usage")) {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }
}
