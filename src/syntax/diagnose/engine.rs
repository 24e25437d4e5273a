//! Tokens, backtracking, memory: what all rules stand on.

use super::{MAX_DEPTH, Node, NodeData, Parse, Parser, Place, Rule, Stop, Tok, What, need};
use crate::error::ErrorClass;
use crate::parse::Mode;
use crate::tokenizer::{Done, Kind, Token};

/// Names that are keywords in some places.
const SOFT_KEYWORDS: [&str; 4] = ["_", "case", "match", "type"];

impl Parser<'_> {
    /// The token at the mark, fetched if need be.
    pub(super) fn peek(&mut self) -> Result<Token, Stop> {
        if self.mark == self.tokens.len() {
            self.fetch()?;
        }
        Ok(self.tokens[self.mark])
    }

    fn fetch(&mut self) -> Result<(), Stop> {
        let mut token = self.tokenizer.next();
        while token.kind == Kind::TypeIgnore {
            token = self.tokenizer.next();
        }
        if self.options.mode == Mode::Single && token.kind == Kind::EndMarker && self.parsing_started {
            token.kind = Kind::Newline;
            self.parsing_started = false;
            if self.tokenizer.indent_levels() > 0 && !self.options.dont_imply_dedent {
                self.tokenizer.imply_dedents();
            }
        } else {
            self.parsing_started = true;
        }
        self.tokens.push(token);
        if token.kind == Kind::Error { self.tokenizer_error() } else { Ok(()) }
    }

    /// Words the error at which the tokenizer stopped.
    fn tokenizer_error(&mut self) -> Result<(), Stop> {
        if let Some(error) = self.tokenizer.error.take() {
            self.error = Some(error);
            return Err(Stop);
        }
        let (class, msg) = match self.tokenizer.done {
            Done::Eof => return self.raise_unexpected_end::<()>().map(drop),
            Done::Dedent => {
                let msg = "unindent does not match any outer indentation level";
                return self.raise_class::<()>(ErrorClass::IndentationError, msg).map(drop);
            }
            Done::TabSpace => (ErrorClass::TabError, "inconsistent use of tabs and spaces in indentation"),
            Done::TooDeep => (ErrorClass::IndentationError, "too many levels of indentation"),
            Done::LineContinuation => {
                let col = self.tokenizer.cur as i32 - self.tokenizer.buf as i32 - 1;
                let msg = "unexpected character after line continuation character";
                return self.raise_from_tokenizer(ErrorClass::SyntaxError, col, msg);
            }
            _ => (ErrorClass::SyntaxError, "unknown parsing error"),
        };
        self.raise_from_tokenizer(class, 0, msg)
    }

    pub(super) fn text(&self, token: Tok) -> &str {
        self.tokenizer.text(&self.tokens[token])
    }

    /// Takes an operator or keyword.
    pub(super) fn expect(&mut self, text: &str) -> Parse<Tok> {
        let token = self.peek()?;
        if matches!(token.kind, Kind::Op | Kind::Keyword) && self.tokenizer.text(&token) == text {
            self.mark += 1;
            return Ok(Some(self.mark - 1));
        }
        Ok(None)
    }

    /// Takes one of several operators or keywords.
    pub(super) fn expect_any(&mut self, texts: &[&str]) -> Parse<Tok> {
        for text in texts {
            if let Some(token) = self.expect(text)? {
                return Ok(Some(token));
            }
        }
        Ok(None)
    }

    /// Takes an operator or keyword, or raises.
    pub(super) fn force(&mut self, text: &str) -> Parse<Tok> {
        match self.expect(text)? {
            Some(token) => Ok(Some(token)),
            None => self.raise_at(self.token_place(self.mark), format!("expected '{text}'")),
        }
    }

    /// Takes a name that is a keyword here.
    pub(super) fn soft(&mut self, text: &str) -> Parse<Tok> {
        let token = self.peek()?;
        if token.kind == Kind::Name && self.tokenizer.text(&token) == text {
            self.mark += 1;
            return Ok(Some(self.mark - 1));
        }
        Ok(None)
    }

    /// Takes a name that is a keyword in some places.
    pub(super) fn soft_keyword(&mut self) -> Parse<Tok> {
        let token = self.peek()?;
        if token.kind == Kind::Name && SOFT_KEYWORDS.contains(&self.tokenizer.text(&token)) {
            self.mark += 1;
            return Ok(Some(self.mark - 1));
        }
        Ok(None)
    }

    /// Takes a token of a kind.
    pub(super) fn kind(&mut self, kind: Kind) -> Parse<Tok> {
        if self.peek()?.kind == kind {
            self.mark += 1;
            return Ok(Some(self.mark - 1));
        }
        Ok(None)
    }

    pub(super) fn name(&mut self) -> Parse {
        let token = need!(self.kind(Kind::Name));
        Ok(Some(self.node(token, What::Name(token))))
    }

    /// Whether an operator or keyword comes next.
    pub(super) fn sees(&mut self, text: &str) -> Result<bool, Stop> {
        let token = self.peek()?;
        Ok(matches!(token.kind, Kind::Op | Kind::Keyword) && self.tokenizer.text(&token) == text)
    }

    /// Whether one of several operators or keywords comes next.
    pub(super) fn sees_any(&mut self, texts: &[&str]) -> Result<bool, Stop> {
        let token = self.peek()?;
        let text = self.tokenizer.text(&token);
        Ok(matches!(token.kind, Kind::Op | Kind::Keyword) && texts.contains(&text))
    }

    pub(super) fn sees_kind(&mut self, kind: Kind) -> Result<bool, Stop> {
        Ok(self.peek()?.kind == kind)
    }

    /// Tries a rule; the mark stays where it was if it finds nothing.
    pub(super) fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let mark = self.mark;
        let result = rule(self)?;
        if result.is_none() {
            self.mark = mark;
        }
        Ok(result)
    }

    /// Whether a rule would find something here.
    pub(super) fn ahead<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parse<T>) -> Result<bool, Stop> {
        let mark = self.mark;
        let found = rule(self)?.is_some();
        self.mark = mark;
        Ok(found)
    }

    /// A rule as often as it finds something.
    pub(super) fn many<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Parse<T>) -> Result<Vec<T>, Stop> {
        let mut items = Vec::new();
        while let Some(item) = self.attempt(&mut rule)? {
            items.push(item);
        }
        Ok(items)
    }

    /// A rule at least once.
    pub(super) fn some<T>(&mut self, rule: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let items = self.many(rule)?;
        Ok(if items.is_empty() { None } else { Some(items) })
    }

    /// A rule at least once, with commas between.
    pub(super) fn commas<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut items = vec![need!(self.attempt(&mut rule))];
        while let Some(item) = self.attempt(|p| {
            need!(p.expect(","));
            rule(p)
        })? {
            items.push(item);
        }
        Ok(Some(items))
    }

    /// Looks a rule's result up, or finds and remembers it.
    pub(super) fn remember(&mut self, rule: Rule, find: impl FnOnce(&mut Self) -> Parse) -> Parse {
        let start = self.mark;
        if let Some(&(result, end)) = self.memo.get(&(rule, start)) {
            self.mark = end;
            return Ok(result);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let msg = "Parser stack overflowed - Python source too complex to parse";
            self.error = Some(crate::SyntaxError::new(ErrorClass::MemoryError, msg));
            return Err(Stop);
        }
        let result = self.attempt(find);
        self.depth -= 1;
        let result = result?;
        self.memo.insert((rule, start), (result, self.mark));
        Ok(result)
    }

    /// Runs a rule with the rules against mistakes switched off.
    pub(super) fn unwatched<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let before = std::mem::replace(&mut self.watchful, false);
        let result = rule(self);
        self.watchful = before;
        result
    }

    /// A rule against mistakes: it raises, or finds nothing. Skipped in the first pass.
    pub(super) fn watch(&mut self, rule: impl FnOnce(&mut Self) -> Parse<()>) -> Result<(), Stop> {
        if self.watchful {
            let mark = self.mark;
            rule(self)?;
            self.mark = mark;
        }
        Ok(())
    }

    /// A node from the token `start` to the last token taken.
    pub(super) fn node(&mut self, start: Tok, what: What) -> Node {
        self.node_of(start, what, Vec::new())
    }

    pub(super) fn node_of(&mut self, start: Tok, what: What, items: Vec<Node>) -> Node {
        let first = self.tokens[start];
        let last = self.tokens[..self.mark]
            .iter()
            .rev()
            .find(|token| !matches!(token.kind, Kind::Newline | Kind::Indent | Kind::Dedent | Kind::EndMarker));
        let last = last.copied().unwrap_or(first);
        let place = Place {
            lineno: first.lineno,
            col_offset: first.col_offset,
            end_lineno: last.end_lineno,
            end_col_offset: last.end_col_offset,
        };
        self.nodes.push(NodeData { what, place, items });
        Node(self.nodes.len() as u32 - 1)
    }

    pub(super) fn data(&self, node: Node) -> &NodeData {
        &self.nodes[node.0 as usize]
    }

    pub(super) fn place(&self, node: Node) -> Place {
        self.data(node).place
    }

    pub(super) fn token_place(&self, token: Tok) -> Place {
        let token = &self.tokens[token];
        Place {
            lineno: token.lineno,
            col_offset: token.col_offset,
            end_lineno: token.end_lineno,
            end_col_offset: token.end_col_offset,
        }
    }

    /// What error messages call a node.
    pub(super) fn called(&self, node: Node) -> &'static str {
        match self.data(node).what {
            What::Name(_) => "name",
            What::Attribute => "attribute",
            What::Subscript => "subscript",
            What::Starred => "starred",
            What::List => "list",
            What::Tuple => "tuple",
            What::CompareIn => "comparison",
            What::Arguments(_) => "function call",
            What::Other(name) => name,
        }
    }
}
