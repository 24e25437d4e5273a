//! A generic tree of nodes, the meeting point of the typed AST and Python's `ast` objects: the `_ast` module copies
//! objects into a [`Tree`] and back without knowing a single class.

use super::field::Field;
use super::reflect::Place;
use super::table::{Class, Group, Mod};
use super::{Constant, Name, NodeIds, Span};

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Python's None where a node, name or list could stand.
    None,
    Node(Box<TreeNode>),
    List(Vec<Tree>),
    /// A name or another text that is not a constant.
    Identifier(Name),
    Int(i64),
    Constant(Constant),
    /// An object that is none of these; wrong wherever it stands.
    Foreign {
        type_name: String,
        repr: String,
    },
}

/// A node of any class.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeNode {
    pub class: Class,
    /// One entry per field of the class, in its order; `None` for an attribute that the object lacks.
    pub fields: Vec<Option<Tree>>,
    pub position: Position,
}

/// The position attributes of an object, each possibly missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub lineno: Option<u32>,
    pub col_offset: Option<u32>,
    pub end_lineno: Option<u32>,
    pub end_col_offset: Option<u32>,
}

impl Position {
    /// The complete position: a missing end is the start, a missing start an error.
    pub fn span(self, group: Group) -> Result<Span, TreeError> {
        let missing =
            |name: &str| TreeError::type_error(format!("required field \"{name}\" missing from {}", group.name()));
        let lineno = self.lineno.ok_or_else(|| missing("lineno"))?;
        let col_offset = self.col_offset.ok_or_else(|| missing("col_offset"))?;
        let end_lineno = self.end_lineno.unwrap_or(lineno);
        Ok(Span { lineno, col_offset, end_lineno, end_col_offset: self.end_col_offset.unwrap_or(col_offset) })
    }
}

/// Which Python exception a [`TreeError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeErrorClass {
    TypeError,
    ValueError,
    OverflowError,
}

/// Why a tree made by a program is no AST, worded as CPython words it (`Python/Python-ast.c`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeError {
    pub class: TreeErrorClass,
    pub msg: String,
}

impl TreeError {
    pub(super) fn type_error(msg: impl Into<String>) -> TreeError {
        TreeError { class: TreeErrorClass::TypeError, msg: msg.into() }
    }

    pub(crate) fn value_error(msg: impl Into<String>) -> TreeError {
        TreeError { class: TreeErrorClass::ValueError, msg: msg.into() }
    }

    pub(super) fn overflow() -> TreeError {
        let msg = "Python int too large to convert to C int".to_owned();
        TreeError { class: TreeErrorClass::OverflowError, msg }
    }

    pub(super) fn missing(place: Place) -> TreeError {
        let class = place.class.info().name;
        TreeError::type_error(format!("required field \"{}\" missing from {class}", place.field_name()))
    }

    pub(super) fn required(place: Place) -> TreeError {
        let class = place.class.info().name;
        TreeError::value_error(format!("field '{}' is required for {class}", place.field_name()))
    }

    pub(super) fn not_a_list(place: Place, got: &Tree) -> TreeError {
        let class = place.class.info().name;
        let field = place.field_name();
        TreeError::type_error(format!("{class} field \"{field}\" must be a list, not a {}", got.type_name()))
    }

    pub(super) fn none_in(what: &str) -> TreeError {
        TreeError::value_error(format!("None disallowed in {what} list"))
    }

    pub(super) fn wrong_group(rust_type: &str, class: Class) -> TreeError {
        TreeError::type_error(format!("expected some sort of {rust_type}, but got {}", class.info().name))
    }
}

impl TreeNode {
    pub(super) fn new(class: Class, fields: Vec<Option<Tree>>) -> TreeNode {
        TreeNode { class, fields, position: Position::default() }
    }

    pub(super) fn at(mut self, span: Span) -> TreeNode {
        self.position = Position {
            lineno: Some(span.lineno),
            col_offset: Some(span.col_offset),
            end_lineno: Some(span.end_lineno),
            end_col_offset: Some(span.end_col_offset),
        };
        self
    }
}

impl From<TreeNode> for Tree {
    fn from(node: TreeNode) -> Tree {
        Tree::Node(Box::new(node))
    }
}

impl Tree {
    /// The node, if it belongs to `group`.
    pub(super) fn expect(self, group: Group, place: Place) -> Result<TreeNode, TreeError> {
        match self {
            Tree::Node(node) if node.class.info().group == group => Ok(*node),
            Tree::None => Err(TreeError::required(place)),
            other => {
                let msg = format!("expected some sort of {}, but got {}", group.name(), other.repr());
                Err(TreeError::type_error(msg))
            }
        }
    }

    /// The name of the Python type, for messages.
    pub fn type_name(&self) -> &str {
        match self {
            Tree::None => "NoneType",
            Tree::Node(node) => node.class.info().name,
            Tree::List(_) => "list",
            Tree::Identifier(_) => "str",
            Tree::Int(_) => "int",
            Tree::Constant(value) => value.type_name(),
            Tree::Foreign { type_name, .. } => type_name,
        }
    }

    /// What `repr` shows, near enough for messages about values in wrong places.
    pub fn repr(&self) -> String {
        match self {
            Tree::None => "None".to_owned(),
            Tree::Node(node) => format!("{}()", node.class.info().name),
            Tree::List(items) => format!("[{}]", items.iter().map(Tree::repr).collect::<Vec<_>>().join(", ")),
            Tree::Identifier(text) => format!("'{text}'"),
            Tree::Int(value) => value.to_string(),
            Tree::Constant(Constant::Int(value)) => value.to_string(),
            Tree::Constant(Constant::Str(text)) => format!("'{text}'"),
            Tree::Constant(value) => format!("<{}>", value.type_name()),
            Tree::Foreign { repr, .. } => repr.clone(),
        }
    }
}

/// The generic form of an AST.
pub fn to_tree(module: &Mod) -> Tree {
    module.to_tree()
}

/// The typed form of a tree made by a program.
///
/// Errors: `TypeError` and `ValueError` as `compile()` raises them for a malformed tree.
pub fn from_tree(tree: Tree) -> Result<Mod, TreeError> {
    let mut ids = NodeIds::default();
    Mod::from_tree(tree, Place { class: Class::Module, field: 0 }, &mut ids)
}
