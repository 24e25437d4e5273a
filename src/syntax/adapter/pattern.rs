//! Patterns of `match`.

use ruff_python_ast as r;
use ruff_text_size::Ranged;

use super::Adapter;
use crate::ast::*;

impl Adapter<'_> {
    pub(super) fn pattern(&mut self, pattern: &r::Pattern) -> Pattern {
        let kind = match pattern {
            r::Pattern::MatchValue(p) => {
                self.valid &= is_pattern_value(&p.value);
                PatternKind::MatchValue { value: self.boxed(&p.value) }
            }
            r::Pattern::MatchSingleton(p) => PatternKind::MatchSingleton {
                value: match p.value {
                    r::Singleton::None => Constant::None,
                    r::Singleton::True => Constant::Bool(true),
                    r::Singleton::False => Constant::Bool(false),
                },
            },
            r::Pattern::MatchSequence(p) => PatternKind::MatchSequence { patterns: self.patterns(&p.patterns) },
            r::Pattern::MatchMapping(p) => PatternKind::MatchMapping {
                keys: self.exprs(&p.keys),
                patterns: self.patterns(&p.patterns),
                rest: self.opt_identifier(p.rest.as_ref()),
            },
            r::Pattern::MatchClass(p) => PatternKind::MatchClass {
                cls: self.boxed(&p.cls),
                patterns: self.patterns(&p.arguments.patterns),
                kwd_attrs: p.arguments.keywords.iter().map(|k| self.identifier(&k.attr)).collect(),
                kwd_patterns: p.arguments.keywords.iter().map(|k| self.pattern(&k.pattern)).collect(),
            },
            r::Pattern::MatchStar(p) => PatternKind::MatchStar { name: self.opt_identifier(p.name.as_ref()) },
            r::Pattern::MatchAs(p) => PatternKind::MatchAs {
                pattern: p.pattern.as_deref().map(|pattern| Box::new(self.pattern(pattern))),
                name: self.opt_identifier(p.name.as_ref()),
            },
            r::Pattern::MatchOr(p) => PatternKind::MatchOr { patterns: self.patterns(&p.patterns) },
        };
        self.node(kind, pattern.range())
    }

    fn patterns(&mut self, patterns: &[r::Pattern]) -> Vec<Pattern> {
        patterns.iter().map(|pattern| self.pattern(pattern)).collect()
    }
}

/// A literal, a signed or complex number, or an attribute.
fn is_pattern_value(value: &r::Expr) -> bool {
    match value {
        r::Expr::UnaryOp(e) => e.op == r::UnaryOp::USub && e.operand.is_number_literal_expr(),
        r::Expr::BinOp(e) => {
            matches!(e.op, r::Operator::Add | r::Operator::Sub)
                && is_pattern_value(&e.left)
                && e.right.is_number_literal_expr()
        }
        _ => true,
    }
}
