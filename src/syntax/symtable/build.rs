//! The first pass: opens the blocks and notes what each does with its names.

use rustc_hash::{FxHashMap, FxHashSet};

use super::flags::*;
use super::future::{Future, is_future_import, late_import};
use super::{Block, BlockId, BlockKind, ComprehensionKind, Role, SymbolTable, Symbols, SymtableOptions};
use crate::ast::*;
use crate::error::SyntaxError;

pub(super) type Result<T = ()> = std::result::Result<T, Box<SyntaxError>>;

/// Builds the unresolved blocks of a tree.
pub(super) fn build(module: &Mod, options: &SymtableOptions, future: Future) -> Result<SymbolTable> {
    let mut builder = Builder {
        filename: &options.filename,
        future,
        top_level_await: options.top_level_await,
        blocks: Vec::new(),
        by_node: FxHashMap::default(),
        stack: Vec::new(),
        class: None,
        special: Special::default(),
    };
    builder.open("top", BlockKind::Module, NodeId::MODULE, Role::Body, Span::default())?;
    match module {
        Mod::Module { body, .. } => {
            builder.current().has_docstring = docstring(body);
            check_future_imports(body, &options.filename)?;
            builder.stmts(body)?;
        }
        Mod::Interactive { body } => {
            check_future_imports(body, &options.filename)?;
            builder.stmts(body)?;
        }
        Mod::Expression { body } => builder.expr(body)?,
        Mod::FunctionType { .. } => {
            let msg = "this compiler does not handle FunctionTypes";
            return Err(Box::new(SyntaxError::new(crate::ErrorClass::RecursionError, msg)));
        }
    }
    Ok(SymbolTable { future, blocks: builder.blocks, by_node: builder.by_node })
}

/// Refuses imports from `__future__` behind the head of a module. Those inside blocks are met by the walk.
fn check_future_imports(body: &[Stmt], filename: &str) -> Result {
    let mut done = false;
    for (index, stmt) in body.iter().enumerate() {
        if is_future_import(stmt) {
            if done {
                return Err(late_import(filename, stmt.span));
            }
        } else {
            done |= index > 0 || !docstring(&body[..1]);
        }
    }
    Ok(())
}

/// Whether a body starts with a documentation string.
pub(super) fn docstring(body: &[Stmt]) -> bool {
    let Some(Stmt { kind: StmtKind::Expr { value }, .. }) = body.first() else { return false };
    matches!(value.kind, ExprKind::Constant { value: Constant::Str(_), .. })
}

/// Names that the analysis itself introduces.
pub(super) struct Special {
    pub format: Name,
    pub classdict: Name,
    pub class: Name,
    pub conditional_annotations: Name,
    pub type_params: Name,
    pub type_params_attr: Name,
    pub generic_base: Name,
    pub defaults: Name,
    pub kwdefaults: Name,
    pub iter: Name,
    pub debug: Name,
}

impl Default for Special {
    fn default() -> Special {
        Special {
            format: ".format".into(),
            classdict: "__classdict__".into(),
            class: "__class__".into(),
            conditional_annotations: "__conditional_annotations__".into(),
            type_params: ".type_params".into(),
            type_params_attr: "__type_params__".into(),
            generic_base: ".generic_base".into(),
            defaults: ".defaults".into(),
            kwdefaults: ".kwdefaults".into(),
            iter: ".0".into(),
            debug: "__debug__".into(),
        }
    }
}

pub(super) struct Builder<'a> {
    pub filename: &'a str,
    pub future: Future,
    pub top_level_await: bool,
    pub blocks: Vec<Block>,
    pub by_node: FxHashMap<(NodeId, Role), BlockId>,
    pub stack: Vec<BlockId>,
    /// The class whose private names are mangled.
    pub class: Option<Name>,
    pub special: Special,
}

impl Builder<'_> {
    pub fn current_id(&self) -> BlockId {
        *self.stack.last().expect("a block is open")
    }

    pub fn current(&mut self) -> &mut Block {
        let id = self.current_id();
        self.block(id)
    }

    pub fn block(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id.0 as usize]
    }

    pub fn fail<T>(&self, msg: impl Into<String>, span: Span) -> Result<T> {
        Err(Box::new(SyntaxError::at_node(msg, self.filename, span)))
    }

    /// Creates a block without opening it.
    pub fn create(&mut self, name: &str, kind: BlockKind, node: NodeId, role: Role, span: Span) -> BlockId {
        let id = BlockId(self.blocks.len() as u32);
        let parent = self.stack.last().map(|&parent| &self.blocks[parent.0 as usize]);
        let nested = parent.is_some_and(|parent| parent.nested || parent.is_function_like());
        // A generic function stands in the block of its type parameters, so CPython does not count it.
        let method = kind == BlockKind::Function && parent.is_some_and(|parent| parent.kind == BlockKind::Class);
        self.blocks.push(Block {
            id,
            kind,
            name: name.into(),
            symbols: Symbols::default(),
            varnames: Vec::new(),
            children: Vec::new(),
            span,
            nested,
            generator: false,
            coroutine: false,
            comprehension: None,
            comp_inlined: false,
            varargs: false,
            varkeywords: false,
            returns_value: false,
            needs_class_closure: false,
            needs_classdict: false,
            has_conditional_annotations: false,
            annotations_used: false,
            has_docstring: false,
            method,
            can_see_class_scope: false,
            annotation_block: None,
            function_name: None,
            mangled_names: None,
            directives: Vec::new(),
            scope_info: "",
            comp_iter_target: false,
            comp_iter_expr: 0,
            in_conditional_block: false,
            in_unevaluated_annotation: false,
        });
        if node != NodeId::NONE {
            self.by_node.insert((node, role), id);
        }
        id
    }

    /// Creates a block and enters it.
    pub fn open(&mut self, name: &str, kind: BlockKind, node: NodeId, role: Role, span: Span) -> Result<BlockId> {
        let id = self.create(name, kind, node, role, span);
        self.enter(id, true);
        if matches!(kind, BlockKind::Annotation | BlockKind::TypeVariable | BlockKind::TypeAlias) {
            // The implicit parameter of an annotate function (PEP 649) and of lazily evaluated type scopes.
            let format = self.special.format.clone();
            self.define(&format, DEF_PARAM, span)?;
            self.define(&format, USE, span)?;
        }
        Ok(id)
    }

    /// Enters a block, as a new child of the current one if `adopt`.
    pub fn enter(&mut self, id: BlockId, adopt: bool) {
        if let Some(&parent) = self.stack.last() {
            let outer = &self.blocks[parent.0 as usize];
            let comp_iter_expr = outer.comp_iter_expr;
            let mangled_names = outer.mangled_names.clone();
            let block = self.block(id);
            block.comp_iter_expr = comp_iter_expr;
            if mangled_names.is_some() && block.kind != BlockKind::Class {
                block.mangled_names = mangled_names;
            }
            // Annotations kept as text (PEP 563) have no part in the analysis.
            let textual = block.kind == BlockKind::Annotation && self.future.contains(Future::ANNOTATIONS);
            if adopt && !textual {
                self.block(parent).children.push(id);
            }
        }
        self.stack.push(id);
    }

    pub fn close(&mut self) {
        self.stack.pop();
    }

    /// A name as the current block spells it.
    pub fn spelled(&self, name: &Name) -> Name {
        self.blocks[self.current_id().0 as usize].mangle(self.class.as_deref(), name)
    }

    /// The flags of a name in a block.
    pub fn flags_in(&self, block: BlockId, name: &Name) -> u32 {
        let block = &self.blocks[block.0 as usize];
        block.symbols.flags(&block.mangle(self.class.as_deref(), name))
    }

    /// Notes that the current block does `flag` with a name.
    pub fn define(&mut self, name: &Name, flag: u32, span: Span) -> Result {
        self.define_as(name, flag, span, ExprContext::Store)
    }

    /// [`Builder::define`] for a name in a context.
    pub fn define_as(&mut self, name: &Name, flag: u32, span: Span, ctx: ExprContext) -> Result {
        if flag & (DEF_PARAM | DEF_LOCAL | DEF_IMPORT) != 0 {
            self.check_name(name, span, ctx)?;
        }
        if flag & DEF_TYPE_PARAM != 0
            && let Some(names) = &mut self.current().mangled_names
        {
            names.insert(name.clone());
        }
        self.define_in(self.current_id(), name, flag, span)
    }

    /// `__debug__` can be neither assigned nor deleted.
    pub fn check_name(&self, name: &str, span: Span, ctx: ExprContext) -> Result {
        if name == &*self.special.debug {
            match ctx {
                ExprContext::Store => return self.fail("cannot assign to __debug__", span),
                ExprContext::Del => return self.fail("cannot delete __debug__", span),
                ExprContext::Load => {}
            }
        }
        Ok(())
    }

    /// Notes that a block does `flag` with a name of the current block's spelling.
    pub fn define_in(&mut self, id: BlockId, name: &Name, flag: u32, span: Span) -> Result {
        let mangled = self.spelled(name);
        let before = self.blocks[id.0 as usize].symbols.flags(&mangled);
        if flag & before & DEF_PARAM != 0 {
            return self.fail(format!("duplicate argument '{name}' in function definition"), span);
        }
        if flag & before & DEF_TYPE_PARAM != 0 {
            return self.fail(format!("duplicate type parameter '{name}'"), span);
        }
        let mut after = before | flag;
        if self.blocks[id.0 as usize].comp_iter_target {
            if after & (DEF_GLOBAL | DEF_NONLOCAL) != 0 {
                let msg = format!("comprehension inner loop cannot rebind assignment expression target '{name}'");
                return self.fail(msg, span);
            }
            after |= DEF_COMP_ITER;
        }
        let block = self.block(id);
        block.symbols.set(&mangled, after);
        if flag & DEF_PARAM != 0 {
            block.varnames.push(mangled);
        } else if flag & DEF_GLOBAL != 0 {
            let module = &mut self.blocks[0];
            let merged = module.symbols.flags(&mangled) | flag;
            module.symbols.set(&mangled, merged);
        }
        Ok(())
    }

    /// Remembers a `global`, `nonlocal` or implied declaration for errors found by the analysis.
    pub fn directive(&mut self, name: &Name, span: Span) {
        let name = self.spelled(name);
        self.current().directives.push((name, span));
    }

    /// Opens the block of type parameters of a `def`, `class` or `type`.
    pub fn open_type_params(&mut self, name: &str, stmt: &Stmt, has_defaults: bool, has_kwdefaults: bool) -> Result {
        let in_class = self.current().kind == BlockKind::Class;
        let span = stmt.span;
        self.open(name, BlockKind::TypeParameters, stmt.id, Role::TypeParams, span)?;
        if in_class {
            self.current().can_see_class_scope = true;
            let classdict = self.special.classdict.clone();
            self.define(&classdict, USE, span)?;
        }
        if matches!(stmt.kind, StmtKind::ClassDef { .. }) {
            for name in [self.special.type_params.clone(), self.special.generic_base.clone()] {
                self.define(&name, DEF_LOCAL, span)?;
                self.define(&name, USE, span)?;
            }
        }
        if has_defaults {
            let name = self.special.defaults.clone();
            self.define(&name, DEF_PARAM, span)?;
        }
        if has_kwdefaults {
            let name = self.special.kwdefaults.clone();
            self.define(&name, DEF_PARAM, span)?;
        }
        Ok(())
    }

    /// A set of names to mangle, for the type parameters of a class.
    pub fn start_mangled_names(&mut self) {
        self.current().mangled_names = Some(FxHashSet::default());
    }

    /// Whether the current function block is a comprehension of a kind that cannot hold `yield`.
    pub fn comprehension_name(kind: ComprehensionKind) -> &'static str {
        match kind {
            ComprehensionKind::List => "list comprehension",
            ComprehensionKind::Set => "set comprehension",
            ComprehensionKind::Dict => "dict comprehension",
            ComprehensionKind::Generator => "generator expression",
        }
    }
}
