//! How the process was started: the command line as the interpreter understood it.

use crate::object::{Py, PyResult, Value, boolean, none};
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::vm::Vm;
use std::sync::OnceLock;

/// What the command line and the environment decided.
#[derive(Clone, Debug)]
pub struct Config {
    /// `sys.argv`
    pub argv: Vec<String>,
    /// `sys.orig_argv`
    pub orig_argv: Vec<String>,
    /// `sys.executable`
    pub executable: String,
    /// `sys.prefix` and its kin.
    pub prefix: String,
    /// `sys.base_prefix`: the installation behind a virtual environment.
    pub base_prefix: String,
    /// Entries of `sys.path` at the start.
    pub path: Vec<String>,
    /// What is put before them when the program begins: the script's folder.
    pub first_path: Option<String>,
    /// Where the standard library's sources are, if they are files.
    pub stdlib_dir: Option<String>,
    /// `-O`, `-OO`
    pub optimize: u8,
    /// `-d`
    pub debug: i32,
    /// `-i`
    pub inspect: bool,
    /// Standard input is a terminal that commands are read from.
    pub interactive: bool,
    /// `-B`
    pub dont_write_bytecode: bool,
    /// `-s`
    pub no_user_site: bool,
    /// `-S`
    pub no_site: bool,
    /// `-E`
    pub ignore_environment: bool,
    /// `-v`
    pub verbose: i32,
    /// `-b`
    pub bytes_warning: i32,
    /// `-q`
    pub quiet: bool,
    /// Whether hashes of text differ from run to run.
    pub hash_randomization: bool,
    /// `-I`
    pub isolated: bool,
    /// `-X dev`
    pub dev_mode: bool,
    /// `-X utf8`
    pub utf8_mode: bool,
    /// `-X warn_default_encoding`
    pub warn_default_encoding: bool,
    /// `-P`
    pub safe_path: bool,
    /// Limit of digits in conversions between `int` and text.
    pub int_max_str_digits: i32,
    /// `-W` and `PYTHONWARNINGS`, in order.
    pub warnoptions: Vec<String>,
    /// `-X` options: name and value.
    pub xoptions: Vec<(String, Option<String>)>,
    /// `-u`
    pub unbuffered: bool,
    /// `-X pycache_prefix`
    pub pycache_prefix: Option<String>,
    /// Code knows columns (`-X no_debug_ranges`)
    pub debug_ranges: bool,
    /// Times of imports are shown (`-X importtime`); 2: of modules that are there already, too.
    pub import_time: u8,
    /// What `os.cpu_count()` gives (`-X cpu_count`)
    pub cpu_count: Option<i64>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            argv: vec![String::new()],
            orig_argv: Vec::new(),
            executable: String::new(),
            prefix: String::new(),
            base_prefix: String::new(),
            path: Vec::new(),
            first_path: None,
            stdlib_dir: None,
            optimize: 0,
            debug: 0,
            inspect: false,
            interactive: false,
            dont_write_bytecode: false,
            no_user_site: false,
            no_site: false,
            ignore_environment: false,
            verbose: 0,
            bytes_warning: 0,
            quiet: false,
            hash_randomization: true,
            isolated: false,
            dev_mode: false,
            utf8_mode: false,
            warn_default_encoding: false,
            safe_path: false,
            int_max_str_digits: 4300,
            warnoptions: Vec::new(),
            xoptions: Vec::new(),
            unbuffered: false,
            pycache_prefix: None,
            debug_ranges: true,
            import_time: 0,
            cpu_count: None,
        }
    }
}

static CONFIG: OnceLock<Config> = OnceLock::new();

/// Sets the configuration, before the first module is made; later calls change nothing.
pub fn configure(config: Config) {
    let _ = CONFIG.set(config);
}

/// The configuration.
pub fn config() -> &'static Config {
    CONFIG.get_or_init(Config::default)
}

/// Level of optimisation that the compiler works with.
pub fn optimization_level(_: &Vm) -> u8 {
    config().optimize
}

/// A list of texts.
pub fn texts(vm: &mut Vm, all: &[String]) -> Value {
    List::from_vec(all.iter().map(|t| vm.new_str(t)).collect()).into()
}

/// The attributes that come from the configuration.
pub fn init(vm: &mut Vm, dict: &Py<Dict>) -> PyResult<()> {
    let c = config();
    let lists = [("argv", &c.argv), ("orig_argv", &c.orig_argv), ("path", &c.path), ("warnoptions", &c.warnoptions)];
    for (name, values) in lists {
        let list = texts(vm, values);
        dict.store_text(name, list);
    }
    let single = [
        ("executable", &c.executable),
        ("_base_executable", &c.executable),
        ("prefix", &c.prefix),
        ("exec_prefix", &c.prefix),
        ("base_prefix", &c.base_prefix),
        ("base_exec_prefix", &c.base_prefix),
    ];
    for (name, value) in single {
        let text = vm.new_str(value);
        dict.store_text(name, text);
    }
    let optional = |vm: &mut Vm, t: &Option<String>| t.as_deref().map_or_else(none, |t| vm.new_str(t));
    let stdlib = optional(vm, &c.stdlib_dir);
    dict.store_text("_stdlib_dir", stdlib);
    let pycache = optional(vm, &c.pycache_prefix);
    dict.store_text("pycache_prefix", pycache);
    dict.store_text("_home", none());
    dict.store_text("dont_write_bytecode", boolean(c.dont_write_bytecode));
    let options = Dict::new_object();
    for (name, value) in &c.xoptions {
        let value = value.as_deref().map_or_else(|| boolean(true), |v| vm.new_str(v));
        options.store_text(name, value);
    }
    dict.store_text("_xoptions", options);
    dict.store_text("meta_path", List::empty());
    dict.store_text("path_hooks", List::empty());
    dict.store_text("path_importer_cache", Dict::new_object());
    Ok(())
}
