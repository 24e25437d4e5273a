//! The parameters of functions and lambdas, which differ in little.

use super::{Node, Parse, Parser, What, first_of, need};
use crate::tokenizer::Kind;

/// In which of the two a list of parameters stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Flavour {
    /// What comes behind the last parameter.
    close: &'static str,
    is_lambda: bool,
}

pub(super) const DEF: Flavour = Flavour { close: ")", is_lambda: false };
pub(super) const LAMBDA: Flavour = Flavour { close: ":", is_lambda: true };

impl Parser<'_> {
    /// A list of parameters, not empty.
    pub(super) fn parameter_list(&mut self, f: Flavour) -> Parse<()> {
        self.watch(|p| p.invalid_parameters(f))?;
        first_of!(self;
            |p| {
                need!(p.slash_no_default(f));
                p.many(|p| p.param_no_default(f))?;
                p.many(|p| p.param_with_default(f))?;
                p.attempt(|p| p.star_etc(f))?;
                Ok(Some(()))
            },
            |p| {
                need!(p.slash_with_default(f));
                p.many(|p| p.param_with_default(f))?;
                p.attempt(|p| p.star_etc(f))?;
                Ok(Some(()))
            },
            |p| {
                need!(p.some(|p| p.param_no_default(f)));
                p.many(|p| p.param_with_default(f))?;
                p.attempt(|p| p.star_etc(f))?;
                Ok(Some(()))
            },
            |p| {
                need!(p.some(|p| p.param_with_default(f)));
                p.attempt(|p| p.star_etc(f))?;
                Ok(Some(()))
            },
            |p| p.star_etc(f),
        )
    }

    fn slash_no_default(&mut self, f: Flavour) -> Parse<()> {
        self.attempt(|p| {
            need!(p.some(|p| p.param_no_default(f)));
            p.slash(f)
        })
    }

    fn slash_with_default(&mut self, f: Flavour) -> Parse<()> {
        self.attempt(|p| {
            p.many(|p| p.param_no_default(f))?;
            need!(p.some(|p| p.param_with_default(f)));
            p.slash(f)
        })
    }

    fn slash(&mut self, f: Flavour) -> Parse<()> {
        need!(self.expect("/"));
        if self.expect(",")?.is_some() || self.sees(f.close)? {
            return Ok(Some(()));
        }
        Ok(None)
    }

    /// Everything from `*` on.
    fn star_etc(&mut self, f: Flavour) -> Parse<()> {
        self.watch(|p| p.invalid_star_etc(f))?;
        first_of!(self;
            |p| {
                need!(p.expect("*"));
                need!(p.param_no_default(f));
                p.many(|p| p.param_maybe_default(f))?;
                p.attempt(|p| p.kwds(f))?;
                Ok(Some(()))
            },
            |p| {
                if f.is_lambda {
                    return Ok(None);
                }
                need!(p.expect("*"));
                need!(p.param_star_annotation());
                p.many(|p| p.param_maybe_default(f))?;
                p.attempt(|p| p.kwds(f))?;
                Ok(Some(()))
            },
            |p| {
                need!(p.expect("*"));
                need!(p.expect(","));
                need!(p.some(|p| p.param_maybe_default(f)));
                p.attempt(|p| p.kwds(f))?;
                Ok(Some(()))
            },
            |p| p.kwds(f),
        )
    }

    fn kwds(&mut self, f: Flavour) -> Parse<()> {
        self.watch(|p| p.invalid_kwds(f))?;
        self.attempt(|p| {
            need!(p.expect("**"));
            Ok(p.param_no_default(f)?.map(drop))
        })
    }

    fn param(&mut self, f: Flavour) -> Parse {
        let start = self.mark;
        need!(self.name());
        if !f.is_lambda {
            self.attempt(|p| {
                need!(p.expect(":"));
                p.expression()
            })?;
        }
        Ok(Some(self.node(start, What::Other("parameter"))))
    }

    /// A parameter ends with a comma or stands before the end of the list.
    fn end_of_param(&mut self, f: Flavour) -> Parse<()> {
        let comma = self.expect(",")?.is_some();
        if !f.is_lambda {
            self.kind(Kind::TypeComment)?;
        }
        Ok(if comma || self.sees(f.close)? { Some(()) } else { None })
    }

    fn param_no_default(&mut self, f: Flavour) -> Parse {
        self.attempt(|p| {
            let param = need!(p.param(f));
            need!(p.end_of_param(f));
            Ok(Some(param))
        })
    }

    fn param_star_annotation(&mut self) -> Parse<()> {
        need!(self.name());
        need!(self.expect(":"));
        need!(self.star_expression());
        self.end_of_param(DEF)
    }

    fn param_with_default(&mut self, f: Flavour) -> Parse {
        self.attempt(|p| {
            let param = need!(p.param(f));
            need!(p.default());
            need!(p.end_of_param(f));
            Ok(Some(param))
        })
    }

    fn param_maybe_default(&mut self, f: Flavour) -> Parse {
        self.attempt(|p| {
            let param = need!(p.param(f));
            p.default()?;
            need!(p.end_of_param(f));
            Ok(Some(param))
        })
    }

    fn default(&mut self) -> Parse<()> {
        let found = self.attempt(|p| {
            need!(p.expect("="));
            Ok(p.expression()?.map(drop))
        })?;
        if found.is_none() {
            self.watch(|p| {
                let equal = need!(p.expect("="));
                if !p.sees_any(&[")", ","])? {
                    return Ok(None);
                }
                p.raise_at(p.token_place(equal), "expected default value expression")
            })?;
        }
        Ok(found)
    }

    fn invalid_parameters(&mut self, f: Flavour) -> Parse<()> {
        self.attempt(|p| {
            let slash = need!(p.expect("/"));
            need!(p.expect(","));
            p.raise_at::<()>(p.token_place(slash), "at least one argument must precede /")
        })?;
        self.attempt(|p| {
            need!(p.any_slash(f));
            p.many(|p| p.param_maybe_default(f))?;
            let slash = need!(p.expect("/"));
            p.raise_at::<()>(p.token_place(slash), "/ may appear only once")
        })?;
        self.attempt(|p| {
            p.slash_no_default(f)?;
            p.many(|p| p.param_no_default(f))?;
            if p.slash_with_default(f)?.is_none() {
                need!(p.some(|p| p.param_with_default(f)));
            }
            let param = need!(p.param_no_default(f));
            p.raise_at::<()>(p.place(param), "parameter without a default follows parameter with a default")
        })?;
        self.attempt(|p| p.parenthesized_parameters(f))?;
        self.attempt(|p| {
            p.any_slash(f)?;
            p.many(|p| p.param_maybe_default(f))?;
            need!(p.expect("*"));
            need!(p.comma_or_param(f));
            p.many(|p| p.param_maybe_default(f))?;
            let slash = need!(p.expect("/"));
            p.raise_at::<()>(p.token_place(slash), "/ must be ahead of *")
        })?;
        self.attempt(|p| {
            need!(p.some(|p| p.param_maybe_default(f)));
            need!(p.expect("/"));
            let star = need!(p.expect("*"));
            p.raise_at(p.token_place(star), "expected comma between / and *")
        })
    }

    fn any_slash(&mut self, f: Flavour) -> Parse<()> {
        match self.slash_no_default(f)? {
            Some(()) => Ok(Some(())),
            None => self.slash_with_default(f),
        }
    }

    fn comma_or_param(&mut self, f: Flavour) -> Parse<()> {
        if self.expect(",")?.is_some() {
            return Ok(Some(()));
        }
        Ok(self.param_no_default(f)?.map(drop))
    }

    fn parenthesized_parameters(&mut self, f: Flavour) -> Parse<()> {
        self.many(|p| p.param_no_default(f))?;
        let open = need!(self.expect("("));
        if f.is_lambda {
            need!(self.commas(|p| p.param(f)));
        } else {
            need!(self.some(|p| p.param_no_default(f)));
        }
        self.expect(",")?;
        let close = need!(self.expect(")"));
        let place = self.token_place(open).to(self.token_place(close));
        let whose = if f.is_lambda { "Lambda expression" } else { "Function" };
        self.raise_at(place, format!("{whose} parameters cannot be parenthesized"))
    }

    fn invalid_star_etc(&mut self, f: Flavour) -> Parse<()> {
        self.attempt(|p| {
            let star = need!(p.expect("*"));
            let bare = p.expect(f.close)?.is_some()
                || p.attempt(|p| {
                    need!(p.expect(","));
                    p.expect_any(&[f.close, "**"])
                })?
                .is_some();
            let msg = "named arguments must follow bare *";
            match bare {
                true if f.is_lambda => p.raise::<()>(msg),
                true => p.raise_at(p.token_place(star), msg),
                false => Ok(None),
            }
        })?;
        if !f.is_lambda {
            self.attempt(|p| {
                need!(p.expect("*"));
                need!(p.expect(","));
                need!(p.kind(Kind::TypeComment));
                p.raise::<()>("bare * has associated type comment")
            })?;
        }
        self.attempt(|p| {
            need!(p.expect("*"));
            need!(p.param(f));
            let equal = need!(p.expect("="));
            p.raise_at::<()>(p.token_place(equal), "var-positional argument cannot have default value")
        })?;
        self.attempt(|p| {
            need!(p.expect("*"));
            need!(p.param_or_comma(f));
            p.many(|p| p.param_maybe_default(f))?;
            let star = need!(p.expect("*"));
            need!(p.param_or_comma(f));
            p.raise_at(p.token_place(star), "* argument may appear only once")
        })
    }

    fn param_or_comma(&mut self, f: Flavour) -> Parse<()> {
        match self.param_no_default(f)? {
            Some(_) => Ok(Some(())),
            None => Ok(self.expect(",")?.map(drop)),
        }
    }

    fn invalid_kwds(&mut self, f: Flavour) -> Parse<()> {
        need!(self.expect("**"));
        need!(self.param(f));
        if let Some(equal) = self.expect("=")? {
            return self.raise_at(self.token_place(equal), "var-keyword argument cannot have default value");
        }
        need!(self.expect(","));
        let place = match self.attempt(|p| p.param(f))? {
            Some(param) => self.place(param),
            None => {
                let token = need!(self.expect_any(&["*", "**", "/"]));
                self.token_place(token)
            }
        };
        self.raise_at(place, "arguments cannot follow var-keyword argument")
    }

    /// `[T: bound = default, *Ts, **P]`.
    pub(super) fn type_params(&mut self) -> Parse<()> {
        self.watch(|p| {
            need!(p.expect("["));
            let close = need!(p.expect("]"));
            p.raise_from(p.token_place(close), "Type parameter list cannot be empty")
        })?;
        self.attempt(|p| {
            need!(p.expect("["));
            need!(p.commas(Self::type_param));
            p.expect(",")?;
            Ok(p.expect("]")?.map(drop))
        })
    }

    fn type_param(&mut self) -> Parse {
        self.remember(super::Rule::TypeParam, |p| {
            let start = p.mark;
            if p.name()?.is_some() {
                p.after(":", Self::expression)?;
                p.after("=", Self::expression)?;
                return Ok(Some(p.node(start, What::Other("type parameter"))));
            }
            p.watch(Self::invalid_type_param)?;
            let starred = p.attempt(|p| {
                need!(p.expect("*"));
                need!(p.name());
                p.after("=", Self::star_expression)?;
                Ok(Some(p.node(start, What::Other("type parameter"))))
            })?;
            if starred.is_some() {
                return Ok(starred);
            }
            p.attempt(|p| {
                need!(p.expect("**"));
                need!(p.name());
                p.after("=", Self::expression)?;
                Ok(Some(p.node(start, What::Other("type parameter"))))
            })
        })
    }

    /// An optional rule behind an operator.
    fn after(&mut self, operator: &str, rule: fn(&mut Self) -> Parse) -> Parse {
        self.attempt(|p| {
            need!(p.expect(operator));
            rule(p)
        })
    }

    fn invalid_type_param(&mut self) -> Parse<()> {
        let Some(stars) = self.expect_any(&["*", "**"])? else { return Ok(None) };
        let kind = if self.text(stars) == "*" { "TypeVarTuple" } else { "ParamSpec" };
        need!(self.name());
        let colon = need!(self.expect(":"));
        let bound: Node = need!(self.expression());
        let what = if self.data(bound).what == What::Tuple { "constraints" } else { "bound" };
        self.raise_from(self.token_place(colon), format!("cannot use {what} with {kind}"))
    }
}
