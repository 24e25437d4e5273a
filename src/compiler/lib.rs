//! AST to canonical bytecode: CPython 3.14's instructions, positions and tables for the same source.
//!
//! The stages: [`preprocess`] folds what CPython folds in the tree, [`codegen`] writes instructions with labels, [`flow`]
//! makes blocks of them and improves those, [`assemble`] writes the bytes. [`compile`] is the front door.

mod arithmetic;
mod assemble;
mod codegen;
mod consts;
mod flow;
mod instr;
mod percent;
mod preprocess;
mod scopes;
mod unit;
mod unparse;

use taipan_bytecode::{CodeFlags, CodeObject};
use taipan_syntax::ast::Mod;
use taipan_syntax::symtable::{Future, SymbolTable, SymtableOptions};
use taipan_syntax::{ErrorClass, SyntaxError, SyntaxWarning};

pub use preprocess::preprocess;
pub use unparse::unparse;

/// Errors of the compiler.
type CompileError = Box<SyntaxError>;

/// A bug of ours, or a tree that no source can give.
fn internal(what: &str) -> CompileError {
    Box::new(SyntaxError::new(ErrorClass::SyntaxError, format!("internal compiler error: {what}")))
}

/// How to compile.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// Level of optimisation (`-O`): 1 makes `__debug__` false and drops asserts, 2 drops docstrings too.
    pub optimize: u8,
    /// Future features that are in force besides those that the module imports.
    pub futures: CodeFlags,
    /// `await` may stand at the top level (`PyCF_ALLOW_TOP_LEVEL_AWAIT`).
    pub top_level_await: bool,
    /// The location table has columns (`-X no_debug_ranges` is against them).
    pub columns: bool,
    /// How much of the native stack the compiler may use, in bytes; beyond, the source is refused with a
    /// `RecursionError`.
    pub stack_budget: usize,
}

impl Default for CompileOptions {
    fn default() -> Self {
        CompileOptions {
            optimize: 0,
            futures: CodeFlags::empty(),
            top_level_await: false,
            columns: true,
            stack_budget: 1 << 20,
        }
    }
}

/// A compiled module.
#[derive(Debug)]
pub struct Compiled {
    /// Its code.
    pub code: CodeObject,
    /// Warnings of the compiler, in the order in which CPython gives them.
    pub warnings: Vec<SyntaxWarning>,
}

/// Compiles a tree: a module, an interactive statement (whose expressions are printed) or an expression.
///
/// Errors: everything that CPython's compiler refuses, in its words and at its places.
pub fn compile(mut module: Mod, filename: &str, options: &CompileOptions) -> Result<Compiled, Box<SyntaxError>> {
    let table_options = SymtableOptions {
        filename: filename.to_owned(),
        future: Future(options.futures.bits()),
        top_level_await: options.top_level_await,
    };
    let own = taipan_syntax::symtable::future_features(&module, filename)?;
    let futures = options.futures | CodeFlags::from_bits_truncate(own.0) & CodeFlags::FUTURES;
    let mut warnings = preprocess::preprocess(&mut module, options.optimize, futures);
    let table = SymbolTable::build(&module, &table_options)?;
    let interactive = matches!(module, Mod::Interactive { .. });
    let scopes = scopes::Scopes(&table);
    let mut compiler = codegen::Compiler::new(filename, scopes, options, futures, interactive);
    let code = compiler.module(&module)?;
    warnings.append(&mut compiler.warnings);
    Ok(Compiled { code, warnings })
}
