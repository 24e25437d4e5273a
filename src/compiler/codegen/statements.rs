//! Statements.

use taipan_bytecode::oparg::{BinaryOp, CommonConstant, Intrinsic1};
use taipan_bytecode::{CodeFlags, Const, Op};
use taipan_syntax::ast::{self, Constant, Expr, ExprContext, ExprKind, Operator, Stmt, StmtKind};

use super::{Compiler, Result, loc};
use crate::instr::Loc;
use crate::scopes::ScopeKind;
use crate::unit::UnitKind;

/// The operator of an instruction.
pub(crate) fn binary_op(op: Operator) -> BinaryOp {
    match op {
        Operator::Add => BinaryOp::Add,
        Operator::Sub => BinaryOp::Subtract,
        Operator::Mult => BinaryOp::Multiply,
        Operator::MatMult => BinaryOp::MatrixMultiply,
        Operator::Div => BinaryOp::TrueDivide,
        Operator::Mod => BinaryOp::Remainder,
        Operator::Pow => BinaryOp::Power,
        Operator::LShift => BinaryOp::Lshift,
        Operator::RShift => BinaryOp::Rshift,
        Operator::BitOr => BinaryOp::Or,
        Operator::BitXor => BinaryOp::Xor,
        Operator::BitAnd => BinaryOp::And,
        Operator::FloorDiv => BinaryOp::FloorDivide,
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn stmts(&mut self, body: &'a [Stmt]) -> Result {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &'a Stmt) -> Result {
        self.check_depth()?;
        let at = loc(stmt.span);
        match &stmt.kind {
            StmtKind::FunctionDef { .. } | StmtKind::AsyncFunctionDef { .. } => self.function(stmt),
            StmtKind::ClassDef { .. } => self.class(stmt),
            StmtKind::TypeAlias { .. } => self.type_alias(stmt),
            StmtKind::Return { value } => self.return_stmt(value.as_deref(), stmt),
            StmtKind::Delete { targets } => self.exprs(targets),
            StmtKind::Assign { targets, value, .. } => self.assign(targets, value, at),
            StmtKind::AugAssign { target, op, value } => self.aug_assign(target, *op, value, at),
            StmtKind::AnnAssign { .. } => self.ann_assign(stmt),
            StmtKind::Raise { exc, cause } => {
                let given = [exc, cause].into_iter().flatten();
                let count = given.clone().count() as u32;
                given.into_iter().try_for_each(|value| self.expr(value))?;
                self.emit(Op::RAISE_VARARGS, count, at);
                Ok(())
            }
            StmtKind::Assert { test, msg } => self.assert(test, msg.as_deref(), at),
            StmtKind::Import { names } => self.import(names, at),
            StmtKind::ImportFrom { module, names, level } => self.import_from(module.as_ref(), names, *level, at),
            StmtKind::Global { .. } | StmtKind::Nonlocal { .. } => Ok(()),
            StmtKind::Expr { value } => self.expr_stmt(value, at),
            StmtKind::Pass {} => {
                self.op(Op::NOP, at);
                Ok(())
            }
            StmtKind::Break {} => self.break_stmt(at),
            StmtKind::Continue {} => self.continue_stmt(at),
            _ => self.block_stmt(stmt),
        }
    }

    /// Statements whose parts may not be reached: annotations in them are conditional.
    fn block_stmt(&mut self, stmt: &'a Stmt) -> Result {
        self.unit_mut().conditional_blocks += 1;
        let at = loc(stmt.span);
        match &stmt.kind {
            StmtKind::For { target, iter, body, orelse, .. } => self.for_loop(target, iter, body, orelse, at),
            StmtKind::AsyncFor { target, iter, body, orelse, .. } => self.async_for(target, iter, body, orelse, at),
            StmtKind::While { test, body, orelse } => self.while_loop(test, body, orelse, at),
            StmtKind::If { test, body, orelse } => self.if_stmt(test, body, orelse),
            StmtKind::With { items, body, .. } => self.with(items, body, false),
            StmtKind::AsyncWith { items, body, .. } => self.with(items, body, true),
            StmtKind::Match { subject, cases } => self.match_stmt(subject, cases),
            StmtKind::Try { body, handlers, orelse, finalbody } => {
                self.try_stmt(&super::tries::Try { body, handlers, orelse, finalbody, star: false }, at)
            }
            StmtKind::TryStar { body, handlers, orelse, finalbody } => {
                self.try_stmt(&super::tries::Try { body, handlers, orelse, finalbody, star: true }, at)
            }
            _ => Err(crate::internal("a statement without code")),
        }?;
        self.unit_mut().conditional_blocks -= 1;
        Ok(())
    }

    fn assign(&mut self, targets: &'a [Expr], value: &'a Expr, at: Loc) -> Result {
        self.expr(value)?;
        for (index, target) in targets.iter().enumerate() {
            if index + 1 < targets.len() {
                self.emit(Op::COPY, 1, at);
            }
            self.expr(target)?;
        }
        Ok(())
    }

    fn return_stmt(&mut self, value: Option<&'a Expr>, stmt: &'a Stmt) -> Result {
        let mut at = loc(stmt.span);
        let scope = &self.unit().scope;
        if !scope.is_function_like() {
            return self.error(at, "'return' outside function");
        }
        if value.is_some() && scope.is_coroutine() && scope.is_generator() {
            return self.error(at, "'return' with value in async generator");
        }
        let constant = value.and_then(|value| match &value.kind {
            ExprKind::Constant { value, .. } => Some(super::constant(value)),
            _ => None,
        });
        let preserve = value.is_some() && constant.is_none();
        match value {
            Some(value) if preserve => self.expr(value)?,
            Some(value) => {
                at = loc(value.span);
                self.op(Op::NOP, at);
            }
            None => {}
        }
        if value.is_none_or(|value| value.span.lineno != stmt.span.lineno) {
            at = loc(stmt.span);
            self.op(Op::NOP, at);
        }
        self.unwind_all(&mut at, preserve)?;
        if !preserve {
            self.load_const(constant.unwrap_or(Const::None), at);
        }
        self.op(Op::RETURN_VALUE, at);
        Ok(())
    }

    fn break_stmt(&mut self, origin: Loc) -> Result {
        let mut at = origin;
        self.op(Op::NOP, at);
        let Some(around) = self.unwind_to_loop(&mut at)? else {
            return self.error(origin, "'break' outside loop");
        };
        self.unwind_block(&around, &mut at, false)?;
        self.jump(Op::JUMP, around.exit, at);
        Ok(())
    }

    fn continue_stmt(&mut self, origin: Loc) -> Result {
        let mut at = origin;
        self.op(Op::NOP, at);
        let Some(around) = self.unwind_to_loop(&mut at)? else {
            return self.error(origin, "'continue' not properly in loop");
        };
        self.jump(Op::JUMP, around.start, at);
        Ok(())
    }

    fn assert(&mut self, test: &'a Expr, msg: Option<&'a Expr>, at: Loc) -> Result {
        let always_true = match &test.kind {
            ExprKind::Tuple { elts, .. } => !elts.is_empty(),
            ExprKind::Constant { value: Constant::Tuple(items), .. } => !items.is_empty(),
            _ => false,
        };
        if always_true {
            self.warn(at, "assertion is always true, perhaps remove parentheses?".to_owned());
        }
        if self.optimize > 0 {
            return Ok(());
        }
        let end = self.label();
        self.jump_if(test, end, true)?;
        self.emit(Op::LOAD_COMMON_CONSTANT, CommonConstant::AssertionError.number(), at);
        if let Some(msg) = msg {
            self.expr(msg)?;
            self.emit(Op::CALL, 0, at);
        }
        self.emit(Op::RAISE_VARARGS, 1, loc(test.span));
        self.place(end);
        Ok(())
    }

    fn expr_stmt(&mut self, value: &'a Expr, at: Loc) -> Result {
        if self.interactive && self.units.len() == 1 {
            self.expr(value)?;
            self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::Print.number(), at);
            self.op(Op::POP_TOP, Loc::NONE);
            return Ok(());
        }
        if matches!(value.kind, ExprKind::Constant { .. }) {
            self.op(Op::NOP, at);
            return Ok(());
        }
        self.expr(value)?;
        self.op(Op::POP_TOP, Loc::NONE);
        Ok(())
    }

    fn aug_assign(&mut self, target: &'a Expr, op: Operator, value: &'a Expr, at: Loc) -> Result {
        let place = loc(target.span);
        let binary = |this: &mut Self| -> Result {
            this.expr(value)?;
            this.emit(Op::BINARY_OP, binary_op(op).inplace().number(), at);
            Ok(())
        };
        match &target.kind {
            ExprKind::Attribute { value: object, attr, .. } => {
                self.expr(object)?;
                self.emit(Op::COPY, 1, place);
                let place = super::calls::at_attribute(place, target, attr);
                self.load_attr(attr, place);
                binary(self)?;
                self.emit(Op::SWAP, 2, place);
                self.emit_named(Op::STORE_ATTR, attr, 0, 0, place);
            }
            ExprKind::Subscript { value: object, slice, .. } => {
                self.expr(object)?;
                if super::collections::is_plain_slice(slice) {
                    self.slice_parts(slice)?;
                    (0..3).for_each(|_| self.emit(Op::COPY, 3, place));
                    self.op(Op::BINARY_SLICE, place);
                    binary(self)?;
                    [4, 3, 2].into_iter().for_each(|depth| self.emit(Op::SWAP, depth, place));
                    self.op(Op::STORE_SLICE, place);
                } else {
                    self.expr(slice)?;
                    (0..2).for_each(|_| self.emit(Op::COPY, 2, place));
                    self.emit(Op::BINARY_OP, BinaryOp::Subscript.number(), place);
                    binary(self)?;
                    [3, 2].into_iter().for_each(|depth| self.emit(Op::SWAP, depth, place));
                    self.op(Op::STORE_SUBSCR, place);
                }
            }
            ExprKind::Name { id, .. } => {
                self.name(id, ExprContext::Load, place)?;
                binary(self)?;
                self.name(id, ExprContext::Store, place)?;
            }
            _ => return Err(crate::internal("invalid target of an augmented assignment")),
        }
        Ok(())
    }

    fn ann_assign(&mut self, stmt: &'a Stmt) -> Result {
        let StmtKind::AnnAssign { target, annotation, value, simple } = &stmt.kind else { return Ok(()) };
        let at = loc(stmt.span);
        if let Some(value) = value {
            self.expr(value)?;
            self.expr(target)?;
        }
        match &target.kind {
            ExprKind::Name { id, .. } => {
                if !*simple || !matches!(self.unit().kind, UnitKind::Module | UnitKind::Class) {
                    return Ok(());
                }
                if self.futures.contains(CodeFlags::FUTURE_ANNOTATIONS) {
                    self.annotation_text(annotation);
                    self.emit_named(Op::LOAD_NAME, &"__annotations__".into(), 0, 0, at);
                    let name = self.mangled(id);
                    self.load_str(&name, at);
                    self.op(Op::STORE_SUBSCR, at);
                } else {
                    self.defer_annotation(stmt, at);
                }
                Ok(())
            }
            ExprKind::Attribute { value: object, .. } if value.is_none() => self.check_annotated(object),
            ExprKind::Subscript { value: object, slice, .. } if value.is_none() => {
                self.check_annotated(object)?;
                self.check_annotated_index(slice)
            }
            _ => Ok(()),
        }
    }

    /// Evaluates a part of the target of an annotation without a value, for its errors.
    fn check_annotated(&mut self, part: &'a Expr) -> Result {
        self.expr(part)?;
        self.op(Op::POP_TOP, loc(part.span));
        Ok(())
    }

    fn check_annotated_index(&mut self, index: &'a Expr) -> Result {
        match &index.kind {
            ExprKind::Slice { lower, upper, step } => {
                [lower, upper, step].into_iter().flatten().try_for_each(|part| self.check_annotated(part))
            }
            ExprKind::Tuple { elts, .. } => elts.iter().try_for_each(|part| self.check_annotated_index(part)),
            _ => self.check_annotated(index),
        }
    }

    /// True in a class body itself, not in a comprehension that is inlined there.
    pub(super) fn in_class_block(&self) -> bool {
        self.unit().scope.kind() == ScopeKind::Class && self.unit().inlined_comprehensions == 0
    }
}

/// True of a starred expression.
pub(super) fn is_starred(expr: &ast::Expr) -> bool {
    matches!(expr.kind, ExprKind::Starred { .. })
}
