//! The first pass over statements and patterns.

use super::build::{Builder, Result, docstring};
use super::flags::*;
use super::future::{Future, is_future_import, late_import};
use super::{BlockId, BlockKind, Role};
use crate::ast::*;

impl Builder<'_> {
    pub fn stmts(&mut self, body: &[Stmt]) -> Result {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result {
        match &stmt.kind {
            StmtKind::FunctionDef { name, args, body, decorator_list, returns, type_params, .. } => {
                self.function(stmt, name, args, body, decorator_list, returns.as_deref(), type_params, false)
            }
            StmtKind::AsyncFunctionDef { name, args, body, decorator_list, returns, type_params, .. } => {
                self.function(stmt, name, args, body, decorator_list, returns.as_deref(), type_params, true)
            }
            StmtKind::ClassDef { .. } => self.class_def(stmt),
            StmtKind::Return { value } => {
                if let Some(value) = value {
                    self.expr(value)?;
                    self.current().returns_value = true;
                }
                Ok(())
            }
            StmtKind::Delete { targets } => self.exprs(targets),
            StmtKind::Assign { targets, value, .. } => {
                self.exprs(targets)?;
                self.expr(value)
            }
            StmtKind::TypeAlias { name, type_params, value } => self.type_alias(stmt, name, type_params, value),
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target)?;
                self.expr(value)
            }
            StmtKind::AnnAssign { .. } => self.ann_assign(stmt),
            StmtKind::For { target, iter, body, orelse, .. } => {
                self.expr(target)?;
                self.expr(iter)?;
                self.conditional(|builder| builder.stmts(body).and_then(|()| builder.stmts(orelse)))
            }
            StmtKind::AsyncFor { target, iter, body, orelse, .. } => {
                self.need_coroutine("'async for' outside async function", stmt.span)?;
                self.expr(target)?;
                self.expr(iter)?;
                self.conditional(|builder| builder.stmts(body).and_then(|()| builder.stmts(orelse)))
            }
            StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
                self.expr(test)?;
                self.conditional(|builder| builder.stmts(body).and_then(|()| builder.stmts(orelse)))
            }
            StmtKind::With { items, body, .. } => self.with(items, body),
            StmtKind::AsyncWith { items, body, .. } => {
                self.need_coroutine("'async with' outside async function", stmt.span)?;
                self.with(items, body)
            }
            StmtKind::Match { subject, cases } => {
                self.expr(subject)?;
                self.conditional(|builder| cases.iter().try_for_each(|case| builder.match_case(case)))
            }
            StmtKind::Raise { exc, cause } => {
                self.opt_expr(exc.as_deref())?;
                self.opt_expr(cause.as_deref())
            }
            StmtKind::Try { body, handlers, orelse, finalbody }
            | StmtKind::TryStar { body, handlers, orelse, finalbody } => self.conditional(|builder| {
                builder.stmts(body)?;
                handlers.iter().try_for_each(|handler| builder.handler(handler))?;
                builder.stmts(orelse)?;
                builder.stmts(finalbody)
            }),
            StmtKind::Assert { test, msg } => {
                self.expr(test)?;
                self.opt_expr(msg.as_deref())
            }
            StmtKind::Import { names } => names.iter().try_for_each(|alias| self.alias(alias)),
            StmtKind::ImportFrom { names, .. } => {
                if self.stack.len() > 1 && is_future_import(stmt) {
                    return Err(late_import(self.filename, stmt.span));
                }
                names.iter().try_for_each(|alias| self.alias(alias))
            }
            StmtKind::Global { names } => names.iter().try_for_each(|name| self.global(name, stmt.span)),
            StmtKind::Nonlocal { names } => names.iter().try_for_each(|name| self.nonlocal(name, stmt.span)),
            StmtKind::Expr { value } => self.expr(value),
            StmtKind::Pass {} | StmtKind::Break {} | StmtKind::Continue {} => Ok(()),
        }
    }

    /// Visits what may or may not run: annotations in it are conditional.
    fn conditional(&mut self, visit: impl FnOnce(&mut Self) -> Result) -> Result {
        let before = std::mem::replace(&mut self.current().in_conditional_block, true);
        visit(self)?;
        self.current().in_conditional_block = before;
        Ok(())
    }

    /// Statements that only an `async def` may hold.
    fn need_coroutine(&mut self, msg: &str, span: Span) -> Result {
        if self.top_level_await && self.current().kind == BlockKind::Module {
            self.current().coroutine = true;
        }
        if self.current().coroutine { Ok(()) } else { self.fail(msg, span) }
    }

    fn function(
        &mut self,
        stmt: &Stmt,
        name: &Name,
        args: &Arguments,
        body: &[Stmt],
        decorators: &[Expr],
        returns: Option<&Expr>,
        type_params: &[TypeParam],
        is_async: bool,
    ) -> Result {
        self.define(name, DEF_LOCAL, stmt.span)?;
        self.defaults(args)?;
        self.exprs(decorators)?;
        if !type_params.is_empty() {
            let has_kwdefaults = args.kw_defaults.iter().any(Option::is_some);
            // CPython's lists of defaults are never missing, so a generic function always has the parameter.
            self.open_type_params(name, stmt, true, has_kwdefaults)?;
            self.type_params(type_params)?;
        }
        let function = self.create(name, BlockKind::Function, stmt.id, Role::Body, stmt.span);
        self.signature(stmt, args, returns, function)?;
        self.enter(function, true);
        self.current().coroutine |= is_async;
        self.arguments(args)?;
        self.current().has_docstring = docstring(body);
        self.stmts(body)?;
        self.close();
        if !type_params.is_empty() {
            self.close();
        }
        Ok(())
    }

    /// Default values belong to the block around the function.
    pub fn defaults(&mut self, args: &Arguments) -> Result {
        self.exprs(&args.defaults)?;
        args.kw_defaults.iter().flatten().try_for_each(|default| self.expr(default))
    }

    /// The annotations of a function form a block of their own (PEP 649).
    fn signature(&mut self, stmt: &Stmt, args: &Arguments, returns: Option<&Expr>, function: BlockId) -> Result {
        let outer = self.current();
        let in_class = outer.can_see_class_scope || outer.kind == BlockKind::Class;
        self.open("__annotate__", BlockKind::Annotation, stmt.id, Role::Signature, stmt.span)?;
        let function_name = self.block(function).name.clone();
        self.current().function_name = Some(function_name);
        if in_class {
            self.current().can_see_class_scope = true;
            let classdict = self.special.classdict.clone();
            self.define(&classdict, USE, stmt.span)?;
        }
        let parameters = args.posonlyargs.iter().chain(&args.args);
        let parameters = parameters.chain(args.vararg.as_deref()).chain(args.kwarg.as_deref()).chain(&args.kwonlyargs);
        for annotation in parameters.filter_map(|arg| arg.annotation.as_deref()).chain(returns) {
            self.current().annotations_used = true;
            self.expr(annotation)?;
        }
        self.close();
        Ok(())
    }

    pub fn arguments(&mut self, args: &Arguments) -> Result {
        for arg in args.posonlyargs.iter().chain(&args.args).chain(&args.kwonlyargs) {
            self.define(&arg.arg, DEF_PARAM, arg.span)?;
        }
        if let Some(arg) = &args.vararg {
            self.define(&arg.arg, DEF_PARAM, arg.span)?;
            self.current().varargs = true;
        }
        if let Some(arg) = &args.kwarg {
            self.define(&arg.arg, DEF_PARAM, arg.span)?;
            self.current().varkeywords = true;
        }
        Ok(())
    }

    fn class_def(&mut self, stmt: &Stmt) -> Result {
        let StmtKind::ClassDef { name, bases, keywords, body, decorator_list, type_params } = &stmt.kind else {
            return Ok(());
        };
        self.define(name, DEF_LOCAL, stmt.span)?;
        self.exprs(decorator_list)?;
        let outer_class = self.class.clone();
        if !type_params.is_empty() {
            self.open_type_params(name, stmt, false, false)?;
            self.class = Some(name.clone());
            self.start_mangled_names();
            self.type_params(type_params)?;
        }
        self.exprs(bases)?;
        self.keywords(keywords)?;
        self.open(name, BlockKind::Class, stmt.id, Role::Body, stmt.span)?;
        self.class = Some(name.clone());
        if !type_params.is_empty() {
            let (attribute, variable) = (self.special.type_params_attr.clone(), self.special.type_params.clone());
            self.define(&attribute, DEF_LOCAL, stmt.span)?;
            self.define(&variable, USE, stmt.span)?;
        }
        self.current().has_docstring = docstring(body);
        self.stmts(body)?;
        self.close();
        if !type_params.is_empty() {
            self.close();
        }
        self.class = outer_class;
        Ok(())
    }

    fn type_alias(&mut self, stmt: &Stmt, name: &Expr, type_params: &[TypeParam], value: &Expr) -> Result {
        self.expr(name)?;
        let ExprKind::Name { id, .. } = &name.kind else { return Ok(()) };
        let in_class = self.current().kind == BlockKind::Class;
        if !type_params.is_empty() {
            self.open_type_params(id, stmt, false, false)?;
            self.type_params(type_params)?;
        }
        self.open(id, BlockKind::TypeAlias, stmt.id, Role::Body, stmt.span)?;
        if in_class {
            self.current().can_see_class_scope = true;
            let classdict = self.special.classdict.clone();
            self.define(&classdict, USE, value.span)?;
        }
        self.expr(value)?;
        self.close();
        if !type_params.is_empty() {
            self.close();
        }
        Ok(())
    }

    fn type_params(&mut self, params: &[TypeParam]) -> Result {
        params.iter().try_for_each(|param| self.type_param(param))
    }

    fn type_param(&mut self, param: &TypeParam) -> Result {
        let (name, bound, default, default_info) = match &param.kind {
            TypeParamKind::TypeVar { name, bound, default_value } => (name, bound, default_value, "a TypeVar default"),
            TypeParamKind::ParamSpec { name, default_value } => (name, &None, default_value, "a ParamSpec default"),
            TypeParamKind::TypeVarTuple { name, default_value } => {
                (name, &None, default_value, "a TypeVarTuple default")
            }
        };
        self.define(name, DEF_TYPE_PARAM | DEF_LOCAL, param.span)?;
        if **name == *self.special.classdict {
            let msg = format!("reserved name '{name}' cannot be used for type parameter");
            return self.fail(msg, param.span);
        }
        if let Some(bound) = bound {
            let is_tuple = matches!(bound.kind, ExprKind::Tuple { .. });
            let info = if is_tuple { "a TypeVar constraint" } else { "a TypeVar bound" };
            self.type_variable(param, name, bound, Role::Bound, info)?;
        }
        match default {
            Some(default) => self.type_variable(param, name, default, Role::Default, default_info),
            None => Ok(()),
        }
    }

    fn type_variable(
        &mut self,
        param: &TypeParam,
        name: &Name,
        value: &Expr,
        role: Role,
        info: &'static str,
    ) -> Result {
        let in_class = self.current().can_see_class_scope;
        self.open(name, BlockKind::TypeVariable, param.id, role, value.span)?;
        self.current().can_see_class_scope = in_class;
        if in_class {
            let classdict = self.special.classdict.clone();
            self.define(&classdict, USE, value.span)?;
        }
        self.current().scope_info = info;
        self.expr(value)?;
        self.close();
        Ok(())
    }

    fn ann_assign(&mut self, stmt: &Stmt) -> Result {
        let StmtKind::AnnAssign { target, annotation, value, simple } = &stmt.kind else { return Ok(()) };
        self.current().annotations_used = true;
        if let ExprKind::Name { id, .. } = &target.kind {
            let flags = self.flags_in(self.current_id(), id);
            if *simple && flags & (DEF_GLOBAL | DEF_NONLOCAL) != 0 && self.stack.len() > 1 {
                let kind = if flags & DEF_GLOBAL != 0 { "global" } else { "nonlocal" };
                return self.fail(format!("annotated name '{id}' can't be {kind}"), stmt.span);
            }
            if *simple {
                self.define(id, DEF_ANNOT | DEF_LOCAL, target.span)?;
            } else if value.is_some() {
                self.define(id, DEF_LOCAL, target.span)?;
            }
        } else {
            self.expr(target)?;
        }
        self.variable_annotation(annotation)?;
        self.opt_expr(value.as_deref())
    }

    /// The annotations of all variables of a block share one block, made for the first of them.
    fn variable_annotation(&mut self, annotation: &Expr) -> Result {
        let unevaluated = self.current().kind == BlockKind::Function;
        let block = self.current();
        let kind = block.kind;
        // A module may be left in the middle, so its annotations are always conditional.
        let conditional = kind == BlockKind::Module || kind == BlockKind::Class && block.in_conditional_block;
        if conditional && !std::mem::replace(&mut block.has_conditional_annotations, true) {
            let name = self.special.conditional_annotations.clone();
            self.define(&name, USE, annotation.span)?;
        }
        let owner = self.current_id();
        match self.current().annotation_block {
            Some(block) => self.enter(block, false),
            None => {
                let node = self.owner_node(owner);
                let block = self.open("__annotate__", BlockKind::Annotation, node, Role::Variables, annotation.span)?;
                self.block(owner).annotation_block = Some(block);
                if kind == BlockKind::Class && !self.future.contains(Future::ANNOTATIONS) {
                    self.current().can_see_class_scope = true;
                    let classdict = self.special.classdict.clone();
                    self.define(&classdict, USE, annotation.span)?;
                }
            }
        }
        self.current().in_unevaluated_annotation = unevaluated;
        self.expr(annotation)?;
        self.current().in_unevaluated_annotation = false;
        self.close();
        Ok(())
    }

    /// The node whose body a block is.
    fn owner_node(&self, block: BlockId) -> NodeId {
        let owner = self.by_node.iter().find(|&(&(_, role), &id)| id == block && role == Role::Body);
        owner.map_or(NodeId::NONE, |(&(node, _), _)| node)
    }

    fn with(&mut self, items: &[WithItem], body: &[Stmt]) -> Result {
        self.conditional(|builder| {
            for item in items {
                builder.expr(&item.context_expr)?;
                builder.opt_expr(item.optional_vars.as_deref())?;
            }
            builder.stmts(body)
        })
    }

    fn handler(&mut self, handler: &ExceptHandler) -> Result {
        self.opt_expr(handler.r#type.as_deref())?;
        if let Some(name) = &handler.name {
            self.define(name, DEF_LOCAL, handler.span)?;
        }
        self.stmts(&handler.body)
    }

    fn alias(&mut self, alias: &Alias) -> Result {
        if &*alias.name == "*" {
            return match self.current().kind {
                BlockKind::Module => Ok(()),
                _ => self.fail("import * only allowed at module level", alias.span),
            };
        }
        let stored = match &alias.asname {
            Some(name) => name.clone(),
            None => match alias.name.split_once('.') {
                Some((package, _)) => package.into(),
                None => alias.name.clone(),
            },
        };
        self.define(&stored, DEF_IMPORT, alias.span)
    }

    fn global(&mut self, name: &Name, span: Span) -> Result {
        self.declaration(name, span, "global")?;
        self.define(name, DEF_GLOBAL, span)?;
        self.directive(name, span);
        Ok(())
    }

    fn nonlocal(&mut self, name: &Name, span: Span) -> Result {
        self.declaration(name, span, "nonlocal")?;
        self.define(name, DEF_NONLOCAL, span)?;
        self.directive(name, span);
        Ok(())
    }

    /// A declaration must come before any other mention of the name.
    fn declaration(&mut self, name: &Name, span: Span, kind: &str) -> Result {
        let flags = self.flags_in(self.current_id(), name);
        let msg = if flags & DEF_PARAM != 0 {
            format!("name '{name}' is parameter and {kind}")
        } else if flags & USE != 0 {
            format!("name '{name}' is used prior to {kind} declaration")
        } else if flags & DEF_ANNOT != 0 {
            format!("annotated name '{name}' can't be {kind}")
        } else if flags & DEF_LOCAL != 0 {
            format!("name '{name}' is assigned to before {kind} declaration")
        } else {
            return Ok(());
        };
        self.fail(msg, span)
    }

    fn match_case(&mut self, case: &MatchCase) -> Result {
        self.pattern(&case.pattern)?;
        self.opt_expr(case.guard.as_deref())?;
        self.stmts(&case.body)
    }

    fn patterns(&mut self, patterns: &[Pattern]) -> Result {
        patterns.iter().try_for_each(|pattern| self.pattern(pattern))
    }

    fn pattern(&mut self, pattern: &Pattern) -> Result {
        let bound = match &pattern.kind {
            PatternKind::MatchValue { value } => return self.expr(value),
            PatternKind::MatchSingleton { .. } => return Ok(()),
            PatternKind::MatchSequence { patterns } | PatternKind::MatchOr { patterns } => {
                return self.patterns(patterns);
            }
            PatternKind::MatchStar { name } => name,
            PatternKind::MatchMapping { keys, patterns, rest } => {
                self.exprs(keys)?;
                self.patterns(patterns)?;
                rest
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.expr(cls)?;
                self.patterns(patterns)?;
                for (name, pattern) in kwd_attrs.iter().zip(kwd_patterns) {
                    self.check_name(name, pattern.span, ExprContext::Store)?;
                }
                return self.patterns(kwd_patterns);
            }
            PatternKind::MatchAs { pattern, name } => {
                if let Some(pattern) = pattern {
                    self.pattern(pattern)?;
                }
                name
            }
        };
        match bound {
            Some(name) => self.define(name, DEF_LOCAL, pattern.span),
            None => Ok(()),
        }
    }
}
