//! Conditions: `if`, conditional expressions, comparisons and boolean operators as jumps.

use taipan_bytecode::Op;
use taipan_bytecode::oparg::CompareOp;
use taipan_syntax::ast::{BoolOp, CmpOp, Expr, ExprKind, Stmt, StmtKind, UnaryOp};

use super::{Compiler, Result, loc};
use crate::instr::{Label, Loc};

impl<'a> Compiler<'a> {
    /// An `if` with its `elif`s, which are followed in a loop: there may be many.
    pub(super) fn if_stmt(&mut self, mut test: &'a Expr, mut body: &'a [Stmt], mut orelse: &'a [Stmt]) -> Result {
        let mut ends = Vec::new();
        loop {
            let end = self.label();
            ends.push(end);
            let next = if orelse.is_empty() { end } else { self.label() };
            self.jump_if(test, next, false)?;
            self.stmts(body)?;
            if orelse.is_empty() {
                break;
            }
            self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
            self.place(next);
            let [Stmt { kind: StmtKind::If { test: t, body: b, orelse: o }, .. }] = orelse else {
                self.stmts(orelse)?;
                break;
            };
            (test, body, orelse) = (t, b, o);
        }
        ends.into_iter().rev().for_each(|end| self.place(end));
        Ok(())
    }

    pub(super) fn if_expr(&mut self, test: &'a Expr, body: &'a Expr, orelse: &'a Expr) -> Result {
        let (end, next) = (self.label(), self.label());
        self.jump_if(test, next, false)?;
        self.expr(body)?;
        self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
        self.place(next);
        self.expr(orelse)?;
        self.place(end);
        Ok(())
    }

    /// Jumps to `next` if the truth of `test` is `when`, without making the value.
    pub(super) fn jump_if(&mut self, test: &'a Expr, next: Label, when: bool) -> Result {
        self.check_depth()?;
        match &test.kind {
            ExprKind::UnaryOp { op: UnaryOp::Not, operand } => self.jump_if(operand, next, !when),
            ExprKind::BoolOp { op, values } => {
                let inner = *op == BoolOp::Or;
                let target = if inner == when { next } else { self.label() };
                let Some((last, first)) = values.split_last() else { return Ok(()) };
                first.iter().try_for_each(|value| self.jump_if(value, target, inner))?;
                self.jump_if(last, next, when)?;
                if target != next {
                    self.place(target);
                }
                Ok(())
            }
            ExprKind::IfExp { test, body, orelse } => {
                let (end, other) = (self.label(), self.label());
                self.jump_if(test, other, false)?;
                self.jump_if(body, next, when)?;
                self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
                self.place(other);
                self.jump_if(orelse, next, when)?;
                self.place(end);
                Ok(())
            }
            ExprKind::Compare { left, ops, comparators } if ops.len() > 1 => {
                self.check_compare(test);
                self.jump_if_chain(left, ops, comparators, next, when, loc(test.span))
            }
            _ => {
                self.expr(test)?;
                let at = loc(test.span);
                self.op(Op::TO_BOOL, at);
                self.jump(if when { Op::POP_JUMP_IF_TRUE } else { Op::POP_JUMP_IF_FALSE }, next, at);
                Ok(())
            }
        }
    }

    fn jump_if_chain(
        &mut self,
        left: &'a Expr,
        ops: &[CmpOp],
        comparators: &'a [Expr],
        next: Label,
        when: bool,
        at: Loc,
    ) -> Result {
        let cleanup = self.label();
        self.expr(left)?;
        let last = ops.len() - 1;
        for (op, value) in ops.iter().zip(comparators).take(last) {
            self.expr(value)?;
            self.emit(Op::SWAP, 2, at);
            self.emit(Op::COPY, 2, at);
            self.compare_op(*op, at);
            self.op(Op::TO_BOOL, at);
            self.jump(Op::POP_JUMP_IF_FALSE, cleanup, at);
        }
        self.expr(&comparators[last])?;
        self.compare_op(ops[last], at);
        self.op(Op::TO_BOOL, at);
        self.jump(if when { Op::POP_JUMP_IF_TRUE } else { Op::POP_JUMP_IF_FALSE }, next, at);
        let end = self.label();
        self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
        self.place(cleanup);
        self.op(Op::POP_TOP, at);
        if !when {
            self.jump(Op::JUMP_NO_INTERRUPT, next, Loc::NONE);
        }
        self.place(end);
        Ok(())
    }

    pub(super) fn compare_op(&mut self, op: CmpOp, at: Loc) {
        let compare = match op {
            CmpOp::Is => return self.emit(Op::IS_OP, 0, at),
            CmpOp::IsNot => return self.emit(Op::IS_OP, 1, at),
            CmpOp::In => return self.emit(Op::CONTAINS_OP, 0, at),
            CmpOp::NotIn => return self.emit(Op::CONTAINS_OP, 1, at),
            CmpOp::Eq => CompareOp::Eq,
            CmpOp::NotEq => CompareOp::Ne,
            CmpOp::Lt => CompareOp::Lt,
            CmpOp::LtE => CompareOp::Le,
            CmpOp::Gt => CompareOp::Gt,
            CmpOp::GtE => CompareOp::Ge,
        };
        self.emit(Op::COMPARE_OP, compare.arg(), at);
    }

    pub(super) fn compare(&mut self, expr: &'a Expr) -> Result {
        let ExprKind::Compare { left, ops, comparators } = &expr.kind else { return Ok(()) };
        let at = loc(expr.span);
        self.check_compare(expr);
        self.expr(left)?;
        let last = ops.len() - 1;
        let cleanup = (last > 0).then(|| self.label());
        if let Some(cleanup) = cleanup {
            for (op, value) in ops.iter().zip(comparators).take(last) {
                self.expr(value)?;
                self.emit(Op::SWAP, 2, at);
                self.emit(Op::COPY, 2, at);
                self.compare_op(*op, at);
                self.emit(Op::COPY, 1, at);
                self.op(Op::TO_BOOL, at);
                self.jump(Op::POP_JUMP_IF_FALSE, cleanup, at);
                self.op(Op::POP_TOP, at);
            }
        }
        self.expr(&comparators[last])?;
        self.compare_op(ops[last], at);
        if let Some(cleanup) = cleanup {
            let end = self.label();
            self.jump(Op::JUMP_NO_INTERRUPT, end, Loc::NONE);
            self.place(cleanup);
            self.emit(Op::SWAP, 2, at);
            self.op(Op::POP_TOP, at);
            self.place(end);
        }
        Ok(())
    }

    pub(super) fn bool_op(&mut self, op: BoolOp, values: &'a [Expr], at: Loc) -> Result {
        let jump = if op == BoolOp::And { Op::JUMP_IF_FALSE } else { Op::JUMP_IF_TRUE };
        let end = self.label();
        let Some((last, first)) = values.split_last() else { return Ok(()) };
        for value in first {
            self.expr(value)?;
            self.jump(jump, end, at);
            self.op(Op::POP_TOP, at);
        }
        self.expr(last)?;
        self.place(end);
        Ok(())
    }
}
