//! The node classes as data: names, groups, fields and the documentation that Python's `ast` shows. Read by the `_ast`
//! module to make its classes.

use super::field::Field;
pub use super::table::Group;
use super::table::{CLASSES, Class, GROUPS};

/// One node class.
pub struct ClassInfo {
    pub class: Class,
    /// The Python name (`FunctionDef`, `comprehension`).
    pub name: &'static str,
    pub group: Group,
    pub fields: &'static [FieldInfo],
}

/// One field of a node class.
pub struct FieldInfo {
    raw_name: &'static str,
    /// The type in the grammar, without suffix: `expr`, `identifier`, `int`, …
    pub base: &'static str,
    /// `""`, `"?"` (may be None), `"*"` (a list) or `"?*"` (a list whose elements may be None).
    pub suffix: &'static str,
}

impl FieldInfo {
    pub(super) const fn of<T: Field>(raw_name: &'static str) -> FieldInfo {
        FieldInfo { raw_name, base: T::BASE, suffix: T::SUFFIX }
    }

    /// The Python name of the field.
    pub fn name(&self) -> &'static str {
        self.raw_name.strip_prefix("r#").unwrap_or(self.raw_name)
    }
}

/// How a type of the grammar is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub enum Shape {
    /// A choice of classes with fields.
    sum,
    /// A choice of classes without fields, whose instances are singletons.
    names,
    /// One class.
    product,
}

/// One type of the grammar.
pub struct GroupInfo {
    pub group: Group,
    pub shape: Shape,
    /// Whether its nodes have `lineno`, `col_offset`, `end_lineno` and `end_col_offset`.
    pub located: bool,
    pub classes: &'static [Class],
}

/// Names of the position attributes, in the order of `_attributes`.
pub const POSITION_ATTRIBUTES: [&str; 4] = ["lineno", "col_offset", "end_lineno", "end_col_offset"];

/// A field of a class, for error messages.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub class: Class,
    /// Index into the class's fields.
    pub field: usize,
}

impl Place {
    /// The Python name of the field.
    pub fn field_name(self) -> &'static str {
        self.class.info().fields[self.field].name()
    }
}

impl Class {
    /// The row of this class.
    pub fn info(self) -> &'static ClassInfo {
        &CLASSES[self as usize]
    }

    /// The class with this Python name.
    pub fn by_name(name: &str) -> Option<Class> {
        CLASSES.iter().find(|info| info.name == name).map(|info| info.class)
    }
}

impl Group {
    /// The row of this type.
    pub fn info(self) -> &'static GroupInfo {
        &GROUPS[self as usize]
    }
}

impl ClassInfo {
    /// Whether the class has a Python base class of its own (`stmt` for `Return`); products derive from `AST` itself.
    pub fn base_name(&self) -> &'static str {
        if self.name == self.group.name() { "AST" } else { self.group.name() }
    }

    /// `__doc__` of the class: `Return(expr? value)`.
    pub fn doc(&self) -> String {
        if self.fields.is_empty() {
            return self.name.to_owned();
        }
        let fields: Vec<String> =
            self.fields.iter().map(|field| format!("{}{} {}", field.base, field.suffix, field.name())).collect();
        format!("{}({})", self.name, fields.join(", "))
    }
}

impl GroupInfo {
    /// `__doc__` of the base class: `boolop = And | Or`.
    pub fn doc(&self) -> String {
        let name = self.group.name();
        let classes: Vec<String> = self.classes.iter().map(|class| class.info().doc()).collect();
        let separator = if self.shape == Shape::names {
            " | ".to_owned()
        } else {
            format!("\n{:width$}| ", "", width = name.len() + 1)
        };
        format!("{name} = {}", classes.join(&separator))
    }
}
