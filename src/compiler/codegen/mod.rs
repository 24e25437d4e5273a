//! From the tree to instructions: what each construct of the language does, step by step.
//!
//! The order of the instructions and their places in the source are those of CPython 3.14 (`Python/codegen.c`), as
//! tracebacks, `dis` and the flow graph's passes depend on them.

mod annotations;
mod calls;
mod classes;
mod collections;
mod comprehensions;
mod conditions;
mod expressions;
mod functions;
mod imports;
mod loops;
mod names;
mod patterns;
mod scope;
mod statements;
mod strings;
mod tries;
mod type_params;
mod unwind;
mod warnings;
mod withs;

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use taipan_bytecode::{CodeFlags, Const, Op};
use taipan_syntax::ast::{self, Mod, Name, Span, Stmt};
use taipan_syntax::{SyntaxError, SyntaxWarning};

use crate::CompileOptions;
use crate::instr::{Label, Loc};
use crate::scopes::Scopes;
use crate::unit::{BlockData, BlockKind, FrameBlock, Unit, UnitKind};

/// The most blocks within each other in one function (`CO_MAXBLOCKS`).
const MAX_BLOCKS: usize = 21;
/// What compiling a piece gives; errors are `SyntaxError`s.
pub type Result<T = ()> = std::result::Result<T, Box<SyntaxError>>;

pub(crate) use statements::binary_op;

/// True if the first statement of a body is a docstring.
pub(crate) fn starts_with_docstring(body: &[Stmt]) -> bool {
    scope::docstring(body).is_some()
}

/// The compiler of one module.
pub struct Compiler<'a> {
    pub filename: Arc<str>,
    pub scopes: Scopes<'a>,
    /// Level of optimisation: 1 drops asserts, 2 docstrings too.
    pub optimize: u8,
    /// Future features in force.
    pub futures: CodeFlags,
    pub interactive: bool,
    /// The unit being written is the last; those around it come before.
    units: Vec<Unit<'a>>,
    pub warnings: Vec<SyntaxWarning>,
    /// Above zero in second copies of `finally` blocks, whose warnings were given already.
    no_warnings: u32,
    interned: FxHashMap<Rc<str>, Arc<str>>,
    stack_base: usize,
    columns: bool,
    stack_budget: usize,
}

/// The place of a node.
pub fn loc(span: Span) -> Loc {
    Loc {
        line: span.lineno as i32,
        end_line: span.end_lineno as i32,
        col: span.col_offset as i32,
        end_col: span.end_col_offset as i32,
    }
}

/// A constant of the tree as one of a code object.
pub fn constant(value: &ast::Constant) -> Const {
    match value {
        ast::Constant::None => Const::None,
        ast::Constant::Ellipsis => Const::Ellipsis,
        ast::Constant::Bool(value) => Const::Bool(*value),
        ast::Constant::Int(value) => Const::Int(value.clone()),
        ast::Constant::Float(value) => Const::Float(*value),
        ast::Constant::Complex { real, imag } => Const::Complex { re: *real, im: *imag },
        ast::Constant::Str(text) => Const::Str(text.clone()),
        ast::Constant::Bytes(bytes) => Const::Bytes(bytes.clone()),
        ast::Constant::Tuple(items) => Const::Tuple(items.iter().map(constant).collect()),
        ast::Constant::FrozenSet(items) => Const::FrozenSet(items.iter().map(constant).collect()),
    }
}

/// Roughly how deep the native stack is.
fn stack_place() -> usize {
    let here = 0u8;
    std::hint::black_box(&here) as *const u8 as usize
}

impl<'a> Compiler<'a> {
    /// A compiler that has written nothing yet.
    pub fn new(
        filename: &str,
        scopes: Scopes<'a>,
        options: &CompileOptions,
        futures: CodeFlags,
        interactive: bool,
    ) -> Self {
        Compiler {
            filename: Arc::from(filename),
            scopes,
            optimize: options.optimize,
            futures,
            interactive,
            units: Vec::new(),
            warnings: Vec::new(),
            no_warnings: 0,
            interned: FxHashMap::default(),
            stack_base: stack_place(),
            columns: options.columns,
            stack_budget: options.stack_budget,
        }
    }

    /// Compiles a whole tree.
    pub fn module(&mut self, module: &'a Mod) -> Result<taipan_bytecode::CodeObject> {
        let scope = self.scopes.module();
        self.enter(UnitKind::Module, scope, "<module>".into(), 1, Default::default(), None)?;
        match module {
            Mod::Module { body, .. } => self.module_body(body, false)?,
            Mod::Interactive { body } => self.module_body(body, true)?,
            Mod::Expression { body } => self.expr(body)?,
            Mod::FunctionType { .. } => return Err(crate::internal("a function type has no code")),
        }
        let add_none = !matches!(module, Mod::Expression { .. });
        self.finish_unit(add_none)
    }

    fn module_body(&mut self, body: &'a [Stmt], interactive: bool) -> Result {
        let start = body.first().map_or(Loc { line: 1, end_line: 1, col: 0, end_col: 0 }, |stmt| loc(stmt.span));
        if self.unit().scope.has_conditional_annotations() {
            self.emit(Op::BUILD_SET, 0, start);
            let name = self.unit_mut().names.add(&Name::from("__conditional_annotations__"));
            self.emit(Op::STORE_NAME, name, start);
        }
        self.body(body, start, interactive)
    }

    fn unit(&self) -> &Unit<'a> {
        self.units.last().expect("a unit is being compiled")
    }

    fn unit_mut(&mut self) -> &mut Unit<'a> {
        self.units.last_mut().expect("a unit is being compiled")
    }

    /// The shared text of a name in code objects.
    fn intern(&mut self, name: &Rc<str>) -> Arc<str> {
        if let Some(text) = self.interned.get(name) {
            return text.clone();
        }
        let text: Arc<str> = Arc::from(&**name);
        self.interned.insert(name.clone(), text.clone());
        text
    }

    fn emit(&mut self, op: Op, arg: u32, loc: Loc) {
        self.unit_mut().sequence.push(op, arg, loc);
    }

    /// An instruction without an argument.
    fn op(&mut self, op: Op, loc: Loc) {
        self.emit(op, 0, loc);
    }

    fn jump(&mut self, op: Op, label: Label, loc: Loc) {
        self.emit(op, label.0, loc);
    }

    fn label(&mut self) -> Label {
        self.unit_mut().sequence.new_label()
    }

    fn place(&mut self, label: Label) {
        self.unit_mut().sequence.use_label(label);
    }

    fn load_const(&mut self, value: Const, loc: Loc) {
        let index = self.unit_mut().consts.add(value);
        self.emit(Op::LOAD_CONST, index, loc);
    }

    fn load_str(&mut self, text: &str, loc: Loc) {
        self.load_const(Const::str(text), loc);
    }

    fn error<T>(&self, loc: Loc, msg: impl Into<String>) -> Result<T> {
        let span = Span {
            lineno: loc.line.max(0) as u32,
            col_offset: loc.col.max(0) as u32,
            end_lineno: loc.end_line.max(0) as u32,
            end_col_offset: loc.end_col.max(0) as u32,
        };
        Err(Box::new(SyntaxError::of_compiler(msg, &self.filename, span)))
    }

    /// Refuses to go on when the tree is nested so deeply that the native stack may run out.
    fn check_depth(&self) -> Result {
        if self.stack_base.abs_diff(stack_place()) > self.stack_budget {
            let msg = "maximum recursion depth exceeded during compilation";
            return Err(Box::new(SyntaxError::new(taipan_syntax::ErrorClass::RecursionError, msg)));
        }
        Ok(())
    }

    fn push_block(&mut self, kind: BlockKind, start: Label, exit: Label, loc: Loc, data: BlockData<'a>) -> Result {
        if self.unit().blocks.len() >= MAX_BLOCKS {
            return self.error(loc, "too many statically nested blocks");
        }
        self.no_warnings += (kind == BlockKind::FinallyEnd) as u32;
        self.unit_mut().blocks.push(FrameBlock { kind, start, exit, loc, data });
        Ok(())
    }

    fn pop_block(&mut self) -> Option<FrameBlock<'a>> {
        let block = self.unit_mut().blocks.pop();
        self.no_warnings -= block.is_some_and(|block| block.kind == BlockKind::FinallyEnd) as u32;
        block
    }
}
