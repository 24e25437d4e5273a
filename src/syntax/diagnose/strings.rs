//! String literals: their concatenation, and the replacement fields of f-strings and t-strings.

use super::{Node, Parse, Parser, Rule, Stop, Tok, What, first_of, need};
use crate::literal::{self, Prefix};
use crate::tokenizer::Kind;

/// The two kinds of strings with replacement fields.
#[derive(Clone, Copy)]
struct Letter {
    letter: char,
    start: Kind,
    middle: Kind,
    end: Kind,
    called: &'static str,
}

const F: Letter = Letter {
    letter: 'f',
    start: Kind::FStringStart,
    middle: Kind::FStringMiddle,
    end: Kind::FStringEnd,
    called: "f-string expression",
};

const T: Letter = Letter {
    letter: 't',
    start: Kind::TStringStart,
    middle: Kind::TStringMiddle,
    end: Kind::TStringEnd,
    called: "t-string expression",
};

impl Parser<'_> {
    /// One or more adjacent string literals.
    pub(super) fn strings(&mut self) -> Parse {
        self.remember(Rule::Strings, |p| {
            p.watch(Self::invalid_mixture)?;
            let start = p.mark;
            if let Some(parts) = p.some(Self::string_or_f_string)? {
                let is_bytes = |p: &Self, node: Node| p.data(node).what == What::Other(BYTES);
                let bytes = parts.iter().filter(|&&part| is_bytes(p, part)).count();
                if bytes > 0 && bytes < parts.len() {
                    return p.raise("cannot mix bytes and nonbytes literals");
                }
                let interpolated = parts.iter().any(|&part| p.data(part).what == What::Other(F.called));
                let called = if interpolated { F.called } else { "literal" };
                return Ok(Some(p.node(start, What::Other(called))));
            }
            need!(p.some(Self::t_string));
            Ok(Some(p.node(start, What::Other(T.called))))
        })
    }

    fn string_or_f_string(&mut self) -> Parse {
        first_of!(self; |p| p.interpolated(F), Self::string)
    }

    fn string(&mut self) -> Parse {
        let token = need!(self.kind(Kind::String));
        let text = self.text(token);
        let prefix = Prefix::of(text);
        let body = &text[prefix.open..text.len() - prefix.close];
        if prefix.bytes && !body.is_ascii() {
            return self.raise_at(self.token_place(token), "bytes can only contain ASCII literal characters");
        }
        let problem = match prefix.bytes {
            true => literal::decode_bytes(body, prefix.raw).err(),
            false => literal::decode_str(body, prefix.raw).err(),
        };
        if let Some(msg) = problem {
            return self.raise(msg);
        }
        let called = if prefix.bytes { BYTES } else { "literal" };
        Ok(Some(self.node(token, What::Other(called))))
    }

    fn t_string(&mut self) -> Parse {
        self.remember(Rule::Template, |p| p.interpolated(T))
    }

    fn invalid_mixture(&mut self) -> Parse<()> {
        let msg = "cannot mix t-string literals with string or bytes literals";
        let rules: [fn(&mut Self) -> Parse; 2] = [Self::string_or_f_string, Self::t_string];
        for (first, second) in [(rules[0], rules[1]), (rules[1], rules[0])] {
            self.attempt(|p| {
                let before = need!(p.some(first));
                let other = need!(second(p));
                let place = p.place(before[before.len() - 1]).to(p.place(other));
                p.raise_at::<()>(place, msg)
            })?;
        }
        Ok(None)
    }

    /// A whole f-string or t-string.
    fn interpolated(&mut self, l: Letter) -> Parse {
        let start = need!(self.kind(l.start));
        let raw = self.text(start).contains(['r', 'R']);
        let mut texts: Vec<Tok> = Vec::new();
        self.many(|p| {
            if p.attempt(|p| p.replacement_field(l))?.is_some() {
                return Ok(Some(()));
            }
            let token = need!(p.kind(l.middle));
            texts.push(token);
            Ok(Some(()))
        })?;
        need!(self.kind(l.end));
        for token in texts {
            self.check_text(token, raw)?;
        }
        Ok(Some(self.node(start, What::Other(l.called))))
    }

    /// Decodes a literal part, for its errors.
    fn check_text(&mut self, token: Tok, raw: bool) -> Result<(), Stop> {
        if raw {
            return Ok(());
        }
        match literal::decode_middle(self.text(token)) {
            Ok(_) => Ok(()),
            Err(msg) => self.raise_at::<()>(self.token_place(token), msg).map(drop),
        }
    }

    fn replacement_field(&mut self, l: Letter) -> Parse<()> {
        let found = self.attempt(|p| {
            need!(p.expect("{"));
            need!(p.annotated_rhs());
            p.expect("=")?;
            p.attempt(|p| p.conversion(l))?;
            p.attempt(|p| {
                need!(p.expect(":"));
                p.format_spec(l)?;
                Ok(Some(()))
            })?;
            Ok(p.expect("}")?.map(drop))
        })?;
        if found.is_none() {
            self.watch(|p| p.invalid_replacement_field(l))?;
        }
        Ok(found)
    }

    fn conversion(&mut self, l: Letter) -> Parse<()> {
        let mark = need!(self.expect("!"));
        let name = need!(self.kind(Kind::Name));
        let (before, after) = (self.tokens[mark], self.tokens[name]);
        let letter = l.letter;
        if before.lineno != after.lineno || before.end != after.start {
            let place = self.token_place(mark).to(self.token_place(name));
            let msg = format!("{letter}-string: conversion type must come right after the exclamation mark");
            return self.raise_at(place, msg);
        }
        let text = self.text(name);
        if !matches!(text, "s" | "r" | "a") {
            let msg = format!("{letter}-string: invalid conversion character '{text}': expected 's', 'r', or 'a'");
            return self.raise_at(self.token_place(name), msg);
        }
        Ok(Some(()))
    }

    fn format_spec(&mut self, l: Letter) -> Result<(), Stop> {
        self.many(|p| {
            if let Some(token) = p.kind(l.middle)? {
                p.check_text(token, false)?;
                return Ok(Some(()));
            }
            p.replacement_field(l)
        })?;
        Ok(())
    }

    fn invalid_replacement_field(&mut self, l: Letter) -> Parse<()> {
        let prefix = format!("{}-string: ", l.letter);
        need!(self.expect("{"));
        if let Some(token) = self.expect_any(&["=", "!", ":", "}"])? {
            let msg = format!("{prefix}valid expression required before '{}'", self.text(token));
            return self.raise_at(self.token_place(token), msg);
        }
        if self.annotated_rhs()?.is_none() {
            return self.raise_on_next(format!("{prefix}expecting a valid expression after '{{'"));
        }
        if !self.sees_any(&["=", "!", ":", "}"])? {
            return self.raise_on_next(format!("{prefix}expecting '=', or '!', or ':', or '}}'"));
        }
        if self.expect("=")?.is_some() && !self.sees_any(&["!", ":", "}"])? {
            return self.raise_on_next(format!("{prefix}expecting '!', or ':', or '}}'"));
        }
        if self.expect("!")?.is_some() {
            if self.sees_any(&[":", "}"])? {
                return self.raise_on_next(format!("{prefix}missing conversion character"));
            }
            if self.kind(Kind::Name)?.is_none() {
                return self.raise_on_next(format!("{prefix}invalid conversion character"));
            }
        }
        if !self.sees_any(&[":", "}"])? {
            return self.raise_on_next(format!("{prefix}expecting ':' or '}}'"));
        }
        if self.expect(":")?.is_some() {
            // Even in t-strings, CPython looks for the parts of f-strings here.
            self.format_spec(F)?;
            if !self.sees("}")? {
                return self.raise_on_next(format!("{prefix}expecting '}}', or format specs"));
            }
            return Ok(None);
        }
        if !self.sees("}")? {
            return self.raise_on_next(format!("{prefix}expecting '}}'"));
        }
        Ok(None)
    }
}

/// What a bytes literal is called while literals are joined.
const BYTES: &str = "bytes literal";
