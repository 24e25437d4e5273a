//! The first pass over expressions.

use super::build::{Builder, Result};
use super::flags::*;
use super::{BlockKind, ComprehensionKind, Role};
use crate::ast::*;
use crate::stack::grown;

impl Builder<'_> {
    pub fn exprs(&mut self, exprs: &[Expr]) -> Result {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    pub fn opt_expr(&mut self, expr: Option<&Expr>) -> Result {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    pub fn expr(&mut self, expr: &Expr) -> Result {
        match expr.kind {
            ExprKind::Name { .. } | ExprKind::Constant { .. } => self.expr_proper(expr),
            _ => grown(|| self.expr_proper(expr)),
        }
    }

    fn expr_proper(&mut self, expr: &Expr) -> Result {
        match &expr.kind {
            ExprKind::NamedExpr { target, value } => self.named_expr(expr, target, value),
            ExprKind::BoolOp { values, .. } => self.exprs(values),
            ExprKind::BinOp { left, right, .. } => {
                self.expr(left)?;
                self.expr(right)
            }
            ExprKind::UnaryOp { operand, .. } => self.expr(operand),
            ExprKind::Lambda { args, body } => self.lambda(expr, args, body),
            ExprKind::IfExp { test, body, orelse } => {
                self.expr(test)?;
                self.expr(body)?;
                self.expr(orelse)
            }
            ExprKind::Dict { keys, values } => {
                keys.iter().flatten().try_for_each(|key| self.expr(key))?;
                self.exprs(values)
            }
            ExprKind::Set { elts } | ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => self.exprs(elts),
            ExprKind::GeneratorExp { elt, generators } => {
                self.comprehension(expr, ComprehensionKind::Generator, generators, elt, None)
            }
            ExprKind::ListComp { elt, generators } => {
                self.comprehension(expr, ComprehensionKind::List, generators, elt, None)
            }
            ExprKind::SetComp { elt, generators } => {
                self.comprehension(expr, ComprehensionKind::Set, generators, elt, None)
            }
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension(expr, ComprehensionKind::Dict, generators, key, Some(value))
            }
            ExprKind::Yield { value } => {
                self.not_in_annotation("yield expression", expr.span)?;
                self.opt_expr(value.as_deref())?;
                self.generator(expr.span)
            }
            ExprKind::YieldFrom { value } => {
                self.not_in_annotation("yield expression", expr.span)?;
                self.expr(value)?;
                self.generator(expr.span)
            }
            ExprKind::Await { value } => self.await_expr(expr, value),
            ExprKind::Compare { left, comparators, .. } => {
                self.expr(left)?;
                self.exprs(comparators)
            }
            ExprKind::Call { func, args, keywords } => {
                self.expr(func)?;
                self.exprs(args)?;
                self.keywords(keywords)
            }
            ExprKind::FormattedValue { value, format_spec, .. }
            | ExprKind::Interpolation { value, format_spec, .. } => {
                self.expr(value)?;
                self.opt_expr(format_spec.as_deref())
            }
            ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => self.exprs(values),
            ExprKind::Constant { .. } => Ok(()),
            ExprKind::Attribute { value, attr, ctx } => {
                self.check_name(attr, expr.span, *ctx)?;
                self.expr(value)
            }
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value)?;
                self.expr(slice)
            }
            ExprKind::Starred { value, .. } => self.expr(value),
            ExprKind::Slice { lower, upper, step } => {
                self.opt_expr(lower.as_deref())?;
                self.opt_expr(upper.as_deref())?;
                self.opt_expr(step.as_deref())
            }
            ExprKind::Name { id, ctx } => self.name(id, *ctx, expr.span),
        }
    }

    fn name(&mut self, id: &Name, ctx: ExprContext, span: Span) -> Result {
        if !self.current().in_unevaluated_annotation {
            let flag = if ctx == ExprContext::Load { USE } else { DEF_LOCAL };
            self.define_as(id, flag, span, ctx)?;
        }
        // `super()` without arguments needs the class.
        if ctx == ExprContext::Load && &**id == "super" && self.current().is_function_like() {
            let class = self.special.class.clone();
            self.define(&class, USE, span)?;
        }
        Ok(())
    }

    pub fn keywords(&mut self, keywords: &[Keyword]) -> Result {
        for keyword in keywords {
            if let Some(name) = &keyword.arg {
                self.check_name(name, keyword.span, ExprContext::Store)?;
            }
        }
        keywords.iter().try_for_each(|keyword| self.expr(&keyword.value))
    }

    fn lambda(&mut self, expr: &Expr, args: &Arguments, body: &Expr) -> Result {
        self.defaults(args)?;
        self.open("lambda", BlockKind::Function, expr.id, Role::Body, expr.span)?;
        self.arguments(args)?;
        self.expr(body)?;
        self.close();
        Ok(())
    }

    fn named_expr(&mut self, expr: &Expr, target: &Expr, value: &Expr) -> Result {
        self.not_in_annotation("named expression", expr.span)?;
        if self.current().comp_iter_expr > 0 {
            let msg = "assignment expression cannot be used in a comprehension iterable expression";
            return self.fail(msg, expr.span);
        }
        if self.current().comprehension.is_some() {
            self.extend_named_expr_scope(target)?;
        }
        self.expr(value)?;
        self.expr(target)
    }

    /// In a comprehension, `:=` binds in the block around all comprehensions (PEP 572).
    fn extend_named_expr_scope(&mut self, target: &Expr) -> Result {
        let ExprKind::Name { id, .. } = &target.kind else { return Ok(()) };
        let span = target.span;
        for index in (0..self.stack.len()).rev() {
            let block = self.stack[index];
            let flags = self.flags_in(block, id);
            let entry = self.block(block);
            if entry.comprehension.is_some() {
                if flags & DEF_COMP_ITER != 0 && flags & DEF_LOCAL != 0 {
                    let msg = format!("assignment expression cannot rebind comprehension iteration variable '{id}'");
                    return self.fail(msg, span);
                }
                continue;
            }
            let place = match entry.kind {
                BlockKind::Function => {
                    let flag = if flags & DEF_GLOBAL != 0 { DEF_GLOBAL } else { DEF_NONLOCAL };
                    self.define(id, flag, span)?;
                    self.directive(id, span);
                    return self.define_in(block, id, DEF_LOCAL, span);
                }
                BlockKind::Module => {
                    self.define(id, DEF_GLOBAL, span)?;
                    self.directive(id, span);
                    return self.define_in(block, id, DEF_GLOBAL, span);
                }
                BlockKind::Annotation => continue,
                BlockKind::Class => "in a class body",
                BlockKind::TypeParameters => "within the definition of a generic",
                BlockKind::TypeAlias => "in a type alias",
                BlockKind::TypeVariable => "in a TypeVar bound",
            };
            let msg = format!("assignment expression within a comprehension cannot be used {place}");
            return self.fail(msg, span);
        }
        Ok(())
    }

    /// `yield`, `await` and `:=` cannot stand in annotations and type scopes.
    fn not_in_annotation(&mut self, what: &str, span: Span) -> Result {
        let block = self.current();
        let place = match block.kind {
            BlockKind::Annotation => "an annotation",
            BlockKind::TypeVariable => block.scope_info,
            BlockKind::TypeAlias => "a type alias",
            BlockKind::TypeParameters => "the definition of a generic",
            BlockKind::Module | BlockKind::Class | BlockKind::Function => return Ok(()),
        };
        self.fail(format!("{what} cannot be used within {place}"), span)
    }

    fn generator(&mut self, span: Span) -> Result {
        self.current().generator = true;
        match self.current().comprehension {
            Some(kind) => self.fail(format!("'yield' inside {}", Self::comprehension_name(kind)), span),
            None => Ok(()),
        }
    }

    fn await_expr(&mut self, expr: &Expr, value: &Expr) -> Result {
        self.not_in_annotation("await expression", expr.span)?;
        let top_level_await = self.top_level_await;
        let block = self.current();
        let allowed_at_top = top_level_await && block.kind == BlockKind::Module;
        if !allowed_at_top {
            if !block.is_function_like() {
                return self.fail("'await' outside function", expr.span);
            }
            if block.comprehension.is_none() && !block.coroutine {
                return self.fail("'await' outside async function", expr.span);
            }
        }
        self.expr(value)?;
        self.current().coroutine = true;
        Ok(())
    }

    fn comprehension(
        &mut self,
        expr: &Expr,
        kind: ComprehensionKind,
        generators: &[Comprehension],
        element: &Expr,
        value: Option<&Expr>,
    ) -> Result {
        let Some((outermost, inner)) = generators.split_first() else { return Ok(()) };
        // The outermost iterable is evaluated outside and passed in.
        self.iterable(&outermost.iter)?;
        let name = match kind {
            ComprehensionKind::List => "listcomp",
            ComprehensionKind::Set => "setcomp",
            ComprehensionKind::Dict => "dictcomp",
            ComprehensionKind::Generator => "genexpr",
        };
        self.open(name, BlockKind::Function, expr.id, Role::Body, expr.span)?;
        self.current().comprehension = Some(kind);
        self.current().coroutine |= outermost.is_async;
        let argument = self.special.iter.clone();
        self.define(&argument, DEF_PARAM, expr.span)?;
        self.iteration_target(&outermost.target)?;
        self.exprs(&outermost.ifs)?;
        for generator in inner {
            self.iteration_target(&generator.target)?;
            self.iterable(&generator.iter)?;
            self.exprs(&generator.ifs)?;
            self.current().coroutine |= generator.is_async;
        }
        self.opt_expr(value)?;
        self.expr(element)?;
        let is_generator = kind == ComprehensionKind::Generator;
        self.current().generator = is_generator;
        let is_async = self.current().coroutine && !is_generator;
        self.close();
        if is_async {
            let top_level_await = self.top_level_await;
            let block = self.current();
            let allowed_at_top = top_level_await && block.kind == BlockKind::Module;
            let in_coroutine = block.kind == BlockKind::Function && block.coroutine;
            if !in_coroutine && block.comprehension.is_none() && !allowed_at_top {
                let msg = "asynchronous comprehension outside of an asynchronous function";
                return self.fail(msg, expr.span);
            }
            block.coroutine = true;
        }
        Ok(())
    }

    fn iteration_target(&mut self, target: &Expr) -> Result {
        self.current().comp_iter_target = true;
        self.expr(target)?;
        self.current().comp_iter_target = false;
        Ok(())
    }

    fn iterable(&mut self, iter: &Expr) -> Result {
        self.current().comp_iter_expr += 1;
        self.expr(iter)?;
        self.current().comp_iter_expr -= 1;
        Ok(())
    }
}
