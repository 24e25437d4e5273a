//! Assignments of all kinds.

use super::targets::Position;
use super::{Node, Parse, Parser, first_of, need};
use crate::tokenizer::Kind;

const AUGMENTED: [&str; 13] = ["+=", "-=", "*=", "@=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//="];

impl Parser<'_> {
    pub(super) fn assignment(&mut self) -> Parse<()> {
        if self.attempt(Self::annotated_name)?.is_some()
            || self.attempt(Self::annotated_target)?.is_some()
            || self.attempt(Self::plain_assignment)?.is_some()
        {
            return Ok(Some(()));
        }
        let mut committed = false;
        let augmented = self.attempt(|p| {
            need!(p.single_target());
            need!(p.expect_any(&AUGMENTED));
            committed = true;
            Ok(p.annotated_rhs()?.map(drop))
        })?;
        if augmented.is_none() && !committed {
            self.watch(Self::invalid_assignment)?;
        }
        Ok(augmented)
    }

    fn annotated_name(&mut self) -> Parse<()> {
        need!(self.name());
        self.annotation()
    }

    fn annotated_target(&mut self) -> Parse<()> {
        let parenthesized = self.attempt(|p| {
            need!(p.expect("("));
            need!(p.single_target());
            p.expect(")")
        })?;
        if parenthesized.is_none() {
            need!(self.attempt(Self::subscript_or_attribute_target));
        }
        self.annotation()
    }

    fn annotation(&mut self) -> Parse<()> {
        need!(self.expect(":"));
        need!(self.expression());
        self.attempt(|p| {
            need!(p.expect("="));
            p.annotated_rhs()
        })?;
        Ok(Some(()))
    }

    fn plain_assignment(&mut self) -> Parse<()> {
        need!(self.some(Self::target_and_equal));
        need!(self.annotated_rhs());
        if self.sees("=")? {
            return Ok(None);
        }
        self.kind(Kind::TypeComment)?;
        Ok(Some(()))
    }

    fn target_and_equal(&mut self) -> Parse<()> {
        need!(self.star_targets());
        Ok(self.expect("=")?.map(drop))
    }

    fn invalid_assignment(&mut self) -> Parse<()> {
        self.attempt(|p| {
            let target = need!(p.list_or_tuple());
            need!(p.expect(":"));
            need!(p.expression());
            let msg = format!("only single target (not {}) can be annotated", p.called(target));
            p.raise_at::<()>(p.place(target), msg)
        })?;
        self.attempt(|p| {
            let first = need!(p.star_named_expression());
            need!(p.expect(","));
            p.many(Self::star_named_expressions)?;
            need!(p.expect(":"));
            need!(p.expression());
            p.raise_at::<()>(p.place(first), "only single target (not tuple) can be annotated")
        })?;
        self.attempt(|p| {
            let target = need!(p.expression());
            need!(p.expect(":"));
            need!(p.expression());
            p.raise_at::<()>(p.place(target), "illegal target for annotation")
        })?;
        self.attempt(|p| {
            p.many(Self::target_and_equal)?;
            let target = need!(p.star_expressions());
            need!(p.expect("="));
            p.raise_invalid_target(target, Position::Assigned)
        })?;
        self.attempt(|p| {
            p.many(Self::target_and_equal)?;
            let target = need!(p.yield_expr());
            need!(p.expect("="));
            p.raise_at::<()>(p.place(target), "assignment to yield expression not possible")
        })?;
        self.attempt(|p| {
            let target = need!(p.star_expressions());
            need!(p.expect_any(&AUGMENTED));
            need!(p.annotated_rhs());
            let msg = format!("'{}' is an illegal expression for augmented assignment", p.called(target));
            p.raise_at(p.place(target), msg)
        })
    }

    fn list_or_tuple(&mut self) -> Parse<Node> {
        first_of!(self; Self::list, Self::tuple, |p| {
            need!(p.expect("("));
            let inner = need!(p.list_or_tuple());
            need!(p.expect(")"));
            Ok(Some(inner))
        })
    }
}
