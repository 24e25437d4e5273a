//! What can be assigned to or deleted, and what cannot.

use super::{Node, Parse, Parser, Rule, What, first_of, need};

/// Where a target stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Assigned,
    For,
    Deleted,
}

impl Parser<'_> {
    pub(super) fn star_targets(&mut self) -> Parse {
        let start = self.mark;
        let first = need!(self.star_target());
        let rest = self.many(|p| {
            need!(p.expect(","));
            p.star_target()
        })?;
        let comma = self.expect(",")?.is_some();
        if rest.is_empty() && !comma {
            return Ok(Some(first));
        }
        Ok(Some(self.node(start, What::Tuple)))
    }

    pub(super) fn star_target(&mut self) -> Parse {
        self.remember(Rule::StarTarget, |p| {
            let starred = p.attempt(|p| {
                let start = need!(p.expect("*"));
                if p.sees("*")? {
                    return Ok(None);
                }
                need!(p.star_target());
                Ok(Some(p.node(start, What::Starred)))
            })?;
            if starred.is_some() { Ok(starred) } else { p.target_with_star_atom() }
        })
    }

    fn target_with_star_atom(&mut self) -> Parse {
        self.remember(Rule::TargetWithStarAtom, |p| first_of!(p; Self::subscript_or_attribute_target, Self::star_atom))
    }

    /// `a.b` or `a[b]`, not followed by another trailer.
    pub(super) fn subscript_or_attribute_target(&mut self) -> Parse {
        let start = self.mark;
        need!(self.target_primary());
        let what = need!(self.trailer());
        if !matches!(what, What::Attribute | What::Subscript) || self.sees_any(&["(", "[", "."])? {
            return Ok(None);
        }
        Ok(Some(self.node(start, what)))
    }

    /// A primary that another trailer follows.
    fn target_primary(&mut self) -> Parse {
        self.remember(Rule::TargetPrimary, |p| {
            let start = p.mark;
            let mut node = need!(p.atom());
            if !p.sees_any(&["(", "[", "."])? {
                return Ok(None);
            }
            while let Some(what) = p.attempt(|p| {
                let what = need!(p.trailer());
                Ok(if p.sees_any(&["(", "[", "."])? { Some(what) } else { None })
            })? {
                node = p.node(start, what);
            }
            Ok(Some(node))
        })
    }

    fn star_atom(&mut self) -> Parse {
        let start = self.mark;
        first_of!(self;
            Self::name,
            |p| {
                need!(p.expect("("));
                let inner = need!(p.target_with_star_atom());
                need!(p.expect(")"));
                Ok(Some(inner))
            },
            |p| {
                need!(p.expect("("));
                p.attempt(|p| {
                    need!(p.star_target());
                    let more = p.many(|p| {
                        need!(p.expect(","));
                        p.star_target()
                    })?;
                    if p.expect(",")?.is_none() && more.is_empty() {
                        return Ok(None);
                    }
                    Ok(Some(()))
                })?;
                need!(p.expect(")"));
                Ok(Some(p.node(start, What::Tuple)))
            },
            |p| {
                need!(p.expect("["));
                p.attempt(|p| {
                    need!(p.commas(Self::star_target));
                    p.expect(",")?;
                    Ok(Some(()))
                })?;
                need!(p.expect("]"));
                Ok(Some(p.node(start, What::List)))
            },
        )
    }

    /// A target without stars, lists or tuples.
    pub(super) fn single_target(&mut self) -> Parse {
        first_of!(self;
            Self::subscript_or_attribute_target,
            Self::name,
            |p| {
                need!(p.expect("("));
                let inner = need!(p.single_target());
                need!(p.expect(")"));
                Ok(Some(inner))
            },
        )
    }

    pub(super) fn del_targets(&mut self) -> Parse<()> {
        need!(self.commas(Self::del_target));
        self.expect(",")?;
        Ok(Some(()))
    }

    fn del_target(&mut self) -> Parse {
        self.remember(Rule::DelTarget, |p| first_of!(p; Self::subscript_or_attribute_target, Self::del_atom))
    }

    fn del_atom(&mut self) -> Parse {
        let start = self.mark;
        first_of!(self;
            Self::name,
            |p| {
                need!(p.expect("("));
                let inner = need!(p.del_target());
                need!(p.expect(")"));
                Ok(Some(inner))
            },
            |p| {
                need!(p.expect("("));
                p.attempt(Self::del_targets)?;
                need!(p.expect(")"));
                Ok(Some(p.node(start, What::Tuple)))
            },
            |p| {
                need!(p.expect("["));
                p.attempt(Self::del_targets)?;
                need!(p.expect("]"));
                Ok(Some(p.node(start, What::List)))
            },
        )
    }

    /// The first part of an expression that cannot be a target.
    fn invalid_part(&self, node: Node, position: Position) -> Option<Node> {
        let data = self.data(node);
        match data.what {
            What::List | What::Tuple => data.items.iter().find_map(|&item| self.invalid_part(item, position)),
            What::Starred if position == Position::Deleted => Some(node),
            What::Starred => data.items.first().and_then(|&item| self.invalid_part(item, position)),
            // `for a in b` is read as a comparison.
            What::CompareIn if position == Position::For => {
                data.items.first().and_then(|&left| self.invalid_part(left, position))
            }
            What::Other("comparison") if position == Position::For => None,
            What::Name(_) | What::Subscript | What::Attribute => None,
            _ => Some(node),
        }
    }

    /// Raises if an expression cannot be a target; else finds nothing.
    pub(super) fn raise_invalid_target(&mut self, node: Node, position: Position) -> Parse<()> {
        let Some(part) = self.invalid_part(node, position) else { return Ok(None) };
        let verb = if position == Position::Deleted { "delete" } else { "assign to" };
        let msg = format!("cannot {verb} {}", self.called(part));
        self.raise_at(self.place(part), msg)
    }

    /// `for` with something in front of `in` that cannot be a target.
    pub(super) fn invalid_for_target(&mut self) -> Parse<()> {
        self.expect("async")?;
        need!(self.expect("for"));
        let target = need!(self.star_expressions());
        self.raise_invalid_target(target, Position::For)
    }
}
