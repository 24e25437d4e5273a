//! Expressions other than strings.

use ruff_python_ast as r;
use ruff_text_size::{Ranged, TextRange};

use super::Adapter;
use crate::ast::*;
use crate::number;
use crate::stack::{MAX_DEPTH, grown};

impl Adapter<'_> {
    pub(super) fn boxed(&mut self, expr: &r::Expr) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    pub(super) fn opt_boxed(&mut self, expr: Option<&r::Expr>) -> Option<Box<Expr>> {
        expr.map(|expr| self.boxed(expr))
    }

    pub(super) fn exprs(&mut self, exprs: &[r::Expr]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    /// Converts an expression, on more stack if there is little left.
    pub(super) fn expr(&mut self, expr: &r::Expr) -> Expr {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.too_deep = true;
            self.depth -= 1;
            return self.node(constant(Constant::None), expr.range());
        }
        let converted = grown(|| self.expr_proper(expr));
        self.depth -= 1;
        converted
    }

    fn expr_proper(&mut self, expr: &r::Expr) -> Expr {
        let range = expr.range();
        let kind = match expr {
            r::Expr::BoolOp(e) => ExprKind::BoolOp {
                op: match e.op {
                    r::BoolOp::And => BoolOp::And,
                    r::BoolOp::Or => BoolOp::Or,
                },
                values: self.exprs(&e.values),
            },
            r::Expr::Named(e) => ExprKind::NamedExpr { target: self.boxed(&e.target), value: self.boxed(&e.value) },
            r::Expr::BinOp(e) => {
                ExprKind::BinOp { left: self.boxed(&e.left), op: operator(e.op), right: self.boxed(&e.right) }
            }
            r::Expr::UnaryOp(e) => ExprKind::UnaryOp { op: unary(e.op), operand: self.boxed(&e.operand) },
            r::Expr::Lambda(e) => self.lambda(e),
            r::Expr::If(e) => {
                ExprKind::IfExp { test: self.boxed(&e.test), body: self.boxed(&e.body), orelse: self.boxed(&e.orelse) }
            }
            r::Expr::Dict(e) => ExprKind::Dict {
                keys: e.items.iter().map(|item| item.key.as_ref().map(|key| self.expr(key))).collect(),
                values: e.items.iter().map(|item| self.expr(&item.value)).collect(),
            },
            r::Expr::Set(e) => ExprKind::Set { elts: self.exprs(&e.elts) },
            r::Expr::ListComp(e) => {
                ExprKind::ListComp { elt: self.boxed(&e.elt), generators: self.generators(&e.generators) }
            }
            r::Expr::SetComp(e) => {
                ExprKind::SetComp { elt: self.boxed(&e.elt), generators: self.generators(&e.generators) }
            }
            r::Expr::Generator(e) => {
                ExprKind::GeneratorExp { elt: self.boxed(&e.elt), generators: self.generators(&e.generators) }
            }
            r::Expr::DictComp(e) => self.dict_comp(e),
            r::Expr::Await(e) => ExprKind::Await { value: self.boxed(&e.value) },
            r::Expr::Yield(e) => {
                self.valid &= e.value.is_some() || self.can_follow_yield(range.end().to_u32());
                ExprKind::Yield { value: self.opt_boxed(e.value.as_deref()) }
            }
            r::Expr::YieldFrom(e) => ExprKind::YieldFrom { value: self.boxed(&e.value) },
            r::Expr::Compare(e) => ExprKind::Compare {
                left: self.boxed(&e.left),
                ops: e.ops.iter().map(|&op| comparison(op)).collect(),
                comparators: self.exprs(&e.comparators),
            },
            r::Expr::Call(e) => self.call(e),
            r::Expr::FString(e) => return self.f_string(e),
            r::Expr::TString(e) => return self.t_string(e),
            r::Expr::StringLiteral(e) => return self.string(e),
            r::Expr::BytesLiteral(e) => return self.bytes(e),
            r::Expr::NumberLiteral(e) => constant(self.number(e)),
            r::Expr::BooleanLiteral(e) => constant(Constant::Bool(e.value)),
            r::Expr::NoneLiteral(_) => constant(Constant::None),
            r::Expr::EllipsisLiteral(_) => constant(Constant::Ellipsis),
            r::Expr::Attribute(e) => {
                ExprKind::Attribute { value: self.boxed(&e.value), attr: self.identifier(&e.attr), ctx: context(e.ctx) }
            }
            r::Expr::Subscript(e) => {
                ExprKind::Subscript { value: self.boxed(&e.value), slice: self.boxed(&e.slice), ctx: context(e.ctx) }
            }
            r::Expr::Starred(e) => ExprKind::Starred { value: self.boxed(&e.value), ctx: context(e.ctx) },
            r::Expr::Name(e) => {
                let disguised = self.disguised.contains(&range.start().to_u32());
                let id = if disguised { &self.source[range.to_std_range()] } else { e.id.as_str() };
                ExprKind::Name { id: self.name(id), ctx: context(e.ctx) }
            }
            r::Expr::List(e) => ExprKind::List { elts: self.exprs(&e.elts), ctx: context(e.ctx) },
            r::Expr::Tuple(e) => ExprKind::Tuple { elts: self.exprs(&e.elts), ctx: context(e.ctx) },
            r::Expr::Slice(e) => ExprKind::Slice {
                lower: self.opt_boxed(e.lower.as_deref()),
                upper: self.opt_boxed(e.upper.as_deref()),
                step: self.opt_boxed(e.step.as_deref()),
            },
            r::Expr::IpyEscapeCommand(_) => {
                self.valid = false;
                constant(Constant::None)
            }
        };
        self.node(kind, range)
    }

    /// Whether a `yield` without a value may end at `offset`: it is no operand and no element of a tuple.
    fn can_follow_yield(&self, offset: u32) -> bool {
        let rest = self.source[offset as usize..].trim_start_matches([' ', '\t', '\x0c']);
        let word = &rest[..rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len())];
        if rest.starts_with("==") || matches!(word, "in" | "is" | "and" | "or" | "if" | "else" | "for" | "as") {
            return false;
        }
        let next = self.source.as_bytes().get(self.next_token(offset) as usize);
        !next.is_some_and(|byte| b",<>|^&%*/.".contains(byte))
    }

    fn lambda(&mut self, e: &r::ExprLambda) -> ExprKind {
        let args = match e.parameters.as_deref() {
            Some(parameters) => self.parameters(parameters),
            None => Arguments {
                posonlyargs: Vec::new(),
                args: Vec::new(),
                vararg: None,
                kwonlyargs: Vec::new(),
                kw_defaults: Vec::new(),
                kwarg: None,
                defaults: Vec::new(),
            },
        };
        ExprKind::Lambda { args: Box::new(args), body: self.boxed(&e.body) }
    }

    fn dict_comp(&mut self, e: &r::ExprDictComp) -> ExprKind {
        let key = match e.key.as_deref() {
            Some(key) => self.boxed(key),
            None => {
                self.valid = false;
                self.boxed(&e.value)
            }
        };
        ExprKind::DictComp { key, value: self.boxed(&e.value), generators: self.generators(&e.generators) }
    }

    fn generators(&mut self, generators: &[r::Comprehension]) -> Vec<Comprehension> {
        generators
            .iter()
            .map(|g| Comprehension {
                target: self.boxed(&g.target),
                iter: self.boxed(&g.iter),
                ifs: self.exprs(&g.ifs),
                is_async: g.is_async,
            })
            .collect()
    }

    fn call(&mut self, e: &r::ExprCall) -> ExprKind {
        let func = self.boxed(&e.func);
        let args = self.arguments(&e.arguments);
        ExprKind::Call { func, args, keywords: self.keywords(&e.arguments.keywords) }
    }

    /// Positional arguments. A lone generator without parentheses of its own takes those of the call.
    pub(super) fn arguments(&mut self, arguments: &r::Arguments) -> Vec<Expr> {
        let mut args = self.exprs(&arguments.args);
        if let [r::Expr::Generator(generator)] = &*arguments.args
            && !generator.parenthesized
            && let [arg] = &mut args[..]
        {
            arg.span = self.span(arguments.range());
        }
        args
    }

    pub(super) fn keywords(&mut self, keywords: &[r::Keyword]) -> Vec<Keyword> {
        keywords
            .iter()
            .map(|keyword| {
                let data =
                    KeywordData { arg: self.opt_identifier(keyword.arg.as_ref()), value: self.boxed(&keyword.value) };
                self.node(data, keyword.range())
            })
            .collect()
    }

    fn number(&mut self, e: &r::ExprNumberLiteral) -> Constant {
        let text: TextRange = e.range();
        match &e.value {
            r::Number::Int(value) => match value.as_u64() {
                Some(small) => Constant::Int(small.into()),
                None => Constant::Int(number::integer(self.slice(text))),
            },
            r::Number::Float(value) => Constant::Float(*value),
            r::Number::Complex { real, imag } => Constant::Complex { real: *real, imag: *imag },
        }
    }
}

fn constant(value: Constant) -> ExprKind {
    ExprKind::Constant { value, kind: None }
}

fn context(ctx: r::ExprContext) -> ExprContext {
    match ctx {
        r::ExprContext::Load | r::ExprContext::Invalid => ExprContext::Load,
        r::ExprContext::Store => ExprContext::Store,
        r::ExprContext::Del => ExprContext::Del,
    }
}

pub(super) fn operator(op: r::Operator) -> Operator {
    match op {
        r::Operator::Add => Operator::Add,
        r::Operator::Sub => Operator::Sub,
        r::Operator::Mult => Operator::Mult,
        r::Operator::MatMult => Operator::MatMult,
        r::Operator::Div => Operator::Div,
        r::Operator::Mod => Operator::Mod,
        r::Operator::Pow => Operator::Pow,
        r::Operator::LShift => Operator::LShift,
        r::Operator::RShift => Operator::RShift,
        r::Operator::BitOr => Operator::BitOr,
        r::Operator::BitXor => Operator::BitXor,
        r::Operator::BitAnd => Operator::BitAnd,
        r::Operator::FloorDiv => Operator::FloorDiv,
    }
}

fn unary(op: r::UnaryOp) -> UnaryOp {
    match op {
        r::UnaryOp::Invert => UnaryOp::Invert,
        r::UnaryOp::Not => UnaryOp::Not,
        r::UnaryOp::UAdd => UnaryOp::UAdd,
        r::UnaryOp::USub => UnaryOp::USub,
    }
}

fn comparison(op: r::CmpOp) -> CmpOp {
    match op {
        r::CmpOp::Eq => CmpOp::Eq,
        r::CmpOp::NotEq => CmpOp::NotEq,
        r::CmpOp::Lt => CmpOp::Lt,
        r::CmpOp::LtE => CmpOp::LtE,
        r::CmpOp::Gt => CmpOp::Gt,
        r::CmpOp::GtE => CmpOp::GtE,
        r::CmpOp::Is => CmpOp::Is,
        r::CmpOp::IsNot => CmpOp::IsNot,
        r::CmpOp::In => CmpOp::In,
        r::CmpOp::NotIn => CmpOp::NotIn,
    }
}
