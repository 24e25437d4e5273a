//! What CPython does to the tree before it looks at scopes (`Python/ast_preprocess.c`): `__debug__`, docstrings under
//! `-OO`, `'…' % (…)` as a formatted string, constants in patterns, and warnings about leaving a `finally`.

use taipan_bytecode::CodeFlags;
use taipan_syntax::SyntaxWarning;
use taipan_syntax::ast::{
    Arg, Arguments, Comprehension, Constant, Expr, ExprContext, ExprKind, Keyword, Mod, Operator, Pattern, PatternKind,
    Span, Stmt, StmtKind, TypeParam, TypeParamKind, UnaryOp,
};

use crate::percent;

/// What a `return`, `break` or `continue` would leave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Finally,
    Function,
    Loop,
}

struct Preprocessor {
    optimize: u8,
    future_annotations: bool,
    around: Vec<Around>,
    warnings: Vec<SyntaxWarning>,
}

/// Changes the tree in place; returns the warnings.
pub fn preprocess(module: &mut Mod, optimize: u8, futures: CodeFlags) -> Vec<SyntaxWarning> {
    let mut this = Preprocessor {
        optimize,
        future_annotations: futures.contains(CodeFlags::FUTURE_ANNOTATIONS),
        around: Vec::new(),
        warnings: Vec::new(),
    };
    match module {
        Mod::Module { body, .. } => this.body(body),
        Mod::Interactive { body } => this.stmts(body),
        Mod::Expression { body } => this.expr(body),
        Mod::FunctionType { .. } => {}
    }
    this.warnings
}

fn is_docstring(body: &[Stmt]) -> bool {
    crate::codegen::starts_with_docstring(body)
}

impl Preprocessor {
    fn within(&mut self, around: Around, visit: impl FnOnce(&mut Self)) {
        self.around.push(around);
        visit(self);
        self.around.pop();
    }

    fn leaving(&mut self, keyword: &str, span: Span) {
        self.warnings.push(SyntaxWarning::new(format!("'{keyword}' in a 'finally' block"), span));
    }

    /// A body that may start with a docstring.
    fn body(&mut self, body: &mut Vec<Stmt>) {
        let mut docstring = is_docstring(body);
        if docstring && self.optimize >= 2 {
            if let [only] = &mut body[..] {
                let Span { lineno, col_offset, .. } = only.span;
                only.span = Span { end_lineno: lineno, end_col_offset: col_offset + 4, ..only.span };
                only.kind = StmtKind::Pass {};
            } else {
                body.remove(0);
            }
            docstring = false;
        }
        self.stmts(body);
        if !docstring
            && is_docstring(body)
            && let Some(Stmt { kind: StmtKind::Expr { value }, span, .. }) = body.first_mut()
        {
            // What has become a string must not be taken for a docstring.
            let inner = std::mem::replace(&mut **value, placeholder(*span));
            value.kind = ExprKind::JoinedStr { values: vec![inner] };
        }
    }

    fn stmts(&mut self, body: &mut [Stmt]) {
        body.iter_mut().for_each(|stmt| self.stmt(stmt));
    }

    fn exprs(&mut self, all: &mut [Expr]) {
        all.iter_mut().for_each(|expr| self.expr(expr));
    }

    fn opt(&mut self, expr: &mut Option<Box<Expr>>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn annotation(&mut self, expr: &mut Option<Box<Expr>>) {
        if !self.future_annotations {
            self.opt(expr);
        }
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        let span = stmt.span;
        match &mut stmt.kind {
            StmtKind::FunctionDef { args, body, decorator_list, returns, type_params, .. }
            | StmtKind::AsyncFunctionDef { args, body, decorator_list, returns, type_params, .. } => {
                self.type_params(type_params);
                self.arguments(args);
                self.within(Around::Function, |this| this.body(body));
                self.exprs(decorator_list);
                self.annotation(returns);
            }
            StmtKind::ClassDef { bases, keywords, body, decorator_list, type_params, .. } => {
                self.type_params(type_params);
                self.exprs(bases);
                self.keywords(keywords);
                self.body(body);
                self.exprs(decorator_list);
            }
            StmtKind::Return { value } => {
                if self.around.last() == Some(&Around::Finally) {
                    self.leaving("return", span);
                }
                self.opt(value);
            }
            StmtKind::Break {} if self.around.last() == Some(&Around::Finally) => self.leaving("break", span),
            StmtKind::Continue {} if self.around.last() == Some(&Around::Finally) => self.leaving("continue", span),
            StmtKind::Delete { targets } => self.exprs(targets),
            StmtKind::Assign { targets, value, .. } => {
                self.exprs(targets);
                self.expr(value);
            }
            StmtKind::TypeAlias { name, type_params, value } => {
                self.expr(name);
                self.type_params(type_params);
                self.expr(value);
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target);
                self.expr(value);
            }
            StmtKind::AnnAssign { target, annotation, value, .. } => {
                self.expr(target);
                if !self.future_annotations {
                    self.expr(annotation);
                }
                self.opt(value);
            }
            StmtKind::For { target, iter, body, orelse, .. }
            | StmtKind::AsyncFor { target, iter, body, orelse, .. } => {
                self.expr(target);
                self.expr(iter);
                self.within(Around::Loop, |this| this.stmts(body));
                self.stmts(orelse);
            }
            StmtKind::While { test, body, orelse } => {
                self.expr(test);
                self.within(Around::Loop, |this| this.stmts(body));
                self.stmts(orelse);
            }
            StmtKind::If { .. } => self.if_stmt(stmt),
            StmtKind::With { items, body, .. } | StmtKind::AsyncWith { items, body, .. } => {
                for item in items {
                    self.expr(&mut item.context_expr);
                    self.opt(&mut item.optional_vars);
                }
                self.stmts(body);
            }
            StmtKind::Match { subject, cases } => {
                self.expr(subject);
                for case in cases {
                    self.pattern(&mut case.pattern);
                    self.opt(&mut case.guard);
                    self.stmts(&mut case.body);
                }
            }
            StmtKind::Raise { exc, cause } => {
                self.opt(exc);
                self.opt(cause);
            }
            StmtKind::Try { body, handlers, orelse, finalbody }
            | StmtKind::TryStar { body, handlers, orelse, finalbody } => {
                self.stmts(body);
                for handler in handlers {
                    self.opt(&mut handler.kind.r#type);
                    self.stmts(&mut handler.kind.body);
                }
                self.stmts(orelse);
                self.within(Around::Finally, |this| this.stmts(finalbody));
            }
            StmtKind::Assert { test, msg } => {
                self.expr(test);
                self.opt(msg);
            }
            StmtKind::Expr { value } => self.expr(value),
            StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. }
            | StmtKind::Pass {}
            | StmtKind::Break {}
            | StmtKind::Continue {} => {}
        }
    }

    /// An `if` with its `elif`s, which are followed in a loop.
    fn if_stmt(&mut self, mut stmt: &mut Stmt) {
        loop {
            match stmt {
                Stmt { kind: StmtKind::If { test, body, orelse }, .. } => {
                    self.expr(test);
                    self.stmts(body);
                    match &mut orelse[..] {
                        [next] => stmt = next,
                        orelse => return self.stmts(orelse),
                    }
                }
                stmt => return self.stmt(stmt),
            }
        }
    }

    fn type_params(&mut self, params: &mut [TypeParam]) {
        for param in params {
            match &mut param.kind {
                TypeParamKind::TypeVar { bound, default_value, .. } => {
                    self.opt(bound);
                    self.opt(default_value);
                }
                TypeParamKind::ParamSpec { default_value, .. } | TypeParamKind::TypeVarTuple { default_value, .. } => {
                    self.opt(default_value)
                }
            }
        }
    }

    fn arguments(&mut self, args: &mut Arguments) {
        let each = |this: &mut Self, arg: &mut Arg| this.annotation(&mut arg.kind.annotation);
        args.posonlyargs.iter_mut().chain(&mut args.args).for_each(|arg| each(self, arg));
        args.vararg.iter_mut().for_each(|arg| each(self, arg));
        args.kwonlyargs.iter_mut().for_each(|arg| each(self, arg));
        args.kw_defaults.iter_mut().flatten().for_each(|default| self.expr(default));
        args.kwarg.iter_mut().for_each(|arg| each(self, arg));
        self.exprs(&mut args.defaults);
    }

    fn keywords(&mut self, keywords: &mut [Keyword]) {
        keywords.iter_mut().for_each(|keyword| self.expr(&mut keyword.kind.value));
    }

    fn generators(&mut self, generators: &mut [Comprehension]) {
        for generator in generators {
            self.expr(&mut generator.target);
            self.expr(&mut generator.iter);
            self.exprs(&mut generator.ifs);
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        if !matches!(expr.kind, ExprKind::BinOp { .. }) {
            return self.plain_expr(expr);
        }
        // Chains of operators lean to the left; they are followed in a loop.
        let mut outer = Vec::new();
        let mut node = expr;
        while leans_left(node) {
            let ExprKind::BinOp { left, right, .. } = &mut node.kind else { return };
            outer.push(right);
            node = left;
        }
        if let ExprKind::BinOp { left, right, .. } = &mut node.kind {
            self.expr(left);
            self.expr(right);
        }
        percent::fold(node);
        outer.into_iter().rev().for_each(|right| self.expr(right));
    }

    fn plain_expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Name { id, ctx: ExprContext::Load } if &**id == "__debug__" => {
                expr.kind = ExprKind::Constant { value: Constant::Bool(self.optimize == 0), kind: None };
            }
            ExprKind::Name { .. } | ExprKind::Constant { .. } => {}
            ExprKind::BinOp { .. } => self.expr(expr),
            ExprKind::BoolOp { values, .. } => self.exprs(values),
            ExprKind::UnaryOp { operand, .. } => self.expr(operand),
            ExprKind::NamedExpr { value, .. } => self.expr(value),
            ExprKind::Lambda { args, body } => {
                self.arguments(args);
                self.expr(body);
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.expr(test);
                self.expr(body);
                self.expr(orelse);
            }
            ExprKind::Dict { keys, values } => {
                keys.iter_mut().flatten().for_each(|key| self.expr(key));
                self.exprs(values);
            }
            ExprKind::Set { elts } | ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => self.exprs(elts),
            ExprKind::ListComp { elt, generators }
            | ExprKind::SetComp { elt, generators }
            | ExprKind::GeneratorExp { elt, generators } => {
                self.expr(elt);
                self.generators(generators);
            }
            ExprKind::DictComp { key, value, generators } => {
                self.expr(key);
                self.expr(value);
                self.generators(generators);
            }
            ExprKind::Await { value }
            | ExprKind::YieldFrom { value }
            | ExprKind::Attribute { value, .. }
            | ExprKind::Starred { value, .. } => self.expr(value),
            ExprKind::Yield { value } => self.opt(value),
            ExprKind::Compare { left, comparators, .. } => {
                self.expr(left);
                self.exprs(comparators);
            }
            ExprKind::Call { func, args, keywords } => {
                self.expr(func);
                self.exprs(args);
                self.keywords(keywords);
            }
            ExprKind::FormattedValue { value, format_spec, .. }
            | ExprKind::Interpolation { value, format_spec, .. } => {
                self.expr(value);
                self.opt(format_spec);
            }
            ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => self.exprs(values),
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value);
                self.expr(slice);
            }
            ExprKind::Slice { lower, upper, step } => [lower, upper, step].into_iter().for_each(|part| self.opt(part)),
        }
    }

    fn pattern(&mut self, pattern: &mut Pattern) {
        match &mut pattern.kind {
            PatternKind::MatchValue { value } => fold_pattern_value(value),
            PatternKind::MatchSequence { patterns } | PatternKind::MatchOr { patterns } => {
                patterns.iter_mut().for_each(|pattern| self.pattern(pattern));
            }
            PatternKind::MatchMapping { keys, patterns, .. } => {
                keys.iter_mut().for_each(fold_pattern_value);
                patterns.iter_mut().for_each(|pattern| self.pattern(pattern));
            }
            PatternKind::MatchClass { cls, patterns, kwd_patterns, .. } => {
                self.expr(cls);
                patterns.iter_mut().chain(kwd_patterns).for_each(|pattern| self.pattern(pattern));
            }
            PatternKind::MatchAs { pattern: Some(pattern), .. } => self.pattern(pattern),
            PatternKind::MatchSingleton { .. } | PatternKind::MatchStar { .. } | PatternKind::MatchAs { .. } => {}
        }
    }
}

fn leans_left(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::BinOp { left, .. } if matches!(left.kind, ExprKind::BinOp { .. }))
}

fn placeholder(span: Span) -> Expr {
    Expr::new(ExprKind::Constant { value: Constant::None, kind: None }, span, taipan_syntax::ast::NodeId::NONE)
}

/// `-1` and `1 - 2j` in patterns are constants.
fn fold_pattern_value(expr: &mut Expr) {
    let value = match &mut expr.kind {
        ExprKind::UnaryOp { op: UnaryOp::USub, operand } => match &operand.kind {
            ExprKind::Constant { value, .. } => {
                percent::constant(crate::arithmetic::negative(&crate::codegen::constant(value)))
            }
            _ => None,
        },
        ExprKind::BinOp { left, op: op @ (Operator::Add | Operator::Sub), right } => {
            fold_pattern_value(left);
            match (&left.kind, &right.kind) {
                (ExprKind::Constant { value: left, .. }, ExprKind::Constant { value: right, .. }) => {
                    let op = crate::codegen::binary_op(*op);
                    let (left, right) = (crate::codegen::constant(left), crate::codegen::constant(right));
                    percent::constant(crate::arithmetic::binary(&left, op, &right))
                }
                _ => None,
            }
        }
        _ => None,
    };
    if let Some(value) = value {
        expr.kind = ExprKind::Constant { value, kind: None };
    }
}
