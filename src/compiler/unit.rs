//! A code object while its instructions are being written.

use std::collections::BTreeSet;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use taipan_syntax::ast::{Name, Stmt};

use crate::consts::ConstTable;
use crate::instr::{Label, Loc, Sequence};
use crate::scopes::{Place, Scope, Symbol};

/// Names by index, found by text.
#[derive(Debug, Default)]
pub struct NameTable {
    items: Vec<Name>,
    index: FxHashMap<Name, u32>,
}

impl NameTable {
    /// The index of a name, which is added if it is new.
    pub fn add(&mut self, name: &Name) -> u32 {
        if let Some(&index) = self.index.get(name) {
            return index;
        }
        let index = self.items.len() as u32;
        self.items.push(name.clone());
        self.index.insert(name.clone(), index);
        index
    }

    /// The index of a name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    /// The names, in order.
    pub fn items(&self) -> &[Name] {
        &self.items
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.items.len()
    }
}

impl<'n> FromIterator<&'n Name> for NameTable {
    fn from_iter<I: IntoIterator<Item = &'n Name>>(names: I) -> NameTable {
        let mut table = NameTable::default();
        names.into_iter().for_each(|name| {
            table.add(name);
        });
        table
    }
}

/// What a unit is compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    Module,
    Class,
    Function,
    AsyncFunction,
    Lambda,
    Comprehension,
    /// Annotations, type parameters, type aliases.
    Annotations,
}

/// What has to be undone on the way out of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    WhileLoop,
    ForLoop,
    AsyncForLoop,
    TryExcept,
    FinallyTry,
    FinallyEnd,
    With,
    AsyncWith,
    HandlerCleanup,
    PopValue,
    ExceptionHandler,
    ExceptionGroupHandler,
    AsyncComprehension,
    StopIteration,
}

/// What the undoing needs.
#[derive(Clone, Copy, Debug)]
pub enum BlockData<'a> {
    Nothing,
    /// The `finally` block.
    Finally(&'a [Stmt]),
    /// The name that an `except` binds.
    Name(&'a Name),
}

/// A block of the source that is being compiled.
#[derive(Clone, Copy, Debug)]
pub struct FrameBlock<'a> {
    pub kind: BlockKind,
    pub start: Label,
    pub exit: Label,
    pub loc: Loc,
    pub data: BlockData<'a>,
}

/// Counts of parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArgCounts {
    /// Those that may be given by position or name.
    pub args: u32,
    pub posonly: u32,
    pub kwonly: u32,
}

/// An annotation whose value is computed on demand (PEP 649), with its number if it may not be reached.
pub type DeferredAnnotation<'a> = (&'a Stmt, Option<u32>);

/// A code object while its instructions are being written.
pub struct Unit<'a> {
    pub kind: UnitKind,
    pub scope: Scope<'a>,
    pub name: Rc<str>,
    pub qualname: Rc<str>,
    /// The class whose private names are mangled.
    pub private: Option<Name>,
    pub counts: ArgCounts,
    pub firstlineno: i32,
    pub sequence: Sequence,
    pub stashed: Option<Sequence>,
    pub consts: ConstTable,
    pub names: NameTable,
    pub varnames: NameTable,
    pub cellvars: NameTable,
    /// Free variables; their indices follow those of the cells.
    pub freevars: NameTable,
    /// Names that are fast locals in an inlined comprehension outside a function, or were.
    pub fast_hidden: FxHashMap<Name, bool>,
    /// Symbols that an inlined comprehension changes for its time.
    pub overrides: FxHashMap<Name, Symbol>,
    pub blocks: Vec<FrameBlock<'a>>,
    pub inlined_comprehensions: u32,
    pub conditional_blocks: u32,
    pub deferred: Vec<DeferredAnnotation<'a>>,
    pub next_conditional: u32,
    /// Attributes that methods of a class set on `self`.
    pub static_attributes: Option<BTreeSet<Name>>,
}

impl<'a> Unit<'a> {
    /// An empty unit.
    pub fn new(kind: UnitKind, scope: Scope<'a>, name: Rc<str>, firstlineno: i32, counts: ArgCounts) -> Unit<'a> {
        let mut cellvars: NameTable = scope.names_in(Place::Cell).iter().collect();
        for implicit in scope.implicit_cells() {
            cellvars.add(&Name::from(implicit));
        }
        Unit {
            kind,
            qualname: name.clone(),
            name,
            private: None,
            counts,
            firstlineno,
            sequence: Sequence::default(),
            stashed: None,
            consts: ConstTable::default(),
            names: NameTable::default(),
            varnames: scope.parameters().iter().collect(),
            freevars: scope.names_in(Place::Free).iter().collect(),
            cellvars,
            fast_hidden: FxHashMap::default(),
            overrides: FxHashMap::default(),
            blocks: Vec::new(),
            inlined_comprehensions: 0,
            conditional_blocks: 0,
            deferred: Vec::new(),
            next_conditional: 0,
            static_attributes: (kind == UnitKind::Class).then(BTreeSet::new),
            scope,
        }
    }

    /// The symbol of a (mangled) name here.
    pub fn symbol(&self, name: &str) -> Symbol {
        self.overrides.get(name).copied().unwrap_or_else(|| self.scope.symbol(name))
    }

    /// The index of a cell or free variable.
    pub fn cell_index(&mut self, name: &Name) -> u32 {
        self.cellvars.add(name)
    }

    /// The index of a free variable, counted behind the cells.
    pub fn free_index(&mut self, name: &Name) -> u32 {
        self.cellvars.len() as u32 + self.freevars.add(name)
    }
}
