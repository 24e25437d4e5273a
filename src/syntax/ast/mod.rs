//! The abstract syntax tree, node for node that of CPython 3.14 (`Parser/Python.asdl`).
//!
//! Everything downstream (scopes, compiler, the `_ast` module) speaks of these types only; the parser crate behind
//! [`crate::parse`] is invisible. [`table`] is the single list of node classes: the Rust types, their reflection and
//! the conversion to and from a generic tree all expand from it.

mod constant;
mod field;
mod reflect;
mod table;
mod tree;
mod validate;
pub mod visit;

pub use constant::Constant;
pub use field::Field;
pub use reflect::{ClassInfo, FieldInfo, GroupInfo, POSITION_ATTRIBUTES, Place, Shape};
pub use table::*;
pub use tree::{Position, Tree, TreeError, TreeErrorClass, TreeNode, from_tree, to_tree};
pub use validate::validate;

use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// An identifier (ASDL `identifier`), after NFKC normalisation. Cheap to clone.
pub type Name = Rc<str>;

/// A text that is not an identifier (ASDL `string`): a type comment, a string prefix.
pub type Text = Box<str>;

/// Where a node stands in its source, as CPython's `lineno`, `col_offset`, `end_lineno` and `end_col_offset`:
/// lines count from 1, columns are UTF-8 bytes from 0, the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub lineno: u32,
    pub col_offset: u32,
    pub end_lineno: u32,
    pub end_col_offset: u32,
}

impl Span {
    /// The span from the start of `self` to the end of `end`.
    pub fn to(self, end: Span) -> Span {
        Span { end_lineno: end.end_lineno, end_col_offset: end.end_col_offset, ..self }
    }
}

/// Identity of a node within one tree. Scopes are found by it ([`crate::symtable::SymbolTable::lookup`]).
/// The module itself is [`NodeId::MODULE`]; nodes made by later passes may use [`NodeId::NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The root of a tree.
    pub const MODULE: NodeId = NodeId(0);
    /// A node without identity: it opens no scope.
    pub const NONE: NodeId = NodeId(u32::MAX);
}

/// Hands out node identities for one tree, from 1 upwards.
#[derive(Debug, Default)]
pub struct NodeIds(u32);

impl NodeIds {
    /// The next unused identity.
    pub fn fresh(&mut self) -> NodeId {
        self.0 += 1;
        NodeId(self.0)
    }
}

/// A node with a position. Dereferences to its kind, so that `arg.annotation` and `match **expr` read well.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<K> {
    pub kind: K,
    pub span: Span,
    pub id: NodeId,
}

impl<K> Node<K> {
    /// Puts `kind` at `span`.
    pub fn new(kind: K, span: Span, id: NodeId) -> Node<K> {
        Node { kind, span, id }
    }
}

impl<K> Deref for Node<K> {
    type Target = K;
    fn deref(&self) -> &K {
        &self.kind
    }
}

impl<K> DerefMut for Node<K> {
    fn deref_mut(&mut self) -> &mut K {
        &mut self.kind
    }
}

pub type Stmt = Node<StmtKind>;
pub type Expr = Node<ExprKind>;
pub type Pattern = Node<PatternKind>;
pub type TypeParam = Node<TypeParamKind>;
pub type ExceptHandler = Node<ExceptHandlerData>;
pub type Arg = Node<ArgData>;
pub type Keyword = Node<KeywordData>;
pub type Alias = Node<AliasData>;

#[cfg(test)]
mod tests;
