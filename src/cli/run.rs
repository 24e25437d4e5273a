//! Running a program: `taipan [options] [-c command | -m module | script | -] [arguments]`, as `python3.14`.

use taipan_runtime::builtins::sys::Config;
use taipan_runtime::import::embedded::STDLIB_DIR;
use taipan_runtime::object::PyResult;
use taipan_runtime::start;
use taipan_runtime::vm::Vm;

/// What is to be run.
pub enum Program {
    /// `-c`
    Command(String),
    /// `-m`
    Module(String),
    /// A script.
    File(String),
    /// Standard input.
    Stdin,
}

/// A parsed command line.
pub struct Plan {
    /// What is to be run.
    pub program: Program,
    /// How the interpreter is to be set up.
    pub config: Config,
}

/// Reads options one after the other.
struct Reader<'a> {
    args: &'a [String],
    next: usize,
    config: Config,
    program: Option<Program>,
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
        for (at, letter) in word.char_indices().skip(1) {
            let rest = &word[at + letter.len_utf8()..];
            match letter {
                'c' => self.program = Some(Program::Command(self.value(rest, 'c')? + "\n")),
                'm' => self.program = Some(Program::Module(self.value(rest, 'm')?)),
                'X' => {
                    let v = self.value(rest, 'X')?;
                    let (name, x) = match v.split_once('=') {
                        Some((n, x)) => (n.to_owned(), Some(x.to_owned())),
                        None => (v, None),
                    };
                    self.config.dev_mode |= name == "dev";
                    self.config.xoptions.push((name, x));
                }
                'W' => {
                    let v = self.value(rest, 'W')?;
                    self.config.warnoptions.push(v);
                }
                _ => self.flag(letter)?,
            }
            if matches!(letter, 'c' | 'm' | 'X' | 'W') {
                break;
            }
        }
        Ok(())
    }

    fn flag(&mut self, letter: char) -> Result<(), String> {
        let c = &mut self.config;
        match letter {
            'B' => c.dont_write_bytecode = true,
            'd' => c.debug += 1,
            'E' => c.ignore_environment = true,
            'i' => c.inspect = true,
            'I' => (c.isolated, c.ignore_environment, c.no_user_site, c.safe_path) = (true, true, true, true),
            'O' => c.optimize += 1,
            'P' => c.safe_path = true,
            'q' => c.quiet = true,
            's' => c.no_user_site = true,
            'S' => c.no_site = true,
            'u' => c.unbuffered = true,
            'v' => c.verbose += 1,
            'b' => c.bytes_warning += 1,
            _ => return Err(format!("unknown option -{letter} (see `taipan --help`)")),
        }
        Ok(())
    }
}

/// Reads the command line; the error is the usage error's text.
pub fn parse(args: &[String]) -> Result<Plan, String> {
    let config = Config { orig_argv: args.to_vec(), executable: executable(), ..Config::default() };
    let mut r = Reader { args, next: 1, config, program: None };
    while let (Some(a), None) = (args.get(r.next), &r.program) {
        if a == "-" || !a.starts_with('-') {
            break;
        }
        r.next += 1;
        if a == "--" {
            break;
        }
        r.word(a)?;
    }
    let (program, first) = match r.program {
        Some(p @ Program::Command(_)) => (p, "-c".to_owned()),
        Some(p) => (p, "-m".to_owned()),
        None => {
            r.next += 1;
            match args.get(r.next - 1) {
                None => (Program::Stdin, String::new()),
                Some(f) if f == "-" => (Program::Stdin, "-".to_owned()),
                Some(f) => (Program::File(f.clone()), f.clone()),
            }
        }
    };
    let mut config = r.config;
    config.argv = std::iter::once(first).chain(args[r.next.min(args.len())..].iter().cloned()).collect();
    config.stdlib_dir = Some(STDLIB_DIR.to_owned());
    environment(&mut config);
    config.path = search_path(&config, &program);
    Ok(Plan { program, config })
}

/// What environment variables say (`PYTHON…`), unless they are to be ignored.
fn environment(c: &mut Config) {
    if c.ignore_environment {
        return;
    }
    let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    c.dont_write_bytecode |= set("PYTHONDONTWRITEBYTECODE").is_some();
    c.unbuffered |= set("PYTHONUNBUFFERED").is_some();
    c.inspect |= set("PYTHONINSPECT").is_some();
    c.no_user_site |= set("PYTHONNOUSERSITE").is_some();
    c.safe_path |= set("PYTHONSAFEPATH").is_some();
    c.pycache_prefix = set("PYTHONPYCACHEPREFIX");
    if let Some(w) = set("PYTHONWARNINGS") {
        c.warnoptions.splice(0..0, w.split(',').map(str::to_owned));
    }
    if let Some(n) = set("PYTHONOPTIMIZE") {
        c.optimize = c.optimize.max(n.parse().unwrap_or(1));
    }
    if let Some(n) = set("PYTHONHASHSEED").and_then(|n| n.parse().ok()) {
        taipan_runtime::types::hash::seed(Some(n));
        c.hash_randomization = n != 0;
    }
}

fn executable() -> String {
    std::env::current_exe().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `sys.path`: the script's folder, `PYTHONPATH`, the library.
fn search_path(c: &Config, program: &Program) -> Vec<String> {
    let mut path = Vec::new();
    let text = |p: &std::path::Path| p.to_string_lossy().into_owned();
    if !c.safe_path {
        path.push(match program {
            Program::File(f) => {
                let full = std::fs::canonicalize(f).unwrap_or_else(|_| f.into());
                if full.is_dir() { f.clone() } else { full.parent().map(text).unwrap_or_default() }
            }
            Program::Module(_) => std::env::current_dir().map(|d| text(&d)).unwrap_or_default(),
            Program::Command(_) | Program::Stdin => String::new(),
        });
    }
    if !c.ignore_environment {
        if let Ok(p) = std::env::var("PYTHONPATH") {
            path.extend(p.split(':').filter(|p| !p.is_empty()).map(str::to_owned));
        }
    }
    path.push(STDLIB_DIR.to_owned());
    path
}

/// Runs a program; gives its exit status.
pub fn main(args: &[String]) -> i32 {
    let plan = match parse(args) {
        Ok(p) => p,
        Err(e) => {
            eprintln!("taipan: {e}");
            return 2;
        }
    };
    let source = match read(&plan.program) {
        Ok(s) => s,
        Err(e) => {
            eprintln!("{e}");
            return 2;
        }
    };
    taipan_runtime::import::register_native(taipan_stdlib::table::MODULES);
    let vm = start::boot(plan.config);
    let outcome = start::initialize(vm).and_then(|()| execute(vm, &plan.program, source));
    start::finish(vm, outcome)
}

fn read(program: &Program) -> Result<Vec<u8>, String> {
    match program {
        Program::Command(c) => Ok(c.clone().into_bytes()),
        Program::Module(_) => Ok(Vec::new()),
        Program::File(f) => std::fs::read(f).map_err(|e| {
            let errno = e.raw_os_error().unwrap_or(0);
            format!("taipan: can't open file '{f}': [Errno {errno}] {}", taipan_runtime::host::strerror(errno))
        }),
        Program::Stdin => {
            let mut b = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut b).map_err(|e| format!("taipan: <stdin>: {e}"))?;
            Ok(b)
        }
    }
}

fn execute(vm: &mut Vm, program: &Program, source: Vec<u8>) -> PyResult<()> {
    match program {
        Program::Command(_) => start::run_source(vm, &source, "<string>"),
        Program::Stdin => start::run_source(vm, &source, "<stdin>"),
        Program::File(f) => {
            let main = start::main_module(vm)?;
            let file = vm.new_str(f);
            main.dict.store_text("__file__", file);
            start::run_source(vm, &source, f)
        }
        Program::Module(m) => {
            start::main_module(vm)?;
            let runpy = vm.import("runpy")?;
            let name = vm.new_str(m);
            let alter = taipan_runtime::object::boolean(true);
            vm.call_method(&runpy, "_run_module_as_main", &[name, alter]).map(|_| ())
        }
    }
}
