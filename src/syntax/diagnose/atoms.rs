//! Atoms: names, constants, numbers, and what stands in brackets.

use super::{Parse, Parser, What, first_of, need};
use crate::tokenizer::Kind;

impl Parser<'_> {
    pub(super) fn atom(&mut self) -> Parse {
        let token = self.peek()?;
        match (token.kind, self.text(self.mark)) {
            (Kind::Name, _) => self.name(),
            (Kind::Keyword, "True") => self.constant("True"),
            (Kind::Keyword, "False") => self.constant("False"),
            (Kind::Keyword, "None") => self.constant("None"),
            (Kind::String | Kind::FStringStart | Kind::TStringStart, _) => self.strings(),
            (Kind::Number, _) => self.number(),
            (Kind::Op, "(") => first_of!(self; Self::tuple, Self::group, Self::generator_expression),
            (Kind::Op, "[") => first_of!(self; Self::list, Self::list_comprehension),
            (Kind::Op, "{") => {
                first_of!(self; Self::dict, Self::set, Self::dict_comprehension, Self::set_comprehension)
            }
            (Kind::Op, "...") => {
                self.mark += 1;
                Ok(Some(self.node(self.mark - 1, What::Other("ellipsis"))))
            }
            _ => Ok(None),
        }
    }

    fn constant(&mut self, name: &'static str) -> Parse {
        self.mark += 1;
        Ok(Some(self.node(self.mark - 1, What::Other(name))))
    }

    pub(super) fn number(&mut self) -> Parse {
        let token = need!(self.kind(Kind::Number));
        let digits = crate::number::decimal_digits(self.text(token));
        let limit = self.options.max_int_digits;
        if limit > 0 && digits > limit {
            let msg = format!(
                "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; \
                 use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer \
                 literals to avoid decimal conversion limits."
            );
            return self.raise_at(self.token_place(token), msg);
        }
        Ok(Some(self.node(token, What::Other("literal"))))
    }

    /// Anything in parentheses.
    fn group(&mut self) -> Parse {
        let inner = self.attempt(|p| {
            need!(p.expect("("));
            let inner = need!(first_of_rules(p));
            need!(p.expect(")"));
            Ok(Some(inner))
        })?;
        if inner.is_none() {
            self.watch(Self::invalid_group)?;
        }
        Ok(inner)
    }

    fn invalid_group(&mut self) -> Parse<()> {
        self.attempt(|p| {
            need!(p.expect("("));
            let starred = need!(p.starred_expression());
            need!(p.expect(")"));
            p.raise_at::<()>(p.place(starred), "cannot use starred expression here")
        })?;
        self.attempt(|p| {
            need!(p.expect("("));
            let stars = need!(p.expect("**"));
            need!(p.expression());
            need!(p.expect(")"));
            p.raise_at(p.token_place(stars), "cannot use double starred expression here")
        })
    }
}

fn first_of_rules(p: &mut Parser) -> Parse {
    first_of!(p; Parser::yield_expr, Parser::named_expression)
}
