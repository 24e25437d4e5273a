//! The scopes of a module as the compiler asks for them.

use taipan_syntax::ast::{Name, NodeId};
use taipan_syntax::symtable::{self, Block, BlockKind, Role, SymbolTable, flags};

use crate::codegen::Result;

pub use taipan_syntax::symtable::BlockKind as ScopeKind;

/// Where a name is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The scope does not know the name.
    Unknown,
    Local,
    GlobalExplicit,
    GlobalImplicit,
    Free,
    Cell,
}

/// What a scope knows of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub place: Place,
    flags: u32,
}

impl Symbol {
    fn new(flags: u32) -> Symbol {
        let place = match (flags >> flags::SCOPE_OFFSET) & flags::SCOPE_MASK {
            1 => Place::Local,
            2 => Place::GlobalExplicit,
            3 => Place::GlobalImplicit,
            4 => Place::Free,
            5 => Place::Cell,
            _ => Place::Unknown,
        };
        Symbol { place, flags }
    }

    /// Assigned to in the scope itself, and not `nonlocal`.
    pub fn is_own(&self) -> bool {
        self.flags & flags::DEF_LOCAL != 0 && self.flags & flags::DEF_NONLOCAL == 0
    }

    pub fn is_imported(&self) -> bool {
        self.flags & flags::DEF_IMPORT != 0
    }
}

/// All scopes of a module.
#[derive(Clone, Copy)]
pub struct Scopes<'a>(pub &'a SymbolTable);

impl<'a> Scopes<'a> {
    pub fn module(&self) -> Scope<'a> {
        Scope(self.0.top())
    }

    /// The body of a function, class, lambda, comprehension or type alias.
    pub fn of(&self, node: NodeId) -> Result<Scope<'a>> {
        self.role(node, Role::Body)
    }

    pub fn role(&self, node: NodeId, role: Role) -> Result<Scope<'a>> {
        self.find(node, role).ok_or_else(|| crate::internal("a node without its scope"))
    }

    pub fn find(&self, node: NodeId, role: Role) -> Option<Scope<'a>> {
        self.0.lookup(node, role).map(Scope)
    }

    /// The scope of the annotations of the variables of a module or class.
    pub fn variables(&self, scope: Scope<'a>) -> Option<Scope<'a>> {
        scope.0.annotation_block.map(|id| Scope(self.0.block(id)))
    }
}

/// One scope.
#[derive(Clone, Copy)]
pub struct Scope<'a>(&'a Block);

impl<'a> Scope<'a> {
    pub fn kind(&self) -> BlockKind {
        self.0.kind
    }

    pub fn name(&self) -> &'a Name {
        &self.0.name
    }

    pub fn symbol(&self, name: &str) -> Symbol {
        Symbol::new(self.0.symbols.flags(name))
    }

    pub fn symbols(&self) -> impl Iterator<Item = (&'a Name, Symbol)> + use<'a> {
        self.0.symbols.iter().map(|(name, flags)| (name, Symbol::new(flags)))
    }

    /// The cells (or free variables) of the scope, in the order of their names.
    pub fn names_in(&self, place: Place) -> Vec<Name> {
        let flag = if place == Place::Cell { flags::DEF_COMP_CELL } else { flags::DEF_FREE_CLASS };
        let mut names: Vec<Name> = self
            .symbols()
            .filter(|(_, symbol)| symbol.place == place || symbol.flags & flag != 0)
            .map(|(name, _)| name.clone())
            .collect();
        names.sort_unstable();
        names
    }

    /// Cells that have no symbol.
    pub fn implicit_cells(&self) -> impl Iterator<Item = &'static str> {
        let block = self.0;
        [
            (block.needs_class_closure, "__class__"),
            (block.needs_classdict, "__classdict__"),
            (block.has_conditional_annotations, "__conditional_annotations__"),
        ]
        .into_iter()
        .filter_map(|(needed, name)| needed.then_some(name))
    }

    pub fn parameters(&self) -> &'a [Name] {
        &self.0.varnames
    }

    pub fn is_function_like(&self) -> bool {
        self.0.is_function_like()
    }

    pub fn is_nested(&self) -> bool {
        self.0.nested
    }

    pub fn is_generator(&self) -> bool {
        self.0.generator
    }

    pub fn is_coroutine(&self) -> bool {
        self.0.coroutine
    }

    pub fn is_inlined(&self) -> bool {
        self.0.comp_inlined
    }

    pub fn has_varargs(&self) -> bool {
        self.0.varargs
    }

    pub fn has_varkeywords(&self) -> bool {
        self.0.varkeywords
    }

    pub fn has_docstring(&self) -> bool {
        self.0.has_docstring
    }

    pub fn is_method(&self) -> bool {
        self.0.method
    }

    pub fn annotations_used(&self) -> bool {
        self.0.annotations_used
    }

    pub fn has_conditional_annotations(&self) -> bool {
        self.0.has_conditional_annotations
    }

    pub fn needs_classdict(&self) -> bool {
        self.0.needs_classdict
    }

    pub fn needs_class_closure(&self) -> bool {
        self.0.needs_class_closure
    }

    pub fn can_see_class(&self) -> bool {
        self.0.can_see_class_scope
    }

    /// A name as it is spelled here, in the class `class`.
    pub fn mangle(&self, class: Option<&str>, name: &Name) -> Name {
        self.0.mangle(class, name)
    }
}

pub use symtable::mangle;
