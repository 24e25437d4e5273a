//! Walking a tree: one method per kind of node, each of which by default goes on to what is inside, in source order as
//! the fields have it.

use super::*;

/// Something that walks a tree. Override the methods for the nodes of interest and call the `walk_` function to go on.
pub trait Visitor {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        walk_stmt(self, stmt);
    }
    fn visit_expr(&mut self, expr: &Expr) {
        walk_expr(self, expr);
    }
    fn visit_pattern(&mut self, pattern: &Pattern) {
        walk_pattern(self, pattern);
    }
    fn visit_type_param(&mut self, param: &TypeParam) {
        walk_type_param(self, param);
    }
    fn visit_arguments(&mut self, args: &Arguments) {
        walk_arguments(self, args);
    }
    fn visit_arg(&mut self, arg: &Arg) {
        arg.annotation.iter().for_each(|annotation| self.visit_expr(annotation));
    }
    fn visit_keyword(&mut self, keyword: &Keyword) {
        self.visit_expr(&keyword.value);
    }
    fn visit_comprehension(&mut self, generator: &Comprehension) {
        self.visit_expr(&generator.target);
        self.visit_expr(&generator.iter);
        self.visit_exprs(&generator.ifs);
    }
    fn visit_handler(&mut self, handler: &ExceptHandler) {
        handler.r#type.iter().for_each(|class| self.visit_expr(class));
        self.visit_body(&handler.body);
    }
    fn visit_with_item(&mut self, item: &WithItem) {
        self.visit_expr(&item.context_expr);
        item.optional_vars.iter().for_each(|vars| self.visit_expr(vars));
    }
    fn visit_match_case(&mut self, case: &MatchCase) {
        self.visit_pattern(&case.pattern);
        case.guard.iter().for_each(|guard| self.visit_expr(guard));
        self.visit_body(&case.body);
    }
    fn visit_body(&mut self, body: &[Stmt]) {
        body.iter().for_each(|stmt| self.visit_stmt(stmt));
    }
    fn visit_exprs(&mut self, exprs: &[Expr]) {
        exprs.iter().for_each(|expr| self.visit_expr(expr));
    }
}

/// Visits everything in a tree.
pub fn walk_mod<V: Visitor + ?Sized>(v: &mut V, module: &Mod) {
    match module {
        Mod::Module { body, .. } | Mod::Interactive { body } => v.visit_body(body),
        Mod::Expression { body } => v.visit_expr(body),
        Mod::FunctionType { argtypes, returns } => {
            v.visit_exprs(argtypes);
            v.visit_expr(returns);
        }
    }
}

/// Visits what is directly in a statement.
pub fn walk_stmt<V: Visitor + ?Sized>(v: &mut V, stmt: &Stmt) {
    match &stmt.kind {
        StmtKind::FunctionDef { args, body, decorator_list, returns, type_params, .. }
        | StmtKind::AsyncFunctionDef { args, body, decorator_list, returns, type_params, .. } => {
            v.visit_exprs(decorator_list);
            type_params.iter().for_each(|param| v.visit_type_param(param));
            v.visit_arguments(args);
            returns.iter().for_each(|returns| v.visit_expr(returns));
            v.visit_body(body);
        }
        StmtKind::ClassDef { bases, keywords, body, decorator_list, type_params, .. } => {
            v.visit_exprs(decorator_list);
            type_params.iter().for_each(|param| v.visit_type_param(param));
            v.visit_exprs(bases);
            keywords.iter().for_each(|keyword| v.visit_keyword(keyword));
            v.visit_body(body);
        }
        StmtKind::Return { value } => value.iter().for_each(|value| v.visit_expr(value)),
        StmtKind::Delete { targets } => v.visit_exprs(targets),
        StmtKind::Assign { targets, value, .. } => {
            v.visit_exprs(targets);
            v.visit_expr(value);
        }
        StmtKind::TypeAlias { name, type_params, value } => {
            v.visit_expr(name);
            type_params.iter().for_each(|param| v.visit_type_param(param));
            v.visit_expr(value);
        }
        StmtKind::AugAssign { target, value, .. } => {
            v.visit_expr(target);
            v.visit_expr(value);
        }
        StmtKind::AnnAssign { target, annotation, value, .. } => {
            v.visit_expr(target);
            v.visit_expr(annotation);
            value.iter().for_each(|value| v.visit_expr(value));
        }
        StmtKind::For { target, iter, body, orelse, .. } | StmtKind::AsyncFor { target, iter, body, orelse, .. } => {
            v.visit_expr(target);
            v.visit_expr(iter);
            v.visit_body(body);
            v.visit_body(orelse);
        }
        StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
            v.visit_expr(test);
            v.visit_body(body);
            v.visit_body(orelse);
        }
        StmtKind::With { items, body, .. } | StmtKind::AsyncWith { items, body, .. } => {
            items.iter().for_each(|item| v.visit_with_item(item));
            v.visit_body(body);
        }
        StmtKind::Match { subject, cases } => {
            v.visit_expr(subject);
            cases.iter().for_each(|case| v.visit_match_case(case));
        }
        StmtKind::Raise { exc, cause } => exc.iter().chain(cause).for_each(|expr| v.visit_expr(expr)),
        StmtKind::Try { body, handlers, orelse, finalbody }
        | StmtKind::TryStar { body, handlers, orelse, finalbody } => {
            v.visit_body(body);
            handlers.iter().for_each(|handler| v.visit_handler(handler));
            v.visit_body(orelse);
            v.visit_body(finalbody);
        }
        StmtKind::Assert { test, msg } => {
            v.visit_expr(test);
            msg.iter().for_each(|msg| v.visit_expr(msg));
        }
        StmtKind::Expr { value } => v.visit_expr(value),
        StmtKind::Import { .. }
        | StmtKind::ImportFrom { .. }
        | StmtKind::Global { .. }
        | StmtKind::Nonlocal { .. }
        | StmtKind::Pass {}
        | StmtKind::Break {}
        | StmtKind::Continue {} => {}
    }
}

/// Visits what is directly in an expression.
pub fn walk_expr<V: Visitor + ?Sized>(v: &mut V, expr: &Expr) {
    match &expr.kind {
        ExprKind::BoolOp { values: exprs, .. }
        | ExprKind::Set { elts: exprs }
        | ExprKind::JoinedStr { values: exprs }
        | ExprKind::TemplateStr { values: exprs }
        | ExprKind::List { elts: exprs, .. }
        | ExprKind::Tuple { elts: exprs, .. } => v.visit_exprs(exprs),
        ExprKind::NamedExpr { target: first, value: second }
        | ExprKind::BinOp { left: first, right: second, .. }
        | ExprKind::Subscript { value: first, slice: second, .. } => {
            v.visit_expr(first);
            v.visit_expr(second);
        }
        ExprKind::UnaryOp { operand: inner, .. }
        | ExprKind::Await { value: inner }
        | ExprKind::YieldFrom { value: inner }
        | ExprKind::Attribute { value: inner, .. }
        | ExprKind::Starred { value: inner, .. } => v.visit_expr(inner),
        ExprKind::Lambda { args, body } => {
            v.visit_arguments(args);
            v.visit_expr(body);
        }
        ExprKind::IfExp { test, body, orelse } => {
            v.visit_expr(test);
            v.visit_expr(body);
            v.visit_expr(orelse);
        }
        ExprKind::Dict { keys, values } => {
            for (key, value) in keys.iter().zip(values) {
                key.iter().for_each(|key| v.visit_expr(key));
                v.visit_expr(value);
            }
        }
        ExprKind::ListComp { elt, generators }
        | ExprKind::SetComp { elt, generators }
        | ExprKind::GeneratorExp { elt, generators } => {
            v.visit_expr(elt);
            generators.iter().for_each(|generator| v.visit_comprehension(generator));
        }
        ExprKind::DictComp { key, value, generators } => {
            v.visit_expr(key);
            v.visit_expr(value);
            generators.iter().for_each(|generator| v.visit_comprehension(generator));
        }
        ExprKind::Yield { value } => value.iter().for_each(|value| v.visit_expr(value)),
        ExprKind::Compare { left, comparators, .. } => {
            v.visit_expr(left);
            v.visit_exprs(comparators);
        }
        ExprKind::Call { func, args, keywords } => {
            v.visit_expr(func);
            v.visit_exprs(args);
            keywords.iter().for_each(|keyword| v.visit_keyword(keyword));
        }
        ExprKind::FormattedValue { value, format_spec, .. } | ExprKind::Interpolation { value, format_spec, .. } => {
            v.visit_expr(value);
            format_spec.iter().for_each(|spec| v.visit_expr(spec));
        }
        ExprKind::Slice { lower, upper, step } => {
            lower.iter().chain(upper).chain(step).for_each(|bound| v.visit_expr(bound));
        }
        ExprKind::Constant { .. } | ExprKind::Name { .. } => {}
    }
}

/// Visits what is directly in a pattern.
pub fn walk_pattern<V: Visitor + ?Sized>(v: &mut V, pattern: &Pattern) {
    match &pattern.kind {
        PatternKind::MatchValue { value } => v.visit_expr(value),
        PatternKind::MatchSingleton { .. } | PatternKind::MatchStar { .. } => {}
        PatternKind::MatchSequence { patterns } | PatternKind::MatchOr { patterns } => {
            patterns.iter().for_each(|pattern| v.visit_pattern(pattern));
        }
        PatternKind::MatchMapping { keys, patterns, .. } => {
            v.visit_exprs(keys);
            patterns.iter().for_each(|pattern| v.visit_pattern(pattern));
        }
        PatternKind::MatchClass { cls, patterns, kwd_patterns, .. } => {
            v.visit_expr(cls);
            patterns.iter().chain(kwd_patterns).for_each(|pattern| v.visit_pattern(pattern));
        }
        PatternKind::MatchAs { pattern, .. } => pattern.iter().for_each(|pattern| v.visit_pattern(pattern)),
    }
}

/// Visits the bound and default of a type parameter.
pub fn walk_type_param<V: Visitor + ?Sized>(v: &mut V, param: &TypeParam) {
    let (bound, default) = match &param.kind {
        TypeParamKind::TypeVar { bound, default_value, .. } => (bound.as_ref(), default_value),
        TypeParamKind::ParamSpec { default_value, .. } | TypeParamKind::TypeVarTuple { default_value, .. } => {
            (None, default_value)
        }
    };
    bound.into_iter().chain(default).for_each(|expr| v.visit_expr(expr));
}

/// Visits parameters, then defaults.
pub fn walk_arguments<V: Visitor + ?Sized>(v: &mut V, args: &Arguments) {
    let positional = args.posonlyargs.iter().chain(&args.args).chain(args.vararg.as_deref());
    positional.chain(&args.kwonlyargs).chain(args.kwarg.as_deref()).for_each(|arg| v.visit_arg(arg));
    args.defaults.iter().chain(args.kw_defaults.iter().flatten()).for_each(|default| v.visit_expr(default));
}
