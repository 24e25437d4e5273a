//! Refusing what an older Python did not have (`feature_version` of `ast.parse`, `CHECK_VERSION` in
//! `Grammar/python.gram`): looked for in the finished tree, so a source that is wrong in itself says that first.

use crate::SyntaxError;
use crate::ast::visit::{Visitor, walk_arguments, walk_expr, walk_mod, walk_stmt, walk_type_param};
use crate::ast::{
    Arguments, Comprehension, ExceptHandler, Expr, ExprKind, Mod, Operator, Span, Stmt, StmtKind, TypeParam,
    TypeParamKind,
};
use crate::source::LineIndex;
use crate::stack::grown;

/// Refuses the first thing in a tree that Python 3.`minor` did not have.
pub fn check(module: &Mod, text: &str, lines: &LineIndex, minor: u32, filename: &str) -> Result<(), Box<SyntaxError>> {
    let mut search = Search { text, lines, minor, found: None };
    walk_mod(&mut search, module);
    match search.found {
        None => Ok(()),
        Some((words, needs, span)) => {
            let msg = format!("{words} only supported in Python 3.{needs} and greater");
            let mut error = SyntaxError::of_compiler(msg, filename, span);
            error.text = Some(lines.text(text, span.lineno).to_owned());
            Err(Box::new(error))
        }
    }
}

struct Search<'a> {
    text: &'a str,
    lines: &'a LineIndex,
    minor: u32,
    found: Option<(&'static str, u32, Span)>,
}

impl Search<'_> {
    fn needs(&mut self, minor: u32, words: &'static str, span: Span) {
        if self.minor < minor && self.found.is_none() {
            self.found = Some((words, minor, span));
        }
    }

    fn type_params(&mut self, params: &[TypeParam], span: Span) {
        if !params.is_empty() {
            self.needs(12, "Type parameter lists are", span);
        }
    }

    fn starts_with(&self, span: Span, c: u8) -> bool {
        let line = self.lines.text(self.text, span.lineno);
        line.as_bytes().get(span.col_offset as usize) == Some(&c)
    }
}

impl Visitor for Search<'_> {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        // As the parser meets them: what is inside first.
        grown(|| walk_stmt(self, stmt));
        let span = stmt.span;
        match &stmt.kind {
            StmtKind::AsyncFunctionDef { type_params, .. } => {
                self.needs(5, "Async functions are", span);
                self.type_params(type_params, span);
            }
            StmtKind::FunctionDef { type_params, .. } | StmtKind::ClassDef { type_params, .. } => {
                self.type_params(type_params, span);
            }
            StmtKind::AsyncFor { .. } => self.needs(5, "Async for loops are", span),
            StmtKind::AsyncWith { .. } => self.needs(5, "Async with statements are", span),
            StmtKind::AugAssign { op: Operator::MatMult, .. } => self.needs(5, "The '@' operator is", span),
            StmtKind::AnnAssign { .. } => self.needs(6, "Variable annotation syntax is", span),
            StmtKind::Match { .. } => self.needs(10, "Pattern matching is", span),
            StmtKind::TryStar { .. } => self.needs(11, "Exception groups are", span),
            StmtKind::TypeAlias { .. } => self.needs(12, "Type statement is", span),
            _ => {}
        }
    }

    fn visit_expr(&mut self, expr: &Expr) {
        grown(|| walk_expr(self, expr));
        let span = expr.span;
        match &expr.kind {
            ExprKind::Await { .. } => self.needs(5, "Await expressions are", span),
            ExprKind::BinOp { op: Operator::MatMult, .. } => self.needs(5, "The '@' operator is", span),
            ExprKind::NamedExpr { .. } => self.needs(8, "Assignment expressions are", span),
            ExprKind::TemplateStr { .. } => self.needs(14, "t-strings are", span),
            _ => {}
        }
    }

    fn visit_arguments(&mut self, args: &Arguments) {
        if let Some(first) = args.posonlyargs.first() {
            self.needs(8, "Positional-only parameters are", first.span);
        }
        walk_arguments(self, args);
    }

    fn visit_comprehension(&mut self, generator: &Comprehension) {
        if generator.is_async {
            self.needs(6, "Async comprehensions are", generator.target.span);
        }
        self.visit_expr(&generator.target);
        self.visit_expr(&generator.iter);
        self.visit_exprs(&generator.ifs);
    }

    fn visit_handler(&mut self, handler: &ExceptHandler) {
        if let Some(class) = &handler.r#type {
            if matches!(class.kind, ExprKind::Tuple { .. }) && !self.starts_with(class.span, b'(') {
                self.needs(14, "except expressions without parentheses are", class.span);
            }
            self.visit_expr(class);
        }
        self.visit_body(&handler.body);
    }

    fn visit_type_param(&mut self, param: &TypeParam) {
        let (TypeParamKind::TypeVar { default_value, .. }
        | TypeParamKind::ParamSpec { default_value, .. }
        | TypeParamKind::TypeVarTuple { default_value, .. }) = &param.kind;
        if default_value.is_some() {
            self.needs(13, "Type parameter defaults are", param.span);
        }
        walk_type_param(self, param);
    }
}
