//! The table of commands: words, options, help and the functions behind them. Everything else about the command line
//! (parsing, suggestions, checks, `taipan help`) is read from here.

use super::Invocation;

/// One command.
pub struct Command {
    /// The word after `taipan`.
    pub name: &'static str,
    /// One line for the list of commands.
    pub summary: &'static str,
    /// What it does, for `taipan help NAME`: paragraphs of text.
    pub about: &'static str,
    /// Command lines worth knowing, each with what it does.
    pub examples: &'static [(&'static str, &'static str)],
    /// Options; they stand before the program.
    pub options: &'static [Opt],
    /// Whether a program has to be named.
    pub needs_program: bool,
    /// Whether it draws on the terminal, so that diagnostics have to go to a file.
    pub own_screen: bool,
    /// Gives the exit status, or a usage error's one line.
    pub run: fn(Invocation) -> Result<i32, String>,
}

impl Command {
    /// The usage line.
    pub fn usage(&self) -> String {
        let program = "script.py [arguments] | -m module [arguments]";
        let (open, close) = if self.needs_program { ("", "") } else { ("[", "]") };
        format!("taipan {} [options] {open}{program}{close}", self.name)
    }
}

/// One option of a command.
pub struct Opt {
    /// `--long`
    pub long: &'static str,
    /// `-s`
    pub short: Option<char>,
    /// What its value is called, if it has one.
    pub value: Option<&'static str>,
    /// Value when it is not given, as text.
    pub default: Option<&'static str>,
    /// One sentence.
    pub help: &'static str,
    /// What must hold of the value, tested before the program runs.
    pub check: Check,
}

/// See [`Opt::check`].
#[derive(Clone, Copy)]
pub enum Check {
    /// Anything goes.
    Nothing,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number in this range.
    Number {
        /// Smallest.
        least: u64,
        /// Largest.
        most: u64,
    },
    /// A file that can be written.
    Output,
}

/// An option without a value.
const fn flag(long: &'static str, help: &'static str) -> Opt {
    Opt { long, short: None, value: None, default: None, help, check: Check::Nothing }
}

/// The commands, in the order of the help.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "debug",
        summary: "step through a program in the terminal, or serve it to VS Code, neovim or another debugger",
        about: "The program runs in a process of its own, on a terminal of its own that is shown in a pane; it stops at \
                its first line. Keys stand at the bottom of the screen, ? shows them all, pdb's letters work (`b 12, x > 3`, \
                `watch self.total`, `help`). Values \
                are read from the interpreter itself: looking at them runs none of the program's code. The exit status \
                is the program's.\n\n\
                With --dap the program is served to any client of the Debug Adapter Protocol instead; without a program \
                the client's launch request names it.",
        examples: &[
            ("taipan debug script.py arguments", "in the terminal"),
            ("taipan debug --command 'b 12' --command c script.py", "a breakpoint, and on to it"),
            ("taipan debug --dap 5678 --wait script.py", "for a client that connects to port 5678"),
        ],
        options: &[
            flag("run", "do not stop at the first line"),
            flag("all-code", "step into library code too"),
            Opt {
                long: "command",
                short: None,
                value: Some("COMMAND"),
                default: None,
                help: "type this at the first stop; may be given more than once",
                check: Check::Nothing,
            },
            Opt {
                long: "dap",
                short: None,
                value: Some("ADDRESS"),
                default: None,
                help: "serve a client at PORT, HOST:PORT or unix:PATH instead of opening the terminal debugger",
                check: Check::Nothing,
            },
            flag("wait", "with --dap: wait for a client before the first line"),
            flag("stop-on-entry", "with --dap: stop at the first line"),
            Opt {
                long: "token",
                short: None,
                value: Some("TEXT"),
                default: None,
                help: "with --dap: clients must show this as \"token\" in launch or attach",
                check: Check::Nothing,
            },
            flag("quiet", "with --dap: do not say how to connect"),
        ],
        needs_program: false,
        own_screen: true,
        run: super::debug::run,
    },
    Command {
        name: "profile",
        summary: "run a program and show where its time goes: hottest functions and lines, flamegraph",
        about: "The program runs as it would without the profiler. At a random moment in each period every thread's \
                stack is noted where it is, the running thread's too, so time is charged to the line that takes it. \
                Builtin functions (sorted, a regular expression's match ...) stand in the picture under their own \
                names, and so does the collector.\n\n\
                After the program's end the hottest functions and lines are printed on standard error; the flamegraph \
                is an SVG file for a browser: click a frame to zoom, Ctrl-F searches. The exit status is the program's. \
                The report is written however the program ends: by an exception, os._exit, SIGTERM or Ctrl-C.\n\n\
                Python processes that it starts (fork, multiprocessing, subprocess with sys.executable) are sampled too \
                and put into the same profile, as threads of their own.",
        examples: &[
            ("taipan profile script.py", "a report, and taipan-profile.svg"),
            ("taipan profile -o hot.svg --rate 5000 -m package.tool --fast", "more samples; -m as in python"),
            ("taipan profile --format speedscope -o hot.json script.py", "for https://www.speedscope.app"),
        ],
        options: &[
            Opt {
                long: "output",
                short: Some('o'),
                value: Some("FILE"),
                default: None,
                help: "where the profile goes (default: taipan-profile with the format's ending)",
                check: Check::Output,
            },
            Opt {
                long: "format",
                short: Some('f'),
                value: Some("FORMAT"),
                default: Some("flamegraph"),
                help: "flamegraph (SVG), collapsed (one line a stack), speedscope or json",
                check: Check::Choice(&["flamegraph", "collapsed", "speedscope", "json"]),
            },
            Opt {
                long: "rate",
                short: Some('r'),
                value: Some("HZ"),
                default: Some("1000"),
                help: "samples a second",
                check: Check::Number { least: 1, most: 20_000 },
            },
            Opt {
                long: "mode",
                short: None,
                value: Some("CLOCK"),
                default: Some("wall"),
                help: "wall counts waiting too; cpu counts only time on a processor",
                check: Check::Choice(&["wall", "cpu"]),
            },
            Opt {
                long: "top",
                short: Some('n'),
                value: Some("N"),
                default: Some("15"),
                help: "rows of each table of the report",
                check: Check::Number { least: 1, most: 1000 },
            },
        ],
        needs_program: true,
        own_screen: false,
        run: super::profile::run,
    },
    Command {
        name: "memory",
        summary: "run a program and show which lines hold its memory, at the peak and at the end, and who keeps it alive",
        about: "Every allocation is recorded with its full traceback. After the program's end the places that hold most \
                memory are printed on standard error, those of the moment when most was in use and those of the end, \
                with what kinds of objects they made and the chain of names that keeps them alive. The flamegraph shows \
                the same as a picture. The exit status is the program's.\n\n\
                A program that ends by an exception, Ctrl-C, os._exit or a signal is looked at in that moment, with the \
                variables of the functions that run then. Processes that it starts are not looked at.",
        examples: &[
            ("taipan memory script.py", "a report, and taipan-memory.svg"),
            ("taipan memory --top 3 -o leak.svg -m package.server", "the three largest places"),
        ],
        options: &[
            Opt {
                long: "output",
                short: Some('o'),
                value: Some("FILE"),
                default: Some("taipan-memory.svg"),
                help: "where the flamegraph goes",
                check: Check::Output,
            },
            Opt {
                long: "top",
                short: Some('n'),
                value: Some("N"),
                default: Some("5"),
                help: "places shown in full",
                check: Check::Number { least: 1, most: 1000 },
            },
            Opt {
                long: "flamegraph",
                short: None,
                value: Some("WHEN"),
                default: Some("end"),
                help: "draw what is alive at the end, or at the peak",
                check: Check::Choice(&["end", "peak"]),
            },
            Opt {
                long: "imports",
                short: None,
                value: None,
                default: None,
                help: "rank what imports allocated like everything else",
                check: Check::Nothing,
            },
        ],
        needs_program: true,
        own_screen: false,
        run: super::memory::run,
    },
];
