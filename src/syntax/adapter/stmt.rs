//! Statements.

use ruff_python_ast as r;
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::{Adapter, cover};
use crate::ast::*;

impl Adapter<'_> {
    pub(super) fn suite(&mut self, body: &[r::Stmt]) -> Vec<Stmt> {
        body.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&mut self, stmt: &r::Stmt) -> Stmt {
        let range = self.stmt_range(stmt);
        let kind = self.stmt_kind(stmt, range.end());
        self.node(kind, range)
    }

    /// CPython's range of a statement: definitions start behind their decorators, compound statements end where their
    /// last line does.
    fn stmt_range(&self, stmt: &r::Stmt) -> TextRange {
        let mut range = stmt.range();
        if self.is_disguised_raise(stmt) {
            range = TextRange::at(range.start(), TextSize::of("raise"));
        }
        let decorators = match stmt {
            r::Stmt::FunctionDef(def) => def.decorator_list.last(),
            r::Stmt::ClassDef(def) => def.decorator_list.last(),
            _ => None,
        };
        if let Some(last) = decorators {
            let start = TextSize::new(self.next_token(last.end().to_u32()));
            range = TextRange::new(start, range.end());
        }
        match last_suite(stmt) {
            Some(suite) => TextRange::new(range.start(), self.suite_end(suite).unwrap_or(range.end())),
            None => range,
        }
    }

    /// Whether a `pass` is a `raise` in [disguise](super::disguise).
    fn is_disguised_raise(&self, stmt: &r::Stmt) -> bool {
        matches!(stmt, r::Stmt::Pass(_)) && self.disguised.contains(&stmt.start().to_u32())
    }

    /// The end of a suite, a `;` behind its last simple statement included.
    fn suite_end(&self, suite: &[r::Stmt]) -> Option<TextSize> {
        let last = suite.last()?;
        if let Some(inner) = last_suite(last) {
            return self.suite_end(inner);
        }
        let bytes = self.source.as_bytes();
        let mut at = last.end().to_usize();
        while matches!(bytes.get(at), Some(b' ' | b'\t' | 0x0c)) || bytes[at.min(bytes.len())..].starts_with(b"\\\n") {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        Some(if bytes.get(at) == Some(&b';') { TextSize::new(at as u32 + 1) } else { last.end() })
    }

    fn stmt_kind(&mut self, stmt: &r::Stmt, end: TextSize) -> StmtKind {
        match stmt {
            r::Stmt::FunctionDef(def) => self.function(def),
            r::Stmt::ClassDef(def) => self.class(def),
            r::Stmt::Return(s) => StmtKind::Return { value: self.opt_boxed(s.value.as_deref()) },
            r::Stmt::Delete(s) => StmtKind::Delete { targets: self.exprs(&s.targets) },
            r::Stmt::TypeAlias(s) => StmtKind::TypeAlias {
                name: self.boxed(&s.name),
                type_params: self.type_params(s.type_params.as_deref()),
                value: self.boxed(&s.value),
            },
            r::Stmt::Assign(s) => {
                StmtKind::Assign { targets: self.exprs(&s.targets), value: self.boxed(&s.value), type_comment: None }
            }
            r::Stmt::AugAssign(s) => StmtKind::AugAssign {
                target: self.boxed(&s.target),
                op: super::expr::operator(s.op),
                value: self.boxed(&s.value),
            },
            r::Stmt::AnnAssign(s) => StmtKind::AnnAssign {
                target: self.boxed(&s.target),
                annotation: self.boxed(&s.annotation),
                value: self.opt_boxed(s.value.as_deref()),
                simple: s.simple,
            },
            r::Stmt::For(s) => self.for_loop(s),
            r::Stmt::While(s) => {
                StmtKind::While { test: self.boxed(&s.test), body: self.suite(&s.body), orelse: self.suite(&s.orelse) }
            }
            r::Stmt::If(s) => StmtKind::If {
                test: self.boxed(&s.test),
                body: self.suite(&s.body),
                orelse: self.elif_chain(&s.elif_else_clauses, end),
            },
            r::Stmt::With(s) => self.with(s),
            r::Stmt::Match(s) => StmtKind::Match {
                subject: self.boxed(&s.subject),
                cases: s.cases.iter().map(|case| self.match_case(case)).collect(),
            },
            r::Stmt::Raise(s) => {
                StmtKind::Raise { exc: self.opt_boxed(s.exc.as_deref()), cause: self.opt_boxed(s.cause.as_deref()) }
            }
            r::Stmt::Try(s) => self.try_stmt(s),
            r::Stmt::Assert(s) => StmtKind::Assert { test: self.boxed(&s.test), msg: self.opt_boxed(s.msg.as_deref()) },
            r::Stmt::Import(s) => StmtKind::Import { names: self.aliases(&s.names) },
            r::Stmt::ImportFrom(s) => StmtKind::ImportFrom {
                module: self.opt_identifier(s.module.as_ref()),
                names: self.aliases(&s.names),
                level: Some(s.level),
            },
            r::Stmt::Global(s) => StmtKind::Global { names: s.names.iter().map(|n| self.identifier(n)).collect() },
            r::Stmt::Nonlocal(s) => StmtKind::Nonlocal { names: s.names.iter().map(|n| self.identifier(n)).collect() },
            r::Stmt::Expr(s) => StmtKind::Expr { value: self.boxed(&s.value) },
            r::Stmt::Pass(_) if self.is_disguised_raise(stmt) => StmtKind::Raise { exc: None, cause: None },
            r::Stmt::Pass(_) => StmtKind::Pass {},
            r::Stmt::Break(_) => StmtKind::Break {},
            r::Stmt::Continue(_) => StmtKind::Continue {},
            r::Stmt::IpyEscapeCommand(_) => {
                self.valid = false;
                StmtKind::Pass {}
            }
        }
    }

    fn function(&mut self, def: &r::StmtFunctionDef) -> StmtKind {
        let decorator_list = self.decorators(&def.decorator_list);
        let name = self.identifier(&def.name);
        let type_params = self.type_params(def.type_params.as_deref());
        let args = Box::new(self.parameters(&def.parameters));
        let returns = self.opt_boxed(def.returns.as_deref());
        let body = self.suite(&def.body);
        let type_comment = None;
        if def.is_async {
            StmtKind::AsyncFunctionDef { name, args, body, decorator_list, returns, type_comment, type_params }
        } else {
            StmtKind::FunctionDef { name, args, body, decorator_list, returns, type_comment, type_params }
        }
    }

    fn class(&mut self, def: &r::StmtClassDef) -> StmtKind {
        let decorator_list = self.decorators(&def.decorator_list);
        let name = self.identifier(&def.name);
        let type_params = self.type_params(def.type_params.as_deref());
        let (bases, keywords) = match def.arguments.as_deref() {
            Some(arguments) => (self.arguments(arguments), self.keywords(&arguments.keywords)),
            None => Default::default(),
        };
        StmtKind::ClassDef { name, bases, keywords, body: self.suite(&def.body), decorator_list, type_params }
    }

    fn decorators(&mut self, decorators: &[r::Decorator]) -> Vec<Expr> {
        decorators.iter().map(|decorator| self.expr(&decorator.expression)).collect()
    }

    fn for_loop(&mut self, s: &r::StmtFor) -> StmtKind {
        let target = self.boxed(&s.target);
        let iter = self.boxed(&s.iter);
        let body = self.suite(&s.body);
        let orelse = self.suite(&s.orelse);
        let type_comment = None;
        if s.is_async {
            StmtKind::AsyncFor { target, iter, body, orelse, type_comment }
        } else {
            StmtKind::For { target, iter, body, orelse, type_comment }
        }
    }

    fn with(&mut self, s: &r::StmtWith) -> StmtKind {
        let items = s.items.iter().map(|item| self.with_item(item)).collect();
        let body = self.suite(&s.body);
        let type_comment = None;
        if s.is_async {
            StmtKind::AsyncWith { items, body, type_comment }
        } else {
            StmtKind::With { items, body, type_comment }
        }
    }

    fn with_item(&mut self, item: &r::WithItem) -> WithItem {
        WithItem {
            context_expr: self.boxed(&item.context_expr),
            optional_vars: self.opt_boxed(item.optional_vars.as_deref()),
        }
    }

    /// `elif` and `else` clauses as nested statements that all end where the whole chain ends.
    fn elif_chain(&mut self, clauses: &[r::ElifElseClause], end: TextSize) -> Vec<Stmt> {
        let Some((clause, rest)) = clauses.split_first() else { return Vec::new() };
        let Some(test) = &clause.test else { return self.suite(&clause.body) };
        let kind =
            StmtKind::If { test: self.boxed(test), body: self.suite(&clause.body), orelse: self.elif_chain(rest, end) };
        vec![self.node(kind, TextRange::new(clause.start(), end))]
    }

    fn try_stmt(&mut self, s: &r::StmtTry) -> StmtKind {
        let body = self.suite(&s.body);
        let handlers = s.handlers.iter().map(|handler| self.handler(handler)).collect();
        let orelse = self.suite(&s.orelse);
        let finalbody = self.suite(&s.finalbody);
        if s.is_star {
            StmtKind::TryStar { body, handlers, orelse, finalbody }
        } else {
            StmtKind::Try { body, handlers, orelse, finalbody }
        }
    }

    fn handler(&mut self, handler: &r::ExceptHandler) -> ExceptHandler {
        let r::ExceptHandler::ExceptHandler(h) = handler;
        let data = ExceptHandlerData {
            r#type: self.opt_boxed(h.type_.as_deref()),
            name: self.opt_identifier(h.name.as_ref()),
            body: self.suite(&h.body),
        };
        let end = self.suite_end(&h.body).unwrap_or(h.end());
        self.node(data, TextRange::new(h.start(), end))
    }

    fn match_case(&mut self, case: &r::MatchCase) -> MatchCase {
        MatchCase {
            pattern: self.pattern(&case.pattern),
            guard: self.opt_boxed(case.guard.as_deref()),
            body: self.suite(&case.body),
        }
    }

    fn aliases(&mut self, names: &[r::Alias]) -> Vec<Alias> {
        names
            .iter()
            .map(|alias| {
                let data = AliasData {
                    name: self.identifier(&alias.name),
                    asname: self.opt_identifier(alias.asname.as_ref()),
                };
                self.node(data, alias.range())
            })
            .collect()
    }

    pub(super) fn parameters(&mut self, parameters: &r::Parameters) -> Arguments {
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let defaults = positional.filter_map(|p| p.default.as_deref()).map(|d| self.expr(d)).collect();
        Arguments {
            posonlyargs: parameters.posonlyargs.iter().map(|p| self.parameter(&p.parameter)).collect(),
            args: parameters.args.iter().map(|p| self.parameter(&p.parameter)).collect(),
            vararg: parameters.vararg.as_deref().map(|p| Box::new(self.parameter(p))),
            kwonlyargs: parameters.kwonlyargs.iter().map(|p| self.parameter(&p.parameter)).collect(),
            kw_defaults: parameters.kwonlyargs.iter().map(|p| p.default.as_deref().map(|d| self.expr(d))).collect(),
            kwarg: parameters.kwarg.as_deref().map(|p| Box::new(self.parameter(p))),
            defaults,
        }
    }

    /// A parameter, without its stars.
    fn parameter(&mut self, parameter: &r::Parameter) -> Arg {
        let data = ArgData {
            arg: self.identifier(&parameter.name),
            annotation: self.opt_boxed(parameter.annotation.as_deref()),
            type_comment: None,
        };
        let range = match parameter.annotation.as_deref() {
            Some(annotation) => cover(&parameter.name, annotation),
            None => parameter.name.range(),
        };
        let range = TextRange::new(range.start(), range.end().max(parameter.end()));
        self.node(data, range)
    }

    fn type_params(&mut self, params: Option<&r::TypeParams>) -> Vec<TypeParam> {
        let Some(params) = params else { return Vec::new() };
        params.type_params.iter().map(|param| self.type_param(param)).collect()
    }

    fn type_param(&mut self, param: &r::TypeParam) -> TypeParam {
        let kind = match param {
            r::TypeParam::TypeVar(p) => TypeParamKind::TypeVar {
                name: self.identifier(&p.name),
                bound: self.opt_boxed(p.bound.as_deref()),
                default_value: self.opt_boxed(p.default.as_deref()),
            },
            r::TypeParam::ParamSpec(p) => TypeParamKind::ParamSpec {
                name: self.identifier(&p.name),
                default_value: self.opt_boxed(p.default.as_deref()),
            },
            r::TypeParam::TypeVarTuple(p) => TypeParamKind::TypeVarTuple {
                name: self.identifier(&p.name),
                default_value: self.opt_boxed(p.default.as_deref()),
            },
        };
        self.node(kind, param.range())
    }
}

/// The suite that a compound statement ends with.
fn last_suite(stmt: &r::Stmt) -> Option<&[r::Stmt]> {
    let suites: [&[r::Stmt]; 3] = match stmt {
        r::Stmt::FunctionDef(s) => [&s.body, &[], &[]],
        r::Stmt::ClassDef(s) => [&s.body, &[], &[]],
        r::Stmt::For(s) => [&s.body, &s.orelse, &[]],
        r::Stmt::While(s) => [&s.body, &s.orelse, &[]],
        r::Stmt::If(s) => [&s.body, s.elif_else_clauses.last().map_or(&[], |clause| &clause.body), &[]],
        r::Stmt::With(s) => [&s.body, &[], &[]],
        r::Stmt::Match(s) => [s.cases.last().map_or(&[], |case| &case.body), &[], &[]],
        r::Stmt::Try(s) => {
            let handler = s.handlers.last().map(|r::ExceptHandler::ExceptHandler(h)| &h.body[..]);
            [handler.unwrap_or(&s.body), &s.orelse, &s.finalbody]
        }
        _ => return None,
    };
    suites.into_iter().rev().find(|suite| !suite.is_empty())
}
