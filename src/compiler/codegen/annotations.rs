//! Annotations: functions that compute them when they are asked for (PEP 649, PEP 749).

use std::sync::Arc;

use taipan_bytecode::oparg::{CommonConstant, CompareOp, FunctionAttribute};
use taipan_bytecode::{CodeFlags, Const, Op};
use taipan_syntax::ast::{Arg, Arguments, Expr, ExprKind, Name, NodeId, Stmt, StmtKind};
use taipan_syntax::symtable::Role;

use super::{Compiler, Result, loc};
use crate::instr::{Loc, Sequence};
use crate::scopes::Scope;
use crate::unit::{ArgCounts, UnitKind};

/// `annotationlib.Format.VALUE_WITH_FAKE_GLOBALS`, the last format that the functions serve themselves.
const VALUE_WITH_FAKE_GLOBALS: i64 = 2;

impl<'a> Compiler<'a> {
    /// Starts a function that takes a format and refuses those that it does not serve.
    pub(super) fn enter_annotations(&mut self, scope: Scope<'a>, name: &str, at: Loc) -> Result {
        let counts = ArgCounts { posonly: 1, ..Default::default() };
        self.enter(UnitKind::Annotations, scope, name.into(), at.line, counts, None)?;
        self.emit(Op::LOAD_FAST, 0, at);
        self.load_const(Const::int(VALUE_WITH_FAKE_GLOBALS), at);
        self.emit(Op::COMPARE_OP, CompareOp::Gt.arg(), at);
        let body = self.label();
        self.jump(Op::POP_JUMP_IF_FALSE, body, at);
        self.emit(Op::LOAD_COMMON_CONSTANT, CommonConstant::NotImplementedError.number(), at);
        self.emit(Op::RAISE_VARARGS, 1, at);
        self.place(body);
        Ok(())
    }

    /// Ends an `__annotate__` function, whose parameter signatures show as `format`.
    fn leave_annotations(&mut self, at: Loc) -> Result {
        self.op(Op::RETURN_VALUE, at);
        let mut code = self.finish_unit(true)?;
        if let Some(first) = code.localsplusnames.first_mut() {
            *first = Arc::from("format");
        }
        self.make_closure(code, FunctionAttribute::empty(), at);
        Ok(())
    }

    /// The text of an annotation (`from __future__ import annotations`).
    pub(super) fn annotation_text(&mut self, annotation: &'a Expr) {
        let text = crate::unparse::unparse(annotation);
        self.load_const(Const::Str(text), loc(annotation.span));
    }

    fn annotation(&mut self, name: &Name, annotation: &'a Expr, at: Loc) -> Result<u32> {
        let name = self.mangled(name);
        self.load_str(&name, at);
        if self.futures.contains(CodeFlags::FUTURE_ANNOTATIONS) {
            self.annotation_text(annotation);
        } else if let ExprKind::Starred { value, .. } = &annotation.kind {
            // `*args: *Ts`
            self.expr(value)?;
            self.emit(Op::UNPACK_SEQUENCE, 1, at);
        } else {
            self.expr(annotation)?;
        }
        Ok(1)
    }

    fn annotated<'b>(&mut self, args: impl IntoIterator<Item = &'a Arg>, at: Loc) -> Result<u32>
    where
        'a: 'b,
    {
        args.into_iter().try_fold(0, |count, arg| match &arg.annotation {
            Some(annotation) => Ok(count + self.annotation(&arg.arg, annotation, at)?),
            None => Ok(count),
        })
    }

    /// The `__annotate__` function of a signature, if it has annotations.
    pub(super) fn signature_annotations(
        &mut self,
        node: NodeId,
        args: &'a Arguments,
        returns: Option<&'a Expr>,
        at: Loc,
    ) -> Result<bool> {
        let Some(scope) = self.scopes.find(node, Role::Signature).filter(|scope| scope.annotations_used()) else {
            return Ok(false);
        };
        self.enter_annotations(scope, scope.name(), at)?;
        let mut count = self.annotated(&args.args, at)?;
        count += self.annotated(&args.posonlyargs, at)?;
        count += self.annotated(args.vararg.as_deref(), at)?;
        count += self.annotated(&args.kwonlyargs, at)?;
        count += self.annotated(args.kwarg.as_deref(), at)?;
        if let Some(returns) = returns {
            count += self.annotation(&Name::from("return"), returns, at)?;
        }
        self.emit(Op::BUILD_MAP, count, at);
        self.leave_annotations(at)?;
        Ok(true)
    }

    /// Remembers the annotation of a variable; if it may not be reached, notes at run time that it was.
    pub(super) fn defer_annotation(&mut self, stmt: &'a Stmt, at: Loc) {
        let unit = self.unit_mut();
        let conditional = unit.kind == UnitKind::Module || unit.conditional_blocks > 0;
        let index = conditional.then(|| {
            unit.next_conditional += 1;
            unit.next_conditional - 1
        });
        unit.deferred.push((stmt, index));
        let Some(index) = index else { return };
        let name = Name::from("__conditional_annotations__");
        if self.unit().kind == UnitKind::Class {
            let cell = self.unit_mut().cell_index(&name);
            self.emit(Op::LOAD_DEREF, cell, at);
        } else {
            self.emit_named(Op::LOAD_NAME, &name, 0, 0, at);
        }
        self.load_const(Const::int(index as i64), at);
        self.emit(Op::SET_ADD, 1, at);
        self.op(Op::POP_TOP, at);
    }

    /// The `__annotate__` function of a module or class. A module's is made before anything else runs.
    pub(super) fn deferred_annotations(&mut self, at: Loc) -> Result {
        let deferred = std::mem::take(&mut self.unit_mut().deferred);
        if deferred.is_empty() {
            return Ok(());
        }
        let kind = self.unit().kind;
        if kind == UnitKind::Module {
            let body = std::mem::take(&mut self.unit_mut().sequence);
            self.unit_mut().stashed = Some(body);
        }
        let scope = self
            .scopes
            .variables(self.unit().scope)
            .ok_or_else(|| crate::internal("annotations without their scope"))?;
        self.enter_annotations(scope, scope.name(), at)?;
        self.emit(Op::BUILD_MAP, 0, at);
        for (stmt, index) in deferred {
            self.deferred_annotation(stmt, index, kind, at)?;
        }
        self.leave_annotations(at)?;
        self.store_name(if kind == UnitKind::Class { "__annotate_func__" } else { "__annotate__" }, at)?;
        if kind == UnitKind::Module {
            let unit = self.unit_mut();
            let body = unit.stashed.take().unwrap_or_default();
            let Sequence { instrs, .. } = std::mem::replace(&mut unit.sequence, body);
            unit.sequence.annotations = Some(instrs);
        }
        Ok(())
    }

    fn deferred_annotation(&mut self, stmt: &'a Stmt, index: Option<u32>, kind: UnitKind, start: Loc) -> Result {
        let StmtKind::AnnAssign { target, annotation, .. } = &stmt.kind else { return Ok(()) };
        let ExprKind::Name { id, .. } = &target.kind else { return Ok(()) };
        let at = loc(stmt.span);
        let not_set = self.label();
        if let Some(index) = index {
            self.load_const(Const::int(index as i64), at);
            let name = Name::from("__conditional_annotations__");
            if kind == UnitKind::Class {
                let free = self.unit_mut().free_index(&name);
                self.emit(Op::LOAD_DEREF, free, at);
            } else {
                self.emit_named(Op::LOAD_GLOBAL, &name, 1, 0, at);
            }
            self.emit(Op::CONTAINS_OP, 0, at);
            self.jump(Op::POP_JUMP_IF_FALSE, not_set, at);
        }
        self.expr(annotation)?;
        self.emit(Op::COPY, 2, at);
        let name = crate::scopes::mangle(self.unit().private.as_deref(), id);
        self.load_str(&name, at);
        self.op(Op::STORE_SUBSCR, start);
        self.place(not_set);
        Ok(())
    }
}
