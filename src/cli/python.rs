//! Python's own command line: `[options] [-c command | -m module | script | -] [arguments]`, as
//! <https://docs.python.org/3.14/using/cmdline.html> has it; and the environment variables that go with it.

use super::nearest::nearest;
use super::table::COMMANDS;
use taipan_runtime::builtins::sys::Config;
use taipan_runtime::import::embedded::STDLIB_DIR;

/// What is to be run.
pub enum Program {
    /// `-c`
    Command(String),
    /// `-m`
    Module(String),
    /// A script, a folder or an archive with a `__main__.py`.
    File(String),
    /// Standard input: `-`.
    Stdin,
    /// Nothing was named.
    None,
}

/// What the user wants to be told instead of running anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// `--help`
    Overview,
    /// `-h`, `-?`
    Options,
    /// `--help-env`
    Environment,
    /// `--help-xoptions`
    XOptions,
    /// `--help-all`
    All,
}

/// A parsed command line.
pub struct Plan {
    /// What is to be run.
    pub program: Program,
    /// How the interpreter is to be set up.
    pub config: Config,
    /// `-x`
    pub skip_first_line: bool,
    /// `-V`: how often.
    pub version: u32,
    /// Help that was asked for.
    pub tell: Option<Tell>,
    /// `-R`: whatever `PYTHONHASHSEED` says.
    pub randomize: bool,
}

/// Options with what they do, for the help.
pub const OPTIONS: &[(&str, &str)] = &[
    ("-b", "warn when bytes are compared with text or made text (-bb: raise)"),
    ("-B", "write no .pyc files on import; also PYTHONDONTWRITEBYTECODE=x"),
    ("-c cmd", "program as text (ends the options)"),
    ("-d", "parser's debugging output; accepted, without effect; also PYTHONDEBUG=x"),
    ("-E", "ignore PYTHON* environment variables"),
    ("-h", "this text (also -?)"),
    ("-i", "after the program, a prompt with its names; also PYTHONINSPECT=x"),
    ("-I", "isolate from the user's environment (-E, -P and -s)"),
    ("-m mod", "run a module of the library as a program (ends the options)"),
    ("-O", "without assert and `if __debug__`; also PYTHONOPTIMIZE=x"),
    ("-OO", "as -O, and without docstrings"),
    ("-P", "put no unsafe folder before sys.path; also PYTHONSAFEPATH"),
    ("-q", "no banner at the prompt"),
    ("-s", "without the user's site folder; also PYTHONNOUSERSITE=x"),
    ("-S", "without `import site` at the start"),
    ("-u", "standard output and error unbuffered; also PYTHONUNBUFFERED=x"),
    ("-v", "tell about imports; twice tells more; also PYTHONVERBOSE=x"),
    ("-V", "version (also --version); -VV tells more"),
    ("-W arg", "warnings: action:message:category:module:line; also PYTHONWARNINGS=arg"),
    ("-x", "skip the first line of the source"),
    ("-X opt", "options of the implementation, see --help-xoptions"),
    ("--check-hash-based-pycs always|default|never", "how .pyc files that carry a hash are checked"),
    ("--help-env", "the environment variables"),
    ("--help-xoptions", "the options of -X"),
    ("--help-all", "all of these"),
];

/// Environment variables with what they do, for the help.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("PYTHONBREAKPOINT", "what breakpoint() calls; 0 switches it off"),
    ("PYTHONDEVMODE", "-X dev"),
    ("PYTHONDONTWRITEBYTECODE", "-B"),
    ("PYTHONFAULTHANDLER", "-X faulthandler"),
    ("PYTHONHASHSEED", "seed of the hashes of text: random, or a number"),
    ("PYTHONINSPECT", "-i"),
    ("PYTHONINTMAXSTRDIGITS", "-X int_max_str_digits"),
    ("PYTHONNOUSERSITE", "-s"),
    ("PYTHONOPTIMIZE", "-O, or its level as a number"),
    ("PYTHONPATH", "folders before the library in sys.path, with colons between them"),
    ("PYTHONPYCACHEPREFIX", "-X pycache_prefix"),
    ("PYTHONSAFEPATH", "-P"),
    ("PYTHONTRACEMALLOC", "-X tracemalloc"),
    ("PYTHONUNBUFFERED", "-u"),
    ("PYTHONUTF8", "-X utf8"),
    ("PYTHONVERBOSE", "-v, or its level as a number"),
    ("PYTHONWARNDEFAULTENCODING", "-X warn_default_encoding"),
    ("PYTHONWARNINGS", "-W, with commas between them"),
    ("TAIPAN_LOG", "what the tools say about themselves: error, warn, info, debug or trace"),
    ("TAIPAN_LOG_FILE", "where they say it (standard error)"),
];

/// Options of `-X` with what they do, for the help.
pub const XOPTIONS: &[(&str, &str)] = &[
    ("cpu_count=N", "what os.cpu_count() gives; also PYTHON_CPU_COUNT"),
    ("dev", "development mode: more checks and warnings; also PYTHONDEVMODE=1"),
    ("faulthandler", "show the Python stack when the process crashes; also PYTHONFAULTHANDLER=1"),
    ("importtime[=2]", "show how long imports take (2: and what was there already); also PYTHONPROFILEIMPORTTIME"),
    ("int_max_str_digits=N", "most digits of conversions between int and text; 0 is no limit"),
    ("no_debug_ranges", "code without columns; also PYTHONNODEBUGRANGES"),
    ("pycache_prefix=PATH", "folder of the .pyc files"),
    ("tracemalloc[=N]", "record allocations from the start, N frames each"),
    ("utf8[=0|1]", "UTF-8 mode; also PYTHONUTF8"),
    (
        "warn_default_encoding",
        "EncodingWarning where a text's encoding is the locale's; also PYTHONWARNDEFAULTENCODING",
    ),
];

/// Long options.
pub const LONG: &[&str] =
    &["--help", "--version", "--check-hash-based-pycs", "--help-env", "--help-xoptions", "--help-all"];

/// Letters without a value, and letters with one.
const FLAGS: &str = "bBdEhiIOPqRsStuvVx?";
const VALUED: &str = "cmWX";

/// Whether a word that starts with a dash consists of options that Python has.
pub fn takes_word(word: &str) -> bool {
    if word.starts_with("--") {
        return LONG.contains(&word);
    }
    for letter in word.chars().skip(1) {
        if VALUED.contains(letter) {
            return true;
        }
        if !FLAGS.contains(letter) {
            return false;
        }
    }
    true
}

/// The letter in a word of options that takes a value, and the value if it stands in the same word.
fn valued(word: &str) -> Option<(char, &str)> {
    if word.starts_with("--") {
        return (word == "--check-hash-based-pycs").then_some(('k', ""));
    }
    let (at, letter) = word.char_indices().skip(1).find(|(_, c)| VALUED.contains(*c))?;
    Some((letter, &word[at + 1..]))
}

/// Words that the options at the start of `words` take: 2 when a value follows.
pub fn words_used(words: &[String]) -> usize {
    match words.first().and_then(|w| valued(w)) {
        Some((_, "")) => 2,
        _ => 1,
    }
}

/// Whether a word is `-c` or `-m`, after which all words belong to the program.
pub fn ends_options(word: &str) -> bool {
    valued(word).is_some_and(|(letter, _)| matches!(letter, 'c' | 'm'))
}

/// Reads options one after the other.
struct Reader<'a> {
    args: &'a [String],
    next: usize,
    plan: Plan,
}

impl Reader<'_> {
    /// The value of an option: the rest of its word, or the next argument.
    fn value(&mut self, rest: &str, letter: char) -> Result<String, String> {
        if !rest.is_empty() {
            return Ok(rest.to_owned());
        }
        self.next += 1;
        self.args.get(self.next - 1).cloned().ok_or_else(|| format!("argument expected for the -{letter} option"))
    }

    /// One word of options; single letters may stand together.
    fn word(&mut self, word: &str) -> Result<(), String> {
        if word.starts_with("--") {
            return self.long(word);
        }
        for (at, letter) in word.char_indices().skip(1) {
            let rest = &word[at + letter.len_utf8()..];
            match letter {
                'c' => self.plan.program = Program::Command(dedent(&self.value(rest, 'c')?) + "\n"),
                'm' => self.plan.program = Program::Module(self.value(rest, 'm')?),
                'X' => {
                    let v = self.value(rest, 'X')?;
                    self.xoption(v)?;
                }
                'W' => {
                    let v = self.value(rest, 'W')?;
                    self.plan.config.warnoptions.push(v);
                }
                _ => self.flag(letter)?,
            }
            if VALUED.contains(letter) {
                break;
            }
        }
        Ok(())
    }

    fn long(&mut self, word: &str) -> Result<(), String> {
        match word {
            "--help" => self.plan.tell = Some(Tell::Overview),
            "--help-env" => self.plan.tell = Some(Tell::Environment),
            "--help-xoptions" => self.plan.tell = Some(Tell::XOptions),
            "--help-all" => self.plan.tell = Some(Tell::All),
            "--version" => self.plan.version += 1,
            "--check-hash-based-pycs" => {
                self.next += 1;
                let value = self.args.get(self.next - 1).map(String::as_str);
                match value {
                    Some("always" | "default" | "never") => {}
                    Some(_) => return Err(format!("{word} must be one of 'default', 'always', or 'never'")),
                    None => return Err(format!("argument expected for the {word} option")),
                }
            }
            _ => return Err(unknown(word)),
        }
        Ok(())
    }

    fn xoption(&mut self, v: String) -> Result<(), String> {
        let (name, value) = match v.split_once('=') {
            Some((n, x)) => (n.to_owned(), Some(x.to_owned())),
            None => (v, None),
        };
        let c = &mut self.plan.config;
        match name.as_str() {
            "dev" => c.dev_mode = true,
            "utf8" => c.utf8_mode = value.as_deref() != Some("0"),
            "warn_default_encoding" => c.warn_default_encoding = true,
            "no_debug_ranges" => c.debug_ranges = false,
            "importtime" => {
                c.import_time = match value.as_deref() {
                    None | Some("1") => 1,
                    Some("2") => 2,
                    Some(_) => {
                        return Err("-X importtime: values other than 1 and 2 are reserved for the future".to_owned());
                    }
                }
            }
            "cpu_count" => c.cpu_count = cpus(value.as_deref(), "-X cpu_count=n option: n")?,
            "pycache_prefix" => c.pycache_prefix = value.clone().filter(|p| !p.is_empty()),
            "int_max_str_digits" => c.int_max_str_digits = digits(value.as_deref(), "-X int_max_str_digits")?,
            _ => {}
        }
        c.xoptions.push((name, value));
        Ok(())
    }

    fn flag(&mut self, letter: char) -> Result<(), String> {
        let c = &mut self.plan.config;
        match letter {
            'B' => c.dont_write_bytecode = true,
            'd' => c.debug += 1,
            'E' => c.ignore_environment = true,
            'h' | '?' => self.plan.tell = Some(Tell::Options),
            'i' => c.inspect = true,
            'I' => (c.isolated, c.ignore_environment, c.no_user_site, c.safe_path) = (true, true, true, true),
            'O' => c.optimize += 1,
            'P' => c.safe_path = true,
            'q' => c.quiet = true,
            'R' => self.plan.randomize = true,
            's' => c.no_user_site = true,
            'S' => c.no_site = true,
            't' => {}
            'u' => c.unbuffered = true,
            'v' => c.verbose += 1,
            'V' => self.plan.version += 1,
            'b' => c.bytes_warning += 1,
            'x' => self.plan.skip_first_line = true,
            _ => return Err(unknown(&format!("-{letter}"))),
        }
        Ok(())
    }
}

fn unknown(word: &str) -> String {
    if let Some(command) = COMMANDS.iter().find(|c| word.strip_prefix("--") == Some(c.name)) {
        return format!("unknown option {word}; did you mean `taipan {}`?", command.name);
    }
    match nearest(word, LONG.iter().copied()) {
        Some(near) if word.starts_with("--") => format!("unknown option {word}; did you mean {near}?"),
        _ => format!("unknown option {word} (see `taipan --help`)"),
    }
}

/// The number of processors that an option says; `default` is none.
fn cpus(text: Option<&str>, name: &str) -> Result<Option<i64>, String> {
    if text == Some("default") {
        return Ok(None);
    }
    let n = text.and_then(|t| t.parse().ok()).filter(|n: &i64| *n > 0);
    n.map(Some).ok_or_else(|| format!("{name} is missing or an invalid number, n must be greater than 0"))
}

/// The text of `-c` without the blanks that all its lines begin with, as CPython takes it since 3.14.
fn dedent(text: &str) -> String {
    let blank = |line: &str| line.trim_start_matches([' ', '\t']).is_empty();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let mut common: Option<&str> = None;
    for line in text.split('\n').filter(|l| !blank(l)) {
        let own = &line[..indent(line)];
        let shared = common.map_or(own.len(), |c| c.bytes().zip(own.bytes()).take_while(|(a, b)| a == b).count());
        common = Some(&own[..shared]);
    }
    let cut = common.map_or(0, str::len);
    let lines: Vec<&str> = text.split('\n').map(|l| if blank(l) { "" } else { &l[cut..] }).collect();
    lines.join("\n")
}

fn digits(text: Option<&str>, name: &str) -> Result<i32, String> {
    let n: Option<i32> = text.and_then(|t| t.parse().ok());
    n.filter(|n| *n == 0 || *n >= 640)
        .ok_or_else(|| format!("{name}: invalid limit; must be >= 640 or 0 for unlimited."))
}

/// Reads the command line, the word of the program first; the error is a usage error's line.
pub fn parse(args: &[String]) -> Result<Plan, String> {
    let config = Config { orig_argv: args.to_vec(), executable: executable(), ..Config::default() };
    let plan =
        Plan { program: Program::None, config, skip_first_line: false, version: 0, tell: None, randomize: false };
    let mut r = Reader { args, next: 1, plan };
    while let (Some(a), Program::None) = (args.get(r.next), &r.plan.program) {
        if a == "-" || !a.starts_with('-') {
            break;
        }
        r.next += 1;
        if a == "--" {
            break;
        }
        r.word(a)?;
    }
    let (mut plan, mut next) = (r.plan, r.next);
    let first = match &plan.program {
        Program::Command(_) => "-c".to_owned(),
        Program::Module(_) => "-m".to_owned(),
        _ => {
            next += 1;
            let (program, first) = match args.get(next - 1) {
                None => (Program::None, String::new()),
                Some(f) if f == "-" => (Program::Stdin, "-".to_owned()),
                Some(f) => (Program::File(f.clone()), f.clone()),
            };
            plan.program = program;
            first
        }
    };
    let config = &mut plan.config;
    config.argv = std::iter::once(first).chain(args[next.min(args.len())..].iter().cloned()).collect();
    config.stdlib_dir = Some(STDLIB_DIR.to_owned());
    environment(config, plan.randomize)?;
    match config.bytes_warning {
        0 => {}
        1 => config.warnoptions.push("default::BytesWarning".to_owned()),
        _ => config.warnoptions.push("error::BytesWarning".to_owned()),
    }
    config.path = search_path(config);
    config.first_path = first_path(config, &plan.program);
    Ok(plan)
}

/// What environment variables say (`PYTHON…`), unless they are to be ignored.
fn environment(c: &mut Config, randomize: bool) -> Result<(), String> {
    if c.ignore_environment {
        return Ok(());
    }
    let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let level = |name: &str| set(name).map_or(0, |n| n.parse().unwrap_or(1));
    c.dont_write_bytecode |= set("PYTHONDONTWRITEBYTECODE").is_some();
    c.unbuffered |= set("PYTHONUNBUFFERED").is_some();
    c.inspect |= set("PYTHONINSPECT").is_some();
    c.no_user_site |= set("PYTHONNOUSERSITE").is_some();
    c.safe_path |= set("PYTHONSAFEPATH").is_some();
    c.dev_mode |= set("PYTHONDEVMODE").is_some();
    c.warn_default_encoding |= set("PYTHONWARNDEFAULTENCODING").is_some();
    c.verbose = c.verbose.max(level("PYTHONVERBOSE"));
    c.debug = c.debug.max(level("PYTHONDEBUG").min(1));
    c.debug_ranges &= set("PYTHONNODEBUGRANGES").is_none();
    let has = |c: &Config, option: &str| c.xoptions.iter().any(|(name, _)| name == option);
    if !has(c, "importtime") {
        c.import_time = level("PYTHONPROFILEIMPORTTIME").clamp(0, 2) as u8;
    }
    if let Some(n) = set("PYTHON_CPU_COUNT").filter(|_| !has(c, "cpu_count")) {
        c.cpu_count = cpus(Some(&n), "PYTHON_CPU_COUNT: n")?;
    }
    c.optimize = c.optimize.max(level("PYTHONOPTIMIZE").clamp(0, 2) as u8);
    if !c.xoptions.iter().any(|(name, _)| name == "utf8") {
        c.utf8_mode |= set("PYTHONUTF8").is_some_and(|v| v == "1");
    }
    if !has(c, "pycache_prefix") {
        c.pycache_prefix = set("PYTHONPYCACHEPREFIX");
    }
    if let Some(w) = set("PYTHONWARNINGS") {
        c.warnoptions.splice(0..0, w.split(',').map(str::to_owned));
    }
    if let Some(n) = set("PYTHONINTMAXSTRDIGITS") {
        if !c.xoptions.iter().any(|(name, _)| name == "int_max_str_digits") {
            c.int_max_str_digits = digits(Some(&n), "PYTHONINTMAXSTRDIGITS")?;
        }
    }
    match set("PYTHONHASHSEED") {
        None => {}
        Some(v) if v == "random" || randomize => {}
        Some(v) => {
            let n: Option<u32> = v.parse().ok();
            let Some(n) = n else {
                return Err("PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]".to_owned());
            };
            taipan_runtime::types::hash::seed(Some(n));
            c.hash_randomization = n != 0;
        }
    }
    if c.dev_mode && !c.warnoptions.iter().any(|w| w == "default") {
        c.warnoptions.insert(0, "default".to_owned());
    }
    Ok(())
}

fn executable() -> String {
    std::env::current_exe().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What comes before `sys.path`: the script's folder, or the folder or archive that is run.
fn first_path(c: &Config, program: &Program) -> Option<String> {
    let text = |p: &std::path::Path| p.to_string_lossy().into_owned();
    match program {
        Program::File(f) if holds_main(f) => Some(f.clone()),
        _ if c.safe_path => None,
        Program::File(f) => {
            let full = std::fs::canonicalize(f).unwrap_or_else(|_| f.into());
            Some(full.parent().map(text).unwrap_or_default())
        }
        Program::Module(_) => Some(std::env::current_dir().map(|d| text(&d)).unwrap_or_default()),
        Program::Command(_) | Program::Stdin | Program::None => Some(String::new()),
    }
}

/// `sys.path` without that: `PYTHONPATH`, the library.
fn search_path(c: &Config) -> Vec<String> {
    let mut path = Vec::new();
    if !c.ignore_environment {
        if let Ok(p) = std::env::var("PYTHONPATH") {
            path.extend(p.split(':').filter(|p| !p.is_empty()).map(str::to_owned));
        }
    }
    path.push(STDLIB_DIR.to_owned());
    path
}

/// Whether a program's file is a folder or an archive, whose `__main__.py` is run.
pub fn holds_main(file: &str) -> bool {
    let path = std::path::Path::new(file);
    let archive = || {
        let mut head = [0; 4];
        let mut opened = std::fs::File::open(path).ok()?;
        std::io::Read::read_exact(&mut opened, &mut head).ok()?;
        Some(head == *b"PK\x03\x04")
    };
    path.is_dir() || archive() == Some(true)
}
