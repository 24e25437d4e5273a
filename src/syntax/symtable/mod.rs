//! Scopes: which block binds which name, and where each use of a name finds it.
//!
//! The rules are CPython's (`Python/symtable.c`; PEP 227, 649, 695, 709). A first pass ([`build`]) walks the tree and
//! notes for every block how it treats its names, a second one ([`analyze`]) resolves them from the module inwards.
//! The compiler finds the block of a node with [`SymbolTable::lookup`]; the `_symtable` module shows the flags as
//! they are.

mod analyze;
mod build;
mod expr;
mod future;
mod stmt;

pub use future::{Future, future_features};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ast::{Mod, Name, NodeId, Span};
use crate::error::SyntaxError;

/// Flags of a name in a block, with the values that Python's `_symtable` exports.
pub mod flags {
    /// `global` statement.
    pub const DEF_GLOBAL: u32 = 1;
    /// Assigned to.
    pub const DEF_LOCAL: u32 = 1 << 1;
    /// Parameter.
    pub const DEF_PARAM: u32 = 1 << 2;
    /// `nonlocal` statement.
    pub const DEF_NONLOCAL: u32 = 1 << 3;
    /// Used.
    pub const USE: u32 = 1 << 4;
    /// Free in a method and also bound in the class body.
    pub const DEF_FREE_CLASS: u32 = 1 << 6;
    /// Bound by an import.
    pub const DEF_IMPORT: u32 = 1 << 7;
    /// Annotated.
    pub const DEF_ANNOT: u32 = 1 << 8;
    /// Iteration variable of a comprehension.
    pub const DEF_COMP_ITER: u32 = 1 << 9;
    /// Type parameter.
    pub const DEF_TYPE_PARAM: u32 = 1 << 10;
    /// A cell of an inlined comprehension.
    pub const DEF_COMP_CELL: u32 = 1 << 11;
    /// Bound in this block.
    pub const DEF_BOUND: u32 = DEF_LOCAL | DEF_PARAM | DEF_IMPORT | DEF_TYPE_PARAM;
    /// The resolved scope starts at this bit.
    pub const SCOPE_OFFSET: u32 = 12;
    /// Mask of the resolved scope, after the shift.
    pub const SCOPE_MASK: u32 = 15;
}

/// Where a name is found at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scope {
    Local = 1,
    GlobalExplicit = 2,
    GlobalImplicit = 3,
    Free = 4,
    Cell = 5,
}

impl Scope {
    fn of(flags: u32) -> Option<Scope> {
        Some(match (flags >> flags::SCOPE_OFFSET) & flags::SCOPE_MASK {
            1 => Scope::Local,
            2 => Scope::GlobalExplicit,
            3 => Scope::GlobalImplicit,
            4 => Scope::Free,
            5 => Scope::Cell,
            _ => return None,
        })
    }
}

/// What opened a block. The discriminants are those of `_symtable.TYPE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BlockKind {
    Function = 0,
    Class = 1,
    Module = 2,
    /// Annotations of a function, class or module (PEP 649).
    Annotation = 3,
    /// The value of a `type` statement.
    TypeAlias = 4,
    /// The type parameters of a function, class or alias (PEP 695).
    TypeParameters = 5,
    /// A bound, constraint or default of a type parameter.
    TypeVariable = 6,
}

/// Which comprehension a function block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComprehensionKind {
    List,
    Set,
    Dict,
    Generator,
}

/// Which of the blocks that a node opens is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The body of a module, function, class, lambda or comprehension; the value of a `type` statement.
    Body,
    /// The type parameters of a `def`, `class` or `type`.
    TypeParams,
    /// The annotations of a function's parameters and result.
    Signature,
    /// The annotations of a module's, class's or function's variables.
    Variables,
    /// The bound or constraints of a type variable.
    Bound,
    /// The default of a type parameter.
    Default,
}

/// Index of a block in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub u32);

/// The names of a block with their flags, in the order of their first mention.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    entries: Vec<(Name, u32)>,
    index: FxHashMap<Name, u32>,
}

impl Symbols {
    /// The flags of a (mangled) name; 0 if the block does not know it.
    pub fn flags(&self, name: &str) -> u32 {
        self.index.get(name).map_or(0, |&at| self.entries[at as usize].1)
    }

    /// Whether the block knows the name.
    pub fn contains(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// All names with their flags.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, u32)> {
        self.entries.iter().map(|(name, flags)| (name, *flags))
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn set(&mut self, name: &Name, flags: u32) {
        match self.index.get(name) {
            Some(&at) => self.entries[at as usize].1 = flags,
            None => {
                self.index.insert(name.clone(), self.entries.len() as u32);
                self.entries.push((name.clone(), flags));
            }
        }
    }
}

/// One block.
#[derive(Clone, Debug)]
pub struct Block {
    pub id: BlockId,
    pub kind: BlockKind,
    /// `top`, the function's or class's name, `lambda`, `genexpr`, `__annotate__`, …
    pub name: Name,
    pub symbols: Symbols,
    /// Parameters in the order of the code object's variables.
    pub varnames: Vec<Name>,
    pub children: Vec<BlockId>,
    /// Where it was opened; the module's is 0.
    pub span: Span,
    /// Inside a function.
    pub nested: bool,
    /// Contains `yield`.
    pub generator: bool,
    /// `async def`, or contains `await` or an asynchronous comprehension.
    pub coroutine: bool,
    pub comprehension: Option<ComprehensionKind>,
    /// A list, set or dict comprehension that runs in the frame around it (PEP 709).
    pub comp_inlined: bool,
    /// Has `*args`.
    pub varargs: bool,
    /// Has `**kwargs`.
    pub varkeywords: bool,
    /// Contains `return` with a value.
    pub returns_value: bool,
    /// A method uses `__class__` or `super`.
    pub needs_class_closure: bool,
    /// An annotation or type scope looks names up in the class namespace.
    pub needs_classdict: bool,
    /// Variable annotations may or may not be executed.
    pub has_conditional_annotations: bool,
    /// Has variable annotations.
    pub annotations_used: bool,
    pub has_docstring: bool,
    /// A function directly in a class.
    pub method: bool,
    /// Names are looked up in the namespace of the class around it first.
    pub can_see_class_scope: bool,
    /// Its block of variable annotations.
    pub annotation_block: Option<BlockId>,
    /// For annotations of a signature: the function's name.
    pub function_name: Option<Name>,
    /// In a generic class: only these names are mangled.
    pub mangled_names: Option<FxHashSet<Name>>,
    /// `global` and `nonlocal` statements, for errors found later.
    directives: Vec<(Name, Span)>,
    /// "a TypeVar bound" and the like, for error messages.
    scope_info: &'static str,
    /// While the targets of a comprehension are visited.
    comp_iter_target: bool,
    /// How many iterables of comprehensions are being visited.
    comp_iter_expr: u32,
    in_conditional_block: bool,
    in_unevaluated_annotation: bool,
}

impl Block {
    /// Where a (mangled) name is found; implicitly global if the block does not know it.
    pub fn scope(&self, name: &str) -> Scope {
        Scope::of(self.symbols.flags(name)).unwrap_or(Scope::GlobalImplicit)
    }

    /// Where a (mangled) name is found, if the block knows it.
    pub fn known_scope(&self, name: &str) -> Option<Scope> {
        Scope::of(self.symbols.flags(name))
    }

    /// Whether names assigned in it are local variables of a frame: everything but modules and classes.
    pub fn is_function_like(&self) -> bool {
        !matches!(self.kind, BlockKind::Module | BlockKind::Class)
    }

    /// A name as this block spells it, inside the class `class`.
    pub fn mangle(&self, class: Option<&str>, name: &Name) -> Name {
        match &self.mangled_names {
            Some(names) if !names.contains(name) => name.clone(),
            _ => mangle(class, name),
        }
    }
}

/// All blocks of a module.
#[derive(Clone, Debug)]
pub struct SymbolTable {
    pub future: Future,
    blocks: Vec<Block>,
    by_node: FxHashMap<(NodeId, Role), BlockId>,
}

/// How to build a table.
#[derive(Clone, Debug, Default)]
pub struct SymtableOptions {
    /// Shown in errors.
    pub filename: String,
    /// Future features that are on besides those the module asks for itself.
    pub future: Future,
    /// `await` may stand at the top level (`PyCF_ALLOW_TOP_LEVEL_AWAIT`).
    pub top_level_await: bool,
}

impl SymbolTable {
    /// The blocks of a tree, resolved.
    ///
    /// Errors: everything that CPython's scope analysis and `__future__` check refuse, in their words.
    pub fn build(module: &Mod, options: &SymtableOptions) -> Result<SymbolTable, Box<SyntaxError>> {
        let future = options.future | future_features(module, &options.filename)?;
        let mut table = build::build(module, options, future)?;
        analyze::analyze(&mut table, &options.filename)?;
        Ok(table)
    }

    /// The block of the module (or interactive statement, or expression).
    pub fn top(&self) -> &Block {
        &self.blocks[0]
    }

    /// A block by its index.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    /// The block that a node opens in a role.
    pub fn lookup(&self, node: NodeId, role: Role) -> Option<&Block> {
        self.by_node.get(&(node, role)).map(|&id| self.block(id))
    }

    /// All blocks, in the order in which they were opened.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}

/// A private name (`__x`) in the class `class` as `_class__x`; other names as they are
/// (<https://docs.python.org/3/reference/expressions.html#private-name-mangling>).
pub fn mangle(class: Option<&str>, name: &Name) -> Name {
    let Some(class) = class else { return name.clone() };
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return name.clone();
    }
    let class = class.trim_start_matches('_');
    if class.is_empty() { name.clone() } else { Name::from(format!("_{class}{name}")) }
}

#[cfg(test)]
mod tests;
