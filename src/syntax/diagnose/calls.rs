//! The arguments of calls and class definitions.

use super::{Node, Parse, Parser, Rule, What, first_of, need};

impl Parser<'_> {
    /// Arguments up to, but not including, the closing parenthesis.
    pub(super) fn arguments(&mut self) -> Parse {
        self.remember(Rule::Arguments, |p| {
            let found = p.attempt(|p| {
                let args = need!(p.args());
                p.expect(",")?;
                Ok(if p.sees(")")? { Some(args) } else { None })
            })?;
            if found.is_none() {
                p.watch(Self::invalid_arguments)?;
            }
            Ok(found)
        })
    }

    fn args(&mut self) -> Parse {
        let start = self.mark;
        let positional = self.attempt(|p| p.commas(Self::positional_argument))?;
        let (mut items, keywords) = match positional {
            Some(items) => {
                let keywords = self.attempt(|p| {
                    need!(p.expect(","));
                    p.keyword_arguments()
                })?;
                (items, keywords.unwrap_or_default())
            }
            None => (Vec::new(), need!(self.keyword_arguments())),
        };
        let mut unpacks = false;
        for argument in keywords {
            match argument {
                Argument::Starred(node) => items.push(node),
                Argument::Keyword => {}
                Argument::Unpacked => unpacks = true,
            }
        }
        Ok(Some(self.node_of(start, What::Arguments(unpacks), items)))
    }

    /// `*a`, or an expression that no `=` follows.
    fn positional_argument(&mut self) -> Parse {
        first_of!(self; Self::starred_expression, |p| {
            let node = need!(p.argument_expression());
            Ok(if p.sees("=")? { None } else { Some(node) })
        })
    }

    fn argument_expression(&mut self) -> Parse {
        let start = self.mark;
        if let Some(node) = self.attempt(Self::assignment_expression)? {
            return Ok(Some(node));
        }
        self.mark = start;
        self.plain_expression()
    }

    fn keyword_arguments(&mut self) -> Parse<Vec<Argument>> {
        let both = self.attempt(|p| {
            let mut items = need!(p.commas(Self::keyword_or_starred));
            need!(p.expect(","));
            items.extend(need!(p.commas(Self::keyword_or_unpacked)));
            Ok(Some(items))
        })?;
        if both.is_some() {
            return Ok(both);
        }
        first_of!(self; |p| p.commas(Self::keyword_or_starred), |p| p.commas(Self::keyword_or_unpacked))
    }

    fn keyword_or_starred(&mut self) -> Parse<Argument> {
        self.watch(Self::invalid_keyword)?;
        first_of!(self; Self::keyword, |p| Ok(p.starred_expression()?.map(Argument::Starred)))
    }

    fn keyword_or_unpacked(&mut self) -> Parse<Argument> {
        self.watch(Self::invalid_keyword)?;
        first_of!(self; Self::keyword, |p| {
            need!(p.expect("**"));
            Ok(p.expression()?.map(|_| Argument::Unpacked))
        })
    }

    fn keyword(&mut self) -> Parse<Argument> {
        need!(self.name());
        need!(self.expect("="));
        Ok(self.expression()?.map(|_| Argument::Keyword))
    }

    /// `*a` in arguments, subscripts and comprehensions.
    pub(super) fn starred_expression(&mut self) -> Parse {
        self.watch(|p| {
            let star = need!(p.expect("*"));
            need!(p.expression());
            need!(p.expect("="));
            let value = need!(p.expression());
            let place = p.token_place(star).to(p.place(value));
            p.raise_at(place, "cannot assign to iterable argument unpacking")
        })?;
        let found = self.attempt(|p| {
            let start = need!(p.expect("*"));
            let value = need!(p.expression());
            Ok(Some(p.node_of(start, What::Starred, vec![value])))
        })?;
        if found.is_none() {
            self.watch(|p| {
                need!(p.expect("*"));
                p.raise("Invalid star expression")
            })?;
        }
        Ok(found)
    }

    fn invalid_arguments(&mut self) -> Parse<()> {
        self.attempt(Self::unpacking_after_keywords)?;
        self.attempt(|p| {
            let element = need!(p.expression());
            let clauses = need!(p.for_if_clauses());
            need!(p.expect(","));
            let more = p.attempt(Self::args)?.is_some();
            if !more {
                p.attempt(|p| {
                    need!(p.expression());
                    p.for_if_clauses()
                })?;
            }
            p.raise_bare_generator(element, clauses)
        })?;
        self.attempt(Self::assignment_in_generator)?;
        self.attempt(|p| {
            p.attempt(|p| {
                need!(p.args());
                p.expect(",")
            })?;
            let name = need!(p.name());
            let equal = need!(p.expect("="));
            if !p.sees_any(&[",", ")"])? {
                return Ok(None);
            }
            let place = p.place(name).to(p.token_place(equal));
            p.raise_at::<()>(place, "expected argument value expression")
        })?;
        self.attempt(|p| {
            let args = need!(p.args());
            let clauses = need!(p.for_if_clauses());
            let items = &p.data(args).items;
            match items[..] {
                // `f(x for x in y)` is fine.
                [] | [_] => Ok(None),
                [.., last] => p.raise_bare_generator(last, clauses),
            }
        })?;
        self.attempt(|p| {
            need!(p.args());
            need!(p.expect(","));
            let element = need!(p.expression());
            let clauses = need!(p.for_if_clauses());
            p.raise_bare_generator(element, clauses)
        })?;
        self.attempt(|p| {
            let args = need!(p.args());
            need!(p.expect(","));
            need!(p.args());
            let unpacks = p.data(args).what == What::Arguments(true);
            let what = if unpacks { "keyword argument unpacking" } else { "keyword argument" };
            p.raise(format!("positional argument follows {what}"))
        })
    }

    fn raise_bare_generator(&mut self, element: Node, clauses: Node) -> Parse<()> {
        let place = self.place(element).to(self.place(clauses));
        self.raise_at(place, "Generator expression must be parenthesized")
    }

    /// `*a` behind `**b`.
    fn unpacking_after_keywords(&mut self) -> Parse<()> {
        let with_positional = self.attempt(|p| {
            need!(p.commas(Self::positional_argument));
            need!(p.expect(","));
            p.keyword_arguments()
        })?;
        if with_positional.is_none() {
            need!(self.keyword_arguments());
        }
        let comma = need!(self.expect(","));
        need!(self.commas(|p| {
            need!(p.starred_expression());
            Ok(if p.sees("=")? { None } else { Some(()) })
        }));
        self.raise_from(self.token_place(comma), "iterable argument unpacking follows keyword argument unpacking")
    }

    /// `f(x=y for y in z)`.
    fn assignment_in_generator(&mut self) -> Parse<()> {
        let name = need!(self.name());
        let equal = need!(self.expect("="));
        need!(self.expression());
        need!(self.for_if_clauses());
        let place = self.place(name).to(self.token_place(equal));
        self.raise_at(place, "invalid syntax. Maybe you meant '==' or ':=' instead of '='?")
    }

    fn invalid_keyword(&mut self) -> Parse<()> {
        self.attempt(|p| {
            let word = need!(p.expect_any(&["True", "False", "None"]));
            let equal = need!(p.expect("="));
            let place = p.token_place(word).to(p.token_place(equal));
            let msg = format!("cannot assign to {}", p.text(word));
            p.raise_at::<()>(place, msg)
        })?;
        self.attempt(Self::assignment_in_generator)?;
        self.attempt(|p| {
            if p.ahead(|p| {
                need!(p.name());
                p.expect("=")
            })? {
                return Ok(None);
            }
            let target = need!(p.expression());
            let equal = need!(p.expect("="));
            let place = p.place(target).to(p.token_place(equal));
            p.raise_at::<()>(place, "expression cannot contain assignment, perhaps you meant \"==\"?")
        })?;
        self.attempt(|p| {
            let stars = need!(p.expect("**"));
            need!(p.expression());
            need!(p.expect("="));
            let value = need!(p.expression());
            let place = p.token_place(stars).to(p.place(value));
            p.raise_at(place, "cannot assign to keyword argument unpacking")
        })
    }
}

/// An argument behind the positional ones.
enum Argument {
    Keyword,
    Starred(Node),
    Unpacked,
}
