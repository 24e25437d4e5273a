//! Simple statements, and the sequences of statements around them.

use super::targets::Position;
use super::{Node, Parse, Parser, Rule, What, first_of, need};
use crate::tokenizer::Kind;

impl Parser<'_> {
    pub(super) fn statements(&mut self) -> Parse<()> {
        Ok(self.some(Self::statement)?.map(drop))
    }

    fn statement(&mut self) -> Parse<()> {
        first_of!(self; Self::compound_stmt, Self::simple_stmts)
    }

    /// One interactive statement.
    pub(super) fn interactive(&mut self) -> Parse<()> {
        first_of!(self;
            |p| {
                need!(p.compound_stmt());
                Ok(p.kind(Kind::Newline)?.map(drop))
            },
            Self::simple_stmts,
            |p| Ok(p.kind(Kind::Newline)?.map(drop)),
        )
    }

    /// Simple statements on one line.
    pub(super) fn simple_stmts(&mut self) -> Parse<()> {
        let single = self.attempt(|p| {
            need!(p.simple_stmt());
            if p.sees(";")? {
                return Ok(None);
            }
            p.kind(Kind::Newline)
        })?;
        if single.is_some() {
            return Ok(Some(()));
        }
        self.attempt(|p| {
            need!(p.simple_stmt());
            p.many(|p| {
                need!(p.expect(";"));
                p.simple_stmt()
            })?;
            p.expect(";")?;
            Ok(p.kind(Kind::Newline)?.map(drop))
        })
    }

    pub(super) fn simple_stmt(&mut self) -> Parse {
        self.remember(Rule::SimpleStmt, |p| {
            let start = p.mark;
            let found = p.simple_stmt_proper()?;
            Ok(found.map(|()| p.node(start, What::Other("statement"))))
        })
    }

    fn simple_stmt_proper(&mut self) -> Parse<()> {
        if self.attempt(Self::assignment)?.is_some() {
            return Ok(Some(()));
        }
        let token = self.peek()?;
        let word = self.tokenizer.text(&token);
        if token.kind == Kind::Name && word == "type" && self.attempt(Self::type_alias)?.is_some() {
            return Ok(Some(()));
        }
        if self.attempt(Self::star_expressions)?.is_some() {
            return Ok(Some(()));
        }
        if token.kind != Kind::Keyword {
            return Ok(None);
        }
        match word {
            "return" => {
                self.mark += 1;
                self.attempt(Self::star_expressions)?;
                Ok(Some(()))
            }
            "import" | "from" => self.attempt(Self::import_stmt),
            "raise" => {
                self.mark += 1;
                if self.attempt(Self::expression)?.is_some() {
                    self.attempt(|p| {
                        need!(p.expect("from"));
                        p.expression()
                    })?;
                }
                Ok(Some(()))
            }
            "pass" | "break" | "continue" => {
                self.mark += 1;
                Ok(Some(()))
            }
            "del" => self.attempt(Self::del_stmt),
            "yield" => Ok(self.attempt(Self::yield_expr)?.map(drop)),
            "assert" => self.attempt(|p| {
                need!(p.expect("assert"));
                need!(p.expression());
                p.attempt(|p| {
                    need!(p.expect(","));
                    p.expression()
                })?;
                Ok(Some(()))
            }),
            "global" | "nonlocal" => self.attempt(|p| {
                p.mark += 1;
                Ok(p.commas(Self::name)?.map(drop))
            }),
            _ => Ok(None),
        }
    }

    fn type_alias(&mut self) -> Parse<()> {
        need!(self.soft("type"));
        need!(self.name());
        self.attempt(Self::type_params)?;
        need!(self.expect("="));
        Ok(self.expression()?.map(drop))
    }

    fn del_stmt(&mut self) -> Parse<()> {
        let found = self.attempt(|p| {
            need!(p.expect("del"));
            need!(p.del_targets());
            Ok(if p.sees(";")? || p.sees_kind(Kind::Newline)? { Some(()) } else { None })
        })?;
        if found.is_none() {
            self.watch(|p| {
                need!(p.expect("del"));
                let target = need!(p.star_expressions());
                p.raise_invalid_target(target, Position::Deleted)
            })?;
        }
        Ok(found)
    }

    fn import_stmt(&mut self) -> Parse<()> {
        self.watch(Self::invalid_import)?;
        first_of!(self;
            |p| {
                need!(p.expect("import"));
                Ok(p.commas(Self::dotted_as_name)?.map(drop))
            },
            |p| {
                need!(p.expect("from"));
                let dots = p.many(|p| p.expect_any(&[".", "..."]))?.len();
                let module = need!(p.dotted_name());
                need!(p.expect("import"));
                let names = need!(p.import_from_targets());
                p.note_future(module, dots, &names);
                Ok(Some(()))
            },
            |p| {
                need!(p.expect("from"));
                need!(p.some(|p| p.expect_any(&[".", "..."])));
                need!(p.expect("import"));
                Ok(p.import_from_targets()?.map(drop))
            },
        )
    }

    /// Learns of `from __future__ import barry_as_FLUFL`, which changes an operator.
    fn note_future(&mut self, module: Node, dots: usize, names: &[Node]) {
        let text = |parser: &Self, node: Node| match parser.data(node).what {
            What::Name(token) => parser.text(token).to_owned(),
            _ => String::new(),
        };
        if dots == 0 && text(self, module) == "__future__" {
            self.barry |= names.iter().any(|&name| text(self, name) == "barry_as_FLUFL");
        }
    }

    fn invalid_import(&mut self) -> Parse<()> {
        self.attempt(|p| {
            let import = need!(p.expect("import"));
            need!(p.commas(Self::dotted_name));
            need!(p.expect("from"));
            need!(p.dotted_name());
            p.raise_from::<()>(p.token_place(import), "Did you mean to use 'from ... import ...' instead?")
        })?;
        self.attempt(|p| {
            need!(p.expect("import"));
            let newline = need!(p.kind(Kind::Newline));
            p.raise_from(p.token_place(newline), "Expected one or more names after 'import'")
        })
    }

    fn dotted_name(&mut self) -> Parse {
        let start = self.mark;
        let first = need!(self.name());
        let rest = self.many(|p| {
            need!(p.expect("."));
            p.name()
        })?;
        Ok(Some(if rest.is_empty() { first } else { self.node(start, What::Attribute) }))
    }

    fn dotted_as_name(&mut self) -> Parse {
        self.watch(|p| p.invalid_import_alias(Self::dotted_name))?;
        self.attempt(|p| p.import_alias(Self::dotted_name))
    }

    fn import_from_as_name(&mut self) -> Parse {
        self.watch(|p| p.invalid_import_alias(Self::name))?;
        self.attempt(|p| p.import_alias(Self::name))
    }

    fn import_alias(&mut self, name: fn(&mut Self) -> Parse) -> Parse {
        let name = need!(name(self));
        self.attempt(|p| {
            need!(p.expect("as"));
            p.name()
        })?;
        Ok(Some(name))
    }

    /// `import a as b.c`.
    fn invalid_import_alias(&mut self, name: fn(&mut Self) -> Parse) -> Parse<()> {
        need!(name(self));
        need!(self.expect("as"));
        let fine = self.ahead(|p| {
            need!(p.name());
            if p.expect_any(&[",", ")", ";"])?.is_some() {
                return Ok(Some(()));
            }
            Ok(p.kind(Kind::Newline)?.map(drop))
        })?;
        if fine {
            return Ok(None);
        }
        let target = need!(self.expression());
        let msg = format!("cannot use {} as import target", self.called(target));
        self.raise_at(self.place(target), msg)
    }

    fn import_from_targets(&mut self) -> Parse<Vec<Node>> {
        let found = self.attempt(|p| {
            first_of!(p;
                |p| {
                    need!(p.expect("("));
                    let names = need!(p.commas(Self::import_from_as_name));
                    p.expect(",")?;
                    Ok(p.expect(")")?.map(|_| names))
                },
                |p| {
                    let names = need!(p.commas(Self::import_from_as_name));
                    Ok(if p.sees(",")? { None } else { Some(names) })
                },
                |p| Ok(p.expect("*")?.map(|_| Vec::new())),
            )
        })?;
        if found.is_none() {
            self.watch(Self::invalid_import_from_targets)?;
        }
        Ok(found)
    }

    fn invalid_import_from_targets(&mut self) -> Parse<()> {
        self.attempt(|p| {
            need!(p.commas(Self::import_from_as_name));
            need!(p.expect(","));
            need!(p.kind(Kind::Newline));
            p.raise::<()>("trailing comma not allowed without surrounding parentheses")
        })?;
        let newline = need!(self.kind(Kind::Newline));
        self.raise_from(self.token_place(newline), "Expected one or more names after 'import'")
    }
}
