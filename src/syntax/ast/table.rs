//! The table of node classes: one row per class, in the order of `Parser/Python.asdl`.
//!
//! A row names the fields with their Rust types; the ASDL type (`expr?`, `stmt*`) follows from the Rust type through
//! [`Field`](super::Field). `sum` groups become enums, `names` groups enums without fields, `product` groups structs.
//! `located` groups carry positions: their nodes are `Node<Kind>`.

use super::field::{Field, Values};
use super::reflect::{ClassInfo, FieldInfo, GroupInfo, Shape};
use super::tree::{Tree, TreeError, TreeNode};
use super::*;

/// Declares the Rust type of a group.
macro_rules! declare {
    (sum [$(#[$doc:meta])*] $ty:ident $($class:ident $py:ident { $($f:ident : $t:ty),* })*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $ty { $($class { $($f: $t),* }),* }
    };
    (names [$(#[$doc:meta])*] $ty:ident $($class:ident $py:ident {})*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $ty { $($class),* }
    };
    (product [$(#[$doc:meta])*] $ty:ident $class:ident $py:ident { $($f:ident : $t:ty),* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $ty { $(pub $f: $t),* }
    };
}

/// Writes the nodes of a group into generic trees and reads them back.
macro_rules! convert {
    (product $ty:ident $class:ident { $($f:ident : $t:ty),* }) => {
        impl $ty {
            fn write(&self) -> TreeNode {
                let $ty { $($f),* } = self;
                TreeNode::new(Class::$class, vec![$(Some($f.to_tree())),*])
            }
            fn read(values: &mut Values) -> Result<$ty, TreeError> {
                Ok($ty { $($f: values.take()?),* })
            }
        }
    };
    ($shape:ident $ty:ident $($class:ident { $($f:ident : $t:ty),* })*) => {
        impl $ty {
            fn write(&self) -> TreeNode {
                match self {
                    $($ty::$class { $($f),* } => TreeNode::new(Class::$class, vec![$(Some($f.to_tree())),*]),)*
                }
            }
            fn read(values: &mut Values) -> Result<$ty, TreeError> {
                match values.class() {
                    $(Class::$class => Ok($ty::$class { $($f: values.take()?),* }),)*
                    other => Err(TreeError::wrong_group(stringify!($ty), other)),
                }
            }
        }
    };
}

/// Makes a group usable as the type of a field.
macro_rules! element {
    (located $ty:ident $group:ident) => {
        impl Field for Node<$ty> {
            const BASE: &'static str = Group::$group.name();
            fn to_tree(&self) -> Tree {
                self.kind.write().at(self.span).into()
            }
            fn from_tree(tree: Tree, place: Place, ids: &mut NodeIds) -> Result<Self, TreeError> {
                let node = tree.expect(Group::$group, place)?;
                let span = node.position.span(Group::$group)?;
                let kind = $ty::read(&mut Values::new(node, ids))?;
                Ok(Node::new(kind, span, ids.fresh()))
            }
        }
    };
    (plain $ty:ident $group:ident) => {
        impl Field for $ty {
            const BASE: &'static str = Group::$group.name();
            fn to_tree(&self) -> Tree {
                self.write().into()
            }
            fn from_tree(tree: Tree, place: Place, ids: &mut NodeIds) -> Result<Self, TreeError> {
                $ty::read(&mut Values::new(tree.expect(Group::$group, place)?, ids))
            }
        }
    };
}

macro_rules! asdl {
    ($($shape:ident $place:ident $group:ident = $asdl:literal, $(#[$doc:meta])* $ty:ident {
        $($class:ident $(= $py:ident)? $({ $($f:ident : $t:ty),* $(,)? })?;)*
    })*) => {
        /// Every node class, in the order of the grammar.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Class { $($($class,)*)* }

        /// Every type of the grammar.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Group { $($group,)* }

        impl Group {
            /// Its name in the grammar, which is also the name of the Python base class.
            pub const fn name(self) -> &'static str {
                match self { $(Group::$group => $asdl),* }
            }
        }

        /// One row per node class, indexed by [`Class`].
        pub static CLASSES: &[ClassInfo] = &[$($(ClassInfo {
            class: Class::$class,
            name: python_name!($class $($py)?),
            group: Group::$group,
            fields: &[$($(FieldInfo::of::<$t>(stringify!($f))),*)?],
        },)*)*];

        /// One row per type of the grammar, indexed by [`Group`].
        pub static GROUPS: &[GroupInfo] = &[$(GroupInfo {
            group: Group::$group,
            shape: Shape::$shape,
            located: is_located!($place),
            classes: &[$(Class::$class),*],
        },)*];

        $(declare!($shape [$(#[$doc])*] $ty $($class $class { $($($f: $t),*)? })*);)*
        $(convert!($shape $ty $($class { $($($f: $t),*)? })*);)*
        $(element!($place $ty $group);)*
    };
}

macro_rules! python_name {
    ($class:ident) => {
        stringify!($class)
    };
    ($class:ident $py:ident) => {
        stringify!($py)
    };
}

macro_rules! is_located {
    (located) => {
        true
    };
    (plain) => {
        false
    };
}

asdl! {
    sum plain Mod = "mod", /// What a source parses to.
    Mod {
        Module { body: Vec<Stmt>, type_ignores: Vec<TypeIgnore> };
        Interactive { body: Vec<Stmt> };
        Expression { body: Box<Expr> };
        FunctionType { argtypes: Vec<Expr>, returns: Box<Expr> };
    }
    sum located Stmt = "stmt", /// A statement.
    StmtKind {
        FunctionDef { name: Name, args: Box<Arguments>, body: Vec<Stmt>, decorator_list: Vec<Expr>,
            returns: Option<Box<Expr>>, type_comment: Option<Text>, type_params: Vec<TypeParam> };
        AsyncFunctionDef { name: Name, args: Box<Arguments>, body: Vec<Stmt>, decorator_list: Vec<Expr>,
            returns: Option<Box<Expr>>, type_comment: Option<Text>, type_params: Vec<TypeParam> };
        ClassDef { name: Name, bases: Vec<Expr>, keywords: Vec<Keyword>, body: Vec<Stmt>, decorator_list: Vec<Expr>,
            type_params: Vec<TypeParam> };
        Return { value: Option<Box<Expr>> };
        Delete { targets: Vec<Expr> };
        Assign { targets: Vec<Expr>, value: Box<Expr>, type_comment: Option<Text> };
        TypeAlias { name: Box<Expr>, type_params: Vec<TypeParam>, value: Box<Expr> };
        AugAssign { target: Box<Expr>, op: Operator, value: Box<Expr> };
        AnnAssign { target: Box<Expr>, annotation: Box<Expr>, value: Option<Box<Expr>>, simple: bool };
        For { target: Box<Expr>, iter: Box<Expr>, body: Vec<Stmt>, orelse: Vec<Stmt>, type_comment: Option<Text> };
        AsyncFor { target: Box<Expr>, iter: Box<Expr>, body: Vec<Stmt>, orelse: Vec<Stmt>, type_comment: Option<Text> };
        While { test: Box<Expr>, body: Vec<Stmt>, orelse: Vec<Stmt> };
        If { test: Box<Expr>, body: Vec<Stmt>, orelse: Vec<Stmt> };
        With { items: Vec<WithItem>, body: Vec<Stmt>, type_comment: Option<Text> };
        AsyncWith { items: Vec<WithItem>, body: Vec<Stmt>, type_comment: Option<Text> };
        Match { subject: Box<Expr>, cases: Vec<MatchCase> };
        Raise { exc: Option<Box<Expr>>, cause: Option<Box<Expr>> };
        Try { body: Vec<Stmt>, handlers: Vec<ExceptHandler>, orelse: Vec<Stmt>, finalbody: Vec<Stmt> };
        TryStar { body: Vec<Stmt>, handlers: Vec<ExceptHandler>, orelse: Vec<Stmt>, finalbody: Vec<Stmt> };
        Assert { test: Box<Expr>, msg: Option<Box<Expr>> };
        Import { names: Vec<Alias> };
        ImportFrom { module: Option<Name>, names: Vec<Alias>, level: Option<u32> };
        Global { names: Vec<Name> };
        Nonlocal { names: Vec<Name> };
        Expr { value: Box<Expr> };
        Pass;
        Break;
        Continue;
    }
    sum located Expr = "expr", /// An expression.
    ExprKind {
        BoolOp { op: BoolOp, values: Vec<Expr> };
        NamedExpr { target: Box<Expr>, value: Box<Expr> };
        BinOp { left: Box<Expr>, op: Operator, right: Box<Expr> };
        UnaryOp { op: UnaryOp, operand: Box<Expr> };
        Lambda { args: Box<Arguments>, body: Box<Expr> };
        IfExp { test: Box<Expr>, body: Box<Expr>, orelse: Box<Expr> };
        Dict { keys: Vec<Option<Expr>>, values: Vec<Expr> };
        Set { elts: Vec<Expr> };
        ListComp { elt: Box<Expr>, generators: Vec<Comprehension> };
        SetComp { elt: Box<Expr>, generators: Vec<Comprehension> };
        DictComp { key: Box<Expr>, value: Box<Expr>, generators: Vec<Comprehension> };
        GeneratorExp { elt: Box<Expr>, generators: Vec<Comprehension> };
        Await { value: Box<Expr> };
        Yield { value: Option<Box<Expr>> };
        YieldFrom { value: Box<Expr> };
        Compare { left: Box<Expr>, ops: Vec<CmpOp>, comparators: Vec<Expr> };
        Call { func: Box<Expr>, args: Vec<Expr>, keywords: Vec<Keyword> };
        FormattedValue { value: Box<Expr>, conversion: i32, format_spec: Option<Box<Expr>> };
        Interpolation { value: Box<Expr>, str: Constant, conversion: i32, format_spec: Option<Box<Expr>> };
        JoinedStr { values: Vec<Expr> };
        TemplateStr { values: Vec<Expr> };
        Constant { value: Constant, kind: Option<Text> };
        Attribute { value: Box<Expr>, attr: Name, ctx: ExprContext };
        Subscript { value: Box<Expr>, slice: Box<Expr>, ctx: ExprContext };
        Starred { value: Box<Expr>, ctx: ExprContext };
        Name { id: Name, ctx: ExprContext };
        List { elts: Vec<Expr>, ctx: ExprContext };
        Tuple { elts: Vec<Expr>, ctx: ExprContext };
        Slice { lower: Option<Box<Expr>>, upper: Option<Box<Expr>>, step: Option<Box<Expr>> };
    }
    names plain ExprContext = "expr_context", /// What happens to the place an expression names.
    ExprContext { Load; Store; Del; }
    names plain BoolOp = "boolop", /// `and`, `or`.
    BoolOp { And; Or; }
    names plain Operator = "operator", /// A binary operator.
    Operator { Add; Sub; Mult; MatMult; Div; Mod; Pow; LShift; RShift; BitOr; BitXor; BitAnd; FloorDiv; }
    names plain UnaryOp = "unaryop", /// A unary operator.
    UnaryOp { Invert; Not; UAdd; USub; }
    names plain CmpOp = "cmpop", /// A comparison operator.
    CmpOp { Eq; NotEq; Lt; LtE; Gt; GtE; Is; IsNot; In; NotIn; }
    product plain Comprehension = "comprehension", /// One `for … in … if …` of a comprehension.
    Comprehension { Comprehension = comprehension {
        target: Box<Expr>, iter: Box<Expr>, ifs: Vec<Expr>, is_async: bool }; }
    product located ExceptHandler = "excepthandler", /// An `except` clause.
    ExceptHandlerData { ExceptHandler { r#type: Option<Box<Expr>>, name: Option<Name>, body: Vec<Stmt> }; }
    product plain Arguments = "arguments", /// The parameters of a function.
    Arguments { Arguments = arguments {
        posonlyargs: Vec<Arg>, args: Vec<Arg>, vararg: Option<Box<Arg>>, kwonlyargs: Vec<Arg>,
        kw_defaults: Vec<Option<Expr>>, kwarg: Option<Box<Arg>>, defaults: Vec<Expr> }; }
    product located Arg = "arg", /// A parameter.
    ArgData { Arg = arg { arg: Name, annotation: Option<Box<Expr>>, type_comment: Option<Text> }; }
    product located Keyword = "keyword", /// `name=value` or `**value` in a call.
    KeywordData { Keyword = keyword { arg: Option<Name>, value: Box<Expr> }; }
    product located Alias = "alias", /// An imported name.
    AliasData { Alias = alias { name: Name, asname: Option<Name> }; }
    product plain WithItem = "withitem", /// A context manager of a `with`.
    WithItem { WithItem = withitem { context_expr: Box<Expr>, optional_vars: Option<Box<Expr>> }; }
    product plain MatchCase = "match_case", /// A `case` of a `match`.
    MatchCase { MatchCase = match_case { pattern: Pattern, guard: Option<Box<Expr>>, body: Vec<Stmt> }; }
    sum located Pattern = "pattern", /// A pattern of a `match`.
    PatternKind {
        MatchValue { value: Box<Expr> };
        MatchSingleton { value: Constant };
        MatchSequence { patterns: Vec<Pattern> };
        MatchMapping { keys: Vec<Expr>, patterns: Vec<Pattern>, rest: Option<Name> };
        MatchClass { cls: Box<Expr>, patterns: Vec<Pattern>, kwd_attrs: Vec<Name>, kwd_patterns: Vec<Pattern> };
        MatchStar { name: Option<Name> };
        MatchAs { pattern: Option<Box<Pattern>>, name: Option<Name> };
        MatchOr { patterns: Vec<Pattern> };
    }
    product plain TypeIgnore = "type_ignore", /// A `# type: ignore` comment.
    TypeIgnore { TypeIgnore { lineno: i32, tag: Text }; }
    sum located TypeParam = "type_param", /// A type parameter (PEP 695, PEP 696).
    TypeParamKind {
        TypeVar { name: Name, bound: Option<Box<Expr>>, default_value: Option<Box<Expr>> };
        ParamSpec { name: Name, default_value: Option<Box<Expr>> };
        TypeVarTuple { name: Name, default_value: Option<Box<Expr>> };
    }
}
