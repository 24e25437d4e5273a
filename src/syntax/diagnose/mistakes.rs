//! Common mistakes in expressions, looked for in the second pass.

use super::{Parse, Parser, Rule, What, need};
use crate::tokenizer::Kind;

impl Parser<'_> {
    /// Two expressions side by side, half a conditional expression, a statement inside one.
    pub(super) fn invalid_expression(&mut self) -> Parse<()> {
        self.attempt(Self::text_outside_string)?;
        self.attempt(Self::missing_comma)?;
        self.attempt(Self::half_conditional)?;
        self.attempt(Self::statement_in_conditional)?;
        self.attempt(Self::lambda_in_string)
    }

    /// A string that is closed and opened again by quotes meant to be in it.
    fn text_outside_string(&mut self) -> Parse<()> {
        need!(self.kind(Kind::String));
        let between = need!(self.some(|p| { if p.sees_string()? { Ok(None) } else { p.expression_unwatched() } }));
        need!(self.kind(Kind::String));
        let place = self.place(between[0]).to(self.place(between[between.len() - 1]));
        self.raise_at(place, "invalid syntax. Is this intended to be part of the string?")
    }

    fn missing_comma(&mut self) -> Parse<()> {
        // A name before a string looks like a bad prefix; a soft keyword may start a statement.
        let excluded = self.ahead(|p| {
            if p.attempt(|p| {
                need!(p.name());
                p.kind(Kind::String)
            })?
            .is_some()
            {
                return Ok(Some(()));
            }
            Ok(p.soft_keyword()?.map(drop))
        })?;
        if excluded {
            return Ok(None);
        }
        let first = need!(self.disjunction());
        let second = need!(self.expression_unwatched());
        let inside_brackets = self.tokens[self.mark - 1].level > 0;
        if self.is_legacy_statement(first) || !inside_brackets {
            return Ok(None);
        }
        let place = self.place(first).to(self.place(second));
        self.raise_at(place, "invalid syntax. Perhaps you forgot a comma?")
    }

    fn half_conditional(&mut self) -> Parse<()> {
        let value = need!(self.disjunction());
        need!(self.expect("if"));
        let test = need!(self.disjunction());
        if !self.sees_any(&["else", ":"])? {
            let place = self.place(value).to(self.place(test));
            return self.raise_at(place, "expected 'else' after 'if' expression");
        }
        need!(self.expect("else"));
        if !self.ahead(Self::expression)? {
            return self.raise_on_next("expected expression after 'else', but statement is given");
        }
        Ok(None)
    }

    fn statement_in_conditional(&mut self) -> Parse<()> {
        let statement = need!(self.expect_any(&["pass", "break", "continue"]));
        need!(self.expect("if"));
        need!(self.disjunction());
        need!(self.expect("else"));
        need!(self.simple_stmt());
        let place = self.token_place(statement);
        self.raise_at(place, "expected expression before 'if', but statement is given")
    }

    fn lambda_in_string(&mut self) -> Parse<()> {
        let lambda = need!(self.expect("lambda"));
        self.attempt(|p| p.parameter_list(super::params::LAMBDA))?;
        let colon = need!(self.expect(":"));
        let letter = match self.peek()?.kind {
            Kind::FStringMiddle => 'f',
            Kind::TStringMiddle => 't',
            _ => return Ok(None),
        };
        let place = self.token_place(lambda).to(self.token_place(colon));
        self.raise_at(place, format!("{letter}-string: lambda expressions are not allowed without parentheses"))
    }

    /// `print x` and `exec x` of Python 2.
    pub(super) fn invalid_legacy_expression(&mut self) -> Parse<()> {
        let name = need!(self.name());
        if self.sees("(")? {
            return Ok(None);
        }
        let argument = need!(self.star_expressions());
        if !self.is_legacy_statement(name) {
            return Ok(None);
        }
        let What::Name(token) = self.data(name).what else { return Ok(None) };
        let word = self.text(token).to_owned();
        let place = self.place(name).to(self.place(argument));
        self.raise_at(place, format!("Missing parentheses in call to '{word}'. Did you mean {word}(...)?"))
    }

    fn is_legacy_statement(&self, node: super::Node) -> bool {
        matches!(self.data(node).what, What::Name(token) if matches!(self.text(token), "print" | "exec"))
    }

    /// `=` where `==` or `:=` is meant.
    pub(super) fn invalid_named_expression(&mut self) -> Parse {
        self.remember(Rule::InvalidNamedExpression, |p| {
            p.attempt(|p| {
                let target = need!(p.expression());
                need!(p.expect(":="));
                need!(p.expression());
                let msg = format!("cannot use assignment expressions with {}", p.called(target));
                p.raise_at::<()>(p.place(target), msg)
            })?;
            p.attempt(|p| {
                let name = need!(p.name());
                need!(p.expect("="));
                let value = need!(p.bitwise_or());
                if p.sees_any(&["=", ":="])? {
                    return Ok(None);
                }
                let place = p.place(name).to(p.place(value));
                p.raise_at::<()>(place, "invalid syntax. Maybe you meant '==' or ':=' instead of '='?")
            })?;
            p.attempt(|p| {
                if p.ahead(Self::possible_target)? {
                    return Ok(None);
                }
                let target = need!(p.bitwise_or());
                need!(p.expect("="));
                need!(p.bitwise_or());
                if p.sees_any(&["=", ":="])? {
                    return Ok(None);
                }
                let called = p.called(target);
                let msg = format!("cannot assign to {called} here. Maybe you meant '==' instead of '='?");
                p.raise_at::<()>(p.place(target), msg)
            })?;
            Ok(None)
        })
    }

    /// Left sides that have a better message of their own.
    fn possible_target(&mut self) -> Parse<()> {
        for rule in [Self::list, Self::tuple, Self::generator_expression] {
            if self.attempt(rule)?.is_some() {
                return Ok(Some(()));
            }
        }
        Ok(self.expect_any(&["True", "None", "False"])?.map(drop))
    }

    /// `a + not b`.
    pub(super) fn invalid_arithmetic(&mut self) -> Parse<()> {
        need!(self.sum());
        need!(self.expect_any(&["+", "-", "*", "/", "%", "//", "@"]));
        let not = need!(self.expect("not"));
        let operand = need!(self.inversion());
        let place = self.token_place(not).to(self.place(operand));
        self.raise_at(place, "'not' after an operator must be parenthesized")
    }

    /// `- not b`.
    pub(super) fn invalid_factor(&mut self) -> Parse<()> {
        need!(self.expect_any(&["+", "-", "~"]));
        let not = need!(self.expect("not"));
        let operand = need!(self.factor());
        let place = self.token_place(not).to(self.place(operand));
        self.raise_at(place, "'not' after an operator must be parenthesized")
    }
}
