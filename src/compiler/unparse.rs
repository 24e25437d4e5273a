//! Expressions as text, as annotations are kept under `from __future__ import annotations` (PEP 563).
//!
//! The spelling is that of CPython's `Python/ast_unparse.c`.

use rustpython_wtf8::{Wtf8, Wtf8Buf};
use taipan_base::{float, repr};
use taipan_syntax::ast::{
    Arg, Arguments, BoolOp, CmpOp, Comprehension, Constant, Expr, ExprKind, Keyword, Operator, UnaryOp,
};

/// How tightly an expression binds; operands that bind less tightly get parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Arith,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

impl Level {
    fn tighter(self) -> Level {
        use Level::*;
        match self {
            Tuple => Test,
            Test => Or,
            Or => And,
            And => Not,
            Not => Compare,
            Compare => BitOr,
            BitOr => BitXor,
            BitXor => BitAnd,
            BitAnd => Shift,
            Shift => Arith,
            Arith => Term,
            Term => Factor,
            Factor => Power,
            Power => Await,
            Await | Atom => Atom,
        }
    }
}

/// The text of an expression.
pub fn unparse(expr: &Expr) -> Wtf8Buf {
    let mut writer = Writer(Wtf8Buf::new());
    writer.expr(expr, Level::Test);
    writer.0
}

/// `repr` of a string.
fn repr_of_str(text: &Wtf8) -> String {
    let units: Vec<u32> = text.code_points().map(|point| point.to_u32()).collect();
    repr::of_str(&units).to_code_points().into_iter().filter_map(char::from_u32).collect()
}

/// `repr` of a float; infinity as a literal that is too large.
fn repr_of_float(value: f64) -> String {
    float::repr(value).replace("inf", "1e309")
}

struct Writer(Wtf8Buf);

impl Writer {
    fn put(&mut self, text: &str) {
        self.0.push_str(text);
    }

    fn comma_separated<T>(&mut self, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.put(", ");
            }
            each(self, item);
        }
    }

    fn parenthesized(&mut self, wanted: bool, body: impl FnOnce(&mut Self)) {
        if wanted {
            self.put("(");
        }
        body(self);
        if wanted {
            self.put(")");
        }
    }

    fn expr(&mut self, expr: &Expr, level: Level) {
        match &expr.kind {
            ExprKind::Name { id, .. } => self.put(id),
            ExprKind::Constant { value, kind } => {
                if kind.is_some() {
                    self.put("u");
                }
                self.constant(value);
            }
            ExprKind::BoolOp { op, values } => {
                let (own, text) = if *op == BoolOp::And { (Level::And, " and ") } else { (Level::Or, " or ") };
                self.parenthesized(level > own, |this| {
                    for (index, value) in values.iter().enumerate() {
                        if index > 0 {
                            this.put(text);
                        }
                        this.expr(value, own.tighter());
                    }
                });
            }
            ExprKind::BinOp { left, op, right } => self.binary(left, *op, right, level),
            ExprKind::UnaryOp { op, operand } => {
                let (own, text) = match op {
                    UnaryOp::Invert => (Level::Factor, "~"),
                    UnaryOp::Not => (Level::Not, "not "),
                    UnaryOp::UAdd => (Level::Factor, "+"),
                    UnaryOp::USub => (Level::Factor, "-"),
                };
                self.parenthesized(level > own, |this| {
                    this.put(text);
                    this.expr(operand, own);
                });
            }
            ExprKind::Lambda { args, body } => self.parenthesized(level > Level::Test, |this| {
                let positional = args.args.len() + args.posonlyargs.len() > 0;
                this.put(if positional { "lambda " } else { "lambda" });
                this.arguments(args);
                this.put(": ");
                this.expr(body, Level::Test);
            }),
            ExprKind::IfExp { test, body, orelse } => self.parenthesized(level > Level::Test, |this| {
                this.expr(body, Level::Or);
                this.put(" if ");
                this.expr(test, Level::Or);
                this.put(" else ");
                this.expr(orelse, Level::Test);
            }),
            ExprKind::Compare { left, ops, comparators } => self.parenthesized(level > Level::Compare, |this| {
                this.expr(left, Level::BitOr);
                for (op, value) in ops.iter().zip(comparators) {
                    this.put(compare_text(*op));
                    this.expr(value, Level::BitOr);
                }
            }),
            ExprKind::NamedExpr { target, value } => self.parenthesized(level > Level::Tuple, |this| {
                this.expr(target, Level::Atom);
                this.put(" := ");
                this.expr(value, Level::Atom);
            }),
            ExprKind::Await { value } => self.parenthesized(level > Level::Await, |this| {
                this.put("await ");
                this.expr(value, Level::Atom);
            }),
            ExprKind::Yield { value: None } => self.put("(yield)"),
            ExprKind::Yield { value: Some(value) } => {
                self.enclosed("(yield ", ")", |this| this.expr(value, Level::Test))
            }
            ExprKind::YieldFrom { value } => self.enclosed("(yield from ", ")", |this| this.expr(value, Level::Test)),
            ExprKind::Call { func, args, keywords } => self.call(func, args, keywords),
            ExprKind::Attribute { value, attr, .. } => {
                self.expr(value, Level::Atom);
                let int = matches!(&value.kind, ExprKind::Constant { value: Constant::Int(_), .. });
                self.put(if int { " ." } else { "." });
                self.put(attr);
            }
            ExprKind::Starred { value, .. } => {
                self.put("*");
                self.expr(value, Level::BitOr);
            }
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value, Level::Atom);
                self.enclosed("[", "]", |this| this.expr(slice, Level::Tuple));
            }
            ExprKind::Slice { lower, upper, step } => {
                self.optional("", lower.as_deref());
                self.put(":");
                self.optional("", upper.as_deref());
                self.optional(":", step.as_deref());
            }
            ExprKind::Tuple { elts, .. } if elts.is_empty() => self.put("()"),
            ExprKind::Tuple { elts, .. } => self.parenthesized(level > Level::Tuple, |this| {
                this.items(elts);
                if elts.len() == 1 {
                    this.put(",");
                }
            }),
            _ => self.display(expr),
        }
    }

    /// Everything in brackets or quotes.
    fn display(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::List { elts, .. } => self.enclosed("[", "]", |this| this.items(elts)),
            ExprKind::Set { elts } => self.enclosed("{", "}", |this| this.items(elts)),
            ExprKind::Dict { keys, values } => self.enclosed("{", "}", |this| {
                this.comma_separated(keys.iter().zip(values), |this, (key, value)| match key {
                    Some(key) => {
                        this.expr(key, Level::Test);
                        this.put(": ");
                        this.expr(value, Level::Test);
                    }
                    None => {
                        this.put("**");
                        this.expr(value, Level::BitOr);
                    }
                });
            }),
            ExprKind::ListComp { elt, generators } => self.comprehension("[", elt, None, generators, "]"),
            ExprKind::SetComp { elt, generators } => self.comprehension("{", elt, None, generators, "}"),
            ExprKind::GeneratorExp { elt, generators } => self.comprehension("(", elt, None, generators, ")"),
            ExprKind::DictComp { key, value, generators } => self.comprehension("{", key, Some(value), generators, "}"),
            ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => self.formatted("f", expr),
            ExprKind::TemplateStr { .. } | ExprKind::Interpolation { .. } => self.formatted("t", expr),
            _ => {}
        }
    }

    fn enclosed(&mut self, open: &str, close: &str, body: impl FnOnce(&mut Self)) {
        self.put(open);
        body(self);
        self.put(close);
    }

    fn items(&mut self, elts: &[Expr]) {
        self.comma_separated(elts, |this, elt| this.expr(elt, Level::Test));
    }

    fn optional(&mut self, prefix: &str, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.put(prefix);
            self.expr(expr, Level::Test);
        }
    }

    fn constant(&mut self, value: &Constant) {
        match value {
            Constant::None => self.put("None"),
            Constant::Ellipsis => self.put("..."),
            Constant::Bool(true) => self.put("True"),
            Constant::Bool(false) => self.put("False"),
            Constant::Int(value) => self.put(&value.to_string()),
            Constant::Float(value) => self.put(&repr_of_float(*value)),
            Constant::Complex { real, imag } => {
                let imag = repr_of_float(*imag);
                let imag = imag.strip_suffix(".0").unwrap_or(&imag);
                if *real == 0.0 {
                    self.put(&format!("{imag}j"));
                } else {
                    let real = repr_of_float(*real);
                    self.put(&format!("({}+{imag}j)", real.strip_suffix(".0").unwrap_or(&real)));
                }
            }
            Constant::Str(text) => self.put(&repr_of_str(text)),
            Constant::Bytes(bytes) => self.put(&repr::of_bytes(bytes)),
            Constant::Tuple(items) => self.enclosed("(", if items.len() == 1 { ",)" } else { ")" }, |this| {
                this.comma_separated(items, |this, item| this.constant(item));
            }),
            Constant::FrozenSet(items) => self.enclosed("frozenset({", "})", |this| {
                this.comma_separated(items, |this, item| this.constant(item));
            }),
        }
    }

    fn binary(&mut self, left: &Expr, op: Operator, right: &Expr, level: Level) {
        let (own, text) = match op {
            Operator::Add => (Level::Arith, " + "),
            Operator::Sub => (Level::Arith, " - "),
            Operator::Mult => (Level::Term, " * "),
            Operator::MatMult => (Level::Term, " @ "),
            Operator::Div => (Level::Term, " / "),
            Operator::Mod => (Level::Term, " % "),
            Operator::FloorDiv => (Level::Term, " // "),
            Operator::LShift => (Level::Shift, " << "),
            Operator::RShift => (Level::Shift, " >> "),
            Operator::BitOr => (Level::BitOr, " | "),
            Operator::BitXor => (Level::BitXor, " ^ "),
            Operator::BitAnd => (Level::BitAnd, " & "),
            Operator::Pow => (Level::Power, " ** "),
        };
        let (left_level, right_level) = if op == Operator::Pow { (own.tighter(), own) } else { (own, own.tighter()) };
        self.parenthesized(level > own, |this| {
            this.expr(left, left_level);
            this.put(text);
            this.expr(right, right_level);
        });
    }

    fn call(&mut self, func: &Expr, args: &[Expr], keywords: &[Keyword]) {
        self.expr(func, Level::Atom);
        if let ([only], []) = (args, keywords)
            && matches!(only.kind, ExprKind::GeneratorExp { .. })
        {
            return self.expr(only, Level::Test);
        }
        self.put("(");
        self.items(args);
        if !args.is_empty() && !keywords.is_empty() {
            self.put(", ");
        }
        self.comma_separated(keywords, |this, keyword| {
            match &keyword.arg {
                Some(name) => {
                    this.put(name);
                    this.put("=");
                }
                None => this.put("**"),
            }
            this.expr(&keyword.value, Level::Test);
        });
        self.put(")");
    }

    fn comprehension(
        &mut self,
        open: &str,
        elt: &Expr,
        value: Option<&Expr>,
        generators: &[Comprehension],
        close: &str,
    ) {
        self.put(open);
        self.expr(elt, Level::Test);
        self.optional(": ", value);
        for generator in generators {
            self.put(if generator.is_async { " async for " } else { " for " });
            self.expr(&generator.target, Level::Tuple);
            self.put(" in ");
            self.expr(&generator.iter, Level::Or);
            for test in &generator.ifs {
                self.put(" if ");
                self.expr(test, Level::Or);
            }
        }
        self.put(close);
    }

    fn arguments(&mut self, args: &Arguments) {
        let mut first = true;
        let mut separate = |this: &mut Self| {
            if !std::mem::replace(&mut first, false) {
                this.put(", ");
            }
        };
        let positional = args.posonlyargs.len() + args.args.len();
        let without_default = positional - args.defaults.len().min(positional);
        for (index, arg) in args.posonlyargs.iter().chain(&args.args).enumerate() {
            separate(self);
            self.arg(arg);
            if index >= without_default {
                self.optional("=", args.defaults.get(index - without_default));
            }
            if index + 1 == args.posonlyargs.len() {
                self.put(", /");
            }
        }
        if args.vararg.is_some() || !args.kwonlyargs.is_empty() {
            separate(self);
            self.put("*");
            if let Some(vararg) = &args.vararg {
                self.arg(vararg);
            }
        }
        for (arg, default) in args.kwonlyargs.iter().zip(&args.kw_defaults) {
            separate(self);
            self.arg(arg);
            self.optional("=", default.as_ref());
        }
        if let Some(kwarg) = &args.kwarg {
            separate(self);
            self.put("**");
            self.arg(kwarg);
        }
    }

    fn arg(&mut self, arg: &Arg) {
        self.put(&arg.arg);
        self.optional(": ", arg.annotation.as_deref());
    }

    /// A formatted string: its body is written first, then quoted as a whole.
    fn formatted(&mut self, prefix: &str, expr: &Expr) {
        let mut body = Writer(Wtf8Buf::new());
        body.element(expr);
        self.put(prefix);
        self.put(&repr_of_str(&body.0));
    }

    fn element(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Constant { value: Constant::Str(text), .. } => {
                for point in text.code_points() {
                    self.0.push(point);
                    if matches!(point.to_char(), Some('{' | '}')) {
                        self.0.push(point);
                    }
                }
            }
            ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => {
                values.iter().for_each(|value| self.element(value));
            }
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                let mut inner = Writer(Wtf8Buf::new());
                inner.expr(value, Level::Or);
                self.field(&inner.0, *conversion, format_spec.as_deref());
            }
            ExprKind::Interpolation { str: Constant::Str(text), conversion, format_spec, .. } => {
                self.field(text, *conversion, format_spec.as_deref());
            }
            _ => {}
        }
    }

    fn field(&mut self, text: &Wtf8, conversion: i32, format_spec: Option<&Expr>) {
        self.put(if text.as_bytes().first() == Some(&b'{') { "{ " } else { "{" });
        self.0.push_wtf8(text);
        if let Some(letter) = u8::try_from(conversion).ok().filter(|&letter| letter > 0) {
            self.0.push_char('!');
            self.0.push_char(letter as char);
        }
        if let Some(spec) = format_spec {
            self.put(":");
            self.element(spec);
        }
        self.put("}");
    }
}

fn compare_text(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}
