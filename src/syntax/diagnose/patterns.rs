//! `match` statements and their patterns.

use super::{Node, Parse, Parser, Rule, Tok, What, first_of, need};
use crate::error::ErrorClass;
use crate::tokenizer::Kind;

impl Parser<'_> {
    pub(super) fn match_stmt(&mut self) -> Parse<()> {
        let found = self.attempt(|p| {
            need!(p.soft("match"));
            need!(p.subject());
            need!(p.expect(":"));
            need!(p.kind(Kind::Newline));
            need!(p.kind(Kind::Indent));
            need!(p.some(Self::case_block));
            Ok(p.kind(Kind::Dedent)?.map(drop))
        })?;
        if found.is_none() {
            self.watch(|p| p.invalid_soft_head("match", Self::subject))?;
        }
        Ok(found)
    }

    /// A head that starts with a soft keyword: no colon, or a colon and no block.
    fn invalid_soft_head(&mut self, keyword: &'static str, head: fn(&mut Self) -> Parse<()>) -> Parse<()> {
        self.attempt(|p| {
            need!(p.soft(keyword));
            need!(head(p));
            need!(p.kind(Kind::Newline));
            p.raise::<()>("expected ':'")
        })?;
        self.attempt(|p| {
            let start: Tok = need!(p.soft(keyword));
            need!(head(p));
            need!(p.expect(":"));
            need!(p.kind(Kind::Newline));
            if p.sees_kind(Kind::Indent)? {
                return Ok(None);
            }
            let line = p.tokens[start].lineno;
            let msg = format!("expected an indented block after '{keyword}' statement on line {line}");
            p.raise_class(ErrorClass::IndentationError, msg)
        })
    }

    fn subject(&mut self) -> Parse<()> {
        first_of!(self;
            |p| {
                need!(p.star_named_expression());
                need!(p.expect(","));
                p.attempt(Self::star_named_expressions)?;
                Ok(Some(()))
            },
            |p| Ok(p.named_expression()?.map(drop)),
        )
    }

    fn case_block(&mut self) -> Parse<()> {
        self.watch(|p| p.invalid_soft_head("case", Self::case_head))?;
        need!(self.soft("case"));
        need!(self.case_head());
        need!(self.expect(":"));
        self.block()
    }

    fn case_head(&mut self) -> Parse<()> {
        if self.attempt(Self::open_sequence_pattern)?.is_none() {
            need!(self.attempt(Self::pattern));
        }
        self.attempt(|p| {
            need!(p.expect("if"));
            p.named_expression()
        })?;
        Ok(Some(()))
    }

    fn pattern(&mut self) -> Parse {
        first_of!(self; Self::as_pattern, Self::or_pattern)
    }

    fn as_pattern(&mut self) -> Parse {
        let start = self.mark;
        let found = self.attempt(|p| {
            need!(p.or_pattern());
            need!(p.expect("as"));
            need!(p.capture_target());
            Ok(Some(p.node(start, What::Other("pattern"))))
        })?;
        if found.is_none() {
            self.watch(Self::invalid_as_pattern)?;
        }
        Ok(found)
    }

    fn invalid_as_pattern(&mut self) -> Parse<()> {
        self.attempt(|p| {
            need!(p.or_pattern());
            need!(p.expect("as"));
            let wildcard = need!(p.soft("_"));
            p.raise_at::<()>(p.token_place(wildcard), "cannot use '_' as a target")
        })?;
        need!(self.or_pattern());
        need!(self.expect("as"));
        let target = need!(self.expression());
        let msg = format!("cannot use {} as pattern target", self.called(target));
        self.raise_at(self.place(target), msg)
    }

    fn or_pattern(&mut self) -> Parse {
        let start = self.mark;
        need!(self.closed_pattern());
        self.many(|p| {
            need!(p.expect("|"));
            p.closed_pattern()
        })?;
        Ok(Some(self.node(start, What::Other("pattern"))))
    }

    fn closed_pattern(&mut self) -> Parse {
        self.remember(Rule::ClosedPattern, |p| {
            let start = p.mark;
            let rules: [fn(&mut Self) -> Parse<()>; 8] = [
                Self::literal_pattern,
                |p| Ok(p.capture_target()?.map(drop)),
                |p| Ok(p.soft("_")?.map(drop)),
                Self::value_pattern,
                Self::group_pattern,
                Self::sequence_pattern,
                Self::mapping_pattern,
                Self::class_pattern,
            ];
            for rule in rules {
                if p.attempt(rule)?.is_some() {
                    return Ok(Some(p.node(start, What::Other("pattern"))));
                }
            }
            Ok(None)
        })
    }

    /// Numbers, strings and the three constants.
    fn literal_pattern(&mut self) -> Parse<()> {
        first_of!(self;
            |p| {
                need!(p.signed_number());
                Ok(if p.sees_any(&["+", "-"])? { None } else { Some(()) })
            },
            Self::complex_number,
            |p| match p.peek()?.kind {
                Kind::String | Kind::FStringStart | Kind::TStringStart => Ok(p.strings()?.map(drop)),
                _ => Ok(None),
            },
            |p| Ok(p.expect_any(&["None", "True", "False"])?.map(drop)),
        )
    }

    fn signed_number(&mut self) -> Parse<Tok> {
        let start = self.mark;
        if self.expect_any(&["+", "-"])?.is_some() {
            self.mark = start + 1;
        }
        need!(self.number());
        Ok(Some(self.mark - 1))
    }

    fn complex_number(&mut self) -> Parse<()> {
        let real = need!(self.signed_number());
        if self.is_imaginary(real) {
            return self.raise_at(self.token_place(real), "real number required in complex literal");
        }
        need!(self.expect_any(&["+", "-"]));
        need!(self.number());
        let imaginary = self.mark - 1;
        if !self.is_imaginary(imaginary) {
            return self.raise_at(self.token_place(imaginary), "imaginary number required in complex literal");
        }
        Ok(Some(()))
    }

    fn is_imaginary(&self, number: Tok) -> bool {
        self.text(number).ends_with(['j', 'J'])
    }

    /// A name other than `_`, not followed by what makes it something else.
    fn capture_target(&mut self) -> Parse {
        self.attempt(|p| {
            if p.ahead(|p| p.soft("_"))? {
                return Ok(None);
            }
            let name = need!(p.name());
            Ok(if p.sees_any(&[".", "(", "="])? { None } else { Some(name) })
        })
    }

    fn value_pattern(&mut self) -> Parse<()> {
        need!(self.attribute());
        Ok(if self.sees_any(&[".", "(", "="])? { None } else { Some(()) })
    }

    /// `a.b.c`, at least one dot.
    fn attribute(&mut self) -> Parse<()> {
        need!(self.name());
        let parts = self.some(|p| {
            need!(p.expect("."));
            p.name()
        })?;
        Ok(parts.map(drop))
    }

    fn name_or_attribute(&mut self) -> Parse<()> {
        need!(self.name());
        self.many(|p| {
            need!(p.expect("."));
            p.name()
        })?;
        Ok(Some(()))
    }

    fn group_pattern(&mut self) -> Parse<()> {
        need!(self.expect("("));
        need!(self.pattern());
        Ok(self.expect(")")?.map(drop))
    }

    fn sequence_pattern(&mut self) -> Parse<()> {
        first_of!(self;
            |p| {
                need!(p.expect("["));
                p.attempt(Self::maybe_sequence_pattern)?;
                Ok(p.expect("]")?.map(drop))
            },
            |p| {
                need!(p.expect("("));
                p.attempt(Self::open_sequence_pattern)?;
                Ok(p.expect(")")?.map(drop))
            },
        )
    }

    fn open_sequence_pattern(&mut self) -> Parse<()> {
        need!(self.maybe_star_pattern());
        need!(self.expect(","));
        self.attempt(Self::maybe_sequence_pattern)?;
        Ok(Some(()))
    }

    fn maybe_sequence_pattern(&mut self) -> Parse<()> {
        need!(self.commas(Self::maybe_star_pattern));
        self.expect(",")?;
        Ok(Some(()))
    }

    fn maybe_star_pattern(&mut self) -> Parse {
        first_of!(self; Self::star_pattern, Self::pattern)
    }

    fn star_pattern(&mut self) -> Parse {
        self.remember(Rule::StarPattern, |p| {
            let start = need!(p.expect("*"));
            if p.capture_target()?.is_none() {
                need!(p.soft("_"));
            }
            Ok(Some(p.node(start, What::Other("pattern"))))
        })
    }

    fn mapping_pattern(&mut self) -> Parse<()> {
        let rest = |p: &mut Self| {
            need!(p.expect("**"));
            need!(p.capture_target());
            p.expect(",")?;
            Ok(p.expect("}")?.map(drop))
        };
        need!(self.expect("{"));
        first_of!(self;
            |p| Ok(p.expect("}")?.map(drop)),
            |p| rest(p),
            |p| {
                need!(p.commas(Self::key_value_pattern));
                need!(p.expect(","));
                rest(p)
            },
            |p| {
                need!(p.commas(Self::key_value_pattern));
                p.expect(",")?;
                Ok(p.expect("}")?.map(drop))
            },
        )
    }

    fn key_value_pattern(&mut self) -> Parse<()> {
        if self.attempt(Self::literal_pattern)?.is_none() {
            need!(self.attempt(Self::attribute));
        }
        need!(self.expect(":"));
        Ok(self.pattern()?.map(drop))
    }

    fn class_pattern(&mut self) -> Parse<()> {
        let found = self.attempt(|p| {
            need!(p.name_or_attribute());
            need!(p.expect("("));
            first_of!(p;
                |p| Ok(p.expect(")")?.map(drop)),
                |p| {
                    need!(p.commas(Self::pattern));
                    p.expect(",")?;
                    Ok(p.expect(")")?.map(drop))
                },
                |p| {
                    need!(p.commas(Self::keyword_pattern));
                    p.expect(",")?;
                    Ok(p.expect(")")?.map(drop))
                },
                |p| {
                    need!(p.commas(Self::pattern));
                    need!(p.expect(","));
                    need!(p.commas(Self::keyword_pattern));
                    p.expect(",")?;
                    Ok(p.expect(")")?.map(drop))
                },
            )
        })?;
        if found.is_none() {
            self.watch(Self::invalid_class_pattern)?;
        }
        Ok(found)
    }

    fn keyword_pattern(&mut self) -> Parse<()> {
        need!(self.name());
        need!(self.expect("="));
        Ok(self.pattern()?.map(drop))
    }

    fn invalid_class_pattern(&mut self) -> Parse<()> {
        need!(self.name_or_attribute());
        need!(self.expect("("));
        self.attempt(|p| {
            need!(p.commas(Self::pattern));
            p.expect(",")
        })?;
        need!(self.commas(Self::keyword_pattern));
        need!(self.expect(","));
        let late: Vec<Node> = need!(self.commas(Self::pattern));
        let place = self.place(late[0]).to(self.place(late[late.len() - 1]));
        self.raise_at(place, "positional patterns follow keyword patterns")
    }
}
