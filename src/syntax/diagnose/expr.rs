//! Expressions by precedence, from conditional expressions down to primaries.

use super::{Node, Parse, Parser, Rule, Tok, What, first_of, need};
use crate::tokenizer::Kind;

/// Left-associative operators, loosest first. The shift operators also watch for a misplaced `not`.
const BINARY: [&[&str]; 6] = [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "//", "%", "@"]];
const SHIFT: u8 = 3;
const SUM: u8 = 4;
const TERM: u8 = 5;

impl Parser<'_> {
    /// One or more expressions; several are a tuple.
    pub(super) fn expressions(&mut self) -> Parse {
        self.tuple_of(Self::expression)
    }

    /// One or more expressions, some perhaps starred; several are a tuple.
    pub(super) fn star_expressions(&mut self) -> Parse {
        self.tuple_of(Self::star_expression)
    }

    fn tuple_of(&mut self, element: fn(&mut Self) -> Parse) -> Parse {
        let start = self.mark;
        let first = need!(self.attempt(element));
        let mut items = vec![first];
        let rest = self.many(|p| {
            need!(p.expect(","));
            element(p)
        })?;
        items.extend(rest);
        let comma = self.expect(",")?.is_some();
        if items.len() == 1 && !comma {
            return Ok(Some(first));
        }
        Ok(Some(self.node_of(start, What::Tuple, items)))
    }

    pub(super) fn star_expression(&mut self) -> Parse {
        self.remember(Rule::StarExpression, |p| first_of!(p; Self::starred_bitwise, Self::expression))
    }

    /// `*a` where `a` binds tighter than comparisons.
    pub(super) fn starred_bitwise(&mut self) -> Parse {
        let start = need!(self.expect("*"));
        let value = need!(self.bitwise_or());
        Ok(Some(self.node_of(start, What::Starred, vec![value])))
    }

    pub(super) fn star_named_expression(&mut self) -> Parse {
        first_of!(self; Self::starred_bitwise, Self::named_expression)
    }

    pub(super) fn star_named_expressions(&mut self) -> Parse<Vec<Node>> {
        let items = need!(self.commas(Self::star_named_expression));
        self.expect(",")?;
        Ok(Some(items))
    }

    /// `name := value`.
    pub(super) fn assignment_expression(&mut self) -> Parse {
        let start = self.mark;
        need!(self.name());
        need!(self.expect(":="));
        match self.expression()? {
            Some(_) => Ok(Some(self.node(start, What::Other("named expression")))),
            None => Ok(None),
        }
    }

    pub(super) fn named_expression(&mut self) -> Parse {
        let start = self.mark;
        if let Some(node) = self.attempt(Self::assignment_expression)? {
            return Ok(Some(node));
        }
        self.watch(|p| p.invalid_named_expression().map(|found| found.map(drop)))?;
        self.mark = start;
        self.plain_expression()
    }

    /// An expression that no `:=` follows.
    pub(super) fn plain_expression(&mut self) -> Parse {
        self.attempt(|p| {
            let node = need!(p.expression());
            if p.sees(":=")? { Ok(None) } else { Ok(Some(node)) }
        })
    }

    pub(super) fn expression(&mut self) -> Parse {
        self.remember(Rule::Expression, |p| {
            p.watch(Self::invalid_expression)?;
            p.watch(Self::invalid_legacy_expression)?;
            p.expression_proper()
        })
    }

    /// An expression, without looking for mistakes at its top.
    fn expression_proper(&mut self) -> Parse {
        first_of!(self; Self::conditional, Self::disjunction, Self::lambda)
    }

    pub(super) fn expression_unwatched(&mut self) -> Parse {
        self.unwatched(Self::expression_proper)
    }

    fn conditional(&mut self) -> Parse {
        let start = self.mark;
        need!(self.disjunction());
        need!(self.expect("if"));
        need!(self.disjunction());
        need!(self.expect("else"));
        need!(self.expression());
        Ok(Some(self.node(start, What::Other("conditional expression"))))
    }

    fn lambda(&mut self) -> Parse {
        let start = need!(self.expect("lambda"));
        self.attempt(|p| p.parameter_list(super::params::LAMBDA))?;
        need!(self.expect(":"));
        need!(self.expression());
        Ok(Some(self.node(start, What::Other("lambda"))))
    }

    pub(super) fn disjunction(&mut self) -> Parse {
        self.remember(Rule::Disjunction, |p| p.boolean("or", Self::conjunction))
    }

    fn conjunction(&mut self) -> Parse {
        self.remember(Rule::Conjunction, |p| p.boolean("and", Self::inversion))
    }

    fn boolean(&mut self, operator: &str, operand: fn(&mut Self) -> Parse) -> Parse {
        let start = self.mark;
        let first = need!(operand(self));
        let rest = self.many(|p| {
            need!(p.expect(operator));
            operand(p)
        })?;
        Ok(Some(if rest.is_empty() { first } else { self.node(start, What::Other("expression")) }))
    }

    pub(super) fn inversion(&mut self) -> Parse {
        self.remember(Rule::Inversion, |p| {
            if let Some(node) = p.attempt(|p| {
                let start = need!(p.expect("not"));
                need!(p.inversion());
                Ok(Some(p.node(start, What::Other("expression"))))
            })? {
                return Ok(Some(node));
            }
            p.comparison()
        })
    }

    fn comparison(&mut self) -> Parse {
        let start = self.mark;
        let left = need!(self.bitwise_or());
        let mut first_operator = None;
        while let Some(operator) = self.attempt(Self::compared)? {
            first_operator.get_or_insert(operator);
        }
        let Some(operator) = first_operator else { return Ok(Some(left)) };
        let what = if operator == "in" { What::CompareIn } else { What::Other("comparison") };
        Ok(Some(self.node_of(start, what, vec![left])))
    }

    /// A comparison operator with its right side; returns the operator.
    fn compared(&mut self) -> Parse<&'static str> {
        for operator in ["==", "!=", "<=", "<", ">=", ">"] {
            let found = self.attempt(|p| {
                need!(p.comparison_operator(operator));
                Ok(p.bitwise_or()?.map(|_| operator))
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        for words in [&["not", "in"][..], &["in"], &["is", "not"], &["is"]] {
            let found = self.attempt(|p| {
                for word in words {
                    need!(p.expect(word));
                }
                Ok(p.bitwise_or()?.map(|_| words[0]))
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn comparison_operator(&mut self, operator: &'static str) -> Parse<Tok> {
        if operator != "!=" {
            return self.expect(operator);
        }
        // `<>` is the same token; which of the two is right depends on a joke (PEP 401).
        let Some(token) = self.expect_any(&["!=", "<>"])? else { return Ok(None) };
        let classic = self.text(token) == "!=";
        match (self.barry, classic) {
            (true, true) => self.raise("with Barry as BDFL, use '<>' instead of '!='"),
            (false, false) => {
                let msg = "invalid syntax.  Maybe you meant '!=' instead of '<>'?";
                self.raise_at(self.token_place(token), msg)
            }
            _ => Ok(Some(token)),
        }
    }

    pub(super) fn bitwise_or(&mut self) -> Parse {
        self.binary(0)
    }

    /// A chain of left-associative operators of one level.
    fn binary(&mut self, level: u8) -> Parse {
        self.remember(Rule::Binary(level), |p| {
            let start = p.mark;
            if level == SHIFT {
                p.watch(Self::invalid_arithmetic)?;
            }
            if level == TERM {
                p.watch(Self::invalid_factor)?;
            }
            let mut left = need!(p.operand(level));
            loop {
                let found = p.attempt(|p| {
                    need!(p.expect_any(BINARY[level as usize]));
                    p.operand(level)
                })?;
                if found.is_none() {
                    return Ok(Some(left));
                }
                left = p.node(start, What::Other("expression"));
            }
        })
    }

    fn operand(&mut self, level: u8) -> Parse {
        if level == TERM { self.factor() } else { self.binary(level + 1) }
    }

    /// The left side of `+`.
    pub(super) fn sum(&mut self) -> Parse {
        self.binary(SUM)
    }

    pub(super) fn factor(&mut self) -> Parse {
        self.remember(Rule::Factor, |p| {
            for sign in ["+", "-", "~"] {
                let found = p.attempt(|p| {
                    let start = need!(p.expect(sign));
                    need!(p.factor());
                    Ok(Some(p.node(start, What::Other("expression"))))
                })?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            p.power()
        })
    }

    fn power(&mut self) -> Parse {
        let start = self.mark;
        let base = need!(self.await_primary());
        let raised = self.attempt(|p| {
            need!(p.expect("**"));
            p.factor()
        })?;
        Ok(Some(if raised.is_some() { self.node(start, What::Other("expression")) } else { base }))
    }

    fn await_primary(&mut self) -> Parse {
        self.remember(Rule::AwaitPrimary, |p| {
            if let Some(node) = p.attempt(|p| {
                let start = need!(p.expect("await"));
                need!(p.primary());
                Ok(Some(p.node(start, What::Other("await expression"))))
            })? {
                return Ok(Some(node));
            }
            p.primary()
        })
    }

    fn primary(&mut self) -> Parse {
        self.remember(Rule::Primary, |p| {
            let start = p.mark;
            let mut node = need!(p.atom());
            while let Some(what) = p.attempt(Self::trailer)? {
                node = p.node(start, what);
            }
            Ok(Some(node))
        })
    }

    /// `.name`, a call or a subscript.
    pub(super) fn trailer(&mut self) -> Parse<What> {
        first_of!(self;
            |p| {
                need!(p.expect("."));
                Ok(p.name()?.map(|_| What::Attribute))
            },
            |p| Ok(p.generator_expression()?.map(|_| What::Other("function call"))),
            |p| {
                need!(p.expect("("));
                p.arguments()?;
                Ok(p.expect(")")?.map(|_| What::Other("function call")))
            },
            |p| {
                need!(p.expect("["));
                need!(p.slices());
                Ok(p.expect("]")?.map(|_| What::Subscript))
            },
        )
    }

    fn slices(&mut self) -> Parse<()> {
        if self
            .attempt(|p| {
                need!(p.slice());
                Ok(if p.sees(",")? { None } else { Some(()) })
            })?
            .is_some()
        {
            return Ok(Some(()));
        }
        need!(self.commas(|p| first_of!(p; Self::slice, |p| Ok(p.starred_expression()?.map(drop)))));
        self.expect(",")?;
        Ok(Some(()))
    }

    fn slice(&mut self) -> Parse<()> {
        first_of!(self;
            |p| {
                p.expression()?;
                need!(p.expect(":"));
                p.expression()?;
                p.attempt(|p| {
                    need!(p.expect(":"));
                    p.expression()?;
                    Ok(Some(()))
                })?;
                Ok(Some(()))
            },
            |p| Ok(p.named_expression()?.map(drop)),
        )
    }

    pub(super) fn yield_expr(&mut self) -> Parse {
        let start = need!(self.expect("yield"));
        let delegated = self.attempt(|p| {
            need!(p.expect("from"));
            p.expression()
        })?;
        if delegated.is_none() {
            self.attempt(Self::star_expressions)?;
        }
        Ok(Some(self.node(start, What::Other("yield expression"))))
    }

    /// The right side of an assignment.
    pub(super) fn annotated_rhs(&mut self) -> Parse {
        first_of!(self; Self::yield_expr, Self::star_expressions)
    }

    /// The types in a signature comment: plain ones, then `*` and `**`.
    pub(super) fn type_expressions(&mut self) -> Parse<()> {
        let mut comma = self.commas(Self::expression)?.is_some();
        for star in ["*", "**"] {
            comma |= self
                .attempt(|p| {
                    if comma {
                        need!(p.expect(","));
                    }
                    need!(p.expect(star));
                    p.expression()
                })?
                .is_some();
        }
        Ok(Some(()))
    }

    /// Whether a plain string comes next.
    pub(super) fn sees_string(&mut self) -> Result<bool, super::Stop> {
        self.sees_kind(Kind::String)
    }
}
