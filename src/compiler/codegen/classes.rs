//! Classes.

use taipan_bytecode::oparg::{FunctionAttribute, Intrinsic1};
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{ExprContext, Name, Stmt, StmtKind};
use taipan_syntax::symtable::Role;

use super::functions::first_line;
use super::{Compiler, Result, loc};
use crate::instr::Loc;
use crate::unit::UnitKind;

impl<'a> Compiler<'a> {
    pub(super) fn class(&mut self, stmt: &'a Stmt) -> Result {
        let StmtKind::ClassDef { name, bases, keywords, body, decorator_list, type_params } = &stmt.kind else {
            return Ok(());
        };
        let at = loc(stmt.span);
        self.exprs(decorator_list)?;
        let firstlineno = first_line(stmt, decorator_list);
        let generic = !type_params.is_empty();
        if generic {
            let scope = self.scopes.role(stmt.id, Role::TypeParams)?;
            let unit_name = format!("<generic parameters of {name}>").into();
            let private = Some(name.clone());
            self.enter(UnitKind::Annotations, scope, unit_name, firstlineno, Default::default(), private)?;
            self.type_params(type_params)?;
            self.store_name(".type_params", at)?;
        }
        self.class_body(stmt, name, body, generic, firstlineno)?;
        if generic {
            self.load_name(".type_params", at)?;
            self.emit(Op::CALL_INTRINSIC_1, Intrinsic1::SubscriptGeneric.number(), at);
            self.store_name(".generic_base", at)?;
            self.call_args(2, bases, Some(&Name::from(".generic_base")), keywords, at)?;
            let code = self.finish_unit(false)?;
            self.make_closure(code, FunctionAttribute::empty(), at);
            self.op(Op::PUSH_NULL, at);
            self.emit(Op::CALL, 0, at);
        } else {
            self.call_args(2, bases, None, keywords, at)?;
        }
        self.apply_decorators(decorator_list);
        self.name(name, ExprContext::Store, at)
    }

    /// Loads `__build_class__`, the function that runs the body, and the name.
    fn class_body(
        &mut self,
        stmt: &'a Stmt,
        name: &'a Name,
        body: &'a [Stmt],
        generic: bool,
        firstlineno: i32,
    ) -> Result {
        let scope = self.scopes.of(stmt.id)?;
        let private = Some(name.clone());
        self.enter(UnitKind::Class, scope, name.clone(), firstlineno, Default::default(), private)?;
        let at = Loc::line_start(firstlineno);
        self.load_name("__name__", at)?;
        self.store_name("__module__", at)?;
        let qualname = self.unit().qualname.clone();
        self.load_str(&qualname, at);
        self.store_name("__qualname__", at)?;
        self.load_const(Const::int(firstlineno as i64), at);
        self.store_name("__firstlineno__", at)?;
        if generic {
            self.load_name(".type_params", at)?;
            self.store_name("__type_params__", at)?;
        }
        if scope.needs_classdict() {
            self.op(Op::LOAD_LOCALS, at);
            self.store_cell("__classdict__", at);
        }
        if scope.has_conditional_annotations() {
            self.emit(Op::BUILD_SET, 0, at);
            self.store_cell("__conditional_annotations__", at);
        }
        self.body(body, at, false)?;
        let attributes = self.unit_mut().static_attributes.take().unwrap_or_default();
        self.load_const(Const::Tuple(attributes.iter().map(|name| Const::str(name)).collect()), Loc::NONE);
        self.store_name("__static_attributes__", Loc::NONE)?;
        if scope.needs_classdict() {
            self.load_closure("__classdict__");
            self.store_name("__classdictcell__", Loc::NONE)?;
        }
        if scope.needs_class_closure() {
            self.load_closure("__class__");
            self.emit(Op::COPY, 1, Loc::NONE);
            self.store_name("__classcell__", Loc::NONE)?;
        } else {
            self.load_const(Const::None, Loc::NONE);
        }
        self.op(Op::RETURN_VALUE, Loc::NONE);
        let code = self.finish_unit(true)?;
        let at = loc(stmt.span);
        self.op(Op::LOAD_BUILD_CLASS, at);
        self.op(Op::PUSH_NULL, at);
        self.make_closure(code, FunctionAttribute::empty(), at);
        self.load_str(name, at);
        Ok(())
    }

    fn store_cell(&mut self, name: &str, at: Loc) {
        let index = self.unit_mut().cell_index(&Name::from(name));
        self.emit(Op::STORE_DEREF, index, at);
    }

    fn load_closure(&mut self, name: &str) {
        let index = self.unit_mut().cell_index(&Name::from(name));
        self.emit(Op::LOAD_CLOSURE, index, Loc::NONE);
    }
}
