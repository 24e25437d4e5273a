//! Functions and lambdas.

use taipan_bytecode::oparg::{FunctionAttribute, Intrinsic2};
use taipan_bytecode::{Const, Op};
use taipan_syntax::ast::{Arguments, Expr, ExprContext, ExprKind, Name, Stmt, StmtKind, TypeParam};
use taipan_syntax::symtable::Role;

use super::scope::{clean_doc, docstring};
use super::{Compiler, Result, loc};
use crate::instr::{Label, Loc};
use crate::unit::{ArgCounts, BlockData, BlockKind, UnitKind};

/// The parts of a `def`.
struct Def<'a> {
    stmt: &'a Stmt,
    is_async: bool,
    name: &'a Name,
    args: &'a Arguments,
    body: &'a [Stmt],
    decorators: &'a [Expr],
    returns: Option<&'a Expr>,
    type_params: &'a [TypeParam],
}

fn def(stmt: &Stmt) -> Option<Def<'_>> {
    let (StmtKind::FunctionDef { name, args, body, decorator_list, returns, type_params, .. }
    | StmtKind::AsyncFunctionDef { name, args, body, decorator_list, returns, type_params, .. }) = &stmt.kind
    else {
        return None;
    };
    Some(Def {
        stmt,
        is_async: matches!(stmt.kind, StmtKind::AsyncFunctionDef { .. }),
        name,
        args,
        body,
        decorators: decorator_list,
        returns: returns.as_deref(),
        type_params,
    })
}

fn counts(args: &Arguments) -> ArgCounts {
    ArgCounts {
        args: args.args.len() as u32,
        posonly: args.posonlyargs.len() as u32,
        kwonly: args.kwonlyargs.len() as u32,
    }
}

/// The line where a definition starts: that of its first decorator.
pub(super) fn first_line(stmt: &Stmt, decorators: &[Expr]) -> i32 {
    decorators.first().map_or(stmt.span, |decorator| decorator.span).lineno as i32
}

impl<'a> Compiler<'a> {
    pub(super) fn apply_decorators(&mut self, decorators: &'a [Expr]) {
        decorators.iter().rev().for_each(|decorator| self.emit(Op::CALL, 0, loc(decorator.span)));
    }

    pub(super) fn function(&mut self, stmt: &'a Stmt) -> Result {
        let Some(def) = def(stmt) else { return Ok(()) };
        let at = loc(stmt.span);
        self.exprs(def.decorators)?;
        let firstlineno = first_line(stmt, def.decorators);
        let mut flags = self.default_arguments(def.args, at)?;
        let generic = !def.type_params.is_empty();
        let mut on_stack = 0;
        if generic {
            on_stack = (flags & (FunctionAttribute::DEFAULTS | FunctionAttribute::KWDEFAULTS)).bits().count_ones();
            if on_stack == 2 {
                self.emit(Op::SWAP, 2, at);
            }
            let scope = self.scopes.role(stmt.id, Role::TypeParams)?;
            let counts = ArgCounts { args: on_stack, ..Default::default() };
            let name = format!("<generic parameters of {}>", def.name).into();
            self.enter(UnitKind::Annotations, scope, name, firstlineno, counts, None)?;
            self.type_params(def.type_params)?;
            (0..on_stack).for_each(|index| self.emit(Op::LOAD_FAST, index, at));
        }
        if self.signature_annotations(stmt.id, def.args, def.returns, at)? {
            flags |= FunctionAttribute::ANNOTATE;
        }
        self.function_body(&def, flags, firstlineno)?;
        if generic {
            self.emit(Op::SWAP, 2, at);
            self.emit(Op::CALL_INTRINSIC_2, Intrinsic2::SetFunctionTypeParams.number(), at);
            let code = self.finish_unit(false)?;
            self.make_closure(code, FunctionAttribute::empty(), at);
            if on_stack > 0 {
                self.emit(Op::SWAP, on_stack + 1, at);
                self.emit(Op::CALL, on_stack - 1, at);
            } else {
                self.op(Op::PUSH_NULL, at);
                self.emit(Op::CALL, 0, at);
            }
        }
        self.apply_decorators(def.decorators);
        self.name(def.name, ExprContext::Store, at)
    }

    fn function_body(&mut self, def: &Def<'a>, flags: FunctionAttribute, firstlineno: i32) -> Result {
        let scope = self.scopes.of(def.stmt.id)?;
        let kind = if def.is_async { UnitKind::AsyncFunction } else { UnitKind::Function };
        self.enter(kind, scope, def.name.clone(), firstlineno, counts(def.args), None)?;
        let mut body = def.body;
        if scope.has_docstring()
            && let Some((doc, _)) = docstring(body)
        {
            self.unit_mut().consts.add(Const::Str(clean_doc(doc)));
            body = &body[1..];
        }
        let start = self.label();
        self.place(start);
        let wrap = scope.is_coroutine() || scope.is_generator();
        if wrap {
            self.push_block(BlockKind::StopIteration, start, Label::NONE, Loc::NONE, BlockData::Nothing)?;
        }
        self.stmts(body)?;
        if wrap {
            self.wrap_stop_iteration();
            self.pop_block();
        }
        let code = self.finish_unit(true)?;
        self.make_closure(code, flags, loc(def.stmt.span));
        Ok(())
    }

    /// The values of defaults; tells which kinds there are.
    fn default_arguments(&mut self, args: &'a Arguments, at: Loc) -> Result<FunctionAttribute> {
        let mut flags = FunctionAttribute::empty();
        if !args.defaults.is_empty() {
            self.exprs(&args.defaults)?;
            self.emit(Op::BUILD_TUPLE, args.defaults.len() as u32, at);
            flags |= FunctionAttribute::DEFAULTS;
        }
        let mut count = 0;
        for (arg, default) in args.kwonlyargs.iter().zip(&args.kw_defaults) {
            let Some(default) = default else { continue };
            let name = self.mangled(&arg.arg);
            self.load_str(&name, at);
            self.expr(default)?;
            count += 1;
        }
        if count > 0 {
            self.emit(Op::BUILD_MAP, count, at);
            flags |= FunctionAttribute::KWDEFAULTS;
        }
        Ok(flags)
    }

    pub(super) fn lambda(&mut self, expr: &'a Expr) -> Result {
        let ExprKind::Lambda { args, body } = &expr.kind else { return Ok(()) };
        let at = loc(expr.span);
        let flags = self.default_arguments(args, at)?;
        let scope = self.scopes.of(expr.id)?;
        self.enter(UnitKind::Lambda, scope, "<lambda>".into(), at.line, counts(args), None)?;
        self.expr(body)?;
        let generator = scope.is_generator();
        if !generator {
            self.op(Op::RETURN_VALUE, loc(body.span));
        }
        let code = self.finish_unit(!generator)?;
        self.make_closure(code, flags, at);
        Ok(())
    }
}
