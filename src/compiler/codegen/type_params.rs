//! Type parameters and type aliases (PEP 695, PEP 696).

use taipan_bytecode::oparg::{FunctionAttribute, Intrinsic1, Intrinsic2};
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Expr, ExprContext, ExprKind, Name, Stmt, StmtKind, TypeParam, TypeParamKind};
use taipan_syntax::symtable::Role;

use super::{Compiler, Result, loc};
use crate::instr::Loc;
use crate::unit::UnitKind;

impl<'a> Compiler<'a> {
    /// The default argument of functions that compute types: the format `VALUE`.
    fn format_default(&mut self, at: Loc) {
        self.load_const(Const::Tuple(vec![Const::int(1)]), at);
    }

    fn bound_or_default(&mut self, param: &'a TypeParam, name: &Name, expr: &'a Expr, role: Role) -> Result {
        let at = loc(expr.span);
        self.format_default(at);
        let scope = self.scopes.role(param.id, role)?;
        self.enter_annotations(scope, name, at)?;
        match &expr.kind {
            // `*Ts = *default`
            ExprKind::Starred { value, .. } if matches!(param.kind, TypeParamKind::TypeVarTuple { .. }) => {
                self.expr(value)?;
                self.emit(Op::UNPACK_SEQUENCE, 1, at);
            }
            _ => self.expr(expr)?,
        }
        self.op(Op::RETURN_VALUE, at);
        let code = self.finish_unit(true)?;
        self.make_closure(code, FunctionAttribute::DEFAULTS, at);
        Ok(())
    }

    /// The tuple of type parameters; their names are bound.
    pub(super) fn type_params(&mut self, params: &'a [TypeParam]) -> Result {
        let mut seen_default = false;
        for param in params {
            let at = loc(param.span);
            let (name, default) = match &param.kind {
                TypeParamKind::TypeVar { name, default_value, .. }
                | TypeParamKind::ParamSpec { name, default_value }
                | TypeParamKind::TypeVarTuple { name, default_value } => (name, default_value),
            };
            self.load_str(name, at);
            match &param.kind {
                TypeParamKind::TypeVar { bound: Some(bound), .. } => {
                    self.bound_or_default(param, name, bound, Role::Bound)?;
                    let constraints = matches!(bound.kind, ExprKind::Tuple { .. });
                    let intrinsic =
                        if constraints { Intrinsic2::TypeVarWithConstraints } else { Intrinsic2::TypeVarWithBound };
                    self.emit(Op::CALL_INTRINSIC_2, intrinsic.number(), at);
                }
                kind => {
                    let intrinsic = match kind {
                        TypeParamKind::TypeVar { .. } => Intrinsic1::TypeVar,
                        TypeParamKind::ParamSpec { .. } => Intrinsic1::ParamSpec,
                        TypeParamKind::TypeVarTuple { .. } => Intrinsic1::TypeVarTuple,
                    };
                    self.emit(Op::CALL_INTRINSIC_1, intrinsic.number(), at);
                }
            }
            match default {
                Some(default) => {
                    seen_default = true;
                    self.bound_or_default(param, name, default, Role::Default)?;
                    self.emit(Op::CALL_INTRINSIC_2, Intrinsic2::SetTypeParamDefault.number(), at);
                }
                None if seen_default => {
                    let msg = format!("non-default type parameter '{name}' follows default type parameter");
                    return self.error(at, msg);
                }
                None => {}
            }
            self.emit(Op::COPY, 1, at);
            self.name(name, ExprContext::Store, at)?;
        }
        if let Some(first) = params.first() {
            self.emit(Op::BUILD_TUPLE, params.len() as u32, loc(first.span));
        }
        Ok(())
    }

    pub(super) fn type_alias(&mut self, stmt: &'a Stmt) -> Result {
        let StmtKind::TypeAlias { name, type_params, value } = &stmt.kind else { return Ok(()) };
        let ExprKind::Name { id: name, .. } = &name.kind else {
            return Err(crate::internal("the name of a type alias is not a name"));
        };
        let at = loc(stmt.span);
        let generic = !type_params.is_empty();
        if generic {
            let scope = self.scopes.role(stmt.id, Role::TypeParams)?;
            let unit_name = format!("<generic parameters of {name}>").into();
            self.enter(UnitKind::Annotations, scope, unit_name, at.line, Default::default(), None)?;
            self.load_str(name, at);
            self.type_params(type_params)?;
        } else {
            self.load_str(name, at);
            self.load_const(Const::None, at);
        }
        self.type_alias_value(stmt, name, value, at)?;
        if generic {
            let code = self.finish_unit(false)?;
            self.make_closure(code, FunctionAttribute::empty(), at);
            self.op(Op::PUSH_NULL, at);
            self.emit(Op::CALL, 0, at);
        }
        self.name(name, ExprContext::Store, at)
    }

    fn type_alias_value(&mut self, stmt: &'a Stmt, name: &'a Name, value: &'a Expr, at: Loc) -> Result {
        self.format_default(at);
        let scope = self.scopes.of(stmt.id)?;
        self.enter_annotations(scope, name, at)?;
        self.expr(value)?;
        self.op(Op::RETURN_VALUE, at);
        let code = self.finish_unit(false)?;
        self.make_closure(code, FunctionAttribute::DEFAULTS, at);
        self.emit(Op::BUILD_TUPLE, 3, at);
        self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::TypeAlias.number(), at);
        Ok(())
    }
}
