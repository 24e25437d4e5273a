//! What can be the type of a field: how each Rust type is written in the grammar, and its way into a generic tree and
//! back.

use super::reflect::Place;
use super::table::{Class, ExprContext};
use super::tree::{Tree, TreeError, TreeNode};
use super::{Constant, Name, NodeIds, Text};

/// A type that a field of a node can have.
pub trait Field: Sized {
    /// Its name in the grammar, without `?` and `*`.
    const BASE: &'static str;
    /// `""`, `"?"`, `"*"` or `"?*"`.
    const SUFFIX: &'static str = "";

    /// The generic form.
    fn to_tree(&self) -> Tree;

    /// The typed form, for the field at `place`.
    fn from_tree(tree: Tree, place: Place, ids: &mut NodeIds) -> Result<Self, TreeError>;

    /// What stands for an attribute that the object does not have: nothing for `?`, an empty list for `*`, `Load`
    /// for a context, otherwise a `TypeError`.
    fn missing(place: Place) -> Result<Self, TreeError> {
        Err(TreeError::missing(place))
    }
}

/// The values of a node's fields, taken one after the other in the order of the grammar.
pub(super) struct Values<'ids> {
    class: Class,
    index: usize,
    values: std::vec::IntoIter<Option<Tree>>,
    ids: &'ids mut NodeIds,
}

impl<'ids> Values<'ids> {
    pub(super) fn new(node: TreeNode, ids: &'ids mut NodeIds) -> Values<'ids> {
        Values { class: node.class, index: 0, values: node.fields.into_iter(), ids }
    }

    pub(super) fn class(&self) -> Class {
        self.class
    }

    pub(super) fn take<T: Field>(&mut self) -> Result<T, TreeError> {
        let place = Place { class: self.class, field: self.index };
        self.index += 1;
        match self.values.next().flatten() {
            Some(tree) => T::from_tree(tree, place, self.ids),
            None if T::BASE == ExprContext::BASE => T::from_tree(ExprContext::Load.to_tree(), place, self.ids),
            None => T::missing(place),
        }
    }
}

impl Field for Name {
    const BASE: &'static str = "identifier";
    fn to_tree(&self) -> Tree {
        Tree::Identifier(self.clone())
    }
    fn from_tree(tree: Tree, place: Place, _: &mut NodeIds) -> Result<Self, TreeError> {
        match tree {
            Tree::Identifier(name) => Ok(name),
            Tree::None => Err(TreeError::required(place)),
            _ => Err(TreeError::type_error("AST identifier must be of type str")),
        }
    }
}

impl Field for Text {
    const BASE: &'static str = "string";
    fn to_tree(&self) -> Tree {
        Tree::Identifier(Name::from(&**self))
    }
    fn from_tree(tree: Tree, place: Place, _: &mut NodeIds) -> Result<Self, TreeError> {
        match tree {
            Tree::Identifier(name) => Ok(Text::from(&*name)),
            Tree::None => Err(TreeError::required(place)),
            _ => Err(TreeError::type_error("AST string must be of type str")),
        }
    }
}

impl Field for Constant {
    const BASE: &'static str = "constant";
    fn to_tree(&self) -> Tree {
        Tree::Constant(self.clone())
    }
    fn from_tree(tree: Tree, _: Place, _: &mut NodeIds) -> Result<Self, TreeError> {
        match tree {
            Tree::Constant(value) => Ok(value),
            Tree::None => Ok(Constant::None),
            Tree::Int(value) => Ok(Constant::Int(value.into())),
            Tree::Identifier(text) => Ok(Constant::Str((&*text).into())),
            other => Err(TreeError::type_error(format!("got an invalid type in Constant: {}", other.type_name()))),
        }
    }
}

/// Reads an `int` field.
fn int(tree: Tree) -> Result<i64, TreeError> {
    match tree {
        Tree::Int(value) => Ok(value),
        Tree::Constant(Constant::Bool(value)) => Ok(value.into()),
        other => Err(TreeError::value_error(format!("invalid integer value: {}", other.repr()))),
    }
}

impl Field for i32 {
    const BASE: &'static str = "int";
    fn to_tree(&self) -> Tree {
        Tree::Int((*self).into())
    }
    fn from_tree(tree: Tree, _: Place, _: &mut NodeIds) -> Result<Self, TreeError> {
        i32::try_from(int(tree)?).map_err(|_| TreeError::overflow())
    }
}

impl Field for u32 {
    const BASE: &'static str = "int";
    fn to_tree(&self) -> Tree {
        Tree::Int((*self).into())
    }
    fn from_tree(tree: Tree, _: Place, _: &mut NodeIds) -> Result<Self, TreeError> {
        let value = int(tree)?;
        if value < 0 {
            return Err(TreeError::value_error("Negative ImportFrom level"));
        }
        u32::try_from(value).map_err(|_| TreeError::overflow())
    }
}

impl Field for bool {
    const BASE: &'static str = "int";
    fn to_tree(&self) -> Tree {
        Tree::Int((*self).into())
    }
    fn from_tree(tree: Tree, _: Place, _: &mut NodeIds) -> Result<Self, TreeError> {
        Ok(int(tree)? != 0)
    }
}

impl<T: Field> Field for Box<T> {
    const BASE: &'static str = T::BASE;
    fn to_tree(&self) -> Tree {
        (**self).to_tree()
    }
    fn from_tree(tree: Tree, place: Place, ids: &mut NodeIds) -> Result<Self, TreeError> {
        T::from_tree(tree, place, ids).map(Box::new)
    }
}

impl<T: Field> Field for Option<T> {
    const BASE: &'static str = T::BASE;
    const SUFFIX: &'static str = "?";
    fn to_tree(&self) -> Tree {
        self.as_ref().map_or(Tree::None, T::to_tree)
    }
    fn from_tree(tree: Tree, place: Place, ids: &mut NodeIds) -> Result<Self, TreeError> {
        match tree {
            Tree::None => Ok(None),
            tree => T::from_tree(tree, place, ids).map(Some),
        }
    }
    fn missing(_: Place) -> Result<Self, TreeError> {
        Ok(None)
    }
}

impl<T: Field> Field for Vec<T> {
    const BASE: &'static str = T::BASE;
    const SUFFIX: &'static str = if T::SUFFIX.is_empty() { "*" } else { "?*" };
    fn to_tree(&self) -> Tree {
        Tree::List(self.iter().map(T::to_tree).collect())
    }
    fn from_tree(tree: Tree, place: Place, ids: &mut NodeIds) -> Result<Self, TreeError> {
        match tree {
            Tree::List(items) => {
                let one = |item| match (item, T::BASE) {
                    (Tree::None, "expr") if T::SUFFIX.is_empty() => Err(TreeError::none_in("expression")),
                    (Tree::None, "stmt") => Err(TreeError::none_in("statement")),
                    (item, _) => T::from_tree(item, place, ids),
                };
                items.into_iter().map(one).collect()
            }
            other => Err(TreeError::not_a_list(place, &other)),
        }
    }
    fn missing(_: Place) -> Result<Self, TreeError> {
        Ok(Vec::new())
    }
}
