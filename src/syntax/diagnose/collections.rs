//! Lists, tuples, sets, dicts and their comprehensions.

use super::{Parse, Parser, Place, What, first_of, need};

impl Parser<'_> {
    pub(super) fn list(&mut self) -> Parse {
        let start = need!(self.expect("["));
        let items = self.attempt(Self::star_named_expressions)?.unwrap_or_default();
        need!(self.expect("]"));
        Ok(Some(self.node_of(start, What::List, items)))
    }

    pub(super) fn tuple(&mut self) -> Parse {
        let start = need!(self.expect("("));
        let items = self.attempt(|p| {
            let mut items = vec![need!(p.star_named_expression())];
            need!(p.expect(","));
            items.extend(p.attempt(Self::star_named_expressions)?.unwrap_or_default());
            Ok(Some(items))
        })?;
        need!(self.expect(")"));
        Ok(Some(self.node_of(start, What::Tuple, items.unwrap_or_default())))
    }

    pub(super) fn set(&mut self) -> Parse {
        let start = need!(self.expect("{"));
        need!(self.star_named_expressions());
        need!(self.expect("}"));
        Ok(Some(self.node(start, What::Other("set display"))))
    }

    pub(super) fn dict(&mut self) -> Parse {
        let found = self.attempt(|p| {
            let start = need!(p.expect("{"));
            p.attempt(|p| {
                need!(p.commas(Self::double_starred_pair));
                p.expect(",")?;
                Ok(Some(()))
            })?;
            need!(p.expect("}"));
            Ok(Some(p.node(start, What::Other("dict literal"))))
        })?;
        if found.is_none() {
            // CPython looks for this mistake in its first pass already.
            self.attempt(|p| {
                need!(p.expect("{"));
                p.invalid_pairs()
            })?;
        }
        Ok(found)
    }

    fn double_starred_pair(&mut self) -> Parse<()> {
        first_of!(self;
            |p| {
                need!(p.expect("**"));
                Ok(p.bitwise_or()?.map(drop))
            },
            Self::pair,
        )
    }

    fn pair(&mut self) -> Parse<()> {
        need!(self.expression());
        need!(self.expect(":"));
        Ok(self.expression()?.map(drop))
    }

    fn invalid_pairs(&mut self) -> Parse<()> {
        self.attempt(|p| {
            need!(p.commas(Self::double_starred_pair));
            need!(p.expect(","));
            p.invalid_pair()
        })?;
        self.starred_value()?;
        self.missing_value()
    }

    fn invalid_pair(&mut self) -> Parse<()> {
        self.attempt(|p| {
            let key = need!(p.expression());
            if p.sees(":")? {
                return Ok(None);
            }
            let place = p.place(key);
            let col_offset = place.end_col_offset - 1;
            let place = Place { col_offset, end_col_offset: -1, ..place };
            p.raise_at::<()>(place, "':' expected after dictionary key")
        })?;
        self.starred_value()?;
        self.missing_value()
    }

    fn starred_value(&mut self) -> Parse<()> {
        self.attempt(|p| {
            need!(p.expression());
            need!(p.expect(":"));
            let star = need!(p.expect("*"));
            need!(p.bitwise_or());
            p.raise_from(p.token_place(star), "cannot use a starred expression in a dictionary value")
        })
    }

    fn missing_value(&mut self) -> Parse<()> {
        self.attempt(|p| {
            need!(p.expression());
            let colon = need!(p.expect(":"));
            if !p.sees_any(&["}", ","])? {
                return Ok(None);
            }
            p.raise_at(p.token_place(colon), "expression expected after dictionary key and ':'")
        })
    }

    pub(super) fn list_comprehension(&mut self) -> Parse {
        self.comprehension("[", "]", "list comprehension", Self::named_expression)
    }

    pub(super) fn set_comprehension(&mut self) -> Parse {
        self.comprehension("{", "}", "set comprehension", Self::named_expression)
    }

    pub(super) fn generator_expression(&mut self) -> Parse {
        self.comprehension(
            "(",
            ")",
            "generator expression",
            |p| first_of!(p; Self::assignment_expression, Self::plain_expression),
        )
    }

    fn comprehension(
        &mut self,
        open: &str,
        close: &str,
        called: &'static str,
        element: fn(&mut Self) -> Parse,
    ) -> Parse {
        let found = self.attempt(|p| {
            let start = need!(p.expect(open));
            need!(element(p));
            need!(p.for_if_clauses());
            need!(p.expect(close));
            Ok(Some(p.node(start, What::Other(called))))
        })?;
        if found.is_none() {
            self.watch(Self::invalid_comprehension)?;
        }
        Ok(found)
    }

    pub(super) fn dict_comprehension(&mut self) -> Parse {
        let found = self.attempt(|p| {
            let start = need!(p.expect("{"));
            need!(p.pair());
            need!(p.for_if_clauses());
            need!(p.expect("}"));
            Ok(Some(p.node(start, What::Other("dict comprehension"))))
        })?;
        if found.is_none() {
            self.watch(Self::invalid_dict_comprehension)?;
        }
        Ok(found)
    }

    fn invalid_comprehension(&mut self) -> Parse<()> {
        self.attempt(|p| {
            need!(p.expect_any(&["[", "(", "{"]));
            let starred = need!(p.starred_expression());
            need!(p.for_if_clauses());
            p.raise_at::<()>(p.place(starred), "iterable unpacking cannot be used in comprehension")
        })?;
        let msg = "did you forget parentheses around the comprehension target?";
        self.attempt(|p| {
            need!(p.expect_any(&["[", "{"]));
            let first = need!(p.star_named_expression());
            need!(p.expect(","));
            let rest = need!(p.star_named_expressions());
            need!(p.for_if_clauses());
            let place = p.place(first).to(p.place(rest[rest.len() - 1]));
            p.raise_at::<()>(place, msg)
        })?;
        self.attempt(|p| {
            need!(p.expect_any(&["[", "{"]));
            let first = need!(p.star_named_expression());
            let comma = need!(p.expect(","));
            need!(p.for_if_clauses());
            let place = p.place(first).to(p.token_place(comma));
            p.raise_at(place, msg)
        })
    }

    fn invalid_dict_comprehension(&mut self) -> Parse<()> {
        need!(self.expect("{"));
        let stars = need!(self.expect("**"));
        need!(self.bitwise_or());
        need!(self.for_if_clauses());
        need!(self.expect("}"));
        self.raise_at(self.token_place(stars), "dict unpacking cannot be used in dict comprehension")
    }

    /// One or more `for … in … if …`; the node ends where the last condition or iterable does.
    pub(super) fn for_if_clauses(&mut self) -> Parse {
        let clauses = need!(self.some(Self::for_if_clause));
        Ok(clauses.last().copied())
    }

    fn for_if_clause(&mut self) -> Parse {
        let start = self.mark;
        self.expect("async")?;
        let mut committed = false;
        let found = self.attempt(|p| {
            need!(p.expect("for"));
            need!(p.star_targets());
            need!(p.expect("in"));
            committed = true;
            let mut last = need!(p.disjunction());
            while let Some(condition) = p.attempt(|p| {
                need!(p.expect("if"));
                p.disjunction()
            })? {
                last = condition;
            }
            Ok(Some(last))
        })?;
        self.restart_unless(found.is_some(), start);
        if found.is_none() && !committed {
            self.watch(Self::invalid_for_if_clause)?;
            self.watch(Self::invalid_for_target)?;
        }
        Ok(found)
    }

    fn restart_unless(&mut self, found: bool, start: usize) {
        if !found {
            self.mark = start;
        }
    }

    fn invalid_for_if_clause(&mut self) -> Parse<()> {
        self.expect("async")?;
        need!(self.expect("for"));
        need!(self.bitwise_or());
        self.many(|p| {
            need!(p.expect(","));
            p.bitwise_or()
        })?;
        self.expect(",")?;
        if self.sees("in")? {
            return Ok(None);
        }
        self.raise("'in' expected after for-loop variables")
    }
}
