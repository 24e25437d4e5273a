//! Whether a tree that a program made can be compiled: what the grammar's types leave open (`Python/ast.c`).
//!
//! Parsed sources need no such check. The order of the checks decides which of several errors is told.

use super::*;

/// A finding: nothing, or what is wrong.
type Checked = Result<(), TreeError>;

/// Checks a tree.
///
/// Errors: `ValueError` and `TypeError` as `compile()` raises them.
pub fn validate(module: &Mod) -> Checked {
    match module {
        Mod::Module { body, .. } | Mod::Interactive { body } => stmts(body),
        Mod::Expression { body } => load(body),
        Mod::FunctionType { argtypes, returns } => {
            exprs(argtypes, ExprContext::Load)?;
            load(returns)
        }
    }
}

fn wrong<T>(msg: impl Into<String>) -> Result<T, TreeError> {
    Err(TreeError::value_error(msg))
}

fn wrong_type<T>(msg: &str) -> Result<T, TreeError> {
    Err(TreeError::type_error(msg))
}

/// The start of a node may not lie behind its end.
fn position(span: Span) -> Checked {
    let Span { lineno, col_offset, end_lineno, end_col_offset } = span;
    if lineno > end_lineno {
        return wrong(format!("AST node line range ({lineno}, {end_lineno}) is not valid"));
    }
    if lineno == end_lineno && col_offset > end_col_offset {
        return wrong(format!("line {lineno}, column {col_offset}-{end_col_offset} is not a valid range"));
    }
    Ok(())
}

fn name(id: &str) -> Checked {
    match id {
        "None" | "True" | "False" => wrong(format!("identifier field can't represent '{id}' constant")),
        _ => Ok(()),
    }
}

fn not_empty<T>(items: &[T], what: &str, owner: &str) -> Checked {
    if items.is_empty() { wrong(format!("empty {what} on {owner}")) } else { Ok(()) }
}

fn body(stmts_of: &[Stmt], owner: &str) -> Checked {
    not_empty(stmts_of, "body", owner)?;
    stmts(stmts_of)
}

fn stmts(all: &[Stmt]) -> Checked {
    all.iter().try_for_each(stmt)
}

fn exprs(all: &[Expr], ctx: ExprContext) -> Checked {
    all.iter().try_for_each(|e| expr(e, ctx))
}

fn load(e: &Expr) -> Checked {
    expr(e, ExprContext::Load)
}

fn maybe(e: &Option<Box<Expr>>) -> Checked {
    e.as_deref().map_or(Ok(()), load)
}

fn comprehension(generators: &[Comprehension]) -> Checked {
    if generators.is_empty() {
        return wrong("comprehension with no generators");
    }
    generators.iter().try_for_each(|g| {
        expr(&g.target, ExprContext::Store)?;
        load(&g.iter)?;
        exprs(&g.ifs, ExprContext::Load)
    })
}

fn keywords(all: &[Keyword]) -> Checked {
    all.iter().try_for_each(|k| load(&k.value))
}

fn annotation(a: &Arg) -> Checked {
    position(a.span)?;
    name(&a.arg)?;
    maybe(&a.annotation)
}

fn arguments(a: &Arguments) -> Checked {
    a.posonlyargs.iter().chain(&a.args).try_for_each(annotation)?;
    a.vararg.as_deref().map_or(Ok(()), annotation)?;
    a.kwonlyargs.iter().try_for_each(annotation)?;
    a.kwarg.as_deref().map_or(Ok(()), annotation)?;
    if a.defaults.len() > a.posonlyargs.len() + a.args.len() {
        return wrong("more positional defaults than args on arguments");
    }
    if a.kw_defaults.len() != a.kwonlyargs.len() {
        return wrong("length of kwonlyargs is not the same as kw_defaults on arguments");
    }
    exprs(&a.defaults, ExprContext::Load)?;
    a.kw_defaults.iter().flatten().try_for_each(load)
}

fn context_name(ctx: ExprContext) -> &'static str {
    match ctx {
        ExprContext::Load => "Load",
        ExprContext::Store => "Store",
        ExprContext::Del => "Del",
    }
}

fn context(e: &Expr, wanted: ExprContext) -> Checked {
    let actual = match &e.kind {
        ExprKind::Name { id, ctx } => {
            name(id)?;
            *ctx
        }
        ExprKind::Attribute { ctx, .. }
        | ExprKind::Subscript { ctx, .. }
        | ExprKind::Starred { ctx, .. }
        | ExprKind::List { ctx, .. }
        | ExprKind::Tuple { ctx, .. } => *ctx,
        _ if wanted != ExprContext::Load => {
            return wrong(format!("expression which can't be assigned to in {} context", context_name(wanted)));
        }
        _ => return Ok(()),
    };
    if actual == wanted {
        return Ok(());
    }
    wrong(format!("expression must have {} context but has {} instead", context_name(wanted), context_name(actual)))
}

fn expr(e: &Expr, ctx: ExprContext) -> Checked {
    position(e.span)?;
    context(e, ctx)?;
    match &e.kind {
        ExprKind::BoolOp { values, .. } if values.len() < 2 => wrong("BoolOp with less than 2 values"),
        ExprKind::BoolOp { values, .. }
        | ExprKind::Set { elts: values }
        | ExprKind::JoinedStr { values }
        | ExprKind::TemplateStr { values } => exprs(values, ExprContext::Load),
        ExprKind::NamedExpr { target, value } => {
            if !matches!(target.kind, ExprKind::Name { .. }) {
                return wrong_type("NamedExpr target must be a Name");
            }
            load(value)
        }
        ExprKind::BinOp { left, right, .. } => {
            load(left)?;
            load(right)
        }
        ExprKind::UnaryOp { operand: value, .. }
        | ExprKind::Await { value }
        | ExprKind::YieldFrom { value }
        | ExprKind::Attribute { value, .. } => load(value),
        ExprKind::Lambda { args, body } => {
            arguments(args)?;
            load(body)
        }
        ExprKind::IfExp { test, body, orelse } => {
            load(test)?;
            load(body)?;
            load(orelse)
        }
        ExprKind::Dict { keys, values } => {
            if keys.len() != values.len() {
                return wrong("Dict doesn't have the same number of keys as values");
            }
            keys.iter().flatten().try_for_each(load)?;
            exprs(values, ExprContext::Load)
        }
        ExprKind::ListComp { elt, generators }
        | ExprKind::SetComp { elt, generators }
        | ExprKind::GeneratorExp { elt, generators } => {
            comprehension(generators)?;
            load(elt)
        }
        ExprKind::DictComp { key, value, generators } => {
            comprehension(generators)?;
            load(key)?;
            load(value)
        }
        ExprKind::Yield { value } => maybe(value),
        ExprKind::Compare { left, ops, comparators } => {
            if comparators.is_empty() {
                return wrong("Compare has no comparators");
            }
            if comparators.len() != ops.len() {
                return wrong("Compare has a different number of comparators and operands");
            }
            exprs(comparators, ExprContext::Load)?;
            load(left)
        }
        ExprKind::Call { func, args, keywords: named } => {
            load(func)?;
            exprs(args, ExprContext::Load)?;
            keywords(named)
        }
        ExprKind::FormattedValue { value, format_spec, .. } | ExprKind::Interpolation { value, format_spec, .. } => {
            load(value)?;
            maybe(format_spec)
        }
        ExprKind::Subscript { value, slice, .. } => {
            load(slice)?;
            load(value)
        }
        ExprKind::Starred { value, .. } => expr(value, ctx),
        ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => exprs(elts, ctx),
        ExprKind::Slice { lower, upper, step } => {
            maybe(lower)?;
            maybe(upper)?;
            maybe(step)
        }
        ExprKind::Constant { .. } | ExprKind::Name { .. } => Ok(()),
    }
}

/// Whether an expression is a number, real or imaginary.
fn is_number(e: &Expr, real: bool, imaginary: bool) -> bool {
    match &e.kind {
        ExprKind::Constant { value: Constant::Int(_) | Constant::Float(_), .. } => real,
        ExprKind::Constant { value: Constant::Complex { .. }, .. } => imaginary,
        _ => false,
    }
}

fn is_negative(e: &Expr, imaginary: bool) -> bool {
    matches!(&e.kind, ExprKind::UnaryOp { op: UnaryOp::USub, operand } if is_number(operand, true, imaginary))
}

/// What may stand for a value in a pattern: a literal, or the name of a value with a dot in it.
fn pattern_value(e: &Expr) -> Checked {
    load(e)?;
    let fine = match &e.kind {
        ExprKind::Constant { value, .. } => {
            return match value {
                Constant::Int(_)
                | Constant::Float(_)
                | Constant::Complex { .. }
                | Constant::Bytes(_)
                | Constant::Str(_) => Ok(()),
                _ => wrong("unexpected constant inside of a literal pattern"),
            };
        }
        ExprKind::Attribute { .. } | ExprKind::JoinedStr { .. } | ExprKind::TemplateStr { .. } => true,
        ExprKind::UnaryOp { .. } => is_negative(e, true),
        ExprKind::BinOp { left, op: Operator::Add | Operator::Sub, right } => {
            (is_number(left, true, false) || is_negative(left, false)) && is_number(right, false, true)
        }
        _ => false,
    };
    if fine { Ok(()) } else { wrong("patterns may only match literals and attribute lookups") }
}

fn capture(id: &Option<Name>) -> Checked {
    match id.as_deref() {
        None => Ok(()),
        Some("_") => wrong("can't capture name '_' in patterns"),
        Some(id) => name(id),
    }
}

fn patterns(all: &[Pattern], star_ok: bool) -> Checked {
    all.iter().try_for_each(|p| pattern(p, star_ok))
}

fn pattern(p: &Pattern, star_ok: bool) -> Checked {
    position(p.span)?;
    match &p.kind {
        PatternKind::MatchValue { value } => pattern_value(value),
        PatternKind::MatchSingleton { value: Constant::None | Constant::Bool(_) } => Ok(()),
        PatternKind::MatchSingleton { .. } => wrong("MatchSingleton can only contain True, False and None"),
        PatternKind::MatchSequence { patterns: parts } => patterns(parts, true),
        PatternKind::MatchMapping { keys, patterns: parts, rest } => {
            if keys.len() != parts.len() {
                return wrong("MatchMapping doesn't have the same number of keys as patterns");
            }
            capture(rest)?;
            keys.iter().try_for_each(|key| match &key.kind {
                ExprKind::Constant { value: Constant::None | Constant::Bool(_), .. } => Ok(()),
                _ => pattern_value(key),
            })?;
            patterns(parts, false)
        }
        PatternKind::MatchClass { cls, patterns: parts, kwd_attrs, kwd_patterns } => {
            if kwd_attrs.len() != kwd_patterns.len() {
                return wrong("MatchClass doesn't have the same number of keyword attributes as patterns");
            }
            load(cls)?;
            let mut class = cls;
            while let ExprKind::Attribute { value, .. } = &class.kind {
                class = value;
            }
            if !matches!(class.kind, ExprKind::Name { .. }) {
                return wrong("MatchClass cls field can only contain Name or Attribute nodes.");
            }
            kwd_attrs.iter().try_for_each(|id| name(id))?;
            patterns(parts, false)?;
            patterns(kwd_patterns, false)
        }
        PatternKind::MatchStar { .. } if !star_ok => wrong("can't use MatchStar here"),
        PatternKind::MatchStar { name } => capture(name),
        PatternKind::MatchAs { pattern: inner, name } => {
            capture(name)?;
            match (inner, name) {
                (None, _) => Ok(()),
                (Some(_), None) => wrong("MatchAs must specify a target name if a pattern is given"),
                (Some(inner), Some(_)) => pattern(inner, false),
            }
        }
        PatternKind::MatchOr { patterns: parts } if parts.len() < 2 => wrong("MatchOr requires at least 2 patterns"),
        PatternKind::MatchOr { patterns: parts } => patterns(parts, false),
    }
}

fn type_params(all: &[TypeParam]) -> Checked {
    all.iter().try_for_each(|p| {
        position(p.span)?;
        match &p.kind {
            TypeParamKind::TypeVar { name: id, bound, default_value } => {
                name(id)?;
                maybe(bound)?;
                maybe(default_value)
            }
            TypeParamKind::ParamSpec { name: id, default_value }
            | TypeParamKind::TypeVarTuple { name: id, default_value } => {
                name(id)?;
                maybe(default_value)
            }
        }
    })
}

fn function(args: &Arguments, decorators: &[Expr], returns: &Option<Box<Expr>>, params: &[TypeParam]) -> Checked {
    type_params(params)?;
    arguments(args)?;
    exprs(decorators, ExprContext::Load)?;
    maybe(returns)
}

fn loop_over(target: &Expr, iter: &Expr, stmts_of: &[Stmt], orelse: &[Stmt], owner: &str) -> Checked {
    expr(target, ExprContext::Store)?;
    load(iter)?;
    body(stmts_of, owner)?;
    stmts(orelse)
}

fn with(items: &[WithItem], stmts_of: &[Stmt], owner: &str) -> Checked {
    not_empty(items, "items", owner)?;
    for item in items {
        load(&item.context_expr)?;
        item.optional_vars.as_deref().map_or(Ok(()), |vars| expr(vars, ExprContext::Store))?;
    }
    body(stmts_of, owner)
}

fn attempt(tried: &[Stmt], handlers: &[ExceptHandler], orelse: &[Stmt], finalbody: &[Stmt], owner: &str) -> Checked {
    body(tried, owner)?;
    if handlers.is_empty() && finalbody.is_empty() {
        return wrong(format!("{owner} has neither except handlers nor finalbody"));
    }
    if handlers.is_empty() && !orelse.is_empty() {
        return wrong(format!("{owner} has orelse but no except handlers"));
    }
    for handler in handlers {
        position(handler.span)?;
        maybe(&handler.r#type)?;
        handler.name.as_deref().map_or(Ok(()), name)?;
        body(&handler.body, "ExceptHandler")?;
    }
    stmts(finalbody)?;
    stmts(orelse)
}

fn aliases(names: &[Alias], owner: &str) -> Checked {
    not_empty(names, "names", owner)?;
    names.iter().try_for_each(|alias| {
        name(&alias.name)?;
        alias.asname.as_deref().map_or(Ok(()), name)
    })
}

fn stmt(s: &Stmt) -> Checked {
    position(s.span)?;
    match &s.kind {
        StmtKind::FunctionDef { name: id, args, body: inner, decorator_list, returns, type_params, .. } => {
            name(id)?;
            body(inner, "FunctionDef")?;
            function(args, decorator_list, returns, type_params)
        }
        StmtKind::AsyncFunctionDef { name: id, args, body: inner, decorator_list, returns, type_params, .. } => {
            name(id)?;
            body(inner, "AsyncFunctionDef")?;
            function(args, decorator_list, returns, type_params)
        }
        StmtKind::ClassDef {
            name: id,
            bases,
            keywords: named,
            body: inner,
            decorator_list,
            type_params: params,
            ..
        } => {
            name(id)?;
            body(inner, "ClassDef")?;
            type_params(params)?;
            exprs(bases, ExprContext::Load)?;
            keywords(named)?;
            exprs(decorator_list, ExprContext::Load)
        }
        StmtKind::Return { value } => maybe(value),
        StmtKind::Delete { targets } => {
            not_empty(targets, "targets", "Delete")?;
            exprs(targets, ExprContext::Del)
        }
        StmtKind::Assign { targets, value, .. } => {
            not_empty(targets, "targets", "Assign")?;
            exprs(targets, ExprContext::Store)?;
            load(value)
        }
        StmtKind::TypeAlias { name: target, type_params: params, value } => {
            if !matches!(target.kind, ExprKind::Name { .. }) {
                return wrong_type("TypeAlias with non-Name name");
            }
            expr(target, ExprContext::Store)?;
            type_params(params)?;
            load(value)
        }
        StmtKind::AugAssign { target, value, .. } => {
            expr(target, ExprContext::Store)?;
            load(value)
        }
        StmtKind::AnnAssign { target, annotation, value, simple } => {
            if *simple && !matches!(target.kind, ExprKind::Name { .. }) {
                return wrong_type("AnnAssign with simple non-Name target");
            }
            expr(target, ExprContext::Store)?;
            maybe(value)?;
            load(annotation)
        }
        StmtKind::For { target, iter, body, orelse, .. } => loop_over(target, iter, body, orelse, "For"),
        StmtKind::AsyncFor { target, iter, body, orelse, .. } => loop_over(target, iter, body, orelse, "AsyncFor"),
        StmtKind::While { test, body: inner, orelse } => {
            load(test)?;
            body(inner, "While")?;
            stmts(orelse)
        }
        StmtKind::If { test, body: inner, orelse } => {
            load(test)?;
            body(inner, "If")?;
            stmts(orelse)
        }
        StmtKind::With { items, body, .. } => with(items, body, "With"),
        StmtKind::AsyncWith { items, body, .. } => with(items, body, "AsyncWith"),
        StmtKind::Match { subject, cases } => {
            load(subject)?;
            not_empty(cases, "cases", "Match")?;
            cases.iter().try_for_each(|case| {
                pattern(&case.pattern, false)?;
                maybe(&case.guard)?;
                body(&case.body, "match_case")
            })
        }
        StmtKind::Raise { exc: None, cause: Some(_) } => wrong("Raise with cause but no exception"),
        StmtKind::Raise { exc, cause } => {
            maybe(exc)?;
            maybe(cause)
        }
        StmtKind::Try { body, handlers, orelse, finalbody } => attempt(body, handlers, orelse, finalbody, "Try"),
        StmtKind::TryStar { body, handlers, orelse, finalbody } => {
            attempt(body, handlers, orelse, finalbody, "TryStar")
        }
        StmtKind::Assert { test, msg } => {
            load(test)?;
            maybe(msg)
        }
        StmtKind::Import { names } => aliases(names, "Import"),
        StmtKind::ImportFrom { names, .. } => aliases(names, "ImportFrom"),
        StmtKind::Global { names } => not_empty(names, "names", "Global"),
        StmtKind::Nonlocal { names } => not_empty(names, "names", "Nonlocal"),
        StmtKind::Expr { value } => load(value),
        StmtKind::Pass {} | StmtKind::Break {} | StmtKind::Continue {} => Ok(()),
    }
}
