//! `compile`, `eval`, `exec`, `globals`, `locals`: from source to running code.

use super::sys;
use crate::name;
use crate::object::buffer::BufferRequest;
use crate::object::{Py, PyResult, Raised, Value, none};
use crate::types::bytes::Bytes;
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::exceptions as exc;
use crate::types::function::Function;
use crate::types::int::Int;
use crate::types::int::methods::MAX_STR_DIGITS;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use taipan_bytecode::CodeFlags;
use taipan_compiler::CompileOptions;
use taipan_syntax::ast::Mod;
use taipan_syntax::{ErrorClass, Mode, ParseOptions, SyntaxError, SyntaxWarning, WarningCategory};

bitflags::bitflags! {
    /// Flags of `compile()` beside those of future features (`Include/cpython/compile.h`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CompilerFlags: u32 {
        /// A block at the end of the input needs its own end.
        const DONT_IMPLY_DEDENT = 0x0200;
        /// Give the tree.
        const ONLY_AST = 0x0400;
        /// The source was text to begin with: no encoding declaration.
        const IGNORE_COOKIE = 0x0800;
        /// Keep type comments.
        const TYPE_COMMENTS = 0x1000;
        /// `await` at the top level.
        const ALLOW_TOP_LEVEL_AWAIT = 0x2000;
        /// Errors that more input could mend are `_IncompleteInputError`.
        const ALLOW_INCOMPLETE_INPUT = 0x4000;
        /// Give the tree as the compiler would see it.
        const OPTIMIZED_AST = 0x8000 | 0x0400;
    }
}

/// How a source is compiled.
#[derive(Clone, Debug)]
pub struct How {
    /// What the source is.
    pub mode: Mode,
    /// Its name, in code objects and errors.
    pub filename: String,
    /// See [`CompilerFlags`].
    pub flags: CompilerFlags,
    /// Future features in force.
    pub futures: CodeFlags,
    /// Level of optimisation; -1: that of the interpreter.
    pub optimize: i32,
    /// The 3.n whose grammar is meant, if not the present one.
    pub feature_version: Option<u32>,
}

impl How {
    /// An ordinary compilation.
    pub fn new(mode: Mode, filename: &str) -> How {
        How {
            mode,
            filename: filename.to_owned(),
            flags: CompilerFlags::empty(),
            futures: CodeFlags::empty(),
            optimize: -1,
            feature_version: None,
        }
    }
}

impl How {
    /// The level of optimisation that is meant.
    fn level(&self, vm: &mut Vm) -> u8 {
        match self.optimize {
            -1 => sys::optimization_level(vm),
            n => n as u8,
        }
    }
}

/// Trees as Python objects: installed by the `_ast` module.
pub struct AstHooks {
    /// Whether the value is a node.
    pub is_node: fn(&mut Vm, &Value) -> bool,
    /// Refuses a node that is no root for the mode.
    pub check_mode: fn(&mut Vm, &Value, Mode) -> PyResult<()>,
    /// The tree of a node that must be a root for the mode.
    pub to_tree: fn(&mut Vm, &Value, Mode) -> PyResult<Mod>,
    /// The nodes of a tree.
    pub from_tree: fn(&mut Vm, &Mod) -> PyResult,
}

/// See [`AstHooks`].
pub static AST_HOOKS: OnceLock<AstHooks> = OnceLock::new();

impl Vm {
    /// Compiles a source text to a code object; warnings go through the warning filters.
    pub fn compile(&mut self, source: &str, how: &How) -> PyResult<Py<Code>> {
        let module = parse(self, source, how)?;
        compile_tree(self, module, how)
    }

    /// Raises a syntax error of the front end as the Python exception it stands for.
    #[cold]
    pub fn syntax_error(&mut self, e: &SyntaxError) -> Raised {
        match syntax_exception(self, e) {
            Ok(exc) => self.raise(exc),
            Err(r) => r,
        }
    }
}

fn parse(vm: &mut Vm, source: &str, how: &How) -> PyResult<Mod> {
    let options = ParseOptions {
        mode: how.mode,
        filename: how.filename.clone(),
        allow_incomplete: how.flags.contains(CompilerFlags::ALLOW_INCOMPLETE_INPUT),
        dont_imply_dedent: how.flags.contains(CompilerFlags::DONT_IMPLY_DEDENT),
        type_comments: how.flags.contains(CompilerFlags::TYPE_COMMENTS),
        max_int_digits: MAX_STR_DIGITS.load(Ordering::Relaxed),
        feature_version: how.feature_version,
        ..ParseOptions::default()
    };
    match taipan_syntax::parse(source, &options) {
        Ok(parsed) => {
            report_warnings(vm, &parsed.warnings, how)?;
            Ok(parsed.module)
        }
        Err(e) => Err(vm.syntax_error(&e)),
    }
}

fn compile_tree(vm: &mut Vm, module: Mod, how: &How) -> PyResult<Py<Code>> {
    let options = CompileOptions {
        optimize: how.level(vm),
        columns: sys::config::config().debug_ranges,
        futures: how.futures,
        top_level_await: how.flags.contains(CompilerFlags::ALLOW_TOP_LEVEL_AWAIT),
        ..CompileOptions::default()
    };
    match taipan_compiler::compile(module, &how.filename, &options) {
        Ok(done) => {
            report_warnings(vm, &done.warnings, how)?;
            Ok(Code::new(vm, Arc::new(done.code)))
        }
        Err(e) => Err(vm.syntax_error(&e)),
    }
}

/// Issues warnings about a source; one that the filters make an error becomes a `SyntaxError` at its place.
fn report_warnings(vm: &mut Vm, warnings: &[SyntaxWarning], how: &How) -> PyResult<()> {
    for w in warnings {
        let category = match w.category {
            WarningCategory::SyntaxWarning => &exc::SYNTAX_WARNING,
            WarningCategory::DeprecationWarning => &exc::DEPRECATION_WARNING,
        };
        if vm.warn_explicit(category, &w.msg, &how.filename, w.lineno).is_err() {
            if !vm.error_is(category) {
                return Err(Raised(()));
            }
            vm.clear_error();
            return Err(vm.syntax_error(&SyntaxError::of_compiler(w.msg.clone(), &how.filename, w.span)));
        }
    }
    Ok(())
}

fn syntax_exception(vm: &mut Vm, e: &SyntaxError) -> PyResult {
    let class = match e.class {
        ErrorClass::SyntaxError => &exc::SYNTAX_ERROR,
        ErrorClass::IndentationError => &exc::INDENTATION_ERROR,
        ErrorClass::TabError => &exc::TAB_ERROR,
        ErrorClass::IncompleteInput => &exc::INCOMPLETE_INPUT_ERROR,
        ErrorClass::MemoryError => &exc::MEMORY_ERROR,
        ErrorClass::RecursionError => &exc::RECURSION_ERROR,
    };
    let message = vm.new_str(&e.msg);
    let Some(at) = e.location else { return exc::instantiate(vm, class, &[message]) };
    let text = match (&e.text, &e.filename) {
        (Some(t), _) => Some(t.clone()),
        (None, file) => file.as_deref().and_then(|f| program_line(f, at.lineno)),
    };
    let optional = |vm: &mut Vm, t: Option<&str>| t.map_or_else(none, |t| vm.new_str(t));
    let number = |n: i32| Value::small_unchecked(n as i64);
    let parts = [
        optional(vm, e.filename.as_deref()),
        number(at.lineno),
        number(at.offset),
        optional(vm, text.as_deref()),
        number(at.end_lineno),
        number(at.end_offset),
    ];
    if !e.bare_args {
        return exc::instantiate(vm, class, &[message, Tuple::from_slice(&parts).into()]);
    }
    let exc = exc::instantiate(vm, class, &[message])?;
    for (name, part) in ["filename", "lineno", "offset", "text", "end_lineno", "end_offset"].iter().zip(&parts) {
        let name = vm.intern(name);
        vm.set_attr(&exc, &name, part)?;
    }
    Ok(exc)
}

/// A line of a program for errors found after parsing: CPython reads it from the file, and shows none where the source
/// has no file (`_PyErr_ProgramDecodedTextObject`).
fn program_line(filename: &str, line: i32) -> Option<String> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let bytes = std::fs::read(filename).ok()?;
    let source = taipan_syntax::decode_source(&bytes, filename).ok()?;
    source.text.split_inclusive('\n').nth(index).map(str::to_owned)
}

/// The text of a source argument; `what` completes the `TypeError`.
pub fn source_text(vm: &mut Vm, source: &Value, what: &str, filename: &str) -> PyResult<String> {
    let text = if let Some(s) = source.downcast::<Str>() {
        match s.to_utf8() {
            Some(t) => t.into_owned(),
            None => {
                let at = s.code_points().position(|c| (0xd800..0xe000).contains(&c)).unwrap_or(0);
                return Err(vm.unicode_encode_error("utf-8", s, at, at + 1, "surrogates not allowed"));
            }
        }
    } else if source.class().payload.slots().buffer.is_some() {
        let bytes = vm.buffer(source, BufferRequest::READ)?.to_vec(vm);
        if bytes.contains(&0) {
            return Err(null_bytes(vm));
        }
        match taipan_syntax::decode_source(&bytes, filename) {
            Ok(s) => s.text,
            Err(e) => return Err(vm.syntax_error(&e)),
        }
    } else {
        return Err(vm.type_error(what));
    };
    if text.contains('\0') {
        return Err(null_bytes(vm));
    }
    Ok(text)
}

fn null_bytes(vm: &mut Vm) -> Raised {
    vm.syntax_error(&SyntaxError::new(ErrorClass::SyntaxError, "source code string cannot contain null bytes"))
}

/// `compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)`
pub fn compile(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(source), Some(filename), Some(mode), flags, dont_inherit, optimize, version] = a else {
        return Err(vm.system_error("compile(): unbound argument"));
    };
    let filename = super::fs_path_text(vm, filename)?;
    let mode = vm.expect_str(mode, "compile() argument 'mode'")?.to_rust().into_owned();
    let given = match flags {
        Some(f) => vm.to_i32(f)? as u32,
        None => 0,
    };
    let optimize = match optimize {
        Some(o) => vm.to_i32(o)?,
        None => -1,
    };
    let inherit = match dont_inherit {
        Some(d) => !vm.truth(d)?,
        None => true,
    };
    let (flags, mut futures) =
        (CompilerFlags::from_bits_truncate(given), CodeFlags::from_bits_truncate(given) & CodeFlags::FUTURES);
    if !(-1..=2).contains(&optimize) {
        return Err(vm.value_error("compile(): invalid optimize value"));
    }
    if inherit {
        futures |= inherited_futures(vm);
    }
    let only_ast = flags.contains(CompilerFlags::ONLY_AST);
    let mode = match mode.as_str() {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        "func_type" if only_ast => Mode::FuncType,
        "func_type" => return Err(vm.value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST")),
        _ if only_ast => {
            return Err(vm.value_error("compile() mode must be 'exec', 'eval', 'single' or 'func_type'"));
        }
        _ => return Err(vm.value_error("compile() mode must be 'exec', 'eval' or 'single'")),
    };
    let feature_version = match version {
        Some(v) => u32::try_from(vm.to_i32(v)?).ok(),
        None => None,
    };
    let how = How { mode, filename, flags, futures, optimize, feature_version };
    let optimized = flags.contains(CompilerFlags::OPTIMIZED_AST);
    if let Some(hooks) = AST_HOOKS.get() {
        if (hooks.is_node)(vm, source) {
            if only_ast && !optimized {
                (hooks.check_mode)(vm, source, mode)?;
                return Ok(source.clone());
            }
            let mut tree = (hooks.to_tree)(vm, source, mode)?;
            if optimized {
                taipan_compiler::preprocess(&mut tree, how.level(vm), futures);
            }
            return match only_ast {
                true => (hooks.from_tree)(vm, &tree),
                false => Ok(compile_tree(vm, tree, &how)?.into()),
            };
        }
    }
    let text = source_text(vm, source, "compile() arg 1 must be a string, bytes or AST object", &how.filename)?;
    let shown = vm_text(vm, &how.filename);
    sys::audit::audit(vm, "compile", &[source.clone(), shown])?;
    let mut tree = parse(vm, &text, &how)?;
    if only_ast {
        if optimized {
            taipan_compiler::preprocess(&mut tree, how.level(vm), futures);
        }
        if AST_HOOKS.get().is_none() {
            vm.import("_ast")?;
        }
        return match AST_HOOKS.get() {
            Some(hooks) => (hooks.from_tree)(vm, &tree),
            None => Err(vm.not_implemented_error("compile() to a tree needs the _ast module")),
        };
    }
    Ok(compile_tree(vm, tree, &how)?.into())
}

fn vm_text(vm: &mut Vm, text: &str) -> Value {
    vm.new_str(text)
}

/// Future features of the code that calls `compile`, `eval` or `exec`.
fn inherited_futures(vm: &Vm) -> CodeFlags {
    // SAFETY: the innermost frame is live.
    vm.current_frame().map_or(CodeFlags::empty(), |f| unsafe { (*(*f).running).flags & CodeFlags::FUTURES })
}

/// `globals()`
pub fn globals(vm: &mut Vm) -> PyResult {
    match vm.globals() {
        Some(g) => Ok(g.into()),
        None => Err(vm.system_error("frame does not exist")),
    }
}

/// `locals()`
pub fn locals(vm: &mut Vm) -> PyResult {
    match vm.locals() {
        Some(l) => l,
        None => Err(vm.system_error("frame does not exist")),
    }
}

/// The namespaces that `eval` and `exec` run in: those given, or those of the caller.
fn namespaces(
    vm: &mut Vm,
    globals: Option<&Value>,
    locals: Option<&Value>,
    globals_error: impl FnOnce(&Value) -> String,
    locals_error: impl FnOnce(&Value) -> String,
) -> PyResult<(Py<Dict>, Value)> {
    let globals = globals.filter(|g| !g.is_none());
    let locals = locals.filter(|l| !l.is_none());
    if let Some(l) = locals {
        if l.class().payload.slots().subscript.is_none() {
            return Err(vm.type_error(locals_error(l)));
        }
    }
    let (globals, locals) = match globals {
        Some(g) => match g.downcast::<Dict>() {
            Some(d) => (d.clone(), locals.cloned().unwrap_or_else(|| g.clone())),
            None => return Err(vm.type_error(globals_error(g))),
        },
        None => {
            let Some(g) = vm.globals() else {
                return Err(vm.system_error("globals and locals cannot be NULL"));
            };
            let l = match locals {
                Some(l) => l.clone(),
                None => self::locals(vm)?,
            };
            (g, l)
        }
    };
    if globals.lookup_str(name!("__builtins__")).is_none() {
        let builtins = vm.builtins_dict();
        globals.store_str(name!("__builtins__"), builtins.into());
    }
    Ok((globals, locals))
}

/// Runs code in namespaces.
fn run(vm: &mut Vm, code: &Py<Code>, globals: &Py<Dict>, locals: &Value, closure: Option<Py<Tuple>>) -> PyResult {
    let f = Function::new(vm, code.clone(), globals.clone(), closure);
    vm.run_code(&f, locals)
}

/// Compiles text that is run at once, with the audit events of both.
fn audited(vm: &mut Vm, text: &str, how: &How) -> PyResult<Py<Code>> {
    if !sys::audit::listened() {
        return vm.compile(text, how);
    }
    let source = Bytes::from_slice(text.as_bytes()).into();
    let filename = vm.new_str("<string>");
    sys::audit::audit(vm, "compile", &[source, filename])?;
    let code = vm.compile(text, how)?;
    sys::audit::audit(vm, "exec", std::slice::from_ref(code.as_value()))?;
    Ok(code)
}

/// `eval(source, /, globals=None, locals=None)`
pub fn eval(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(source), globals, locals] = a else { return Err(vm.system_error("eval(): unbound argument")) };
    let globals_error = |_: &Value| "globals must be a dict".to_owned();
    let locals_error = |_: &Value| "locals must be a mapping".to_owned();
    let (globals, locals) = namespaces(vm, globals.as_ref(), locals.as_ref(), globals_error, locals_error)?;
    if let Some(code) = source.downcast::<Code>() {
        sys::audit::audit(vm, "exec", std::slice::from_ref(source))?;
        if code.canonical.nfreevars() > 0 {
            return Err(vm.type_error("code object passed to eval() may not contain free variables"));
        }
        return run(vm, code, &globals, &locals, None);
    }
    let text = source_text(vm, source, "eval() arg 1 must be a string, bytes or code object", "<string>")?;
    let how = How { futures: inherited_futures(vm), ..How::new(Mode::Eval, "<string>") };
    let code = audited(vm, text.trim_start_matches([' ', '\t']), &how)?;
    run(vm, &code, &globals, &locals, None)
}

/// `exec(source, /, globals=None, locals=None, *, closure=None)`
pub fn exec(vm: &mut Vm, a: &[Option<Value>]) -> PyResult {
    let [Some(source), globals, locals, closure] = a else { return Err(vm.system_error("exec(): unbound argument")) };
    let closure = closure.as_ref().filter(|c| !c.is_none());
    let globals_error = |g: &Value| format!("exec() globals must be a dict, not {}", g.class().payload.name());
    let locals_error = |l: &Value| format!("locals must be a mapping or None, not {}", l.class().payload.name());
    let (globals, locals) = namespaces(vm, globals.as_ref(), locals.as_ref(), globals_error, locals_error)?;
    if let Some(code) = source.downcast::<Code>() {
        let closure = checked_closure(vm, code, closure)?;
        sys::audit::audit(vm, "exec", std::slice::from_ref(source))?;
        run(vm, code, &globals, &locals, closure)?;
        return Ok(none());
    }
    if closure.is_some() {
        return Err(vm.type_error("closure can only be used when source is a code object"));
    }
    let text = source_text(vm, source, "exec() arg 1 must be a string, bytes or code object", "<string>")?;
    let how = How { futures: inherited_futures(vm), ..How::new(Mode::Exec, "<string>") };
    let code = audited(vm, &text, &how)?;
    run(vm, &code, &globals, &locals, None)?;
    Ok(none())
}

fn checked_closure(vm: &mut Vm, code: &Py<Code>, closure: Option<&Value>) -> PyResult<Option<Py<Tuple>>> {
    let wanted = code.canonical.nfreevars();
    match closure {
        None if wanted == 0 => Ok(None),
        Some(_) if wanted == 0 => Err(vm.type_error("cannot use a closure with this code object")),
        _ => {
            let given = closure
                .and_then(|c| c.downcast_exact::<Tuple>())
                .filter(|t| t.len() == wanted && t.items().iter().all(|c| c.is_exact::<CellObject>()));
            match given {
                Some(t) => Ok(Some(t.clone())),
                None => Err(vm.type_error(format!("code object requires a closure of exactly length {wanted}"))),
            }
        }
    }
}

/// Bytes of a value that is a `bytes` object.
pub fn bytes_of(v: &Value) -> Option<&[u8]> {
    v.downcast::<Bytes>().map(|b| b.as_slice())
}

/// An `int` that fits 32 bits, for flags.
pub fn small_flag(v: &Value) -> Option<i32> {
    Int::read(v).and_then(|i| i.to_i64()).and_then(|i| i32::try_from(i).ok())
}
