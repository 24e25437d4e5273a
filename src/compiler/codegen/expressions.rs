//! Expressions.

use taipan_bytecode::oparg::{Intrinsic1, Resume, awaitable};
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Expr, ExprContext, ExprKind, UnaryOp};

use super::calls::at_attribute;
use super::statements::binary_op;
use super::{Compiler, Result, constant, loc};
use crate::instr::Loc;
use crate::unit::UnitKind;

impl<'a> Compiler<'a> {
    pub(super) fn exprs(&mut self, all: &'a [Expr]) -> Result {
        all.iter().try_for_each(|expr| self.expr(expr))
    }

    pub(super) fn expr(&mut self, expr: &'a Expr) -> Result {
        self.check_depth()?;
        let at = loc(expr.span);
        match &expr.kind {
            ExprKind::Constant { value, .. } => {
                self.load_const(constant(value), at);
                Ok(())
            }
            ExprKind::Name { id, ctx } => self.name(id, *ctx, at),
            ExprKind::Attribute { .. } => self.attribute(expr),
            ExprKind::Call { func, args, keywords } => self.call(expr, func, args, keywords),
            ExprKind::BinOp { .. } => self.binary(expr),
            ExprKind::UnaryOp { op, operand } => self.unary(*op, operand, at),
            ExprKind::BoolOp { op, values } => self.bool_op(*op, values, at),
            ExprKind::Compare { .. } => self.compare(expr),
            ExprKind::NamedExpr { target, value } => {
                self.expr(value)?;
                self.emit(Op::COPY, 1, at);
                self.expr(target)
            }
            ExprKind::Lambda { .. } => self.lambda(expr),
            ExprKind::IfExp { test, body, orelse } => self.if_expr(test, body, orelse),
            ExprKind::Dict { keys, values } => self.dict(keys, values, at),
            ExprKind::Set { elts } => self.set(elts, at),
            ExprKind::List { elts, ctx } => self.list(elts, *ctx, at),
            ExprKind::Tuple { elts, ctx } => self.tuple(elts, *ctx, at),
            ExprKind::Subscript { value, slice, ctx } => self.subscript(value, slice, *ctx, at),
            ExprKind::Slice { .. } => self.slice(expr),
            ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::DictComp { .. }
            | ExprKind::GeneratorExp { .. } => self.comprehension(expr),
            ExprKind::Yield { value } => self.yield_expr(value.as_deref(), at),
            ExprKind::YieldFrom { value } => self.yield_from_expr(value, at),
            ExprKind::Await { value } => {
                self.expr(value)?;
                self.await_value(awaitable::AWAIT, at);
                Ok(())
            }
            ExprKind::JoinedStr { values } => self.joined_str(values, at),
            ExprKind::TemplateStr { values } => self.template_str(values, at),
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                self.formatted_value(value, *conversion, format_spec.as_deref(), at)
            }
            ExprKind::Interpolation { value, str, conversion, format_spec } => {
                self.interpolation(value, constant(str), *conversion, format_spec.as_deref(), at)
            }
            ExprKind::Starred { ctx: ExprContext::Store, .. } => {
                self.error(at, "starred assignment target must be in a list or tuple")
            }
            ExprKind::Starred { .. } => self.error(at, "can't use starred expression here"),
        }
    }

    /// Operators lean to the left: their chains are followed in a loop, so that long ones need no deep stack.
    fn binary(&mut self, expr: &'a Expr) -> Result {
        let mut chain = Vec::new();
        let mut innermost = expr;
        while let ExprKind::BinOp { left, op, right } = &innermost.kind {
            chain.push((right, op, loc(innermost.span)));
            innermost = left;
        }
        self.expr(innermost)?;
        for (right, op, at) in chain.into_iter().rev() {
            self.expr(right)?;
            self.emit(Op::BINARY_OP, binary_op(*op).number(), at);
        }
        Ok(())
    }

    fn unary(&mut self, op: UnaryOp, operand: &'a Expr, at: Loc) -> Result {
        self.expr(operand)?;
        match op {
            UnaryOp::UAdd => self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::UnaryPositive.number(), at),
            UnaryOp::Not => {
                self.op(Op::TO_BOOL, at);
                self.op(Op::UNARY_NOT, at);
            }
            UnaryOp::Invert => self.op(Op::UNARY_INVERT, at),
            UnaryOp::USub => self.op(Op::UNARY_NEGATIVE, at),
        }
        Ok(())
    }

    fn attribute(&mut self, expr: &'a Expr) -> Result {
        let ExprKind::Attribute { value, attr, ctx } = &expr.kind else { return Ok(()) };
        let at = loc(expr.span);
        if *ctx == ExprContext::Load
            && let Some(args) = self.super_args(value, attr)
        {
            self.load_super_args(value, args)?;
            self.emit_named(Op::LOAD_SUPER_ATTR, attr, 2, if args.is_empty() { 0 } else { 2 }, at);
            self.op(Op::NOP, at_attribute(at, expr, attr));
            return Ok(());
        }
        if *ctx == ExprContext::Store {
            self.note_static_attribute(value, attr);
        }
        self.expr(value)?;
        let at = at_attribute(at, expr, attr);
        match ctx {
            ExprContext::Load => self.load_attr(attr, at),
            ExprContext::Store => self.emit_named(Op::STORE_ATTR, attr, 0, 0, at),
            ExprContext::Del => self.emit_named(Op::DELETE_ATTR, attr, 0, 0, at),
        }
        Ok(())
    }

    fn yield_expr(&mut self, value: Option<&'a Expr>, at: Loc) -> Result {
        if !self.unit().scope.is_function_like() {
            return self.error(at, "'yield' outside function");
        }
        match value {
            Some(value) => self.expr(value)?,
            None => self.load_const(Const::None, at),
        }
        self.yield_value(at);
        Ok(())
    }

    /// Yields the value on top of the stack.
    pub(super) fn yield_value(&mut self, at: Loc) {
        let scope = &self.unit().scope;
        if scope.is_generator() && scope.is_coroutine() {
            self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::AsyncGenWrap.number(), at);
        }
        self.emit(Op::YIELD_VALUE, 0, at);
        self.emit(Op::RESUME, Resume::AfterYield as u32, at);
    }

    fn yield_from_expr(&mut self, value: &'a Expr, at: Loc) -> Result {
        if !self.unit().scope.is_function_like() {
            return self.error(at, "'yield from' outside function");
        }
        if self.unit().kind == UnitKind::AsyncFunction {
            return self.error(at, "'yield from' inside async function");
        }
        self.expr(value)?;
        self.op(Op::GET_YIELD_FROM_ITER, at);
        self.load_const(Const::None, at);
        self.yield_from(false, at);
        Ok(())
    }

    /// Awaits the value on top of the stack; `kind` is the argument of `GET_AWAITABLE`.
    pub(super) fn await_value(&mut self, kind: u32, at: Loc) {
        self.emit(Op::GET_AWAITABLE, kind, at);
        self.load_const(Const::None, at);
        self.yield_from(true, at);
    }

    /// Runs the iterator below the top of the stack to its end, handing on what is sent in.
    pub(super) fn yield_from(&mut self, is_await: bool, at: Loc) {
        let (send, fail, exit) = (self.label(), self.label(), self.label());
        self.place(send);
        self.jump(Op::SEND, exit, at);
        self.jump(Op::SETUP_FINALLY, fail, at);
        self.emit(Op::YIELD_VALUE, 1, at);
        self.op(Op::POP_BLOCK, Loc::NONE);
        let resume = if is_await { Resume::AfterAwait } else { Resume::AfterYieldFrom };
        self.emit(Op::RESUME, resume as u32, at);
        self.jump(Op::JUMP_NO_INTERRUPT, send, at);
        self.place(fail);
        self.op(Op::CLEANUP_THROW, at);
        self.place(exit);
        self.op(Op::END_SEND, at);
    }
}
