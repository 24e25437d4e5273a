//! Compound statements.

use super::targets::Position;
use super::{Parse, Parser, Rule, Tok, What, first_of, need, params};
use crate::error::ErrorClass;
use crate::tokenizer::Kind;

impl Parser<'_> {
    pub(super) fn compound_stmt(&mut self) -> Parse<()> {
        let token = self.peek()?;
        let word = self.tokenizer.text(&token);
        let is_word = matches!(token.kind, Kind::Keyword | Kind::Op);
        let rules: &[fn(&mut Self) -> Parse<()>] = match word {
            "def" if is_word => &[Self::function_def],
            "@" if is_word => &[Self::function_def, Self::class_def],
            "async" if is_word => &[Self::function_def, Self::with_stmt, Self::for_stmt],
            "if" if is_word => &[Self::if_stmt],
            "class" if is_word => &[Self::class_def],
            "with" if is_word => &[Self::with_stmt],
            "for" if is_word => &[Self::for_stmt],
            "try" if is_word => &[Self::try_stmt],
            "while" if is_word => &[Self::while_stmt],
            _ => &[],
        };
        for rule in rules {
            if self.attempt(rule)?.is_some() {
                return Ok(Some(()));
            }
        }
        self.attempt(Self::match_stmt)
    }

    pub(super) fn block(&mut self) -> Parse<()> {
        let found = self.remember(Rule::Block, |p| {
            let start = p.mark;
            let indented = p.attempt(|p| {
                need!(p.kind(Kind::Newline));
                need!(p.kind(Kind::Indent));
                need!(p.statements());
                p.kind(Kind::Dedent)
            })?;
            if indented.is_none() && p.simple_stmts()?.is_none() {
                p.watch(|p| {
                    need!(p.kind(Kind::Newline));
                    if p.sees_kind(Kind::Indent)? {
                        return Ok(None);
                    }
                    p.raise_class(ErrorClass::IndentationError, "expected an indented block")
                })?;
                return Ok(None);
            }
            Ok(Some(p.node(start, What::Other("block"))))
        })?;
        Ok(found.map(drop))
    }

    /// Raises if a block should follow a newline and does not; `what` is the statement, which began at `start`.
    fn missing_block(&mut self, what: &str, start: Tok) -> Parse<()> {
        need!(self.kind(Kind::Newline));
        if self.sees_kind(Kind::Indent)? {
            return Ok(None);
        }
        let line = self.tokens[start].lineno;
        let msg = format!("expected an indented block after {what} on line {line}");
        self.raise_class(ErrorClass::IndentationError, msg)
    }

    /// Raises if the line ends where a colon should be.
    fn missing_colon(&mut self) -> Parse<()> {
        need!(self.kind(Kind::Newline));
        self.raise("expected ':'")
    }

    /// Both mistakes that can be made behind a head without a block: no colon, or a colon and no block.
    fn invalid_head(
        &mut self,
        keyword: &str,
        what: &str,
        head: impl Fn(&mut Self, Tok) -> Parse<()>,
    ) -> Result<(), super::Stop> {
        let keyword = keyword.to_owned();
        self.watch(|p| {
            p.attempt(|p| {
                let start = need!(p.expect(&keyword));
                need!(head(p, start));
                p.missing_colon()
            })?;
            p.attempt(|p| {
                let start = need!(p.expect(&keyword));
                need!(head(p, start));
                need!(p.expect(":"));
                p.missing_block(what, start)
            })
        })
    }

    fn colon_and_block(&mut self) -> Parse<()> {
        need!(self.expect(":"));
        self.block()
    }

    fn optional_else(&mut self) -> Parse<()> {
        self.attempt(Self::else_block)?;
        Ok(Some(()))
    }

    fn if_stmt(&mut self) -> Parse<()> {
        self.if_or_elif("if", "'if' statement")
    }

    fn if_or_elif(&mut self, keyword: &'static str, what: &'static str) -> Parse<()> {
        self.invalid_head(keyword, what, |p, _| Ok(p.named_expression()?.map(drop)))?;
        need!(self.expect(keyword));
        need!(self.named_expression());
        need!(self.colon_and_block());
        if self.attempt(|p| p.if_or_elif("elif", "'elif' statement"))?.is_some() {
            return Ok(Some(()));
        }
        self.optional_else()
    }

    fn else_block(&mut self) -> Parse<()> {
        self.watch(|p| {
            p.attempt(|p| {
                let start = need!(p.expect("else"));
                need!(p.expect(":"));
                p.missing_block("'else' statement", start)
            })?;
            need!(p.expect("else"));
            need!(p.expect(":"));
            need!(p.block());
            need!(p.expect("elif"));
            p.raise("'elif' block follows an 'else' block")
        })?;
        need!(self.expect("else"));
        need!(self.force(":"));
        self.block()
    }

    fn while_stmt(&mut self) -> Parse<()> {
        self.invalid_head("while", "'while' statement", |p, _| Ok(p.named_expression()?.map(drop)))?;
        need!(self.expect("while"));
        need!(self.named_expression());
        need!(self.colon_and_block());
        self.optional_else()
    }

    fn for_stmt(&mut self) -> Parse<()> {
        self.watch(|p| {
            p.attempt(|p| {
                need!(p.for_head());
                p.missing_colon()
            })?;
            p.attempt(|p| {
                let start = need!(p.for_head());
                need!(p.expect(":"));
                p.missing_block("'for' statement", start)
            })
        })?;
        let mut committed = false;
        let found = self.attempt(|p| {
            p.expect("async")?;
            need!(p.expect("for"));
            need!(p.star_targets());
            need!(p.expect("in"));
            committed = true;
            need!(p.star_expressions());
            need!(p.expect(":"));
            p.kind(Kind::TypeComment)?;
            need!(p.block());
            p.optional_else()
        })?;
        if found.is_none() && !committed {
            self.watch(Self::invalid_for_target)?;
        }
        Ok(found)
    }

    /// Everything before the colon; returns the `for`.
    fn for_head(&mut self) -> Parse<Tok> {
        self.expect("async")?;
        let start = need!(self.expect("for"));
        need!(self.star_targets());
        need!(self.expect("in"));
        need!(self.star_expressions());
        Ok(Some(start))
    }

    fn with_stmt(&mut self) -> Parse<()> {
        self.watch(|p| {
            for parenthesized in [false, true] {
                p.attempt(|p| {
                    let start = need!(p.loose_with_head(parenthesized));
                    need!(p.expect(":"));
                    p.missing_block("'with' statement", start)
                })?;
            }
            Ok(None)
        })?;
        let found = self.attempt(|p| {
            p.expect("async")?;
            need!(p.expect("with"));
            first_of!(p;
                |p| {
                    need!(p.expect("("));
                    need!(p.commas(Self::with_item));
                    p.expect(",")?;
                    need!(p.expect(")"));
                    p.with_body()
                },
                |p| {
                    need!(p.commas(Self::with_item));
                    p.with_body()
                },
            )
        })?;
        if found.is_none() {
            self.watch(|p| {
                for parenthesized in [false, true] {
                    p.attempt(|p| {
                        need!(p.loose_with_head(parenthesized));
                        p.missing_colon()
                    })?;
                }
                Ok(None)
            })?;
        }
        Ok(found)
    }

    fn with_body(&mut self) -> Parse<()> {
        need!(self.expect(":"));
        self.kind(Kind::TypeComment)?;
        self.block()
    }

    fn with_item(&mut self) -> Parse<()> {
        let named = self.attempt(|p| {
            need!(p.expression());
            need!(p.expect("as"));
            need!(p.star_target());
            Ok(if p.sees_any(&[",", ")", ":"])? { Some(()) } else { None })
        })?;
        if named.is_some() {
            return Ok(named);
        }
        self.watch(|p| {
            need!(p.expression());
            need!(p.expect("as"));
            let target = need!(p.expression());
            if !p.sees_any(&[",", ")", ":"])? {
                return Ok(None);
            }
            p.raise_invalid_target(target, Position::Assigned)
        })?;
        Ok(self.expression()?.map(drop))
    }

    /// The head of a `with`, not looking closely at its items; returns the `with`.
    fn loose_with_head(&mut self, parenthesized: bool) -> Parse<Tok> {
        self.expect("async")?;
        let start = need!(self.expect("with"));
        let item = |p: &mut Self| {
            if parenthesized {
                need!(p.expressions());
            } else {
                need!(p.expression());
            }
            p.attempt(|p| {
                need!(p.expect("as"));
                p.star_target()
            })?;
            Ok(Some(()))
        };
        if parenthesized {
            need!(self.expect("("));
            need!(self.commas(item));
            self.expect(",")?;
            need!(self.expect(")"));
        } else {
            need!(self.commas(item));
        }
        Ok(Some(start))
    }

    fn decorators(&mut self) -> Parse<()> {
        let decorators = self.some(|p| {
            need!(p.expect("@"));
            need!(p.named_expression());
            p.kind(Kind::Newline)
        })?;
        Ok(decorators.map(drop))
    }

    fn class_def(&mut self) -> Parse<()> {
        if self
            .attempt(|p| {
                need!(p.decorators());
                p.class_def_raw()
            })?
            .is_some()
        {
            return Ok(Some(()));
        }
        self.class_def_raw()
    }

    fn class_def_raw(&mut self) -> Parse<()> {
        self.invalid_head("class", "class definition", |p, _| p.class_head())?;
        need!(self.expect("class"));
        need!(self.class_head());
        self.colon_and_block()
    }

    /// Name, type parameters and bases.
    fn class_head(&mut self) -> Parse<()> {
        need!(self.name());
        self.attempt(Self::type_params)?;
        self.attempt(|p| {
            need!(p.expect("("));
            p.arguments()?;
            p.expect(")")
        })?;
        Ok(Some(()))
    }

    fn function_def(&mut self) -> Parse<()> {
        if self
            .attempt(|p| {
                need!(p.decorators());
                p.function_def_raw()
            })?
            .is_some()
        {
            return Ok(Some(()));
        }
        self.function_def_raw()
    }

    fn function_def_raw(&mut self) -> Parse<()> {
        self.watch(|p| {
            p.expect("async")?;
            let start = need!(p.expect("def"));
            need!(p.function_head(false));
            need!(p.expect(":"));
            p.missing_block("function definition", start)
        })?;
        self.watch(|p| {
            p.expect("async")?;
            need!(p.expect("def"));
            need!(p.function_head(true));
            need!(p.force(":"));
            p.func_type_comment()?;
            p.block()
        })?;
        self.expect("async")?;
        need!(self.expect("def"));
        need!(self.function_head(false));
        need!(self.expect(":"));
        self.func_type_comment()?;
        self.block()
    }

    /// Name, type parameters, parameters and result; `forced` insists on the opening parenthesis.
    fn function_head(&mut self, forced: bool) -> Parse<()> {
        need!(self.name());
        self.attempt(Self::type_params)?;
        if forced {
            need!(self.force("("));
        } else {
            need!(self.expect("("));
        }
        self.attempt(|p| p.parameter_list(params::DEF))?;
        need!(self.expect(")"));
        self.attempt(|p| {
            need!(p.expect("->"));
            p.expression()
        })?;
        Ok(Some(()))
    }

    fn func_type_comment(&mut self) -> Parse<()> {
        let found = self.attempt(|p| {
            need!(p.kind(Kind::Newline));
            need!(p.kind(Kind::TypeComment));
            let block = p.ahead(|p| {
                need!(p.kind(Kind::Newline));
                p.kind(Kind::Indent)
            })?;
            Ok(if block { Some(()) } else { None })
        })?;
        if found.is_some() {
            return Ok(found);
        }
        self.watch(|p| {
            for kind in [Kind::TypeComment, Kind::Newline, Kind::TypeComment, Kind::Newline, Kind::Indent] {
                need!(p.kind(kind));
            }
            p.raise("Cannot have two type comments on def")
        })?;
        Ok(self.kind(Kind::TypeComment)?.map(drop))
    }

    fn try_stmt(&mut self) -> Parse<()> {
        self.watch(Self::invalid_try_stmt)?;
        let head = |p: &mut Self| {
            need!(p.expect("try"));
            need!(p.force(":"));
            p.block()
        };
        first_of!(self;
            |p| {
                need!(head(p));
                p.finally_block()
            },
            |p| {
                need!(head(p));
                need!(p.some(Self::except_block));
                p.optional_else()?;
                p.attempt(Self::finally_block)?;
                Ok(Some(()))
            },
            |p| {
                need!(head(p));
                need!(p.some(Self::except_star_block));
                p.optional_else()?;
                p.attempt(Self::finally_block)?;
                Ok(Some(()))
            },
        )
    }

    fn invalid_try_stmt(&mut self) -> Parse<()> {
        self.attempt(|p| {
            let start = need!(p.expect("try"));
            need!(p.expect(":"));
            p.missing_block("'try' statement", start)
        })?;
        self.attempt(|p| {
            need!(p.expect("try"));
            need!(p.expect(":"));
            need!(p.block());
            if p.sees_any(&["except", "finally"])? {
                return Ok(None);
            }
            p.raise::<()>("expected 'except' or 'finally' block")
        })?;
        let msg = "cannot have both 'except' and 'except*' on the same 'try'";
        self.attempt(|p| {
            need!(p.expect("try"));
            need!(p.expect(":"));
            p.many(Self::block)?;
            need!(p.some(Self::except_block));
            let except = need!(p.expect("except"));
            let star = need!(p.expect("*"));
            need!(p.exception_and_name());
            need!(p.expect(":"));
            let place = p.token_place(except).to(p.token_place(star));
            p.raise_at::<()>(place, msg)
        })?;
        self.attempt(|p| {
            need!(p.expect("try"));
            need!(p.expect(":"));
            p.many(Self::block)?;
            need!(p.some(Self::except_star_block));
            let except = need!(p.expect("except"));
            p.attempt(Self::exception_and_name)?;
            need!(p.expect(":"));
            p.raise_at(p.token_place(except), msg)
        })
    }

    /// `expression [as name]`.
    fn exception_and_name(&mut self) -> Parse<()> {
        need!(self.expression());
        self.attempt(|p| {
            need!(p.expect("as"));
            p.name()
        })?;
        Ok(Some(()))
    }

    fn except_block(&mut self) -> Parse<()> {
        self.watch(|p| p.invalid_except_indent(false))?;
        let found = self.attempt(|p| p.except_clause(false))?;
        if found.is_none() {
            self.watch(|p| p.invalid_except(false))?;
        }
        Ok(found)
    }

    fn except_star_block(&mut self) -> Parse<()> {
        self.watch(|p| p.invalid_except_indent(true))?;
        let found = self.attempt(|p| p.except_clause(true))?;
        if found.is_none() {
            self.watch(|p| p.invalid_except(true))?;
        }
        Ok(found)
    }

    fn except_keyword(&mut self, star: bool) -> Parse<Tok> {
        let start = need!(self.expect("except"));
        if star {
            need!(self.expect("*"));
        }
        Ok(Some(start))
    }

    fn except_clause(&mut self, star: bool) -> Parse<()> {
        first_of!(self;
            |p| {
                need!(p.except_keyword(star));
                need!(p.expression());
                p.colon_and_block()
            },
            |p| {
                need!(p.except_keyword(star));
                need!(p.expression());
                need!(p.expect("as"));
                need!(p.name());
                p.colon_and_block()
            },
            |p| {
                need!(p.except_keyword(star));
                need!(p.expressions());
                p.colon_and_block()
            },
            |p| {
                if star {
                    return Ok(None);
                }
                need!(p.expect("except"));
                p.colon_and_block()
            },
        )
    }

    fn invalid_except_indent(&mut self, star: bool) -> Parse<()> {
        let what = if star { "'except*' statement" } else { "'except' statement" };
        self.attempt(|p| {
            let start = need!(p.except_keyword(star));
            need!(p.exception_and_name());
            need!(p.expect(":"));
            p.missing_block(what, start)
        })?;
        if star {
            return Ok(None);
        }
        self.attempt(|p| {
            let start = need!(p.expect("except"));
            need!(p.expect(":"));
            p.missing_block(what, start)
        })
    }

    fn invalid_except(&mut self, star: bool) -> Parse<()> {
        self.attempt(|p| {
            need!(p.except_keyword(star));
            let first = need!(p.expression());
            need!(p.expect(","));
            need!(p.expressions());
            need!(p.expect("as"));
            need!(p.name());
            need!(p.expect(":"));
            let msg = "multiple exception types must be parenthesized when using 'as'";
            p.raise_from::<()>(p.place(first), msg)
        })?;
        self.attempt(|p| {
            need!(p.except_keyword(star));
            need!(p.exception_and_name());
            p.missing_colon()
        })?;
        self.attempt(|p| {
            need!(p.except_keyword(star));
            if !star {
                return p.missing_colon();
            }
            if p.kind(Kind::Newline)?.is_none() {
                need!(p.expect(":"));
            }
            p.raise("expected one or more exception types")
        })?;
        self.attempt(|p| {
            need!(p.except_keyword(star));
            need!(p.expression());
            need!(p.expect("as"));
            let target = need!(p.expression());
            need!(p.colon_and_block());
            let keyword = if star { "except*" } else { "except" };
            let msg = format!("cannot use {keyword} statement with {}", p.called(target));
            p.raise_at(p.place(target), msg)
        })
    }

    fn finally_block(&mut self) -> Parse<()> {
        self.watch(|p| {
            let start = need!(p.expect("finally"));
            need!(p.expect(":"));
            p.missing_block("'finally' statement", start)
        })?;
        need!(self.expect("finally"));
        need!(self.force(":"));
        self.block()
    }
}
