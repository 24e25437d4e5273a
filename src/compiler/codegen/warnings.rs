//! Warnings about what can hardly be meant (`SyntaxWarning`).

use taipan_syntax::SyntaxWarning;
use taipan_syntax::ast::{CmpOp, Constant, Expr, ExprKind, Span};

use super::{Compiler, loc};
use crate::instr::Loc;

/// The type that the value of an expression will have, where its form tells.
fn type_of(expr: &Expr) -> Option<&'static str> {
    Some(match &expr.kind {
        ExprKind::Tuple { .. } => "tuple",
        ExprKind::List { .. } | ExprKind::ListComp { .. } => "list",
        ExprKind::Dict { .. } | ExprKind::DictComp { .. } => "dict",
        ExprKind::Set { .. } | ExprKind::SetComp { .. } => "set",
        ExprKind::GeneratorExp { .. } => "generator",
        ExprKind::Lambda { .. } => "function",
        ExprKind::TemplateStr { .. } | ExprKind::Interpolation { .. } => "string.templatelib.Template",
        ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => "str",
        ExprKind::Constant { value, .. } => value.type_name(),
        _ => return None,
    })
}

/// False for literals that should not be compared by identity.
fn may_be_identical(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Tuple { elts, .. } => elts.iter().any(|elt| !matches!(elt.kind, ExprKind::Constant { .. })),
        ExprKind::Constant { value, .. } => {
            matches!(value, Constant::None | Constant::Bool(_) | Constant::Ellipsis)
        }
        _ => true,
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn warn(&mut self, at: Loc, msg: String) {
        if self.no_warnings > 0 {
            return;
        }
        let span = Span {
            lineno: at.line.max(0) as u32,
            col_offset: at.col.max(0) as u32,
            end_lineno: at.end_line.max(0) as u32,
            end_col_offset: at.end_col.max(0) as u32,
        };
        self.warnings.push(SyntaxWarning::new(msg, span));
    }

    /// `is` with a literal.
    pub(super) fn check_compare(&mut self, expr: &'a Expr) {
        let ExprKind::Compare { left, ops, comparators } = &expr.kind else { return };
        let mut before: &Expr = left;
        for (op, value) in ops.iter().zip(comparators) {
            if matches!(op, CmpOp::Is | CmpOp::IsNot) {
                let literal = [before, value].into_iter().find(|side| !may_be_identical(side));
                if let Some(name) = literal.and_then(type_of) {
                    let (is, equal) = if *op == CmpOp::Is { ("is", "==") } else { ("is not", "!=") };
                    self.warn(loc(expr.span), format!("\"{is}\" with '{name}' literal. Did you mean \"{equal}\"?"));
                    return;
                }
            }
            before = value;
        }
    }

    /// A call of something that is never callable.
    pub(super) fn check_called(&mut self, func: &'a Expr) {
        if matches!(func.kind, ExprKind::Lambda { .. }) {
            return;
        }
        if let Some(name) = type_of(func) {
            let msg = format!("'{name}' object is not callable; perhaps you missed a comma?");
            self.warn(loc(func.span), msg);
        }
    }

    /// A subscript of something that has none.
    pub(super) fn check_subscripted(&mut self, value: &'a Expr) {
        let never = match &value.kind {
            ExprKind::Constant { value, .. } => matches!(
                value,
                Constant::None
                    | Constant::Ellipsis
                    | Constant::Bool(_)
                    | Constant::Int(_)
                    | Constant::Float(_)
                    | Constant::Complex { .. }
                    | Constant::FrozenSet(_)
            ),
            ExprKind::Set { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::TemplateStr { .. }
            | ExprKind::Interpolation { .. }
            | ExprKind::Lambda { .. } => true,
            _ => false,
        };
        if let Some(name) = type_of(value).filter(|_| never) {
            let msg = format!("'{name}' object is not subscriptable; perhaps you missed a comma?");
            self.warn(loc(value.span), msg);
        }
    }

    /// An index of a sequence that is no integer.
    pub(super) fn check_index(&mut self, value: &'a Expr, index: &'a Expr) {
        let Some(index_type) = type_of(index).filter(|name| !matches!(*name, "int" | "bool" | "slice")) else {
            return;
        };
        let sequence = match &value.kind {
            ExprKind::Constant { value, .. } => {
                matches!(value, Constant::Str(_) | Constant::Bytes(_) | Constant::Tuple(_))
            }
            ExprKind::Tuple { .. }
            | ExprKind::List { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::JoinedStr { .. }
            | ExprKind::FormattedValue { .. } => true,
            _ => false,
        };
        if let Some(name) = type_of(value).filter(|_| sequence) {
            let msg =
                format!("{name} indices must be integers or slices, not {index_type}; perhaps you missed a comma?");
            self.warn(loc(value.span), msg);
        }
    }
}
